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

static uint16_t asked_fields(const struct flow_manager *m, enum flow_field field,
	const struct stored_edge *edges, size_t count)
{
	uint32_t asks = 1u << field;

	for (size_t i = 0; i < count; i++)
		asks |= flow_ref_asks(m, edges[i].child);
	return (uint16_t)asks;
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
		.asks = asked_fields(m, field, edges, count),
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
