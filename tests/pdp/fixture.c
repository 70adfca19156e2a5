/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pdp/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { GUARD_S = 30 };

static char directory[] = "/tmp/copsec-server-XXXXXX";
static char path[64];
struct ev_loop *loop;
static struct ev_timer guard;
bool guard_fired;
struct tenant *tenant;
static struct store *store;
struct pdp_settings settings;
static struct endpoint listen_at;
static struct pin publisher_pin, pdp_pin;
struct server *server;
unsigned changes;
struct error failure;

/* ---- A peer: node or publisher ---- */

static uint32_t no_random(void *user)
{
	(void)user;
	return 4;
}

/* The sets as the tenant has them now. */
static void put_sets(struct client *c, struct buffer *out)
{
	const struct assignment *a = &tenant->world->assignments[!strcmp(c->pepid, "alice")];

	for (size_t i = 0; i < SETS; i++) {
		const struct manifest *m = &tenant->world->manifests[i];
		struct pri pri;

		if (!assignment_demands(a, &tenant->world->index, m))
			continue;
		pri_init(&pri, PIB_copsecPolicySet, block_policy_set_instance(m->block));
		pri_set_octets(&pri, copsecPolicySetSigned, VIEW_NONE);
		pri_set_octets(&pri, copsecPolicySetName, m->name);
		pri_set_u64(&pri, copsecPolicySetSerial, m->serial);
		pri_set_octets(&pri, copsecPolicySetRoot, VIEW(m->root, sizeof m->root));
		ck_assert_msg(!pri_put(out, &pri, &failure), "%s", failure.text);
	}
}

static void put_claim(struct client *c, struct buffer *out)
{
	char serial[24];
	struct pri pri;

	if (!c->holds)
		return;
	snprintf(serial, sizeof serial, "%llu", (unsigned long long)c->holds);
	pri_init(&pri, PIB_frwkPibIncarnation, 1);
	pri_set_text(&pri, frwkPibIncarnationName, "pdp");
	pri_set_text(&pri, frwkPibIncarnationId, serial);
	for (unsigned n = frwkPibIncarnationLongevity; n <= frwkPibIncarnationFullState; n++)
		pri_set_null(&pri, n);
	ck_assert_msg(!pri_put(out, &pri, &failure), "%s", failure.text);
	put_sets(c, out);
}

void client_request(struct client *c)
{
	struct buffer claim;
	struct view named;

	buffer_init(&claim, BIG);
	put_claim(c, &claim);
	if (c->says)
		c->says(&claim);
	if (c->order)
		ck_assert_msg(
			!publishing_order_put(c->order, &claim, &failure), "%s", failure.text);
	if (c->client_type == COPS_CLIENT_PUBLISHING &&
		(!c->order || c->order->action <= PUBLISHING_TRY))
		buffer_put_view(&claim, buffer_view(&tenant->objects));
	named = buffer_view(&claim);
	ck_assert_int_eq(
		pep_session_request(c->session, c->client_type, &named, 1, link_now(), &c->handle),
		E_OK);
	buffer_fini(&claim);
}

static void client_update(struct client *c)
{
	struct buffer claim;
	struct view named;

	buffer_init(&claim, BIG);
	put_claim(c, &claim);
	named = buffer_view(&claim);
	ck_assert_int_eq(pep_session_update(c->session, c->handle, &named, 1, link_now()), E_OK);
	buffer_fini(&claim);
}

/* What the enforcer would do. */
static void take_state(struct client *c, struct view removes, struct view installs)
{
	struct pin key = key_pin(c->key);
	const struct state_node node = {&key, view_of_string(c->pepid)};
	const struct state_terms terms = {
		.trust = tenant->world->trust,
		.tenant = view_of_string("acme"),
		.now_utc = (uint64_t)time(NULL),
	};
	const struct pri_change change = {&removes, removes.len != 0, &installs, 1};
	static struct pri_failures failures;
	struct pri_store *rows = NULL;
	struct state *state = NULL;

	pri_failures_init(&failures);
	if (!c->rows)
		ck_assert_int_eq(pri_store_build(NULL, 0, &c->rows, &failures, &failure), E_OK);
	ck_assert_msg(!pri_store_change(c->rows, &change, &rows, &failures, &failure), "%s",
		failure.text);
	ck_assert_msg(!state_verify_node(rows, &terms, &node, &state, &failures, &failure), "%s",
		failure.text);
	c->serial = state->home.index.serial;
	c->sets = state->set_count;
	c->deltas += removes.len == 0 || removes.data[2] == PR_PRID;
	state_free(state);
	pri_store_free(c->rows);
	c->rows = rows;
}

static void take_refusal(struct client *c, struct view objects)
{
	struct cursor run = cursor_over(objects);
	struct pr_object prid_object, epd_object;
	struct pib_fault fault;
	struct prid prid;
	struct pri pri;

	buffer_reset(&c->refusal);
	while (cursor_left(&run)) {
		ck_assert_int_eq(pr_next(&run, &prid_object), E_OK);
		ck_assert_int_eq(pr_next(&run, &epd_object), E_OK);
		ck_assert_int_eq(prid_decode(prid_object.contents, &prid, &fault, &failure), E_OK);
		ck_assert_int_eq(
			epd_decode(&prid, epd_object.contents, &pri, &fault, &failure), E_OK);
		c->errors += prid.class->id == PIB_frwkError;
		if (prid.class->id == PIB_copsecFailure)
			buffer_put_view(&c->refusal, pri_octets(&pri, copsecFailureText));
	}
}

/* It begins with a frwkError. */
static bool is_refusal(const struct buffer *installs)
{
	struct cursor run = cursor_over(buffer_view(installs));
	struct pr_object object;
	struct pib_fault fault;
	struct prid prid;

	return !pr_next(&run, &object) && !prid_decode(object.contents, &prid, &fault, &failure) &&
	       prid.class->id == PIB_frwkError;
}

static void put_error_prid(struct buffer *out, const struct prid *prid)
{
	struct pr_object object;
	struct buffer name;
	struct cursor c;

	buffer_init(&name, 256);
	prid_put(&name, prid);
	c = cursor_over(buffer_view(&name));
	ck_assert(!pr_next(&c, &object));
	pr_put(out, PR_ERROR_PRID, object.contents);
	buffer_fini(&name);
}

void client_report(struct client *c, uint32_t decision)
{
	enum cops_report_type type = c->refuses ? COPS_FAILURE : COPS_SUCCESS;
	const struct report_origin origin = {decision, *link_binding(c->link)};
	struct buffer named;
	struct view view;

	buffer_init(&named, BIG);
	if (c->refuses)
		pr_put_error(&named, PR_GPERR, PR_GPERR_MALFORMED_DECISION, 0);
	else if (c->report_key && !c->unsigned_only)
		tenant_compliance(c->report_key, c->pepid, &origin,
			c->serial ? c->serial : c->holds, (uint64_t)time(NULL), &named);
	if (c->warns) {
		struct prid prid = {pib_class(PIB_ipSecRule), 7};

		put_error_prid(&named, &prid);
		pr_put_error(&named, PR_CPERR, PR_CPERR_PRI_INSTANCE_INVALID, 0);
	}
	view = buffer_view(&named);
	ck_assert_int_eq(
		pep_session_report(c->session, decision, type, &view, view.len != 0), E_OK);
	buffer_fini(&named);
}

static void on_decision(struct client *c, const struct session_event *event)
{
	struct buffer removes, installs;
	struct cops_decision d;
	size_t at = 0;

	buffer_init(&removes, BIG);
	buffer_init(&installs, BIG);
	while (cops_next_decision(event->message, &at, &d)) {
		c->nulls += d.command == COPS_NULL_DECISION;
		buffer_put_view(d.command == COPS_REMOVE ? &removes : &installs, d.named);
	}
	c->decisions++;
	if (installs.len && c->client_type == COPS_CLIENT_PROVISIONING && !is_refusal(&installs))
		take_state(c, buffer_view(&removes), buffer_view(&installs));
	else if (installs.len && c->hears && !is_refusal(&installs))
		c->hears(c->context, buffer_view(&installs));
	else if (installs.len)
		take_refusal(c, buffer_view(&installs));
	buffer_fini(&removes);
	buffer_fini(&installs);
	if (c->silent)
		c->unreported = event->decision;
	else
		client_report(c, event->decision);
}

static void on_drain(void *owner, struct link *l)
{
	struct client *c = owner;
	struct session_event event;

	while (session_next_event(c->session, &event)) {
		switch (event.kind) {
		case SESSION_START_TLS:
			link_start_tls(l);
			break;
		case SESSION_OPENED:
			c->opened = true;
			client_request(c);
			break;
		case SESSION_CLIENT_CLOSED:
			c->close_code = event.code;
			if (event.redirect)
				c->sent_to = cops_server(event.redirect);
			break;
		case SESSION_SYNCHRONIZE:
			c->synchronizations++;
			c->synchronized_state = event.state;
			client_update(c);
			ck_assert_int_eq(
				pep_session_synchronized(c->session, c->client_type, event.state),
				E_OK);
			break;
		case SESSION_DECISION:
			on_decision(c, &event);
			break;
		case SESSION_CLOSED:
			c->closed = true;
			c->why = event.error;
			break;
		default:
			break;
		}
	}
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

	config.pepid = c->pepid;
	config.random = no_random;
	c->session = session_new(SESSION_PEP, &config, link_now());
	ck_assert_ptr_nonnull(c->session);
	ck_assert_int_eq(pep_session_open(c->session, c->client_type, NULL, link_now()), E_OK);
	link_attach(l, &link_session, c->session);
}

static void on_ended(void *owner, const struct error *why)
{
	struct client *c = owner;

	c->link = NULL;
	c->ended = true;
	if (!c->closed)
		c->why = *why;
}

static const struct link_events client_events = {on_connected, on_authorize, on_drain, on_ended};

void connect_client(struct client *c)
{
	buffer_init(&c->refusal, BIG);
	ck_assert_msg(!net_new(loop, c->key, &c->net, &failure), "%s", failure.text);
	ck_assert_msg(!link_connect(loop, c->net, server_endpoint(server, 0), 1, NULL,
			      &client_events, c, &c->link, &failure),
		"%s", failure.text);
}

void drop_client(struct client *c)
{
	c->link = link_abort(c->link);
	session_free(c->session);
	net_free(c->net);
	pri_store_free(c->rows);
	buffer_fini(&c->refusal);
}

struct client node_client(size_t which)
{
	return (struct client){
		.pepid = tenant_nodes[which],
		.key = tenant->node_keys[which],
		.report_key = tenant->report_keys[which],
		.client_type = COPS_CLIENT_PROVISIONING,
	};
}

/* ---- The fixture ---- */

static void on_guard(struct ev_loop *l, struct ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	guard_fired = true;
	ev_break(l, EVBREAK_ALL);
}

static void on_changed(void *context)
{
	(void)context;
	changes++;
}

void start_server(void)
{
	const struct server_parts parts = {
		.loop = loop,
		.settings = &settings,
		.key = tenant->pdp,
		.trust = tenant->world->trust,
		.store = store,
		.changed = on_changed,
	};

	ck_assert_msg(!server_new(&parts, &server, &failure), "%s", failure.text);
}

void fixture_set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/db", directory);
	ck_assert_int_eq(store_open(path, &store, &failure), E_OK);
	loop = ev_loop_new(EVFLAG_AUTO);
	/* The guard keeps no loop running: server_stop() is tested by its end. */
	ev_timer_init(&guard, on_guard, GUARD_S, 0);
	ev_timer_start(loop, &guard);
	ev_unref(loop);
	tenant = tenant_new((uint64_t)time(NULL));
	publisher_pin = key_pin(tenant->publisher);
	pdp_pin = key_pin(tenant->pdp);
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &listen_at, &failure), E_OK);
	settings = (struct pdp_settings){
		.name = strdup("pdp"),
		.tenant = strdup("acme"),
		.listen = {&listen_at, 1},
		.publishers = {&publisher_pin, 1},
		.keepalive = 30000,
		.accounting = 1000,
		.secure_timeout = 15000,
		.report_timeout = 600000,
		.connections = 100,
		.unsecured = 100,
		.per_address = 100,
	};
	start_server();
}

void fixture_tear_down(void)
{
	server_free(server);
	store_close(store);
	tenant_free(tenant);
	free(settings.name);
	free(settings.tenant);
	ev_ref(loop);
	ev_timer_stop(loop, &guard);
	ev_loop_destroy(loop);
	unlink(path);
	rmdir(directory);
}

/* tenant->objects by a publisher that waits for the answer. */
bool publish_objects(void)
{
	struct client c = {
		.pepid = "admin",
		.key = tenant->publisher,
		.client_type = COPS_CLIENT_PUBLISHING,
	};
	bool accepted;

	connect_client(&c);
	UNTIL(c.decisions || c.ended);
	ck_assert_uint_eq(c.decisions, 1);
	accepted = c.nulls == 1;
	ck_assert_uint_eq(c.errors, !accepted);
	if (!accepted)
		snprintf(failure.text, sizeof failure.text, "%s", buffer_string(&c.refusal));
	drop_client(&c);
	return accepted;
}

void publish(uint64_t serial)
{
	tenant_pack(tenant, serial);
	ck_assert_msg(publish_objects(), "%s", failure.text);
	ck_assert_uint_eq(server_serial(server), serial);
}

/* ---- Control commands ---- */

enum err command(const char *name, json_t *request, json_t **ret_result)
{
	const struct control_command *c = pdp_control_commands;
	enum err result;

	while (c->name && strcmp(c->name, name) != 0)
		c++;
	ck_assert_msg(c->name != NULL, "no command %s", name);
	result = c->handle(server, request, ret_result, &failure);
	json_decref(request);
	return result;
}

const char *standing(const char *node)
{
	static char text[32];
	json_t *result = NULL, *one;
	size_t i;

	ck_assert_int_eq(command("nodes", json_object(), &result), E_OK);
	text[0] = '\0';
	json_array_foreach(json_object_get(result, "nodes"), i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "node")), node) == 0)
			snprintf(text, sizeof text, "%s",
				json_string_value(json_object_get(one, "standing")));
	}
	json_decref(result);
	return text;
}

bool converged(uint64_t serial)
{
	json_t *result = NULL;
	enum err code = command("wait", json_pack("{s:I}", "serial", (json_int_t)serial), &result);

	ck_assert(code == E_OK || code == E_AGAIN);
	json_decref(result);
	return code == E_OK;
}
