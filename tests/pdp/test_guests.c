/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others than home publish at a decision point: who it is for, and what a node gets of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pdp/decision/guests.h"
#include "pib/store/difference.h"
#include "tests/pdp/tenant.h"
#include "tests/pib/set/voices.h"
#include "tests/suite.h"

enum { BIG = 1 << 26, SEED = 20261123, STEPS = 60, MORE_PORTS = 6 };

static struct tenant *tenant;
static struct voices *voices;
static struct publication *home;
static struct guests guests;
static struct buffer lists[AUTHORITY_LOCAL + 1]; /* as they were signed first */
static struct error error;
static unsigned seed;

/* Home as it is now; with the loans that it gives, which a tenant's own bundle has not. */
static void publish_home(void)
{
	struct world *w = tenant->world;
	struct view lent[] = {VIEW_NONE, VIEW_NONE};
	struct buffer rows, objects;
	struct bundle bundle;
	struct arena arena;

	world_roots(w);
	voices_sign(voices);
	world_sign(w);
	lent[0] = buffer_view(&voices->list[AUTHORITY_RESPONDER].lent_cms);
	lent[1] = buffer_view(&voices->list[AUTHORITY_DIRECTORY].lent_cms);
	arena_init(&arena, BIG);
	buffer_init(&rows, BIG);
	buffer_init(&objects, BIG);
	world_bundle(w, &arena, &rows, &bundle);
	bundle.delegations = lent;
	bundle.delegation_count = 2;
	ck_assert_msg(!bundle_write_objects(&bundle, &objects, &error), "%s", error.text);
	publication_free(home);
	home = NULL;
	ck_assert_msg(!publication_verify(buffer_view(&objects), w->trust, "acme", NULL, NOW, &home,
			      &error),
		"%s", error.text);
	buffer_fini(&objects);
	buffer_fini(&rows);
	arena_fini(&arena);
}

static void set_up(void)
{
	tenant = tenant_new(NOW);
	voices = voices_new(tenant->world);
	guests = (struct guests){.latest = NULL};
	home = NULL;
	seed = SEED;
	publish_home();
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++) {
		buffer_init(&lists[a], BIG);
		buffer_put_view(&lists[a], buffer_view(&voices->list[a].list_cms));
	}
}

static void tear_down(void)
{
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++)
		buffer_fini(&lists[a]);
	guests_fini(&guests);
	publication_free(home);
	voices_free(voices);
	tenant_free(tenant);
}

/* Signs what the voice says now, and publishes it. */
static enum err publish(struct voice *one)
{
	struct bundle_set set = {.block = one->manifest.block};
	struct bundle bundle = {.authority = one->authority, .sets = &set, .set_count = 1};
	struct guest *guest = NULL;
	struct buffer rows, objects;
	enum err err;

	buffer_init(&rows, BIG);
	buffer_init(&objects, BIG);
	voices_sign(voices);
	rows_put(&one->rows, &rows);
	set.rows = buffer_view(&rows);
	set.cms = buffer_view(&one->cms);
	bundle.index = buffer_view(&one->index_cms);
	bundle.trust = buffer_view(&lists[one->authority]);
	ck_assert_msg(!bundle_write_objects(&bundle, &objects, &error), "%s", error.text);
	err = guest_verify(buffer_view(&objects), home, &guests, NOW, &guest, &error);
	if (!err)
		guests_adopt(&guests, guest);
	buffer_fini(&objects);
	buffer_fini(&rows);
	return err;
}

static void must_publish(struct voice *one)
{
	enum err err = publish(one);

	ck_assert_msg(!err, "%s: %s", authority_name(one->authority), error.text);
}

static void next(struct voice *one)
{
	one->manifest.serial++;
	one->index.serial++;
}

static const struct publication_node *node(const char *name)
{
	return publication_find_name(home, name);
}

static struct pri_store *store_of(struct view objects)
{
	static struct pri_failures failures;
	struct pri_store *rows = NULL;

	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&objects, 1, &rows, &failures, &error), "%s", error.text);
	return rows;
}

static struct pri_store *full_store(void)
{
	struct pri_store *rows;
	struct buffer full;

	buffer_init(&full, BIG);
	guests_put(&guests, home, node("gw1"), &full);
	rows = store_of(buffer_view(&full));
	buffer_fini(&full);
	return rows;
}

/* ---- One rule changes ---- */

START_TEST(of_one_changed_rule_only_that_is_sent)
{
	struct voice *one = &voices->list[AUTHORITY_OPERATOR];
	const uint32_t block = one->manifest.block;
	const struct prid wanted[] = {
		{pib_class(PIB_copsecPolicySet), block_policy_set_instance(block)},
		{pib_class(PIB_copsecIndex), AUTHORITY_OPERATOR},
		{pib_class(PIB_copsecRule), block + 2},
	};
	struct pri_store *sent;
	struct update update;
	struct pri_row row;
	uint64_t version;

	must_publish(one);
	version = guests_version(&guests, home, node("gw1"));
	ck_assert_uint_eq(version, one->index.serial);
	next(one);
	pri_set_text(rows_get(&one->rows, PIB_copsecRule, block + 2), copsecRuleName, "renamed");
	must_publish(one);
	update_init(&update);
	ck_assert_msg(!guests_update(&guests, home, node("gw1"), version, &update, &error), "%s",
		error.text);
	ck_assert_uint_eq(update.removes.len, 0);
	sent = store_of(buffer_view(&update.installs));
	ck_assert_uint_eq(pri_store_count(sent), 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert(pri_store_find(sent, &wanted[i], &row));
	pri_store_free(sent);
	/* Who has it gets nothing; who is not to hear it never does. */
	update_reset(&update);
	version = guests_version(&guests, home, node("gw1"));
	ck_assert(!guests_update(&guests, home, node("gw1"), version, &update, &error));
	ck_assert_uint_eq(guests_version(&guests, home, node("alice")), 0);
	ck_assert(!guests_update(&guests, home, node("alice"), 0, &update, &error));
	ck_assert_uint_eq(update.removes.len + update.installs.len, 0);
	update_fini(&update);
}
END_TEST

/* ---- Random changes ---- */

static uint32_t draw(uint32_t below)
{
	return (uint32_t)rand_r(&seed) % below;
}

static void change(struct voice *one)
{
	static const char *const names[] = {"one", "another", "a third"};
	/* At gw1 there are gateway and lan, and no host. */
	static const char *const roles[] = {"*", "*+gateway", "*+lan", "*+host"};
	const uint32_t block = one->manifest.block, which = block + 20 + draw(MORE_PORTS);
	struct pri *port = NULL;

	next(one);
	if (draw(3) == 0)
		pri_set_text(rows_get(&one->rows, PIB_copsecRule, block + 1 + draw(2)),
			copsecRuleName, names[draw(3)]);
	if (draw(4) == 0) {
		one->manifest.name = one->manifest.roles = view_of_string(roles[draw(4)]);
		for (uint32_t i = 1; i <= 2; i++)
			pri_set_octets(rows_get(&one->rows, PIB_ipSecRule, block + i), ipSecRuleRoles,
				one->manifest.roles);
	}
	for (size_t i = 0; i < one->rows.count && !port; i++)
		if (one->rows.list[i].class->id == PIB_ipSecL4Port &&
			one->rows.list[i].instance == which)
			port = &one->rows.list[i];
	if (port && draw(2)) {
		rows_drop(&one->rows, PIB_ipSecL4Port, which);
		return;
	}
	if (!port)
		port = rows_add(&one->rows, PIB_ipSecL4Port, which);
	pri_set_u32(port, ipSecL4PortPortMin, 1000 + draw(900));
	pri_set_u32(port, ipSecL4PortPortMax, 2000 + draw(900));
	pri_set_u32(port, ipSecL4PortGroupId, block + 9);
}

static void assert_same(const struct pri_store *a, const struct pri_store *b)
{
	struct buffer x, y;

	buffer_init(&x, BIG);
	buffer_init(&y, BIG);
	pri_store_put(a, &x);
	pri_store_put(b, &y);
	ck_assert(view_equal(buffer_view(&x), buffer_view(&y)));
	buffer_fini(&x);
	buffer_fini(&y);
}

/* The store that a node makes of the update; the one before goes. */
static struct pri_store *take(struct pri_store *held, const struct update *update)
{
	static struct pri_failures failures;
	const struct view removes = buffer_view(&update->removes);
	const struct view installs = buffer_view(&update->installs);
	const struct pri_change all = {&removes, removes.len != 0, &installs, installs.len != 0};
	struct pri_store *new = NULL;

	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_change(held, &all, &new, &failures, &error), "%s", error.text);
	pri_store_free(held);
	return new;
}

/* Whoever missed no change gets to the full state by the delta; whoever did is told to get all. */
START_TEST(a_delta_leads_where_the_full_state_does)
{
	static const enum authority who[] = {AUTHORITY_OPERATOR, AUTHORITY_VISITED};
	struct pri_store *held = full_store(), *full;
	unsigned deltas = 0, missed = 0;
	struct update update;
	uint64_t version = 0;

	printf("seed %u\n", seed);
	update_init(&update);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned changes = draw(4) ? 1 : 2;
		enum err err;

		for (unsigned i = 0; i < changes; i++) {
			struct voice *one = &voices->list[who[draw(2)]];

			change(one);
			must_publish(one);
		}
		update_reset(&update);
		err = guests_update(&guests, home, node("gw1"), version, &update, &error);
		full = full_store();
		if (changes == 1) {
			ck_assert_msg(!err, "step %u: %s", step, error.text);
			held = take(held, &update);
			assert_same(held, full);
			pri_store_free(full);
			deltas++;
		} else {
			ck_assert_int_eq(err, E_NOT_FOUND);
			ck_assert_uint_eq(update.removes.len + update.installs.len, 0);
			pri_store_free(held);
			held = full;
			missed++;
		}
		version = guests_version(&guests, home, node("gw1"));
	}
	ck_assert_uint_gt(deltas, STEPS / 2);
	ck_assert_uint_gt(missed, 5);
	update_fini(&update);
	pri_store_free(held);
}
END_TEST

/* ---- At most so many nodes ---- */

/* Something to say, but no rule: nothing passes there. */
static void isolate(struct voice *one, const char *roles)
{
	one->manifest.name = one->manifest.roles = view_of_string(roles);
	one->rows.count = 0;
	pri_set_u32(rows_add(&one->rows, PIB_ipSecL4Port, one->manifest.block + 1),
		ipSecL4PortGroupId, one->manifest.block + 9);
}

START_TEST(a_responder_touches_no_more_nodes_than_it_may)
{
	struct voice *one = &voices->list[AUTHORITY_RESPONDER];
	struct assignment *alice = &tenant->world->assignments[ALICE];

	one->lent.may_isolate = true;
	one->lent.most_nodes = 1;
	publish_home();
	isolate(one, "*");
	/* It has no say at alice. */
	must_publish(one);
	alice->authorities = voices->leave;
	alice->authority_count = 4;
	publish_home();
	next(one);
	ck_assert_int_eq(publish(one), E_DENIED);
	ck_assert_msg(strstr(error.text, "the sets are for 2 nodes, the delegation permits 1"), "%s",
		error.text);
	isolate(one, "*+gateway");
	must_publish(one);
	next(one);
	isolate(one, "*+host");
	must_publish(one);
	/* An empty one touches nobody. */
	next(one);
	isolate(one, "*");
	one->rows.count = 0;
	must_publish(one);
	/* By another loan it may. */
	one->lent.most_nodes = 2;
	publish_home();
	next(one);
	isolate(one, "*");
	must_publish(one);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pdp/guests");
	TCase *c = tcase_create("guests");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, of_one_changed_rule_only_that_is_sent);
	tcase_add_test(c, a_delta_leads_where_the_full_state_does);
	tcase_add_test(c, a_responder_touches_no_more_nodes_than_it_may);
	suite_add_tcase(s, c);
	return suite_main(s);
}
