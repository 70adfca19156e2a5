/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/policy.h"

#include <stdlib.h>
#include <string.h>

/* Is the role, a part of a role combination, among those of another? */
static bool has_role(const char *combination, const char *role, size_t len)
{
	for (const char *at = combination;; at++) {
		size_t here = strcspn(at, "+");

		if (here == len && !memcmp(at, role, len))
			return true;
		at += here;
		if (!*at)
			return false;
	}
}

bool policy_role_matches(const char *rule_role, const char *interface_roles)
{
	if (!*interface_roles)
		return false;
	if (!*rule_role)
		return true;
	for (const char *at = rule_role;; at++) {
		size_t len = strcspn(at, "+");

		if (!has_role(interface_roles, at, len))
			return false;
		at += len;
		if (!*at)
			return true;
	}
}

/* How a rule's matches are to be read for flows of one direction. */
struct reading {
	bool plain;
	bool mirrored;
};

static struct reading reading_of(const struct policy_rule *rule, enum flow_direction direction)
{
	bool both = rule->direction == POLICY_BOTH_DIRECTIONS;
	struct reading none = {false, false};

	if (rule->shadow)
		return none;
	switch (direction) {
	case FLOW_IN:
		return rule->forward ? none : (struct reading){rule->direction == POLICY_IN, both};
	case FLOW_OUT:
		return rule->forward
			       ? none
			       : (struct reading){rule->direction == POLICY_OUT || both, false};
	case FLOW_FORWARD:
		return rule->forward ? (struct reading){true, both} : none;
	case FLOW_DIRECTIONS:
		break;
	}
	return none;
}

/* ---- The first-match list ---- */

struct listing {
	const struct policy_roles *roles;
	struct arena *arena;
	struct flow_match *matches;
	size_t count;
};

/* The numbers of the interfaces that a forward rule means. E_NOT_FOUND: none of them. */
static enum err role_numbers(
	const struct listing *l, const char *rule_role, struct flow_intervals *ret)
{
	size_t names = l->roles ? l->roles->count : 0;
	struct flow_interval *list = arena_calloc(l->arena, names + 1, sizeof *list);
	size_t count = 0;

	if (!list)
		return E_MEMORY;
	if (!*rule_role) {
		list[count++] =
			(struct flow_interval){FLOW_VALUE(1), flow_field_last(FLOW_IN_ROLE)};
	} else {
		for (size_t i = 0; i < names; i++)
			if (policy_role_matches(rule_role, l->roles->names[i]))
				list[count++] = (struct flow_interval){
					FLOW_VALUE(i + 1), FLOW_VALUE(i + 1)};
	}
	if (count == 0)
		return E_NOT_FOUND;
	*ret = flow_intervals_join(FLOW_IN_ROLE, list, count);
	return E_OK;
}

static enum err list_rule(
	struct listing *l, const struct policy_rule *rule, enum flow_direction direction)
{
	struct reading reading = reading_of(rule, direction);
	struct flow_intervals in = {NULL, 0};
	struct flow_intervals out = {NULL, 0};

	if (rule->forward && reading.plain) {
		enum err err = role_numbers(l, rule->in_role, &in);

		if (!err)
			err = role_numbers(l, rule->out_role, &out);
		if (err)
			return err == E_NOT_FOUND ? E_OK : err;
	}
	for (size_t i = 0; i < rule->match_count; i++) {
		struct flow_match match = rule->matches[i];

		match.field[FLOW_IN_ROLE] = in;
		match.field[FLOW_OUT_ROLE] = out;
		if (reading.plain)
			l->matches[l->count++] = match;
		if (reading.mirrored)
			l->matches[l->count++] = flow_match_mirror(&match);
	}
	return E_OK;
}

enum err policy_matches(const struct policy *policy, enum flow_direction direction,
	const struct policy_roles *roles, struct arena *arena, struct flow_match **ret,
	size_t *ret_count, struct error *error)
{
	struct listing l = {.roles = roles, .arena = arena};
	size_t most = 0;
	enum err err = E_OK;

	for (size_t i = 0; i < policy->rule_count; i++) {
		struct reading reading = reading_of(&policy->rules[i], direction);

		most += policy->rules[i].match_count *
			((size_t)reading.plain + (size_t)reading.mirrored);
	}
	l.matches = arena_calloc(arena, most + 1, sizeof *l.matches);
	if (!l.matches)
		return error_set(error, E_MEMORY, "no memory for %zu matches", most);
	for (size_t i = 0; i < policy->rule_count && !err; i++)
		err = list_rule(&l, &policy->rules[i], direction);
	if (err)
		return error_set(error, err, "no memory for %zu matches", most);
	*ret = l.matches;
	*ret_count = l.count;
	return E_OK;
}

enum err policy_transit_matches(const struct policy *policy, const char *in, const char *out,
	struct arena *arena, struct flow_match **ret, size_t *ret_count, struct error *error)
{
	struct flow_match *list;
	size_t most = 0, count = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].forward)
			most += 2 * policy->rules[i].match_count;
	list = arena_calloc(arena, most + 1, sizeof *list);
	if (!list)
		return error_set(error, E_MEMORY, "no memory for %zu matches", most);
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		struct reading reading = reading_of(rule, FLOW_FORWARD);
		uint32_t mirrored = (uint32_t)(rule->number + policy->rule_count);

		if (reading.plain && policy_role_matches(rule->in_role, in) &&
			policy_role_matches(rule->out_role, out)) {
			for (size_t j = 0; j < rule->match_count; j++) {
				list[count] = rule->matches[j];
				list[count++].number = rule->number;
			}
		}
		if (reading.mirrored && policy_role_matches(rule->out_role, in) &&
			policy_role_matches(rule->in_role, out)) {
			for (size_t j = 0; j < rule->match_count; j++) {
				list[count] = flow_match_mirror(&rule->matches[j]);
				list[count++].number = mirrored;
			}
		}
	}
	*ret = list;
	*ret_count = count;
	return E_OK;
}

enum err policy_diagram(const struct policy *policy, enum flow_direction direction,
	const struct policy_roles *roles, struct flow_manager *m, flow_ref *ret,
	struct error *error)
{
	struct flow_match *matches;
	struct arena arena;
	size_t count;
	enum err err;

	arena_init(&arena, SIZE_MAX);
	err = policy_matches(policy, direction, roles, &arena, &matches, &count, error);
	if (!err)
		err = flow_build(m, matches, count, ret, error);
	arena_fini(&arena);
	return err;
}

/* ---- Reading rule by rule ---- */

static bool any_match(const struct policy_rule *rule, const struct flow *flow)
{
	for (size_t i = 0; i < rule->match_count; i++)
		if (flow_match_contains(&rule->matches[i], flow))
			return true;
	return false;
}

static const char *role_name(const struct policy_roles *roles, uint16_t number)
{
	return roles && number > 0 && number <= roles->count ? roles->names[number - 1] : "";
}

static bool means_interfaces(
	const struct policy_rule *rule, const struct flow *flow, const struct policy_roles *roles)
{
	return !rule->forward ||
	       (policy_role_matches(rule->in_role, role_name(roles, flow->in_role)) &&
		       policy_role_matches(rule->out_role, role_name(roles, flow->out_role)));
}

const struct policy_rule *policy_evaluate(
	const struct policy *policy, const struct flow *flow, const struct policy_roles *roles)
{
	const struct flow mirror = flow_mirror(flow);

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		struct reading reading = reading_of(rule, flow->direction);

		if (reading.plain && means_interfaces(rule, flow, roles) && any_match(rule, flow))
			return rule;
		if (reading.mirrored && means_interfaces(rule, &mirror, roles) &&
			any_match(rule, &mirror))
			return rule;
	}
	return NULL;
}

const struct policy_rule *policy_rule(const struct policy *policy, uint32_t number)
{
	return number > 0 && number <= policy->rule_count ? &policy->rules[number - 1] : NULL;
}
