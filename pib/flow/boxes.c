/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sets as boxes.
 *
 * The paths of a diagram are boxes without a flow in common. Three things make them fewer and more
 * like what a person would have written: values of a field with the same child are one list; what
 * all children of a node have in common is said once without that field, if that does
 * not take more boxes; and
 * boxes that differ in one field only are joined in the end.
 */
#include "pib/flow/sets.h"

#include <stdlib.h>
#include <string.h>

#include "pib/flow/nodes.h"

enum {
	/* Nodes with more edges are not searched for what their children have in common. */
	COMMON_EDGES_MAX = 512,
};

struct boxes {
	struct flow_manager *m;
	struct arena *arena;
	struct error *error;
	struct flow_match *list;
	size_t count;
	size_t capacity;
	size_t most;
	bool more;
	uint32_t *paths; /* by node: how many boxes its paths are; 0 = not counted yet */
	size_t paths_len;
};

static enum err no_memory(const struct boxes *x)
{
	return error_set(x->error, E_MEMORY, "no memory for the boxes of a set");
}

/* The children of a node: an edge for each interval. */
struct branch {
	struct flow_interval values;
	flow_ref child;
};

struct branches {
	struct branch *list;
	size_t count;
};

static int compare_branches(const void *a, const void *b)
{
	const struct branch *x = a;
	const struct branch *y = b;

	if (x->child != y->child)
		return x->child < y->child ? -1 : 1;
	return flow_value_compare(x->values.low, y->values.low);
}

static int compare_first_values(const void *a, const void *b)
{
	const struct branch *x = a;
	const struct branch *y = b;

	return flow_value_compare(x->values.low, y->values.low);
}

/* A set that asks for addresses without asking for the family has the same octets in both. */
static bool splits_family(const struct flow_manager *m, flow_ref ref)
{
	return flow_ref_asks(m, ref) & (1u << FLOW_SOURCE | 1u << FLOW_DESTINATION) &&
	       flow_ref_field(m, ref) != FLOW_FAMILY;
}

static enum err branches_of(
	struct boxes *x, flow_ref ref, enum flow_field field, struct branches *ret)
{
	const struct flow_manager *m = x->m;
	bool split = flow_ref_field(m, ref) != field;
	size_t count = split ? 2 : m->nodes[ref].count;
	struct branch *list = calloc(count, sizeof *list);
	struct flow_value low = {0, 0};

	if (!list)
		return no_memory(x);
	for (size_t i = 0; i < count; i++) {
		struct stored_edge edge = {(uint32_t)i, ref};

		if (!split)
			edge = m->edges[m->nodes[ref].first + i];
		list[i].values.low = low;
		list[i].values.high = flow_decode(m, field, edge.last);
		list[i].child = edge.child;
		low = flow_value_next(list[i].values.high);
	}
	*ret = (struct branches){list, count};
	return E_OK;
}

/* ---- How many boxes ---- */

static uint32_t add_up(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static enum err count_paths(struct boxes *x, flow_ref ref, uint32_t *ret);

/* The paths of branches that are sorted by child. */
static enum err count_branches(struct boxes *x, const struct branches *b, uint32_t *ret)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < b->count; i++) {
		uint32_t here;
		enum err err;

		if (i > 0 && b->list[i].child == b->list[i - 1].child)
			continue;
		err = count_paths(x, b->list[i].child, &here);
		if (err)
			return err;
		sum = add_up(sum, here);
	}
	*ret = sum;
	return E_OK;
}

static enum err count_paths(struct boxes *x, flow_ref ref, uint32_t *ret)
{
	struct branches b;
	uint32_t *paths;
	enum err err;

	if (flow_is_leaf(ref)) {
		*ret = flow_leaf_number(ref) ? 1 : 0;
		return E_OK;
	}
	if (ref >= x->paths_len) {
		size_t len = x->paths_len;

		paths = flow_grow(x->paths, &x->paths_len, (size_t)ref + 1, sizeof *paths);
		if (!paths)
			return no_memory(x);
		memset(paths + len, 0, (x->paths_len - len) * sizeof *paths);
		x->paths = paths;
	}
	if (x->paths[ref]) {
		*ret = x->paths[ref];
		return E_OK;
	}
	err = branches_of(x, ref, flow_ref_field(x->m, ref), &b);
	if (err)
		return err;
	qsort(b.list, b.count, sizeof *b.list, compare_branches);
	err = count_branches(x, &b, ret);
	free(b.list);
	/* The array may have moved and grown meanwhile, but still has a place for `ref`. */
	if (!err)
		x->paths[ref] = *ret;
	return err;
}

/* ---- What the children have in common ---- */

/* The fields that exist only for some values of this one; to leave this field out of a box means
 * to leave them out too. */
static uint32_t depends_on(enum flow_field field)
{
	switch (field) {
	case FLOW_FAMILY:
		return 1u << FLOW_SOURCE | 1u << FLOW_DESTINATION | 1u << FLOW_LABEL;
	case FLOW_PROTOCOL:
		return 1u << FLOW_SOURCE_PORT | 1u << FLOW_DESTINATION_PORT | 1u << FLOW_ICMP_TYPE |
		       1u << FLOW_ICMP_CODE;
	default:
		return 0;
	}
}

static enum err intersect_all(struct boxes *x, const struct branches *b, flow_ref *ret)
{
	flow_ref common = FLOWS_ALL;
	enum err err = E_OK;

	for (size_t i = 0; i < b->count && !err && common != FLOWS_NONE; i++)
		err = flows_intersection(x->m, common, b->list[i].child, &common, x->error);
	*ret = common;
	return err;
}

static enum err subtract_from_all(struct boxes *x, struct branches *b, flow_ref common)
{
	enum err err = E_OK;

	for (size_t i = 0; i < b->count && !err; i++)
		err = flows_difference(x->m, b->list[i].child, common, &b->list[i].child, x->error);
	return err;
}

/* Takes from the branches what they have in common, if that does not make more boxes;
 * FLOWS_NONE if it does. */
static enum err take_common(
	struct boxes *x, enum flow_field field, struct branches *b, flow_ref *ret)
{
	struct branches rest = {NULL, b->count};
	uint32_t whole, parts, once;
	flow_ref common;
	enum err err;

	*ret = FLOWS_NONE;
	if (b->count > COMMON_EDGES_MAX)
		return E_OK;
	err = intersect_all(x, b, &common);
	if (err || common == FLOWS_NONE || flow_ref_asks(x->m, common) & depends_on(field))
		return err;
	rest.list = calloc(rest.count, sizeof *rest.list);
	if (!rest.list)
		return no_memory(x);
	memcpy(rest.list, b->list, rest.count * sizeof *rest.list);
	err = subtract_from_all(x, &rest, common);
	if (!err) {
		qsort(b->list, b->count, sizeof *b->list, compare_branches);
		qsort(rest.list, rest.count, sizeof *rest.list, compare_branches);
		err = count_branches(x, b, &whole);
	}
	if (!err)
		err = count_branches(x, &rest, &parts);
	if (!err)
		err = count_paths(x, common, &once);
	if (!err && add_up(parts, once) <= whole) {
		memcpy(b->list, rest.list, rest.count * sizeof *rest.list);
		*ret = common;
	}
	free(rest.list);
	return err;
}

/* ---- Enumeration ---- */

static enum err emit(struct boxes *x, const struct flow_match *box)
{
	struct flow_match *list;

	if (x->count == x->most) {
		x->more = true;
		return E_OK;
	}
	list = flow_grow(x->list, &x->capacity, x->count + 1, sizeof *list);
	if (!list)
		return no_memory(x);
	x->list = list;
	x->list[x->count++] = *box;
	return E_OK;
}

/* The values of the branches from `first` on that have its child, and the place behind them. Where
 * the child asks for addresses, a family stands alone. */
static enum err gather(struct boxes *x, enum flow_field field, const struct branches *b,
	size_t first, size_t *ret_end, struct flow_intervals *ret)
{
	struct flow_interval *list;
	bool alone = field == FLOW_FAMILY && splits_family(x->m, b->list[first].child);
	size_t end = first + 1;

	while (!alone && end < b->count && b->list[end].child == b->list[first].child)
		end++;
	list = arena_calloc(x->arena, end - first, sizeof *list);
	if (!list)
		return no_memory(x);
	for (size_t i = first; i < end; i++)
		list[i - first] = b->list[i].values;
	*ret = flow_intervals_join(field, list, end - first);
	*ret_end = end;
	return E_OK;
}

/* A run of branches with the same child. */
struct group {
	struct branch first; /* as a branch, so that groups sort by their first value */
	struct flow_intervals values;
};

static enum err group_branches(struct boxes *x, enum flow_field field, struct branches *b,
	struct group **ret, size_t *ret_count)
{
	struct group *groups = calloc(b->count, sizeof *groups);
	size_t count = 0;
	enum err err = E_OK;

	if (!groups)
		return no_memory(x);
	qsort(b->list, b->count, sizeof *b->list, compare_branches);
	for (size_t i = 0; i < b->count && !err;) {
		groups[count].first = b->list[i];
		err = gather(x, field, b, i, &i, &groups[count].values);
		if (groups[count].first.child != FLOWS_NONE)
			count++;
	}
	if (err) {
		free(groups);
		return err;
	}
	qsort(groups, count, sizeof *groups, compare_first_values);
	*ret = groups;
	*ret_count = count;
	return E_OK;
}

/* The boxes of a set within the box that led to it. Recursion is as deep as there are fields. */
static enum err boxes_of(struct boxes *x, flow_ref ref, const struct flow_match *within)
{
	enum flow_field field = flow_ref_field(x->m, ref);
	struct branches b = {NULL, 0};
	struct group *groups = NULL;
	size_t group_count = 0;
	flow_ref common;
	enum err err;

	if (flow_is_leaf(ref))
		return ref == FLOWS_NONE ? E_OK : emit(x, within);
	if (!within->field[FLOW_FAMILY].count && splits_family(x->m, ref))
		field = FLOW_FAMILY;
	err = branches_of(x, ref, field, &b);
	if (!err)
		err = take_common(x, field, &b, &common);
	if (!err)
		err = boxes_of(x, common, within);
	if (!err)
		err = group_branches(x, field, &b, &groups, &group_count);
	for (size_t i = 0; i < group_count && !err && !x->more; i++) {
		struct flow_match box = *within;

		box.field[field] = groups[i].values;
		err = boxes_of(x, groups[i].first.child, &box);
	}
	free(groups);
	free(b.list);
	return err;
}

/* ---- Boxes that differ in one field only ---- */

static int compare_lists(struct flow_intervals a, struct flow_intervals b)
{
	if (a.count != b.count)
		return a.count < b.count ? -1 : 1;
	for (size_t i = 0; i < a.count; i++) {
		int order = flow_value_compare(a.list[i].low, b.list[i].low);

		if (!order)
			order = flow_value_compare(a.list[i].high, b.list[i].high);
		if (order)
			return order;
	}
	return 0;
}

static int compare_but(const struct flow_match *a, const struct flow_match *b, enum flow_field but)
{
	for (enum flow_field field = 0; field < FLOW_FIELDS; field++) {
		int order = 0;

		if (field != but)
			order = compare_lists(a->field[field], b->field[field]);
		if (order)
			return order;
	}
	return 0;
}

struct ordered {
	const struct flow_match *box;
	size_t place;
	enum flow_field but;
};

static int compare_ordered(const void *a, const void *b)
{
	const struct ordered *x = a;
	const struct ordered *y = b;
	int order = compare_but(x->box, y->box, x->but);

	return order ? order : (x->place < y->place ? -1 : x->place > y->place);
}

/* May one box have both lists in this field? The same octets mean other addresses in the other
 * family, and the others belong to values that come with them. */
static bool may_join(const struct flow_match *box, enum flow_field field)
{
	uint32_t needs = depends_on(field);

	for (enum flow_field other = 0; other < FLOW_FIELDS; other++)
		if (needs & 1u << other && box->field[other].count)
			return false;
	return true;
}

static enum err join_two(struct boxes *x, enum flow_field field, struct flow_match *into,
	const struct flow_match *from)
{
	struct flow_intervals a = into->field[field];
	struct flow_intervals b = from->field[field];
	struct flow_interval *list = arena_calloc(x->arena, a.count + b.count, sizeof *list);

	if (!list)
		return no_memory(x);
	memcpy(list, a.list, a.count * sizeof *list);
	memcpy(list + a.count, b.list, b.count * sizeof *list);
	into->field[field] = flow_intervals_join(field, list, a.count + b.count);
	return E_OK;
}

/* Joins what differs in this field alone; what is joined leaves a box with the number 0. */
static enum err join_by(struct boxes *x, enum flow_field field, bool *joined)
{
	struct ordered *order = calloc(x->count + 1, sizeof *order);
	enum err err = E_OK;
	size_t kept = 0;
	size_t into = 0;

	if (!order)
		return no_memory(x);
	for (size_t i = 0; i < x->count; i++)
		order[i] = (struct ordered){&x->list[i], i, field};
	qsort(order, x->count, sizeof *order, compare_ordered);
	for (size_t i = 1; i < x->count && !err; i++) {
		struct flow_match *left = &x->list[order[into].place];
		struct flow_match *right = &x->list[order[i].place];

		if (compare_but(left, right, field) || !may_join(left, field)) {
			into = i;
			continue;
		}
		err = join_two(x, field, left, right);
		right->number = 0;
		*joined = true;
	}
	free(order);
	for (size_t i = 0; i < x->count; i++)
		if (x->list[i].number)
			x->list[kept++] = x->list[i];
	x->count = kept;
	return err;
}

static enum err join_boxes(struct boxes *x)
{
	enum err err = E_OK;

	for (bool joined = true; joined && !err;) {
		joined = false;
		for (enum flow_field field = 0; field < FLOW_FIELDS && !err; field++)
			err = join_by(x, field, &joined);
	}
	return err;
}

enum err flows_boxes(struct flow_manager *m, flow_ref set, size_t most, struct arena *arena,
	struct flow_match **ret, size_t *ret_count, bool *ret_more, struct error *error)
{
	struct boxes x = {.m = m, .arena = arena, .error = error, .most = most};
	const struct flow_match all = {.number = 1};
	struct flow_match *list = NULL;
	enum err err = boxes_of(&x, set, &all);

	if (!err)
		err = join_boxes(&x);
	if (!err) {
		list = arena_calloc(arena, x.count + 1, sizeof *list);
		if (!list)
			err = no_memory(&x);
	}
	if (!err) {
		if (x.count)
			memcpy(list, x.list, x.count * sizeof *list);
		*ret = list;
		*ret_count = x.count;
		*ret_more = x.more;
	}
	free(x.list);
	free(x.paths);
	return err;
}
