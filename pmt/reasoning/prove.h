/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Statements about the whole network: these flows get at least this, whichever nodes they come
 * from, pass and reach.
 *
 * A flow is judged where it starts, if its source is the address of a node, and where it arrives,
 * if its destination is; a flow between addresses that no node has is judged by each node that may
 * pass it on. It gets what the strictest of the nodes at its ends says. A statement is false if
 * there is a flow that gets less than it demands at all of them; then there is one as an example,
 * and its path. Where a node's address is not in the policy, any address may be its own.
 *
 * Nodes in between are not believed to be on the path of a flow whose end is a node: the policy
 * does not know the wires. So what is proved holds on any.
 *
 * Where other authorities have a say too, the strictest of all counts, as at the nodes
 * (pib/policy/layers.h). Of a policy that is not home's, and stands alone, what its rules for
 * everybody guarantee is proved, whatever home's say.
 *
 * Rules that are not always there may be there or not, at each end for itself: what is proved holds
 * at any time and whatever offers are switched on.
 *
 * Exact, over the decision diagrams of the sets, narrowed to the flows that the statement is about.
 */
#ifndef COPSEC_PMT_REASONING_PROVE_H
#define COPSEC_PMT_REASONING_PROVE_H

#include "pmt/reasoning/sayings.h"

enum { PROOF_STEPS_MAX = 2 };

/* Where the example is let through, and by which rule. */
struct proof_step {
	enum flow_direction direction;
	const char *node, *interface; /* interface NULL: it passes through the node */
	const char *set;
	size_t sayer; /* whose rule it is: 0 home's, else the number that prover_add() gave */
	const struct policy_rule *rule;
	struct policy_verdict verdict;    /* of all of them together */
	const struct circumstances *when; /* in which it is so; NULL: whatever is on */
};

struct proof {
	bool holds;
	bool empty; /* no flow is meant */
	/* Only if it does not hold. */
	struct flow flow;
	struct proof_step path[PROOF_STEPS_MAX];
	size_t step_count;
};

struct prover;

/* Both must outlive it; the reading is of what compile_policy() made of the model. */
enum err prover_new(const struct model *m, struct reading *reading, struct prover **ret,
	struct error *e) MUST_USE;
/* Another authority, whose sets count where their roles fit; it is number 1, 2, ... The reading
 * must outlive the prover. E_LIMIT. */
enum err prover_add(
	struct prover *p, struct reading *other, const char *authority, struct error *e) MUST_USE;
struct prover *prover_free(struct prover *p); /* takes NULL, returns NULL */

enum err prover_prove(struct prover *p, const struct model_proof *statement, struct proof *ret,
	struct error *e) MUST_USE;

/* Is the first as good as the second, whatever the peers agree on: cipher, key exchange and
 * integrity at least as strong (NIST SP 800-57 part 1), and not only preferred where the second is
 * required? */
bool protection_at_least(const struct policy_protection *p, const struct policy_protection *wanted);

#endif
