/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_LONG_ONLY = 256, SCRIPT_MAX = 1 << 20 };

static const struct completion_kind common_kinds[] = {
	{"FILE", "*", NULL, NULL},
	{"PATH", "*", NULL, NULL},
	{"SHELL", NULL, COMPLETION_SHELLS, NULL},
	{0},
};

/* Every command has it besides its own. */
static const struct option_row help_row = {'h', "help", NULL, "print what the command takes"};

static const struct completion_kind *find_kind(
	const struct completion *c, const char *name, size_t len)
{
	const struct completion_kind *const tables[] = {c->kinds, common_kinds};

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		for (const struct completion_kind *k = tables[i]; k && k->argument; k++)
			if (strlen(k->argument) == len && memcmp(k->argument, name, len) == 0)
				return k;
	return NULL;
}

static const struct completion_kind *option_kind(
	const struct completion *c, const struct option_row *row)
{
	return row->argument ? find_kind(c, row->argument, strlen(row->argument)) : NULL;
}

/* The last word of `[-o FILE] [POLICY...]`, without what surrounds it. */
static const struct completion_kind *operand_kind(
	const struct completion *c, const struct command_row *command)
{
	const char *synopsis = command->synopsis ? command->synopsis : "";
	const char *end = synopsis + strlen(synopsis), *word;

	while (end > synopsis && strchr(" ].", end[-1]))
		end--;
	word = end;
	while (word > synopsis && !strchr(" [|", word[-1]))
		word--;
	return find_kind(c, word, (size_t)(end - word));
}

static bool has_help(const struct option_row *rows)
{
	for (; rows && rows->name; rows++)
		if (strcmp(rows->name, "help") == 0)
			return true;
	return false;
}

/* In single quotes, for both shells. */
static void put_quoted(struct buffer *out, const char *text)
{
	buffer_put_u8(out, '\'');
	for (; *text; text++)
		if (*text == '\'')
			buffer_put_text(out, "'\\''");
		else
			buffer_put_u8(out, (uint8_t)*text);
	buffer_put_u8(out, '\'');
}

/* --- bash --- */

static void bash_pattern(struct buffer *out, const struct option_row *row)
{
	if (row->id < FIRST_LONG_ONLY)
		buffer_put_text(out, "-%c%s", row->id, row->name ? " | " : "");
	if (row->name)
		buffer_put_text(out, "--%s", row->name);
	buffer_put_text(out, ") ");
}

/* Sets options, and kind where the word before is an option that takes an argument. */
static void bash_options(
	struct buffer *out, const struct option_row *rows, const struct completion *c)
{
	buffer_put_text(out, "\t\toptions='");
	for (const struct option_row *row = rows; row && row->name; row++)
		buffer_put_text(out, "--%s ", row->name);
	buffer_put_text(out, "%s'\n", has_help(rows) ? "" : "--help");
	buffer_put_text(out, "\t\tcase $previous in\n");
	for (const struct option_row *row = rows; row && row->name; row++)
		if (row->argument) {
			buffer_put_text(out, "\t\t");
			bash_pattern(out, row);
			buffer_put_text(out, "kind=%s options= ;;\n",
				option_kind(c, row) ? row->argument : "none");
		}
	buffer_put_text(out, "\t\tesac ;;\n");
}

static void bash_command(
	struct buffer *out, const struct command_row *command, const struct completion *c)
{
	const struct completion_kind *kind = operand_kind(c, command);

	buffer_put_text(out, "\t%s)\n", command->name);
	if (kind)
		buffer_put_text(out, "\t\tkind=%s\n", kind->argument);
	bash_options(out, command->options, c);
}

static void bash_kind(struct buffer *out, const struct completion_kind *k)
{
	buffer_put_text(out, "\t%s) ", k->argument);
	if (k->files) {
		buffer_put_text(out,
			"compopt -o filenames 2>/dev/null\n"
			"\t\tmapfile -t COMPREPLY < <(compgen -f -X '!%s' -- \"$current\"\n"
			"\t\t\tcompgen -d -- \"$current\") ;;\n",
			k->files);
	} else if (k->words) {
		buffer_put_text(out,
			"mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\") ;;\n", k->words);
	} else {
		buffer_put_text(out,
			"for word in \"${COMP_WORDS[@]:1}\"; do\n"
			"\t\t\t[[ -f $word ]] && files+=(\"$word\")\n"
			"\t\tdone\n"
			"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(%s \"${files[@]}\" "
			"2>/dev/null)\" -- \"$current\") ;;\n",
			k->command);
	}
}

/* Where a program has commands, the first word that is no option is one. */
static void bash_find_command(struct buffer *out, const struct completion *c)
{
	buffer_put_text(out, "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			     "\t\tcase ${COMP_WORDS[i]} in\n");
	for (const struct option_row *row = c->options; row && row->name; row++)
		if (row->argument) {
			buffer_put_text(out, "\t\t");
			bash_pattern(out, row);
			buffer_put_text(
				out, "[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++)); ((i++)) ;;\n");
		}
	buffer_put_text(out, "\t\t-*) ;;\n"
			     "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
			     "\t\tesac\n"
			     "\tdone\n");
}

static void bash_print(const struct completion *c, struct buffer *out)
{
	buffer_put_text(out,
		"# Completion of %s for bash.\n"
		"_%s() {\n"
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tlocal command= options= kind= word i\n"
		"\tlocal -a files=()\n"
		"\tCOMPREPLY=()\n"
		/* --option=value comes as three words. */
		"\tif [[ $current == = ]]; then\n"
		"\t\tcurrent=\n"
		"\telif [[ $previous == = ]]; then\n"
		"\t\tprevious=${COMP_WORDS[COMP_CWORD - 2]}\n"
		"\tfi\n",
		c->program, c->program);
	if (c->commands)
		bash_find_command(out, c);
	buffer_put_text(out, "\tcase $command in\n\t'')\n");
	if (c->commands)
		buffer_put_text(out, "\t\tkind=COMMAND\n");
	bash_options(out, c->options, c);
	for (const struct command_row *command = c->commands; command && command->name; command++)
		bash_command(out, command, c);
	buffer_put_text(out,
		"\tesac\n"
		"\tif [[ $current == -* && $options ]]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
		"\t\treturn\n"
		"\tfi\n"
		"\tcase $kind in\n");
	if (c->commands) {
		buffer_put_text(out, "\tCOMMAND) mapfile -t COMPREPLY < <(compgen -W '");
		for (const struct command_row *command = c->commands; command->name; command++)
			buffer_put_text(
				out, "%s%s", command == c->commands ? "" : " ", command->name);
		buffer_put_text(out, "' -- \"$current\") ;;\n");
	}
	for (const struct completion_kind *k = c->kinds; k && k->argument; k++)
		bash_kind(out, k);
	for (const struct completion_kind *k = common_kinds; k->argument; k++)
		bash_kind(out, k);
	buffer_put_text(out, "\tesac\n}\ncomplete -F _%s %s\n", c->program, c->program);
}

/* --- zsh --- */

/* The explanation of an option, inside [] and single quotes. */
static void zsh_text(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			buffer_put_u8(out, '\\');
		if (*text == '\'')
			buffer_put_text(out, "'\\''");
		else
			buffer_put_u8(out, (uint8_t)*text);
	}
}

/* `:NAME:ACTION`, to stand in single quotes. */
static void zsh_action(struct buffer *out, const struct completion *c, const char *name,
	const struct completion_kind *k)
{
	buffer_put_text(out, ":%s:", name);
	if (!k)
		buffer_put_u8(out, ' ');
	else if (k->files)
		buffer_put_text(out, "_files -g \"%s\"", k->files);
	else if (k->words)
		buffer_put_text(out, "(%s)", k->words);
	else
		buffer_put_text(out, "{_%s_words %s}", c->program, k->argument);
}

static void zsh_option(struct buffer *out, const struct option_row *row, const struct completion *c)
{
	buffer_put_text(out, " \\\n\t\t");
	if (row->id < FIRST_LONG_ONLY)
		buffer_put_text(
			out, "{-%c,--%s%s}'[", row->id, row->name, row->argument ? "=" : "");
	else
		buffer_put_text(out, "'--%s%s[", row->name, row->argument ? "=" : "");
	zsh_text(out, row->line);
	buffer_put_u8(out, ']');
	if (row->argument)
		zsh_action(out, c, row->argument, option_kind(c, row));
	buffer_put_u8(out, '\'');
}

static void zsh_options(
	struct buffer *out, const struct option_row *rows, const struct completion *c)
{
	for (const struct option_row *row = rows; row && row->name; row++)
		zsh_option(out, row, c);
	if (!has_help(rows))
		zsh_option(out, &help_row, c);
}

static void zsh_command(
	struct buffer *out, const struct command_row *command, const struct completion *c)
{
	const struct completion_kind *k = operand_kind(c, command);

	buffer_put_text(out, "\t%s)\n\t\t_arguments", command->name);
	zsh_options(out, command->options, c);
	if (k) {
		buffer_put_text(out, " \\\n\t\t'*");
		zsh_action(out, c, k->argument, k);
		buffer_put_u8(out, '\'');
	}
	buffer_put_text(out, " ;;\n");
}

/* Words that a command of ours knows, about the files on the command line. */
static void zsh_words(struct buffer *out, const struct completion *c)
{
	buffer_put_text(out,
		"_%s_words() {\n"
		"\tlocal word\n"
		"\tlocal -a files found\n"
		"\tfor word in ${words[2,-1]}; do\n"
		"\t\t[[ -f $word ]] && files+=($word)\n"
		"\tdone\n"
		"\tcase $1 in\n",
		c->program);
	for (const struct completion_kind *k = c->kinds; k && k->argument; k++)
		if (k->command)
			buffer_put_text(out,
				"\t%s) found=(${(f)\"$(%s $files 2>/dev/null)\"}) ;;\n",
				k->argument, k->command);
	buffer_put_text(out, "\tesac\n\tcompadd -a found\n}\n");
}

static bool has_words(const struct completion *c)
{
	for (const struct completion_kind *k = c->kinds; k && k->argument; k++)
		if (k->command)
			return true;
	return false;
}

static void zsh_commands(struct buffer *out, const struct completion *c)
{
	buffer_put_text(out, "_%s_commands() {\n\tlocal -a commands=(\n", c->program);
	for (const struct command_row *command = c->commands; command->name; command++) {
		struct buffer line;

		buffer_init(&line, 4096);
		buffer_put_text(&line, "%s:%s", command->name, command->line);
		buffer_put_text(out, "\t\t");
		put_quoted(out, buffer_string(&line));
		buffer_put_u8(out, '\n');
		buffer_fini(&line);
	}
	buffer_put_text(out, "\t)\n\t_describe command commands\n}\n");
}

static void zsh_print(const struct completion *c, struct buffer *out)
{
	buffer_put_text(out, "#compdef %s\n# Completion of %s for zsh.\n", c->program, c->program);
	if (has_words(c))
		zsh_words(out, c);
	if (c->commands)
		zsh_commands(out, c);
	buffer_put_text(out,
		"_%s() {\n"
		"\tlocal curcontext=$curcontext state line\n"
		"\ttypeset -A opt_args\n"
		"\t_arguments -C",
		c->program);
	zsh_options(out, c->options, c);
	if (c->commands)
		buffer_put_text(out,
			" \\\n\t\t'1:command:_%s_commands' '*::argument:->argument'\n"
			"\t[[ $state == argument ]] || return\n"
			"\tcase $words[1] in\n",
			c->program);
	for (const struct command_row *command = c->commands; command && command->name; command++)
		zsh_command(out, command, c);
	buffer_put_text(out, "%s", c->commands ? "\tesac\n" : "\n");
	/* As a file of $fpath it is the function itself; else it has been sourced. */
	buffer_put_text(out,
		"}\n"
		"if [[ $funcstack[1] == _%s ]]; then\n"
		"\t_%s \"$@\"\n"
		"else\n"
		"\tcompdef _%s %s\n"
		"fi\n",
		c->program, c->program, c->program, c->program);
}

/* --- */

bool completion_print(const struct completion *c, const char *shell, struct buffer *out)
{
	static const struct {
		const char *shell;
		void (*print)(const struct completion *c, struct buffer *out);
	} shells[] = {{"bash", bash_print}, {"zsh", zsh_print}};

	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
		if (strcmp(shells[i].shell, shell) == 0) {
			shells[i].print(c, out);
			return true;
		}
	return false;
}

int completion_answer(const struct completion *c, const char *shell)
{
	struct buffer out;
	bool known;

	buffer_init(&out, SCRIPT_MAX);
	known = completion_print(c, shell, &out);
	if (known)
		fputs(buffer_string(&out), stdout);
	else
		fprintf(stderr, "%s: there is no completion for \"%s\", but for these shells: %s\n",
			c->program, shell, COMPLETION_SHELLS);
	buffer_fini(&out);
	return known ? EXIT_SUCCESS : EXIT_BAD_USAGE;
}

int completion_run(const struct completion *c, int argc, char **argv)
{
	const struct command_row *self = command_find(c->commands, argv[0]);
	struct buffer help;

	if (self && argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		buffer_init(&help, SCRIPT_MAX);
		command_help(c->program, self, &help);
		fputs(buffer_string(&help), stdout);
		buffer_fini(&help);
		return EXIT_SUCCESS;
	}
	if (argc == 2)
		return completion_answer(c, argv[1]);
	fprintf(stderr, "%s %s: name one shell: %s\n", c->program, argv[0], COMPLETION_SHELLS);
	return EXIT_BAD_USAGE;
}
