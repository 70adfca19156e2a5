/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/net/net.h"

#include <stdlib.h>

#include "common/net/internal.h"

const struct net_limits net_limits_default = {
	.input = 16 * 1024 * 1024 + 64 * 1024, /* the largest message, and what came behind it */
	.output = 256 * 1024,
	.connect_ms = 10000,
	.secure_ms = 15000,
	.stall_ms = 30000,
	.linger_ms = 3000,
};

static void on_turn(struct ev_loop *loop, ev_check *check, int events)
{
	struct net *n = check->data;

	(void)loop;
	(void)events;
	if (n->turns)
		connection_take_turn(n->turns);
}

/* It is enough that it runs: the loop does not wait then. */
static void on_awake(struct ev_loop *loop, ev_idle *idle, int events)
{
	(void)loop;
	(void)idle;
	(void)events;
}

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct net *n = prepare->data;

	(void)loop;
	(void)events;
	while (n->dead)
		connection_release(n->dead);
	while (n->dead_listeners) {
		struct net_listener *l = n->dead_listeners;

		n->dead_listeners = l->next;
		free(l);
	}
}

const struct net_counters *net_counters(const struct net *n)
{
	return &n->counters;
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
	n->last_turn = &n->turns;
	ev_check_init(&n->turn, on_turn);
	ev_set_priority(&n->turn, EV_MINPRI);
	n->turn.data = n;
	ev_idle_init(&n->awake, on_awake);
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
		connection_die(n->connections);
	while (n->listeners)
		net_listener_free(n->listeners);
	on_prepare(n->loop, &n->reaper, 0);
	ev_ref(n->loop);
	ev_prepare_stop(n->loop, &n->reaper);
	tls_context_free(n->tls);
	free(n);
}
