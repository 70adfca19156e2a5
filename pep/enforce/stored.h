/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state in force as it lies on the disk: the file of a bundle (pib/set/bundle.h) with the indexes,
 * trust lists and sets of all authorities, the delegations and the node's assignment. What comes back is as little trusted as what a PDP sends.
 */
#ifndef COPSEC_PEP_ENFORCE_STORED_H
#define COPSEC_PEP_ENFORCE_STORED_H

#include "pib/set/state.h"

/* Appends. */
enum err stored_put(const struct state *state, struct buffer *out, struct error *e) MUST_USE;
enum err stored_read(struct view octets, struct pri_store **ret, struct error *e) MUST_USE;

#endif
