/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Authorities besides home: who may speak, what about, and how long. */
#include <string.h>

#include "common/crypto/digest.h"
#include "tests/pib/set/voices.h"
#include "tests/suite.h"

enum { BIG = 1 << 26 };

static struct world *w;
static struct voices *g;
static struct pri_failures failures;
static struct error error;

static struct view text(const char *s)
{
	return view_of_string(s);
}

static void set_up(void)
{
	w = world_new();
	g = voices_new(w);
	w->assignment_documents[ALICE].sent = false;
	w->set_documents[HOST].sent = false;
}

static void tear_down(void)
{
	voices_free(g);
	world_free(w);
}

static enum err verify_sent(struct state **ret)
{
	struct pri_store *rows;
	struct buffer run;
	struct view piece;
	enum err err;

	voices_put(g);
	buffer_init(&run, BIG);
	world_node(w, &run);
	piece = buffer_view(&run);
	pri_failures_init(&failures);
	err = pri_store_build(&piece, 1, &rows, &failures, &error);
	if (!err) {
		err = state_verify_node(rows, &w->terms, &w->node, ret, &failures, &error);
		pri_store_free(rows);
	}
	buffer_fini(&run);
	return err;
}

static void sign(void)
{
	world_roots(w);
	voices_sign(g);
	world_sign(w);
}

static enum err verify(struct state **ret)
{
	sign();
	return verify_sent(ret);
}

static struct state *must_verify(void)
{
	struct state *state = NULL;

	ck_assert_msg(!verify(&state), "%s", error.text);
	return state;
}

static void everybody_speaks(void)
{
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++)
		g->list[a].speaks = true;
}

START_TEST(all_may_speak_whom_home_names)
{
	struct state *state;
	uint64_t until = UINT64_MAX;

	everybody_speaks();
	state = must_verify();
	ck_assert_uint_eq(state->other_count, 4);
	ck_assert_uint_eq(state->set_count, 2 + 4);
	ck_assert_uint_eq(state->delegation_count, 2);
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++) {
		const struct state_set *set = state_find_set(state, a, text("*"));

		ck_assert_ptr_nonnull(set);
		ck_assert(state_set_counts(state, set, NOW, &until));
		ck_assert_uint_eq(until, NOW + 1000);
		ck_assert(!state_set_counts(state, set, NOW + 1001, &until));
		ck_assert(state_set_fits(set, text("lan")));
		ck_assert(!state_set_fits(set, VIEW_NONE));
	}
	state_free(state);
}
END_TEST

START_TEST(who_is_lent_ends_with_the_loan)
{
	struct voice *one = &g->list[AUTHORITY_RESPONDER];
	uint64_t until = UINT64_MAX;
	struct state *state;

	one->speaks = true;
	one->lent.not_after = NOW + 1000;
	state = must_verify();
	ck_assert(state_set_counts(state, &state->sets[2], NOW + 1000, &until));
	ck_assert(!state_set_counts(state, &state->sets[2], NOW + 1001, &until));
	state_free(state);
	/* Of another that goes on when it is past its time. */
	one = &g->list[AUTHORITY_OPERATOR];
	one->speaks = true;
	one->manifest.stale_rule = STALE_KEEP;
	state = must_verify();
	ck_assert(state_set_counts(state, &state->sets[2], NOW + 5000, &until));
	state_free(state);
}
END_TEST

static void end_by_itself(struct voice *one)
{
	one->manifest.not_after = NOW - 1;
}

static void end_with_its_index(struct voice *one)
{
	one->manifest.not_after = one->index.not_after = NOW - 1;
}

static void end_with_the_loan(struct voice *one)
{
	one->manifest.not_after = one->lent.not_after = NOW - 1;
}

/* Home has cut it short after the set was signed. */
static void end_before_its_time(struct voice *one)
{
	one->lent.not_after = NOW - 1;
}

static void withdraw(struct voice *one)
{
	one->manifest.stale_rule = STALE_KEEP;
	one->manifest.not_after = one->index.not_after = NOW - 1;
	one->rows.count = 0;
}

static const struct {
	void (*end)(struct voice *one);
	bool lent_only, tenants_only;
} ends[] = {
	{end_by_itself, false, false},
	{end_with_its_index, false, false},
	{end_with_the_loan, true, false},
	{end_before_its_time, true, false},
	{withdraw, false, true},
};

/* A node that hears of it for the first time is not left without home's policy. Who publishes it now
 * is refused all the same. */
START_TEST(what_has_ended_before_it_comes_refuses_nothing)
{
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++) {
		bool lent = a >= AUTHORITY_RESPONDER;
		uint64_t until = UINT64_MAX;
		struct state *state;

		if (lent ? ends[_i].tenants_only : ends[_i].lent_only)
			continue;
		tear_down();
		set_up();
		g->list[a].speaks = true;
		ends[_i].end(&g->list[a]);
		state = must_verify();
		ck_assert_uint_eq(state->set_count, 3);
		ck_assert_int_eq(state->sets[2].manifest.authority, a);
		ck_assert(!state_set_counts(state, &state->sets[2], NOW, &until));
		ck_assert(ends[_i].tenants_only ||
			  state_set_has_ended(state, &state->sets[2], NOW));
		ck_assert(!state_set_has_ended(state, &state->sets[0], UINT64_MAX));
		state_free(state);
		/* Its time over, it is still nobody else's to say. */
		g->list[a].signer = w->keys[0];
		ck_assert_int_eq(verify(&state), E_UNTRUSTED);
	}
}
END_TEST

START_TEST(an_old_index_needs_that_all_has_ended)
{
	struct voice *one = &g->list[AUTHORITY_OPERATOR];
	struct state *state = NULL;

	one->speaks = true;
	one->index.not_after = NOW - 1;
	ck_assert_int_eq(verify(&state), E_EXPIRED);
	ck_assert_msg(strstr(error.text, "the index is not valid after"), "%s", error.text);
	one->manifest.not_after = NOW - 1;
	state_free(must_verify());
}
END_TEST

/* ---- What is refused ---- */

static void all_but(enum authority a)
{
	for (size_t i = 0; i < 4; i++)
		if (g->leave[i].authority == a)
			g->leave[i].name = text("somebody else");
}

static void none(enum authority a)
{
	(void)a;
	w->assignments[GW1].authority_count = 0;
}

static void signed_by_home(enum authority a)
{
	g->list[a].signer = w->keys[0];
}

static void signed_by_another(enum authority a)
{
	g->list[a].signer = g->list[a == AUTHORITY_OPERATOR ? AUTHORITY_VISITED
							    : AUTHORITY_OPERATOR].key;
}

static void index_of_another(enum authority a)
{
	g->list[a].index.authority =
		a == AUTHORITY_OPERATOR ? AUTHORITY_VISITED : AUTHORITY_OPERATOR;
}

static void another_tenant(enum authority a)
{
	g->list[a].manifest.tenant = text("mallory");
}

static void another_tenants_index(enum authority a)
{
	g->list[a].index.tenant = text("mallory");
}

/* One that would be obeyed still. */
static void set_is_over(enum authority a)
{
	g->list[a].manifest.stale_rule = STALE_KEEP;
	g->list[a].manifest.not_after = NOW - 1;
}

static void index_is_over(enum authority a)
{
	g->list[a].index.not_after = NOW - 1;
}

static void not_yet(enum authority a)
{
	g->list[a].manifest.not_before = NOW + 1;
}

static void leaves_a_set_out(enum authority a)
{
	static struct set_entry entries[2];

	entries[0] = (struct set_entry){.name = text("*+lan")};
	entries[1] = (struct set_entry){.name = text("*"), .serial = g->list[a].manifest.serial};
	memcpy(entries[1].root, g->list[a].entry.root, SET_ROOT);
	g->list[a].index.entries = entries;
	g->list[a].index.entry_count = 2;
}

static void for_nobody_here(enum authority a)
{
	g->list[a].manifest.name = g->list[a].manifest.roles = text("*+gateway+lan");
}

static void for_another_node(enum authority a)
{
	static const uint8_t other[NODE_KEY] = {9};

	g->list[a].manifest.node = VIEW(other, sizeof other);
	g->list[a].manifest.name = text("*@other");
}

/* The index names roots, so it is written after them. */
static void other_rows(enum authority a)
{
	struct rows *rows = &g->list[a].rows;
	uint32_t first = g->list[a].manifest.block + 1;

	if (a == AUTHORITY_DIRECTORY)
		pri_set_u32(rows_get(rows, PIB_copsecGroupMember, first),
			copsecGroupMemberPrefixLength, 31);
	else
		pri_set_u32(rows_get(rows, PIB_ipSecRule, first), ipSecRuleOrder, 77);
}

static void nothing(enum authority a)
{
	(void)a;
}

enum { OF_TENANTS = 1, OF_LENT = 2, OF_ALL = 3 };

static const struct {
	const char *what;
	unsigned of;
	void (*spoil)(enum authority a);       /* before it is signed */
	void (*spoil_after)(enum authority a); /* and after */
	enum err err;
	const char *says;
} refusals[] = {
	{"home names nobody", OF_ALL, none, nothing, E_DENIED, "home does not name it"},
	{"home names somebody else", OF_ALL, all_but, nothing, E_DENIED, "home"},
	{"signed by home's key", OF_ALL, signed_by_home, nothing, E_UNTRUSTED, "copsecIndex."},
	{"signed by another's key", OF_ALL, signed_by_another, nothing, E_UNTRUSTED, "copsecIndex."},
	{"index of another", OF_ALL, index_of_another, nothing, E_MISMATCH, "stands in the place"},
	{"another tenant", OF_TENANTS, another_tenant, nothing, E_MISMATCH, "mallory"},
	{"beyond the loan's tenant", OF_LENT, another_tenant, nothing, E_DENIED, "mallory"},
	{"another tenant's index", OF_ALL, another_tenants_index, nothing, E_MISMATCH, "mallory"},
	{"set is over", OF_TENANTS, set_is_over, nothing, E_EXPIRED, "is not valid after"},
	{"index is over", OF_ALL, index_is_over, nothing, E_EXPIRED, "is not valid after"},
	{"not yet", OF_ALL, not_yet, nothing, E_EXPIRED, "is not valid before"},
	{"a set is left out", OF_ALL, nothing, nothing, E_MISSING, "*+lan is missing"},
	{"for nobody here", OF_ALL, for_nobody_here, nothing, E_UNEXPECTED, "none of this node's"},
	{"for another node", OF_ALL, for_another_node, nothing, E_DENIED, "is for another node"},
	{"other rows", OF_ALL, nothing, other_rows, E_MISMATCH, "have root"},
};

START_TEST(nobody_speaks_otherwise)
{
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++) {
		bool lent = a >= AUTHORITY_RESPONDER;
		struct state *state = NULL;
		enum err err;

		if (!(refusals[_i].of & (lent ? OF_LENT : OF_TENANTS)))
			continue;
		tear_down();
		set_up();
		g->list[a].speaks = true;
		refusals[_i].spoil(a);
		if (refusals[_i].err == E_MISSING) {
			voices_sign(g);
			leaves_a_set_out(a);
		}
		sign();
		refusals[_i].spoil_after(a);
		err = verify_sent(&state);
		ck_assert_msg(err == refusals[_i].err, "%s: %s: %d, %s", authority_name(a),
			refusals[_i].what, err, err ? error.text : "");
		ck_assert_msg(strstr(error.text, refusals[_i].says), "%s: %s", refusals[_i].what,
			error.text);
		ck_assert_uint_gt(failures.count, 0);
	}
}
END_TEST

/* ---- Trust lists ---- */

START_TEST(the_list_is_the_one_that_home_names)
{
	struct voice *one = &g->list[AUTHORITY_OPERATOR];
	struct state *state = NULL;

	one->speaks = true;
	sign();
	one->list.serial++; /* signed by itself, but nobody has named it */
	ck_assert_int_eq(verify(&state), E_UNTRUSTED);
	ck_assert_msg(strstr(error.text, "is not the one that home names"), "%s", error.text);
	one->list.serial--;
	buffer_reset(&one->list_cms);
	sign();
	buffer_reset(&one->list_cms);
	ck_assert_int_eq(verify_sent(&state), E_UNTRUSTED);
	ck_assert_msg(strstr(error.text, "has no trust list"), "%s", error.text);
}
END_TEST

START_TEST(the_next_list_follows_the_one_in_force)
{
	struct voice *one = &g->list[AUTHORITY_OPERATOR];
	struct state *before, *state = NULL;
	uint8_t digest[SHA256_SIZE];

	one->speaks = true;
	before = must_verify();
	w->terms.in_force = before;
	one->list.serial = 2;
	ck_assert_int_eq(verify(&state), E_MISMATCH); /* it names no list before */
	ck_assert_int_eq(sha256_of(before->others[0].trust->content, digest), E_OK);
	one->list.previous = VIEW(digest, sizeof digest);
	state = must_verify();
	state_free(state);
	one->list.serial = 1; /* the way back is closed, also for what home has named */
	one->list.previous = VIEW_NONE;
	w->terms.in_force = must_verify();
	state_free(before);
	one->list.serial = 2;
	one->list.previous = VIEW(digest, sizeof digest);
	before = must_verify();
	{
		const struct state *first = w->terms.in_force;

		w->terms.in_force = before;
		one->list.serial = 1;
		one->list.previous = VIEW_NONE;
		ck_assert_int_eq(verify(&state), E_STALE);
		ck_assert_msg(strstr(error.text, "the trust list has serial 1"), "%s", error.text);
		w->terms.in_force = first;
	}
	state_free(before);
	state_free((struct state *)(uintptr_t)w->terms.in_force);
}
END_TEST

/* ---- Serials, and silence ---- */

START_TEST(serials_never_go_back)
{
	static const struct voice_floor floors[] = {
		{AUTHORITY_OPERATOR, {(const uint8_t *)"isp", 3}, 5, 0},
		{AUTHORITY_RESPONDER, {(const uint8_t *)"defence", 7}, 5, 4},
	};
	struct serial_floors all = {.voices = floors, .voice_count = 1};
	struct state *state = NULL;

	g->list[AUTHORITY_OPERATOR].speaks = true;
	w->terms.floors = &all;
	ck_assert_int_eq(verify(&state), E_STALE);
	ck_assert_msg(strstr(error.text, "the index of authority operator (isp) has serial 4"), "%s",
		error.text);
	g->list[AUTHORITY_OPERATOR].index.serial = 5;
	state_free(must_verify());
	g->list[AUTHORITY_RESPONDER].speaks = true;
	g->list[AUTHORITY_RESPONDER].index.serial = 5;
	all.voice_count = 2;
	ck_assert_int_eq(verify(&state), E_STALE);
	ck_assert_msg(strstr(error.text, "delegation defence has serial 3"), "%s", error.text);
	g->list[AUTHORITY_RESPONDER].lent.serial = 4;
	state_free(must_verify());
}
END_TEST

START_TEST(under_one_serial_is_one_content)
{
	struct voice *one = &g->list[AUTHORITY_OPERATOR];
	struct state *before, *state = NULL;

	one->speaks = true;
	before = must_verify();
	w->terms.in_force = before;
	one->manifest.serial++;
	ck_assert_int_eq(verify(&state), E_CONFLICT);
	one->index.serial++;
	state_free(must_verify());
	one->manifest.serial = 6;
	ck_assert_int_eq(verify(&state), E_STALE);
	ck_assert_msg(strstr(error.text, "set * has serial 6, but 7"), "%s", error.text);
	state_free(before);
}
END_TEST

START_TEST(nobody_is_silenced_by_who_serves)
{
	static const enum authority who[] = {AUTHORITY_OPERATOR, AUTHORITY_RESPONDER};

	for (size_t i = 0; i < 2; i++) {
		struct state *before, *state = NULL;

		tear_down();
		set_up();
		g->list[who[i]].speaks = true;
		before = must_verify();
		w->terms.in_force = before;
		g->list[who[i]].speaks = false;
		ck_assert_int_eq(verify(&state), E_MISSING);
		ck_assert_msg(strstr(error.text, "is in force, and missing here"), "%s",
			error.text);
		/* By home's word it is. */
		w->assignments[GW1].authority_count = 0;
		w->assignments[GW1].serial++;
		state_free(must_verify());
		state_free(before);
	}
}
END_TEST

START_TEST(a_set_goes_away_by_an_empty_one)
{
	struct voice *one = &g->list[AUTHORITY_OPERATOR];
	uint64_t until = UINT64_MAX;
	struct state *state;

	one->speaks = true;
	one->rows.count = 0;
	state = must_verify();
	ck_assert(!state_set_counts(state, &state->sets[2], NOW, &until));
	ck_assert_uint_eq(until, UINT64_MAX);
	state_free(state);
}
END_TEST

/* ---- Bounds ---- */

static void lasts_too_long(struct voice *one)
{
	one->lent.longest_duration = 1999;
}

static void ends_after_the_loan(struct voice *one)
{
	one->lent.not_after = NOW + 999;
}

static void begins_before_the_loan(struct voice *one)
{
	one->lent.not_before = NOW - 999;
}

static void never_ends(struct voice *one)
{
	one->manifest.stale_rule = STALE_KEEP;
}

static void touches_the_node(struct voice *one)
{
	(void)one;
	g->never = (struct never_touch){.kind = NEVER_NODE, .name = text("gw1")};
}

static void touches_its_role(struct voice *one)
{
	(void)one;
	g->never = (struct never_touch){.kind = NEVER_ROLE, .name = text("gateway")};
}

static void touches_its_interface(struct voice *one)
{
	(void)one;
	g->never = (struct never_touch){.kind = NEVER_ROLE, .name = text("lan")};
}

static void loan_of_another_tenant(struct voice *one)
{
	one->lent.tenant = text("mallory");
}

static const struct {
	unsigned of; /* responder 1, directory 2 */
	void (*spoil)(struct voice *one);
	enum err err;
	const char *says;
} bounds[] = {
	{3, lasts_too_long, E_RANGE, "lasts 2000 s"},
	{3, ends_after_the_loan, E_RANGE, "is not within the delegation's"},
	{3, begins_before_the_loan, E_RANGE, "is not within the delegation's"},
	{3, never_ends, E_RANGE, "does not end by itself"},
	{1, touches_the_node, E_DENIED, "node gw1 is never to be touched"},
	{1, touches_its_role, E_DENIED, "role gateway is never to be touched"},
	{1, touches_its_interface, E_DENIED, "role lan is never to be touched"},
	{3, loan_of_another_tenant, E_MISMATCH, "mallory"},
};

START_TEST(a_loan_has_bounds)
{
	for (enum authority a = AUTHORITY_RESPONDER; a <= AUTHORITY_DIRECTORY; a++) {
		struct state *state = NULL;
		enum err err;

		if (!(bounds[_i].of >> (a - AUTHORITY_RESPONDER) & 1))
			continue;
		tear_down();
		set_up();
		g->list[a].speaks = true;
		bounds[_i].spoil(&g->list[a]);
		err = verify(&state);
		ck_assert_msg(err == bounds[_i].err, "%s: %d, %s", authority_name(a), err,
			err ? error.text : "nothing");
		ck_assert_msg(strstr(error.text, bounds[_i].says), "%s", error.text);
	}
}
END_TEST

/* What became narrower ends what was wider, and refuses nothing else. */
START_TEST(a_narrower_loan_ends_what_was_wider)
{
	struct voice *one = &g->list[AUTHORITY_RESPONDER];
	struct state *before, *state;
	uint64_t until = UINT64_MAX;

	one->speaks = true;
	g->response.duration = 5;
	before = must_verify();
	w->terms.in_force = before;
	one->lent.longest_duration = 10;
	one->lent.serial++;
	state = must_verify();
	ck_assert(!state_set_counts(state, &state->sets[2], NOW, &until));
	state_free(state);
	state_free(before);
}
END_TEST

/* ---- Evidence ---- */

static void one_sensor_alone(void)
{
	g->trusted.least = 3;
	g->response.sensors = 1;
}

static void the_same_sensor_twice(void)
{
	key_free(g->sensors[1]);
	g->sensors[1] = g->sensors[0];
	g->sensor_of[1] = g->sensor_of[0];
	g->alerts[1] = g->alerts[0];
}

static void not_a_sensor(void)
{
	g->sensor_of[1].roles = text("host");
}

static void another_kind(void)
{
	g->trusted.alert = text("scan");
	g->alerts[1].kind = text("noise");
}

static void in_anothers_name(void)
{
	g->alerts[1].node = text("ids1");
}

static void a_sensor_of_others(void)
{
	g->sensor_of[1].tenant = text("mallory");
	g->alerts[1].tenant = text("mallory");
}

static const struct {
	void (*spoil)(void);
	const char *says;
} witnesses[] = {
	{one_sensor_alone, "2 alerts are not what home asks for"},
	{the_same_sensor_twice, "2 alerts are not what home asks for"},
	{not_a_sensor, "2 alerts are not what home asks for"},
	{another_kind, "2 alerts are not what home asks for"},
	{in_anothers_name, "the alert is in another's name"},
	{a_sensor_of_others, "another tenant"},
};

START_TEST(an_attack_cannot_be_invented)
{
	struct state *state = NULL;

	g->list[AUTHORITY_RESPONDER].speaks = true;
	state_free(must_verify());
	witnesses[_i].spoil();
	for (uint32_t i = 0; i < SENSORS; i++)
		rows_drop(&g->list[AUTHORITY_RESPONDER].rows, PIB_copsecEvidence,
			g->list[AUTHORITY_RESPONDER].manifest.block + 200 + i);
	ck_assert_int_ne(verify(&state), E_OK);
	ck_assert_msg(strstr(error.text, witnesses[_i].says), "%s", error.text);
	if (g->sensors[0] == g->sensors[1])
		g->sensors[1] = NULL;
}
END_TEST

/* ---- What each may say ---- */

START_TEST(nobody_says_what_is_anothers_to_say)
{
	static const struct {
		enum authority who;
		enum pib_class_id class;
		bool may;
	} says[] = {
		{AUTHORITY_OPERATOR, PIB_copsecGroup, false},
		{AUTHORITY_OPERATOR, PIB_copsecGroupMember, false},
		{AUTHORITY_OPERATOR, PIB_ipSecL4Port, true},
		{AUTHORITY_VISITED, PIB_copsecPeerKey, false},
		{AUTHORITY_RESPONDER, PIB_ipSecCredential, false},
		{AUTHORITY_RESPONDER, PIB_copsecOffer, false},
		{AUTHORITY_DIRECTORY, PIB_ipSecL4Port, false},
		{AUTHORITY_DIRECTORY, PIB_ipSecRule, false},
		{AUTHORITY_DIRECTORY, PIB_copsecPeerKey, true},
	};

	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
		struct state *state = NULL;
		struct voice *one;
		struct pri *p;
		enum err err;

		tear_down();
		set_up();
		one = &g->list[says[i].who];
		one->speaks = true;
		p = rows_add(&one->rows, says[i].class, one->manifest.block + 90);
		if (says[i].class == PIB_ipSecL4Port)
			pri_set_u32(p, ipSecL4PortGroupId, one->manifest.block + 90);
		err = verify(&state);
		ck_assert_msg((err == E_OK) == says[i].may, "%zu: %s", i, err ? error.text : "");
		if (!says[i].may)
			ck_assert_msg(strstr(error.text, "is not for authority") ||
					      failures.count > 0, "%s", error.text);
		state_free(state);
	}
}
END_TEST

/* ---- A bundle of one alone, as a decision point gets it ---- */

static enum err verify_bundle(struct voice *one, const struct state_leave *leave)
{
	struct state_terms terms = {.trust = w->trust, .now_utc = NOW, .leave = leave};
	struct state *state = NULL;
	struct pri_store *rows;
	struct view piece;
	enum err err;

	one->speaks = true;
	sign();
	buffer_reset(&one->lent_cms); /* it is home's to send */
	voices_put(g);
	piece = buffer_view(&w->more);
	pri_failures_init(&failures);
	ck_assert_int_eq(pri_store_build(&piece, 1, &rows, &failures, &error), E_OK);
	err = state_verify_bundle(rows, &terms, &state, &failures, &error);
	pri_store_free(rows);
	state_free(state);
	return err;
}

START_TEST(a_bundle_needs_homes_leave_too)
{
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++) {
		const struct delegation *lent;
		struct state_leave leave;

		tear_down();
		set_up();
		lent = &g->list[a].lent;
		leave = (struct state_leave){.tenant = text("acme"),
			.authorities = g->leave,
			.authority_count = 4,
			.delegations = &lent,
			.delegation_count = lent->name.len != 0};
		ck_assert_msg(!verify_bundle(&g->list[a], &leave), "%s: %s", authority_name(a),
			error.text);
		leave.authority_count = 0;
		ck_assert_int_eq(verify_bundle(&g->list[a], &leave), E_DENIED);
		/* What has ended is no news. */
		leave.authority_count = 4;
		g->list[a].manifest.not_after = NOW - 1;
		ck_assert_int_eq(verify_bundle(&g->list[a], &leave), E_EXPIRED);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("guests");
	TCase *c = tcase_create("guests");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, all_may_speak_whom_home_names);
	tcase_add_test(c, who_is_lent_ends_with_the_loan);
	tcase_add_loop_test(c, what_has_ended_before_it_comes_refuses_nothing, 0,
		sizeof ends / sizeof ends[0]);
	tcase_add_test(c, an_old_index_needs_that_all_has_ended);
	tcase_add_loop_test(c, nobody_speaks_otherwise, 0, sizeof refusals / sizeof refusals[0]);
	tcase_add_test(c, the_list_is_the_one_that_home_names);
	tcase_add_test(c, the_next_list_follows_the_one_in_force);
	tcase_add_test(c, serials_never_go_back);
	tcase_add_test(c, under_one_serial_is_one_content);
	tcase_add_test(c, nobody_is_silenced_by_who_serves);
	tcase_add_test(c, a_set_goes_away_by_an_empty_one);
	tcase_add_loop_test(c, a_loan_has_bounds, 0, sizeof bounds / sizeof bounds[0]);
	tcase_add_test(c, a_narrower_loan_ends_what_was_wider);
	tcase_add_loop_test(c, an_attack_cannot_be_invented, 0,
		sizeof witnesses / sizeof witnesses[0]);
	tcase_add_test(c, nobody_says_what_is_anothers_to_say);
	tcase_add_test(c, a_bundle_needs_homes_leave_too);
	suite_add_tcase(s, c);
	return suite_main(s);
}
