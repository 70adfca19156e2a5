/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/message.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

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
	if (!c.error && !cops_op_name(op))
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
	fault->of_object = true;
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
	/* RFC 2748 section 2.1: all others MUST be 0. */
	if (m.flags & ~COPS_FLAG_SOLICITED)
		return error_set(&fault->error, E_RANGE, "message header: unknown flags 0x%x",
			(unsigned)m.flags);
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

/* --- What is read though it is not as it should be --- */

static uint8_t tolerated_object(uint8_t c_num, uint8_t c_type, struct view contents)
{
	bool padded = contents.len % 4 == 0;

	if (c_num == COPS_PEPID && contents.len)
		return (contents.data[contents.len - 1] ? COPS_ODD_PEPID_NUL : 0) |
		       (padded ? 0 : COPS_ODD_PEPID_PADDING);
	if ((c_num == COPS_DECISION && c_type == COPS_DECISION_NAMED) ||
		(c_num == COPS_CLIENT_SI && c_type == COPS_SI_NAMED))
		return padded ? 0 : COPS_ODD_OBJECT_PADDING;
	return 0;
}

uint8_t cops_tolerated(const struct cops_message *m)
{
	struct cursor c = cursor_over(m->octets);
	struct cops_fault fault;
	struct cops_object o;
	struct view contents;
	uint8_t odd = 0;

	cursor_take(&c, COPS_HEADER);
	while (cursor_left(&c) && !split_object(&c, &o, &contents, &fault))
		odd |= tolerated_object(o.c_num, o.c_type, contents);
	return odd;
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
