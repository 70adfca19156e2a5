/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inject PID NAME
 *
 * Has a process make a system call of our choice, in place of the next one that it makes: what it
 * would do if somebody had taken it over. Says READY=1 when it lies in wait; prints what became of
 * it: `killed by SIGSYS`, or `returned N`, and exits 0.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "common/service/notify.h"

static const struct {
	const char *name;
	unsigned long long number, a, b, c;
} calls[] = {
	{"socket-inet", SYS_socket, AF_INET, SOCK_STREAM, 0},
	{"socket-netlink", SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER},
	{"socket-packet", SYS_socket, AF_PACKET, SOCK_RAW, 0},
	{"socket-unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0},
	{"listen", SYS_listen, 3, 1, 0},
	{"fork", SYS_fork, 0, 0, 0},
	{"execve", SYS_execve, 0, 0, 0},
	{"ptrace", SYS_ptrace, PTRACE_TRACEME, 0, 0},
	{"kill", SYS_kill, 1, 0, 0},
	{"setuid", SYS_setuid, 0, 0, 0},
	{"mount", SYS_mount, 0, 0, 0},
	{"bpf", SYS_bpf, 0, 0, 0},
	{"unshare", SYS_unshare, 0, 0, 0},
	{"init_module", SYS_init_module, 0, 0, 0},
	{"mmap-code", SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC},
	{"mprotect-code", SYS_mprotect, 0, 0, PROT_READ | PROT_EXEC},
};

static int fail(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	return 2;
}

static int replace(pid_t pid, size_t which)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, 0, &r) < 0)
		return fail("registers");
	r.orig_rax = calls[which].number;
	r.rdi = calls[which].a;
	r.rsi = calls[which].b;
	r.rdx = calls[which].c;
	r.r10 = r.r8 = r.r9 = 0;
	return ptrace(PTRACE_SETREGS, pid, 0, &r) < 0 ? fail("registers") : 0;
}

/* Whether a call begins or ends, and then its value. */
static unsigned char kind_of_stop(pid_t pid, long long *ret_value)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
		return PTRACE_SYSCALL_INFO_NONE;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		*ret_value = info.exit.rval;
	return info.op;
}

static int follow(pid_t pid, size_t which)
{
	bool replaced = false;
	long long value = 0;
	int status;

	for (;;) {
		if (waitpid(pid, &status, __WALL) != pid)
			return fail("waitpid");
		if (WIFSIGNALED(status)) {
			printf("killed by %s\n", WTERMSIG(status) == SIGSYS ? "SIGSYS" : "another signal");
			return 0;
		}
		if (!WIFSTOPPED(status))
			return fail("it ended");
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			unsigned char kind = kind_of_stop(pid, &value);

			/* Only another call proves that it lives on. */
			if (kind == PTRACE_SYSCALL_INFO_ENTRY && replaced) {
				printf("returned %lld\n", value);
				return 0;
			}
			if (kind == PTRACE_SYSCALL_INFO_ENTRY && replace(pid, which))
				return 2;
			replaced |= kind == PTRACE_SYSCALL_INFO_ENTRY;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
	}
}

int main(int argc, char **argv)
{
	pid_t pid = argc == 3 ? atoi(argv[1]) : 0;
	size_t which = 0;
	struct error error;

	while (argc == 3 && which < sizeof calls / sizeof calls[0] &&
		strcmp(argv[2], calls[which].name))
		which++;
	if (!pid || which == sizeof calls / sizeof calls[0]) {
		fprintf(stderr, "usage: inject PID NAME\n");
		return 2;
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
		ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return fail("ptrace");
	if (service_notify("READY=1", &error)) {
		fprintf(stderr, "inject: %s\n", error.text);
		return 2;
	}
	return follow(pid, which);
}
