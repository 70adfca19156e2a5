/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A decision point and the enforcer of a node with a fake kernel, over loopback, all on one loop:
 * whatever is published, lost, forgotten or lied about, in the end the node holds octet for octet
 * what a full state would have given it, and what is sent goes with what changed.
 */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/crypto/digest.h"
#include "common/link/link.h"
#include "pdp/control.h"
#include "pdp/decision/server.h"
#include "pep/enforce/enforcement.h"
#include "pib/store/difference.h"
#include "tests/pdp/tenant.h"
#include "tests/pep/enforce/parts.h"
#include "tests/pep/kernel/fake.h"
#include "tests/suite.h"

enum {
	BIG = 1 << 26,
	GUARD_S = 300,
	MASK = 0x01ff0000,
	SEED = 20260104,
	ROUNDS = 80,
	MORE_PORTS = 20, /* rows of a set that may be there or not */
	RULES = 1000,
};

static char directory[] = "/tmp/copsec-delta-XXXXXX";
static char path[64];
static struct ev_loop *loop;
static struct ev_timer guard;
static struct tenant *tenant;
static struct store *store;
static struct pdp_settings settings;
static struct endpoint listen_at;
static struct pin publisher_pin, pdp_pin;
static struct server *server;
static uint64_t now;
static uint64_t serial; /* of the newest publication */
static uint32_t random_state;
static struct error error;

/* xorshift: the same cases in every run. */
static uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % below;
}

/* ---- The node's enforcer ---- */

struct node {
	struct fake *fake;
	struct kernel *kernel;
	struct memory memory;
	struct enforcement *enforcement;
};

static void boot(struct node *n)
{
	struct network pdp = network_of(&listen_at);
	struct network_list pdps = {&pdp, 1};
	struct kernel_transport transport = fake_transport(n->fake);
	const struct enforcement_identity identity = {
		.pepid = "gw1",
		.node_key = key_pin(tenant->node_keys[GW1]),
		.tenant = "acme",
		.description = "test",
		.trust = tenant->world->trust,
		.report_key = tenant->report_keys[GW1],
		.storage = memory_storage(&n->memory),
	};
	enum err restored;

	n->kernel = kernel_new(&transport);
	ck_assert_msg(!enforcement_new(n->kernel, MASK, &pdps, &n->enforcement, &error), "%s",
		error.text);
	ck_assert_msg(!enforcement_close(n->enforcement, &error), "%s", error.text);
	enforcement_identify(n->enforcement, &identity);
	restored = enforcement_restore(n->enforcement, now, &error);
	ck_assert_msg(restored == (n->memory.has[STORED_STATE] ? E_OK : E_NOT_FOUND), "%s", error.text);
}

static void halt(struct node *n)
{
	enforcement_free(n->enforcement);
	kernel_free(n->kernel);
}

static struct node *node_new(void)
{
	struct node *n = calloc(1, sizeof *n);

	n->fake = fake_new();
	memory_init(&n->memory);
	boot(n);
	return n;
}

static void node_free(struct node *n)
{
	halt(n);
	fake_free(n->fake);
	memory_fini(&n->memory);
	free(n);
}

/* ---- Its connection, or a publisher's ---- */

enum mishap { NONE, DECISION_LOST, REPORT_LOST };

struct client {
	struct node *node; /* NULL: a publisher */
	struct view claim; /* what its REQ says; empty: the truth */
	enum mishap mishap;

	struct net *net;
	struct link *link;
	struct session *session;
	bool cut;          /* the mishap has come */
	bool answered;     /* of a publisher */
	bool ended;
};

/* What all clients have seen. */
static struct tally {
	unsigned nulls, deltas, fulls, refusals;
	size_t octets; /* of the last decision */
} tally;

static uint32_t no_random(void *user)
{
	(void)user;
	return 4;
}

static void client_request(struct client *c)
{
	uint16_t type = c->node ? COPS_CLIENT_PROVISIONING : COPS_CLIENT_PUBLISHING;
	struct buffer truth;
	struct view named;
	uint32_t handle;

	buffer_init(&truth, BIG);
	if (!c->node)
		buffer_put_view(&truth, buffer_view(&tenant->objects));
	else if (c->claim.len)
		buffer_put_view(&truth, c->claim);
	else
		ck_assert_int_eq(
			enforcement_request(c->node->enforcement, 1, 0, &truth, &error), E_OK);
	named = buffer_view(&truth);
	ck_assert_int_eq(
		pep_session_request(c->session, type, &named, 1, link_now(), &handle), E_OK);
	buffer_fini(&truth);
}

static void count_decision(const struct transfer_piece *pieces, size_t count)
{
	bool full = false;

	tally.octets = 0;
	for (size_t i = 0; i < count; i++) {
		tally.octets += pieces[i].octets.len;
		full |= pieces[i].kind == PIECE_REMOVE && pieces[i].octets.data[2] == PR_PPRID;
	}
	tally.nulls += !count;
	tally.fulls += full;
	tally.deltas += count && !full;
}

static void enforce(struct client *c, const struct session_event *event)
{
	const struct decision_origin origin = {event->decision, *link_binding(c->link)};
	struct transfer_piece pieces[64];
	struct cops_decision d;
	struct buffer report;
	struct view view;
	size_t count = 0, at = 0;
	enum err result;

	while (cops_next_decision(event->message, &at, &d)) {
		if (d.command == COPS_NULL_DECISION)
			continue;
		ck_assert_uint_lt(count, sizeof pieces / sizeof pieces[0]);
		pieces[count++] = (struct transfer_piece){
			d.command == COPS_REMOVE ? PIECE_REMOVE : PIECE_INSTALL, d.named};
	}
	count_decision(pieces, count);
	c->cut = c->mishap != NONE;
	if (c->mishap == DECISION_LOST)
		return;
	buffer_init(&report, BIG);
	result = enforcement_decide(c->node->enforcement, &origin, pieces, count, now,
		&report, &error);
	tally.refusals += result != E_OK;
	view = buffer_view(&report);
	if (c->mishap == NONE)
		ck_assert_int_eq(
			pep_session_report(c->session, event->decision,
				result ? COPS_FAILURE : COPS_SUCCESS, &view, view.len != 0),
			E_OK);
	buffer_fini(&report);
}

static void refused(struct view objects)
{
	struct buffer text;

	buffer_init(&text, BIG);
	pr_print(objects, "", &text);
	ck_abort_msg("the bundle is refused: %s", buffer_string(&text));
}

static void on_event(struct client *c, struct link *l, const struct session_event *event)
{
	struct cops_decision d;
	size_t at = 0;

	if (event->kind == SESSION_START_TLS)
		link_start_tls(l);
	if (event->kind == SESSION_OPENED)
		client_request(c);
	if (event->kind != SESSION_DECISION)
		return;
	if (c->node) {
		enforce(c, event);
		return;
	}
	ck_assert(cops_next_decision(event->message, &at, &d));
	if (d.command != COPS_NULL_DECISION)
		refused(d.named);
	c->answered = true;
	ck_assert_int_eq(
		pep_session_report(c->session, event->decision, COPS_SUCCESS, NULL, 0), E_OK);
}

static void on_drain(void *owner, struct link *l)
{
	struct client *c = owner;
	struct session_event event;

	while (!c->cut && session_next_event(c->session, &event))
		on_event(c, l, &event);
}

static bool on_authorize(void *owner, struct link *l, const struct pin *peer)
{
	(void)owner;
	(void)l;
	return pin_equal(peer, &pdp_pin);
}

static void on_connected(void *owner, struct link *l)
{
	struct client *c = owner;
	struct session_config config = session_config_default(SESSION_PEP);

	config.pepid = c->node ? "gw1" : "admin";
	config.random = no_random;
	c->session = session_new(SESSION_PEP, &config, link_now());
	ck_assert_int_eq(pep_session_open(c->session,
				 c->node ? COPS_CLIENT_PROVISIONING : COPS_CLIENT_PUBLISHING,
				 NULL, link_now()),
		E_OK);
	link_attach(l, &link_session, c->session);
}

static void on_ended(void *owner, const struct error *why)
{
	struct client *c = owner;

	(void)why;
	c->link = NULL;
	c->ended = true;
}

static const struct link_events client_events = {on_connected, on_authorize, on_drain, on_ended};

static void connect_client(struct client *c)
{
	const struct key *key = c->node ? tenant->node_keys[GW1] : tenant->publisher;

	ck_assert_msg(!net_new(loop, key, &c->net, &error), "%s", error.text);
	ck_assert_msg(!link_connect(loop, c->net, server_endpoint(server, 0), 1, NULL,
			      &client_events, c, &c->link, &error),
		"%s", error.text);
}

static void drop_client(struct client *c)
{
	if (!c->net)
		return;
	c->link = link_abort(c->link);
	session_free(c->session);
	net_free(c->net);
	c->net = NULL;
}

/* ---- The fixture ---- */

static void on_guard(struct ev_loop *l, struct ev_timer *w, int revents)
{
	(void)l;
	(void)w;
	(void)revents;
	ck_abort_msg("waited in vain");
}

#define UNTIL(condition)                                                                           \
	while (!(condition))                                                                       \
	ev_run(loop, EVRUN_ONCE)

static void start_server(void)
{
	const struct server_parts parts = {
		.loop = loop,
		.settings = &settings,
		.key = tenant->pdp,
		.trust = tenant->world->trust,
		.store = store,
	};

	ck_assert_msg(!server_new(&parts, &server, &error), "%s", error.text);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/db", directory);
	ck_assert_int_eq(store_open(path, &store, &error), E_OK);
	loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&guard, on_guard, GUARD_S, 0);
	ev_timer_start(loop, &guard);
	now = (uint64_t)time(NULL);
	tenant = tenant_new(now);
	give_meaning(tenant->world);
	publisher_pin = key_pin(tenant->publisher);
	pdp_pin = key_pin(tenant->pdp);
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &listen_at, &error), E_OK);
	settings = (struct pdp_settings){
		.name = strdup("pdp"),
		.tenant = strdup("acme"),
		.listen = {&listen_at, 1},
		.publishers = {&publisher_pin, 1},
		.keepalive = 30000,
		.secure_timeout = 15000,
		.report_timeout = 600000,
		.connections = 100,
		.unsecured = 100,
		.per_address = 100,
	};
	start_server();
	random_state = SEED;
	serial = 0;
	tally = (struct tally){0};
}

static void tear_down(void)
{
	server_free(server);
	store_close(store);
	tenant_free(tenant);
	free(settings.name);
	free(settings.tenant);
	ev_timer_stop(loop, &guard);
	ev_loop_destroy(loop);
	unlink(path);
	rmdir(directory);
}

static void publish(void)
{
	struct client c = {0};

	tenant_pack(tenant, ++serial);
	connect_client(&c);
	UNTIL(c.answered || c.ended);
	ck_assert(c.answered);
	drop_client(&c);
	ck_assert_uint_eq(server_serial(server), serial);
}

static bool in_force(void)
{
	json_t *all = server_describe_nodes(server), *one;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(all, "nodes"), i, one)
		found |= !strcmp(json_string_value(json_object_get(one, "node")), "gw1") &&
			 !strcmp(json_string_value(json_object_get(one, "standing")), "in force");
	json_decref(all);
	return found;
}

/* ---- What the node holds, and what it should ---- */

static void put_policy(struct view objects, struct buffer *out)
{
	static struct pri_failures failures;
	struct pri_store *rows;
	struct pri_row row;

	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&objects, 1, &rows, &failures, &error), "%s", error.text);
	for (struct pri_cursor c = pri_store_all(rows); pri_store_next(&c, &row);)
		if (row.prid.class->id != PIB_frwkPibIncarnation)
			buffer_put_view(out, row.objects);
	pri_store_free(rows);
}

static void check_holds_all(const struct node *n)
{
	struct publication *p = tenant_publication(tenant, NULL);
	struct buffer full, should, is;

	buffer_init(&full, BIG);
	buffer_init(&should, BIG);
	buffer_init(&is, BIG);
	ck_assert_int_eq(publication_put_node(p, publication_find_name(p, "gw1"), "pdp", &full,
				 &error),
		E_OK);
	put_policy(buffer_view(&full), &should);
	put_policy(VIEW(n->memory.current[STORED_STATE].data + BUNDLE_HEADER,
			   n->memory.current[STORED_STATE].len - BUNDLE_HEADER),
		&is);
	ck_assert(view_equal(buffer_view(&should), buffer_view(&is)));
	ck_assert_uint_eq(enforcement_serial(n->enforcement), serial);
	ck_assert(!enforcement_needs_repair(n->enforcement));
	buffer_fini(&full);
	buffer_fini(&should);
	buffer_fini(&is);
	publication_free(p);
}

/* A connection without mishaps brings it to the newest policy. */
static void settle(struct node *n, struct client *c)
{
	if (!c->net) {
		*c = (struct client){.node = n};
		connect_client(c);
	}
	UNTIL(in_force() || c->ended);
	ck_assert(!c->ended);
	check_holds_all(n);
}

/* ---- Changes ---- */

static uint32_t ports[SETS]; /* bit n: row n + 1 is there, of MORE_PORTS */

static void change_port(size_t set)
{
	uint32_t block = tenant->world->manifests[set].block, which = draw(MORE_PORTS);
	uint32_t port = 1000 * (which + 2) + draw(900);
	struct pri *pri;

	if (ports[set] >> which & 1 && draw(2)) {
		rows_drop(tenant->world->rows[set], PIB_ipSecL4Port, block + 10 + which);
		ports[set] &= ~(UINT32_C(1) << which);
		return;
	}
	pri = ports[set] >> which & 1 ? rows_get(tenant->world->rows[set], PIB_ipSecL4Port,
						block + 10 + which)
				      : rows_add(tenant->world->rows[set], PIB_ipSecL4Port,
						block + 10 + which);
	pri_set_u32(pri, ipSecL4PortPortMin, port);
	pri_set_u32(pri, ipSecL4PortPortMax, port);
	pri_set_u32(pri, ipSecL4PortGroupId, block + 9);
	ports[set] |= UINT32_C(1) << which;
}

static void change_name(size_t set)
{
	static const char *const names[] = {"one", "another", "a third"};

	pri_set_text(rows_get(tenant->world->rows[set], PIB_copsecRule,
			     tenant->world->manifests[set].block + 1 + draw(2)),
		copsecRuleName, names[draw(3)]);
}

static void change_roles(void)
{
	static const char *const roles[] = {"gateway", "host", "lan"};

	tenant->world->interfaces[GW1].roles = view_of_string(roles[draw(3)]);
}

static void change_policy(void)
{
	for (uint32_t n = draw(4); n; n--)
		change_port(draw(SETS));
	if (draw(3) == 0)
		change_name(draw(SETS));
	if (draw(6) == 0)
		change_roles();
}

/* ---- The tests ---- */

/* Waits until the mishap has come, or nothing is sent any more that could be lost. */
static void suffer(struct node *n, struct client *c, enum mishap mishap)
{
	drop_client(c);
	*c = (struct client){.node = n, .mishap = mishap};
	connect_client(c);
	UNTIL(c->cut);
	drop_client(c);
}

static void lie(struct node *n, struct client *c, const struct buffer *claim)
{
	drop_client(c);
	*c = (struct client){.node = n, .claim = buffer_view(claim)};
	connect_client(c);
}

static void claim_now(const struct node *n, struct buffer *claim)
{
	buffer_reset(claim);
	ck_assert_int_eq(enforcement_request(n->enforcement, 1, 0, claim, &error), E_OK);
}

static void copy(const struct buffer *from, struct buffer *to)
{
	buffer_reset(to);
	buffer_put_view(to, buffer_view(from));
}

struct disk {
	struct buffer files[STORED_KINDS];
};

/* An older disk is in it, floors and all. */
static void reboot(struct node *n, struct client *c, const struct disk *disk)
{
	drop_client(c);
	halt(n);
	for (size_t i = 0; i < STORED_KINDS; i++) {
		copy(&disk->files[i], &n->memory.current[i]);
		n->memory.has[i] = disk->files[i].len != 0;
	}
	boot(n);
}

static void take_disk(const struct node *n, struct disk *to)
{
	for (size_t i = 0; i < STORED_KINDS; i++)
		copy(&n->memory.current[i], &to->files[i]);
}

static void restart_server(struct client *c)
{
	drop_client(c);
	server = server_free(server);
	start_server();
}

START_TEST(the_node_ends_where_full_state_would_have_led_it)
{
	struct buffer claim, truth;
	struct disk disk;
	struct node *n = node_new();
	struct client c = {.node = n};

	for (size_t i = 0; i < STORED_KINDS; i++)
		buffer_init(&disk.files[i], BIG);
	buffer_init(&claim, BIG);
	buffer_init(&truth, BIG);
	publish();
	settle(n, &c);
	for (int i = 0; i < ROUNDS; i++) {
		unsigned refusals = tally.refusals;
		bool honest = true;

		if (draw(6) == 0) {
			take_disk(n, &disk);
			claim_now(n, &claim);
		}
		claim_now(n, &truth);
		if (draw(5) == 0)
			drop_client(&c);
		for (uint32_t k = 1 + (draw(3) ? 0 : draw(6)); k; k--) {
			change_policy();
			publish();
		}
		switch (draw(10)) {
		case 0:
			suffer(n, &c, DECISION_LOST);
			break;
		case 1:
			suffer(n, &c, REPORT_LOST);
			break;
		case 2:
			restart_server(&c);
			break;
		case 3:
			reboot(n, &c, &disk);
			break;
		case 4:
			lie(n, &c, &claim);
			honest = false;
			break;
		case 5:
			reboot(n, &c, &disk);
			lie(n, &c, &truth);
			honest = false;
			break;
		default:
			break;
		}
		settle(n, &c);
		if (honest)
			ck_assert_uint_eq(tally.refusals, refusals);
	}
	ck_assert_uint_gt(tally.deltas, ROUNDS / 2);
	ck_assert_uint_gt(tally.refusals, 2);
	ck_assert_uint_gt(tally.fulls, tally.refusals);
	drop_client(&c);
	node_free(n);
	for (size_t i = 0; i < STORED_KINDS; i++)
		buffer_fini(&disk.files[i]);
	buffer_fini(&claim);
	buffer_fini(&truth);
}
END_TEST

/* It claims what is in force, but its enforcer signs that it has something else. */
START_TEST(a_null_decision_for_a_liar_is_made_good)
{
	struct node *n = node_new(), *twin = node_new();
	struct client c = {.node = n}, other = {.node = twin};
	struct buffer claim;

	buffer_init(&claim, BIG);
	publish();
	settle(n, &c);
	drop_client(&c);
	change_port(LAN);
	publish();
	settle(twin, &other);
	drop_client(&other);
	claim_now(twin, &claim);
	tally = (struct tally){0};
	lie(n, &c, &claim);
	UNTIL(enforcement_serial(n->enforcement) == serial);
	settle(n, &c);
	ck_assert_uint_eq(tally.nulls, 1);
	ck_assert_uint_eq(tally.fulls, 1);
	drop_client(&c);
	node_free(n);
	node_free(twin);
	buffer_fini(&claim);
}
END_TEST

/* Nothing may change at the node, and one full state makes it good. */
START_TEST(a_delta_for_another_base_is_refused_and_full_state_follows)
{
	struct node *n = node_new(), *twin = node_new();
	struct client c = {.node = n}, other = {.node = twin};
	struct buffer claim;

	buffer_init(&claim, BIG);
	publish();
	settle(n, &c);
	drop_client(&c);
	change_port(LAN);
	publish();
	settle(twin, &other);
	drop_client(&other);
	claim_now(twin, &claim);
	change_port(GATEWAY);
	publish();
	tally = (struct tally){0};
	lie(n, &c, &claim);
	settle(n, &c);
	ck_assert_uint_eq(tally.deltas, 1);
	ck_assert_uint_eq(tally.refusals, 1);
	ck_assert_uint_eq(tally.fulls, 1);
	drop_client(&c);
	node_free(n);
	node_free(twin);
	buffer_fini(&claim);
}
END_TEST

/* The serial in force, but another root: no NULL and no delta can be right. */
START_TEST(a_claim_of_other_sets_counts_for_nothing)
{
	struct node *n = node_new();
	struct client c = {.node = n};
	struct buffer claim;
	uint8_t *root;

	buffer_init(&claim, BIG);
	publish();
	settle(n, &c);
	claim_now(n, &claim);
	root = memmem(claim.data, claim.len, tenant->world->manifests[LAN].root, SET_ROOT);
	ck_assert_ptr_nonnull(root);
	root[0] ^= 1;
	tally = (struct tally){0};
	lie(n, &c, &claim);
	UNTIL(tally.nulls || tally.deltas || tally.fulls);
	ck_assert_uint_eq(tally.fulls, 1);
	settle(n, &c);
	drop_client(&c);
	node_free(n);
	buffer_fini(&claim);
}
END_TEST

/* Bit n: key n. */
static void sign_with(unsigned keys)
{
	struct world *w = tenant->world;

	for (size_t i = 0; i < SETS; i++)
		w->set_documents[i].signers = keys;
	for (size_t i = 0; i < NODES; i++)
		w->assignment_documents[i].signers = keys;
	w->index_document.signers = keys;
}

START_TEST(signers_change_while_nodes_are_away_and_across_a_reboot)
{
	static uint8_t previous[SET_ROOT];
	struct world *w = tenant->world;
	struct node *n = node_new();
	struct client c = {.node = n};

	publish();
	settle(n, &c);
	/* The first list: keys 1 and 2, signed by 0 and 1 as everything was before. */
	w->trust_document.sent = true;
	w->trust_list.keys = w->trust_keys + 1;
	w->trust_list.key_count = 2;
	w->trust_list.not_before = 0;
	w->trust_list.not_after = UINT64_MAX;
	sign_with(2 | 4);
	tally = (struct tally){0};
	publish();
	settle(n, &c);
	ck_assert_uint_eq(tally.deltas, 1);
	drop_client(&c);
	/* The next one: 2 and 3, which the node was never set up with. */
	ck_assert_int_eq(sha256_of(buffer_view(&w->trust_content), previous), E_OK);
	w->trust_list.previous = VIEW(previous, sizeof previous);
	w->trust_list.keys = w->trust_keys + 2;
	w->trust_list.serial++;
	w->trust_document.signers = 2 | 4;
	sign_with(4 | 8);
	publish();
	settle(n, &c);
	drop_client(&c);
	/* What is on disk is believed by its own list. */
	halt(n);
	boot(n);
	ck_assert_uint_eq(enforcement_serial(n->enforcement), serial);
	change_port(LAN);
	publish();
	settle(n, &c);
	drop_client(&c);
	node_free(n);
}
END_TEST

START_TEST(a_set_of_its_own_takes_the_common_ones_place)
{
	struct world *w = tenant->world;
	struct node *n = node_new();
	struct client c = {.node = n};
	const struct manifest common = w->manifests[LAN];

	publish();
	settle(n, &c);
	w->manifests[LAN].node = VIEW(w->assignments[GW1].node_key, NODE_KEY);
	w->manifests[LAN].name = view_of_string("lan@gw1");
	change_port(LAN);
	tally = (struct tally){0};
	publish();
	settle(n, &c);
	ck_assert_uint_eq(tally.refusals, 0);
	w->manifests[LAN].node = common.node;
	w->manifests[LAN].name = common.name;
	change_port(LAN);
	publish();
	settle(n, &c);
	ck_assert_uint_eq(tally.refusals, 0);
	drop_client(&c);
	node_free(n);
}
END_TEST

/* What it holds is forgotten after some publications more. */
START_TEST(the_last_publications_are_kept_and_no_more)
{
	struct node *n = node_new();
	struct client c = {.node = n};

	publish();
	settle(n, &c);
	for (unsigned behind = 1; behind <= STORE_EARLIER_MAX + 1; behind++) {
		drop_client(&c);
		for (unsigned k = 0; k < behind; k++) {
			change_port(LAN);
			publish();
		}
		/* From memory, or from the store. */
		if (behind % 2)
			restart_server(&c);
		tally = (struct tally){0};
		settle(n, &c);
		ck_assert_uint_eq(tally.deltas, behind <= STORE_EARLIER_MAX);
		ck_assert_uint_eq(tally.fulls, behind > STORE_EARLIER_MAX);
		ck_assert_uint_eq(tally.refusals, 0);
	}
	drop_client(&c);
	node_free(n);
}
END_TEST

START_TEST(resend_is_full_state)
{
	struct node *n = node_new();
	struct client c = {.node = n};
	uint64_t reports;

	publish();
	settle(n, &c);
	tally = (struct tally){0};
	ck_assert_int_eq(server_resend(server, "gw1", &reports, &error), E_OK);
	UNTIL(tally.fulls);
	ck_assert_uint_eq(tally.deltas, 0);
	settle(n, &c);
	drop_client(&c);
	node_free(n);
}
END_TEST

/* What of a decision to gw1 is signatures and what goes with them. */
static size_t signed_octets(void)
{
	const struct world *w = tenant->world;

	return w->index_document.cms.len + w->assignment_documents[GW1].cms.len +
	       w->set_documents[GATEWAY].cms.len + w->set_documents[LAN].cms.len;
}

static void add_copy(struct rows *rows, enum pib_class_id class, uint32_t from, uint32_t to)
{
	struct pri *copy = rows_add(rows, class, to), *first = rows_get(rows, class, from);

	for (size_t i = 0; i < copy->class->attribute_count; i++)
		if (copy->class->attributes[i].role != PIB_INSTANCE)
			copy->values[i] = first->values[i];
}

START_TEST(one_rule_of_a_thousand_is_a_small_delta)
{
	struct rows *lan = tenant->world->rows[LAN];
	uint32_t block = tenant->world->manifests[LAN].block;
	struct node *n = node_new();
	struct client c = {.node = n};

	for (uint32_t i = 100; i < 100 + RULES; i++) {
		add_copy(lan, PIB_ipSecRule, block + 1, block + i);
		add_copy(lan, PIB_copsecRule, block + 1, block + i);
		pri_set_u32(rows_get(lan, PIB_ipSecRule, block + i), ipSecRuleOrder, i);
	}
	publish();
	settle(n, &c);
	ck_assert_uint_eq(tally.fulls, 1);
	ck_assert_uint_gt(tally.octets, 100 * RULES);

	tally = (struct tally){0};
	pri_set_text(rows_get(lan, PIB_copsecRule, block + 600), copsecRuleName, "changed");
	publish();
	settle(n, &c);
	ck_assert_uint_eq(tally.deltas, 1);
	ck_assert_uint_eq(tally.fulls, 0);
	ck_assert_uint_lt(tally.octets, signed_octets() + 512);
	ck_assert_uint_lt(signed_octets(), 4096);
	drop_client(&c);
	node_free(n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("delta");
	TCase *c = tcase_create("delta");

	tcase_set_timeout(c, GUARD_S + 10);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, the_node_ends_where_full_state_would_have_led_it);
	tcase_add_test(c, a_null_decision_for_a_liar_is_made_good);
	tcase_add_test(c, a_delta_for_another_base_is_refused_and_full_state_follows);
	tcase_add_test(c, signers_change_while_nodes_are_away_and_across_a_reboot);
	tcase_add_test(c, a_set_of_its_own_takes_the_common_ones_place);
	tcase_add_test(c, a_claim_of_other_sets_counts_for_nothing);
	tcase_add_test(c, the_last_publications_are_kept_and_no_more);
	tcase_add_test(c, resend_is_full_state);
	tcase_add_test(c, one_rule_of_a_thousand_is_a_small_delta);
	suite_add_tcase(s, c);
	return suite_main(s);
}
