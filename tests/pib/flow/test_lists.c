/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/lists.h"

#include <string.h>

#include "tests/pib/flow/world.h"
#include "tests/suite.h"

enum { SEED = 400, ROUNDS = 200, MATCHES = 16, FLOWS = 100, ACTIONS = 3 };

static struct flow_match matches[2 * MATCHES];

/* Rule n does this. */
static uint32_t action_of(void *context, uint32_t number)
{
	(void)context;
	return number % ACTIONS;
}

static flow_ref to_actions(flow_ref diagram)
{
	flow_ref ref = 0;

	MUST(flow_map(manager, diagram, action_of, NULL, &ref, &error));
	return ref;
}

static void check_a_partition_gives_each_flow_the_action_of_its_rule(int seed)
{
	struct random r = start_round(seed);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	flow_ref diagram = build(matches, count);
	flow_ref actions = to_actions(diagram);
	flow_ref regions[ACTIONS];
	flow_ref sum = FLOWS_NONE;

	for (uint32_t a = 0; a < ACTIONS; a++) {
		flow_ref both = 0;

		MUST(flows_with_number(manager, actions, a, &regions[a], &error));
		MUST(flows_intersection(manager, sum, regions[a], &both, &error));
		ck_assert_uint_eq(both, FLOWS_NONE);
		MUST(flows_union(manager, sum, regions[a], &sum, &error));
	}
	ck_assert_uint_eq(sum, FLOWS_ALL);
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, matches, count);
		uint32_t a = action_of(NULL, flow_first_match(matches, count, &flow));

		ck_assert_uint_eq(flow_evaluate(manager, actions, &flow), a);
		ck_assert(flows_contain(manager, regions[a], &flow));
	}
}
START_TEST(a_partition_gives_each_flow_the_action_of_its_rule)
{
	for (int i = 0; i < ROUNDS; i++)
		check_a_partition_gives_each_flow_the_action_of_its_rule(SEED + i);
}
END_TEST

static void check_what_a_rule_decides_is_what_those_before_it_leave(int seed)
{
	struct random r = start_round(seed);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	flow_ref diagram = build(matches, count);
	flow_ref before = FLOWS_NONE;

	for (size_t i = 0; i < count; i++) {
		flow_ref rule, left, decided;

		MUST(flows_of_matches(manager, &matches[i], 1, &rule, &error));
		MUST(flows_difference(manager, rule, before, &left, &error));
		MUST(flows_with_number(manager, diagram, (uint32_t)i + 1, &decided, &error));
		ck_assert_uint_eq(decided, left);
		MUST(flows_union(manager, before, rule, &before, &error));
	}
}
START_TEST(what_a_rule_decides_is_what_those_before_it_leave)
{
	for (int i = 0; i < ROUNDS; i++)
		check_what_a_rule_decides_is_what_those_before_it_leave(SEED + i);
}
END_TEST

static void check_restricting_before_or_after_building_is_the_same(int seed)
{
	struct random r = start_round(seed);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	struct flow_match *region = &matches[count];
	struct flow_match *list;
	flow_ref late, early;
	size_t kept;

	while (!random_match(&r, &arena, 1, region))
		;
	ck_assert_int_eq(flow_restrict_matches(&arena, matches, count, region, &list, &kept), E_OK);
	ck_assert_uint_le(kept, count);
	early = build(list, kept);
	MUST(flow_restrict(manager, build(matches, count), region, 0, &late, &error));
	ck_assert_uint_eq(early, late);
}
START_TEST(restricting_before_or_after_building_is_the_same)
{
	for (int i = 0; i < ROUNDS; i++)
		check_restricting_before_or_after_building_is_the_same(SEED + i);
}
END_TEST

/* Cuts rules in pieces, so that several matches have one number. */
static void merge_numbers(struct random *r, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (random_below(r, 3) == 0)
			matches[i].number = matches[i - 1].number;
}

/* The rule that decides if the one that does were not there. */
static uint32_t next_match(size_t count, const struct flow *flow, uint32_t first)
{
	for (size_t i = 0; i < count; i++)
		if (matches[i].number != first && flow_match_contains(&matches[i], flow))
			return matches[i].number;
	return 0;
}

static void check_a_rule_is_needed_where_the_next_one_does_something_else(int seed)
{
	struct random r = start_round(seed);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	flow_ref needed = 0;

	merge_numbers(&r, count);
	MUST(flow_build_needed(manager, matches, count, action_of, NULL, &needed, &error));
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, matches, count);
		uint32_t first = flow_first_match(matches, count, &flow);
		uint32_t next = next_match(count, &flow, first);

		if (action_of(NULL, first) == action_of(NULL, next))
			first = 0;
		ck_assert_uint_eq(flow_evaluate(manager, needed, &flow), first);
	}
}
START_TEST(a_rule_is_needed_where_the_next_one_does_something_else)
{
	for (int i = 0; i < ROUNDS; i++)
		check_a_rule_is_needed_where_the_next_one_does_something_else(SEED + i);
}
END_TEST

static void check_without_a_rule_that_is_not_needed_nothing_changes(int seed)
{
	struct random r = start_round(seed);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	struct flow_match rest[MATCHES];
	bool is_needed[MATCHES + 1] = {false};
	flow_ref needed = 0;
	flow_ref actions;

	merge_numbers(&r, count);
	MUST(flow_build_needed(manager, matches, count, action_of, NULL, &needed, &error));
	ck_assert_int_eq(flow_numbers(manager, needed, is_needed, MATCHES + 1), E_OK);
	actions = to_actions(build(matches, count));
	for (uint32_t number = 1; number <= count; number++) {
		size_t kept = 0;

		for (size_t i = 0; i < count; i++)
			if (matches[i].number != number)
				rest[kept++] = matches[i];
		ck_assert((to_actions(build(rest, kept)) != actions) == is_needed[number]);
	}
}
START_TEST(without_a_rule_that_is_not_needed_nothing_changes)
{
	for (int i = 0; i < ROUNDS; i++)
		check_without_a_rule_that_is_not_needed_nothing_changes(SEED + i);
}
END_TEST

static void check_changes_are_what_two_lists_say_differently(int seed)
{
	struct random r = start_round(seed);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	size_t more = random_matches(&r, &arena, matches + count, MATCHES);
	flow_ref before = build(matches, count);
	flow_ref after = build(matches + count, more);
	struct flow_changes changes;
	struct flow sample;

	MUST(flow_changes(manager, before, after, &arena, &changes, &error));
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, matches, count + more);
		uint32_t from = flow_first_match(matches, count, &flow);
		uint32_t to = flow_first_match(matches + count, more, &flow);
		uint32_t kind = flow_evaluate(manager, changes.diagram, &flow);

		ck_assert((kind == 0) == (from == to));
		ck_assert_uint_le(kind, changes.count);
		if (kind) {
			ck_assert_uint_eq(changes.list[kind - 1].from, from);
			ck_assert_uint_eq(changes.list[kind - 1].to, to);
		}
	}
	/* Each kind happens, and they are in order. */
	for (size_t i = 0; i < changes.count; i++) {
		const struct flow_change *c = &changes.list[i];

		ck_assert_int_eq(
			flow_sample(manager, changes.diagram, (uint32_t)i + 1, &sample), E_OK);
		ck_assert_uint_eq(flow_first_match(matches, count, &sample), c->from);
		ck_assert_uint_eq(flow_first_match(matches + count, more, &sample), c->to);
		ck_assert(i == 0 || c[-1].from < c->from ||
			  (c[-1].from == c->from && c[-1].to < c->to));
	}
	MUST(flow_changes(manager, before, before, &arena, &changes, &error));
	ck_assert_uint_eq(changes.diagram, FLOW_NOTHING);
	ck_assert_uint_eq(changes.count, 0);
}
START_TEST(changes_are_what_two_lists_say_differently)
{
	for (int i = 0; i < ROUNDS; i++)
		check_changes_are_what_two_lists_say_differently(SEED + i);
}
END_TEST

static uint32_t port_number(void *context, uint32_t a, uint32_t b)
{
	(void)context;
	return a * 300 + b;
}

START_TEST(too_many_kinds_of_change_are_an_error)
{
	static struct flow_match protocols[256], codes[64 * 8];
	flow_ref a, b, product;
	struct flow_changes changes;

	for (uint32_t i = 0; i < 256; i++) {
		protocols[i].number = i + 1;
		protocols[i].field[FLOW_PROTOCOL] = one(i, i);
	}
	for (uint32_t i = 0; i < 300; i++) {
		codes[i].number = i + 1;
		codes[i].field[FLOW_OUT_ROLE] = one(i, i);
	}
	a = build(protocols, 256);
	b = build(codes, 300);
	MUST(flow_combine(manager, a, b, port_number, NULL, &product, &error));
	ck_assert_int_eq(
		flow_changes(manager, FLOW_NOTHING, product, &arena, &changes, &error), E_LIMIT);
	ck_assert_ptr_nonnull(strstr(error.text, "65536"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/flow/lists");
	TCase *c = tcase_create("lists");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_partition_gives_each_flow_the_action_of_its_rule);
	tcase_add_test(c, what_a_rule_decides_is_what_those_before_it_leave);
	tcase_add_test(c, restricting_before_or_after_building_is_the_same);
	tcase_add_test(c, a_rule_is_needed_where_the_next_one_does_something_else);
	tcase_add_test(c, without_a_rule_that_is_not_needed_nothing_changes);
	tcase_add_test(c, changes_are_what_two_lists_say_differently);
	tcase_add_test(c, too_many_kinds_of_change_are_an_error);
	suite_add_tcase(s, c);
	return suite_main(s);
}
