/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What several authorities say, as one policy.
 *
 * For every decision that their layers come to (layers.h) there is a rule: with the action, the
 * demand and the protection that count, the name of the rule that decided ("operator/NAME" where it
 * is not home's) and its PRI, and beside it the others whose limits and log hold too. Such a rule
 * has no matches: which one counts for a flow, diagrams say. So who carries out a policy carries out
 * the joint one in the same way.
 *
 * All of it lives in the arena and the flow manager, and borrows from the layers.
 */
#ifndef COPSEC_PIB_POLICY_JOINT_H
#define COPSEC_PIB_POLICY_JOINT_H

#include "pib/policy/layers.h"

struct policy_joint {
	struct policy policy; /* nothing to free; leaves are numbers of its rules, 0 = none of home's */
	flow_ref in, out;
	/* From interfaces of role i to those of role k at [i * roles->count + k], as of
	 * policy_transit_matches; NULL without roles. */
	flow_ref *transit;
};

/* `roles` NULL: nothing is to pass through the node. Errors are those of policy_merge. */
enum err policy_join(const struct policy_layer *layers, size_t count,
	const struct policy_roles *roles, struct flow_manager *m, struct arena *arena,
	struct policy_joint *ret, struct error *error) MUST_USE;

/* The same policy without what lets flows pass in clear: bypass becomes discard, protection that may
 * fall back to clear is required. E_MEMORY. */
enum err policy_tighten(
	const struct policy *policy, struct arena *arena, struct policy *ret) MUST_USE;

#endif
