/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/kernel.h"

#include <stdio.h>
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
	struct plan_policy policy = {.roles = "host", .policy = test_policy(&arena, "host", rules, count)};
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
	ck_assert_msg(kernel_settle(kernel, &error) == E_OK, "%s", error.text);
	ck_assert(!fault.dirty && kernel_settled(kernel));
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
	/* The generation, the SPD; nothing to check, nothing to switch. */
	ck_assert_uint_eq(fake_requests(fake), 2);
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
	size_t failed = 0, done = 0, left = 0;

	apply(after);
	new = state();
	apply(before);
	old = state();
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
		if (err) {
			failed++;
			fake_misbehave(fake, BEHAVE, 0);
			ck_assert_int_eq(kernel_settle(kernel, &(struct error){0}), E_OK);
			now = state();
			ck_assert_msg(error.text[0], "request %zu", n);
			if (!fault.dirty)
				ck_assert_msg(
					strcmp(now, old) == 0, "request %zu: %s", n, error.text);
			if (how == REFUSE)
				ck_assert_msg(strstr(error.text, "refused by the test"), "%s",
					error.text);
			free(now);
		} else {
			ck_assert(!kernel_settled(kernel) && !fault.dirty);
			err = kernel_settle(kernel, &error);
			fake_misbehave(fake, BEHAVE, 0);
			left += err != E_OK;
			done += err == E_OK;
			ck_assert(kernel_settled(kernel) == !err);
			if (err)
				ck_assert_ptr_nonnull(strstr(error.text, "left over"));
			/* Tried again by whoever looks after it, or by the next change. */
			if (n % 2)
				ck_assert_int_eq(kernel_settle(kernel, &error), E_OK);
			else
				apply(after);
			now = state();
			ck_assert_msg(strcmp(now, new) == 0, "request %zu", n);
			free(now);
		}
		/* Whatever happened, the way back is to apply the last good plan again. */
		apply(before);
		now = state();
		ck_assert_str_eq(now, old);
		free(now);
	}
	ck_assert_uint_ge(done, 1);
	if (how == ANSWER_TWICE)
		ck_assert_uint_eq(failed + left, 0);
	else
		ck_assert(failed >= 5 && left >= 3);
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

/* Every message of the batch leads back to what caused it: 0, if the table is replaced; 1, if it is
 * edited. */
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
		if (_i == 0)
			fake_touch(fake);
		err = kernel_apply(kernel, after, &fault, &error);
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
		fake_refuse_message(fake, 0);
		ck_assert_int_eq(kernel_settle(kernel, &error), E_OK);
		now = state();
		ck_assert_str_eq(now, old);
		free(now);
	}
	if (_i == 0)
		ck_assert_uint_gt(place, after->chain_count + after->rule_count);
	ck_assert_uint_ge(rules, 2); /* its counter and its rule */
	free(old);
}
END_TEST

/* ---- Editing the table ---- */

struct random {
	uint64_t state;
};

static uint32_t below(struct random *r, uint32_t bound)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33) % bound;
}

enum { PAIRS = 12, CHANGES = 8, RULES_MOST = 60 };

static const char *const networks[] = {
	NULL, "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32", "2001:db8:1::/48"};

/* Many ports, so that maps with and without intervals get big; now and then all is different. */
static void random_rule(struct random *r, struct test_rule *rule, char (*name)[16])
{
	static const enum policy_action actions[] = {
		POLICY_BYPASS, POLICY_BYPASS, POLICY_DISCARD, POLICY_PROTECT};

	snprintf(*name, sizeof *name, "rule-%u", below(r, 100000));
	*rule = (struct test_rule){.name = *name,
		.direction = below(r, 2) ? POLICY_IN : POLICY_OUT,
		.action = actions[below(r, 4)],
		.protocol = below(r, 4) ? 6 : 17,
		.port = (uint16_t)(1 + below(r, 200)),
		.log = below(r, 8) == 0};
	if (below(r, 3) == 0)
		rule->port_last = (uint16_t)(rule->port + below(r, 20));
	if (rule->direction == POLICY_IN)
		rule->source = networks[below(r, 6)];
	else
		rule->destination = networks[below(r, 6)];
	if (rule->action == POLICY_PROTECT)
		rule->protection = (enum test_protection)(STRONG + below(r, 2));
	rule->forward = below(r, 6) == 0;
}

struct list {
	struct test_rule rules[RULES_MOST];
	char names[RULES_MOST][16];
	size_t count;
};

static void random_list(struct random *r, struct list *list)
{
	list->count = 1 + below(r, RULES_MOST);
	for (size_t i = 0; i < list->count; i++)
		random_rule(r, &list->rules[i], &list->names[i]);
}

/* One rule comes, goes or changes; sometimes all do. */
static void change_list(struct random *r, struct list *list)
{
	size_t at = below(r, (uint32_t)list->count);

	switch (below(r, 8)) {
	case 0:
		random_list(r, list);
		break;
	case 1:
	case 2:
		if (list->count > 1)
			list->rules[at] = list->rules[--list->count];
		break;
	case 3:
	case 4:
		if (list->count < RULES_MOST)
			at = list->count++;
		random_rule(r, &list->rules[at], &list->names[at]);
		break;
	default:
		random_rule(r, &list->rules[at], &list->names[at]);
		break;
	}
	/* Names may have moved with their rules. */
	for (size_t i = 0; i < list->count; i++) {
		char name[16];

		snprintf(name, sizeof name, "%s", list->rules[i].name);
		if (list->rules[i].name == list->names[i])
			continue;
		memcpy(list->names[i], name, sizeof name);
		list->rules[i].name = list->names[i];
	}
}

/* What the kernel holds after `plan` in place of all. */
static char *whole(const struct plan *plan)
{
	fake_touch(fake);
	apply(plan);
	return state();
}

/* However the table came to be what it is, it is the plan's; and what the kernel had counted for
 * counters that stay, it still has. */
START_TEST(edited_table_is_like_a_new_one)
{
	struct random r = {(uint64_t)_i + 1};
	static struct list list;
	struct plan *old = NULL;
	size_t edited = 0, replaced = 0;

	random_list(&r, &list);
	for (int i = 0; i < CHANGES; i++) {
		struct plan *new = build(list.rules, list.count, old);
		char *one, *other;

		if (old) {
			apply(old);
			fake_count(fake);
			apply(new);
			edited += fake_messages(fake);
			for (const struct plan_counter *c = old->counters; c; c = c->next)
				for (const struct plan_counter *d = new->counters; d; d = d->next)
					if (strcmp(c->name, d->name) == 0 &&
						fake_counted(fake, c->name) != 1)
						ck_abort_msg("seed %d, change %d: counter %s", _i,
							i, c->name);
			one = state();
			other = whole(new);
			replaced += fake_messages(fake);
			ck_assert_msg(strcmp(one, other) == 0, "seed %d, change %d", _i, i);
			free(one);
			free(other);
		}
		plan_free(old);
		old = new;
		change_list(&r, &list);
	}
	plan_free(old);
	ck_assert_uint_lt(edited, replaced);
}
END_TEST

/* A map of ports begins at the first that a rule names, or at 0 where most lead to the last rule.
 */
START_TEST(first_interval_of_a_map_may_come_to_begin_at_0)
{
	enum { PORTS = 40 };
	static struct list list;
	struct plan *plans[2];

	list.count = PORTS + 1;
	for (size_t i = 0; i <= PORTS; i++) {
		snprintf(list.names[i], sizeof *list.names, "rule-%zu", i);
		list.rules[i] = (struct test_rule){.name = list.names[i],
			.direction = POLICY_IN,
			.action = POLICY_BYPASS,
			.protocol = 6,
			.port = (uint16_t)(10 + 10 * i),
			.port_last = (uint16_t)(12 + 10 * i)};
	}
	plans[0] = build(list.rules, list.count, NULL);
	list.rules[PORTS].port = 1;
	list.rules[PORTS].port_last = 65535;
	plans[1] = build(list.rules, list.count, NULL);
	for (int i = 0; i < 2; i++) {
		char *edited, *replaced;

		free(whole(plans[i]));
		fake_count(fake);
		apply(plans[1 - i]);
		ck_assert_uint_eq(fake_counted(fake, "no-rule"), 1);
		edited = state();
		replaced = whole(plans[1 - i]);
		ck_assert_str_eq(edited, replaced);
		free(edited);
		free(replaced);
	}
	plan_free(plans[0]);
	plan_free(plans[1]);
}
END_TEST

/* The kernel refuses each message of the difference in turn: then the table is replaced, unless the
 * kernel refuses that too. */
START_TEST(refused_edit_leaves_one_of_both)
{
	struct random r = {77};
	static struct list list;
	struct plan *old, *new;
	char *then, *later;
	size_t place, messages;

	random_list(&r, &list);
	old = build(list.rules, list.count, NULL);
	random_rule(&r, &list.rules[0], &list.names[0]);
	new = build(list.rules, list.count, old);
	later = whole(new);
	then = whole(old);
	apply(new);
	messages = fake_messages(fake);
	ck_assert_uint_gt(messages, 5);
	for (place = 0; place <= messages; place++) {
		struct kernel_fault fault;
		struct error error;
		enum err err;
		char *now;

		apply(old);
		fake_refuse_message(fake, place);
		err = kernel_apply(kernel, new, &fault, &error);
		ck_assert(!fault.dirty);
		fake_refuse_message(fake, 0);
		ck_assert_int_eq(kernel_settle(kernel, &error), E_OK);
		now = state();
		ck_assert_str_eq(now, err ? then : later);
		free(now);
	}
	free(then);
	free(later);
	plan_free(old);
	plan_free(new);
}
END_TEST

/* Somebody else's batch, before ours or between our look and our batch. */
START_TEST(changed_generation_means_a_new_table)
{
	char *edited, *replaced;

	apply(before);
	fake_count(fake);
	apply(after);
	ck_assert_uint_eq(fake_counted(fake, "no-rule"), 1);
	edited = state();
	apply(before);
	fake_count(fake);
	fake_touch(fake);
	apply(after);
	ck_assert_uint_eq(fake_counted(fake, "no-rule"), 0);
	replaced = state();
	ck_assert_str_eq(edited, replaced);
	free(replaced);
	apply(before);
	for (size_t n = 2; n <= 8; n++) {
		struct kernel_fault fault;
		struct error error;

		apply(before);
		fake_misbehave(fake, TOUCH_BEFORE, n);
		ck_assert_msg(kernel_apply(kernel, after, &fault, &error) == E_OK, "%zu: %s", n,
			error.text);
		ck_assert_msg(kernel_settle(kernel, &error) == E_OK, "%zu: %s", n, error.text);
		replaced = state();
		ck_assert_str_eq(edited, replaced);
		free(replaced);
	}
	free(edited);
}
END_TEST

/* What an earlier process left is edited, if nobody has changed any rule since, and it was settled.
 */
START_TEST(settled_table_outlives_its_process)
{
	struct kernel_transport transport = fake_transport(fake);
	char *new;

	apply(after);
	new = state();
	for (int touched = 0; touched < 2; touched++) {
		struct kernel_status status;
		struct error error;
		char *now;

		apply(before);
		fake_count(fake);
		if (touched)
			fake_touch(fake);
		kernel_free(kernel);
		kernel = kernel_new(&transport);
		ck_assert_int_eq(kernel_status(kernel, before, &status, &error), E_OK);
		ck_assert(status.table && strcmp(status.plan_id, before->id) == 0);
		apply(after);
		ck_assert_uint_eq(fake_counted(fake, "no-rule"), !touched);
		now = state();
		ck_assert_str_eq(now, new);
		free(now);
	}
	free(new);
}
END_TEST

START_TEST(unsettled_table_does_not)
{
	struct kernel_transport transport = fake_transport(fake);
	struct kernel_status status;
	struct kernel_fault fault;
	struct error error;
	char *old, *now;

	apply(before);
	old = state();
	apply(before);
	ck_assert_int_eq(kernel_apply(kernel, after, &fault, &error), E_OK);
	kernel_free(kernel);
	kernel = kernel_new(&transport);
	ck_assert_int_eq(kernel_status(kernel, after, &status, &error), E_OK);
	apply(before);
	now = state();
	ck_assert_str_eq(old, now);
	free(old);
	free(now);
}
END_TEST

/* ---- Others ---- */

static bool drifted(void)
{
	struct error error;
	bool drift;

	ck_assert_msg(kernel_look(kernel, &drift, &error) == E_OK, "%s", error.text);
	return drift;
}

static void listen_to_events(void)
{
	int fd[KERNEL_BUSES];
	struct error error;

	ck_assert_int_eq(kernel_listen(kernel, fd, &error), E_OK);
}

/* Applies the other plan; did the counters go on, or was the table replaced? */
static bool edits(const struct plan *plan)
{
	fake_count(fake);
	apply(plan);
	return fake_counted(fake, "no-rule") > 0;
}

START_TEST(changes_elsewhere_are_no_drift)
{
	listen_to_events();
	apply(before);
	for (int seen = 0; seen < 2; seen++) {
		fake_tell(fake, "theirs", 99);
		fake_tell(fake, "others", 98);
		fake_tell(fake, "theirs", 99);
		if (seen)
			ck_assert(!drifted());
		ck_assert(edits(after));
		ck_assert(!drifted());
		ck_assert(edits(before));
	}
	/* Nobody told of this one. */
	fake_touch(fake);
	ck_assert(!edits(after));
	/* A gap, and then a change elsewhere. */
	fake_touch(fake);
	fake_tell(fake, "theirs", 99);
	ck_assert(!drifted());
	ck_assert(!edits(before));
}
END_TEST

START_TEST(changes_of_ours_are_drift)
{
	listen_to_events();
	apply(before);
	fake_tell(fake, "copsec", FAKE_PORT);
	ck_assert(!drifted());
	apply(before);
	fake_tell(fake, "theirs", 99);
	fake_tell(fake, "copsec", 99);
	fake_tell(fake, "theirs", 99);
	ck_assert(drifted());
	ck_assert(!drifted());
	ck_assert(!edits(before));
	ck_assert(edits(after));
	/* Repaired by the way, and told nevertheless. */
	fake_tell(fake, "copsec", 99);
	ck_assert(!edits(after));
	ck_assert(drifted());
}
END_TEST

START_TEST(lost_events_are_drift_if_there_were_any)
{
	listen_to_events();
	apply(before);
	fake_lose_events(fake);
	ck_assert(!drifted());
	ck_assert(edits(after));
	fake_tell(fake, "theirs", 99);
	fake_lose_events(fake);
	ck_assert(drifted());
	ck_assert(!edits(before));
}
END_TEST

START_TEST(flushed_spd_is_drift)
{
	char *then, *now;

	listen_to_events();
	apply(before);
	fake_flush_spd(fake);
	ck_assert(drifted());
	ck_assert(!drifted());
	apply(before);
	then = state();
	fake_flush_spd(fake);
	apply(before);
	now = state();
	ck_assert_str_eq(then, now);
	free(then);
	free(now);
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
	tcase_add_loop_test(tcase, refusal_names_the_rule, 0, 2);
	tcase_add_loop_test(tcase, edited_table_is_like_a_new_one, 0, PAIRS);
	tcase_add_test(tcase, first_interval_of_a_map_may_come_to_begin_at_0);
	tcase_add_test(tcase, refused_edit_leaves_one_of_both);
	tcase_add_test(tcase, changed_generation_means_a_new_table);
	tcase_add_test(tcase, settled_table_outlives_its_process);
	tcase_add_test(tcase, unsettled_table_does_not);
	tcase_add_test(tcase, changes_elsewhere_are_no_drift);
	tcase_add_test(tcase, changes_of_ours_are_drift);
	tcase_add_test(tcase, lost_events_are_drift_if_there_were_any);
	tcase_add_test(tcase, flushed_spd_is_drift);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
