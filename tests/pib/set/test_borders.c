/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set that reaches into another one, of its own authority or of another: for every class that may
 * stand in a set, and every attribute of it that names an instance or a list, by the schema itself,
 * from the set of each authority to that of each other. Whatever is added to a module is
 * tried here too.
 */
#include <string.h>

#include "pib/set/envelope.h"
#include "pib/store/reference.h"
#include "tests/pib/set/voices.h"
#include "tests/suite.h"

enum { BIG = 1 << 26, PLACE = 100 /* of the row that tries, in its block */ };

static struct world *w;
static struct voices *g;
static struct pri_failures failures;
static struct error error;

/* Where the row that tries stands, and whom it tries to reach: home's lan and gateway, and those
 * who speak besides. */
enum { TRIERS = 1 + AUTHORITY_DIRECTORY - AUTHORITY_HOME };

static struct rows *rows_of(size_t trier)
{
	return trier ? &g->list[AUTHORITY_HOME + trier].rows : w->rows[LAN];
}

static uint32_t block_of_trier(size_t trier)
{
	return trier ? g->list[AUTHORITY_HOME + trier].manifest.block : w->manifests[LAN].block;
}

enum { VICTIMS = 2 };

/* Home's other set, and the next authority's, so that each is tried by somebody. */
static uint32_t victim(size_t trier, size_t i)
{
	return i ? block_of_trier(1 + trier % (TRIERS - 1)) : w->manifests[GATEWAY].block;
}

static void set_up(void)
{
	w = world_new();
	g = voices_new(w);
	w->assignment_documents[ALICE].sent = false;
	w->set_documents[HOST].sent = false;
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++)
		g->list[a].speaks = true;
}

static void tear_down(void)
{
	voices_free(g);
	world_free(w);
}

static enum err verify(void)
{
	struct state *state = NULL;
	struct pri_store *rows;
	struct buffer run;
	struct view piece;
	enum err err;

	world_roots(w);
	voices_sign(g);
	world_sign(w);
	voices_put(g);
	buffer_init(&run, BIG);
	world_node(w, &run);
	piece = buffer_view(&run);
	pri_failures_init(&failures);
	err = pri_store_build(&piece, 1, &rows, &failures, &error);
	if (!err) {
		err = state_verify_node(rows, &w->terms, &w->node, &state, &failures, &error);
		pri_store_free(rows);
	}
	state_free(state);
	buffer_fini(&run);
	return err;
}

/* The row, and what it extends. */
static struct pri *add_row(size_t trier, const struct pib_class *class, uint32_t place)
{
	if (class->base != class->id)
		add_row(trier, pib_class(class->base), place);
	return rows_add(rows_of(trier), class->id, block_of_trier(trier) + place);
}

static void drop_row(size_t trier, const struct pib_class *class, uint32_t instance)
{
	rows_drop(rows_of(trier), class->id, instance);
	if (class->base != class->id && instance == block_of_trier(trier) + PLACE)
		drop_row(trier, pib_class(class->base), instance);
}

static bool is_named(const struct pib_class *class, uint32_t instance, unsigned attribute)
{
	for (size_t i = 0; i < failures.count; i++) {
		const struct pri_failure *f = &failures.list[i];
		struct pib_fault fault;
		struct prid prid;
		struct error e;

		if (!prid_decode(VIEW(f->prid, f->prid_len), &prid, &fault, &e) &&
			prid.class == class && prid.instance == instance &&
			f->fault.attribute == attribute)
			return true;
	}
	return false;
}

static void try_attribute(
	size_t trier, const struct pib_class *class, const struct pib_attribute *a, uint32_t to)
{
	struct pri *p = add_row(trier, class, PLACE);

	if (a->role == PIB_PRID) {
		enum pib_class_id target = PIB_ipSecSelector;

		/* One that it may lead to, so that only the place is wrong. */
		for (int id = 0; id < PIB_CLASS_COUNT; id++)
			if (reference_may_lead_to(class, a, pib_class((enum pib_class_id)id)) &&
				envelope_is_inside(pib_class((enum pib_class_id)id)))
				target = (enum pib_class_id)id;
		pri_set_prid(p, a->number, target, to + 1);
	} else {
		pri_set_u32(p, a->number, to + 1);
	}
	ck_assert_msg(verify(), "%zu: %s reached %#x", trier, a->name, to);
	ck_assert_msg(is_named(class, block_of_trier(trier) + PLACE, a->number),
		"%zu: %s to %#x: not named, but: %s", trier, a->name, to, error.text);
	drop_row(trier, class, block_of_trier(trier) + PLACE);
}

static bool names_something(const struct pib_attribute *a)
{
	return a->role == PIB_REFERENCE || a->role == PIB_TAG || a->role == PIB_TAG_REFERENCE ||
	       a->role == PIB_PRID;
}

/* Each class a test of its own. */
START_TEST(no_attribute_reaches_another_set)
{
	const struct pib_class *class = pib_class((enum pib_class_id)_i);

	for (size_t n = 0; envelope_is_inside(class) && n < class->attribute_count; n++)
		for (size_t from = 0; names_something(&class->attributes[n]) && from < TRIERS; from++)
			for (size_t i = 0; i < VICTIMS; i++)
				try_attribute(from, class, &class->attributes[n], victim(from, i));
}
END_TEST

/* A row of another's InstanceId changes another's root; its own signature does not help. */
START_TEST(no_row_stands_in_another_set)
{
	const struct pib_class *class = pib_class((enum pib_class_id)_i);

	for (size_t from = 0; envelope_is_inside(class) && from < TRIERS; from++) {
		for (size_t i = 0; i < VICTIMS; i++) {
			uint32_t instance = victim(from, i) + PLACE;

			rows_add(rows_of(from), class->id, instance);
			ck_assert_msg(verify(), "%zu: %s.%u", from, class->name, instance);
			drop_row(from, class, instance);
		}
	}
}
END_TEST

/* And a manifest that claims another's block, or another's authority. */
START_TEST(no_manifest_claims_what_is_anothers)
{
	struct buffer b;

	buffer_init(&b, BIG);
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_LOCAL; a++) {
		tear_down();
		set_up();
		w->manifests[LAN].authority = a;
		ck_assert_int_eq(manifest_encode(&w->manifests[LAN], &b, &error), E_RANGE);
		w->manifests[LAN].block = block_of(a, 2);
		w->manifests[LAN].stale_rule = STALE_END;
		w->envelope_blocks[LAN] = w->manifests[LAN].block;
		w->rows[LAN]->count = 0;
		ck_assert_int_eq(verify(), a == AUTHORITY_LOCAL ? E_DENIED : E_UNTRUSTED);
	}
	/* Who may speak claims home's, or that of another. */
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++) {
		for (enum authority b_of = AUTHORITY_HOME; b_of <= AUTHORITY_LOCAL; b_of++) {
			struct voice *one;

			if (a == b_of)
				continue;
			tear_down();
			set_up();
			one = &g->list[a];
			one->manifest.block = block_of(b_of, 9);
			ck_assert_int_eq(manifest_encode(&one->manifest, &b, &error), E_RANGE);
			if (b_of == AUTHORITY_HOME)
				one->manifest.roles = one->manifest.name = view_of_string("lan");
			one->manifest.authority = b_of;
			if (b_of == AUTHORITY_HOME)
				one->manifest.stale_rule = STALE_KEEP;
			ck_assert_msg(verify(), "%s claims a block of %s", authority_name(a),
				authority_name(b_of));
		}
	}
	buffer_fini(&b);
}
END_TEST

/* The tries fail for their reason: what stands in its own place passes. */
START_TEST(a_row_in_its_own_place_passes)
{
	for (size_t from = 0; from + 1 < TRIERS; from++) {
		struct pri *p = add_row(from, pib_class(PIB_ipSecL4Port), PLACE);

		pri_set_u32(p, ipSecL4PortGroupId, block_of_trier(from) + PLACE);
		ck_assert_msg(!verify(), "%zu: %s", from, error.text);
		p = add_row(from, pib_class(PIB_ipSecSelector), PLACE);
		pri_set_u32(p, ipSecSelectorDstPortGroupId, block_of_trier(from) + PLACE);
		pri_set_u32(p, ipSecSelectorProtocol, 99);
		ck_assert_msg(!verify(), "%zu: %s", from, error.text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("borders");
	TCase *c = tcase_create("borders");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_loop_test(c, no_attribute_reaches_another_set, 0, PIB_CLASS_COUNT);
	tcase_add_loop_test(c, no_row_stands_in_another_set, 0, PIB_CLASS_COUNT);
	tcase_add_test(c, no_manifest_claims_what_is_anothers);
	tcase_add_test(c, a_row_in_its_own_place_passes);
	suite_add_tcase(s, c);
	return suite_main(s);
}
