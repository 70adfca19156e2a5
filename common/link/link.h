/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A link drives one session core (common/session) over one connection (common/net): it carries
 * octets and time between the two and starts TLS when the session asks for it. All programs that
 * speak COPS use it, PEPs and PDPs alike.
 *
 * The owner keeps the session and frees it after the link has ended. Its `drain` takes the events
 * of the session, by session_next_event(); on START_TLS it calls link_start_tls(). After a wish
 * (pep_session_request() and the like) from outside `drain`, it calls link_pump(). No callback is
 * made from inside a function that the owner calls, except `drain` and `ended` from link_pump().
 */
#ifndef COPSEC_COMMON_LINK_LINK_H
#define COPSEC_COMMON_LINK_LINK_H

#include "common/net/net.h"
#include "common/session/pdp.h"
#include "common/session/pep.h"

/* The functions of session.h, or others that stand before them. */
struct link_session {
	size_t (*receive)(void *session, struct view octets, uint64_t now);
	void (*tls_done)(void *session, uint64_t now);
	void (*tick)(void *session, uint64_t now);
	uint64_t (*deadline)(const void *session);
	struct view (*output)(const void *session);
	void (*sent)(void *session, size_t octets);
	bool (*is_closed)(const void *session);
	enum session_role (*role)(const void *session);
	uint32_t (*messages)(const void *session);
	enum err (*integrity_binding)(const void *session, struct session_binding *ret_binding);
};
extern const struct link_session link_session;

struct link;

struct link_events {
	/* TCP is up: make the session and link_attach() it; otherwise the link ends with E_MEMORY.
	 * Only after link_connect(). */
	void (*connected)(void *owner, struct link *l);
	/* May a peer with this key go on? */
	bool (*authorize)(void *owner, struct link *l, const struct pin *peer);
	/* Take all events of the session; called too, without any, when there is room for output
	 * again. The link must not be closed here: close the session. */
	void (*drain)(void *owner, struct link *l);
	/* The connection is gone, and the link with it: once and last. E_CLOSED: in good order. */
	void (*ended)(void *owner, const struct error *why);
};

/* Milliseconds, monotonic: the time that links give to their sessions. */
uint64_t link_now(void);

/* Tries the endpoints in turn; limits NULL: the defaults of net.h. */
enum err link_connect(struct ev_loop *loop, struct net *net, const struct endpoint *endpoints,
	size_t count, const struct net_limits *limits, const struct link_events *events,
	void *owner, struct link **ret_link, struct error *error) MUST_USE;
/* Over a connection that a listener has just accepted. */
enum err link_accept(struct ev_loop *loop, struct net_connection *connection,
	const struct link_events *events, void *owner, struct link **ret_link,
	struct error *error) MUST_USE;
/* At once after `connected` or link_accept(). */
void link_attach(struct link *l, const struct link_session *type, void *session);

/* Only from `drain`, on the session's START_TLS. */
void link_start_tls(struct link *l);
/* The session is as secure as it has to be, though without TLS. */
void link_stay_plain(struct link *l);
/* Sends what the session has to say and arms its timer. */
void link_pump(struct link *l);
/* Lets go: as much output as the connection takes now (net_limits.output) still goes out, no
 * callback comes any more. Takes NULL; never from inside a callback of this link. */
struct link *link_close(struct link *l);
/* The same, but drops everything at once. */
struct link *link_abort(struct link *l);

const struct endpoint *link_peer(const struct link *l);
/* NULL before TLS is up. */
const struct pin *link_pin(const struct link *l);
/* What names this connection: of TLS, or of the Integrity object; all zeros without either, for then
 * nothing tells it from another. */
const struct session_binding *link_binding(struct link *l);
/* What an authority says of the peer, if TLS is up: see net.h. */
bool link_is_certified(const struct link *l);
bool link_is_named(const struct link *l, const char *name);
bool link_has_address(const struct link *l, const struct endpoint *address);

#endif
