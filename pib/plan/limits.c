/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/build.h"

/* What tells apart for whom a limit counts. */
static enum plan_key scope_key(enum policy_scope scope, uint32_t family)
{
	if (scope == POLICY_OF_SOURCE)
		return family == FAMILY_IPV4 ? PLAN_KEY_SOURCE4 : PLAN_KEY_SOURCE6_NETWORK;
	if (scope == POLICY_OF_DESTINATION)
		return family == FAMILY_IPV4 ? PLAN_KEY_DESTINATION4
					     : PLAN_KEY_DESTINATION6_NETWORK;
	return PLAN_KEY_COUNT;
}

static void put_within(struct build *b, struct plan_chain *chain, const struct policy_rule *rule,
	uint32_t family, const struct plan_chain *pass, const struct plan_cause *cause)
{
	struct writer *w = &b->w;
	const struct policy_limit *rate = &rule->rate, *connections = &rule->connections;

	if (family)
		step_is(w, PLAN_KEY_FAMILY, family);
	if (rate->count)
		step_rate(w, scope_key(rate->scope, family), rate->count, rate->seconds,
			rate->burst ? rate->burst : rate->count);
	if (connections->count)
		step_connections(w, scope_key(connections->scope, family), connections->count);
	step_goto(w, pass);
	writer_rule(w, chain, cause);
}

static bool is_keyed(const struct policy_limit *limit)
{
	return limit->count && limit->scope != POLICY_OF_RULE;
}

struct plan_chain *build_limits(struct build *b, const char *name, const struct policy_rule *rule,
	const struct plan_counter *counter, struct plan_chain *pass)
{
	struct writer *w = &b->w;
	const struct plan_cause *cause = &counter->cause;
	struct plan_chain *chain;

	if (!rule->rate.count && !rule->connections.count)
		return pass;
	chain = writer_chain(w, PLAN_HOOK_NONE, writer_text(w, "%s-limits", name));
	/* A flow that nobody answers is new to the kernel with each packet, but it has its mark. */
	if (rule->stateful)
		step_masked(w, PLAN_KEY_CT_MARK, b->plan->marks.passed, b->plan->marks.passed);
	else
		step_masked_not(w, PLAN_KEY_CT_STATE, STATE_NEW, STATE_NEW);
	step_goto(w, pass);
	writer_rule(w, chain, cause);
	if (is_keyed(&rule->rate) || is_keyed(&rule->connections)) {
		put_within(b, chain, rule, FAMILY_IPV4, pass, cause);
		put_within(b, chain, rule, FAMILY_IPV6, pass, cause);
	} else {
		put_within(b, chain, rule, 0, pass, cause);
	}
	step_ct_mark(w, ~b->plan->marks.mask, 0);
	step_count(w, writer_counter(w, writer_text(w, "over-limit/%s", counter->name), "", cause));
	step_drop(w);
	writer_rule(w, chain, cause);
	return chain;
}
