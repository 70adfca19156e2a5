/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel does with a packet under a plan: the chains read as the kernel reads them.
 *
 * So connections that are there already are judged by what is installed now, and somebody asks why a
 * flow passes or not. Whatever is no property of the packet is taken as it mostly is: limits are not
 * exceeded, sockets are root's, and a packet that needs an SA has it, for what the walk is to tell is
 * which protection that is. Nothing is allocated and nothing counted.
 */
#ifndef COPSEC_PIB_PLAN_WALK_H
#define COPSEC_PIB_PLAN_WALK_H

#include <net/if.h>

#include "pib/plan/plan.h"

struct plan_packet {
	struct flow flow; /* direction included; the roles do not count, the interfaces do */
	char in[IF_NAMESIZE];  /* of what comes in or is forwarded */
	char out[IF_NAMESIZE]; /* of what goes out or is forwarded */
	bool known;   /* of a connection that is there already, in its original direction; else its first */
	uint32_t mark, ct_mark; /* before */
};

struct plan_end {
	bool accepted;
	bool rejected; /* dropped, and said so */
	uint32_t mark, ct_mark; /* afterwards */
	/* Of the last rule that a PRI asked for, or of the one that decided; lives in the plan. */
	const struct plan_cause *cause;
	const struct plan_counter *counter; /* the last one that counted it; NULL: none */
	const struct plan_protection *protection; /* NULL: none */
};

void plan_walk(const struct plan *plan, const struct plan_packet *packet, struct plan_end *ret);

#endif
