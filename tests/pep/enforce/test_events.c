/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happened, kept for whoever asks. */
#include "pep/enforce/events.h"

#include <string.h>

#include "tests/suite.h"

static struct events *events;
static unsigned told;
static json_t *answer;
static struct error error;

static void on_event(void *context)
{
	ck_assert_ptr_eq(context, &told);
	told++;
}

static void set_up(void)
{
	told = 0;
	events = events_new(on_event, &told);
}

static void tear_down(void)
{
	json_decref(answer);
	answer = NULL;
	events_free(events);
}

static void add(uint64_t index)
{
	events_add(events, &(struct event){.kind = EVENT_IN_FORCE, .index = index, .decision = 3});
}

/* 0: without a number. */
static enum err ask(json_int_t from)
{
	json_t *request = from ? json_pack("{s:I}", "from", from) : json_object();
	enum err err;

	json_decref(answer);
	answer = NULL;
	err = events_answer(events, request, &answer, &error);
	json_decref(request);
	return err;
}

static json_int_t number(const char *key)
{
	return json_integer_value(json_object_get(answer, key));
}

static json_int_t of_event(size_t i, const char *key)
{
	const json_t *event = json_array_get(json_object_get(answer, "events"), i);

	ck_assert_ptr_nonnull(event);
	return json_integer_value(json_object_get(event, key));
}

static size_t count(void)
{
	return json_array_size(json_object_get(answer, "events"));
}

START_TEST(who_asks_first_gets_what_is_kept_and_never_waits)
{
	ck_assert_int_eq(ask(0), E_OK);
	ck_assert_uint_eq(count(), 0);
	ck_assert_int_eq(number("next"), 1);
	add(20);
	add(21);
	ck_assert_uint_eq(told, 2);
	ck_assert_int_eq(ask(0), E_OK);
	ck_assert_uint_eq(count(), 2);
	ck_assert_int_eq(of_event(0, "index"), 20);
	ck_assert_int_eq(of_event(0, "decision"), 3);
	ck_assert_int_eq(of_event(0, "number"), 1);
	ck_assert_int_eq(of_event(1, "index"), 21);
	ck_assert_int_eq(number("next"), 3);
	ck_assert_int_eq(number("lost"), 0);
}
END_TEST

START_TEST(who_follows_waits_for_what_comes)
{
	ck_assert_int_eq(ask(1), E_AGAIN);
	add(20);
	ck_assert_int_eq(ask(1), E_OK);
	ck_assert_uint_eq(count(), 1);
	ck_assert_int_eq(ask(number("next")), E_AGAIN);
	add(21);
	ck_assert_int_eq(ask(2), E_OK);
	ck_assert_uint_eq(count(), 1);
	ck_assert_int_eq(of_event(0, "index"), 21);
}
END_TEST

START_TEST(no_more_than_the_limit_is_kept)
{
	for (uint64_t i = 1; i <= EVENTS_KEPT_MAX + 5; i++)
		add(i);
	ck_assert_int_eq(ask(0), E_OK);
	ck_assert_uint_eq(count(), EVENTS_KEPT_MAX);
	ck_assert_int_eq(number("lost"), 0);
	for (size_t i = 0; i < EVENTS_KEPT_MAX; i++) {
		ck_assert_int_eq(of_event(i, "index"), (json_int_t)i + 6);
		ck_assert_int_eq(of_event(i, "number"), (json_int_t)i + 6);
	}
	ck_assert_int_eq(ask(3), E_OK);
	ck_assert_int_eq(number("lost"), 3);
	ck_assert_int_eq(of_event(0, "number"), 6);
	ck_assert_int_eq(ask(6), E_OK);
	ck_assert_int_eq(number("lost"), 0);
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
	json_t *request = json_pack("{s:s}", "from", "1");

	add(20);
	ck_assert_int_eq(events_answer(events, request, &answer, &error), E_RANGE);
	json_decref(request);
	ck_assert_int_eq(ask(-1), E_RANGE);
	ck_assert_int_eq(ask(3), E_RANGE);
	ck_assert_int_eq(ask(2), E_AGAIN);
}
END_TEST

START_TEST(words_from_outside_are_text)
{
	struct event refused = {.kind = EVENT_REFUSED, .text = "set \xff is not signed"};
	const char *text;

	events_add(events, &refused);
	ck_assert_int_eq(ask(0), E_OK);
	text = json_string_value(json_object_get(
		json_array_get(json_object_get(answer, "events"), 0), "text"));
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "is not signed"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("events");
	TCase *c = tcase_create("events");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, who_asks_first_gets_what_is_kept_and_never_waits);
	tcase_add_test(c, who_follows_waits_for_what_comes);
	tcase_add_test(c, no_more_than_the_limit_is_kept);
	tcase_add_test(c, what_is_no_number_is_refused);
	tcase_add_test(c, words_from_outside_are_text);
	suite_add_tcase(s, c);
	return suite_main(s);
}
