/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/shapes.h"

#include <stdio.h>
#include <stdlib.h>

uint32_t random_below(struct random *r, uint32_t bound)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33) % bound;
}

static struct flow_interval *interval(struct arena *arena)
{
	struct flow_interval *i = arena_calloc(arena, 1, sizeof *i);

	if (!i) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return i;
}

static void narrow(struct arena *arena, struct flow_match *m, enum flow_field field, uint64_t low,
	uint64_t high)
{
	struct flow_interval *i = interval(arena);

	*i = (struct flow_interval){{0, low}, {0, high}};
	m->field[field] = (struct flow_intervals){i, 1};
}

/* Network n of a plan of nested prefixes: each 16th is the /48 that the others are /64s of. */
static void network(struct arena *arena, struct flow_match *m, enum flow_field field, uint32_t n)
{
	uint8_t octets[16] = {
		0x20, 0x01, 0x0d, 0xb8, (uint8_t)(n >> 12), (uint8_t)(n >> 4), (uint8_t)(n % 16)};
	struct flow_interval *i = interval(arena);

	*i = flow_prefix(FLOW_IPV6, octets, n % 16 ? 64 : 48);
	m->field[field] = (struct flow_intervals){i, 1};
	narrow(arena, m, FLOW_FAMILY, FLOW_IPV6, FLOW_IPV6);
}

static void service(struct arena *arena, struct flow_match *m, uint32_t n)
{
	uint32_t port = n % 20000 + 1;

	narrow(arena, m, FLOW_PROTOCOL, n & 1 ? 17 : 6, n & 1 ? 17 : 6);
	narrow(arena, m, FLOW_DESTINATION_PORT, port, n % 7 ? port : port + 9);
}

static void host(struct random *r, struct arena *arena, struct flow_match *m)
{
	if (random_below(r, 8))
		network(arena, m, FLOW_SOURCE, random_below(r, 16));
	service(arena, m, random_below(r, 20000));
}

static void between(struct random *r, struct arena *arena, struct flow_match *m)
{
	if (random_below(r, 50))
		network(arena, m, FLOW_SOURCE, random_below(r, 1000));
	if (random_below(r, 50))
		network(arena, m, FLOW_DESTINATION, random_below(r, 1000));
	service(arena, m, random_below(r, 200));
}

static void any_range(struct random *r, struct arena *arena, struct flow_match *m,
	enum flow_field field, uint32_t last)
{
	uint32_t a = random_below(r, last);
	uint32_t b = random_below(r, last);

	narrow(arena, m, field, a < b ? a : b, a < b ? b : a);
}

static void hostile(struct random *r, struct arena *arena, struct flow_match *m)
{
	narrow(arena, m, FLOW_FAMILY, FLOW_IPV6, FLOW_IPV6);
	any_range(r, arena, m, FLOW_SOURCE, 1u << 30);
	any_range(r, arena, m, FLOW_DESTINATION, 1u << 30);
	narrow(arena, m, FLOW_PROTOCOL, 6, 6);
	any_range(r, arena, m, FLOW_DESTINATION_PORT, 65535);
	any_range(r, arena, m, FLOW_SOURCE_PORT, 65535);
}

const struct shape shapes[] = {
	{"host", host}, {"network", between}, {"hostile", hostile}, {NULL, NULL}};
