/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objects of an nf_tables batch, one after the other: each is made, filled with libnftnl's
 * setters, and sent, which releases it. Inside of pep/kernel; failures stick in the requests.
 */
#ifndef COPSEC_PEP_KERNEL_OBJECTS_H
#define COPSEC_PEP_KERNEL_OBJECTS_H

#include "pep/kernel/nft.h"

enum object_kind {
	OBJECT_TABLE,
	OBJECT_CHAIN,
	OBJECT_RULE, /* its name is its chain's */
	OBJECT_MAP,
	OBJECT_ELEMENTS, /* of the map of that name */
	OBJECT_COUNTER,
	OBJECT_KINDS
};

enum object_verb { OBJECT_COME, OBJECT_GO, OBJECT_GET };

/* The chain that says which plan the table is of. */
#define NFT_LABEL "plan"
/* Its comment: the plan's id, a blank, eight hexadecimal digits, NUL. */
enum { NFT_LABEL_SIZE = 16 + 1 + 8 + 1 };

/* The object of this name in the table of the batch, as libnftnl's struct; NULL when memory is exhausted. */
void *object_new(struct nft_batch *b, enum object_kind kind, const char *name);
/* Sends and releases it; takes NULL. `flags`: besides what the verb needs. */
void object_send(struct nft_batch *b, enum object_kind kind, enum object_verb verb, void *object,
	uint16_t flags, struct origin origin);
/* The object of this name goes. */
void object_take(
	struct nft_batch *b, enum object_kind kind, const char *name, struct origin origin);

/* A message without an object; NULL when memory is exhausted. */
struct nlmsghdr *object_message(struct nft_batch *b, uint16_t type, uint16_t flags);

#endif
