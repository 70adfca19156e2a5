/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "common/cops/pr.h"
#include "pib/store/internal.h"

void changes_fini(struct changes *c)
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

enum err changes_too_many(enum err err, struct pri_failures *failures, struct error *e)
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
			return changes_too_many(err, failures, e);
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
		return changes_too_many(err, failures, e);
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

enum err changes_read(const struct pri_change *change, struct changes *c,
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


bool changes_installs(const struct changes *c, uint64_t key)
{
	const struct item wanted = {.key = key};

	return c->install_count &&
	       bsearch(&wanted, c->installs, c->install_count, sizeof wanted, compare_items);
}

/* The first remove that is not below this key. */
static size_t remove_at(const struct changes *c, uint64_t key)
{
	size_t low = 0, high = c->remove_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->removes[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool names(const struct changes *c, uint64_t key)
{
	size_t at = remove_at(c, key);

	return c->removed_classes[key >> 32] || (at < c->remove_count && c->removes[at] == key);
}

/* The row of the base class that this key's row extends; false if it extends none. */
static bool base_of(uint64_t key, uint64_t *ret_base)
{
	const struct pib_class *class = prid_of_key(key).class;

	*ret_base = (uint64_t) class->base << 32 | (uint32_t)key;
	return class->base != class->id;
}

bool changes_removes(const struct changes *c, uint64_t key)
{
	if (names(c, key))
		return true;
	/* What extends a row goes with it (RFC 3159 §7.7, §7.8). */
	while (base_of(key, &key))
		if (names(c, key) && !changes_installs(c, key))
			return true;
	return false;
}

bool changes_removes_from(const struct changes *c, uint64_t block)
{
	do {
		size_t at = remove_at(c, block);

		if (c->removed_classes[block >> 32] ||
			(at < c->remove_count && block_key(c->removes[at]) == block))
			return true;
	} while (base_of(block, &block));
	return false;
}
