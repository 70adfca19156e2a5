/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What became of a decision, in the terms of its report (RFC 3084 sections 4.4, 4.5 and 5.3): at
 * most one fault of the whole (GPERR), a list of faults of single PRIs (ErrorPRID, CPERR), and one
 * sentence for people; or, where it is in force, what it should not have said. A value; nothing to
 * release.
 */
#ifndef COPSEC_PEP_ENFORCE_VERDICT_H
#define COPSEC_PEP_ENFORCE_VERDICT_H

#include "common/cops/pr.h"
#include "pib/store/failure.h"

struct verdict {
	uint16_t general, general_sub; /* GPERR; 0: none */
	struct pri_failures failures;
	struct error why; /* E_OK: the decision is in force */
	struct pri_failures warnings; /* of one that is in force */
};

void verdict_init(struct verdict *v);
/* Each sets the sentence unless there is one already, and returns its code. */
enum err verdict_general(struct verdict *v, uint16_t gperr, uint16_t sub_code,
                         const struct error *why);
/* With the GPERR that goes with its code. */
enum err verdict_whole(struct verdict *v, const struct error *why);
enum err verdict_pri(struct verdict *v, struct pib_fault fault, const struct prid *prid,
                     const struct error *why);
/* For failures that were appended to `failures` by somebody else. */
enum err verdict_why(struct verdict *v, const struct error *why);

#endif
