/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that is released all at once. A decoded message, a parsed policy or a plan owns one arena;
 * whatever was allocated from it lives exactly as long. The limit bounds what a peer can make grow.
 */
#ifndef COPSEC_COMMON_BASE_ARENA_H
#define COPSEC_COMMON_BASE_ARENA_H

#include "common/base/bytes.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;  /* octets handed out */
	size_t limit; /* of them, at most */
};

void arena_init(struct arena *a, size_t limit);
void arena_fini(struct arena *a);
/* Releases all, keeps the arena usable. */
void arena_reset(struct arena *a);

/* Zeroed and aligned for any type; NULL when memory or the limit is exhausted. */
void *arena_alloc(struct arena *a, size_t size);
/* As calloc: NULL too when count * size overflows. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* A copy with a NUL behind it that is not counted; data is NULL on failure. */
struct view arena_copy(struct arena *a, struct view v);
char *arena_strdup(struct arena *a, const char *s);

#endif
