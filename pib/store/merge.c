/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/internal.h"

/* Where the merge of the old blocks with the changes stands. */
struct merge {
	const struct pri_store *old;
	const struct changes *changes;
	size_t block;   /* of old */
	size_t install; /* of changes */
	struct sha256 digest;
	struct item items[1 << BLOCK_BITS]; /* the rows of a block that is made anew */
};

static uint64_t next_block_key(const struct merge *m)
{
	uint64_t key = UINT64_MAX;

	if (m->block < m->old->block_count)
		key = m->old->blocks[m->block]->key;
	if (m->install < m->changes->install_count) {
		uint64_t install = block_key(m->changes->installs[m->install].key);

		key = install < key ? install : key;
	}
	return key;
}

static bool is_touched(const struct merge *m, uint64_t key)
{
	const struct changes *c = m->changes;

	return (m->install < c->install_count && block_key(c->installs[m->install].key) == key) ||
	       changes_removes_from(c, key);
}

/* The rows of one block after the change, old and new by ascending key. */
static size_t merge_rows(struct merge *m, const struct block *old, uint64_t key)
{
	const struct changes *c = m->changes;
	uint32_t row = 0, rows = old ? old->count : 0;
	size_t n = 0;

	for (;;) {
		bool have_new = m->install < c->install_count &&
				block_key(c->installs[m->install].key) == key;
		struct item kept;

		if (row == rows && !have_new)
			return n;
		if (row < rows) {
			kept = block_item(old, row);
			if (!have_new || kept.key < c->installs[m->install].key) {
				row++;
				if (!changes_removes(c, kept.key))
					m->items[n++] = kept;
				continue;
			}
			if (kept.key == c->installs[m->install].key)
				row++;
		}
		m->items[n++] = c->installs[m->install++];
	}
}

static enum err merge_next(struct merge *m, uint64_t key, struct pri_store *to)
{
	struct block *old = NULL, *block;
	size_t n;
	enum err err;

	if (m->block < m->old->block_count && m->old->blocks[m->block]->key == key)
		old = m->old->blocks[m->block++];
	if (old && !is_touched(m, key)) {
		block = old;
		block->references++;
	} else {
		n = merge_rows(m, old, key);
		if (!n)
			return E_OK;
		err = block_new(m->items, n, &m->digest, &block);
		if (err)
			return err;
	}
	err = store_append(to, block);
	if (err)
		block_release(block);
	return err;
}

static size_t blocks_of(const struct changes *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->install_count; i++)
		n += i == 0 || block_key(c->installs[i - 1].key) != block_key(c->installs[i].key);
	return n;
}

enum err store_merge(
	const struct pri_store *old, const struct changes *changes, struct pri_store **ret_new)
{
	struct merge m = {.old = old, .changes = changes};
	struct pri_store *to = store_alloc(old->block_count + blocks_of(changes));
	uint64_t key;
	enum err err = to ? E_OK : E_MEMORY;

	sha256_init(&m.digest);
	while (!err && (key = next_block_key(&m)) != UINT64_MAX)
		err = merge_next(&m, key, to);
	sha256_fini(&m.digest);
	if (err)
		pri_store_free(to);
	else
		*ret_new = to;
	return err;
}

enum err pri_store_change(const struct pri_store *old, const struct pri_change *change,
	struct pri_store **ret_new, struct pri_failures *failures, struct error *e)
{
	struct changes c = {0};
	enum err err = changes_read(change, &c, failures, e);

	if (!err) {
		err = store_merge(old, &c, ret_new);
		if (err)
			err = changes_too_many(err, failures, e);
	}
	changes_fini(&c);
	return err;
}

enum err pri_store_build(const struct view *pieces, size_t count, struct pri_store **ret_store,
	struct pri_failures *failures, struct error *e)
{
	const struct pri_store empty = {0};

	return pri_store_change(&empty,
		&(struct pri_change){.installs = pieces, .install_count = count}, ret_store,
		failures, e);
}

