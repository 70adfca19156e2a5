/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a node's request state says is installed: the serial of the index in frwkPibIncarnation, and
 * name, serial and root of each set in copsecPolicySet.
 *
 * A claim is not signed and need not be true. It only decides how much is sent: from a false one
 * follows a decision that does not verify at the node, and full state then.
 */
#ifndef COPSEC_PDP_DECISION_CLAIM_H
#define COPSEC_PDP_DECISION_CLAIM_H

#include "pdp/decision/publication.h"
#include "pib/store/store.h"

/* 0: it says none. */
uint64_t claim_serial(const struct pri_store *request);
/* Whether the sets of home that it names are exactly those that the node gets from this publication. */
bool claim_meets(const struct pri_store *request, const struct publication *p,
	const struct publication_node *node);

#endif
