/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Repeatable random numbers (xorshift64*); a test prints its seed when it starts. */
#ifndef COPSEC_TESTS_PIB_SCHEMA_RANDOM_H
#define COPSEC_TESTS_PIB_SCHEMA_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state; /* not 0 */
};

static inline uint64_t random_u64(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 .. bound - 1 */
static inline uint64_t random_below(struct random *r, uint64_t bound)
{
	return random_u64(r) % bound;
}

/* Of every magnitude, so that each length of an encoding comes up. */
static inline uint64_t random_magnitude(struct random *r)
{
	return random_u64(r) >> random_below(r, 64);
}

#endif
