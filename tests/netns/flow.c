/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flow serve PORT...            answers TCP on these ports, IPv4 and IPv6, by sending back what comes
 * flow try ADDRESS PORT [OCTETS [MS]]
 *                               sends that many octets (default 64) and wants them back in time
 *                               (default 500 ms); exits 0 if so, 1 if the flow does not pass
 *
 * `serve` says READY=1 when it listens on all ports, and runs until it is killed.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/service/notify.h"

enum { PORTS_MAX = 16, CHUNK = 65536 };

static int fail(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	return 2;
}

static int listen_on(const char *port)
{
	struct addrinfo hints = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *address;
	int fd, on = 1, off = 0;

	if (getaddrinfo(NULL, port, &hints, &address))
		return -1;
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
			       setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) ||
			       bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, 16))) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(address);
	return fd;
}

/* One connection in a process of its own, so that a stuck one holds up nobody. */
static void echo(int fd)
{
	char octets[CHUNK];
	ssize_t n;

	while ((n = read(fd, octets, sizeof octets)) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(fd, octets + done, (size_t)(n - done))) <= 0)
				_exit(1);
	_exit(0);
}

static int serve(int count, char **ports)
{
	struct pollfd listeners[PORTS_MAX];
	struct error error;

	if (count > PORTS_MAX)
		return 2;
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < count; i++) {
		listeners[i] = (struct pollfd){listen_on(ports[i]), POLLIN, 0};
		if (listeners[i].fd < 0)
			return fail(ports[i]);
	}
	if (service_notify("READY=1", &error)) {
		fprintf(stderr, "flow: %s\n", error.text);
		return 2;
	}
	for (;;) {
		if (poll(listeners, (nfds_t)count, -1) < 0)
			return fail("poll");
		for (int i = 0; i < count; i++) {
			int fd = listeners[i].revents ? accept(listeners[i].fd, NULL, NULL) : -1;

			if (fd >= 0 && fork() == 0)
				echo(fd);
			if (fd >= 0)
				close(fd);
		}
	}
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, long deadline)
{
	struct pollfd p = {fd, events, 0};
	long left = deadline - now_ms();

	return left > 0 && poll(&p, 1, (int)left) > 0;
}

static int try_flow(const char *host, const char *port, size_t octets, long ms)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *address;
	long deadline = now_ms() + ms;
	size_t sent = 0, received = 0;
	static char chunk[CHUNK];
	int fd, problem = 0;
	socklen_t len = sizeof problem;

	if (getaddrinfo(host, port, &hints, &address)) {
		fprintf(stderr, "flow: no address or port: %s %s\n", host, port);
		return 2;
	}
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	if (connect(fd, address->ai_addr, address->ai_addrlen) && errno != EINPROGRESS)
		return 1;
	freeaddrinfo(address);
	if (!wait_for(fd, POLLOUT, deadline) ||
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) || problem)
		return 1;
	while (received < octets) {
		ssize_t n;

		if (!wait_for(fd, (short)(POLLIN | (sent < octets ? POLLOUT : 0)), deadline))
			return 1;
		n = sent < octets ? write(fd, chunk,
					    octets - sent < CHUNK ? octets - sent : CHUNK)
				  : 0;
		if (n > 0)
			sent += (size_t)n;
		n = read(fd, chunk, sizeof chunk);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return 1;
		if (n > 0)
			received += (size_t)n;
	}
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "serve") == 0)
		return serve(argc - 2, argv + 2);
	if (argc >= 4 && argc <= 6 && strcmp(argv[1], "try") == 0)
		return try_flow(argv[2], argv[3], argc > 4 ? strtoul(argv[4], NULL, 10) : 64,
			argc > 5 ? strtol(argv[5], NULL, 10) : 500);
	fprintf(stderr, "usage: flow serve PORT... | flow try ADDRESS PORT [OCTETS [MS]]\n");
	return 2;
}
