/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every event in every state of a policy on trial, and what outlives the process. */
#include "tests/suite.h"

#include <string.h>

#include "pep/enforce/trial.h"

enum { WINDOW = 60000, NOW = 1000000 };

enum event {
	APPLIED,       /* with a policy to go back to */
	APPLIED_FINAL, /* without */
	HEARD,
	EARLY,   /* a tick before the deadline */
	OVERDUE, /* one at the deadline */
	EVENTS
};

/* From each phase by each event: where to, and what is to be done. */
static const struct {
	enum confirm_phase to;
	enum confirm_action action;
} table[CONFIRM_PHASES][EVENTS] = {
	[CONFIRM_NONE] = {
		[APPLIED] = {CONFIRM_TRIAL, CONFIRM_NOTHING},
		[APPLIED_FINAL] = {CONFIRM_NONE, CONFIRM_FORGET},
		[HEARD] = {CONFIRM_NONE, CONFIRM_NOTHING},
		[EARLY] = {CONFIRM_NONE, CONFIRM_NOTHING},
		[OVERDUE] = {CONFIRM_NONE, CONFIRM_NOTHING},
	},
	[CONFIRM_TRIAL] = {
		[APPLIED] = {CONFIRM_TRIAL, CONFIRM_NOTHING},
		[APPLIED_FINAL] = {CONFIRM_NONE, CONFIRM_FORGET},
		[HEARD] = {CONFIRM_NONE, CONFIRM_FORGET},
		[EARLY] = {CONFIRM_TRIAL, CONFIRM_NOTHING},
		[OVERDUE] = {CONFIRM_PROBE, CONFIRM_TRY_PREVIOUS},
	},
	[CONFIRM_PROBE] = {
		[APPLIED] = {CONFIRM_TRIAL, CONFIRM_NOTHING},
		[APPLIED_FINAL] = {CONFIRM_NONE, CONFIRM_FORGET},
		[HEARD] = {CONFIRM_BACK, CONFIRM_STAY},
		[EARLY] = {CONFIRM_PROBE, CONFIRM_NOTHING},
		[OVERDUE] = {CONFIRM_NONE, CONFIRM_RETURN},
	},
	[CONFIRM_BACK] = {
		[APPLIED] = {CONFIRM_TRIAL, CONFIRM_NOTHING},
		[APPLIED_FINAL] = {CONFIRM_NONE, CONFIRM_FORGET},
		[HEARD] = {CONFIRM_BACK, CONFIRM_NOTHING},
		[EARLY] = {CONFIRM_BACK, CONFIRM_NOTHING},
		[OVERDUE] = {CONFIRM_BACK, CONFIRM_NOTHING},
	},
};

static struct confirm in_phase(enum confirm_phase phase)
{
	bool timed = phase == CONFIRM_TRIAL || phase == CONFIRM_PROBE;

	return (struct confirm){phase, WINDOW, timed ? NOW + WINDOW : 0};
}

static enum confirm_action happen(struct confirm *c, enum event event)
{
	switch (event) {
	case APPLIED:
	case APPLIED_FINAL:
		return confirm_applied(c, event == APPLIED, NOW);
	case HEARD:
		return confirm_heard(c);
	default:
		return confirm_tick(c, NOW + WINDOW - (event == EARLY));
	}
}

START_TEST(every_event_in_every_phase)
{
	for (enum confirm_phase phase = 0; phase < CONFIRM_PHASES; phase++)
		for (enum event event = 0; event < EVENTS; event++) {
			struct confirm c = in_phase(phase);
			enum confirm_action action = happen(&c, event);

			ck_assert_msg(c.phase == table[phase][event].to &&
					      action == table[phase][event].action,
				"phase %d, event %d: phase %d, action %d", (int)phase, (int)event,
				(int)c.phase, (int)action);
			/* What waits has a deadline, and at most a window away. */
			if (c.phase == CONFIRM_TRIAL || c.phase == CONFIRM_PROBE)
				ck_assert(c.deadline > NOW && c.deadline <= NOW + 2 * WINDOW);
			else
				ck_assert_uint_eq(c.deadline, 0);
		}
}
END_TEST

START_TEST(without_a_window_nothing_is_on_trial)
{
	struct confirm c = {.window = 0};

	ck_assert_int_eq(confirm_applied(&c, true, NOW), CONFIRM_FORGET);
	ck_assert_int_eq(c.phase, CONFIRM_NONE);
}
END_TEST

/* Whoever cuts the wire: the policy before is in force for one window, once. */
START_TEST(a_cut_wire_brings_the_policy_before_back_once)
{
	struct confirm c = {.window = WINDOW};
	uint64_t old_in_force = 0;
	unsigned probes = 0;

	ck_assert_int_eq(confirm_applied(&c, true, NOW), CONFIRM_NOTHING);
	for (uint64_t now = NOW; now < NOW + 100 * WINDOW; now += 500) {
		enum confirm_action action = confirm_tick(&c, now);

		probes += action == CONFIRM_TRY_PREVIOUS;
		old_in_force += c.phase == CONFIRM_PROBE ? 500 : 0;
	}
	ck_assert_uint_eq(probes, 1);
	ck_assert_uint_eq(old_in_force, WINDOW);
	ck_assert_int_eq(c.phase, CONFIRM_NONE);
}
END_TEST

START_TEST(a_restart_goes_on_where_it_was)
{
	static const struct {
		enum confirm_phase was;
		uint64_t deadline;
		bool same_boot;
		enum confirm_phase is;
		enum confirm_action action;
		uint64_t now_due;
	} cases[] = {
		{CONFIRM_NONE, 0, true, CONFIRM_NONE, CONFIRM_FORGET, 0},
		/* Killed before its window began, or after a reboot: a whole one. */
		{CONFIRM_TRIAL, 0, true, CONFIRM_TRIAL, CONFIRM_NOTHING, NOW + WINDOW},
		{CONFIRM_TRIAL, NOW + 5, false, CONFIRM_TRIAL, CONFIRM_NOTHING, NOW + WINDOW},
		{CONFIRM_TRIAL, NOW + 5, true, CONFIRM_TRIAL, CONFIRM_NOTHING, NOW + 5},
		{CONFIRM_PROBE, NOW + 5, true, CONFIRM_PROBE, CONFIRM_TRY_PREVIOUS, NOW + 5},
		{CONFIRM_PROBE, NOW, true, CONFIRM_NONE, CONFIRM_FORGET, 0},
		{CONFIRM_PROBE, NOW + 5, false, CONFIRM_NONE, CONFIRM_FORGET, 0},
		/* Nobody has longer than a window. */
		{CONFIRM_PROBE, NOW + WINDOW, true, CONFIRM_PROBE, CONFIRM_TRY_PREVIOUS, NOW + WINDOW},
		{CONFIRM_PROBE, NOW + WINDOW + 1, true, CONFIRM_NONE, CONFIRM_FORGET, 0},
		{CONFIRM_PROBE, UINT64_MAX, true, CONFIRM_NONE, CONFIRM_FORGET, 0},
		{CONFIRM_BACK, 0, true, CONFIRM_BACK, CONFIRM_TRY_PREVIOUS, 0},
		{CONFIRM_BACK, 0, false, CONFIRM_BACK, CONFIRM_TRY_PREVIOUS, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct confirm c = {.window = WINDOW};
		enum confirm_action action = confirm_restarted(
			&c, cases[i].was, cases[i].deadline, cases[i].same_boot, NOW);

		ck_assert_msg(c.phase == cases[i].is && action == cases[i].action &&
				      c.deadline == cases[i].now_due,
			"case %zu: phase %d, action %d", i, (int)c.phase, (int)action);
	}
}
END_TEST

START_TEST(the_file_says_what_was_put_and_nothing_else)
{
	struct trial t = {.phase = CONFIRM_PROBE, .deadline = 0x0102030405060708}, read;
	struct buffer file;
	struct error e;

	memset(t.boot, 1, sizeof t.boot);
	memset(t.new, 2, sizeof t.new);
	memset(t.previous, 3, sizeof t.previous);
	buffer_init(&file, TRIAL_FILE_MAX);
	trial_put(&t, &file);
	ck_assert_int_eq(file.error, E_OK);
	ck_assert_int_eq(trial_read(buffer_view(&file), &read, &e), E_OK);
	ck_assert_mem_eq(&read, &t, sizeof t);
	for (size_t len = 0; len < file.len; len++)
		ck_assert_int_ne(trial_read(VIEW(file.data, len), &read, &e), E_OK);
	for (size_t i = 0; i < file.len * 8; i++) {
		file.data[i / 8] ^= (uint8_t)(1u << i % 8);
		ck_assert_int_ne(trial_read(buffer_view(&file), &read, &e), E_OK);
		file.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	buffer_put_u8(&file, 0);
	ck_assert_int_ne(trial_read(buffer_view(&file), &read, &e), E_OK);
	buffer_fini(&file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/enforce/confirm");
	TCase *t = tcase_create("confirm");

	tcase_add_test(t, every_event_in_every_phase);
	tcase_add_test(t, without_a_window_nothing_is_on_trial);
	tcase_add_test(t, a_cut_wire_brings_the_policy_before_back_once);
	tcase_add_test(t, a_restart_goes_on_where_it_was);
	tcase_add_test(t, the_file_says_what_was_put_and_nothing_else);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
