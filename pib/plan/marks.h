/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bits of a packet's mark that are ours, in one place.
 *
 * A setting gives the mask; within it, from its lowest bit on:
 *
 *     bit 8         bit 7         bits 6..0
 *     passed        came          number of the protection, 0 = none
 *
 * In a packet's mark the number with `came` clear asks the SPD to protect the packet on its way
 * out; with `came` set it demands that the packet came out of such an SA. They are two values
 * because a packet that is forwarded into a tunnel came from the other side in clear: one value
 * would make it fail the template of the FWD policy. `passed` says that our chains saw the packet:
 * what lacks it is blocked by the SPD's last entries, so a flushed packet filter opens nothing.
 *
 * In a connection's mark `passed` says that a stateful rule let its first packet through, the rest
 * is that packet's mark. The reply's leg is the other one: `came` turned over.
 *
 * All other bits belong to others and are never changed.
 */
#ifndef COPSEC_PIB_PLAN_MARKS_H
#define COPSEC_PIB_PLAN_MARKS_H

#include "common/base/error.h"

enum {
	MARK_BITS = 9,
	MARK_NUMBER_BITS = 7,
	MARK_PROTECTIONS_MAX = (1 << MARK_NUMBER_BITS) - 1, /* protections that one node can hold */
};

#define MARK_MASK_DEFAULT 0x01ff0000u

struct marks {
	uint32_t mask;   /* all of them */
	uint32_t flow;   /* number and came */
	uint32_t number; /* the number alone */
	uint32_t came;
	uint32_t passed;
	unsigned shift; /* of the number */
};

/* E_RANGE unless the mask is MARK_BITS neighbouring bits. */
enum err marks_from_mask(uint32_t mask, struct marks *ret, struct error *error) MUST_USE;

static inline uint32_t marks_value(const struct marks *m, unsigned number, int came)
{
	return ((uint32_t)number << m->shift) | (came ? m->came : 0);
}

#endif
