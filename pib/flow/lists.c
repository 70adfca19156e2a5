/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/lists.h"

#include <stdlib.h>

#include "pib/flow/nodes.h"

/* E_NOT_FOUND if no flow is in both. */
static enum err intersect(
	struct arena *arena, struct flow_match *match, const struct flow_match *region)
{
	for (enum flow_field field = 0; field < FLOW_FIELDS; field++) {
		enum err err = flow_intervals_intersect(
			arena, match->field[field], region->field[field], &match->field[field]);

		if (err)
			return err;
	}
	return E_OK;
}

enum err flow_restrict_matches(struct arena *arena, const struct flow_match *matches, size_t count,
	const struct flow_match *region, struct flow_match **ret, size_t *ret_count)
{
	struct flow_match *list = arena_calloc(arena, count + 1, sizeof *list);
	size_t kept = 0;

	if (!list)
		return E_MEMORY;
	for (size_t i = 0; i < count; i++) {
		enum err err;

		list[kept] = matches[i];
		err = intersect(arena, &list[kept], region);
		if (!err)
			kept++;
		else if (err != E_NOT_FOUND)
			return err;
	}
	*ret = list;
	*ret_count = kept;
	return E_OK;
}

/* ---- Changes ---- */

/* Kinds of change in the order in which they are met. */
struct kinds {
	struct flow_change *list;
	size_t count;
	size_t capacity;
	struct flow_table table;
	enum err err;
};

static uint64_t hash_change(uint32_t from, uint32_t to)
{
	return flow_hash(5, (uint64_t)from << 32 | to);
}

static uint64_t hash_kind(const void *context, uint32_t place)
{
	const struct kinds *k = context;

	return hash_change(k->list[place].from, k->list[place].to);
}

static uint32_t note_kind(struct kinds *k, uint32_t from, uint32_t to)
{
	struct flow_change *list;
	size_t at;

	if (k->err || (k->err = flow_hash_reserve(&k->table, hash_kind, k)) != E_OK)
		return 0;
	at = hash_change(from, to) & (k->table.capacity - 1);
	for (; k->table.slots[at]; at = (at + 1) & (k->table.capacity - 1)) {
		const struct flow_change *kind = &k->list[k->table.slots[at] - 1];

		if (kind->from == from && kind->to == to) {
			k->table.used--;
			return k->table.slots[at];
		}
	}
	if (k->count == FLOW_CHANGES_MAX) {
		k->err = E_LIMIT;
		return 0;
	}
	list = flow_grow(k->list, &k->capacity, k->count + 1, sizeof *list);
	if (!list) {
		k->err = E_MEMORY;
		return 0;
	}
	k->list = list;
	k->list[k->count++] = (struct flow_change){from, to};
	return k->table.slots[at] = (uint32_t)k->count;
}

static uint32_t change_of(void *context, uint32_t from, uint32_t to)
{
	return from == to ? 0 : note_kind(context, from, to);
}

static bool change_known(void *context, flow_ref a, flow_ref b, flow_ref *ret)
{
	(void)context;
	if (a != b)
		return false;
	*ret = FLOW_NOTHING;
	return true;
}

static int compare_kinds(const void *a, const void *b)
{
	const struct flow_change *x = a;
	const struct flow_change *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static uint32_t renumber(void *context, uint32_t number)
{
	const uint32_t *numbers = context;

	return number ? numbers[number - 1] : 0;
}

/* Sorts the kinds into the arena, and gives `diagram` the numbers that go with it. */
static enum err sort_kinds(struct flow_manager *m, const struct kinds *k, flow_ref diagram,
	struct arena *arena, struct flow_changes *ret, struct error *error)
{
	struct flow_changes changes = {.count = k->count};
	uint32_t *numbers = calloc(k->count + 1, sizeof *numbers);
	enum err err = E_MEMORY;

	changes.list = arena_calloc(arena, k->count + 1, sizeof *changes.list);
	if (!numbers || !changes.list) {
		error_set(error, E_MEMORY, "no memory for %zu kinds of change", k->count);
		goto out;
	}
	for (size_t i = 0; i < k->count; i++)
		changes.list[i] = k->list[i];
	qsort(changes.list, k->count, sizeof *changes.list, compare_kinds);
	for (size_t i = 0; i < k->count; i++) {
		const struct flow_change *place = bsearch(
			&k->list[i], changes.list, k->count, sizeof *changes.list, compare_kinds);

		numbers[i] = (uint32_t)(place - changes.list) + 1;
	}
	err = flow_map(m, diagram, renumber, numbers, &changes.diagram, error);
	if (!err)
		*ret = changes;
out:
	free(numbers);
	return err;
}

enum err flow_changes(struct flow_manager *m, flow_ref before, flow_ref after, struct arena *arena,
	struct flow_changes *ret, struct error *error)
{
	struct kinds k = {.err = E_OK};
	const struct flow_operation operation = {change_of, change_known, &k};
	flow_ref diagram;
	enum err err = flow_apply(m, before, after, &operation, &diagram, error);

	if (!err && k.err)
		err = error_set(error, k.err,
			k.err == E_LIMIT ? "more than %d kinds of change" : "no memory for changes",
			FLOW_CHANGES_MAX);
	if (!err)
		err = sort_kinds(m, &k, diagram, arena, ret, error);
	free(k.list);
	free(k.table.slots);
	return err;
}
