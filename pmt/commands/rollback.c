/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rollback: an earlier bundle's policy under a new serial. */
#include <stdio.h>
#include <stdlib.h>

#include "pmt/commands/policy.h"
#include "pmt/commands/signing.h"

enum { OPTION_IN_FORCE = 256, OPTION_SERIAL, OPTION_PASSPHRASE_FILE, OPTION_TIME };

const struct option_row rollback_options[] = {
	{OPTION_IN_FORCE, "in-force", "BUNDLE", "the bundle that nodes have now"},
	{'o', "output", "FILE", "where to write the new bundle"},
	{'k', "key", "FILE", "sign it with this key; may be given more than once"},
	{OPTION_PASSPHRASE_FILE, "passphrase-file", "FILE",
		"take the passphrase from its first line"},
	{OPTION_SERIAL, "serial", "NUMBER", "of the new bundle; else the next one"},
	{OPTION_TIME, "time", "TIME", "take this as the present time"},
	{0},
};

struct wish {
	const char *in_force, *output, *old;
	struct renew_terms terms;
	struct signers signers;
};

static enum err roll_back(struct wish *w, struct error *e)
{
	struct bundle_file old, now;
	struct renew_summary summary;
	struct bundle back;
	enum err code = bundle_file_read(&old, w->old, e), read = E_BUG;

	if (!code)
		code = read = bundle_file_read(&now, w->in_force, e);
	w->terms.not_after = w->terms.not_before + POLICY_VALIDITY;
	if (!code)
		code = renew(&old.bundle, &now.bundle, &w->terms, &old.arena, &back, &summary, e);
	if (!code)
		code = signers_load(&w->signers, e);
	if (!code)
		code = signers_sign(&w->signers, &back, &old.arena, e);
	if (!code) {
		print_left_out(&summary);
		code = bundle_save(&back, &old.arena, w->output, e);
	}
	if (!code)
		printf("%zu documents stay as they are, %zu are new\n", summary.kept,
			summary.renewed);
	signers_fini(&w->signers);
	if (read != E_BUG)
		bundle_file_fini(&now);
	bundle_file_fini(&old);
	return code;
}

int command_rollback(void *context, int argc, char **argv)
{
	struct wish w = {.terms = {.not_before = now_utc()}};
	int id, status = EXIT_SUCCESS;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, rollback_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		if (id == OPTION_IN_FORCE)
			w.in_force = o.value;
		else if (id == 'o')
			w.output = o.value;
		else if (id == OPTION_PASSPHRASE_FILE)
			w.signers.source.file = o.value;
		else if (id == OPTION_SERIAL) {
			if (!command_number(argv[0], "serial", o.value, &w.terms.serial))
				return EXIT_BAD_USAGE;
		} else if (id == OPTION_TIME) {
			if (!command_time(argv[0], "time", o.value, &w.terms.not_before))
				return EXIT_BAD_USAGE;
		} else if (w.signers.count == SIGNERS_MAX) {
			return command_misused(argv[0], "more than %d keys", SIGNERS_MAX);
		} else {
			w.signers.paths[w.signers.count++] = o.value;
		}
	}
	if (id < 0)
		return status;
	w.old = command_operand(&o, argv[0], "the earlier bundle");
	if (!w.old)
		return EXIT_BAD_USAGE;
	if (!w.in_force || !w.output)
		return command_misused(
			argv[0], "--%s is missing", w.in_force ? "output" : "in-force");
	return roll_back(&w, &e) ? command_failed(argv[0], &e) : EXIT_SUCCESS;
}
