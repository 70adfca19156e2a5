/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/request_state.h"

#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/framework/capabilities.h"
#include "pib/schema/pri.h"
#include "tests/suite.h"

enum { SEED = 20260404, BIG = 1 << 22 };

static struct pri_failures failures;
static struct error error;
static struct buffer request;

static void set_up(void)
{
	buffer_init(&request, BIG);
}

static void tear_down(void)
{
	buffer_fini(&request);
}

static void put(struct pri *pri)
{
	ck_assert_msg(!pri_put(&request, pri, &error), "%s", error.text);
}

/* 1 full, 0 incremental. */
static void put_incarnation(int full)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkPibIncarnation, 1);
	pri_set_text(&pri, frwkPibIncarnationName, "");
	pri_set_text(&pri, frwkPibIncarnationId, "7");
	for (unsigned n = frwkPibIncarnationLongevity; n < frwkPibIncarnationFullState; n++)
		pri_set_null(&pri, n);
	pri_set_bool(&pri, frwkPibIncarnationFullState, full);
	put(&pri);
}

static void put_support(uint32_t instance, enum pib_class_id class, const char *bits, size_t len)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkPrcSupport, instance);
	pri_set_row(&pri, frwkPrcSupportSupportedPrc, class);
	pri_set_octets(&pri, frwkPrcSupportSupportedAttrs, VIEW(bits, len));
	put(&pri);
}

static void put_roles(uint32_t instance, const char *roles, const char *set)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkRoleCombo, instance);
	pri_set_text(&pri, frwkRoleComboRoles, roles);
	pri_set_text(&pri, frwkRoleComboCapSetName, set);
	put(&pri);
}

static void put_interface(uint32_t instance, int32_t index)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkIfRoleCombo, instance);
	pri_set_i32(&pri, frwkIfRoleComboIfIndex, index);
	put(&pri);
}

static void put_capability_set(uint32_t caps)
{
	struct pri pri;

	pri_init(&pri, PIB_ipSecIfCaps, 1);
	pri_set_i32(&pri, ipSecIfCapsDirection, ipSecIfCapsDirection_bi_directional);
	pri_set_u32(&pri, ipSecIfCapsMaxIpSecActions, 1);
	pri_set_u32(&pri, ipSecIfCapsMaxIkeActions, 1);
	put(&pri);
	pri_init(&pri, PIB_frwkCapabilitySet, 1);
	pri_set_text(&pri, frwkCapabilitySetName, "ipsec");
	pri_set_prid(&pri, frwkCapabilitySetCapability, PIB_ipSecIfCaps, caps);
	put(&pri);
}

static void put_device(uint32_t instance)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkDeviceId, instance);
	pri_set_text(&pri, frwkDeviceIdDescr, "a node");
	pri_set_u32(&pri, frwkDeviceIdMaxMsg, 65536);
	pri_set_u32(&pri, frwkDeviceIdMaxContexts, 1);
	put(&pri);
}

static void put_remove(enum pib_class_id class, uint32_t instance)
{
	prid_put(&request, &(struct prid){pib_class(class), instance});
	pr_put(&request, PR_EPD, VIEW_NONE);
}

/* All attributes of the incarnation, FullState among them. */
#define ALL "\xff"

static void put_whole(void)
{
	put_support(1, PIB_frwkPibIncarnation, ALL, 1);
	put_incarnation(1);
	put_device(1);
	put_capability_set(1);
	put_roles(1, "host", "ipsec");
	put_interface(1, 2);
	put_roles(2, "", "");
	put_interface(2, 3);
	put_roles(3, "gateway+lan", "ipsec");
}

static enum err change(const struct pri_store *before, struct pri_store **ret, bool *ret_incremental)
{
	/* Cut in the middle, as a REQ may be, between two pairs. */
	struct cursor run = cursor_over(buffer_view(&request));
	struct pr_object object;
	struct view pieces[2];
	enum err err;

	for (int i = 0; i < 2 && cursor_left(&run); i++)
		ck_assert_int_eq(pr_next(&run, &object), E_OK);
	pieces[0] = VIEW(request.data, run.at);
	pieces[1] = VIEW(request.data + run.at, request.len - run.at);
	pri_failures_init(&failures);
	err = request_state_change(before, pieces, 2, ret, ret_incremental, &failures, &error);
	buffer_reset(&request);
	return err;
}

static struct pri_store *whole(void)
{
	struct pri_store *s;
	bool incremental;

	put_whole();
	ck_assert_msg(!change(NULL, &s, &incremental), "%s", error.text);
	ck_assert(!incremental);
	return s;
}

START_TEST(a_whole_state_says_what_the_node_is)
{
	static const struct capability_roles expected[] = {
		{2, {(const uint8_t *)"host", 4}, {(const uint8_t *)"ipsec", 5}},
		{3, {NULL, 0}, {NULL, 0}},
		{0, {(const uint8_t *)"gateway+lan", 11}, {(const uint8_t *)"ipsec", 5}},
	};
	struct pri_store *s = whole();
	struct capability_device device = capabilities_device(s);
	struct pri_cursor c = pri_store_class(s, PIB_frwkRoleCombo);
	struct capability_roles roles;

	ck_assert(view_equal(device.description, view_of_string("a node")));
	ck_assert_uint_eq(device.max_message, 65536);
	ck_assert_uint_eq(device.max_contexts, 1);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(capabilities_next_roles(&c, &roles));
		ck_assert_uint_eq(roles.interface, expected[i].interface);
		ck_assert(view_equal(roles.roles, expected[i].roles));
		ck_assert(view_equal(roles.capability_set, expected[i].capability_set));
	}
	ck_assert(!capabilities_next_roles(&c, &roles));
	ck_assert(capabilities_support(s, PIB_frwkPibIncarnation, 8));
	ck_assert(!capabilities_support(s, PIB_frwkPibIncarnation, 9));
	ck_assert(!capabilities_support(s, PIB_frwkDeviceId, 1));
	pri_store_free(s);
}
END_TEST

START_TEST(the_first_support_of_a_class_counts)
{
	struct pri_store *s;
	bool incremental;

	put_support(1, PIB_frwkPibIncarnation, "\x80", 1);
	put_support(2, PIB_frwkPibIncarnation, ALL, 1);
	put_incarnation(1);
	ck_assert_msg(!change(NULL, &s, &incremental), "%s", error.text);
	ck_assert(capabilities_support(s, PIB_frwkPibIncarnation, 1));
	ck_assert(!capabilities_support(s, PIB_frwkPibIncarnation, 8));
	pri_store_free(s);
}
END_TEST

START_TEST(an_incremental_request_adds_replaces_and_removes)
{
	struct pri_store *s = whole(), *new;
	struct prid prid = {pib_class(PIB_frwkRoleCombo), 2};
	struct pri_row row;
	bool incremental;
	struct pri pri;

	/* Without an incarnation it is incremental too. Interface 3 goes, with its extension;
	 * interface 4 comes, interface 2 has other roles. */
	put_remove(PIB_frwkRoleCombo, 2);
	put_roles(1, "server", "ipsec");
	put_roles(4, "host", "");
	put_interface(4, 4);
	ck_assert_msg(!change(s, &new, &incremental), "%s", error.text);
	ck_assert(incremental);
	ck_assert_uint_eq(pri_store_count(new), pri_store_count(s));
	ck_assert(pri_store_find(s, &prid, &row));
	ck_assert(!pri_store_find(new, &prid, &row));
	prid.class = pib_class(PIB_frwkIfRoleCombo);
	ck_assert(!pri_store_find(new, &prid, &row));
	ck_assert(pri_store_get(new, PIB_frwkRoleCombo, 1, &pri));
	ck_assert(view_equal(pri_octets(&pri, frwkRoleComboRoles), view_of_string("server")));
	pri_store_free(s);
	/* Full state forgets what it does not name. */
	put_incarnation(1);
	ck_assert_msg(!change(new, &s, &incremental), "%s", error.text);
	ck_assert(!incremental);
	ck_assert_uint_eq(pri_store_count(s), 1);
	pri_store_free(new);
	pri_store_free(s);
}
END_TEST

START_TEST(without_support_every_request_is_full_state)
{
	struct pri_store *s, *new;
	bool incremental;

	/* Not even the first has to say that it is whole. */
	put_incarnation(0);
	put_device(1);
	ck_assert_int_eq(change(NULL, &s, &incremental), E_OK);
	ck_assert(!incremental);
	put_incarnation(0);
	ck_assert_int_eq(change(s, &new, &incremental), E_OK);
	ck_assert(!incremental);
	ck_assert_uint_eq(pri_store_count(new), 1);
	pri_store_free(s);
	pri_store_free(new);
}
END_TEST

static void first_without_full_state(void)
{
	put_support(1, PIB_frwkPibIncarnation, ALL, 1);
	put_incarnation(0);
}

static void remove_what_is_not_there(void)
{
	put_remove(PIB_frwkRoleCombo, 9);
}

static void roles_with_wildcard(void)
{
	put_roles(1, "*+host", "");
}

static void roles_in_disorder(void)
{
	put_roles(1, "lan+gateway", "");
}

static void roles_with_unknown_set(void)
{
	put_roles(1, "host", "quantum");
}

static void two_interfaces_of_one_index(void)
{
	put_roles(4, "host", "ipsec");
	put_interface(4, 2);
}

static void an_extension_alone(void)
{
	put_interface(9, 9);
}

static void two_devices(void)
{
	put_device(2);
}

static void a_capability_that_is_not_there(void)
{
	put_capability_set(5);
}

static void what_only_a_pdp_says(void)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkError, 1);
	pri_set_u32(&pri, frwkErrorCode, 1);
	pri_set_u32(&pri, frwkErrorSubCode, 0);
	pri_set_row(&pri, frwkErrorPrc, PIB_frwkError);
	pri_set_u32(&pri, frwkErrorInstance, 0);
	put(&pri);
}

static void the_same_twice(void)
{
	put_device(1);
	put_device(1);
}

static void a_prid_alone(void)
{
	prid_put(&request, &(struct prid){pib_class(PIB_frwkDeviceId), 1});
}

static void an_unknown_class(void)
{
	/* PRID 1.3.6.1.2.2.8.1: the example of RFC 3084 section 4.1. */
	static const uint8_t prid[] = {0x06, 0x07, 0x2b, 0x06, 0x01, 0x02, 0x02, 0x08, 0x01};

	pr_put(&request, PR_PRID, VIEW(prid, sizeof prid));
	pr_put(&request, PR_EPD, VIEW("\x05\x00", 2));
}

static const struct {
	void (*write)(void);
	bool first;
	uint16_t cperr, sub_code; /* 0: a GPERR */
	const char *text;
} refused[] = {
	{first_without_full_state, true, 2, 0, "frwkPibIncarnation.1: the first request must have"},
	{remove_what_is_not_there, false, 2, 0, "frwkRoleCombo.9: is to be removed, but was never"},
	{roles_with_wildcard, false, 3, 2, "frwkRoleCombo.1: no role combination"},
	{roles_in_disorder, false, 3, 2, "frwkRoleCombo.1: no role combination"},
	{roles_with_unknown_set, false, 7, 3, "frwkRoleCombo.1: there is no capability set"},
	{two_interfaces_of_one_index, false, 2, 0, "frwkIfRoleCombo.4: the same values as"},
	{an_extension_alone, false, 2, 0, "frwkIfRoleCombo.9: extends frwkRoleCombo.9"},
	{two_devices, false, 2, 0, "frwkDeviceId.2: there must be but one"},
	{a_capability_that_is_not_there, false, 7, 3, "frwkCapabilitySet.1: frwkCapabilitySetCap"},
	{what_only_a_pdp_says, false, 2, 0, "frwkError.1: frwkError has no place in a request"},
	{the_same_twice, false, 2, 0, "frwkDeviceId.1 is installed twice at once"},
	{a_prid_alone, false, 0, 0, "octet"},
	{an_unknown_class, false, 9, 0, "1.3.6.1.2.2.8.1 names no instance of a class"},
};

START_TEST(a_wrong_request_changes_nothing_and_is_named)
{
	struct pri_store *s = whole(), *new = NULL;
	struct pib_error_object object;
	bool incremental;

	refused[_i].write();
	ck_assert_int_ne(change(refused[_i].first ? NULL : s, &new, &incremental), E_OK);
	ck_assert_ptr_null(new);
	ck_assert_uint_ge(failures.count, 1);
	object = pib_fault_object(&failures.list[0].fault);
	ck_assert_int_eq(object.general, refused[_i].cperr == 0);
	if (refused[_i].cperr) {
		ck_assert_uint_eq(object.code, refused[_i].cperr);
		ck_assert_uint_eq(object.subcode, refused[_i].sub_code);
	}
	ck_assert_msg(!strncmp(failures.list[0].text, refused[_i].text, strlen(refused[_i].text)),
		"%s", failures.list[0].text);
	ck_assert_str_eq(error.text, failures.list[0].text);
	pri_store_free(s);
}
END_TEST

START_TEST(more_than_one_mistake_is_named)
{
	struct pri_store *new = NULL;
	bool incremental;

	put_whole();
	put_device(2);
	put_device(3);
	put_roles(7, "*", "nothing");
	ck_assert_int_ne(change(NULL, &new, &incremental), E_OK);
	ck_assert_uint_eq(failures.count, 4);
}
END_TEST

START_TEST(there_is_an_end_to_it)
{
	struct pri_store *s = NULL, *new;
	bool incremental;
	uint32_t next = 1;
	enum err err;

	put_support(1, PIB_frwkPibIncarnation, ALL, 1);
	put_incarnation(1);
	ck_assert_int_eq(change(NULL, &s, &incremental), E_OK);
	do {
		ck_assert_uint_le(pri_store_count(s), REQUEST_STATE_ROWS_MAX);
		for (int i = 0; i < 1000; i++)
			put_roles(next++, "", "");
		new = NULL;
		err = change(s, &new, &incremental);
		if (!err) {
			pri_store_free(s);
			s = new;
		}
	} while (!err);
	ck_assert_int_eq(err, E_LIMIT);
	ck_assert_uint_eq(pri_store_count(s), 8002);
	pri_store_free(s);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Which interfaces there are, and with how many roles: what a list would say. */
START_TEST(random_requests_end_where_a_list_does)
{
	static const char *const roles[] = {"", "a", "a+b", "b"};
	enum { INTERFACES = 40 };
	int model[INTERFACES + 1], wanted[INTERFACES + 1];
	struct pri_store *s = NULL, *new;
	uint32_t random = SEED;
	size_t refusals = 0;

	printf("seed %d\n", SEED);
	memset(model, -1, sizeof model);
	for (unsigned round = 0; round < 500; round++) {
		bool full = !s || next_random(&random) % 10 == 0, wrong = false, incremental;
		size_t rows = 2;

		memcpy(wanted, model, sizeof model);
		if (full) {
			memset(wanted, -1, sizeof wanted);
			put_support(1, PIB_frwkPibIncarnation, ALL, 1);
		}
		put_incarnation(full);
		for (uint32_t i = 1; i <= INTERFACES; i++) {
			uint32_t what = next_random(&random) % 12;

			if (what < 4) {
				put_roles(i, roles[what], "");
				put_interface(i, (int32_t)i);
				wanted[i] = (int)what;
			} else if (what == 4 && !full) {
				/* Now and then of one that is not there. */
				if (wanted[i] < 0 && next_random(&random) % 8)
					continue;
				wrong = wrong || wanted[i] < 0;
				put_remove(PIB_frwkRoleCombo, i);
				wanted[i] = -1;
			}
		}
		if (change(s, &new, &incremental)) {
			ck_assert_msg(wrong, "round %u: %s", round, error.text);
			refusals++;
		} else {
			ck_assert_msg(!wrong, "round %u", round);
			ck_assert_int_eq(incremental, !full);
			pri_store_free(s);
			s = new;
			memcpy(model, wanted, sizeof model);
		}
		for (uint32_t i = 1; i <= INTERFACES; i++) {
			struct pri base, extension;
			bool there = pri_store_get(s, PIB_frwkRoleCombo, i, &base);

			ck_assert_int_eq(there, model[i] >= 0);
			ck_assert_int_eq(there,
				pri_store_get(s, PIB_frwkIfRoleCombo, i, &extension));
			rows += 2 * there;
			if (there)
				ck_assert(view_equal(pri_octets(&base, frwkRoleComboRoles),
					view_of_string(roles[model[i]])));
		}
		ck_assert_uint_eq(pri_store_count(s), rows);
	}
	ck_assert_uint_gt(refusals, 20);
	pri_store_free(s);
}
END_TEST

#define ENUM frwkCompLimitsType_attrEnumSupLimited
#define VALUE frwkCompLimitsType_attrValueSupLimited

/* Of ipSecStaticAction. */
static const struct {
	unsigned attribute;
	int32_t type, subtype;
	const char *guidance;
	size_t length;
	const char *text;
} limits[] = {
	{0, frwkCompLimitsType_priSpaceLimited, frwkCompLimitsSubType_valueOnly, "\0\0\1\0", 4,
		"ipSecStaticAction at most 256 instances"},
	{ipSecStaticActionAction, ENUM, frwkCompLimitsSubType_enumMax, "\0\0\0\2", 4,
		"ipSecStaticAction.ipSecStaticActionAction at most discard"},
	{ipSecStaticActionAction, ENUM, frwkCompLimitsSubType_none, "", 0,
		"ipSecStaticAction.ipSecStaticActionAction is limited"},
	{ipSecStaticActionLifetimeKilobytes, VALUE, frwkCompLimitsSubType_rangeMax,
		"\0\0\0\1\0\0\0\0", 8,
		"ipSecStaticAction.ipSecStaticActionLifetimeKilobytes at most 4294967296"},
	{ipSecStaticActionSaTransformId, VALUE, frwkCompLimitsSubType_valueOnly, "", 0,
		"ipSecStaticAction.ipSecStaticActionSaTransformId only empty"},
	{ipSecStaticActionSpi, VALUE, frwkCompLimitsSubType_bitMask, "\xa5", 1,
		"ipSecStaticAction.ipSecStaticActionSpi only the bits a5"},
};

#undef ENUM
#undef VALUE

START_TEST(a_limit_is_a_line_for_people)
{
	char text[ERROR_TEXT_SIZE];
	struct pri_cursor c;
	struct pri_store *s;
	struct view run;
	struct pri pri;

	buffer_reset(&request);
	pri_init(&pri, PIB_frwkCompLimits, 1);
	pri_set_row(&pri, frwkCompLimitsComponent, PIB_ipSecStaticAction);
	pri_set_u32(&pri, frwkCompLimitsAttrPos, limits[_i].attribute);
	pri_set_bool(&pri, frwkCompLimitsNegation, false);
	pri_set_i32(&pri, frwkCompLimitsType, limits[_i].type);
	pri_set_i32(&pri, frwkCompLimitsSubType, limits[_i].subtype);
	pri_set_octets(&pri, frwkCompLimitsGuidance,
		VIEW(limits[_i].guidance, limits[_i].length));
	put(&pri);
	run = buffer_view(&request);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	c = pri_store_class(s, PIB_frwkCompLimits);
	ck_assert(capabilities_next_limit(&c, text));
	ck_assert_str_eq(text, limits[_i].text);
	ck_assert(!capabilities_next_limit(&c, text));
	pri_store_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("request-state");
	TCase *c = tcase_create("request-state");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_whole_state_says_what_the_node_is);
	tcase_add_test(c, the_first_support_of_a_class_counts);
	tcase_add_test(c, an_incremental_request_adds_replaces_and_removes);
	tcase_add_test(c, without_support_every_request_is_full_state);
	tcase_add_loop_test(c, a_wrong_request_changes_nothing_and_is_named, 0,
		sizeof refused / sizeof refused[0]);
	tcase_add_test(c, more_than_one_mistake_is_named);
	tcase_add_test(c, there_is_an_end_to_it);
	tcase_add_test(c, random_requests_end_where_a_list_does);
	tcase_add_loop_test(c, a_limit_is_a_line_for_people, 0,
		(int)(sizeof limits / sizeof limits[0]));
	suite_add_tcase(s, c);
	return suite_main(s);
}
