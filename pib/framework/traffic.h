/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What rules have counted, as copsecTraffic rows of an accounting report (RFC 3084 section 5.3.2):
 * written by the node, read by the PDP. Plain values.
 */
#ifndef COPSEC_PIB_FRAMEWORK_TRAFFIC_H
#define COPSEC_PIB_FRAMEWORK_TRAFFIC_H

#include "pib/schema/pri.h"

enum {
	TRAFFIC_ROWS_MAX = 64, /* of a report; those that counted most */
	TRAFFIC_NAME_MAX = 63, /* octets; names are cut */
};

struct traffic_row {
	struct prid cause; /* class NULL: no PRI */
	char name[TRAFFIC_NAME_MAX + 1];
	uint64_t packets, octets;
};

struct traffic {
	size_t count;
	struct traffic_row rows[TRAFFIC_ROWS_MAX];
};

/* Takes the row if it counted anything, and more than the least of those that are there when there
 * is no room for all. */
void traffic_add(struct traffic *t, const struct traffic_row *row);

/* PRID and EPD objects, appended. */
enum err traffic_put(const struct traffic *t, struct buffer *out, struct error *e) MUST_USE;

/* A run of such objects, added to what is there; E_UNEXPECTED: of another class; E_LIMIT: too many;
 * or what is wrong with a row. `t` is unchanged then. */
enum err traffic_read(struct traffic *t, struct view run, struct error *e) MUST_USE;

#endif
