/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pep/ipc/contact.h"
#include "pep/net/internal.h"

/* At the end: for the Client-Close and TLS's own farewell to leave. */
enum { FAREWELL_MS = 200 };

static uint32_t random_number(void *user)
{
	(void)user;
	return arc4random();
}

/* NULL: none is known. */
static const struct endpoint *current_pdp(struct process *p)
{
	const struct server *server = servers_current(&p->servers);

	return server ? &server->endpoint : NULL;
}

struct server *contact_server(struct process *p)
{
	for (size_t i = 0; i < p->servers.count; i++)
		if (endpoint_equal(&p->servers.list[i].endpoint, &p->connected_to))
			return &p->servers.list[i];
	return NULL;
}

void tell_state(struct process *p, enum pdp_contact state, const char *reason)
{
	size_t len = strlen(reason);
	struct message m = {.type = MESSAGE_PDP_STATE, .kind = state};
	struct buffer data;

	buffer_init(&data, CONTACT_ENDPOINT_SIZE + MESSAGE_TEXT_MAX);
	contact_put_endpoint(&data, current_pdp(p));
	buffer_put(&data, reason, len < MESSAGE_TEXT_MAX ? len : MESSAGE_TEXT_MAX);
	m.data = buffer_view(&data);
	(void)tell(p, &m);
	buffer_fini(&data);
	table_changed(p);
}

static void start_timer(struct process *p, struct ev_timer *timer, uint64_t ms)
{
	ev_timer_stop(p->loop, timer);
	ev_now_update(p->loop);
	ev_timer_set(timer, (double)ms / 1000, 0);
	ev_timer_start(p->loop, timer);
}

/* ---- Is the preferred PDP back? ---- */

static void plan_look(struct process *p)
{
	uint64_t due = servers_return_due(&p->servers), now = link_now();

	ev_timer_stop(p->loop, &p->look);
	if (due != SERVERS_NEVER)
		start_timer(p, &p->look, due > now ? due - now : 0);
}

static void leave_for_preferred(struct process *p)
{
	log_notice(p->log, MODULE, "the preferred PDP answers again: back to it",
		log_endpoint("from", &p->connected_to),
		log_endpoint("to", servers_preferred(&p->servers)));
	servers_go_back(&p->servers);
	p->moving = true;
	session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	link_pump(p->link);
}

static void probe_connected(void *owner, struct net_connection *c)
{
	struct process *p = owner;

	p->probe = NULL;
	net_connection_abort(c);
	if (p->session && servers_return_due(&p->servers) != SERVERS_NEVER)
		leave_for_preferred(p);
}

static size_t probe_octets(void *owner, struct net_connection *c, struct view octets)
{
	(void)owner;
	(void)c;
	return octets.len;
}

static void probe_closed(void *owner, struct net_connection *c, const struct error *why)
{
	struct process *p = owner;

	(void)c;
	p->probe = NULL;
	log_debug(p->log, MODULE, "the preferred PDP is still away",
		log_endpoint("pdp", servers_preferred(&p->servers)), log_err(why));
	servers_still_away(&p->servers, link_now());
	plan_look(p);
}

static const struct net_events probe_events = {
	.connected = probe_connected,
	.octets = probe_octets,
	.closed = probe_closed,
};

static void on_look(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;
	struct error e;

	(void)loop;
	(void)revents;
	if (p->probe || servers_return_due(&p->servers) > link_now()) {
		plan_look(p);
		return;
	}
	if (!net_connect(p->net, servers_preferred(&p->servers), 1, NULL, &probe_events, p,
		    &p->probe, &e))
		return;
	p->probe = NULL;
	log_debug(p->log, MODULE, "the preferred PDP cannot be looked for", log_err(&e));
	servers_still_away(&p->servers, link_now());
	plan_look(p);
}

static void stop_looking(struct process *p)
{
	ev_timer_stop(p->loop, &p->look);
	if (p->probe)
		net_connection_abort(p->probe);
	p->probe = NULL;
}

/* ---- What a session says of its PDP ---- */

void contact_served(struct process *p)
{
	p->lamented = false;
	servers_served(&p->servers, link_now());
	plan_look(p);
}

static enum err follow(struct process *p, const struct cops_object *redirect)
{
	struct endpoint to = cops_server(redirect);
	struct endpoint from = p->connected_to;
	enum err err = servers_redirected(&p->servers, &to, link_now());

	if (err) {
		log_warning(p->log, MODULE, "redirection not followed: a circle, or too many",
			log_endpoint("from", &from), log_endpoint("to", &to));
		return err;
	}
	log_notice(
		p->log, MODULE, "redirected", log_endpoint("from", &from), log_endpoint("to", &to));
	p->moving = true;
	return E_OK;
}

void contact_refused(struct process *p, const struct session_event *event)
{
	/* At once: a PDP that we were sent to would be forgotten as one that failed. */
	if (security_demanded(p, event))
		p->moving = true;
	else if (!event->redirect || follow(p, event->redirect))
		log_warning(p->log, MODULE, "the PDP does not serve us",
			log_endpoint("pdp", &p->connected_to), log_u64("error", event->code),
			log_err(&event->error));
	session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNSPECIFIED);
}

/* ---- The link ---- */

static void on_drain(void *owner, struct link *l)
{
	serve(owner, l);
}

static bool on_authorize(void *owner, struct link *l, const struct pin *peer)
{
	struct process *p = owner;

	return security_authorize(p, l, peer);
}

static void on_connected(void *owner, struct link *l)
{
	struct process *p = owner;
	struct session_config config = session_config_default(SESSION_PEP);

	servers_connected(&p->servers);
	config.pepid = p->settings->name;
	config.limits.message = MESSAGE_TOTAL_MAX;
	config.random = random_number;
	config.user = p;
	security_configure(p, &config);
	p->session = session_new(SESSION_PEP, &config, link_now());
	if (!p->session || pep_session_open(p->session, COPS_CLIENT_PROVISIONING,
				   p->has_in_sync ? &p->in_sync : NULL, link_now())) {
		log_error(p->log, MODULE, "no memory for a session");
		stop(p, EXIT_FAILURE);
		return;
	}
	tracing_attach(p);
	link_attach(l, &link_session, p->session);
}

static void on_retry(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	contact_begin(w->data);
}

static void try_again(struct process *p, const struct error *why)
{
	uint32_t wait = p->moving ? 0 : servers_failed(&p->servers, arc4random());

	if (wait)
		discovery_hurry(p);
	p->moving = false;
	tell_state(p, CONTACT_WAITING, why->text);
	start_timer(p, &p->retry, wait);
}

/* What the session found wrong says more than that it closed. */
static struct error reason_of_end(const struct process *p, const struct error *why)
{
	struct error e = p->closed_for.code ? p->closed_for : *why;

	if (!p->closed_for.code && p->session && session_in_message(p->session))
		error_set(&e, E_TRUNCATED, "%s, within a message", why->text);
	return e;
}

static void log_end(struct process *p, const struct error *why)
{
	if (p->moving)
		return;
	if (p->lamented)
		log_info(p->log, MODULE, "still no session with a PDP",
			log_endpoint("pdp", &p->connected_to), log_err(why));
	else
		log_warning(p->log, MODULE, "no session with a PDP, what is in force stays",
			log_endpoint("pdp", &p->connected_to), log_err(why));
	p->lamented = true;
}

/* Its counters outlive it. */
static void end_session(struct process *p)
{
	struct server *server = contact_server(p);

	if (p->session && server)
		session_counters_add(&server->counters, session_counters(p->session));
	session_free(p->session);
	p->session = NULL;
	serving_ended(p);
}

static void on_ended(void *owner, const struct error *ended)
{
	struct process *p = owner;
	struct error why = reason_of_end(p, ended);

	p->link = NULL;
	p->closed_for = (struct error){0};
	stop_looking(p);
	end_session(p);
	if (p->ending)
		return;
	log_end(p, &why);
	try_again(p, &why);
}

static const struct link_events link_events = {
	.connected = on_connected,
	.authorize = on_authorize,
	.drain = on_drain,
	.ended = on_ended,
};

void contact_begin(struct process *p)
{
	struct error e;

	ev_timer_stop(p->loop, &p->retry);
	if (p->link || p->ending)
		return;
	if (!current_pdp(p)) {
		tell_state(p, CONTACT_WAITING, "no decision point is known yet");
		return;
	}
	servers_trying(&p->servers, link_now());
	p->connected_to = *current_pdp(p);
	tell_state(p, CONTACT_CONNECTING, "");
	log_debug(p->log, MODULE, "connecting", log_endpoint("pdp", current_pdp(p)));
	if (link_connect(p->loop, p->net, current_pdp(p), 1, NULL, &link_events, p, &p->link, &e)) {
		log_error(p->log, MODULE, "cannot connect", log_endpoint("pdp", current_pdp(p)),
			log_err(&e));
		p->link = NULL;
		try_again(p, &e);
	}
}

enum err contact_greet(struct process *p, const struct message *m, struct error *e)
{
	struct cursor c = cursor_over(m->data);
	struct endpoint last = contact_get_endpoint(&c);

	if (c.error)
		return error_set(e, c.error, "the last PDP is none");
	p->has_in_sync = endpoint_family(&last);
	p->in_sync = last;
	contact_begin(p);
	discovery_begin(p);
	return E_OK;
}

/* ---- Life ---- */

void contact_init(struct process *p)
{
	const struct pep_settings *settings = p->settings;
	const struct servers_config config = {
		.wait_least = (uint32_t)settings->retry_least,
		.wait_most = (uint32_t)settings->retry_most,
		.attempts = settings->retry_count,
		.return_after = settings->pdp_return,
	};

	servers_init(&p->servers, &config, settings->pdps.items, settings->pdps.count);
	ev_init(&p->retry, on_retry);
	p->retry.data = p;
	ev_init(&p->look, on_look);
	p->look.data = p;
}

void contact_fini(struct process *p)
{
	ev_timer_stop(p->loop, &p->retry);
	if (p->net)
		stop_looking(p);
	p->link = link_abort(p->link);
	session_free(p->session);
	p->session = NULL;
}

static void on_farewell(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	stop(w->data, EXIT_SUCCESS);
}

void contact_end(struct process *p)
{
	p->ending = true;
	if (!p->session || !p->link) {
		stop(p, EXIT_SUCCESS);
		return;
	}
	stop_looking(p);
	session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	ev_timer_stop(p->loop, &p->retry);
	ev_set_cb(&p->retry, on_farewell);
	start_timer(p, &p->retry, FAREWELL_MS);
	link_pump(p->link);
}
