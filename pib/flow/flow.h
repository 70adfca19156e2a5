/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Flows, and first-match lists over them.
 *
 * A flow is what a rule judges: the first packet of a connection, in its original direction. A
 * match is a cross product: for each field a sorted list of disjoint intervals (no list = any
 * value), and the number that a flow in all of them gets (a rule's number from 1 on; 0 means "no
 * rule"). A list of matches is read from the front, the first that fits decides. flow_first_match()
 * is the meaning of such a list; diagram.h answers the same faster.
 *
 * Values are 128 bits wide. An address lies in them with its first octet on top, so 192.0.2.1 is
 * the top 32 bits of a value, 0.0.0.0/0 is the whole domain as ::/0 is, a prefix of n bits leaves
 * the lower 128-n free in both families, and every boundary between IPv4 intervals is a multiple
 * of 2^96. The first four octets of an interval's ends are the IPv4 addresses.
 *
 * Some fields do not exist in each flow: ports want a protocol with ports, ICMP type and code want
 * ICMP, a flow label wants IPv6, and an address has a meaning only in its family. A match is well
 * formed if it says so itself (flow_match_check): what narrows one of these fields also narrows
 * protocol or family. Thereby a function of flows has one diagram only, and a kernel never looks
 * for a port where none is. flow_match_complete() adds what a match implies.
 *
 * Nothing here allocates except from the caller's arena; what a match points to is borrowed.
 */
#ifndef COPSEC_PIB_FLOW_FLOW_H
#define COPSEC_PIB_FLOW_FLOW_H

#include "common/base/arena.h"
#include "common/base/bytes.h"

/* The order of the fields in a diagram. Ports before addresses would take gigabytes. ICMP has its
 * own two fields and not the place of the ports: protocols are decided above both, so no path has
 * both and the second pair costs nothing, while one node never means a port here and a type there.
 */
enum flow_field {
	FLOW_FAMILY,
	FLOW_SOURCE,
	FLOW_DESTINATION,
	FLOW_DIRECTION,
	FLOW_PROTOCOL,
	FLOW_DESTINATION_PORT,
	FLOW_SOURCE_PORT,
	FLOW_ICMP_TYPE,
	FLOW_ICMP_CODE,
	FLOW_DSCP,
	FLOW_LABEL,
	FLOW_IN_ROLE,
	FLOW_OUT_ROLE,
	FLOW_FIELDS
};

enum flow_family { FLOW_IPV4, FLOW_IPV6, FLOW_ANY_FAMILY };
enum flow_direction { FLOW_IN, FLOW_OUT, FLOW_FORWARD, FLOW_DIRECTIONS };

struct flow_value {
	uint64_t high;
	uint64_t low;
};

#define FLOW_VALUE(number) ((struct flow_value){0, (number)})

/* <0, 0, >0 */
int flow_value_compare(struct flow_value a, struct flow_value b);
/* The value after or before; wraps. */
struct flow_value flow_value_next(struct flow_value v);
struct flow_value flow_value_previous(struct flow_value v);
/* The greatest value of a field; the least is 0 for all. */
struct flow_value flow_field_last(enum flow_field field);
const char *flow_field_name(enum flow_field field);

/* Roles are numbers that whoever builds the list gives to the role combinations of the interfaces
 * concerned, from 1 on; 0 is an interface without a role (pib/policy/policy.h). */
struct flow {
	enum flow_family family;       /* not FLOW_ANY_FAMILY */
	enum flow_direction direction; /* not FLOW_DIRECTIONS */
	uint8_t source[16];            /* the first 4 octets for IPv4, the others 0 */
	uint8_t destination[16];
	uint8_t protocol;
	uint16_t source_port; /* the ports count only with a protocol that has them */
	uint16_t destination_port;
	uint8_t icmp_type; /* both count only with protocol 1 or 58 */
	uint8_t icmp_code;
	uint8_t dscp;   /* 0..63 */
	uint32_t label; /* 0..0xfffff, counts only in IPv6 */
	uint16_t in_role;
	uint16_t out_role;
};

/* The value that rules see: 0 where the field does not exist in this flow. */
struct flow_value flow_get(const struct flow *flow, enum flow_field field);
/* Sets the field; the value must be in its domain. */
void flow_set(struct flow *flow, enum flow_field field, struct flow_value v);
/* The flow of the other direction: source and destination, ports and roles change places, in and
 * out too. */
struct flow flow_mirror(const struct flow *flow);
bool flow_protocol_has_ports(uint8_t protocol); /* TCP, UDP, DCCP, SCTP, UDP-Lite */
bool flow_protocol_is_icmp(uint8_t protocol);   /* 1 and 58 */

struct flow_interval {
	struct flow_value low;
	struct flow_value high; /* included */
};

/* Sorted, disjoint; count 0 = every value of the field. */
struct flow_intervals {
	const struct flow_interval *list;
	size_t count;
};

/* A match without restriction is all zeros but for its number. */
struct flow_match {
	struct flow_intervals field[FLOW_FIELDS];
	uint32_t number;
};

/* The 4 or 16 octets of an address as a value. */
struct flow_value flow_address(enum flow_family family, const uint8_t *octets);
void flow_address_octets(struct flow_value v, uint8_t octets[16]);
/* All addresses that share the first `bits` bits; `bits` at most 32 or 128. */
struct flow_interval flow_prefix(enum flow_family family, const uint8_t *octets, unsigned bits);
/* The addresses from first to last. */
struct flow_interval flow_range(enum flow_family family, const uint8_t *first, const uint8_t *last);

/* Sorts and joins `count` intervals (at least one, low <= high) in place; the result borrows the
 * list, and is "any" if it covers the field's domain. */
struct flow_intervals flow_intervals_join(
	enum flow_field field, struct flow_interval *list, size_t count);
/* E_NOT_FOUND if nothing is left, E_MEMORY; the result lives in the arena or is one of a and b. */
enum err flow_intervals_intersect(struct arena *arena, struct flow_intervals a,
	struct flow_intervals b, struct flow_intervals *ret) MUST_USE;
/* What the field has besides `a`; E_NOT_FOUND if `a` is any, E_MEMORY. */
enum err flow_intervals_complement(struct arena *arena, enum flow_field field,
	struct flow_intervals a, struct flow_intervals *ret) MUST_USE;
bool flow_intervals_contain(struct flow_intervals a, struct flow_value v);

/* E_RANGE, E_CONFLICT: not sorted, outside the domain, or not well formed in the sense above. */
enum err flow_match_check(const struct flow_match *match, struct error *error) MUST_USE;
/* Narrows protocol and family to what the other fields imply. An address field that is narrowed
 * must come with its family. E_NOT_FOUND: no flow is left (TCP with an ICMP type); E_MEMORY. */
enum err flow_match_complete(struct arena *arena, struct flow_match *match) MUST_USE;
/* The match for the flows of the other direction (the direction field stays as it is). */
struct flow_match flow_match_mirror(const struct flow_match *match);
bool flow_match_contains(const struct flow_match *match, const struct flow *flow);
/* The number of the first match that contains the flow, 0 if none does. */
uint32_t flow_first_match(const struct flow_match *matches, size_t count, const struct flow *flow);

/* For people: "out ipv6 tcp 2001:db8::1 port 1024 -> 2001:db8::2 port 443". */
void flow_print(struct buffer *b, const struct flow *flow);
/* An address, a prefix or "first-last". */
void flow_print_addresses(struct buffer *b, enum flow_family family, struct flow_interval interval);
/* "tcp", or the number. */
void flow_print_protocol(struct buffer *b, uint8_t protocol);
/* Names that people have given. */
struct flow_names {
	/* Writes what these addresses are called and says true, or writes nothing. May be NULL. */
	bool (*addresses)(void *context, struct buffer *b, enum flow_family family,
		struct flow_intervals addresses);
	void *context;
};
/* "from 2001:db8::/32 to 2001:db8::1 tcp port 80, 443"; "all" without a restriction. `names` may be
 * NULL. */
void flow_print_match(
	struct buffer *b, const struct flow_match *match, const struct flow_names *names);

#endif
