/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/flow.h"

#include <arpa/inet.h>
#include <string.h>

#include "tests/suite.h"

static struct arena arena;

static void setup(void)
{
	arena_init(&arena, 1 << 20);
}

static void teardown(void)
{
	arena_fini(&arena);
}

static struct flow_intervals make(enum flow_field field, const uint64_t *ends, size_t count)
{
	struct flow_interval *list = arena_calloc(&arena, count, sizeof *list);

	ck_assert_ptr_nonnull(list);
	for (size_t i = 0; i < count; i++)
		list[i] = (struct flow_interval){{0, ends[2 * i]}, {0, ends[2 * i + 1]}};
	return flow_intervals_join(field, list, count);
}
#define MAKE(field, ...)                                                                           \
	make(field, (const uint64_t[]){__VA_ARGS__},                                               \
		sizeof((const uint64_t[]){__VA_ARGS__}) / (2 * sizeof(uint64_t)))

static const char *text_of(struct flow_intervals a)
{
	struct buffer b;
	char *text;

	buffer_init(&b, 4096);
	for (size_t i = 0; i < a.count; i++)
		buffer_put_text(&b, "%s%ju-%ju", i ? " " : "", (uintmax_t)a.list[i].low.low,
			(uintmax_t)a.list[i].high.low);
	text = arena_strdup(&arena, buffer_string(&b));
	buffer_fini(&b);
	ck_assert_ptr_nonnull(text);
	return text;
}

static struct flow_interval address_range(const char *first, const char *last)
{
	bool ipv4 = !strchr(first, ':');
	uint8_t a[16] = {0};
	uint8_t b[16] = {0};

	ck_assert_int_eq(inet_pton(ipv4 ? AF_INET : AF_INET6, first, a), 1);
	ck_assert_int_eq(inet_pton(ipv4 ? AF_INET : AF_INET6, last, b), 1);
	return flow_range(ipv4 ? FLOW_IPV4 : FLOW_IPV6, a, b);
}

START_TEST(values_carry_between_their_halves)
{
	struct flow_value border = {1, 0};
	struct flow_value before = {0, UINT64_MAX};

	ck_assert_int_eq(flow_value_compare(flow_value_next(before), border), 0);
	ck_assert_int_eq(flow_value_compare(flow_value_previous(border), before), 0);
	ck_assert_int_lt(flow_value_compare(before, border), 0);
	ck_assert_int_gt(flow_value_compare(border, before), 0);
}
END_TEST

static const struct {
	const char *first;
	const char *last;
	const char *text;
} addresses[] = {
	{"192.0.2.0", "192.0.2.255", "192.0.2.0/24"},
	{"192.0.2.1", "192.0.2.1", "192.0.2.1"},
	{"192.0.2.1", "192.0.2.2", "192.0.2.1-192.0.2.2"},
	{"192.0.2.0", "192.0.2.1", "192.0.2.0/31"},
	{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
	{"192.0.2.0", "192.0.3.254", "192.0.2.0-192.0.3.254"},
	{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::/32"},
	{"2001:db8::1", "2001:db8::1", "2001:db8::1"},
	{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"},
	{"::", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/1"},
	{"2001:db8::1", "2001:db8::2", "2001:db8::1-2001:db8::2"},
};

START_TEST(addresses_print_as_prefix_or_range)
{
	struct flow_interval i = address_range(addresses[_i].first, addresses[_i].last);
	struct buffer b;

	buffer_init(&b, 256);
	flow_print_addresses(&b, strchr(addresses[_i].first, ':') ? FLOW_IPV6 : FLOW_IPV4, i);
	ck_assert_str_eq(buffer_string(&b), addresses[_i].text);
	buffer_fini(&b);
}
END_TEST

START_TEST(the_whole_of_either_family_is_the_whole_domain)
{
	struct flow_interval v4 = address_range("0.0.0.0", "255.255.255.255");
	struct flow_interval v6 = address_range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");

	ck_assert_uint_eq(flow_intervals_join(FLOW_SOURCE, &v4, 1).count, 0);
	ck_assert_uint_eq(flow_intervals_join(FLOW_SOURCE, &v6, 1).count, 0);
}
END_TEST

START_TEST(prefixes_leave_the_host_bits_free)
{
	const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0xff, 0xff};

	for (unsigned bits = 0; bits <= 128; bits++) {
		struct flow_interval i = flow_prefix(FLOW_IPV6, octets, bits);
		struct flow_value v = flow_address(FLOW_IPV6, octets);
		uint8_t low[16], high[16];

		ck_assert_int_le(flow_value_compare(i.low, v), 0);
		ck_assert_int_ge(flow_value_compare(i.high, v), 0);
		flow_address_octets(i.low, low);
		flow_address_octets(i.high, high);
		for (unsigned bit = 0; bit < 128; bit++) {
			unsigned at = 7 - bit % 8;
			int wanted = bit < bits ? octets[bit / 8] >> at & 1 : 0;

			ck_assert_int_eq(low[bit / 8] >> at & 1, wanted);
			wanted = bit < bits ? wanted : 1;
			ck_assert_int_eq(high[bit / 8] >> at & 1, wanted);
		}
	}
}
END_TEST

START_TEST(joining_sorts_and_merges)
{
	enum flow_field f = FLOW_SOURCE_PORT;

	ck_assert_str_eq(text_of(MAKE(f, 80, 80, 22, 22)), "22-22 80-80");
	ck_assert_str_eq(text_of(MAKE(f, 5, 9, 1, 4)), "1-9");
	ck_assert_str_eq(text_of(MAKE(f, 1, 100, 5, 9, 101, 101, 103, 103)), "1-101 103-103");
	ck_assert_uint_eq(MAKE(f, 1, 65535, 0, 0).count, 0);
	ck_assert_str_eq(text_of(MAKE(f, 1, 65535)), "1-65535");
	ck_assert_uint_eq(MAKE(FLOW_DSCP, 0, 63).count, 0);
}
END_TEST

START_TEST(intersection_and_complement)
{
	struct flow_intervals any = {NULL, 0};
	enum flow_field f = FLOW_DESTINATION_PORT;
	struct flow_intervals r;

	ck_assert_int_eq(flow_intervals_intersect(&arena, MAKE(f, 1, 10, 20, 30, 40, 50),
				 MAKE(f, 5, 25, 30, 30, 45, 60), &r),
		E_OK);
	ck_assert_str_eq(text_of(r), "5-10 20-25 30-30 45-50");
	ck_assert_int_eq(flow_intervals_intersect(&arena, any, MAKE(f, 1, 2), &r), E_OK);
	ck_assert_str_eq(text_of(r), "1-2");
	ck_assert_int_eq(flow_intervals_intersect(&arena, any, any, &r), E_OK);
	ck_assert_uint_eq(r.count, 0);
	ck_assert_int_eq(
		flow_intervals_intersect(&arena, MAKE(f, 1, 2), MAKE(f, 3, 4), &r), E_NOT_FOUND);

	ck_assert_int_eq(flow_intervals_complement(&arena, f, MAKE(f, 1, 2, 80, 80), &r), E_OK);
	ck_assert_str_eq(text_of(r), "0-0 3-79 81-65535");
	ck_assert_int_eq(flow_intervals_complement(&arena, f, MAKE(f, 0, 9), &r), E_OK);
	ck_assert_str_eq(text_of(r), "10-65535");
	ck_assert_int_eq(flow_intervals_complement(&arena, f, MAKE(f, 9, 65535), &r), E_OK);
	ck_assert_str_eq(text_of(r), "0-8");
	ck_assert_int_eq(flow_intervals_complement(&arena, f, any, &r), E_NOT_FOUND);
}
END_TEST

START_TEST(the_complement_reaches_the_ends_of_the_address_space)
{
	struct flow_interval top = address_range("255.255.255.0", "255.255.255.255");
	struct flow_intervals r;

	ck_assert_int_eq(flow_intervals_complement(
				 &arena, FLOW_SOURCE, (struct flow_intervals){&top, 1}, &r),
		E_OK);
	ck_assert_uint_eq(r.count, 1);
	ck_assert_int_eq(flow_value_compare(r.list[0].high, flow_value_previous(top.low)), 0);
}
END_TEST

static struct flow_interval v4_net, v6_net;

static struct flow_match with(struct flow_match m, enum flow_field field, struct flow_intervals a)
{
	m.field[field] = a;
	return m;
}

START_TEST(a_match_must_say_what_its_fields_imply)
{
	const struct flow_match none = {.number = 1};
	struct flow_intervals v4 = MAKE(FLOW_FAMILY, FLOW_IPV4, FLOW_IPV4);
	struct flow_intervals v6 = MAKE(FLOW_FAMILY, FLOW_IPV6, FLOW_IPV6);
	struct flow_intervals tcp = MAKE(FLOW_PROTOCOL, 6, 6);
	struct flow_intervals icmp = MAKE(FLOW_PROTOCOL, 1, 1);
	struct flow_intervals tcp_to_udp = MAKE(FLOW_PROTOCOL, 6, 17);
	struct flow_intervals web = MAKE(FLOW_DESTINATION_PORT, 80, 80);
	struct flow_intervals echo = MAKE(FLOW_ICMP_TYPE, 8, 8);
	struct flow_intervals label = MAKE(FLOW_LABEL, 7, 7);
	struct flow_intervals net4, net6;
	struct flow_match m;
	struct error error;
	struct {
		struct flow_match match;
		enum err expected;
	} table[] = {
		{none, E_OK},
		{with(none, FLOW_DESTINATION_PORT, web), E_CONFLICT},
		{with(with(none, FLOW_DESTINATION_PORT, web), FLOW_PROTOCOL, tcp), E_OK},
		{with(with(none, FLOW_DESTINATION_PORT, web), FLOW_PROTOCOL, tcp_to_udp),
			E_CONFLICT},
		{with(with(none, FLOW_ICMP_TYPE, echo), FLOW_PROTOCOL, tcp), E_CONFLICT},
		{with(with(none, FLOW_ICMP_TYPE, echo), FLOW_PROTOCOL, icmp), E_OK},
		{with(none, FLOW_LABEL, label), E_CONFLICT},
		{with(with(none, FLOW_LABEL, label), FLOW_FAMILY, v4), E_CONFLICT},
		{with(with(none, FLOW_LABEL, label), FLOW_FAMILY, v6), E_OK},
		{with(none, FLOW_DSCP, MAKE(FLOW_DSCP, 63, 63)), E_OK},
		{with(none, FLOW_DSCP, MAKE(FLOW_DSCP, 63, 64)), E_RANGE},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		ck_assert_msg(flow_match_check(&table[i].match, &error) == table[i].expected,
			"row %zu", i);

	v4_net = address_range("192.0.2.0", "192.0.2.255");
	v6_net = address_range("2001:db8::", "2001:db8::ffff");
	net4 = (struct flow_intervals){&v4_net, 1};
	net6 = (struct flow_intervals){&v6_net, 1};
	m = with(none, FLOW_SOURCE, net4);
	ck_assert_int_eq(flow_match_check(&m, &error), E_CONFLICT);
	m = with(m, FLOW_FAMILY, v4);
	ck_assert_int_eq(flow_match_check(&m, &error), E_OK);
	m = with(m, FLOW_DESTINATION, net6);
	ck_assert_int_eq(flow_match_check(&m, &error), E_RANGE);
	m = with(with(none, FLOW_DESTINATION, net6), FLOW_FAMILY, v6);
	ck_assert_int_eq(flow_match_check(&m, &error), E_OK);
}
END_TEST

START_TEST(unsorted_lists_are_refused)
{
	const struct flow_interval overlap[] = {{{0, 1}, {0, 5}}, {{0, 5}, {0, 6}}};
	const struct flow_interval backwards[] = {{{0, 5}, {0, 4}}};
	struct flow_match m = {.number = 1};
	struct error error;

	m.field[FLOW_DSCP] = (struct flow_intervals){overlap, 2};
	ck_assert_int_eq(flow_match_check(&m, &error), E_CONFLICT);
	m.field[FLOW_DSCP] = (struct flow_intervals){backwards, 1};
	ck_assert_int_eq(flow_match_check(&m, &error), E_RANGE);
}
END_TEST

START_TEST(completing_narrows_protocol_and_family)
{
	struct flow_match m = {.number = 1};
	struct error error;

	m.field[FLOW_SOURCE_PORT] = MAKE(FLOW_SOURCE_PORT, 53, 53);
	m.field[FLOW_LABEL] = MAKE(FLOW_LABEL, 9, 9);
	ck_assert_int_eq(flow_match_complete(&arena, &m), E_OK);
	ck_assert_int_eq(flow_match_check(&m, &error), E_OK);
	ck_assert_str_eq(text_of(m.field[FLOW_PROTOCOL]), "6-6 17-17 33-33 132-132 136-136");
	ck_assert_str_eq(text_of(m.field[FLOW_FAMILY]), "1-1");

	/* Ports and an ICMP type at once: no packet has both. */
	m.field[FLOW_ICMP_TYPE] = MAKE(FLOW_ICMP_TYPE, 8, 8);
	ck_assert_int_eq(flow_match_complete(&arena, &m), E_NOT_FOUND);
}
END_TEST

START_TEST(fields_that_a_flow_does_not_have_are_zero)
{
	struct flow flow = {.family = FLOW_IPV4,
		.protocol = 6,
		.source_port = 1,
		.destination_port = 2,
		.icmp_type = 3,
		.icmp_code = 4,
		.label = 5};

	ck_assert_uint_eq(flow_get(&flow, FLOW_DESTINATION_PORT).low, 2);
	ck_assert_uint_eq(flow_get(&flow, FLOW_ICMP_TYPE).low, 0);
	ck_assert_uint_eq(flow_get(&flow, FLOW_LABEL).low, 0);
	flow.protocol = 58;
	flow.family = FLOW_IPV6;
	ck_assert_uint_eq(flow_get(&flow, FLOW_DESTINATION_PORT).low, 0);
	ck_assert_uint_eq(flow_get(&flow, FLOW_SOURCE_PORT).low, 0);
	ck_assert_uint_eq(flow_get(&flow, FLOW_ICMP_TYPE).low, 3);
	ck_assert_uint_eq(flow_get(&flow, FLOW_ICMP_CODE).low, 4);
	ck_assert_uint_eq(flow_get(&flow, FLOW_LABEL).low, 5);
}
END_TEST

START_TEST(the_mirror_of_a_match_holds_the_mirrors_of_its_flows)
{
	struct flow_match m = {.number = 1};
	struct flow_match mirror;
	struct flow flow = {.family = FLOW_IPV4,
		.direction = FLOW_OUT,
		.protocol = 6,
		.source = {10, 0, 0, 1},
		.destination = {192, 0, 2, 7},
		.source_port = 1024,
		.destination_port = 443,
		.in_role = 1,
		.out_role = 2};
	struct flow back = flow_mirror(&flow);

	v4_net = address_range("192.0.2.0", "192.0.2.255");
	m.field[FLOW_FAMILY] = MAKE(FLOW_FAMILY, FLOW_IPV4, FLOW_IPV4);
	m.field[FLOW_DESTINATION] = (struct flow_intervals){&v4_net, 1};
	m.field[FLOW_PROTOCOL] = MAKE(FLOW_PROTOCOL, 6, 6);
	m.field[FLOW_DESTINATION_PORT] = MAKE(FLOW_DESTINATION_PORT, 443, 443);
	m.field[FLOW_IN_ROLE] = MAKE(FLOW_IN_ROLE, 1, 1);
	mirror = flow_match_mirror(&m);
	ck_assert_int_eq(back.direction, FLOW_IN);
	ck_assert(flow_match_contains(&m, &flow));
	ck_assert(!flow_match_contains(&m, &back));
	ck_assert(flow_match_contains(&mirror, &back));
	ck_assert(!flow_match_contains(&mirror, &flow));
}
END_TEST

START_TEST(the_first_match_decides)
{
	struct flow_match list[] = {{.number = 7}, {.number = 8}, {.number = 9}};
	struct flow web = {.family = FLOW_IPV6, .protocol = 6, .destination_port = 80};
	struct flow dns = {.family = FLOW_IPV6, .protocol = 17, .destination_port = 53};
	struct flow ping = {.family = FLOW_IPV6, .protocol = 58, .icmp_type = 128};

	list[0].field[FLOW_PROTOCOL] = MAKE(FLOW_PROTOCOL, 6, 6);
	list[0].field[FLOW_DESTINATION_PORT] = MAKE(FLOW_DESTINATION_PORT, 80, 80, 443, 443);
	list[1].field[FLOW_PROTOCOL] = MAKE(FLOW_PROTOCOL, 0, 57);
	list[2].field[FLOW_PROTOCOL] = MAKE(FLOW_PROTOCOL, 6, 6);
	ck_assert_uint_eq(flow_first_match(list, 3, &web), 7);
	ck_assert_uint_eq(flow_first_match(list, 3, &dns), 8);
	ck_assert_uint_eq(flow_first_match(list, 3, &ping), 0);
	ck_assert_uint_eq(flow_first_match(list, 0, &web), 0);
}
END_TEST

START_TEST(a_flow_prints_what_it_has)
{
	struct flow flow = {.family = FLOW_IPV6,
		.direction = FLOW_OUT,
		.protocol = 6,
		.source = {0x20, 1, 0xd, 0xb8, [15] = 1},
		.destination = {0x20, 1, 0xd, 0xb8, [15] = 2},
		.source_port = 1024,
		.destination_port = 443,
		.dscp = 46};
	struct buffer b;

	buffer_init(&b, 256);
	flow_print(&b, &flow);
	ck_assert_str_eq(buffer_string(&b),
		"out ipv6 tcp 2001:db8::1 port 1024 -> 2001:db8::2 port 443 dscp 46");
	buffer_reset(&b);
	flow = (struct flow){.family = FLOW_IPV4,
		.direction = FLOW_FORWARD,
		.protocol = 1,
		.source = {10, 0, 0, 1},
		.destination = {10, 0, 0, 2},
		.icmp_type = 8};
	flow_print(&b, &flow);
	ck_assert_str_eq(buffer_string(&b), "forward ipv4 icmp 10.0.0.1 -> 10.0.0.2 type 8 code 0");
	buffer_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/flow/flow");
	TCase *c = tcase_create("flow");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, values_carry_between_their_halves);
	tcase_add_loop_test(c, addresses_print_as_prefix_or_range, 0,
		(int)(sizeof addresses / sizeof *addresses));
	tcase_add_test(c, the_whole_of_either_family_is_the_whole_domain);
	tcase_add_test(c, prefixes_leave_the_host_bits_free);
	tcase_add_test(c, joining_sorts_and_merges);
	tcase_add_test(c, intersection_and_complement);
	tcase_add_test(c, the_complement_reaches_the_ends_of_the_address_space);
	tcase_add_test(c, a_match_must_say_what_its_fields_imply);
	tcase_add_test(c, unsorted_lists_are_refused);
	tcase_add_test(c, completing_narrows_protocol_and_family);
	tcase_add_test(c, fields_that_a_flow_does_not_have_are_zero);
	tcase_add_test(c, the_mirror_of_a_match_holds_the_mirrors_of_its_flows);
	tcase_add_test(c, the_first_match_decides);
	tcase_add_test(c, a_flow_prints_what_it_has);
	suite_add_tcase(s, c);
	return suite_main(s);
}
