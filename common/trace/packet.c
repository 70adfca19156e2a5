/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/trace/packet.h"

#include <string.h>

#include "common/base/cursor.h"

enum {
	ETHERTYPE_OF_IPV4 = 0x0800,
	ETHERTYPE_OF_IPV6 = 0x86dd,
	ETHERTYPE_OF_VLAN = 0x8100,
	ETHERTYPE_OF_PROVIDER_VLAN = 0x88a8,
	PROTOCOL_OF_TCP = 6,
	VLAN_TAGS_MAX = 4,
	EXTENSIONS_MAX = 8,
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
};

/* Link types and where their protocol number stands: octets before it, and behind it. */
static const struct {
	int type;
	unsigned before, behind;
	bool has_protocol;
} links[] = {
	{1, 12, 0, true},    /* Ethernet */
	{113, 14, 0, true},  /* Linux cooked */
	{276, 0, 18, true},  /* Linux cooked, second version */
	{0, 4, 0, false},    /* BSD loopback */
	{12, 0, 0, false},   /* raw IP, as some systems number it */
	{101, 0, 0, false},  /* raw IP */
	{228, 0, 0, false},  /* IPv4 */
	{229, 0, 0, false},  /* IPv6 */
};

enum { LINKS = sizeof links / sizeof links[0] };

bool packet_link_is_known(int link_type)
{
	for (size_t i = 0; i < LINKS; i++)
		if (links[i].type == link_type)
			return true;
	return false;
}

/* Up to the IP header; false: something else follows. */
static bool skip_link(int link_type, struct cursor *c)
{
	for (size_t i = 0; i < LINKS; i++) {
		uint16_t protocol;

		if (links[i].type != link_type)
			continue;
		cursor_take(c, links[i].before);
		if (!links[i].has_protocol)
			return true;
		protocol = cursor_u16(c);
		for (int tag = 0; tag < VLAN_TAGS_MAX && (protocol == ETHERTYPE_OF_VLAN ||
				protocol == ETHERTYPE_OF_PROVIDER_VLAN); tag++) {
			cursor_take(c, 2);
			protocol = cursor_u16(c);
		}
		cursor_take(c, links[i].behind);
		return protocol == ETHERTYPE_OF_IPV4 || protocol == ETHERTYPE_OF_IPV6;
	}
	return false;
}

static void set_address(struct endpoint *p, int family, struct view octets)
{
	*p = (struct endpoint){0};
	p->address.any.sa_family = (sa_family_t)family;
	if (!octets.data)
		return;
	if (family == AF_INET)
		memcpy(&p->address.v4.sin_addr, octets.data, sizeof p->address.v4.sin_addr);
	else
		memcpy(&p->address.v6.sin6_addr, octets.data, sizeof p->address.v6.sin6_addr);
}

static void set_port(struct endpoint *p, uint16_t port)
{
	if (endpoint_family(p) == AF_INET)
		p->address.v4.sin_port = htons(port);
	else
		p->address.v6.sin6_port = htons(port);
}

static enum err read_ipv4(struct cursor *c, struct segment *s, struct view *ret_rest)
{
	size_t start = c->at, header, total;
	uint16_t fragment;
	uint8_t protocol;

	header = (size_t)(cursor_u8(c) & 0x0f) * 4;
	cursor_u8(c);
	total = cursor_u16(c);
	cursor_u16(c);
	fragment = cursor_u16(c);
	cursor_u8(c);
	protocol = cursor_u8(c);
	cursor_u16(c);
	set_address(&s->from, AF_INET, cursor_take(c, 4));
	set_address(&s->to, AF_INET, cursor_take(c, 4));
	if (c->error || header < 20 || total < header)
		return E_TRUNCATED;
	if (fragment & 0x3fff)
		return E_UNSUPPORTED;
	if (protocol != PROTOCOL_OF_TCP)
		return E_TYPE;
	cursor_take(c, header - (c->at - start));
	/* What follows the packet on a wire with a least length is not its own. */
	*ret_rest = cursor_take(c, total - header);
	return c->error ? E_TRUNCATED : E_OK;
}

static enum err read_ipv6(struct cursor *c, struct segment *s, struct view *ret_rest)
{
	enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60 };
	struct cursor inside;
	uint16_t length;
	uint8_t next;

	cursor_u32(c);
	length = cursor_u16(c);
	next = cursor_u8(c);
	cursor_u8(c);
	set_address(&s->from, AF_INET6, cursor_take(c, 16));
	set_address(&s->to, AF_INET6, cursor_take(c, 16));
	inside = cursor_over(cursor_take(c, length));
	if (c->error)
		return E_TRUNCATED;
	for (int i = 0; i < EXTENSIONS_MAX && (next == HOP_BY_HOP || next == ROUTING ||
					       next == DESTINATION); i++) {
		next = cursor_u8(&inside);
		cursor_take(&inside, (size_t)cursor_u8(&inside) * 8 + 6);
	}
	if (next == FRAGMENT)
		return E_UNSUPPORTED;
	if (next != PROTOCOL_OF_TCP)
		return E_TYPE;
	*ret_rest = cursor_rest(&inside);
	return inside.error ? E_TRUNCATED : E_OK;
}

static enum err read_tcp(struct view octets, struct segment *s)
{
	struct cursor c = cursor_over(octets);
	size_t header;
	uint8_t flags;

	set_port(&s->from, cursor_u16(&c));
	set_port(&s->to, cursor_u16(&c));
	s->sequence = cursor_u32(&c);
	cursor_u32(&c);
	header = (size_t)(cursor_u8(&c) >> 4) * 4;
	flags = cursor_u8(&c);
	cursor_take(&c, 6);
	if (c.error || header < c.at)
		return E_TRUNCATED;
	cursor_take(&c, header - c.at);
	s->syn = flags & TCP_SYN;
	s->fin = flags & TCP_FIN;
	s->rst = flags & TCP_RST;
	s->payload = cursor_rest(&c);
	return c.error ? E_TRUNCATED : E_OK;
}

enum err packet_segment(int link_type, struct view packet, struct segment *ret)
{
	struct cursor c = cursor_over(packet);
	struct segment s = {0};
	struct view rest;
	enum err err;
	uint8_t version;

	if (!skip_link(link_type, &c))
		return c.error ? E_TRUNCATED : E_TYPE;
	if (c.error || !cursor_left(&c))
		return E_TRUNCATED;
	version = packet.data[c.at] >> 4;
	if (version != 4 && version != 6)
		return E_TYPE;
	err = version == 4 ? read_ipv4(&c, &s, &rest) : read_ipv6(&c, &s, &rest);
	if (!err)
		err = read_tcp(rest, &s);
	if (!err)
		*ret = s;
	return err;
}
