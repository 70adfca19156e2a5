/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The clocks that schedules of rules are said in: zones of the tz database, and the node's own.
 *
 * Names come from signed policy, and still lead to files below one folder only. A file is read when
 * its zone is first asked for; one that is not there, or cannot be read, is a zone that nobody knows
 * (periods.h says what that comes to). Make one for each planning, so that a new tz database counts
 * from the next one on.
 */
#ifndef COPSEC_PEP_ENFORCE_ZONES_H
#define COPSEC_PEP_ENFORCE_ZONES_H

#include "pib/policy/periods.h"

enum { ZONES_MAX = 64 }; /* of one policy; more are not known */

/* Where a node has them. */
#define ZONES_FOLDER "/usr/share/zoneinfo"
#define LOCAL_ZONE "/etc/localtime"

struct zones;

/* `folder` of the tz database, `local` the file of the node's own zone: where there is none, it is
 * UTC, as the C library has it. Both live as long as the zones. NULL: no memory. */
struct zones *zones_new(const char *folder, const char *local);
struct zones *zones_free(struct zones *z); /* takes NULL, returns NULL */
/* Lives as long as the zones. */
struct policy_clock zones_clock(struct zones *z);

#endif
