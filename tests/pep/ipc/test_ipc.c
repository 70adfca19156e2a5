/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The messages between the processes: what passes, and that nothing else does. */
#include "tests/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pep/ipc/channel.h"
#include "pep/ipc/transfer.h"

static const uint8_t octets[] = {0xde, 0xad, 0xbe, 0xef};
static const uint8_t server[CONTACT_ENDPOINT_SIZE] = {0, 4, 0x0c, 0xd8, 192, 0, 2, 1};
#define SERVER_HEX "00040cd8c0000201000000000000000000000000"
static const uint8_t session[BINDING_SIZE] = {0x5e};
#define SESSION_HEX "5e" ZEROS_15 ZEROS_15 "00"
#define ZEROS_15 "000000000000000000000000000000"

/* One of each type that just passes, with the octets it has on the socket. */
static const struct {
	struct message m;
	enum ipc_role from, to;
	const char *hex;
} good[] = {
	{{.type = MESSAGE_READY}, IPC_NET, IPC_SUPERVISOR, "00000001"},
	{{.type = MESSAGE_READY}, IPC_ENFORCE, IPC_SUPERVISOR, "00000001"},
	{{.type = MESSAGE_PEER}, IPC_SUPERVISOR, IPC_ENFORCE, "00000002"},
	{{.type = MESSAGE_SHUTDOWN}, IPC_SUPERVISOR, IPC_NET, "00000003"},
	{{.type = MESSAGE_PDP_STATE, .kind = CONTACT_OPEN, .data = {server, sizeof server}},
	 IPC_NET, IPC_ENFORCE, "0000000400000003" SERVER_HEX},
	{{.type = MESSAGE_REQUEST_WANTED, .id = 1}, IPC_NET, IPC_ENFORCE,
	 "000000050000000100000000"},
	{{.type = MESSAGE_REQUEST_WANTED, .id = 8, .number = 7}, IPC_NET, IPC_ENFORCE,
	 "000000050000000800000007"},
	{{.type = MESSAGE_REQUEST_BEGIN, .id = 1, .total = 4, .pieces = 1}, IPC_ENFORCE, IPC_NET,
	 "00000006000000010000000400000001"},
	{{.type = MESSAGE_REQUEST_PIECE, .id = 1, .kind = PIECE_INSTALL, .data = {octets, 4}},
	 IPC_ENFORCE, IPC_NET, "000000070000000100000001deadbeef"},
	{{.type = MESSAGE_REQUEST_COMMIT, .id = 1}, IPC_ENFORCE, IPC_NET, "0000000800000001"},
	{{.type = MESSAGE_REQUEST_CHANGED}, IPC_ENFORCE, IPC_NET, "00000009"},
	{{.type = MESSAGE_DECISION_BEGIN, .id = UINT32_MAX, .total = MESSAGE_TOTAL_MAX,
	  .pieces = MESSAGE_PIECES_MAX, .number = 2, .data = {session, sizeof session}},
	 IPC_NET, IPC_ENFORCE, "0000000affffffff010000000001000000000002" SESSION_HEX},
	{{.type = MESSAGE_DECISION_PIECE, .id = 7, .kind = PIECE_REMOVE, .data = {octets, 1}},
	 IPC_NET, IPC_ENFORCE, "0000000b0000000700000002de"},
	{{.type = MESSAGE_DECISION_COMMIT, .id = 7}, IPC_NET, IPC_ENFORCE, "0000000c00000007"},
	{{.type = MESSAGE_REPORT, .id = 7, .kind = REPORT_FAILURE}, IPC_ENFORCE, IPC_NET,
	 "0000000d0000000700000002"},
	{{.type = MESSAGE_PDP_TABLE, .data = {octets, 4}}, IPC_NET, IPC_ENFORCE,
	 "0000000edeadbeef"},
	{{.type = MESSAGE_FAILURE, .data = {octets, 4}}, IPC_ENFORCE, IPC_NET,
	 "0000000fdeadbeef"},
	{{.type = MESSAGE_TRACE_WANTED, .kind = 1}, IPC_ENFORCE, IPC_NET, "0000001000000001"},
	{{.type = MESSAGE_TRACE_BEGIN, .total = 8, .number = 2, .kind = TRACE_SENT,
	  .data = {server, sizeof server}},
	 IPC_NET, IPC_ENFORCE, "00000011000000080000000200000001" SERVER_HEX},
	{{.type = MESSAGE_TRACE_PIECE, .data = {octets, 4}}, IPC_NET, IPC_ENFORCE,
	 "00000012deadbeef"},
	{{.type = MESSAGE_ACCOUNTING_WANTED}, IPC_NET, IPC_ENFORCE, "00000013"},
	{{.type = MESSAGE_ACCOUNTING, .data = {octets, 4}}, IPC_ENFORCE, IPC_NET,
	 "00000014deadbeef"},
	{{.type = MESSAGE_LAST_PDP, .data = {server, sizeof server}}, IPC_ENFORCE, IPC_NET,
	 "00000015" SERVER_HEX},
	{{.type = MESSAGE_HEARING_WANTED}, IPC_ENFORCE, IPC_NET, "00000016"},
	{{.type = MESSAGE_PDP_HEARD}, IPC_NET, IPC_ENFORCE, "00000017"},
};

enum { GOOD = sizeof good / sizeof good[0] };

static bool same(const struct message *a, const struct message *b)
{
	return a->type == b->type && a->id == b->id && a->total == b->total &&
	       a->pieces == b->pieces && a->number == b->number && a->kind == b->kind &&
	       view_equal(a->data, b->data);
}

START_TEST(each_type_has_its_octets)
{
	char hex[128];
	struct buffer b;
	struct message m;
	struct error e;

	buffer_init(&b, MESSAGE_RECORD_MAX);
	ck_assert_int_eq(message_encode(&good[_i].m, &b), E_OK);
	hex_encode(hex, buffer_view(&b));
	ck_assert_str_eq(hex, good[_i].hex);
	ck_assert_int_eq(message_decode(buffer_view(&b), good[_i].from, good[_i].to, &m, &e),
	                 E_OK);
	ck_assert(same(&m, &good[_i].m));
	buffer_fini(&b);
}
END_TEST

START_TEST(no_type_passes_another_way)
{
	struct buffer b;
	struct message m;
	struct error e;
	int passed = 0;

	buffer_init(&b, MESSAGE_RECORD_MAX);
	ck_assert_int_eq(message_encode(&good[_i].m, &b), E_OK);
	for (int from = 0; from < IPC_ROLES; from++)
		for (int to = 0; to < IPC_ROLES; to++)
			passed += !message_decode(buffer_view(&b), (enum ipc_role)from,
			                          (enum ipc_role)to, &m, &e);
	/* READY comes from both children, SHUTDOWN goes to both. */
	ck_assert_int_eq(passed, good[_i].m.type == MESSAGE_READY ||
	                                 good[_i].m.type == MESSAGE_SHUTDOWN ? 2 : 1);
	buffer_fini(&b);
}
END_TEST

START_TEST(every_other_length_is_refused)
{
	uint8_t twice[128] = {0};
	struct message m;
	struct error e;
	size_t len = strlen(good[_i].hex) / 2;

	ck_assert(hex_decode(twice, len, good[_i].hex));
	for (size_t n = 0; n <= 2 * len; n++) {
		enum err err = message_decode(VIEW(twice, n), good[_i].from, good[_i].to, &m, &e);

		/* Types with a run of octets take more of them; their fields are fixed. */
		if (n < len - good[_i].m.data.len)
			ck_assert_int_ne(err, E_OK);
		else if (n == len)
			ck_assert_int_eq(err, E_OK);
		else if (good[_i].m.type == MESSAGE_DECISION_BEGIN ||
		         (good[_i].m.data.len == 0 && good[_i].m.type != MESSAGE_REPORT))
			ck_assert_int_ne(err, E_OK);
	}
}
END_TEST

/* Records that miss their table by one. */
static const struct {
	const char *hex;
	enum ipc_role from, to;
	enum err err;
} bad[] = {
	{"", IPC_NET, IPC_ENFORCE, E_TRUNCATED},
	{"00000000", IPC_NET, IPC_ENFORCE, E_UNKNOWN},
	{"00000018", IPC_NET, IPC_ENFORCE, E_UNKNOWN},
	{"0000000f", IPC_ENFORCE, IPC_NET, E_LENGTH},
	{"ffffffff", IPC_NET, IPC_ENFORCE, E_UNKNOWN},
	{"0000000400000004" SERVER_HEX, IPC_NET, IPC_ENFORCE, E_RANGE},
	{"000000040000000300040cd8c00002010000000000000000000000", IPC_NET, IPC_ENFORCE, E_LENGTH},
	{"0000000500000000", IPC_NET, IPC_ENFORCE, E_RANGE},
	{"0000000a00000001010000010000000100000001" SESSION_HEX, IPC_NET, IPC_ENFORCE, E_RANGE},
	{"0000000a00000001000000010001000100000001" SESSION_HEX, IPC_NET, IPC_ENFORCE, E_RANGE},
	{"0000000a00000001000000010000000100000001", IPC_NET, IPC_ENFORCE, E_LENGTH},
	{"0000000a00000001000000010000000100000000" SESSION_HEX, IPC_NET, IPC_ENFORCE, E_RANGE},
	{"0000000b0000000100000000de", IPC_NET, IPC_ENFORCE, E_RANGE},
	{"0000000b0000000100000003de", IPC_NET, IPC_ENFORCE, E_RANGE},
	{"0000000b0000000100000001", IPC_NET, IPC_ENFORCE, E_LENGTH},
	{"0000000d0000000100000003", IPC_ENFORCE, IPC_NET, E_RANGE},
};

START_TEST(what_misses_the_table_by_one_is_refused)
{
	uint8_t record[64];
	size_t len = strlen(bad[_i].hex) / 2;
	struct message m = {.id = 42};
	struct error e;

	ck_assert(hex_decode(record, len, bad[_i].hex));
	ck_assert_int_eq(message_decode(VIEW(record, len), bad[_i].from, bad[_i].to, &m, &e),
	                 bad[_i].err);
	ck_assert_uint_eq(m.id, 42);
}
END_TEST

START_TEST(the_run_of_octets_has_a_greatest_length)
{
	static const uint8_t zeros[MESSAGE_PIECE_MAX + 1];
	struct message m = {.type = MESSAGE_DECISION_PIECE, .id = 1, .kind = PIECE_INSTALL,
	                    .data = {zeros, MESSAGE_PIECE_MAX}};
	struct message text = {.type = MESSAGE_PDP_STATE,
	                       .data = {zeros, CONTACT_ENDPOINT_SIZE + MESSAGE_TEXT_MAX + 1}};
	struct buffer b;

	buffer_init(&b, 2 * MESSAGE_RECORD_MAX);
	ck_assert_int_eq(message_encode(&m, &b), E_OK);
	m.data.len++;
	ck_assert_int_eq(message_encode(&m, &b), E_BUG);
	ck_assert_int_eq(message_encode(&text, &b), E_BUG);
	buffer_fini(&b);
}
END_TEST

/* What net says of the PDPs arrives as it was said, from 0 octets to twice as many. */
START_TEST(a_row_of_the_table_of_pdps)
{
	static const char *const servers[] = {"192.0.2.1:3288", "[2001:db8::1]:65535"};
	struct contact_row row = {.origin = 2, .client_type = 0x4950, .auth = CONTACT_AUTH_TLS,
	                          .progress = SESSION_ACCEPTED, .last_error = 15};
	struct contact_row came;
	struct buffer b;
	struct error e;

	row.of[0] = 7;
	row.of[SESSION_COUNT_KINDS - 1] = UINT32_MAX;
	for (size_t i = 0; i < 2; i++) {
		ck_assert(!endpoint_parse(servers[i], 0, &row.server, &e));
		buffer_init(&b, 2 * CONTACT_ROW_SIZE);
		contact_put_row(&b, &row);
		ck_assert_uint_eq(b.len, CONTACT_ROW_SIZE);
		buffer_put_zeros(&b, CONTACT_ROW_SIZE);
		for (size_t n = 0; n <= 2 * CONTACT_ROW_SIZE; n++) {
			struct cursor c = cursor_over(VIEW(b.data, n));

			memset(&came, 0, sizeof came);
			ck_assert_int_eq(contact_get_row(&c, &came),
			                 n < CONTACT_ROW_SIZE ? E_TRUNCATED : E_OK);
		}
		ck_assert(endpoint_equal(&came.server, &row.server));
		came.server = row.server;
		ck_assert_mem_eq(&came, &row, sizeof row);
		buffer_fini(&b);
	}
}
END_TEST

START_TEST(a_row_that_says_what_there_is_not)
{
	struct contact_row row = {.progress = SESSION_ACCEPTED};
	struct {
		uint32_t *member;
		uint32_t good, bad;
	} cases[] = {{&row.client_type, UINT16_MAX, UINT16_MAX + 1}, {&row.auth, 5, 6},
		{&row.progress, SESSION_TIMING_OUT, SESSION_TIMING_OUT + 1},
		{&row.progress, SESSION_INVALID, 0}};
	struct error e;

	ck_assert(!endpoint_parse("192.0.2.1", 1, &row.server, &e));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int wrong = 0; wrong < 2; wrong++) {
			struct contact_row came;
			struct cursor c;
			struct buffer b;

			*cases[i].member = wrong ? cases[i].bad : cases[i].good;
			buffer_init(&b, CONTACT_ROW_SIZE);
			contact_put_row(&b, &row);
			c = cursor_over(buffer_view(&b));
			ck_assert_int_eq(contact_get_row(&c, &came), wrong ? E_RANGE : E_OK);
			/* A family that there is not. */
			b.data[1] = 5;
			c = cursor_over(buffer_view(&b));
			ck_assert_int_eq(contact_get_row(&c, &came), E_RANGE);
			buffer_fini(&b);
		}
		*cases[i].member = cases[i].good;
	}
}
END_TEST

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(random_state >> 33) % below;
}

/* Targets: message_decode, message_encode. Equal values after a second trip, never a crash. */
START_TEST(random_records_decode_to_what_they_encode_from)
{
	uint8_t record[96];
	struct buffer b;
	unsigned decoded = 0;

	random_state = 20260101;
	buffer_init(&b, MESSAGE_RECORD_MAX);
	for (int round = 0; round < 200000; round++) {
		size_t len = draw(sizeof record);
		enum ipc_role from = (enum ipc_role)draw(IPC_ROLES);
		enum ipc_role to = (enum ipc_role)draw(IPC_ROLES);
		struct message m, again;
		struct error e;

		/* Small numbers, mostly: otherwise hardly any record gets past its ranges. */
		for (size_t i = 0; i < len; i++)
			record[i] = (uint8_t)(i % 4 == 3 ? draw(16) : draw(64) ? 0 : draw(256));
		if (message_decode(VIEW(record, len), from, to, &m, &e))
			continue;
		decoded++;
		buffer_reset(&b);
		ck_assert_int_eq(message_encode(&m, &b), E_OK);
		ck_assert(view_equal(buffer_view(&b), VIEW(record, len)));
		ck_assert_int_eq(message_decode(buffer_view(&b), from, to, &again, &e), E_OK);
		ck_assert(same(&m, &again));
	}
	ck_assert_uint_gt(decoded, 500);
	buffer_fini(&b);
}
END_TEST

/* Steps of a transfer; each list is followed until it ends or a step is refused. */
enum { STEPS_MAX = 5 };
static const struct {
	struct {
		enum message_type type;
		uint32_t id, total, pieces;
		size_t octets;
	} steps[STEPS_MAX];
	size_t refused; /* which step, from 1; 0: none */
	enum err err;
	const char *why;
} transfers[] = {
	{{{MESSAGE_DECISION_BEGIN, 1, 0, 0, 0}, {MESSAGE_DECISION_COMMIT, 1, 0, 0, 0}}, 0, E_OK,
	 "a NULL decision has no pieces"},
	{{{MESSAGE_DECISION_BEGIN, 1, 5, 2, 0}, {MESSAGE_DECISION_PIECE, 1, 0, 0, 4},
	  {MESSAGE_DECISION_PIECE, 1, 0, 0, 1}, {MESSAGE_DECISION_COMMIT, 1, 0, 0, 0}}, 0, E_OK,
	 "two pieces"},
	{{{MESSAGE_DECISION_PIECE, 1, 0, 0, 4}}, 1, E_UNEXPECTED, "a piece without BEGIN"},
	{{{MESSAGE_DECISION_COMMIT, 1, 0, 0, 0}}, 1, E_UNEXPECTED, "COMMIT without BEGIN"},
	{{{MESSAGE_DECISION_BEGIN, 1, 4, 1, 0}, {MESSAGE_DECISION_BEGIN, 2, 4, 1, 0}}, 2,
	 E_UNEXPECTED, "BEGIN within a transfer"},
	{{{MESSAGE_DECISION_BEGIN, 1, 1, 2, 0}}, 1, E_RANGE, "more pieces than octets"},
	{{{MESSAGE_DECISION_BEGIN, 1, 4, 1, 0}, {MESSAGE_DECISION_PIECE, 2, 0, 0, 4}}, 2,
	 E_UNEXPECTED, "a piece of another transfer"},
	{{{MESSAGE_DECISION_BEGIN, 1, 3, 1, 0}, {MESSAGE_DECISION_PIECE, 1, 0, 0, 4}}, 2, E_LENGTH,
	 "an octet too many"},
	{{{MESSAGE_DECISION_BEGIN, 1, 4, 1, 0}, {MESSAGE_DECISION_PIECE, 1, 0, 0, 2},
	  {MESSAGE_DECISION_PIECE, 1, 0, 0, 2}}, 3, E_LENGTH, "a piece too many"},
	{{{MESSAGE_DECISION_BEGIN, 1, 4, 1, 0}, {MESSAGE_DECISION_PIECE, 1, 0, 0, 3},
	  {MESSAGE_DECISION_COMMIT, 1, 0, 0, 0}}, 3, E_LENGTH, "an octet too few"},
	{{{MESSAGE_DECISION_BEGIN, 1, 4, 2, 0}, {MESSAGE_DECISION_PIECE, 1, 0, 0, 4},
	  {MESSAGE_DECISION_COMMIT, 1, 0, 0, 0}}, 3, E_LENGTH, "a piece too few"},
	{{{MESSAGE_DECISION_BEGIN, 1, 4, 1, 0}, {MESSAGE_DECISION_PIECE, 1, 0, 0, 4},
	  {MESSAGE_DECISION_COMMIT, 2, 0, 0, 0}}, 3, E_UNEXPECTED, "COMMIT of another transfer"},
	{{{MESSAGE_DECISION_BEGIN, 1, 4, 1, 0}, {MESSAGE_DECISION_PIECE, 1, 0, 0, 4},
	  {MESSAGE_DECISION_COMMIT, 1, 0, 0, 0}, {MESSAGE_DECISION_COMMIT, 1, 0, 0, 0}}, 4,
	 E_UNEXPECTED, "COMMIT twice"},
};

START_TEST(a_transfer_is_what_it_announced)
{
	struct transfer t;
	struct error e;
	enum err err = E_OK;
	size_t i, pieces = 0;

	transfer_init(&t);
	for (i = 0; i < STEPS_MAX && transfers[_i].steps[i].type && !err; i++) {
		struct message m = {.type = transfers[_i].steps[i].type,
		                    .id = transfers[_i].steps[i].id,
		                    .total = transfers[_i].steps[i].total,
		                    .pieces = transfers[_i].steps[i].pieces,
		                    .kind = PIECE_INSTALL,
		                    .data = {octets, transfers[_i].steps[i].octets}};

		pieces += m.type == MESSAGE_DECISION_PIECE;
		if (m.type == MESSAGE_DECISION_BEGIN)
			err = transfer_begin(&t, &m, &e);
		else if (m.type == MESSAGE_DECISION_PIECE)
			err = transfer_piece(&t, &m, &e);
		else
			err = transfer_commit(&t, &m, &e);
	}
	ck_assert_msg(err == transfers[_i].err, "%s: %s", transfers[_i].why, err_text(err));
	if (err)
		ck_assert_uint_eq(i, transfers[_i].refused);
	else
		ck_assert_uint_eq(t.count, pieces);
	for (i = 0; !err && i < t.count; i++)
		ck_assert(view_equal(t.pieces[i].octets, VIEW(octets, t.pieces[i].octets.len)));
	transfer_fini(&t);
}
END_TEST

/* Two channels in one loop. */
struct end {
	unsigned messages, closed, drained;
	struct message last;
	enum err err;
	int fd;
	bool free_in_callback;
	struct channel *channel;
};

static void on_message(void *context, struct channel *c, const struct message *m, int fd)
{
	struct end *end = context;

	end->messages++;
	end->last = *m;
	if (fd >= 0)
		end->fd = fd;
	if (end->free_in_callback)
		end->channel = channel_free(c);
}

static void on_closed(void *context, struct channel *c, const struct error *e)
{
	struct end *end = context;

	end->closed++;
	end->err = e->code;
	if (end->free_in_callback)
		end->channel = channel_free(c);
}

static void on_drained(void *context, struct channel *c)
{
	struct end *end = context;

	(void)c;
	end->drained++;
}

static const struct channel_events events = {on_message, on_closed, on_drained};

struct two {
	struct ev_loop *loop;
	struct end net, enforce;
	int raw; /* net's descriptor */
};

static void two_init(struct two *t)
{
	struct error e;
	int pair[2];

	*t = (struct two){.loop = ev_loop_new(EVFLAG_AUTO), .net = {.fd = -1}, .enforce = {.fd = -1}};
	ck_assert_int_eq(channel_pair(pair, &e), E_OK);
	ck_assert_int_eq(channel_new(t->loop, pair[0], IPC_NET, IPC_ENFORCE,
	                             MESSAGE_TOTAL_MAX + 65536, &events, &t->net, &t->net.channel,
	                             &e), E_OK);
	ck_assert_int_eq(channel_new(t->loop, pair[1], IPC_ENFORCE, IPC_NET, 65536, &events,
	                             &t->enforce, &t->enforce.channel, &e), E_OK);
	t->raw = pair[0];
}

static void two_fini(struct two *t)
{
	channel_free(t->net.channel);
	channel_free(t->enforce.channel);
	ev_loop_destroy(t->loop);
}

static void turn(struct two *t)
{
	ev_run(t->loop, EVRUN_NOWAIT);
}

START_TEST(sixteen_megabytes_pass_in_order)
{
	static const uint8_t zeros[MESSAGE_PIECE_MAX];
	struct two t;
	struct error e;
	uint32_t sent = 0;

	two_init(&t);
	for (size_t left = MESSAGE_TOTAL_MAX; left; sent++) {
		size_t len = left < MESSAGE_PIECE_MAX ? left : MESSAGE_PIECE_MAX;
		struct message m = {.type = MESSAGE_DECISION_PIECE, .id = sent + 1,
		                    .kind = PIECE_INSTALL, .data = {zeros, len}};

		ck_assert_int_eq(channel_send(t.net.channel, &m, -1, &e), E_OK);
		left -= len;
	}
	ck_assert_uint_gt(channel_queued(t.net.channel), 0);
	for (uint32_t got = 0; t.enforce.messages < sent; got = t.enforce.messages) {
		turn(&t);
		if (t.enforce.messages != got)
			ck_assert_uint_eq(t.enforce.last.id, t.enforce.messages);
	}
	ck_assert_uint_eq(channel_queued(t.net.channel), 0);
	ck_assert_uint_eq(t.net.drained, 1);
	two_fini(&t);
}
END_TEST

START_TEST(a_full_queue_refuses_and_keeps_what_it_has)
{
	static const uint8_t zeros[MESSAGE_PIECE_MAX];
	struct message m = {.type = MESSAGE_REPORT, .id = 1, .kind = REPORT_SUCCESS,
	                    .data = {zeros, 30000}};
	struct two t;
	struct error e;
	unsigned sent = 0;

	two_init(&t);
	while (!channel_send(t.enforce.channel, &m, -1, &e))
		sent++;
	ck_assert_int_eq(e.code, E_LIMIT);
	while (t.net.messages < sent)
		turn(&t);
	ck_assert_int_eq(channel_send(t.enforce.channel, &m, -1, &e), E_OK);
	two_fini(&t);
}
END_TEST

START_TEST(a_wrong_record_ends_the_channel)
{
	struct two t;

	two_init(&t);
	ck_assert_int_eq(send(t.raw, "\0\0\0\x63", 4, 0), 4);
	turn(&t);
	ck_assert_uint_eq(t.enforce.closed, 1);
	ck_assert_int_eq(t.enforce.err, E_UNKNOWN);
	turn(&t);
	ck_assert_uint_eq(t.net.closed, 1);
	ck_assert_int_eq(t.net.err, E_CLOSED);
	two_fini(&t);
}
END_TEST

static void send_with_descriptor(int socket, const char *record, size_t len, int fd)
{
	struct iovec iov = {.iov_base = (char[64]){0}, .iov_len = len};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
	                        .msg_controllen = sizeof control.space};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	memcpy(iov.iov_base, record, len);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	ck_assert_int_eq(sendmsg(socket, &header, 0), (ssize_t)len);
}

START_TEST(an_unexpected_descriptor_ends_the_channel)
{
	struct two t;
	int before, after;

	two_init(&t);
	send_with_descriptor(t.raw, "\0\0\0\x05\0\0\0\x01\0\0\0\0", 12, STDERR_FILENO);
	before = dup(STDERR_FILENO);
	turn(&t);
	after = dup(STDERR_FILENO);
	ck_assert_uint_eq(t.enforce.messages, 0);
	ck_assert_int_eq(t.enforce.err, E_UNEXPECTED);
	/* Nothing stays open: the next descriptor is the one that channel and passenger freed. */
	ck_assert_int_le(after, before + 1);
	close(before);
	close(after);
	two_fini(&t);
}
END_TEST

START_TEST(a_descriptor_arrives_also_behind_a_queue)
{
	struct message peer = {.type = MESSAGE_PEER};
	struct channel *supervisor, *enforce;
	struct end at[2] = {{.fd = -1}, {.fd = -1}};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct error e;
	int pair[2], pipes[2];
	char c;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(channel_pair(pair, &e), E_OK);
	ck_assert_int_eq(channel_new(loop, pair[0], IPC_SUPERVISOR, IPC_ENFORCE, 65536, &events,
	                             &at[0], &supervisor, &e), E_OK);
	ck_assert_int_eq(channel_new(loop, pair[1], IPC_ENFORCE, IPC_SUPERVISOR, 65536, &events,
	                             &at[1], &enforce, &e), E_OK);
	while (!channel_queued(supervisor))
		ck_assert_int_eq(channel_send(supervisor,
		                              &(struct message){.type = MESSAGE_SHUTDOWN}, -1, &e),
		                 E_OK);
	ck_assert_int_eq(channel_send(supervisor, &peer, pipes[1], &e), E_OK);
	close(pipes[1]);
	while (at[1].fd < 0)
		ev_run(loop, EVRUN_NOWAIT);
	ck_assert_int_eq(write(at[1].fd, "x", 1), 1);
	ck_assert_int_eq(read(pipes[0], &c, 1), 1);
	close(at[1].fd);
	ck_assert_int_eq(read(pipes[0], &c, 1), 0);
	close(pipes[0]);
	channel_free(supervisor);
	channel_free(enforce);
	ev_loop_destroy(loop);
}
END_TEST

START_TEST(a_callback_may_free_its_channel)
{
	struct message m = {.type = MESSAGE_REQUEST_WANTED, .id = 1};
	struct two t;
	struct error e;

	two_init(&t);
	t.enforce.free_in_callback = true;
	t.net.free_in_callback = true;
	ck_assert_int_eq(channel_send(t.net.channel, &m, -1, &e), E_OK);
	ck_assert_int_eq(channel_send(t.net.channel, &m, -1, &e), E_OK);
	turn(&t);
	turn(&t);
	ck_assert_uint_eq(t.enforce.messages, 1);
	ck_assert_uint_eq(t.net.closed, 1);
	two_fini(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/ipc");
	TCase *messages = tcase_create("messages"), *transfer = tcase_create("transfers"),
	      *channel = tcase_create("channels");

	tcase_add_loop_test(messages, each_type_has_its_octets, 0, GOOD);
	tcase_add_loop_test(messages, no_type_passes_another_way, 0, GOOD);
	tcase_add_loop_test(messages, every_other_length_is_refused, 0, GOOD);
	tcase_add_loop_test(messages, what_misses_the_table_by_one_is_refused, 0,
	                    sizeof bad / sizeof bad[0]);
	tcase_add_test(messages, a_row_of_the_table_of_pdps);
	tcase_add_test(messages, a_row_that_says_what_there_is_not);
	tcase_add_test(messages, the_run_of_octets_has_a_greatest_length);
	tcase_add_test(messages, random_records_decode_to_what_they_encode_from);
	suite_add_tcase(suite, messages);
	tcase_add_loop_test(transfer, a_transfer_is_what_it_announced, 0,
	                    sizeof transfers / sizeof transfers[0]);
	suite_add_tcase(suite, transfer);
	tcase_add_test(channel, sixteen_megabytes_pass_in_order);
	tcase_add_test(channel, a_full_queue_refuses_and_keeps_what_it_has);
	tcase_add_test(channel, a_wrong_record_ends_the_channel);
	tcase_add_test(channel, an_unexpected_descriptor_ends_the_channel);
	tcase_add_test(channel, a_descriptor_arrives_also_behind_a_queue);
	tcase_add_test(channel, a_callback_may_free_its_channel);
	suite_add_tcase(suite, channel);
	return suite_main(suite);
}
