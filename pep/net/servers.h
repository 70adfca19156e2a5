/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PDPs that a PEP knows, and which of them it speaks to next (RFC 2748 sections 2.5 and 4.7,
 * RFC 3084 section 7).
 *
 * Servers come from the settings, in order of preference, and from whoever finds some (DNS SRV) by
 * servers_found(). They are tried in turn, each so often as the settings say, with a growing wait
 * when all were tried in vain. One that served is tried again first. A PDP may send us to another;
 * a server learned so comes before all others until it fails, and is forgotten then. Redirections
 * are followed only so many times in a row, and never to where we come from; a row ends when a PDP
 * has served for a while, or with a wait.
 *
 * While another than the preferred PDP serves, servers_return_due() says when to see whether the
 * preferred one is back. Who was redirected stays where he was sent.
 *
 * A plain value that knows neither sockets nor clocks: time (monotonic, ms) and chance are
 * arguments. Its counters outlive the sessions.
 */
#ifndef COPSEC_PEP_NET_SERVERS_H
#define COPSEC_PEP_NET_SERVERS_H

#include "common/base/endpoint.h"
#include "common/session/backoff.h"
#include "common/session/status.h"

enum {
	SERVERS_CONFIGURED_MAX = 16,
	SERVERS_FOUND_MAX = 16,
	SERVERS_MAX = 1 + SERVERS_CONFIGURED_MAX + SERVERS_FOUND_MAX,
	SERVERS_HOPS_MAX = 5,           /* redirections in a row */
	SERVERS_SETTLED_MS = 60 * 1000, /* of service that ends the row */
};

#define SERVERS_NEVER UINT64_MAX

/* The first two have the values of CopsServerEntryType in RFC 2940. */
enum server_origin {
	SERVER_CONFIGURED = 1,
	SERVER_REDIRECTED = 2,
	SERVER_FOUND = 3,
};
const char *server_origin_name(enum server_origin origin);

struct server {
	struct endpoint endpoint;
	enum server_origin origin;
	uint32_t priority; /* lower is tried first; of its origin */
	uint64_t last_attempt;
	uint32_t connect_attempts, connect_failures;
	bool tls_demanded;                /* by it, where the settings do without */
	uint16_t noted;                   /* oddities that are in the log: bit n is enum value n */
	struct session_counters counters; /* of the sessions that are over */
};

struct servers_config {
	uint32_t wait_least, wait_most; /* ms */
	uint32_t attempts;              /* at one server before the next has its turn */
	uint64_t return_after;          /* ms; 0: never look for the preferred one */
};

struct servers {
	struct servers_config config;
	struct server list[SERVERS_MAX]; /* in the order in which they are tried */
	size_t count, current;
	uint32_t attempts_left;
	bool trying, connected, served; /* by the present session */
	bool sent;              /* to the current one, by a PDP */
	uint64_t served_since,
		served_at; /* the latter put off by every look for the preferred one */
	struct backoff backoff;
	struct endpoint trail[SERVERS_HOPS_MAX]; /* who sent us on */
	size_t hops;
	uint32_t redirections, loops; /* followed, and refused */
};

void servers_init(struct servers *s, const struct servers_config *config,
	const struct endpoint *configured, size_t count);

/* Replaces what was found before; `priority` as in DNS: lower first, equal ones in the order given,
 * but those that are known already before those that are new. Those beyond the limit, and those that
 * are in the list anyway, are passed over. The current server stays as long as it is tried or
 * serves. */
struct server_found {
	struct endpoint endpoint;
	uint16_t priority;
};
void servers_found(struct servers *s, const struct server_found *found, size_t count);

/* NULL: the list is empty; then none of the functions below may be called. */
struct server *servers_current(struct servers *s);

/* What happened to the current server. */
void servers_trying(struct servers *s, uint64_t now);
void servers_connected(struct servers *s);
/* It decided: it is good. */
void servers_served(struct servers *s, uint64_t now);
/* No session, or no longer: moves on where that is due. How long to wait, in ms. */
uint32_t servers_failed(struct servers *s, uint32_t random);
/* It sent us to `to`, which becomes the current one, without a wait. E_LIMIT: too many times in a
 * row; E_DUPLICATE: in a circle. Then nothing has changed, and it counts as a failure. */
enum err servers_redirected(struct servers *s, const struct endpoint *to, uint64_t now) MUST_USE;

/* When to look whether the preferred PDP is back; SERVERS_NEVER while that is not called for. */
uint64_t servers_return_due(const struct servers *s);
const struct endpoint *servers_preferred(const struct servers *s);
/* It was looked for in vain: again after the same time. */
void servers_still_away(struct servers *s, uint64_t now);
/* It is back: it is the current one from now on. */
void servers_go_back(struct servers *s);

#endif
