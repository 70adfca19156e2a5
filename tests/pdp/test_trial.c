/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A policy that some nodes try first, and publishers that follow what becomes of it. */
#include "pdp/decision/trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "pib/publishing/standing.h"
#include "tests/pdp/fixture.h"
#include "tests/suite.h"

/* Sends the order, with tenant->objects if it has a bundle; false: refused, why is in `failure`. */
static bool give(const struct publishing_order *order)
{
	struct client c = {
		.pepid = "admin",
		.key = tenant->publisher,
		.client_type = COPS_CLIENT_PUBLISHING,
		.order = order,
	};
	bool taken;

	connect_client(&c);
	UNTIL(c.decisions || c.ended);
	taken = c.nulls == 1;
	ck_assert_uint_eq(c.errors, !taken);
	if (!taken)
		snprintf(failure.text, sizeof failure.text, "%s", buffer_string(&c.refusal));
	drop_client(&c);
	return taken;
}

static struct publishing_order try_by_gateways(uint64_t base)
{
	return (struct publishing_order){
		.action = PUBLISHING_TRY, .base = base, .roles = view_of_string("gateway")};
}

static void let_gateways_try(uint64_t serial)
{
	struct publishing_order order = try_by_gateways(server_serial(server));

	tenant_pack(tenant, serial);
	ck_assert_msg(give(&order), "%s", failure.text);
	ck_assert_uint_eq(server_tried_serial(server), serial);
}

static struct client nodes[NODES];

static void connect_nodes(void)
{
	for (size_t i = 0; i < NODES; i++) {
		nodes[i] = node_client(i);
		connect_client(&nodes[i]);
	}
}

static void drop_nodes(void)
{
	for (size_t i = 0; i < NODES; i++)
		drop_client(&nodes[i]);
}

static void set_up(void)
{
	fixture_set_up();
	publish(20);
	connect_nodes();
	UNTIL(converged(20));
}

/* ---- Who gets what ---- */

START_TEST(those_with_the_role_try_and_the_others_follow_when_it_is_promoted)
{
	const struct publishing_order promote = {
		.action = PUBLISHING_PROMOTE, .base = 21, .serial = 21};

	let_gateways_try(21);
	UNTIL(nodes[GW1].serial == 21 && converged(20));
	ck_assert_uint_eq(server_serial(server), 20);
	ck_assert_uint_eq(nodes[ALICE].serial, 20);
	ck_assert_uint_eq(nodes[ALICE].decisions, 1);
	ck_assert_msg(give(&promote), "%s", failure.text);
	ck_assert_uint_eq(server_tried_serial(server), 0);
	UNTIL(nodes[ALICE].serial == 21 && converged(21));
	ck_assert_uint_eq(nodes[ALICE].deltas, 1);
	ck_assert_uint_eq(nodes[GW1].deltas, 1);
	ck_assert_uint_eq(nodes[GW1].decisions, 2);
	drop_nodes();
}
END_TEST

START_TEST(the_way_back_is_a_newer_publication_for_all)
{
	const struct publishing_order back = {.action = PUBLISHING_PUBLISH, .base = 21};

	let_gateways_try(21);
	UNTIL(nodes[GW1].serial == 21 && converged(20));
	tenant_pack(tenant, 22);
	ck_assert_msg(give(&back), "%s", failure.text);
	ck_assert_uint_eq(server_serial(server), 22);
	ck_assert_uint_eq(server_tried_serial(server), 0);
	UNTIL(converged(22));
	for (size_t i = 0; i < NODES; i++) {
		ck_assert_uint_eq(nodes[i].serial, 22);
		/* Neither had to get everything again. */
		ck_assert_uint_eq(nodes[i].deltas, nodes[i].decisions - 1);
	}
	drop_nodes();
}
END_TEST

/* The same nodes try after a restart, and who comes then gets the same as before. */
START_TEST(a_trial_survives_the_decision_point)
{
	const struct publishing_order promote = {
		.action = PUBLISHING_PROMOTE, .base = 21, .serial = 21};

	let_gateways_try(21);
	UNTIL(nodes[GW1].serial == 21 && converged(20));
	drop_nodes();
	server = server_free(server);
	start_server();
	ck_assert_uint_eq(server_serial(server), 20);
	ck_assert_uint_eq(server_tried_serial(server), 21);
	connect_nodes();
	UNTIL(converged(20));
	ck_assert_uint_eq(nodes[GW1].serial, 21);
	ck_assert_uint_eq(nodes[ALICE].serial, 20);
	ck_assert_msg(give(&promote), "%s", failure.text);
	UNTIL(nodes[ALICE].serial == 21 && converged(21));
	ck_assert_uint_eq(nodes[ALICE].deltas, 1);
	drop_nodes();
	server = server_free(server);
	start_server();
	ck_assert_uint_eq(server_serial(server), 21);
	ck_assert_uint_eq(server_tried_serial(server), 0);
}
END_TEST

START_TEST(a_node_that_the_tried_policy_lacks_keeps_what_it_has)
{
	tenant->world->assignment_documents[ALICE].sent = false;
	let_gateways_try(21);
	UNTIL(nodes[GW1].serial == 21);
	ck_assert_str_eq(standing("alice"), "in force");
	ck_assert(!nodes[ALICE].ended);
	drop_nodes();
}
END_TEST

START_TEST(a_new_node_that_tries_is_let_in)
{
	drop_nodes();
	tenant->world->assignment_documents[GW1].sent = false;
	publish(21);
	ck_assert_str_eq(standing("gw1"), "");
	tenant->world->assignment_documents[GW1].sent = true;
	let_gateways_try(22);
	ck_assert_str_eq(standing("gw1"), "away");
	connect_nodes();
	UNTIL(nodes[GW1].serial == 22 && nodes[ALICE].serial == 21);
	drop_nodes();
}
END_TEST

/* A share is of the nodes with the least digests: sha256(alice) = 2bd8..., sha256(gw1) = 548b... */
START_TEST(a_share_is_one_node_at_least_and_always_the_same)
{
	static const struct {
		uint32_t share;
		bool alice, gw1;
	} rows[] = {{1, true, false}, {50, true, false}, {51, true, true}, {100, true, true}};
	struct publication *before, *tried;
	struct trial *trial;

	tenant_pack(tenant, 20);
	before = tenant_publication(tenant, NULL);
	tenant_pack(tenant, 21);
	tried = tenant_publication(tenant, before);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct store_trial terms = {true, rows[i].share, ""};

		ck_assert_int_eq(trial_new(&terms, tried, before, &trial, &failure), E_OK);
		ck_assert_uint_eq(trial_count(trial), (size_t)(rows[i].alice + rows[i].gw1));
		ck_assert_int_eq(
			trial_chooses(trial, publication_find_name(tried, "alice")), rows[i].alice);
		ck_assert_int_eq(
			trial_chooses(trial, publication_find_name(tried, "gw1")), rows[i].gw1);
		trial_free(trial);
	}
	publication_free(tried);
	publication_free(before);
	drop_nodes();
}
END_TEST

/* ---- Publishers in each other's way ---- */

static const struct {
	const char *what;
	bool during_trial; /* of serial 21, over 20 */
	struct publishing_order order;
	const char *why;
} conflicts[] = {
	{"publish on what was there before another one came", false,
		{.action = PUBLISHING_PUBLISH, .on_condition = true, .base = 19},
		"somebody else was faster: serial 20 is there, published by sha256:"},
	{"the same, during a trial", true,
		{.action = PUBLISHING_PUBLISH, .on_condition = true, .base = 20},
		"somebody else was faster: serial 21 is there, published by sha256:"},
	{"publish without having looked", true, {.action = PUBLISHING_PUBLISH},
		"serial 21 is being tried, by"},
	{"a second trial", true,
		{.action = PUBLISHING_TRY, .on_condition = true, .base = 21, .share = 100},
		"serial 21 is being tried: one policy after the other"},
	{"promote something else", true,
		{.action = PUBLISHING_PROMOTE, .on_condition = true, .base = 21, .serial = 20},
		"serial 20 is not being tried"},
	{"promote nothing", false,
		{.action = PUBLISHING_PROMOTE, .on_condition = true, .base = 20, .serial = 20},
		"serial 20 is not being tried"},
	{"a trial by nobody", false,
		{.action = PUBLISHING_TRY,
			.on_condition = true,
			.base = 20,
			.roles = {(const uint8_t *)"x", 1}},
		"no node has the roles x"},
};

START_TEST(of_two_publishers_one_is_told_that_the_other_was_faster)
{
	struct publishing_order order = conflicts[_i].order;

	if (conflicts[_i].during_trial)
		let_gateways_try(21);
	tenant_pack(tenant, 22);
	/* Without a look at what is there: the bundle alone. */
	ck_assert(!(order.on_condition ? give(&order) : publish_objects()));
	ck_assert_msg(strncmp(failure.text, conflicts[_i].why, strlen(conflicts[_i].why)) == 0,
		"%s: %s", conflicts[_i].what, failure.text);
	ck_assert_uint_eq(server_serial(server), 20);
	ck_assert_uint_eq(server_tried_serial(server), conflicts[_i].during_trial ? 21 : 0);
	drop_nodes();
}
END_TEST

START_TEST(there_is_nothing_to_try_beside)
{
	const struct publishing_order order = try_by_gateways(0),
				      on_something = {.action = PUBLISHING_PUBLISH, .base = 4};

	tenant_pack(tenant, 20);
	ck_assert(!give(&order));
	ck_assert_str_eq(
		failure.text, "there is no policy in force that the other nodes could keep");
	ck_assert(!give(&on_something));
	ck_assert_str_eq(failure.text, "nothing is published here, serial 4 least of all");
	ck_assert_uint_eq(server_serial(server), 0);
}
END_TEST

/* ---- Following ---- */

/* What a follower knows. */
struct known {
	struct publishing_state state;
	char standing[NODES + 1][32], reason[256];
	uint64_t serial[NODES + 1];
	bool tries[NODES + 1];
	size_t rows;       /* in all decisions */
	struct buffer all; /* of a bundle */
};

static void hear(void *context, struct view installs)
{
	struct cursor run = cursor_over(installs);
	struct known *k = context;
	struct publishing_item item;

	for (;;) {
		ck_assert_msg(!publishing_next(&run, &item, &failure), "%s", failure.text);
		if (item.kind == PUBLISHING_END)
			return;
		ck_assert_int_ne(item.kind, PUBLISHING_OTHER);
		if (item.kind == PUBLISHING_STATE) {
			k->state = item.state;
			continue;
		}
		k->rows++;
		ck_assert_uint_le(item.instance, NODES);
		snprintf(k->standing[item.instance], sizeof k->standing[0], "%.*s %s",
			(int)item.node.node.len, (const char *)item.node.node.data,
			publishing_standing_word(item.node.standing));
		k->serial[item.instance] = item.node.serial;
		k->tries[item.instance] = item.node.tries;
		if (item.node.standing == STANDING_FAILED)
			snprintf(k->reason, sizeof k->reason, "%.*s", (int)item.node.reason.len,
				(const char *)item.node.reason.data);
	}
}

static bool stands(const struct known *k, const char *what)
{
	for (size_t i = 1; i <= NODES; i++)
		if (strcmp(k->standing[i], what) == 0)
			return true;
	return false;
}

START_TEST(who_follows_hears_of_every_change_and_of_nothing_else)
{
	const struct publishing_order follow = {.action = PUBLISHING_FOLLOW};
	struct known known = {0};
	struct client c = {
		.pepid = "admin",
		.key = tenant->publisher,
		.client_type = COPS_CLIENT_PUBLISHING,
		.order = &follow,
		.hears = hear,
		.context = &known,
	};

	connect_client(&c);
	UNTIL(known.rows == NODES);
	ck_assert_uint_eq(known.state.serial, 20);
	ck_assert_uint_eq(known.state.nodes, NODES);
	ck_assert_uint_eq(known.state.tried, 0);
	ck_assert(stands(&known, "gw1 in force") && stands(&known, "alice in force"));

	drop_client(&nodes[ALICE]);
	UNTIL(stands(&known, "alice away"));
	ck_assert_uint_eq(known.rows, NODES + 1);

	nodes[GW1].refuses = true;
	let_gateways_try(21);
	UNTIL(stands(&known, "gw1 failed"));
	ck_assert_uint_eq(known.state.serial, 20);
	ck_assert_uint_eq(known.state.tried, 21);
	ck_assert(known.state.has_publisher);
	ck_assert_ptr_nonnull(strstr(known.reason, "malformed"));
	ck_assert(known.tries[GW1 + 1] != known.tries[ALICE + 1]);
	drop_client(&c);
	drop_client(&nodes[GW1]);
}
END_TEST

START_TEST(only_one_who_may_publish_may_follow)
{
	const struct publishing_order follow = {.action = PUBLISHING_FOLLOW};
	struct known known = {0};
	struct client c = node_client(GW1);

	c.client_type = COPS_CLIENT_PUBLISHING;
	c.order = &follow;
	c.hears = hear;
	c.context = &known;
	connect_client(&c);
	UNTIL(c.close_code || c.ended);
	ck_assert_uint_eq(known.rows, 0);
	drop_client(&c);
	drop_nodes();
}
END_TEST

static void keep(void *context, struct view installs)
{
	buffer_put_view(context, installs);
}

START_TEST(what_is_in_force_is_given_back_as_it_came)
{
	const struct publishing_order fetch = {.action = PUBLISHING_FETCH};
	struct buffer got, sent;
	struct client c = {
		.pepid = "admin",
		.key = tenant->publisher,
		.client_type = COPS_CLIENT_PUBLISHING,
		.order = &fetch,
		.hears = keep,
		.context = &got,
	};

	buffer_init(&got, BIG);
	buffer_init(&sent, BIG);
	buffer_put_view(&sent, buffer_view(&tenant->objects));
	/* Not what is tried. */
	let_gateways_try(21);
	connect_client(&c);
	UNTIL(c.decisions);
	ck_assert(view_equal(buffer_view(&got), buffer_view(&sent)));
	drop_client(&c);
	drop_nodes();
	buffer_fini(&got);
	buffer_fini(&sent);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trial");
	TCase *alone = tcase_create("alone"), *c = tcase_create("with nodes");

	tcase_set_timeout(alone, 60);
	tcase_add_checked_fixture(alone, fixture_set_up, fixture_tear_down);
	tcase_add_test(alone, there_is_nothing_to_try_beside);
	suite_add_tcase(s, alone);
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, fixture_tear_down);
	tcase_add_test(c, those_with_the_role_try_and_the_others_follow_when_it_is_promoted);
	tcase_add_test(c, the_way_back_is_a_newer_publication_for_all);
	tcase_add_test(c, a_trial_survives_the_decision_point);
	tcase_add_test(c, a_node_that_the_tried_policy_lacks_keeps_what_it_has);
	tcase_add_test(c, a_new_node_that_tries_is_let_in);
	tcase_add_test(c, a_share_is_one_node_at_least_and_always_the_same);
	tcase_add_loop_test(c, of_two_publishers_one_is_told_that_the_other_was_faster, 0,
		sizeof conflicts / sizeof *conflicts);
	tcase_add_test(c, who_follows_hears_of_every_change_and_of_nothing_else);
	tcase_add_test(c, only_one_who_may_publish_may_follow);
	tcase_add_test(c, what_is_in_force_is_given_back_as_it_came);
	suite_add_tcase(s, c);
	return suite_main(s);
}
