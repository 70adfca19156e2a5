/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node is to do, of what home, operator, responder and directory say, moment by moment. */
#include "pep/enforce/intent.h"

#include <string.h>

#include "pib/plan/walk.h"
#include "pib/policy/policy.h"
#include "tests/pib/set/voices.h"
#include "tests/suite.h"

enum {
	BIG = 1 << 26,
	EVERYTHING = 1, /* selectors: all flows, those from the group, those from one network */
	FROM_GROUP,
	FROM_NETWORK,
	GROUP_TAG = 70,
	NETWORK_TAG,
	ANY_PROTOCOL = 255,
};

static struct world *w;
static struct voices *g;
static struct state *state;
static struct intent intent;
static struct verdict verdict;
static struct error error;

/* ---- Rows ---- */

static void begin_rows(struct rows *r, uint32_t block)
{
	struct pri *p;

	r->count = 0;
	for (uint32_t i = EVERYTHING; i <= FROM_NETWORK; i++) {
		p = rows_add(r, PIB_ipSecSelectorSet, block + i);
		pri_set_u32(p, ipSecSelectorSetSelectorSetId, block + 10 + i);
		pri_set_prid(p, ipSecSelectorSetSelectorId, PIB_ipSecSelector, block + i);
		pri_set_bool(p, ipSecSelectorSetIsNegated, false);
		p = rows_add(r, PIB_ipSecSelector, block + i);
		pri_set_u32(p, ipSecSelectorProtocol, ANY_PROTOCOL);
		pri_set_i32(p, ipSecSelectorDscp, -1);
		pri_set_i32(p, ipSecSelectorFlowLabel, -1);
		if (i != EVERYTHING)
			pri_set_u32(p, ipSecSelectorSrcAddressGroupId,
			            block + (i == FROM_GROUP ? GROUP_TAG : NETWORK_TAG));
	}
	p = rows_add(r, PIB_ipSecAddress, block + 1);
	pri_set_i32(p, ipSecAddressAddressType, ipSecAddressAddressType_ipv4);
	pri_set_octets(p, ipSecAddressAddrMin, VIEW("\xc6\x33\x64\x00", 4));
	pri_set_octets(p, ipSecAddressAddrMax, VIEW("\xc6\x33\x64\x00", 4));
	pri_set_u32(p, ipSecAddressAddrPrefixLength, 24);
	pri_set_u32(p, ipSecAddressGroupId, block + NETWORK_TAG);
	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_add(r, PIB_ipSecActionSet, block + i);
		pri_set_u32(p, ipSecActionSetActionSetId, block + 20 + i);
		pri_set_prid(p, ipSecActionSetActionId, PIB_ipSecStaticAction, block + i);
		p = rows_add(r, PIB_ipSecStaticAction, block + i);
		pri_set_i32(p, ipSecStaticActionAction,
		            i == 1 ? ipSecStaticActionAction_byPass
		                   : ipSecStaticActionAction_discard);
	}
}

static void add_rule(struct rows *r, uint32_t block, uint32_t n, const char *roles,
                     uint32_t selector, bool discards, bool forward)
{
	struct pri *p = rows_add(r, PIB_ipSecRule, block + n);

	pri_set_text(p, ipSecRuleRoles, roles);
	pri_set_i32(p, ipSecRuleDirection, ipSecRuleDirection_in);
	pri_set_u32(p, ipSecRuleIpSecSelectorSetId, block + 10 + selector);
	pri_set_u32(p, ipSecRuleIpSecActionSetId, block + (discards ? 22 : 21));
	pri_set_u32(p, ipSecRuleOrder, n);
	p = rows_add(r, PIB_copsecRule, block + n);
	pri_set_text(p, copsecRuleName, discards ? "never" : "allowed");
	pri_set_bool(p, copsecRuleForward, forward);
}

/* All directions pass, but what the first rule is about. */
static void add_open_end(struct rows *r, uint32_t block, uint32_t n, const char *roles)
{
	static const int32_t directions[] = {ipSecRuleDirection_in, ipSecRuleDirection_out,
	                                     ipSecRuleDirection_in};

	for (uint32_t i = 0; i < 3; i++) {
		add_rule(r, block, n + i, roles, EVERYTHING, false, i == 2);
		pri_set_i32(rows_get(r, PIB_ipSecRule, block + n + i), ipSecRuleDirection,
		            directions[i]);
	}
}

static void home_fills_group(enum authority by)
{
	uint32_t block = w->manifests[LAN].block;
	struct pri *p;

	begin_rows(w->rows[LAN], block);
	add_rule(w->rows[LAN], block, 1, "lan", FROM_GROUP, false, false);
	p = rows_add(w->rows[LAN], PIB_copsecGroup, block + 1);
	pri_set_u32(p, copsecGroupAddressGroupId, block + GROUP_TAG);
	pri_set_text(p, copsecGroupName, "admitted");
	pri_set_i32(p, copsecGroupAuthority, (int32_t)by);
}

static void home_lets_all_in(void)
{
	uint32_t block = w->manifests[LAN].block;

	begin_rows(w->rows[LAN], block);
	add_rule(w->rows[LAN], block, 1, "lan", EVERYTHING, false, false);
}

static void guest_forbids(enum authority who, uint32_t selector)
{
	struct voice *one = &g->list[who];
	uint32_t block = one->manifest.block;

	one->speaks = true;
	begin_rows(&one->rows, block);
	add_rule(&one->rows, block, 1, "*", selector, true, false);
	add_open_end(&one->rows, block, 2, "*");
}

/* ---- The plan ---- */

static void set_up(void)
{
	w = world_new();
	g = voices_new(w);
	w->assignment_documents[ALICE].sent = false;
	w->set_documents[HOST].sent = false;
	begin_rows(w->rows[GATEWAY], w->manifests[GATEWAY].block);
	add_rule(w->rows[GATEWAY], w->manifests[GATEWAY].block, 1, "gateway", EVERYTHING, false,
	         true);
	home_lets_all_in();
}

static void forget(void)
{
	intent.plan = plan_free(intent.plan);
	state = state_free(state);
}

static void tear_down(void)
{
	forget();
	voices_free(g);
	world_free(w);
}

static void verify(void)
{
	struct pri_failures failures;
	struct pri_store *rows;
	struct buffer run;
	struct view piece;

	world_roots(w);
	voices_sign(g);
	world_sign(w);
	voices_put(g);
	buffer_init(&run, BIG);
	world_node(w, &run);
	piece = buffer_view(&run);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&piece, 1, &rows, &failures, &error), "%s", error.text);
	ck_assert_msg(!state_verify_node(rows, &w->terms, &w->node, &state, &failures, &error),
	              "%s", error.text);
	pri_store_free(rows);
	buffer_fini(&run);
}

static enum err make(uint64_t now)
{
	struct intent_terms terms = {
		.input = {.mark_mask = MARK_MASK_DEFAULT, .node_roles = ""}, .now_utc = now};

	intent.plan = plan_free(intent.plan);
	verdict_init(&verdict);
	return intent_make(state, &terms, &intent, &verdict);
}

static void must_make(uint64_t now)
{
	ck_assert_msg(!make(now), "%s", verdict.why.text);
}

/* TCP to the node from this address. */
static bool comes_in(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	struct plan_packet packet = {
		.flow = {.family = FLOW_IPV4, .source = {a, b, c, d}, .destination = {192, 0, 2, 1},
		         .protocol = 6, .source_port = 4000, .destination_port = 80,
		         .direction = FLOW_IN},
		.in = "eth0",
	};
	struct plan_end end;

	plan_walk(intent.plan, &packet, &end);
	return end.accepted;
}

/* ---- Groups ---- */

START_TEST(a_directory_fills_the_groups_that_home_leaves_to_it)
{
	struct voice *who = &g->list[AUTHORITY_DIRECTORY];

	home_fills_group(AUTHORITY_DIRECTORY);
	verify();
	must_make(NOW);
	ck_assert_msg(!comes_in(192, 0, 2, 7), "nobody fills it, so it matches nothing");
	forget();
	who->speaks = true;
	verify();
	must_make(NOW);
	ck_assert(comes_in(192, 0, 2, 7));
	ck_assert(!comes_in(192, 0, 2, 8));
	/* It counts as long as its set, and no longer. */
	ck_assert_uint_eq(intent.until, NOW + 1000);
	must_make(NOW + 1001);
	ck_assert(!comes_in(192, 0, 2, 7));
	forget();
	pri_set_u64(rows_get(&who->rows, PIB_copsecGroupMember, who->manifest.block + 1),
	            copsecGroupMemberNotAfter, NOW + 5);
	verify();
	must_make(NOW + 5);
	ck_assert(comes_in(192, 0, 2, 7));
	ck_assert_uint_eq(intent.until, NOW + 5);
	must_make(NOW + 6);
	ck_assert(!comes_in(192, 0, 2, 7));
	ck_assert_uint_eq(intent.until, NOW + 1000);
}
END_TEST

START_TEST(nobody_fills_what_home_keeps_for_itself)
{
	home_fills_group(AUTHORITY_HOME);
	g->list[AUTHORITY_DIRECTORY].speaks = true;
	verify();
	must_make(NOW);
	ck_assert(!comes_in(192, 0, 2, 7));
}
END_TEST

static void another_group(struct pri *p)
{
	pri_set_text(p, copsecGroupMemberGroup, "administrators");
}

static void another_network(struct pri *p)
{
	pri_set_octets(p, copsecGroupMemberAddress, VIEW("\xc0\x00\x03\x07", 4));
}

static void too_wide(struct pri *p)
{
	pri_set_octets(p, copsecGroupMemberAddress, VIEW("\xc0\x00\x02\x00", 4));
	pri_set_u32(p, copsecGroupMemberPrefixLength, 23);
}

static void too_many(struct pri *p)
{
	struct voice *who = &g->list[AUTHORITY_DIRECTORY];

	(void)p;
	for (uint32_t i = 2; i <= 3; i++) {
		static const uint8_t addresses[][4] = {{192, 0, 2, 2}, {192, 0, 2, 3}};
		struct pri *more =
			rows_add(&who->rows, PIB_copsecGroupMember, who->manifest.block + i);

		pri_set_text(more, copsecGroupMemberGroup, "admitted");
		pri_set_i32(more, copsecGroupMemberAddressType,
		            copsecGroupMemberAddressType_ipv4);
		pri_set_octets(more, copsecGroupMemberAddress, VIEW(addresses[i - 2], 4));
		pri_set_u32(more, copsecGroupMemberPrefixLength, 32);
	}
}

static const struct {
	void (*spoil)(struct pri *p);
	const char *says;
} directories[] = {
	{another_group, "nothing is granted for administrators"},
	{another_network, "not within what is granted for admitted"},
	{too_wide, "not within what is granted for admitted"},
	{too_many, "more members than the 2"},
};

START_TEST(a_directory_has_bounds)
{
	struct voice *who = &g->list[AUTHORITY_DIRECTORY];

	home_fills_group(AUTHORITY_DIRECTORY);
	who->speaks = true;
	directories[_i].spoil(
		rows_get(&who->rows, PIB_copsecGroupMember, who->manifest.block + 1));
	verify();
	ck_assert_int_eq(make(NOW), E_DENIED);
	ck_assert_msg(strstr(verdict.why.text, directories[_i].says), "%s", verdict.why.text);
	ck_assert_uint_eq(verdict.failures.count, 1);
}
END_TEST

/* ---- Operator and responder ---- */

START_TEST(the_strictest_counts_and_ends)
{
	guest_forbids(AUTHORITY_OPERATOR, FROM_NETWORK);
	verify();
	must_make(NOW);
	ck_assert(!comes_in(198, 51, 100, 9));
	ck_assert(comes_in(192, 0, 2, 7));
	ck_assert_uint_eq(intent.until, NOW + 1000);
	must_make(NOW + 1001);
	ck_assert_msg(comes_in(198, 51, 100, 9), "it has ended");
	ck_assert_uint_eq(intent.until, UINT64_MAX);
}
END_TEST

static struct inet_prefix prefix(const char *octets, uint32_t length)
{
	return (struct inet_prefix){1, VIEW(octets, 4), length};
}

static void keeps_to_them(struct voice *one)
{
	(void)one;
}

static void touches_what_must_not_be(struct voice *one)
{
	(void)one;
	g->never = (struct never_touch){
		.kind = NEVER_ADDRESSES, .prefix = prefix("\xc6\x33\x64\x35", 32)};
}

static void touches_others_only(struct voice *one)
{
	(void)one;
	g->never = (struct never_touch){
		.kind = NEVER_ADDRESSES, .prefix = prefix("\xcb\x00\x71\x35", 32)};
}

static void has_too_many_rules(struct voice *one)
{
	one->lent.most_rules = 3;
}

static void isolates(struct voice *one)
{
	guest_forbids(AUTHORITY_RESPONDER, EVERYTHING);
	one->rows.count = 0;
	begin_rows(&one->rows, one->manifest.block);
	add_rule(&one->rows, one->manifest.block, 1, "*", EVERYTHING, true, false);
}

static void isolates_with_leave(struct voice *one)
{
	isolates(one);
	one->lent.may_isolate = true;
}

static const struct {
	void (*how)(struct voice *one);
	const char *says; /* NULL: it is within its bounds */
} responders[] = {
	{keeps_to_them, NULL},
	{touches_what_must_not_be, "never to be touched"},
	{touches_others_only, NULL},
	{has_too_many_rules, "4 rules, the delegation permits 3"},
	{isolates, "permits no quarantine"},
	{isolates_with_leave, NULL},
};

START_TEST(a_responder_has_bounds)
{
	struct voice *one = &g->list[AUTHORITY_RESPONDER];

	guest_forbids(AUTHORITY_RESPONDER, FROM_NETWORK);
	responders[_i].how(one);
	verify();
	if (!responders[_i].says) {
		must_make(NOW);
		ck_assert(!comes_in(198, 51, 100, 9));
		return;
	}
	ck_assert_int_eq(make(NOW), E_DENIED);
	ck_assert_msg(strstr(verdict.why.text, responders[_i].says), "%s", verdict.why.text);
	ck_assert_uint_gt(verdict.failures.count, 0);
}
END_TEST

/* ---- Past its time ---- */

START_TEST(home_does_not_end_but_may_tighten_or_close)
{
	static const struct {
		enum stale_rule rule;
		bool passes;
	} rules[] = {{STALE_KEEP, true}, {STALE_TIGHTEN, false}, {STALE_QUARANTINE, false}};

	for (size_t i = 0; i < 3; i++) {
		w->manifests[LAN].stale_rule = rules[i].rule;
		verify();
		must_make(NOW + 1000);
		ck_assert(comes_in(192, 0, 2, 7));
		ck_assert(intent.until == (rules[i].passes ? UINT64_MAX : NOW + 1000));
		must_make(NOW + 1001);
		ck_assert(comes_in(192, 0, 2, 7) == rules[i].passes);
		ck_assert_uint_eq(intent.until, UINT64_MAX);
		forget();
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("intent");
	TCase *c = tcase_create("intent");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_directory_fills_the_groups_that_home_leaves_to_it);
	tcase_add_test(c, nobody_fills_what_home_keeps_for_itself);
	tcase_add_loop_test(c, a_directory_has_bounds, 0,
	                    sizeof directories / sizeof directories[0]);
	tcase_add_test(c, the_strictest_counts_and_ends);
	tcase_add_loop_test(c, a_responder_has_bounds, 0,
	                    sizeof responders / sizeof responders[0]);
	tcase_add_test(c, home_does_not_end_but_may_tighten_or_close);
	suite_add_tcase(s, c);
	return suite_main(s);
}
