/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/status.h"

#include "common/session/internal.h"

/* ---- Names ---- */

const char *session_count_name(enum session_count kind)
{
	static const char *const names[] = {
#define X(symbol, name, object) name,
		SESSION_COUNTS(X)
#undef X
	};

	return (unsigned)kind < SESSION_COUNT_KINDS ? names[kind] : "unknown";
}

const char *session_oddity_name(enum session_oddity what)
{
	static const char *const names[SESSION_ODDITIES] = {
		[SESSION_ODD_NOT_SOLICITED] = "not-solicited",
		[SESSION_ODD_SOLICITED] = "solicited",
		[SESSION_ODD_KEEP_ALIVE] = "keep-alive",
		[SESSION_ODD_UNKNOWN_HANDLE] = "unknown-handle",
		[SESSION_ODD_UNKNOWN_CLIENT] = "unknown-client-type",
		[SESSION_ODD_UNEXPECTED] = "unexpected-answer",
		[SESSION_ODD_REDIRECTION] = "redirection-in-clear",
		[SESSION_ODD_PEPID_NUL] = "pepid-without-nul",
		[SESSION_ODD_PEPID_PADDING] = "pepid-padding",
		[SESSION_ODD_PADDING] = "no-last-padding",
		[SESSION_ODD_INTEGER] = "integer-for-unsigned32",
	};

	return (unsigned)what < SESSION_ODDITIES ? names[what] : "unknown";
}

const char *session_limit_name(enum session_limit limit)
{
	static const char *const names[SESSION_LIMITS] = {
		[SESSION_LIMIT_MESSAGE] = "message",
		[SESSION_LIMIT_CLIENT_TYPES] = "client-types",
		[SESSION_LIMIT_STATES] = "request-states",
		[SESSION_LIMIT_REQUESTS] = "requests",
		[SESSION_LIMIT_DECISIONS] = "decisions",
		[SESSION_LIMIT_ANSWERS] = "answers",
		[SESSION_LIMIT_OUTPUT] = "output",
		[SESSION_LIMIT_SLOW] = "slow-messages",
	};

	return (unsigned)limit < SESSION_LIMITS ? names[limit] : "unknown";
}

const char *session_progress_name(enum session_progress progress)
{
	static const char *const names[] = {
		[SESSION_INVALID] = "invalid",
		[SESSION_CONNECTED] = "connected",
		[SESSION_AUTHENTICATING] = "authenticating",
		[SESSION_SECURED] = "secured",
		[SESSION_ACCEPTED] = "accepted",
		[SESSION_TIMING_OUT] = "timing-out",
	};

	return progress >= SESSION_INVALID && progress <= SESSION_TIMING_OUT ? names[progress]
									     : "unknown";
}

/* ---- Counting ---- */

static struct session_counts *row_of(struct session_counters *c, uint16_t client_type)
{
	if (!c->row_count)
		c->row_count = 1;
	for (uint32_t i = 0; i < c->row_count; i++)
		if (c->rows[i].client_type == client_type)
			return &c->rows[i];
	return NULL;
}

/* Only for client-types that are ours: a peer could name 65,536 of them. */
static struct session_counts *make_row(struct session_counters *c, uint16_t client_type)
{
	struct session_counts *row = row_of(c, client_type);

	if (row)
		return row;
	if (c->row_count == sizeof c->rows / sizeof c->rows[0])
		return &c->rows[0];
	row = &c->rows[c->row_count++];
	row->client_type = client_type;
	return row;
}

static struct session_counts *row_for(struct session *s, uint16_t client_type)
{
	struct session_counts *row;

	if (find_client(s, client_type))
		return make_row(&s->counters, client_type);
	row = row_of(&s->counters, client_type);
	return row ? row : &s->counters.rows[0];
}

void count_for(struct session *s, uint16_t client_type, enum session_count kind)
{
	row_for(s, client_type)->of[kind]++;
}

void count(struct session *s, enum session_count kind)
{
	count_for(s, s->message.client_type, kind);
}

void count_limit(struct session *s, enum session_limit limit)
{
	s->counters.limited[limit]++;
}

static enum session_count kind_of(const struct cops_fault *fault)
{
	switch (fault->error.code) {
	case E_VERSION:
		return SESSION_COUNT_UNSUPPORTED_VERSION;
	case E_LENGTH:
	case E_TRUNCATED:
	case E_TRAILING:
		return SESSION_COUNT_LENGTH_MISMATCH;
	case E_UNKNOWN:
		if (!fault->of_object)
			return SESSION_COUNT_UNKNOWN_OP_CODE;
		return cops_c_num_name(fault->c_num) ? SESSION_COUNT_BAD_C_TYPE
						     : SESSION_COUNT_UNKNOWN_C_NUM;
	case E_MISSING:
	case E_UNEXPECTED:
		/* Otherwise it is the client-type that has no place there. */
		return fault->of_object ? SESSION_COUNT_WRONG_OBJECTS : SESSION_COUNT_KINDS;
	default:
		return SESSION_COUNT_KINDS;
	}
}

void count_fault(struct session *s, const struct cops_fault *fault)
{
	enum session_count kind = kind_of(fault);

	count(s, SESSION_COUNT_ERRORS_IN);
	if (kind != SESSION_COUNT_KINDS)
		count(s, kind);
}

void note_error(struct session *s, const struct cops_object *error)
{
	row_for(s, s->message.client_type)->last_error = error->error.code;
	if (s->message.op == COPS_CC && error->error.code == COPS_ERROR_COMMUNICATION)
		count(s, SESSION_COUNT_KEEP_ALIVE_TIMEOUTS);
}

void session_counters_add(struct session_counters *sum, const struct session_counters *c)
{
	sum->octets_in += c->octets_in;
	sum->octets_out += c->octets_out;
	for (unsigned i = 0; i < SESSION_ODDITIES; i++)
		sum->odd[i] += c->odd[i];
	for (unsigned i = 0; i < SESSION_LIMITS; i++)
		sum->limited[i] += c->limited[i];
	for (uint32_t i = 0; i < c->row_count; i++) {
		struct session_counts *row = make_row(sum, c->rows[i].client_type);

		for (unsigned k = 0; k < SESSION_COUNT_KINDS; k++)
			row->of[k] += c->rows[i].of[k];
		if (c->rows[i].last_error)
			row->last_error = c->rows[i].last_error;
	}
}

uint32_t session_counters_total(const struct session_counters *c, enum session_count kind)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < c->row_count; i++)
		total += c->rows[i].of[kind];
	return total;
}

const struct session_counters *session_counters(const struct session *s)
{
	return &s->counters;
}

/* ---- The status ---- */

static enum session_progress connection_progress(const struct session *s)
{
	uint64_t ms = keep_alive_interval(s);

	if (s->phase == CLOSED)
		return SESSION_INVALID;
	if (s->phase != READY)
		return SESSION_AUTHENTICATING;
	return ms && s->now - s->last_heard > ms / 4 * 3 ? SESSION_TIMING_OUT : SESSION_SECURED;
}

static void describe_client(
	const struct session *s, const struct client *c, struct session_client_status *ret)
{
	bool open = c->opening == OPEN;

	*ret = (struct session_client_status){.client_type = c->type,
		.progress = open ? SESSION_ACCEPTED : SESSION_CONNECTED,
		.ka_seconds = open ? c->ka_seconds : 0,
		.acct_seconds = open ? c->acct_seconds : 0};
	for (uint32_t i = 0; i < s->states.count; i++)
		ret->states += states(s)[i].client_type == c->type;
	for (uint32_t i = 0; i < s->duties.count; i++) {
		const struct state *state = find_state(s, duties(s)[i].state);

		ret->unreported += state && state->client_type == c->type;
	}
}

void session_status(const struct session *s, struct session_status *ret)
{
	*ret = (struct session_status){.security = s->security,
		.ka_seconds = (uint32_t)(keep_alive_interval(s) / 1000),
		.states = s->states.count,
		.unreported = s->duties.count,
		.waiting = s->queue.waiting,
		.client_count = 1 + s->clients.count};
	for (uint32_t i = 0; i < s->states.count; i++)
		ret->unanswered += states(s)[i].unanswered;
	ret->clients[0] = (struct session_client_status){.progress = connection_progress(s),
		.ka_seconds = s->connection_ka,
		.states = ret->states,
		.unreported = ret->unreported};
	for (uint32_t i = 0; i < s->clients.count; i++)
		describe_client(s, &clients(s)[i], &ret->clients[1 + i]);
}
