/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PEP's end of a session: an octet of options, then a script (script.h).
 *
 * Reaches: all of common/session/pep.h, stream_take, draft_send.
 */
#include "common/session/pep.h"
#include "tests/fuzz/script.h"

enum { PLAIN = 1, SLOW = 2, DUTIES_MAX = 512, SEEN_MAX = 32 << 20 };

enum wish { OPEN = STEP_WISH, REQUEST, UPDATE, REPORT, TELL, DELETE, SYNCHRONIZED, CLOSE };

struct run {
	struct session *s;
	uint64_t now;
	bool wants_tls;
	bool closed;
	struct buffer seen;
	uint32_t duties[DUTIES_MAX]; /* numbers of decisions to be reported */
	size_t duty_count;
};

static uint32_t any_number(void *user)
{
	uint32_t *state = user;

	*state = *state * 1664525u + 1013904223u;
	return *state;
}

static void drain(struct run *r)
{
	struct session_event e;

	while (session_next_event(r->s, &e)) {
		REQUIRE(!r->closed);
		if (e.error.code)
			fuzz_require_sentence(e.error.code, &e.error);
		if (e.kind == SESSION_START_TLS)
			r->wants_tls = true;
		if (e.kind == SESSION_DECISION)
			fuzz_accepted = true;
		if (e.kind == SESSION_CLOSED)
			r->closed = true;
		if (e.kind == SESSION_DECISION) {
			REQUIRE(e.message && e.message->op == COPS_DEC && e.decision > 0);
			if (r->duty_count < DUTIES_MAX)
				r->duties[r->duty_count++] = e.decision;
		}
	}
	REQUIRE(r->closed == session_is_closed(r->s));
}

static void receive(struct run *r, struct view octets)
{
	size_t used;

	do {
		used = session_receive(r->s, octets, r->now);
		octets = fuzz_after(octets, used);
		drain(r);
	} while (octets.len && used);
	/* It takes all that it is given, sooner or later. */
	REQUIRE(!octets.len);
}

static void carry_out(struct run *r, size_t most)
{
	struct view out;

	for (out = session_output(r->s); out.len; out = session_output(r->s)) {
		if (most && out.len > most)
			out.len = most;
		script_judge(&r->seen, out, true);
		session_sent(r->s, out.len);
		if (most)
			return;
	}
}

static void report(struct run *r, uint8_t argument)
{
	struct view binding = script_binding();
	size_t which = r->duty_count ? argument % r->duty_count : 0;
	enum err err;

	if (!r->duty_count)
		return;
	err = pep_session_report(r->s, r->duties[which],
		argument & 0x80 ? COPS_SUCCESS : COPS_FAILURE, &binding, argument & 1);
	if (err == E_UNEXPECTED)
		return;
	memmove(&r->duties[which], &r->duties[which + 1],
		(r->duty_count - which - 1) * sizeof r->duties[0]);
	r->duty_count--;
}

static void wish(struct run *r, const struct step *step)
{
	static const uint16_t types[] = {COPS_CLIENT_PROVISIONING, COPS_CLIENT_PUBLISHING,
		COPS_CLIENT_VISITED, COPS_CLIENT_CONNECTION};
	uint16_t type = types[step->argument % 4];
	struct view binding = script_binding();
	uint32_t handle = step->argument;

	switch ((enum wish)step->kind) {
	case OPEN:
		fuzz_either(pep_session_open(r->s, type, NULL, r->now));
		break;
	case REQUEST:
		fuzz_either(pep_session_request(
			r->s, type, &binding, step->argument >> 7, r->now, &handle));
		break;
	case UPDATE:
		fuzz_either(pep_session_update(r->s, handle, &binding, 1, r->now));
		break;
	case REPORT:
		report(r, step->argument);
		break;
	case TELL:
		fuzz_either(pep_session_tell(r->s, handle & 0x7f,
			handle & 0x80 ? COPS_FAILURE : COPS_ACCOUNTING, &binding, 1, r->now));
		break;
	case DELETE:
		fuzz_either(pep_session_delete(r->s, handle, COPS_REASON_MANAGEMENT));
		break;
	case SYNCHRONIZED:
		fuzz_either(pep_session_synchronized(r->s, type, handle >> 2));
		break;
	case CLOSE:
		session_close(r->s, type, COPS_ERROR_SHUTTING_DOWN);
		break;
	}
}

static void happen(struct run *r, const struct step *step)
{
	uint64_t deadline = session_deadline(r->s);

	switch (step->kind) {
	case STEP_MESSAGE:
	case STEP_OCTETS:
		receive(r, step->octets);
		break;
	case STEP_TLS_DONE:
		if (r->wants_tls)
			session_tls_done(r->s, r->now);
		r->wants_tls = false;
		break;
	case STEP_DEADLINE:
		if (deadline != SESSION_NEVER && deadline > r->now)
			r->now = deadline;
		session_tick(r->s, r->now);
		break;
	case STEP_SECONDS:
		r->now += 1000u * step->argument;
		session_tick(r->s, r->now);
		break;
	case STEP_SEND:
		carry_out(r, step->argument);
		break;
	default:
		wish(r, step);
	}
	drain(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(VIEW(data, size));
	uint8_t options = cursor_u8(&input);
	struct session_config config = session_config_default(SESSION_PEP);
	struct run r = {.now = 1000000};
	uint32_t random = options;
	struct step step;

	config.pepid = "pep1.example";
	config.security = options & PLAIN ? SESSION_PLAIN : SESSION_TLS_REQUIRED;
	config.limits = script_limits();
	config.random = any_number;
	config.user = &random;
	r.s = session_new(SESSION_PEP, &config, r.now);
	REQUIRE(r.s != NULL);
	buffer_init(&r.seen, SEEN_MAX);
	drain(&r);
	while (script_next(&input, &step)) {
		happen(&r, &step);
		if (!(options & SLOW))
			carry_out(&r, 0);
	}
	carry_out(&r, 0);
	session_free(r.s);
	buffer_fini(&r.seen);
	return 0;
}
