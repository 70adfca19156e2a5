/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both ends of a session in one process, over a wire that is an array and a clock that is a number.
 *
 * pair_run() carries octets to and fro until nobody has anything to say; pair_pass() lets time
 * pass from deadline to deadline. Events go to the two callbacks; TLS is played: when both ends
 * want it, both are told that it is done. What went over the wire stands in `trace`, a message a
 * line: ">" from the PEP, "<" from the PDP, op-code, client-type, what matters of the rest.
 *
 * Either end may be absent; then the test speaks for it by pair_say() and reads the trace.
 */
#ifndef COPSEC_TESTS_COMMON_SESSION_PAIR_H
#define COPSEC_TESTS_COMMON_SESSION_PAIR_H

#include "common/session/pdp.h"
#include "common/session/pep.h"

struct pair {
	struct session_config pep_config; /* to be changed before pair_start() */
	struct session_config pdp_config;
	struct session *pep; /* may be taken away, to be silent */
	struct session *pdp;
	uint64_t now;
	uint64_t seed;
	size_t cut;    /* octets delivered at a time, 0: all */
	bool deaf;     /* what is sent is lost */
	bool hold_tls; /* the handshake does not take place */
	bool pep_wants_tls, pdp_wants_tls;
	void (*on_pep)(struct pair *p, const struct session_event *e);
	void (*on_pdp)(struct pair *p, const struct session_event *e);
	void *user;
	struct buffer to_pep, to_pdp;           /* on the wire */
	struct buffer seen_of_pep, seen_of_pdp; /* not yet traced */
	struct buffer trace;
	struct buffer log; /* all octets in both directions, for a dissector */
};

enum pair_ends { PAIR_PEP = 1, PAIR_PDP = 2, PAIR_BOTH = 3 };

/* Defaults of the sessions, PEPID "pep1.example", the clock at some hour. */
void pair_init(struct pair *p);
void pair_start(struct pair *p, enum pair_ends ends);
void pair_fini(struct pair *p);

void pair_run(struct pair *p);
void pair_pass(struct pair *p, uint64_t ms);
/* Octets from the end that is absent, then pair_run(). The buffer is consumed. */
void pair_say(struct pair *p, struct buffer *octets);
void pair_say_hex(struct pair *p, const char *hex);

/* What was traced since the last call. */
const char *pair_trace(struct pair *p);

#endif
