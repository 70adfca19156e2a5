/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A class that is added to a module needs nothing else to be encoded, decoded, checked, printed,
 * compared and stored: ADDED-PIB beside our own modules, and not a line for it anywhere. */
#include <string.h>

#include "pib/schema/print.h"
#include "pib/schema/subcode.h"
#include "pib/store/check.h"
#include "pib/store/difference.h"
#include "tests/pib/store/rows.h"
#include "tests/suite.h"

enum { BIG = 1 << 16 };

static struct rows rows;
static struct pri *lamp, *shade;
static struct error error;

static void setup(void)
{
	rows_policy(&rows, 0, "host");
	lamp = rows_add(&rows, PIB_addedLamp, 5);
	pri_set_text(lamp, addedLampName, "door");
	pri_set_i32(lamp, addedLampColour, addedLampColour_green);
	pri_set_bits(lamp, addedLampWhen, 1 << addedLampWhen_dropped);
	pri_set_u32(lamp, addedLampPower, 40);
	pri_set_u32(lamp, addedLampRuleId, 2);
	pri_set_prid(lamp, addedLampAnother, PIB_copsecRule, 1);
	shade = rows_add(&rows, PIB_addedShade, 5);
}

static void teardown(void)
{
	rows_fini(&rows);
}

static struct pri_store *store(void)
{
	struct pri_failures failures;
	struct pri_store *s = NULL;
	struct buffer b;
	struct view v;

	pri_failures_init(&failures);
	buffer_init(&b, BIG);
	rows_put(&rows, &b);
	v = buffer_view(&b);
	ck_assert_msg(!pri_store_build(&v, 1, &s, &failures, &error), "%s", error.text);
	buffer_fini(&b);
	return s;
}

START_TEST(is_stored_and_found)
{
	struct pri_failures failures;
	struct pri_store *s = store();
	struct pri found;

	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_check(s, (struct pri_bounds){1, UINT32_MAX}, &failures, &error),
		"%s", error.text);
	ck_assert(pri_store_get(s, PIB_addedLamp, 5, &found));
	ck_assert(view_equal(pri_octets(&found, addedLampName), view_of_string("door")));
	ck_assert(pri_store_get(s, PIB_addedShade, 5, &found));
	ck_assert(view_equal(pri_octets(&found, addedShadeCloth), view_of_string("linen")));
	pri_store_free(s);
}
END_TEST

START_TEST(its_octets_are_those_that_the_rules_of_ber_give)
{
	/* Written by hand. */
	static const char hex[] = "420105"
				  "0404646f6f72"
				  "020102"
				  "040140"
				  "420128"
				  "420102"
				  "420100"
				  "420100";
	uint8_t expected[sizeof hex / 2];
	struct buffer out;
	struct oid oid;

	ck_assert(hex_decode(expected, sizeof expected, hex));
	buffer_init(&out, BIG);
	ck_assert_msg(!epd_encode(&out, lamp, &error), "%s", error.text);
	ck_assert_uint_gt(out.len, sizeof expected);
	ck_assert_int_eq(memcmp(out.data, expected, sizeof expected), 0);
	prid_oid(&(struct prid){lamp->class, 5}, &oid);
	ck_assert_uint_eq(oid.arcs[6], 97);
	buffer_fini(&out);
}
END_TEST

static const char printed[] = "addedLamp.5\n"
			      "  addedLampPrid = 5\n"
			      "  addedLampName = \"door\"\n"
			      "  addedLampColour = green\n"
			      "  addedLampWhen = {dropped}\n"
			      "  addedLampPower = 40\n"
			      "  addedLampRuleId = ipSecRule.2\n"
			      "  addedLampOtherId = 0\n"
			      "  addedLampFor = 0\n"
			      "  addedLampAnother = copsecRule.1\n";

START_TEST(has_errors_of_its_own)
{
	struct pib_fault fault = pib_install_fault(lamp->class, "broken", addedLampName);

	ck_assert_uint_eq(pib_fault_object(&fault).code, 13);
	ck_assert_uint_eq(pib_fault_object(&fault).subcode, 7);
	ck_assert_str_eq(pib_subcode_name(lamp->class, 13, 7), "broken");
}
END_TEST

START_TEST(is_printed)
{
	char name[PRI_FIELD_NAME_SIZE];
	struct pri_field field;
	struct buffer out;

	buffer_init(&out, BIG);
	pri_print(&out, lamp);
	ck_assert_msg(view_equal(buffer_view(&out), view_of_string(printed)), "%.*s", (int)out.len,
		(const char *)out.data);
	pri_field(lamp, addedLampColour, name, &out, &field);
	ck_assert_str_eq(field.name, "colour");
	ck_assert_int_eq(field.kind, PRI_FIELD_TEXT);
	ck_assert(view_equal(buffer_view(&out), view_of_string("green")));
	buffer_fini(&out);
}
END_TEST

START_TEST(is_compared_and_what_differs_is_found)
{
	struct pri other = *lamp;
	struct pri_store *before, *after, *again;
	struct pri_failures failures;
	struct buffer removes, installs;
	struct pri_change change;
	uint8_t root[2][PRI_STORE_ROOT];
	struct view gone, came;

	ck_assert(pri_equal(lamp, &other));
	pri_set_u32(&other, addedLampPower, 41);
	ck_assert(!pri_equal(lamp, &other));
	ck_assert_int_lt(pri_compare_attribute(lamp, &other, addedLampPower), 0);

	before = store();
	*rows_get(&rows, PIB_addedLamp, 5) = other;
	rows_drop(&rows, PIB_addedShade, 5);
	after = store();
	buffer_init(&removes, BIG);
	buffer_init(&installs, BIG);
	ck_assert_int_eq(pri_store_difference(before, after, &removes, &installs), E_OK);
	gone = buffer_view(&removes);
	came = buffer_view(&installs);
	change = (struct pri_change){&gone, 1, &came, 1};
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_change(before, &change, &again, &failures, &error), "%s",
		error.text);
	ck_assert_int_eq(pri_store_root(after, root[0]), E_OK);
	ck_assert_int_eq(pri_store_root(again, root[1]), E_OK);
	ck_assert_int_eq(memcmp(root[0], root[1], PRI_STORE_ROOT), 0);
	ck_assert_uint_eq(pri_store_count(again), pri_store_count(before) - 1);
	pri_store_free(before);
	pri_store_free(after);
	pri_store_free(again);
	buffer_fini(&removes);
	buffer_fini(&installs);
}
END_TEST

/* ---- what is wrong is refused, by the schema alone ---- */

static void no_rule(void)
{
	pri_set_u32(lamp, addedLampRuleId, 0);
}

static void missing_rule(void)
{
	pri_set_u32(lamp, addedLampRuleId, 99);
}

static void other_rule_missing(void)
{
	pri_set_u32(lamp, addedLampOtherId, 99);
}

static void empty_list(void)
{
	pri_set_u32(lamp, addedLampFor, 4711);
}

static void another_missing(void)
{
	pri_set_prid(lamp, addedLampAnother, PIB_ipSecRule, 99);
}

static void same_name(void)
{
	struct pri *twin = rows_add(&rows, PIB_addedLamp, 6);

	/* All but the InstanceId. */
	memcpy(twin->values + 1, rows_get(&rows, PIB_addedLamp, 5)->values + 1,
		sizeof twin->values - sizeof twin->values[0]);
}

static void no_lamp(void)
{
	rows_drop(&rows, PIB_addedLamp, 5);
}

static void a_report(void)
{
	rows_add(&rows, PIB_addedLight, 1);
}

static const struct {
	void (*make)(void);
	enum pib_class_id class;
	uint32_t instance;
	uint8_t attribute;
	enum pib_fault_kind kind;
} wrongs[] = {
	{no_rule, PIB_addedLamp, 5, addedLampRuleId, PIB_FAULT_REFERENCE},
	{missing_rule, PIB_addedLamp, 5, addedLampRuleId, PIB_FAULT_REFERENCE},
	{other_rule_missing, PIB_addedLamp, 5, addedLampOtherId, PIB_FAULT_REFERENCE},
	{empty_list, PIB_addedLamp, 5, addedLampFor, PIB_FAULT_REFERENCE},
	{another_missing, PIB_addedLamp, 5, addedLampAnother, PIB_FAULT_REFERENCE},
	{same_name, PIB_addedLamp, 6, 0, PIB_FAULT_INSTANCE},
	{no_lamp, PIB_addedShade, 5, 0, PIB_FAULT_INSTANCE},
	{a_report, PIB_addedLight, 1, 0, PIB_FAULT_NOTIFY_ONLY},
};

START_TEST(is_checked_by_its_own_clauses)
{
	struct pri_failures failures;
	struct pib_fault ignored;
	struct pri_store *s;
	struct prid prid;

	wrongs[_i].make();
	s = store();
	pri_failures_init(&failures);
	ck_assert_int_ne(pri_store_check(s, (struct pri_bounds){1, UINT32_MAX}, &failures, &error),
		E_OK);
	ck_assert_uint_eq(failures.count, 1);
	ck_assert_int_eq(prid_decode(VIEW(failures.list[0].prid, failures.list[0].prid_len), &prid,
				 &ignored, &error),
		E_OK);
	ck_assert_int_eq(prid.class->id, wrongs[_i].class);
	ck_assert_uint_eq(prid.instance, wrongs[_i].instance);
	ck_assert_uint_eq(failures.list[0].fault.attribute, wrongs[_i].attribute);
	ck_assert_int_eq(failures.list[0].fault.kind, wrongs[_i].kind);
	pri_store_free(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-added");
	TCase *c = tcase_create("added");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, is_stored_and_found);
	tcase_add_test(c, its_octets_are_those_that_the_rules_of_ber_give);
	tcase_add_test(c, has_errors_of_its_own);
	tcase_add_test(c, is_printed);
	tcase_add_test(c, is_compared_and_what_differs_is_found);
	tcase_add_loop_test(c, is_checked_by_its_own_clauses, 0,
		(int)(sizeof wrongs / sizeof *wrongs));
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
