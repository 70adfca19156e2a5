/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include <stdlib.h>
#include <string.h>

static int by_extent(const void *a, const void *b)
{
	const struct address_range *x = a, *y = b;
	uint8_t x_first[16], x_last[16], y_first[16], y_last[16];
	int order;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	address_bounds(x, x_first, x_last);
	address_bounds(y, y_first, y_last);
	order = memcmp(x_first, y_first, sizeof x_first);
	if (!order)
		order = memcmp(y_last, x_last, sizeof x_last);
	if (!order)
		order = (int)x->prefix_length - y->prefix_length;
	return order;
}

void normalize_addresses(struct address_list *list)
{
	size_t kept = 0;

	if (list->count < 2)
		return;
	qsort(list->items, list->count, sizeof *list->items, by_extent);
	for (size_t i = 0; i < list->count; i++)
		if (kept == 0 || !address_contains(&list->items[kept - 1], &list->items[i]))
			list->items[kept++] = list->items[i];
	list->count = kept;
}

struct address_list literal_addresses(
	struct builder *b, const struct element *el, enum attribute_id id)
{
	struct address_list list = {.items = take(b, count_words(el, id), sizeof *list.items)};
	struct words w = words_of(el, id);
	struct error e;

	while (list.items && words_next(&w))
		if (!parse_address(w.word, &list.items[list.count], &e))
			list.count++;
	normalize_addresses(&list);
	return list;
}

static void append_groups(
	struct builder *b, struct address_list *list, const struct address_list *more)
{
	const struct model_group **groups =
		take(b, list->group_count + more->group_count, sizeof(struct model_group *));

	if (!groups)
		return;
	if (list->group_count)
		memcpy(groups, list->groups, list->group_count * sizeof *groups);
	list->groups = groups;
	for (size_t i = 0; i < more->group_count; i++) {
		bool there = false;

		for (size_t k = 0; k < list->group_count; k++)
			there = there || groups[k] == more->groups[i];
		if (!there)
			groups[list->group_count++] = more->groups[i];
	}
}

void append_addresses(struct builder *b, struct address_list *list, const struct address_list *more)
{
	struct address_range *items = take(b, list->count + more->count, sizeof *items);

	if (more->group_count)
		append_groups(b, list, more);
	if (!items || more->count == 0)
		return;
	if (list->count)
		memcpy(items, list->items, list->count * sizeof *items);
	memcpy(items + list->count, more->items, more->count * sizeof *items);
	list->items = items;
	list->count += more->count;
}

static const struct address_list *addresses_of(const struct named *n)
{
	switch (n->kind) {
	case KIND_NETWORK:
		return &((const struct model_network *)n->object)->addresses;
	case KIND_ROLE:
		return &((const struct model_role *)n->object)->addresses;
	default:
		return &((const struct model_node *)n->object)->addresses;
	}
}

/* One word of from or to. What has no addresses would mean nobody, or be taken for anybody. */
static void add_peer(struct builder *b, struct address_list *list, const struct words *w)
{
	struct address_range literal;
	struct address_list one = {.items = &literal, .count = 1};
	struct error e;
	struct named *n;

	if (view_equal(w->word, view_of_string("any"))) {
		list->any = true;
		return;
	}
	if (!parse_address(w->word, &literal, &e)) {
		append_addresses(b, list, &one);
		return;
	}
	n = refer(b, &b->places, w->word, w->at,
		1u << KIND_NETWORK | 1u << KIND_ROLE | 1u << KIND_NODE | 1u << KIND_GROUP,
		"network, role, node or group");
	if (!n || !n->object)
		return;
	if (n->kind == KIND_GROUP) {
		const struct model_group *group = n->object;

		append_addresses(
			b, list, &(struct address_list){.groups = &group, .group_count = 1});
		return;
	}
	if (addresses_of(n)->count == 0)
		report_error(b->d, w->at,
			n->kind == KIND_ROLE ? "no node with the role \"%s\" has an address"
					     : "the node \"%s\" has no address",
			n->name);
	else
		append_addresses(b, list, addresses_of(n));
}

struct address_list addresses_of_peers(
	struct builder *b, const struct element *el, enum attribute_id id)
{
	struct address_list list = {0};
	struct words w = words_of(el, id);

	while (words_next(&w))
		add_peer(b, &list, &w);
	if (!w.attribute)
		list.any = true;
	if (list.any)
		list = (struct address_list){.any = true};
	normalize_addresses(&list);
	return list;
}

/* --- what is left when some are excepted --- */

/* One more or one less, of as many octets; false at the end of all addresses. */
static bool step_address(uint8_t octets[16], size_t count, bool up)
{
	for (size_t i = count; i-- > 0;) {
		octets[i] = (uint8_t)(octets[i] + (up ? 1 : -1));
		if (octets[i] != (up ? 0x00 : 0xff))
			return true;
	}
	return false;
}

/* What of `a` lies before and behind the excepted, as one or two ranges, or whole. */
static size_t cut_out(const struct address_range *a, const struct address_range *except,
	struct address_range ret[2])
{
	const size_t octets = a->family == FAMILY_IPV6 ? 16 : 4;
	uint8_t first[16], last[16], low[16], high[16];
	size_t count = 0;

	address_bounds(a, first, last);
	address_bounds(except, low, high);
	if (a->family != except->family || memcmp(high, first, 16) < 0 ||
		memcmp(last, low, 16) < 0) {
		ret[0] = *a;
		return 1;
	}
	if (memcmp(first, low, 16) < 0 && step_address(low, octets, false))
		ret[count++] = address_between(a->family, first, low);
	if (memcmp(high, last, 16) < 0 && step_address(high, octets, true))
		ret[count++] = address_between(a->family, high, last);
	return count;
}

static const struct address_range whole_families[] = {
	{.family = FAMILY_IPV4}, {.family = FAMILY_IPV6}};

static void subtract(
	struct builder *b, struct address_list *list, const struct address_list *except)
{
	if (list->any) {
		struct address_range *items = take(b, 2, sizeof *items);

		if (!items)
			return;
		memcpy(items, whole_families, sizeof whole_families);
		*list = (struct address_list){.items = items, .count = 2};
	}
	for (size_t e = 0; e < except->count; e++) {
		struct address_range *left = take(b, 2 * list->count, sizeof *left);
		size_t count = 0;

		for (size_t i = 0; left && i < list->count; i++)
			count += cut_out(&list->items[i], &except->items[e], &left[count]);
		list->items = left;
		list->count = left ? count : 0;
	}
}

struct address_list addresses_of_peers_but(struct builder *b, const struct element *el,
	enum attribute_id id, enum attribute_id except)
{
	struct address_list list = addresses_of_peers(b, el, id), but;

	if (!element_attribute(el, except))
		return list;
	but = addresses_of_peers(b, el, except);
	if (but.group_count || list.group_count)
		report_error(b->d, element_place(el, except),
			"of groups nothing can be excepted, nor a group: who is in it is not known");
	if (!but.any)
		subtract(b, &list, &but);
	if ((but.any || (list.count == 0 && !list.group_count)) && !b->no_memory)
		report_error(b->d, element_place(el, except),
			"with these excepted nobody is left");
	normalize_addresses(&list);
	return list;
}

static bool has_family(const struct address_list *list, enum ip_family family)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].family == family)
			return true;
	return list->any;
}

void check_families(struct builder *b, const struct element *el, const struct address_list *from,
	const struct address_list *to)
{
	bool four = has_family(from, FAMILY_IPV4) && has_family(to, FAMILY_IPV4);
	bool six = has_family(from, FAMILY_IPV6) && has_family(to, FAMILY_IPV6);

	/* Who will be in a group is not known. */
	if (from->group_count || to->group_count)
		return;
	if (!four && !six && (from->count || from->any) && (to->count || to->any))
		report_error(b->d, element_place(el, ATTRIBUTE_TO),
			"from and to have no address family in common: no flow is meant");
}

void build_network(struct builder *b, const struct element *el)
{
	struct model_network *network = &b->m->networks[b->m->network_count];

	define(b, &b->places, el, KIND_NETWORK, network);
	if (el->faulty)
		return;
	network->name = element_value(el, ATTRIBUTE_NAME);
	network->addresses = literal_addresses(b, el, ATTRIBUTE_ADDRESSES);
	b->m->network_count++;
}

void build_group(struct builder *b, const struct element *el)
{
	struct model_group *group = &b->m->groups[b->m->group_count];

	define(b, &b->places, el, KIND_GROUP, group);
	if (el->faulty)
		return;
	group->name = element_value(el, ATTRIBUTE_NAME);
	group->at = el->at;
	group->addresses = literal_addresses(b, el, ATTRIBUTE_ADDRESSES);
	group->directory = strcmp(element_value(el, ATTRIBUTE_FILLED_BY), "directory") == 0;
	b->m->group_count++;
}

void resolve_groups(struct builder *b, struct address_list *list, bool permitted)
{
	const size_t count = list->group_count;

	list->group_count = 0;
	for (size_t i = 0; i < count; i++) {
		append_addresses(b, list, &list->groups[i]->addresses);
		if (permitted)
			append_addresses(b, list, &list->groups[i]->permitted);
	}
	normalize_addresses(list);
}
