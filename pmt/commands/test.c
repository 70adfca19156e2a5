/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "pmt/commands/command.h"
#include "pmt/commands/policy.h"
#include "pmt/compiler/expect.h"

enum { OPTION_COVERAGE = 256 };

const struct option_row test_options[] = {
	{OPTION_COVERAGE, "coverage", NULL, "name the rules that no expectation touches"},
	{0},
};

static void print_coverage(const struct policy_file *f, const bool *touched)
{
	size_t count = 0;

	for (size_t i = 0; i < f->model.rule_count; i++) {
		struct buffer at;

		if (touched[i]) {
			count++;
			continue;
		}
		buffer_init(&at, 8192);
		place_print(&f->diagnostics, f->model.rules[i]->at, &at);
		printf("%s: no expectation touches the rule \"%s\"\n", buffer_string(&at),
			f->model.rules[i]->name);
		buffer_fini(&at);
	}
	printf("%zu of %zu rules are touched\n", count, f->model.rule_count);
}

static int run_tests(const char *name, struct policy_file *f, bool coverage)
{
	bool *touched = calloc(f->model.rule_count + 1, sizeof *touched);
	int status = EXIT_SUCCESS;
	struct buffer bundle;
	struct error e;

	buffer_init(&bundle, BUNDLE_MAX);
	if (!touched) {
		error_set(&e, E_MEMORY, "out of memory");
		status = command_failed(name, &e);
	} else if (policy_try(f, &bundle, &e) ||
		   expect_cover(&f->model, buffer_view(&bundle), &f->diagnostics, touched, &e)) {
		status = command_failed(name, &e);
	} else {
		policy_print_findings(f);
		printf("%zu of %zu expectations hold\n",
			f->model.expect_count - f->diagnostics.errors, f->model.expect_count);
		if (coverage)
			print_coverage(f, touched);
		status = f->diagnostics.errors ? EXIT_BAD_INPUT : EXIT_SUCCESS;
	}
	buffer_fini(&bundle);
	free(touched);
	return status;
}

int command_test(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	struct policy_file f;
	bool coverage = false;
	const char *path;
	struct options o;

	(void)context;
	command_begin(&o, test_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		coverage = true;
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the policy");
	if (!path)
		return EXIT_BAD_USAGE;
	status = policy_open(argv[0], path, &f);
	if (!status)
		status = run_tests(argv[0], &f, coverage);
	policy_file_fini(&f);
	return status;
}
