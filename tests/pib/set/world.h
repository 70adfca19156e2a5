/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A tenant with three policy sets and two nodes, to be spoiled in any place. In this order: change
 * the values, world_roots(), change roots and index, world_sign(), change rows and what is sent,
 * world_node() or world_bundle().
 */
#ifndef COPSEC_TESTS_PIB_SET_WORLD_H
#define COPSEC_TESTS_PIB_SET_WORLD_H

#include "common/crypto/cms.h"
#include "pib/set/bundle.h"
#include "pib/set/state.h"
#include "tests/pib/store/rows.h"

/* Keys 0 to 2 are trusted, two of them must sign; key 3 is nobody's. */
enum { KEYS = 4, TRUSTED = 3, THRESHOLD = 2 };

enum { GATEWAY, HOST, LAN, SETS };
/* gw1 needs the sets gateway and lan, alice the set host. */
enum { GW1, ALICE, NODES };

enum { NOW = 1800000000 };

struct document {
	unsigned signers; /* bit n: key n */
	struct buffer cms;
	bool sent;
};

struct world {
	struct key *keys[KEYS];
	struct trust *trust;

	struct manifest manifests[SETS];
	struct rows *rows[SETS];
	uint32_t envelope_blocks[SETS]; /* where copsecPolicySet is sent */
	struct document set_documents[SETS];

	struct assignment assignments[NODES];
	struct assigned_interface interfaces[NODES];
	struct document assignment_documents[NODES];

	struct set_index index;
	struct set_entry entries[SETS + 1];
	struct document index_document;

	/* Not sent unless a test says so. All four keys, two of them for everything. */
	struct trust_list trust_list;
	struct trust_key trust_keys[KEYS];
	struct revoked_key revoked[2];
	struct document trust_document;
	struct buffer certificates[KEYS]; /* DER */
	struct buffer trust_content;      /* as it was signed last */

	struct buffer more; /* further S-objects to send */
	struct state_terms terms;
	struct state_node node;
	struct pin pin; /* of gw1 */
};

struct world *world_new(void);
struct world *world_free(struct world *w);
void world_roots(struct world *w);
void world_sign(struct world *w);
/* The state that gw1 gets in a decision: an incarnation, its assignment, the index, its sets. */
void world_node(struct world *w, struct buffer *out);
/* Everything; the views live as long as the world, the rows in `out`. */
void world_bundle(struct world *w, struct arena *arena, struct buffer *rows, struct bundle *out);

#endif
