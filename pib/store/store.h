/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PRI store: provisioning instances in numeric OID order of their PRIDs (class first, then
 * InstanceId), each with the octets that came over the wire. Nothing is ever encoded again, for the
 * octets are what was signed.
 *
 * A store never changes. A change makes a new store out of an old one; both are whole, so a
 * transaction is undone by freeing the new one and committed by freeing the old one. They share
 * what did not change: rows live in blocks of the same class and the same InstanceId >> 8, a block
 * carries its hash, and stores hold references to blocks. So one changed PRI costs one block, in
 * memory and in hashing. References are not atomic: one thread.
 *
 * The hash tree: leaf = SHA-256(00 | u32 length of the PRID object | PRID object | u32 length of
 * the EPD object | EPD object), objects as sent with header and padding; block = SHA-256(01 |
 * leaves in order); root = SHA-256(02 | u32 number of leaves | blocks in order).
 *
 * Until pri_store_decode() only PRIDs are parsed, so that signatures can be verified first.
 */
#ifndef COPSEC_PIB_STORE_STORE_H
#define COPSEC_PIB_STORE_STORE_H

#include "pib/store/failure.h"

enum {
	PRI_STORE_MAX_ROWS = 1 << 19,
	PRI_STORE_MAX_OCTETS = 64 << 20, /* of S-objects */
	PRI_STORE_ROOT = 32,
};

struct pri_store;

/* One instance. All views borrow from the store. */
struct pri_row {
	struct prid prid;
	struct view objects; /* PRID and EPD object, headers and padding included, as they go out */
	struct view prid_contents; /* of the PRID object: BER */
	struct view epd;           /* contents of the EPD object: BER values by attribute number */
};

/*
 * A run of PRID and EPD objects, in any order, in `count` pieces that are each cut between pairs.
 * E_DUPLICATE if a PRID comes twice; E_UNKNOWN with failures (CPERR 9) for classes that are not in
 * the schema.
 */
enum err pri_store_build(const struct view *pieces, size_t count, struct pri_store **ret_store,
	struct pri_failures *failures, struct error *e) MUST_USE;
struct pri_store *pri_store_free(struct pri_store *s);

/* Blocks that are equal in both are kept once from now on: for many stores that say nearly the same. */
void pri_store_share(struct pri_store *s, const struct pri_store *with);

size_t pri_store_count(const struct pri_store *s);
/* Octets of all S-objects. */
size_t pri_store_octets(const struct pri_store *s);
enum err pri_store_root(const struct pri_store *s, uint8_t ret_root[PRI_STORE_ROOT]) MUST_USE;

/* False if there is none. */
bool pri_store_find(const struct pri_store *s, const struct prid *prid, struct pri_row *ret_row);

/*
 * for (struct pri_cursor c = pri_store_all(s); pri_store_next(&c, &row);)
 * walks in numeric OID order over all rows, or by pri_store_class() over those of one class.
 */
struct pri_cursor {
	const struct pri_store *store;
	size_t block;
	size_t block_end;
	uint32_t row;
};
struct pri_cursor pri_store_all(const struct pri_store *s);
struct pri_cursor pri_store_class(const struct pri_store *s, enum pib_class_id class);
bool pri_store_next(struct pri_cursor *c, struct pri_row *ret_row);
/* While both stand before a block and these are equal, steps over both. */
void pri_cursor_skip_equal(struct pri_cursor *a, struct pri_cursor *b);

/* The attributes; octet strings in *ret_pri borrow from the store. Cannot fail after the checks. */
enum err pri_row_decode(const struct pri_row *row, struct pri *ret_pri, struct pib_fault *ret_fault,
	struct error *e) MUST_USE;
/* Find and decode; false if there is no such row, or it does not decode. */
bool pri_store_get(
	const struct pri_store *s, enum pib_class_id class, uint32_t instance, struct pri *ret_pri);

/* All rows as S-objects, in order. */
void pri_store_put(const struct pri_store *s, struct buffer *out);

/*
 * One transaction (RFC 3084 §2.3): removes first, then installs, where a remove does not touch what
 * the same transaction installs. An install creates or replaces. Removing what is not there is no
 * error. With a row go those that extend or augment it (RFC 3159 §7.7, §7.8). `removes` are runs of PRID and PPRID objects, `installs` of PRID and EPD objects.
 */
struct pri_change {
	const struct view *removes;
	size_t remove_count;
	const struct view *installs;
	size_t install_count;
};
enum err pri_store_change(const struct pri_store *old, const struct pri_change *change,
	struct pri_store **ret_new, struct pri_failures *failures, struct error *e) MUST_USE;

/*
 * The rows of some classes within first..last, which must be whole blocks of 256 InstanceIds. What
 * is taken over is shared, so this costs as much as there are blocks.
 */
enum err pri_store_slice(const struct pri_store *s, bool (*keep)(const struct pib_class *class),
	uint32_t first, uint32_t last, struct pri_store **ret_slice) MUST_USE;

#endif
