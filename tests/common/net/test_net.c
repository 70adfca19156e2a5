/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections over loopback, both ends in this process on one loop, or one end a bare socket that
 * behaves badly. Nothing sleeps: the loop runs until what is waited for has happened, and a guard
 * ends the test if that takes ten seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/internal.h"
#include "common/net/net.h"
#include "tests/suite.h"

enum { GUARD_S = 10, SHORT_MS = 50 };

enum action { ACT_NOTHING, ACT_CLOSE, ACT_ABORT };

/* The owner of one end: what it does, and what has happened to it. */
struct end {
	struct net_connection *c;
	/* does */
	const struct pin *accepts;  /* the only peer, NULL: any */
	enum net_role role;
	const char *greeting;       /* said first */
	const char *starts_tls_at;  /* by these octets */
	struct view load;           /* to send once secure, as there is room */
	size_t consume;             /* octets of a call, at most; 0: all */
	bool hold;                  /* uses nothing, so that all stays */
	enum action at_connected, at_octets, at_authorize, at_secured, at_drained, at_closed;
	/* happened */
	struct buffer received;
	size_t sent;
	unsigned drains;
	bool is_connected, is_secured, is_closed;
	struct pin peer;
	struct error why;
};

static struct ev_loop *loop;
static struct key *keys[2];
static struct pin pins[2];
static struct net *nets[2]; /* client, server */
static struct net_listener *listener;
static struct end client, server;
static unsigned accepted_count, refused_count;
static struct error refused_why;
static bool drop_accepted, only_count, tls_at_once, guard_fired;
static struct net_limits limits;
static struct net_listener_limits listener_limits;

static bool act(struct end *end, enum action action)
{
	if (action == ACT_CLOSE)
		net_connection_close(end->c);
	if (action == ACT_ABORT)
		net_connection_abort(end->c);
	if (action != ACT_NOTHING)
		end->is_closed = true;
	return action == ACT_NOTHING;
}

static void send_load(struct end *end)
{
	size_t n = net_connection_write(end->c, VIEW(end->load.data + end->sent,
						     end->load.len - end->sent));

	end->sent += n;
}

static void on_connected(void *owner, struct net_connection *c)
{
	struct end *end = owner;

	ck_assert_ptr_eq(c, end->c);
	end->is_connected = true;
	if (!act(end, end->at_connected))
		return;
	if (end->greeting)
		ck_assert_uint_eq(net_connection_write(c, view_of_string(end->greeting)),
				  strlen(end->greeting));
}

static size_t on_octets(void *owner, struct net_connection *c, struct view octets)
{
	struct end *end = owner;
	struct error e;

	ck_assert(!end->is_closed);
	if (!act(end, end->at_octets))
		return octets.len;
	if (end->hold)
		return 0;
	if (end->consume && octets.len > end->consume)
		octets.len = end->consume;
	if (end->starts_tls_at && !net_connection_is_secure(c)) {
		size_t len = strlen(end->starts_tls_at);

		if (octets.len < len)
			return 0;
		ck_assert(view_equal(VIEW(octets.data, len), view_of_string(end->starts_tls_at)));
		/* The server answers in clear; that goes out before the handshake. */
		if (end->role == NET_SERVER)
			ck_assert_uint_eq(net_connection_write(c, view_of_string("go")), 2);
		ck_assert_int_eq(net_connection_start_tls(c, end->role, &e), E_OK);
		ck_assert_uint_eq(net_connection_write(c, view_of_string("not in clear")), 0);
		return len;
	}
	buffer_put_view(&end->received, octets);
	return octets.len;
}

static bool on_authorize(void *owner, struct net_connection *c, const struct pin *peer)
{
	struct end *end = owner;

	(void)c;
	ck_assert(!end->is_closed);
	if (!act(end, end->at_authorize))
		return true;
	return !end->accepts || pin_equal(end->accepts, peer);
}

static void on_secured(void *owner, struct net_connection *c, const struct pin *peer)
{
	struct end *end = owner;

	ck_assert(!end->is_closed);
	ck_assert(net_connection_is_secure(c));
	end->is_secured = true;
	end->peer = *peer;
	if (!act(end, end->at_secured))
		return;
	if (end->load.len)
		send_load(end);
}

static void on_drained(void *owner, struct net_connection *c)
{
	struct end *end = owner;

	(void)c;
	ck_assert(!end->is_closed);
	end->drains++;
	if (!act(end, end->at_drained))
		return;
	if (end->load.len)
		send_load(end);
}

static void on_closed(void *owner, struct net_connection *c, const struct error *why)
{
	struct end *end = owner;

	ck_assert(!end->is_closed);
	end->is_closed = true;
	end->why = *why;
	if (end->at_closed == ACT_CLOSE)
		net_connection_close(c);
	if (end->at_closed == ACT_ABORT)
		net_connection_abort(c);
	end->c = NULL;
}

static const struct net_events events = {on_connected, on_octets,  on_authorize,
					 on_secured,   on_drained, on_closed};

/* One of many that are only counted. */
static size_t ignore_octets(void *owner, struct net_connection *c, struct view octets)
{
	(void)owner;
	(void)c;
	return octets.len;
}

static void ignore_closed(void *owner, struct net_connection *c, const struct error *why)
{
	(void)owner;
	(void)c;
	(void)why;
}

static const struct net_events ignore = {.octets = ignore_octets, .closed = ignore_closed};

static void on_accepted(void *owner, struct net_listener *l, struct net_connection *c)
{
	struct error e;

	ck_assert_ptr_eq(owner, &server);
	ck_assert_ptr_eq(l, listener);
	accepted_count++;
	if (drop_accepted)
		return;
	if (only_count) {
		net_connection_set_owner(c, &ignore, NULL);
		return;
	}
	server.c = c;
	net_connection_set_owner(c, &events, &server);
	if (tls_at_once)
		ck_assert_int_eq(net_connection_start_tls(c, NET_SERVER, &e), E_OK);
}

static void on_refused(void *owner, struct net_listener *l, const struct endpoint *peer,
		       const struct error *why)
{
	(void)owner;
	(void)l;
	ck_assert_ptr_nonnull(peer);
	refused_count++;
	refused_why = *why;
}

static const struct net_listener_events listener_events = {on_accepted, on_refused};

static void on_guard(struct ev_loop *l, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	guard_fired = true;
	ev_break(l, EVBREAK_ALL);
}

static void run_until(bool (*done)(void))
{
	ev_timer guard;

	ev_now_update(loop);
	guard_fired = false;
	ev_timer_init(&guard, on_guard, GUARD_S, 0);
	ev_timer_start(loop, &guard);
	while (!done() && !guard_fired)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &guard);
	ck_assert_msg(!guard_fired, "client: connected %d secured %d closed %d '%s', sent %zu "
		      "received %zu; server: secured %d closed %d '%s', sent %zu received %zu",
		      client.is_connected, client.is_secured, client.is_closed, client.why.text,
		      client.sent, client.received.len, server.is_secured, server.is_closed,
		      server.why.text, server.sent, server.received.len);
}

static bool both_secured(void)
{
	return client.is_secured && server.is_secured;
}

static bool both_closed(void)
{
	return client.is_closed && server.is_closed;
}

static bool client_closed(void)
{
	return client.is_closed;
}

static bool server_closed(void)
{
	return server.is_closed;
}

static bool server_accepted(void)
{
	return server.c != NULL;
}

static bool nothing_is_left(void)
{
	return !nets[0]->connections && !nets[1]->connections;
}

static struct endpoint endpoint_of(const char *text)
{
	struct endpoint p;
	struct error e;

	ck_assert_int_eq(endpoint_parse(text, 0, &p, &e), E_OK);
	return p;
}

static void listen_at(const char *address)
{
	struct endpoint at = endpoint_of(address);
	struct error e;

	ck_assert_msg(net_listen(nets[1], &at, &listener_limits, &limits, &listener_events, &server,
				 &listener, &e) == E_OK, "%s", e.text);
}

static void connect_client(void)
{
	struct error e;

	ck_assert_msg(net_connect(nets[0], net_listener_endpoint(listener), 1, &limits, &events,
				  &client, &client.c, &e) == E_OK, "%s", e.text);
}

/* A socket that does only what the test says. */
static int connect_bare(const char *from)
{
	const struct endpoint *to = net_listener_endpoint(listener);
	struct endpoint source = endpoint_of(from);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, &source.address.any, endpoint_len(&source)), 0);
	ck_assert_int_eq(connect(fd, &to->address.any, endpoint_len(to)), 0);
	return fd;
}

static void setup(void)
{
	struct error e;

	loop = ev_loop_new(EVFLAG_AUTO);
	limits = net_limits_default;
	listener_limits = (struct net_listener_limits){0};
	memset(&client, 0, sizeof client);
	memset(&server, 0, sizeof server);
	buffer_init(&client.received, SIZE_MAX);
	buffer_init(&server.received, SIZE_MAX);
	client.role = NET_CLIENT;
	server.role = NET_SERVER;
	client.greeting = "hello";
	client.starts_tls_at = "go";
	server.starts_tls_at = "hello";
	accepted_count = refused_count = 0;
	drop_accepted = only_count = tls_at_once = false;
	for (size_t i = 0; i < 2; i++) {
		ck_assert_msg(key_generate(i ? "server" : "client", &keys[i], &e) == E_OK, "%s",
			      e.text);
		pins[i] = key_pin(keys[i]);
		ck_assert_msg(net_new(loop, keys[i], &nets[i], &e) == E_OK, "%s", e.text);
	}
	client.accepts = &pins[1];
	server.accepts = &pins[0];
}

static void teardown(void)
{
	for (size_t i = 0; i < 2; i++) {
		net_free(nets[i]);
		key_free(keys[i]);
	}
	buffer_fini(&client.received);
	buffer_fini(&server.received);
	ev_loop_destroy(loop);
}

static uint8_t *pattern(size_t len, unsigned seed)
{
	uint8_t *octets = malloc(len);

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		octets[i] = (uint8_t)(seed >> 16);
	}
	return octets;
}

enum { LOAD = 3 * 1024 * 1024 };

static bool both_loaded(void)
{
	return client.received.len == LOAD && server.received.len == LOAD;
}

static const char *const addresses[] = {"127.0.0.1", "::1"};

/* client                        server
 *   | --- hello (plain) ---------> |
 *   | <-- go (plain) ------------- |
 *   | <== TLS handshake =========> |   each sees the other's pin
 *   | <== 3 MiB, both at once ===> |   more than all queues, in pieces as there is room
 *   | <== closure alert ========== | */
START_TEST(plain_connection_becomes_tls_and_carries_both_ways)
{
	uint8_t *up = pattern(LOAD, 1), *down = pattern(LOAD, 2);

	listen_at(addresses[_i]);
	connect_client();
	client.load = VIEW(up, LOAD);
	server.load = VIEW(down, LOAD);
	server.consume = 1000;
	run_until(both_loaded);
	ck_assert(pin_equal(&client.peer, &pins[1]));
	ck_assert(pin_equal(&server.peer, &pins[0]));
	ck_assert(pin_equal(net_connection_pin(server.c), &pins[0]));
	ck_assert_mem_eq(server.received.data, up, LOAD);
	ck_assert_mem_eq(client.received.data, down, LOAD);
	ck_assert_uint_gt(client.drains, 0);
	ck_assert_uint_gt(server.drains, 0);
	/* An idle connection holds no buffers of ours. */
	ck_assert_ptr_null(server.c->in.data);
	ck_assert_ptr_null(server.c->out.data);
	net_connection_close(server.c);
	run_until(client_closed);
	ck_assert_int_eq(client.why.code, E_CLOSED);
	run_until(nothing_is_left);
	ck_assert_uint_eq(net_listener_connections(listener), 0);
	free(up);
	free(down);
}
END_TEST

START_TEST(wrong_server_key_is_refused_on_both_sides)
{
	client.accepts = &pins[0];
	listen_at("127.0.0.1");
	connect_client();
	run_until(both_closed);
	ck_assert(!client.is_secured);
	ck_assert_int_eq(client.why.code, E_DENIED);
	ck_assert_ptr_nonnull(strstr(client.why.text, "is not one that may be here"));
	ck_assert(!server.is_secured);
	ck_assert_int_eq(server.why.code, E_DENIED);
	ck_assert_ptr_nonnull(strstr(server.why.text, "the peer refused our key"));
	run_until(nothing_is_left);
}
END_TEST

START_TEST(wrong_client_key_is_refused_on_both_sides)
{
	uint8_t *octets = pattern(LOAD, 8);

	/* The client is secure before it is refused, and talks on: that must not eat the alert. */
	client.load = VIEW(octets, LOAD);
	server.accepts = &pins[1];
	listen_at("127.0.0.1");
	connect_client();
	run_until(both_closed);
	ck_assert(!server.is_secured);
	ck_assert_int_eq(server.why.code, E_DENIED);
	ck_assert_ptr_nonnull(strstr(server.why.text, "is not one that may be here"));
	ck_assert_int_eq(client.why.code, E_DENIED);
	ck_assert_ptr_nonnull(strstr(client.why.text, "the peer refused our key"));
	ck_assert_uint_eq(server.received.len, 0);
	run_until(nothing_is_left);
	free(octets);
}
END_TEST

START_TEST(what_is_queued_arrives_before_the_close)
{
	uint8_t *octets = pattern(200000, 3), *more = pattern(LOAD, 9);

	/* The other side is still talking. */
	client.load = VIEW(more, LOAD);
	/* Row 0 stays plain, row 1 is secure. */
	if (_i == 0) {
		client.greeting = "I talk";
		client.starts_tls_at = server.starts_tls_at = NULL;
	}
	listen_at("127.0.0.1");
	connect_client();
	run_until(_i ? both_secured : server_accepted);
	ck_assert_uint_eq(net_connection_write(server.c, VIEW(octets, 200000)), 200000);
	net_connection_close(server.c);
	net_connection_close(server.c);
	run_until(client_closed);
	ck_assert_int_eq(client.why.code, E_CLOSED);
	ck_assert_uint_eq(client.received.len, 200000);
	ck_assert_mem_eq(client.received.data, octets, 200000);
	run_until(nothing_is_left);
	free(octets);
	free(more);
}
END_TEST

START_TEST(cut_off_without_closure_alert_is_told_from_a_close)
{
	listen_at("127.0.0.1");
	connect_client();
	run_until(both_secured);
	net_connection_abort(client.c);
	run_until(server_closed);
	ck_assert_int_eq(server.why.code, E_TRUNCATED);
	ck_assert(!client.is_closed);
}
END_TEST

START_TEST(octets_in_clear_behind_the_last_message_are_an_attack)
{
	int fd;

	listen_at("127.0.0.1");
	fd = connect_bare("127.0.0.1");
	ck_assert_int_eq(send(fd, "helloCONTINUE", 13, 0), 13);
	run_until(server_closed);
	ck_assert_int_eq(server.why.code, E_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(server.why.text, "8 octets in clear"));
	close(fd);
	run_until(nothing_is_left);
}
END_TEST

START_TEST(what_is_not_tls_ends_the_handshake)
{
	int fd;

	tls_at_once = true;
	listen_at("127.0.0.1");
	fd = connect_bare("127.0.0.1");
	ck_assert_int_eq(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
	run_until(server_closed);
	ck_assert_int_eq(server.why.code, E_PROTOCOL);
	close(fd);
	run_until(nothing_is_left);
}
END_TEST

/* openssl s_client as the other implementation. */
START_TEST(foreign_clients_are_judged)
{
	static const struct {
		const char *options;
		bool key;
		enum err err; /* E_CLOSED: it got in and went in good order */
		const char *text;
		bool settings; /* without extended master secret */
	} rows[] = {
		{"-tls1_3", true, E_CLOSED, "", false},
		{"-tls1_2", true, E_CLOSED, "", false},
		{"-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", true, E_CLOSED, "", false},
		{"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", true, E_PROTOCOL, "no shared cipher",
			false},
		{"-tls1_1 -cipher DEFAULT@SECLEVEL=0", true, E_PROTOCOL, "unsupported protocol",
			false},
		{"-tls1_3", false, E_PROTOCOL, "peer did not return a certificate", false},
		{"-tls1_2", false, E_PROTOCOL, "peer did not return a certificate", false},
		{"-tls1_3 -curves P-521", true, E_PROTOCOL, "no suitable key share", false},
		{"-tls1_2", true, E_UNSUPPORTED, "without extended master secret", true},
	};
	char at[ENDPOINT_TEXT_SIZE], file[] = "/tmp/copsec-net-XXXXXX", command[512];
	char settings[] = "/tmp/copsec-net-XXXXXX";
	struct error e;
	static const char without_ems[] =
		"openssl_conf = all\n[all]\nssl_conf = tls\n[tls]\nsystem_default = every\n"
		"[every]\nOptions = -ExtendedMasterSecret\n";
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(key_save(keys[0], file, NULL, &e), E_OK);
	fd = mkstemp(settings);
	ck_assert_int_eq(write(fd, without_ems, sizeof without_ems - 1), sizeof without_ems - 1);
	close(fd);
	tls_at_once = true;
	listen_at("127.0.0.1");
	endpoint_format(net_listener_endpoint(listener), at);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pid_t pid;
		int status;

		snprintf(command, sizeof command, "%s%s openssl s_client -connect %s %s %s %s %s %s "
			 "</dev/null >/dev/null 2>&1", rows[i].settings ? "OPENSSL_CONF=" : "",
			 rows[i].settings ? settings : "", at, rows[i].options,
			 rows[i].key ? "-cert" : "", rows[i].key ? file : "",
			 rows[i].key ? "-key" : "", rows[i].key ? file : "");
		server.is_closed = server.is_secured = false;
		pid = fork();
		if (pid == 0)
			_exit(system(command) == -1);
		run_until(server_closed);
		ck_assert_msg(server.why.code == rows[i].err, "%s: %s", rows[i].options,
			      server.why.text);
		ck_assert_ptr_nonnull(strstr(server.why.text, rows[i].text));
		ck_assert_int_eq(server.is_secured, rows[i].err == E_CLOSED);
		run_until(nothing_is_left);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(unlink(settings), 0);
}
END_TEST

START_TEST(peer_that_says_nothing_is_cut_off)
{
	int fd;

	limits.secure_ms = SHORT_MS;
	/* Row 0: nothing in clear. Row 1: nothing in the handshake. */
	tls_at_once = _i == 1;
	listen_at("127.0.0.1");
	fd = connect_bare("127.0.0.1");
	run_until(server_closed);
	ck_assert_int_eq(server.why.code, E_TIMEOUT);
	ck_assert_str_eq(server.why.text, _i ? "the TLS handshake was not finished in time"
					     : "TLS was not begun in time");
	ck_assert_uint_eq(net_counters(nets[1])->late, 1);
	close(fd);
	run_until(nothing_is_left);
}
END_TEST

START_TEST(talking_slowly_does_not_extend_the_handshake)
{
	/* The time runs from the first octet of TCP: a plain message does not start it anew. */
	ev_tstamp started;
	int fd;

	limits.secure_ms = SHORT_MS;
	listen_at("127.0.0.1");
	fd = connect_bare("127.0.0.1");
	run_until(server_accepted);
	started = server.c->state_until;
	ck_assert_int_eq(send(fd, "hello", 5, 0), 5);
	run_until(server_closed);
	ck_assert_int_eq(server.why.code, E_TIMEOUT);
	ck_assert(ev_now(loop) < started + GUARD_S / 2.0);
	close(fd);
}
END_TEST

/* The kernel takes no more, and the queue behind it is full. */
static bool server_is_full(void)
{
	static size_t sent_before;
	bool same = server.c && sent_before == server.c->out_sent;

	sent_before = server.c ? server.c->out_sent : 0;
	return server.is_closed || (same && net_connection_room(server.c) == 0);
}

START_TEST(peer_that_never_reads_is_not_read_and_then_cut_off)
{
	/* More than the kernel keeps for both ends. */
	uint8_t *octets = pattern(16 * LOAD, 4);
	size_t unread_before;
	int fd;

	limits.stall_ms = 10 * SHORT_MS;
	limits.secure_ms = 0;
	server.starts_tls_at = NULL;
	listen_at("127.0.0.1");
	fd = connect_bare("127.0.0.1");
	run_until(server_accepted);
	server.load = VIEW(octets, 16 * LOAD);
	send_load(&server);
	run_until(server_is_full);
	ck_assert(!server.is_closed);
	/* Its own octets stay with the kernel from now on. */
	unread_before = server.received.len;
	ck_assert_int_eq(send(fd, "more", 4, 0), 4);
	run_until(server_closed);
	ck_assert_uint_eq(server.received.len, unread_before);
	ck_assert_int_eq(server.why.code, E_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(server.why.text, "does not take what is sent"));
	ck_assert_uint_eq(net_counters(nets[1])->stalled, 1);
	close(fd);
	run_until(nothing_is_left);
	free(octets);
}
END_TEST

START_TEST(message_of_the_limit_fits_and_one_octet_more_does_not)
{
	uint8_t *octets = pattern(100001, 5);

	limits.input = 100000;
	server.hold = true;
	client.greeting = NULL;
	client.starts_tls_at = server.starts_tls_at = NULL;
	listen_at("127.0.0.1");
	connect_client();
	run_until(server_accepted);
	while (!client.is_connected)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_uint_eq(net_connection_write(client.c, VIEW(octets, 100000)), 100000);
	while (server.c->in.len < 100000)
		ev_run(loop, EVRUN_ONCE);
	ck_assert(!server.is_closed);
	ck_assert_uint_eq(net_connection_write(client.c, VIEW(octets, 1)), 1);
	run_until(server_closed);
	ck_assert_int_eq(server.why.code, E_LIMIT);
	ck_assert_uint_eq(net_counters(nets[1])->too_long, 1);
	run_until(client_closed);
	run_until(nothing_is_left);
	free(octets);
}
END_TEST

/* A peer that is read by hand, at a server whose kernel keeps little. */
static int plain_bare(void)
{
	int little = 4096, fd;

	limits.secure_ms = 0;
	server.starts_tls_at = NULL;
	listen_at("127.0.0.1");
	fd = connect_bare("127.0.0.1");
	run_until(server_accepted);
	ck_assert_int_eq(
		setsockopt(server.c->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
	return fd;
}

/* All that comes until there are so many octets. */
static void read_bare(int fd, uint8_t *octets, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(fd, octets + got, len - got, MSG_DONTWAIT);

		ck_assert_msg(n > 0 || (n < 0 && errno == EAGAIN), "the peer is cut off");
		if (n > 0)
			got += (size_t)n;
		else
			ev_run(loop, EVRUN_NOWAIT);
	}
}

/* Row 0 has a queue, row 1 none. */
START_TEST(output_takes_what_fits_and_says_how_much)
{
	static const size_t queues[] = {600, 0};
	enum { LEN = LOAD / 4 };
	uint8_t *octets = pattern(LEN, 6), *received = malloc(LEN);
	size_t taken, before;
	int fd;

	limits.output = queues[_i];
	fd = plain_bare();
	connect_client();
	/* Not up yet. */
	ck_assert_uint_eq(net_connection_write(client.c, VIEW(octets, 1000)), 0);
	net_connection_abort(client.c);
	server.load = VIEW(octets, LEN);
	do {
		before = server.sent;
		send_load(&server);
	} while (server.sent > before);
	ck_assert_uint_lt(server.sent, LEN);
	ck_assert_uint_eq(server.c->out.len - server.c->out_sent, queues[_i]);
	ck_assert_uint_eq(net_connection_room(server.c), 0);
	taken = server.sent;
	read_bare(fd, received, LEN);
	ck_assert_uint_gt(server.drains, 0);
	ck_assert_uint_gt(server.sent, taken);
	ck_assert_mem_eq(received, octets, LEN);
	ck_assert_uint_eq(net_connection_room(server.c), queues[_i]);
	close(fd);
	free(octets);
	free(received);
}
END_TEST

/* Takes one octet a turn, or all at once; how much all had taken when it had all. */
struct taker {
	struct net_connection *c;
	size_t taken, want;
	bool yields;
	unsigned *order, place;
};

static size_t take_some(void *owner, struct net_connection *c, struct view octets)
{
	struct taker *t = owner;
	size_t some = t->yields ? 1 : octets.len;

	t->taken += some;
	if (t->taken == t->want)
		t->place = ++*t->order;
	if (t->yields && some < octets.len)
		net_connection_yield(c);
	return some;
}

/* One who has much to say, and says it in turns, is passed by one who comes later. */
START_TEST(who_yields_lets_the_others_go_first)
{
	static const struct net_events taking = {.octets = take_some, .closed = ignore_closed};
	static const uint8_t hundred[100];
	struct taker takers[3];
	unsigned order = 0;
	int fds[3];

	limits.secure_ms = 0;
	server.starts_tls_at = NULL;
	listen_at("127.0.0.1");
	for (size_t i = 0; i < 3; i++) {
		takers[i] = (struct taker){.want = i == 2 ? 1 : 100, .yields = i < 2, .order = &order};
		server.c = NULL;
		fds[i] = connect_bare("127.0.0.1");
		run_until(server_accepted);
		takers[i].c = server.c;
		net_connection_set_owner(server.c, &taking, &takers[i]);
	}
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(send(fds[i], hundred, 100, 0), 100);
	while (takers[0].taken < 10 || takers[1].taken < 10)
		ev_run(loop, EVRUN_ONCE);
	/* In turns: neither is far before the other. */
	ck_assert_uint_le(takers[0].taken, takers[1].taken + 2);
	ck_assert_uint_le(takers[1].taken, takers[0].taken + 2);
	ck_assert_int_eq(send(fds[2], "x", 1, 0), 1);
	while (order < 3)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_uint_eq(takers[2].place, 1);
	/* It ends in the middle of the queue. */
	ck_assert_int_eq(send(fds[0], hundred, 100, 0), 100);
	ck_assert_int_eq(send(fds[1], hundred, 100, 0), 100);
	while (!takers[0].c->turn_link || !takers[1].c->turn_link)
		ev_run(loop, EVRUN_ONCE);
	net_connection_abort(takers[0].c);
	net_connection_close(takers[1].c);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	run_until(nothing_is_left);
	ck_assert(!nets[1]->turns && !ev_is_active(&nets[1]->awake));
}
END_TEST

/* Row 0 is plain, row 1 secure. */
START_TEST(what_the_socket_takes_needs_no_turn_of_the_loop)
{
	uint8_t octets[5];
	int fd = -1;

	if (_i == 0) {
		fd = plain_bare();
	} else {
		listen_at("127.0.0.1");
		connect_client();
		run_until(both_secured);
	}
	ck_assert_uint_eq(net_connection_write(server.c, view_of_string("hello")), 5);
	ck_assert_uint_eq(server.c->out.len, 0);
	ck_assert(!(server.c->io.events & EV_WRITE));
	if (_i == 0) {
		ck_assert_int_eq(recv(fd, octets, sizeof octets, MSG_DONTWAIT), 5);
		ck_assert_mem_eq(octets, "hello", 5);
		close(fd);
	} else {
		ck_assert_int_eq(recv(client.c->fd, octets, 1, MSG_PEEK | MSG_DONTWAIT), 1);
	}
}
END_TEST

/* It is told by the loop, as every end; and that the peer is gone is no fault of the system. Row 0 is
 * plain, row 1 secure. */
START_TEST(a_write_that_fails_at_once_calls_nobody)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	int fd;

	if (_i == 0) {
		fd = plain_bare();
	} else {
		listen_at("127.0.0.1");
		connect_client();
		run_until(both_secured);
		fd = client.c->fd;
	}
	/* Which resets the connection. */
	ck_assert_int_eq(connect(fd, &nowhere, sizeof nowhere), 0);
	ck_assert_uint_eq(net_connection_write(server.c, view_of_string("hello")), 5);
	ck_assert(!server.is_closed);
	if (_i == 0)
		close(fd);
	else
		net_connection_abort(client.c);
	run_until(server_closed);
	ck_assert_int_eq(server.why.code, E_TRUNCATED);
	run_until(nothing_is_left);
}
END_TEST

/* Either end ends the connection inside each callback, in either way. */
START_TEST(any_callback_may_end_its_connection)
{
	static const size_t callbacks[] = {
		offsetof(struct end, at_connected), offsetof(struct end, at_octets),
		offsetof(struct end, at_authorize), offsetof(struct end, at_secured),
		offsetof(struct end, at_drained),   offsetof(struct end, at_closed),
	};
	uint8_t *octets = pattern(LOAD, 7);

	limits.linger_ms = 500;
	listen_at("127.0.0.1");
	for (size_t i = 0; i < sizeof callbacks / sizeof callbacks[0]; i++) {
		for (unsigned k = 0; k < 4; k++) {
			struct end *ending = k & 1 ? &server : &client;
			enum action action = k & 2 ? ACT_CLOSE : ACT_ABORT;

			/* A server is not connected() and, with the client's end, gets no drained(). */
			if (ending == &server && callbacks[i] == offsetof(struct end, at_connected))
				continue;
			client.is_closed = server.is_closed = false;
			client.is_secured = server.is_secured = false;
			client.is_connected = false;
			client.load = server.load = VIEW(octets, LOAD);
			client.sent = server.sent = 0;
			server.c = NULL;
			buffer_reset(&client.received);
			buffer_reset(&server.received);
			memcpy((char *)ending + callbacks[i], &action, sizeof action);
			connect_client();
			if (callbacks[i] == offsetof(struct end, at_closed)) {
				run_until(both_secured);
				net_connection_close((ending == &server ? &client : &server)->c);
				(ending == &server ? &client : &server)->is_closed = true;
			}
			while (!ending->is_closed)
				ev_run(loop, EVRUN_ONCE);
			run_until(nothing_is_left);
			action = ACT_NOTHING;
			memcpy((char *)ending + callbacks[i], &action, sizeof action);
		}
	}
	free(octets);
}
END_TEST

static bool all_decided(void)
{
	return accepted_count + refused_count == 3;
}

static uint64_t counted(size_t counter)
{
	return *(const uint64_t *)(const void *)((const char *)net_counters(nets[1]) + counter);
}

START_TEST(listener_keeps_its_limits)
{
	static const struct {
		struct net_listener_limits limits;
		unsigned accepted;
		const char *text;
		size_t counter;
	} rows[] = {
		{{0, 0, 0}, 3, NULL, 0},
		{{3, 0, 0}, 3, NULL, 0},
		{{2, 0, 0}, 2, "connections are open",
			offsetof(struct net_counters, refused_connections)},
		{{0, 2, 0}, 2, "have not finished their TLS handshake",
			offsetof(struct net_counters, refused_unsecured)},
		{{0, 0, 1}, 2, "from this address",
			offsetof(struct net_counters, refused_per_address)},
		{{0, 0, 2}, 3, NULL, 0},
	};

	only_count = true;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int fds[3];

		accepted_count = refused_count = 0;
		listener_limits = rows[i].limits;
		listen_at("0.0.0.0");
		/* Two from one address, one from another. */
		listener->at.address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fds[0] = connect_bare("127.0.0.1");
		fds[1] = connect_bare("127.0.0.1");
		fds[2] = connect_bare("127.0.0.2");
		run_until(all_decided);
		ck_assert_uint_eq(accepted_count, rows[i].accepted);
		ck_assert_uint_eq(net_listener_connections(listener), rows[i].accepted);
		if (rows[i].text) {
			ck_assert_ptr_nonnull(strstr(refused_why.text, rows[i].text));
			ck_assert_uint_eq(counted(rows[i].counter), 1);
		}
		for (size_t k = 0; k < 3; k++)
			close(fds[k]);
		run_until(nothing_is_left);
		ck_assert_uint_eq(net_listener_connections(listener), 0);
		ck_assert_uint_eq(listener->unsecured, 0);
		net_listener_free(listener);
	}
}
END_TEST

static bool third_decided(void)
{
	return accepted_count + refused_count == 2;
}

START_TEST(secured_connection_makes_way_for_the_next_handshake)
{
	int fd;

	listener_limits.unsecured = 1;
	listen_at("127.0.0.1");
	connect_client();
	run_until(both_secured);
	fd = connect_bare("127.0.0.1");
	run_until(third_decided);
	ck_assert_uint_eq(accepted_count, 2);
	close(fd);
}
END_TEST

/* Both ends name their session alike, and no other like it. */
START_TEST(a_session_has_a_name_of_its_own)
{
	struct session_binding before;

	listen_at("127.0.0.1");
	connect_client();
	run_until(both_secured);
	before = *net_connection_binding(client.c);
	ck_assert_mem_eq(net_connection_binding(server.c), &before, sizeof before);
	net_connection_close(client.c);
	run_until(server_closed);
	server.is_secured = client.is_secured = server.is_closed = client.is_closed = false;
	connect_client();
	run_until(both_secured);
	ck_assert_mem_ne(net_connection_binding(client.c), &before, sizeof before);
	ck_assert_mem_eq(net_connection_binding(server.c), net_connection_binding(client.c),
			 sizeof before);
}
END_TEST

START_TEST(connection_without_owner_is_dropped)
{
	drop_accepted = true;
	listen_at("127.0.0.1");
	connect_client();
	run_until(client_closed);
	ck_assert_uint_eq(accepted_count, 1);
	run_until(nothing_is_left);
}
END_TEST

START_TEST(listener_may_go_before_its_connections)
{
	listen_at("127.0.0.1");
	connect_client();
	run_until(both_secured);
	net_listener_free(listener);
	net_connection_close(client.c);
	run_until(server_closed);
	ck_assert_int_eq(server.why.code, E_CLOSED);
	run_until(nothing_is_left);
}
END_TEST

static bool client_connected(void)
{
	return client.is_connected;
}

/* An address where nobody listens: it was bound a moment ago. */
static struct endpoint nobody(void)
{
	struct endpoint at = endpoint_of("127.0.0.1:0");
	socklen_t len = endpoint_len(&at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, &at.address.any, len), 0);
	ck_assert_int_eq(getsockname(fd, &at.address.any, &len), 0);
	close(fd);
	return at;
}

START_TEST(endpoints_are_tried_in_turn)
{
	struct endpoint list[NET_ENDPOINTS_MAX + 1];
	struct error e;
	char text[ENDPOINT_TEXT_SIZE];

	listen_at("127.0.0.1");
	list[0] = nobody();
	list[1] = nobody();
	list[2] = *net_listener_endpoint(listener);
	ck_assert_int_eq(net_connect(nets[0], list, 3, NULL, &events, &client, &client.c, &e), E_OK);
	run_until(client_connected);
	ck_assert(endpoint_equal(net_connection_peer(client.c), &list[2]));
	net_connection_abort(client.c);

	ck_assert_int_eq(net_connect(nets[0], list, 2, NULL, &events, &client, &client.c, &e), E_OK);
	run_until(client_closed);
	ck_assert_int_eq(client.why.code, E_SYSTEM);
	ck_assert_int_eq(client.why.sys, ECONNREFUSED);
	endpoint_format(&list[1], text);
	ck_assert_ptr_nonnull(strstr(client.why.text, text));
	ck_assert_int_eq(net_connect(nets[0], list, 0, NULL, &events, &client, &client.c, &e),
			 E_RANGE);
	ck_assert_int_eq(net_connect(nets[0], list, NET_ENDPOINTS_MAX + 1, NULL, &events, &client,
				     &client.c, &e), E_RANGE);
}
END_TEST

START_TEST(endpoint_that_does_not_answer_is_given_up)
{
	struct endpoint at = endpoint_of("127.0.0.1:0");
	socklen_t len = endpoint_len(&at);
	int silent = socket(AF_INET, SOCK_STREAM, 0);
	int fill[3];
	struct error e;

	/* Its queue is full, so the kernel answers no more SYNs. */
	ck_assert_int_eq(bind(silent, &at.address.any, len), 0);
	ck_assert_int_eq(listen(silent, 0), 0);
	ck_assert_int_eq(getsockname(silent, &at.address.any, &len), 0);
	for (size_t i = 0; i < 3; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fill[i], &at.address.any, len) < 0)
			ck_assert_int_eq(errno, EINPROGRESS);
	}
	limits.connect_ms = SHORT_MS;
	ck_assert_int_eq(net_connect(nets[0], &at, 1, &limits, &events, &client, &client.c, &e),
			 E_OK);
	run_until(client_closed);
	ck_assert_int_eq(client.why.code, E_TIMEOUT);
	for (size_t i = 0; i < 3; i++)
		close(fill[i]);
	close(silent);
}
END_TEST

START_TEST(everything_may_be_freed_at_any_time)
{
	listen_at("127.0.0.1");
	connect_client();
	/* After each turn of the whole exchange, with all in the middle: teardown() frees it. */
	for (int i = 0; i < _i; i++)
		ev_run(loop, EVRUN_NOWAIT);
}
END_TEST

START_TEST(without_a_key_there_is_no_tls)
{
	struct net *plain;
	struct error e;

	ck_assert_int_eq(net_new(loop, NULL, &plain, &e), E_OK);
	client.greeting = NULL;
	listen_at("127.0.0.1");
	ck_assert_int_eq(net_connect(plain, net_listener_endpoint(listener), 1, NULL, &events,
				     &client, &client.c, &e), E_OK);
	ck_assert_int_eq(net_connection_start_tls(client.c, NET_CLIENT, &e), E_UNEXPECTED);
	run_until(client_connected);
	ck_assert_int_eq(net_connection_start_tls(client.c, NET_CLIENT, &e), E_UNSUPPORTED);
	ck_assert_ptr_null(net_connection_pin(client.c));
	ck_assert_ptr_null(net_connection_binding(client.c));
	net_free(plain);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *net = tcase_create("net");

	tcase_add_checked_fixture(net, setup, teardown);
	tcase_set_timeout(net, 60);
	tcase_add_loop_test(net, plain_connection_becomes_tls_and_carries_both_ways, 0, 2);
	tcase_add_test(net, wrong_server_key_is_refused_on_both_sides);
	tcase_add_test(net, wrong_client_key_is_refused_on_both_sides);
	tcase_add_loop_test(net, what_is_queued_arrives_before_the_close, 0, 2);
	tcase_add_test(net, cut_off_without_closure_alert_is_told_from_a_close);
	tcase_add_test(net, octets_in_clear_behind_the_last_message_are_an_attack);
	tcase_add_test(net, what_is_not_tls_ends_the_handshake);
	tcase_add_test(net, foreign_clients_are_judged);
	tcase_add_loop_test(net, peer_that_says_nothing_is_cut_off, 0, 2);
	tcase_add_test(net, talking_slowly_does_not_extend_the_handshake);
	tcase_add_test(net, peer_that_never_reads_is_not_read_and_then_cut_off);
	tcase_add_test(net, message_of_the_limit_fits_and_one_octet_more_does_not);
	tcase_add_test(net, who_yields_lets_the_others_go_first);
	tcase_add_loop_test(net, what_the_socket_takes_needs_no_turn_of_the_loop, 0, 2);
	tcase_add_loop_test(net, a_write_that_fails_at_once_calls_nobody, 0, 2);
	tcase_add_loop_test(net, output_takes_what_fits_and_says_how_much, 0, 2);
	tcase_add_test(net, any_callback_may_end_its_connection);
	tcase_add_test(net, listener_keeps_its_limits);
	tcase_add_test(net, secured_connection_makes_way_for_the_next_handshake);
	tcase_add_test(net, a_session_has_a_name_of_its_own);
	tcase_add_test(net, connection_without_owner_is_dropped);
	tcase_add_test(net, listener_may_go_before_its_connections);
	tcase_add_test(net, endpoints_are_tried_in_turn);
	tcase_add_test(net, endpoint_that_does_not_answer_is_given_up);
	tcase_add_loop_test(net, everything_may_be_freed_at_any_time, 0, 20);
	tcase_add_test(net, without_a_key_there_is_no_tls);
	suite_add_tcase(suite, net);
	return suite_main(suite);
}
