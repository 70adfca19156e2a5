/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a node is to do at a moment, out of a verified state: the plan of what all authorities come to.
 *
 * Home's set for a role combination is the first layer; every set of an operator, visited network or
 * responder that is for these roles and has a say at the time is one more (pib/policy/layers.h). What
 * a directory says fills the groups that home leaves to it. A set of home's that is past its time is
 * taken as its stale rule says: kept, without what passes in clear (tighten), or closed but for the
 * way to the PDP (quarantine); another's goes on, or has ended.
 *
 * Rules with times of their own count as the node's clock says, also when it is turned back.
 */
#ifndef COPSEC_PEP_ENFORCE_INTENT_H
#define COPSEC_PEP_ENFORCE_INTENT_H

#include "pep/enforce/verdict.h"
#include "pib/framework/capabilities.h"
#include "pib/plan/plan.h"
#include "pib/policy/periods.h"
#include "pib/set/state.h"

struct intent_terms {
	struct plan_input input; /* mask, PDPs and the plan before */
	const struct capability_algorithms *algorithms; /* NULL: not known */
	bool accept_lacking; /* what the kernel has not is refused unless this is set */
	const struct state *before; /* what is in force: not judged by bounds again; NULL: none */
	uint64_t now_utc;
	struct policy_moment moment; /* for rules with times of their own */
};

struct intent {
	struct plan *plan;
	struct error lacking; /* what the kernel cannot do of it; E_OK: nothing */
	uint64_t until;       /* the last second for which it holds; UINT64_MAX: for ever */
	int64_t change;       /* when the times of rules are to be looked at again; INT64_MAX: never */
};

/* Faults are in the verdict; what authorities cannot agree on is a warning there. */
enum err intent_make(const struct state *state, const struct intent_terms *terms,
                     struct intent *ret, struct verdict *v) MUST_USE;

#endif
