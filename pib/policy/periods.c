/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/periods.h"

#include <stdlib.h>
#include <string.h>

#include "pib/policy/calendar.h"

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

enum policy_counts policy_schedule_counts(
	const struct policy_schedule *schedule, int64_t utc, const struct policy_clock *clock)
{
	bool counts = !schedule, may_count = false, may_be_excepted = false;

	for (size_t i = 0; schedule && i < schedule->count; i++) {
		const struct policy_period *p = &schedule->periods[i];
		int64_t until;
		int32_t ahead;

		if (!ahead_of(p, utc, clock, &ahead, &until)) {
			may_be_excepted = may_be_excepted || p->negated;
			may_count = may_count || !p->negated;
		} else if (period_counts(p, utc + ahead)) {
			if (p->negated)
				return POLICY_COUNTS_NOT;
			counts = true;
		}
	}
	if (!counts && !may_count)
		return POLICY_COUNTS_NOT;
	return counts && !may_be_excepted ? POLICY_COUNTS : POLICY_MAY_COUNT;
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

static bool same_period(const struct policy_period *a, const struct policy_period *b)
{
	return a->negated == b->negated && a->first == b->first && a->last == b->last &&
	       a->months == b->months && a->days == b->days &&
	       a->days_from_end == b->days_from_end && a->weekdays == b->weekdays &&
	       a->from_second == b->from_second && a->to_second == b->to_second &&
	       a->local == b->local && strcmp(a->zone, b->zone) == 0;
}

bool policy_schedule_equal(const struct policy_schedule *a, const struct policy_schedule *b)
{
	if (!a || !b || a->count != b->count)
		return a == b;
	for (size_t i = 0; i < a->count; i++)
		if (!same_period(&a->periods[i], &b->periods[i]))
			return false;
	return true;
}

/* ---- Policies ---- */

/* What is no laxer than either reading, for each action. */
static const struct {
	bool counts;
	bool discards;
} when_unknown[] = {
	[POLICY_BYPASS] = {false, false},
	[POLICY_DISCARD] = {true, false},
	[POLICY_PROTECT] = {true, true},
};

static enum policy_counts rule_counts(void *context, const struct policy_rule *rule)
{
	const struct policy_moment *moment = context;

	if (rule->offer && !(moment->is_on && moment->is_on(moment->context, rule->offer)))
		return POLICY_COUNTS_NOT;
	return policy_schedule_counts(rule->schedule, moment->utc, moment->clock);
}

/* Whoever is turned away is not told. */
static const struct policy_step discard_step = {
	.kind = POLICY_STEP_DISCARD, .answer = POLICY_SILENCE};

static void make_discard(struct policy_rule *rule)
{
	rule->strategy = POLICY_DO_ALL;
	rule->steps = &discard_step;
	rule->step_count = 1;
	rule->action = POLICY_DISCARD;
	rule->protection = NULL;
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

enum err policy_where(const struct policy *policy,
	enum policy_counts (*counts)(void *context, const struct policy_rule *rule), void *context,
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
	at->schedules = NULL;
	at->schedule_count = 0;
	at->rule_count = at->need_count = 0;
	if (!rules || !needs)
		goto no_memory;
	for (size_t i = 0; i < policy->rule_count; i++) {
		const enum policy_action action = policy->rules[i].action;
		struct policy_rule *rule = &rules[at->rule_count];
		const enum policy_counts there = counts(context, &policy->rules[i]);
		const bool unknown = there == POLICY_MAY_COUNT;

		if (there == POLICY_COUNTS_NOT || (unknown && !when_unknown[action].counts))
			continue;
		at->rule_count++;
		if (copy_rule(&at->arena, &policy->rules[i], (uint32_t)at->rule_count, rule))
			goto no_memory;
		if (unknown && when_unknown[action].discards)
			make_discard(rule);
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

enum err policy_at(const struct policy *policy, const struct policy_moment *moment,
	struct policy **ret, struct error *error)
{
	struct policy_moment now = *moment;

	return policy_where(policy, rule_counts, &now, ret, error);
}

static bool any_changed(const struct policy *policy, const struct policy_moment *moment, int64_t at)
{
	for (size_t i = 0; i < policy->schedule_count; i++) {
		const struct policy_schedule *s = policy->schedules[i];

		if (policy_schedule_counts(s, at, moment->clock) !=
			policy_schedule_counts(s, moment->utc, moment->clock))
			return true;
	}
	return false;
}

/* From one boundary of any period to the next. */
int64_t policy_next_change(const struct policy *policy, const struct policy_moment *moment)
{
	size_t looks = 0;
	int64_t at = moment->utc;

	do {
		int64_t next = INT64_MAX;

		for (size_t i = 0; i < policy->schedule_count; i++) {
			const struct policy_schedule *s = policy->schedules[i];

			for (size_t j = 0; j < s->count; j++)
				earliest(next_boundary(&s->periods[j], at, moment->clock), at,
					&next);
			looks += s->count;
		}
		if (next == INT64_MAX)
			return INT64_MAX;
		at = next;
	} while (!any_changed(policy, moment, at) && looks < POLICY_PERIODS_LOOKED_AT);
	return at;
}
