/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/tunnel_ends.h"

#include <stdlib.h>
#include <string.h>

#include "pib/flow/lists.h"
#include "pmt/compiler/reading.h"

enum { TUNNELS_ARENA = 256 << 20 };

struct tunnels {
	const struct model *m;
	struct diagnostics *d;
	struct error *e;
	struct reading reading;
	const struct model_rule **told;
	size_t told_count;
};

/* What the other end does with the flows of a rule: the best that any of its rules does, and the
 * rule that is to blame if that is not enough. */
struct answer {
	enum {
		ANSWER_NONE,
		ANSWER_DENY,
		ANSWER_CLEAR,
		ANSWER_OTHER,
		ANSWER_ELSEWHERE,
		ANSWER_GOOD
	} is;
	const struct model_rule *by;
};

static bool contains(const struct address_list *list, const struct address_range *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_contains(&list->items[i], address))
			return true;
	return false;
}

static const struct model_node *node_at(const struct model *m, const struct address_range *address)
{
	for (size_t i = 0; i < m->node_count; i++)
		if (m->nodes[i].has_key && contains(&m->nodes[i].addresses, address))
			return &m->nodes[i];
	return NULL;
}

static bool same_ike(const struct model_ike *a, const struct model_ike *b)
{
	return a->encryption == b->encryption && a->integrity == b->integrity && a->prf == b->prf &&
	       a->group == b->group && a->authentication == b->authentication;
}

static bool same_esp(const struct model_esp *a, const struct model_esp *b)
{
	return a->encryption == b->encryption && a->integrity == b->integrity &&
	       a->group == b->group && a->esn == b->esn;
}

static bool agree(const struct model_protection *a, const struct model_protection *b)
{
	bool ike = false, esp = false;

	for (size_t i = 0; i < a->ike_count; i++)
		for (size_t k = 0; k < b->ike_count; k++)
			ike |= same_ike(&a->ike[i], &b->ike[k]);
	for (size_t i = 0; i < a->esp_count; i++)
		for (size_t k = 0; k < b->esp_count; k++)
			esp |= same_esp(&a->esp[i], &b->esp[k]);
	return a == b || (ike && esp);
}

static bool any_agree(const struct model_rule *a, const struct model_rule *b)
{
	for (size_t i = 0; i < a->protection_count; i++)
		for (size_t k = 0; k < b->protection_count; k++)
			if (agree(a->protections[i], b->protections[k]))
				return true;
	return false;
}

/* Does its tunnel lead to a node that has this set? */
static bool leads_to_owner(
	struct tunnels *t, const struct reading_set *of, const struct model_rule *back)
{
	if (back->via_guardian)
		return true;
	for (size_t i = 0; i < t->m->node_count; i++) {
		const struct model_node *node = &t->m->nodes[i];
		const struct reading_node *read = reading_node(&t->reading, node->name);
		bool has = false;

		if (!read || !contains(&node->addresses, &back->via))
			continue;
		has = reading_set_at(&t->reading, read->name, read->roles) == of;
		for (size_t k = 0; k < read->interface_count && !has; k++)
			has = reading_set_at(&t->reading, read->name, read->interfaces[k].roles) ==
			      of;
		if (has)
			return true;
	}
	return false;
}

static struct answer judge(struct tunnels *t, const struct model_rule *rule,
	const struct reading_set *of, const struct policy_rule *decider)
{
	const struct model_rule *back = decider ? model_rule(t->m, decider->name) : NULL;

	if (!back || back->row)
		return (struct answer){back ? ANSWER_GOOD : ANSWER_NONE, back};
	if (back->verdict == VERDICT_DENY)
		return (struct answer){ANSWER_DENY, back};
	if (back->verdict == VERDICT_ALLOW)
		return (struct answer){ANSWER_CLEAR, back};
	if (!any_agree(rule, back))
		return (struct answer){ANSWER_OTHER, back};
	if (!back->protections[0]->tunnel || !leads_to_owner(t, of, back))
		return (struct answer){ANSWER_ELSEWHERE, back};
	return (struct answer){ANSWER_GOOD, back};
}

/* What one set of the other end does with these flows, through any of its interfaces. */
static enum err ask_set(struct tunnels *t, const struct model_rule *rule,
	const struct reading_set *of, const struct flow_match *flows, struct reading_set *set,
	enum flow_direction direction, struct answer *best)
{
	const uint32_t outside = (uint32_t)set->policy->rule_count + 1;
	bool *deciders = calloc((size_t)outside + 1, sizeof *deciders);
	struct flow_match wide = *flows;
	flow_ref inside;
	enum err code = deciders ? reading_diagram(&t->reading, set, direction, t->e)
				 : error_set(t->e, E_MEMORY, "out of memory");

	wide.field[FLOW_IN_ROLE] = wide.field[FLOW_OUT_ROLE] = (struct flow_intervals){0};
	if (!code)
		code = flow_restrict(set->manager[direction], set->diagram[direction], &wide,
			outside, &inside, t->e);
	if (!code && flow_numbers(set->manager[direction], inside, deciders, outside + 1))
		code = error_set(t->e, E_MEMORY, "out of memory");
	for (uint32_t n = 1; !code && n < outside; n++) {
		struct answer one;

		if (!deciders[n])
			continue;
		one = judge(t, rule, of, policy_rule(set->policy, n));
		if (one.is > best->is)
			*best = one;
	}
	free(deciders);
	return code;
}

/* Of the other end: as a gateway, and as the one that is meant. */
static enum err ask_node(struct tunnels *t, const struct model_rule *rule,
	const struct reading_set *of, const struct flow_match *flows, enum flow_direction direction,
	const struct reading_node *node, struct answer *best)
{
	const enum flow_direction there = direction == FLOW_IN ? FLOW_OUT : FLOW_IN;
	struct reading_set *set = reading_set_at(&t->reading, node->name, node->roles);
	enum err code = E_OK;

	if (set)
		code = ask_set(t, rule, of, flows, set, FLOW_FORWARD, best);
	for (size_t i = 0; i < node->interface_count && !code; i++) {
		set = reading_set_at(&t->reading, node->name, node->interfaces[i].roles);
		if (set)
			code = ask_set(t, rule, of, flows, set, there, best);
		if (set && !code && direction == FLOW_FORWARD)
			code = ask_set(t, rule, of, flows, set, FLOW_OUT, best);
	}
	return code;
}

static void report(struct tunnels *t, const struct model_rule *rule, const struct model_node *other,
	const struct answer *answer)
{
	static const char *const what[] = {
		[ANSWER_NONE] = "has no rule for what comes through it, so drops it",
		[ANSWER_DENY] = "denies what comes through it",
		[ANSWER_CLEAR] = "has no tunnel for it, and lets it pass in clear",
		[ANSWER_OTHER] = "has a protection for it that has nothing in common with this one",
		[ANSWER_ELSEWHERE] = "protects it towards somebody else",
	};
	struct buffer text;

	for (size_t i = 0; i < t->told_count; i++)
		if (t->told[i] == rule)
			return;
	t->told[t->told_count++] = rule;
	buffer_init(&text, 1 << 16);
	if (answer->by) {
		buffer_put_text(&text, ", by \"%s\" at ", answer->by->name);
		place_print(t->d, answer->by->at, &text);
	}
	report_warning(t->d, rule->at, "the other end of this tunnel, the node \"%s\", %s%s",
		other->name, what[answer->is], buffer_string(&text));
	buffer_fini(&text);
}

static enum err check_rule(
	struct tunnels *t, struct reading_set *set, uint32_t number, const struct model_rule *rule)
{
	const struct model_node *other = node_at(t->m, &rule->via);
	const struct reading_node *node = other ? reading_node(&t->reading, other->name) : NULL;
	struct answer best = {ANSWER_NONE, NULL};
	struct flow_match *matches;
	struct arena arena;
	enum err code = E_OK;
	size_t count;

	if (!node)
		return E_OK;
	arena_init(&arena, TUNNELS_ARENA);
	for (int d = FLOW_IN; d <= FLOW_FORWARD && !code && best.is != ANSWER_GOOD; d++) {
		code = policy_matches(set->policy, (enum flow_direction)d, &t->reading.roles,
			&arena, &matches, &count, t->e);
		for (size_t i = 0; !code && i < count && best.is != ANSWER_GOOD; i++)
			if (matches[i].number == number)
				code = ask_node(t, rule, set, &matches[i], (enum flow_direction)d,
					node, &best);
	}
	arena_fini(&arena);
	if (!code && best.is != ANSWER_GOOD)
		report(t, rule, other, &best);
	return code;
}

static bool is_tunnel(const struct model_rule *rule)
{
	return !rule->row && !rule->via_guardian && rule->protection_count &&
	       rule->protections[0]->tunnel;
}

static bool any_tunnel(const struct model *m)
{
	for (size_t i = 0; i < m->rule_count; i++)
		if (is_tunnel(m->rules[i]))
			return true;
	return false;
}

enum err tunnel_ends_find(
	const struct model *m, struct view bundle, struct diagnostics *d, struct error *e)
{
	struct tunnels t = {.m = m, .d = d, .e = e};
	enum err code;

	if (!any_tunnel(m))
		return E_OK;
	code = reading_init(&t.reading, bundle, e);
	t.told = calloc(m->rule_count + 1, sizeof(struct model_rule *));
	if (!code && !t.told)
		code = error_set(e, E_MEMORY, "out of memory");
	for (size_t i = 0; i < t.reading.set_count && !code; i++) {
		struct reading_set *set = &t.reading.sets[i];

		for (uint32_t n = 1; n <= set->policy->rule_count && !code; n++) {
			const struct policy_rule *compiled = policy_rule(set->policy, n);
			const struct model_rule *rule;

			if (compiled->action != POLICY_PROTECT)
				continue;
			rule = model_rule(m, compiled->name);
			if (!rule || rule->row || rule->via_guardian || !rule->protection_count ||
				!rule->protections[0]->tunnel)
				continue;
			code = check_rule(&t, set, n, rule);
			/* Too large a diagram is looked at no further. */
			if (code == E_LIMIT)
				code = E_OK;
		}
	}
	free(t.told);
	reading_fini(&t.reading);
	return code;
}
