/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One connection to charon: requests one after the other, answers and events.
 *
 * Takes octets and time, gives octets and what happened; it knows no socket. The protocol does not
 * number requests, so only one is on its way at a time, the others wait, and an answer that comes
 * too late cannot be told from that of the next request: a time-out ends the session, as every
 * failure does. Whoever owns it then connects anew, loads again what belongs there, and asks again
 * what was not answered.
 *
 * Time is in milliseconds of one monotonic clock. Views that are given out live until the next call
 * for the session.
 *
 * Source: strongSwan's description of the VICI protocol, "Packet layer".
 */
#ifndef COPSEC_PEP_IKE_VICI_SESSION_H
#define COPSEC_PEP_IKE_VICI_SESSION_H

#include "pep/ike/vici_message.h"

enum {
	VICI_PACKET_MAX = 512 * 1024,       /* octets behind the length: charon's own limit */
	VICI_WAITING_MAX = 4096,            /* requests that are not answered */
	VICI_OUTPUT_MAX = 16 * 1024 * 1024, /* octets of them */
	VICI_COMMAND_MAX = 64,              /* characters of a command or event */
};

enum vici_event_kind {
	VICI_ANSWERED,       /* `message` is the answer to request `id` */
	VICI_REFUSED,        /* charon does not know the command, or event, of request `id` */
	VICI_HAPPENED,       /* an event that was asked for: `name`, `message` */
	VICI_SESSION_FAILED, /* nothing more comes; `error` says why. Said once, at the end */
};

struct vici_event {
	enum vici_event_kind kind;
	uint32_t id;
	struct view name;
	struct view message; /* has passed vici_check() */
	struct error error;
};

struct vici_session;

struct vici_session *vici_session_new(void);                    /* NULL: no memory */
struct vici_session *vici_session_free(struct vici_session *s); /* takes NULL, returns NULL */

/* Queues a command; the message is copied. charon has `patience` milliseconds from the moment when
 * it is its turn. E_LIMIT, E_MEMORY; E_CLOSED after a failure. */
enum err vici_request(struct vici_session *s, const char *command, struct view message,
	uint64_t patience, uint64_t now, uint32_t *ret_id, struct error *error) MUST_USE;
/* The same for: tell me when this happens. Answered by VICI_ANSWERED without a message. */
enum err vici_listen(struct vici_session *s, const char *event, uint64_t patience, uint64_t now,
	uint32_t *ret_id, struct error *error) MUST_USE;

/* Octets from charon; take all events before the next ones. */
void vici_receive(struct vici_session *s, struct view octets);
/* What is to be sent, and that so many octets of it were. */
struct view vici_output(const struct vici_session *s);
void vici_sent(struct vici_session *s, size_t count);
/* The connection has ended, or could not be made. */
void vici_hang_up(struct vici_session *s, const struct error *why);

/* When vici_tick() is to be called; UINT64_MAX: never. */
uint64_t vici_deadline(const struct vici_session *s);
void vici_tick(struct vici_session *s, uint64_t now);

/* `now` is when the next request's patience begins, if an answer has made way for it. */
bool vici_next_event(struct vici_session *s, uint64_t now, struct vici_event *ret);
/* Requests that are not answered. */
size_t vici_waiting(const struct vici_session *s);

#endif
