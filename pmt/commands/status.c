/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status: who has the policy that is in force. */
#include <stdio.h>
#include <stdlib.h>

#include "pmt/commands/command.h"
#include "pmt/commands/standing.h"

enum { OPTION_CONTROL = 256 };

const struct option_row status_options[] = {
	{OPTION_CONTROL, "control", "PATH",
		"control socket of the decision point; else " STANDING_CONTROL_PATH},
	{'j', "json", NULL, "as JSON"},
	{0},
};

int command_status(void *context, int argc, char **argv)
{
	const char *socket = STANDING_CONTROL_PATH;
	int id, status = EXIT_SUCCESS;
	json_t *answer = NULL;
	bool json = false;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, status_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		json = json || id == 'j';
		if (id == OPTION_CONTROL)
			socket = o.value;
	}
	if (id < 0)
		return status;
	if (o.argc)
		return command_misused(argv[0], "\"%s\" is too much", o.argv[0]);
	if (standing_ask(socket, &answer, &e))
		return command_failed(argv[0], &e);
	if (json) {
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
		putchar('\n');
	} else {
		standing_print(answer);
	}
	status = standing_any_failed(answer) ? EXIT_BAD_INPUT : EXIT_SUCCESS;
	json_decref(answer);
	return status;
}
