/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packet filter as nf_tables messages, and what is read back of it.
 *
 * nft_replace() writes a whole table; what writes only a part of one (difference.h) uses the pieces
 * below it: tables, counters, chains and rules (nft.c), maps (maps.c). Reading back is readings.c. A chain looks into one map at most, which has the chain's name: to bind an anonymous
 * map, the kernel would go through all that is in the batch so far.
 */
#ifndef COPSEC_PEP_KERNEL_NFT_H
#define COPSEC_PEP_KERNEL_NFT_H

#include "pep/kernel/messages.h"

struct nftnl_set;

/* Table, counters, chains and rules of the plan in place of whatever our table holds. `plan` NULL:
 * our table goes away. */
void nft_replace(struct requests *r, const struct plan *plan);

/* ---- A batch, piece by piece ---- */

struct nft_batch {
	struct requests *r;
	uint32_t set_id; /* of the last map */
};

/* `generation`: the kernel refuses the batch with ERESTART unless its rules are of this
 * generation; NULL: any. */
void nft_begin(struct nft_batch *b, struct requests *r, const uint32_t *generation);
/* The last message before the end asks for an acknowledgement. */
void nft_end(struct nft_batch *b);

void nft_put_counter(struct nft_batch *b, const struct plan_counter *counter);
void nft_take_counter(struct nft_batch *b, const struct plan_counter *counter);
void nft_put_chain(struct nft_batch *b, const struct plan_chain *chain); /* empty */
void nft_take_chain(struct nft_batch *b, const struct plan_chain *chain);
void nft_take_rules(struct nft_batch *b, const struct plan_chain *chain); /* all of them */
/* Appends; its map has to be there. */
void nft_put_rule(
	struct nft_batch *b, const struct plan_chain *chain, const struct plan_rule *rule);
/* The table is of this plan from now on. */
void nft_relabel(struct nft_batch *b, const struct plan *plan);

/* The step that looks into the chain's map, and its rule; NULL: it has none. */
const struct plan_step *nft_map_of(
	const struct plan_chain *chain, const struct plan_rule **ret_rule);
/* With its elements. */
void nft_put_map(struct nft_batch *b, const struct plan_step *s, const char *name,
	const struct plan_rule *cause);
void nft_take_map(struct nft_batch *b, const char *name, const struct plan_rule *cause);
/* How many elements the kernel will take in the map, those included that the same batch takes
 * away. A power of two with some room, so that it seldom changes. */
size_t nft_map_places(const struct plan_step *s);
/* Does it begin with the border of what is before its first interval? */
bool nft_map_has_border(const struct plan_step *s);

/* Elements of one map that come, or go (`take`). */
struct nft_elements {
	struct nft_batch *batch;
	const char *map;
	const struct plan_step *shape;
	const struct plan_rule *cause;
	bool take;
	struct nftnl_set *set; /* those not sent yet */
	size_t pending;
};
void nft_elements_begin(struct nft_elements *run, struct nft_batch *b, const char *map,
	const struct plan_step *shape, const struct plan_rule *cause, bool take);
void nft_elements_border(struct nft_elements *run);
void nft_elements_put(struct nft_elements *run, const struct plan_element *element);
void nft_elements_end(struct nft_elements *run);

/* ---- Reading back ---- */

/* Asks which generation of rules the kernel has: every batch that it takes begins another, whatever
 * table it is for. */
void nft_get_generation(struct requests *r);
enum err nft_read_generation(const struct nlmsghdr *message, uint32_t *ret) MUST_USE;

/* Asks for our table. */
void nft_get_table(struct requests *r);
/* Asks which plan the table is of; the id is "" if it does not say. */
void nft_get_label(struct requests *r);
enum err nft_read_label(const struct nlmsghdr *message, char ret_plan_id[17]) MUST_USE;

void nft_dump_counters(struct requests *r);
struct nft_counter {
	const char *name; /* in the message */
	uint64_t packets;
	uint64_t octets;
};
/* E_NOT_FOUND: not a counter of ours. */
enum err nft_read_counter(const struct nlmsghdr *message, struct nft_counter *ret) MUST_USE;

#endif
