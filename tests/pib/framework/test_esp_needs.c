/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/esp_needs.h"

#include <string.h>

#include "tests/pib/policy/sets.h"
#include "tests/suite.h"

enum { BIG = 1 << 20 };

static struct pri_failures failures;
static struct error error;

static const struct capability_algorithms some = {.count = 4, .list =
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
		"copsecEspTransform.1: this node's kernel has no ESP with aes128gcm16; it has "
		"aes256gcm16, aes128"},
	{&some, 28, 0, 0, copsecEspTransformEncryption,
		"copsecEspTransform.1: this node's kernel has no ESP with chacha20poly1305; it "
		"has aes256gcm16, aes128"},
	{&some, 12, 128, 14, copsecEspTransformIntegrity,
		"copsecEspTransform.1: this node's kernel has no ESP with sha512; it has "
		"sha256"},
	{&nothing, 20, 256, 0, copsecEspTransformEncryption,
		"copsecEspTransform.1: this node's kernel has no ESP with aes256gcm16; it has "
		"none"},
};

static struct rows rows;

static void setup(void)
{
	set_sample(&rows);
	pri_failures_init(&failures);
}

static void teardown(void)
{
	rows_fini(&rows);
}

static void numbers(uint32_t encryption, uint32_t key_length, uint32_t integrity)
{
	struct pri *p = rows_get(&rows, PIB_copsecEspTransform, 1);

	pri_set_u32(p, copsecEspTransformEncryption, encryption);
	pri_set_u32(p, copsecEspTransformKeyLength, key_length);
	pri_set_u32(p, copsecEspTransformIntegrity, integrity);
}

static enum err check(const struct capability_algorithms *has)
{
	struct policy *policy = set_policy(&rows);
	enum err err = esp_needs_check(policy, has, &failures, &error);

	policy_free(policy);
	return err;
}

static void check_failure(size_t i, enum pib_class_id class, uint16_t sub_code, const char *text)
{
	struct pib_error_object object = pib_fault_object(&failures.list[i].fault);
	struct prid prid = {pib_class(class), 1};
	char name[PRID_TEXT_SIZE];

	prid_format(&prid, name);
	ck_assert(!strncmp(failures.list[i].text, name, strlen(name)));
	ck_assert_str_eq(failures.list[i].text, text);
	ck_assert(!object.general);
	/* attrValueSupLimited, attrEnumSupLimited */
	ck_assert_uint_eq(object.code, class == PIB_ipSecNegotiationAction ? 5 : 4);
	ck_assert_uint_eq(object.subcode, sub_code);
}

START_TEST(what_is_missing_is_named)
{
	numbers(wishes[_i].encryption, wishes[_i].key_length, wishes[_i].integrity);
	ck_assert_int_eq(check(wishes[_i].has), wishes[_i].sub_code ? E_UNSUPPORTED : E_OK);
	ck_assert_uint_eq(failures.count, wishes[_i].sub_code != 0);
	if (wishes[_i].sub_code) {
		ck_assert_str_eq(error.text, wishes[_i].text);
		check_failure(
			0, PIB_copsecEspTransform, wishes[_i].sub_code, wishes[_i].text);
	}
}
END_TEST

START_TEST(everything_missing_is_named)
{
	numbers(12, 256, 14);
	ck_assert_int_eq(check(&nothing), E_UNSUPPORTED);
	ck_assert_uint_eq(failures.count, 2);
}
END_TEST

/* In the numbers of the DOI: aes256 and sha256. */
START_TEST(a_transform_without_extension_counts)
{
	struct pri *p = rows_get(&rows, PIB_ipSecEspTransform, 1);

	pri_set_u32(p, ipSecEspTransformCipherTransformId, 12);
	pri_set_u32(p, ipSecEspTransformCipherKeyLength, 256);
	pri_set_u32(p, ipSecEspTransformIntegrityTransformId, 5);
	rows_drop(&rows, PIB_copsecEspTransform, 1);
	ck_assert_int_eq(check(&some), E_UNSUPPORTED);
	ck_assert_uint_eq(failures.count, 1);
	check_failure(0, PIB_ipSecEspTransform, ipSecEspTransformCipherTransformId,
		"ipSecEspTransform.1: this node's kernel has no ESP with aes256; it has "
		"aes256gcm16, aes128");
	pri_failures_init(&failures);
	ck_assert_int_eq(check(&nothing), E_UNSUPPORTED);
	ck_assert_uint_eq(failures.count, 2);
	check_failure(1, PIB_ipSecEspTransform, ipSecEspTransformIntegrityTransformId,
		"ipSecEspTransform.1: this node's kernel has no ESP with sha256; it has none");
}
END_TEST

START_TEST(what_no_rule_uses_is_not_needed)
{
	pri_set_prid(rows_get(&rows, PIB_ipSecActionSet, 2), ipSecActionSetActionId,
		PIB_ipSecStaticAction, 1);
	ck_assert_int_eq(check(&nothing), E_OK);
	ck_assert_uint_eq(failures.count, 0);
}
END_TEST

static const struct {
	struct capability_algorithms has;
	bool esn, tunnel;
	const char *text; /* NULL: nothing is missing */
	uint16_t sub_code;
	enum pib_class_id class;
} ways[] = {
#define CIPHER {copsecAlgorithmUse_esp, copsecAlgorithmType_encryption, 20, 256}
#define PLAIN {copsecAlgorithmUse_esp, copsecAlgorithmType_esn, 0, 0}
#define EXTENDED {copsecAlgorithmUse_esp, copsecAlgorithmType_esn, 1, 0}
	{{1, {CIPHER}, false}, true, true, NULL, 0, 0}, /* who was not asked */
	{{3, {CIPHER, PLAIN, EXTENDED}, false}, true, true, NULL, 0, 0},
	{{2, {CIPHER, PLAIN}, true}, false, false, NULL, 0, 0},
	{{2, {CIPHER, PLAIN}, false}, true, false,
		"copsecEspTransform.1: this node's kernel has no ESP with extended sequence numbers",
		copsecEspTransformEsn, PIB_copsecEspTransform},
	{{3, {CIPHER, PLAIN, EXTENDED}, true}, true, true,
		"ipSecNegotiationAction.1: this node's kernel has no ESP in tunnel mode",
		ipSecNegotiationActionAction, PIB_ipSecNegotiationAction},
#undef CIPHER
#undef PLAIN
#undef EXTENDED
};

START_TEST(modes_and_sequence_numbers_count_too)
{
	numbers(20, 256, 0);
	pri_set_bool(rows_get(&rows, PIB_copsecEspTransform, 1), copsecEspTransformEsn,
		ways[_i].esn);
	if (ways[_i].tunnel) {
		struct pri *p = rows_get(&rows, PIB_ipSecNegotiationAction, 1);

		pri_set_i32(p, ipSecNegotiationActionAction, ipSecNegotiationActionAction_tunnel);
		pri_set_u32(p, ipSecNegotiationActionTunnelEndpointId, 20);
		set_address(&rows, 20, 20, "192.0.2.9", NULL, 32);
	}
	ck_assert_int_eq(check(&ways[_i].has), ways[_i].text ? E_UNSUPPORTED : E_OK);
	ck_assert_uint_eq(failures.count, ways[_i].text != NULL);
	if (ways[_i].text)
		check_failure(0, ways[_i].class, ways[_i].sub_code, ways[_i].text);
}
END_TEST

/* Two rules, one protection. */
START_TEST(what_is_used_twice_is_named_once)
{
	pri_set_prid(rows_get(&rows, PIB_ipSecActionSet, 1), ipSecActionSetActionId,
		PIB_ipSecNegotiationAction, 1);
	ck_assert_int_eq(check(&nothing), E_UNSUPPORTED);
	ck_assert_uint_eq(failures.count, 1);
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
	Suite *s = suite_create("esp-needs");
	TCase *c = tcase_create("esp-needs");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(
		c, what_is_missing_is_named, 0, sizeof wishes / sizeof wishes[0]);
	tcase_add_test(c, everything_missing_is_named);
	tcase_add_test(c, a_transform_without_extension_counts);
	tcase_add_test(c, what_no_rule_uses_is_not_needed);
	tcase_add_loop_test(c, modes_and_sequence_numbers_count_too, 0,
		(int)(sizeof ways / sizeof ways[0]));
	tcase_add_test(c, what_is_used_twice_is_named_once);
	tcase_add_test(c, algorithms_go_over_the_wire);
	suite_add_tcase(s, c);
	return suite_main(s);
}
