/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/diagram.h"

#include <stdio.h>
#include <string.h>

#include "tests/pib/flow/random_flows.h"
#include "tests/suite.h"

enum { SEED = 20, LISTS = 25, MATCHES = 24, FLOWS = 400 };

static struct arena arena;
static struct flow_manager *manager;
static struct flow_match matches[2 * MATCHES];
static struct error error;

static void setup(void)
{
	arena_init(&arena, 1 << 24);
	manager = flow_manager_new(FLOW_NODES_DEFAULT);
	ck_assert_ptr_nonnull(manager);
}

static void teardown(void)
{
	flow_manager_free(manager);
	arena_fini(&arena);
}

static struct random start_random(int loop)
{
	struct random r = {(uint64_t)(SEED + loop)};

	/* Shown when the test fails. */
	fprintf(stderr, "seed %d\n", SEED + loop);
	return r;
}

static flow_ref build(const struct flow_match *list, size_t count)
{
	flow_ref ref = FLOW_NOTHING;

	ck_assert_msg(flow_build(manager, list, count, &ref, &error) == E_OK, "%s", error.text);
	return ref;
}

static struct flow_intervals one(uint64_t low, uint64_t high)
{
	struct flow_interval *list = arena_calloc(&arena, 1, sizeof *list);

	ck_assert_ptr_nonnull(list);
	*list = (struct flow_interval){{0, low}, {0, high}};
	return (struct flow_intervals){list, 1};
}

START_TEST(a_diagram_says_what_its_list_says)
{
	struct random r = start_random(_i);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	flow_ref ref = build(matches, count);

	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, matches, count);

		ck_assert_uint_eq(flow_evaluate(manager, ref, &flow),
			flow_first_match(matches, count, &flow));
	}
}
END_TEST

/* All combinations of the border values of a small list, not a random choice of them. */
START_TEST(a_diagram_is_right_at_every_border)
{
	struct flow_match list[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
	const uint8_t protocols[] = {0, 5, 6, 7, 16, 17, 18, 58, 255};
	const uint16_t ports[] = {0, 21, 22, 23, 79, 80, 442, 443, 444, 1023, 1024, 65535};
	flow_ref ref;

	list[0].field[FLOW_PROTOCOL] = one(6, 6);
	list[0].field[FLOW_DESTINATION_PORT] = one(22, 443);
	list[0].field[FLOW_SOURCE_PORT] = one(1024, 65535);
	list[1].field[FLOW_PROTOCOL] = one(17, 17);
	list[1].field[FLOW_SOURCE_PORT] = one(0, 1023);
	list[2].field[FLOW_PROTOCOL] = one(6, 17);
	list[2].field[FLOW_DSCP] = one(0, 0);
	list[3].field[FLOW_PROTOCOL] = one(6, 6);
	list[3].field[FLOW_DESTINATION_PORT] = one(80, 80);
	ref = build(list, 4);
	for (size_t p = 0; p < sizeof protocols; p++)
		for (size_t s = 0; s < sizeof ports / sizeof *ports; s++)
			for (size_t d = 0; d < sizeof ports / sizeof *ports; d++)
				for (uint8_t dscp = 0; dscp < 64; dscp = (uint8_t)(dscp + 21)) {
					struct flow f = {.family = FLOW_IPV6,
						.protocol = protocols[p],
						.source_port = ports[s],
						.destination_port = ports[d],
						.dscp = dscp};

					ck_assert_uint_eq(flow_evaluate(manager, ref, &f),
						flow_first_match(list, 4, &f));
				}
}
END_TEST

static uint32_t pair(void *context, uint32_t a, uint32_t b)
{
	(void)context;
	return a * 1000 + b;
}

START_TEST(a_product_is_the_pair_of_both)
{
	struct random r = start_random(_i);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	size_t more = random_matches(&r, &arena, matches + count, MATCHES);
	flow_ref a = build(matches, count);
	flow_ref b = build(matches + count, more);
	flow_ref both;

	ck_assert_int_eq(flow_combine(manager, a, b, pair, NULL, &both, &error), E_OK);
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, matches, count + more);

		ck_assert_uint_eq(flow_evaluate(manager, both, &flow),
			1000 * flow_first_match(matches, count, &flow) +
				flow_first_match(matches + count, more, &flow));
	}
}
END_TEST

static uint32_t left_or_right(void *context, uint32_t a, uint32_t b)
{
	(void)context;
	return a ? a : b;
}

/* First match over two lists, one behind the other, is a product too: another way to the same
 * function, which must end at the same reference. */
START_TEST(the_same_function_is_the_same_diagram)
{
	struct random r = start_random(_i);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	size_t cut = random_below(&r, (uint32_t)count + 1);
	flow_ref whole = build(matches, count);
	flow_ref front = build(matches, cut);
	flow_ref back = build(matches + cut, count - cut);
	flow_ref joined;

	ck_assert_int_eq(
		flow_combine(manager, front, back, left_or_right, NULL, &joined, &error), E_OK);
	ck_assert_uint_eq(joined, whole);
}
END_TEST

/* Cuts one interval of one field of a match in two. */
static bool cut_match(struct random *r, const struct flow_match *m, struct flow_match *ret_left,
	struct flow_match *ret_right)
{
	enum flow_field field = (enum flow_field)(FLOW_SOURCE + random_below(r, FLOW_FIELDS - 1));
	struct flow_intervals a = m->field[field];
	struct flow_interval *lists;
	size_t at;

	if (a.count == 0)
		return false;
	at = random_below(r, (uint32_t)a.count);
	lists = arena_calloc(&arena, 2 * a.count + 2, sizeof *lists);
	ck_assert_ptr_nonnull(lists);
	*ret_left = *ret_right = *m;
	memcpy(lists, a.list, (at + 1) * sizeof *lists);
	memcpy(lists + at + 1, a.list + at, (a.count - at) * sizeof *lists);
	ret_left->field[field] = (struct flow_intervals){lists, at + 1};
	ret_right->field[field] = (struct flow_intervals){lists + at + 1, a.count - at};
	if (field != FLOW_SOURCE && field != FLOW_DESTINATION) {
		uint64_t low = a.list[at].low.low;
		uint64_t middle = low + (a.list[at].high.low - low) / 2;

		/* The halves may overlap: both have the same number. */
		lists[at].high.low = middle;
		lists[at + 1].low.low = middle;
	}
	return true;
}

START_TEST(how_rules_are_cut_does_not_matter)
{
	struct random r = start_random(_i);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	struct flow_match cut[2 * MATCHES];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		if (cut_match(&r, &matches[i], &cut[len], &cut[len + 1]))
			len += 2;
		else
			cut[len++] = matches[i];
	}
	ck_assert_uint_eq(build(cut, len), build(matches, count));
}
END_TEST

START_TEST(neighbours_in_a_list_are_one_interval)
{
	const struct flow_interval cut[] = {
		{{0, 6}, {0, 6}}, {{0, 7}, {0, 16}}, {{0, 17}, {0, 17}}};
	const struct flow_interval all[] = {{{0, 0}, {0, 99}}, {{0, 100}, {0, 255}}};
	struct flow_match a = {.number = 1};
	struct flow_match b = {.number = 1};

	a.field[FLOW_PROTOCOL] = (struct flow_intervals){cut, 3};
	b.field[FLOW_PROTOCOL] = one(6, 17);
	ck_assert_uint_eq(build(&a, 1), build(&b, 1));
	a.field[FLOW_PROTOCOL] = (struct flow_intervals){all, 2};
	ck_assert_uint_eq(build(&a, 1), FLOW_LEAF(1));
}
END_TEST

START_TEST(lists_without_effect_are_leaves)
{
	struct flow_match list[] = {{.number = 5}, {.number = 6}};

	ck_assert_uint_eq(build(NULL, 0), FLOW_NOTHING);
	ck_assert_uint_eq(build(list, 2), FLOW_LEAF(5));
	list[0].number = 0;
	ck_assert_uint_eq(build(list, 2), FLOW_NOTHING);
}
END_TEST

START_TEST(a_restriction_is_the_region_and_nothing_else)
{
	struct random r = start_random(_i);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	/* A region of its own: some flows in it get no number. */
	struct flow_match *region = &matches[count];
	flow_ref whole = build(matches, count);
	flow_ref part, outside, back;

	while (!random_match(&r, &arena, 1, region))
		;
	ck_assert_int_eq(flow_restrict(manager, whole, region, 999, &part, &error), E_OK);
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, matches + count / 2, count - count / 2 + 1);
		uint32_t expected = flow_match_contains(region, &flow)
					    ? flow_first_match(matches, count, &flow)
					    : 999;

		ck_assert_uint_eq(flow_evaluate(manager, part, &flow), expected);
	}
	/* Twice is once. */
	ck_assert_int_eq(flow_restrict(manager, part, region, 999, &back, &error), E_OK);
	ck_assert_uint_eq(back, part);
	/* Of what is everywhere there is left what the region is. */
	ck_assert_int_eq(
		flow_restrict(manager, FLOW_LEAF(1), &matches[0], 0, &outside, &error), E_OK);
	ck_assert_uint_eq(outside, build(matches, 1));
}
END_TEST

START_TEST(every_number_has_a_sample_and_no_other_has)
{
	struct random r = start_random(_i);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	flow_ref ref = build(matches, count);
	bool seen[MATCHES + 2] = {false};
	bool met[MATCHES + 2] = {false};

	ck_assert_int_eq(flow_numbers(manager, ref, seen, MATCHES + 2), E_OK);
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, matches, count);

		met[flow_first_match(matches, count, &flow)] = true;
	}
	for (uint32_t number = 0; number < MATCHES + 2; number++) {
		struct flow flow;
		enum err err = flow_sample(manager, ref, number, &flow);

		ck_assert_int_eq(err, seen[number] ? E_OK : E_NOT_FOUND);
		ck_assert(seen[number] || !met[number]);
		if (!err)
			ck_assert_uint_eq(flow_first_match(matches, count, &flow), number);
	}
}
END_TEST

START_TEST(a_rule_behind_its_equal_is_never_reached)
{
	struct flow_match list[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
	bool seen[4] = {false};

	list[0].field[FLOW_PROTOCOL] = one(6, 6);
	list[1].field[FLOW_PROTOCOL] = one(6, 6);
	list[1].field[FLOW_DSCP] = one(1, 1);
	list[2].field[FLOW_DSCP] = one(1, 1);
	ck_assert_int_eq(flow_numbers(manager, build(list, 3), seen, 4), E_OK);
	ck_assert(seen[0] && seen[1] && !seen[2] && seen[3]);
}
END_TEST

/* Reads a walk as a kernel would, and looks whether its parts are where it may rely on them. */
static uint32_t evaluate_walk(const struct flow_walk *walk, const struct flow *flow)
{
	struct flow_target at = walk->root;

	while (!at.leaf) {
		const struct flow_node *node = &walk->nodes[at.number];
		struct flow_value v = flow_get(flow, node->field);

		at = node->otherwise;
		for (size_t i = 0; i < node->edge_count; i++)
			if (flow_value_compare(node->edges[i].low, v) <= 0 &&
				flow_value_compare(v, node->edges[i].high) <= 0)
				at = node->edges[i].to;
	}
	return at.number;
}

static void check_target(
	const struct flow_walk *walk, size_t from, struct flow_target to, enum flow_family through)
{
	const struct flow_node *node = &walk->nodes[from];
	const struct flow_node *child;

	if (to.leaf)
		return;
	ck_assert_uint_gt(to.number, from);
	ck_assert_uint_lt(to.number, walk->node_count);
	child = &walk->nodes[to.number];
	ck_assert_int_gt(child->field, node->field);
	if (child->family != FLOW_ANY_FAMILY)
		ck_assert_int_eq(
			child->family, node->field == FLOW_FAMILY ? through : node->family);
}

static void check_walk(const struct flow_walk *walk)
{
	for (size_t i = 0; i < walk->node_count; i++) {
		const struct flow_node *node = &walk->nodes[i];
		struct flow_value last = flow_field_last(node->field);
		enum flow_family through = FLOW_ANY_FAMILY;

		ck_assert_uint_ge(node->edge_count, 1);
		if (node->field == FLOW_SOURCE || node->field == FLOW_DESTINATION ||
			node->field == FLOW_DSCP)
			ck_assert_int_ne(node->family, FLOW_ANY_FAMILY);
		for (size_t j = 0; j < node->edge_count; j++) {
			const struct flow_edge *edge = &node->edges[j];

			ck_assert_int_le(flow_value_compare(edge->low, edge->high), 0);
			ck_assert_int_le(flow_value_compare(edge->high, last), 0);
			if (j > 0)
				ck_assert_int_gt(
					flow_value_compare(edge->low, node->edges[j - 1].high), 0);
			ck_assert(edge->to.leaf != node->otherwise.leaf ||
				  edge->to.number != node->otherwise.number);
			if (node->family == FLOW_IPV4 &&
				(node->field == FLOW_SOURCE || node->field == FLOW_DESTINATION)) {
				ck_assert_uint_eq(edge->low.low, 0);
				ck_assert_uint_eq(edge->high.low, UINT64_MAX);
			}
			if (node->field == FLOW_FAMILY) {
				ck_assert_uint_eq(edge->low.low, edge->high.low);
				through = edge->low.low == FLOW_IPV4 ? FLOW_IPV4 : FLOW_IPV6;
			}
			check_target(walk, i, edge->to, through);
		}
		if (node->field == FLOW_FAMILY)
			through = through == FLOW_IPV4 ? FLOW_IPV6 : FLOW_IPV4;
		check_target(walk, i, node->otherwise, through);
	}
}

START_TEST(a_walk_says_what_its_diagram_says)
{
	struct random r = start_random(_i);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	flow_ref ref = build(matches, count);
	struct flow_walk walk;

	ck_assert_int_eq(flow_walk_init(&walk, manager, ref), E_OK);
	check_walk(&walk);
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, matches, count);

		ck_assert_uint_eq(evaluate_walk(&walk, &flow), flow_evaluate(manager, ref, &flow));
	}
	flow_walk_fini(&walk);
}
END_TEST

static bool same_walk(const struct flow_walk *a, const struct flow_walk *b)
{
	if (a->node_count != b->node_count || a->edge_count != b->edge_count)
		return false;
	for (size_t i = 0; i < a->node_count; i++) {
		const struct flow_node *x = &a->nodes[i];
		const struct flow_node *y = &b->nodes[i];

		if (x->field != y->field || x->family != y->family ||
			x->edge_count != y->edge_count || x->otherwise.leaf != y->otherwise.leaf ||
			x->otherwise.number != y->otherwise.number)
			return false;
		for (size_t j = 0; j < x->edge_count; j++)
			if (flow_value_compare(x->edges[j].low, y->edges[j].low) ||
				flow_value_compare(x->edges[j].high, y->edges[j].high) ||
				x->edges[j].to.leaf != y->edges[j].to.leaf ||
				x->edges[j].to.number != y->edges[j].to.number)
				return false;
	}
	return true;
}

/* A plan must not depend on what was computed before. */
START_TEST(a_walk_depends_on_the_function_alone)
{
	struct random r = start_random(_i);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	struct flow_manager *fresh = manager;
	struct flow_walk first, second;

	ck_assert_int_eq(flow_walk_init(&first, manager, build(matches, count)), E_OK);
	manager = flow_manager_new(FLOW_NODES_DEFAULT);
	ck_assert_ptr_nonnull(manager);
	for (size_t i = count; i-- > 0;)
		build(matches + i, 1);
	ck_assert_int_eq(flow_walk_init(&second, manager, build(matches, count)), E_OK);
	ck_assert(same_walk(&first, &second));
	flow_walk_fini(&first);
	flow_walk_fini(&second);
	flow_manager_free(fresh);
}
END_TEST

/* 10.0.0.0/8 and a00::/8 are the same values: the diagram cannot tell, the kernel must. */
START_TEST(a_walk_tells_families_apart_where_the_diagram_need_not)
{
	const uint8_t octets[16] = {10};
	struct flow_interval v4 = flow_prefix(FLOW_IPV4, octets, 8);
	struct flow_interval v6 = flow_prefix(FLOW_IPV6, octets, 8);
	struct flow_match list[2] = {{.number = 1}, {.number = 1}};
	struct flow_walk walk;

	list[0].field[FLOW_FAMILY] = one(FLOW_IPV4, FLOW_IPV4);
	list[0].field[FLOW_SOURCE] = (struct flow_intervals){&v4, 1};
	list[1].field[FLOW_FAMILY] = one(FLOW_IPV6, FLOW_IPV6);
	list[1].field[FLOW_SOURCE] = (struct flow_intervals){&v6, 1};
	ck_assert_int_eq(flow_walk_init(&walk, manager, build(list, 2)), E_OK);
	check_walk(&walk);
	ck_assert_uint_eq(walk.node_count, 3);
	ck_assert_int_eq(walk.nodes[0].field, FLOW_FAMILY);
	ck_assert_int_ne(walk.nodes[1].family, walk.nodes[2].family);
	flow_walk_fini(&walk);
}
END_TEST

/* What is the same for both families is there once. */
START_TEST(a_walk_shares_what_does_not_ask_by_family)
{
	const uint8_t octets[16] = {10};
	struct flow_interval v4 = flow_prefix(FLOW_IPV4, octets, 8);
	struct flow_interval v6 = flow_prefix(FLOW_IPV6, octets, 16);
	struct flow_match list[2] = {{.number = 1}, {.number = 1}};
	struct flow_walk walk;

	list[0].field[FLOW_FAMILY] = one(FLOW_IPV4, FLOW_IPV4);
	list[0].field[FLOW_SOURCE] = (struct flow_intervals){&v4, 1};
	list[1].field[FLOW_FAMILY] = one(FLOW_IPV6, FLOW_IPV6);
	list[1].field[FLOW_SOURCE] = (struct flow_intervals){&v6, 1};
	for (size_t i = 0; i < 2; i++)
		list[i].field[FLOW_PROTOCOL] = one(6, 6);
	ck_assert_int_eq(flow_walk_init(&walk, manager, build(list, 2)), E_OK);
	check_walk(&walk);
	/* Family, a source of each, and one protocol. */
	ck_assert_uint_eq(walk.node_count, 4);
	ck_assert_int_eq(walk.nodes[3].field, FLOW_PROTOCOL);
	ck_assert_int_eq(walk.nodes[3].family, FLOW_ANY_FAMILY);
	flow_walk_fini(&walk);
}
END_TEST

START_TEST(most_edges_go_otherwise)
{
	struct flow_match list[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
	struct flow_walk walk;

	list[0].field[FLOW_PROTOCOL] = one(6, 6);
	list[0].field[FLOW_DESTINATION_PORT] = one(22, 22);
	list[1].field[FLOW_PROTOCOL] = one(6, 6);
	list[1].field[FLOW_DESTINATION_PORT] = one(80, 80);
	list[2].field[FLOW_PROTOCOL] = one(6, 6);
	ck_assert_int_eq(flow_walk_init(&walk, manager, build(list, 3)), E_OK);
	ck_assert_uint_eq(walk.node_count, 2);
	ck_assert_int_eq(walk.nodes[0].field, FLOW_PROTOCOL);
	ck_assert(walk.nodes[0].otherwise.leaf && walk.nodes[0].otherwise.number == 0);
	ck_assert_int_eq(walk.nodes[1].field, FLOW_DESTINATION_PORT);
	ck_assert_uint_eq(walk.nodes[1].edge_count, 2);
	ck_assert(walk.nodes[1].otherwise.leaf && walk.nodes[1].otherwise.number == 3);
	flow_walk_fini(&walk);
	ck_assert_int_eq(flow_walk_init(&walk, manager, FLOW_LEAF(4)), E_OK);
	ck_assert(walk.root.leaf && walk.root.number == 4 && walk.node_count == 0);
	flow_walk_fini(&walk);
}
END_TEST

START_TEST(a_limit_is_an_error_and_leaves_the_rest_usable)
{
	struct random r = start_random(0);
	size_t count = random_matches(&r, &arena, matches, MATCHES);
	struct flow_match simple = {.number = 1};
	flow_ref small, again, big = 12345;

	while (count < MATCHES)
		count = random_matches(&r, &arena, matches, MATCHES);
	flow_manager_free(manager);
	manager = flow_manager_new(20);
	ck_assert_ptr_nonnull(manager);
	simple.field[FLOW_PROTOCOL] = one(6, 6);
	small = build(&simple, 1);
	ck_assert_int_eq(flow_build(manager, matches, count, &big, &error), E_LIMIT);
	ck_assert_uint_eq(big, 12345);
	ck_assert_ptr_nonnull(strstr(error.text, "20 nodes"));
	ck_assert_uint_le(flow_manager_nodes(manager), 20);
	ck_assert_int_eq(flow_build(manager, &simple, 1, &again, &error), E_OK);
	ck_assert_uint_eq(again, small);
}
END_TEST

START_TEST(a_match_that_is_not_well_formed_is_refused)
{
	struct flow_match list[2] = {{.number = 1}, {.number = 2}};
	flow_ref ref = 77;

	list[1].field[FLOW_DESTINATION_PORT] = one(80, 80);
	ck_assert_int_eq(flow_build(manager, list, 2, &ref, &error), E_CONFLICT);
	ck_assert_ptr_nonnull(strstr(error.text, "match 2"));
	ck_assert_uint_eq(ref, 77);
	list[1] = (struct flow_match){.number = FLOW_NUMBER_MAX + 1u};
	ck_assert_int_eq(flow_build(manager, list, 2, &ref, &error), E_RANGE);
	list[1].number = FLOW_NUMBER_MAX;
	ck_assert_int_eq(flow_build(manager, list, 2, &ref, &error), E_OK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/flow/diagram");
	TCase *c = tcase_create("diagram");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_diagram_says_what_its_list_says, 0, LISTS);
	tcase_add_test(c, a_diagram_is_right_at_every_border);
	tcase_add_loop_test(c, a_product_is_the_pair_of_both, 0, LISTS);
	tcase_add_loop_test(c, the_same_function_is_the_same_diagram, 0, LISTS);
	tcase_add_loop_test(c, how_rules_are_cut_does_not_matter, 0, LISTS);
	tcase_add_test(c, neighbours_in_a_list_are_one_interval);
	tcase_add_test(c, lists_without_effect_are_leaves);
	tcase_add_loop_test(c, a_restriction_is_the_region_and_nothing_else, 0, LISTS);
	tcase_add_loop_test(c, every_number_has_a_sample_and_no_other_has, 0, LISTS);
	tcase_add_test(c, a_rule_behind_its_equal_is_never_reached);
	tcase_add_loop_test(c, a_walk_says_what_its_diagram_says, 0, LISTS);
	tcase_add_loop_test(c, a_walk_depends_on_the_function_alone, 0, LISTS);
	tcase_add_test(c, a_walk_tells_families_apart_where_the_diagram_need_not);
	tcase_add_test(c, a_walk_shares_what_does_not_ask_by_family);
	tcase_add_test(c, most_edges_go_otherwise);
	tcase_add_test(c, a_limit_is_an_error_and_leaves_the_rest_usable);
	tcase_add_test(c, a_match_that_is_not_well_formed_is_refused);
	suite_add_tcase(s, c);
	return suite_main(s);
}
