/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PEP's end of a session; session.h says how to drive one.
 *
 * pep_session_new() begins with the negotiation of TLS. pep_session_open() may be called at once:
 * the Client-Open goes out as soon as the connection is secure. After OPENED come requests; each
 * DECISION obliges the user to one pep_session_report(), in the order of the decisions of a
 * handle, NULL decisions included. What is malformed never gets that far: the session answers it
 * (RPT Failure, DRQ or CC) and says so by REFUSED, STATE_LOST or CLIENT_CLOSED.
 */
#ifndef COPSEC_COMMON_SESSION_PEP_H
#define COPSEC_COMMON_SESSION_PEP_H

#include "common/session/session.h"

struct pep_session;

struct pep_session_config {
	const char *pepid; /* copied */
	enum session_security security;
	struct session_limits limits;
	uint32_t open_timeout;    /* ms until a Client-Open must be answered; also for TLS */
	uint32_t request_timeout; /* ms until a REQ must be answered */
	session_random random;
	void *user;
};
/* TLS, default limits, 30 s each; pepid and random are for the caller to fill in. */
struct pep_session_config pep_session_config_default(void);

enum pep_event_kind {
	PEP_START_TLS,
	PEP_SECURE,        /* client-types are opened now */
	PEP_OPENED,        /* a client-type was accepted */
	PEP_CLIENT_CLOSED, /* a client-type was refused or closed, and all its states are gone */
	PEP_DECISION,      /* to be reported */
	PEP_REFUSED,       /* a decision was malformed; RPT Failure is sent or under way */
	PEP_DENIED,        /* a request was answered by an Error object */
	PEP_STATE_LOST,    /* a request state was deleted by the session (DRQ sent) */
	PEP_SYNCHRONIZE,   /* request again, then pep_session_synchronized() */
	PEP_ODD,           /* first oddity of its kind; for the log */
	PEP_CLOSED,        /* the end */
};

struct pep_event {
	enum pep_event_kind kind;
	uint16_t client_type;
	uint32_t handle;   /* of the state; SYNCHRONIZE: 0 means all of the client-type */
	uint32_t decision; /* DECISION, REFUSED: its number in this session, from 1 */
	bool solicited;
	/* DECISION: whole message; cops_next_decision() walks it. A Request-State decision is
	 * alone in it: report it, then open or delete a state as it says. */
	const struct cops_message *message;
	uint16_t ka_seconds, acct_seconds; /* OPENED; 0: infinity */
	/* CLIENT_CLOSED, DENIED: Error code; STATE_LOST: Reason; REFUSED: GPERR. */
	uint16_t code, sub_code;
	/* CLIENT_CLOSED: where to go instead, NULL if nothing was said. */
	const struct cops_object *redirect;
	enum session_oddity odd;
	struct error error; /* why, as a sentence; E_OK if there is nothing to say */
};

/* NULL when memory is out or the PEPID is empty, too long or not printable. */
struct pep_session *pep_session_new(const struct pep_session_config *config, uint64_t now);
void pep_session_free(struct pep_session *s);

size_t pep_session_receive(struct pep_session *s, struct view octets, uint64_t now);
void pep_session_tls_done(struct pep_session *s, uint64_t now);
void pep_session_tick(struct pep_session *s, uint64_t now);
uint64_t pep_session_deadline(const struct pep_session *s);
bool pep_session_next_event(struct pep_session *s, struct pep_event *ret);
struct view pep_session_output(const struct pep_session *s);
void pep_session_sent(struct pep_session *s, size_t octets);
/* More octets wait than the limit: stop reading from this peer. */
bool pep_session_congested(const struct pep_session *s);
/* A message has arrived in part: a connection that ends now was cut. */
bool pep_session_in_message(const struct pep_session *s);
const struct session_counters *pep_session_counters(const struct pep_session *s);
bool pep_session_is_closed(const struct pep_session *s);

/*
 * Wishes. All fail E_CLOSED after the end, E_LIMIT when a limit is reached, E_NOT_FOUND for a
 * client-type, handle or decision that is not there. Opening, requesting, updating and telling
 * also fail E_LIMIT while congested; answers do not.
 *
 * `named` are COPS-PR objects in any number of pieces, each of whole bindings; they are copied and
 * spread over as many Named ClientSIs as needed.
 */
enum err pep_session_open(struct pep_session *s, uint16_t client_type, uint64_t now) MUST_USE;
/* A new request state. */
enum err pep_session_request(struct pep_session *s, uint16_t client_type, const struct view *named,
	size_t count, uint64_t now, uint32_t *ret_handle) MUST_USE;
/* Another REQ on a state; E_AGAIN while the last one is not answered. */
enum err pep_session_update(struct pep_session *s, uint32_t handle, const struct view *named,
	size_t count, uint64_t now) MUST_USE;
/* The one solicited report of a decision; E_UNEXPECTED while an earlier one of the same handle is
 * not reported. */
enum err pep_session_report(struct pep_session *s, uint32_t decision, enum cops_report_type type,
	const struct view *named, size_t count) MUST_USE;
/* A later failure of what was installed, or accounting. */
enum err pep_session_tell(struct pep_session *s, uint32_t handle, enum cops_report_type type,
	const struct view *named, size_t count) MUST_USE;
/* DRQ; decisions of the state that are not reported yet need no report any more. */
enum err pep_session_delete(
	struct pep_session *s, uint32_t handle, enum cops_reason_code reason) MUST_USE;
/* SSC: all requests that SYNCHRONIZE asked for are sent. */
enum err pep_session_synchronized(
	struct pep_session *s, uint16_t client_type, uint32_t handle) MUST_USE;
/* CC for one client-type, or with COPS_CLIENT_CONNECTION for all and the end (event CLOSED). */
void pep_session_close(struct pep_session *s, uint16_t client_type, enum cops_error_code code);

#endif
