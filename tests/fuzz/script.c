/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/script.h"

enum { PLAIN = 1, SLOW = 2, SEEN_MAX = 32 << 20 };

struct view script_binding(void)
{
	static const uint8_t octets[] = {0x00, 0x10, 0x01, 0x01, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x02,
		0x02, 0x02, 0x03, 0x01, 0x01, 0x07, 0x00, 0x0a, 0x03, 0x01, 0x42, 0x01, 0x07, 0x02,
		0x01, 0x02, 0x00, 0x00};

	return VIEW(octets, sizeof octets);
}

uint16_t script_client_type(uint8_t argument)
{
	static const uint16_t types[] = {COPS_CLIENT_PROVISIONING, COPS_CLIENT_PUBLISHING,
		COPS_CLIENT_VISITED, COPS_CLIENT_CONNECTION};

	return types[argument % 4];
}

/* ---- Steps ---- */

static struct view take_message(struct cursor *c)
{
	struct cursor peek = *c;
	uint32_t len;

	cursor_u32(&peek);
	len = cursor_u32(&peek);
	return fuzz_take(c, peek.error || len < COPS_HEADER ? COPS_HEADER : len);
}

static bool next_step(struct cursor *c, struct step *ret)
{
	if (!cursor_left(c))
		return false;
	*ret = (struct step){.kind = cursor_u8(c) % STEP_KINDS};
	if (ret->kind == STEP_MESSAGE)
		ret->octets = take_message(c);
	else if (ret->kind != STEP_TLS_DONE && ret->kind != STEP_DEADLINE)
		ret->argument = cursor_left(c) ? cursor_u8(c) : 0;
	if (ret->kind == STEP_OCTETS)
		ret->octets = fuzz_take(c, ret->argument);
	return true;
}

/* ---- What it sends ---- */

static void judge_message(struct script *t, struct view octets)
{
	bool from_pep = t->role == SESSION_PEP;
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
	if (t->said)
		t->said(t->context, &m);
	arena_fini(&arena);
}

static void judge(struct script *t, struct view output)
{
	enum err err;
	size_t len;

	buffer_put_view(&t->seen, output);
	while ((err = cops_frame(buffer_view(&t->seen), COPS_MESSAGE_LIMIT, &len)) == E_OK) {
		judge_message(t, VIEW(t->seen.data, len));
		buffer_consume(&t->seen, len);
	}
	REQUIRE(err == E_AGAIN && !t->seen.error);
}

/* At most that many octets; 0: all. */
static void carry_out(struct script *t, size_t most)
{
	struct view out;

	for (out = session_output(t->s); out.len; out = session_output(t->s)) {
		if (most && out.len > most)
			out.len = most;
		judge(t, out);
		session_sent(t->s, out.len);
		if (most)
			return;
	}
}

/* ---- What happens to it ---- */

static void drain(struct script *t)
{
	struct session_event e;

	while (session_next_event(t->s, &e)) {
		REQUIRE(!t->closed);
		if (e.error.code)
			fuzz_require_sentence(e.error.code, &e.error);
		t->wants_tls |= e.kind == SESSION_START_TLS;
		t->closed = e.kind == SESSION_CLOSED;
		t->event(t->context, &e);
	}
	REQUIRE(t->closed == session_is_closed(t->s));
}

static void receive(struct script *t, struct view octets)
{
	size_t used;

	do {
		used = session_receive(t->s, octets, t->now);
		octets = fuzz_after(octets, used);
		drain(t);
	} while (octets.len && used);
	/* It takes all that it is given, sooner or later. */
	REQUIRE(!octets.len);
}

static void happen(struct script *t, const struct step *step)
{
	uint64_t deadline = session_deadline(t->s);

	switch (step->kind) {
	case STEP_MESSAGE:
	case STEP_OCTETS:
		receive(t, step->octets);
		break;
	case STEP_TLS_DONE:
		if (t->wants_tls)
			session_tls_done(t->s, t->now);
		t->wants_tls = false;
		break;
	case STEP_DEADLINE:
		if (deadline != SESSION_NEVER && deadline > t->now)
			t->now = deadline;
		session_tick(t->s, t->now);
		break;
	case STEP_SECONDS:
		t->now += 1000u * step->argument;
		session_tick(t->s, t->now);
		break;
	case STEP_SEND:
		carry_out(t, step->argument);
		break;
	default:
		t->wish(t->context, step);
	}
	drain(t);
}

void script_run(struct script *t, struct view octets)
{
	struct cursor input = cursor_over(octets);
	uint8_t options = cursor_u8(&input);
	struct step step;

	t->config.security = options & PLAIN ? SESSION_PLAIN : SESSION_TLS_REQUIRED;
	t->config.limits = (struct session_limits){.message = 4096, .states = 4, .output = 2048};
	t->now = 1000000;
	t->s = session_new(t->role, &t->config, t->now);
	REQUIRE(t->s != NULL);
	buffer_init(&t->seen, SEEN_MAX);
	drain(t);
	while (next_step(&input, &step)) {
		happen(t, &step);
		if (!(options & SLOW))
			carry_out(t, 0);
	}
	carry_out(t, 0);
	session_free(t->s);
	buffer_fini(&t->seen);
}
