/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run of policy octets that crosses in pieces: BEGIN says how many octets in how many pieces,
 * COMMIT ends it. The receiver checks both, the limits and the id before anyone looks at an octet,
 * and copies the pieces, for a message lives no longer than its record. One transfer at a time.
 *
 * The octets of all pieces lie in one buffer of the transfer; a piece is a view into it that is
 * valid from transfer_commit() until transfer_reset() or the next transfer_begin().
 */
#ifndef COPSEC_PEP_IPC_TRANSFER_H
#define COPSEC_PEP_IPC_TRANSFER_H

#include "pep/ipc/message.h"

struct transfer_piece {
	uint32_t kind;
	struct view octets;
};

struct transfer {
	uint32_t id; /* 0: nothing under way */
	uint32_t total, expected;
	struct buffer octets;
	struct transfer_piece *pieces;
	size_t count, capacity;
};

void transfer_init(struct transfer *t);
void transfer_fini(struct transfer *t);
/* Forgets what came and gives its memory back. */
void transfer_reset(struct transfer *t);

/* Each refuses what contradicts its predecessors; the sender is then not to be listened to. */
enum err transfer_begin(struct transfer *t, const struct message *m, struct error *e) MUST_USE;
enum err transfer_piece(struct transfer *t, const struct message *m, struct error *e) MUST_USE;
enum err transfer_commit(struct transfer *t, const struct message *m, struct error *e) MUST_USE;

#endif
