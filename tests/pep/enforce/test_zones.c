/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/zones.h"

#include <stdio.h>

#include "common/base/file.h"
#include "pib/policy/zone.h"
#include "tests/suite.h"

/* Seeds of the fuzzer for zone files stand for a tz database. */
#define FOLDER ZONE_FILES
#define WEEKS "good-rule-of-weeks"

enum { SUMMER = 1782864000 }; /* 2026-07-01 */

static int32_t ahead_by_file(const char *name)
{
	struct buffer octets;
	struct arena arena;
	struct zone zone;
	struct error e;
	int32_t ahead;
	int64_t until;
	char path[512];

	snprintf(path, sizeof path, "%s/%s", FOLDER, name);
	buffer_init(&octets, ZONE_FILE_MAX);
	arena_init(&arena, 1 << 20);
	ck_assert_msg(!file_read(path, &octets, NULL, &e), "%s", e.text);
	ck_assert_msg(!zone_parse(buffer_view(&octets), &arena, &zone, &e), "%s", e.text);
	zone_offset(&zone, SUMMER, &ahead, &until);
	arena_fini(&arena);
	buffer_fini(&octets);
	return ahead;
}

static bool ask(struct zones *z, const char *name, int32_t *ret_ahead)
{
	const struct policy_clock clock = zones_clock(z);
	int64_t until;

	return clock.offset(clock.context, name, SUMMER, ret_ahead, &until);
}

START_TEST(a_zone_is_what_its_file_says)
{
	struct zones *z = zones_new(FOLDER, FOLDER "/" WEEKS);
	int32_t ahead = -1;

	ck_assert_int_ne(ahead_by_file(WEEKS), 0);
	for (int again = 0; again < 2; again++) {
		ck_assert(ask(z, WEEKS, &ahead));
		ck_assert_int_eq(ahead, ahead_by_file(WEEKS));
		ck_assert(ask(z, "", &ahead));
		ck_assert_int_eq(ahead, ahead_by_file(WEEKS));
	}
	zones_free(z);
}
END_TEST

START_TEST(what_has_no_good_file_is_not_known)
{
	static const char *const names[] = {"no-such-zone", "bad-truncated", "../zone/" WEEKS,
	                                    "./" WEEKS, FOLDER "/" WEEKS, "good rule"};
	struct zones *z = zones_new(FOLDER, FOLDER "/bad-truncated");
	int32_t ahead;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		ck_assert_msg(!ask(z, names[i], &ahead), "%s", names[i]);
	ck_assert(!ask(z, "", &ahead));
	zones_free(z);
}
END_TEST

START_TEST(a_node_without_a_zone_has_utc)
{
	struct zones *z = zones_new(FOLDER, FOLDER "/no-such-file");
	int32_t ahead = -1;

	ck_assert(ask(z, "", &ahead));
	ck_assert_int_eq(ahead, 0);
	zones_free(z);
}
END_TEST

START_TEST(zones_have_a_limit)
{
	struct zones *z = zones_new(FOLDER, FOLDER "/" WEEKS);
	int32_t ahead;
	char name[32];

	for (int i = 0; i < ZONES_MAX; i++) {
		snprintf(name, sizeof name, "none-%d", i);
		ck_assert(!ask(z, name, &ahead));
	}
	ck_assert(!ask(z, WEEKS, &ahead));
	zones_free(z);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/enforce/zones");
	TCase *t = tcase_create("zones");

	tcase_add_test(t, a_zone_is_what_its_file_says);
	tcase_add_test(t, what_has_no_good_file_is_not_known);
	tcase_add_test(t, a_node_without_a_zone_has_utc);
	tcase_add_test(t, zones_have_a_limit);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
