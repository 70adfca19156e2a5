/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trial: some nodes are served a new publication, the others keep the one before. Who tries is
 * settled by the publication and the terms alone, so it is the same after a restart, at every
 * decision point: with roles, who has all of them; with a share, those with the least SHA-256 of
 * their PEPID, one at least. A node keeps what it has if the new publication does not have it.
 */
#ifndef COPSEC_PDP_DECISION_TRIAL_H
#define COPSEC_PDP_DECISION_TRIAL_H

#include "pdp/decision/publication.h"

struct trial;

/* Borrows both publications. E_NOT_FOUND if no node has the roles. */
enum err trial_new(const struct store_trial *terms, const struct publication *tried,
	const struct publication *before, struct trial **ret_trial, struct error *error) MUST_USE;
/* Takes NULL. */
struct trial *trial_free(struct trial *t);

/* Of the tried publication. */
bool trial_chooses(const struct trial *t, const struct publication_node *node);
size_t trial_count(const struct trial *t);
const struct store_trial *trial_terms(const struct trial *t);
/* The nodes that try and are none of the publication before. */
size_t trial_new_count(const struct trial *t);
const struct publication_node *trial_new_node(const struct trial *t, size_t which);

#endif
