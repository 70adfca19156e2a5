/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/plan.h"

#include <stdio.h>
#include <string.h>

#include "common/base/file.h"
#include "pib/plan/walk.h"
#include "pib/policy/layers.h"
#include "tests/pib/plan/policies.h"
#include "tests/suite.h"

enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58, ESP = 50 };

static struct arena arena;
static struct plan *plan;

static void setup(void)
{
	arena_init(&arena, 1 << 26);
	plan = NULL;
}

static void teardown(void)
{
	plan = plan_free(plan);
	arena_fini(&arena);
}

static const struct plan_endpoint pdp = {FLOW_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 9}, 128,
	3288};
static const struct plan_interface host_interfaces[] = {{"eth0", "host"}, {"eth1", ""}};

static struct plan *build(const struct plan_input *input)
{
	struct plan *made = NULL;
	struct plan_cause cause;
	struct error error;

	ck_assert_msg(plan_build(input, &made, &cause, &error) == E_OK, "%s", error.text);
	return made;
}

/* A host with the role "host" on eth0. */
static struct plan *build_host(
	const struct test_rule *rules, size_t count, const struct plan *previous)
{
	struct plan_policy policy = {.roles = "host", .policy = test_policy(&arena, "host", rules, count)};

	return build(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
		.endpoints = &pdp,
		.endpoint_count = 1,
		.policies = &policy,
		.policy_count = 1,
		.interfaces = host_interfaces,
		.interface_count = 2,
		.node_roles = "",
		.previous = previous});
}

/* A router whose interfaces have the roles lan and wan, the node itself "gateway". */
static struct plan *build_router(const struct test_rule *rules, size_t count)
{
	static const struct plan_interface interfaces[] = {
		{"lan0", "lan"}, {"wan0", "wan"}, {"*", ""}};
	struct plan_policy policies[] = {
		{.roles = "gateway", .policy = test_policy(&arena, "gateway", rules, count)},
		{.roles = "lan", .policy = test_policy(&arena, "lan", NULL, 0)},
		{.roles = "wan", .policy = test_policy(&arena, "wan", NULL, 0)},
	};

	return build(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
		.policies = policies,
		.policy_count = 3,
		.interfaces = interfaces,
		.interface_count = 3,
		.node_roles = "gateway"});
}

static uint32_t reqid_of(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->protection_count; i++)
		if (strcmp(p->protections[i].name, name) == 0)
			return p->protections[i].reqid;
	ck_abort_msg("no protection %s", name);
}

static unsigned number_of(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->protection_count; i++)
		if (strcmp(p->protections[i].name, name) == 0)
			return p->protections[i].number;
	return 0;
}

/* ---- The printed plan, word for word ---- */

static const struct test_rule host_rules[] = {
	{.name = "web",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = TCP,
		.port = 80},
	{.name = "tls",
		.direction = POLICY_OUT,
		.action = POLICY_PROTECT,
		.protection = STRONG,
		.protocol = TCP,
		.port = 443},
	{.name = "ssh",
		.direction = POLICY_IN,
		.action = POLICY_BYPASS,
		.source = "192.0.2.0/24",
		.protocol = TCP,
		.port = 22,
		.log = true},
	{.name = "ssh6",
		.direction = POLICY_IN,
		.action = POLICY_BYPASS,
		.source = "2001:db8::/32",
		.protocol = TCP,
		.port = 22},
	{.name = "ports",
		.direction = POLICY_IN,
		.action = POLICY_BYPASS,
		.protocol = UDP,
		.port = 1000,
		.port_last = 1999,
		.stateless = true},
	{.name = "deny",
		.direction = POLICY_IN,
		.action = POLICY_DISCARD,
		.protocol = UDP,
		.port = 5000,
		.log = true},
	{.name = "chat",
		.direction = POLICY_IN,
		.action = POLICY_PROTECT,
		.protection = SOFT,
		.protocol = UDP,
		.port = 6000},
	{.name = "voice",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = UDP,
		.port = 7000,
		.dscp = 46},
	{.name = "p1",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = TCP,
		.port = 1},
	{.name = "p3",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = TCP,
		.port = 3},
	{.name = "p5",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = TCP,
		.port = 5},
};
static const struct test_rule router_rules[] = {
	{.name = "site",
		.direction = POLICY_BOTH_DIRECTIONS,
		.action = POLICY_PROTECT,
		.protection = TUNNEL,
		.source = "10.1.0.0/16",
		.destination = "10.2.0.0/16",
		.forward = true,
		.in_role = "lan",
		.out_role = "wan"},
	{.name = "web",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = TCP,
		.port = 80,
		.forward = true,
		.in_role = "lan",
		.out_role = "wan"},
};
enum {
	HOST_RULES = sizeof host_rules / sizeof *host_rules,
	ROUTER_RULES = sizeof router_rules / sizeof *router_rules
};

/* Of two texts, the first lines that differ. */
static void check_lines(const char *path, const char *text, const char *expected)
{
	unsigned line = 1;

	while (*text && *text == *expected) {
		line += *text == '\n';
		text++;
		expected++;
	}
	while (line > 1 && *text && text[-1] != '\n') {
		text--;
		expected--;
	}
	if (*text || *expected)
		ck_abort_msg("%s:%u: expected\n%.*s\nbut it is\n%.*s", path, line,
			(int)strcspn(expected, "\n"), expected, (int)strcspn(text, "\n"), text);
}

/* COPSEC_EXPECT=write in the environment writes the files anew, to be read before they are kept. */
static void check_text(const struct plan *p, const char *name)
{
	struct buffer text, expected;
	struct error error;
	char path[512];

	snprintf(path, sizeof path, "%s/%s", EXPECTED_FOLDER, name);
	buffer_init(&text, 1 << 20);
	buffer_init(&expected, 1 << 20);
	plan_print(p, &text);
	ck_assert_int_eq(text.error, E_OK);
	if (getenv("COPSEC_EXPECT")) {
		FILE *file = fopen(path, "w");

		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(fwrite(text.data, 1, text.len, file), text.len);
		fclose(file);
	}
	ck_assert_msg(file_read(path, &expected, NULL, &error) == E_OK, "%s", error.text);
	check_lines(path, buffer_string(&text), buffer_string(&expected));
	buffer_fini(&text);
	buffer_fini(&expected);
}

START_TEST(closed_node_reads_as_expected)
{
	struct error error;

	ck_assert_int_eq(plan_bootstrap(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
						.endpoints = &pdp,
						.endpoint_count = 1},
				 &plan, &error),
		E_OK);
	check_text(plan, "closed.txt");
}
END_TEST

START_TEST(host_reads_as_expected)
{
	plan = build_host(host_rules, HOST_RULES, NULL);
	check_text(plan, "host.txt");
}
END_TEST

START_TEST(router_reads_as_expected)
{
	plan = build_router(router_rules, ROUTER_RULES);
	check_text(plan, "router.txt");
}
END_TEST

START_TEST(same_policy_gives_the_same_plan)
{
	struct plan *again = build_host(host_rules, HOST_RULES, NULL);
	struct plan *other = build_host(host_rules, HOST_RULES - 1, NULL);

	plan = build_host(host_rules, HOST_RULES, NULL);
	ck_assert_str_eq(plan->id, again->id);
	ck_assert_str_ne(plan->id, other->id);
	plan_free(again);
	plan_free(other);
}
END_TEST

/* ---- What the chains decide ---- */

static struct test_packet packet_of(uint8_t protocol, uint16_t port)
{
	return (struct test_packet){.flow = {.family = FLOW_IPV4,
					    .source = {192, 0, 2, 1},
					    .destination = {192, 0, 2, 2},
					    .protocol = protocol,
					    .source_port = 40000,
					    .destination_port = port},
		.tcp_flags = TCP_SYN_FLAG,
		.ct_state = CT_NEW};
}

static struct test_packet turned(struct test_packet p)
{
	const char *in = p.in;

	p.flow = flow_mirror(&p.flow);
	p.in = p.out;
	p.out = in;
	p.ct_state = CT_ESTABLISHED;
	p.ct_direction = 1;
	p.tcp_flags = TCP_SYN_FLAG | TCP_ACK_FLAG;
	p.mark = 0;
	p.ipsec_in = p.ipsec_out = 0;
	return p;
}

static bool passes(enum plan_hook hook, struct test_packet *p, const char *counter)
{
	const struct plan_counter *last;
	bool accepted = test_accepts(plan, hook, p, &last);

	if (counter)
		ck_assert_str_eq(last ? last->name : "none", counter);
	return accepted;
}

START_TEST(no_rule_drops_and_counts)
{
	struct test_packet p = packet_of(TCP, 81);

	plan = build_host(host_rules, HOST_RULES, NULL);
	p.out = "eth0";
	ck_assert(!passes(PLAN_HOOK_OUTPUT, &p, "no-rule"));
	p.out = "eth1"; /* named, without a role */
	ck_assert(!passes(PLAN_HOOK_OUTPUT, &p, "no-role"));
	p.out = "eth9"; /* not named */
	ck_assert(!passes(PLAN_HOOK_OUTPUT, &p, "no-role"));
	p.in = "eth0";
	p.out = "eth1";
	ck_assert(!passes(PLAN_HOOK_FORWARD, &p, "no-role"));
	p.out = "lo";
	ck_assert(passes(PLAN_HOOK_OUTPUT, &p, "none"));
}
END_TEST

START_TEST(replies_pass_with_their_connection_only)
{
	struct test_packet p = packet_of(TCP, 80), reply, stray;

	plan = build_host(host_rules, HOST_RULES, NULL);
	p.out = "eth0";
	ck_assert(passes(PLAN_HOOK_OUTPUT, &p, "host/web"));
	ck_assert_uint_eq(p.ct_mark, plan->marks.passed);
	reply = turned(p);
	ck_assert(passes(PLAN_HOOK_INPUT, &reply, "none"));
	stray = reply;
	stray.ct_mark = 0;
	ck_assert(!passes(PLAN_HOOK_INPUT, &stray, "no-rule"));
	/* Established alone opens nothing: the original direction is judged each time. */
	stray = packet_of(TCP, 81);
	stray.in = "eth0";
	stray.ct_state = CT_ESTABLISHED;
	stray.ct_mark = plan->marks.passed;
	ck_assert(!passes(PLAN_HOOK_INPUT, &stray, "no-rule"));
	ck_assert_msg(stray.ct_mark == 0, "replies of a connection that is cut must end too");
}
END_TEST

START_TEST(stateless_rules_let_no_replies_through)
{
	struct test_packet p = packet_of(UDP, 1500), reply;

	plan = build_host(host_rules, HOST_RULES, NULL);
	p.in = "eth0";
	ck_assert(passes(PLAN_HOOK_INPUT, &p, "host/ports"));
	reply = turned(p);
	ck_assert(!passes(PLAN_HOOK_OUTPUT, &reply, "no-rule"));
}
END_TEST

static const struct plan_step *limit_step(
	const struct plan *p, enum plan_step_kind kind, enum plan_key key)
{
	for (const struct plan_chain *c = p->chains; c; c = c->next)
		for (const struct plan_rule *r = c->rules; r; r = r->next)
			for (size_t i = 0; i < r->step_count; i++)
				if (r->steps[i].kind == kind && r->steps[i].key == key)
					return &r->steps[i];
	return NULL;
}

START_TEST(limits_hold_what_begins_and_nothing_else)
{
	static const struct test_rule rules[] = {
		{.name = "ssh",
			.direction = POLICY_IN,
			.action = POLICY_BYPASS,
			.protocol = TCP,
			.port = 22,
			.rate = {10, 60, 0, POLICY_OF_RULE},
			.connections = {5, 0, 0, POLICY_OF_SOURCE}},
		{.name = "web",
			.direction = POLICY_IN,
			.action = POLICY_BYPASS,
			.protocol = TCP,
			.port = 80}};
	const struct plan_counter *counter;
	const struct plan_step *s;

	plan = build_host(rules, 2, NULL);
	for (int six = 0; six < 2; six++) {
		for (unsigned over = 0; over < 4; over++) {
			struct test_packet p = {.flow = {.family = six ? FLOW_IPV6 : FLOW_IPV4,
							.protocol = TCP,
							.destination_port = 22},
				.in = "eth0",
				.tcp_flags = TCP_SYN_FLAG,
				.ct_state = CT_NEW,
				.over_rate = over & 1,
				.over_connections = over & 2};

			ck_assert_int_eq(
				test_accepts(plan, PLAN_HOOK_INPUT, &p, &counter), over == 0);
			ck_assert_str_eq(counter->name, over ? "over-limit/host/ssh" : "host/ssh");
			ck_assert_int_eq((p.ct_mark & plan->marks.passed) != 0, over == 0);
			p.ct_mark = plan->marks.passed; /* it was there before */
			ck_assert(test_accepts(plan, PLAN_HOOK_INPUT, &p, &counter));
			ck_assert_str_eq(counter->name, "host/ssh");
			p.ct_mark = 0;
			p.flow.destination_port = 80;
			p.ct_state = CT_NEW;
			p.tcp_flags = TCP_SYN_FLAG;
			ck_assert(test_accepts(plan, PLAN_HOOK_INPUT, &p, &counter));
		}
	}
	s = limit_step(plan, PLAN_RATE, PLAN_KEY_COUNT);
	ck_assert_ptr_nonnull(s);
	ck_assert(!s->keyed && s->limit == 10 && s->seconds == 60 && s->burst == 10);
	for (int six = 0; six < 2; six++) {
		s = limit_step(
			plan, PLAN_CONNECTIONS, six ? PLAN_KEY_SOURCE6_NETWORK : PLAN_KEY_SOURCE4);
		ck_assert_ptr_nonnull(s);
		ck_assert(s->keyed && s->limit == 5);
	}
}
END_TEST

START_TEST(who_is_turned_away_is_told)
{
	static const struct test_rule rules[] = {
		{.name = "silent", .direction = POLICY_IN, .protocol = TCP, .port = 1},
		{.name = "told",
			.direction = POLICY_IN,
			.protocol = TCP,
			.port = 2,
			.answer = POLICY_UNREACHABLE},
		{.name = "reset", .direction = POLICY_IN, .port = 3, .answer = POLICY_RESET}};
	struct buffer text;

	plan = build_host(rules, 3, NULL);
	for (uint16_t port = 1; port <= 3; port++) {
		const struct plan_counter *counter;
		struct test_packet p = {
			.flow = {.family = FLOW_IPV4, .protocol = TCP, .destination_port = port},
			.in = "eth0",
			.tcp_flags = TCP_SYN_FLAG,
			.ct_state = CT_NEW,
			.ct_mark = MARK_MASK_DEFAULT};

		ck_assert(!test_accepts(plan, PLAN_HOOK_INPUT, &p, &counter));
		ck_assert_ptr_nonnull(strstr(counter->name, rules[port - 1].name));
		ck_assert_uint_eq(p.ct_mark, 0);
	}
	buffer_init(&text, 1 << 20);
	plan_print(plan, &text);
	ck_assert_ptr_nonnull(strstr(buffer_string(&text),
		"counter name \"host/told\" reject with icmpx admin-prohibited"));
	ck_assert_ptr_nonnull(
		strstr(buffer_string(&text), "counter name \"host/reset\" reject with tcp reset"));
	ck_assert_ptr_nonnull(strstr(buffer_string(&text), "counter name \"host/silent\" drop"));
	buffer_fini(&text);
}
END_TEST

START_TEST(tcp_begins_with_syn_and_invalid_packets_end)
{
	struct test_packet p = packet_of(TCP, 80);

	plan = build_host(host_rules, HOST_RULES, NULL);
	p.out = "eth0";
	p.tcp_flags = TCP_ACK_FLAG;
	ck_assert(!passes(PLAN_HOOK_OUTPUT, &p, "not-syn"));
	p.tcp_flags = TCP_SYN_FLAG | TCP_ACK_FLAG;
	ck_assert(!passes(PLAN_HOOK_OUTPUT, &p, "not-syn"));
	p.tcp_flags = TCP_SYN_FLAG;
	p.ct_state = CT_INVALID;
	ck_assert(!passes(PLAN_HOOK_OUTPUT, &p, "invalid"));
}
END_TEST

START_TEST(icmp_errors_pass_with_their_connection)
{
	static const struct {
		uint8_t protocol, type;
		bool error;
	} cases[] = {{ICMP, 3, true}, {ICMP, 4, false}, {ICMP, 5, false}, {ICMP, 8, false},
		{ICMP, 11, true}, {ICMP, 12, true}, {ICMP, 13, false}, {ICMPV6, 1, true},
		{ICMPV6, 2, true}, {ICMPV6, 4, true}, {ICMPV6, 5, false}, {ICMPV6, 128, false}};

	plan = build_host(host_rules, HOST_RULES, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct test_packet p = packet_of(cases[i].protocol, 0);

		p.flow.family = cases[i].protocol == ICMPV6 ? FLOW_IPV6 : FLOW_IPV4;
		p.flow.icmp_type = cases[i].type;
		p.in = "eth0";
		p.ct_state = CT_RELATED;
		p.ct_mark = plan->marks.passed;
		ck_assert_int_eq(passes(PLAN_HOOK_INPUT, &p, NULL), cases[i].error);
		p.ct_mark = 0;
		ck_assert(!passes(PLAN_HOOK_INPUT, &p, "no-rule"));
	}
}
END_TEST

/* What a closed node needs, at the edges: {protocol, source port, destination port, in, passes}. */
START_TEST(closed_node_opens_what_it_needs_and_no_more)
{
	static const struct {
		uint8_t protocol;
		uint16_t from, to;
		enum flow_family family;
		bool in, open;
		const char *source;
	} cases[] = {
		{UDP, 68, 67, FLOW_IPV4, false, true, NULL},
		{UDP, 67, 68, FLOW_IPV4, true, true, NULL},
		{UDP, 67, 68, FLOW_IPV4, false, false, NULL},
		{UDP, 68, 67, FLOW_IPV6, false, false, NULL},
		{UDP, 546, 547, FLOW_IPV6, false, true, NULL},
		{UDP, 547, 546, FLOW_IPV6, true, false, NULL},
		{UDP, 4000, 53, FLOW_IPV4, false, true, NULL},
		{TCP, 4000, 53, FLOW_IPV6, false, true, NULL},
		{UDP, 4000, 53, FLOW_IPV4, true, false, NULL},
		{UDP, 500, 500, FLOW_IPV4, false, true, NULL},
		{UDP, 4500, 9, FLOW_IPV6, false, true, NULL},
		{UDP, 9, 4500, FLOW_IPV6, false, false, NULL},
		{UDP, 9, 4500, FLOW_IPV4, true, true, NULL},
		{UDP, 500, 9, FLOW_IPV4, true, false, NULL},
		{ESP, 0, 0, FLOW_IPV4, true, true, NULL},
		{ESP, 0, 0, FLOW_IPV6, false, true, NULL},
		{51, 0, 0, FLOW_IPV6, true, false, NULL},
		{TCP, 9, 3288, FLOW_IPV4, false, false, NULL},
		{TCP, 9, 22, FLOW_IPV4, true, false, NULL},
		{ICMP, 0, 0, FLOW_IPV4, true, false, NULL},
	};
	struct test_packet p;
	struct error error;

	ck_assert_int_eq(plan_bootstrap(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
						.endpoints = &pdp,
						.endpoint_count = 1},
				 &plan, &error),
		E_OK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		p = packet_of(cases[i].protocol, cases[i].to);
		p.flow.source_port = cases[i].from;
		p.flow.family = cases[i].family;
		*(cases[i].in ? &p.in : &p.out) = "eth0";
		ck_assert_msg(passes(cases[i].in ? PLAN_HOOK_INPUT : PLAN_HOOK_OUTPUT, &p, NULL) ==
				      cases[i].open,
			"case %zu", i);
	}
	/* DHCPv6 from the link; the PDP at its own address and port alone. */
	p = packet_of(UDP, 546);
	p.flow.source_port = 547;
	p.flow.family = FLOW_IPV6;
	memcpy(p.flow.source, "\xfe\x80", 2);
	p.in = "eth0";
	ck_assert(passes(PLAN_HOOK_INPUT, &p, NULL));
	p = packet_of(TCP, 3288);
	p.flow.family = FLOW_IPV6;
	memcpy(p.flow.destination, pdp.address, 16);
	p.out = "eth0";
	ck_assert(passes(PLAN_HOOK_OUTPUT, &p, NULL));
	p.flow.destination[15]++;
	ck_assert(!passes(PLAN_HOOK_OUTPUT, &p, "no-role"));
	for (int type = 128; type < 150; type++) {
		bool needed = (type >= 130 && type <= 137) || type == 143;

		p = packet_of(ICMPV6, 0);
		p.flow.family = FLOW_IPV6;
		p.flow.icmp_type = (uint8_t)type;
		p.ct_state = 64; /* untracked */
		p.in = "eth0";
		ck_assert_int_eq(passes(PLAN_HOOK_INPUT, &p, NULL), needed);
		p.in = NULL;
		p.out = "eth0";
		ck_assert_int_eq(passes(PLAN_HOOK_OUTPUT, &p, NULL), needed);
	}
}
END_TEST

START_TEST(the_way_to_pdps_is_as_wide_as_their_prefix)
{
	static const struct {
		struct plan_endpoint pdps;
		uint8_t to[16];
		uint16_t port;
		bool open;
	} cases[] = {
		{{FLOW_IPV4, {192, 0, 2, 64}, 27, 3288}, {192, 0, 2, 64}, 3288, true},
		{{FLOW_IPV4, {192, 0, 2, 64}, 27, 3288}, {192, 0, 2, 95}, 3288, true},
		{{FLOW_IPV4, {192, 0, 2, 64}, 27, 3288}, {192, 0, 2, 63}, 3288, false},
		{{FLOW_IPV4, {192, 0, 2, 64}, 27, 3288}, {192, 0, 2, 96}, 3288, false},
		{{FLOW_IPV4, {192, 0, 2, 64}, 27, 3288}, {192, 0, 2, 64}, 3289, false},
		{{FLOW_IPV4, {0}, 0, 99}, {203, 0, 113, 9}, 99, true},
		{{FLOW_IPV4, {0}, 0, 99}, {203, 0, 113, 9}, 98, false},
		{{FLOW_IPV6, {0x20, 1}, 33, 3288}, {0x20, 1, 0, 0, 0x7f, [15] = 1}, 3288, true},
		{{FLOW_IPV6, {0x20, 1}, 33, 3288}, {0x20, 1, 0, 0, 0x80}, 3288, false},
		{{FLOW_IPV6, {0}, 0, 3288}, {0xfd, [15] = 7}, 3288, true},
	};
	struct error error;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT,
			.endpoints = &cases[i].pdps,
			.endpoint_count = 1};
		struct test_packet p = packet_of(TCP, cases[i].port);

		ck_assert_int_eq(plan_bootstrap(&input, &plan, &error), E_OK);
		p.flow.family = cases[i].pdps.family;
		memcpy(p.flow.destination, cases[i].to, 16);
		p.out = "eth0";
		ck_assert_msg(passes(PLAN_HOOK_OUTPUT, &p, NULL) == cases[i].open, "case %zu", i);
		plan = plan_free(plan);
	}
}
END_TEST

START_TEST(only_root_speaks_from_the_ports_of_ike)
{
	static const struct {
		uint16_t from;
		uint32_t user, mark, ct_mark;
		bool open;
		const char *why;
	} cases[] = {
		{500, 0, 0, 0, true, "the IKE daemon"},
		{4500, 0, 0, 0, true, "the IKE daemon behind a NAT"},
		{500, 1000, 0, 0, false, "anybody"},
		{4500, 1000, 0, 0, false, "anybody, for whom 4500 is no privileged port"},
		{4500, 1000, 0, 0x01000000, false, "nor as an answer to what came in"},
		{4500, 1000, 0x00010000, 0, true, "ESP in UDP has the socket of what is inside"},
		{4500, 1000, 0xfe00ffff, 0, false, "the marks of others say nothing"},
	};
	struct error error;

	ck_assert_int_eq(plan_bootstrap(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
						.endpoints = &pdp,
						.endpoint_count = 1},
				 &plan, &error),
		E_OK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct test_packet p = packet_of(UDP, 9);

		p.flow.source_port = cases[i].from;
		p.out = "eth0";
		p.user = cases[i].user;
		p.mark = cases[i].mark;
		p.ct_mark = cases[i].ct_mark;
		if (p.ct_mark) {
			p.ct_state = CT_ESTABLISHED;
			p.ct_direction = 1;
		}
		ck_assert_msg(
			passes(PLAN_HOOK_OUTPUT, &p, NULL) == cases[i].open, "%s", cases[i].why);
	}
}
END_TEST

START_TEST(protected_flows_pass_through_their_sa_alone)
{
	struct test_packet p = packet_of(TCP, 443), reply;
	uint32_t mark;

	plan = build_host(host_rules, HOST_RULES, NULL);
	mark = marks_value(&plan->marks, number_of(plan, "strong"), false);
	p.out = "eth0";
	p.mark = 0x8000ff00; /* other people's bits */
	ck_assert(passes(PLAN_HOOK_OUTPUT_ROUTE, &p, "protect/strong"));
	ck_assert_uint_eq(p.mark, 0x8000ff00 | mark);
	ck_assert_msg(!passes(PLAN_HOOK_OUTPUT, &p, "no-sa/strong"), "in clear");
	p.ipsec_out = reqid_of(plan, "soft");
	ck_assert_msg(!passes(PLAN_HOOK_OUTPUT, &p, "no-sa/strong"), "in somebody else's SA");
	p.ipsec_out = reqid_of(plan, "strong");
	ck_assert(passes(PLAN_HOOK_OUTPUT, &p, "host/tls"));
	ck_assert_uint_eq(p.ct_mark, mark | plan->marks.passed);

	reply = turned(p);
	ck_assert_msg(!passes(PLAN_HOOK_INPUT, &reply, "no-sa/strong"), "an answer in clear");
	reply.ipsec_in = reqid_of(plan, "strong");
	ck_assert(passes(PLAN_HOOK_INPUT, &reply, "none"));
	ck_assert_uint_eq(reply.mark & plan->marks.flow,
		marks_value(&plan->marks, number_of(plan, "strong"), true));
}
END_TEST

START_TEST(preferred_protection_falls_back_to_clear)
{
	struct test_packet p = packet_of(UDP, 6000), reply;

	plan = build_host(host_rules, HOST_RULES, NULL);
	p.in = "eth0";
	ck_assert(passes(PLAN_HOOK_INPUT, &p, "host/chat"));
	reply = turned(p);
	ck_assert(passes(PLAN_HOOK_OUTPUT_ROUTE, &reply, "protect/soft"));
	ck_assert(passes(PLAN_HOOK_OUTPUT, &reply, "none"));
	for (size_t i = 0; i < plan->spd_count; i++)
		if (!plan->spd[i].block)
			ck_assert_int_eq(plan->spd[i].optional,
				plan->spd[i].reqid == reqid_of(plan, "soft"));
}
END_TEST

START_TEST(marks_begin_empty_and_keep_foreign_bits)
{
	struct test_packet p = packet_of(TCP, 80);

	plan = build_host(host_rules, HOST_RULES, NULL);
	p.out = "eth0";
	p.mark = 0xffffffff;
	ck_assert(passes(PLAN_HOOK_OUTPUT_ROUTE, &p, NULL));
	ck_assert_uint_eq(p.mark, 0xfe00ffff);
	p.in = "eth0";
	p.out = NULL;
	p.mark = 0xfeffffff;
	ck_assert(passes(PLAN_HOOK_PREROUTING, &p, NULL));
	ck_assert_uint_eq(p.mark, 0xff00ffff);
	/* What is in an SA already keeps the mark: the outer SA of a nested pair looks for it. */
	p = packet_of(ESP, 0);
	p.out = "eth0";
	p.mark = 0x00020000;
	ck_assert(passes(PLAN_HOOK_OUTPUT_ROUTE, &p, NULL));
	ck_assert_uint_eq(p.mark, 0x00020000);
}
END_TEST

START_TEST(transit_has_one_protected_side)
{
	struct test_packet p = packet_of(TCP, 5000), reply;
	uint32_t out, came;

	plan = build_router(router_rules, ROUTER_RULES);
	out = marks_value(&plan->marks, number_of(plan, "tunnel"), false);
	came = marks_value(&plan->marks, number_of(plan, "tunnel"), true);
	memcpy(p.flow.source, "\x0a\x01\0\x01", 4);
	memcpy(p.flow.destination, "\x0a\x02\0\x01", 4);
	p.in = "lan0";
	p.out = "wan0";
	/* From our site: goes out protected, came in clear. */
	ck_assert(passes(PLAN_HOOK_PREROUTING, &p, "protect/tunnel"));
	ck_assert_uint_eq(p.mark & plan->marks.flow, out);
	ck_assert(!passes(PLAN_HOOK_FORWARD, &p, "no-sa/tunnel"));
	p.ipsec_out = reqid_of(plan, "tunnel");
	ck_assert(passes(PLAN_HOOK_FORWARD, &p, "gateway/site"));
	/* The answer comes protected and goes on in clear. */
	reply = turned(p);
	ck_assert(passes(PLAN_HOOK_PREROUTING, &reply, "none"));
	ck_assert_uint_eq(reply.mark & plan->marks.flow, came);
	ck_assert(!passes(PLAN_HOOK_FORWARD, &reply, "no-sa/tunnel"));
	reply.ipsec_in = reqid_of(plan, "tunnel");
	ck_assert(passes(PLAN_HOOK_FORWARD, &reply, "none"));

	/* A connection from the other site: the rule's mirror. */
	p = packet_of(TCP, 5000);
	memcpy(p.flow.source, "\x0a\x02\0\x01", 4);
	memcpy(p.flow.destination, "\x0a\x01\0\x01", 4);
	p.in = "wan0";
	p.out = "lan0";
	ck_assert(passes(PLAN_HOOK_PREROUTING, &p, "none"));
	ck_assert_uint_eq(p.mark & plan->marks.flow, came);
	ck_assert(!passes(PLAN_HOOK_FORWARD, &p, "no-sa/tunnel"));
	p.ipsec_in = reqid_of(plan, "tunnel");
	ck_assert(passes(PLAN_HOOK_FORWARD, &p, "gateway/site"));
	reply = turned(p);
	ck_assert(passes(PLAN_HOOK_PREROUTING, &reply, "protect/tunnel"));
	ck_assert_uint_eq(reply.mark & plan->marks.flow, out);

	/* Roles count: the web rule is for lan to wan. */
	p = packet_of(TCP, 80);
	p.in = "lan0";
	p.out = "wan0";
	ck_assert(passes(PLAN_HOOK_FORWARD, &p, "gateway/web"));
	p.in = "wan0";
	p.out = "lan0";
	ck_assert(!passes(PLAN_HOOK_FORWARD, &p, "no-rule"));
	p.out = "eth7";
	ck_assert(!passes(PLAN_HOOK_FORWARD, &p, "no-role"));
}
END_TEST

/* ---- The evaluator and the chains agree, packet by packet ---- */

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static struct test_rule random_rule(uint32_t *state)
{
	static const char *const prefixes[] = {NULL, NULL, "192.0.2.0/24", "192.0.2.0/25",
		"192.0.2.128/26", "198.51.100.7", "2001:db8::/32", "2001:db8:1::/48",
		"2001:db8::1"};
	static const uint8_t protocols[] = {0, TCP, UDP, UDP, TCP, ICMP};
	struct test_rule r = {.name = "rule"};

	r.source = prefixes[next_random(state) % 9];
	r.destination = prefixes[next_random(state) % 9];
	if (r.source && r.destination && !strchr(r.source, ':') != !strchr(r.destination, ':'))
		r.destination = NULL;
	r.protocol = protocols[next_random(state) % 6];
	if ((r.protocol == TCP || r.protocol == UDP) && next_random(state) % 4) {
		r.port = (uint16_t)(1000 + next_random(state) % 20);
		r.port_last = (uint16_t)(r.port + next_random(state) % 5);
	}
	if (next_random(state) % 8 == 0)
		r.dscp = 46;
	r.direction = (enum policy_rule_direction)(1 + next_random(state) % 3);
	r.action = (enum policy_action)(next_random(state) % 3);
	if (r.action == POLICY_PROTECT)
		r.protection = (enum test_protection)(1 + next_random(state) % 3);
	r.stateless = next_random(state) % 4 == 0;
	return r;
}

static struct test_packet random_packet(uint32_t *state)
{
	static const uint8_t sources[][16] = {{192, 0, 2, 1}, {192, 0, 2, 130}, {192, 0, 2, 200},
		{198, 51, 100, 7}, {203, 0, 113, 1}, {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
		{0x20, 0x01, 0x0d, 0xb8, 0, 1}, {0x20, 0x02}};
	static const uint8_t protocols[] = {TCP, UDP, ICMP, 47, TCP};
	bool six = next_random(state) % 2;
	struct test_packet p = packet_of(
		protocols[next_random(state) % 5], (uint16_t)(998 + next_random(state) % 28));

	p.flow.family = six ? FLOW_IPV6 : FLOW_IPV4;
	p.flow.source_port = (uint16_t)(998 + next_random(state) % 28);
	memcpy(p.flow.source, sources[six ? 5 + next_random(state) % 3 : next_random(state) % 5],
		16);
	memcpy(p.flow.destination,
		sources[six ? 5 + next_random(state) % 3 : next_random(state) % 5], 16);
	p.flow.dscp = next_random(state) % 2 ? 46 : 0;
	p.flow.label = next_random(state) & 0xfffff;
	p.flow.icmp_type = 8;
	if (six && p.flow.protocol == ICMP)
		p.flow.protocol = 47;
	return p;
}

/* The walk of the plan itself ends like the packet of the test, whether it is the first of its
 * connection or a later one. */
static void check_walk(const struct test_packet *p, bool accepted, const struct policy_rule *rule,
	const char *text)
{
	struct plan_packet packet = {.flow = p->flow, .in = "eth0", .out = "eth0"};
	const struct policy_protection *wanted = rule ? rule->protection : NULL;
	struct plan_end end;

	for (int known = 0; known < 2; known++) {
		packet.known = known;
		/* A connection that was there already kept the mark of another time. */
		packet.ct_mark = known ? plan->marks.passed | plan->marks.number : 0;
		plan_walk(plan, &packet, &end);
		ck_assert_msg(end.accepted == accepted, "%s", text);
		if (!accepted || rule->stateful)
			ck_assert_msg((end.ct_mark & plan->marks.mask) == p->ct_mark, "%s: 0x%x 0x%x",
				text, end.ct_mark, p->ct_mark);
		if (rule)
			ck_assert_msg(end.cause && end.cause->prid.instance == rule->instance, "%s", text);
		if (accepted && wanted)
			ck_assert_str_eq(end.protection->name, wanted->name);
		else if (accepted)
			ck_assert_ptr_null(end.protection);
	}
}

static void check_packet(
	const struct policy *policy, struct test_packet p, enum flow_direction direction)
{
	enum plan_hook hook = direction == FLOW_IN ? PLAN_HOOK_INPUT : PLAN_HOOK_OUTPUT;
	const struct policy_rule *rule;
	const struct policy_protection *wanted;
	struct buffer text;
	bool accepted;

	p.flow.direction = direction;
	*(direction == FLOW_IN ? &p.in : &p.out) = "eth0";
	rule = policy_evaluate(policy, &p.flow, NULL);
	wanted = rule ? rule->protection : NULL;
	buffer_init(&text, 4096);
	flow_print(&text, &p.flow);
	if (direction == FLOW_OUT) {
		ck_assert(passes(PLAN_HOOK_OUTPUT_ROUTE, &p, NULL));
		ck_assert_msg((p.mark & plan->marks.flow) ==
				      marks_value(&plan->marks,
					      wanted ? number_of(plan, wanted->name) : 0, 0),
			"mark 0x%08x for %s", p.mark, buffer_string(&text));
	}
	if (wanted && wanted->demand == POLICY_REQUIRED) {
		struct test_packet clear = p;

		ck_assert_msg(!passes(hook, &clear, NULL), "in clear: %s", buffer_string(&text));
		*(direction == FLOW_IN ? &p.ipsec_in : &p.ipsec_out) = reqid_of(plan, wanted->name);
	}
	accepted = passes(hook, &p, NULL);
	ck_assert_msg(
		accepted == (rule && rule->action != POLICY_DISCARD), "%s", buffer_string(&text));
	ck_assert_int_eq((p.ct_mark & plan->marks.passed) != 0, accepted && rule->stateful);
	check_walk(&p, accepted, rule, buffer_string(&text));
	buffer_fini(&text);
}

START_TEST(chains_and_evaluator_agree)
{
	enum { ROUNDS = 150, RULES = 25, PACKETS = 300 };
	uint32_t state = 20261123;

	for (int round = 0; round < ROUNDS; round++) {
		struct test_rule rules[RULES];
		size_t count = 1 + next_random(&state) % RULES;
		struct policy *policy;

		for (size_t i = 0; i < count; i++)
			rules[i] = random_rule(&state);
		arena_reset(&arena);
		policy = test_policy(&arena, "host", rules, count);
		plan_free(plan);
		plan = build_host(rules, count, NULL);
		for (int i = 0; i < PACKETS; i++) {
			struct test_packet p = random_packet(&state);

			check_packet(policy, p, next_random(&state) % 2 ? FLOW_IN : FLOW_OUT);
		}
	}
}
END_TEST

/* ---- Several authorities ---- */

enum { LAYERS = 3 };

/* Two interfaces of different roles; the node has the first one's. */
static struct plan *build_layers(const struct policy_layer *layers)
{
	const struct plan_policy policies[] = {
		{.roles = "lan",
			.policy = layers[0].policy,
			.others = layers + 1,
			.other_count = LAYERS - 1},
		{.roles = "wan", .policy = layers[0].policy},
	};
	static const struct plan_interface interfaces[] = {{"eth0", "lan"}, {"eth1", "wan"}};

	return build(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
		.policies = policies,
		.policy_count = 2,
		.interfaces = interfaces,
		.interface_count = 2,
		.node_roles = "lan"});
}

static void check_layers(
	const struct policy_layer *layers, struct test_packet p, enum flow_direction direction)
{
	static const char *const names[] = {"lan", "wan"};
	static const struct policy_roles roles = {names, 2};
	const struct policy_rule *rules[LAYERS];
	struct plan_packet packet = {.in = "eth0", .out = "eth0"};
	struct policy_decision wanted;
	struct plan_end end;
	struct buffer text;

	p.flow.direction = direction;
	if (direction == FLOW_FORWARD) {
		p.flow.in_role = 1;
		p.flow.out_role = 2;
		strcpy(packet.out, "eth1");
	}
	packet.flow = p.flow;
	for (size_t i = 0; i < LAYERS; i++)
		rules[i] = policy_evaluate(layers[i].policy, &p.flow, &roles);
	wanted = policy_decide(layers, LAYERS, rules);
	plan_walk(plan, &packet, &end);
	buffer_init(&text, 4096);
	flow_print(&text, &p.flow);
	buffer_put_text(&text, ": ");
	policy_print_verdict(&text, &wanted.verdict);
	ck_assert_msg(end.accepted == (wanted.verdict.action != POLICY_DISCARD), "%s",
		buffer_string(&text));
	if (end.accepted && wanted.verdict.action == POLICY_PROTECT) {
		ck_assert_msg(end.protection != NULL, "%s", buffer_string(&text));
		ck_assert_str_eq(end.protection->name, wanted.verdict.protection->name);
		ck_assert(end.protection->required ==
			  (wanted.verdict.demand == POLICY_REQUIRED));
	} else if (end.accepted) {
		ck_assert_ptr_null(end.protection);
	}
	/* Who decided is told by name. */
	if (wanted.layer && wanted.rule && !wanted.incomparable)
		ck_assert_msg(end.cause && !strncmp(end.cause->name, layers[wanted.layer].name,
						   strlen(layers[wanted.layer].name)),
			"%s: %s", buffer_string(&text), end.cause ? end.cause->name : "");
	buffer_fini(&text);
}

/* The last rule lets the rest pass, or everything would be dropped. */
static struct policy *random_layer(uint32_t *state)
{
	enum { RULES = 8 };
	struct test_rule rules[RULES + 2];
	size_t count = 1 + next_random(state) % RULES;

	for (size_t i = 0; i < count; i++) {
		rules[i] = random_rule(state);
		rules[i].forward = next_random(state) % 3 == 0;
		rules[i].in_role = rules[i].out_role = "";
	}
	rules[count++] = (struct test_rule){
		.name = "rest", .direction = POLICY_BOTH_DIRECTIONS, .action = POLICY_BYPASS};
	rules[count++] = (struct test_rule){.name = "rest-through",
		.direction = POLICY_BOTH_DIRECTIONS,
		.action = POLICY_BYPASS,
		.forward = true,
		.in_role = "",
		.out_role = ""};
	return test_policy(&arena, "lan", rules, count);
}

START_TEST(chains_and_the_strictest_layer_agree)
{
	enum { ROUNDS = 100, PACKETS = 200 };
	uint32_t state = 20261124;

	for (int round = 0; round < ROUNDS; round++) {
		struct policy_layer layers[LAYERS] = {{"home", NULL}, {"operator", NULL},
			{"responder", NULL}};

		arena_reset(&arena);
		for (size_t i = 0; i < LAYERS; i++)
			layers[i].policy = random_layer(&state);
		plan_free(plan);
		plan = build_layers(layers);
		for (int i = 0; i < PACKETS; i++)
			check_layers(layers, random_packet(&state),
				(enum flow_direction)(next_random(&state) % FLOW_DIRECTIONS));
	}
}
END_TEST

START_TEST(what_cannot_be_agreed_upon_is_dropped_and_told)
{
	static const struct test_rule home[] = {
		{.name = "all", .direction = POLICY_OUT, .action = POLICY_BYPASS},
		{.name = "a", .direction = POLICY_IN, .action = POLICY_PROTECT, .protection = STRONG},
		{.name = "b", .direction = POLICY_IN, .action = POLICY_PROTECT, .protection = TUNNEL}};
	static const struct test_rule one[] = {{.name = "one", .direction = POLICY_OUT,
		.action = POLICY_PROTECT, .protection = STRONG}};
	static const struct test_rule other[] = {{.name = "other", .direction = POLICY_OUT,
		.action = POLICY_PROTECT, .protection = TUNNEL}};
	struct policy_layer layers[LAYERS] = {{"home", test_policy(&arena, "lan", home, 3)},
		{"operator", test_policy(&arena, "lan", one, 1)},
		{"visited", test_policy(&arena, "lan", other, 1)}};
	struct plan_packet packet = {.flow = packet_of(TCP, 80).flow, .out = "eth0"};
	struct plan_end end;

	plan = build_layers(layers);
	packet.flow.direction = FLOW_OUT;
	plan_walk(plan, &packet, &end);
	ck_assert(!end.accepted);
	ck_assert_str_eq(end.cause->name, "operator/one/incomparable");
	ck_assert_ptr_nonnull(plan->conflicts);
	ck_assert_str_eq(plan->conflicts->cause.name, "operator/one/incomparable");
	ck_assert_str_eq(plan->conflicts->roles, "lan");
}
END_TEST

/* ---- Numbers, names, limits ---- */

START_TEST(protections_keep_number_and_reqid)
{
	static const struct test_rule before[] = {{.name = "a",
							  .direction = POLICY_OUT,
							  .action = POLICY_PROTECT,
							  .protection = SOFT,
							  .protocol = TCP,
							  .port = 1},
		{.name = "b",
			.direction = POLICY_OUT,
			.action = POLICY_PROTECT,
			.protection = TUNNEL,
			.protocol = TCP,
			.port = 2}};
	static const struct test_rule after[] = {{.name = "c",
							 .direction = POLICY_OUT,
							 .action = POLICY_PROTECT,
							 .protection = STRONG,
							 .protocol = TCP,
							 .port = 3},
		{.name = "b",
			.direction = POLICY_OUT,
			.action = POLICY_PROTECT,
			.protection = TUNNEL,
			.protocol = TCP,
			.port = 2}};
	struct plan *old = build_host(before, 2, NULL);

	plan = build_host(after, 2, old);
	ck_assert_uint_eq(number_of(old, "soft"), 1);
	ck_assert_uint_eq(number_of(old, "tunnel"), 2);
	ck_assert_uint_eq(number_of(plan, "tunnel"), 2);
	ck_assert_msg(
		number_of(plan, "strong") == 3, "1 has just gone: old connections still carry it");
	ck_assert_uint_eq(reqid_of(old, "tunnel"), reqid_of(plan, "tunnel"));
	ck_assert_uint_ne(reqid_of(plan, "strong"), reqid_of(old, "soft"));
	for (size_t i = 0; i < plan->protection_count; i++)
		ck_assert(plan->protections[i].reqid >= PLAN_REQID_BASE &&
			  plan->protections[i].reqid <= PLAN_REQID_LAST);
	plan_free(old);
}
END_TEST

START_TEST(names_are_unique_and_readable_for_nft)
{
	char longest[256];
	struct test_rule rules[40];
	const char *seen[256];
	size_t count = 0;

	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	for (size_t i = 0; i < 40; i++)
		rules[i] = (struct test_rule){.name = i == 0   ? longest
						      : i == 1 ? "a b;{}\"\xc3\xa4"
							       : "same",
			.direction = POLICY_OUT,
			.action = POLICY_BYPASS,
			.protocol = TCP,
			.port = (uint16_t)(1000 + i)};
	plan = build_host(rules, 40, NULL);
	for (const struct plan_counter *c = plan->counters; c; c = c->next) {
		ck_assert_uint_lt(strlen(c->name), PLAN_NAME_SIZE);
		ck_assert_uint_eq(strspn(c->name, "abcdefghijklmnopqrstuvwxyz0123456789/-_."),
			strlen(c->name));
		for (size_t i = 0; i < count; i++)
			ck_assert_str_ne(seen[i], c->name);
		seen[count++] = c->name;
	}
	for (const struct plan_chain *c = plan->chains; c; c = c->next)
		for (const struct plan_chain *d = c->next; d; d = d->next)
			ck_assert_str_ne(c->name, d->name);
}
END_TEST

START_TEST(impossible_input_is_refused)
{
	struct plan_policy policy = {.roles = "host", .policy = test_policy(&arena, "host", NULL, 0)};
	struct plan_interface interfaces[] = {{"eth0", "host"}, {"eth0", "host"}};
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT,
		.policies = &policy,
		.policy_count = 1,
		.interfaces = interfaces,
		.interface_count = 1,
		.node_roles = ""};
	struct plan_cause cause;
	struct error error;

	plan = build(&input);
	input.interface_count = 2;
	ck_assert_int_eq(plan_build(&input, &plan, &cause, &error), E_DUPLICATE);
	interfaces[1].name = "sixteen-letters-";
	ck_assert_int_eq(plan_build(&input, &plan, &cause, &error), E_LENGTH);
	interfaces[1].name = "fifteen-letters";
	interfaces[1].roles = "lan";
	ck_assert_int_eq(plan_build(&input, &plan, &cause, &error), E_REFERENCE);
	interfaces[1].roles = "";
	input.node_roles = "lan";
	ck_assert_int_eq(plan_build(&input, &plan, &cause, &error), E_REFERENCE);
	input.node_roles = "host";
	for (unsigned shift = 0; shift <= 23; shift++) {
		struct marks m;

		ck_assert_int_eq(marks_from_mask(0x1ffu << shift, &m, &error), E_OK);
		ck_assert_uint_eq(m.flow | m.passed, m.mask);
		ck_assert_uint_eq(m.number | m.came, m.flow);
		ck_assert_int_eq(marks_from_mask(0xffu << shift, &m, &error), E_RANGE);
		ck_assert_int_eq(marks_from_mask(0x2ffu << shift, &m, &error), E_RANGE);
	}
	input.mark_mask = 0;
	ck_assert_int_eq(plan_build(&input, &plan, &cause, &error), E_RANGE);
}
END_TEST

/* Every third port has a rule, every sixth two. */
static struct plan *build_ports(size_t count, uint16_t moved)
{
	struct test_rule *rules = arena_calloc(&arena, count, sizeof *rules);

	for (size_t i = 0; i < count; i++) {
		rules[i] = (struct test_rule){.name = "port",
			.direction = POLICY_OUT,
			.action = i % 5 ? POLICY_BYPASS : POLICY_DISCARD,
			.protocol = TCP,
			.port = (uint16_t)(1000 + 3 * i)};
		if (i % 2)
			rules[i].port_last = (uint16_t)(rules[i].port + 1);
	}
	if (moved)
		rules[count / 2].port_last = moved;
	return build_host(rules, count, NULL);
}

static size_t map_elements(const struct plan_chain *c)
{
	size_t count = 0;

	for (const struct plan_rule *r = c->rules; r; r = r->next)
		for (size_t i = 0; i < r->step_count; i++)
			if (r->steps[i].kind == PLAN_MAP)
				count += r->steps[i].element_count;
	return count;
}

START_TEST(many_ways_are_split_and_lead_where_they_should)
{
	enum { PORTS = 1500 };
	size_t most = 0;

	plan = build_ports(PORTS, 0);
	for (const struct plan_chain *c = plan->chains; c; c = c->next)
		if (map_elements(c) > most)
			most = map_elements(c);
	ck_assert_uint_lt(most, 500);
	ck_assert_uint_gt(most, 10);
	for (uint16_t port = 990; port < 1000 + 3 * PORTS + 10; port++) {
		size_t i = ((size_t)port - 1000) / 3, rest = ((size_t)port - 1000) % 3;
		bool ruled = port >= 1000 && i < PORTS && rest <= i % 2;
		struct test_packet p = packet_of(TCP, port);

		p.out = "eth0";
		ck_assert_msg(
			passes(PLAN_HOOK_OUTPUT, &p, NULL) == (ruled && i % 5), "port %u", port);
	}
}
END_TEST

START_TEST(one_changed_way_changes_few_chains)
{
	enum { PORTS = 1500 };
	struct plan *other = build_ports(PORTS, 1000 + 3 * (PORTS / 2) + 1);
	size_t fresh = 0, elements = 0;

	plan = build_ports(PORTS, 0);
	for (const struct plan_chain *c = other->chains; c; c = c->next) {
		if (plan_find_chain(plan, c->name))
			continue;
		fresh++;
		elements += map_elements(c);
	}
	ck_assert_uint_ge(fresh, 1);
	ck_assert_uint_le(fresh, 10);
	ck_assert_uint_lt(elements, 500);
	plan_free(other);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		closed_node_reads_as_expected,
		host_reads_as_expected,
		router_reads_as_expected,
		same_policy_gives_the_same_plan,
		many_ways_are_split_and_lead_where_they_should,
		one_changed_way_changes_few_chains,
		no_rule_drops_and_counts,
		replies_pass_with_their_connection_only,
		stateless_rules_let_no_replies_through,
		limits_hold_what_begins_and_nothing_else,
		who_is_turned_away_is_told,
		tcp_begins_with_syn_and_invalid_packets_end,
		icmp_errors_pass_with_their_connection,
		the_way_to_pdps_is_as_wide_as_their_prefix,
		closed_node_opens_what_it_needs_and_no_more,
		only_root_speaks_from_the_ports_of_ike,
		protected_flows_pass_through_their_sa_alone,
		preferred_protection_falls_back_to_clear,
		marks_begin_empty_and_keep_foreign_bits,
		transit_has_one_protected_side,
		chains_and_evaluator_agree,
		chains_and_the_strictest_layer_agree,
		what_cannot_be_agreed_upon_is_dropped_and_told,
		protections_keep_number_and_reqid,
		names_are_unique_and_readable_for_nft,
		impossible_input_is_refused,
	};
	Suite *suite = suite_create("pib/plan");
	TCase *tcase = tcase_create("plan");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
