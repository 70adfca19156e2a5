/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HANDLES = 1000, LITTLE = 4096, PATIENCE_S = 2 };

static void tell_ready(struct hostile_attack *a)
{
	if (a->ready >= 0 && write(a->ready, "r", 1) != 1)
		fail("writing");
	a->ready = -1;
}

/* Two to five: 127.0.0.1 is the good ones'. */
static int hostile_socket(const struct hostile_attack *a, size_t i)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = peer_socket(a->port, (uint8_t)(2 + i % 4)), little = LITTLE;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
	return fd;
}

/* ---- Those who talk ---- */

struct talker {
	struct peer peer; /* fd < 0: not there */
	size_t at;        /* in what it says */
	size_t said;      /* octets, since it came */
};

static void come(struct hostile_attack *a, struct talker *t, size_t i)
{
	*t = (struct talker){.peer = {.fd = hostile_socket(a, i)}};
	if (peer_secure(&t->peer, a->contexts[i], a->pepids[i]) &&
		peer_begin(&t->peer, a->pepids[i])) {
		a->tally->handshakes++;
		fcntl(t->peer.fd, F_SETFL, O_NONBLOCK);
		return;
	}
	a->tally->cut++;
	peer_close(&t->peer);
}

static bool is_cut(const struct talker *t, int returned)
{
	int why = returned > 0 ? SSL_ERROR_NONE : SSL_get_error(t->peer.ssl, returned);

	return why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
}

/* False: it has been cut off. */
static bool speak(struct hostile_attack *a, struct talker *t, struct view words, size_t part)
{
	size_t left = words.len - t->at;
	int n = SSL_write(t->peer.ssl, words.data + t->at, (int)(part && part < left ? part : left));

	if (n > 0) {
		t->at = (t->at + (size_t)n) % words.len;
		t->said += (size_t)n;
		a->tally->octets += (size_t)n;
	}
	return !is_cut(t, n);
}

static bool listen_to_answers(const struct talker *t)
{
	static uint8_t sink[65536];
	int n;

	do
		n = SSL_read(t->peer.ssl, sink, sizeof sink);
	while (n > 0);
	return !is_cut(t, n);
}

struct crowd {
	const struct hostile_kind *kind;
	struct hostile_attack *attack;
	struct view words;
	struct talker talkers[HOSTILE];
};

/* One turn of all. At most one of those who were cut off comes again, for coming takes time. */
static void on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct crowd *c = timer->data;
	struct hostile_attack *a = c->attack;
	unsigned long unread = 0;
	bool came = false;

	(void)loop;
	(void)events;
	for (size_t i = 0; i < HOSTILE; i++) {
		struct talker *t = &c->talkers[i];
		int waiting = 0;

		if (t->peer.fd < 0) {
			if (!came)
				come(a, t, i);
			came = true;
			continue;
		}
		if (!speak(a, t, c->words, c->kind->part) ||
			(c->kind->reads && !listen_to_answers(t))) {
			a->tally->cut++;
			peer_close(&t->peer);
			continue;
		}
		if (c->kind->leaves && t->said >= c->words.len) {
			peer_close(&t->peer);
			continue;
		}
		ioctl(t->peer.fd, FIONREAD, &waiting);
		unread += (unsigned long)waiting;
	}
	a->tally->unread = unread;
}

static void talk(const struct hostile_kind *kind, struct hostile_attack *a)
{
	static struct crowd c;
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct buffer words;
	ev_timer timer;

	buffer_init(&words, 1 << 20);
	kind->say(&words);
	c = (struct crowd){.kind = kind, .attack = a, .words = buffer_view(&words)};
	for (size_t i = 0; i < HOSTILE; i++)
		come(a, &c.talkers[i], i);
	tell_ready(a);
	ev_timer_init(&timer, on_turn, 0, kind->pause_s);
	timer.data = &c;
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
}

static void say_keep_alives(struct buffer *out)
{
	for (int i = 0; i < 1024; i++)
		buffer_put(out, peer_keep_alive, sizeof peer_keep_alive);
}

static void say_requests(struct buffer *out)
{
	for (int i = 0; i < 256; i++) {
		buffer_put(out, peer_request, sizeof peer_request);
		buffer_put(out, peer_report, sizeof peer_report);
	}
}

/* Each with another handle, and reported. */
static void say_handles(struct buffer *out)
{
	for (size_t i = 0; i < HANDLES; i++) {
		size_t at = out->len;

		buffer_put(out, peer_request, sizeof peer_request);
		buffer_put(out, peer_report, sizeof peer_report);
		for (size_t message = 0; message < 2; message++)
			buffer_patch_u32(out, at + message * 24 + 12, (uint32_t)i);
	}
}

/* ---- Those who do not get so far ---- */

static void stop_before_tls(const struct hostile_kind *kind, struct hostile_attack *a)
{
	uint8_t open[PEER_OPEN_MAX];

	(void)kind;
	for (size_t i = 0; i < HOSTILE; i++) {
		struct peer p = {.fd = hostile_socket(a, i)};

		(void)peer_put_open(open, COPS_CLIENT_CONNECTION, a->pepids[i]);
		if (!peer_say(&p, open, 20))
			fail("writing");
	}
	tell_ready(a);
	pause();
}

/* Half of a ClientHello, and no more. */
static void stop_in_handshake(const struct hostile_kind *kind, struct hostile_attack *a)
{
	uint8_t octets[4096];

	(void)kind;
	for (size_t i = 0; i < HOSTILE; i++) {
		struct peer p = {.fd = hostile_socket(a, i)};
		SSL *ssl = SSL_new(a->contexts[i]);
		BIO *out = BIO_new(BIO_s_mem());
		int len;

		SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
		(void)SSL_connect(ssl);
		len = BIO_read(out, octets, sizeof octets);
		SSL_free(ssl);
		if (len < 2 || !peer_accepted(&p, a->pepids[i]) || !peer_say(&p, octets, (size_t)len / 2))
			a->tally->cut++;
	}
	tell_ready(a);
	pause();
}

/* Handshakes as fast as they go, all at once; nothing after them. */
struct churner {
	struct hostile_attack *attack;
	size_t number;
	struct peer peer;
	ev_io io;
};

static void watch(struct ev_loop *loop, struct churner *c, int events)
{
	ev_io_stop(loop, &c->io);
	ev_io_set(&c->io, c->peer.fd, events);
	ev_io_start(loop, &c->io);
}

static void begin_again(struct ev_loop *loop, struct churner *c)
{
	uint8_t open[PEER_OPEN_MAX];
	size_t len = peer_put_open(open, COPS_CLIENT_CONNECTION, c->attack->pepids[c->number]);

	ev_io_stop(loop, &c->io);
	peer_close(&c->peer);
	c->peer = (struct peer){.fd = hostile_socket(c->attack, c->number)};
	if (!peer_say(&c->peer, open, len))
		c->attack->tally->cut++;
	fcntl(c->peer.fd, F_SETFL, O_NONBLOCK);
	watch(loop, c, EV_READ);
}

static void on_churn(struct ev_loop *loop, ev_io *io, int events)
{
	struct churner *c = io->data;
	uint8_t octets[64];
	int done, why;

	(void)events;
	if (!c->peer.ssl) {
		/* Its Client-Accept, which is small, comes whole. */
		if (recv(c->peer.fd, octets, sizeof octets, 0) <= 0) {
			c->attack->tally->cut++;
			begin_again(loop, c);
			return;
		}
		c->peer.ssl = SSL_new(c->attack->contexts[c->number]);
		SSL_set_fd(c->peer.ssl, c->peer.fd);
		SSL_set_connect_state(c->peer.ssl);
	}
	done = SSL_do_handshake(c->peer.ssl);
	why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(c->peer.ssl, done);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return;
	if (why == SSL_ERROR_NONE)
		c->attack->tally->handshakes++;
	else
		c->attack->tally->cut++;
	begin_again(loop, c);
}

static void churn(const struct hostile_kind *kind, struct hostile_attack *a)
{
	static struct churner churners[HOSTILE];
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);

	(void)kind;
	for (size_t i = 0; i < HOSTILE; i++) {
		churners[i] = (struct churner){.attack = a, .number = i, .peer = {.fd = -1}};
		ev_init(&churners[i].io, on_churn);
		churners[i].io.data = &churners[i];
		begin_again(loop, &churners[i]);
	}
	tell_ready(a);
	ev_run(loop, 0);
}

const struct hostile_kind hostile_kinds[] = {
	{.name = "stop inside the first message", .run = stop_before_tls},
	{.name = "stop inside the TLS handshake", .run = stop_in_handshake},
	{.name = "do nothing but handshakes", .run = churn},
	{.name = "dribble requests, an octet every 10 ms", .run = talk, .say = say_requests,
		.part = 1, .pause_s = 0.01, .reads = true},
	{.name = "flood with keep-alives", .run = talk, .say = say_keep_alives, .pause_s = 0.001,
		.reads = true},
	{.name = "flood with requests and reports", .run = talk, .say = say_requests,
		.pause_s = 0.001, .reads = true},
	{.name = "flood, leave and come again", .run = talk, .say = say_requests,
		.pause_s = 0.001, .reads = true, .leaves = true},
	{.name = "ask, report and never read", .run = talk, .say = say_requests,
		.pause_s = 0.001},
	{.name = "open a thousand handles", .run = talk, .say = say_handles, .pause_s = 0.001,
		.reads = true},
};
const size_t hostile_kind_count = sizeof hostile_kinds / sizeof hostile_kinds[0];
