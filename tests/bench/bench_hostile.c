/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench-hostile [SECONDS]: the delay of 50 good peers, alone and beside 200 hostile ones of each kind.
 * Decision point, good peers and hostile peers are processes of their own. A good peer asks and waits
 * for its decision, all 50 at once, again and again; what counts is the mean time from request to
 * decision. The hostile ones have a key that is let in, and are niced, so that they take from the
 * decision point what it gives them and not the processor that it runs on.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/peers.h"

enum { GOOD = 50, HOSTILE = 200 };

static uint16_t port;

/* ---- Good ---- */

static double mean_delay(double for_s)
{
	SSL_CTX *context = peer_context(false);
	struct peer peers[GOOD];
	double until, sum = 0;
	unsigned long count = 0;

	for (int i = 0; i < GOOD; i++)
		peers[i] = peer_open(context, port);
	for (until = now_s() + for_s; now_s() < until;) {
		double asked[GOOD];

		for (int i = 0; i < GOOD; i++) {
			asked[i] = now_s();
			peer_say(&peers[i], peer_request, sizeof peer_request);
		}
		for (int i = 0; i < GOOD; i++) {
			peer_read(&peers[i], DECISION_NULL);
			sum += now_s() - asked[i];
			peer_say(&peers[i], peer_report, sizeof peer_report);
			count++;
		}
		/* At the pace of somebody who works, not of a flood. */
		usleep(20000);
	}
	for (int i = 0; i < GOOD; i++)
		peer_close(&peers[i]);
	SSL_CTX_free(context);
	return sum / (double)count;
}

/* ---- Hostile ---- */

/* What a peer says over and over, as fast as the socket takes it; reading, or not. */
static void repeat(SSL_CTX *context, const uint8_t *octets, size_t len, bool reads, unsigned wait_us)
{
	struct peer peers[HOSTILE];
	static char sink[65536];

	for (int i = 0; i < HOSTILE; i++) {
		peers[i] = peer_open(context, port);
		fcntl(peers[i].fd, F_SETFL, O_NONBLOCK);
	}
	for (;;) {
		for (int i = 0; i < HOSTILE; i++) {
			if (peers[i].fd < 0)
				continue;
			if (SSL_write(peers[i].ssl, octets, (int)len) <= 0 &&
				SSL_get_error(peers[i].ssl, -1) != SSL_ERROR_WANT_WRITE) {
				/* It was closed: again. */
				peer_close(&peers[i]);
				peers[i].fd = -1;
				continue;
			}
			if (reads)
				(void)SSL_read(peers[i].ssl, sink, sizeof sink);
		}
		usleep(wait_us);
	}
}

static void stall_all(SSL_CTX *context)
{
	(void)context;
	for (int i = 0; i < HOSTILE; i++)
		if (peer_socket(port) < 0)
			fail("connect");
	pause();
}

static void half_open(SSL_CTX *context)
{
	(void)context;
	for (int i = 0; i < HOSTILE; i++)
		if (write(peer_socket(port), peer_open_tls, 20) != 20)
			fail("writing");
	pause();
}

static void dribble(SSL_CTX *context)
{
	repeat(context, (const uint8_t *)"\x10", 1, true, 10000);
}

static uint8_t many[1024 * 8];

static void flood(SSL_CTX *context)
{
	for (size_t i = 0; i < sizeof many; i += 8)
		memcpy(many + i, peer_keep_alive, 8);
	repeat(context, many, sizeof many, true, 1);
}

static void never_read(SSL_CTX *context)
{
	for (size_t i = 0; i + 24 <= sizeof many; i += 24)
		memcpy(many + i, peer_request, 24);
	repeat(context, many, sizeof many / 24 * 24, false, 1000);
}

/* A thousand requests, each with another handle. */
static void handles(SSL_CTX *context)
{
	static uint8_t requests[1000 * 24];

	for (unsigned i = 0; i < 1000; i++) {
		uint8_t *r = requests + (size_t)i * 24;

		memcpy(r, peer_request, 24);
		r[14] = (uint8_t)(i >> 8);
		r[15] = (uint8_t)i;
	}
	repeat(context, requests, sizeof requests, true, 1000);
}

static const struct {
	const char *name;
	void (*act)(SSL_CTX *context);
} kinds[] = {
	{"connect and say nothing", stall_all},
	{"stop inside the first message", half_open},
	{"send an octet every 10 ms", dribble},
	{"flood with keep-alives", flood},
	{"ask and never read", never_read},
	{"open a thousand handles", handles},
};

/* ---- The decision point ---- */

static void serve(int out)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct point p;

	signal(SIGPIPE, SIG_IGN);
	point_init(&p, loop);
	port = point_port(&p);
	if (write(out, &port, sizeof port) != sizeof port)
		fail("writing");
	ev_run(loop, 0);
}

static double measured(double for_s)
{
	double mean;
	int result[2];
	pid_t pid;

	if (pipe(result) < 0)
		fail("pipe");
	pid = fork();
	if (pid == 0) {
		mean = mean_delay(for_s);
		if (write(result[1], &mean, sizeof mean) != sizeof mean)
			fail("writing");
		_exit(0);
	}
	close(result[1]);
	if (read(result[0], &mean, sizeof mean) != sizeof mean)
		mean = -1;
	close(result[0]);
	waitpid(pid, NULL, 0);
	return mean;
}

static pid_t attack(void (*act)(SSL_CTX *context))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	signal(SIGPIPE, SIG_IGN);
	if (nice(19) < 0)
		fail("nice");
	act(peer_context(false));
	_exit(0);
}

int main(int argc, char **argv)
{
	double for_s = argc > 1 ? strtod(argv[1], NULL) : 3;
	int ready[2];
	pid_t point;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("mean delay of %d good peers, alone and beside %d that\n", GOOD, HOSTILE);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		double alone, beside;
		pid_t hostile;

		if (pipe(ready) < 0)
			fail("pipe");
		point = fork();
		if (point == 0)
			serve(ready[1]);
		if (read(ready[0], &port, sizeof port) != sizeof port)
			fail("the decision point");
		alone = measured(for_s);
		hostile = attack(kinds[i].act);
		/* They open while the first second is measured, which is thrown away. */
		(void)measured(1);
		beside = measured(for_s);
		kill(hostile, SIGKILL);
		kill(point, SIGKILL);
		waitpid(hostile, NULL, 0);
		waitpid(point, NULL, 0);
		close(ready[0]);
		close(ready[1]);
		if (beside < 0)
			printf("  %-32s the good peers were cut off\n", kinds[i].name);
		else
			printf("  %-32s %7.2f ms %7.2f ms  %.2f times\n", kinds[i].name, alone * 1e3,
				beside * 1e3, beside / alone);
	}
	return 0;
}
