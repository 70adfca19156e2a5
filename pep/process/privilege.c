/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY "nobody"
#define ACCOUNTS "/etc/passwd"

struct right {
	enum ipc_role role;
	unsigned capability;
	const char *reason;
};

static const struct right kept[] = {
	{IPC_SUPERVISOR, CAP_NET_ADMIN, "the guard, and to hand it to enforce when it is started again"},
	{IPC_SUPERVISOR, CAP_SETUID, "so that children can become the users of the settings"},
	{IPC_SUPERVISOR, CAP_SETGID, "the same for their groups"},
	{IPC_SUPERVISOR, CAP_SETPCAP, "so that children can empty their bounding sets"},
	{IPC_SUPERVISOR, CAP_KILL, "to end children that run as other users"},
	{IPC_SUPERVISOR, CAP_CHOWN, "enforce gives the control socket to the user of pepd"},
	{IPC_ENFORCE, CAP_NET_ADMIN, "SPD and packet filter"},
	/* net keeps none. */
};

enum err privilege_account(const char *user, uid_t *ret_uid, gid_t *ret_gid, struct error *e)
{
	FILE *f = fopen(ACCOUNTS, "re");
	const struct passwd *entry;

	if (!f)
		return error_set_sys(e, errno, "cannot read %s", ACCOUNTS);
	do
		entry = fgetpwent(f);
	while (entry && strcmp(entry->pw_name, user));
	if (entry) {
		*ret_uid = entry->pw_uid;
		*ret_gid = entry->pw_gid;
	}
	fclose(f);
	return entry ? E_OK : error_set(e, E_NOT_FOUND, "there is no user %s in %s", user, ACCOUNTS);
}

static enum err become(const char *user, struct error *e)
{
	uid_t uid;
	gid_t gid;
	enum err err = privilege_account(user, &uid, &gid, e);

	if (err)
		return err;
	/* Capabilities survive the change, to be dropped one by one afterwards. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return error_set_sys(e, errno, "cannot keep capabilities");
	if (setgroups(0, NULL))
		return error_set_sys(e, errno, "cannot drop groups");
	if (setresgid(gid, gid, gid))
		return error_set_sys(e, errno, "cannot become group %u", (unsigned)gid);
	if (setresuid(uid, uid, uid))
		return error_set_sys(e, errno, "cannot become user %s", user);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0))
		return error_set_sys(e, errno, "cannot stop keeping capabilities");
	return E_OK;
}

/* In a user namespace there may be no other user to become. */
static bool is_mapped(uid_t uid)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside, count;
	bool mapped = false;

	while (f && !mapped && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3)
		mapped = uid >= inside && uid - inside < count;
	if (f)
		fclose(f);
	return mapped;
}

/* Root without capabilities still owns root's files and may kill root's processes. */
static const char *const accounts[IPC_ROLES][2] = {
	[IPC_NET] = {PRIVILEGE_NET_USER, NOBODY},
	/* Not nobody too: it could be killed by net then, and others would own the policy. */
	[IPC_ENFORCE] = {PRIVILEGE_ENFORCE_USER},
};

const char *privilege_user(enum ipc_role role, const char *setting)
{
	if (setting[0] || geteuid())
		return setting;
	for (size_t i = 0; i < 2 && accounts[role][i]; i++) {
		struct error e;
		uid_t uid;
		gid_t gid;

		if (!privilege_account(accounts[role][i], &uid, &gid, &e) && is_mapped(uid))
			return accounts[role][i];
	}
	return "";
}

enum err privilege_drop(enum ipc_role role, const char *user, struct error *e)
{
	bool bounding;
	enum err err;

	if (user[0] && (err = become(user, e)))
		return err;

	if (capng_get_caps_process())
		return error_set(e, E_SYSTEM, "cannot read our capabilities");
	/* The right to shrink the bounding set may already be missing; then there is no way to gain
	 * anything from it either, for no-new-privs follows. */
	bounding = capng_have_capability(CAPNG_PERMITTED, CAP_SETPCAP);
	if (bounding)
		(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_SETPCAP);
	if (bounding && capng_apply(CAPNG_SELECT_CAPS))
		return error_set(e, E_SYSTEM, "cannot use CAP_SETPCAP");
	for (unsigned c = 0; c <= (unsigned)CAP_LAST_CAP; c++) {
		bool keep = false;

		for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
			keep |= kept[i].role == role && kept[i].capability == c;
		keep = keep && capng_have_capability(CAPNG_PERMITTED, c);
		if (capng_update(keep ? CAPNG_ADD : CAPNG_DROP,
		                 CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, c) ||
		    capng_update(CAPNG_DROP, CAPNG_INHERITABLE | CAPNG_AMBIENT, c))
			return error_set(e, E_BUG, "cannot name capability %u", c);
	}
	if (capng_apply(bounding ? CAPNG_SELECT_BOTH | CAPNG_SELECT_AMBIENT : CAPNG_SELECT_CAPS))
		return error_set(e, E_SYSTEM, "cannot drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_set_sys(e, errno, "cannot renounce new privileges");

	if (capng_get_caps_process())
		return error_set(e, E_SYSTEM, "cannot read our capabilities");
	if (role == IPC_NET && capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return error_set(e, E_BUG, "a capability is left after all were dropped");
	return E_OK;
}
