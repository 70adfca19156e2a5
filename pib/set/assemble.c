/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/verification.h"

enum { STATE_ASSIGNMENTS_MAX = 65536, STATE_SETS_MAX = INDEX_ENTRIES_MAX };

static bool is_outside_admitted(const struct verification *v, const struct pib_class *class)
{
	/* It says which index a decision is made from; nothing depends on it here. */
	return v->node && class->id == PIB_frwkPibIncarnation;
}

static void check_classes(struct verification *v)
{
	struct pri_row row;
	char name[PRID_TEXT_SIZE];

	for (struct pri_cursor c = pri_store_all(v->rows); pri_store_next(&c, &row);) {
		const struct pib_class *class = row.prid.class;

		if (envelope_is(class) || envelope_is_inside(class) ||
			is_outside_admitted(v, class))
			continue;
		prid_format(&row.prid, name);
		refuse_row(v, &row.prid,
			pib_class_installs(class) ? PIB_FAULT_INSTANCE : PIB_FAULT_NOTIFY_ONLY, 0,
			E_UNEXPECTED, "%s has no place in a policy", name);
	}
}

static size_t count_class(const struct pri_store *s, enum pib_class_id class)
{
	struct pri_row row;
	size_t n = 0;

	for (struct pri_cursor c = pri_store_class(s, class); pri_store_next(&c, &row);)
		n++;
	return n;
}

static void open_envelope(struct verification *v, const struct pri_row *row, struct view *ret_cms)
{
	struct pib_fault fault;
	struct error e;

	if (envelope_open(&row->prid, row->epd, ret_cms, &fault, &e))
		refuse_row(v, &row->prid, fault.kind, fault.attribute, e.code, "%s", e.text);
}

static void assemble_index(struct verification *v)
{
	struct state *s = &v->owner->state;
	struct prid prid = {pib_class(PIB_copsecIndex), 1};

	if (!pri_store_find(v->owner->envelopes, &prid, &s->index_envelope))
		refuse_row(v, &prid, PIB_FAULT_REFERENCE, 0, E_MISSING, "copsecIndex.1 is missing");
	else if (count_class(v->owner->envelopes, PIB_copsecIndex) != 1)
		refuse_row(v, &prid, PIB_FAULT_INSTANCE, 0, E_DUPLICATE,
			"there is another copsecIndex beside copsecIndex.1");
	else
		open_envelope(v, &s->index_envelope, &s->index_cms);
}

/* That of home; no other has a voice of its own here yet. */
static void assemble_trust(struct verification *v)
{
	struct state_owner *o = v->owner;
	struct prid prid = {pib_class(PIB_copsecTrust), AUTHORITY_HOME};
	size_t count = count_class(o->envelopes, PIB_copsecTrust);

	if (!count)
		return;
	if (count != 1 || !pri_store_find(o->envelopes, &prid, &o->trust.envelope)) {
		refuse_row(v, &prid, PIB_FAULT_INSTANCE, 0, E_UNEXPECTED,
			"there is a trust list of another authority than home");
		return;
	}
	open_envelope(v, &o->trust.envelope, &o->trust.cms);
	o->state.trust = &o->trust;
}

static void assemble_assignments(struct verification *v)
{
	struct state_owner *o = v->owner;
	size_t count = count_class(o->envelopes, PIB_copsecAssignment);
	struct prid prid = {pib_class(PIB_copsecAssignment), 1};
	struct pri_row row;

	if (v->node && !pri_store_find(o->envelopes, &prid, &row))
		refuse_row(v, &prid, PIB_FAULT_REFERENCE, 0, E_MISSING,
			"copsecAssignment.1 is missing");
	else if (v->node && count != 1)
		refuse_row(v, &prid, PIB_FAULT_INSTANCE, 0, E_DUPLICATE,
			"%zu assignments, but a node has one", count);
	if (count > STATE_ASSIGNMENTS_MAX)
		refuse_row(v, &prid, PIB_FAULT_SPACE, 0, E_LIMIT, "%zu assignments, more than %d",
			count, (int)STATE_ASSIGNMENTS_MAX);
	if (v->err)
		return;
	o->assignments = arena_calloc(&o->arena, count, sizeof *o->assignments);
	if (!o->assignments) {
		no_memory(v);
		return;
	}
	for (struct pri_cursor c = pri_store_class(o->envelopes, PIB_copsecAssignment);
		pri_store_next(&c, &row);) {
		struct state_assignment *a = &o->assignments[o->state.assignment_count++];

		a->envelope = row;
		open_envelope(v, &row, &a->cms);
	}
	o->state.assignments = o->assignments;
}

static void assemble_sets(struct verification *v)
{
	struct state_owner *o = v->owner;
	size_t count = count_class(o->envelopes, PIB_copsecPolicySet);
	struct pri_row row;

	if (count > STATE_SETS_MAX) {
		v->err = error_set(
			v->e, E_LIMIT, "%zu policy sets, more than %d", count, (int)STATE_SETS_MAX);
		return;
	}
	o->sets = arena_calloc(&o->arena, count, sizeof *o->sets);
	o->rows = arena_calloc(&o->arena, count, sizeof *o->rows);
	if (!o->sets || !o->rows) {
		no_memory(v);
		return;
	}
	for (struct pri_cursor c = pri_store_class(o->envelopes, PIB_copsecPolicySet);
		pri_store_next(&c, &row);) {
		struct state_set *set = &o->sets[o->state.set_count++];

		set->envelope = row;
		open_envelope(v, &row, &set->cms);
	}
	o->state.sets = o->sets;
}

void assemble(struct verification *v)
{
	check_classes(v);
	if (pri_store_slice(v->rows, envelope_is, 0, UINT32_MAX, &v->owner->envelopes)) {
		no_memory(v);
		return;
	}
	assemble_index(v);
	assemble_trust(v);
	assemble_assignments(v);
	assemble_sets(v);
}
