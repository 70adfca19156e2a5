/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/roles.h"

#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

static const struct {
	const char *roles;
	bool combination, pattern;
} written[] = {
	{"", true, true},
	{"a", true, true},
	{"A.b-c_9", true, true},
	{"gateway+lan", true, true},
	{"a+b+c", true, true},
	{"B+a", true, true}, /* ASCII order */
	{"abcdefghijklmnopqrstuvwxyz01234", true, true},
	{"abcdefghijklmnopqrstuvwxyz012345", false, false},
	{"b+a", false, false},
	{"a+B", false, false},
	{"a+a", false, false},
	{"+", false, false},
	{"+a", false, false},
	{"a+", false, false},
	{"a++b", false, false},
	{"9a", false, false},
	{"a b", false, false},
	{"\xc3\xa9", false, false},
	/* RFC 3318 section 3: the wildcard stands first and alone. */
	{"*", false, true},
	{"*+a", false, true},
	{"*+a+b", false, true},
	{"*+b+a", false, false},
	{"eth*+a", false, false},
	{"a+b+*", false, false},
	{"*a", false, false},
	{"*+", false, false},
	{"**", false, false},
	{"*+*", false, false},
};

START_TEST(combinations_and_patterns_are_written_as_in_rfc_3318)
{
	struct view roles = view_of_string(written[_i].roles);

	ck_assert_int_eq(role_combination_valid(roles), written[_i].combination);
	ck_assert_int_eq(role_pattern_valid(roles), written[_i].pattern);
}
END_TEST

START_TEST(a_combination_may_have_255_octets)
{
	char text[300];
	size_t len = 0;

	/* Eight roles of 31 octets are 255 with their seven plus signs; one octet more is refused. */
	for (char c = 'a'; c <= 'h'; c++) {
		memset(text + len, c, 31);
		text[len + 31] = '+';
		len += 32;
	}
	ck_assert(role_combination_valid(VIEW(text, 255)));
	ck_assert(!role_combination_valid(VIEW(text, 256)));
	memcpy(text + 256, "z", 1);
	ck_assert(!role_combination_valid(VIEW(text, 257)));
}
END_TEST

static const struct {
	const char *pattern, *roles;
	bool matches;
} matches[] = {
	{"", "", true},
	{"", "a", false},
	{"a", "a", true},
	{"a", "A", false},
	{"a", "a+b", false},
	{"a+b", "a+b", true},
	{"*", "", true},
	{"*", "a+b", true},
	{"*+a", "", false},
	{"*+a", "a", true},
	{"*+a+b", "a+b", true},
	{"*+a+b", "a+b+c", true},
	{"*+a+b", "a+c", false},
	{"*+b+e+g", "a+b+c+e+f+g", true}, /* the RFC's own example */
	{"*+b+e+g", "a+b+c+e+f", false},
	{"*+ab", "a+b", false},
	{"*+b", "bb", false},
};

START_TEST(the_wildcard_stands_for_any_other_roles)
{
	ck_assert_int_eq(role_pattern_matches(view_of_string(matches[_i].pattern),
				 view_of_string(matches[_i].roles)),
		matches[_i].matches);
}
END_TEST

/* Combinations of a, b, c, d as bits. */
static void write_roles(unsigned bits, bool wildcard, char *to)
{
	strcpy(to, wildcard ? "*" : "");
	for (unsigned i = 0; i < 4; i++)
		if (bits >> i & 1)
			sprintf(to + strlen(to), "%s%c", *to ? "+" : "", 'a' + (int)i);
}

START_TEST(matching_is_inclusion_of_sets)
{
	for (unsigned pattern = 0; pattern < 32; pattern++)
		for (unsigned roles = 0; roles < 16; roles++) {
			bool wildcard = pattern >> 4;
			unsigned wanted = pattern & 15;
			char p[16], r[16];

			write_roles(wanted, wildcard, p);
			write_roles(roles, false, r);
			ck_assert_msg(role_pattern_matches(view_of_string(p), view_of_string(r)) ==
					      (wildcard ? (wanted & ~roles) == 0 : wanted == roles),
				"'%s' and '%s'", p, r);
		}
}
END_TEST

START_TEST(patterns_overlap_if_some_combination_matches_both)
{
	for (unsigned a = 0; a < 32; a++)
		for (unsigned b = 0; b < 32; b++) {
			bool found = false;
			char p[16], q[16], r[16];

			write_roles(a & 15, a >> 4, p);
			write_roles(b & 15, b >> 4, q);
			for (unsigned roles = 0; roles < 16 && !found; roles++) {
				write_roles(roles, false, r);
				found = role_pattern_matches(view_of_string(p), view_of_string(r)) &&
					role_pattern_matches(view_of_string(q), view_of_string(r));
			}
			ck_assert_msg(role_patterns_overlap(view_of_string(p), view_of_string(q)) ==
					      found,
				"'%s' and '%s'", p, q);
		}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("roles");
	TCase *c = tcase_create("roles");

	tcase_add_loop_test(
		c, combinations_and_patterns_are_written_as_in_rfc_3318, 0, COUNT(written));
	tcase_add_test(c, a_combination_may_have_255_octets);
	tcase_add_loop_test(c, the_wildcard_stands_for_any_other_roles, 0, COUNT(matches));
	tcase_add_test(c, matching_is_inclusion_of_sets);
	tcase_add_test(c, patterns_overlap_if_some_combination_matches_both);
	suite_add_tcase(s, c);
	return suite_main(s);
}
