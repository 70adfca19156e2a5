/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SRV records (RFC 2782) out of a DNS message (RFC 1035 section 4): which hosts serve, and in which
 * order they are to be tried.
 *
 * Only the records of the name that was asked for count, or of the one that CNAMEs lead to from it.
 * A message that is malformed anywhere in its answer section says nothing at all. Names are of
 * letters, digits, "-" and "_"; what has others is no host. Pure: chance is an argument.
 */
#ifndef COPSEC_PEP_NET_SRV_H
#define COPSEC_PEP_NET_SRV_H

#include "common/base/bytes.h"

enum {
	SRV_NAME_SIZE = 256,            /* of a name in text, with its NUL */
	SRV_TARGETS_MAX = 32,           /* of one answer; further ones are passed over */
	SRV_LIFE_LEAST = 60,            /* seconds: no answer is asked for again before */
	SRV_LIFE_MOST = 24 * 60 * 60,   /* and none is believed for longer */
};

struct srv_target {
	char name[SRV_NAME_SIZE];
	uint16_t priority, weight, port;
};

struct srv_answer {
	struct srv_target list[SRV_TARGETS_MAX];
	size_t count;
	size_t passed_over; /* beyond SRV_TARGETS_MAX, or without a host's name */
	uint32_t ttl;       /* seconds, the least of the records that count */
};

/* The name of a domain as such a record has it: labels of at most 63 octets, no dot at the end. */
bool srv_is_domain(const char *name);

/* E_NOT_FOUND: there is none of that name; no target and E_OK: the service is decidedly not there
 * (a target "."). E_SYNTAX, E_TRUNCATED, E_RANGE: not to be believed. */
enum err srv_decode(struct view message, const char *name, struct srv_answer *ret,
	struct error *e) MUST_USE;

/* Into the order in which they are to be tried: by priority, then by chance as the weights have it. */
void srv_order(struct srv_answer *answer, uint32_t (*random)(void *user), void *user);

/* How long an answer holds: its TTL within the limits above, in seconds. */
uint32_t srv_life(uint32_t ttl);

#endif
