/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY "nobody"

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

static enum err become(const char *user, struct error *e)
{
	struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (!entry && errno)
		return error_set_sys(e, errno, "cannot look up user %s", user);
	if (!entry)
		return error_set(e, E_NOT_FOUND, "there is no user %s", user);
	/* Capabilities survive the change, to be dropped one by one afterwards. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return error_set_sys(e, errno, "cannot keep capabilities");
	if (setgroups(0, NULL))
		return error_set_sys(e, errno, "cannot drop groups");
	if (setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid))
		return error_set_sys(e, errno, "cannot become group %u", (unsigned)entry->pw_gid);
	if (setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid))
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
static const char *instead_of_root(void)
{
	const struct passwd *entry = geteuid() ? NULL : getpwnam(NOBODY);

	return !geteuid() && (!entry || is_mapped(entry->pw_uid)) ? NOBODY : "";
}

enum err privilege_drop(enum ipc_role role, const char *user, struct error *e)
{
	bool bounding;
	enum err err;

	if (role == IPC_NET && !user[0])
		user = instead_of_root();
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
