/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a process of pepd may still ask of the kernel once it serves: system calls by a seccomp
 * filter (the table with the reason for each is calls.c), paths by a Landlock ruleset (the table in
 * paths.c). After privilege_drop(), and before anything is read that comes from outside. There is
 * no way back, and what is started later inherits it: so the supervisor's walls are those of all
 * three and of starting them, and each child puts up its own inside.
 *
 * A call that is not in the table ends the process (SIGSYS); a path that is not, gives EACCES.
 *
 * LeakSanitizer cannot live behind such a filter. A build with sanitizers or coverage goes without, unless
 * COPSEC_CONFINE stands in the environment, for tests with detect_leaks=0; any other build cannot be
 * told to.
 */
#ifndef COPSEC_PEP_PROCESS_CONFINE_H
#define COPSEC_PEP_PROCESS_CONFINE_H

#include "common/service/log.h"
#include "pep/ipc/message.h"
#include "pep/settings.h"

/* What this kernel cannot wall off is said in the log, and it goes on without. */
enum err confine(enum ipc_role role, const struct pep_settings *settings, struct log *log,
                 struct error *e) MUST_USE;

#endif
