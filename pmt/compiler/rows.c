/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/rows.h"

#include "pib/set/block.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROWS_OCTETS_MAX = 64 << 20,
	KEY_MAX = 4 << 20,
	ENTRIES_AT_FIRST = 1024,
	ROWS_AT_FIRST = 256,
	SMALL_KEY = 16
};

/* What a key is for; its first octet. */
enum key_kind {
	KEY_ROW = 1, /* base and extension -> InstanceId */
	KEY_BASE,    /* base alone -> taken */
	KEY_TAG,     /* members of a list -> TagId */
	KEY_RESERVED,     /* InstanceId -> taken */
	KEY_RESERVED_TAG, /* TagId -> taken */
};

struct rows_entry {
	struct view key; /* data NULL: free */
	uint32_t number;
};

struct rows_row {
	enum pib_class_id class;
	uint32_t instance;
	size_t offset, len;
};

void rows_init(struct rows *r, uint32_t block)
{
	*r = (struct rows){.block = block};
	arena_init(&r->arena, (size_t)1 << 30);
	buffer_init(&r->octets, ROWS_OCTETS_MAX);
	buffer_init(&r->key, KEY_MAX);
	buffer_init(&r->small, SMALL_KEY);
}

void rows_fini(struct rows *r)
{
	free(r->entries);
	free(r->rows);
	buffer_fini(&r->octets);
	buffer_fini(&r->key);
	buffer_fini(&r->small);
	arena_fini(&r->arena);
	*r = (struct rows){0};
}

static void fail(struct rows *r, enum err code, const char *text)
{
	if (!r->error.code)
		error_set(&r->error, code, "%s", text);
}

/* FNV-1a */
static size_t hash(struct view key)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ key.data[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static struct rows_entry *slot(const struct rows *r, struct view key)
{
	size_t at = hash(key) & (r->entry_size - 1);

	while (r->entries[at].key.data && !view_equal(r->entries[at].key, key))
		at = (at + 1) & (r->entry_size - 1);
	return &r->entries[at];
}

static bool grow_entries(struct rows *r)
{
	struct rows_entry *old = r->entries;
	size_t old_size = r->entry_size;

	if (old_size && r->entry_count < old_size / 2)
		return true;
	r->entry_size = old_size ? old_size * 2 : ENTRIES_AT_FIRST;
	r->entries = calloc(r->entry_size, sizeof *r->entries);
	if (!r->entries) {
		r->entries = old;
		r->entry_size = old_size;
		fail(r, E_MEMORY, "out of memory");
		return false;
	}
	for (size_t i = 0; i < old_size; i++)
		if (old[i].key.data)
			*slot(r, old[i].key) = old[i];
	free(old);
	return true;
}

/* 0 if the key is not known. */
static uint32_t find(const struct rows *r, const struct buffer *key)
{
	const struct rows_entry *e = r->entry_size ? slot(r, buffer_view(key)) : NULL;

	return e && e->key.data ? e->number : 0;
}

static uint32_t known(const struct rows *r)
{
	return find(r, &r->key);
}

static void learn_as(struct rows *r, const struct buffer *key, uint32_t number)
{
	struct rows_entry *e;

	if (!grow_entries(r))
		return;
	e = slot(r, buffer_view(key));
	if (!e->key.data) {
		e->key = arena_copy(&r->arena, buffer_view(key));
		if (!e->key.data) {
			fail(r, E_MEMORY, "out of memory");
			return;
		}
		r->entry_count++;
	}
	e->number = number;
}

static void learn(struct rows *r, uint32_t number)
{
	learn_as(r, &r->key, number);
}

static void renumber(struct pri *pri, uint32_t instance)
{
	pri->instance = instance;
	if (pri->class->index_attribute)
		pri_set_u32(pri, pri->class->index_attribute, instance);
}

/* Contents without regard to InstanceIds: all are 1. */
static void make_key(struct rows *r, enum key_kind kind, struct pri *base, struct pri *extension)
{
	struct pri *const both[] = {base, extension};

	buffer_reset(&r->key);
	buffer_put_u8(&r->key, (uint8_t)kind);
	for (size_t i = 0; i < 2 && both[i]; i++) {
		struct error e;

		renumber(both[i], 1);
		buffer_put_u16(&r->key, (uint16_t)both[i]->class->id);
		if (epd_encode(&r->key, both[i], &e))
			fail(r, e.code, e.text);
	}
	if (r->key.error)
		fail(r, r->key.error, "a row is too long");
}

static void store(struct rows *r, struct pri *pri, uint32_t instance)
{
	struct rows_row *row;
	struct error e;

	if (r->row_count == r->row_size) {
		size_t size = r->row_size ? r->row_size * 2 : ROWS_AT_FIRST;
		struct rows_row *rows = reallocarray(r->rows, size, sizeof *rows);

		if (!rows) {
			fail(r, E_MEMORY, "out of memory");
			return;
		}
		r->rows = rows;
		r->row_size = size;
	}
	renumber(pri, instance);
	row = &r->rows[r->row_count];
	*row = (struct rows_row){pri->class->id, instance, r->octets.len, 0};
	if (pri_put(&r->octets, pri, &e)) {
		fail(r, e.code, e.text);
		return;
	}
	row->len = r->octets.len - row->offset;
	r->row_count++;
}

static void make_reserved_key(
	struct rows *r, enum key_kind kind, enum pib_class_id class, uint32_t number)
{
	buffer_reset(&r->small);
	buffer_put_u8(&r->small, (uint8_t)kind);
	buffer_put_u16(&r->small, (uint16_t) class);
	buffer_put_u32(&r->small, number);
}

static bool reserve(
	struct rows *r, enum key_kind kind, enum pib_class_id class, uint32_t number)
{
	make_reserved_key(r, kind, class, number);
	if (find(r, &r->small))
		return false;
	r->reserved = true;
	learn_as(r, &r->small, number);
	return true;
}

bool rows_reserve(struct rows *r, enum pib_class_id class, uint32_t number)
{
	return reserve(r, KEY_RESERVED, class, number);
}

bool rows_reserve_tag(struct rows *r, enum pib_class_id class, uint32_t number)
{
	return reserve(r, KEY_RESERVED_TAG, class, number);
}

/* The next number of a counter, within the block; 0 when there is none left. */
static uint32_t next(
	struct rows *r, enum key_kind reserved, enum pib_class_id class, uint32_t *counter)
{
	do {
		if (*counter == BLOCK_INSTANCE_MAX) {
			fail(r, E_LIMIT, "a set has more than 1048575 instances of a class");
			return 0;
		}
		++*counter;
		if (r->reserved)
			make_reserved_key(r, reserved, class, *counter);
	} while (r->reserved && find(r, &r->small));
	return r->block + *counter;
}

uint32_t rows_put(struct rows *r, struct pri *base, struct pri *extension)
{
	return rows_put_at(r, base, extension, 0);
}

uint32_t rows_put_at(struct rows *r, struct pri *base, struct pri *extension, uint32_t number)
{
	uint32_t instance;

	if (r->error.code)
		return ROWS_CLASH;
	make_key(r, KEY_ROW, base, extension);
	instance = known(r);
	if (instance && number && instance != r->block + number)
		fail(r, E_CONFLICT, "two equal rows of a set have different numbers");
	if (instance || r->error.code)
		return instance;
	make_key(r, KEY_BASE, base, NULL);
	if (known(r))
		return ROWS_CLASH;
	instance = number ? r->block + number
			  : next(r, KEY_RESERVED, base->class->id,
				    &r->instances[base->class->id]);
	if (!instance)
		return ROWS_CLASH;
	learn(r, instance);
	make_key(r, KEY_ROW, base, extension);
	learn(r, instance);
	store(r, base, instance);
	if (extension)
		store(r, extension, instance);
	return instance;
}

uint32_t rows_tag(struct rows *r, enum pib_class_id class, struct view key, bool *ret_new)
{
	uint32_t tag;

	*ret_new = false;
	if (r->error.code)
		return 0;
	buffer_reset(&r->key);
	buffer_put_u8(&r->key, KEY_TAG);
	buffer_put_u16(&r->key, (uint16_t) class);
	buffer_put_view(&r->key, key);
	if (r->key.error) {
		fail(r, r->key.error, "a list is too long");
		return 0;
	}
	tag = known(r);
	if (tag)
		return tag;
	tag = next(r, KEY_RESERVED_TAG, class, &r->tags[class]);
	if (tag) {
		learn(r, tag);
		*ret_new = true;
	}
	return tag;
}

size_t rows_count(const struct rows *r)
{
	return r->row_count;
}

static int by_prid(const void *a, const void *b)
{
	const struct rows_row *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return (x->instance > y->instance) - (x->instance < y->instance);
}

enum err rows_finish(struct rows *r, struct buffer *out, struct error *e)
{
	if (!r->error.code && r->octets.error)
		fail(r, r->octets.error, "a set has more than 64 MiB");
	if (r->error.code) {
		*e = r->error;
		return e->code;
	}
	if (r->row_count)
		qsort(r->rows, r->row_count, sizeof *r->rows, by_prid);
	for (size_t i = 0; i < r->row_count; i++)
		buffer_put(out, r->octets.data + r->rows[i].offset, r->rows[i].len);
	return out->error ? error_set(e, out->error, "the bundle is too long") : E_OK;
}
