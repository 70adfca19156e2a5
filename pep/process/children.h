/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two children of the supervisor: each runs from its start to its end, and returns an exit
 * status. Descriptors are those of supervisor.h. Each prepares what needs rights, drops them, says
 * READY, and serves until SHUTDOWN, or until a process that it cannot live without is gone.
 */
#ifndef COPSEC_PEP_PROCESS_CHILDREN_H
#define COPSEC_PEP_PROCESS_CHILDREN_H

#include "common/service/log.h"
#include "pep/settings.h"

/* COPS over TLS. Keeps no right; opens nothing but connections to the PDPs after READY. */
int net_process(const struct pep_settings *settings, struct log *log);
/* Verifies and applies. Keeps CAP_NET_ADMIN; opens no network connection, ever. */
int enforce_process(const struct pep_settings *settings, struct log *log);

/*
 * Early at boot, without supervisor and net: the stored policy is verified and in force when it
 * returns, or the node is closed. Then it ends, and the kernel keeps what it has until pepd takes it
 * over. EXIT_SUCCESS also where no policy was ever stored.
 */
int enforce_early(const struct pep_settings *settings, struct log *log);

#endif
