/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/options.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_LONG_ONLY = 256, HELP_COLUMN = 28 };

static bool is_end(const struct option_row *row)
{
	return row->id == 0 && !row->name;
}

void options_begin(struct options *o, const struct option_row *rows, int argc, char **argv)
{
	char *letter = o->letters;
	size_t count = 0;

	memset(o, 0, sizeof *o);
	o->rows = rows;
	o->argc = argc;
	o->argv = argv;
	*letter++ = '+'; /* options end at the first operand */
	*letter++ = ':'; /* a missing argument is told from an unknown option */
	for (const struct option_row *row = rows; row && !is_end(row); row++) {
		assert(count < OPTIONS_ROWS_MAX);
		if (row->id < FIRST_LONG_ONLY) {
			*letter++ = (char)row->id;
			if (row->argument)
				*letter++ = ':';
		}
		if (row->name)
			o->longs[count++] = (struct option){
				.name = row->name,
				.has_arg = row->argument ? required_argument : no_argument,
				.val = row->id,
			};
	}
	optind = 0; /* GNU: forget everything of an earlier parse */
	opterr = 0;
}

int options_next(struct options *o)
{
	int id;

	if (o->argc == 0)
		return OPTIONS_END;
	id = getopt_long(o->argc, o->argv, o->letters, o->longs, NULL);
	o->value = optarg;
	if (id == -1) {
		o->argc -= optind;
		o->argv += optind;
		return OPTIONS_END;
	}
	if (id != '?' && id != ':')
		return id;
	/* A letter may stand in a group, so it is named alone; a long option as it was typed. */
	if (optopt && optopt < FIRST_LONG_ONLY && strncmp(o->argv[optind - 1], "--", 2) != 0)
		snprintf(o->message, sizeof o->message, id == ':' ? "option -%c needs an argument"
								  : "unknown option -%c", optopt);
	else
		snprintf(o->message, sizeof o->message,
			 id == ':' ? "option %.100s needs an argument"
			 : optopt  ? "option %.100s takes no argument"
				   : "unknown option %.100s",
			 o->argv[optind - 1]);
	return OPTIONS_BAD;
}

const struct command_row *command_find(const struct command_row *commands, const char *name)
{
	for (const struct command_row *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

void command_names(const struct command_row *commands, struct buffer *out)
{
	buffer_put_text(out, "commands are ");
	for (const struct command_row *c = commands; c->name; c++)
		buffer_put_text(out, "%s%s", c == commands ? "" : c[1].name ? ", " : " and ",
				c->name);
}

static void put_column(struct buffer *out, size_t start, const char *line)
{
	size_t used = out->len - start;

	if (used + 2 > HELP_COLUMN) {
		buffer_put_text(out, "\n");
		used = 0;
	}
	buffer_put_text(out, "%*s%s\n", (int)(HELP_COLUMN - used), "", line);
}

static void put_options(const struct option_row *rows, struct buffer *out)
{
	if (!rows || is_end(rows))
		return;
	buffer_put_text(out, "\nOptions:\n");
	for (; !is_end(rows); rows++) {
		size_t start = out->len;

		if (rows->id < FIRST_LONG_ONLY)
			buffer_put_text(out, "  -%c%s", rows->id, rows->name ? ", " : "");
		else
			buffer_put_text(out, "      ");
		if (rows->name)
			buffer_put_text(out, "--%s", rows->name);
		if (rows->argument)
			buffer_put_text(out, " %s", rows->argument);
		put_column(out, start, rows->line);
	}
}

static void put_usage(const char *program, const char *name, const char *synopsis,
		      struct buffer *out)
{
	buffer_put_text(out, "Usage: %s%s%s%s%s\n", program, name ? " " : "", name ? name : "",
			synopsis && *synopsis ? " " : "", synopsis ? synopsis : "");
}

void options_help(const char *program, const char *synopsis, const char *about,
		  const struct option_row *rows, const struct command_row *commands,
		  struct buffer *out)
{
	put_usage(program, NULL, synopsis, out);
	if (about)
		buffer_put_text(out, "%s\n", about);
	if (commands) {
		buffer_put_text(out, "\nCommands:\n");
		for (; commands->name; commands++) {
			size_t start = out->len;

			buffer_put_text(out, "  %s%s%s", commands->name,
					commands->synopsis && *commands->synopsis ? " " : "",
					commands->synopsis ? commands->synopsis : "");
			put_column(out, start, commands->line);
		}
	}
	put_options(rows, out);
}

void command_help(const char *program, const struct command_row *command, struct buffer *out)
{
	put_usage(program, command->name, command->synopsis, out);
	buffer_put_text(out, "%s\n", command->line);
	put_options(command->options, out);
}
