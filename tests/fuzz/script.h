/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to a session of either end, read from the fuzzer's octets, one step after the other: the low four
 * bits of an octet say which, what follows is its argument. And what a session may send: whole
 * messages of its end that keep the grammar, nothing else.
 */
#ifndef COPSEC_TESTS_FUZZ_SCRIPT_H
#define COPSEC_TESTS_FUZZ_SCRIPT_H

#include "common/session/session.h"
#include "tests/fuzz/fuzz.h"

enum step_kind {
	STEP_MESSAGE,  /* arrives: as many octets as its own length says */
	STEP_OCTETS,   /* arrive: one octet says how many */
	STEP_TLS_DONE, /* if the session waits for it */
	STEP_DEADLINE, /* time passes up to it */
	STEP_SECONDS,  /* one octet of them pass */
	STEP_SEND,     /* one octet of the output goes out; 0: all of it */
	STEP_WISH,     /* all others: what the user wants, with an argument of one octet */
	STEP_KINDS = 16
};

struct step {
	unsigned kind; /* STEP_WISH and above: which wish */
	uint8_t argument;
	struct view octets;
};

struct script {
	enum session_role role;
	struct session_config config;
	void *context;
	void (*event)(void *context, const struct session_event *e);
	void (*wish)(void *context, const struct step *step);
	/* It sent this; the grammar is kept. NULL: nobody asks. */
	void (*said)(void *context, const struct cops_message *m);

	/* script_run()'s */
	struct session *s;
	uint64_t now;
	bool wants_tls, closed;
	struct buffer seen; /* what it sent, until a message is whole */
};

/* From the octet of options on to the end of the input, and all of the output out. */
void script_run(struct script *script, struct view input);

/* One binding, for requests, reports and decisions. */
struct view script_binding(void);
/* One of those that there are. */
uint16_t script_client_type(uint8_t argument);

#endif
