/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <unistd.h>

#include "common/net/internal.h"

enum { STALL_OCTETS = 16 * 1024 }; /* that a peer must take in stall_ms, if there are as many */

/* ---- what a connection waits for ---- */

static int wanted(const struct net_connection *c)
{
	switch (c->state) {
	case STATE_CONNECTING:
		return c->fd >= 0 ? EV_WRITE : 0;
	case STATE_PLAIN:
	case STATE_SECURE:
		return (connection_may_read(c) ? c->read_wants : 0) |
		       (connection_may_write(c) ? c->write_wants : 0);
	case STATE_STARTING:
	case STATE_FLUSHING:
		return c->write_wants;
	case STATE_HANDSHAKE:
		return c->turn_link ? 0 : c->read_wants;
	case STATE_LINGERING:
		return c->read_wants;
	case STATE_DEAD:
		return 0;
	}
	return 0;
}

static void watch_stall(struct net_connection *c)
{
	size_t pending = connection_pending(c);

	if (!connection_is_running(c) || !pending) {
		c->stall_until = 0;
	} else if (c->stall_until <= 0) {
		c->stall_until = connection_in_ms(c, c->limits.stall_ms);
		c->stall_need = pending < STALL_OCTETS ? pending : STALL_OCTETS;
	}
}

void connection_settle(struct net_connection *c)
{
	struct ev_loop *loop = c->net->loop;
	int mask = wanted(c);
	ev_tstamp until;

	if (ev_is_active(&c->io) ? (c->io.events & (EV_READ | EV_WRITE)) != mask : mask != 0) {
		ev_io_stop(loop, &c->io);
		ev_io_set(&c->io, c->fd, mask);
		if (mask)
			ev_io_start(loop, &c->io);
	}
	watch_stall(c);
	until = c->state == STATE_DEAD ? 0 : c->state_until;
	if (c->stall_until > 0 && (until <= 0 || c->stall_until < until))
		until = c->stall_until;
	if (until == c->timer_at)
		return;
	ev_timer_stop(loop, &c->timer);
	c->timer_at = until;
	if (until > 0) {
		ev_tstamp left = until - ev_now(loop);

		ev_timer_set(&c->timer, left > 0 ? left : 0, 0);
		ev_timer_start(loop, &c->timer);
	}
}

/* ---- events of the loop ---- */

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct net_connection *c = io->data;

	(void)loop;
	switch (c->state) {
	case STATE_CONNECTING:
		connection_connect(c);
		break;
	case STATE_PLAIN:
	case STATE_SECURE:
		if (connection_may_write(c) && (events & c->write_wants))
			connection_write(c);
		if (connection_is_running(c) && (events & c->read_wants))
			connection_read(c);
		break;
	case STATE_STARTING:
		connection_write(c);
		if (c->state == STATE_STARTING && !connection_pending(c))
			connection_begin_handshake(c);
		break;
	case STATE_HANDSHAKE:
		if (c->accepted)
			connection_await_turn(c);
		else
			connection_handshake(c);
		break;
	case STATE_FLUSHING:
		connection_flush(c);
		break;
	case STATE_LINGERING:
		connection_linger(c);
		break;
	case STATE_DEAD:
		break;
	}
	connection_settle(c);
}

void connection_await_turn(struct net_connection *c)
{
	struct net *n = c->net;

	if (c->turn_link)
		return;
	c->turn_next = NULL;
	c->turn_link = n->last_turn;
	*n->last_turn = c;
	n->last_turn = &c->turn_next;
	ev_check_start(n->loop, &n->turn);
	ev_idle_start(n->loop, &n->awake);
}

void connection_forget_turn(struct net_connection *c)
{
	struct net *n = c->net;

	if (!c->turn_link)
		return;
	*c->turn_link = c->turn_next;
	if (c->turn_next)
		c->turn_next->turn_link = c->turn_link;
	else
		n->last_turn = c->turn_link;
	c->turn_link = NULL;
	if (n->turns)
		return;
	ev_check_stop(n->loop, &n->turn);
	ev_idle_stop(n->loop, &n->awake);
}

void connection_take_turn(struct net_connection *c)
{
	connection_forget_turn(c);
	if (c->state == STATE_HANDSHAKE)
		connection_handshake(c);
	else
		connection_show_again(c);
	connection_settle(c);
}

static void out_of_time(struct net_connection *c)
{
	struct error e;

	switch (c->state) {
	case STATE_CONNECTING:
		connection_connect_late(c);
		return;
	case STATE_PLAIN:
		c->net->counters.late++;
		error_set(&e, E_TIMEOUT, "TLS was not begun in time");
		break;
	case STATE_STARTING:
	case STATE_HANDSHAKE:
		c->net->counters.late++;
		error_set(&e, E_TIMEOUT, "the TLS handshake was not finished in time");
		break;
	default:
		connection_die(c);
		return;
	}
	connection_end(c, &e);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct net_connection *c = timer->data;
	ev_tstamp now = ev_now(loop);
	struct error e;

	(void)events;
	/* The loop may fire a grain early; what was armed is due. */
	if (c->timer_at > now)
		now = c->timer_at;
	c->timer_at = 0;
	if (c->state_until > 0 && c->state_until <= now) {
		out_of_time(c);
	} else if (c->stall_until > 0 && c->stall_until <= now) {
		c->stall_until = 0;
		if (c->stall_need) {
			c->net->counters.stalled++;
			error_set(&e, E_TIMEOUT, "the peer does not take what is sent to it: %zu "
				  "octets wait", connection_pending(c));
			connection_end(c, &e);
		}
	}
	connection_settle(c);
}

/* ---- making ---- */

void connection_unlink(struct net_connection *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
}

void connection_link(struct net_connection *c, struct net_connection **list)
{
	c->next = *list;
	c->link = list;
	if (c->next)
		c->next->link = &c->next;
	*list = c;
}

struct net_connection *connection_new(struct net *n, const struct net_limits *limits)
{
	struct net_connection *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->net = n;
	c->limits = *limits;
	c->fd = -1;
	ev_init(&c->io, on_io);
	c->io.data = c;
	ev_init(&c->timer, on_timer);
	c->timer.data = c;
	/* Beyond the limit by what one read can bring: only then is it known. */
	buffer_init(&c->in, limits->input + sizeof n->scratch);
	buffer_init(&c->out, SIZE_MAX);
	connection_link(c, &n->connections);
	return c;
}

struct net_connection *connection_accept(struct net_listener *l, int fd,
					 const struct endpoint *peer)
{
	struct net_connection *c = connection_new(l->net, &l->limits);

	if (!c) {
		close(fd);
		return NULL;
	}
	c->fd = fd;
	c->peer = *peer;
	c->accepted = true;
	connection_up(c);
	connection_settle(c);
	return c;
}

const struct endpoint *net_connection_peer(const struct net_connection *c)
{
	return &c->peer;
}

void net_connection_set_owner(struct net_connection *c, const struct net_events *events,
			      void *owner)
{
	if (c->state >= STATE_FLUSHING)
		return;
	c->events = events;
	c->owner = owner;
}
