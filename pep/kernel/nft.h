/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packet filter as nf_tables messages, and what is read back of it.
 *
 * nft_replace() writes a whole table; what writes only a part of one (difference.h) uses the pieces
 * below it: tables, counters, chains and rules (nft.c), maps and the sets of limits (maps.c).
 * Reading back is readings.c. The sets of a chain are named by its content and their place in it:
 * to bind an anonymous one, the kernel would go through all that is in the batch so far.
 */
#ifndef COPSEC_PEP_KERNEL_NFT_H
#define COPSEC_PEP_KERNEL_NFT_H

#include "pep/kernel/messages.h"

/* The kernel counts its generations from 1. */
enum { NFT_ANY_GENERATION = 0 };

/* Table, counters, chains and rules of the plan in place of whatever the table holds. `plan` NULL:
 * the one with the policy goes away. */
void nft_replace(struct requests *r, const struct plan *plan, uint32_t generation);

/* ---- A batch, piece by piece ---- */

struct nft_batch {
	struct requests *r;
	const char *table;
	uint32_t set_id; /* of the last set */
};

/* The kernel refuses the batch with ERESTART unless its rules are of this generation. */
void nft_begin(struct nft_batch *b, struct requests *r, uint32_t generation);
/* The last message before the end asks for an acknowledgement. */
void nft_end(struct nft_batch *b);

void nft_put_counter(struct nft_batch *b, const struct plan_counter *counter);
void nft_take_counter(struct nft_batch *b, const struct plan_counter *counter);
void nft_put_chain(struct nft_batch *b, const struct plan_chain *chain); /* empty */
void nft_take_chain(struct nft_batch *b, const struct plan_chain *chain);
void nft_put_rules(struct nft_batch *b, const struct plan_chain *chain); /* its sets are there */
void nft_take_rules(struct nft_batch *b, const struct plan_chain *chain);
/* The sets that the chain's steps need: maps with their elements, and limits, empty. */
void nft_put_sets(struct nft_batch *b, const struct plan_chain *chain);
void nft_take_sets(struct nft_batch *b, const struct plan_chain *chain);

/* The table is of this plan from now on. `settled` is the generation that the batch begins if
 * afterwards the table holds the plan and nothing else; 0: it does not. */
void nft_put_label(struct nft_batch *b, const struct plan *plan, uint32_t settled);
void nft_take_label(struct nft_batch *b);

/* Does the step need a set of its own? */
bool nft_has_set(const struct plan_step *step);
enum { NFT_SET_NAME_SIZE = PLAN_NAME_SIZE + 16 };
/* The name of the set of one of the chain's steps, by their places. */
void nft_set_name(
	const struct plan_chain *chain, size_t rule, size_t step, char ret[NFT_SET_NAME_SIZE]);

/* ---- Reading back ---- */

/* Asks which generation of rules the kernel has: every batch that it takes begins another, whatever
 * table it is for. */
void nft_get_generation(struct requests *r);
enum err nft_read_generation(const struct nlmsghdr *message, uint32_t *ret) MUST_USE;

/* The one that a batch begins. */
uint32_t nft_generation_after(uint32_t generation);
/* Does the kernel tell that something of our table came, went or changed? */
bool nft_is_change_of_ours(const struct nlmsghdr *message) MUST_USE;

/* Asks for our table. */
void nft_get_table(struct requests *r);
/* Asks which plan the table is of. */
struct nft_label {
	char plan_id[17]; /* "" if it does not say */
	uint32_t settled; /* the generation as long as which the table is exactly that, or 0 */
};
void nft_get_label(struct requests *r);
enum err nft_read_label(const struct nlmsghdr *message, struct nft_label *ret) MUST_USE;

void nft_dump_counters(struct requests *r);
struct nft_counter {
	const char *name; /* in the message */
	uint64_t packets;
	uint64_t octets;
};
/* E_NOT_FOUND: not a counter of ours. */
enum err nft_read_counter(const struct nlmsghdr *message, struct nft_counter *ret) MUST_USE;

#endif
