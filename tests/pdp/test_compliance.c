/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/compliance.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/pdp/tenant.h"
#include "tests/suite.h"

enum { BIG = 1 << 26, DECISION = 3 };

static char directory[] = "/tmp/copsec-compliance-XXXXXX";
static char path[64];
static struct key *report_key, *other_key;
static struct store *store;
static struct compliance_table *table;
static struct publication_node gw1;
static struct buffer named; /* contents of the report */
static struct error error;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/db", directory);
	ck_assert_int_eq(store_open(path, &store, &error), E_OK);
	ck_assert_int_eq(compliance_table_new(store, &table, &error), E_OK);
	ck_assert_int_eq(key_generate("report", &report_key, &error), E_OK);
	ck_assert_int_eq(key_generate("other", &other_key, &error), E_OK);
	gw1 = (struct publication_node){
		.name = "gw1", .has_report_key = true, .report_key = key_pin(report_key)};
	buffer_init(&named, BIG);
}

static void tear_down(void)
{
	compliance_table_free(table);
	store_close(store);
	key_free(report_key);
	key_free(other_key);
	buffer_fini(&named);
	unlink(path);
	rmdir(directory);
}

/* A whole RPT with `named`, as the session gives it. */
struct rpt {
	struct buffer octets;
	struct arena arena;
	struct cops_message message;
};

static void rpt_init(struct rpt *r, enum cops_report_type type)
{
	struct cops_fault fault;
	struct cops_run run;
	uint16_t gperr, sub_code;
	size_t begun;

	buffer_init(&r->octets, BIG);
	arena_init(&r->arena, COPS_ARENA_LIMIT);
	begun = cops_begin(&r->octets, COPS_RPT, COPS_FLAG_SOLICITED, COPS_CLIENT_PROVISIONING);
	cops_put_handle(&r->octets, view_of_string("H"));
	cops_put_report_type(&r->octets, type);
	cops_run_begin(&run, &r->octets, COPS_IN_CLIENT_SI);
	cops_run_add(&run, buffer_view(&named));
	cops_run_end(&run);
	cops_end(&r->octets, begun);
	ck_assert_msg(!cops_decode(buffer_view(&r->octets), &r->arena, &r->message, &fault), "%s",
		fault.error.text);
	ck_assert_msg(!cops_check(&r->message, COPS_PR, &fault), "%s", fault.error.text);
	ck_assert_msg(!cops_check_data(&r->message, &gperr, &sub_code, &error), "%s", error.text);
	buffer_reset(&named);
}

static void rpt_fini(struct rpt *r)
{
	buffer_fini(&r->octets);
	arena_fini(&r->arena);
}

static const struct session_binding this_session = {{5}}, other_session = {{6}};

static void put_compliance(const struct key *key, const char *node, uint32_t decision,
	uint64_t serial, uint64_t now, struct buffer *out)
{
	const struct report_origin origin = {decision, this_session};

	tenant_compliance(key, node, &origin, serial, now, out);
}

static enum err report(const struct publication_node *node, enum cops_report_type type,
	uint32_t decision, uint64_t now, const struct store_report **ret_report)
{
	const struct report_origin origin = {decision, this_session};
	struct rpt r;
	enum err result;

	rpt_init(&r, type);
	result = compliance_report(table, node, &r.message, &origin, now, ret_report, &error);
	rpt_fini(&r);
	return result;
}

START_TEST(a_signed_success_counts_from_when_it_was_first_said)
{
	const struct store_report *r = NULL;

	ck_assert_ptr_null(compliance_find(table, "gw1"));
	ck_assert_uint_eq(compliance_count(table, "gw1"), 0);
	put_compliance(report_key, "gw1", DECISION, 20, NOW, &named);
	ck_assert_msg(!report(&gw1, COPS_SUCCESS, DECISION, 100, &r), "%s", error.text);
	ck_assert_ptr_eq(compliance_find(table, "gw1"), r);
	ck_assert_str_eq(r->node, "gw1");
	ck_assert(r->success);
	ck_assert_str_eq(r->text, "");
	ck_assert_uint_eq(r->serial, 20);
	ck_assert_uint_eq(r->since, 100);

	put_compliance(report_key, "gw1", DECISION + 1, 20, NOW, &named);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, DECISION + 1, 200, &r), E_OK);
	ck_assert_uint_eq(r->since, 100);
	ck_assert_uint_eq(r->time, 200);
	put_compliance(report_key, "gw1", DECISION + 2, 21, NOW, &named);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, DECISION + 2, 300, &r), E_OK);
	ck_assert_uint_eq(r->serial, 21);
	ck_assert_uint_eq(r->since, 300);
	ck_assert_uint_eq(compliance_count(table, "gw1"), 3);
}
END_TEST

START_TEST(an_unsigned_success_is_none)
{
	const struct store_report *r = NULL;

	put_compliance(report_key, "gw1", 1, 20, NOW, &named);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, 1, 100, &r), E_OK);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, 2, 200, &r), E_OK);
	ck_assert(!r->success);
	ck_assert_str_eq(r->text, "says success, but its enforcer has not signed it");
	/* What it proved before still holds. */
	ck_assert_uint_eq(r->serial, 20);
	ck_assert_uint_eq(r->since, 100);
}
END_TEST

/* Reports that prove nothing, or something else. */
START_TEST(what_is_signed_wrongly_is_not_recorded)
{
	const struct store_report *r = NULL;
	const struct report_origin earlier = {DECISION, other_session};
	struct publication_node keyless = gw1;

	put_compliance(other_key, "gw1", DECISION, 20, NOW, &named);
	ck_assert_int_ne(report(&gw1, COPS_SUCCESS, DECISION, 100, &r), E_OK);

	put_compliance(report_key, "alice", DECISION, 20, NOW, &named);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, DECISION, 100, &r), E_MISMATCH);
	ck_assert_str_eq(error.text, "report signed for node alice, sent by gw1");

	put_compliance(report_key, "gw1", DECISION - 1, 20, NOW, &named);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, DECISION, 100, &r), E_STALE);

	for (uint32_t answered = 0; answered <= DECISION; answered += DECISION) {
		tenant_compliance(report_key, "gw1", &earlier, 20, NOW, &named);
		ck_assert_int_eq(report(&gw1, COPS_SUCCESS, answered, 100, &r), E_STALE);
		ck_assert_str_eq(error.text, "report of gw1 signed for another session");
	}

	put_compliance(report_key, "gw1", DECISION, 20, NOW, &named);
	named.data[named.len / 2] ^= 1;
	ck_assert_int_ne(report(&gw1, COPS_SUCCESS, DECISION, 100, &r), E_OK);

	put_compliance(report_key, "gw1", DECISION, 20, NOW, &named);
	put_compliance(report_key, "gw1", DECISION, 20, NOW, &named);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, DECISION, 100, &r), E_DUPLICATE);

	keyless.has_report_key = false;
	put_compliance(report_key, "gw1", DECISION, 20, NOW, &named);
	ck_assert_int_eq(report(&keyless, COPS_SUCCESS, DECISION, 100, &r), E_MISSING);

	ck_assert_ptr_null(r);
	ck_assert_ptr_null(compliance_find(table, "gw1"));
	ck_assert_uint_eq(compliance_count(table, "gw1"), 0);
	/* A report on nobody's request may be about any decision. */
	put_compliance(report_key, "gw1", DECISION, 20, NOW, &named);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, 0, 100, &r), E_OK);
}
END_TEST

static void put_failure(uint32_t instance, struct view text)
{
	struct pri pri;

	pri_init(&pri, PIB_copsecFailure, instance);
	pri_set_oid(&pri, copsecFailureInstance, &oid_none);
	pri_set_octets(&pri, copsecFailureText, text);
	ck_assert_msg(!pri_put(&named, &pri, &error), "%s", error.text);
}

static void put_error_prid(enum pib_class_id class, uint32_t instance)
{
	struct pr_object object;
	struct cursor run;
	struct buffer prid;

	buffer_init(&prid, 4096);
	prid_put(&prid, &(struct prid){pib_class(class), instance});
	run = cursor_over(buffer_view(&prid));
	ck_assert_int_eq(pr_next(&run, &object), E_OK);
	pr_put(&named, PR_ERROR_PRID, object.contents);
	buffer_fini(&prid);
}

static const char *failure(void)
{
	const struct store_report *r = NULL;

	ck_assert_msg(!report(&gw1, COPS_FAILURE, DECISION, 100, &r), "%s", error.text);
	ck_assert(!r->success);
	return r->text;
}

START_TEST(a_failure_becomes_a_sentence)
{
	static const uint8_t unknown_prid[] = {0x06, 0x03, 0x2b, 0x06, 0x01};
	static const uint8_t hostile[] = "\x1b[2J\xff\n\xc3\xa4";

	ck_assert_str_eq(failure(), "failed without a reason");

	put_failure(1, view_of_string("root of set lan is wrong"));
	ck_assert_str_eq(failure(), "root of set lan is wrong");

	pr_put_error(&named, PR_GPERR, PR_GPERR_MALFORMED_DECISION, 0);
	put_failure(1, view_of_string("no index"));
	ck_assert_str_eq(failure(), "malformedDecision; no index");

	put_error_prid(PIB_ipSecRule, 7);
	pr_put_error(&named, PR_CPERR, PR_CPERR_ATTR_REFERENCE_UNKNOWN, ipSecRuleIpSecActionSetId);
	put_failure(1, view_of_string("no such action"));
	put_error_prid(PIB_ipSecRule, 8);
	pr_put_error(&named, PR_CPERR, PR_CPERR_PRI_SPECIFIC_ERROR, 5);
	ck_assert_str_eq(failure(),
		"ipSecRule.7: attrReferenceUnknown (ipSecRuleIpSecActionSetId); "
		"no such action; ipSecRule.8: priSpecificError (sub-code 5)");

	pr_put(&named, PR_ERROR_PRID, VIEW(unknown_prid, sizeof unknown_prid));
	pr_put_error(&named, PR_CPERR, PR_CPERR_UNKNOWN_PRC, 0);
	ck_assert_str_eq(failure(), "a PRI of an unknown class: unknownPrc");

	put_failure(1, VIEW(hostile, sizeof hostile - 1));
	ck_assert_str_eq(failure(), "?[2J????");
}
END_TEST

START_TEST(a_long_failure_is_cut)
{
	char text[200];
	const char *said;

	memset(text, 'x', sizeof text);
	for (uint32_t i = 1; i <= 5; i++)
		put_failure(i, VIEW(text, sizeof text));
	ck_assert_uint_eq(strlen(failure()), 5 * 200 + 4 * 2);
	for (uint32_t i = 1; i <= 100; i++)
		put_failure(i, VIEW(text, sizeof text));
	said = failure();
	ck_assert_uint_eq(strlen(said), COMPLIANCE_TEXT_SIZE - 1);
	ck_assert_str_eq(said + COMPLIANCE_TEXT_SIZE - 6, "xx...");
}
END_TEST

START_TEST(what_was_flushed_is_remembered)
{
	static const struct publication_node alice = {.name = "alice"};
	const struct store_report *r = NULL;
	struct compliance_table *again = NULL;

	put_compliance(report_key, "gw1", 1, 20, NOW, &named);
	ck_assert_int_eq(report(&gw1, COPS_SUCCESS, 1, 100, &r), E_OK);
	put_failure(1, view_of_string("no memory"));
	ck_assert_int_eq(report(&alice, COPS_FAILURE, 1, 101, &r), E_OK);
	ck_assert_int_eq(compliance_flush(table, &error), E_OK);
	/* This one is lost. */
	ck_assert_int_eq(report(&alice, COPS_FAILURE, 2, 102, &r), E_OK);

	ck_assert_int_eq(compliance_table_new(store, &again, &error), E_OK);
	r = compliance_find(again, "gw1");
	ck_assert_ptr_nonnull(r);
	ck_assert(r->success);
	ck_assert_uint_eq(r->serial, 20);
	ck_assert_uint_eq(compliance_count(again, "gw1"), 0);
	r = compliance_find(again, "alice");
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(r->text, "no memory");
	ck_assert_uint_eq(r->time, 101);
	compliance_table_free(again);
}
END_TEST

START_TEST(there_is_a_limit_to_the_nodes)
{
	const struct report_origin origin = {1, this_session};
	const struct store_report *reported = NULL;
	char name[16];
	const struct publication_node node = {.name = name};
	struct rpt r;

	rpt_init(&r, COPS_FAILURE);
	for (unsigned i = 0; i < COMPLIANCE_NODES_MAX; i++) {
		snprintf(name, sizeof name, "n%05u", i);
		if (compliance_report(table, &node, &r.message, &origin, 100, &reported, &error))
			ck_abort_msg("%s", error.text);
	}
	snprintf(name, sizeof name, "one more");
	ck_assert_int_eq(compliance_report(table, &node, &r.message, &origin, 100, &reported, &error),
		E_LIMIT);
	snprintf(name, sizeof name, "n00007");
	ck_assert_int_eq(compliance_report(table, &node, &r.message, &origin, 100, &reported, &error),
		E_OK);
	ck_assert_uint_eq(compliance_count(table, "n00007"), 2);
	rpt_fini(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("compliance");
	TCase *c = tcase_create("compliance");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_signed_success_counts_from_when_it_was_first_said);
	tcase_add_test(c, an_unsigned_success_is_none);
	tcase_add_test(c, what_is_signed_wrongly_is_not_recorded);
	tcase_add_test(c, a_failure_becomes_a_sentence);
	tcase_add_test(c, a_long_failure_is_cut);
	tcase_add_test(c, what_was_flushed_is_remembered);
	tcase_add_test(c, there_is_a_limit_to_the_nodes);
	suite_add_tcase(s, c);
	return suite_main(s);
}
