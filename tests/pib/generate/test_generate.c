/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library on the tables of EVERYTHING-PIB in place of our own: what our modules do not use. */
#include <string.h>

#include "pib/schema/pri.h"
#include "tests/suite.h"

START_TEST(classes_are_in_the_order_of_their_numbers)
{
	ck_assert_int_eq(PIB_CLASS_COUNT, 2);
	ck_assert_int_eq(PIB_more, 0);
	ck_assert_int_eq(PIB_everything, 1);
	ck_assert_int_eq(PIB_ATTRIBUTES_MAX, 13);
	ck_assert_int_eq(everythingBits_some_more, 9);
	ck_assert_int_eq(everythingLabel_minus, -3);
}
END_TEST

START_TEST(augments_names_its_base)
{
	const struct pib_class *class = pib_class(PIB_more);

	ck_assert_int_eq(class->index, PIB_AUGMENTS);
	ck_assert_int_eq(class->base, PIB_everything);
	ck_assert_uint_eq(class->index_attribute, 0);
	ck_assert_uint_eq(class->unique_count, 0);
}
END_TEST

START_TEST(references_within_the_class)
{
	const struct pib_class *class = pib_class(PIB_everything);

	ck_assert_int_eq(pib_attribute(class, everythingReference)->target, PIB_everything);
	ck_assert_int_eq(pib_attribute(class, everythingTagList)->target, PIB_everything);
	ck_assert_uint_eq(pib_attribute(class, everythingTagList)->target_attribute, everythingTag);
	ck_assert_uint_eq(class->unique_count, 2);
	ck_assert_uint_eq(class->install_error_count, 2);
	ck_assert_int_eq(class->install_errors[1].number, 65535);
	ck_assert_str_eq(class->install_errors[1].name, "last");
}
END_TEST

static void build(struct pri *pri)
{
	pri_init(pri, PIB_everything, 1);
	pri_set_u32(pri, everythingTicks, UINT32_MAX);
	pri_set_i64(pri, everythingSigned, INT64_MIN);
	pri_set_u64(pri, everythingUnsigned, UINT64_MAX);
	pri_set_i32(pri, everythingNumber, -10);
	pri_set_u32(pri, everythingTag, 1);
	pri_set_u32(pri, everythingReference, 0);
	pri_set_u32(pri, everythingTagList, 0);
}

static const char all_but_defaults[] =
	"420101"
	"430500ffffffff"
	"4a088000000000000000"
	"4b0900ffffffffffffffff"
	"0201f6"
	"420101420100420100";

START_TEST(all_base_types_and_all_kinds_of_defaults)
{
	const struct prid prid = {pib_class(PIB_everything), 1};
	uint8_t expected[sizeof all_but_defaults / 2];
	struct pib_fault fault;
	struct pri pri, back;
	struct error error;
	struct buffer out;

	ck_assert(hex_decode(expected, sizeof expected, all_but_defaults));
	build(&pri);
	buffer_init(&out, 256);
	ck_assert_msg(epd_encode(&out, &pri, &error) == E_OK, "%s", error.text);
	ck_assert(view_equal(buffer_view(&out), VIEW(expected, sizeof expected)));
	ck_assert_int_eq(epd_decode(&prid, buffer_view(&out), &back, &fault, &error), E_OK);
	ck_assert_int_eq(pri_i64(&back, everythingSigned), INT64_MIN);
	ck_assert_uint_eq(pri_u64(&back, everythingUnsigned), UINT64_MAX);
	ck_assert_uint_eq(pri_u32(&back, everythingTicks), UINT32_MAX);
	ck_assert_uint_eq(pri_bits(&back, everythingBits), 1 << 9);
	ck_assert_int_eq(pri_i32(&back, everythingLabel), -3);
	ck_assert(view_equal(pri_octets(&back, everythingText), view_of_string("abc")));
	ck_assert(view_equal(pri_octets(&back, everythingOctets), VIEW("\xc0\xff\x00\xee", 4)));
	ck_assert_uint_eq(pri_oid(&back, everythingOid)->count, 8);
	ck_assert_uint_eq(pri_oid(&back, everythingOid)->arcs[6], 99);

	/* In the middle a default is sent as what it is. */
	pri_set_oid(&pri, everythingOid, &oid_none);
	buffer_reset(&out);
	ck_assert_int_eq(epd_encode(&out, &pri, &error), E_OK);
	ck_assert_int_eq(memcmp(out.data + sizeof expected,
				 "\x04\x02\x00\x40"
				 "\x02\x01\xfd"
				 "\x04\x03"
				 "abc"
				 "\x04\x04\xc0\xff\x00\xee"
				 "\x06\x01\x00",
				 21),
		0);
	ck_assert_uint_eq(out.len, sizeof expected + 21);
	buffer_fini(&out);
}
END_TEST

START_TEST(ranges_with_holes)
{
	static const struct {
		int32_t number;
		bool valid;
	} numbers[] = {{-11, false}, {-10, true}, {-5, true}, {-4, false}, {0, false}, {2, false},
		{3, true}, {4, false}, {6, false}, {7, true}, {9, true}, {10, false},
		{INT32_MIN, false}, {INT32_MAX, false}};
	static const bool sizes[] = {true, false, false, true, true, true, false};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct pri pri;

		pri_init(&pri, PIB_everything, 1);
		pri_set_i32(&pri, everythingNumber, numbers[i].number);
		ck_assert_msg((pri.error.code == E_OK) == numbers[i].valid, "%d",
			numbers[i].number);
	}
	for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++) {
		struct pri pri;

		pri_init(&pri, PIB_everything, 1);
		pri_set_octets(&pri, everythingText, VIEW("abcdef", size));
		ck_assert_msg((pri.error.code == E_OK) == sizes[size], "size %zu", size);
	}
}
END_TEST

START_TEST(integer32_without_a_range_has_32_bits)
{
	static const struct {
		const char *octets;
		enum err err;
	} numbers[] = {
		{"\x02\x04\x80\x00\x00\x00", E_OK},
		{"\x02\x04\x7f\xff\xff\xff", E_OK},
		{"\x02\x05\xff\x7f\xff\xff\xff", E_RANGE},
		{"\x02\x05\x00\x80\x00\x00\x00", E_RANGE},
	};
	const struct prid prid = {pib_class(PIB_more), 1};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		size_t length = 2 + (size_t)numbers[i].octets[1];
		struct pib_fault fault;
		struct error error;
		struct pri pri;

		ck_assert_int_eq(
			epd_decode(&prid, VIEW(numbers[i].octets, length), &pri, &fault, &error),
			numbers[i].err);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-generate");
	TCase *c = tcase_create("generate");

	tcase_add_test(c, classes_are_in_the_order_of_their_numbers);
	tcase_add_test(c, augments_names_its_base);
	tcase_add_test(c, references_within_the_class);
	tcase_add_test(c, all_base_types_and_all_kinds_of_defaults);
	tcase_add_test(c, ranges_with_holes);
	tcase_add_test(c, integer32_without_a_range_has_32_bits);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
