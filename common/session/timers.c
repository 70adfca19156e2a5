/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

static bool is_pep(const struct session *s)
{
	return s->role->role == SESSION_PEP;
}

/* RFC 2748 sections 3.9 and 4.6: the least of all that were said; 0: none. */
uint64_t keep_alive_interval(const struct session *s)
{
	uint16_t least = s->connection_ka;

	for (uint32_t i = 0; i < s->clients.count; i++) {
		uint16_t ka = clients(s)[i].opening == OPEN ? clients(s)[i].ka_seconds : 0;

		if (ka && (!least || ka < least))
			least = ka;
	}
	return (uint64_t)least * 1000;
}

void plan_keep_alive(struct session *s)
{
	uint64_t ms = keep_alive_interval(s);

	if (is_pep(s) && ms)
		s->next_ka = s->now + ms / 4 + s->random(s->user) % (ms / 2 + 1);
	else
		s->next_ka = SESSION_NEVER;
}

static void time_out_connection(struct session *s, const char *what)
{
	struct error e;

	error_set(&e, E_TIMEOUT, "the %s %s", s->role->peer, what);
	finish(s, COPS_CLIENT_CONNECTION, COPS_ERROR_COMMUNICATION, 0, &e);
}

static void time_out_client(struct session *s, const struct client *c)
{
	struct error e;

	count_for(s, c->type, SESSION_COUNT_OPEN_FAILURES);
	error_set(&e, E_TIMEOUT, "the PDP does not answer the opening of client-type 0x%04x",
		(unsigned)c->type);
	close_client(s, c->type, COPS_ERROR_COMMUNICATION, 0, &e);
}

static void time_out_request(struct session *s, struct state *state)
{
	struct error e;

	error_set(&e, E_TIMEOUT, "the PDP does not answer the request with handle %u",
		(unsigned)state->number);
	lose_state(s, state, COPS_REASON_TIMEOUT, 0, &e);
}

/* When each of them is due; SESSION_NEVER if it does not run. */

static uint64_t due_opening(const struct session *s)
{
	if (s->phase != READY || (!is_pep(s) && !s->clients.count))
		return s->since + s->open_timeout;
	return SESSION_NEVER;
}

static uint64_t due_silence(const struct session *s)
{
	uint64_t ms = keep_alive_interval(s);

	return s->phase == READY && ms ? s->last_heard + ms : SESSION_NEVER;
}

static uint64_t due_message(const struct session *s)
{
	return session_in_message(s) ? s->stream.since + s->message_timeout : SESSION_NEVER;
}

static uint64_t due_client(const struct session *s, const struct client *c)
{
	return is_pep(s) && c->opening == OPENING ? c->since + s->open_timeout : SESSION_NEVER;
}

static uint64_t due_request(const struct session *s, const struct state *state)
{
	return is_pep(s) && state->unanswered ? state->since + s->request_timeout : SESSION_NEVER;
}

/* Does the first thing that is due; true if more may be, for the lists have changed. */
static bool tick_once(struct session *s)
{
	if (s->phase == CLOSED)
		return false;
	if (due_opening(s) <= s->now) {
		time_out_connection(s, is_pep(s) ? "grants no security within the time limit"
						 : "opens no client-type within the time limit");
		return true;
	}
	if (due_silence(s) <= s->now) {
		time_out_connection(s, "is silent for longer than the keep-alive interval");
		return true;
	}
	if (due_message(s) <= s->now) {
		count_limit(s, SESSION_LIMIT_SLOW);
		time_out_connection(s, "does not finish a message that it began");
		return true;
	}
	for (uint32_t i = 0; i < s->clients.count; i++) {
		if (due_client(s, &clients(s)[i]) <= s->now) {
			time_out_client(s, &clients(s)[i]);
			return true;
		}
	}
	for (uint32_t i = 0; i < s->states.count; i++) {
		if (due_request(s, &states(s)[i]) <= s->now) {
			time_out_request(s, &states(s)[i]);
			return true;
		}
	}
	if (s->phase == READY && s->next_ka <= s->now) {
		s->unanswered_ka++;
		plan_keep_alive(s);
		check_answer(s, send_keep_alive(s));
	}
	return false;
}

void session_tick(struct session *s, uint64_t now)
{
	s->now = now;
	if (s->queue.progress) {
		s->queue.progress = false;
		s->last_heard = now;
	}
	while (tick_once(s))
		;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t session_deadline(const struct session *s)
{
	uint64_t when;

	if (s->phase == CLOSED)
		return SESSION_NEVER;
	when = earlier(due_opening(s), due_silence(s));
	when = earlier(when, due_message(s));
	if (s->phase == READY)
		when = earlier(when, s->next_ka);
	for (uint32_t i = 0; i < s->clients.count; i++)
		when = earlier(when, due_client(s, &clients(s)[i]));
	for (uint32_t i = 0; i < s->states.count; i++)
		when = earlier(when, due_request(s, &states(s)[i]));
	return when;
}
