/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The serials below which nothing is accepted any more: of the index, of this node's assignment and
 * of every set that was ever in force; of other authorities, of their indexes and delegations; with the tenant they are of, and the newest not-before, below
 * which time does not fall. They only rise. They lie in a file of their own, so that a stored policy
 * which cannot be read opens no way back to an older one.
 *
 * The file: "COPSECF1", index and time (8 octets each), then entries {kind: 1 octet, length of the
 * name: 1, name, serial: 8}, the kind of another authority's with its number in the upper four bits, then the SHA-256 of all that. What differs by an octet is no such file.
 * A value; names are owned by it.
 */
#ifndef COPSEC_PEP_ENFORCE_FLOORS_H
#define COPSEC_PEP_ENFORCE_FLOORS_H

#include "pib/set/state.h"

enum {
	/* Sets; when there were more, those that are no longer in force are forgotten. */
	FLOORS_SETS_MAX = 2 * COMPLIANCE_SETS_MAX,
	/* Other authorities, by what they are called; the same is true of them. */
	FLOORS_VOICES_MAX = 64,
	FLOORS_FILE_MAX =
		32 + (FLOORS_SETS_MAX + 2 * FLOORS_VOICES_MAX + 2) * (SET_NAME_MAX + 10) + 32,
};

struct floors {
	uint64_t index; /* 0: nothing was ever accepted */
	uint64_t time;  /* seconds since 1970 */
	struct serial_floor tenant;     /* its name; the serial means nothing */
	struct serial_floor assignment; /* by PEPID; no name: none yet */
	struct serial_floor sets[FLOORS_SETS_MAX];
	size_t set_count;
	struct voice_floor voices[FLOORS_VOICES_MAX];
	size_t voice_count;
};

struct floors *floors_new(void);
/* Takes NULL, returns NULL. */
struct floors *floors_free(struct floors *f);

/* Into new ones: what `from` says, raised to what the state says. */
enum err floors_merge(struct floors *to, const struct floors *from, const struct state *state,
                      struct error *e) MUST_USE;
/* E_MEMORY, and then they are as before. */
enum err floors_raise(struct floors *f, const struct state *state, struct error *e) MUST_USE;
struct serial_floors floors_serials(const struct floors *f);

void floors_put(const struct floors *f, struct buffer *out);
/* In place of what is there, which stays if it fails. */
enum err floors_read(struct floors *f, struct view file, struct error *e) MUST_USE;

#endif
