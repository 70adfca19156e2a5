/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks over a whole store at once (RFC 3084 §2.3: a transaction is judged as a whole, never PRI
 * by PRI): each EPD decodes by its class; the class may be installed; the InstanceId attribute
 * equals the PRID; references lead to a PRI of the right class; tag references lead to a list that
 * is not empty where the PIB needs one; UNIQUENESS holds; an EXTENDS row has its base; InstanceIds
 * and TagIds lie in the block that the set owns.
 *
 * SPPI states no rule for empty tag lists (RFC 3159 §3): a group of addresses or ports may be empty
 * and matches nothing; a rule without selectors or actions, or a proposal without transforms, says
 * nothing and is refused with CPERR 7.
 */
#ifndef COPSEC_PIB_STORE_CHECK_H
#define COPSEC_PIB_STORE_CHECK_H

#include "pib/store/store.h"

/* Every InstanceId and TagId must lie in first..last; 1 and UINT32_MAX where there is no block. */
struct pri_bounds {
	uint32_t first;
	uint32_t last;
};

/*
 * E_OK, or the code of the first failure with its sentence in *e; all that was found is appended to
 * `failures`. E_MEMORY and E_LIMIT may come without one.
 */
enum err pri_store_check(const struct pri_store *s, struct pri_bounds bounds,
	struct pri_failures *failures, struct error *e) MUST_USE;

/*
 * The same for what a transaction made out of `before` (NULL: nothing): where a reference that did
 * not change leads to a PRI that was there and is no more, the PRI that was removed is at fault
 * (CPERR 12), and not the one that refers to it (CPERR 7). The same where the last PRI of a tag list
 * was removed; if it was not removed but given another tag, that is its fault (CPERR 3).
 */
enum err pri_store_check_change(const struct pri_store *before, const struct pri_store *after,
	struct pri_bounds bounds, struct pri_failures *failures, struct error *e) MUST_USE;

/* What a node says of itself: its classes are those that notify; a frwkPrcSupport may come twice. */
enum err pri_store_check_request(
	const struct pri_store *s, struct pri_failures *failures, struct error *e) MUST_USE;

#endif
