/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys of the Integrity object (RFC 2748 sections 2.2.16 and 4.2): shared secrets, each with an
 * id, the peer it is shared with, an algorithm and a lifetime.
 *
 * They lie in a file that nobody but owner and group can read, a key a line:
 *
 *	# id  peer   algorithm        from                  until                 secret
 *	1     alice  hmac-sha256-96   -                     2027-01-31T00:00:00Z  6f1d...
 *	2     alice  hmac-sha256-96   2027-01-24T00:00:00Z  -                     9b02...
 *
 * At a PDP the peer is a PEPID, for an id is relative to it; at a PEP it is a PDP's address, or
 * `any`. `-` leaves the lifetime open on that side; times are UTC. The secret is hexadecimal.
 *
 * Lifetimes are meant to overlap: who sends takes the next key from the middle of the overlap on,
 * who receives takes every key within its lifetime. So keys are changed under running sessions.
 */
#ifndef COPSEC_COMMON_INTEGRITY_KEYS_H
#define COPSEC_COMMON_INTEGRITY_KEYS_H

#include "common/base/bytes.h"

enum {
	INTEGRITY_KEYS_MAX = 100000,           /* in a file */
	INTEGRITY_FILE_MAX = 32 * 1024 * 1024, /* octets of it */
	INTEGRITY_PEER_MAX = 255,              /* octets of a peer's name */
	INTEGRITY_SECRET_MIN = 16,             /* octets */
	INTEGRITY_SECRET_MAX = 64,             /* a block of both digests; longer is hashed first */
};

enum integrity_algorithm {
	INTEGRITY_HMAC_SHA256_96, /* what we advise */
	INTEGRITY_HMAC_MD5_96,    /* what every implementation has */
};
const char *integrity_algorithm_name(enum integrity_algorithm a);

struct integrity_key {
	uint32_t id;
	enum integrity_algorithm algorithm;
	char *peer;           /* "any": whoever it is */
	uint64_t from, until; /* seconds since 1970; valid from the one until before the other */
	uint8_t secret[INTEGRITY_SECRET_MAX];
	size_t secret_len;
	/* The highest sequence number that was used under it, so that none comes twice. */
	uint32_t used;
	bool was_used;
};

enum integrity_end { INTEGRITY_PEP, INTEGRITY_PDP };

/* Sorted by peer and id. Shared by all sessions of a program, which mark what they use. */
struct integrity_keys {
	struct integrity_key *items;
	size_t count;
};

/* Every wrong line is a message, `path:line: error: text`; E_SYNTAX if there are any. */
enum err integrity_keys_parse(const char *path, struct view text, enum integrity_end end,
			      struct integrity_keys **ret_keys, struct buffer *messages) MUST_USE;
enum err integrity_keys_load(const char *path, enum integrity_end end,
			     struct integrity_keys **ret_keys, struct buffer *messages) MUST_USE;
/* Wipes the secrets. Takes NULL. */
void integrity_keys_free(struct integrity_keys *k);

/* The key with this id that is shared with the peer, within its lifetime; NULL if there is none. */
struct integrity_key *integrity_keys_find(const struct integrity_keys *k, struct view peer,
					  uint32_t id, uint64_t utc);
/* The key to send with, NULL if none is valid. */
struct integrity_key *integrity_keys_current(const struct integrity_keys *k, struct view peer,
					     uint64_t utc);

#endif
