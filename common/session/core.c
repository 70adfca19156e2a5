/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/core.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* The beginning of an oversized message that is kept: enough for header and handle. */
	HEAD = COPS_HEADER + COPS_OBJECT_HEADER + COPS_HANDLE_MAX,
	ANSWERS_MAX = 64 * 1024,
};

struct session_limits session_limits_default(void)
{
	return (struct session_limits){.message = COPS_MESSAGE_LIMIT,
		.states = SESSION_STATES_MAX,
		.output = SESSION_OUTPUT_LIMIT};
}

const char *session_oddity_text(enum session_oddity odd)
{
	static const char *const texts[SESSION_ODDITIES] = {
		[SESSION_ODD_NOT_SOLICITED] = "an answer without the Solicited flag",
		[SESSION_ODD_SOLICITED] = "the Solicited flag where nothing was solicited",
		[SESSION_ODD_KEEP_ALIVE] = "a keep-alive that nobody asked for",
		[SESSION_ODD_UNKNOWN_HANDLE] = "a message for an unknown handle",
		[SESSION_ODD_UNKNOWN_CLIENT] = "a message for a client-type that is not open",
		[SESSION_ODD_CLIENT_TYPE] = "a keep-alive with a client-type",
		[SESSION_ODD_UNEXPECTED] = "an answer to nothing",
	};

	return (unsigned)odd < SESSION_ODDITIES ? texts[odd] : "unknown oddity";
}

void *list_add(struct list *l, size_t size)
{
	uint8_t *item;

	if (l->count == l->room) {
		uint32_t room = l->room ? l->room * 2 : 1;
		void *items = reallocarray(l->items, room, size);

		if (!items)
			return NULL;
		l->items = items;
		l->room = room;
	}
	item = (uint8_t *)l->items + l->count++ * size;
	return memset(item, 0, size);
}

void list_remove(struct list *l, size_t size, uint32_t index)
{
	uint8_t *item = (uint8_t *)l->items + index * size;

	l->count--;
	memmove(item, item + size, (l->count - index) * size);
	if (l->count == 0)
		list_fini(l);
}

void list_fini(struct list *l)
{
	free(l->items);
	*l = (struct list){0};
}

/* One message that waits to be sent. */
struct core_chunk {
	struct core_chunk *next;
	struct buffer octets;
};

void core_init(struct core *c, const struct session_limits *limits)
{
	*c = (struct core){.limits = limits};
	buffer_init(&c->in, SIZE_MAX);
	arena_init(&c->arena, COPS_ARENA_LIMIT);
}

static void free_first(struct core *c)
{
	struct core_chunk *chunk = c->first;

	c->first = chunk->next;
	if (!c->first)
		c->last = NULL;
	c->offset = 0;
	buffer_fini(&chunk->octets);
	free(chunk);
}

void core_fini(struct core *c)
{
	while (c->first)
		free_first(c);
	buffer_fini(&c->in);
	arena_fini(&c->arena);
}

void core_release(struct core *c)
{
	arena_reset(&c->arena);
	c->message = (struct cops_message){0};
	if (c->taken) {
		buffer_fini(&c->in);
		c->taken = false;
	}
}

bool core_in_message(const struct core *c)
{
	return c->skip || (c->in.len && !c->taken);
}

/* How many octets must be there before the next look at them is worth while. */
static enum err wanted(const struct core *c, struct view octets, size_t *ret_wanted)
{
	size_t len;
	enum err code = cops_frame(octets, c->limits->message, &len);

	if (code == E_LIMIT)
		*ret_wanted = len < HEAD ? len : HEAD;
	else
		*ret_wanted = len ? len : COPS_HEADER;
	return code;
}

static void give_out(
	struct core *c, enum err code, struct view octets, size_t want, struct view *ret_message)
{
	size_t len;

	if (code == E_LIMIT) {
		/* Only E_LIMIT comes back, with the length. */
		code = cops_frame(octets, c->limits->message, &len);
		c->skip = (uint32_t)(len - want);
	}
	c->counters.messages_in++;
	*ret_message = VIEW(octets.data, want);
}

static enum err take(struct core *c, struct view *rest, struct view *ret_message)
{
	size_t want, part;
	enum err code;

	if (c->skip) {
		part = rest->len < c->skip ? rest->len : c->skip;
		c->skip -= (uint32_t)part;
		*rest = VIEW(rest->data + part, rest->len - part);
	}
	if (!rest->len)
		return E_AGAIN;

	if (!c->in.len) {
		code = wanted(c, *rest, &want);
		if (code && code != E_AGAIN && code != E_LIMIT)
			return code;
		if (code != E_AGAIN && rest->len >= want) {
			give_out(c, code, *rest, want, ret_message);
			*rest = VIEW(rest->data + want, rest->len - want);
			return code;
		}
	}
	/* Cut somewhere: gather, first the header, then what the header announces. */
	do {
		code = wanted(c, buffer_view(&c->in), &want);
		if (code && code != E_AGAIN && code != E_LIMIT)
			return code;
		if (code != E_AGAIN && c->in.len >= want) {
			give_out(c, code, buffer_view(&c->in), want, ret_message);
			c->taken = true;
			return code;
		}
		part = want - c->in.len < rest->len ? want - c->in.len : rest->len;
		buffer_put(&c->in, rest->data, part);
		if (c->in.error)
			return c->in.error;
		*rest = VIEW(rest->data + part, rest->len - part);
	} while (part);
	return E_AGAIN;
}

enum err core_take(struct core *c, struct view octets, size_t *ret_used, struct view *ret_message)
{
	struct view rest = octets;
	enum err code = take(c, &rest, ret_message);

	*ret_used = octets.len - rest.len;
	c->counters.octets_in += *ret_used;
	return code;
}

struct buffer core_buffer(const struct core *c)
{
	struct buffer b;

	/* The peer's limit is not known; what we would not read we do not write. */
	buffer_init(&b, c->limits->message);
	return b;
}

enum err core_queue(struct core *c, struct buffer *b, bool answer)
{
	enum err code = b->error;
	struct core_chunk *chunk = NULL;

	if (!code && answer && c->answers + b->len > ANSWERS_MAX)
		code = E_LIMIT;
	if (!code) {
		chunk = malloc(sizeof *chunk);
		if (!chunk)
			code = E_MEMORY;
	}
	if (code) {
		buffer_fini(b);
		return code;
	}
	*chunk = (struct core_chunk){.octets = *b};
	*b = (struct buffer){0};
	if (c->last)
		c->last->next = chunk;
	else
		c->first = chunk;
	c->last = chunk;
	c->waiting += chunk->octets.len;
	if (answer)
		c->answers += chunk->octets.len;
	c->counters.messages_out++;
	return E_OK;
}

struct view core_output(const struct core *c)
{
	if (!c->first)
		return VIEW_NONE;
	return VIEW(c->first->octets.data + c->offset, c->first->octets.len - c->offset);
}

void core_sent(struct core *c, size_t octets)
{
	/* What a socket takes while little waits says nothing: the kernel holds it. */
	if (core_congested(c) && octets)
		c->progress = true;
	while (octets && c->first) {
		size_t left = c->first->octets.len - c->offset;
		size_t part = octets < left ? octets : left;

		octets -= part;
		c->offset += part;
		c->waiting -= part;
		c->counters.octets_out += part;
		if (part == left)
			free_first(c);
	}
	if (!c->first)
		c->answers = 0;
}

bool core_congested(const struct core *c)
{
	return c->waiting >= c->limits->output;
}

bool core_odd(struct core *c, enum session_oddity odd)
{
	uint16_t bit = (uint16_t)(1u << odd);
	bool first = !(c->noted & bit);

	c->noted |= bit;
	c->counters.odd[odd]++;
	return first;
}

enum err core_send_close(struct core *c, uint16_t client_type, uint16_t code, uint16_t sub_code)
{
	struct buffer b = core_buffer(c);
	size_t begun = cops_begin(&b, COPS_CC, 0, client_type);

	cops_put_error(&b, code, sub_code);
	cops_end(&b, begun);
	return core_queue(c, &b, true);
}

enum err core_send_keep_alive(struct core *c)
{
	struct buffer b = core_buffer(c);

	cops_end(&b, cops_begin(&b, COPS_KA, 0, COPS_CLIENT_CONNECTION));
	return core_queue(c, &b, true);
}
