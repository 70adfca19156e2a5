/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A decision taken apart, without looking into any policy.
 *
 * The pieces are what the PDP said, octet for octet, as the net process passed them on; neither is
 * trusted. Objects are split and PRIDs parsed, no more: rows of policy sets stay closed until their
 * signatures are verified (pib/set/state.h). Framework rows stand outside every set, so they are
 * decoded here, and here is decided what they may say: nothing that unsigned data could change in
 * what is enforced. frwkPibIncarnation must leave Longevity, Ttl, InCtxtSet and Active alone or name
 * what happens anyway; classes that the node does not install are refused.
 *
 * Every decision changes the rows in force: removes go, installs come (RFC 3084 section 2.3). A
 * full state is one that removes all classes; the node need not know, for what comes out must in
 * any case be whole and signed. Everything lives in the arena or borrows from the pieces.
 */
#ifndef COPSEC_PEP_ENFORCE_DECISION_H
#define COPSEC_PEP_ENFORCE_DECISION_H

#include "common/base/arena.h"
#include "common/base/binding.h"
#include "pep/enforce/verdict.h"
#include "pep/ipc/transfer.h"

enum {
	DECISION_ROLES_MAX = 1024,  /* frwkRoleCombo and frwkIfRoleCombo rows */
	DECISION_ERRORS_MAX = 64,   /* frwkError rows */
	/* Two views for each pair in the worst case, where framework rows alternate with others. */
	DECISION_ARENA_MAX = 64 * 1024 * 1024,
};

/* Where it came from, by what the net process says: named in the report, trusted for nothing. */
struct decision_origin {
	uint32_t number; /* in its session, from 1 */
	struct session_binding session;
};

struct decision {
	const struct view *removes; /* runs of PRID and PPRID objects */
	size_t remove_count;
	const struct view *installs; /* runs of PRID and EPD objects, without framework rows */
	size_t install_count;
	struct view pdp_name;      /* of frwkPibIncarnation; empty if there is none */
	const struct pri *roles;   /* frwkRoleCombo and frwkIfRoleCombo rows */
	size_t role_count;
	const struct pri *errors;  /* frwkError rows: the PDP on our request */
	size_t error_count;
	struct view pdp_text;      /* its words on that (copsecFailure); may be empty */
};

/* All faults found are in the verdict; the first one's code is returned. */
enum err decision_read(const struct transfer_piece *pieces, size_t count, struct arena *arena,
                       struct decision *ret, struct verdict *verdict) MUST_USE;

#endif
