/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The net process from inside: what its files share.
 *
 *	process.c   life, and the two other processes
 *	discovery.c the PDPs that DNS names
 *	contact.c   which PDP, and how connections to it begin and end
 *	serving.c   one session: requests, decisions, reports
 *	account.c   accounting reports, as AcctTimer paces them
 *	security.c  how a session is protected, and who a PDP is
 *	table.c     what enforce is told of the PDPs
 *	tracing.c   the messages of the session, for pepctl trace
 */
#ifndef COPSEC_PEP_NET_INTERNAL_H
#define COPSEC_PEP_NET_INTERNAL_H

#include <ev.h>

#include "common/link/link.h"
#include "pep/ipc/channel.h"
#include "pep/ipc/transfer.h"
#include "pep/net/resolver.h"
#include "pep/process/supervisor.h"
#include "pep/settings.h"

#define MODULE "net"

enum { SYNCHRONIZE_MAX = 8 }; /* SSQs of a PDP that wait for their SSC; more end the session */

/* A decision that the PDP waits for a report of, in the order in which it came. */
struct owed {
	enum { FOR_ENFORCE, REFUSE_STATE, DELETE_STATE } kind;
	uint32_t id;               /* between net and enforce */
	uint32_t decision, handle; /* in the session */
};

struct process {
	const struct pep_settings *settings;
	struct log *log;
	struct ev_loop *loop;
	struct key *key;
	struct net *net;
	struct channel *supervisor, *enforce;
	struct integrity_keys *integrity_keys; /* NULL: none */
	char pdp_name[INET6_ADDRSTRLEN];       /* whose key of these is taken */

	struct servers servers;
	struct resolver *resolver; /* DNS is being asked */
	struct ev_timer ask;       /* when to ask again */
	struct backoff asking;     /* after questions in vain */
	uint64_t asked_at;         /* 0: never was an answer */
	bool asked_in_vain;
	bool lamented; /* that there is no session; once is enough for most readers */
	bool moving;   /* the session ends because another PDP is the current one now */
	/* Of the link and its session, for servers.current may be another by now. */
	struct endpoint connected_to;
	struct link *link;
	struct session *session;
	struct error closed_for; /* why the session closed, if it said so */
	struct ev_timer retry;
	struct net_connection *probe; /* is the preferred PDP back? */
	struct ev_timer look;         /* when to see */
	struct ev_timer tabling;      /* the table has changed since it was sent */
	struct endpoint in_sync;      /* the PDP whose decisions are all in force */
	bool has_in_sync;

	struct ev_timer account; /* when the next accounting report is due */
	uint32_t account_seconds; /* between two; 0: none are wanted */
	uint32_t handle;                       /* of our request state, 0: none */
	uint32_t states_lost;                  /* by this session */
	uint32_t synchronize[SYNCHRONIZE_MAX]; /* SSQs that wait for a request: of which state */
	size_t synchronizing;
	bool request_again; /* a REQ could not be sent while one is not answered */
	bool unanswered;    /* a REQ was sent and not answered */
	uint32_t asked_id;  /* of the request that enforce is to say, 0: of none */
	uint32_t asked_after; /* 0: as full state */
	uint32_t told_id;   /* of the one that our request state had last, 0: of none */
	uint32_t last_id;
	struct transfer request;
	struct owed owed[SESSION_UNREPORTED_MAX];
	size_t owed_first, owed_count;

	bool traced;
	uint32_t untraced; /* messages that there was no room for */

	bool ending;
	int status;
};

/* ---- process.c ---- */

void stop(struct process *p, int status);
/* To enforce; what cannot be sent is logged. */
bool tell(struct process *p, const struct message *m);

/* ---- discovery.c ---- */

void discovery_init(struct process *p);
void discovery_fini(struct process *p);
/* Asks DNS, if the settings name a domain; from then on when an answer's time is over. */
void discovery_begin(struct process *p);
/* No PDP serves: asks now, unless that was done a moment ago. */
void discovery_hurry(struct process *p);

/* ---- contact.c ---- */

void contact_init(struct process *p);
void contact_fini(struct process *p);
/* enforce is there, and says whose decisions are in force: connects, and looks for others. */
enum err contact_greet(struct process *p, const struct message *m, struct error *e) MUST_USE;
/* The server at the other end of the link; NULL if it is in the list no more. */
struct server *contact_server(struct process *p);
/* Connects to the current PDP, if one is known. */
void contact_begin(struct process *p);
/* Says goodbye and stops when that has gone out. */
void contact_end(struct process *p);
void tell_state(struct process *p, enum pdp_contact state, const char *reason);
/* The current PDP is good: it decided. */
void contact_served(struct process *p);
/* It does not want us, and may have said who does. */
void contact_refused(struct process *p, const struct session_event *event);

/* ---- serving.c ---- */

/* Everything that the session has to say. */
void serve(struct process *p, struct link *l);
/* The session is over; nothing is owed any more. */
void serving_ended(struct process *p);
void on_report(struct process *p, const struct message *m);
/* Is the PDP still there? What it answers is told to enforce. */
void on_hearing_wanted(struct process *p);
void on_failure(struct process *p, const struct message *m);
/* What a REQ is to carry has come. */
void on_request(struct process *p, uint32_t id);
void want_request(struct process *p);

/* ---- account.c ---- */

void account_init(struct process *p);
/* The session is open, or over. */
void account_begin(struct process *p, uint32_t seconds);
void account_end(struct process *p);
/* What rules have counted has come. */
void on_accounting(struct process *p, const struct message *m);

/* ---- security.c ---- */

/* Keys and authorities of the settings; before rights are dropped. */
enum err security_load(struct process *p, struct error *e) MUST_USE;
void security_configure(struct process *p, struct session_config *config);
/* May this be a PDP of ours? */
bool security_authorize(struct process *p, const struct link *l, const struct pin *key);
/* A refusal: is it the first of the current PDP that asks for TLS (RFC 4261 section 5.2)? Then
 * sessions with that one have it from now on. */
bool security_demanded(struct process *p, const struct session_event *event);

/* ---- table.c ---- */

void table_init(struct process *p);
void table_fini(struct process *p);
/* Something in it changed; enforce hears within a second. */
void table_changed(struct process *p);

/* ---- tracing.c ---- */

/* The session is new. */
void tracing_attach(struct process *p);
void tracing_want(struct process *p, bool wanted);

#endif
