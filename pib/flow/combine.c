/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two diagrams become one, pair of nodes by pair of nodes; each pair is worked on once. */
#include "pib/flow/diagram.h"

#include <stdlib.h>

#include "pib/flow/nodes.h"

/* A pair of diagrams that has been combined. */
struct pair {
	flow_ref a;
	flow_ref b;
	flow_ref result;
};

struct combination {
	struct flow_manager *m;
	const struct flow_operation *operation;
	struct pair *pairs;
	size_t pair_count;
	size_t pair_capacity;
	struct flow_table table;
	struct error *error;
};

static uint64_t hash_pair(const void *context, uint32_t place)
{
	const struct combination *c = context;

	return flow_hash(2, (uint64_t)c->pairs[place].a << 32 | c->pairs[place].b);
}

/* The slot of the pair, or the free one where it belongs. */
static size_t find_pair(const struct combination *c, flow_ref a, flow_ref b)
{
	size_t at = flow_hash(2, (uint64_t)a << 32 | b) & (c->table.capacity - 1);

	while (c->table.slots[at]) {
		const struct pair *pair = &c->pairs[c->table.slots[at] - 1];

		if (pair->a == a && pair->b == b)
			break;
		at = (at + 1) & (c->table.capacity - 1);
	}
	return at;
}

static enum err remember_pair(struct combination *c, flow_ref a, flow_ref b, flow_ref result)
{
	struct pair *pairs;

	if (c->pair_count >= c->m->node_limit * EDGES_PER_NODE)
		return flow_limit(c->m, "pairs of nodes", c->error);
	pairs = flow_grow(c->pairs, &c->pair_capacity, c->pair_count + 1, sizeof *c->pairs);
	if (!pairs)
		return error_set(c->error, E_MEMORY, "no memory for combining diagrams");
	c->pairs = pairs;
	if (flow_hash_reserve(&c->table, hash_pair, c))
		return error_set(c->error, E_MEMORY, "no memory for combining diagrams");
	c->pairs[c->pair_count] = (struct pair){a, b, result};
	c->table.slots[find_pair(c, a, b)] = (uint32_t)++c->pair_count;
	return E_OK;
}

/* The edges of a diagram at a field that it may not ask for: then one edge. */
struct edge_run {
	const struct stored_node *node; /* NULL: the diagram itself for all values */
	flow_ref ref;
	uint32_t at;
};

static struct edge_run edge_run(const struct flow_manager *m, flow_ref ref, enum flow_field field)
{
	struct edge_run run = {NULL, ref, 0};

	if (flow_ref_field(m, ref) == field)
		run.node = &m->nodes[ref];
	return run;
}

static flow_ref run_child(const struct flow_manager *m, const struct edge_run *run)
{
	return run->node ? m->edges[run->node->first + run->at].child : run->ref;
}

/* Recursion over fields: each call asks for a later one. Nodes are addressed anew after each, for
 * the arrays move when they grow. */
static enum err combine_at(struct combination *c, flow_ref a, flow_ref b, flow_ref *ret)
{
	struct flow_manager *m = c->m;
	enum flow_field field_a = flow_ref_field(m, a);
	enum flow_field field_b = flow_ref_field(m, b);
	enum flow_field field = field_a < field_b ? field_a : field_b;
	size_t mark = flow_node_begin(m);
	uint32_t at_a = 0;
	uint32_t at_b = 0;
	enum err err = E_OK;

	if (c->operation->known && c->operation->known(c->operation->context, a, b, ret))
		return E_OK;
	if (field == FLOW_FIELDS) {
		uint32_t number = c->operation->combine(
			c->operation->context, flow_leaf_number(a), flow_leaf_number(b));

		*ret = FLOW_LEAF(number & FLOW_NUMBER_MAX);
		return E_OK;
	}
	if (c->table.capacity) {
		size_t slot = find_pair(c, a, b);

		if (c->table.slots[slot]) {
			*ret = c->pairs[c->table.slots[slot] - 1].result;
			return E_OK;
		}
	}
	for (bool more = true; more && !err;) {
		struct edge_run run_a = edge_run(m, a, field);
		struct edge_run run_b = edge_run(m, b, field);
		bool end_a = !run_a.node;
		bool end_b = !run_b.node;
		uint32_t last_a = 0;
		uint32_t last_b = 0;
		uint32_t last;
		flow_ref child;
		int order;

		run_a.at = at_a;
		run_b.at = at_b;
		if (run_a.node) {
			last_a = m->edges[run_a.node->first + at_a].last;
			end_a = at_a + 1 == run_a.node->count;
		}
		if (run_b.node) {
			last_b = m->edges[run_b.node->first + at_b].last;
			end_b = at_b + 1 == run_b.node->count;
		}
		/* Without a node a run has no borders: the other one's decide. */
		if (!run_a.node)
			order = 1;
		else if (!run_b.node)
			order = -1;
		else
			order = flow_compare_codes(m, field, last_a, last_b);
		last = order <= 0 ? last_a : last_b;
		more = !(end_a && end_b);
		if (order <= 0)
			at_a++;
		if (order >= 0)
			at_b++;
		err = combine_at(c, run_child(m, &run_a), run_child(m, &run_b), &child);
		if (!err)
			err = flow_node_push(m, mark, last, child, c->error);
	}
	if (!err)
		err = flow_node_end(m, mark, field, ret, c->error);
	if (err) {
		m->stack_len = mark;
		return err;
	}
	return remember_pair(c, a, b, *ret);
}

enum err flow_apply(struct flow_manager *m, flow_ref a, flow_ref b,
	const struct flow_operation *operation, flow_ref *ret, struct error *error)
{
	struct combination c = {.m = m, .operation = operation, .error = error};
	flow_ref result;
	enum err err = combine_at(&c, a, b, &result);

	if (!err)
		*ret = result;
	free(c.pairs);
	free(c.table.slots);
	return err;
}

enum err flow_combine(struct flow_manager *m, flow_ref a, flow_ref b, flow_combine_fn *combine,
	void *context, flow_ref *ret, struct error *error)
{
	const struct flow_operation operation = {.combine = combine, .context = context};

	return flow_apply(m, a, b, &operation, ret, error);
}

struct mapping {
	flow_map_fn *map;
	void *context;
};

static uint32_t map_left(void *context, uint32_t number, uint32_t unused)
{
	const struct mapping *mapping = context;

	(void)unused;
	return mapping->map(mapping->context, number);
}

enum err flow_map(struct flow_manager *m, flow_ref diagram, flow_map_fn *map, void *context,
	flow_ref *ret, struct error *error)
{
	struct mapping mapping = {map, context};

	return flow_combine(m, diagram, FLOW_NOTHING, map_left, &mapping, ret, error);
}

static uint32_t inside_or(void *context, uint32_t number, uint32_t inside)
{
	const uint32_t *outside = context;

	return inside ? number : *outside;
}

static bool inside_or_known(void *context, flow_ref diagram, flow_ref inside, flow_ref *ret)
{
	const uint32_t *outside = context;

	if (!flow_is_leaf(inside))
		return false;
	*ret = inside == FLOW_NOTHING ? FLOW_LEAF(*outside) : diagram;
	return true;
}

enum err flow_restrict_to(struct flow_manager *m, flow_ref diagram, flow_ref region,
	uint32_t outside, flow_ref *ret, struct error *error)
{
	const struct flow_operation operation = {inside_or, inside_or_known, &outside};

	return flow_apply(m, diagram, region, &operation, ret, error);
}

enum err flow_restrict(struct flow_manager *m, flow_ref diagram, const struct flow_match *region,
	uint32_t outside, flow_ref *ret, struct error *error)
{
	struct flow_match match = *region;
	flow_ref inside;
	enum err err;

	match.number = 1;
	err = flow_build(m, &match, 1, &inside, error);
	if (!err)
		err = flow_restrict_to(m, diagram, inside, outside, ret, error);
	return err;
}
