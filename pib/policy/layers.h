/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several authorities, one policy: the strictest of what all say, flow by flow.
 *
 * Each authority's policy is a layer. Home's is the first; the others can only make it stricter.
 * For each flow every layer's first match says discard, protect or bypass (no match: discard, as in
 * every list), and the strictest counts:
 *
 *     discard  >  protection required  >  protection preferred  >  bypass
 *
 * Between protections home's wins: its proposals, peer and credentials, with the strictest demand
 * of all layers. Where home does not protect, another layer can demand by name a protection that
 * home defines, and nothing else. If several layers demand different ones with equal force, or one
 * that home does not define, the demands are incomparable: discard, and a report.
 *
 * policy_decide() is that rule; policy_merge() applies it to all flows at once by multiplying the
 * diagrams of the layers. The product is a first-match list's function still: a flow's first match
 * in the product of the lists is the pair of its first matches.
 *
 * All is borrowed from the layers and lives in the caller's arena.
 */
#ifndef COPSEC_PIB_POLICY_LAYERS_H
#define COPSEC_PIB_POLICY_LAYERS_H

#include "pib/policy/verdicts.h"

enum {
	POLICY_LAYERS_MAX = 8,
	POLICY_DECISIONS_MAX = 1 << 20, /* different ones, while layers are multiplied */
};

struct policy_layer {
	const char *name; /* of the authority */
	const struct policy *policy;
};

struct policy_decision {
	/* In the manner of one rule; that of the others stands in `rules`. */
	struct policy_verdict verdict;
	/* The strictest layer, of equal ones the first; its rule, NULL if none of its rules
	 * matched.
	 */
	size_t layer;
	const struct policy_rule *rule;
	bool incomparable; /* discarded for this alone: the layers' rules say different things */
	bool mirrored; /* in transit: the rule that protects is read as its mirror */
	/* By layer: the rules that had a part in it. NULL where a layer's rule changed nothing. A
	 * rule that logs, has limits or is stateless has a part in whatever lets the flow pass. */
	const struct policy_rule *const *rules;
};

/* `rules`: by layer, the first that matches, NULL for none. All of them stay in ret->rules. */
struct policy_decision policy_decide(
	const struct policy_layer *layers, size_t count, const struct policy_rule *const *rules);

struct policy_merged {
	flow_ref diagram; /* numbers are places in `decisions` */
	const struct policy_decision *decisions;
	size_t count;
};

/* Number 0 is what happens where home has no rule. E_LIMIT, E_MEMORY, and the errors of
 * policy_diagram. */
enum err policy_merge(const struct policy_layer *layers, size_t count,
	enum flow_direction direction, const struct policy_roles *roles, struct flow_manager *m,
	struct arena *arena, struct policy_merged *ret, struct error *error) MUST_USE;
/* The same out of the layers' own diagrams, in which numbers above that of the rules mean mirrors
 * (policy_transit_matches). */
enum err policy_merge_diagrams(const struct policy_layer *layers, size_t count,
	const flow_ref *diagrams, struct flow_manager *m, struct arena *arena,
	struct policy_merged *ret, struct error *error) MUST_USE;

#endif
