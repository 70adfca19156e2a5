/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The messages of a running daemon, kept for whoever asks for them on the control socket.
 *
 * Nothing is kept until somebody asks, and nothing any more once nobody has asked for
 * TRACE_IDLE_MS. What is kept has a limit: the oldest messages make way, and the one who asks learns
 * how many he missed. A message is cut at TRACE_MESSAGE_MAX octets. Nobody is ever waited for.
 *
 * The command's request is {"command": "trace"} at first and {"command": "trace", "from": N} then,
 * with the N of the reply before; that waits (E_AGAIN) until there is something.
 */
#ifndef COPSEC_COMMON_TRACE_LIVE_H
#define COPSEC_COMMON_TRACE_LIVE_H

#include <jansson.h>

#include "common/base/bytes.h"

enum {
	TRACE_KEPT_MAX = 4 * 1024 * 1024, /* octets of all messages that are kept */
	TRACE_MESSAGE_MAX = 256 * 1024,   /* octets that are kept of one */
	TRACE_REPLY_MAX = 1024 * 1024,    /* octets of messages in one reply */
	TRACE_PEER_MAX = 128,             /* octets of a peer's name */
	TRACE_IDLE_MS = 15000,
};

struct trace_live;

/* `wanted` is told when somebody begins to ask, and when nobody does any more. May be NULL. */
struct trace_live *trace_live_new(void (*wanted)(void *context, bool wanted), void *context);
void trace_live_free(struct trace_live *t);

/* Ask it first: it costs nothing while nobody asks. */
bool trace_live_is_wanted(const struct trace_live *t);
/* A message to (`out`) or from a peer; its time is the system's. Then control_server_retry(). */
void trace_live_put(struct trace_live *t, bool out, const char *peer, struct view message,
		    uint64_t now);
/* The same in pieces: first how long it is, then its octets. */
void trace_live_begin(struct trace_live *t, bool out, const char *peer, size_t length,
		      uint64_t now);
void trace_live_more(struct trace_live *t, struct view octets);
/* Messages that were not given to it at all. */
void trace_live_lost(struct trace_live *t, uint32_t count);

/* The answer to a request; time in milliseconds, monotonic. */
enum err trace_live_answer(struct trace_live *t, const json_t *request, uint64_t now,
			   json_t **ret_result, struct error *e) MUST_USE;

#endif
