/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/integrity/keys.h"
#include "tests/suite.h"

#define SECRET "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct integrity_keys *read_all(const char *text, enum integrity_end end)
{
	struct integrity_keys *keys = NULL;
	struct buffer messages;

	buffer_init(&messages, 4096);
	ck_assert_msg(!integrity_keys_parse("keys", view_of_string(text), end, &keys, &messages),
		      "%s", buffer_string(&messages));
	buffer_fini(&messages);
	return keys;
}

START_TEST(a_file_with_everything)
{
	struct integrity_keys *keys = read_all(
		"# id peer algorithm from until secret\n"
		"\n"
		"  2\tbob  hmac-md5-96 2026-01-01T00:00:00Z - " SECRET "\r\n"
		"4294967295 alice hmac-sha256-96 - 1970-01-01T00:01:00Z " SECRET "\n"
		"1 alice hmac-sha256-96 - - " SECRET,
		INTEGRITY_PDP);
	const struct integrity_key *k;

	ck_assert_uint_eq(keys->count, 3);
	k = integrity_keys_find(keys, view_of_string("bob"), 2, 1767225600);
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(k->algorithm, INTEGRITY_HMAC_MD5_96);
	ck_assert_uint_eq(k->secret_len, 32);
	ck_assert_uint_eq(k->secret[31], 0x1f);
	/* An octet of lifetime too early, too late. */
	ck_assert_ptr_null(integrity_keys_find(keys, view_of_string("bob"), 2, 1767225599));
	ck_assert_ptr_nonnull(integrity_keys_find(keys, view_of_string("alice"), UINT32_MAX, 59));
	ck_assert_ptr_null(integrity_keys_find(keys, view_of_string("alice"), UINT32_MAX, 60));
	/* An id is relative to its peer. */
	ck_assert_ptr_null(integrity_keys_find(keys, view_of_string("alice"), 2, 1767225600));
	ck_assert_ptr_null(integrity_keys_find(keys, view_of_string("carol"), 1, 0));
	integrity_keys_free(keys);
}
END_TEST

START_TEST(wrong_lines_are_named)
{
	static const struct {
		const char *line, *message;
		enum integrity_end end;
	} cases[] = {
		{"1 alice hmac-sha256-96 - -", "a key is: id, peer", INTEGRITY_PDP},
		{"1 alice hmac-sha256-96 - - " SECRET " more", "a key is: id, peer", INTEGRITY_PDP},
		{"-1 alice hmac-sha256-96 - - " SECRET, "no key id", INTEGRITY_PDP},
		{"4294967296 alice hmac-sha256-96 - - " SECRET, "no key id", INTEGRITY_PDP},
		{"one alice hmac-sha256-96 - - " SECRET, "no key id", INTEGRITY_PDP},
		{"1 alice hmac-sha1-96 - - " SECRET, "no algorithm: hmac-sha256-96 or", INTEGRITY_PDP},
		{"1 alice hmac-md5-96 yesterday - " SECRET, "no time", INTEGRITY_PDP},
		{"1 alice hmac-md5-96 - 2026-01-01 " SECRET, "no time", INTEGRITY_PDP},
		{"1 alice hmac-md5-96 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z " SECRET,
		 "ends before it begins", INTEGRITY_PDP},
		{"1 alice hmac-md5-96 - - 000102030405060708090a0b0c0d0e", "16 to 64", INTEGRITY_PDP},
		{"1 alice hmac-md5-96 - - " SECRET SECRET "00", "16 to 64", INTEGRITY_PDP},
		{"1 alice hmac-md5-96 - - " SECRET "0", "16 to 64", INTEGRITY_PDP},
		{"1 alice hmac-md5-96 - - g" SECRET "0", "16 to 64", INTEGRITY_PDP},
		{"1 any hmac-md5-96 - - " SECRET, "not with any", INTEGRITY_PDP},
		{"1 alice hmac-md5-96 - - " SECRET "\n1 alice hmac-md5-96 - - " SECRET,
		 "key 1 of peer alice is there twice", INTEGRITY_PDP},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct integrity_keys *keys = NULL;
		struct buffer messages;

		buffer_init(&messages, 4096);
		ck_assert_int_eq(integrity_keys_parse("keys", view_of_string(cases[i].line),
						      cases[i].end, &keys, &messages), E_SYNTAX);
		ck_assert_ptr_nonnull(strstr(buffer_string(&messages), cases[i].message));
		/* A secret never gets into a message. */
		ck_assert_ptr_null(strstr(buffer_string(&messages), "0405"));
		buffer_fini(&messages);
	}
}
END_TEST

START_TEST(an_open_file_is_refused)
{
	char path[] = "/tmp/test-integrity-keys-XXXXXX";
	int fd = mkstemp(path);
	struct integrity_keys *keys = NULL;
	struct buffer messages;
	struct error e;

	ck_assert_int_ge(fd, 0);
	close(fd);
	buffer_init(&messages, 4096);
	ck_assert(!file_replace(path, view_of_string("1 any hmac-md5-96 - - " SECRET "\n"), 0644, &e));
	ck_assert_int_eq(integrity_keys_load(path, INTEGRITY_PEP, &keys, &messages), E_DENIED);
	ck_assert_ptr_nonnull(strstr(buffer_string(&messages), "chmod 600"));
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(integrity_keys_load(path, INTEGRITY_PEP, &keys, &messages), E_OK);
	ck_assert_ptr_nonnull(integrity_keys_current(keys, view_of_string("192.0.2.1"), 5));
	integrity_keys_free(keys);
	unlink(path);
	buffer_reset(&messages);
	ck_assert_int_eq(integrity_keys_load(path, INTEGRITY_PEP, &keys, &messages), E_SYSTEM);
	buffer_fini(&messages);
}
END_TEST

/* RFC 2748 section 4.2: senders change in the middle of the overlap. */
START_TEST(senders_change_keys_in_the_middle_of_the_overlap)
{
	struct integrity_keys *keys = read_all(
		"1 p hmac-md5-96 - 1970-01-01T00:20:00Z " SECRET "\n" /* to 1200 */
		"2 p hmac-md5-96 1970-01-01T00:10:00Z 1970-01-01T01:00:00Z " SECRET "\n" /* 600-3600 */
		"3 p hmac-md5-96 1970-01-01T00:50:00Z - " SECRET "\n" /* from 3000 */
		"4 p hmac-md5-96 1970-01-01T02:00:00Z - " SECRET "\n" /* from 7200 */
		"9 q hmac-md5-96 1970-01-01T00:00:01Z 1970-01-01T00:00:02Z " SECRET "\n",
		INTEGRITY_PEP);
	static const struct {
		uint64_t utc;
		uint32_t id;
	} cases[] = {
		{0, 1}, {599, 1}, {899, 1}, {900, 2}, {1200, 2}, {2999, 2}, {3299, 2}, {3300, 3},
		{3600, 3}, {7199, 3}, {7200, 4}, {1000000000, 4},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct integrity_key *k =
			integrity_keys_current(keys, view_of_string("p"), cases[i].utc);

		ck_assert_ptr_nonnull(k);
		ck_assert_uint_eq(k->id, cases[i].id);
	}
	ck_assert_ptr_null(integrity_keys_current(keys, view_of_string("q"), 0));
	ck_assert_ptr_nonnull(integrity_keys_current(keys, view_of_string("q"), 1));
	ck_assert_ptr_null(integrity_keys_current(keys, view_of_string("q"), 2));
	/* Receivers take every key within its lifetime. */
	ck_assert_ptr_nonnull(integrity_keys_find(keys, view_of_string("p"), 1, 1199));
	ck_assert_ptr_nonnull(integrity_keys_find(keys, view_of_string("p"), 2, 600));
	integrity_keys_free(keys);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("common/integrity/keys");
	TCase *tc = tcase_create("keys");

	tcase_add_test(tc, a_file_with_everything);
	tcase_add_test(tc, wrong_lines_are_named);
	tcase_add_test(tc, an_open_file_is_refused);
	tcase_add_test(tc, senders_change_keys_in_the_middle_of_the_overlap);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
