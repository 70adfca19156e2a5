/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench-sessions [N...]: what a decision point's sessions cost beside what OpenSSL and libev cost
 * alone. For each N there is a bare end and one of ours, each a process with N peers in another:
 *  - N connections opened one after the other, with mutual TLS; ours up to the first report
 *  - the memory in use for each while it is idle
 *  - one decision to all of them, until the last peer has it
 * The two take turns, so that other work on the machine meets both alike: a tenth of the openings, or
 * one decision, at a time. The peers are the same in both: blocking OpenSSL while they open, libev and
 * OpenSSL while they read. Beside the time stands the processor time of the decision point alone,
 * which other work changes little.
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
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/peers.h"

enum { ROUNDS = 15, SLICES = 10, DECISION_DATA = 1000 };

struct figures {
	double wall_s, work_s; /* by the clock, and of the decision point's process */
	double octets;         /* of memory, of one connection */
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

/* Opens as many as it is told, or, told 0, reads `want` octets on all; says so each time. */
static void run_peers(bool ours, uint16_t port, size_t want, int in, int out)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	SSL_CTX *context = peer_context(false, NULL);
	size_t count = 0, left = 0, more;

	while (read(in, &more, sizeof more) == sizeof more) {
		for (size_t i = 0; i < more; i++) {
			struct peer p = ours ? peer_open(context, port, "pep1.bench")
					     : peer_connect(context, port);
			struct reader *r = malloc(sizeof *r);

			fcntl(p.fd, F_SETFL, O_NONBLOCK);
			*r = (struct reader){.ssl = p.ssl, .left = &left, .want = want};
			ev_io_init(&r->io, on_readable, p.fd, EV_READ);
			r->io.data = r;
			ev_io_start(loop, &r->io);
		}
		count += more;
		left = count;
		if (!more)
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

	*p = (struct bare_point){.loop = loop, .context = peer_context(true, NULL)};
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

/* ---- One end, with its peers, at the other end of a socket ---- */

static void on_told(struct ev_loop *loop, ev_io *io, int events)
{
	char octet;

	(void)events;
	if (read(io->fd, &octet, 1) != 1)
		fail("the peers are gone");
	ev_break(loop, EVBREAK_ALL);
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

static void put_decision(struct buffer *b, struct view data)
{
	size_t begun = cops_begin(b, COPS_DEC, 0, COPS_CLIENT_PROVISIONING);
	struct cops_run run;

	cops_put_handle(b, VIEW("\0\0\0\1", 4));
	cops_run_begin(&run, b, COPS_IN_INSTALL);
	cops_run_add(&run, data);
	cops_run_end(&run);
	cops_end(b, begun);
}

/* Told how many connections to open, or 0 for a decision to all; answers with figures. */
static void serve(bool ours, int commands)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct buffer data, decision;
	struct bare_point bare;
	struct point point;
	size_t count = 0, more, at_first;
	int to[2], from[2];
	uint16_t port;
	ev_io told;

	buffer_init(&data, 1 << 16);
	put_data(&data);
	buffer_init(&decision, 1 << 16);
	put_decision(&decision, buffer_view(&data));
	if (ours)
		point_init(&point, loop);
	port = ours ? point_port(&point) : bare_init(&bare, loop);
	if (pipe(to) < 0 || pipe(from) < 0)
		fail("pipe");
	if (fork() == 0) {
		close(to[1]);
		run_peers(ours, port, decision.len, to[0], from[1]);
	}
	close(to[0]);
	ev_io_init(&told, on_told, from[0], EV_READ);
	ev_io_start(loop, &told);
	at_first = heap();
	while (read(commands, &more, sizeof more) == sizeof more) {
		double wall = now_s(), work = cpu_s();
		struct figures f;

		if (write(to[1], &more, sizeof more) != sizeof more)
			fail("writing");
		if (!more && ours)
			point_send(&point, buffer_view(&data));
		else if (!more)
			bare_send(&bare, decision.data, decision.len);
		ev_run(loop, 0);
		count += more;
		f = (struct figures){now_s() - wall, cpu_s() - work,
			(double)(heap() - at_first) / (double)count};
		if (write(commands, &f, sizeof f) != sizeof f)
			fail("writing");
	}
	_exit(0);
}

/* ---- Measuring ---- */

static int start(bool ours)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		fail("socketpair");
	if (fork() == 0) {
		close(ends[0]);
		serve(ours, ends[1]);
	}
	close(ends[1]);
	return ends[0];
}

static struct figures tell(int end, size_t count)
{
	struct figures f = {0};

	if (write(end, &count, sizeof count) != sizeof count ||
		read(end, &f, sizeof f) != sizeof f)
		fail("a measurement failed");
	return f;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(size_t count)
{
	enum { BARE, OURS, ENDS };
	double wall[ENDS][ROUNDS], work[ENDS][ROUNDS];
	struct figures opened[ENDS] = {0};
	int ends[ENDS];

	ends[BARE] = start(false);
	ends[OURS] = start(true);
	for (size_t i = 0; i < SLICES; i++) {
		for (size_t turn = 0; turn < ENDS; turn++) {
			size_t part = count * (i + 1) / SLICES - count * i / SLICES;
			size_t which = turn ^ (i & 1);
			struct figures f = tell(ends[which], part);

			opened[which].wall_s += f.wall_s;
			opened[which].work_s += f.work_s;
			opened[which].octets = f.octets;
		}
	}
	for (size_t i = 0; i < ROUNDS; i++) {
		for (size_t turn = 0; turn < ENDS; turn++) {
			size_t which = turn ^ (i & 1);
			struct figures f = tell(ends[which], 0);

			wall[which][i] = f.wall_s;
			work[which][i] = f.work_s;
		}
	}
	for (int i = 0; i < ENDS; i++) {
		close(ends[i]);
		qsort(wall[i], ROUNDS, sizeof wall[i][0], compare);
		qsort(work[i], ROUNDS, sizeof work[i][0], compare);
	}
	printf("%6zu peers   opened: bare %6.0f/s, ours %6.0f/s, %.2f of the time, %.2f of the work\n",
		count, (double)count / opened[BARE].wall_s, (double)count / opened[OURS].wall_s,
		opened[OURS].wall_s / opened[BARE].wall_s, opened[OURS].work_s / opened[BARE].work_s);
	printf("               idle: bare %6.1f KiB, ours %6.1f KiB, %.1f KiB more\n",
		opened[BARE].octets / 1024, opened[OURS].octets / 1024,
		(opened[OURS].octets - opened[BARE].octets) / 1024);
	printf("       one decision: bare %6.2f ms, ours %6.2f ms, %.2f of the time (least %.2f)\n",
		wall[BARE][ROUNDS / 2] * 1e3, wall[OURS][ROUNDS / 2] * 1e3,
		wall[OURS][ROUNDS / 2] / wall[BARE][ROUNDS / 2], wall[OURS][0] / wall[BARE][0]);
	printf("          its work: bare %6.2f ms, ours %6.2f ms, %.2f times (least %.2f)\n\n",
		work[BARE][ROUNDS / 2] * 1e3, work[OURS][ROUNDS / 2] * 1e3,
		work[OURS][ROUNDS / 2] / work[BARE][ROUNDS / 2], work[OURS][0] / work[BARE][0]);
}

int main(int argc, char **argv)
{
	struct rlimit files = {0};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
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
