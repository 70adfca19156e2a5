/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What net tells enforce of the PDPs, as octets of fixed length: an endpoint, and the table that
 * COPS-CLIENT-MIB (RFC 2940) calls copsClientServerCurrentTable, a row for each PDP and
 * client-type.
 *
 * enforce shows them and does nothing else with them. What does not fit the length, or names an
 * enumeration's value that there is not, is refused.
 */
#ifndef COPSEC_PEP_IPC_CONTACT_H
#define COPSEC_PEP_IPC_CONTACT_H

#include "common/base/bytes.h"
#include "common/base/cursor.h"
#include "common/base/endpoint.h"
#include "common/session/status.h"

/* X(member): all of them 32-bit numbers. */
#define CONTACT_NUMBERS(X)                                                                         \
	X(origin)           /* enum server_origin */                                               \
	X(client_type)      /* 0: of the connection itself */                                      \
	X(auth)             /* CopsAuthType of RFC 2940 */                                         \
	X(progress)         /* enum session_progress */                                            \
	X(last_attempt)     /* seconds since 1970, 0: never */                                     \
	X(ka_seconds)       /* 0: none */                                                          \
	X(acct_seconds)     /* SESSION_ACCOUNTING_ANY: no limit */                                 \
	X(states)           /* request states */                                                   \
	X(connect_attempts) /* of the connection */                                                \
	X(connect_failures)                                                                        \
	X(last_error)

/* Of CopsAuthType, those that we have. */
enum { CONTACT_AUTH_NONE = 0, CONTACT_AUTH_TLS = 4, CONTACT_AUTH_INTEGRITY = 5 };

struct contact_row {
	struct endpoint server;
#define X(member) uint32_t member;
	CONTACT_NUMBERS(X)
#undef X
	uint32_t of[SESSION_COUNT_KINDS];
	uint32_t odd[SESSION_ODDITIES], limited[SESSION_LIMITS]; /* of the connection */
};

enum {
	CONTACT_ENDPOINT_SIZE = 20,
#define X(member) +1
	CONTACT_ROW_NUMBERS =
		0 CONTACT_NUMBERS(X) + SESSION_COUNT_KINDS + SESSION_ODDITIES + SESSION_LIMITS,
	CONTACT_ROW_SIZE = CONTACT_ENDPOINT_SIZE + 4 * CONTACT_ROW_NUMBERS,
#undef X
	CONTACT_ROWS_MAX = 256,
};

/* NULL: none, which comes back as one of family 0. */
void contact_put_endpoint(struct buffer *out, const struct endpoint *endpoint);
/* The cursor fails E_RANGE if the family is none. */
struct endpoint contact_get_endpoint(struct cursor *c);

void contact_put_row(struct buffer *out, const struct contact_row *row);
enum err contact_get_row(struct cursor *c, struct contact_row *ret) MUST_USE;

#endif
