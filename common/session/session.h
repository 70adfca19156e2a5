/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the two ends of a COPS session share: limits, counters, oddities that are tolerated.
 *
 * A session is a pure state machine over one connection. It is told octets, wishes and the time,
 * and gives octets and events; it knows neither sockets nor TLS nor clocks. Its driver does, in
 * this order, whenever something happened:
 *
 *	1. x_session_receive() with what arrived, x_session_tls_done() after the handshake,
 *	   x_session_tick() when x_session_deadline() has come, or a wish;
 *	2. x_session_next_event() until it gives no more;
 *	3. x_session_output() and x_session_sent() until nothing is left or the socket is full;
 *	4. arm a timer for x_session_deadline().
 *
 * x_session_receive() stops behind the first message that has something to say, and returns how
 * many octets it took: drain the events, then call it again with the rest; while events wait it
 * takes nothing. What an event points to lives until the next call of x_session_next_event(), and
 * as long as the octets that were given.
 *
 * After START_TLS the driver sends what is left of the output in clear, runs the handshake over
 * the connection (the PEP is the client), and calls x_session_tls_done(); any octet in clear that
 * it hands over in between ends the session (RFC 4261 section 5).
 *
 * After CLOSED the session gives nothing more but the rest of its output, which holds the
 * Client-Closes, and swallows what it is given; send the output, then close the connection. Time
 * is monotonic, in milliseconds.
 */
#ifndef COPSEC_COMMON_SESSION_SESSION_H
#define COPSEC_COMMON_SESSION_SESSION_H

#include "common/cops/message.h"

enum {
	SESSION_NEVER_SECONDS = 0, /* as a timer: infinity */
	SESSION_CLIENT_TYPES_MAX = 8,
	SESSION_STATES_MAX = 64,        /* request states, as a default */
	SESSION_UNREPORTED_MAX = 256,   /* decisions without a report */
	SESSION_UNANSWERED_MAX = 4,     /* requests on one handle without a decision */
	SESSION_OUTPUT_LIMIT = 1 << 20, /* as a default; see x_session_congested() */
	SESSION_TEXT_SIZE = 200,
};

/* No deadline. */
#define SESSION_NEVER UINT64_MAX

enum session_security {
	SESSION_TLS_REQUIRED, /* the default: whoever offers less is refused */
	SESSION_PLAIN,        /* no negotiation, nothing protected: tests and secured links only */
};

struct session_limits {
	size_t message; /* octets of one message */
	size_t states;  /* request states of all client-types */
	size_t output;  /* octets waiting to be sent, above which wishes are refused */
};
/* The defaults above and COPS_MESSAGE_LIMIT. */
struct session_limits session_limits_default(void);

/* What a peer does wrong without harm; reported once a kind, counted always. */
enum session_oddity {
	SESSION_ODD_NOT_SOLICITED,  /* a report that answers a decision lacks the flag */
	SESSION_ODD_SOLICITED,      /* the flag where it never belongs, or has no reason */
	SESSION_ODD_KEEP_ALIVE,     /* a KA that nobody asked for */
	SESSION_ODD_UNKNOWN_HANDLE, /* a report, deletion or decision for no known handle */
	SESSION_ODD_UNKNOWN_CLIENT, /* a message for a client-type that is not open */
	SESSION_ODD_CLIENT_TYPE,    /* a KA with a client-type */
	SESSION_ODD_UNEXPECTED,     /* an answer to nothing */
	SESSION_ODDITIES,
};
const char *session_oddity_text(enum session_oddity odd);

struct session_counters {
	uint64_t octets_in, octets_out;
	uint32_t messages_in, messages_out;
	uint32_t errors_in; /* messages that were answered by an error */
	uint32_t odd[SESSION_ODDITIES];
};

/* Evenly distributed; called with the config's `user`. */
typedef uint32_t (*session_random)(void *user);

#endif
