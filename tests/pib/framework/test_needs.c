/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/needs.h"

#include <string.h>

#include "tests/pib/store/rows.h"
#include "tests/suite.h"

enum { BIG = 1 << 20, BLOCK = 3 << 20 };

static struct pri_failures failures;
static struct error error;

static const struct capability_algorithms some = {4,
	{
		{copsecAlgorithmUse_esp, copsecAlgorithmType_encryption, 20, 256},
		{copsecAlgorithmUse_esp, copsecAlgorithmType_encryption, 12, 128},
		{copsecAlgorithmUse_esp, copsecAlgorithmType_integrity, 12, 0},
		/* Of no use here. */
		{copsecAlgorithmUse_ike, copsecAlgorithmType_encryption, 20, 128},
	}};
static const struct capability_algorithms nothing;

static const struct {
	const struct capability_algorithms *has;
	uint32_t encryption, key_length, integrity;
	uint16_t sub_code; /* 0: nothing is missing */
	const char *text;
} wishes[] = {
	{&some, 20, 256, 0, 0, ""},
	{&some, 12, 128, 12, 0, ""},
	{&some, 20, 128, 0, copsecEspTransformEncryption,
		"copsecEspTransform.3145729: this node's kernel has no ESP with aes128gcm16; it has "
		"aes256gcm16, aes128"},
	{&some, 28, 0, 0, copsecEspTransformEncryption,
		"copsecEspTransform.3145729: this node's kernel has no ESP with chacha20poly1305; it "
		"has aes256gcm16, aes128"},
	{&some, 12, 128, 14, copsecEspTransformIntegrity,
		"copsecEspTransform.3145729: this node's kernel has no ESP with sha512; it has "
		"sha256"},
	{&some, 999, 7, 0, copsecEspTransformEncryption,
		"copsecEspTransform.3145729: this node's kernel has no ESP with number 999 with 7 "
		"bits; it has aes256gcm16, aes128"},
	{&nothing, 20, 256, 0, copsecEspTransformEncryption,
		"copsecEspTransform.3145729: this node's kernel has no ESP with aes256gcm16; it has "
		"none"},
};

static struct pri_store *store_with(uint32_t encryption, uint32_t key_length, uint32_t integrity)
{
	struct rows rows = {0};
	struct pri_store *s;
	struct buffer b;
	struct view run;
	struct pri *p;

	rows_policy(&rows, BLOCK, "host");
	p = rows_get(&rows, PIB_copsecEspTransform, BLOCK + 1);
	pri_set_u32(p, copsecEspTransformEncryption, encryption);
	pri_set_u32(p, copsecEspTransformKeyLength, key_length);
	pri_set_u32(p, copsecEspTransformIntegrity, integrity);
	buffer_init(&b, BIG);
	rows_put(&rows, &b);
	run = buffer_view(&b);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	buffer_fini(&b);
	rows_fini(&rows);
	return s;
}

START_TEST(what_is_missing_is_named)
{
	struct pri_store *s = store_with(
		wishes[_i].encryption, wishes[_i].key_length, wishes[_i].integrity);
	enum err err = needs_check(s, wishes[_i].has, &failures, &error);

	ck_assert_int_eq(err, wishes[_i].sub_code ? E_UNSUPPORTED : E_OK);
	ck_assert_uint_eq(failures.count, wishes[_i].sub_code != 0);
	if (err) {
		struct pib_error_object object = pib_fault_object(&failures.list[0].fault);

		ck_assert_str_eq(error.text, wishes[_i].text);
		ck_assert_str_eq(failures.list[0].text, wishes[_i].text);
		ck_assert(!object.general);
		ck_assert_uint_eq(object.code, 4); /* attrValueSupLimited */
		ck_assert_uint_eq(object.subcode, wishes[_i].sub_code);
	}
	pri_store_free(s);
}
END_TEST

START_TEST(everything_missing_is_named)
{
	struct pri_store *s = store_with(12, 256, 14);

	ck_assert_int_eq(needs_check(s, &nothing, &failures, &error), E_UNSUPPORTED);
	ck_assert_uint_eq(failures.count, 2);
	pri_store_free(s);
}
END_TEST

START_TEST(algorithms_go_over_the_wire)
{
	struct capability_algorithms back;
	struct pri_store *s;
	struct buffer b;
	struct view run;

	buffer_init(&b, BIG);
	ck_assert_int_eq(capabilities_put_algorithms(&some, &b, &error), E_OK);
	run = buffer_view(&b);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	capabilities_algorithms(s, &back);
	ck_assert_uint_eq(back.count, some.count);
	for (size_t i = 0; i < some.count; i++) {
		ck_assert_int_eq(back.list[i].use, some.list[i].use);
		ck_assert_int_eq(back.list[i].type, some.list[i].type);
		ck_assert_uint_eq(back.list[i].number, some.list[i].number);
		ck_assert_uint_eq(back.list[i].key_length, some.list[i].key_length);
	}
	pri_store_free(s);
	buffer_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("needs");
	TCase *c = tcase_create("needs");

	tcase_add_loop_test(
		c, what_is_missing_is_named, 0, sizeof wishes / sizeof wishes[0]);
	tcase_add_test(c, everything_missing_is_named);
	tcase_add_test(c, algorithms_go_over_the_wire);
	suite_add_tcase(s, c);
	return suite_main(s);
}
