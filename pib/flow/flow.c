/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/flow.h"

#include <stdlib.h>
#include <string.h>

int flow_value_compare(struct flow_value a, struct flow_value b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	if (a.low != b.low)
		return a.low < b.low ? -1 : 1;
	return 0;
}

struct flow_value flow_value_next(struct flow_value v)
{
	v.low++;
	if (v.low == 0)
		v.high++;
	return v;
}

struct flow_value flow_value_previous(struct flow_value v)
{
	if (v.low == 0)
		v.high--;
	v.low--;
	return v;
}

static const struct {
	const char *name;
	struct flow_value last;
} fields[FLOW_FIELDS] = {
	[FLOW_FAMILY] = {"family", {0, FLOW_IPV6}},
	[FLOW_SOURCE] = {"source", {UINT64_MAX, UINT64_MAX}},
	[FLOW_DESTINATION] = {"destination", {UINT64_MAX, UINT64_MAX}},
	[FLOW_DIRECTION] = {"direction", {0, FLOW_FORWARD}},
	[FLOW_PROTOCOL] = {"protocol", {0, 255}},
	[FLOW_DESTINATION_PORT] = {"destination port", {0, 65535}},
	[FLOW_SOURCE_PORT] = {"source port", {0, 65535}},
	[FLOW_ICMP_TYPE] = {"ICMP type", {0, 255}},
	[FLOW_ICMP_CODE] = {"ICMP code", {0, 255}},
	[FLOW_DSCP] = {"DSCP", {0, 63}},
	[FLOW_LABEL] = {"flow label", {0, 0xfffff}},
	[FLOW_IN_ROLE] = {"in role", {0, 65535}},
	[FLOW_OUT_ROLE] = {"out role", {0, 65535}},
};

struct flow_value flow_field_last(enum flow_field field)
{
	return fields[field].last;
}

const char *flow_field_name(enum flow_field field)
{
	return field < FLOW_FIELDS ? fields[field].name : "unknown field";
}

/* Numbers of IANA's protocol registry. Neighbours are joined, as in every list of intervals. */
static const struct flow_interval protocols_with_ports[] = {
	{{0, 6}, {0, 6}},     /* TCP */
	{{0, 17}, {0, 17}},   /* UDP */
	{{0, 33}, {0, 33}},   /* DCCP */
	{{0, 132}, {0, 132}}, /* SCTP */
	{{0, 136}, {0, 136}}, /* UDP-Lite */
};
static const struct flow_interval protocols_icmp[] = {
	{{0, 1}, {0, 1}},
	{{0, 58}, {0, 58}},
};
static const struct flow_interval families_with_label[] = {
	{{0, FLOW_IPV6}, {0, FLOW_IPV6}},
};

#define INTERVALS(array) ((struct flow_intervals){(array), sizeof(array) / sizeof(*(array))})

/* A field that exists only where another one has certain values. */
static const struct condition {
	enum flow_field field;
	enum flow_field on;
	const struct flow_interval *list;
	size_t count;
} conditions[] = {
	{FLOW_DESTINATION_PORT, FLOW_PROTOCOL, protocols_with_ports, 5},
	{FLOW_SOURCE_PORT, FLOW_PROTOCOL, protocols_with_ports, 5},
	{FLOW_ICMP_TYPE, FLOW_PROTOCOL, protocols_icmp, 2},
	{FLOW_ICMP_CODE, FLOW_PROTOCOL, protocols_icmp, 2},
	{FLOW_LABEL, FLOW_FAMILY, families_with_label, 1},
};
enum { CONDITION_COUNT = sizeof conditions / sizeof *conditions };

bool flow_protocol_has_ports(uint8_t protocol)
{
	return flow_intervals_contain(INTERVALS(protocols_with_ports), FLOW_VALUE(protocol));
}

bool flow_protocol_is_icmp(uint8_t protocol)
{
	return flow_intervals_contain(INTERVALS(protocols_icmp), FLOW_VALUE(protocol));
}

struct flow_value flow_address(enum flow_family family, const uint8_t *octets)
{
	size_t len = family == FLOW_IPV4 ? 4 : 16;
	struct flow_value v = {0, 0};

	for (size_t i = 0; i < 16; i++) {
		uint64_t *half = i < 8 ? &v.high : &v.low;

		*half = *half << 8 | (i < len ? octets[i] : 0);
	}
	return v;
}

void flow_address_octets(struct flow_value v, uint8_t octets[16])
{
	for (size_t i = 0; i < 8; i++) {
		octets[i] = (uint8_t)(v.high >> (56 - 8 * i));
		octets[8 + i] = (uint8_t)(v.low >> (56 - 8 * i));
	}
}

/* The lower 128 - bits bits. */
static struct flow_value host_mask(unsigned bits)
{
	if (bits >= 128)
		return (struct flow_value){0, 0};
	if (bits >= 64)
		return (struct flow_value){0, UINT64_MAX >> (bits - 64)};
	return (struct flow_value){UINT64_MAX >> bits, UINT64_MAX};
}

struct flow_interval flow_prefix(enum flow_family family, const uint8_t *octets, unsigned bits)
{
	struct flow_value v = flow_address(family, octets);
	struct flow_value mask = host_mask(bits);

	return (struct flow_interval){
		{v.high & ~mask.high, v.low & ~mask.low},
		{v.high | mask.high, v.low | mask.low},
	};
}

struct flow_interval flow_range(enum flow_family family, const uint8_t *first, const uint8_t *last)
{
	struct flow_interval i = flow_prefix(family, first, family == FLOW_IPV4 ? 32 : 128);

	i.high = flow_prefix(family, last, family == FLOW_IPV4 ? 32 : 128).high;
	return i;
}

struct flow_value flow_get(const struct flow *flow, enum flow_field field)
{
	bool ports = flow_protocol_has_ports(flow->protocol);
	bool icmp = flow_protocol_is_icmp(flow->protocol);

	switch (field) {
	case FLOW_FAMILY:
		return FLOW_VALUE(flow->family);
	case FLOW_SOURCE:
		return flow_address(flow->family, flow->source);
	case FLOW_DESTINATION:
		return flow_address(flow->family, flow->destination);
	case FLOW_DIRECTION:
		return FLOW_VALUE(flow->direction);
	case FLOW_PROTOCOL:
		return FLOW_VALUE(flow->protocol);
	case FLOW_DESTINATION_PORT:
		return FLOW_VALUE(ports ? flow->destination_port : 0);
	case FLOW_SOURCE_PORT:
		return FLOW_VALUE(ports ? flow->source_port : 0);
	case FLOW_ICMP_TYPE:
		return FLOW_VALUE(icmp ? flow->icmp_type : 0);
	case FLOW_ICMP_CODE:
		return FLOW_VALUE(icmp ? flow->icmp_code : 0);
	case FLOW_DSCP:
		return FLOW_VALUE(flow->dscp);
	case FLOW_LABEL:
		return FLOW_VALUE(flow->family == FLOW_IPV6 ? flow->label : 0);
	case FLOW_IN_ROLE:
		return FLOW_VALUE(flow->in_role);
	case FLOW_OUT_ROLE:
		return FLOW_VALUE(flow->out_role);
	case FLOW_FIELDS:
		break;
	}
	return FLOW_VALUE(0);
}

void flow_set(struct flow *flow, enum flow_field field, struct flow_value v)
{
	switch (field) {
	case FLOW_FAMILY:
		flow->family = v.low == FLOW_IPV4 ? FLOW_IPV4 : FLOW_IPV6;
		break;
	case FLOW_SOURCE:
		flow_address_octets(v, flow->source);
		break;
	case FLOW_DESTINATION:
		flow_address_octets(v, flow->destination);
		break;
	case FLOW_DIRECTION:
		flow->direction = (enum flow_direction)v.low;
		break;
	case FLOW_PROTOCOL:
		flow->protocol = (uint8_t)v.low;
		break;
	case FLOW_DESTINATION_PORT:
		flow->destination_port = (uint16_t)v.low;
		break;
	case FLOW_SOURCE_PORT:
		flow->source_port = (uint16_t)v.low;
		break;
	case FLOW_ICMP_TYPE:
		flow->icmp_type = (uint8_t)v.low;
		break;
	case FLOW_ICMP_CODE:
		flow->icmp_code = (uint8_t)v.low;
		break;
	case FLOW_DSCP:
		flow->dscp = (uint8_t)v.low;
		break;
	case FLOW_LABEL:
		flow->label = (uint32_t)v.low;
		break;
	case FLOW_IN_ROLE:
		flow->in_role = (uint16_t)v.low;
		break;
	case FLOW_OUT_ROLE:
		flow->out_role = (uint16_t)v.low;
		break;
	case FLOW_FIELDS:
		break;
	}
}

struct flow flow_mirror(const struct flow *flow)
{
	struct flow mirror = *flow;

	memcpy(mirror.source, flow->destination, sizeof mirror.source);
	memcpy(mirror.destination, flow->source, sizeof mirror.destination);
	mirror.source_port = flow->destination_port;
	mirror.destination_port = flow->source_port;
	mirror.in_role = flow->out_role;
	mirror.out_role = flow->in_role;
	if (flow->direction != FLOW_FORWARD)
		mirror.direction = flow->direction == FLOW_IN ? FLOW_OUT : FLOW_IN;
	return mirror;
}

static int compare_intervals(const void *a, const void *b)
{
	const struct flow_interval *x = a;
	const struct flow_interval *y = b;

	return flow_value_compare(x->low, y->low);
}

static bool is_zero(struct flow_value v)
{
	return v.high == 0 && v.low == 0;
}

struct flow_intervals flow_intervals_join(
	enum flow_field field, struct flow_interval *list, size_t count)
{
	size_t kept = 0;

	qsort(list, count, sizeof *list, compare_intervals);
	for (size_t i = 1; i < count; i++) {
		struct flow_value after = flow_value_next(list[kept].high);

		/* `after` is 0 if the interval reaches the last of all values. */
		if (is_zero(after) || flow_value_compare(list[i].low, after) <= 0) {
			if (flow_value_compare(list[i].high, list[kept].high) > 0)
				list[kept].high = list[i].high;
		} else {
			list[++kept] = list[i];
		}
	}
	if (kept == 0 && is_zero(list[0].low) &&
		flow_value_compare(list[0].high, flow_field_last(field)) >= 0)
		return (struct flow_intervals){NULL, 0};
	return (struct flow_intervals){list, kept + 1};
}

static struct flow_value least(struct flow_value a, struct flow_value b)
{
	return flow_value_compare(a, b) <= 0 ? a : b;
}

static struct flow_value greatest(struct flow_value a, struct flow_value b)
{
	return flow_value_compare(a, b) >= 0 ? a : b;
}

enum err flow_intervals_intersect(struct arena *arena, struct flow_intervals a,
	struct flow_intervals b, struct flow_intervals *ret)
{
	struct flow_interval *list;
	size_t count = 0;

	if (a.count == 0 || b.count == 0) {
		*ret = a.count ? a : b;
		return E_OK;
	}
	/* Each step of the merge below leaves one of the two behind. */
	list = arena_calloc(arena, a.count + b.count, sizeof *list);
	if (!list)
		return E_MEMORY;
	for (size_t i = 0, j = 0; i < a.count && j < b.count;) {
		struct flow_interval both = {
			greatest(a.list[i].low, b.list[j].low),
			least(a.list[i].high, b.list[j].high),
		};

		if (flow_value_compare(both.low, both.high) <= 0)
			list[count++] = both;
		if (flow_value_compare(a.list[i].high, b.list[j].high) < 0)
			i++;
		else
			j++;
	}
	if (count == 0)
		return E_NOT_FOUND;
	*ret = (struct flow_intervals){list, count};
	return E_OK;
}

enum err flow_intervals_complement(struct arena *arena, enum flow_field field,
	struct flow_intervals a, struct flow_intervals *ret)
{
	struct flow_value last = flow_field_last(field);
	struct flow_value from = {0, 0};
	struct flow_interval *list;
	size_t count = 0;
	bool done = false;

	if (a.count == 0)
		return E_NOT_FOUND;
	list = arena_calloc(arena, a.count + 1, sizeof *list);
	if (!list)
		return E_MEMORY;
	for (size_t i = 0; i < a.count; i++) {
		if (flow_value_compare(from, a.list[i].low) < 0)
			list[count++] =
				(struct flow_interval){from, flow_value_previous(a.list[i].low)};
		done = flow_value_compare(a.list[i].high, last) >= 0;
		from = flow_value_next(a.list[i].high);
	}
	if (!done)
		list[count++] = (struct flow_interval){from, last};
	if (count == 0)
		return E_NOT_FOUND;
	*ret = (struct flow_intervals){list, count};
	return E_OK;
}

bool flow_intervals_contain(struct flow_intervals a, struct flow_value v)
{
	size_t low = 0;
	size_t high = a.count;

	if (a.count == 0)
		return true;
	/* The first interval that does not end before v. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (flow_value_compare(a.list[middle].high, v) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < a.count && flow_value_compare(a.list[low].low, v) <= 0;
}

/* Is every value of a, which is not "any", in b? */
static bool within(struct flow_intervals a, struct flow_intervals b)
{
	size_t j = 0;

	if (a.count == 0)
		return false;
	for (size_t i = 0; i < a.count; i++) {
		while (j < b.count && flow_value_compare(b.list[j].high, a.list[i].low) < 0)
			j++;
		if (j == b.count || flow_value_compare(b.list[j].low, a.list[i].low) > 0 ||
			flow_value_compare(b.list[j].high, a.list[i].high) < 0)
			return false;
	}
	return true;
}

static bool is_ipv4_interval(const struct flow_interval *i)
{
	return i->low.low == 0 && (i->low.high & UINT32_MAX) == 0 && i->high.low == UINT64_MAX &&
	       (i->high.high & UINT32_MAX) == UINT32_MAX;
}

static enum err check_field(enum flow_field field, struct flow_intervals a, struct error *error)
{
	for (size_t i = 0; i < a.count; i++) {
		if (flow_value_compare(a.list[i].low, a.list[i].high) > 0)
			return error_set(error, E_RANGE, "%s: interval %zu ends before it begins",
				flow_field_name(field), i + 1);
		if (flow_value_compare(a.list[i].high, flow_field_last(field)) > 0)
			return error_set(error, E_RANGE, "%s: interval %zu has too great a value",
				flow_field_name(field), i + 1);
		if (i > 0 && flow_value_compare(a.list[i].low, a.list[i - 1].high) <= 0)
			return error_set(error, E_CONFLICT,
				"%s: interval %zu is not behind the one before it",
				flow_field_name(field), i + 1);
	}
	return E_OK;
}

static enum err check_address(
	const struct flow_match *match, enum flow_field field, struct error *error)
{
	struct flow_intervals a = match->field[field];
	struct flow_intervals family = match->field[FLOW_FAMILY];

	if (a.count == 0)
		return E_OK;
	if (family.count != 1 || flow_value_compare(family.list[0].low, family.list[0].high) != 0)
		return error_set(
			error, E_CONFLICT, "%s without its family", flow_field_name(field));
	for (size_t i = 0; i < a.count; i++)
		if (family.list[0].low.low == FLOW_IPV4 && !is_ipv4_interval(&a.list[i]))
			return error_set(error, E_RANGE, "%s: interval %zu is not one of IPv4",
				flow_field_name(field), i + 1);
	return E_OK;
}

enum err flow_match_check(const struct flow_match *match, struct error *error)
{
	enum err err;

	for (enum flow_field field = 0; field < FLOW_FIELDS; field++) {
		err = check_field(field, match->field[field], error);
		if (err)
			return err;
	}
	err = check_address(match, FLOW_SOURCE, error);
	if (!err)
		err = check_address(match, FLOW_DESTINATION, error);
	if (err)
		return err;
	for (size_t i = 0; i < CONDITION_COUNT; i++) {
		const struct condition *c = &conditions[i];
		struct flow_intervals exists = {c->list, c->count};

		if (match->field[c->field].count && !within(match->field[c->on], exists))
			return error_set(error, E_CONFLICT, "%s for a %s that may have none",
				flow_field_name(c->field), flow_field_name(c->on));
	}
	return E_OK;
}

enum err flow_match_complete(struct arena *arena, struct flow_match *match)
{
	struct flow_match complete = *match;

	for (size_t i = 0; i < CONDITION_COUNT; i++) {
		const struct condition *c = &conditions[i];
		struct flow_intervals exists = {c->list, c->count};
		enum err err;

		if (!complete.field[c->field].count || within(complete.field[c->on], exists))
			continue;
		err = flow_intervals_intersect(
			arena, complete.field[c->on], exists, &complete.field[c->on]);
		if (err)
			return err;
	}
	*match = complete;
	return E_OK;
}

struct flow_match flow_match_mirror(const struct flow_match *match)
{
	struct flow_match mirror = *match;

	mirror.field[FLOW_SOURCE] = match->field[FLOW_DESTINATION];
	mirror.field[FLOW_DESTINATION] = match->field[FLOW_SOURCE];
	mirror.field[FLOW_SOURCE_PORT] = match->field[FLOW_DESTINATION_PORT];
	mirror.field[FLOW_DESTINATION_PORT] = match->field[FLOW_SOURCE_PORT];
	mirror.field[FLOW_IN_ROLE] = match->field[FLOW_OUT_ROLE];
	mirror.field[FLOW_OUT_ROLE] = match->field[FLOW_IN_ROLE];
	return mirror;
}

bool flow_match_contains(const struct flow_match *match, const struct flow *flow)
{
	for (enum flow_field field = 0; field < FLOW_FIELDS; field++)
		if (match->field[field].count &&
			!flow_intervals_contain(match->field[field], flow_get(flow, field)))
			return false;
	return true;
}

uint32_t flow_first_match(const struct flow_match *matches, size_t count, const struct flow *flow)
{
	for (size_t i = 0; i < count; i++)
		if (flow_match_contains(&matches[i], flow))
			return matches[i].number;
	return 0;
}
