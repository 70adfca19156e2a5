/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the server share; nobody else includes this.
 *
 *	server.c    life, listening, and who is to be served next
 *	edition.c   what is in force and what is tried, and who gets which
 *	identity.c  who a peer is, and by what it is known
 *	peer.c      one connection: what it asks, what it is sent, what it reports
 *	request.c   what a node says of itself
 *	publish.c   what publishers want
 *	follow.c    telling them how it stands with the nodes
 *	operate.c   what an operator wants of the sessions, and what they counted
 *	tracing.c   the messages of all sessions, for pdpctl trace
 *	describe.c  what pdpctl is told of nodes and policy
 */
#ifndef COPSEC_PDP_DECISION_INTERNAL_H
#define COPSEC_PDP_DECISION_INTERNAL_H

#include <ev.h>

#include "common/link/link.h"
#include "common/service/refusals.h"
#include "common/trace/live.h"
#include "common/session/status.h"
#include "pdp/decision/guests.h"
#include "pdp/decision/history.h"
#include "pdp/decision/offenders.h"
#include "pdp/decision/server.h"
#include "pdp/decision/trial.h"
#include "pib/framework/traffic.h"
#include "pib/publishing/standing.h"
#include "pib/store/store.h"

/*
 * One connection, whoever it turns out to be. Its decisions are paced: there is one under way at a
 * time, the next one when the node has reported, so a slow node skips what is outdated already and
 * cannot make our queue grow.
 */
struct peer {
	struct server *server;
	struct peer *next, **back; /* in server.peers */
	struct link *link;
	struct session *session;
	struct endpoint address;
	struct pin key;   /* once it has opened anything; zeros without TLS */
	bool key_shown;
	bool by_name;     /* its node is known by a name that is proven, not by its key */
	char *node;       /* PEPID, while it is open as a node */
	uint32_t state;   /* its newest request state, 0 if there is none */
	uint32_t asked;   /* request state whose REQ is to be answered, 0 if there is none */
	struct pri_store *request; /* what its REQs say of it, NULL before the first */
	struct traffic *traffic;   /* of its last accounting report, NULL before the first */
	uint64_t traffic_time;     /* seconds since 1970 */
	uint64_t guests;  /* what it holds of them (guests_version), if it holds anything */
	uint64_t holds;   /* the serial that is installed, by its REQ or signed report; 0: unknown */
	uint32_t awaited; /* number of the decision that it has not reported yet, 0 if none */
	uint64_t awaited_since; /* as of link_now() */
	bool late;        /* longer than report-timeout */
	/* The serial that this decision leads to if it builds on what the node holds, as deltas and
	 * NULL do; 0: it is a full state. */
	uint64_t expected;
	uint64_t expected_guests;
	bool outdated;    /* is to get the policy in force */
	struct follower *follower; /* as a publisher; NULL: it does not follow */
	bool told;        /* its end is in the log */
	bool counted;     /* among the refused */
};

/* A node of an edition. */
struct seat {
	struct peer *peer;                 /* NULL: not connected */
	const struct store_report *report; /* NULL: never reported */
	uint16_t noted; /* oddities that are in the log: bit n is enum value n */
};

/* A publication that nodes are served, and what belongs to it. */
struct edition {
	struct publication *publication; /* NULL: there is none */
	struct history history;          /* what was there before */
	struct seat *seats;              /* by publication_node.which */
	struct pin publisher;            /* all zeros where the store does not say */
	uint64_t published;              /* seconds since 1970 */
};

struct server {
	struct server_parts parts;
	struct net *net;
	struct net_listener **listeners;
	size_t listener_count;
	struct session_config session_config, direct_config; /* of listen, of listen-tls */
	struct guests guests; /* what other authorities say */
	struct edition force;
	struct edition tried; /* while there is a trial */
	struct trial *trial;  /* NULL: nothing is tried */
	struct compliance_table *compliance;
	struct peer *peers;
	size_t follower_count;
	struct peer *serve_next; /* they and all behind are to be served by and by */
	struct ev_timer serving;
	struct ev_timer saving; /* of reports */
	struct ev_timer watching; /* for reports that do not come */
	struct ev_timer following; /* what followers are to be told gathers */
	struct trace_live *trace;
	bool redirecting;       /* nodes are sent to `redirect` */
	struct endpoint redirect;
	struct session_counters counters; /* of the sessions that are over */
	struct {
		struct refusals connections, peers, messages, bundles, reports;
	} refused;
	struct offenders offenders;
};

/* Seconds since 1970. */
uint64_t server_utc(void);
void server_changed(struct server *s);
struct offence_limit server_offence_limit(const struct server *s);
/* Reports are to be saved before long. */
void server_reported(struct server *s);
/* Has everyone served that is outdated. */
void server_serve_all(struct server *s);

/* Of all editions: what nodes get is read from the store, and let go. */
enum err editions_load(struct server *s, struct error *error) MUST_USE;
void editions_fini(struct server *s);
/* Takes the publication, also when it fails. */
enum err edition_init(struct edition *e, struct publication *p, struct error *error) MUST_USE;
void edition_fini(struct edition *e);
/* The newest there is: what is tried, else what is in force. */
struct edition *edition_newest(struct server *s);
/* The steps of a publication; all that can fail is done before. Each has the nodes served that get
 * something else by it. Edition and trial are taken. */
void edition_publish(struct server *s, struct edition *e);
void edition_try(struct server *s, struct edition *e, struct trial *t);
void edition_promote(struct server *s);

/* A node as it is served: of the publication that is tried, if it tries it. NULL if nobody knows it. */
const struct publication_node *server_find_key(const struct server *s, const struct pin *key);
const struct publication_node *server_find_name(const struct server *s, const char *name);
/* All of them: the nodes of the publication in force, then who tries and is new. */
size_t server_node_count(const struct server *s);
const struct publication_node *server_node(const struct server *s, size_t which);
/* Of such a node. */
struct edition *server_edition(struct server *s, const struct publication_node *node);
uint64_t server_node_serial(const struct server *s, const struct publication_node *node);
struct seat *server_seat(const struct server *s, const struct publication_node *node);
/* How it stands with it; borrows from the server until the next event. */
struct node_standing server_standing(
	const struct server *s, const struct publication_node *node);

/* What was tolerated in sessions, a number for each kind. */
json_t *server_describe_oddities(const struct session_counters *c);

/* A connection that a listener accepted. */
void peer_accept(struct server *s, struct net_connection *connection,
	const struct session_config *config);
/* Whether a report was due before `now`; said once. */
void peer_watch(struct peer *p, uint64_t now);
/* Drops it at once. */
void peer_free(struct peer *p);
/* What it is under the policy in force: by its key, and as what it opened. NULL if nothing. */
const struct publication_node *peer_node(const struct peer *p);

/* A REQ changes what is known of the node. `ret_same_claim`: but not what it says is installed. On
 * failure it does not, and the node is told why by the decision that answers it; E_CLOSED: it could
 * not even be told. */
enum err request_take(struct peer *p, uint32_t state, const struct cops_message *message,
	bool *ret_same_claim, struct error *why) MUST_USE;
/* Answers a REQ by a frwkError for each failure, and the sentence as copsecFailure. */
enum err request_refuse(struct peer *p, uint32_t state, const struct pri_failures *failures,
	const struct error *why) MUST_USE;

/* May a peer with this key in TLS go on, so that it can say who it is? */
bool peer_may_connect(const struct peer *p, const struct pin *key);
/* The node that it says it is: E_DENIED or E_MISMATCH unless its key, a certificate with its name or
 * the key of the Integrity object says so too, or the settings do without. */
enum err peer_identify(struct peer *p, const struct session_event *opening,
	const struct publication_node **ret_node, struct error *error) MUST_USE;

/* Shows the messages of its session to whoever traces. */
void peer_trace(struct peer *p);

bool may_publish(const struct server *s, const struct pin *key);
/* A REQ of the publishing client-type. */
void publish_request(struct peer *p, const struct session_event *event);

/* A publisher that follows: its REQ, which is answered at once, its reports, and its end. */
enum err follow_begin(struct peer *p, uint32_t state, struct error *error) MUST_USE;
void follow_report(struct peer *p, const struct session_event *event);
void follow_deleted(struct peer *p, uint32_t state);
void follow_end(struct peer *p);
/* Has something changed that followers are to be told? */
void follow_soon(struct server *s);
void follow_prepare(struct server *s);

#endif
