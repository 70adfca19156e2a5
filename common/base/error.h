/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One error type for the whole suite.
 *
 * A function that can fail returns `enum err` (E_OK is 0) and is marked MUST_USE. Where the caller
 * can tell a person or a peer more, it also takes a `struct error *`, owned by the caller and never
 * NULL, and fills it by error_set(). Nothing here allocates, logs or keeps state; the code that
 * handles an error logs it, once. The category decides the reaction, the code is for people.
 */
#ifndef COPSEC_COMMON_BASE_ERROR_H
#define COPSEC_COMMON_BASE_ERROR_H

#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum err_category {
	ERR_CAT_NONE,
	ERR_CAT_PEER,   /* the other side, a file or a person gave something wrong */
	ERR_CAT_OURS,   /* our own mistake */
	ERR_CAT_SYSTEM, /* the system refused; see error.sys (an errno value) */
	ERR_CAT_LIMIT,  /* a limit of ours was reached */
	ERR_CAT_AGAIN,  /* nothing wrong: more input, or time, is needed */
	ERR_CAT_CLOSED, /* the other side has gone */
};

/* X(code, category, text) */
#define ERR_CODES(X)                                                                               \
	X(E_OK, ERR_CAT_NONE, "success")                                                           \
	X(E_TRUNCATED, ERR_CAT_PEER, "ends too early")                                             \
	X(E_TRAILING, ERR_CAT_PEER, "octets are left over")                                        \
	X(E_LENGTH, ERR_CAT_PEER, "wrong length")                                                  \
	X(E_PADDING, ERR_CAT_PEER, "wrong padding")                                                \
	X(E_RANGE, ERR_CAT_PEER, "value out of range")                                             \
	X(E_TYPE, ERR_CAT_PEER, "wrong type")                                                      \
	X(E_SYNTAX, ERR_CAT_PEER, "wrong syntax")                                                  \
	X(E_VERSION, ERR_CAT_PEER, "unsupported version")                                          \
	X(E_UNKNOWN, ERR_CAT_PEER, "unknown")                                                      \
	X(E_UNEXPECTED, ERR_CAT_PEER, "unexpected here")                                           \
	X(E_MISSING, ERR_CAT_PEER, "missing")                                                      \
	X(E_DUPLICATE, ERR_CAT_PEER, "given twice")                                                \
	X(E_REFERENCE, ERR_CAT_PEER, "refers to what does not exist")                              \
	X(E_IN_USE, ERR_CAT_PEER, "still referred to")                                             \
	X(E_NOT_FOUND, ERR_CAT_PEER, "not found")                                                  \
	X(E_DENIED, ERR_CAT_PEER, "not permitted")                                                 \
	X(E_SIGNATURE, ERR_CAT_PEER, "signature does not verify")                                  \
	X(E_UNTRUSTED, ERR_CAT_PEER, "not signed by enough trusted keys")                          \
	X(E_MISMATCH, ERR_CAT_PEER, "does not match")                                              \
	X(E_STALE, ERR_CAT_PEER, "older than what is in force")                                    \
	X(E_EXPIRED, ERR_CAT_PEER, "outside its time of validity")                                 \
	X(E_UNSUPPORTED, ERR_CAT_PEER, "not supported")                                            \
	X(E_PROTOCOL, ERR_CAT_PEER, "violates the protocol")                                       \
	X(E_CONFLICT, ERR_CAT_PEER, "in conflict with another")                                    \
	X(E_BUG, ERR_CAT_OURS, "internal error")                                                   \
	X(E_SYSTEM, ERR_CAT_SYSTEM, "system error")                                                \
	X(E_MEMORY, ERR_CAT_LIMIT, "out of memory")                                                \
	X(E_LIMIT, ERR_CAT_LIMIT, "limit reached")                                                 \
	X(E_AGAIN, ERR_CAT_AGAIN, "more is needed")                                                \
	X(E_TIMEOUT, ERR_CAT_CLOSED, "timed out")                                                  \
	X(E_CLOSED, ERR_CAT_CLOSED, "closed")

enum err {
#define X(code, category, text) code,
	ERR_CODES(X)
#undef X
	ERR_COUNT
};

enum { ERROR_TEXT_SIZE = 256 };

struct error {
	enum err code;
	int sys;                    /* errno value, 0 if none */
	char text[ERROR_TEXT_SIZE]; /* a sentence: what failed, on which object, with which value */
};

/* Both answer for any value, also one that is no code. */
const char *err_text(enum err code);
enum err_category err_category(enum err code);

/* Fills `e` and returns `code`, so that it can end a function: return error_set(e, E_RANGE, ...). */
enum err error_set(struct error *e, enum err code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same for a failed system call; appends the text of `sys` (pass errno) to the sentence. */
enum err error_set_sys(struct error *e, int sys, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "PREFIX: " before the text that is there. */
void error_prefix(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
