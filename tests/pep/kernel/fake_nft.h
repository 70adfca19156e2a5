/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One nftables table as the fake kernel keeps it: object by object, with the kernel's rules about
 * what may come and go, stricter where it forgives: nothing comes twice, nothing goes while
 * something refers to it, a chain goes only empty, a map takes no more than its size.
 */
#ifndef COPSEC_TESTS_PEP_KERNEL_FAKE_NFT_H
#define COPSEC_TESTS_PEP_KERNEL_FAKE_NFT_H

#include "common/base/bytes.h"

struct nlmsghdr;

enum fake_kind { FAKE_CHAIN, FAKE_RULE, FAKE_MAP, FAKE_ELEMENT, FAKE_COUNTER };

enum { FAKE_NAME_SIZE = 128, FAKE_REFERENCES = 4 };

struct fake_object {
	enum fake_kind kind;
	uint32_t hash;             /* of the name */
	char name[FAKE_NAME_SIZE]; /* of a rule its chain's, of an element its map's */
	char *text;                /* all that it says */
	uint8_t *raw;              /* the message that made it */
	size_t raw_len;
	/* Of rules and elements: chains, maps and counters that have to be there. */
	struct {
		enum fake_kind kind;
		uint32_t hash;
		char name[FAKE_NAME_SIZE];
	} references[FAKE_REFERENCES];
	size_t reference_count;
	uint32_t size;    /* of a map, 0: any */
	bool interval;    /* of a map */
	bool base;        /* of a chain */
	uint64_t packets; /* of a counter */
	uint8_t key[16];  /* of an element */
	uint32_t key_len;
	bool end; /* an element that ends an interval */
};

struct fake_table {
	bool there;
	struct fake_object *objects;
	size_t count, capacity;
};

void fake_table_copy(struct fake_table *to, const struct fake_table *from);
void fake_table_fini(struct fake_table *t);
/* One message of a batch; 0 or the errno. */
int fake_table_change(struct fake_table *t, const struct nlmsghdr *message);
/* At a batch's end: intervals in order. */
void fake_table_commit(const struct fake_table *t);
/* Two states side by side, for what a packet needs that is in the rules while the second takes the
 * place of the first: no map that was there has changed; chains, maps and rules that base chains
 * lead to only go if `may_go`; and no map comes, and nothing goes, while a base chain's rules
 * change.
 */
void fake_table_check_change(
	const struct fake_table *before, const struct fake_table *after, bool may_go);
/* Answers a request for objects: those it asks for, one message each. False: nothing is there. */
bool fake_table_answer(
	const struct fake_table *t, const struct nlmsghdr *request, struct buffer *out);
void fake_table_print(const struct fake_table *t, struct buffer *out);

#endif
