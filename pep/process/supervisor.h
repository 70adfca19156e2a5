/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first process of pepd. It starts the other two from its own image, starts again what died
 * (with back-off), ends them in order, and does nothing else: it parses nothing from outside but
 * the settings file, and talks to nobody but its children. It holds the guard (pep/kernel/guard.h),
 * which keeps the node closed while the packet filter is flushed, since it dies last.
 *
 *	enforce comes first; it says READY when the kernel enforces something (at least the closed
 *	node). Only then comes net, with a socket to enforce. If enforce dies, net ends with it; if
 *	net dies, enforce goes on and gets a new socket. The kernel keeps what it enforces in any case.
 *
 * A child that fails before it was ever ready is a mistake that no repetition cures: the supervisor
 * then ends with a failure. Signals: TERM and INT end everything, net first; HUP checks the settings
 * and, if they are good, starts both children again with them.
 */
#ifndef COPSEC_PEP_PROCESS_SUPERVISOR_H
#define COPSEC_PEP_PROCESS_SUPERVISOR_H

#include <stdbool.h>

#include "common/service/log.h"
#include "pep/ipc/message.h"

enum {
	/* Descriptors of a child. */
	CHILD_SUPERVISOR_FD = 3,
	CHILD_ENFORCE_FD = 4, /* of net only */
};

/* How a child is called: program CHILD_OPTION ROLE SETTINGS SINK, and never otherwise. */
#define CHILD_OPTION "--role"
#define CHILD_STDERR "stderr"
#define CHILD_SYSLOG "syslog"
enum { CHILD_ARGUMENTS = 5 };

struct supervisor_config {
	const char *program;  /* argv[0] of the children */
	const char *settings; /* absolute path, handed on to the children */
	bool syslog;          /* where the children log to, instead of stderr */
	struct log *log;
	/* Called once, when all are ready. May be NULL. */
	void (*ready)(void *context);
	void *context;
};

/* Returns an exit status when everything has ended. */
int supervise(const struct supervisor_config *config);

/* The role that a child is started with; IPC_ROLES for anything else. */
enum ipc_role child_role(const char *name);
const char *child_role_name(enum ipc_role role);

#endif
