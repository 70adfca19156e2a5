/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the processes of pepd say to each other: roles, then records, each behind its length. */
#include "common/cops/cops.h"
#include "pep/ipc/contact.h"
#include "pep/ipc/message.h"
#include "tests/fuzz/seeds/seeds.h"

static const uint8_t octets[12] = "0123456789ab";
static const struct session_binding session = {{0x5e}};

static void put(struct buffer *out, struct message m)
{
	struct buffer record;

	buffer_init(&record, MESSAGE_RECORD_MAX);
	REQUIRE(message_encode(&m, &record) == E_OK);
	buffer_put_u16(out, (uint16_t)record.len);
	buffer_put_view(out, buffer_view(&record));
	buffer_fini(&record);
}

static void begin(struct buffer *out, enum ipc_role from, enum ipc_role to)
{
	buffer_init(out, SEED_MAX);
	buffer_put_u8(out, (uint8_t)(from + to * IPC_ROLES));
}

static void make_transfer(const struct seeds *s, const char *name, enum message_type first,
	uint32_t kind, uint32_t total)
{
	bool decision = first == MESSAGE_DECISION_BEGIN;
	struct message m = {.type = first, .id = 5, .total = total, .pieces = 2,
		.number = decision ? 1 : 0,
		.data = decision ? binding_view(&session) : VIEW_NONE};
	struct buffer out;

	begin(&out, decision ? IPC_NET : IPC_ENFORCE, decision ? IPC_ENFORCE : IPC_NET);
	put(&out, m);
	m = (struct message){.type = first + 1, .id = 5, .kind = PIECE_INSTALL,
		.data = VIEW(octets, sizeof octets)};
	put(&out, m);
	m.kind = kind;
	put(&out, m);
	put(&out, (struct message){.type = first + 2, .id = 5});
	seed_write(s, "ipc", buffer_view(&out), "%s", name);
	buffer_fini(&out);
}

static const struct {
	struct message m;
	enum ipc_role from, to;
} single[] = {
	{{.type = MESSAGE_READY}, IPC_NET, IPC_SUPERVISOR},
	{{.type = MESSAGE_PEER}, IPC_SUPERVISOR, IPC_ENFORCE},
	{{.type = MESSAGE_SHUTDOWN}, IPC_SUPERVISOR, IPC_NET},
	{{.type = MESSAGE_REQUEST_WANTED, .id = 1}, IPC_NET, IPC_ENFORCE},
	{{.type = MESSAGE_REQUEST_CHANGED}, IPC_ENFORCE, IPC_NET},
	{{.type = MESSAGE_REPORT, .id = 5, .kind = REPORT_SUCCESS, .data = {octets, 12}},
		IPC_ENFORCE, IPC_NET},
};

/* A PDP and how it stands with it. */
static void make_contacts(const struct seeds *s)
{
	struct contact_row row = {.client_type = COPS_CLIENT_PROVISIONING, .ka_seconds = 30};
	struct buffer out, data;
	struct error e;

	REQUIRE(endpoint_parse("[2001:db8::53]:3288", COPS_PORT, &row.server, &e) == E_OK);
	buffer_init(&data, SEED_MAX);
	contact_put_endpoint(&data, &row.server);
	buffer_put(&data, octets, sizeof octets);
	begin(&out, IPC_NET, IPC_ENFORCE);
	put(&out, (struct message){.type = MESSAGE_PDP_STATE, .kind = CONTACT_OPEN,
		.data = buffer_view(&data)});
	seed_write(s, "ipc", buffer_view(&out), "good-PDP_STATE");
	buffer_fini(&out);
	buffer_reset(&data);
	contact_put_row(&data, &row);
	begin(&out, IPC_NET, IPC_ENFORCE);
	put(&out, (struct message){.type = MESSAGE_PDP_TABLE, .data = buffer_view(&data)});
	seed_write(s, "ipc", buffer_view(&out), "good-PDP_TABLE");
	buffer_fini(&out);
	buffer_fini(&data);
}

void make_messages(const struct seeds *s)
{
	struct buffer out;

	make_contacts(s);

	for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
		begin(&out, single[i].from, single[i].to);
		put(&out, single[i].m);
		seed_write(s, "ipc", buffer_view(&out), "good-%s", message_name(single[i].m.type));
		buffer_fini(&out);
	}
	make_transfer(s, "good-transfer-decision-good", MESSAGE_DECISION_BEGIN, PIECE_REMOVE, 24);
	make_transfer(s, "good-transfer-request-good", MESSAGE_REQUEST_BEGIN, PIECE_INSTALL, 24);
	make_transfer(s, "bad-transfer-decision-wrong-total", MESSAGE_DECISION_BEGIN, PIECE_REMOVE,
		25);
	make_transfer(s, "bad-transfer-request-wrong-total", MESSAGE_REQUEST_BEGIN, PIECE_INSTALL,
		25);
}
