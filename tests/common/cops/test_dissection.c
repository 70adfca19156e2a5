/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A second opinion: what we encode goes through Wireshark's dissector, which must not find fault.
 *
 * Each vector is decoded and encoded again by us; with them goes everything that both ends of a
 * session say. One message a packet, in a capture of our own making (raw IPv4, port 3288).
 */
#include "tests/common/cops/octets.h"
#include "tests/common/cops/vectors.h"
#include "tests/common/session/pair.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77, LINKTYPE_RAW = 101, IP_HEADER = 20, TCP_HEADER = 20, PACKET_MAX = 60000 };

/* Little endian, as the magic number says. */
static void put_le32(struct buffer *b, uint32_t v)
{
	buffer_put_u8(b, (uint8_t)v);
	buffer_put_u8(b, (uint8_t)(v >> 8));
	buffer_put_u8(b, (uint8_t)(v >> 16));
	buffer_put_u8(b, (uint8_t)(v >> 24));
}

static void put_packet(
	struct buffer *capture, struct view payload, uint32_t number, uint32_t sequence)
{
	size_t len = IP_HEADER + TCP_HEADER + payload.len;

	ck_assert_uint_le(payload.len, PACKET_MAX);
	put_le32(capture, number);
	put_le32(capture, 0);
	put_le32(capture, (uint32_t)len);
	put_le32(capture, (uint32_t)len);
	/* IPv4: no options, TTL 64, TCP, 192.0.2.1 to 192.0.2.9 */
	buffer_put_u16(capture, 0x4500);
	buffer_put_u16(capture, (uint16_t)len);
	buffer_put_u32(capture, 0);
	buffer_put_u16(capture, 0x4006);
	buffer_put_u16(capture, 0);
	buffer_put_u32(capture, 0xc0000201);
	buffer_put_u32(capture, 0xc0000209);
	/* TCP: PSH and ACK */
	buffer_put_u16(capture, 40000);
	buffer_put_u16(capture, COPS_PORT);
	buffer_put_u32(capture, sequence);
	buffer_put_u32(capture, 1);
	buffer_put_u16(capture, 0x5018);
	buffer_put_u16(capture, 0xffff);
	buffer_put_u32(capture, 0);
	buffer_put_view(capture, payload);
}

/* Every message of the stream in a packet of its own; how many they were. */
static uint32_t put_messages(
	struct buffer *capture, struct view stream, uint32_t number, uint32_t *sequence)
{
	uint32_t count = 0;

	while (stream.len) {
		size_t len;

		ck_assert_int_eq(cops_frame(stream, PACKET_MAX, &len), E_OK);
		put_packet(capture, VIEW(stream.data, len), number + count++, *sequence);
		*sequence += (uint32_t)len;
		stream = VIEW(stream.data + len, stream.len - len);
	}
	return count;
}

static void play_pep(struct pair *p, const struct session_event *e)
{
	uint32_t handle;
	enum err code = E_OK;

	if (e->kind == SESSION_OPENED)
		code = pep_session_request(p->pep, e->client_type, p->user, 1, p->now, &handle);
	else if (e->kind == SESSION_DECISION)
		code = pep_session_report(p->pep, e->decision, COPS_SUCCESS, p->user, 1);
	ck_assert_int_eq(code, E_OK);
}

static void play_pdp(struct pair *p, const struct session_event *e)
{
	static const uint8_t prid[] = "\x00\x0a\x01\x01\x06\x04\x2b\x06\x01\x01\x00\x00";
	struct view remove = VIEW(prid, 12);
	struct pdp_transaction t = {&remove, 1, p->user, 1};
	uint32_t number;
	enum err code = E_OK;

	if (e->kind == SESSION_OPENING)
		code = pdp_session_accept(p->pdp, e->client_type);
	else if (e->kind == SESSION_REQUEST)
		code = pdp_session_decide(p->pdp, e->state, &t, &number);
	ck_assert_int_eq(code, E_OK);
}

static void play_opening(struct pair *p, const struct session_event *e)
{
	if (e->kind == SESSION_OPENING)
		ck_assert_int_eq(pdp_session_accept(p->pdp, e->client_type), E_OK);
}

static void note_state(struct pair *p, const struct session_event *e)
{
	if (e->kind == SESSION_REQUEST)
		*(uint32_t *)p->user = e->state;
}

static void report_any(struct pair *p, const struct session_event *e)
{
	if (e->kind == SESSION_DECISION)
		ck_assert_int_eq(
			pep_session_report(p->pep, e->decision, COPS_SUCCESS, NULL, 0), E_OK);
}

/* What both ends of a session say, closing included. */
static void talk(struct buffer *log)
{
	static const uint8_t binding[] = "\x00\x0a\x01\x01\x06\x04\x2b\x06\x01\x01\x00\x00"
					 "\x00\x07\x03\x01\x42\x01\x01\x00";
	struct view piece = VIEW(binding, 20);
	struct pair p;

	pair_init(&p);
	p.on_pep = play_pep;
	p.on_pdp = play_pdp;
	p.user = &piece;
	pair_start(&p, PAIR_BOTH);
	ck_assert_int_eq(pep_session_open(p.pep, COPS_CLIENT_PROVISIONING, NULL, p.now), E_OK);
	ck_assert_int_eq(pep_session_open(p.pep, COPS_CLIENT_PUBLISHING, NULL, p.now), E_OK);
	pair_run(&p);
	ck_assert_int_eq(pdp_session_synchronize(p.pdp, COPS_CLIENT_PROVISIONING, 0), E_OK);
	pair_pass(&p, 100 * 1000);
	session_close(p.pep, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	pair_run(&p);
	buffer_put_view(log, buffer_view(&p.log));
	pair_fini(&p);
}

static struct endpoint endpoint_of(const char *text)
{
	struct endpoint endpoint;
	struct error e;

	ck_assert_int_eq(endpoint_parse(text, COPS_PORT, &endpoint, &e), E_OK);
	return endpoint;
}

/* What the two of talk() do not say by themselves, up to a redirection to `elsewhere`. */
static void talk_of_the_rest(struct buffer *log, const char *elsewhere)
{
	struct endpoint to = endpoint_of(elsewhere);
	struct session_event e;
	uint32_t handle, state = 0, number;
	struct pair p;

	pair_init(&p);
	p.pep_config.security = SESSION_PLAIN;
	p.pdp_config.security = SESSION_PLAIN;
	p.pdp_config.acct_seconds = 60;
	pair_start(&p, PAIR_BOTH);
	/* OPN with LastPDPAddr, CAT with AcctTimer. */
	ck_assert_int_eq(pep_session_open(p.pep, COPS_CLIENT_PROVISIONING, &to, p.now), E_OK);
	p.on_pdp = play_opening;
	pair_run(&p);
	ck_assert_int_eq(
		pep_session_request(p.pep, COPS_CLIENT_PROVISIONING, NULL, 0, p.now, &handle),
		E_OK);
	p.on_pdp = note_state;
	p.user = &state;
	pair_run(&p);
	ck_assert_uint_ne(state, 0);
	/* NULL, Request-State, unsolicited; each with its report. */
	p.on_pep = report_any;
	ck_assert_int_eq(pdp_session_decide_null(p.pdp, state, &number), E_OK);
	ck_assert_int_eq(pdp_session_decide_state(p.pdp, state, COPS_INSTALL, &number), E_OK);
	ck_assert_int_eq(pdp_session_decide_state(p.pdp, state, COPS_REMOVE, &number), E_OK);
	pair_run(&p);
	/* RPT of its own account. */
	ck_assert_int_eq(pep_session_tell(p.pep, handle, COPS_FAILURE, NULL, 0, p.now), E_OK);
	ck_assert_int_eq(pep_session_tell(p.pep, handle, COPS_ACCOUNTING, NULL, 0, p.now), E_OK);
	/* SSQ and SSC with a handle, DEC with Error, DRQ, CC with PDPRedirAddr. */
	ck_assert_int_eq(pdp_session_synchronize(p.pdp, COPS_CLIENT_PROVISIONING, state), E_OK);
	ck_assert_int_eq(pep_session_synchronized(p.pep, COPS_CLIENT_PROVISIONING, handle), E_OK);
	ck_assert_int_eq(pep_session_update(p.pep, handle, NULL, 0, p.now), E_OK);
	pair_run(&p);
	ck_assert_int_eq(pdp_session_decide_error(p.pdp, state, COPS_ERROR_UNABLE, 0), E_OK);
	pair_run(&p);
	ck_assert_int_eq(pep_session_delete(p.pep, handle, COPS_REASON_MANAGEMENT), E_OK);
	pair_run(&p);
	ck_assert_int_eq(pdp_session_redirect(p.pdp, COPS_CLIENT_CONNECTION, &to), E_OK);
	pair_run(&p);
	while (session_next_event(p.pep, &e))
		;
	buffer_put_view(log, buffer_view(&p.log));
	pair_fini(&p);
}

/* What tshark must have seen somewhere: an operation with an object. */
static const struct {
	unsigned op, c_num, c_type;
} sights[] = {
	{COPS_REQ, COPS_HANDLE, 1},
	{COPS_REQ, COPS_CONTEXT, 1},
	{COPS_REQ, COPS_CLIENT_SI, 2},
	{COPS_DEC, COPS_DECISION, 1},
	{COPS_DEC, COPS_DECISION, 5},
	{COPS_DEC, COPS_ERROR, 1},
	{COPS_RPT, COPS_REPORT_TYPE, 1},
	{COPS_RPT, COPS_CLIENT_SI, 2},
	{COPS_DRQ, COPS_REASON, 1},
	{COPS_SSQ, COPS_HANDLE, 1},
	{COPS_SSQ, 0, 0},
	{COPS_SSC, COPS_HANDLE, 1},
	{COPS_SSC, 0, 0},
	{COPS_OPN, COPS_PEPID, 1},
	{COPS_OPN, COPS_LAST_PDP, COPS_IPV4},
	{COPS_OPN, COPS_LAST_PDP, COPS_IPV6},
	{COPS_OPN, COPS_INTEGRITY, COPS_INTEGRITY_TLS},
	{COPS_OPN, COPS_INTEGRITY, COPS_INTEGRITY_HMAC},
	{COPS_CAT, COPS_KA_TIMER, 1},
	{COPS_CAT, COPS_ACCT_TIMER, 1},
	{COPS_CAT, COPS_INTEGRITY, COPS_INTEGRITY_TLS},
	{COPS_CC, COPS_ERROR, 1},
	{COPS_CC, COPS_PDP_REDIRECT, COPS_IPV4},
	{COPS_CC, COPS_PDP_REDIRECT, COPS_IPV6},
	{COPS_KA, 0, 0},
};

enum { SIGHTS = sizeof sights / sizeof sights[0] };

static void note_sight(bool seen[SIGHTS], unsigned op, unsigned c_num, unsigned c_type)
{
	for (size_t i = 0; i < SIGHTS; i++)
		seen[i] |= sights[i].op == op && sights[i].c_num == c_num &&
			   sights[i].c_type == c_type;
}

/* "    C-Num: Handle Object (Handle) (1)" or "        C-Type: 1" */
static bool number_of(const char *line, const char *label, unsigned *ret)
{
	const char *at = strstr(line, label), *last;

	if (!at)
		return false;
	last = strrchr(at, '(');
	*ret = (unsigned)strtoul(last ? last + 1 : at + strlen(label), NULL, 10);
	return true;
}

static void check_sights(const char *path)
{
	unsigned op = 0, c_num = 0, c_type = 0;
	bool seen[SIGHTS] = {false};
	char command[500], line[4096];
	FILE *f;

	snprintf(command, sizeof command,
		"tshark -r %s -d tcp.port==%d,cops -V -O cops 2>/dev/null", path, COPS_PORT);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f)) {
		if (strstr(line, "Op Code:") && op && !c_num)
			note_sight(seen, op, 0, 0);
		if (number_of(line, "Op Code:", &op))
			c_num = 0;
		else if (!number_of(line, "C-Num:", &c_num) && number_of(line, "C-Type:", &c_type))
			note_sight(seen, op, c_num, c_type);
	}
	ck_assert_int_eq(pclose(f), 0);
	for (size_t i = 0; i < SIGHTS; i++)
		ck_assert_msg(seen[i], "tshark saw no %s with object %u of type %u",
			cops_op_name((uint8_t)sights[i].op), sights[i].c_num, sights[i].c_type);
}

/* The numbers of the packets that the dissector complains about, as it prints them. */
static void dissect(const char *path, char *out, size_t room)
{
	char command[1000];
	size_t len;
	FILE *f;

	snprintf(command, sizeof command,
		"tshark -r %s -d tcp.port==%d,cops -T fields -e frame.number "
		"-Y '_ws.malformed || !cops' 2>/dev/null",
		path, COPS_PORT);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	len = fread(out, 1, room - 1, f);
	out[len] = 0;
	ck_assert_int_eq(pclose(f), 0);
}

static void encode_again(
	struct buffer *capture, const char *hex, uint32_t number, uint32_t *sequence)
{
	struct view octets = octets_of_hex(hex);
	struct cops_message m;
	struct cops_fault fault;
	struct arena arena;
	struct buffer b;

	arena_init(&arena, COPS_ARENA_LIMIT);
	buffer_init(&b, PACKET_MAX);
	ck_assert_int_eq(cops_decode(octets, &arena, &m, &fault), E_OK);
	cops_encode(&m, &b);
	put_messages(capture, buffer_view(&b), number, sequence);
	buffer_fini(&b);
	arena_fini(&arena);
	octets_free(octets);
}

START_TEST(wireshark_finds_no_fault)
{
	char path[] = "/tmp/copsec-dissection-XXXXXX";
	char complaints[1000], expected[1000] = "";
	struct buffer capture, log;
	uint32_t number = 0, sequence = 1;
	int fd = mkstemp(path);

	buffer_init(&capture, 1 << 20);
	buffer_init(&log, 1 << 20);
	put_le32(&capture, 0xa1b2c3d4);
	put_le32(&capture, 2 | 4 << 16);
	put_le32(&capture, 0);
	put_le32(&capture, 0);
	put_le32(&capture, PACKET_MAX + IP_HEADER + TCP_HEADER);
	put_le32(&capture, LINKTYPE_RAW);

	for (size_t i = 0; i < VECTORS; i++) {
		encode_again(&capture, vectors[i].hex, number++, &sequence);
		if (vectors[i].too_wide_for_wireshark)
			snprintf(expected + strlen(expected), sizeof expected - strlen(expected),
				"%u\n", (unsigned)number);
	}
	talk(&log);
	talk_of_the_rest(&log, "192.0.2.9");
	talk_of_the_rest(&log, "2001:db8::9");
	number += put_messages(&capture, buffer_view(&log), number, &sequence);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(capture.error, E_OK);
	ck_assert_int_eq(write(fd, capture.data, capture.len), (ssize_t)capture.len);
	close(fd);
	dissect(path, complaints, sizeof complaints);
	check_sights(path);
	unlink(path);
	ck_assert_uint_gt(number, VECTORS + 20);
	/* The one complaint shows that it does complain. */
	ck_assert_str_eq(complaints, expected);
	buffer_fini(&capture);
	buffer_fini(&log);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dissection");
	TCase *c = tcase_create("dissection");

	if (system("tshark --version >/dev/null 2>&1") != 0) {
		puts("skipped: tshark is not installed");
		return SKIPPED;
	}
	tcase_set_timeout(c, 100);
	tcase_add_test(c, wireshark_finds_no_fault);
	suite_add_tcase(s, c);
	return suite_main(s);
}
