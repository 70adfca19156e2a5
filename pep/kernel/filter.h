/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Our table of the packet filter: what it holds, and how another plan takes its place. Inside of
 * pep/kernel; kernel.h says why it goes as it goes.
 *
 *	filter_prepare()   what is new stands beside what is in force, and nothing leads there
 *	filter_switch()    the plan is in force
 *	filter_settle()    what nothing leads to any more is deleted
 *
 * Instead of the second, filter_cancel(): then what was prepared is what settling deletes.
 */
#ifndef COPSEC_PEP_KERNEL_FILTER_H
#define COPSEC_PEP_KERNEL_FILTER_H

#include "pep/kernel/exchange.h"
#include "pep/kernel/nft.h"

struct filter {
	struct exchange *exchange;
	struct plan *held; /* what is in force, as long as the rules are of this generation */
	uint32_t generation;
	struct plan *surplus; /* of which there may be more in the table than `held` has */
	bool unsettled;       /* there is, or there may be packets under old rules */
};

void filter_init(struct filter *t, struct exchange *exchange);
void filter_fini(struct filter *t);

/* One change on its way; `plan` NULL: the table goes. */
struct filter_change {
	const struct plan *plan;
	uint32_t generation; /* that the next batch wants */
	bool whole;          /* in one batch, in place of all that is there */
	bool prepared;
	bool nothing; /* to be done */
};
/* `check`: before anything else is changed, let the kernel check what is not prepared here. */
enum err filter_prepare(struct filter *t, const struct plan *plan, bool check,
	struct filter_change *ret, struct kernel_fault *fault, struct error *error) MUST_USE;
enum err filter_switch(struct filter *t, struct filter_change *change, struct kernel_fault *fault,
	struct error *error) MUST_USE;
void filter_cancel(struct filter *t, const struct filter_change *change);
enum err filter_settle(struct filter *t, struct error *error) MUST_USE;
/* Nothing is known of the table from now on: the next change replaces it. */
void filter_forget(struct filter *t);

/* Takes what the kernel has told of changes; `lost`: it was more than that. *ret_drift: somebody but
 * us changed the table, or may have; then nothing is known of it any more. If all that happened was
 * elsewhere, what we know goes on. */
enum err filter_hear(struct filter *t, struct view events, bool lost, bool *ret_drift,
	struct error *error) MUST_USE;

/* What the kernel says of the table. */
struct filter_reading {
	bool there;
	struct nft_label label;
};
enum err filter_read(struct filter *t, struct filter_reading *ret, struct error *error) MUST_USE;
/* If nobody has taken a batch to the kernel since an earlier process made the table exactly this
 * plan, it is what we hold. */
enum err filter_adopt(struct filter *t, const struct plan *plan,
	const struct filter_reading *reading, struct error *error) MUST_USE;

#endif
