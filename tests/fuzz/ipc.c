/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records between pepd's processes: an octet of who talks to whom, then records, each behind two
 * octets of length.
 *
 * Reaches: message_decode, message_encode, transfer_begin, transfer_piece, transfer_commit,
 * contact_get_row.
 */
#include "pep/ipc/transfer.h"
#include "tests/fuzz/fuzz.h"

enum { OCTETS_MAX = 1 << 20 };

static void same_message(const struct message *a, const struct message *b)
{
	REQUIRE(a->type == b->type && a->id == b->id && a->total == b->total);
	REQUIRE(a->pieces == b->pieces && a->number == b->number && a->kind == b->kind);
	REQUIRE(view_equal(a->data, b->data));
}

static void round_trip(struct view record, const struct message *m, enum ipc_role from,
	enum ipc_role to)
{
	struct message again;
	struct buffer out;
	struct error e;

	buffer_init(&out, OCTETS_MAX);
	REQUIRE(message_encode(m, &out) == E_OK);
	REQUIRE(message_decode(buffer_view(&out), from, to, &again, &e) == E_OK);
	same_message(m, &again);
	REQUIRE(view_equal(record, buffer_view(&out)));
	buffer_fini(&out);
}

static enum err transfer(struct transfer *t, const struct message *m, struct error *e)
{
	size_t octets = 0;
	enum err err;

	switch (m->type) {
	case MESSAGE_DECISION_BEGIN:
	case MESSAGE_REQUEST_BEGIN:
		return transfer_begin(t, m, e);
	case MESSAGE_DECISION_PIECE:
	case MESSAGE_REQUEST_PIECE:
		return transfer_piece(t, m, e);
	case MESSAGE_DECISION_COMMIT:
	case MESSAGE_REQUEST_COMMIT:
		break;
	default:
		return E_OK;
	}
	err = transfer_commit(t, m, e);
	if (err)
		return err;
	REQUIRE(t->count == t->expected && t->octets.len == t->total);
	for (size_t i = 0; i < t->count; i++) {
		REQUIRE(t->pieces[i].octets.data == t->octets.data + octets);
		octets += t->pieces[i].octets.len;
	}
	REQUIRE(octets == t->total);
	transfer_reset(t);
	return E_OK;
}

/* What is a row is written as the same octets; what is none is refused, by the whole table too. */
static void read_table(struct view table)
{
	struct cursor c = cursor_over(table);
	struct contact_row row;
	struct buffer again;

	buffer_init(&again, CONTACT_ROW_SIZE);
	while (cursor_left(&c)) {
		size_t at = c.at;

		if (contact_get_row(&c, &row))
			break;
		buffer_reset(&again);
		contact_put_row(&again, &row);
		REQUIRE(c.at - at == CONTACT_ROW_SIZE && again.len == CONTACT_ROW_SIZE);
		/* Octets of an IPv4 address that are not used may be anything. */
		REQUIRE(!memcmp(again.data + CONTACT_ENDPOINT_SIZE,
			table.data + at + CONTACT_ENDPOINT_SIZE,
			CONTACT_ROW_SIZE - CONTACT_ENDPOINT_SIZE));
	}
	buffer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(VIEW(data, size));
	uint8_t roles = cursor_u8(&input);
	enum ipc_role from = (enum ipc_role)(roles % IPC_ROLES);
	enum ipc_role to = (enum ipc_role)(roles / IPC_ROLES % IPC_ROLES);
	struct transfer t;
	struct message m;
	struct error e;
	enum err err = E_OK;

	transfer_init(&t);
	while (cursor_left(&input) && !err) {
		struct view record = fuzz_take(&input, cursor_u16(&input));

		err = message_decode(record, from, to, &m, &e);
		if (!err) {
			REQUIRE(message_name(m.type)[0] != '\0');
			round_trip(record, &m, from, to);
			if (m.type == MESSAGE_PDP_TABLE)
				read_table(m.data);
			err = transfer(&t, &m, &e);
		}
		if (err)
			fuzz_require_sentence(err, &e);
	}
	fuzz_accepted = !err;
	transfer_fini(&t);
	return 0;
}
