/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The octets of a time zone's file.
 *
 * Reaches: zone_parse with its footer, zone_offset, calendar_date_of and calendar_day_of.
 */
#include "pib/policy/calendar.h"
#include "pib/policy/zone.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_MAX = 1 << 22 };

/* What holds until a second holds at that second, and the next one has an answer too. */
static void ask(const struct zone *zone, int64_t utc)
{
	int64_t until, again;
	int32_t ahead, then;

	for (int i = 0; i < 4; i++) {
		zone_offset(zone, utc, &ahead, &until);
		REQUIRE(until >= utc && ahead > -ZONE_AHEAD_MAX && ahead < ZONE_AHEAD_MAX);
		zone_offset(zone, until, &then, &again);
		REQUIRE(again == until && then == ahead);
		if (until == INT64_MAX)
			break;
		utc = until + 1;
	}
}

static void same_day(int64_t day)
{
	struct calendar_date date = calendar_date_of(day);

	REQUIRE(calendar_day_of(&date) == day);
	REQUIRE(date.day < calendar_month_length(date.year, date.month));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* 1901, 1970, 2001, 2033, 2286 and 4001. */
	static const int64_t moments[] = {
		-2177452800, 0, 1000000000, 2000000000, 9999999999, 64092211200};
	struct view input = fuzz_copy(VIEW(data, size));
	struct zone zone;
	struct arena arena;
	struct error e;

	arena_init(&arena, ARENA_MAX);
	fuzz_accepted = zone_parse(input, &arena, &zone, &e) == E_OK;
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		same_day(moments[i] / CALENDAR_DAY);
		if (fuzz_accepted)
			ask(&zone, moments[i]);
	}
	arena_fini(&arena);
	fuzz_free(input);
	return 0;
}
