/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * By what a decision point knows a node, and how secure a session must be, setting by setting: the
 * decision point and one peer over loopback, on one loop. The policy knows gw1 and alice.
 */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/link/link.h"
#include "pdp/decision/server.h"
#include "tests/common/net/authority.h"
#include "tests/pdp/tenant.h"
#include "tests/suite.h"

enum { GUARD_S = 30 };

static char directory[] = "/tmp/copsec-identity-XXXXXX";
static char store_path[64], authorities_path[64], key_path[64];
static struct ev_loop *loop;
static struct tenant *tenant;
static struct store *store;
static struct log *quiet;
static char pdp_name[] = "pdp", acme[] = "acme", given[] = "given";
static struct pdp_settings settings;
static struct endpoint here;
static struct pin publisher_pin;
static struct server *server;
static struct key *certified[3]; /* for alice, for mallory, and for alice by another authority */
static struct integrity_key keys_of_pdp[2], key_of_alice;
static struct integrity_keys pdp_keys = {keys_of_pdp, 2}, alice_keys = {&key_of_alice, 1};
static struct error error;

/* ---- A peer ---- */

static struct {
	struct session_config config;
	uint16_t client_type;
	struct net *net;
	struct link *link;
	struct session *session;
	bool opened, answered, ended;
	uint16_t code;
	struct error why;
} peer;

static uint32_t no_random(void *user)
{
	(void)user;
	return 4;
}

static uint64_t utc(void *user)
{
	(void)user;
	return (uint64_t)time(NULL);
}

/* A node asks for its policy, a publisher brings it. */
static void request(void)
{
	struct view objects = buffer_view(&tenant->objects);
	uint32_t handle;

	ck_assert_int_eq(pep_session_request(peer.session, peer.client_type, &objects,
				 peer.client_type == COPS_CLIENT_PUBLISHING, link_now(), &handle),
			 E_OK);
}

static void on_drain(void *owner, struct link *l)
{
	struct session_event event;

	(void)owner;
	while (session_next_event(peer.session, &event)) {
		if (event.kind == SESSION_START_TLS)
			link_start_tls(l);
		if (event.kind == SESSION_OPENED) {
			peer.opened = true;
			link_stay_plain(l);
			request();
		}
		if (event.kind == SESSION_CLIENT_CLOSED)
			peer.code = event.code;
		if (event.kind == SESSION_DECISION)
			peer.answered = true;
		if (event.kind == SESSION_CLOSED)
			peer.why = event.error;
	}
}

static bool on_authorize(void *owner, struct link *l, const struct pin *pin)
{
	(void)owner;
	(void)l;
	(void)pin;
	return true;
}

static void on_connected(void *owner, struct link *l)
{
	(void)owner;
	peer.session = session_new(SESSION_PEP, &peer.config, link_now());
	ck_assert_ptr_nonnull(peer.session);
	ck_assert_int_eq(pep_session_open(peer.session, peer.client_type, NULL, link_now()), E_OK);
	link_attach(l, &link_session, peer.session);
}

static void on_ended(void *owner, const struct error *why)
{
	(void)owner;
	peer.link = NULL;
	peer.ended = true;
	if (!peer.why.code)
		peer.why = *why;
}

static const struct link_events link_events = {on_connected, on_authorize, on_drain, on_ended};

static void connect_peer(const char *pepid, const struct key *key, uint16_t client_type,
	size_t endpoint)
{
	peer.config = session_config_default(SESSION_PEP);
	peer.config.pepid = pepid;
	peer.config.pdp = "127.0.0.1";
	peer.config.random = no_random;
	peer.config.utc = utc;
	peer.client_type = client_type;
	ck_assert_msg(!net_new(loop, key, &peer.net, &error), "%s", error.text);
	ck_assert_msg(!link_connect(loop, peer.net, server_endpoint(server, endpoint), 1, NULL,
			      &link_events, NULL, &peer.link, &error), "%s", error.text);
}

static void drop_peer(void)
{
	link_abort(peer.link);
	session_free(peer.session);
	net_free(peer.net);
	memset(&peer, 0, sizeof peer);
}

/* ---- The fixture ---- */

static void on_guard(struct ev_loop *l, struct ev_timer *w, int revents)
{
	(void)l;
	(void)w;
	(void)revents;
	ck_abort_msg("waited in vain: opened %d code %u ended %d '%s'", peer.opened, peer.code,
		     peer.ended, peer.why.text);
}

static void run_until_decided(const bool *done)
{
	struct ev_timer guard;

	ev_timer_init(&guard, on_guard, GUARD_S, 0);
	ev_timer_start(loop, &guard);
	while (!*done && !peer.ended && !peer.code)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &guard);
}

static void drop_log(void *context, const struct log_record *record)
{
	(void)context;
	(void)record;
}

static void start_server(void)
{
	struct server_parts parts = {
		.loop = loop,
		.log = quiet,
		.settings = &settings,
		.key = tenant->pdp,
		.trust = tenant->world->trust,
		.integrity_keys = settings.integrity_keys ? &pdp_keys : NULL,
		.store = store,
	};

	ck_assert_msg(!server_new(&parts, &server, &error), "%s", error.text);
}

static struct key *certify(const struct holder *by, const char *name)
{
	struct subject subject = {.common_name = name};
	struct holder leaf = authority_certify(by, &subject);
	struct key *key;

	authority_save_key(key_path, &leaf, NULL);
	ck_assert_msg(!key_load(key_path, NULL, &key, &error), "%s", error.text);
	authority_free(&leaf);
	return key;
}

static void make_certificates(void)
{
	struct subject top = {.common_name = "Nodes", .is_authority = true};
	struct holder authority = authority_certify(NULL, &top);
	struct holder stranger = authority_certify(NULL, &top);

	authority_save(authorities_path, &authority, 0);
	certified[0] = certify(&authority, "alice");
	certified[1] = certify(&authority, "mallory");
	certified[2] = certify(&stranger, "alice");
	authority_free(&authority);
	authority_free(&stranger);
}

static void make_integrity_keys(void)
{
	static char alice[] = "alice", gw1[] = "gw1", any[] = "any";

	keys_of_pdp[0] = (struct integrity_key){.id = 1, .peer = alice, .until = UINT64_MAX,
						.secret = {1}, .secret_len = 16};
	keys_of_pdp[1] = (struct integrity_key){.id = 1, .peer = gw1, .until = UINT64_MAX,
						.secret = {2}, .secret_len = 16};
	key_of_alice = keys_of_pdp[0];
	key_of_alice.peer = any;
}

static void set_up(void)
{
	bool published;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(store_path, sizeof store_path, "%s/db", directory);
	snprintf(authorities_path, sizeof authorities_path, "%s/ca", directory);
	snprintf(key_path, sizeof key_path, "%s/key", directory);
	ck_assert_int_eq(store_open(store_path, &store, &error), E_OK);
	loop = ev_loop_new(EVFLAG_AUTO);
	quiet = log_new(LOG_LEVEL_ERROR, drop_log, NULL);
	tenant = tenant_new((uint64_t)time(NULL));
	publisher_pin = key_pin(tenant->publisher);
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &here, &error), E_OK);
	settings = (struct pdp_settings){
		.name = pdp_name,
		.tenant = acme,
		.listen = {&here, 1},
		.listen_tls = {&here, 1},
		.publishers = {&publisher_pin, 1},
		.keepalive = 30000,
		.secure_timeout = 15000,
		.connections = 100,
		.unsecured = 100,
		.per_address = 100,
	};
	make_certificates();
	make_integrity_keys();
	tenant_pack(tenant, 20);
	start_server();
	connect_peer("admin", tenant->publisher, COPS_CLIENT_PUBLISHING, 0);
	run_until_decided(&peer.answered);
	published = peer.answered;
	drop_peer();
	server = server_free(server);
	ck_assert(published);
}

static void tear_down(void)
{
	store_close(store);
	tenant_free(tenant);
	log_free(quiet);
	ev_loop_destroy(loop);
	for (size_t i = 0; i < 3; i++)
		key_free(certified[i]);
	unlink(store_path);
	unlink(authorities_path);
	unlink(key_path);
	rmdir(directory);
}

/* ---- The cases ---- */

enum key_of { PINNED, STRANGERS, CERTIFIED, CERTIFIED_AS_MALLORY, CERTIFIED_BY_STRANGER };

static const struct admittance {
	const char *why;
	unsigned security; /* of the decision point */
	bool keys, authorities;
	/* the peer */
	enum session_security with;
	bool seals;
	enum key_of key;
	const char *pepid;
	bool opened;
	uint16_t code; /* of the Client-Close; 0: none came */
} admissions[] = {
	{"pin", PDP_TLS, 0, 0, SESSION_TLS_REQUIRED, 0, PINNED, "alice", 1, 0},
	{"pin of another node", PDP_TLS, 0, 0, SESSION_TLS_REQUIRED, 0, PINNED, "gw1", 0, 14},
	{"no pin", PDP_TLS, 0, 0, SESSION_TLS_REQUIRED, 0, STRANGERS, "alice", 0, 0},
	{"TLS at once", PDP_TLS, 0, 0, SESSION_TLS_DIRECT, 0, PINNED, "alice", 1, 0},
	{"TLS at once, no pin", PDP_TLS, 0, 0, SESSION_TLS_DIRECT, 0, STRANGERS, "alice", 0, 0},
	{"TLS begun by the PDP", PDP_TLS, 0, 0, SESSION_TLS_AWAITED, 0, PINNED, "alice", 1, 0},
	{"no TLS", PDP_TLS, 0, 0, SESSION_PLAIN, 0, PINNED, "alice", 0, 15},
	{"no TLS, but sealed", PDP_TLS, 1, 0, SESSION_PLAIN, 1, PINNED, "alice", 0, 15},

	{"certificate", PDP_TLS, 0, 1, SESSION_TLS_REQUIRED, 0, CERTIFIED, "alice", 1, 0},
	{"certificate, at once", PDP_TLS, 0, 1, SESSION_TLS_DIRECT, 0, CERTIFIED, "alice", 1, 0},
	{"certificate of another name", PDP_TLS, 0, 1, SESSION_TLS_REQUIRED, 0, CERTIFIED_AS_MALLORY,
		"alice", 0, 14},
	{"certificate for no node", PDP_TLS, 0, 1, SESSION_TLS_REQUIRED, 0, CERTIFIED_AS_MALLORY,
		"mallory", 0, 14},
	{"certificate says another node", PDP_TLS, 0, 1, SESSION_TLS_REQUIRED, 0, CERTIFIED, "gw1", 0,
		14},
	{"another authority", PDP_TLS, 0, 1, SESSION_TLS_REQUIRED, 0, CERTIFIED_BY_STRANGER, "alice",
		0, 0},
	{"pins still count", PDP_TLS, 0, 1, SESSION_TLS_REQUIRED, 0, PINNED, "alice", 1, 0},
	{"no authority is set", PDP_TLS, 0, 0, SESSION_TLS_REQUIRED, 0, CERTIFIED, "alice", 0, 0},

	{"sealed within TLS", PDP_TLS, 1, 0, SESSION_TLS_REQUIRED, 1, PINNED, "alice", 1, 0},
	{"both", PDP_TLS_AND_INTEGRITY, 1, 0, SESSION_TLS_REQUIRED, 1, PINNED, "alice", 1, 0},
	{"both, TLS at once", PDP_TLS_AND_INTEGRITY, 1, 0, SESSION_TLS_DIRECT, 1, PINNED, "alice", 1,
		0},
	{"both, the name by the seal", PDP_TLS_AND_INTEGRITY, 1, 0, SESSION_TLS_REQUIRED, 1,
		STRANGERS, "alice", 1, 0},
	{"not sealed", PDP_TLS_AND_INTEGRITY, 1, 0, SESSION_TLS_REQUIRED, 0, PINNED, "alice", 0, 15},
	{"sealed by another node's name", PDP_TLS_AND_INTEGRITY, 1, 0, SESSION_TLS_REQUIRED, 1,
		STRANGERS, "gw1", 0, 14},
	{"sealed without TLS", PDP_TLS_AND_INTEGRITY, 1, 0, SESSION_PLAIN, 1, PINNED, "alice", 0, 15},

	{"integrity alone", PDP_INTEGRITY, 1, 0, SESSION_PLAIN, 1, PINNED, "alice", 1, 0},
	{"integrity alone, within TLS", PDP_INTEGRITY, 1, 0, SESSION_TLS_REQUIRED, 1, PINNED, "alice",
		1, 0},
	{"integrity missing", PDP_INTEGRITY, 1, 0, SESSION_PLAIN, 0, PINNED, "alice", 0, 15},
	{"integrity missing within TLS", PDP_INTEGRITY, 1, 0, SESSION_TLS_REQUIRED, 0, PINNED,
		"alice", 0, 15},
	{"integrity of another", PDP_INTEGRITY, 1, 0, SESSION_PLAIN, 1, PINNED, "gw1", 0, 14},
	{"integrity of nobody", PDP_INTEGRITY, 1, 0, SESSION_PLAIN, 1, PINNED, "mallory", 0, 14},

	{"plain", PDP_PLAIN, 0, 0, SESSION_PLAIN, 0, PINNED, "alice", 1, 0},
	{"plain, any node", PDP_PLAIN, 0, 0, SESSION_PLAIN, 0, STRANGERS, "gw1", 1, 0},
	{"plain, no node", PDP_PLAIN, 0, 0, SESSION_PLAIN, 0, PINNED, "mallory", 0, 14},
	{"plain, TLS if it likes", PDP_PLAIN, 0, 0, SESSION_TLS_REQUIRED, 0, PINNED, "alice", 1, 0},
	{"plain, TLS, key of another", PDP_PLAIN, 0, 0, SESSION_TLS_REQUIRED, 0, PINNED, "gw1", 0,
		14},
};

static const struct key *key_for(const struct admittance *a)
{
	if (a->key >= CERTIFIED)
		return certified[a->key - CERTIFIED];
	return a->key == STRANGERS ? tenant->stranger : tenant->node_keys[ALICE];
}

START_TEST(who_is_let_in)
{
	const struct admittance *a = &admissions[_i];

	settings.security = a->security;
	settings.integrity_keys = a->keys ? given : NULL;
	settings.node_authorities = a->authorities ? authorities_path : NULL;
	start_server();
	connect_peer(a->pepid, key_for(a), COPS_CLIENT_PROVISIONING, a->with == SESSION_TLS_DIRECT);
	peer.config.security = a->with;
	peer.config.integrity_keys = a->seals ? &alice_keys : NULL;
	run_until_decided(&peer.answered);
	ck_assert_msg(peer.opened == a->opened && peer.answered == a->opened, "%s: opened %d, code %u, %s", a->why, peer.opened,
		      peer.code, peer.why.text);
	ck_assert_msg(peer.code == a->code, "%s: code %u, %s", a->why, peer.code, peer.why.text);
	drop_peer();
	server = server_free(server);
}
END_TEST

/* Policy is published over TLS with a key that may, whatever nodes may do. */
START_TEST(nobody_publishes_in_clear)
{
	settings.security = PDP_PLAIN;
	start_server();
	connect_peer("admin", tenant->publisher, COPS_CLIENT_PUBLISHING, 0);
	peer.config.security = SESSION_PLAIN;
	run_until_decided(&peer.opened);
	ck_assert(!peer.opened);
	ck_assert_uint_eq(peer.code, COPS_ERROR_AUTH_FAILURE);
	drop_peer();
	server = server_free(server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pdp/decision/identity");
	TCase *tc = tcase_create("identity");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, who_is_let_in, 0, (int)(sizeof admissions / sizeof admissions[0]));
	tcase_add_test(tc, nobody_publishes_in_clear);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
