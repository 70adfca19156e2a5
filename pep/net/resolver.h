/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks DNS once for the PDPs of a domain: its SRV records, then the addresses of the hosts that they
 * name (RFC 2782). On an event loop, by c-ares: nothing blocks, and nothing outlives the question,
 * so the servers of /etc/resolv.conf are those of now.
 *
 * What comes back is hearsay. Who uses it checks where it leads and who is there.
 */
#ifndef COPSEC_PEP_NET_RESOLVER_H
#define COPSEC_PEP_NET_RESOLVER_H

#include <ev.h>

#include "pep/net/servers.h"

enum {
	RESOLVER_HOST_ADDRESSES_MAX = 8, /* of one host; further ones are passed over */
	RESOLVER_TIMEOUT_MS = 2000,      /* of the first attempt at a DNS server; it grows */
	RESOLVER_ATTEMPTS = 3,
};

struct resolver_question {
	const char *service; /* "_cops._tcp" */
	const char *domain;
	const struct endpoint_list *servers; /* of DNS; empty: those of the system */
	uint32_t (*random)(void *user);
	void *user;
};

struct resolver_answer {
	/* In the order in which they are to be tried. None, without an error: the domain says that
	 * there is no such service. */
	struct server_found list[SERVERS_FOUND_MAX];
	size_t count;
	/* No host was without an answer; else those that are missing may be there all the same. */
	bool complete;
	size_t passed_over; /* beyond a limit */
	uint32_t ttl;       /* seconds */
	struct error why;   /* not E_OK: no answer; E_NOT_FOUND: no such record */
};

/* The last call that is made for it. The resolver may be freed inside. */
typedef void (*resolver_done)(void *owner, const struct resolver_answer *answer);

struct resolver;

/* The question is needed no more afterwards. */
enum err resolver_ask(struct ev_loop *loop, const struct resolver_question *question,
	resolver_done done, void *owner, struct resolver **ret, struct error *e) MUST_USE;
/* Also before it is done; takes NULL. */
struct resolver *resolver_free(struct resolver *r);

#endif
