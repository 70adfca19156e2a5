/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

/* ---- What is wanted ---- */

static bool is_sealed(const struct session *s)
{
	return s->integrity && integrity_is_up(s->integrity);
}

static bool needs_tls(const struct session *s)
{
	return !s->secured && s->security != SESSION_TLS_OPTIONAL && s->security != SESSION_PLAIN;
}

/* The sub-code of Error 15: which kind of Integrity object we want (RFC 4261 section 4.2). */
static uint16_t wanted(const struct session *s)
{
	if (needs_tls(s))
		return COPS_SUB_CODE(COPS_INTEGRITY, COPS_INTEGRITY_TLS);
	return COPS_SUB_CODE(COPS_INTEGRITY, s->integrity_required ? COPS_INTEGRITY_HMAC : 0);
}

/* `kind` SESSION_COUNT_KINDS: none in particular. */
static void refuse(struct session *s, enum session_count kind, uint16_t code, uint16_t sub_code,
	const struct error *error)
{
	count(s, SESSION_COUNT_ERRORS_IN);
	if (kind != SESSION_COUNT_KINDS)
		count(s, kind);
	if (s->role->role == SESSION_PEP && s->phase == NEGOTIATING)
		count(s, SESSION_COUNT_OPEN_FAILURES);
	/* RFC 2748 section 4.1: for client-type 0, whatever is open. */
	check_answer(s, send_close(s, COPS_CLIENT_CONNECTION, code, sub_code));
	end(s, error);
}

static void refuse_security(struct session *s, enum session_count kind, const char *why)
{
	struct error e;

	error_set(&e, E_DENIED, "%s", why);
	refuse(s, kind, COPS_ERROR_AUTH_REQUIRED, wanted(s), &e);
}

/* False: the message is not what it claims, and that has ended the session. */
static bool verify(struct session *s, struct view octets)
{
	struct integrity_fault fault;

	if (!integrity_verify(s->integrity, s->utc(s->user), octets, &fault))
		return true;
	refuse(s, fault.code == COPS_ERROR_AUTH_REQUIRED ? SESSION_COUNT_AUTH_MISSING
							 : SESSION_COUNT_AUTH_FAILURES,
		fault.code, fault.sub_code, &fault.error);
	return false;
}

bool security_passes(struct session *s, struct view octets)
{
	return !is_sealed(s) || verify(s, octets);
}

enum err security_seal(struct session *s, struct buffer *octets, bool first)
{
	if (!first && !is_sealed(s))
		return E_OK;
	return integrity_seal(s->integrity, s->utc(s->user), octets);
}

bool security_protects(const struct session *s)
{
	return s->phase == READY && (s->secured || is_sealed(s));
}

bool security_covers(const struct session *s, struct view pepid)
{
	return !is_sealed(s) || view_equal(integrity_peer(s->integrity), pepid);
}

bool session_is_sealed(const struct session *s)
{
	return is_sealed(s);
}

enum err session_integrity_binding(const struct session *s, struct session_binding *ret_binding)
{
	return is_sealed(s) ? integrity_binding(s->integrity, ret_binding) : E_UNEXPECTED;
}

/* ---- The steps ---- */

/* OPN or CAT for client-type 0, with that kind of Integrity object; 0: with none. */
static enum err send_security(struct session *s, enum cops_op op, uint8_t c_type)
{
	struct draft d = draft_begin(s, op, 0, COPS_CLIENT_CONNECTION);

	if (op == COPS_OPN) {
		cops_put_pepid(&d.octets, VIEW(s->pepid, s->pepid_len));
		count_for(s, COPS_CLIENT_CONNECTION, SESSION_COUNT_OPEN_ATTEMPTS);
	} else {
		cops_put_ka_timer(&d.octets, s->ka_offered);
	}
	if (c_type == COPS_INTEGRITY_TLS)
		cops_put_start_tls(&d.octets);
	d.first = c_type == COPS_INTEGRITY_HMAC;
	return draft_send(s, &d, op == COPS_CAT);
}

static void start_tls(struct session *s)
{
	s->phase = HANDSHAKE;
	s->since = s->now;
	emit(s, SESSION_START_TLS, COPS_CLIENT_CONNECTION);
}

static void ready(struct session *s)
{
	s->phase = READY;
	s->since = s->now;
	plan_keep_alive(s);
	if (s->role->role == SESSION_PDP)
		return;
	emit(s, SESSION_SECURE, COPS_CLIENT_CONNECTION);
	open_wished(s);
}

/* The least of what was said for client-type 0. */
static void take_keep_alive(struct session *s, uint16_t seconds)
{
	if (seconds && (!s->connection_ka || seconds < s->connection_ka))
		s->connection_ka = seconds;
}

/* What a PEP begins with: without TLS, then within it. */
static enum err make_offer(struct session *s)
{
	s->offer = 0;
	if (!s->secured && s->security == SESSION_TLS_REQUIRED)
		s->offer = COPS_INTEGRITY_TLS;
	else if (s->integrity && !needs_tls(s))
		s->offer = COPS_INTEGRITY_HMAC;
	else if (s->secured || s->security == SESSION_PLAIN)
		return E_OK;
	s->phase = NEGOTIATING;
	s->since = s->now;
	return send_security(s, COPS_OPN, s->offer);
}

enum err security_begin(struct session *s)
{
	s->phase = READY;
	if (s->security == SESSION_TLS_DIRECT) {
		start_tls(s);
		return E_OK;
	}
	if (s->role->role == SESSION_PEP)
		return make_offer(s);
	if (needs_tls(s) || s->integrity_required)
		s->phase = NEGOTIATING;
	return E_OK;
}

void session_tls_done(struct session *s, uint64_t now)
{
	enum err failed = E_OK;

	if (s->phase != HANDSHAKE)
		return;
	s->now = s->since = s->last_heard = now;
	s->secured = true;
	s->phase = READY;
	if (s->role->role == SESSION_PEP)
		failed = make_offer(s);
	else if (s->integrity_required)
		s->phase = NEGOTIATING;
	check_answer(s, failed);
	if (s->phase == READY)
		ready(s);
}

/* ---- At the PEP ---- */

void security_granted(struct session *s)
{
	const struct cops_message *m = &s->message;
	const struct cops_object *tls = cops_find_type(m, COPS_INTEGRITY, COPS_INTEGRITY_TLS);

	if (m->client_type != COPS_CLIENT_CONNECTION) {
		odd(s, SESSION_ODD_UNEXPECTED);
		return;
	}
	if (s->offer == COPS_INTEGRITY_HMAC) {
		if (!verify(s, m->octets))
			return;
	} else if (tls && tls->integrity_tls.flags & COPS_START_TLS) {
		take_keep_alive(s, cops_find(m, COPS_KA_TIMER)->timer.seconds);
		start_tls(s);
		return;
	} else if (needs_tls(s)) {
		refuse_security(s, SESSION_COUNT_AUTH_MISSING,
			"the PDP accepts without TLS, which is required");
		return;
	}
	take_keep_alive(s, cops_find(m, COPS_KA_TIMER)->timer.seconds);
	ready(s);
}

/* ---- At the PDP ---- */

void security_insist(struct session *s)
{
	refuse_security(s, SESSION_COUNT_AUTH_MISSING,
		needs_tls(s) ? "the PEP speaks without TLS, which is required"
			     : "the PEP speaks without the Integrity object, which is required");
}

static void grant_integrity(struct session *s)
{
	const struct cops_message *m = &s->message;
	struct error e;
	enum err code;

	s->integrity = integrity_new(s->keys, cops_find(m, COPS_PEPID)->pepid);
	if (!s->integrity) {
		error_set(&e, E_MEMORY, "no memory for the Integrity object");
		refuse(s, SESSION_COUNT_KINDS, COPS_ERROR_UNABLE, 0, &e);
		return;
	}
	if (!verify(s, m->octets))
		return;
	code = send_security(s, COPS_CAT, COPS_INTEGRITY_HMAC);
	check_answer(s, code);
	if (code)
		return;
	take_keep_alive(s, s->ka_offered);
	ready(s);
}

static void grant_tls(struct session *s)
{
	enum err code = send_security(s, COPS_CAT, COPS_INTEGRITY_TLS);

	check_answer(s, code);
	if (code)
		return;
	take_keep_alive(s, s->ka_offered);
	start_tls(s);
}

void security_offered(struct session *s)
{
	const struct cops_object *o = cops_find(&s->message, COPS_INTEGRITY);
	bool tls = !o || (o->c_type == COPS_INTEGRITY_TLS && o->integrity_tls.flags & COPS_START_TLS);
	struct error e;

	if (s->message.client_type != COPS_CLIENT_CONNECTION) {
		security_insist(s);
	} else if (s->security == SESSION_PLAIN && !s->keys) {
		refuse_security(s, SESSION_COUNT_KINDS,
			"the PEP wants security, which is switched off here");
	} else if (s->clients.count || is_sealed(s) || (s->secured && !s->keys)) {
		error_set(&e, E_UNEXPECTED, "OPN for client-type 0 on a connection that is %s",
			s->clients.count ? "in use" : "secure");
		refuse(s, SESSION_COUNT_KINDS, COPS_ERROR_BAD_FORMAT, 0, &e);
	} else if (o && o->c_type == COPS_INTEGRITY_HMAC && s->keys && !needs_tls(s)) {
		grant_integrity(s);
	} else if (tls && !s->secured && s->security != SESSION_PLAIN) {
		/* RFC 4261 sections 5.1 and 5.2: with the object the PEP begins, without it we do. */
		grant_tls(s);
	} else if (needs_tls(s)) {
		refuse_security(s, SESSION_COUNT_AUTH_FAILURES,
			"the PEP offers another security than TLS");
	} else if (s->integrity_required) {
		refuse_security(s, SESSION_COUNT_AUTH_MISSING,
			"the PEP does not offer the Integrity object, which is required");
	} else {
		refuse_security(s, SESSION_COUNT_KINDS,
			"the PEP wants security that is switched off here");
	}
}
