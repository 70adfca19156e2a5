/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bundle before the one that is compiled: what nodes have, and what shall stay.
 *
 * Of a document whose content comes out the same, serial and time of validity are those of before,
 * and so are its signatures: a node sees that nothing has changed, and nobody has to vouch for it
 * again. A set's manifest is made anew all the same when less than half of the time is left that
 * the new bundle is to be valid for, or when it would be valid for longer than that.
 *
 * Everything borrows from the bundle and the arena.
 */
#ifndef COPSEC_PMT_COMPILER_PREVIOUS_H
#define COPSEC_PMT_COMPILER_PREVIOUS_H

#include "pib/set/bundle.h"

struct previous {
	const struct bundle *bundle; /* NULL: there is none, and nothing in here */
	struct set_index index;
	struct manifest *manifests;     /* of the bundle's sets */
	struct assignment *assignments; /* of the bundle's assignments */
	uint64_t serial;                /* the greatest in it */
};

/* The documents as they claim to be. E_MISMATCH for another tenant. */
enum err previous_read(struct previous *p, const struct bundle *bundle, const char *tenant,
	struct arena *arena, struct error *e) MUST_USE;

enum { PREVIOUS_NONE = SIZE_MAX };

/* Which set, or which assignment, has this name; PREVIOUS_NONE if none has. */
size_t previous_set(const struct previous *p, struct view name);
size_t previous_assignment(const struct previous *p, struct view node);

/* Whether a set's time of validity can stay when the new one would be from `not_before` to
 * `not_after`. */
bool previous_is_valid(const struct manifest *m, uint64_t not_before, uint64_t not_after);

#endif
