/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of a daemon. A message is a constant sentence and fields:
 *
 *	log_notice(d->log, "session", "session opened", log_str("peer", name), log_u64("handle", h));
 *
 * Levels go by reader. error: someone must act. warning: someone should look. notice: states that
 * change. info: each transaction. debug: each message. Every module has its level, which can change
 * at run time. Values are escaped and shortened, for they may come from a peer. Every call site has
 * a token bucket (not at level debug), and what it held back is counted and reported.
 *
 * Libraries do not log; the code that handles an error does, once. There is no global log: a daemon
 * owns one `struct log`, passes it on, and frees it last. All functions take a NULL log and do
 * nothing, for tests. errno is as before after each call.
 */
#ifndef COPSEC_COMMON_SERVICE_LOG_H
#define COPSEC_COMMON_SERVICE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/endpoint.h"
#include "common/base/pin.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_COUNT
};

enum {
	LOG_VALUE_MAX = 256,   /* octets of a value that are shown, before escaping */
	LOG_LINE_MAX = 4096,   /* octets of a line */
	LOG_MODULES_MAX = 64,  /* modules with a level of their own */
	LOG_BURST = 20,        /* messages of one call site at once */
	LOG_REFILL_MS = 1000,  /* and one more each of these */
};

/* One message on its way to a sink; everything is borrowed. */
struct log_record {
	enum log_level level;
	const char *module;
	const char *sentence;
	const char *fields; /* `key=value key="two words"`, or "" */
};
typedef void log_sink(void *context, const struct log_record *record);

struct log;

/* NULL when out of memory. All modules start at `level`. The sink may be changed later. */
struct log *log_new(enum log_level level, log_sink *sink, void *context);
/* Reports what is still held back. */
void log_free(struct log *l);
void log_set_sink(struct log *l, log_sink *sink, void *context);
/* A clock for the buckets, in milliseconds; without one it is CLOCK_MONOTONIC. For tests. */
void log_set_clock(struct log *l, uint64_t (*clock)(void *context), void *context);

/*
 * To stderr, `PROGRAM: level: module: sentence fields`; context is the program's name (a C string)
 * or NULL. Under systemd ($JOURNAL_STREAM) each line begins with its priority for the journal.
 */
log_sink log_to_stderr;

/* `info`, or `notice net=debug session=info`: the level of all others first, then modules. */
enum err log_configure(struct log *l, const char *levels, struct error *e) MUST_USE;
/* The present levels in the same form, appended. */
void log_levels(const struct log *l, struct buffer *out);
enum err log_level_parse(const char *name, enum log_level *ret_level) MUST_USE;
const char *log_level_name(enum log_level level);

/* Reports held-back messages of sites that have been silent since; call it now and then. */
void log_report_suppressed(struct log *l);

enum log_field_type {
	LOG_FIELD_NONE,
	LOG_FIELD_STRING,
	LOG_FIELD_OCTETS,
	LOG_FIELD_UNSIGNED,
	LOG_FIELD_SIGNED,
	LOG_FIELD_HEX32,
	LOG_FIELD_PIN,
	LOG_FIELD_ENDPOINT,
	LOG_FIELD_ERROR,
};

struct log_field {
	const char *key;
	enum log_field_type type;
	union {
		const char *string;
		struct view octets;
		uint64_t number;
		int64_t integer;
		const struct pin *pin;
		const struct endpoint *endpoint;
		const struct error *error;
	} value;
};

/* Fields; NULL is written `-`. */
static inline struct log_field log_str(const char *key, const char *v)
{
	return (struct log_field){key, LOG_FIELD_STRING, {.string = v}};
}
/* Text whose end is known by length, from a peer for example. */
static inline struct log_field log_view(const char *key, struct view v)
{
	return (struct log_field){key, LOG_FIELD_OCTETS, {.octets = v}};
}
static inline struct log_field log_u64(const char *key, uint64_t v)
{
	return (struct log_field){key, LOG_FIELD_UNSIGNED, {.number = v}};
}
static inline struct log_field log_i64(const char *key, int64_t v)
{
	return (struct log_field){key, LOG_FIELD_SIGNED, {.integer = v}};
}
static inline struct log_field log_hex(const char *key, uint32_t v)
{
	return (struct log_field){key, LOG_FIELD_HEX32, {.number = v}};
}
static inline struct log_field log_pin(const char *key, const struct pin *v)
{
	return (struct log_field){key, LOG_FIELD_PIN, {.pin = v}};
}
static inline struct log_field log_endpoint(const char *key, const struct endpoint *v)
{
	return (struct log_field){key, LOG_FIELD_ENDPOINT, {.endpoint = v}};
}
/* Two fields in one: `code="does not match" reason="..."`. */
static inline struct log_field log_err(const struct error *e)
{
	return (struct log_field){"reason", LOG_FIELD_ERROR, {.error = e}};
}

/* A place in the program that logs; its address is its identity. */
struct log_site {
	enum log_level level;
	const char *module;
	const char *sentence;
};

/* The fields begin behind fields[0], which is empty. Call it by the macros below. */
void log_write(struct log *l, const struct log_site *site, const struct log_field *fields,
	       size_t count);

#define LOG_AT(log, level, module, sentence, ...)                                                  \
	do {                                                                                       \
		static const struct log_site log_site_ = {level, module, sentence};                \
		const struct log_field log_fields_[] = {{0}, __VA_ARGS__};                         \
		log_write(log, &log_site_, log_fields_,                                            \
			  sizeof log_fields_ / sizeof log_fields_[0]);                             \
	} while (0)

#define log_error(log, module, ...) LOG_AT(log, LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define log_warning(log, module, ...) LOG_AT(log, LOG_LEVEL_WARNING, module, __VA_ARGS__)
#define log_notice(log, module, ...) LOG_AT(log, LOG_LEVEL_NOTICE, module, __VA_ARGS__)
#define log_info(log, module, ...) LOG_AT(log, LOG_LEVEL_INFO, module, __VA_ARGS__)
#define log_debug(log, module, ...) LOG_AT(log, LOG_LEVEL_DEBUG, module, __VA_ARGS__)

#endif
