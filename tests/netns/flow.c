/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flow serve PORT...            answers TCP on these ports, IPv4 and IPv6, by sending back what comes
 * flow try ADDRESS PORT [OCTETS [MS]]
 *                               sends that many octets (default 64) and wants them back in time
 *                               (default 500 ms); exits 0 if so, 1 if the flow does not pass
 * flow stream ADDRESS PORT      one connection that carries a record every few milliseconds until
 *                               SIGTERM; says how many went and came, exits 1 if one is missing
 * flow knock ADDRESS PORT       asks for a connection again and again until SIGTERM; says how often,
 *                               exits 1 if anybody ever answered, with yes or with no
 *
 * All but `try` run until they are killed, and say READY=1: `serve` when it listens on all ports,
 * `stream` when the first record is back, `knock` when the first attempt is made.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/service/notify.h"

enum {
	PORTS_MAX = 16,
	CHUNK = 65536,
	RECORD = 64,        /* octets of a record of a stream */
	RECORD_MS = 5,      /* between two of them */
	STREAM_MS = 5000,   /* until the first is back, and the last */
	KNOCK_MS = 10,      /* for an answer */
};

static volatile sig_atomic_t told_to_end;

static void on_term(int number)
{
	(void)number;
	told_to_end = 1;
}

static void end_on_term(void)
{
	struct sigaction term = {.sa_handler = on_term};

	sigaction(SIGTERM, &term, NULL);
}

static int fail(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	return 2;
}

static int say_ready(void)
{
	struct error error;

	if (!service_notify("READY=1", &error))
		return 0;
	fprintf(stderr, "flow: %s\n", error.text);
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

	if (count > PORTS_MAX)
		return 2;
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < count; i++) {
		listeners[i] = (struct pollfd){listen_on(ports[i]), POLLIN, 0};
		if (listeners[i].fd < 0)
			return fail(ports[i]);
	}
	if (say_ready())
		return 2;
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

static struct addrinfo *address_of(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *address;

	if (!getaddrinfo(host, port, &hints, &address))
		return address;
	fprintf(stderr, "flow: no address or port: %s %s\n", host, port);
	exit(2);
}

/* A socket that is connecting, or -1. */
static int begin_connection(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) &&
		errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

/* 0 when it is connected, else what went wrong. */
static int problem_of(int fd)
{
	int problem = 0;
	socklen_t len = sizeof problem;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) ? errno : problem;
}

static int try_flow(const char *host, const char *port, size_t octets, long ms)
{
	struct addrinfo *address = address_of(host, port);
	long deadline = now_ms() + ms;
	size_t sent = 0, received = 0;
	static char chunk[CHUNK];
	int fd = begin_connection(address);

	freeaddrinfo(address);
	if (fd < 0 || !wait_for(fd, POLLOUT, deadline) || problem_of(fd))
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

/* Takes what is there; false at the end of the connection. */
static bool take_back(int fd, size_t *received)
{
	char octets[CHUNK];
	ssize_t n;

	while ((n = read(fd, octets, sizeof octets)) > 0)
		*received += (size_t)n;
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static int stream(const char *host, const char *port)
{
	struct addrinfo *address = address_of(host, port);
	long deadline = now_ms() + STREAM_MS, last = now_ms(), longest = 0;
	size_t sent = 0, received = 0, before = 0;
	int fd = begin_connection(address);
	bool alive = fd >= 0 && wait_for(fd, POLLOUT, deadline) && !problem_of(fd), ready = false;

	freeaddrinfo(address);
	end_on_term();
	while (alive && (!told_to_end || (received < sent && now_ms() < deadline))) {
		static const char record[RECORD];
		ssize_t n = told_to_end ? 0 : write(fd, record, sizeof record);

		if (n > 0)
			sent += (size_t)n;
		alive = n >= 0 || errno == EAGAIN;
		wait_for(fd, POLLIN, now_ms() + RECORD_MS);
		alive = alive && take_back(fd, &received);
		if (received > before) {
			longest = now_ms() - last > longest ? now_ms() - last : longest;
			last = now_ms();
			before = received;
		}
		if (!ready && received && say_ready())
			return 2;
		ready = received > 0;
		poll(NULL, 0, RECORD_MS);
		if (!told_to_end)
			deadline = now_ms() + STREAM_MS;
	}
	printf("%zu octets sent, %zu came back, longest silence %ld ms%s\n", sent, received,
		longest, alive ? "" : ", and the connection broke");
	return alive && sent == received ? 0 : 1;
}

static int knock(const char *host, const char *port)
{
	struct addrinfo *address = address_of(host, port);
	unsigned long attempts = 0, answered = 0;

	end_on_term();
	while (!told_to_end) {
		int fd = begin_connection(address);

		int problem = fd < 0 ? errno : EINPROGRESS;

		if (fd >= 0 && wait_for(fd, POLLOUT, now_ms() + KNOCK_MS))
			problem = problem_of(fd);
		if (fd >= 0)
			close(fd);
		answered += problem == 0 || problem == ECONNREFUSED;
		if (!attempts++ && say_ready())
			return 2;
	}
	freeaddrinfo(address);
	printf("%lu attempts, %lu answered\n", attempts, answered);
	return answered ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "serve") == 0)
		return serve(argc - 2, argv + 2);
	if (argc >= 4 && argc <= 6 && strcmp(argv[1], "try") == 0)
		return try_flow(argv[2], argv[3], argc > 4 ? strtoul(argv[4], NULL, 10) : 64,
			argc > 5 ? strtol(argv[5], NULL, 10) : 500);
	if (argc == 4 && strcmp(argv[1], "stream") == 0)
		return stream(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "knock") == 0)
		return knock(argv[2], argv[3]);
	fprintf(stderr, "usage: flow serve PORT... | flow try ADDRESS PORT [OCTETS [MS]] | "
			"flow stream ADDRESS PORT | flow knock ADDRESS PORT\n");
	return 2;
}
