/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The evaluator's oracle: a reader of rules that does everything the slow way and shares no code
 * with what it checks. Random policies and flows at their borders; each flow is asked of the
 * reader, of policy_evaluate(), of the diagram and of the partition by verdict.
 *
 * COPSEC_ORACLE_FLOWS says how many flows; a soak asks for a million and more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pib/policy/verdicts.h"
#include "tests/pib/policy/random_policies.h"
#include "tests/suite.h"

enum { SEED = 5000, FLOWS = 20000, FLOWS_OF_POLICY = 1000, RULES = 40, OCTETS = 16 };

static const char *const combinations[] = {"lan", "wan"};
static const struct policy_roles roles = {combinations, 2};

/* ---- The slow way ---- */

/* Does the address, octet by octet, lie between the ends? */
static bool address_in(const uint8_t *address, const struct flow_interval *interval)
{
	uint8_t low[OCTETS], high[OCTETS];

	for (size_t i = 0; i < OCTETS; i++) {
		uint64_t l = i < 8 ? interval->low.high : interval->low.low;
		uint64_t h = i < 8 ? interval->high.high : interval->high.low;

		low[i] = (uint8_t)(l >> (56 - 8 * (i % 8)));
		high[i] = (uint8_t)(h >> (56 - 8 * (i % 8)));
	}
	return memcmp(address, low, OCTETS) >= 0 && memcmp(address, high, OCTETS) <= 0;
}

static bool address_fits(const struct flow_intervals *list, const uint8_t *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_in(address, &list->list[i]))
			return true;
	return list->count == 0;
}

static bool number_fits(const struct flow_intervals *list, uint64_t number)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->list[i].low.low <= number && number <= list->list[i].high.low)
			return true;
	return list->count == 0;
}

static bool fits(const struct flow_match *m, const struct flow *f)
{
	return number_fits(&m->field[FLOW_FAMILY], f->family) &&
	       address_fits(&m->field[FLOW_SOURCE], f->source) &&
	       address_fits(&m->field[FLOW_DESTINATION], f->destination) &&
	       number_fits(&m->field[FLOW_PROTOCOL], f->protocol) &&
	       number_fits(&m->field[FLOW_SOURCE_PORT], f->source_port) &&
	       number_fits(&m->field[FLOW_DESTINATION_PORT], f->destination_port) &&
	       number_fits(&m->field[FLOW_ICMP_TYPE], f->icmp_type) &&
	       number_fits(&m->field[FLOW_ICMP_CODE], f->icmp_code) &&
	       number_fits(&m->field[FLOW_DSCP], f->dscp) &&
	       number_fits(&m->field[FLOW_LABEL], f->label);
}

static bool some_match_fits(const struct policy_rule *rule, const struct flow *f)
{
	for (size_t i = 0; i < rule->match_count; i++)
		if (fits(&rule->matches[i], f))
			return true;
	return false;
}

/* Role 0 is an interface without one. */
static bool role_fits(const char *wanted, uint16_t role)
{
	return role != 0 && (!*wanted || !strcmp(wanted, combinations[role - 1]));
}

static struct flow turned(const struct flow *f)
{
	struct flow t = *f;

	for (size_t i = 0; i < OCTETS; i++) {
		t.source[i] = f->destination[i];
		t.destination[i] = f->source[i];
	}
	t.source_port = f->destination_port;
	t.destination_port = f->source_port;
	t.in_role = f->out_role;
	t.out_role = f->in_role;
	return t;
}

static bool forward_fits(const struct policy_rule *rule, const struct flow *f)
{
	return role_fits(rule->in_role, f->in_role) && role_fits(rule->out_role, f->out_role) &&
	       some_match_fits(rule, f);
}

static bool rule_fits(const struct policy_rule *rule, const struct flow *f)
{
	const struct flow back = turned(f);
	const bool both = rule->direction == POLICY_BOTH_DIRECTIONS;

	if (rule->forward != (f->direction == FLOW_FORWARD))
		return false;
	if (rule->forward)
		return forward_fits(rule, f) || (both && forward_fits(rule, &back));
	if (f->direction == FLOW_IN)
		return both ? some_match_fits(rule, &back)
			    : rule->direction == POLICY_IN && some_match_fits(rule, f);
	return rule->direction != POLICY_IN && some_match_fits(rule, f);
}

static uint32_t read_slowly(const struct policy *policy, const struct flow *f)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (rule_fits(&policy->rules[i], f))
			return (uint32_t)i + 1;
	return 0;
}

/* ---- The others ---- */

/* What does not exist in a flow is 0, as whoever made the flow must know. */
static void settle(struct flow *f)
{
	bool ports = f->protocol == 6 || f->protocol == 17 || f->protocol == 33 ||
		     f->protocol == 132 || f->protocol == 136;
	bool icmp = f->protocol == 1 || f->protocol == 58;

	if (!ports)
		f->source_port = f->destination_port = 0;
	if (!icmp)
		f->icmp_type = f->icmp_code = 0;
	if (f->family == FLOW_IPV4)
		f->label = 0;
}

static void compare(int seed)
{
	struct random r = {(uint64_t)seed};
	struct flow_manager *m = flow_manager_new(FLOW_NODES_DEFAULT);
	struct policy_verdicts *verdicts = policy_verdicts_new();
	flow_ref diagram[FLOW_DIRECTIONS], partition[FLOW_DIRECTIONS];
	const struct policy *policy;
	struct arena arena;
	struct error error;

	ck_assert(m && verdicts);
	arena_init(&arena, 1 << 26);
	policy = random_policy_of(&r, &arena, 1 + random_below(&r, RULES), random_below(&r, 2));
	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS; d++) {
		ck_assert_int_eq(policy_diagram(policy, d, &roles, m, &diagram[d], &error), E_OK);
		ck_assert_int_eq(policy_partition(policy, d, &roles, NULL, m, verdicts,
					 &partition[d], &error),
			E_OK);
	}
	for (int i = 0; i < FLOWS_OF_POLICY; i++) {
		struct flow f = random_policy_flow(&r, policy);
		const struct policy_rule *rule = policy_evaluate(policy, &f, &roles);
		struct policy_verdict verdict = policy_verdict_of(rule);
		uint32_t expected;

		settle(&f);
		expected = read_slowly(policy, &f);
		if ((rule ? rule->number : 0) == expected &&
			flow_evaluate(m, diagram[f.direction], &f) == expected &&
			policy_verdict_equal(
				&verdict, policy_verdicts_get(verdicts,
						  flow_evaluate(m, partition[f.direction], &f))))
			continue;
		ck_abort_msg("seed %d, flow %d: rule %u by the slow way", seed, i, expected);
	}
	arena_fini(&arena);
	policy_verdicts_free(verdicts);
	flow_manager_free(m);
}

START_TEST(the_slow_way_and_the_fast_ways_agree)
{
	const char *wanted = getenv("COPSEC_ORACLE_FLOWS");
	long flows = wanted ? strtol(wanted, NULL, 10) : FLOWS;
	int policies = (int)((flows + FLOWS_OF_POLICY - 1) / FLOWS_OF_POLICY);

	for (int i = 0; i < policies; i++)
		compare(SEED + i);
	printf("%ld flows, %d policies, seeds from %d on: no difference\n",
		(long)policies * FLOWS_OF_POLICY, policies, SEED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/policy/oracle");
	TCase *c = tcase_create("oracle");

	tcase_set_timeout(c, getenv("COPSEC_ORACLE_FLOWS") ? 0 : 120);
	tcase_add_test(c, the_slow_way_and_the_fast_ways_agree);
	suite_add_tcase(s, c);
	return suite_main(s);
}
