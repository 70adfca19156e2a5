/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was lent, against what is said: a policy of a responder or a directory within the bounds of
 * its delegation (pib/set/delegation.h, which judges manifests and nodes).
 *
 * A responder's rules discard or let pass, so many of them at most. None that discards names an
 * address that is never to be touched, or no address at all; but for a policy that lets nothing pass:
 * that is quarantine, and has a bound of its own, as has a policy that leaves flows without a rule. A directory's members and keys are of groups and peers
 * that are granted, from permitted addresses, and so many at most.
 */
#ifndef COPSEC_PIB_POLICY_BOUNDS_H
#define COPSEC_PIB_POLICY_BOUNDS_H

#include "pib/policy/policy.h"
#include "pib/set/delegation.h"

/* Each PRI beyond them is in `failures`, as "bounds" where its class declares that error. E_DENIED,
 * E_LIMIT, E_MEMORY. */
enum err bounds_check(const struct delegation *d, const struct policy *policy,
	struct pri_failures *failures, struct error *error) MUST_USE;

#endif
