/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a node has said of itself in the REQs of one request state (RFC 3318 §2.3), at the PDP.
 *
 * A request state is a store of PRIs. A REQ with full state takes its place; an incremental one adds
 * PRIs, replaces those that it names again, and removes those that it names with an empty EPD. Both
 * are transactions: what comes out is whole and checked, or the old state stays. As with all stores
 * the new one shares with the old one what did not change.
 *
 * Nothing in it is signed. Of roles it is a mere echo: they come from the signed assignment.
 */
#ifndef COPSEC_PIB_FRAMEWORK_REQUEST_STATE_H
#define COPSEC_PIB_FRAMEWORK_REQUEST_STATE_H

#include "pib/store/store.h"

enum {
	REQUEST_STATE_ROWS_MAX = 8192,
	REQUEST_STATE_OCTETS_MAX = 1 << 20, /* of S-objects, of a state and of a REQ */
};

/*
 * `pieces`: the Named ClientSI of a REQ, in order. `before`: NULL if there is no state yet. A REQ is
 * incremental if its frwkPibIncarnation says so or it has none, and the state before lists
 * frwkPibIncarnationFullState as supported; otherwise it is full state. The first one of a node that
 * supports it must say that it is. Failures are for a frwkError each: what was wrong, at which PRI.
 */
enum err request_state_change(const struct pri_store *before, const struct view *pieces,
	size_t count, struct pri_store **ret_state, bool *ret_incremental,
	struct pri_failures *failures, struct error *e) MUST_USE;

#endif
