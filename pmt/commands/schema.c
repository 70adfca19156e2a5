/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "pmt/commands/command.h"
#include "pmt/language/compact.h"
#include "pmt/language/schema.h"

enum { OPTION_MANUAL = 256, OPTION_COMPACT, SCHEMA_MAX = 4 << 20 };

const struct option_row schema_options[] = {
	{OPTION_COMPACT, "compact", NULL, "in the compact syntax"},
	{OPTION_MANUAL, "manual", NULL, "the same for copsec-policy(5), in mdoc"},
	{0},
};

int command_schema(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	bool manual = false, compact = false;
	struct buffer out, schema;
	struct options o;

	(void)context;
	command_begin(&o, schema_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		*(id == OPTION_COMPACT ? &compact : &manual) = true;
	if (id < 0)
		return status;
	if (o.argc)
		return command_misused(argv[0], "\"%s\" is too much", o.argv[0]);
	if (manual && compact)
		return command_misused(argv[0], "either --compact or --manual");
	buffer_init(&out, SCHEMA_MAX);
	buffer_init(&schema, SCHEMA_MAX);
	(manual ? schema_print_manual : schema_print)(compact ? &schema : &out);
	/* What cannot be written there a test would have found. */
	if (compact && compact_print(buffer_view(&schema), &out))
		buffer_reset(&out);
	status = command_output(argv[0], &out);
	buffer_fini(&schema);
	buffer_fini(&out);
	return status;
}
