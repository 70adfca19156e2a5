/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rights are left after dropping, by the kernel's own word. */
#include "tests/suite.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pep/process/privilege.h"

/* A line of /proc/self/status, as a hexadecimal number. */
static uint64_t status(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long long value = 0;
	char line[256];
	bool found = false;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			found = sscanf(line + strlen(name) + 1, "%llx", &value) == 1;
	fclose(f);
	ck_assert_msg(found, "%s", name);
	return value;
}

static void drop(enum ipc_role role, const char *user)
{
	struct error e;

	ck_assert_msg(!privilege_drop(role, user, &e), "%s", e.text);
	ck_assert_uint_eq(status("NoNewPrivs"), 1);
	ck_assert_uint_eq(status("CapInh"), 0);
	ck_assert_uint_eq(status("CapAmb"), 0);
}

/* Not so in a user namespace with one user. */
static bool has_other_users(void)
{
	FILE *f = fopen("/proc/self/uid_map", "r");
	unsigned inside, outside, count = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%u %u %u", &inside, &outside, &count), 3);
	fclose(f);
	return count > 1;
}

START_TEST(net_keeps_nothing)
{
	bool could_shrink = status("CapEff") >> CAP_SETPCAP & 1;

	drop(IPC_NET, privilege_user(IPC_NET, ""));
	/* Nor the files and processes of root, where there is anybody else to be. */
	if (has_other_users()) {
		ck_assert_int_ne(getuid(), 0);
		ck_assert_int_eq(setuid(0), -1);
		ck_assert_int_eq(access("/etc/shadow", R_OK), -1);
		ck_assert_int_eq(kill(1, 0), -1);
	}
	ck_assert_uint_eq(status("CapPrm"), 0);
	ck_assert_uint_eq(status("CapEff"), 0);
	if (could_shrink)
		ck_assert_uint_eq(status("CapBnd"), 0);
}
END_TEST

START_TEST(enforce_keeps_one)
{
	uint64_t had = status("CapPrm") & UINT64_C(1) << CAP_NET_ADMIN;

	drop(IPC_ENFORCE, "");
	ck_assert_uint_eq(status("CapPrm"), had);
	ck_assert_uint_eq(status("CapEff"), had);
}
END_TEST

START_TEST(another_user_keeps_no_more)
{
	uint64_t had = status("CapPrm") & UINT64_C(1) << CAP_NET_ADMIN;

	/* Only root can become somebody else. */
	if (geteuid() || !(status("CapEff") >> CAP_SETUID & 1))
		return;
	drop(IPC_ENFORCE, "nobody");
	ck_assert_int_ne(getuid(), 0);
	ck_assert_int_eq(setuid(0), -1);
	ck_assert_uint_eq(status("CapPrm"), had);
}
END_TEST

START_TEST(nobody_is_not_found)
{
	struct error e;

	ck_assert_int_eq(privilege_drop(IPC_NET, "no-such-user-here", &e), E_NOT_FOUND);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/process/privilege");
	TCase *t = tcase_create("privilege");

	tcase_add_test(t, net_keeps_nothing);
	tcase_add_test(t, enforce_keeps_one);
	tcase_add_test(t, another_user_keeps_no_more);
	tcase_add_test(t, nobody_is_not_found);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
