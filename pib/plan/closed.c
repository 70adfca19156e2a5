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

/* A door that every plan leaves open; a port of 0 is any port. */
struct door {
	const char *what;
	uint8_t protocol;
	uint8_t family; /* FAMILY_..., 0 for both */
	bool from_link; /* the source is link-local */
	uint16_t source_port, destination_port;
};

static const struct door doors_in[] = {
	{"ESP", PROTOCOL_ESP, 0, false, 0, 0},
	{"IKE", PROTOCOL_UDP, 0, false, 0, PORT_IKE},
	{"IKE and ESP in UDP", PROTOCOL_UDP, 0, false, 0, PORT_IKE_NAT},
	{"DHCP", PROTOCOL_UDP, FAMILY_IPV4, false, PORT_DHCP_SERVER, PORT_DHCP_CLIENT},
	{"DHCPv6", PROTOCOL_UDP, FAMILY_IPV6, true, PORT_DHCPV6_SERVER, PORT_DHCPV6_CLIENT},
};

static const struct door doors_out[] = {
	{"ESP", PROTOCOL_ESP, 0, false, 0, 0},
	{"IKE", PROTOCOL_UDP, 0, false, PORT_IKE, 0},
	{"IKE and ESP in UDP", PROTOCOL_UDP, 0, false, PORT_IKE_NAT, 0},
	{"DHCP", PROTOCOL_UDP, FAMILY_IPV4, false, PORT_DHCP_CLIENT, PORT_DHCP_SERVER},
	{"DHCPv6", PROTOCOL_UDP, FAMILY_IPV6, false, PORT_DHCPV6_CLIENT, PORT_DHCPV6_SERVER},
	{"DNS", PROTOCOL_UDP, 0, false, 0, PORT_DNS},
	{"DNS", PROTOCOL_TCP, 0, false, 0, PORT_DNS},
};

static void step_is_from_link(struct writer *w)
{
	struct flow_interval peers = flow_prefix(FLOW_IPV6, (uint8_t[16]){0xfe, 0x80}, 10);
	struct plan_value low, high;

	flow_address_octets(peers.low, low.octets);
	flow_address_octets(peers.high, high.octets);
	step_value(w, PLAN_KEY_SOURCE6, 0, low, high);
}

static void put_door(struct build *b, struct plan_chain *chain, const struct door *door)
{
	struct writer *w = &b->w;

	if (door->family)
		step_is(w, PLAN_KEY_FAMILY, door->family);
	if (door->from_link)
		step_is_from_link(w);
	step_is(w, PLAN_KEY_PROTOCOL, door->protocol);
	if (door->source_port)
		step_is(w, PLAN_KEY_SOURCE_PORT, door->source_port);
	if (door->destination_port)
		step_is(w, PLAN_KEY_DESTINATION_PORT, door->destination_port);
	put_open(b, chain, door->what);
}

static void put_way_to_pdp(
	struct build *b, struct plan_chain *chain, const struct plan_endpoint *pdp)
{
	struct writer *w = &b->w;
	bool is_ipv6 = pdp->family == FLOW_IPV6;
	struct plan_value low = {{0}}, high;

	memcpy(low.octets, pdp->address, is_ipv6 ? 16 : 4);
	high = low;
	for (unsigned bit = pdp->prefix_len; bit < (is_ipv6 ? 128 : 32); bit++)
		high.octets[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	step_is(w, PLAN_KEY_FAMILY, is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4);
	if (pdp->prefix_len)
		step_value(w, is_ipv6 ? PLAN_KEY_DESTINATION6 : PLAN_KEY_DESTINATION4, 0, low,
			high);
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_TCP);
	step_is(w, PLAN_KEY_DESTINATION_PORT, pdp->port);
	put_open(b, chain, "the way to the PDP");
}

static struct plan_chain *put_doors(
	struct build *b, const char *name, const struct door *doors, size_t count)
{
	struct plan_chain *chain = writer_chain(&b->w, PLAN_HOOK_NONE, name);

	for (size_t i = 0; i < count; i++)
		put_door(b, chain, &doors[i]);
	return chain;
}

void build_closed(struct build *b)
{
	put_reasons(b);
	put_neighbours(b);
	b->closed_in = put_doors(b, "closed-in", doors_in, sizeof(doors_in) / sizeof(doors_in[0]));
	b->closed_out =
		put_doors(b, "closed-out", doors_out, sizeof(doors_out) / sizeof(doors_out[0]));
	for (size_t i = 0; i < b->input->endpoint_count; i++)
		put_way_to_pdp(b, b->closed_out, &b->input->endpoints[i]);
}
