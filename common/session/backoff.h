/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When to try again: the wait doubles with every failure up to a ceiling, and half of it is left
 * to chance, so that the nodes of a PDP that was away do not all come back in the same moment.
 */
#ifndef COPSEC_COMMON_SESSION_BACKOFF_H
#define COPSEC_COMMON_SESSION_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint32_t least, greatest; /* ms */
	uint32_t wait;            /* the next, before chance; 0 after a success */
};

void backoff_init(struct backoff *b, uint32_t least, uint32_t greatest);
/* After a failure: how many ms to wait, between half of the wait and all of it. */
uint32_t backoff_next(struct backoff *b, uint32_t random);
/* After a success that lasted. */
void backoff_reset(struct backoff *b);

#endif
