/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can be said in the short storey of the language, word by word: it arrives in the policy that
 * a node reads, and comes back out of the bundle as a policy that compiles to the same roots.
 */
#include <stdlib.h>
#include <string.h>

#include "pib/policy/periods.h"
#include "pib/policy/policy.h"
#include "pib/set/bundle.h"
#include "pmt/compiler/changes.h"
#include "pmt/compiler/compile.h"
#include "pmt/convert/convert.h"
#include "pmt/compiler/reading.h"
#include "tests/pmt/policy_text.h"

static const struct compile_terms terms = {.serial = 7, .not_before = 1000, .not_after = 2000};

#define KEY3 "sha256:0000000000000000000000000000000000000000000000000000000000000003"
#define KEY4 "sha256:0000000000000000000000000000000000000000000000000000000000000004"
#define HEAD                                                                                       \
	"<policy xmlns=\"urn:copsec:policy:1\" tenant=\"acme\"><role name=\"host\"/>"              \
	"<node name=\"a\" roles=\"host\" address=\"2001:db8::1\" key=\"sha256:"                    \
	"0000000000000000000000000000000000000000000000000000000000000001\"/>"                     \
	"<protection name=\"strong\"/><protection name=\"plain\">"                                 \
	"<ike encryption=\"aes128gcm16\" prf=\"sha256\" group=\"x25519\"/>"                        \
	"<esp encryption=\"aes128gcm16\" group=\"x25519\"/></protection>"                          \
	"<protection name=\"away\" mode=\"tunnel\"/>"
#define RULES(rules) HEAD "<rules for=\"host\">" rules "</rules></policy>"
/* A guardian g of c and d, and k, which looks after itself and has their role. */
#define GUARDED_BY(interface, body)                                                                \
	HEAD "<role name=\"gateway\"/><role name=\"camera\"/><role name=\"wan\"/>"                 \
	     "<node name=\"d\" roles=\"camera host\" guardian=\"g\" "                               \
	     "address=\"2001:db8:7::9 10.0.0.9 10.0.0.3\"/>"                                          \
	     "<node name=\"g\" roles=\"gateway\" key=\"" KEY2 "\">"                                \
	     "<interface name=\"eth0\" roles=\"wan\"/>" interface "</node>"                          \
	     "<node name=\"c\" roles=\"camera\" guardian=\"g\" address=\"10.0.0.7\"/>"              \
	     "<node name=\"e\" guardian=\"a\" address=\"10.0.0.8\"/>"                              \
	     "<node name=\"k\" roles=\"camera\" key=\"" KEY3 "\"/>" body "</policy>"
/* Of another authority than home. */
#define OTHER(authority, body)                                                                     \
	"<policy xmlns=\"urn:copsec:policy:1\" tenant=\"isp\" authority=\"" authority "\">"        \
	"<role name=\"access\"/><role name=\"server\"/><role name=\"else\"/>" body "</policy>"

static void compile(const char *text, struct buffer *out)
{
	struct compile_summary summary;
	struct policy_file f;
	struct error e;
	enum err code;

	policy_text_good(&f, text);
	buffer_init(out, BUNDLE_MAX);
	code = compile_policy(&f.model, &terms, out, &summary, &e);
	ck_assert_msg(code == E_OK, "%s: %s", code ? e.text : "", text);
	policy_file_fini(&f);
}

static void convert_text(const struct buffer *bundle, struct buffer *out)
{
	struct arena arena;
	struct bundle b;
	struct error e;
	enum err code;

	arena_init(&arena, BUNDLE_MAX);
	buffer_init(out, BUNDLE_MAX);
	code = bundle_read(buffer_view(bundle), &arena, &b, &e);
	if (!code)
		code = convert(&b, out, &e);
	ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
	arena_fini(&arena);
}

/* Rules of the set "host", as one line each. */
static void say_rules(const struct buffer *bundle, struct buffer *out)
{
	struct reading r;
	struct error e;
	const struct policy *p;

	ck_assert_int_eq(reading_init(&r, buffer_view(bundle), &e), E_OK);
	p = reading_find(&r, "host")->policy;
	buffer_init(out, 1 << 16);
	for (size_t i = 0; i < p->rule_count; i++) {
		policy_print_rule(out, &p->rules[i]);
		buffer_put_text(out, "\n");
	}
	reading_fini(&r);
}

static const struct {
	const char *what, *policy, *rules;
} rows[] = {
	{"limits of new flows",
		RULES("<allow in=\"yes\" service=\"ssh\" rate=\"10/minute\" burst=\"3\" "
		      "rate-for=\"source\"/>"),
		"rule 1 \"host-1\": in, tcp port 22: bypass, 10 new ones in 60 s (3 at once) for each source\n"},
	{"limits of flows",
		RULES("<allow in=\"yes\" service=\"ssh\" connections=\"5\" "
		      "connections-for=\"destination\"/>"),
		"rule 1 \"host-1\": in, tcp port 22: bypass, 5 at a time for each destination\n"},
	{"shadow", RULES("<deny in=\"yes\" shadow=\"yes\" log=\"yes\"/><allow in=\"yes\"/>"),
		"rule 1 \"host-1\": in, all: discard, log, only counted\n"
		"rule 2 \"host-2\": in, all: bypass\n"},
	{"no state", RULES("<allow in=\"yes\" out=\"yes\" service=\"dns\" stateful=\"no\"/>"), NULL},
	{"code points", RULES("<allow out=\"yes\" service=\"dns ssh\" dscp=\"ef 5 af41\"/>"), NULL},
	{"any service with code points", RULES("<allow out=\"yes\" dscp=\"ef\"/>"), NULL},
	{"what is excepted",
		RULES("<allow in=\"yes\" from=\"192.0.2.0/24\" except-from=\"192.0.2.7 "
		      "192.0.2.128/25\"/>"),
		"rule 1 \"host-1\": in, from 192.0.2.0-192.0.2.6, 192.0.2.8-192.0.2.127: bypass\n"},
	{"excepted of anybody", RULES("<allow in=\"yes\" except-from=\"10.0.0.0/8\"/>"), NULL},
	{"the first that succeeds",
		RULES("<protect with=\"strong plain\" out=\"yes\" service=\"ssh\"/>"),
		"rule 1 \"host-1\": out, tcp port 22: protect with \"strong\", else protect with "
		"\"plain\"\n"},
	{"another order is another list",
		RULES("<protect with=\"plain strong\" out=\"yes\" service=\"ssh\"/>"
		      "<protect with=\"strong plain\" in=\"yes\" service=\"ssh\"/>"),
		NULL},
	{"a schedule",
		HEAD "<schedule name=\"office\" zone=\"Europe/Berlin\">"
		     "<period weekdays=\"mon-fri\" times=\"08:00-18:00\"/>"
		     "<period weekdays=\"sat\" months=\"nov-feb\" times=\"22:00-06:00\"/>"
		     "<except from=\"2026-12-24\" until=\"2027-01-01T12:00\"/>"
		     "<except days-from-end=\"1-2\"/></schedule>"
		     "<rules for=\"host\"><allow in=\"yes\" service=\"ssh\" when=\"office\"/>"
		     "</rules></policy>",
		NULL},
	{"schedules of the same times",
		HEAD "<schedule name=\"office\"><period weekdays=\"mon\"/></schedule>"
		     "<schedule name=\"shop\"><period weekdays=\"mon\"/></schedule>"
		     "<schedule name=\"there\" zone=\"local\"><period weekdays=\"mon\"/></schedule>"
		     "<rules for=\"host\"><allow in=\"yes\" service=\"ssh\" when=\"office\"/>"
		     "<allow in=\"yes\" service=\"http\" when=\"shop\"/>"
		     "<allow in=\"yes\" service=\"ntp\" when=\"there\"/></rules></policy>",
		NULL},
	{"offers",
		RULES("<offer name=\"printing\" about=\"Let &quot;printers&quot; in\" for=\"8h\" "
		      "usual=\"1h\" across-boot=\"yes\"><allow in=\"yes\" service=\"ipp\"/>"
		      "<allow out=\"yes\" service=\"ipp\"/></offer>"
		      "<allow in=\"yes\" service=\"ping\"/>"
		      "<offer name=\"games\" about=\"Play\"><allow in=\"yes\" service=\"rdp\"/>"
		      "</offer>"),
		"rule 1 \"host-1\": in, tcp port 631: bypass, offered as \"printing\"\n"
		"rule 2 \"host-2\": out, tcp port 631: bypass, offered as \"printing\"\n"
		"rule 3 \"host-3\": in, icmp type 8; or icmpv6 type 128: bypass\n"
		"rule 4 \"host-4\": in, tcp port 3389; or udp port 3389: bypass, offered as \"games\"\n"},
	{"an offer in two blocks",
		RULES("<offer name=\"printing\" about=\"Print\"><allow in=\"yes\" "
		      "service=\"ipp\"/></offer></rules><rules for=\"host\">"
		      "<allow in=\"yes\" service=\"ping\"/><offer name=\"printing\">"
		      "<allow out=\"yes\" service=\"ipp\"/></offer>"),
		NULL},
	{"groups and delegations",
		HEAD "<role name=\"ids\"/><network name=\"guests\" addresses=\"10.9.0.0/16\"/>"
		     "<group name=\"admitted\" addresses=\"10.9.0.1 2001:db8:9::/64\"/>"
		     "<group name=\"fixed\" filled-by=\"home\" addresses=\"10.8.0.0/24\"/>"
		     "<node name=\"b\" roles=\"host ids\" key=\"" KEY2 "\"/>"
		     "<delegation name=\"doors\" authority=\"directory\" longest=\"1h\" "
		     "certificate=\"" CERTIFICATE "\">"
		     "<grant group=\"admitted\" most=\"9\" addresses=\"guests 10.1.0.1-10.1.0.6\"/>"
		     "<grant peer=\"*\" addresses=\"any\"/><grant binding=\"b\"/>"
		     "<admission group=\"admitted\" role=\"host\" condition=\"known\" grace=\"5m\"/>"
		     "</delegation>"
		     "<delegation name=\"alarm\" authority=\"responder\" longest=\"2h\" for=\"ids\" "
		     "most-nodes=\"5\" most-rules=\"20\" isolate=\"yes\" valid=\"1d\" "
		     "certificate=\"" CERTIFICATE "\">"
		     "<never node=\"a\" role=\"ids\" addresses=\"guests\"/>"
		     "<sensor role=\"ids\" kind=\"scan\" least=\"2\"/>"
		     "<response name=\"cut\" action=\"block\" kind=\"scan\" sensor=\"ids\" "
		     "roles=\"ids host\" severity=\"warning\" least=\"3\" within=\"5m\" for=\"1h\"/>"
		     "</delegation>"
		     "<rules for=\"host\"><allow in=\"yes\" from=\"admitted 192.0.2.1 fixed\" "
		     "service=\"ssh ping\" dscp=\"ef cs1\"/><allow out=\"yes\" to=\"fixed admitted\"/>"
		     "<allow out=\"yes\" from=\"fixed\" to=\"admitted\" service=\"ping\"/></rules></policy>",
		NULL},
	{"delegations for some, and for nobody",
		HEAD "<role name=\"ids\"/><role name=\"else\"/><role name=\"gone\"/>"
		     "<role name=\"nobody\"/><node name=\"b\" roles=\"ids host\" key=\"" KEY2 "\"/>"
		     "<node name=\"c\" key=\"" KEY3 "\"><interface name=\"eth0\" roles=\"else\"/>"
		     "<interface name=\"eth1\" roles=\"\"/></node>"
		     "<node name=\"d\" roles=\"nobody\" key=\"" KEY4 "\"/>"
		     "<delegation name=\"two\" authority=\"responder\" longest=\"2h\" "
		     "for=\"else ids\" certificate=\"" CERTIFICATE "\"/>"
		     "<delegation name=\"none\" authority=\"responder\" longest=\"2h\" "
		     "for=\"gone\" certificate=\"" CERTIFICATE "\"/>"
		     "<delegation name=\"all\" authority=\"responder\" longest=\"2h\" "
		     "certificate=\"" CERTIFICATE "\"/></policy>",
		NULL},
	{"whom home admits",
		HEAD "<admit authority=\"operator\" tenant=\"isp\" trust=\"" KEY1 "\"/>"
		     "<admit authority=\"visited\"/><rules for=\"host\"><allow in=\"yes\"/></rules>"
		     "</policy>",
		NULL},
	{"rules of single nodes",
		HEAD "<node name=\"b\" roles=\"host\" key=\"" KEY2 "\"/>"
		     "<rules for=\"host\"><allow in=\"yes\" service=\"ssh\"/>"
		     "<deny in=\"yes\"/></rules>"
		     "<rules node=\"b\"><allow in=\"yes\" service=\"http\"/></rules></policy>",
		NULL},
	{"all nodes have some of their own",
		HEAD "<node name=\"b\" roles=\"host\" key=\"" KEY2 "\"/>"
		     "<rules for=\"host\"><allow in=\"yes\" service=\"ssh\"/></rules>"
		     "<rules node=\"b\"><allow in=\"yes\" service=\"http\"/></rules>"
		     "<rules node=\"a b\"><allow forward=\"yes\" service=\"ntp\"/></rules></policy>",
		NULL},
	{"of an operator",
		OTHER("operator\" stale=\"end",
			"<rules for=\"*\"><deny in=\"yes\" forward=\"yes\" in-role=\"else\" "
			"service=\"smtp\"/><allow in=\"yes\" out=\"yes\" forward=\"yes\"/></rules>"
			"<rules for=\"access\"><deny out=\"yes\" service=\"smtp\" log=\"yes\"/></rules>"
			"<rules for=\"access server\"><allow in=\"yes\" service=\"ssh\"/></rules>"),
		NULL},
	{"of who is visited, and nothing for a role",
		OTHER("visited\" stale=\"tighten",
			"<rules for=\"*\"><allow both=\"yes\"/></rules><rules for=\"server\"/>"),
		NULL},
	{"of an operator, in rows",
		OTHER("operator",
			"<pib><list of=\"ipSecSelectorSet\" name=\"all\"><ipSecSelectorSet "
			"selectorId=\"all\"/></list><ipSecSelector id=\"all\"/>"
			"<list of=\"ipSecActionSet\" name=\"pass\"><ipSecActionSet actionId=\"pass\"/>"
			"</list><ipSecStaticAction id=\"pass\" action=\"byPass\"/></pib>"
			"<rules for=\"* server\"><allow in=\"yes\" service=\"ssh\"/><ipSecRule "
			"direction=\"in\" autoStart=\"true\" ipSecSelectorSetId=\"all\" "
			"ipSecActionSetId=\"pass\" order=\"700\"/></rules>"),
		NULL},
	{"wards, and a node that has their role",
		GUARDED_BY("",
			"<rules for=\"camera\"><allow name=\"view\" in=\"yes\" from=\"10.1.0.1\" "
			"service=\"http\"/><protect name=\"record\" with=\"away\" "
			"via=\"2001:db8::9\" out=\"yes\" service=\"ssh\"/></rules>"
			"<rules node=\"d\"><allow name=\"time\" out=\"yes\" service=\"ntp\"/></rules>"
			"<rules for=\"gateway\"><allow name=\"pass\" forward=\"yes\" in=\"yes\"/></rules>"
			"<rules for=\"wan\"><allow in=\"yes\" service=\"ssh\"/></rules>"),
		NULL},
	{"a guardian with rules of its own",
		GUARDED_BY("<interface name=\"lo\" roles=\"gateway\"/>",
			"<rules node=\"g\"><allow name=\"own\" forward=\"yes\" service=\"dns\"/>"
			"<allow name=\"mine\" in=\"yes\" service=\"ssh\"/></rules>"
			"<rules for=\"gateway\"><allow name=\"pass\" forward=\"yes\" both=\"yes\"/></rules>"),
		NULL},
	{"wards of whom a delegation knows",
		GUARDED_BY("",
			"<delegation name=\"alarm\" authority=\"responder\" longest=\"2h\" "
			"certificate=\"" CERTIFICATE "\"><never node=\"d\" role=\"camera\"/></delegation>"
			"<rules for=\"host\"><allow in=\"yes\"/></rules>"),
		NULL},
	{"a tunnel", RULES("<protect with=\"away\" via=\"2001:db8::9\" both=\"yes\"/>"), NULL},
};
enum { ROWS = sizeof rows / sizeof *rows };

START_TEST(every_word_arrives_and_comes_back)
{
	struct buffer first, again, second, text, said;

	compile(rows[_i].policy, &first);
	compile(rows[_i].policy, &again);
	ck_assert_msg(view_equal(buffer_view(&first), buffer_view(&again)),
		"%s: compiled twice it is not the same", rows[_i].what);
	if (rows[_i].rules) {
		say_rules(&first, &said);
		ck_assert_str_eq(buffer_string(&said), rows[_i].rules);
		buffer_fini(&said);
	}
	convert_text(&first, &text);
	compile(buffer_string(&text), &second);
	ck_assert_msg(view_equal(buffer_view(&first), buffer_view(&second)),
		"%s: converted it is\n%s", rows[_i].what, buffer_string(&text));
	buffer_fini(&first);
	buffer_fini(&again);
	buffer_fini(&second);
	buffer_fini(&text);
}
END_TEST

/* The others stay short, also those of a node that has the guardian's roles and guards nobody. */
START_TEST(only_what_passes_a_guardian_is_in_rows)
{
	static const char in_rows[] = "having=\"exactly\"";
	struct buffer bundle, text;
	size_t count = 0;

	compile(GUARDED_BY("",
			"<node name=\"h\" roles=\"gateway\" key=\"" KEY4 "\"/>"
			"<rules for=\"camera\"><allow name=\"view\" in=\"yes\"/></rules>"
			"<rules for=\"gateway\"><allow name=\"pass\" forward=\"yes\"/></rules>"),
		&bundle);
	convert_text(&bundle, &text);
	for (const char *p = buffer_string(&text); (p = strstr(p, in_rows)); p++)
		count++;
	ck_assert_uint_eq(count, 2);
	ck_assert_ptr_nonnull(strstr(buffer_string(&text), "<rules for=\"gateway\">"));
	ck_assert_ptr_nonnull(strstr(buffer_string(&text), "<rules for=\"camera\">"));
	buffer_fini(&bundle);
	buffer_fini(&text);
}
END_TEST

/* --- random policies --- */

enum { SEED = 20261124, ROUNDS = 80, KEYED_MAX = 5, WARDS_MAX = 3, ROLES = 4 };

static uint64_t seed = SEED;

/* xorshift: the same policies in every run. */
static unsigned below(unsigned bound)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % bound);
}

/* Each with an even chance; at least one if some must be. */
static void put_random_roles(struct buffer *out, bool some)
{
	unsigned chosen = below(1u << ROLES);

	chosen = some && !chosen ? 1 : chosen;
	for (unsigned i = 0; i < ROLES; i++)
		if (chosen & 1u << i)
			buffer_put_text(out, " r%u", i);
}

static void put_random_nodes(struct buffer *out, unsigned keyed, unsigned wards)
{
	for (unsigned i = 0; i < keyed; i++) {
		buffer_put_text(out, "<node name=\"k%u\" key=\"sha256:%064u\" roles=\"", i, i + 1);
		put_random_roles(out, true);
		buffer_put_text(out, "\">");
		for (unsigned k = below(3); k > 0; k--) {
			buffer_put_text(out, "<interface name=\"eth%u\" roles=\"", k);
			put_random_roles(out, false);
			buffer_put_text(out, "\"/>");
		}
		buffer_put_text(out, "</node>");
	}
	for (unsigned i = 0; i < wards; i++) {
		buffer_put_text(out, "<node name=\"w%u\" guardian=\"k%u\" address=\"10.0.0.%u", i,
			below(keyed), i + 1);
		buffer_put_text(out, "%s\" roles=\"", below(2) ? " 2001:db8::1" : "");
		put_random_roles(out, true);
		buffer_put_text(out, "\"/>");
	}
}

static void put_random_rules(struct buffer *out, unsigned keyed, unsigned wards)
{
	static const char *const directions[] = {"in", "out", "forward"};
	static const char *const services[] = {"ssh", "http https", "dns", "ping", "any"};

	for (unsigned blocks = below(6), n = 0; blocks > 0; blocks--) {
		const unsigned node = below(keyed + wards);

		if (below(3)) {
			buffer_put_text(out, "<rules for=\"");
			put_random_roles(out, true);
			buffer_put_text(out, "\">");
		} else {
			buffer_put_text(out, "<rules node=\"%s%u\">", node < keyed ? "k" : "w",
				node < keyed ? node : node - keyed);
		}
		for (unsigned rules = below(4); rules > 0; rules--, n++) {
			const unsigned first = below(3), second = below(3);

			buffer_put_text(out, "<%s name=\"n%u\" %s=\"yes\"",
				below(2) ? "allow" : "deny", n, directions[first]);
			if (second != first)
				buffer_put_text(out, " %s=\"yes\"", directions[second]);
			if (below(2))
				buffer_put_text(out, " %s=\"10.%u.0.0/16\"",
					below(2) ? "from" : "to", below(2));
			buffer_put_text(out, " service=\"%s\"/>", services[below(5)]);
		}
		buffer_put_text(out, "</rules>");
	}
}

static void put_random_policy(struct buffer *out)
{
	const unsigned keyed = 1 + below(KEYED_MAX), wards = below(WARDS_MAX + 1);

	buffer_put_text(out, "<policy xmlns=\"urn:copsec:policy:1\" tenant=\"acme\">");
	for (unsigned i = 0; i < ROLES; i++)
		buffer_put_text(out, "<role name=\"r%u\"/>", i);
	put_random_nodes(out, keyed, wards);
	for (unsigned i = below(3); i > 0; i--) {
		buffer_put_text(out, "<delegation name=\"d%u\" authority=\"responder\" "
			"longest=\"2h\" certificate=\"" CERTIFICATE "\"", i);
		if (below(2)) {
			buffer_put_text(out, " for=\"");
			put_random_roles(out, true);
			buffer_put_text(out, "\"");
		}
		buffer_put_text(out, "/>");
	}
	put_random_rules(out, keyed, wards);
	buffer_put_text(out, "</policy>");
}

START_TEST(random_policies_come_back)
{
	static const char in_rows[] = "having=\"exactly\"";
	size_t partly = 0;

	printf("seed %d\n", SEED);
	for (int round = 0; round < ROUNDS; round++) {
		struct buffer policy, first, second, text;

		buffer_init(&policy, 1 << 20);
		put_random_policy(&policy);
		compile(buffer_string(&policy), &first);
		convert_text(&first, &text);
		compile(buffer_string(&text), &second);
		ck_assert_msg(view_equal(buffer_view(&first), buffer_view(&second)),
			"round %d: %.2000s", round, buffer_string(&policy));
		partly += strstr(buffer_string(&text), in_rows) != NULL;
		buffer_fini(&policy);
		buffer_fini(&first);
		buffer_fini(&second);
		buffer_fini(&text);
	}
	/* Both ways to write them were taken. */
	printf("%zu of %d had sets in rows\n", partly, ROUNDS);
	ck_assert(partly > 0 && partly < ROUNDS);
}
END_TEST

/* --- one compilation after the other --- */

#define LIVELY(period, about, member, guarded)                                                     \
	HEAD "<role name=\"gateway\"/><role name=\"camera\"/>"                                    \
	     "<node name=\"g\" roles=\"gateway\" key=\"" KEY2 "\"/>"                             \
	     "<node name=\"c\" roles=\"camera\" guardian=\"g\" address=\"10.0.0.7\"/>"           \
	     "<group name=\"admitted\" addresses=\"10.9.0.1" member "\"/>"                         \
	     "<schedule name=\"office\"><period " period "/><period days=\"1\"/></schedule>"       \
	     "<rules for=\"camera\"><allow in=\"yes\" from=\"10.1.0.1\" service=\"http\"/>"        \
	     guarded "</rules>"                                                                    \
	     "<rules for=\"host\"><allow in=\"yes\" from=\"admitted\" service=\"ssh\"/>"           \
	     "<offer name=\"printing\" about=\"" about "\"><allow in=\"yes\" service=\"ipp\"/>"    \
	     "</offer><allow in=\"yes\" service=\"http\" when=\"office\"/>"                        \
	     "<allow in=\"yes\" service=\"ntp\" when=\"office\"/></rules></policy>"
#define USUAL "weekdays=\"mon\""
#define GUARDED "<allow in=\"yes\" from=\"10.1.0.2\" service=\"http\"/>"

static const struct {
	const char *what, *after;
	size_t most_added, most_changed; /* PRIs, of all sets */
} steps[] = {
	{"nothing", LIVELY(USUAL, "Print", "", ""), 0, 0},
	{"the days of a period", LIVELY("weekdays=\"tue\"", "Print", "", ""), 0, 1},
	{"what an offer says of itself", LIVELY(USUAL, "Print here", "", ""), 0, 1},
	{"a member that home names", LIVELY(USUAL, "Print", " 10.9.0.2", ""), 1, 0},
	/* Rule, its extension, address, selector, entry of a list; and two that make room. */
	{"a rule of a ward", LIVELY(USUAL, "Print", "", GUARDED), 5, 2},
};

START_TEST(a_small_change_is_one_of_few_instances)
{
	struct buffer first, second;
	struct compile_summary summary;
	struct bundle before, after;
	struct compile_terms next = terms;
	struct policy_file f;
	struct changes changes;
	size_t added = 0, changed = 0, removed = 0;
	struct arena arena;
	struct error e;

	arena_init(&arena, BUNDLE_MAX);
	compile(LIVELY(USUAL, "Print", "", ""), &first);
	ck_assert_int_eq(bundle_read(buffer_view(&first), &arena, &before, &e), E_OK);
	policy_text_good(&f, steps[_i].after);
	buffer_init(&second, BUNDLE_MAX);
	next.serial++;
	next.previous = &before;
	ck_assert_int_eq(compile_policy(&f.model, &next, &second, &summary, &e), E_OK);
	ck_assert_int_eq(bundle_read(buffer_view(&second), &arena, &after, &e), E_OK);
	ck_assert_int_eq(changes_find(&after, &before, &arena, &changes, &e), E_OK);
	for (size_t i = 0; i < changes.set_count; i++) {
		added += changes.sets[i].added;
		changed += changes.sets[i].changed;
		removed += changes.sets[i].removed;
	}
	ck_assert_msg(added <= steps[_i].most_added && changed <= steps[_i].most_changed &&
			      removed == 0,
		"%s: %zu added, %zu changed, %zu removed", steps[_i].what, added, changed, removed);
	ck_assert_msg(_i == 0 || added + changed > 0, "%s: nothing", steps[_i].what);
	policy_file_fini(&f);
	buffer_fini(&first);
	buffer_fini(&second);
	arena_fini(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pmt-round-trip");
	TCase *tc = tcase_create("round trip");

	tcase_add_loop_test(tc, every_word_arrives_and_comes_back, 0, ROWS);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, random_policies_come_back);
	tcase_add_test(tc, only_what_passes_a_guardian_is_in_rows);
	tcase_add_loop_test(
		tc, a_small_change_is_one_of_few_instances, 0, sizeof steps / sizeof *steps);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
