/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What else must hold for a rule to match: times, and IP security options. */
#include <string.h>

#include "pib/policy/build.h"
#include "pib/policy/calendar.h"
#include "pib/policy/periods.h"

/* ---- Formats (draft §5.5) ---- */

static bool take_digits(struct view *v, size_t count, uint32_t *ret)
{
	uint32_t number = 0;

	if (v->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (v->data[i] < '0' || v->data[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(v->data[i] - '0');
	}
	*v = VIEW(v->data + count, v->len - count);
	*ret = number;
	return true;
}

static bool take_word(struct view *v, const char *word)
{
	size_t len = strlen(word);

	if (v->len < len || memcmp(v->data, word, len) != 0)
		return false;
	*v = VIEW(v->data + len, v->len - len);
	return true;
}

/* "Thhmmss" */
static bool take_time(struct view *v, uint32_t *ret)
{
	uint32_t hour, minute, second;

	if (!take_word(v, "T") || !take_digits(v, 2, &hour) || !take_digits(v, 2, &minute) ||
		!take_digits(v, 2, &second) || hour > 23 || minute > 59 || second > 59)
		return false;
	*ret = hour * 3600 + minute * 60 + second;
	return true;
}

/* "yyyymmddThhmmss" */
static bool take_moment(struct view *v, int64_t *ret)
{
	uint32_t year, month, day, second;
	struct calendar_date date;

	if (!take_digits(v, 4, &year) || !take_digits(v, 2, &month) || !take_digits(v, 2, &day) ||
		!take_time(v, &second) || month < 1 || month > CALENDAR_MONTHS || day < 1 ||
		day > calendar_month_length(year, month - 1))
		return false;
	date = (struct calendar_date){year, month - 1, day - 1};
	*ret = calendar_day_of(&date) * CALENDAR_DAY + second;
	return true;
}

static bool read_range(struct view v, struct policy_period *p)
{
	p->first = INT64_MIN;
	p->last = INT64_MAX;
	if (!take_word(&v, "THISANDPRIOR") && !take_moment(&v, &p->first))
		return false;
	if (!take_word(&v, "/"))
		return false;
	if (!take_word(&v, "THISANDFUTURE") && !take_moment(&v, &p->last))
		return false;
	return v.len == 0 && p->first <= p->last;
}

static bool read_time_range(struct view v, struct policy_period *p)
{
	return take_time(&v, &p->from_second) && take_word(&v, "/") &&
	       take_time(&v, &p->to_second) && v.len == 0;
}

/* ---- Periods ---- */

/* A mask that is not there has all bits. */
static uint32_t mask_of(const struct pri *pri, unsigned attribute)
{
	return pri_has(pri, attribute) ? (uint32_t)pri_bits(pri, attribute) : UINT32_MAX;
}

static bool is_zone_name(const char *zone)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+-_/";

	return strlen(zone) <= PERIOD_ZONE_MAX && strspn(zone, letters) == strlen(zone) &&
	       zone[0] != '/' && !strstr(zone, "//");
}

static enum err read_period_extension(
	struct build *b, const struct pri *pri, struct policy_period *p)
{
	struct pri ext;
	enum err err;

	p->name = p->zone = "";
	if (!build_extension(b, pri, PIB_copsecTimePeriod, &ext))
		return E_OK;
	err = build_text(b, &ext, copsecTimePeriodName, &p->name);
	if (!err)
		err = build_text(b, &ext, copsecTimePeriodZone, &p->zone);
	if (err)
		return err;
	if (!is_zone_name(p->zone))
		return refuse_own(b, &ext, copsecTimePeriodZone, "zone",
			"that is no name of a time zone");
	p->days_from_end = (uint32_t)pri_bits(&ext, copsecTimePeriodDayFromEndMask);
	p->negated = pri_bool(&ext, copsecTimePeriodNegated);
	/* Days from the end alone select those days. */
	if (p->days_from_end && !pri_has(pri, ipSecRuleTimePeriodDayOfMonthMask))
		p->days = 0;
	return E_OK;
}

static enum err read_period(struct build *b, const struct pri *pri, struct policy_period *p)
{
	p->instance = pri->instance;
	p->first = INT64_MIN;
	p->last = INT64_MAX;
	p->to_second = CALENDAR_DAY - 1;
	p->months = (uint16_t)mask_of(pri, ipSecRuleTimePeriodMonthOfYearMask);
	p->days = mask_of(pri, ipSecRuleTimePeriodDayOfMonthMask);
	p->weekdays = (uint8_t)mask_of(pri, ipSecRuleTimePeriodDayOfWeekMask);
	p->local = pri_i32(pri, ipSecRuleTimePeriodLocalOrUtcTime) ==
		   ipSecRuleTimePeriodLocalOrUtcTime_localTime;
	if (pri_octets(pri, ipSecRuleTimePeriodTimePeriod).len &&
		!read_range(pri_octets(pri, ipSecRuleTimePeriodTimePeriod), p))
		return refuse(b, pri, ipSecRuleTimePeriodTimePeriod, PIB_FAULT_VALUE,
			"that is no range of dates, first to last");
	if (pri_octets(pri, ipSecRuleTimePeriodTimeOfDayMask).len &&
		!read_time_range(pri_octets(pri, ipSecRuleTimePeriodTimeOfDayMask), p))
		return refuse(b, pri, ipSecRuleTimePeriodTimeOfDayMask, PIB_FAULT_VALUE,
			"that is no range of times of the day");
	return read_period_extension(b, pri, p);
}

static enum err new_schedule(struct build *b, const struct pri *from, unsigned attribute,
	struct tag_list list, const struct policy_schedule **ret)
{
	struct policy_schedule *schedule;
	struct policy_period *periods;
	enum err err = E_OK;

	schedule = arena_calloc(&b->policy->arena, 1, sizeof *schedule);
	periods = arena_calloc(&b->policy->arena, list.count, sizeof *periods);
	if (!schedule || !periods)
		return build_no_memory(b);
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry, period;

		err = build_follow(b, from, attribute, PIB_ipSecRuleTimePeriodSet,
			list.items[i].instance, &entry);
		if (!err)
			err = build_follow(b, &entry, ipSecRuleTimePeriodSetRuleTimePeriodId,
				PIB_ipSecRuleTimePeriod,
				pri_u32(&entry, ipSecRuleTimePeriodSetRuleTimePeriodId), &period);
		if (!err)
			err = read_period(b, &period, &periods[i]);
	}
	if (err)
		return err;
	*schedule = (struct policy_schedule){periods, list.count};
	*ret = schedule;
	return E_OK;
}

/* Each list once, however many refer to it. */
enum err build_schedule(struct build *b, const struct pri *from, unsigned attribute,
	const struct policy_schedule **ret)
{
	uint32_t tag = pri_u32(from, attribute);
	struct tag_list list = build_tag_list(&b->period_sets, tag);
	const struct policy_schedule **slot;
	enum err err;

	if (!tag)
		return E_OK;
	if (list.count == 0)
		return refuse(b, from, attribute, PIB_FAULT_REFERENCE,
			"the set of time periods is empty");
	if (!b->schedules) {
		b->schedules = arena_calloc(
			&b->policy->arena, b->period_sets.count, sizeof *b->schedules);
		b->policy->schedules = arena_calloc(
			&b->policy->arena, b->period_sets.count, sizeof *b->policy->schedules);
		if (!b->schedules || !b->policy->schedules)
			return build_no_memory(b);
	}
	slot = &b->schedules[list.items - b->period_sets.items];
	if (!*slot) {
		err = new_schedule(b, from, attribute, list, slot);
		if (err)
			return err;
		b->policy->schedules[b->policy->schedule_count++] = *slot;
	}
	*ret = *slot;
	return E_OK;
}

/* ---- IP security options ---- */

static enum err read_ipso(struct build *b, const struct pri *entry, struct policy_ipso *ret)
{
	struct pri pri;
	enum err err = build_follow(b, entry, ipSecIpsoFilterSetFilterId, PIB_ipSecIpsoFilter,
		pri_u32(entry, ipSecIpsoFilterSetFilterId), &pri);

	if (err)
		return err;
	ret->instance = pri.instance;
	ret->negated = pri_bool(entry, ipSecIpsoFilterSetIsNegated);
	ret->by_authority = pri_i32(&pri, ipSecIpsoFilterMatchConditionType) ==
			    ipSecIpsoFilterMatchConditionType_protectionAuthority;
	if (ret->by_authority)
		ret->authority = (uint8_t)pri_i32(&pri, ipSecIpsoFilterProtectionAuthority);
	else
		ret->classification = (uint8_t)pri_i32(&pri, ipSecIpsoFilterClassificationLevel);
	return E_OK;
}

enum err build_ipso(struct build *b, const struct pri *pri, struct policy_rule *rule)
{
	uint32_t tag = pri_u32(pri, ipSecRuleIpSecIpsoFilterSetId);
	struct tag_list list = build_tag_list(&b->ipso_sets, tag);
	struct policy_ipso *filters;
	enum err err = E_OK;

	if (!tag)
		return E_OK;
	if (list.count == 0)
		return refuse(b, pri, ipSecRuleIpSecIpsoFilterSetId, PIB_FAULT_REFERENCE,
			"the set of filters is empty");
	filters = arena_calloc(&b->policy->arena, list.count, sizeof *filters);
	if (!filters)
		return build_no_memory(b);
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry;

		err = build_follow(b, pri, ipSecRuleIpSecIpsoFilterSetId, PIB_ipSecIpsoFilterSet,
			list.items[i].instance, &entry);
		if (!err)
			err = read_ipso(b, &entry, &filters[i]);
	}
	rule->ipso = filters;
	rule->ipso_count = list.count;
	return err;
}
