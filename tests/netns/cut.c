/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cut N PID [PID...]
 *
 * Kills processes at an exact moment: just before the first of them makes its N-th system call that
 * changes something outside it (a message, a file, a name), counted from now. So for every N there
 * is one run in which the N-th change and all after it did not happen.
 *
 * Says READY=1 when it counts. Prints `killed before call N, NAME` and exits 0, or, when it is told
 * to end by SIGTERM, `calls N` and exits 1: it never came so far.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/service/notify.h"

static const struct {
	long number;
	const char *name;
} changes[] = {
	{SYS_sendto, "sendto"},
	{SYS_sendmsg, "sendmsg"},
	{SYS_write, "write"},
	{SYS_writev, "writev"},
	{SYS_pwrite64, "pwrite64"},
	{SYS_fsync, "fsync"},
	{SYS_fdatasync, "fdatasync"},
	{SYS_ftruncate, "ftruncate"},
	{SYS_renameat, "renameat"},
	{SYS_renameat2, "renameat2"},
	{SYS_unlinkat, "unlinkat"},
#ifdef SYS_rename
	{SYS_rename, "rename"},
	{SYS_unlink, "unlink"},
#endif
};

static volatile sig_atomic_t told_to_end;

static void on_term(int number)
{
	(void)number;
	told_to_end = 1;
}

static int fail(const char *what)
{
	fprintf(stderr, "cut: %s: %s\n", what, strerror(errno));
	return 2;
}

/* The name of the change that the stopped process is about to make; NULL if it is none. */
static const char *change_begun(pid_t pid)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0 ||
		info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return NULL;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		if ((long)info.entry.nr == changes[i].number)
			return changes[i].name;
	return NULL;
}

/* What the process is to get when it goes on: a signal that stopped it, or none. */
static long signal_of_stop(int status)
{
	int number = WSTOPSIG(status);

	return status >> 16 || number == SIGTRAP || number == (SIGTRAP | 0x80) ? 0 : number;
}

static int follow(unsigned long wanted, char **pids)
{
	pid_t pid = atoi(pids[0]);
	unsigned long count = 0;
	int status;

	while (!told_to_end) {
		const char *name = NULL;

		if (waitpid(pid, &status, __WALL) != pid) {
			if (errno == EINTR)
				continue;
			return fail("waitpid");
		}
		if (!WIFSTOPPED(status)) {
			printf("it ended by itself after %lu calls\n", count);
			return 1;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			name = change_begun(pid);
		if (name && ++count == wanted) {
			for (char **p = pids; *p; p++)
				kill(atoi(*p), SIGKILL);
			printf("killed before call %lu, %s\n", count, name);
			return 0;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, signal_of_stop(status));
	}
	printf("calls %lu\n", count);
	return 1;
}

int main(int argc, char **argv)
{
	struct sigaction term = {.sa_handler = on_term};
	struct error error;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: cut N PID [PID...]\n");
		return 2;
	}
	pid = atoi(argv[2]);
	sigaction(SIGTERM, &term, NULL);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
		ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return fail("ptrace");
	if (service_notify("READY=1", &error)) {
		fprintf(stderr, "cut: %s\n", error.text);
		return 2;
	}
	return follow(strtoul(argv[1], NULL, 10), argv + 2);
}
