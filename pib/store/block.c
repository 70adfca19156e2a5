/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/store/internal.h"

enum {
	LEAF_MARK = 0x00,
	BLOCK_MARK = 0x01,
	LEAF_USUAL = 512, /* octets */
};

size_t object_octets(size_t contents_len)
{
	return (PR_HEADER + contents_len + 3) / 4 * 4;
}

static const uint8_t *octets_of(const struct block *b)
{
	return (const uint8_t *)(b->rows + b->count);
}

struct view block_octets(const struct block *b)
{
	return VIEW(octets_of(b), b->octets_len);
}

void block_release(struct block *b)
{
	if (b && --b->references == 0)
		free(b);
}

/* Not encoding anew: header and contents as they came, and the padding, which the last object of a
 * run may have left out (where it was there, it was zeros). */
static size_t put_object(uint8_t *to, const uint8_t *object, size_t contents_len)
{
	size_t len = PR_HEADER + contents_len;

	memcpy(to, object, len);
	memset(to + len, 0, object_octets(contents_len) - len);
	return object_octets(contents_len);
}

#define U32(v) (uint8_t)((v) >> 24), (uint8_t)((v) >> 16), (uint8_t)((v) >> 8), (uint8_t)(v)

/* Mark, length, PRID object, length, EPD object. Copied together if they are small, as they usually
 * are: a call of the digest costs more than hashing a few octets. */
static enum err hash_leaf(struct sha256 *digest, const uint8_t *objects, size_t prid_len,
	size_t epd_len, uint8_t ret_hash[SHA256_SIZE])
{
	const uint8_t head[] = {LEAF_MARK, U32(prid_len)}, middle[] = {U32(epd_len)};
	uint8_t leaf[LEAF_USUAL], *at = leaf;

	if (sizeof head + prid_len + sizeof middle + epd_len > sizeof leaf) {
		sha256_put(digest, head, sizeof head);
		sha256_put(digest, objects, prid_len);
		sha256_put(digest, middle, sizeof middle);
		sha256_put(digest, objects + prid_len, epd_len);
		return sha256_final(digest, ret_hash);
	}
	memcpy(at, head, sizeof head);
	memcpy(at += sizeof head, objects, prid_len);
	memcpy(at += prid_len, middle, sizeof middle);
	memcpy(at += sizeof middle, objects + prid_len, epd_len);
	sha256_put(digest, leaf, (size_t)(at - leaf) + epd_len);
	return sha256_final(digest, ret_hash);
}

static enum err hash_block(struct block *b, struct sha256 *digest)
{
	uint8_t leaves[1 << BLOCK_BITS][SHA256_SIZE];
	enum err err;

	for (uint32_t i = 0; i < b->count; i++) {
		const struct stored *s = &b->rows[i];

		err = hash_leaf(digest, octets_of(b) + s->at, object_octets(s->prid_len),
			object_octets(s->epd_len), leaves[i]);
		if (err)
			return err;
	}
	sha256_put_u8(digest, BLOCK_MARK);
	sha256_put(digest, leaves, b->count * sizeof leaves[0]);
	return sha256_final(digest, b->hash);
}

enum err block_new(
	const struct item *items, size_t count, struct sha256 *digest, struct block **ret_block)
{
	size_t octets = 0, at = 0;
	struct block *b;
	uint8_t *to;
	enum err err;

	for (size_t i = 0; i < count; i++)
		octets += object_octets(items[i].prid_len) + object_octets(items[i].epd_len);
	b = malloc(sizeof *b + count * sizeof b->rows[0] + octets);
	if (!b)
		return E_MEMORY;
	b->key = block_key(items[0].key);
	b->references = 1;
	b->count = (uint32_t)count;
	b->octets_len = octets;
	to = (uint8_t *)(b->rows + count);
	for (size_t i = 0; i < count; i++) {
		b->rows[i] = (struct stored){
			.instance = (uint32_t)items[i].key,
			.at = (uint32_t)at,
			.prid_len = items[i].prid_len,
			.epd_len = items[i].epd_len,
		};
		at += put_object(to + at, items[i].prid, items[i].prid_len);
		at += put_object(to + at, items[i].epd, items[i].epd_len);
	}
	err = hash_block(b, digest);
	if (err) {
		free(b);
		return err;
	}
	*ret_block = b;
	return E_OK;
}

struct item block_item(const struct block *b, uint32_t row)
{
	const struct stored *s = &b->rows[row];
	const uint8_t *object = octets_of(b) + s->at;

	return (struct item){
		.key = b->key | (s->instance & ((1u << BLOCK_BITS) - 1)),
		.prid = object,
		.epd = object + object_octets(s->prid_len),
		.prid_len = s->prid_len,
		.epd_len = s->epd_len,
	};
}

