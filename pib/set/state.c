/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/cms.h"
#include "pib/set/envelope.h"

enum {
	STATE_MEMORY_MAX = 128 << 20, /* octets of what is decoded out of the documents */
	STATE_ASSIGNMENTS_MAX = 65536,
	STATE_SETS_MAX = INDEX_ENTRIES_MAX,
	SHOWN = 64,     /* octets of a name in a sentence */
	SHOWN_ROOT = 8, /* octets of a root */
	LABEL_SIZE = 96,
};

struct state_owner {
	struct state state; /* first: state_free() gets its address */
	struct arena arena;
	struct pri_store *envelopes;
	struct state_assignment *assignments;
	struct state_set *sets;
	struct pri_store **rows; /* of each set */
};

/* One verification. */
struct verification {
	const struct pri_store *rows;
	const struct state_terms *terms;
	const struct state_node *node; /* NULL for a bundle */
	struct state_owner *owner;
	struct pri_failures *failures;
	struct error *e;
	enum err err; /* of the first refusal */
};

#define NAME(view) (int)((view).len < SHOWN ? (view).len : SHOWN), (const char *)(view).data

static void refuse_row(struct verification *v, const struct prid *prid, enum pib_fault_kind kind,
	unsigned attribute, enum err err, const char *format, ...) PRINTF_LIKE(6, 7);

static void refuse_row(struct verification *v, const struct prid *prid, enum pib_fault_kind kind,
	unsigned attribute, enum err err, const char *format, ...)
{
	char text[ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	pri_failures_add_prid(v->failures,
		(struct pib_fault){.kind = kind, .attribute = (uint8_t)attribute}, prid, "%s",
		text);
	if (!v->err)
		v->err = error_set(v->e, err, "%s", text);
}

/* A document is refused as the value of the attribute that carries it. */
#define refuse(v, envelope, err, ...)                                                              \
	refuse_row(v, &(envelope)->prid, PIB_FAULT_VALUE,                                          \
		envelope_attribute((envelope)->prid.class), err, __VA_ARGS__)

static enum err no_memory(struct verification *v)
{
	return v->err = error_set(
		       v->e, E_MEMORY, "no memory to verify %zu PRIs", pri_store_count(v->rows));
}

/* Assembling: by PRIDs, and the envelopes. */

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

static void assemble(struct verification *v)
{
	check_classes(v);
	if (pri_store_slice(v->rows, envelope_is, 0, UINT32_MAX, &v->owner->envelopes)) {
		no_memory(v);
		return;
	}
	assemble_index(v);
	assemble_assignments(v);
	assemble_sets(v);
}

/* 1. Signatures; what is signed is decoded as soon as it is known to be signed. */

static bool verify_document(struct verification *v, const struct pri_row *envelope, struct view cms,
	struct view *ret_content)
{
	struct cms_result result;
	char name[PRID_TEXT_SIZE];
	struct error e;

	if (cms_verify(cms, v->terms->trust, &result, &e)) {
		prid_format(&envelope->prid, name);
		refuse(v, envelope, e.code, "%s: %s", name, e.text);
		return false;
	}
	*ret_content = result.content;
	return true;
}

static void decoding_failed(
	struct verification *v, const struct pri_row *envelope, const struct error *e)
{
	char name[PRID_TEXT_SIZE];

	prid_format(&envelope->prid, name);
	refuse(v, envelope, e->code, "%s: %s", name, e->text);
}

static void verify_signatures(struct verification *v)
{
	struct state_owner *o = v->owner;
	struct state *s = &o->state;
	struct view content;
	struct error e;

	if (verify_document(v, &s->index_envelope, s->index_cms, &content) &&
		set_index_decode(content, &o->arena, &s->index, &e))
		decoding_failed(v, &s->index_envelope, &e);
	for (size_t i = 0; i < s->assignment_count; i++) {
		struct state_assignment *a = &o->assignments[i];

		if (verify_document(v, &a->envelope, a->cms, &content) &&
			assignment_decode(content, &o->arena, &a->assignment, &e))
			decoding_failed(v, &a->envelope, &e);
	}
	for (size_t i = 0; i < s->set_count; i++) {
		struct state_set *set = &o->sets[i];

		if (verify_document(v, &set->envelope, set->cms, &content) &&
			manifest_decode(content, &set->manifest, &e))
			decoding_failed(v, &set->envelope, &e);
	}
}

/* 2. Whose. */

static void verify_own_assignment(struct verification *v, const struct state_assignment *a)
{
	char found[PIN_TEXT_SIZE], own[PIN_TEXT_SIZE];
	struct pin pin;

	memcpy(pin.sha256, a->assignment.node_key, sizeof pin.sha256);
	if (!pin_equal(&pin, v->node->key)) {
		pin_format(&pin, found);
		pin_format(v->node->key, own);
		refuse(v, &a->envelope, E_MISMATCH, "the assignment is for the key %s, not for %s",
			found, own);
	}
	if (!view_equal(a->assignment.node, v->node->pepid))
		refuse(v, &a->envelope, E_MISMATCH, "the assignment is for node %.*s, not for %.*s",
			NAME(a->assignment.node), NAME(v->node->pepid));
}

static void verify_manifest_place(struct verification *v, const struct state_set *set)
{
	const struct manifest *m = &set->manifest;

	if (block_policy_set_instance(m->block) != set->envelope.prid.instance)
		refuse(v, &set->envelope, E_CONFLICT,
			"set %.*s owns block %#x, but its manifest stands at copsecPolicySet.%u",
			NAME(m->name), m->block, set->envelope.prid.instance);
	if (m->authority != AUTHORITY_HOME)
		refuse(v, &set->envelope, E_DENIED,
			"set %.*s: authority %s has no say here, the assignment names none but "
			"home",
			NAME(m->name), authority_name(m->authority));
	if (m->node.len)
		refuse(v, &set->envelope, E_UNSUPPORTED, "set %.*s is for a single node",
			NAME(m->name));
}

static void verify_tenant(struct verification *v, const struct pri_row *envelope, const char *what,
	struct view name, struct view tenant)
{
	struct view ours = v->owner->state.index.tenant;

	if (!view_equal(tenant, ours))
		refuse(v, envelope, E_MISMATCH, "%s %.*s is of tenant %.*s, the index of %.*s",
			what, NAME(name), NAME(tenant), NAME(ours));
}

static int compare_by_node(const void *a, const void *b)
{
	const struct state_assignment *const *x = a, *const *y = b;

	return view_compare((*x)->assignment.node, (*y)->assignment.node);
}

static int compare_by_key(const void *a, const void *b)
{
	const struct state_assignment *const *x = a, *const *y = b;

	return memcmp((*x)->assignment.node_key, (*y)->assignment.node_key, NODE_KEY);
}

static void verify_distinct(
	struct verification *v, const char *what, int (*compare)(const void *, const void *))
{
	const struct state *s = &v->owner->state;
	const struct state_assignment **sorted;

	sorted = arena_calloc(&v->owner->arena, s->assignment_count, sizeof *sorted);
	if (!sorted) {
		no_memory(v);
		return;
	}
	for (size_t i = 0; i < s->assignment_count; i++)
		sorted[i] = &s->assignments[i];
	if (s->assignment_count)
		qsort(sorted, s->assignment_count, sizeof *sorted, compare);
	for (size_t i = 1; i < s->assignment_count; i++)
		if (!compare(&sorted[i - 1], &sorted[i]))
			refuse(v, &sorted[i]->envelope, E_DUPLICATE,
				"the assignments of %.*s and %.*s are for the same %s",
				NAME(sorted[i - 1]->assignment.node),
				NAME(sorted[i]->assignment.node), what);
}

static void verify_whose(struct verification *v)
{
	const struct state *s = &v->owner->state;

	if (v->terms->tenant.len && !view_equal(s->index.tenant, v->terms->tenant))
		refuse(v, &s->index_envelope, E_MISMATCH,
			"the index is of tenant %.*s, not of %.*s", NAME(s->index.tenant),
			NAME(v->terms->tenant));
	for (size_t i = 0; i < s->assignment_count; i++) {
		const struct state_assignment *a = &s->assignments[i];

		verify_tenant(v, &a->envelope, "the assignment of", a->assignment.node,
			a->assignment.tenant);
		if (v->node)
			verify_own_assignment(v, a);
	}
	if (s->assignment_count > 1) {
		verify_distinct(v, "node", compare_by_node);
		verify_distinct(v, "key", compare_by_key);
	}
	for (size_t i = 0; i < s->set_count; i++) {
		const struct state_set *set = &s->sets[i];

		verify_tenant(v, &set->envelope, "set", set->manifest.name, set->manifest.tenant);
		verify_manifest_place(v, set);
	}
}

/* 3. Serials. */

static int compare_floors(const void *a, const void *b)
{
	const struct serial_floor *x = a, *y = b;

	return view_compare(x->name, y->name);
}

/* A copy in order, so that ten thousand nodes do not take a hundred million comparisons. */
static const struct serial_floor *sorted_floors(
	struct verification *v, const struct serial_floor *floors, size_t count)
{
	struct serial_floor *sorted;

	if (!count)
		return NULL;
	sorted = arena_calloc(&v->owner->arena, count, sizeof *sorted);
	if (!sorted) {
		no_memory(v);
		return NULL;
	}
	memcpy(sorted, floors, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, compare_floors);
	return sorted;
}

static void verify_serial(struct verification *v, const struct pri_row *envelope, const char *what,
	struct view name, uint64_t serial, const struct serial_floor *floors, size_t count)
{
	const struct serial_floor wanted = {.name = name}, *floor;

	floor = floors ? bsearch(&wanted, floors, count, sizeof *floors, compare_floors) : NULL;
	if (floor && serial < floor->serial)
		refuse(v, envelope, E_STALE,
			"%s %.*s has serial %llu, but %llu was accepted before", what, NAME(name),
			(unsigned long long)serial, (unsigned long long)floor->serial);
}

/* What is in force under a serial is all that there is under it: two contents would be two truths,
 * between which whoever serves them could go back and forth. */
static void verify_only_content(struct verification *v, const struct pri_row *envelope,
	const char *what, struct view name, uint64_t serial, struct view cms, struct view in_force)
{
	struct view content, accepted;
	struct error e;

	if (cms_content(cms, &content, &e) || cms_content(in_force, &accepted, &e) ||
		!view_equal(content, accepted))
		refuse(v, envelope, E_CONFLICT, "%s%.*s has serial %llu, under which other content "
			"is in force", what, NAME(name), (unsigned long long)serial);
}

static void verify_only_contents(struct verification *v)
{
	const struct state *s = &v->owner->state, *old = v->terms->in_force;

	if (!old)
		return;
	if (s->index.serial == old->index.serial)
		verify_only_content(v, &s->index_envelope, "the index", VIEW("", 0),
			s->index.serial, s->index_cms, old->index_cms);
	for (size_t i = 0; i < s->assignment_count; i++) {
		const struct state_assignment *a = &s->assignments[i], *b;

		b = state_find_assignment(old, a->assignment.node);
		if (b && b->assignment.serial == a->assignment.serial)
			verify_only_content(v, &a->envelope, "the assignment of ",
				a->assignment.node, a->assignment.serial, a->cms, b->cms);
	}
	for (size_t i = 0; i < s->set_count; i++) {
		const struct state_set *a = &s->sets[i], *b;

		b = state_find_set(old, a->manifest.name);
		if (b && b->manifest.serial == a->manifest.serial)
			verify_only_content(v, &a->envelope, "set ", a->manifest.name,
				a->manifest.serial, a->cms, b->cms);
	}
}

static void verify_serials(struct verification *v)
{
	static const struct serial_floors none;
	const struct serial_floors *f = v->terms->floors ? v->terms->floors : &none;
	const struct state *s = &v->owner->state;
	const struct serial_floor *assignments =
		sorted_floors(v, f->assignments, f->assignment_count);
	const struct serial_floor *sets = sorted_floors(v, f->sets, f->set_count);

	if (v->err)
		return;
	if (s->index.serial < f->index)
		refuse(v, &s->index_envelope, E_STALE,
			"the index has serial %llu, but %llu was accepted before",
			(unsigned long long)s->index.serial, (unsigned long long)f->index);
	for (size_t i = 0; i < s->assignment_count; i++) {
		const struct assignment *a = &s->assignments[i].assignment;

		verify_serial(v, &s->assignments[i].envelope, "the assignment of", a->node,
			a->serial, assignments, f->assignment_count);
		if (s->index.serial < a->least_index_serial)
			refuse(v, &s->index_envelope, E_STALE,
				"the index has serial %llu, but the assignment of %.*s asks for "
				"%llu at least",
				(unsigned long long)s->index.serial, NAME(a->node),
				(unsigned long long)a->least_index_serial);
	}
	for (size_t i = 0; i < s->set_count; i++)
		verify_serial(v, &s->sets[i].envelope, "set", s->sets[i].manifest.name,
			s->sets[i].manifest.serial, sets, f->set_count);
	verify_only_contents(v);
}

/* 4. Validity, which decides about what is new only. */

static bool same_entry(const struct set_entry *entry, const struct manifest *m)
{
	return entry->serial == m->serial && !memcmp(entry->root, m->root, sizeof m->root);
}

static bool index_in_force(const struct state *in_force, const struct set_index *index)
{
	if (!in_force || in_force->index.serial != index->serial ||
		in_force->index.entry_count != index->entry_count)
		return false;
	for (size_t i = 0; i < index->entry_count; i++) {
		const struct set_entry *a = &index->entries[i];
		const struct set_entry *b = set_index_find(&in_force->index, a->name);

		if (!b || a->serial != b->serial || memcmp(a->root, b->root, sizeof a->root))
			return false;
	}
	return true;
}

static bool set_in_force(const struct state *in_force, const struct manifest *m)
{
	const struct state_set *set = in_force ? state_find_set(in_force, m->name) : NULL;

	return set && set->manifest.serial == m->serial &&
	       !memcmp(set->manifest.root, m->root, sizeof m->root);
}

static void verify_time(struct verification *v, const struct pri_row *envelope, const char *what,
	struct view name, uint64_t not_before, uint64_t not_after)
{
	uint64_t now = v->terms->now_utc;

	if (now < not_before)
		refuse(v, envelope, E_EXPIRED, "%s%.*s is not valid before %llu, and it is %llu",
			what, NAME(name), (unsigned long long)not_before, (unsigned long long)now);
	if (now > not_after)
		refuse(v, envelope, E_EXPIRED, "%s%.*s is not valid after %llu, and it is %llu",
			what, NAME(name), (unsigned long long)not_after, (unsigned long long)now);
}

static void verify_validity(struct verification *v)
{
	const struct state *s = &v->owner->state;

	if (v->terms->from_disk)
		return;
	if (!index_in_force(v->terms->in_force, &s->index))
		verify_time(v, &s->index_envelope, "the index", VIEW("", 0), s->index.not_before,
			s->index.not_after);
	for (size_t i = 0; i < s->set_count; i++) {
		const struct manifest *m = &s->sets[i].manifest;

		if (!set_in_force(v->terms->in_force, m))
			verify_time(v, &s->sets[i].envelope, "set ", m->name, m->not_before,
				m->not_after);
	}
}

/* 5. Roots. */

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
	refuse(v, &o->sets[i].envelope, E_MISMATCH,
		"set %.*s: its %zu PRIs have root %s..., signed is %s...", NAME(m->name),
		pri_store_count(o->rows[i]), found, wanted);
}

static void verify_roots(struct verification *v)
{
	for (size_t i = 0; i < v->owner->state.set_count; i++)
		verify_root(v, i);
}

/* 6. Completeness. */

static void verify_set_is_listed(struct verification *v, const struct state_set *set)
{
	const struct state *s = &v->owner->state;
	const struct manifest *m = &set->manifest;
	const struct set_entry *entry = set_index_find(&s->index, m->name);

	if (!entry)
		refuse(v, &set->envelope, E_UNEXPECTED, "set %.*s is not in the index",
			NAME(m->name));
	else if (!same_entry(entry, m))
		refuse(v, &set->envelope, E_MISMATCH,
			"set %.*s has serial %llu, the index names serial %llu%s", NAME(m->name),
			(unsigned long long)m->serial, (unsigned long long)entry->serial,
			m->serial == entry->serial ? " with another root" : "");
	if (v->node && !assignment_demands(&s->assignments[0].assignment, m->name))
		refuse(v, &set->envelope, E_UNEXPECTED, "set %.*s is for none of this node's roles",
			NAME(m->name));
}

static void verify_demand(struct verification *v, const struct assignment *a, struct view roles)
{
	const struct state *s = &v->owner->state;

	if (roles.len && !state_find_set(s, roles))
		refuse_row(v, &s->index_envelope.prid, PIB_FAULT_REFERENCE,
			envelope_attribute(s->index_envelope.prid.class), E_MISSING,
			"set %.*s is missing, but the assignment of %.*s demands it", NAME(roles),
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

static void verify_index_is_met(struct verification *v)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < s->index.entry_count; i++)
		if (!state_find_set(s, s->index.entries[i].name))
			refuse_row(v, &s->index_envelope.prid, PIB_FAULT_REFERENCE,
				envelope_attribute(s->index_envelope.prid.class), E_MISSING,
				"set %.*s is missing, but the index names it",
				NAME(s->index.entries[i].name));
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

static void verify_completeness(struct verification *v)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < s->set_count; i++)
		if (state_find_set(s, s->sets[i].manifest.name) != &s->sets[i])
			refuse(v, &s->sets[i].envelope, E_DUPLICATE, "set %.*s is there twice",
				NAME(s->sets[i].manifest.name));
	for (size_t i = 0; i < s->set_count; i++)
		verify_set_is_listed(v, &s->sets[i]);
	for (size_t i = 0; i < s->assignment_count; i++)
		verify_demands(v, &s->assignments[i].assignment);
	if (!v->node)
		verify_index_is_met(v);
	verify_no_strays(v);
}

/* 7. The PRIs. */

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

static void check_sets(struct verification *v)
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

static void (*const stages[])(struct verification *v) = {
	assemble,
	verify_signatures,
	verify_whose,
	verify_serials,
	verify_validity,
	verify_roots,
	verify_completeness,
	check_sets,
};

static enum err verify(const struct pri_store *rows, const struct state_terms *terms,
	const struct state_node *node, struct state **ret_state, struct pri_failures *failures,
	struct error *e)
{
	struct state_owner *owner = calloc(1, sizeof *owner);
	struct verification v = {
		.rows = rows,
		.terms = terms,
		.node = node,
		.owner = owner,
		.failures = failures,
		.e = e,
	};

	if (!owner)
		return no_memory(&v);
	arena_init(&owner->arena, STATE_MEMORY_MAX);
	for (size_t i = 0; i < sizeof stages / sizeof stages[0] && !v.err; i++)
		stages[i](&v);
	if (v.err)
		state_free(&owner->state);
	else
		*ret_state = &owner->state;
	return v.err;
}

enum err state_verify_node(const struct pri_store *rows, const struct state_terms *terms,
	const struct state_node *node, struct state **ret_state, struct pri_failures *failures,
	struct error *e)
{
	return verify(rows, terms, node, ret_state, failures, e);
}

enum err state_verify_bundle(const struct pri_store *rows, const struct state_terms *terms,
	struct state **ret_state, struct pri_failures *failures, struct error *e)
{
	return verify(rows, terms, NULL, ret_state, failures, e);
}

struct state *state_free(struct state *s)
{
	struct state_owner *o = (struct state_owner *)s;

	if (!o)
		return NULL;
	for (size_t i = 0; i < s->set_count; i++)
		pri_store_free(o->rows[i]);
	pri_store_free(o->envelopes);
	arena_fini(&o->arena);
	free(o);
	return NULL;
}

const struct state_set *state_find_set(const struct state *s, struct view name)
{
	for (size_t i = 0; i < s->set_count; i++)
		if (view_equal(s->sets[i].manifest.name, name))
			return &s->sets[i];
	return NULL;
}

const struct state_assignment *state_find_assignment(const struct state *s, struct view pepid)
{
	for (size_t i = 0; i < s->assignment_count; i++)
		if (view_equal(s->assignments[i].assignment.node, pepid))
			return &s->assignments[i];
	return NULL;
}

void state_set_put(const struct state_set *set, struct buffer *out)
{
	buffer_put_view(out, set->envelope.objects);
	pri_store_put(set->rows, out);
}
