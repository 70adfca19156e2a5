/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/server.h"

#include <ev.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/link/link.h"
#include "pib/schema/pri.h"

enum {
	STATE_MAX = COPS_MESSAGE_LIMIT, /* octets of a node's full state */
	SERVED_PER_TURN = 64,           /* peers, before the loop looks at others again */
	PIECES_MAX = 2048,              /* Named ClientSIs of one message that are looked at */
};

#define MODULE "session"

struct peer {
	struct server *server;
	struct peer *next, **back; /* in server.peers */
	struct link *link;
	struct pdp_session *session;
	char *node;      /* PEPID, once it is open as a node */
	uint32_t state;  /* its request state, 0 if there is none */
	bool outdated;   /* has a state that does not know the newest policy */
};

struct server {
	struct server_parts parts;
	struct net *net;
	struct net_listener **listeners;
	size_t listener_count;
	struct pdp_session_config session_config;
	struct publication *publication; /* NULL: nothing is published */
	struct compliance_table *compliance;
	struct peer *peers;
	struct ev_idle serving; /* active while some peer is outdated */
};

static uint64_t now_utc(void)
{
	return (uint64_t)time(NULL);
}

static void changed(struct server *s)
{
	if (s->parts.changed)
		s->parts.changed(s->parts.context);
}

/* The node that this peer is under the policy in force: by its key, and as the one it opened as. */
static const struct publication_node *node_of(const struct peer *p)
{
	const struct publication_node *node;

	if (!p->server->publication || !p->node)
		return NULL;
	node = publication_find_key(p->server->publication, link_pin(p->link));
	return node && strcmp(node->name, p->node) == 0 ? node : NULL;
}

uint64_t server_serial(const struct server *s)
{
	return s->publication ? publication_serial(s->publication) : 0;
}

static enum err send_state(struct peer *p, struct error *error)
{
	const struct publication_node *node = node_of(p);
	struct pdp_transaction transaction = {.install_count = 1};
	struct view installs;
	uint32_t decision;
	struct buffer state;
	enum err result;

	if (!node)
		return error_set(error, E_NOT_FOUND, "%s is no node of the policy in force", p->node);
	buffer_init(&state, STATE_MAX);
	result = publication_put_node(
		p->server->publication, node, p->server->parts.settings->name, &state, error);
	if (!result) {
		installs = buffer_view(&state);
		transaction.installs = &installs;
		result = pdp_session_decide(p->session, p->state, &transaction, &decision);
		if (result)
			error_set(error, result, "decision for %s: %s", p->node, err_text(result));
	}
	buffer_fini(&state);
	if (!result)
		log_info(p->server->parts.log, MODULE, "policy sent", log_str("node", p->node),
			log_u64("serial", server_serial(p->server)));
	return result;
}

static void serve(struct peer *p)
{
	struct server *s = p->server;
	struct error error;
	enum err result;

	p->outdated = false;
	if (!node_of(p)) {
		log_notice(s->parts.log, MODULE, "node is not in the new policy: closed",
			log_str("node", p->node));
		pdp_session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_AUTH_FAILURE);
		return;
	}
	result = send_state(p, &error);
	if (result == E_LIMIT)
		p->outdated = true; /* it has not read what was sent before; again when it has */
	else if (result)
		log_error(s->parts.log, MODULE, "policy not sent", log_str("node", p->node),
			log_err(&error));
}

static void on_serving(struct ev_loop *loop, struct ev_idle *idle, int revents)
{
	struct server *s = idle->data;
	struct peer *next;
	unsigned served = 0;

	(void)revents;
	ev_idle_stop(loop, idle);
	for (struct peer *p = s->peers; p; p = next) {
		next = p->next;
		if (!p->outdated)
			continue;
		if (served++ == SERVED_PER_TURN) {
			ev_idle_start(loop, idle);
			break;
		}
		serve(p);
		link_pump(p->link);
	}
}

/* To every connected node, from the loop: the one who publishes is in the middle of a message. */
static void serve_all(struct server *s)
{
	for (struct peer *p = s->peers; p; p = p->next)
		p->outdated = p->state != 0;
	ev_idle_start(s->parts.loop, &s->serving);
}

/* The index serial that a REQ says is installed; 0 if it says none. */
static uint64_t claimed_serial(const struct cops_message *message)
{
	uint64_t serial = 0;
	size_t at = 0;
	struct view piece;

	while (cops_next_named(message, &at, &piece)) {
		struct cursor run = cursor_over(piece);
		struct pr_object object;
		struct prid prid = {0};
		struct pib_fault fault;
		struct error ignored;
		struct pri pri;

		while (cursor_left(&run) && !pr_next(&run, &object)) {
			struct view id;

			if (object.s_num == PR_PRID &&
				prid_decode(object.contents, &prid, &fault, &ignored))
				prid.class = NULL;
			if (object.s_num != PR_EPD || !prid.class ||
				prid.class->id != PIB_frwkPibIncarnation ||
				epd_decode(&prid, object.contents, &pri, &fault, &ignored))
				continue;
			id = pri_octets(&pri, frwkPibIncarnationId);
			serial = 0;
			for (size_t i = 0; i < id.len && i < 19; i++) {
				if (id.data[i] < '0' || id.data[i] > '9')
					return 0;
				serial = serial * 10 + (uint64_t)(id.data[i] - '0');
			}
		}
	}
	return serial;
}

static void on_node_request(struct peer *p, const struct pdp_event *event)
{
	struct server *s = p->server;
	uint64_t claimed = claimed_serial(event->message);
	struct error error;
	uint32_t decision;
	enum err result;

	p->state = event->state;
	p->outdated = false;
	if (s->publication && claimed == server_serial(s)) {
		result = pdp_session_decide_null(p->session, event->state, &decision);
		if (result)
			error_set(&error, result, "null decision: %s", err_text(result));
	} else {
		result = send_state(p, &error);
	}
	log_notice(s->parts.log, MODULE, "node asks for policy", log_str("node", p->node),
		log_u64("holds", claimed), log_u64("serial", server_serial(s)));
	if (result) {
		log_error(s->parts.log, MODULE, "request not answered", log_str("node", p->node),
			log_err(&error));
		pdp_session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE);
	}
	changed(s);
}

static size_t named_pieces(const struct cops_message *message, struct view pieces[PIECES_MAX])
{
	size_t at = 0, count = 0;

	while (count < PIECES_MAX && cops_next_named(message, &at, &pieces[count]))
		count++;
	return count;
}

static void on_report(struct peer *p, const struct pdp_event *event)
{
	const struct publication_node *node = node_of(p);
	struct log *log = p->server->parts.log;
	const struct store_report *report;
	struct view pieces[PIECES_MAX];
	struct error error;
	size_t count = named_pieces(event->message, pieces);

	if (!node || event->report == COPS_ACCOUNTING)
		return;
	if (compliance_report(p->server->compliance, node, event->report == COPS_SUCCESS, pieces,
		    count, now_utc(), &report, &error)) {
		log_warning(log, MODULE, "report not recorded", log_str("node", p->node),
			log_err(&error));
		return;
	}
	if (report->success)
		log_notice(log, MODULE, "policy in force", log_str("node", p->node),
			log_u64("serial", report->serial));
	else
		log_warning(log, MODULE, "node refused a decision", log_str("node", p->node),
			log_u64("serial", report->serial), log_str("why", report->text));
	changed(p->server);
}

static enum err take_bundle(struct server *s, const struct cops_message *message,
	const struct pin *publisher, struct error *error)
{
	struct store_publication stored;
	struct publication *publication = NULL;
	char pin[PIN_TEXT_SIZE];
	struct buffer objects;
	struct arena arena;
	struct view piece;
	size_t at = 0;
	enum err result;

	buffer_init(&objects, BUNDLE_MAX);
	arena_init(&arena, 4 * (size_t)BUNDLE_MAX);
	while (cops_next_named(message, &at, &piece))
		buffer_put_view(&objects, piece);
	result = publication_verify(buffer_view(&objects), s->parts.trust,
		s->parts.settings->tenant, s->publication, now_utc(), &publication, error);
	pin_format(publisher, pin);
	if (!result)
		result = publication_to_store(
			publication, pin, now_utc(), &arena, &stored, error);
	/* On disk before anybody is told that it is accepted. */
	if (!result)
		result = store_publish(s->parts.store, &stored, error);
	if (!result) {
		publication_free(s->publication);
		s->publication = publication;
		publication = NULL;
	}
	publication_free(publication);
	arena_fini(&arena);
	buffer_fini(&objects);
	return result;
}

/* frwkError, and the sentence as copsecFailure. */
static enum err answer_refusal(struct peer *p, uint32_t state, const struct error *why)
{
	struct pdp_transaction transaction = {.install_count = 1};
	struct view installs;
	struct error error;
	struct buffer out;
	uint32_t decision;
	struct pri pri;
	enum err result;

	buffer_init(&out, 4096);
	pri_init(&pri, PIB_frwkError, 1);
	pri_set_u32(&pri, frwkErrorCode, PR_CPERR_PRI_INSTANCE_INVALID);
	pri_set_u32(&pri, frwkErrorSubCode, 0);
	pri_set_row(&pri, frwkErrorPrc, PIB_copsecPolicySet);
	pri_set_u32(&pri, frwkErrorInstance, 0);
	result = pri_put(&out, &pri, &error);
	pri_init(&pri, PIB_copsecFailure, 1);
	pri_set_oid(&pri, copsecFailureInstance, &oid_none);
	pri_set_text(&pri, copsecFailureText, why->text);
	if (!result)
		result = pri_put(&out, &pri, &error);
	installs = buffer_view(&out);
	transaction.installs = &installs;
	if (!result)
		result = pdp_session_decide(p->session, state, &transaction, &decision);
	buffer_fini(&out);
	return result;
}

static void on_publish(struct peer *p, const struct pdp_event *event)
{
	struct server *s = p->server;
	const struct pin *publisher = link_pin(p->link);
	uint32_t decision;
	struct error why;

	if (take_bundle(s, event->message, publisher, &why)) {
		log_warning(s->parts.log, "publish", "bundle refused",
			log_pin("publisher", publisher), log_err(&why));
		if (answer_refusal(p, event->state, &why))
			pdp_session_close(
				p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE);
		return;
	}
	log_notice(s->parts.log, "publish", "policy published", log_pin("publisher", publisher),
		log_u64("serial", server_serial(s)),
		log_u64("nodes", publication_node_count(s->publication)));
	if (pdp_session_decide_null(p->session, event->state, &decision))
		pdp_session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE);
	serve_all(s);
	changed(s);
}

static bool may_publish(const struct server *s, const struct pin *key)
{
	return pin_list_has(&s->parts.settings->publishers, key);
}

static enum err open_node(struct peer *p, struct view pepid, struct error *error)
{
	const struct server *s = p->server;
	const struct publication_node *node = NULL;

	if (s->publication)
		node = publication_find_key(s->publication, link_pin(p->link));
	if (!node)
		return error_set(error, E_DENIED, "its key is no node's in the policy in force");
	if (!view_equal(pepid, view_of_string(node->name)))
		return error_set(error, E_MISMATCH, "its key is that of node %s", node->name);
	if (!p->node && !(p->node = strdup(node->name)))
		return error_set(error, E_MEMORY, "out of memory");
	return E_OK;
}

static void on_opening(struct peer *p, const struct pdp_event *event)
{
	enum cops_error_code answer = COPS_ERROR_AUTH_FAILURE;
	enum err result = E_OK;
	struct error why;

	if (event->client_type == COPS_CLIENT_PROVISIONING) {
		result = open_node(p, event->pepid, &why);
	} else if (event->client_type == COPS_CLIENT_PUBLISHING) {
		if (!may_publish(p->server, link_pin(p->link)))
			result = error_set(&why, E_DENIED, "its key may not publish");
	} else {
		answer = COPS_ERROR_UNSUPPORTED_CLIENT_TYPE;
		result = error_set(&why, E_UNSUPPORTED, "client-type 0x%04x", event->client_type);
	}
	if (!result) {
		result = pdp_session_accept(p->session, event->client_type);
		if (result)
			log_warning(p->server->parts.log, MODULE, "not accepted",
				log_view("pepid", event->pepid), log_str("why", err_text(result)));
		return;
	}
	log_warning(p->server->parts.log, MODULE, "peer refused", log_view("pepid", event->pepid),
		log_endpoint("peer", link_peer(p->link)), log_pin("key", link_pin(p->link)),
		log_err(&why));
	result = pdp_session_refuse(p->session, event->client_type, answer, 0);
	if (result)
		pdp_session_close(p->session, COPS_CLIENT_CONNECTION, answer);
}

static void on_event(struct peer *p, const struct pdp_event *event)
{
	struct log *log = p->server->parts.log;

	switch (event->kind) {
	case PDP_START_TLS:
		link_start_tls(p->link);
		return;
	case PDP_OPENING:
		on_opening(p, event);
		return;
	case PDP_REQUEST:
		if (event->client_type == COPS_CLIENT_PUBLISHING)
			on_publish(p, event);
		else
			on_node_request(p, event);
		return;
	case PDP_REPORT:
		if (event->client_type == COPS_CLIENT_PROVISIONING)
			on_report(p, event);
		return;
	case PDP_DELETED:
		if (event->state == p->state)
			p->state = 0;
		return;
	case PDP_CLIENT_CLOSED:
		if (event->client_type == COPS_CLIENT_PROVISIONING)
			p->state = 0;
		log_info(log, MODULE, "client-type closed", log_endpoint("peer", link_peer(p->link)),
			log_hex("client-type", event->client_type),
			log_str("code", cops_error_name(event->code)), log_err(&event->error));
		return;
	case PDP_REFUSED:
		log_warning(log, MODULE, "malformed request refused",
			log_endpoint("peer", link_peer(p->link)), log_err(&event->error));
		return;
	case PDP_ODD:
		log_info(log, MODULE, "tolerated", log_endpoint("peer", link_peer(p->link)),
			log_str("what", session_oddity_text(event->odd)));
		return;
	case PDP_SYNCHRONIZED:
	case PDP_CLOSED:
		return;
	}
}

static void on_drain(void *owner, struct link *l)
{
	struct peer *p = owner;
	struct pdp_event event;

	(void)l;
	while (pdp_session_next_event(p->session, &event))
		on_event(p, &event);
	if (p->outdated)
		ev_idle_start(p->server->parts.loop, &p->server->serving);
}

static bool on_authorize(void *owner, struct link *l, const struct pin *key)
{
	struct peer *p = owner;
	const struct server *s = p->server;

	if (may_publish(s, key) || (s->publication && publication_find_key(s->publication, key)))
		return true;
	log_warning(s->parts.log, MODULE, "peer with an unknown key refused",
		log_endpoint("peer", link_peer(l)), log_pin("key", key));
	return false;
}

static void peer_free(struct peer *p)
{
	if (p->next)
		p->next->back = p->back;
	*p->back = p->next;
	pdp_session_free(p->session);
	free(p->node);
	free(p);
}

static void on_ended(void *owner, const struct error *why)
{
	struct peer *p = owner;
	struct server *s = p->server;

	if (p->node)
		log_notice(s->parts.log, MODULE, "node disconnected", log_str("node", p->node),
			log_err(why));
	peer_free(p);
	changed(s);
}

static const struct link_events link_events = {
	.authorize = on_authorize,
	.drain = on_drain,
	.ended = on_ended,
};

static void on_accepted(void *owner, struct net_listener *l, struct net_connection *connection)
{
	struct server *s = owner;
	struct peer *p = calloc(1, sizeof *p);
	struct error error;

	(void)l;
	if (p)
		p->session = pdp_session_new(&s->session_config, link_now());
	if (!p || !p->session ||
		link_accept(s->parts.loop, connection, &link_events, p, &p->link, &error)) {
		log_error(s->parts.log, MODULE, "no memory for a connection: dropped");
		net_connection_abort(connection);
		if (p)
			pdp_session_free(p->session);
		free(p);
		return;
	}
	p->server = s;
	p->next = s->peers;
	p->back = &s->peers;
	if (p->next)
		p->next->back = &p->next;
	s->peers = p;
	link_attach(p->link, &link_session_pdp, p->session);
	link_pump(p->link);
}

static void on_refused(void *owner, struct net_listener *l, const struct endpoint *peer,
	const struct error *why)
{
	struct server *s = owner;

	(void)l;
	if (peer)
		log_warning(s->parts.log, MODULE, "connection refused", log_endpoint("peer", peer),
			log_err(why));
	else
		log_warning(s->parts.log, MODULE, "connection refused", log_err(why));
}

static const struct net_listener_events listener_events = {on_accepted, on_refused};

static enum err load_publication(struct server *s, struct error *error)
{
	struct store_publication stored;
	struct arena arena;
	enum err result;

	arena_init(&arena, 4 * (size_t)BUNDLE_MAX);
	result = store_load(s->parts.store, &arena, &stored, error);
	if (!result && stored.serial)
		result = publication_of_store(&stored, &s->publication, error);
	arena_fini(&arena);
	return result;
}

static enum err listen_all(struct server *s, struct error *error)
{
	const struct pdp_settings *settings = s->parts.settings;
	const struct net_listener_limits listener_limits = {
		.connections = settings->connections,
		.unsecured = settings->unsecured,
		.per_address = settings->per_address,
	};
	struct net_limits limits = net_limits_default;
	enum err result = E_OK;

	limits.secure_ms = settings->secure_timeout;
	s->listeners = calloc(settings->listen.count, sizeof(struct net_listener *));
	if (!s->listeners)
		return error_set(error, E_MEMORY, "server: out of memory");
	for (size_t i = 0; !result && i < settings->listen.count; i++) {
		result = net_listen(s->net, &settings->listen.items[i], &listener_limits, &limits,
			&listener_events, s, &s->listeners[i], error);
		if (!result) {
			s->listener_count++;
			log_notice(s->parts.log, MODULE, "listening",
				log_endpoint("at", net_listener_endpoint(s->listeners[i])));
		}
	}
	return result;
}

enum err server_new(const struct server_parts *parts, struct server **ret_server,
	struct error *error)
{
	struct server *s = calloc(1, sizeof *s);
	enum err result;

	if (!s)
		return error_set(error, E_MEMORY, "server: out of memory");
	s->parts = *parts;
	s->session_config = pdp_session_config_default();
	s->session_config.ka_seconds = (uint16_t)(parts->settings->keepalive / 1000);
	ev_idle_init(&s->serving, on_serving);
	s->serving.data = s;

	result = compliance_table_new(parts->store, &s->compliance, error);
	if (!result)
		result = load_publication(s, error);
	if (!result)
		result = net_new(parts->loop, parts->key, &s->net, error);
	if (!result)
		result = listen_all(s, error);
	if (result)
		server_free(s);
	else
		*ret_server = s;
	return result;
}

void server_stop(struct server *s)
{
	struct peer *next;

	for (size_t i = 0; i < s->listener_count; i++)
		net_listener_free(s->listeners[i]);
	s->listener_count = 0;
	ev_idle_stop(s->parts.loop, &s->serving);
	for (struct peer *p = s->peers; p; p = next) {
		next = p->next;
		pdp_session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
		link_pump(p->link);
	}
}

struct server *server_free(struct server *s)
{
	if (!s)
		return NULL;
	ev_idle_stop(s->parts.loop, &s->serving);
	while (s->peers) {
		link_abort(s->peers->link);
		peer_free(s->peers);
	}
	for (size_t i = 0; i < s->listener_count; i++)
		net_listener_free(s->listeners[i]);
	net_free(s->net);
	free(s->listeners);
	publication_free(s->publication);
	compliance_table_free(s->compliance);
	free(s);
	return NULL;
}

static const struct peer *connected_as(const struct server *s, const char *node)
{
	for (const struct peer *p = s->peers; p; p = p->next)
		if (p->node && strcmp(p->node, node) == 0)
			return p;
	return NULL;
}

enum err server_resend(
	struct server *s, const char *node, uint64_t *ret_reports, struct error *error)
{
	for (struct peer *p = s->peers; p; p = p->next) {
		if (!p->node || strcmp(p->node, node) != 0 || !p->state)
			continue;
		p->outdated = true;
		ev_idle_start(s->parts.loop, &s->serving);
		*ret_reports = compliance_count(s->compliance, node);
		return E_OK;
	}
	return error_set(error, E_NOT_FOUND, "node %s is not connected", node);
}

static const char *standing(const struct server *s, const struct peer *peer,
	const struct store_report *report)
{
	if (!report)
		return peer ? "connected" : "never seen";
	if (!report->success)
		return "failed";
	if (report->serial != server_serial(s))
		return "behind";
	return peer ? "in force" : "away";
}

static json_t *describe_node(const struct server *s, const struct publication_node *node)
{
	const struct store_report *report = compliance_find(s->compliance, node->name);
	const struct peer *peer = connected_as(s, node->name);
	char address[ENDPOINT_TEXT_SIZE] = "";

	if (peer)
		endpoint_format(link_peer(peer->link), address);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "node", node->name, "standing",
		standing(s, peer, report), "address", address, "serial",
		(json_int_t)(report ? report->serial : 0), "since",
		(json_int_t)(report ? report->since : 0), "reported",
		(json_int_t)(report ? report->time : 0), "reason", report ? report->text : "");
}

json_t *server_describe_nodes(const struct server *s)
{
	json_t *nodes = json_array();

	for (size_t i = 0; s->publication && i < publication_node_count(s->publication); i++)
		json_array_append_new(
			nodes, describe_node(s, publication_node(s->publication, i)));
	return json_pack("{s:I, s:o}", "serial", (json_int_t)server_serial(s), "nodes", nodes);
}

json_t *server_describe_policy(const struct server *s)
{
	json_t *sets = json_array();

	if (s->publication) {
		const struct set_index *index = publication_index(s->publication);

		for (size_t i = 0; i < index->entry_count; i++) {
			char root[2 * SET_ROOT + 1];

			hex_encode(root, VIEW(index->entries[i].root, SET_ROOT));
			json_array_append_new(sets,
				json_pack("{s:s%, s:I, s:s}", "set",
					(const char *)index->entries[i].name.data,
					index->entries[i].name.len, "serial",
					(json_int_t)index->entries[i].serial, "root", root));
		}
	}
	return json_pack("{s:I, s:o}", "serial", (json_int_t)server_serial(s), "sets", sets);
}

enum err server_outcome(const struct server *s, const char *node, uint64_t reports,
	json_t **ret_node, struct error *error)
{
	for (size_t i = 0; s->publication && i < publication_node_count(s->publication); i++) {
		const struct publication_node *known = publication_node(s->publication, i);

		if (strcmp(known->name, node) != 0)
			continue;
		if (compliance_count(s->compliance, node) <= reports)
			return error_set(error, E_AGAIN, "node %s has not answered", node);
		*ret_node = describe_node(s, known);
		return E_OK;
	}
	return error_set(error, E_NOT_FOUND, "the policy has no node %s", node);
}

bool server_converged(const struct server *s)
{
	if (!s->publication)
		return false;
	for (size_t i = 0; i < publication_node_count(s->publication); i++) {
		const char *name = publication_node(s->publication, i)->name;
		const struct store_report *report = compliance_find(s->compliance, name);

		if (!connected_as(s, name) || !report || !report->success ||
			report->serial != server_serial(s))
			return false;
	}
	return true;
}
