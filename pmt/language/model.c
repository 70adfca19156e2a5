/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/model.h"

#include <string.h>

#include "pmt/language/builder.h"

void model_init(struct model *m)
{
	*m = (struct model){0};
	arena_init(&m->arena, (size_t)1 << 31);
}

void model_fini(struct model *m)
{
	arena_fini(&m->arena);
	*m = (struct model){0};
}

/* Elements that others name come before those that name them. */
static const struct {
	enum element_kind kind;
	void (*build)(struct builder *b, const struct element *el);
} handlers[] = {
	{ELEMENT_ADMIT, build_admit},
	{ELEMENT_ROLE, build_role},
	{ELEMENT_NETWORK, build_network},
	{ELEMENT_GROUP, build_group},
	{ELEMENT_NODE, build_node},
	{ELEMENT_SERVICE, build_service},
	{ELEMENT_PROTECTION, build_protection},
	{ELEMENT_DELEGATION, build_delegation},
	{ELEMENT_SCHEDULE, build_schedule_element},
	{ELEMENT_RULES, build_rules},
	{ELEMENT_TESTS, build_tests},
};

static void run_handler(struct builder *b, const struct element *root, size_t which)
{
	for (const struct element *el = root->first_child; el && !b->no_memory; el = el->next)
		if (el->rule && el->rule->kind == handlers[which].kind)
			handlers[which].build(b, el);
}

static bool reserve(struct builder *b, const struct element *root)
{
	size_t count[ELEMENT_KINDS] = {0}, rules = 0, offers = 0, expects = 0;
	struct model *m = b->m;
	struct arena *arena = &m->arena;

	for (const struct element *el = root->first_child; el; el = el->next) {
		if (!el->rule)
			continue;
		count[el->rule->kind]++;
		for (const struct element *child = el->first_child; child; child = child->next) {
			rules += el->rule->kind == ELEMENT_RULES;
			for (const struct element *inner = child->first_child; inner;
				inner = inner->next)
				rules += el->rule->kind == ELEMENT_RULES;
			offers += child->rule && child->rule->kind == ELEMENT_OFFER;
			expects += el->rule->kind == ELEMENT_TESTS;
		}
	}
	m->admitted = take(b, count[ELEMENT_ADMIT], sizeof *m->admitted);
	m->networks = take(b, count[ELEMENT_NETWORK], sizeof *m->networks);
	m->services = take(b, count[ELEMENT_SERVICE], sizeof *m->services);
	m->roles = take(b, count[ELEMENT_ROLE], sizeof *m->roles);
	m->nodes = take(b, count[ELEMENT_NODE], sizeof *m->nodes);
	m->protections = take(b, count[ELEMENT_PROTECTION], sizeof *m->protections);
	m->groups = take(b, count[ELEMENT_GROUP], sizeof *m->groups);
	m->delegations = take(b, count[ELEMENT_DELEGATION], sizeof *m->delegations);
	m->schedules = take(b, count[ELEMENT_SCHEDULE], sizeof *m->schedules);
	m->offers = take(b, offers, sizeof *m->offers);
	m->blocks = take(b, count[ELEMENT_RULES], sizeof *m->blocks);
	m->expects = take(b, expects, sizeof *m->expects);
	m->proofs = take(b, expects, sizeof *m->proofs);
	m->rules = take(b, rules, sizeof *m->rules);
	if (names_init(&b->places, arena,
		    count[ELEMENT_NETWORK] + count[ELEMENT_GROUP] + count[ELEMENT_ROLE] +
			    count[ELEMENT_NODE]) ||
		names_init(&b->services, arena, count[ELEMENT_SERVICE]) ||
		names_init(&b->protections, arena, count[ELEMENT_PROTECTION]) ||
		names_init(&b->schedules, arena, count[ELEMENT_SCHEDULE]) ||
		names_init(&b->delegations, arena, count[ELEMENT_DELEGATION]) ||
		names_init(&b->offers, arena, offers) || names_init(&b->rules, arena, rules))
		b->no_memory = true;
	return reserve_rows(b, root) && !b->no_memory;
}

enum err model_build(
	struct model *m, const struct document *doc, struct diagnostics *d, struct error *e)
{
	struct builder b = {.m = m, .d = d, .doc = doc};
	const struct element *root = doc->root;

	if (!root || !root->rule || !reserve(&b, root))
		return b.no_memory ? error_set(e, E_MEMORY, "out of memory") : E_OK;
	m->at = root->at;
	m->places = d;
	m->tenant = element_value(root, ATTRIBUTE_TENANT);
	build_authority(&b, root);
	declare_rows(&b, root);
	for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
		if (handlers[i].kind == ELEMENT_RULES)
			fill_rows(&b, root);
		run_handler(&b, root, i);
		if (handlers[i].kind == ELEMENT_NODE) {
			find_guardians(&b, root);
			fill_roles(&b);
		}
		if (handlers[i].kind == ELEMENT_RULES)
			name_rules(&b);
	}
	return b.no_memory ? error_set(e, E_MEMORY, "out of memory") : E_OK;
}

static const struct model_rule *find_rule(const struct model *m, struct view name)
{
	for (size_t i = 0; i < m->rule_count; i++)
		if (m->rules[i]->name && view_equal(view_of_string(m->rules[i]->name), name))
			return m->rules[i];
	return NULL;
}

const struct model_rule *model_rule(const struct model *m, const char *name)
{
	struct view v = view_of_string(name);
	const struct model_rule *found = find_rule(m, v);

	while (!found && v.len) {
		do
			v.len--;
		while (v.len && v.data[v.len] != '.');
		found = v.len ? find_rule(m, v) : NULL;
	}
	return found;
}
