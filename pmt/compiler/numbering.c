/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/numbering.h"

#include <stdlib.h>
#include <string.h>

#include "pib/set/block.h"

enum {
	KEY_MAX = 1 << 20, /* octets of a row */
	ROUNDS = 16,       /* longer than any chain of references: rule, list of actions, ... */
	ORDER_EASE = 4,    /* a space for each rule, when others have to move for it */
	NEIGHBOURS = 32,   /* that move for more than the bare space */
	NONE = UINT32_MAX
};

/*
 * A set as a graph. Its nodes are rows, each with those that extend it, and tag lists. A row leads
 * to what its references name, a list to its members.
 */
struct link {
	uint32_t at; /* class and attribute of the reference; nothing in a list */
	uint32_t to;
};

struct node {
	enum pib_class_id class; /* of a list: of its members */
	bool list;
	bool member;      /* of a list */
	uint32_t id;      /* InstanceId or TagId, as it was given */
	uint32_t number;  /* as it is to be */
	uint32_t match;   /* the node of the other graph, or NONE */
	uint32_t order;   /* of a rule */
	const struct numbering_pin *pin; /* NULL: nothing of it is fixed */
	uint64_t name;    /* of a rule: hash of name and direction */
	uint64_t alone;   /* hash of what it says by itself */
	uint64_t meaning; /* the same with all that it leads to */
	uint32_t first_link, link_count;
};

struct vector {
	void *items;
	size_t count, room;
};

/* A tag that a row has, or (row NONE) refers to. */
struct tagged {
	enum pib_class_id class;
	uint32_t tag;
	uint32_t row;
};

struct graph {
	const struct pri_store *store;
	struct vector nodes; /* rows in the order of the store, then lists in that of their tags */
	uint32_t rows;       /* so many of them are rows */
	struct vector links;
	struct vector tagged;
};

struct pair {
	uint32_t made, previous;
};

struct matching {
	struct graph made, previous;
	struct pair *pairs; /* in the order in which they were found */
	size_t pair_count, looked_at;
	const struct numbering_pins *pins;
	struct error *e;
};

static enum err no_memory(struct error *e)
{
	return error_set(e, E_MEMORY, "out of memory");
}

/* NULL when memory is exhausted. */
static void *push(struct vector *v, size_t size)
{
	if (v->count == v->room) {
		size_t room = v->room ? v->room * 2 : 256;
		void *items = reallocarray(v->items, room, size);

		if (!items)
			return NULL;
		v->items = items;
		v->room = room;
	}
	return (char *)v->items + v->count++ * size;
}

static struct node *node(const struct graph *g, uint32_t which)
{
	return (struct node *)g->nodes.items + which;
}

static struct link *links(const struct graph *g, const struct node *n)
{
	return (struct link *)g->links.items + n->first_link;
}

static void graph_fini(struct graph *g)
{
	free(g->nodes.items);
	free(g->links.items);
	free(g->tagged.items);
}

/* --- hashes: two that are equal by chance cost a few PRIs more, no harm --- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2))) * 0xbf58476d1ce4e5b9u;

	h = (h ^ h >> 29) * 0x94d049bb133111ebu;
	return h ^ h >> 32;
}

static uint64_t hash(struct view v)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < v.len; i++)
		h = (h ^ v.data[i]) * 0x100000001b3u;
	return mix(h, v.len);
}

/* --- a store as a graph --- */

static bool extends(const struct pib_class *class)
{
	return class->index != PIB_INDEX;
}

/* The row with this InstanceId, NONE if there is none. */
static uint32_t find_row(const struct graph *g, enum pib_class_id class, uint32_t id)
{
	uint32_t low = 0, high = g->rows;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct node *n = node(g, middle);

		if (n->class == class && n->id == id)
			return middle;
		if (n->class < class || (n->class == class && n->id < id))
			low = middle + 1;
		else
			high = middle;
	}
	return NONE;
}

static uint32_t find_list(const struct graph *g, enum pib_class_id class, uint32_t tag)
{
	uint32_t low = g->rows, high = (uint32_t)g->nodes.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct node *n = node(g, middle);

		if (n->class == class && n->id == tag)
			return middle;
		if (n->class < class || (n->class == class && n->id < tag))
			low = middle + 1;
		else
			high = middle;
	}
	return NONE;
}

/*
 * What a row says by itself: its octets, with every number that is chosen here made the same. A
 * rule's place in the order and its name are not what it means.
 */
static enum err hash_row(struct pri *pri, struct buffer *scratch, uint64_t *ret, struct error *e)
{
	enum err code;

	for (unsigned i = 1; i <= pri->class->attribute_count; i++) {
		const struct pib_attribute *a = pib_attribute(pri->class, i);
		struct prid prid;

		if (a->role == PIB_PRID && pri_prid(pri, i, &prid))
			pri_set_prid(pri, i, prid.class->id, 1);
		else if (a->role == PIB_INSTANCE || a->role == PIB_TAG ||
			 ((a->role == PIB_REFERENCE || a->role == PIB_TAG_REFERENCE) &&
				 pri_u32(pri, i)))
			pri_set_u32(pri, i, 1);
	}
	if (pri->class->id == PIB_ipSecRule)
		pri_set_u32(pri, ipSecRuleOrder, 1);
	else if (pri->class->id == PIB_copsecRule)
		pri_set_text(pri, copsecRuleName, "");
	buffer_reset(scratch);
	code = epd_encode(scratch, pri, e);
	if (code)
		return code;
	*ret = mix(hash(buffer_view(scratch)), (uint64_t)pri->class->id);
	return E_OK;
}

static bool add_tagged(struct graph *g, enum pib_class_id class, uint32_t tag, uint32_t row)
{
	struct tagged *t = push(&g->tagged, sizeof *t);

	if (!t)
		return false;
	*t = (struct tagged){class, tag, row};
	return true;
}

/* The lists that a row is in, or leads to. */
static bool add_lists(struct graph *g, const struct pri *pri, struct node *n, uint32_t row)
{
	for (unsigned i = 1; i <= pri->class->attribute_count; i++) {
		const struct pib_attribute *a = pib_attribute(pri->class, i);
		uint32_t tag =
			a->role == PIB_TAG || a->role == PIB_TAG_REFERENCE ? pri_u32(pri, i) : 0;

		if (!tag)
			continue;
		if (a->role == PIB_TAG) {
			n->member = true;
			if (!add_tagged(g, pri->class->id, tag, row))
				return false;
		} else if (!add_tagged(g, a->target, tag, NONE)) {
			return false;
		}
	}
	return true;
}

static enum err add_row(
	struct graph *g, const struct pri_row *row, struct buffer *scratch, struct error *e)
{
	const enum pib_class_id base = row->prid.class->base;
	struct node *n;
	struct pib_fault fault;
	struct pri pri;
	uint32_t which;
	uint64_t alone;
	enum err code = pri_row_decode(row, &pri, &fault, e);

	if (code)
		return code;
	if (extends(row->prid.class)) {
		which = find_row(g, base, row->prid.instance);
		if (which == NONE)
			return E_OK;
		n = node(g, which);
	} else {
		which = (uint32_t)g->nodes.count;
		n = push(&g->nodes, sizeof *n);
		if (!n)
			return no_memory(e);
		*n = (struct node){.class = base, .id = row->prid.instance, .match = NONE};
		g->rows++;
	}
	if (base == PIB_ipSecRule && !extends(row->prid.class)) {
		n->order = pri_u32(&pri, ipSecRuleOrder);
		n->name = mix(n->name, (uint64_t)pri_i32(&pri, ipSecRuleDirection));
	} else if (row->prid.class->id == PIB_copsecRule) {
		n->name = mix(mix(n->name, pri_bool(&pri, copsecRuleForward)),
			hash(pri_octets(&pri, copsecRuleName)));
	}
	if (!add_lists(g, &pri, n, which))
		return no_memory(e);
	code = hash_row(&pri, scratch, &alone, e);
	if (!code)
		n->alone = mix(n->alone, alone);
	return code;
}

static int compare_tagged(const void *a, const void *b)
{
	const struct tagged *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static bool add_link(struct graph *g, uint32_t from, uint32_t at, uint32_t to)
{
	struct link *l = push(&g->links, sizeof *l);

	if (!l)
		return false;
	*l = (struct link){at, to};
	node(g, from)->link_count++;
	return true;
}

/* Lists that are only referred to are there too, without members. */
static bool put_lists(struct graph *g)
{
	const struct tagged *tagged = g->tagged.items;

	if (g->tagged.count)
		qsort(g->tagged.items, g->tagged.count, sizeof *tagged, compare_tagged);
	for (size_t i = 0; i < g->tagged.count; i++) {
		const struct tagged *t = &tagged[i];

		if (i == 0 || t->class != t[-1].class || t->tag != t[-1].tag) {
			struct node *n = push(&g->nodes, sizeof *n);

			if (!n)
				return false;
			*n = (struct node){.class = t->class,
				.list = true,
				.id = t->tag,
				.match = NONE,
				.alone = mix((uint64_t)t->class, 1),
				.first_link = (uint32_t)g->links.count};
		}
		if (t->row != NONE && !add_link(g, (uint32_t)g->nodes.count - 1, 0, t->row))
			return false;
	}
	return true;
}

static enum err put_links(struct graph *g, const struct pri_row *row, struct error *e)
{
	uint32_t from = find_row(g, row->prid.class->base, row->prid.instance);
	struct pib_fault fault;
	struct pri pri;
	enum err code = pri_row_decode(row, &pri, &fault, e);

	for (unsigned i = 1; !code && from != NONE && i <= pri.class->attribute_count; i++) {
		const struct pib_attribute *a = pib_attribute(pri.class, i);
		uint32_t to = NONE;
		struct prid prid;

		if (a->role == PIB_REFERENCE)
			to = find_row(g, a->target, pri_u32(&pri, i));
		else if (a->role == PIB_TAG_REFERENCE)
			to = find_list(g, a->target, pri_u32(&pri, i));
		else if (a->role == PIB_PRID && pri_prid(&pri, i, &prid))
			to = find_row(g, prid.class->id, prid.instance);
		if (to != NONE && !add_link(g, from, (uint32_t)pri.class->id << 8 | i, to))
			return no_memory(e);
	}
	return code;
}

/* Links of one row must lie together, so rows that extend come with their base. */
static enum err put_row_links(struct graph *g, struct error *e)
{
	for (uint32_t i = 0; i < g->rows; i++) {
		const enum pib_class_id class = node(g, i)->class;

		node(g, i)->first_link = (uint32_t)g->links.count;
		for (int c = 0; c < PIB_CLASS_COUNT; c++) {
			const struct prid prid = {pib_class((enum pib_class_id)c), node(g, i)->id};
			struct pri_row row;
			enum err code;

			if (prid.class->base != class || !pri_store_find(g->store, &prid, &row))
				continue;
			code = put_links(g, &row, e);
			if (code)
				return code;
		}
	}
	return E_OK;
}

static void weigh(struct graph *g)
{
	for (size_t i = 0; i < g->nodes.count; i++)
		node(g, (uint32_t)i)->meaning = node(g, (uint32_t)i)->alone;
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = g->nodes.count; i-- > 0;) {
			struct node *n = node(g, (uint32_t)i);
			const struct link *l = links(g, n);
			uint64_t sum = n->alone;

			for (uint32_t k = 0; k < n->link_count; k++) {
				uint64_t one = node(g, l[k].to)->meaning;

				sum = n->list ? sum + mix(one, 2) : mix(mix(sum, l[k].at), one);
			}
			n->meaning = sum;
		}
}

static enum err graph_init(struct graph *g, const struct pri_store *store, struct error *e)
{
	static const bool extensions[] = {false, true};
	struct buffer scratch;
	struct pri_row row;
	enum err code = E_OK;

	*g = (struct graph){.store = store};
	if (!store)
		return E_OK;
	buffer_init(&scratch, KEY_MAX);
	for (size_t i = 0; i < 2; i++)
		for (struct pri_cursor c = pri_store_all(store); !code && pri_store_next(&c, &row);)
			if (extends(row.prid.class) == extensions[i])
				code = add_row(g, &row, &scratch, e);
	buffer_fini(&scratch);
	if (!code && !put_lists(g))
		code = no_memory(e);
	if (!code)
		code = put_row_links(g, e);
	if (!code)
		weigh(g);
	return code;
}

/* --- which is which --- */

static void pair(struct matching *m, uint32_t made, uint32_t previous)
{
	node(&m->made, made)->match = previous;
	node(&m->previous, previous)->match = made;
	m->pairs[m->pair_count++] = (struct pair){made, previous};
}

/* A node that has no match yet. */
struct candidate {
	uint64_t key;
	uint32_t order, which;
};

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return (x->which > y->which) - (x->which < y->which);
}

/* Pairs those with equal keys, in their order. */
static void pair_candidates(struct matching *m, struct candidate *made, size_t made_count,
	struct candidate *previous, size_t previous_count)
{
	if (!made_count || !previous_count)
		return;
	qsort(made, made_count, sizeof *made, compare_candidates);
	qsort(previous, previous_count, sizeof *previous, compare_candidates);
	for (size_t i = 0, k = 0; i < made_count && k < previous_count;) {
		if (made[i].key == previous[k].key)
			pair(m, made[i++].which, previous[k++].which);
		else if (made[i].key < previous[k].key)
			i++;
		else
			k++;
	}
}

/* By what nodes are compared; false: this node is not. */
typedef bool key_fn(const struct node *n, uint64_t *ret_key);

static bool is_rule(const struct node *n)
{
	return n->class == PIB_ipSecRule && !n->list;
}

static bool rule_itself(const struct node *n, uint64_t *ret_key)
{
	*ret_key = mix(n->name, n->meaning);
	return is_rule(n);
}

static bool rule_meaning(const struct node *n, uint64_t *ret_key)
{
	*ret_key = n->meaning;
	return is_rule(n);
}

static bool rule_name(const struct node *n, uint64_t *ret_key)
{
	*ret_key = n->name;
	return is_rule(n);
}

/* Nothing refers to what names a group; it is known by its name, which is all that it says. */
static bool group_name(const struct node *n, uint64_t *ret_key)
{
	*ret_key = n->alone;
	return n->class == PIB_copsecGroup && !n->list;
}

/* Members come with their list. */
static bool same_meaning(const struct node *n, uint64_t *ret_key)
{
	*ret_key = mix(n->meaning, (uint64_t)n->class * 2 + n->list);
	return !is_rule(n) && !n->member;
}

static struct candidate *candidates(const struct graph *g, key_fn *key, size_t *ret_count)
{
	struct candidate *list = calloc(g->nodes.count + 1, sizeof *list);

	*ret_count = 0;
	for (uint32_t i = 0; list && i < g->nodes.count; i++) {
		const struct node *n = node(g, i);
		struct candidate *c = &list[*ret_count];

		*c = (struct candidate){.order = n->order, .which = i};
		if (n->match == NONE && key(n, &c->key))
			++*ret_count;
	}
	return list;
}

static enum err pair_by(struct matching *m, key_fn *key)
{
	size_t made_count, previous_count;
	struct candidate *made = candidates(&m->made, key, &made_count);
	struct candidate *previous = candidates(&m->previous, key, &previous_count);
	enum err code = made && previous ? E_OK : no_memory(m->e);

	if (!code)
		pair_candidates(m, made, made_count, previous, previous_count);
	free(made);
	free(previous);
	return code;
}

static struct candidate *members(const struct graph *g, const struct node *list, size_t *ret_count)
{
	struct candidate *all = calloc(list->link_count + 1, sizeof *all);
	const struct link *l = links(g, list);

	*ret_count = 0;
	for (uint32_t i = 0; all && i < list->link_count; i++) {
		const struct node *n = node(g, l[i].to);

		if (n->match == NONE)
			all[(*ret_count)++] =
				(struct candidate){.key = n->meaning, .order = i, .which = l[i].to};
	}
	return all;
}

/* The members of two lists that are one: those that mean the same; then, if alike is enough, the
 * others in their order. */
static enum err pair_members(struct matching *m, struct pair p, bool alike)
{
	size_t made_count, previous_count;
	struct candidate *made = members(&m->made, node(&m->made, p.made), &made_count);
	struct candidate *previous =
		members(&m->previous, node(&m->previous, p.previous), &previous_count);
	enum err code = made && previous ? E_OK : no_memory(m->e);

	for (size_t i = 0; !code && alike && i < made_count; i++)
		made[i].key = 0;
	for (size_t i = 0; !code && alike && i < previous_count; i++)
		previous[i].key = 0;
	if (!code)
		pair_candidates(m, made, made_count, previous, previous_count);
	free(made);
	free(previous);
	return code;
}

/* What two rows that are one refer to in the same attribute. */
static void pair_references(struct matching *m, struct pair p, bool alike)
{
	const struct node *made = node(&m->made, p.made),
			  *previous = node(&m->previous, p.previous);
	const struct link *x = links(&m->made, made), *y = links(&m->previous, previous);

	for (uint32_t i = 0, k = 0; i < made->link_count && k < previous->link_count;) {
		const struct node *a = node(&m->made, x[i].to);
		const struct node *b = node(&m->previous, y[k].to);

		if (x[i].at != y[k].at) {
			x[i].at < y[k].at ? i++ : k++;
			continue;
		}
		if (a->match == NONE && b->match == NONE && a->class == b->class &&
			a->list == b->list && (alike || a->meaning == b->meaning))
			pair(m, x[i].to, y[k].to);
		i++;
		k++;
	}
}

/* Goes on from the pairs that were found to what they lead to, as far as there is anything. */
static enum err follow(struct matching *m, bool alike)
{
	enum err code = E_OK;

	while (!code && m->looked_at < m->pair_count) {
		struct pair p = m->pairs[m->looked_at++];

		if (!node(&m->made, p.made)->list) {
			pair_references(m, p, alike);
			continue;
		}
		code = pair_members(m, p, false);
		if (!code && alike)
			code = pair_members(m, p, true);
	}
	return code;
}

/*
 * First the rules; from them, what they refer to and what means the same, so that of two that are
 * equal each goes to its own; then whatever means the same; and last, what stands in the place of
 * something that is gone.
 */
static enum err match(struct matching *m)
{
	static key_fn *const keys[] = {rule_itself, rule_meaning, rule_name, group_name};
	enum err code = E_OK;

	for (size_t i = 0; !code && i < sizeof keys / sizeof *keys; i++)
		code = pair_by(m, keys[i]);
	if (!code)
		code = follow(m, false);
	if (!code)
		code = pair_by(m, same_meaning);
	if (!code)
		code = follow(m, false);
	m->looked_at = 0;
	return code ? code : follow(m, true);
}

/* --- what is fixed --- */

static int compare_pins(const void *a, const void *b)
{
	const struct numbering_pin *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->list != y->list)
		return x->list ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

static const struct numbering_pin *find_pin(
	const struct matching *m, enum pib_class_id class, bool list, uint32_t id)
{
	const struct numbering_pin wanted = {.class = class, .list = list, .id = id};

	return m->pins && m->pins->count ? bsearch(&wanted, m->pins->items, m->pins->count,
						   sizeof wanted, compare_pins)
					 : NULL;
}

/* Is the number fixed, for whichever node? */
static bool is_fixed(const struct matching *m, const struct node *n, uint32_t id)
{
	const struct numbering_pin *pin = find_pin(m, n->class, n->list, id);

	return pin && pin->fixed;
}

static void find_pins(struct matching *m)
{
	for (uint32_t i = 0; m->pins && i < m->made.nodes.count; i++) {
		struct node *n = node(&m->made, i);

		n->pin = find_pin(m, n->class, n->list, n->id);
	}
}

/* --- the numbers --- */

/* Numbers that were not in use, from the least on: one run for rows and one for lists of a class.
 */
static enum err number(struct matching *m, uint32_t block)
{
	uint32_t next[PIB_CLASS_COUNT][2] = {{0}};

	for (uint32_t i = 0; i < m->made.nodes.count; i++) {
		struct node *n = node(&m->made, i);
		uint32_t *last = &next[n->class][n->list];

		if (n->pin && n->pin->fixed) {
			n->number = n->id;
			continue;
		}
		if (n->match != NONE && !is_fixed(m, n, node(&m->previous, n->match)->id)) {
			n->number = node(&m->previous, n->match)->id;
			continue;
		}
		do
			++*last;
		while (is_fixed(m, n, block + *last) ||
			(n->list ? find_list(&m->previous, n->class, block + *last)
				 : find_row(&m->previous, n->class, block + *last)) != NONE);
		if (*last > BLOCK_INSTANCE_MAX)
			return error_set(m->e, E_LIMIT,
				"more than %d numbers of %s were given to this set",
				BLOCK_INSTANCE_MAX, pib_class(n->class)->name);
		n->number = block + *last;
	}
	return E_OK;
}

static void spread(uint32_t *orders, size_t count, uint32_t low, uint32_t high)
{
	for (size_t i = 0; i < count; i++)
		orders[i] = low + (uint32_t)((i + 1) * (high - low) / (count + 1));
}

/* Rules between two Orders that are fixed, or the ends. */
struct span {
	uint32_t *orders;
	size_t count;
	uint32_t low, high; /* neither is among them */
	bool full;          /* there is no room for all */
};

/*
 * Room for orders[start..end), all 0: as many neighbours as need be give up theirs, and a few more
 * if there is room nearby, so that it does not come to the same again at once.
 */
static size_t fit(struct span *s, size_t start, size_t end)
{
	uint32_t *const orders = s->orders;
	const size_t count = s->count;
	bool left = true;

	for (size_t moved = 0;; moved++) {
		uint32_t low = start ? orders[start - 1] : s->low;
		uint32_t high = end < count ? orders[end] : s->high;
		size_t wanted = end - start;
		size_t room = moved && moved < NEIGHBOURS ? wanted * ORDER_EASE : wanted;

		if (high - low > room) {
			if (end == count && s->high > ORDER_LAST &&
				low + (wanted + 1) * ORDER_STEP < high)
				high = low + (uint32_t)(wanted + 1) * ORDER_STEP;
			spread(orders + start, wanted, low, high);
			return end;
		}
		if (start == 0 && end == count) {
			s->full = true;
			return end;
		}
		if ((left && start) || end == count)
			start--;
		else
			end++;
		while (end < count && orders[end] == 0)
			end++;
		left = !left;
	}
}

static void number_span(struct span *s)
{
	uint32_t *const orders = s->orders;
	size_t first = 0;

	while (first < s->count && orders[first] == 0)
		first++;
	if (first == s->count && s->low == 0 && s->high > ORDER_LAST) {
		spread(orders, s->count, 0,
			s->count < ORDER_ROOM / ORDER_STEP ? (uint32_t)(s->count + 1) * ORDER_STEP
							   : ORDER_ROOM);
		return;
	}
	for (size_t i = 0; i < s->count && !s->full;) {
		size_t end = i;

		while (end < s->count && orders[end] == 0)
			end++;
		i = end > i ? fit(s, i, end) : i + 1;
	}
}

void numbering_orders(uint32_t *orders, size_t count)
{
	number_span(&(struct span){orders, count, 0, ORDER_LAST + 1, false});
}

static int by_order(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/*
 * Leaves of orders[] only a longest run that ascends. `ends` holds for each length the least number
 * that a run of it ends with, `before` the predecessors.
 */
static bool keep_ascending(uint32_t *orders, size_t count)
{
	size_t *ends = calloc(count + 1, sizeof *ends), *before = calloc(count + 1, sizeof *before);
	size_t longest = 0, at;

	for (size_t i = 0; ends && before && i < count; i++) {
		size_t low = 0, high = longest;

		if (!orders[i])
			continue;
		while (low < high) {
			size_t middle = (low + high) / 2;

			if (orders[ends[middle]] < orders[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? ends[low - 1] : count;
		ends[low] = i;
		if (low == longest)
			longest++;
	}
	if (!ends || !before) {
		free(ends);
		free(before);
		return false;
	}
	at = longest ? ends[longest - 1] : count;
	for (size_t i = count; i-- > 0;) {
		if (i == at)
			at = before[i];
		else
			orders[i] = 0;
	}
	free(ends);
	free(before);
	return true;
}

/* The rules from `start` up to the next whose Order is fixed, or the end. */
static enum err order_span(
	struct matching *m, struct node *const *rules, uint32_t *orders, size_t start, size_t end,
	size_t count)
{
	struct span s = {.orders = orders + start,
		.count = end - start,
		.low = start ? orders[start - 1] : 0,
		.high = end < count ? rules[end]->pin->order : ORDER_LAST + 1};

	if (s.low > s.high)
		return error_set(m->e, E_RANGE,
			"the rule with Order %u stands behind the one with Order %u", s.high,
			s.low);
	for (size_t i = 0; i < s.count; i++)
		if (s.orders[i] <= s.low || s.orders[i] >= s.high)
			s.orders[i] = 0;
	if (!keep_ascending(s.orders, s.count))
		return no_memory(m->e);
	number_span(&s);
	if (s.full)
		return error_set(m->e, E_RANGE,
			"there is no room for %zu rules between the Orders %u and %u", s.count,
			s.low, s.high);
	if (end < count)
		orders[end] = rules[end]->pin->order;
	return E_OK;
}

static enum err order_rules(struct matching *m)
{
	struct node **rules = calloc(m->made.rows + 1, sizeof(struct node *));
	uint32_t *orders = calloc(m->made.rows + 1, sizeof *orders);
	size_t count = 0, start = 0, end = 0;
	enum err code = rules && orders ? E_OK : no_memory(m->e);

	for (uint32_t i = 0; !code && i < m->made.rows; i++)
		if (is_rule(node(&m->made, i)))
			rules[count++] = node(&m->made, i);
	if (!code && count) {
		qsort(rules, count, sizeof *rules, by_order);
		for (size_t i = 0; i < count; i++)
			if (rules[i]->match != NONE)
				orders[i] = node(&m->previous, rules[i]->match)->order;
	}
	for (; !code && start < count; start = ++end) {
		while (end < count && !(rules[end]->pin && rules[end]->pin->ordered))
			end++;
		code = order_span(m, rules, orders, start, end, count);
	}
	for (size_t i = 0; !code && i < count; i++)
		rules[i]->order = orders[i];
	free(rules);
	free(orders);
	return code;
}

/* --- writing --- */

struct written {
	struct prid prid;
	size_t offset, len;
};

static int by_prid(const void *a, const void *b)
{
	const struct written *x = a, *y = b;

	return prid_compare(&x->prid, &y->prid);
}

/* What a row names by its number as made, under the new one. Of what is not there, as it was. */
static uint32_t renamed(const struct graph *g, uint32_t which, uint32_t id)
{
	return which == NONE ? id : node(g, which)->number;
}

/* False if all its numbers are as they were. */
static bool renumber(const struct graph *g, struct pri *pri)
{
	const struct node *self = node(g, find_row(g, pri->class->base, pri->instance));
	bool changed = pri->instance != self->number;

	for (unsigned i = 1; i <= pri->class->attribute_count; i++) {
		const struct pib_attribute *a = pib_attribute(pri->class, i);
		struct prid prid;
		uint32_t id;

		if (a->role == PIB_PRID && pri_prid(pri, i, &prid)) {
			id = renamed(g, find_row(g, prid.class->id, prid.instance), prid.instance);
			changed = changed || id != prid.instance;
			pri_set_prid(pri, i, prid.class->id, id);
			continue;
		}
		if (a->role != PIB_INSTANCE && a->role != PIB_REFERENCE && a->role != PIB_TAG &&
			a->role != PIB_TAG_REFERENCE)
			continue;
		id = pri_u32(pri, i);
		if (!id)
			continue;
		if (a->role == PIB_INSTANCE)
			id = self->number;
		else if (a->role == PIB_REFERENCE)
			id = renamed(g, find_row(g, a->target, id), id);
		else
			id = renamed(g,
				find_list(g, a->role == PIB_TAG ? pri->class->id : a->target, id),
				id);
		changed = changed || id != pri_u32(pri, i);
		pri_set_u32(pri, i, id);
	}
	if (pri->class->id == PIB_ipSecRule) {
		changed = changed || self->order != pri_u32(pri, ipSecRuleOrder);
		pri_set_u32(pri, ipSecRuleOrder, self->order);
	}
	pri->instance = self->number;
	return changed;
}

static enum err put_row(const struct graph *g, const struct pri_row *row, struct buffer *octets,
	struct written *ret, struct error *e)
{
	struct pib_fault fault;
	struct pri pri;
	enum err code = pri_row_decode(row, &pri, &fault, e);

	if (code)
		return code;
	if (find_row(g, pri.class->base, pri.instance) == NONE)
		return error_set(
			e, E_REFERENCE, "%s.%u extends nothing", pri.class->name, pri.instance);
	*ret = (struct written){{pri.class, 0}, octets->len, 0};
	/* Encoded again, a NULL may become the default that it stands for. */
	if (renumber(g, &pri))
		code = pri_put(octets, &pri, e);
	else
		buffer_put_view(octets, row->objects);
	ret->prid.instance = pri.instance;
	ret->len = octets->len - ret->offset;
	return code;
}

static enum err put_rows(struct matching *m, struct buffer *out)
{
	size_t count = pri_store_count(m->made.store), at = 0;
	struct written *rows = calloc(count + 1, sizeof *rows);
	struct pri_cursor c = pri_store_all(m->made.store);
	struct buffer octets;
	struct pri_row row;
	enum err code = rows ? E_OK : no_memory(m->e);

	buffer_init(&octets, PRI_STORE_MAX_OCTETS);
	while (!code && pri_store_next(&c, &row))
		code = put_row(&m->made, &row, &octets, &rows[at++], m->e);
	if (!code && octets.error)
		code = error_set(m->e, octets.error, "a set has more than 64 MiB");
	if (!code && at)
		qsort(rows, at, sizeof *rows, by_prid);
	for (size_t i = 0; !code && i < at; i++)
		buffer_put(out, octets.data + rows[i].offset, rows[i].len);
	if (!code && out->error)
		code = error_set(m->e, out->error, "the bundle is too long");
	buffer_fini(&octets);
	free(rows);
	return code;
}

enum err numbering_keep(const struct pri_store *made, const struct pri_store *previous,
	const struct numbering_pins *pins, uint32_t block, struct buffer *out, struct error *e)
{
	struct matching m = {.pins = pins, .e = e};
	enum err code = graph_init(&m.made, made, e);

	if (!code)
		code = graph_init(&m.previous, previous, e);
	if (!code) {
		m.pairs = calloc(m.made.nodes.count + 1, sizeof *m.pairs);
		code = m.pairs ? match(&m) : no_memory(e);
	}
	if (!code) {
		find_pins(&m);
		code = number(&m, block);
	}
	if (!code)
		code = order_rules(&m);
	if (!code)
		code = put_rows(&m, out);
	free(m.pairs);
	graph_fini(&m.made);
	graph_fini(&m.previous);
	return code;
}
