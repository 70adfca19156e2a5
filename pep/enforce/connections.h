/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Has the kernel's connections judged again (rejudge.h) by every plan that comes into force, a piece
 * at a time between whatever else the loop does. A failure is tried again, and told meanwhile.
 */
#ifndef COPSEC_PEP_ENFORCE_CONNECTIONS_H
#define COPSEC_PEP_ENFORCE_CONNECTIONS_H

#include <jansson.h>

#include "common/service/log.h"
#include "pib/plan/plan.h"

struct ev_loop;
struct connections;

/* `cut` is told when some were cut, and how many. NULL when memory is out. */
struct connections *connections_new(struct ev_loop *loop, struct log *log,
                                    void (*cut)(void *context, uint64_t count), void *context);
struct connections *connections_free(struct connections *c); /* takes NULL, returns NULL */

/* Begins over if this is another plan than the last. */
void connections_judge(struct connections *c, const struct plan *plan);

/* For the status: how many were seen and cut by the plan in force, and whether all are judged. */
json_t *connections_describe(const struct connections *c);
/* Why connections of before may go on; NULL: they do not. */
const char *connections_disorder(const struct connections *c);

#endif
