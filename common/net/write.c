/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <sys/socket.h>

#include "common/net/internal.h"

static enum tls_answer plain_write(struct net_connection *c, struct view v, size_t *ret_len,
				   struct error *e)
{
	ssize_t n = send(c->fd, v.data, v.len, MSG_NOSIGNAL);

	if (n >= 0) {
		*ret_len = (size_t)n;
		return TLS_DONE;
	}
	if (errno == EAGAIN || errno == EINTR)
		return TLS_WANT_WRITE;
	socket_error(e, errno, "writing");
	return TLS_FAILED;
}

/*
 * Writes until the socket takes no more; how many octets it took. TLS_DONE: all. TLS_WANT_...: the
 * rest waits for write_wants, and must be offered again as it is.
 */
static enum tls_answer write_out(struct net_connection *c, struct view octets, size_t *ret_sent,
				 struct error *e)
{
	enum tls_answer answer = TLS_DONE;
	size_t sent = 0, len;

	while (answer == TLS_DONE && sent < octets.len) {
		struct view rest = VIEW(octets.data + sent, octets.len - sent);

		len = 0;
		answer = c->tls ? tls_write(c->tls, rest, &len, e) : plain_write(c, rest, &len, e);
		sent += len;
	}
	c->write_wants = answer == TLS_WANT_READ ? EV_READ : EV_WRITE;
	*ret_sent = sent;
	return answer;
}

void connection_write(struct net_connection *c)
{
	struct view queued = buffer_view(&c->out);
	struct error e;
	size_t sent;

	if (queued.len)
		queued = VIEW(queued.data + c->out_sent, queued.len - c->out_sent);
	switch (write_out(c, queued, &sent, &e)) {
	case TLS_DONE:
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		break;
	case TLS_CLOSED:
		error_set(&e, E_CLOSED, "the peer closed the connection");
		connection_end(c, &e);
		return;
	case TLS_FAILED:
		connection_end(c, &e);
		return;
	}
	c->out_sent += sent;
	c->stall_need -= sent < c->stall_need ? sent : c->stall_need;
	if (!connection_pending(c)) {
		/* An idle connection holds no buffer. */
		buffer_fini(&c->out);
		c->out_sent = 0;
	}
	if (c->short_write && connection_is_running(c) &&
	    connection_pending(c) <= c->limits.output / 4) {
		c->short_write = false;
		if (c->events->drained)
			c->events->drained(c->owner, c);
	}
}

size_t net_connection_room(const struct net_connection *c)
{
	if (!connection_is_running(c) || connection_pending(c) >= c->limits.output)
		return 0;
	return c->limits.output - connection_pending(c);
}

/*
 * With nothing before it, what the socket takes at once needs neither queue nor event. A failure
 * comes again when the loop tries the rest, and is told then.
 */
static size_t write_now(struct net_connection *c, struct view octets)
{
	struct error e;
	size_t sent;

	if (octets.len > TURN_OCTETS)
		octets.len = TURN_OCTETS;
	(void)write_out(c, octets, &sent, &e);
	return sent;
}

static size_t enqueue(struct net_connection *c, struct view octets)
{
	if (c->out_sent && c->out_sent >= connection_pending(c)) {
		/* What has gone makes way when that costs no more than it did to write. */
		buffer_consume(&c->out, c->out_sent);
		c->out_sent = 0;
	}
	buffer_put_view(&c->out, octets);
	if (!c->out.error)
		return octets.len;
	/* No memory: as if there were no room. */
	c->out.error = E_OK;
	return 0;
}

size_t net_connection_write(struct net_connection *c, struct view octets)
{
	size_t taken = 0, room;

	if (c->state == STATE_DEAD || c->state == STATE_FLUSHING || c->state == STATE_LINGERING)
		return 0;
	if (octets.len && connection_is_running(c) && !connection_pending(c))
		taken = write_now(c, octets);
	room = net_connection_room(c);
	if (room > octets.len - taken)
		room = octets.len - taken;
	if (room)
		taken += enqueue(c, VIEW(octets.data + taken, room));
	if (taken < octets.len)
		c->short_write = true;
	connection_settle(c);
	return taken;
}
