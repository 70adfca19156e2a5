/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/periods.h"

#include <stdlib.h>

#include "pib/policy/calendar.h"

/* Boundaries that policy_schedule_next() looks at before it gives a moment to ask again. */
enum { BOUNDARIES_MAX = 4096 };

static bool period_counts(const struct policy_period *p, int64_t civil)
{
	int64_t day = calendar_divide(civil, CALENDAR_DAY);
	uint32_t second = (uint32_t)(civil - day * CALENDAR_DAY);
	struct calendar_date d = calendar_date_of(day);
	unsigned from_end = calendar_month_length(d.year, d.month) - 1 - d.day;
	unsigned weekday = calendar_weekday(day);

	if (civil < p->first || civil > p->last)
		return false;
	if (!(p->months >> d.month & 1) || !(p->weekdays >> weekday & 1))
		return false;
	if (!(p->days >> d.day & 1) && !(p->days_from_end >> from_end & 1))
		return false;
	if (p->from_second <= p->to_second)
		return p->from_second <= second && second <= p->to_second;
	return second >= p->from_second || second <= p->to_second;
}

/* How many seconds the period's clock is ahead of UTC; false if nobody knows. */
static bool ahead_of(const struct policy_period *p, int64_t utc, const struct policy_clock *clock,
	int32_t *ret_ahead, int64_t *ret_until)
{
	*ret_ahead = 0;
	*ret_until = INT64_MAX;
	if (!p->local || !clock)
		return true;
	return clock->offset(clock->context, p->zone, utc, ret_ahead, ret_until);
}

bool policy_schedule_counts(
	const struct policy_schedule *schedule, int64_t utc, const struct policy_clock *clock)
{
	bool counts = !schedule;

	for (size_t i = 0; schedule && i < schedule->count; i++) {
		const struct policy_period *p = &schedule->periods[i];
		int64_t until;
		int32_t ahead;
		bool known = ahead_of(p, utc, clock, &ahead, &until);

		/* An exception in an unknown zone may be now. */
		if (!known && p->negated)
			return false;
		if (!known || !period_counts(p, utc + ahead))
			continue;
		if (p->negated)
			return false;
		counts = true;
	}
	return counts;
}

static void earliest(int64_t candidate, int64_t after, int64_t *next)
{
	if (candidate > after && candidate < *next)
		*next = candidate;
}

/* The first second after `utc` at which the period may begin or end, or its clock jumps. */
static int64_t next_boundary(
	const struct policy_period *p, int64_t utc, const struct policy_clock *clock)
{
	int64_t next = INT64_MAX;
	int64_t until, day;
	int32_t ahead;

	if (!ahead_of(p, utc, clock, &ahead, &until))
		return INT64_MAX;
	if (until != INT64_MAX)
		earliest(until + 1, utc, &next);
	day = calendar_divide(utc + ahead, CALENDAR_DAY) * CALENDAR_DAY - ahead;
	if (p->first != INT64_MIN)
		earliest(p->first - ahead, utc, &next);
	if (p->last != INT64_MAX)
		earliest(p->last + 1 - ahead, utc, &next);
	if (utc + ahead > p->last)
		return next;
	earliest(day + CALENDAR_DAY, utc, &next);
	earliest(day + p->from_second, utc, &next);
	earliest(day + p->to_second + 1, utc, &next);
	return next;
}

int64_t policy_schedule_next(
	const struct policy_schedule *schedule, int64_t utc, const struct policy_clock *clock)
{
	bool now = policy_schedule_counts(schedule, utc, clock);
	int64_t at = utc;

	for (int i = 0; schedule && i < BOUNDARIES_MAX; i++) {
		int64_t next = INT64_MAX;

		for (size_t j = 0; j < schedule->count; j++)
			earliest(next_boundary(&schedule->periods[j], at, clock), at, &next);
		if (next == INT64_MAX)
			return INT64_MAX;
		at = next;
		if (policy_schedule_counts(schedule, at, clock) != now)
			break;
	}
	return schedule ? at : INT64_MAX;
}

/* ---- Policies ---- */

static bool rule_counts(const struct policy_rule *rule, const struct policy_moment *moment)
{
	if (rule->offer && !(moment->is_on && moment->is_on(moment->context, rule->offer)))
		return false;
	return policy_schedule_counts(rule->schedule, moment->utc, moment->clock);
}

static enum err copy_rule(struct arena *arena, const struct policy_rule *rule, uint32_t number,
	struct policy_rule *ret)
{
	struct flow_match *matches = arena_calloc(arena, rule->match_count + 1, sizeof *matches);

	if (!matches)
		return E_MEMORY;
	for (size_t i = 0; i < rule->match_count; i++) {
		matches[i] = rule->matches[i];
		matches[i].number = number;
	}
	*ret = *rule;
	ret->number = number;
	ret->matches = matches;
	ret->schedule = NULL;
	ret->offer = NULL;
	return E_OK;
}

/* What says of a rule that it has a schedule or an offer; in the policy of a moment it has none. */
static bool is_settled(const struct policy_need *need)
{
	switch ((int)need->prid.class->id) {
	case PIB_ipSecRule:
		return need->attribute == ipSecRuleIpSecRuleTimePeriodGroupId;
	case PIB_copsecRule:
		return need->attribute == copsecRuleOfferId;
	case PIB_ipSecRuleTimePeriod:
	case PIB_ipSecRuleTimePeriodSet:
	case PIB_copsecTimePeriod:
	case PIB_copsecOffer:
		return true;
	default:
		return false;
	}
}

enum err policy_at(const struct policy *policy, const struct policy_moment *moment,
	struct policy **ret, struct error *error)
{
	struct policy *at = calloc(1, sizeof *at);
	struct policy_rule *rules;
	struct policy_need *needs;

	if (!at)
		return error_set(error, E_MEMORY, "no memory for the policy of a moment");
	*at = *policy;
	at->secrets = NULL;
	arena_init(&at->arena, SIZE_MAX);
	rules = arena_calloc(&at->arena, policy->rule_count + 1, sizeof *rules);
	needs = arena_calloc(&at->arena, policy->need_count + 1, sizeof *needs);
	at->rules = rules;
	at->needs = needs;
	at->rule_count = at->need_count = 0;
	if (!rules || !needs)
		goto no_memory;
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (!rule_counts(&policy->rules[i], moment))
			continue;
		at->rule_count++;
		if (copy_rule(&at->arena, &policy->rules[i], (uint32_t)at->rule_count,
			    &rules[at->rule_count - 1]))
			goto no_memory;
	}
	for (size_t i = 0; i < policy->need_count; i++)
		if (!is_settled(&policy->needs[i]))
			needs[at->need_count++] = policy->needs[i];
	*ret = at;
	return E_OK;
no_memory:
	policy_free(at);
	return error_set(error, E_MEMORY, "no memory for the policy of a moment");
}

int64_t policy_next_change(const struct policy *policy, const struct policy_moment *moment)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < policy->rule_count; i++)
		earliest(
			policy_schedule_next(policy->rules[i].schedule, moment->utc, moment->clock),
			moment->utc, &next);
	return next;
}
