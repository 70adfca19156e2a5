/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the enforcer did and met with, the last EVENTS_KEPT_MAX of it, for `pepctl log -f`. It is kept
 * whether somebody asks or not, so that who comes late sees what led here; the oldest make way. Unlike
 * the log it has no levels and cannot be switched off, and it ends with the process.
 *
 * The command's request is {"command": "events"} at first, which is answered with all that is kept, and
 * {"command": "events", "from": N} then, with the N ("next") of the reply before; that waits (E_AGAIN)
 * until there is something. "lost" are those that made way unseen.
 */
#ifndef COPSEC_PEP_ENFORCE_EVENTS_H
#define COPSEC_PEP_ENFORCE_EVENTS_H

#include <jansson.h>

#include "common/base/error.h"

enum { EVENTS_KEPT_MAX = 1024 };

enum event_kind {
	EVENT_RESTORED,     /* after a start, out of storage */
	EVENT_IN_FORCE,     /* a decision put another policy in force */
	EVENT_UNCHANGED,    /* a decision left everything as it was */
	EVENT_REFUSED,      /* a decision, and why */
	EVENT_TIME,         /* a schedule or an end changed what is in force */
	EVENT_DRIFT,        /* somebody else changed what is in force */
	EVENT_REPAIRED,
	EVENT_NOT_REPAIRED, /* and why */
	EVENT_CUT,          /* connections that the policy does not allow */
	EVENT_TRIAL,        /* the PDP is not heard, another policy is in force */
	EVENT_TRIAL_FAILED, /* the policy before stays */
	EVENT_KINDS
};

struct events;

/* `told` is called after each event. NULL when memory is out. */
struct events *events_new(void (*told)(void *context), void *context);
struct events *events_free(struct events *v); /* takes NULL, returns NULL */

struct event {
	enum event_kind kind;
	uint64_t index;    /* in force after it */
	uint64_t decision; /* its number; 0: of none */
	uint64_t count;    /* of what the kind counts, else 0 */
	const char *text;  /* why; NULL: there is nothing to be said */
};
/* The time is the system's. */
void events_add(struct events *v, const struct event *event);

enum err events_answer(struct events *v, const json_t *request, json_t **ret_result,
                       struct error *e) MUST_USE;

#endif
