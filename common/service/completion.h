/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Completion for shells, made from the tables that give a program its options and its --help: a
 * script that the shell reads once, for example `source <(pmt completion bash)`.
 *
 * What stands for an option's argument, and for the operands of a command (the last word of its
 * synopsis), is told by its name in the table: FILE and PATH are files; what else there is says a
 * struct completion_kind. A name that nobody explains is completed by nothing.
 */
#ifndef COPSEC_COMMON_SERVICE_COMPLETION_H
#define COPSEC_COMMON_SERVICE_COMPLETION_H

#include "common/service/options.h"

/* A table ends with a row of zeros. One of the last three is set. */
struct completion_kind {
	const char *argument; /* POLICY */
	const char *files;    /* a pattern: *.xml */
	const char *words;    /* those that there are, separated by blanks */
	const char *command;  /* prints them, one a line; the files on the command line follow it */
};

struct completion {
	const char *program;
	const struct option_row *options;    /* before the command; may be NULL */
	const struct command_row *commands;  /* may be NULL */
	const struct completion_kind *kinds; /* may be NULL */
};

/* The shells that there is a script for, separated by blanks. */
#define COMPLETION_SHELLS "bash zsh"

/* Appends the script; false for a shell that is not among COMPLETION_SHELLS. */
bool completion_print(const struct completion *c, const char *shell, struct buffer *out);

/* The whole of an option --completion: prints the script; an exit status. */
int completion_answer(const struct completion *c, const char *shell);
/* The whole of a subcommand `completion`: prints the script for the shell named by its only
 * operand; an exit status. */
int completion_run(const struct completion *c, int argc, char **argv);

#endif
