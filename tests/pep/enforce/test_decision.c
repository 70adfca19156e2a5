/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A decision is taken apart by PRIDs only, and what is unsigned changes nothing. */
#include "tests/suite.h"

#include <string.h>

#include "pep/enforce/decision.h"
#include "pep/enforce/report.h"
#include "pep/enforce/warnings.h"

struct fixture {
	struct arena arena;
	struct verdict verdict;
	struct decision decision;
	struct buffer octets[4];
	struct transfer_piece pieces[4];
	size_t count;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	arena_init(&f->arena, DECISION_ARENA_MAX);
	verdict_init(&f->verdict);
}

static void teardown(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		buffer_fini(&f->octets[i]);
	arena_fini(&f->arena);
}

static struct buffer *piece(struct fixture *f, uint32_t kind)
{
	struct buffer *b = &f->octets[f->count];

	buffer_init(b, MESSAGE_PIECE_MAX);
	f->pieces[f->count++].kind = kind;
	return b;
}

static enum err read_all(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		f->pieces[i].octets = buffer_view(&f->octets[i]);
	return decision_read(f->pieces, f->count, &f->arena, &f->decision, &f->verdict);
}

static void put(struct buffer *b, const struct pri *pri)
{
	struct error e;

	ck_assert_msg(!pri_put(b, pri, &e), "%s", e.text);
}

static void put_index(struct buffer *b)
{
	struct pri pri;

	pri_init(&pri, PIB_copsecIndex, 1);
	pri_set_text(&pri, copsecIndexSigned, "not looked at");
	put(b, &pri);
}

static void init_incarnation(struct pri *pri)
{
	pri_init(pri, PIB_frwkPibIncarnation, 1);
	pri_set_text(pri, frwkPibIncarnationName, "pdp1");
	pri_set_text(pri, frwkPibIncarnationId, "7");
	for (unsigned a = frwkPibIncarnationLongevity; a <= frwkPibIncarnationFullState; a++)
		pri_set_null(pri, a);
}

/* What frwkPibIncarnation may say, and what is answered if it says more. */
static const struct {
	unsigned attribute; /* 0: all NULL */
	int32_t value;
	uint16_t cperr; /* 0: accepted */
} incarnations[] = {
	{0, 0, 0},
	{frwkPibIncarnationLongevity, frwkPibIncarnationLongevity_expireNever, 0},
	{frwkPibIncarnationLongevity, frwkPibIncarnationLongevity_expireImmediate,
	 PR_CPERR_ATTR_ENUM_SUP_LIMITED},
	{frwkPibIncarnationLongevity, frwkPibIncarnationLongevity_expireOnTimeout,
	 PR_CPERR_ATTR_ENUM_SUP_LIMITED},
	{frwkPibIncarnationTtl, 0, 0},
	{frwkPibIncarnationTtl, 60, PR_CPERR_ATTR_VALUE_SUP_LIMITED},
	{frwkPibIncarnationInCtxtSet, 1, 0},
	{frwkPibIncarnationInCtxtSet, 2, PR_CPERR_ATTR_ENUM_SUP_LIMITED},
	{frwkPibIncarnationActive, 1, 0},
	{frwkPibIncarnationActive, 2, PR_CPERR_ATTR_ENUM_SUP_LIMITED},
	{frwkPibIncarnationFullState, 1, 0},
};

START_TEST(incarnation_cannot_end_what_is_signed)
{
	struct pib_error_object code;
	struct fixture f;
	struct pri pri;
	enum err err;

	setup(&f);
	init_incarnation(&pri);
	if (incarnations[_i].attribute == frwkPibIncarnationTtl)
		pri_set_u32(&pri, frwkPibIncarnationTtl, (uint32_t)incarnations[_i].value);
	else if (incarnations[_i].attribute)
		pri_set_i32(&pri, incarnations[_i].attribute, incarnations[_i].value);
	put(piece(&f, PIECE_INSTALL), &pri);
	err = read_all(&f);
	if (!incarnations[_i].cperr) {
		ck_assert_msg(!err, "%s", f.verdict.why.text);
		ck_assert(view_equal(f.decision.pdp_name, view_of_string("pdp1")));
		ck_assert_uint_eq(f.decision.install_count, 0);
	} else {
		ck_assert_int_ne(err, E_OK);
		ck_assert_uint_eq(f.verdict.failures.count, 1);
		code = pib_fault_object(&f.verdict.failures.list[0].fault);
		ck_assert(!code.general);
		ck_assert_uint_eq(code.code, incarnations[_i].cperr);
		ck_assert_uint_eq(code.subcode, incarnations[_i].attribute);
	}
	teardown(&f);
}
END_TEST

START_TEST(no_pieces_are_a_null_decision)
{
	struct fixture f;

	setup(&f);
	ck_assert_int_eq(read_all(&f), E_OK);
	ck_assert_uint_eq(f.decision.install_count + f.decision.remove_count, 0);
	teardown(&f);
}
END_TEST

START_TEST(framework_rows_stay_out_of_the_sets)
{
	struct fixture f;
	struct buffer *b;
	struct pri pri;
	size_t first, second;

	setup(&f);
	b = piece(&f, PIECE_INSTALL);
	put_index(b);
	first = b->len;
	init_incarnation(&pri);
	put(b, &pri);
	second = b->len;
	pri_init(&pri, PIB_copsecAssignment, 1);
	pri_set_text(&pri, copsecAssignmentSigned, "nor this");
	put(b, &pri);
	ck_assert_msg(!read_all(&f), "%s", f.verdict.why.text);
	ck_assert_uint_eq(f.decision.install_count, 2);
	ck_assert(view_equal(f.decision.installs[0], VIEW(b->data, first)));
	ck_assert(view_equal(f.decision.installs[1], VIEW(b->data + second, b->len - second)));
	teardown(&f);
}
END_TEST

START_TEST(a_run_goes_on_over_pieces_in_any_cut)
{
	struct fixture f;
	size_t octets = 0;

	setup(&f);
	for (int i = 0; i < 4; i++)
		put_index(piece(&f, PIECE_INSTALL));
	ck_assert_int_eq(read_all(&f), E_OK);
	for (size_t i = 0; i < f.decision.install_count; i++)
		octets += f.decision.installs[i].len;
	ck_assert_uint_eq(octets, 4 * f.octets[0].len);
	teardown(&f);
}
END_TEST

START_TEST(removes_are_passed_on)
{
	struct prid prid = {pib_class(PIB_ipSecRule), 9};
	struct fixture f;

	setup(&f);
	prid_put(piece(&f, PIECE_REMOVE), &prid);
	ck_assert_int_eq(read_all(&f), E_OK);
	ck_assert_uint_eq(f.decision.remove_count, 1);
	ck_assert(view_equal(f.decision.removes[0], buffer_view(&f.octets[0])));
	teardown(&f);
}
END_TEST

/* Octets that are no decision, and the GPERR or CPERR that they are answered with. */
static const struct {
	uint32_t kind;
	const char *hex;
	uint16_t gperr, cperr;
	const char *why;
} malformed[] = {
	{PIECE_INSTALL, "00", PR_GPERR_MALFORMED_DECISION, 0, "no header"},
	{PIECE_INSTALL, "000d010106072b06010202080100000000", PR_GPERR_MALFORMED_DECISION, 0,
	 "a PRID without EPD, and an octet too many"},
	{PIECE_INSTALL, "000d010106072b06010202080100000000040301", 0, PR_CPERR_UNKNOWN_PRC,
	 "a class that nobody knows"},
	{PIECE_INSTALL, "000d010106072b060102020801010000", PR_GPERR_INVALID_OBJECT_PAD, 0,
	 "padding that is not zero"},
	{PIECE_INSTALL, "0004630100040301", PR_GPERR_UNKNOWN_COPS_PR_OBJECT, 0, "an unknown object"},
	{PIECE_REMOVE, "00040301", PR_GPERR_MALFORMED_DECISION, 0, "an EPD in a remove"},
	{PIECE_INSTALL, "000b020106052b06010202000004030100", PR_GPERR_MALFORMED_DECISION, 0,
	 "a prefix in an install"},
};

START_TEST(what_is_no_decision_gets_its_code)
{
	struct fixture f;
	uint8_t octets[64];
	size_t len = strlen(malformed[_i].hex) / 2;

	setup(&f);
	ck_assert(hex_decode(octets, len, malformed[_i].hex));
	buffer_put(piece(&f, malformed[_i].kind), octets, len);
	ck_assert_msg(read_all(&f) != E_OK, "%s", malformed[_i].why);
	ck_assert_msg(f.verdict.general == malformed[_i].gperr, "%s: GPERR %u, %s",
	              malformed[_i].why, f.verdict.general, f.verdict.why.text);
	if (malformed[_i].cperr) {
		ck_assert_uint_eq(f.verdict.failures.count, 1);
		ck_assert_uint_eq(pib_fault_object(&f.verdict.failures.list[0].fault).code,
		                  malformed[_i].cperr);
	}
	teardown(&f);
}
END_TEST

START_TEST(classes_for_reports_are_not_installed)
{
	struct fixture f;
	struct pri pri;

	setup(&f);
	pri_init(&pri, PIB_copsecCompliance, 1);
	pri_set_text(&pri, copsecComplianceSigned, "forged");
	put(piece(&f, PIECE_INSTALL), &pri);
	pri_init(&pri, PIB_frwkDeviceId, 1);
	pri_set_text(&pri, frwkDeviceIdDescr, "x");
	put(piece(&f, PIECE_INSTALL), &pri);
	ck_assert_int_ne(read_all(&f), E_OK);
	ck_assert_uint_eq(f.verdict.failures.count, 2);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(pib_fault_object(&f.verdict.failures.list[i].fault).code,
		                  PR_CPERR_PRI_NOTIFY_ONLY);
	teardown(&f);
}
END_TEST

START_TEST(the_failure_report_keeps_to_the_grammar)
{
	struct buffer report;
	uint16_t code, sub_code;
	struct fixture f;
	struct pri pri;
	struct error e;

	setup(&f);
	init_incarnation(&pri);
	pri_set_i32(&pri, frwkPibIncarnationActive, 2);
	put(piece(&f, PIECE_INSTALL), &pri);
	ck_assert_int_ne(read_all(&f), E_OK);
	buffer_init(&report, MESSAGE_PIECE_MAX);
	report_failure(&f.verdict, &report);
	ck_assert_msg(!pr_check(PR_IN_REPORT, buffer_view(&report), &code, &sub_code, &e), "%s",
	              e.text);
	/* ErrorPRID first: the fault is that of one PRI. */
	ck_assert_uint_eq(report.data[2], PR_ERROR_PRID);
	buffer_reset(&report);

	verdict_init(&f.verdict);
	error_set(&e, E_BUG, "of no PRI");
	verdict_general(&f.verdict, PR_GPERR_UNKNOWN_ERROR, 0, &e);
	report_failure(&f.verdict, &report);
	ck_assert_msg(!pr_check(PR_IN_REPORT, buffer_view(&report), &code, &sub_code, &e), "%s",
	              e.text);
	ck_assert_uint_eq(report.data[2], PR_GPERR);
	buffer_reset(&report);

	/* No code at all would be no report. */
	verdict_init(&f.verdict);
	report_failure(&f.verdict, &report);
	ck_assert_uint_eq(report.data[2], PR_GPERR);
	buffer_fini(&report);
	teardown(&f);
}
END_TEST

START_TEST(a_report_of_many_faults_fits_into_a_message)
{
	struct verdict v;
	struct buffer report;
	struct error e;

	verdict_init(&v);
	for (uint32_t i = 1; i <= 100; i++) {
		struct prid prid = {pib_class(PIB_ipSecRule), i};

		error_set(&e, E_RANGE, "%0*u", (int)sizeof e.text - 1, i);
		verdict_pri(&v, (struct pib_fault){PIB_FAULT_VALUE, 9, 0}, &prid, &e);
	}
	buffer_init(&report, 8192);
	report_failure(&v, &report);
	ck_assert_int_eq(report.error, E_OK);
	ck_assert_uint_gt(report.len, 1000);
	buffer_fini(&report);
}
END_TEST

static void put_with_extra(struct buffer *out, size_t extra)
{
	static const uint8_t null[] = {0x05, 0x00, 0x05, 0x00};
	struct pr_object name, values;
	struct buffer row, epd;
	struct cursor c;

	buffer_init(&row, 4096);
	buffer_init(&epd, 4096);
	put_index(&row);
	c = cursor_over(buffer_view(&row));
	ck_assert(!pr_next(&c, &name) && !pr_next(&c, &values));
	buffer_put_view(&epd, values.contents);
	buffer_put(&epd, null, extra * 2);
	buffer_put_view(out, name.raw);
	pr_put(out, PR_EPD, buffer_view(&epd));
	buffer_fini(&row);
	buffer_fini(&epd);
}

/* RFC 3084 section 4.3: ignored, and a warning. */
START_TEST(attributes_that_are_not_known_are_a_warning)
{
	for (size_t extra = 0; extra <= 2; extra++) {
		const struct pri_failures *w;
		struct pib_error_object object;
		struct fixture f;

		setup(&f);
		put_with_extra(piece(&f, PIECE_INSTALL), extra);
		ck_assert_int_eq(read_all(&f), E_OK);
		w = &f.verdict.warnings;
		decision_warn(&f.decision, NULL, &f.verdict.warnings);
		ck_assert_uint_eq(w->count, extra != 0);
		if (extra) {
			object = pib_fault_object(&w->list[0].fault);
			ck_assert_uint_eq(object.code, PR_CPERR_ATTR_VALUE_SUP_LIMITED);
			ck_assert_uint_eq(object.subcode,
			                  pib_class(PIB_copsecIndex)->attribute_count + 1);
		}
		teardown(&f);
	}
}
END_TEST

START_TEST(warnings_are_limited)
{
	struct prid prid = {pib_class(PIB_ipSecRule), 1};
	struct buffer *run;
	struct fixture f;

	setup(&f);
	run = piece(&f, PIECE_REMOVE);
	for (; prid.instance <= PRI_FAILURES_MAX + 10; prid.instance++)
		prid_put(run, &prid);
	ck_assert_int_eq(read_all(&f), E_OK);
	decision_warn(&f.decision, NULL, &f.verdict.warnings);
	ck_assert_uint_eq(f.verdict.warnings.count, PRI_FAILURES_MAX);
	teardown(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/enforce/decision");
	TCase *t = tcase_create("decisions");

	tcase_add_loop_test(t, incarnation_cannot_end_what_is_signed, 0,
	                    sizeof incarnations / sizeof incarnations[0]);
	tcase_add_test(t, no_pieces_are_a_null_decision);
	tcase_add_test(t, framework_rows_stay_out_of_the_sets);
	tcase_add_test(t, a_run_goes_on_over_pieces_in_any_cut);
	tcase_add_test(t, removes_are_passed_on);
	tcase_add_loop_test(t, what_is_no_decision_gets_its_code, 0,
	                    sizeof malformed / sizeof malformed[0]);
	tcase_add_test(t, classes_for_reports_are_not_installed);
	tcase_add_test(t, the_failure_report_keeps_to_the_grammar);
	tcase_add_test(t, a_report_of_many_faults_fits_into_a_message);
	tcase_add_test(t, attributes_that_are_not_known_are_a_warning);
	tcase_add_test(t, warnings_are_limited);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
