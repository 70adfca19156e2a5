/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When rules count. Times are those of the C library's calendar, which is not used by the code. */
#include "pib/policy/periods.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pib/policy/calendar.h"
#include "tests/pib/policy/random_policies.h"
#include "tests/pib/policy/sets.h"
#include "tests/suite.h"

enum { SEED = 1200, ROUNDS = 300, HOUR = 3600 };

static struct rows rows;

static void setup(void)
{
	set_sample(&rows);
}

static int64_t utc_of(const char *text)
{
	struct tm tm = {0};

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return timegm(&tm);
}

/* ---- Zones ---- */

/* A zone with one jump forth and one back a year, as in the middle of Europe: one hour ahead, two
 * from 2026-03-29 01:00:00 to 2026-10-25 01:00:00 UTC. */
static bool offset(
	void *context, const char *zone, int64_t utc, int32_t *ret_ahead, int64_t *ret_until)
{
	const int64_t forth = utc_of("2026-03-29 01:00:00");
	const int64_t back = utc_of("2026-10-25 01:00:00");

	(void)context;
	if (strcmp(zone, "Europe/Berlin") != 0)
		return false;
	*ret_ahead = utc >= forth && utc < back ? 2 * HOUR : HOUR;
	*ret_until = utc < forth ? forth - 1 : utc < back ? back - 1 : INT64_MAX;
	return true;
}

static const struct policy_clock clock_berlin = {offset, NULL};

/* ---- From rows to periods ---- */

struct said {
	const char *range;
	uint16_t months;  /* bit 0 = January; 0 = not said */
	uint32_t days;    /* bit 0 = the first */
	uint8_t weekdays; /* bit 0 = Sunday */
	const char *times;
	const char *zone; /* NULL: UTC */
	uint32_t days_from_end;
	bool negated;
};

static void say(struct pri *pri, unsigned attribute, uint32_t mask)
{
	if (mask)
		pri_set_bits(pri, attribute, mask);
	else
		pri_set_null(pri, attribute);
}

static void say_text(struct pri *pri, unsigned attribute, const char *text)
{
	if (text)
		pri_set_text(pri, attribute, text);
	else
		pri_set_null(pri, attribute);
}

static void add_period(uint32_t instance, const struct said *said)
{
	struct pri *p = rows_add(&rows, PIB_ipSecRuleTimePeriodSet, instance);

	pri_set_u32(p, ipSecRuleTimePeriodSetRuleTimePeriodSetId, 50);
	pri_set_u32(p, ipSecRuleTimePeriodSetRuleTimePeriodId, instance);
	p = rows_add(&rows, PIB_ipSecRuleTimePeriod, instance);
	say_text(p, ipSecRuleTimePeriodTimePeriod, said->range);
	say(p, ipSecRuleTimePeriodMonthOfYearMask, said->months);
	say(p, ipSecRuleTimePeriodDayOfMonthMask, said->days);
	say(p, ipSecRuleTimePeriodDayOfWeekMask, said->weekdays);
	say_text(p, ipSecRuleTimePeriodTimeOfDayMask, said->times);
	pri_set_i32(p, ipSecRuleTimePeriodLocalOrUtcTime,
		said->zone ? ipSecRuleTimePeriodLocalOrUtcTime_localTime
			   : ipSecRuleTimePeriodLocalOrUtcTime_utcTime);
	p = rows_add(&rows, PIB_copsecTimePeriod, instance);
	pri_set_text(p, copsecTimePeriodZone, said->zone ? said->zone : "");
	pri_set_bits(p, copsecTimePeriodDayFromEndMask, said->days_from_end);
	pri_set_bool(p, copsecTimePeriodNegated, said->negated);
}

static struct policy *policy_saying(const struct said *said, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_period((uint32_t)i + 1, &said[i]);
	pri_set_u32(rows_get(&rows, PIB_ipSecRule, 1), ipSecRuleIpSecRuleTimePeriodGroupId, 50);
	return set_policy(&rows);
}

static const struct {
	const char *why;
	struct said said;
	const char *moment;
	enum policy_counts counts;
} moments[] = {
	{"nothing said is always", {0}, "2026-06-01 12:00:00", true},
	{"the first second", {.range = "20260601T120000/20260601T130000"}, "2026-06-01 12:00:00",
		true},
	{"before it", {.range = "20260601T120000/20260601T130000"}, "2026-06-01 11:59:59", false},
	{"the last second", {.range = "20260601T120000/20260601T130000"}, "2026-06-01 13:00:00",
		true},
	{"after it", {.range = "20260601T120000/20260601T130000"}, "2026-06-01 13:00:01", false},
	{"open behind", {.range = "20260601T120000/THISANDFUTURE"}, "2999-01-01 00:00:00", true},
	{"open before", {.range = "THISANDPRIOR/20260601T120000"}, "1971-01-01 00:00:00", true},
	{"open before, over", {.range = "THISANDPRIOR/20260601T120000"}, "2026-06-01 12:00:01",
		false},
	{"the month", {.months = 1 << 5}, "2026-06-30 23:59:59", true},
	{"another month", {.months = 1 << 5}, "2026-07-01 00:00:00", false},
	{"the leap day", {.days = 1u << 28}, "2028-02-29 12:00:00", true},
	{"no leap day", {.days = 1u << 28}, "2100-03-01 12:00:00", false},
	{"Monday", {.weekdays = 1 << 1}, "2026-06-01 12:00:00", true},
	{"not Sunday", {.weekdays = 1 << 0}, "2026-06-01 12:00:00", false},
	{"Thursday of the epoch", {.weekdays = 1 << 4}, "1970-01-01 00:00:00", true},
	{"the last day", {.days_from_end = 1}, "2026-02-28 00:00:00", true},
	{"the last of a leap year", {.days_from_end = 1}, "2028-02-28 00:00:00", false},
	{"either end", {.days = 1, .days_from_end = 1}, "2026-04-01 00:00:00", true},
	{"the other end", {.days = 1, .days_from_end = 1}, "2026-04-30 00:00:00", true},
	{"neither end", {.days = 1, .days_from_end = 1}, "2026-04-29 00:00:00", false},
	{"working hours", {.times = "T080000/T170000"}, "2026-06-01 17:00:00", true},
	{"after work", {.times = "T080000/T170000"}, "2026-06-01 17:00:01", false},
	{"over midnight, late", {.times = "T220000/T060000"}, "2026-06-01 23:30:00", true},
	{"over midnight, early", {.times = "T220000/T060000"}, "2026-06-01 06:00:00", true},
	{"over midnight, at noon", {.times = "T220000/T060000"}, "2026-06-01 12:00:00", false},
	{"on the day alone", {.weekdays = 1 << 1, .times = "T220000/T060000"},
		"2026-06-02 01:00:00", false},
	{"early on the day", {.weekdays = 1 << 1, .times = "T220000/T060000"},
		"2026-06-01 01:00:00", true},
	{"all must hold", {.months = 1 << 5, .weekdays = 1 << 2}, "2026-06-01 12:00:00", false},
	{"local time in winter", {.times = "T080000/T090000", .zone = "Europe/Berlin"},
		"2026-01-15 07:30:00", true},
	{"local time in summer", {.times = "T080000/T090000", .zone = "Europe/Berlin"},
		"2026-07-15 06:30:00", true},
	{"not UTC in summer", {.times = "T080000/T090000", .zone = "Europe/Berlin"},
		"2026-07-15 08:30:00", false},
	{"the hour that is jumped over", {.times = "T023000/T023100", .zone = "Europe/Berlin"},
		"2026-03-29 01:30:00", false},
	{"the hour that comes twice, first", {.times = "T023000/T023100", .zone = "Europe/Berlin"},
		"2026-10-25 00:30:30", true},
	{"and second", {.times = "T023000/T023100", .zone = "Europe/Berlin"}, "2026-10-25 01:30:30",
		true},
	{"a zone that nobody knows", {.zone = "Nowhere/Land"}, "2026-06-01 12:00:00",
		POLICY_MAY_COUNT},
};

START_TEST(a_period_counts_when_all_that_it_says_holds)
{
	struct policy *policy = policy_saying(&moments[_i].said, 1);
	const struct policy_schedule *schedule = policy->rules[0].schedule;

	ck_assert_ptr_nonnull(schedule);
	ck_assert_ptr_null(policy->rules[1].schedule);
	ck_assert_msg(policy_schedule_counts(schedule, utc_of(moments[_i].moment), &clock_berlin) ==
			      moments[_i].counts,
		"%s", moments[_i].why);
	policy_free(policy);
}
END_TEST

START_TEST(periods_are_ored_and_an_exception_beats_them)
{
	static const struct said said[] = {
		{.weekdays = 1 << 1},
		{.weekdays = 1 << 2},
		{.range = "20260602T000000/20260602T235959", .negated = true},
	};
	struct policy *policy = policy_saying(said, 3);
	const struct policy_schedule *s = policy->rules[0].schedule;

	ck_assert_uint_eq(s->count, 3);
	ck_assert_int_eq(policy_schedule_counts(s, utc_of("2026-06-01 12:00:00"), NULL),
		POLICY_COUNTS);
	ck_assert_int_eq(policy_schedule_counts(s, utc_of("2026-06-02 12:00:00"), NULL),
		POLICY_COUNTS_NOT);
	ck_assert_int_eq(policy_schedule_counts(s, utc_of("2026-06-09 12:00:00"), NULL),
		POLICY_COUNTS);
	ck_assert_int_eq(policy_schedule_counts(s, utc_of("2026-06-10 12:00:00"), NULL),
		POLICY_COUNTS_NOT);
	ck_assert_int_eq(policy_schedule_counts(NULL, 0, NULL), POLICY_COUNTS);
	policy_free(policy);
}
END_TEST

/* ---- Zones that nobody knows ---- */

#define MONDAY {.weekdays = 1 << 1}
#define TUESDAY {.weekdays = 1 << 2}
#define SOMETIME {.zone = "Nowhere/Land"}
/* No two periods may say the same: all months are said, too. */
#define NOT_MONDAY {.months = 0xfff, .weekdays = 1 << 1, .negated = true}
#define NOT_SOMETIME {.months = 0xfff, .zone = "Nowhere/Land", .negated = true}

/* On a Monday. */
static const struct {
	struct said said[3];
	size_t count;
	enum policy_counts counts;
} unknown[] = {
	{{SOMETIME}, 1, POLICY_MAY_COUNT},
	{{SOMETIME, MONDAY}, 2, POLICY_COUNTS},
	{{SOMETIME, TUESDAY}, 2, POLICY_MAY_COUNT},
	{{SOMETIME, NOT_MONDAY}, 2, POLICY_COUNTS_NOT},
	{{MONDAY, NOT_SOMETIME}, 2, POLICY_MAY_COUNT},
	{{TUESDAY, NOT_SOMETIME}, 2, POLICY_COUNTS_NOT},
	{{SOMETIME, NOT_SOMETIME}, 2, POLICY_MAY_COUNT},
	{{MONDAY, SOMETIME, NOT_SOMETIME}, 3, POLICY_MAY_COUNT},
	{{MONDAY, NOT_SOMETIME, NOT_MONDAY}, 3, POLICY_COUNTS_NOT},
};

START_TEST(what_depends_on_an_unknown_zone_may_count)
{
	struct policy *policy = policy_saying(unknown[_i].said, unknown[_i].count);

	ck_assert_int_eq(policy_schedule_counts(policy->rules[0].schedule,
				 utc_of("2026-06-01 12:00:00"), &clock_berlin),
		unknown[_i].counts);
	policy_free(policy);
}
END_TEST

/* Each action, and what is no laxer than the rule, nor than its absence. */
START_TEST(what_may_count_is_never_laxer)
{
	static const struct said said = SOMETIME;
	struct policy_moment moment = {.utc = utc_of("2026-06-01 12:00:00"),
		.clock = &clock_berlin};
	struct policy *policy, *at;
	struct error error;

	/* The sample: rule 1 lets pass, rule 2 protects; both with this schedule. */
	pri_set_u32(
		rows_get(&rows, PIB_ipSecRule, 2), ipSecRuleIpSecRuleTimePeriodGroupId, 50);
	policy = policy_saying(&said, 1);
	ck_assert_int_eq(policy->rules[0].action, POLICY_BYPASS);
	ck_assert_int_eq(policy->rules[1].action, POLICY_PROTECT);
	ck_assert_ptr_eq(policy->rules[0].schedule, policy->rules[1].schedule);
	ck_assert_uint_eq(policy->schedule_count, 1);
	ck_assert_int_eq(policy_at(policy, &moment, &at, &error), E_OK);
	ck_assert_uint_eq(at->rule_count, 1);
	ck_assert_uint_eq(at->rules[0].instance, policy->rules[1].instance);
	ck_assert_int_eq(at->rules[0].action, POLICY_DISCARD);
	ck_assert_ptr_null(at->rules[0].protection);
	ck_assert_int_eq(at->rules[0].steps[0].kind, POLICY_STEP_DISCARD);
	ck_assert_int_eq(policy_next_change(policy, &moment), INT64_MAX);
	policy_free(at);
	policy_free(policy);

	pri_set_i32(rows_get(&rows, PIB_ipSecStaticAction, 1), ipSecStaticActionAction,
		ipSecStaticActionAction_discard);
	policy = set_policy(&rows);
	ck_assert_int_eq(policy->rules[0].action, POLICY_DISCARD);
	ck_assert_int_eq(policy_at(policy, &moment, &at, &error), E_OK);
	ck_assert_uint_eq(at->rule_count, 2);
	ck_assert_int_eq(at->rules[0].action, POLICY_DISCARD);
	policy_free(at);
	policy_free(policy);
}
END_TEST

static const struct {
	struct said said;
	const char *moment;
	const char *next; /* NULL: never */
} nexts[] = {
	{{.times = "T080000/T170000"}, "2026-06-01 12:00:00", "2026-06-01 17:00:01"},
	{{.times = "T080000/T170000"}, "2026-06-01 18:00:00", "2026-06-02 08:00:00"},
	{{.weekdays = 1 << 1, .times = "T080000/T170000"}, "2026-06-01 18:00:00",
		"2026-06-08 08:00:00"},
	{{.range = "20300101T000000/20300101T000009"}, "2026-06-01 18:00:00",
		"2030-01-01 00:00:00"},
	{{.range = "20260601T000000/20260601T000009"}, "2026-06-01 00:00:05",
		"2026-06-01 00:00:10"},
	{{.range = "20260601T000000/20260601T000009"}, "2026-06-01 00:00:10", NULL},
	{{.times = "T080000/T170000", .zone = "Europe/Berlin"}, "2026-03-28 18:00:00",
		"2026-03-29 06:00:00"},
	{{.times = "T014500/T024500", .zone = "Europe/Berlin"}, "2026-03-29 00:50:00",
		"2026-03-29 01:00:00"},
};

START_TEST(the_next_change_is_the_first)
{
	struct policy *policy = policy_saying(&nexts[_i].said, 1);
	struct policy_moment moment = {.utc = utc_of(nexts[_i].moment), .clock = &clock_berlin};
	int64_t expected = nexts[_i].next ? utc_of(nexts[_i].next) : INT64_MAX;

	ck_assert_int_eq(policy_next_change(policy, &moment), expected);
	policy_free(policy);
}
END_TEST

/* Counts how often it is asked. */
static bool counting(
	void *context, const char *zone, int64_t utc, int32_t *ret_ahead, int64_t *ret_until)
{
	(void)zone;
	(void)utc;
	++*(size_t *)context;
	*ret_ahead = 0;
	*ret_until = INT64_MAX;
	return true;
}

/* The 31st of February, at many times: nothing ever changes. */
START_TEST(the_work_for_the_next_change_has_a_limit)
{
	static const size_t counts[] = {1, 2, 100, 1000};
	static char times[1000][20];
	size_t asked = 0;
	const struct policy_clock clock = {counting, &asked};
	struct policy_moment moment = {.utc = utc_of("2026-06-01 12:00:00"), .clock = &clock};
	size_t count = counts[_i];
	struct policy *policy;

	for (size_t i = 1; i <= count; i++) {
		struct said said = {.months = 1 << 1, .days = 1u << 30, .zone = "X",
			.times = times[i - 1]};

		snprintf(times[i - 1], sizeof times[0], "T%02zu%02zu00/T235900", i / 60 % 24, i % 60);
		add_period((uint32_t)i, &said);
	}
	policy = policy_saying(NULL, 0);
	ck_assert_uint_eq(policy->schedule_count, 1);
	ck_assert_uint_eq(policy->schedules[0]->count, count);
	ck_assert_int_gt(policy_next_change(policy, &moment), moment.utc);
	/* A look is one question for the boundary, and two for what counts before and after. */
	ck_assert_uint_le(asked, 3 * (POLICY_PERIODS_LOOKED_AT + count));
	ck_assert_uint_ge(asked, count);
	policy_free(policy);
}
END_TEST

/* What the C library's calendar says of the same moment. */
static bool counts_by_calendar(const struct said *said, int64_t utc)
{
	time_t local = (time_t)(utc + (said->zone ? HOUR : 0));
	struct tm tm, next;
	time_t tomorrow;

	gmtime_r(&local, &tm);
	if (said->months && !(said->months >> tm.tm_mon & 1))
		return false;
	if (said->weekdays && !(said->weekdays >> tm.tm_wday & 1))
		return false;
	for (unsigned days = 0; said->days_from_end && days < 31; days++) {
		tomorrow = local + (time_t)(days + 1) * CALENDAR_DAY;
		gmtime_r(&tomorrow, &next);
		if (next.tm_mon != tm.tm_mon) {
			if (!(said->days_from_end >> days & 1) &&
				!(said->days >> (tm.tm_mday - 1) & 1))
				return false;
			break;
		}
	}
	return said->days_from_end || !said->days || said->days >> (tm.tm_mday - 1) & 1;
}

/* Always an hour ahead. */
static bool constant(
	void *context, const char *zone, int64_t utc, int32_t *ret_ahead, int64_t *ret_until)
{
	(void)context;
	(void)zone;
	(void)utc;
	*ret_ahead = HOUR;
	*ret_until = INT64_MAX;
	return true;
}

static void check_random(struct random *r)
{
	static const struct policy_clock hour_ahead = {constant, NULL};
	struct said said = {
		.months = random_below(r, 2) ? (uint16_t)random_below(r, 4096) : 0,
		.days = random_below(r, 2) ? random_below(r, 1u << 30) : 0,
		.weekdays = random_below(r, 2) ? (uint8_t)random_below(r, 128) : 0,
		.zone = random_below(r, 2) ? "X" : NULL,
		.days_from_end = random_below(r, 2) ? random_below(r, 1u << 30) : 0,
	};
	struct policy_moment moment = {.clock = &hour_ahead};
	struct policy *policy;
	const struct policy_schedule *s;

	set_sample(&rows);
	policy = policy_saying(&said, 1);
	s = policy->rules[0].schedule;
	for (int i = 0; i < 30; i++) {
		int64_t utc = (int64_t)random_below(r, 1u << 30) * 4 - (INT64_C(1) << 31);
		enum policy_counts now = policy_schedule_counts(s, utc, &hour_ahead);
		int64_t next;

		moment.utc = utc;
		next = policy_next_change(policy, &moment);
		ck_assert_int_eq(now, counts_by_calendar(&said, utc));
		ck_assert_int_gt(next, utc);
		/* Nothing changes before. */
		for (int j = 0; j < 10 && next != INT64_MAX; j++) {
			int64_t span = next - 1 - utc;
			int64_t at =
				utc + (span > 0 ? (int64_t)random_below(r, 1u << 30) % span : 0);

			ck_assert(policy_schedule_counts(s, at, &hour_ahead) == now);
		}
	}
	policy_free(policy);
}

START_TEST(periods_agree_with_another_calendar)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct random r = {(uint64_t)(SEED + i)};

		fprintf(stderr, "seed %d\n", SEED + i);
		check_random(&r);
	}
}
END_TEST

/* ---- The policy of a moment ---- */

static bool is_on(void *context, const struct policy_offer *offer)
{
	return !strcmp(offer->name, context);
}

START_TEST(the_policy_of_a_moment_has_the_rules_that_count)
{
	static const struct said said = {.times = "T080000/T170000"};
	struct policy_moment moment = {.utc = utc_of("2026-06-01 12:00:00"), .is_on = is_on};
	char on[] = "printing";
	struct policy *policy, *at;
	struct error error;
	struct pri *p = rows_add(&rows, PIB_copsecOffer, 1);

	pri_set_text(p, copsecOfferName, "printing");
	pri_set_u32(rows_get(&rows, PIB_copsecRule, 2), copsecRuleOfferId, 1);
	policy = policy_saying(&said, 1);
	ck_assert_uint_eq(policy->offer_count, 1);
	ck_assert_ptr_eq(policy->rules[1].offer, &policy->offers[0]);
	ck_assert_uint_gt(policy->need_count, 0);

	moment.context = on;
	ck_assert_int_eq(policy_at(policy, &moment, &at, &error), E_OK);
	ck_assert_uint_eq(at->rule_count, 2);
	ck_assert_uint_eq(at->need_count, 0);
	ck_assert_ptr_null(at->rules[0].schedule);
	policy_free(at);

	moment.utc = utc_of("2026-06-01 18:00:00");
	ck_assert_int_eq(policy_at(policy, &moment, &at, &error), E_OK);
	ck_assert_uint_eq(at->rule_count, 1);
	ck_assert_str_eq(at->rules[0].name, "strong");
	ck_assert_uint_eq(at->rules[0].number, 1);
	ck_assert_uint_eq(at->rules[0].matches[0].number, 1);
	ck_assert_ptr_null(at->rules[0].offer);
	policy_free(at);

	moment.is_on = NULL;
	ck_assert_int_eq(policy_at(policy, &moment, &at, &error), E_OK);
	ck_assert_uint_eq(at->rule_count, 0);
	policy_free(at);
	policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/policy/periods");
	TCase *c = tcase_create("periods");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, a_period_counts_when_all_that_it_says_holds, 0,
		(int)(sizeof moments / sizeof *moments));
	tcase_add_test(c, periods_are_ored_and_an_exception_beats_them);
	tcase_add_loop_test(c, what_depends_on_an_unknown_zone_may_count, 0,
		(int)(sizeof unknown / sizeof *unknown));
	tcase_add_test(c, what_may_count_is_never_laxer);
	tcase_add_loop_test(c, the_work_for_the_next_change_has_a_limit, 0, 4);
	tcase_add_loop_test(
		c, the_next_change_is_the_first, 0, (int)(sizeof nexts / sizeof *nexts));
	tcase_add_test(c, periods_agree_with_another_calendar);
	tcase_add_test(c, the_policy_of_a_moment_has_the_rules_that_count);
	suite_add_tcase(s, c);
	return suite_main(s);
}
