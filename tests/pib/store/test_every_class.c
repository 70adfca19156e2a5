/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Classes as data: each that the modules define, whoever reads it or not, goes all the way with random
 * values: octets, store, root, difference, text, and who may send it. Encoder and decoder have a
 * second opinion in tests/pib/schema/test_openssl.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pib/schema/print.h"
#include "pib/store/check.h"
#include "pib/store/difference.h"
#include "tests/pib/schema/instances.h"
#include "tests/suite.h"

enum { INSTANCES = 12, BIG = 1 << 22 };

static const uint64_t seed = UINT64_C(0x51e4c1a55);

static struct error error;
static struct pri_failures failures;
static struct pri pris[INSTANCES];
static struct octets_for octets[INSTANCES];

static void make(enum pib_class_id class)
{
	struct random r = {seed + (uint64_t)class};

	for (uint32_t i = 0; i < INSTANCES; i++) {
		uint32_t instance = 1 + 100 * i; /* more than one block */

		random_instance(&r, &pris[i], class, &octets[i]);
		pris[i].instance = instance;
		if (pris[i].class->index_attribute)
			pri_set_u32(&pris[i], pris[i].class->index_attribute, instance);
		ck_assert_msg(!pris[i].error.code, "%s", pris[i].error.text);
	}
}

static struct pri_store *store_of(uint32_t first, uint32_t count)
{
	struct pri_store *s = NULL;
	struct buffer run;
	struct view v;

	buffer_init(&run, BIG);
	for (uint32_t i = first; i < first + count; i++)
		ck_assert_msg(!pri_put(&run, &pris[i], &error), "%s", error.text);
	v = buffer_view(&run);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&v, 1, &s, &failures, &error), "%s", error.text);
	buffer_fini(&run);
	return s;
}

START_TEST(is_stored_and_found_as_it_was)
{
	const struct pib_class *class = pib_class((enum pib_class_id)_i);
	struct pri_store *s;
	struct pri found;

	make(class->id);
	s = store_of(0, INSTANCES);
	ck_assert_uint_eq(pri_store_count(s), INSTANCES);
	for (uint32_t i = 0; i < INSTANCES; i++) {
		ck_assert_msg(pri_store_get(s, class->id, pris[i].instance, &found), "%s.%u",
			class->name, pris[i].instance);
		for (unsigned n = 1; n <= class->attribute_count; n++) {
			const struct pib_attribute *a = pib_attribute(class, n);

			/* What was NULL or left out comes back as its default, if there is one. */
			ck_assert_msg(pri_has(&found, n) == (pri_has(&pris[i], n) || a->has_default),
				"%s", a->name);
			if (pri_has(&pris[i], n))
				ck_assert_msg(!pri_compare_attribute(&pris[i], &found, n), "%s",
					a->name);
		}
	}
	ck_assert(!pri_store_get(s, class->id, 2, &found));
	pri_store_free(s);
}
END_TEST

START_TEST(has_roots_and_differences)
{
	struct pri_store *before, *after, *again;
	uint8_t root[3][PRI_STORE_ROOT];
	struct buffer removes, installs;
	struct pri_change change;
	struct view gone, came;

	make((enum pib_class_id)_i);
	before = store_of(0, INSTANCES - 2);
	after = store_of(2, INSTANCES - 2);
	buffer_init(&removes, BIG);
	buffer_init(&installs, BIG);
	ck_assert_int_eq(pri_store_difference(before, after, &removes, &installs), E_OK);
	gone = buffer_view(&removes);
	came = buffer_view(&installs);
	change = (struct pri_change){&gone, 1, &came, 1};
	ck_assert_msg(!pri_store_change(before, &change, &again, &failures, &error), "%s",
		error.text);
	ck_assert_int_eq(pri_store_root(before, root[0]), E_OK);
	ck_assert_int_eq(pri_store_root(after, root[1]), E_OK);
	ck_assert_int_eq(pri_store_root(again, root[2]), E_OK);
	ck_assert_mem_ne(root[0], root[1], PRI_STORE_ROOT);
	ck_assert_mem_eq(root[1], root[2], PRI_STORE_ROOT);
	pri_store_free(before);
	pri_store_free(after);
	pri_store_free(again);
	buffer_fini(&removes);
	buffer_fini(&installs);
}
END_TEST

/* What a value must read like, where that is no matter of taste; NULL elsewhere. */
static const char *expected_text(
	const struct pri *pri, const struct pib_attribute *a, char text[32])
{
	if (!pri_has(pri, a->number))
		return "NULL";
	switch (a->syntax) {
	case PIB_ENUMERATION:
		return pib_label(a, pri_i32(pri, a->number));
	case PIB_INTEGER32:
		snprintf(text, 32, "%" PRId32, pri_i32(pri, a->number));
		return text;
	case PIB_UNSIGNED64:
		snprintf(text, 32, "%" PRIu64, pri_u64(pri, a->number));
		return text;
	case PIB_UNSIGNED32:
		if (a->role == PIB_REFERENCE && pri_u32(pri, a->number))
			return NULL; /* with the class's name */
		snprintf(text, 32, "%" PRIu32, pri_u32(pri, a->number));
		return text;
	default:
		return NULL;
	}
}

START_TEST(is_printed_attribute_by_attribute)
{
	const struct pib_class *class = pib_class((enum pib_class_id)_i);
	char line[2 * PRI_FIELD_NAME_SIZE], name[PRI_FIELD_NAME_SIZE];
	struct buffer out, text;
	struct pri_store *s;
	struct pri pri;

	make(class->id);
	s = store_of(0, INSTANCES);
	buffer_init(&out, BIG);
	buffer_init(&text, BIG);
	for (uint32_t i = 0; i < INSTANCES; i++) {
		const char *at;

		ck_assert(pri_store_get(s, class->id, pris[i].instance, &pri));
		buffer_reset(&out);
		pri_print(&out, &pri);
		at = buffer_string(&out);
		snprintf(line, sizeof line, "%s.%u\n", class->name, pri.instance);
		ck_assert_int_eq(strncmp(at, line, strlen(line)), 0);
		at += strlen(line);
		for (unsigned n = 1; n <= class->attribute_count; n++) {
			const struct pib_attribute *a = pib_attribute(class, n);
			struct pri_field field;
			char number[32];
			const char *expected;
			size_t len;

			snprintf(line, sizeof line, "  %s = ", a->name);
			ck_assert_msg(!strncmp(at, line, strlen(line)), "%s: %s", a->name, at);
			at += strlen(line);
			len = strcspn(at, "\n");
			ck_assert_uint_gt(len, 0);
			expected = expected_text(&pri, a, number);
			if (expected)
				ck_assert_msg(strlen(expected) == len &&
						      !strncmp(at, expected, len),
					"%s = %.*s, not %s", a->name, (int)len, at, expected);
			at += len + 1;
			pri_field(&pri, n, name, &text, &field);
			ck_assert_int_eq(field.kind == PRI_FIELD_NULL, !pri_has(&pri, n));
			ck_assert_msg(strlen(field.name) > 0, "%s", a->name);
		}
		ck_assert_str_eq(at, "");
	}
	pri_store_free(s);
	buffer_fini(&out);
	buffer_fini(&text);
}
END_TEST

/* Of the class alone: references lead nowhere here. */
START_TEST(is_sent_by_whom_its_access_says)
{
	const struct pib_class *class = pib_class((enum pib_class_id)_i);
	struct pri_store *s;
	bool refused = false, out_of_place = false;

	make(class->id);
	s = store_of(0, 1);
	pri_failures_init(&failures);
	(void)!pri_store_check(s, (struct pri_bounds){1, UINT32_MAX}, &failures, &error);
	for (size_t i = 0; i < failures.count; i++)
		refused = refused || failures.list[i].fault.kind == PIB_FAULT_NOTIFY_ONLY;
	ck_assert_int_eq(refused, class->access == PIB_NOTIFY || class->access == PIB_REPORT_ONLY);
	pri_failures_init(&failures);
	(void)!pri_store_check_request(s, &failures, &error);
	for (size_t i = 0; i < failures.count; i++)
		out_of_place = out_of_place ||
			       strstr(failures.list[i].text, "has no place in a request") != NULL;
	ck_assert_int_eq(
		out_of_place, class->access == PIB_INSTALL || class->access == PIB_REPORT_ONLY);
	pri_store_free(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-every-class");
	TCase *c = tcase_create("classes");

	printf("seed %#" PRIx64 ", %d classes\n", seed, (int)PIB_CLASS_COUNT);
	tcase_add_loop_test(c, is_stored_and_found_as_it_was, 0, PIB_CLASS_COUNT);
	tcase_add_loop_test(c, has_roots_and_differences, 0, PIB_CLASS_COUNT);
	tcase_add_loop_test(c, is_printed_attribute_by_attribute, 0, PIB_CLASS_COUNT);
	tcase_add_loop_test(c, is_sent_by_whom_its_access_says, 0, PIB_CLASS_COUNT);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
