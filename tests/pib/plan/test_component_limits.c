/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node says of its limits is what it refuses, and no more. */
#include "pib/plan/component_limits.h"

#include <stdio.h>
#include <string.h>

#include "pib/plan/able.h"
#include "pib/plan/marks.h"
#include "pib/plan/plan.h"
#include "tests/pib/policy/sets.h"
#include "tests/suite.h"

static struct pri_failures failures;
static struct error error;
static struct rows rows;

static bool find(enum pib_class_id class, unsigned attribute, int32_t subtype,
	struct component_limit *ret)
{
	for (size_t at = 0; component_limits_next(&at, ret);)
		if (ret->class == class && ret->attribute == attribute &&
			(!subtype || ret->subtype == subtype))
			return true;
	return false;
}

/* RFC 3318 section 5: which sub-types go with which types, and which come in pairs. */
START_TEST(each_is_said_as_the_standard_wants_it)
{
	static const int32_t pairs[][2] = {
		{frwkCompLimitsSubType_lengthMin, frwkCompLimitsSubType_lengthMax},
		{frwkCompLimitsSubType_rangeMin, frwkCompLimitsSubType_rangeMax},
		{frwkCompLimitsSubType_enumMin, frwkCompLimitsSubType_enumMax},
	};
	struct component_limit l, other;
	size_t count = 0;

	for (size_t at = 0; component_limits_next(&at, &l); count++) {
		const struct pib_class *class = pib_class(l.class);
		const struct pib_attribute *a = pib_attribute(class, l.attribute);

		ck_assert_msg(pib_class_installs(class), "%s", class->name);
		ck_assert_msg(plan_supports(l.class), "%s", class->name);
		ck_assert_int_eq(l.type == frwkCompLimitsType_priSpaceLimited, !l.attribute);
		if (!l.attribute) {
			ck_assert_int_eq(l.subtype, frwkCompLimitsSubType_valueOnly);
			continue;
		}
		ck_assert_msg((l.type == frwkCompLimitsType_attrEnumSupLimited) ==
				      (a->syntax == PIB_ENUMERATION), "%s", a->name);
		for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
			if (l.subtype == pairs[i][0])
				ck_assert(find(l.class, l.attribute, pairs[i][1], &other));
			if (l.subtype == pairs[i][1])
				ck_assert(find(l.class, l.attribute, pairs[i][0], &other));
		}
	}
	ck_assert_uint_gt(count, 10);
}
END_TEST

START_TEST(all_that_is_refused_is_said_and_nothing_else)
{
	struct component_limit l;

	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++) {
		const struct pib_class *class = pib_class((enum pib_class_id)id);

		for (unsigned n = 1; n <= class->attribute_count; n++) {
			bool refused = plan_supports(class->id) && plan_unable_what(class->id, n);

			ck_assert_msg(find(class->id, n, 0, &l) == refused, "%s",
				pib_attribute(class, n)->name);
			/* The only value is the one that needs nothing. */
			if (refused && (l.subtype == frwkCompLimitsSubType_valueOnly ||
					       l.subtype == frwkCompLimitsSubType_enumOnly))
				ck_assert_uint_eq(l.number, pib_attribute(class, n)->default_number);
		}
	}
}
END_TEST

/* As the rows of a sample policy with one value changed. */
static bool is_taken(enum pib_class_id class, unsigned attribute, int32_t value)
{
	struct pri_store *store;
	struct policy *policy = NULL;
	bool taken;

	set_sample(&rows);
	pri_set_i32(rows_get(&rows, class, 1), attribute, value);
	store = set_store(&rows, false);
	pri_failures_init(&failures);
	taken = !policy_new(store, &policy, &failures, &error) &&
		!plan_check(policy, &failures, &error);
	policy_free(policy);
	pri_store_free(store);
	rows_fini(&rows);
	return taken;
}

/* Label by label: what lies between the ends is taken, and nothing else. */
START_TEST(ends_of_enumerations_are_those_that_are_refused)
{
	static const struct {
		enum pib_class_id class;
		unsigned attribute;
	} attributes[] = {
		{PIB_ipSecStaticAction, ipSecStaticActionAction},
		{PIB_copsecIkeAssociation, copsecIkeAssociationAuthentication},
	};
	enum pib_class_id class = attributes[_i].class;
	const struct pib_attribute *a = pib_attribute(pib_class(class), attributes[_i].attribute);
	struct component_limit least, most;
	size_t outside = 0;

	ck_assert(find(class, a->number, frwkCompLimitsSubType_enumMin, &least));
	ck_assert(find(class, a->number, frwkCompLimitsSubType_enumMax, &most));
	for (size_t i = 0; i < a->label_count; i++) {
		uint64_t value = (uint64_t)a->labels[i].number;
		bool inside = value >= least.number && value <= most.number;

		ck_assert_msg(is_taken(class, a->number, a->labels[i].number) == inside, "%s",
			a->labels[i].name);
		outside += !inside;
	}
	ck_assert_uint_gt(outside, 0);
}
END_TEST

/* ---- Numbers of instances ---- */

static uint64_t most_of(enum pib_class_id class)
{
	struct component_limit l;

	ck_assert(find(class, 0, frwkCompLimitsSubType_valueOnly, &l));
	return l.number;
}

/* So many more protections than the sample's one, each with a rule of its own. */
static void add_protections(uint32_t count)
{
	set_sample(&rows);
	for (uint32_t i = 10; i < 10 + count; i++) {
		struct pri *p = rows_add(&rows, PIB_ipSecNegotiationAction, i);
		char name[16];

		memcpy(p->values + 1, rows_get(&rows, PIB_ipSecNegotiationAction, 1)->values + 1,
			sizeof p->values - sizeof p->values[0]);
		pri_set_u32(p, ipSecNegotiationActionIpSecAssociationId, i);
		p = rows_add(&rows, PIB_ipSecAssociation, i);
		memcpy(p->values + 1, rows_get(&rows, PIB_ipSecAssociation, 1)->values + 1,
			sizeof p->values - sizeof p->values[0]);
		pri_set_u32(p, ipSecAssociationIdleDurationSeconds, i);
		p = rows_add(&rows, PIB_copsecNegotiationAction, i);
		memcpy(p->values, rows_get(&rows, PIB_copsecNegotiationAction, 1)->values,
			sizeof p->values);
		snprintf(name, sizeof name, "p%u", i);
		pri_set_octets(p, copsecNegotiationActionName, view_of_string(strdup(name)));
		p = rows_add(&rows, PIB_ipSecActionSet, i);
		memcpy(p->values + 1, rows_get(&rows, PIB_ipSecActionSet, 2)->values + 1,
			sizeof p->values - sizeof p->values[0]);
		pri_set_u32(p, ipSecActionSetActionSetId, 1000 + i);
		pri_set_prid(p, ipSecActionSetActionId, PIB_ipSecNegotiationAction, i);
		p = rows_add(&rows, PIB_ipSecRule, i);
		memcpy(p->values + 1, rows_get(&rows, PIB_ipSecRule, 2)->values + 1,
			sizeof p->values - sizeof p->values[0]);
		pri_set_u32(p, ipSecRuleIpSecActionSetId, 1000 + i);
		pri_set_u32(p, ipSecRuleOrder, 100 + i);
		p = rows_add(&rows, PIB_copsecRule, i);
		memcpy(p->values, rows_get(&rows, PIB_copsecRule, 2)->values, sizeof p->values);
	}
}

START_TEST(as_many_protections_as_that_and_not_one_more)
{
	struct plan_cause cause;
	struct plan *plan = NULL;
	struct plan_policy set = {.roles = "host"};
	struct plan_interface interface = {"eth0", "host"};
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT, .policies = &set,
		.policy_count = 1, .interfaces = &interface, .interface_count = 1,
		.node_roles = ""};
	struct policy *policy;

	add_protections((uint32_t)most_of(PIB_ipSecNegotiationAction) - 1 + (uint32_t)_i);
	policy = set_policy(&rows);
	set.policy = policy;
	ck_assert_int_eq(plan_build(&input, &plan, &cause, &error), _i ? E_LIMIT : E_OK);
	plan_free(plan);
	policy_free(policy);
}
END_TEST

START_TEST(no_more_rules_than_that)
{
	const uint32_t most = (uint32_t)most_of(PIB_ipSecRule);
	struct policy *policy = NULL;
	struct pri_store *store;
	struct buffer run;
	struct pri rule;
	struct view all;

	set_sample(&rows);
	rule = *rows_get(&rows, PIB_ipSecRule, 1);
	buffer_init(&run, 1 << 26);
	for (uint32_t i = 1; i <= most + 1; i++) {
		rule.instance = i;
		pri_set_u32(&rule, ipSecRulePrid, i);
		ck_assert_int_eq(pri_put(&run, &rule, &error), E_OK);
	}
	all = buffer_view(&run);
	pri_failures_init(&failures);
	ck_assert_int_eq(pri_store_build(&all, 1, &store, &failures, &error), E_OK);
	ck_assert_int_eq(policy_new(store, &policy, &failures, &error), E_LIMIT);
	ck_assert_ptr_null(policy);
	pri_store_free(store);
	buffer_fini(&run);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/plan/component_limits");
	TCase *c = tcase_create("limits");

	tcase_add_test(c, each_is_said_as_the_standard_wants_it);
	tcase_add_test(c, all_that_is_refused_is_said_and_nothing_else);
	tcase_add_loop_test(c, ends_of_enumerations_are_those_that_are_refused, 0, 2);
	tcase_add_loop_test(c, as_many_protections_as_that_and_not_one_more, 0, 2);
	tcase_add_test(c, no_more_rules_than_that);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	return suite_main(s);
}
