/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table from names to what they were given to, in an arena. It knows beforehand how many names
 * will come at most. Names are borrowed.
 */
#ifndef COPSEC_PMT_LANGUAGE_NAMES_H
#define COPSEC_PMT_LANGUAGE_NAMES_H

#include "pmt/language/diagnostics.h"

struct named {
	const char *name; /* NULL: free */
	struct place at;
	unsigned kind;
	void *object; /* NULL: defined, but wrongly */
};

struct names {
	struct named *slots;
	size_t size; /* a power of two, more than twice the names */
	size_t count;
};

enum err names_init(struct names *n, struct arena *arena, size_t most) MUST_USE;
/* NULL if there is none. */
struct named *names_find(const struct names *n, struct view name);
/* The one of this name, a new one if there is none. */
struct named *names_add(struct names *n, const char *name);
/* The name most like this one, if one is like it at all; else NULL. `kinds`: bit k for kind k. */
const char *names_near(const struct names *n, struct view name, unsigned kinds);

#endif
