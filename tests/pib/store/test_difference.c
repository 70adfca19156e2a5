/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/difference.h"

#include "common/cops/pr.h"
#include "tests/pib/store/rows.h"
#include "tests/suite.h"

enum { SEED = 20260103, ROUNDS = 60, INSTANCES = 1500, BIG = 1 << 26 };

static struct pri_failures failures;
static struct error error;

/* xorshift: the same cases in every run. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static const enum pib_class_id classes[] = {PIB_ipSecAddress, PIB_ipSecL4Port, PIB_ipSecRule};
enum { CLASSES = sizeof classes / sizeof classes[0] };

/* What a store holds: a value for each instance of each class, 0 for none. */
struct model {
	uint32_t values[CLASSES][INSTANCES + 1];
};

static void put_value(struct buffer *out, size_t class, uint32_t instance, uint32_t value)
{
	static struct rows rows;
	struct pri *pri;

	rows.count = 0;
	pri = rows_add(&rows, classes[class], instance);
	if (classes[class] == PIB_ipSecAddress)
		pri_set_u32(pri, ipSecAddressGroupId, value);
	else if (classes[class] == PIB_ipSecL4Port)
		pri_set_u32(pri, ipSecL4PortGroupId, value);
	else
		pri_set_u32(pri, ipSecRuleOrder, value);
	rows_put(&rows, out);
}

static struct pri_store *store_of(const struct model *m)
{
	struct pri_store *store;
	struct buffer objects;
	struct view run;

	buffer_init(&objects, BIG);
	for (size_t c = 0; c < CLASSES; c++)
		for (uint32_t i = 1; i <= INSTANCES; i++)
			if (m->values[c][i])
				put_value(&objects, c, i, m->values[c][i]);
	run = buffer_view(&objects);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &store, &failures, &error), "%s", error.text);
	buffer_fini(&objects);
	return store;
}

static void fill(struct model *m, uint32_t *state, uint32_t in)
{
	*m = (struct model){0};
	for (size_t c = 0; c < CLASSES; c++)
		for (uint32_t i = 1; i <= INSTANCES; i++)
			if (next_random(state) % in == 0)
				m->values[c][i] = 1 + next_random(state) % 9;
}

static void spoil(struct model *m, uint32_t *state, uint32_t changes)
{
	for (uint32_t i = 0; i < changes; i++)
		m->values[next_random(state) % CLASSES][1 + next_random(state) % INSTANCES] =
			next_random(state) % 3 ? 1 + next_random(state) % 9 : 0;
}

/* Objects of one kind in a run that is well formed. */
static size_t count_objects(enum pr_place place, struct view run, uint8_t s_num)
{
	struct cursor c = cursor_over(run);
	struct pr_object object;
	uint16_t code, sub_code;
	size_t count = 0;

	ck_assert_int_eq(pr_check(place, run, &code, &sub_code, &error), E_OK);
	while (cursor_left(&c)) {
		ck_assert_int_eq(pr_next(&c, &object), E_OK);
		count += object.s_num == s_num;
	}
	return count;
}

static void check_same(const struct pri_store *a, const struct pri_store *b)
{
	uint8_t roots[2][PRI_STORE_ROOT];
	struct buffer octets[2];

	buffer_init(&octets[0], BIG);
	buffer_init(&octets[1], BIG);
	pri_store_put(a, &octets[0]);
	pri_store_put(b, &octets[1]);
	ck_assert(view_equal(buffer_view(&octets[0]), buffer_view(&octets[1])));
	ck_assert_int_eq(pri_store_root(a, roots[0]), E_OK);
	ck_assert_int_eq(pri_store_root(b, roots[1]), E_OK);
	ck_assert_mem_eq(roots[0], roots[1], PRI_STORE_ROOT);
	buffer_fini(&octets[0]);
	buffer_fini(&octets[1]);
}

static void check_pair(const struct model *before, const struct model *after)
{
	struct pri_store *old = store_of(before), *new = store_of(after), *changed;
	size_t gone = 0, come = 0;
	struct pri_change change;
	struct view runs[2];
	struct buffer removes, installs;

	buffer_init(&removes, BIG);
	buffer_init(&installs, BIG);
	ck_assert_int_eq(pri_store_difference(old, new, &removes, &installs), E_OK);
	runs[0] = buffer_view(&removes);
	runs[1] = buffer_view(&installs);
	for (size_t c = 0; c < CLASSES; c++) {
		for (uint32_t i = 1; i <= INSTANCES; i++) {
			gone += before->values[c][i] && !after->values[c][i];
			come += after->values[c][i] &&
				before->values[c][i] != after->values[c][i];
		}
	}
	/* Exactly what changed. */
	ck_assert_uint_eq(count_objects(PR_IN_REMOVE, runs[0], PR_PRID), gone);
	ck_assert_uint_eq(count_objects(PR_IN_INSTALL, runs[1], PR_EPD), come);

	change = (struct pri_change){&runs[0], 1, &runs[1], 1};
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_change(old, &change, &changed, &failures, &error), "%s",
		error.text);
	check_same(changed, new);
	pri_store_free(changed);
	pri_store_free(old);
	pri_store_free(new);
	buffer_fini(&removes);
	buffer_fini(&installs);
}

START_TEST(applied_to_the_old_it_makes_the_new)
{
	static struct model before, after;
	uint32_t state = SEED;

	for (int i = 0; i < ROUNDS; i++) {
		fill(&before, &state, i % 3 ? 3 : 60);
		after = before;
		if (i % 5 == 0)
			fill(&after, &state, i % 2 ? 2 : 90);
		else
			spoil(&after, &state, i % 7 ? next_random(&state) % 20 : 1);
		check_pair(&before, &after);
	}
}
END_TEST

START_TEST(from_nothing_and_to_nothing)
{
	static struct model nothing, something;
	uint32_t state = SEED;

	fill(&something, &state, 4);
	check_pair(&nothing, &nothing);
	check_pair(&nothing, &something);
	check_pair(&something, &nothing);
	check_pair(&something, &something);
}
END_TEST

/* Whole blocks that come and go, so that equal ones stand at different places. */
START_TEST(blocks_shift)
{
	static struct model before, after;
	uint32_t state = SEED;

	for (uint32_t block = 0; block < INSTANCES / 256; block++) {
		fill(&before, &state, 2);
		after = before;
		for (uint32_t i = 256 * block + (block == 0); i < 256 * (block + 1); i++)
			after.values[block % CLASSES][i] = 0;
		check_pair(&before, &after);
		check_pair(&after, &before);
	}
}
END_TEST

/* Its removes make a change independent of what was there. */
START_TEST(all_classes_leave_the_installs_alone)
{
	static struct model before, after;
	struct pri_store *old, *new, *changed;
	struct buffer removes, installs;
	struct pri_change change;
	struct view runs[2];
	uint32_t state = SEED;

	fill(&before, &state, 3);
	fill(&after, &state, 3);
	old = store_of(&before);
	new = store_of(&after);
	buffer_init(&removes, BIG);
	buffer_init(&installs, BIG);
	pri_store_put_all_classes(&removes);
	pri_store_put(new, &installs);
	runs[0] = buffer_view(&removes);
	runs[1] = buffer_view(&installs);
	ck_assert_uint_gt(count_objects(PR_IN_REMOVE, runs[0], PR_PPRID), CLASSES);
	change = (struct pri_change){&runs[0], 1, &runs[1], 1};
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_change(old, &change, &changed, &failures, &error), "%s",
		error.text);
	check_same(changed, new);
	pri_store_free(changed);
	pri_store_free(old);
	pri_store_free(new);
	buffer_fini(&removes);
	buffer_fini(&installs);
}
END_TEST

START_TEST(what_did_not_fit_is_said)
{
	static struct model before, after;
	struct pri_store *old, *new;
	struct buffer removes, installs;
	uint32_t state = SEED;

	fill(&after, &state, 3);
	old = store_of(&before);
	new = store_of(&after);
	buffer_init(&removes, BIG);
	buffer_init(&installs, 100);
	ck_assert_int_eq(pri_store_difference(old, new, &removes, &installs), E_LIMIT);
	buffer_reset(&installs);
	buffer_fini(&removes);
	buffer_init(&removes, 100);
	ck_assert_int_eq(pri_store_difference(new, old, &removes, &installs), E_LIMIT);
	pri_store_free(old);
	pri_store_free(new);
	buffer_fini(&removes);
	buffer_fini(&installs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/store/difference");
	TCase *c = tcase_create("difference");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, applied_to_the_old_it_makes_the_new);
	tcase_add_test(c, from_nothing_and_to_nothing);
	tcase_add_test(c, blocks_shift);
	tcase_add_test(c, all_classes_leave_the_installs_alone);
	tcase_add_test(c, what_did_not_fit_is_said);
	suite_add_tcase(s, c);
	return suite_main(s);
}
