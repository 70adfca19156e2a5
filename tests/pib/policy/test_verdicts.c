/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/verdicts.h"

#include <stdio.h>
#include <string.h>

#include "pib/flow/lists.h"
#include "pib/flow/sets.h"
#include "tests/pib/policy/random_policies.h"
#include "tests/suite.h"

enum { SEED = 700, ROUNDS = 200, RULES = 8, FLOWS = 60 };

static const char *const combinations[] = {"lan", "wan"};
static const struct policy_roles roles = {combinations, 2};

static struct arena arena;
static struct flow_manager *manager;
static struct policy_verdicts *verdicts;
static struct error error;

static void setup(void)
{
	arena_init(&arena, 1 << 26);
	manager = flow_manager_new(FLOW_NODES_DEFAULT);
	verdicts = policy_verdicts_new();
	ck_assert(manager && verdicts);
}

static void teardown(void)
{
	policy_verdicts_free(verdicts);
	flow_manager_free(manager);
	arena_fini(&arena);
}

static struct random start_round(int seed)
{
	struct random r = {(uint64_t)seed};

	fprintf(stderr, "seed %d\n", seed);
	teardown();
	setup();
	return r;
}

#define MUST(call) ck_assert_msg((call) == E_OK, "%s", error.text)

static flow_ref partition(
	const struct policy *policy, enum flow_direction d, const struct flow_match *region)
{
	flow_ref ref = 0;

	MUST(policy_partition(policy, d, &roles, region, manager, verdicts, &ref, &error));
	return ref;
}

static void a_flow_gets_the_verdict_of_its_rule(int seed)
{
	struct random r = start_round(seed);
	const struct policy *policy = random_policy_of(&r, &arena, RULES, false);
	struct flow_match region;
	flow_ref whole[FLOW_DIRECTIONS], part[FLOW_DIRECTIONS];

	while (!random_match(&r, &arena, 1, &region))
		;
	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS; d++) {
		whole[d] = partition(policy, d, NULL);
		part[d] = partition(policy, d, &region);
	}
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_policy_flow(&r, policy);
		struct policy_verdict expected =
			policy_verdict_of(policy_evaluate(policy, &flow, &roles));
		uint32_t number = flow_evaluate(manager, whole[flow.direction], &flow);

		ck_assert(policy_verdict_equal(policy_verdicts_get(verdicts, number), &expected));
		if (!flow_match_contains(&region, &flow))
			number = POLICY_VERDICT_DISCARD;
		ck_assert_uint_eq(flow_evaluate(manager, part[flow.direction], &flow), number);
	}
}

START_TEST(flows_get_the_verdicts_of_their_rules)
{
	for (int i = 0; i < ROUNDS; i++)
		a_flow_gets_the_verdict_of_its_rule(SEED + i);
}
END_TEST

static void versions_differ_where_their_verdicts_do(int seed)
{
	struct random r = start_round(seed);
	const struct policy *before = random_policy_of(&r, &arena, RULES, false);
	const struct policy *after = random_policy_of(&r, &arena, RULES, false);
	struct flow_changes changes[FLOW_DIRECTIONS];

	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS; d++)
		MUST(flow_changes(manager, partition(before, d, NULL), partition(after, d, NULL),
			&arena, &changes[d], &error));
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_policy_flow(&r, i % 2 ? before : after);
		const struct flow_changes *c = &changes[flow.direction];
		uint32_t kind = flow_evaluate(manager, c->diagram, &flow);
		struct policy_verdict was =
			policy_verdict_of(policy_evaluate(before, &flow, &roles));
		struct policy_verdict is = policy_verdict_of(policy_evaluate(after, &flow, &roles));

		ck_assert((kind == 0) == policy_verdict_equal(&was, &is));
		if (!kind)
			continue;
		ck_assert(policy_verdict_equal(
			policy_verdicts_get(verdicts, c->list[kind - 1].from), &was));
		ck_assert(policy_verdict_equal(
			policy_verdicts_get(verdicts, c->list[kind - 1].to), &is));
	}
}

START_TEST(two_versions_differ_exactly_where_their_verdicts_do)
{
	for (int i = 0; i < ROUNDS; i++)
		versions_differ_where_their_verdicts_do(SEED + i);
}
END_TEST

START_TEST(equal_protections_of_two_policies_are_one_verdict)
{
	struct policy_protection twin = test_protections[0];
	struct policy_rule rules[] = {
		{.action = POLICY_PROTECT,
			.demand = POLICY_REQUIRED,
			.protection = &test_protections[0]},
		{.action = POLICY_PROTECT, .demand = POLICY_REQUIRED, .protection = &twin},
		{.action = POLICY_PROTECT,
			.demand = POLICY_REQUIRED,
			.protection = &test_protections[1]},
		{.action = POLICY_DISCARD},
		{.action = POLICY_BYPASS},
	};
	uint32_t number[5];

	twin.instance = 77;
	for (size_t i = 0; i < 5; i++)
		MUST(policy_verdicts_number(verdicts, &rules[i], &number[i]));
	ck_assert_uint_eq(number[0], number[1]);
	ck_assert_uint_ne(number[0], number[2]);
	ck_assert_uint_eq(number[3], POLICY_VERDICT_DISCARD);
	ck_assert_uint_eq(policy_verdicts_count(verdicts), 4);
	twin.demand = rules[1].demand = POLICY_PREFERRED;
	MUST(policy_verdicts_number(verdicts, &rules[1], &number[1]));
	ck_assert_uint_eq(number[1], 4);
}
END_TEST

START_TEST(strictness_is_the_order_of_the_design)
{
	static const struct {
		struct policy_verdict verdict;
		const char *text;
	} ascending[] = {
		{{.action = POLICY_BYPASS}, "bypass"},
		{{.action = POLICY_PROTECT, .demand = POLICY_PREFERRED,
			 .protection = &test_protections[2]},
			"protect with \"a\", or in clear"},
		{{.action = POLICY_PROTECT, .demand = POLICY_REQUIRED,
			 .protection = &test_protections[0]},
			"protect with \"A\""},
		{{.action = POLICY_DISCARD}, "discard"},
	};
	struct policy_verdict none = policy_verdict_of(NULL);

	for (unsigned i = 0; i < 4; i++) {
		struct buffer b;

		ck_assert_uint_eq((unsigned)policy_strictness(&ascending[i].verdict), i);
		buffer_init(&b, 256);
		policy_print_verdict(&b, &ascending[i].verdict);
		buffer_put_u8(&b, 0);
		ck_assert_str_eq((const char *)b.data, ascending[i].text);
		buffer_fini(&b);
	}
	ck_assert_int_eq(policy_strictness(&none), STRICTNESS_DISCARD);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/policy/verdicts");
	TCase *c = tcase_create("verdicts");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, flows_get_the_verdicts_of_their_rules);
	tcase_add_test(c, two_versions_differ_exactly_where_their_verdicts_do);
	tcase_add_test(c, equal_protections_of_two_policies_are_one_verdict);
	tcase_add_test(c, strictness_is_the_order_of_the_design);
	suite_add_tcase(s, c);
	return suite_main(s);
}
