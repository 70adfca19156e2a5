/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/backoff.h"

void backoff_init(struct backoff *b, uint32_t least, uint32_t greatest)
{
	*b = (struct backoff){.least = least, .greatest = greatest};
}

uint32_t backoff_next(struct backoff *b, uint32_t random)
{
	if (!b->wait)
		b->wait = b->least;
	else
		b->wait = b->wait > b->greatest / 2 ? b->greatest : b->wait * 2;
	if (b->wait > b->greatest)
		b->wait = b->greatest;
	return b->wait - random % (b->wait / 2 + 1);
}

void backoff_reset(struct backoff *b)
{
	b->wait = 0;
}
