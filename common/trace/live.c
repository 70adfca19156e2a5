/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/trace/live.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct record {
	struct record *next;
	uint64_t number, time_us;
	bool out;
	char peer[TRACE_PEER_MAX + 1];
	size_t length; /* of the message */
	size_t kept, room;
	uint8_t octets[];
};

struct trace_live {
	void (*wanted)(void *context, bool wanted);
	void *context;
	bool is_wanted;
	uint64_t asked; /* when somebody did last */
	uint64_t next;  /* number of the record to come */
	struct record *first, *last;
	size_t kept; /* octets of all of them */
};

struct trace_live *trace_live_new(void (*wanted)(void *context, bool wanted), void *context)
{
	struct trace_live *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->wanted = wanted;
	t->context = context;
	t->next = 1;
	return t;
}

static void drop_first(struct trace_live *t)
{
	struct record *r = t->first;

	t->first = r->next;
	if (!t->first)
		t->last = NULL;
	t->kept -= sizeof *r + r->room;
	free(r);
}

void trace_live_free(struct trace_live *t)
{
	if (!t)
		return;
	while (t->first)
		drop_first(t);
	free(t);
}

bool trace_live_is_wanted(const struct trace_live *t)
{
	return t->is_wanted;
}

static void want(struct trace_live *t, bool wanted)
{
	if (t->is_wanted == wanted)
		return;
	t->is_wanted = wanted;
	while (!wanted && t->first)
		drop_first(t);
	if (t->wanted)
		t->wanted(t->context, wanted);
}

static uint64_t time_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void trace_live_begin(struct trace_live *t, bool out, const char *peer, size_t length, uint64_t now)
{
	size_t room = length < TRACE_MESSAGE_MAX ? length : TRACE_MESSAGE_MAX;
	struct record *r;

	/* Who waits for an answer is asked again behind every message, and counts as asking. */
	if (t->is_wanted && now - t->asked > TRACE_IDLE_MS)
		want(t, false);
	if (!t->is_wanted)
		return;
	r = malloc(sizeof *r + room);
	t->next++;
	if (!r)
		return;
	*r = (struct record){.number = t->next - 1, .time_us = time_us(), .out = out,
			     .length = length, .room = room};
	for (size_t i = 0; peer[i] && i < TRACE_PEER_MAX; i++)
		r->peer[i] = peer[i];
	if (t->last)
		t->last->next = r;
	else
		t->first = r;
	t->last = r;
	t->kept += sizeof *r + room;
	while (t->kept > TRACE_KEPT_MAX)
		drop_first(t);
}

void trace_live_more(struct trace_live *t, struct view octets)
{
	struct record *r = t->last;
	size_t len;

	if (!t->is_wanted || !r)
		return;
	len = octets.len < r->room - r->kept ? octets.len : r->room - r->kept;
	if (len)
		memcpy(r->octets + r->kept, octets.data, len);
	r->kept += len;
}

void trace_live_put(struct trace_live *t, bool out, const char *peer, struct view message,
		    uint64_t now)
{
	trace_live_begin(t, out, peer, message.len, now);
	trace_live_more(t, message);
}

void trace_live_lost(struct trace_live *t, uint32_t count)
{
	t->next += count;
}

/* ---- answering ---- */

static json_t *describe(const struct record *r)
{
	char *hex = malloc(2 * r->kept + 1);
	json_t *value = NULL;

	if (hex) {
		hex_encode(hex, VIEW(r->octets, r->kept));
		value = json_pack("{s:I, s:I, s:b, s:s, s:I, s:s}", "number",
				  (json_int_t)r->number, "time", (json_int_t)r->time_us, "out",
				  r->out, "peer", r->peer, "length", (json_int_t)r->length, "octets",
				  hex);
	}
	free(hex);
	return value;
}

/* As many as fit into a reply; *ret_next is what to ask for then. */
static json_t *describe_from(const struct trace_live *t, uint64_t from, uint64_t *ret_next,
			     uint64_t *ret_lost)
{
	json_t *list = json_array();
	size_t octets = 0;

	*ret_next = from;
	*ret_lost = 0;
	for (const struct record *r = t->first; list && r && octets < TRACE_REPLY_MAX; r = r->next) {
		if (r->number < from)
			continue;
		if (json_array_append_new(list, describe(r))) {
			json_decref(list);
			return NULL;
		}
		/* Gaps are what was dropped, or never given to us. */
		*ret_lost += r->number - *ret_next;
		*ret_next = r->number + 1;
		octets += r->kept;
	}
	return list;
}

enum err trace_live_answer(struct trace_live *t, const json_t *request, uint64_t now,
			   json_t **ret_result, struct error *e)
{
	const json_t *asked = json_object_get(request, "from");
	uint64_t from = t->next, next, lost;
	json_t *records;

	if (asked && (!json_is_integer(asked) || json_integer_value(asked) < 1 ||
		      (uint64_t)json_integer_value(asked) > t->next))
		return error_set(e, E_RANGE, "trace: \"from\" is a number out of the reply before");
	t->asked = now;
	want(t, true);
	if (asked) {
		from = (uint64_t)json_integer_value(asked);
		if (!t->last || t->last->number < from)
			return error_set(e, E_AGAIN, "no message has come");
	}
	records = describe_from(t, from, &next, &lost);
	*ret_result = records ? json_pack("{s:I, s:I, s:o}", "next", (json_int_t)next, "lost",
					  (json_int_t)lost, "messages", records)
			      : NULL;
	if (*ret_result)
		return E_OK;
	return error_set(e, E_MEMORY, "out of memory for a trace");
}
