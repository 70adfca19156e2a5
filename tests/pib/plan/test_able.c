/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a policy needs and a plan cannot give is refused, by PRI and attribute. */
#include "pib/plan/able.h"

#include <string.h>

#include "pib/plan/plan.h"
#include "tests/suite.h"

static struct error error;
static struct pri_failures failures;

static struct policy policy_with(const struct policy_need *needs, size_t count)
{
	return (struct policy){
		.roles = "host", .capability_set = "", .needs = needs, .need_count = count};
}

static void check_need(enum pib_class_id class, unsigned attribute, bool supported)
{
	struct policy_need need = {{pib_class(class), 17}, (uint8_t)attribute};
	struct policy policy = policy_with(&need, 1);
	struct pib_fault fault;
	struct prid prid;
	enum err err;

	pri_failures_init(&failures);
	err = plan_check(&policy, &failures, &error);
	ck_assert_msg((err == E_OK) == supported, "%s %u", need.prid.class->name, attribute);
	ck_assert_uint_eq(failures.count, supported ? 0 : 1);
	if (supported)
		return;
	ck_assert_int_eq(err, E_UNSUPPORTED);
	ck_assert(!prid_decode(
		VIEW(failures.list[0].prid, failures.list[0].prid_len), &prid, &fault, &error));
	ck_assert_ptr_eq(prid.class, need.prid.class);
	ck_assert_uint_eq(prid.instance, 17);
	ck_assert_uint_eq(failures.list[0].fault.attribute, attribute);
}

/* Whether a need is refused and whether the node says that it supports it are one thing. */
START_TEST(what_is_not_supported_is_refused)
{
	size_t refused = 0;

	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++) {
		const struct pib_class *class = pib_class((enum pib_class_id)id);

		if (!policy_holds(class->id)) {
			ck_assert(!plan_supports(class->id));
			continue;
		}
		if (policy_is_need(class->id, 0))
			check_need(class->id, 0, plan_supports(class->id));
		else
			ck_assert(plan_supports(class->id));
		for (unsigned n = 1; n <= class->attribute_count; n++) {
			if (!policy_is_need(class->id, n))
				ck_assert(plan_supports_attribute(class->id, n));
			else
				check_need(class->id, n, plan_supports_attribute(class->id, n));
			refused += !plan_supports_attribute(class->id, n);
		}
	}
	/* The day it is 0 this test tests nothing. */
	ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(all_needs_are_told_at_once)
{
	const struct policy_need needs[] = {
		{{pib_class(PIB_ipSecRule), 3}, ipSecRuleIpSecIpsoFilterSetId},
		{{pib_class(PIB_ipSecIpsoFilter), 5}, 0},
	};
	struct policy policy = policy_with(needs, 2);

	pri_failures_init(&failures);
	ck_assert_int_eq(plan_check(&policy, &failures, &error), E_UNSUPPORTED);
	ck_assert_uint_eq(failures.count, 2);
	ck_assert_ptr_nonnull(strstr(error.text, "ipSecRule.3"));
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_VALUE_UNSUPPORTED);
	ck_assert_int_eq(failures.list[1].fault.kind, PIB_FAULT_CLASS);
	policy.need_count = 0;
	ck_assert_int_eq(plan_check(&policy, &failures, &error), E_OK);
}
END_TEST

START_TEST(nothing_is_planned_for_a_policy_that_needs_too_much)
{
	const struct policy_need need = {
		{pib_class(PIB_ipSecRule), 3}, ipSecRuleIpSecIpsoFilterSetId};
	struct policy policy = policy_with(&need, 1);
	struct plan_policy set = {.roles = "host", .policy = &policy};
	struct plan_input input = {
		.mark_mask = MARK_MASK_DEFAULT, .policies = &set, .policy_count = 1};
	struct plan_cause cause;
	struct plan *plan = NULL;

	ck_assert_int_eq(plan_build(&input, &plan, &cause, &error), E_UNSUPPORTED);
	ck_assert_ptr_null(plan);
	ck_assert_ptr_eq(cause.prid.class, pib_class(PIB_ipSecRule));
	ck_assert_uint_eq(cause.prid.instance, 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/plan/able");
	TCase *c = tcase_create("able");

	tcase_add_test(c, what_is_not_supported_is_refused);
	tcase_add_test(c, all_needs_are_told_at_once);
	tcase_add_test(c, nothing_is_planned_for_a_policy_that_needs_too_much);
	suite_add_tcase(s, c);
	return suite_main(s);
}
