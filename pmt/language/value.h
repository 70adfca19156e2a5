/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words that stand in attributes, and what they mean: addresses, ports, ICMP types, durations,
 * rates. Each parser takes one word and says what is wrong with it in a sentence. No state, no
 * allocation.
 */
#ifndef COPSEC_PMT_LANGUAGE_VALUE_H
#define COPSEC_PMT_LANGUAGE_VALUE_H

#include "common/base/bytes.h"

enum {
	ROLE_LENGTH_MAX = 31, /* RFC 3318 3: Role */
	NAME_LENGTH_MAX = 63,
	COMBINATION_LENGTH_MAX = 255, /* RFC 3318 3: RoleCombination */
	PROTOCOL_ANY = 255,           /* ipSecSelectorProtocol */
	ICMP_ANY = -1,
	DSCP_ANY = -1
};

enum ip_family {
	FAMILY_IPV4 = 4,
	FAMILY_IPV6 = 6,
};

/*
 * As ipSecAddress has it: a single address or a prefix (min and max both the written address,
 * prefix_length says how much of it counts), or a range (prefix_length 32 or 128).
 */
struct address_range {
	enum ip_family family;
	uint8_t prefix_length;
	uint8_t min[16], max[16]; /* ipv4: the first four octets */
};

struct port_range {
	uint16_t min, max;
};

struct icmp_match {
	int16_t type, code; /* ICMP_ANY */
};

/* Cuts the next word off *rest: octets up to a blank. Empty when there is none. */
struct view next_word(struct view *rest);

/* 2001:db8::/32, 192.0.2.1, 192.0.2.10-192.0.2.20 */
enum err parse_address(struct view word, struct address_range *ret, struct error *e) MUST_USE;
bool address_is_single(const struct address_range *a);
/* The first and the last address that are meant. */
void address_bounds(const struct address_range *a, uint8_t first[16], uint8_t last[16]);
/* All from first to last: a prefix if it is one, else a range. */
struct address_range address_between(
	enum ip_family family, const uint8_t first[16], const uint8_t last[16]);
/* What both have in common; false if they have nothing. */
bool address_intersection(const struct address_range *a, const struct address_range *b,
	struct address_range *ret);
bool address_contains(const struct address_range *outer, const struct address_range *inner);
/* The shortest way to write it. */
void print_address(const struct address_range *a, struct buffer *out);

/* 443, 8000-8010 */
enum err parse_ports(struct view word, struct port_range *ret, struct error *e) MUST_USE;
/* any, 8, 3/1, echo-request */
enum err parse_icmp(struct view word, struct icmp_match *ret, struct error *e) MUST_USE;
/* 0-254, or a name of IANA's list: tcp, udp, gre... */
enum err parse_protocol(struct view word, uint8_t *ret, struct error *e) MUST_USE;
/* 90s, 15m, 8h, 30d; in seconds */
enum err parse_duration(struct view word, uint32_t *ret, struct error *e) MUST_USE;
/* Appends the octets, if somebody wants them (`out` is not NULL). */
enum err parse_base64(struct view text, struct buffer *out, struct error *e) MUST_USE;
/* From 1 on. */
enum err parse_count(struct view word, uint32_t *ret, struct error *e) MUST_USE;
/* 10/minute: how many, in how many seconds */
enum err parse_rate(
	struct view word, uint32_t *ret_count, uint32_t *ret_seconds, struct error *e) MUST_USE;
/* 0-63, ef, af41, cs1 (RFC 2474, 2597, 3246, 5865, 8622) */
enum err parse_dscp(struct view word, uint8_t *ret, struct error *e) MUST_USE;
/* The name of a code point; NULL if it has none. */
const char *dscp_name(uint8_t dscp);
/* The word for a unit of rates of so many seconds; NULL if there is none. */
const char *rate_unit(uint32_t seconds);
/* A letter, then letters, digits, '.', '-' and '_'; `max` octets at most. */
enum err parse_name(struct view word, size_t max, struct error *e) MUST_USE;
enum err parse_number(struct view word, uint32_t max, uint32_t *ret, struct error *e) MUST_USE;

#endif
