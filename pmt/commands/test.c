/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "pmt/commands/command.h"
#include "pmt/commands/policy.h"
#include "pmt/compiler/expect.h"

const struct option_row test_options[] = {{0}};

int command_test(void *context, int argc, char **argv)
{
	int status = EXIT_SUCCESS;
	struct policy_file f;
	struct buffer bundle;
	const char *path;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, test_options, argc, argv);
	if (command_next(&o, argv[0], &status) < 0)
		return status;
	path = command_operand(&o, argv[0], "the policy");
	if (!path)
		return EXIT_BAD_USAGE;
	buffer_init(&bundle, BUNDLE_MAX);
	status = policy_open(argv[0], path, &f);
	if (!status && (policy_try(&f, &bundle, &e) ||
			       expect_run(&f.model, buffer_view(&bundle), &f.diagnostics, &e)))
		status = command_failed(argv[0], &e);
	if (!status) {
		policy_print_findings(&f);
		printf("%zu of %zu expectations hold\n",
			f.model.expect_count - f.diagnostics.errors, f.model.expect_count);
		status = f.diagnostics.errors ? EXIT_BAD_INPUT : EXIT_SUCCESS;
	}
	buffer_fini(&bundle);
	policy_file_fini(&f);
	return status;
}
