/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/conditions.h"

#include <string.h>

#include "pib/policy/calendar.h"

/* What a period can leave open, and so say in two ways. */
enum {
	OPEN_MONTHS = 1,
	OPEN_WEEKDAYS = 2,
	OPEN_DAYS = 4,
	OPEN_TIMES = 8,
	OPEN_DATES = 16,
	VARIANTS = 32,
	MONTHS_ALL = 0xfff,
	WEEKDAYS_ALL = 0x7f,
	DAYS_ALL = 0x7fffffff,
	KEY_SIZE_MAX = 1 << 20
};

/* "yyyymmddThhmmss" */
static void put_moment(struct buffer *out, int64_t moment)
{
	const int64_t day = calendar_divide(moment, CALENDAR_DAY);
	const unsigned second = (unsigned)(moment - day * CALENDAR_DAY);
	const struct calendar_date date = calendar_date_of(day);

	buffer_put_text(out, "%04d%02u%02uT%02u%02u%02u", (int)date.year, date.month + 1,
		date.day + 1, second / 3600, second / 60 % 60, second % 60);
}

static void put_time(struct buffer *out, uint32_t second)
{
	buffer_put_text(out, "T%02u%02u%02u", second / 3600, second / 60 % 60, second % 60);
}

/* Nothing if they are open and nobody wants it said. */
static void put_dates(struct buffer *out, const struct model_period *p, bool say)
{
	if (!p->has_first && !p->has_last && !say)
		return;
	if (p->has_first)
		put_moment(out, p->first);
	else
		buffer_put_text(out, "THISANDPRIOR");
	buffer_put_u8(out, '/');
	if (p->has_last)
		put_moment(out, p->last);
	else
		buffer_put_text(out, "THISANDFUTURE");
}

static void put_times(struct buffer *out, const struct model_period *p, bool say)
{
	if (!p->has_times && !say)
		return;
	put_time(out, p->has_times ? p->from_second : 0);
	buffer_put_u8(out, '/');
	put_time(out, p->has_times ? p->to_second : CALENDAR_DAY - 1);
}

static void set_text(struct pri *pri, unsigned attribute, struct buffer *text)
{
	if (text->len)
		pri_set_octets(pri, attribute, buffer_view(text));
	else
		pri_set_null(pri, attribute);
}

static void set_mask(struct pri *pri, unsigned attribute, uint32_t mask, uint32_t all, bool say)
{
	if (mask || say)
		pri_set_bits(pri, attribute, mask ? mask : all);
	else
		pri_set_null(pri, attribute);
}

static uint32_t put_period(struct rows *r, const struct model_schedule *schedule,
	const struct model_period *p, unsigned variant)
{
	const bool utc = strcmp(schedule->zone, "UTC") == 0;
	const bool own = strcmp(schedule->zone, "local") == 0;
	struct buffer dates, times;
	struct pri pri, extension;
	uint32_t instance;

	buffer_init(&dates, 64);
	buffer_init(&times, 64);
	put_dates(&dates, p, variant & OPEN_DATES);
	put_times(&times, p, variant & OPEN_TIMES);
	pri_init(&pri, PIB_ipSecRuleTimePeriod, 1);
	set_text(&pri, ipSecRuleTimePeriodTimePeriod, &dates);
	set_mask(&pri, ipSecRuleTimePeriodMonthOfYearMask, p->months, MONTHS_ALL,
		variant & OPEN_MONTHS);
	/* Days from the end alone select those days only where no others are said. */
	set_mask(&pri, ipSecRuleTimePeriodDayOfMonthMask, p->days, DAYS_ALL,
		!p->days_from_end && variant & OPEN_DAYS);
	set_mask(&pri, ipSecRuleTimePeriodDayOfWeekMask, p->weekdays, WEEKDAYS_ALL,
		variant & OPEN_WEEKDAYS);
	set_text(&pri, ipSecRuleTimePeriodTimeOfDayMask, &times);
	pri_set_i32(&pri, ipSecRuleTimePeriodLocalOrUtcTime,
		utc ? ipSecRuleTimePeriodLocalOrUtcTime_utcTime
		    : ipSecRuleTimePeriodLocalOrUtcTime_localTime);
	pri_init(&extension, PIB_copsecTimePeriod, 1);
	pri_set_text(&extension, copsecTimePeriodName, schedule->name);
	pri_set_text(&extension, copsecTimePeriodZone, utc || own ? "" : schedule->zone);
	pri_set_bits(&extension, copsecTimePeriodDayFromEndMask, p->days_from_end);
	pri_set_bool(&extension, copsecTimePeriodNegated, p->except);
	instance = rows_put(r, &pri, &extension);
	buffer_fini(&dates);
	buffer_fini(&times);
	return instance;
}

static uint32_t period(
	struct rows *r, const struct model_schedule *schedule, const struct model_period *p)
{
	uint32_t instance = ROWS_CLASH;

	for (unsigned v = 0; instance == ROWS_CLASH && v < VARIANTS && !r->error.code; v++)
		instance = put_period(r, schedule, p, v);
	if (instance == ROWS_CLASH && !r->error.code)
		error_set(&r->error, E_DUPLICATE,
			"a period of the schedule \"%s\" is the same as those of other schedules, "
			"and leaves nothing open by which they could be told apart",
			schedule->name);
	return instance;
}

uint32_t conditions_schedule(struct rows *r, const struct model_schedule *schedule)
{
	struct buffer key;
	uint32_t set;
	bool new;

	if (!schedule)
		return 0;
	buffer_init(&key, KEY_SIZE_MAX);
	for (size_t i = 0; i < schedule->period_count; i++)
		buffer_put_u32(&key, period(r, schedule, &schedule->periods[i]));
	set = rows_tag(r, PIB_ipSecRuleTimePeriodSet, buffer_view(&key), &new);
	buffer_fini(&key);
	for (size_t i = 0; new &&i < schedule->period_count; i++) {
		struct pri pri;

		pri_init(&pri, PIB_ipSecRuleTimePeriodSet, 1);
		pri_set_u32(&pri, ipSecRuleTimePeriodSetRuleTimePeriodSetId, set);
		pri_set_u32(&pri, ipSecRuleTimePeriodSetRuleTimePeriodId,
			period(r, schedule, &schedule->periods[i]));
		rows_put(r, &pri, NULL);
	}
	return set;
}

uint32_t conditions_offer(struct rows *r, const struct model_offer *offer)
{
	struct pri pri;

	if (!offer)
		return 0;
	pri_init(&pri, PIB_copsecOffer, 1);
	pri_set_text(&pri, copsecOfferName, offer->name);
	pri_set_text(&pri, copsecOfferAbout, offer->about);
	pri_set_u32(&pri, copsecOfferLongest, offer->longest);
	pri_set_u32(&pri, copsecOfferUsual, offer->usual);
	pri_set_bool(&pri, copsecOfferAcrossBoot, offer->across_boot);
	return rows_put(r, &pri, NULL);
}
