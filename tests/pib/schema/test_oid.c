/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pib/schema/oid.h"
#include "tests/pib/schema/random.h"
#include "tests/suite.h"

static struct oid oid_of(const char *text)
{
	struct oid oid;

	ck_assert_int_eq(oid_parse(&oid, text), E_OK);
	return oid;
}

static const struct {
	const char *text, *hex;
} encodings[] = {
	{"1.3.6.1.2.2.8.1", "2b060102020801"}, /* RFC 3084 §4.1 */
	{"1.3.6.1.2.2", "2b06010202"},		/* RFC 3084 §4.2 */
	{"0.0", "00"},
	{"0.39", "27"},
	{"1.0", "28"},
	{"1.39", "4f"},
	{"2.0", "50"},
	{"2.999.3", "883703"}, /* X.690 §8.19.5 */
	{"2.4294967295", "908080804f"},
	{"1.3.127", "2b7f"},
	{"1.3.128", "2b8100"},
	{"1.3.16383", "2bff7f"},
	{"1.3.16384", "2b818000"},
	{"1.3.4294967295", "2b8fffffff7f"},
};

START_TEST(octets_of_known_oids)
{
	struct oid oid = oid_of(encodings[_i].text), back;
	uint8_t octets[64];
	size_t length = strlen(encodings[_i].hex) / 2;
	char text[OID_TEXT_SIZE];
	struct buffer out;

	ck_assert(hex_decode(octets, length, encodings[_i].hex));
	buffer_init(&out, 64);
	oid_put(&out, &oid);
	ck_assert(view_equal(buffer_view(&out), VIEW(octets, length)));
	ck_assert_uint_eq(oid_octets(&oid), length);
	ck_assert_int_eq(oid_decode(VIEW(octets, length), &back), E_OK);
	ck_assert(oid_equal(&oid, &back));
	oid_format(&back, text);
	ck_assert_str_eq(text, encodings[_i].text);
	buffer_fini(&out);
}
END_TEST

static const struct {
	const char *hex;
	enum err err;
	const char *why;
} broken[] = {
	{"", E_LENGTH, "no octets"},
	{"2b81", E_LENGTH, "last arc unfinished"},
	{"88", E_LENGTH, "first arc unfinished"},
	{"2b8001", E_SYNTAX, "arc begins with 0x80"},
	{"8001", E_SYNTAX, "first arc begins with 0x80"},
	{"2b9080808000", E_SYNTAX, "arc of 33 bits"},
	{"9080808050", E_SYNTAX, "2.4294967296"},
	{"2bffffffffffffffffff7f", E_SYNTAX, "arc of 70 bits"},
};

START_TEST(refuses_broken_octets_and_leaves_the_result_alone)
{
	uint8_t octets[64];
	size_t length = strlen(broken[_i].hex) / 2;
	struct oid oid = oid_of("1.3.9");

	ck_assert(hex_decode(octets, length, broken[_i].hex));
	ck_assert_msg(oid_decode(VIEW(octets, length), &oid) == broken[_i].err, "%s",
		broken[_i].why);
	ck_assert_uint_eq(oid.count, 3);
	ck_assert_uint_eq(oid.arcs[2], 9);
}
END_TEST

START_TEST(as_many_arcs_as_the_limit_and_not_one_more)
{
	struct oid oid = oid_of("1.3"), back;
	struct buffer out;

	buffer_init(&out, OID_OCTETS_MAX);
	while (oid.count < OID_MAX)
		ck_assert_int_eq(oid_append(&oid, UINT32_MAX), E_OK);
	ck_assert_int_eq(oid_append(&oid, 1), E_LIMIT);
	ck_assert_uint_eq(oid.count, OID_MAX);
	oid_put(&out, &oid);
	ck_assert_int_eq(oid_decode(buffer_view(&out), &back), E_OK);
	ck_assert(oid_equal(&oid, &back));
	buffer_put_u8(&out, 1);
	ck_assert_int_eq(oid_decode(buffer_view(&out), &back), E_LIMIT);
	buffer_fini(&out);
}
END_TEST

START_TEST(what_has_no_ber_form_is_not_written)
{
	static const struct oid unwritable[] = {
		{{1}, 1}, {{0}, 0}, {{3, 1}, 2}, {{0, 40}, 2}, {{1, 40}, 2}};

	for (size_t i = 0; i < sizeof unwritable / sizeof *unwritable; i++) {
		struct buffer out;

		buffer_init(&out, 16);
		oid_put(&out, &unwritable[i]);
		ck_assert_int_eq(out.error, E_BUG);
		ck_assert_uint_eq(oid_octets(&unwritable[i]), 0);
		buffer_fini(&out);
	}
}
END_TEST

START_TEST(order_is_numeric_and_not_that_of_octets)
{
	static const char *const ascending[] = {"0.0", "1.3", "1.3.0", "1.3.6", "1.3.6.1",
		"1.3.16383", "1.3.16384", "1.3.4294967295", "1.4", "2.0"};
	enum { COUNT = sizeof ascending / sizeof *ascending };

	for (int i = 0; i < COUNT; i++) {
		for (int j = 0; j < COUNT; j++) {
			struct oid a = oid_of(ascending[i]), b = oid_of(ascending[j]);

			ck_assert_int_eq(oid_compare(&a, &b), (i > j) - (i < j));
		}
	}
}
END_TEST

START_TEST(prefixes)
{
	struct oid a = oid_of("1.3.6"), b = oid_of("1.3.6.1"), c = oid_of("1.3.7.1");

	ck_assert(oid_has_prefix(&b, &a));
	ck_assert(oid_has_prefix(&a, &a));
	ck_assert(!oid_has_prefix(&a, &b));
	ck_assert(!oid_has_prefix(&c, &a));
	ck_assert(oid_is_none(&oid_none));
	ck_assert(!oid_is_none(&a));
}
END_TEST

START_TEST(texts_that_are_no_oid)
{
	static const char *const texts[] = {"", "1", "1.", ".1", "1..3", "1.3.", "1.a", "1.3 ",
		"-1.3", "1.4294967296", "1.99999999999999999999"};
	char long_text[4 * OID_MAX] = "1";
	struct oid oid;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ck_assert_msg(oid_parse(&oid, texts[i]) == E_SYNTAX, "%s", texts[i]);
	for (int i = 0; i < OID_MAX; i++)
		strcat(long_text, ".1");
	ck_assert_int_eq(oid_parse(&oid, long_text), E_LIMIT);
}
END_TEST

START_TEST(random_oids_survive_octets_and_text)
{
	struct random r = {UINT64_C(0x0badc0de5eed0001)};

	printf("seed %#" PRIx64 "\n", r.state);
	for (int i = 0; i < 20000; i++) {
		struct oid oid = {.count = 0}, back;
		size_t count = 2 + random_below(&r, OID_MAX - 1);
		char text[OID_TEXT_SIZE];
		struct buffer out;

		oid.arcs[oid.count++] = (uint32_t)random_below(&r, 3);
		oid.arcs[oid.count++] = oid.arcs[0] == 2 ?
			(uint32_t)random_magnitude(&r) :
			(uint32_t)random_below(&r, 40);
		while (oid.count < count)
			oid.arcs[oid.count++] = (uint32_t)(random_magnitude(&r) >> 32);
		buffer_init(&out, OID_OCTETS_MAX);
		oid_put(&out, &oid);
		ck_assert_int_eq(out.error, E_OK);
		ck_assert_uint_eq(out.len, oid_octets(&oid));
		ck_assert_int_eq(oid_decode(buffer_view(&out), &back), E_OK);
		ck_assert(oid_equal(&oid, &back));
		oid_format(&oid, text);
		ck_assert_int_eq(oid_parse(&back, text), E_OK);
		ck_assert(oid_equal(&oid, &back));
		buffer_fini(&out);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-oid");
	TCase *c = tcase_create("oid");

	tcase_add_loop_test(c, octets_of_known_oids, 0,
		(int)(sizeof encodings / sizeof *encodings));
	tcase_add_loop_test(c, refuses_broken_octets_and_leaves_the_result_alone, 0,
		(int)(sizeof broken / sizeof *broken));
	tcase_add_test(c, as_many_arcs_as_the_limit_and_not_one_more);
	tcase_add_test(c, what_has_no_ber_form_is_not_written);
	tcase_add_test(c, order_is_numeric_and_not_that_of_octets);
	tcase_add_test(c, prefixes);
	tcase_add_test(c, texts_that_are_no_oid);
	tcase_add_test(c, random_oids_survive_octets_and_text);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
