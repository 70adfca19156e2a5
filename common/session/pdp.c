/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/pdp.h"

#include <stdlib.h>
#include <string.h>

#include "common/session/core.h"

/*
 *	WAITING --OPN(0), CAT(0, TLS)--> HANDSHAKE --tls_done--> READY     (TLS required)
 *	READY                                                              (plain)
 *	any --CC, time-out, fault, wish--> CLOSED
 */
enum phase { WAITING, HANDSHAKE, READY, CLOSED };

struct client {
	uint16_t type;
	bool asked; /* an OPN waits for the user */
	bool open;
};

struct state {
	uint32_t number; /* what the user knows it by */
	uint16_t client_type;
	uint8_t unanswered; /* requests */
	bool decided;       /* ever */
	uint8_t *handle;
	size_t handle_len;
};

/* A decision that has no report yet. */
struct duty {
	uint32_t number;
	uint32_t state;
};

struct pdp_session {
	struct core core;
	const struct pdp_session_config *config;
	enum phase phase;
	bool told;              /* CLOSED was given out */
	uint16_t synchronizing; /* SSQs without their SSC */
	uint32_t last_state, decisions;
	uint64_t now;
	uint64_t unopened;   /* since when no client-type is open */
	uint64_t last_heard; /* any octet */
	struct list clients, states, duties, events;
};

struct pdp_session_config pdp_session_config_default(void)
{
	return (struct pdp_session_config){.security = SESSION_TLS_REQUIRED,
		.limits = session_limits_default(),
		.ka_seconds = 30,
		.open_timeout = 30 * 1000};
}

/* --- Look-up --- */

static struct client *clients(const struct pdp_session *s)
{
	return s->clients.items;
}

static struct state *states(const struct pdp_session *s)
{
	return s->states.items;
}

static struct duty *duties(const struct pdp_session *s)
{
	return s->duties.items;
}

static struct client *find_client(const struct pdp_session *s, uint16_t type)
{
	for (uint32_t i = 0; i < s->clients.count; i++)
		if (clients(s)[i].type == type)
			return &clients(s)[i];
	return NULL;
}

static bool is_open(const struct pdp_session *s, uint16_t type)
{
	const struct client *c = find_client(s, type);

	return c && c->open;
}

static struct state *find_state(const struct pdp_session *s, uint32_t number)
{
	for (uint32_t i = 0; i < s->states.count; i++)
		if (states(s)[i].number == number)
			return &states(s)[i];
	return NULL;
}

static struct view handle_of(const struct state *state)
{
	return VIEW(state->handle, state->handle_len);
}

static struct state *find_handle(
	const struct pdp_session *s, uint16_t client_type, struct view handle)
{
	for (uint32_t i = 0; i < s->states.count; i++)
		if (states(s)[i].client_type == client_type &&
			view_equal(handle_of(&states(s)[i]), handle))
			return &states(s)[i];
	return NULL;
}

/* --- Events and the end --- */

/* The event is worth nothing once the next one is added. */
static struct pdp_event *emit(struct pdp_session *s, enum pdp_event_kind kind, uint16_t client_type)
{
	struct pdp_event *e = list_add(&s->events, sizeof *e);

	if (!e) {
		s->phase = CLOSED;
		return NULL;
	}
	e->kind = kind;
	e->client_type = client_type;
	return e;
}

static void emit_error(struct pdp_session *s, enum pdp_event_kind kind, uint16_t client_type,
	uint16_t code, uint16_t sub_code, const struct error *error)
{
	struct pdp_event *e = emit(s, kind, client_type);

	if (!e)
		return;
	e->code = code;
	e->sub_code = sub_code;
	e->error = *error;
}

static void odd(struct pdp_session *s, enum session_oddity what)
{
	struct pdp_event *e;

	if (!core_odd(&s->core, what))
		return;
	e = emit(s, PDP_ODD, s->core.message.client_type);
	if (e)
		e->odd = what;
}

static void forget_duties(struct pdp_session *s, uint32_t state)
{
	for (uint32_t i = s->duties.count; i-- > 0;)
		if (duties(s)[i].state == state)
			list_remove(&s->duties, sizeof(struct duty), i);
}

static void forget_state(struct pdp_session *s, struct state *state)
{
	forget_duties(s, state->number);
	free(state->handle);
	list_remove(&s->states, sizeof *state, (uint32_t)(state - states(s)));
}

static void forget_client(struct pdp_session *s, struct client *client)
{
	for (uint32_t i = s->states.count; i-- > 0;)
		if (states(s)[i].client_type == client->type)
			forget_state(s, &states(s)[i]);
	list_remove(&s->clients, sizeof *client, (uint32_t)(client - clients(s)));
	if (!s->clients.count)
		s->unopened = s->now;
}

static void forget_all(struct pdp_session *s)
{
	while (s->states.count)
		forget_state(s, &states(s)[s->states.count - 1]);
	list_fini(&s->clients);
	list_fini(&s->duties);
}

static void end(struct pdp_session *s, const struct error *error)
{
	if (s->phase == CLOSED)
		return;
	forget_all(s);
	emit_error(s, PDP_CLOSED, COPS_CLIENT_CONNECTION, 0, 0, error);
	s->phase = CLOSED;
}

/* An answer that cannot even be queued ends the session. */
static void check_answer(struct pdp_session *s, enum err code)
{
	struct error e;

	if (!code)
		return;
	error_set(&e, code, "answers to the PEP cannot be queued: %s", err_text(code));
	end(s, &e);
}

/* CC for what is open, or for `client_type` if nothing is; then the end. */
static void finish(struct pdp_session *s, uint16_t client_type, uint16_t code, uint16_t sub_code,
	const struct error *error)
{
	enum err failed = E_OK;

	for (uint32_t i = 0; i < s->clients.count && !failed; i++)
		failed = core_send_close(&s->core, clients(s)[i].type, code, sub_code);
	/* During the handshake nothing may be sent in clear. */
	if (!s->clients.count && s->phase != HANDSHAKE)
		failed = core_send_close(&s->core, client_type, code, sub_code);
	/* The session ends in any case; with a lost CC it ends all the same. */
	(void)failed;
	end(s, error);
}

static void finish_fault(struct pdp_session *s, const struct cops_fault *fault)
{
	uint16_t code, sub_code;

	s->core.counters.errors_in++;
	cops_fault_error(fault, &code, &sub_code);
	finish(s, COPS_CLIENT_CONNECTION, code, sub_code, &fault->error);
}

/* CC for one client-type, for its fault or ours. */
static void close_client(struct pdp_session *s, uint16_t client_type, uint16_t code,
	uint16_t sub_code, const struct error *error)
{
	struct client *client = find_client(s, client_type);
	enum err failed;

	if (client_type == COPS_CLIENT_CONNECTION) {
		finish(s, client_type, code, sub_code, error);
		return;
	}
	failed = core_send_close(&s->core, client_type, code, sub_code);
	if (client)
		forget_client(s, client);
	emit_error(s, PDP_CLIENT_CLOSED, client_type, code, sub_code, error);
	check_answer(s, failed);
}

static void close_client_fault(
	struct pdp_session *s, uint16_t client_type, const struct cops_fault *fault)
{
	uint16_t code, sub_code;

	s->core.counters.errors_in++;
	cops_fault_error(fault, &code, &sub_code);
	close_client(s, client_type, code, sub_code, &fault->error);
}

/* --- Sending --- */

static enum err send_accept(struct pdp_session *s, uint16_t client_type)
{
	struct buffer b = core_buffer(&s->core);
	size_t begun = cops_begin(&b, COPS_CAT, 0, client_type);

	cops_put_ka_timer(&b, s->config->ka_seconds);
	if (client_type == COPS_CLIENT_CONNECTION)
		cops_put_start_tls(&b);
	cops_end(&b, begun);
	return core_queue(&s->core, &b, true);
}

/* DEC with an Error, always the answer to a request. */
static enum err send_error(struct pdp_session *s, uint16_t client_type, struct view handle,
	uint16_t code, uint16_t sub_code)
{
	struct buffer b = core_buffer(&s->core);
	size_t begun = cops_begin(&b, COPS_DEC, COPS_FLAG_SOLICITED, client_type);

	cops_put_handle(&b, handle);
	cops_put_error(&b, code, sub_code);
	cops_end(&b, begun);
	return core_queue(&s->core, &b, true);
}

/* --- What the PEP sends --- */

enum { WANT_TLS = COPS_INTEGRITY << 8 | COPS_INTEGRITY_TLS, WANT_NOTHING = COPS_INTEGRITY << 8 };

static void refuse_security(
	struct pdp_session *s, uint16_t client_type, uint16_t wanted, const char *why)
{
	struct error e;

	error_set(&e, E_DENIED, "%s", why);
	s->core.counters.errors_in++;
	finish(s, client_type, COPS_ERROR_AUTH_REQUIRED, wanted, &e);
}

/* RFC 4261 sections 5.1 and 5.2: with the object the PEP begins, without it we do. */
static void on_open_connection(struct pdp_session *s)
{
	const struct cops_object *o = cops_find(&s->core.message, COPS_INTEGRITY);
	struct error e;
	enum err code;

	if (s->config->security == SESSION_PLAIN) {
		refuse_security(s, COPS_CLIENT_CONNECTION, WANT_NOTHING,
			"the PEP wants security, which is switched off here");
		return;
	}
	if (s->phase != WAITING) {
		error_set(&e, E_UNEXPECTED, "OPN for client-type 0 on a connection that is secure");
		finish(s, COPS_CLIENT_CONNECTION, COPS_ERROR_BAD_FORMAT, 0, &e);
		return;
	}
	if (o && (o->c_type != COPS_INTEGRITY_TLS || !(o->integrity_tls.flags & COPS_START_TLS))) {
		refuse_security(s, COPS_CLIENT_CONNECTION, WANT_TLS,
			"the PEP offers another security than TLS");
		return;
	}
	code = send_accept(s, COPS_CLIENT_CONNECTION);
	if (code) {
		check_answer(s, code);
		return;
	}
	s->phase = HANDSHAKE;
	s->unopened = s->now;
	emit(s, PDP_START_TLS, COPS_CLIENT_CONNECTION);
}

static void on_open(struct pdp_session *s)
{
	const struct cops_message *m = &s->core.message;
	struct client *client = find_client(s, m->client_type);
	bool again = client && client->open;
	struct pdp_event *e;

	if (m->client_type == COPS_CLIENT_CONNECTION) {
		on_open_connection(s);
		return;
	}
	if (!client && s->clients.count < SESSION_CLIENT_TYPES_MAX)
		client = list_add(&s->clients, sizeof *client);
	if (!client) {
		check_answer(s, core_send_close(&s->core, m->client_type, COPS_ERROR_UNABLE, 0));
		return;
	}
	client->type = m->client_type;
	client->asked = true;
	e = emit(s, PDP_OPENING, m->client_type);
	if (!e)
		return;
	e->pepid = cops_find(m, COPS_PEPID)->pepid;
	e->again = again;
	e->message = m;
}

static struct state *add_state(struct pdp_session *s, uint16_t client_type, struct view handle)
{
	struct state *state;
	uint8_t *copy;

	if (s->states.count >= s->config->limits.states)
		return NULL;
	copy = malloc(handle.len);
	if (!copy)
		return NULL;
	state = list_add(&s->states, sizeof *state);
	if (!state) {
		free(copy);
		return NULL;
	}
	memcpy(copy, handle.data, handle.len);
	do
		s->last_state++;
	while (s->last_state == 0 || find_state(s, s->last_state));
	*state = (struct state){.number = s->last_state,
		.client_type = client_type,
		.handle = copy,
		.handle_len = handle.len};
	return state;
}

/* A request that cannot be taken as it is; RFC 2748 section 3.1. */
static void refuse_request(struct pdp_session *s, uint16_t client_type, struct view handle,
	const struct cops_fault *fault)
{
	struct state *state = find_handle(s, client_type, handle);
	uint32_t number = state ? state->number : 0;
	uint16_t code, sub_code;
	struct pdp_event *e;
	enum err failed;

	/* An earlier request is not answered: this Error would be taken for its answer. */
	if (state && state->unanswered) {
		close_client_fault(s, client_type, fault);
		return;
	}
	s->core.counters.errors_in++;
	cops_fault_error(fault, &code, &sub_code);
	failed = send_error(s, client_type, handle, code, sub_code);
	e = emit(s, PDP_REFUSED, client_type);
	if (e) {
		e->state = number;
		e->handle = handle;
		e->code = code;
		e->sub_code = sub_code;
		e->error = fault->error;
	}
	check_answer(s, failed);
}

static void on_request(struct pdp_session *s)
{
	const struct cops_message *m = &s->core.message;
	struct view handle = cops_handle(m);
	struct state *state = find_handle(s, m->client_type, handle);
	struct cops_fault fault = {0};
	uint16_t gperr, sub_code;
	struct pdp_event *e;
	bool again = state != NULL;

	if (cops_check_data(m, &gperr, &sub_code, &fault.error)) {
		/* Error 13 speaks of COPS objects; these are of COPS-PR. */
		fault.error.code = E_SYNTAX;
		refuse_request(s, m->client_type, handle, &fault);
		return;
	}
	if (!state) {
		state = add_state(s, m->client_type, handle);
		if (!state)
			error_set(&fault.error, E_LIMIT, "no more than %zu request states",
				s->config->limits.states);
	} else if (state->unanswered >= SESSION_UNANSWERED_MAX) {
		error_set(&fault.error, E_LIMIT, "%d requests on a handle without a decision",
			SESSION_UNANSWERED_MAX);
	}
	if (fault.error.code) {
		refuse_request(s, m->client_type, handle, &fault);
		return;
	}
	state->unanswered++;
	e = emit(s, PDP_REQUEST, m->client_type);
	if (!e)
		return;
	e->state = state->number;
	e->handle = handle;
	e->again = again;
	e->message = m;
}

/* Which decision a report answers, 0 for none; that decision is settled. */
static uint32_t settle(struct pdp_session *s, uint32_t state, const struct cops_message *m)
{
	uint16_t type = cops_find(m, COPS_REPORT_TYPE)->report.type;
	bool flagged = m->flags & COPS_FLAG_SOLICITED;
	/* Nobody reports success of his own accord. A failure may be one of later, unless we
	 * know by now that this peer does not set the flag. */
	bool implied = type == COPS_SUCCESS ||
		       (type == COPS_FAILURE && s->core.noted & 1u << SESSION_ODD_NOT_SOLICITED);
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

static void on_report(struct pdp_session *s)
{
	const struct cops_message *m = &s->core.message;
	struct state *state = find_handle(s, m->client_type, cops_handle(m));
	struct cops_fault fault = {0};
	uint16_t gperr, sub_code;
	struct pdp_event *e;
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
	number = settle(s, state->number, m);
	e = emit(s, PDP_REPORT, m->client_type);
	if (!e)
		return;
	e->state = state->number;
	e->handle = cops_handle(m);
	e->message = m;
	e->decision = number;
	e->report = (enum cops_report_type)cops_find(m, COPS_REPORT_TYPE)->report.type;
}

/* A handle that we do not know may be one that we refused, or deleted on its way: no oddity. */
static void on_delete(struct pdp_session *s)
{
	const struct cops_message *m = &s->core.message;
	const struct cops_object *reason = cops_find(m, COPS_REASON);
	struct state *state = find_handle(s, m->client_type, cops_handle(m));
	const char *name = cops_reason_name(reason->error.code);
	struct pdp_event *e;

	if (!state)
		return;
	e = emit(s, PDP_DELETED, m->client_type);
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

static void on_synchronized(struct pdp_session *s)
{
	const struct cops_message *m = &s->core.message;
	struct view handle = cops_handle(m);
	struct state *state = find_handle(s, m->client_type, handle);
	struct pdp_event *e;

	if (!s->synchronizing) {
		odd(s, SESSION_ODD_UNEXPECTED);
		return;
	}
	s->synchronizing--;
	if (handle.len && !state) {
		odd(s, SESSION_ODD_UNKNOWN_HANDLE);
		return;
	}
	e = emit(s, PDP_SYNCHRONIZED, m->client_type);
	if (!e)
		return;
	e->state = state ? state->number : 0;
	e->handle = handle;
}

static void on_close(struct pdp_session *s)
{
	const struct cops_message *m = &s->core.message;
	const struct cops_object *why = cops_find(m, COPS_ERROR);
	const char *name = cops_error_name(why->error.code);
	struct client *client = find_client(s, m->client_type);
	struct error e;

	error_set(&e, E_CLOSED, "the PEP closed %s: error %u (%s), sub-code 0x%04x",
		m->client_type ? "the client-type" : "the connection", (unsigned)why->error.code,
		name ? name : "unknown", (unsigned)why->error.sub_code);
	if (m->client_type == COPS_CLIENT_CONNECTION) {
		end(s, &e);
	} else if (!client) {
		odd(s, SESSION_ODD_UNKNOWN_CLIENT);
	} else {
		forget_client(s, client);
		emit_error(s, PDP_CLIENT_CLOSED, m->client_type, why->error.code,
			why->error.sub_code, &e);
	}
}

static void on_keep_alive(struct pdp_session *s)
{
	if (s->core.message.client_type != COPS_CLIENT_CONNECTION)
		odd(s, SESSION_ODD_CLIENT_TYPE);
	check_answer(s, core_send_keep_alive(&s->core));
}

static const struct {
	void (*handle)(struct pdp_session *);
	bool of_client; /* only on an open client-type */
} handlers[] = {
	[COPS_REQ] = {on_request, true},
	[COPS_RPT] = {on_report, true},
	[COPS_DRQ] = {on_delete, true},
	[COPS_OPN] = {on_open, false},
	[COPS_CC] = {on_close, false},
	[COPS_KA] = {on_keep_alive, false},
	[COPS_SSC] = {on_synchronized, true},
};

static void on_unknown_client(struct pdp_session *s, uint16_t client_type)
{
	odd(s, SESSION_ODD_UNKNOWN_CLIENT);
	check_answer(
		s, core_send_close(&s->core, client_type, COPS_ERROR_UNSUPPORTED_CLIENT_TYPE, 0));
}

/* A message that could not be read, or breaks its grammar. A request is answered by a decision
 * with an Error (RFC 2748 section 3.1), everything else costs the client-type. */
static void on_malformed(struct pdp_session *s, struct view octets, const struct cops_fault *fault)
{
	uint16_t client_type = (uint16_t)(octets.data[2] << 8 | octets.data[3]);
	struct view handle;

	if (octets.data[1] == COPS_REQ && is_open(s, client_type) &&
		cops_peek_handle(octets, &handle))
		refuse_request(s, client_type, handle, fault);
	else
		close_client_fault(s, client_type, fault);
}

static void on_message(struct pdp_session *s, struct view octets)
{
	struct cops_message *m = &s->core.message;
	uint8_t op = octets.data[1];
	uint16_t client_type = (uint16_t)(octets.data[2] << 8 | octets.data[3]);
	struct cops_fault fault = {0};

	if (!cops_sent_by_pep(op)) {
		error_set(&fault.error, E_UNEXPECTED, "%s from a PEP", cops_op_name(op));
		finish_fault(s, &fault);
		return;
	}
	/* RFC 4261 section 10: nothing in clear but the offer of security. */
	if (s->phase == WAITING && (op != COPS_OPN || client_type != COPS_CLIENT_CONNECTION)) {
		refuse_security(
			s, client_type, WANT_TLS, "the PEP speaks without TLS, which is required");
		return;
	}
	if (cops_decode(octets, &s->core.arena, m, &fault) || cops_check(m, COPS_PR, &fault)) {
		on_malformed(s, octets, &fault);
		return;
	}
	if (m->flags & COPS_FLAG_SOLICITED && !cops_may_be_solicited(m->op))
		odd(s, SESSION_ODD_SOLICITED);
	if (s->phase == CLOSED)
		return;
	if (handlers[m->op].of_client && !is_open(s, m->client_type))
		on_unknown_client(s, m->client_type);
	else
		handlers[m->op].handle(s);
}

static void on_oversized(struct pdp_session *s, struct view head)
{
	struct cops_fault fault = {0};

	error_set(&fault.error, E_LIMIT, "%s longer than the %zu octets that are taken",
		cops_op_name(head.data[1]), s->config->limits.message);
	if (s->phase == READY)
		on_malformed(s, head, &fault);
	else
		finish_fault(s, &fault);
}

static void on_lost_stream(struct pdp_session *s, enum err code)
{
	struct cops_fault fault = {0};

	error_set(&fault.error, code, "the stream of the PEP cannot be read: message header: %s",
		err_text(code));
	finish_fault(s, &fault);
}

/* --- The interface --- */

struct pdp_session *pdp_session_new(const struct pdp_session_config *config, uint64_t now)
{
	struct pdp_session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	core_init(&s->core, &config->limits);
	s->config = config;
	s->now = s->unopened = s->last_heard = now;
	s->phase = config->security == SESSION_PLAIN ? READY : WAITING;
	return s;
}

void pdp_session_free(struct pdp_session *s)
{
	if (!s)
		return;
	core_fini(&s->core);
	forget_all(s);
	list_fini(&s->events);
	free(s);
}

size_t pdp_session_receive(struct pdp_session *s, struct view octets, uint64_t now)
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
			refuse_security(s, COPS_CLIENT_CONNECTION, WANT_TLS,
				"octets in clear where the TLS handshake was due");
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

void pdp_session_tls_done(struct pdp_session *s, uint64_t now)
{
	if (s->phase != HANDSHAKE)
		return;
	s->now = s->unopened = s->last_heard = now;
	s->phase = READY;
}

static uint64_t interval(const struct pdp_session *s)
{
	return (uint64_t)s->config->ka_seconds * 1000;
}

uint64_t pdp_session_deadline(const struct pdp_session *s)
{
	if (s->phase == CLOSED)
		return SESSION_NEVER;
	if (s->phase != READY || !s->clients.count)
		return s->unopened + s->config->open_timeout;
	return interval(s) ? s->last_heard + interval(s) : SESSION_NEVER;
}

void pdp_session_tick(struct pdp_session *s, uint64_t now)
{
	bool unopened = s->phase != READY || !s->clients.count;
	struct error e;

	s->now = now;
	if (s->core.progress) {
		s->core.progress = false;
		s->last_heard = now;
	}
	if (now < pdp_session_deadline(s))
		return;
	error_set(&e, E_TIMEOUT, "%s",
		unopened ? "no client-type was opened within the time limit"
			 : "the PEP is silent for longer than the keep-alive interval");
	finish(s, COPS_CLIENT_CONNECTION, COPS_ERROR_COMMUNICATION, 0, &e);
}

bool pdp_session_next_event(struct pdp_session *s, struct pdp_event *ret)
{
	if (s->events.count) {
		*ret = *(struct pdp_event *)s->events.items;
		list_remove(&s->events, sizeof *ret, 0);
		s->told |= ret->kind == PDP_CLOSED;
		return true;
	}
	core_release(&s->core);
	if (s->phase != CLOSED || s->told)
		return false;
	/* There was no memory for the event. */
	*ret = (struct pdp_event){.kind = PDP_CLOSED};
	error_set(&ret->error, E_MEMORY, "no memory for an event");
	s->told = true;
	return true;
}

struct view pdp_session_output(const struct pdp_session *s)
{
	return core_output(&s->core);
}

void pdp_session_sent(struct pdp_session *s, size_t octets)
{
	core_sent(&s->core, octets);
}

bool pdp_session_congested(const struct pdp_session *s)
{
	return core_congested(&s->core);
}

bool pdp_session_in_message(const struct pdp_session *s)
{
	return core_in_message(&s->core);
}

const struct session_counters *pdp_session_counters(const struct pdp_session *s)
{
	return &s->core.counters;
}

bool pdp_session_is_closed(const struct pdp_session *s)
{
	return s->phase == CLOSED;
}

/* --- Wishes --- */

enum err pdp_session_accept(struct pdp_session *s, uint16_t client_type)
{
	struct client *client = find_client(s, client_type);
	enum err code;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!client || !client->asked)
		return E_NOT_FOUND;
	code = send_accept(s, client_type);
	if (code)
		return code;
	client->asked = false;
	client->open = true;
	return E_OK;
}

enum err pdp_session_refuse(
	struct pdp_session *s, uint16_t client_type, enum cops_error_code code, uint16_t sub_code)
{
	struct client *client = find_client(s, client_type);
	enum err failed;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!client || !client->asked)
		return E_NOT_FOUND;
	failed = core_send_close(&s->core, client_type, (uint16_t)code, sub_code);
	if (!failed)
		forget_client(s, client);
	return failed;
}

/* What all decisions have in common; the body writes the decision groups. */
struct decision {
	const struct pdp_transaction *transaction; /* NULL: one command without data */
	enum cops_command command;
	uint16_t flags;
};

static void put_pieces(
	struct buffer *b, enum cops_carrier carrier, const struct view *pieces, size_t count)
{
	struct cops_run run;

	cops_run_begin(&run, b, carrier);
	for (size_t i = 0; i < count; i++)
		cops_run_add(&run, pieces[i]);
	cops_run_end(&run);
}

static bool is_empty(const struct pdp_transaction *t)
{
	for (size_t i = 0; i < t->remove_count; i++)
		if (t->removes[i].len)
			return false;
	for (size_t i = 0; i < t->install_count; i++)
		if (t->installs[i].len)
			return false;
	return true;
}

static enum err send_decision(
	struct pdp_session *s, const struct state *state, const struct decision *d)
{
	const struct pdp_transaction *t = d->transaction;
	struct buffer b = core_buffer(&s->core);
	size_t begun = cops_begin(
		&b, COPS_DEC, state->unanswered ? COPS_FLAG_SOLICITED : 0, state->client_type);

	cops_put_handle(&b, handle_of(state));
	if (t && !is_empty(t)) {
		put_pieces(&b, COPS_IN_REMOVE, t->removes, t->remove_count);
		put_pieces(&b, COPS_IN_INSTALL, t->installs, t->install_count);
	} else {
		cops_put_decision(&b, d->command, d->flags);
	}
	cops_end(&b, begun);
	return core_queue(&s->core, &b, false);
}

static enum err decide(
	struct pdp_session *s, uint32_t number, const struct decision *d, uint32_t *ret_decision)
{
	struct state *state = find_state(s, number);
	struct duty *duty;
	enum err code;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!state)
		return E_NOT_FOUND;
	if (!state->unanswered && core_congested(&s->core))
		return E_LIMIT;
	if (s->duties.count >= SESSION_UNREPORTED_MAX)
		return E_LIMIT;
	duty = list_add(&s->duties, sizeof *duty);
	if (!duty)
		return E_MEMORY;
	code = send_decision(s, state, d);
	if (code) {
		list_remove(&s->duties, sizeof *duty, s->duties.count - 1);
		return code;
	}
	*duty = (struct duty){++s->decisions, number};
	if (state->unanswered)
		state->unanswered--;
	state->decided = true;
	*ret_decision = s->decisions;
	return E_OK;
}

enum err pdp_session_decide(struct pdp_session *s, uint32_t state, const struct pdp_transaction *t,
	uint32_t *ret_decision)
{
	return decide(s, state, &(struct decision){t, COPS_NULL_DECISION, 0}, ret_decision);
}

enum err pdp_session_decide_null(struct pdp_session *s, uint32_t state, uint32_t *ret_decision)
{
	return decide(s, state, &(struct decision){NULL, COPS_NULL_DECISION, 0}, ret_decision);
}

enum err pdp_session_decide_state(
	struct pdp_session *s, uint32_t state, enum cops_command command, uint32_t *ret_decision)
{
	return decide(
		s, state, &(struct decision){NULL, command, COPS_REQUEST_STATE}, ret_decision);
}

enum err pdp_session_decide_error(
	struct pdp_session *s, uint32_t number, enum cops_error_code code, uint16_t sub_code)
{
	struct state *state = find_state(s, number);
	enum err failed;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!state)
		return E_NOT_FOUND;
	if (!state->unanswered)
		return E_UNEXPECTED;
	failed = send_error(s, state->client_type, handle_of(state), (uint16_t)code, sub_code);
	if (failed)
		return failed;
	state->unanswered--;
	if (!state->decided && !state->unanswered)
		forget_state(s, state);
	return E_OK;
}

enum err pdp_session_synchronize(struct pdp_session *s, uint16_t client_type, uint32_t number)
{
	const struct state *state = number ? find_state(s, number) : NULL;
	struct buffer b;
	size_t begun;
	enum err code;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!is_open(s, client_type) || (number && (!state || state->client_type != client_type)))
		return E_NOT_FOUND;
	if (s->synchronizing == UINT16_MAX)
		return E_LIMIT;
	b = core_buffer(&s->core);
	begun = cops_begin(&b, COPS_SSQ, 0, client_type);
	if (state)
		cops_put_handle(&b, handle_of(state));
	cops_end(&b, begun);
	code = core_queue(&s->core, &b, false);
	if (!code)
		s->synchronizing++;
	return code;
}

void pdp_session_close(struct pdp_session *s, uint16_t client_type, enum cops_error_code code)
{
	struct client *client = find_client(s, client_type);
	struct error e;

	if (s->phase == CLOSED)
		return;
	if (client_type == COPS_CLIENT_CONNECTION) {
		error_set(&e, E_CLOSED, "closed by us: error %u (%s)", (unsigned)code,
			cops_error_name((uint16_t)code));
		finish(s, COPS_CLIENT_CONNECTION, (uint16_t)code, 0, &e);
	} else if (client) {
		forget_client(s, client);
		check_answer(s, core_send_close(&s->core, client_type, (uint16_t)code, 0));
	}
}
