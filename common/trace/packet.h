/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One captured packet: the TCP segment in it. Ethernet with VLAN tags, Linux's cooked captures, raw
 * IP; IPv4, and IPv6 with the usual extension headers. What a capture cut off, and fragments, are no
 * segments. The payload borrows from the packet.
 */
#ifndef COPSEC_COMMON_TRACE_PACKET_H
#define COPSEC_COMMON_TRACE_PACKET_H

#include "common/base/bytes.h"
#include "common/base/endpoint.h"

struct segment {
	struct endpoint from, to;
	uint32_t sequence;
	bool syn, fin, rst;
	struct view payload;
};

/* The numbers of libpcap's link types, which are those of its files. */
bool packet_link_is_known(int link_type);
/* E_TYPE: no TCP; E_TRUNCATED: cut; E_UNSUPPORTED: a fragment. */
enum err packet_segment(int link_type, struct view packet, struct segment *ret) MUST_USE;

#endif
