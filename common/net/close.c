/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/internal.h"

void connection_die(struct net_connection *c)
{
	if (c->state == STATE_DEAD)
		return;
	c->state = STATE_DEAD;
	c->events = NULL;
	listener_forget(c);
	connection_forget_turn(c);
	connection_unlink(c);
	connection_link(c, &c->net->dead);
	connection_settle(c);
}

void connection_release(struct net_connection *c)
{
	connection_unlink(c);
	tls_free(c->tls);
	if (c->fd >= 0)
		close(c->fd);
	buffer_fini(&c->in);
	buffer_fini(&c->out);
	free(c->endpoints);
	free(c);
}

/* All is said. A close with octets unread would reset, and the peer lose what it had not read. */
static void linger(struct net_connection *c)
{
	if (shutdown(c->fd, SHUT_WR) < 0) {
		connection_die(c);
		return;
	}
	c->state = STATE_LINGERING;
	c->read_wants = EV_READ;
	buffer_fini(&c->in);
	buffer_fini(&c->out);
	c->out_sent = 0;
	if (c->state_until <= 0 || connection_in_ms(c, c->limits.linger_ms) < c->state_until)
		c->state_until = connection_in_ms(c, c->limits.linger_ms);
}

void connection_end(struct net_connection *c, const struct error *why)
{
	const struct net_events *events = c->events;
	enum err_category category = err_category(why->code);
	/* With the peer gone, or unwilling to read, there is nobody to say anything to. */
	bool gone = category == ERR_CAT_CLOSED || category == ERR_CAT_SYSTEM ||
		    why->code == E_TRUNCATED || c->fd < 0;

	c->events = NULL;
	listener_secured(c);
	if (gone)
		connection_die(c);
	else
		linger(c);
	connection_settle(c);
	if (events)
		events->closed(c->owner, c, why);
}

/* ---- the owner is gone ---- */

void connection_flush(struct net_connection *c)
{
	struct error e;

	connection_write(c);
	if (c->state != STATE_FLUSHING || connection_pending(c))
		return;
	if (c->tls) {
		switch (tls_shutdown(c->tls, &e)) {
		case TLS_WANT_READ:
			c->write_wants = EV_READ;
			return;
		case TLS_WANT_WRITE:
			c->write_wants = EV_WRITE;
			return;
		case TLS_FAILED:
			connection_die(c);
			return;
		case TLS_DONE:
		case TLS_CLOSED:
			break;
		}
	}
	linger(c);
}

/* What the peer still says is dropped; its end is the end. */
void connection_linger(struct net_connection *c)
{
	for (size_t turn = 0; turn < TURN_OCTETS;) {
		ssize_t n = recv(c->fd, c->net->scratch, sizeof c->net->scratch, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			connection_die(c);
			return;
		}
		turn += (size_t)n;
	}
}

void net_connection_close(struct net_connection *c)
{
	switch (c->state) {
	case STATE_PLAIN:
	case STATE_SECURE:
		c->events = NULL;
		listener_secured(c);
		c->state = STATE_FLUSHING;
		c->write_wants = EV_WRITE;
		c->state_until = connection_in_ms(c, c->limits.linger_ms);
		connection_settle(c);
		return;
	case STATE_FLUSHING:
	case STATE_LINGERING:
	case STATE_DEAD:
		return;
	default:
		/* Before TCP or in the middle of a handshake there is nothing to say. */
		connection_die(c);
	}
}

void net_connection_abort(struct net_connection *c)
{
	connection_die(c);
}
