/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#include <stdlib.h>
#include <string.h>

#include "pdp/decision/claim.h"

#define MODULE "session"

static struct log *log_of(const struct peer *p)
{
	return p->server->parts.log;
}

/* ---- The end ---- */

/* No longer a node: what was said of its state holds no more. */
static void leave(struct peer *p)
{
	const struct publication_node *node = peer_node(p);

	if (node && server_seat(p->server, node)->peer == p)
		server_seat(p->server, node)->peer = NULL;
	free(p->node);
	p->node = NULL;
	p->state = p->asked = p->awaited = 0;
	p->request = pri_store_free(p->request);
	free(p->traffic);
	p->traffic = NULL;
	p->outdated = p->late = false;
	p->holds = p->expected = 0;
}

/* Once a connection: what follows of it is no other reason. */
static void refuse(struct peer *p, const struct pin *key, struct refusals *which, enum err why)
{
	const struct offence_limit limit = server_offence_limit(p->server);

	if (p->counted || why == E_CLOSED)
		return;
	refusals_count(which, why);
	p->counted = true;
	/* A connection that is cut says nothing of its peer: wires break and processes die. */
	if (err_category(why) == ERR_CAT_PEER && why != E_TRUNCATED &&
		offenders_note(&p->server->offenders, &limit, &p->address, key, link_now()))
		log_warning(log_of(p), MODULE, "peer was refused too often: it has to wait",
			log_endpoint("peer", &p->address),
			log_u64("seconds", limit.window / 1000));
}

static void tell_end(struct peer *p, const struct error *why)
{
	if (p->told)
		return;
	p->told = true;
	refuse(p, p->key_shown ? &p->key : NULL, &p->server->refused.connections, why->code);
	if (p->node)
		log_notice(log_of(p), MODULE, "node disconnected", log_str("node", p->node),
			log_err(why));
	else if (err_category(why->code) == ERR_CAT_PEER && why->code != E_TRUNCATED)
		log_warning(log_of(p), MODULE, "peer refused",
			log_endpoint("peer", &p->address), log_err(why));
	else
		log_info(log_of(p), MODULE, "peer disconnected",
			log_endpoint("peer", &p->address), log_err(why));
}

/* Says Client-Close; the link ends when that has gone out. */
static void close_session(struct peer *p, enum cops_error_code code)
{
	session_close(p->session, COPS_CLIENT_CONNECTION, code);
}

/* ---- What a node is sent ---- */

/* What it is to hold of other authorities. */
static uint64_t node_guests(const struct peer *p)
{
	const struct publication_node *node = peer_node(p);

	return node ? guests_version(&p->server->guests,
			      server_edition(p->server, node)->publication, node)
		    : 0;
}

/* A delta if we know what it holds and have that still; otherwise full state. */
static enum err make_update(
	struct peer *p, struct update *update, bool *ret_delta, struct error *error)
{
	const struct publication_node *node = peer_node(p);
	struct edition *e = server_edition(p->server, node);
	const char *name = p->server->parts.settings->name;

	/* Home's news if there are some, and those of others if there are some. */
	if (p->holds == publication_serial(e->publication))
		*ret_delta = !publication_put_head(e->publication, node, name, e->publication,
			&update->installs, error);
	else
		*ret_delta = p->holds && !history_update(&e->history, update, p->holds,
						 e->publication, node, name, error);
	*ret_delta = *ret_delta &&
		     !guests_update(&p->server->guests, e->publication, node, p->guests, update,
			     error);
	if (*ret_delta)
		return E_OK;
	update_reset(update);
	return update_full(
		update, e->publication, &p->server->guests, node, name, error);
}

static enum err send_policy(struct peer *p, uint32_t state, struct error *error)
{
	const uint64_t serial = server_node_serial(p->server, peer_node(p));
	struct pdp_transaction transaction = {.remove_count = 1, .install_count = 1};
	struct view removes, installs;
	struct update update;
	bool delta = false;
	enum err result;

	update_init(&update);
	result = make_update(p, &update, &delta, error);
	if (!result) {
		removes = buffer_view(&update.removes);
		installs = buffer_view(&update.installs);
		transaction.removes = &removes;
		transaction.remove_count = removes.len != 0;
		transaction.installs = &installs;
		result = pdp_session_decide(p->session, state, &transaction, &p->awaited);
		p->awaited_since = link_now();
		if (result)
			error_set(error, result, "decision: %s", err_text(result));
	}
	p->expected = delta ? serial : 0;
	p->expected_guests = node_guests(p);
	if (!result)
		log_info(log_of(p), MODULE, "policy sent", log_str("node", p->node),
			log_str("as", delta ? "delta" : "full state"),
			log_u64("holds", p->holds), log_u64("serial", serial),
			log_u64("octets", update.removes.len + update.installs.len));
	update_fini(&update);
	return result;
}

void peer_watch(struct peer *p, uint64_t now)
{
	uint64_t timeout = p->server->parts.settings->report_timeout;

	if (!p->node || !p->awaited || p->late || now - p->awaited_since < timeout)
		return;
	p->late = true;
	log_warning(log_of(p), MODULE, "node does not report", log_str("node", p->node),
		log_u64("decision", p->awaited), log_u64("seconds", timeout / 1000));
	server_changed(p->server);
}

static enum err answer_request(struct peer *p, struct error *error)
{
	enum err result;

	if (p->holds != server_node_serial(p->server, peer_node(p)) ||
		p->guests != node_guests(p))
		return send_policy(p, p->asked, error);
	p->expected = p->holds;
	p->expected_guests = p->guests;
	result = pdp_session_decide_null(p->session, p->asked, &p->awaited);
	p->awaited_since = link_now();
	if (result)
		error_set(error, result, "null decision: %s", err_text(result));
	return result;
}

/*
 * Sends the node what it is to get, if it is its turn: a request is answered as soon as there is
 * room, other decisions wait for the report of the one before. Room and reports come with a call
 * of on_drain(). True if anything was done.
 */
static bool serve(struct peer *p)
{
	struct error error;
	enum err result;

	if (!p->node || session_is_closed(p->session) || (!p->asked && !p->outdated))
		return false;
	if (!peer_node(p)) {
		log_notice(log_of(p), MODULE, "node is not in the new policy: closed",
			log_str("node", p->node));
		close_session(p, COPS_ERROR_AUTH_FAILURE);
		return true;
	}
	if (session_congested(p->session))
		return false;
	if (p->asked)
		result = answer_request(p, &error);
	else if (p->state && !p->awaited)
		result = send_policy(p, p->state, &error);
	else
		return false;
	p->asked = 0;
	p->outdated = false;
	if (result) {
		/* It asks again when it is back. */
		log_error(log_of(p), MODULE, "policy not sent: closed", log_str("node", p->node),
			log_err(&error));
		close_session(p, COPS_ERROR_UNABLE);
	}
	return true;
}

/* ---- What a node says ---- */

/* The serial of the publication that a REQ says is installed, all of it; 0 if we have none such. */
static uint64_t held_serial(const struct peer *p)
{
	uint64_t serial = claim_serial(p->request);
	const struct publication_node *node = peer_node(p);
	const struct edition *e = node ? server_edition(p->server, node) : NULL;
	const struct publication *claimed;

	if (!e)
		return 0;
	claimed = publication_serial(e->publication) == serial
			  ? e->publication
			  : history_find(&e->history, serial);
	node = claimed ? publication_find_name(claimed, p->node) : NULL;
	return node && claim_meets(p->request, claimed, node) ? serial : 0;
}

/* Only what is there now is known again. */
static bool claims_guests(const struct peer *p)
{
	const struct publication_node *node = peer_node(p);

	return node && guests_met(&p->server->guests,
			       server_edition(p->server, node)->publication, node, p->request);
}

static void on_node_request(struct peer *p, const struct session_event *event)
{
	bool same_claim = false;
	struct error why;
	enum err refused;

	if (p->asked) {
		log_warning(log_of(p), MODULE, "node asks again before it is answered: closed",
			log_str("node", p->node));
		close_session(p, COPS_ERROR_UNABLE);
		return;
	}
	/* PRIs belong to their request state alone. */
	if (event->state != p->state)
		p->request = pri_store_free(p->request);
	p->state = event->state;
	refused = request_take(p, event->state, event->message, &same_claim, &why);
	if (refused) {
		log_warning(log_of(p), MODULE, "request refused", log_str("node", p->node),
			log_err(&why));
		if (refused == E_CLOSED)
			close_session(p, COPS_ERROR_UNABLE);
		return;
	}
	p->asked = event->state;
	if (!same_claim) {
		p->guests = node_guests(p);
		p->holds = claims_guests(p) ? held_serial(p) : 0;
	}
	log_notice(log_of(p), MODULE, "node asks for policy", log_str("node", p->node),
		log_u64("claims", claim_serial(p->request)), log_u64("holds", p->holds),
		log_u64("serial", peer_node(p) ? server_node_serial(p->server, peer_node(p)) : 0));
	server_changed(p->server);
}

/* NULL if it proves nothing. */
static const struct store_report *record_report(
	struct peer *p, const struct publication_node *node, const struct session_event *event)
{
	const struct report_origin origin = {event->decision, *link_binding(p->link)};
	const struct store_report *report;
	struct error error;

	if (compliance_report(p->server->compliance, node, event->message, &origin,
		    server_utc(), &report, &error)) {
		refusals_count(&p->server->refused.reports, error.code);
		log_warning(log_of(p), MODULE, "report not recorded", log_str("node", p->node),
			log_err(&error));
		return NULL;
	}
	server_seat(p->server, node)->report = report;
	if (report->success)
		log_notice(log_of(p), MODULE, "policy in force", log_str("node", p->node),
			log_u64("serial", report->serial), log_str("warnings", report->text));
	else
		log_warning(log_of(p), MODULE, "node refused a decision", log_str("node", p->node),
			log_u64("serial", report->serial), log_str("why", report->text));
	server_reported(p->server);
	return report;
}

/* Kept as it is while the node is connected; nobody vouches for it, and nothing follows from it. */
static void take_accounting(struct peer *p, const struct session_event *event)
{
	struct traffic *traffic = calloc(1, sizeof *traffic), *shorter;
	struct error error;
	struct view run;
	enum err result = traffic ? E_OK : error_set(&error, E_MEMORY, "out of memory");

	for (size_t at = 0; !result && cops_next_named(event->message, &at, &run);)
		result = traffic_read(traffic, run, &error);
	if (result) {
		refusals_count(&p->server->refused.reports, result);
		log_warning(log_of(p), MODULE, "accounting report not taken",
			log_str("node", p->node), log_err(&error));
		free(traffic);
		return;
	}
	log_debug(log_of(p), MODULE, "accounting report", log_str("node", p->node),
		log_u64("rows", traffic->count));
	shorter = realloc(traffic, offsetof(struct traffic, rows) + traffic->count * sizeof traffic->rows[0]);
	free(p->traffic);
	p->traffic = shorter ? shorter : traffic;
	p->traffic_time = server_utc();
}

static void on_report(struct peer *p, const struct session_event *event)
{
	const struct publication_node *node = peer_node(p);
	const struct store_report *report;

	if (node && event->report == COPS_ACCOUNTING)
		take_accounting(p, event);
	if (!node || event->report == COPS_ACCOUNTING)
		return;
	report = record_report(p, node, event);
	p->holds = report && report->success ? report->serial : 0;
	p->guests = report ? report->guests : 0;
	/* A peer that does not flag its answers has answered all the same. */
	if (!event->decision || event->decision >= p->awaited) {
		/* It held something else than we thought: it gets everything, once. */
		if (p->expected && (event->report == COPS_FAILURE ||
					   (p->holds && (p->holds != p->expected ||
								p->guests != p->expected_guests)))) {
			p->outdated = true;
			p->holds = 0;
		}
		p->awaited = 0;
		p->expected = 0;
		p->late = false;
	}
	server_changed(p->server);
}

/* The node is here; a connection that it had before is dead, whether we know it yet or not. */
static void take_seat(struct peer *p, const struct publication_node *node)
{
	struct seat *seat = server_seat(p->server, node);
	struct peer *before = seat->peer;

	seat->peer = p;
	if (!before || before == p)
		return;
	log_notice(log_of(p), MODULE, "node connects again: its old connection is closed",
		log_str("node", node->name), log_endpoint("old", &before->address),
		log_endpoint("new", &p->address));
	before->told = true;
	leave(before);
	close_session(before, COPS_ERROR_COMMUNICATION);
	link_pump(before->link);
}

static enum err open_node(
	struct peer *p, const struct session_event *opening, struct error *error)
{
	const struct publication_node *node;

	if (peer_identify(p, opening, &node, error))
		return error->code;
	if (!p->node && !(p->node = strdup(node->name)))
		return error_set(error, E_MEMORY, "out of memory");
	take_seat(p, node);
	return E_OK;
}

static void redirect_node(struct peer *p, const struct session_event *event)
{
	log_info(log_of(p), MODULE, "node sent to another PDP", log_view("pepid", event->pepid),
		log_endpoint("to", &p->server->redirect));
	if (pdp_session_redirect(p->session, event->client_type, &p->server->redirect))
		close_session(p, COPS_ERROR_SHUTTING_DOWN);
}

static void on_opening(struct peer *p, const struct session_event *event)
{
	enum cops_error_code answer = COPS_ERROR_AUTH_FAILURE;
	enum err result = E_OK;
	struct error why;

	if (link_pin(p->link)) {
		p->key = *link_pin(p->link);
		p->key_shown = true;
	}
	if (event->client_type == COPS_CLIENT_PROVISIONING && p->server->redirecting) {
		redirect_node(p, event);
		return;
	}
	if (event->client_type == COPS_CLIENT_PROVISIONING) {
		result = open_node(p, event, &why);
	} else if (event->client_type == COPS_CLIENT_PUBLISHING) {
		if (!link_pin(p->link) || !may_publish(p->server, &p->key))
			result = error_set(&why, E_DENIED, "its key may not publish");
	} else {
		answer = COPS_ERROR_UNSUPPORTED_CLIENT_TYPE;
		result = error_set(&why, E_UNSUPPORTED, "client-type 0x%04x", event->client_type);
	}
	if (!result) {
		result = pdp_session_accept(p->session, event->client_type);
		if (!result) {
			link_stay_plain(p->link);
			server_changed(p->server);
			return;
		}
		answer = COPS_ERROR_UNABLE;
		error_set(&why, result, "the answer cannot be sent: %s", err_text(result));
	}
	refuse(p, &p->key, &p->server->refused.peers, why.code);
	log_warning(log_of(p), MODULE, "peer refused", log_view("pepid", event->pepid),
		log_endpoint("peer", &p->address), log_pin("key", &p->key),
		log_err(&why));
	if (pdp_session_refuse(p->session, event->client_type, answer, 0))
		close_session(p, answer);
	if (event->client_type == COPS_CLIENT_PROVISIONING)
		leave(p);
}

static void on_client_closed(struct peer *p, const struct session_event *event)
{
	if (event->code != COPS_ERROR_SHUTTING_DOWN)
		refuse(p, &p->key, &p->server->refused.messages, event->error.code);
	if (event->code != COPS_ERROR_SHUTTING_DOWN)
		log_warning(log_of(p), MODULE, "client-type closed in disorder",
			log_endpoint("peer", &p->address),
			log_hex("client-type", event->client_type),
			log_str("error", cops_error_name(event->code)), log_err(&event->error));
	else
		log_info(log_of(p), MODULE, "client-type closed",
			log_endpoint("peer", &p->address),
			log_hex("client-type", event->client_type),
			log_str("code", cops_error_name(event->code)), log_err(&event->error));
	if (event->client_type != COPS_CLIENT_PROVISIONING) {
		follow_end(p);
		return;
	}
	leave(p);
	server_changed(p->server);
}

static void on_deleted(struct peer *p, const struct session_event *event)
{
	follow_deleted(p, event->state);
	if (event->state == p->asked)
		p->asked = 0;
	if (event->state == p->state) {
		p->state = p->awaited = 0;
		p->request = pri_store_free(p->request);
	}
}

/* Once for each node, however often it comes back; who is none is known by its connection. */
static void note_oddity(struct peer *p, enum session_oddity what)
{
	const struct publication_node *node = peer_node(p);
	uint16_t bit = (uint16_t)(1u << what);

	if (node && server_seat(p->server, node)->noted & bit)
		return;
	if (node)
		server_seat(p->server, node)->noted |= bit;
	log_info(log_of(p), MODULE, "wrong at the peer, passed over", log_str("node", p->node ? p->node : ""),
		log_endpoint("peer", &p->address), log_str("what", session_oddity_text(what)));
}

static void note_integers(struct peer *p, const struct session_event *event)
{
	struct view run;

	for (size_t at = 0; cops_next_named(event->message, &at, &run);) {
		if (!epd_run_has_integers(run))
			continue;
		session_note(p->session, SESSION_ODD_INTEGER);
		return;
	}
}

static void on_event(struct peer *p, const struct session_event *event)
{
	if (event->kind == SESSION_REQUEST || event->kind == SESSION_REPORT)
		note_integers(p, event);
	switch (event->kind) {
	case SESSION_START_TLS:
		link_start_tls(p->link);
		return;
	case SESSION_OPENING:
		on_opening(p, event);
		return;
	case SESSION_REQUEST:
		if (event->client_type == COPS_CLIENT_PUBLISHING)
			publish_request(p, event);
		else
			on_node_request(p, event);
		return;
	case SESSION_REPORT:
		if (event->client_type == COPS_CLIENT_PROVISIONING)
			on_report(p, event);
		else
			follow_report(p, event);
		return;
	case SESSION_DELETED:
		on_deleted(p, event);
		return;
	case SESSION_CLIENT_CLOSED:
		on_client_closed(p, event);
		return;
	case SESSION_REFUSED:
		refusals_count(&p->server->refused.messages, event->error.code);
		log_warning(log_of(p), MODULE, "malformed request refused",
			log_endpoint("peer", &p->address), log_err(&event->error));
		return;
	case SESSION_ODD:
		note_oddity(p, event->odd);
		return;
	case SESSION_CLOSED:
		tell_end(p, &event->error);
		leave(p);
		server_changed(p->server);
		return;
	case SESSION_SYNCHRONIZED:
		log_notice(log_of(p), MODULE, "node has synchronized",
			log_str("node", p->node ? p->node : ""));
		return;
	default: /* those of a PEP */
		return;
	}
}

/* ---- The link ---- */

static void on_drain(void *owner, struct link *l)
{
	struct peer *p = owner;
	struct session_event event;

	(void)l;
	do {
		while (session_next_event(p->session, &event))
			on_event(p, &event);
	} while (serve(p));
}

static bool on_authorize(void *owner, struct link *l, const struct pin *key)
{
	struct peer *p = owner;
	struct server *s = p->server;
	const struct offence_limit limit = server_offence_limit(s);

	(void)l;
	if (offenders_must_wait(&s->offenders, &limit, &p->address, key, link_now())) {
		refusals_count(&s->refused.connections, E_LIMIT);
		p->counted = true;
		return false;
	}
	if (peer_may_connect(p, key))
		return true;
	/* It has not proved that it has the key: its address is all that is its own. */
	refuse(p, NULL, &s->refused.peers, E_DENIED);
	log_warning(s->parts.log, MODULE, "peer with an unknown key refused",
		log_endpoint("peer", &p->address), log_pin("key", key));
	return false;
}

static void forget(struct peer *p)
{
	leave(p);
	follow_end(p);
	if (p->server->serve_next == p)
		p->server->serve_next = p->next;
	if (p->next)
		p->next->back = p->back;
	*p->back = p->next;
	if (p->session)
		session_counters_add(&p->server->counters, session_counters(p->session));
	session_free(p->session);
	free(p);
}

static void on_ended(void *owner, const struct error *why)
{
	struct peer *p = owner;
	struct server *s = p->server;
	struct error cut;

	if (p->session && session_in_message(p->session)) {
		error_set(&cut, E_TRUNCATED, "%s, within a message", why->text);
		why = &cut;
	}
	tell_end(p, why);
	forget(p);
	server_changed(s);
}

void peer_free(struct peer *p)
{
	link_abort(p->link);
	forget(p);
}

static const struct link_events link_events = {
	.authorize = on_authorize,
	.drain = on_drain,
	.ended = on_ended,
};

void peer_accept(struct server *s, struct net_connection *connection,
	const struct session_config *config)
{
	struct peer *p = calloc(1, sizeof *p);
	struct error error;

	if (p)
		p->session = session_new(SESSION_PDP, config, link_now());
	if (!p || !p->session ||
		link_accept(s->parts.loop, connection, &link_events, p, &p->link, &error)) {
		log_error(s->parts.log, MODULE, "no memory for a connection: dropped");
		net_connection_abort(connection);
		if (p)
			session_free(p->session);
		free(p);
		return;
	}
	p->server = s;
	p->address = *link_peer(p->link);
	p->next = s->peers;
	p->back = &s->peers;
	if (p->next)
		p->next->back = &p->next;
	s->peers = p;
	peer_trace(p);
	link_attach(p->link, &link_session, p->session);
	link_pump(p->link);
}
