/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One end of the socket between two processes of pepd, in a libev loop.
 *
 * The channel owns its descriptor, a queue with a limit for what the socket does not take yet, and
 * its watchers. It decodes every record by the table of message.h for the role that it is and the
 * role that it talks to. After `closed` was called the channel is dead: it calls nothing any more
 * and only waits for channel_free(). Both callbacks may free the channel.
 */
#ifndef COPSEC_PEP_IPC_CHANNEL_H
#define COPSEC_PEP_IPC_CHANNEL_H

#include <ev.h>

#include "pep/ipc/message.h"

struct channel;

struct channel_events {
	/* `fd` is -1, or a descriptor that now is the callee's, for the types that have one. */
	void (*message)(void *context, struct channel *c, const struct message *m, int fd);
	/* E_CLOSED: the other end has gone. Anything else: it sent what it may not, or we failed. */
	void (*closed)(void *context, struct channel *c, const struct error *e);
	/* All that was queued is sent. May be NULL. */
	void (*drained)(void *context, struct channel *c);
};

/* A connected pair of SOCK_SEQPACKET sockets, close-on-exec. */
enum err channel_pair(int ret[2], struct error *e) MUST_USE;

/* Takes `fd` on success. `events` lives as long as the channel. */
enum err channel_new(struct ev_loop *loop, int fd, enum ipc_role self, enum ipc_role peer,
                     size_t queue_limit, const struct channel_events *events, void *context,
                     struct channel **ret, struct error *e) MUST_USE;
struct channel *channel_free(struct channel *c);

/*
 * Sends or queues; E_LIMIT if the queue would pass its limit, E_CLOSED if the channel is dead. A
 * descriptor (-1 for none) is duplicated, the caller keeps its own.
 */
enum err channel_send(struct channel *c, const struct message *m, int fd,
                      struct error *e) MUST_USE;
size_t channel_queued(const struct channel *c);
/* Stops and resumes reading, for back-pressure. */
void channel_pause(struct channel *c, bool pause);

#endif
