/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Others who speak at gw1 of the world beside home: an operator and a visited network with trust
 * lists, a responder and a directory with delegations, each with a key and one set. To be spoiled
 * in any place. In this order: voices_new() after world_new(), change values and rows,
 * world_roots(), voices_sign(), world_sign(), change documents, voices_put() into the world's
 * `more`.
 */
#ifndef COPSEC_TESTS_PIB_SET_VOICES_H
#define COPSEC_TESTS_PIB_SET_VOICES_H

#include "tests/pib/set/world.h"

struct voice {
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

struct voices {
	struct world *w;
	struct key *sensors[SENSORS];      /* their report keys */
	struct assignment sensor_of[SENSORS]; /* what home says of them: role ids. Evidence stands
						 at 200 and 201 of the responder's block */
	struct alert alerts[SENSORS];
	struct trusted_sensor trusted;     /* two of them must say the same */
	struct response response;
	struct buffer evidence[2 * SENSORS];
	struct voice list[AUTHORITY_LOCAL + 1]; /* by authority; some of them are nobody */
	struct assigned_authority leave[AUTHORITY_LOCAL];
	uint8_t digest[SET_ROOT]; /* of the operator's list, as home names it */
	struct never_touch never;
	struct grant grant;
	struct granted_prefix prefix;
};

struct voices *voices_new(struct world *w);
struct voices *voices_free(struct voices *g);
/* Lists, delegations, roots, indexes; and the leave that gw1's assignment gives them. */
void voices_sign(struct voices *g);
/* Those who speak, as they are sent to the node. */
void voices_put(struct voices *g);

#endif
