/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/internal.h"

void connection_up(struct net_connection *c)
{
	int on = 1;

	/* Messages are written whole; waiting for more to come would only delay them. */
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->state = STATE_PLAIN;
	c->read_wants = EV_READ;
	c->write_wants = EV_WRITE;
	c->state_until = c->limits.secure_ms ? connection_in_ms(c, c->limits.secure_ms) : 0;
}

static void connected(struct net_connection *c)
{
	connection_up(c);
	free(c->endpoints);
	c->endpoints = NULL;
	if (c->events->connected)
		c->events->connected(c->owner, c);
	/* Somebody may have tried to write before. */
	if (c->state == STATE_PLAIN)
		connection_write(c);
}

static void connect_failed(struct net_connection *c, int sys)
{
	char text[ENDPOINT_TEXT_SIZE];

	endpoint_format(&c->peer, text);
	if (sys)
		error_set_sys(&c->connect_error, sys, "connecting to %s", text);
	else
		error_set(&c->connect_error, E_TIMEOUT, "connecting to %s: no answer in time", text);
	ev_io_stop(c->net->loop, &c->io);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* Tries one endpoint after the other until one is under way. */
static void connect_next(struct net_connection *c)
{
	while (c->endpoint_next < c->endpoint_count) {
		const struct endpoint *to = &c->endpoints[c->endpoint_next++];

		c->peer = *to;
		c->fd = socket(endpoint_family(to), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (c->fd >= 0 && connect(c->fd, &to->address.any, endpoint_len(to)) == 0) {
			connected(c);
			return;
		}
		if (c->fd >= 0 && errno == EINPROGRESS) {
			c->state_until = connection_in_ms(c, c->limits.connect_ms);
			return;
		}
		connect_failed(c, errno);
	}
	connection_end(c, &c->connect_error);
}

void connection_connect(struct net_connection *c)
{
	int sys = 0;
	socklen_t len = sizeof sys;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0)
		sys = errno;
	if (!sys) {
		connected(c);
		return;
	}
	connect_failed(c, sys);
	connect_next(c);
}

void connection_connect_late(struct net_connection *c)
{
	c->state_until = 0;
	if (c->fd >= 0)
		connect_failed(c, 0);
	connect_next(c);
}

enum err net_connect(struct net *n, const struct endpoint *endpoints, size_t count,
		     const struct net_limits *limits, const struct net_events *events, void *owner,
		     struct net_connection **ret_connection, struct error *e)
{
	struct net_connection *c;

	if (count == 0 || count > NET_ENDPOINTS_MAX)
		return error_set(e, E_RANGE, "%zu endpoints to connect to; 1 to %d are accepted",
				 count, NET_ENDPOINTS_MAX);
	c = connection_new(n, limits ? limits : &net_limits_default);
	if (c)
		c->endpoints = malloc(count * sizeof *endpoints);
	if (!c || !c->endpoints) {
		if (c)
			connection_release(c);
		return error_set(e, E_MEMORY, "out of memory for a connection");
	}
	memcpy(c->endpoints, endpoints, count * sizeof *endpoints);
	c->endpoint_count = count;
	c->peer = endpoints[0];
	c->events = events;
	c->owner = owner;
	c->state = STATE_CONNECTING;
	/* The first attempt is made by the loop, so that all its outcomes come from there. */
	c->state_until = ev_now(n->loop);
	connection_settle(c);
	*ret_connection = c;
	return E_OK;
}
