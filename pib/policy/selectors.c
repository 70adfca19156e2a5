/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Selectors (draft §5.5, §5.6): a set is an OR of rows, each row the cross product of an address
 * group and a port group for either end, a protocol, and the rest. An empty group matches nothing
 * (another authority may fill it later); group 0 matches all.
 */
#include "pib/policy/build.h"

#include <stdlib.h>
#include <string.h>

enum { PROTOCOL_ANY = 255 };

/* ---- Address and port groups ---- */

struct address {
	enum flow_family family;
	struct flow_interval interval;
	bool single;
};

enum err build_prefix(int32_t type, struct view octets, uint32_t bits, enum flow_family *ret_family,
	struct flow_interval *ret)
{
	bool ipv4 = type == ipSecAddressAddressType_ipv4;

	if (!ipv4 && type != ipSecAddressAddressType_ipv6)
		return E_UNSUPPORTED;
	if (octets.len != (ipv4 ? 4u : 16u) || bits > (ipv4 ? 32u : 128u))
		return E_RANGE;
	*ret_family = ipv4 ? FLOW_IPV4 : FLOW_IPV6;
	*ret = flow_prefix(*ret_family, octets.data, bits);
	return E_OK;
}

static enum err read_address(struct build *b, const struct pri *pri, struct address *ret)
{
	int32_t type = pri_i32(pri, ipSecAddressAddressType);
	struct view min = pri_octets(pri, ipSecAddressAddrMin);
	struct view max = pri_octets(pri, ipSecAddressAddrMax);
	uint32_t bits = pri_u32(pri, ipSecAddressAddrPrefixLength);
	static const uint8_t zeros[16];
	struct address a = {.family = FLOW_IPV6};
	unsigned width = 128;
	size_t len = 16;

	switch (type) {
	case ipSecAddressAddressType_ipv4:
		a.family = FLOW_IPV4;
		width = 32;
		len = 4;
		break;
	case ipSecAddressAddressType_ipv6:
		break;
	case ipSecAddressAddressType_dns:
		return refuse(b, pri, ipSecAddressAddressType, PIB_FAULT_ENUM_UNSUPPORTED,
			"DNS names are not supported: who answers would decide the policy");
	default:
		return refuse(b, pri, ipSecAddressAddressType, PIB_FAULT_ENUM_UNSUPPORTED,
			"addresses of type %d are not supported", (int)type);
	}
	/* Prefix length 0 is the wildcard; what stands in the addresses does not count then. */
	if (bits == 0 && view_equal(min, max)) {
		a.interval = flow_prefix(a.family, zeros, 0);
		*ret = a;
		return E_OK;
	}
	if (min.len != len)
		return refuse(b, pri, ipSecAddressAddrMin, PIB_FAULT_VALUE,
			"an address of %zu octets, not %zu", min.len, len);
	if (max.len != len)
		return refuse(b, pri, ipSecAddressAddrMax, PIB_FAULT_VALUE,
			"an address of %zu octets, not %zu", max.len, len);
	if (view_equal(min, max)) {
		if (build_prefix(type, min, bits, &a.family, &a.interval))
			return refuse(b, pri, ipSecAddressAddrPrefixLength, PIB_FAULT_VALUE,
				"the prefix length %u in an address of %u bits", (unsigned)bits,
				width);
		a.single = bits == width;
	} else if (view_compare(min, max) > 0) {
		return refuse(b, pri, ipSecAddressAddrMax, PIB_FAULT_VALUE,
			"the range ends before it begins");
	} else if (bits != width) {
		return refuse(b, pri, ipSecAddressAddrPrefixLength, PIB_FAULT_VALUE,
			"a range has the prefix length %u, not %u", width, (unsigned)bits);
	} else {
		a.interval = flow_range(a.family, min.data, max.data);
	}
	*ret = a;
	return E_OK;
}

enum err build_single_address(
	struct build *b, const struct pri *from, unsigned attribute, struct policy_address *ret)
{
	uint32_t instance = pri_u32(from, attribute);
	struct address a;
	struct pri pri;
	enum err err;

	err = build_follow(b, from, attribute, PIB_ipSecAddress, instance, &pri);
	if (!err)
		err = read_address(b, &pri, &a);
	if (err)
		return err;
	if (!a.single)
		return refuse(b, from, attribute, PIB_FAULT_VALUE,
			"ipSecAddress.%u is not a single address", (unsigned)instance);
	ret->family = a.family;
	flow_address_octets(a.interval.low, ret->octets);
	if (a.family == FLOW_IPV4)
		memset(ret->octets + 4, 0, sizeof ret->octets - 4);
	return E_OK;
}

static enum err read_port(struct build *b, const struct pri *pri, struct flow_interval *ret)
{
	uint32_t min = pri_u32(pri, ipSecL4PortPortMin);
	uint32_t max = pri_u32(pri, ipSecL4PortPortMax);

	/* 0 means any port; the other end does not count then. */
	if (min == 0)
		max = 65535;
	else if (max < min)
		return refuse(b, pri, ipSecL4PortPortMax, PIB_FAULT_VALUE,
			"the range ends before it begins");
	*ret = (struct flow_interval){FLOW_VALUE(min), FLOW_VALUE(max)};
	return E_OK;
}

/* All rows of a class, sorted by their group. */
struct member {
	uint32_t tag;
	enum flow_family family;
	struct flow_interval interval;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a;
	const struct member *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return (x->family > y->family) - (x->family < y->family);
}

static enum err read_member(struct build *b, const struct pri *pri, struct member *ret)
{
	struct address address;
	enum err err;

	ret->family = FLOW_ANY_FAMILY;
	if (pri->class->id == PIB_ipSecL4Port) {
		ret->tag = pri_u32(pri, ipSecL4PortGroupId);
		return read_port(b, pri, &ret->interval);
	}
	ret->tag = pri_u32(pri, ipSecAddressGroupId);
	err = read_address(b, pri, &address);
	if (err)
		return err;
	ret->family = address.family;
	ret->interval = address.interval;
	return E_OK;
}

static bool fills(const struct policy_group *group, const struct policy_member *member)
{
	return group->authority == POLICY_BY_DIRECTORY && strcmp(group->name, member->group) == 0;
}

/* What a directory puts into the groups that are left to it; counts only if there is no room. */
static size_t fill_groups(const struct build *b, struct member *room)
{
	size_t count = 0;

	for (size_t g = 0; b->filling && g < b->policy->group_count; g++) {
		for (size_t i = 0; i < b->filling->count; i++) {
			const struct policy_member *m = b->filling->members[i];

			if (!fills(&b->policy->groups[g], m))
				continue;
			if (room)
				room[count] = (struct member){
					b->policy->groups[g].tag, m->family, m->addresses};
			count++;
		}
	}
	return count;
}

/* The caller frees *ret. A row that is refused is left out: the policy is refused anyway. */
static enum err collect_members(
	struct build *b, enum pib_class_id class, struct member **ret, size_t *ret_count)
{
	struct pri_cursor c = pri_store_class(b->store, class);
	struct member *members;
	struct pri_row row;
	size_t rows = 0;
	size_t count = 0;

	while (pri_store_next(&c, &row))
		rows++;
	members = calloc(rows + fill_groups(b, NULL) + 1, sizeof *members);
	if (!members)
		return build_no_memory(b);
	c = pri_store_class(b->store, class);
	while (count < rows && pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct error error;
		struct pri pri = {.class = row.prid.class, .instance = row.prid.instance};

		if (pri_row_decode(&row, &pri, &fault, &error))
			refuse(b, &pri, fault.attribute, fault.kind, "%s", error.text);
		else if (!read_member(b, &pri, &members[count]))
			count++;
	}
	if (class == PIB_ipSecAddress)
		count += fill_groups(b, members + count);
	qsort(members, count, sizeof *members, compare_members);
	*ret = members;
	*ret_count = count;
	return E_OK;
}

/* The next members with the same tag and family become one list; *at moves behind them. */
static enum err join_members(struct build *b, enum flow_field field, const struct member *members,
	size_t count, size_t *at, struct flow_intervals *ret)
{
	struct flow_interval *list;
	size_t first = *at;
	size_t end = first;

	while (end < count && !compare_members(&members[end], &members[first]))
		end++;
	list = arena_calloc(&b->policy->arena, end - first, sizeof *list);
	if (!list)
		return build_no_memory(b);
	for (size_t i = first; i < end; i++)
		list[i - first] = members[i].interval;
	*ret = flow_intervals_join(field, list, end - first);
	*at = end;
	return E_OK;
}

static enum err group_addresses(struct build *b, const struct member *members, size_t count)
{
	struct address_group *group;
	enum err err = E_OK;

	b->address_groups = arena_calloc(&b->policy->arena, count + 1, sizeof *group);
	if (!b->address_groups)
		return build_no_memory(b);
	for (size_t at = 0; at < count && !err;) {
		enum flow_family family = members[at].family;

		group = &b->address_groups[b->address_group_count];
		if (b->address_group_count == 0 || group[-1].tag != members[at].tag) {
			group->tag = members[at].tag;
			b->address_group_count++;
		} else {
			group--;
		}
		group->has[family] = true;
		err = join_members(b, FLOW_SOURCE, members, count, &at, &group->addresses[family]);
	}
	return err;
}

static enum err group_ports(struct build *b, const struct member *members, size_t count)
{
	enum err err = E_OK;

	b->port_groups = arena_calloc(&b->policy->arena, count + 1, sizeof *b->port_groups);
	if (!b->port_groups)
		return build_no_memory(b);
	for (size_t at = 0; at < count && !err;) {
		struct port_group *group = &b->port_groups[b->port_group_count++];

		group->tag = members[at].tag;
		err = join_members(b, FLOW_SOURCE_PORT, members, count, &at, &group->ports);
	}
	return err;
}

enum err build_groups(struct build *b)
{
	struct member *members = NULL;
	size_t count = 0;
	enum err err = collect_members(b, PIB_ipSecAddress, &members, &count);

	if (!err)
		err = group_addresses(b, members, count);
	free(members);
	members = NULL;
	if (!err)
		err = collect_members(b, PIB_ipSecL4Port, &members, &count);
	if (!err)
		err = group_ports(b, members, count);
	free(members);
	return err;
}

static const struct address_group *find_addresses(const struct build *b, uint32_t tag)
{
	size_t low = 0;
	size_t high = b->address_group_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->address_groups[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	return low < b->address_group_count && b->address_groups[low].tag == tag
		       ? &b->address_groups[low]
		       : NULL;
}

static const struct port_group *find_ports(const struct build *b, uint32_t tag)
{
	size_t low = 0;
	size_t high = b->port_group_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->port_groups[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	return low < b->port_group_count && b->port_groups[low].tag == tag ? &b->port_groups[low]
									   : NULL;
}

/* ---- Selectors ---- */

static enum err narrow(struct build *b, struct flow_match *match, enum flow_field field, uint32_t v)
{
	struct flow_interval *i = arena_calloc(&b->policy->arena, 1, sizeof *i);

	if (!i)
		return build_no_memory(b);
	i->low = i->high = FLOW_VALUE(v);
	match->field[field] = (struct flow_intervals){i, 1};
	return E_OK;
}

/* -1 is any. */
static enum err narrow_unless_any(
	struct build *b, struct flow_match *match, enum flow_field field, int32_t v)
{
	return v < 0 ? E_OK : narrow(b, match, field, (uint32_t)v);
}

/* E_NOT_FOUND: the group is empty. */
static enum err narrow_ports(struct build *b, const struct pri *pri, unsigned attribute,
	enum flow_field field, struct flow_match *match)
{
	uint32_t tag = pri_u32(pri, attribute);
	const struct port_group *group;

	if (!tag)
		return E_OK;
	group = find_ports(b, tag);
	if (!group)
		return E_NOT_FOUND;
	match->field[field] = group->ports;
	return E_OK;
}

/* A row's matches: one, or one for each family if addresses tell them apart. */
struct selector {
	struct flow_match matches[2];
	size_t count;
};

/* All but the addresses; E_NOT_FOUND if it matches nothing by an empty group. */
static enum err read_fields(struct build *b, const struct pri *pri, struct flow_match *match)
{
	uint32_t protocol = pri_u32(pri, ipSecSelectorProtocol);
	struct pri extension;
	enum err err = E_OK;

	if (protocol != PROTOCOL_ANY)
		err = narrow(b, match, FLOW_PROTOCOL, protocol);
	if (!err)
		err = narrow_unless_any(b, match, FLOW_DSCP, pri_i32(pri, ipSecSelectorDscp));
	if (!err)
		err = narrow_unless_any(b, match, FLOW_LABEL, pri_i32(pri, ipSecSelectorFlowLabel));
	if (!err && build_extension(b, pri, PIB_copsecSelector, &extension)) {
		err = narrow_unless_any(
			b, match, FLOW_ICMP_TYPE, pri_i32(&extension, copsecSelectorIcmpType));
		if (!err)
			err = narrow_unless_any(b, match, FLOW_ICMP_CODE,
				pri_i32(&extension, copsecSelectorIcmpCode));
	}
	if (!err)
		err = narrow_ports(b, pri, ipSecSelectorSrcPortGroupId, FLOW_SOURCE_PORT, match);
	if (!err)
		err = narrow_ports(
			b, pri, ipSecSelectorDstPortGroupId, FLOW_DESTINATION_PORT, match);
	return err;
}

static enum err read_selector(struct build *b, const struct pri *pri, struct selector *ret)
{
	static const struct address_group any = {.has = {true, true}};
	uint32_t source_tag = pri_u32(pri, ipSecSelectorSrcAddressGroupId);
	uint32_t destination_tag = pri_u32(pri, ipSecSelectorDstAddressGroupId);
	const struct address_group *source = source_tag ? find_addresses(b, source_tag) : &any;
	const struct address_group *destination =
		destination_tag ? find_addresses(b, destination_tag) : &any;
	struct flow_match match = {.number = 0};
	enum err err = read_fields(b, pri, &match);

	ret->count = 0;
	if (err == E_NOT_FOUND || !source || !destination)
		return err == E_NOT_FOUND ? E_OK : err;
	if (err)
		return err;
	/* What contradicts itself whatever the addresses: a mistake that must not pass as a rule
	 * that never matches. */
	err = flow_match_complete(&b->policy->arena, &match);
	if (err == E_NOT_FOUND)
		return refuse(b, pri, ipSecSelectorProtocol, PIB_FAULT_VALUE,
			"protocol %u has no such ports or ICMP types",
			(unsigned)pri_u32(pri, ipSecSelectorProtocol));
	if (err)
		return build_no_memory(b);
	if (!source_tag && !destination_tag) {
		ret->matches[ret->count++] = match;
		return E_OK;
	}
	for (enum flow_family family = FLOW_IPV4; family <= FLOW_IPV6; family++) {
		struct flow_match one = match;
		bool label_excludes = match.field[FLOW_LABEL].count && family == FLOW_IPV4;

		if (!source->has[family] || !destination->has[family] || label_excludes)
			continue;
		err = narrow(b, &one, FLOW_FAMILY, family);
		if (err)
			return err;
		one.field[FLOW_SOURCE] = source->addresses[family];
		one.field[FLOW_DESTINATION] = destination->addresses[family];
		ret->matches[ret->count++] = one;
	}
	if (ret->count == 0)
		return refuse(b, pri, ipSecSelectorDstAddressGroupId, PIB_FAULT_VALUE,
			"source, destination and flow label have no address family in common");
	return E_OK;
}

/* ---- Selector sets ---- */

struct match_list {
	struct flow_match *items;
	size_t count;
	size_t capacity;
};

static enum err append(struct build *b, struct match_list *list, const struct flow_match *match)
{
	if (b->match_count + list->count >= POLICY_MATCHES_MAX)
		return b->err = error_set(b->error, E_LIMIT, "the rules have more than %d matches",
			       POLICY_MATCHES_MAX);
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 8;
		struct flow_match *items = realloc(list->items, capacity * sizeof *items);

		if (!items)
			return build_no_memory(b);
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *match;
	return E_OK;
}

/* All flows that a match does not hold: for each field in turn, inside in the fields before it and
 * outside in this one. So no two of them overlap, and what a field needs of an earlier one (ports
 * of their protocol) stands there. `first` is the first field to leave. */
static enum err append_complement(struct build *b, struct match_list *list,
	const struct flow_match *match, enum flow_field first)
{
	struct flow_match inside = {.number = match->number};

	for (enum flow_field field = 0; field < FLOW_FIELDS; field++) {
		struct flow_match outside = inside;
		enum err err;

		if (!match->field[field].count)
			continue;
		inside.field[field] = match->field[field];
		if (field < first)
			continue;
		err = flow_intervals_complement(
			&b->policy->arena, field, match->field[field], &outside.field[field]);
		/* Neighbouring intervals may cover everything without being "any". */
		if (err == E_NOT_FOUND)
			continue;
		if (err)
			return build_no_memory(b);
		err = append(b, list, &outside);
		if (err)
			return err;
	}
	return E_OK;
}

static enum err append_negated(
	struct build *b, struct match_list *list, const struct selector *selector, uint32_t number)
{
	const struct flow_match all = {.number = number};
	enum err err = E_OK;

	if (selector->count == 0)
		return append(b, list, &all);
	if (selector->count == 1)
		return append_complement(b, list, &selector->matches[0], FLOW_FAMILY);
	/* One for each family: outside of both is outside in either family. */
	for (size_t i = 0; i < selector->count && !err; i++)
		err = append_complement(b, list, &selector->matches[i], FLOW_FAMILY + 1);
	return err;
}

static enum err append_row(struct build *b, const struct pri *rule, uint32_t instance,
	uint32_t number, struct match_list *list)
{
	struct selector selector;
	struct pri row, pri;
	struct prid prid;
	enum err err;

	err = build_follow(
		b, rule, ipSecRuleIpSecSelectorSetId, PIB_ipSecSelectorSet, instance, &row);
	if (err)
		return err;
	if (!pri_prid(&row, ipSecSelectorSetSelectorId, &prid))
		return refuse(b, &row, ipSecSelectorSetSelectorId, PIB_FAULT_REFERENCE,
			"the selector is of no class that is known");
	if (prid.class->id != PIB_ipSecSelector)
		return refuse(b, &row, ipSecSelectorSetSelectorId, PIB_FAULT_VALUE_UNSUPPORTED,
			"%s is no selector that is supported", prid.class->name);
	err = build_follow(
		b, &row, ipSecSelectorSetSelectorId, PIB_ipSecSelector, prid.instance, &pri);
	if (!err)
		err = read_selector(b, &pri, &selector);
	if (err)
		return err;
	for (size_t i = 0; i < selector.count; i++)
		selector.matches[i].number = number;
	if (pri_bool(&row, ipSecSelectorSetIsNegated))
		return append_negated(b, list, &selector, number);
	for (size_t i = 0; i < selector.count && !err; i++)
		err = append(b, list, &selector.matches[i]);
	return err;
}

enum err build_matches(
	struct build *b, const struct pri *rule, uint32_t number, struct policy_rule *ret)
{
	struct tag_list rows =
		build_tag_list(&b->selector_sets, pri_u32(rule, ipSecRuleIpSecSelectorSetId));
	struct match_list list = {0};
	struct flow_match *matches;
	enum err err = E_OK;

	if (rows.count == 0)
		return refuse(b, rule, ipSecRuleIpSecSelectorSetId, PIB_FAULT_REFERENCE,
			"the rule has no selector");
	for (size_t i = 0; i < rows.count && !build_stops(err); i++) {
		enum err one = append_row(b, rule, rows.items[i].instance, number, &list);

		err = one ? one : err;
	}
	if (!err && list.count) {
		matches = arena_calloc(&b->policy->arena, list.count, sizeof *matches);
		if (matches) {
			memcpy(matches, list.items, list.count * sizeof *matches);
			ret->matches = matches;
			ret->match_count = list.count;
			b->match_count += list.count;
		} else {
			err = build_no_memory(b);
		}
	}
	free(list.items);
	return err;
}
