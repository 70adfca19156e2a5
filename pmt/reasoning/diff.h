/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a change of a policy means: which flows are treated in another way than before, exactly.
 *
 * Two readings are compared node by node: what each interface lets in and out, and what each node
 * passes on. Interfaces for which the same two sets are compared are one place, for they have the
 * same changes. A change is all flows of a place that went from one verdict to another, as boxes
 * for people, with one flow as an example and the rules that decide it.
 *
 * A change widens if something may pass that did not, or with less protection: a verdict that is
 * less strict, another protection that accepts a proposal, a peer or an authentication that the old
 * one did not, a limit that is higher or gone, or answers that pass now. If some pass that did not
 * and others pass no more, it only changes; what is logged alone never lets anything pass.
 *
 * Where rules are not always there, the sets are compared in each case: first with no schedule and
 * no offer on, and then what is different with some of them on. A schedule that has other times now
 * is another schedule.
 *
 * Nodes that are in one reading only are named and not compared: nothing of them has changed.
 * Everything lives in the diff's arena and borrows from the readings.
 */
#ifndef COPSEC_PMT_REASONING_DIFF_H
#define COPSEC_PMT_REASONING_DIFF_H

#include "pib/policy/verdicts.h"
#include "pmt/compiler/cases.h"

enum {
	DIFF_BOXES_SHOWN = 6, /* of one change; the rest is counted as more */
};

/* In the order in which they are told. */
enum diff_effect { DIFF_WIDENS, DIFF_CHANGES, DIFF_TIGHTENS, DIFF_LOGS };

struct diff_change {
	const struct circumstances *when; /* what is on then */
	struct policy_verdict before, after;
	enum diff_effect effect;
	const struct flow_match *boxes;
	size_t box_count;
	bool more_boxes;
	struct flow sample;
	const struct policy_rule *rule_before, *rule_after; /* of the sample; NULL: none matches */
};

struct diff_place {
	enum flow_direction direction;
	const char *before, *after; /* names of the sets; "": no roles, everything is dropped */
	const char **who;           /* "NODE INTERFACE", or "NODE" for what it passes on */
	size_t who_count;
	struct flow_intervals interfaces; /* of what passes on: numbers of their roles */
	struct diff_change *changes;
	size_t change_count;
};

struct diff {
	struct arena arena;
	struct diff_place *places; /* those with changes */
	size_t place_count;
	const char **new_nodes, **gone_nodes;
	size_t new_count, gone_count;
	size_t changes, widening; /* those that widen, or change what passes */
	struct policy_roles roles; /* numbers in FLOW_IN_ROLE and FLOW_OUT_ROLE */
};

/* diff_fini() also after a failure. */
enum err diff_find(
	struct diff *d, struct reading *before, struct reading *after, struct error *e) MUST_USE;
void diff_fini(struct diff *d);

/* Of two verdicts that differ. */
enum diff_effect verdict_effect(
	const struct policy_verdict *before, const struct policy_verdict *after);
/* Does it let anything pass that did not? */
bool diff_lets_more(enum diff_effect effect);

#endif
