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
	error_set_sys(e, errno, "writing");
	return TLS_FAILED;
}

void connection_write(struct net_connection *c)
{
	struct error e;

	while (connection_pending(c)) {
		struct view v = VIEW(c->out.data + c->out_sent, connection_pending(c));
		size_t len = 0;
		enum tls_answer answer = c->tls ? tls_write(c->tls, v, &len, &e)
						: plain_write(c, v, &len, &e);

		if (answer == TLS_WANT_READ || answer == TLS_WANT_WRITE) {
			c->write_wants = answer == TLS_WANT_READ ? EV_READ : EV_WRITE;
			break;
		}
		if (answer != TLS_DONE) {
			if (answer == TLS_CLOSED)
				error_set(&e, E_CLOSED, "the peer closed the connection");
			connection_end(c, &e);
			return;
		}
		c->write_wants = EV_WRITE;
		c->out_sent += len;
		c->stall_need -= len < c->stall_need ? len : c->stall_need;
	}
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

size_t net_connection_write(struct net_connection *c, struct view octets)
{
	size_t room = net_connection_room(c);
	size_t taken = octets.len < room ? octets.len : room;

	if (c->state == STATE_DEAD || c->state == STATE_FLUSHING || c->state == STATE_LINGERING)
		return 0;
	if (taken && c->out_sent && c->out_sent >= connection_pending(c)) {
		/* What has gone makes way when that costs no more than it did to write. */
		buffer_consume(&c->out, c->out_sent);
		c->out_sent = 0;
	}
	buffer_put(&c->out, octets.data, taken);
	if (c->out.error) {
		/* No memory: as if there were no room, until some of what is queued has gone. */
		c->out.error = E_OK;
		taken = 0;
	}
	if (taken < octets.len)
		c->short_write = true;
	connection_settle(c);
	return taken;
}
