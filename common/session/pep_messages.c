/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

/* ---- Decisions ---- */

/* Takes on the duty to report; NULL if that ended the session. */
static struct duty *owe_report(struct session *s, const struct state *state)
{
	struct duty *duty = add_duty(s, state->number);
	struct error e;

	if (duty)
		return duty;
	error_set(&e, E_LIMIT, "more than %d decisions without a report", SESSION_UNREPORTED_MAX);
	finish(s, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE, 0, &e);
	return NULL;
}

/* Answers the request if the decision does, and tells whether it does. */
static bool settle(struct session *s, struct state *state)
{
	bool flagged = s->message.flags & COPS_FLAG_SOLICITED;
	bool solicited = state->unanswered && (flagged || !state->decided);

	if (solicited && !flagged)
		odd(s, SESSION_ODD_NOT_SOLICITED);
	if (flagged && !state->unanswered)
		odd(s, SESSION_ODD_SOLICITED);
	if (solicited)
		state->unanswered = 0;
	return solicited;
}

/* A decision that we report ourselves, as a failure. */
static void refuse_decision(struct session *s, struct state *state, uint16_t gperr,
	uint16_t sub_code, const struct error *error)
{
	bool solicited = settle(s, state);
	struct session_event *e;
	struct duty *duty;

	count(s, SESSION_COUNT_ERRORS_IN);
	state->decided = true;
	duty = owe_report(s, state);
	if (!duty)
		return;
	duty->gperr = gperr;
	duty->sub_code = sub_code;
	e = emit(s, SESSION_REFUSED, state->client_type);
	if (e) {
		e->state = state->number;
		e->decision = duty->number;
		e->solicited = solicited;
		e->code = gperr;
		e->sub_code = sub_code;
		e->error = *error;
	}
	check_answer(s, send_own_reports(s, state));
}

static void on_unknown_handle(struct session *s, struct view handle)
{
	odd(s, SESSION_ODD_UNKNOWN_HANDLE);
	check_answer(
		s, send_deletion(s, s->message.client_type, handle, COPS_REASON_UNSPECIFIED, 0));
}

static void on_denial(struct session *s, struct state *state, const struct cops_object *denial)
{
	const char *name = cops_error_name(denial->error.code);
	struct error e;

	note_error(s, denial);
	error_set(&e, E_DENIED, "the PDP answered the request by error %u (%s)",
		(unsigned)denial->error.code, name ? name : "unknown");
	emit_error(s, SESSION_DENIED, state->client_type, state->number, denial->error.code,
		denial->error.sub_code, &e);
	if (!state->decided)
		lose_state(s, state, COPS_REASON_UNSPECIFIED, 0, &e);
}

static void on_decision(struct session *s)
{
	const struct cops_message *m = &s->message;
	const struct cops_object *denial = cops_find(m, COPS_ERROR);
	struct state *state = find_handle(s, m->client_type, cops_handle(m));
	uint16_t gperr, sub_code;
	struct session_event *event;
	struct duty *duty;
	struct error e;
	bool solicited;

	if (!state) {
		on_unknown_handle(s, cops_handle(m));
		return;
	}
	if (!denial && cops_check_data(m, &gperr, &sub_code, &e)) {
		refuse_decision(s, state, gperr, sub_code, &e);
		return;
	}
	solicited = settle(s, state);
	if (denial) {
		on_denial(s, state, denial);
		return;
	}
	state->decided = true;
	duty = owe_report(s, state);
	event = duty ? emit(s, SESSION_DECISION, m->client_type) : NULL;
	if (!event)
		return;
	event->state = state->number;
	event->decision = duty->number;
	event->solicited = solicited;
	event->message = m;
}

/* RFC 2748 section 3.4: it costs its request state, with reason 12 or 13. */
static void malformed_decision(
	struct session *s, struct view octets, const struct cops_fault *fault)
{
	uint16_t client_type = s->message.client_type, reason, sub_code;
	struct state *state;
	struct view handle;

	if (!is_open(s, client_type) || !cops_peek_handle(octets, &handle)) {
		close_client_fault(s, client_type, fault);
		return;
	}
	count_fault(s, fault);
	cops_fault_reason(fault, &reason, &sub_code);
	state = find_handle(s, client_type, handle);
	if (state)
		lose_state(s, state, reason, sub_code, &fault->error);
	else
		on_unknown_handle(s, handle);
}

/* More than we take: RFC 3084 has a word for a decision of that kind, for the rest there is none.
 */
static void oversized(struct session *s, struct view head, const struct cops_fault *fault)
{
	struct state *state = NULL;
	struct view handle;

	if (s->message.op == COPS_DEC && is_open(s, s->message.client_type) &&
		cops_peek_handle(head, &handle))
		state = find_handle(s, s->message.client_type, handle);
	if (state)
		refuse_decision(s, state, PR_GPERR_MAX_MSG_SIZE_EXCEEDED, 0, &fault->error);
	else
		finish_fault(s, fault);
}

/* ---- Opening and closing ---- */

static void on_accept(struct session *s)
{
	const struct cops_message *m = &s->message;
	const struct cops_object *acct = cops_find(m, COPS_ACCT_TIMER);
	struct client *client = find_client(s, m->client_type);
	struct session_event *e;

	client->opening = OPEN;
	client->ka_seconds = cops_find(m, COPS_KA_TIMER)->timer.seconds;
	client->acct_seconds = acct ? acct->timer.seconds : SESSION_ACCOUNTING_ANY;
	client->accounting_due = s->now;
	plan_keep_alive(s);
	e = emit(s, SESSION_OPENED, m->client_type);
	if (!e)
		return;
	e->ka_seconds = client->ka_seconds;
	e->acct_seconds = client->acct_seconds;
}

/* Where a Client-Close sends us; NULL where it does not, or nothing protects its word. */
static const struct cops_object *redirection(struct session *s)
{
	const struct cops_object *to = cops_find(&s->message, COPS_PDP_REDIRECT);

	if (!to || security_protects(s))
		return to;
	odd(s, SESSION_ODD_REDIRECTION);
	return NULL;
}

/* Also for the connection: the redirection, if any, is told here. */
static void on_close(struct session *s)
{
	const struct cops_message *m = &s->message;
	const struct cops_object *why = cops_find(m, COPS_ERROR);
	const struct cops_object *to = redirection(s);
	struct client *client = find_client(s, m->client_type);
	struct session_event *event;
	struct error e;

	close_sentence(s, &e);
	note_error(s, why);
	if (s->phase != READY || (client && client->opening != OPEN))
		count(s, SESSION_COUNT_OPEN_FAILURES);
	if (client)
		forget_client(s, client);
	event = emit(s, SESSION_CLIENT_CLOSED, m->client_type);
	if (event) {
		event->code = why->error.code;
		event->sub_code = why->error.sub_code;
		event->redirect = to;
		event->error = e;
	}
	if (m->client_type == COPS_CLIENT_CONNECTION)
		end(s, &e);
}

/* While nothing is open, only the connection can be closed. */
static void on_early_close(struct session *s)
{
	if (s->message.client_type == COPS_CLIENT_CONNECTION)
		on_close(s);
	else
		odd_client(s);
}

/* ---- The rest ---- */

static void on_synchronize(struct session *s)
{
	const struct cops_message *m = &s->message;
	struct view handle = cops_handle(m);
	struct state *state = find_handle(s, m->client_type, handle);
	struct session_event *e;

	if (handle.len && !state) {
		check_answer(s, send_deletion(s, m->client_type, handle,
					COPS_REASON_SYNC_HANDLE_UNKNOWN, 0));
		return;
	}
	e = emit(s, SESSION_SYNCHRONIZE, m->client_type);
	if (e)
		e->state = state ? state->number : 0;
}

/* A PEP never answers: two ends that echo would never stop. */
static void on_keep_alive(struct session *s)
{
	if (!s->unanswered_ka) {
		odd(s, SESSION_ODD_KEEP_ALIVE);
		return;
	}
	s->unanswered_ka--;
	/* Answers come in the order of the questions. */
	if (s->asked_ka && !--s->asked_ka)
		(void)emit(s, SESSION_ALIVE, COPS_CLIENT_CONNECTION);
}

/* ---- The table ---- */

#define ALWAYS(handler)                                                                            \
	{                                                                                          \
		handler, handler, handler, handler, handler                                        \
	}

const struct role role_pep = {
	.role = SESSION_PEP,
	.peer = "PDP",
	.barred = wrong_end,
	.oversized = oversized,
	/* Messages that belong to a client-type never have 0: cops_check(). */
	.rules =
		{
			/*              UNSECURED, CONNECTION, UNKNOWN, ASKED, OPENED */
			[COPS_DEC] = {{odd_client, odd_client, odd_client, odd_client, on_decision},
				malformed_decision},
			[COPS_SSQ] = {{odd_client, odd_client, odd_client, odd_client,
					      on_synchronize},
				NULL},
			[COPS_CAT] = {{security_granted, odd_unexpected, odd_unexpected, on_accept,
					      odd_unexpected},
				NULL},
			[COPS_CC] = {{on_early_close, on_close, odd_client, on_close, on_close},
				NULL},
			[COPS_KA] = {ALWAYS(on_keep_alive), NULL},
		},
};
