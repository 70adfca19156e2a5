/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time zones, beside the C library's reading of the same database. */
#include "pib/policy/zone.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/file.h"
#include "pib/policy/periods.h"
#include "tests/pib/flow/random_flows.h"
#include "tests/suite.h"

enum { SEED = 77, MOMENTS = 400 };

static struct arena arena;
static struct error error;

static void setup(void)
{
	arena_init(&arena, 1 << 20);
}

static void teardown(void)
{
	arena_fini(&arena);
}

/* ---- Made by hand ---- */

struct made {
	uint8_t version;
	const int64_t *times;
	const uint8_t *types;
	uint32_t count;
	uint32_t leaps;
	const char *footer;
};

static void put_header(struct buffer *b, const struct made *m, uint32_t times, uint32_t types)
{
	buffer_put(b, "TZif", 4);
	buffer_put_u8(b, m->version);
	buffer_put_zeros(b, 15);
	buffer_put_u32(b, 0);
	buffer_put_u32(b, 0);
	buffer_put_u32(b, m->leaps);
	buffer_put_u32(b, times);
	buffer_put_u32(b, types);
	buffer_put_u32(b, 4);
}

/* Two types: an hour ahead, and two. */
static void put_zone(struct buffer *b, const struct made *m)
{
	struct made empty = *m;

	empty.leaps = 0;
	put_header(b, &empty, 0, 1);
	buffer_put_zeros(b, 6 + 4);
	put_header(b, m, m->count, 2);
	for (uint32_t i = 0; i < m->count; i++)
		buffer_put_u64(b, (uint64_t)m->times[i]);
	for (uint32_t i = 0; i < m->count; i++)
		buffer_put_u8(b, m->types[i]);
	for (uint32_t i = 1; i <= 2; i++) {
		buffer_put_u32(b, i * 3600);
		buffer_put_u8(b, i == 2);
		buffer_put_u8(b, 0);
	}
	buffer_put(b, "X\0Y", 4);
	buffer_put_text(b, "\n%s\n", m->footer);
}

static enum err parse(const struct made *m, struct zone *ret)
{
	struct buffer b;
	enum err err;

	buffer_init(&b, 1 << 16);
	put_zone(&b, m);
	err = zone_parse(buffer_view(&b), &arena, ret, &error);
	buffer_fini(&b);
	return err;
}

START_TEST(transitions_come_before_the_rule)
{
	const int64_t times[] = {1000, 2000};
	const uint8_t types[] = {1, 0};
	const struct made made = {'2', times, types, 2, 0, "CET-1CEST,M3.5.0,M10.5.0/3"};
	struct zone zone;
	int64_t until;
	int32_t ahead;

	ck_assert_msg(parse(&made, &zone) == E_OK, "%s", error.text);
	zone_offset(&zone, 999, &ahead, &until);
	ck_assert_int_eq(ahead, 3600);
	ck_assert_int_eq(until, 999);
	zone_offset(&zone, 1000, &ahead, &until);
	ck_assert_int_eq(ahead, 7200);
	ck_assert_int_eq(until, 1999);
	/* 2026-03-29 01:00 UTC, and the second before. */
	zone_offset(&zone, 1774746000 - 1, &ahead, &until);
	ck_assert_int_eq(ahead, 3600);
	ck_assert_int_eq(until, 1774746000 - 1);
	zone_offset(&zone, 1774746000, &ahead, &until);
	ck_assert_int_eq(ahead, 7200);
	ck_assert_int_eq(until, 1792890000 - 1);
}
END_TEST

/* Day 60 without leap days is always the first of March; day 59 counted from 0 is not. */
START_TEST(days_of_the_year_are_counted_in_two_ways)
{
	const struct made without = {'3', NULL, NULL, 0, 0, "AAA0BBB,J60/0,J300/0"};
	const struct made with = {'3', NULL, NULL, 0, 0, "AAA0BBB,59/0,J300/0"};
	const int64_t march = 1835481600;    /* 2028-03-01 00:00 UTC, of a leap year */
	const int64_t february = 1835395200; /* the 29th */
	struct zone zone;
	int64_t until;
	int32_t ahead;

	ck_assert_int_eq(parse(&without, &zone), E_OK);
	zone_offset(&zone, march - 1, &ahead, &until);
	ck_assert_int_eq(ahead, 0);
	ck_assert_int_eq(until, march - 1);
	ck_assert_int_eq(parse(&with, &zone), E_OK);
	zone_offset(&zone, february - 1, &ahead, &until);
	ck_assert_int_eq(ahead, 0);
	ck_assert_int_eq(until, february - 1);
}
END_TEST

static const struct {
	const char *footer;
	bool good;
} footers[] = {
	{"", true},
	{"UTC0", true},
	{"<+0330>-3:30", true},
	{"EST5EDT,M3.2.0,M11.1.0", true},
	{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", true},
	{"IST-2IDT,M3.4.4/26,M10.5.0", true},
	{"AAA3BBB2,J60/2:30:15,300", true},
	{"EST5EDT", false},
	{"EST5EDT,M3.2.0", false},
	{"EST5EDT,M3.2.0,M11.1.0x", false},
	{"EST5EDT,M13.2.0,M11.1.0", false},
	{"EST5EDT,M3.6.0,M11.1.0", false},
	{"EST5EDT,M3.0.0,M11.1.0", false},
	{"EST5EDT,M3.2.7,M11.1.0", false},
	{"EST5EDT,J0,M11.1.0", false},
	{"EST5EDT,J366,M11.1.0", false},
	{"EST5EDT,366,M11.1.0", false},
	{"EST5EDT,M3.2.0/168,M11.1.0", false},
	{"ES5", false},
	{"<EST5", false},
	{"EST", false},
	{"EST25", false},
	{"EST5:60", false},
};

START_TEST(a_rule_is_read_strictly)
{
	const struct made made = {'3', NULL, NULL, 0, 0, footers[_i].footer};
	struct zone zone;

	ck_assert_int_eq(parse(&made, &zone) == E_OK, footers[_i].good);
}
END_TEST

START_TEST(what_is_no_zone_is_refused)
{
	const int64_t back[] = {2000, 1000};
	const int64_t times[] = {1000};
	const uint8_t types[] = {1, 0}, third[] = {2};
	const struct made leaps = {'2', NULL, NULL, 0, 1, "UTC0"};
	const struct made first = {0, NULL, NULL, 0, 0, "UTC0"};
	const struct made backward = {'2', back, types, 2, 0, "UTC0"};
	const struct made no_type = {'2', times, third, 1, 0, "UTC0"};
	const struct made good = {'2', times, types, 1, 0, "UTC0"};
	struct buffer b;
	struct zone zone;

	ck_assert_int_eq(parse(&leaps, &zone), E_UNSUPPORTED);
	ck_assert_int_eq(parse(&first, &zone), E_UNSUPPORTED);
	ck_assert_int_eq(parse(&backward, &zone), E_SYNTAX);
	ck_assert_int_eq(parse(&no_type, &zone), E_SYNTAX);
	ck_assert_int_eq(parse(&good, &zone), E_OK);
	buffer_init(&b, 1 << 16);
	put_zone(&b, &good);
	for (size_t len = 0; len < buffer_view(&b).len; len++)
		ck_assert_int_ne(
			zone_parse(VIEW(buffer_view(&b).data, len), &arena, &zone, &error), E_OK);
	buffer_fini(&b);
}
END_TEST

/* ---- Beside the C library ---- */

static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
	"Asia/Kolkata", "America/Santiago", "Africa/Casablanca", "Pacific/Apia", "Europe/Dublin",
	"Antarctica/Troll", "Asia/Jerusalem", "America/Nuuk", "UTC"};

START_TEST(zones_agree_with_the_c_library)
{
	struct random r = {(uint64_t)(SEED + _i)};
	struct zone zone;
	struct buffer file;
	char path[128];

	fprintf(stderr, "seed %d\n", SEED + _i);
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", names[_i]);
	buffer_init(&file, ZONE_FILE_MAX);
	if (file_read(path, &file, NULL, &error)) {
		fprintf(stderr, "no %s here: not compared\n", path);
		buffer_fini(&file);
		return;
	}
	ck_assert_msg(zone_parse(buffer_view(&file), &arena, &zone, &error) == E_OK, "%s: %s",
		names[_i], error.text);
	buffer_fini(&file);
	setenv("TZ", names[_i], 1);
	tzset();
	for (int i = 0; i < MOMENTS; i++) {
		/* From 1900 to 2300, and one moment at a border. */
		int64_t utc = (int64_t)random_below(&r, 1u << 30) * 12 - INT64_C(2208988800);
		int64_t until;
		int32_t ahead;

		for (int j = 0; j < 3; j++) {
			time_t at = (time_t)utc;
			struct tm tm;

			localtime_r(&at, &tm);
			zone_offset(&zone, utc, &ahead, &until);
			ck_assert_msg(ahead == tm.tm_gmtoff, "%s at %jd: %d, not %ld", names[_i],
				(intmax_t)utc, ahead, tm.tm_gmtoff);
			ck_assert_int_ge(until, utc);
			if (until == INT64_MAX)
				break;
			utc = j == 0 ? until : until + 1;
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/policy/zone");
	TCase *c = tcase_create("zone");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, transitions_come_before_the_rule);
	tcase_add_loop_test(c, a_rule_is_read_strictly, 0, (int)(sizeof footers / sizeof *footers));
	tcase_add_test(c, days_of_the_year_are_counted_in_two_ways);
	tcase_add_test(c, what_is_no_zone_is_refused);
	tcase_add_loop_test(
		c, zones_agree_with_the_c_library, 0, (int)(sizeof names / sizeof *names));
	suite_add_tcase(s, c);
	return suite_main(s);
}
