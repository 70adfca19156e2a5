/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/diagram.h"

#include <stdlib.h>
#include <string.h>

#include "pib/flow/nodes.h"

void *flow_grow(void *array, size_t *capacity, size_t need, size_t size)
{
	size_t wanted = *capacity ? *capacity : 64;

	if (need <= *capacity)
		return array;
	while (wanted < need) {
		if (wanted > SIZE_MAX / 2)
			return NULL;
		wanted *= 2;
	}
	if (wanted > SIZE_MAX / size)
		return NULL;
	array = realloc(array, wanted * size);
	if (array)
		*capacity = wanted;
	return array;
}

enum err flow_hash_reserve(struct flow_table *t,
	uint64_t (*hash_of)(const void *context, uint32_t place), const void *context)
{
	struct flow_table bigger = {.capacity = t->capacity ? t->capacity * 2 : 1024};

	if (t->used < t->capacity / 2) {
		t->used++;
		return E_OK;
	}
	bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
	if (!bigger.slots)
		return E_MEMORY;
	for (size_t i = 0; i < t->capacity; i++) {
		size_t at;

		if (!t->slots[i])
			continue;
		at = hash_of(context, t->slots[i] - 1) & (bigger.capacity - 1);
		while (bigger.slots[at])
			at = (at + 1) & (bigger.capacity - 1);
		bigger.slots[at] = t->slots[i];
	}
	bigger.used = t->used + 1;
	free(t->slots);
	*t = bigger;
	return E_OK;
}

struct flow_manager *flow_manager_new(size_t node_limit)
{
	/* References of nodes have 31 bits, and places of edges 32. */
	const size_t most =
		UINT32_MAX / (WORK_PER_NODE > EDGES_PER_NODE ? WORK_PER_NODE : EDGES_PER_NODE);
	struct flow_manager *m = calloc(1, sizeof *m);

	if (m)
		m->node_limit = node_limit < most ? node_limit : most;
	return m;
}

struct flow_manager *flow_manager_free(struct flow_manager *m)
{
	if (!m)
		return NULL;
	free(m->nodes);
	free(m->edges);
	free(m->values);
	free(m->node_table.slots);
	free(m->value_table.slots);
	free(m->stack);
	free(m);
	return NULL;
}

size_t flow_manager_nodes(const struct flow_manager *m)
{
	return m->node_count;
}

enum err flow_limit(const struct flow_manager *m, const char *what, struct error *error)
{
	return error_set(error, E_LIMIT,
		"the decision diagram needs too many %s (its limit is %zu nodes): the rules "
		"overlap in "
		"too many ways",
		what, m->node_limit);
}

static bool is_address(enum flow_field field)
{
	return field == FLOW_SOURCE || field == FLOW_DESTINATION;
}

static uint64_t hash_value(const void *context, uint32_t place)
{
	const struct flow_manager *m = context;

	return flow_hash(flow_hash(1, m->values[place].high), m->values[place].low);
}

enum err flow_encode(struct flow_manager *m, enum flow_field field, struct flow_value v,
	uint32_t *ret, struct error *error)
{
	struct flow_table *t = &m->value_table;
	struct flow_value *values;
	size_t at;

	if (!is_address(field)) {
		*ret = (uint32_t)v.low;
		return E_OK;
	}
	if (m->value_count >= m->node_limit * EDGES_PER_NODE)
		return flow_limit(m, "addresses", error);
	values = flow_grow(m->values, &m->value_capacity, m->value_count + 1, sizeof *m->values);
	if (!values)
		return error_set(error, E_MEMORY, "no memory for a diagram's addresses");
	m->values = values;
	if (flow_hash_reserve(t, hash_value, m))
		return error_set(error, E_MEMORY, "no memory for a diagram's addresses");
	m->values[m->value_count] = v;
	at = hash_value(m, (uint32_t)m->value_count) & (t->capacity - 1);
	while (t->slots[at]) {
		if (flow_value_compare(m->values[t->slots[at] - 1], v) == 0) {
			t->used--;
			*ret = t->slots[at] - 1;
			return E_OK;
		}
		at = (at + 1) & (t->capacity - 1);
	}
	*ret = (uint32_t)m->value_count++;
	t->slots[at] = *ret + 1;
	return E_OK;
}

struct flow_value flow_decode(const struct flow_manager *m, enum flow_field field, uint32_t code)
{
	return is_address(field) ? m->values[code] : FLOW_VALUE(code);
}

int flow_compare_codes(const struct flow_manager *m, enum flow_field field, uint32_t a, uint32_t b)
{
	if (a == b)
		return 0;
	if (is_address(field))
		return flow_value_compare(m->values[a], m->values[b]);
	return a < b ? -1 : 1;
}

static uint64_t hash_edges(enum flow_field field, const struct stored_edge *edges, size_t count)
{
	uint64_t hash = flow_hash(field, count);

	for (size_t i = 0; i < count; i++)
		hash = flow_hash(hash, (uint64_t)edges[i].last << 32 | edges[i].child);
	return hash;
}

static uint64_t hash_node(const void *context, uint32_t place)
{
	const struct flow_manager *m = context;
	const struct stored_node *node = &m->nodes[place];

	return hash_edges((enum flow_field)node->field, &m->edges[node->first], node->count);
}

enum err flow_node_push(
	struct flow_manager *m, size_t mark, uint32_t last, flow_ref child, struct error *error)
{
	struct stored_edge *stack;

	if (m->stack_len > mark && m->stack[m->stack_len - 1].child == child) {
		m->stack[m->stack_len - 1].last = last;
		return E_OK;
	}
	if (m->stack_len >= m->node_limit * EDGES_PER_NODE)
		return flow_limit(m, "edges", error);
	stack = flow_grow(m->stack, &m->stack_capacity, m->stack_len + 1, sizeof *m->stack);
	if (!stack)
		return error_set(error, E_MEMORY, "no memory for a diagram's edges");
	m->stack = stack;
	m->stack[m->stack_len++] = (struct stored_edge){last, child};
	return E_OK;
}

static bool asks_by_family(const struct flow_manager *m, enum flow_field field,
	const struct stored_edge *edges, size_t count)
{
	if (is_address(field) || field == FLOW_DSCP)
		return true;
	for (size_t i = 0; i < count; i++)
		if (!flow_is_leaf(edges[i].child) && m->nodes[edges[i].child].by_family)
			return true;
	return false;
}

enum err flow_node_end(struct flow_manager *m, size_t mark, enum flow_field field, flow_ref *ret,
	struct error *error)
{
	const struct stored_edge *edges = &m->stack[mark];
	size_t count = m->stack_len - mark;
	struct flow_table *t = &m->node_table;
	struct stored_node *nodes;
	struct stored_edge *pool;
	size_t at;

	m->stack_len = mark;
	if (count == 1) {
		*ret = edges[0].child;
		return E_OK;
	}
	if (flow_hash_reserve(t, hash_node, m))
		return error_set(error, E_MEMORY, "no memory for a diagram's nodes");
	at = hash_edges(field, edges, count) & (t->capacity - 1);
	for (; t->slots[at]; at = (at + 1) & (t->capacity - 1)) {
		const struct stored_node *node = &m->nodes[t->slots[at] - 1];

		if (node->field == field && node->count == count &&
			!memcmp(&m->edges[node->first], edges, count * sizeof *edges)) {
			t->used--;
			*ret = t->slots[at] - 1;
			return E_OK;
		}
	}
	t->used--;
	if (m->node_count >= m->node_limit)
		return flow_limit(m, "nodes", error);
	if (count > m->node_limit * EDGES_PER_NODE - m->edge_count)
		return flow_limit(m, "edges", error);
	nodes = flow_grow(m->nodes, &m->node_capacity, m->node_count + 1, sizeof *m->nodes);
	if (!nodes)
		return error_set(error, E_MEMORY, "no memory for a diagram's nodes");
	m->nodes = nodes;
	pool = flow_grow(m->edges, &m->edge_capacity, m->edge_count + count, sizeof *m->edges);
	if (!pool)
		return error_set(error, E_MEMORY, "no memory for a diagram's edges");
	m->edges = pool;
	memcpy(&m->edges[m->edge_count], edges, count * sizeof *edges);
	m->nodes[m->node_count] = (struct stored_node){
		.first = (uint32_t)m->edge_count,
		.count = (uint32_t)count,
		.field = (uint8_t)field,
		.by_family = asks_by_family(m, field, edges, count),
	};
	m->edge_count += count;
	*ret = (flow_ref)m->node_count++;
	t->slots[at] = *ret + 1;
	t->used++;
	return E_OK;
}

uint32_t flow_evaluate(const struct flow_manager *m, flow_ref diagram, const struct flow *flow)
{
	while (!flow_is_leaf(diagram)) {
		const struct stored_node *node = &m->nodes[diagram];
		enum flow_field field = (enum flow_field)node->field;
		struct flow_value v = flow_get(flow, field);
		size_t low = 0;
		size_t high = node->count - 1;

		/* The first edge that does not end before v; the last one cannot. */
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			uint32_t last = m->edges[node->first + middle].last;

			if (flow_value_compare(flow_decode(m, field, last), v) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		diagram = m->edges[node->first + low].child;
	}
	return flow_leaf_number(diagram);
}

/* A pair of diagrams that has been combined. */
struct pair {
	flow_ref a;
	flow_ref b;
	flow_ref result;
};

struct combination {
	struct flow_manager *m;
	flow_combine_fn *combine;
	void *context;
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

	if (field == FLOW_FIELDS) {
		uint32_t number = c->combine(c->context, flow_leaf_number(a), flow_leaf_number(b));

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

enum err flow_combine(struct flow_manager *m, flow_ref a, flow_ref b, flow_combine_fn *combine,
	void *context, flow_ref *ret, struct error *error)
{
	struct combination c = {.m = m, .combine = combine, .context = context, .error = error};
	flow_ref result;
	enum err err = combine_at(&c, a, b, &result);

	if (!err)
		*ret = result;
	free(c.pairs);
	free(c.table.slots);
	return err;
}

static uint32_t inside_or(void *context, uint32_t number, uint32_t inside)
{
	const uint32_t *outside = context;

	return inside ? number : *outside;
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
		err = flow_combine(m, diagram, inside, inside_or, &outside, ret, error);
	return err;
}

/* The least value, or the one that people know. */
static struct flow_value pick(enum flow_field field, struct flow_value low, struct flow_value high)
{
	static const struct {
		enum flow_field field;
		struct flow_value v;
	} known[] = {
		{FLOW_PROTOCOL, {0, 6}},
		{FLOW_PROTOCOL, {0, 17}},
		{FLOW_SOURCE_PORT, {0, 49152}},
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].field == field && flow_value_compare(low, known[i].v) <= 0 &&
			flow_value_compare(known[i].v, high) <= 0)
			return known[i].v;
	return low;
}

static bool sample_at(
	const struct flow_manager *m, flow_ref ref, uint32_t number, bool *tried, struct flow *flow)
{
	const struct stored_node *node;
	struct flow_value low = {0, 0};

	if (flow_is_leaf(ref))
		return flow_leaf_number(ref) == number;
	if (tried[ref])
		return false;
	tried[ref] = true;
	node = &m->nodes[ref];
	for (uint32_t i = 0; i < node->count; i++) {
		const struct stored_edge *edge = &m->edges[node->first + i];
		enum flow_field field = (enum flow_field)node->field;
		struct flow_value high = flow_decode(m, field, edge->last);

		if (sample_at(m, edge->child, number, tried, flow)) {
			flow_set(flow, field, pick(field, low, high));
			return true;
		}
		low = flow_value_next(high);
	}
	return false;
}

enum err flow_sample(
	const struct flow_manager *m, flow_ref diagram, uint32_t number, struct flow *ret)
{
	struct flow flow = {.family = FLOW_IPV6, .direction = FLOW_OUT, .protocol = 6};
	bool *tried = calloc(m->node_count + 1, sizeof *tried);
	bool found;

	if (!tried)
		return E_MEMORY;
	found = sample_at(m, diagram, number, tried, &flow);
	free(tried);
	if (!found)
		return E_NOT_FOUND;
	*ret = flow;
	return E_OK;
}

static void numbers_at(
	const struct flow_manager *m, flow_ref ref, bool *tried, bool *seen, size_t count)
{
	const struct stored_node *node;

	if (flow_is_leaf(ref)) {
		if (flow_leaf_number(ref) < count)
			seen[flow_leaf_number(ref)] = true;
		return;
	}
	if (tried[ref])
		return;
	tried[ref] = true;
	node = &m->nodes[ref];
	for (uint32_t i = 0; i < node->count; i++)
		numbers_at(m, m->edges[node->first + i].child, tried, seen, count);
}

enum err flow_numbers(const struct flow_manager *m, flow_ref diagram, bool *seen, size_t count)
{
	bool *tried = calloc(m->node_count + 1, sizeof *tried);

	if (!tried)
		return E_MEMORY;
	numbers_at(m, diagram, tried, seen, count);
	free(tried);
	return E_OK;
}
