/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A store and a change of it: two octets length of the store's run, two of the removes' run, the
 * three runs (store, removes, installs).
 *
 * Reaches: pri_store_build, pri_store_root, pri_store_check_change, pri_store_change, pri_store_find,
 * pri_store_slice, pri_store_put, pri_row_decode, pri_failures_add.
 */
#include "common/cops/pr.h"
#include "pib/set/block.h"
#include "pib/store/check.h"
#include "tests/fuzz/fuzz.h"

enum { OCTETS_MAX = 8 << 20 };

static void judge_failures(const struct pri_failures *f)
{
	REQUIRE(f->count <= PRI_FAILURES_MAX && (f->omitted == 0 || f->count == PRI_FAILURES_MAX));
	for (size_t i = 0; i < f->count; i++) {
		struct pib_error_object object = pib_fault_object(&f->list[i].fault);

		REQUIRE(object.code != 0 && f->list[i].prid_len <= PRI_FAILURE_PRID_MAX);
		fuzz_require_printable(view_of_string(f->list[i].text));
	}
}

static enum err build(struct view run, struct pri_store **ret)
{
	struct pri_failures failures;
	struct error e;
	enum err err;

	pri_failures_init(&failures);
	err = pri_store_build(&run, 1, ret, &failures, &e);
	judge_failures(&failures);
	if (err)
		fuzz_require_sentence(err, &e);
	return err;
}

static bool same_row(const struct pri_row *a, const struct pri_row *b)
{
	return prid_compare(&a->prid, &b->prid) == 0 && view_equal(a->objects, b->objects) &&
		view_equal(a->epd, b->epd) && view_equal(a->prid_contents, b->prid_contents);
}

/* Two stores hold the same, octet for octet, and know it. */
static void same_store(const struct pri_store *a, const struct pri_store *b)
{
	uint8_t root_a[PRI_STORE_ROOT], root_b[PRI_STORE_ROOT];
	struct pri_cursor x = pri_store_all(a), y = pri_store_all(b);
	struct pri_row row_a, row_b;

	REQUIRE(pri_store_count(a) == pri_store_count(b));
	REQUIRE(pri_store_octets(a) == pri_store_octets(b));
	while (pri_store_next(&x, &row_a)) {
		REQUIRE(pri_store_next(&y, &row_b));
		REQUIRE(same_row(&row_a, &row_b));
	}
	REQUIRE(!pri_store_next(&y, &row_b));
	REQUIRE(pri_store_root(a, root_a) == E_OK && pri_store_root(b, root_b) == E_OK);
	REQUIRE(memcmp(root_a, root_b, sizeof root_a) == 0);
}

/* Order, look-up, and the same store out of its own octets. */
static void judge(const struct pri_store *s)
{
	struct pri_cursor c = pri_store_all(s);
	struct prid previous = {0};
	struct pri_row row, found;
	struct pri_store *again;
	struct buffer octets;
	size_t count = 0;

	for (; pri_store_next(&c, &row); count++) {
		REQUIRE(count == 0 || prid_compare(&previous, &row.prid) < 0);
		previous = row.prid;
		REQUIRE(pri_store_find(s, &row.prid, &found) && same_row(&row, &found));
	}
	REQUIRE(count == pri_store_count(s));
	buffer_init(&octets, OCTETS_MAX);
	pri_store_put(s, &octets);
	REQUIRE(!octets.error && octets.len == pri_store_octets(s));
	REQUIRE(build(buffer_view(&octets), &again) == E_OK);
	same_store(s, again);
	pri_store_free(again);
	buffer_fini(&octets);
}

/* A store that passed the checks holds nothing that does not decode. */
static void check(
	const struct pri_store *before, const struct pri_store *s, struct pri_bounds bounds)
{
	struct pri_cursor c = pri_store_all(s);
	struct pri_failures failures;
	struct pib_fault fault;
	struct pri_row row;
	struct pri pri;
	struct error e;
	enum err err;

	pri_failures_init(&failures);
	err = pri_store_check_change(before, s, bounds, &failures, &e);
	judge_failures(&failures);
	if (err) {
		fuzz_require_sentence(err, &e);
		return;
	}
	REQUIRE(failures.count == 0);
	while (pri_store_next(&c, &row)) {
		REQUIRE(pri_row_decode(&row, &pri, &fault, &e) == E_OK);
		REQUIRE(row.prid.instance >= bounds.first && row.prid.instance <= bounds.last);
	}
}

static bool every_other(const struct pib_class *class)
{
	return class->id % 2;
}

static void slice(const struct pri_store *s, uint32_t first, uint32_t last)
{
	struct pri_cursor c;
	struct pri_store *part;
	struct pri_row row;

	REQUIRE(pri_store_slice(s, every_other, first, last, &part) == E_OK);
	for (c = pri_store_all(part); pri_store_next(&c, &row);)
		REQUIRE(every_other(row.prid.class) && row.prid.instance >= first &&
			row.prid.instance <= last);
	pri_store_free(part);
}

/* Does a run of removes name this instance, itself or by a prefix? */
static bool names(struct view removes, const struct prid *prid)
{
	struct cursor c = cursor_over(removes);
	struct pr_object object;
	struct pib_fault fault;
	struct oid named, own;
	struct error e;

	prid_oid(prid, &own);
	while (cursor_left(&c) && pr_next(&c, &object) == E_OK) {
		if (prid_decode_oid(object.contents, &named, &fault, &e))
			continue;
		if (object.s_num == PR_PPRID ? oid_has_prefix(&own, &named)
					     : oid_equal(&own, &named))
			return true;
	}
	return false;
}

/* Itself, or a row that it extends and that is not installed again. */
static bool removed(
	struct view removes, const struct pri_store *installed, const struct pri_row *row)
{
	struct prid prid = row->prid;
	struct pri_row found;

	if (names(removes, &prid))
		return true;
	while (prid.class->base != prid.class->id) {
		prid.class = pib_class(prid.class->base);
		if (names(removes, &prid) && !pri_store_find(installed, &prid, &found))
			return true;
	}
	return false;
}

static void change(const struct pri_store *old, struct view removes, struct view installs)
{
	struct pri_change change = {&removes, 1, &installs, 1};
	struct pri_store *new, *installed;
	struct pri_failures failures;
	struct pri_row row, found;
	struct pri_cursor c;
	struct error e;
	enum err err;

	pri_failures_init(&failures);
	err = pri_store_change(old, &change, &new, &failures, &e);
	judge_failures(&failures);
	if (err) {
		fuzz_require_sentence(err, &e);
		return;
	}
	judge(new);
	check(old, new, (struct pri_bounds){1, UINT32_MAX});
	fuzz_accepted = true;
	/* What is installed is there; what was there is as it was, unless it was removed; nothing
	 * else is. */
	REQUIRE(build(installs, &installed) == E_OK);
	for (c = pri_store_all(installed); pri_store_next(&c, &row);)
		REQUIRE(pri_store_find(new, &row.prid, &found) && same_row(&row, &found));
	for (c = pri_store_all(old); pri_store_next(&c, &row);)
		if (!pri_store_find(installed, &row.prid, &found))
			REQUIRE(pri_store_find(new, &row.prid, &found) !=
				removed(removes, installed, &row));
	for (c = pri_store_all(new); pri_store_next(&c, &row);)
		REQUIRE(pri_store_find(installed, &row.prid, &found) ||
			(pri_store_find(old, &row.prid, &found) && same_row(&row, &found)));
	pri_store_free(installed);
	pri_store_free(new);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(VIEW(data, size));
	size_t store_len = cursor_u16(&input), remove_len = cursor_u16(&input);
	struct view run = fuzz_take(&input, store_len);
	struct view removes = fuzz_take(&input, remove_len);
	struct view installs = cursor_rest(&input);
	uint32_t block = block_of(AUTHORITY_HOME, 1);
	struct pri_store *s;

	if (build(run, &s))
		return 0;
	judge(s);
	check(NULL, s, (struct pri_bounds){1, UINT32_MAX});
	check(NULL, s, (struct pri_bounds){block + 1, block_last(block)});
	slice(s, block, block_last(block));
	change(s, removes, installs);
	judge(s);
	pri_store_free(s);
	return 0;
}
