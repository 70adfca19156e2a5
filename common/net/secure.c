/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/net/internal.h"

/* ---- the handshake ---- */

static bool authorize(void *context, const struct pin *peer)
{
	struct net_connection *c = context;

	/* The owner may have ended it inside. */
	return c->events && c->events->authorize && c->events->authorize(c->owner, c, peer) &&
	       c->state == STATE_HANDSHAKE;
}

void connection_handshake(struct net_connection *c)
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
			connection_end(c, &e);
		return;
	case TLS_FAILED:
		if (c->state == STATE_HANDSHAKE)
			connection_end(c, &e);
		return;
	}
	if (c->state != STATE_HANDSHAKE)
		return;
	if (tls_binding(c->tls, &c->binding, &e)) {
		connection_end(c, &e);
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
		connection_write(c);
	if (c->state == STATE_SECURE)
		connection_read(c);
}

void connection_begin_handshake(struct net_connection *c)
{
	struct tls_config config = {.fd = c->fd, .server = c->role == NET_SERVER,
				    .authorize = authorize, .context = c};
	struct error e;

	if (c->in.len) {
		error_set(&e, E_PROTOCOL, "%zu octets in clear behind the last plain message",
			  c->in.len);
		connection_end(c, &e);
		return;
	}
	if (tls_new(c->net->tls, &config, &c->tls, &e)) {
		connection_end(c, &e);
		return;
	}
	c->state = STATE_HANDSHAKE;
	c->read_wants = EV_READ;
	if (c->accepted)
		connection_await_turn(c);
	else
		connection_handshake(c);
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
		c->state_until = connection_in_ms(c, net_limits_default.secure_ms);
	connection_settle(c);
	return E_OK;
}

void net_connection_stay_plain(struct net_connection *c)
{
	if (c->state != STATE_PLAIN)
		return;
	listener_secured(c);
	c->state_until = 0;
	connection_settle(c);
}

/* ---- who the peer is ---- */

bool net_connection_is_secure(const struct net_connection *c)
{
	return c->state == STATE_SECURE;
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
