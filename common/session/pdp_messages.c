/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

static void barred(struct session *s)
{
	if (cops_sent_by_pep(s->message.op))
		security_insist(s);
	else
		wrong_end(s);
}

/* ---- Opening and closing ---- */

static void on_open(struct session *s)
{
	const struct cops_message *m = &s->message;
	struct client *client = find_client(s, m->client_type);
	bool again = client && client->opening == OPEN;
	struct view pepid = cops_find(m, COPS_PEPID)->pepid;
	struct session_event *e;

	if (!security_covers(s, pepid)) {
		check_answer(s, send_close(s, m->client_type, COPS_ERROR_AUTH_FAILURE, 0));
		return;
	}
	if (!client) {
		client = add_client(s, m->client_type);
		if (!client) {
			check_answer(s, send_close(s, m->client_type, COPS_ERROR_UNABLE, 0));
			return;
		}
		client->opening = OPENING;
	}
	client->asked = true;
	count(s, SESSION_COUNT_OPEN_ATTEMPTS);
	e = emit(s, SESSION_OPENING, m->client_type);
	if (!e)
		return;
	e->pepid = pepid;
	e->proven = session_is_sealed(s);
	e->last_pdp = cops_find(m, COPS_LAST_PDP);
	e->again = again;
	e->message = m;
}

static void on_close(struct session *s)
{
	const struct cops_message *m = &s->message;
	const struct cops_object *why = cops_find(m, COPS_ERROR);
	struct error e;

	close_sentence(s, &e);
	note_error(s, why);
	if (m->client_type == COPS_CLIENT_CONNECTION) {
		end(s, &e);
		return;
	}
	forget_client(s, find_client(s, m->client_type));
	emit_error(s, SESSION_CLIENT_CLOSED, m->client_type, 0, why->error.code,
		why->error.sub_code, &e);
}

static void on_early_close(struct session *s)
{
	if (s->message.client_type == COPS_CLIENT_CONNECTION)
		on_close(s);
	else
		security_insist(s);
}

static void unknown_client(struct session *s)
{
	odd_client(s);
	check_answer(
		s, send_close(s, s->message.client_type, COPS_ERROR_UNSUPPORTED_CLIENT_TYPE, 0));
}

/* The Client-Open waits for its answer, and so must the PEP. */
static void premature(struct session *s)
{
	struct cops_fault fault = {0};

	error_set(&fault.error, E_PROTOCOL, "%s before the Client-Open is answered",
		cops_op_name(s->message.op));
	close_client_fault(s, s->message.client_type, &fault);
}

/* ---- Requests ---- */

/* A request that cannot be taken as it is; RFC 2748 section 3.1. */
static void refuse_request(struct session *s, struct view handle, const struct cops_fault *fault)
{
	uint16_t client_type = s->message.client_type, code, sub_code;
	struct state *state = find_handle(s, client_type, handle);
	struct session_event *e;
	enum err failed;

	/* An earlier request is not answered: this Error would be taken for its answer. */
	if (state && state->unanswered) {
		close_client_fault(s, client_type, fault);
		return;
	}
	count_fault(s, fault);
	cops_fault_error(fault, &code, &sub_code);
	failed = send_error(s, client_type, handle, code, sub_code);
	e = emit(s, SESSION_REFUSED, client_type);
	if (e) {
		e->state = state ? state->number : 0;
		e->handle = handle;
		e->code = code;
		e->sub_code = sub_code;
		e->error = fault->error;
	}
	check_answer(s, failed);
}

static void on_request(struct session *s)
{
	const struct cops_message *m = &s->message;
	struct view handle = cops_handle(m);
	struct state *state = find_handle(s, m->client_type, handle);
	struct cops_fault fault = {0};
	uint16_t gperr, sub_code;
	struct session_event *e;
	bool again = state != NULL;

	if (cops_check_data(m, &gperr, &sub_code, &fault.error)) {
		/* Error 13 speaks of COPS objects; these are of COPS-PR. */
		fault.error.code = E_SYNTAX;
		refuse_request(s, handle, &fault);
		return;
	}
	if (!state) {
		state = add_state(s, m->client_type, handle);
		if (!state)
			error_set(&fault.error, E_LIMIT, "no more than %zu request states",
				s->limits.states);
	} else if (state->unanswered >= SESSION_UNANSWERED_MAX) {
		count_limit(s, SESSION_LIMIT_REQUESTS);
		error_set(&fault.error, E_LIMIT, "%d requests on a handle without a decision",
			SESSION_UNANSWERED_MAX);
	}
	if (fault.error.code) {
		refuse_request(s, handle, &fault);
		return;
	}
	state->unanswered++;
	e = emit(s, SESSION_REQUEST, m->client_type);
	if (!e)
		return;
	e->state = state->number;
	e->handle = handle;
	e->again = again;
	e->message = m;
}

/* It is answered by a decision with an Error (RFC 2748 section 3.1). */
static void malformed_request(struct session *s, struct view octets, const struct cops_fault *fault)
{
	struct view handle;

	if (is_open(s, s->message.client_type) && cops_peek_handle(octets, &handle))
		refuse_request(s, handle, fault);
	else
		close_client_fault(s, s->message.client_type, fault);
}

static void oversized(struct session *s, struct view head, const struct cops_fault *fault)
{
	if (s->phase != READY)
		finish_fault(s, fault);
	else if (s->message.op == COPS_REQ)
		malformed_request(s, head, fault);
	else
		close_client_fault(s, s->message.client_type, fault);
}

/* A handle that we do not know may be one that we refused, or deleted on its way: no oddity. */
static void on_delete(struct session *s)
{
	const struct cops_message *m = &s->message;
	const struct cops_object *reason = cops_find(m, COPS_REASON);
	struct state *state = find_handle(s, m->client_type, cops_handle(m));
	const char *name = cops_reason_name(reason->error.code);
	struct session_event *e;

	if (!state)
		return;
	e = emit(s, SESSION_DELETED, m->client_type);
	if (e) {
		e->state = state->number;
		e->handle = cops_handle(m);
		e->code = reason->error.code;
		e->sub_code = reason->error.sub_code;
		error_set(&e->error, E_CLOSED, "the PEP deleted the request state: reason %u (%s)",
			(unsigned)e->code, name ? name : "unknown");
	}
	forget_state(s, state);
}

/* ---- Reports ---- */

/* Which decision a report answers, 0 for none; that decision is settled. */
static uint32_t settle(struct session *s, uint32_t state)
{
	uint16_t type = cops_find(&s->message, COPS_REPORT_TYPE)->report.type;
	bool flagged = s->message.flags & COPS_FLAG_SOLICITED;
	/* Nobody reports success of his own accord. A failure may be one of later, unless we
	 * know by now that this peer does not set the flag. */
	bool implied = type == COPS_SUCCESS ||
		       (type == COPS_FAILURE && s->noted & 1u << SESSION_ODD_NOT_SOLICITED);
	uint32_t number = 0;

	if (flagged || implied) {
		for (uint32_t i = 0; i < s->duties.count && !number; i++) {
			if (duties(s)[i].state != state)
				continue;
			number = duties(s)[i].number;
			list_remove(&s->duties, sizeof(struct duty), i);
		}
	}
	if (flagged && !number)
		odd(s, SESSION_ODD_SOLICITED);
	if (!flagged && number)
		odd(s, SESSION_ODD_NOT_SOLICITED);
	return number;
}

static void on_report(struct session *s)
{
	const struct cops_message *m = &s->message;
	struct state *state = find_handle(s, m->client_type, cops_handle(m));
	struct cops_fault fault = {0};
	uint16_t gperr, sub_code;
	struct session_event *e;
	uint32_t number;

	if (!state) {
		odd(s, SESSION_ODD_UNKNOWN_HANDLE);
		return;
	}
	if (cops_check_data(m, &gperr, &sub_code, &fault.error)) {
		fault.error.code = E_SYNTAX;
		close_client_fault(s, m->client_type, &fault);
		return;
	}
	number = settle(s, state->number);
	e = emit(s, SESSION_REPORT, m->client_type);
	if (!e)
		return;
	e->state = state->number;
	e->handle = cops_handle(m);
	e->message = m;
	e->decision = number;
	e->report = (enum cops_report_type)cops_find(m, COPS_REPORT_TYPE)->report.type;
}

/* ---- The rest ---- */

static void on_synchronized(struct session *s)
{
	const struct cops_message *m = &s->message;
	struct view handle = cops_handle(m);
	struct state *state = find_handle(s, m->client_type, handle);
	struct session_event *e;

	if (!s->synchronizing) {
		odd(s, SESSION_ODD_UNEXPECTED);
		return;
	}
	s->synchronizing--;
	if (handle.len && !state) {
		odd(s, SESSION_ODD_UNKNOWN_HANDLE);
		return;
	}
	e = emit(s, SESSION_SYNCHRONIZED, m->client_type);
	if (!e)
		return;
	e->state = state ? state->number : 0;
	e->handle = handle;
}

static void on_keep_alive(struct session *s)
{
	check_answer(s, send_keep_alive(s));
}

/* ---- The table ---- */

/* A message of a client-type that must be open. Those of client-type 0: cops_check(). */
#define WHEN_OPEN(handler)                                                                         \
	{                                                                                          \
		NULL, unknown_client, unknown_client, premature, handler                           \
	}

const struct role role_pdp = {
	.role = SESSION_PDP,
	.peer = "PEP",
	.barred = barred,
	.oversized = oversized,
	.rules =
		{
			/*              UNSECURED, CONNECTION, UNKNOWN, ASKED, OPENED */
			[COPS_REQ] = {WHEN_OPEN(on_request), malformed_request},
			[COPS_RPT] = {WHEN_OPEN(on_report), NULL},
			[COPS_DRQ] = {WHEN_OPEN(on_delete), NULL},
			[COPS_OPN] = {{security_offered, security_offered, on_open, on_open,
					      on_open},
				NULL},
			[COPS_CC] = {{on_early_close, on_close, odd_client, on_close, on_close},
				NULL},
			[COPS_KA] = {{NULL, on_keep_alive, on_keep_alive, on_keep_alive,
					     on_keep_alive},
				NULL},
			[COPS_SSC] = {WHEN_OPEN(on_synchronized), NULL},
		},
};
