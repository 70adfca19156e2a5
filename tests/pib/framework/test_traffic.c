/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/traffic.h"

#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "tests/suite.h"

static struct traffic_row row_of(uint32_t instance, uint64_t packets)
{
	struct traffic_row row = {.packets = packets, .octets = packets * 100};

	if (instance)
		row.cause = (struct prid){pib_class(PIB_ipSecRule), instance};
	snprintf(row.name, sizeof row.name, "rule %u", (unsigned)instance);
	return row;
}

static void add(struct traffic *t, uint32_t instance, uint64_t packets)
{
	struct traffic_row row = row_of(instance, packets);

	traffic_add(t, &row);
}

START_TEST(rows_come_back_as_they_were)
{
	struct traffic t = {.count = 0}, again = {.count = 0};
	struct buffer b;
	struct error e;

	add(&t, 5, UINT64_MAX / 100);
	add(&t, 0, 1);
	add(&t, 7, 0);
	ck_assert_uint_eq(t.count, 2);
	buffer_init(&b, 65536);
	ck_assert_int_eq(traffic_put(&t, &b, &e), E_OK);
	ck_assert_msg(!traffic_read(&again, buffer_view(&b), &e), "%s", e.text);
	ck_assert_uint_eq(again.count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_ptr_eq(again.rows[i].cause.class, t.rows[i].cause.class);
		ck_assert_uint_eq(again.rows[i].cause.instance, t.rows[i].cause.instance);
		ck_assert_str_eq(again.rows[i].name, t.rows[i].name);
		ck_assert_uint_eq(again.rows[i].packets, t.rows[i].packets);
		ck_assert_uint_eq(again.rows[i].octets, t.rows[i].octets);
	}
	/* What is cut anywhere changes nothing. */
	for (size_t len = 1; len < b.len; len++) {
		struct traffic cut = {.count = 0};
		enum err err = traffic_read(&cut, VIEW(b.data, len), &e);

		ck_assert_uint_eq(cut.count, err ? 0 : 1);
	}
	buffer_fini(&b);
}
END_TEST

START_TEST(those_that_counted_most_are_kept)
{
	struct traffic t = {.count = 0};
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 1; i <= 3 * TRAFFIC_ROWS_MAX; i++)
		add(&t, i, 1 + (i * 7919) % (3 * TRAFFIC_ROWS_MAX));
	ck_assert_uint_eq(t.count, TRAFFIC_ROWS_MAX);
	for (size_t i = 0; i < t.count; i++)
		least = t.rows[i].packets < least ? t.rows[i].packets : least;
	ck_assert_uint_eq(least, 2 * TRAFFIC_ROWS_MAX + 1);
}
END_TEST

START_TEST(other_rows_and_too_many_are_refused)
{
	struct traffic t = {.count = 0}, full = {.count = 0};
	struct buffer b;
	struct pri pri;
	struct error e;

	buffer_init(&b, 65536);
	pri_init(&pri, PIB_copsecFailure, 1);
	pri_set_oid(&pri, copsecFailureInstance, &oid_none);
	pri_set_text(&pri, copsecFailureText, "");
	ck_assert_int_eq(pri_put(&b, &pri, &e), E_OK);
	ck_assert_int_eq(traffic_read(&t, buffer_view(&b), &e), E_UNEXPECTED);
	ck_assert_uint_eq(t.count, 0);
	buffer_reset(&b);
	for (uint32_t i = 1; i <= TRAFFIC_ROWS_MAX; i++)
		add(&full, i, i);
	ck_assert_int_eq(traffic_put(&full, &b, &e), E_OK);
	ck_assert_int_eq(traffic_read(&t, buffer_view(&b), &e), E_OK);
	ck_assert_int_eq(traffic_read(&t, buffer_view(&b), &e), E_LIMIT);
	ck_assert_uint_eq(t.count, TRAFFIC_ROWS_MAX);
	buffer_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/framework/traffic");
	TCase *c = tcase_create("traffic");

	tcase_add_test(c, rows_come_back_as_they_were);
	tcase_add_test(c, those_that_counted_most_are_kept);
	tcase_add_test(c, other_rows_and_too_many_are_refused);
	suite_add_tcase(s, c);
	return suite_main(s);
}
