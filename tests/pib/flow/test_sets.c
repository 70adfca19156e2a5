/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/sets.h"

#include <arpa/inet.h>
#include <string.h>

#include "tests/pib/flow/world.h"
#include "tests/suite.h"

enum { SEED = 100, ROUNDS = 300, MATCHES = 6, FLOWS = 100 };

/* A set whose flows the test knows in another way: those of a list of matches. */
struct known_set {
	struct flow_match list[MATCHES];
	size_t count;
	flow_ref set;
};

static struct known_set random_set(struct random *r)
{
	struct known_set k;

	k.count = random_matches(r, &arena, k.list, MATCHES);
	MUST(flows_of_matches(manager, k.list, k.count, &k.set, &error));
	return k;
}

static bool is_in(const struct known_set *k, const struct flow *flow)
{
	return flow_first_match(k->list, k->count, flow) != 0;
}

static flow_ref unite(flow_ref a, flow_ref b)
{
	flow_ref ref = 0;

	MUST(flows_union(manager, a, b, &ref, &error));
	return ref;
}

static flow_ref intersect(flow_ref a, flow_ref b)
{
	flow_ref ref = 0;

	MUST(flows_intersection(manager, a, b, &ref, &error));
	return ref;
}

static flow_ref subtract(flow_ref a, flow_ref b)
{
	flow_ref ref = 0;

	MUST(flows_difference(manager, a, b, &ref, &error));
	return ref;
}

static flow_ref invert(flow_ref a)
{
	flow_ref ref = 0;

	MUST(flows_complement(manager, a, &ref, &error));
	return ref;
}

static void check_operations_hold_the_flows_that_they_should(int seed)
{
	struct random r = start_round(seed);
	struct known_set a = random_set(&r);
	struct known_set b = random_set(&r);
	flow_ref either = unite(a.set, b.set);
	flow_ref both = intersect(a.set, b.set);
	flow_ref only_a = subtract(a.set, b.set);
	flow_ref not_a = invert(a.set);
	struct flow_match all[2 * MATCHES];

	memcpy(all, a.list, a.count * sizeof *all);
	memcpy(all + a.count, b.list, b.count * sizeof *all);
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow flow = random_flow(&r, all, a.count + b.count);
		bool in_a = is_in(&a, &flow);
		bool in_b = is_in(&b, &flow);

		ck_assert(flows_contain(manager, a.set, &flow) == in_a);
		ck_assert(flows_contain(manager, either, &flow) == (in_a || in_b));
		ck_assert(flows_contain(manager, both, &flow) == (in_a && in_b));
		ck_assert(flows_contain(manager, only_a, &flow) == (in_a && !in_b));
		ck_assert(flows_contain(manager, not_a, &flow) == !in_a);
	}
}
START_TEST(operations_hold_the_flows_that_they_should)
{
	for (int i = 0; i < ROUNDS; i++)
		check_operations_hold_the_flows_that_they_should(SEED + i);
}
END_TEST

/* Equal sets are one reference, so a law is an equality of numbers. */
static void check_the_laws_of_sets_hold(int seed)
{
	struct random r = start_round(seed);
	flow_ref a = random_set(&r).set;
	flow_ref b = random_set(&r).set;
	flow_ref c = random_set(&r).set;

	ck_assert_uint_eq(unite(a, b), unite(b, a));
	ck_assert_uint_eq(intersect(a, b), intersect(b, a));
	ck_assert_uint_eq(unite(a, unite(b, c)), unite(unite(a, b), c));
	ck_assert_uint_eq(intersect(a, intersect(b, c)), intersect(intersect(a, b), c));
	ck_assert_uint_eq(intersect(a, unite(b, c)), unite(intersect(a, b), intersect(a, c)));
	ck_assert_uint_eq(unite(a, intersect(b, c)), intersect(unite(a, b), unite(a, c)));
	ck_assert_uint_eq(invert(unite(a, b)), intersect(invert(a), invert(b)));
	ck_assert_uint_eq(invert(intersect(a, b)), unite(invert(a), invert(b)));
	ck_assert_uint_eq(subtract(a, b), intersect(a, invert(b)));
	ck_assert_uint_eq(invert(invert(a)), a);
	ck_assert_uint_eq(unite(a, invert(a)), FLOWS_ALL);
	ck_assert_uint_eq(intersect(a, invert(a)), FLOWS_NONE);
	ck_assert_uint_eq(unite(a, intersect(a, b)), a);
	ck_assert_uint_eq(intersect(a, unite(a, b)), a);
	ck_assert_uint_eq(unite(a, a), a);
	ck_assert_uint_eq(subtract(a, a), FLOWS_NONE);
	ck_assert_uint_eq(unite(a, FLOWS_NONE), a);
	ck_assert_uint_eq(unite(FLOWS_ALL, a), FLOWS_ALL);
	ck_assert_uint_eq(intersect(FLOWS_ALL, a), a);
	ck_assert_uint_eq(intersect(a, FLOWS_NONE), FLOWS_NONE);
	ck_assert_uint_eq(subtract(a, FLOWS_ALL), FLOWS_NONE);
	ck_assert_uint_eq(subtract(a, FLOWS_NONE), a);
}
START_TEST(the_laws_of_sets_hold)
{
	for (int i = 0; i < ROUNDS; i++)
		check_the_laws_of_sets_hold(SEED + i);
}
END_TEST

static void check_a_sample_is_in_its_set(int seed)
{
	struct random r = start_round(seed);
	struct known_set a = random_set(&r);
	struct known_set b = random_set(&r);
	flow_ref only_a = subtract(a.set, b.set);
	struct flow flow;

	ck_assert_int_eq(flows_sample(manager, FLOWS_NONE, &flow), E_NOT_FOUND);
	ck_assert_int_eq(flows_sample(manager, a.set, &flow), E_OK);
	ck_assert(is_in(&a, &flow));
	if (only_a == FLOWS_NONE) {
		ck_assert_int_eq(flows_sample(manager, only_a, &flow), E_NOT_FOUND);
		return;
	}
	ck_assert_int_eq(flows_sample(manager, only_a, &flow), E_OK);
	ck_assert(is_in(&a, &flow) && !is_in(&b, &flow));
}
START_TEST(a_sample_is_in_its_set)
{
	for (int i = 0; i < ROUNDS; i++)
		check_a_sample_is_in_its_set(SEED + i);
}
END_TEST

static size_t check_boxes(flow_ref set)
{
	struct flow_match *boxes = NULL;
	flow_ref sum = FLOWS_NONE;
	size_t count = 0;
	bool more = true;

	MUST(flows_boxes(manager, set, SIZE_MAX, &arena, &boxes, &count, &more, &error));
	ck_assert(!more);
	for (size_t i = 0; i < count; i++) {
		flow_ref box;

		MUST(flow_match_check(&boxes[i], &error));
		box = build(&boxes[i], 1);
		ck_assert_uint_ne(box, FLOWS_NONE);
		ck_assert_uint_eq(intersect(sum, box), FLOWS_NONE);
		sum = unite(sum, box);
	}
	ck_assert_uint_eq(sum, set);
	return count;
}

static void check_boxes_are_disjoint_and_cover_their_set(int seed)
{
	struct random r = start_round(seed);
	flow_ref a = random_set(&r).set;
	flow_ref b = random_set(&r).set;

	ck_assert_uint_gt(check_boxes(a), 0);
	check_boxes(subtract(a, b));
	check_boxes(intersect(a, b));
	check_boxes(invert(unite(a, b)));
	ck_assert_uint_eq(check_boxes(FLOWS_NONE), 0);
	ck_assert_uint_eq(check_boxes(FLOWS_ALL), 1);
}
START_TEST(boxes_are_disjoint_and_cover_their_set)
{
	for (int i = 0; i < ROUNDS; i++)
		check_boxes_are_disjoint_and_cover_their_set(SEED + i);
}
END_TEST

static void check_no_more_boxes_come_than_are_wanted(int seed)
{
	struct random r = start_round(seed);
	flow_ref set = random_set(&r).set;
	struct flow_match *boxes;
	size_t whole = check_boxes(set);
	size_t count;
	bool more;

	for (size_t most = 0; most < 5; most++) {
		MUST(flows_boxes(manager, set, most, &arena, &boxes, &count, &more, &error));
		ck_assert_uint_le(count, most);
		ck_assert(more || count == whole);
		for (size_t i = 0; i < count; i++)
			ck_assert_uint_eq(subtract(build(&boxes[i], 1), set), FLOWS_NONE);
	}
}
START_TEST(no_more_boxes_come_than_are_wanted)
{
	for (int i = 0; i < ROUNDS; i++)
		check_no_more_boxes_come_than_are_wanted(SEED + i);
}
END_TEST

/* ---- What people read ---- */

/* A match as a person writes it; 0 and NULL leave a field open. */
struct words {
	const char *from, *to;
	uint8_t protocol;
	uint16_t port;
};

static struct flow_intervals addresses(const char *text, struct flow_match *match)
{
	struct flow_interval *list = arena_calloc(&arena, 1, sizeof *list);
	enum flow_family family = strchr(text, ':') ? FLOW_IPV6 : FLOW_IPV4;
	char copy[64];
	uint8_t octets[16] = {0};
	char *slash;
	unsigned bits = family == FLOW_IPV4 ? 32 : 128;

	ck_assert_ptr_nonnull(list);
	snprintf(copy, sizeof copy, "%s", text);
	slash = strchr(copy, '/');
	if (slash) {
		*slash = 0;
		bits = (unsigned)atoi(slash + 1);
	}
	ck_assert_int_eq(inet_pton(family == FLOW_IPV4 ? AF_INET : AF_INET6, copy, octets), 1);
	*list = flow_prefix(family, octets, bits);
	match->field[FLOW_FAMILY] = one(family, family);
	return (struct flow_intervals){list, 1};
}

static struct flow_match match_of(const struct words *w)
{
	struct flow_match match = {.number = 1};

	if (w->from)
		match.field[FLOW_SOURCE] = addresses(w->from, &match);
	if (w->to)
		match.field[FLOW_DESTINATION] = addresses(w->to, &match);
	if (w->protocol)
		match.field[FLOW_PROTOCOL] = one(w->protocol, w->protocol);
	if (w->port)
		match.field[FLOW_DESTINATION_PORT] = one(w->port, w->port);
	return match;
}

static flow_ref set_of(const struct words *list, size_t count)
{
	flow_ref set = FLOWS_NONE;

	for (size_t i = 0; i < count && (list[i].from || list[i].to || list[i].protocol); i++) {
		struct flow_match match = match_of(&list[i]);

		set = unite(set, build(&match, 1));
	}
	return set;
}

static const struct reading {
	const char *why;
	struct words in[4];
	struct words out[2]; /* less these */
	const char *boxes;
	const char *sample;
} readings[] = {
	{"a rule is one box", {{"192.0.2.0/24", "198.51.100.7", 6, 443}}, {{0}},
		"from 192.0.2.0/24 to 198.51.100.7 tcp port 443",
		"out ipv4 tcp 192.0.2.1 port 49152 -> 198.51.100.7 port 443"},
	{"ports with the same consequences are one list",
		{{"10.0.0.0/8", NULL, 6, 80}, {"10.0.0.0/8", NULL, 6, 443}}, {{0}},
		"from 10.0.0.0/8 tcp port 80, 443",
		"out ipv4 tcp 10.0.0.1 port 49152 -> 192.0.2.2 port 443"},
	{"so are protocols", {{NULL, NULL, 6, 53}, {NULL, NULL, 17, 53}}, {{0}}, "tcp, udp port 53",
		"out ipv6 tcp 2001:db8::1 port 49152 -> 2001:db8::2 port 53"},
	{"what everybody may is said once, and what the office may besides",
		{{NULL, "198.51.100.7", 6, 80}, {"192.0.2.0/24", "198.51.100.7", 6, 443}}, {{0}},
		"to 198.51.100.7 tcp port 80; from 192.0.2.0/24 to 198.51.100.7 tcp port 443",
		"out ipv4 tcp 192.0.2.1 port 49152 -> 198.51.100.7 port 443"},
	{"families are told apart where there are addresses",
		{{"10.0.0.0/8", NULL, 17, 53}, {"a00::/8", NULL, 17, 53}}, {{0}},
		"from 10.0.0.0/8 udp port 53; from a00::/8 udp port 53",
		"out ipv6 udp a00::1 port 49152 -> 2001:db8::2 port 53"},
	{"an exception is a gap", {{"192.0.2.0/24", NULL, 6, 22}}, {{"192.0.2.0/25", NULL, 6, 22}},
		"from 192.0.2.128/25 tcp port 22",
		"out ipv4 tcp 192.0.2.129 port 49152 -> 192.0.2.2 port 22"},
	{"a port that is missing", {{"10.1.0.0/16", NULL, 6, 0}}, {{NULL, NULL, 6, 443}},
		"from 10.1.0.0/16 tcp port 0-442, 444-65535",
		"out ipv4 tcp 10.1.0.1 port 49152 -> 192.0.2.2 port 80"},
	{"what has no ports", {{"10.1.0.0/16", NULL, 58, 0}}, {{0}}, "from 10.1.0.0/16 icmpv6",
		"out ipv4 icmpv6 10.1.0.1 -> 192.0.2.2 type 8 code 0"},
};

START_TEST(boxes_and_samples_are_what_a_person_would_say)
{
	const struct reading *reading = &readings[_i];
	flow_ref set = subtract(set_of(reading->in, 4), set_of(reading->out, 2));
	struct flow_match *boxes;
	struct buffer text;
	struct flow flow;
	size_t count;
	bool more;

	buffer_init(&text, 4096);
	check_boxes(set);
	MUST(flows_boxes(manager, set, 100, &arena, &boxes, &count, &more, &error));
	for (size_t i = 0; i < count; i++) {
		buffer_put_text(&text, "%s", i ? "; " : "");
		flow_print_match(&text, &boxes[i], NULL);
	}
	buffer_put_u8(&text, 0);
	ck_assert_str_eq((const char *)text.data, reading->boxes);
	buffer_fini(&text);

	buffer_init(&text, 4096);
	ck_assert_int_eq(flows_sample(manager, set, &flow), E_OK);
	flow_print(&text, &flow);
	buffer_put_u8(&text, 0);
	ck_assert_str_eq((const char *)text.data, reading->sample);
	buffer_fini(&text);
}
END_TEST

static bool call_it_office(
	void *context, struct buffer *b, enum flow_family family, struct flow_intervals list)
{
	const char *name = context;

	if (family != FLOW_IPV4 || list.count != 1 || list.list[0].low.high >> 56 != 192)
		return false;
	buffer_put_text(b, "%s", name);
	return true;
}

START_TEST(addresses_have_the_names_that_they_were_given)
{
	const struct words words = {"192.0.2.0/24", "198.51.100.7", 6, 443};
	struct flow_match match = match_of(&words);
	char name[] = "office";
	struct flow_names names = {call_it_office, name};
	struct buffer text;

	buffer_init(&text, 256);
	flow_print_match(&text, &match, &names);
	buffer_put_u8(&text, 0);
	ck_assert_str_eq((const char *)text.data, "from office to 198.51.100.7 tcp port 443");
	buffer_fini(&text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/flow/sets");
	TCase *c = tcase_create("sets");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, operations_hold_the_flows_that_they_should);
	tcase_add_test(c, the_laws_of_sets_hold);
	tcase_add_test(c, a_sample_is_in_its_set);
	tcase_add_test(c, boxes_are_disjoint_and_cover_their_set);
	tcase_add_test(c, no_more_boxes_come_than_are_wanted);
	tcase_add_loop_test(c, boxes_and_samples_are_what_a_person_would_say, 0,
		(int)(sizeof readings / sizeof *readings));
	tcase_add_test(c, addresses_have_the_names_that_they_were_given);
	suite_add_tcase(s, c);
	return suite_main(s);
}
