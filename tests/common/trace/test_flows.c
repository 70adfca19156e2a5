/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages out of packets: cut anywhere, twice, in any order, with holes, and what is no COPS. */
#include <stdio.h>
#include <string.h>

#include "common/cops/message.h"
#include "common/trace/flows.h"
#include "tests/common/cops/octets.h"
#include "tests/suite.h"

enum { SEED = 3288, STREAM = 400 };

static struct buffer messages; /* all that came, one behind the other */
static unsigned message_count, remark_count;
static char last_remark[200];

static void on_message(void *owner, uint64_t time_us, const struct endpoint *from,
	const struct endpoint *to, struct view message)
{
	(void)owner;
	(void)time_us;
	(void)from;
	(void)to;
	message_count++;
	buffer_put_view(&messages, message);
}

static void on_remark(void *owner, uint64_t time_us, const struct endpoint *from,
	const struct endpoint *to, const char *text)
{
	(void)owner;
	(void)time_us;
	(void)from;
	(void)to;
	remark_count++;
	snprintf(last_remark, sizeof last_remark, "%s", text);
}

static const struct flows_events events = {on_message, on_remark};
static struct flows *flows;
static struct endpoint pep, pdp;

static void set_up(void)
{
	struct error e;

	ck_assert_int_eq(endpoint_parse("192.0.2.1:40000", 0, &pep, &e), E_OK);
	ck_assert_int_eq(endpoint_parse("192.0.2.2:3288", 0, &pdp, &e), E_OK);
	buffer_init(&messages, 1 << 24);
	flows = flows_new(&events, NULL);
	message_count = remark_count = 0;
	last_remark[0] = '\0';
}

static void tear_down(void)
{
	flows_free(flows);
	buffer_fini(&messages);
}

static void put(struct buffer *b, enum cops_op op, size_t handle)
{
	size_t begun = cops_begin(b, op, 0, op == COPS_KA ? 0 : 0x4001);

	if (op == COPS_OPN)
		cops_put_pepid(b, view_of_string("pep1.example"));
	if (op == COPS_SSC)
		cops_put_handle(b, VIEW("abcdefghijklmnopqrstuvwxyz", 1 + handle % 26));
	cops_end(b, begun);
}

/* OPN, then KAs and SSCs with handles of any length. */
static struct buffer stream_of(unsigned count, uint64_t *seed)
{
	struct buffer b;

	buffer_init(&b, 1 << 20);
	put(&b, COPS_OPN, 0);
	for (unsigned i = 1; i < count; i++)
		put(&b, chance(seed) % 2 ? COPS_KA : COPS_SSC, chance(seed));
	return b;
}

static struct segment piece(const struct buffer *b, uint32_t first, size_t at, size_t len)
{
	return (struct segment){.from = pep, .to = pdp, .sequence = first + 1 + (uint32_t)at,
				.payload = VIEW(b->data + at, len)};
}

static void send_syn(uint32_t first)
{
	struct segment s = {.from = pep, .to = pdp, .sequence = first, .syn = true};

	flows_add(flows, 1, &s);
}

static void shuffle(struct segment *s, size_t count, uint64_t *seed)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = chance(seed) % i;
		struct segment other = s[i - 1];

		s[i - 1] = s[j];
		s[j] = other;
	}
}

/* Any cut, any order within a window, segments twice and overlapping, over the end of the numbers:
 * the same messages come, and nothing is remarked. */
START_TEST(any_order_gives_the_same_messages)
{
	uint64_t seed = SEED + (uint64_t)_i;
	uint32_t first = _i % 3 ? chance(&seed) : UINT32_MAX - 50;
	struct buffer b = stream_of(STREAM / 10, &seed);
	struct segment s[2 * STREAM];
	size_t count = 0;

	for (size_t at = 0; at < b.len;) {
		size_t len = 1 + chance(&seed) % 40;

		len = len < b.len - at ? len : b.len - at;
		s[count++] = piece(&b, first, at, len);
		if (chance(&seed) % 4 == 0) {
			size_t back = chance(&seed) % (at + 1), more = chance(&seed) % 60 + 1;

			s[count++] = piece(&b, first, at - back,
					   more < b.len - (at - back) ? more : b.len - (at - back));
		}
		at += len;
	}
	shuffle(s, count, &seed);
	send_syn(first);
	for (size_t i = 0; i < count; i++)
		flows_add(flows, 2, &s[i]);
	ck_assert_msg(view_equal(buffer_view(&messages), buffer_view(&b)), "seed %d", SEED + _i);
	/* And what comes again behind the end is not said again. */
	flows_add(flows, 3, &(struct segment){.from = pep, .to = pdp, .fin = true,
					      .sequence = first + 1 + (uint32_t)b.len});
	for (size_t i = 0; i < count; i++)
		flows_add(flows, 4, &s[i]);
	flows_end(flows);
	ck_assert_uint_eq(messages.len, b.len);
	ck_assert_uint_eq(remark_count, 0);
	buffer_fini(&b);
}
END_TEST

START_TEST(a_hole_is_said_and_passed_over)
{
	uint64_t seed = SEED;
	struct buffer b = stream_of(30, &seed);
	size_t hole = 28; /* behind the OPN */
	struct segment s;

	send_syn(100);
	s = piece(&b, 100, 0, hole + 3);
	flows_add(flows, 1, &s);
	/* Five octets are lost; then a segment that begins in the middle, and one with a message. */
	s = piece(&b, 100, hole + 8, 3);
	flows_add(flows, 2, &s);
	ck_assert_uint_eq(message_count, 1);
	flows_end(flows);
	ck_assert_uint_eq(message_count, 1);
	ck_assert_str_eq(last_remark, "5 octets are missing in the capture");
	buffer_fini(&b);
}
END_TEST

START_TEST(after_a_hole_the_next_message_is_found)
{
	struct segment s;
	struct buffer b;

	buffer_init(&b, 1000);
	for (int i = 0; i < 4; i++)
		put(&b, COPS_KA, 0);
	send_syn(0);
	s = piece(&b, 0, 0, 8);
	flows_add(flows, 1, &s);
	s = piece(&b, 0, 16, 16);
	flows_add(flows, 2, &s);
	flows_end(flows);
	ck_assert_uint_eq(message_count, 3);
	ck_assert_uint_eq(remark_count, 1);
	buffer_fini(&b);
}
END_TEST

START_TEST(a_capture_may_begin_in_the_middle)
{
	struct segment s;
	struct buffer b;

	buffer_init(&b, 1000);
	put(&b, COPS_OPN, 0);
	put(&b, COPS_KA, 0);
	s = piece(&b, 0, 10, 18); /* the rest of the OPN */
	flows_add(flows, 1, &s);
	s = piece(&b, 0, 28, 8);
	flows_add(flows, 2, &s);
	ck_assert_uint_eq(message_count, 1);
	ck_assert_uint_eq(remark_count, 0);
	buffer_fini(&b);
}
END_TEST

START_TEST(tls_is_recognised_and_said_once)
{
	static const uint8_t hello[] = {0x16, 0x03, 0x01, 0x00, 0x02, 0x01, 0x00};
	struct buffer b;
	struct segment s;

	buffer_init(&b, 1000);
	put(&b, COPS_OPN, 0);
	buffer_put(&b, hello, sizeof hello);
	buffer_put(&b, hello, sizeof hello);
	send_syn(5);
	for (size_t at = 0; at < b.len; at++) {
		s = piece(&b, 5, at, 1);
		flows_add(flows, 1, &s);
	}
	flows_end(flows);
	ck_assert_uint_eq(message_count, 1);
	ck_assert_uint_eq(remark_count, 1);
	ck_assert_ptr_nonnull(strstr(last_remark, "TLS from here on"));
	buffer_fini(&b);
}
END_TEST

START_TEST(what_is_no_cops_is_said)
{
	struct buffer b;
	struct segment s;

	buffer_init(&b, 1000);
	buffer_put_view(&b, view_of_string("GET / HTTP/1.1\r\n"));
	send_syn(5);
	s = piece(&b, 5, 0, b.len);
	flows_add(flows, 1, &s);
	ck_assert_uint_eq(message_count, 0);
	ck_assert_str_eq(last_remark, "what follows is no COPS message");
	buffer_fini(&b);
}
END_TEST

START_TEST(both_directions_and_ports_used_again)
{
	struct segment s, back;
	struct buffer b;

	buffer_init(&b, 1000);
	put(&b, COPS_KA, 0);
	for (uint32_t round = 0; round < 3; round++) {
		send_syn(1000 * round);
		back = (struct segment){.from = pdp, .to = pep, .sequence = 7 * round, .syn = true};
		flows_add(flows, 1, &back);
		s = piece(&b, 1000 * round, 0, b.len);
		flows_add(flows, 2, &s);
		back = (struct segment){.from = pdp, .to = pep, .sequence = 7 * round + 1,
					.payload = buffer_view(&b)};
		flows_add(flows, 3, &back);
	}
	ck_assert_uint_eq(message_count, 6);
	ck_assert_uint_eq(remark_count, 0);
	buffer_fini(&b);
}
END_TEST

/* A peer's thousands of connections and segments that wait for ever have limits. */
START_TEST(what_waits_is_limited)
{
	struct segment s;
	struct buffer b;

	buffer_init(&b, 1 << 20);
	buffer_put_zeros(&b, 65536);
	for (uint32_t i = 0; i < FLOWS_MAX + 100; i++) {
		pep.address.v4.sin_addr.s_addr = htonl(0x0a000000 + i);
		send_syn(0);
	}
	pep.address.v4.sin_addr.s_addr = htonl(0x0b000000);
	send_syn(0);
	for (uint32_t i = 1; i < 2 * FLOWS_HELD_MAX; i++) {
		s = piece(&b, 0, 100 + 2 * i, 1);
		flows_add(flows, 2, &s);
	}
	ck_assert_uint_gt(remark_count, FLOWS_HELD_MAX / 2);
	buffer_fini(&b);
}
END_TEST

/* ---- Packets ---- */

#define IP4 "45000030000040004006000" "0c0000201c0000202"
#define TCP "9c400cd80000000500000000" "5018ffff00000000"
#define KA "1009000000000008"

START_TEST(packets_of_every_link)
{
	static const struct {
		int link;
		const char *why, *hex;
		enum err err;
	} cases[] = {
		{1, "Ethernet", "0102030405060708090a0b0c0800" IP4 TCP KA, E_OK},
		{1, "VLAN", "0102030405060708090a0b0c8100000a0800" IP4 TCP KA, E_OK},
		{1, "with padding", "0102030405060708090a0b0c0800" IP4 TCP KA "0000000000", E_OK},
		{113, "cooked", "00000001000600000000000000000800" IP4 TCP KA, E_OK},
		{276, "cooked, second", "0800000000000001000100060000000000000000" IP4 TCP KA, E_OK},
		{101, "raw", IP4 TCP KA, E_OK},
		{0, "loopback", "02000000" IP4 TCP KA, E_OK},
		{101, "IPv6", "60000000001c0640" "20010db8000000000000000000000001"
			      "20010db8000000000000000000000002" TCP KA, E_OK},
		{101, "IPv6 with an extension", "6000000000240040" "20010db8000000000000000000000001"
			"20010db8000000000000000000000002" "0600000000000000" TCP KA, E_OK},
		{1, "ARP", "0102030405060708090a0b0c08060001", E_TYPE},
		{101, "UDP", "45000030000040004011000" "0c0000201c0000202" TCP KA, E_TYPE},
		{101, "a fragment", "45000030000020004006000" "0c0000201c0000202" TCP KA,
		 E_UNSUPPORTED},
		{101, "no IP", "75000030000040004006000" "0c0000201c0000202" TCP KA, E_TYPE},
		{101, "header too short", "44000030000040004006000" "0c0000201c0000202" TCP KA,
		 E_TRUNCATED},
		{101, "total length too short", "45000010000040004006000" "0c0000201c0000202" TCP KA,
		 E_TRUNCATED},
		{101, "cut", IP4 TCP "1009", E_TRUNCATED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view packet = octets_of_hex(cases[i].hex);
		struct segment s;

		ck_assert(packet_link_is_known(cases[i].link));
		ck_assert_msg(packet_segment(cases[i].link, packet, &s) == cases[i].err, "%s",
			      cases[i].why);
		if (!cases[i].err) {
			ck_assert_msg(s.payload.len == 8, "%s: %zu", cases[i].why, s.payload.len);
			ck_assert_uint_eq(endpoint_port(&s.to), 3288);
			ck_assert_uint_eq(s.sequence, 5);
		}
		octets_free(packet);
		/* Every shorter one is refused, and harms nobody. */
		for (size_t len = 0; !cases[i].err && len < 40; len++) {
			packet = octets_of_hex(cases[i].hex);
			packet.len = len;
			ck_assert_int_ne(packet_segment(cases[i].link, packet, &s), E_OK);
			octets_free(packet);
		}
	}
	ck_assert(!packet_link_is_known(147));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("common/trace flows");
	TCase *tc = tcase_create("flows");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, any_order_gives_the_same_messages, 0, 100);
	tcase_add_test(tc, a_hole_is_said_and_passed_over);
	tcase_add_test(tc, after_a_hole_the_next_message_is_found);
	tcase_add_test(tc, a_capture_may_begin_in_the_middle);
	tcase_add_test(tc, tls_is_recognised_and_said_once);
	tcase_add_test(tc, what_is_no_cops_is_said);
	tcase_add_test(tc, both_directions_and_ports_used_again);
	tcase_add_test(tc, what_waits_is_limited);
	tcase_add_test(tc, packets_of_every_link);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
