/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Others who speak at gw1 of the world beside home: an operator and a visited network with trust
 * lists, a responder and a directory with delegations, each with a key and one set. To be spoiled
 * in any place. In this order: guests_new() after world_new(), change values and rows,
 * world_roots(), guests_sign(), world_sign(), change documents, guests_put() into the world's
 * `more`.
 */
#ifndef COPSEC_TESTS_PIB_SET_GUESTS_H
#define COPSEC_TESTS_PIB_SET_GUESTS_H

#include "tests/pib/set/world.h"

struct guest {
	enum authority authority;
	bool speaks;
	struct key *key;
	const struct key *signer; /* of index and manifest: its own key unless a test says so */
	struct trust_key trust_key;
	struct trust_list list;    /* of operator and visited */
	struct delegation lent;    /* of responder and directory */
	struct set_index index;
	struct set_entry entry;
	struct manifest manifest;
	struct rows rows;
	struct buffer certificate; /* DER */
	struct buffer list_content, list_cms, lent_cms, index_cms, cms;
};

enum { SENSORS = 2 };

struct guests {
	struct world *w;
	struct key *sensors[SENSORS];      /* their report keys */
	struct assignment sensor_of[SENSORS]; /* what home says of them: role ids. Evidence stands
						 at 200 and 201 of the responder's block */
	struct alert alerts[SENSORS];
	struct trusted_sensor trusted;     /* two of them must say the same */
	struct response response;
	struct buffer evidence[2 * SENSORS];
	struct guest list[AUTHORITY_LOCAL + 1]; /* by authority; some of them are nobody */
	struct assigned_authority leave[AUTHORITY_LOCAL];
	uint8_t digest[SET_ROOT]; /* of the operator's list, as home names it */
	struct never_touch never;
	struct grant grant;
	struct granted_prefix prefix;
};

struct guests *guests_new(struct world *w);
struct guests *guests_free(struct guests *g);
/* Lists, delegations, roots, indexes; and the leave that gw1's assignment gives them. */
void guests_sign(struct guests *g);
/* Those who speak, as they are sent to the node. */
void guests_put(struct guests *g);

#endif
