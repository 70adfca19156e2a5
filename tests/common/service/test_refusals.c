/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every refusal counts, once, under a name that no other has. */
#include "tests/suite.h"

#include <string.h>

#include "common/service/refusals.h"

static uint64_t total(const struct refusals *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < REFUSAL_REASONS; i++)
		sum += r->of[i];
	return sum;
}

START_TEST(every_error_counts_for_one_reason)
{
	struct refusals r = {{0}};
	uint64_t expected = 0;

	for (int code = E_OK; code < ERR_COUNT; code++) {
		refusals_count(&r, (enum err)code);
		expected += code != E_OK && code != E_CLOSED;
		ck_assert_msg(total(&r) == expected, "%s", err_text((enum err)code));
	}
	ck_assert_uint_eq(r.of[REFUSAL_OLD_SERIAL], 1);
	ck_assert_uint_eq(r.of[REFUSAL_WRONG_LENGTH], 2);
}
END_TEST

START_TEST(each_reason_has_a_row_of_its_own)
{
	struct refusals r = {{0}};
	json_t *rows = json_array();

	refusals_count(&r, E_STALE);
	refusals_add_json(&r, "decisions", rows);
	ck_assert_uint_eq(json_array_size(rows), REFUSAL_REASONS);
	for (size_t i = 0; i < REFUSAL_REASONS; i++) {
		const json_t *row = json_array_get(rows, i);

		ck_assert_str_eq(json_string_value(json_object_get(row, "what")), "decisions");
		ck_assert_str_eq(json_string_value(json_object_get(row, "reason")),
				 refusal_name((enum refusal)i));
		ck_assert_int_eq(json_integer_value(json_object_get(row, "count")),
				 i == REFUSAL_OLD_SERIAL);
		ck_assert_str_ne(json_string_value(json_object_get(row, "meaning")), "");
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(refusal_name((enum refusal)i),
					 refusal_name((enum refusal)j));
	}
	json_decref(rows);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("refusals");
	TCase *t = tcase_create("refusals");

	tcase_add_test(t, every_error_counts_for_one_reason);
	tcase_add_test(t, each_reason_has_a_row_of_its_own);
	suite_add_tcase(s, t);
	return suite_main(s);
}
