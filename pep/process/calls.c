/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/allowed.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* (argument & mask) == value */
#define ONLY(argument, mask, value) (argument), (uint32_t)(mask), (uint32_t)(value)
#define ANY 0, 0, 0
#define READING ONLY(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)
#define NO_CODE ONLY(2, PROT_EXEC, 0)
#define FAMILY(family) ONLY(0, UINT32_MAX, family)

#define IT_STARTS "what a child does before it puts up its own walls"

const struct allowed_call allowed_calls[] = {
	/* Memory and time. */
	{SCMP_SYS(brk), FOR_ALL, "memory", ANY},
	{SCMP_SYS(mmap), FOR_CHILDREN, "memory, but no code", NO_CODE},
	{SCMP_SYS(mmap), FOR_SUPERVISOR, "the loader maps the code of children", ANY},
	{SCMP_SYS(mprotect), FOR_CHILDREN, "memory, but no code", NO_CODE},
	{SCMP_SYS(mprotect), FOR_SUPERVISOR, "the loader, in children", ANY},
	{SCMP_SYS(mremap), FOR_ALL, "memory", ANY},
	{SCMP_SYS(munmap), FOR_ALL, "memory", ANY},
	{SCMP_SYS(madvise), FOR_ALL, "memory given back", ANY},
	{SCMP_SYS(futex), FOR_ALL, "locks of the C library and of OpenSSL", ANY},
	{SCMP_SYS(clock_gettime), FOR_ALL, "time, where the vDSO has none", ANY},
	{SCMP_SYS(gettimeofday), FOR_ALL, "time, where the vDSO has none", ANY},
	{SCMP_SYS(time), FOR_ALL, "time, where the vDSO has none", ANY},
	{SCMP_SYS(getrandom), FOR_ALL, "keys, nonces, back-off", ANY},
	{SCMP_SYS(sysinfo), FOR_ALL, "how much memory qsort() may take", ANY},

	/* Being a process. */
	{SCMP_SYS(exit_group), FOR_ALL, "the end", ANY},
	{SCMP_SYS(exit), FOR_ALL, "the end", ANY},
	{SCMP_SYS(rt_sigreturn), FOR_ALL, "back from a signal", ANY},
	{SCMP_SYS(rt_sigprocmask), FOR_ALL, "libev and fork()", ANY},
	{SCMP_SYS(rt_sigaction), FOR_ALL, "libev's signals at the end", ANY},
	{SCMP_SYS(restart_syscall), FOR_ALL, "what was stopped and goes on", ANY},
	{SCMP_SYS(getpid), FOR_ALL, "the log, libev", ANY},
	{SCMP_SYS(gettid), FOR_ALL, "the C library", ANY},
	{SCMP_SYS(getuid), FOR_ALL, "OpenSSL and the control socket ask who we are", ANY},
	{SCMP_SYS(geteuid), FOR_ALL, "OpenSSL and the control socket ask who we are", ANY},
	{SCMP_SYS(getgid), FOR_ALL, "OpenSSL asks who we are", ANY},
	{SCMP_SYS(getegid), FOR_ALL, "OpenSSL asks who we are", ANY},
	{SCMP_SYS(uname), FOR_ALL, "frwkDeviceId, libev's backend", ANY},

	/* Descriptors. */
	{SCMP_SYS(read), FOR_ALL, "files, events", ANY},
	{SCMP_SYS(write), FOR_ALL, "the log, files, TLS", ANY},
	{SCMP_SYS(writev), FOR_ALL, "the log of the C library", ANY},
	{SCMP_SYS(lseek), FOR_ALL, "files read by the C library", ANY},
	{SCMP_SYS(close), FOR_ALL, "descriptors", ANY},
	{SCMP_SYS(fcntl), FOR_ALL, "close-on-exec, non-blocking, duplicates", ANY},
	{SCMP_SYS(newfstatat), FOR_ALL, "size and time of an open file", ANY},
	{SCMP_SYS(fstat), FOR_ALL, "size and time of an open file", ANY},
	{SCMP_SYS(epoll_wait), FOR_ALL, "the loop", ANY},
	{SCMP_SYS(epoll_pwait), FOR_ALL, "the loop", ANY},
	{SCMP_SYS(epoll_ctl), FOR_ALL, "the loop", ANY},
	{SCMP_SYS(poll), FOR_ALL, "waiting for one descriptor", ANY},
	{SCMP_SYS(ppoll), FOR_ALL, "waiting for one descriptor", ANY},
	{SCMP_SYS(eventfd2), FOR_ALL, "libev's own wake-up", ANY},
	{SCMP_SYS(timerfd_create), FOR_ALL, "libev hears of clock jumps", ANY},
	{SCMP_SYS(timerfd_settime), FOR_ALL, "libev hears of clock jumps", ANY},
	{SCMP_SYS(openat), FOR_NET, "resolv.conf and its like, read only", READING},
	{SCMP_SYS(openat), FOR_ENFORCE, "the state directory, time zones", ANY},
	{SCMP_SYS(openat), FOR_SUPERVISOR, "settings; all that children read when they start", ANY},

	/* Sockets. */
	{SCMP_SYS(socket), FOR_NET | FOR_SUPERVISOR, "to PDPs and resolvers", FAMILY(AF_INET)},
	{SCMP_SYS(socket), FOR_NET | FOR_SUPERVISOR, "to PDPs and resolvers", FAMILY(AF_INET6)},
	{SCMP_SYS(socket), FOR_ALL, "syslog; the service manager; control; charon", FAMILY(AF_UNIX)},
	{SCMP_SYS(socket), FOR_ENFORCE | FOR_SUPERVISOR, "the kernel's policy; the guard",
	 FAMILY(AF_NETLINK)},
	{SCMP_SYS(connect), FOR_ALL, "PDPs, resolvers, syslog, charon", ANY},
	{SCMP_SYS(bind), FOR_ENFORCE | FOR_SUPERVISOR, "netlink; the control socket at start", ANY},
	{SCMP_SYS(accept4), FOR_ENFORCE, "pepctl", ANY},
	{SCMP_SYS(accept), FOR_ENFORCE, "pepctl", ANY},
	{SCMP_SYS(sendto), FOR_ALL, "sockets", ANY},
	{SCMP_SYS(sendmsg), FOR_ALL, "sockets; descriptors to children", ANY},
	{SCMP_SYS(recvfrom), FOR_ALL, "sockets", ANY},
	{SCMP_SYS(recvmsg), FOR_ALL, "sockets", ANY},
	{SCMP_SYS(shutdown), FOR_NET, "the end of a session", ANY},
	{SCMP_SYS(setsockopt), FOR_ALL, "sockets", ANY},
	{SCMP_SYS(getsockopt), FOR_ALL, "how a connect ended; who asks at the control socket", ANY},
	{SCMP_SYS(getsockname), FOR_ALL, "the port that netlink gave us", ANY},
	{SCMP_SYS(getpeername), FOR_NET, "c-ares and OpenSSL", ANY},

	/* What enforce does to its state directory. */
	{SCMP_SYS(fsync), FOR_ENFORCE, "the policy is on the disk before it counts", ANY},
	{SCMP_SYS(renameat), FOR_ENFORCE, "a new file in the place of the old one", ANY},
	{SCMP_SYS(linkat), FOR_ENFORCE, "the policy before, while a new one is on trial", ANY},
	{SCMP_SYS(unlinkat), FOR_ENFORCE, "a file that was not finished", ANY},
	{SCMP_SYS(unlink), FOR_ENFORCE, "the control socket at the end", ANY},

	/* What the supervisor does itself. */
	{SCMP_SYS(clone), FOR_SUPERVISOR, "children", ANY},
	{SCMP_SYS(clone3), FOR_SUPERVISOR, "children", ANY},
	{SCMP_SYS(execve), FOR_SUPERVISOR, "children, from our own image", ANY},
	{SCMP_SYS(wait4), FOR_SUPERVISOR, "children that ended", ANY},
	{SCMP_SYS(kill), FOR_SUPERVISOR, "children that do not end", ANY},
	{SCMP_SYS(pidfd_open), FOR_SUPERVISOR, "hears of their end", ANY},
	{SCMP_SYS(socketpair), FOR_SUPERVISOR, "the channels", ANY},
	{SCMP_SYS(epoll_create1), FOR_SUPERVISOR, "the loop", ANY},

	/* Between fork and walls. */
	{SCMP_SYS(dup2), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(dup3), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(close_range), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(arch_prctl), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(set_tid_address), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(set_robust_list), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(rseq), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(prlimit64), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(access), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(faccessat), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(faccessat2), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(pread64), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(fstatfs), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(readlink), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(prctl), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(capget), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(capset), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(setgroups), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(setresgid), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(setresuid), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(seccomp), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(landlock_create_ruleset), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(landlock_add_rule), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(landlock_restrict_self), FOR_SUPERVISOR, IT_STARTS, ANY},
	{SCMP_SYS(fchmod), FOR_SUPERVISOR, "enforce makes the control socket", ANY},
	{SCMP_SYS(lchown), FOR_SUPERVISOR, "enforce makes the control socket", ANY},
	{SCMP_SYS(listen), FOR_SUPERVISOR, "enforce makes the control socket", ANY},

#ifdef COPSEC_INSTRUMENTED
	{SCMP_SYS(sigaltstack), FOR_ALL, "sanitizers", ANY},
	{SCMP_SYS(sched_yield), FOR_ALL, "sanitizers", ANY},
	{SCMP_SYS(sched_getaffinity), FOR_ALL, "sanitizers", ANY},
	{SCMP_SYS(personality), FOR_SUPERVISOR, "sanitizers", ANY},
	{SCMP_SYS(getrlimit), FOR_SUPERVISOR, "sanitizers", ANY},
	{SCMP_SYS(getcwd), FOR_SUPERVISOR, "sanitizers", ANY},
	{SCMP_SYS(mlock), FOR_SUPERVISOR, "sanitizers", ANY},
	{SCMP_SYS(open), FOR_SUPERVISOR, "sanitizers", ANY},
	{SCMP_SYS(stat), FOR_SUPERVISOR, "sanitizers", ANY},
#endif
};

const size_t allowed_call_count = sizeof allowed_calls / sizeof allowed_calls[0];
