/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the algebra costs on rule lists of each shape: a diagram and its walk, the partition by
 * action, the product of two lists by the stricter action, the difference of two versions with what
 * a person reads of it, the rules that are not needed, and a question about one region.
 *
 *   bench-flow [rules [node-limit]]
 *
 * Each line says seconds of processor time, for the machine may have other work; the nodes that were
 * made; the octets that the operation had at its peak above those that were there before; and those
 * that it left. Each shape has a process of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pib/flow/lists.h"
#include "pib/flow/sets.h"
#include "tests/bench/heap.h"
#include "tests/bench/shapes.h"

enum {
	ACTIONS = 4, /* the numbers are their strictness */
	BOXES = 100,
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint32_t action_of(void *context, uint32_t rule)
{
	(void)context;
	return rule ? rule * 2654435761u >> 30 : ACTIONS - 1;
}

static uint32_t stricter(void *context, uint32_t a, uint32_t b)
{
	const uint32_t *rules = context;

	if (a && (!b || action_of(NULL, a) >= action_of(NULL, b)))
		return a;
	return b ? *rules + b : 0;
}

struct world {
	struct arena arena;
	struct flow_manager *m;
	struct error error;
	size_t rules;
	double start;
	size_t nodes, octets; /* when it began */
};

static struct flow_match *make_list(
	struct world *w, const struct shape *shape, uint64_t seed, size_t count)
{
	struct flow_match *list = arena_calloc(&w->arena, count + 1, sizeof *list);
	struct random r = {seed};

	if (!list) {
		fprintf(stderr, "bench-flow: out of memory\n");
		exit(1);
	}
	for (size_t i = 0; i < count; i++) {
		list[i].number = (uint32_t)i + 1;
		shape->make(&r, &w->arena, &list[i]);
	}
	return list;
}

static void begin(struct world *w)
{
	w->nodes = flow_manager_nodes(w->m);
	w->octets = heap_now();
	heap_peak_reset();
	w->start = seconds();
}

/* One line of the table; without success it ends the shape. */
static void report(const struct world *w, const char *what, enum err err)
{
	double taken = seconds() - w->start;
	size_t now = heap_now(), left = now > w->octets ? now - w->octets : 0;

	printf("  %-40s %7.3f s %8zu nodes %10zu octets at most, %10zu left\n", what, taken,
		flow_manager_nodes(w->m) - w->nodes, heap_peak() - w->octets, left);
	if (err) {
		printf("  %s\n", w->error.text);
		fflush(stdout);
		_exit(0);
	}
}

/* Every hundredth rule speaks of another service. */
static struct flow_match *next_version(
	struct world *w, const struct shape *shape, const struct flow_match *list)
{
	struct flow_match *next = make_list(w, shape, 3, w->rules);

	for (size_t i = 0; i < w->rules; i++) {
		struct flow_match other = next[i];

		next[i] = list[i];
		if (i % 100 == 0) {
			next[i].field[FLOW_DESTINATION_PORT] = other.field[FLOW_DESTINATION_PORT];
			next[i].field[FLOW_PROTOCOL] = other.field[FLOW_PROTOCOL];
		}
	}
	return next;
}

static void run_changes(struct world *w, flow_ref before, const struct flow_match *after_list)
{
	struct flow_changes changes;
	flow_ref after, set = FLOWS_NONE;
	size_t boxes = 0;
	enum err err;

	begin(w);
	err = flow_build(w->m, after_list, w->rules, &after, &w->error);
	if (!err)
		err = flow_map(w->m, after, action_of, NULL, &after, &w->error);
	report(w, "second version", err);
	begin(w);
	err = flow_changes(w->m, before, after, &w->arena, &changes, &w->error);
	report(w, "difference of two versions", err);
	begin(w);
	for (size_t i = 0; i < changes.count && !err; i++) {
		struct flow_match *list;
		struct flow sample;
		size_t count = 0;
		bool more;

		err = flows_with_number(w->m, changes.diagram, (uint32_t)i + 1, &set, &w->error);
		if (!err)
			err = flows_boxes(
				w->m, set, BOXES, &w->arena, &list, &count, &more, &w->error);
		if (!err)
			err = flows_sample(w->m, set, &sample);
		boxes += count;
	}
	report(w, "its boxes and samples", err);
	printf("  (%zu kinds of change, %zu boxes)\n", changes.count, boxes);
}

static void run_region(struct world *w, const struct flow_match *list)
{
	static const uint8_t network[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct flow_interval six = {{0, FLOW_IPV6}, {0, FLOW_IPV6}};
	struct flow_interval source = flow_prefix(FLOW_IPV6, network, 60);
	struct flow_match region = {.number = 1};
	struct flow_match *kept;
	flow_ref diagram;
	size_t count;
	enum err err;

	region.field[FLOW_FAMILY] = (struct flow_intervals){&six, 1};
	region.field[FLOW_SOURCE] = (struct flow_intervals){&source, 1};
	begin(w);
	err = flow_restrict_matches(&w->arena, list, w->rules, &region, &kept, &count);
	if (!err)
		err = flow_build(w->m, kept, count, &diagram, &w->error);
	report(w, "the same list, restricted to a /60", err);
}

static void run_product(
	struct world *w, const struct flow_match *first, const struct flow_match *second)
{
	uint32_t first_rules = (uint32_t)w->rules;
	flow_ref a = FLOW_NOTHING, b = FLOW_NOTHING, product;
	enum err err;

	flow_manager_free(w->m);
	w->m = flow_manager_new(FLOW_NODES_TOOL);
	begin(w);
	err = flow_build(w->m, first, w->rules, &a, &w->error);
	if (!err)
		err = flow_build(w->m, second, w->rules, &b, &w->error);
	report(w, "two lists", err);
	begin(w);
	report(w, "their product by the stricter action",
		flow_combine(w->m, a, b, stricter, &first_rules, &product, &w->error));
}

static void run(const struct shape *shape, size_t rules, size_t limit)
{
	struct world w = {.m = flow_manager_new(limit), .rules = rules};
	struct flow_match *first, *second;
	struct flow_walk walk = {0};
	flow_ref a, actions, needed;

	arena_init(&w.arena, SIZE_MAX);
	first = make_list(&w, shape, 1, rules);
	second = make_list(&w, shape, 2, rules);
	printf("%s, %zu rules\n", shape->name, rules);
	begin(&w);
	report(&w, "diagram", flow_build(w.m, first, rules, &a, &w.error));
	begin(&w);
	report(&w, "walk", flow_walk_init(&walk, w.m, a));
	flow_walk_fini(&walk);
	begin(&w);
	report(&w, "partition by action", flow_map(w.m, a, action_of, NULL, &actions, &w.error));
	run_region(&w, first);
	run_changes(&w, actions, next_version(&w, shape, first));
	begin(&w);
	report(&w, "rules that are needed",
		flow_build_needed(w.m, first, rules, action_of, NULL, &needed, &w.error));
	run_product(&w, first, second);
	flow_manager_free(w.m);
	arena_fini(&w.arena);
}

int main(int argc, char **argv)
{
	size_t rules = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	size_t limit = argc > 2 ? strtoul(argv[2], NULL, 10) : FLOW_NODES_DEFAULT;
	int status = 0;

	for (const struct shape *shape = shapes; shape->name; shape++) {
		fflush(stdout);
		if (fork() == 0) {
			run(shape, rules, limit);
			fflush(stdout);
			_exit(0);
		}
		wait(&status);
		if (status)
			return 1;
	}
	return 0;
}
