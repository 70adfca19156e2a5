/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stands behind the signatures: an octet of options, then the objects of a bundle, which are
 * signed here (resign.h).
 *
 * Reaches: state_verify_bundle with all its stages, state_set_put, policy_new, policy_diagram,
 * policy_evaluate, plan_build, plan_print.
 */
#include "pib/plan/plan.h"
#include "pib/policy/policy.h"
#include "pib/set/state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/resign.h"

enum { KEEP_ROOTS = 1, OCTETS_MAX = 16 << 20, ARENA_MAX = 16 << 20, SETS_MAX = 8 };

/* Each number of a diagram has a flow, and the rules, read one after the other, say the same. */
static void judge_diagram(const struct policy *policy, enum flow_direction direction,
	const struct policy_roles *roles)
{
	struct flow_manager *m = flow_manager_new(1 << 14);
	struct flow flow;
	struct error e;
	flow_ref diagram;

	REQUIRE(m != NULL);
	if (policy_diagram(policy, direction, roles, m, &diagram, &e) == E_OK) {
		for (uint32_t n = 0; n <= policy->rule_count; n++) {
			const struct policy_rule *rule;

			if (flow_sample(m, diagram, n, &flow))
				continue;
			if (flow.direction != direction)
				continue;
			REQUIRE(flow_evaluate(m, diagram, &flow) == n);
			rule = policy_evaluate(policy, &flow, roles);
			REQUIRE((rule ? rule->number : 0) == n);
		}
	} else {
		REQUIRE(e.code == E_LIMIT || e.code == E_MEMORY);
	}
	flow_manager_free(m);
}

static void print_policy(const struct policy *policy)
{
	struct buffer text;

	buffer_init(&text, OCTETS_MAX);
	for (size_t i = 0; i < policy->rule_count; i++)
		policy_print_rule(&text, &policy->rules[i]);
	for (size_t i = 0; i < policy->protection_count; i++)
		policy_print_protection(&text, &policy->protections[i]);
	fuzz_require_printable(buffer_view(&text));
	buffer_fini(&text);
}

static void build_plan(const struct plan_policy *policies, size_t count)
{
	static const char *const names[SETS_MAX] = {
		"eth0", "eth1", "eth2", "eth3", "eth4", "eth5", "eth6", "*"};
	struct plan_interface interfaces[SETS_MAX];
	struct plan_input input = {.mark_mask = 0x01ff0000,
		.policies = policies,
		.policy_count = count,
		.interfaces = interfaces,
		.interface_count = count,
		.node_roles = policies[0].roles};
	struct plan *plan, *again;
	struct plan_cause cause;
	struct buffer text;
	struct error e;

	for (size_t i = 0; i < count; i++)
		interfaces[i] = (struct plan_interface){names[i], policies[i].roles};
	if (plan_build(&input, &plan, &cause, &e)) {
		fuzz_require_sentence(e.code, &e);
		return;
	}
	REQUIRE(plan_build(&input, &again, &cause, &e) == E_OK);
	REQUIRE(strcmp(plan->id, again->id) == 0);
	buffer_init(&text, OCTETS_MAX);
	plan_print(plan, &text);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\t')
			text.data[i] = ' ';
	fuzz_require_printable(buffer_view(&text));
	buffer_fini(&text);
	plan_free(plan);
	plan_free(again);
}

/* Whatever was verified can be read as policies, or is refused PRI by PRI. */
static void judge_policies(const struct state *s)
{
	struct plan_policy policies[SETS_MAX];
	const char *names[SETS_MAX];
	struct policy *owned[SETS_MAX];
	struct pri_failures failures;
	struct policy_roles roles = {names, 0};
	struct error e;
	size_t count = 0;

	for (size_t i = 0; i < s->set_count && count < SETS_MAX; i++) {
		pri_failures_init(&failures);
		if (policy_new(s->sets[i].rows, &owned[count], &failures, &e)) {
			fuzz_require_sentence(e.code, &e);
			continue;
		}
		policies[count] = (struct plan_policy){.roles = owned[count]->roles, .policy = owned[count]};
		names[count] = owned[count]->roles;
		count++;
	}
	roles.count = count;
	for (size_t i = 0; i < count; i++) {
		print_policy(owned[i]);
		judge_diagram(owned[i], FLOW_IN, NULL);
		judge_diagram(owned[i], FLOW_OUT, NULL);
		judge_diagram(owned[i], FLOW_FORWARD, &roles);
	}
	if (count)
		build_plan(policies, count);
	for (size_t i = 0; i < count; i++)
		policy_free(owned[i]);
}

/* Its sets are found by name and go out as they came. */
static void judge_state(const struct state *s)
{
	struct buffer out;

	buffer_init(&out, OCTETS_MAX);
	REQUIRE(s->set_count == s->home.index.entry_count);
	for (size_t i = 0; i < s->set_count; i++) {
		const struct state_set *set = &s->sets[i];
		uint8_t root[PRI_STORE_ROOT];

		REQUIRE(state_find_set(s, set->manifest.authority, set->manifest.name) == set);
		REQUIRE(set_index_find(&s->home.index, set->manifest.name) != NULL);
		REQUIRE(pri_store_root(set->rows, root) == E_OK);
		REQUIRE(memcmp(root, set->manifest.root, sizeof root) == 0);
		buffer_reset(&out);
		state_set_put(set, &out);
		REQUIRE(out.len ==
			set->envelope.objects.len + pri_store_octets(set->rows));
	}
	buffer_fini(&out);
}

static void verify(const struct resigner *r, struct view objects)
{
	struct state_terms terms = {.trust = r->trust, .now_utc = 1800000000};
	struct pri_failures failures;
	struct pri_store *rows;
	struct state *s;
	struct error e;

	pri_failures_init(&failures);
	if (pri_store_build(&objects, 1, &rows, &failures, &e)) {
		fuzz_require_sentence(e.code, &e);
		return;
	}
	if (state_verify_bundle(rows, &terms, &s, &failures, &e)) {
		fuzz_require_sentence(e.code, &e);
		pri_store_free(rows);
		return;
	}
	/* The state outlives what it was made from. */
	pri_store_free(rows);
	fuzz_accepted = true;
	judge_state(s);
	judge_policies(s);
	state_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(VIEW(data, size));
	bool keep_roots = cursor_u8(&input) & KEEP_ROOTS;
	struct view given = cursor_rest(&input);
	struct pri_store *rows = NULL;
	struct pri_failures failures;
	struct buffer objects;
	struct error e;

	buffer_init(&objects, OCTETS_MAX);
	pri_failures_init(&failures);
	if (!keep_roots)
		fuzz_either(pri_store_build(&given, 1, &rows, &failures, &e));
	resign(resigner(), rows, given, &objects);
	if (!objects.error)
		verify(resigner(), buffer_view(&objects));
	pri_store_free(rows);
	buffer_fini(&objects);
	return 0;
}
