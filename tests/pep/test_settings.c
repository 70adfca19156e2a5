/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings table of pepd, and what the sample says. */
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pep/settings.h"

enum { BIG = 1 << 20 };

#define PIN "sha256:3fdba35f04dc8c462986c992bcf875546257113072a909c162f7e470e581e278"
#define LEAST "name = alice\npdp = 192.0.2.53\npdp-key = " PIN "\n"

static enum err load(const char *text, struct pep_settings *ret, struct buffer *messages)
{
	char path[] = "/tmp/copsec-settings-XXXXXX";
	int fd = mkstemp(path);
	enum err err;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	err = pep_settings_load(path, ret, messages);
	unlink(path);
	return err;
}

START_TEST(the_sample_works_with_what_must_be_given)
{
	struct pep_settings s;
	struct buffer text, messages;

	buffer_init(&text, BIG);
	buffer_init(&messages, BIG);
	settings_sample(&pep_settings_schema, &text);
	buffer_put_text(&text, "\n" LEAST);
	ck_assert_msg(!load(buffer_string(&text), &s, &messages), "%s", buffer_string(&messages));
	ck_assert_str_eq(s.name, "alice");
	ck_assert_uint_eq(s.pdps.count, 1);
	ck_assert_uint_eq(endpoint_port(&s.pdps.items[0]), 3288);
	ck_assert_uint_eq(s.trust_threshold, 1);
	ck_assert_uint_eq(s.mark_mask, 0x01ff0000);
	ck_assert_uint_eq(s.retry_least, 1000);
	ck_assert_uint_eq(s.retry_most, 120000);
	buffer_reset(&text);
	pep_settings_report_key(&s, &text);
	ck_assert_str_eq(buffer_string(&text), "/var/lib/copsec/pepd/report-key.pem");
	pep_settings_fini(&s);
	buffer_fini(&text);
	buffer_fini(&messages);
}
END_TEST

static const struct {
	const char *text, *message;
} bad[] = {
	{"", "name"},
	{"name = alice\npdp = pdp.example\npdp-key = " PIN "\n", "pdp"},
	{LEAST "mark-mask = 0xff\n", "mark-mask"},
	{LEAST "log = loud\n", "log"},
	{LEAST "retry-least = 5m\n", "retry-most"},
	{LEAST "trust-threshold = 0\n", "trust-threshold"},
	{LEAST "state-directory = here\n", "state-directory"},
};

START_TEST(what_is_wrong_is_named)
{
	struct pep_settings s;
	struct buffer messages;

	buffer_init(&messages, BIG);
	ck_assert_int_ne(load(bad[_i].text, &s, &messages), E_OK);
	ck_assert_msg(strstr(buffer_string(&messages), bad[_i].message), "%s",
	              buffer_string(&messages));
	buffer_fini(&messages);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/settings");
	TCase *t = tcase_create("settings");

	tcase_add_test(t, the_sample_works_with_what_must_be_given);
	tcase_add_loop_test(t, what_is_wrong_is_named, 0, sizeof bad / sizeof bad[0]);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
