/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line: a table row for each option and each subcommand gives the parser and --help.
 *
 *	struct options o;
 *	options_begin(&o, rows, argc, argv);
 *	while ((id = options_next(&o)) != OPTIONS_END) ...
 *
 * Exit statuses are the same for all programs: EXIT_SUCCESS, EXIT_BAD_INPUT, EXIT_BAD_USAGE.
 * Only one parse can be under way at a time (getopt_long keeps its place in libc).
 */
#ifndef COPSEC_COMMON_SERVICE_OPTIONS_H
#define COPSEC_COMMON_SERVICE_OPTIONS_H

#include <getopt.h>

#include "common/base/bytes.h"

enum {
	EXIT_BAD_INPUT = 1, /* and everything else that failed */
	EXIT_BAD_USAGE = 2,
};

enum {
	OPTIONS_ROWS_MAX = 32,
	OPTIONS_END = -1, /* the rest is in options.argv */
	OPTIONS_BAD = -2, /* the reason is in options.message */
};

/* A table ends with a row of zeros. */
struct option_row {
	int id;               /* the letter, or a number above 255 if there is only a long name */
	const char *name;     /* long name, without the dashes */
	const char *argument; /* its name in --help; NULL: the option takes none */
	const char *line;
};

struct options {
	const struct option_row *rows;
	int argc; /* operands, once options_next() has said OPTIONS_END */
	char **argv;
	const char *value; /* of the option just returned, if it takes an argument */
	char message[ERROR_TEXT_SIZE];
	char letters[2 * OPTIONS_ROWS_MAX + 3]; /* both for getopt_long */
	struct option longs[OPTIONS_ROWS_MAX + 1];
};

/* argv[0] is skipped. Options end at the first operand or at `--`. */
void options_begin(struct options *o, const struct option_row *rows, int argc, char **argv);
int options_next(struct options *o);

/* Subcommands. A table ends with a row of zeros. */
struct command_row {
	const char *name;
	int (*run)(void *context, int argc, char **argv); /* argv[0] is the name; an exit status */
	const char *synopsis; /* behind the name: `[-o FILE] POLICY` */
	const char *line;
	const struct option_row *options; /* may be NULL */
};

/* NULL if there is none of that name. */
const struct command_row *command_find(const struct command_row *commands, const char *name);
/* `commands are a, b and c`: the words that would have been valid, appended. */
void command_names(const struct command_row *commands, struct buffer *out);

/* What --help prints, appended. Any part may be NULL. */
void options_help(const char *program, const char *synopsis, const char *about,
		  const struct option_row *rows, const struct command_row *commands,
		  struct buffer *out);
/* The same for one subcommand. */
void command_help(const char *program, const struct command_row *command, struct buffer *out);

#endif
