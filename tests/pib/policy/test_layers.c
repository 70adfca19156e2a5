/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/joint.h"

#include <stdio.h>
#include <string.h>

#include "tests/pib/policy/random_policies.h"
#include "tests/suite.h"

enum { SEED = 900, ROUNDS = 150, RULES = 6, FLOWS = 60, MOST = 4 };

static const char *const combinations[] = {"lan", "wan"};
static const struct policy_roles roles = {combinations, 2};

static struct arena arena;
static struct flow_manager *manager;
static struct error error;

static void setup(void)
{
	arena_init(&arena, 1 << 26);
	manager = flow_manager_new(FLOW_NODES_DEFAULT);
	ck_assert_ptr_nonnull(manager);
}

static void teardown(void)
{
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

/* ---- The rule for one flow ---- */

static const struct policy_rule rule_discard = {.action = POLICY_DISCARD, .stateful = true};
static const struct policy_rule rule_bypass = {.action = POLICY_BYPASS, .stateful = true};
static const struct policy_protection foreign = {
	.name = "Z", .demand = POLICY_REQUIRED, .ike = &test_ike};
static const struct policy_rule rule_foreign = {.action = POLICY_PROTECT,
	.demand = POLICY_REQUIRED,
	.protection = &foreign,
	.stateful = true};
static const struct policy_rule rule_protect[TEST_PROTECTIONS] = {
	{.action = POLICY_PROTECT,
		.demand = POLICY_REQUIRED,
		.protection = &test_protections[0],
		.stateful = true},
	{.action = POLICY_PROTECT,
		.demand = POLICY_REQUIRED,
		.protection = &test_protections[1],
		.stateful = true},
	{.action = POLICY_PROTECT,
		.demand = POLICY_PREFERRED,
		.protection = &test_protections[2],
		.stateful = true},
	{.action = POLICY_PROTECT,
		.demand = POLICY_PREFERRED,
		.protection = &test_protections[3],
		.stateful = true},
};
#define NO_RULE NULL
#define REQUIRE_A (&rule_protect[0])
#define REQUIRE_B (&rule_protect[1])
#define PREFER_A (&rule_protect[2])
#define PREFER_B (&rule_protect[3])

static const struct {
	const char *why;
	const struct policy_rule *rules[3];
	enum policy_action action;
	const char *protection;
	enum policy_demand demand;
	size_t layer;
	bool incomparable;
} decisions[] = {
	{"nobody objects", {&rule_bypass, &rule_bypass, &rule_bypass}, POLICY_BYPASS, NULL, 0, 0,
		false},
	{"home alone forbids", {&rule_discard, &rule_bypass, &rule_bypass}, POLICY_DISCARD, NULL, 0,
		0, false},
	{"home has no rule", {NO_RULE, &rule_bypass, &rule_bypass}, POLICY_DISCARD, NULL, 0, 0,
		false},
	{"another forbids", {&rule_bypass, &rule_bypass, &rule_discard}, POLICY_DISCARD, NULL, 0, 2,
		false},
	{"another has no rule", {REQUIRE_A, NO_RULE, &rule_bypass}, POLICY_DISCARD, NULL, 0, 1,
		false},
	{"of equals the first decides", {&rule_discard, &rule_discard, NO_RULE}, POLICY_DISCARD,
		NULL, 0, 0, false},
	{"home's protection stays", {REQUIRE_A, &rule_bypass, &rule_bypass}, POLICY_PROTECT, "A",
		POLICY_REQUIRED, 0, false},
	{"home's protection wins", {REQUIRE_A, REQUIRE_B, &rule_bypass}, POLICY_PROTECT, "A",
		POLICY_REQUIRED, 0, false},
	{"the demand becomes stricter, the protection stays home's",
		{PREFER_A, REQUIRE_B, &rule_bypass}, POLICY_PROTECT, "a", POLICY_REQUIRED, 1,
		false},
	{"a laxer demand changes nothing", {REQUIRE_A, PREFER_B, &rule_bypass}, POLICY_PROTECT, "A",
		POLICY_REQUIRED, 0, false},
	{"a protection is demanded", {&rule_bypass, REQUIRE_B, &rule_bypass}, POLICY_PROTECT, "B",
		POLICY_REQUIRED, 1, false},
	{"two demand the same", {&rule_bypass, REQUIRE_B, REQUIRE_B}, POLICY_PROTECT, "B",
		POLICY_REQUIRED, 1, false},
	{"the stricter demand counts", {&rule_bypass, PREFER_A, REQUIRE_B}, POLICY_PROTECT, "B",
		POLICY_REQUIRED, 2, false},
	{"two demand what cannot be had together", {&rule_bypass, REQUIRE_A, REQUIRE_B},
		POLICY_DISCARD, NULL, 0, 1, true},
	{"home does not define it", {&rule_bypass, &rule_foreign, &rule_bypass}, POLICY_DISCARD,
		NULL, 0, 1, true},
	{"nor both of them", {&rule_bypass, &rule_foreign, REQUIRE_A}, POLICY_DISCARD, NULL, 0, 1,
		true},
	{"home protects, what others call theirs does not count",
		{PREFER_B, &rule_foreign, &rule_bypass}, POLICY_PROTECT, "b", POLICY_REQUIRED, 1,
		false},
	{"discard settles a dispute", {&rule_bypass, REQUIRE_A, &rule_discard}, POLICY_DISCARD,
		NULL, 0, 2, false},
};

START_TEST(the_strictest_layer_decides)
{
	struct policy home = {
		.protections = test_protections, .protection_count = TEST_PROTECTIONS};
	struct policy_layer layers[] = {{"home", &home}, {"operator", &home}, {"visited", &home}};
	struct policy_decision d = policy_decide(layers, 3, decisions[_i].rules);

	ck_assert_int_eq(d.verdict.action, decisions[_i].action);
	ck_assert_uint_eq(d.layer, decisions[_i].layer);
	ck_assert(d.incomparable == decisions[_i].incomparable);
	ck_assert(d.rule == decisions[_i].rules[d.layer]);
	if (decisions[_i].protection) {
		ck_assert_str_eq(d.verdict.protection->name, decisions[_i].protection);
		ck_assert_int_eq(d.verdict.demand, decisions[_i].demand);
	}
}
END_TEST

/* ---- The product ---- */

struct world {
	struct policy_layer layers[MOST];
	size_t count;
	struct policy_merged merged[FLOW_DIRECTIONS];
};

static void make_layers(struct random *r, struct world *w)
{
	static const char *const names[MOST] = {"home", "operator", "visited", "responder"};

	w->count = 1 + random_below(r, MOST);
	for (size_t i = 0; i < w->count; i++) {
		struct policy *policy =
			random_policy_of(r, &arena, 1 + random_below(r, RULES), random_below(r, 4));

		w->layers[i] = (struct policy_layer){names[i], policy};
	}
}

static void merge(struct world *w)
{
	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS; d++)
		MUST(policy_merge(
			w->layers, w->count, d, &roles, manager, &arena, &w->merged[d], &error));
}

static const struct policy_decision *merged_decision(const struct world *w, const struct flow *flow)
{
	const struct policy_merged *merged = &w->merged[flow->direction];
	uint32_t number = flow_evaluate(manager, merged->diagram, flow);

	ck_assert_uint_lt(number, merged->count);
	return &merged->decisions[number];
}

static struct policy_decision read_decision(
	const struct world *w, const struct flow *flow, const struct policy_rule **rules)
{
	for (size_t i = 0; i < w->count; i++)
		rules[i] = policy_evaluate(w->layers[i].policy, flow, &roles);
	return policy_decide(w->layers, w->count, rules);
}

static bool same_verdict(const struct policy_decision *a, const struct policy_decision *b)
{
	return policy_verdict_same_action(&a->verdict, &b->verdict) &&
	       a->incomparable == b->incomparable;
}

static void the_product_says(int seed)
{
	struct random r = start_round(seed);
	struct world w;

	make_layers(&r, &w);
	merge(&w);
	for (size_t i = 0; i < FLOWS; i++) {
		size_t layer = random_below(&r, (uint32_t)w.count);
		struct flow flow = random_policy_flow(&r, w.layers[layer].policy);
		const struct policy_rule *rules[MOST];
		struct policy_decision read = read_decision(&w, &flow, rules);
		const struct policy_decision *made = merged_decision(&w, &flow);

		ck_assert(same_verdict(made, &read));
		ck_assert_uint_eq(made->layer, read.layer);
		ck_assert_ptr_eq(made->rule, read.rule);
		for (size_t j = 0; j < w.count; j++) {
			struct policy_verdict v = policy_verdict_of(rules[j]);

			ck_assert_int_ge(policy_strictness(&made->verdict), policy_strictness(&v));
			ck_assert(!made->rules[j] || made->rules[j] == rules[j]);
			/* Nothing that logs or limits is lost on what passes. */
			if (made->verdict.action != POLICY_DISCARD &&
				(rules[j]->log || rules[j]->rate.count ||
					rules[j]->connections.count))
				ck_assert_ptr_eq(made->rules[j], rules[j]);
		}
	}
}

START_TEST(the_product_says_what_the_layers_say)
{
	for (int i = 0; i < ROUNDS; i++)
		the_product_says(SEED + i);
}
END_TEST

static void order_of_guests(int seed)
{
	struct random r = start_round(seed);
	struct world w, turned;

	make_layers(&r, &w);
	turned = w;
	for (size_t i = 1; i < w.count; i++)
		turned.layers[i] = w.layers[w.count - i];
	merge(&w);
	merge(&turned);
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_policy_flow(&r, w.layers[0].policy);

		ck_assert(
			same_verdict(merged_decision(&w, &flow), merged_decision(&turned, &flow)));
	}
}

START_TEST(all_but_home_are_equal)
{
	for (int i = 0; i < ROUNDS; i++)
		order_of_guests(SEED + i);
}
END_TEST

/* ---- All of them as one policy ---- */

static const struct policy_rule *joint_rule(
	const struct policy_joint *joint, const struct flow *flow)
{
	size_t count = joint->policy.rule_count;
	flow_ref diagram = flow->direction == FLOW_IN    ? joint->in
			   : flow->direction == FLOW_OUT ? joint->out
							 : FLOW_NOTHING;
	uint32_t number;

	if (flow->direction == FLOW_FORWARD)
		diagram = joint->transit[(flow->in_role - 1u) * roles.count + flow->out_role - 1u];
	number = flow_evaluate(manager, diagram, flow);
	return policy_rule(&joint->policy, number > count ? number - (uint32_t)count : number);
}

static bool is_among(const struct policy_rule *made, const struct policy_rule *wanted)
{
	for (; made; made = made->beside)
		if (made->instance == wanted->instance && made->log == wanted->log &&
			made->rate.count == wanted->rate.count &&
			made->connections.count == wanted->connections.count)
			return true;
	return false;
}

static void the_joint_policy_does(int seed)
{
	struct random r = start_round(seed);
	struct policy_joint joint;
	struct world w;

	make_layers(&r, &w);
	/* PRIs of different authorities are different. */
	for (size_t i = 0; i < w.count; i++)
		for (size_t k = 0; k < w.layers[i].policy->rule_count; k++)
			((struct policy_rule *)(uintptr_t)&w.layers[i].policy->rules[k])->instance +=
				(uint32_t)i << 28;
	MUST(policy_join(w.layers, w.count, &roles, manager, &arena, &joint, &error));
	for (size_t i = 0; i < FLOWS; i++) {
		size_t layer = random_below(&r, (uint32_t)w.count);
		struct flow flow = random_policy_flow(&r, w.layers[layer].policy);
		const struct policy_rule *rules[MOST], *made;
		struct policy_decision read;

		if (flow.direction == FLOW_FORWARD && (!flow.in_role || !flow.out_role))
			continue;
		read = read_decision(&w, &flow, rules);
		made = joint_rule(&joint, &flow);
		ck_assert_int_eq(made ? made->action : POLICY_DISCARD, read.verdict.action);
		ck_assert((made && made->incomparable) == read.incomparable);
		if (!made) {
			ck_assert(read.layer == 0 && !read.rule);
			continue;
		}
		ck_assert_str_eq(read.layer ? made->name + strlen(w.layers[read.layer].name) + 1
					    : made->name,
			!read.rule	    ? "no-rule"
			: read.incomparable ? "rule/incomparable"
					    : read.rule->name);
		if (read.layer)
			ck_assert_int_eq(strncmp(made->name, w.layers[read.layer].name,
						 strlen(w.layers[read.layer].name)), 0);
		if (made->action == POLICY_DISCARD)
			continue;
		if (made->protection) {
			ck_assert_str_eq(made->protection->name, read.verdict.protection->name);
			ck_assert_int_eq(made->protection->demand, read.verdict.demand);
			ck_assert_ptr_eq(made->protection,
				&joint.policy.protections[made->protection->number - 1]);
		}
		for (size_t k = 0; k < w.count; k++) {
			ck_assert(rules[k]->stateful || !made->stateful);
			/* No limit and no log of what passes is lost. */
			if (rules[k] != read.rule && rules[k] != rules[0] &&
				(rules[k]->log || rules[k]->rate.count ||
					rules[k]->connections.count))
				ck_assert(is_among(made, rules[k]));
		}
	}
}

START_TEST(the_joint_policy_does_what_the_layers_say)
{
	for (int i = 0; i < ROUNDS; i++)
		the_joint_policy_does(SEED + i);
}
END_TEST

/* ---- Guests that change nothing ---- */

/* The same rules, but they neither log nor forget. */
static struct policy *quiet_copy(const struct policy *policy)
{
	struct policy *copy = arena_calloc(&arena, 1, sizeof *copy);
	struct policy_rule *rules = arena_calloc(&arena, policy->rule_count, sizeof *rules);

	ck_assert(copy && rules);
	for (size_t i = 0; i < policy->rule_count; i++) {
		rules[i] = policy->rules[i];
		rules[i].log = false;
		rules[i].stateful = true;
		rules[i].rate.count = rules[i].connections.count = 0;
	}
	*copy = *policy;
	copy->rules = rules;
	return copy;
}

/* Design, case (a): a guest policy that is nowhere stricter changes nothing, not even nodes. */
static void a_lax_guest(int seed)
{
	struct random r = start_round(seed);
	struct policy *home = random_policy_of(&r, &arena, RULES, true);
	struct policy *open = random_policy_of(&r, &arena, 0, true);
	struct policy_layer layers[] = {
		{"home", home}, {"visited", open}, {"operator", quiet_copy(home)}};
	struct policy_merged alone, with_guest;

	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS; d++) {
		MUST(policy_merge(layers, 1, d, &roles, manager, &arena, &alone, &error));
		MUST(policy_merge(layers, 3, d, &roles, manager, &arena, &with_guest, &error));
		ck_assert_uint_eq(alone.diagram, with_guest.diagram);
		ck_assert_uint_eq(alone.count, with_guest.count);
	}
}

START_TEST(a_guest_that_is_nowhere_stricter_changes_nothing)
{
	for (int i = 0; i < ROUNDS; i++)
		a_lax_guest(SEED + i);
}
END_TEST

START_TEST(too_many_layers_are_an_error)
{
	struct random r = {SEED};
	struct policy *policy = random_policy_of(&r, &arena, 1, true);
	struct policy_layer layers[POLICY_LAYERS_MAX + 1];
	struct policy_merged merged;

	for (size_t i = 0; i < POLICY_LAYERS_MAX + 1; i++)
		layers[i] = (struct policy_layer){"x", policy};
	MUST(policy_merge(
		layers, POLICY_LAYERS_MAX, FLOW_IN, &roles, manager, &arena, &merged, &error));
	ck_assert_int_eq(policy_merge(layers, POLICY_LAYERS_MAX + 1, FLOW_IN, &roles, manager,
				 &arena, &merged, &error),
		E_LIMIT);
	ck_assert_int_eq(policy_merge(layers, 0, FLOW_IN, &roles, manager, &arena, &merged, &error),
		E_LIMIT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/policy/layers");
	TCase *c = tcase_create("layers");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(
		c, the_strictest_layer_decides, 0, (int)(sizeof decisions / sizeof *decisions));
	tcase_add_test(c, the_product_says_what_the_layers_say);
	tcase_add_test(c, the_joint_policy_does_what_the_layers_say);
	tcase_add_test(c, all_but_home_are_equal);
	tcase_add_test(c, a_guest_that_is_nowhere_stricter_changes_nothing);
	tcase_add_test(c, too_many_layers_are_an_error);
	suite_add_tcase(s, c);
	return suite_main(s);
}
