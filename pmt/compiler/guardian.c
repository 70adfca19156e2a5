/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/guardian.h"

#include <stdio.h>
#include <string.h>

enum { GUARDED_NAME_MAX = 255 };

struct guarding {
	const struct model *m;
	const struct model_node *guardian;
	struct arena *arena;
	struct model_rule *rules;
	size_t count, capacity;
	struct error *e;
};

static enum err no_memory(struct guarding *g)
{
	return error_set(g->e, E_MEMORY, "out of memory");
}

bool guardian_of_any(const struct model *m, const struct model_node *node)
{
	for (size_t i = 0; i < m->node_count; i++)
		if (m->nodes[i].guardian == node)
			return true;
	return false;
}

/* A new rule at the end; its name is `name`, and `part` and `number` behind it (0: none). */
static enum err add(struct guarding *g, const struct model_rule *rule, const char *name,
	const char *part, size_t number)
{
	char text[GUARDED_NAME_MAX + 1];
	int len = number ? snprintf(text, sizeof text, "%s.%s.%zu", name, part, number)
			 : snprintf(text, sizeof text, "%s.%s", name, part);
	const struct model_rule *taken;
	struct model_rule *r;

	if (len < 0 || (size_t)len >= sizeof text)
		return error_set(g->e, E_LENGTH, "the name \"%s\" is too long", name);
	if (g->count == g->capacity) {
		size_t capacity = g->capacity ? 2 * g->capacity : 32;
		struct model_rule *rules = arena_calloc(g->arena, capacity, sizeof *rules);

		if (!rules)
			return no_memory(g);
		if (g->count)
			memcpy(rules, g->rules, g->count * sizeof *rules);
		g->rules = rules;
		g->capacity = capacity;
	}
	r = &g->rules[g->count++];
	*r = *rule;
	r->name = arena_strdup(g->arena, text);
	if (!r->name)
		return no_memory(g);
	taken = model_rule(g->m, r->name);
	if (taken && strcmp(taken->name, r->name) == 0)
		return error_set(g->e, E_DUPLICATE,
			"the name \"%s\" is what \"%s\" calls the rule \"%s\" of its ward", r->name,
			g->guardian->name, name);
	r->in = r->out = false;
	r->forward = true;
	r->in_role = r->out_role = NULL;
	return E_OK;
}

static enum err intersect(struct guarding *g, const struct address_list *a,
	const struct address_list *b, struct address_list *ret)
{
	*ret = (struct address_list){0};
	if (a->any || b->any) {
		*ret = a->any ? *b : *a;
		return E_OK;
	}
	ret->items = arena_calloc(g->arena, a->count * b->count + 1, sizeof *ret->items);
	if (!ret->items)
		return no_memory(g);
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			ret->count += address_intersection(
				&a->items[i], &b->items[k], &ret->items[ret->count]);
	return E_OK;
}

/* --- where tunnels end --- */

static bool has_address(const struct model_node *node, const struct address_range *a)
{
	for (size_t i = 0; i < node->addresses.count; i++)
		if (address_contains(&node->addresses.items[i], a))
			return true;
	return false;
}

/* The only address of whoever protects this one; NULL if nobody is known to. */
static const struct address_range *end_of(const struct model *m, const struct address_range *a)
{
	for (size_t i = 0; i < m->node_count; i++) {
		const struct model_node *node = &m->nodes[i];
		const struct model_node *end = node->has_key ? node : node->guardian;

		if (end && has_address(node, a))
			return end->addresses.count == 1 ? &end->addresses.items[0] : NULL;
	}
	return NULL;
}

/* One rule for each end that its peers are behind. */
static enum err split_by_ends(struct guarding *g, const struct model_rule *rule,
	const struct model_node *ward, bool incoming)
{
	const struct address_list peers = incoming ? rule->from : rule->to;
	bool *done = arena_calloc(g->arena, peers.count + 1, sizeof *done);
	size_t ends = 0;
	enum err code = done ? E_OK : no_memory(g);

	if (!code && peers.any)
		return error_set(g->e, E_NOT_FOUND,
			"the rule \"%s\" of \"%s\" is for any peer, and its tunnel needs via",
			rule->name, ward->name);
	for (size_t i = 0; i < peers.count && !code; i++) {
		const struct address_range *end = end_of(g->m, &peers.items[i]);
		struct address_list *behind;
		struct model_rule *part;

		if (!end) {
			struct buffer text;

			buffer_init(&text, 256);
			print_address(&peers.items[i], &text);
			code = error_set(g->e, E_NOT_FOUND,
				"the rule \"%s\" of \"%s\" needs via: nobody with one address is "
				"known to protect %s",
				rule->name, ward->name, buffer_string(&text));
			buffer_fini(&text);
			break;
		}
		if (done[i] || has_address(g->guardian, end))
			continue;
		code = add(g, rule, rule->name, ward->name, ++ends);
		if (code)
			break;
		part = &g->rules[g->count - 1];
		part->via = *end;
		behind = incoming ? &part->from : &part->to;
		*behind = (struct address_list){
			.items = arena_calloc(g->arena, peers.count, sizeof *behind->items)};
		if (!behind->items)
			return no_memory(g);
		for (size_t k = i; k < peers.count; k++) {
			const struct address_range *other = end_of(g->m, &peers.items[k]);

			if (other && address_contains(other, end) && address_contains(end, other)) {
				done[k] = true;
				behind->items[behind->count++] = peers.items[k];
			}
		}
	}
	return code;
}

/* --- a ward --- */

static enum err add_direction(struct guarding *g, const struct model_rule *rule,
	const struct model_node *ward, bool incoming, const char *part)
{
	const struct address_list *written = incoming ? &rule->to : &rule->from;
	struct model_rule one = *rule;
	struct address_list *own = incoming ? &one.to : &one.from;
	enum err code;

	if (written->group_count || (rule->via_guardian && (rule->from.group_count || rule->to.group_count)))
		return error_set(g->e, E_UNSUPPORTED,
			"the rule \"%s\" of \"%s\": a group can neither stand for a ward nor say where "
			"a tunnel ends",
			rule->name, ward->name);
	code = intersect(g, written, &ward->addresses, own);
	one.both = rule->both && !incoming;
	if (code || own->count == 0)
		return code;
	return rule->via_guardian ? split_by_ends(g, &one, ward, incoming)
				  : add(g, &one, rule->name, part, 0);
}

/* A rule for both ways has two names. */
static enum err add_rule(
	struct guarding *g, const struct model_rule *rule, const struct model_node *ward)
{
	char in_part[2 * NAME_LENGTH_MAX + 8];
	enum err code = E_OK;

	if (rule->row)
		return error_set(g->e, E_UNSUPPORTED,
			"a rule of \"%s\" is written as a row, and its guardian cannot take it over",
			ward->name);
	snprintf(in_part, sizeof in_part, "%s%s", ward->name, rule->out ? ".in" : "");
	if (rule->out || rule->both)
		code = add_direction(g, rule, ward, false, ward->name);
	if (rule->in && !code)
		code = add_direction(g, rule, ward, true, in_part);
	return code;
}

static bool is_for(const struct model_block *block, const struct model_node *ward, bool by_name)
{
	for (size_t i = 0; by_name && i < block->node_count; i++)
		if (block->nodes[i] == ward)
			return true;
	for (size_t i = 0; !by_name && i < block->role_count; i++)
		if (node_has_role(ward, block->roles[i]->name))
			return true;
	return false;
}

/* What no rule matched. */
static enum err add_rest(struct guarding *g, const struct model_node *ward)
{
	static const struct traffic any_traffic = {
		.protocol = PROTOCOL_ANY, .icmp = {ICMP_ANY, ICMP_ANY}, .dscp = DSCP_ANY};
	struct model_rule rest = {.at = ward->at,
		.verdict = VERDICT_DENY,
		.stateful = true,
		.from = ward->addresses,
		.to = {.any = true}};
	enum err code;

	rest.traffic.items = arena_alloc(g->arena, sizeof any_traffic);
	if (!rest.traffic.items)
		return no_memory(g);
	*rest.traffic.items = any_traffic;
	rest.traffic.count = 1;
	rest.rate.scope = rest.connections.scope = LIMIT_OF_RULE;
	code = add(g, &rest, ward->name, "rest-out", 0);
	if (code)
		return code;
	rest.to = ward->addresses;
	rest.from = (struct address_list){.any = true};
	return add(g, &rest, ward->name, "rest-in", 0);
}

/* From one ward of this guardian to the others. */
static enum err add_between(struct guarding *g, const struct model_node *ward)
{
	struct address_list others = {0};
	struct model_rule between;
	size_t most = 0;
	enum err code;

	for (size_t i = 0; i < g->m->node_count; i++)
		most += g->m->nodes[i].addresses.count;
	others.items = arena_calloc(g->arena, most + 1, sizeof *others.items);
	if (!others.items)
		return no_memory(g);
	for (size_t i = 0; i < g->m->node_count; i++) {
		const struct model_node *node = &g->m->nodes[i];

		for (size_t k = 0; node->guardian == g->guardian && node != ward &&
				   k < node->addresses.count;
			k++)
			others.items[others.count++] = node->addresses.items[k];
	}
	if (others.count == 0)
		return E_OK;
	code = add_rest(g, ward);
	if (code)
		return code;
	/* Of the two the one for what goes out serves, with these peers and another name. */
	g->count -= 2;
	between = g->rules[g->count];
	between.to = others;
	return add(g, &between, ward->name, "wards", 0);
}

static enum err add_ward(struct guarding *g, const struct model_node *ward)
{
	enum err code = E_OK;

	for (int by_name = 1; by_name >= 0; by_name--)
		for (size_t i = 0; i < g->m->block_count && !code; i++) {
			const struct model_block *block = &g->m->blocks[i];

			for (size_t k = 0; is_for(block, ward, by_name) && k < block->rule_count &&
					   !code;
				k++)
				code = add_rule(g, &block->rules[k], ward);
		}
	return code ? code : add_rest(g, ward);
}

enum err guardian_rules(const struct model *m, const struct model_node *guardian,
	struct arena *arena, struct model_rule **ret, size_t *ret_count, struct error *e)
{
	struct guarding g = {.m = m, .guardian = guardian, .arena = arena, .e = e};
	enum err code = E_OK;

	for (size_t i = 0; i < m->node_count && !code; i++)
		if (m->nodes[i].guardian == guardian)
			code = add_between(&g, &m->nodes[i]);
	for (size_t i = 0; i < m->node_count && !code; i++)
		if (m->nodes[i].guardian == guardian)
			code = add_ward(&g, &m->nodes[i]);
	*ret = g.rules;
	*ret_count = g.count;
	return code;
}
