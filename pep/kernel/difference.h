/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the packet filter of one plan to that of another, touching only what differs.
 *
 * Chains and counters are matched by name, and compared by all that they say. A chain that differs
 * in its rules gets all of them anew; if only its map's elements differ, these are edited. A map
 * that mostly differs, or would not take the new elements besides the old, is made anew. What has
 * the same name and says the same is not mentioned, so its counters and limits go on.
 *
 * The batch is atomic: packets see the old rules or the new, but for what the kernel itself misses
 * while it edits a map with intervals (doc/performance.md). Within it the order is such that
 * nothing refers to what is not there yet, nothing goes that something refers to, and no interval
 * overlaps with one that goes.
 */
#ifndef COPSEC_PEP_KERNEL_DIFFERENCE_H
#define COPSEC_PEP_KERNEL_DIFFERENCE_H

#include "pep/kernel/nft.h"

/* Writes the batch; the kernel takes it only if its rules are of this generation. Nothing is
 * written (r->count is 0) if nothing differs. E_UNSUPPORTED: a base chain has another hook, so the
 * table has to be replaced. Both plans have to live as long as the requests. */
enum err nft_difference(struct requests *r, const struct plan *old, const struct plan *new,
	uint32_t generation) MUST_USE;

#endif
