/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans in a real kernel: namespaces that live as long as a test, real packets between them. */
#include "pep/kernel/kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pep/kernel/guard.h"
#include "tests/pib/plan/policies.h"
#include "tests/suite.h"

enum { TCP = 6, UDP = 17, SKIPPED = 77, DEADLINE = 10000 /* ms */ };

/*
 *   left eth0 ------ left0 (us) right0 ------ eth0 right
 *        .1            .2   192.0.2/24 and 2001:db8:1::/64 on the left
 *                           198.51.100/24 and 2001:db8:2::/64 on the right
 */
enum where { US, LEFT, RIGHT, NAMESPACES };

static const char *const addresses[2][NAMESPACES] = {
	{"192.0.2.2", "192.0.2.1", "198.51.100.1"},
	{"2001:db8:1::2", "2001:db8:1::1", "2001:db8:2::1"},
};

static struct arena arena;
static struct kernel *kernel;
static struct plan *plan;
static int namespaces[NAMESPACES];
static pid_t holders[NAMESPACES];

static void shell(const char *format, ...) PRINTF_LIKE(1, 2);
static void shell(const char *format, ...)
{
	char command[2048];
	va_list list;
	int status;

	va_start(list, format);
	vsnprintf(command, sizeof command, format, list);
	va_end(list);
	status = system(command);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", command);
}

static void shell_read(struct buffer *out, const char *command)
{
	FILE *pipe = popen(command, "re");
	char piece[4096];
	size_t len;

	ck_assert_ptr_nonnull(pipe);
	while ((len = fread(piece, 1, sizeof piece, pipe)) > 0)
		buffer_put(out, piece, len);
	ck_assert_int_eq(pclose(pipe), 0);
}

/* Does the output of the command contain the text, and how often? */
static size_t times(const char *command, const char *text)
{
	struct buffer out;
	size_t count = 0;

	buffer_init(&out, 1 << 28);
	shell_read(&out, command);
	for (const char *at = buffer_string(&out); (at = strstr(at, text)); at += strlen(text))
		count++;
	buffer_fini(&out);
	return count;
}

static void enter(enum where where)
{
	ck_assert_int_eq(setns(namespaces[where], CLONE_NEWNET), 0);
}

/* A process that does nothing but hold a namespace of its own. */
static void hold_namespace(enum where where)
{
	char path[64];
	int ready[2];
	char octet;

	ck_assert_int_eq(pipe(ready), 0);
	holders[where] = fork();
	ck_assert_int_ge(holders[where], 0);
	if (holders[where] == 0) {
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "!", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &octet, 1), 1);
	close(ready[0]);
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)holders[where]);
	namespaces[where] = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(namespaces[where], 0);
}

static void connect_to(enum where where, const char *ours)
{
	int net = where == RIGHT;
	const char *prefix = net ? "198.51.100" : "192.0.2";

	shell("ip link add %s type veth peer name eth0 netns %d", ours, (int)holders[where]);
	shell("ip addr add %s.2/24 dev %s && ip addr add 2001:db8:%d::2/64 dev %s nodad", prefix,
		ours, net + 1, ours);
	shell("ip link set %s up", ours);
	enter(where);
	shell("ip link set lo up && ip link set eth0 up");
	shell("ip addr add %s.1/24 dev eth0 && ip addr add 2001:db8:%d::1/64 dev eth0 nodad",
		prefix, net + 1);
	shell("ip route add default via %s.2 && ip -6 route add default via 2001:db8:%d::2", prefix,
		net + 1);
	enter(US);
}

static void setup(void)
{
	struct error error;

	arena_init(&arena, 1 << 28);
	plan = NULL;
	hold_namespace(US);
	hold_namespace(LEFT);
	hold_namespace(RIGHT);
	enter(US);
	shell("ip link set lo up");
	shell("echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > "
	      "/proc/sys/net/ipv6/conf/all/forwarding");
	connect_to(LEFT, "left0");
	connect_to(RIGHT, "right0");
	ck_assert_msg(kernel_open(&kernel, &error) == E_OK, "%s", error.text);
}

static void teardown(void)
{
	kernel = kernel_free(kernel);
	plan = plan_free(plan);
	for (int i = 0; i < NAMESPACES; i++) {
		kill(holders[i], SIGKILL);
		waitpid(holders[i], NULL, 0);
		close(namespaces[i]);
	}
	arena_fini(&arena);
}

/* ---- Plans ---- */

static void apply(const struct plan *p)
{
	struct kernel_fault fault;
	struct error error = {0};

	ck_assert_msg(
		kernel_apply(kernel, p, &fault, &error) == E_OK && !fault.dirty, "%s", error.text);
	ck_assert_msg(kernel_settle(kernel, &error) == E_OK, "%s", error.text);
}

/* Both interfaces have the role host, the node itself gateway. */
static struct plan *build(const struct test_rule *host, size_t host_count,
	const struct test_rule *transit, size_t transit_count)
{
	static const struct plan_interface interfaces[] = {{"left0", "host"}, {"right0", "host"}};
	struct plan_policy policies[] = {
		{.roles = "gateway", .policy = test_policy(&arena, "gateway", transit, transit_count)},
		{.roles = "host", .policy = test_policy(&arena, "host", host, host_count)},
	};
	struct plan_cause cause;
	struct error error;
	struct plan *made = NULL;

	ck_assert_msg(plan_build(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
					 .policies = policies,
					 .policy_count = 2,
					 .interfaces = interfaces,
					 .interface_count = 2,
					 .node_roles = "gateway"},
			      &made, &cause, &error) == E_OK,
		"%s", error.text);
	return made;
}

static uint64_t counted(const char *name)
{
	struct kernel_counter *readings = calloc(plan->counter_count, sizeof *readings);
	uint64_t packets = 0;
	struct error error;

	ck_assert_int_eq(kernel_read_counters(kernel, plan, readings, &error), E_OK);
	for (const struct plan_counter *c = plan->counters; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			packets = readings[c->number].packets;
	free(readings);
	return packets;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the counter has counted more than `before`. */
static bool counts_past(const char *name, uint64_t before)
{
	int64_t deadline = now() + DEADLINE;

	while (counted(name) <= before)
		if (now() > deadline)
			return false;
	return true;
}

/* ---- Packets ---- */

static socklen_t socket_address(
	struct sockaddr_storage *out, int six, enum where where, uint16_t port)
{
	memset(out, 0, sizeof *out);
	if (six) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)out;

		a->sin6_family = AF_INET6;
		a->sin6_port = htons(port);
		inet_pton(AF_INET6, addresses[1][where], &a->sin6_addr);
		return sizeof *a;
	}
	struct sockaddr_in *a = (struct sockaddr_in *)out;

	a->sin_family = AF_INET;
	a->sin_port = htons(port);
	inet_pton(AF_INET, addresses[0][where], &a->sin_addr);
	return sizeof *a;
}

static int open_udp(int six, enum where where, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len = socket_address(&address, six, where, port);
	int fd;

	enter(where);
	fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(bind(fd, (struct sockaddr *)&address, len) == 0, "bind: %s", strerror(errno));
	enter(US);
	return fd;
}

/* 0 or the errno. */
static int send_udp(int fd, int six, enum where to, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len = socket_address(&address, six, to, port);

	return sendto(fd, "?", 1, 0, (struct sockaddr *)&address, len) == 1 ? 0 : errno;
}

static bool arrives(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char octet;

	return poll(&p, 1, DEADLINE) == 1 && recv(fd, &octet, 1, 0) == 1;
}

static bool nothing_arrived(int fd)
{
	char octet;

	return recv(fd, &octet, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* ---- Tests ---- */

static const struct test_rule host_rules[] = {
	{.name = "web",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = UDP,
		.port = 80},
	{.name = "ssh",
		.direction = POLICY_IN,
		.action = POLICY_BYPASS,
		.protocol = UDP,
		.port = 22,
		.log = true},
	{.name = "telnet",
		.direction = POLICY_IN,
		.action = POLICY_DISCARD,
		.protocol = UDP,
		.port = 23},
	{.name = "tls",
		.direction = POLICY_OUT,
		.action = POLICY_PROTECT,
		.protection = STRONG,
		.protocol = UDP,
		.port = 443},
	{.name = "vault",
		.direction = POLICY_IN,
		.action = POLICY_PROTECT,
		.protection = STRONG,
		.protocol = UDP,
		.port = 8443},
	{.name = "chat",
		.direction = POLICY_OUT,
		.action = POLICY_PROTECT,
		.protection = SOFT,
		.protocol = UDP,
		.port = 6000},
	{.name = "voice",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = UDP,
		.port = 7000,
		.port_last = 7009},
	{.name = "more",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.protocol = UDP,
		.port = 7020},
};
static const struct test_rule transit_rules[] = {
	{.name = "through",
		.direction = POLICY_OUT,
		.action = POLICY_BYPASS,
		.forward = true,
		.protocol = UDP,
		.port = 80},
	{.name = "site",
		.direction = POLICY_OUT,
		.action = POLICY_PROTECT,
		.protection = TUNNEL,
		.forward = true,
		.protocol = UDP,
		.port = 5000},
};
enum {
	HOST_RULES = sizeof host_rules / sizeof *host_rules,
	TRANSIT_RULES = sizeof transit_rules / sizeof *transit_rules,
};

static void apply_rules(void)
{
	plan = build(host_rules, HOST_RULES, transit_rules, TRANSIT_RULES);
	apply(plan);
}

START_TEST(kernel_holds_what_the_plan_says)
{
	struct kernel_status status;
	struct error error;
	char text[128];

	apply_rules();
	/* One more says which plan it is. */
	ck_assert_uint_eq(times("nft list ruleset", "chain "), plan->chain_count + 1);
	snprintf(text, sizeof text, "comment \"%s ", plan->id);
	ck_assert_uint_eq(times("nft list ruleset", text), 1);
	ck_assert_uint_eq(times("nft list ruleset", "counter name "),
		times("nft -j list ruleset | grep -o '\"counter\": \"'", "counter"));
	ck_assert_uint_eq(times("nft list ruleset", "hook input priority filter; policy drop;"), 1);
	ck_assert_uint_eq(
		times("nft list ruleset", "hook output priority filter; policy drop;"), 1);
	ck_assert_uint_eq(
		times("nft list ruleset", "hook forward priority filter; policy drop;"), 1);
	ck_assert_uint_eq(times("nft list ruleset", "type route hook output priority mangle"), 1);
	ck_assert_uint_eq(times("nft list ruleset", "dport 7000-7009 goto out/host/voice."), 1);
	ck_assert_uint_eq(times("nft list ruleset", "\"left0\" : goto in-host."), 1);
	ck_assert_uint_eq(times("nft list ruleset", "\"no-sa/strong\" drop comment \"tls\""), 1);
	ck_assert_uint_eq(times("ip xfrm policy", "dir "), plan->spd_count);
	ck_assert_uint_eq(times("ip xfrm policy", "action block"), 4);
	for (size_t i = 0; i < plan->protection_count; i++) {
		snprintf(text, sizeof text, "reqid %u mode", plan->protections[i].reqid);
		ck_assert_uint_ge(times("ip xfrm policy", text), 4);
		snprintf(text, sizeof text, "ipsec out reqid %u", plan->protections[i].reqid);
		ck_assert_int_eq(
			times("nft list ruleset", text) > 0, plan->protections[i].required);
	}
	ck_assert_int_eq(kernel_status(kernel, plan, &status, &error), E_OK);
	ck_assert(status.table && status.spd_as_planned);
	ck_assert_str_eq(status.plan_id, plan->id);
}
END_TEST

START_TEST(closed_node_lets_nothing_pass)
{
	struct plan_endpoint pdp = {FLOW_IPV4, {192, 0, 2, 1}, 32, 3288};
	struct error error;

	ck_assert_int_eq(plan_bootstrap(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
						.endpoints = &pdp,
						.endpoint_count = 1},
				 &plan, &error),
		E_OK);
	apply(plan);
	for (int six = 0; six < 2; six++) {
		int us = open_udp(six, US, 4000), left = open_udp(six, LEFT, 53),
		    right = open_udp(six, RIGHT, 80);
		uint64_t before;

		ck_assert_int_eq(send_udp(us, six, LEFT, 80), EPERM);
		ck_assert_int_eq(
			send_udp(us, six, LEFT, 53), 0); /* DNS, by way of neighbour discovery */
		ck_assert(arrives(left));
		ck_assert_int_eq(send_udp(left, six, US, 4000), 0);
		ck_assert(arrives(us));
		before = counted("no-role");
		ck_assert_int_eq(send_udp(right, six, US, 4000), 0);
		ck_assert(counts_past("no-role", before));
		ck_assert_int_eq(send_udp(right, six, LEFT, 53), 0); /* transit */
		ck_assert(counts_past("no-role", before + 1));
		ck_assert(nothing_arrived(us) && nothing_arrived(left));
		close(us);
		close(left);
		close(right);
	}
}
END_TEST

START_TEST(allowed_passes_and_denied_is_counted)
{
	apply_rules();
	for (int six = 0; six < 2; six++) {
		int us = open_udp(six, US, 22), left = open_udp(six, LEFT, 80);
		uint64_t before;

		ck_assert_int_eq(send_udp(us, six, LEFT, 80), 0);
		ck_assert(arrives(left));
		ck_assert_int_eq(send_udp(left, six, US, 22), 0); /* a reply, and ssh besides */
		ck_assert(arrives(us));
		ck_assert_uint_eq(counted("host/web"), (uint64_t)six + 1);
		before = counted("no-rule");
		ck_assert_int_eq(send_udp(us, six, LEFT, 81), EPERM);
		ck_assert_uint_eq(counted("no-rule"), before + 1);
		before = counted("host/telnet");
		ck_assert_int_eq(send_udp(left, six, US, 23), 0);
		ck_assert(counts_past("host/telnet", before));
		close(us);
		close(left);
	}
}
END_TEST

/* A day's rate does not refill while the test runs. */
enum { FLOWS = 5, WITHIN = 3, DAY = 86400 };

/* So many flows begin, from ports of their own; how many arrive. */
static int begin_flows(int to_us, int six, enum where from, uint16_t port)
{
	int count = 0;

	for (uint16_t i = 0; i < FLOWS; i++) {
		int fd = open_udp(six, from, (uint16_t)(port * 10 + i));
		uint64_t before = counted("over-limit/host/limited");

		ck_assert_int_eq(send_udp(fd, six, US, port), 0);
		if (i < WITHIN) {
			ck_assert(arrives(to_us));
			count++;
		} else {
			ck_assert(counts_past("over-limit/host/limited", before));
		}
		close(fd);
	}
	ck_assert(nothing_arrived(to_us));
	return count;
}

static const struct limited {
	struct policy_limit rate, connections;
	bool each; /* source has a limit of its own */
} limited[] = {
	{.rate = {WITHIN, DAY, 0, POLICY_OF_SOURCE}, .each = true},
	{.rate = {1, DAY, WITHIN, POLICY_OF_SOURCE}, .each = true},
	{.connections = {WITHIN, 0, 0, POLICY_OF_SOURCE}, .each = true},
	{.rate = {100, DAY, 0, POLICY_OF_RULE},
		.connections = {WITHIN, 0, 0, POLICY_OF_SOURCE},
		.each = true},
	{.rate = {WITHIN, DAY, 0, POLICY_OF_SOURCE},
		.connections = {100, 0, 0, POLICY_OF_DESTINATION},
		.each = true},
	{.rate = {WITHIN, DAY, 0, POLICY_OF_RULE}},
	{.connections = {WITHIN, 0, 0, POLICY_OF_RULE}},
};

START_TEST(what_begins_beyond_a_limit_is_dropped)
{
	const struct limited *l = &limited[_i];
	struct test_rule rules[] = {{.name = "limited",
		.direction = POLICY_IN,
		.action = POLICY_BYPASS,
		.protocol = UDP,
		.port = 22,
		.rate = l->rate,
		.connections = l->connections}};
	int us[2];
	uint64_t before;

	plan = build(rules, 1, NULL, 0);
	apply(plan);
	for (int six = 0; six < 2; six++)
		us[six] = open_udp(six, US, 22);
	ck_assert_int_eq(begin_flows(us[0], 0, LEFT, 22), WITHIN);
	if (l->each) {
		ck_assert_int_eq(begin_flows(us[0], 0, RIGHT, 22), WITHIN);
		ck_assert_int_eq(begin_flows(us[1], 1, LEFT, 22), WITHIN);
	}
	/* Flows that are there go on. */
	int old = open_udp(0, LEFT, 220), other = open_udp(0, RIGHT, 2300);

	ck_assert_int_eq(send_udp(old, 0, US, 22), 0);
	ck_assert(arrives(us[0]));
	before = counted("over-limit/host/limited");
	if (!l->each) {
		ck_assert_int_eq(send_udp(other, 0, US, 22), 0);
		ck_assert(counts_past("over-limit/host/limited", before));
	}
	close(old);
	close(other);
	close(us[0]);
	close(us[1]);
}
END_TEST

/* What a limit has counted outlives a change of another rule. */
START_TEST(limits_outlive_a_change_elsewhere)
{
	struct test_rule rules[] = {{.name = "limited",
					    .direction = POLICY_IN,
					    .action = POLICY_BYPASS,
					    .protocol = UDP,
					    .port = 22,
					    .rate = {WITHIN, DAY, 0, POLICY_OF_SOURCE}},
		{.name = "other",
			.direction = POLICY_IN,
			.action = POLICY_BYPASS,
			.protocol = UDP,
			.port = 23}};
	int us, left;
	uint64_t before;

	plan = build(rules, 1, NULL, 0);
	apply(plan);
	us = open_udp(0, US, 22);
	ck_assert_int_eq(begin_flows(us, 0, LEFT, 22), WITHIN);
	plan = plan_free(plan);
	plan = build(rules, 2, NULL, 0);
	apply(plan);
	left = open_udp(0, LEFT, 2500);
	before = counted("over-limit/host/limited");
	ck_assert_int_eq(send_udp(left, 0, US, 22), 0);
	ck_assert(counts_past("over-limit/host/limited", before));
	ck_assert(nothing_arrived(us));
	close(us);
	close(left);
}
END_TEST

/* The error that a connection to this port ends with. */
static int connect_tcp(int six, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len = socket_address(&address, six, US, port);
	int fd, error = 0;

	enter(LEFT);
	fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	if (connect(fd, (struct sockaddr *)&address, len) != 0)
		error = errno;
	close(fd);
	enter(US);
	return error;
}

/* UDP learns it from the next call. */
static int error_of_udp(int six, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len = socket_address(&address, six, US, port);
	int fd = open_udp(six, LEFT, 4000);
	struct pollfd p = {.fd = fd};
	int error = 0;
	socklen_t size = sizeof error;

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(send(fd, "?", 1, 0), 1);
	ck_assert_int_eq(poll(&p, 1, DEADLINE), 1);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	close(fd);
	return error;
}

START_TEST(who_is_turned_away_is_told)
{
	struct test_rule rules[] = {{.name = "reset",
					    .direction = POLICY_IN,
					    .port = 25,
					    .protocol = 6,
					    .answer = POLICY_RESET},
		{.name = "both", .direction = POLICY_IN, .port = 26, .answer = POLICY_RESET},
		{.name = "told",
			.direction = POLICY_IN,
			.port = 27,
			.protocol = UDP,
			.answer = POLICY_UNREACHABLE}};

	plan = build(rules, 3, NULL, 0);
	apply(plan);
	for (int six = 0; six < 2; six++) {
		int unreachable = six ? EACCES : EHOSTUNREACH;

		ck_assert_int_eq(connect_tcp(six, 25), ECONNREFUSED);
		ck_assert_int_eq(connect_tcp(six, 26), ECONNREFUSED);
		ck_assert_int_eq(error_of_udp(six, 26), unreachable);
		ck_assert_int_eq(error_of_udp(six, 27), unreachable);
		ck_assert_uint_eq(counted("host/told"), (uint64_t)six + 1);
	}
}
END_TEST

START_TEST(errors_come_back_with_their_connection)
{
	apply_rules();
	for (int six = 0; six < 2; six++) {
		int us = open_udp(six, US, 4000);
		struct sockaddr_storage address;
		socklen_t len = socket_address(&address, six, LEFT, 80);
		struct pollfd p = {.fd = us, .events = POLLIN};
		char octet;

		ck_assert_int_eq(connect(us, (struct sockaddr *)&address, len), 0);
		ck_assert_int_eq(send(us, "?", 1, 0), 1); /* nobody listens there */
		ck_assert_int_eq(poll(&p, 1, DEADLINE), 1);
		ck_assert_int_eq(recv(us, &octet, 1, 0), -1);
		ck_assert_int_eq(errno, ECONNREFUSED);
		close(us);
	}
}
END_TEST

START_TEST(protected_flow_never_passes_in_clear)
{
	apply_rules();
	for (int six = 0; six < 2; six++) {
		int us = open_udp(six, US, 4000), left = open_udp(six, LEFT, 443);
		int vault = open_udp(six, US, 8443), chat = open_udp(six, LEFT, 6000);
		uint64_t before = counted("protect/strong");

		/* No SA yet: the SPD holds it back, and would ask for one. */
		ck_assert_int_ne(send_udp(us, six, LEFT, 443), 0);
		ck_assert_uint_eq(counted("protect/strong"), before + 1);
		before = counted("no-sa/strong");
		ck_assert_int_eq(send_udp(left, six, US, 8443), 0);
		ck_assert(counts_past("no-sa/strong", before));
		/* Preferred: in clear, at once. */
		ck_assert_int_eq(send_udp(us, six, LEFT, 6000), 0);
		ck_assert(arrives(chat));
		/* Somebody flushes the SPD. */
		shell("ip xfrm policy flush");
		before = counted("no-sa/strong");
		ck_assert_int_eq(send_udp(us, six, LEFT, 443), EPERM);
		ck_assert_uint_eq(counted("no-sa/strong"), before + 1);
		ck_assert_int_eq(send_udp(left, six, US, 8443), 0);
		ck_assert(counts_past("no-sa/strong", before + 1));
		ck_assert(nothing_arrived(left) && nothing_arrived(vault));
		apply(plan);
		close(us);
		close(left);
		close(vault);
		close(chat);
	}
}
END_TEST

START_TEST(transit_is_judged_by_the_nodes_forward_rules)
{
	apply_rules();
	for (int six = 0; six < 2; six++) {
		int left = open_udp(six, LEFT, 4000), right = open_udp(six, RIGHT, 80);
		int site = open_udp(six, RIGHT, 5000);
		uint64_t before;

		ck_assert_int_eq(send_udp(left, six, RIGHT, 80), 0);
		ck_assert(arrives(right));
		ck_assert_int_eq(send_udp(right, six, LEFT, 4000), 0);
		ck_assert(arrives(left));
		before = counted("no-rule");
		ck_assert_int_eq(send_udp(left, six, RIGHT, 81), 0);
		ck_assert(counts_past("no-rule", before));
		before = counted("protect/tunnel");
		ck_assert_int_eq(send_udp(left, six, RIGHT, 5000), 0);
		ck_assert(counts_past("protect/tunnel", before));
		shell("ip xfrm policy flush");
		before = counted("no-sa/tunnel");
		ck_assert_int_eq(send_udp(left, six, RIGHT, 5000), 0);
		ck_assert(counts_past("no-sa/tunnel", before));
		ck_assert(nothing_arrived(site));
		apply(plan);
		close(left);
		close(right);
		close(site);
	}
}
END_TEST

static unsigned long xfrm_blocked(void)
{
	struct buffer out;
	const char *at;
	unsigned long count;

	buffer_init(&out, 1 << 16);
	shell_read(&out, "cat /proc/net/xfrm_stat");
	at = strstr(buffer_string(&out), "XfrmInPolBlock");
	ck_assert_ptr_nonnull(at);
	count = strtoul(at + strlen("XfrmInPolBlock"), NULL, 10);
	buffer_fini(&out);
	return count;
}

START_TEST(flushed_filter_opens_neither_input_nor_transit)
{
	int us, left;

	apply_rules();
	us = open_udp(0, US, 22);
	left = open_udp(0, LEFT, 4000);
	ck_assert_int_eq(send_udp(left, 0, US, 22), 0);
	ck_assert(arrives(us));
	shell("nft flush ruleset");
	for (int i = 0; i < 2; i++) {
		unsigned long before = xfrm_blocked();
		int64_t deadline = now() + DEADLINE;

		ck_assert_int_eq(send_udp(left, 0, i ? RIGHT : US, i ? 80 : 22), 0);
		while (xfrm_blocked() == before)
			ck_assert_int_lt(now(), deadline);
	}
	ck_assert(nothing_arrived(us));
	apply(plan); /* and it comes back */
	ck_assert_int_eq(send_udp(left, 0, US, 22), 0);
	ck_assert(arrives(us));
	close(us);
	close(left);
}
END_TEST

START_TEST(what_is_not_ours_stays)
{
	struct error error;
	struct kernel_status status;

	shell("nft 'add table inet theirs; add table ip copsec'");
	shell("ip xfrm policy add src 10.0.0.0/8 dst 10.0.0.0/8 dir out action block");
	shell("ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out mark 1 mask 1 tmpl proto esp "
	      "reqid 5 "
	      "mode transport");
	apply_rules();
	apply(plan);
	ck_assert_uint_eq(times("nft list ruleset", "table "), 3);
	ck_assert_int_eq(kernel_remove(kernel, &error), E_OK);
	ck_assert_uint_eq(times("nft list ruleset", "table inet theirs"), 1);
	ck_assert_uint_eq(times("nft list ruleset", "table ip copsec"), 1);
	ck_assert_uint_eq(times("nft list ruleset", "table "), 2);
	ck_assert_uint_eq(times("ip xfrm policy", "dir "), 2);
	ck_assert_int_eq(kernel_status(kernel, plan, &status, &error), E_OK);
	ck_assert(!status.table && status.spd_entries == 0);
}
END_TEST

/* A rule that the kernel refuses is named, with the kernel's words, and nothing has changed. */
START_TEST(refusal_names_the_rule_and_changes_nothing)
{
	struct kernel_fault fault;
	struct kernel_status status;
	struct error error;
	struct plan_counter missing = {.name = "missing"};
	struct plan *bad;
	bool broken = false;

	apply_rules();
	bad = build(host_rules, 2, NULL, 0);
	for (struct plan_chain *c = bad->chains; c; c = c->next) {
		for (struct plan_rule *r = c->rules; r; r = r->next) {
			for (size_t i = 0; i < r->step_count; i++) {
				/* The plan is ours alone here. */
				struct plan_step *s = (struct plan_step *)(uintptr_t)&r->steps[i];

				if (s->kind != PLAN_COUNT ||
					strcmp(s->counter->name, "host/ssh") != 0)
					continue;
				s->counter = &missing;
				broken = true;
			}
		}
	}
	ck_assert(broken);
	/* All of it is sent, also what has the name of what is there. */
	shell("nft add table inet theirs; nft delete table inet theirs");
	ck_assert_int_eq(kernel_apply(kernel, bad, &fault, &error), E_SYSTEM);
	ck_assert_int_eq(error.sys, ENOENT);
	ck_assert_str_eq(fault.cause.name, "ssh");
	ck_assert_uint_eq(fault.cause.prid.instance, 2);
	ck_assert_ptr_nonnull(strstr(fault.object, "counter name \"missing\""));
	ck_assert(!fault.dirty);
	ck_assert_int_eq(kernel_status(kernel, plan, &status, &error), E_OK);
	ck_assert_str_eq(status.plan_id, plan->id);
	ck_assert(status.spd_as_planned);
	plan_free(bad);
}
END_TEST

START_TEST(ten_thousand_rules_are_applied)
{
	enum { RULES = 10000 };
	struct test_rule *rules = calloc(RULES, sizeof *rules);
	char(*names)[32] = calloc(RULES, sizeof *names);
	char(*nets)[32] = calloc(RULES, sizeof *nets);
	int us, left;

	for (int i = 0; i < RULES; i++) {
		snprintf(names[i], sizeof names[i], "rule-%d", i);
		snprintf(nets[i], sizeof nets[i], "10.%d.%d.0/24", i % 40, i % 7);
		rules[i] = (struct test_rule){.name = names[i],
			.direction = i % 2 ? POLICY_IN : POLICY_OUT,
			.action = i % 5 ? POLICY_BYPASS : POLICY_DISCARD,
			.source = i % 2 ? nets[i] : NULL,
			.destination = i % 2 ? NULL : nets[i],
			.protocol = i % 3 ? TCP : UDP,
			.port = (uint16_t)(1 + i * 5)};
	}
	rules[RULES - 1] = host_rules[0];
	plan = build(rules, RULES, NULL, 0);
	ck_assert_uint_ge(plan->chain_count, RULES);
	apply(plan);
	apply(plan); /* in place of as many */
	us = open_udp(0, US, 4000);
	left = open_udp(0, LEFT, 80);
	ck_assert_int_eq(send_udp(us, 0, LEFT, 80), 0);
	ck_assert(arrives(left));
	ck_assert_uint_eq(counted("host/web"), 1);
	close(us);
	close(left);
	free(rules);
	free(names);
	free(nets);
}
END_TEST

/* ---- Changes beside a flow ---- */

static int line_order(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* What `nft` lists, in an order of its own: without handles, counts and the sizes of maps. */
static char *listed(void)
{
	struct buffer out;
	json_t *all, *objects;
	size_t place = 0;
	char *lines[20000];
	size_t count = 0, i;
	json_t *one;
	char *text;

	buffer_init(&out, 1 << 28);
	shell_read(&out, "nft -j list ruleset");
	all = json_loads(buffer_string(&out), 0, NULL);
	buffer_reset(&out);
	objects = json_object_get(all, "nftables");
	ck_assert_ptr_nonnull(objects);
	json_array_foreach(objects, i, one)
	{
		const char *kind = json_object_iter_key(json_object_iter(one));
		json_t *body = json_object_get(one, kind);
		static char chain[256];
		const char *of = json_string_value(json_object_get(body, "chain"));

		json_object_del(body, "handle");
		json_object_del(body, "size");
		if (strcmp(kind, "counter") == 0) {
			json_object_del(body, "packets");
			json_object_del(body, "bytes");
		}
		/* The place of a rule in its chain matters. */
		if (strcmp(kind, "rule") == 0 && of) {
			place = strcmp(chain, of) == 0 ? place + 1 : 0;
			snprintf(chain, sizeof chain, "%s", of);
			json_object_set_new(body, "place", json_integer((json_int_t)place));
		}
		ck_assert_uint_lt(count, sizeof lines / sizeof *lines);
		lines[count++] = json_dumps(one, JSON_SORT_KEYS);
	}
	qsort(lines, count, sizeof *lines, line_order);
	for (i = 0; i < count; i++) {
		buffer_put_text(&out, "%s\n", lines[i]);
		free(lines[i]);
	}
	text = strdup(buffer_string(&out));
	buffer_fini(&out);
	json_decref(all);
	return text;
}

struct flow_ends {
	atomic_bool over;
	int from, to;
	uint16_t port;
	_Atomic uint64_t sent, refused, received;
};

static void *send_on(void *context)
{
	struct flow_ends *f = context;

	while (!atomic_load(&f->over)) {
		/* At most some that nobody has taken yet: none is lost for want of room. */
		if (atomic_load(&f->sent) - atomic_load(&f->received) > 50) {
			sched_yield();
			continue;
		}
		switch (send_udp(f->from, 0, LEFT, f->port)) {
		case 0:
			atomic_fetch_add(&f->sent, 1);
			break;
		case EAGAIN:
		case ENOBUFS:
			sched_yield(); /* not asked the filter: no room */
			break;
		default:
			atomic_fetch_add(&f->refused, 1);
			break;
		}
	}
	return NULL;
}

static void *receive_on(void *context)
{
	struct flow_ends *f = context;
	struct pollfd p = {.fd = f->to, .events = POLLIN};
	char octet;

	while (!atomic_load(&f->over) || atomic_load(&f->received) < atomic_load(&f->sent)) {
		if (poll(&p, 1, 1000) == 0 && atomic_load(&f->over))
			break;
		while (recv(f->to, &octet, 1, 0) == 1)
			atomic_fetch_add(&f->received, 1);
	}
	return NULL;
}

/* A flow goes on while rules that do not concern it change, one at a time: what the filter lets
 * through arrives; counters of rules that stay go on; and the table is in the end as a new one
 * would be. */
START_TEST(changes_of_other_rules_leave_a_flow_alone)
{
	enum { RULES = 300, CHANGED = 50 };
	struct test_rule rules[RULES];
	char names[RULES + CHANGED][16];
	struct flow_ends flow = {
		.from = open_udp(0, US, 4000), .to = open_udp(0, LEFT, 80), .port = 80};
	pthread_t sender, receiver;
	uint64_t before = 0, fresh = 0;
	char *edited, *replaced;
	unsigned seed = 5;

	for (size_t i = 0; i < RULES; i++) {
		snprintf(names[i], sizeof names[i], "rule-%zu", i);
		rules[i] = (struct test_rule){.name = names[i],
			.direction = i % 2 ? POLICY_IN : POLICY_OUT,
			.action = i % 5 ? POLICY_BYPASS : POLICY_DISCARD,
			.source = i % 2 && i % 3 ? "192.0.2.0/24" : NULL,
			.protocol = i % 7 ? UDP : TCP,
			.port = (uint16_t)(1000 + 3 * i)};
	}
	rules[RULES / 2] = host_rules[0];
	plan = build(rules, RULES, transit_rules, TRANSIT_RULES);
	apply(plan);
	ck_assert_int_eq(pthread_create(&receiver, NULL, receive_on, &flow), 0);
	ck_assert_int_eq(pthread_create(&sender, NULL, send_on, &flow), 0);
	for (size_t n = 0; n < CHANGED; n++) {
		size_t at = (size_t)rand_r(&seed) % RULES;
		struct plan *next;
		uint64_t counts;

		if (at == RULES / 2)
			at++;
		snprintf(names[RULES + n], sizeof *names, "other-%zu", n);
		rules[at].name = names[RULES + n];
		rules[at].port = (uint16_t)(3000 + (unsigned)rand_r(&seed) % 2000);
		rules[at].port_last = n % 3 ? 0 : (uint16_t)(rules[at].port + 5);
		next = build(rules, RULES, transit_rules, TRANSIT_RULES);
		while (counted("host/web") <= before + 100)
			sched_yield();
		before = counted("host/web");
		apply(next);
		plan_free(plan);
		plan = next;
		counts = counted("host/web");
		ck_assert_uint_ge(counts, before);
		before = counts;
	}
	atomic_store(&flow.over, true);
	pthread_join(sender, NULL);
	pthread_join(receiver, NULL);
	printf("%" PRIu64 " packets beside %d changes, %" PRIu64 " refused\n", flow.sent, CHANGED,
		flow.refused);
	ck_assert_uint_eq(flow.refused, 0);
	ck_assert_uint_eq(counted("no-rule"), 0);
	ck_assert_uint_ge(flow.sent, 100 * CHANGED);
	ck_assert_uint_eq(flow.received, flow.sent);
	ck_assert_uint_eq(counted("host/web"), flow.sent);
	edited = listed();
	/* Who knows nothing of the table makes a new one. */
	kernel_free(kernel);
	ck_assert_int_eq(kernel_open(&kernel, &(struct error){0}), E_OK);
	apply(plan);
	fresh = counted("host/web");
	ck_assert_uint_eq(fresh, 0);
	replaced = listed();
	ck_assert_uint_gt(strlen(edited), 10000);
	ck_assert_msg(strcmp(edited, replaced) == 0, "edited and new table differ");
	free(edited);
	free(replaced);
	close(flow.from);
	close(flow.to);
}
END_TEST

/* The kernel takes it as an edit, or else the count would begin again. */
START_TEST(first_interval_of_a_map_may_come_to_begin_at_0)
{
	enum { PORTS = 40 };
	struct test_rule rules[PORTS + 2];
	char names[PORTS + 2][16];
	int us = open_udp(0, US, 4000), left = open_udp(0, LEFT, 80);

	for (size_t i = 0; i < PORTS + 2; i++) {
		snprintf(names[i], sizeof names[i], "rule-%zu", i);
		rules[i] = (struct test_rule){.name = names[i],
			.direction = POLICY_OUT,
			.action = POLICY_BYPASS,
			.protocol = UDP,
			.port = (uint16_t)(100 + 10 * i),
			.port_last = (uint16_t)(102 + 10 * i)};
	}
	rules[0] = host_rules[0];
	plan = build(rules, PORTS + 2, NULL, 0);
	apply(plan);
	ck_assert_int_eq(send_udp(us, 0, LEFT, 80), 0);
	ck_assert(arrives(left));
	for (int i = 0; i < 4; i++) {
		struct plan *next;
		char *edited, *replaced;

		rules[PORTS + 1].port = i % 2 ? 5000 : 1;
		rules[PORTS + 1].port_last = i % 2 ? 5002 : 65535;
		next = build(rules, PORTS + 2, NULL, 0);
		apply(next);
		plan_free(plan);
		plan = next;
		ck_assert_uint_eq(counted("host/web"), 1);
		edited = listed();
		shell("nft add table inet theirs; nft delete table inet theirs");
		apply(plan); /* anew */
		ck_assert_uint_eq(counted("host/web"), 0);
		replaced = listed();
		ck_assert_str_eq(edited, replaced);
		free(edited);
		free(replaced);
		ck_assert_int_eq(send_udp(us, 0, LEFT, 80), 0);
		ck_assert(arrives(left));
	}
	close(us);
	close(left);
}
END_TEST

/* ---- The guard ---- */

static struct guard *open_guard(void)
{
	struct guard *guard;
	struct error error;

	ck_assert_msg(guard_open(MARK_MASK_DEFAULT, &guard, &error) == E_OK, "%s", error.text);
	return guard;
}

/* Neither the packet filter alone nor both open anything while the guard is there. */
START_TEST(guard_outlives_a_flush)
{
	struct guard *guard = open_guard();
	int us, left, right, self;

	apply_rules();
	us = open_udp(0, US, 22);
	self = open_udp(0, US, 4001);
	left = open_udp(0, LEFT, 80);
	right = open_udp(0, RIGHT, 80);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(send_udp(us, 0, LEFT, 80), 0);
		ck_assert(arrives(left));
		ck_assert_int_eq(send_udp(left, 0, US, 22), 0);
		ck_assert(arrives(us));
		shell("nft flush ruleset");
		if (i)
			shell("ip xfrm policy flush");
		ck_assert_uint_eq(times("nft list ruleset", "table "), 1);
		ck_assert_int_ne(system("nft delete table inet copsec-guard 2>/dev/null"), 0);
		ck_assert_int_eq(send_udp(us, 0, LEFT, 80), EPERM);
		ck_assert_int_eq(send_udp(us, 0, US, 4001), 0); /* by loopback */
		ck_assert(arrives(self));
		ck_assert_int_eq(send_udp(left, 0, US, 22), 0);
		ck_assert_int_eq(send_udp(left, 0, RIGHT, 80), 0);
		/* What is behind them has arrived, if they had. */
		ck_assert_int_eq(send_udp(us, 0, US, 4001), 0);
		ck_assert(arrives(self));
		apply(plan);
		ck_assert(nothing_arrived(us) && nothing_arrived(left) && nothing_arrived(right));
	}
	guard_close(guard);
	ck_assert_uint_eq(times("nft list ruleset", "table "), 1);
	ck_assert_uint_eq(times("nft list ruleset", "table inet copsec "), 1);
	close(us);
	close(self);
	close(left);
	close(right);
}
END_TEST

START_TEST(guard_has_one_owner)
{
	struct guard *guard = open_guard(), *other;
	struct error error;

	ck_assert_int_eq(guard_open(MARK_MASK_DEFAULT, &other, &error), E_SYSTEM);
	ck_assert_ptr_nonnull(strstr(error.text, "the kernel refuses the guard"));
	ck_assert_int_eq(guard_change(guard, 0x000001ff, &error), E_OK);
	ck_assert_uint_ge(times("nft list ruleset", "0x00000100"), 3);
	ck_assert_int_ne(guard_change(guard, 0x00010001, &error), E_OK);
	ck_assert_uint_ge(times("nft list ruleset", "0x00000100"), 3);
	guard = guard_close(guard);
	ck_assert_uint_eq(times("nft list ruleset", "table "), 0);
	guard_close(open_guard());
}
END_TEST

/* What is forbidden, at full speed, while the ruleset is flushed and comes back. */
START_TEST(no_packet_slips_out_while_the_filter_is_flushed)
{
	enum { FLUSHES = 20 };
	struct guard *guard = open_guard();
	struct flow_ends flow = {.port = 81};
	pthread_t sender;

	apply_rules();
	flow.from = open_udp(0, US, 4000);
	flow.to = open_udp(0, LEFT, 81);
	ck_assert_int_eq(pthread_create(&sender, NULL, send_on, &flow), 0);
	for (int i = 0; i < FLUSHES; i++) {
		uint64_t before = atomic_load(&flow.refused);

		shell("nft flush ruleset");
		while (atomic_load(&flow.refused) < before + 100)
			sched_yield();
		apply(plan);
	}
	atomic_store(&flow.over, true);
	pthread_join(sender, NULL);
	ck_assert_uint_eq(flow.sent, 0);
	ck_assert_uint_ge(flow.refused, 100 * FLUSHES);
	ck_assert(nothing_arrived(flow.to));
	guard_close(guard);
	close(flow.from);
	close(flow.to);
}
END_TEST

/* ---- Others ---- */

/* Waits for events, and says whether they are of drift. */
static bool look(const int fd[KERNEL_BUSES])
{
	struct pollfd p[KERNEL_BUSES];
	struct error error;
	bool drift = false;

	for (int bus = 0; bus < KERNEL_BUSES; bus++)
		p[bus] = (struct pollfd){.fd = fd[bus], .events = POLLIN};
	ck_assert_int_ge(poll(p, KERNEL_BUSES, DEADLINE), 1);
	ck_assert_msg(kernel_look(kernel, &drift, &error) == E_OK, "%s", error.text);
	return drift;
}

START_TEST(changes_by_others_are_seen)
{
	static const char *const ours[] = {
		"nft insert rule inet copsec input accept",
		"nft flush chain inet copsec output",
		"nft delete table inet copsec",
		"nft flush ruleset",
		"ip xfrm policy flush",
		"ip xfrm policy deleteall dir in",
	};
	static const char *const theirs[] = {
		"nft add table inet theirs",
		"nft 'add table ip copsec; add chain ip copsec input'",
		"ip xfrm policy add src 10.0.0.0/8 dst 10.0.0.0/8 dir out action block",
	};
	int us = open_udp(0, US, 4000), left = open_udp(0, LEFT, 80);
	int fd[KERNEL_BUSES];
	struct error error;
	char *whole;

	ck_assert_int_eq(kernel_listen(kernel, fd, &error), E_OK);
	apply_rules();
	ck_assert(!look(fd)); /* what we did */
	whole = listed();
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		char *now;

		shell("%s", ours[i]);
		ck_assert_msg(look(fd), "%s", ours[i]);
		apply(plan);
		now = listed();
		ck_assert_msg(strcmp(whole, now) == 0, "%s", ours[i]);
		ck_assert_uint_eq(times("ip xfrm policy", "dir "), plan->spd_count);
		ck_assert_uint_eq(times("ip xfrm policy", "action block"), 4);
		free(now);
	}
	ck_assert_int_eq(send_udp(us, 0, LEFT, 80), 0);
	ck_assert(arrives(left));
	for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
		struct plan *next =
			build(host_rules, HOST_RULES - 1 + i % 2, transit_rules, TRANSIT_RULES);

		shell("%s", theirs[i]);
		ck_assert_msg(!look(fd), "%s", theirs[i]);
		apply(next);
		plan_free(plan);
		plan = next;
		ck_assert_uint_eq(counted("host/web"), 1); /* edited, not replaced */
	}
	free(whole);
	close(us);
	close(left);
}
END_TEST

static bool have(const char *command)
{
	return system(command) == 0;
}

int main(void)
{
	Suite *suite = suite_create("pep/kernel in network namespaces");
	TCase *tcase = tcase_create("netns"), *changes = tcase_create("changes");

	if (geteuid() != 0 || !have("unshare -n true 2>/dev/null")) {
		printf("skipped: needs root and network namespaces\n");
		return SKIPPED;
	}
	if (!have("command -v ip nft >/dev/null")) {
		printf("skipped: needs the tools ip and nft\n");
		return SKIPPED;
	}
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, kernel_holds_what_the_plan_says);
	tcase_add_test(tcase, closed_node_lets_nothing_pass);
	tcase_add_test(tcase, allowed_passes_and_denied_is_counted);
	tcase_add_loop_test(
		tcase, what_begins_beyond_a_limit_is_dropped, 0, sizeof limited / sizeof *limited);
	tcase_add_test(tcase, limits_outlive_a_change_elsewhere);
	tcase_add_test(tcase, who_is_turned_away_is_told);
	tcase_add_test(tcase, errors_come_back_with_their_connection);
	tcase_add_test(tcase, protected_flow_never_passes_in_clear);
	tcase_add_test(tcase, transit_is_judged_by_the_nodes_forward_rules);
	tcase_add_test(tcase, flushed_filter_opens_neither_input_nor_transit);
	tcase_add_test(tcase, guard_outlives_a_flush);
	tcase_add_test(tcase, guard_has_one_owner);
	tcase_add_test(tcase, changes_by_others_are_seen);
	tcase_add_test(tcase, what_is_not_ours_stays);
	tcase_add_test(tcase, refusal_names_the_rule_and_changes_nothing);
	tcase_add_test(tcase, ten_thousand_rules_are_applied);
	tcase_add_test(tcase, first_interval_of_a_map_may_come_to_begin_at_0);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(changes, setup, teardown);
	tcase_set_timeout(changes, 120);
	tcase_add_test(changes, changes_of_other_rules_leave_a_flow_alone);
	tcase_add_test(changes, no_packet_slips_out_while_the_filter_is_flushed);
	suite_add_tcase(suite, changes);
	return suite_main(suite);
}
