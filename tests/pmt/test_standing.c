/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the nodes of a decision point, and when a trial has shown enough. */
#include "pmt/commands/standing.h"

#include <string.h>

#include "pmt/commands/canary.h"
#include "tests/suite.h"

enum { BIG = 1 << 20, NODES_MAX = 4, STEPS_MAX = 6 };

static struct standing_table table;
static struct error failure;

static void clear(void)
{
	standing_fini(&table);
}

/* One decision: the state, then nodes by letters: i(n force), f(ailed), b(ehind), c(onnected),
 * s(ilent), a(way), n(ever seen), upper case if they try, '.' if nothing is said of it. */
static void take(uint64_t serial, uint64_t tried, const char *nodes)
{
	static const char letters[] = " ifbcsan", trying[] = " IFBCSAN";
	const struct publishing_state state = {
		.tenant = view_of_string("acme"),
		.serial = serial,
		.tried = tried,
		.share = tried ? 50 : 0,
		.nodes = (uint32_t)strlen(nodes),
	};
	struct buffer out;

	buffer_init(&out, BIG);
	ck_assert_int_eq(publishing_state_put(&state, &out, &failure), E_OK);
	for (uint32_t i = 0; nodes[i]; i++) {
		const char name[] = {'n', (char)('0' + i), '\0'};
		const char *small = strchr(letters, nodes[i]), *large = strchr(trying, nodes[i]);
		const struct node_standing node = {
			.node = view_of_string(name),
			.standing = (enum publishing_standing)(small   ? small - letters
							       : large ? large - trying
								       : 0),
			.tries = large != NULL,
			.reason = nodes[i] == 'f' || nodes[i] == 'F' ? view_of_string("no room")
								     : VIEW_NONE,
		};

		if (nodes[i] != '.')
			ck_assert_int_eq(node_standing_put(&node, i + 1, &out, &failure), E_OK);
	}
	ck_assert_msg(!standing_take(&table, buffer_view(&out), &failure), "%s", failure.text);
	buffer_fini(&out);
}

START_TEST(a_table_is_whole_when_every_node_has_come)
{
	standing_begin(&table);
	ck_assert(!standing_is_whole(&table));
	take(7, 0, "i..");
	ck_assert(!standing_is_whole(&table));
	take(7, 0, ".b.");
	take(7, 0, ".i.");
	ck_assert(!standing_is_whole(&table));
	take(7, 0, "..a");
	ck_assert(standing_is_whole(&table));
	ck_assert_uint_eq(standing_count(&table, STANDING_IN_FORCE), 2);
	ck_assert_str_eq(table.nodes[2].name, "n2");
	/* Another publication: all of it anew. */
	take(8, 0, "b..");
	ck_assert(!standing_is_whole(&table));
	take(8, 0, ".ba");
	ck_assert(standing_is_whole(&table));
	/* Nothing is published: that is all there is to know. */
	clear();
	take(0, 0, "");
	ck_assert(standing_is_whole(&table));
	clear();
}
END_TEST

static const struct {
	const char *before, *now;
	size_t pending;
} waits[] = {
	{"ii", "ii", 0},
	{"bi", "bi", 1},
	{"ci", "ci", 1},
	{"fs", "fs", 0},
	/* Who was away all the time does not keep anybody waiting, who went away does. */
	{"an", "an", 0},
	{"bn", "an", 1},
	{"bi", "if", 0},
};

START_TEST(who_may_still_report_is_waited_for)
{
	take(7, 0, waits[_i].before);
	take(7, 0, waits[_i].now);
	ck_assert_uint_eq(standing_pending(&table), waits[_i].pending);
	/* Also over another connection. */
	standing_begin(&table);
	take(8, 0, waits[_i].now);
	ck_assert_uint_eq(standing_pending(&table), waits[_i].pending);
	clear();
}
END_TEST

START_TEST(what_is_no_standing_is_refused)
{
	struct buffer out;
	struct pri pri;

	take(7, 0, "i");
	buffer_init(&out, BIG);
	pri_init(&pri, PIB_copsecIndex, 1);
	pri_set_octets(&pri, copsecIndexSigned, view_of_string("x"));
	ck_assert_int_eq(pri_put(&out, &pri, &failure), E_OK);
	ck_assert_int_eq(standing_take(&table, buffer_view(&out), &failure), E_PROTOCOL);
	out.len = 0;
	/* A node that the state does not count. */
	ck_assert_int_eq(node_standing_put(&(struct node_standing){.node = view_of_string("x"),
						   .standing = STANDING_AWAY},
				 2, &out, &failure),
		E_OK);
	ck_assert_int_eq(standing_take(&table, buffer_view(&out), &failure), E_PROTOCOL);
	buffer_fini(&out);
	clear();
}
END_TEST

/* ---- Canaries: held for 100, reports within 50 ---- */

static const struct {
	const char *what;
	struct {
		uint64_t at;
		const char *nodes;
	} steps[STEPS_MAX];
	enum canary_verdict verdict; /* of the last step; CANARY_WAIT of all before */
	const char *why;
} trials[] = {
	{"all is well", {{0, "Bi"}, {10, "Ii"}, {109, "Ii"}, {110, "Ii"}}, CANARY_PROMOTE, ""},
	{"not before the hold is over", {{0, "Ii"}, {99, "Ii"}}, CANARY_WAIT, ""},
	{"refused at once", {{0, "BB"}, {10, "FB"}}, CANARY_BACK, "n0 refuses it: no room"},
	{"refused in the hold", {{0, "I"}, {99, "F"}}, CANARY_BACK, "n0 refuses it: no room"},
	{"falls silent", {{0, "I"}, {50, "B"}, {60, "S"}}, CANARY_BACK, "n0 does not report"},
	{"does not report", {{0, "BI"}, {49, "BI"}, {50, "BI"}}, CANARY_BACK,
		"n0 has not reported in time"},
	{"cut off at once", {{0, "BI"}, {10, "AI"}, {50, "AI"}}, CANARY_BACK, "n0 is gone"},
	{"cut off in the hold", {{0, "II"}, {60, "AI"}, {100, "AI"}}, CANARY_BACK, "n0 is gone"},
	{"back before the end", {{0, "II"}, {60, "AI"}, {90, "II"}, {100, "II"}}, CANARY_PROMOTE,
		""},
	{"does not report at the end", {{0, "II"}, {90, "BI"}, {100, "BI"}}, CANARY_BACK,
		"n0 does not report it any more"},
	{"away all the time, but another has it", {{0, "AI"}, {100, "AI"}}, CANARY_PROMOTE, ""},
	{"nobody there", {{0, "AN"}, {100, "AN"}}, CANARY_BACK,
		"of the nodes that try it none is there"},
	/* Those that do not try it say nothing of it. */
	{"others fail", {{0, "If"}, {50, "Is"}, {100, "Ia"}}, CANARY_PROMOTE, ""},
};

START_TEST(a_trial_ends_by_what_its_nodes_do)
{
	struct canary canary = {.hold_ms = 100, .report_ms = 50, .begun = 1000};
	enum canary_verdict verdict;
	struct error why = {0};
	uint64_t until;

	for (size_t i = 0; i < STEPS_MAX && trials[_i].steps[i].nodes; i++) {
		const uint64_t now = canary.begun + trials[_i].steps[i].at;
		const bool last = i + 1 == STEPS_MAX || !trials[_i].steps[i + 1].nodes;

		take(7, 8, trials[_i].steps[i].nodes);
		verdict = canary_judge(&canary, &table, now, &until, &why);
		ck_assert_msg(verdict == (last ? trials[_i].verdict : CANARY_WAIT),
			"%s: %d at step %zu", trials[_i].what, (int)verdict, i);
		ck_assert(verdict != CANARY_WAIT || until > now);
	}
	ck_assert_str_eq(why.text, trials[_i].why);
	clear();
}
END_TEST

START_TEST(nobody_there_is_said)
{
	ck_assert_int_ne(standing_ask("/nonexistent/s", &table, &failure), E_OK);
	clear();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pmt/standing");
	TCase *t = tcase_create("standing");

	tcase_add_test(t, a_table_is_whole_when_every_node_has_come);
	tcase_add_loop_test(t, who_may_still_report_is_waited_for, 0, sizeof waits / sizeof *waits);
	tcase_add_test(t, what_is_no_standing_is_refused);
	tcase_add_loop_test(
		t, a_trial_ends_by_what_its_nodes_do, 0, sizeof trials / sizeof *trials);
	tcase_add_test(t, nobody_there_is_said);
	suite_add_tcase(s, t);
	return suite_main(s);
}
