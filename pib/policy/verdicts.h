/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done with a flow, whichever rule says so.
 *
 * Two versions of a policy, or the policies of two nodes, are compared by what they do. A table of
 * verdicts numbers what the rules of any number of policies do: rules that do the same have the
 * same number, in whatever policy they stand, and protections are the same if they say the same
 * (policy_protection_equal). So one manager can hold the partitions of all policies by action, and
 * sets.h and lists.h compare them:
 *
 *     policy_partition(before, ..., &a), policy_partition(after, ..., &b)
 *     flow_changes(m, a, b, ...)         each change is from one verdict to another
 *     flows_with_number(), flows_boxes(), flow_sample()   the flows that it concerns
 *
 * To a verdict belongs in which manner flows pass: within which limits, whether answers pass too, and
 * whether packets are logged. Of what is discarded only the log counts. Limits are compared as what
 * one flow may meet; how many flows share one is not seen.
 *
 * Strictness is the order in which authorities outdo each other (design: discard, protection
 * required, protection preferred, bypass). Between two protections of one rank it says nothing.
 *
 * Verdicts borrow from the policies, which must outlive the table.
 */
#ifndef COPSEC_PIB_POLICY_VERDICTS_H
#define COPSEC_PIB_POLICY_VERDICTS_H

#include "pib/policy/policy.h"

/* From lax to strict. */
enum policy_strictness {
	STRICTNESS_BYPASS,
	STRICTNESS_PREFERRED,
	STRICTNESS_REQUIRED,
	STRICTNESS_DISCARD,
};

struct policy_manner {
	struct policy_limit rate;
	struct policy_limit connections;
	bool stateful;
	bool log;
};

struct policy_verdict {
	enum policy_action action;
	/* Of POLICY_PROTECT. The demand is the protection's own unless an authority made it
	 * stricter. */
	enum policy_demand demand;
	const struct policy_protection
		*protection; /* the first of them; NULL if none is negotiated */
	/* If the rule that says so has more than one step, or one that is not negotiated. */
	const struct policy_rule *compound;
	struct policy_manner manner;
};

enum policy_strictness policy_strictness(const struct policy_verdict *verdict);
/* `rule` NULL: no rule, and that is discard. */
struct policy_verdict policy_verdict_of(const struct policy_rule *rule);
bool policy_verdict_equal(const struct policy_verdict *a, const struct policy_verdict *b);
/* The same action and protection, in whatever manner. */
bool policy_verdict_same_action(const struct policy_verdict *a, const struct policy_verdict *b);
/* May something pass in the second manner that did not in the first? Both ways: they cannot be
 * compared. Neither way: they are the same but for the log. */
bool policy_manner_exceeds(const struct policy_manner *before, const struct policy_manner *after);
/* "discard", "bypass", `protect with "strong"`, `protect with "strong", or in clear`. */
void policy_print_verdict(struct buffer *b, const struct policy_verdict *verdict);
/* ", without state, log, 5 new ones in 60 s": what is not usual of the verdict's manner. */
void policy_print_manner(struct buffer *b, const struct policy_verdict *verdict);

struct policy_verdicts;

/* The number of discard, and of what no rule matches: so FLOW_NOTHING discards everything. */
enum { POLICY_VERDICT_DISCARD = 0 };

/* NULL when memory is exhausted. */
struct policy_verdicts *policy_verdicts_new(void);
struct policy_verdicts *policy_verdicts_free(struct policy_verdicts *v); /* takes NULL */
size_t policy_verdicts_count(const struct policy_verdicts *v);
/* By a number below the count. */
const struct policy_verdict *policy_verdicts_get(const struct policy_verdicts *v, uint32_t number);
/* What this rule does; a new number if no rule did that before. E_MEMORY. */
enum err policy_verdicts_number(
	struct policy_verdicts *v, const struct policy_rule *rule, uint32_t *ret) MUST_USE;

/* The partition of all flows of one direction by verdict: a diagram whose numbers are those of the
 * table. With a region, flows outside are discarded, and only the rules that have to do with it are
 * looked at. Errors are those of policy_matches and flow_build. */
enum err policy_partition(const struct policy *policy, enum flow_direction direction,
	const struct policy_roles *roles, const struct flow_match *region, struct flow_manager *m,
	struct policy_verdicts *v, flow_ref *ret, struct error *error) MUST_USE;

#endif
