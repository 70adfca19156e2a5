/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * COPS messages: finding them in a stream, taking them apart, judging and building them.
 *
 * A decoded message borrows its octets from the caller and keeps its list of objects in the
 * caller's arena; it lives as long as both. Decoding knows objects only; which of them a message
 * may hold, how often and in which order is asked separately, by cops_check(), so that a message
 * that breaks the grammar can still be answered. Building writes straight into a buffer, whose
 * sticky error is looked at once, at the end.
 */
#ifndef COPSEC_COMMON_COPS_MESSAGE_H
#define COPSEC_COMMON_COPS_MESSAGE_H

#include "common/base/arena.h"
#include "common/base/endpoint.h"
#include "common/cops/cops.h"
#include "common/cops/pr.h"

enum {
	COPS_MESSAGE_LIMIT = 16 * 1024 * 1024, /* what every node accepts */
	COPS_OBJECTS_MAX = 4096,               /* in a message */
	/* Arena that cops_decode() needs at most. */
	COPS_ARENA_LIMIT = COPS_OBJECTS_MAX * sizeof(struct cops_object) + 64,
};

struct cops_message {
	uint8_t op;
	uint8_t flags;
	uint16_t client_type;
	size_t count;
	struct cops_object *objects;
	struct view octets; /* the whole message as received; empty in one that is to be encoded */
};

/* What is wrong with a message, for people and for the peer. */
struct cops_fault {
	struct error error;
	bool of_object;        /* whether an object is to blame */
	uint8_t c_num, c_type; /* of it: C-Num 0 is unknown as any other */
	size_t offset;         /* of it in the message */
};

/*
 * Looks whether a whole message stands at the beginning of `stream`. E_AGAIN: more is needed (then
 * *ret_len is the length it will have, 0 while that is unknown). E_VERSION, E_UNKNOWN (op-code) and
 * E_LENGTH: the stream is lost. E_LIMIT: *ret_len octets are announced, more than `limit`.
 */
enum err cops_frame(struct view stream, size_t limit, size_t *ret_len) MUST_USE;
/* The handle at the beginning of a message, complete or not, without judging the rest. */
bool cops_peek_handle(struct view octets, struct view *ret_handle);

/* One whole message. Unknown objects fail E_UNKNOWN; see the fault. */
enum err cops_decode(struct view octets, struct arena *arena, struct cops_message *ret,
	struct cops_fault *fault) MUST_USE;

enum cops_profile {
	COPS_BASE, /* RFC 2748 */
	COPS_PR,   /* as narrowed by RFC 3084: the messages of our client-types */
};
/* Objects against the grammar of the op-code, and the client-type where that is prescribed.
 * E_MISSING or E_UNEXPECTED. */
enum err cops_check(
	const struct cops_message *m, enum cops_profile profile, struct cops_fault *fault) MUST_USE;
/* What cops_decode() and cops_check_data() let pass although a peer should write it otherwise. */
enum {
	COPS_ODD_PEPID_NUL = 1,      /* PEPID without its NUL */
	COPS_ODD_PEPID_PADDING = 2,  /* padding behind the PEPID and not in it */
	COPS_ODD_OBJECT_PADDING = 4, /* a last COPS-PR object without its padding */
};
uint8_t cops_tolerated(const struct cops_message *m);
/*
 * What RFC 3084 says on the contents of REQ, DEC and RPT that passed cops_check(): context,
 * commands without data, a Request-State decision alone in its message, the runs of COPS-PR
 * objects. On failure also the GPERR for a report.
 */
enum err cops_check_data(const struct cops_message *m, uint16_t *ret_gperr, uint16_t *ret_sub_code,
	struct error *e) MUST_USE;

/* Who sends it; a message that both may send satisfies either. */
bool cops_sent_by_pep(uint8_t op);
bool cops_sent_by_pdp(uint8_t op);
/* Does the Solicited flag mean anything on it? */
bool cops_may_be_solicited(uint8_t op);

/* Reading a message that was checked. cops_find() gives the first such object or NULL. */
const struct cops_object *cops_find(const struct cops_message *m, uint8_t c_num);
const struct cops_object *cops_find_type(
	const struct cops_message *m, uint8_t c_num, uint8_t c_type);
/* The contents of the Handle; empty if there is none. */
struct view cops_handle(const struct cops_message *m);
/* The address and port in a PDPRedirAddr or LastPDPAddr. */
struct endpoint cops_server(const struct cops_object *server);

struct cops_decision {
	uint16_t r_type, m_type;
	uint16_t command, flags;
	struct view named; /* a run of COPS-PR objects, or empty */
};
/* Walks the decisions of a DEC; *at begins as 0. */
bool cops_next_decision(const struct cops_message *m, size_t *at, struct cops_decision *ret);
/* Walks the Named ClientSIs of a REQ or RPT; *at begins as 0. */
bool cops_next_named(const struct cops_message *m, size_t *at, struct view *ret_run);

/* Encodes a message as it stands, without cops_check(). */
void cops_encode(const struct cops_message *m, struct buffer *out);

/* Building: begin, objects in order, end (which writes the length). */
size_t cops_begin(struct buffer *out, enum cops_op op, uint8_t flags, uint16_t client_type);
void cops_end(struct buffer *out, size_t begun);
void cops_put(struct buffer *out, const struct cops_object *object);
void cops_put_handle(struct buffer *out, struct view handle);
void cops_put_context(struct buffer *out, uint16_t r_type, uint16_t m_type);
/* Context (configuration) and Decision:Flags. */
void cops_put_decision(struct buffer *out, enum cops_command command, uint16_t flags);
void cops_put_report_type(struct buffer *out, enum cops_report_type type);
void cops_put_reason(struct buffer *out, uint16_t code, uint16_t sub_code);
void cops_put_error(struct buffer *out, uint16_t code, uint16_t sub_code);
void cops_put_pepid(struct buffer *out, struct view pepid);
void cops_put_ka_timer(struct buffer *out, uint16_t seconds);
void cops_put_acct_timer(struct buffer *out, uint16_t seconds);
void cops_put_start_tls(struct buffer *out);
/* PDPRedirAddr or LastPDPAddr, with the C-Type of the address's family. */
void cops_put_server(struct buffer *out, enum cops_c_num c_num, const struct endpoint *server);

/*
 * COPS-PR objects of any amount, spread over as many COPS objects as their 16-bit length demands:
 * Named ClientSIs, or Decision groups of their own (Context, Flags, Named Decision Data), cut only
 * where a binding is complete. Nothing is written for nothing. A binding that cannot fit makes the
 * buffer fail E_LIMIT.
 */
enum cops_carrier { COPS_IN_CLIENT_SI, COPS_IN_INSTALL, COPS_IN_REMOVE };

struct cops_run {
	struct buffer *out;
	enum cops_carrier carrier;
	size_t object; /* offset of the object that is being filled */
	bool open;
};
void cops_run_begin(struct cops_run *run, struct buffer *out, enum cops_carrier carrier);
/* `whole` holds complete bindings, one or many. */
void cops_run_add(struct cops_run *run, struct view whole);
void cops_run_end(struct cops_run *run);

/* The message as text, one object a line, COPS-PR objects indented below theirs. */
void cops_print(const struct cops_message *m, struct buffer *out);

#endif
