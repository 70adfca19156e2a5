/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/pep.h"

#include "common/session/internal.h"

/* ---- Messages of a PEP ---- */

enum err send_open(struct session *s, uint16_t client_type)
{
	const struct client *client = find_client(s, client_type);
	struct draft d = draft_begin(s, COPS_OPN, 0, client_type);

	cops_put_pepid(&d.octets, VIEW(s->pepid, s->pepid_len));
	if (client && client->has_last)
		cops_put_server(&d.octets, COPS_LAST_PDP, &client->last);
	count_for(s, client_type, SESSION_COUNT_OPEN_ATTEMPTS);
	return draft_send(s, &d, false);
}

enum err send_deletion(struct session *s, uint16_t client_type, struct view handle, uint16_t reason,
	uint16_t sub_code)
{
	struct draft d = draft_begin(s, COPS_DRQ, 0, client_type);

	cops_put_handle(&d.octets, handle);
	cops_put_reason(&d.octets, reason, sub_code);
	return draft_send(s, &d, true);
}

static enum err send_request(
	struct session *s, const struct state *state, const struct view *named, size_t count)
{
	struct draft d = draft_begin(s, COPS_REQ, 0, state->client_type);

	cops_put_handle(&d.octets, handle_of(state));
	cops_put_context(&d.octets, COPS_R_CONFIGURATION, 0);
	put_pieces(&d.octets, COPS_IN_CLIENT_SI, named, count);
	return draft_send(s, &d, false);
}

static enum err send_report(struct session *s, const struct state *state, uint8_t flags,
	enum cops_report_type type, const struct view *named, size_t count, bool answer)
{
	struct draft d = draft_begin(s, COPS_RPT, flags, state->client_type);

	cops_put_handle(&d.octets, handle_of(state));
	cops_put_report_type(&d.octets, type);
	put_pieces(&d.octets, COPS_IN_CLIENT_SI, named, count);
	return draft_send(s, &d, answer);
}

static enum err send_own_report(
	struct session *s, const struct state *state, const struct duty *duty)
{
	struct buffer run;
	struct view piece;
	enum err code;

	buffer_init(&run, 64);
	pr_put_error(&run, PR_GPERR, duty->gperr, duty->sub_code);
	piece = buffer_view(&run);
	code = run.error;
	if (!code)
		code = send_report(s, state, COPS_FLAG_SOLICITED, COPS_FAILURE, &piece, 1, true);
	buffer_fini(&run);
	return code;
}

enum err send_own_reports(struct session *s, const struct state *state)
{
	for (uint32_t i = 0; i < s->duties.count;) {
		const struct duty *duty = &duties(s)[i];
		enum err code;

		if (duty->state != state->number) {
			i++;
			continue;
		}
		if (!duty->gperr)
			return E_OK;
		code = send_own_report(s, state, duty);
		if (code)
			return code;
		list_remove(&s->duties, sizeof *duty, i);
	}
	return E_OK;
}

void lose_state(struct session *s, struct state *state, uint16_t reason, uint16_t sub_code,
	const struct error *error)
{
	uint16_t client_type = state->client_type;
	uint32_t number = state->number;
	enum err code = send_deletion(s, client_type, handle_of(state), reason, sub_code);

	forget_state(s, state);
	emit_error(s, SESSION_STATE_LOST, client_type, number, reason, sub_code, error);
	check_answer(s, code);
}

void open_wished(struct session *s)
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

/* ---- Wishes ---- */

/* Of wishes that a user may have at any time, not as an answer to what was received. */
static enum err may_wish(const struct session *s)
{
	if (s->phase == CLOSED)
		return E_CLOSED;
	return session_congested(s) ? E_LIMIT : E_OK;
}

enum err pep_session_open(
	struct session *s, uint16_t client_type, const struct endpoint *last, uint64_t now)
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
	c = add_client(s, client_type);
	if (!c)
		return E_LIMIT;
	c->has_last = last != NULL;
	if (last)
		c->last = *last;
	if (s->phase != READY)
		return E_OK;
	code = send_open(s, client_type);
	if (code)
		forget_client(s, c);
	else
		c->opening = OPENING;
	return code;
}

/* Our handles are four octets, which is what everybody can read. */
static struct state *add_own_state(struct session *s, uint16_t client_type)
{
	uint32_t n = next_state(s);
	uint8_t handle[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	return add_state(s, client_type, VIEW(handle, sizeof handle));
}

enum err pep_session_request(struct session *s, uint16_t client_type, const struct view *named,
	size_t count, uint64_t now, uint32_t *ret_handle)
{
	enum err code = may_wish(s);
	struct state *state;

	if (code)
		return code;
	s->now = now;
	if (!is_open(s, client_type))
		return E_NOT_FOUND;
	state = add_own_state(s, client_type);
	if (!state)
		return E_LIMIT;
	code = send_request(s, state, named, count);
	if (code) {
		forget_state(s, state);
		return code;
	}
	state->unanswered = 1;
	*ret_handle = state->number;
	return E_OK;
}

enum err pep_session_update(
	struct session *s, uint32_t handle, const struct view *named, size_t count, uint64_t now)
{
	struct state *state = find_state(s, handle);
	enum err code = may_wish(s);

	if (code)
		return code;
	s->now = now;
	if (!state)
		return E_NOT_FOUND;
	if (state->unanswered)
		return E_AGAIN;
	code = send_request(s, state, named, count);
	if (code)
		return code;
	state->unanswered = 1;
	state->since = now;
	return E_OK;
}

/* The user's oldest duty of that number, if none of the same state comes before it. */
static enum err find_duty(const struct session *s, uint32_t decision, struct duty **ret_duty)
{
	struct duty *duty = NULL;

	for (uint32_t i = 0; i < s->duties.count && !duty; i++)
		if (duties(s)[i].number == decision && !duties(s)[i].gperr)
			duty = &duties(s)[i];
	if (!duty)
		return E_NOT_FOUND;
	for (const struct duty *d = duties(s); d < duty; d++)
		if (d->state == duty->state)
			return E_UNEXPECTED;
	*ret_duty = duty;
	return E_OK;
}

enum err pep_session_report(struct session *s, uint32_t decision, enum cops_report_type type,
	const struct view *named, size_t count)
{
	const struct state *state;
	struct duty *duty;
	enum err code;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (type == COPS_ACCOUNTING)
		return E_RANGE;
	code = find_duty(s, decision, &duty);
	if (code)
		return code;
	state = find_state(s, duty->state);
	if (!state)
		return E_BUG;
	code = send_report(s, state, COPS_FLAG_SOLICITED, type, named, count, false);
	if (code)
		return code;
	list_remove(&s->duties, sizeof *duty, (uint32_t)(duty - duties(s)));
	check_answer(s, send_own_reports(s, state));
	return E_OK;
}

uint64_t pep_session_accounting_due(const struct session *s, uint16_t client_type)
{
	const struct client *c = find_client(s, client_type);

	return c && c->opening == OPEN && c->acct_seconds ? c->accounting_due : SESSION_NEVER;
}

/* RFC 3084 section 5.3.2: not more often than AcctTimer says. */
static enum err may_account(const struct session *s, uint16_t client_type)
{
	uint64_t due = pep_session_accounting_due(s, client_type);

	if (due == SESSION_NEVER)
		return E_DENIED;
	return s->now < due ? E_AGAIN : E_OK;
}

static void plan_accounting(struct session *s, uint16_t client_type)
{
	struct client *c = find_client(s, client_type);

	if (c->acct_seconds != SESSION_ACCOUNTING_ANY)
		c->accounting_due = s->now + (uint64_t)c->acct_seconds * 1000;
}

enum err pep_session_tell(struct session *s, uint32_t handle, enum cops_report_type type,
	const struct view *named, size_t count, uint64_t now)
{
	const struct state *state = find_state(s, handle);
	enum err code = may_wish(s);

	if (code)
		return code;
	s->now = now;
	if (!state)
		return E_NOT_FOUND;
	/* Success has nothing to answer here; RFC 3084 section 3.3. */
	if (type == COPS_SUCCESS)
		return E_RANGE;
	if (type == COPS_ACCOUNTING)
		code = may_account(s, state->client_type);
	if (!code)
		code = send_report(s, state, 0, type, named, count, false);
	if (!code && type == COPS_ACCOUNTING)
		plan_accounting(s, state->client_type);
	return code;
}

enum err pep_session_delete(struct session *s, uint32_t handle, enum cops_reason_code reason)
{
	struct state *state = find_state(s, handle);
	enum err code;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!state)
		return E_NOT_FOUND;
	code = send_deletion(s, state->client_type, handle_of(state), (uint16_t)reason, 0);
	if (!code)
		forget_state(s, state);
	return code;
}

enum err pep_session_ask_alive(struct session *s)
{
	enum err err = s->phase == READY ? send_keep_alive(s) : E_CLOSED;

	if (!err)
		s->asked_ka = ++s->unanswered_ka;
	return err;
}

enum err pep_session_synchronized(struct session *s, uint16_t client_type, uint32_t handle)
{
	const struct state *state = handle ? find_state(s, handle) : NULL;
	struct draft d;

	if (s->phase == CLOSED)
		return E_CLOSED;
	if (!is_open(s, client_type) || (handle && !state))
		return E_NOT_FOUND;
	d = draft_begin(s, COPS_SSC, 0, client_type);
	if (state)
		cops_put_handle(&d.octets, handle_of(state));
	return draft_send(s, &d, false);
}
