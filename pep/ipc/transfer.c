/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/ipc/transfer.h"

#include <stdlib.h>

void transfer_init(struct transfer *t)
{
	*t = (struct transfer){0};
	buffer_init(&t->octets, MESSAGE_TOTAL_MAX);
}

void transfer_fini(struct transfer *t)
{
	buffer_fini(&t->octets);
	free(t->pieces);
	*t = (struct transfer){0};
}

void transfer_reset(struct transfer *t)
{
	transfer_fini(t);
	transfer_init(t);
}

enum err transfer_begin(struct transfer *t, const struct message *m, struct error *e)
{
	if (t->id)
		return error_set(e, E_UNEXPECTED, "%s %u while %u is not complete",
		                 message_name(m->type), m->id, t->id);
	if (m->pieces > m->total)
		return error_set(e, E_RANGE, "%s %u: %u pieces of %u octets", message_name(m->type),
		                 m->id, m->pieces, m->total);
	transfer_reset(t);
	t->id = m->id;
	t->total = m->total;
	t->expected = m->pieces;
	return E_OK;
}

enum err transfer_piece(struct transfer *t, const struct message *m, struct error *e)
{
	if (!t->id || m->id != t->id)
		return error_set(e, E_UNEXPECTED, "%s %u while %u is under way",
		                 message_name(m->type), m->id, t->id);
	if (t->count == t->expected || m->data.len > t->total - t->octets.len)
		return error_set(e, E_LENGTH, "%s %u: more than was announced",
		                 message_name(m->type), m->id);
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 16;
		struct transfer_piece *pieces = realloc(t->pieces, capacity * sizeof *pieces);

		if (!pieces)
			return error_set(e, E_MEMORY, "no memory for %zu pieces", capacity);
		t->pieces = pieces;
		t->capacity = capacity;
	}
	buffer_put_view(&t->octets, m->data);
	if (t->octets.error)
		return error_set(e, t->octets.error, "no memory for transfer %u", m->id);
	/* The buffer moves as it grows; commit turns lengths into views. */
	t->pieces[t->count++] = (struct transfer_piece){m->kind, {NULL, m->data.len}};
	return E_OK;
}

enum err transfer_commit(struct transfer *t, const struct message *m, struct error *e)
{
	const uint8_t *at = t->octets.data;

	if (!t->id || m->id != t->id)
		return error_set(e, E_UNEXPECTED, "%s %u while %u is under way",
		                 message_name(m->type), m->id, t->id);
	if (t->count != t->expected || t->octets.len != t->total)
		return error_set(e, E_LENGTH, "%s %u: %zu octets in %zu pieces, %u in %u announced",
		                 message_name(m->type), m->id, t->octets.len, t->count, t->total,
		                 t->expected);
	for (size_t i = 0; i < t->count; i++) {
		t->pieces[i].octets.data = at;
		at += t->pieces[i].octets.len;
	}
	t->id = 0;
	return E_OK;
}
