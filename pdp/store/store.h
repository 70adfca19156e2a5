/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a decision point remembers: what is published, what every node reported, and the trail of
 * all manifests that were ever published.
 *
 * Octets are kept as they came and are never encoded again: the nodes verify them, so a store that
 * was tampered with can withhold policy but not change it. Each function is one transaction, on
 * disk when it returns E_OK; after any failure nothing of it is. What is loaded lives in the
 * caller's arena.
 */
#ifndef COPSEC_PDP_STORE_STORE_H
#define COPSEC_PDP_STORE_STORE_H

#include "common/base/arena.h"

struct store;

enum { STORE_EARLIER_MAX = 4 }; /* publications that are kept besides the newest */

/* One signed object with what belongs to it, as S-objects (RFC 3084 §4), ready for a decision. */
struct store_item {
	const char *name;   /* set name, or PEPID for an assignment */
	uint64_t serial;
	struct view octets;
};

/* Which nodes try a publication; the others keep the one before it. */
struct store_trial {
	bool on;
	uint32_t share;    /* of the nodes, in percent; 0: `roles` say which */
	const char *roles; /* a combination; "" with a share */
};

struct store_publication {
	uint64_t serial;          /* of the index; 0 if nothing was ever published */
	uint64_t published;       /* seconds since 1970 UTC */
	const char *publisher;    /* pin of the key that brought it */
	struct store_trial trial; /* of the newest; never of an earlier one */
	struct view index;        /* copsecIndex as S-objects */
	const struct store_item *assignments; /* their order is kept, as that of the sets */
	size_t assignment_count;
	const struct store_item *sets;
	size_t set_count;
};

/* The last word of a node. */
struct store_report {
	const char *node;
	uint64_t time;          /* seconds since 1970 UTC, of the newest report */
	uint64_t serial;        /* index serial in force; 0 if none */
	uint64_t since;         /* when that serial was first reported */
	bool success;           /* of the newest report */
	const char *text;       /* of a failure: what and why */
	uint64_t guests;        /* serials of other authorities' indexes; not kept in the store */
};

/* Creates the database if there is none, with mode 0600, and brings an older one up to date.
 * E_VERSION if a newer program wrote it. */
enum err store_open(const char *path, struct store **ret_store, struct error *error) MUST_USE;
struct store *store_close(struct store *store);

enum err store_publish(struct store *store, const struct store_publication *publication,
	struct error *error) MUST_USE;
/* The newest publication is tried no longer, but there for all. */
enum err store_promote(struct store *store, struct error *error) MUST_USE;
/* A store in which nothing was published gives a publication with serial 0. */
enum err store_load(struct store *store, struct arena *arena,
	struct store_publication *ret_publication, struct error *error) MUST_USE;
/* The one that was `age` publications before the newest; serial 0 if it is not kept. */
enum err store_load_earlier(struct store *store, unsigned age, struct arena *arena,
	struct store_publication *ret_publication, struct error *error) MUST_USE;

/* The newest bundle of an authority besides home. */
struct store_guest {
	unsigned authority;    /* its number in COPSEC-PIB */
	const char *name;      /* of the authority, for the trail */
	uint64_t serial;       /* of its index */
	uint64_t published;    /* seconds since 1970 UTC */
	const char *publisher; /* pin of the key that brought it */
	struct view octets;    /* all of it as S-objects */
};
enum err store_put_guest(
	struct store *store, const struct store_guest *guest, struct error *error) MUST_USE;
enum err store_load_guests(struct store *store, struct arena *arena,
	struct store_guest **ret_guests, size_t *ret_count, struct error *error) MUST_USE;

/* All or none of them. */
enum err store_put_reports(struct store *store, const struct store_report *const *reports,
	size_t count, struct error *error) MUST_USE;
enum err store_load_reports(struct store *store, struct arena *arena,
	struct store_report **ret_reports, size_t *ret_count, struct error *error) MUST_USE;

#endif
