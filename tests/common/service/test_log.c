/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log: levels by module, values that cannot harm, call sites that cannot flood. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/service/log.h"
#include "tests/suite.h"

/* Keeps the last line and counts. */
struct sink {
	char line[LOG_LINE_MAX + 256];
	unsigned count;
	uint64_t now;
};

static void keep(void *context, const struct log_record *record)
{
	struct sink *s = context;

	snprintf(s->line, sizeof s->line, "%s: %s: %s%s%s", log_level_name(record->level),
		 record->module, record->sentence, record->fields[0] ? " " : "", record->fields);
	s->count++;
	errno = EIO;
}

static uint64_t fake_clock(void *context)
{
	return ((struct sink *)context)->now;
}

static struct log *new_log(struct sink *s, enum log_level level)
{
	struct log *l = log_new(level, keep, s);

	ck_assert_ptr_nonnull(l);
	log_set_clock(l, fake_clock, s);
	return l;
}

START_TEST(fields_follow_the_sentence)
{
	struct sink s = {.now = 1};
	struct log *l = new_log(&s, LOG_LEVEL_NOTICE);
	struct pin pin = {.sha256 = {0xab}};
	struct endpoint peer;
	struct error e;

	ck_assert_int_eq(endpoint_parse("[2001:db8::1]:3288", 0, &peer, &e), E_OK);
	error_set(&e, E_MISMATCH, "not the \"right\" one");
	errno = ENOENT;
	log_notice(l, "session", "session opened");
	ck_assert_str_eq(s.line, "notice: session: session opened");
	ck_assert_int_eq(errno, ENOENT);
	log_error(l, "session", "session refused", log_str("peer", "gw1"), log_u64("handle", 7),
		  log_i64("delta", -3), log_hex("client_type", 0x4950), log_endpoint("from", &peer),
		  log_err(&e), log_str("nothing", NULL));
	ck_assert_str_eq(s.line, "error: session: session refused peer=gw1 handle=7 delta=-3 "
				 "client_type=0x00004950 from=[2001:db8::1]:3288 "
				 "code=\"does not match\" reason=\"not the \\\"right\\\" one\" "
				 "nothing=-");
	log_notice(l, "session", "key", log_pin("pin", &pin));
	ck_assert_str_eq(s.line, "notice: session: key pin=sha256:ab00000000000000000000000000000"
				 "000000000000000000000000000000000");
	log_notice(NULL, "session", "nobody hears");
	log_free(l);
	log_free(NULL);
}
END_TEST

START_TEST(values_from_a_peer_cannot_harm)
{
	static const struct {
		const char *value;
		size_t len;
		const char *shown;
	} rows[] = {
		{"plain-1.2:3/x", 13, "k=plain-1.2:3/x"},
		{"", 0, "k=\"\""},
		{"two words", 9, "k=\"two words\""},
		{"a=b", 3, "k=\"a=b\""},
		{"line\nnotice: forged: x", 22, "k=\"line\\x0anotice: forged: x\""},
		{"\x1b[2J", 4, "k=\"\\x1b[2J\""},
		{"nul\0inside", 10, "k=\"nul\\x00inside\""},
		{"\xc2\x9b", 2, "k=\"\\xc2\\x9b\""},
		{"quote\" back\\", 12, "k=\"quote\\\" back\\\\\""},
		{"\x7f", 1, "k=\"\\x7f\""},
	};
	struct sink s = {.now = 1};
	struct log *l = new_log(&s, LOG_LEVEL_DEBUG);
	char longer[LOG_VALUE_MAX + 2], expected[LOG_VALUE_MAX + 32];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		log_debug(l, "m", "s", log_view("k", VIEW(rows[i].value, rows[i].len)));
		ck_assert_str_eq(s.line + strlen("debug: m: s "), rows[i].shown);
	}
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	snprintf(expected, sizeof expected, "debug: m: s k=\"%.*s...\"", LOG_VALUE_MAX, longer);
	log_debug(l, "m", "s", log_str("k", longer));
	ck_assert_str_eq(s.line, expected);
	log_free(l);
}
END_TEST

START_TEST(a_line_has_an_end)
{
	struct sink s = {.now = 1};
	struct log *l = new_log(&s, LOG_LEVEL_NOTICE);
	char value[LOG_VALUE_MAX + 1];

	memset(value, 1, LOG_VALUE_MAX);
	value[LOG_VALUE_MAX] = 0;
	log_notice(l, "m", "s", log_str("a", value), log_str("b", value), log_str("c", value),
		   log_str("d", value), log_str("e", value), log_str("f", value));
	ck_assert_uint_le(strlen(s.line), LOG_LINE_MAX + 32);
	ck_assert_uint_ge(strlen(s.line), LOG_LINE_MAX - 32);
	log_free(l);
}
END_TEST

static void say_debug(struct log *l, const char *module)
{
	/* Two sites, for a site belongs to one module. */
	if (strcmp(module, "net") == 0)
		log_debug(l, "net", "x");
	else
		log_debug(l, "session", "x");
}

START_TEST(levels_change_at_run_time_by_module)
{
	static const struct {
		const char *levels;
		unsigned net, session; /* heard at debug? */
		const char *shown;
	} rows[] = {
		{"notice", 0, 0, "notice"},
		{"debug", 1, 1, "debug"},
		{"notice net=debug", 1, 0, "notice net=debug"},
		{"debug, net=info", 0, 1, "debug net=info"},
		{"net=debug", 1, 1, "debug net=debug"}, /* the level of all stays */
		{"error", 0, 0, "error"},
		{"", 0, 0, "error"},
	};
	static const char *const wrong[] = {"loud", "net=", "=debug", "notice net=loud", "net=debug x"};
	struct sink s = {.now = 1};
	struct log *l = new_log(&s, LOG_LEVEL_NOTICE);
	struct buffer b;
	struct error e;

	buffer_init(&b, 1024);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_int_eq(log_configure(l, rows[i].levels, &e), E_OK);
		s.count = 0;
		say_debug(l, "net");
		ck_assert_uint_eq(s.count, rows[i].net);
		s.count = 0;
		say_debug(l, "session");
		ck_assert_uint_eq(s.count, rows[i].session);
		buffer_reset(&b);
		log_levels(l, &b);
		ck_assert_str_eq(buffer_string(&b), rows[i].shown);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		ck_assert_int_eq(log_configure(l, wrong[i], &e), E_SYNTAX);
		buffer_reset(&b);
		log_levels(l, &b);
		ck_assert_str_eq(buffer_string(&b), "error");
	}
	buffer_fini(&b);
	log_free(l);
}
END_TEST

static void say_warning(struct log *l, unsigned times)
{
	while (times--)
		log_warning(l, "net", "peer refused");
}

START_TEST(a_call_site_cannot_flood)
{
	struct sink s = {.now = 1000};
	struct log *l = new_log(&s, LOG_LEVEL_NOTICE);

	say_warning(l, LOG_BURST + 5);
	ck_assert_uint_eq(s.count, LOG_BURST);
	/* Another site is not held back by it. */
	log_warning(l, "net", "something else");
	ck_assert_uint_eq(s.count, LOG_BURST + 1);
	s.now += LOG_REFILL_MS - 1;
	say_warning(l, 1);
	ck_assert_uint_eq(s.count, LOG_BURST + 1);
	s.now += 1;
	say_warning(l, 2);
	ck_assert_uint_eq(s.count, LOG_BURST + 2);
	ck_assert_str_eq(s.line, "warning: net: peer refused suppressed=6");
	/* What is held back and never followed is reported all the same, once. */
	log_report_suppressed(l);
	ck_assert_str_eq(s.line, "warning: net: peer refused suppressed=1");
	s.count = 0;
	log_report_suppressed(l);
	ck_assert_uint_eq(s.count, 0);
	/* Never more than a burst, however long it was quiet. */
	s.now += 1000 * LOG_REFILL_MS;
	say_warning(l, 2 * LOG_BURST);
	ck_assert_uint_eq(s.count, LOG_BURST);
	log_free(l);
	ck_assert_str_eq(s.line, "warning: net: peer refused suppressed=20");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *log = tcase_create("log");

	tcase_add_test(log, fields_follow_the_sentence);
	tcase_add_test(log, values_from_a_peer_cannot_harm);
	tcase_add_test(log, a_line_has_an_end);
	tcase_add_test(log, levels_change_at_run_time_by_module);
	tcase_add_test(log, a_call_site_cannot_flood);
	suite_add_tcase(suite, log);
	return suite_main(suite);
}
