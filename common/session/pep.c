/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/pep.h"

#include <stdlib.h>
#include <string.h>

#include "common/session/core.h"

/*
 *	NEGOTIATING --CAT(0, TLS)--> HANDSHAKE --tls_done--> READY     (TLS required)
 *	READY                                                          (plain)
 *	any --CC, time-out, fault, wish--> CLOSED
 */
enum phase { NEGOTIATING, HANDSHAKE, READY, CLOSED };

enum opening {
	WISHED,  /* the connection is not secure yet */
	OPENING, /* OPN sent */
	OPEN,
};

struct client {
	uint16_t type;
	uint16_t ka_seconds;
	enum opening opening;
	uint64_t since; /* of OPN */
};

struct state {
	uint32_t handle;
	uint16_t client_type;
	bool waiting; /* a REQ is not answered */
	bool decided; /* ever */
	uint64_t since;
};

/* A decision that has no report yet. */
struct duty {
	uint32_t number;
	uint32_t handle;
	uint16_t gperr, sub_code; /* not 0: refused by us, reported when it is its turn */
};

struct pep_session {
	struct core core;
	struct session_limits limits;
	enum phase phase;
	bool told;              /* CLOSED was given out */
	uint16_t connection_ka; /* seconds, of the CAT for client-type 0 */
	uint32_t open_timeout, request_timeout;
	uint32_t next_handle, decisions;
	uint32_t unanswered_ka;
	uint64_t now;
	uint64_t since;      /* of the phase */
	uint64_t last_heard; /* any octet */
	uint64_t next_ka;
	session_random random;
	void *user;
	struct list clients, states, duties, events;
	size_t pepid_len;
	char pepid[];
};

struct pep_session_config pep_session_config_default(void)
{
	return (struct pep_session_config){.security = SESSION_TLS_REQUIRED,
		.limits = session_limits_default(),
		.open_timeout = 30 * 1000,
		.request_timeout = 30 * 1000};
}

/* --- Look-up --- */

static struct client *clients(const struct pep_session *s)
{
	return s->clients.items;
}

static struct state *states(const struct pep_session *s)
{
	return s->states.items;
}

static struct duty *duties(const struct pep_session *s)
{
	return s->duties.items;
}

static struct client *find_client(const struct pep_session *s, uint16_t type)
{
	for (uint32_t i = 0; i < s->clients.count; i++)
		if (clients(s)[i].type == type)
			return &clients(s)[i];
	return NULL;
}

static bool is_open(const struct pep_session *s, uint16_t type)
{
	const struct client *c = find_client(s, type);

	return c && c->opening == OPEN;
}

static struct state *find_state(const struct pep_session *s, uint32_t handle)
{
	for (uint32_t i = 0; i < s->states.count; i++)
		if (states(s)[i].handle == handle)
			return &states(s)[i];
	return NULL;
}

/* Our handles are four octets; what has another length is not ours. */
static struct state *find_state_octets(
	const struct pep_session *s, uint16_t client_type, struct view handle)
{
	struct cursor c = cursor_over(handle);
	uint32_t number = cursor_u32(&c);
	struct state *state = cursor_done(&c) ? NULL : find_state(s, number);

	return state && state->client_type == client_type ? state : NULL;
}

/* --- Events and the end --- */

/* The event is worth nothing once the next one is added. */
static struct pep_event *emit(struct pep_session *s, enum pep_event_kind kind, uint16_t client_type)
{
	struct pep_event *e = list_add(&s->events, sizeof *e);

	if (!e) {
		s->phase = CLOSED;
		return NULL;
	}
	e->kind = kind;
	e->client_type = client_type;
	return e;
}

static void emit_error(struct pep_session *s, enum pep_event_kind kind, uint16_t client_type,
	uint32_t handle, uint16_t code, uint16_t sub_code, const struct error *error)
{
	struct pep_event *e = emit(s, kind, client_type);

	if (!e)
		return;
	e->handle = handle;
	e->code = code;
	e->sub_code = sub_code;
	e->error = *error;
}

static void odd(struct pep_session *s, uint16_t client_type, enum session_oddity what)
{
	struct pep_event *e;

	if (!core_odd(&s->core, what))
		return;
	e = emit(s, PEP_ODD, client_type);
	if (e)
		e->odd = what;
}

static void end(struct pep_session *s, const struct error *error)
{
	if (s->phase == CLOSED)
		return;
	list_fini(&s->clients);
	list_fini(&s->states);
	list_fini(&s->duties);
	emit_error(s, PEP_CLOSED, COPS_CLIENT_CONNECTION, 0, 0, 0, error);
	s->phase = CLOSED;
}

/* An answer that cannot even be queued ends the session. */
static void check_answer(struct pep_session *s, enum err code)
{
	struct error e;

	if (!code)
		return;
	error_set(&e, code, "answers to the PDP cannot be queued: %s", err_text(code));
	end(s, &e);
}

/* CC for what is open, or for the connection if nothing is; then the end. */
static void finish(
	struct pep_session *s, uint16_t code, uint16_t sub_code, const struct error *error)
{
	bool any = false;
	enum err failed = E_OK;

	for (uint32_t i = 0; i < s->clients.count && !failed; i++) {
		if (clients(s)[i].opening == WISHED)
			continue;
		any = true;
		failed = core_send_close(&s->core, clients(s)[i].type, code, sub_code);
	}
	/* During the handshake nothing may be sent in clear. */
	if (!any && !failed && s->phase != HANDSHAKE)
		failed = core_send_close(&s->core, COPS_CLIENT_CONNECTION, code, sub_code);
	/* The session ends in any case; with a lost CC it ends all the same. */
	(void)failed;
	end(s, error);
}

static void finish_fault(struct pep_session *s, const struct cops_fault *fault)
{
	uint16_t code, sub_code;

	s->core.counters.errors_in++;
	cops_fault_error(fault, &code, &sub_code);
	finish(s, code, sub_code, &fault->error);
}

static void forget_duties(struct pep_session *s, uint32_t handle)
{
	for (uint32_t i = s->duties.count; i-- > 0;)
		if (duties(s)[i].handle == handle)
			list_remove(&s->duties, sizeof(struct duty), i);
}

static void forget_state(struct pep_session *s, struct state *state)
{
	forget_duties(s, state->handle);
	list_remove(&s->states, sizeof *state, (uint32_t)(state - states(s)));
}

static void forget_client(struct pep_session *s, struct client *client)
{
	for (uint32_t i = s->states.count; i-- > 0;)
		if (states(s)[i].client_type == client->type)
			forget_state(s, &states(s)[i]);
	list_remove(&s->clients, sizeof *client, (uint32_t)(client - clients(s)));
}

/* --- Sending --- */

static void put_own_handle(struct buffer *b, uint32_t handle)
{
	uint8_t octets[4] = {(uint8_t)(handle >> 24), (uint8_t)(handle >> 16),
		(uint8_t)(handle >> 8), (uint8_t)handle};

	cops_put_handle(b, VIEW(octets, sizeof octets));
}

static enum err send_open(struct pep_session *s, uint16_t client_type)
{
	struct buffer b = core_buffer(&s->core);
	size_t begun = cops_begin(&b, COPS_OPN, 0, client_type);

	cops_put_pepid(&b, VIEW(s->pepid, s->pepid_len));
	if (client_type == COPS_CLIENT_CONNECTION)
		cops_put_start_tls(&b);
	cops_end(&b, begun);
	return core_queue(&s->core, &b, false);
}

static enum err send_deletion(struct pep_session *s, uint16_t client_type, struct view handle,
	uint16_t reason, uint16_t sub_code)
{
	struct buffer b = core_buffer(&s->core);
	size_t begun = cops_begin(&b, COPS_DRQ, 0, client_type);

	cops_put_handle(&b, handle);
	cops_put_reason(&b, reason, sub_code);
	cops_end(&b, begun);
	return core_queue(&s->core, &b, true);
}

static enum err send_own_deletion(
	struct pep_session *s, const struct state *state, uint16_t reason, uint16_t sub_code)
{
	struct buffer b = core_buffer(&s->core);
	size_t begun = cops_begin(&b, COPS_DRQ, 0, state->client_type);

	put_own_handle(&b, state->handle);
	cops_put_reason(&b, reason, sub_code);
	cops_end(&b, begun);
	return core_queue(&s->core, &b, true);
}

static void put_pieces(struct buffer *b, const struct view *pieces, size_t count)
{
	struct cops_run run;

	cops_run_begin(&run, b, COPS_IN_CLIENT_SI);
	for (size_t i = 0; i < count; i++)
		cops_run_add(&run, pieces[i]);
	cops_run_end(&run);
}

static enum err send_request(struct pep_session *s, uint16_t client_type, uint32_t handle,
	const struct view *named, size_t count)
{
	struct buffer b = core_buffer(&s->core);
	size_t begun = cops_begin(&b, COPS_REQ, 0, client_type);

	put_own_handle(&b, handle);
	cops_put_context(&b, COPS_R_CONFIGURATION, 0);
	put_pieces(&b, named, count);
	cops_end(&b, begun);
	return core_queue(&s->core, &b, false);
}

static enum err send_report(struct pep_session *s, const struct state *state, uint8_t flags,
	enum cops_report_type type, const struct view *named, size_t count, bool answer)
{
	struct buffer b = core_buffer(&s->core);
	size_t begun = cops_begin(&b, COPS_RPT, flags, state->client_type);

	put_own_handle(&b, state->handle);
	cops_put_report_type(&b, type);
	put_pieces(&b, named, count);
	cops_end(&b, begun);
	return core_queue(&s->core, &b, answer);
}

/* The reports that we owe ourselves, as far as no report of the user comes before them. */
static enum err send_own_reports(struct pep_session *s, const struct state *state)
{
	for (uint32_t i = 0; i < s->duties.count;) {
		const struct duty *duty = &duties(s)[i];
		struct buffer run;
		struct view piece;
		enum err code;

		if (duty->handle != state->handle) {
			i++;
			continue;
		}
		if (!duty->gperr)
			return E_OK;
		buffer_init(&run, 64);
		pr_put_error(&run, PR_GPERR, duty->gperr, duty->sub_code);
		piece = buffer_view(&run);
		code = run.error;
		if (!code)
			code = send_report(
				s, state, COPS_FLAG_SOLICITED, COPS_FAILURE, &piece, 1, true);
		buffer_fini(&run);
		if (code)
			return code;
		list_remove(&s->duties, sizeof *duty, i);
	}
	return E_OK;
}

/* --- Keep-alive (RFC 2748 sections 3.9 and 4.6) --- */

static uint64_t interval(const struct pep_session *s)
{
	uint16_t least = s->connection_ka;

	for (uint32_t i = 0; i < s->clients.count; i++) {
		uint16_t ka = clients(s)[i].opening == OPEN ? clients(s)[i].ka_seconds : 0;

		if (ka && (!least || ka < least))
			least = ka;
	}
	return (uint64_t)least * 1000;
}

static void plan_keep_alive(struct pep_session *s)
{
	uint64_t ms = interval(s);

	if (ms)
		s->next_ka = s->now + ms / 4 + s->random(s->user) % (ms / 2 + 1);
	else
		s->next_ka = SESSION_NEVER;
}

/* --- What the PDP sends --- */

static void lose_state(struct pep_session *s, struct state *state, uint16_t reason,
	uint16_t sub_code, const struct error *error)
{
	uint16_t client_type = state->client_type;
	uint32_t handle = state->handle;
	enum err code = send_own_deletion(s, state, reason, sub_code);

	forget_state(s, state);
	emit_error(s, PEP_STATE_LOST, client_type, handle, reason, sub_code, error);
	check_answer(s, code);
}

/* CC for one client-type, for its fault or ours. */
static void close_client(struct pep_session *s, uint16_t client_type, uint16_t code,
	uint16_t sub_code, const struct error *error)
{
	struct client *client = find_client(s, client_type);
	enum err failed;

	if (!client || client->opening == WISHED) {
		finish(s, code, sub_code, error);
		return;
	}
	failed = core_send_close(&s->core, client_type, code, sub_code);
	forget_client(s, client);
	emit_error(s, PEP_CLIENT_CLOSED, client_type, 0, code, sub_code, error);
	check_answer(s, failed);
}

static void close_client_fault(
	struct pep_session *s, uint16_t client_type, const struct cops_fault *fault)
{
	uint16_t code, sub_code;

	s->core.counters.errors_in++;
	cops_fault_error(fault, &code, &sub_code);
	close_client(s, client_type, code, sub_code, &fault->error);
}

/* Takes on the duty to report; *ret_number is that of the decision. */
static bool owe_report(struct pep_session *s, const struct state *state, uint16_t gperr,
	uint16_t sub_code, uint32_t *ret_number)
{
	struct duty *duty = NULL;
	struct error e;

	if (s->duties.count < SESSION_UNREPORTED_MAX)
		duty = list_add(&s->duties, sizeof *duty);
	if (!duty) {
		error_set(&e, E_LIMIT, "more than %d decisions without a report",
			SESSION_UNREPORTED_MAX);
		finish(s, COPS_ERROR_UNABLE, 0, &e);
		return false;
	}
	*duty = (struct duty){++s->decisions, state->handle, gperr, sub_code};
	*ret_number = duty->number;
	return true;
}

/* Answers the request if the decision does, and tells whether it does. */
static bool settle(struct pep_session *s, struct state *state, uint8_t flags)
{
	bool flagged = flags & COPS_FLAG_SOLICITED;
	bool solicited = state->waiting && (flagged || !state->decided);

	if (solicited && !flagged)
		odd(s, state->client_type, SESSION_ODD_NOT_SOLICITED);
	if (flagged && !state->waiting)
		odd(s, state->client_type, SESSION_ODD_SOLICITED);
	if (solicited)
		state->waiting = false;
	return solicited;
}

/* A decision that we report ourselves, as a failure. */
static void refuse_decision(struct pep_session *s, struct state *state, uint8_t flags,
	uint16_t gperr, uint16_t sub_code, const struct error *error)
{
	bool solicited = settle(s, state, flags);
	struct pep_event *e;
	uint32_t number = 0;

	s->core.counters.errors_in++;
	state->decided = true;
	if (!owe_report(s, state, gperr, sub_code, &number))
		return;
	e = emit(s, PEP_REFUSED, state->client_type);
	if (e) {
		e->handle = state->handle;
		e->decision = number;
		e->solicited = solicited;
		e->code = gperr;
		e->sub_code = sub_code;
		e->error = *error;
	}
	check_answer(s, send_own_reports(s, state));
}

static void on_unknown_handle(struct pep_session *s, uint16_t client_type, struct view handle,
	enum cops_reason_code reason)
{
	odd(s, client_type, SESSION_ODD_UNKNOWN_HANDLE);
	check_answer(s, send_deletion(s, client_type, handle, (uint16_t)reason, 0));
}

static void on_denial(struct pep_session *s, struct state *state, const struct cops_object *denial)
{
	const char *name = cops_error_name(denial->error.code);
	struct error e;

	error_set(&e, E_DENIED, "the PDP answered the request by error %u (%s)",
		(unsigned)denial->error.code, name ? name : "unknown");
	emit_error(s, PEP_DENIED, state->client_type, state->handle, denial->error.code,
		denial->error.sub_code, &e);
	if (!state->decided)
		lose_state(s, state, COPS_REASON_UNSPECIFIED, 0, &e);
}

static void on_decision(struct pep_session *s)
{
	const struct cops_message *m = &s->core.message;
	const struct cops_object *denial = cops_find(m, COPS_ERROR);
	struct state *state = find_state_octets(s, m->client_type, cops_handle(m));
	uint16_t gperr, sub_code;
	struct pep_event *event;
	struct error e;
	uint32_t number = 0;
	bool solicited;

	if (!is_open(s, m->client_type)) {
		odd(s, m->client_type, SESSION_ODD_UNKNOWN_CLIENT);
		return;
	}
	if (!state) {
		on_unknown_handle(s, m->client_type, cops_handle(m), COPS_REASON_UNSPECIFIED);
		return;
	}
	if (!denial && cops_check_data(m, &gperr, &sub_code, &e)) {
		refuse_decision(s, state, m->flags, gperr, sub_code, &e);
		return;
	}
	solicited = settle(s, state, m->flags);
	if (denial) {
		on_denial(s, state, denial);
		return;
	}
	state->decided = true;
	if (!owe_report(s, state, 0, 0, &number))
		return;
	event = emit(s, PEP_DECISION, m->client_type);
	if (!event)
		return;
	event->handle = state->handle;
	event->decision = number;
	event->solicited = solicited;
	event->message = m;
}

static void on_secure_accept(struct pep_session *s, const struct cops_message *m)
{
	const struct cops_object *tls = cops_find_type(m, COPS_INTEGRITY, COPS_INTEGRITY_TLS);
	struct error e;

	if (s->phase != NEGOTIATING) {
		odd(s, m->client_type, SESSION_ODD_UNEXPECTED);
		return;
	}
	if (!tls || !(tls->integrity_tls.flags & COPS_START_TLS)) {
		error_set(&e, E_DENIED, "the PDP accepts without TLS, which is required");
		finish(s, COPS_ERROR_AUTH_REQUIRED,
			COPS_SUB_CODE(COPS_INTEGRITY, COPS_INTEGRITY_TLS), &e);
		return;
	}
	s->connection_ka = cops_find(m, COPS_KA_TIMER)->timer.seconds;
	s->phase = HANDSHAKE;
	s->since = s->now;
	emit(s, PEP_START_TLS, COPS_CLIENT_CONNECTION);
}

static void on_accept(struct pep_session *s)
{
	const struct cops_message *m = &s->core.message;
	const struct cops_object *acct = cops_find(m, COPS_ACCT_TIMER);
	struct client *client = find_client(s, m->client_type);
	struct pep_event *e;

	if (m->client_type == COPS_CLIENT_CONNECTION) {
		on_secure_accept(s, m);
		return;
	}
	if (!client || client->opening != OPENING) {
		odd(s, m->client_type, SESSION_ODD_UNEXPECTED);
		return;
	}
	client->opening = OPEN;
	client->ka_seconds = cops_find(m, COPS_KA_TIMER)->timer.seconds;
	plan_keep_alive(s);
	e = emit(s, PEP_OPENED, m->client_type);
	if (!e)
		return;
	e->ka_seconds = client->ka_seconds;
	e->acct_seconds = acct ? acct->timer.seconds : SESSION_NEVER_SECONDS;
}

static void on_close(struct pep_session *s)
{
	const struct cops_message *m = &s->core.message;
	const struct cops_object *why = cops_find(m, COPS_ERROR);
	const char *name = cops_error_name(why->error.code);
	struct client *client = find_client(s, m->client_type);
	struct pep_event *event;
	struct error e;

	error_set(&e, E_CLOSED, "the PDP closed %s: error %u (%s), sub-code 0x%04x",
		m->client_type ? "the client-type" : "the connection", (unsigned)why->error.code,
		name ? name : "unknown", (unsigned)why->error.sub_code);
	if (client && client->opening != WISHED) {
		forget_client(s, client);
	} else if (m->client_type != COPS_CLIENT_CONNECTION) {
		odd(s, m->client_type, SESSION_ODD_UNKNOWN_CLIENT);
		return;
	}
	/* Also for the connection: the redirection, if any, is told here. */
	event = emit(s, PEP_CLIENT_CLOSED, m->client_type);
	if (event) {
		event->code = why->error.code;
		event->sub_code = why->error.sub_code;
		event->redirect = cops_find(m, COPS_PDP_REDIRECT);
		event->error = e;
	}
	if (m->client_type == COPS_CLIENT_CONNECTION)
		end(s, &e);
}

static void on_synchronize(struct pep_session *s)
{
	const struct cops_message *m = &s->core.message;
	struct view handle = cops_handle(m);
	struct state *state = find_state_octets(s, m->client_type, handle);
	struct pep_event *e;

	if (!is_open(s, m->client_type)) {
		odd(s, m->client_type, SESSION_ODD_UNKNOWN_CLIENT);
		return;
	}
	if (handle.len && !state) {
		check_answer(s, send_deletion(s, m->client_type, handle,
					COPS_REASON_SYNC_HANDLE_UNKNOWN, 0));
		return;
	}
	e = emit(s, PEP_SYNCHRONIZE, m->client_type);
	if (e)
		e->handle = state ? state->handle : 0;
}

/* A PEP never answers: two ends that echo would never stop. */
static void on_keep_alive(struct pep_session *s)
{
	if (s->core.message.client_type != COPS_CLIENT_CONNECTION)
		odd(s, s->core.message.client_type, SESSION_ODD_CLIENT_TYPE);
	if (s->unanswered_ka)
		s->unanswered_ka--;
	else
		odd(s, COPS_CLIENT_CONNECTION, SESSION_ODD_KEEP_ALIVE);
}

static void (*const handlers[])(struct pep_session *) = {
	[COPS_DEC] = on_decision,
	[COPS_SSQ] = on_synchronize,
	[COPS_CAT] = on_accept,
	[COPS_CC] = on_close,
	[COPS_KA] = on_keep_alive,
};

/*
 * A message that could not be read, or breaks its grammar. RFC 2748 section 3.4: a decision costs
 * its request state, with reason 12 or 13; everything else costs the client-type.
 */
static void on_malformed(struct pep_session *s, struct view octets, const struct cops_fault *fault)
{
	uint8_t op = octets.data[1];
	uint16_t client_type = (uint16_t)(octets.data[2] << 8 | octets.data[3]);
	struct view handle;
	struct state *state;
	uint16_t reason, sub_code;

	if (op == COPS_DEC && is_open(s, client_type) && cops_peek_handle(octets, &handle)) {
		s->core.counters.errors_in++;
		cops_fault_reason(fault, &reason, &sub_code);
		state = find_state_octets(s, client_type, handle);
		if (state)
			lose_state(s, state, reason, sub_code, &fault->error);
		else
			on_unknown_handle(s, client_type, handle, COPS_REASON_UNSPECIFIED);
		return;
	}
	close_client_fault(s, client_type, fault);
}

static void on_message(struct pep_session *s, struct view octets)
{
	struct cops_message *m = &s->core.message;
	struct cops_fault fault;

	if (!cops_sent_by_pdp(octets.data[1])) {
		fault = (struct cops_fault){0};
		error_set(
			&fault.error, E_UNEXPECTED, "%s from a PDP", cops_op_name(octets.data[1]));
		finish_fault(s, &fault);
		return;
	}
	if (cops_decode(octets, &s->core.arena, m, &fault) || cops_check(m, COPS_PR, &fault)) {
		on_malformed(s, octets, &fault);
		return;
	}
	if (m->flags & COPS_FLAG_SOLICITED && !cops_may_be_solicited(m->op))
		odd(s, m->client_type, SESSION_ODD_SOLICITED);
	if (s->phase != CLOSED)
		handlers[m->op](s);
}

/* More than we take: RFC 3084 has a word for a decision of that kind, for the rest there is none.
 */
static void on_oversized(struct pep_session *s, struct view head)
{
	uint16_t client_type = (uint16_t)(head.data[2] << 8 | head.data[3]);
	struct state *state = NULL;
	struct cops_fault fault = {0};
	struct view handle;

	error_set(&fault.error, E_LIMIT, "%s longer than the %zu octets that are taken",
		cops_op_name(head.data[1]), s->limits.message);
	if (head.data[1] == COPS_DEC && is_open(s, client_type) && cops_peek_handle(head, &handle))
		state = find_state_octets(s, client_type, handle);
	if (state)
		refuse_decision(s, state, head.data[0] & 0x0f, PR_GPERR_MAX_MSG_SIZE_EXCEEDED, 0,
			&fault.error);
	else
		finish_fault(s, &fault);
}

static void on_lost_stream(struct pep_session *s, enum err code)
{
	struct cops_fault fault = {0};

	error_set(&fault.error, code, "the stream of the PDP cannot be read: message header: %s",
		err_text(code));
	finish_fault(s, &fault);
}

static void on_clear_octets(struct pep_session *s)
{
	struct error e;

	error_set(&e, E_DENIED, "octets in clear where the TLS handshake was due");
	finish(s, COPS_ERROR_AUTH_REQUIRED, COPS_SUB_CODE(COPS_INTEGRITY, COPS_INTEGRITY_TLS), &e);
}

/* --- The interface --- */

struct pep_session *pep_session_new(const struct pep_session_config *config, uint64_t now)
{
	size_t len = strlen(config->pepid);
	struct pep_session *s;

	if (len == 0 || len > COPS_PEPID_MAX)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (config->pepid[i] < 0x20 || config->pepid[i] > 0x7e)
			return NULL;
	s = calloc(1, sizeof *s + len);
	if (!s)
		return NULL;
	s->limits = config->limits;
	core_init(&s->core, &s->limits);
	s->open_timeout = config->open_timeout;
	s->request_timeout = config->request_timeout;
	s->random = config->random;
	s->user = config->user;
	memcpy(s->pepid, config->pepid, len);
	s->pepid_len = len;
	s->now = s->since = s->last_heard = now;
	s->next_ka = SESSION_NEVER;
	s->phase = config->security == SESSION_PLAIN ? READY : NEGOTIATING;
	if (s->phase == NEGOTIATING && send_open(s, COPS_CLIENT_CONNECTION)) {
		pep_session_free(s);
		return NULL;
	}
	return s;
}

void pep_session_free(struct pep_session *s)
{
	if (!s)
		return;
	core_fini(&s->core);
	list_fini(&s->clients);
	list_fini(&s->states);
	list_fini(&s->duties);
	list_fini(&s->events);
	free(s);
}

size_t pep_session_receive(struct pep_session *s, struct view octets, uint64_t now)
{
	size_t used = 0;

	if (s->phase == CLOSED)
		return octets.len;
	if (s->events.count || !octets.len)
		return 0;
	s->now = s->last_heard = now;
	while (used < octets.len && !s->events.count && s->phase != CLOSED) {
		struct view message;
		size_t part;
		enum err code;

		core_release(&s->core);
		if (s->phase == HANDSHAKE) {
			on_clear_octets(s);
			break;
		}
		code = core_take(
			&s->core, VIEW(octets.data + used, octets.len - used), &part, &message);
		used += part;
		if (code == E_AGAIN)
			break;
		if (code == E_LIMIT)
			on_oversized(s, message);
		else if (code)
			on_lost_stream(s, code);
		else
			on_message(s, message);
	}
	if (!s->events.count)
		core_release(&s->core);
	return s->phase == CLOSED ? octets.len : used;
}

static void open_wished(struct pep_session *s)
{
	for (uint32_t i = 0; i < s->clients.count; i++) {
		struct client *c = &clients(s)[i];

		if (c->opening != WISHED)
			continue;
		c->opening = OPENING;
		c->since = s->now;
		check_answer(s, send_open(s, c->type));
		if (s->phase == CLOSED)
			return;
	}
}

void pep_session_tls_done(struct pep_session *s, uint64_t now)
{
	if (s->phase != HANDSHAKE)
		return;
	s->now = s->since = s->last_heard = now;
	s->phase = READY;
	plan_keep_alive(s);
	emit(s, PEP_SECURE, COPS_CLIENT_CONNECTION);
	open_wished(s);
}

static void time_out_connection(struct pep_session *s, const char *what)
{
	struct error e;

	error_set(&e, E_TIMEOUT, "%s", what);
	finish(s, COPS_ERROR_COMMUNICATION, 0, &e);
}

static void time_out_client(struct pep_session *s, const struct client *c)
{
	struct error e;

	error_set(&e, E_TIMEOUT, "the PDP does not answer the opening of client-type 0x%04x",
		(unsigned)c->type);
	close_client(s, c->type, COPS_ERROR_COMMUNICATION, 0, &e);
}

static void time_out_request(struct pep_session *s, struct state *state)
{
	struct error e;

	error_set(&e, E_TIMEOUT, "the PDP does not answer the request with handle %u",
		(unsigned)state->handle);
	lose_state(s, state, COPS_REASON_TIMEOUT, 0, &e);
}

/* Does the first thing that is due; true if more may be, for the lists have changed. */
static bool tick_once(struct pep_session *s)
{
	uint64_t ms = interval(s);

	if (s->phase == CLOSED)
		return false;
	if (s->phase != READY) {
		if (s->now - s->since < s->open_timeout)
			return false;
		time_out_connection(s, "no security within the time limit");
		return true;
	}
	if (s->core.progress) {
		s->core.progress = false;
		s->last_heard = s->now;
	}
	if (ms && s->now - s->last_heard >= ms) {
		time_out_connection(s, "the PDP is silent for longer than the keep-alive interval");
		return true;
	}
	for (uint32_t i = 0; i < s->clients.count; i++) {
		if (clients(s)[i].opening == OPENING &&
			s->now - clients(s)[i].since >= s->open_timeout) {
			time_out_client(s, &clients(s)[i]);
			return true;
		}
	}
	for (uint32_t i = 0; i < s->states.count; i++) {
		if (states(s)[i].waiting && s->now - states(s)[i].since >= s->request_timeout) {
			time_out_request(s, &states(s)[i]);
			return true;
		}
	}
	if (s->next_ka <= s->now) {
		s->unanswered_ka++;
		plan_keep_alive(s);
		check_answer(s, core_send_keep_alive(&s->core));
	}
	return false;
}

void pep_session_tick(struct pep_session *s, uint64_t now)
{
	s->now = now;
	while (tick_once(s))
		;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t pep_session_deadline(const struct pep_session *s)
{
	uint64_t ms = interval(s);
	uint64_t when = s->next_ka;

	if (s->phase == CLOSED)
		return SESSION_NEVER;
	if (s->phase != READY)
		return s->since + s->open_timeout;
	if (ms)
		when = earlier(when, s->last_heard + ms);
	for (uint32_t i = 0; i < s->clients.count; i++)
		if (clients(s)[i].opening == OPENING)
			when = earlier(when, clients(s)[i].since + s->open_timeout);
	for (uint32_t i = 0; i < s->states.count; i++)
		if (states(s)[i].waiting)
			when = earlier(when, states(s)[i].since + s->request_timeout);
	return when;
}

bool pep_session_next_event(struct pep_session *s, struct pep_event *ret)
{
	if (s->events.count) {
		*ret = *(struct pep_event *)s->events.items;
		list_remove(&s->events, sizeof *ret, 0);
		s->told |= ret->kind == PEP_CLOSED;
		return true;
	}
	core_release(&s->core);
	if (s->phase != CLOSED || s->told)
		return false;
	/* There was no memory for the event. */
	*ret = (struct pep_event){.kind = PEP_CLOSED};
	error_set(&ret->error, E_MEMORY, "no memory for an event");
	s->told = true;
	return true;
}

struct view pep_session_output(const struct pep_session *s)
{
	return core_output(&s->core);
}

void pep_session_sent(struct pep_session *s, size_t octets)
{
	core_sent(&s->core, octets);
}

bool pep_session_congested(const struct pep_session *s)
{
	return core_congested(&s->core);
}

bool pep_session_in_message(const struct pep_session *s)
{
	return core_in_message(&s->core);
}

const struct session_counters *pep_session_counters(const struct pep_session *s)
{
	return &s->core.counters;
}

bool pep_session_is_closed(const struct pep_session *s)
{
	return s->phase == CLOSED;
}

/* --- Wishes --- */

/* Of wishes that a user may have at any time, not as an answer to what was received. */
static enum err may_wish(const struct pep_session *s)
{
	if (s->phase == CLOSED)
		return E_CLOSED;
	return core_congested(&s->core) ? E_LIMIT : E_OK;
}

enum err pep_session_open(struct pep_session *s, uint16_t client_type, uint64_t now)
{
	enum err code = may_wish(s);
	struct client *c;

	if (code)
		return code;
	s->now = now;
	if (client_type == COPS_CLIENT_CONNECTION)
		return E_RANGE;
	if (find_client(s, client_type))
		return E_DUPLICATE;
	if (s->clients.count >= SESSION_CLIENT_TYPES_MAX)
		return E_LIMIT;
	c = list_add(&s->clients, sizeof *c);
	if (!c)
		return E_MEMORY;
	*c = (struct client){.type = client_type, .opening = WISHED, .since = now};
	if (s->phase != READY)
		return E_OK;
	code = send_open(s, client_type);
	if (code)
		list_remove(&s->clients, sizeof *c, s->clients.count - 1);
	else
		c->opening = OPENING;
	return code;
}

enum err pep_session_request(struct pep_session *s, uint16_t client_type, const struct view *named,
	size_t count, uint64_t now, uint32_t *ret_handle)
{
	enum err code = may_wish(s);
	struct state *state;
	uint32_t handle = s->next_handle;

	if (code)
		return code;
	s->now = now;
	if (!is_open(s, client_type))
		return E_NOT_FOUND;
	if (s->states.count >= s->limits.states)
		return E_LIMIT;
	/* Zero stands for "all" in our interface. */
	do
		handle++;
	while (handle == 0 || find_state(s, handle));
	state = list_add(&s->states, sizeof *state);
	if (!state)
		return E_MEMORY;
	*state = (struct state){
		.handle = handle, .client_type = client_type, .waiting = true, .since = now};
	code = send_request(s, client_type, handle, named, count);
	if (code) {
		list_remove(&s->states, sizeof *state, s->states.count - 1);
		return code;
	}
	s->next_handle = handle;
	*ret_handle = handle;
	return E_OK;
}

enum err pep_session_update(struct pep_session *s, uint32_t handle, const struct view *named,
	size_t count, uint64_t now)
{
	struct state *state = find_state(s, handle);
	enum err code = may_wish(s);

	if (code)
		return code;
	s->now = now;
	if (!state)
		return E_NOT_FOUND;
	if (state->waiting)
		return E_AGAIN;
	code = send_request(s, state->client_type, handle, named, count);
	if (code)
		return code;
	state->waiting = true;
	state->since = now;
	return E_OK;
}

enum err pep_session_report(struct pep_session *s, uint32_t decision, enum cops_report_type type,
	const struct view *named, size_t count)
{
	struct duty *duty = NULL;
	const struct state *state;
	uint32_t handle;
	enum err code = s->phase == CLOSED ? E_CLOSED : E_OK;

	if (code)
		return code;
	if (type == COPS_ACCOUNTING)
		return E_RANGE;
	for (uint32_t i = 0; i < s->duties.count && !duty; i++)
		if (duties(s)[i].number == decision && !duties(s)[i].gperr)
			duty = &duties(s)[i];
	if (!duty)
		return E_NOT_FOUND;
	handle = duty->handle;
	for (const struct duty *d = duties(s); d < duty; d++)
		if (d->handle == handle)
			return E_UNEXPECTED;
	state = find_state(s, handle);
	if (!state)
		return E_BUG;
	code = send_report(s, state, COPS_FLAG_SOLICITED, type, named, count, false);
	if (code)
		return code;
	list_remove(&s->duties, sizeof *duty, (uint32_t)(duty - duties(s)));
	check_answer(s, send_own_reports(s, state));
	return E_OK;
}

enum err pep_session_tell(struct pep_session *s, uint32_t handle, enum cops_report_type type,
	const struct view *named, size_t count)
{
	const struct state *state = find_state(s, handle);
	enum err code = may_wish(s);

	if (code)
		return code;
	if (!state)
		return E_NOT_FOUND;
	/* Success has nothing to answer here; RFC 3084 section 3.3. */
	if (type == COPS_SUCCESS)
		return E_RANGE;
	return send_report(s, state, 0, type, named, count, false);
}

enum err pep_session_delete(struct pep_session *s, uint32_t handle, enum cops_reason_code reason)
{
	struct state *state = find_state(s, handle);
	enum err code = s->phase == CLOSED ? E_CLOSED : E_OK;

	if (code)
		return code;
	if (!state)
		return E_NOT_FOUND;
	code = send_own_deletion(s, state, (uint16_t)reason, 0);
	if (!code)
		forget_state(s, state);
	return code;
}

enum err pep_session_synchronized(struct pep_session *s, uint16_t client_type, uint32_t handle)
{
	enum err code = s->phase == CLOSED ? E_CLOSED : E_OK;
	struct buffer b;
	size_t begun;

	if (code)
		return code;
	if (!is_open(s, client_type))
		return E_NOT_FOUND;
	b = core_buffer(&s->core);
	begun = cops_begin(&b, COPS_SSC, 0, client_type);
	if (handle)
		put_own_handle(&b, handle);
	cops_end(&b, begun);
	return core_queue(&s->core, &b, false);
}

void pep_session_close(struct pep_session *s, uint16_t client_type, enum cops_error_code code)
{
	struct client *client = find_client(s, client_type);
	struct error e;

	if (s->phase == CLOSED)
		return;
	if (client_type == COPS_CLIENT_CONNECTION) {
		error_set(&e, E_CLOSED, "closed by us: error %u (%s)", (unsigned)code,
			cops_error_name((uint16_t)code));
		finish(s, (uint16_t)code, 0, &e);
	} else if (client) {
		bool sent = client->opening != WISHED;

		forget_client(s, client);
		if (sent)
			check_answer(s, core_send_close(&s->core, client_type, (uint16_t)code, 0));
	}
}
