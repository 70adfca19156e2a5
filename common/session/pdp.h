/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PDP's end of a session; session.h says how to drive one.
 *
 * OPENING must be answered by pdp_session_accept() or pdp_session_refuse(), at once or later; each
 * REQUEST by exactly one decision (the first that is sent after it), NULL if there is nothing to
 * say. Decisions are numbered; REPORT names the decision that it answers, in the order in which a
 * state's decisions were sent. What is malformed is answered by the session (DEC with Error, CC).
 *
 * A session is small while nothing is under way: buffers are released when they are empty.
 */
#ifndef COPSEC_COMMON_SESSION_PDP_H
#define COPSEC_COMMON_SESSION_PDP_H

#include "common/session/session.h"

struct pdp_session;

struct pdp_session_config {
	enum session_security security;
	struct session_limits limits;
	uint16_t ka_seconds;   /* offered in every CAT; 0: infinity */
	uint32_t open_timeout; /* ms until the first Client-Open, also for TLS */
};
/* TLS, default limits, 30 s each. */
struct pdp_session_config pdp_session_config_default(void);

enum pdp_event_kind {
	PDP_START_TLS,
	PDP_OPENING, /* accept or refuse */
	PDP_REQUEST, /* decide */
	PDP_REPORT,
	PDP_DELETED,       /* the PEP deleted a request state */
	PDP_SYNCHRONIZED,  /* SSC */
	PDP_CLIENT_CLOSED, /* the PEP closed a client-type, or its messages made us close it */
	PDP_REFUSED,       /* a REQ was malformed; answered by an Error */
	PDP_ODD,           /* first oddity of its kind; for the log */
	PDP_CLOSED,        /* the end */
};

struct pdp_event {
	enum pdp_event_kind kind;
	uint16_t client_type;
	/* The request state, by a number of ours that no other of this session ever has;
	 * SYNCHRONIZED: 0 means all of the client-type. */
	uint32_t state;
	struct view handle; /* its handle on the wire */
	struct view pepid;  /* OPENING */
	bool again;         /* OPENING, REQUEST: of what is open already */
	/* OPENING, REQUEST, REPORT: the whole message; cops_next_named() walks its data. */
	const struct cops_message *message;
	uint32_t decision; /* REPORT: what it answers; 0: sent on the PEP's own account */
	enum cops_report_type report;
	/* DELETED: Reason; CLIENT_CLOSED, REFUSED: Error code. */
	uint16_t code, sub_code;
	enum session_oddity odd;
	struct error error; /* why, as a sentence; E_OK if there is nothing to say */
};

/* `config` is borrowed and shared by all sessions. NULL when memory is out. */
struct pdp_session *pdp_session_new(const struct pdp_session_config *config, uint64_t now);
void pdp_session_free(struct pdp_session *s);

size_t pdp_session_receive(struct pdp_session *s, struct view octets, uint64_t now);
void pdp_session_tls_done(struct pdp_session *s, uint64_t now);
void pdp_session_tick(struct pdp_session *s, uint64_t now);
uint64_t pdp_session_deadline(const struct pdp_session *s);
bool pdp_session_next_event(struct pdp_session *s, struct pdp_event *ret);
struct view pdp_session_output(const struct pdp_session *s);
void pdp_session_sent(struct pdp_session *s, size_t octets);
/* More octets wait than the limit: stop reading from this peer. */
bool pdp_session_congested(const struct pdp_session *s);
/* A message has arrived in part: a connection that ends now was cut. */
bool pdp_session_in_message(const struct pdp_session *s);
const struct session_counters *pdp_session_counters(const struct pdp_session *s);
bool pdp_session_is_closed(const struct pdp_session *s);

/* Wishes. All fail E_CLOSED after the end and E_NOT_FOUND for a client-type or state that is not
 * there; a decision that answers no request fails E_LIMIT while congested. */
enum err pdp_session_accept(struct pdp_session *s, uint16_t client_type) MUST_USE;
enum err pdp_session_refuse(struct pdp_session *s, uint16_t client_type, enum cops_error_code code,
	uint16_t sub_code) MUST_USE;

/* One transaction: removes first. The pieces hold whole COPS-PR objects and whole bindings; they
 * are copied and spread over as many decisions of the one DEC as needed. */
struct pdp_transaction {
	const struct view *removes; /* PRID and PPRID */
	size_t remove_count;
	const struct view *installs; /* PRID and EPD */
	size_t install_count;
};
enum err pdp_session_decide(struct pdp_session *s, uint32_t state, const struct pdp_transaction *t,
	uint32_t *ret_decision) MUST_USE;
enum err pdp_session_decide_null(
	struct pdp_session *s, uint32_t state, uint32_t *ret_decision) MUST_USE;
/* Answers a request by an Error object; E_UNEXPECTED if none waits. A state that never had a
 * decision is gone. No report follows. */
enum err pdp_session_decide_error(struct pdp_session *s, uint32_t state, enum cops_error_code code,
	uint16_t sub_code) MUST_USE;
/* Request-State: COPS_INSTALL asks for another request state, COPS_REMOVE to delete this one. */
enum err pdp_session_decide_state(struct pdp_session *s, uint32_t state, enum cops_command command,
	uint32_t *ret_decision) MUST_USE;
/* SSQ; state 0: all of the client-type. */
enum err pdp_session_synchronize(
	struct pdp_session *s, uint16_t client_type, uint32_t state) MUST_USE;
/* CC for one client-type, or with COPS_CLIENT_CONNECTION for all and the end (event CLOSED). */
void pdp_session_close(struct pdp_session *s, uint16_t client_type, enum cops_error_code code);

#endif
