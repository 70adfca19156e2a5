/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stores as a reader of the standards would do them by hand: lists that are searched from end to
 * end, the hash tree as it is defined, the checks attribute by attribute. They know the schema's
 * tables and nothing of blocks, order or sorting, and work on any schema.
 */
#ifndef COPSEC_TESTS_PIB_STORE_NAIVE_H
#define COPSEC_TESTS_PIB_STORE_NAIVE_H

#include "pib/store/check.h"
#include "tests/pib/store/rows.h"

/* ---- Contents ---- */

/* A row's place in the tree and its S-objects. */
struct naive_leaf {
	struct oid oid;
	struct view objects;
};

/* Arc by arc, by hand. */
void naive_sort(struct naive_leaf *leaves, size_t count);
/* Sorts them too. */
void naive_root(struct naive_leaf *leaves, size_t count, uint8_t ret_root[32]);

/* NULL if there is no such row. */
const struct pri *naive_find(const struct rows *r, enum pib_class_id class, uint32_t instance);

/* What is to be removed by a prefix: the row's OID of each class under it. */
struct naive_change {
	const struct prid *removes;
	size_t remove_count;
	const struct oid *prefixes;
	size_t prefix_count;
	const struct rows *installs;
};
/* Removes first, but what is installed stays; extensions go with their base. */
void naive_change(struct rows *r, const struct naive_change *change);

/* ---- Checks ---- */

struct complaint {
	struct prid prid;
	enum pib_fault_kind kind;
	uint8_t attribute;
};

struct complaints {
	size_t count;
	struct complaint list[512];
};

/* `before`: NULL if there was nothing. */
void naive_check(const struct rows *before, const struct rows *after, struct pri_bounds bounds,
	struct complaints *ret);
/* The same of what the library found. */
void complaints_of(const struct pri_failures *failures, struct complaints *ret);
/* Fails the test unless they are the same, in any order. */
void complaints_compare(struct complaints *expected, struct complaints *found, unsigned round);

#endif
