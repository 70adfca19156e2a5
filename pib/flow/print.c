/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/flow.h"

#include <arpa/inet.h>

enum { ITEMS_SHOWN = 8 }; /* of a list; then "and N more" */

static const char *const directions[] = {"in", "out", "forward"};

static void print_address(struct buffer *b, enum flow_family family, struct flow_value v)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t octets[16];

	flow_address_octets(v, octets);
	inet_ntop(family == FLOW_IPV4 ? AF_INET : AF_INET6, octets, text, sizeof text);
	buffer_put_text(b, "%s", text);
}

void flow_print_addresses(struct buffer *b, enum flow_family family, struct flow_interval interval)
{
	unsigned width = family == FLOW_IPV4 ? 32 : 128;
	unsigned bits = 0;
	uint8_t octets[16];

	flow_address_octets(interval.low, octets);
	while (bits < width) {
		struct flow_interval prefix = flow_prefix(family, octets, bits);

		if (flow_value_compare(prefix.low, interval.low) == 0 &&
			flow_value_compare(prefix.high, interval.high) <= 0)
			break;
		bits++;
	}
	print_address(b, family, interval.low);
	if (flow_value_compare(flow_prefix(family, octets, bits).high, interval.high) != 0) {
		buffer_put_text(b, "-");
		print_address(b, family, interval.high);
	} else if (bits < width) {
		buffer_put_text(b, "/%u", bits);
	}
}

void flow_print_protocol(struct buffer *b, uint8_t protocol)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {
		{1, "icmp"},
		{2, "igmp"},
		{4, "ipv4"},
		{6, "tcp"},
		{17, "udp"},
		{33, "dccp"},
		{41, "ipv6"},
		{47, "gre"},
		{50, "esp"},
		{51, "ah"},
		{58, "icmpv6"},
		{89, "ospf"},
		{108, "ipcomp"},
		{112, "vrrp"},
		{132, "sctp"},
		{136, "udplite"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].number == protocol) {
			buffer_put_text(b, "%s", names[i].name);
			return;
		}
	}
	buffer_put_text(b, "protocol %u", protocol);
}

static void print_end(
	struct buffer *b, const struct flow *flow, const uint8_t *octets, uint16_t port)
{
	print_address(b, flow->family, flow_address(flow->family, octets));
	if (flow_protocol_has_ports(flow->protocol))
		buffer_put_text(b, " port %u", port);
}

void flow_print(struct buffer *b, const struct flow *flow)
{
	buffer_put_text(b, "%s %s ", directions[flow->direction],
		flow->family == FLOW_IPV4 ? "ipv4" : "ipv6");
	flow_print_protocol(b, flow->protocol);
	buffer_put_text(b, " ");
	print_end(b, flow, flow->source, flow->source_port);
	buffer_put_text(b, " -> ");
	print_end(b, flow, flow->destination, flow->destination_port);
	if (flow_protocol_is_icmp(flow->protocol))
		buffer_put_text(b, " type %u code %u", flow->icmp_type, flow->icmp_code);
	if (flow->dscp)
		buffer_put_text(b, " dscp %u", flow->dscp);
	if (flow->label && flow->family == FLOW_IPV6)
		buffer_put_text(b, " label %u", (unsigned)flow->label);
}

/* "80, 443, 1000-2000 and 3 more"; addresses by family. */
static void print_list(struct buffer *b, const struct flow_names *names, enum flow_field field,
	enum flow_family family, struct flow_intervals a)
{
	bool is_address = field == FLOW_SOURCE || field == FLOW_DESTINATION;

	if (names && is_address && names->addresses &&
		names->addresses(names->context, b, family, a))
		return;
	for (size_t i = 0; i < a.count; i++) {
		const struct flow_interval *v = &a.list[i];

		if (i == ITEMS_SHOWN) {
			buffer_put_text(b, " and %zu more", a.count - i);
			return;
		}
		if (i > 0)
			buffer_put_text(b, ", ");
		if (is_address) {
			flow_print_addresses(b, family, *v);
		} else if (field == FLOW_PROTOCOL && v->low.low == v->high.low) {
			flow_print_protocol(b, (uint8_t)v->low.low);
		} else if (field == FLOW_DIRECTION) {
			for (uint64_t d = v->low.low; d <= v->high.low; d++)
				buffer_put_text(
					b, "%s%s", d > v->low.low ? ", " : "", directions[d]);
		} else {
			buffer_put_text(b, "%ju", (uintmax_t)v->low.low);
			if (v->low.low != v->high.low)
				buffer_put_text(b, "-%ju", (uintmax_t)v->high.low);
		}
	}
}

void flow_print_match(
	struct buffer *b, const struct flow_match *match, const struct flow_names *names)
{
	static const struct {
		enum flow_field field;
		const char *word;
	} words[] = {
		{FLOW_DIRECTION, ""},
		{FLOW_SOURCE, "from"},
		{FLOW_DESTINATION, "to"},
		{FLOW_PROTOCOL, ""},
		{FLOW_DESTINATION_PORT, "port"},
		{FLOW_SOURCE_PORT, "from port"},
		{FLOW_ICMP_TYPE, "type"},
		{FLOW_ICMP_CODE, "code"},
		{FLOW_DSCP, "dscp"},
		{FLOW_LABEL, "label"},
		{FLOW_IN_ROLE, "in by role"},
		{FLOW_OUT_ROLE, "out by role"},
	};
	struct flow_intervals families = match->field[FLOW_FAMILY];
	enum flow_family family = FLOW_ANY_FAMILY;
	const char *between = "";

	if (families.count) {
		family = families.list[0].low.low == FLOW_IPV4 ? FLOW_IPV4 : FLOW_IPV6;
		if (!match->field[FLOW_SOURCE].count && !match->field[FLOW_DESTINATION].count) {
			buffer_put_text(b, "%s", family == FLOW_IPV4 ? "ipv4" : "ipv6");
			between = " ";
		}
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct flow_intervals a = match->field[words[i].field];

		if (!a.count)
			continue;
		buffer_put_text(b, "%s%s%s", between, words[i].word, *words[i].word ? " " : "");
		print_list(b, names, words[i].field, family, a);
		between = " ";
	}
	if (!*between)
		buffer_put_text(b, "all");
}
