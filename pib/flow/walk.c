/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/diagram.h"

#include <stdlib.h>

#include "pib/flow/nodes.h"

/* A node of the walk: a diagram for the flows of one family, or of both where it is all the same.
 * The diagram at the top stands apart if it asks by family without telling families apart. */
struct visit {
	flow_ref ref;
	enum flow_family family;
	bool split; /* a family node that is not in the diagram, above `ref` twice */
};

enum { FAMILIES = FLOW_ANY_FAMILY + 1 };

struct visits {
	struct visit *list; /* in order of discovery */
	size_t count;
	size_t capacity;
	uint32_t *places; /* by reference and family: place in the list + 1 */
};

/* Does it ask for what lies at different places in IPv4 and IPv6? */
static bool by_family(const struct flow_manager *m, flow_ref ref)
{
	return flow_ref_asks(m, ref) &
	       (1u << FLOW_SOURCE | 1u << FLOW_DESTINATION | 1u << FLOW_DSCP);
}

static enum err visit(struct visits *v, const struct visit *new)
{
	struct visit *list;

	if (!new->split && v->places[(size_t) new->ref *FAMILIES + new->family])
		return E_OK;
	list = flow_grow(v->list, &v->capacity, v->count + 1, sizeof *list);
	if (!list)
		return E_MEMORY;
	v->list = list;
	v->list[v->count++] = *new;
	if (!new->split)
		v->places[(size_t) new->ref *FAMILIES + new->family] = (uint32_t)v->count;
	return E_OK;
}

static enum flow_field visit_field(const struct flow_manager *m, const struct visit *v)
{
	return v->split ? FLOW_FAMILY : (enum flow_field)m->nodes[v->ref].field;
}

static size_t child_count(const struct flow_manager *m, const struct visit *v)
{
	return v->split ? 2 : m->nodes[v->ref].count;
}

/* The i-th child, with the values that lead to it. A leaf's family counts for nothing. */
static struct visit child_at(const struct flow_manager *m, const struct visit *v, size_t i,
	struct flow_value *ret_low, struct flow_value *ret_high)
{
	struct visit child = {.family = v->family};
	const struct stored_node *node;
	enum flow_field field;

	if (v->split) {
		*ret_low = *ret_high = FLOW_VALUE(i);
		child.ref = v->ref;
		child.family = i == 0 ? FLOW_IPV4 : FLOW_IPV6;
		return child;
	}
	node = &m->nodes[v->ref];
	field = (enum flow_field)node->field;
	*ret_low = FLOW_VALUE(0);
	if (i > 0)
		*ret_low =
			flow_value_next(flow_decode(m, field, m->edges[node->first + i - 1].last));
	*ret_high = flow_decode(m, field, m->edges[node->first + i].last);
	child.ref = m->edges[node->first + i].child;
	if (field == FLOW_FAMILY)
		child.family = ret_low->low == FLOW_IPV4 ? FLOW_IPV4 : FLOW_IPV6;
	if (!by_family(m, child.ref))
		child.family = FLOW_ANY_FAMILY;
	return child;
}

/* Finds all nodes, field after field, so that parents come first whatever way leads to a child.
 * `order` receives places in the list of discovery. */
static enum err visit_all(const struct flow_manager *m, struct visits *v, uint32_t **ret_order)
{
	uint32_t *order = NULL;
	size_t capacity = 0;
	size_t len = 0;

	for (enum flow_field field = 0; field < FLOW_FIELDS; field++) {
		for (size_t i = 0; i < v->count; i++) {
			struct visit parent = v->list[i];
			uint32_t *bigger;

			if (visit_field(m, &parent) != field)
				continue;
			bigger = flow_grow(order, &capacity, len + 1, sizeof *order);
			if (!bigger)
				goto no_memory;
			order = bigger;
			order[len++] = (uint32_t)i;
			for (size_t j = 0; j < child_count(m, &parent); j++) {
				struct flow_value low, high;
				struct visit child = child_at(m, &parent, j, &low, &high);

				if (!flow_is_leaf(child.ref) && visit(v, &child))
					goto no_memory;
			}
		}
	}
	*ret_order = order;
	return E_OK;
no_memory:
	free(order);
	return E_MEMORY;
}

/* How much of a node leads to one target. */
struct share {
	struct flow_target to;
	size_t first; /* edge */
	size_t edges;
	struct flow_value values; /* covered, less one for each edge */
};

static int compare_share_targets(const void *a, const void *b)
{
	const struct share *x = a;
	const struct share *y = b;

	if (x->to.leaf != y->to.leaf)
		return x->to.leaf ? -1 : 1;
	if (x->to.number != y->to.number)
		return x->to.number < y->to.number ? -1 : 1;
	return x->first < y->first ? -1 : 1;
}

static bool same_target(struct flow_target a, struct flow_target b)
{
	return a.leaf == b.leaf && a.number == b.number;
}

static struct flow_value add(struct flow_value a, struct flow_value b)
{
	struct flow_value sum = {a.high + b.high, a.low + b.low};

	sum.high += sum.low < a.low;
	return sum;
}

static struct flow_value subtract(struct flow_value a, struct flow_value b)
{
	return (struct flow_value){a.high - b.high - (a.low < b.low), a.low - b.low};
}

static bool greater_share(const struct share *a, const struct share *b)
{
	int order;

	if (a->edges != b->edges)
		return a->edges > b->edges;
	order = flow_value_compare(a->values, b->values);
	return order ? order > 0 : a->first < b->first;
}

/* Where most edges lead. `shares` has room for all edges. */
static struct flow_target find_otherwise(
	const struct flow_edge *edges, size_t count, struct share *shares)
{
	size_t best = 0;
	size_t last = 0;

	for (size_t i = 0; i < count; i++)
		shares[i] =
			(struct share){edges[i].to, i, 1, subtract(edges[i].high, edges[i].low)};
	qsort(shares, count, sizeof *shares, compare_share_targets);
	for (size_t i = 1; i < count; i++) {
		if (same_target(shares[i].to, shares[last].to)) {
			shares[last].edges++;
			shares[last].values = add(shares[last].values, shares[i].values);
		} else {
			shares[++last] = shares[i];
		}
	}
	for (size_t i = 1; i <= last; i++)
		if (greater_share(&shares[i], &shares[best]))
			best = i;
	return shares[best].to;
}

static struct flow_target target_of(
	const struct visits *v, const uint32_t *numbers, const struct visit *to)
{
	struct flow_target target = {.leaf = flow_is_leaf(to->ref)};

	if (target.leaf)
		target.number = flow_leaf_number(to->ref);
	else
		target.number = numbers[v->places[(size_t)to->ref * FAMILIES + to->family] - 1];
	return target;
}

/* `numbers`: by place in the list of discovery. */
static void fill_node(const struct flow_manager *m, const struct visits *v, const uint32_t *numbers,
	const struct visit *from, struct flow_walk *walk, struct share *shares,
	struct flow_node *node)
{
	struct flow_edge *edges = &walk->edges[walk->edge_count];
	size_t count = child_count(m, from);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct visit child = child_at(m, from, i, &edges[i].low, &edges[i].high);

		edges[i].to = target_of(v, numbers, &child);
	}
	*node = (struct flow_node){
		.field = visit_field(m, from),
		.family = from->family,
		.edges = edges,
		.otherwise = find_otherwise(edges, count, shares),
	};
	for (size_t i = 0; i < count; i++)
		if (!same_target(edges[i].to, node->otherwise))
			edges[kept++] = edges[i];
	node->edge_count = kept;
	walk->edge_count += kept;
}

static enum err fill(const struct flow_manager *m, const struct visits *v, const uint32_t *order,
	struct flow_walk *walk)
{
	uint32_t *numbers = calloc(v->count, sizeof *numbers);
	struct share *shares = NULL;
	size_t total = 0;
	size_t most = 0;
	enum err err = E_MEMORY;

	if (!numbers)
		return E_MEMORY;
	for (size_t i = 0; i < v->count; i++) {
		size_t count = child_count(m, &v->list[order[i]]);

		numbers[order[i]] = (uint32_t)i;
		total += count;
		most = count > most ? count : most;
	}
	walk->nodes = calloc(v->count, sizeof *walk->nodes);
	walk->edges = calloc(total, sizeof *walk->edges);
	shares = calloc(most, sizeof *shares);
	if (walk->nodes && walk->edges && shares) {
		for (size_t i = 0; i < v->count; i++)
			fill_node(m, v, numbers, &v->list[order[i]], walk, shares, &walk->nodes[i]);
		walk->node_count = v->count;
		err = E_OK;
	}
	free(shares);
	free(numbers);
	return err;
}

enum err flow_walk_init(struct flow_walk *walk, const struct flow_manager *m, flow_ref diagram)
{
	struct visit top = {.ref = diagram, .family = FLOW_ANY_FAMILY};
	struct flow_walk new = {.root = {.leaf = true}};
	struct visits v = {0};
	uint32_t *order = NULL;
	enum err err;

	if (flow_is_leaf(diagram)) {
		new.root.number = flow_leaf_number(diagram);
		*walk = new;
		return E_OK;
	}
	top.split = by_family(m, diagram) && flow_ref_field(m, diagram) != FLOW_FAMILY;
	v.places = calloc(m->node_count, FAMILIES * sizeof *v.places);
	err = v.places ? visit(&v, &top) : E_MEMORY;
	if (!err)
		err = visit_all(m, &v, &order);
	if (!err)
		err = fill(m, &v, order, &new);
	if (!err) {
		new.root.leaf = false;
		*walk = new;
	} else {
		flow_walk_fini(&new);
	}
	free(v.places);
	free(v.list);
	free(order);
	return err;
}

void flow_walk_fini(struct flow_walk *walk)
{
	free(walk->nodes);
	free(walk->edges);
	*walk = (struct flow_walk){0};
}
