/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the packet filter of one plan to that of another, without a packet noticing.
 *
 * A packet follows the rules of one generation: which rules it sees is settled when it enters a
 *base chain. But a map answers it with the elements of the generation that is current when it
 *looks, and a map of intervals may show the elements of a batch only some time after the rules of
 *that batch are in force. So no map is ever changed, nor made or deleted by the batch that changes
 *where packets go. Chains and maps are named by what they hold: each is made once and never edited.
 *A change takes three batches, all of which the kernel takes only if its rules are of the
 *generation asked for:
 *
 *	nft_prepare()     adds what is new; nothing leads there yet
 *	nft_switch()      gives the base chains their new rules
 *	nft_leftovers()   deletes what nothing leads to any more
 *
 * The last must not be sent before all packets that began under the old rules are through: kernel.h
 * says how. Both plans have to live as long as the requests.
 */
#ifndef COPSEC_PEP_KERNEL_DIFFERENCE_H
#define COPSEC_PEP_KERNEL_DIFFERENCE_H

#include "pep/kernel/nft.h"

/* E_UNSUPPORTED: a base chain has another hook, so the table has to be replaced. */
enum err nft_prepare(struct requests *r, const struct plan *old, const struct plan *new,
	uint32_t generation) MUST_USE;
enum err nft_switch(struct requests *r, const struct plan *old, const struct plan *new,
	uint32_t generation) MUST_USE;
/* What `surplus` has and `held` has not; NULL: only the label is put right. */
enum err nft_leftovers(struct requests *r, const struct plan *surplus, const struct plan *held,
	uint32_t generation) MUST_USE;

#endif
