/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a decision says in vain (RFC 3084 sections 2.2 and 5.3): it is put in force all the same, and
 * the success report tells the PDP.
 *
 * A removed PRI that is not there is CPERR 2; more attributes than the class has are CPERR 4 with
 * the number of the first one beyond, for RFC 3084 has no code for that. A set of another authority
 * that was over before it came has no say: copsecPolicySet's `expired`. As many as PRI_FAILURES_MAX
 * are told.
 */
#ifndef COPSEC_PEP_ENFORCE_WARNINGS_H
#define COPSEC_PEP_ENFORCE_WARNINGS_H

#include "pep/enforce/decision.h"
#include "pib/set/state.h"
#include "pib/store/store.h"

/* `before`: the rows in force, NULL if there are none. The decision was read without a fault. */
void decision_warn(
	const struct decision *d, const struct pri_store *before, struct pri_failures *warnings);
/* Of the state that it led to; `before` NULL: there was none. */
void decision_warn_ended(const struct state *state, const struct state *before, uint64_t now_utc,
	struct pri_failures *warnings);

#endif
