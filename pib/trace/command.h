/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command "trace", which pdpctl and pepctl share: out of a running daemon, or out of a file. */
#ifndef COPSEC_PIB_TRACE_COMMAND_H
#define COPSEC_PIB_TRACE_COMMAND_H

#include "common/service/options.h"

extern const struct option_row trace_options[];

#define TRACE_SYNOPSIS "[--count N] [--read FILE [--port PORT]]"
#define TRACE_LINE "print the messages of sessions, as they pass or out of a capture"

struct trace_command {
	const char *program; /* pdpctl */
	const char *daemon;  /* pdpd */
	const char *socket;
};

/* argv[0] is the command's name. Returns an exit status; live, it ends by a signal, with `count`, or
 * when the daemon is gone. */
int trace_run(const struct trace_command *t, int argc, char **argv);

#endif
