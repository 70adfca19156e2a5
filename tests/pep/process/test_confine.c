/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each process of pepd can do behind its walls, and what not: every case in a child that puts up
 * the real ones, in the order in which pepd does. With sanitizers too, which is why a child never
 * returns from main.
 */
#include "tests/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pep/process/allowed.h"
#include "pep/process/confine.h"

static char directory[64], state[80], control[80], outside[80];

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static void make_places(void)
{
	strcpy(directory, "/tmp/copsec-confine.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(state, sizeof state, "%s/state", directory);
	snprintf(control, sizeof control, "%s/control", directory);
	snprintf(outside, sizeof outside, "%s/outside", directory);
	ck_assert_int_eq(mkdir(state, 0700), 0);
	ck_assert_int_eq(close(open(outside, O_CREAT | O_WRONLY, 0600)), 0);
}

static void remove_places(void)
{
	char made[128];

	snprintf(made, sizeof made, "%s/made", state);
	unlink(made);
	unlink(outside);
	rmdir(state);
	rmdir(directory);
}

/* ---- What is tried: 0 or what errno says ---- */

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static int socket_of(int family, int type)
{
	return result(socket(family, type, 0));
}

static int inet(void) { return socket_of(AF_INET, SOCK_STREAM); }
static int inet_datagram(void) { return socket_of(AF_INET, SOCK_DGRAM); }
static int inet6(void) { return socket_of(AF_INET6, SOCK_STREAM); }
static int unix_datagram(void) { return socket_of(AF_UNIX, SOCK_DGRAM); }
static int netlink(void) { return socket_of(AF_NETLINK, SOCK_RAW); }
static int packet(void) { return socket_of(AF_PACKET, SOCK_RAW); }
static int run(void) { return result(execl("/bin/true", "true", (char *)NULL)); }
static int fork_one(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return result(pid);
}
static int kill_init(void) { return result(kill(1, 0)); }
static int trace(void) { return result(syscall(SYS_ptrace, 0, 0, 0, 0)); }
static int mount_it(void) { return result(syscall(SYS_mount, 0, 0, 0, 0, 0)); }
static int code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
	               ? errno : 0;
}
static int memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
	               ? errno : 0;
}
static int read_resolver(void) { return result(open("/etc/passwd", O_RDONLY)); }
static int read_outside(void) { return result(open(outside, O_RDONLY)); }
static int write_outside(void) { return result(open(outside, O_WRONLY)); }
static int write_state(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/made", state);
	return result(open(path, O_WRONLY | O_CREAT, 0600));
}

enum { KILLED = -1, ALLOWED = 0 };

static const struct trial {
	const char *what;
	int (*attempt)(void);
	bool path;                /* Landlock judges */
	int expected[IPC_ROLES]; /* supervisor, net, enforce: KILLED or errno */
} trials[] = {
	{"memory", memory, false, {ALLOWED, ALLOWED, ALLOWED}},
	{"new code", code, false, {ALLOWED, KILLED, KILLED}},
	{"TCP", inet, false, {ALLOWED, ALLOWED, KILLED}},
	{"UDP", inet_datagram, false, {ALLOWED, ALLOWED, KILLED}},
	{"TCP over IPv6", inet6, false, {ALLOWED, ALLOWED, KILLED}},
	{"syslog", unix_datagram, false, {ALLOWED, ALLOWED, ALLOWED}},
	{"netlink", netlink, false, {ALLOWED, KILLED, ALLOWED}},
	{"raw frames", packet, false, {KILLED, KILLED, KILLED}},
	{"a program", run, false, {ALLOWED, KILLED, KILLED}},
	{"a process", fork_one, false, {ALLOWED, KILLED, KILLED}},
	{"signals to others", kill_init, false, {ALLOWED, KILLED, KILLED}},
	{"ptrace", trace, false, {KILLED, KILLED, KILLED}},
	{"mount", mount_it, false, {KILLED, KILLED, KILLED}},
	{"reading /etc", read_resolver, true, {ALLOWED, ALLOWED, EACCES}},
	{"reading elsewhere", read_outside, true, {ALLOWED, EACCES, EACCES}},
	{"writing elsewhere", write_outside, true, {EACCES, KILLED, EACCES}},
	{"writing in the state directory", write_state, true, {ALLOWED, KILLED, ALLOWED}},
};
enum { TRIALS = sizeof trials / sizeof trials[0] };

/* Status as of waitpid(). */
static int attempt(const struct trial *t, enum ipc_role role)
{
	struct pep_settings settings = {.state_directory = state, .control = control};
	struct error e;
	int status, error;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || confine(role, &settings, NULL, &e))
			_exit(255);
		error = t->attempt();
		_exit(error);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(a_process_can_do_what_its_tables_say)
{
	const struct trial *t = &trials[_i];

	setenv("COPSEC_CONFINE", "1", 1);
	make_places();
	for (enum ipc_role role = IPC_SUPERVISOR; role < IPC_ROLES; role++) {
		int status;

		if (t->path && !has_landlock() && t->expected[role] > 0)
			continue;
		status = attempt(t, role);
		if (t->expected[role] == KILLED)
			ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
			              "%s, role %d: status %#x", t->what, (int)role, (unsigned)status);
		else
			ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == t->expected[role],
			              "%s, role %d: status %#x", t->what, (int)role, (unsigned)status);
	}
	remove_places();
}
END_TEST

START_TEST(every_right_has_its_reason)
{
	for (size_t i = 0; i < allowed_call_count; i++) {
		ck_assert_uint_ne(allowed_calls[i].who & FOR_ALL, 0);
		ck_assert_uint_eq(allowed_calls[i].who & ~(unsigned)FOR_ALL, 0);
		ck_assert_uint_gt(strlen(allowed_calls[i].reason), 3);
		/* A value outside of its mask could never be met. */
		ck_assert_uint_eq(allowed_calls[i].value & ~allowed_calls[i].mask, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/process/confine");
	TCase *t = tcase_create("confine");

	tcase_add_loop_test(t, a_process_can_do_what_its_tables_say, 0, TRIALS);
	tcase_add_test(t, every_right_has_its_reason);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
