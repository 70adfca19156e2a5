/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flows that get a number, and the numbers that flows get. */
#include "pib/flow/diagram.h"

#include <stdlib.h>

#include "pib/flow/nodes.h"

/* What a person would take for an example, the best first. Addresses of RFC 5737 and RFC 3849, then
 * of RFC 1918; the two ends differ. */
#define IPV4(a, b, c, d)                                                                           \
	{                                                                                          \
		((uint64_t)(a) << 56 | (uint64_t)(b) << 48 | (uint64_t)(c) << 40 |                 \
			(uint64_t)(d) << 32),                                                      \
			0                                                                          \
	}
#define IPV6(high, low)                                                                            \
	{                                                                                          \
		(high), (low)                                                                      \
	}

static const struct ordinary {
	enum flow_field field;
	enum flow_family family; /* FLOW_ANY_FAMILY: both */
	struct flow_value v;
} ordinary[] = {
	{FLOW_FAMILY, FLOW_ANY_FAMILY, {0, FLOW_IPV6}},
	{FLOW_SOURCE, FLOW_IPV4, IPV4(192, 0, 2, 1)},
	{FLOW_SOURCE, FLOW_IPV4, IPV4(198, 51, 100, 1)},
	{FLOW_SOURCE, FLOW_IPV4, IPV4(10, 0, 0, 1)},
	{FLOW_SOURCE, FLOW_IPV6, IPV6(0x20010db800000000, 1)},
	{FLOW_SOURCE, FLOW_IPV6, IPV6(0x20010db8ffff0000, 1)},
	{FLOW_DESTINATION, FLOW_IPV4, IPV4(192, 0, 2, 2)},
	{FLOW_DESTINATION, FLOW_IPV4, IPV4(203, 0, 113, 2)},
	{FLOW_DESTINATION, FLOW_IPV4, IPV4(10, 0, 0, 2)},
	{FLOW_DESTINATION, FLOW_IPV6, IPV6(0x20010db800000000, 2)},
	{FLOW_DESTINATION, FLOW_IPV6, IPV6(0x20010db8fffe0000, 2)},
	{FLOW_DIRECTION, FLOW_ANY_FAMILY, {0, FLOW_OUT}},
	{FLOW_PROTOCOL, FLOW_ANY_FAMILY, {0, 6}},
	{FLOW_PROTOCOL, FLOW_ANY_FAMILY, {0, 17}},
	{FLOW_PROTOCOL, FLOW_IPV4, {0, 1}},
	{FLOW_PROTOCOL, FLOW_IPV6, {0, 58}},
	{FLOW_DESTINATION_PORT, FLOW_ANY_FAMILY, {0, 443}},
	{FLOW_DESTINATION_PORT, FLOW_ANY_FAMILY, {0, 80}},
	{FLOW_DESTINATION_PORT, FLOW_ANY_FAMILY, {0, 53}},
	{FLOW_DESTINATION_PORT, FLOW_ANY_FAMILY, {0, 22}},
	{FLOW_SOURCE_PORT, FLOW_ANY_FAMILY, {0, 49152}},
	{FLOW_ICMP_TYPE, FLOW_IPV4, {0, 8}},
	{FLOW_ICMP_TYPE, FLOW_IPV6, {0, 128}},
	{FLOW_IN_ROLE, FLOW_ANY_FAMILY, {0, 1}},
	{FLOW_OUT_ROLE, FLOW_ANY_FAMILY, {0, 1}},
};
enum { ORDINARY_COUNT = sizeof ordinary / sizeof *ordinary };

static bool applies(const struct ordinary *o, enum flow_field field, enum flow_family family)
{
	return o->field == field && (o->family == FLOW_ANY_FAMILY || o->family == family);
}

struct search {
	const struct flow_manager *m;
	uint32_t number;
	bool *failed;   /* by node */
	uint32_t asked; /* a bit for each field on the way here */
	struct flow flow;
};

/* What no node has asked for. */
static void fill_rest(struct search *s)
{
	for (size_t i = ORDINARY_COUNT; i-- > 0;)
		if (!(s->asked & 1u << ordinary[i].field) &&
			applies(&ordinary[i], ordinary[i].field, s->flow.family))
			flow_set(&s->flow, ordinary[i].field, ordinary[i].v);
}

/* The first edge that does not end before v; the last one cannot. */
static uint32_t edge_of(
	const struct flow_manager *m, const struct stored_node *node, struct flow_value v)
{
	uint32_t low = 0;
	uint32_t high = node->count - 1;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct flow_value last = flow_decode(
			m, (enum flow_field)node->field, m->edges[node->first + middle].last);

		if (flow_value_compare(last, v) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A host's address and not its network's, a port but 0. */
static struct flow_value pick(const struct search *s, enum flow_field field, struct flow_value low,
	struct flow_value high)
{
	struct flow_value next = low;

	if (field == FLOW_SOURCE || field == FLOW_DESTINATION) {
		if (s->flow.family == FLOW_IPV4)
			next.high += (uint64_t)1 << 32;
		else
			next = flow_value_next(low);
	} else if (low.low == 0 && (field == FLOW_SOURCE_PORT || field == FLOW_DESTINATION_PORT)) {
		next = FLOW_VALUE(1);
	}
	return flow_value_compare(low, next) < 0 && flow_value_compare(next, high) < 0 ? next : low;
}

static bool search_at(struct search *s, flow_ref ref);

static bool search_edge(
	struct search *s, const struct stored_node *node, uint32_t edge, struct flow_value v)
{
	flow_set(&s->flow, (enum flow_field)node->field, v);
	return search_at(s, s->m->edges[node->first + edge].child);
}

/* Recursion is as deep as there are fields. */
static bool search_at(struct search *s, flow_ref ref)
{
	const struct stored_node *node;
	struct flow_value low = {0, 0};
	enum flow_field field;

	if (flow_is_leaf(ref)) {
		if (flow_leaf_number(ref) != s->number)
			return false;
		fill_rest(s);
		return true;
	}
	if (s->failed[ref])
		return false;
	node = &s->m->nodes[ref];
	field = (enum flow_field)node->field;
	s->asked |= 1u << field;
	for (size_t i = 0; i < ORDINARY_COUNT; i++)
		if (applies(&ordinary[i], field, s->flow.family) &&
			search_edge(s, node, edge_of(s->m, node, ordinary[i].v), ordinary[i].v))
			return true;
	for (uint32_t i = 0; i < node->count; i++) {
		struct flow_value high =
			flow_decode(s->m, field, s->m->edges[node->first + i].last);

		if (search_edge(s, node, i, pick(s, field, low, high)))
			return true;
		low = flow_value_next(high);
	}
	s->asked &= ~(1u << field);
	s->failed[ref] = true;
	return false;
}

enum err flow_sample(
	const struct flow_manager *m, flow_ref diagram, uint32_t number, struct flow *ret)
{
	struct search s = {.m = m, .number = number, .flow = {.family = FLOW_IPV6}};
	bool found;

	s.failed = calloc(m->node_count + 1, sizeof *s.failed);
	if (!s.failed)
		return E_MEMORY;
	found = search_at(&s, diagram);
	free(s.failed);
	if (!found)
		return E_NOT_FOUND;
	*ret = s.flow;
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
