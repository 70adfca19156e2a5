/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cases against all that can be: in random policies with schedules and offers, the rules that decide
 * a flow in some case are exactly those that decide it for some choice of what is on.
 */
#include "pmt/compiler/cases.h"

#include <stdlib.h>
#include <string.h>

#include "pib/policy/periods.h"
#include "pmt/compiler/compile.h"
#include "pmt/compiler/expect.h"
#include "tests/pmt/policy_text.h"

enum { SCHEDULES = 3, OFFERS = 2, CHOICES = 1 << (SCHEDULES + OFFERS), RULES = 14, FLOWS = 60 };

static const struct compile_terms terms = {.serial = 1, .not_before = 0, .not_after = 1000};

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const char *const networks[] = {
	"2001:db8:1::/48", "2001:db8:1:1::/64", "2001:db8:2::/48", "any"};
static const char *const services[] = {"ssh", "http", "ssh http ping", "any"};

static void random_rule(uint64_t *state, bool offered, struct buffer *text)
{
	const uint64_t r = next(state);

	buffer_put_text(text, "<%s in=\"yes\" from=\"%s\" service=\"%s\"",
		r & 1 ? "allow" : "deny", networks[r >> 1 & 3], services[r >> 3 & 3]);
	if ((r >> 5 & 3) < (offered ? 1 : 2))
		buffer_put_text(text, " when=\"s%u\"", (unsigned)((r >> 8) % SCHEDULES));
	buffer_put_text(text, "/>");
}

static void random_policy(uint64_t *state, struct buffer *text)
{
	bool begun[OFFERS] = {false};

	buffer_put_text(text, "<policy xmlns=\"urn:copsec:policy:1\" tenant=\"acme\">"
			      "<role name=\"host\"/><node name=\"a\" roles=\"host\" key=\"" KEY1
			      "\"/>");
	for (unsigned i = 0; i < SCHEDULES; i++)
		buffer_put_text(text,
			"<schedule name=\"s%u\"><period days=\"%u\"/></schedule>", i, i + 1);
	buffer_put_text(text, "<rules for=\"host\">");
	for (unsigned i = 0; i < RULES; i++) {
		const unsigned offer = (unsigned)(next(state) % (3 * OFFERS));

		if (offer >= OFFERS) {
			random_rule(state, false, text);
			continue;
		}
		buffer_put_text(text, "<offer name=\"o%u\"%s>", offer,
			begun[offer] ? "" : " about=\"Something\"");
		begun[offer] = true;
		random_rule(state, true, text);
		buffer_put_text(text, "</offer>");
	}
	buffer_put_text(text, "</rules></policy>");
}

/* Bit i: schedule i, then the offers. */
static enum policy_counts is_chosen(void *context, const struct policy_rule *rule)
{
	const unsigned choice = *(const unsigned *)context;
	bool there = true;

	if (rule->schedule)
		there = choice >> (rule->schedule->periods[0].name[1] - '0') & 1;
	if (rule->offer)
		there = there && choice >> (SCHEDULES + (unsigned)(rule->offer->name[1] - '0')) & 1;
	return there ? POLICY_COUNTS : POLICY_COUNTS_NOT;
}

static struct flow random_flow(uint64_t *state)
{
	static const uint8_t prefixes[][8] = {{0x20, 0x01, 0x0d, 0xb8, 0, 1},
		{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 1}, {0x20, 0x01, 0x0d, 0xb8, 0, 2}, {0x20, 0x02}};
	static const uint16_t ports[] = {22, 80, 443};
	const uint64_t r = next(state);
	struct flow f = {.family = FLOW_IPV6,
		.direction = FLOW_IN,
		.protocol = 6,
		.source_port = 50000,
		.destination_port = ports[(r >> 4) % 3]};

	memcpy(f.source, prefixes[r & 3], 8);
	f.source[15] = (uint8_t)(r >> 8);
	return f;
}

/* By number in the whole policy; the last: none. */
static size_t which(const struct policy *all, const struct policy_rule *rule)
{
	for (size_t i = 0; rule && i < all->rule_count; i++)
		if (all->rules[i].instance == rule->instance)
			return i;
	return all->rule_count;
}

static void compare(struct reading *r, struct reading_set *set, uint64_t *state)
{
	const struct circumstances *cases;
	struct policy *chosen[CHOICES];
	struct error e;
	size_t count;

	ck_assert_int_eq(cases_of(r, set, &cases, &count, &e), E_OK);
	ck_assert_uint_le(count, RULES + 1);
	for (unsigned c = 0; c < CHOICES; c++)
		ck_assert_int_eq(policy_where(set->policy, is_chosen, &c, &chosen[c], &e), E_OK);
	for (unsigned n = 0; n < FLOWS; n++) {
		const struct flow f = random_flow(state);
		bool possible[RULES + 1] = {false}, found[RULES + 1] = {false};

		for (unsigned c = 0; c < CHOICES; c++)
			possible[which(set->policy, policy_evaluate(chosen[c], &f, &r->roles))] =
				true;
		for (size_t i = 0; i < count; i++) {
			struct reading_set *now;

			ck_assert_int_eq(cases_set(r, set, &cases[i], &now, &e), E_OK);
			found[which(set->policy, policy_evaluate(now->policy, &f, &r->roles))] =
				true;
		}
		ck_assert_mem_eq(possible, found, sizeof found);
	}
	for (unsigned c = 0; c < CHOICES; c++)
		policy_free(chosen[c]);
}

START_TEST(cases_are_all_that_can_be)
{
	uint64_t state = 0x9e3779b97f4a7c15u + (uint64_t)_i;

	printf("seed %#llx\n", (unsigned long long)state);
	for (int round = 0; round < 12; round++) {
		struct compile_summary summary;
		struct buffer text, octets;
		struct policy_file f;
		struct reading r;
		struct error e;

		buffer_init(&text, 1 << 16);
		buffer_init(&octets, 1 << 20);
		random_policy(&state, &text);
		policy_text_good(&f, buffer_string(&text));
		ck_assert_int_eq(compile_policy(&f.model, &terms, &octets, &summary, &e), E_OK);
		ck_assert_int_eq(reading_init(&r, buffer_view(&octets), &e), E_OK);
		compare(&r, reading_find(&r, "host"), &state);
		reading_fini(&r);
		policy_file_fini(&f);
		buffer_fini(&octets);
		buffer_fini(&text);
	}
}
END_TEST

/* --- groups --- */

static const char *const froms[] = {"any", "g", "2001:db8:1::/48", "g 2001:db8:2::/48"};
static const char *const tos[] = {"any", "g", "2001:db8:1:1::/64", "any"};

static void random_group_policy(uint64_t *state, struct buffer *text)
{
	buffer_put_text(text, "<policy xmlns=\"urn:copsec:policy:1\" tenant=\"acme\">"
			      "<role name=\"host\"/><node name=\"a\" roles=\"host\" key=\"" KEY1
			      "\"/><group name=\"g\" addresses=\"2001:db8:2::/64\"/>"
			      "<schedule name=\"s0\"><period days=\"1\"/></schedule>"
			      "<delegation name=\"d\" authority=\"directory\" certificate=\"" CERTIFICATE
			      "\"><grant group=\"*\" addresses=\"2001:db8:1::/48\"/></delegation>"
			      "<rules for=\"host\">");
	for (unsigned i = 0; i < RULES; i++) {
		const uint64_t r = next(state);

		buffer_put_text(text,
			"<%s in=\"yes\" from=\"%s\" to=\"%s\" service=\"%s\"%s/>",
			r & 1 ? "allow" : "deny", froms[r >> 1 & 3], tos[r >> 3 & 3],
			services[r >> 5 & 3], r >> 7 & 1 ? " when=\"s0\"" : "");
	}
	buffer_put_text(text, "</rules></policy>");
}

static bool in_range(const struct address_range *a, const uint8_t octets[16])
{
	uint8_t first[16], last[16];

	address_bounds(a, first, last);
	return a->family == FAMILY_IPV6 && memcmp(first, octets, 16) <= 0 &&
	       memcmp(octets, last, 16) <= 0;
}

static bool has(const struct address_list *list, const uint8_t octets[16], bool in_group)
{
	bool found = list->any;

	for (size_t i = 0; i < list->count; i++)
		found = found || in_range(&list->items[i], octets);
	for (size_t i = 0; i < list->group_count; i++) {
		found = found || in_group;
		for (size_t k = 0; k < list->groups[i]->addresses.count; k++)
			found = found || in_range(&list->groups[i]->addresses.items[k], octets);
	}
	return found;
}

static bool carries(const struct traffic_list *list, const struct flow *f)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *t = &list->items[i];
		bool fits = t->protocol == PROTOCOL_ANY ||
			    (t->protocol == f->protocol && t->port_count == 0);

		for (size_t k = 0; t->protocol == f->protocol && k < t->port_count; k++)
			fits = fits || (t->ports[k].min <= f->destination_port &&
					       f->destination_port <= t->ports[k].max);
		if (fits)
			return true;
	}
	return false;
}

/* By the written rules, one after the other. */
static size_t decider(const struct model *m, const struct flow *f, bool source_in,
	bool destination_in, bool scheduled)
{
	for (size_t i = 0; i < m->rule_count; i++) {
		const struct model_rule *rule = m->rules[i];

		if ((!rule->schedule || scheduled) && has(&rule->from, f->source, source_in) &&
			has(&rule->to, f->destination, destination_in) &&
			carries(&rule->traffic, f))
			return i;
	}
	return m->rule_count;
}

static void compare_groups(
	const struct model *m, struct reading *r, struct reading_set *set, uint64_t *state)
{
	const struct circumstances *cases;
	struct error e;
	size_t count;

	ck_assert_int_eq(cases_of(r, set, &cases, &count, &e), E_OK);
	for (unsigned n = 0; n < FLOWS; n++) {
		bool possible[RULES + 1] = {false}, found[RULES + 1] = {false};
		struct flow f = random_flow(state);
		const struct flow other = random_flow(state);
		bool source_may, destination_may;

		memcpy(f.destination, other.source, 16);
		source_may = in_range(&m->groups[0].permitted.items[0], f.source);
		destination_may = in_range(&m->groups[0].permitted.items[0], f.destination);
		for (unsigned c = 0; c < 8; c++)
			if ((!(c & 1) || source_may) && (!(c & 2) || destination_may))
				possible[decider(m, &f, c & 1, c & 2, c & 4)] = true;
		for (size_t i = 0; i < count; i++) {
			const struct policy_rule *rule;
			struct reading_set *now;

			ck_assert_int_eq(cases_set(r, set, &cases[i], &now, &e), E_OK);
			rule = policy_evaluate(now->policy, &f, &r->roles);
			found[which(set->policy, rule)] = true;
		}
		ck_assert_mem_eq(possible, found, sizeof found);
	}
}

START_TEST(members_of_groups_are_cases_too)
{
	uint64_t state = 0xd1b54a32d192ed03u + (uint64_t)_i;

	printf("seed %#llx\n", (unsigned long long)state);
	for (int round = 0; round < 12; round++) {
		struct compile_summary summary;
		struct buffer text, octets;
		struct policy_file f;
		struct reading r;
		struct error e;

		buffer_init(&text, 1 << 16);
		buffer_init(&octets, 1 << 20);
		random_group_policy(&state, &text);
		policy_text_good(&f, buffer_string(&text));
		ck_assert_int_eq(compile_policy(&f.model, &terms, &octets, &summary, &e), E_OK);
		ck_assert_int_eq(reading_init(&r, buffer_view(&octets), &e), E_OK);
		compare_groups(&f.model, &r, reading_find(&r, "host"), &state);
		reading_fini(&r);
		policy_file_fini(&f);
		buffer_fini(&octets);
		buffer_fini(&text);
	}
}
END_TEST

#define RULES_TEXT                                                                                 \
	"<role name=\"host\"/><node name=\"a\" roles=\"host\" key=\"" KEY1 "\"/>"                  \
	"<schedule name=\"office\"><period weekdays=\"mon-fri\" times=\"08:00-18:00\"/>"           \
	"<except from=\"2026-12-24\" until=\"2026-12-26\"/></schedule>"                            \
	"<rules for=\"host\"><allow in=\"yes\" service=\"ssh\" when=\"office\"/>"                  \
	"<offer name=\"printing\" about=\"Print\"><allow in=\"yes\" service=\"ipp\"/></offer>"     \
	"<offer name=\"late\" about=\"Later\"><allow in=\"yes\" service=\"rdp\" when=\"office\"/>" \
	"</offer><allow in=\"yes\" service=\"ping\"/></rules>"
#define EXPECT(what) POLICY(RULES_TEXT "<tests><expect node=\"a\" in=\"yes\" " what "/></tests>")

static const struct {
	const char *policy;
	bool holds;
} expectations[] = {
	/* A Monday. */
	{EXPECT("verdict=\"allow\" service=\"ssh\" at=\"2026-11-23T08:00\""), true},
	{EXPECT("verdict=\"allow\" service=\"ssh\" at=\"2026-11-23T17:59:59\""), true},
	{EXPECT("verdict=\"deny\" service=\"ssh\" at=\"2026-11-23T18:00\""), true},
	{EXPECT("verdict=\"deny\" service=\"ssh\" at=\"2026-11-22T09:00\""), true},
	{EXPECT("verdict=\"deny\" service=\"ssh\" at=\"2026-12-24T09:00\""), true},
	/* At any time it is neither. */
	{EXPECT("verdict=\"deny\" service=\"ssh\""), false},
	{EXPECT("verdict=\"allow\" service=\"ssh\""), false},
	{EXPECT("verdict=\"allow\" service=\"ping\""), true},
	/* Offers are off unless they are named. */
	{EXPECT("verdict=\"deny\" service=\"ipp\""), true},
	{EXPECT("verdict=\"allow\" service=\"ipp\" offers=\"printing\""), true},
	{EXPECT("verdict=\"deny\" service=\"ipp\" offers=\"late\""), true},
	{EXPECT("verdict=\"allow\" service=\"ipp\" offers=\"late printing\""), true},
	{EXPECT("verdict=\"allow\" service=\"rdp\" offers=\"late\""), false},
	{EXPECT("verdict=\"allow\" service=\"rdp\" offers=\"late\" at=\"2026-11-23T09:00\""), true},
	{EXPECT("verdict=\"deny\" service=\"rdp\" at=\"2026-11-23T09:00\""), true},
};

START_TEST(expectations_know_time_and_offers)
{
	struct compile_summary summary;
	struct policy_file f;
	struct buffer octets;
	struct error e;

	policy_text_good(&f, expectations[_i].policy);
	buffer_init(&octets, 1 << 20);
	ck_assert_int_eq(compile_policy(&f.model, &terms, &octets, &summary, &e), E_OK);
	ck_assert_int_eq(expect_run(&f.model, buffer_view(&octets), &f.diagnostics, &e), E_OK);
	ck_assert_msg((f.diagnostics.errors == 0) == expectations[_i].holds, "%s",
		expectations[_i].policy);
	buffer_fini(&octets);
	policy_file_fini(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pmt-cases");
	TCase *tc = tcase_create("cases");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, cases_are_all_that_can_be, 0, 3);
	tcase_add_loop_test(tc, members_of_groups_are_cases_too, 0, 3);
	tcase_add_loop_test(tc, expectations_know_time_and_offers, 0,
		sizeof expectations / sizeof *expectations);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
