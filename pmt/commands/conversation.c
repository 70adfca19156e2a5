/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/conversation.h"

#include <ev.h>
#include <signal.h>
#include <stdlib.h>

#include "common/base/endpoint.h"
#include "common/cops/pr.h"
#include "common/link/link.h"
#include "common/service/settings.h"

enum { AGAIN_MS = 1000, FAREWELL_MS = 2000 };

struct conversation {
	struct ev_loop *loop;
	struct ev_timer deadline;
	struct ev_signal interrupts[2];
	struct net *net;
	struct key *key;
	struct endpoint pdp;
	struct pin pin;
	uint64_t timeout_ms;
	struct link *link; /* NULL: there is nobody */
	struct session *session;
	bool open; /* policy is taken from us */
	bool timed_out, interrupted;
	/* The order that waits for its answer. */
	uint32_t order; /* request state; 0: none */
	bool answered;
	struct error answer; /* E_OK: as it was wished */
	struct buffer *installs;
	/* What is followed. */
	uint32_t following; /* request state; 0: nothing */
	struct standing_table *table;
	bool changed;
	struct error why; /* the first thing that went wrong; E_OK: nothing did */
};

static uint32_t random_number(void *user)
{
	(void)user;
	return arc4random();
}

static void fail(struct conversation *c, enum err code, const char *text)
{
	if (!c->why.code)
		error_set(&c->why, code, "%s", text);
}

static void hang_up(struct conversation *c)
{
	session_close(c->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
}

/* ---- What comes ---- */

/* What a refusal installs: frwkError, and copsecFailure with the reason, if there is one. */
static void read_refusal(struct view named, struct error *e)
{
	struct cursor run = cursor_over(named);
	struct publishing_item item;
	struct error ignored;
	struct view text;

	while (!publishing_next(&run, &item, &ignored) && item.kind != PUBLISHING_END) {
		if (item.kind != PUBLISHING_OTHER)
			continue;
		if (item.pri.class->id == PIB_frwkError && !e->code)
			error_set(e, E_DENIED, "refused, without a reason");
		if (item.pri.class->id != PIB_copsecFailure)
			continue;
		text = pri_octets(&item.pri, copsecFailureText);
		error_set(e, E_DENIED, "refused: %.*s", (int)text.len, (const char *)text.data);
	}
}

static void on_answer(struct conversation *c, const struct session_event *event)
{
	struct cops_decision d;
	size_t at = 0;

	c->answered = true;
	while (cops_next_decision(event->message, &at, &d)) {
		if (d.command == COPS_NULL_DECISION)
			continue;
		read_refusal(d.named, &c->answer);
		if (!c->answer.code && !c->installs)
			error_set(&c->answer, E_DENIED, "refused, without a reason");
		else if (!c->answer.code)
			buffer_put_view(c->installs, d.named);
	}
}

static void on_told(struct conversation *c, const struct session_event *event)
{
	struct cops_decision d;
	struct error e = {0};
	size_t at = 0;

	while (!e.code && cops_next_decision(event->message, &at, &d)) {
		read_refusal(d.named, &e);
		if (!e.code && standing_take(c->table, d.named, &e))
			error_prefix(&e, "what the decision point says of its nodes");
	}
	c->changed = true;
	if (e.code)
		fail(c, e.code, e.text);
}

static void on_decision(struct conversation *c, const struct session_event *event)
{
	const bool order = event->state == c->order;

	if (order)
		on_answer(c, event);
	else if (event->state == c->following)
		on_told(c, event);
	if (pep_session_report(c->session, event->decision, COPS_SUCCESS, NULL, 0))
		fail(c, E_PROTOCOL, "the answer cannot be reported");
	if (order && pep_session_delete(c->session, event->state, COPS_REASON_UNSPECIFIED))
		fail(c, E_PROTOCOL, "the request cannot be ended");
}

static void on_event(struct conversation *c, struct link *l, const struct session_event *event)
{
	switch (event->kind) {
	case SESSION_START_TLS:
		link_start_tls(l);
		break;
	case SESSION_OPENED:
		c->open = true;
		break;
	case SESSION_DECISION:
		on_decision(c, event);
		break;
	case SESSION_CLIENT_CLOSED:
	case SESSION_DENIED:
	case SESSION_REFUSED:
	case SESSION_STATE_LOST:
		if (!c->why.code)
			error_set(&c->why, E_CLOSED,
				"the decision point takes no policy from us: %s",
				event->error.code ? event->error.text
						  : cops_error_name(event->code));
		hang_up(c);
		break;
	case SESSION_CLOSED:
		if (event->error.code)
			fail(c, event->error.code, event->error.text);
		break;
	default:
		break;
	}
}

static void on_drain(void *owner, struct link *l)
{
	struct conversation *c = owner;
	struct session_event event;

	while (session_next_event(c->session, &event))
		on_event(c, l, &event);
}

static bool on_authorize(void *owner, struct link *l, const struct pin *peer)
{
	struct conversation *c = owner;
	char pin[PIN_TEXT_SIZE];

	(void)l;
	if (pin_equal(peer, &c->pin))
		return true;
	pin_format(peer, pin);
	if (!c->why.code)
		error_set(&c->why, E_UNTRUSTED, "the decision point has another key, %s", pin);
	return false;
}

static void on_connected(void *owner, struct link *l)
{
	struct conversation *c = owner;
	struct session_config config = session_config_default(SESSION_PEP);

	config.pepid = *key_name(c->key) ? key_name(c->key) : "pmt";
	config.random = random_number;
	c->session = session_new(SESSION_PEP, &config, link_now());
	if (!c->session || pep_session_open(c->session, COPS_CLIENT_PUBLISHING, NULL, link_now())) {
		fail(c, E_MEMORY, "no memory for a session");
		session_free(c->session);
		c->session = NULL;
		return;
	}
	link_attach(l, &link_session, c->session);
}

static void on_ended(void *owner, const struct error *why)
{
	struct conversation *c = owner;

	c->link = NULL;
	c->open = false;
	fail(c, why->code ? why->code : E_CLOSED, why->text);
}

static const struct link_events events = {
	.connected = on_connected,
	.authorize = on_authorize,
	.drain = on_drain,
	.ended = on_ended,
};

/* ---- Waiting ---- */

static void on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct conversation *c = w->data;

	(void)loop;
	(void)revents;
	c->timed_out = true;
}

static void on_interrupt(struct ev_loop *loop, struct ev_signal *w, int revents)
{
	struct conversation *c = w->data;

	(void)loop;
	(void)revents;
	c->interrupted = true;
}

static bool is_open(const struct conversation *c)
{
	return c->open;
}

static bool is_answered(const struct conversation *c)
{
	return c->answered;
}

static bool is_followed(const struct conversation *c)
{
	return standing_is_whole(c->table);
}

static bool has_changed(const struct conversation *c)
{
	return c->changed;
}

/* Runs until it holds; E_CLOSED and the like if it cannot any more. */
static enum err run_until(struct conversation *c, bool (*holds)(const struct conversation *),
	uint64_t until, const char *late, struct error *e)
{
	const uint64_t now = link_now();

	c->timed_out = false;
	ev_timer_stop(c->loop, &c->deadline);
	ev_timer_set(&c->deadline, until > now ? (double)(until - now) / 1000 : 0, 0);
	ev_timer_start(c->loop, &c->deadline);
	while (!holds(c) && c->link && !c->timed_out && !c->interrupted)
		ev_run(c->loop, EVRUN_ONCE);
	ev_timer_stop(c->loop, &c->deadline);
	if (holds(c))
		return E_OK;
	if (c->interrupted)
		return error_set(e, E_AGAIN, "interrupted");
	if (c->timed_out)
		return error_set(e, E_TIMEOUT, "%s", late);
	*e = c->why;
	return e->code ? e->code : error_set(e, E_CLOSED, "closed without an answer");
}

/* ---- Life ---- */

/* An earlier connection is forgotten. */
static void let_go(struct conversation *c)
{
	c->link = link_abort(c->link);
	session_free(c->session);
	c->session = NULL;
	c->open = false;
	c->order = c->following = 0;
	c->why = (struct error){0};
}

static enum err connect_to(struct conversation *c, uint64_t until, struct error *e)
{
	enum err code;

	let_go(c);
	code = link_connect(c->loop, c->net, &c->pdp, 1, NULL, &events, c, &c->link, e);
	return code ? code : run_until(c, is_open, until, "no answer in time", e);
}

static enum err prepare(
	struct conversation *c, const struct conversation_terms *terms, struct error *e)
{
	const struct passphrase passphrase = {
		passphrase_ask, (void *)(uintptr_t)&terms->source /* only read */};
	enum err code = endpoint_parse(terms->pdp, COPS_PORT, &c->pdp, e);

	if (!code)
		code = pin_parse(terms->pin, &c->pin, e);
	if (!code)
		code = key_load(terms->key, &passphrase, &c->key, e);
	if (!code)
		code = net_new(c->loop, c->key, &c->net, e);
	return code;
}

enum err conversation_begin(const struct conversation_terms *terms,
	struct conversation **ret_conversation, struct error *e)
{
	static const int signals[] = {SIGINT, SIGTERM};
	struct conversation *c = calloc(1, sizeof *c);
	enum err code;

	if (c)
		c->loop = ev_loop_new(EVFLAG_AUTO);
	if (!c || !c->loop) {
		free(c);
		return error_set(e, E_MEMORY, "no event loop");
	}
	c->timeout_ms = terms->timeout_ms;
	ev_timer_init(&c->deadline, on_deadline, 0, 0);
	c->deadline.data = c;
	code = prepare(c, terms, e);
	for (size_t i = 0; i < 2; i++) {
		ev_signal_init(&c->interrupts[i], on_interrupt, signals[i]);
		c->interrupts[i].data = c;
		ev_signal_start(c->loop, &c->interrupts[i]);
	}
	if (!code)
		code = connect_to(c, link_now() + c->timeout_ms, e);
	if (code)
		conversation_end(c);
	else
		*ret_conversation = c;
	return code;
}

/* The loop has nothing more to do once our last words have gone out. */
static void take_leave(struct conversation *c)
{
	if (c->link && c->open && !session_is_closed(c->session)) {
		hang_up(c);
		link_pump(c->link);
	} else {
		c->link = link_abort(c->link);
	}
	c->timed_out = false;
	ev_timer_set(&c->deadline, FAREWELL_MS / 1000.0, 0);
	ev_timer_start(c->loop, &c->deadline);
	ev_unref(c->loop);
	while (!c->timed_out && ev_run(c->loop, EVRUN_ONCE))
		;
	ev_ref(c->loop);
	ev_timer_stop(c->loop, &c->deadline);
}

void conversation_end(struct conversation *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < 2; i++)
		ev_signal_stop(c->loop, &c->interrupts[i]);
	take_leave(c);
	let_go(c);
	net_free(c->net);
	key_free(c->key);
	ev_loop_destroy(c->loop);
	free(c);
}

/* ---- Speaking ---- */

static enum err request(struct conversation *c, const struct publishing_order *order,
	struct view bundle, uint32_t *ret_state, struct error *e)
{
	struct view pieces[2] = {{0}, bundle};
	struct buffer first;
	enum err code;

	if (!c->open) {
		*e = c->why;
		return e->code ? e->code : error_set(e, E_CLOSED, "the decision point is gone");
	}
	buffer_init(&first, COPS_MESSAGE_LIMIT);
	code = publishing_order_put(order, &first, e);
	pieces[0] = buffer_view(&first);
	if (!code) {
		code = pep_session_request(c->session, COPS_CLIENT_PUBLISHING, pieces,
			bundle.len ? 2 : 1, link_now(), ret_state);
		if (code)
			error_set(e, code, "it cannot be sent: %s", err_text(code));
	}
	buffer_fini(&first);
	if (!code)
		link_pump(c->link);
	return code;
}

enum err conversation_order(struct conversation *c, const struct publishing_order *order,
	struct view bundle, struct buffer *installs, struct error *e)
{
	enum err code;

	c->answered = false;
	c->answer = (struct error){0};
	c->installs = installs;
	code = request(c, order, bundle, &c->order, e);
	if (!code)
		code = run_until(
			c, is_answered, link_now() + c->timeout_ms, "no answer in time", e);
	c->order = 0;
	c->installs = NULL;
	if (!code && c->answer.code) {
		*e = c->answer;
		code = e->code;
	}
	return code;
}

enum err conversation_follow(struct conversation *c, struct standing_table *table, struct error *e)
{
	const struct publishing_order order = {.action = PUBLISHING_FOLLOW};
	enum err code;

	c->table = table;
	standing_begin(table);
	code = request(c, &order, VIEW_NONE, &c->following, e);
	if (!code)
		code = run_until(
			c, is_followed, link_now() + c->timeout_ms, "no answer in time", e);
	c->changed = false;
	if (!code && c->why.code) {
		*e = c->why;
		code = e->code;
	}
	return code;
}

enum err conversation_wait(struct conversation *c, uint64_t until, struct error *e)
{
	enum err code = run_until(c, has_changed, until, "time is up", e);

	c->changed = false;
	return code;
}

/* The loop has nothing to do meanwhile but its timer. */
static enum err pause_for(struct conversation *c, uint64_t until)
{
	const uint64_t soon = link_now() + AGAIN_MS, end = soon < until ? soon : until;

	c->timed_out = false;
	ev_timer_set(&c->deadline, end > link_now() ? (double)(end - link_now()) / 1000 : 0, 0);
	ev_timer_start(c->loop, &c->deadline);
	while (!c->timed_out && !c->interrupted)
		ev_run(c->loop, EVRUN_ONCE);
	ev_timer_stop(c->loop, &c->deadline);
	return c->interrupted ? E_AGAIN : E_OK;
}

enum err conversation_resume(struct conversation *c, uint64_t until, struct error *e)
{
	enum err code;

	for (;;) {
		if (pause_for(c, until))
			return error_set(e, E_AGAIN, "interrupted");
		code = connect_to(c, until, e);
		if (!code)
			code = conversation_follow(c, c->table, e);
		if (!code || code == E_AGAIN || code == E_UNTRUSTED)
			return code;
		if (link_now() >= until) {
			error_prefix(e, "the decision point does not come back");
			return e->code = E_CLOSED;
		}
	}
}

/* ---- Options ---- */

bool conversation_option(
	struct conversation_terms *terms, const char *name, int id, const char *value)
{
	switch (id) {
	case OPTION_PDP:
		terms->pdp = value;
		return true;
	case OPTION_PDP_PIN:
		terms->pin = value;
		return true;
	case OPTION_PDP_KEY:
		terms->key = value;
		return true;
	case OPTION_PDP_PASSPHRASE_FILE:
		terms->source.file = value;
		return true;
	default:
		return command_duration(name, "timeout", value, &terms->timeout_ms);
	}
}

const char *conversation_lacks(const struct conversation_terms *terms)
{
	return !terms->pdp ? "pdp" : !terms->pin ? "pdp-pin" : !terms->key ? "key" : NULL;
}
