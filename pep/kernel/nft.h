/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packet filter of a plan as one batch of nf_tables messages, and what is read back of it.
 */
#ifndef COPSEC_PEP_KERNEL_NFT_H
#define COPSEC_PEP_KERNEL_NFT_H

#include "pep/kernel/messages.h"

/* Table, counters, chains and rules of the plan in place of whatever our table holds; without
 * `commit` the kernel checks and forgets. `plan` NULL: our table goes away. */
void nft_replace(struct requests *r, const struct plan *plan, bool commit);

/* Asks for our table; the answer's plan id is "" if it says none. */
void nft_get_table(struct requests *r);
enum err nft_read_table(const struct nlmsghdr *message, char ret_plan_id[17]) MUST_USE;

void nft_dump_counters(struct requests *r);
struct nft_counter {
	const char *name; /* in the message */
	uint64_t packets;
	uint64_t octets;
};
/* E_NOT_FOUND: not a counter of ours. */
enum err nft_read_counter(const struct nlmsghdr *message, struct nft_counter *ret) MUST_USE;

#endif
