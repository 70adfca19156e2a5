/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/net/servers.h"
#include "tests/suite.h"

#include <stdio.h>

static struct endpoint at(const char *text)
{
	struct endpoint endpoint;
	struct error e;

	ck_assert_msg(!endpoint_parse(text, 3288, &endpoint, &e), "%s", e.text);
	return endpoint;
}

/* The address of the current server; "-" if there is none. */
static const char *current(struct servers *s)
{
	static char text[ENDPOINT_TEXT_SIZE];
	const struct server *server = servers_current(s);

	snprintf(text, sizeof text, "-");
	if (server)
		endpoint_format(&server->endpoint, text);
	return text;
}

static const struct servers_config defaults = {
	.wait_least = 1000, .wait_most = 8000, .attempts = 1, .return_after = 60000};

static void begin(struct servers *s, const struct servers_config *config, size_t count)
{
	const struct endpoint list[] = {at("192.0.2.1"), at("192.0.2.2"), at("192.0.2.3")};

	servers_init(s, config, list, count);
	ck_assert_uint_eq(s->count, count);
}

static void serve(struct servers *s, uint64_t now)
{
	servers_trying(s, now);
	servers_connected(s);
	servers_served(s, now);
}

START_TEST(they_are_tried_in_turn_and_the_wait_comes_at_the_end)
{
	struct servers s;

	begin(&s, &defaults, 3);
	for (unsigned round = 0; round < 3; round++) {
		ck_assert_str_eq(current(&s), "192.0.2.1:3288");
		servers_trying(&s, 0);
		ck_assert_uint_eq(servers_failed(&s, 0), 0);
		ck_assert_str_eq(current(&s), "192.0.2.2:3288");
		servers_trying(&s, 0);
		ck_assert_uint_eq(servers_failed(&s, 0), 0);
		ck_assert_str_eq(current(&s), "192.0.2.3:3288");
		servers_trying(&s, 0);
		ck_assert_uint_eq(servers_failed(&s, 0), 1000u << round);
	}
	ck_assert_uint_eq(s.list[0].connect_attempts, 3);
	ck_assert_uint_eq(s.list[0].connect_failures, 3);
}
END_TEST

START_TEST(each_has_as_many_attempts_as_the_settings_say)
{
	struct servers_config config = defaults;
	struct servers s;

	config.attempts = 3;
	begin(&s, &config, 2);
	for (unsigned i = 0; i < 2; i++) {
		servers_trying(&s, 0);
		ck_assert_uint_gt(servers_failed(&s, 0), 0);
		ck_assert_str_eq(current(&s), "192.0.2.1:3288");
	}
	servers_trying(&s, 0);
	ck_assert_uint_eq(servers_failed(&s, 0), 0);
	ck_assert_str_eq(current(&s), "192.0.2.2:3288");
}
END_TEST

START_TEST(who_served_is_tried_first_after_a_loss)
{
	struct servers s;

	begin(&s, &defaults, 3);
	servers_trying(&s, 0);
	servers_failed(&s, 0);
	serve(&s, 10);
	ck_assert_uint_eq(servers_failed(&s, 0), 1000);
	ck_assert_str_eq(current(&s), "192.0.2.2:3288");
	ck_assert_uint_eq(servers_current(&s)->connect_failures, 0);
	/* Now it does not serve. */
	servers_trying(&s, 20);
	ck_assert_uint_eq(servers_failed(&s, 0), 0);
	ck_assert_str_eq(current(&s), "192.0.2.3:3288");
}
END_TEST

START_TEST(a_redirection_is_followed_at_once_and_forgotten_when_it_fails)
{
	struct endpoint to = at("198.51.100.7");
	struct servers s;

	begin(&s, &defaults, 2);
	servers_trying(&s, 0);
	servers_connected(&s);
	ck_assert_int_eq(servers_redirected(&s, &to, 10), E_OK);
	ck_assert_str_eq(current(&s), "198.51.100.7:3288");
	ck_assert_int_eq(servers_current(&s)->origin, SERVER_REDIRECTED);
	serve(&s, 10);
	/* He stays where he was sent. */
	ck_assert_uint_eq(servers_return_due(&s), SERVERS_NEVER);
	/* And comes back there after a short loss. */
	ck_assert_uint_gt(servers_failed(&s, 0), 0);
	ck_assert_str_eq(current(&s), "198.51.100.7:3288");
	servers_trying(&s, 20);
	ck_assert_uint_eq(servers_failed(&s, 0), 0);
	ck_assert_str_eq(current(&s), "192.0.2.1:3288");
	ck_assert_uint_eq(s.count, 2);
}
END_TEST

START_TEST(who_is_sent_within_the_list_stays_there_too)
{
	struct endpoint to = at("192.0.2.3");
	struct servers s;

	begin(&s, &defaults, 3);
	servers_trying(&s, 0);
	servers_connected(&s);
	ck_assert_int_eq(servers_redirected(&s, &to, 10), E_OK);
	ck_assert_uint_eq(s.count, 3);
	serve(&s, 10);
	ck_assert_str_eq(current(&s), "192.0.2.3:3288");
	ck_assert_uint_eq(servers_return_due(&s), SERVERS_NEVER);
}
END_TEST

START_TEST(a_circle_of_redirections_is_noticed)
{
	struct endpoint a = at("192.0.2.1"), b = at("198.51.100.7"), c = at("198.51.100.8");
	struct servers s;

	begin(&s, &defaults, 1);
	servers_trying(&s, 0);
	servers_connected(&s);
	ck_assert_int_eq(servers_redirected(&s, &a, 10), E_DUPLICATE);
	ck_assert_int_eq(servers_redirected(&s, &b, 10), E_OK);
	ck_assert_int_eq(servers_redirected(&s, &c, 10), E_OK);
	ck_assert_int_eq(servers_redirected(&s, &b, 10), E_DUPLICATE);
	ck_assert_int_eq(servers_redirected(&s, &a, 10), E_DUPLICATE);
	ck_assert_str_eq(current(&s), "198.51.100.8:3288");
	ck_assert_uint_eq(s.loops, 3);
	/* Only a PDP that served for a while may send us back. */
	serve(&s, 10);
	ck_assert_int_eq(servers_redirected(&s, &a, 9 + SERVERS_SETTLED_MS), E_DUPLICATE);
	ck_assert_int_eq(servers_redirected(&s, &a, 10 + SERVERS_SETTLED_MS), E_OK);
	ck_assert_str_eq(current(&s), "192.0.2.1:3288");
}
END_TEST

/* Each decides first, and sends us to the other then. */
START_TEST(a_circle_of_pdps_that_decide_is_walked_with_waits)
{
	struct endpoint list[] = {at("192.0.2.1"), at("192.0.2.2")};
	unsigned followed = 0, waits = 0;
	struct servers s;

	begin(&s, &defaults, 2);
	for (uint64_t now = 0; now < 100; now++) {
		serve(&s, now);
		if (!servers_redirected(&s, &list[1 - s.current], now))
			followed++;
		else if (servers_failed(&s, 0))
			waits++;
	}
	ck_assert_uint_le(followed, waits * SERVERS_HOPS_MAX + SERVERS_HOPS_MAX);
	ck_assert_uint_gt(waits, 0);
}
END_TEST

/* What was long ago, or cost a wait, does not count against a redirection. */
START_TEST(a_wait_ends_a_row_of_redirections)
{
	struct endpoint to = at("198.51.100.7");
	struct servers s;

	begin(&s, &defaults, 1);
	for (unsigned i = 0; i < 3 * SERVERS_HOPS_MAX; i++) {
		servers_trying(&s, 0);
		servers_connected(&s);
		ck_assert_int_eq(servers_redirected(&s, &to, 10), E_OK);
		serve(&s, 10);
		ck_assert_uint_gt(servers_failed(&s, 0), 0);
		servers_trying(&s, 20);
		servers_failed(&s, 0);
		ck_assert_str_eq(current(&s), "192.0.2.1:3288");
	}
}
END_TEST

START_TEST(redirections_in_a_row_are_limited)
{
	char text[ENDPOINT_TEXT_SIZE];
	struct endpoint to;
	struct servers s;

	begin(&s, &defaults, 1);
	for (unsigned i = 0; i < SERVERS_HOPS_MAX; i++) {
		snprintf(text, sizeof text, "198.51.100.%u", i);
		to = at(text);
		ck_assert_int_eq(servers_redirected(&s, &to, 10), E_OK);
		/* Only the last one is remembered. */
		ck_assert_uint_eq(s.count, 2);
	}
	to = at("203.0.113.1");
	ck_assert_int_eq(servers_redirected(&s, &to, 10), E_LIMIT);
}
END_TEST

START_TEST(the_preferred_one_is_looked_for_while_another_serves)
{
	struct servers s;

	begin(&s, &defaults, 3);
	serve(&s, 5);
	ck_assert_uint_eq(servers_return_due(&s), SERVERS_NEVER);
	servers_failed(&s, 0);
	servers_trying(&s, 6);
	servers_failed(&s, 0);
	ck_assert_uint_eq(servers_return_due(&s), SERVERS_NEVER);
	serve(&s, 1000);
	ck_assert_str_eq(current(&s), "192.0.2.2:3288");
	ck_assert_uint_eq(servers_return_due(&s), 61000);
	/* Another decision does not put it off. */
	servers_served(&s, 2000);
	ck_assert_uint_eq(servers_return_due(&s), 61000);
	servers_still_away(&s, 61000);
	ck_assert_uint_eq(servers_return_due(&s), 121000);
	servers_go_back(&s);
	ck_assert_str_eq(current(&s), "192.0.2.1:3288");
}
END_TEST

START_TEST(zero_means_never_to_return)
{
	struct servers_config config = defaults;
	struct servers s;

	config.return_after = 0;
	begin(&s, &config, 2);
	servers_trying(&s, 0);
	servers_failed(&s, 0);
	serve(&s, 1000);
	ck_assert_uint_eq(servers_return_due(&s), SERVERS_NEVER);
}
END_TEST

/* ---- What others find ---- */

START_TEST(what_is_found_stands_behind_the_settings_by_priority)
{
	struct server_found found[] = {{at("198.51.100.3"), 30}, {at("198.51.100.1"), 10},
		{at("192.0.2.2"), 5}, {at("198.51.100.2"), 10}};
	static const char *const order[] = {"192.0.2.1:3288", "192.0.2.2:3288", "198.51.100.1:3288",
		"198.51.100.2:3288", "198.51.100.3:3288"};
	struct servers s;

	begin(&s, &defaults, 2);
	servers_found(&s, found, 4);
	ck_assert_uint_eq(s.count, 5);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_str_eq(current(&s), order[i]);
		servers_trying(&s, 0);
		servers_failed(&s, 0);
	}
	ck_assert_str_eq(current(&s), order[0]);
}
END_TEST

START_TEST(an_empty_list_is_filled_and_emptied)
{
	struct server_found found[] = {{at("198.51.100.3"), 30}, {at("198.51.100.1"), 10}};
	struct servers s;

	begin(&s, &defaults, 0);
	ck_assert_str_eq(current(&s), "-");
	ck_assert_uint_gt(servers_failed(&s, 0), 0);
	servers_found(&s, found, 2);
	servers_go_back(&s);
	ck_assert_str_eq(current(&s), "198.51.100.1:3288");
	servers_found(&s, NULL, 0);
	ck_assert_str_eq(current(&s), "-");
}
END_TEST

START_TEST(who_is_found_again_keeps_his_counters_and_who_serves_stays)
{
	struct server_found found[] = {{at("198.51.100.1"), 10}, {at("198.51.100.2"), 20}};
	struct servers s;

	begin(&s, &defaults, 1);
	servers_found(&s, found, 2);
	servers_trying(&s, 0);
	servers_failed(&s, 0);
	serve(&s, 10);
	ck_assert_str_eq(current(&s), "198.51.100.1:3288");
	servers_found(&s, found, 2);
	ck_assert_uint_eq(servers_current(&s)->connect_attempts, 1);
	servers_found(&s, &found[1], 1);
	ck_assert_str_eq(current(&s), "198.51.100.1:3288");
	ck_assert_uint_eq(s.count, 3);
	/* Not for longer than he serves. */
	servers_failed(&s, 0);
	servers_found(&s, &found[1], 1);
	ck_assert_uint_eq(s.count, 2);
}
END_TEST

START_TEST(new_priorities_hold_and_equals_keep_their_place)
{
	struct server_found found[] = {{at("198.51.100.1"), 10}, {at("198.51.100.2"), 10},
		{at("198.51.100.3"), 20}};
	struct server_found again[] = {{at("198.51.100.2"), 10}, {at("198.51.100.1"), 10},
		{at("198.51.100.3"), 5}, {at("198.51.100.4"), 10}};
	static const char *const order[] = {"198.51.100.3:3288", "198.51.100.1:3288",
		"198.51.100.2:3288", "198.51.100.4:3288"};
	struct servers s;

	begin(&s, &defaults, 0);
	servers_found(&s, found, 3);
	serve(&s, 10);
	ck_assert_str_eq(current(&s), "198.51.100.1:3288");
	servers_found(&s, again, 4);
	ck_assert_str_eq(current(&s), "198.51.100.1:3288");
	for (size_t i = 0; i < 4; i++) {
		char text[ENDPOINT_TEXT_SIZE];

		endpoint_format(&s.list[i].endpoint, text);
		ck_assert_str_eq(text, order[i]);
	}
	ck_assert_uint_eq(s.list[1].connect_attempts, 1);
}
END_TEST

START_TEST(who_is_being_tried_is_not_taken_away)
{
	struct server_found found[] = {{at("198.51.100.1"), 10}, {at("198.51.100.2"), 20}};
	struct servers s;

	begin(&s, &defaults, 0);
	servers_found(&s, found, 1);
	servers_trying(&s, 0);
	servers_found(&s, &found[1], 1);
	ck_assert_str_eq(current(&s), "198.51.100.1:3288");
	servers_failed(&s, 0);
	servers_found(&s, &found[1], 1);
	ck_assert_uint_eq(s.count, 1);
	ck_assert_str_eq(current(&s), "198.51.100.2:3288");
	ck_assert_uint_eq(s.list[0].connect_failures, 0);
}
END_TEST

START_TEST(what_is_found_is_limited)
{
	struct server_found found[SERVERS_FOUND_MAX + 5];
	struct endpoint to = at("203.0.113.1");
	char text[ENDPOINT_TEXT_SIZE];
	struct servers s;

	begin(&s, &defaults, 3);
	ck_assert_int_eq(servers_redirected(&s, &to, 10), E_OK);
	for (unsigned i = 0; i < SERVERS_FOUND_MAX + 5; i++) {
		snprintf(text, sizeof text, "198.51.100.%u", i);
		found[i] = (struct server_found){at(text), (uint16_t)(100 - i)};
	}
	servers_found(&s, found, SERVERS_FOUND_MAX + 5);
	ck_assert_uint_eq(s.count, 4 + SERVERS_FOUND_MAX);
	ck_assert_str_eq(current(&s), "203.0.113.1:3288");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("servers");
	TCase *c = tcase_create("servers");

	tcase_add_test(c, they_are_tried_in_turn_and_the_wait_comes_at_the_end);
	tcase_add_test(c, each_has_as_many_attempts_as_the_settings_say);
	tcase_add_test(c, who_served_is_tried_first_after_a_loss);
	tcase_add_test(c, a_redirection_is_followed_at_once_and_forgotten_when_it_fails);
	tcase_add_test(c, who_is_sent_within_the_list_stays_there_too);
	tcase_add_test(c, a_circle_of_redirections_is_noticed);
	tcase_add_test(c, a_circle_of_pdps_that_decide_is_walked_with_waits);
	tcase_add_test(c, a_wait_ends_a_row_of_redirections);
	tcase_add_test(c, redirections_in_a_row_are_limited);
	tcase_add_test(c, the_preferred_one_is_looked_for_while_another_serves);
	tcase_add_test(c, zero_means_never_to_return);
	tcase_add_test(c, what_is_found_stands_behind_the_settings_by_priority);
	tcase_add_test(c, an_empty_list_is_filled_and_emptied);
	tcase_add_test(c, who_is_found_again_keeps_his_counters_and_who_serves_stays);
	tcase_add_test(c, new_priorities_hold_and_equals_keep_their_place);
	tcase_add_test(c, who_is_being_tried_is_not_taken_away);
	tcase_add_test(c, what_is_found_is_limited);
	suite_add_tcase(s, c);
	return suite_main(s);
}
