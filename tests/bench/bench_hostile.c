/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The delay of 50 good peers at a decision point, alone and beside 200 hostile ones of each kind.
 *
 *   bench-hostile [SECONDS [ROUNDS]]           a decision point on common/link, a process of its own
 *   bench-hostile SECONDS ROUNDS PORT FOLDER   any other on 127.0.0.1; for tests/bench/hostile-pdpd
 *   bench-hostile make FOLDER                  writes the keys of all peers, prints a policy's nodes
 *
 * A good peer asks, takes its decision, reports, and asks again after 200 ms; what counts is the mean
 * time from request to decision. Alone and beside take turns for some rounds; the best of each
 * are compared, for other work on the machine makes figures only worse. Decision point and good peers
 * go before the hostile, and these, so that they can do harm, before all other processes; or, where
 * that is not allowed, the hostile are niced: they shall take from the decision point what it gives
 * them, and not the processor that it runs on.
 * Ends with 1 if the delay is more than twice as long beside any kind, and by more than 0.3 ms.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/hostile.h"

enum { GOOD = 50, PEERS = GOOD + HOSTILE, ANSWER = 4096, PATH_LENGTH = 4096 };
static const double pause_s = 0.2, settle_s = 0.3, margin_s = 0.0003, most = 2;

enum { HOSTILE_GO = 1, GOOD_GO = 2 };

static bool go_before_others(int priority)
{
	return sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = priority}) == 0;
}

/* ---- Keys ---- */

static void name_of(size_t i, char out[16])
{
	snprintf(out, 16, "n%03zu", i % 1000);
}

static void path_of(const char *folder, size_t i, char out[PATH_LENGTH])
{
	snprintf(out, PATH_LENGTH, "%s/n%03zu.pem", folder, i);
}

static int make(const char *folder)
{
	char path[PATH_LENGTH], name[16], pin[PIN_TEXT_SIZE];
	struct error e;

	for (size_t i = 0; i < PEERS; i++) {
		struct key *key;
		struct pin p;

		name_of(i, name);
		path_of(folder, i, path);
		if (key_generate(name, &key, &e) || key_save(key, path, NULL, &e))
			fail(e.text);
		p = key_pin(key);
		pin_format(&p, pin);
		/* Nobody here signs a report; that key needs no private half. */
		printf("<node name=\"%s\" key=\"%s\" report=\"sha256:%064zx\" roles=\"host\"/>\n", name,
			pin, i + 1);
		key_free(key);
	}
	return 0;
}

static SSL_CTX *context_of(const char *folder, size_t i)
{
	char path[PATH_LENGTH];
	struct key *key = NULL;
	SSL_CTX *context;
	struct error e;

	if (folder) {
		path_of(folder, i, path);
		if (key_load(path, NULL, &key, &e))
			fail(e.text);
	}
	context = peer_context(false, key);
	key_free(key);
	return context;
}

/* ---- Good ---- */

struct good_peers;

struct good {
	struct good_peers *all;
	struct peer peer;
	ev_io io;
	ev_timer again;
	double asked;         /* 0: waits for nothing */
	uint8_t head[COPS_HEADER];
	size_t got, left;     /* of the header, of what is behind it */
};

struct good_peers {
	struct good peers[GOOD];
	double sum;
	unsigned long count;
	bool cut;
};

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct good *g = timer->data;

	(void)loop;
	(void)events;
	g->asked = now_s();
	g->all->cut |= !peer_say(&g->peer, peer_request, sizeof peer_request);
}

static void take_message(struct ev_loop *loop, struct good *g)
{
	g->got = 0;
	if (g->head[1] != COPS_DEC || g->asked <= 0)
		return;
	g->all->sum += now_s() - g->asked;
	g->all->count++;
	g->asked = 0;
	g->all->cut |= !peer_say(&g->peer, peer_report, sizeof peer_report);
	ev_now_update(loop);
	ev_timer_set(&g->again, pause_s, 0);
	ev_timer_start(loop, &g->again);
}

static void on_good(struct ev_loop *loop, ev_io *io, int events)
{
	struct good *g = io->data;
	static uint8_t rest[16384];
	int n;

	(void)events;
	for (;;) {
		if (g->got < COPS_HEADER)
			n = SSL_read(g->peer.ssl, g->head + g->got, (int)(COPS_HEADER - g->got));
		else
			n = SSL_read(g->peer.ssl, rest,
				(int)(g->left < sizeof rest ? g->left : sizeof rest));
		if (n <= 0)
			break;
		if (g->got < COPS_HEADER) {
			g->got += (size_t)n;
			g->left = (size_t)g->head[5] << 16 | (size_t)g->head[6] << 8 | g->head[7];
			g->left -= g->got == COPS_HEADER ? COPS_HEADER : 0;
		} else {
			g->left -= (size_t)n;
		}
		if (g->got == COPS_HEADER && !g->left)
			take_message(loop, g);
	}
	if (SSL_get_error(g->peer.ssl, n) != SSL_ERROR_WANT_READ) {
		g->all->cut = true;
		ev_io_stop(loop, io);
	}
}

static void on_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* Told for how long, answers with the mean delay; -1 if any was cut off, or none had an answer. */
static void be_good(uint16_t port, const char *folder, int commands)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	static struct good_peers all;
	double for_s, mean;
	char name[16];
	ev_timer over;

	signal(SIGPIPE, SIG_IGN);
	(void)go_before_others(GOOD_GO);
	for (size_t i = 0; i < GOOD; i++) {
		struct good *g = &all.peers[i];

		name_of(i, name);
		*g = (struct good){.all = &all,
			.peer = peer_open(context_of(folder, i), port, name)};
		fcntl(g->peer.fd, F_SETFL, O_NONBLOCK);
		ev_io_init(&g->io, on_good, g->peer.fd, EV_READ);
		ev_timer_init(&g->again, on_again, pause_s * (double)i / GOOD, 0);
		g->io.data = g->again.data = g;
		ev_io_start(loop, &g->io);
		ev_timer_start(loop, &g->again);
	}
	while (read(commands, &for_s, sizeof for_s) == sizeof for_s) {
		all.sum = 0;
		all.count = 0;
		ev_now_update(loop);
		ev_timer_init(&over, on_over, for_s, 0);
		ev_timer_start(loop, &over);
		ev_run(loop, 0);
		mean = all.cut || !all.count ? -1 : all.sum / (double)all.count;
		if (write(commands, &mean, sizeof mean) != sizeof mean)
			fail("writing");
	}
	_exit(0);
}

static double delay(int good, double for_s)
{
	double mean = -1;

	if (write(good, &for_s, sizeof for_s) != sizeof for_s ||
		read(good, &mean, sizeof mean) != sizeof mean)
		fail("the good peers are gone");
	return mean;
}

/* ---- The decision point ---- */

static void serve(int out)
{
	static const uint8_t oid[] = {0x06, 0x07, 0x2b, 0x06, 0x01, 0x02, 0x02, 0x08, 0x01};
	static const uint8_t epd[] = {0x42, 0x01, 0x01};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct buffer answer;
	struct point p;
	uint16_t port;

	signal(SIGPIPE, SIG_IGN);
	(void)go_before_others(GOOD_GO);
	buffer_init(&answer, 1 << 16);
	while (answer.len < ANSWER) {
		pr_put(&answer, PR_PRID, VIEW(oid, sizeof oid));
		pr_put(&answer, PR_EPD, VIEW(epd, sizeof epd));
	}
	point_init(&p, loop);
	p.answer = buffer_view(&answer);
	port = point_port(&p);
	if (write(out, &port, sizeof port) != sizeof port)
		fail("writing");
	ev_run(loop, 0);
}

static pid_t start_point(uint16_t *ret_port)
{
	int ready[2];
	pid_t pid;

	if (pipe(ready) < 0)
		fail("pipe");
	pid = fork();
	if (pid == 0)
		serve(ready[1]);
	if (read(ready[0], ret_port, sizeof *ret_port) != sizeof *ret_port)
		fail("the decision point");
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* ---- Both ---- */

struct figures {
	double alone, beside;
};

static pid_t start_attack(const struct hostile_kind *kind, struct hostile_attack *a)
{
	int ready[2];
	pid_t pid;
	char octet;

	if (pipe(ready) < 0)
		fail("pipe");
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		a->ready = ready[1];
		signal(SIGPIPE, SIG_IGN);
		if (!go_before_others(HOSTILE_GO) && nice(19) < 0)
			fail("nice");
		kind->run(kind, a);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &octet, 1) != 1)
		fail("the hostile peers");
	close(ready[0]);
	return pid;
}

static double better(double a, double b)
{
	return a <= 0 || (b > 0 && b < a) ? b : a;
}

/* False: the good ones were cut off. */
static bool measure(const struct hostile_kind *kind, struct hostile_attack *a, int good,
	double for_s, unsigned rounds, struct figures *ret)
{
	*ret = (struct figures){0};
	memset(a->tally, 0, sizeof *a->tally);
	for (unsigned i = 0; i < rounds; i++) {
		double alone, beside;
		pid_t pid;

		(void)delay(good, settle_s);
		alone = delay(good, for_s);
		pid = start_attack(kind, a);
		beside = delay(good, for_s);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (alone < 0 || beside < 0)
			return false;
		ret->alone = better(ret->alone, alone);
		ret->beside = better(ret->beside, beside);
	}
	return true;
}

static bool report(const struct hostile_kind *kind, struct hostile_attack *a, int good,
	double for_s, unsigned rounds)
{
	const struct hostile_tally *t = a->tally;
	struct figures f;
	bool holds;

	if (!measure(kind, a, good, for_s, rounds, &f)) {
		printf("  %-40s the good peers were cut off\n", kind->name);
		return false;
	}
	holds = f.beside <= most * f.alone || f.beside - f.alone <= margin_s;
	printf("  %-40s %7.2f ms %7.2f ms  %5.2f times%s\n", kind->name, f.alone * 1e3,
		f.beside * 1e3, f.beside / f.alone, holds ? "" : "  TOO MUCH");
	printf("    %.1f MB sent, %lu handshakes, %lu cut off, %lu octets unread\n",
		(double)t->octets / 1e6, t->handshakes, t->cut, t->unread);
	return holds;
}

int main(int argc, char **argv)
{
	double for_s = argc > 1 ? strtod(argv[1], NULL) : 1;
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 3;
	const char *folder = argc > 4 ? argv[4] : NULL;
	static struct hostile_attack attack;
	pid_t point = 0, good_peers;
	bool holds = true;
	int good[2];

	if (argc == 3 && !strcmp(argv[1], "make"))
		return make(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 4)
		attack.port = (uint16_t)strtoul(argv[3], NULL, 10);
	else
		point = start_point(&attack.port);
	attack.tally = mmap(NULL, sizeof *attack.tally, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (attack.tally == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, good) < 0)
		fail("sharing");
	good_peers = fork();
	if (good_peers == 0) {
		close(good[0]);
		be_good(attack.port, folder, good[1]);
	}
	close(good[1]);
	for (size_t i = 0; i < HOSTILE; i++) {
		attack.contexts[i] = context_of(folder, GOOD + i);
		name_of(GOOD + i, attack.pepids[i]);
	}
	printf("mean delay of %d good peers, alone and beside %d that\n", GOOD, HOSTILE);
	for (size_t i = 0; i < hostile_kind_count; i++)
		holds = report(&hostile_kinds[i], &attack, good[0], for_s, rounds) && holds;
	close(good[0]);
	waitpid(good_peers, NULL, 0);
	if (point) {
		kill(point, SIGKILL);
		waitpid(point, NULL, 0);
	}
	return holds ? 0 : 1;
}
