/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Peers that mean harm: many of one kind, in one process, which runs until it is killed. They have
 * names and keys that are let in, and come from four addresses, so that no limit on one of them
 * keeps them away. Whoever is cut off comes again.
 */
#ifndef COPSEC_TESTS_BENCH_HOSTILE_H
#define COPSEC_TESTS_BENCH_HOSTILE_H

#include "tests/bench/peers.h"

enum { HOSTILE = 200 };

/* What they did and what was done to them; shared with whoever reads it. */
struct hostile_tally {
	unsigned long octets;     /* sent over sessions */
	unsigned long handshakes; /* finished */
	unsigned long cut;        /* ended by the other end */
	unsigned long unread;     /* octets that wait at those who do not read, at the last look */
};

struct hostile_attack {
	uint16_t port;
	SSL_CTX *contexts[HOSTILE];
	char pepids[HOSTILE][16];
	struct hostile_tally *tally;
	int ready; /* an octet is written here when all are in place */
};

struct hostile_kind {
	const char *name;
	void (*run)(const struct hostile_kind *kind, struct hostile_attack *a);
	/* What is said over and over, how many octets at a time, how often, and whether the answers
	 * are read. */
	void (*say)(struct buffer *out);
	size_t part; /* 0: as much as the socket takes */
	double pause_s;
	bool reads;
	bool leaves; /* when all is said, and comes again with a clean sheet */
};

extern const struct hostile_kind hostile_kinds[];
extern const size_t hostile_kind_count;

#endif
