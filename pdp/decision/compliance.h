/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the nodes have reported: one entry a node, in memory and in the store. A node counts as
 * being on a serial only by a report that its enforcer signed; what its net process claims is
 * worth nothing. Entries live, at the same address, until the table is freed.
 *
 * Reports are written to the store by compliance_flush(), many in one transaction: a disk would
 * not follow if thousands of nodes reported at once. What is lost with the power comes again, for
 * every node reports after it has connected.
 */
#ifndef COPSEC_PDP_DECISION_COMPLIANCE_H
#define COPSEC_PDP_DECISION_COMPLIANCE_H

#include "common/cops/message.h"
#include "pdp/decision/publication.h"
#include "pdp/store/store.h"

enum {
	COMPLIANCE_NODES_MAX = 65536,
	/* Octets of what a failure may say, with the NUL; a longer one is cut and ends in "...".
	 * All of it is in the node's log. */
	COMPLIANCE_TEXT_SIZE = 1024,
};

struct compliance_table;

/* Reads what the store remembers; the store is borrowed. */
enum err compliance_table_new(struct store *store, struct compliance_table **ret_table,
	struct error *error) MUST_USE;
/* Without compliance_flush(). Takes NULL. */
struct compliance_table *compliance_table_free(struct compliance_table *t);

/* NULL if the node never reported. The entry is the table's. */
const struct store_report *compliance_find(const struct compliance_table *t, const char *node);
/* How many reports of this node were recorded since the table was made. */
uint64_t compliance_count(const struct compliance_table *t, const char *node);

struct report_origin {
	uint32_t decision; /* 0: it answers none */
	struct session_binding session;
};

/*
 * A report (RPT, checked by its session) of `node`. Success needs a copsecCompliance signed by the
 * node's report key; without it the report counts as a failure that says so. Failures are put into
 * a sentence of printable ASCII: PRI, error code, and the node's own words (copsecFailure).
 *
 * `origin` is the decision that it answers, and the session; a signature over another number or
 * session is E_STALE. E_SIGNATURE, E_MISMATCH and the like if a signed report does not hold.
 * Nothing is recorded then.
 */
enum err compliance_report(struct compliance_table *t, const struct publication_node *node,
	const struct cops_message *report, const struct report_origin *origin, uint64_t now_utc,
	const struct store_report **ret_report, struct error *error) MUST_USE;

/* Puts what was reported since into the store; what could not be put is tried again next time. */
enum err compliance_flush(struct compliance_table *t, struct error *error) MUST_USE;

#endif
