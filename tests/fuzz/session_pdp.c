/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PDP's end of a session: an octet of options, then a script (script.h).
 *
 * Reaches: all of common/session/pdp.h, stream_take, draft_send.
 */
#include "common/session/pdp.h"
#include "tests/fuzz/script.h"

enum { PLAIN = 1, SLOW = 2, SEEN_MAX = 32 << 20 };

enum wish {
	ACCEPT = STEP_WISH,
	REFUSE,
	DECIDE,
	DECIDE_NULL,
	DECIDE_ERROR,
	DECIDE_STATE,
	SYNCHRONIZE,
	CLOSE,
	REDIRECT
};

struct run {
	struct session *s;
	uint64_t now;
	bool wants_tls;
	bool closed;
	struct buffer seen;
	uint32_t newest; /* request state */
};

static void drain(struct run *r)
{
	struct session_event e;

	while (session_next_event(r->s, &e)) {
		REQUIRE(!r->closed);
		if (e.error.code)
			fuzz_require_sentence(e.error.code, &e.error);
		if (e.kind == SESSION_START_TLS)
			r->wants_tls = true;
		if (e.kind == SESSION_REQUEST)
			fuzz_accepted = true;
		if (e.kind == SESSION_CLOSED)
			r->closed = true;
		if (e.kind == SESSION_OPENING)
			fuzz_require_printable(e.pepid);
		if (e.kind == SESSION_OPENING || e.kind == SESSION_REQUEST ||
			e.kind == SESSION_REPORT)
			REQUIRE(e.message != NULL);
		if (e.kind == SESSION_REQUEST)
			r->newest = e.state;
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
		script_judge(&r->seen, out, false);
		session_sent(r->s, out.len);
		if (most)
			return;
	}
}

static void decide(struct run *r, uint8_t argument)
{
	struct view binding = script_binding();
	struct view prid = VIEW(binding.data, 16);
	struct pdp_transaction t = {.removes = &prid,
		.remove_count = argument & 1,
		.installs = &binding,
		.install_count = argument >> 1 & 1};
	uint32_t decision;

	fuzz_either(pdp_session_decide(r->s, r->newest - (argument >> 4), &t, &decision));
}

static void wish(struct run *r, const struct step *step)
{
	static const uint16_t types[] = {COPS_CLIENT_PROVISIONING, COPS_CLIENT_PUBLISHING,
		COPS_CLIENT_VISITED, COPS_CLIENT_CONNECTION};
	uint16_t type = types[step->argument % 4];
	uint32_t state = r->newest - (step->argument >> 4), decision;
	struct endpoint to;
	struct error e;

	switch ((enum wish)step->kind) {
	case ACCEPT:
		fuzz_either(pdp_session_accept(r->s, type));
		break;
	case REFUSE:
		fuzz_either(pdp_session_refuse(r->s, type, COPS_ERROR_UNABLE, 0));
		break;
	case DECIDE:
		decide(r, step->argument);
		break;
	case DECIDE_NULL:
		fuzz_either(pdp_session_decide_null(r->s, state, &decision));
		break;
	case DECIDE_ERROR:
		fuzz_either(pdp_session_decide_error(r->s, state, COPS_ERROR_UNABLE, 0));
		break;
	case DECIDE_STATE:
		fuzz_either(pdp_session_decide_state(
			r->s, state, step->argument & 1 ? COPS_INSTALL : COPS_REMOVE, &decision));
		break;
	case SYNCHRONIZE:
		fuzz_either(
			pdp_session_synchronize(r->s, type, step->argument & 4 ? r->newest : 0));
		break;
	case REDIRECT:
		REQUIRE(!endpoint_parse(
			step->argument & 4 ? "192.0.2.9" : "2001:db8::9", COPS_PORT, &to, &e));
		fuzz_either(pdp_session_redirect(r->s, type, &to));
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
	struct session_config config = session_config_default(SESSION_PDP);
	struct run r = {.now = 1000000};
	struct step step;

	config.security = options & PLAIN ? SESSION_PLAIN : SESSION_TLS_REQUIRED;
	config.limits = script_limits();
	r.s = session_new(SESSION_PDP, &config, r.now);
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
