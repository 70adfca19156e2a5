/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set that reaches into another one: for every class that may stand in a set, and every attribute
 * of it that names an instance or a list, by the schema itself. Whatever is added to a module is
 * tried here too.
 */
#include <string.h>

#include "pib/set/envelope.h"
#include "pib/store/reference.h"
#include "tests/pib/set/world.h"
#include "tests/suite.h"

enum { BIG = 1 << 26, PLACE = 100 /* of the row that tries, in its block */ };

static struct pri_failures failures;
static struct error error;

/* What could be reached. */
static const uint32_t elsewhere[] = {
	0 << BLOCK_SET_SHIFT,        /* the set gateway: it is there, and so are its lists */
	1u << BLOCK_AUTHORITY_SHIFT, /* the operator's first, where nobody is */
};
enum { ELSEWHERES = sizeof elsewhere / sizeof elsewhere[0] };

static enum err verify(struct world *w)
{
	struct state *state = NULL;
	struct pri_store *rows;
	struct buffer run;
	struct view piece;
	enum err err;

	world_roots(w);
	world_sign(w);
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

static struct world *node_world(void)
{
	struct world *w = world_new();

	w->assignment_documents[ALICE].sent = false;
	w->set_documents[HOST].sent = false;
	return w;
}

/* The row, and what it extends, in the set lan. */
static struct pri *add_row(struct world *w, const struct pib_class *class, uint32_t place)
{
	uint32_t instance = w->manifests[LAN].block + place;

	if (class->base != class->id)
		add_row(w, pib_class(class->base), place);
	return rows_add(w->rows[LAN], class->id, instance);
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

static void try_attribute(const struct pib_class *class, const struct pib_attribute *a, uint32_t to)
{
	struct world *w = node_world();
	struct pri *p = add_row(w, class, PLACE);

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
	ck_assert_msg(verify(w), "%s reached %#x", a->name, to);
	ck_assert_msg(is_named(class, w->manifests[LAN].block + PLACE, a->number),
		"%s to %#x: not named, but: %s", a->name, to, error.text);
	world_free(w);
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

	if (!envelope_is_inside(class))
		return;
	for (size_t n = 0; n < class->attribute_count; n++) {
		if (!names_something(&class->attributes[n]))
			continue;
		for (size_t i = 0; i < ELSEWHERES; i++)
			try_attribute(class, &class->attributes[n], elsewhere[i]);
	}
}
END_TEST

/* A row of another's InstanceId changes another's root, or belongs to nobody. */
START_TEST(no_row_stands_in_another_set)
{
	const struct pib_class *class = pib_class((enum pib_class_id)_i);

	if (!envelope_is_inside(class))
		return;
	for (size_t i = 0; i < ELSEWHERES; i++) {
		struct world *w = node_world();

		w->manifests[LAN].serial++;
		rows_add(w->rows[LAN], class->id, elsewhere[i] + PLACE);
		ck_assert_msg(verify(w), "%s.%u", class->name, elsewhere[i] + PLACE);
		world_free(w);
	}
}
END_TEST

/* And a manifest that claims another's block, or another's authority. */
START_TEST(no_manifest_claims_what_is_anothers)
{
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_LOCAL; a++) {
		struct world *w = node_world();
		struct buffer b;

		buffer_init(&b, BIG);
		w->manifests[LAN].authority = a;
		ck_assert_int_eq(manifest_encode(&w->manifests[LAN], &b, &error), E_RANGE);
		w->manifests[LAN].block = block_of(a, 2);
		w->envelope_blocks[LAN] = w->manifests[LAN].block;
		w->rows[LAN]->count = 0;
		ck_assert_int_eq(verify(w), E_DENIED);
		buffer_fini(&b);
		world_free(w);
	}
}
END_TEST

/* The tries fail for their reason: what stands in its own place passes. */
START_TEST(a_row_in_its_own_place_passes)
{
	struct world *w = node_world();
	struct pri *p = add_row(w, pib_class(PIB_ipSecL4Port), PLACE);

	pri_set_u32(p, ipSecL4PortGroupId, w->manifests[LAN].block + PLACE);
	ck_assert_msg(!verify(w), "%s", error.text);
	p = add_row(w, pib_class(PIB_ipSecSelector), PLACE);
	pri_set_u32(p, ipSecSelectorDstPortGroupId, w->manifests[LAN].block + PLACE);
	pri_set_u32(p, ipSecSelectorProtocol, 99);
	ck_assert_msg(!verify(w), "%s", error.text);
	world_free(w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("borders");
	TCase *c = tcase_create("borders");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, no_attribute_reaches_another_set, 0, PIB_CLASS_COUNT);
	tcase_add_loop_test(c, no_row_stands_in_another_set, 0, PIB_CLASS_COUNT);
	tcase_add_test(c, no_manifest_claims_what_is_anothers);
	tcase_add_test(c, a_row_in_its_own_place_passes);
	suite_add_tcase(s, c);
	return suite_main(s);
}
