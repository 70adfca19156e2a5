/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings files and command lines: what the tables say is what is read, shown and explained. */
#include <stdio.h>
#include <string.h>

#include "common/service/options.h"
#include "common/service/settings.h"
#include "tests/suite.h"

#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"

enum store { STORE_SQLITE, STORE_POSTGRES = 7 };

struct example {
	char *name;
	char *key;
	char *socket;
	bool strict;
	uint32_t threshold;
	uint64_t hold;
	struct endpoint_list listen;
	struct network_list near;
	struct pin_list pdp;
	enum store store;
};

static const struct setting_choice stores[] = {
	{"sqlite", STORE_SQLITE}, {"postgres", STORE_POSTGRES}, {NULL, 0}};

static const struct setting rows[] = {
	{.name = "name", .type = SETTING_STRING, .offset = SETTING_AT_STRING(struct example, name),
	 .initial = "pdp", .min = 1, .max = 8, .line = "The name in incarnations"},
	{.name = "key", .type = SETTING_PATH, .offset = SETTING_AT_STRING(struct example, key),
	 .line = "The key file", .paragraph = "Its certificate stands in it too.\n.Not a macro."},
	{.name = "socket", .type = SETTING_PATH, .initial = "",
	 .offset = SETTING_AT_STRING(struct example, socket), .line = "The control socket"},
	{.name = "strict", .type = SETTING_BOOL, .initial = "no",
	 .offset = SETTING_AT_BOOL(struct example, strict), .line = "Refuse what is doubtful"},
	{.name = "threshold", .type = SETTING_U32, .initial = "1", .min = 1, .max = 64,
	 .offset = SETTING_AT_U32(struct example, threshold), .line = "How many must sign"},
	{.name = "hold", .type = SETTING_DURATION, .initial = "90s", .min = 1000, .max = 3600000,
	 .offset = SETTING_AT_DURATION(struct example, hold), .line = "How long to wait"},
	{.name = "listen", .type = SETTING_ENDPOINTS, .initial = "[::] 0.0.0.0", .min = 1, .max = 3,
	 .port = 3288, .offset = SETTING_AT_ENDPOINTS(struct example, listen),
	 .line = "Where to listen"},
	{.name = "near", .type = SETTING_NETWORKS, .initial = "192.0.2.0/24", .max = 2,
	 .port = 3288, .offset = SETTING_AT_NETWORKS(struct example, near),
	 .line = "Where things are near"},
	{.name = "pdp", .type = SETTING_PINS, .initial = "",
	 .offset = SETTING_AT_PINS(struct example, pdp), .line = "Keys that may be the PDP"},
	{.name = "store", .type = SETTING_ENUM, .initial = "sqlite", .choices = stores,
	 .offset = SETTING_AT_ENUM(struct example, store), .line = "The store"},
};
static const struct settings_schema schema = {"pdpd", rows, sizeof rows / sizeof rows[0],
					      sizeof(struct example)};

static struct buffer messages;
static struct example settings;

static enum err parse(const char *text, size_t len)
{
	buffer_fini(&messages);
	buffer_init(&messages, 65536);
	return settings_parse(&schema, "pdpd.conf", VIEW(text, len), &settings, &messages);
}

static void teardown(void)
{
	buffer_fini(&messages);
}

START_TEST(defaults_stand_where_nothing_is_said)
{
	static const char text[] = "key = /k";

	ck_assert_msg(parse(text, strlen(text)) == E_OK, "%s", buffer_string(&messages));
	ck_assert_str_eq(settings.name, "pdp");
	ck_assert_str_eq(settings.socket, "");
	ck_assert(!settings.strict);
	ck_assert_uint_eq(settings.threshold, 1);
	ck_assert_uint_eq(settings.hold, 90000);
	ck_assert_uint_eq(settings.listen.count, 2);
	ck_assert_uint_eq(endpoint_port(&settings.listen.items[1]), 3288);
	ck_assert_uint_eq(settings.pdp.count, 0);
	ck_assert_int_eq(settings.store, STORE_SQLITE);
	settings_fini(&schema, &settings);
	/* Twice does no harm. */
	settings_fini(&schema, &settings);
}
END_TEST

START_TEST(every_type_is_read_and_shown)
{
	static const char text[] =
		"# a comment\n\n"
		"  name\t=  a b=c \r\n"
		"key=/etc/k.pem\n"
		"socket = /run/s\n"
		"strict = yes\n"
		"threshold = 0x10\n"
		"hold = 5m\n"
		"listen = 192.0.2.1:99, [2001:db8::1]\n"
		"near = 2001:db8::/32, 192.0.2.0/25:7\n"
		"pdp = sha256:" ONES "  sha256:" TWOS "\n"
		"store = postgres"; /* without an end of line */
	struct buffer out;

	ck_assert_msg(parse(text, strlen(text)) == E_OK, "%s", buffer_string(&messages));
	ck_assert_int_eq(settings.store, STORE_POSTGRES);
	buffer_init(&out, 65536);
	settings_show(&schema, &settings, &out);
	ck_assert_str_eq(buffer_string(&out),
			 "name = a b=c\nkey = /etc/k.pem\nsocket = /run/s\nstrict = yes\n"
			 "threshold = 16\nhold = 5m\n"
			 "listen = 192.0.2.1:99 [2001:db8::1]:3288\n"
			 "near = [2001:db8::/32]:3288 192.0.2.0/25:7\n"
			 "pdp = sha256:" ONES " sha256:" TWOS "\nstore = postgres\n");
	settings_fini(&schema, &settings);
	/* What is shown is read again. */
	ck_assert_msg(parse((const char *)out.data, out.len) == E_OK, "%s",
		      buffer_string(&messages));
	settings_fini(&schema, &settings);
	buffer_fini(&out);
}
END_TEST

START_TEST(each_wrong_value_has_its_message)
{
	static const struct {
		const char *line;
		const char *message; /* behind `pdpd.conf:2: error: `; NULL: accepted */
	} cases[] = {
		{"name = 12345678", NULL},
		{"name = 123456789", "name: 9 octets, but 1 to 8 are accepted"},
		{"name =", "name: no value behind the `=`"},
		{"socket =", NULL},
		{"socket = run/s", "socket: 'run/s' is not an absolute path"},
		{"strict = true", "strict: 'true' is neither yes nor no"},
		{"threshold = 64", NULL},
		{"threshold = 65", "threshold: 65 is not from 1 to 64"},
		{"threshold = 0", "threshold: 0 is not from 1 to 64"},
		{"threshold = -1", "threshold: '-1' is not a number"},
		{"threshold = 1x", "threshold: '1x' is not a number"},
		{"threshold = 0x", "threshold: '0x' is not a number"},
		{"threshold = 18446744073709551617",
		 "threshold: '18446744073709551617' is not a number"},
		{"hold = 1h", NULL},
		{"hold = 1000ms", NULL},
		{"hold = 999ms", "hold: 999ms is not from 1s to 1h"},
		{"hold = 61m", "hold: 61m is not from 1s to 1h"},
		{"hold = 10", "hold: '10' is not a time such as 250ms, 30s, 5m, 2h or 7d"},
		{"hold = 0x10s", "hold: '0x10s' is not a time such as 250ms, 30s, 5m, 2h or 7d"},
		{"hold = 18446744073709551615d",
		 "hold: '18446744073709551615d' is not a time such as 250ms, 30s, 5m, 2h or 7d"},
		{"listen = pdp.example", "listen: 'pdp.example' is not an IPv4 or IPv6 address with "
					 "or without port"},
		{"listen = ::1 ::2 ::3", NULL},
		{"listen = ::1 ::2 ::3 ::4", "listen: more than 3 items"},
		{"listen = ::1 [::1]:3288", "listen: '[::1]:3288' stands there twice"},
		{"near = 192.0.2.1/24", "near: '192.0.2.1/24' has bits behind its prefix"},
		{"near = ::/0 ::/1 ::/2", "near: more than 2 items"},
		{"near = ::/0 [::/0]:3288", "near: '[::/0]:3288' stands there twice"},
		{"listen = ,", "listen: 0 items, and 1 are needed"},
		{"pdp = sha256:" ONES, NULL},
		{"pdp = sha256:" ONES " sha256:12",
		 "pdp: 'sha256:12' is not sha256: and 64 hexadecimal digits"},
		{"store = mysql", "store: 'mysql' is none of sqlite, postgres"},
		{"thresold = 1", "thresold: no such setting; is threshold meant?"},
		{"colour = red", "colour: no such setting of pdpd"},
		{"key = /again", "key: given already in line 1"},
		{"just words", "the line is not `key = value`"},
		{"= 1", "what stands before the `=` is not a setting's name"},
		{"a\x1b[2J = 1", "what stands before the `=` is not a setting's name"},
	};
	char text[512], expected[512];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct example before;
		enum err err;

		memset(&settings, 0x5a, sizeof settings);
		before = settings;
		snprintf(text, sizeof text, "key = /k\n%s\n", cases[i].line);
		err = parse(text, strlen(text));
		if (!cases[i].message) {
			ck_assert_msg(err == E_OK, "%s", buffer_string(&messages));
			settings_fini(&schema, &settings);
			continue;
		}
		ck_assert_int_eq(err, E_SYNTAX);
		snprintf(expected, sizeof expected, "pdpd.conf:2: error: %s\n", cases[i].message);
		ck_assert_str_eq(buffer_string(&messages), expected);
		ck_assert_mem_eq(&settings, &before, sizeof before);
	}
}
END_TEST

START_TEST(all_errors_of_a_file_are_reported)
{
	static const char text[] = "threshold = 99\nnonsense\nname = pdp\nstrict = maybe\n"
				   "pdp = sha256:" ONES "\nwith a \0 in it\n";
	char many[4096] = "";
	unsigned lines = 0;

	ck_assert_int_eq(parse(text, sizeof text - 1), E_SYNTAX);
	ck_assert_str_eq(buffer_string(&messages),
			 "pdpd.conf:1: error: threshold: 99 is not from 1 to 64\n"
			 "pdpd.conf:2: error: the line is not `key = value`\n"
			 "pdpd.conf:4: error: strict: 'maybe' is neither yes nor no\n"
			 "pdpd.conf:6: error: the line has a NUL in it\n"
			 "pdpd.conf: error: key: must be given\n");
	for (size_t i = 0; i < 2 * SETTINGS_ERRORS_MAX; i++)
		strcat(many, "x\n");
	ck_assert_int_eq(parse(many, strlen(many)), E_SYNTAX);
	for (size_t i = 0; i < messages.len; i++)
		lines += messages.data[i] == '\n';
	ck_assert_uint_eq(lines, SETTINGS_ERRORS_MAX + 1);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
	buffer_fini(&messages);
	buffer_init(&messages, 65536);
	ck_assert_int_eq(settings_load(&schema, "/no/such/file", &settings, &messages), E_SYSTEM);
	ck_assert_str_eq(buffer_string(&messages), "/no/such/file: No such file or directory\n");
}
END_TEST

START_TEST(the_sample_is_a_settings_file)
{
	struct buffer sample, filled;
	struct example defaults;

	ck_assert_int_eq(parse("key = /k", 8), E_OK);
	defaults = settings;
	buffer_init(&sample, 65536);
	settings_sample(&schema, &sample);
	/* As it stands only what must be given is missing. */
	ck_assert_int_eq(parse((const char *)sample.data, sample.len), E_SYNTAX);
	ck_assert_str_eq(buffer_string(&messages), "pdpd.conf: error: key: must be given\n");
	/* And with the defaults switched on it says the same as without them. */
	buffer_init(&filled, 65536);
	for (const char *line = buffer_string(&sample); *line;) {
		size_t len = strcspn(line, "\n") + 1;

		if (line[0] == '#' && line[1] != ' ')
			buffer_put(&filled, line + 1, len - 1);
		line += len;
	}
	buffer_put_text(&filled, "key = /k\n");
	ck_assert_msg(parse((const char *)filled.data, filled.len) == E_OK, "%s",
		      buffer_string(&messages));
	ck_assert_str_eq(settings.name, defaults.name);
	ck_assert_uint_eq(settings.hold, defaults.hold);
	ck_assert_uint_eq(settings.listen.count, defaults.listen.count);
	settings_fini(&schema, &settings);
	settings_fini(&schema, &defaults);
	buffer_fini(&filled);
	buffer_fini(&sample);
}
END_TEST

START_TEST(the_manual_names_every_setting)
{
	struct buffer out;
	char item[64];

	buffer_init(&out, 65536);
	settings_mdoc(&schema, &out);
	for (size_t i = 0; i < schema.count; i++) {
		snprintf(item, sizeof item, ".It Ic %s No = Ar ", rows[i].name);
		ck_assert_ptr_nonnull(strstr(buffer_string(&out), item));
		/* As a sentence. */
		ck_assert_ptr_nonnull(strstr(buffer_string(&out), rows[i].line + 1));
	}
	ck_assert_ptr_nonnull(strstr(buffer_string(&out), "\n\\&.Not a macro.\n"));
	ck_assert_ptr_nonnull(strstr(buffer_string(&out), "Ar sqlite | postgres\n"));
	buffer_fini(&out);
}
END_TEST

START_TEST(durations_print_in_their_shortest_exact_form)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} cases[] = {{0, "0s"}, {1, "1ms"}, {1500, "1500ms"}, {1000, "1s"}, {60000, "1m"},
		     {90000, "90s"}, {3600000, "1h"}, {86400000, "1d"}, {90000000, "25h"}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer out;
		uint64_t ms;

		buffer_init(&out, 64);
		duration_format(cases[i].ms, &out);
		ck_assert_str_eq(buffer_string(&out), cases[i].text);
		ck_assert(duration_parse(cases[i].text, &ms));
		ck_assert_uint_eq(ms, cases[i].ms);
		buffer_fini(&out);
	}
}
END_TEST

enum { OPTION_MARK = 256 };
static const struct option_row options[] = {
	{'c', "config", "FILE", "read settings from FILE"},
	{'n', "check", NULL, "check the settings and exit"},
	{'q', NULL, NULL, "say less"},
	{OPTION_MARK, "with-a-rather-long-name", "MASK", "use these bits"},
	{0, NULL, NULL, NULL},
};

static int run_sign(void *context, int argc, char **argv)
{
	(void)context;
	(void)argv;
	return argc;
}

static const struct command_row commands[] = {
	{"keygen", run_sign, "NAME", "make a key", NULL},
	{"sign", run_sign, "[-o FILE] BUNDLE", "add a signature", options},
	{"show", run_sign, "", "print a bundle", NULL},
	{0},
};

START_TEST(options_are_parsed_by_their_rows)
{
	static const struct {
		const char *argv[6];
		const char *seen; /* each option and its value, then the operands */
	} cases[] = {
		{{"p", "-n", "-c", "f", "x", "-n"}, "n c=f | x -n"},
		{{"p", "-nqcf", NULL}, "n q c=f |"},
		{{"p", "--config=f", "--check", "--", "-q", NULL}, "c=f n | -q"},
		{{"p", "--with-a-rather-long-name", "7", NULL}, "256=7 |"},
		{{"p", "--conf", "f", NULL}, "c=f |"},
		{{"p", "-x", NULL}, "unknown option -x"},
		{{"p", "--nothing", NULL}, "unknown option --nothing"},
		{{"p", "-c", NULL}, "option -c needs an argument"},
		{{"p", "--config", NULL}, "option --config needs an argument"},
		{{"p", "--check=1", NULL}, "option --check=1 takes no argument"},
		{{"p", NULL}, " |"},
		{{NULL}, " |"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *argv[7] = {NULL};
		int argc = 0, id;
		struct options o;
		struct buffer seen;

		for (; argc < 6 && cases[i].argv[argc]; argc++)
			argv[argc] = strdup(cases[i].argv[argc]);
		char *owned[7];
		memcpy(owned, argv, sizeof owned);
		buffer_init(&seen, 1024);
		options_begin(&o, options, argc, argv);
		while ((id = options_next(&o)) != OPTIONS_END && id != OPTIONS_BAD) {
			if (seen.len)
				buffer_put_u8(&seen, ' ');
			if (id < 256)
				buffer_put_u8(&seen, (uint8_t)id);
			else
				buffer_put_text(&seen, "%d", id);
			if (o.value)
				buffer_put_text(&seen, "=%s", o.value);
		}
		if (id == OPTIONS_BAD) {
			buffer_reset(&seen);
			buffer_put_text(&seen, "%s", o.message);
		} else {
			buffer_put_text(&seen, " |");
			for (int k = 0; k < o.argc; k++)
				buffer_put_text(&seen, " %s", o.argv[k]);
		}
		ck_assert_str_eq(buffer_string(&seen), cases[i].seen);
		buffer_fini(&seen);
		for (int k = 0; k < argc; k++)
			free(owned[k]);
	}
}
END_TEST

START_TEST(help_shows_every_row)
{
	struct buffer out;

	buffer_init(&out, 65536);
	options_help("pmt", "COMMAND [ARGUMENT ...]", "The policy management tool.", options, commands,
		     &out);
	ck_assert_str_eq(buffer_string(&out),
			 "Usage: pmt COMMAND [ARGUMENT ...]\n"
			 "The policy management tool.\n"
			 "\nCommands:\n"
			 "  keygen NAME               make a key\n"
			 "  sign [-o FILE] BUNDLE     add a signature\n"
			 "  show                      print a bundle\n"
			 "\nOptions:\n"
			 "  -c, --config FILE         read settings from FILE\n"
			 "  -n, --check               check the settings and exit\n"
			 "  -q                        say less\n"
			 "      --with-a-rather-long-name MASK\n"
			 "                            use these bits\n");
	buffer_reset(&out);
	command_names(commands, &out);
	ck_assert_str_eq(buffer_string(&out), "commands are keygen, sign and show");
	buffer_reset(&out);
	command_help("pmt", &commands[0], &out);
	ck_assert_str_eq(buffer_string(&out), "Usage: pmt keygen NAME\nmake a key\n");
	ck_assert_ptr_eq(command_find(commands, "sign"), &commands[1]);
	ck_assert_ptr_null(command_find(commands, "sig"));
	buffer_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *settings_case = tcase_create("settings");

	tcase_add_checked_fixture(settings_case, NULL, teardown);
	tcase_add_test(settings_case, defaults_stand_where_nothing_is_said);
	tcase_add_test(settings_case, every_type_is_read_and_shown);
	tcase_add_test(settings_case, each_wrong_value_has_its_message);
	tcase_add_test(settings_case, all_errors_of_a_file_are_reported);
	tcase_add_test(settings_case, a_missing_file_is_named);
	tcase_add_test(settings_case, the_sample_is_a_settings_file);
	tcase_add_test(settings_case, the_manual_names_every_setting);
	tcase_add_test(settings_case, durations_print_in_their_shortest_exact_form);
	tcase_add_test(settings_case, options_are_parsed_by_their_rows);
	tcase_add_test(settings_case, help_shows_every_row);
	suite_add_tcase(suite, settings_case);
	return suite_main(suite);
}
