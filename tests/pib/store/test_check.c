/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/check.h"

#include <string.h>

#include "tests/pib/store/rows.h"
#include "tests/suite.h"

enum { BIG = 1 << 28, BLOCK = 3 << 20, OTHER_BLOCK = 4 << 20 };

static const struct pri_bounds bounds = {BLOCK + 1, BLOCK + (1 << 20) - 1};

static struct pri_failures failures;
static struct error error;

static enum err check_rows(struct rows *r)
{
	struct pri_store *s;
	struct buffer b;
	struct view run;
	enum err err;

	buffer_init(&b, BIG);
	rows_put(r, &b);
	run = buffer_view(&b);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	buffer_fini(&b);
	err = pri_store_check(s, bounds, &failures, &error);
	pri_store_free(s);
	return err;
}

/* One row of a sound policy, changed in one attribute. */
enum value_kind { NUMBER, PRID, DROP, ADD };

static const struct mistake {
	enum pib_class_id class;
	uint32_t instance; /* within the block */
	enum value_kind kind;
	unsigned attribute;
	uint32_t value; /* within the block if it is a number of one */
	enum pib_class_id to;
	enum pib_fault_kind fault; /* PIB_FAULT_NONE: no mistake */
	const char *text;
} mistakes[] = {
	/* References. */
	{PIB_ipSecNegotiationAction, 1, NUMBER, ipSecNegotiationActionIpSecAssociationId, BLOCK + 9,
		0, PIB_FAULT_REFERENCE,
		"ipSecNegotiationAction.3145729: ipSecNegotiationActionIpSecAssociationId: there "
		"is no "
		"ipSecAssociation.3145737 in the set"},
	{PIB_ipSecNegotiationAction, 1, NUMBER, ipSecNegotiationActionIpSecAssociationId, 0, 0,
		PIB_FAULT_REFERENCE,
		"ipSecNegotiationAction.3145729: ipSecNegotiationActionIpSecAssociationId names no "
		"ipSecAssociation, but must"},
	{PIB_ipSecNegotiationAction, 1, NUMBER, ipSecNegotiationActionTunnelEndpointId, 0, 0,
		PIB_FAULT_NONE, NULL},
	{PIB_ipSecNegotiationAction, 1, NUMBER, ipSecNegotiationActionTunnelEndpointId, BLOCK + 1,
		0, PIB_FAULT_NONE, NULL},
	{PIB_ipSecNegotiationAction, 1, NUMBER, ipSecNegotiationActionTunnelEndpointId, BLOCK + 2,
		0, PIB_FAULT_REFERENCE, "there is no ipSecAddress.3145730 in the set"},
	{PIB_ipSecProposalSet, 1, NUMBER, ipSecProposalSetProposalId, OTHER_BLOCK + 1, 0,
		PIB_FAULT_REFERENCE, "there is no ipSecProposal.4194305 in the set"},
	{PIB_ipSecIkeAssociation, 1, NUMBER, ipSecIkeAssociationIkePeerEndpoint, 0, 0,
		PIB_FAULT_NONE, NULL},
	{PIB_ipSecAddress, 1, DROP, 0, 0, 0, PIB_FAULT_NONE, NULL},

	/* Prids, and where they may lead. */
	{PIB_ipSecActionSet, 1, PRID, ipSecActionSetActionId, BLOCK + 5, PIB_ipSecStaticAction,
		PIB_FAULT_REFERENCE, "there is no ipSecStaticAction.3145733 in the set"},
	{PIB_ipSecActionSet, 1, PRID, ipSecActionSetActionId, BLOCK + 1, PIB_ipSecSelector,
		PIB_FAULT_VALUE_UNSUPPORTED, "ipSecSelector.3145729 is of the wrong class"},
	{PIB_ipSecActionSet, 1, PRID, ipSecActionSetActionId, 0, PIB_CLASS_COUNT,
		PIB_FAULT_REFERENCE, "ipSecActionSetActionId names no PRI, but must"},
	{PIB_ipSecNegotiationAction, 1, PRID, ipSecNegotiationActionKeyExchangeId, 0,
		PIB_CLASS_COUNT, PIB_FAULT_NONE, NULL},
	{PIB_ipSecNegotiationAction, 1, PRID, ipSecNegotiationActionKeyExchangeId, BLOCK + 1,
		PIB_ipSecEspTransform, PIB_FAULT_VALUE_UNSUPPORTED, "is of the wrong class"},
	{PIB_ipSecSelectorSet, 1, PRID, ipSecSelectorSetSelectorId, BLOCK + 1, PIB_ipSecAddress,
		PIB_FAULT_VALUE_UNSUPPORTED, "is of the wrong class"},
	{PIB_ipSecStaticAction, 1, PRID, ipSecStaticActionSaTransformId, BLOCK + 1,
		PIB_ipSecEspTransform, PIB_FAULT_NONE, NULL},

	/* Tag lists: some must not be empty, groups may. */
	{PIB_ipSecRule, 1, NUMBER, ipSecRuleIpSecSelectorSetId, BLOCK + 77, 0, PIB_FAULT_REFERENCE,
		"ipSecRule.3145729: ipSecRuleIpSecSelectorSetId: no ipSecSelectorSet in the set "
		"has "
		"ipSecSelectorSetSelectorSetId 3145805"},
	{PIB_ipSecRule, 1, NUMBER, ipSecRuleIpSecSelectorSetId, 0, 0, PIB_FAULT_REFERENCE,
		"ipSecRuleIpSecSelectorSetId names no list, but must"},
	{PIB_ipSecRule, 2, NUMBER, ipSecRuleIpSecActionSetId, BLOCK + 1, 0, PIB_FAULT_REFERENCE,
		"no ipSecActionSet in the set has ipSecActionSetActionSetId 3145729"},
	{PIB_ipSecRule, 1, NUMBER, ipSecRuleIpSecRuleTimePeriodGroupId, BLOCK + 1, 0,
		PIB_FAULT_REFERENCE, "no ipSecRuleTimePeriodSet in the set has"},
	{PIB_ipSecRule, 1, NUMBER, ipSecRuleIpSecIpsoFilterSetId, BLOCK + 1, 0, PIB_FAULT_REFERENCE,
		"no ipSecIpsoFilterSet in the set has"},
	{PIB_ipSecAssociation, 1, NUMBER, ipSecAssociationProposalSetId, BLOCK + 6, 0,
		PIB_FAULT_REFERENCE, "no ipSecProposalSet in the set has"},
	{PIB_ipSecProposal, 1, NUMBER, ipSecProposalAhTransformSetId, BLOCK + 6, 0,
		PIB_FAULT_REFERENCE, "no ipSecAhTransformSet in the set has"},
	{PIB_ipSecSelector, 1, NUMBER, ipSecSelectorSrcAddressGroupId, BLOCK + 500, 0,
		PIB_FAULT_NONE, NULL},
	{PIB_ipSecSelector, 1, NUMBER, ipSecSelectorDstPortGroupId, BLOCK + 500, 0, PIB_FAULT_NONE,
		NULL},

	/* Extensions. */
	{PIB_copsecRule, 3, ADD, 0, 0, 0, PIB_FAULT_INSTANCE,
		"copsecRule.3145731: extends ipSecRule.3145731, which is not in the set"},
	{PIB_copsecRule, 2, DROP, 0, 0, 0, PIB_FAULT_NONE, NULL},

	/* The block. */
	{PIB_ipSecL4Port, OTHER_BLOCK + 1 - BLOCK, ADD, ipSecL4PortGroupId, BLOCK + 9, 0,
		PIB_FAULT_INSTANCE,
		"ipSecL4Port.4194305: lies outside the set's block 3145729 to 4194303"},
	{PIB_ipSecL4Port, (1 << 20) - 1, ADD, ipSecL4PortGroupId, BLOCK + 9, 0, PIB_FAULT_NONE,
		NULL},
	{PIB_ipSecAddress, 1, NUMBER, ipSecAddressGroupId, 8, 0, PIB_FAULT_VALUE,
		"ipSecAddress.3145729: ipSecAddressGroupId 8 lies outside the set's block"},
	{PIB_ipSecAddress, 1, NUMBER, ipSecAddressGroupId, OTHER_BLOCK, 0, PIB_FAULT_VALUE,
		"ipSecAddressGroupId 4194304 lies outside the set's block"},

	/* Uniqueness. */
	{PIB_ipSecL4Port, 2, NUMBER, ipSecL4PortPortMin, 80, 0, PIB_FAULT_NONE, NULL},
	{PIB_ipSecRule, 2, NUMBER, ipSecRuleOrder, 1, 0, PIB_FAULT_INSTANCE,
		"ipSecRule.3145730: the same values as ipSecRule.3145729 in all attributes that "
		"make "
		"a PRI unique"},

	/* Access. */
	{PIB_ipSecIfCaps, 1, ADD, 0, 0, 0, PIB_FAULT_NOTIFY_ONLY,
		"ipSecIfCaps.3145729: ipSecIfCaps cannot be installed"},
};

static void apply(struct rows *r, const struct mistake *m)
{
	uint32_t instance = BLOCK + m->instance;
	struct pri *pri;

	switch (m->kind) {
	case NUMBER:
		pri_set_u32(rows_get(r, m->class, instance), m->attribute, m->value);
		break;
	case PRID:
		pri = rows_get(r, m->class, instance);
		if (m->to == PIB_CLASS_COUNT)
			pri_set_oid(pri, m->attribute, &oid_none);
		else
			pri_set_prid(pri, m->attribute, m->to, m->value);
		break;
	case DROP:
		rows_drop(r, m->class, instance);
		break;
	case ADD:
		pri = rows_add(r, m->class, instance);
		if (m->attribute)
			pri_set_u32(pri, m->attribute, m->value);
		break;
	}
}

START_TEST(each_mistake_is_found_and_named)
{
	const struct mistake *m = &mistakes[_i];
	struct rows *r = calloc(1, sizeof *r);
	const struct pri_failure *f = &failures.list[0];
	struct prid prid;
	struct pib_fault fault;
	enum err err;

	rows_policy(r, BLOCK, "host");
	apply(r, m);
	err = check_rows(r);
	if (m->fault == PIB_FAULT_NONE) {
		ck_assert_msg(!err, "%s", error.text);
		ck_assert_uint_eq(failures.count, 0);
	} else {
		ck_assert_int_eq(err, pib_fault_err(m->fault));
		ck_assert_msg(strstr(error.text, m->text), "%s", error.text);
		ck_assert_uint_eq(failures.count, 1);
		ck_assert_str_eq(f->text, error.text);
		ck_assert_int_eq(f->fault.kind, m->fault);
		ck_assert_uint_eq(f->fault.attribute,
			m->kind == ADD ? 0
			: m->class == PIB_ipSecRule && m->attribute == ipSecRuleOrder
				? 0
				: m->attribute);
		ck_assert_int_eq(
			prid_decode(VIEW(f->prid, f->prid_len), &prid, &fault, &error), E_OK);
		ck_assert_int_eq(prid.class->id, m->class);
		ck_assert_uint_eq(prid.instance, BLOCK + m->instance);
	}
	rows_fini(r);
	free(r);
}
END_TEST

START_TEST(a_sound_set_passes)
{
	struct rows *r = calloc(1, sizeof *r);

	rows_policy(r, BLOCK, "host");
	ck_assert_msg(!check_rows(r), "%s", error.text);
	r->count = 0;
	ck_assert_int_eq(check_rows(r), E_OK);
	rows_fini(r);
	free(r);
}
END_TEST

/* All mistakes at once: a report should say all (RFC 3084 §3.3). */
START_TEST(goes_on_after_the_first_failure)
{
	struct rows *r = calloc(1, sizeof *r);
	size_t expected = 0;

	rows_policy(r, BLOCK, "host");
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		if (mistakes[i].kind != ADD || mistakes[i].fault == PIB_FAULT_NONE)
			continue;
		apply(r, &mistakes[i]);
		expected++;
	}
	pri_set_u32(rows_get(r, PIB_ipSecAddress, BLOCK + 1), ipSecAddressGroupId, 8);
	pri_set_u32(rows_get(r, PIB_ipSecRule, BLOCK + 1), ipSecRuleIpSecActionSetId, BLOCK + 50);
	ck_assert_int_ne(check_rows(r), E_OK);
	ck_assert_uint_eq(failures.count, expected + 2);
	ck_assert_uint_eq(expected, 3);
	rows_fini(r);
	free(r);
}
END_TEST

/* Equal values in other octets are equal: 80 in two octets of length. */
START_TEST(uniqueness_is_of_values_and_not_of_octets)
{
	struct rows *r = calloc(1, sizeof *r);
	struct prid prid = {pib_class(PIB_ipSecL4Port), BLOCK + 3};
	struct pri_store *s;
	struct buffer b;
	struct view run;

	rows_policy(r, BLOCK, "host");
	buffer_init(&b, BIG);
	rows_put(r, &b);
	prid_put(&b, &prid);
	/* EPD of 20 octets: as instance 1 but for the forms of lengths and tags. */
	buffer_put(&b,
		"\x00\x15\x03\x01\x42\x03\x30\x00\x03\x42\x81\x01\x50\x02\x01\x50\x42\x03\x30\x00"
		"\x09",
		21);
	buffer_put_zeros(&b, 3);
	run = buffer_view(&b);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	ck_assert_int_ne(pri_store_check(s, bounds, &failures, &error), E_OK);
	ck_assert_str_eq(error.text, "ipSecL4Port.3145731: the same values as ipSecL4Port.3145729 "
				     "in all attributes that "
				     "make a PRI unique");
	pri_store_free(s);
	buffer_fini(&b);
	rows_fini(r);
	free(r);
}
END_TEST

START_TEST(values_that_do_not_decode_are_named)
{
	struct rows *r = calloc(1, sizeof *r);
	struct prid prid = {pib_class(PIB_ipSecL4Port), BLOCK + 3};
	struct pri_store *s;
	struct buffer b;
	struct view run;

	rows_policy(r, BLOCK, "host");
	buffer_init(&b, BIG);
	rows_put(r, &b);
	prid_put(&b, &prid);
	/* The InstanceId attribute says 4. */
	buffer_put(&b,
		"\x00\x14\x03\x01\x42\x03\x30\x00\x04\x42\x01\x50\x42\x01\x50\x42\x03\x30\x00\x09",
		20);
	run = buffer_view(&b);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	ck_assert_int_ne(pri_store_check(s, bounds, &failures, &error), E_OK);
	ck_assert_uint_eq(failures.count, 1);
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_VALUE);
	ck_assert_uint_eq(failures.list[0].fault.attribute, ipSecL4PortPrid);
	ck_assert_ptr_nonnull(strstr(error.text, "ipSecL4Port.3145731"));
	pri_store_free(s);
	buffer_fini(&b);
	rows_fini(r);
	free(r);
}
END_TEST

/* Home may leave all members of a group to the directory; the rules that use it see an empty list. */
START_TEST(a_group_may_be_empty_but_must_have_a_tag)
{
	struct rows r = {0};
	struct pri *p;

	rows_policy(&r, BLOCK, "host");
	p = rows_add(&r, PIB_copsecGroup, BLOCK + 9);
	pri_set_text(p, copsecGroupName, "admitted");
	pri_set_u32(p, copsecGroupAddressGroupId, BLOCK + 4711);
	ck_assert_msg(!check_rows(&r), "%s", error.text);
	pri_set_u32(rows_get(&r, PIB_copsecGroup, BLOCK + 9), copsecGroupAddressGroupId, 0);
	ck_assert_int_ne(check_rows(&r), E_OK);
	ck_assert_uint_eq(failures.list[0].fault.attribute, copsecGroupAddressGroupId);
	rows_fini(&r);
}
END_TEST

START_TEST(a_secret_belongs_to_what_has_keys)
{
	static const struct {
		enum pib_class_id owner;
		bool good;
	} owners[] = {{PIB_ipSecIkeAssociation, true}, {PIB_ipSecEspTransform, true},
		{PIB_ipSecRule, false}, {PIB_ipSecIkeProposal, false}};

	for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
		struct rows r = {0};
		struct pri *p;

		rows_policy(&r, BLOCK, "host");
		p = rows_add(&r, PIB_copsecSecret, BLOCK + 9);
		pri_set_prid(p, copsecSecretOwner, owners[i].owner, BLOCK + 1);
		if (owners[i].good) {
			ck_assert_msg(!check_rows(&r), "%s", error.text);
		} else {
			ck_assert_int_ne(check_rows(&r), E_OK);
			ck_assert_uint_eq(failures.list[0].fault.attribute, copsecSecretOwner);
			ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_VALUE_UNSUPPORTED);
		}
		rows_fini(&r);
	}
}
END_TEST

/* Every class that refers to something, at the size that a store must bear. */
START_TEST(a_hundred_thousand_rows)
{
	struct pri_store *s;
	struct buffer b;
	struct view run;
	struct pri p;

	buffer_init(&b, BIG);
	for (uint32_t i = 1; i <= 50000; i++) {
		struct error e;

		pri_init(&p, PIB_ipSecSelectorSet, BLOCK + i);
		pri_set_u32(&p, ipSecSelectorSetSelectorSetId, BLOCK + i);
		pri_set_prid(&p, ipSecSelectorSetSelectorId, PIB_ipSecSelector, BLOCK + i);
		pri_set_u32(&p, ipSecSelectorSetOrder, 1);
		pri_set_bool(&p, ipSecSelectorSetIsNegated, false);
		ck_assert_int_eq(pri_put(&b, &p, &e), E_OK);
		pri_init(&p, PIB_ipSecSelector, BLOCK + i);
		pri_set_u32(&p, ipSecSelectorSrcAddressGroupId, BLOCK + i);
		pri_set_u32(&p, ipSecSelectorSrcPortGroupId, 0);
		pri_set_u32(&p, ipSecSelectorDstAddressGroupId, 0);
		pri_set_u32(&p, ipSecSelectorDstPortGroupId, 0);
		pri_set_u32(&p, ipSecSelectorProtocol, 255);
		pri_set_i32(&p, ipSecSelectorDscp, -1);
		pri_set_i32(&p, ipSecSelectorFlowLabel, -1);
		ck_assert_int_eq(pri_put(&b, &p, &e), E_OK);
	}
	run = buffer_view(&b);
	pri_failures_init(&failures);
	ck_assert_int_eq(pri_store_build(&run, 1, &s, &failures, &error), E_OK);
	buffer_fini(&b);
	ck_assert_msg(!pri_store_check(s, bounds, &failures, &error), "%s", error.text);
	pri_store_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check");
	TCase *c = tcase_create("check");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_sound_set_passes);
	tcase_add_loop_test(
		c, each_mistake_is_found_and_named, 0, sizeof mistakes / sizeof mistakes[0]);
	tcase_add_test(c, goes_on_after_the_first_failure);
	tcase_add_test(c, uniqueness_is_of_values_and_not_of_octets);
	tcase_add_test(c, values_that_do_not_decode_are_named);
	tcase_add_test(c, a_group_may_be_empty_but_must_have_a_tag);
	tcase_add_test(c, a_secret_belongs_to_what_has_keys);
	tcase_add_test(c, a_hundred_thousand_rows);
	suite_add_tcase(s, c);
	return suite_main(s);
}
