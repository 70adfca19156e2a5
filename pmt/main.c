/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/commands/command.h"

#define ABOUT "Writes, checks, signs and publishes policies. See pmt(1) and copsec-policy(5)."

static int help(FILE *to, const struct command_row *command, int status)
{
	struct buffer text;

	buffer_init(&text, 1 << 16);
	if (command)
		command_help("pmt", command, &text);
	else
		options_help("pmt", "COMMAND [OPTION...] [ARGUMENT]", ABOUT, pmt_options, pmt_commands, &text);
	fputs(buffer_string(&text), to);
	buffer_fini(&text);
	return status;
}

static int run(int argc, char **argv)
{
	const struct command_row *command = command_find(pmt_commands, argv[0]);
	struct buffer names;

	if (!command) {
		buffer_init(&names, 4096);
		command_names(pmt_commands, &names);
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

	options_begin(&o, pmt_options, argc, argv);
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
