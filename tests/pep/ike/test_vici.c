/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "pep/ike/vici_session.h"
#include "tests/suite.h"

enum { LIMIT = 1 << 20, PATIENCE = 1000 };

static struct buffer message;
static struct vici_session *session;
static struct error error;

static void setup(void)
{
	buffer_init(&message, LIMIT);
	session = vici_session_new();
	ck_assert_ptr_nonnull(session);
}

static void teardown(void)
{
	buffer_fini(&message);
	session = vici_session_free(session);
}

static void put_example(struct buffer *b)
{
	vici_put_text(b, "key1", "value%d", 1);
	vici_put_section(b, "section1");
	vici_put_section(b, "sub-section");
	vici_put_text(b, "key2", "value2");
	vici_put_section_end(b);
	vici_put_list(b, "list1");
	vici_put_item(b, view_of_string("item1"));
	vici_put_item(b, view_of_string("item2"));
	vici_put_list_end(b);
	vici_put_section_end(b);
}

/* The example of the protocol's description. */
START_TEST(a_message_has_the_octets_of_the_description)
{
	static const char octets[] = "\3\4key1\0\6value1"
				     "\1\10section1"
				     "\1\13sub-section"
				     "\3\4key2\0\6value2"
				     "\2"
				     "\4\5list1"
				     "\5\0\5item1"
				     "\5\0\5item2"
				     "\6"
				     "\2";

	put_example(&message);
	ck_assert(view_equal(buffer_view(&message), VIEW(octets, sizeof octets - 1)));
	ck_assert_int_eq(vici_check(buffer_view(&message), &error), E_OK);
}
END_TEST

START_TEST(what_was_written_is_found)
{
	struct view section, inner, list, value;
	struct vici_entry item;
	struct cursor c;
	uint64_t number;

	put_example(&message);
	vici_put_text(&message, "port", "500");
	vici_put_text(&message, "spi", "c0ffee00");
	vici_put_text(&message, "huge", "99999999999999999999");
	vici_put_text(&message, "none", "%s", "");
	ck_assert(vici_says(buffer_view(&message), "key1", "value1"));
	ck_assert(!vici_says(buffer_view(&message), "key1", "value"));
	ck_assert(!vici_says(buffer_view(&message), "key2", "value2"));
	ck_assert(vici_find(buffer_view(&message), VICI_SECTION, "section1", &section));
	ck_assert(!vici_find(buffer_view(&message), VICI_LIST, "section1", &section));
	ck_assert(vici_find(section, VICI_SECTION, "sub-section", &inner));
	ck_assert(vici_says(inner, "key2", "value2"));
	ck_assert(vici_find(section, VICI_LIST, "list1", &list));
	c = cursor_over(list);
	ck_assert(vici_next_entry(&c, &item));
	ck_assert_int_eq(item.kind, VICI_ITEM);
	ck_assert(view_equal(item.contents, view_of_string("item1")));
	ck_assert(vici_next_entry(&c, &item));
	ck_assert(!vici_next_entry(&c, &item));
	ck_assert(vici_number(buffer_view(&message), "port", 10, &number));
	ck_assert_uint_eq(number, 500);
	ck_assert(vici_number(buffer_view(&message), "spi", 16, &number));
	ck_assert_uint_eq(number, 0xc0ffee00);
	ck_assert(!vici_number(buffer_view(&message), "spi", 10, &number));
	ck_assert(!vici_number(buffer_view(&message), "huge", 10, &number));
	ck_assert(!vici_number(buffer_view(&message), "none", 10, &number));
	ck_assert(vici_find(buffer_view(&message), VICI_VALUE, "none", &value));
	ck_assert_uint_eq(value.len, 0);
}
END_TEST

/* A message that ends anywhere but between two elements of its outermost level is refused. */
START_TEST(a_message_cut_at_any_octet_is_whole_or_refused)
{
	static const size_t whole[] = {0, 14, 77};
	size_t next = 0;

	put_example(&message);
	ck_assert_uint_eq(message.len, whole[2]);
	for (size_t len = 0; len <= message.len; len++) {
		enum err err = vici_check(VIEW(message.data, len), &error);

		if (next < 3 && len == whole[next]) {
			ck_assert_int_eq(err, E_OK);
			next++;
		} else {
			ck_assert_int_eq(err, E_TRUNCATED);
		}
	}
}
END_TEST

static const struct wrong {
	const char *octets;
	size_t len;
	enum err err;
} wrongs[] = {
	{"\0", 1, E_TYPE},
	{"\7", 1, E_TYPE},
	{"\2", 1, E_UNEXPECTED},                /* the end of no section */
	{"\6", 1, E_UNEXPECTED},                /* of no list */
	{"\5\0\1a", 4, E_UNEXPECTED},           /* an item without a list */
	{"\4\1l\3\1k\0\1v\6", 9, E_UNEXPECTED}, /* a value in a list */
	{"\4\1l\4\1m\6\6", 8, E_UNEXPECTED},    /* a list in a list */
	{"\4\1l\1\1s\2\6", 8, E_UNEXPECTED},    /* a section in a list */
	{"\1\1s\4\1l\2\6", 8, E_UNEXPECTED},    /* ends in the wrong order */
	{"\1\1s", 3, E_TRUNCATED},
	{"\4\1l", 3, E_TRUNCATED},
	{"\3\1k\377\377v", 6, E_TRUNCATED},
};

START_TEST(what_stands_in_the_wrong_place_is_refused)
{
	const struct wrong *w = &wrongs[_i];

	ck_assert_int_eq(vici_check(VIEW(w->octets, w->len), &error), w->err);
	ck_assert_str_ne(error.text, "");
}
END_TEST

START_TEST(sections_nest_as_deep_as_the_limit)
{
	for (int extra = 0; extra < 2; extra++) {
		buffer_reset(&message);
		for (int i = 0; i < VICI_DEPTH_MAX + extra; i++)
			vici_put_section(&message, "s");
		for (int i = 0; i < VICI_DEPTH_MAX + extra; i++)
			vici_put_section_end(&message);
		ck_assert_int_eq(vici_check(buffer_view(&message), &error), extra ? E_LIMIT : E_OK);
	}
}
END_TEST

START_TEST(what_is_too_long_to_be_said_fails)
{
	static char text[VICI_VALUE_MAX + 1];

	vici_put_value(&message, "k", VIEW(text, VICI_VALUE_MAX));
	ck_assert_int_eq(message.error, E_OK);
	vici_put_value(&message, "k", VIEW(text, sizeof text));
	ck_assert_int_eq(message.error, E_LIMIT);
	buffer_reset(&message);
	memset(text, 'n', VICI_NAME_MAX + 1);
	vici_put_section(&message, text);
	ck_assert_int_eq(message.error, E_LIMIT);
}
END_TEST

/* ---- Sessions ---- */

/* A packet as charon would send it. */
static void put_packet(struct buffer *b, uint8_t kind, const char *name, struct view contents)
{
	size_t name_len = name ? strlen(name) + 1 : 0;

	buffer_put_u32(b, (uint32_t)(1 + name_len + contents.len));
	buffer_put_u8(b, kind);
	if (name) {
		buffer_put_u8(b, (uint8_t)(name_len - 1));
		buffer_put(b, name, name_len - 1);
	}
	buffer_put_view(b, contents);
}

static void answer(uint8_t kind, const char *name, struct view contents)
{
	struct buffer b;

	buffer_init(&b, LIMIT);
	put_packet(&b, kind, name, contents);
	vici_receive(session, buffer_view(&b));
	buffer_fini(&b);
}

static uint32_t ask(const char *command, uint64_t now)
{
	uint32_t id;

	ck_assert_int_eq(
		vici_request(session, command, VIEW_NONE, PATIENCE, now, &id, &error), E_OK);
	return id;
}

static void send_all(void)
{
	vici_sent(session, vici_output(session).len);
}

static struct vici_event expect(enum vici_event_kind kind, uint64_t now)
{
	struct vici_event event;

	ck_assert(vici_next_event(session, now, &event));
	ck_assert_msg(event.kind == kind, "%d: %s", event.kind, event.error.text);
	return event;
}

static void expect_nothing(void)
{
	struct vici_event event;

	ck_assert(!vici_next_event(session, 0, &event));
}

static void expect_failure(enum err err)
{
	struct vici_event event = expect(VICI_SESSION_FAILED, 0);

	ck_assert_int_eq(event.error.code, err);
	ck_assert_str_ne(event.error.text, "");
	expect_nothing();
	ck_assert_uint_eq(vici_output(session).len, 0);
	ck_assert_uint_eq(vici_deadline(session), UINT64_MAX);
	ck_assert_int_eq(vici_request(session, "version", VIEW_NONE, 1, 0, &(uint32_t){0}, &error),
		E_CLOSED);
}

START_TEST(requests_go_out_one_after_the_other)
{
	static const char first[] = "\0\0\0\11\0\7version", second[] = "\0\0\0\7\0\5stats";
	uint32_t a = ask("version", 10), b = ask("stats", 20);

	ck_assert_uint_ne(a, b);
	ck_assert(view_equal(vici_output(session), VIEW(first, sizeof first - 1)));
	ck_assert_uint_eq(vici_deadline(session), 10 + PATIENCE);
	vici_sent(session, 5);
	ck_assert(view_equal(vici_output(session), VIEW(first + 5, sizeof first - 6)));
	send_all();
	ck_assert_uint_eq(vici_output(session).len, 0);
	put_example(&message);
	answer(1, NULL, buffer_view(&message));
	{
		struct vici_event event = expect(VICI_ANSWERED, 30);

		ck_assert_uint_eq(event.id, a);
		ck_assert(view_equal(event.message, buffer_view(&message)));
	}
	expect_nothing();
	ck_assert_uint_eq(vici_deadline(session), 30 + PATIENCE);
	ck_assert(view_equal(vici_output(session), VIEW(second, sizeof second - 1)));
	send_all();
	answer(2, NULL, VIEW_NONE);
	ck_assert_uint_eq(expect(VICI_REFUSED, 40).id, b);
	ck_assert_uint_eq(vici_waiting(session), 0);
	ck_assert_uint_eq(vici_deadline(session), UINT64_MAX);
}
END_TEST

START_TEST(events_come_in_between)
{
	uint32_t id;

	ck_assert_int_eq(vici_listen(session, "child-updown", PATIENCE, 0, &id, &error), E_OK);
	ck_assert_int_eq(vici_output(session).data[4], 3);
	send_all();
	answer(5, NULL, VIEW_NONE);
	ck_assert_uint_eq(expect(VICI_ANSWERED, 0).id, id);
	id = ask("list-sas", 0);
	send_all();
	put_example(&message);
	answer(7, "child-updown", buffer_view(&message));
	{
		struct vici_event event = expect(VICI_HAPPENED, 0);

		ck_assert(view_equal(event.name, view_of_string("child-updown")));
		ck_assert(view_equal(event.message, buffer_view(&message)));
	}
	answer(1, NULL, VIEW_NONE);
	ck_assert_uint_eq(expect(VICI_ANSWERED, 0).id, id);
	ck_assert_int_eq(vici_listen(session, "no-such", PATIENCE, 0, &id, &error), E_OK);
	send_all();
	answer(6, NULL, VIEW_NONE);
	ck_assert_uint_eq(expect(VICI_REFUSED, 0).id, id);
}
END_TEST

/* Answers, cut and joined at every octet. */
START_TEST(octets_may_come_in_any_pieces)
{
	struct buffer b;

	buffer_init(&b, LIMIT);
	put_example(&message);
	put_packet(&b, 7, "ike-updown", buffer_view(&message));
	put_packet(&b, 1, NULL, buffer_view(&message));
	put_packet(&b, 7, "ike-updown", VIEW_NONE);
	for (size_t cut = 0; cut <= b.len; cut++) {
		static const enum vici_event_kind kinds[] = {
			VICI_HAPPENED, VICI_ANSWERED, VICI_HAPPENED};
		struct vici_event event;
		size_t seen = 0;

		ask("list-sas", 0);
		send_all();
		for (int half = 0; half < 2; half++) {
			vici_receive(session,
				half ? VIEW(b.data + cut, b.len - cut) : VIEW(b.data, cut));
			while (vici_next_event(session, 0, &event)) {
				ck_assert_uint_lt(seen, 3);
				ck_assert_int_eq(event.kind, kinds[seen++]);
			}
		}
		ck_assert_uint_eq(seen, 3);
	}
	buffer_fini(&b);
}
END_TEST

START_TEST(a_late_answer_ends_the_session)
{
	ask("initiate", 100);
	send_all();
	vici_tick(session, 100 + PATIENCE - 1);
	expect_nothing();
	vici_tick(session, 100 + PATIENCE);
	answer(1, NULL, VIEW_NONE);
	expect_failure(E_TIMEOUT);
}
END_TEST

static const struct misbehaviour {
	const char *octets;
	size_t len;
	enum err err;
	bool asked;    /* a request is on its way */
	bool listened; /* it is one to listen */
} misbehaviours[] = {
	{"\0\0\0\0", 4, E_TRUNCATED, true, false},
	{"\0\10\0\1", 4, E_LIMIT, true, false},
	{"\377\377\377\377", 4, E_LIMIT, true, false},
	{"\0\0\0\1\0", 5, E_TYPE, true, false}, /* what only a client sends */
	{"\0\0\0\1\3", 5, E_TYPE, true, false},
	{"\0\0\0\1\4", 5, E_TYPE, true, false},
	{"\0\0\0\1\10", 5, E_TYPE, true, false},
	{"\0\0\0\1\1", 5, E_UNEXPECTED, false, false}, /* nobody has asked */
	{"\0\0\0\1\2", 5, E_UNEXPECTED, false, false},
	{"\0\0\0\1\5", 5, E_UNEXPECTED, true, false}, /* for this */
	{"\0\0\0\1\6", 5, E_UNEXPECTED, true, false},
	{"\0\0\0\1\1", 5, E_UNEXPECTED, true, true},
	{"\0\0\0\2\2x", 6, E_TRAILING, true, false},
	{"\0\0\0\2\5x", 6, E_TRAILING, true, true},
	{"\0\0\0\1\7", 5, E_TRUNCATED, true, false},
	{"\0\0\0\3\7\2x", 7, E_TRUNCATED, true, false},
	{"\0\0\0\2\1\2", 6, E_UNEXPECTED, true, false}, /* a broken message */
	{"\0\0\0\4\7\1x\11", 8, E_TYPE, true, false},
};

START_TEST(what_charon_may_not_say_ends_the_session)
{
	const struct misbehaviour *m = &misbehaviours[_i];

	if (m->listened)
		ck_assert_int_eq(
			vici_listen(session, "x", PATIENCE, 0, &(uint32_t){0}, &error), E_OK);
	else if (m->asked)
		ask("version", 0);
	send_all();
	vici_receive(session, VIEW(m->octets, m->len));
	expect_failure(m->err);
}
END_TEST

START_TEST(an_answer_to_half_a_request_ends_the_session)
{
	ask("version", 0);
	vici_sent(session, 3);
	answer(1, NULL, VIEW_NONE);
	expect_failure(E_UNEXPECTED);
}
END_TEST

START_TEST(a_lost_connection_is_said_once)
{
	struct error why;

	ask("version", 0);
	ask("stats", 0);
	error_set(&why, E_CLOSED, "charon has gone");
	vici_hang_up(session, &why);
	ck_assert_uint_eq(vici_waiting(session), 2);
	expect_failure(E_CLOSED);
}
END_TEST

START_TEST(requests_wait_up_to_a_limit)
{
	static char large[VICI_PACKET_MAX];
	uint32_t id;

	ck_assert_int_eq(vici_request(session, "load-key", VIEW(large, sizeof large), PATIENCE, 0,
				 &id, &error),
		E_LIMIT);
	for (int i = 0; i < VICI_WAITING_MAX; i++)
		ask("version", 0);
	ck_assert_int_eq(
		vici_request(session, "version", VIEW_NONE, PATIENCE, 0, &id, &error), E_LIMIT);
	ck_assert_uint_eq(vici_waiting(session), VICI_WAITING_MAX);
}
END_TEST

START_TEST(large_requests_wait_up_to_a_limit)
{
	static char large[VICI_PACKET_MAX / 2];
	uint32_t id;
	size_t count = 0;

	while (vici_request(session, "load-key", VIEW(large, sizeof large), PATIENCE, 0, &id,
		       &error) == E_OK)
		count++;
	ck_assert_int_eq(error.code, E_LIMIT);
	ck_assert_uint_eq(count, VICI_OUTPUT_MAX / (sizeof large + 4 + 2 + strlen("load-key")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vici");
	TCase *messages = tcase_create("messages"), *sessions = tcase_create("sessions");

	tcase_add_checked_fixture(messages, setup, teardown);
	tcase_add_test(messages, a_message_has_the_octets_of_the_description);
	tcase_add_test(messages, what_was_written_is_found);
	tcase_add_test(messages, a_message_cut_at_any_octet_is_whole_or_refused);
	tcase_add_loop_test(messages, what_stands_in_the_wrong_place_is_refused, 0,
		sizeof wrongs / sizeof *wrongs);
	tcase_add_test(messages, sections_nest_as_deep_as_the_limit);
	tcase_add_test(messages, what_is_too_long_to_be_said_fails);
	suite_add_tcase(suite, messages);
	tcase_add_checked_fixture(sessions, setup, teardown);
	tcase_add_test(sessions, requests_go_out_one_after_the_other);
	tcase_add_test(sessions, events_come_in_between);
	tcase_add_test(sessions, octets_may_come_in_any_pieces);
	tcase_add_test(sessions, a_late_answer_ends_the_session);
	tcase_add_loop_test(sessions, what_charon_may_not_say_ends_the_session, 0,
		sizeof misbehaviours / sizeof *misbehaviours);
	tcase_add_test(sessions, an_answer_to_half_a_request_ends_the_session);
	tcase_add_test(sessions, a_lost_connection_is_said_once);
	tcase_add_test(sessions, requests_wait_up_to_a_limit);
	tcase_add_test(sessions, large_requests_wait_up_to_a_limit);
	suite_add_tcase(suite, sessions);
	return suite_main(suite);
}
