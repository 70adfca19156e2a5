/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a bundle changes against the one before it, in the terms of what travels: sets and their
 * PRIs, assignments, documents. Neither is verified; names borrow from the bundles and the arena.
 */
#ifndef COPSEC_PMT_COMPILER_CHANGES_H
#define COPSEC_PMT_COMPILER_CHANGES_H

#include "pib/set/bundle.h"

enum change {
	CHANGE_NONE,    /* the same document */
	CHANGE_RENEWED, /* another document over the same contents */
	CHANGE_CONTENT,
	CHANGE_NEW,
	CHANGE_GONE,
};

struct set_change {
	struct view name;
	enum change change;
	uint64_t serial; /* of the set that is there, or that was */
	size_t pris;     /* that are there */
	size_t added, changed, removed;
};

struct node_change {
	struct view name;
	enum change change;
};

struct changes {
	struct set_change *sets; /* those that are there by block, then those that are gone */
	size_t set_count;
	struct node_change *nodes;
	size_t node_count;
	size_t documents; /* index, assignments, manifests */
	size_t signed_documents;
};

/* `previous` may be NULL: then everything is new. */
enum err changes_find(const struct bundle *bundle, const struct bundle *previous,
	struct arena *arena, struct changes *ret, struct error *e) MUST_USE;

#endif
