/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/link/link.h"

#include <ev.h>
#include <stdlib.h>
#include <time.h>

/* ---- A session behind void pointers ---- */

static size_t receive(void *s, struct view octets, uint64_t now)
{
	return session_receive(s, octets, now);
}

static void tls_done(void *s, uint64_t now)
{
	session_tls_done(s, now);
}

static void tick(void *s, uint64_t now)
{
	session_tick(s, now);
}

static uint64_t deadline(const void *s)
{
	return session_deadline(s);
}

static struct view output(const void *s)
{
	return session_output(s);
}

static void sent(void *s, size_t octets)
{
	session_sent(s, octets);
}

static bool is_closed(const void *s)
{
	return session_is_closed(s);
}

static enum session_role role(const void *s)
{
	return session_role(s);
}

static uint32_t messages(const void *s)
{
	return session_messages(s);
}

static enum err integrity_binding(const void *s, struct session_binding *ret_binding)
{
	return session_integrity_binding(s, ret_binding);
}

const struct link_session link_session = {
	receive,
	tls_done,
	tick,
	deadline,
	output,
	sent,
	is_closed,
	role,
	messages,
	integrity_binding,
};

/* ---- The link ---- */

/*
 * What a peer may say that we did not ask for: so many messages at once, and so many a second then.
 * Whoever says more is not read for a while, so that the others have their turn. In slices, for a
 * session takes all that it is given.
 */
enum { MESSAGES_BURST = 256, MESSAGES_PER_S = 16, SLICE = 2048, HOLD_MS = 500 };
/* So many at a time, and who has said more than that of late waits for his turn first. */
enum { MESSAGES_TURN = 8, MESSAGES_SOME = 64 };

struct link {
	struct ev_loop *loop;
	struct net_connection *connection;
	const struct link_session *type; /* NULL until attached */
	void *session;
	const struct link_events *events;
	void *owner;
	struct ev_timer timer;
	uint64_t armed; /* when it comes */
	struct session_binding binding; /* without TLS */
	bool is_limited;     /* it came to us */
	int32_t allowance;   /* messages that it may still send */
	uint32_t charged;    /* messages that it was charged for */
	uint64_t refilled;
	struct ev_timer resume;
	bool yielded;        /* it waits for its turn */
	bool starting_tls; /* asked for; the handshake begins once the plain output is written */
};

uint64_t link_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The owner may do anything in `ended`: the link is gone by then. */
static void end_link(struct link *l, const struct error *why)
{
	const struct link_events *events = l->events;
	void *owner = l->owner;

	ev_timer_stop(l->loop, &l->timer);
	ev_timer_stop(l->loop, &l->resume);
	free(l);
	events->ended(owner, why);
}

static void write_output(struct link *l)
{
	struct view octets;
	size_t taken;

	do {
		octets = l->type->output(l->session);
		taken = octets.len ? net_connection_write(l->connection, octets) : 0;
		if (taken)
			l->type->sent(l->session, taken);
	} while (taken);
}

/* A timer that comes too early is left alone, for it looks again: most deadlines only move away. */
static void arm_timer(struct link *l)
{
	uint64_t due = l->type->deadline(l->session);
	uint64_t now;

	if (due == SESSION_NEVER || (ev_is_active(&l->timer) && l->armed <= due))
		return;
	now = link_now();
	ev_timer_stop(l->loop, &l->timer);
	ev_now_update(l->loop);
	ev_timer_set(&l->timer, due > now ? (double)(due - now) / 1000 : 0, 0);
	ev_timer_start(l->loop, &l->timer);
	l->armed = due;
}

static enum net_role tls_role(const struct link *l)
{
	return l->type->role(l->session) == SESSION_PEP ? NET_CLIENT : NET_SERVER;
}

/* After anything that happened to the session; the link may be gone afterwards. */
static void settle(struct link *l)
{
	struct error why;

	write_output(l);
	if (l->type->output(l->session).len) {
		arm_timer(l);
		return;
	}
	if (l->type->is_closed(l->session)) {
		net_connection_close(l->connection);
		error_set(&why, E_CLOSED, "session closed");
		end_link(l, &why);
		return;
	}
	if (l->starting_tls) {
		l->starting_tls = false;
		if (net_connection_start_tls(l->connection, tls_role(l), &why)) {
			net_connection_abort(l->connection);
			end_link(l, &why);
			return;
		}
	}
	arm_timer(l);
}

void link_pump(struct link *l)
{
	if (!l->type)
		return;
	l->events->drain(l->owner, l);
	settle(l);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct link *l = timer->data;

	(void)loop;
	(void)revents;
	l->type->tick(l->session, link_now());
	link_pump(l);
}

static void on_connected(void *owner, struct net_connection *connection)
{
	struct link *l = owner;
	struct error why;

	l->events->connected(l->owner, l);
	if (!l->type) {
		net_connection_abort(connection);
		error_set(&why, E_MEMORY, "connected, but there is no session");
		end_link(l, &why);
		return;
	}
	link_pump(l);
}

/* ---- How much a peer may say ---- */

static bool has_allowance(struct link *l, uint64_t now)
{
	uint64_t more = (now - l->refilled) * MESSAGES_PER_S / 1000;
	uint32_t seen = l->type->messages(l->session);

	l->allowance -= (int32_t)(seen - l->charged);
	l->charged = seen;
	if (more) {
		l->refilled = now;
		l->allowance += (int32_t)(more < MESSAGES_BURST ? more : MESSAGES_BURST);
	}
	if (l->allowance > MESSAGES_BURST)
		l->allowance = MESSAGES_BURST;
	return l->allowance > 0;
}

static void on_resume(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct link *l = timer->data;

	(void)loop;
	(void)revents;
	net_connection_resume(l->connection);
}

static void hold(struct link *l)
{
	net_connection_hold(l->connection);
	ev_now_update(l->loop);
	ev_timer_set(&l->resume, HOLD_MS / 1000.0, 0);
	ev_timer_start(l->loop, &l->resume);
}

static bool must_yield(const struct link *l, uint32_t at_first)
{
	return l->is_limited && l->type->messages(l->session) - at_first >= MESSAGES_TURN;
}

static size_t on_octets(void *owner, struct net_connection *connection, struct view octets)
{
	struct link *l = owner;
	uint64_t now = link_now();
	uint32_t at_first = l->type->messages(l->session);
	size_t used = 0, taken;

	if (l->is_limited && !l->yielded && has_allowance(l, now) &&
		l->allowance <= MESSAGES_BURST - MESSAGES_SOME) {
		l->yielded = true;
		net_connection_yield(connection);
		return 0;
	}
	l->yielded = false;
	do {
		size_t left = octets.len - used;

		if (l->is_limited && !has_allowance(l, now)) {
			hold(l);
			break;
		}
		if (must_yield(l, at_first)) {
			l->yielded = true;
			net_connection_yield(connection);
			break;
		}
		taken = l->type->receive(l->session,
			VIEW(octets.data + used, left < SLICE ? left : SLICE), now);
		used += taken;
		l->events->drain(l->owner, l);
	} while (taken && used < octets.len && !l->starting_tls && !l->type->is_closed(l->session));
	settle(l);
	return used;
}

static bool on_authorize(void *owner, struct net_connection *connection, const struct pin *peer)
{
	struct link *l = owner;

	(void)connection;
	return l->events->authorize(l->owner, l, peer);
}

static void on_secured(void *owner, struct net_connection *connection, const struct pin *peer)
{
	struct link *l = owner;

	(void)connection;
	(void)peer;
	l->type->tls_done(l->session, link_now());
	link_pump(l);
}

/* The owner may have waited for room. */
static void on_drained(void *owner, struct net_connection *connection)
{
	struct link *l = owner;

	(void)connection;
	write_output(l);
	link_pump(l);
}

static void on_closed(void *owner, struct net_connection *connection, const struct error *why)
{
	struct link *l = owner;

	(void)connection;
	end_link(l, why);
}

static const struct net_events events_of_link = {
	on_connected,
	on_octets,
	on_authorize,
	on_secured,
	on_drained,
	on_closed,
};

static struct link *link_new(struct ev_loop *loop, const struct link_events *events, void *owner)
{
	struct link *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->loop = loop;
	l->events = events;
	l->owner = owner;
	ev_timer_init(&l->timer, on_timer, 0, 0);
	l->timer.data = l;
	ev_timer_init(&l->resume, on_resume, 0, 0);
	l->resume.data = l;
	return l;
}

enum err link_connect(struct ev_loop *loop, struct net *net, const struct endpoint *endpoints,
	size_t count, const struct net_limits *limits, const struct link_events *events,
	void *owner, struct link **ret_link, struct error *error)
{
	struct link *l = link_new(loop, events, owner);
	enum err result;

	if (!l)
		return error_set(error, E_MEMORY, "link: out of memory");
	result = net_connect(
		net, endpoints, count, limits, &events_of_link, l, &l->connection, error);
	if (result)
		free(l);
	else
		*ret_link = l;
	return result;
}

enum err link_accept(struct ev_loop *loop, struct net_connection *connection,
	const struct link_events *events, void *owner, struct link **ret_link, struct error *error)
{
	struct link *l = link_new(loop, events, owner);

	if (!l)
		return error_set(error, E_MEMORY, "link: out of memory");
	l->connection = connection;
	l->is_limited = true;
	l->allowance = MESSAGES_BURST;
	l->refilled = link_now();
	net_connection_set_owner(connection, &events_of_link, l);
	*ret_link = l;
	return E_OK;
}

void link_attach(struct link *l, const struct link_session *type, void *session)
{
	l->type = type;
	l->session = session;
}

void link_stay_plain(struct link *l)
{
	net_connection_stay_plain(l->connection);
}

void link_start_tls(struct link *l)
{
	l->starting_tls = true;
}

static struct link *link_free(struct link *l)
{
	ev_timer_stop(l->loop, &l->timer);
	ev_timer_stop(l->loop, &l->resume);
	free(l);
	return NULL;
}

struct link *link_close(struct link *l)
{
	if (!l)
		return NULL;
	if (l->type)
		write_output(l);
	net_connection_close(l->connection);
	return link_free(l);
}

struct link *link_abort(struct link *l)
{
	if (!l)
		return NULL;
	net_connection_abort(l->connection);
	return link_free(l);
}

const struct endpoint *link_peer(const struct link *l)
{
	return net_connection_peer(l->connection);
}

const struct pin *link_pin(const struct link *l)
{
	return net_connection_pin(l->connection);
}

const struct session_binding *link_binding(struct link *l)
{
	const struct session_binding *of_tls = net_connection_binding(l->connection);

	if (of_tls)
		return of_tls;
	if (!l->type || l->type->integrity_binding(l->session, &l->binding))
		l->binding = (struct session_binding){{0}};
	return &l->binding;
}

bool link_is_certified(const struct link *l)
{
	return net_connection_is_certified(l->connection);
}

bool link_is_named(const struct link *l, const char *name)
{
	return net_connection_is_named(l->connection, name);
}

bool link_has_address(const struct link *l, const struct endpoint *address)
{
	return net_connection_has_address(l->connection, address);
}
