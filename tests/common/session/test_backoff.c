/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/backoff.h"
#include "tests/suite.h"

START_TEST(waits_double_up_to_the_ceiling)
{
	static const uint32_t expected[] = {1000, 2000, 4000, 8000, 10000, 10000};
	struct backoff b;

	backoff_init(&b, 1000, 10000);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		ck_assert_uint_eq(backoff_next(&b, 0), expected[i]);
	backoff_reset(&b);
	ck_assert_uint_eq(backoff_next(&b, 0), 1000);
}
END_TEST

START_TEST(half_of_the_wait_is_left_to_chance)
{
	for (uint32_t random = 0; random < 1002; random++) {
		struct backoff b;

		backoff_init(&b, 2000, 2000);
		ck_assert_uint_eq(backoff_next(&b, random), 2000 - random % 1001);
	}
}
END_TEST

START_TEST(extreme_limits)
{
	struct backoff b;

	backoff_init(&b, UINT32_MAX, UINT32_MAX);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(backoff_next(&b, 0), UINT32_MAX);
	/* A least above the greatest: the greatest holds. */
	backoff_init(&b, 5000, 100);
	ck_assert_uint_eq(backoff_next(&b, 0), 100);
	backoff_init(&b, 0, 0);
	ck_assert_uint_eq(backoff_next(&b, 77), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("backoff");
	TCase *c = tcase_create("backoff");

	tcase_add_test(c, waits_double_up_to_the_ceiling);
	tcase_add_test(c, half_of_the_wait_is_left_to_chance);
	tcase_add_test(c, extreme_limits);
	suite_add_tcase(s, c);
	return suite_main(s);
}
