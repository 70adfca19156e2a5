/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/completion.h"
#include "pmt/commands/command.h"

const struct option_row completion_options[] = {{0}};

int command_completion(void *context, int argc, char **argv)
{
	static const struct completion_kind kinds[] = {
		{"POLICY", "*.xml", NULL, NULL},
		{"BUNDLE", "*.bundle", NULL, NULL},
		{"FORMAT", NULL, "nft iptables swanctl", NULL},
		{"OLD-BUNDLE", "*.bundle", NULL, NULL},
		{"KIND", NULL, "nodes roles networks services protections rules sets", NULL},
		{"NEW", "*", NULL, NULL},
		{"NODE", NULL, NULL, "pmt list --names nodes"},
		{"ROLE", NULL, NULL, "pmt list --names roles"},
		{"SET", NULL, NULL, "pmt list --names sets"},
		{0},
	};
	const struct completion completion = {"pmt", pmt_options, pmt_commands, kinds};

	(void)context;
	return completion_run(&completion, argc, argv);
}
