/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PRIs of one policy set while they are being made.
 *
 * A row is asked for by its contents; asked for twice it is made once, and both get the same
 * InstanceId. So are tag lists. Numbers come from the set's block, for each class from its start,
 * in the order of asking: the same questions give the same octets.
 *
 * A row may have an EXTENDS row beside it. UNIQUENESS looks at the base row alone, so two rows that
 * differ only in their extension cannot both stand: the second gets ROWS_CLASH, and the caller
 * changes something that does not matter and asks again.
 *
 * The first failure sticks; rows_finish() tells.
 */
#ifndef COPSEC_PMT_COMPILER_ROWS_H
#define COPSEC_PMT_COMPILER_ROWS_H

#include "common/base/arena.h"
#include "pib/schema/pri.h"

enum { ROWS_CLASH = 0 };

struct rows_entry;
struct rows_row;

struct rows {
	uint32_t block;
	struct arena arena; /* keys */
	struct rows_entry *entries;
	size_t entry_size; /* a power of two */
	size_t entry_count;
	struct rows_row *rows;
	size_t row_count, row_size;
	struct buffer octets; /* S-objects of the rows */
	struct buffer key;    /* scratch */
	struct buffer small;  /* scratch, of reserved numbers */
	uint32_t instances[PIB_CLASS_COUNT];
	uint32_t tags[PIB_CLASS_COUNT]; /* TagIds of the class that lists them */
	bool reserved; /* some number is */
	struct error error;
};

void rows_init(struct rows *r, uint32_t block);
void rows_fini(struct rows *r);

/*
 * The InstanceId of the row with these contents; `extension` is NULL or an EXTENDS row of it. The
 * InstanceIds in both are overwritten. ROWS_CLASH as above, or after a failure.
 */
uint32_t rows_put(struct rows *r, struct pri *base, struct pri *extension);

/*
 * The TagId of the list that `key` describes; *ret_new says that it has no members yet. Keys are
 * compared within `class` only.
 */
uint32_t rows_tag(struct rows *r, enum pib_class_id class, struct view key, bool *ret_new);

/*
 * Numbers that somebody fixed, within the block: the next row or list that is made gets none of
 * them. False if one is reserved already. Before anything is put.
 */
bool rows_reserve(struct rows *r, enum pib_class_id class, uint32_t number);
bool rows_reserve_tag(struct rows *r, enum pib_class_id class, uint32_t number);
/* As rows_put() with a number that is reserved, or 0; another number than an equal row has is
 * E_CONFLICT in r->error. */
uint32_t rows_put_at(struct rows *r, struct pri *base, struct pri *extension, uint32_t number);

size_t rows_count(const struct rows *r);
/* All rows as PRID and EPD objects, in numeric OID order, appended. */
enum err rows_finish(struct rows *r, struct buffer *out, struct error *e) MUST_USE;

#endif
