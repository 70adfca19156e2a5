/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which rights each process of pepd keeps, and giving up the others. The table with the reason for
 * every right kept is in privilege.c; dropping goes groups, group, user, capabilities (with the
 * bounding set), no-new-privs, and is checked afterwards. There is no way back.
 */
#ifndef COPSEC_PEP_PROCESS_PRIVILEGE_H
#define COPSEC_PEP_PROCESS_PRIVILEGE_H

#include "common/base/error.h"
#include "pep/ipc/message.h"

/* `user`: "" to stay who we are. Started without rights, there is nothing to drop but the rest is
 * done all the same. */
enum err privilege_drop(enum ipc_role role, const char *user, struct error *e) MUST_USE;

#endif
