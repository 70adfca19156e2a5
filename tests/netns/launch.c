/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * launch LOG COMMAND [ARGUMENT...]
 *
 * Starts a daemon for a test, with its output in LOG, and returns when it says READY=1 on
 * $NOTIFY_SOCKET; prints its pid. Exits with 1, and shows the log, if it ends before that or is not
 * ready in time. So nothing has to sleep until a daemon might be there.
 *
 * launch --gone PID...
 *
 * Returns when none of these processes is there any more; exits with 1 if that takes too long.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_MS = 30000, GONE_MS = 30000 };

static int die(const char *what)
{
	fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
	return 1;
}

static int bind_notify_socket(char path[sizeof(((struct sockaddr_un *)0)->sun_path)])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const char *directory = getenv("TMPDIR");

	snprintf(path, sizeof address.sun_path, "%s/launch-%ld", directory ? directory : "/tmp",
		(long)getpid());
	memcpy(address.sun_path, path, sizeof address.sun_path);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address)) {
		close(fd);
		return -1;
	}
	return fd;
}

static pid_t start(const char *log, char **command, const char *notify)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || setsid() < 0 ||
		setenv("NOTIFY_SOCKET", notify, 1))
		_exit(die(log));
	fd = open("/dev/null", O_RDONLY);
	if (fd >= 0)
		dup2(fd, 0);
	execvp(command[0], command);
	_exit(die(command[0]));
}

static void show(const char *log)
{
	char line[4096];
	FILE *file = fopen(log, "r");

	while (file && fgets(line, sizeof line, file))
		fputs(line, stderr);
	if (file)
		fclose(file);
}

/* Waits for READY=1 or for the end of the process. */
static int await_ready(int notify, int child)
{
	struct pollfd watched[] = {{notify, POLLIN, 0}, {child, POLLIN, 0}};
	char state[4096];

	for (;;) {
		ssize_t n;

		if (poll(watched, 2, READY_MS) <= 0)
			return -1;
		if (!watched[0].revents)
			return -1;
		n = recv(notify, state, sizeof state - 1, 0);
		if (n < 0)
			return -1;
		state[n] = 0;
		if (strstr(state, "READY=1"))
			return 0;
	}
}

static int await_gone(char **pids)
{
	for (; *pids; pids++) {
		int fd = (int)syscall(SYS_pidfd_open, atoi(*pids), 0);
		struct pollfd watched = {fd, POLLIN, 0};

		if (fd < 0 && errno == ESRCH)
			continue;
		if (fd < 0)
			return die(*pids);
		if (poll(&watched, 1, GONE_MS) <= 0) {
			fprintf(stderr, "launch: process %s does not end\n", *pids);
			return 1;
		}
		close(fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int notify, child, status;
	pid_t pid;

	if (argc >= 3 && strcmp(argv[1], "--gone") == 0)
		return await_gone(argv + 2);
	if (argc < 3) {
		fprintf(stderr, "usage: launch LOG COMMAND [ARGUMENT...] | launch --gone PID...\n");
		return 2;
	}
	notify = bind_notify_socket(path);
	if (notify < 0)
		return die("notify socket");
	pid = start(argv[1], argv + 2, path);
	if (pid < 0)
		return die("fork");
	child = (int)syscall(SYS_pidfd_open, pid, 0);
	status = child < 0 ? -1 : await_ready(notify, child);
	unlink(path);
	if (status) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		fprintf(stderr, "launch: %s did not become ready; its log:\n", argv[2]);
		show(argv[1]);
		return 1;
	}
	printf("%ld\n", (long)pid);
	return 0;
}
