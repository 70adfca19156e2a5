/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was refused, counted by reason. One table says for each reason its counter and a sentence, and
 * which errors count there, so that a refusal is counted where its sentence is made known, and every
 * refusal counts. One value for each kind of thing that can be refused; nothing to release.
 */
#ifndef COPSEC_COMMON_SERVICE_REFUSALS_H
#define COPSEC_COMMON_SERVICE_REFUSALS_H

#include <jansson.h>

#include "common/base/error.h"

/* X(symbol, counter, sentence, errors...) */
#define REFUSALS(X)                                                                                \
	X(BROKEN_SIGNATURE, "broken-signature", "a signature does not verify", E_SIGNATURE)        \
	X(TOO_FEW_SIGNERS, "too-few-signers", "not enough trusted keys have signed", E_UNTRUSTED)  \
	X(OLD_SERIAL, "old-serial", "older than what was accepted before", E_STALE)                \
	X(OUT_OF_TIME, "out-of-time", "its time is over or has not come", E_EXPIRED)               \
	X(MISMATCH, "mismatch", "of another tenant, node, serial or content than is signed",       \
		E_MISMATCH)                                                                        \
	X(CONFLICT, "conflict", "contradicts what is there: a block, a serial", E_CONFLICT,        \
		E_IN_USE)                                                                          \
	X(MISSING, "missing", "a set, a row or a value is missing", E_MISSING, E_NOT_FOUND)        \
	X(OUT_OF_PLACE, "out-of-place", "belongs to no set here", E_UNEXPECTED)                    \
	X(DANGLING, "dangling-reference", "refers to what is not in its set", E_REFERENCE)         \
	X(UNKNOWN, "unknown", "a class, command or value that is not known", E_UNKNOWN)            \
	X(TWICE, "given-twice", "one thing twice", E_DUPLICATE)                                    \
	X(WRONG_TYPE, "wrong-type", "ASN.1 of another type", E_TYPE)                               \
	X(WRONG_LENGTH, "wrong-length", "a length that cannot be", E_LENGTH, E_PADDING)            \
	X(WRONG_VALUE, "wrong-value", "a value out of its range", E_RANGE)                         \
	X(WRONG_SYNTAX, "wrong-syntax", "not written as it must be", E_SYNTAX)                     \
	X(WRONG_VERSION, "wrong-version", "a version that is not spoken here", E_VERSION)          \
	X(TRUNCATED, "truncated", "ends too early", E_TRUNCATED)                                   \
	X(TRAILING, "trailing-octets", "goes on behind its end", E_TRAILING)                       \
	X(TOO_MUCH, "too-much", "more than a limit allows", E_LIMIT)                               \
	X(NOT_PERMITTED, "not-permitted", "by a key that may not", E_DENIED)                       \
	X(UNSUPPORTED, "unsupported", "asks for what there is not", E_UNSUPPORTED)                 \
	X(PROTOCOL, "protocol", "breaks the protocol, or is none: no TLS", E_PROTOCOL)             \
	X(STALLED, "stalled", "took too long", E_TIMEOUT)                                          \
	X(OURS, "ours", "memory, disk or kernel did not do it", E_MEMORY, E_SYSTEM, E_BUG, \
		E_AGAIN)

enum refusal {
#define X(symbol, ...) REFUSAL_##symbol,
	REFUSALS(X)
#undef X
	REFUSAL_REASONS
};

struct refusals {
	uint64_t of[REFUSAL_REASONS];
};

/* E_OK and E_CLOSED are no refusals. */
void refusals_count(struct refusals *r, enum err why);
const char *refusal_name(enum refusal reason);
/* Adds a row {what, reason, count, meaning} to an array for each reason. */
void refusals_add_json(const struct refusals *r, const char *what, json_t *rows);
/* The rows that are not 0, as a table on standard output. */
void refusals_print(const json_t *rows);

#endif
