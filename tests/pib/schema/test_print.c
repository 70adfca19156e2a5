/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "pib/schema/print.h"
#include "tests/suite.h"

static struct buffer out;

static const char *value_of(const struct pri *pri, unsigned attribute)
{
	buffer_reset(&out);
	pri_print_value(&out, pri, attribute);
	return buffer_string(&out);
}

static void setup(void)
{
	buffer_init(&out, 4096);
}

static void teardown(void)
{
	buffer_fini(&out);
}

START_TEST(an_instance_with_all_kinds_of_values)
{
	static const char expected[] = "ipSecStaticAction.5\n"
				       "  ipSecStaticActionPrid = 5\n"
				       "  ipSecStaticActionAction = preConfiguredTunnel\n"
				       "  ipSecStaticActionTunnelEndpointId = ipSecAddress.7\n"
				       "  ipSecStaticActionDfHandling = copy\n"
				       "  ipSecStaticActionSpi = 4294967295\n"
				       "  ipSecStaticActionLifetimeSeconds = NULL\n"
				       "  ipSecStaticActionLifetimeKilobytes = "
				       "18446744073709551615\n"
				       "  ipSecStaticActionSaTransformId = ipSecEspTransform.3\n";
	struct pri pri;

	pri_init(&pri, PIB_ipSecStaticAction, 5);
	pri_set_i32(&pri, ipSecStaticActionAction, ipSecStaticActionAction_preConfiguredTunnel);
	pri_set_u32(&pri, ipSecStaticActionTunnelEndpointId, 7);
	pri_set_i32(&pri, ipSecStaticActionDfHandling, ipSecStaticActionDfHandling_copy);
	pri_set_u32(&pri, ipSecStaticActionSpi, UINT32_MAX);
	pri_set_null(&pri, ipSecStaticActionLifetimeSeconds);
	pri_set_u64(&pri, ipSecStaticActionLifetimeKilobytes, UINT64_MAX);
	pri_set_prid(&pri, ipSecStaticActionSaTransformId, PIB_ipSecEspTransform, 3);
	pri_print(&out, &pri);
	ck_assert_str_eq(buffer_string(&out), expected);
}
END_TEST

/* Neither as text nor as hexadecimal, nor for JSON. */
START_TEST(secrets_are_not_printed)
{
	static const struct {
		enum pib_class_id class;
		unsigned attribute;
	} secrets[] = {
		{PIB_ipSecAhTransform, ipSecAhTransformIntegrityKey},
		{PIB_ipSecEspTransform, ipSecEspTransformIntegrityKey},
		{PIB_ipSecEspTransform, ipSecEspTransformCipherKey},
		{PIB_ipSecIkeAssociation, ipSecIkeAssociationPresharedKey},
		{PIB_copsecSecret, copsecSecretSealed},
	};

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		char name[PRI_FIELD_NAME_SIZE];
		struct pri_field field;
		struct pri pri;

		pri_init(&pri, secrets[i].class, 1);
		pri_set_text(&pri, secrets[i].attribute, "hunter2");
		buffer_reset(&out);
		pri_print_value(&out, &pri, secrets[i].attribute);
		ck_assert_str_eq(buffer_string(&out), "(secret, 7 octets)");
		pri_field(&pri, secrets[i].attribute, name, &out, &field);
		ck_assert_str_eq(buffer_string(&out), "(secret, 7 octets)");
	}
}
END_TEST

START_TEST(addresses_of_every_family)
{
	static const struct {
		int32_t type;
		size_t length;
		const char *octets, *text;
	} addresses[] = {
		{1, 4, "\xc0\x00\x02\x01", "192.0.2.1"},
		{2, 16, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", "2001:db8::1"},
		{3, 8, "\xc0\x00\x02\x01\0\0\0\x05", "192.0.2.1%5"},
		{4, 20, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x02", "fe80::1%2"},
		{16, 4, "a.de", "\"a.de\""},
		{1, 3, "\x01\x02\x03", "0x010203"},
		{1, 0, "", "0x"},
	};

	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct pri pri;

		pri_init(&pri, PIB_ipSecAddress, 1);
		pri_set_i32(&pri, ipSecAddressAddressType, addresses[i].type);
		pri_set_octets(&pri, ipSecAddressAddrMin,
			VIEW(addresses[i].octets, addresses[i].length));
		ck_assert_str_eq(value_of(&pri, ipSecAddressAddrMin), addresses[i].text);
	}
}
END_TEST

START_TEST(text_from_outside_cannot_move_the_cursor)
{
	static const struct {
		const char *octets, *text;
	} texts[] = {
		{"gateway+lan", "\"gateway+lan\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"\x1b[2J\n", "\"\\x1b[2J\\x0a\""},
		{"M\xc3\xbcnchen", "\"M\xc3\xbcnchen\""},
		{"\xc2\x9b", "\"\\xc2\\x9b\""},				/* C1 control */
		{"\xe2\x80\xae", "\"\\xe2\\x80\\xae\""},		/* right-to-left override */
		{"\xc0\xaf", "\"\\xc0\\xaf\""},				/* overlong */
		{"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},		/* surrogate */
		{"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""},	/* beyond Unicode */
		{"\xe2\x82", "\"\\xe2\\x82\""},				/* cut */
		{"\xf0\x9f\x94\x92", "\"\xf0\x9f\x94\x92\""},
		{"\xff", "\"\\xff\""},
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct pri pri;

		pri_init(&pri, PIB_ipSecCredentialFields, 1);
		pri_set_text(&pri, ipSecCredentialFieldsValue, texts[i].octets);
		ck_assert_str_eq(value_of(&pri, ipSecCredentialFieldsValue), texts[i].text);
	}
}
END_TEST

START_TEST(bits_oids_and_octets)
{
	struct pri pri;

	pri_init(&pri, PIB_ipSecRuleTimePeriod, 1);
	pri_set_bits(&pri, ipSecRuleTimePeriodDayOfWeekMask, 0x41);
	ck_assert_str_eq(value_of(&pri, ipSecRuleTimePeriodDayOfWeekMask), "{sunday saturday}");
	pri_set_bits(&pri, ipSecRuleTimePeriodDayOfWeekMask, 0);
	ck_assert_str_eq(value_of(&pri, ipSecRuleTimePeriodDayOfWeekMask), "{}");
	ck_assert_str_eq(value_of(&pri, ipSecRuleTimePeriodTimePeriod), "unset");

	pri_init(&pri, PIB_frwkCompLimits, 1);
	pri_set_row(&pri, frwkCompLimitsComponent, PIB_ipSecRule);
	ck_assert_str_eq(value_of(&pri, frwkCompLimitsComponent), "ipSecRule");
	pri_set_oid(&pri, frwkCompLimitsComponent, &oid_none);
	ck_assert_str_eq(value_of(&pri, frwkCompLimitsComponent), "0.0");
	pri_set_octets(&pri, frwkCompLimitsGuidance, VIEW("\x00\x01", 2));
	ck_assert_str_eq(value_of(&pri, frwkCompLimitsGuidance), "0x0001");
	pri_set_octets(&pri, frwkCompLimitsGuidance, VIEW("17", 2));
	ck_assert_str_eq(value_of(&pri, frwkCompLimitsGuidance), "\"17\"");
}
END_TEST

START_TEST(fields_for_json)
{
	static const struct {
		enum pib_class_id class;
		unsigned attribute;
		const char *name;
		enum pri_field_kind kind;
		int64_t integer;
		bool boolean;
		const char *text;
	} fields[] = {
		{PIB_ipSecRule, ipSecRulePrid, "prid", PRI_FIELD_INTEGER, 1, false, ""},
		{PIB_ipSecRule, ipSecRuleRoles, "roles", PRI_FIELD_TEXT, 0, false, "a+b"},
		{PIB_ipSecRule, ipSecRuleDirection, "direction", PRI_FIELD_TEXT, 0, false, "out"},
		{PIB_ipSecRule, ipSecRuleAutoStart, "autoStart", PRI_FIELD_BOOL, 0, true, ""},
		{PIB_ipSecRule, ipSecRuleIpSecActionSetId, "ipSecActionSetId", PRI_FIELD_NULL, 0,
			false, ""},
		{PIB_ipSecStaticAction, ipSecStaticActionLifetimeKilobytes, "lifetimeKilobytes",
			PRI_FIELD_TEXT, 0, false, "9223372036854775808"},
		{PIB_ipSecStaticAction, ipSecStaticActionSaTransformId, "saTransformId",
			PRI_FIELD_TEXT, 0, false, "ipSecAhTransform.2"},
		{PIB_copsecSelector, copsecSelectorIcmpType, "icmpType", PRI_FIELD_INTEGER, -1,
			false, ""},
		{PIB_copsecManifest, copsecManifestRoot, "root", PRI_FIELD_TEXT, 0, false,
			"0x6161616161616161616161616161616161616161616161616161616161616161"},
	};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		char name[PRI_FIELD_NAME_SIZE];
		struct pri_field field;
		struct pri pri;

		pri_init(&pri, fields[i].class, 1);
		if (fields[i].class == PIB_ipSecRule) {
			pri_set_text(&pri, ipSecRuleRoles, "a+b");
			pri_set_i32(&pri, ipSecRuleDirection, ipSecRuleDirection_out);
			pri_set_bool(&pri, ipSecRuleAutoStart, true);
			pri_set_null(&pri, ipSecRuleIpSecActionSetId);
		} else if (fields[i].class == PIB_ipSecStaticAction) {
			pri_set_u64(&pri, ipSecStaticActionLifetimeKilobytes, UINT64_C(1) << 63);
			pri_set_prid(&pri, ipSecStaticActionSaTransformId, PIB_ipSecAhTransform, 2);
		} else if (fields[i].class == PIB_copsecSelector) {
			pri_set_i32(&pri, copsecSelectorIcmpType, -1);
		} else {
			pri_set_text(&pri, copsecManifestRoot, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
		}
		ck_assert_int_eq(pri.error.code, E_OK);
		pri_field(&pri, fields[i].attribute, name, &out, &field);
		ck_assert_str_eq(field.name, fields[i].name);
		ck_assert_int_eq(field.kind, fields[i].kind);
		ck_assert_int_eq(field.integer, fields[i].integer);
		ck_assert_int_eq(field.boolean, fields[i].boolean);
		ck_assert_str_eq(buffer_string(&out), fields[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-print");
	TCase *c = tcase_create("print");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, an_instance_with_all_kinds_of_values);
	tcase_add_test(c, secrets_are_not_printed);
	tcase_add_test(c, addresses_of_every_family);
	tcase_add_test(c, text_from_outside_cannot_move_the_cursor);
	tcase_add_test(c, bits_oids_and_octets);
	tcase_add_test(c, fields_for_json);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
