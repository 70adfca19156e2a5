/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/allowed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 6.2; older headers do not have it. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#endif

#define READ LANDLOCK_ACCESS_FS_READ_FILE
#define LIST LANDLOCK_ACCESS_FS_READ_DIR
#define EXECUTE LANDLOCK_ACCESS_FS_EXECUTE
#define WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define REPLACE                                                                                    \
	(READ | LIST | WRITE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* What is handled at all, by the version of the kernel's interface: the rest is as before. */
static const uint64_t handled[] = {
	0,
	(LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	(LANDLOCK_ACCESS_FS_REFER << 1) - 1,
	(LANDLOCK_ACCESS_FS_TRUNCATE << 1) - 1,
};

enum place { STATE_DIRECTORY = 1, CONTROL_DIRECTORY };

struct allowed_path {
	const char *path; /* NULL: the place */
	enum place place;
	unsigned who;
	uint64_t access;
	const char *reason;
};

/* What is not there is left out. */
static const struct allowed_path allowed_paths[] = {
	{"/", 0, FOR_SUPERVISOR, READ | LIST | EXECUTE,
	 "settings, keys, our own image and its libraries: children start behind this wall"},
	{"/dev/null", 0, FOR_SUPERVISOR, READ | LANDLOCK_ACCESS_FS_WRITE_FILE,
	 "standard input and output of children"},
	{NULL, STATE_DIRECTORY, FOR_SUPERVISOR | FOR_ENFORCE, REPLACE,
	 "policy, floors and report key"},
	{NULL, CONTROL_DIRECTORY, FOR_SUPERVISOR,
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE,
	 "enforce makes the control socket"},
	{NULL, CONTROL_DIRECTORY, FOR_ENFORCE, LANDLOCK_ACCESS_FS_REMOVE_FILE,
	 "the control socket, at the end"},
	{"/etc", 0, FOR_NET, READ, "resolv.conf, hosts, nsswitch.conf; new files take their names"},
	{"/run/systemd/resolve", 0, FOR_NET, READ, "where resolv.conf leads"},
	{"/run/resolvconf", 0, FOR_NET, READ, "where resolv.conf leads"},
	{"/run/NetworkManager", 0, FOR_NET, READ, "where resolv.conf leads"},
	{"/etc/localtime", 0, FOR_ENFORCE, READ, "the time in the system log"},
	{"/usr/share/zoneinfo", 0, FOR_CHILDREN, READ, "time zones of rules and of the system log"},
	{"/dev/urandom", 0, FOR_CHILDREN, READ, "jansson's hash seed, c-ares"},
};

static int open_path(const struct allowed_path *p, const struct pep_settings *settings)
{
	char directory[PATH_MAX];
	const char *path = p->path;

	if (p->place == STATE_DIRECTORY)
		path = settings->state_directory;
	if (p->place == CONTROL_DIRECTORY) {
		const char *slash = strrchr(settings->control, '/');

		snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - settings->control) : 0,
		         settings->control);
		path = slash == settings->control ? "/" : slash ? directory : ".";
	}
	return open(path, O_PATH | O_CLOEXEC);
}

static enum err add_path(int ruleset, const struct allowed_path *p, uint64_t known,
                         const struct pep_settings *settings, struct error *e)
{
	struct landlock_path_beneath_attr beneath = {.allowed_access = p->access & known};
	enum err err = E_OK;

	beneath.parent_fd = open_path(p, settings);
	if (beneath.parent_fd < 0)
		return E_OK;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0))
		err = error_set_sys(e, errno, "cannot allow %s", p->path ? p->path : p->reason);
	close(beneath.parent_fd);
	return err;
}

enum err paths_confine(enum ipc_role role, const struct pep_settings *settings, struct error *e)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	const long newest = (long)(sizeof handled / sizeof handled[0]) - 1;
	struct landlock_ruleset_attr attr = {0};
	enum err err = E_OK;
	int ruleset;

	if (version < 1)
		return error_set(e, E_UNSUPPORTED, "this kernel has no Landlock: files are guarded by "
		                 "their owners and modes alone");
	attr.handled_access_fs = handled[version < newest ? version : newest];
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (ruleset < 0)
		return error_set_sys(e, errno, "cannot make a Landlock ruleset");
	for (size_t i = 0; i < sizeof allowed_paths / sizeof allowed_paths[0] && !err; i++)
		if (allowed_paths[i].who & 1U << role)
			err = add_path(ruleset, &allowed_paths[i], attr.handled_access_fs, settings, e);
	if (!err && syscall(SYS_landlock_restrict_self, ruleset, 0))
		err = error_set_sys(e, errno, "cannot put up the Landlock ruleset");
	close(ruleset);
	return err;
}
