/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a rule list takes to become a diagram, in three shapes:
 *   host      the rules of one host: 16 networks, many services
 *   network   the rules of one role of a big network: 1,000 networks talking to each other
 *   hostile   wide ranges that overlap in every field; here a clear error is an answer too
 *
 *   bench-flow [rules [node-limit]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "pib/flow/diagram.h"

struct random {
	uint64_t state;
};

static uint32_t below(struct random *r, uint32_t bound)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33) % bound;
}

static struct flow_interval *interval(struct arena *arena)
{
	struct flow_interval *i = arena_calloc(arena, 1, sizeof *i);

	if (!i) {
		fprintf(stderr, "bench-flow: out of memory\n");
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
	if (below(r, 8))
		network(arena, m, FLOW_SOURCE, below(r, 16));
	service(arena, m, below(r, 20000));
}

static void between(struct random *r, struct arena *arena, struct flow_match *m)
{
	if (below(r, 50))
		network(arena, m, FLOW_SOURCE, below(r, 1000));
	if (below(r, 50))
		network(arena, m, FLOW_DESTINATION, below(r, 1000));
	service(arena, m, below(r, 200));
}

static void any_range(struct random *r, struct arena *arena, struct flow_match *m,
	enum flow_field field, uint32_t last)
{
	uint32_t a = below(r, last);
	uint32_t b = below(r, last);

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

static const struct shape {
	const char *name;
	void (*make)(struct random *r, struct arena *arena, struct flow_match *m);
} shapes[] = {{"host", host}, {"network", between}, {"hostile", hostile}};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run(const struct shape *shape, size_t rules, size_t limit)
{
	struct random r = {1};
	struct arena arena;
	struct flow_match *matches = calloc(rules, sizeof *matches);
	struct flow_manager *m = flow_manager_new(limit);
	struct flow_walk walk = {0};
	struct error error = {0};
	flow_ref ref = FLOW_NOTHING;
	struct rusage usage;
	double start, built, walked;
	enum err err;

	arena_init(&arena, 1u << 30);
	if (!matches || !m) {
		fprintf(stderr, "bench-flow: out of memory\n");
		exit(1);
	}
	for (size_t i = 0; i < rules; i++) {
		matches[i].number = (uint32_t)i + 1;
		shape->make(&r, &arena, &matches[i]);
	}
	start = seconds();
	err = flow_build(m, matches, rules, &ref, &error);
	built = seconds();
	if (!err)
		err = flow_walk_init(&walk, m, ref);
	walked = seconds();
	getrusage(RUSAGE_SELF, &usage);
	printf("%-8s %zu rules: build %.3f s, walk %.3f s, %zu nodes, %zu edges, %ld KiB at most\n",
		shape->name, rules, built - start, walked - built, walk.node_count, walk.edge_count,
		usage.ru_maxrss);
	if (err)
		printf("         %s\n", error.text);
	flow_walk_fini(&walk);
	flow_manager_free(m);
	arena_fini(&arena);
	free(matches);
}

int main(int argc, char **argv)
{
	size_t rules = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	size_t limit = argc > 2 ? strtoul(argv[2], NULL, 10) : FLOW_NODES_DEFAULT;

	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		run(&shapes[i], rules, limit);
	return 0;
}
