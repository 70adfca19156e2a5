/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/message.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- The grammar of each op-code (RFC 2748 section 3, RFC 3084 section 3) --- */

/* C-Types as a set. */
#define T(type) (1u << (type))
#define T_IP (T(COPS_IPV4) | T(COPS_IPV6))
#define T_DATA                                                                                     \
	(T(COPS_DECISION_STATELESS) | T(COPS_DECISION_REPLACEMENT) | T(COPS_DECISION_CLIENT) |     \
		T(COPS_DECISION_NAMED))

enum { MANY = UINT16_MAX };

struct part {
	uint8_t c_num;
	uint8_t c_types;
	uint16_t least, most;
};

/* Parts in order; the whole of them so and so often. */
struct group {
	const struct part *parts;
	size_t count;
	uint16_t least, most;
	bool instead; /* stands only where the group before it is absent */
};

#define GROUP(parts, least, most)                                                                  \
	{                                                                                          \
		parts, COUNT(parts), least, most, false                                            \
	}
#define INSTEAD(parts, least, most)                                                                \
	{                                                                                          \
		parts, COUNT(parts), least, most, true                                             \
	}

static const struct part req_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_CONTEXT, T(COPS_ONLY), 1, 1},
	{COPS_IN_INT, T_IP, 0, 1},
	{COPS_OUT_INT, T_IP, 0, 1},
	{COPS_CLIENT_SI, T(COPS_SI_SIGNALED) | T(COPS_SI_NAMED), 0, MANY},
};
static const struct part lpdp_parts[] = {
	{COPS_CONTEXT, T(COPS_ONLY), 0, 1},
	{COPS_LPDP_DECISION, T(COPS_DECISION_FLAGS), 1, 1},
	{COPS_LPDP_DECISION, T_DATA, 0, 4},
};
static const struct part req_pr_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_CONTEXT, T(COPS_ONLY), 1, 1},
	{COPS_CLIENT_SI, T(COPS_SI_NAMED), 0, MANY},
};
static const struct part handle_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
};
static const struct part optional_handle_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 0, 1},
};
static const struct part error_parts[] = {
	{COPS_ERROR, T(COPS_ONLY), 1, 1},
};
static const struct part decision_parts[] = {
	{COPS_CONTEXT, T(COPS_ONLY), 1, 1},
	{COPS_DECISION, T(COPS_DECISION_FLAGS), 1, 1},
	{COPS_DECISION, T_DATA, 0, 4},
};
static const struct part decision_pr_parts[] = {
	{COPS_CONTEXT, T(COPS_ONLY), 1, 1},
	{COPS_DECISION, T(COPS_DECISION_FLAGS), 1, 1},
	{COPS_DECISION, T(COPS_DECISION_NAMED), 0, 1},
};
static const struct part rpt_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_REPORT_TYPE, T(COPS_ONLY), 1, 1},
	{COPS_CLIENT_SI, T(COPS_SI_SIGNALED) | T(COPS_SI_NAMED), 0, 1},
};
static const struct part rpt_pr_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_REPORT_TYPE, T(COPS_ONLY), 1, 1},
	{COPS_CLIENT_SI, T(COPS_SI_NAMED), 0, MANY},
};
static const struct part drq_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_REASON, T(COPS_ONLY), 1, 1},
};
static const struct part opn_parts[] = {
	{COPS_PEPID, T(COPS_ONLY), 1, 1},
	{COPS_CLIENT_SI, T(COPS_SI_SIGNALED) | T(COPS_SI_NAMED), 0, 1},
	{COPS_LAST_PDP, T_IP, 0, 1},
};
static const struct part cat_parts[] = {
	{COPS_KA_TIMER, T(COPS_ONLY), 1, 1},
	{COPS_ACCT_TIMER, T(COPS_ONLY), 0, 1},
};
static const struct part cc_parts[] = {
	{COPS_ERROR, T(COPS_ONLY), 1, 1},
	{COPS_PDP_REDIRECT, T_IP, 0, 1},
};

static const struct group req_groups[] = {GROUP(req_parts, 1, 1), GROUP(lpdp_parts, 0, MANY)};
static const struct group req_pr_groups[] = {GROUP(req_pr_parts, 1, 1)};
static const struct group dec_groups[] = {
	GROUP(handle_parts, 1, 1), GROUP(error_parts, 0, 1), INSTEAD(decision_parts, 1, MANY)};
/* RFC 3084 section 3.2 permits a DEC without any decision. */
static const struct group dec_pr_groups[] = {
	GROUP(handle_parts, 1, 1), GROUP(error_parts, 0, 1), INSTEAD(decision_pr_parts, 0, MANY)};
static const struct group rpt_groups[] = {GROUP(rpt_parts, 1, 1)};
static const struct group rpt_pr_groups[] = {GROUP(rpt_pr_parts, 1, 1)};
static const struct group drq_groups[] = {GROUP(drq_parts, 1, 1)};
static const struct group sync_groups[] = {GROUP(optional_handle_parts, 0, 1)};
static const struct group opn_groups[] = {GROUP(opn_parts, 1, 1)};
static const struct group cat_groups[] = {GROUP(cat_parts, 1, 1)};
static const struct group cc_groups[] = {GROUP(cc_parts, 1, 1)};

enum {
	BY_PEP = 1,
	BY_PDP = 2,
	SOLICITED = 4,   /* may carry the flag */
	OF_CLIENT = 8,   /* client-type 0 is an error */
	NEGOTIATES = 16, /* may carry Integrity-TLS, then with client-type 0 */
	PROFILES = COPS_PR + 1,
};

static const struct op {
	unsigned traits;
	struct {
		const struct group *groups;
		size_t count;
	} grammar[PROFILES];
} ops[] = {
#define SAME(groups)                                                                               \
	{                                                                                          \
		{groups, COUNT(groups)},                                                           \
		{                                                                                  \
			groups, COUNT(groups)                                                      \
		}                                                                                  \
	}
#define NARROWED(groups, pr)                                                                       \
	{                                                                                          \
		{groups, COUNT(groups)},                                                           \
		{                                                                                  \
			pr, COUNT(pr)                                                              \
		}                                                                                  \
	}
	[COPS_REQ] = {BY_PEP | OF_CLIENT, NARROWED(req_groups, req_pr_groups)},
	[COPS_DEC] = {BY_PDP | OF_CLIENT | SOLICITED, NARROWED(dec_groups, dec_pr_groups)},
	[COPS_RPT] = {BY_PEP | OF_CLIENT | SOLICITED, NARROWED(rpt_groups, rpt_pr_groups)},
	[COPS_DRQ] = {BY_PEP | OF_CLIENT, SAME(drq_groups)},
	[COPS_SSQ] = {BY_PDP | OF_CLIENT, SAME(sync_groups)},
	[COPS_OPN] = {BY_PEP | NEGOTIATES, SAME(opn_groups)},
	[COPS_CAT] = {BY_PDP | NEGOTIATES, SAME(cat_groups)},
	[COPS_CC] = {BY_PEP | BY_PDP, SAME(cc_groups)},
	[COPS_KA] = {BY_PEP | BY_PDP, {{NULL, 0}, {NULL, 0}}},
	[COPS_SSC] = {BY_PEP | OF_CLIENT, SAME(sync_groups)},
};

static unsigned traits(uint8_t op)
{
	return op < COUNT(ops) ? ops[op].traits : 0;
}

bool cops_sent_by_pep(uint8_t op)
{
	return traits(op) & BY_PEP;
}

bool cops_sent_by_pdp(uint8_t op)
{
	return traits(op) & BY_PDP;
}

bool cops_may_be_solicited(uint8_t op)
{
	return traits(op) & SOLICITED;
}

/* --- Finding and decoding --- */

enum err cops_frame(struct view stream, size_t limit, size_t *ret_len)
{
	struct cursor c = cursor_over(stream);
	uint8_t first, op;
	uint32_t len;

	*ret_len = 0;
	/* What is there is judged at once: a lost stream may never give a whole header. */
	first = cursor_u8(&c);
	if (!c.error && first >> 4 != COPS_VERSION)
		return E_VERSION;
	op = cursor_u8(&c);
	if (!c.error && !traits(op))
		return E_UNKNOWN;
	cursor_u16(&c);
	len = cursor_u32(&c);
	if (c.error)
		return E_AGAIN;
	if (len < COPS_HEADER || len % 4)
		return E_LENGTH;
	*ret_len = len;
	if (len > limit)
		return E_LIMIT;
	return stream.len < len ? E_AGAIN : E_OK;
}

bool cops_peek_handle(struct view octets, struct view *ret_handle)
{
	struct cursor c = cursor_over(octets);
	struct view handle;
	size_t len;

	cursor_take(&c, COPS_HEADER);
	len = cursor_u16(&c);
	if (cursor_u8(&c) != COPS_HANDLE || cursor_u8(&c) != COPS_ONLY)
		return false;
	if (len <= COPS_OBJECT_HEADER || len - COPS_OBJECT_HEADER > COPS_HANDLE_MAX)
		return false;
	handle = cursor_take(&c, len - COPS_OBJECT_HEADER);
	if (c.error)
		return false;
	*ret_handle = handle;
	return true;
}

/* The next object's numbers and contents; its padding is passed over unread. */
static enum err split_object(struct cursor *c, struct cops_object *o, struct view *ret_contents,
	struct cops_fault *fault)
{
	size_t len;

	fault->offset = c->at;
	len = cursor_u16(c);
	o->c_num = fault->c_num = cursor_u8(c);
	o->c_type = fault->c_type = cursor_u8(c);
	if (c->error || len < COPS_OBJECT_HEADER)
		return error_set(&fault->error, E_LENGTH,
			"octet %zu: object length %zu is less "
			"than its header",
			fault->offset, len);
	*ret_contents = cursor_take(c, len - COPS_OBJECT_HEADER);
	cursor_take(c, (4 - len % 4) % 4);
	if (c->error)
		return error_set(&fault->error, E_LENGTH,
			"octet %zu: object C-Num %u C-Type %u of length %zu overruns the "
			"message",
			fault->offset, (unsigned)o->c_num, (unsigned)o->c_type, len);
	return E_OK;
}

static enum err decode_object(struct cursor *c, struct cops_object *o, struct cops_fault *fault)
{
	const struct cops_row *row;
	struct view contents;

	if (split_object(c, o, &contents, fault))
		return fault->error.code;
	row = cops_object_row(o->c_num, o->c_type);
	if (!row)
		return error_set(&fault->error, E_UNKNOWN,
			"octet %zu: unknown object C-Num %u C-Type %u", fault->offset,
			(unsigned)o->c_num, (unsigned)o->c_type);
	if (cops_row_decode(row, contents, o, &fault->error)) {
		error_prefix(&fault->error, "octet %zu", fault->offset);
		return fault->error.code;
	}
	return E_OK;
}

/* A message of four-octet objects claims most; no more than the limit is counted. */
static size_t count_objects(struct cursor c)
{
	size_t count = 0;

	while (cursor_left(&c) && count <= COPS_OBJECTS_MAX) {
		size_t len = cursor_u16(&c);

		cursor_take(&c, len < COPS_OBJECT_HEADER ? 2 : len - 2 + (4 - len % 4) % 4);
		count++;
	}
	return count;
}

enum err cops_decode(
	struct view octets, struct arena *arena, struct cops_message *ret, struct cops_fault *fault)
{
	struct cops_message m = {.octets = octets};
	struct cursor c = cursor_over(octets);
	enum err code;
	size_t len, room;

	*fault = (struct cops_fault){0};
	code = cops_frame(octets, SIZE_MAX, &len);
	if (code || len != octets.len)
		return error_set(&fault->error, code && code != E_AGAIN ? code : E_LENGTH,
			"message header: %s", err_text(code ? code : E_TRAILING));
	m.flags = cursor_u8(&c) & 0x0f;
	m.op = cursor_u8(&c);
	m.client_type = cursor_u16(&c);
	cursor_u32(&c);

	room = count_objects(c);
	if (room > COPS_OBJECTS_MAX)
		return error_set(&fault->error, E_LIMIT, "more than %d objects in a message",
			COPS_OBJECTS_MAX);
	m.objects = arena_calloc(arena, room ? room : 1, sizeof *m.objects);
	if (!m.objects)
		return error_set(&fault->error, E_MEMORY, "no memory for %zu objects", room);
	while (cursor_left(&c))
		if (decode_object(&c, &m.objects[m.count++], fault))
			return fault->error.code;
	*ret = m;
	*fault = (struct cops_fault){0};
	return E_OK;
}

/* --- Checking --- */

static bool is_part(const struct cops_object *o, const struct part *p)
{
	return o->c_num == p->c_num && o->c_type < 8 && p->c_types & T(o->c_type);
}

static bool has_part(const struct cops_message *m, const struct part *p)
{
	for (size_t i = 0; i < m->count; i++)
		if (is_part(&m->objects[i], p))
			return true;
	return false;
}

static enum err lacks(const struct cops_message *m, const struct part *p, struct cops_fault *fault)
{
	bool misplaced = has_part(m, p);

	fault->c_num = p->c_num;
	fault->c_type = 0;
	return error_set(&fault->error, misplaced ? E_UNEXPECTED : E_MISSING, "%s: %s is %s",
		cops_op_name(m->op), cops_c_num_name(p->c_num),
		misplaced ? "in the wrong place" : "missing");
}

/* Passes over one occurrence of the group; *ret_present tells whether there was one. */
static enum err match_group(const struct cops_message *m, const struct group *g, size_t *at,
	bool *ret_present, struct cops_fault *fault)
{
	size_t begin = *at;

	for (size_t i = 0; i < g->count; i++) {
		const struct part *p = &g->parts[i];
		size_t n = 0;

		while (*at < m->count && n < p->most && is_part(&m->objects[*at], p)) {
			++*at;
			n++;
		}
		if (n >= p->least)
			continue;
		if (*at != begin || g->least)
			return lacks(m, p, fault);
		*ret_present = false;
		return E_OK;
	}
	*ret_present = *at != begin;
	return E_OK;
}

static enum err match_groups(const struct cops_message *m, const struct group *groups, size_t count,
	size_t *at, struct cops_fault *fault)
{
	bool present = false;

	for (size_t i = 0; i < count; i++) {
		struct group g = groups[i];

		if (g.instead && present)
			continue;
		for (size_t n = 0; n < g.most; n++) {
			g.least = n < groups[i].least;
			if (match_group(m, &g, at, &present, fault))
				return fault->error.code;
			if (!present) {
				present = n > 0;
				break;
			}
		}
	}
	return E_OK;
}

static enum err refuse_object(
	const struct cops_message *m, const struct cops_object *o, struct cops_fault *fault)
{
	fault->c_num = o->c_num;
	fault->c_type = o->c_type;
	return error_set(&fault->error, E_UNEXPECTED, "%s: %s has no place here",
		cops_op_name(m->op), cops_object_row(o->c_num, o->c_type)->name);
}

enum err cops_check(
	const struct cops_message *m, enum cops_profile profile, struct cops_fault *fault)
{
	const struct op *op = &ops[m->op];
	size_t at = 0;

	*fault = (struct cops_fault){0};
	if (op->traits & OF_CLIENT && m->client_type == COPS_CLIENT_CONNECTION)
		return error_set(
			&fault->error, E_UNEXPECTED, "%s with client-type 0", cops_op_name(m->op));
	if (match_groups(m, op->grammar[profile].groups, op->grammar[profile].count, &at, fault))
		return fault->error.code;
	if (at < m->count && m->objects[at].c_num == COPS_INTEGRITY) {
		/* RFC 4261 section 4.1: the TLS form negotiates, and nothing else. */
		if (m->objects[at].c_type == COPS_INTEGRITY_TLS &&
			(!(op->traits & NEGOTIATES) || m->client_type != COPS_CLIENT_CONNECTION))
			return refuse_object(m, &m->objects[at], fault);
		at++;
	}
	if (at < m->count)
		return refuse_object(m, &m->objects[at], fault);
	return E_OK;
}

static enum err check_context(const struct cops_message *m, uint16_t r_type, struct error *e)
{
	if (r_type & COPS_R_CONFIGURATION)
		return E_OK;
	return error_set(e, E_RANGE, "%s: Context R-Type 0x%04x is not configuration",
		cops_op_name(m->op), (unsigned)r_type);
}

static enum err check_decisions(
	const struct cops_message *m, uint16_t *ret_gperr, uint16_t *ret_sub_code, struct error *e)
{
	struct cops_decision d;
	size_t at = 0, count = 0;
	bool state = false;

	while (cops_next_decision(m, &at, &d)) {
		count++;
		if (check_context(m, d.r_type, e))
			return e->code;
		if (d.flags & COPS_REQUEST_STATE)
			state = true;
		if (d.named.len &&
			(d.command == COPS_NULL_DECISION || d.flags & COPS_REQUEST_STATE))
			return error_set(
				e, E_UNEXPECTED, "DEC: data in a NULL or Request-State decision");
		if (pr_check(d.command == COPS_REMOVE ? PR_IN_REMOVE : PR_IN_INSTALL, d.named,
			    ret_gperr, ret_sub_code, e))
			return e->code;
	}
	if (state && count > 1)
		return error_set(e, E_UNEXPECTED, "DEC: a Request-State decision among others");
	return E_OK;
}

static enum err check_named(const struct cops_message *m, enum pr_place place, uint16_t *ret_gperr,
	uint16_t *ret_sub_code, struct error *e)
{
	struct view run;
	size_t at = 0;

	while (cops_next_named(m, &at, &run))
		if (pr_check(place, run, ret_gperr, ret_sub_code, e))
			return e->code;
	return E_OK;
}

enum err cops_check_data(
	const struct cops_message *m, uint16_t *ret_gperr, uint16_t *ret_sub_code, struct error *e)
{
	uint16_t gperr = PR_GPERR_MALFORMED_DECISION, sub_code = 0;
	enum err code = E_OK;

	if (m->op == COPS_DEC) {
		code = check_decisions(m, &gperr, &sub_code, e);
	} else if (m->op == COPS_REQ) {
		code = check_context(m, cops_find(m, COPS_CONTEXT)->context.r_type, e);
		if (!code)
			code = check_named(m, PR_IN_REQUEST, &gperr, &sub_code, e);
	} else if (m->op == COPS_RPT) {
		bool accounting = cops_find(m, COPS_REPORT_TYPE)->report.type == COPS_ACCOUNTING;

		code = check_named(
			m, accounting ? PR_IN_ACCOUNTING : PR_IN_REPORT, &gperr, &sub_code, e);
	}
	if (code) {
		*ret_gperr = gperr;
		*ret_sub_code = sub_code;
	}
	return code;
}

/* --- Reading --- */

const struct cops_object *cops_find(const struct cops_message *m, uint8_t c_num)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->objects[i].c_num == c_num)
			return &m->objects[i];
	return NULL;
}

const struct cops_object *cops_find_type(
	const struct cops_message *m, uint8_t c_num, uint8_t c_type)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->objects[i].c_num == c_num && m->objects[i].c_type == c_type)
			return &m->objects[i];
	return NULL;
}

struct view cops_handle(const struct cops_message *m)
{
	const struct cops_object *o = cops_find(m, COPS_HANDLE);

	return o ? o->octets : VIEW_NONE;
}

struct endpoint cops_server(const struct cops_object *server)
{
	struct endpoint e = {0};

	if (server->c_type == COPS_IPV4) {
		e.address.v4.sin_family = AF_INET;
		e.address.v4.sin_port = htons(server->server.port);
		memcpy(&e.address.v4.sin_addr, server->server.address, 4);
	} else {
		e.address.v6.sin6_family = AF_INET6;
		e.address.v6.sin6_port = htons(server->server.port);
		memcpy(&e.address.v6.sin6_addr, server->server.address, 16);
	}
	return e;
}

bool cops_next_decision(const struct cops_message *m, size_t *at, struct cops_decision *ret)
{
	const struct cops_object *context, *o;
	struct cops_decision d = {0};

	/* A Context in a REQ is no decision's. */
	if (m->op != COPS_DEC)
		return false;
	while (*at < m->count && m->objects[*at].c_num != COPS_CONTEXT)
		++*at;
	if (m->count - *at < 2)
		return false;
	context = &m->objects[(*at)++];
	d.r_type = context->context.r_type;
	d.m_type = context->context.m_type;
	for (; *at < m->count && m->objects[*at].c_num == COPS_DECISION; ++*at) {
		o = &m->objects[*at];
		if (o->c_type == COPS_DECISION_FLAGS) {
			d.command = o->decision.command;
			d.flags = o->decision.flags;
		} else if (o->c_type == COPS_DECISION_NAMED) {
			d.named = o->octets;
		}
	}
	*ret = d;
	return true;
}

bool cops_next_named(const struct cops_message *m, size_t *at, struct view *ret_run)
{
	for (; *at < m->count; ++*at) {
		const struct cops_object *o = &m->objects[*at];

		if (o->c_num != COPS_CLIENT_SI || o->c_type != COPS_SI_NAMED)
			continue;
		*ret_run = o->octets;
		++*at;
		return true;
	}
	return false;
}

/* --- Printing --- */

void cops_print(const struct cops_message *m, struct buffer *out)
{
	const char *client = cops_client_type_name(m->client_type);

	buffer_put_text(
		out, "%s client-type 0x%04x", cops_op_name(m->op), (unsigned)m->client_type);
	if (client)
		buffer_put_text(out, " (%s)", client);
	if (m->octets.len)
		buffer_put_text(out, " length %zu", m->octets.len);
	if (m->flags & COPS_FLAG_SOLICITED)
		buffer_put_text(out, " solicited");
	buffer_put_u8(out, '\n');
	for (size_t i = 0; i < m->count; i++) {
		const struct cops_object *o = &m->objects[i];
		const struct cops_row *row = cops_object_row(o->c_num, o->c_type);

		buffer_put_text(out, "  ");
		cops_row_print(row, o, out);
		buffer_put_u8(out, '\n');
		if (row->fields[0].kind == COPS_OBJECTS)
			pr_print(o->octets, "    ", out);
	}
}
