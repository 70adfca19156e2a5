/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){.limit = limit};
}

void arena_reset(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	a->blocks = NULL;
	a->used = 0;
}

void arena_fini(struct arena *a)
{
	arena_reset(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b = a->blocks;
	void *p;

	if (size > a->limit - a->used)
		return NULL;
	if (size > SIZE_MAX - align - sizeof *b)
		return NULL;
	a->used += size;
	size = (size + align - 1) / align * align;

	if (!b || size > b->size - b->used) {
		size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;

		b = malloc(sizeof *b + room);
		if (!b)
			return NULL;
		b->used = 0;
		b->size = room;
		b->next = a->blocks;
		a->blocks = b;
	}
	p = b->data + b->used;
	b->used += size;
	memset(p, 0, size);
	return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(a, total);
}

struct view arena_copy(struct arena *a, struct view v)
{
	uint8_t *p;

	if (v.len == SIZE_MAX)
		return VIEW_NONE;
	p = arena_alloc(a, v.len + 1);
	if (!p)
		return VIEW_NONE;
	if (v.len)
		memcpy(p, v.data, v.len);
	return VIEW(p, v.len);
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t len = strlen(s) + 1;
	char *p = arena_alloc(a, len);

	return p ? memcpy(p, s, len) : NULL;
}
