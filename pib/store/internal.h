/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a store is made of; for the files of this folder only.
 *
 *	block.c        rows of one class and neighbouring InstanceIds, with their hash
 *	store.c        blocks in order: looking up, walking, the root
 *	transaction.c  what a change says, decoded as far as PRIDs
 *	merge.c        a new store out of an old one and a change
 */
#ifndef COPSEC_PIB_STORE_INTERNAL_H
#define COPSEC_PIB_STORE_INTERNAL_H

#include "common/crypto/digest.h"
#include "pib/store/store.h"

enum { BLOCK_BITS = 8 };

/* A PRID as a number that sorts as the OID does: class ids ascend with the rows' OIDs. */
static inline uint64_t key_of(const struct prid *prid)
{
	return (uint64_t)prid->class->id << 32 | prid->instance;
}

static inline struct prid prid_of_key(uint64_t key)
{
	return (struct prid){pib_class((enum pib_class_id)(key >> 32)), (uint32_t)key};
}

static inline uint64_t block_key(uint64_t key)
{
	return key >> BLOCK_BITS << BLOCK_BITS;
}

struct stored {
	uint32_t instance;
	uint32_t at;       /* of the PRID object; the EPD object follows it */
	uint16_t prid_len; /* of the contents */
	uint16_t epd_len;
};

/* All rows of one class with the same InstanceId >> BLOCK_BITS. Never changes once it is made. */
struct block {
	uint64_t key; /* of its rows, without the low bits */
	uint32_t references;
	uint32_t count;
	size_t octets_len;
	uint8_t hash[SHA256_SIZE];
	struct stored rows[]; /* ascending; behind them the octets */
};

struct pri_store {
	size_t count;
	size_t octets;
	size_t block_count;
	struct block *blocks[]; /* ascending by key */
};

/* A row on its way into a block; the octets are still where they came from. */
struct item {
	uint64_t key;
	const uint8_t *prid; /* the objects, header first */
	const uint8_t *epd;
	uint16_t prid_len; /* of the contents */
	uint16_t epd_len;
};

/* Items of one block, ascending. */
enum err block_new(const struct item *items, size_t count, struct sha256 *digest,
	struct block **ret_block) MUST_USE;
void block_release(struct block *b);
struct item block_item(const struct block *b, uint32_t row);
/* The octets of all its rows, in order. */
struct view block_octets(const struct block *b);
/* Octets of an S-object with padding. */
size_t object_octets(size_t contents_len);

/* Room for so many blocks; NULL when memory is out. */
struct pri_store *store_alloc(size_t blocks);
/* Takes the reference; blocks come by ascending key. */
enum err store_append(struct pri_store *s, struct block *b) MUST_USE;
/* The first block whose key is not below this one. */
size_t store_block_at(const struct pri_store *s, uint64_t key);

/* What a transaction says, decoded as far as PRIDs. */
struct changes {
	struct item *installs; /* ascending */
	size_t install_count;
	size_t install_room;
	uint64_t *removes; /* ascending */
	size_t remove_count;
	size_t remove_room;
	bool removed_classes[PIB_CLASS_COUNT];
	struct error unknown; /* the first PRID that names no class or instance of ours */
};
enum err changes_read(const struct pri_change *change, struct changes *ret_changes,
	struct pri_failures *failures, struct error *e) MUST_USE;
void changes_fini(struct changes *c);
/* Whether it installs a row with this key; removes one; may remove any of this block. */
bool changes_installs(const struct changes *c, uint64_t key);
bool changes_removes(const struct changes *c, uint64_t key);
bool changes_removes_from(const struct changes *c, uint64_t block);
enum err changes_too_many(
	enum err err, struct pri_failures *failures, struct error *e) MUST_USE;

enum err store_merge(const struct pri_store *old, const struct changes *changes,
	struct pri_store **ret_new) MUST_USE;

#endif
