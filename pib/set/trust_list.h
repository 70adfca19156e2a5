/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trust list: which keys may sign for an authority, what, and how many of them it takes; and
 * which keys count for nothing any more. A document as the others (documents.h), so that signers
 * can be changed from afar: the next list is signed under the present one and names it, which makes
 * a chain that nobody can leave a list out of. It begins with the certificates that a node was set
 * up with.
 *
 * Everything in a state is signed under the list in that state. So a change of signers goes with
 * documents that the new ones have signed too, and a key that is revoked or left out has no say in
 * anything, not even in what it signed before.
 */
#ifndef COPSEC_PIB_SET_TRUST_LIST_H
#define COPSEC_PIB_SET_TRUST_LIST_H

#include "common/crypto/trust.h"
#include "pib/set/documents.h"

enum {
	TRUST_LIST_KEYS_MAX = TRUST_CERTIFICATES_MAX,
	TRUST_LIST_REVOKED_MAX = 512,
};

enum trust_kind { /* the numbers of copsecTrustKeyKind */
	TRUST_SIGNER = 1,
	TRUST_CERTIFIER,
};

enum trust_use { /* the bits of copsecTrustKeyUses */
	TRUST_POLICY,     /* manifests and indexes */
	TRUST_ASSIGNMENT,
	TRUST_DELEGATION,
	TRUST_TRUST,      /* the next list */
	TRUST_USES,
};

struct trust_key {
	uint8_t key[NODE_KEY];
	struct view certificate; /* DER */
	enum trust_kind kind;
	uint64_t uses; /* 1 << enum trust_use */
	struct view name;
};

struct revoked_key {
	uint8_t key[NODE_KEY];
	uint64_t since; /* for people: here it counts for nothing at all */
	struct view reason;
};

struct trust_list {
	struct view tenant;
	enum authority authority;
	uint64_t serial;
	uint64_t not_before; /* seconds since 1970, UTC: of taking it up, not of its force */
	uint64_t not_after;
	uint32_t threshold;
	uint32_t trust_threshold; /* of the next list; 0: the same */
	struct view previous;     /* SHA-256 of the content of the list before; empty: the first */
	const struct trust_key *keys;
	size_t key_count;
	const struct revoked_key *revoked;
	size_t revoked_count;
};

/*
 * Refused are: a key that stands there twice, one that is revoked or certifies others (not
 * supported), fewer keys for policy, assignments or the next list than must sign them, and a
 * certificate that is missing or carries another key.
 */
enum err trust_list_encode(
	const struct trust_list *l, struct buffer *out, struct error *e) MUST_USE;
enum err trust_list_decode(struct view content, struct arena *arena, struct trust_list *ret_list,
	struct error *e) MUST_USE;

bool trust_list_revokes(const struct trust_list *l, struct view key);
/* Those who may sign this, and how many must; NULL if there are too few (of delegations only). The
 * caller owns it. */
enum err trust_list_signers(const struct trust_list *l, enum trust_use use,
	struct trust **ret_trust, struct error *e) MUST_USE;

#endif
