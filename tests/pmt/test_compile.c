/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is made of a policy, seen with the eyes of those who read it: pib/set, pib/store and
 * pib/policy.
 */
#include "pmt/compiler/compile.h"

#include <string.h>

#include "pib/policy/policy.h"
#include "pib/set/bundle.h"
#include "pib/store/store.h"
#include "pmt/compiler/expect.h"
#include "tests/pmt/policy_text.h"

static const struct compile_terms terms = {.serial = 7, .not_before = 1000, .not_after = 2000};

/* A compiled policy and what was read back from it. */
struct compiled {
	struct policy_file file;
	struct buffer octets;
	struct arena arena;
	struct bundle bundle;
	struct compile_summary summary;
};

static void compile(struct compiled *c, const char *text)
{
	struct error e;
	enum err code;

	policy_text_good(&c->file, text);
	buffer_init(&c->octets, BUNDLE_MAX);
	arena_init(&c->arena, BUNDLE_MAX);
	code = compile_policy(&c->file.model, &terms, &c->octets, &c->summary, &e);
	ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
	code = bundle_read(buffer_view(&c->octets), &c->arena, &c->bundle, &e);
	ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
}

static void compiled_fini(struct compiled *c)
{
	arena_fini(&c->arena);
	buffer_fini(&c->octets);
	policy_file_fini(&c->file);
}

/* The rows of a set; NULL if there is none of this name. */
static struct pri_store *rows_of(const struct compiled *c, const char *name)
{
	for (size_t i = 0; i < c->bundle.set_count; i++) {
		struct pri_failures failures;
		struct pri_store *store;
		struct manifest m;
		struct error e;

		ck_assert_int_eq(bundle_manifest(&c->bundle, i, &m, &e), E_OK);
		if (!view_equal(m.name, view_of_string(name)))
			continue;
		pri_failures_init(&failures);
		ck_assert_int_eq(
			pri_store_build(&c->bundle.sets[i].rows, 1, &store, &failures, &e), E_OK);
		return store;
	}
	return NULL;
}

static struct policy *policy_of(const struct compiled *c, const char *name)
{
	struct pri_store *store = rows_of(c, name);
	struct pri_failures failures;
	struct policy *policy;
	struct error e;

	ck_assert_msg(store != NULL, "no set %s", name);
	pri_failures_init(&failures);
	ck_assert_int_eq(policy_new(store, &policy, &failures, &e), E_OK);
	pri_store_free(store);
	return policy;
}

static size_t count_rows(const struct compiled *c, const char *set, enum pib_class_id class)
{
	struct pri_store *store = rows_of(c, set);
	struct pri_cursor cursor = pri_store_class(store, class);
	struct pri_row row;
	size_t n = 0;

	while (pri_store_next(&cursor, &row))
		n++;
	pri_store_free(store);
	return n;
}

#define ALICE(roles) "<node name='alice' key='" KEY1 "' roles='" roles "'/>"

/* A policy, and the rules and protections of one of its sets as pib/policy says them. */
static const struct {
	const char *why, *policy, *set, *says;
} meanings[] = {
	{"a rule has one row for each direction, in the order of the document",
		POLICY("<role name='a'/>" ALICE(
			"a") "<rules for='a'><allow in='yes' out='yes' name='x' to='192.0.2.0/24'"
			     " service='ssh'/><deny/></rules>"),
		"a",
		"rule 1 \"x\": in, to 192.0.2.0/24 tcp port 22: bypass\n"
		"rule 2 \"x\": out, to 192.0.2.0/24 tcp port 22: bypass\n"
		"rule 3 \"a-2\": in, all: discard\n"
		"rule 4 \"a-2\": out, all: discard\n"
		"rule 5 \"a-2\": forward, all: discard\n"},
	{"a combination has the rules of all its roles, as the document has them",
		POLICY("<role name='a'/><role name='b'/><role name='c'/>"
		       "<node name='n' key='" KEY1 "'><interface name='*' roles='b a'/></node>"
		       "<rules for='b'><allow in='yes'/></rules><rules "
		       "for='c'><deny/></rules><rules for='a c'><deny in='yes'/></rules><rules "
		       "for='b'><deny in='yes'/></rules>"),
		"a+b",
		"rule 1 \"b-1\": in, all: bypass\n"
		"rule 2 \"a-1\": in, all: discard\n"
		"rule 3 \"b-2\": in, all: discard\n"},
	{"forward rules are those of the node, rules for in and out those of the interface",
		POLICY("<role name='a'/><role name='b'/>"
		       "<node name='n' key='" KEY1
		       "' roles='a'><interface name='*' roles='b'/></node><rules for='a "
		       "b'><allow forward='yes' in='yes' in-role='b'/></rules>"),
		"a", "rule 1 \"a-1\": forward in by \"b\", all: bypass\n"},
	{"and the other way round",
		POLICY("<role name='a'/><role name='b'/>"
		       "<node name='n' key='" KEY1
		       "' roles='a'><interface name='*' roles='b'/></node><rules for='a "
		       "b'><allow forward='yes' in='yes' in-role='b'/></rules>"),
		"b", "rule 1 \"a-1\": in, all: bypass\n"},
	{"types of ICMP that differ in nothing else both stand",
		POLICY("<role name='a'/>" ALICE(
			"a") "<service name='s' icmp='3/1 8 11'/>"
			     "<rules for='a'><allow in='yes' service='s'/></rules>"),
		"a",
		"rule 1 \"a-1\": in, icmp type 3 code 1; or ipv4 icmp type 8; or ipv6 icmp type "
		"8; or ipv4 icmp type 11; or ipv6 icmp type 11: bypass\n"},
	{"so do proposals that differ in the group or the key length only",
		POLICY("<role name='a'/>" ALICE(
			"a") "<protection name='p' demand='preferred'>"
			     "<ike/><ike encryption='aes128gcm16'/><ike "
			     "group='x25519'/><esp/><esp group='x25519'/><esp esn='no'/><esp "
			     "encryption='aes128' integrity='sha256' "
			     "lifetime='10m'/></protection><rules for='a'><protect out='yes' "
			     "with='p'/></rules>"),
		"a",
		"rule 1 \"a-1\": out, all: protect with \"p\", or in clear\n"
		"protection \"p\": transport, preferred\n"
		"  esp aes256gcm16-ecp384, esn, replay window 128, for 3600 s\n"
		"  esp aes256gcm16-x25519, esn, replay window 128, for 3600 s\n"
		"  esp aes256gcm16-ecp384, replay window 128, for 3600 s\n"
		"  esp aes128-sha256-ecp384, esn, replay window 128, for 600 s\n"
		"  ike aes256gcm16-prfsha384-ecp384, for 28800 s\n"
		"  ike aes128gcm16-prfsha384-ecp384, for 28800 s\n"
		"  ike aes256gcm16-prfsha384-x25519, for 28800 s\n"
		"  by raw keys\n"},
	{"protections that are equal but for their names are two",
		POLICY("<role name='a'/>" ALICE("a") "<protection name='p'/><protection name='q'/>"
						     "<rules for='a'><protect out='yes' "
						     "with='p'/><protect in='yes' "
						     "with='q'/></rules>"),
		"a",
		"rule 1 \"a-1\": out, all: protect with \"p\"\n"
		"rule 2 \"a-2\": in, all: protect with \"q\"\n"
		"protection \"p\": transport, required\n"
		"  esp aes256gcm16-ecp384, esn, replay window 128, for 3600 s\n"
		"  ike aes256gcm16-prfsha384-ecp384, for 28800 s\n"
		"  by raw keys\n"
		"protection \"q\": transport, required\n"
		"  esp aes256gcm16-ecp384, esn, replay window 128, for 3600 s\n"
		"  ike aes256gcm16-prfsha384-ecp384, for 28800 s\n"
		"  by raw keys\n"},
	{"ranges and prefixes of both families",
		POLICY("<role name='a'/>" ALICE(
			"a") "<rules for='a'><allow in='yes' from='192.0.2.9-192.0.2.20 "
			     "2001:db8::/32' to='2001:db8::1 198.51.100.1' log='yes' "
			     "service='udp'/></rules>"),
		"a",
		"rule 1 \"a-1\": in, from 192.0.2.9-192.0.2.20 to 198.51.100.1 udp; or from "
		"2001:db8::/32 to 2001:db8::1 udp: bypass, log\n"},
};

START_TEST(a_set_says_what_the_policy_says)
{
	struct compiled c;
	struct policy *policy;
	struct buffer says;

	compile(&c, meanings[_i].policy);
	policy = policy_of(&c, meanings[_i].set);
	buffer_init(&says, 1 << 20);
	for (size_t i = 0; i < policy->rule_count; i++) {
		policy_print_rule(&says, &policy->rules[i]);
		buffer_put_u8(&says, '\n');
	}
	for (size_t i = 0; i < policy->protection_count; i++)
		policy_print_protection(&says, &policy->protections[i]);
	ck_assert_msg(strcmp(buffer_string(&says), meanings[_i].says) == 0, "%s:\n%s",
		meanings[_i].why, buffer_string(&says));
	buffer_fini(&says);
	policy_free(policy);
	compiled_fini(&c);
}
END_TEST

START_TEST(a_tunnel_ends_where_via_says)
{
	struct compiled c;
	struct policy *policy;

	compile(&c, POLICY("<role name='a'/>" ALICE(
			    "a") "<node name='gw' address='192.0.2.1'/><protection name='p' "
				 "mode='tunnel'/><rules for='a'><protect out='yes' "
				 "to='192.0.2.0/24' with='p' via='gw'/><protect out='yes' "
				 "to='2001:db8::/32' with='p' via='2001:db8::1'/></rules>"));
	policy = policy_of(&c, "a");
	ck_assert_uint_eq(policy->protection_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct policy_protection *p = policy->rules[i].protection;

		ck_assert_int_eq(p->mode, POLICY_TUNNEL);
		ck_assert_str_eq(p->name, "p");
		ck_assert_int_eq(p->endpoint.family, i ? FLOW_IPV6 : FLOW_IPV4);
		ck_assert_int_eq(p->endpoint.octets[0], i ? 0x20 : 192);
	}
	policy_free(policy);
	compiled_fini(&c);
}
END_TEST

START_TEST(what_is_equal_stands_once)
{
	struct compiled c;

	compile(&c, POLICY("<role name='a'/>" ALICE(
			    "a") "<network name='n' addresses='192.0.2.0/25 "
				 "192.0.2.128/25'/><protection name='p'/><rules for='a'><allow "
				 "in='yes' from='n' service='ssh'/><allow out='yes' "
				 "to='192.0.2.128/25 192.0.2.0/25' service='dns'/><deny in='yes' "
				 "from='192.0.2.0/25 192.0.2.4 192.0.2.128/25' "
				 "service='ssh'/><protect in='yes' with='p'/><protect out='yes' "
				 "with='p' service='ssh'/></rules>"));
	ck_assert_uint_eq(count_rows(&c, "a", PIB_ipSecRule), 5);
	ck_assert_uint_eq(count_rows(&c, "a", PIB_ipSecAddress), 2);
	ck_assert_uint_eq(count_rows(&c, "a", PIB_ipSecL4Port), 2);
	ck_assert_uint_eq(count_rows(&c, "a", PIB_ipSecStaticAction), 2);
	ck_assert_uint_eq(count_rows(&c, "a", PIB_ipSecActionSet), 3);
	ck_assert_uint_eq(count_rows(&c, "a", PIB_ipSecNegotiationAction), 1);
	/* from n ssh (twice), to n dns as tcp and udp, anything, anything ssh */
	ck_assert_uint_eq(count_rows(&c, "a", PIB_ipSecSelector), 5);
	compiled_fini(&c);
}
END_TEST

START_TEST(nodes_without_a_key_are_only_names)
{
	struct compiled c;
	struct assignment a;
	struct error e;

	compile(&c, POLICY("<role name='a'/><role name='b'/>" ALICE(
			    "a") "<node name='camera' roles='b' address='192.0.2.1'/>"
				 "<rules for='b'><allow in='yes'/></rules>"));
	ck_assert_uint_eq(c.bundle.assignment_count, 1);
	ck_assert_uint_eq(c.bundle.set_count, 1);
	ck_assert_int_eq(bundle_assignment(&c.bundle, 0, &c.arena, &a, &e), E_OK);
	ck_assert(view_equal(a.node, view_of_string("alice")));
	ck_assert_uint_eq(a.serial, 7);
	ck_assert_uint_eq(a.least_index_serial, 7);
	ck_assert(view_equal(assignment_roles(&a, view_of_string("eth9")), view_of_string("a")));
	compiled_fini(&c);
}
END_TEST

START_TEST(index_and_manifests_carry_the_terms)
{
	struct compiled c;
	struct set_index index;
	struct manifest m;
	struct error e;

	compile(&c, "<policy xmlns='urn:copsec:policy:1' tenant='acme' stale='quarantine'>"
		    "<role name='a'/><role name='b'/>" ALICE("a") "<node name='bob' key='" KEY2
								  "' roles='b'/></policy>");
	ck_assert_int_eq(bundle_index(&c.bundle, &c.arena, &index, &e), E_OK);
	ck_assert(view_equal(index.tenant, view_of_string("acme")));
	ck_assert_uint_eq(index.serial, 7);
	ck_assert_uint_eq(index.not_before, 1000);
	ck_assert_uint_eq(index.not_after, 2000);
	ck_assert_uint_eq(index.entry_count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(bundle_manifest(&c.bundle, i, &m, &e), E_OK);
		ck_assert_uint_eq(m.serial, 7);
		ck_assert_int_eq(m.stale_rule, STALE_QUARANTINE);
		ck_assert_uint_eq(m.block, i << BLOCK_SET_SHIFT);
		ck_assert_mem_eq(m.root, index.entries[i].root, SET_ROOT);
	}
	compiled_fini(&c);
}
END_TEST

/* Another authority's sets lie in its own blocks, and are for whoever has a role. */
START_TEST(others_have_sets_of_their_own)
{
	static const char *const names[] = {"*", "*+a", "*+b"};
	struct compiled c;
	struct set_index index;
	struct manifest m;
	struct error e;

	compile(&c, "<policy xmlns='urn:copsec:policy:1' tenant='isp' authority='operator' "
		    "stale='end'><role name='b'/><role name='a'/>"
		    "<rules for='b a'><deny to='192.0.2.1'/></rules>"
		    "<rules for='*'><allow out='yes'/></rules></policy>");
	ck_assert_int_eq(c.bundle.authority, AUTHORITY_OPERATOR);
	ck_assert_uint_eq(c.bundle.assignment_count, 0);
	ck_assert_int_eq(bundle_index(&c.bundle, &c.arena, &index, &e), E_OK);
	ck_assert_int_eq(index.authority, AUTHORITY_OPERATOR);
	ck_assert_uint_eq(index.entry_count, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(bundle_manifest(&c.bundle, i, &m, &e), E_OK);
		ck_assert_int_eq(m.authority, AUTHORITY_OPERATOR);
		ck_assert_int_eq(m.stale_rule, STALE_END);
		ck_assert(view_equal(m.name, view_of_string(names[i])));
		ck_assert(view_equal(m.roles, m.name));
		ck_assert_uint_eq(m.block, block_of(AUTHORITY_OPERATOR, (uint32_t)i));
	}
	compiled_fini(&c);
}
END_TEST

START_TEST(home_says_who_else_may_speak)
{
	struct compiled c;
	struct assignment a;
	struct error e;
	struct pin pin;

	compile(&c, "<policy xmlns='urn:copsec:policy:1' tenant='acme'>"
		    "<admit authority='operator' tenant='isp' trust='" KEY2 "'/>"
		    "<admit authority='visited'/><role name='a'/>" ALICE("a") "</policy>");
	ck_assert_int_eq(bundle_assignment(&c.bundle, 0, &c.arena, &a, &e), E_OK);
	ck_assert_uint_eq(a.authority_count, 2);
	ck_assert_int_eq(pin_parse(KEY2, &pin, &e), E_OK);
	ck_assert_int_eq(a.authorities[0].authority, AUTHORITY_OPERATOR);
	ck_assert(view_equal(a.authorities[0].name, view_of_string("isp")));
	ck_assert(view_equal(a.authorities[0].trust, VIEW(pin.sha256, PIN_SIZE)));
	ck_assert_int_eq(a.authorities[1].authority, AUTHORITY_VISITED);
	ck_assert(view_equal(a.authorities[1].name, view_of_string("*")));
	ck_assert_uint_eq(a.authorities[1].trust.len, 0);
	compiled_fini(&c);
}
END_TEST

/* --- the compiled set against a plain reading of the rules --- */

enum { POLICIES = 60, FLOWS = 400, RULES = 12 };

/* xorshift64; printed seed, no state elsewhere */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define PICK(state, list) ((list)[random_next(state) % (sizeof(list) / sizeof *(list))])

static const char *const some_peers[] = {"any", "192.0.2.0/24", "192.0.2.128/25", "192.0.2.7",
	"192.0.2.5-192.0.2.9", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::7",
	"192.0.2.0/25 2001:db8:1::/48", "0.0.0.0/0", "::/0", "any 192.0.2.7"};
static const char *const some_services[] = {
	"any", "ssh", "dns", "https ssh", "ping", "icmp", "s1", "s2 ssh", "s3", "tcp", "udp dns"};
static const char *const some_directions[] = {"in='yes'", "out='yes'", "in='yes' out='yes'",
	"both='yes'", "forward='yes'", "in='yes' forward='yes'", "forward='yes' both='yes'"};

static void random_policy(uint64_t *state, struct buffer *text)
{
	buffer_put_text(text,
		"<policy xmlns='urn:copsec:policy:1' tenant='t'><role name='a'/>" ALICE(
			"a") "<service name='s1' tcp='20-30 443' udp='53-60'/><service name='s2' "
			     "icmp='3 8/0' icmpv6='128'/><service name='s3' protocol='esp "
			     "gre'/><protection name='p'/><protection name='q' "
			     "demand='preferred'/><rules for='a'>");
	for (int i = 0; i < RULES; i++) {
		static const char *const verdicts[] = {
			"allow", "deny", "protect with='p'", "protect with='q'"};
		const char *from = PICK(state, some_peers), *to = PICK(state, some_peers);
		/* Not both of one family each, which is an error. */
		const char *any = "any";

		if (random_next(state) % 2)
			from = any;
		else
			to = any;
		buffer_put_text(text, "<%s %s from='%s' to='%s' service='%s'/>",
			PICK(state, verdicts), PICK(state, some_directions), from, to,
			PICK(state, some_services));
	}
	buffer_put_text(text, "</rules></policy>");
}

static void random_address(uint64_t *state, enum flow_family family, uint8_t octets[16])
{
	static const char *const six[] = {"2001:db8::1", "2001:db8:1::7", "2001:db8:1::8",
		"2001:db9::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::1"};
	static const char *const four[] = {"192.0.2.0", "192.0.2.4", "192.0.2.5", "192.0.2.7",
		"192.0.2.9", "192.0.2.10", "192.0.2.127", "192.0.2.128", "192.0.3.0", "10.0.0.1"};
	const char *text = family == FLOW_IPV6 ? PICK(state, six) : PICK(state, four);
	struct address_range a;
	struct error e;

	ck_assert_int_eq(parse_address(view_of_string(text), &a, &e), E_OK);
	memcpy(octets, a.min, 16);
}

static struct flow random_flow(uint64_t *state)
{
	static const uint8_t protocols[] = {1, 6, 6, 6, 17, 17, 47, 50, 58, 132};
	static const uint16_t ports[] = {19, 20, 22, 30, 31, 52, 53, 60, 61, 443, 50000};
	static const uint8_t types[] = {0, 3, 8, 128};
	struct flow f = {.direction = (enum flow_direction)(random_next(state) % 3),
		.family = random_next(state) % 2 ? FLOW_IPV6 : FLOW_IPV4,
		.protocol = PICK(state, protocols),
		.in_role = 1,
		.out_role = 1};

	random_address(state, f.family, f.source);
	random_address(state, f.family, f.destination);
	if (flow_protocol_has_ports(f.protocol)) {
		f.source_port = PICK(state, ports);
		f.destination_port = PICK(state, ports);
	}
	if (flow_protocol_is_icmp(f.protocol)) {
		f.icmp_type = PICK(state, types);
		f.icmp_code = (uint8_t)(random_next(state) % 2);
	}
	return f;
}

static bool in_list(const struct address_list *list, enum flow_family family, const uint8_t *octets)
{
	struct address_range one = {.family = family == FLOW_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.prefix_length = family == FLOW_IPV6 ? 128 : 32};

	memcpy(one.min, octets, 16);
	memcpy(one.max, octets, 16);
	for (size_t i = 0; i < list->count; i++)
		if (address_contains(&list->items[i], &one))
			return true;
	return list->any;
}

static bool in_traffic(const struct traffic_list *list, const struct flow *f)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *t = &list->items[i];
		bool port = t->port_count == 0;

		if (t->protocol != PROTOCOL_ANY && t->protocol != f->protocol)
			continue;
		for (size_t k = 0; k < t->port_count; k++)
			port = port || (t->ports[k].min <= f->destination_port &&
					       f->destination_port <= t->ports[k].max);
		if (port && (t->icmp.type == ICMP_ANY || t->icmp.type == f->icmp_type) &&
			(t->icmp.code == ICMP_ANY || t->icmp.code == f->icmp_code))
			return true;
	}
	return false;
}

static bool rule_matches(const struct model_rule *rule, const struct flow *f)
{
	return in_list(&rule->from, f->family, f->source) &&
	       in_list(&rule->to, f->family, f->destination) && in_traffic(&rule->traffic, f);
}

/* What copsec-policy(5) says, read word by word. */
static const struct model_rule *plain_reading(const struct model *m, const struct flow *f)
{
	const struct flow mirror = flow_mirror(f);

	for (size_t i = 0; i < m->rule_count; i++) {
		const struct model_rule *rule = m->rules[i];
		bool hit = false;

		switch (f->direction) {
		case FLOW_IN:
			hit = (rule->in && rule_matches(rule, f)) ||
			      (rule->both && !rule->forward && rule_matches(rule, &mirror));
			break;
		case FLOW_OUT:
			hit = (rule->out || (rule->both && !rule->forward)) &&
			      rule_matches(rule, f);
			break;
		default:
			hit = rule->forward && (rule_matches(rule, f) ||
						       (rule->both && rule_matches(rule, &mirror)));
		}
		if (hit)
			return rule;
	}
	return NULL;
}

START_TEST(compiled_rules_decide_as_the_written_ones)
{
	static const char *const names[] = {"a"};
	const struct policy_roles roles = {names, 1};
	uint64_t state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
	size_t decided = 0;
	struct buffer text;

	buffer_init(&text, 1 << 20);
	for (int p = 0; p < POLICIES; p++) {
		struct compiled c;
		struct policy *policy;

		buffer_reset(&text);
		random_policy(&state, &text);
		compile(&c, buffer_string(&text));
		policy = policy_of(&c, "a");
		for (int i = 0; i < FLOWS; i++) {
			struct flow f = random_flow(&state);
			const struct model_rule *should = plain_reading(&c.file.model, &f);
			const struct policy_rule *does = policy_evaluate(policy, &f, &roles);

			ck_assert_msg(!should == !does &&
					      (!does || strcmp(should->name, does->name) == 0),
				"seed %d: %s, not %s\n%s", _i, does ? does->name : "none",
				should ? should->name : "none", buffer_string(&text));
			decided += does != NULL;
		}
		policy_free(policy);
		compiled_fini(&c);
	}
	buffer_fini(&text);
	/* The question must not be empty. */
	ck_assert_uint_gt(decided, POLICIES * FLOWS / 10);
}
END_TEST

/* --- expectations --- */

#define HOUSE                                                                                      \
	"<role name='a'/><role name='b'/><role name='inner'/><role name='outer'/>"                 \
	"<node name='alice' key='" KEY1 "' roles='a' address='192.0.2.1 2001:db8::1'/>"            \
	"<node name='gate' key='" KEY2 "' roles='b'><interface name='i' roles='inner'/>"           \
	"<interface name='o' roles='outer'/><interface name='x' roles=''/></node>"                 \
	"<protection name='p'/><protection name='q'/>"                                             \
	"<rules for='a'><allow name='ssh' in='yes' from='192.0.2.0/24' service='ssh'/>"            \
	"<protect name='web' with='p' out='yes' service='https'/></rules>"                         \
	"<rules for='b'><allow name='through' forward='yes' in-role='inner' out-role='outer'"      \
	" service='tcp'/></rules>"

/* One expectation each, and what is said of it; NULL: it holds. */
static const struct {
	const char *expect, *says;
} expectations[] = {
	{"verdict='allow' node='alice' in='yes' from='192.0.2.0/24' service='ssh'", NULL},
	{"verdict='allow' role='a' in='yes' from='192.0.2.77' service='ssh' rule='ssh'", NULL},
	{"verdict='allow' node='alice' in='yes' from='192.0.2.0/23' service='ssh'",
		"expected allow, but with the roles a it is deny as no rule matches, for example "
		"in ipv4 tcp 192.0.3.1 port 49152 -> 192.0.2.2 port 22"},
	{"verdict='deny' node='alice' in='yes' from='192.0.0.0/16' service='ssh'",
		"expected deny, but with the roles a it is allow by rule \"ssh\" at p.xml:1:"},
	{"verdict='deny' node='alice' in='yes' from='2001:db8::/32'", NULL},
	{"verdict='protect p' node='alice' out='yes' service='https'", NULL},
	{"verdict='protect q' node='alice' out='yes' service='https'",
		"expected protect q, but with the roles a it is protect p by rule \"web\" at "
		"p.xml:1:"},
	{"verdict='protect' node='alice' out='yes' service='https ssh'",
		"expected protect, but with the roles a it is deny as no rule matches, for "
		"example out ipv6 tcp 2001:db8::1 port 49152 -> 2001:db8::2 port 22"},
	{"verdict='deny' node='alice' in='yes' service='https'", NULL},
	{"verdict='deny' role='b' in='yes'",
		"no interface has the role \"b\": this speaks of nothing"},
	{"verdict='deny' role='inner' forward='yes'",
		"no node as a whole has the role \"inner\": this speaks of nothing"},
	{"verdict='allow' node='gate' forward='yes' in-role='inner' out-role='outer' service='tcp'",
		NULL},
	{"verdict='deny' node='gate' forward='yes' in-role='outer' service='tcp'", NULL},
	{"verdict='deny' node='gate' forward='yes' out-role='outer' service='udp'", NULL},
	{"verdict='allow' node='gate' forward='yes' out-role='outer' service='tcp'",
		"expected allow, but with the roles b it is deny as no rule matches, for example "
		"forward ipv6 tcp 2001:db8::1 port 49152 -> 2001:db8::2 port 443"},
	{"verdict='deny' node='gate' in='yes'", NULL},
	{"verdict='allow' node='gate' in='yes'",
		"expected allow, but with the roles inner it is deny as no rule matches"},
};

START_TEST(expectations_speak_of_every_flow)
{
	const char *says = expectations[_i].says;
	struct compiled c;
	struct buffer text;
	struct error e;

	buffer_init(&text, 1 << 16);
	buffer_put_text(&text,
		"<policy xmlns='urn:copsec:policy:1' tenant='t'>" HOUSE
		"<tests><expect %s/></tests></policy>",
		expectations[_i].expect);
	compile(&c, buffer_string(&text));
	ck_assert_int_eq(
		expect_run(&c.file.model, buffer_view(&c.octets), &c.file.diagnostics, &e), E_OK);
	ck_assert_uint_eq(c.file.diagnostics.errors, says ? 1 : 0);
	if (says)
		ck_assert_msg(strncmp(c.file.diagnostics.findings[0].text, says, strlen(says)) == 0,
			"%s", c.file.diagnostics.findings[0].text);
	buffer_fini(&text);
	compiled_fini(&c);
}
END_TEST

START_TEST(a_guardian_has_a_set_of_its_own_and_names_its_wards)
{
	static const char camera[] = {10, 0, 0, 7};
	struct compiled c;
	struct assignment a;
	struct set_index index;
	struct policy *policy;
	struct error e;

	compile(&c, POLICY("<role name=\"gateway\"/><role name=\"camera\"/>"
			   "<node name=\"gw1\" roles=\"gateway\" key=\"" KEY1 "\"/>"
			   "<node name=\"gw2\" roles=\"gateway\" key=\"" KEY2 "\"/>"
			   "<node name=\"cam\" roles=\"camera\" address=\"10.0.0.7\" "
			   "guardian=\"gw1\"/>"
			   "<rules for=\"camera\"><allow in=\"yes\" from=\"10.0.0.0/8\" "
			   "service=\"http\"/></rules>"
			   "<rules for=\"gateway\"><allow forward=\"yes\"/></rules>"
			   "<rules node=\"gw1\"><deny forward=\"yes\" service=\"ssh\"/></rules>"));
	ck_assert_int_eq(bundle_assignment(&c.bundle, 0, &c.arena, &a, &e), E_OK);
	ck_assert_uint_eq(a.ward_count, 1);
	ck_assert(view_equal(a.wards->node, view_of_string("cam")));
	ck_assert(view_equal(a.wards->roles, view_of_string("camera")));
	ck_assert_int_eq(a.wards->address_type, 1);
	ck_assert(view_equal(a.wards->address, VIEW((const uint8_t *)camera, 4)));
	ck_assert_uint_eq(a.wards->prefix_length, 32);
	ck_assert_int_eq(bundle_index(&c.bundle, &c.arena, &index, &e), E_OK);
	ck_assert_uint_eq(index.entry_count, 2);
	ck_assert(view_equal(index.entries[0].name, view_of_string("gateway")));
	ck_assert(view_equal(index.entries[1].name, view_of_string("gateway@gw1")));
	ck_assert(view_equal(index.entries[1].roles, view_of_string("gateway")));
	ck_assert(view_equal(index.entries[1].node, VIEW(a.node_key, NODE_KEY)));
	ck_assert_ptr_eq(assignment_set(&a, &index, view_of_string("gateway")), &index.entries[1]);
	/* Its own rules, then its wards', then those of its roles. */
	policy = policy_of(&c, "gateway@gw1");
	ck_assert_uint_eq(policy->rule_count, 5);
	ck_assert_str_eq(policy->rules[0].name, "gw1-1");
	ck_assert_str_eq(policy->rules[1].name, "camera-1.cam");
	ck_assert_str_eq(policy->rules[2].name, "cam.rest-out");
	ck_assert_str_eq(policy->rules[3].name, "cam.rest-in");
	ck_assert_str_eq(policy->rules[4].name, "gateway-1");
	ck_assert(policy->rules[1].forward);
	policy_free(policy);
	policy = policy_of(&c, "gateway");
	ck_assert_uint_eq(policy->rule_count, 1);
	policy_free(policy);
	compiled_fini(&c);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pmt-compile");
	TCase *tc = tcase_create("compile");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
		tc, a_set_says_what_the_policy_says, 0, sizeof meanings / sizeof *meanings);
	tcase_add_test(tc, a_tunnel_ends_where_via_says);
	tcase_add_test(tc, what_is_equal_stands_once);
	tcase_add_test(tc, nodes_without_a_key_are_only_names);
	tcase_add_test(tc, index_and_manifests_carry_the_terms);
	tcase_add_test(tc, a_guardian_has_a_set_of_its_own_and_names_its_wards);
	tcase_add_test(tc, others_have_sets_of_their_own);
	tcase_add_test(tc, home_says_who_else_may_speak);
	tcase_add_loop_test(tc, compiled_rules_decide_as_the_written_ones, 0, 3);
	tcase_add_loop_test(tc, expectations_speak_of_every_flow, 0,
		sizeof expectations / sizeof *expectations);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
