/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/kernel.h"

#include <string.h>

#include "tests/pep/kernel/fake.h"
#include "tests/pib/plan/policies.h"
#include "tests/suite.h"

static struct arena arena;
static struct fake *fake;
static struct kernel *kernel;
static struct plan *before, *after;

static struct plan *build(const struct test_rule *rules, size_t count, const struct plan *previous)
{
	static const struct plan_interface interfaces[] = {{"eth0", "host"}};
	struct plan_policy policy = {"host", test_policy(&arena, "host", rules, count)};
	struct plan_cause cause;
	struct plan *plan = NULL;
	struct error error;

	ck_assert_msg(plan_build(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
					 .policies = &policy,
					 .policy_count = 1,
					 .interfaces = interfaces,
					 .interface_count = 1,
					 .node_roles = "host",
					 .previous = previous},
			      &plan, &cause, &error) == E_OK,
		"%s", error.text);
	return plan;
}

static const struct test_rule first_rules[] = {
	{.name = "soft",
		.direction = POLICY_OUT,
		.action = POLICY_PROTECT,
		.protection = SOFT,
		.protocol = 6,
		.port = 1},
	{.name = "tunnel",
		.direction = POLICY_OUT,
		.action = POLICY_PROTECT,
		.protection = TUNNEL,
		.protocol = 6,
		.port = 2},
};
static const struct test_rule second_rules[] = {
	{.name = "strong",
		.direction = POLICY_OUT,
		.action = POLICY_PROTECT,
		.protection = STRONG,
		.protocol = 6,
		.port = 1},
	{.name = "web", .direction = POLICY_IN, .action = POLICY_BYPASS, .protocol = 6, .port = 80},
	{.name = "transit",
		.direction = POLICY_OUT,
		.action = POLICY_PROTECT,
		.protection = STRONG,
		.protocol = 6,
		.port = 3,
		.forward = true},
};

static void setup(void)
{
	struct kernel_transport transport;

	arena_init(&arena, 1 << 24);
	fake = fake_new();
	fake_add_foreign(fake);
	transport = fake_transport(fake);
	kernel = kernel_new(&transport);
	ck_assert_ptr_nonnull(kernel);
	before = build(first_rules, 2, NULL);
	/* Without its predecessor it gives mark 1 another template: entries are replaced, those of
	 * the tunnel go, those for transit come. */
	after = build(second_rules, 3, NULL);
}

static void teardown(void)
{
	kernel_free(kernel);
	plan_free(before);
	plan_free(after);
	fake_free(fake);
	arena_fini(&arena);
}

static char *state(void)
{
	struct buffer text;
	char *copy;

	buffer_init(&text, 1 << 24);
	fake_print(fake, &text);
	copy = strdup(buffer_string(&text));
	buffer_fini(&text);
	return copy;
}

static void apply(const struct plan *plan)
{
	struct kernel_fault fault;
	struct error error;

	fake_misbehave(fake, BEHAVE, 0);
	ck_assert_msg(kernel_apply(kernel, plan, &fault, &error) == E_OK, "%s", error.text);
	ck_assert(!fault.dirty);
}

START_TEST(apply_makes_the_plan_and_nothing_else)
{
	struct kernel_status status;
	struct error error;

	apply(before);
	ck_assert_int_eq(kernel_status(kernel, before, &status, &error), E_OK);
	ck_assert(status.table && status.spd_as_planned);
	ck_assert_str_eq(status.plan_id, before->id);
	ck_assert_uint_eq(status.spd_entries, before->spd_count);
	apply(after);
	ck_assert_int_eq(kernel_status(kernel, before, &status, &error), E_OK);
	ck_assert(!status.spd_as_planned);
	ck_assert_int_eq(kernel_status(kernel, after, &status, &error), E_OK);
	ck_assert(status.spd_as_planned);
	ck_assert_str_eq(status.plan_id, after->id);
}
END_TEST

START_TEST(remove_takes_what_is_ours_and_leaves_the_rest)
{
	char *empty = state(), *end;
	struct error error;

	apply(before);
	ck_assert_int_eq(kernel_remove(kernel, &error), E_OK);
	end = state();
	ck_assert_str_eq(empty, end);
	free(empty);
	free(end);
}
END_TEST

START_TEST(applying_twice_changes_nothing)
{
	char *once, *twice;

	apply(after);
	once = state();
	apply(after);
	twice = state();
	ck_assert_str_eq(once, twice);
	/* Check, dump, switch. */
	ck_assert_uint_eq(fake_requests(fake), 3);
	free(once);
	free(twice);
}
END_TEST

/* For each request of the transaction and each way to go wrong there. */
START_TEST(state_is_the_one_before_or_the_one_after)
{
	const enum misbehaviour how = (enum misbehaviour)(REFUSE + _i);
	char *old, *new;
	size_t requests;
	size_t failed = 0, done = 0, dirty = 0;

	apply(after);
	new = state();
	apply(before);
	old = state();
	fake_misbehave(fake, BEHAVE, 0);
	apply(after);
	requests = fake_requests(fake);
	ck_assert_uint_gt(requests, 10);
	for (size_t n = 1; n <= requests + 1; n++) {
		struct kernel_fault fault;
		struct error error = {0};
		enum err err;
		char *now;

		apply(before);
		fake_misbehave(fake, how, n);
		err = kernel_apply(kernel, after, &fault, &error);
		fake_misbehave(fake, BEHAVE, 0);
		now = state();
		if (err) {
			failed++;
			ck_assert_msg(error.text[0], "request %zu", n);
			if (!fault.dirty)
				ck_assert_msg(
					strcmp(now, old) == 0, "request %zu: %s", n, error.text);
			if (how == REFUSE)
				ck_assert_msg(strstr(error.text, "refused by the test"), "%s",
					error.text);
		} else if (fault.dirty) {
			dirty++;
			ck_assert_msg(error.text[0], "request %zu", n);
			ck_assert_int_eq(kernel_clean(kernel, after, &error), E_OK);
			free(now);
			now = state();
			ck_assert_str_eq(now, new);
		} else {
			done++;
			ck_assert_msg(strcmp(now, new) == 0, "request %zu", n);
		}
		/* Whatever happened, the way back is to apply the last good plan again. */
		free(now);
		apply(before);
		now = state();
		ck_assert_str_eq(now, old);
		free(now);
	}
	ck_assert_uint_ge(done, 1);
	if (how == ANSWER_TWICE)
		ck_assert_uint_eq(failed + dirty, 0);
	else
		ck_assert_uint_ge(failed, 5);
	free(old);
	free(new);
}
END_TEST

/* When undoing fails too, it says so. */
START_TEST(failed_undo_is_dirty)
{
	struct kernel_fault fault;
	struct error error;

	apply(before);
	fake_misbehave(fake, REFUSE_FROM, 6); /* check, dump, some entries, then nothing more */
	ck_assert_int_ne(kernel_apply(kernel, after, &fault, &error), E_OK);
	ck_assert(fault.dirty);
	ck_assert_ptr_nonnull(strstr(error.text, "not all could be undone"));
}
END_TEST

/* Every message of the batch leads back to what caused it. */
START_TEST(refusal_names_the_rule)
{
	char *old;
	size_t rules = 0, place;

	apply(before);
	old = state();
	for (place = 1;; place++) {
		struct kernel_fault fault;
		struct error error = {0};
		enum err err;
		char *now;

		fake_refuse_message(fake, place);
		err = kernel_check(kernel, after, &fault, &error);
		if (!err)
			break;
		ck_assert_str_eq(fault.kernel, "refused by the test");
		ck_assert_ptr_nonnull(strstr(error.text, fault.kernel));
		ck_assert_msg(fault.cause.name && fault.cause.name[0], "message %zu", place);
		ck_assert_msg(fault.object[0], "message %zu", place);
		if (fault.cause.prid.class && strcmp(fault.cause.name, "web") == 0) {
			rules++;
			ck_assert_uint_eq(fault.cause.prid.instance, 2);
			ck_assert_ptr_nonnull(strstr(error.text, "web"));
		}
		ck_assert_int_ne(kernel_apply(kernel, after, &fault, &error), E_OK);
		now = state();
		ck_assert_str_eq(now, old);
		free(now);
	}
	ck_assert_uint_gt(place, after->chain_count + after->rule_count);
	ck_assert_uint_ge(rules, 2); /* its counter and its rule */
	free(old);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/kernel transaction");
	TCase *tcase = tcase_create("transaction");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, apply_makes_the_plan_and_nothing_else);
	tcase_add_test(tcase, remove_takes_what_is_ours_and_leaves_the_rest);
	tcase_add_test(tcase, applying_twice_changes_nothing);
	tcase_add_loop_test(
		tcase, state_is_the_one_before_or_the_one_after, 0, ANSWER_TWICE - REFUSE + 1);
	tcase_add_test(tcase, failed_undo_is_dirty);
	tcase_add_test(tcase, refusal_names_the_rule);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
