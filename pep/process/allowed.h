/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands in the walls of confine.h: the table of system calls, and that of paths put up. */
#ifndef COPSEC_PEP_PROCESS_ALLOWED_H
#define COPSEC_PEP_PROCESS_ALLOWED_H

#include <stddef.h>
#include <stdint.h>

#include "pep/ipc/message.h"
#include "pep/settings.h"

enum {
	FOR_SUPERVISOR = 1 << IPC_SUPERVISOR,
	FOR_NET = 1 << IPC_NET,
	FOR_ENFORCE = 1 << IPC_ENFORCE,
	FOR_CHILDREN = FOR_NET | FOR_ENFORCE,
	FOR_ALL = FOR_SUPERVISOR | FOR_CHILDREN,
};

/* A system call, by libseccomp's number; with a mask, only where (argument & mask) == value. */
struct allowed_call {
	int number;
	unsigned who;
	const char *reason;
	unsigned argument;
	uint32_t mask, value;
};
extern const struct allowed_call allowed_calls[];
extern const size_t allowed_call_count;

/* E_UNSUPPORTED: this kernel has no Landlock. */
enum err paths_confine(enum ipc_role role, const struct pep_settings *settings,
                       struct error *e) MUST_USE;

#endif
