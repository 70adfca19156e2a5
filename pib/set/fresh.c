/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/base/utc.h"
#include "common/crypto/cms.h"
#include "pib/set/verification.h"

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
		refuse_document(v, envelope, DOCUMENT_SERIAL, E_STALE,
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
		refuse_document(v, envelope, DOCUMENT_SERIAL, E_CONFLICT,
			"%s%.*s has serial %llu, under which other content is in force", what,
			NAME(name), (unsigned long long)serial);
}

/* NULL unless it is the same somebody. */
static const struct state_voice *voice_before(
	const struct verification *v, const struct state_voice *voice)
{
	const struct state_voice *before =
		v->terms->in_force ? state_voice(v->terms->in_force, voice->authority) : NULL;

	return before && (voice->authority == AUTHORITY_HOME || view_equal(before->name, voice->name))
		       ? before
		       : NULL;
}

static void verify_only_index(struct verification *v, const struct state_voice *voice)
{
	const struct state_voice *before = voice_before(v, voice);

	if (before && before->index.serial == voice->index.serial)
		verify_only_content(v, &voice->index_envelope, "the index", VIEW("", 0),
			voice->index.serial, voice->index_cms, before->index_cms);
}

static const struct state_delegation *delegation_before(
	const struct verification *v, struct view name)
{
	const struct state *old = v->terms->in_force;

	for (size_t i = 0; old && i < old->delegation_count; i++)
		if (view_equal(old->delegations[i].delegation.name, name))
			return &old->delegations[i];
	return NULL;
}

static void verify_only_contents(struct verification *v)
{
	const struct state *s = &v->owner->state, *old = v->terms->in_force;

	if (!old)
		return;
	verify_only_index(v, &s->home);
	for (size_t i = 0; i < s->other_count; i++)
		verify_only_index(v, &s->others[i]);
	for (size_t i = 0; i < s->delegation_count; i++) {
		const struct delegation *d = &s->delegations[i].delegation;
		const struct state_delegation *before = delegation_before(v, d->name);

		if (before && before->delegation.serial == d->serial)
			verify_only_content(v, &s->delegations[i].envelope, "delegation ", d->name,
				d->serial, s->delegations[i].cms, before->cms);
	}
	for (size_t i = 0; i < s->assignment_count; i++) {
		const struct state_assignment *a = &s->assignments[i], *b;

		b = state_find_assignment(old, a->assignment.node);
		if (b && b->assignment.serial == a->assignment.serial)
			verify_only_content(v, &a->envelope, "the assignment of ",
				a->assignment.node, a->assignment.serial, a->cms, b->cms);
	}
	for (size_t i = 0; i < s->set_count; i++) {
		const struct state_set *a = &s->sets[i], *b;
		enum authority authority = a->manifest.authority;

		if (!voice_before(v, state_voice(s, authority)))
			continue;
		b = state_find_set(old, authority, a->manifest.name);
		if (b && b->manifest.serial == a->manifest.serial)
			verify_only_content(v, &a->envelope, "set ", a->manifest.name,
				a->manifest.serial, a->cms, b->cms);
		/* Home's have floors. */
		if (b && authority != AUTHORITY_HOME && a->manifest.serial < b->manifest.serial)
			refuse_document(v, &a->envelope, DOCUMENT_SERIAL, E_STALE,
				"set %.*s has serial %llu, but %llu is in force",
				NAME(a->manifest.name), (unsigned long long)a->manifest.serial,
				(unsigned long long)b->manifest.serial);
	}
}

static const struct voice_floor *voice_floor(
	const struct serial_floors *f, enum authority authority, struct view name)
{
	for (size_t i = 0; i < f->voice_count; i++)
		if (f->voices[i].authority == authority && view_equal(f->voices[i].name, name))
			return &f->voices[i];
	return NULL;
}

static void verify_guests_serials(struct verification *v, const struct serial_floors *f)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < s->other_count; i++) {
		const struct state_voice *voice = &s->others[i];
		const struct voice_floor *floor = voice_floor(f, voice->authority, voice->name);

		if (floor && voice->index.serial < floor->index)
			refuse_document(v, &voice->index_envelope, DOCUMENT_SERIAL, E_STALE,
				"the index of authority %s (%.*s) has serial %llu, but %llu was "
				"accepted before",
				authority_name(voice->authority), NAME(voice->name),
				(unsigned long long)voice->index.serial,
				(unsigned long long)floor->index);
	}
	for (size_t i = 0; i < s->delegation_count; i++) {
		const struct delegation *d = &s->delegations[i].delegation;
		const struct voice_floor *floor = voice_floor(f, d->authority, d->name);

		if (floor && d->serial < floor->delegation)
			refuse_document(v, &s->delegations[i].envelope, DOCUMENT_SERIAL, E_STALE,
				"delegation %.*s has serial %llu, but %llu was accepted before",
				NAME(d->name), (unsigned long long)d->serial,
				(unsigned long long)floor->delegation);
	}
}

void verify_serials(struct verification *v)
{
	static const struct serial_floors none;
	const struct serial_floors *f = v->terms->floors ? v->terms->floors : &none;
	const struct state *s = &v->owner->state;
	const struct serial_floor *assignments =
		sorted_floors(v, f->assignments, f->assignment_count);
	const struct serial_floor *sets = sorted_floors(v, f->sets, f->set_count);

	if (v->err)
		return;
	if (s->home.index.serial < f->index)
		refuse_document(v, &s->home.index_envelope, DOCUMENT_SERIAL, E_STALE,
			"the index has serial %llu, but %llu was accepted before",
			(unsigned long long)s->home.index.serial, (unsigned long long)f->index);
	for (size_t i = 0; i < s->assignment_count; i++) {
		const struct assignment *a = &s->assignments[i].assignment;

		verify_serial(v, &s->assignments[i].envelope, "the assignment of", a->node,
			a->serial, assignments, f->assignment_count);
		if (s->home.index.serial < a->least_index_serial)
			refuse_document(v, &s->home.index_envelope, DOCUMENT_SERIAL, E_STALE,
				"the index has serial %llu, but the assignment of %.*s asks for "
				"%llu at least",
				(unsigned long long)s->home.index.serial, NAME(a->node),
				(unsigned long long)a->least_index_serial);
	}
	for (size_t i = 0; i < s->set_count; i++)
		if (s->sets[i].manifest.authority == s->home.authority)
			verify_serial(v, &s->sets[i].envelope, "set", s->sets[i].manifest.name,
				s->sets[i].manifest.serial, sets, f->set_count);
	verify_guests_serials(v, f);
	verify_only_contents(v);
}

/* Validity decides about what is new only. */

static bool index_in_force(const struct state_voice *before, const struct set_index *index)
{
	if (!before || before->index.serial != index->serial ||
		before->index.entry_count != index->entry_count)
		return false;
	for (size_t i = 0; i < index->entry_count; i++) {
		const struct set_entry *a = &index->entries[i];
		const struct set_entry *b = set_index_find(&before->index, a->name);

		if (!b || a->serial != b->serial || memcmp(a->root, b->root, sizeof a->root))
			return false;
	}
	return true;
}

static bool set_in_force(const struct state *in_force, const struct manifest *m)
{
	const struct state_set *set =
		in_force ? state_find_set(in_force, m->authority, m->name) : NULL;

	return set && set->manifest.serial == m->serial &&
	       !memcmp(set->manifest.root, m->root, sizeof m->root);
}

static void verify_time(struct verification *v, const struct pri_row *envelope, const char *what,
	struct view name, uint64_t not_before, uint64_t not_after)
{
	uint64_t now = v->terms->now_utc;
	char first[UTC_TEXT_SIZE], last[UTC_TEXT_SIZE], present[UTC_TEXT_SIZE];

	utc_format(not_before, first);
	utc_format(not_after, last);
	utc_format(now, present);
	if (now < not_before)
		refuse_document(v, envelope, DOCUMENT_NOT_YET_VALID, E_EXPIRED,
			"%s%.*s is not valid before %s, and it is %s", what, NAME(name), first,
			present);
	if (now > not_after)
		refuse_document(v, envelope, DOCUMENT_EXPIRED, E_EXPIRED,
			"%s%.*s is not valid after %s, and it is %s", what, NAME(name), last,
			present);
}

static bool is_empty(struct verification *v, const struct state_set *set)
{
	struct pri_store *rows = NULL;
	uint32_t block = set->manifest.block;
	bool empty;

	if (pri_store_slice(v->rows, envelope_is_inside, block, block_last(block), &rows)) {
		no_memory(v);
		return false;
	}
	empty = pri_store_count(rows) == 0;
	pri_store_free(rows);
	return empty;
}

/* At a node, what another authority has withdrawn or what has ended: it will not be obeyed, so that
 * it comes late harms nobody. Refused it would take home's policy along, for nobody who serves the
 * sets may leave it out. */
static bool has_no_say(struct verification *v, const struct state_set *set)
{
	return v->node && set->manifest.authority != AUTHORITY_HOME &&
	       (state_set_has_ended(&v->owner->state, set, v->terms->now_utc) ||
		       is_empty(v, set));
}

static bool voice_has_no_say(struct verification *v, const struct state_voice *voice)
{
	const struct state *s = &v->owner->state;

	if (!v->node || voice->authority == AUTHORITY_HOME)
		return false;
	for (size_t i = 0; i < s->set_count; i++)
		if (s->sets[i].manifest.authority == voice->authority &&
			!has_no_say(v, &s->sets[i]))
			return false;
	return true;
}

static void verify_index_time(struct verification *v, const struct state_voice *voice)
{
	const struct delegation *d = voice->delegation;

	if (index_in_force(voice_before(v, voice), &voice->index) || voice_has_no_say(v, voice))
		return;
	verify_time(v, &voice->index_envelope, "the index", VIEW("", 0), voice->index.not_before,
		voice->index.not_after);
	/* One that has ended is no fault by itself: it lends nothing more. */
	if (d)
		verify_time(v, &voice->index_envelope, "what is signed under delegation ", d->name,
			d->not_before, d->not_after);
}

void verify_validity(struct verification *v)
{
	const struct state *s = &v->owner->state;

	if (v->terms->from_disk)
		return;
	verify_index_time(v, &s->home);
	for (size_t i = 0; i < s->other_count; i++)
		verify_index_time(v, &s->others[i]);
	for (size_t i = 0; i < s->set_count; i++) {
		const struct manifest *m = &s->sets[i].manifest;

		if (!set_in_force(v->terms->in_force, m) && !has_no_say(v, &s->sets[i]))
			verify_time(v, &s->sets[i].envelope, "set ", m->name, m->not_before,
				m->not_after);
	}
}
