/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "common/trace/live.h"
#include "tests/suite.h"

static unsigned changes;
static bool wanted;

static void on_wanted(void *context, bool now)
{
	(void)context;
	changes++;
	wanted = now;
}

static enum err ask(struct trace_live *t, json_int_t from, uint64_t now, json_t **ret)
{
	json_t *request = from ? json_pack("{s:I}", "from", from) : json_object();
	struct error e;
	enum err err = trace_live_answer(t, request, now, ret, &e);

	json_decref(request);
	return err;
}

static json_int_t number(const json_t *reply, const char *key)
{
	return json_integer_value(json_object_get(reply, key));
}

START_TEST(messages_are_kept_while_somebody_asks)
{
	struct trace_live *t = trace_live_new(on_wanted, NULL);
	json_t *reply;
	json_int_t next;
	const json_t *m;

	/* Nobody asks: nothing is kept. */
	trace_live_put(t, true, "192.0.2.1:1", VIEW("early", 5), 0);
	ck_assert(!trace_live_is_wanted(t));
	ck_assert_int_eq(ask(t, 0, 1000, &reply), E_OK);
	ck_assert(wanted && trace_live_is_wanted(t));
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "messages")), 0);
	next = number(reply, "next");
	json_decref(reply);
	/* Nothing has come: whoever asks waits. */
	ck_assert_int_eq(ask(t, next, 1000, &reply), E_AGAIN);
	trace_live_put(t, true, "192.0.2.1:1", VIEW("\x01\x02", 2), 1001);
	trace_live_begin(t, false, "alice", 4, 1002);
	trace_live_more(t, VIEW("ab", 2));
	trace_live_more(t, VIEW("cdXX", 4));
	ck_assert_int_eq(ask(t, next, 1003, &reply), E_OK);
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "messages")), 2);
	m = json_array_get(json_object_get(reply, "messages"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(m, "octets")), "0102");
	ck_assert(json_is_true(json_object_get(m, "out")));
	m = json_array_get(json_object_get(reply, "messages"), 1);
	ck_assert_str_eq(json_string_value(json_object_get(m, "octets")), "61626364");
	ck_assert_str_eq(json_string_value(json_object_get(m, "peer")), "alice");
	ck_assert_int_eq(number(reply, "lost"), 0);
	next = number(reply, "next");
	json_decref(reply);
	/* Nobody asks any more. */
	trace_live_put(t, true, "x", VIEW("z", 1), 1003 + TRACE_IDLE_MS);
	ck_assert(trace_live_is_wanted(t));
	trace_live_put(t, true, "x", VIEW("z", 1), 1004 + TRACE_IDLE_MS);
	ck_assert(!wanted && changes == 2);
	trace_live_free(t);
}
END_TEST

START_TEST(what_is_too_much_makes_way_and_is_counted)
{
	struct trace_live *t = trace_live_new(NULL, NULL);
	size_t size = TRACE_MESSAGE_MAX + 1000;
	char *big = calloc(1, size);
	json_t *reply;
	json_int_t next, lost = 0, got = 0;
	const json_t *m;

	ck_assert_int_eq(ask(t, 0, 1, &reply), E_OK);
	next = number(reply, "next");
	json_decref(reply);
	for (int i = 0; i < 40; i++)
		trace_live_put(t, true, "x", VIEW(big, size), 2);
	trace_live_lost(t, 3);
	trace_live_put(t, true, "x", VIEW(big, 8), 2);
	while (ask(t, next, 3, &reply) == E_OK) {
		got += (json_int_t)json_array_size(json_object_get(reply, "messages"));
		lost += number(reply, "lost");
		m = json_array_get(json_object_get(reply, "messages"), 0);
		ck_assert_uint_le(strlen(json_string_value(json_object_get(m, "octets"))),
				  2 * TRACE_MESSAGE_MAX);
		ck_assert(number(m, "length") == (json_int_t)size || number(m, "length") == 8);
		next = number(reply, "next");
		json_decref(reply);
	}
	ck_assert_int_eq(got + lost, 44);
	ck_assert_int_gt(lost, 20);
	ck_assert_int_gt(got, 10);
	free(big);
	trace_live_free(t);
}
END_TEST

START_TEST(numbers_that_nobody_gave_out_are_refused)
{
	struct trace_live *t = trace_live_new(NULL, NULL);
	json_t *reply, *request = json_pack("{s:s}", "from", "1");
	struct error e;

	ck_assert_int_eq(ask(t, 2, 1, &reply), E_RANGE);
	ck_assert_int_eq(ask(t, -1, 1, &reply), E_RANGE);
	ck_assert_int_eq(trace_live_answer(t, request, 1, &reply, &e), E_RANGE);
	ck_assert(!trace_live_is_wanted(t));
	json_decref(request);
	trace_live_free(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("common/trace live");
	TCase *tc = tcase_create("live");

	tcase_add_test(tc, messages_are_kept_while_somebody_asks);
	tcase_add_test(tc, what_is_too_much_makes_way_and_is_counted);
	tcase_add_test(tc, numbers_that_nobody_gave_out_are_refused);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
