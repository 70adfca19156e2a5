/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/layers.h"

#include <stdlib.h>
#include <string.h>

/* Home's protection of the name that another layer's rule demands. */
static const struct policy_protection *home_protection(
	const struct policy_layer *layers, const struct policy_protection *demanded)
{
	const struct policy *home = layers[0].policy;

	for (size_t i = 0; demanded && i < home->protection_count; i++)
		if (!strcmp(home->protections[i].name, demanded->name))
			return &home->protections[i];
	return NULL;
}

static enum policy_strictness rule_strictness(const struct policy_rule *rule)
{
	struct policy_verdict verdict = policy_verdict_of(rule);

	return policy_strictness(&verdict);
}

/* A layer whose rule changes nothing any more is not heard; the others are: a bit for each. */
typedef uint32_t heard;

static bool is_heard(heard layers, size_t i)
{
	return layers & (heard)1 << i;
}

/* The first of the strictest layers. */
static size_t strictest(const struct policy_rule *const *rules, size_t count, heard layers)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++)
		if (is_heard(layers, i) &&
			(best == count || rule_strictness(rules[i]) > rule_strictness(rules[best])))
			best = i;
	return best;
}

/* Does home's rule protect, so that its protection wins? */
static bool home_protects(const struct policy_rule *const *rules, heard layers)
{
	return is_heard(layers, 0) && rules[0] && rules[0]->action == POLICY_PROTECT;
}

/* The protection that the strictest layers demand together; NULL if there is none. On different
 * sides of the node it is not the same. */
static const struct policy_protection *demanded_protection(const struct policy_layer *layers,
	size_t count, const struct policy_rule *const *rules, heard which, heard mirrored,
	size_t first)
{
	const struct policy_protection *wanted = home_protection(layers, rules[first]->protection);

	for (size_t i = first + 1; i < count; i++)
		if (is_heard(which, i) &&
			rule_strictness(rules[i]) == rule_strictness(rules[first]) &&
			(home_protection(layers, rules[i]->protection) != wanted ||
				is_heard(mirrored, i) != is_heard(mirrored, first)))
			return NULL;
	return wanted;
}

static struct policy_decision decide(const struct policy_layer *layers, size_t count,
	const struct policy_rule *const *rules, heard which, heard mirrored)
{
	size_t first = strictest(rules, count, which);
	struct policy_decision d = {.layer = first, .rule = rules[first], .rules = rules};

	d.verdict = policy_verdict_of(d.rule);
	if (d.verdict.action != POLICY_PROTECT)
		return d;
	if (home_protects(rules, which)) {
		enum policy_demand demand = d.verdict.demand;

		d.verdict = policy_verdict_of(rules[0]);
		d.verdict.demand = demand;
		d.mirrored = is_heard(mirrored, 0);
		return d;
	}
	/* One protection by its name, and nothing more, can be demanded. */
	d.verdict.compound = NULL;
	d.verdict.protection = demanded_protection(layers, count, rules, which, mirrored, first);
	d.mirrored = is_heard(mirrored, first);
	if (!d.verdict.protection) {
		d.verdict = policy_verdict_of(NULL);
		d.incomparable = true;
	}
	return d;
}

struct policy_decision policy_decide(
	const struct policy_layer *layers, size_t count, const struct policy_rule *const *rules)
{
	return decide(layers, count, rules, ((heard)1 << count) - 1, 0);
}

/* ---- The product ---- */

/* What the layers multiplied so far say of some flows: the rules by layer, 0 for none. */
struct state {
	heard heard;
	uint32_t numbers[POLICY_LAYERS_MAX];
};

struct product {
	const struct policy_layer *layers;
	size_t count; /* of the layers so far */
	struct state *states;
	size_t state_count;
	size_t state_capacity;
	uint32_t *slots; /* places in states + 1, 0 = free; their number is a power of two */
	size_t slot_count;
	enum err err;
};

/* Returns which of them are mirrors. */
static heard rules_of(
	const struct product *p, const struct state *s, const struct policy_rule **rules)
{
	heard mirrored = 0;

	for (size_t i = 0; i < p->count; i++) {
		uint32_t rule_count = (uint32_t)p->layers[i].policy->rule_count;
		bool mirror = s->numbers[i] > rule_count;

		rules[i] = policy_rule(
			p->layers[i].policy, mirror ? s->numbers[i] - rule_count : s->numbers[i]);
		mirrored |= (heard)mirror << i;
	}
	return mirrored;
}

static bool has_effects(const struct policy_rule *rule)
{
	return rule && (rule->log || !rule->stateful || rule->rate.count || rule->connections.count);
}

/* Has a stricter or equal layer before this one the same demand? */
static bool is_repeated(const struct product *p, const struct policy_rule *const *rules,
	const struct state *s, heard mirrored, size_t layer)
{
	for (size_t i = 1; i < layer; i++)
		if (is_heard(s->heard, i) && is_heard(mirrored, i) == is_heard(mirrored, layer) &&
			rule_strictness(rules[i]) == rule_strictness(rules[layer]) &&
			home_protection(p->layers, rules[i]->protection) ==
				home_protection(p->layers, rules[layer]->protection))
			return true;
	return false;
}

/* Can this layer's rule still have a part in the decision, whatever further layers say? */
static bool matters(const struct product *p, const struct policy_rule *const *rules,
	const struct state *s, heard mirrored, size_t first, size_t layer)
{
	enum policy_strictness most = rule_strictness(rules[first]);

	if (layer == first)
		return true;
	if (most == STRICTNESS_DISCARD)
		return false;
	if (has_effects(rules[layer]))
		return true;
	if (layer == 0)
		return home_protects(rules, s->heard);
	return most != STRICTNESS_BYPASS && rule_strictness(rules[layer]) == most &&
	       !home_protects(rules, s->heard) && !is_repeated(p, rules, s, mirrored, layer);
}

/* Leaves out what can have no part any more, so that fewer states differ. */
static void normalise(const struct product *p, struct state *s)
{
	const struct policy_rule *rules[POLICY_LAYERS_MAX];
	heard heard_rules = 0, mirrored = rules_of(p, s, rules);
	size_t first;

	first = strictest(rules, p->count, s->heard);
	for (size_t i = 0; i < p->count; i++)
		if (is_heard(s->heard, i) && matters(p, rules, s, mirrored, first, i))
			heard_rules |= (heard)1 << i;
	for (size_t i = 0; i < p->count; i++)
		if (!is_heard(heard_rules, i))
			s->numbers[i] = 0;
	s->heard = heard_rules;
}

static uint64_t hash_state(const struct state *s)
{
	uint64_t hash = s->heard;

	for (size_t i = 0; i < POLICY_LAYERS_MAX; i++) {
		hash = (hash ^ s->numbers[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return hash;
}

static size_t find_slot(const struct product *p, const struct state *s)
{
	size_t at = hash_state(s) & (p->slot_count - 1);

	while (p->slots[at] && memcmp(&p->states[p->slots[at] - 1], s, sizeof *s) != 0)
		at = (at + 1) & (p->slot_count - 1);
	return at;
}

static enum err grow_slots(struct product *p)
{
	size_t slot_count = p->slot_count ? 2 * p->slot_count : 1024;
	uint32_t *slots = calloc(slot_count, sizeof *slots);

	if (!slots)
		return E_MEMORY;
	free(p->slots);
	p->slots = slots;
	p->slot_count = slot_count;
	for (size_t i = 0; i < p->state_count; i++)
		p->slots[find_slot(p, &p->states[i])] = (uint32_t)i + 1;
	return E_OK;
}

static enum err grow_states(struct product *p)
{
	size_t capacity = p->state_capacity ? 2 * p->state_capacity : 256;
	struct state *states = reallocarray(p->states, capacity, sizeof *states);

	if (!states)
		return E_MEMORY;
	p->states = states;
	p->state_capacity = capacity;
	return E_OK;
}

/* The number of a state; 0 and p->err on failure. */
static uint32_t state_number(struct product *p, struct state *s)
{
	size_t at;

	normalise(p, s);
	if (!p->err && p->state_count >= p->slot_count / 2)
		p->err = grow_slots(p);
	if (!p->err && p->state_count == p->state_capacity)
		p->err = grow_states(p);
	if (p->err)
		return 0;
	at = find_slot(p, s);
	if (p->slots[at])
		return p->slots[at] - 1;
	if (p->state_count == POLICY_DECISIONS_MAX) {
		p->err = E_LIMIT;
		return 0;
	}
	p->states[p->state_count++] = *s;
	p->slots[at] = (uint32_t)p->state_count;
	return p->slots[at] - 1;
}

static uint32_t first_layer(void *context, uint32_t rule)
{
	struct state s = {.heard = 1, .numbers = {rule}};

	return state_number(context, &s);
}

static uint32_t next_layer(void *context, uint32_t state, uint32_t rule)
{
	struct product *p = context;
	struct state s;

	if (p->err)
		return 0;
	s = p->states[state];
	s.heard |= (heard)1 << (p->count - 1);
	s.numbers[p->count - 1] = rule;
	return state_number(p, &s);
}

static enum err multiply(struct product *p, size_t count, const flow_ref *diagrams,
	struct flow_manager *m, flow_ref *ret, struct error *error)
{
	flow_ref product = FLOW_NOTHING;
	enum err err = E_OK;

	for (size_t i = 0; i < count && !err; i++) {
		p->count = i + 1;
		if (i == 0)
			err = flow_map(m, diagrams[i], first_layer, p, &product, error);
		else
			err = flow_combine(m, product, diagrams[i], next_layer, p, &product, error);
		if (!err && p->err)
			err = error_set(error, p->err,
				p->err == E_LIMIT
					? "the policies of %zu authorities make more than "
					  "%d different decisions"
					: "no memory for the policies of %zu authorities",
				count, POLICY_DECISIONS_MAX);
	}
	if (!err)
		*ret = product;
	return err;
}

/* ---- What comes out ---- */

static enum err keep_decision(const struct product *p, const struct state *s, struct arena *arena,
	struct policy_decision *ret)
{
	const struct policy_rule **rules = arena_calloc(arena, p->count, sizeof *rules);
	heard mirrored;

	if (!rules)
		return E_MEMORY;
	mirrored = rules_of(p, s, rules);
	*ret = decide(p->layers, p->count, rules, s->heard, mirrored);
	return E_OK;
}

static uint32_t renumber(void *context, uint32_t number)
{
	const uint32_t *numbers = context;

	return numbers[number];
}

/* Only the states that some flow is in become decisions, and state 0, which is that of home's
 * silence. */
static enum err keep_decisions(const struct product *p, flow_ref diagram, struct flow_manager *m,
	struct arena *arena, struct policy_merged *ret, struct error *error)
{
	struct policy_decision *decisions = arena_calloc(arena, p->state_count, sizeof *decisions);
	uint32_t *numbers = calloc(p->state_count, sizeof *numbers);
	bool *seen = calloc(p->state_count, sizeof *seen);
	struct policy_merged merged = {.decisions = decisions};
	enum err err = E_MEMORY;

	if (!decisions || !numbers || !seen || flow_numbers(m, diagram, seen, p->state_count))
		goto out;
	for (size_t i = 0; i < p->state_count; i++) {
		if (i > 0 && !seen[i])
			continue;
		numbers[i] = (uint32_t)merged.count;
		if (keep_decision(p, &p->states[i], arena, &decisions[merged.count++]))
			goto out;
	}
	err = flow_map(m, diagram, renumber, numbers, &merged.diagram, error);
	if (!err)
		*ret = merged;
out:
	if (err == E_MEMORY)
		error_set(error, E_MEMORY, "no memory for %zu decisions", p->state_count);
	free(numbers);
	free(seen);
	return err;
}

enum err policy_merge_diagrams(const struct policy_layer *layers, size_t count,
	const flow_ref *diagrams, struct flow_manager *m, struct arena *arena,
	struct policy_merged *ret, struct error *error)
{
	struct product p = {.layers = layers, .count = 1};
	flow_ref diagram = FLOW_NOTHING;
	enum err err;

	if (count == 0 || count > POLICY_LAYERS_MAX)
		return error_set(error, E_LIMIT, "%zu authorities, from 1 to %d are possible",
			count, POLICY_LAYERS_MAX);
	first_layer(&p, 0);
	err = p.err ? error_set(
			      error, p.err, "no memory for the policies of %zu authorities", count)
		    : multiply(&p, count, diagrams, m, &diagram, error);
	if (!err)
		err = keep_decisions(&p, diagram, m, arena, ret, error);
	free(p.states);
	free(p.slots);
	return err;
}

enum err policy_merge(const struct policy_layer *layers, size_t count,
	enum flow_direction direction, const struct policy_roles *roles, struct flow_manager *m,
	struct arena *arena, struct policy_merged *ret, struct error *error)
{
	flow_ref diagrams[POLICY_LAYERS_MAX];

	for (size_t i = 0; i < count && i < POLICY_LAYERS_MAX; i++) {
		enum err err = policy_diagram(
			layers[i].policy, direction, roles, m, &diagrams[i], error);

		if (err) {
			error_prefix(error, "policy of %s", layers[i].name);
			return err;
		}
	}
	return policy_merge_diagrams(layers, count, diagrams, m, arena, ret, error);
}
