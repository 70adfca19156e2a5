/* SPDX-License-Identifier: GPL-3.0-or-later */
/* convert: a bundle as a policy again. */
#include <stdlib.h>

#include "common/base/file.h"
#include "pmt/commands/command.h"
#include "pmt/convert/convert.h"

enum { POLICY_MAX = 256 << 20 };

const struct option_row convert_options[] = {
	{'o', "output", "FILE", "the policy; else it is printed"},
	{0},
};

int command_convert(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	const char *output = NULL, *path;
	struct bundle_file f;
	struct buffer policy;
	struct options o;
	struct error e;
	enum err code;

	(void)context;
	command_begin(&o, convert_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		output = o.value;
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	buffer_init(&policy, POLICY_MAX);
	code = bundle_file_read(&f, path, &e);
	if (!code)
		code = convert(&f.bundle, &policy, &e);
	if (!code && output)
		code = file_replace(output, buffer_view(&policy), 0644, &e);
	bundle_file_fini(&f);
	status = code     ? command_failed(argv[0], &e)
		 : output ? EXIT_SUCCESS
			  : command_output(argv[0], &policy);
	buffer_fini(&policy);
	return status;
}
