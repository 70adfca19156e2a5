/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the subcommands of pmt share. Each is a function of a row in table.c: it reads its
 * options, does its work, writes to stdout what was asked for and to stderr what went wrong, and
 * returns the exit status.
 */
#ifndef COPSEC_PMT_COMMANDS_COMMAND_H
#define COPSEC_PMT_COMMANDS_COMMAND_H

#include "common/base/arena.h"
#include "common/crypto/key.h"
#include "common/service/options.h"
#include "pib/set/bundle.h"

/* The two tables of table.c: what stands before a command, and the commands. From them come the
 * parser, --help, shell completion and what the test of the manual page looks for. */
extern const struct option_row pmt_options[];
extern const struct command_row pmt_commands[];

/* A command is a file of its own, with these two for the table. */
extern const struct option_row check_options[], compile_options[], completion_options[],
	convert_options[], diff_options[], explain_options[], import_options[], keygen_options[],
	list_options[], prove_options[], publish_options[], rollback_options[], schema_options[], seal_options[],
	show_options[], sign_options[], status_options[], test_options[], trust_options[],
	verify_options[];

int command_check(void *context, int argc, char **argv);
int command_compile(void *context, int argc, char **argv);
int command_completion(void *context, int argc, char **argv);
int command_diff(void *context, int argc, char **argv);
int command_explain(void *context, int argc, char **argv);
int command_convert(void *context, int argc, char **argv);
int command_import(void *context, int argc, char **argv);
int command_keygen(void *context, int argc, char **argv);
int command_list(void *context, int argc, char **argv);
int command_prove(void *context, int argc, char **argv);
int command_publish(void *context, int argc, char **argv);
int command_rollback(void *context, int argc, char **argv);
int command_schema(void *context, int argc, char **argv);
int command_seal(void *context, int argc, char **argv);
int command_show(void *context, int argc, char **argv);
int command_sign(void *context, int argc, char **argv);
int command_status(void *context, int argc, char **argv);
int command_test(void *context, int argc, char **argv);
int command_trust(void *context, int argc, char **argv);
int command_verify(void *context, int argc, char **argv);

/* Prints `pmt NAME: TEXT` and returns EXIT_BAD_INPUT. */
int command_failed(const char *name, const struct error *e);
/* The same for a wrong call; EXIT_BAD_USAGE. */
int command_misused(const char *name, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * The command line of a subcommand. command_next() gives the ids of its options, 0 at the end, and
 * -1 when there is nothing more to do: then *ret_status is the exit status (--help, a wrong
 * option).
 */
void command_begin(struct options *o, const struct option_row *rows, int argc, char **argv);
int command_next(struct options *o, const char *name, int *ret_status);
/* The only operand; NULL, with the complaint printed, if there is none or another one. */
const char *command_operand(const struct options *o, const char *name, const char *what);

/* A decimal number for an option; false with the complaint printed. */
bool command_number(const char *name, const char *option, const char *text, uint64_t *ret);
/* Seconds since 1970 in UTC, written so or as 2026-01-31T12:00:00Z. */
bool command_time(const char *name, const char *option, const char *text, uint64_t *ret);
/* 2026-01-31T12:00:00Z */
void print_time(uint64_t seconds, struct buffer *out);
/* 30s, 10m, 2h: ms. */
bool command_duration(const char *name, const char *option, const char *text, uint64_t *ret_ms);
/* What the clock says, in UTC. */
uint64_t now_utc(void);

/* A bundle and the octets it points to. */
struct bundle_file {
	struct buffer octets;
	struct arena arena;
	struct bundle bundle;
};
enum err bundle_file_read(struct bundle_file *f, const char *path, struct error *e) MUST_USE;
/* Also after a failed read. */
void bundle_file_fini(struct bundle_file *f);
/* Does the file begin as a bundle does? If not it is a policy, or will be refused as one. */
bool is_bundle(const char *path);
/* The objects behind the file's header. */
struct view bundle_file_objects(const struct bundle_file *f);

/*
 * Asks on the terminal, without echo; or takes the first line of `file`, if there is one. The
 * context is a struct passphrase_source.
 */
struct passphrase_source {
	const char *file; /* NULL: the terminal */
	bool twice;       /* a new passphrase: ask again to be sure */
};
enum err passphrase_ask(void *context, const char *path, struct buffer *secret, struct error *e);

/* Writes out to stdout; EXIT_SUCCESS, or the complaint and EXIT_BAD_INPUT. */
int command_output(const char *name, struct buffer *out);

#endif
