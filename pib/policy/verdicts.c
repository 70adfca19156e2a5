/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/verdicts.h"

#include <stdlib.h>

#include "pib/flow/lists.h"

enum policy_strictness policy_strictness(const struct policy_verdict *verdict)
{
	switch (verdict->action) {
	case POLICY_BYPASS:
		return STRICTNESS_BYPASS;
	case POLICY_PROTECT:
		return verdict->demand == POLICY_PREFERRED ? STRICTNESS_PREFERRED
							   : STRICTNESS_REQUIRED;
	case POLICY_DISCARD:
		break;
	}
	return STRICTNESS_DISCARD;
}

struct policy_verdict policy_verdict_of(const struct policy_rule *rule)
{
	struct policy_verdict verdict = {.action = rule ? rule->action : POLICY_DISCARD,
		.manner.log = rule && rule->log};

	if (verdict.action != POLICY_DISCARD) {
		verdict.manner.rate = rule->rate;
		verdict.manner.connections = rule->connections;
		verdict.manner.stateful = rule->stateful;
	}
	if (verdict.action == POLICY_PROTECT) {
		verdict.demand = rule->demand;
		verdict.protection = rule->protection;
		if (rule->step_count > 1 || !rule->protection)
			verdict.compound = rule;
	}
	return verdict;
}

static bool same_steps(const struct policy_rule *a, const struct policy_rule *b)
{
	if (a->strategy != b->strategy || a->step_count != b->step_count)
		return false;
	for (size_t i = 0; i < a->step_count; i++)
		if (!policy_step_equal(&a->steps[i], &b->steps[i]))
			return false;
	return true;
}

bool policy_verdict_same_action(const struct policy_verdict *a, const struct policy_verdict *b)
{
	if (a->action != b->action || a->action != POLICY_PROTECT)
		return a->action == b->action;
	if (a->demand != b->demand || !a->compound != !b->compound)
		return false;
	if (a->compound)
		return a->compound == b->compound || same_steps(a->compound, b->compound);
	return a->protection == b->protection ||
	       policy_protection_equal(a->protection, b->protection);
}

/* Flows in a unit of time; of a limit that knows no time, flows. */
static uint64_t unit(const struct policy_limit *limit)
{
	return limit->seconds ? limit->seconds : 1;
}

static uint32_t at_once(const struct policy_limit *limit)
{
	return limit->burst ? limit->burst : limit->count;
}

/* What keeps to one limit for the whole rule keeps to the same for each address. */
static bool limit_exceeds(const struct policy_limit *before, const struct policy_limit *after)
{
	if (!before->count || !after->count)
		return before->count != 0;
	return (after->scope != before->scope && after->scope != POLICY_OF_RULE) ||
	       after->count * unit(before) > before->count * unit(after) ||
	       at_once(after) > at_once(before);
}

bool policy_manner_exceeds(const struct policy_manner *before, const struct policy_manner *after)
{
	return limit_exceeds(&before->rate, &after->rate) ||
	       limit_exceeds(&before->connections, &after->connections) ||
	       (after->stateful && !before->stateful);
}

bool policy_verdict_equal(const struct policy_verdict *a, const struct policy_verdict *b)
{
	return policy_verdict_same_action(a, b) && a->manner.log == b->manner.log &&
	       !policy_manner_exceeds(&a->manner, &b->manner) &&
	       !policy_manner_exceeds(&b->manner, &a->manner);
}

/* In verdicts.list; small, for there are few protections in a network. */
struct policy_verdicts {
	struct policy_verdict *list;
	size_t count;
	size_t capacity;
	/* The verdict of the protection that was asked for last: rules of one come in runs. */
	uint32_t latest;
};

struct policy_verdicts *policy_verdicts_new(void)
{
	struct policy_verdicts *v = calloc(1, sizeof *v);
	uint32_t discard;

	if (v && policy_verdicts_number(v, NULL, &discard))
		return policy_verdicts_free(v);
	return v;
}

struct policy_verdicts *policy_verdicts_free(struct policy_verdicts *v)
{
	if (v)
		free(v->list);
	free(v);
	return NULL;
}

size_t policy_verdicts_count(const struct policy_verdicts *v)
{
	return v->count;
}

const struct policy_verdict *policy_verdicts_get(const struct policy_verdicts *v, uint32_t number)
{
	return &v->list[number];
}

static enum err add(struct policy_verdicts *v, const struct policy_verdict *verdict)
{
	if (v->count == v->capacity) {
		size_t capacity = v->capacity ? 2 * v->capacity : 16;
		struct policy_verdict *list = reallocarray(v->list, capacity, sizeof *list);

		if (!list)
			return E_MEMORY;
		v->list = list;
		v->capacity = capacity;
	}
	v->list[v->count++] = *verdict;
	return E_OK;
}

enum err policy_verdicts_number(
	struct policy_verdicts *v, const struct policy_rule *rule, uint32_t *ret)
{
	const struct policy_verdict verdict = policy_verdict_of(rule);
	uint32_t number = v->latest;
	enum err err = E_OK;

	if (number >= v->count || !policy_verdict_equal(&v->list[number], &verdict)) {
		number = 0;
		while (number < v->count && !policy_verdict_equal(&v->list[number], &verdict))
			number++;
		if (number == v->count)
			err = add(v, &verdict);
	}
	if (!err)
		*ret = v->latest = number;
	return err;
}

enum err policy_partition(const struct policy *policy, enum flow_direction direction,
	const struct policy_roles *roles, const struct flow_match *region, struct flow_manager *m,
	struct policy_verdicts *v, flow_ref *ret, struct error *error)
{
	struct flow_match *matches;
	struct arena arena;
	size_t count = 0;
	enum err err;

	arena_init(&arena, SIZE_MAX);
	err = policy_matches(policy, direction, roles, &arena, &matches, &count, error);
	if (!err && region &&
		flow_restrict_matches(&arena, matches, count, region, &matches, &count))
		err = error_set(error, E_MEMORY, "no memory for a region of %zu matches", count);
	for (size_t i = 0; i < count && !err; i++)
		if (policy_verdicts_number(
			    v, policy_rule(policy, matches[i].number), &matches[i].number))
			err = error_set(error, E_MEMORY, "no memory for the verdicts of rules");
	if (!err)
		err = flow_build(m, matches, count, ret, error);
	arena_fini(&arena);
	return err;
}
