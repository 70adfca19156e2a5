/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/message.h"

#include <string.h>

static void refuse(struct buffer *out, enum err code)
{
	if (!out->error)
		out->error = code;
}

size_t cops_begin(struct buffer *out, enum cops_op op, uint8_t flags, uint16_t client_type)
{
	size_t begun = out->len;

	buffer_put_u8(out, (uint8_t)(COPS_VERSION << 4 | (flags & 0x0f)));
	buffer_put_u8(out, (uint8_t)op);
	buffer_put_u16(out, client_type);
	buffer_put_u32(out, 0);
	return begun;
}

void cops_end(struct buffer *out, size_t begun)
{
	if (out->error)
		return;
	if (out->len - begun > UINT32_MAX) {
		refuse(out, E_LIMIT);
		return;
	}
	buffer_patch_u32(out, begun + 4, (uint32_t)(out->len - begun));
}

void cops_put(struct buffer *out, const struct cops_object *object)
{
	const struct cops_row *row = cops_object_row(object->c_num, object->c_type);

	if (row)
		cops_row_encode(row, object, out);
	else
		refuse(out, E_BUG);
}

void cops_encode(const struct cops_message *m, struct buffer *out)
{
	size_t begun = cops_begin(out, (enum cops_op)m->op, m->flags, m->client_type);

	for (size_t i = 0; i < m->count; i++)
		cops_put(out, &m->objects[i]);
	cops_end(out, begun);
}

#define OBJECT(num, type, ...) (&(struct cops_object){.c_num = num, .c_type = type, __VA_ARGS__})

void cops_put_handle(struct buffer *out, struct view handle)
{
	cops_put(out, OBJECT(COPS_HANDLE, COPS_ONLY, .octets = handle));
}

void cops_put_context(struct buffer *out, uint16_t r_type, uint16_t m_type)
{
	cops_put(out, OBJECT(COPS_CONTEXT, COPS_ONLY, .context = {r_type, m_type}));
}

void cops_put_decision(struct buffer *out, enum cops_command command, uint16_t flags)
{
	cops_put_context(out, COPS_R_CONFIGURATION, 0);
	cops_put(out,
		OBJECT(COPS_DECISION, COPS_DECISION_FLAGS, .decision = {(uint16_t)command, flags}));
}

void cops_put_report_type(struct buffer *out, enum cops_report_type type)
{
	cops_put(out, OBJECT(COPS_REPORT_TYPE, COPS_ONLY, .report = {(uint16_t)type}));
}

void cops_put_reason(struct buffer *out, uint16_t code, uint16_t sub_code)
{
	cops_put(out, OBJECT(COPS_REASON, COPS_ONLY, .error = {code, sub_code}));
}

void cops_put_error(struct buffer *out, uint16_t code, uint16_t sub_code)
{
	cops_put(out, OBJECT(COPS_ERROR, COPS_ONLY, .error = {code, sub_code}));
}

void cops_put_pepid(struct buffer *out, struct view pepid)
{
	cops_put(out, OBJECT(COPS_PEPID, COPS_ONLY, .pepid = pepid));
}

void cops_put_ka_timer(struct buffer *out, uint16_t seconds)
{
	cops_put(out, OBJECT(COPS_KA_TIMER, COPS_ONLY, .timer = {seconds}));
}

void cops_put_acct_timer(struct buffer *out, uint16_t seconds)
{
	cops_put(out, OBJECT(COPS_ACCT_TIMER, COPS_ONLY, .timer = {seconds}));
}

void cops_put_start_tls(struct buffer *out)
{
	cops_put(
		out, OBJECT(COPS_INTEGRITY, COPS_INTEGRITY_TLS, .integrity_tls = {COPS_START_TLS}));
}

void cops_put_server(struct buffer *out, enum cops_c_num c_num, const struct endpoint *server)
{
	struct cops_object o = {.c_num = (uint8_t)c_num, .c_type = COPS_IPV4};
	size_t len;
	const uint8_t *address = endpoint_address(server, &len);

	if (len == sizeof o.server.address)
		o.c_type = COPS_IPV6;
	memcpy(o.server.address, address, len);
	o.server.port = endpoint_port(server);
	cops_put(out, &o);
}

/* --- Runs --- */

void cops_run_begin(struct cops_run *run, struct buffer *out, enum cops_carrier carrier)
{
	*run = (struct cops_run){.out = out, .carrier = carrier};
}

static void open_object(struct cops_run *run)
{
	struct buffer *out = run->out;
	bool si = run->carrier == COPS_IN_CLIENT_SI;

	if (!si)
		cops_put_decision(
			out, run->carrier == COPS_IN_INSTALL ? COPS_INSTALL : COPS_REMOVE, 0);
	run->object = out->len;
	run->open = true;
	buffer_put_u16(out, 0);
	buffer_put_u8(out, si ? COPS_CLIENT_SI : COPS_DECISION);
	buffer_put_u8(out, si ? COPS_SI_NAMED : COPS_DECISION_NAMED);
}

static void close_object(struct cops_run *run)
{
	run->open = false;
	if (!run->out->error)
		buffer_patch_u16(run->out, run->object, (uint16_t)(run->out->len - run->object));
}

void cops_run_add(struct cops_run *run, struct view whole)
{
	while (whole.len && !run->out->error) {
		size_t used = run->open ? run->out->len - run->object - COPS_OBJECT_HEADER : 0;
		size_t fits = pr_cut(whole, COPS_CONTENTS_MAX - used);

		if (fits) {
			if (!run->open)
				open_object(run);
			buffer_put(run->out, whole.data, fits);
			/* A piece whose last padding was left out, and another may follow. */
			buffer_put_zeros(run->out, (4 - fits % 4) % 4);
			whole.data += fits;
			whole.len -= fits;
		} else if (run->open) {
			close_object(run);
		} else {
			refuse(run->out, E_LIMIT);
		}
	}
}

void cops_run_end(struct cops_run *run)
{
	if (run->open)
		close_object(run);
}
