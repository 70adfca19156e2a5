/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections of before under a new plan, in the kernel's own table: which are cut, which are left
 * alone and which lose their mark. In a network namespace with connections made by netlink, so that
 * there can be many. Says on its output how long the judging of the many took.
 */
#include "tests/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pep/enforce/rejudge.h"
#include "pep/kernel/conntrack.h"
#include "tests/pib/plan/policies.h"

enum { SKIP = 77, TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58, MANY = 20000, BATCH = 200 };

static int sock;
static uint32_t sequence;
static struct arena arena;
static struct plan *plan;
static struct rejudge *rejudge;

/* ---- The kernel's table ---- */

static void put_tuple(struct nlmsghdr *m, uint16_t type, const struct flow *f, bool turned)
{
	const bool icmp = f->protocol == ICMP || f->protocol == ICMPV6, six = f->family == FLOW_IPV6;
	const uint8_t *from = turned ? f->destination : f->source;
	const uint8_t *to = turned ? f->source : f->destination;
	uint16_t sport = turned ? f->destination_port : f->source_port;
	uint16_t dport = turned ? f->source_port : f->destination_port;
	struct nlattr *tuple = mnl_attr_nest_start(m, type), *nest;
	uint8_t kind = f->icmp_type;

	nest = mnl_attr_nest_start(m, CTA_TUPLE_IP);
	mnl_attr_put(m, six ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, six ? 16 : 4, from);
	mnl_attr_put(m, six ? CTA_IP_V6_DST : CTA_IP_V4_DST, six ? 16 : 4, to);
	mnl_attr_nest_end(m, nest);
	nest = mnl_attr_nest_start(m, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(m, CTA_PROTO_NUM, f->protocol);
	if (icmp) {
		/* Echo and its reply. */
		if (turned)
			kind = six ? 129 : 0;
		mnl_attr_put_u8(m, six ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, kind);
		mnl_attr_put_u8(m, six ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, 0);
		mnl_attr_put_u16(m, six ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, htons(7));
	} else {
		mnl_attr_put_u16(m, CTA_PROTO_SRC_PORT, htons(sport));
		mnl_attr_put_u16(m, CTA_PROTO_DST_PORT, htons(dport));
	}
	mnl_attr_nest_end(m, nest);
	mnl_attr_nest_end(m, tuple);
}

static void put_connection(struct buffer *out, const struct flow *f, uint32_t mark)
{
	char room[1024] = {0};
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct nfgenmsg *head;
	struct nlattr *info, *tcp;

	m->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	m->nlmsg_seq = ++sequence;
	head = mnl_nlmsg_put_extra_header(m, sizeof *head);
	head->nfgen_family = f->family == FLOW_IPV4 ? AF_INET : AF_INET6;
	put_tuple(m, CTA_TUPLE_ORIG, f, false);
	put_tuple(m, CTA_TUPLE_REPLY, f, true);
	mnl_attr_put_u32(m, CTA_TIMEOUT, htonl(1000));
	mnl_attr_put_u32(m, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(m, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED));
	if (f->protocol == TCP) {
		info = mnl_attr_nest_start(m, CTA_PROTOINFO);
		tcp = mnl_attr_nest_start(m, CTA_PROTOINFO_TCP);
		mnl_attr_put_u8(m, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
		mnl_attr_nest_end(m, tcp);
		mnl_attr_nest_end(m, info);
	}
	buffer_put_view(out, VIEW((const uint8_t *)m, m->nlmsg_len));
}

/* No refusal: no answer. */
static void send_all(struct buffer *b)
{
	uint8_t answer[8192];

	ck_assert_int_eq(send(sock, b->data, b->len, 0), (ssize_t)b->len);
	ssize_t got = recv(sock, answer, sizeof answer, MSG_DONTWAIT);
	if (got > 0) {
		const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)answer;
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);

		ck_abort_msg("no connection made: %s", strerror(-e->error));
	}
	buffer_reset(b);
}

static void connect_as(const struct flow *f, uint32_t mark)
{
	struct buffer b;

	buffer_init(&b, 1 << 20);
	put_connection(&b, f, mark);
	send_all(&b);
	buffer_fini(&b);
}

struct present {
	const struct flow *wanted;
	size_t all, found;
	uint32_t mark;
};

static enum conntrack_verdict look(void *context, const struct connection *c, uint32_t *ret_mark)
{
	struct present *p = context;
	struct flow flow = c->flow;

	(void)ret_mark;
	p->all++;
	if (p->wanted) {
		flow.direction = p->wanted->direction;
		if (!memcmp(&flow, p->wanted, sizeof flow)) {
			p->found++;
			p->mark = c->mark;
		}
	}
	return CONNTRACK_KEEP;
}

/* Whatever its mark is. */
static struct present present(const struct flow *wanted)
{
	struct present p = {.wanted = wanted};
	struct conntrack_reading reading = {0};
	struct conntrack *c;
	struct error e;

	ck_assert_int_eq(conntrack_open(&c, &e), E_OK);
	ck_assert_msg(!conntrack_begin(c, 0, 0, &e), "%s", e.text);
	while (!reading.done) {
		struct pollfd waiting = {conntrack_descriptor(c), POLLIN, 0};

		ck_assert_int_eq(poll(&waiting, 1, 30000), 1);
		ck_assert_msg(!conntrack_read(c, look, &p, &reading, &e), "%s", e.text);
	}
	ck_assert_uint_eq(p.all, reading.seen);
	conntrack_free(c);
	return p;
}

/* ---- Plans ---- */

static void put_in_force(const struct test_rule *rules, size_t count)
{
	struct plan_policy policy = {.roles = "host",
		.policy = test_policy(&arena, "host", rules, count)};
	struct plan_interface interfaces[] = {{"in0", "host"}, {"*", ""}};
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT,
		.policies = &policy,
		.policy_count = 1,
		.interfaces = interfaces,
		.interface_count = 2,
		.node_roles = "host",
		.previous = plan};
	struct plan_cause cause = {0};
	struct plan *next;
	struct error e;

	ck_assert_msg(!plan_build(&input, &next, &cause, &e), "%s", e.text);
	plan_free(plan);
	plan = next;
}

static struct rejudge_result judge_all(void)
{
	struct rejudge_result result = {0};
	struct error e;

	ck_assert_msg(!rejudge_begin(rejudge, plan, &e), "%s", e.text);
	while (!result.done) {
		struct pollfd waiting = {rejudge_descriptor(rejudge), POLLIN, 0};

		ck_assert_int_eq(poll(&waiting, 1, 30000), 1);
		ck_assert_msg(!rejudge_step(rejudge, &result, &e), "%s", e.text);
	}
	ck_assert_int_eq(rejudge_descriptor(rejudge), -1);
	return result;
}

/* ---- Flows ---- */

static struct flow flow_of(const char *from, const char *to, uint8_t protocol, uint16_t sport,
	uint16_t dport)
{
	struct flow f = {.protocol = protocol, .source_port = sport, .destination_port = dport};

	f.family = strchr(from, ':') ? FLOW_IPV6 : FLOW_IPV4;
	ck_assert_int_eq(inet_pton(f.family == FLOW_IPV4 ? AF_INET : AF_INET6, from, f.source), 1);
	ck_assert_int_eq(inet_pton(f.family == FLOW_IPV4 ? AF_INET : AF_INET6, to, f.destination), 1);
	if (protocol == ICMP || protocol == ICMPV6)
		f.icmp_type = protocol == ICMP ? 8 : 128;
	return f;
}

#define US4 "192.0.2.1"
#define US6 "2001:db8::1"
#define THEM4 "192.0.2.9"
#define THEM6 "2001:db8::9"

/* The mark that the plan of now gives the connection. */
static uint32_t passing(const struct flow *f)
{
	struct plan_packet packet = {.flow = *f, .in = "in0", .out = "in0"};
	struct plan_end found;

	plan_walk(plan, &packet, &found);
	ck_assert(found.accepted);
	return found.ct_mark;
}

static const struct test_rule before[] = {
	{.name = "web", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = TCP, .port = 80},
	{.name = "old", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = TCP, .port = 81},
	{.name = "udp", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = UDP, .port = 90},
	{.name = "odd", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = UDP, .port = 91},
	{.name = "ping", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = ICMP},
	{.name = "ping6", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = ICMPV6},
	{.name = "ssh", .direction = POLICY_OUT, .action = POLICY_BYPASS, .protocol = TCP, .port = 22},
	{.name = "bank", .direction = POLICY_OUT, .action = POLICY_PROTECT, .protection = STRONG,
		.protocol = TCP, .port = 443},
	{.name = "till", .direction = POLICY_OUT, .action = POLICY_BYPASS, .protocol = TCP, .port = 444},
	{.name = "voice", .direction = POLICY_OUT, .action = POLICY_BYPASS, .protocol = UDP,
		.port = 95},
};
static const struct test_rule after[] = {
	{.name = "web", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = TCP, .port = 80},
	{.name = "udp", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = UDP, .port = 90},
	{.name = "odd", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = UDP, .port = 91,
		.stateless = true},
	{.name = "ping6", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = ICMPV6},
	{.name = "bank", .direction = POLICY_OUT, .action = POLICY_BYPASS, .protocol = TCP, .port = 443},
	{.name = "till", .direction = POLICY_OUT, .action = POLICY_PROTECT, .protection = STRONG,
		.protocol = TCP, .port = 444},
	{.name = "voice", .direction = POLICY_OUT, .action = POLICY_BYPASS, .protocol = UDP,
		.port = 95, .dscp = 46},
};
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

enum fate { KEPT, CUT, UNMARKED };

static const struct {
	const char *from, *to;
	uint8_t protocol;
	uint16_t port;
	enum fate fate;
	const char *why;
} cases[] = {
	{THEM4, US4, TCP, 80, KEPT, "allowed before and after"},
	{THEM6, US6, TCP, 80, KEPT, "allowed before and after"},
	{THEM4, US4, TCP, 81, CUT, "its rule is gone"},
	{THEM6, US6, TCP, 81, CUT, "its rule is gone"},
	{THEM4, US4, UDP, 90, KEPT, "a connection of UDP"},
	{THEM6, US6, UDP, 91, UNMARKED, "replies need a rule of their own now"},
	{THEM4, US4, ICMP, 0, CUT, "no echo any more"},
	{THEM6, US6, ICMPV6, 0, KEPT, "still echo"},
	{US4, THEM4, TCP, 22, CUT, "out, its rule is gone"},
	{US6, THEM6, TCP, 22, CUT, "out, its rule is gone"},
	{US4, THEM4, TCP, 443, CUT, "was protected, is clear now"},
	{US6, THEM6, TCP, 444, CUT, "was clear, is protected now"},
	{US4, THEM4, UDP, 95, KEPT, "allowed with one DSCP, which nobody knows"},
};

START_TEST(what_the_new_plan_does_not_allow_is_cut_and_nothing_else)
{
	struct rejudge_result result;
	uint64_t cut = 0, unmarked = 0;

	put_in_force(before, COUNT(before));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct flow f = flow_of(cases[i].from, cases[i].to, cases[i].protocol, 4000,
			cases[i].port);

		f.direction = !strcmp(cases[i].from, US4) || !strcmp(cases[i].from, US6) ? FLOW_OUT
											 : FLOW_IN;
		connect_as(&f, passing(&f) | 0x7);
		cut += cases[i].fate == CUT;
		unmarked += cases[i].fate == UNMARKED;
	}
	/* One of others, without our mark, stays whatever it is. */
	struct flow foreign = flow_of(THEM4, US4, TCP, 5000, 81);
	connect_as(&foreign, 0x7);

	/* Under its own plan nothing happens. */
	result = judge_all();
	ck_assert_uint_eq(result.cut + result.marked, 0);
	ck_assert_uint_eq(result.seen, COUNT(cases));
	ck_assert_uint_eq(result.passes, 1);

	put_in_force(after, COUNT(after));
	result = judge_all();
	ck_assert_uint_eq(result.cut, cut);
	ck_assert_uint_eq(result.marked, unmarked);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct flow f = flow_of(cases[i].from, cases[i].to, cases[i].protocol, 4000,
			cases[i].port);
		struct present p;

		if (f.protocol == ICMP || f.protocol == ICMPV6)
			f.source_port = f.destination_port = 0;
		p = present(&f);
		ck_assert_msg(p.found == (cases[i].fate != CUT), "%s -> %s %u: %s", cases[i].from,
			cases[i].to, cases[i].port, cases[i].why);
		if (cases[i].fate == KEPT)
			ck_assert_uint_eq(p.mark & plan->marks.passed, plan->marks.passed);
		if (cases[i].fate == UNMARKED)
			ck_assert_uint_eq(p.mark & plan->marks.mask, 0);
		/* Foreign bits are never ours to change. */
		if (p.found)
			ck_assert_uint_eq(p.mark & 0x7, 0x7);
	}
	ck_assert_uint_eq(present(&foreign).found, 1);
}
END_TEST

/* On an interface without a role nothing is allowed, whatever the addresses are. */
START_TEST(interfaces_count_by_the_way_to_the_peer)
{
	struct flow here = flow_of(THEM4, US4, TCP, 4000, 80);
	struct flow there = flow_of("198.51.100.9", US4, TCP, 4000, 80);
	struct rejudge_result result;

	put_in_force(before, COUNT(before));
	here.direction = there.direction = FLOW_IN;
	connect_as(&here, passing(&here));
	connect_as(&there, passing(&here));
	result = judge_all();
	ck_assert_uint_eq(result.cut, 1);
	ck_assert_uint_eq(present(&here).found, 1);
	ck_assert_uint_eq(present(&there).found, 0);
}
END_TEST

/* All of many, in pieces; what is cut is just what must be. */
START_TEST(many_are_judged_in_pieces)
{
	const char *wanted = getenv("CONNECTIONS");
	unsigned many = wanted ? (unsigned)atoi(wanted) : MANY, steps = 0;
	struct timespec begun, ended;
	struct rejudge_result result = {0};
	struct buffer b;
	struct error e;
	double seconds;

	put_in_force(before, COUNT(before));
	buffer_init(&b, 1 << 20);
	for (unsigned i = 0; i < many; i++) {
		struct flow f = flow_of(i % 2 ? THEM6 : THEM4, i % 2 ? US6 : US4, TCP,
			(uint16_t)(1024 + i / 4 % 60000), i & 2 ? 80 : 81);

		/* More than there are ports. */
		f.source[i % 2 ? 15 : 3] = (uint8_t)(10 + i / 240000);
		f.direction = FLOW_IN;
		put_connection(&b, &f, passing(&f));
		if (i % BATCH == BATCH - 1 || i == many - 1)
			send_all(&b);
	}
	buffer_fini(&b);
	ck_assert_uint_eq(present(NULL).all, many);
	put_in_force(after, COUNT(after));
	clock_gettime(CLOCK_MONOTONIC, &begun);
	ck_assert_msg(!rejudge_begin(rejudge, plan, &e), "%s", e.text);
	while (!result.done) {
		struct pollfd waiting = {rejudge_descriptor(rejudge), POLLIN, 0};

		ck_assert_int_eq(poll(&waiting, 1, 30000), 1);
		ck_assert_msg(!rejudge_step(rejudge, &result, &e), "%s", e.text);
		steps++;
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	seconds = (double)(ended.tv_sec - begun.tv_sec) +
		  (double)(ended.tv_nsec - begun.tv_nsec) / 1e9;
	printf("%u connections judged in %.3f s, %u pieces, %u readings\n", many, seconds, steps,
		result.passes);
	ck_assert_uint_eq(result.cut, many / 2);
	ck_assert_uint_eq(present(NULL).all, many - many / 2);
	/* The loop had its turn all the time. */
	ck_assert_uint_gt(steps, many / 500);
}
END_TEST

/* A plan that comes while the one before is still being judged takes its place. */
START_TEST(another_plan_begins_over)
{
	struct rejudge_result result = {0};
	struct flow f = flow_of(THEM4, US4, TCP, 4000, 81);
	struct error e;

	put_in_force(before, COUNT(before));
	f.direction = FLOW_IN;
	connect_as(&f, passing(&f));
	ck_assert_int_eq(rejudge_begin(rejudge, plan, &e), E_OK);
	put_in_force(after, COUNT(after));
	result = judge_all();
	ck_assert_uint_eq(result.cut, 1);
	ck_assert_uint_eq(present(&f).found, 0);
}
END_TEST

static void set_up(void)
{
	static const char *const commands[] = {
		"ip link set lo up",
		"ip link add in0 type veth peer name in1",
		"ip link add out0 type veth peer name out1",
		"ip address add " US4 "/24 dev in0",
		"ip address add " US6 "/64 dev in0 nodad",
		"ip address add 198.51.100.1/24 dev out0",
		"ip link set in0 up && ip link set in1 up",
		"ip link set out0 up && ip link set out1 up",
		/* So that the kernel keeps connections here at all. */
		"nft add table inet t",
		"nft add chain inet t c '{ type filter hook input priority 0; }'",
		"nft add rule inet t c ct state invalid drop",
	};

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	for (size_t i = 0; i < COUNT(commands); i++)
		ck_assert_msg(system(commands[i]) == 0, "%s", commands[i]);
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	ck_assert_int_ge(sock, 0);
	arena_init(&arena, 1 << 26);
	rejudge = rejudge_new();
}

static void tear_down(void)
{
	rejudge_free(rejudge);
	plan = plan_free(plan);
	arena_fini(&arena);
	close(sock);
}

int main(void)
{
	Suite *suite = suite_create("pep/enforce/rejudge");
	TCase *t = tcase_create("rejudge");

	if (geteuid()) {
		printf("skipped: needs root\n");
		return SKIP;
	}
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, what_the_new_plan_does_not_allow_is_cut_and_nothing_else);
	tcase_add_test(t, interfaces_count_by_the_way_to_the_peer);
	tcase_add_test(t, another_plan_begins_over);
	tcase_add_test(t, many_are_judged_in_pieces);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
