/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both ends of a session over loopback, driven by links on one loop. Nothing sleeps: the loop runs
 * until what is waited for has happened, and a guard ends the test if that takes too long.
 */
#include "common/link/link.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

enum { GUARD_S = 30, BIG = 1 << 26, CLIENT_TYPE = COPS_CLIENT_PROVISIONING };

struct end {
	struct link *link;
	struct session *pep; /* one of them */
	struct session *pdp;
	bool close_at_opening; /* inside its drain */
	bool no_session;       /* cannot make one */
	bool answers;          /* requests, at once */
	bool asks;             /* for a decision as soon as it is open */
	/* happened */
	bool connected, opened, closed, ended;
	uint32_t state;   /* request state */
	unsigned drains, decisions;
	size_t octets;    /* of the last decision */
	uint16_t code;    /* of a Client-Close */
	struct error why; /* of the link's end */
	struct error session_why;
};

static struct ev_loop *loop;
static struct ev_timer guard;
static bool guard_fired;
static struct key *keys[2];
static struct pin pins[2];
static struct net *nets[2]; /* PEP, PDP */
static struct net_listener *listener;
static struct session_config pdp_config;
static struct end pep, pdp;
static struct error error;

static uint32_t no_random(void *user)
{
	(void)user;
	return 4;
}

static bool authorize(void *owner, struct link *l, const struct pin *peer)
{
	ck_assert_ptr_null(link_pin(l));
	return pin_equal(peer, &pins[owner == &pep]);
}

static void ended(void *owner, const struct error *why)
{
	struct end *end = owner;

	ck_assert_msg(!end->ended, "ended twice");
	end->ended = true;
	end->link = NULL;
	end->why = *why;
}

/* ---- The PEP ---- */

static void pep_connected(void *owner, struct link *l)
{
	struct end *end = owner;
	struct session_config config = session_config_default(SESSION_PEP);

	end->connected = true;
	if (end->no_session)
		return;
	config.pepid = "node";
	config.random = no_random;
	end->pep = session_new(SESSION_PEP, &config, link_now());
	ck_assert_ptr_nonnull(end->pep);
	ck_assert_int_eq(pep_session_open(end->pep, CLIENT_TYPE, NULL, link_now()), E_OK);
	link_attach(l, &link_session, end->pep);
}

static void pep_event(struct end *end, struct link *l, const struct session_event *event)
{
	struct cops_decision d;
	uint32_t handle;
	size_t at = 0;

	switch (event->kind) {
	case SESSION_START_TLS:
		link_start_tls(l);
		break;
	case SESSION_OPENED:
		end->opened = true;
		ck_assert(pin_equal(link_pin(l), &pins[1]));
		if (end->asks)
			ck_assert_int_eq(pep_session_request(end->pep, CLIENT_TYPE, NULL, 0,
						 link_now(), &handle),
				E_OK);
		break;
	case SESSION_DECISION:
		end->decisions++;
		end->octets = 0;
		while (cops_next_decision(event->message, &at, &d))
			end->octets += d.named.len;
		ck_assert_int_eq(pep_session_report(
					 end->pep, event->decision, COPS_SUCCESS, NULL, 0),
			E_OK);
		break;
	case SESSION_CLIENT_CLOSED:
		end->code = event->code;
		break;
	case SESSION_CLOSED:
		end->closed = true;
		end->session_why = event->error;
		break;
	default:
		break;
	}
}

static void pep_drain(void *owner, struct link *l)
{
	struct end *end = owner;
	struct session_event event;

	end->drains++;
	while (session_next_event(end->pep, &event))
		pep_event(end, l, &event);
}

static const struct link_events pep_events = {pep_connected, authorize, pep_drain, ended};

/* ---- The PDP ---- */

static void pdp_event(struct end *end, struct link *l, const struct session_event *event)
{
	uint32_t number;

	switch (event->kind) {
	case SESSION_START_TLS:
		link_start_tls(l);
		break;
	case SESSION_OPENING:
		end->opened = true;
		ck_assert(pdp_config.security == SESSION_PLAIN ||
			  pin_equal(link_pin(l), &pins[0]));
		ck_assert_int_eq(pdp_session_accept(end->pdp, event->client_type), E_OK);
		if (end->close_at_opening)
			session_close(
				end->pdp, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
		break;
	case SESSION_REQUEST:
		end->state = event->state;
		if (end->answers)
			ck_assert_int_eq(pdp_session_decide_null(end->pdp, event->state, &number),
				E_OK);
		break;
	case SESSION_CLOSED:
		end->closed = true;
		end->session_why = event->error;
		break;
	default:
		break;
	}
}

static void pdp_drain(void *owner, struct link *l)
{
	struct end *end = owner;
	struct session_event event;

	end->drains++;
	while (session_next_event(end->pdp, &event))
		pdp_event(end, l, &event);
}

static const struct link_events pdp_events = {NULL, authorize, pdp_drain, ended};

static void on_accepted(void *owner, struct net_listener *l, struct net_connection *connection)
{
	(void)owner;
	(void)l;
	pdp.pdp = session_new(SESSION_PDP, &pdp_config, link_now());
	ck_assert_ptr_nonnull(pdp.pdp);
	ck_assert_int_eq(link_accept(loop, connection, &pdp_events, &pdp, &pdp.link, &error), E_OK);
	link_attach(pdp.link, &link_session, pdp.pdp);
	link_pump(pdp.link);
}

static const struct net_listener_events listener_events = {on_accepted, NULL};

/* ---- The fixture ---- */

static void on_guard(struct ev_loop *l, struct ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	guard_fired = true;
	ev_break(l, EVBREAK_ALL);
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		while (!(condition)) {                                                             \
			ev_run(loop, EVRUN_ONCE);                                                  \
			ck_assert_msg(!guard_fired, "waited in vain: %s", #condition);             \
		}                                                                                  \
	} while (0)

static void set_up(void)
{
	struct net_listener_limits unlimited = {0};
	struct endpoint at;

	loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&guard, on_guard, GUARD_S, 0);
	ev_timer_start(loop, &guard);
	ev_unref(loop);
	pdp_config = session_config_default(SESSION_PDP);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(key_generate("key", &keys[i], &error), E_OK);
		pins[i] = key_pin(keys[i]);
		ck_assert_int_eq(net_new(loop, keys[i], &nets[i], &error), E_OK);
	}
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &at, &error), E_OK);
	ck_assert_int_eq(net_listen(nets[1], &at, &unlimited, NULL, &listener_events, NULL,
				 &listener, &error),
		E_OK);
}

static void tear_down(void)
{
	link_abort(pep.link);
	link_abort(pdp.link);
	session_free(pep.pep);
	session_free(pdp.pdp);
	for (size_t i = 0; i < 2; i++) {
		net_free(nets[i]);
		key_free(keys[i]);
	}
	ev_ref(loop);
	ev_timer_stop(loop, &guard);
	ev_loop_destroy(loop);
}

static void connect_pep(void)
{
	ck_assert_int_eq(link_connect(loop, nets[0], net_listener_endpoint(listener), 1, NULL,
				 &pep_events, &pep, &pep.link, &error),
		E_OK);
}

/* ---- Tests ---- */

START_TEST(two_sessions_open_over_tls)
{
	connect_pep();
	UNTIL(pep.opened);
	ck_assert(pdp.opened);
	ck_assert(endpoint_same_address(link_peer(pep.link), link_peer(pdp.link)));
}
END_TEST

START_TEST(a_peer_that_is_not_authorized_is_not_spoken_to)
{
	pins[0] = pins[1];
	connect_pep();
	UNTIL(pep.ended && pdp.ended);
	ck_assert(!pep.opened && !pdp.opened);
}
END_TEST

START_TEST(without_a_session_the_link_ends)
{
	pep.no_session = true;
	connect_pep();
	UNTIL(pep.ended && pdp.ended);
	ck_assert(pep.connected);
	ck_assert_int_eq(pep.why.code, E_MEMORY);
}
END_TEST

START_TEST(a_session_that_closes_inside_drain_says_so_and_ends)
{
	pdp.close_at_opening = true;
	connect_pep();
	UNTIL(pep.ended && pdp.ended);
	/* The Client-Close came through before the connection ended. */
	ck_assert_uint_eq(pep.code, COPS_ERROR_SHUTTING_DOWN);
	ck_assert(pdp.closed);
	ck_assert_int_eq(pep.why.code, E_CLOSED);
	ck_assert_int_eq(pdp.why.code, E_CLOSED);
}
END_TEST

static struct view many_objects(struct buffer *out, size_t octets)
{
	static const uint8_t prid[] = {0x06, 0x03, 0x2b, 0x06, 0x01};
	static const uint8_t epd[1020];

	buffer_init(out, BIG);
	while (out->len < octets) {
		pr_put(out, PR_PRID, VIEW(prid, sizeof prid));
		pr_put(out, PR_EPD, VIEW(epd, sizeof epd));
	}
	ck_assert_int_eq(out->error, E_OK);
	return buffer_view(out);
}

/* Above the queues of connection and session together. */
START_TEST(a_large_decision_arrives_whole)
{
	struct pdp_transaction transaction = {.install_count = 1};
	struct buffer objects;
	struct view installs = many_objects(&objects, 8 << 20);
	uint32_t decision;

	transaction.installs = &installs;
	pep.asks = true;
	connect_pep();
	UNTIL(pdp.state);
	ck_assert_int_eq(
		pdp_session_decide(pdp.pdp, pdp.state, &transaction, &decision), E_OK);
	link_pump(pdp.link);
	UNTIL(pep.decisions);
	ck_assert_uint_eq(pep.octets, installs.len);
	buffer_fini(&objects);
}
END_TEST

/* Who was told that there is no room is called when there is, though the peer says nothing. */
START_TEST(an_owner_hears_when_there_is_room)
{
	struct pdp_transaction transaction = {.install_count = 1};
	struct buffer objects;
	struct view installs = many_objects(&objects, 8 << 20);
	unsigned before;
	uint32_t decision;

	transaction.installs = &installs;
	pep.asks = true;
	connect_pep();
	UNTIL(pdp.state);
	ck_assert_int_eq(
		pdp_session_decide(pdp.pdp, pdp.state, &transaction, &decision), E_OK);
	link_pump(pdp.link);
	ck_assert_int_eq(
		pdp_session_decide(pdp.pdp, pdp.state, &transaction, &decision), E_LIMIT);
	before = pdp.drains;
	UNTIL(pdp.drains > before && !session_congested(pdp.pdp));
	ck_assert_uint_eq(pep.decisions, 0);
	buffer_fini(&objects);
}
END_TEST

START_TEST(a_closed_link_still_sends_what_was_said)
{
	connect_pep();
	UNTIL(pep.opened);
	session_close(pdp.pdp, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	pdp.link = link_close(pdp.link);
	UNTIL(pep.ended);
	ck_assert_uint_eq(pep.code, COPS_ERROR_SHUTTING_DOWN);
	ck_assert(!pdp.ended);
}
END_TEST

START_TEST(an_aborted_link_says_nothing)
{
	connect_pep();
	UNTIL(pep.opened);
	session_close(pdp.pdp, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	pdp.link = link_abort(pdp.link);
	UNTIL(pep.ended);
	ck_assert_uint_eq(pep.code, 0);
	ck_assert(!pdp.ended);
}
END_TEST

/* A PEP that wants TLS and a PDP that has none. */
START_TEST(ends_that_do_not_agree_on_security_part)
{
	pdp_config.security = SESSION_PLAIN;
	connect_pep();
	UNTIL(pep.ended && pdp.ended);
	ck_assert(pdp.closed && pep.closed);
	ck_assert_int_eq(pdp.session_why.code, E_DENIED);
	ck_assert(!pep.opened);
}
END_TEST

static size_t swallow(void *owner, struct net_connection *c, struct view octets)
{
	(void)owner;
	(void)c;
	return octets.len;
}

static void silent_closed(void *owner, struct net_connection *c, const struct error *why)
{
	(void)c;
	(void)why;
	*(bool *)owner = true;
}

START_TEST(a_silent_peer_runs_out_of_the_sessions_time)
{
	static const struct net_events silent = {.octets = swallow, .closed = silent_closed};
	struct net_connection *connection;
	bool closed = false;

	pdp_config.open_timeout = 20;
	ck_assert_int_eq(net_connect(nets[0], net_listener_endpoint(listener), 1, NULL, &silent,
				 &closed, &connection, &error),
		E_OK);
	UNTIL(closed && pdp.ended);
	ck_assert_int_eq(pdp.session_why.code, E_TIMEOUT);
}
END_TEST

/* ---- A session whose deadline is said by the test ---- */

static uint64_t due, ticked;

static uint64_t said_deadline(const void *session)
{
	(void)session;
	return due;
}

static void note_tick(void *session, uint64_t now)
{
	(void)session;
	ticked = now;
	if (now >= due)
		due = SESSION_NEVER;
}

static void pump_with(uint64_t deadline)
{
	due = deadline;
	link_pump(pdp.link);
}

START_TEST(a_deadline_is_met_wherever_it_moves)
{
	static const struct net_events silent = {.octets = swallow, .closed = silent_closed};
	struct link_session type = link_session;
	struct net_connection *connection;
	bool closed = false;
	uint64_t last;

	type.deadline = said_deadline;
	type.tick = note_tick;
	due = SESSION_NEVER;
	ck_assert_int_eq(net_connect(nets[0], net_listener_endpoint(listener), 1, NULL, &silent,
				 &closed, &connection, &error),
		E_OK);
	UNTIL(pdp.link);
	link_attach(pdp.link, &type, pdp.pdp);
	/* Nearer: an hour is more than the guard waits. */
	pump_with(link_now() + 3600 * 1000);
	pump_with(link_now() + 10);
	UNTIL(due == SESSION_NEVER);
	/* Away: whoever looks too early looks again. */
	pump_with(link_now() + 10);
	last = link_now() + 40;
	pump_with(last);
	UNTIL(due == SESSION_NEVER);
	ck_assert_uint_ge(ticked, last);
	/* Never, and after all. */
	pump_with(link_now() + 10);
	pump_with(SESSION_NEVER);
	pump_with(link_now() + 20);
	UNTIL(ticked > last && due == SESSION_NEVER);
	ck_assert(!closed);
}
END_TEST

/* ---- A peer that floods ---- */

enum { FLOOD = 2000 }; /* keep-alives */

static void flood(void *owner, struct net_connection *c)
{
	struct buffer b;

	(void)owner;
	buffer_init(&b, BIG);
	for (int i = 0; i < FLOOD; i++)
		cops_end(&b, cops_begin(&b, COPS_KA, 0, 0));
	ck_assert_uint_eq(net_connection_write(c, buffer_view(&b)), b.len);
	buffer_fini(&b);
}

/* It is read again by and by, and nobody is closed for it. */
START_TEST(a_peer_that_floods_is_read_slowly)
{
	static const struct net_events flooding = {
		.connected = flood, .octets = swallow, .closed = silent_closed};
	struct net_connection *connection;
	bool closed = false;

	pdp_config.security = SESSION_PLAIN;
	ck_assert_int_eq(net_connect(nets[0], net_listener_endpoint(listener), 1, NULL, &flooding,
				 &closed, &connection, &error),
		E_OK);
	UNTIL(net_counters(nets[1])->held == 1);
	/* What was allowed at once, and the slice in which that ended. */
	ck_assert_uint_lt(session_messages(pdp.pdp), 600);
	UNTIL(net_counters(nets[1])->held == 2);
	ck_assert_uint_lt(session_messages(pdp.pdp), 1200);
	ck_assert(!closed);
	net_connection_abort(connection);
	UNTIL(pdp.ended);
}
END_TEST

/* OPN, then requests on one handle. */
static void flood_with_requests(void *owner, struct net_connection *c)
{
	struct buffer b;
	size_t begun;

	(void)owner;
	buffer_init(&b, BIG);
	begun = cops_begin(&b, COPS_OPN, 0, CLIENT_TYPE);
	cops_put_pepid(&b, view_of_string("node"));
	cops_end(&b, begun);
	for (int i = 0; i < 100; i++) {
		begun = cops_begin(&b, COPS_REQ, 0, CLIENT_TYPE);
		cops_put_handle(&b, VIEW("\0\0\0\1", 4));
		cops_put_context(&b, COPS_R_CONFIGURATION, 0);
		cops_end(&b, begun);
	}
	ck_assert_uint_eq(net_connection_write(c, buffer_view(&b)), b.len);
	buffer_fini(&b);
}

START_TEST(a_round_of_the_loop_takes_few_messages_of_a_peer)
{
	static const struct net_events flooding = {
		.connected = flood_with_requests, .octets = swallow, .closed = silent_closed};
	struct net_connection *connection;
	uint32_t before = 0, most = 0;
	bool closed = false;

	pdp_config.security = SESSION_PLAIN;
	pdp.answers = true;
	ck_assert_int_eq(net_connect(nets[0], net_listener_endpoint(listener), 1, NULL, &flooding,
				 &closed, &connection, &error),
		E_OK);
	UNTIL(pdp.link);
	while (before < 101) {
		uint32_t now;

		ev_run(loop, EVRUN_ONCE);
		ck_assert(!guard_fired);
		now = session_messages(pdp.pdp);
		most = now - before > most ? now - before : most;
		before = now;
	}
	ck_assert_uint_le(most, 8);
	ck_assert_uint_eq(net_counters(nets[1])->held, 0);
	ck_assert(!closed);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("link");
	TCase *c = tcase_create("link");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, two_sessions_open_over_tls);
	tcase_add_test(c, a_peer_that_is_not_authorized_is_not_spoken_to);
	tcase_add_test(c, without_a_session_the_link_ends);
	tcase_add_test(c, a_session_that_closes_inside_drain_says_so_and_ends);
	tcase_add_test(c, a_large_decision_arrives_whole);
	tcase_add_test(c, an_owner_hears_when_there_is_room);
	tcase_add_test(c, a_closed_link_still_sends_what_was_said);
	tcase_add_test(c, an_aborted_link_says_nothing);
	tcase_add_test(c, ends_that_do_not_agree_on_security_part);
	tcase_add_test(c, a_silent_peer_runs_out_of_the_sessions_time);
	tcase_add_test(c, a_deadline_is_met_wherever_it_moves);
	tcase_add_test(c, a_peer_that_floods_is_read_slowly);
	tcase_add_test(c, a_round_of_the_loop_takes_few_messages_of_a_peer);
	suite_add_tcase(s, c);
	return suite_main(s);
}
