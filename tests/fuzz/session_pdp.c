/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PDP's end of a session: an octet of options, then a script (script.h).
 *
 * Reaches: all of common/session/pdp.h, stream_take, draft_send.
 */
#include "common/session/pdp.h"
#include "tests/fuzz/script.h"

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
	struct script script;
	uint32_t newest; /* request state */
};

static void event(void *context, const struct session_event *e)
{
	struct run *r = context;

	if (e->kind == SESSION_OPENING)
		fuzz_require_printable(e->pepid);
	if (e->kind == SESSION_OPENING || e->kind == SESSION_REQUEST || e->kind == SESSION_REPORT)
		REQUIRE(e->message != NULL);
	if (e->kind != SESSION_REQUEST)
		return;
	fuzz_accepted = true;
	r->newest = e->state;
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

	fuzz_either(pdp_session_decide(r->script.s, r->newest - (argument >> 4), &t, &decision));
}

static void wish(void *context, const struct step *step)
{
	struct run *r = context;
	struct session *session = r->script.s;
	uint16_t type = script_client_type(step->argument);
	uint32_t state = r->newest - (step->argument >> 4), decision;
	struct endpoint to;
	struct error e;

	switch ((enum wish)step->kind) {
	case ACCEPT:
		fuzz_either(pdp_session_accept(session, type));
		break;
	case REFUSE:
		fuzz_either(pdp_session_refuse(session, type, COPS_ERROR_UNABLE, 0));
		break;
	case DECIDE:
		decide(r, step->argument);
		break;
	case DECIDE_NULL:
		fuzz_either(pdp_session_decide_null(session, state, &decision));
		break;
	case DECIDE_ERROR:
		fuzz_either(pdp_session_decide_error(session, state, COPS_ERROR_UNABLE, 0));
		break;
	case DECIDE_STATE:
		fuzz_either(pdp_session_decide_state(
			session, state, step->argument & 1 ? COPS_INSTALL : COPS_REMOVE, &decision));
		break;
	case SYNCHRONIZE:
		fuzz_either(
			pdp_session_synchronize(session, type, step->argument & 4 ? r->newest : 0));
		break;
	case REDIRECT:
		REQUIRE(!endpoint_parse(
			step->argument & 4 ? "192.0.2.9" : "2001:db8::9", COPS_PORT, &to, &e));
		fuzz_either(pdp_session_redirect(session, type, &to));
		break;
	case CLOSE:
		session_close(session, type, COPS_ERROR_SHUTTING_DOWN);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = {.script = {
				.role = SESSION_PDP,
				.config = session_config_default(SESSION_PDP),
				.context = &r,
				.event = event,
				.wish = wish,
			}};

	script_run(&r.script, VIEW(data, size));
	return 0;
}
