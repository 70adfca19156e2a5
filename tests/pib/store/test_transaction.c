/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions and the checks over their outcome against models that know nothing of blocks, order
 * or sorting: lists that are searched from end to end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cops/pr.h"
#include "tests/pib/store/naive.h"
#include "tests/suite.h"

enum { SEED = 20260203, BIG = 1 << 28, BLOCK = 3 << 20, OTHER_BLOCK = 4 << 20 };

static const struct pri_bounds bounds = {BLOCK + 1, BLOCK + (1 << 20) - 1};

static struct pri_failures failures;
static struct error error;

/* xorshift: the same cases in every run. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static uint32_t below(uint32_t *state, size_t limit)
{
	return next_random(state) % (uint32_t)limit;
}

static struct pri_store *store_of(struct rows *r)
{
	struct pri_store *s;
	struct buffer b;
	struct view run;

	buffer_init(&b, BIG);
	rows_put(r, &b);
	run = buffer_view(&b);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	buffer_fini(&b);
	return s;
}

/* ---- What extends a row goes with it ---- */

static void put_row(struct buffer *out, enum pib_class_id class, uint32_t instance)
{
	struct rows r = {0};
	struct pri *p = rows_add(&r, class, instance);

	if (class == PIB_ipSecRule)
		pri_set_u32(p, ipSecRuleOrder, instance & 0xffff);
	ck_assert_msg(!pri_put(out, p, &error), "%s", error.text);
	rows_fini(&r);
}

/* Two bases, one with two extensions: every class that is touched has its own order. */
static const enum pib_class_id kinds[] = {
	PIB_frwkRoleCombo,
	PIB_frwkIfRoleCombo,
	PIB_frwkBaseFilter,
	PIB_frwkIpFilter,
	PIB_frwk802Filter,
	PIB_ipSecRule,
	PIB_copsecRule,
};
enum { KINDS = sizeof kinds / sizeof kinds[0], INSTANCES = 600 };

struct model {
	bool there[KINDS][INSTANCES];
};

static size_t base_kind(size_t kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i] == pib_class(kinds[kind])->base)
			return i;
	return kind;
}

static void model_change(struct model *m, const struct model *removes, const bool *prefixes,
	const struct model *installs)
{
	struct model old = *m;

	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 1; i < INSTANCES; i++) {
			size_t b = base_kind(k);
			bool own = removes->there[k][i] || prefixes[k];
			bool base = b != k && (removes->there[b][i] || prefixes[b]) &&
				    !installs->there[b][i];

			m->there[k][i] = installs->there[k][i] ||
					 (old.there[k][i] && !own && !base);
		}
}

static void random_change(uint32_t *random, struct model *removes, bool *prefixes,
	struct model *installs, struct buffer *remove_run, struct buffer *install_run)
{
	memset(removes, 0, sizeof *removes);
	memset(installs, 0, sizeof *installs);
	memset(prefixes, 0, KINDS);
	for (size_t n = below(random, 40); n; n--)
		removes->there[below(random, KINDS)][1 + below(random, INSTANCES - 1)] = true;
	for (size_t n = below(random, 60); n; n--)
		installs->there[below(random, KINDS)][1 + below(random, INSTANCES - 1)] = true;
	if (below(random, 8) == 0)
		prefixes[below(random, KINDS)] = true;
	for (size_t k = 0; k < KINDS; k++) {
		const struct pib_class *class = pib_class(kinds[k]);

		for (uint32_t i = 1; i < INSTANCES; i++) {
			if (removes->there[k][i])
				prid_put(remove_run, &(struct prid){class, i});
			if (installs->there[k][i])
				put_row(install_run, kinds[k], i);
		}
		if (prefixes[k]) {
			/* Tag, length and arcs of a PPRID are those of a PRID without its end. */
			struct buffer contents;

			buffer_init(&contents, BIG);
			buffer_put_u16(&contents, 0x0600);
			oid_put(&contents, &class->row);
			contents.data[1] = (uint8_t)(contents.len - 2);
			pr_put(remove_run, PR_PPRID, buffer_view(&contents));
			buffer_fini(&contents);
		}
	}
}

static void check_model(const struct pri_store *s, const struct model *m, unsigned round)
{
	struct pri_row row;
	size_t count = 0;

	for (size_t k = 0; k < KINDS; k++)
		for (uint32_t i = 1; i < INSTANCES; i++) {
			struct prid prid = {pib_class(kinds[k]), i};

			count += m->there[k][i];
			ck_assert_msg(pri_store_find(s, &prid, &row) == m->there[k][i],
				"round %u: %s.%u should%s be there", round, prid.class->name, i,
				m->there[k][i] ? "" : " not");
		}
	ck_assert_uint_eq(count, pri_store_count(s));
}

START_TEST(extensions_go_with_their_base)
{
	struct model *m = calloc(3, sizeof *m);
	struct pri_store *s, *new;
	uint32_t random = SEED;
	bool prefixes[KINDS];

	printf("seed %d\n", SEED);
	ck_assert_ptr_nonnull(m);
	pri_failures_init(&failures);
	ck_assert_int_eq(pri_store_build(NULL, 0, &s, &failures, &error), E_OK);
	for (unsigned round = 0; round < 200; round++) {
		struct buffer remove_run, install_run;
		struct view remove, install;

		buffer_init(&remove_run, BIG);
		buffer_init(&install_run, BIG);
		random_change(&random, &m[1], prefixes, &m[2], &remove_run, &install_run);
		remove = buffer_view(&remove_run);
		install = buffer_view(&install_run);
		ck_assert_msg(!pri_store_change(s, &(struct pri_change){&remove, 1, &install, 1},
				      &new, &failures, &error),
			"%s", error.text);
		check_model(s, &m[0], round); /* undone by doing nothing */
		model_change(&m[0], &m[1], prefixes, &m[2]);
		check_model(new, &m[0], round);
		pri_store_free(s);
		s = new;
		buffer_fini(&remove_run);
		buffer_fini(&install_run);
	}
	pri_store_free(s);
	free(m);
}
END_TEST

/* ---- The checks against a naive reading of the schema ---- */

static uint32_t some_id(uint32_t *random)
{
	return below(random, 8) ? BLOCK + 1 + below(random, 9) : OTHER_BLOCK + 1;
}

static void spoil_value(uint32_t *random, struct pri *p, const struct pib_attribute *a)
{
	static const enum pib_class_id targets[] = {PIB_ipSecSelector, PIB_ipSecStaticAction,
		PIB_ipSecNegotiationAction, PIB_ipSecIkeAssociation, PIB_ipSecEspTransform};
	const struct oid unknown = {{1, 3, 6, 1, 4, 1, 9, 9, 9, 1}, 10};

	if (a->number == p->class->index_attribute)
		return;
	switch (a->role) {
	case PIB_REFERENCE:
	case PIB_TAG_REFERENCE:
		pri_set_u32(p, a->number, below(random, 5) ? some_id(random) : 0);
		break;
	case PIB_TAG:
		pri_set_u32(p, a->number, some_id(random));
		break;
	case PIB_PRID:
		if (below(random, 5) == 0)
			pri_set_oid(p, a->number, below(random, 2) ? &oid_none : &unknown);
		else
			pri_set_prid(p, a->number, targets[below(random, 5)], some_id(random));
		break;
	default:
		/* Equal values where there were different ones. */
		if (a->syntax == PIB_UNSIGNED32 && !a->range_count)
			pri_set_u32(p, a->number, below(random, 3));
		else
			pri_set_null(p, a->number);
	}
}

static void spoil(uint32_t *random, struct rows *r)
{
	struct pri *p = &r->list[below(random, r->count)], *q;
	uint32_t instance;

	switch (below(random, 6)) {
	case 0:
		rows_drop(r, p->class->id, p->instance);
		break;
	case 1: /* a copy beside it */
		instance = some_id(random);
		if (naive_find(r, p->class->id, instance))
			break;
		q = rows_add(r, p->class->id, instance);
		for (size_t i = 0; i < q->class->attribute_count; i++)
			if (q->class->attributes[i].role != PIB_INSTANCE)
				q->values[i] = p->values[i];
		break;
	case 2: /* what nobody may install, or what is allowed and new */
		instance = some_id(random);
		if (!naive_find(r, PIB_ipSecIfCaps, instance) && below(random, 4) == 0)
			rows_add(r, PIB_ipSecIfCaps, instance);
		break;
	default:
		spoil_value(random, p,
			&p->class->attributes[below(random, p->class->attribute_count)]);
	}
}

static void compare_checks(struct rows *before, struct rows *after, unsigned round)
{
	struct pri_store *old = before ? store_of(before) : NULL, *new = store_of(after);
	static struct complaints expected, found;
	enum err err;

	naive_check(before, after, bounds, &expected);
	pri_failures_init(&failures);
	err = pri_store_check_change(old, new, bounds, &failures, &error);
	ck_assert_uint_eq(failures.omitted, 0);
	complaints_of(&failures, &found);
	ck_assert_int_eq(err != E_OK, expected.count != 0);
	complaints_compare(&expected, &found, round);
	pri_store_free(old);
	pri_store_free(new);
}

START_TEST(checks_find_what_a_naive_reading_finds)
{
	uint32_t random = SEED;
	size_t sound = 0, several = 0;

	printf("seed %d\n", SEED);
	for (unsigned round = 0; round < 600; round++) {
		struct rows before = {0}, after = {0};

		rows_policy(&before, BLOCK, "host");
		rows_policy(&after, BLOCK, "host");
		for (uint32_t n = below(&random, 4); n; n--)
			spoil(&random, &after);
		compare_checks(round % 2 ? &before : NULL, &after, round);
		sound += failures.count == 0;
		several += failures.count > 1;
		rows_fini(&before);
		rows_fini(&after);
	}
	/* The cases are worth something. */
	ck_assert_uint_gt(sound, 50);
	ck_assert_uint_gt(several, 50);
}
END_TEST

/* ---- Removed, but still referred to ---- */

static const struct removal {
	enum pib_class_id removed;
	bool referrer_too; /* the one that refers changes in the same transaction */
	enum pib_fault_kind fault;
	enum pib_class_id at;
	const char *text;
} removals[] = {
	{PIB_ipSecAssociation, false, PIB_FAULT_STILL_REFERENCED, PIB_ipSecAssociation,
		"ipSecAssociation.3145729: removed, but ipSecNegotiationActionIpSecAssociationId of "
		"ipSecNegotiationAction.3145729 refers to it"},
	{PIB_ipSecAssociation, true, PIB_FAULT_REFERENCE, PIB_ipSecNegotiationAction,
		"ipSecNegotiationAction.3145729: ipSecNegotiationActionIpSecAssociationId: there "
		"is no ipSecAssociation.3145729 in the set"},
	{PIB_ipSecIkeAssociation, false, PIB_FAULT_STILL_REFERENCED, PIB_ipSecIkeAssociation,
		"ipSecIkeAssociation.3145729: removed, but ipSecNegotiationActionKeyExchangeId of "
		"ipSecNegotiationAction.3145729 refers to it"},
	{PIB_ipSecProposalSet, false, PIB_FAULT_STILL_REFERENCED, PIB_ipSecProposalSet,
		"ipSecProposalSet.3145729: removed, and ipSecProposalSetProposalSetId 3145733 is "
		"empty, which ipSecAssociationProposalSetId of ipSecAssociation.3145729 refers to"},
};

START_TEST(what_is_referred_to_cannot_be_removed)
{
	const struct removal *r = &removals[_i];
	struct pri_store *old, *new;
	struct buffer remove, install;
	struct view removes, installs;
	struct pib_fault fault;
	struct rows rows = {0};
	struct prid prid;

	rows_policy(&rows, BLOCK, "host");
	old = store_of(&rows);
	buffer_init(&remove, BIG);
	buffer_init(&install, BIG);
	prid_put(&remove, &(struct prid){pib_class(r->removed), BLOCK + 1});
	if (r->referrer_too) {
		struct pri *p = rows_get(&rows, PIB_ipSecNegotiationAction, BLOCK + 1);

		pri_set_u32(p, ipSecNegotiationActionTunnelEndpointId, BLOCK + 1);
		ck_assert_int_eq(pri_put(&install, p, &error), E_OK);
	}
	removes = buffer_view(&remove);
	installs = buffer_view(&install);
	ck_assert_int_eq(pri_store_change(old, &(struct pri_change){&removes, 1, &installs, 1},
				 &new, &failures, &error),
		E_OK);
	pri_failures_init(&failures);
	ck_assert_int_ne(pri_store_check_change(old, new, bounds, &failures, &error), E_OK);
	ck_assert_uint_eq(failures.count, 1);
	ck_assert_int_eq(failures.list[0].fault.kind, r->fault);
	ck_assert_str_eq(failures.list[0].text, r->text);
	ck_assert_int_eq(prid_decode(VIEW(failures.list[0].prid, failures.list[0].prid_len), &prid,
				 &fault, &error),
		E_OK);
	ck_assert_int_eq(prid.class->id, r->at);
	/* The transaction is undone by forgetting it: the old one is as it was. */
	pri_failures_init(&failures);
	ck_assert_int_eq(pri_store_check(old, bounds, &failures, &error), E_OK);
	pri_store_free(old);
	pri_store_free(new);
	buffer_fini(&remove);
	buffer_fini(&install);
	rows_fini(&rows);
}
END_TEST

/* What is equal is kept once; nothing else changes, and either may go first. */
START_TEST(equal_blocks_are_shared)
{
	struct rows one = {0}, other = {0};
	struct pri_store *a, *b, *c;
	uint8_t before[PRI_STORE_ROOT], after[PRI_STORE_ROOT];
	struct pri_row in_a, in_b;
	struct prid same, different;

	rows_policy(&one, BLOCK, "host");
	rows_policy(&other, BLOCK, "gateway");
	a = store_of(&one);
	b = store_of(&other);
	c = store_of(&one);
	ck_assert_int_eq(pri_store_root(b, before), E_OK);
	pri_store_share(b, a);
	pri_store_share(c, a);
	ck_assert_int_eq(pri_store_root(b, after), E_OK);
	ck_assert_mem_eq(before, after, sizeof before);
	same = (struct prid){pib_class(PIB_ipSecAddress), BLOCK + 1};
	different = (struct prid){pib_class(PIB_ipSecRule), BLOCK + 1};
	ck_assert(pri_store_find(a, &same, &in_a) && pri_store_find(b, &same, &in_b));
	ck_assert_ptr_eq(in_a.objects.data, in_b.objects.data);
	ck_assert(pri_store_find(a, &different, &in_a) && pri_store_find(b, &different, &in_b));
	ck_assert(!view_equal(in_a.objects, in_b.objects));
	pri_store_free(a);
	pri_failures_init(&failures);
	ck_assert_int_eq(pri_store_check(b, bounds, &failures, &error), E_OK);
	ck_assert_int_eq(pri_store_check(c, bounds, &failures, &error), E_OK);
	pri_store_free(c);
	pri_store_free(b);
	rows_fini(&one);
	rows_fini(&other);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transaction");
	TCase *c = tcase_create("transaction");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, extensions_go_with_their_base);
	tcase_add_test(c, equal_blocks_are_shared);
	tcase_add_test(c, checks_find_what_a_naive_reading_finds);
	tcase_add_loop_test(c, what_is_referred_to_cannot_be_removed, 0,
		sizeof removals / sizeof removals[0]);
	suite_add_tcase(s, c);
	return suite_main(s);
}
