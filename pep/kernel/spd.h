/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Our entries of the SPD: read, added with an inverse for each, deleted. Inside of pep/kernel.
 */
#ifndef COPSEC_PEP_KERNEL_SPD_H
#define COPSEC_PEP_KERNEL_SPD_H

#include "pep/kernel/exchange.h"

enum { SPD_ENTRIES_MAX = 1 << 16 };

/* What of ours is there. */
struct spd {
	struct plan_spd *list;
	size_t count;
	size_t capacity;
};
enum err spd_read(struct exchange *x, struct spd *ret, struct error *error) MUST_USE;
void spd_fini(struct spd *spd);
/* Are all of the plan's there? */
bool spd_complete(const struct spd *present, const struct plan *plan);
/* Is there one that is not the plan's (NULL: of no plan)? */
bool spd_has_others(const struct spd *present, const struct plan *plan);

/* What was done, and how it is undone. */
struct spd_journal {
	struct spd_step {
		const struct plan_spd *now;
		const struct plan_spd *before; /* NULL: there was none */
	} * steps;
	size_t count;
};
/* Adds the plan's entries that are not there yet. On failure too the journal is to be undone or
 * released. */
enum err spd_add(struct exchange *x, const struct plan *plan, const struct spd *present,
	struct spd_journal *journal, struct kernel_fault *fault, struct error *error) MUST_USE;
/* Backwards, and on when one fails: fault.dirty. */
void spd_undo(struct exchange *x, struct spd_journal *journal, struct kernel_fault *fault,
	struct error *error);
/* Deletes what is not the plan's; on when one fails, the error is of the first. */
enum err spd_clean(struct exchange *x, const struct plan *plan, struct error *error) MUST_USE;

#endif
