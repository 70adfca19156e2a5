/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SRV records as they come, and as they should not; then a resolver against a DNS server. */
#include "pep/net/resolver.h"
#include "pep/net/srv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/cops/octets.h"
#include "tests/pep/net/dns.h"
#include "tests/suite.h"

#define NAME "_cops._tcp.example.net"

/* ---- Decoding ---- */

static const struct dns_record some[] = {
	{NAME, DNS_SRV, 300, "a.example.net", 10, 60, 3288},
	{NAME, DNS_SRV, 200, "b.example.net", 10, 40, 3288},
	{NAME, DNS_SRV, 400, "c.example.net", 5, 0, 3300},
	{"a.example.net", DNS_A, 500, "192.0.2.1", 0, 0, 0},
	{"b.example.net", DNS_A, 150, "192.0.2.2", 0, 0, 0},
	{"b.example.net", DNS_AAAA, 500, "2001:db8::2", 0, 0, 0},
	{"c.example.net", DNS_A, 500, "192.0.2.3", 0, 0, 0},
};

/* The question of `name`, then the answer to it. */
static struct buffer answer_to(struct dns *d, const char *name)
{
	struct buffer question, out;

	buffer_init(&question, 512);
	buffer_init(&out, 65535);
	buffer_put(&question, "\1\2\1\0\0\1\0\0\0\0\0\0", 12);
	for (const char *p = name; *p;) {
		size_t len = strcspn(p, ".");

		buffer_put_u8(&question, (uint8_t)len);
		buffer_put(&question, p, len);
		p += len + (p[len] != 0);
	}
	buffer_put(&question, "\0\0\x21\0\1", 5);
	ck_assert(dns_answer(d, buffer_view(&question), true, &out));
	buffer_fini(&question);
	return out;
}

static struct dns knowing(const struct dns_record *records, size_t count)
{
	return (struct dns){.records = records, .count = count};
}

#define KNOWING(list) knowing(list, sizeof list / sizeof list[0])

START_TEST(records_are_read)
{
	struct dns d = KNOWING(some);
	struct buffer b = answer_to(&d, NAME);
	struct srv_answer a;
	struct error e;

	ck_assert_msg(!srv_decode(buffer_view(&b), NAME, &a, &e), "%s", e.text);
	ck_assert_uint_eq(a.count, 3);
	ck_assert_uint_eq(a.ttl, 200);
	ck_assert_str_eq(a.list[0].name, "a.example.net");
	ck_assert_uint_eq(a.list[2].priority, 5);
	ck_assert_uint_eq(a.list[1].weight, 40);
	ck_assert_uint_eq(a.list[2].port, 3300);
	/* Names are compared without case. */
	ck_assert_int_eq(srv_decode(buffer_view(&b), "_COPS._tcp.Example.NET", &a, &e), E_OK);
	ck_assert_int_eq(srv_decode(buffer_view(&b), "_cops._tcp.example.org", &a, &e), E_NOT_FOUND);
	buffer_fini(&b);
}
END_TEST

START_TEST(an_answer_cut_anywhere_says_nothing)
{
	struct dns d = KNOWING(some);
	struct buffer b = answer_to(&d, NAME);
	struct srv_answer a = {.count = 77};
	struct error e;

	for (size_t len = 0; len < b.len; len++) {
		ck_assert_int_ne(srv_decode(VIEW(b.data, len), NAME, &a, &e), E_OK);
		ck_assert_uint_eq(a.count, 77);
	}
	buffer_fini(&b);
}
END_TEST

START_TEST(wrong_answers_say_nothing)
{
	static const struct {
		enum dns_manner manner;
		enum err code;
	} cases[] = {
		{DNS_CUT, E_TRUNCATED},
		{DNS_LOOP, E_RANGE},
		{DNS_FORWARD, E_RANGE},
		{DNS_LENGTH, E_LENGTH},
		{DNS_OTHER_NAME, E_NOT_FOUND},
		{DNS_NO_ANSWER_BIT, E_RANGE},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct dns d = knowing(some, 1);
		struct srv_answer a = {.count = 77};
		struct buffer b;
		struct error e;
		enum err err;

		d.manner = cases[i].manner;
		b = answer_to(&d, NAME);
		err = srv_decode(buffer_view(&b), NAME, &a, &e);
		ck_assert_msg(err == cases[i].code ||
				      (cases[i].code == E_LENGTH && err == E_TRUNCATED),
			"%zu: %s", i, err_text(err));
		ck_assert_uint_eq(a.count, 77);
		buffer_fini(&b);
	}
}
END_TEST

START_TEST(aliases_are_followed_to_an_end)
{
	static const struct dns_record good[] = {
		{NAME, DNS_CNAME, 90, "x.example.org", 0, 0, 0},
		{"x.example.org", DNS_CNAME, 80, "y.example.org", 0, 0, 0},
		{"y.example.org", DNS_SRV, 300, "a.example.net", 1, 1, 1},
	};
	static const struct dns_record circle[] = {
		{NAME, DNS_CNAME, 90, "x.example.org", 0, 0, 0},
		{"x.example.org", DNS_CNAME, 90, NAME, 0, 0, 0},
	};
	struct dns d = KNOWING(good);
	struct buffer b = answer_to(&d, NAME);
	struct srv_answer a;
	struct error e;

	ck_assert_int_eq(srv_decode(buffer_view(&b), NAME, &a, &e), E_OK);
	ck_assert_uint_eq(a.count, 1);
	ck_assert_uint_eq(a.ttl, 80);
	buffer_fini(&b);
	d = KNOWING(circle);
	b = answer_to(&d, NAME);
	ck_assert_int_eq(srv_decode(buffer_view(&b), NAME, &a, &e), E_NOT_FOUND);
	buffer_fini(&b);
}
END_TEST

START_TEST(a_domain_may_say_that_there_is_none)
{
	static const struct dns_record none[] = {{NAME, DNS_SRV, 300, "", 0, 0, 0}};
	struct dns d = KNOWING(none);
	struct buffer b = answer_to(&d, NAME);
	struct srv_answer a;
	struct error e;

	ck_assert_int_eq(srv_decode(buffer_view(&b), NAME, &a, &e), E_OK);
	ck_assert_uint_eq(a.count, 0);
	ck_assert_uint_eq(a.passed_over, 0);
	buffer_fini(&b);
}
END_TEST

START_TEST(only_hosts_count_and_not_too_many)
{
	static const struct dns_record strange[] = {
		{NAME, DNS_SRV, 300, "a b.example.net", 0, 0, 0},
		{NAME, DNS_SRV, 300, "a\"b.example.net", 0, 0, 0},
		{NAME, DNS_SRV, 300, "good.example.net", 0, 0, 0},
	};
	struct dns_record many[SRV_TARGETS_MAX + 5];
	struct dns d = KNOWING(strange);
	struct buffer b = answer_to(&d, NAME);
	struct srv_answer a;
	struct error e;

	ck_assert_int_eq(srv_decode(buffer_view(&b), NAME, &a, &e), E_OK);
	ck_assert_uint_eq(a.count, 1);
	ck_assert_str_eq(a.list[0].name, "good.example.net");
	ck_assert_uint_eq(a.passed_over, 2);
	buffer_fini(&b);
	for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
		many[i] = strange[2];
	d = KNOWING(many);
	b = answer_to(&d, NAME);
	ck_assert_int_eq(srv_decode(buffer_view(&b), NAME, &a, &e), E_OK);
	ck_assert_uint_eq(a.count, SRV_TARGETS_MAX);
	ck_assert_uint_eq(a.passed_over, 5);
	buffer_fini(&b);
}
END_TEST

START_TEST(domains_are_names)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"example.net", true},
		{"localhost", true},
		{"a-b_c.example", true},
		{"", false},
		{".", false},
		{"example.net.", false},
		{".example.net", false},
		{"a..b", false},
		{"a b", false},
		{"p\xc3\xa4.example", false},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.net", true},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.net", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ck_assert_msg(srv_is_domain(cases[i].text) == cases[i].good, "%s", cases[i].text);
	ck_assert_uint_eq(srv_life(0), 60);
	ck_assert_uint_eq(srv_life(59), 60);
	ck_assert_uint_eq(srv_life(61), 61);
	ck_assert_uint_eq(srv_life(86400), 86400);
	ck_assert_uint_eq(srv_life(UINT32_MAX), 86400);
}
END_TEST

/* ---- Order ---- */

static uint32_t next(void *user)
{
	uint64_t *seed = user;

	return (uint32_t)chance(seed);
}

START_TEST(priority_decides_and_weight_has_its_share)
{
	enum { ROUNDS = 20000 };
	static const struct srv_answer answer = {
		.list = {{"heavy", 10, 60, 1}, {"light", 10, 20, 1}, {"last", 20, 500, 1},
			{"never", 10, 0, 1}, {"first", 0, 0, 1}},
		.count = 5};
	const uint64_t first = 0x5127;
	uint64_t seed = first;
	unsigned heavy = 0, light = 0, never = 0;

	printf("seed %llx\n", (unsigned long long)first);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct srv_answer a = answer;

		srv_order(&a, next, &seed);
		ck_assert_str_eq(a.list[0].name, "first");
		ck_assert_str_eq(a.list[4].name, "last");
		heavy += !strcmp(a.list[1].name, "heavy");
		light += !strcmp(a.list[1].name, "light");
		never += !strcmp(a.list[1].name, "never");
		/* Nobody is lost. */
		ck_assert_int_eq(a.list[1].weight + a.list[2].weight + a.list[3].weight, 80);
	}
	/* 60 : 20, within five standard deviations of a fair draw. */
	ck_assert_uint_eq(heavy + light + never, ROUNDS);
	ck_assert_uint_gt(heavy, ROUNDS * 72 / 100);
	ck_assert_uint_lt(heavy, ROUNDS * 78 / 100);
	ck_assert_uint_gt(never, 0);
	ck_assert_uint_lt(never, ROUNDS * 3 / 100);
}
END_TEST

/* ---- The resolver ---- */

struct asking {
	struct ev_loop *loop;
	struct dns dns;
	struct resolver *resolver;
	struct resolver_answer answer;
	unsigned answers;
	uint64_t seed;
};

static void on_done(void *owner, const struct resolver_answer *answer)
{
	struct asking *a = owner;

	a->answer = *answer;
	a->answers++;
	a->resolver = resolver_free(a->resolver);
	ev_break(a->loop, EVBREAK_ALL);
}

static void begin(struct asking *a, const struct dns_record *records, size_t count)
{
	struct endpoint at;
	struct error e;

	*a = (struct asking){.loop = ev_loop_new(0), .seed = 9};
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &at, &e), E_OK);
	dns_init(&a->dns, a->loop, &at);
	a->dns.records = records;
	a->dns.count = count;
}

static void ask(struct asking *a)
{
	const struct endpoint_list servers = {&a->dns.at, 1};
	const struct resolver_question question = {
		"_cops._tcp", "example.net", &servers, next, &a->seed};
	struct error e;

	ck_assert_msg(!resolver_ask(a->loop, &question, on_done, a, &a->resolver, &e), "%s", e.text);
}

static void end(struct asking *a)
{
	resolver_free(a->resolver);
	dns_fini(&a->dns);
	ev_loop_destroy(a->loop);
}

static const struct server_found *found(const struct asking *a, const char *text)
{
	struct endpoint endpoint;
	struct error e;

	ck_assert_int_eq(endpoint_parse(text, 3288, &endpoint, &e), E_OK);
	for (size_t i = 0; i < a->answer.count; i++)
		if (endpoint_equal(&a->answer.list[i].endpoint, &endpoint))
			return &a->answer.list[i];
	return NULL;
}

START_TEST(hosts_of_a_domain_are_found_over_udp_and_tcp)
{
	for (unsigned truncated = 0; truncated < 2; truncated++) {
		struct asking a;

		begin(&a, some, sizeof some / sizeof some[0]);
		a.dns.manner = truncated ? DNS_TRUNCATED : DNS_RIGHT;
		ask(&a);
		ev_run(a.loop, 0);
		ck_assert_msg(!a.answer.why.code, "%s", a.answer.why.text);
		ck_assert(a.answer.complete);
		ck_assert_uint_eq(a.answer.count, 4);
		ck_assert_uint_eq(a.answer.ttl, 150);
		ck_assert_ptr_eq(found(&a, "192.0.2.3:3300"), &a.answer.list[0]);
		ck_assert_uint_eq(a.answer.list[0].priority, 5);
		ck_assert_ptr_nonnull(found(&a, "192.0.2.1"));
		ck_assert_ptr_nonnull(found(&a, "192.0.2.2"));
		ck_assert_ptr_nonnull(found(&a, "[2001:db8::2]"));
		ck_assert_uint_eq(a.dns.by_tcp, truncated);
		end(&a);
	}
}
END_TEST

START_TEST(what_is_no_answer_is_none)
{
	static const struct {
		enum dns_manner manner;
		enum err code;
	} cases[] = {
		{DNS_SERVFAIL, E_PROTOCOL},
		{DNS_LOOP, E_RANGE},
		{DNS_LENGTH, E_LENGTH},
		{DNS_OTHER_NAME, E_NOT_FOUND},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct asking a;

		begin(&a, some, 1);
		a.dns.manner = cases[i].manner;
		ask(&a);
		ev_run(a.loop, 0);
		ck_assert_uint_eq(a.answers, 1);
		ck_assert_msg(a.answer.why.code == cases[i].code ||
				      (cases[i].code == E_LENGTH &&
					      a.answer.why.code == E_TRUNCATED),
			"%zu: %s", i, a.answer.why.text);
		ck_assert_uint_eq(a.answer.count, 0);
		ck_assert(!a.answer.complete);
		end(&a);
	}
}
END_TEST

START_TEST(a_domain_without_such_a_record)
{
	static const struct dns_record other[] = {{"example.net", DNS_A, 5, "192.0.2.1", 0, 0, 0}};
	static const struct dns_record none[] = {{NAME, DNS_SRV, 300, "", 0, 0, 0}};
	struct asking a;

	begin(&a, other, 1);
	ask(&a);
	ev_run(a.loop, 0);
	ck_assert_int_eq(a.answer.why.code, E_NOT_FOUND);
	end(&a);
	/* "." is an answer. */
	begin(&a, none, 1);
	ask(&a);
	ev_run(a.loop, 0);
	ck_assert_int_eq(a.answer.why.code, E_OK);
	ck_assert(a.answer.complete);
	ck_assert_uint_eq(a.answer.count, 0);
	end(&a);
}
END_TEST

START_TEST(a_host_without_addresses_leaves_the_others)
{
	/* c has none: that is an answer. */
	struct asking a;

	begin(&a, some, sizeof some / sizeof some[0] - 1);
	ask(&a);
	ev_run(a.loop, 0);
	ck_assert_int_eq(a.answer.why.code, E_OK);
	ck_assert(a.answer.complete);
	ck_assert_uint_eq(a.answer.count, 3);
	end(&a);
}
END_TEST

START_TEST(a_host_that_cannot_be_asked_for_makes_it_incomplete)
{
	struct asking a;

	begin(&a, some, sizeof some / sizeof some[0]);
	a.dns.failing_host = "a.example.net";
	ask(&a);
	ev_run(a.loop, 0);
	ck_assert_int_eq(a.answer.why.code, E_OK);
	ck_assert(!a.answer.complete);
	ck_assert_uint_eq(a.answer.count, 3);
	end(&a);
	/* Without any address it is no answer. */
	begin(&a, some, 1);
	a.dns.failing_host = "a.example.net";
	ask(&a);
	ev_run(a.loop, 0);
	ck_assert_int_eq(a.answer.why.code, E_NOT_FOUND);
	ck_assert(!a.answer.complete);
	end(&a);
}
END_TEST

START_TEST(limits_of_hosts_and_addresses)
{
	struct dns_record many[SERVERS_FOUND_MAX + 4];
	struct asking a;
	char names[SERVERS_FOUND_MAX + 4][32];

	/* One host with more addresses than are taken. */
	many[0] = some[0];
	for (unsigned i = 1; i < RESOLVER_HOST_ADDRESSES_MAX + 4; i++) {
		snprintf(names[i], sizeof names[i], "192.0.2.%u", i);
		many[i] = (struct dns_record){"a.example.net", DNS_A, 500, names[i], 0, 0, 0};
	}
	begin(&a, many, RESOLVER_HOST_ADDRESSES_MAX + 4);
	ask(&a);
	ev_run(a.loop, 0);
	ck_assert_uint_eq(a.answer.count, RESOLVER_HOST_ADDRESSES_MAX);
	ck_assert_uint_eq(a.answer.passed_over, 3);
	end(&a);
}
END_TEST

/* A silent server costs time, but nobody waits for it, and the resolver may be given up. */
START_TEST(a_resolver_may_be_given_up)
{
	struct asking a;

	begin(&a, some, 1);
	a.dns.manner = DNS_SILENT;
	ask(&a);
	while (!a.dns.questions)
		ev_run(a.loop, EVRUN_ONCE);
	a.resolver = resolver_free(a.resolver);
	ck_assert_uint_eq(a.answers, 0);
	end(&a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pep/net/resolver");
	TCase *c = tcase_create("resolver");

	tcase_add_test(c, records_are_read);
	tcase_add_test(c, an_answer_cut_anywhere_says_nothing);
	tcase_add_test(c, wrong_answers_say_nothing);
	tcase_add_test(c, aliases_are_followed_to_an_end);
	tcase_add_test(c, a_domain_may_say_that_there_is_none);
	tcase_add_test(c, only_hosts_count_and_not_too_many);
	tcase_add_test(c, domains_are_names);
	tcase_add_test(c, priority_decides_and_weight_has_its_share);
	tcase_add_test(c, hosts_of_a_domain_are_found_over_udp_and_tcp);
	tcase_add_test(c, what_is_no_answer_is_none);
	tcase_add_test(c, a_domain_without_such_a_record);
	tcase_add_test(c, a_host_without_addresses_leaves_the_others);
	tcase_add_test(c, a_host_that_cannot_be_asked_for_makes_it_incomplete);
	tcase_add_test(c, limits_of_hosts_and_addresses);
	tcase_add_test(c, a_resolver_may_be_given_up);
	suite_add_tcase(s, c);
	return suite_main(s);
}
