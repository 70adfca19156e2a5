/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pins, endpoints and whole files: the small values that settings and messages are made of. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/network.h"
#include "common/base/file.h"
#include "common/base/pin.h"
#include "common/base/utc.h"
#include "tests/suite.h"

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

START_TEST(pin_text_is_strict)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{"sha256:" ZEROS "0f", true},   {"sha256:" ZEROS "0F", true},
		{"sha256:" ZEROS "0", false},   {"sha256:" ZEROS "0f0", false},
		{"sha256:" ZEROS "0g", false},  {"sha256: " ZEROS "0", false},
		{"SHA256:" ZEROS "0f", false},  {"sha1:" ZEROS "0f", false},
		{ZEROS "0f", false},            {"", false},
		{"sha256:", false},             {" sha256:" ZEROS "0f", false},
	};
	struct pin p = {{0}};
	struct error e;
	char text[PIN_TEXT_SIZE];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_msg((pin_parse(rows[i].text, &p, &e) == E_OK) == rows[i].valid, "%s",
			      rows[i].text);
	ck_assert_int_eq(p.sha256[31], 0x0f);
	pin_format(&p, text);
	ck_assert_str_eq(text, "sha256:" ZEROS "0f");
}
END_TEST

START_TEST(endpoint_text_reads_and_prints)
{
	static const struct {
		const char *text;
		const char *printed; /* NULL: refused */
	} rows[] = {
		{"192.0.2.1", "192.0.2.1:3288"},
		{"192.0.2.1:0", "192.0.2.1:0"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{"2001:db8::1", "[2001:db8::1]:3288"},
		{"[2001:db8::1]", "[2001:db8::1]:3288"},
		{"[2001:db8::1]:99", "[2001:db8::1]:99"},
		{"::", "[::]:3288"},
		{"[fe80::1%lo]:7", "[fe80::1%lo]:7"},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1:+1", NULL},
		{"192.0.2", NULL},
		{"[192.0.2.1]:1", NULL},
		{"[2001:db8::1", NULL},
		{"[2001:db8::1]99", NULL},
		{"[2001:db8::1]:", NULL},
		{"2001:db8::1%", NULL},
		{"fe80::1%no-such-interface", NULL},
		{"pdp.example", NULL},
		{"", NULL},
		{":3288", NULL},
		{"1111111111111111111111111111111111111111111111111111111111111111111111111111111",
		 NULL},
	};
	char text[ENDPOINT_TEXT_SIZE];
	struct endpoint p, again;
	struct error e;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum err err = endpoint_parse(rows[i].text, 3288, &p, &e);

		ck_assert_msg((err == E_OK) == (rows[i].printed != NULL), "%s", rows[i].text);
		if (err)
			continue;
		endpoint_format(&p, text);
		ck_assert_str_eq(text, rows[i].printed);
		ck_assert_int_eq(endpoint_parse(text, 1, &again, &e), E_OK);
		ck_assert(endpoint_equal(&p, &again));
	}
}
END_TEST

START_TEST(network_text_reads_and_prints)
{
	static const struct {
		const char *text;
		const char *printed; /* NULL: refused */
	} rows[] = {
		{"192.0.2.0/24", "192.0.2.0/24:3288"},
		{"192.0.2.0/24:99", "192.0.2.0/24:99"},
		{"192.0.2.128/25", "192.0.2.128/25:3288"},
		{"192.0.2.1", "192.0.2.1/32:3288"},
		{"0.0.0.0/0", "0.0.0.0/0:3288"},
		{"2001:db8::/32", "[2001:db8::/32]:3288"},
		{"[2001:db8::/32]", "[2001:db8::/32]:3288"},
		{"[2001:db8::/32]:99", "[2001:db8::/32]:99"},
		{"2001:db8::1", "[2001:db8::1/128]:3288"},
		{"::/0", "[::/0]:3288"},
		{"192.0.2.0/33", NULL},
		{"192.0.2.1/31", NULL},
		{"192.0.2.128/24", NULL},
		{"192.0.2.0/", NULL},
		{"192.0.2.0/-1", NULL},
		{"192.0.2.0/24/24", NULL},
		{"192.0.2.0:99/24", NULL},
		{"192.0.2.0/24:0", NULL},
		{"2001:db8::/129", NULL},
		{"2001:db8::/1000", NULL},
		{"2001:db8::1/127", NULL},
		{"2001:db8::/32:99", NULL},
		{"[2001:db8::]:99/32", NULL},
		{"[2001:db8::]/32", NULL},
		{"fe80::%lo/64", NULL},
		{"example/24", NULL},
		{"/24", NULL},
		{"", NULL},
	};
	char text[NETWORK_TEXT_SIZE];
	struct network n, again;
	struct error e;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum err err = network_parse(rows[i].text, 3288, &n, &e);

		ck_assert_msg((err == E_OK) == (rows[i].printed != NULL), "%s", rows[i].text);
		if (err)
			continue;
		network_format(&n, text);
		ck_assert_str_eq(text, rows[i].printed);
		ck_assert_int_eq(network_parse(text, 1, &again, &e), E_OK);
		ck_assert(endpoint_equal(&n.base, &again.base));
		ck_assert_uint_eq(n.prefix_len, again.prefix_len);
	}
}
END_TEST

START_TEST(a_network_has_the_addresses_of_its_prefix_and_port)
{
	static const struct {
		const char *network, *endpoint;
		bool has;
	} rows[] = {
		{"192.0.2.0/24", "192.0.2.0", true},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.0/24", "192.0.2.1:99", false},
		{"192.0.2.0/24:99", "192.0.2.1:99", true},
		{"192.0.2.64/27", "192.0.2.95", true},
		{"192.0.2.64/27", "192.0.2.96", false},
		{"192.0.2.64/27", "192.0.2.63", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.0", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "192.0.2.1", false},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::", false},
	};
	struct network n;
	struct endpoint p;
	struct error e;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_int_eq(network_parse(rows[i].network, 3288, &n, &e), E_OK);
		ck_assert_int_eq(endpoint_parse(rows[i].endpoint, 3288, &p, &e), E_OK);
		ck_assert_msg(network_has(&n, &p) == rows[i].has, "%s %s", rows[i].network,
			      rows[i].endpoint);
	}
}
END_TEST

START_TEST(mapped_address_is_the_ipv4_address)
{
	struct endpoint v4, v6, p;
	struct error e;

	ck_assert_int_eq(endpoint_parse("192.0.2.1:7", 0, &v4, &e), E_OK);
	ck_assert_int_eq(endpoint_parse("[::ffff:192.0.2.1]:7", 0, &v6, &e), E_OK);
	ck_assert_int_eq(endpoint_from_sockaddr(&v6.address.any, endpoint_len(&v6), &p), E_OK);
	ck_assert(endpoint_equal(&p, &v4));
	ck_assert_int_eq(endpoint_from_sockaddr(&v6.address.any, 4, &p), E_TYPE);
}
END_TEST

START_TEST(file_is_replaced_whole_and_read_within_the_limit)
{
	char directory[] = "/tmp/copsec-values-XXXXXX";
	char path[64], missing[64];
	struct buffer b;
	struct stat st;
	struct error e;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/file", directory);
	snprintf(missing, sizeof missing, "%s/no/file", directory);
	ck_assert_int_eq(file_replace(path, VIEW("old and longer", 14), 0644, &e), E_OK);
	ck_assert_int_eq(file_replace(path, VIEW("new", 3), 0600, &e), E_OK);

	buffer_init(&b, 3);
	ck_assert_int_eq(file_read(path, &b, &st, &e), E_OK);
	ck_assert(view_equal(buffer_view(&b), VIEW("new", 3)));
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	buffer_fini(&b);

	buffer_init(&b, 2);
	ck_assert_int_eq(file_read(path, &b, NULL, &e), E_LIMIT);
	ck_assert_int_eq(file_read(directory, &b, NULL, &e), E_TYPE);
	ck_assert_int_eq(file_read(missing, &b, NULL, &e), E_SYSTEM);
	ck_assert_ptr_nonnull(strstr(e.text, missing));
	buffer_fini(&b);

	/* Fails, and leaves nothing beside it: the directory can go. */
	ck_assert_int_eq(file_replace(missing, VIEW("x", 1), 0600, &e), E_SYSTEM);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(time_is_written_as_utc)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00Z"},
		{1000000000, "2001-09-09T01:46:40Z"},
		{4107542399, "2100-02-28T23:59:59Z"},
		{253402300799, "9999-12-31T23:59:59Z"},
		{253402300800, "253402300800"},
		{UINT64_MAX, "18446744073709551615"},
	};
	char text[UTC_TEXT_SIZE];

	utc_format(rows[_i].seconds, text);
	ck_assert_str_eq(text, rows[_i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("values");
	TCase *values = tcase_create("values");

	tcase_add_test(values, pin_text_is_strict);
	tcase_add_test(values, endpoint_text_reads_and_prints);
	tcase_add_test(values, network_text_reads_and_prints);
	tcase_add_test(values, a_network_has_the_addresses_of_its_prefix_and_port);
	tcase_add_test(values, mapped_address_is_the_ipv4_address);
	tcase_add_test(values, file_is_replaced_whole_and_read_within_the_limit);
	tcase_add_loop_test(values, time_is_written_as_utc, 0, 6);
	suite_add_tcase(suite, values);
	return suite_main(suite);
}
