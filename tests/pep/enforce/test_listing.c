/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `pepctl policy` says of the sets in force, moment by moment. */
#include "pep/enforce/listing.h"

#include <string.h>

#include "tests/pep/enforce/parts.h"
#include "tests/pib/set/voices.h"
#include "tests/suite.h"

enum { BIG = 1 << 26, HOUR = 3600, NINE = NOW + HOUR };

static struct world *w;
static struct voices *g;
static struct state *state;
static json_t *sets;
static struct error error;

static void set_up(void)
{
	w = world_new();
	g = voices_new(w);
	give_meaning(w);
	w->assignment_documents[ALICE].sent = false;
	w->set_documents[HOST].sent = false;
}

static void forget(void)
{
	state = state_free(state);
	json_decref(sets);
	sets = NULL;
}

static void tear_down(void)
{
	forget();
	voices_free(g);
	world_free(w);
}

static void verify(void)
{
	struct pri_failures failures;
	struct pri_store *rows;
	struct buffer run;
	struct view piece;

	forget();
	world_roots(w);
	voices_sign(g);
	world_sign(w);
	voices_put(g);
	buffer_init(&run, BIG);
	world_node(w, &run);
	piece = buffer_view(&run);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&piece, 1, &rows, &failures, &error), "%s", error.text);
	ck_assert_msg(!state_verify_node(rows, &w->terms, &w->node, &state, &failures, &error),
	              "%s", error.text);
	pri_store_free(rows);
	buffer_fini(&run);
}

static enum err list(uint64_t now, const char *name)
{
	const struct listing_terms terms = {
		.now_utc = now, .moment = {.utc = (int64_t)now}, .set = name};

	json_decref(sets);
	sets = NULL;
	return listing_of_sets(state, &terms, &sets, &error);
}

static const json_t *set_called(const char *name)
{
	json_t *set;
	size_t i;

	json_array_foreach(sets, i, set)
		if (!strcmp(json_string_value(json_object_get(set, "name")), name))
			return set;
	ck_abort_msg("no set '%s'", name);
	return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	ck_assert_ptr_nonnull(text);
	return text;
}

static const json_t *rule_of(const char *set, size_t i)
{
	const json_t *rule = json_array_get(json_object_get(set_called(set), "rules"), i);

	ck_assert_ptr_nonnull(rule);
	return rule;
}

static void check_rule(const char *set, size_t i, const char *why)
{
	const json_t *rule = rule_of(set, i);

	ck_assert_str_eq(text_of(rule, "why"), why);
	ck_assert(json_is_true(json_object_get(rule, "counts")) == !why[0]);
}

START_TEST(each_set_comes_with_its_rules_in_order)
{
	const json_t *lan;

	verify();
	ck_assert_msg(!list(NOW, NULL), "%s", error.text);
	ck_assert_uint_eq(json_array_size(sets), 2);
	lan = set_called("lan");
	ck_assert_str_eq(text_of(lan, "authority"), "home");
	ck_assert_str_eq(text_of(lan, "standing"), "in force");
	ck_assert_int_eq(json_integer_value(json_object_get(lan, "serial")),
	                 (json_int_t)w->manifests[LAN].serial);
	ck_assert_int_eq(json_integer_value(json_object_get(lan, "not_after")), NOW + 1000);
	ck_assert_uint_eq(json_array_size(json_object_get(lan, "rules")), 2);
	ck_assert_ptr_nonnull(strstr(text_of(rule_of("lan", 0), "text"), "rule 1 "));
	ck_assert_ptr_nonnull(strstr(text_of(rule_of("lan", 0), "text"), ": in, "));
	ck_assert_ptr_nonnull(strstr(text_of(rule_of("lan", 1), "text"), "rule 2 "));
	check_rule("lan", 0, "");
	check_rule("lan", 1, "");
}
END_TEST

START_TEST(one_set_can_be_named)
{
	verify();
	ck_assert_msg(!list(NOW, "lan"), "%s", error.text);
	ck_assert_uint_eq(json_array_size(sets), 1);
	ck_assert_int_eq(list(NOW, "wan"), E_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(error.text, "'wan'"));
}
END_TEST

START_TEST(a_closed_node_has_none)
{
	ck_assert_int_eq(list(NOW, NULL), E_OK);
	ck_assert_uint_eq(json_array_size(sets), 0);
	ck_assert_int_eq(list(NOW, "lan"), E_NOT_FOUND);
}
END_TEST

START_TEST(what_is_past_its_time_says_what_becomes_of_it)
{
	static const struct {
		enum stale_rule rule;
		const char *standing;
		bool counts;
	} rules[] = {
		{STALE_KEEP, "past its time: kept", true},
		{STALE_TIGHTEN, "past its time: tightened, nothing passes in clear", true},
		{STALE_QUARANTINE, "past its time: quarantine", false},
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		w->manifests[LAN].stale_rule = rules[i].rule;
		verify();
		ck_assert_int_eq(list(NOW + 1000, NULL), E_OK);
		ck_assert_str_eq(text_of(set_called("lan"), "standing"), "in force");
		check_rule("lan", 0, "");
		ck_assert_int_eq(list(NOW + 1001, NULL), E_OK);
		ck_assert_str_eq(text_of(set_called("lan"), "standing"), rules[i].standing);
		check_rule("lan", 0, rules[i].counts ? "" : "its set does not count");
	}
}
END_TEST

/* The rule for what leaves counts in the morning only, in UTC. NOW is eight. */
START_TEST(a_rule_outside_its_times_does_not_count)
{
	static const unsigned ignored[] = {
		ipSecRuleTimePeriodTimePeriod, ipSecRuleTimePeriodMonthOfYearMask,
		ipSecRuleTimePeriodDayOfMonthMask, ipSecRuleTimePeriodDayOfWeekMask};
	const uint32_t block = block_of(AUTHORITY_HOME, LAN), tag = block + 50;
	struct pri *p = rows_add(w->rows[LAN], PIB_ipSecRuleTimePeriodSet, block + 1);

	pri_set_u32(p, ipSecRuleTimePeriodSetRuleTimePeriodSetId, tag);
	pri_set_u32(p, ipSecRuleTimePeriodSetRuleTimePeriodId, block + 1);
	p = rows_add(w->rows[LAN], PIB_ipSecRuleTimePeriod, block + 1);
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		pri_set_null(p, ignored[i]);
	pri_set_text(p, ipSecRuleTimePeriodTimeOfDayMask, "T090000/T115959");
	pri_set_i32(p, ipSecRuleTimePeriodLocalOrUtcTime,
	            ipSecRuleTimePeriodLocalOrUtcTime_utcTime);
	p = rows_get(w->rows[LAN], PIB_ipSecRule, block + 2);
	pri_set_u32(p, ipSecRuleIpSecRuleTimePeriodGroupId, tag);
	verify();
	ck_assert_msg(!list(NINE - 1, NULL), "%s", error.text);
	check_rule("lan", 0, "");
	check_rule("lan", 1, "outside its times");
	ck_assert_int_eq(list(NINE, NULL), E_OK);
	check_rule("lan", 1, "");
}
END_TEST

START_TEST(an_operator_ends)
{
	struct voice *one = &g->list[AUTHORITY_OPERATOR];
	struct pri *p;

	one->speaks = true;
	one->rows.count = 0;
	one->manifest.stale_rule = STALE_END;
	p = rows_add(&one->rows, PIB_ipSecL4Port, one->manifest.block + 1);
	pri_set_u32(p, ipSecL4PortGroupId, one->manifest.block + 9);
	verify();
	ck_assert_msg(!list(NOW, NULL), "%s", error.text);
	ck_assert_uint_eq(json_array_size(sets), 3);
	ck_assert_str_eq(text_of(json_array_get(sets, 2), "authority"), "operator");
	ck_assert_str_eq(text_of(json_array_get(sets, 2), "standing"), "in force");
	ck_assert_int_eq(list(NOW + 1001, NULL), E_OK);
	ck_assert_str_eq(text_of(json_array_get(sets, 2), "standing"), "ended");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("listing");
	TCase *c = tcase_create("listing");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, each_set_comes_with_its_rules_in_order);
	tcase_add_test(c, one_set_can_be_named);
	tcase_add_test(c, a_closed_node_has_none);
	tcase_add_test(c, what_is_past_its_time_says_what_becomes_of_it);
	tcase_add_test(c, a_rule_outside_its_times_does_not_count);
	tcase_add_test(c, an_operator_ends);
	suite_add_tcase(s, c);
	return suite_main(s);
}
