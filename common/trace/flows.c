/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/trace/flows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cops/message.h"

/* A segment that came before its time. */
struct held {
	struct held *next;
	uint32_t sequence;
	size_t len;
	uint8_t octets[];
};

/* One direction. */
struct half {
	struct endpoint from, to;
	bool begun;     /* `due` is known */
	bool searching; /* for a segment that begins with a message */
	bool is_tls;
	uint32_t first, due; /* sequence numbers */
	struct held *held; /* by sequence number */
	unsigned held_count;
	size_t held_octets;
	struct buffer in; /* a message that is not whole yet */
};

struct flow {
	struct flow *next;
	struct half halves[2];
};

struct flows {
	const struct flows_events *events;
	void *owner;
	struct flow *first; /* the one used last */
	unsigned count;
	uint64_t now;
};

static void remark(struct flows *f, const struct half *h, const char *text)
{
	f->events->remark(f->owner, f->now, &h->from, &h->to, text);
}

/* ---- messages ---- */

/* The type of a TLS record and its version. No COPS message begins so: four flags have no meaning. */
static bool looks_like_tls(struct view v)
{
	return v.len >= 3 && v.data[0] >= 0x14 && v.data[0] <= 0x17 && v.data[1] == 3 &&
	       v.data[2] <= 4;
}

static bool looks_like_message(struct view v)
{
	size_t len;
	enum err err = cops_frame(v, COPS_MESSAGE_LIMIT, &len);

	return !looks_like_tls(v) && v.len >= COPS_HEADER && (!err || err == E_AGAIN);
}

static void begin_tls(struct flows *f, struct half *h)
{
	h->is_tls = true;
	buffer_reset(&h->in);
	remark(f, h, "TLS from here on: nothing more of this direction can be read");
}

static void lose(struct flows *f, struct half *h, const char *why)
{
	buffer_reset(&h->in);
	h->searching = true;
	remark(f, h, why);
}

static void read_messages(struct flows *f, struct half *h)
{
	size_t used = 0;

	for (;;) {
		struct view rest = VIEW(h->in.data + used, h->in.len - used);
		size_t len;
		enum err err;

		if (looks_like_tls(rest)) {
			begin_tls(f, h);
			return;
		}
		err = cops_frame(rest, COPS_MESSAGE_LIMIT, &len);
		if (err == E_AGAIN)
			break;
		if (err) {
			lose(f, h, "what follows is no COPS message");
			return;
		}
		if (rest.len < len)
			break;
		f->events->message(f->owner, f->now, &h->from, &h->to, VIEW(rest.data, len));
		used += len;
	}
	buffer_consume(&h->in, used);
	if (!h->in.len)
		buffer_fini(&h->in);
}

static void deliver(struct flows *f, struct half *h, struct view octets)
{
	if (h->is_tls || !octets.len)
		return;
	if (h->searching) {
		if (looks_like_tls(octets))
			begin_tls(f, h);
		if (!looks_like_message(octets))
			return;
		h->searching = false;
	}
	buffer_put_view(&h->in, octets);
	if (h->in.error) {
		buffer_fini(&h->in);
		lose(f, h, "no memory for a message that is not whole");
		return;
	}
	read_messages(f, h);
}

/* ---- order ---- */

static int32_t behind(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* What of a segment is new, as far as it is due. */
static void advance(struct flows *f, struct half *h, uint32_t sequence, struct view octets)
{
	uint32_t known = h->due - sequence;

	if (known >= octets.len)
		return;
	h->due = sequence + (uint32_t)octets.len;
	deliver(f, h, VIEW(octets.data + known, octets.len - known));
}

static void take_held(struct flows *f, struct half *h)
{
	while (h->held && behind(h->held->sequence, h->due) <= 0) {
		struct held *first = h->held;

		h->held = first->next;
		h->held_count--;
		h->held_octets -= first->len;
		advance(f, h, first->sequence, VIEW(first->octets, first->len));
		free(first);
	}
}

static void give_up_gap(struct flows *f, struct half *h)
{
	char text[80];

	if (!h->held)
		return;
	snprintf(text, sizeof text, "%u octets are missing in the capture",
		 h->held->sequence - h->due);
	if (!h->is_tls)
		lose(f, h, text);
	h->due = h->held->sequence;
	take_held(f, h);
}

static void hold(struct flows *f, struct half *h, uint32_t sequence, struct view octets)
{
	struct held **at = &h->held, *new;

	while (h->held && (h->held_count >= FLOWS_HELD_MAX ||
			   h->held_octets + octets.len > FLOWS_HELD_OCTETS_MAX))
		give_up_gap(f, h);
	if (behind(sequence, h->due) <= 0) {
		advance(f, h, sequence, octets);
		return;
	}
	new = malloc(sizeof *new + octets.len);
	if (!new)
		return;
	while (*at && behind((*at)->sequence, sequence) <= 0)
		at = &(*at)->next;
	*new = (struct held){.next = *at, .sequence = sequence, .len = octets.len};
	memcpy(new->octets, octets.data, octets.len);
	*at = new;
	h->held_count++;
	h->held_octets += octets.len;
}

/* What was sent is sent; only what comes twice may still come. */
static void half_end(struct flows *f, struct half *h)
{
	while (h->held)
		give_up_gap(f, h);
	if (h->in.len)
		lose(f, h, "the connection ends inside a message");
	buffer_fini(&h->in);
}

/* ---- connections ---- */

static void half_init(struct half *h, const struct endpoint *from, const struct endpoint *to)
{
	*h = (struct half){.from = *from, .to = *to};
	buffer_init(&h->in, COPS_MESSAGE_LIMIT + 65536);
}

static void flow_free(struct flows *f, struct flow *flow)
{
	for (int i = 0; i < 2; i++)
		half_end(f, &flow->halves[i]);
	free(flow);
	f->count--;
}

static void drop_oldest(struct flows *f)
{
	struct flow **at = &f->first;

	while ((*at)->next)
		at = &(*at)->next;
	flow_free(f, *at);
	*at = NULL;
}

static struct half *find_half(struct flows *f, const struct segment *s)
{
	for (struct flow **at = &f->first; *at; at = &(*at)->next) {
		struct flow *flow = *at;

		for (int i = 0; i < 2; i++) {
			struct half *h = &flow->halves[i];

			if (!endpoint_equal(&h->from, &s->from) || !endpoint_equal(&h->to, &s->to))
				continue;
			*at = flow->next;
			flow->next = f->first;
			f->first = flow;
			return h;
		}
	}
	return NULL;
}

static struct half *add_half(struct flows *f, const struct segment *s)
{
	struct flow *flow;

	if (f->count >= FLOWS_MAX)
		drop_oldest(f);
	flow = calloc(1, sizeof *flow);
	if (!flow)
		return NULL;
	half_init(&flow->halves[0], &s->from, &s->to);
	half_init(&flow->halves[1], &s->to, &s->from);
	flow->next = f->first;
	f->first = flow;
	f->count++;
	return &flow->halves[0];
}

void flows_add(struct flows *f, uint64_t time_us, const struct segment *s)
{
	struct half *h = find_half(f, s);
	uint32_t sequence = s->sequence + s->syn;

	f->now = time_us;
	if (!h)
		h = add_half(f, s);
	if (!h)
		return;
	if (s->syn && h->begun && !s->payload.len && h->first != sequence) {
		/* The ports are used again. */
		half_end(f, h);
		h->begun = h->is_tls = false;
	}
	if (!h->begun && (s->syn || s->payload.len)) {
		h->begun = true;
		h->searching = !s->syn;
		h->first = h->due = sequence;
	}
	if (!h->begun)
		return;
	if (s->payload.len && behind(sequence, h->due) > 0)
		hold(f, h, sequence, s->payload);
	else if (s->payload.len)
		advance(f, h, sequence, s->payload);
	take_held(f, h);
	if (s->rst || (s->fin && !h->held))
		half_end(f, h);
}

void flows_end(struct flows *f)
{
	while (f->first) {
		struct flow *flow = f->first;

		f->first = flow->next;
		flow_free(f, flow);
	}
}

struct flows *flows_new(const struct flows_events *events, void *owner)
{
	struct flows *f = calloc(1, sizeof *f);

	if (f) {
		f->events = events;
		f->owner = owner;
	}
	return f;
}

void flows_free(struct flows *f)
{
	if (!f)
		return;
	flows_end(f);
	free(f);
}
