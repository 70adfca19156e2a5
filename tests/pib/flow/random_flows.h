/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random well-formed matches that overlap a lot, and flows at and around their borders. */
#ifndef COPSEC_TESTS_PIB_FLOW_RANDOM_FLOWS_H
#define COPSEC_TESTS_PIB_FLOW_RANDOM_FLOWS_H

#include <check.h>
#include <stdint.h>

#include "pib/flow/flow.h"

struct random {
	uint64_t state;
};

static inline uint32_t random_below(struct random *r, uint32_t bound)
{
	/* Knuth's MMIX constants. */
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33) % bound;
}

static inline struct flow_interval random_prefix(struct random *r, enum flow_family family)
{
	/* Few different octets, so that prefixes nest. */
	uint8_t octets[16] = {10};
	size_t len = family == FLOW_IPV4 ? 4 : 16;

	for (size_t i = 1; i < len; i++)
		octets[i] = (uint8_t)(random_below(r, 3) * 100);
	return flow_prefix(family, octets, random_below(r, (uint32_t)len * 8 + 1));
}

static inline struct flow_interval random_interval(
	struct random *r, enum flow_field field, enum flow_family family)
{
	uint32_t last = (uint32_t)flow_field_last(field).low;
	uint32_t low = random_below(r, 4) ? random_below(r, 12) : random_below(r, last);
	uint32_t width = random_below(r, 3) ? random_below(r, 3) : random_below(r, last);

	if (field == FLOW_SOURCE || field == FLOW_DESTINATION)
		return random_prefix(r, family);
	if (low > last)
		low = last;
	if (width > last - low)
		width = last - low;
	return (struct flow_interval){{0, low}, {0, low + width}};
}

/* Narrows some fields; false if no flow is left. */
static inline bool random_match(
	struct random *r, struct arena *arena, uint32_t number, struct flow_match *ret)
{
	static const uint8_t protocols[] = {6, 17, 1, 58, 47, 132};
	struct flow_match match = {.number = number};
	enum flow_family family = random_below(r, 2) ? FLOW_IPV6 : FLOW_IPV4;

	for (enum flow_field field = FLOW_SOURCE; field < FLOW_FIELDS; field++) {
		size_t count = 1 + random_below(r, 3);
		struct flow_interval *list;

		if (random_below(r, 3))
			continue;
		list = arena_calloc(arena, count, sizeof *list);
		ck_assert_ptr_nonnull(list);
		for (size_t i = 0; i < count; i++) {
			list[i] = random_interval(r, field, family);
			if (field == FLOW_PROTOCOL && random_below(r, 8))
				list[i].low = list[i].high =
					FLOW_VALUE(protocols[random_below(r, 6)]);
		}
		match.field[field] = flow_intervals_join(field, list, count);
	}
	if (match.field[FLOW_SOURCE].count || match.field[FLOW_DESTINATION].count ||
		random_below(r, 2)) {
		struct flow_interval *list = arena_calloc(arena, 1, sizeof *list);

		ck_assert_ptr_nonnull(list);
		list->low = list->high = FLOW_VALUE(family);
		match.field[FLOW_FAMILY] = (struct flow_intervals){list, 1};
	}
	*ret = match;
	return flow_match_complete(arena, ret) == E_OK;
}

static inline size_t random_matches(
	struct random *r, struct arena *arena, struct flow_match *matches, size_t most)
{
	size_t wanted = 1 + random_below(r, (uint32_t)most);
	size_t count = 0;

	while (count < wanted)
		if (random_match(r, arena, (uint32_t)count + 1, &matches[count]))
			count++;
	return count;
}

/* Each field is an end of some match's interval, a neighbour of one, or anything. */
static inline struct flow random_flow(
	struct random *r, const struct flow_match *matches, size_t count)
{
	struct flow flow = {0};

	for (enum flow_field field = 0; field < FLOW_FIELDS; field++) {
		struct flow_intervals a = matches[random_below(r, (uint32_t)count)].field[field];
		struct flow_value last = flow_field_last(field);
		struct flow_value v = {0, 0};

		if (a.count && random_below(r, 8)) {
			const struct flow_interval *i = &a.list[random_below(r, (uint32_t)a.count)];

			v = random_below(r, 2) ? i->low : i->high;
			if (!random_below(r, 3))
				v = random_below(r, 2) ? flow_value_next(v)
						       : flow_value_previous(v);
		} else {
			v.high = (uint64_t)random_below(r, 1u << 30) << 34;
			v.low = random_below(r, 1u << 30);
			v.low %= last.low == UINT64_MAX ? UINT64_MAX : last.low + 1;
		}
		v.high &= last.high;
		v.low &= last.low == FLOW_FORWARD ? 3 : last.low;
		if (flow_value_compare(v, last) > 0)
			v = last;
		flow_set(&flow, field, v);
	}
	/* An IPv4 address has four octets. */
	if (flow.family == FLOW_IPV4)
		for (size_t i = 4; i < 16; i++)
			flow.source[i] = flow.destination[i] = 0;
	return flow;
}

#endif
