/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/children.h"

#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/link/link.h"
#include "common/session/backoff.h"
#include "pep/ipc/channel.h"
#include "pep/ipc/transfer.h"
#include "pep/process/privilege.h"
#include "pep/process/supervisor.h"

#define MODULE "net"

enum {
	/* A decision of the largest size and the next one behind it. */
	ENFORCE_QUEUE = 2 * MESSAGE_TOTAL_MAX + 1024 * 1024,
	SUPERVISOR_QUEUE = 4096,
	/* At the end: for the Client-Close and TLS's own farewell to leave. */
	FAREWELL_MS = 200,
};

/* A decision that the PDP waits for a report of, in the order in which it came. */
struct owed {
	enum { FOR_ENFORCE, REFUSE_STATE, DELETE_STATE } kind;
	uint32_t id; /* between net and enforce */
	uint32_t decision, handle; /* in the session */
};

struct process {
	const struct pep_settings *settings;
	struct log *log;
	struct ev_loop *loop;
	struct key *key;
	struct net *net;
	struct channel *supervisor, *enforce;

	size_t pdp; /* which one of the list */
	bool served; /* by the present session: the next attempt goes to the same PDP */
	bool lamented; /* that there is no session; once is enough for most readers */
	struct link *link;
	struct session *session;
	struct error closed_for; /* why the session closed, if it said so */
	struct backoff backoff;
	struct ev_timer retry;

	uint32_t handle; /* of our request state, 0: none */
	bool synchronizing; /* SSQ waits for its request */
	uint32_t synchronize_handle;
	bool request_again; /* a REQ could not be sent while one is not answered */
	uint32_t last_id;
	struct transfer request;
	struct owed owed[SESSION_UNREPORTED_MAX];
	size_t owed_first, owed_count;

	bool ending;
	int status;
};

static uint32_t random_number(void *user)
{
	(void)user;
	return arc4random();
}

static const struct endpoint *current_pdp(const struct process *p)
{
	return &p->settings->pdps.items[p->pdp];
}

static void stop(struct process *p, int status)
{
	p->ending = true;
	p->status = status;
	ev_break(p->loop, EVBREAK_ALL);
}

/* ---- To enforce ---- */

static bool tell(struct process *p, const struct message *m)
{
	struct error e;

	if (!channel_send(p->enforce, m, -1, &e))
		return true;
	log_error(p->log, MODULE, "cannot speak to enforce",
	          log_str("message", message_name(m->type)), log_err(&e));
	return false;
}

static void tell_state(struct process *p, enum pdp_contact state, const char *reason)
{
	size_t len = strlen(reason);
	struct message m = {
		.type = MESSAGE_PDP_STATE,
		.kind = state,
		.pdp = (uint32_t)p->pdp,
		.data = {(const uint8_t *)reason, len < MESSAGE_TEXT_MAX ? len : MESSAGE_TEXT_MAX},
	};

	(void)tell(p, &m);
}

static void want_request(struct process *p)
{
	struct message m = {.type = MESSAGE_REQUEST_WANTED, .id = ++p->last_id};

	(void)tell(p, &m);
}

/* ---- Decisions and their reports ---- */

static struct owed *owed_head(struct process *p)
{
	return p->owed_count ? &p->owed[p->owed_first] : NULL;
}

static void owed_pop(struct process *p)
{
	p->owed_first = (p->owed_first + 1) % SESSION_UNREPORTED_MAX;
	p->owed_count--;
}

static bool owe(struct process *p, struct owed o)
{
	if (p->owed_count == SESSION_UNREPORTED_MAX)
		return false;
	p->owed[(p->owed_first + p->owed_count++) % SESSION_UNREPORTED_MAX] = o;
	return true;
}

static void send_report(struct process *p, uint32_t decision, enum cops_report_type type,
                        struct view contents)
{
	enum err err = pep_session_report(p->session, decision, type, &contents,
	                                  contents.len ? 1 : 0);

	if (!err || err == E_CLOSED)
		return;
	log_error(p->log, MODULE, "a report cannot be sent, the session ends",
	          log_u64("decision", decision), log_str("code", err_text(err)));
	session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_CLIENT_FAILURE);
}

/* Answers the decisions that concern the request state itself, once it is their turn. */
static void answer_own(struct process *p)
{
	for (struct owed *o; (o = owed_head(p)) && o->kind != FOR_ENFORCE; owed_pop(p)) {
		struct buffer b;

		buffer_init(&b, 64);
		if (o->kind == REFUSE_STATE) {
			pr_put_error(&b, PR_GPERR, PR_GPERR_MAX_REQUEST_STATES_OPEN, 0);
			send_report(p, o->decision, COPS_FAILURE, buffer_view(&b));
		} else {
			send_report(p, o->decision, COPS_SUCCESS, VIEW_NONE);
			if (pep_session_delete(p->session, o->handle, COPS_REASON_PDP_DIRECTIVE))
				log_debug(p->log, MODULE, "the request state was gone already");
			/* Serving has ended, enforcement has not. A new session asks anew. */
			log_notice(p->log, MODULE, "the PDP deleted our request state");
			session_close(p->session, COPS_CLIENT_CONNECTION,
			                  COPS_ERROR_UNSPECIFIED);
		}
		buffer_fini(&b);
	}
}

static bool forward(struct process *p, const struct session_event *event, uint32_t id)
{
	struct message m = {
		.type = MESSAGE_DECISION_BEGIN,
		.id = id,
		.number = event->decision,
		.data = binding_view(link_binding(p->link)),
	};
	struct cops_decision d;

	for (size_t at = 0; cops_next_decision(event->message, &at, &d);) {
		m.total += (uint32_t)d.named.len;
		m.pieces += d.named.len != 0;
	}
	if (!tell(p, &m))
		return false;
	for (size_t at = 0; cops_next_decision(event->message, &at, &d);) {
		struct message piece = {
			.type = MESSAGE_DECISION_PIECE,
			.id = id,
			.kind = d.command == COPS_REMOVE ? PIECE_REMOVE : PIECE_INSTALL,
			.data = d.named,
		};

		if (d.named.len && !tell(p, &piece))
			return false;
	}
	m = (struct message){.type = MESSAGE_DECISION_COMMIT, .id = id};
	return tell(p, &m);
}

static void on_decision(struct process *p, const struct session_event *event)
{
	struct owed o = {FOR_ENFORCE, ++p->last_id, event->decision, event->state};
	struct cops_decision d;
	size_t at = 0;
	bool ok;

	if (cops_next_decision(event->message, &at, &d) && (d.flags & COPS_REQUEST_STATE))
		o.kind = d.command == COPS_REMOVE ? DELETE_STATE : REFUSE_STATE;
	p->served = true;
	p->lamented = false;
	log_info(p->log, MODULE, "decision received", log_u64("decision", event->decision),
	         log_u64("octets", event->message->octets.len));
	ok = owe(p, o) && (o.kind != FOR_ENFORCE || forward(p, event, o.id));
	if (!ok)
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_CLIENT_FAILURE);
	answer_own(p);
	if (p->request_again && event->solicited) {
		p->request_again = false;
		want_request(p);
	}
}

static void on_report(struct process *p, const struct message *m)
{
	struct owed *o = owed_head(p);

	/* Of a session that is over. */
	if (!p->session || !o || o->id != m->id)
		return;
	send_report(p, o->decision, m->kind == REPORT_SUCCESS ? COPS_SUCCESS : COPS_FAILURE,
	            m->data);
	owed_pop(p);
	answer_own(p);
	link_pump(p->link);
}

/* ---- Requests ---- */

static void send_request(struct process *p)
{
	struct view *named = calloc(p->request.count + 1, sizeof *named);
	enum err err = named ? E_OK : E_MEMORY;

	for (size_t i = 0; named && i < p->request.count; i++)
		named[i] = p->request.pieces[i].octets;
	if (!err && p->handle)
		err = pep_session_update(p->session, p->handle, named, p->request.count,
		                         link_now());
	else if (!err)
		err = pep_session_request(p->session, COPS_CLIENT_PROVISIONING, named,
		                          p->request.count, link_now(), &p->handle);
	free(named);
	if (err == E_AGAIN) {
		p->request_again = true;
		return;
	}
	if (!err && p->synchronizing) {
		p->synchronizing = false;
		err = pep_session_synchronized(p->session, COPS_CLIENT_PROVISIONING,
		                               p->synchronize_handle);
	}
	if (err && err != E_CLOSED) {
		log_error(p->log, MODULE, "a request cannot be sent, the session ends",
		          log_str("code", err_text(err)));
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_CLIENT_FAILURE);
	}
}

static void on_request(struct process *p)
{
	if (p->session && !session_is_closed(p->session)) {
		send_request(p);
		link_pump(p->link);
	}
	transfer_reset(&p->request);
}

/* ---- The session ---- */

static void on_event(struct process *p, struct link *l, const struct session_event *event)
{
	char pdp[ENDPOINT_TEXT_SIZE];

	endpoint_format(current_pdp(p), pdp);
	switch (event->kind) {
	case SESSION_START_TLS:
		link_start_tls(l);
		break;
	case SESSION_SECURE:
		tell_state(p, CONTACT_OPENING, "");
		break;
	case SESSION_OPENED:
		log_notice(p->log, MODULE, "session open", log_str("pdp", pdp));
		tell_state(p, CONTACT_OPEN, "");
		want_request(p);
		break;
	case SESSION_CLIENT_CLOSED:
		log_warning(p->log, MODULE, "the PDP does not serve us", log_str("pdp", pdp),
		            log_u64("error", event->code), log_err(&event->error));
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNSPECIFIED);
		break;
	case SESSION_DECISION:
		on_decision(p, event);
		break;
	case SESSION_REFUSED:
		log_warning(p->log, MODULE, "malformed decision refused", log_str("pdp", pdp),
		            log_u64("gperr", event->code), log_err(&event->error));
		break;
	case SESSION_DENIED:
		log_warning(p->log, MODULE, "the PDP did not accept our request",
		            log_str("pdp", pdp), log_u64("error", event->code),
		            log_err(&event->error));
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNSPECIFIED);
		break;
	case SESSION_STATE_LOST:
		log_warning(p->log, MODULE, "our request state is lost", log_str("pdp", pdp),
		            log_u64("reason", event->code), log_err(&event->error));
		p->handle = 0;
		p->owed_count = 0;
		want_request(p);
		break;
	case SESSION_SYNCHRONIZE:
		p->synchronizing = true;
		p->synchronize_handle = event->state;
		want_request(p);
		break;
	case SESSION_ODD:
		log_info(p->log, MODULE, "the PDP behaves oddly", log_str("pdp", pdp),
		         log_str("oddity", session_oddity_text(event->odd)));
		break;
	case SESSION_CLOSED:
		p->closed_for = event->error;
		break;
	default: /* those of a PDP */
		break;
	}
}

static void on_drain(void *owner, struct link *l)
{
	struct process *p = owner;
	struct session_event event;

	while (session_next_event(p->session, &event))
		on_event(p, l, &event);
}

static bool on_authorize(void *owner, struct link *l, const struct pin *peer)
{
	struct process *p = owner;

	(void)l;
	if (pin_list_has(&p->settings->pdp_keys, peer))
		return true;
	log_error(p->log, MODULE, "the server's key is not one of pdp-key",
	          log_endpoint("pdp", current_pdp(p)), log_pin("key", peer));
	return false;
}

static void on_connected(void *owner, struct link *l)
{
	struct process *p = owner;
	struct session_config config = session_config_default(SESSION_PEP);

	config.pepid = p->settings->name;
	config.limits.message = MESSAGE_TOTAL_MAX;
	config.random = random_number;
	p->session = session_new(SESSION_PEP, &config, link_now());
	if (!p->session || pep_session_open(p->session, COPS_CLIENT_PROVISIONING, NULL, link_now())) {
		log_error(p->log, MODULE, "no memory for a session");
		stop(p, EXIT_FAILURE);
		return;
	}
	link_attach(l, &link_session, p->session);
}

static void connect_pdp(struct process *p);

static void on_retry(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	connect_pdp(w->data);
}

/* The next attempt: at the same PDP if it served us, otherwise at the next of the list; with a wait
 * when the list is through. */
static void try_again(struct process *p, const struct error *why)
{
	uint32_t wait = 0;

	if (p->served)
		backoff_reset(&p->backoff);
	else
		p->pdp = (p->pdp + 1) % p->settings->pdps.count;
	if (p->served || p->pdp == 0)
		wait = backoff_next(&p->backoff, arc4random());
	p->served = false;
	tell_state(p, CONTACT_WAITING, why->text);
	ev_timer_stop(p->loop, &p->retry);
	ev_timer_set(&p->retry, wait / 1000.0, 0);
	ev_timer_start(p->loop, &p->retry);
}

/* What the session found wrong says more than that it closed. */
static struct error reason_of_end(const struct process *p, const struct error *why)
{
	struct error e = p->closed_for.code ? p->closed_for : *why;

	if (!p->closed_for.code && p->session && session_in_message(p->session))
		error_set(&e, E_TRUNCATED, "%s, within a message", why->text);
	return e;
}

static void on_ended(void *owner, const struct error *ended)
{
	struct process *p = owner;
	struct error reason = reason_of_end(p, ended), *why = &reason;

	p->link = NULL;
	p->closed_for = (struct error){0};
	session_free(p->session);
	p->session = NULL;
	p->handle = 0;
	p->synchronizing = false;
	p->request_again = false;
	p->owed_count = 0;
	if (p->ending)
		return;
	if (p->lamented)
		log_info(p->log, MODULE, "still no session with a PDP",
		         log_endpoint("pdp", current_pdp(p)), log_err(why));
	else
		log_warning(p->log, MODULE, "no session with a PDP, what is in force stays",
		            log_endpoint("pdp", current_pdp(p)), log_err(why));
	p->lamented = true;
	try_again(p, why);
}

static const struct link_events link_events = {
	.connected = on_connected,
	.authorize = on_authorize,
	.drain = on_drain,
	.ended = on_ended,
};

static void connect_pdp(struct process *p)
{
	struct error e;

	tell_state(p, CONTACT_CONNECTING, "");
	log_debug(p->log, MODULE, "connecting", log_endpoint("pdp", current_pdp(p)));
	if (link_connect(p->loop, p->net, current_pdp(p), 1, NULL, &link_events, p, &p->link, &e)) {
		log_error(p->log, MODULE, "cannot connect", log_endpoint("pdp", current_pdp(p)),
		          log_err(&e));
		p->link = NULL;
		try_again(p, &e);
	}
}

/* ---- The other processes ---- */

static void on_enforce_message(void *context, struct channel *c, const struct message *m, int fd)
{
	struct process *p = context;
	struct error e;
	enum err err = E_OK;

	(void)c;
	(void)fd;
	switch ((int)m->type) {
	case MESSAGE_REQUEST_BEGIN:
		err = transfer_begin(&p->request, m, &e);
		break;
	case MESSAGE_REQUEST_PIECE:
		err = transfer_piece(&p->request, m, &e);
		break;
	case MESSAGE_REQUEST_COMMIT:
		err = transfer_commit(&p->request, m, &e);
		if (!err)
			on_request(p);
		break;
	case MESSAGE_REQUEST_CHANGED:
		if (p->handle)
			want_request(p);
		break;
	case MESSAGE_REPORT:
		on_report(p, m);
		break;
	default:
		err = error_set(&e, E_UNEXPECTED, "%s", message_name(m->type));
		break;
	}
	if (err) {
		log_error(p->log, MODULE, "enforce is not to be understood", log_err(&e));
		stop(p, EXIT_FAILURE);
	}
}

static void on_farewell(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	stop(w->data, EXIT_SUCCESS);
}

static void on_supervisor_message(void *context, struct channel *c, const struct message *m, int fd)
{
	struct process *p = context;

	(void)c;
	(void)m;
	(void)fd;
	/* Only SHUTDOWN comes this way. */
	p->ending = true;
	if (!p->session || !p->link) {
		stop(p, EXIT_SUCCESS);
		return;
	}
	session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	link_pump(p->link);
	ev_timer_stop(p->loop, &p->retry);
	ev_set_cb(&p->retry, on_farewell);
	ev_timer_set(&p->retry, FAREWELL_MS / 1000.0, 0);
	ev_timer_start(p->loop, &p->retry);
}

static void on_channel_closed(void *context, struct channel *c, const struct error *e)
{
	struct process *p = context;

	log_error(p->log, MODULE, "another process of pepd is gone",
	          log_str("role", c == p->supervisor ? "supervisor" : "enforce"), log_err(e));
	stop(p, EXIT_FAILURE);
}

static const struct channel_events enforce_events = {on_enforce_message, on_channel_closed, NULL};
static const struct channel_events supervisor_events = {on_supervisor_message, on_channel_closed,
                                                        NULL};

static enum err prepare(struct process *p, struct error *e)
{
	enum err err = key_load(p->settings->key, NULL, &p->key, e);

	if (!err)
		err = net_new(p->loop, p->key, &p->net, e);
	if (!err)
		err = channel_new(p->loop, CHILD_SUPERVISOR_FD, IPC_NET, IPC_SUPERVISOR,
		                  SUPERVISOR_QUEUE, &supervisor_events, p, &p->supervisor, e);
	if (!err)
		err = channel_new(p->loop, CHILD_ENFORCE_FD, IPC_NET, IPC_ENFORCE, ENFORCE_QUEUE,
		                  &enforce_events, p, &p->enforce, e);
	if (!err)
		err = privilege_drop(IPC_NET, p->settings->net_user, e);
	if (!err)
		err = channel_send(p->supervisor, &(struct message){.type = MESSAGE_READY}, -1, e);
	return err;
}

int net_process(const struct pep_settings *settings, struct log *log)
{
	struct process p = {.settings = settings, .log = log, .status = EXIT_FAILURE};
	struct error e = {0};

	p.loop = ev_loop_new(EVFLAG_AUTO);
	if (!p.loop)
		return EXIT_FAILURE;
	transfer_init(&p.request);
	backoff_init(&p.backoff, (uint32_t)settings->retry_least, (uint32_t)settings->retry_most);
	ev_init(&p.retry, on_retry);
	p.retry.data = &p;
	if (prepare(&p, &e)) {
		log_error(log, MODULE, "cannot start", log_err(&e));
	} else {
		connect_pdp(&p);
		ev_run(p.loop, 0);
	}
	p.ending = true;
	ev_timer_stop(p.loop, &p.retry);
	p.link = link_abort(p.link);
	session_free(p.session);
	net_free(p.net);
	channel_free(p.enforce);
	channel_free(p.supervisor);
	transfer_fini(&p.request);
	key_free(p.key);
	ev_loop_destroy(p.loop);
	return p.status;
}
