/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store on random classes: transactions, undo, differences, roots and checks against models
 * that know nothing but the tables (tests/pib/store/naive.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/store/difference.h"
#include "tests/pib/schema/random.h"
#include "tests/pib/store/naive.h"
#include "tests/suite.h"

enum {
	BIG = 1 << 26,
	BLOCK = 3 << 20,
	OTHER_BLOCK = 4 << 20,
	SPREAD = 700, /* InstanceIds: three blocks of the tree */
	LEAVES_MAX = 4000,
	SOUND_INSTANCES = 3,
};

static const struct pri_bounds bounds = {BLOCK + 1, BLOCK + (1 << 20) - 1};

static struct random r = {RANDOM_SEED};
static const struct pib_class *classes[PIB_CLASS_COUNT];
static size_t class_count;
static struct pri_failures failures;
static struct error error;

static void setup(void)
{
	for (int id = 0; id < PIB_CLASS_COUNT; id++) {
		const struct pib_class *class = pib_class((enum pib_class_id)id);

		if (!strcmp(class->module, "RANDOM-PIB"))
			classes[class_count++] = class;
	}
	ck_assert_uint_gt(class_count, 20);
}

static bool one_in(unsigned n)
{
	return random_below(&r, n) == 0;
}

static const struct pib_class *any_class(void)
{
	return classes[random_below(&r, class_count)];
}

/* ---- Random values, few enough of each to come twice ---- */

static uint64_t some_number(const struct pib_attribute *a)
{
	const struct pib_range *range;

	if (!a->range_count)
		return random_below(&r, 3);
	range = &a->ranges[random_below(&r, a->range_count)];
	return range->least + random_below(&r, range->greatest - range->least < 2
						       ? range->greatest - range->least + 1 : 3);
}

static void set_oid(struct pri *pri, const struct pib_attribute *a)
{
	static const struct oid unknown = {{1, 3, 6, 1, 4, 1, 9, 9, 9, 1}, 10};

	if (one_in(6))
		pri_set_oid(pri, a->number, one_in(2) ? &oid_none : &unknown);
	else
		pri_set_prid(pri, a->number, any_class()->id,
			BLOCK + 1 + (uint32_t)random_below(&r, 4));
}

static void set_any(struct pri *pri, const struct pib_attribute *a)
{
	static const uint8_t octets[512];
	uint32_t id = one_in(9) ? OTHER_BLOCK + 1 : BLOCK + 1 + (uint32_t)random_below(&r, 4);

	if (a->role == PIB_INSTANCE)
		return;
	if (!a->has_default && a->role == PIB_PLAIN && one_in(10)) {
		pri_set_null(pri, a->number);
		return;
	}
	switch (a->syntax) {
	case PIB_INTEGER32:
		pri_set_i32(pri, a->number, (int32_t)some_number(a));
		break;
	case PIB_ENUMERATION:
		pri_set_i32(pri, a->number, a->labels[random_below(&r, a->label_count)].number);
		break;
	case PIB_UNSIGNED32:
		if (a->role == PIB_PLAIN)
			pri_set_u32(pri, a->number, (uint32_t)some_number(a));
		else
			pri_set_u32(pri, a->number, a->role != PIB_TAG && one_in(5) ? 0 : id);
		break;
	case PIB_INTEGER64:
		pri_set_i64(pri, a->number, (int64_t)some_number(a));
		break;
	case PIB_UNSIGNED64:
		pri_set_u64(pri, a->number, some_number(a));
		break;
	case PIB_OCTETS:
		pri_set_octets(pri, a->number, VIEW(octets, (size_t)some_number(a)));
		break;
	case PIB_BITS:
		pri_set_bits(pri, a->number,
			UINT64_C(1) << a->labels[random_below(&r, a->label_count)].number);
		break;
	case PIB_OID:
		set_oid(pri, a);
		break;
	}
	ck_assert_msg(!pri->error.code, "%s: %s", a->name, pri->error.text);
}

static struct pri *add_random(struct rows *to, enum pib_class_id class, uint32_t instance)
{
	struct pri *pri = rows_add(to, class, instance);

	for (size_t i = 0; i < pri->class->attribute_count; i++)
		set_any(pri, &pri->class->attributes[i]);
	return pri;
}

/* ---- A store and its rows ---- */

static size_t leaves_of(
	const struct rows *rows, struct buffer *objects, struct naive_leaf leaves[LEAVES_MAX])
{
	size_t at = 0;

	ck_assert_uint_le(rows->count, LEAVES_MAX);
	buffer_reset(objects);
	for (size_t i = 0; i < rows->count; i++) {
		const struct pri *p = &rows->list[i];

		prid_oid(&(struct prid){p->class, p->instance}, &leaves[i].oid);
		ck_assert_msg(!pri_put(objects, p, &error), "%s", error.text);
		leaves[i].objects = (struct view){NULL, objects->len - at};
		at = objects->len;
	}
	at = 0;
	for (size_t i = 0; i < rows->count; at += leaves[i++].objects.len)
		leaves[i].objects.data = objects->data + at;
	return rows->count;
}

static struct pri_store *store_of(const struct rows *rows)
{
	static struct naive_leaf leaves[LEAVES_MAX];
	struct pri_store *s;
	struct buffer objects;
	struct view run;

	buffer_init(&objects, BIG);
	leaves_of(rows, &objects, leaves);
	run = buffer_view(&objects);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	buffer_fini(&objects);
	return s;
}

static void check_equals(const struct pri_store *s, const struct rows *rows, unsigned round)
{
	static struct naive_leaf leaves[LEAVES_MAX];
	uint8_t expected[32], root[PRI_STORE_ROOT];
	struct buffer objects, want, have;
	size_t count;

	buffer_init(&objects, BIG);
	buffer_init(&want, BIG);
	buffer_init(&have, BIG);
	count = leaves_of(rows, &objects, leaves);
	naive_root(leaves, count, expected);
	for (size_t i = 0; i < count; i++)
		buffer_put_view(&want, leaves[i].objects);
	pri_store_put(s, &have);
	ck_assert_msg(pri_store_count(s) == count, "round %u: %zu rows, not %zu", round,
		pri_store_count(s), count);
	ck_assert_msg(view_equal(buffer_view(&want), buffer_view(&have)), "round %u", round);
	ck_assert_int_eq(pri_store_root(s, root), E_OK);
	ck_assert_mem_eq(root, expected, sizeof root);
	for (unsigned n = 0; n < 200; n++) {
		struct prid prid = {any_class(), 1 + (uint32_t)random_below(&r, SPREAD)};
		struct pri_row row;

		ck_assert_int_eq(pri_store_find(s, &prid, &row),
			naive_find(rows, prid.class->id, prid.instance) != NULL);
	}
	buffer_fini(&objects);
	buffer_fini(&want);
	buffer_fini(&have);
}

static void check_same_root(const struct pri_store *a, const struct pri_store *b)
{
	uint8_t roots[2][PRI_STORE_ROOT];

	ck_assert_int_eq(pri_store_root(a, roots[0]), E_OK);
	ck_assert_int_eq(pri_store_root(b, roots[1]), E_OK);
	ck_assert_mem_eq(roots[0], roots[1], PRI_STORE_ROOT);
}

/* ---- Transactions ---- */

enum { REMOVES_MAX = 20, PREFIXES_MAX = 2, INSTALLS_MAX = 40 };

static struct pri_store *apply(
	const struct pri_store *s, struct view removes, struct view installs)
{
	struct pri_change change = {&removes, 1, &installs, 1};
	struct pri_store *new;

	pri_failures_init(&failures);
	ck_assert_msg(
		!pri_store_change(s, &change, &new, &failures, &error), "%s", error.text);
	return new;
}

/* What is left of rows without those whose base is missing. */
static struct pri_store *sound_store_of(const struct rows *rows)
{
	struct rows sound = {0};
	struct pri_store *s;

	for (size_t i = 0; i < rows->count; i++) {
		const struct pri *p = &rows->list[i];

		if (naive_find(rows, p->class->base, p->instance))
			*rows_add(&sound, p->class->id, p->instance) = *p;
	}
	s = store_of(&sound);
	rows_fini(&sound);
	return s;
}

/* The difference leads from one to the other, and names nothing that did not change. */
static void check_difference(const struct pri_store *from, const struct pri_store *to)
{
	struct buffer removes, installs;
	struct pri_store *again;

	buffer_init(&removes, BIG);
	buffer_init(&installs, BIG);
	ck_assert_int_eq(pri_store_difference(from, to, &removes, &installs), E_OK);
	again = apply(from, buffer_view(&removes), buffer_view(&installs));
	check_same_root(again, to);
	pri_store_free(again);
	buffer_reset(&removes);
	buffer_reset(&installs);
	ck_assert_int_eq(pri_store_difference(to, to, &removes, &installs), E_OK);
	ck_assert_uint_eq(removes.len + installs.len, 0);
	buffer_fini(&removes);
	buffer_fini(&installs);
}

static void put_prefix(struct buffer *out, const struct oid *oid)
{
	struct buffer contents;

	buffer_init(&contents, BIG);
	buffer_put_u16(&contents, 0x0600);
	oid_put(&contents, oid);
	contents.data[1] = (uint8_t)(contents.len - 2);
	pr_put(out, PR_PPRID, buffer_view(&contents));
	buffer_fini(&contents);
}

/* Of rows that are there for the most part. */
static struct prid some_prid(const struct rows *rows)
{
	if (rows->count && !one_in(4)) {
		const struct pri *p = &rows->list[random_below(&r, rows->count)];

		return (struct prid){p->class, p->instance};
	}
	return (struct prid){any_class(), 1 + (uint32_t)random_below(&r, SPREAD)};
}

/* A row, seldom a table or the whole module. */
static struct oid some_prefix(void)
{
	struct oid oid = any_class()->row;

	oid.count = (uint8_t)(oid.count - (one_in(10) ? 2 : random_below(&r, 2)));
	return oid;
}

START_TEST(a_transaction_gives_the_state_of_the_model_and_undo_the_state_before)
{
	struct rows rows = {0};
	struct pri_store *s = store_of(&rows);

	r.state += (uint64_t)_i;
	for (unsigned round = 0; round < 30; round++) {
		struct prid removes[REMOVES_MAX];
		struct oid prefixes[PREFIXES_MAX];
		struct rows before = {0}, installs = {0};
		struct naive_change change = {.removes = removes, .prefixes = prefixes,
			.installs = &installs};
		struct buffer remove_run, install_run;
		struct pri_store *new, *old;

		buffer_init(&remove_run, BIG);
		buffer_init(&install_run, BIG);
		for (size_t n = random_below(&r, REMOVES_MAX + 1); n; n--) {
			removes[change.remove_count] = some_prid(&rows);
			prid_put(&remove_run, &removes[change.remove_count++]);
		}
		if (one_in(6)) {
			prefixes[change.prefix_count] = some_prefix();
			put_prefix(&remove_run, &prefixes[change.prefix_count++]);
		}
		for (size_t n = random_below(&r, INSTALLS_MAX + 1); n; n--) {
			struct prid prid = some_prid(&rows);

			if (one_in(2))
				prid = (struct prid){any_class(), prid.instance};
			if (!naive_find(&installs, prid.class->id, prid.instance))
				add_random(&installs, prid.class->id, prid.instance);
		}
		for (size_t i = 0; i < installs.count; i++)
			ck_assert_int_eq(pri_put(&install_run, &installs.list[i], &error), E_OK);
		for (size_t i = 0; i < rows.count; i++)
			*rows_add(&before, rows.list[i].class->id, rows.list[i].instance) =
				rows.list[i];
		naive_change(&rows, &change);

		new = apply(s, buffer_view(&remove_run), buffer_view(&install_run));
		check_equals(new, &rows, round);
		pri_store_free(new);
		check_equals(s, &before, round); /* undone */
		old = sound_store_of(&before);
		new = sound_store_of(&rows);
		check_difference(old, new);
		check_difference(new, old);
		pri_store_free(old);
		pri_store_free(new);
		new = apply(s, buffer_view(&remove_run), buffer_view(&install_run));
		pri_store_free(s);
		s = new;
		rows_fini(&before);
		rows_fini(&installs);
		buffer_fini(&remove_run);
		buffer_fini(&install_run);
	}
	ck_assert_uint_gt(rows.count, 20);
	pri_store_free(s);
	rows_fini(&rows);
}
END_TEST

/* ---- Checks ---- */

static void add_class(struct rows *rows, const struct pib_class *class)
{
	if (naive_find(rows, class->id, BLOCK + 1))
		return;
	for (uint32_t i = 1; i <= SOUND_INSTANCES; i++)
		add_random(rows, class->id, BLOCK + i);
}

static uint32_t some_sound(void)
{
	return BLOCK + 1 + (uint32_t)random_below(&r, SOUND_INSTANCES);
}

/* Classes as they are needed, and every reference to something that is there. */
static void fill_soundly(struct rows *rows)
{
	const struct pib_class *first;

	do
		first = any_class();
	while (!pib_class_installs(first) || !pib_class_installs(pib_class(first->base)));
	add_class(rows, first);
	/* Grows as it goes. */
	for (size_t i = 0; i < rows->count; i++) {
		const struct pib_class *class = rows->list[i].class;

		add_class(rows, pib_class(class->base));
		for (size_t n = 0; n < class->attribute_count; n++) {
			const struct pib_attribute *a = &class->attributes[n];

			if (a->role == PIB_REFERENCE || a->role == PIB_TAG_REFERENCE)
				add_class(rows, pib_class(a->target));
		}
	}
	for (size_t i = 0; i < rows->count; i++) {
		struct pri *p = &rows->list[i];

		for (size_t n = 0; n < p->class->attribute_count; n++) {
			const struct pib_attribute *a = &p->class->attributes[n];

			if (a->role == PIB_TAG) /* so that each list has a row */
				pri_set_u32(p, a->number, p->instance);
			else if (a->role == PIB_REFERENCE || a->role == PIB_TAG_REFERENCE)
				pri_set_u32(p, a->number, some_sound());
			else if (a->role == PIB_PRID)
				pri_set_prid(p, a->number, first->id, some_sound());
		}
	}
}

static void spoil(struct rows *rows)
{
	struct pri *p = &rows->list[random_below(&r, rows->count)], *q;
	const struct pib_class *other = any_class();
	uint32_t instance = one_in(8) ? OTHER_BLOCK + 1 : BLOCK + 1 + (uint32_t)random_below(&r, 6);

	switch (random_below(&r, 6)) {
	case 0:
		rows_drop(rows, p->class->id, p->instance);
		break;
	case 1: /* a copy beside it */
		if (naive_find(rows, p->class->id, instance))
			break;
		q = rows_add(rows, p->class->id, instance);
		p = rows->list + (random_below(&r, rows->count - 1));
		for (size_t i = 0; p->class == q->class && i < q->class->attribute_count; i++)
			if (q->class->attributes[i].role != PIB_INSTANCE)
				q->values[i] = p->values[i];
		break;
	case 2: /* that may not be installed, perhaps */
		if (one_in(3) && !naive_find(rows, other->id, instance))
			add_random(rows, other->id, instance);
		break;
	default:
		set_any(p, &p->class->attributes[random_below(&r, p->class->attribute_count)]);
	}
}

START_TEST(checks_find_what_a_naive_reading_finds)
{
	size_t sound = 0, several = 0, removals = 0, unique = 0;

	r.state += (uint64_t)_i;
	for (unsigned round = 0; round < 150; round++) {
		static struct complaints expected, found;
		struct rows before = {0}, after = {0};
		struct pri_store *old, *new;
		enum err err;

		fill_soundly(&before);
		for (size_t i = 0; i < before.count; i++)
			*rows_add(&after, before.list[i].class->id, before.list[i].instance) =
				before.list[i];
		for (size_t n = random_below(&r, 4); n && after.count > 1; n--)
			spoil(&after);
		old = one_in(4) ? NULL : store_of(&before);
		new = store_of(&after);
		naive_check(old ? &before : NULL, &after, bounds, &expected);
		pri_failures_init(&failures);
		err = pri_store_check_change(old, new, bounds, &failures, &error);
		complaints_of(&failures, &found);
		ck_assert_int_eq(err != E_OK, expected.count != 0);
		/* Of more than fit into the list the number alone is known. */
		if (failures.omitted)
			ck_assert_uint_eq(failures.count + failures.omitted, expected.count);
		else
			complaints_compare(&expected, &found, round);
		sound += !expected.count;
		several += expected.count > 1;
		for (size_t i = 0; i < expected.count; i++) {
			removals += expected.list[i].kind == PIB_FAULT_STILL_REFERENCED;
			unique += expected.list[i].kind == PIB_FAULT_INSTANCE;
		}
		pri_store_free(old);
		pri_store_free(new);
		rows_fini(&before);
		rows_fini(&after);
	}
	/* The cases are worth something. */
	ck_assert_uint_gt(sound, 10);
	ck_assert_uint_gt(several, 10);
	ck_assert_uint_gt(removals, 3);
	ck_assert_uint_gt(unique, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-stored");
	TCase *c = tcase_create("random");

	printf("seed %#" PRIx64 "\n", (uint64_t)RANDOM_SEED);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, a_transaction_gives_the_state_of_the_model_and_undo_the_state_before, 0,
		8);
	tcase_add_loop_test(c, checks_find_what_a_naive_reading_finds, 0, 4);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
