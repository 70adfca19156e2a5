/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/net/internal.h"

#include <stdlib.h>

#include "pib/schema/pri.h"

/* How often a session may lose our request state, by a malformed decision or for want of one. More
 * end it: what comes next waits, as every attempt does (servers_failed()). */
enum { STATES_LOST_MAX = 3 };

/* Only an update of what the PDP has can be a difference; an SSQ asks for all of it (RFC 3318
 * section 2.3.1). */
static uint32_t request_before(const struct process *p)
{
	return p->handle && !p->synchronizing ? p->told_id : 0;
}

void want_request(struct process *p)
{
	struct message m = {.type = MESSAGE_REQUEST_WANTED, .number = request_before(p)};

	if (p->unanswered) {
		p->request_again = true;
		return;
	}
	/* What enforce has not said yet it will say as it is then. */
	if (p->asked_id && p->asked_after == m.number)
		return;
	m.id = ++p->last_id;
	p->asked_id = m.id;
	p->asked_after = m.number;
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

/* True: it went out. */
static bool send_report(
	struct process *p, uint32_t decision, enum cops_report_type type, struct view contents)
{
	enum err err =
		pep_session_report(p->session, decision, type, &contents, contents.len ? 1 : 0);

	if (!err || err == E_CLOSED)
		return !err;
	log_error(p->log, MODULE, "a report cannot be sent, the session ends",
		log_u64("decision", decision), log_str("code", err_text(err)));
	session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_CLIENT_FAILURE);
	return false;
}

/* Answers the decisions that concern the request state itself, once it is their turn. */
static void answer_own(struct process *p)
{
	for (struct owed *o; (o = owed_head(p)) && o->kind != FOR_ENFORCE; owed_pop(p)) {
		struct buffer b;

		buffer_init(&b, 64);
		if (o->kind == REFUSE_STATE) {
			pr_put_error(&b, PR_GPERR, PR_GPERR_MAX_REQUEST_STATES_OPEN, 0);
			(void)send_report(p, o->decision, COPS_FAILURE, buffer_view(&b));
		} else {
			(void)send_report(p, o->decision, COPS_SUCCESS, VIEW_NONE);
			if (pep_session_delete(p->session, o->handle, COPS_REASON_PDP_DIRECTIVE))
				log_debug(p->log, MODULE, "the request state was gone already");
			/* Serving has ended, enforcement has not. A new session asks anew. */
			log_notice(p->log, MODULE, "the PDP deleted our request state");
			session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNSPECIFIED);
		}
		buffer_fini(&b);
	}
}

static void note_integers(struct process *p, const struct session_event *event)
{
	struct cops_decision d;

	for (size_t at = 0; cops_next_decision(event->message, &at, &d);) {
		if (d.command != COPS_INSTALL || !epd_run_has_integers(d.named))
			continue;
		session_note(p->session, SESSION_ODD_INTEGER);
		return;
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
	contact_served(p);
	note_integers(p, event);
	log_info(p->log, MODULE, "decision received", log_u64("decision", event->decision),
		log_u64("octets", event->message->octets.len));
	ok = owe(p, o) && (o.kind != FOR_ENFORCE || forward(p, event, o.id));
	if (!ok)
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_CLIENT_FAILURE);
	answer_own(p);
}

/* An answer, good or not, makes room for the request that waits. */
static void on_answer(struct process *p, const struct session_event *event)
{
	if (!event->solicited)
		return;
	p->unanswered = false;
	if (!p->request_again)
		return;
	p->request_again = false;
	want_request(p);
}

void on_report(struct process *p, const struct message *m)
{
	struct owed *o = owed_head(p);

	/* Of a session that is over. */
	if (!p->session || !o || o->id != m->id)
		return;
	/* What LastPDPAddr may name: the PDP of this session, if all that it decided is in force and it
	 * has heard so. */
	p->has_in_sync = send_report(p, o->decision,
				 m->kind == REPORT_SUCCESS ? COPS_SUCCESS : COPS_FAILURE, m->data) &&
			 m->kind == REPORT_SUCCESS;
	p->in_sync = p->connected_to;
	owed_pop(p);
	answer_own(p);
	link_pump(p->link);
}

/* Without a session nobody hears it; the REQ of the next one says what is in force. */
void on_hearing_wanted(struct process *p)
{
	/* Without a session, the next one that opens is the answer. */
	if (!p->session || !p->handle || pep_session_ask_alive(p->session))
		return;
	link_pump(p->link);
}

void on_failure(struct process *p, const struct message *m)
{
	enum err err;

	p->has_in_sync = false;
	if (!p->session || !p->handle)
		return;
	err = pep_session_tell(p->session, p->handle, COPS_FAILURE, &m->data, 1, link_now());
	if (err && err != E_CLOSED)
		log_warning(p->log, MODULE, "a failure cannot be reported now",
			log_str("code", err_text(err)));
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
		err = pep_session_update(
			p->session, p->handle, named, p->request.count, link_now());
	else if (!err)
		err = pep_session_request(p->session, COPS_CLIENT_PROVISIONING, named,
			p->request.count, link_now(), &p->handle);
	free(named);
	if (err == E_AGAIN) {
		p->request_again = true;
		return;
	}
	if (!err) {
		p->unanswered = true;
		p->told_id = p->asked_id;
	}
	for (size_t i = 0; !err && i < p->synchronizing; i++)
		err = pep_session_synchronized(
			p->session, COPS_CLIENT_PROVISIONING, p->synchronize[i]);
	if (!err)
		p->synchronizing = 0;
	if (err && err != E_CLOSED) {
		log_error(p->log, MODULE, "a request cannot be sent, the session ends",
			log_str("code", err_text(err)));
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_CLIENT_FAILURE);
	}
}

void on_request(struct process *p, uint32_t id)
{
	/* One that was asked for before is outdated, or of a session that is over. */
	if (id == p->asked_id && p->session && !session_is_closed(p->session)) {
		send_request(p);
		p->asked_id = 0;
		link_pump(p->link);
	}
	transfer_reset(&p->request);
}

/* ---- Events ---- */

/* Once for each PDP, however often it comes back. */
static void note_oddity(struct process *p, enum session_oddity what)
{
	struct server *server = contact_server(p);
	uint16_t bit = (uint16_t)(1u << what);

	if (!server || server->noted & bit)
		return;
	server->noted |= bit;
	log_info(p->log, MODULE, "wrong at the PDP, passed over", log_endpoint("pdp", &server->endpoint),
		log_str("what", session_oddity_text(what)));
}

/* One REQ answers all the wishes that came before it. */
static void on_synchronize(struct process *p, uint32_t handle)
{
	if (p->synchronizing == SYNCHRONIZE_MAX) {
		log_warning(p->log, MODULE, "too many wishes to synchronize, the session ends",
			log_endpoint("pdp", &p->connected_to), log_u64("limit", SYNCHRONIZE_MAX));
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE);
		return;
	}
	p->synchronize[p->synchronizing++] = handle;
	if (p->synchronizing == 1)
		want_request(p);
}

/* Of a state that is gone nothing is left to synchronize. */
static void forget_synchronize(struct process *p, uint32_t handle)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->synchronizing; i++)
		if (p->synchronize[i] != handle)
			p->synchronize[kept++] = p->synchronize[i];
	p->synchronizing = kept;
}

static void on_lost(struct process *p)
{
	forget_synchronize(p, p->handle);
	p->handle = 0;
	p->owed_count = 0;
	p->request_again = p->unanswered = false;
	if (++p->states_lost <= STATES_LOST_MAX) {
		want_request(p);
		return;
	}
	log_warning(p->log, MODULE, "our request state is lost too often, the session ends",
		log_endpoint("pdp", &p->connected_to), log_u64("losses", p->states_lost));
	session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNSPECIFIED);
}

static void on_event(struct process *p, struct link *l, const struct session_event *event)
{
	char pdp[ENDPOINT_TEXT_SIZE];

	endpoint_format(link_peer(l), pdp);
	switch (event->kind) {
	case SESSION_START_TLS:
		link_start_tls(l);
		break;
	case SESSION_SECURE:
		tell_state(p, CONTACT_OPENING, "");
		break;
	case SESSION_OPENED:
		log_notice(p->log, MODULE, "session open", log_str("pdp", pdp));
		link_stay_plain(l);
		tell_state(p, CONTACT_OPEN, "");
		account_begin(p, event->acct_seconds);
		want_request(p);
		break;
	case SESSION_CLIENT_CLOSED:
		contact_refused(p, event);
		break;
	case SESSION_DECISION:
		on_decision(p, event);
		on_answer(p, event);
		break;
	case SESSION_REFUSED:
		log_warning(p->log, MODULE, "malformed decision refused", log_str("pdp", pdp),
			log_u64("gperr", event->code), log_err(&event->error));
		on_answer(p, event);
		break;
	case SESSION_DENIED:
		log_warning(p->log, MODULE, "the PDP did not accept our request",
			log_str("pdp", pdp), log_u64("error", event->code), log_err(&event->error));
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNSPECIFIED);
		break;
	case SESSION_STATE_LOST:
		log_warning(p->log, MODULE, "our request state is lost", log_str("pdp", pdp),
			log_u64("reason", event->code), log_err(&event->error));
		on_lost(p);
		break;
	case SESSION_SYNCHRONIZE:
		on_synchronize(p, event->state);
		break;
	case SESSION_ALIVE:
		(void)tell(p, &(struct message){.type = MESSAGE_PDP_HEARD});
		break;
	case SESSION_ODD:
		note_oddity(p, event->odd);
		break;
	case SESSION_CLOSED:
		p->closed_for = event->error;
		break;
	default: /* those of a PDP */
		break;
	}
}

void serve(struct process *p, struct link *l)
{
	struct session_event event;

	while (session_next_event(p->session, &event))
		on_event(p, l, &event);
	table_changed(p);
}

void serving_ended(struct process *p)
{
	/* A decision that nobody reported may be in force or not. */
	if (p->owed_count)
		p->has_in_sync = false;
	account_end(p);
	p->handle = 0;
	p->states_lost = 0;
	p->synchronizing = 0;
	p->request_again = p->unanswered = false;
	p->asked_id = p->told_id = 0;
	p->owed_count = 0;
}
