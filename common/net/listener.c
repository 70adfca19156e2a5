/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/internal.h"

enum {
	TURN_ACCEPTS = 32, /* before others have their turn */
	BACKLOG = 1024,
};
static const ev_tstamp pause_s = 1; /* with no descriptor left, until the next try */

/* ---- counting ---- */

static struct net_connection **bucket(struct net_listener *l, const struct endpoint *peer)
{
	size_t len;
	const uint8_t *octets = endpoint_address(peer, &len);
	uint32_t hash = 2166136261U;

	/* FNV-1a: an attacker who makes it collide gains a walk over his own connections. */
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ octets[i]) * 16777619U;
	return &l->buckets[hash % LISTENER_BUCKETS];
}

static unsigned count_address(struct net_listener *l, const struct endpoint *peer)
{
	unsigned count = 0;

	for (struct net_connection *c = *bucket(l, peer); c; c = c->bucket_next)
		if (endpoint_same_address(&c->peer, peer))
			count++;
	return count;
}

static void count_in(struct net_listener *l, struct net_connection *c)
{
	struct net_connection **head = bucket(l, &c->peer);

	c->listener = l;
	c->unsecured = true;
	c->bucket_next = *head;
	*head = c;
	l->connections++;
	l->unsecured++;
}

void listener_secured(struct net_connection *c)
{
	if (c->listener && c->unsecured)
		c->listener->unsecured--;
	c->unsecured = false;
}

void listener_forget(struct net_connection *c)
{
	struct net_listener *l = c->listener;
	struct net_connection **at;

	listener_secured(c);
	if (!l)
		return;
	for (at = bucket(l, &c->peer); *at != c;)
		at = &(*at)->bucket_next;
	*at = c->bucket_next;
	l->connections--;
	c->listener = NULL;
}

/* ---- accepting ---- */

static void refuse(struct net_listener *l, const struct endpoint *peer, const struct error *why)
{
	if (l->fd >= 0 && l->events->refused)
		l->events->refused(l->owner, l, peer, why);
}

static enum err check_limits(struct net_listener *l, const struct endpoint *peer, struct error *e)
{
	const struct net_listener_limits *limits = &l->listener_limits;

	struct net_counters *counters = &l->net->counters;

	if (limits->connections && l->connections >= limits->connections) {
		counters->refused_connections++;
		return error_set(e, E_LIMIT, "%u connections are open, which is the most",
				 l->connections);
	}
	if (limits->unsecured && l->unsecured >= limits->unsecured) {
		counters->refused_unsecured++;
		return error_set(e, E_LIMIT, "%u connections have not finished their TLS handshake, "
				 "which is the most", l->unsecured);
	}
	if (limits->per_address && count_address(l, peer) >= limits->per_address) {
		counters->refused_per_address++;
		return error_set(e, E_LIMIT, "%u connections from this address are open, which is "
				 "the most", limits->per_address);
	}
	counters->accepted++;
	return E_OK;
}

static void admit(struct net_listener *l, int fd, const struct endpoint *peer)
{
	struct net_connection *c;
	struct error e;

	if (check_limits(l, peer, &e)) {
		close(fd);
		refuse(l, peer, &e);
		return;
	}
	c = connection_accept(l, fd, peer);
	if (!c) {
		error_set(&e, E_MEMORY, "out of memory for a connection");
		refuse(l, peer, &e);
		return;
	}
	count_in(l, c);
	l->events->accepted(l->owner, l, c);
	if (!c->events)
		net_connection_abort(c);
}

/* A peer that is gone again, or bad luck on its way: the next one may be there (accept(2)). */
static bool is_passing(int sys)
{
	static const int passing[] = {ECONNABORTED, EINTR, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
				      ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM};

	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		if (passing[i] == sys)
			return true;
	return false;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct net_listener *l = io->data;
	struct error e;

	(void)events;
	for (unsigned turn = 0; turn < TURN_ACCEPTS && l->fd >= 0; turn++) {
		struct sockaddr_storage address = {0};
		socklen_t len = sizeof address;
		struct endpoint peer;
		int fd = accept4(l->fd, (struct sockaddr *)&address, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0 && endpoint_from_sockaddr((struct sockaddr *)&address, len, &peer) == E_OK) {
			admit(l, fd, &peer);
			continue;
		}
		if (fd >= 0) {
			close(fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (is_passing(errno))
			continue;
		/* No descriptor or no memory: polling again at once would only burn time. */
		error_set_sys(&e, errno, "accepting; trying again in a second");
		ev_io_stop(loop, &l->io);
		ev_timer_start(loop, &l->pause);
		refuse(l, NULL, &e);
		return;
	}
}

static void on_pause_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct net_listener *l = timer->data;

	(void)events;
	ev_io_start(loop, &l->io);
}

/* ---- making and ending ---- */

static enum err open_socket(struct net_listener *l, const struct endpoint *at, struct error *e)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof address;
	char text[ENDPOINT_TEXT_SIZE];
	int on = 1;

	endpoint_format(at, text);
	l->fd = socket(endpoint_family(at), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    (endpoint_family(at) == AF_INET6 &&
	     setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
	    bind(l->fd, &at->address.any, endpoint_len(at)) < 0 || listen(l->fd, BACKLOG) < 0 ||
	    getsockname(l->fd, (struct sockaddr *)&address, &len) < 0)
		return error_set_sys(e, errno, "listening at %s", text);
	if (endpoint_from_sockaddr((struct sockaddr *)&address, len, &l->at))
		return error_set(e, E_BUG, "listening at %s: it has no address", text);
	return E_OK;
}

enum err net_listen(struct net *n, const struct endpoint *at,
		    const struct net_listener_limits *listener_limits,
		    const struct net_limits *limits, const struct net_listener_events *events,
		    void *owner, struct net_listener **ret_listener, struct error *e)
{
	struct net_listener *l = calloc(1, sizeof *l);
	enum err err;

	if (!l)
		return error_set(e, E_MEMORY, "out of memory for a listener");
	l->net = n;
	l->listener_limits = *listener_limits;
	l->limits = limits ? *limits : net_limits_default;
	l->events = events;
	l->owner = owner;
	err = open_socket(l, at, e);
	if (err) {
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return err;
	}
	ev_io_init(&l->io, on_readable, l->fd, EV_READ);
	l->io.data = l;
	ev_timer_init(&l->pause, on_pause_over, pause_s, 0);
	l->pause.data = l;
	ev_io_start(n->loop, &l->io);
	l->next = n->listeners;
	n->listeners = l;
	*ret_listener = l;
	return E_OK;
}

void net_listener_free(struct net_listener *l)
{
	struct net_listener **at;

	if (!l || l->fd < 0)
		return;
	ev_io_stop(l->net->loop, &l->io);
	ev_timer_stop(l->net->loop, &l->pause);
	close(l->fd);
	l->fd = -1;
	for (size_t i = 0; i < LISTENER_BUCKETS; i++)
		for (struct net_connection *c = l->buckets[i]; c; c = c->bucket_next)
			c->listener = NULL;
	for (at = &l->net->listeners; *at != l;)
		at = &(*at)->next;
	*at = l->next;
	/* This may be inside its own callback: it goes before the loop polls again. */
	l->next = l->net->dead_listeners;
	l->net->dead_listeners = l;
}

const struct endpoint *net_listener_endpoint(const struct net_listener *l)
{
	return &l->at;
}

unsigned net_listener_connections(const struct net_listener *l)
{
	return l->connections;
}
