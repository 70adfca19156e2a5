/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An earlier policy under a new serial: the way back, for serials never go backwards.
 *
 * The sets keep their rows and InstanceIds, so their roots are those of then. What is in force with
 * the same content stays with its serial and its signatures; the rest gets the new serial, and has
 * to be signed.
 */
#ifndef COPSEC_PMT_COMPILER_RENEW_H
#define COPSEC_PMT_COMPILER_RENEW_H

#include "pib/set/bundle.h"

struct renew_terms {
	uint64_t serial; /* 0: one more than what is in force has */
	uint64_t not_before, not_after;
};

struct renew_summary {
	uint64_t serial;
	size_t kept, renewed;  /* documents besides the index */
	const char **left_out; /* nodes that are new since then: they have no policy in it */
	size_t left_out_count;
};

/* E_MISMATCH: the two are of different tenants; E_RANGE: the serial is not greater. The bundle
 * borrows from both, and from the arena. */
enum err renew(const struct bundle *old, const struct bundle *in_force,
	const struct renew_terms *terms, struct arena *arena, struct bundle *ret,
	struct renew_summary *ret_summary, struct error *e) MUST_USE;

#endif
