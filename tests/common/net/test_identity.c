/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who a peer is by its certificate (RFC 4261 section 7), both ends in this process over loopback:
 * one presents a certificate, the other says what it thinks of it.
 */
#include <ev.h>
#include <stdio.h>
#include <unistd.h>

#include "common/net/net.h"
#include "tests/common/net/authority.h"
#include "tests/suite.h"

enum { GUARD_S = 20, REVOKED = 77 };

static char folder[] = "/tmp/test-identity-XXXXXX";
static char key_path[64], trust_path[64];
static struct ev_loop *loop;
static struct net *nets[2];
static struct key *keys[2];
static struct net_listener *listener;
static bool done, guard_fired;
static struct error why;
/* What the end that judges was asked, and said. */
static const char *asked_name;
static bool judges_server, certified, named, addressed, admits;

static void on_guard(struct ev_loop *l, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	guard_fired = true;
	ev_break(l, EVBREAK_ALL);
}

static void judge(const struct net_connection *c)
{
	struct endpoint local;
	struct error e;

	ck_assert_int_eq(endpoint_parse("127.0.0.1", 1, &local, &e), E_OK);
	certified = net_connection_is_certified(c);
	named = asked_name && net_connection_is_named(c, asked_name);
	addressed = net_connection_has_address(c, &local);
}

static bool on_authorize(void *owner, struct net_connection *c, const struct pin *peer)
{
	bool of_server = owner == &nets[0];

	(void)peer;
	if (of_server != judges_server)
		return true;
	judge(c);
	return admits;
}

static void on_connected(void *owner, struct net_connection *c)
{
	struct error e;

	(void)owner;
	ck_assert_int_eq(net_connection_start_tls(c, NET_CLIENT, &e), E_OK);
}

static size_t on_octets(void *owner, struct net_connection *c, struct view octets)
{
	(void)owner;
	(void)c;
	return octets.len;
}

static void on_secured(void *owner, struct net_connection *c, const struct pin *peer)
{
	bool was[] = {certified, named, addressed};

	(void)peer;
	if ((owner == &nets[0]) != judges_server)
		return;
	/* The same answers afterwards. */
	judge(c);
	ck_assert(was[0] == certified && was[1] == named && was[2] == addressed);
	done = true;
}

static void on_closed(void *owner, struct net_connection *c, const struct error *e)
{
	(void)c;
	if ((owner == &nets[0]) == judges_server) {
		why = *e;
		done = true;
	}
}

static const struct net_events events = {
	.connected = on_connected, .octets = on_octets, .authorize = on_authorize,
	.secured = on_secured, .closed = on_closed};

static void on_accepted(void *owner, struct net_listener *l, struct net_connection *c)
{
	struct error e;

	(void)owner;
	(void)l;
	net_connection_set_owner(c, &events, &nets[1]);
	ck_assert_int_eq(net_connection_start_tls(c, NET_SERVER, &e), E_OK);
}

static const struct net_listener_events listener_events = {on_accepted, NULL};

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
	snprintf(trust_path, sizeof trust_path, "%s/trust.pem", folder);
}

static void teardown(void)
{
	unlink(key_path);
	unlink(trust_path);
	rmdir(folder);
}

/* The handshake, with what lies in the files; the server's certificate is judged, or the client's. */
static void shake_hands(bool of_server)
{
	struct net_listener_limits none = {0};
	struct net_connection *c;
	struct endpoint at;
	ev_timer guard;
	struct error e;

	judges_server = of_server;
	done = guard_fired = false;
	why = (struct error){0};
	loop = ev_loop_new(EVFLAG_AUTO);
	for (int i = 0; i < 2; i++) {
		bool presents = (i == 1) == of_server;

		if (presents)
			ck_assert_msg(!key_load(key_path, NULL, &keys[i], &e), "%s", e.text);
		else
			ck_assert_msg(!key_generate("other", &keys[i], &e), "%s", e.text);
		ck_assert_msg(!net_new(loop, keys[i], &nets[i], &e), "%s", e.text);
		if (!presents && access(trust_path, R_OK) == 0)
			ck_assert_msg(!net_trust_authorities(nets[i], trust_path, &e), "%s", e.text);
	}
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &at, &e), E_OK);
	ck_assert_msg(!net_listen(nets[1], &at, &none, NULL, &listener_events, NULL, &listener, &e),
		      "%s", e.text);
	ck_assert(!net_connect(nets[0], net_listener_endpoint(listener), 1, NULL, &events, &nets[0],
			       &c, &e));
	ev_timer_init(&guard, on_guard, GUARD_S, 0);
	ev_timer_start(loop, &guard);
	while (!done && !guard_fired)
		ev_run(loop, EVRUN_ONCE);
	ck_assert(!guard_fired);
	for (int i = 0; i < 2; i++) {
		net_free(nets[i]);
		key_free(keys[i]);
	}
	ev_timer_stop(loop, &guard);
	ev_loop_destroy(loop);
}

enum issuer { TRUSTED, BELOW_TRUSTED, TRUSTED_RSA, STRANGER, ITSELF };

static const struct identity {
	const char *why;
	struct subject subject;
	enum issuer issuer;
	const char *name;
	bool certified, named, addressed;
} identities[] = {
	{"dNSName", {"x", "DNS:pdp.example", NULL, 0, 0, 0, 0}, TRUSTED, "pdp.example", 1, 1, 0},
	{"case counts for nothing", {"x", "DNS:PDP.example", NULL, 0, 0, 0, 0}, TRUSTED,
	 "pdp.EXAMPLE", 1, 1, 0},
	{"another name", {"x", "DNS:pdp.example", NULL, 0, 0, 0, 0}, TRUSTED, "pdp2.example", 1, 0, 0},
	{"a name below", {"x", "DNS:example", NULL, 0, 0, 0, 0}, TRUSTED, "pdp.example", 1, 0, 0},
	{"the second of several", {"x", "DNS:a.example,DNS:pdp.example", NULL, 0, 0, 0, 0}, TRUSTED,
	 "pdp.example", 1, 1, 0},
	{"no wildcards", {"x", "DNS:*.corp.example", NULL, 0, 0, 0, 0}, TRUSTED,
	 "pdp.corp.example", 1, 0, 0},
	{"common name", {"pdp.example", NULL, NULL, 0, 0, 0, 0}, TRUSTED, "pdp.example", 1, 1, 0},
	{"common name of a node", {"alice", NULL, NULL, 0, 0, 0, 0}, TRUSTED, "alice", 1, 1, 0},
	{"dNSName overrules it", {"pdp.example", "DNS:a.example", NULL, 0, 0, 0, 0}, TRUSTED,
	 "pdp.example", 1, 0, 0},
	{"so does iPAddress", {"pdp.example", "IP:127.0.0.1", NULL, 0, 0, 0, 0}, TRUSTED,
	 "pdp.example", 1, 0, 1},
	{"e-mail does not", {"pdp.example", "email:a@example.com", NULL, 0, 0, 0, 0}, TRUSTED,
	 "pdp.example", 1, 1, 0},
	{"iPAddress", {NULL, "IP:127.0.0.1", NULL, 0, 0, 0, 0}, TRUSTED, "127.0.0.1", 1, 0, 1},
	{"another address", {NULL, "IP:127.0.0.2", NULL, 0, 0, 0, 0}, TRUSTED, NULL, 1, 0, 0},
	{"an address in the common name", {"127.0.0.1", NULL, NULL, 0, 0, 0, 0}, TRUSTED, NULL, 1, 0,
	 0},
	{"an address as dNSName", {"x", "DNS:127.0.0.1", NULL, 0, 0, 0, 0}, TRUSTED, NULL, 1, 0, 0},
	{"both", {"x", "DNS:pdp.example,IP:127.0.0.1", NULL, 0, 0, 0, 0}, TRUSTED, "pdp.example", 1,
	 1, 1},
	{"an authority between", {"pdp.example", NULL, NULL, 0, 0, 0, 0}, BELOW_TRUSTED, "pdp.example",
	 1, 1, 0},
	{"an authority with RSA", {"pdp.example", NULL, NULL, 0, 0, 0, 0}, TRUSTED_RSA, "pdp.example",
	 1, 1, 0},
	{"an authority nobody knows", {"pdp.example", NULL, NULL, 0, 0, 0, 0}, STRANGER,
	 "pdp.example", 0, 0, 0},
	{"signed by itself", {"pdp.example", "IP:127.0.0.1", NULL, 0, 0, 0, 0}, ITSELF, "pdp.example",
	 0, 0, 0},
	{"expired", {"pdp.example", NULL, NULL, 0, 0, 1, 0}, TRUSTED, "pdp.example", 0, 0, 0},
	{"revoked", {"pdp.example", NULL, NULL, 0, 0, 0, REVOKED}, TRUSTED, "pdp.example", 0, 0, 0},
	{"for something else", {"pdp.example", NULL, "emailProtection", 0, 0, 0, 0}, TRUSTED,
	 "pdp.example", 0, 0, 0},
};

/* Files for one identity: what is presented, and whom the other end trusts. */
static void prepare(const struct identity *id)
{
	struct subject top = {"Test Authority", NULL, NULL, true, id->issuer == TRUSTED_RSA, 0, 0};
	struct subject middle = {"Below It", NULL, NULL, true, false, 0, 2};
	struct holder trusted = authority_certify(NULL, &top);
	struct holder other = id->issuer == STRANGER ? authority_certify(NULL, &top)
							: authority_certify(&trusted, &middle);
	const struct holder *by = id->issuer == ITSELF ? NULL
				     : id->issuer == BELOW_TRUSTED || id->issuer == STRANGER ? &other
											    : &trusted;
	struct holder peer = authority_certify(by, &id->subject);

	authority_save_key(key_path, &peer, id->issuer == BELOW_TRUSTED ? &other : NULL);
	authority_save(trust_path, &trusted, id->subject.serial);
	authority_free(&trusted);
	authority_free(&other);
	authority_free(&peer);
}

START_TEST(identities_of_servers_and_clients)
{
	const struct identity *id = &identities[_i];

	prepare(id);
	for (int of_server = 0; of_server < 2; of_server++) {
		asked_name = id->name;
		admits = true;
		shake_hands(of_server);
		ck_assert_msg(!why.code, "%s: %s", id->why, why.text);
		ck_assert_msg(certified == id->certified, "%s", id->why);
		ck_assert_msg(named == id->named, "%s", id->why);
		ck_assert_msg(addressed == id->addressed, "%s", id->why);
	}
	/* Who is turned away reads why its certificate was no good. */
	admits = false;
	shake_hands(true);
	ck_assert_int_eq(why.code, E_DENIED);
	ck_assert_msg((strstr(why.text, "its certificate is no good: ") == NULL) == id->certified, "%s",
		      why.text);
}
END_TEST

START_TEST(a_certificate_has_one_purpose)
{
	struct identity server = {"", {"p", NULL, "serverAuth", 0, 0, 0, 0}, TRUSTED, NULL, 1, 0, 0};
	struct identity client = {"", {"p", NULL, "clientAuth", 0, 0, 0, 0}, TRUSTED, NULL, 1, 0, 0};

	admits = true;
	asked_name = "p";
	prepare(&server);
	shake_hands(true);
	ck_assert(certified);
	shake_hands(false);
	ck_assert(!certified);
	prepare(&client);
	shake_hands(false);
	ck_assert(certified);
	shake_hands(true);
	ck_assert(!certified);
}
END_TEST

START_TEST(without_authorities_nothing_is_certified)
{
	prepare(&identities[0]);
	unlink(trust_path);
	admits = true;
	asked_name = identities[0].name;
	shake_hands(true);
	ck_assert(!certified && !named && !addressed && !why.code);
}
END_TEST

START_TEST(files_that_are_no_authorities)
{
	static const char *const texts[] = {
		"", "no PEM at all\n",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"};
	struct error e;

	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert(!key_generate("x", &keys[0], &e));
	ck_assert(!net_new(loop, keys[0], &nets[0], &e));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		FILE *f = fopen(trust_path, "w");

		ck_assert_ptr_nonnull(f);
		fputs(texts[i], f);
		ck_assert_int_eq(fclose(f), 0);
		ck_assert_int_ne(net_trust_authorities(nets[0], trust_path, &e), E_OK);
		ck_assert_ptr_nonnull(strstr(e.text, trust_path));
	}
	unlink(trust_path);
	ck_assert_int_eq(net_trust_authorities(nets[0], trust_path, &e), E_SYSTEM);
	net_free(nets[0]);
	ck_assert(!net_new(loop, NULL, &nets[0], &e));
	ck_assert_int_eq(net_trust_authorities(nets[0], trust_path, &e), E_UNSUPPORTED);
	net_free(nets[0]);
	key_free(keys[0]);
	ev_loop_destroy(loop);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("common/net identities");
	TCase *tc = tcase_create("identities");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, identities_of_servers_and_clients, 0,
			    (int)(sizeof identities / sizeof identities[0]));
	tcase_add_test(tc, a_certificate_has_one_purpose);
	tcase_add_test(tc, without_authorities_nothing_is_certified);
	tcase_add_test(tc, files_that_are_no_authorities);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
