/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a decision point tells a publisher that follows: what is published
 * (copsecPublicationState), and how it stands with each node (copsecNodeStanding).
 */
#ifndef COPSEC_PIB_PUBLISHING_STANDING_H
#define COPSEC_PIB_PUBLISHING_STANDING_H

#include "common/base/cursor.h"
#include "common/base/pin.h"
#include "pib/schema/pri.h"

enum {
	PUBLISHING_NAME_MAX = 255,   /* octets of a node's or tenant's name, and of roles */
	PUBLISHING_REASON_MAX = 255, /* octets of a reason; it is cut after them */
};

struct publishing_state {
	struct view tenant;
	uint64_t serial; /* in force; 0: nothing is */
	uint64_t tried;  /* 0: nothing is */
	uint32_t share;  /* as in struct publishing_order, of what is tried */
	struct view roles;
	bool has_publisher;
	struct pin publisher; /* who brought the newest */
	uint64_t published;   /* seconds since 1970 */
	uint32_t nodes;       /* how many there are to tell of */
};

enum publishing_standing {
	STANDING_IN_FORCE = copsecNodeStandingStanding_inForce,
	STANDING_FAILED = copsecNodeStandingStanding_failed,
	STANDING_BEHIND = copsecNodeStandingStanding_behind,
	STANDING_CONNECTED = copsecNodeStandingStanding_connected,
	STANDING_SILENT = copsecNodeStandingStanding_silent,
	STANDING_AWAY = copsecNodeStandingStanding_away,
	STANDING_NEVER_SEEN = copsecNodeStandingStanding_neverSeen,
};
enum { STANDINGS_END = STANDING_NEVER_SEEN + 1 };

/* As pdpctl, pmt and the control sockets call it: "in force"; "" for another value. */
const char *publishing_standing_word(enum publishing_standing standing);

struct node_standing {
	struct view node; /* PEPID */
	enum publishing_standing standing;
	uint64_t serial;          /* that it last reported; 0: none */
	uint64_t since, reported; /* seconds since 1970 */
	bool tries;
	struct view reason;
};
bool node_standing_equal(const struct node_standing *a, const struct node_standing *b);

enum err publishing_state_put(
	const struct publishing_state *state, struct buffer *out, struct error *error) MUST_USE;
/* `instance` from 1. */
enum err node_standing_put(const struct node_standing *node, uint32_t instance, struct buffer *out,
	struct error *error) MUST_USE;

/*
 * Walks over what a decision installs; *ret_kind says what came, PUBLISHING_END at the end,
 * PUBLISHING_OTHER for a PRI of another class. What is read borrows from the objects.
 */
enum publishing_kind { PUBLISHING_END, PUBLISHING_STATE, PUBLISHING_NODE, PUBLISHING_OTHER };
struct publishing_item {
	enum publishing_kind kind;
	uint32_t instance;
	struct publishing_state state;
	struct node_standing node;
	struct pri pri; /* of PUBLISHING_OTHER */
};
enum err publishing_next(
	struct cursor *run, struct publishing_item *ret_item, struct error *error) MUST_USE;

#endif
