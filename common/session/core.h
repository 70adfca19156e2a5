/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The half of a session that does not depend on its end: messages out of octets, octets waiting to
 * be sent, counting. Internal to common/session.
 *
 * All memory that a message, an event or a queue needs is given back as soon as it is empty; an
 * idle session holds its structs and nothing else.
 */
#ifndef COPSEC_COMMON_SESSION_CORE_H
#define COPSEC_COMMON_SESSION_CORE_H

#include "common/session/session.h"

/* Items of one size, in one block, in order; `size` is that of an item. */
struct list {
	void *items;
	uint32_t count, room;
};
/* A zeroed item at the end, NULL when memory is out. */
void *list_add(struct list *l, size_t size);
void list_remove(struct list *l, size_t size, uint32_t index);
void list_fini(struct list *l);

struct core_chunk;

struct core {
	const struct session_limits *limits;
	struct buffer in; /* the beginning of a message, or all of it while it is looked at */
	uint32_t skip;    /* octets of an oversized message that are still to be passed over */
	bool taken;       /* `in` holds a message that was given out */
	bool progress;    /* octets went out while many were waiting */
	uint16_t noted;   /* oddities that were reported: bit n is enum value n */
	struct core_chunk *first, *last;
	size_t offset;  /* into the first chunk */
	size_t waiting; /* octets to be sent */
	size_t answers; /* of them ours by ourselves, since the queue was last empty */
	struct arena arena;
	struct cops_message message;
	struct session_counters counters;
};

void core_init(struct core *c, const struct session_limits *limits);
void core_fini(struct core *c);

/*
 * Takes octets up to the end of the next message; *ret_used of them are done with. E_OK: a whole
 * message; E_AGAIN: none yet; E_LIMIT: a message above the limit, of which only the beginning is
 * returned and the rest will be passed over; else the stream is lost. The message lives until
 * core_release().
 */
enum err core_take(struct core *c, struct view octets, size_t *ret_used, struct view *ret_message);
void core_release(struct core *c);
bool core_in_message(const struct core *c);

/* The octets of a message are built in a buffer of core_buffer() and handed over by core_queue(),
 * which consumes the buffer also when it fails. `answer`: nobody asked the user; such octets have
 * a limit of their own, for a peer makes them grow. */
struct buffer core_buffer(const struct core *c);
enum err core_queue(struct core *c, struct buffer *b, bool answer) MUST_USE;
struct view core_output(const struct core *c);
void core_sent(struct core *c, size_t octets);
bool core_congested(const struct core *c);

/* Counts; true if it is the first of its kind. */
bool core_odd(struct core *c, enum session_oddity odd);

/* Whole messages that both ends send, or build alike; they are queued as answers. */
enum err core_send_close(
	struct core *c, uint16_t client_type, uint16_t code, uint16_t sub_code) MUST_USE;
enum err core_send_keep_alive(struct core *c) MUST_USE;

#endif
