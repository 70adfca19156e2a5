/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packet filter as nf_tables messages, and what is read back of it.
 *
 * nft_replace() writes a whole table; what writes only a part of one (difference.h) uses the pieces
 * below it: tables, counters, chains and rules (nft.c), maps (maps.c). Reading back is readings.c.
 * A chain looks into one map at most, which has its content's name: to bind an anonymous map, the
 * kernel would go through all that is in the batch so far.
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
	uint32_t set_id; /* of the last map */
};

/* The kernel refuses the batch with ERESTART unless its rules are of this generation. */
void nft_begin(struct nft_batch *b, struct requests *r, uint32_t generation);
/* The last message before the end asks for an acknowledgement. */
void nft_end(struct nft_batch *b);

void nft_put_counter(struct nft_batch *b, const struct plan_counter *counter);
void nft_take_counter(struct nft_batch *b, const struct plan_counter *counter);
void nft_put_chain(struct nft_batch *b, const struct plan_chain *chain); /* empty */
void nft_take_chain(struct nft_batch *b, const struct plan_chain *chain);
void nft_put_rules(struct nft_batch *b, const struct plan_chain *chain); /* its map is there */
void nft_take_rules(struct nft_batch *b, const struct plan_chain *chain);
/* The map that the chain looks into, with its elements; nothing if it looks into none. */
void nft_put_map(struct nft_batch *b, const struct plan_chain *chain);
void nft_take_map(struct nft_batch *b, const struct plan_chain *chain);

/* The table is of this plan from now on. `settled` is the generation that the batch begins if
 * afterwards the table holds the plan and nothing else; 0: it does not. */
void nft_put_label(struct nft_batch *b, const struct plan *plan, uint32_t settled);
void nft_take_label(struct nft_batch *b);

/* The step that looks into the chain's map, and its rule; NULL: it has none. */
const struct plan_step *nft_map_of(
	const struct plan_chain *chain, const struct plan_rule **ret_rule);

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
