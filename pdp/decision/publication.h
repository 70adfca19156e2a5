/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A publication: everything that the tenant's nodes are served, as one immutable value. It owns a
 * copy of the signed objects and finds in it what a node is to get.
 *
 * publication_verify() is the gate: a bundle that came from outside becomes a publication only
 * after all of pib/set/state.h holds for it, and it continues the one in force.
 * publication_of_store() believes the database: whoever altered it is found out by the nodes, which
 * verify everything again.
 */
#ifndef COPSEC_PDP_DECISION_PUBLICATION_H
#define COPSEC_PDP_DECISION_PUBLICATION_H

#include "common/base/pin.h"
#include "common/cops/message.h"
#include "common/crypto/trust.h"
#include "pdp/store/store.h"
#include "pib/set/bundle.h"
#include "pib/set/state.h"

enum {
	/* Octets. A node may have to get nearly all of it, in one message: what remains is for the
	 * headers around it. */
	PUBLICATION_MAX = COPS_MESSAGE_LIMIT - COPS_MESSAGE_LIMIT / 64,
};

struct publication;

/* A node as its assignment has it. Lives as long as the publication. */
struct publication_node {
	const char *name;      /* PEPID */
	struct pin key;        /* of its TLS key */
	bool has_report_key;
	struct pin report_key; /* of the key that its enforcer signs reports with */
	size_t which;          /* number of its assignment in the bundle */
};

/*
 * `objects` as in a bundle without the file header. E_STALE if its serial is not above that of
 * `current` (NULL: nothing is in force). `now_utc` in seconds since 1970.
 */
enum err publication_verify(struct view objects, const struct trust *trust, const char *tenant,
	const struct publication *current, uint64_t now_utc, struct publication **ret_publication,
	struct error *error) MUST_USE;
enum err publication_of_store(const struct store_publication *stored,
	struct publication **ret_publication, struct error *error) MUST_USE;
/* Another owner of it: it lives until each has called publication_free(). */
struct publication *publication_share(struct publication *p);
struct publication *publication_free(struct publication *p);

uint64_t publication_serial(const struct publication *p);
const struct set_index *publication_index(const struct publication *p);
size_t publication_node_count(const struct publication *p);
const struct publication_node *publication_node(const struct publication *p, size_t which);
/* NULL if the publication has no such node. */
const struct publication_node *publication_find_key(
	const struct publication *p, const struct pin *key);
const struct publication_node *publication_find_name(
	const struct publication *p, const char *name);

/* Is this one of its nodes, and not another publication's? */
bool publication_owns(const struct publication *p, const struct publication_node *node);
/* Has the node all of these roles, by itself or together at one of its interfaces? A combination. */
bool publication_has_roles(
	const struct publication *p, const struct publication_node *node, struct view roles);

/* Its sets, by ascending block. */
size_t publication_set_count(const struct publication *p);
const struct manifest *publication_manifest(const struct publication *p, size_t set);
/* The copsecPolicySet and the PRIs of a set, as S-objects in order. */
struct view publication_set_objects(const struct publication *p, size_t set);
/* Whether the node gets this set. */
bool publication_demands(
	const struct publication *p, const struct publication_node *node, size_t set);

/* Who may speak besides home, by the assignments of all nodes and the delegations; it lives in the
 * arena and in the publication. */
enum err publication_leave(const struct publication *p, struct arena *arena,
	struct state_leave *ret_leave, struct error *error) MUST_USE;
/* Does the node's assignment admit this authority, of this tenant or by a delegation? */
bool publication_admits(const struct publication *p, const struct publication_node *node,
	enum authority authority, struct view tenant);
/* Is a set of another authority for this node, or for one of its interfaces? */
bool publication_fits(const struct publication *p, const struct publication_node *node,
	const struct manifest *m);
/* The same delegations: otherwise a node gets everything anew. */
bool publication_same_delegations(const struct publication *a, const struct publication *b);

/*
 * Appends what stands outside the sets, as S-objects: frwkPibIncarnation by `pdp_name`, the index, and
 * the node's assignment and the trust list unless it got these from `before` (NULL: there was
 * nothing before).
 */
enum err publication_put_head(const struct publication *p, const struct publication_node *node,
	const char *pdp_name, const struct publication *before, struct buffer *out,
	struct error *error) MUST_USE;
/* Appends all of it, as it came. */
void publication_put_all(const struct publication *p, struct buffer *out);
/* Appends the full state of a node: the head, then every set that the assignment demands. */
enum err publication_put_node(const struct publication *p, const struct publication_node *node,
	const char *pdp_name, struct buffer *out, struct error *error) MUST_USE;
/* How many octets the sets and signed documents of a full state have, without the framework's. */
size_t publication_node_octets(
	const struct publication *p, const struct publication_node *node);

/* What the store is to keep; the views borrow from the publication, the arrays are the arena's. */
enum err publication_to_store(const struct publication *p, const char *publisher,
	uint64_t published, struct arena *arena, struct store_publication *ret_stored,
	struct error *error) MUST_USE;

#endif
