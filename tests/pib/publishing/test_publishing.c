/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What publishers and decision points say to each other. */
#include "pib/publishing/order.h"

#include <string.h>

#include "common/cops/pr.h"
#include "pib/publishing/standing.h"
#include "tests/suite.h"

enum { BIG = 1 << 16 };

static struct error error;

/* An object that is no order. */
static void put_bundle(struct buffer *out)
{
	struct pri pri;

	pri_init(&pri, PIB_copsecIndex, 1);
	pri_set_octets(&pri, copsecIndexSigned, view_of_string("signed"));
	ck_assert_int_eq(pri_put(out, &pri, &error), E_OK);
}

static const struct {
	struct publishing_order order;
	bool bundle;
} orders[] = {
	{{.action = PUBLISHING_PUBLISH, .base = 7}, true},
	{{.action = PUBLISHING_TRY, .base = UINT64_MAX, .share = 100}, true},
	{{.action = PUBLISHING_TRY, .base = 7, .roles = {(const uint8_t *)"a+b", 3}}, true},
	{{.action = PUBLISHING_PROMOTE, .base = 8, .serial = 8}, false},
	{{.action = PUBLISHING_FOLLOW}, false},
	{{.action = PUBLISHING_FETCH}, false},
};

START_TEST(an_order_arrives_as_it_was_given)
{
	const struct publishing_order *given = &orders[_i].order;
	struct publishing_order got;
	struct buffer out, bundle;
	struct view objects;

	buffer_init(&out, BIG);
	buffer_init(&bundle, BIG);
	ck_assert_msg(!publishing_order_put(given, &out, &error), "%s", error.text);
	put_bundle(&bundle);
	if (orders[_i].bundle)
		buffer_put_view(&out, buffer_view(&bundle));
	objects = buffer_view(&out);
	ck_assert_msg(!publishing_order_take(&objects, &got, &error), "%s", error.text);
	ck_assert_int_eq(got.action, given->action);
	ck_assert(got.on_condition);
	ck_assert_uint_eq(got.base, given->base);
	ck_assert_uint_eq(got.serial, given->serial);
	ck_assert_uint_eq(got.share, given->share);
	ck_assert(view_equal(got.roles, given->roles));
	ck_assert(view_equal(objects, orders[_i].bundle ? buffer_view(&bundle) : VIEW_NONE));

	/* With a bundle where none belongs, and without where one does. */
	if (orders[_i].bundle)
		out.len -= bundle.len;
	else
		buffer_put_view(&out, buffer_view(&bundle));
	objects = buffer_view(&out);
	ck_assert_int_eq(publishing_order_take(&objects, &got, &error),
		orders[_i].bundle ? E_MISSING : E_UNEXPECTED);
	buffer_fini(&out);
	buffer_fini(&bundle);
}
END_TEST

START_TEST(a_bundle_alone_is_to_be_published_on_no_condition)
{
	struct publishing_order got;
	struct buffer out;
	struct view objects;

	buffer_init(&out, BIG);
	put_bundle(&out);
	objects = buffer_view(&out);
	ck_assert_int_eq(publishing_order_take(&objects, &got, &error), E_OK);
	ck_assert_int_eq(got.action, PUBLISHING_PUBLISH);
	ck_assert(!got.on_condition);
	ck_assert(view_equal(objects, buffer_view(&out)));
	buffer_fini(&out);
}
END_TEST

/* What our own encoder would never write. */
static const struct {
	const char *what;
	uint32_t share;
	const char *roles;
	enum err result;
} choices[] = {
	{"nobody tries", 0, "", E_RANGE},
	{"two say who", 5, "gateway", E_RANGE},
	{"roles out of order", 0, "b+a", E_SYNTAX},
	{"a pattern", 0, "*+a", E_SYNTAX},
};

START_TEST(who_tries_is_said_in_one_way)
{
	struct publishing_order got;
	struct buffer out;
	struct view objects;
	struct pri pri;

	buffer_init(&out, BIG);
	pri_init(&pri, PIB_copsecPublication, 1);
	pri_set_i32(&pri, copsecPublicationAction, copsecPublicationAction_try);
	pri_set_u32(&pri, copsecPublicationShare, choices[_i].share);
	pri_set_text(&pri, copsecPublicationRoles, choices[_i].roles);
	ck_assert_msg(!pri_put(&out, &pri, &error), "%s", error.text);
	put_bundle(&out);
	objects = buffer_view(&out);
	ck_assert_msg(publishing_order_take(&objects, &got, &error) == choices[_i].result, "%s",
		choices[_i].what);
	buffer_fini(&out);
}
END_TEST

/* Cut after every octet: an order is never taken for another one. */
START_TEST(a_cut_order_is_refused)
{
	struct publishing_order got;
	struct buffer out;

	buffer_init(&out, BIG);
	ck_assert_int_eq(publishing_order_put(&orders[3].order, &out, &error), E_OK);
	for (size_t len = 1; len < out.len; len++) {
		struct view objects = VIEW(out.data, len);
		enum err result = publishing_order_take(&objects, &got, &error);

		/* Without its whole PRID it is not known to be one, and goes the way of bundles. */
		ck_assert(result || (!got.on_condition && objects.len == len));
	}
	buffer_fini(&out);
}
END_TEST

START_TEST(what_is_told_of_nodes_arrives)
{
	char long_reason[400];
	const struct publishing_state state = {
		.tenant = view_of_string("acme"),
		.serial = 7,
		.tried = 8,
		.share = 5,
		.has_publisher = true,
		.publisher = {{1, 2, 3}},
		.published = 1767225600,
		.nodes = 2,
	};
	const struct node_standing node = {view_of_string("gw1"), STANDING_FAILED, 6, 100, 200,
		true, VIEW(long_reason, sizeof long_reason)};
	struct publishing_item item;
	struct buffer out;
	struct cursor run;

	memset(long_reason, 'x', sizeof long_reason);
	buffer_init(&out, BIG);
	ck_assert_msg(!publishing_state_put(&state, &out, &error), "%s", error.text);
	ck_assert_msg(!node_standing_put(&node, 2, &out, &error), "%s", error.text);
	put_bundle(&out);
	run = cursor_over(buffer_view(&out));

	ck_assert_int_eq(publishing_next(&run, &item, &error), E_OK);
	ck_assert_int_eq(item.kind, PUBLISHING_STATE);
	ck_assert_uint_eq(item.state.serial, 7);
	ck_assert_uint_eq(item.state.tried, 8);
	ck_assert_uint_eq(item.state.share, 5);
	ck_assert_uint_eq(item.state.roles.len, 0);
	ck_assert(item.state.has_publisher);
	ck_assert(pin_equal(&item.state.publisher, &state.publisher));
	ck_assert_uint_eq(item.state.published, state.published);
	ck_assert_uint_eq(item.state.nodes, 2);

	ck_assert_int_eq(publishing_next(&run, &item, &error), E_OK);
	ck_assert_int_eq(item.kind, PUBLISHING_NODE);
	ck_assert_uint_eq(item.instance, 2);
	ck_assert_uint_eq(item.node.reason.len, PUBLISHING_REASON_MAX);
	item.node.reason = node.reason;
	ck_assert(node_standing_equal(&item.node, &node));

	ck_assert_int_eq(publishing_next(&run, &item, &error), E_OK);
	ck_assert_int_eq(item.kind, PUBLISHING_OTHER);
	ck_assert_int_eq(publishing_next(&run, &item, &error), E_OK);
	ck_assert_int_eq(item.kind, PUBLISHING_END);

	for (size_t len = 1; len < out.len; len++) {
		enum err result = E_OK;

		run = cursor_over(VIEW(out.data, len));
		do {
			result = publishing_next(&run, &item, &error);
		} while (!result && item.kind != PUBLISHING_END);
	}
	buffer_fini(&out);
}
END_TEST

START_TEST(every_standing_has_its_word)
{
	for (unsigned i = 0; i < 20; i++)
		for (unsigned k = i + 1; k < 20; k++) {
			const char *a = publishing_standing_word((enum publishing_standing)i),
				   *b = publishing_standing_word((enum publishing_standing)k);

			ck_assert(!*a || strcmp(a, b) != 0);
		}
	ck_assert_str_eq(publishing_standing_word(STANDING_NEVER_SEEN), "never seen");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("publishing");
	TCase *c = tcase_create("publishing");

	tcase_add_loop_test(c, an_order_arrives_as_it_was_given, 0, sizeof orders / sizeof *orders);
	tcase_add_test(c, a_bundle_alone_is_to_be_published_on_no_condition);
	tcase_add_loop_test(c, who_tries_is_said_in_one_way, 0, sizeof choices / sizeof *choices);
	tcase_add_test(c, a_cut_order_is_refused);
	tcase_add_test(c, what_is_told_of_nodes_arrives);
	tcase_add_test(c, every_standing_has_its_word);
	suite_add_tcase(s, c);
	return suite_main(s);
}
