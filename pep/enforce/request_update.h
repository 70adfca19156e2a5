/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Updates of a request state (RFC 3318 section 2.3): once a PDP has had a REQ with full state, the
 * next one says only what is new, what is another, and, with an empty EPD, what is no more.
 *
 * Requests have ids. Who asks for the next one names the one that the request state was told last;
 * if that is not the last one that was made here, or there was none, it is full state. So a REQ that
 * never went out costs a full state and nothing else.
 */
#ifndef COPSEC_PEP_ENFORCE_REQUEST_UPDATE_H
#define COPSEC_PEP_ENFORCE_REQUEST_UPDATE_H

#include "pep/enforce/request.h"
#include "pib/store/store.h"

/* Starts as zeros. */
struct request_update {
	uint32_t id;            /* of the last request; 0: there was none */
	struct pri_store *said; /* what the PDP knows by it, but for frwkPibIncarnation */
	bool incremental;       /* it was one */
	bool refused;           /* and the PDP could not use it */
};

void request_update_fini(struct request_update *u);

/* Appends the PRID and EPD objects of request `id`; `after`: the id of the one before, 0: none. */
enum err request_update_put(struct request_update *u, const struct request_input *input,
                            uint32_t id, uint32_t after, struct buffer *out,
                            struct error *e) MUST_USE;
/* The PDP answered with frwkError: it has kept what it had before, which is not known here. */
void request_update_refused(struct request_update *u);
/*
 * Is there something to tell? Interfaces, roles or abilities are others than the PDP knows; or it
 * could not use the last difference, and should have full state. What is in force is told by reports.
 */
bool request_update_due(const struct request_update *u, const struct request_input *input);

#endif
