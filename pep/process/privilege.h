/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which rights each process of pepd keeps, and giving up the others. The table with the reason for
 * every right kept is in privilege.c; dropping goes groups, group, user, capabilities (with the
 * bounding set), no-new-privs, and is checked afterwards. There is no way back.
 */
#ifndef COPSEC_PEP_PROCESS_PRIVILEGE_H
#define COPSEC_PEP_PROCESS_PRIVILEGE_H

#include <sys/types.h>

#include "common/base/error.h"
#include "pep/ipc/message.h"

/* The accounts that an installation makes, one for each child: neither can touch the other. */
#define PRIVILEGE_NET_USER "copsec-net"
#define PRIVILEGE_ENFORCE_USER "copsec-enforce"

/* By /etc/passwd alone: the modules of the C library's name service would do there, behind the walls,
 * whatever they are made to do. */
enum err privilege_account(const char *user, uid_t *ret_uid, gid_t *ret_gid,
                           struct error *e) MUST_USE;

/*
 * Who a child becomes: the user of its setting, or if that is "" and root has started us, the account
 * of its own; where there is none, net is nobody and enforce stays who it is. "" for staying.
 */
const char *privilege_user(enum ipc_role role, const char *setting);

/* `user`: as from privilege_user(). Started without rights, there is nothing to drop but the rest is
 * done all the same. */
enum err privilege_drop(enum ipc_role role, const char *user, struct error *e) MUST_USE;

#endif
