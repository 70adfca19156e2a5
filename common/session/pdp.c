/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/pdp.h"

#include "common/session/internal.h"

/* ---- Messages of a PDP ---- */

enum err send_accept(struct session *s, uint16_t client_type)
{
	struct draft d = draft_begin(s, COPS_CAT, 0, client_type);

	cops_put_ka_timer(&d.octets, s->ka_offered);
	if (s->acct_offered != SESSION_ACCOUNTING_ANY)
		cops_put_acct_timer(&d.octets, (uint16_t)s->acct_offered);
	return draft_send(s, &d, true);
}

enum err send_error(struct session *s, uint16_t client_type, struct view handle, uint16_t code,
	uint16_t sub_code)
{
	struct draft d = draft_begin(s, COPS_DEC, COPS_FLAG_SOLICITED, client_type);

	cops_put_handle(&d.octets, handle);
	cops_put_error(&d.octets, code, sub_code);
	return draft_send(s, &d, true);
}

/* What all decisions have in common; the body writes the decision groups. */
struct decision {
	const struct pdp_transaction *transaction; /* NULL: one command without data */
	enum cops_command command;
	uint16_t flags;
};

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
	struct session *s, const struct state *state, const struct decision *decision)
{
	const struct pdp_transaction *t = decision->transaction;
	struct draft d = draft_begin(
		s, COPS_DEC, state->unanswered ? COPS_FLAG_SOLICITED : 0, state->client_type);

	cops_put_handle(&d.octets, handle_of(state));
	if (t && !is_empty(t)) {
		put_pieces(&d.octets, COPS_IN_REMOVE, t->removes, t->remove_count);
		put_pieces(&d.octets, COPS_IN_INSTALL, t->installs, t->install_count);
	} else {
		cops_put_decision(&d.octets, decision->command, decision->flags);
	}
	return draft_send(s, &d, false);
}

/* ---- Wishes ---- */

enum err pdp_session_accept(struct session *s, uint16_t client_type)
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
	client->opening = OPEN;
	client->ka_seconds = s->ka_offered;
	client->acct_seconds = s->acct_offered;
	return E_OK;
}

enum err pdp_session_refuse(
	struct session *s, uint16_t client_type, enum cops_error_code code, uint16_t sub_code)
{
	struct client *client = find_client(s, client_type);
	enum err failed;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!client || !client->asked)
		return E_NOT_FOUND;
	count_for(s, client_type, SESSION_COUNT_OPEN_FAILURES);
	failed = send_close(s, client_type, (uint16_t)code, sub_code);
	if (!failed)
		forget_client(s, client);
	return failed;
}

enum err pdp_session_redirect(struct session *s, uint16_t client_type, const struct endpoint *to)
{
	const struct farewell why = {COPS_ERROR_REDIRECT, 0, to};
	struct client *client = find_client(s, client_type);
	struct error e;
	enum err failed;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (client_type == COPS_CLIENT_CONNECTION) {
		error_set(&e, E_CLOSED, "closed by us: sent to another PDP");
		finish_with(s, client_type, &why, &e);
		return E_OK;
	}
	if (!client)
		return E_NOT_FOUND;
	failed = send_farewell(s, client_type, &why);
	if (!failed)
		forget_client(s, client);
	return failed;
}

static enum err decide(
	struct session *s, uint32_t number, const struct decision *d, uint32_t *ret_decision)
{
	struct state *state = find_state(s, number);
	struct duty *duty;
	enum err code;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!state)
		return E_NOT_FOUND;
	if (!state->unanswered && session_congested(s))
		return E_LIMIT;
	duty = add_duty(s, number);
	if (!duty)
		return E_LIMIT;
	code = send_decision(s, state, d);
	if (code) {
		list_remove(&s->duties, sizeof *duty, s->duties.count - 1);
		s->decisions--;
		return code;
	}
	if (state->unanswered)
		state->unanswered--;
	state->decided = true;
	*ret_decision = s->decisions;
	return E_OK;
}

enum err pdp_session_decide(
	struct session *s, uint32_t state, const struct pdp_transaction *t, uint32_t *ret_decision)
{
	return decide(s, state, &(struct decision){t, COPS_NULL_DECISION, 0}, ret_decision);
}

enum err pdp_session_decide_null(struct session *s, uint32_t state, uint32_t *ret_decision)
{
	return decide(s, state, &(struct decision){NULL, COPS_NULL_DECISION, 0}, ret_decision);
}

enum err pdp_session_decide_state(
	struct session *s, uint32_t state, enum cops_command command, uint32_t *ret_decision)
{
	return decide(
		s, state, &(struct decision){NULL, command, COPS_REQUEST_STATE}, ret_decision);
}

enum err pdp_session_decide_error(
	struct session *s, uint32_t number, enum cops_error_code code, uint16_t sub_code)
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

enum err pdp_session_synchronize(struct session *s, uint16_t client_type, uint32_t number)
{
	const struct state *state = number ? find_state(s, number) : NULL;
	struct draft d;
	enum err code;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!is_open(s, client_type) || (number && (!state || state->client_type != client_type)))
		return E_NOT_FOUND;
	if (s->synchronizing == UINT16_MAX)
		return E_LIMIT;
	d = draft_begin(s, COPS_SSQ, 0, client_type);
	if (state)
		cops_put_handle(&d.octets, handle_of(state));
	code = draft_send(s, &d, false);
	if (!code)
		s->synchronizing++;
	return code;
}
