/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to a session, read from the fuzzer's octets, one step after the other: the low four
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

static inline struct view script_message(struct cursor *c)
{
	struct cursor peek = *c;
	uint32_t len;

	cursor_u32(&peek);
	len = cursor_u32(&peek);
	return fuzz_take(c, peek.error || len < COPS_HEADER ? COPS_HEADER : len);
}

static inline bool script_next(struct cursor *c, struct step *ret)
{
	if (!cursor_left(c))
		return false;
	*ret = (struct step){.kind = cursor_u8(c) % STEP_KINDS};
	if (ret->kind == STEP_MESSAGE)
		ret->octets = script_message(c);
	else if (ret->kind != STEP_TLS_DONE && ret->kind != STEP_DEADLINE)
		ret->argument = cursor_left(c) ? cursor_u8(c) : 0;
	if (ret->kind == STEP_OCTETS)
		ret->octets = fuzz_take(c, ret->argument);
	return true;
}

/* One binding, for requests, reports and decisions. */
static inline struct view script_binding(void)
{
	static const uint8_t octets[] = {0x00, 0x10, 0x01, 0x01, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x02,
		0x02, 0x02, 0x03, 0x01, 0x01, 0x07, 0x00, 0x0a, 0x03, 0x01, 0x42, 0x01, 0x07, 0x02,
		0x01, 0x02, 0x00, 0x00};

	return VIEW(octets, sizeof octets);
}

static inline struct session_limits script_limits(void)
{
	return (struct session_limits){.message = 4096, .states = 4, .output = 2048};
}

static inline void script_judge_message(struct view octets, bool from_pep)
{
	struct cops_message m;
	struct cops_fault fault;
	struct arena arena;
	uint16_t code, sub_code;
	struct error e;

	arena_init(&arena, COPS_ARENA_LIMIT);
	REQUIRE(cops_decode(octets, &arena, &m, &fault) == E_OK);
	REQUIRE(from_pep ? cops_sent_by_pep(m.op) : cops_sent_by_pdp(m.op));
	REQUIRE(cops_check(&m, COPS_PR, &fault) == E_OK);
	if (m.op == COPS_REQ || m.op == COPS_DEC || m.op == COPS_RPT)
		REQUIRE(cops_check_data(&m, &code, &sub_code, &e) == E_OK);
	arena_fini(&arena);
}

/* `seen` collects what a session sends until a message is whole. */
static inline void script_judge(struct buffer *seen, struct view output, bool from_pep)
{
	enum err err;
	size_t len;

	buffer_put_view(seen, output);
	while ((err = cops_frame(buffer_view(seen), COPS_MESSAGE_LIMIT, &len)) == E_OK) {
		script_judge_message(VIEW(seen->data, len), from_pep);
		buffer_consume(seen, len);
	}
	REQUIRE(err == E_AGAIN && !seen->error);
}

#endif
