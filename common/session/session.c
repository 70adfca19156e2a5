/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

#include <stdlib.h>
#include <string.h>

static const struct role *const roles[] = {
	[SESSION_PEP] = &role_pep,
	[SESSION_PDP] = &role_pdp,
};

struct session_limits session_limits_default(void)
{
	return (struct session_limits){.message = COPS_MESSAGE_LIMIT,
		.states = SESSION_STATES_MAX,
		.output = SESSION_OUTPUT_LIMIT};
}

struct session_config session_config_default(enum session_role role)
{
	struct session_config config = {.security = SESSION_TLS_REQUIRED,
		.limits = session_limits_default(),
		.open_timeout = 30 * 1000,
		.message_timeout = 30 * 1000,
		.acct_seconds = SESSION_ACCOUNTING_ANY};

	if (role == SESSION_PEP)
		config.request_timeout = 30 * 1000;
	else
		config.ka_seconds = 30;
	return config;
}

/* ---- Life ---- */

static bool is_pepid(const char *pepid, size_t len)
{
	if (len == 0 || len > COPS_PEPID_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (pepid[i] < 0x20 || pepid[i] > 0x7e)
			return false;
	return true;
}

struct session *session_new(
	enum session_role role, const struct session_config *config, uint64_t now)
{
	size_t len = role == SESSION_PEP ? strlen(config->pepid) : 0;
	struct session *s;

	if (role == SESSION_PEP && !is_pepid(config->pepid, len))
		return NULL;
	s = calloc(1, sizeof *s + len);
	if (!s)
		return NULL;
	s->role = roles[role];
	s->limits = config->limits;
	s->security = config->security;
	s->open_timeout = config->open_timeout;
	s->request_timeout = config->request_timeout;
	s->message_timeout = config->message_timeout;
	s->random = config->random;
	s->user = config->user;
	s->keys = config->integrity_keys;
	s->integrity_required = config->integrity_required;
	s->utc = config->utc;
	s->ka_offered = config->ka_seconds;
	s->acct_offered = config->acct_seconds;
	if (len)
		memcpy(s->pepid, config->pepid, len);
	s->pepid_len = len;
	buffer_init(&s->stream.in, SIZE_MAX);
	arena_init(&s->arena, COPS_ARENA_LIMIT);
	s->now = s->since = s->last_heard = now;
	s->next_ka = SESSION_NEVER;
	if (role == SESSION_PEP && s->keys)
		s->integrity = integrity_new(s->keys, view_of_string(config->pdp));
	if ((role == SESSION_PEP && s->keys && !s->integrity) || security_begin(s)) {
		session_free(s);
		return NULL;
	}
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	forget_all(s);
	list_fini(&s->events);
	queue_fini(s);
	buffer_fini(&s->stream.in);
	arena_fini(&s->arena);
	integrity_free(s->integrity);
	free(s);
}

void session_set_tap(struct session *s, session_tap tap, void *tapper)
{
	s->tap = tap;
	s->tapper = tapper;
}

enum session_role session_role(const struct session *s)
{
	return s->role->role;
}

uint32_t session_messages(const struct session *s)
{
	return s->stream.seen;
}

bool session_is_closed(const struct session *s)
{
	return s->phase == CLOSED;
}

/* ---- A message ---- */

static enum standing standing(const struct session *s, uint16_t client_type)
{
	const struct client *client = find_client(s, client_type);

	if (s->phase == NEGOTIATING)
		return UNSECURED;
	if (client_type == COPS_CLIENT_CONNECTION)
		return CONNECTION;
	if (!client || client->opening == WISHED)
		return UNKNOWN;
	return client->opening == OPEN ? OPENED : ASKED;
}

static void on_malformed(struct session *s, struct view octets, const struct cops_fault *fault)
{
	const struct rule *rule = &s->role->rules[octets.data[1]];

	if (rule->malformed)
		rule->malformed(s, octets, fault);
	else
		close_client_fault(s, s->message.client_type, fault);
}

/* After the message has done what it does, so that the user knows by then who the peer is. */
static void note_tolerated(struct session *s, uint8_t tolerated)
{
	static const struct {
		uint8_t bit;
		enum session_oddity odd;
	} rows[] = {
		{COPS_ODD_PEPID_NUL, SESSION_ODD_PEPID_NUL},
		{COPS_ODD_PEPID_PADDING, SESSION_ODD_PEPID_PADDING},
		{COPS_ODD_OBJECT_PADDING, SESSION_ODD_PADDING},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (tolerated & rows[i].bit)
			session_note(s, rows[i].odd);
}

static struct cops_message header(struct view octets)
{
	return (struct cops_message){.op = octets.data[1],
		.flags = octets.data[0] & 0x0f,
		.client_type = (uint16_t)(octets.data[2] << 8 | octets.data[3])};
}

static void on_message(struct session *s, struct view octets)
{
	struct cops_message *m = &s->message;
	void (*handle)(struct session *);
	struct cops_fault fault;

	*m = header(octets);
	handle = s->role->rules[m->op].handle[standing(s, m->client_type)];
	if (!handle) {
		s->role->barred(s);
		return;
	}
	if (cops_decode(octets, &s->arena, m, &fault) || cops_check(m, COPS_PR, &fault)) {
		on_malformed(s, octets, &fault);
		return;
	}
	if (m->flags & COPS_FLAG_SOLICITED && !cops_may_be_solicited(m->op))
		odd(s, SESSION_ODD_SOLICITED);
	if (s->phase == CLOSED)
		return;
	handle(s);
	note_tolerated(s, cops_tolerated(m));
}

static void on_oversized(struct session *s, struct view head)
{
	struct cops_fault fault = {0};

	/* Its digest cannot be seen. */
	if (!security_passes(s, head))
		return;
	s->message = header(head);
	count_limit(s, SESSION_LIMIT_MESSAGE);
	error_set(&fault.error, E_LIMIT, "%s longer than the %zu octets that are taken",
		cops_op_name(s->message.op), s->limits.message);
	s->role->oversized(s, head, &fault);
}

static void on_lost_stream(struct session *s, enum err code)
{
	struct cops_fault fault = {0};

	error_set(&fault.error, code, "the stream of the %s cannot be read: message header: %s",
		s->role->peer, err_text(code));
	finish_fault(s, &fault);
}

static void on_clear_octets(struct session *s)
{
	struct error e;

	count(s, SESSION_COUNT_ERRORS_IN);
	count(s, SESSION_COUNT_AUTH_MISSING);
	error_set(&e, E_DENIED, "octets in clear where the TLS handshake was due");
	finish(s, COPS_CLIENT_CONNECTION, COPS_ERROR_AUTH_REQUIRED,
		COPS_SUB_CODE(COPS_INTEGRITY, COPS_INTEGRITY_TLS), &e);
}

/* ---- What the driver calls ---- */

/* Up to the end of the next message; false if none was whole. */
static bool receive_one(struct session *s, struct view octets, size_t *ret_used)
{
	struct view message;
	enum err code;

	stream_release(s);
	*ret_used = 0;
	if (s->phase == HANDSHAKE) {
		on_clear_octets(s);
		return true;
	}
	code = stream_take(s, octets, ret_used, &message);
	if (code == E_AGAIN)
		return false;
	if (code && code != E_LIMIT) {
		count(s, SESSION_COUNT_MESSAGES_IN);
		on_lost_stream(s, code);
		return true;
	}
	if (code)
		on_oversized(s, message);
	else if (security_passes(s, message))
		on_message(s, message);
	/* Only now, for it may have been the one that made its client-type known. */
	count(s, SESSION_COUNT_MESSAGES_IN);
	return true;
}

size_t session_receive(struct session *s, struct view octets, uint64_t now)
{
	size_t used = 0, part;
	bool more = true;

	if (s->phase == CLOSED)
		return octets.len;
	if (s->events.count || !octets.len)
		return 0;
	s->now = s->last_heard = now;
	while (more && used < octets.len && !s->events.count && s->phase != CLOSED) {
		more = receive_one(s, VIEW(octets.data + used, octets.len - used), &part);
		used += part;
	}
	if (!s->events.count)
		stream_release(s);
	return s->phase == CLOSED ? octets.len : used;
}

bool session_next_event(struct session *s, struct session_event *ret)
{
	if (s->events.count) {
		*ret = *(struct session_event *)s->events.items;
		list_remove(&s->events, sizeof *ret, 0);
		s->told |= ret->kind == SESSION_CLOSED;
		return true;
	}
	stream_release(s);
	if (s->phase != CLOSED || s->told)
		return false;
	/* There was no memory for the event. */
	*ret = (struct session_event){.kind = SESSION_CLOSED};
	error_set(&ret->error, E_MEMORY, "no memory for an event");
	s->told = true;
	return true;
}
