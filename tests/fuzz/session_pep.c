/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PEP's end of a session: an octet of options, then a script (script.h).
 *
 * Reaches: all of common/session/pep.h, stream_take, draft_send.
 */
#include "common/session/pep.h"
#include "tests/fuzz/script.h"

enum { DUTIES_MAX = 512 };

enum wish { OPEN = STEP_WISH, REQUEST, UPDATE, REPORT, TELL, DELETE, SYNCHRONIZED, CLOSE };

struct run {
	struct script script;
	uint32_t duties[DUTIES_MAX]; /* numbers of decisions to be reported */
	size_t duty_count;
	/* Reports of each type that the user wished, and those that went out. */
	unsigned wished[COPS_ACCOUNTING + 1], said[COPS_ACCOUNTING + 1];
};

static uint32_t any_number(void *user)
{
	uint32_t *state = user;

	*state = *state * 1664525u + 1013904223u;
	return *state;
}

static void event(void *context, const struct session_event *e)
{
	struct run *r = context;

	if (e->kind != SESSION_DECISION)
		return;
	fuzz_accepted = true;
	REQUIRE(e->message && e->message->op == COPS_DEC && e->decision > 0);
	if (r->duty_count < DUTIES_MAX)
		r->duties[r->duty_count++] = e->decision;
}

/* Of its own accord a session reports failures only: what it refuses is never a success. */
static void said(void *context, const struct cops_message *m)
{
	struct run *r = context;
	uint16_t type;

	if (m->op != COPS_RPT)
		return;
	type = cops_find(m, COPS_REPORT_TYPE)->report.type;
	REQUIRE(type >= COPS_SUCCESS && type <= COPS_ACCOUNTING);
	r->said[type]++;
	if (type != COPS_FAILURE)
		REQUIRE(r->said[type] <= r->wished[type]);
}

static void report(struct run *r, uint8_t argument)
{
	struct view binding = script_binding();
	size_t which = r->duty_count ? argument % r->duty_count : 0;
	enum cops_report_type type = argument & 0x80 ? COPS_SUCCESS : COPS_FAILURE;
	enum err err;

	if (!r->duty_count)
		return;
	err = pep_session_report(r->script.s, r->duties[which], type, &binding, argument & 1);
	r->wished[type] += err == E_OK;
	if (err == E_UNEXPECTED)
		return;
	memmove(&r->duties[which], &r->duties[which + 1],
		(r->duty_count - which - 1) * sizeof r->duties[0]);
	r->duty_count--;
}

static void tell(struct run *r, uint8_t argument)
{
	enum cops_report_type type = argument & 0x80 ? COPS_FAILURE : COPS_ACCOUNTING;
	struct view binding = script_binding();

	if (pep_session_tell(r->script.s, argument & 0x7f, type, &binding, 1, r->script.now) == E_OK)
		r->wished[type]++;
}

static void open_client(struct session *session, uint16_t type, uint8_t argument, uint64_t now)
{
	struct endpoint last;
	struct error e;

	REQUIRE(!endpoint_parse(argument & 8 ? "192.0.2.9" : "2001:db8::9", COPS_PORT, &last, &e));
	fuzz_either(pep_session_open(session, type, argument & 4 ? &last : NULL, now));
}

static void wish(void *context, const struct step *step)
{
	struct run *r = context;
	struct session *session = r->script.s;
	uint64_t now = r->script.now;
	uint16_t type = script_client_type(step->argument);
	struct view binding = script_binding();
	uint32_t handle = step->argument;

	switch ((enum wish)step->kind) {
	case OPEN:
		open_client(session, type, step->argument, now);
		break;
	case REQUEST:
		fuzz_either(pep_session_request(
			session, type, &binding, step->argument >> 7, now, &handle));
		break;
	case UPDATE:
		fuzz_either(pep_session_update(session, handle, &binding, 1, now));
		break;
	case REPORT:
		report(r, step->argument);
		break;
	case TELL:
		tell(r, step->argument);
		break;
	case DELETE:
		fuzz_either(pep_session_delete(session, handle, COPS_REASON_MANAGEMENT));
		break;
	case SYNCHRONIZED:
		fuzz_either(pep_session_synchronized(session, type, handle >> 2));
		break;
	case CLOSE:
		session_close(session, type, COPS_ERROR_SHUTTING_DOWN);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t random = size ? data[0] : 0;
	struct run r = {.script = {
				.role = SESSION_PEP,
				.config = session_config_default(SESSION_PEP),
				.context = &r,
				.event = event,
				.wish = wish,
				.said = said,
			}};

	r.script.config.pepid = "pep1.example";
	r.script.config.random = any_number;
	r.script.config.user = &random;
	script_run(&r.script, VIEW(data, size));
	if (!r.script.closed)
		REQUIRE(r.said[COPS_SUCCESS] == r.wished[COPS_SUCCESS] &&
			r.said[COPS_FAILURE] >= r.wished[COPS_FAILURE]);
	return 0;
}
