/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A peer that knows the protocol and means harm.
 *
 * hostile pdp ADDRESS KEY
 *     A decision point with the right key, or a wrong one, that takes every node and sends it what it
 *     is told on its standard input, a command a line. The answer to each is one line.
 *       install FILE    a decision that installs the S-objects of the file
 *       octets HEX      these octets, as if they were messages
 *       cut HEX         the same, then the end of the connection
 *     It prints `listening` first, and ends with its input.
 * hostile pep ADDRESS KEY NAME TYPE install FILE | octets HEX
 *     A node or publisher: opens client-type TYPE, asks with the S-objects of the file, or says the
 *     octets, and prints how it ended.
 * hostile pdp-clear ADDRESS KEY, hostile pep-clear ADDRESS KEY NAME TYPE talk FILE
 *     The same two without TLS and without malice, so that others can read along. The node asks with
 *     the objects of the file; the decision point answers, installs `install FILE`, and asks for
 *     its request state again by `again one`, for all of them by `again -`, or sends it elsewhere by
 *     `redirect ADDRESS`. The node names this PDP as its last one; it reports, says later that
 *     something failed and what it has counted, and after `again -` stays until a keep-alive has
 *     gone, deletes its request state and closes. pdp-sealed and pep-sealed: the same with the
 *     Integrity object.
 * hostile plain ADDRESS HEX
 *     Connects, says the octets in clear, and prints the answer and how the connection ended.
 */
#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/cops/pr.h"
#include "common/link/link.h"
#include "pib/framework/traffic.h"

enum {
	OCTETS_MAX = 64 << 20,
	LINE_LENGTH = 64 * 1024,
	PATIENCE_MS = 30000,
	ARENA_MAX = 16 << 20,
	KEEP_ALIVE_SECONDS = 1, /* of an open session */
};

/* A session and the octets that it never thought of. */
struct disguise {
	const struct link_session *type;
	void *session;
	struct buffer octets;
	size_t sent;
	bool then_close;
};

struct hostile {
	struct ev_loop *loop;
	struct net *net;
	struct link *link;
	struct disguise as;
	struct session *pdp;
	struct session_config pdp_config;
	struct session *pep;
	uint32_t state;    /* of a node that is ready for a decision; 0: none */
	uint32_t decision; /* the last */
	struct ev_io input;
	char command[LINE_LENGTH];
	size_t command_length;
	bool waiting; /* for an answer to the last command */
	/* pep */
	const char *name, *verb, *argument;
	uint16_t client_type;
	bool clear; /* without TLS */
	struct integrity_keys *keys; /* of the Integrity object, or NULL */
	uint32_t handle;
	struct buffer asked;
	struct ev_timer parting;
};

static _Noreturn void die(const char *what, const struct error *e)
{
	fprintf(stderr, "hostile: %s%s%s\n", what, e ? ": " : "", e ? e->text : "");
	exit(2);
}

static void answer(struct hostile *h, const char *text)
{
	if (h->waiting)
		printf("%s\n", text);
	fflush(stdout);
	h->waiting = false;
}

static void read_hex(const char *hex, struct buffer *out)
{
	unsigned octet;

	for (; sscanf(hex, "%2x", &octet) == 1; hex += 2)
		buffer_put_u8(out, (uint8_t)octet);
}

/* ---- The disguise: a link_session that delegates ---- */

static size_t as_receive(void *context, struct view octets, uint64_t now)
{
	struct disguise *d = context;

	return d->type->receive(d->session, octets, now);
}

static void as_tls_done(void *context, uint64_t now)
{
	struct disguise *d = context;

	d->type->tls_done(d->session, now);
}

static void as_tick(void *context, uint64_t now)
{
	struct disguise *d = context;

	d->type->tick(d->session, now);
}

static uint64_t as_deadline(const void *context)
{
	const struct disguise *d = context;

	return d->type->deadline(d->session);
}

static struct view as_output(const void *context)
{
	const struct disguise *d = context;
	struct view own = d->type->output(d->session);

	if (own.len || d->sent == d->octets.len)
		return own;
	return VIEW(d->octets.data + d->sent, d->octets.len - d->sent);
}

static void as_sent(void *context, size_t octets)
{
	struct disguise *d = context;

	if (d->type->output(d->session).len)
		d->type->sent(d->session, octets);
	else
		d->sent += octets;
}

static bool as_is_closed(const void *context)
{
	const struct disguise *d = context;

	return d->type->is_closed(d->session) ||
	       (d->then_close && d->sent == d->octets.len);
}

static enum session_role as_role(const void *context)
{
	const struct disguise *d = context;

	return d->type->role(d->session);
}

static uint32_t as_messages(const void *context)
{
	const struct disguise *d = context;

	return d->type->messages(d->session);
}

static enum err as_integrity_binding(const void *context, struct session_binding *ret_binding)
{
	const struct disguise *d = context;

	return d->type->integrity_binding(d->session, ret_binding);
}

static const struct link_session disguised = {as_receive, as_tls_done, as_tick, as_deadline,
	as_output, as_sent, as_is_closed, as_role, as_messages, as_integrity_binding};

static void say_octets(struct hostile *h, const char *hex, bool then_close)
{
	buffer_reset(&h->as.octets);
	h->as.sent = 0;
	h->as.then_close = then_close;
	read_hex(hex, &h->as.octets);
}

/* ---- What a report or a refusal says ---- */

static void put_failure(struct buffer *out, const struct prid *prid, struct view epd)
{
	struct pib_fault fault;
	struct error e;
	struct pri pri;
	struct view text;

	if (prid->class->id != PIB_copsecFailure || epd_decode(prid, epd, &pri, &fault, &e))
		return;
	text = pri_octets(&pri, copsecFailureText);
	buffer_put_text(out, "%s%.*s", out->len ? "; " : "", (int)text.len, (const char *)text.data);
}

static void put_named(struct buffer *out, struct view run)
{
	struct cursor c = cursor_over(run);
	struct prid prid = {0};
	struct pib_fault fault;
	struct pr_object o;
	struct error e;

	while (cursor_left(&c) && !pr_next(&c, &o)) {
		if ((o.s_num == PR_PRID || o.s_num == PR_ERROR_PRID) &&
			prid_decode(o.contents, &prid, &fault, &e))
			prid = (struct prid){0};
		else if (o.s_num == PR_ERROR_PRID) {
			char text[PRID_TEXT_SIZE];

			prid_format(&prid, text);
			buffer_put_text(out, "%s%s", out->len ? "; " : "", text);
		} else if (o.s_num == PR_EPD && prid.class)
			put_failure(out, &prid, o.contents);
		else if (o.s_num == PR_CPERR)
			buffer_put_text(out, "%s%s.%u", out->len ? " " : "",
				pr_cperr_name(o.code), o.sub_code);
		else if (o.s_num == PR_GPERR)
			buffer_put_text(out, "%s%s.%u", out->len ? "; " : "",
				pr_gperr_name(o.code), o.sub_code);
	}
}

static void on_report(struct hostile *h, const struct session_event *event)
{
	struct buffer text;
	struct view run;
	size_t at = 0;

	buffer_init(&text, OCTETS_MAX);
	while (cops_next_named(event->message, &at, &run))
		put_named(&text, run);
	if (h->waiting)
		printf("%s: ", event->report == COPS_SUCCESS ? "taken" : "refused");
	answer(h, text.len ? buffer_string(&text) : "");
	buffer_fini(&text);
}

/* ---- As a decision point ---- */

static void install(struct hostile *h, const char *path)
{
	struct pdp_transaction t = {.install_count = 1};
	struct buffer octets;
	struct view installs;
	struct error e;

	buffer_init(&octets, OCTETS_MAX);
	if (file_read(path, &octets, NULL, &e))
		die(path, &e);
	installs = buffer_view(&octets);
	t.installs = &installs;
	if (pdp_session_decide(h->pdp, h->state, &t, &h->decision))
		answer(h, "this cannot be said");
	buffer_fini(&octets);
}

/* The command that waits, once there is somebody to suffer it. */
static void redirect(struct hostile *h, const char *address)
{
	struct endpoint to;
	struct error e;

	if (endpoint_parse(address, COPS_PORT, &to, &e) ||
		pdp_session_redirect(h->pdp, COPS_CLIENT_CONNECTION, &to))
		die("cannot redirect", NULL);
	answer(h, "redirected");
}

static void obey(struct hostile *h)
{
	char *line_end = memchr(h->command, '\n', h->command_length);
	char *argument;

	if (!line_end || h->waiting || !h->state || !h->link)
		return;
	*line_end = 0;
	argument = strchr(h->command, ' ');
	if (!argument)
		die("a command without argument", NULL);
	*argument++ = 0;
	h->waiting = true;
	if (!strcmp(h->command, "install"))
		install(h, argument);
	else if (!strcmp(h->command, "again"))
		(void)!pdp_session_synchronize(
			h->pdp, COPS_CLIENT_PROVISIONING, strcmp(argument, "-") ? h->state : 0);
	else if (!strcmp(h->command, "redirect"))
		redirect(h, argument);
	else
		say_octets(h, argument, !strcmp(h->command, "cut"));
	h->command_length -= (size_t)(line_end + 1 - h->command);
	memmove(h->command, line_end + 1, h->command_length);
	link_pump(h->link);
}

static void on_input(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct hostile *h = w->data;
	ssize_t n = read(STDIN_FILENO, h->command + h->command_length,
		sizeof h->command - h->command_length);

	(void)revents;
	if (n <= 0) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	h->command_length += (size_t)n;
	obey(h);
}

static void on_pdp_event(struct hostile *h, struct link *l, const struct session_event *event)
{
	switch (event->kind) {
	case SESSION_START_TLS:
		link_start_tls(l);
		break;
	case SESSION_OPENING:
		if (pdp_session_accept(h->pdp, event->client_type))
			die("cannot accept", NULL);
		break;
	case SESSION_REQUEST:
		if (pdp_session_decide_null(h->pdp, event->state, &h->decision))
			die("cannot answer", NULL);
		break;
	case SESSION_SYNCHRONIZED:
		answer(h, "synchronized");
		break;
	case SESSION_REPORT:
		if (event->decision != h->decision)
			break;
		if (h->state)
			on_report(h, event);
		h->state = event->state;
		break;
	case SESSION_CLIENT_CLOSED:
		answer(h, cops_error_name(event->code));
		break;
	default:
		break;
	}
}

static void pdp_drain(void *owner, struct link *l)
{
	struct hostile *h = owner;
	struct session_event event;

	while (session_next_event(h->pdp, &event))
		on_pdp_event(h, l, &event);
}

static bool authorize(void *owner, struct link *l, const struct pin *peer)
{
	(void)owner;
	(void)l;
	(void)peer;
	return true;
}

static void forget(struct hostile *h)
{
	session_free(h->pdp);
	h->pdp = NULL;
	h->link = NULL;
	h->state = 0;
}

static void pdp_ended(void *owner, const struct error *why)
{
	struct hostile *h = owner;

	answer(h, why->text);
	forget(h);
}

static const struct link_events pdp_events = {NULL, authorize, pdp_drain, pdp_ended};

static void on_accepted(void *owner, struct net_listener *listener, struct net_connection *c)
{
	struct hostile *h = owner;
	struct error e;

	(void)listener;
	if (h->link) {
		link_abort(h->link);
		forget(h);
	}
	h->pdp = session_new(SESSION_PDP, &h->pdp_config, link_now());
	if (!h->pdp || link_accept(h->loop, c, &pdp_events, h, &h->link, &e))
		die("out of memory", NULL);
	h->as.type = &link_session;
	h->as.session = h->pdp;
	say_octets(h, "", false);
	link_attach(h->link, &disguised, &h->as);
}

/* A node that is ready takes the next command, at the end of the loop's turn. */
static void on_turn(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	(void)loop;
	(void)revents;
	obey(w->data);
}

static const struct net_listener_events listener_events = {.accepted = on_accepted};

static uint64_t utc(void *user)
{
	(void)user;
	return (uint64_t)time(NULL);
}

/* A key that both ends know, for whoever it is. */
static struct integrity_keys *sealing_keys(void)
{
	static char any[] = "any";
	static struct integrity_key key = {
		.id = 7, .peer = any, .until = UINT64_MAX, .secret_len = 32};
	static struct integrity_keys keys = {&key, 1};

	return &keys;
}

static void be_pdp(struct hostile *h, const struct endpoint *at)
{
	static const struct net_listener_limits none;
	struct net_listener *listener;
	struct ev_prepare turn;
	struct error e;

	h->pdp_config = session_config_default(SESSION_PDP);
	if (h->clear) {
		h->pdp_config.security = SESSION_PLAIN;
		h->pdp_config.ka_seconds = KEEP_ALIVE_SECONDS;
		h->pdp_config.acct_seconds = 1;
		h->pdp_config.integrity_keys = h->keys;
		h->pdp_config.integrity_required = h->keys != NULL;
		h->pdp_config.utc = utc;
	}
	if (net_listen(h->net, at, &none, NULL, &listener_events, h, &listener, &e))
		die("cannot listen", &e);
	ev_io_init(&h->input, on_input, STDIN_FILENO, EV_READ);
	h->input.data = h;
	ev_io_start(h->loop, &h->input);
	ev_prepare_init(&turn, on_turn);
	turn.data = h;
	ev_prepare_start(h->loop, &turn);
	printf("listening\n");
	fflush(stdout);
	ev_run(h->loop, 0);
	h->link = link_abort(h->link);
	forget(h);
}

/* ---- As a node or publisher ---- */

static uint32_t random_number(void *user)
{
	(void)user;
	return arc4random();
}

static void ask(struct hostile *h)
{
	struct view named;
	struct error e;

	if (!h->clear && strcmp(h->verb, "install") != 0) {
		say_octets(h, h->argument, !strcmp(h->verb, "cut"));
		return;
	}
	if (file_read(h->argument, &h->asked, NULL, &e))
		die(h->argument, &e);
	named = buffer_view(&h->asked);
	if (pep_session_request(h->pep, h->client_type, &named, 1, link_now(), &h->handle))
		answer(h, "this cannot be said");
}

/* In the clear, as an honest node. */

static void on_parting(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct hostile *h = w->data;

	(void)loop;
	(void)revents;
	if (pep_session_delete(h->pep, h->handle, COPS_REASON_MANAGEMENT))
		die("cannot delete", NULL);
	session_close(h->pep, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	link_pump(h->link);
}

static void account(struct hostile *h)
{
	struct traffic traffic = {.count = 1, .rows = {{.packets = 1, .octets = 1500}}};
	struct buffer b;
	struct view rows;
	struct error e;

	snprintf(traffic.rows[0].name, sizeof traffic.rows[0].name, "a rule");
	buffer_init(&b, OCTETS_MAX);
	if (traffic_put(&traffic, &b, &e))
		die("rows", &e);
	rows = buffer_view(&b);
	if (pep_session_tell(h->pep, h->handle, COPS_ACCOUNTING, &rows, 1, link_now()))
		die("cannot account", NULL);
	buffer_fini(&b);
}

static void talk(struct hostile *h, const struct session_event *event)
{
	struct view named = buffer_view(&h->asked);

	if (event->kind == SESSION_OPENED)
		ask(h);
	else if (event->kind == SESSION_DECISION &&
		 pep_session_report(h->pep, event->decision, COPS_SUCCESS, NULL, 0))
		die("cannot report", NULL);
	if (event->kind == SESSION_CLIENT_CLOSED)
		session_close(h->pep, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	if (event->kind != SESSION_SYNCHRONIZE)
		return;
	if (pep_session_update(h->pep, h->handle, &named, 1, link_now()) ||
		pep_session_synchronized(h->pep, COPS_CLIENT_PROVISIONING, event->state))
		die("cannot synchronize", NULL);
	if (event->state)
		return;
	if (pep_session_tell(h->pep, h->handle, COPS_FAILURE, NULL, 0, link_now()))
		die("cannot tell of a failure", NULL);
	account(h);
	ev_timer_init(&h->parting, on_parting, KEEP_ALIVE_SECONDS, 0);
	h->parting.data = h;
	ev_timer_start(h->loop, &h->parting);
}

static void on_decision(struct hostile *h, const struct session_event *event)
{
	struct cops_decision d;
	struct buffer text;
	size_t at = 0;

	buffer_init(&text, OCTETS_MAX);
	while (cops_next_decision(event->message, &at, &d))
		put_named(&text, d.named);
	answer(h, text.len ? buffer_string(&text) : "taken");
	buffer_fini(&text);
	session_close(h->pep, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
}

static void pep_drain(void *owner, struct link *l)
{
	struct hostile *h = owner;
	struct session_event event;

	while (session_next_event(h->pep, &event)) {
		if (h->clear)
			talk(h, &event);
		else if (event.kind == SESSION_START_TLS)
			link_start_tls(l);
		else if (event.kind == SESSION_OPENED)
			ask(h);
		else if (event.kind == SESSION_DECISION)
			on_decision(h, &event);
		else if (event.kind == SESSION_CLIENT_CLOSED || event.kind == SESSION_DENIED) {
			answer(h, event.error.code ? event.error.text : cops_error_name(event.code));
			session_close(h->pep, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
		}
	}
}

static void pep_connected(void *owner, struct link *l)
{
	struct session_config config = session_config_default(SESSION_PEP);
	struct hostile *h = owner;

	config.pepid = h->name;
	config.random = random_number;
	if (h->clear)
		config.security = SESSION_PLAIN;
	config.integrity_keys = h->keys;
	config.pdp = "any";
	config.utc = utc;
	h->pep = session_new(SESSION_PEP, &config, link_now());
	if (!h->pep || pep_session_open(h->pep, h->client_type, h->clear ? link_peer(l) : NULL,
			       link_now()))
		die("out of memory", NULL);
	h->as.type = &link_session;
	h->as.session = h->pep;
	link_attach(l, &disguised, &h->as);
}

static void pep_ended(void *owner, const struct error *why)
{
	struct hostile *h = owner;

	answer(h, why->text);
	h->link = NULL;
}

static const struct link_events pep_events = {pep_connected, authorize, pep_drain, pep_ended};

static void be_pep(struct hostile *h, const struct endpoint *to, char **words)
{
	struct error e;

	h->name = words[0];
	h->client_type = (uint16_t)strtoul(words[1], NULL, 16);
	h->verb = words[2];
	h->argument = words[3];
	h->waiting = true;
	if (link_connect(h->loop, h->net, to, 1, NULL, &pep_events, h, &h->link, &e))
		die("cannot connect", &e);
	ev_run(h->loop, 0);
	session_free(h->pep);
}

/* ---- In clear ---- */

/* Messages as they come: what they are, and the error in them. */
static void print_messages(struct view octets)
{
	size_t len;

	while (!cops_frame(octets, COPS_MESSAGE_LIMIT, &len)) {
		struct cops_message m;
		struct cops_fault fault;
		struct buffer text;
		struct arena arena;

		arena_init(&arena, ARENA_MAX);
		buffer_init(&text, OCTETS_MAX);
		if (!cops_decode(VIEW(octets.data, len), &arena, &m, &fault))
			cops_print(&m, &text);
		for (size_t i = 0; i < text.len; i++)
			if (text.data[i] == '\n')
				text.data[i] = ' ';
		printf("%s; ", buffer_string(&text));
		buffer_fini(&text);
		arena_fini(&arena);
		octets = VIEW(octets.data + len, octets.len - len);
	}
}

static int be_plain(const struct endpoint *to, const char *hex)
{
	int fd = socket(endpoint_family(to), SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t start = link_now();
	struct buffer said, heard;
	ssize_t n = 0;

	buffer_init(&said, OCTETS_MAX);
	buffer_init(&heard, OCTETS_MAX);
	read_hex(hex, &said);
	if (fd < 0 || connect(fd, &to->address.any, endpoint_len(to)))
		die(strerror(errno), NULL);
	if (said.len && write(fd, said.data, said.len) != (ssize_t)said.len)
		die(strerror(errno), NULL);
	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		uint8_t *room = buffer_reserve(&heard, 65536);

		if (!room || poll(&p, 1, PATIENCE_MS) <= 0)
			break;
		n = read(fd, room, 65536);
		if (n <= 0)
			break;
		buffer_grow(&heard, (size_t)n);
	}
	print_messages(buffer_view(&heard));
	printf("%s after %lu s\n", n < 0 ? "cut off" : n ? "still open" : "closed",
		(unsigned long)(link_now() - start) / 1000);
	buffer_fini(&said);
	buffer_fini(&heard);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	static struct hostile h;
	struct endpoint at;
	struct key *key;
	struct error e;

	if (argc < 4)
		die("usage: see the head of hostile.c", NULL);
	if (endpoint_parse(argv[2], COPS_PORT, &at, &e))
		die("address", &e);
	if (!strcmp(argv[1], "plain"))
		return be_plain(&at, argv[3]);
	if (key_load(argv[3], NULL, &key, &e))
		die("key", &e);
	h.loop = ev_loop_new(EVFLAG_AUTO);
	h.keys = strstr(argv[1], "-sealed") ? sealing_keys() : NULL;
	h.clear = h.keys || strstr(argv[1], "-clear");
	buffer_init(&h.as.octets, OCTETS_MAX);
	buffer_init(&h.asked, OCTETS_MAX);
	if (!h.loop || net_new(h.loop, key, &h.net, &e))
		die("cannot begin", &e);
	if (!strncmp(argv[1], "pdp", 3))
		be_pdp(&h, &at);
	else if (argc == 8)
		be_pep(&h, &at, argv + 4);
	else
		die("usage: see the head of hostile.c", NULL);
	net_free(h.net);
	ev_loop_destroy(h.loop);
	buffer_fini(&h.as.octets);
	buffer_fini(&h.asked);
	key_free(key);
	return 0;
}
