/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/ipc/message.h"

#include <stddef.h>

#include "common/base/cursor.h"

/* A number of a message: four octets on the wire, whatever its range. */
struct number {
	size_t offset;
	uint32_t min, max;
};

enum { NUMBERS_MAX = 4 };

struct row {
	const char *name;
	enum ipc_role from, to; /* IPC_ROLES: any child */
	bool descriptor;
	struct number numbers[NUMBERS_MAX];
	uint32_t data_min, data_max;
};

#define N(member, least, most) {offsetof(struct message, member), (least), (most)}
#define ID N(id, 1, UINT32_MAX)
#define RUN ID, N(total, 0, MESSAGE_TOTAL_MAX), N(pieces, 0, MESSAGE_PIECES_MAX)

static const struct row rows[MESSAGE_TYPE_END] = {
	[MESSAGE_READY] = {"READY", IPC_ROLES, IPC_SUPERVISOR, false, {{0}}, 0, 0},
	[MESSAGE_PEER] = {"PEER", IPC_SUPERVISOR, IPC_ENFORCE, true, {{0}}, 0, 0},
	[MESSAGE_SHUTDOWN] = {"SHUTDOWN", IPC_SUPERVISOR, IPC_ROLES, false, {{0}}, 0, 0},
	[MESSAGE_PDP_STATE] = {"PDP_STATE", IPC_NET, IPC_ENFORCE, false,
	                       {N(kind, 0, CONTACT_END - 1)}, CONTACT_ENDPOINT_SIZE,
	                       CONTACT_ENDPOINT_SIZE + MESSAGE_TEXT_MAX},
	[MESSAGE_PDP_TABLE] = {"PDP_TABLE", IPC_NET, IPC_ENFORCE, false, {{0}},
	                       0, CONTACT_ROWS_MAX * CONTACT_ROW_SIZE},
	[MESSAGE_FAILURE] = {"FAILURE", IPC_ENFORCE, IPC_NET, false, {{0}}, 1, MESSAGE_PIECE_MAX},
	[MESSAGE_REQUEST_WANTED] = {"REQUEST_WANTED", IPC_NET, IPC_ENFORCE, false,
	                            {ID, N(number, 0, UINT32_MAX)}, 0, 0},
	[MESSAGE_REQUEST_BEGIN] = {"REQUEST_BEGIN", IPC_ENFORCE, IPC_NET, false, {RUN}, 0, 0},
	[MESSAGE_REQUEST_PIECE] = {"REQUEST_PIECE", IPC_ENFORCE, IPC_NET, false,
	                           {ID, N(kind, PIECE_INSTALL, PIECE_INSTALL)},
	                           1, MESSAGE_PIECE_MAX},
	[MESSAGE_REQUEST_COMMIT] = {"REQUEST_COMMIT", IPC_ENFORCE, IPC_NET, false, {ID}, 0, 0},
	[MESSAGE_REQUEST_CHANGED] = {"REQUEST_CHANGED", IPC_ENFORCE, IPC_NET, false, {{0}}, 0, 0},
	[MESSAGE_DECISION_BEGIN] = {"DECISION_BEGIN", IPC_NET, IPC_ENFORCE, false,
	                            {RUN, N(number, 1, UINT32_MAX)}, BINDING_SIZE, BINDING_SIZE},
	[MESSAGE_DECISION_PIECE] = {"DECISION_PIECE", IPC_NET, IPC_ENFORCE, false,
	                            {ID, N(kind, PIECE_INSTALL, PIECE_REMOVE)},
	                            1, MESSAGE_PIECE_MAX},
	[MESSAGE_DECISION_COMMIT] = {"DECISION_COMMIT", IPC_NET, IPC_ENFORCE, false, {ID}, 0, 0},
	[MESSAGE_ACCOUNTING_WANTED] = {"ACCOUNTING_WANTED", IPC_NET, IPC_ENFORCE, false, {{0}},
	                               0, 0},
	[MESSAGE_ACCOUNTING] = {"ACCOUNTING", IPC_ENFORCE, IPC_NET, false, {{0}},
	                        0, MESSAGE_PIECE_MAX},
	[MESSAGE_LAST_PDP] = {"LAST_PDP", IPC_ENFORCE, IPC_NET, false, {{0}},
	                      CONTACT_ENDPOINT_SIZE, CONTACT_ENDPOINT_SIZE},
	[MESSAGE_TRACE_WANTED] = {"TRACE_WANTED", IPC_ENFORCE, IPC_NET, false, {N(kind, 0, 1)}, 0, 0},
	[MESSAGE_TRACE_BEGIN] = {"TRACE_BEGIN", IPC_NET, IPC_ENFORCE, false,
	                         {N(total, 0, MESSAGE_TOTAL_MAX), N(number, 0, UINT32_MAX),
	                          N(kind, TRACE_RECEIVED, TRACE_SENT)},
	                         CONTACT_ENDPOINT_SIZE, CONTACT_ENDPOINT_SIZE},
	[MESSAGE_TRACE_PIECE] = {"TRACE_PIECE", IPC_NET, IPC_ENFORCE, false, {{0}},
	                         1, MESSAGE_PIECE_MAX},
	[MESSAGE_HEARING_WANTED] = {"HEARING_WANTED", IPC_ENFORCE, IPC_NET, false, {{0}}, 0, 0},
	[MESSAGE_PDP_HEARD] = {"PDP_HEARD", IPC_NET, IPC_ENFORCE, false, {{0}}, 0, 0},
	[MESSAGE_REPORT] = {"REPORT", IPC_ENFORCE, IPC_NET, false,
	                    {ID, N(kind, REPORT_SUCCESS, REPORT_FAILURE)},
	                    0, MESSAGE_PIECE_MAX},
};

static const struct row *row_of(uint32_t type)
{
	return type < MESSAGE_TYPE_END && rows[type].name ? &rows[type] : NULL;
}

/* A number has a range; {0, 0, 0} ends the list. */
static bool in_use(const struct row *row, size_t i)
{
	return i < NUMBERS_MAX && row->numbers[i].max;
}

static uint32_t *number_in(struct message *m, const struct number *n)
{
	return (uint32_t *)(void *)((char *)m + n->offset);
}

static uint32_t number_of(const struct message *m, const struct number *n)
{
	return *(const uint32_t *)(const void *)((const char *)m + n->offset);
}

const char *message_name(enum message_type type)
{
	const struct row *row = row_of((uint32_t)type);

	return row ? row->name : "unknown message";
}

bool message_has_descriptor(enum message_type type)
{
	const struct row *row = row_of((uint32_t)type);

	return row && row->descriptor;
}

enum err message_encode(const struct message *m, struct buffer *out)
{
	const struct row *row = row_of((uint32_t)m->type);

	if (!row || m->data.len < row->data_min || m->data.len > row->data_max)
		return E_BUG;
	for (size_t i = 0; in_use(row, i); i++)
		if (number_of(m, &row->numbers[i]) < row->numbers[i].min ||
		    number_of(m, &row->numbers[i]) > row->numbers[i].max)
			return E_BUG;
	buffer_put_u32(out, (uint32_t)m->type);
	for (size_t i = 0; in_use(row, i); i++)
		buffer_put_u32(out, number_of(m, &row->numbers[i]));
	buffer_put_view(out, m->data);
	return out->error;
}

static bool may_send(const struct row *row, enum ipc_role from, enum ipc_role to)
{
	return from != to && (row->from == from || (row->from == IPC_ROLES && from != row->to)) &&
	       (row->to == to || (row->to == IPC_ROLES && to != row->from));
}

enum err message_decode(struct view record, enum ipc_role from, enum ipc_role to,
                        struct message *ret, struct error *e)
{
	struct cursor c = cursor_over(record);
	uint32_t type = cursor_u32(&c);
	struct message m = {0};
	const struct row *row;

	if (c.error)
		return error_set(e, E_TRUNCATED, "record of %zu octets has no type", record.len);
	row = row_of(type);
	if (!row)
		return error_set(e, E_UNKNOWN, "unknown message type %u", type);
	if (!may_send(row, from, to))
		return error_set(e, E_UNEXPECTED, "%s does not go this way", row->name);
	m.type = (enum message_type)type;
	for (size_t i = 0; in_use(row, i); i++) {
		const struct number *n = &row->numbers[i];
		uint32_t value = cursor_u32(&c);

		if (c.error)
			return error_set(e, E_TRUNCATED, "%s ends too early", row->name);
		if (value < n->min || value > n->max)
			return error_set(e, E_RANGE, "%s: %u where %u to %u is allowed", row->name,
			                 value, n->min, n->max);
		*number_in(&m, n) = value;
	}
	m.data = cursor_rest(&c);
	if (m.data.len < row->data_min || m.data.len > row->data_max)
		return error_set(e, E_LENGTH, "%s has %zu octets of data where %u to %u are allowed",
		                 row->name, m.data.len, row->data_min, row->data_max);
	*ret = m;
	return E_OK;
}
