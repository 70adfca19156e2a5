/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

/* ---- Events ---- */

struct session_event *emit(struct session *s, enum session_event_kind kind, uint16_t client_type)
{
	struct session_event *e = list_add(&s->events, sizeof *e);

	if (!e) {
		s->phase = CLOSED;
		return NULL;
	}
	e->kind = kind;
	e->client_type = client_type;
	return e;
}

void emit_error(struct session *s, enum session_event_kind kind, uint16_t client_type,
	uint32_t state, uint16_t code, uint16_t sub_code, const struct error *error)
{
	struct session_event *e = emit(s, kind, client_type);

	if (!e)
		return;
	e->state = state;
	e->code = code;
	e->sub_code = sub_code;
	e->error = *error;
}

const char *session_oddity_text(enum session_oddity what)
{
	static const char *const texts[SESSION_ODDITIES] = {
		[SESSION_ODD_NOT_SOLICITED] = "an answer without the Solicited flag",
		[SESSION_ODD_SOLICITED] = "the Solicited flag where nothing was solicited",
		[SESSION_ODD_KEEP_ALIVE] = "a keep-alive that nobody asked for",
		[SESSION_ODD_UNKNOWN_HANDLE] = "a message for an unknown handle",
		[SESSION_ODD_UNKNOWN_CLIENT] = "a message for a client-type that is not open",
		[SESSION_ODD_UNEXPECTED] = "an answer to nothing",
		[SESSION_ODD_REDIRECTION] = "a redirection in clear, which is not followed",
		[SESSION_ODD_PEPID_NUL] = "a PEPID without its NUL",
		[SESSION_ODD_PEPID_PADDING] = "padding behind the PEPID and not in it",
		[SESSION_ODD_PADDING] = "a last COPS-PR object without its padding",
		[SESSION_ODD_INTEGER] = "INTEGER where Unsigned32 is meant",
	};

	return (unsigned)what < SESSION_ODDITIES ? texts[what] : "unknown oddity";
}

void odd(struct session *s, enum session_oddity what)
{
	uint16_t bit = (uint16_t)(1u << what);
	struct session_event *e;

	s->counters.odd[what]++;
	if (s->noted & bit)
		return;
	s->noted |= bit;
	e = emit(s, SESSION_ODD, s->message.client_type);
	if (e)
		e->odd = what;
}

void session_note(struct session *s, enum session_oddity what)
{
	if (s->phase != CLOSED)
		odd(s, what);
}

void odd_client(struct session *s)
{
	count_for(s, COPS_CLIENT_CONNECTION, SESSION_COUNT_UNSUPPORTED_CLIENT_TYPE);
	odd(s, SESSION_ODD_UNKNOWN_CLIENT);
}

void odd_unexpected(struct session *s)
{
	odd(s, SESSION_ODD_UNEXPECTED);
}

/* ---- The end ---- */

void end(struct session *s, const struct error *error)
{
	if (s->phase == CLOSED)
		return;
	forget_all(s);
	emit_error(s, SESSION_CLOSED, COPS_CLIENT_CONNECTION, 0, 0, 0, error);
	s->phase = CLOSED;
}

void check_answer(struct session *s, enum err code)
{
	struct error e;

	if (!code)
		return;
	error_set(
		&e, code, "answers to the %s cannot be queued: %s", s->role->peer, err_text(code));
	end(s, &e);
}

void finish_with(struct session *s, uint16_t client_type, const struct farewell *why,
	const struct error *error)
{
	enum err failed = E_OK;
	bool any = false;

	for (uint32_t i = 0; i < s->clients.count && !failed; i++) {
		if (clients(s)[i].opening == WISHED)
			continue;
		any = true;
		failed = send_farewell(s, clients(s)[i].type, why);
	}
	/* During the handshake nothing may be sent in clear. */
	if (!any && s->phase != HANDSHAKE)
		failed = send_farewell(s, client_type, why);
	/* The session ends in any case; with a lost CC it ends all the same. */
	(void)failed;
	end(s, error);
}

void finish(struct session *s, uint16_t client_type, uint16_t code, uint16_t sub_code,
	const struct error *error)
{
	finish_with(s, client_type, &(struct farewell){code, sub_code, NULL}, error);
}

void finish_fault(struct session *s, const struct cops_fault *fault)
{
	uint16_t code, sub_code;

	count_fault(s, fault);
	cops_fault_error(fault, &code, &sub_code);
	finish(s, COPS_CLIENT_CONNECTION, code, sub_code, &fault->error);
}

void wrong_end(struct session *s)
{
	struct cops_fault fault = {0};

	error_set(&fault.error, E_PROTOCOL, "%s from a %s", cops_op_name(s->message.op),
		s->role->peer);
	count(s, SESSION_COUNT_WRONG_OP_CODE);
	finish_fault(s, &fault);
}

/* ---- The end of a client-type ---- */

void close_client(struct session *s, uint16_t client_type, uint16_t code, uint16_t sub_code,
	const struct error *error)
{
	struct client *client = find_client(s, client_type);
	enum err failed;

	if (client_type == COPS_CLIENT_CONNECTION) {
		finish(s, client_type, code, sub_code, error);
		return;
	}
	failed = send_close(s, client_type, code, sub_code);
	if (client)
		forget_client(s, client);
	emit_error(s, SESSION_CLIENT_CLOSED, client_type, 0, code, sub_code, error);
	check_answer(s, failed);
}

void close_client_fault(struct session *s, uint16_t client_type, const struct cops_fault *fault)
{
	uint16_t code, sub_code;

	count_fault(s, fault);
	cops_fault_error(fault, &code, &sub_code);
	close_client(s, client_type, code, sub_code, &fault->error);
}

void close_sentence(const struct session *s, struct error *ret)
{
	const struct cops_message *m = &s->message;
	const struct cops_object *why = cops_find(m, COPS_ERROR);
	const char *name = cops_error_name(why->error.code);

	error_set(ret, E_CLOSED, "the %s closed %s: error %u (%s), sub-code 0x%04x", s->role->peer,
		m->client_type ? "the client-type" : "the connection", (unsigned)why->error.code,
		name ? name : "unknown", (unsigned)why->error.sub_code);
}

void session_close(struct session *s, uint16_t client_type, enum cops_error_code code)
{
	struct client *client = find_client(s, client_type);
	struct error e;
	bool sent;

	if (s->phase == CLOSED)
		return;
	if (client_type == COPS_CLIENT_CONNECTION) {
		error_set(&e, E_CLOSED, "closed by us: error %u (%s)", (unsigned)code,
			cops_error_name((uint16_t)code));
		finish(s, COPS_CLIENT_CONNECTION, (uint16_t)code, 0, &e);
	} else if (client) {
		sent = client->opening != WISHED;
		forget_client(s, client);
		if (sent)
			check_answer(s, send_close(s, client_type, (uint16_t)code, 0));
	}
}
