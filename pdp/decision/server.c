/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#include <stdlib.h>
#include <time.h>

enum {
	SERVED_PER_TURN = 64, /* peers, before the loop looks at others again */
	WATCHED_PER_TIMEOUT = 8, /* how often in a report-timeout somebody looks */
};
static const ev_tstamp save_s = 1; /* reports gather for so long before they are written */

#define MODULE "server"

uint64_t server_utc(void)
{
	return (uint64_t)time(NULL);
}

void server_changed(struct server *s)
{
	follow_soon(s);
	if (s->parts.changed)
		s->parts.changed(s->parts.context);
}

/* ---- Reports on their way to the store ---- */

static void save(struct server *s)
{
	struct error error;

	ev_timer_stop(s->parts.loop, &s->saving);
	if (!compliance_flush(s->compliance, &error))
		return;
	log_error(s->parts.log, MODULE, "reports not stored, with the next one again",
		log_err(&error));
}

static void on_saving(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	save(timer->data);
}

void server_reported(struct server *s)
{
	if (ev_is_active(&s->saving))
		return;
	ev_timer_set(&s->saving, save_s, 0);
	ev_timer_start(s->parts.loop, &s->saving);
}

/* ---- Reports that do not come ---- */

static void on_watching(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct server *s = timer->data;
	uint64_t now = link_now();

	(void)loop;
	(void)revents;
	for (struct peer *p = s->peers; p; p = p->next)
		peer_watch(p, now);
}

static void start_watching(struct server *s)
{
	/* A report is missed a fraction later than it is due. */
	double every = (double)s->parts.settings->report_timeout / 1000 / WATCHED_PER_TIMEOUT;

	ev_timer_init(&s->watching, on_watching, every, every);
	s->watching.data = s;
	ev_timer_start(s->parts.loop, &s->watching);
}

/* ---- Serving ---- */

/*
 * Peers are served in turns of the loop, a few each, so that reports and others get a word in
 * between. A timer and not an idle watcher: those starve while anything else happens.
 */
static void on_serving(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct server *s = timer->data;

	(void)revents;
	for (unsigned served = 0; s->serve_next && served < SERVED_PER_TURN;) {
		struct peer *p = s->serve_next;

		s->serve_next = p->next;
		if (!p->outdated)
			continue;
		served++;
		link_pump(p->link);
	}
	if (s->serve_next) {
		ev_timer_set(timer, 0, 0);
		ev_timer_start(loop, timer);
	}
}

void server_serve_all(struct server *s)
{
	/* From the loop: the one who publishes is in the middle of a message. */
	s->serve_next = s->peers;
	ev_timer_stop(s->parts.loop, &s->serving);
	ev_timer_set(&s->serving, 0, 0);
	ev_timer_start(s->parts.loop, &s->serving);
}

/* ---- Listening ---- */

struct offence_limit server_offence_limit(const struct server *s)
{
	return (struct offence_limit){
		s->parts.settings->offence_limit, s->parts.settings->offence_wait};
}

static void accept_peer(struct server *s, struct net_connection *connection,
	const struct session_config *config)
{
	const struct endpoint *address = net_connection_peer(connection);
	const struct offence_limit limit = server_offence_limit(s);

	/* Nobody's: so it is dropped. */
	if (offenders_must_wait(&s->offenders, &limit, address, NULL, link_now()))
		refusals_count(&s->refused.connections, E_LIMIT);
	else
		peer_accept(s, connection, config);
}

static void on_accepted(void *owner, struct net_listener *l, struct net_connection *connection)
{
	struct server *s = owner;

	(void)l;
	accept_peer(s, connection, &s->session_config);
}

static void on_accepted_direct(void *owner, struct net_listener *l,
	struct net_connection *connection)
{
	struct server *s = owner;

	(void)l;
	accept_peer(s, connection, &s->direct_config);
}

static void on_refused(void *owner, struct net_listener *l, const struct endpoint *peer,
	const struct error *why)
{
	struct server *s = owner;

	(void)l;
	refusals_count(&s->refused.connections, why->code);
	if (peer)
		log_warning(s->parts.log, MODULE, "connection refused", log_endpoint("peer", peer),
			log_err(why));
	else
		log_error(s->parts.log, MODULE, "connections cannot be accepted", log_err(why));
}

static const struct net_listener_events listener_events = {on_accepted, on_refused};
static const struct net_listener_events direct_events = {on_accepted_direct, on_refused};

static enum err listen_at(struct server *s, const struct endpoint_list *list,
	const struct net_listener_events *events, struct error *error)
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
	for (size_t i = 0; !result && i < list->count; i++) {
		struct net_listener **l = &s->listeners[s->listener_count];

		result = net_listen(
			s->net, &list->items[i], &listener_limits, &limits, events, s, l, error);
		if (!result) {
			s->listener_count++;
			log_notice(s->parts.log, MODULE, "listening",
				log_endpoint("at", net_listener_endpoint(*l)),
				log_str("tls", events == &direct_events ? "at once" : "upward"));
		}
	}
	return result;
}

static enum err listen_all(struct server *s, struct error *error)
{
	const struct pdp_settings *settings = s->parts.settings;
	enum err result;

	s->listeners = calloc(
		settings->listen.count + settings->listen_tls.count, sizeof(struct net_listener *));
	if (!s->listeners)
		return error_set(error, E_MEMORY, "server: out of memory");
	result = listen_at(s, &settings->listen, &listener_events, error);
	if (!result)
		result = listen_at(s, &settings->listen_tls, &direct_events, error);
	return result;
}

static void stop_listening(struct server *s)
{
	while (s->listener_count)
		net_listener_free(s->listeners[--s->listener_count]);
}

size_t server_endpoint_count(const struct server *s)
{
	return s->listener_count;
}

const struct endpoint *server_endpoint(const struct server *s, size_t which)
{
	return net_listener_endpoint(s->listeners[which]);
}

/* ---- Life ---- */

static uint64_t utc(void *user)
{
	(void)user;
	return server_utc();
}

static void prepare_sessions(struct server *s)
{
	static const struct {
		enum session_security security;
		bool integrity_required;
	} of[] = {
		[PDP_TLS] = {SESSION_TLS_REQUIRED, false},
		[PDP_TLS_AND_INTEGRITY] = {SESSION_TLS_REQUIRED, true},
		[PDP_INTEGRITY] = {SESSION_TLS_OPTIONAL, true},
		[PDP_PLAIN] = {SESSION_TLS_OPTIONAL, false},
	};
	const struct pdp_settings *settings = s->parts.settings;

	s->session_config = session_config_default(SESSION_PDP);
	s->session_config.ka_seconds = (uint16_t)(settings->keepalive / 1000);
	/* Never more often than is said, and 0 means never. */
	s->session_config.acct_seconds = (uint32_t)((settings->accounting + 999) / 1000);
	s->session_config.security = of[settings->security].security;
	s->session_config.integrity_keys = s->parts.integrity_keys;
	s->session_config.integrity_required = of[settings->security].integrity_required;
	s->session_config.utc = utc;
	s->direct_config = s->session_config;
	s->direct_config.security = SESSION_TLS_DIRECT;
	if (s->session_config.security != SESSION_TLS_REQUIRED)
		log_warning(s->parts.log, MODULE,
			"sessions without encryption are accepted, as the settings say");
}

/* What cannot be read is not served: the nodes keep what they have of it. */
static enum err load_guests(struct server *s, struct error *error)
{
	struct store_guest *stored = NULL;
	struct arena arena;
	size_t count = 0;
	enum err result;

	arena_init(&arena, 4 * (size_t)PUBLICATION_MAX);
	result = store_load_guests(s->parts.store, &arena, &stored, &count, error);
	for (size_t i = 0; !result && i < count; i++) {
		struct guest *guest;

		result = guest_of_store(stored[i].octets, &guest, error);
		if (!result)
			guests_adopt(&s->guests, guest);
		else
			error_prefix(error, "what is stored of another authority cannot be read");
	}
	arena_fini(&arena);
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
	prepare_sessions(s);
	ev_timer_init(&s->serving, on_serving, 0, 0);
	s->serving.data = s;
	ev_timer_init(&s->saving, on_saving, save_s, 0);
	s->saving.data = s;
	ev_init(&s->watching, on_watching);
	follow_prepare(s);

	s->trace = trace_live_new(NULL, NULL);
	if (!s->trace) {
		server_free(s);
		return error_set(error, E_MEMORY, "server: out of memory");
	}
	result = compliance_table_new(parts->store, &s->compliance, error);
	if (!result)
		result = editions_load(s, error);
	if (!result)
		result = load_guests(s, error);
	if (!result)
		result = net_new(parts->loop, parts->key, &s->net, error);
	if (!result && parts->settings->node_authorities && parts->settings->node_authorities[0])
		result = net_trust_authorities(s->net, parts->settings->node_authorities, error);
	if (!result)
		result = listen_all(s, error);
	if (result) {
		server_free(s);
		return result;
	}
	start_watching(s);
	*ret_server = s;
	return result;
}

void server_stop(struct server *s)
{
	struct peer *next;

	stop_listening(s);
	ev_timer_stop(s->parts.loop, &s->serving);
	ev_timer_stop(s->parts.loop, &s->watching);
	ev_timer_stop(s->parts.loop, &s->following);
	s->serve_next = NULL;
	for (struct peer *p = s->peers; p; p = next) {
		next = p->next;
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
		/* Ends no other peer than this one. */
		link_pump(p->link);
	}
	save(s);
}

struct server *server_free(struct server *s)
{
	if (!s)
		return NULL;
	ev_timer_stop(s->parts.loop, &s->serving);
	ev_timer_stop(s->parts.loop, &s->watching);
	ev_timer_stop(s->parts.loop, &s->following);
	if (ev_is_active(&s->saving))
		save(s);
	while (s->peers)
		peer_free(s->peers);
	stop_listening(s);
	trace_live_free(s->trace);
	net_free(s->net);
	free(s->listeners);
	editions_fini(s);
	guests_fini(&s->guests);
	compliance_table_free(s->compliance);
	free(s);
	return NULL;
}
