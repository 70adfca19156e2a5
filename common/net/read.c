/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <sys/socket.h>

#include "common/net/internal.h"

/*
 * Offers octets until the owner uses none, or wants no more now. Returns how many it used; not to be
 * believed when the connection has left its state, for then nobody wants them.
 */
static size_t offer(struct net_connection *c, struct view octets)
{
	enum connection_state state = c->state;
	size_t used = 0;

	while (used < octets.len && c->state == state && !c->held && !c->turn_link) {
		size_t n = c->events->octets(c->owner, c,
					     VIEW(octets.data + used, octets.len - used));

		if (n == 0)
			break;
		used += n < octets.len - used ? n : octets.len - used;
	}
	return used;
}

static void take_in(struct net_connection *c, struct view octets)
{
	struct view all = octets;
	struct error e;
	size_t used;

	if (c->in.len) {
		buffer_put_view(&c->in, octets);
		all = buffer_view(&c->in);
	}
	if (c->in.error) {
		error_set(&e, c->in.error, "%zu octets wait for more to come", c->in.len);
		connection_end(c, &e);
		return;
	}
	used = offer(c, all);
	if (c->state != STATE_STARTING && !connection_is_running(c)) {
		/* Nobody wants the rest. */
		buffer_fini(&c->in);
		return;
	}
	if (c->in.len)
		buffer_consume(&c->in, used);
	else if (used < all.len)
		buffer_put(&c->in, all.data + used, all.len - used);
	if (c->in.len == 0)
		buffer_fini(&c->in);
	if (c->in.error || c->in.len > c->limits.input) {
		c->net->counters.too_long++;
		error_set(&e, E_LIMIT, "a message of more than %zu octets", c->limits.input);
		connection_end(c, &e);
	}
}

static enum tls_answer plain_read(struct net_connection *c, size_t *ret_len, struct error *e)
{
	ssize_t n = recv(c->fd, c->net->scratch, sizeof c->net->scratch, 0);

	if (n > 0) {
		*ret_len = (size_t)n;
		return TLS_DONE;
	}
	if (n == 0)
		return TLS_CLOSED;
	if (errno == EAGAIN || errno == EINTR)
		return TLS_WANT_READ;
	socket_error(e, errno, "reading");
	return TLS_FAILED;
}

/* Our closure alert for the peer's, if the socket takes it at once (RFC 5246 §7.2.1). */
static void answer_close(struct net_connection *c)
{
	struct error e;
	enum tls_answer sent = c->tls ? tls_shutdown(c->tls, &e) : TLS_DONE;

	(void)sent; /* the connection ends in any case */
}

void connection_read(struct net_connection *c)
{
	size_t turn = 0, len = 0;
	struct error e;

	while (connection_is_running(c) && turn < TURN_OCTETS && connection_may_read(c)) {
		enum tls_answer answer = c->tls ? tls_read(c->tls, c->net->scratch,
							   sizeof c->net->scratch, &len, &e)
						: plain_read(c, &len, &e);

		switch (answer) {
		case TLS_DONE:
			c->read_wants = EV_READ;
			turn += len;
			take_in(c, VIEW(c->net->scratch, len));
			break;
		case TLS_WANT_READ:
			c->read_wants = EV_READ;
			return;
		case TLS_WANT_WRITE:
			c->read_wants = EV_WRITE;
			return;
		case TLS_CLOSED:
			answer_close(c);
			if (c->in.len)
				error_set(&e, E_TRUNCATED, "the peer closed inside a message");
			else
				error_set(&e, E_CLOSED, "the peer closed the connection");
			connection_end(c, &e);
			return;
		case TLS_FAILED:
			connection_end(c, &e);
			return;
		}
	}
}

void connection_show_again(struct net_connection *c)
{
	if (connection_is_running(c) && !c->held && c->in.len)
		take_in(c, VIEW_NONE);
}

void net_connection_yield(struct net_connection *c)
{
	if (!connection_is_running(c))
		return;
	connection_await_turn(c);
	connection_settle(c);
}

void net_connection_hold(struct net_connection *c)
{
	if (c->held || !connection_is_running(c))
		return;
	c->held = true;
	c->net->counters.held++;
	connection_settle(c);
}

void net_connection_resume(struct net_connection *c)
{
	if (!c->held)
		return;
	c->held = false;
	if (!c->turn_link)
		connection_show_again(c);
	connection_settle(c);
}
