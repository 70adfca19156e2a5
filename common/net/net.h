/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TCP connections on libev that start plain and become TLS when told (RFC 4261's upward
 * negotiation), with limits on everything a peer can make grow.
 *
 * A `struct net` belongs to one loop and owns what its connections share; it is freed last.
 * A connection has an owner: five callbacks and a pointer. It ends in one of two ways:
 *  - the owner calls net_connection_close() or _abort(): no callback comes any more;
 *  - anything else ends it (peer, error, time limit): `closed` is called, once and last.
 * After either the owner forgets the pointer; the object dies at the end of the loop's turn, so
 * both calls are safe inside every callback. No callback is made from inside a function that the
 * owner calls; all come from the loop.
 *
 * TLS is 1.3, or 1.2 at least, both ends authenticated by certificates; who the peer may be is
 * decided by `authorize` during the handshake: by the pin of its key, or, after
 * net_trust_authorities(), by what an authority says of it (RFC 4261 section 7). No resumption, no
 * renegotiation. In TLS 1.3 a client learns only after its `secured` that the server refused
 * its key: as a `closed` that says so.
 *
 * Output: net_connection_write() takes octets up to the limit and says how many; the rest is the
 * owner's to keep until `drained`, and to offer again as it was. What the socket takes goes out at
 * once, the loop sends what is queued. While the queue of an accepted connection is full its peer is
 * not read; a connection that we made goes on reading, for if both ends waited, both would for ever.
 * A peer that takes next to nothing is cut off after `stall_ms`.
 *
 * Work: the handshakes of accepted connections, and whoever yields, wait in one queue, of which one
 * is served each time round the loop, so that those who want little wait for one of them at most.
 */
#ifndef COPSEC_COMMON_NET_NET_H
#define COPSEC_COMMON_NET_NET_H

#include "common/base/binding.h"
#include "common/base/bytes.h"
#include "common/base/endpoint.h"
#include "common/base/pin.h"
#include "common/crypto/key.h"

struct ev_loop;
struct net;
struct net_connection;
struct net_listener;

struct net_events {
	/* TCP is up; only after net_connect(). May be NULL. */
	void (*connected)(void *owner, struct net_connection *c);
	/*
	 * Octets have come. Returns how many were used; the others stay and are shown again, with
	 * more behind them. After net_connection_start_tls() none may be left: what a peer says in
	 * clear behind its last plain message is an attack.
	 */
	size_t (*octets)(void *owner, struct net_connection *c, struct view octets);
	/* May a peer with this key go on? NULL: nobody may, so there is no TLS. */
	bool (*authorize)(void *owner, struct net_connection *c, const struct pin *peer);
	/* TLS is up; all octets from now on are protected. */
	void (*secured)(void *owner, struct net_connection *c, const struct pin *peer);
	/* After a short write: there is room again. May be NULL. */
	void (*drained)(void *owner, struct net_connection *c);
	/* It has ended; E_CLOSED if the peer closed it properly. */
	void (*closed)(void *owner, struct net_connection *c, const struct error *why);
};

struct net_limits {
	size_t input;          /* octets that wait for more to come: the largest message */
	size_t output;         /* octets in the queue */
	uint64_t connect_ms;   /* until TCP is up, for each endpoint tried */
	uint64_t secure_ms;    /* from TCP on until TLS is up; 0: it may stay plain for ever */
	uint64_t stall_ms;     /* the peer must take something, if there is something, in this time */
	uint64_t linger_ms;    /* what is left to send and the peer's answer to our close may take */
};

/* 16 MiB in, 256 KiB out, 10 s to connect, 15 s to be secure, 30 s of stall, 3 s to linger. */
extern const struct net_limits net_limits_default;

/* What limits have done, since net_new(). */
struct net_counters {
	uint64_t accepted;
	uint64_t refused_connections; /* by the limits of a listener */
	uint64_t refused_unsecured;
	uint64_t refused_per_address;
	uint64_t late;    /* not secure in secure_ms */
	uint64_t stalled; /* took too little in stall_ms */
	uint64_t too_long; /* more octets than net_limits.input */
	uint64_t held;    /* times that a peer was not read for a while, by net_connection_hold() */
};

/* The key is borrowed; NULL if nothing here will speak TLS. */
enum err net_new(struct ev_loop *loop, const struct key *key, struct net **ret_net,
		 struct error *e) MUST_USE;
/* PEM certificates of authorities, and revocation lists, once and before any connection;
 * E_UNSUPPORTED without a key. It changes nothing for those who go by the pin. */
enum err net_trust_authorities(struct net *n, const char *path, struct error *e) MUST_USE;
const struct net_counters *net_counters(const struct net *n);
/* Ends everything at once, without callbacks: connections and listeners too. */
void net_free(struct net *n);

/*
 * Tries the endpoints in turn until one answers. The list is copied; limits NULL: the defaults.
 * E_OK even if the first attempt fails at once: that is said by `closed`.
 */
enum err net_connect(struct net *n, const struct endpoint *endpoints, size_t count,
		     const struct net_limits *limits, const struct net_events *events, void *owner,
		     struct net_connection **ret_connection, struct error *e) MUST_USE;

enum { NET_ENDPOINTS_MAX = 16 }; /* tried by one net_connect() */

enum net_role { NET_CLIENT, NET_SERVER };
/*
 * From inside `octets` (or any time later): what was written before still goes out plain, then the
 * handshake begins. E_UNEXPECTED unless the connection is plain.
 */
enum err net_connection_start_tls(struct net_connection *c, enum net_role role,
				  struct error *e) MUST_USE;
/* How many octets were taken; 0 if it is ending, not yet up, or between plain and secure. */
size_t net_connection_write(struct net_connection *c, struct view octets) MUST_USE;
size_t net_connection_room(const struct net_connection *c);
/* Reads nothing more from the peer until all others that wait have had their turn; then `octets` is
 * shown what was left. */
void net_connection_yield(struct net_connection *c);
/* Reads nothing more from the peer, until net_connection_resume(). */
void net_connection_hold(struct net_connection *c);
/* Reads on, and first shows what waits again: the one function that calls back, `octets` or `closed`.
 * So it is the last thing that the owner does in a callback of his own. */
void net_connection_resume(struct net_connection *c);
/* The owner is content without TLS: secure_ms is over, and it counts as unsecured no more. */
void net_connection_stay_plain(struct net_connection *c);
/* Sends what is queued, closes in TLS and TCP properly. No callbacks from now on. */
void net_connection_close(struct net_connection *c);
/* Drops everything at once. */
void net_connection_abort(struct net_connection *c);

/* Both live as long as the connection. */
const struct endpoint *net_connection_peer(const struct net_connection *c);
/* These are NULL before `secured`. */
const struct pin *net_connection_pin(const struct net_connection *c);
/* From inside `authorize` on: an authority vouches for the peer's certificate now. */
bool net_connection_is_certified(const struct net_connection *c);
/* And it says that the peer has this name or this address; the rules of RFC 4261 section 7, no
 * wildcards. False without an authority. */
bool net_connection_is_named(const struct net_connection *c, const char *name);
bool net_connection_has_address(const struct net_connection *c, const struct endpoint *address);
const struct session_binding *net_connection_binding(const struct net_connection *c);
bool net_connection_is_secure(const struct net_connection *c);
void net_connection_set_owner(struct net_connection *c, const struct net_events *events,
			      void *owner);

/* 0: no limit. */
struct net_listener_limits {
	unsigned connections; /* at a time */
	unsigned unsecured;   /* of these, not yet in TLS */
	unsigned per_address; /* of these, from one address */
};

struct net_listener_events {
	/* A new connection: set its owner here; otherwise it is dropped. */
	void (*accepted)(void *owner, struct net_listener *l, struct net_connection *c);
	/* A peer was turned away, or accept failed (peer is then NULL). May be NULL. */
	void (*refused)(void *owner, struct net_listener *l, const struct endpoint *peer,
			const struct error *why);
};

/* IPv6 listens to IPv6 only; name both addresses to have both. */
enum err net_listen(struct net *n, const struct endpoint *at,
		    const struct net_listener_limits *listener_limits,
		    const struct net_limits *limits, const struct net_listener_events *events,
		    void *owner, struct net_listener **ret_listener, struct error *e) MUST_USE;
/* Its connections live on. */
void net_listener_free(struct net_listener *l);
/* Where it listens, with the real port if 0 was asked for. */
const struct endpoint *net_listener_endpoint(const struct net_listener *l);
unsigned net_listener_connections(const struct net_listener *l);

#endif
