/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/publication.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/pdp/tenant.h"
#include "tests/suite.h"

enum { BIG = 1 << 26 };

static struct tenant *tenant;
static struct error error;

static void set_up(void)
{
	tenant = tenant_new(NOW);
	tenant_pack(tenant, 20);
}

static void tear_down(void)
{
	tenant = tenant_free(tenant);
}

static enum err verify(const char *name, const struct publication *current)
{
	struct publication *p = NULL;
	enum err result = publication_verify(buffer_view(&tenant->objects), tenant->world->trust,
		name, current, NOW, &p, &error);

	ck_assert_msg((p == NULL) == (result != E_OK), "an output in spite of a failure");
	publication_free(p);
	return result;
}

START_TEST(a_good_bundle_is_taken_and_its_nodes_are_found)
{
	struct publication *p = tenant_publication(tenant, NULL);
	struct pin stranger = key_pin(tenant->stranger);

	ck_assert_uint_eq(publication_serial(p), 20);
	ck_assert_uint_eq(publication_index(p)->entry_count, SETS);
	ck_assert_uint_eq(publication_node_count(p), NODES);
	for (size_t i = 0; i < NODES; i++) {
		struct pin key = key_pin(tenant->node_keys[i]);
		const struct publication_node *node = publication_node(p, i);

		ck_assert_str_eq(node->name, tenant_nodes[i]);
		ck_assert_uint_eq(node->which, i);
		ck_assert(node->has_report_key);
		ck_assert(pin_equal(&node->report_key, &tenant->report_pins[i]));
		ck_assert_ptr_eq(publication_find_key(p, &key), node);
		ck_assert_ptr_eq(publication_find_name(p, tenant_nodes[i]), node);
	}
	ck_assert_ptr_null(publication_find_key(p, &stranger));
	ck_assert_ptr_null(publication_find_name(p, "bob"));
	publication_free(p);
}
END_TEST

START_TEST(what_does_not_continue_the_one_in_force_is_stale)
{
	struct publication *current = tenant_publication(tenant, NULL);

	ck_assert_int_eq(verify("acme", current), E_STALE);
	ck_assert_str_eq(error.text, "the index has serial 20, as that in force");
	tenant_pack(tenant, 19);
	ck_assert_int_eq(verify("acme", current), E_STALE);
	ck_assert_str_eq(error.text, "the index has serial 19, but 20 was accepted before");
	tenant_pack(tenant, 21);
	ck_assert_msg(verify("acme", current) == E_OK, "%s", error.text);
	/* A new index does not bring back an old set, nor an old assignment. */
	tenant->world->manifests[LAN].serial = 19;
	world_roots(tenant->world);
	world_sign(tenant->world);
	tenant_pack_again(tenant);
	ck_assert_int_eq(verify("acme", current), E_STALE);
	tenant_pack(tenant, 21);
	tenant->world->assignments[ALICE].serial = 19;
	world_sign(tenant->world);
	tenant_pack_again(tenant);
	ck_assert_int_eq(verify("acme", current), E_STALE);
	publication_free(current);
}
END_TEST

START_TEST(another_tenants_bundle_is_refused)
{
	ck_assert_int_eq(verify("evil", NULL), E_MISMATCH);
	ck_assert_ptr_nonnull(strstr(error.text, "acme"));
}
END_TEST

START_TEST(too_few_signatures_are_not_enough)
{
	tenant->world->index_document.signers = 1;
	tenant_pack(tenant, 20);
	ck_assert_int_eq(verify("acme", NULL), E_UNTRUSTED);
	tenant->world->index_document.signers = 3;
	tenant->world->set_documents[HOST].signers = 9; /* the second is nobody's key */
	tenant_pack(tenant, 20);
	ck_assert_int_eq(verify("acme", NULL), E_UNTRUSTED);
}
END_TEST

/* Every 41st octet, in turn each bit: about 200 verifications. */
START_TEST(no_octet_can_be_changed)
{
	unsigned tried = 0;

	for (size_t i = 0; i < tenant->objects.len; i += 41) {
		uint8_t was = tenant->objects.data[i];

		tenant->objects.data[i] ^= (uint8_t)(1u << tried++ % 8);
		ck_assert_msg(verify("acme", NULL) != E_OK, "octet %zu", i);
		tenant->objects.data[i] = was;
	}
	ck_assert_uint_gt(tried, 50);
	ck_assert_int_eq(verify("acme", NULL), E_OK);
}
END_TEST

START_TEST(what_could_not_be_sent_in_one_message_is_refused)
{
	struct publication *p = NULL;
	struct buffer b;

	buffer_init(&b, 2 * PUBLICATION_MAX);
	buffer_put_zeros(&b, PUBLICATION_MAX + 1);
	ck_assert_int_eq(publication_verify(buffer_view(&b), tenant->world->trust, "acme", NULL,
				 NOW, &p, &error),
		E_LIMIT);
	ck_assert_ptr_nonnull(strstr(error.text, "at most"));
	b.len--;
	ck_assert_int_ne(publication_verify(buffer_view(&b), tenant->world->trust, "acme", NULL,
				 NOW, &p, &error),
		E_LIMIT);
	buffer_fini(&b);
}
END_TEST

static void assert_items_equal(const struct store_item *a, const struct store_item *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(a[i].name, b[i].name);
		ck_assert_uint_eq(a[i].serial, b[i].serial);
		ck_assert(view_equal(a[i].octets, b[i].octets));
	}
}

static void put_node(const struct publication *p, size_t which, struct buffer *out)
{
	buffer_init(out, BIG);
	ck_assert_msg(!publication_put_node(p, publication_node(p, which), "pdp", out, &error),
		"%s", error.text);
}

START_TEST(the_store_gives_back_every_octet)
{
	static char directory[] = "/tmp/copsec-publication-XXXXXX";
	struct publication *p = tenant_publication(tenant, NULL), *again = NULL;
	struct store_publication stored, loaded;
	struct store *store = NULL;
	struct arena arena;
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/db", directory);
	arena_init(&arena, BIG);
	ck_assert_int_eq(publication_to_store(p, "sha256:00", 77, &arena, &stored, &error), E_OK);
	ck_assert_int_eq(store_open(path, &store, &error), E_OK);
	ck_assert_int_eq(store_publish(store, &stored, &error), E_OK);
	ck_assert_int_eq(store_load(store, &arena, &loaded, &error), E_OK);
	store_close(store);
	unlink(path);
	rmdir(directory);

	ck_assert_uint_eq(loaded.serial, 20);
	ck_assert_uint_eq(loaded.published, 77);
	ck_assert_uint_eq(loaded.assignment_count, NODES);
	ck_assert_uint_eq(loaded.set_count, SETS);
	ck_assert(view_equal(loaded.index, stored.index));
	assert_items_equal(loaded.assignments, stored.assignments, NODES);
	assert_items_equal(loaded.sets, stored.sets, SETS);

	ck_assert_msg(!publication_of_store(&loaded, &again, &error), "%s", error.text);
	ck_assert_uint_eq(publication_serial(again), 20);
	for (size_t i = 0; i < NODES; i++) {
		struct buffer before, after;

		put_node(p, i, &before);
		put_node(again, i, &after);
		ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
		buffer_fini(&before);
		buffer_fini(&after);
	}
	publication_free(p);
	publication_free(again);
	arena_fini(&arena);
}
END_TEST

/* A database may say what no verified bundle says; whose key it is must not depend on luck. */
START_TEST(two_nodes_of_one_key_are_not_loaded)
{
	struct publication *p = tenant_publication(tenant, NULL), *again = NULL;
	struct store_publication stored;
	struct store_item twice[NODES];
	struct arena arena;

	arena_init(&arena, BIG);
	ck_assert_int_eq(publication_to_store(p, "sha256:00", 77, &arena, &stored, &error), E_OK);
	publication_free(p);

	memcpy(tenant->world->assignments[ALICE].node_key,
		tenant->world->assignments[GW1].node_key, NODE_KEY);
	tenant_pack(tenant, 20);
	ck_assert_int_eq(verify("acme", NULL), E_DUPLICATE);
	memcpy(twice, stored.assignments, sizeof twice);
	{
		struct buffer row;

		buffer_init(&row, BIG);
		bundle_put_assignment(2,
			buffer_view(&tenant->world->assignment_documents[ALICE].cms), &row);
		twice[ALICE].octets = arena_copy(&arena, buffer_view(&row));
		buffer_fini(&row);
	}
	stored.assignments = twice;
	/* The sets went with the first publication. */
	stored.set_count = 0;
	ck_assert_int_eq(publication_of_store(&stored, &again, &error), E_DUPLICATE);
	ck_assert_ptr_null(again);
	arena_fini(&arena);
}
END_TEST

static struct state *verify_node(struct buffer *objects, size_t which, enum err expected)
{
	struct view piece = buffer_view(objects);
	struct pin key = key_pin(tenant->node_keys[which]);
	const struct state_node node = {&key, view_of_string(tenant_nodes[which])};
	const struct state_terms terms = {
		.trust = tenant->world->trust,
		.tenant = view_of_string("acme"),
		.now_utc = NOW,
	};
	static struct pri_failures failures;
	struct pri_store *rows = NULL;
	struct state *state = NULL;
	enum err result;

	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&piece, 1, &rows, &failures, &error), "%s", error.text);
	result = state_verify_node(rows, &terms, &node, &state, &failures, &error);
	ck_assert_msg(result == expected, "%s", error.text);
	pri_store_free(rows);
	return state;
}

static void assert_incarnation(const struct buffer *objects)
{
	struct cursor run = cursor_over(buffer_view(objects));
	struct pr_object prid_object, epd_object;
	struct pib_fault fault;
	struct prid prid;
	struct pri pri;

	ck_assert_int_eq(pr_next(&run, &prid_object), E_OK);
	ck_assert_int_eq(pr_next(&run, &epd_object), E_OK);
	ck_assert_int_eq(prid_decode(prid_object.contents, &prid, &fault, &error), E_OK);
	ck_assert_int_eq(prid.class->id, PIB_frwkPibIncarnation);
	ck_assert_int_eq(epd_decode(&prid, epd_object.contents, &pri, &fault, &error), E_OK);
	ck_assert(view_equal(pri_octets(&pri, frwkPibIncarnationName), view_of_string("pdp")));
	ck_assert(view_equal(pri_octets(&pri, frwkPibIncarnationId), view_of_string("20")));
	ck_assert(!pri_has(&pri, frwkPibIncarnationLongevity));
	ck_assert(!pri_has(&pri, frwkPibIncarnationTtl));
	ck_assert(!pri_has(&pri, frwkPibIncarnationFullState));
}

START_TEST(a_node_gets_what_its_assignment_demands_and_no_more)
{
	static const char *const demanded[NODES][3] = {{"gateway", "lan"}, {"host"}};
	struct publication *p = tenant_publication(tenant, NULL);

	for (size_t i = 0; i < NODES; i++) {
		struct buffer objects;
		struct state *state;
		size_t count = 0;

		put_node(p, i, &objects);
		assert_incarnation(&objects);
		state = verify_node(&objects, i, E_OK);
		for (; demanded[i][count]; count++)
			ck_assert_ptr_nonnull(
				state_find_set(state, AUTHORITY_HOME, view_of_string(demanded[i][count])));
		ck_assert_uint_eq(state->set_count, count);
		ck_assert_uint_eq(state->assignment_count, 1);
		ck_assert_uint_eq(state->home.index.serial, 20);
		state_free(state);
		ck_assert_ptr_null(verify_node(&objects, !i, E_MISMATCH));
		buffer_fini(&objects);
	}
	publication_free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("publication");
	TCase *c = tcase_create("publication");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_good_bundle_is_taken_and_its_nodes_are_found);
	tcase_add_test(c, what_does_not_continue_the_one_in_force_is_stale);
	tcase_add_test(c, another_tenants_bundle_is_refused);
	tcase_add_test(c, too_few_signatures_are_not_enough);
	tcase_add_test(c, no_octet_can_be_changed);
	tcase_add_test(c, what_could_not_be_sent_in_one_message_is_refused);
	tcase_add_test(c, the_store_gives_back_every_octet);
	tcase_add_test(c, two_nodes_of_one_key_are_not_loaded);
	tcase_add_test(c, a_node_gets_what_its_assignment_demands_and_no_more);
	suite_add_tcase(s, c);
	return suite_main(s);
}
