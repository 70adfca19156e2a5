/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/region.h"

enum { PROTOCOL_ICMP = 1, PROTOCOL_ICMPV6 = 58 };

void region_number(struct arena *arena, struct flow_match *match, enum flow_field field,
	uint64_t low, uint64_t high)
{
	struct flow_interval *interval = arena_alloc(arena, sizeof *interval);

	if (!interval)
		return;
	*interval = (struct flow_interval){FLOW_VALUE(low), FLOW_VALUE(high)};
	match->field[field] = flow_intervals_join(field, interval, 1);
}

bool region_addresses(struct arena *arena, struct flow_match *match, enum flow_field field,
	const struct address_list *list, enum flow_family family)
{
	const enum ip_family wanted = family == FLOW_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
	struct flow_interval *intervals;
	size_t count = 0;

	if (list->any)
		return true;
	intervals = arena_calloc(arena, list->count + 1, sizeof *intervals);
	for (size_t i = 0; intervals && i < list->count; i++) {
		uint8_t first[16], last[16];

		if (list->items[i].family != wanted)
			continue;
		address_bounds(&list->items[i], first, last);
		intervals[count++] = flow_range(family, first, last);
	}
	if (count)
		match->field[field] = flow_intervals_join(field, intervals, count);
	return count > 0;
}

static void narrow_ports(struct arena *arena, struct flow_match *match, const struct traffic *t)
{
	struct flow_interval *intervals = arena_calloc(arena, t->port_count, sizeof *intervals);

	for (size_t i = 0; intervals && i < t->port_count; i++)
		intervals[i] = (struct flow_interval){
			FLOW_VALUE(t->ports[i].min), FLOW_VALUE(t->ports[i].max)};
	if (intervals)
		match->field[FLOW_DESTINATION_PORT] =
			flow_intervals_join(FLOW_DESTINATION_PORT, intervals, t->port_count);
}

/* ICMP is of IPv4, ICMPv6 of IPv6. */
bool region_traffic(struct arena *arena, struct flow_match *match, const struct traffic *t,
	enum flow_family family)
{
	if (t->protocol == (family == FLOW_IPV6 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6))
		return false;
	if (t->protocol != PROTOCOL_ANY)
		region_number(arena, match, FLOW_PROTOCOL, t->protocol, t->protocol);
	if (t->port_count)
		narrow_ports(arena, match, t);
	if (t->icmp.type != ICMP_ANY)
		region_number(arena, match, FLOW_ICMP_TYPE, (uint64_t)t->icmp.type,
			(uint64_t)t->icmp.type);
	if (t->icmp.code != ICMP_ANY)
		region_number(arena, match, FLOW_ICMP_CODE, (uint64_t)t->icmp.code,
			(uint64_t)t->icmp.code);
	if (t->dscp != DSCP_ANY)
		region_number(arena, match, FLOW_DSCP, (uint64_t)t->dscp, (uint64_t)t->dscp);
	return true;
}

enum err region_boxes(struct arena *arena, const struct address_list *from,
	const struct address_list *to, const struct traffic_list *traffic, struct flow_match **ret,
	size_t *ret_count)
{
	static const enum flow_family families[] = {FLOW_IPV6, FLOW_IPV4};
	struct flow_match *boxes = arena_calloc(arena, 2 * traffic->count + 1, sizeof *boxes);
	size_t count = 0;

	if (!boxes)
		return E_MEMORY;
	for (size_t i = 0; i < 2 * traffic->count; i++) {
		const enum flow_family family = families[i % 2];
		struct flow_match box = {.number = 1};
		enum err code;

		region_number(arena, &box, FLOW_FAMILY, family, family);
		if (!region_addresses(arena, &box, FLOW_SOURCE, from, family) ||
			!region_addresses(arena, &box, FLOW_DESTINATION, to, family) ||
			!region_traffic(arena, &box, &traffic->items[i / 2], family))
			continue;
		code = flow_match_complete(arena, &box);
		if (code == E_NOT_FOUND)
			continue;
		if (code)
			return code;
		boxes[count++] = box;
	}
	*ret = boxes;
	*ret_count = count;
	return E_OK;
}
