/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Integrity object of one session (RFC 2748 sections 2.2.16 and 4.1): a digest over every
 * message, and a sequence number in each direction.
 *
 * Pure: it takes messages and the time (seconds since 1970) and knows neither session nor socket.
 * Both ends do the same: the first message that is sealed (an OPN or a CAT for client-type 0) says
 * the number from which the *peer* has to count; the first one that is verified says the same to
 * us. From then on every message counts one further, 0 behind 0xffffffff.
 */
#ifndef COPSEC_COMMON_INTEGRITY_INTEGRITY_H
#define COPSEC_COMMON_INTEGRITY_INTEGRITY_H

#include "common/base/binding.h"
#include "common/cops/message.h"
#include "common/integrity/keys.h"

enum {
	INTEGRITY_DIGEST = 12, /* octets of the digests that we know, all cut to 96 bits */
	INTEGRITY_OBJECT = COPS_OBJECT_HEADER + 8 + INTEGRITY_DIGEST,
};

struct integrity;

/* What is wrong with a message, and what to tell the peer in a Client-Close. */
struct integrity_fault {
	uint16_t code, sub_code;
	struct error error;
};

/* The keys are borrowed. NULL when memory is out. */
struct integrity *integrity_new(struct integrity_keys *keys, struct view peer);
void integrity_free(struct integrity *i);

/* The peer that it was made for. */
struct view integrity_peer(const struct integrity *i);
/* Both ends have said their first number: every message has the object from now on. */
bool integrity_is_up(const struct integrity *i);
/*
 * What names this session and no other: a digest over the two first numbers, of which each end chose
 * one that it never chooses again. E_UNEXPECTED before it is up.
 */
enum err integrity_binding(const struct integrity *i, struct session_binding *ret) MUST_USE;
/* Messages that were refused. */
uint32_t integrity_refused(const struct integrity *i);

/*
 * Appends the object to a whole message and counts. E_MISSING: no key is valid for the peer.
 * E_UNEXPECTED: a second message before the peer's first. A buffer that failed is returned as it is.
 */
enum err integrity_seal(struct integrity *i, uint64_t utc, struct buffer *message) MUST_USE;
/*
 * Judges a whole message, as received, before anything else believes it. Fails E_MISSING (15: no
 * Integrity object), E_UNKNOWN (13: one of another kind), E_SIGNATURE (14: no such key, or the
 * digest is wrong) or E_STALE (14: another number was due); nothing has changed then.
 */
enum err integrity_verify(struct integrity *i, uint64_t utc, struct view message,
			  struct integrity_fault *fault) MUST_USE;

/* Whether a message ends in an Integrity object with a digest. */
bool integrity_is_in(struct view message);

#endif
