/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The full storey says all of a set: random states that a node would take, converted and compiled
 * again, have the same octets. They grow out of examples/classes.xml, which has a row of every class,
 * by random values, numbers, NULLs and attributes left out.
 */
#include <stdlib.h>
#include <string.h>

#include "pib/policy/policy.h"
#include "pib/set/bundle.h"
#include "pib/store/check.h"
#include "pib/store/reference.h"
#include "pmt/compiler/compile.h"
#include "pmt/convert/convert.h"
#include "pmt/language/classes.h"
#include "tests/pmt/policy_text.h"

enum { ROWS_MAX = 200, BIG = 1 << 24, SEED = 20261123, ROUNDS = 150, CHANGES = 24 };

/* A set while it is changed: its rows in the order of their PRIDs. */
struct state {
	struct pri rows[ROWS_MAX];
	size_t count;
	uint32_t block;
};

static uint64_t seed = SEED;
static struct arena kept; /* octets of all values */

/* xorshift: the same cases in every run. */
static uint64_t below(uint64_t bound)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % bound;
}

/* --- states --- */

static int by_prid(const void *a, const void *b)
{
	const struct pri *x = a, *y = b;
	const struct prid p = {x->class, x->instance}, q = {y->class, y->instance};

	return prid_compare(&p, &q);
}

static bool encode(struct state *s, struct buffer *out)
{
	struct error e;
	bool good = true;

	qsort(s->rows, s->count, sizeof *s->rows, by_prid);
	for (size_t i = 0; i < s->count && good; i++)
		good = !pri_put(out, &s->rows[i], &e);
	return good;
}

/* Would a node take it? */
static bool is_taken(struct state *s)
{
	const struct pri_bounds bounds = {s->block + 1, block_last(s->block)};
	struct pri_failures failures;
	struct pri_store *store = NULL;
	struct policy *policy = NULL;
	struct buffer octets;
	struct view view;
	struct error e;
	bool taken;

	pri_failures_init(&failures);
	buffer_init(&octets, BIG);
	taken = encode(s, &octets);
	view = buffer_view(&octets);
	taken = taken && !pri_store_build(&view, 1, &store, &failures, &e) &&
		!pri_store_check(store, bounds, &failures, &e) &&
		!policy_new(store, &policy, &failures, &e);
	policy_free(policy);
	pri_store_free(store);
	buffer_fini(&octets);
	return taken;
}

/* The values borrow from the store. */
static struct pri_store *decode(const struct bundle_set *set, struct state *s)
{
	struct pri_failures failures;
	struct pri_store *store;
	struct pri_row row;
	struct error e;

	*s = (struct state){.block = set->block};
	pri_failures_init(&failures);
	ck_assert_int_eq(pri_store_build(&set->rows, 1, &store, &failures, &e), E_OK);
	for (struct pri_cursor c = pri_store_all(store); pri_store_next(&c, &row);) {
		struct pib_fault fault;

		ck_assert_uint_lt(s->count, ROWS_MAX);
		ck_assert_int_eq(pri_row_decode(&row, &s->rows[s->count++], &fault, &e), E_OK);
	}
	return store;
}

/* --- changes --- */

static struct view random_octets(const struct pib_attribute *a)
{
	const struct pib_range *r =
		a->range_count ? &a->ranges[below(a->range_count)] : NULL;
	const size_t most = r && r->greatest < 40 ? (size_t)r->greatest : 40;
	const size_t least = r ? (size_t)r->least : 0;
	const size_t len = least + (most > least ? (size_t)below(most - least + 1) : 0);
	uint8_t *octets = arena_alloc(&kept, len + 1);

	for (size_t i = 0; i < len; i++)
		octets[i] = (uint8_t)(below(4) ? 'a' + below(26) : below(256));
	return VIEW(octets, len);
}

static uint64_t random_number(const struct pib_attribute *a)
{
	const struct pib_range *r =
		a->range_count ? &a->ranges[below(a->range_count)] : NULL;
	const uint64_t least = r ? r->least : 0;
	uint64_t greatest = r ? r->greatest : UINT32_MAX;

	if (a->label_count && a->syntax != PIB_BITS)
		return (uint64_t)(int64_t)a->labels[below(a->label_count)].number;
	if (a->syntax == PIB_BITS)
		return below(2) ? UINT64_C(1) << a->labels[below(a->label_count)].number
				: below(UINT64_C(1) << a->labels[a->label_count - 1].number);
	if (below(2) && greatest - least > 100)
		greatest = least + 100;
	return least + below(greatest - least + 1);
}

static const struct pri *random_target(const struct state *s, const struct pri *pri,
	const struct pib_attribute *a)
{
	const struct pri *found = NULL;
	size_t fitting = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct pib_class *class = s->rows[i].class;
		const bool fits = a->role == PIB_PRID
					  ? !class_extends(class) &&
						    reference_may_lead_to(pri->class, a, class)
					  : class->id == a->target;

		if (fits && below(++fitting) == 0)
			found = &s->rows[i];
	}
	return found;
}

static void set_reference(struct state *s, struct pri *pri, const struct pib_attribute *a)
{
	const struct pri *target = random_target(s, pri, a);
	const bool none = !target || (reference_may_be_none(pri->class, a) && below(4) == 0);

	if (a->role == PIB_PRID && none)
		pri_set_oid(pri, a->number, &oid_none);
	else if (a->role == PIB_PRID)
		pri_set_prid(pri, a->number, target->class->id, target->instance);
	else if (none)
		pri_set_u32(pri, a->number, 0);
	else if (a->role == PIB_REFERENCE)
		pri_set_u32(pri, a->number, target->instance);
	else
		pri_set_u32(pri, a->number, pri_u32(target, class_tag(target->class)->number));
}

static void set_value(struct state *s, struct pri *pri, const struct pib_attribute *a)
{
	struct pri_value *v = &pri->values[a->number - 1];

	switch (a->role) {
	case PIB_REFERENCE:
	case PIB_TAG_REFERENCE:
	case PIB_PRID:
		set_reference(s, pri, a);
		return;
	case PIB_TAG:
		/* Into another list, or one of its own. */
		pri_set_u32(pri, a->number,
			below(2) ? s->block + 1 + (uint32_t)below(2000)
				 : pri_u32(random_target(s, pri,
						   &(struct pib_attribute){.target = pri->class->id}),
					   a->number));
		return;
	default:
		break;
	}
	if (below(10) == 0) {
		v->state = below(2) || !a->has_default ? PRI_NULL : PRI_UNSET;
		return;
	}
	v->state = PRI_SET;
	if (a->syntax == PIB_OCTETS)
		v->octets = random_octets(a);
	else
		v->natural = random_number(a);
}

/* Another InstanceId, wherever it stands. */
static void renumber(struct state *s, const struct pib_class *class, uint32_t from)
{
	const uint32_t to = s->block + 1 + (uint32_t)below(BLOCK_INSTANCE_MAX);

	for (size_t i = 0; i < s->count; i++) {
		struct pri *pri = &s->rows[i];

		if (pri->class->base == class->id && pri->instance == from) {
			pri->instance = to;
			if (pri->class->index_attribute)
				pri_set_u32(pri, pri->class->index_attribute, to);
		}
		for (size_t k = 0; k < pri->class->attribute_count; k++) {
			const struct pib_attribute *a = &pri->class->attributes[k];
			struct prid prid;

			if (a->role == PIB_REFERENCE && a->target == class->id &&
				pri_u32(pri, a->number) == from)
				pri_set_u32(pri, a->number, to);
			else if (a->role == PIB_PRID && pri_prid(pri, a->number, &prid) &&
				 prid.class == class && prid.instance == from)
				pri_set_prid(pri, a->number, class->id, to);
		}
	}
}

/* Does the language know a way to say it? Secrets in clear it knows none for, and none sealed to
 * another key than the node's. */
static bool is_said(const struct pib_attribute *a)
{
	static const char *const secrets[] = {"ipSecIkeAssociationPresharedKey",
		"ipSecEspTransformIntegrityKey", "ipSecEspTransformCipherKey",
		"ipSecAhTransformIntegrityKey", "copsecSecretKey"};

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (strcmp(a->name, secrets[i]) == 0)
			return false;
	return a->role != PIB_INSTANCE;
}

/* One that a node takes, or none. `changed` counts those of each attribute. */
static void change(struct state *s, unsigned (*changed)[PIB_ATTRIBUTES_MAX])
{
	static struct state before;
	struct pri *pri = &s->rows[below(s->count)];
	const enum pib_class_id class = pri->class->id;
	const struct pib_attribute *a =
		&pri->class->attributes[below(pri->class->attribute_count)];

	before = *s;
	if (below(8) == 0) {
		renumber(s, pib_class(pri->class->base), pri->instance);
		if (!is_taken(s))
			*s = before;
		return;
	}
	if (!is_said(a))
		return;
	set_value(s, pri, a);
	if (pri->error.code || !is_taken(s))
		*s = before;
	else
		changed[class][a->number - 1]++;
}

/* --- there and back --- */

static void compile(struct view text, const struct compile_terms *terms, struct buffer *out)
{
	struct compile_summary summary;
	struct policy_file f;
	struct error e;
	enum err code;

	ck_assert_int_eq(policy_file_read_text(&f, "p.xml", text, &e), E_OK);
	if (f.diagnostics.errors) {
		struct buffer said;

		buffer_init(&said, 1 << 20);
		diagnostics_print(&f.diagnostics, &said);
		ck_abort_msg("%s", buffer_string(&said));
	}
	code = compile_policy(&f.model, terms, out, &summary, &e);
	ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
	policy_file_fini(&f);
}

static void there_and_back(const struct bundle *b, size_t which, struct state *s)
{
	struct compile_terms terms = {.serial = 8, .not_before = 1000, .not_after = 2000};
	struct bundle changed = *b, made;
	struct buffer octets, text, file;
	struct arena arena;
	struct error e;
	enum err code;

	arena_init(&arena, BIG);
	buffer_init(&octets, BIG);
	buffer_init(&text, BIG);
	buffer_init(&file, BIG);
	ck_assert(encode(s, &octets));
	changed.sets = arena_calloc(&arena, b->set_count, sizeof *changed.sets);
	memcpy(changed.sets, b->sets, b->set_count * sizeof *b->sets);
	changed.sets[which].rows = buffer_view(&octets);
	code = convert(&changed, &text, &e);
	ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
	terms.previous = &changed;
	compile(buffer_view(&text), &terms, &file);
	ck_assert_int_eq(bundle_read(buffer_view(&file), &arena, &made, &e), E_OK);
	ck_assert_msg(view_equal(made.sets[which].rows, buffer_view(&octets)), "%s",
		buffer_string(&text));
	/* Without what was before it is the same too: all numbers are said. */
	terms.previous = NULL;
	buffer_reset(&file);
	compile(buffer_view(&text), &terms, &file);
	ck_assert_int_eq(bundle_read(buffer_view(&file), &arena, &made, &e), E_OK);
	ck_assert(view_equal(made.sets[which].rows, buffer_view(&octets)));
	buffer_fini(&octets);
	buffer_fini(&text);
	buffer_fini(&file);
	arena_fini(&arena);
}

START_TEST(random_states_come_back)
{
	static unsigned changed[PIB_CLASS_COUNT][PIB_ATTRIBUTES_MAX];
	static struct state first, s;
	const struct compile_terms terms = {.serial = 7, .not_before = 1000, .not_after = 2000};
	const struct pib_class *class;
	struct compile_summary summary;
	struct pri_store *store;
	struct policy_file f;
	struct buffer file;
	struct arena arena;
	struct bundle b;
	struct error e;
	size_t which = 0, attributes = 0, untouched = 0;

	printf("seed %d\n", SEED);
	arena_init(&arena, BIG);
	arena_init(&kept, BIG);
	buffer_init(&file, BIG);
	ck_assert_int_eq(policy_file_read(&f, SOURCE_DIR "/pmt/examples/classes.xml", &e), E_OK);
	ck_assert_int_eq(compile_policy(&f.model, &terms, &file, &summary, &e), E_OK);
	ck_assert_int_eq(bundle_read(buffer_view(&file), &arena, &b, &e), E_OK);
	for (size_t i = 1; i < b.set_count; i++)
		if (b.sets[i].rows.len > b.sets[which].rows.len)
			which = i;
	store = decode(&b.sets[which], &first);
	for (int round = 0; round < ROUNDS; round++) {
		/* Some go far, some stay near. */
		if (round % 10 == 0)
			s = first;
		for (int n = 0; n < CHANGES; n++)
			change(&s, changed);
		there_and_back(&b, which, &s);
	}
	for (class = class_next(NULL); class; class = class_next(class))
		for (size_t k = 0; k < class->attribute_count; k++) {
			const struct pib_attribute *a = &class->attributes[k];

			if (!is_said(a))
				continue;
			attributes++;
			untouched += changed[class->id][k] == 0;
			if (!changed[class->id][k])
				printf("never changed: %s\n", a->name);
		}
	printf("%zu of %zu attributes had other values\n", attributes - untouched, attributes);
	/* The others stand in the example with the few values that make sense to a node. */
	ck_assert_uint_le(untouched, 20);
	policy_file_fini(&f);
	buffer_fini(&file);
	pri_store_free(store);
	arena_fini(&kept);
	arena_fini(&arena);
}
END_TEST

/* --- Orders that an author fixes --- */

#define FIXED(first, second)                                                                       \
	POLICY("<role name=\"a\"/><node name=\"n\" roles=\"a\" key=\"" KEY1 "\"/><pib>"              \
	       "<list of=\"ipSecSelectorSet\" name=\"all\"><ipSecSelectorSet selectorId=\"all\"/>"  \
	       "</list><ipSecSelector id=\"all\"/><list of=\"ipSecActionSet\" name=\"pass\">"        \
	       "<ipSecActionSet actionId=\"pass\"/></list>"                                         \
	       "<ipSecStaticAction id=\"pass\" action=\"byPass\"/></pib><rules for=\"a\">"            \
	       "<allow in=\"yes\" service=\"ssh\"/><ipSecRule direction=\"in\" "                     \
	       "ipSecSelectorSetId=\"all\" ipSecActionSetId=\"pass\" order=\"" first "\"/>"          \
	       "<allow in=\"yes\" service=\"http\"/><ipSecRule direction=\"out\" "                   \
	       "ipSecSelectorSetId=\"all\" ipSecActionSetId=\"pass\" order=\"" second "\"/>"         \
	       "<allow out=\"yes\" service=\"ssh\"/></rules>")

static const struct {
	const char *policy;
	uint32_t first, second;
	const char *error;
} fixed[] = {
	{FIXED("700", "800"), 700, 800, NULL},
	{FIXED("2", "4"), 2, 4, NULL},
	{FIXED("65000", "65534"), 65000, 65534, NULL},
	{FIXED("1", "800"), 0, 0, "there is no room for 1 rules between the Orders 0 and 1"},
	{FIXED("700", "701"), 0, 0, "there is no room for 1 rules between the Orders 700 and 701"},
	{FIXED("800", "700"), 0, 0, "the rule with Order 700 stands behind the one with Order 800"},
	{FIXED("700", "65535"), 0, 0, "between the Orders 65535 and 65536"},
};

START_TEST(fixed_orders_hold)
{
	const struct compile_terms terms = {.serial = 7, .not_before = 1000, .not_after = 2000};
	uint32_t orders[8], last = 0;
	struct compile_summary summary;
	struct policy_file f;
	struct buffer file;
	struct error e;
	enum err code;

	buffer_init(&file, BIG);
	policy_text_good(&f, fixed[_i].policy);
	code = compile_policy(&f.model, &terms, &file, &summary, &e);
	if (fixed[_i].error) {
		ck_assert_int_eq(code, E_RANGE);
		ck_assert_msg(strstr(e.text, fixed[_i].error) != NULL, "%s", e.text);
	} else {
		static struct state s;
		struct pri_store *store;
		struct bundle b;
		struct arena arena;
		size_t count = 0;

		ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
		arena_init(&arena, BIG);
		ck_assert_int_eq(bundle_read(buffer_view(&file), &arena, &b, &e), E_OK);
		store = decode(&b.sets[0], &s);
		for (size_t i = 0; i < s.count; i++)
			if (s.rows[i].class->id == PIB_ipSecRule)
				orders[count++] = pri_u32(&s.rows[i], ipSecRuleOrder);
		ck_assert_uint_eq(count, 5);
		for (size_t i = 0; i < count; last = orders[i++])
			ck_assert_uint_gt(orders[i], last);
		ck_assert_uint_eq(orders[1], fixed[_i].first);
		ck_assert_uint_eq(orders[3], fixed[_i].second);
		pri_store_free(store);
		arena_fini(&arena);
	}
	policy_file_fini(&f);
	buffer_fini(&file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pmt-verbatim");
	TCase *tc = tcase_create("verbatim");

	tcase_set_timeout(tc, 240);
	tcase_add_test(tc, random_states_come_back);
	tcase_add_loop_test(tc, fixed_orders_hold, 0, (int)(sizeof fixed / sizeof *fixed));
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
