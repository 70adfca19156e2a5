/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random sets, read three ways: by this file straight from the rows as the draft words it, by
 * policy_evaluate(), and by the diagram.
 */
#include "tests/pib/policy/sets.h"

#include <stdio.h>
#include <string.h>

#include "tests/pib/flow/random_flows.h"
#include "tests/suite.h"

enum { SEED = 500, SETS = 30, FLOWS = 300, RULES = 5, SELECTORS = 5, GROUPS = 3 };

static const char *const combinations[] = {"lan", "lan+voice", "wan"};
static const struct policy_roles node_roles = {combinations, 3};

static struct rows rows;

/* ---- The draft's words ---- */

static bool address_in_row(const struct pri *p, enum flow_family family, const uint8_t *address)
{
	size_t len = family == FLOW_IPV4 ? 4 : 16;
	struct view min = pri_octets(p, ipSecAddressAddrMin);
	struct view max = pri_octets(p, ipSecAddressAddrMax);
	uint32_t bits = pri_u32(p, ipSecAddressAddrPrefixLength);

	if (pri_i32(p, ipSecAddressAddressType) !=
		(family == FLOW_IPV4 ? ipSecAddressAddressType_ipv4 : ipSecAddressAddressType_ipv6))
		return false;
	if (memcmp(min.data, max.data, len) != 0)
		return memcmp(min.data, address, len) <= 0 && memcmp(address, max.data, len) <= 0;
	for (uint32_t bit = 0; bit < bits && bit < 8 * len; bit++)
		if ((min.data[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool address_in_group(uint32_t group, enum flow_family family, const uint8_t *address)
{
	if (group == 0)
		return true;
	for (size_t i = 0; i < rows.count; i++)
		if (rows.list[i].class->id == PIB_ipSecAddress &&
			pri_u32(&rows.list[i], ipSecAddressGroupId) == group &&
			address_in_row(&rows.list[i], family, address))
			return true;
	return false;
}

/* A row for any port says nothing about ports, so it also takes flows that have none. */
static bool port_in_group(uint32_t group, const struct flow *flow, uint16_t port)
{
	if (group == 0)
		return true;
	for (size_t i = 0; i < rows.count; i++) {
		const struct pri *p = &rows.list[i];

		if (p->class->id != PIB_ipSecL4Port || pri_u32(p, ipSecL4PortGroupId) != group)
			continue;
		if (pri_u32(p, ipSecL4PortPortMin) == 0)
			return true;
		if (flow_protocol_has_ports(flow->protocol) &&
			pri_u32(p, ipSecL4PortPortMin) <= port &&
			port <= pri_u32(p, ipSecL4PortPortMax))
			return true;
	}
	return false;
}

static bool is_or_any(int32_t wanted, uint32_t value)
{
	return wanted < 0 || (uint32_t)wanted == value;
}

static bool selector_matches(uint32_t instance, const struct flow *flow)
{
	const struct pri *p = rows_get(&rows, PIB_ipSecSelector, instance);
	const struct pri *x = rows_get(&rows, PIB_copsecSelector, instance);
	bool icmp = flow_protocol_is_icmp(flow->protocol);
	int32_t type = pri_i32(x, copsecSelectorIcmpType);
	int32_t label = pri_i32(p, ipSecSelectorFlowLabel);
	uint32_t protocol = pri_u32(p, ipSecSelectorProtocol);

	return address_in_group(
		       pri_u32(p, ipSecSelectorSrcAddressGroupId), flow->family, flow->source) &&
	       address_in_group(pri_u32(p, ipSecSelectorDstAddressGroupId), flow->family,
		       flow->destination) &&
	       port_in_group(pri_u32(p, ipSecSelectorSrcPortGroupId), flow, flow->source_port) &&
	       port_in_group(
		       pri_u32(p, ipSecSelectorDstPortGroupId), flow, flow->destination_port) &&
	       (protocol == 255 || protocol == flow->protocol) &&
	       is_or_any(pri_i32(p, ipSecSelectorDscp), flow->dscp) &&
	       (label < 0 || (flow->family == FLOW_IPV6 && (uint32_t)label == flow->label)) &&
	       (type < 0 || (icmp && type == flow->icmp_type));
}

static bool selected(const struct pri *rule, const struct flow *flow)
{
	for (size_t i = 0; i < rows.count; i++) {
		const struct pri *p = &rows.list[i];
		struct prid prid;

		if (p->class->id != PIB_ipSecSelectorSet ||
			pri_u32(p, ipSecSelectorSetSelectorSetId) !=
				pri_u32(rule, ipSecRuleIpSecSelectorSetId))
			continue;
		ck_assert(pri_prid(p, ipSecSelectorSetSelectorId, &prid));
		if (selector_matches(prid.instance, flow) != pri_bool(p, ipSecSelectorSetIsNegated))
			return true;
	}
	return false;
}

static bool role_is(const struct pri *extension, unsigned attribute, uint16_t number)
{
	struct view wanted = pri_octets(extension, attribute);

	if (number == 0)
		return false;
	/* The roles in use here are "lan", "wan" and none. */
	return wanted.len == 0 || !strncmp(combinations[number - 1], (const char *)wanted.data, 3);
}

static bool rule_matches(uint32_t instance, const struct flow *flow)
{
	const struct pri *rule = rows_get(&rows, PIB_ipSecRule, instance);
	const struct pri *x = rows_get(&rows, PIB_copsecRule, instance);
	int32_t direction = pri_i32(rule, ipSecRuleDirection);
	struct flow mirror = flow_mirror(flow);
	bool both = direction == ipSecRuleDirection_bi_directional;

	if (pri_bool(x, copsecRuleForward)) {
		if (flow->direction != FLOW_FORWARD)
			return false;
		return (role_is(x, copsecRuleInRole, flow->in_role) &&
			       role_is(x, copsecRuleOutRole, flow->out_role) &&
			       selected(rule, flow)) ||
		       (both && role_is(x, copsecRuleInRole, flow->out_role) &&
			       role_is(x, copsecRuleOutRole, flow->in_role) &&
			       selected(rule, &mirror));
	}
	if (flow->direction == FLOW_IN)
		return direction == ipSecRuleDirection_in ? selected(rule, flow)
							  : both && selected(rule, &mirror);
	return flow->direction == FLOW_OUT && direction != ipSecRuleDirection_in &&
	       selected(rule, flow);
}

/* Rules have their Order from their instance. */
static uint32_t first_rule(const struct flow *flow)
{
	for (uint32_t i = 1; i <= RULES; i++)
		if (rule_matches(i, flow))
			return i;
	return 0;
}

/* ---- Random sets ---- */

static void random_groups(struct random *r)
{
	static const char *const addresses[][3] = {
		{"10.0.0.0", NULL, "8"},
		{"10.100.0.0", NULL, "16"},
		{"10.100.100.7", "10.100.200.0", "32"},
		{"10.100.0.1", NULL, "32"},
		{"a00::", NULL, "8"},
		{"a64:64::", NULL, "32"},
		{"a64:64::1", "a64:64::ffff", "128"},
		{"::", NULL, "0"},
	};

	for (uint32_t i = 0; i < 8; i++)
		set_address(&rows, i + 1, 100 + random_below(r, GROUPS), addresses[i][0],
			addresses[i][1], (uint32_t)strtoul(addresses[i][2], NULL, 10));
	for (uint32_t i = 0; i < 5; i++) {
		struct pri *p = rows_add(&rows, PIB_ipSecL4Port, i + 1);
		uint32_t min = i * i * 3;

		pri_set_u32(p, ipSecL4PortPortMin, min);
		pri_set_u32(p, ipSecL4PortPortMax, min + random_below(r, 6));
		pri_set_u32(p, ipSecL4PortGroupId, 200 + random_below(r, GROUPS));
	}
}

/* 0 = any in half of the cases; a group may be empty. */
static uint32_t random_group(struct random *r, uint32_t first)
{
	return random_below(r, 2) ? 0 : first + random_below(r, GROUPS);
}

static void random_selector(struct random *r, uint32_t instance)
{
	static const uint32_t with_ports[] = {6, 17, 255};
	static const uint32_t others[] = {1, 58, 47, 255};
	struct pri *p = rows_add(&rows, PIB_ipSecSelector, instance);
	struct pri *x = rows_add(&rows, PIB_copsecSelector, instance);
	bool ports = random_below(r, 2);

	pri_set_u32(p, ipSecSelectorSrcAddressGroupId, random_group(r, 100));
	pri_set_u32(p, ipSecSelectorDstAddressGroupId, random_group(r, 100));
	pri_set_u32(p, ipSecSelectorProtocol,
		ports ? with_ports[random_below(r, 3)] : others[random_below(r, 4)]);
	if (ports) {
		pri_set_u32(p, ipSecSelectorSrcPortGroupId, random_group(r, 200));
		pri_set_u32(p, ipSecSelectorDstPortGroupId, random_group(r, 200));
	}
	/* Unique in their set, and sometimes a condition. */
	pri_set_i32(p, ipSecSelectorDscp, random_below(r, 3) ? -1 : (int32_t)random_below(r, 3));
	if (!ports && pri_u32(p, ipSecSelectorProtocol) != 47 && random_below(r, 2))
		pri_set_i32(x, copsecSelectorIcmpType, (int32_t)random_below(r, 12));
}

static void random_rule(struct random *r, uint32_t instance)
{
	struct pri *p = rows_add(&rows, PIB_ipSecRule, instance);
	struct pri *x = rows_add(&rows, PIB_copsecRule, instance);
	bool forward = !random_below(r, 3);

	pri_set_text(p, ipSecRuleRoles, "lan");
	pri_set_i32(p, ipSecRuleDirection, (int32_t)random_below(r, 3) + 1);
	pri_set_u32(p, ipSecRuleIpSecSelectorSetId, instance);
	pri_set_u32(p, ipSecRuleIpSecActionSetId, 300);
	pri_set_u32(p, ipSecRuleOrder, instance);
	pri_set_bool(x, copsecRuleForward, forward);
	if (forward && random_below(r, 2))
		pri_set_text(x, copsecRuleInRole, random_below(r, 2) ? "lan" : "wan");
	if (forward && random_below(r, 2))
		pri_set_text(x, copsecRuleOutRole, random_below(r, 2) ? "lan" : "wan");
	for (uint32_t i = 0; i < 1 + random_below(r, 2); i++) {
		struct pri *s = rows_add(&rows, PIB_ipSecSelectorSet, instance * 10 + i);

		pri_set_u32(s, ipSecSelectorSetSelectorSetId, instance);
		pri_set_prid(s, ipSecSelectorSetSelectorId, PIB_ipSecSelector,
			1 + random_below(r, SELECTORS));
		pri_set_u32(s, ipSecSelectorSetOrder, i);
		pri_set_bool(s, ipSecSelectorSetIsNegated, !random_below(r, 4));
	}
}

static void random_set(struct random *r)
{
	struct pri *p;

	rows.count = 0;
	random_groups(r);
	for (uint32_t i = 1; i <= SELECTORS; i++)
		random_selector(r, i);
	p = rows_add(&rows, PIB_ipSecActionSet, 1);
	pri_set_u32(p, ipSecActionSetActionSetId, 300);
	pri_set_prid(p, ipSecActionSetActionId, PIB_ipSecStaticAction, 1);
	rows_add(&rows, PIB_ipSecStaticAction, 1);
	for (uint32_t i = 1; i <= RULES; i++)
		random_rule(r, i);
}

/* A random set may say what is refused (families apart): then the next one is taken. */
static struct policy *random_policy(struct random *r)
{
	for (;;) {
		struct pri_failures failures;
		struct policy *policy = NULL;
		struct pri_store *store;
		struct error error;
		enum err err;

		random_set(r);
		store = set_store(&rows, false);
		pri_failures_init(&failures);
		err = policy_new(store, &policy, &failures, &error);
		pri_store_free(store);
		if (!err)
			return policy;
		for (size_t i = 0; i < failures.count; i++)
			ck_assert_msg(
				failures.list[i].fault.attribute == ipSecSelectorDstAddressGroupId,
				"%s", error.text);
	}
}

START_TEST(three_readers_of_a_set_agree)
{
	struct random r = {(uint64_t)(SEED + _i)};
	struct policy *policy = random_policy(&r);
	struct flow_manager *m = flow_manager_new(FLOW_NODES_DEFAULT);
	struct flow_match *matches[FLOW_DIRECTIONS];
	size_t counts[FLOW_DIRECTIONS];
	flow_ref diagrams[FLOW_DIRECTIONS];
	struct arena arena;
	struct error error;

	fprintf(stderr, "seed %d\n", SEED + _i);
	ck_assert_ptr_nonnull(m);
	arena_init(&arena, 1 << 24);
	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS; d++) {
		ck_assert_msg(!policy_diagram(policy, d, &node_roles, m, &diagrams[d], &error),
			"%s", error.text);
		ck_assert_int_eq(policy_matches(policy, d, &node_roles, &arena, &matches[d],
					 &counts[d], &error),
			E_OK);
	}
	for (size_t i = 0; i < FLOWS; i++) {
		enum flow_direction d = (enum flow_direction)random_below(&r, FLOW_DIRECTIONS);
		const struct policy_rule *rule;
		struct flow flow;
		uint32_t expected;

		if (counts[d] == 0)
			continue;
		flow = random_flow(&r, matches[d], counts[d]);
		flow.direction = d;
		flow.in_role = (uint16_t)random_below(&r, 4);
		flow.out_role = (uint16_t)random_below(&r, 4);
		expected = first_rule(&flow);
		rule = policy_evaluate(policy, &flow, &node_roles);
		ck_assert_uint_eq(rule ? rule->number : 0, expected);
		ck_assert_uint_eq(flow_evaluate(m, diagrams[d], &flow), expected);
	}
	arena_fini(&arena);
	flow_manager_free(m);
	policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/policy/meaning");
	TCase *c = tcase_create("meaning");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, three_readers_of_a_set_agree, 0, SETS);
	suite_add_tcase(s, c);
	return suite_main(s);
}
