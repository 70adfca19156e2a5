/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

#include <stdlib.h>

enum {
	ANSWERS_MAX = 64 * 1024, /* octets */
	JOINED_MAX = 16 * 1024,  /* octets of a chunk, if it has more than one message */
};

/* Messages that wait to be sent: small ones together, so that they go out in one record. */
struct chunk {
	struct chunk *next;
	struct buffer octets;
};

/* ---- Writing a message ---- */

struct draft draft_begin(
	const struct session *s, enum cops_op op, uint8_t flags, uint16_t client_type)
{
	struct draft d = {.client_type = client_type};

	/* The peer's limit is not known; what we would not read we do not write. */
	buffer_init(&d.octets, s->limits.message);
	d.begun = cops_begin(&d.octets, op, flags, client_type);
	return d;
}

static bool join(struct chunk *last, struct view message)
{
	if (!last || last->octets.len + message.len > JOINED_MAX)
		return false;
	buffer_put_view(&last->octets, message);
	if (!last->octets.error)
		return true;
	last->octets.error = E_OK;
	return false;
}

/* Last comes what can fail no more: a message that has its number must be sent. */
static enum err queue(struct session *s, struct draft *d, bool answer)
{
	struct queue *q = &s->queue;
	enum err code = d->octets.error;
	struct chunk *chunk;
	bool had_room;

	if (code)
		return code;
	if (answer && q->answers + d->octets.len > ANSWERS_MAX) {
		count_limit(s, SESSION_LIMIT_ANSWERS);
		return E_LIMIT;
	}
	chunk = malloc(sizeof *chunk);
	if (!chunk)
		return E_MEMORY;
	code = security_seal(s, &d->octets, d->first);
	if (code) {
		free(chunk);
		return code;
	}
	if (s->tap)
		s->tap(s->tapper, true, buffer_view(&d->octets));
	had_room = !session_congested(s);
	q->waiting += d->octets.len;
	if (had_room && session_congested(s))
		count_limit(s, SESSION_LIMIT_OUTPUT);
	if (answer)
		q->answers += d->octets.len;
	if (join(q->last, buffer_view(&d->octets))) {
		free(chunk);
		buffer_fini(&d->octets);
		return E_OK;
	}
	*chunk = (struct chunk){.octets = d->octets};
	chunk->octets.limit = SIZE_MAX;
	d->octets = (struct buffer){0};
	if (q->last)
		q->last->next = chunk;
	else
		q->first = chunk;
	q->last = chunk;
	return E_OK;
}

enum err draft_send(struct session *s, struct draft *d, bool answer)
{
	uint16_t client_type = d->client_type;
	enum err code;

	cops_end(&d->octets, d->begun);
	code = queue(s, d, answer);
	if (code)
		buffer_fini(&d->octets);
	count_for(s, client_type, code ? SESSION_COUNT_BAD_SENDS : SESSION_COUNT_MESSAGES_OUT);
	return code;
}

void put_pieces(
	struct buffer *b, enum cops_carrier carrier, const struct view *pieces, size_t count)
{
	struct cops_run run;

	cops_run_begin(&run, b, carrier);
	for (size_t i = 0; i < count; i++)
		cops_run_add(&run, pieces[i]);
	cops_run_end(&run);
}

/* ---- Messages of both ends ---- */

enum err send_farewell(struct session *s, uint16_t client_type, const struct farewell *why)
{
	struct draft d = draft_begin(s, COPS_CC, 0, client_type);

	cops_put_error(&d.octets, why->code, why->sub_code);
	if (why->redirect)
		cops_put_server(&d.octets, COPS_PDP_REDIRECT, why->redirect);
	return draft_send(s, &d, true);
}

enum err send_close(struct session *s, uint16_t client_type, uint16_t code, uint16_t sub_code)
{
	return send_farewell(s, client_type, &(struct farewell){code, sub_code, NULL});
}

enum err send_keep_alive(struct session *s)
{
	struct draft d = draft_begin(s, COPS_KA, 0, COPS_CLIENT_CONNECTION);

	return draft_send(s, &d, true);
}

/* ---- The queue ---- */

static void free_first(struct queue *q)
{
	struct chunk *chunk = q->first;

	q->first = chunk->next;
	if (!q->first)
		q->last = NULL;
	q->offset = 0;
	buffer_fini(&chunk->octets);
	free(chunk);
}

void queue_fini(struct session *s)
{
	while (s->queue.first)
		free_first(&s->queue);
}

struct view session_output(const struct session *s)
{
	const struct queue *q = &s->queue;

	if (!q->first)
		return VIEW_NONE;
	return VIEW(q->first->octets.data + q->offset, q->first->octets.len - q->offset);
}

void session_sent(struct session *s, size_t octets)
{
	struct queue *q = &s->queue;

	/* What a socket takes while little waits says nothing: the kernel holds it. */
	if (session_congested(s) && octets)
		q->progress = true;
	while (octets && q->first) {
		size_t left = q->first->octets.len - q->offset;
		size_t part = octets < left ? octets : left;

		octets -= part;
		q->offset += part;
		q->waiting -= part;
		s->counters.octets_out += part;
		if (part == left)
			free_first(q);
	}
	if (!q->first)
		q->answers = 0;
}

bool session_congested(const struct session *s)
{
	return s->queue.waiting >= s->limits.output;
}
