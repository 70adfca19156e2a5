/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Updates: what one decision says to bring a node to a publication, from nothing that is known
 * (full state) or from an earlier publication (delta).
 *
 * A full state removes all policy classes and installs everything: whatever the node had is gone.
 * A delta removes the PRIDs that go and installs the PRIs that come or are others; both lead to the
 * same octets at the node, or to a state that it refuses.
 *
 * What changed inside the sets is the same for all nodes, so it is found once (delta_new()) and
 * shared.
 */
#ifndef COPSEC_PDP_DECISION_DELTA_H
#define COPSEC_PDP_DECISION_DELTA_H

#include "pdp/decision/publication.h"

struct update {
	struct buffer removes;  /* PRID and PPRID objects */
	struct buffer installs; /* PRID and EPD objects */
};
void update_init(struct update *u);
void update_fini(struct update *u);

void update_reset(struct update *u);

struct guests;

/* `guests` NULL: there are none. */
enum err update_full(struct update *u, const struct publication *p, const struct guests *guests,
	const struct publication_node *node, const char *pdp_name, struct error *error) MUST_USE;

struct delta;

/* Borrows both publications. */
enum err delta_new(const struct publication *from, const struct publication *to,
	struct delta **ret_delta, struct error *error) MUST_USE;
struct delta *delta_free(struct delta *d);

/* `node` is one of `to`. E_NOT_FOUND if `from` does not have it; E_LIMIT if a full state would say
 * the same in fewer octets. The update is empty after a failure. */
enum err update_delta(struct update *u, const struct delta *d, const struct publication_node *node,
	const char *pdp_name, struct error *error) MUST_USE;

#endif
