/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is remembered of a policy on trial (confirm.h), beside the two policies themselves, so that a
 * killed process goes on where it was. The file is the enforcer's own and no secret; what differs by
 * an octet is no such file, and then nothing is on trial.
 *
 * The file: "COPSECT1", phase (1 octet), deadline (8), boot (16), digest of the new policy's signed
 * index and of the previous one's (32 each), then the SHA-256 of all that.
 */
#ifndef COPSEC_PEP_ENFORCE_TRIAL_H
#define COPSEC_PEP_ENFORCE_TRIAL_H

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "pep/enforce/confirm.h"

enum { TRIAL_BOOT = 16, TRIAL_DIGEST = 32, TRIAL_FILE_MAX = 256 };

struct trial {
	enum confirm_phase phase;
	uint64_t deadline; /* 0: its window has not begun yet */
	uint8_t boot[TRIAL_BOOT]; /* of the kernel that counts the deadline's time */
	uint8_t new[TRIAL_DIGEST], previous[TRIAL_DIGEST];
};

void trial_put(const struct trial *t, struct buffer *out);
enum err trial_read(struct view file, struct trial *ret, struct error *e) MUST_USE;

#endif
