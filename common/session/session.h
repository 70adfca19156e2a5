/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A COPS session: a pure state machine over one connection, in one of two roles (RFC 2748).
 *
 * It is told octets, wishes and the time, and gives octets and events; it knows neither sockets
 * nor TLS nor clocks. What both roles have in common stands here, the wishes of a PEP in pep.h,
 * those of a PDP in pdp.h. Its driver does, in this order, whenever something happened:
 *
 *	1. session_receive() with what arrived, session_tls_done() after the handshake,
 *	   session_tick() when session_deadline() has come, or a wish;
 *	2. session_next_event() until it gives no more;
 *	3. session_output() and session_sent() until nothing is left or the socket is full;
 *	4. arm a timer for session_deadline().
 *
 * session_receive() stops behind the first message that has something to say, and returns how
 * many octets it took: drain the events, then call it again with the rest; while events wait it
 * takes nothing. What an event points to lives until the next call of session_next_event(), and
 * as long as the octets that were given.
 *
 * After START_TLS the driver sends what is left of the output in clear, runs the handshake over
 * the connection (the PEP is the client), and calls session_tls_done(); any octet in clear that
 * it hands over in between ends the session (RFC 4261 section 5).
 *
 * After CLOSED the session gives nothing more but the rest of its output, which holds the
 * Client-Closes, and swallows what it is given; send the output, then close the connection. Time
 * is monotonic, in milliseconds. A session is small while nothing is under way: buffers are
 * released when they are empty.
 */
#ifndef COPSEC_COMMON_SESSION_SESSION_H
#define COPSEC_COMMON_SESSION_SESSION_H

#include "common/base/binding.h"
#include "common/cops/message.h"
#include "common/integrity/keys.h"

enum {
	SESSION_NEVER_SECONDS = 0, /* as a keep-alive timer: infinity */
	SESSION_CLIENT_TYPES_MAX = 8,
	SESSION_STATES_MAX = 64,        /* request states, as a default */
	SESSION_UNREPORTED_MAX = 256,   /* decisions without a report */
	SESSION_UNANSWERED_MAX = 4,     /* requests on one handle without a decision */
	SESSION_OUTPUT_LIMIT = 1 << 20, /* as a default; see session_congested() */
	SESSION_PROGRESS = 16 * 1024,   /* octets */
};

/* No deadline. */
#define SESSION_NEVER UINT64_MAX
/* As an accounting timer: no AcctTimer, reports as often as the PEP likes; 0 means none at all. */
#define SESSION_ACCOUNTING_ANY UINT32_MAX

enum session_role { SESSION_PEP, SESSION_PDP };

/* Of the transport; the Integrity object may come on top of any (RFC 2748 section 4.1). */
enum session_security {
	SESSION_TLS_REQUIRED, /* the default: whoever offers less is refused (RFC 4261) */
	SESSION_TLS_AWAITED,  /* the same, but a PEP leaves it to the PDP to begin (section 5.2) */
	SESSION_TLS_DIRECT,   /* from the first octet, on a port of its own */
	SESSION_TLS_OPTIONAL, /* if the other end begins */
	SESSION_PLAIN,        /* none */
};

struct session_limits {
	size_t message; /* octets of one message */
	size_t states;  /* request states of all client-types */
	size_t output;  /* octets waiting to be sent, above which wishes are refused */
};
/* The defaults above and COPS_MESSAGE_LIMIT. */
struct session_limits session_limits_default(void);

/* Evenly distributed; called with the config's `user`. */
typedef uint32_t (*session_random)(void *user);
/* Seconds since 1970. */
typedef uint64_t (*session_utc)(void *user);

/* A whole message, sent or received; it lives as long as the call, in which the session must not be
 * touched. */
typedef void (*session_tap)(void *tapper, bool out, struct view message);

struct session_config {
	enum session_security security;
	/* Borrowed as long as the session lives; NULL: no Integrity object. A PEP that has them
	 * insists on it; a PDP accepts it, and insists if it is required. */
	struct integrity_keys *integrity_keys;
	bool integrity_required;
	session_utc utc; /* with keys */
	void *user;      /* of utc and random */
	struct session_limits limits;
	/* ms. PEP: until a Client-Open must be answered, also for TLS. PDP: until the first
	 * Client-Open, also for TLS. */
	uint32_t open_timeout;
	/* ms in which a peer must send the rest of a message that it has begun, or SESSION_PROGRESS
	 * octets of it */
	uint32_t message_timeout;

	/* PEP */
	const char *pepid;        /* copied */
	const char *pdp;          /* copied: whose key of integrity_keys to take */
	uint32_t request_timeout; /* ms until a REQ must be answered */
	session_random random;

	/* PDP */
	uint16_t ka_seconds;   /* offered in every CAT; 0: infinity */
	uint32_t acct_seconds; /* offered in every CAT but that of client-type 0 */
};
/* TLS, default limits, 30 s each; a PEP's pepid and random are for the caller to fill in. */
struct session_config session_config_default(enum session_role role);

/* What a peer does wrong, and what is passed over; reported once a kind, counted always. */
enum session_oddity {
	SESSION_ODD_NOT_SOLICITED,  /* a report that answers a decision lacks the flag */
	SESSION_ODD_SOLICITED,      /* the flag where it never belongs, or has no reason */
	SESSION_ODD_KEEP_ALIVE,     /* a KA that nobody asked for */
	SESSION_ODD_UNKNOWN_HANDLE, /* a report, deletion or decision for no known handle */
	SESSION_ODD_UNKNOWN_CLIENT, /* a message for a client-type that is not open */
	SESSION_ODD_UNEXPECTED,     /* an answer to nothing */
	SESSION_ODD_REDIRECTION,    /* PDPRedirAddr in clear, which is not told */
	SESSION_ODD_PEPID_NUL,      /* a PEPID without its NUL */
	SESSION_ODD_PEPID_PADDING,  /* padding behind a PEPID and not in it */
	SESSION_ODD_PADDING,        /* a last COPS-PR object without its padding */
	SESSION_ODD_INTEGER,        /* INTEGER's tag on an Unsigned32; session_note() */
	SESSION_ODDITIES,
};
const char *session_oddity_text(enum session_oddity odd);

/* What a peer asks for beyond our limits; counted. */
enum session_limit {
	SESSION_LIMIT_MESSAGE,      /* a message longer than session_limits.message */
	SESSION_LIMIT_CLIENT_TYPES, /* more than SESSION_CLIENT_TYPES_MAX */
	SESSION_LIMIT_STATES,       /* more request states than session_limits.states */
	SESSION_LIMIT_REQUESTS,     /* more than SESSION_UNANSWERED_MAX on one handle */
	SESSION_LIMIT_DECISIONS,    /* more than SESSION_UNREPORTED_MAX */
	SESSION_LIMIT_ANSWERS,      /* our answers are not read */
	SESSION_LIMIT_OUTPUT,       /* as much as session_limits.output waits to be sent */
	SESSION_LIMIT_SLOW,         /* a message takes longer than session_config.message_timeout */
	SESSION_LIMITS,
};
const char *session_limit_name(enum session_limit limit);

enum session_event_kind {
	SESSION_START_TLS,

	/* PEP */
	SESSION_SECURE,      /* client-types are opened now */
	SESSION_OPENED,      /* a client-type was accepted */
	SESSION_DECISION,    /* to be reported */
	SESSION_DENIED,      /* a request was answered by an Error object */
	SESSION_STATE_LOST,  /* a request state was deleted by the session (DRQ sent) */
	SESSION_SYNCHRONIZE, /* request again, then pep_session_synchronized() */
	SESSION_ALIVE,       /* the answer to pep_session_ask_alive() */

	/* PDP */
	SESSION_OPENING, /* accept or refuse */
	SESSION_REQUEST, /* decide */
	SESSION_REPORT,
	SESSION_DELETED,      /* the PEP deleted a request state */
	SESSION_SYNCHRONIZED, /* SSC */

	/* both */
	SESSION_REFUSED,       /* a decision (PEP) or request (PDP) was malformed; answered */
	SESSION_CLIENT_CLOSED, /* a client-type was refused or closed; its states are gone */
	SESSION_ODD,           /* first oddity of its kind; for the log */
	SESSION_CLOSED,        /* the end */
};

struct session_event {
	enum session_event_kind kind;
	uint16_t client_type;
	/* The request state, by a number that no other of this session has at the same time. A
	 * PEP's is its handle. SYNCHRONIZE, SYNCHRONIZED: 0 means all of the client-type. */
	uint32_t state;
	struct view handle; /* PDP: of the state, on the wire */
	/* OPENING, REQUEST, REPORT, DECISION: the whole message; cops_next_named() and
	 * cops_next_decision() walk its data. A Request-State decision is alone in its message:
	 * report it, then open or delete a state as it says. */
	const struct cops_message *message;
	/* DECISION, REFUSED: its number in this session, from 1. REPORT: of the decision that it
	 * answers; 0: sent on the PEP's own account. */
	uint32_t decision;
	bool solicited;    /* DECISION, REFUSED */
	bool again;        /* OPENING, REQUEST: of what is open already */
	bool proven;       /* OPENING: the PEPID, by the key of the Integrity object */
	struct view pepid; /* OPENING */
	enum cops_report_type report;
	uint16_t ka_seconds;   /* OPENED; 0: infinity */
	uint32_t acct_seconds; /* OPENED; SESSION_ACCOUNTING_ANY: as often as we like */
	/* CLIENT_CLOSED, DENIED, a PDP's REFUSED: Error code; STATE_LOST, DELETED: Reason; a PEP's
	 * REFUSED: GPERR. */
	uint16_t code, sub_code;
	/* CLIENT_CLOSED at a PEP: where to go instead, NULL if nothing was said. Only what TLS or
	 * the Integrity object protects counts: whoever sits on the wire could send us anywhere. */
	const struct cops_object *redirect;
	/* OPENING: whose decisions the PEP still has, NULL if it has none. */
	const struct cops_object *last_pdp;
	enum session_oddity odd;
	struct error error; /* why, as a sentence; E_OK if there is nothing to say */
};

struct session;

/* `config` is not needed any more afterwards. NULL when memory is out, or the PEPID is empty, too
 * long or not printable. */
struct session *session_new(
	enum session_role role, const struct session_config *config, uint64_t now);
/* Takes NULL. */
void session_free(struct session *s);
enum session_role session_role(const struct session *s);

/* Shows every message from now on, as it is queued, and as it is received before it is judged. NULL:
 * no more. */
void session_set_tap(struct session *s, session_tap tap, void *tapper);

size_t session_receive(struct session *s, struct view octets, uint64_t now);
void session_tls_done(struct session *s, uint64_t now);
void session_tick(struct session *s, uint64_t now);
uint64_t session_deadline(const struct session *s);
bool session_next_event(struct session *s, struct session_event *ret);
struct view session_output(const struct session *s);
void session_sent(struct session *s, size_t octets);

/* More octets wait than the limit: stop reading from this peer. */
bool session_congested(const struct session *s);
/* A message has arrived in part: a connection that ends now was cut. */
bool session_in_message(const struct session *s);
bool session_is_closed(const struct session *s);
/* Every message has the Integrity object. */
bool session_is_sealed(const struct session *s);
/* What names a sealed session; integrity.h. E_UNEXPECTED of any other. */
enum err session_integrity_binding(
	const struct session *s, struct session_binding *ret_binding) MUST_USE;

/* How many messages have come; wraps. */
uint32_t session_messages(const struct session *s);

/* What has been counted; common/session/status.h. */
struct session_counters;
const struct session_counters *session_counters(const struct session *s);

/* Counts what only the user can see in a message, who knows the classes, and tells it (event ODD). */
void session_note(struct session *s, enum session_oddity odd);

/* CC for one client-type, or with COPS_CLIENT_CONNECTION for all and the end (event CLOSED). */
void session_close(struct session *s, uint16_t client_type, enum cops_error_code code);

#endif
