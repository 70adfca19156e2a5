/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/arena.h"
#include "common/base/bytes.h"
#include "common/base/cursor.h"
#include "tests/suite.h"

#include <string.h>

START_TEST(buffer_stops_at_its_limit_and_stays_failed)
{
	struct buffer b;

	buffer_init(&b, 4);
	buffer_put_u32(&b, 0x01020304);
	ck_assert_int_eq(b.error, E_OK);
	buffer_put_u8(&b, 5);
	ck_assert_int_eq(b.error, E_LIMIT);
	ck_assert_uint_eq(b.len, 4);
	buffer_consume(&b, 4);
	buffer_put_u8(&b, 5);
	ck_assert_uint_eq(b.len, 0);
	buffer_reset(&b);
	buffer_put_u8(&b, 5);
	ck_assert_uint_eq(b.len, 1);
	buffer_fini(&b);
}
END_TEST

START_TEST(buffer_string_is_terminated_at_every_length)
{
	struct buffer b;

	buffer_init(&b, 1000);
	for (size_t n = 0; n < 600; n++) {
		buffer_put_u8(&b, 'x');
		ck_assert_uint_eq(strlen(buffer_string(&b)), n + 1);
	}
	buffer_fini(&b);
}
END_TEST

START_TEST(patch_outside_what_is_there_is_our_bug)
{
	struct buffer b;

	buffer_init(&b, 100);
	buffer_put_u32(&b, 0);
	buffer_patch_u16(&b, 2, 0xabcd);
	ck_assert_mem_eq(b.data, "\0\0\xab\xcd", 4);
	buffer_patch_u16(&b, 3, 1);
	ck_assert_int_eq(b.error, E_BUG);
	buffer_fini(&b);
}
END_TEST

START_TEST(cursor_never_passes_the_end)
{
	const uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

	for (size_t len = 0; len <= sizeof octets; len++) {
		struct cursor c = cursor_over(VIEW(octets, len));
		uint64_t n = cursor_u64(&c);

		ck_assert_int_eq(c.error, len < 8 ? E_TRUNCATED : E_OK);
		ck_assert_uint_eq(n, len < 8 ? 0 : 0x0102030405060708u);
		ck_assert_uint_eq(cursor_left(&c), len < 8 ? 0 : len - 8);
		ck_assert_int_eq(cursor_done(&c), len < 8 ? E_TRUNCATED : len > 8 ? E_TRAILING : E_OK);
	}
}
END_TEST

START_TEST(hex_round_trip_and_refusals)
{
	uint8_t out[2];
	char text[5];

	ck_assert(hex_decode(out, 2, "00fF"));
	hex_encode(text, VIEW(out, 2));
	ck_assert_str_eq(text, "00ff");
	ck_assert(!hex_decode(out, 2, "00f"));
	ck_assert(!hex_decode(out, 2, "00fg"));
	ck_assert(!hex_decode(out, 2, "00ff0"));
}
END_TEST

START_TEST(arena_keeps_its_limit)
{
	struct arena a;

	arena_init(&a, 100);
	ck_assert_ptr_nonnull(arena_alloc(&a, 60));
	ck_assert_ptr_null(arena_alloc(&a, 41));
	ck_assert_ptr_nonnull(arena_alloc(&a, 40));
	ck_assert_ptr_null(arena_calloc(&a, SIZE_MAX / 2, 3));
	arena_fini(&a);
}
END_TEST

START_TEST(error_texts)
{
	struct error e;

	ck_assert_int_eq(error_set(&e, E_RANGE, "port %d", 70000), E_RANGE);
	error_prefix(&e, "rule %s", "web");
	ck_assert_str_eq(e.text, "rule web: port 70000");
	for (int code = 0; code < ERR_COUNT; code++)
		ck_assert_ptr_nonnull(err_text((enum err)code));
	ck_assert_str_eq(err_text((enum err)9999), "unknown error");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bytes");
	TCase *c = tcase_create("bytes");

	tcase_add_test(c, buffer_stops_at_its_limit_and_stays_failed);
	tcase_add_test(c, buffer_string_is_terminated_at_every_length);
	tcase_add_test(c, patch_outside_what_is_there_is_our_bug);
	tcase_add_test(c, cursor_never_passes_the_end);
	tcase_add_test(c, hex_round_trip_and_refusals);
	tcase_add_test(c, arena_keeps_its_limit);
	tcase_add_test(c, error_texts);
	suite_add_tcase(s, c);
	return suite_main(s);
}
