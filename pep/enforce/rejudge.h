/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections that were there before the policy are judged again by it.
 *
 * The filter judges every packet of a connection's original direction, and lets its replies pass by
 * the connection's mark. So after each change all connections that have the mark are put before the
 * plan (pib/plan/walk.h), by their first packet: those that it would not let begin any more, or would
 * give another protection, are cut, and their next packet finds no connection (TCP that begins
 * without SYN never passes). The others are not touched.
 *
 * The kernel's table names neither interfaces nor DSCP. Which interfaces a connection uses is asked of
 * the routing table, unless all have the same roles; and where rules look at the DSCP, a connection
 * stays if any value of it would let it begin.
 *
 * rejudge_begin() starts over; rejudge_step() takes one piece whenever the descriptor is readable.
 * The table is read until a whole reading finds nothing to do, PASSES_MAX times at most.
 */
#ifndef COPSEC_PEP_ENFORCE_REJUDGE_H
#define COPSEC_PEP_ENFORCE_REJUDGE_H

#include "pep/enforce/interfaces.h"
#include "pib/plan/walk.h"

struct rejudge;

struct rejudge_result {
	bool done;
	uint64_t seen; /* by the last reading that ended */
	uint64_t cut, marked;
	unsigned passes;
};

/* NULL when memory is out. */
struct rejudge *rejudge_new(void);
struct rejudge *rejudge_free(struct rejudge *r); /* takes NULL, returns NULL */

/* The plan is held until all is judged. */
enum err rejudge_begin(struct rejudge *r, const struct plan *plan, struct error *e) MUST_USE;
/* -1 while nothing is being judged; another one after each begin and each pass. */
int rejudge_descriptor(const struct rejudge *r);
/* On failure it has ended; what could not be judged is to be begun again. */
enum err rejudge_step(struct rejudge *r, struct rejudge_result *ret, struct error *e) MUST_USE;

#endif
