/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a session can say of itself: all that COPS-CLIENT-MIB (RFC 2940) asks for, and what we
 * tolerated or refused besides. Counted where it happens, read through these structs; plain values.
 *
 * A session lives as long as its connection, the counters of RFC 2940 as long as the agent: whoever
 * owns sessions keeps a tally over them.
 */
#ifndef COPSEC_COMMON_SESSION_STATUS_H
#define COPSEC_COMMON_SESSION_STATUS_H

#include "common/session/session.h"

/* Of a client-type; those of client-type 0 are of the connection itself. X(symbol, name, meaning)
 * with the name that the JSON of the control tools has. */
#define SESSION_COUNTS(X)                                                                          \
	X(MESSAGES_IN, "messages-in", "copsClientInPkts")                                          \
	X(MESSAGES_OUT, "messages-out", "copsClientOutPkts")                                       \
	X(ERRORS_IN, "errors-in", "copsClientInErrs")                                              \
	X(OPEN_ATTEMPTS, "open-attempts", "copsClientOpenAttempts")                                \
	X(OPEN_FAILURES, "open-failures", "copsClientOpenFailures")                                \
	X(UNSUPPORTED_CLIENT_TYPE, "unsupported-client-type", "copsClientErrUnsupportClienttype")  \
	X(UNSUPPORTED_VERSION, "unsupported-version", "copsClientErrUnsupportedVersion")           \
	X(LENGTH_MISMATCH, "length-mismatch", "copsClientErrLengthMismatch")                       \
	X(UNKNOWN_OP_CODE, "unknown-op-code", "copsClientErrUnknownOpcode")                        \
	X(UNKNOWN_C_NUM, "unknown-c-num", "copsClientErrUnknownCnum")                              \
	X(BAD_C_TYPE, "bad-c-type", "copsClientErrBadCtype")                                       \
	X(BAD_SENDS, "bad-sends", "copsClientErrBadSends")                                         \
	X(WRONG_OBJECTS, "wrong-objects", "copsClientErrWrongObjects")                             \
	X(WRONG_OP_CODE, "wrong-op-code", "copsClientErrWrongOpcode")                              \
	X(KEEP_ALIVE_TIMEOUTS, "keep-alive-timeouts", "copsClientKaTimedoutClients")               \
	X(AUTH_FAILURES, "auth-failures", "copsClientErrAuthFailures")                             \
	X(AUTH_MISSING, "auth-missing", "copsClientErrAuthMissing")

enum session_count {
#define X(symbol, name, object) SESSION_COUNT_##symbol,
	SESSION_COUNTS(X)
#undef X
		SESSION_COUNT_KINDS
};
const char *session_count_name(enum session_count kind);
/* As in the JSON of the control tools; session_oddity_text() is for people. */
const char *session_oddity_name(enum session_oddity odd);

struct session_counts {
	uint16_t client_type;
	uint16_t last_error; /* the code of the last Error object that came; 0: none */
	uint32_t of[SESSION_COUNT_KINDS];
};

struct session_counters {
	uint64_t octets_in, octets_out;
	uint32_t odd[SESSION_ODDITIES];
	uint32_t limited[SESSION_LIMITS];
	/* The first row is the connection's. Messages for client-types that were never opened are
	 * counted there. */
	struct session_counts rows[1 + SESSION_CLIENT_TYPES_MAX];
	uint32_t row_count;
};
/* Begins as zeros; adds up. A client-type for which no row is left goes to the connection's. */
void session_counters_add(struct session_counters *sum, const struct session_counters *s);
/* Of one kind, over all client-types. */
uint32_t session_counters_total(const struct session_counters *c, enum session_count kind);

/* The values of CopsClientState in RFC 2940. */
enum session_progress {
	SESSION_INVALID = 1,
	SESSION_CONNECTED = 2, /* the Client-Open is not answered yet */
	SESSION_AUTHENTICATING = 3,
	SESSION_SECURED = 4, /* of the connection */
	SESSION_ACCEPTED = 5,
	SESSION_TIMING_OUT = 6, /* silent for longer than a PEP's greatest wait for a keep-alive */
};
const char *session_progress_name(enum session_progress progress);

struct session_client_status {
	uint16_t client_type; /* 0: the connection */
	enum session_progress progress;
	uint16_t ka_seconds;   /* as this client-type's CAT said */
	uint32_t acct_seconds; /* SESSION_ACCOUNTING_ANY: no AcctTimer */
	uint32_t states;       /* request states */
	uint32_t unreported;   /* decisions */
};

struct session_status {
	enum session_security security;
	uint32_t ka_seconds; /* in force: the least of all; 0: none */
	uint32_t states, unreported, unanswered;
	size_t waiting; /* octets to be sent */
	struct session_client_status clients[1 + SESSION_CLIENT_TYPES_MAX];
	uint32_t client_count; /* at least 1 */
};
void session_status(const struct session *s, struct session_status *ret);

#endif
