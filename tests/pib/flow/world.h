/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the algebra share: a manager, an arena, and diagrams that must come out. */
#ifndef COPSEC_TESTS_PIB_FLOW_WORLD_H
#define COPSEC_TESTS_PIB_FLOW_WORLD_H

#include <stdio.h>

#include "pib/flow/sets.h"
#include "tests/pib/flow/random_flows.h"

static struct arena arena;
static struct flow_manager *manager;
static struct error error;

static void setup(void)
{
	arena_init(&arena, 1 << 26);
	manager = flow_manager_new(FLOW_NODES_DEFAULT);
	ck_assert_ptr_nonnull(manager);
}

static void teardown(void)
{
	flow_manager_free(manager);
	arena_fini(&arena);
}

/* Many cases in one test: a process for each would take longer than the cases. The seed of the one
 * that fails is the last that is printed; its diagrams are the only ones in the manager. */
static inline struct random start_round(int seed)
{
	struct random r = {(uint64_t)seed};

	fprintf(stderr, "seed %d\n", seed);
	teardown();
	setup();
	return r;
}

#define MUST(call) ck_assert_msg((call) == E_OK, "%s", error.text)

static inline flow_ref build(const struct flow_match *list, size_t count)
{
	flow_ref ref = FLOW_NOTHING;

	MUST(flow_build(manager, list, count, &ref, &error));
	return ref;
}

static inline struct flow_intervals one(uint64_t low, uint64_t high)
{
	struct flow_interval *list = arena_calloc(&arena, 1, sizeof *list);

	ck_assert_ptr_nonnull(list);
	*list = (struct flow_interval){{0, low}, {0, high}};
	return (struct flow_intervals){list, 1};
}

#endif
