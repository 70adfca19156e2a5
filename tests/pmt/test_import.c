/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What pmt import makes of realistic files decides random flows as the originals do. What those do
 * is written down here by hand, rule by rule, for what is taken over; so no code is shared.
 */
#include "pmt/import/import.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/base/file.h"
#include "pmt/compiler/compile.h"
#include "pmt/compiler/reading.h"
#include "tests/pmt/policy_text.h"

enum { FLOWS = 100000, SEED = 20261123, TEXT_MAX = 1 << 20 };

struct imported {
	struct diagnostics d;
	struct import im;
	struct buffer text, policy, octets;
	struct policy_file file;
	struct reading reading;
};

typedef enum err read_fn(struct import *im, struct view text, struct error *e);

static void import_buffer(struct imported *i, read_fn *read)
{
	const struct import_names names = {"acme", "host", "srv", KEY1, "the test"};
	const struct compile_terms terms = {.serial = 1, .not_before = 0, .not_after = 1000};
	struct compile_summary summary;
	struct error e = {0};

	diagnostics_init(&i->d);
	ck_assert_int_eq(import_init(&i->im, &i->d, &e), E_OK);
	ck_assert_int_eq(
		diagnostics_add_source(&i->d, "input", buffer_view(&i->text), &i->im.file, &e),
		E_OK);
	ck_assert_msg(read(&i->im, buffer_view(&i->text), &e) == E_OK, "%s", e.text);
	buffer_init(&i->policy, TEXT_MAX);
	import_write(&i->im, &names, &i->policy);
	policy_text_good(&i->file, buffer_string(&i->policy));
	buffer_init(&i->octets, BUNDLE_MAX);
	ck_assert_int_eq(compile_policy(&i->file.model, &terms, &i->octets, &summary, &e), E_OK);
	ck_assert_int_eq(
		reading_init(&i->reading, buffer_view(&i->octets), &e), E_OK);
}

static void import_file(struct imported *i, const char *name, read_fn *read)
{
	struct error e = {0};

	buffer_init(&i->text, TEXT_MAX);
	ck_assert_msg(file_read(name, &i->text, NULL, &e) == E_OK, "%s", e.text);
	import_buffer(i, read);
}

static void import_words(struct imported *i, const char *text, read_fn *read)
{
	buffer_init(&i->text, TEXT_MAX);
	buffer_put_text(&i->text, "%s", text);
	import_buffer(i, read);
}

static void imported_fini(struct imported *i)
{
	reading_fini(&i->reading);
	policy_file_fini(&i->file);
	buffer_fini(&i->octets);
	buffer_fini(&i->policy);
	buffer_fini(&i->text);
	import_fini(&i->im);
	diagnostics_fini(&i->d);
}

/* --- flows --- */

enum interface { ETH0, ETH1, OTHER, INTERFACES };
static const char *const combinations[] = {"host+if-eth0", "host+if-eth1", "host"};

struct call {
	struct flow flow;
	enum interface in, out;
};

static const char *const addresses4[] = {"203.0.113.66", "203.0.113.9", "192.0.2.5", "192.0.2.13",
	"192.0.2.16", "192.0.2.99", "192.0.2.100", "192.0.2.105", "192.0.2.111", "198.51.100.9",
	"198.51.100.10", "198.51.100.20", "198.51.100.21", "10.8.0.7", "10.9.0.7", "9.255.255.255",
	"11.0.0.0", "192.168.1.10", "192.168.1.77", "8.8.8.8"};
static const char *const addresses6[] = {"2001:db8::1", "2001:db8:1::5", "2001:db9::1", "fe80::1"};
static const uint16_t ports[] = {22, 25, 53, 80, 81, 139, 443, 445, 993, 1194, 4999, 5000, 5005,
	5010, 5011, 5432, 7999, 8000, 8010, 8011, 6000};
static const uint8_t protocols[] = {6, 17, 6, 17, 1, 58, 47};
static const uint8_t types[] = {0, 8, 128, 133, 134, 135, 136, 137};

static unsigned pick(size_t count)
{
	return (unsigned)(random() % (long)count);
}

static void random_address(enum flow_family family, uint8_t octets[16])
{
	if (family == FLOW_IPV4)
		inet_pton(
			AF_INET, addresses4[pick(sizeof addresses4 / sizeof *addresses4)], octets);
	else
		inet_pton(
			AF_INET6, addresses6[pick(sizeof addresses6 / sizeof *addresses6)], octets);
}

static struct call random_call(void)
{
	struct call c = {
		.in = (enum interface)pick(INTERFACES), .out = (enum interface)pick(INTERFACES)};
	struct flow *f = &c.flow;

	f->family = pick(4) ? FLOW_IPV4 : FLOW_IPV6;
	f->direction = (enum flow_direction)pick(FLOW_DIRECTIONS);
	random_address(f->family, f->source);
	random_address(f->family, f->destination);
	f->protocol = protocols[pick(sizeof protocols)];
	if (f->protocol == 6 || f->protocol == 17) {
		f->source_port = ports[pick(sizeof ports / sizeof *ports)];
		f->destination_port = ports[pick(sizeof ports / sizeof *ports)];
	}
	if (f->protocol == 1 || f->protocol == 58)
		f->icmp_type = types[pick(sizeof types)];
	return c;
}

static bool source_in(const struct call *c, const char *first, const char *last)
{
	uint8_t low[16] = {0}, high[16] = {0};
	bool v6 = strchr(first, ':') != NULL;

	if (v6 != (c->flow.family == FLOW_IPV6))
		return false;
	inet_pton(v6 ? AF_INET6 : AF_INET, first, low);
	inet_pton(v6 ? AF_INET6 : AF_INET, last, high);
	return memcmp(c->flow.source, low, 16) >= 0 && memcmp(c->flow.source, high, 16) <= 0;
}

static bool goes_to(const struct call *c, const char *address)
{
	uint8_t octets[16] = {0};

	inet_pton(AF_INET, address, octets);
	return c->flow.family == FLOW_IPV4 && memcmp(c->flow.destination, octets, 16) == 0;
}

static bool calls(const struct call *c, uint8_t protocol, unsigned low, unsigned high)
{
	return c->flow.protocol == protocol && c->flow.destination_port >= low &&
	       c->flow.destination_port <= high;
}

/* --- the originals --- */

static bool server(const struct call *c)
{
	const bool v4 = c->flow.family == FLOW_IPV4;

	if (!v4)
		return false;
	switch (c->flow.direction) {
	case FLOW_IN:
		if (source_in(c, "203.0.113.66", "203.0.113.66"))
			return false;
		if (c->flow.protocol == 1 && c->flow.icmp_type == 8)
			return true;
		if (calls(c, 6, 80, 80) || calls(c, 6, 443, 443))
			return true;
		if (source_in(c, "192.0.2.0", "192.0.2.255") && calls(c, 6, 22, 22))
			return !source_in(c, "192.0.2.13", "192.0.2.13");
		if (!source_in(c, "10.0.0.0", "10.255.255.255") && calls(c, 17, 5000, 5010))
			return true;
		if (c->in == ETH1 && calls(c, 17, 53, 53))
			return true;
		return source_in(c, "198.51.100.10", "198.51.100.20") && calls(c, 6, 5432, 5432);
	case FLOW_FORWARD:
		return c->in == ETH1 && c->out == ETH0 && source_in(c, "10.8.0.0", "10.8.0.255");
	default:
		return !goes_to(c, "203.0.113.66");
	}
}

static bool router_in(const struct call *c)
{
	const bool icmp6 = c->flow.family == FLOW_IPV6 && c->flow.protocol == 58;

	if (icmp6 && source_in(c, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff") &&
		c->flow.icmp_type >= 134 && c->flow.icmp_type <= 136)
		return true;
	if (source_in(c, "203.0.113.9", "203.0.113.9"))
		return false;
	if (c->flow.family == FLOW_IPV4 && !source_in(c, "10.0.0.0", "10.255.255.255") &&
		calls(c, 17, 1194, 1194))
		return true;
	if (calls(c, 6, 80, 80) || calls(c, 6, 443, 443) || calls(c, 6, 8000, 8010))
		return true;
	if ((source_in(c, "192.0.2.0", "192.0.2.15") ||
		    source_in(c, "192.0.2.100", "192.0.2.110")) &&
		calls(c, 6, 22, 22))
		return true;
	if (c->in == ETH0 && calls(c, 6, 25, 25))
		return true;
	if (c->in == ETH1)
		return source_in(c, "2001:db8:1::", "2001:db8:1:0:ffff:ffff:ffff:ffff") ||
		       (source_in(c, "192.168.1.0", "192.168.1.255") &&
			       (calls(c, 6, 139, 139) || calls(c, 6, 445, 445)));
	return source_in(c, "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff") &&
	       (calls(c, 6, 53, 53) || calls(c, 17, 53, 53));
}

static bool router(const struct call *c)
{
	switch (c->flow.direction) {
	case FLOW_IN:
		return router_in(c);
	case FLOW_FORWARD:
		return (c->in == ETH1 && c->out == ETH0 &&
			       source_in(c, "192.168.1.0", "192.168.1.255")) ||
		       (c->in == ETH0 && c->out == ETH1 && goes_to(c, "192.168.1.10") &&
			       calls(c, 6, 443, 443));
	default:
		return !goes_to(c, "203.0.113.9");
	}
}

/* --- comparing --- */

static bool allowed(struct imported *i, struct call *c)
{
	const char *roles = c->flow.direction == FLOW_IN    ? combinations[c->in]
			    : c->flow.direction == FLOW_OUT ? combinations[c->out]
							    : "host";
	struct reading_set *set = reading_find(&i->reading, roles);
	const struct policy_rule *rule;

	ck_assert_ptr_nonnull(set);
	c->flow.in_role = c->flow.out_role = 0;
	if (c->flow.direction == FLOW_FORWARD) {
		c->flow.in_role = reading_role(&i->reading, combinations[c->in]);
		c->flow.out_role = reading_role(&i->reading, combinations[c->out]);
	}
	rule = policy_evaluate(set->policy, &c->flow, &i->reading.roles);
	return rule && rule->action == POLICY_BYPASS;
}

static void compare(struct imported *i, bool (*original)(const struct call *c))
{
	size_t passed = 0;

	srandom(SEED);
	printf("seed %d\n", SEED);
	for (int n = 0; n < FLOWS; n++) {
		struct call c = random_call();
		const bool wanted = original(&c);

		if (allowed(i, &c) != wanted) {
			struct buffer text;

			buffer_init(&text, 4096);
			flow_print(&text, &c.flow);
			ck_abort_msg("flow %d, from interface %d to %d, %s: originally %s", n, c.in,
				c.out, buffer_string(&text), wanted ? "allowed" : "denied");
		}
		passed += wanted;
	}
	ck_assert_uint_gt(passed, FLOWS / 50);
	ck_assert_uint_lt(passed, FLOWS - FLOWS / 50);
}

START_TEST(rules_of_iptables_decide_as_before)
{
	struct imported i;

	import_file(&i, SAMPLES "/server.iptables", import_iptables);
	ck_assert_uint_eq(i.im.left, 4);
	ck_assert_uint_eq(i.d.warnings, 4);
	compare(&i, server);
	imported_fini(&i);
}
END_TEST

START_TEST(rules_of_nft_decide_as_before)
{
	struct imported i;

	import_file(&i, SAMPLES "/router.nft.json", import_nft);
	ck_assert_uint_eq(i.im.left, 4);
	ck_assert_uint_eq(i.d.warnings, 4);
	compare(&i, router);
	imported_fini(&i);
}
END_TEST

static const struct policy_rule *rule_for(struct imported *i, enum flow_direction direction,
	const char *from, const char *to, uint16_t port)
{
	struct flow f = {.direction = direction, .protocol = 6, .destination_port = port};
	const bool v6 = strchr(from, ':') != NULL;

	f.family = v6 ? FLOW_IPV6 : FLOW_IPV4;
	inet_pton(v6 ? AF_INET6 : AF_INET, from, f.source);
	inet_pton(v6 ? AF_INET6 : AF_INET, to, f.destination);
	if (direction == FLOW_FORWARD)
		f.in_role = f.out_role = reading_role(&i->reading, "host");
	return policy_evaluate(reading_find(&i->reading, "host")->policy, &f, &i->reading.roles);
}

START_TEST(children_of_swanctl_become_protections)
{
	const struct policy_rule *rule;
	struct imported i;

	import_file(&i, SAMPLES "/gateway.swanctl.conf", import_swanctl);
	ck_assert_uint_eq(i.im.left, 7);
	rule = rule_for(&i, FLOW_FORWARD, "192.0.2.9", "10.20.3.4", 80);
	ck_assert_ptr_nonnull(rule);
	ck_assert_str_eq(rule->protection->name, "site-b-lan");
	ck_assert_int_eq(rule->protection->mode, POLICY_TUNNEL);
	ck_assert_uint_eq(rule->protection->ike->proposal_count, 2);
	ck_assert_uint_eq(rule->protection->ike->proposals[0].encryption, 20);
	ck_assert_uint_eq(rule->protection->ike->proposals[1].group, 14);
	rule = rule_for(&i, FLOW_FORWARD, "198.51.100.9", "192.0.2.9", 80);
	ck_assert_ptr_nonnull(rule);
	ck_assert_str_eq(rule->protection->name, "site-b-lan");
	rule = rule_for(&i, FLOW_OUT, "2001:db8::1", "2001:db8::20", 7000);
	ck_assert_ptr_nonnull(rule);
	ck_assert_str_eq(rule->protection->name, "ledger");
	ck_assert_int_eq(rule->protection->mode, POLICY_TRANSPORT);
	ck_assert_ptr_null(rule_for(&i, FLOW_OUT, "2001:db8::1", "2001:db8::20", 7001));
	rule = rule_for(&i, FLOW_OUT, "203.0.113.1", "192.0.2.7", 22);
	ck_assert_ptr_nonnull(rule);
	ck_assert_int_eq(rule->action, POLICY_BYPASS);
	imported_fini(&i);
}
END_TEST

/* One rule each that no policy says; that it is not there is said, and how much that matters. */
static const struct {
	read_fn *read;
	const char *text, *said;
} unknown[] = {
	{import_iptables,
		"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m mark --mark 1 -j DROP\nCOMMIT\n",
		"\"--mark\" is nothing that a policy says; WITHOUT IT MORE MAY BE ALLOWED"},
	{import_iptables, "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 1 -j NFQUEUE\n",
		"the target NFQUEUE"},
	{import_iptables, "*filter\n:INPUT DROP [0:0]\n:x - [0:0]\n-A x -j ACCEPT\n",
		"nothing leads to it"},
	{import_iptables, "*filter\n:INPUT DROP [0:0]\n:x - [0:0]\n-A INPUT -j x\n-A x -j x\n",
		"there is no chain \"x\" that can be followed"},
	{import_iptables, "*filter\n:INPUT DROP [0:0]\n-A INPUT ! -i eth0 -j ACCEPT\n",
		"all interfaces but one; what it accepts is denied"},
	{import_iptables, "*filter\n:INPUT DROP [0:0]\n-A INPUT -s fe80::x -j ACCEPT\n",
		"\"fe80::x\" is not an address"},
	{import_nft,
		"{\"nftables\":[{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"i\","
		"\"type\":\"filter\",\"hook\":\"input\",\"prio\":0,\"policy\":\"drop\"}},{\"rule\":"
		"{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"i\",\"expr\":[{\"match\":{\"op\":"
		"\"==\",\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"sport\"}},\"right\""
		":1}},{\"accept\":null}]}}]}",
		"it asks for tcp sport; what it accepts is denied"},
	{import_nft,
		"{\"nftables\":[{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"i\","
		"\"type\":\"filter\",\"hook\":\"input\",\"prio\":0,\"policy\":\"drop\"}},{"
		"\"chain\":"
		"{\"family\":\"ip\",\"table\":\"g\",\"name\":\"i\",\"type\":\"filter\",\"hook\":"
		"\"input\",\"prio\":1,\"policy\":\"drop\"}}]}",
		"the chain \"ip g i\" stands behind \"inet f i\" at the same hook"},
	{import_swanctl, "connections { a { remote_addrs = b.example.org\n children { c { } } } }",
		"a tunnel to b.example.org, which is not one address"},
	{import_swanctl,
		"connections { a { remote_addrs = 192.0.2.1\n proposals = aes256-sha999\n children "
		"{ "
		"c { } } } }",
		"the proposal aes256-sha999"},
};

START_TEST(nothing_is_left_out_in_silence)
{
	struct buffer out;
	struct imported i;

	import_words(&i, unknown[_i].text, unknown[_i].read);
	buffer_init(&out, TEXT_MAX);
	diagnostics_print(&i.d, &out);
	ck_assert_msg(
		strstr(buffer_string(&out), unknown[_i].said) != NULL, "%s", buffer_string(&out));
	ck_assert_msg(i.im.left > 0, "nothing is left out");
	ck_assert_msg(strstr(buffer_string(&i.policy), "not taken over") != NULL, "%s",
		buffer_string(&i.policy));
	buffer_fini(&out);
	imported_fini(&i);
}
END_TEST

/* Cut anywhere, and with any octet turned over, a file is read or refused, and what is made of it
 * is a policy. */
START_TEST(broken_files_do_no_harm)
{
	static const struct {
		const char *name;
		read_fn *read;
		size_t step;
	} samples[] = {{SAMPLES "/server.iptables", import_iptables, 7},
		{SAMPLES "/router.nft.json", import_nft, 31},
		{SAMPLES "/gateway.swanctl.conf", import_swanctl, 7}};
	struct buffer text;
	struct error e;

	buffer_init(&text, TEXT_MAX);
	ck_assert_int_eq(file_read(samples[_i].name, &text, NULL, &e), E_OK);
	for (size_t at = 0; at < text.len; at += samples[_i].step)
		for (int cut = 0; cut < 2; cut++) {
			const struct import_names names = {"acme", "host", "srv", KEY1, "x"};
			struct diagnostics d;
			struct buffer policy;
			struct import im;

			if (!cut)
				text.data[at] ^= 0x15;
			diagnostics_init(&d);
			buffer_init(&policy, TEXT_MAX);
			ck_assert_int_eq(import_init(&im, &d, &e), E_OK);
			ck_assert_int_eq(
				diagnostics_add_source(&d, "input",
					VIEW(text.data, cut ? at : text.len), &im.file, &e),
				E_OK);
			if (!samples[_i].read(&im, VIEW(text.data, cut ? at : text.len), &e))
				import_write(&im, &names, &policy);
			if (!cut)
				text.data[at] ^= 0x15;
			buffer_fini(&policy);
			import_fini(&im);
			diagnostics_fini(&d);
		}
	buffer_fini(&text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pmt/import");
	TCase *t = tcase_create("import");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, rules_of_iptables_decide_as_before);
	tcase_add_test(t, rules_of_nft_decide_as_before);
	tcase_add_test(t, children_of_swanctl_become_protections);
	tcase_add_loop_test(t, nothing_is_left_out_in_silence, 0, sizeof unknown / sizeof *unknown);
	tcase_add_loop_test(t, broken_files_do_no_harm, 0, 3);
	suite_add_tcase(s, t);
	return suite_main(s);
}
