/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tenant of tests/pib/set/world.h with keys that work: its nodes gw1 and alice have keys for
 * TLS and for reports, and there are a decision point, a publisher and a stranger.
 */
#ifndef COPSEC_TESTS_PDP_TENANT_H
#define COPSEC_TESTS_PDP_TENANT_H

#include "pdp/decision/compliance.h"
#include "tests/pib/set/world.h"

struct tenant {
	struct world *world;
	struct key *node_keys[NODES], *report_keys[NODES];
	struct key *pdp, *publisher, *stranger;
	struct pin report_pins[NODES];
	struct buffer objects; /* of the bundle, by tenant_pack() */
};

extern const char *const tenant_nodes[NODES]; /* their PEPIDs */

/* Valid around `now` (seconds since 1970). */
struct tenant *tenant_new(uint64_t now);
struct tenant *tenant_free(struct tenant *t);
/* Every document with this serial, signed; the bundle's objects anew. */
void tenant_pack(struct tenant *t, uint64_t serial);
/* The same from the signed documents as they are now. */
void tenant_pack_again(struct tenant *t);
/* As a publication without verification of its own; it must be good, after `current`. */
struct publication *tenant_publication(struct tenant *t, const struct publication *current);

/* A copsecCompliance that `key` signs, as objects. */
void tenant_compliance(const struct key *key, const char *node, const struct report_origin *origin,
	uint64_t serial, uint64_t now, struct buffer *out);

#endif
