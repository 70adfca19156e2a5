/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PRIs for tests: built one by one, or as a small but whole policy set. */
#ifndef COPSEC_TESTS_PIB_STORE_ROWS_H
#define COPSEC_TESTS_PIB_STORE_ROWS_H

#include "pib/schema/pri.h"

enum { ROWS_MAX = 64 };

/* Starts as zeros. Pointers to PRIs stay good while there are no more than ROWS_MAX. */
struct rows {
	struct pri *list;
	size_t count;
	size_t room;
};
void rows_fini(struct rows *r);

/* With all attributes of the class set to their default, or to something that is allowed but says
 * nothing. */
struct pri *rows_add(struct rows *r, enum pib_class_id class, uint32_t instance);
struct pri *rows_get(struct rows *r, enum pib_class_id class, uint32_t instance);
void rows_drop(struct rows *r, enum pib_class_id class, uint32_t instance);

/* Two rules for the role combination: web allowed in, the rest protected. Every kind of reference
 * occurs. InstanceIds and TagIds count from block + 1. */
void rows_policy(struct rows *r, uint32_t block, const char *roles);

/* S-objects in numeric OID order. */
void rows_put(struct rows *r, struct buffer *out);

#endif
