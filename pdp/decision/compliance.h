/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the nodes have reported: one entry a node, in memory and in the store. A node counts as
 * being on a serial only by a report that its enforcer signed; what its net process claims is
 * worth nothing. Entries live until the table is freed.
 */
#ifndef COPSEC_PDP_DECISION_COMPLIANCE_H
#define COPSEC_PDP_DECISION_COMPLIANCE_H

#include "common/cops/pr.h"
#include "pdp/decision/publication.h"
#include "pdp/store/store.h"

enum { COMPLIANCE_NODES_MAX = 65536 };

struct compliance_table;

/* Reads what the store remembers; the store is borrowed. */
enum err compliance_table_new(struct store *store, struct compliance_table **ret_table,
	struct error *error) MUST_USE;
struct compliance_table *compliance_table_free(struct compliance_table *t);

/* NULL if the node never reported. The entry is the table's. */
const struct store_report *compliance_find(const struct compliance_table *t, const char *node);
/* How many reports of this node were recorded since the table was made. */
uint64_t compliance_count(const struct compliance_table *t, const char *node);

/*
 * A report (RPT) of `node` with what stood in its Named ClientSI. Success needs a copsecCompliance
 * signed by the node's report key; without it the report counts as a failure that says so. Failures
 * are put into a sentence: PRI, error code, and the node's own words (copsecFailure).
 * E_SIGNATURE, E_MISMATCH and the like if a signed report does not hold: nothing is recorded then.
 */
enum err compliance_report(struct compliance_table *t, const struct publication_node *node,
	bool success, const struct view *named, size_t count, uint64_t now_utc,
	const struct store_report **ret_report, struct error *error) MUST_USE;

#endif
