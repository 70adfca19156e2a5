/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "pmt/commands/command.h"
#include "pmt/commands/policy.h"
#include "pmt/compiler/doors.h"
#include "pmt/compiler/schedules.h"
#include "pmt/compiler/tunnel_ends.h"
#include "pmt/compiler/unable.h"
#include "pmt/compiler/warn.h"

enum { OPTION_STRICT = 256, OPTION_TIME };

const struct option_row check_options[] = {
	{OPTION_STRICT, "strict", NULL, "warnings count as errors"},
	{'j', "json", NULL, "print the findings as JSON"},
	{OPTION_TIME, "time", "TIME", "take this as the present time"},
	{0},
};

/* All that is to be said of what could be read goes to the diagnostics. */
static enum err find(struct policy_file *f, uint64_t now, struct error *e)
{
	struct buffer bundle;
	enum err code;

	if (f->diagnostics.errors)
		return E_OK;
	buffer_init(&bundle, BUNDLE_MAX);
	code = policy_try(f, &bundle, e);
	if (!code)
		code = warn_find(&f->model, buffer_view(&bundle), &f->diagnostics, e);
	if (!code)
		code = unable_find(&f->model, buffer_view(&bundle), &f->diagnostics, e);
	if (!code)
		code = tunnel_ends_find(&f->model, buffer_view(&bundle), &f->diagnostics, e);
	if (!code) {
		doors_find(&f->model, &f->diagnostics);
		schedules_find(&f->model, now, &f->diagnostics);
	}
	buffer_fini(&bundle);
	return code;
}

static void print_json(struct diagnostics *d)
{
	json_t *all = json_object(), *list = json_array();

	diagnostics_sort(d);
	for (size_t i = 0; i < d->finding_count; i++) {
		const struct finding *f = &d->findings[i];
		size_t line, column;

		place_resolve(d, f->at, &line, &column);
		json_array_append_new(list,
			json_pack("{s:s*, s:I, s:I, s:s, s:s*}", "file",
				f->at.file < d->source_count ? d->sources[f->at.file].name : "",
				"line", (json_int_t)line, "column", (json_int_t)column, "severity",
				f->severity == SEVERITY_ERROR ? "error" : "warning", "text",
				f->text));
	}
	json_object_set_new(all, "errors", json_integer((json_int_t)d->errors));
	json_object_set_new(all, "warnings", json_integer((json_int_t)d->warnings));
	json_object_set_new(all, "findings", list);
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

int command_check(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	bool strict = false, json = false;
	uint64_t now = now_utc();
	struct policy_file f;
	const char *path;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, check_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		strict = strict || id == OPTION_STRICT;
		json = json || id == 'j';
		if (id == OPTION_TIME && !command_time(argv[0], "time", o.value, &now))
			return EXIT_BAD_USAGE;
	}
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the policy");
	if (!path)
		return EXIT_BAD_USAGE;
	if (policy_file_read(&f, path, &e) || find(&f, now, &e)) {
		status = command_failed(argv[0], &e);
	} else {
		if (json)
			print_json(&f.diagnostics);
		else
			policy_print_findings(&f);
		if (f.diagnostics.errors || (strict && f.diagnostics.warnings))
			status = EXIT_BAD_INPUT;
	}
	policy_file_fini(&f);
	return status;
}
