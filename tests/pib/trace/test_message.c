/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/trace/message.h"

#include <stdio.h>
#include <string.h>

#include "tests/common/cops/octets.h"
#include "tests/common/cops/vectors.h"
#include "tests/suite.h"

enum { SEED = 42, TEXT_MAX = 1 << 20 };

static void print(struct view octets, size_t length, struct buffer *text)
{
	struct view copy = octets_copy(octets);
	bool printable = true;

	buffer_reset(text);
	trace_print_message(copy, length, text);
	ck_assert_int_eq(text->error, E_OK);
	ck_assert_uint_gt(text->len, 0);
	for (size_t i = 0; i < text->len; i++)
		printable &= text->data[i] == '\n' || (text->data[i] >= ' ' && text->data[i] < 0x7f);
	ck_assert(printable);
	octets_free(copy);
}

static const char *vector_of(const char *name)
{
	for (size_t i = 0; i < VECTORS; i++)
		if (!strcmp(vectors[i].name, name))
			return vectors[i].hex;
	ck_abort_msg("no vector %s", name);
}

/* Octets made by another program, in the words of the schema. */
START_TEST(names_come_from_the_schema)
{
	static const struct {
		const char *vector, *lines;
	} cases[] = {
		{"REQ with full state",
		 "PRID frwkPibIncarnation.1|frwkPibIncarnationLongevity = |PRID frwkIfRoleCombo.1|"
		 "frwkRoleComboRoles = \"edge+vpn\""},
		{"DEC remove and install",
		 "PPRID frwkBaseFilter (all of them)|PRID frwkIpFilter.7|frwkIpFilterProtocol = 6|"
		 "frwkIpFilterDstPrefixLength = 24"},
		{"RPT failure",
		 "GPERR code=unknownPIBData(9)|ErrorPRID frwkIpFilter.7|"
		 "CPERR attrValueInvalid(3) in frwkIpFilterDstL4PortMin"},
	};
	struct buffer text;

	buffer_init(&text, TEXT_MAX);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view octets = octets_of_hex(vector_of(cases[i].vector));
		char lines[400], *save = NULL;

		print(octets, octets.len, &text);
		snprintf(lines, sizeof lines, "%s", cases[i].lines);
		for (char *l = strtok_r(lines, "|", &save); l; l = strtok_r(NULL, "|", &save))
			ck_assert_msg(strstr(buffer_string(&text), l), "%s: no '%s' in\n%s",
				      cases[i].vector, l, buffer_string(&text));
		octets_free(octets);
	}
	buffer_fini(&text);
}
END_TEST

START_TEST(what_was_not_kept_is_said)
{
	struct view octets = octets_of_hex(vector_of("DEC NULL"));
	struct buffer text;

	buffer_init(&text, TEXT_MAX);
	print(VIEW(octets.data, 20), octets.len, &text);
	ck_assert_str_eq(buffer_string(&text),
			 "DEC client-type 0x4001 length 32 solicited\n  12 octets of it were not kept\n");
	buffer_fini(&text);
	octets_free(octets);
}
END_TEST

/* Any octets give printable text and harm nobody. */
START_TEST(any_octets_can_be_printed)
{
	uint64_t seed = SEED;
	struct buffer text;

	buffer_init(&text, TEXT_MAX);
	for (size_t v = 0; v < VECTORS; v++) {
		struct view octets = octets_of_hex(vectors[v].hex);
		struct buffer b;

		for (size_t len = 0; len <= octets.len; len++)
			print(VIEW(octets.data, len), octets.len, &text);
		buffer_init(&b, 1 << 16);
		buffer_put_view(&b, octets);
		for (int i = 0; i < 300; i++) {
			uint8_t *octet = &b.data[chance(&seed) % b.len];
			uint8_t was = *octet;

			*octet = (uint8_t)chance(&seed);
			print(buffer_view(&b), b.len, &text);
			if (i % 3)
				*octet = was;
		}
		buffer_fini(&b);
		octets_free(octets);
	}
	buffer_fini(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib/trace");
	TCase *tc = tcase_create("message");

	tcase_add_test(tc, names_come_from_the_schema);
	tcase_add_test(tc, what_was_not_kept_is_said);
	tcase_add_test(tc, any_octets_can_be_printed);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
