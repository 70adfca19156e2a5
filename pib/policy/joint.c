/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/joint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_OCTETS = 600 };

/* Rules with the same decider are compared with each other only. */
struct joining {
	const struct policy_layer *layers;
	size_t count;
	struct arena *arena;
	struct policy_rule *rules;
	uint32_t *next; /* by rule: the one before it with the same decider, 0 = none */
	size_t rule_count, rule_room;
	uint32_t *latest[POLICY_LAYERS_MAX]; /* by number of the decider, 0 for none */
	struct policy_protection *protections;
	size_t protection_count;
	struct error *error;
};

static enum err no_memory(struct joining *j)
{
	return error_set(j->error, E_MEMORY, "no memory for the policies of %zu authorities", j->count);
}

/* ---- Protections: home's, and each with the other demand where somebody demands that ---- */

static enum err take_protections(struct joining *j)
{
	const struct policy *home = j->layers[0].policy;

	j->protections = arena_calloc(
		j->arena, 2 * home->protection_count + 1, sizeof *j->protections);
	if (!j->protections)
		return no_memory(j);
	if (home->protection_count)
		memcpy(j->protections, home->protections,
			home->protection_count * sizeof *j->protections);
	j->protection_count = home->protection_count;
	return E_OK;
}

static const struct policy_protection *protection_of(
	struct joining *j, const struct policy_verdict *verdict)
{
	const struct policy_protection *from = verdict->protection;
	struct policy_protection *made;

	if (!from)
		return NULL;
	if (from->demand == verdict->demand)
		return &j->protections[from->number - 1];
	for (size_t i = j->layers[0].policy->protection_count; i < j->protection_count; i++)
		if (j->protections[i].instance == from->instance)
			return &j->protections[i];
	made = &j->protections[j->protection_count++];
	*made = *from;
	made->demand = verdict->demand;
	made->number = (uint32_t)j->protection_count;
	return made;
}

/* ---- Rules ---- */

static const char *name_of(
	struct joining *j, size_t layer, const struct policy_rule *rule, const char *more)
{
	const char *name = rule ? rule->name : "no-rule";
	char text[NAME_MAX_OCTETS];

	if (layer == 0 && !*more)
		return name;
	snprintf(text, sizeof text, "%s%s%s%s", layer ? j->layers[layer].name : "",
		layer ? "/" : "", name, more);
	return arena_strdup(j->arena, text);
}

static bool holds_beside(const struct policy_rule *rule)
{
	return rule && (rule->log || rule->rate.count || rule->connections.count);
}

/* Others that hold besides the one that the rule is made of. */
static enum err add_beside(struct joining *j, const struct policy_decision *d,
	const struct policy_rule *base, struct policy_rule *made)
{
	for (size_t i = j->count; i-- > 0;) {
		const struct policy_rule *rule = d->rules[i];
		struct policy_rule *copy;

		if (rule == base || !holds_beside(rule))
			continue;
		copy = arena_calloc(j->arena, 1, sizeof *copy);
		if (!copy)
			return no_memory(j);
		*copy = *rule;
		copy->name = name_of(j, i, rule, "");
		copy->beside = made->beside;
		made->beside = copy;
		if (!copy->name)
			return no_memory(j);
	}
	return E_OK;
}

static bool home_protects(const struct policy_decision *d)
{
	return d->verdict.action == POLICY_PROTECT && d->rules[0] &&
	       d->rules[0]->action == POLICY_PROTECT;
}

static enum err make_rule(
	struct joining *j, const struct policy_decision *d, struct policy_rule *ret)
{
	const struct policy_rule *base = home_protects(d) ? d->rules[0] : d->rule;
	struct policy_rule made = {.stateful = true};

	if (base)
		made = *base;
	made.matches = NULL;
	made.match_count = 0;
	made.beside = NULL;
	made.action = d->verdict.action;
	made.demand = d->verdict.demand;
	made.protection = protection_of(j, &d->verdict);
	made.incomparable = d->incomparable;
	/* Who decided is told, also where home's protection is what counts. */
	made.name = name_of(j, d->layer, d->rule, d->incomparable ? "/incomparable" : "");
	if (d->rule)
		made.instance = d->rule->instance;
	if (!made.name)
		return no_memory(j);
	if (made.action == POLICY_DISCARD) {
		*ret = made;
		return E_OK;
	}
	for (size_t i = 0; i < j->count; i++)
		made.stateful = made.stateful && !(d->rules[i] && !d->rules[i]->stateful);
	*ret = made;
	return add_beside(j, d, base, ret);
}

static bool same_beside(const struct policy_rule *a, const struct policy_rule *b)
{
	for (; a && b; a = a->beside, b = b->beside)
		if (a->instance != b->instance || strcmp(a->name, b->name) != 0)
			return false;
	return a == b;
}

static bool same_rule(const struct policy_rule *a, const struct policy_rule *b)
{
	return a->action == b->action && a->protection == b->protection &&
	       a->stateful == b->stateful && a->log == b->log &&
	       a->incomparable == b->incomparable && a->rate.count == b->rate.count &&
	       a->connections.count == b->connections.count && same_beside(a->beside, b->beside);
}

static enum err grow(struct joining *j)
{
	size_t room = j->rule_room ? 2 * j->rule_room : 256;
	struct policy_rule *rules = reallocarray(j->rules, room, sizeof *rules);
	uint32_t *next;

	if (!rules)
		return no_memory(j);
	j->rules = rules;
	next = reallocarray(j->next, room, sizeof *next);
	if (!next)
		return no_memory(j);
	j->next = next;
	j->rule_room = room;
	return E_OK;
}

/* The number of the rule for a decision, a new one or one that does the same. */
static enum err number_of(struct joining *j, const struct policy_decision *d, uint32_t *ret)
{
	uint32_t *latest = &j->latest[d->layer][d->rule ? d->rule->number : 0];
	struct policy_rule made;
	enum err err;

	*ret = 0;
	if (d->layer == 0 && !d->rule)
		return E_OK;
	err = make_rule(j, d, &made);
	if (err)
		return err;
	for (uint32_t n = *latest; n; n = j->next[n - 1])
		if (same_rule(&j->rules[n - 1], &made)) {
			*ret = n;
			return E_OK;
		}
	if (j->rule_count == j->rule_room && (err = grow(j)))
		return err;
	j->next[j->rule_count] = *latest;
	j->rules[j->rule_count++] = made;
	*ret = *latest = j->rules[j->rule_count - 1].number = (uint32_t)j->rule_count;
	return E_OK;
}

/* ---- Diagrams: first with numbers and a bit for the mirror, for nobody knows yet how many rules
 * there will be ---- */

enum { MIRROR_BIT = 1u << 31 };

static uint32_t renumber(void *context, uint32_t number)
{
	const uint32_t *numbers = context;

	return numbers[number];
}

static uint32_t place_mirrors(void *context, uint32_t number)
{
	const struct joining *j = context;

	return number & MIRROR_BIT ? (number & ~(uint32_t)MIRROR_BIT) + (uint32_t)j->rule_count
				   : number;
}

static enum err join_diagrams(
	struct joining *j, const flow_ref *diagrams, struct flow_manager *m, flow_ref *ret)
{
	struct policy_merged merged;
	struct arena arena;
	uint32_t *numbers;
	enum err err;

	arena_init(&arena, SIZE_MAX);
	err = policy_merge_diagrams(
		j->layers, j->count, diagrams, m, &arena, &merged, j->error);
	numbers = err ? NULL : calloc(merged.count, sizeof *numbers);
	if (!err && !numbers)
		err = no_memory(j);
	for (size_t i = 0; !err && i < merged.count; i++) {
		err = number_of(j, &merged.decisions[i], &numbers[i]);
		if (!err && merged.decisions[i].mirrored)
			numbers[i] |= MIRROR_BIT;
	}
	if (!err)
		err = flow_map(m, merged.diagram, renumber, numbers, ret, j->error);
	free(numbers);
	arena_fini(&arena);
	return err;
}

static enum err join_own(
	struct joining *j, enum flow_direction direction, struct flow_manager *m, flow_ref *ret)
{
	flow_ref diagrams[POLICY_LAYERS_MAX];

	for (size_t i = 0; i < j->count; i++) {
		enum err err = policy_diagram(
			j->layers[i].policy, direction, NULL, m, &diagrams[i], j->error);

		if (err)
			return err;
	}
	return join_diagrams(j, diagrams, m, ret);
}

static enum err join_pair(struct joining *j, const char *in, const char *out,
	struct flow_manager *m, flow_ref *ret)
{
	flow_ref diagrams[POLICY_LAYERS_MAX];
	struct arena arena;
	enum err err = E_OK;

	arena_init(&arena, SIZE_MAX);
	for (size_t i = 0; i < j->count && !err; i++) {
		struct flow_match *matches;
		size_t count;

		err = policy_transit_matches(
			j->layers[i].policy, in, out, &arena, &matches, &count, j->error);
		if (!err)
			err = flow_build(m, matches, count, &diagrams[i], j->error);
	}
	arena_fini(&arena);
	return err ? err : join_diagrams(j, diagrams, m, ret);
}

static enum err join_transit(struct joining *j, const struct policy_roles *roles,
	struct flow_manager *m, struct policy_joint *joint)
{
	enum err err = E_OK;

	joint->transit = arena_calloc(
		j->arena, roles->count * roles->count + 1, sizeof *joint->transit);
	if (!joint->transit)
		return no_memory(j);
	for (size_t i = 0; i < roles->count && !err; i++)
		for (size_t k = 0; k < roles->count && !err; k++)
			err = join_pair(j, roles->names[i], roles->names[k], m,
				&joint->transit[i * roles->count + k]);
	for (size_t i = 0; i < roles->count * roles->count && !err; i++)
		err = flow_map(
			m, joint->transit[i], place_mirrors, j, &joint->transit[i], j->error);
	return err;
}

static enum err keep(struct joining *j, struct policy_joint *joint)
{
	struct policy_rule *rules = arena_calloc(j->arena, j->rule_count + 1, sizeof *rules);

	if (!rules)
		return no_memory(j);
	if (j->rule_count)
		memcpy(rules, j->rules, j->rule_count * sizeof *rules);
	joint->policy = (struct policy){
		.roles = j->layers[0].policy->roles,
		.capability_set = j->layers[0].policy->capability_set,
		.rules = rules,
		.rule_count = j->rule_count,
		.protections = j->protections,
		.protection_count = j->protection_count,
	};
	return E_OK;
}

static enum err join(struct joining *j, const struct policy_roles *roles, struct flow_manager *m,
	struct policy_joint *joint)
{
	enum err err = take_protections(j);

	for (size_t i = 0; i < j->count && !err; i++) {
		j->latest[i] = calloc(
			j->layers[i].policy->rule_count + 1, sizeof *j->latest[i]);
		if (!j->latest[i])
			err = no_memory(j);
	}
	if (!err)
		err = join_own(j, FLOW_IN, m, &joint->in);
	if (!err)
		err = join_own(j, FLOW_OUT, m, &joint->out);
	if (!err && roles)
		err = join_transit(j, roles, m, joint);
	return err ? err : keep(j, joint);
}

enum err policy_join(const struct policy_layer *layers, size_t count,
	const struct policy_roles *roles, struct flow_manager *m, struct arena *arena,
	struct policy_joint *ret, struct error *error)
{
	struct joining j = {.layers = layers, .count = count, .arena = arena, .error = error};
	struct policy_joint joint = {.transit = NULL};
	enum err err;

	if (count == 0 || count > POLICY_LAYERS_MAX)
		return error_set(error, E_LIMIT, "%zu authorities, from 1 to %d are possible",
			count, POLICY_LAYERS_MAX);
	err = join(&j, roles, m, &joint);
	for (size_t i = 0; i < count; i++)
		free(j.latest[i]);
	free(j.rules);
	free(j.next);
	if (!err)
		*ret = joint;
	return err;
}

enum err policy_tighten(const struct policy *policy, struct arena *arena, struct policy *ret)
{
	struct policy_rule *rules = arena_calloc(arena, policy->rule_count + 1, sizeof *rules);
	struct policy_protection *protections =
		arena_calloc(arena, policy->protection_count + 1, sizeof *protections);

	if (!rules || !protections)
		return E_MEMORY;
	for (size_t i = 0; i < policy->protection_count; i++) {
		protections[i] = policy->protections[i];
		protections[i].demand = POLICY_REQUIRED;
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		rules[i] = policy->rules[i];
		rules[i].demand = POLICY_REQUIRED;
		if (rules[i].action == POLICY_BYPASS)
			rules[i].action = POLICY_DISCARD;
		if (rules[i].protection)
			rules[i].protection = &protections[rules[i].protection->number - 1];
	}
	*ret = *policy;
	ret->rules = rules;
	ret->protections = protections;
	return E_OK;
}
