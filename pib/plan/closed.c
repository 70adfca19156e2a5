/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/build.h"

#include <string.h>

static void put_reasons(struct build *b)
{
	static const struct plan_cause none = {.name = "no rule"};
	static const struct plan_cause role = {.name = "no role"};
	static const struct plan_cause syn = {.name = "TCP that starts without SYN"};
	static const struct plan_cause bad = {.name = "in no valid connection"};
	struct writer *w = &b->w;
	uint32_t others = ~b->plan->marks.mask;

	b->no_rule = writer_counter(w, "no-rule", "", &none);
	b->no_role = writer_counter(w, "no-role", "", &role);
	b->not_syn = writer_counter(w, "not-syn", "", &syn);
	b->invalid = writer_counter(w, "invalid", "", &bad);
	b->drop_no_rule = writer_chain(w, PLAN_HOOK_NONE, "drop-no-rule");
	step_ct_mark(w, others, 0); /* the replies end with it */
	step_count(w, b->no_rule);
	step_drop(w);
	writer_rule(w, b->drop_no_rule, &none);
	b->drop_no_role = writer_chain(w, PLAN_HOOK_NONE, "drop-no-role");
	step_ct_mark(w, others, 0);
	step_count(w, b->no_role);
	step_drop(w);
	writer_rule(w, b->drop_no_role, &role);
}

struct plan_element build_element(uint32_t low, uint32_t high, enum plan_key key)
{
	return (struct plan_element){.low = plan_number(key, low),
		.high = plan_number(key, high),
		.verdict = PLAN_ACCEPT};
}

/* Without neighbours IPv6 cannot even ask for an SA: they pass before anything else. */
static void put_neighbours(struct build *b)
{
	struct writer *w = &b->w;
	struct plan_cause cause = build_compiled_in("neighbour discovery, multicast listeners");
	struct plan_element types[] = {
		build_element(130, 132, PLAN_KEY_ICMP_TYPE), /* MLD */
		build_element(133, 137, PLAN_KEY_ICMP_TYPE), /* ND */
		build_element(143, 143, PLAN_KEY_ICMP_TYPE), /* MLDv2 */
	};

	b->neighbours = writer_chain(w, PLAN_HOOK_NONE, "neighbours");
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_ICMPV6);
	step_map(w, PLAN_KEY_ICMP_TYPE, 0, types, 3);
	writer_rule(w, b->neighbours, &cause);
}

/* Accepts what the steps so far match; replies and errors of it pass with the connection. */
static void put_open(struct build *b, struct plan_chain *chain, const char *what)
{
	struct plan_cause cause = build_compiled_in(what);

	step_ct_mark(&b->w, ~b->plan->marks.mask, b->plan->marks.passed);
	step_accept(&b->w);
	writer_rule(&b->w, chain, &cause);
}

static void put_closed_in(struct build *b)
{
	struct writer *w = &b->w;
	struct plan_chain *chain = writer_chain(w, PLAN_HOOK_NONE, "closed-in");
	struct flow_interval peers = flow_prefix(FLOW_IPV6, (uint8_t[16]){0xfe, 0x80}, 10);
	struct plan_value low, high;

	b->closed_in = chain;
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_ESP);
	put_open(b, chain, "ESP");
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_DESTINATION_PORT, PORT_IKE);
	put_open(b, chain, "IKE");
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_DESTINATION_PORT, PORT_IKE_NAT);
	put_open(b, chain, "IKE and ESP in UDP");
	step_is(w, PLAN_KEY_FAMILY, FAMILY_IPV4);
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_SOURCE_PORT, PORT_DHCP_SERVER);
	step_is(w, PLAN_KEY_DESTINATION_PORT, PORT_DHCP_CLIENT);
	put_open(b, chain, "DHCP");
	flow_address_octets(peers.low, low.octets);
	flow_address_octets(peers.high, high.octets);
	step_is(w, PLAN_KEY_FAMILY, FAMILY_IPV6);
	step_value(w, PLAN_KEY_SOURCE6, 0, low, high);
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_SOURCE_PORT, PORT_DHCPV6_SERVER);
	step_is(w, PLAN_KEY_DESTINATION_PORT, PORT_DHCPV6_CLIENT);
	put_open(b, chain, "DHCPv6");
}

static void put_closed_out(struct build *b)
{
	struct writer *w = &b->w;
	struct plan_chain *chain = writer_chain(w, PLAN_HOOK_NONE, "closed-out");

	b->closed_out = chain;
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_ESP);
	put_open(b, chain, "ESP");
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_SOURCE_PORT, PORT_IKE);
	put_open(b, chain, "IKE");
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_SOURCE_PORT, PORT_IKE_NAT);
	put_open(b, chain, "IKE and ESP in UDP");
	step_is(w, PLAN_KEY_FAMILY, FAMILY_IPV4);
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_SOURCE_PORT, PORT_DHCP_CLIENT);
	step_is(w, PLAN_KEY_DESTINATION_PORT, PORT_DHCP_SERVER);
	put_open(b, chain, "DHCP");
	step_is(w, PLAN_KEY_FAMILY, FAMILY_IPV6);
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_SOURCE_PORT, PORT_DHCPV6_CLIENT);
	step_is(w, PLAN_KEY_DESTINATION_PORT, PORT_DHCPV6_SERVER);
	put_open(b, chain, "DHCPv6");
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_DESTINATION_PORT, PORT_DNS);
	put_open(b, chain, "DNS");
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_TCP);
	step_is(w, PLAN_KEY_DESTINATION_PORT, PORT_DNS);
	put_open(b, chain, "DNS");
	for (size_t i = 0; i < b->input->endpoint_count; i++) {
		const struct plan_endpoint *pdp = &b->input->endpoints[i];
		struct plan_value address = {{0}};

		memcpy(address.octets, pdp->address, pdp->family == FLOW_IPV6 ? 16 : 4);
		step_is(w, PLAN_KEY_FAMILY, pdp->family == FLOW_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4);
		step_value(w,
			pdp->family == FLOW_IPV6 ? PLAN_KEY_DESTINATION6 : PLAN_KEY_DESTINATION4, 0,
			address, address);
		step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_TCP);
		step_is(w, PLAN_KEY_DESTINATION_PORT, pdp->port);
		put_open(b, chain, "the way to the PDP");
	}
}

void build_closed(struct build *b)
{
	put_reasons(b);
	put_neighbours(b);
	put_closed_in(b);
	put_closed_out(b);
}
