/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/cops/pr.h"
#include "common/crypto/digest.h"

enum {
	BLOCK_BITS = 8,
	LEAF_MARK = 0x00,
	BLOCK_MARK = 0x01,
	ROOT_MARK = 0x02,
};

/* A PRID as a number that sorts as the OID does: class ids ascend with the rows' OIDs. */
static uint64_t key_of(const struct prid *prid)
{
	return (uint64_t)prid->class->id << 32 | prid->instance;
}

static struct prid prid_of_key(uint64_t key)
{
	return (struct prid){pib_class((enum pib_class_id)(key >> 32)), (uint32_t)key};
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

static size_t padded(size_t contents_len)
{
	return (PR_HEADER + contents_len + 3) / 4 * 4;
}

static uint8_t *block_octets(struct block *b)
{
	return (uint8_t *)(b->rows + b->count);
}

static const uint8_t *block_octets_const(const struct block *b)
{
	return (const uint8_t *)(b->rows + b->count);
}

static void block_release(struct block *b)
{
	if (b && --b->references == 0)
		free(b);
}

/* A row on its way into a block; the octets are still where they came from. */
struct item {
	uint64_t key;
	const uint8_t *prid; /* the objects, header first */
	const uint8_t *epd;
	uint16_t prid_len; /* of the contents */
	uint16_t epd_len;
};

static uint64_t block_key(uint64_t key)
{
	return key >> BLOCK_BITS << BLOCK_BITS;
}

/* Not encoding anew: header and contents as they came, and the padding, which the last object of a
 * run may have left out (where it was there, it was zeros). */
static size_t put_object(uint8_t *to, const uint8_t *object, size_t contents_len)
{
	size_t len = PR_HEADER + contents_len;

	memcpy(to, object, len);
	memset(to + len, 0, padded(contents_len) - len);
	return padded(contents_len);
}

static void put_leaf_part(struct sha256 *digest, const uint8_t *object, size_t len)
{
	sha256_put_u32(digest, (uint32_t)len);
	sha256_put(digest, object, len);
}

static enum err hash_block(struct block *b, struct sha256 *digest)
{
	uint8_t leaves[1 << BLOCK_BITS][SHA256_SIZE];
	enum err err;

	for (uint32_t i = 0; i < b->count; i++) {
		const struct stored *s = &b->rows[i];
		const uint8_t *object = block_octets_const(b) + s->at;

		sha256_put_u8(digest, LEAF_MARK);
		put_leaf_part(digest, object, padded(s->prid_len));
		put_leaf_part(digest, object + padded(s->prid_len), padded(s->epd_len));
		err = sha256_final(digest, leaves[i]);
		if (err)
			return err;
	}
	sha256_put_u8(digest, BLOCK_MARK);
	sha256_put(digest, leaves, b->count * sizeof leaves[0]);
	return sha256_final(digest, b->hash);
}

/* Items of one block, ascending. */
static enum err block_new(
	const struct item *items, size_t count, struct sha256 *digest, struct block **ret_block)
{
	size_t octets = 0;
	struct block *b;
	size_t at = 0;
	enum err err;

	for (size_t i = 0; i < count; i++)
		octets += padded(items[i].prid_len) + padded(items[i].epd_len);
	b = malloc(sizeof *b + count * sizeof b->rows[0] + octets);
	if (!b)
		return E_MEMORY;
	b->key = block_key(items[0].key);
	b->references = 1;
	b->count = (uint32_t)count;
	b->octets_len = octets;
	for (size_t i = 0; i < count; i++) {
		b->rows[i] = (struct stored){
			.instance = (uint32_t)items[i].key,
			.at = (uint32_t)at,
			.prid_len = items[i].prid_len,
			.epd_len = items[i].epd_len,
		};
		at += put_object(block_octets(b) + at, items[i].prid, items[i].prid_len);
		at += put_object(block_octets(b) + at, items[i].epd, items[i].epd_len);
	}
	err = hash_block(b, digest);
	if (err) {
		free(b);
		return err;
	}
	*ret_block = b;
	return E_OK;
}

static struct item item_of(const struct block *b, uint32_t row)
{
	const struct stored *s = &b->rows[row];
	const uint8_t *object = block_octets_const(b) + s->at;

	return (struct item){
		.key = b->key | (s->instance & ((1u << BLOCK_BITS) - 1)),
		.prid = object,
		.epd = object + padded(s->prid_len),
		.prid_len = s->prid_len,
		.epd_len = s->epd_len,
	};
}

static struct pri_store *store_alloc(size_t blocks)
{
	return calloc(1, sizeof(struct pri_store) + blocks * sizeof(struct block *));
}

static enum err store_append(struct pri_store *s, struct block *b)
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

static void changes_fini(struct changes *c)
{
	free(c->installs);
	free(c->removes);
}

/* Room for one more element, up to a limit. */
static void *more(
	void *array, size_t count, size_t *room, size_t element, size_t limit, enum err *ret_err)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *grown;

	*ret_err = E_OK;
	if (count < *room)
		return array;
	if (count >= limit) {
		*ret_err = E_LIMIT;
		return array;
	}
	grown = reallocarray(array, wanted, element);
	if (!grown) {
		*ret_err = E_MEMORY;
		return array;
	}
	*room = wanted;
	return grown;
}

static const struct {
	uint16_t gperr;
	enum pib_fault_kind kind;
} run_faults[] = {
	{PR_GPERR_UNKNOWN_COPS_PR_OBJECT, PIB_FAULT_OBJECT},
	{PR_GPERR_INVALID_OBJECT_PAD, PIB_FAULT_PADDING},
	{PR_GPERR_INVALID_ASN1_LENGTH, PIB_FAULT_LENGTH},
	{PR_GPERR_UNKNOWN_ASN1_TAG, PIB_FAULT_TAG},
};

static enum err run_failed(const struct cursor *run, struct pri_failures *failures, struct error *e)
{
	struct pib_fault fault = {.kind = PIB_FAULT_MALFORMED};
	uint16_t code;

	pr_fault(run, &code, &fault.detail);
	for (size_t i = 0; i < sizeof run_faults / sizeof run_faults[0]; i++)
		if (run_faults[i].gperr == code)
			fault.kind = run_faults[i].kind;
	error_set(e, run->error, "the object at octet %zu of a run of PRIs: %s", run->at,
		err_text(run->error));
	pri_failures_add(failures, fault, VIEW_NONE, "%s", e->text);
	return e->code;
}

static enum err misplaced(const struct pr_object *object, const char *wanted,
	struct pri_failures *failures, struct error *e)
{
	error_set(e, E_UNEXPECTED, "%s stands where %s must stand", pr_s_num_name(object->s_num),
		wanted);
	pri_failures_add(failures, (struct pib_fault){.kind = PIB_FAULT_MALFORMED}, VIEW_NONE, "%s",
		e->text);
	return e->code;
}

static enum err too_many(enum err err, struct pri_failures *failures, struct error *e)
{
	error_set(e, err,
		err == E_LIMIT ? "more than %d PRIs or %d octets of them in one store"
			       : "out of memory for %d PRIs or %d octets of them",
		(int)PRI_STORE_MAX_ROWS, (int)PRI_STORE_MAX_OCTETS);
	pri_failures_add(
		failures, (struct pib_fault){.kind = PIB_FAULT_MEMORY}, VIEW_NONE, "%s", e->text);
	return err;
}

/* Goes on, for a report should name as many faults as there are. */
static void unknown_prid(struct changes *c, struct pib_fault fault, struct view prid,
	struct pri_failures *failures, const struct error *e)
{
	pri_failures_add(failures, fault, prid, "%s", e->text);
	if (!c->unknown.code)
		c->unknown = *e;
}

static enum err read_installs(
	struct view piece, struct changes *c, struct pri_failures *failures, struct error *e)
{
	struct cursor run = cursor_over(piece);
	struct pr_object prid, epd;
	struct pib_fault fault;
	struct prid decoded;
	enum err err;

	while (cursor_left(&run)) {
		if (pr_next(&run, &prid))
			return run_failed(&run, failures, e);
		if (prid.s_num != PR_PRID)
			return misplaced(&prid, "a PRID", failures, e);
		if (!cursor_left(&run)) {
			error_set(e, E_MISSING, "the last PRID has no EPD");
			pri_failures_add(failures, (struct pib_fault){.kind = PIB_FAULT_MALFORMED},
				prid.contents, "%s", e->text);
			return e->code;
		}
		if (pr_next(&run, &epd))
			return run_failed(&run, failures, e);
		if (epd.s_num != PR_EPD)
			return misplaced(&epd, "an EPD", failures, e);

		err = prid_decode(prid.contents, &decoded, &fault, e);
		if (err) {
			unknown_prid(c, fault, prid.contents, failures, e);
			continue;
		}
		c->installs = more(c->installs, c->install_count, &c->install_room,
			sizeof *c->installs, PRI_STORE_MAX_ROWS, &err);
		if (err)
			return too_many(err, failures, e);
		c->installs[c->install_count++] = (struct item){
			.key = key_of(&decoded),
			.prid = prid.raw.data,
			.epd = epd.raw.data,
			.prid_len = (uint16_t)prid.contents.len,
			.epd_len = (uint16_t)epd.contents.len,
		};
	}
	return E_OK;
}

static enum err add_remove(
	struct changes *c, uint64_t key, struct pri_failures *failures, struct error *e)
{
	enum err err;

	c->removes = more(c->removes, c->remove_count, &c->remove_room, sizeof *c->removes,
		PRI_STORE_MAX_ROWS, &err);
	if (err)
		return too_many(err, failures, e);
	c->removes[c->remove_count++] = key;
	return E_OK;
}

/* A prefix may be a module, a table or a row, or name one instance. */
static enum err remove_under(
	struct changes *c, const struct oid *prefix, struct pri_failures *failures, struct error *e)
{
	for (int id = 0; id < PIB_CLASS_COUNT; id++) {
		const struct pib_class *class = pib_class((enum pib_class_id)id);

		if (oid_has_prefix(&class->row, prefix)) {
			c->removed_classes[id] = true;
		} else if (prefix->count == class->row.count + 1 &&
			   oid_has_prefix(prefix, &class->row)) {
			struct prid prid = {class, prefix->arcs[prefix->count - 1]};

			return add_remove(c, key_of(&prid), failures, e);
		}
	}
	return E_OK;
}

static enum err read_removes(
	struct view piece, struct changes *c, struct pri_failures *failures, struct error *e)
{
	struct cursor run = cursor_over(piece);
	struct pib_fault fault;
	struct pr_object object;
	struct prid prid;
	struct oid oid;
	enum err err;

	while (cursor_left(&run)) {
		if (pr_next(&run, &object))
			return run_failed(&run, failures, e);
		if (object.s_num == PR_PPRID) {
			err = prid_decode_oid(object.contents, &oid, &fault, e);
			if (!err)
				err = remove_under(c, &oid, failures, e);
		} else if (object.s_num == PR_PRID) {
			err = prid_decode(object.contents, &prid, &fault, e);
			if (!err)
				err = add_remove(c, key_of(&prid), failures, e);
		} else {
			return misplaced(&object, "a PRID or a prefix", failures, e);
		}
		if (err && err_category(err) == ERR_CAT_LIMIT)
			return err;
		if (err)
			unknown_prid(c, fault, object.contents, failures, e);
	}
	return E_OK;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int compare_keys(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static enum err sort_changes(struct changes *c, struct pri_failures *failures, struct error *e)
{
	char text[PRID_TEXT_SIZE];
	enum err err = E_OK;
	bool sorted = true;

	/* The usual run is in order already. */
	for (size_t i = 1; i < c->install_count && sorted; i++)
		sorted = c->installs[i - 1].key < c->installs[i].key;
	if (!sorted)
		qsort(c->installs, c->install_count, sizeof *c->installs, compare_items);
	for (size_t i = 1; i < c->install_count && !sorted; i++) {
		struct prid prid = prid_of_key(c->installs[i].key);

		if (c->installs[i - 1].key != c->installs[i].key)
			continue;
		prid_format(&prid, text);
		if (!err)
			err = error_set(e, E_DUPLICATE, "%s is installed twice at once", text);
		pri_failures_add(failures, (struct pib_fault){.kind = PIB_FAULT_INSTANCE},
			VIEW(c->installs[i].prid + PR_HEADER, c->installs[i].prid_len),
			"%s is installed twice at once", text);
	}
	if (c->remove_count)
		qsort(c->removes, c->remove_count, sizeof *c->removes, compare_keys);
	return err;
}

static enum err read_changes(const struct pri_change *change, struct changes *c,
	struct pri_failures *failures, struct error *e)
{
	enum err err = E_OK;

	for (size_t i = 0; i < change->remove_count && !err; i++)
		err = read_removes(change->removes[i], c, failures, e);
	for (size_t i = 0; i < change->install_count && !err; i++)
		err = read_installs(change->installs[i], c, failures, e);
	if (err)
		return err;
	err = sort_changes(c, failures, e);
	if (c->unknown.code) {
		*e = c->unknown;
		err = e->code;
	}
	return err;
}

/* Where the merge of the old blocks with the changes stands. */
struct merge {
	const struct pri_store *old;
	const struct changes *changes;
	size_t block;   /* of old */
	size_t install; /* of changes */
	size_t remove;
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

static bool is_removed(struct merge *m, uint64_t key)
{
	const struct changes *c = m->changes;

	while (m->remove < c->remove_count && c->removes[m->remove] < key)
		m->remove++;
	return c->removed_classes[key >> 32] ||
	       (m->remove < c->remove_count && c->removes[m->remove] == key);
}

static bool is_touched(struct merge *m, uint64_t key)
{
	const struct changes *c = m->changes;

	while (m->remove < c->remove_count && c->removes[m->remove] < key)
		m->remove++;
	return c->removed_classes[key >> 32] ||
	       (m->install < c->install_count && block_key(c->installs[m->install].key) == key) ||
	       (m->remove < c->remove_count && block_key(c->removes[m->remove]) == key);
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
			kept = item_of(old, row);
			if (!have_new || kept.key < c->installs[m->install].key) {
				row++;
				if (!is_removed(m, kept.key))
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

static enum err merge(
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
	enum err err = read_changes(change, &c, failures, e);

	if (!err) {
		err = merge(old, &c, ret_new);
		if (err)
			err = too_many(err, failures, e);
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
	struct item item = item_of(b, row);

	*ret_row = (struct pri_row){
		.prid = prid_of_key(item.key),
		.objects = VIEW(item.prid, padded(item.prid_len) + padded(item.epd_len)),
		.prid_contents = VIEW(item.prid + PR_HEADER, item.prid_len),
		.epd = VIEW(item.epd + PR_HEADER, item.epd_len),
	};
}

/* The first block whose key is not below this one. */
static size_t block_at(const struct pri_store *s, uint64_t key)
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
	size_t at = block_at(s, block_key(key));
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
		.block = block_at(s, (uint64_t) class << 32),
		.block_end = block_at(s, ((uint64_t) class + 1) << 32),
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
		buffer_put(out, block_octets_const(s->blocks[i]), s->blocks[i]->octets_len);
}
