/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What net says of the PDPs, kept to be shown: which one it speaks to, since when and how it ended
 * last, and the table of pep/ipc/contact.h. Nothing here decides anything.
 */
#ifndef COPSEC_PEP_ENFORCE_PDPS_H
#define COPSEC_PEP_ENFORCE_PDPS_H

#include <jansson.h>

#include "pep/ipc/message.h"

struct pdps {
	enum pdp_contact state;
	struct endpoint endpoint; /* of the one that net speaks to, or tries */
	uint64_t since;           /* when `state` became open or ceased to be; UTC seconds */
	char reason[MESSAGE_TEXT_MAX + 1]; /* of the last end */
	struct buffer table;
};

/* `first` is shown until net says more; NULL: none is known. */
void pdps_init(struct pdps *p, const struct endpoint *first, uint64_t now_utc);
void pdps_fini(struct pdps *p);
/* PDP_STATE and PDP_TABLE; a failure is net's fault. */
enum err pdps_state(
	struct pdps *p, const struct message *m, uint64_t now_utc, struct error *e) MUST_USE;
enum err pdps_table(struct pdps *p, const struct message *m, struct error *e) MUST_USE;
/* Net has gone. */
void pdps_lost(struct pdps *p);

/* The status's "pdp" and "servers". NULL when memory is out. */
json_t *pdps_describe(const struct pdps *p, bool has_net);
json_t *pdps_describe_table(const struct pdps *p);

#endif
