/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/heap.h"

#include <malloc.h>

/* Names that --wrap gives. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void __wrap_free(void *p);

static size_t now, peak;

static void *came(void *p)
{
	now += malloc_usable_size(p);
	if (now > peak)
		peak = now;
	return p;
}

void *__wrap_malloc(size_t size)
{
	return came(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return came(__real_calloc(count, size));
}

/* While it is moved both are there; the kernel may spare that, and then the peak is said too high. */
static void *moved(size_t before, void *new)
{
	if (!new)
		return NULL;
	came(new);
	now -= before;
	return new;
}

void *__wrap_realloc(void *old, size_t size)
{
	size_t before = malloc_usable_size(old);

	return moved(before, __real_realloc(old, size));
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	size_t before = malloc_usable_size(old);

	return moved(before, __real_reallocarray(old, count, size));
}

void __wrap_free(void *p)
{
	now -= malloc_usable_size(p);
	__real_free(p);
}

size_t heap_now(void)
{
	return now;
}

size_t heap_peak(void)
{
	return peak;
}

void heap_peak_reset(void)
{
	peak = now;
}
