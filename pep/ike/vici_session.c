/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/ike/vici_session.h"

#include <stdlib.h>
#include <string.h>

/* The octet that a packet begins with. */
enum packet {
	PACKET_REQUEST,
	PACKET_ANSWER,
	PACKET_UNKNOWN_COMMAND,
	PACKET_REGISTER,
	PACKET_UNREGISTER,
	PACKET_REGISTERED,
	PACKET_UNKNOWN_EVENT,
	PACKET_EVENT,
};

enum { LENGTH_OCTETS = 4 };

struct waiting {
	uint32_t id;
	bool listens;
	uint64_t patience;
	struct buffer packet; /* with its length */
	struct waiting *next;
};

struct vici_session {
	struct waiting *first, **last; /* the first one is on its way */
	size_t count, octets;
	uint32_t last_id;
	uint64_t deadline; /* of the first one */
	size_t sent;       /* octets of the first one */
	struct buffer input;
	size_t taken; /* octets of input that the last event was made from */
	bool failed, told;
	struct error error;
};

struct vici_session *vici_session_new(void)
{
	struct vici_session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->last = &s->first;
	s->deadline = UINT64_MAX;
	buffer_init(&s->input, 2 * (VICI_PACKET_MAX + LENGTH_OCTETS));
	return s;
}

static void drop_first(struct vici_session *s)
{
	struct waiting *w = s->first;

	s->first = w->next;
	if (!s->first)
		s->last = &s->first;
	s->count--;
	s->octets -= w->packet.len;
	s->sent = 0;
	s->deadline = UINT64_MAX;
	/* Requests carry private keys and shared secrets. */
	buffer_fini_secret(&w->packet);
	free(w);
}

struct vici_session *vici_session_free(struct vici_session *s)
{
	if (!s)
		return NULL;
	while (s->first)
		drop_first(s);
	buffer_fini_secret(&s->input);
	free(s);
	return NULL;
}

static void fail(struct vici_session *s, const struct error *why)
{
	if (s->failed)
		return;
	s->failed = true;
	s->error = *why;
	s->deadline = UINT64_MAX;
}

static void start_first(struct vici_session *s, uint64_t now)
{
	if (s->first && !s->failed)
		s->deadline = now + s->first->patience;
}

static enum err enqueue(struct vici_session *s, enum packet kind, const char *name,
	struct view message, uint64_t patience, uint64_t now, uint32_t *ret_id, struct error *error)
{
	size_t name_len = strlen(name), len = 2 + name_len + message.len;
	struct waiting *w;

	if (s->failed)
		return error_set(error, E_CLOSED, "the session with charon has ended");
	if (name_len > VICI_COMMAND_MAX || len > VICI_PACKET_MAX)
		return error_set(error, E_LIMIT, "\"%.64s\" with %zu octets is too long for VICI",
			name, message.len);
	if (s->count >= VICI_WAITING_MAX || s->octets + len > VICI_OUTPUT_MAX)
		return error_set(error, E_LIMIT,
			"%zu requests to charon with %zu octets wait; %s is not added", s->count,
			s->octets, name);
	w = calloc(1, sizeof *w);
	if (!w)
		return error_set(error, E_MEMORY, "no memory for a request to charon");
	w->listens = kind == PACKET_REGISTER;
	w->patience = patience;
	buffer_init(&w->packet, LENGTH_OCTETS + VICI_PACKET_MAX);
	buffer_put_u32(&w->packet, (uint32_t)len);
	buffer_put_u8(&w->packet, (uint8_t)kind);
	buffer_put_u8(&w->packet, (uint8_t)name_len);
	buffer_put(&w->packet, name, name_len);
	buffer_put_view(&w->packet, message);
	if (w->packet.error) {
		buffer_fini_secret(&w->packet);
		free(w);
		return error_set(error, E_MEMORY, "no memory for a request to charon");
	}
	w->id = *ret_id = ++s->last_id;
	*s->last = w;
	s->last = &w->next;
	s->count++;
	s->octets += w->packet.len;
	if (s->first == w)
		start_first(s, now);
	return E_OK;
}

enum err vici_request(struct vici_session *s, const char *command, struct view message,
	uint64_t patience, uint64_t now, uint32_t *ret_id, struct error *error)
{
	return enqueue(s, PACKET_REQUEST, command, message, patience, now, ret_id, error);
}

enum err vici_listen(struct vici_session *s, const char *event, uint64_t patience, uint64_t now,
	uint32_t *ret_id, struct error *error)
{
	return enqueue(s, PACKET_REGISTER, event, VIEW_NONE, patience, now, ret_id, error);
}

void vici_receive(struct vici_session *s, struct view octets)
{
	struct error e;

	if (s->failed)
		return;
	buffer_consume(&s->input, s->taken);
	s->taken = 0;
	buffer_put_view(&s->input, octets);
	if (s->input.error) {
		error_set(&e, s->input.error, "no room for %zu octets from charon", octets.len);
		fail(s, &e);
	}
}

struct view vici_output(const struct vici_session *s)
{
	if (s->failed || !s->first)
		return VIEW_NONE;
	return VIEW(s->first->packet.data + s->sent, s->first->packet.len - s->sent);
}

void vici_sent(struct vici_session *s, size_t count)
{
	s->sent += count;
}

void vici_hang_up(struct vici_session *s, const struct error *why)
{
	fail(s, why);
}

uint64_t vici_deadline(const struct vici_session *s)
{
	return s->deadline;
}

void vici_tick(struct vici_session *s, uint64_t now)
{
	struct error e;

	if (s->failed || now < s->deadline)
		return;
	error_set(&e, E_TIMEOUT, "charon has not answered \"%.*s\" in %llu ms",
		(int)s->first->packet.data[LENGTH_OCTETS + 1],
		(const char *)&s->first->packet.data[LENGTH_OCTETS + 2],
		(unsigned long long)s->first->patience);
	fail(s, &e);
}

size_t vici_waiting(const struct vici_session *s)
{
	return s->count;
}

/* ---- What charon says ---- */

/* The kinds of packets that charon sends, and what a request must be for each. */
static const struct reading {
	bool expected;
	bool named;
	bool has_message;
	bool answers; /* takes the first request off the queue */
	bool listens; /* which must be one to listen */
	enum vici_event_kind event;
} readings[] = {
	[PACKET_ANSWER] = {true, false, true, true, false, VICI_ANSWERED},
	[PACKET_UNKNOWN_COMMAND] = {true, false, false, true, false, VICI_REFUSED},
	[PACKET_REGISTERED] = {true, false, false, true, true, VICI_ANSWERED},
	[PACKET_UNKNOWN_EVENT] = {true, false, false, true, true, VICI_REFUSED},
	[PACKET_EVENT] = {true, true, true, false, false, VICI_HAPPENED},
};

static enum err read_packet(
	struct vici_session *s, struct view packet, struct vici_event *ret, struct error *error)
{
	struct cursor c = cursor_over(packet);
	uint8_t kind = cursor_u8(&c);
	const struct reading *r;

	if (c.error)
		return error_set(error, E_TRUNCATED, "an empty packet from charon");
	if (kind >= sizeof readings / sizeof *readings || !readings[kind].expected)
		return error_set(error, E_TYPE, "charon never sends packets of type %u", kind);
	r = &readings[kind];
	if (r->named)
		ret->name = cursor_take(&c, cursor_u8(&c));
	if (r->has_message)
		ret->message = cursor_rest(&c);
	if (cursor_done(&c))
		return error_set(error, c.error ? c.error : E_TRAILING,
			"packet of type %u from charon: %s", kind,
			err_text(c.error ? c.error : E_TRAILING));
	if (r->answers && (!s->first || s->first->listens != r->listens))
		return error_set(error, E_UNEXPECTED,
			"packet of type %u from charon, for which nobody has asked", kind);
	if (r->answers && s->sent < s->first->packet.len)
		return error_set(error, E_UNEXPECTED,
			"charon has answered a request of which it has but a part");
	ret->kind = r->event;
	ret->id = r->answers ? s->first->id : 0;
	return vici_check(ret->message, error);
}

static bool take_packet(struct vici_session *s, uint64_t now, struct vici_event *ret)
{
	struct cursor c;
	struct view packet;
	uint32_t len;
	struct error e;

	buffer_consume(&s->input, s->taken);
	s->taken = 0;
	c = cursor_over(buffer_view(&s->input));
	if (cursor_left(&c) < LENGTH_OCTETS)
		return false;
	len = cursor_u32(&c);
	if (len > VICI_PACKET_MAX) {
		error_set(&e, E_LIMIT, "charon announces a packet of %lu octets, over %d",
			(unsigned long)len, VICI_PACKET_MAX);
		fail(s, &e);
		return false;
	}
	packet = cursor_take(&c, len);
	if (c.error)
		return false;
	*ret = (struct vici_event){.kind = VICI_HAPPENED};
	if (read_packet(s, packet, ret, &e)) {
		fail(s, &e);
		return false;
	}
	s->taken = c.at;
	if (ret->kind != VICI_HAPPENED) {
		drop_first(s);
		start_first(s, now);
	}
	return true;
}

bool vici_next_event(struct vici_session *s, uint64_t now, struct vici_event *ret)
{
	if (!s->failed && take_packet(s, now, ret))
		return true;
	if (!s->failed || s->told)
		return false;
	s->told = true;
	*ret = (struct vici_event){.kind = VICI_SESSION_FAILED, .error = s->error};
	return true;
}
