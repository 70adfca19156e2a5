/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last publications before the one that nodes are to get, newest first, so that nodes which
 * still hold one of them need not get everything again. How they differ from it is found out when
 * the first node needs it.
 */
#ifndef COPSEC_PDP_DECISION_HISTORY_H
#define COPSEC_PDP_DECISION_HISTORY_H

#include "pdp/decision/delta.h"

struct history {
	struct earlier {
		struct publication *publication; /* NULL: none that old */
		struct delta *delta;             /* to the newest; NULL: not asked for yet */
	} list[STORE_EARLIER_MAX];
};

void history_fini(struct history *h);
/* An older one than all; taken. What is too old is forgotten. */
void history_append(struct history *h, struct publication *p);
/* What comes after `p` (NULL: nothing was there), which came after `before`; `h` is empty. */
void history_succeed(struct history *h, struct publication *p, const struct history *before);
/* NULL if there is none with this serial. */
const struct publication *history_find(const struct history *h, uint64_t serial);

/*
 * The delta to `now`, always the same one, for a node of it that holds the publication with
 * serial `holds`. Any failure means that a full state must be sent; E_NOT_FOUND is the usual one.
 */
enum err history_update(struct history *h, struct update *u, uint64_t holds,
	const struct publication *now, const struct publication_node *node, const char *pdp_name,
	struct error *error) MUST_USE;

#endif
