/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/verification.h"

enum {
	STATE_ASSIGNMENTS_MAX = 65536,
	STATE_SETS_MAX = AUTHORITIES * INDEX_ENTRIES_MAX,
	STATE_DELEGATIONS_MAX = ASSIGNMENT_AUTHORITIES_MAX,
};

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

static bool is_authority(uint32_t number)
{
	return number >= AUTHORITY_HOME && number <= AUTHORITY_LOCAL;
}

/* The person at the node speaks there, and nowhere else. */
static void add_voice(struct verification *v, const struct pri_row *row, struct state_voice *voice)
{
	enum authority authority = (enum authority)row->prid.instance;
	struct speaker *s;

	if (!is_authority(row->prid.instance) || authority == AUTHORITY_LOCAL) {
		refuse_row(v, &row->prid, PIB_FAULT_INSTANCE, 0, E_UNEXPECTED,
			"copsecIndex.%u is the index of no authority that has one",
			row->prid.instance);
		return;
	}
	s = speaker_of(v, authority);
	voice->authority = authority;
	voice->index_envelope = *row;
	s->voice = voice;
	s->trust = &v->owner->trust[authority - 1];
	open_envelope(v, row, &voice->index_cms);
}

/* A bundle is of one authority; at a node home speaks in any case. */
static void assemble_voices(struct verification *v)
{
	struct state_owner *o = v->owner;
	struct state *s = &o->state;
	struct prid prid = {pib_class(PIB_copsecIndex), AUTHORITY_HOME};
	struct pri_row row;

	if (v->node && !pri_store_find(o->envelopes, &prid, &row)) {
		refuse_row(v, &prid, PIB_FAULT_REFERENCE, 0, E_MISSING, "copsecIndex.1 is missing");
		return;
	}
	for (struct pri_cursor c = pri_store_class(o->envelopes, PIB_copsecIndex);
		pri_store_next(&c, &row);) {
		if (!s->home.authority)
			add_voice(v, &row, &s->home);
		else if (v->node && s->other_count < AUTHORITIES)
			add_voice(v, &row, &o->others[s->other_count++]);
		else
			refuse_row(v, &row.prid, PIB_FAULT_INSTANCE, 0, E_DUPLICATE,
				"there is another copsecIndex beside copsecIndex.%u",
				s->home.index_envelope.prid.instance);
	}
	s->others = o->others;
	if (!s->home.authority && !v->err)
		refuse_row(v, &prid, PIB_FAULT_REFERENCE, 0, E_MISSING, "copsecIndex.1 is missing");
}

static void assemble_trust(struct verification *v)
{
	struct pri_row row;

	for (struct pri_cursor c = pri_store_class(v->owner->envelopes, PIB_copsecTrust);
		pri_store_next(&c, &row);) {
		struct speaker *s = is_authority(row.prid.instance)
					    ? speaker_of(v, (enum authority)row.prid.instance)
					    : NULL;

		if (!s || !s->voice) {
			refuse_row(v, &row.prid, PIB_FAULT_INSTANCE, 0, E_UNEXPECTED,
				"copsecTrust.%u is the list of an authority without index",
				row.prid.instance);
			continue;
		}
		s->trust->envelope = row;
		s->voice->trust = s->trust;
		open_envelope(v, &row, &s->trust->cms);
	}
}

/* What only home says. */
static bool is_homes(struct verification *v, enum pib_class_id class, size_t count)
{
	struct prid prid = {pib_class(class), 1};

	if (!count || v->owner->state.home.authority == AUTHORITY_HOME)
		return true;
	refuse_row(v, &prid, PIB_FAULT_INSTANCE, 0, E_DENIED,
		"a %s in a bundle of authority %s: only home has a say in that", prid.class->name,
		authority_name(v->owner->state.home.authority));
	return false;
}

static void assemble_delegations(struct verification *v)
{
	struct state_owner *o = v->owner;
	size_t count = count_class(o->envelopes, PIB_copsecDelegation);
	struct prid prid = {pib_class(PIB_copsecDelegation), 1};
	struct pri_row row;

	if (!is_homes(v, PIB_copsecDelegation, count))
		return;
	if (count > STATE_DELEGATIONS_MAX) {
		refuse_row(v, &prid, PIB_FAULT_SPACE, 0, E_LIMIT, "%zu delegations, more than %d",
			count, (int)STATE_DELEGATIONS_MAX);
		return;
	}
	o->delegations = arena_calloc(&o->arena, count + 1, sizeof *o->delegations);
	if (!o->delegations) {
		no_memory(v);
		return;
	}
	for (struct pri_cursor c = pri_store_class(o->envelopes, PIB_copsecDelegation);
		pri_store_next(&c, &row);) {
		struct state_delegation *d = &o->delegations[o->state.delegation_count++];

		d->envelope = row;
		open_envelope(v, &row, &d->cms);
	}
	o->state.delegations = o->delegations;
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
	if (!is_homes(v, PIB_copsecAssignment, count))
		return;
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
		enum authority authority = block_authority(row.prid.instance);

		set->envelope = row;
		open_envelope(v, &row, &set->cms);
		if (!is_authority(authority) || !speaker_of(v, authority)->voice)
			refuse_document(v, &row, DOCUMENT_AUTHORITY, E_DENIED,
				"copsecPolicySet.%u lies in a block of authority %s, which has no "
				"index here",
				row.prid.instance, authority_name(authority));
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
	assemble_voices(v);
	if (v->err)
		return;
	assemble_trust(v);
	assemble_delegations(v);
	assemble_assignments(v);
	assemble_sets(v);
}
