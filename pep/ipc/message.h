/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the three processes of pepd say to each other.
 *
 * One message is one record of a SOCK_SEQPACKET socket: a type, the fields that the table in
 * message.c gives that type, and at most one run of octets at the end, whose least and greatest
 * length stand in the same table. Encoder and decoder read that table and nothing else. A message
 * names no file, no interface and no host: numbers, policy octets that the receiver verifies, and
 * bounded text for people. The receiver also says which role it listens to; a type that this role
 * may not send is as wrong as an unknown one. There is no recovery: whoever gets a wrong message
 * ends (style of the privileged side), and the supervisor starts afresh.
 *
 * A decoded message borrows its octets from the record that it was decoded from.
 */
#ifndef COPSEC_PEP_IPC_MESSAGE_H
#define COPSEC_PEP_IPC_MESSAGE_H

#include "common/base/binding.h"
#include "common/base/bytes.h"
#include "pep/ipc/contact.h"

enum ipc_role {
	IPC_SUPERVISOR,
	IPC_NET,
	IPC_ENFORCE,
	IPC_ROLES,
};

enum message_type {
	/* child -> supervisor: prepared, rights dropped */
	MESSAGE_READY = 1,
	/* supervisor -> enforce, with a descriptor: the socket to a net process just started */
	MESSAGE_PEER,
	/* supervisor -> child: end in order */
	MESSAGE_SHUTDOWN,
	/* net -> enforce: how it stands with the PDP */
	MESSAGE_PDP_STATE,
	/* net -> enforce: say what a REQ carries; all of it, or what is new since the one before */
	MESSAGE_REQUEST_WANTED,
	/* enforce -> net: the REQ's Named ClientSI objects */
	MESSAGE_REQUEST_BEGIN,
	MESSAGE_REQUEST_PIECE,
	MESSAGE_REQUEST_COMMIT,
	/* enforce -> net: a REQ would now say something else than the last one */
	MESSAGE_REQUEST_CHANGED,
	/* net -> enforce: one DEC, Named Decision Data by Named Decision Data */
	MESSAGE_DECISION_BEGIN,
	MESSAGE_DECISION_PIECE,
	MESSAGE_DECISION_COMMIT,
	/* enforce -> net: the RPT for the DEC of the same id */
	MESSAGE_REPORT,
	/* net -> enforce: the PDPs and what was counted, all of it (contact.h) */
	MESSAGE_PDP_TABLE,
	/* enforce -> net: what was reported as success has failed since (unsolicited RPT) */
	MESSAGE_FAILURE,
	/* enforce -> net: show the messages of the session, or no longer */
	MESSAGE_TRACE_WANTED,
	/* net -> enforce: one of them, its length first, then as many of its octets as are kept */
	MESSAGE_TRACE_BEGIN,
	MESSAGE_TRACE_PIECE,
	/* net -> enforce: AcctTimer is over, say what rules have counted */
	MESSAGE_ACCOUNTING_WANTED,
	/* enforce -> net: that, for an accounting report */
	MESSAGE_ACCOUNTING,
	/* enforce -> net, once and first: the PDP whose decisions are all in force; begin */
	MESSAGE_LAST_PDP,
	/* enforce -> net: is the PDP still there? */
	MESSAGE_HEARING_WANTED,
	/* net -> enforce: it has answered */
	MESSAGE_PDP_HEARD,
	MESSAGE_TYPE_END
};

/* Of a DECISION_PIECE: numbers of RFC 2748, section 2.2.6. */
enum {
	PIECE_INSTALL = 1,
	PIECE_REMOVE = 2,
};

/* Of a REPORT: numbers of RFC 2748, section 2.2.12. */
enum {
	REPORT_SUCCESS = 1,
	REPORT_FAILURE = 2,
};

/* Of a TRACE_BEGIN. */
enum {
	TRACE_RECEIVED = 0,
	TRACE_SENT = 1,
};

/* Of a PDP_STATE. */
enum pdp_contact {
	CONTACT_WAITING,    /* until the next attempt */
	CONTACT_CONNECTING, /* TCP, then TLS */
	CONTACT_OPENING,    /* TLS is up, the client-type is being opened */
	CONTACT_OPEN,   /* the PDP serves this node */
	CONTACT_END
};

enum {
	/* Contents of the largest COPS object, whose length has 16 bits and counts four octets more. */
	MESSAGE_PIECE_MAX = 65535 - 4,
	MESSAGE_TEXT_MAX = 200,
	/* A decision or a request, all pieces together. */
	MESSAGE_TOTAL_MAX = 16 * 1024 * 1024,
	MESSAGE_PIECES_MAX = 65536,
	MESSAGE_PDP_MAX = 16,
	/* No record is longer. */
	MESSAGE_RECORD_MAX = MESSAGE_PIECE_MAX + 64,
};

/* Every field that any type has; the others are zero. */
struct message {
	enum message_type type;
	uint32_t id;      /* DECISION_*, REPORT, REQUEST_*: which one */
	uint32_t total;   /* *_BEGIN: octets of all pieces; TRACE_BEGIN: of the message */
	uint32_t pieces;  /* *_BEGIN: how many follow */
	/* REQUEST_WANTED: id of the one that the PDP had last, 0: none. DECISION_BEGIN: which one of its
	 * session, from 1. TRACE_BEGIN: how many before it were not
	 * shown, for there was no room. */
	uint32_t number;
	/* PDP_STATE: enum pdp_contact; DECISION_PIECE, REPORT, TRACE_BEGIN: see above; TRACE_WANTED: 1
	 * or 0 */
	uint32_t kind;
	/* *_PIECE, REPORT, FAILURE, ACCOUNTING: S-objects; DECISION_BEGIN: struct session_binding of its session;
	 * PDP_STATE: which one (contact.h), then the reason, for people; TRACE_BEGIN, LAST_PDP: which
	 * one;
	 * TRACE_PIECE: octets of a message */
	struct view data;
};

/* A printable name for any value. */
const char *message_name(enum message_type type);
/* Whether a record of this type comes with a descriptor. */
bool message_has_descriptor(enum message_type type);

/* Appends the record. E_BUG if `m` does not fit its own table. */
enum err message_encode(const struct message *m, struct buffer *out) MUST_USE;
/*
 * Decodes one whole record that `from` sent to `to`. Whatever is wrong with it is an error, with a
 * sentence: unknown type, wrong direction, wrong length, value out of range.
 */
enum err message_decode(struct view record, enum ipc_role from, enum ipc_role to,
                        struct message *ret, struct error *e) MUST_USE;

#endif
