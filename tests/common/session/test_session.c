/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session from its first octet on, in any pieces, and its security. */
#include "common/session/status.h"
#include "tests/common/cops/octets.h"
#include "tests/common/session/play.h"
#include "tests/suite.h"

START_TEST(a_life_of_a_session)
{
	struct pair p;
	struct play play;
	struct pdp_transaction t = {0};
	struct view prid = octets_of_hex("0008010106022b06000403010008010106022b0600040301");
	uint32_t number;

	begin(&p, &play);
	ck_assert_uint_eq(play.decision, 1);
	ck_assert_uint_eq(play.pdp.decision, 1);
	ck_assert_uint_eq(play.pep_seen[SESSION_SECURE], 1);

	/* An unsolicited decision with data. */
	t.installs = &prid;
	t.install_count = 1;
	ok(pdp_session_decide(p.pdp, play.state, &t, &number));
	ck_assert_uint_eq(number, 2);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "< DEC 4950 install\n> RPT 4950 solicited Success\n");
	ck_assert_uint_eq(play.pdp.decision, 2);

	/* A failure of later, then accounting. */
	ok(pep_session_tell(p.pep, play.handle, COPS_FAILURE, NULL, 0, p.now));
	pair_run(&p);
	ck_assert_uint_eq(play.pdp.decision, 0);
	ck_assert_uint_eq(play.pdp.report, COPS_FAILURE);
	ok(pep_session_tell(p.pep, play.handle, COPS_ACCOUNTING, &prid, 1, p.now));
	ck_assert_int_eq(
		pep_session_tell(p.pep, play.handle, COPS_SUCCESS, NULL, 0, p.now), E_RANGE);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> RPT 4950 Failure\n> RPT 4950 Accounting\n");

	/* Another request on the same handle. */
	ok(pep_session_update(p.pep, play.handle, &prid, 1, p.now));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> REQ 4950\n< DEC 4950 solicited null\n"
					 "> RPT 4950 solicited Success\n");

	ok(pep_session_delete(p.pep, play.handle, COPS_REASON_MANAGEMENT));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> DRQ 4950 2/0000\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_DELETED);
	ck_assert_uint_eq(play.pdp.code, COPS_REASON_MANAGEMENT);

	session_close(p.pep, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> CC 4950 11/0000\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pep.error.code, E_CLOSED);
	ck_assert_int_eq(play.pdp.kind, SESSION_CLIENT_CLOSED);
	ck_assert(session_is_closed(p.pep));
	ck_assert_int_eq(pep_session_open(p.pep, CT, NULL, p.now), E_CLOSED);
	octets_free(prid);
	pair_fini(&p);
}
END_TEST

/* Cut anywhere and joined anyhow, the same is said. */
START_TEST(octets_in_pieces_of_every_size)
{
	for (size_t cut = 1; cut < 80; cut++) {
		struct pair p;
		struct play play;

		set_up(&p, &play);
		p.cut = cut;
		pair_start(&p, PAIR_BOTH);
		ok(pep_session_open(p.pep, CT, NULL, p.now));
		pair_run(&p);
		ck_assert_str_eq(pair_trace(&p), LIFE);
		ck_assert(!session_in_message(p.pep) && !session_in_message(p.pdp));
		pair_fini(&p);
	}
}
END_TEST

START_TEST(messages_joined_in_one_delivery)
{
	struct pair p;
	struct play play;

	begin_pdp(&p, &play);
	pair_say_hex(&p, REQ REQ "1009000000000008"
				 "1009000000000008" REQ);
	ck_assert_str_eq(pair_trace(&p),
		"< DEC 4950 solicited null\n< DEC 4950 solicited null\n< KA\n< KA\n"
		"< DEC 4950 solicited null\n");
	pair_fini(&p);
}
END_TEST

static void note_sent(void *tapper, bool out, struct view message)
{
	if (out)
		buffer_put_view(tapper, message);
}

/* What goes out of its output; all, if it has no more. */
static void send_part(struct session *s, struct buffer *wire, size_t len)
{
	struct view out = session_output(s);

	if (out.len < len)
		len = out.len;
	buffer_put(wire, out.data, len);
	session_sent(s, len);
}

/* Half sent or not; but never with a large one, for that would be copied. */
START_TEST(small_messages_go_out_together)
{
	struct pair p;
	struct play play;
	struct pdp_transaction t = {.install_count = 1};
	struct view small = octets_of_hex("0008010106022b06000403010008010106022b0600040301"), big;
	struct buffer large, wire, said;
	uint32_t number;
	size_t one;

	begin(&p, &play);
	buffer_init(&large, 1 << 20);
	buffer_init(&wire, 1 << 20);
	buffer_init(&said, 1 << 20);
	session_set_tap(p.pdp, note_sent, &said);
	while (large.len < 20000)
		buffer_put_view(&large, small);
	big = buffer_view(&large);
	t.installs = &small;
	ok(pdp_session_decide(p.pdp, play.state, &t, &number));
	one = session_output(p.pdp).len;
	ok(pdp_session_decide(p.pdp, play.state, &t, &number));
	ck_assert_uint_eq(session_output(p.pdp).len, 2 * one);
	send_part(p.pdp, &wire, one / 2);
	ok(pdp_session_decide(p.pdp, play.state, &t, &number));
	ck_assert_uint_eq(session_output(p.pdp).len, 3 * one - one / 2);
	t.installs = &big;
	ok(pdp_session_decide(p.pdp, play.state, &t, &number));
	ck_assert_uint_eq(session_output(p.pdp).len, 3 * one - one / 2);
	while (session_output(p.pdp).len)
		send_part(p.pdp, &wire, SIZE_MAX);
	ck_assert(view_equal(buffer_view(&wire), buffer_view(&said)));
	buffer_fini(&said);
	buffer_fini(&wire);
	buffer_fini(&large);
	octets_free(small);
	pair_fini(&p);
}
END_TEST

START_TEST(a_message_in_part_is_known_as_such)
{
	struct pair p;
	struct play play;

	begin_pdp(&p, &play);
	pair_say_hex(&p, "10014950");
	ck_assert(session_in_message(p.pdp));
	pair_say_hex(&p, "00000018" HANDLE CONTEXT);
	ck_assert(!session_in_message(p.pdp));
	ck_assert_uint_eq(play.requests, 1);
	pair_fini(&p);
}
END_TEST

/* --- Security --- */

START_TEST(a_pdp_refuses_who_does_not_ask_for_tls)
{
	static const struct {
		const char *why, *hex, *trace;
	} cases[] = {
		{"a client-type at once", OPN, "< CC 15/1002\n"},
		{"something else at once", "1009000000000008", "< CC 15/1002\n"},
		{"HMAC instead",
			"100600000000003400140b01706570312e6578616d706c6500000000001810010000000100"
			"00000a"
			"fafa6f899a2dab4a944f4293",
			"< CC 15/1002\n"},
		{"an Integrity that nobody knows",
			"1006000000000018"
			"00080b0170657000"
			"0008100300000001",
			"< CC 13/1003\n"},
		{"the object without its flag",
			"1006000000000018"
			"00080b0170657000"
			"0008100200000000",
			"< CC 15/1002\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		struct play play;
		const char *trace;

		set_up(&p, &play);
		pair_start(&p, PAIR_PDP);
		pair_say_hex(&p, cases[i].hex);
		trace = pair_trace(&p);
		ck_assert_msg(!strcmp(trace, cases[i].trace), "%s: %s", cases[i].why, trace);
		ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
		pair_fini(&p);
	}
}
END_TEST

START_TEST(a_pdp_may_begin_with_tls_itself)
{
	struct pair p;
	struct play play;

	/* RFC 4261 section 5.2: OPN(0) without the object, CAT(0) with it. */
	set_up(&p, &play);
	p.hold_tls = true;
	pair_start(&p, PAIR_PDP);
	pair_say_hex(&p, "100600000000001000080b0170657000");
	ck_assert_str_eq(pair_trace(&p), "< CAT tls\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_START_TLS);
	pair_fini(&p);
}
END_TEST

START_TEST(a_plain_pdp_says_that_it_wants_no_security)
{
	struct pair p;
	struct play play;

	set_up(&p, &play);
	p.pdp_config.security = SESSION_PLAIN;
	pair_start(&p, PAIR_BOTH);
	ck_assert_str_eq(pair_trace(&p), "> OPN tls\n< CC 15/1000\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
	ck_assert_uint_eq(play.pep_seen[SESSION_CLIENT_CLOSED], 1);
	pair_fini(&p);
}
END_TEST

START_TEST(a_pep_refuses_to_go_on_without_tls)
{
	struct pair p;
	struct play play;

	set_up(&p, &play);
	pair_start(&p, PAIR_PEP);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_say_hex(&p, "100700000000001000080a010000001e");
	ck_assert_str_eq(pair_trace(&p), "> OPN tls\n> CC 15/1002\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pep.error.code, E_DENIED);
	pair_fini(&p);
}
END_TEST

/* What a man in the middle puts before the handshake must not be taken as said inside it. */
START_TEST(octets_in_clear_during_the_handshake_end_it)
{
	struct pair p;
	struct play play;

	set_up(&p, &play);
	p.hold_tls = true;
	pair_start(&p, PAIR_PEP);
	pair_say_hex(&p, "100700000000001800080a010000001e0008100200000001" CAT_30);
	ck_assert_str_eq(pair_trace(&p), "> OPN tls\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pep.error.code, E_DENIED);
	pair_fini(&p);

	set_up(&p, &play);
	p.hold_tls = true;
	pair_start(&p, PAIR_PDP);
	pair_say_hex(&p, "100600000000001800080b01706570000008100200000001" OPN);
	ck_assert_str_eq(pair_trace(&p), "< CAT tls\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
	pair_fini(&p);
}
END_TEST

START_TEST(a_second_negotiation_is_refused)
{
	struct pair p;
	struct play play;

	begin(&p, &play);
	session_free(p.pep);
	p.pep = NULL;
	pair_say_hex(&p, "100600000000001800080b01706570000008100200000001");
	ck_assert_str_eq(pair_trace(&p), "< CC 3/0000\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
	pair_fini(&p);
}
END_TEST

START_TEST(who_does_not_open_in_time_is_closed)
{
	struct pair p;
	struct play play;

	/* Neither before TLS, nor during, nor after it. */
	for (int stage = 0; stage < 3; stage++) {
		set_up(&p, &play);
		p.hold_tls = stage < 2;
		pair_start(&p, PAIR_PDP);
		if (stage > 0)
			pair_say_hex(&p, "100600000000001800080b01706570000008100200000001");
		pair_pass(&p, 29 * 1000);
		ck_assert(!session_is_closed(p.pdp));
		pair_pass(&p, 1000);
		ck_assert(session_is_closed(p.pdp));
		ck_assert_int_eq(play.pdp.error.code, E_TIMEOUT);
		pair_fini(&p);
	}
	/* And a PEP does not wait for ever for CAT or handshake. */
	for (int stage = 0; stage < 2; stage++) {
		set_up(&p, &play);
		p.hold_tls = true;
		pair_start(&p, PAIR_PEP);
		if (stage > 0)
			pair_say_hex(&p, "100700000000001800080a010000001e0008100200000001");
		pair_pass(&p, 30 * 1000);
		ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
		ck_assert_int_eq(play.pep.error.code, E_TIMEOUT);
		ck_assert_str_eq(
			pair_trace(&p), stage ? "> OPN tls\n" : "> OPN tls\n> CC 9/0000\n");
		pair_fini(&p);
	}
}
END_TEST

/* An octet every now and then is life, but no message. */
START_TEST(who_never_finishes_a_message_is_closed)
{
	static const char *const dribbled[] = {"10", "01", "49", "50"};
	struct play play;
	struct pair p;

	begin_pdp(&p, &play);
	for (size_t i = 0; i < 4; i++) {
		pair_say_hex(&p, dribbled[i]);
		pair_pass(&p, 9 * 1000);
		ck_assert_msg(session_is_closed(p.pdp) == (i == 3), "octet %zu", i);
	}
	ck_assert_str_eq(pair_trace(&p), "< CC 4950 9/0000\n");
	ck_assert_int_eq(play.pdp.error.code, E_TIMEOUT);
	ck_assert_uint_eq(session_counters(p.pdp)->limited[SESSION_LIMIT_SLOW], 1);
	pair_fini(&p);
	/* A whole one in time begins anew. */
	begin_pdp(&p, &play);
	for (int i = 0; i < 8; i++) {
		pair_say_hex(&p, "10090000");
		pair_pass(&p, 20 * 1000);
		pair_say_hex(&p, "00000008");
		ck_assert_str_eq(pair_trace(&p), "< KA\n");
	}
	pair_fini(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("session: session");
	TCase *c = tcase_create("session");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_life_of_a_session);
	tcase_add_test(c, octets_in_pieces_of_every_size);
	tcase_add_test(c, messages_joined_in_one_delivery);
	tcase_add_test(c, small_messages_go_out_together);
	tcase_add_test(c, a_message_in_part_is_known_as_such);
	tcase_add_test(c, a_pdp_refuses_who_does_not_ask_for_tls);
	tcase_add_test(c, a_pdp_may_begin_with_tls_itself);
	tcase_add_test(c, a_plain_pdp_says_that_it_wants_no_security);
	tcase_add_test(c, a_pep_refuses_to_go_on_without_tls);
	tcase_add_test(c, octets_in_clear_during_the_handshake_end_it);
	tcase_add_test(c, a_second_negotiation_is_refused);
	tcase_add_test(c, who_does_not_open_in_time_is_closed);
	tcase_add_test(c, who_never_finishes_a_message_is_closed);
	suite_add_tcase(s, c);
	return suite_main(s);
}
