/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Decision diagrams of first-match lists: the algebra of policies, and the shape of the kernel's
 * chains.
 *
 * A diagram is a directed graph without cycles. A node asks for one field and has edges: intervals
 * that together cover the field's domain, neighbours leading to different children. Fields come in
 * the order of enum flow_field, a field that does not matter is left out, and nodes that are equal
 * exist once (hash-consing). So there is exactly one diagram for each function from flows to
 * numbers: two diagrams of one manager are the same function if and only if they are the same
 * reference, and a list without any effect is FLOW_NOTHING. A path looks at each field at most
 * once.
 *
 * The manager owns all nodes of all its diagrams; references are valid as long as it lives and mean
 * nothing in another. It never holds more nodes than its limit (and edges and work in proportion):
 * E_LIMIT says so in words, and the diagrams that were there stay good. No recursion is deeper than
 * the number of fields. Not reentrant for one manager.
 */
#ifndef COPSEC_PIB_FLOW_DIAGRAM_H
#define COPSEC_PIB_FLOW_DIAGRAM_H

#include "pib/flow/flow.h"

enum {
	FLOW_NODES_DEFAULT = 1 << 18, /* a host's 10,000 rules take 12,000 to 26,000 */
	FLOW_NODES_TOOL = 1 << 20,    /* for who multiplies such lists */
	FLOW_NUMBER_MAX = 0x7fffffff, /* greatest number of a match */
};

struct flow_manager;
typedef uint32_t flow_ref;

/* The diagram that gives every flow the same number. */
#define FLOW_LEAF(number) ((flow_ref)0x80000000u | (flow_ref)(number))
#define FLOW_NOTHING FLOW_LEAF(0)

static inline bool flow_is_leaf(flow_ref ref)
{
	return (ref & 0x80000000u) != 0;
}

static inline uint32_t flow_leaf_number(flow_ref ref)
{
	return ref & FLOW_NUMBER_MAX;
}

/* NULL when memory is exhausted. */
struct flow_manager *flow_manager_new(size_t node_limit);
struct flow_manager *flow_manager_free(struct flow_manager *m); /* takes NULL, returns NULL */
size_t flow_manager_nodes(const struct flow_manager *m);

/* The diagram of a first-match list; each match must pass flow_match_check. */
enum err flow_build(struct flow_manager *m, const struct flow_match *matches, size_t count,
	flow_ref *ret, struct error *error) MUST_USE;

uint32_t flow_evaluate(const struct flow_manager *m, flow_ref diagram, const struct flow *flow);

/* The diagram that gives a flow combine(a's number, b's number). `combine` must be a function:
 * the same numbers give the same result. */
typedef uint32_t flow_combine_fn(void *context, uint32_t a, uint32_t b);
enum err flow_combine(struct flow_manager *m, flow_ref a, flow_ref b, flow_combine_fn *combine,
	void *context, flow_ref *ret, struct error *error) MUST_USE;

/* The diagram that gives a flow map(diagram's number). */
typedef uint32_t flow_map_fn(void *context, uint32_t number);
enum err flow_map(struct flow_manager *m, flow_ref diagram, flow_map_fn *map, void *context,
	flow_ref *ret, struct error *error) MUST_USE;

/* As `diagram` for the flows in `region`, the number `outside` for all others; a region is a match
 * here, and below the flows to which a diagram gives a number other than 0. */
enum err flow_restrict(struct flow_manager *m, flow_ref diagram, const struct flow_match *region,
	uint32_t outside, flow_ref *ret, struct error *error) MUST_USE;

enum err flow_restrict_to(struct flow_manager *m, flow_ref diagram, flow_ref region,
	uint32_t outside, flow_ref *ret, struct error *error) MUST_USE;

/* A flow that gets this number, as ordinary as there is one: HTTPS before an odd port, a host's
 * address before a network's. E_NOT_FOUND if there is none. */
enum err flow_sample(
	const struct flow_manager *m, flow_ref diagram, uint32_t number, struct flow *ret) MUST_USE;

/* Sets seen[n] for each number n < count that some flow gets; a rule whose number is not seen is
 * never reached. E_MEMORY. */
enum err flow_numbers(
	const struct flow_manager *m, flow_ref diagram, bool *seen, size_t count) MUST_USE;

/*
 * The nodes of one diagram, numbered for whoever turns each into a chain. The order depends on the
 * function alone: the root is 0 and a node comes before its children.
 *
 * A node's edges leave out those that lead where most of them lead ("otherwise"; of equals, where
 * most values lead): the edges, disjoint and in ascending order, then otherwise. `family` is
 * FLOW_IPV4 or FLOW_IPV6 wherever the node, or one below it, asks for something that has a
 * different place in each (addresses, DSCP): such a node never serves both, and a family node leads
 * there.
 */
struct flow_target {
	bool leaf;
	uint32_t number; /* of the leaf, or of the node in this walk */
};

struct flow_edge {
	struct flow_value low;
	struct flow_value high;
	struct flow_target to;
};

struct flow_node {
	enum flow_field field;
	enum flow_family family;
	const struct flow_edge *edges;
	size_t edge_count; /* at least 1 */
	struct flow_target otherwise;
};

struct flow_walk {
	struct flow_target root; /* node 0, or a leaf and no node at all */
	struct flow_node *nodes;
	size_t node_count;
	struct flow_edge *edges; /* of all nodes */
	size_t edge_count;
};

/* E_MEMORY. The walk stands on its own: the manager may go. */
enum err flow_walk_init(
	struct flow_walk *walk, const struct flow_manager *m, flow_ref diagram) MUST_USE;
void flow_walk_fini(struct flow_walk *walk);

#endif
