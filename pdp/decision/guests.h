/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What authorities besides home have published: one bundle each (pib/set/bundle.h), served beside
 * home's to the nodes whose signed assignment admits that authority.
 *
 * A bundle is verified by the leave that home's publication gives: the trust list that it pins, or
 * the delegation with its bounds. What a node holds of all guests is told by one number, the sum of
 * the serials of the indexes that it is served; it grows with every change. The change that came
 * last is kept, so that a node which had everything before gets only that.
 */
#ifndef COPSEC_PDP_DECISION_GUESTS_H
#define COPSEC_PDP_DECISION_GUESTS_H

#include "pdp/decision/delta.h"
#include "pib/store/store.h"

struct guest;

struct guests {
	struct guest *list[AUTHORITY_LOCAL + 1]; /* by authority; NULL: it has published nothing */
	struct guest *before; /* what the last change took the place of; NULL: nothing */
	struct guest *latest; /* what came last; NULL: nothing yet */
};
void guests_fini(struct guests *g);

/* Serial of its index, as the signed index says. */
uint64_t guest_serial(const struct guest *guest);
enum authority guest_authority(const struct guest *guest);
const struct set_index *guest_index(const struct guest *guest);
struct view guest_objects(const struct guest *guest);
struct guest *guest_free(struct guest *guest);

/* `home` is what is in force; NULL: nothing is, and nobody else may speak. */
enum err guest_verify(struct view objects, const struct publication *home,
	const struct guests *g, uint64_t now_utc, struct guest **ret_guest,
	struct error *error) MUST_USE;
/* Believed, for the nodes verify it again. */
enum err guest_of_store(
	struct view objects, struct guest **ret_guest, struct error *error) MUST_USE;
/* Takes the guest. */
void guests_adopt(struct guests *g, struct guest *guest);

/* 0: the node is served nothing of guests. */
uint64_t guests_version(const struct guests *g, const struct publication *home,
	const struct publication_node *node);
/* Everything of them that the node is to get, appended. */
void guests_put(const struct guests *g, const struct publication *home,
	const struct publication_node *node, struct buffer *out);
/* What the last change is for a node that held `version`; E_NOT_FOUND: it is not all that it lacks. */
enum err guests_update(const struct guests *g, const struct publication *home,
	const struct publication_node *node, uint64_t version, struct update *u,
	struct error *error) MUST_USE;
/* Whether what a REQ says of sets besides home's is what the node is to have. */
bool guests_met(const struct guests *g, const struct publication *home,
	const struct publication_node *node, const struct pri_store *request);

#endif
