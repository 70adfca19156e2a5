/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "pib/set/verification.h"

enum { SHOWN_ROOT = 8 /* octets */ };

static void verify_root(struct verification *v, size_t i)
{
	struct state_owner *o = v->owner;
	const struct manifest *m = &o->sets[i].manifest;
	char found[2 * SHOWN_ROOT + 1], wanted[2 * SHOWN_ROOT + 1];
	uint8_t root[PRI_STORE_ROOT];

	if (pri_store_slice(
		    v->rows, envelope_is_inside, m->block, block_last(m->block), &o->rows[i]) ||
		pri_store_root(o->rows[i], root)) {
		no_memory(v);
		return;
	}
	o->sets[i].rows = o->rows[i];
	if (!memcmp(root, m->root, sizeof root))
		return;
	hex_encode(found, VIEW(root, SHOWN_ROOT));
	hex_encode(wanted, VIEW(m->root, SHOWN_ROOT));
	refuse_document(v, &o->sets[i].envelope, DOCUMENT_ROOT, E_MISMATCH,
		"set %.*s: its %zu PRIs have root %s..., signed is %s...", NAME(m->name),
		pri_store_count(o->rows[i]), found, wanted);
}

void verify_roots(struct verification *v)
{
	for (size_t i = 0; i < v->owner->state.set_count; i++)
		verify_root(v, i);
}

static const char *difference(const struct set_entry *entry, const struct manifest *m)
{
	if (entry->serial != m->serial)
		return "";
	if (memcmp(entry->root, m->root, sizeof m->root))
		return " with another root";
	if (!view_equal(entry->node, m->node))
		return " for another node";
	return view_equal(set_entry_roles(entry), m->roles) ? NULL : " for other roles";
}

static void verify_set_is_listed(struct verification *v, const struct state_set *set)
{
	const struct state *s = &v->owner->state;
	const struct manifest *m = &set->manifest;
	const struct set_entry *entry = set_index_find(&s->index, m->name);

	if (!entry)
		refuse_document(v, &set->envelope, DOCUMENT_INDEX, E_UNEXPECTED,
			"set %.*s is not in the index", NAME(m->name));
	else if (difference(entry, m))
		refuse_document(v, &set->envelope, DOCUMENT_INDEX, E_MISMATCH,
			"set %.*s has serial %llu, the index names serial %llu%s", NAME(m->name),
			(unsigned long long)m->serial, (unsigned long long)entry->serial,
			difference(entry, m));
	if (v->node && !assignment_demands(&s->assignments[0].assignment, &s->index, m))
		refuse_document(v, &set->envelope, DOCUMENT_NODE, E_UNEXPECTED,
			"set %.*s is for none of this node's roles", NAME(m->name));
}

static void verify_demand(struct verification *v, const struct assignment *a, struct view roles)
{
	const struct state *s = &v->owner->state;
	const struct set_entry *entry = assignment_set(a, &s->index, roles);
	struct view name = entry ? entry->name : roles;

	if (roles.len && !(entry && state_find_set(s, name)))
		refuse_row(v, &s->index_envelope.prid, PIB_FAULT_REFERENCE,
			envelope_attribute(s->index_envelope.prid.class), E_MISSING,
			"set %.*s is missing, but the assignment of %.*s demands it", NAME(name),
			NAME(a->node));
}

static void verify_demands(struct verification *v, const struct assignment *a)
{
	verify_demand(v, a, a->roles);
	for (size_t i = 0; i < a->interface_count; i++) {
		struct view roles = a->interfaces[i].roles;
		bool said = view_equal(roles, a->roles);

		for (size_t j = 0; j < i && !said; j++)
			said = view_equal(roles, a->interfaces[j].roles);
		if (!said)
			verify_demand(v, a, roles);
	}
}

static bool is_for_some_node(const struct state *s, const struct set_entry *entry)
{
	for (size_t i = 0; i < s->assignment_count; i++) {
		const struct assignment *a = &s->assignments[i].assignment;

		if (view_equal(entry->node, VIEW(a->node_key, sizeof a->node_key)))
			return assignment_has_roles(a, entry->roles);
	}
	return false;
}

static void verify_index_is_met(struct verification *v)
{
	const struct state *s = &v->owner->state;
	const struct pri_row *envelope = &s->index_envelope;

	for (size_t i = 0; i < s->index.entry_count; i++) {
		const struct set_entry *entry = &s->index.entries[i];

		if (!state_find_set(s, entry->name))
			refuse_row(v, &envelope->prid, PIB_FAULT_REFERENCE,
				envelope_attribute(envelope->prid.class), E_MISSING,
				"set %.*s is missing, but the index names it", NAME(entry->name));
		if (entry->node.len && !is_for_some_node(s, entry))
			refuse_document(v, envelope, DOCUMENT_NODE, E_MISMATCH,
				"set %.*s is for a node that no assignment names with roles %.*s",
				NAME(entry->name), NAME(entry->roles));
	}
}

static bool has_block(const struct state *s, uint32_t block)
{
	for (size_t i = 0; i < s->set_count; i++)
		if (s->sets[i].manifest.block == block)
			return true;
	return false;
}

static void verify_no_strays(struct verification *v)
{
	const struct state *s = &v->owner->state;
	char name[PRID_TEXT_SIZE];
	struct pri_row row;

	for (struct pri_cursor c = pri_store_all(v->rows); pri_store_next(&c, &row);) {
		if (!envelope_is_inside(row.prid.class) ||
			has_block(s, block_with(row.prid.instance)))
			continue;
		prid_format(&row.prid, name);
		refuse_row(v, &row.prid, PIB_FAULT_INSTANCE, 0, E_UNEXPECTED,
			"%s lies in block %#x, which belongs to no set here", name,
			block_with(row.prid.instance));
	}
}

void verify_completeness(struct verification *v)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < s->set_count; i++)
		if (state_find_set(s, s->sets[i].manifest.name) != &s->sets[i])
			refuse_document(v, &s->sets[i].envelope, DOCUMENT_INDEX, E_DUPLICATE,
				"set %.*s is there twice", NAME(s->sets[i].manifest.name));
	for (size_t i = 0; i < s->set_count; i++)
		verify_set_is_listed(v, &s->sets[i]);
	for (size_t i = 0; i < s->assignment_count; i++)
		verify_demands(v, &s->assignments[i].assignment);
	if (!v->node)
		verify_index_is_met(v);
	verify_no_strays(v);
}

/* A rule of another role combination than its set would be a rule for nobody. */
static void check_roles(struct verification *v, const struct state_set *set)
{
	static const struct {
		enum pib_class_id class;
		uint8_t attribute;
	} with_roles[] = {
		{PIB_ipSecRule, ipSecRuleRoles},
		{PIB_ipSecIkeRule, ipSecIkeRuleRoles},
	};
	struct pri_row row;
	struct pri pri;

	for (size_t i = 0; i < sizeof with_roles / sizeof with_roles[0]; i++) {
		unsigned attribute = with_roles[i].attribute;

		for (struct pri_cursor c = pri_store_class(set->rows, with_roles[i].class);
			pri_store_next(&c, &row);) {
			if (!pri_store_get(
				    set->rows, row.prid.class->id, row.prid.instance, &pri) ||
				view_equal(pri_octets(&pri, attribute), set->manifest.roles))
				continue;
			refuse_row(v, &row.prid, PIB_FAULT_VALUE, attribute, E_MISMATCH,
				"set %.*s: %s.%u has roles other than those of the set",
				NAME(set->manifest.name), row.prid.class->name, row.prid.instance);
		}
	}
}

/* The rows of the set in force that this one replaces; NULL if it is a new one. */
static const struct pri_store *rows_before(const struct verification *v, const struct manifest *m)
{
	const struct state_set *set = NULL;

	if (v->terms->in_force)
		set = state_find_set(v->terms->in_force, m->name);
	return set && set->manifest.block == m->block ? set->rows : NULL;
}

void check_sets(struct verification *v)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < s->set_count; i++) {
		const struct state_set *set = &s->sets[i];
		struct pri_bounds bounds = {
			set->manifest.block + 1, block_last(set->manifest.block)};
		struct error e;

		if (pri_store_check_change(rows_before(v, &set->manifest), set->rows, bounds,
			    v->failures, &e)) {
			error_prefix(&e, "set %.*s", NAME(set->manifest.name));
			if (!v->err) {
				*v->e = e;
				v->err = e.code;
			}
		}
		check_roles(v, set);
	}
}
