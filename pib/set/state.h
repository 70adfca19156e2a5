/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Verification. What an enforcer got in a decision, what a PDP is asked to publish and what
 * `pmt verify` finds in a file are one thing: a store of rows (pri_store_build(), from pieces in
 * any order), assembled by their PRIDs only. Out of it comes a state, or a refusal, in this order:
 *
 *   1. trust: the list of those who may sign is the one in force, or the next one after it
 *   2. signatures: index, delegations, assignments and manifests are signed by enough trusted keys
 *   3. whose: tenant, node key, PEPID, authority
 *      and then the same of every other authority, for home's documents say who that may be: its
 *      trust list is the one that the assignment names, or its delegation is home's; its index and
 *      manifests are signed by its own keys, in its own name, within its delegation's bounds
 *   4. serials: none below its floor, the index not below what an assignment asks for, none with
 *      other content than what is in force under it
 *   5. validity, for what is not in force already; at a node what others than home said may have
 *      ended: then it is taken, and has no say
 *   6. root of every set, over the octets as they came
 *   7. completeness: every set equals its authority's index, none that an assignment demands is
 *      missing, none is too much, no row lies outside the sets, nobody who spoke falls silent
 *   8. only now the PRIs are parsed, and checked (pib/store/check.h)
 *
 * The first stage that finds a fault ends it; *e names the object and the values, and `failures`
 * the PRIs, for a report. Nothing of a refused state can be seen.
 */
#ifndef COPSEC_PIB_SET_STATE_H
#define COPSEC_PIB_SET_STATE_H

#include "pib/set/delegation.h"
#include "pib/set/documents.h"
#include "pib/set/trust_list.h"
#include "pib/store/check.h"

struct pin;

/* A serial that was accepted before; nothing older is accepted again. */
struct serial_floor {
	struct view name;
	uint64_t serial;
};

/* Of another authority, by what it is called in the assignment. Its sets have none of their own:
 * each must equal its index. */
struct voice_floor {
	enum authority authority;
	struct view name;
	uint64_t index;
	uint64_t delegation;
};

struct serial_floors {
	uint64_t index;
	const struct voice_floor *voices;
	size_t voice_count;
	const struct serial_floor *assignments; /* by node (PEPID) */
	size_t assignment_count;
	const struct serial_floor *sets; /* by name of the set */
	size_t set_count;
};

struct state;

/* Who may speak besides home, by home's word. A node finds it in its own assignment. */
struct state_leave {
	struct view tenant; /* home's */
	const struct assigned_authority *authorities;
	size_t authority_count;
	const struct delegation *const *delegations;
	size_t delegation_count;
};

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
	/* For a bundle of another authority than home; NULL: `trust` says whose keys count. */
	const struct state_leave *leave;
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

struct state_delegation {
	struct delegation delegation;
	struct view cms;
	struct pri_row envelope;
};

/* What makes somebody an authority here. */
struct state_voice {
	enum authority authority;
	struct view name; /* of the tenant that it is, or of the delegation */
	struct set_index index;
	struct view index_cms;
	struct pri_row index_envelope;
	const struct state_trust *trust;     /* NULL: there is no list */
	const struct delegation *delegation; /* of responder and directory */
};

/* Owns all that it points to; shares rows with the store it was made from, which may go before it.
 */
struct state {
	struct state_voice home; /* in a bundle: the authority that it is of */
	const struct state_voice *others; /* at a node, by ascending authority */
	size_t other_count;
	const struct state_delegation *delegations;
	size_t delegation_count;
	const struct state_assignment *assignments; /* exactly one at a node */
	size_t assignment_count;
	const struct state_set *sets; /* by ascending block, so home's come first */
	size_t set_count;
};

/* What a node is to enforce: exactly one assignment, its own. */
enum err state_verify_node(const struct pri_store *rows, const struct state_terms *terms,
	const struct state_node *node, struct state **ret_state, struct pri_failures *failures,
	struct error *e) MUST_USE;
/* A whole bundle: all sets of the index, any number of assignments if it is home's. */
enum err state_verify_bundle(const struct pri_store *rows, const struct state_terms *terms,
	struct state **ret_state, struct pri_failures *failures, struct error *e) MUST_USE;
struct state *state_free(struct state *s);

/* NULL if the authority does not speak here. */
const struct state_voice *state_voice(const struct state *s, enum authority authority);
/* NULL if the state has none of this name (for a role set: the role combination). */
const struct state_set *state_find_set(
	const struct state *s, enum authority authority, struct view name);
/* Whether a set has a say at this time. Home's always has. Another's has none if it is empty, or
 * ends and is past its time, or its delegation does not cover it (any more). *ret_until is lowered
 * to the last second in which the answer is the same. */
bool state_set_counts(
	const struct state *s, const struct state_set *set, uint64_t now_utc, uint64_t *ret_until);
/* Of another authority than home: by its own time or that of its delegation it is over. */
bool state_set_has_ended(const struct state *s, const struct state_set *set, uint64_t now_utc);
/* Whether a set of another authority is for an interface, or the node, with these roles. */
bool state_set_fits(const struct state_set *set, struct view roles);
/* NULL if there is none for this node. */
const struct state_assignment *state_find_assignment(const struct state *s, struct view pepid);

/* The set as it goes out in an Install: copsecPolicySet, then its PRIs in order. */
void state_set_put(const struct state_set *set, struct buffer *out);

#endif
