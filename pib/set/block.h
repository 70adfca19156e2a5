/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A policy set owns a block of InstanceIds, and of TagIds: 4 bits authority (its number minus 1, so
 * home is 0), 8 bits number of the set, 20 bits instance, from 1. The block is written as its first
 * value, instance 0. The set's copsecPolicySet row has instance 1 of the block.
 */
#ifndef COPSEC_PIB_SET_BLOCK_H
#define COPSEC_PIB_SET_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum authority { /* the numbers of copsecManifestAuthority */
	AUTHORITY_HOME = 1,
	AUTHORITY_OPERATOR,
	AUTHORITY_VISITED,
	AUTHORITY_RESPONDER,
	AUTHORITY_DIRECTORY,
	AUTHORITY_LOCAL,
};

enum {
	BLOCK_AUTHORITY_SHIFT = 28,
	BLOCK_SET_SHIFT = 20,
	BLOCK_SETS_MAX = 256, /* of one authority */
	BLOCK_INSTANCE_MAX = (1 << BLOCK_SET_SHIFT) - 1,
};

/* "home" ...; "authority 9" is "unknown". */
const char *authority_name(enum authority a);

static inline uint32_t block_of(enum authority a, uint32_t set)
{
	return (uint32_t)(a - 1) << BLOCK_AUTHORITY_SHIFT | set << BLOCK_SET_SHIFT;
}

/* The block that an InstanceId or TagId belongs to. */
static inline uint32_t block_with(uint32_t id)
{
	return id & ~(uint32_t)BLOCK_INSTANCE_MAX;
}

static inline uint32_t block_last(uint32_t block)
{
	return block | BLOCK_INSTANCE_MAX;
}

static inline enum authority block_authority(uint32_t block)
{
	return (enum authority)((block >> BLOCK_AUTHORITY_SHIFT) + 1);
}

static inline uint32_t block_policy_set_instance(uint32_t block)
{
	return block + 1;
}

#endif
