/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of a session, shared by the files of this folder and by nobody else.
 *
 *	stream.c    messages out of octets
 *	output.c    messages on their way out: the one place where a message is finished
 *	states.c    client-types, request states, decisions without a report
 *	ending.c    events, oddities, and every way in which a client-type or the session ends
 *	timers.c    keep-alive and time-outs
 *	status.c    what is counted and told
 *	security.c  TLS and the Integrity object, until the connection is as secure as it must be
 *	session.c   life, and the dispatch of a message by the table of the role
 *	pep.c, pdp.c                    the wishes of a role
 *	pep_messages.c, pdp_messages.c  the table of a role, and what its rows do
 *
 * All memory that a message, an event or a queue needs is given back as soon as it is empty; an
 * idle session holds its structs and nothing else.
 */
#ifndef COPSEC_COMMON_SESSION_INTERNAL_H
#define COPSEC_COMMON_SESSION_INTERNAL_H

#include "common/cops/answer.h"
#include "common/integrity/integrity.h"
#include "common/session/pdp.h"
#include "common/session/pep.h"
#include "common/session/status.h"

/* ---- Lists ---- */

/* Items of one size, in one block, in order; `size` is that of an item. */
struct list {
	void *items;
	uint32_t count, room;
};
/* A zeroed item at the end, NULL when memory is out. */
void *list_add(struct list *l, size_t size);
void list_remove(struct list *l, size_t size, uint32_t index);
void list_fini(struct list *l);

/* ---- The session ---- */

/*
 *	NEGOTIATING --CAT(0, TLS)--> HANDSHAKE --tls_done--> READY     (TLS)
 *	NEGOTIATING --CAT(0, HMAC)--> READY                            (Integrity)
 *	HANDSHAKE --tls_done--> NEGOTIATING --CAT(0, HMAC)--> READY    (TLS from the start, and both)
 *	READY                                                          (neither)
 *	any --CC, time-out, fault, wish--> CLOSED
 */
enum phase { NEGOTIATING, HANDSHAKE, READY, CLOSED };

enum opening {
	WISHED,  /* PEP: the connection is not secure yet */
	OPENING, /* PEP: OPN sent; PDP: OPN waits for the user */
	OPEN,
};

struct client {
	uint16_t type;
	uint16_t ka_seconds;
	enum opening opening;
	bool asked; /* PDP: an OPN waits for the user, perhaps again */
	bool has_last;
	struct endpoint last; /* PEP: LastPDPAddr */
	uint32_t acct_seconds;
	uint64_t accounting_due;
	uint64_t since; /* of OPN */
};

struct state {
	uint32_t number;
	uint16_t client_type;
	uint8_t unanswered; /* requests */
	bool decided;       /* ever */
	uint64_t since;     /* of the last request */
	uint8_t *handle;
	size_t handle_len;
};

/* A decision that has no report yet. */
struct duty {
	uint32_t number;
	uint32_t state;
	uint16_t gperr, sub_code; /* not 0: refused by the PEP's session, reported in its turn */
};

struct stream {
	struct buffer in; /* the beginning of a message, or all of it while it is looked at */
	uint32_t skip;    /* octets of an oversized message that are still to be passed over */
	bool taken;       /* `in` holds a message that was given out */
	uint32_t seen;    /* messages, ever */
	uint64_t since;   /* of the last progress with the message that is not whole */
	size_t progress;  /* octets of it by then */
};

struct chunk;

struct queue {
	struct chunk *first, *last;
	size_t offset;  /* into the first chunk */
	size_t waiting; /* octets to be sent */
	size_t answers; /* of them ours by ourselves, since the queue was last empty */
	bool progress;  /* octets went out while many were waiting */
};

struct session {
	const struct role *role;
	struct session_limits limits;
	enum session_security security;
	enum phase phase;
	bool secured;            /* TLS is up */
	bool integrity_required; /* PDP */
	uint8_t offer;           /* PEP: C-Type of the Integrity object in its OPN for client-type 0 */
	struct integrity_keys *keys;
	struct integrity *integrity; /* NULL: none, or a PDP was not offered it yet */
	session_utc utc;
	bool told;              /* CLOSED was given out */
	uint16_t ka_offered;    /* PDP: seconds */
	uint32_t acct_offered;  /* PDP: seconds */
	uint16_t connection_ka; /* seconds, of the CAT for client-type 0 */
	uint16_t noted;         /* oddities that were reported: bit n is enum value n */
	uint16_t synchronizing; /* PDP: SSQs without their SSC */
	uint32_t open_timeout, request_timeout, message_timeout;
	uint32_t last_state, decisions;
	uint32_t unanswered_ka;
	uint32_t asked_ka; /* of these, up to the last one that the answer of is told; 0: none is */
	uint64_t now;
	uint64_t since;      /* of the phase; PDP: since when no client-type is open */
	uint64_t last_heard; /* any octet */
	uint64_t next_ka;
	session_random random;
	void *user;
	session_tap tap;
	void *tapper;
	struct stream stream;
	struct queue queue;
	struct arena arena;
	struct cops_message message; /* that is looked at */
	struct session_counters counters;
	struct list clients, states, duties, events;
	size_t pepid_len;
	char pepid[];
};

/* ---- The table of a role ---- */

/* Where a session stands with the client-type of a message. */
enum standing {
	UNSECURED,  /* the security of the connection is still being negotiated */
	CONNECTION, /* client-type 0 */
	UNKNOWN,    /* a client-type that nobody opened */
	ASKED,      /* the Client-Open is not answered yet */
	OPENED,
	STANDINGS
};

struct rule {
	/* What a message does; NULL: it is barred, and not even read. */
	void (*handle[STANDINGS])(struct session *s);
	/* What one that cannot be read, or breaks its grammar, does; its header can be trusted.
	 * NULL: it costs the client-type. */
	void (*malformed)(struct session *s, struct view octets, const struct cops_fault *fault);
};

struct role {
	enum session_role role;
	const char *peer; /* "PDP" */
	struct rule rules[COPS_SSC + 1];
	/* Only the header is known. */
	void (*barred)(struct session *s);
	/* Only the beginning is known. */
	void (*oversized)(struct session *s, struct view head, const struct cops_fault *fault);
};
extern const struct role role_pep, role_pdp;

/* ---- stream.c ---- */

/*
 * Takes octets up to the end of the next message; *ret_used of them are done with. E_OK: a whole
 * message; E_AGAIN: none yet; E_LIMIT: a message above the limit, of which only the beginning is
 * returned and the rest will be passed over; else the stream is lost. The message lives until
 * stream_release().
 */
enum err stream_take(
	struct session *s, struct view octets, size_t *ret_used, struct view *ret_message);
void stream_release(struct session *s);

/* ---- output.c ---- */

/* A message that is being written: objects go into `octets`, then it is sent or dropped. */
struct draft {
	struct buffer octets;
	size_t begun;
	uint16_t client_type;
	bool first; /* with the first Integrity object that we send */
};
struct draft draft_begin(
	const struct session *s, enum cops_op op, uint8_t flags, uint16_t client_type);
/* Finishes the message and queues it; the draft is consumed also on failure. `answer`: nobody
 * asked the user; such octets have a limit of their own, for a peer makes them grow. */
enum err draft_send(struct session *s, struct draft *d, bool answer) MUST_USE;
void queue_fini(struct session *s);

/* Client-Close as a value; `redirect` may be NULL. */
struct farewell {
	uint16_t code, sub_code;
	const struct endpoint *redirect;
};
enum err send_farewell(
	struct session *s, uint16_t client_type, const struct farewell *why) MUST_USE;
enum err send_close(
	struct session *s, uint16_t client_type, uint16_t code, uint16_t sub_code) MUST_USE;
enum err send_keep_alive(struct session *s) MUST_USE;
/* COPS-PR objects in the carrier that they belong into. */
void put_pieces(
	struct buffer *b, enum cops_carrier carrier, const struct view *pieces, size_t count);

/* ---- security.c ---- */

/* What session_new() leaves to be done. */
enum err security_begin(struct session *s) MUST_USE;
/* Every message goes through these: is a received one what it claims (if not, the session has ended),
 * and the Integrity object behind one that is sent. */
bool security_passes(struct session *s, struct view octets);
enum err security_seal(struct session *s, struct buffer *octets, bool first) MUST_USE;
/* The negotiation is over, and nobody on the wire can write messages of the peer's. */
bool security_protects(const struct session *s);
/* The key of the Integrity object, if there is one, is of this PEPID. */
bool security_covers(const struct session *s, struct view pepid);
/* Cells: CAT at the PEP, OPN at the PDP, and what comes instead of it. */
void security_granted(struct session *s);
void security_offered(struct session *s);
void security_insist(struct session *s);

/* ---- states.c ---- */

static inline struct client *clients(const struct session *s)
{
	return s->clients.items;
}

static inline struct state *states(const struct session *s)
{
	return s->states.items;
}

static inline struct duty *duties(const struct session *s)
{
	return s->duties.items;
}

struct client *find_client(const struct session *s, uint16_t type);
bool is_open(const struct session *s, uint16_t type);
/* NULL when a limit is reached or memory is out. */
struct client *add_client(struct session *s, uint16_t type);
void forget_client(struct session *s, struct client *client);

struct state *find_state(const struct session *s, uint32_t number);
struct state *find_handle(const struct session *s, uint16_t client_type, struct view handle);
struct view handle_of(const struct state *state);
/* The number that the next state will have. */
uint32_t next_state(const struct session *s);
/* NULL when a limit is reached or memory is out; the handle is copied. */
struct state *add_state(struct session *s, uint16_t client_type, struct view handle);
void forget_state(struct session *s, struct state *state);

/* Takes on a decision that is to be reported; NULL when a limit is reached or memory is out. */
struct duty *add_duty(struct session *s, uint32_t state);
void forget_all(struct session *s);

/* ---- ending.c ---- */

/* The event is worth nothing once the next one is added. NULL when memory is out; then the session
 * is at its end. */
struct session_event *emit(struct session *s, enum session_event_kind kind, uint16_t client_type);
void emit_error(struct session *s, enum session_event_kind kind, uint16_t client_type,
	uint32_t state, uint16_t code, uint16_t sub_code, const struct error *error);
void odd(struct session *s, enum session_oddity what);

void end(struct session *s, const struct error *error);
/* An answer that cannot even be queued ends the session. */
void check_answer(struct session *s, enum err code);
/* CC for what is open, or for `client_type` if nothing is; then the end. */
void finish(struct session *s, uint16_t client_type, uint16_t code, uint16_t sub_code,
	const struct error *error);
void finish_with(struct session *s, uint16_t client_type, const struct farewell *why,
	const struct error *error);
void finish_fault(struct session *s, const struct cops_fault *fault);
/* CC for one client-type, for the peer's fault or ours. */
void close_client(struct session *s, uint16_t client_type, uint16_t code, uint16_t sub_code,
	const struct error *error);
void close_client_fault(struct session *s, uint16_t client_type, const struct cops_fault *fault);
/* "closed by the PDP, error 11 (Shutting down)" */
void close_sentence(const struct session *s, struct error *ret);

/* Cells that both tables have. */
void odd_client(struct session *s);
void odd_unexpected(struct session *s);
void wrong_end(struct session *s);

/* ---- status.c ---- */

/* For the client-type of the message that is looked at, or for another. */
void count(struct session *s, enum session_count kind);
void count_for(struct session *s, uint16_t client_type, enum session_count kind);
/* A message with an error, by what is wrong with it. */
void count_fault(struct session *s, const struct cops_fault *fault);
void count_limit(struct session *s, enum session_limit limit);
/* An Error object that came. */
void note_error(struct session *s, const struct cops_object *error);

/* ---- timers.c ---- */

/* ms, 0: none. */
uint64_t keep_alive_interval(const struct session *s);
/* After a change of what decides on it. */
void plan_keep_alive(struct session *s);

/* ---- pep.c ---- */

enum err send_open(struct session *s, uint16_t client_type) MUST_USE;
/* Client-Opens that waited for a secure connection. */
void open_wished(struct session *s);
enum err send_deletion(struct session *s, uint16_t client_type, struct view handle, uint16_t reason,
	uint16_t sub_code) MUST_USE;
/* The reports that the session owes by itself, as far as none of the user's comes before them. */
enum err send_own_reports(struct session *s, const struct state *state) MUST_USE;
/* Deletes it and tells the user. */
void lose_state(struct session *s, struct state *state, uint16_t reason, uint16_t sub_code,
	const struct error *error);

/* ---- pdp.c ---- */

enum err send_accept(struct session *s, uint16_t client_type) MUST_USE;
/* DEC with an Error, always the answer to a request. */
enum err send_error(struct session *s, uint16_t client_type, struct view handle, uint16_t code,
	uint16_t sub_code) MUST_USE;

#endif
