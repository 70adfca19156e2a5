/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a rule list takes to become a diagram, in each shape.
 *
 *   bench-flow [rules [node-limit]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "pib/flow/diagram.h"
#include "tests/bench/shapes.h"

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

	for (const struct shape *shape = shapes; shape->name; shape++)
		run(shape, rules, limit);
	return 0;
}
