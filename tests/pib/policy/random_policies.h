/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policies without a set behind them: random matches, random actions. All in one arena. */
#ifndef COPSEC_TESTS_PIB_POLICY_RANDOM_POLICIES_H
#define COPSEC_TESTS_PIB_POLICY_RANDOM_POLICIES_H

#include "pib/policy/policy.h"
#include "tests/pib/flow/random_flows.h"

static const struct policy_ike test_ike = {.authentication = POLICY_RAW_KEY};
/* Names by letter; the case of the letter is the demand. */
static const struct policy_protection test_protections[] = {
	{.name = "A", .number = 1, .demand = POLICY_REQUIRED, .ike = &test_ike, .ike_count = 1},
	{.name = "B", .number = 2, .demand = POLICY_REQUIRED, .ike = &test_ike, .ike_count = 1},
	{.name = "a", .number = 3, .demand = POLICY_PREFERRED, .ike = &test_ike, .ike_count = 1},
	{.name = "b", .number = 4, .demand = POLICY_PREFERRED, .ike = &test_ike, .ike_count = 1},
};
enum { TEST_PROTECTIONS = sizeof test_protections / sizeof *test_protections };

/* No protection stands for an action of its own: the first two values are discard and bypass. */
static inline void random_action(struct random *r, struct policy_rule *rule)
{
	uint32_t what = random_below(r, 2 + TEST_PROTECTIONS);

	rule->action = what == 0 ? POLICY_DISCARD : what == 1 ? POLICY_BYPASS : POLICY_PROTECT;
	rule->protection = what >= 2 ? &test_protections[what - 2] : NULL;
	if (rule->protection)
		rule->demand = rule->protection->demand;
}

static inline void random_rule_of(
	struct random *r, struct arena *arena, uint32_t number, struct policy_rule *rule)
{
	static const char *const roles[] = {"", "lan", "wan"};
	size_t count = 1 + random_below(r, 2);
	struct flow_match *matches = arena_calloc(arena, count, sizeof *matches);
	size_t kept = 0;

	ck_assert_ptr_nonnull(matches);
	while (kept < count)
		if (random_match(r, arena, number, &matches[kept])) {
			matches[kept].field[FLOW_DIRECTION] = matches[kept].field[FLOW_IN_ROLE] =
				matches[kept].field[FLOW_OUT_ROLE] =
					(struct flow_intervals){NULL, 0};
			kept++;
		}
	*rule = (struct policy_rule){
		.name = "rule",
		.instance = number,
		.number = number,
		.order = number,
		.forward = random_below(r, 3) == 0,
		.direction = (enum policy_rule_direction)(1 + random_below(r, 3)),
		.in_role = roles[random_below(r, 3)],
		.out_role = roles[random_below(r, 3)],
		.matches = matches,
		.match_count = count,
		.initiator = POLICY_BOTH,
		.stateful = random_below(r, 8) != 0,
		.log = random_below(r, 8) == 0,
		.rate = {.count = random_below(r, 8) == 0, .seconds = 1, .scope = POLICY_OF_RULE},
		.connections = {.count = random_below(r, 8) == 0, .scope = POLICY_OF_SOURCE},
	};
	if (!rule->forward)
		rule->in_role = rule->out_role = "";
	random_action(r, rule);
}

/* `last_open`: a last rule lets everything pass, in every direction. */
static inline struct policy *random_policy_of(
	struct random *r, struct arena *arena, size_t count, bool last_open)
{
	struct policy *policy = arena_calloc(arena, 1, sizeof *policy);
	struct policy_rule *rules = arena_calloc(arena, count + 2, sizeof *rules);
	struct flow_match *all = arena_calloc(arena, 2, sizeof *all);

	ck_assert(policy && rules && all);
	for (size_t i = 0; i < count; i++)
		random_rule_of(r, arena, (uint32_t)i + 1, &rules[i]);
	for (size_t i = 0; last_open && i < 2; i++) {
		all[i].number = (uint32_t)count + 1;
		rules[count] = (struct policy_rule){.name = "rest",
			.number = (uint32_t)count + 1,
			.forward = i,
			.direction = POLICY_BOTH_DIRECTIONS,
			.in_role = "",
			.out_role = "",
			.matches = &all[i],
			.match_count = 1,
			.action = POLICY_BYPASS,
			.initiator = POLICY_BOTH,
			.stateful = true};
		count++;
	}
	*policy = (struct policy){.roles = "lan",
		.capability_set = "",
		.rules = rules,
		.rule_count = count,
		.protections = test_protections,
		.protection_count = TEST_PROTECTIONS};
	return policy;
}

/* A flow at the borders of a policy's rules, in any direction, between any interfaces. */
static inline struct flow random_policy_flow(struct random *r, const struct policy *policy)
{
	const struct policy_rule *rule =
		&policy->rules[random_below(r, (uint32_t)policy->rule_count)];
	struct flow flow = random_flow(r, rule->matches, rule->match_count);

	flow.direction = (enum flow_direction)random_below(r, FLOW_DIRECTIONS);
	flow.in_role = (uint16_t)random_below(r, 3);
	flow.out_role = (uint16_t)random_below(r, 3);
	return random_below(r, 3) ? flow : flow_mirror(&flow);
}

#endif
