/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Updates of a request state, from what a node is to what a PDP knows of it: whatever changes, and
 * whatever is lost on the way, both have the same in the end. */
#include "pep/enforce/request_update.h"

#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/framework/request_state.h"
#include "tests/suite.h"

enum { SEED = 20260711, ROUNDS = 400, BIG = 1 << 22, NAMES = 6, INDEXES = 40 };

static uint32_t random_state = SEED;

static uint32_t below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

/* ---- A node ---- */

#define TEXT(words) {(const uint8_t *)(words), sizeof(words) - 1}
static const struct assigned_interface by_name[2][3] = {
	{{TEXT("eth0"), TEXT("lan")}, {TEXT("eth1"), TEXT("dmz+lan")},
	 {TEXT("*"), TEXT("host")}},
	{{TEXT("eth0"), TEXT("dmz+lan")}, {TEXT("eth2"), TEXT("lan")},
	 {TEXT("*"), TEXT("")}},
};
#undef TEXT

struct node {
	struct node_interfaces interfaces;
	struct state_assignment assignment;
	struct state_set set;
	struct state state;
	bool has_state;
	struct capability_algorithms algorithms;
	struct request_update update;
	uint32_t id; /* of the last request that went out */
};

static struct request_input input_of(const struct node *n)
{
	return (struct request_input){
		.state = n->has_state ? &n->state : NULL,
		.pdp_name = view_of_string("pdp"),
		.description = "test",
		.interfaces = &n->interfaces,
		.algorithms = &n->algorithms,
	};
}

static void assign(struct node *n, uint32_t which)
{
	n->assignment.assignment.interfaces = by_name[which];
	n->assignment.assignment.interface_count = 3;
	n->assignment.assignment.roles = which ? VIEW_NONE : view_of_string("gateway");
	n->state.assignments = &n->assignment;
	n->state.assignment_count = 1;
	n->has_state = true;
}

static void set_name(struct node_interface *i)
{
	snprintf(i->name, sizeof i->name, "eth%u", below(NAMES));
}

static void add_interface(struct node *n)
{
	unsigned index = 1 + below(INDEXES);
	struct node_interface *list = n->interfaces.list;
	size_t at = 0;

	while (at < n->interfaces.count && list[at].index < index)
		at++;
	if (at < n->interfaces.count && list[at].index == index)
		return;
	memmove(&list[at + 1], &list[at], (n->interfaces.count - at) * sizeof *list);
	list[at].index = index;
	set_name(&list[at]);
	n->interfaces.count++;
}

static void remove_interface(struct node *n)
{
	struct node_interface *list = n->interfaces.list;
	size_t at;

	if (!n->interfaces.count)
		return;
	at = below((uint32_t)n->interfaces.count);
	n->interfaces.count--;
	memmove(&list[at], &list[at + 1], (n->interfaces.count - at) * sizeof *list);
}

/* A new policy set, which reports tell of and not a request of its own. */
static void set_policy(struct node *n)
{
	n->set.manifest = (struct manifest){.name = view_of_string("lan"), .serial = 1 + below(9)};
	n->state.home.index.serial = n->set.manifest.serial;
	n->state.sets = &n->set;
	n->state.set_count = below(2);
}

static void change(struct node *n)
{
	switch (below(6)) {
	case 0:
	case 1:
		add_interface(n);
		break;
	case 2:
		remove_interface(n);
		break;
	case 3:
		if (n->interfaces.count)
			set_name(&n->interfaces.list[below((uint32_t)n->interfaces.count)]);
		break;
	case 4:
		if (!below(3))
			assign(n, below(2));
		break;
	default:
		if (n->has_state)
			set_policy(n);
	}
}

/* ---- What comes of it ---- */

static struct error error;

static void put(struct node *n, uint32_t id, uint32_t after, struct buffer *out)
{
	struct request_input input = input_of(n);
	uint16_t code, sub_code;

	buffer_reset(out);
	ck_assert_msg(!request_update_put(&n->update, &input, id, after, out, &error), "%s",
	              error.text);
	ck_assert_msg(!pr_check(PR_IN_REQUEST, buffer_view(out), &code, &sub_code, &error), "%s",
	              error.text);
}

/* What the PDP has but for the incarnation, beside what full state would give. */
static void check_same(const struct node *n, const struct pri_store *pdp, unsigned round)
{
	struct request_input input = input_of(n);
	struct pri_failures failures;
	struct buffer run, theirs;
	struct pri_store *full;
	struct pri_row row;
	struct view all;

	buffer_init(&run, BIG);
	buffer_init(&theirs, BIG);
	ck_assert_int_eq(request_put_state(&input, &run, &error), E_OK);
	all = buffer_view(&run);
	pri_failures_init(&failures);
	ck_assert_int_eq(pri_store_build(&all, 1, &full, &failures, &error), E_OK);
	buffer_reset(&run);
	pri_store_put(full, &run);
	for (struct pri_cursor c = pri_store_all(pdp); pri_store_next(&c, &row);)
		if (row.prid.class->id != PIB_frwkPibIncarnation)
			buffer_put_view(&theirs, row.objects);
	ck_assert_msg(view_equal(buffer_view(&run), buffer_view(&theirs)), "round %u", round);
	pri_store_free(full);
	buffer_fini(&run);
	buffer_fini(&theirs);
}

static size_t count_prids(struct view run)
{
	struct cursor c = cursor_over(run);
	struct pr_object o;
	size_t n = 0;

	while (cursor_left(&c) && !pr_next(&c, &o))
		n += o.s_num == PR_PRID;
	return n;
}

START_TEST(the_pdp_knows_the_node_whatever_changes)
{
	struct node *n = calloc(1, sizeof *n);
	struct pri_store *pdp = NULL;
	size_t differences = 0, idle = 0;
	struct buffer out;

	printf("seed %d\n", SEED);
	buffer_init(&out, BIG);
	n->algorithms = (struct capability_algorithms){.count = 1, .list = {{1, 1, 20, 128}}};
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		struct pri_failures failures;
		struct pri_store *next;
		struct request_input input;
		bool incremental, due, expected = n->id != 0;
		struct view run;

		for (uint32_t i = below(4); i; i--)
			change(n);
		input = input_of(n);
		due = request_update_due(&n->update, &input);
		if (!below(10)) {
			/* One that never goes out: what follows must not build on it. */
			put(n, round + ROUNDS, n->id, &out);
			expected = false;
		} else if (!below(20)) {
			n->id = 0; /* a new session */
			expected = false;
		}
		put(n, round, n->id, &out);
		run = buffer_view(&out);
		pri_failures_init(&failures);
		ck_assert_msg(!request_state_change(n->id ? pdp : NULL, &run, 1, &next,
		                      &incremental, &failures, &error), "round %u: %s", round,
		              error.text);
		ck_assert_msg(incremental == expected, "round %u", round);
		pri_store_free(pdp);
		pdp = next;
		n->id = round;
		check_same(n, pdp, round);
		differences += incremental;
		/* Then it says nothing but that it is none. */
		if (incremental && !due && !n->state.set_count) {
			ck_assert_uint_le(count_prids(run), 2);
			idle++;
		}
		ck_assert(!request_update_due(&n->update, &input));
	}
	ck_assert_uint_gt(differences, ROUNDS / 2);
	ck_assert_uint_gt(idle, 5);
	pri_store_free(pdp);
	request_update_fini(&n->update);
	buffer_fini(&out);
	free(n);
}
END_TEST

static const struct {
	const char *what;
	void (*change)(struct node *n);
	bool due;
	size_t rows; /* that a difference names, frwkPibIncarnation not counted */
} changes[] = {
	{"nothing", NULL, false, 0},
	{"an interface that comes", add_interface, true, 2},
	{"one that goes", remove_interface, true, 2},
	{"a policy", set_policy, false, 1},
};

START_TEST(a_difference_names_what_changed_and_nothing_else)
{
	struct node *n = calloc(1, sizeof *n);
	struct request_input input;
	struct buffer out;

	buffer_init(&out, BIG);
	assign(n, 0);
	n->interfaces.count = 2;
	n->interfaces.list[0] = (struct node_interface){2, "eth0"};
	n->interfaces.list[1] = (struct node_interface){INDEXES + 1, "eth9"};
	put(n, 1, 0, &out);
	ck_assert_uint_gt(count_prids(buffer_view(&out)), 40);
	random_state = SEED;
	if (changes[_i].change) {
		size_t sets = n->state.set_count, count = n->interfaces.count;

		/* Until it has had an effect. */
		do
			changes[_i].change(n);
		while (n->state.set_count == sets && n->interfaces.count == count);
	}
	input = input_of(n);
	ck_assert_msg(request_update_due(&n->update, &input) == changes[_i].due, "%s",
	              changes[_i].what);
	put(n, 2, 1, &out);
	ck_assert_msg(count_prids(buffer_view(&out)) == 1 + changes[_i].rows, "%s: %zu",
	              changes[_i].what, count_prids(buffer_view(&out)));
	request_update_fini(&n->update);
	buffer_fini(&out);
	free(n);
}
END_TEST

/* A name is no part of what a PDP is told, but the roles that go with it are. */
START_TEST(a_new_name_tells_if_it_has_other_roles)
{
	static const struct {
		const char *name;
		bool due;
	} names[] = {{"eth7", false}, {"eth0", true}, {"eth1", true}};
	struct node *n = calloc(1, sizeof *n);
	struct request_input input;
	struct buffer out;

	buffer_init(&out, BIG);
	assign(n, 0);
	n->interfaces.count = 1;
	n->interfaces.list[0] = (struct node_interface){2, "eth9"};
	put(n, 1, 0, &out);
	memcpy(n->interfaces.list[0].name, names[_i].name, 5);
	input = input_of(n);
	ck_assert_int_eq(request_update_due(&n->update, &input), names[_i].due);
	put(n, 2, 1, &out);
	ck_assert_uint_eq(count_prids(buffer_view(&out)), names[_i].due ? 2 : 1);
	request_update_fini(&n->update);
	buffer_fini(&out);
	free(n);
}
END_TEST

/* Once with full state; that is not repeated if it cannot be used either. */
START_TEST(what_the_pdp_cannot_use_is_said_once_more_as_full_state)
{
	struct node *n = calloc(1, sizeof *n);
	struct request_input input;
	struct buffer out;
	size_t full;

	buffer_init(&out, BIG);
	n->interfaces.count = 1;
	n->interfaces.list[0] = (struct node_interface){2, "eth0"};
	put(n, 1, 0, &out);
	n->interfaces.list[0].index = 3;
	put(n, 2, 1, &out);
	ck_assert_uint_eq(count_prids(buffer_view(&out)), 1 + 4);
	request_update_refused(&n->update);
	input = input_of(n);
	ck_assert(request_update_due(&n->update, &input));
	put(n, 3, 2, &out);
	full = count_prids(buffer_view(&out));
	ck_assert_uint_gt(full, 40);
	request_update_refused(&n->update);
	ck_assert(!request_update_due(&n->update, &input));
	request_update_fini(&n->update);
	buffer_fini(&out);
	free(n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("request-update");
	TCase *c = tcase_create("update");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_pdp_knows_the_node_whatever_changes);
	tcase_add_loop_test(c, a_difference_names_what_changed_and_nothing_else, 0,
	                    (int)(sizeof changes / sizeof changes[0]));
	tcase_add_loop_test(c, a_new_name_tells_if_it_has_other_roles, 0, 3);
	tcase_add_test(c, what_the_pdp_cannot_use_is_said_once_more_as_full_state);
	suite_add_tcase(s, c);
	return suite_main(s);
}
