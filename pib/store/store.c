/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/store/internal.h"

enum { ROOT_MARK = 0x02 };

struct pri_store *store_alloc(size_t blocks)
{
	return calloc(1, sizeof(struct pri_store) + blocks * sizeof(struct block *));
}

enum err store_append(struct pri_store *s, struct block *b)
{
	if (b->count > PRI_STORE_MAX_ROWS - s->count ||
		b->octets_len > PRI_STORE_MAX_OCTETS - s->octets)
		return E_LIMIT;
	s->blocks[s->block_count++] = b;
	s->count += b->count;
	s->octets += b->octets_len;
	return E_OK;
}

struct pri_store *pri_store_free(struct pri_store *s)
{
	if (s) {
		for (size_t i = 0; i < s->block_count; i++)
			block_release(s->blocks[i]);
		free(s);
	}
	return NULL;
}

enum err pri_store_slice(const struct pri_store *s, bool (*keep)(const struct pib_class *class),
	uint32_t first, uint32_t last, struct pri_store **ret_slice)
{
	struct pri_store *slice = store_alloc(s->block_count);
	enum err err = slice ? E_OK : E_MEMORY;

	for (size_t i = 0; i < s->block_count && !err; i++) {
		struct block *b = s->blocks[i];
		struct prid prid = prid_of_key(b->key);

		if (prid.instance < block_key(first) || prid.instance > last || !keep(prid.class))
			continue;
		b->references++;
		err = store_append(slice, b);
	}
	if (err)
		pri_store_free(slice);
	else
		*ret_slice = slice;
	return err;
}

void pri_store_share(struct pri_store *s, const struct pri_store *with)
{
	size_t j = 0;

	for (size_t i = 0; i < s->block_count; i++) {
		struct block *own = s->blocks[i];

		while (j < with->block_count && with->blocks[j]->key < own->key)
			j++;
		if (j == with->block_count)
			return;
		if (with->blocks[j] == own || with->blocks[j]->key != own->key ||
			memcmp(with->blocks[j]->hash, own->hash, sizeof own->hash))
			continue;
		s->blocks[i] = with->blocks[j];
		s->blocks[i]->references++;
		block_release(own);
	}
}

size_t pri_store_count(const struct pri_store *s)
{
	return s->count;
}

size_t pri_store_octets(const struct pri_store *s)
{
	return s->octets;
}

enum err pri_store_root(const struct pri_store *s, uint8_t ret_root[PRI_STORE_ROOT])
{
	struct sha256 digest;
	enum err err;

	sha256_init(&digest);
	sha256_put_u8(&digest, ROOT_MARK);
	sha256_put_u32(&digest, (uint32_t)s->count);
	for (size_t i = 0; i < s->block_count; i++)
		sha256_put(&digest, s->blocks[i]->hash, sizeof s->blocks[i]->hash);
	err = sha256_final(&digest, ret_root);
	sha256_fini(&digest);
	return err;
}

static void row_of(const struct block *b, uint32_t row, struct pri_row *ret_row)
{
	struct item item = block_item(b, row);

	*ret_row = (struct pri_row){
		.prid = prid_of_key(item.key),
		.objects = VIEW(item.prid, object_octets(item.prid_len) + object_octets(item.epd_len)),
		.prid_contents = VIEW(item.prid + PR_HEADER, item.prid_len),
		.epd = VIEW(item.epd + PR_HEADER, item.epd_len),
	};
}

/* The first block whose key is not below this one. */
size_t store_block_at(const struct pri_store *s, uint64_t key)
{
	size_t low = 0, high = s->block_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->blocks[middle]->key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool pri_store_find(const struct pri_store *s, const struct prid *prid, struct pri_row *ret_row)
{
	uint64_t key = key_of(prid);
	size_t at = store_block_at(s, block_key(key));
	const struct block *b = at < s->block_count ? s->blocks[at] : NULL;
	uint32_t low = 0, high;

	if (!b || b->key != block_key(key))
		return false;
	high = b->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (b->rows[middle].instance < prid->instance)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == b->count || b->rows[low].instance != prid->instance)
		return false;
	row_of(b, low, ret_row);
	return true;
}

struct pri_cursor pri_store_all(const struct pri_store *s)
{
	return (struct pri_cursor){.store = s, .block_end = s->block_count};
}

struct pri_cursor pri_store_class(const struct pri_store *s, enum pib_class_id class)
{
	return (struct pri_cursor){
		.store = s,
		.block = store_block_at(s, (uint64_t) class << 32),
		.block_end = store_block_at(s, ((uint64_t) class + 1) << 32),
	};
}

bool pri_store_next(struct pri_cursor *c, struct pri_row *ret_row)
{
	if (c->block == c->block_end)
		return false;
	row_of(c->store->blocks[c->block], c->row, ret_row);
	if (++c->row == c->store->blocks[c->block]->count) {
		c->row = 0;
		c->block++;
	}
	return true;
}

static const struct block *block_ahead(const struct pri_cursor *c)
{
	return c->row == 0 && c->block < c->block_end ? c->store->blocks[c->block] : NULL;
}

void pri_cursor_skip_equal(struct pri_cursor *a, struct pri_cursor *b)
{
	const struct block *x, *y;

	while ((x = block_ahead(a)) && (y = block_ahead(b)) &&
		(x == y || !memcmp(x->hash, y->hash, sizeof x->hash))) {
		a->block++;
		b->block++;
	}
}

enum err pri_row_decode(const struct pri_row *row, struct pri *ret_pri, struct pib_fault *ret_fault,
	struct error *e)
{
	return epd_decode(&row->prid, row->epd, ret_pri, ret_fault, e);
}

bool pri_store_get(
	const struct pri_store *s, enum pib_class_id class, uint32_t instance, struct pri *ret_pri)
{
	struct prid prid = {pib_class(class), instance};
	struct pib_fault fault;
	struct pri_row row;
	struct error e;

	return pri_store_find(s, &prid, &row) && !pri_row_decode(&row, ret_pri, &fault, &e);
}

void pri_store_put(const struct pri_store *s, struct buffer *out)
{
	for (size_t i = 0; i < s->block_count; i++)
		buffer_put_view(out, block_octets(s->blocks[i]));
}
