/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "pmt/commands/command.h"
#include "pmt/commands/policy.h"
#include "pmt/compiler/warn.h"

enum { OPTION_STRICT = 256 };

const struct option_row check_options[] = {
	{OPTION_STRICT, "strict", NULL, "warnings count as errors"},
	{0},
};

int command_check(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	struct policy_file f;
	struct buffer bundle;
	const char *path;
	bool strict = false;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, check_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		strict = true;
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the policy");
	if (!path)
		return EXIT_BAD_USAGE;
	buffer_init(&bundle, BUNDLE_MAX);
	status = policy_open(argv[0], path, &f);
	if (!status && (policy_try(&f, &bundle, &e) ||
			       warn_find(&f.model, buffer_view(&bundle), &f.diagnostics, &e)))
		status = command_failed(argv[0], &e);
	if (!status) {
		policy_print_findings(&f);
		status = strict && f.diagnostics.warnings ? EXIT_BAD_INPUT : EXIT_SUCCESS;
	}
	buffer_fini(&bundle);
	policy_file_fini(&f);
	return status;
}
