/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the manager, for the files of pib/flow only.
 *
 * An edge keeps the last value of its interval (the first is the one after its left neighbour's)
 * in 32 bits: the value itself, or for an address its place in the manager's table of values. So an
 * edge takes 8 octets, and equal edges are equal octets.
 */
#ifndef COPSEC_PIB_FLOW_NODES_H
#define COPSEC_PIB_FLOW_NODES_H

#include "pib/flow/diagram.h"

struct stored_edge {
	uint32_t last;
	flow_ref child;
};

struct stored_node {
	uint32_t first; /* in edges */
	uint32_t count; /* at least 2 */
	uint8_t field;
	uint16_t asks; /* a bit for each field that it, or one below it, asks for */
};

/* Places + 1 of entries elsewhere, 0 = free; `capacity` is a power of two. */
struct flow_table {
	uint32_t *slots;
	size_t capacity;
	size_t used;
};

struct flow_manager {
	size_t node_limit;
	struct stored_node *nodes;
	size_t node_count;
	size_t node_capacity;
	struct stored_edge *edges;
	size_t edge_count;
	size_t edge_capacity;
	struct flow_value *values; /* of addresses, each once, in no order */
	size_t value_count;
	size_t value_capacity;
	struct flow_table node_table;
	struct flow_table value_table;
	/* The edges of the nodes under construction, of the outer ones below. */
	struct stored_edge *stack;
	size_t stack_len;
	size_t stack_capacity;
};

enum {
	/* In proportion to the node limit: what else may grow. */
	EDGES_PER_NODE = 16,
	WORK_PER_NODE = 64, /* entries that an operation remembers, 4 to 12 octets each */
};

static inline uint64_t flow_hash(uint64_t hash, uint64_t v)
{
	hash = (hash ^ v) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

/* The array with room for `need` (at least 1) entries of `size` octets, maybe moved; NULL when
 * memory is exhausted, and then the old one stays. */
void *flow_grow(void *array, size_t *capacity, size_t need, size_t size) MUST_USE;
/* Makes room for one more; the caller puts it into a slot found by its own comparison. `hash_of`
 * gives the hash of an entry by its place. */
enum err flow_hash_reserve(struct flow_table *t,
	uint64_t (*hash_of)(const void *context, uint32_t place), const void *context) MUST_USE;

enum err flow_limit(const struct flow_manager *m, const char *what, struct error *error) MUST_USE;

/* The 32 bits that stand for a value of a field in an edge, and back. */
enum err flow_encode(struct flow_manager *m, enum flow_field field, struct flow_value v,
	uint32_t *ret, struct error *error) MUST_USE;
struct flow_value flow_decode(const struct flow_manager *m, enum flow_field field, uint32_t code);
/* Order of two codes of one field. */
int flow_compare_codes(const struct flow_manager *m, enum flow_field field, uint32_t a, uint32_t b);

/* A node is made by marking the stack, pushing its edges from left to right (children are complete
 * by then, neighbours with the same child become one edge) and taking them off as a node. */
static inline size_t flow_node_begin(const struct flow_manager *m)
{
	return m->stack_len;
}
enum err flow_node_push(struct flow_manager *m, size_t mark, uint32_t last, flow_ref child,
	struct error *error) MUST_USE;
enum err flow_node_end(struct flow_manager *m, size_t mark, enum flow_field field, flow_ref *ret,
	struct error *error) MUST_USE;

/* flow_combine for those who know more of their operation. */
struct flow_operation {
	flow_combine_fn *combine;
	/* The result for two diagrams, if it is known without looking into them; may be NULL. */
	bool (*known)(void *context, flow_ref a, flow_ref b, flow_ref *ret);
	void *context;
};
enum err flow_apply(struct flow_manager *m, flow_ref a, flow_ref b,
	const struct flow_operation *operation, flow_ref *ret, struct error *error) MUST_USE;

/* The field of a node; FLOW_FIELDS of a leaf. */
static inline enum flow_field flow_ref_field(const struct flow_manager *m, flow_ref ref)
{
	return flow_is_leaf(ref) ? FLOW_FIELDS : (enum flow_field)m->nodes[ref].field;
}

static inline uint32_t flow_ref_asks(const struct flow_manager *m, flow_ref ref)
{
	return flow_is_leaf(ref) ? 0 : m->nodes[ref].asks;
}

#endif
