/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status: who has the policy that is in force. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/file.h"
#include "pmt/commands/conversation.h"

enum { OPTION_CONTROL = 256 };

const struct option_row status_options[] = {
	CONVERSATION_OPTIONS,
	{OPTION_CONTROL, "control", "PATH",
		"without --pdp: its control socket on this machine; else " STANDING_CONTROL_PATH},
	{'o', "output", "FILE", "with --pdp: write the bundle in force there"},
	{'j', "json", NULL, "as JSON"},
	{0},
};

struct wish {
	struct conversation_terms pdp;
	const char *control, *output;
	bool json;
};

static enum err save(struct conversation *c, const char *output, struct error *e)
{
	const struct publishing_order fetch = {.action = PUBLISHING_FETCH};
	struct buffer objects, file;
	struct bundle bundle;
	struct arena arena;
	enum err code;

	buffer_init(&objects, BUNDLE_MAX);
	buffer_init(&file, BUNDLE_MAX);
	arena_init(&arena, BUNDLE_MAX);
	code = conversation_order(c, &fetch, VIEW_NONE, &objects, e);
	if (!code)
		code = bundle_read_objects(buffer_view(&objects), &arena, &bundle, e);
	if (!code)
		code = bundle_write(&bundle, &file, e);
	if (!code)
		code = file_replace(output, buffer_view(&file), 0644, e);
	arena_fini(&arena);
	buffer_fini(&file);
	buffer_fini(&objects);
	return code;
}

static enum err ask(const struct wish *w, struct standing_table *there, struct error *e)
{
	struct conversation *c = NULL;
	enum err code;

	if (!w->pdp.pdp)
		return standing_ask(w->control, there, e);
	code = conversation_begin(&w->pdp, &c, e);
	if (!code)
		code = conversation_follow(c, there, e);
	if (!code && w->output)
		code = save(c, w->output, e);
	conversation_end(c);
	return code;
}

static int print_json(const char *name, const struct standing_table *there)
{
	json_t *all = standing_json(there);
	struct error e;

	if (!all) {
		error_set(&e, E_MEMORY, "out of memory");
		return command_failed(name, &e);
	}
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(all);
	return EXIT_SUCCESS;
}

static int tell(const char *name, const struct wish *w)
{
	struct standing_table there = {0};
	int status = EXIT_SUCCESS;
	struct error e;
	enum err code = ask(w, &there, &e);

	if (code == E_AGAIN)
		status = EXIT_INTERRUPTED;
	else if (code)
		status = command_failed(name, &e);
	else if (w->json)
		status = print_json(name, &there);
	else
		standing_print(&there);
	if (!status && standing_count(&there, STANDING_FAILED))
		status = EXIT_BAD_INPUT;
	standing_fini(&there);
	return status;
}

int command_status(void *context, int argc, char **argv)
{
	struct wish w = {
		.pdp.timeout_ms = CONVERSATION_TIMEOUT_MS, .control = STANDING_CONTROL_PATH};
	int id, status = EXIT_SUCCESS;
	const char *missing;
	struct options o;

	(void)context;
	command_begin(&o, status_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		if (id == OPTION_CONTROL)
			w.control = o.value;
		else if (id == 'o')
			w.output = o.value;
		else if (id == 'j')
			w.json = true;
		else if (!conversation_option(&w.pdp, argv[0], id, o.value))
			return EXIT_BAD_USAGE;
	}
	if (id < 0)
		return status;
	if (o.argc)
		return command_misused(argv[0], "\"%s\" is too much", o.argv[0]);
	missing = conversation_lacks(&w.pdp);
	if (missing && (w.pdp.pdp || w.pdp.pin || w.pdp.key || w.output))
		return command_misused(argv[0], "--%s is missing", missing);
	return tell(argv[0], &w);
}
