/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/commands/command.h"

#define ABOUT "Writes, checks, signs and publishes policies. See pmt(1) and copsec-policy(5)."

static const struct option_row rows[] = {
	{'h', "help", NULL, "print this and exit; also behind a command"},
	{'V', "version", NULL, "print the version and exit"},
	{0},
};

static const struct command_row commands[] = {
	{"check", command_check, "[--strict] POLICY", "say what is wrong with a policy", check_options},
	{"compile", command_compile, "[-o FILE] [--serial NUMBER | --previous BUNDLE] POLICY",
		"make an unsigned bundle of it", compile_options},
	{"test", command_test, "POLICY", "run the tests that stand in the policy", test_options},
	{"keygen", command_keygen, "[--no-passphrase] NAME",
		"make NAME.key and NAME.crt, and print the key's pin", keygen_options},
	{"sign", command_sign, "--key FILE [-o FILE] BUNDLE", "sign a bundle, or add a signature",
		sign_options},
	{"verify", command_verify, "--trust FILE [--threshold NUMBER] BUNDLE",
		"check a bundle as a decision point and its nodes will", verify_options},
	{"show", command_show, "[--json | --pris | --manifest SET] BUNDLE",
		"print what is in a bundle", show_options},
	{"publish", command_publish, "--pdp ADDRESS --pdp-pin PIN --key FILE BUNDLE",
		"give a signed bundle to a decision point", publish_options},
	{"schema", command_schema, "", "print the language's RELAX NG schema", schema_options},
	{0},
};

static int help(FILE *to, const struct command_row *command, int status)
{
	struct buffer text;

	buffer_init(&text, 1 << 16);
	if (command)
		command_help("pmt", command, &text);
	else
		options_help("pmt", "COMMAND [OPTION...] [ARGUMENT]", ABOUT, rows, commands, &text);
	fputs(buffer_string(&text), to);
	buffer_fini(&text);
	return status;
}

static int run(int argc, char **argv)
{
	const struct command_row *command = command_find(commands, argv[0]);
	struct buffer names;

	if (!command) {
		buffer_init(&names, 4096);
		command_names(commands, &names);
		fprintf(stderr, "pmt: no command is called \"%s\"; %s\n", argv[0],
			buffer_string(&names));
		buffer_fini(&names);
		return EXIT_BAD_USAGE;
	}
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return help(stdout, command, EXIT_SUCCESS);
	return command->run(NULL, argc, argv);
}

int main(int argc, char **argv)
{
	struct options o;
	int id;

	options_begin(&o, rows, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		switch (id) {
		case 'h':
			return help(stdout, NULL, EXIT_SUCCESS);
		case 'V':
			puts("pmt (Copsec) " COPSEC_VERSION);
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "pmt: %s\n", o.message);
			return EXIT_BAD_USAGE;
		}
	}
	return o.argc ? run(o.argc, o.argv) : help(stderr, NULL, EXIT_BAD_USAGE);
}
