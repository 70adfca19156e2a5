/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/net/net.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/internal.h"

enum {
	TURN_OCTETS = 64 * 1024, /* read from one connection before the others have their turn */
	STALL_OCTETS = 16 * 1024, /* that a peer must take in stall_ms, if there are as many */
};

const struct net_limits net_limits_default = {
	.input = 16 * 1024 * 1024 + 64 * 1024, /* the largest message, and what came behind it */
	.output = 256 * 1024,
	.connect_ms = 10000,
	.secure_ms = 15000,
	.stall_ms = 30000,
	.linger_ms = 3000,
};

/* ---- what a connection waits for ---- */

static size_t pending(const struct net_connection *c)
{
	return c->out.len - c->out_sent;
}

static bool may_read(const struct net_connection *c)
{
	return !c->held && (!c->accepted || pending(c) < c->limits.output);
}

static int wanted(const struct net_connection *c)
{
	switch (c->state) {
	case STATE_CONNECTING:
		return c->fd >= 0 ? EV_WRITE : 0;
	case STATE_PLAIN:
	case STATE_SECURE:
		return (may_read(c) ? c->read_wants : 0) | (pending(c) ? c->write_wants : 0);
	case STATE_STARTING:
	case STATE_FLUSHING:
		return c->write_wants;
	case STATE_HANDSHAKE:
	case STATE_LINGERING:
		return c->read_wants;
	case STATE_DEAD:
		return 0;
	}
	return 0;
}

static ev_tstamp in_ms(const struct net_connection *c, uint64_t ms)
{
	return ev_now(c->net->loop) + (ev_tstamp)ms / 1000;
}

static void watch_stall(struct net_connection *c)
{
	bool running = c->state == STATE_PLAIN || c->state == STATE_SECURE;

	if (!running || !pending(c)) {
		c->stall_until = 0;
	} else if (c->stall_until <= 0) {
		c->stall_until = in_ms(c, c->limits.stall_ms);
		c->stall_need = pending(c) < STALL_OCTETS ? pending(c) : STALL_OCTETS;
	}
}

/* After every step: the watchers follow from the state and the queue, and from nothing else. */
static void settle(struct net_connection *c)
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

/* ---- ending ---- */

static void unlink_connection(struct net_connection *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
}

static void link_connection(struct net_connection *c, struct net_connection **list)
{
	c->next = *list;
	c->link = list;
	if (c->next)
		c->next->link = &c->next;
	*list = c;
}

/*
 * Nothing is released yet: this may be inside a callback, and that inside OpenSSL. The reaper does
 * it before the loop polls again.
 */
static void die(struct net_connection *c)
{
	if (c->state == STATE_DEAD)
		return;
	c->state = STATE_DEAD;
	c->events = NULL;
	listener_forget(c);
	unlink_connection(c);
	link_connection(c, &c->net->dead);
	settle(c);
}

static void release(struct net_connection *c)
{
	unlink_connection(c);
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
		die(c);
		return;
	}
	c->state = STATE_LINGERING;
	c->read_wants = EV_READ;
	buffer_fini(&c->in);
	buffer_fini(&c->out);
	c->out_sent = 0;
	if (c->state_until <= 0 || in_ms(c, c->limits.linger_ms) < c->state_until)
		c->state_until = in_ms(c, c->limits.linger_ms);
}

/* The owner is told, from the loop only. */
static void end(struct net_connection *c, const struct error *why)
{
	const struct net_events *events = c->events;
	enum err_category category = err_category(why->code);
	/* With the peer gone, or unwilling to read, there is nobody to say anything to. */
	bool gone = category == ERR_CAT_CLOSED || category == ERR_CAT_SYSTEM ||
		    why->code == E_TRUNCATED || c->fd < 0;

	c->events = NULL;
	listener_secured(c);
	if (gone)
		die(c);
	else
		linger(c);
	settle(c);
	if (events)
		events->closed(c->owner, c, why);
}

/* ---- reading ---- */

/*
 * Offers octets until the owner uses none. Returns how many it used; not to be believed when the
 * connection has left its state, for then nobody wants them.
 */
static size_t offer(struct net_connection *c, struct view octets)
{
	enum connection_state state = c->state;
	size_t used = 0;

	while (used < octets.len && c->state == state) {
		size_t n = c->events->octets(c->owner, c,
					     VIEW(octets.data + used, octets.len - used));

		if (n == 0)
			break;
		used += n < octets.len - used ? n : octets.len - used;
	}
	return used;
}

static bool is_running(const struct net_connection *c)
{
	return c->state == STATE_PLAIN || c->state == STATE_SECURE;
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
		end(c, &e);
		return;
	}
	used = offer(c, all);
	if (c->state != STATE_STARTING && !is_running(c)) {
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
		end(c, &e);
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
	error_set_sys(e, errno, "reading");
	return TLS_FAILED;
}

/* Our closure alert for the peer's, if the socket takes it at once (RFC 5246 §7.2.1). */
static void answer_close(struct net_connection *c)
{
	struct error e;
	enum tls_answer sent = c->tls ? tls_shutdown(c->tls, &e) : TLS_DONE;

	(void)sent; /* the connection ends in any case */
}

static void do_read(struct net_connection *c)
{
	size_t turn = 0, len = 0;
	struct error e;

	while (is_running(c) && turn < TURN_OCTETS && may_read(c)) {
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
			end(c, &e);
			return;
		case TLS_FAILED:
			end(c, &e);
			return;
		}
	}
}

/* ---- writing ---- */

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

static void do_write(struct net_connection *c)
{
	struct error e;

	while (pending(c)) {
		struct view v = VIEW(c->out.data + c->out_sent, pending(c));
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
			end(c, &e);
			return;
		}
		c->write_wants = EV_WRITE;
		c->out_sent += len;
		c->stall_need -= len < c->stall_need ? len : c->stall_need;
	}
	if (!pending(c)) {
		/* An idle connection holds no buffer. */
		buffer_fini(&c->out);
		c->out_sent = 0;
	}
	if (c->short_write && is_running(c) && pending(c) <= c->limits.output / 4) {
		c->short_write = false;
		if (c->events->drained)
			c->events->drained(c->owner, c);
	}
}

/* ---- TLS ---- */

static bool authorize(void *context, const struct pin *peer)
{
	struct net_connection *c = context;

	/* The owner may have ended it inside. */
	return c->events && c->events->authorize && c->events->authorize(c->owner, c, peer) &&
	       c->state == STATE_HANDSHAKE;
}

static void step_handshake(struct net_connection *c)
{
	struct error e;

	switch (tls_handshake(c->tls, &e)) {
	case TLS_DONE:
		break;
	case TLS_WANT_READ:
		c->read_wants = EV_READ;
		return;
	case TLS_WANT_WRITE:
		c->read_wants = EV_WRITE;
		return;
	case TLS_CLOSED:
		error_set(&e, E_CLOSED, "the peer closed during the TLS handshake");
		if (c->state == STATE_HANDSHAKE)
			end(c, &e);
		return;
	case TLS_FAILED:
		if (c->state == STATE_HANDSHAKE)
			end(c, &e);
		return;
	}
	if (c->state != STATE_HANDSHAKE)
		return;
	if (tls_binding(c->tls, &c->binding, &e)) {
		end(c, &e);
		return;
	}
	c->state = STATE_SECURE;
	c->state_until = 0;
	c->was_secure = true;
	c->pin = *tls_peer(c->tls);
	c->read_wants = EV_READ;
	c->write_wants = EV_WRITE;
	listener_secured(c);
	c->events->secured(c->owner, c, &c->pin);
	/* What came together with the end of the handshake lies in the socket, or is decrypted. */
	if (c->state == STATE_SECURE)
		do_write(c);
	if (c->state == STATE_SECURE)
		do_read(c);
}

static void begin_handshake(struct net_connection *c)
{
	struct tls_config config = {.fd = c->fd, .server = c->role == NET_SERVER,
				    .authorize = authorize, .context = c};
	struct error e;

	if (c->in.len) {
		error_set(&e, E_PROTOCOL, "%zu octets in clear behind the last plain message",
			  c->in.len);
		end(c, &e);
		return;
	}
	if (tls_new(c->net->tls, &config, &c->tls, &e)) {
		end(c, &e);
		return;
	}
	c->state = STATE_HANDSHAKE;
	step_handshake(c);
}

enum err net_connection_start_tls(struct net_connection *c, enum net_role role, struct error *e)
{
	if (c->state != STATE_PLAIN)
		return error_set(e, E_UNEXPECTED, "TLS begins only on a plain connection");
	if (!c->net->tls)
		return error_set(e, E_UNSUPPORTED, "there is no key for TLS");
	c->role = role;
	c->state = STATE_STARTING;
	c->write_wants = EV_WRITE;
	if (c->state_until <= 0)
		c->state_until = in_ms(c, net_limits_default.secure_ms);
	settle(c);
	return E_OK;
}

/* ---- connecting ---- */

static void up(struct net_connection *c)
{
	int on = 1;

	/* Messages are written whole; waiting for more to come would only delay them. */
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->state = STATE_PLAIN;
	c->read_wants = EV_READ;
	c->write_wants = EV_WRITE;
	c->state_until = c->limits.secure_ms ? in_ms(c, c->limits.secure_ms) : 0;
}

static void connected(struct net_connection *c)
{
	up(c);
	free(c->endpoints);
	c->endpoints = NULL;
	if (c->events->connected)
		c->events->connected(c->owner, c);
	/* Somebody may have tried to write before. */
	if (c->state == STATE_PLAIN)
		do_write(c);
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
			c->state_until = in_ms(c, c->limits.connect_ms);
			return;
		}
		connect_failed(c, errno);
	}
	end(c, &c->connect_error);
}

static void step_connect(struct net_connection *c)
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

/* ---- the owner is gone ---- */

static void step_flush(struct net_connection *c)
{
	struct error e;

	do_write(c);
	if (c->state != STATE_FLUSHING || pending(c))
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
			die(c);
			return;
		case TLS_DONE:
		case TLS_CLOSED:
			break;
		}
	}
	linger(c);
}

/* What the peer still says is dropped; its end is the end. */
static void step_linger(struct net_connection *c)
{
	for (size_t turn = 0; turn < TURN_OCTETS;) {
		ssize_t n = recv(c->fd, c->net->scratch, sizeof c->net->scratch, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			die(c);
			return;
		}
		turn += (size_t)n;
	}
}

/* ---- events of the loop ---- */

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct net_connection *c = io->data;

	(void)loop;
	switch (c->state) {
	case STATE_CONNECTING:
		step_connect(c);
		break;
	case STATE_PLAIN:
	case STATE_SECURE:
		if (pending(c) && (events & c->write_wants))
			do_write(c);
		if (is_running(c) && (events & c->read_wants))
			do_read(c);
		break;
	case STATE_STARTING:
		do_write(c);
		if (c->state == STATE_STARTING && !pending(c))
			begin_handshake(c);
		break;
	case STATE_HANDSHAKE:
		step_handshake(c);
		break;
	case STATE_FLUSHING:
		step_flush(c);
		break;
	case STATE_LINGERING:
		step_linger(c);
		break;
	case STATE_DEAD:
		break;
	}
	settle(c);
}

static void out_of_time(struct net_connection *c)
{
	struct error e;

	switch (c->state) {
	case STATE_CONNECTING:
		c->state_until = 0;
		if (c->fd >= 0)
			connect_failed(c, 0);
		connect_next(c);
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
		die(c);
		return;
	}
	end(c, &e);
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
				  "octets wait", pending(c));
			end(c, &e);
		}
	}
	settle(c);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct net *n = prepare->data;

	(void)loop;
	(void)events;
	while (n->dead)
		release(n->dead);
	while (n->dead_listeners) {
		struct net_listener *l = n->dead_listeners;

		n->dead_listeners = l->next;
		free(l);
	}
}

/* ---- making and ending ---- */

static struct net_connection *connection_new(struct net *n, const struct net_limits *limits)
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
	link_connection(c, &n->connections);
	return c;
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
			release(c);
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
	settle(c);
	*ret_connection = c;
	return E_OK;
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
	up(c);
	settle(c);
	return c;
}

size_t net_connection_room(const struct net_connection *c)
{
	if (!is_running(c) || pending(c) >= c->limits.output)
		return 0;
	return c->limits.output - pending(c);
}

size_t net_connection_write(struct net_connection *c, struct view octets)
{
	size_t room = net_connection_room(c);
	size_t taken = octets.len < room ? octets.len : room;

	if (c->state == STATE_DEAD || c->state == STATE_FLUSHING || c->state == STATE_LINGERING)
		return 0;
	if (taken && c->out_sent && c->out_sent >= pending(c)) {
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
	settle(c);
	return taken;
}

void net_connection_hold(struct net_connection *c)
{
	if (c->held || !is_running(c))
		return;
	c->held = true;
	c->net->counters.held++;
	settle(c);
}

void net_connection_resume(struct net_connection *c)
{
	if (!c->held)
		return;
	c->held = false;
	if (is_running(c) && c->in.len)
		take_in(c, VIEW_NONE);
	settle(c);
}

const struct net_counters *net_counters(const struct net *n)
{
	return &n->counters;
}

void net_connection_stay_plain(struct net_connection *c)
{
	if (c->state != STATE_PLAIN)
		return;
	listener_secured(c);
	c->state_until = 0;
	settle(c);
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
		c->state_until = in_ms(c, c->limits.linger_ms);
		settle(c);
		return;
	case STATE_FLUSHING:
	case STATE_LINGERING:
	case STATE_DEAD:
		return;
	default:
		/* Before TCP or in the middle of a handshake there is nothing to say. */
		die(c);
	}
}

void net_connection_abort(struct net_connection *c)
{
	die(c);
}

const struct endpoint *net_connection_peer(const struct net_connection *c)
{
	return &c->peer;
}

const struct pin *net_connection_pin(const struct net_connection *c)
{
	return c->was_secure ? &c->pin : NULL;
}

bool net_connection_is_certified(const struct net_connection *c)
{
	return c->tls && tls_is_certified(c->tls);
}

bool net_connection_is_named(const struct net_connection *c, const char *name)
{
	return c->tls && tls_is_named(c->tls, name);
}

bool net_connection_has_address(const struct net_connection *c, const struct endpoint *address)
{
	struct view octets;

	octets.data = endpoint_address(address, &octets.len);
	return c->tls && tls_has_address(c->tls, octets);
}

const struct session_binding *net_connection_binding(const struct net_connection *c)
{
	return c->was_secure ? &c->binding : NULL;
}

bool net_connection_is_secure(const struct net_connection *c)
{
	return c->state == STATE_SECURE;
}

void net_connection_set_owner(struct net_connection *c, const struct net_events *events,
			      void *owner)
{
	if (c->state >= STATE_FLUSHING)
		return;
	c->events = events;
	c->owner = owner;
}

enum err net_new(struct ev_loop *loop, const struct key *key, struct net **ret_net,
		 struct error *e)
{
	struct net *n = calloc(1, sizeof *n);
	enum err err = n ? E_OK : error_set(e, E_MEMORY, "out of memory for connections");

	if (!err && key)
		err = tls_context_new(key, &n->tls, e);
	if (err) {
		free(n);
		return err;
	}
	n->loop = loop;
	ev_prepare_init(&n->reaper, on_prepare);
	n->reaper.data = n;
	ev_prepare_start(loop, &n->reaper);
	ev_unref(loop); /* it keeps no loop running */
	*ret_net = n;
	return E_OK;
}

enum err net_trust_authorities(struct net *n, const char *path, struct error *e)
{
	if (!n->tls)
		return error_set(e, E_UNSUPPORTED, "there is no key for TLS");
	return tls_context_trust(n->tls, path, e);
}

void net_free(struct net *n)
{
	if (!n)
		return;
	while (n->connections)
		die(n->connections);
	while (n->listeners)
		net_listener_free(n->listeners);
	on_prepare(n->loop, &n->reaper, 0);
	ev_ref(n->loop);
	ev_prepare_stop(n->loop, &n->reaper);
	tls_context_free(n->tls);
	free(n);
}
