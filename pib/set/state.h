/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Verification. What an enforcer got in a decision, what a PDP is asked to publish and what
 * `pmt verify` finds in a file are one thing: a store of rows (pri_store_build(), from pieces in
 * any order), assembled by their PRIDs only. Out of it comes a state, or a refusal, in this order:
 *
 *   1. trust: the list of those who may sign is the one in force, or the next one after it
 *   2. signatures: index, assignments and manifests are signed by enough trusted keys
 *   3. whose: tenant, node key, PEPID, authority
 *   4. serials: none below its floor, the index not below what an assignment asks for, none with
 *      other content than what is in force under it
 *   5. validity, for what is not in force already
 *   6. root of every set, over the octets as they came
 *   7. completeness: every set equals the index, none that an assignment demands is missing, none
 * is too much, no row lies outside the sets
 *   8. only now the PRIs are parsed, and checked (pib/store/check.h)
 *
 * The first stage that finds a fault ends it; *e names the object and the values, and `failures`
 * the PRIs, for a report. Nothing of a refused state can be seen.
 */
#ifndef COPSEC_PIB_SET_STATE_H
#define COPSEC_PIB_SET_STATE_H

#include "pib/set/documents.h"
#include "pib/set/trust_list.h"
#include "pib/store/check.h"

struct pin;

/* A serial that was accepted before; nothing older is accepted again. */
struct serial_floor {
	struct view name;
	uint64_t serial;
};

struct serial_floors {
	uint64_t index;
	const struct serial_floor *assignments; /* by node (PEPID) */
	size_t assignment_count;
	const struct serial_floor *sets; /* by name of the set */
	size_t set_count;
};

struct state;

struct state_terms {
	/* What a node was set up with: it counts until there is a trust list, whose first one is
	 * signed under it. */
	const struct trust *trust;
	struct view trust_in_force; /* the content of the list in force; empty: none yet */
	struct view tenant;                 /* empty: whichever the index names */
	const struct serial_floors *floors; /* NULL: none yet */
	uint64_t now_utc;                   /* seconds since 1970 */
	/* NULL: none. What is in it is not judged for validity, and is all there is of its serials. */
	const struct state *in_force;
	bool from_disk; /* was accepted before, comes back at boot: validity is not judged */
};

struct state_node {
	const struct pin *key; /* of the key that the node uses for TLS */
	struct view pepid;
};

struct state_set {
	struct manifest manifest;
	struct view cms;              /* the signed manifest */
	struct pri_row envelope;      /* the copsecPolicySet row */
	const struct pri_store *rows; /* all PRIs of the set: checked */
};

struct state_trust {
	struct trust_list list;
	struct view cms;
	struct view content;
	struct pri_row envelope;
};

struct state_assignment {
	struct assignment assignment;
	struct view cms;
	struct pri_row envelope;
};

/* Owns all that it points to; shares rows with the store it was made from, which may go before it.
 */
struct state {
	struct set_index index;
	struct view index_cms;
	struct pri_row index_envelope;
	const struct state_trust *trust; /* NULL: there is no list yet */
	const struct state_assignment *assignments; /* exactly one at a node */
	size_t assignment_count;
	const struct state_set *sets; /* by ascending block */
	size_t set_count;
};

/* What a node is to enforce: exactly one assignment, its own. */
enum err state_verify_node(const struct pri_store *rows, const struct state_terms *terms,
	const struct state_node *node, struct state **ret_state, struct pri_failures *failures,
	struct error *e) MUST_USE;
/* A whole bundle: all sets of the index, any number of assignments. */
enum err state_verify_bundle(const struct pri_store *rows, const struct state_terms *terms,
	struct state **ret_state, struct pri_failures *failures, struct error *e) MUST_USE;
struct state *state_free(struct state *s);

/* NULL if the state has none of this name (for a role set: the role combination). */
const struct state_set *state_find_set(const struct state *s, struct view name);
/* NULL if there is none for this node. */
const struct state_assignment *state_find_assignment(const struct state *s, struct view pepid);

/* The set as it goes out in an Install: copsecPolicySet, then its PRIs in order. */
void state_set_put(const struct state_set *set, struct buffer *out);

#endif
