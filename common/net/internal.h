/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of connections, shared by the files of this folder and by nobody else.
 *
 *	net.c         what connections share, and the end of those that have died
 *	listener.c    accepting, and its limits
 *	connect.c     until TCP is up
 *	secure.c      the TLS handshake, and who the peer is
 *	read.c        from the socket to the owner
 *	write.c       from the owner to the socket
 *	close.c       every way to end
 *	connection.c  what a connection waits for, and the events of the loop
 *	tls.c         OpenSSL, which nobody else sees
 *
 * Steps are made by the loop. Whoever changes a connection from outside of on_io() and on_timer()
 * ends with connection_settle(), as these two do.
 */
#ifndef COPSEC_COMMON_NET_INTERNAL_H
#define COPSEC_COMMON_NET_INTERNAL_H

#include <ev.h>

#include "common/net/net.h"
#include "common/net/tls.h"

enum { LISTENER_BUCKETS = 1024 };

struct net {
	struct ev_loop *loop;
	struct tls_context *tls; /* NULL without a key */
	ev_prepare reaper;       /* before each poll: what has died is released */
	/* While somebody waits for his turn: the one behind all events of a round, the other so that
	 * no round waits for one. */
	ev_check turn;
	ev_idle awake;
	struct net_connection *turns, **last_turn;
	struct net_connection *connections;
	struct net_connection *dead;
	struct net_listener *listeners;
	struct net_listener *dead_listeners;
	struct net_counters counters;
	uint8_t scratch[TLS_RECORD_MAX]; /* all connections read through it */
};

struct net_listener {
	struct net *net;
	struct net_listener *next;
	struct net_listener_limits listener_limits;
	struct net_limits limits;
	const struct net_listener_events *events;
	void *owner;
	struct endpoint at;
	int fd; /* -1: dead */
	ev_io io;
	ev_timer pause; /* while the process has no descriptor left */
	unsigned connections;
	unsigned unsecured;
	/* The connections by address, for the limit on one of them. */
	struct net_connection *buckets[LISTENER_BUCKETS];
};

enum connection_state {
	STATE_CONNECTING, /* TCP is not up; no descriptor: the next endpoint is tried by the timer */
	STATE_PLAIN,
	STATE_STARTING,  /* the last plain octets go out, nothing is read */
	STATE_HANDSHAKE,
	STATE_SECURE,
	STATE_FLUSHING,  /* the owner is gone, its octets are not */
	STATE_LINGERING, /* all is said; waits for the peer's end, so that no reset eats our words */
	STATE_DEAD,      /* released before the next poll */
};

struct net_connection {
	struct net *net;
	struct net_connection *next, **link; /* in net.connections or net.dead */
	enum connection_state state;
	const struct net_events *events; /* NULL: nobody is told any more */
	void *owner;
	struct net_limits limits;
	struct endpoint peer;

	int fd;
	ev_io io;
	ev_timer timer;
	/* What the timer is for; 0: not running. Times of the loop. */
	ev_tstamp state_until; /* connecting, becoming secure, ending */
	ev_tstamp stall_until; /* the peer must have taken stall_need octets by then */
	ev_tstamp timer_at;
	size_t stall_need;

	struct tls *tls;
	enum net_role role;
	int read_wants, write_wants; /* the event that lets reading or writing go on */
	struct pin pin;
	struct session_binding binding;

	struct buffer in;  /* what the owner has not used yet */
	struct buffer out; /* from out_sent on */
	size_t out_sent;
	bool short_write; /* the owner waits for `drained` */
	bool was_secure;
	bool held; /* the owner does not want to read */
	/* In net.turns, if turn_link is not NULL; nothing is read meanwhile. */
	struct net_connection *turn_next, **turn_link;

	struct endpoint *endpoints; /* those to try, while connecting */
	size_t endpoint_count, endpoint_next;
	struct error connect_error; /* of the last one tried */

	struct net_listener *listener; /* that it came from, if that lives */
	struct net_connection *bucket_next;
	bool accepted;
	bool unsecured; /* counted as such by the listener */
};

/* Read from one connection, or written to it, before the others have their turn. */
enum { TURN_OCTETS = 64 * 1024 };

static inline bool connection_is_running(const struct net_connection *c)
{
	return c->state == STATE_PLAIN || c->state == STATE_SECURE;
}

/* Octets that wait to be sent. */
static inline size_t connection_pending(const struct net_connection *c)
{
	return c->out.len - c->out_sent;
}

/* Something waits to be sent, or the owner for room. */
static inline bool connection_may_write(const struct net_connection *c)
{
	return connection_pending(c) || c->short_write;
}

static inline bool connection_may_read(const struct net_connection *c)
{
	return !c->held && !c->turn_link && (!c->accepted || connection_pending(c) < c->limits.output);
}

static inline ev_tstamp connection_in_ms(const struct net_connection *c, uint64_t ms)
{
	return ev_now(c->net->loop) + (ev_tstamp)ms / 1000;
}

/* ---- connection.c ---- */

struct net_connection *connection_new(struct net *n, const struct net_limits *limits);
/* Over an accepted descriptor, which it takes; NULL when out of memory. */
struct net_connection *connection_accept(struct net_listener *l, int fd,
					 const struct endpoint *peer);
/* After every step: the watchers follow from the state and the queue, and from nothing else. */
void connection_settle(struct net_connection *c);
void connection_link(struct net_connection *c, struct net_connection **list);
void connection_unlink(struct net_connection *c);
/*
 * For work that a peer can make plenty of: handshakes, and the words of those who say much. It waits
 * in a queue, of which one has its turn each time round the loop, behind all that the others want.
 */
void connection_await_turn(struct net_connection *c);
void connection_forget_turn(struct net_connection *c);
void connection_take_turn(struct net_connection *c);

/* ---- connect.c ---- */

/* Each of these is one step of the state that has its name, when its event has come. */
void connection_connect(struct net_connection *c);
/* The endpoint that is tried does not answer. */
void connection_connect_late(struct net_connection *c);
void connection_up(struct net_connection *c);

/* ---- secure.c ---- */

void connection_begin_handshake(struct net_connection *c);
void connection_handshake(struct net_connection *c);

/* ---- read.c, write.c ---- */

void connection_read(struct net_connection *c);
/* Shows again what the owner has not used. */
void connection_show_again(struct net_connection *c);
void connection_write(struct net_connection *c);

/* ---- close.c ---- */

/*
 * Nothing is released yet: this may be inside a callback, and that inside OpenSSL. The reaper does
 * it before the loop polls again.
 */
void connection_die(struct net_connection *c);
void connection_release(struct net_connection *c);
/* The owner is told, from the loop only. */
void connection_end(struct net_connection *c, const struct error *why);
void connection_flush(struct net_connection *c);
void connection_linger(struct net_connection *c);

/* ---- listener.c ---- */

/* By the connection, when it becomes secure or ends before, and when it dies. */
void listener_secured(struct net_connection *c);
void listener_forget(struct net_connection *c);

#endif
