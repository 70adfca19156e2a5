/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/compact.h"
#include "pmt/language/policy_file.h"
#include "pmt/language/schema.h"
#include "tests/pmt/policy_text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Each is tests/pmt/bad/NAME.xml, a policy with faults of one kind; NAME.txt is all that is said
 * about it, to the octet.
 */
static const char *const bad[] = {
	"attributes",
	"authorities",
	"conditions",
	"delegations",
	"doctype",
	"elements",
	"encoding",
	"entity",
	"expectations",
	"foreign",
	"guardians",
	"guest",
	"includes",
	"limits",
	"names",
	"namespace",
	"not-xml",
	"protections",
	"root",
	"rows",
	"rules",
	"text",
	"twice",
	"words",
};

enum { BAD_COUNT = sizeof bad / sizeof *bad };

static void read_whole(const char *path, struct buffer *out)
{
	FILE *f = fopen(path, "re");
	size_t n;

	ck_assert_msg(f != NULL, "cannot open %s", path);
	do {
		uint8_t *room = buffer_reserve(out, 65536);

		ck_assert_ptr_nonnull(room);
		n = fread(room, 1, 65536, f);
		buffer_grow(out, n);
	} while (n);
	fclose(f);
}

static void findings_of(const char *path, struct buffer *out, size_t *ret_errors)
{
	struct policy_file f;
	struct error e;
	enum err code = policy_file_read(&f, path, &e);

	ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
	diagnostics_print(&f.diagnostics, out);
	*ret_errors = f.diagnostics.errors;
	policy_file_fini(&f);
}

START_TEST(what_is_wrong_is_said_with_place_line_and_caret)
{
	struct buffer said, expected;
	char path[256];
	size_t errors;

	ck_assert_int_eq(chdir(BAD_DIR), 0);
	buffer_init(&said, 1 << 20);
	buffer_init(&expected, 1 << 20);
	snprintf(path, sizeof path, "%s.xml", bad[_i]);
	findings_of(path, &said, &errors);
	ck_assert_uint_gt(errors, 0);
	snprintf(path, sizeof path, "%s.txt", bad[_i]);
	read_whole(path, &expected);
	ck_assert_str_eq(buffer_string(&said), buffer_string(&expected));
	buffer_fini(&said);
	buffer_fini(&expected);
}
END_TEST

START_TEST(addresses_of_a_role_are_those_of_its_nodes_and_interfaces)
{
	static const char text[] = POLICY(
		"<role name='a'/><role name='b'/><role name='c'/><node name='n' roles='a' "
		"address='192.0.2.1'>  <interface name='x' roles='b' address='192.0.2.2'/>  "
		"<interface name='y' roles='c b' address='192.0.2.3'/></node><rules "
		"for='a'><allow in='yes' from='a'/><allow in='yes' from='b 192.0.2.0/24'/><allow "
		"in='yes' from='c'/></rules>");
	static const char *const expected[] = {
		"192.0.2.1 192.0.2.2 192.0.2.3 ", "192.0.2.0/24 ", "192.0.2.3 "};
	struct policy_file f;

	policy_text_read(&f, view_of_string(text));
	ck_assert_uint_eq(f.diagnostics.errors, 0);
	ck_assert_uint_eq(f.model.rule_count, 3);
	ck_assert_str_eq(f.model.nodes[0].interfaces[1].roles, "b+c");
	for (size_t i = 0; i < 3; i++) {
		const struct address_list *from = &f.model.rules[i]->from;
		struct buffer shown;

		buffer_init(&shown, 1000);
		for (size_t a = 0; a < from->count; a++) {
			print_address(&from->items[a], &shown);
			buffer_put_u8(&shown, ' ');
		}
		ck_assert_str_eq(buffer_string(&shown), expected[i]);
		buffer_fini(&shown);
	}
	policy_file_fini(&f);
}
END_TEST

START_TEST(services_of_a_rule_are_joined_by_protocol)
{
	static const char text[] = POLICY(
		"<role name='a'/><service name='s' tcp='10-20 21 443' udp='any' icmp='3/1 3 "
		"8'/><rules for='a'><allow in='yes' service='s dns https ping'/><allow in='yes' "
		"service='s any'/></rules>");
	struct policy_file f;
	const struct traffic_list *t;

	policy_text_read(&f, view_of_string(text));
	ck_assert_uint_eq(f.diagnostics.errors, 0);
	t = &f.model.rules[0]->traffic;
	ck_assert_uint_eq(t->count, 5);
	ck_assert_int_eq(t->items[0].protocol, 1);
	ck_assert_int_eq(t->items[0].icmp.type, 3);
	ck_assert_int_eq(t->items[0].icmp.code, ICMP_ANY);
	ck_assert_int_eq(t->items[1].icmp.type, 8);
	ck_assert_int_eq(t->items[2].protocol, 6);
	ck_assert_uint_eq(t->items[2].port_count, 3);
	ck_assert_uint_eq(t->items[2].ports[0].max, 21);
	ck_assert_uint_eq(t->items[2].ports[1].min, 53);
	ck_assert_int_eq(t->items[3].protocol, 17);
	ck_assert_uint_eq(t->items[3].port_count, 0);
	ck_assert_int_eq(t->items[4].protocol, 58);
	t = &f.model.rules[1]->traffic;
	ck_assert_uint_eq(t->count, 1);
	ck_assert_int_eq(t->items[0].protocol, PROTOCOL_ANY);
	policy_file_fini(&f);
}
END_TEST

/* Errors beyond the limit are counted, elements too deep end the reading, and neither crashes. */
START_TEST(floods_of_faults_and_elements_are_bounded)
{
	struct buffer text;
	struct policy_file f;

	buffer_init(&text, 1 << 24);
	buffer_put_text(&text, "<policy xmlns=\"urn:copsec:policy:1\" tenant=\"acme\">\n");
	for (int i = 0; i < 10000; i++)
		buffer_put_text(&text, "<role name=\"1\"/>\n");
	buffer_put_text(&text, "</policy>");
	policy_text_read(&f, buffer_view(&text));
	ck_assert_uint_eq(f.diagnostics.errors, 10000);
	ck_assert_uint_eq(f.diagnostics.finding_count, DIAGNOSTICS_MAX);
	policy_file_fini(&f);
	buffer_reset(&text);
	for (int i = 0; i < 100000; i++)
		buffer_put_text(&text, "<policy xmlns=\"urn:copsec:policy:1\">");
	policy_text_read(&f, buffer_view(&text));
	ck_assert_uint_eq(f.diagnostics.errors, 1);
	ck_assert(f.document.incomplete);
	policy_file_fini(&f);
	buffer_fini(&text);
}
END_TEST

/* Every prefix of the example is read without a crash, and none but the whole is right. */
START_TEST(no_prefix_of_a_policy_passes)
{
	struct buffer text;

	buffer_init(&text, 1 << 20);
	read_whole(SOURCE_DIR "/pmt/examples/nodes.xml", &text);
	for (size_t len = 0; len < text.len - 1; len += 7) {
		struct policy_file f;

		policy_text_read(&f, VIEW(text.data, len));
		ck_assert_uint_gt(f.diagnostics.errors, 0);
		policy_file_fini(&f);
	}
	buffer_fini(&text);
}
END_TEST

/* One octet of the example changed to any of some: no crash, whatever is said. */
START_TEST(damaged_octets_never_crash)
{
	static const char octets[] = {0, '<', '>', '"', '&', '/', ':', '!', -1, (char)0xc3};
	struct buffer text;

	buffer_init(&text, 1 << 20);
	read_whole(SOURCE_DIR "/pmt/examples/nodes.xml", &text);
	for (size_t at = 0; at < text.len; at += 5) {
		uint8_t kept = text.data[at];
		struct policy_file f;
		struct buffer said;

		text.data[at] = (uint8_t)octets[at / 5 % sizeof octets];
		buffer_init(&said, 1 << 20);
		policy_text_read(&f, buffer_view(&text));
		diagnostics_print(&f.diagnostics, &said);
		policy_file_fini(&f);
		buffer_fini(&said);
		text.data[at] = kept;
	}
	buffer_fini(&text);
}
END_TEST

START_TEST(the_examples_are_right)
{
	struct buffer said;
	size_t errors;

	buffer_init(&said, 1 << 20);
	findings_of(SOURCE_DIR "/pmt/examples/office.xml", &said, &errors);
	ck_assert_str_eq(buffer_string(&said), "");
	buffer_fini(&said);
}
END_TEST

START_TEST(policy_rng_is_what_the_tables_say)
{
	struct buffer is, should;

	buffer_init(&is, 1 << 20);
	buffer_init(&should, 1 << 20);
	read_whole(SOURCE_DIR "/pmt/policy.rng", &is);
	schema_print(&should);
	ck_assert_msg(view_equal(buffer_view(&is), buffer_view(&should)),
		"pmt/policy.rng is out of date: write it by `pmt schema`");
	buffer_fini(&is);
	buffer_fini(&should);
}
END_TEST

START_TEST(policy_rnc_is_policy_rng)
{
	struct buffer is, schema, should;

	buffer_init(&is, 4 << 20);
	buffer_init(&schema, 4 << 20);
	buffer_init(&should, 4 << 20);
	read_whole(SOURCE_DIR "/pmt/policy.rnc", &is);
	schema_print(&schema);
	ck_assert_int_eq(compact_print(buffer_view(&schema), &should), E_OK);
	ck_assert_msg(view_equal(buffer_view(&is), buffer_view(&should)),
		"pmt/policy.rnc is out of date: write it by `pmt schema --compact`");
	buffer_fini(&is);
	buffer_fini(&schema);
	buffer_fini(&should);
}
END_TEST

START_TEST(the_manual_lists_what_the_tables_say)
{
	struct buffer is, should;

	buffer_init(&is, 1 << 20);
	buffer_init(&should, 1 << 20);
	read_whole(SOURCE_DIR "/doc/man/copsec-policy.5", &is);
	schema_print_manual(&should);
	ck_assert_msg(strstr(buffer_string(&is), buffer_string(&should)) != NULL,
		"doc/man/copsec-policy.5 is out of date: put in it what `pmt schema --manual` "
		"says");
	buffer_fini(&is);
	buffer_fini(&should);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pmt-language");
	TCase *tc = tcase_create("language");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, what_is_wrong_is_said_with_place_line_and_caret, 0, BAD_COUNT);
	tcase_add_test(tc, addresses_of_a_role_are_those_of_its_nodes_and_interfaces);
	tcase_add_test(tc, services_of_a_rule_are_joined_by_protocol);
	tcase_add_test(tc, floods_of_faults_and_elements_are_bounded);
	tcase_add_test(tc, no_prefix_of_a_policy_passes);
	tcase_add_test(tc, damaged_octets_never_crash);
	tcase_add_test(tc, the_examples_are_right);
	tcase_add_test(tc, policy_rng_is_what_the_tables_say);
	tcase_add_test(tc, policy_rnc_is_policy_rng);
	tcase_add_test(tc, the_manual_lists_what_the_tables_say);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
