/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/pr.h"
#include "tests/common/cops/octets.h"
#include "tests/suite.h"

static const uint8_t oid[] = {0x06, 0x07, 0x2b, 0x06, 0x01, 0x02, 0x02, 0x08, 0x01};
#define OID VIEW(oid, sizeof oid)

START_TEST(the_examples_of_rfc_3084)
{
	static const struct {
		enum pr_s_num s_num;
		const char *contents, *object;
	} cases[] = {
		{PR_PRID, "06072b060102020801", "000d010106072b060102020801000000"},
		{PR_PPRID, "06052b06010202", "000b020106052b0601020200"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view contents = octets_of_hex(cases[i].contents);
		struct view object = octets_of_hex(cases[i].object);
		struct cursor c = cursor_over(object);
		struct pr_object o;
		struct buffer b;

		buffer_init(&b, 100);
		pr_put(&b, cases[i].s_num, contents);
		ck_assert(view_equal(buffer_view(&b), object));
		ck_assert_int_eq(pr_next(&c, &o), E_OK);
		ck_assert_uint_eq(o.s_num, cases[i].s_num);
		ck_assert_uint_eq(o.s_type, PR_BER);
		ck_assert(view_equal(o.contents, contents));
		ck_assert(view_equal(o.raw, object));
		ck_assert_int_eq(cursor_done(&c), E_OK);
		buffer_fini(&b);
		octets_free(contents);
		octets_free(object);
	}
}
END_TEST

/* What stops a run, and what the peer is told about it. */
START_TEST(faults_have_their_own_gperr)
{
	static const struct {
		const char *why, *run;
		enum err code;
		uint16_t gperr, sub_code;
	} cases[] = {
		{"S-Num 0", "0008000100000000", E_UNKNOWN, 10, 0x0001},
		{"S-Num 7", "0008070100000000", E_UNKNOWN, 10, 0x0701},
		{"XML", "0008030200000000", E_UNKNOWN, 10, 0x0302},
		{"S-Num and S-Type swapped", "0008010300000000", E_UNKNOWN, 10, 0x0103},
		{"padding is not zero", "000703010201020100080501000100ff", E_PADDING, 8, 0},
		{"length below the header", "00030301", E_LENGTH, 11, 0},
		{"overruns", "0009030102010200", E_TRUNCATED, 11, 0},
		{"padding is cut in the middle", "00050301420000", E_TRUNCATED, 11, 0},
		{"header is cut", "0008", E_TRUNCATED, 11, 0},
		{"PRID is no OID", "0008010102020000", E_SYNTAX, 11, 0},
		{"PRID with something behind the OID", "000901010603010203000000", E_OK, 0, 0},
		{"PRID with an octet behind the OID", "000a010106032b0601050000", E_SYNTAX, 11, 0},
		{"OID of no octets", "000801010600ffff", E_SYNTAX, 11, 0},
		{"OID that ends inside a sub-identifier", "000901010603010283000000", E_SYNTAX, 11,
			0},
		{"CPERR 0", "0008050100000000", E_RANGE, 11, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view run = octets_of_hex(cases[i].run);
		struct cursor c = cursor_over(run);
		struct pr_object o;
		uint16_t gperr = 0, sub_code = 0;

		ck_assert_msg(pr_next(&c, &o) == cases[i].code, "%s: %s", cases[i].why,
			err_text(c.error));
		if (cases[i].code) {
			pr_fault(&c, &gperr, &sub_code);
			ck_assert_uint_eq(c.at, 0);
		}
		ck_assert_msg(gperr == cases[i].gperr && sub_code == cases[i].sub_code,
			"%s: GPERR %u sub-code 0x%04x", cases[i].why, gperr, sub_code);
		octets_free(run);
	}
}
END_TEST

START_TEST(the_last_padding_may_be_left_out)
{
	struct view run = octets_of_hex("0005030142000000000603014243");
	struct cursor c = cursor_over(run);
	struct pr_object o;

	ck_assert_int_eq(pr_next(&c, &o), E_OK);
	ck_assert_uint_eq(o.raw.len, 8);
	ck_assert_int_eq(pr_next(&c, &o), E_OK);
	ck_assert_uint_eq(o.raw.len, 6);
	ck_assert_int_eq(cursor_done(&c), E_OK);
	octets_free(run);
}
END_TEST

/* One octet less or more than the row permits is refused, for every length up to twice it. */
START_TEST(lengths_from_nothing_to_twice_the_row)
{
	static const struct {
		enum pr_s_num s_num;
		size_t least, greatest;
		bool oid;
	} rows[] = {
		{PR_PRID, 3, PR_OID_MAX, true},
		{PR_PPRID, 3, PR_OID_MAX, true},
		{PR_ERROR_PRID, 3, PR_OID_MAX, true},
		{PR_EPD, 0, 2000, false},
		{PR_GPERR, 4, 4, false},
		{PR_CPERR, 4, 4, false},
	};

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		for (size_t len = 0; len <= 2 * rows[r].greatest; len++) {
			size_t whole = PR_HEADER + len;
			uint8_t *p = calloc(1, (whole + 3) / 4 * 4);
			struct cursor c = cursor_over(VIEW(p, (whole + 3) / 4 * 4));
			bool good = len >= rows[r].least &&
				    (len <= rows[r].greatest || rows[r].s_num == PR_EPD);
			struct pr_object o;

			p[0] = (uint8_t)(whole >> 8);
			p[1] = (uint8_t)whole;
			p[2] = (uint8_t)rows[r].s_num;
			p[3] = PR_BER;
			memset(p + PR_HEADER, 1, len);
			/* One octet of length is enough up to 127, then two more. */
			if (rows[r].oid && len >= 3 && len < 130) {
				p[4] = 6;
				p[5] = (uint8_t)(len - 2);
			} else if (rows[r].oid && len >= 130) {
				p[4] = 6;
				p[5] = 0x82;
				p[6] = (uint8_t)((len - 4) >> 8);
				p[7] = (uint8_t)(len - 4);
			}
			ck_assert_msg((pr_next(&c, &o) == E_OK) == good, "%s of %zu octets: %s",
				pr_s_num_name((uint8_t)rows[r].s_num), len, err_text(c.error));
			free(p);
		}
	}
}
END_TEST

START_TEST(an_object_that_no_carrier_can_hold_is_not_built)
{
	uint8_t *octets = calloc(1, PR_CONTENTS_MAX + 1);
	struct buffer b;

	buffer_init(&b, 1 << 20);
	pr_put(&b, PR_EPD, VIEW(octets, PR_CONTENTS_MAX));
	ck_assert_int_eq(b.error, E_OK);
	pr_put(&b, PR_EPD, VIEW(octets, PR_CONTENTS_MAX + 1));
	ck_assert_int_eq(b.error, E_LIMIT);
	buffer_reset(&b);
	pr_put(&b, PR_PRID, VIEW(octets, 8));
	ck_assert_int_eq(b.error, E_BUG);
	buffer_fini(&b);
	free(octets);
}
END_TEST

/* Objects by letter: P PRID, X PPRID, E EPD, G GPERR, C CPERR, R ErrorPRID. */
static void put_letters(struct buffer *b, const char *letters)
{
	for (; *letters; letters++) {
		switch (*letters) {
		case 'P':
			pr_put(b, PR_PRID, OID);
			break;
		case 'X':
			pr_put(b, PR_PPRID, OID);
			break;
		case 'R':
			pr_put(b, PR_ERROR_PRID, OID);
			break;
		case 'E':
			pr_put(b, PR_EPD, view_of_string("\x02\x01\x07"));
			break;
		case 'G':
			pr_put_error(b, PR_GPERR, PR_GPERR_UNKNOWN_ERROR, 0);
			break;
		default:
			pr_put_error(b, PR_CPERR, PR_CPERR_UNKNOWN_PRC, 0);
		}
	}
}

START_TEST(each_place_has_its_grammar)
{
	static const struct {
		enum pr_place place;
		const char *run;
		enum err code;
	} cases[] = {
		{PR_IN_INSTALL, "", E_OK},
		{PR_IN_INSTALL, "PEPE", E_OK},
		{PR_IN_INSTALL, "P", E_MISSING},
		{PR_IN_INSTALL, "PEE", E_UNEXPECTED},
		{PR_IN_INSTALL, "E", E_UNEXPECTED},
		{PR_IN_INSTALL, "X", E_UNEXPECTED},
		{PR_IN_INSTALL, "PX", E_UNEXPECTED},
		{PR_IN_INSTALL, "G", E_UNEXPECTED},
		{PR_IN_REMOVE, "", E_OK},
		{PR_IN_REMOVE, "PXXP", E_OK},
		{PR_IN_REMOVE, "PE", E_UNEXPECTED},
		{PR_IN_REQUEST, "PE", E_OK},
		{PR_IN_REQUEST, "XE", E_UNEXPECTED},
		{PR_IN_REPORT, "", E_OK},
		{PR_IN_REPORT, "G", E_OK},
		{PR_IN_REPORT, "GRC", E_OK},
		{PR_IN_REPORT, "GRCPERCPEPE", E_OK},
		{PR_IN_REPORT, "PE", E_OK},
		{PR_IN_REPORT, "R", E_MISSING},
		{PR_IN_REPORT, "C", E_UNEXPECTED},
		{PR_IN_REPORT, "RCG", E_UNEXPECTED},
		{PR_IN_REPORT, "GG", E_UNEXPECTED},
		{PR_IN_ACCOUNTING, "PE", E_OK},
		{PR_IN_ACCOUNTING, "G", E_UNEXPECTED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint16_t gperr = 0, sub_code;
		struct buffer b;
		struct error e = {0};

		buffer_init(&b, 1000);
		put_letters(&b, cases[i].run);
		ck_assert_msg(pr_check(cases[i].place, buffer_view(&b), &gperr, &sub_code, &e) ==
				      cases[i].code,
			"place %d, \"%s\": %s", (int)cases[i].place, cases[i].run, e.text);
		ck_assert_uint_eq(gperr, cases[i].code ? PR_GPERR_MALFORMED_DECISION : 0);
		buffer_fini(&b);
	}
}
END_TEST

START_TEST(cuts_leave_bindings_whole)
{
	struct buffer b;
	struct view run;
	size_t pair, report;

	buffer_init(&b, 1000);
	put_letters(&b, "PE");
	pair = b.len;
	put_letters(&b, "PERC");
	report = b.len;
	put_letters(&b, "GX");
	run = buffer_view(&b);
	for (size_t room = 0; room <= run.len + 1; room++) {
		size_t cut = pr_cut(run, room);

		ck_assert_uint_eq(cut, room >= run.len      ? run.len
				       : room >= report + 8 ? report + 8
				       : room >= report     ? report
				       : room >= 2 * pair   ? 2 * pair
				       : room >= pair       ? pair
							    : 0);
	}
	buffer_fini(&b);
}
END_TEST

START_TEST(print_names_codes_and_dots_oids)
{
	struct buffer b, out;

	buffer_init(&b, 1000);
	buffer_init(&out, 1000);
	put_letters(&b, "RCPE");
	buffer_put(&b, "\0\0\0\0", 4);
	pr_print(buffer_view(&b), "> ", &out);
	ck_assert_str_eq(buffer_string(&out),
		"> ErrorPRID oid=1.3.6.1.2.2.8.1\n"
		"> CPERR code=unknownPrc(9) sub-code=0\n"
		"> PRID oid=1.3.6.1.2.2.8.1\n"
		"> EPD values=020107\n"
		"> malformed: object length 0 is less than its header\n");
	buffer_fini(&b);
	buffer_fini(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pr");
	TCase *c = tcase_create("pr");

	tcase_add_test(c, the_examples_of_rfc_3084);
	tcase_add_test(c, faults_have_their_own_gperr);
	tcase_add_test(c, the_last_padding_may_be_left_out);
	tcase_add_test(c, lengths_from_nothing_to_twice_the_row);
	tcase_add_test(c, an_object_that_no_carrier_can_hold_is_not_built);
	tcase_add_test(c, each_place_has_its_grammar);
	tcase_add_test(c, cuts_leave_bindings_whole);
	tcase_add_test(c, print_names_codes_and_dots_oids);
	suite_add_tcase(s, c);
	return suite_main(s);
}
