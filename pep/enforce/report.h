/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a decision is answered with: the contents of the RPT's Named ClientSI (RFC 3084 section 5.3).
 *
 * Success carries a copsecCompliance: node, number of the decision, serial of the index and roots of
 * the sets in force, those of other authorities as "operator/NAME" and their index as "operator/", and the session that the decision came in, signed by the report key that only the enforcer has. Failure carries a GPERR or
 * an ErrorPRID with CPERR for each PRI at fault, and a copsecFailure with the sentence.
 */
#ifndef COPSEC_PEP_ENFORCE_REPORT_H
#define COPSEC_PEP_ENFORCE_REPORT_H

#include "common/crypto/key.h"
#include "pep/enforce/decision.h"
#include "pib/set/state.h"

/* Appends; the buffer is as it was on failure. */
enum err report_success(const struct state *state, const char *pepid,
                        const struct decision_origin *origin, uint64_t now_utc, const struct key *report_key, struct buffer *out,
                        struct error *e) MUST_USE;
/* Behind a success: what is told of a decision that is in force (warnings.h), as much as fits. */
void report_warnings(const struct pri_failures *warnings, struct buffer *out);
/* A success that nobody signs for, and why: proves nothing to the PDP. */
void report_unsigned(const struct error *why, struct buffer *out);
/* Appends as much as fits into one message; the first faults are never left out. */
void report_failure(const struct verdict *v, struct buffer *out);

#endif
