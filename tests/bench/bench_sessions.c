/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench-sessions [N...]: what a decision point's sessions cost beside what OpenSSL and libev cost
 * alone. For each N, in one run, first bare and then ours:
 *  - N connections opened one after the other, with mutual TLS; ours up to the first report
 *  - the memory in use for each while it is idle
 *  - one decision to all of them, until the last peer has it; the median of several
 * The peers are the same in both: blocking OpenSSL while they open, libev and OpenSSL while they read.
 * Both ends share the machine, so the figures say little by themselves; their ratio is what counts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/peers.h"

enum { ROUNDS = 9, DECISION_DATA = 1000 };

struct figures {
	double open_s;   /* of all */
	double octets;   /* of memory, of one */
	double decide_s; /* median */
};

/* ---- The other end: a process of its own ---- */

struct reader {
	ev_io io;
	SSL *ssl;
	size_t *left; /* peers that have not all */
	size_t want, got;
};

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct reader *r = io->data;
	char octets[16384];
	int n;

	(void)events;
	while ((n = SSL_read(r->ssl, octets, sizeof octets)) > 0)
		r->got += (size_t)n;
	if (SSL_get_error(r->ssl, n) != SSL_ERROR_WANT_READ)
		fail("a peer lost its connection");
	if (r->got >= r->want) {
		r->got -= r->want;
		if (--*r->left == 0)
			ev_break(loop, EVBREAK_ALL);
	}
}

/* Opens, says so; then reads `want` octets on all, and says so, as often as it is asked. */
static void run_peers(size_t count, bool ours, uint16_t port, size_t want, int in, int out)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	SSL_CTX *context = peer_context(false);
	struct reader *readers = calloc(count, sizeof *readers);
	size_t left = 0;
	char octet;

	for (size_t i = 0; i < count; i++) {
		struct peer p = ours ? peer_open(context, port) : peer_connect(context, port);

		fcntl(p.fd, F_SETFL, O_NONBLOCK);
		readers[i] = (struct reader){.ssl = p.ssl, .left = &left, .want = want};
		ev_io_init(&readers[i].io, on_readable, p.fd, EV_READ);
		readers[i].io.data = &readers[i];
		ev_io_start(loop, &readers[i].io);
	}
	if (write(out, "o", 1) != 1)
		fail("writing");
	while (read(in, &octet, 1) == 1) {
		left = count;
		ev_run(loop, 0);
		if (write(out, "d", 1) != 1)
			fail("writing");
	}
	_exit(0);
}

/* ---- This end: bare ---- */

struct bare {
	ev_io io;
	SSL *ssl;
	struct bare *next;
};

struct bare_point {
	struct ev_loop *loop;
	SSL_CTX *context;
	int fd;
	ev_io io;
	struct bare *first;
};

static void on_bare(struct ev_loop *loop, ev_io *io, int events)
{
	struct bare *b = io->data;
	char octets[4096];
	int n;

	(void)events;
	n = SSL_is_init_finished(b->ssl) ? SSL_read(b->ssl, octets, sizeof octets)
					 : SSL_accept(b->ssl);
	if (n > 0)
		return;
	n = SSL_get_error(b->ssl, n);
	if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
		ev_io_stop(loop, io);
}

static void on_bare_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct bare_point *p = io->data;
	int fd, on = 1;

	(void)events;
	while ((fd = accept4(p->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct bare *b = calloc(1, sizeof *b);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		b->ssl = SSL_new(p->context);
		SSL_set_fd(b->ssl, fd);
		SSL_set_accept_state(b->ssl);
		b->next = p->first;
		p->first = b;
		ev_io_init(&b->io, on_bare, fd, EV_READ);
		b->io.data = b;
		ev_io_start(loop, &b->io);
	}
}

static uint16_t bare_init(struct bare_point *p, struct ev_loop *loop)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof at;

	*p = (struct bare_point){.loop = loop, .context = peer_context(true)};
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(p->fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(p->fd, 1024) < 0 ||
		getsockname(p->fd, (struct sockaddr *)&at, &len) < 0)
		fail("listening");
	ev_io_init(&p->io, on_bare_accept, p->fd, EV_READ);
	p->io.data = p;
	ev_io_start(loop, &p->io);
	return ntohs(at.sin_port);
}

static void bare_send(struct bare_point *p, const uint8_t *octets, size_t len)
{
	for (struct bare *b = p->first; b; b = b->next)
		if (SSL_write(b->ssl, octets, (int)len) != (int)len)
			fail("a socket buffer is too small for the decision");
}

/* ---- This end: ours ---- */

static void point_send(struct point *p, struct view installs)
{
	struct pdp_transaction t = {.installs = &installs, .install_count = 1};
	uint32_t number;

	for (struct served *s = p->peers; s; s = s->next) {
		if (pdp_session_decide(s->session, s->state, &t, &number))
			fail("deciding");
		link_pump(s->link);
	}
}

/* ---- Measuring ---- */

static void on_told(struct ev_loop *loop, ev_io *io, int events)
{
	char octet;

	(void)events;
	if (read(io->fd, &octet, 1) != 1)
		fail("the peers are gone");
	ev_break(loop, EVBREAK_ALL);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* A decision's data: PRIDs of no class with EPDs, as a peer that does not look at them needs. */
static void put_data(struct buffer *b)
{
	static const uint8_t oid[] = {0x06, 0x07, 0x2b, 0x06, 0x01, 0x02, 0x02, 0x08, 0x01};
	static const uint8_t epd[] = {0x42, 0x01, 0x01};

	while (b->len < DECISION_DATA) {
		pr_put(b, PR_PRID, VIEW(oid, sizeof oid));
		pr_put(b, PR_EPD, VIEW(epd, sizeof epd));
	}
}

static struct figures measure(size_t count, bool ours)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	double began, rounds[ROUNDS];
	struct figures f;
	struct buffer data, decision;
	struct bare_point bare;
	struct point point;
	int to[2], from[2];
	size_t before, len;
	uint16_t port;
	ev_io told;
	pid_t pid;

	buffer_init(&data, 1 << 16);
	put_data(&data);
	buffer_init(&decision, 1 << 16);
	{
		size_t begun = cops_begin(&decision, COPS_DEC, 0, COPS_CLIENT_PROVISIONING);
		struct cops_run run;

		cops_put_handle(&decision, VIEW("\0\0\0\1", 4));
		cops_run_begin(&run, &decision, COPS_IN_INSTALL);
		cops_run_add(&run, buffer_view(&data));
		cops_run_end(&run);
		cops_end(&decision, begun);
	}
	len = decision.len;
	if (ours)
		point_init(&point, loop);
	port = ours ? 0 : bare_init(&bare, loop);
	if (ours)
		port = point_port(&point);
	if (pipe(to) < 0 || pipe(from) < 0)
		fail("pipe");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(to[1]);
		run_peers(count, ours, port, len, to[0], from[1]);
	}
	close(to[0]);
	ev_io_init(&told, on_told, from[0], EV_READ);
	ev_io_start(loop, &told);
	before = heap();
	began = now_s();
	ev_run(loop, 0);
	f.open_s = now_s() - began;
	f.octets = (double)(heap() - before) / (double)count;
	for (int i = 0; i < ROUNDS; i++) {
		if (write(to[1], "g", 1) != 1)
			fail("writing");
		began = now_s();
		if (ours)
			point_send(&point, buffer_view(&data));
		else
			bare_send(&bare, decision.data, len);
		ev_run(loop, 0);
		rounds[i] = now_s() - began;
	}
	qsort(rounds, ROUNDS, sizeof rounds[0], compare);
	f.decide_s = rounds[ROUNDS / 2];
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(to[1]);
	close(from[0]);
	buffer_fini(&data);
	buffer_fini(&decision);
	return f;
}

/* Each in a process of its own, so that neither meets the other's heap. */
static struct figures measure_apart(size_t count, bool ours)
{
	struct figures f;
	int result[2];
	pid_t pid;

	if (pipe(result) < 0)
		fail("pipe");
	pid = fork();
	if (pid == 0) {
		f = measure(count, ours);
		if (write(result[1], &f, sizeof f) != sizeof f)
			fail("writing");
		_exit(0);
	}
	close(result[1]);
	if (read(result[0], &f, sizeof f) != sizeof f)
		fail("a measurement failed");
	close(result[0]);
	waitpid(pid, NULL, 0);
	return f;
}

static void report(size_t count)
{
	struct figures bare = measure_apart(count, false), ours = measure_apart(count, true);

	printf("%6zu peers   opened: bare %6.0f/s, ours %6.0f/s, %.2f of the time\n", count,
		(double)count / bare.open_s, (double)count / ours.open_s,
		ours.open_s / bare.open_s);
	printf("               idle: bare %6.1f KiB, ours %6.1f KiB, %.1f KiB more\n",
		bare.octets / 1024, ours.octets / 1024, (ours.octets - bare.octets) / 1024);
	printf("       one decision: bare %6.2f ms, ours %6.2f ms, %.2f of the time\n\n",
		bare.decide_s * 1e3, ours.decide_s * 1e3, ours.decide_s / bare.decide_s);
}

int main(int argc, char **argv)
{
	struct rlimit files = {0};

	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 1; i < argc; i++)
		report((size_t)strtoul(argv[i], NULL, 10));
	if (argc == 1)
		for (size_t n = 100; n <= 10000; n *= 10)
			report(n);
	return 0;
}
