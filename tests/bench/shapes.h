/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rule lists to measure with, in three shapes:
 *   host      the rules of one host: 16 networks, many services
 *   network   the rules of one role of a big network: 1,000 networks talking to each other
 *   hostile   wide ranges that overlap in every field; here a clear error is an answer too
 *
 * The same seed gives the same list. Who runs out of memory here, exits.
 */
#ifndef COPSEC_TESTS_BENCH_SHAPES_H
#define COPSEC_TESTS_BENCH_SHAPES_H

#include "common/base/arena.h"
#include "pib/flow/flow.h"

struct random {
	uint64_t state;
};

uint32_t random_below(struct random *r, uint32_t bound);

struct shape {
	const char *name;
	/* The match of one rule, but for its number. */
	void (*make)(struct random *r, struct arena *arena, struct flow_match *m);
};
extern const struct shape shapes[]; /* the last one has no name */

#endif
