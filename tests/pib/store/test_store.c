/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/store.h"

#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "tests/pib/store/naive.h"
#include "tests/suite.h"

enum { SEED = 20260101, BIG = 1 << 28 };

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

static void put_port(struct buffer *out, uint32_t instance, uint32_t port)
{
	struct pri p;

	pri_init(&p, PIB_ipSecL4Port, instance);
	pri_set_u32(&p, ipSecL4PortPortMin, port);
	pri_set_u32(&p, ipSecL4PortPortMax, port);
	pri_set_u32(&p, ipSecL4PortGroupId, 1);
	ck_assert_int_eq(pri_put(out, &p, &error), E_OK);
}

static void put_address(struct buffer *out, uint32_t instance, uint32_t length)
{
	uint8_t octets[200] = {0};
	struct pri p;

	pri_init(&p, PIB_ipSecAddress, instance);
	pri_set_i32(&p, ipSecAddressAddressType, ipSecAddressAddressType_dns);
	pri_set_u32(&p, ipSecAddressAddrPrefixLength, 0);
	pri_set_octets(&p, ipSecAddressAddrMin, VIEW(octets, length));
	pri_set_octets(&p, ipSecAddressAddrMax, VIEW(octets, length));
	pri_set_u32(&p, ipSecAddressGroupId, 1);
	ck_assert_int_eq(pri_put(out, &p, &error), E_OK);
}

static void put_rule_name(struct buffer *out, uint32_t instance, uint32_t value)
{
	char name[16];
	struct pri p;

	snprintf(name, sizeof name, "r%u", value);
	pri_init(&p, PIB_copsecRule, instance);
	pri_set_text(&p, copsecRuleName, name);
	ck_assert_int_eq(pri_put(out, &p, &error), E_OK);
}

static const struct {
	enum pib_class_id class;
	void (*put)(struct buffer *out, uint32_t instance, uint32_t value);
} kinds[] = {
	{PIB_ipSecAddress, put_address},
	{PIB_ipSecL4Port, put_port},
	{PIB_copsecRule, put_rule_name},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* The model: what a store should hold, in a plain array, in no order. */
enum { MODEL_MAX = 4000 };

struct entry {
	struct oid oid;
	size_t kind;
	uint32_t instance;
	struct buffer objects;
};

struct model {
	struct entry *entries;
	size_t count;
};

static void model_init(struct model *m)
{
	m->entries = calloc(MODEL_MAX, sizeof *m->entries);
	m->count = 0;
}

static void model_fini(struct model *m)
{
	for (size_t i = 0; i < m->count; i++)
		buffer_fini(&m->entries[i].objects);
	free(m->entries);
}

static struct entry *model_find(struct model *m, size_t kind, uint32_t instance)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->entries[i].kind == kind && m->entries[i].instance == instance)
			return &m->entries[i];
	return NULL;
}

static struct entry *model_put(struct model *m, size_t kind, uint32_t instance, uint32_t value)
{
	struct prid prid = {pib_class(kinds[kind].class), instance};
	struct entry *e = model_find(m, kind, instance);

	if (!e) {
		ck_assert_uint_lt(m->count, MODEL_MAX);
		e = &m->entries[m->count++];
		*e = (struct entry){.kind = kind, .instance = instance};
		prid_oid(&prid, &e->oid);
		buffer_init(&e->objects, BIG);
	}
	buffer_reset(&e->objects);
	kinds[kind].put(&e->objects, instance, value);
	return e;
}

static void model_remove(struct model *m, struct entry *e)
{
	buffer_fini(&e->objects);
	*e = m->entries[--m->count];
}

static void model_leaves(struct model *m, struct naive_leaf *leaves)
{
	for (size_t i = 0; i < m->count; i++)
		leaves[i] = (struct naive_leaf){
			m->entries[i].oid, buffer_view(&m->entries[i].objects)};
	naive_sort(leaves, m->count);
}

static void model_octets(struct model *m, struct buffer *out)
{
	static struct naive_leaf leaves[MODEL_MAX];

	model_leaves(m, leaves);
	for (size_t i = 0; i < m->count; i++)
		buffer_put_view(out, leaves[i].objects);
}

static void model_root(struct model *m, uint8_t root[32])
{
	static struct naive_leaf leaves[MODEL_MAX];

	model_leaves(m, leaves);
	naive_root(leaves, m->count, root);
}

static void check_equals_model(const struct pri_store *s, struct model *m)
{
	uint8_t expected[32], root[32];
	struct buffer want, have;

	buffer_init(&want, BIG);
	buffer_init(&have, BIG);
	model_octets(m, &want);
	pri_store_put(s, &have);
	ck_assert_uint_eq(pri_store_count(s), m->count);
	ck_assert_uint_eq(pri_store_octets(s), want.len);
	ck_assert(view_equal(buffer_view(&want), buffer_view(&have)));
	model_root(m, expected);
	ck_assert_int_eq(pri_store_root(s, root), E_OK);
	ck_assert_mem_eq(root, expected, sizeof root);
	buffer_fini(&want);
	buffer_fini(&have);
}

static uint32_t random_instance(uint32_t *state, int spread)
{
	return 1 + next_random(state) % (spread ? UINT32_MAX - 1 : 1500);
}

static void fill(struct model *m, size_t count, int spread, uint32_t *state)
{
	for (size_t i = 0; i < count; i++)
		model_put(m, next_random(state) % KINDS, random_instance(state, spread),
			next_random(state) % 200);
}

static struct pri_store *build(struct view run)
{
	struct pri_store *s = NULL;

	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &error), "%s", error.text);
	return s;
}

START_TEST(root_is_that_of_the_definition)
{
	static const size_t sizes[] = {0, 1, 2, 3, 10, 255, 256, 257, 700, 3000};
	uint32_t state = SEED;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int spread = 0; spread < 2; spread++) {
			struct view pieces[7];
			struct buffer runs[7];
			struct pri_store *s;
			struct model m;

			model_init(&m);
			fill(&m, sizes[i], spread, &state);
			for (size_t j = 0; j < 7; j++)
				buffer_init(&runs[j], BIG);
			/* In no order, and in pieces of which some may be empty. */
			for (size_t j = 0; j < m.count; j++)
				buffer_put_view(&runs[next_random(&state) % 7],
					buffer_view(&m.entries[j].objects));
			for (size_t j = 0; j < 7; j++)
				pieces[j] = buffer_view(&runs[j]);
			pri_failures_init(&failures);
			ck_assert_int_eq(pri_store_build(pieces, 7, &s, &failures, &error), E_OK);
			for (size_t j = 0; j < 7; j++)
				buffer_fini(&runs[j]);
			check_equals_model(s, &m);
			pri_store_free(s);
			model_fini(&m);
		}
	}
}
END_TEST

START_TEST(order_is_numeric_and_not_that_of_octets)
{
	static const uint32_t instances[] = {
		1, 127, 128, 16383, 16384, 2097151, 2097152, UINT32_MAX};
	struct pri_store *s;
	struct pri_row row;
	struct buffer b;
	size_t n = 0;

	buffer_init(&b, BIG);
	for (size_t i = 8; i-- > 0;)
		put_port(&b, instances[i], 1);
	put_address(&b, 5, 1); /* an earlier class */
	put_rule_name(&b, 1, 1);
	s = build(buffer_view(&b));
	for (struct pri_cursor c = pri_store_class(s, PIB_ipSecL4Port); pri_store_next(&c, &row);)
		ck_assert_uint_eq(row.prid.instance, instances[n++]);
	ck_assert_uint_eq(n, 8);
	n = 0;
	for (struct pri_cursor c = pri_store_all(s); pri_store_next(&c, &row); n++) {
		if (n == 0)
			ck_assert_int_eq(row.prid.class->id, PIB_ipSecAddress);
		if (n == 9)
			ck_assert_int_eq(row.prid.class->id, PIB_copsecRule);
	}
	ck_assert_uint_eq(n, 10);
	pri_store_free(s);
	buffer_fini(&b);
}
END_TEST

START_TEST(finds_what_is_there_and_nothing_else)
{
	struct prid prid = {pib_class(PIB_ipSecL4Port), 300};
	struct pri_store *s;
	struct pri_row row;
	struct pri pri;
	struct buffer b;

	buffer_init(&b, BIG);
	for (uint32_t i = 1; i < 1000; i += 2)
		put_port(&b, i * 100, i);
	s = build(buffer_view(&b));
	ck_assert(pri_store_find(s, &prid, &row));
	ck_assert(pri_store_get(s, PIB_ipSecL4Port, 300, &pri));
	ck_assert_uint_eq(pri_u32(&pri, ipSecL4PortPortMin), 3);
	prid.instance = 301;
	ck_assert(!pri_store_find(s, &prid, &row));
	prid.instance = 400;
	ck_assert(!pri_store_find(s, &prid, &row));
	prid.instance = 99901;
	ck_assert(!pri_store_find(s, &prid, &row));
	prid = (struct prid){pib_class(PIB_ipSecAddress), 300};
	ck_assert(!pri_store_find(s, &prid, &row));
	prid = (struct prid){pib_class(PIB_copsecRule), 300};
	ck_assert(!pri_store_find(s, &prid, &row));
	pri_store_free(s);
	buffer_fini(&b);
}
END_TEST

/* Another encoding of the same values must stay as it is: it is what was signed. */
START_TEST(keeps_octets_as_they_came)
{
	struct prid prid = {pib_class(PIB_ipSecL4Port), 7};
	struct pri_store *s;
	struct pri_row row;
	struct buffer b, epd;
	struct pri pri;

	buffer_init(&b, BIG);
	buffer_init(&epd, BIG);
	prid_put(&b, &prid);
	/* INTEGER instead of Unsigned32, and a length in the long form. */
	buffer_put(&epd, "\x02\x01\x07\x42\x81\x01\x50\x42\x01\x50\x42\x01\x01", 13);
	pr_put(&b, PR_EPD, buffer_view(&epd));
	s = build(buffer_view(&b));
	ck_assert(pri_store_find(s, &prid, &row));
	ck_assert(view_equal(row.objects, buffer_view(&b)));
	ck_assert(view_equal(row.epd, buffer_view(&epd)));
	ck_assert(pri_store_get(s, PIB_ipSecL4Port, 7, &pri));
	ck_assert_uint_eq(pri_u32(&pri, ipSecL4PortPortMin), 80);
	pri_store_free(s);
	buffer_fini(&epd);
	buffer_fini(&b);
}
END_TEST

START_TEST(padding_left_out_at_the_end_is_made_good)
{
	uint8_t root[32], other[32];
	struct pri_store *s;
	struct buffer b;

	buffer_init(&b, BIG);
	put_rule_name(&b, 1, 12); /* three octets of padding */
	s = build(buffer_view(&b));
	ck_assert_int_eq(pri_store_root(s, root), E_OK);
	pri_store_free(s);
	s = build(VIEW(b.data, b.len - 3));
	ck_assert_uint_eq(pri_store_octets(s) % 4, 0);
	ck_assert_int_eq(pri_store_root(s, other), E_OK);
	ck_assert_mem_eq(root, other, sizeof root);
	pri_store_free(s);
	buffer_fini(&b);
}
END_TEST

static enum err build_fails(struct view run)
{
	struct pri_store *s = (struct pri_store *)&failures;
	enum err err;

	pri_failures_init(&failures);
	err = pri_store_build(&run, 1, &s, &failures, &error);
	if (!err)
		pri_store_free(s);
	else
		ck_assert_ptr_eq(s, &failures);
	return err;
}

START_TEST(refuses_every_cut_but_between_rows)
{
	struct buffer b;
	size_t half;

	buffer_init(&b, BIG);
	put_rule_name(&b, 1, 12);
	half = b.len;
	put_rule_name(&b, 2, 12);
	for (size_t len = 0; len <= b.len; len++) {
		/* The three octets behind a last row's values are padding: all there, or none. */
		bool whole = len == 0 || len == half - 3 || len == half || len == b.len - 3 ||
			     len == b.len;
		uint8_t *exact = malloc(len + 1);

		memcpy(exact, b.data, len);
		ck_assert_msg(!build_fails(VIEW(exact, len)) == whole, "%zu of %zu", len, b.len);
		if (!whole)
			ck_assert_uint_eq(failures.count, 1);
		free(exact);
	}
	buffer_fini(&b);
}
END_TEST

START_TEST(refusals_say_which_pri_and_why)
{
	struct oid oid;
	struct buffer b, ber;

	buffer_init(&b, BIG);
	buffer_init(&ber, BIG);
	put_port(&b, 1, 1);
	put_port(&b, 3, 1);
	put_port(&b, 1, 2);
	ck_assert_int_eq(build_fails(buffer_view(&b)), E_DUPLICATE);
	ck_assert_uint_eq(failures.count, 1);
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_INSTANCE);
	ck_assert_str_eq(error.text, "ipSecL4Port.1 is installed twice at once");

	/* Two classes that nobody knows: both are named. */
	buffer_reset(&b);
	for (uint32_t i = 1; i <= 2; i++) {
		put_port(&b, i, 1);
		ck_assert_int_eq(oid_parse(&oid, "1.3.6.1.2.2.99.1.1.7"), E_OK);
		buffer_reset(&ber);
		buffer_put_u16(&ber, 0x0609);
		oid_put(&ber, &oid);
		pr_put(&b, PR_PRID, buffer_view(&ber));
		pr_put(&b, PR_EPD, VIEW("\x42\x01\x07", 3));
	}
	ck_assert_int_eq(build_fails(buffer_view(&b)), E_UNKNOWN);
	ck_assert_uint_eq(failures.count, 2);
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_CLASS);
	ck_assert(view_equal(
		VIEW(failures.list[1].prid, failures.list[1].prid_len), buffer_view(&ber)));

	buffer_reset(&b);
	pr_put(&b, PR_EPD, VIEW("\x42\x01\x07", 3));
	ck_assert_int_eq(build_fails(buffer_view(&b)), E_UNEXPECTED);
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_MALFORMED);

	/* A prefix is illegal in an install (RFC 3084 §5.1). */
	buffer_reset(&b);
	pr_put(&b, PR_PPRID, buffer_view(&ber));
	pr_put(&b, PR_EPD, VIEW("\x42\x01\x07", 3));
	ck_assert_int_eq(build_fails(buffer_view(&b)), E_UNEXPECTED);
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_MALFORMED);

	buffer_reset(&b);
	put_port(&b, 1, 1);
	b.data[3] = 2;
	ck_assert_int_ne(build_fails(buffer_view(&b)), E_OK);
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_OBJECT);

	buffer_reset(&b);
	put_rule_name(&b, 1, 12);
	b.data[b.len - 1] = 1;
	ck_assert_int_ne(build_fails(buffer_view(&b)), E_OK);
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_PADDING);
	buffer_fini(&ber);
	buffer_fini(&b);
}
END_TEST

START_TEST(failures_beyond_the_limit_are_counted)
{
	struct buffer b;

	buffer_init(&b, BIG);
	for (uint32_t i = 0; i < 100; i++)
		put_port(&b, 1 + i / 2, 1);
	ck_assert_int_eq(build_fails(buffer_view(&b)), E_DUPLICATE);
	ck_assert_uint_eq(failures.count, PRI_FAILURES_MAX);
	ck_assert_uint_eq(failures.omitted, 50 - PRI_FAILURES_MAX);
	buffer_fini(&b);
}
END_TEST

/* One random transaction, on the store and on the model. */
struct transaction {
	struct buffer removes;
	struct buffer installs;
};

static void put_prefix(struct buffer *out, const struct oid *oid)
{
	struct buffer ber;

	buffer_init(&ber, BIG);
	buffer_put_u16(&ber, 0x0600);
	oid_put(&ber, oid);
	ber.data[1] = (uint8_t)(ber.len - 2);
	pr_put(out, PR_PPRID, buffer_view(&ber));
	buffer_fini(&ber);
}

static void random_removes(struct transaction *t, struct model *m, uint32_t *state)
{
	uint32_t n = next_random(state) % 30;

	for (uint32_t i = 0; i < n; i++) {
		size_t kind = next_random(state) % KINDS;
		struct prid prid = {pib_class(kinds[kind].class), random_instance(state, 0)};
		struct entry *e = m->count ? &m->entries[next_random(state) % m->count] : NULL;

		/* Mostly something that is there, and sometimes by a prefix as long as a PRID. */
		if (e && next_random(state) % 4) {
			kind = e->kind;
			prid = (struct prid){pib_class(kinds[kind].class), e->instance};
		}
		e = model_find(m, kind, prid.instance);
		if (next_random(state) % 5) {
			prid_put(&t->removes, &prid);
		} else {
			struct oid oid;

			prid_oid(&prid, &oid);
			put_prefix(&t->removes, &oid);
		}
		if (e)
			model_remove(m, e);
	}
	if (next_random(state) % 8 == 0) {
		size_t kind = next_random(state) % KINDS;

		put_prefix(&t->removes, &pib_class(kinds[kind].class)->row);
		for (size_t i = m->count; i-- > 0;)
			if (m->entries[i].kind == kind)
				model_remove(m, &m->entries[i]);
	}
}

static void random_installs(struct transaction *t, struct model *m, uint32_t *state)
{
	uint32_t n = next_random(state) % 60;
	uint32_t seen[KINDS][60], counts[KINDS] = {0};

	for (uint32_t i = 0; i < n; i++) {
		size_t kind = next_random(state) % KINDS;
		uint32_t instance = random_instance(state, 0);
		bool twice = false;
		struct entry *e;

		for (uint32_t j = 0; j < counts[kind]; j++)
			twice = twice || seen[kind][j] == instance;
		if (twice)
			continue;
		seen[kind][counts[kind]++] = instance;
		e = model_put(m, kind, instance, next_random(state) % 200);
		buffer_put_view(&t->installs, buffer_view(&e->objects));
	}
}

START_TEST(a_transaction_gives_the_state_of_the_model_and_undo_the_state_before)
{
	uint32_t state = SEED + (uint32_t)_i;
	uint8_t before[32], after[32];
	struct buffer octets_before, octets_after;
	struct pri_store *s;
	struct model m;

	buffer_init(&octets_before, BIG);
	buffer_init(&octets_after, BIG);
	model_init(&m);
	fill(&m, next_random(&state) % 800, 0, &state);
	model_octets(&m, &octets_before);
	s = build(buffer_view(&octets_before));
	for (int round = 0; round < 25; round++) {
		struct transaction t;
		struct pri_store *new;
		struct pri_change change;
		struct view removes, installs;

		buffer_init(&t.removes, BIG);
		buffer_init(&t.installs, BIG);
		random_removes(&t, &m, &state);
		random_installs(&t, &m, &state);
		removes = buffer_view(&t.removes);
		installs = buffer_view(&t.installs);
		change = (struct pri_change){&removes, 1, &installs, 1};

		buffer_reset(&octets_before);
		pri_store_put(s, &octets_before);
		ck_assert_int_eq(pri_store_root(s, before), E_OK);
		for (int undo = 1; undo >= 0; undo--) {
			pri_failures_init(&failures);
			ck_assert_msg(!pri_store_change(s, &change, &new, &failures, &error), "%s",
				error.text);
			check_equals_model(new, &m);
			if (undo)
				pri_store_free(new);
			/* Undone or not, the old one is as it was. */
			buffer_reset(&octets_after);
			pri_store_put(s, &octets_after);
			ck_assert(view_equal(
				buffer_view(&octets_before), buffer_view(&octets_after)));
			ck_assert_int_eq(pri_store_root(s, after), E_OK);
			ck_assert_mem_eq(before, after, sizeof before);
		}
		pri_store_free(s);
		s = new;
		check_equals_model(s, &m);
		buffer_fini(&t.removes);
		buffer_fini(&t.installs);
	}
	pri_store_free(s);
	model_fini(&m);
	buffer_fini(&octets_before);
	buffer_fini(&octets_after);
}
END_TEST

START_TEST(a_remove_spares_what_the_same_transaction_installs)
{
	struct prid prid = {pib_class(PIB_ipSecL4Port), 2};
	struct buffer b, removes, installs;
	struct view remove, install;
	struct pri_store *s, *new;
	struct pri pri;

	buffer_init(&b, BIG);
	buffer_init(&removes, BIG);
	buffer_init(&installs, BIG);
	put_port(&b, 1, 10);
	put_port(&b, 2, 20);
	s = build(buffer_view(&b));
	put_prefix(&removes, &pib_class(PIB_ipSecL4Port)->row);
	prid_put(&removes, &prid);
	put_port(&installs, 2, 22);
	remove = buffer_view(&removes);
	install = buffer_view(&installs);
	ck_assert_int_eq(pri_store_change(s, &(struct pri_change){&remove, 1, &install, 1}, &new,
				 &failures, &error),
		E_OK);
	ck_assert_uint_eq(pri_store_count(new), 1);
	ck_assert(pri_store_get(new, PIB_ipSecL4Port, 2, &pri));
	ck_assert_uint_eq(pri_u32(&pri, ipSecL4PortPortMin), 22);
	pri_store_free(new);
	pri_store_free(s);
	buffer_fini(&b);
	buffer_fini(&removes);
	buffer_fini(&installs);
}
END_TEST

/* A shared block is the same memory in both stores. */
START_TEST(one_changed_pri_costs_one_block)
{
	struct buffer b, change;
	struct pri_store *s, *new;
	struct pri_row old_row, new_row;
	struct view install;
	size_t differ = 0;

	buffer_init(&b, BIG);
	buffer_init(&change, BIG);
	for (uint32_t i = 1; i <= 5000; i++)
		put_port(&b, i, i);
	s = build(buffer_view(&b));
	put_port(&change, 1000, 1);
	install = buffer_view(&change);
	ck_assert_int_eq(pri_store_change(s, &(struct pri_change){NULL, 0, &install, 1}, &new,
				 &failures, &error),
		E_OK);
	for (struct pri_cursor c = pri_store_all(s); pri_store_next(&c, &old_row);) {
		ck_assert(pri_store_find(new, &old_row.prid, &new_row));
		differ += old_row.objects.data != new_row.objects.data;
	}
	ck_assert_uint_eq(differ, 256);
	pri_store_free(s);
	pri_store_free(new);
	buffer_fini(&b);
	buffer_fini(&change);
}
END_TEST

static bool is_port(const struct pib_class *class)
{
	return class->id == PIB_ipSecL4Port;
}

START_TEST(a_slice_holds_its_classes_and_instances_and_outlives_the_store)
{
	struct pri_store *s, *slice;
	struct pri_row row;
	struct buffer b;
	size_t n = 0;

	buffer_init(&b, BIG);
	for (uint32_t i = 1; i <= 3; i++)
		for (uint32_t j = 1; j <= 600; j++) {
			put_port(&b, i << 20 | j, j);
			put_rule_name(&b, i << 20 | j, j);
		}
	s = build(buffer_view(&b));
	ck_assert_int_eq(pri_store_slice(s, is_port, 2 << 20, (3 << 20) - 1, &slice), E_OK);
	pri_store_free(s);
	for (struct pri_cursor c = pri_store_all(slice); pri_store_next(&c, &row);) {
		ck_assert_int_eq(row.prid.class->id, PIB_ipSecL4Port);
		ck_assert_uint_eq(row.prid.instance, 2u << 20 | (uint32_t)++n);
	}
	ck_assert_uint_eq(n, 600);
	pri_store_free(slice);
	buffer_fini(&b);
}
END_TEST

/* In the worst order, and every row alone in its block. */
START_TEST(a_hundred_thousand_rows)
{
	struct buffer b, change;
	struct pri_store *s, *new;
	struct view install;
	struct pri_row row;

	buffer_init(&b, BIG);
	buffer_init(&change, BIG);
	for (uint32_t i = 100000; i > 0; i--)
		put_port(&b, _i ? i : i << 8, 1);
	s = build(buffer_view(&b));
	ck_assert_uint_eq(pri_store_count(s), 100000);
	for (uint32_t i = 1; i <= 100000; i++) {
		struct prid prid = {pib_class(PIB_ipSecL4Port), _i ? i : i << 8};

		ck_assert(pri_store_find(s, &prid, &row));
	}
	put_port(&change, 51200, 2);
	install = buffer_view(&change);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(pri_store_change(s, &(struct pri_change){NULL, 0, &install, 1},
					 &new, &failures, &error),
			E_OK);
		pri_store_free(s);
		s = new;
	}
	pri_store_free(s);
	buffer_fini(&b);
	buffer_fini(&change);
}
END_TEST

START_TEST(the_limit_of_rows_just_holds)
{
	struct buffer b;
	size_t last;

	buffer_init(&b, BIG);
	for (uint32_t i = 1; i <= PRI_STORE_MAX_ROWS; i++)
		put_rule_name(&b, i, 1);
	last = b.len;
	put_rule_name(&b, PRI_STORE_MAX_ROWS + 1, 1);
	ck_assert_int_eq(build_fails(VIEW(b.data, last)), E_OK);
	ck_assert_int_eq(build_fails(buffer_view(&b)), E_LIMIT);
	ck_assert_int_eq(failures.list[0].fault.kind, PIB_FAULT_MEMORY);
	buffer_fini(&b);
}
END_TEST

START_TEST(the_limit_of_octets_just_holds)
{
	static const uint8_t zeros[32768];
	const size_t row = 24 + 4 + 4096 - 24 - 4; /* 4096 octets: 24 of PRID, 4 of EPD header */
	struct buffer b;
	size_t last = 0;

	buffer_init(&b, BIG);
	while (b.len <= PRI_STORE_MAX_OCTETS) {
		struct prid prid = {
			pib_class(PIB_ipSecL4Port), (1u << 21) + (uint32_t)(b.len / row)};
		size_t start = b.len;

		last = b.len;
		prid_put(&b, &prid);
		pr_put(&b, PR_EPD, VIEW(zeros, row - (b.len - start) - PR_HEADER));
		ck_assert_uint_eq(b.len - start, row);
	}
	ck_assert_uint_eq(last, PRI_STORE_MAX_OCTETS);
	ck_assert_int_eq(build_fails(VIEW(b.data, last)), E_OK);
	ck_assert_int_eq(build_fails(buffer_view(&b)), E_LIMIT);
	buffer_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store");
	TCase *c = tcase_create("store");

	tcase_set_timeout(c, 100);
	tcase_add_test(c, root_is_that_of_the_definition);
	tcase_add_test(c, order_is_numeric_and_not_that_of_octets);
	tcase_add_test(c, finds_what_is_there_and_nothing_else);
	tcase_add_test(c, keeps_octets_as_they_came);
	tcase_add_test(c, padding_left_out_at_the_end_is_made_good);
	tcase_add_test(c, refuses_every_cut_but_between_rows);
	tcase_add_test(c, refusals_say_which_pri_and_why);
	tcase_add_test(c, failures_beyond_the_limit_are_counted);
	tcase_add_loop_test(
		c, a_transaction_gives_the_state_of_the_model_and_undo_the_state_before, 0, 12);
	tcase_add_test(c, a_remove_spares_what_the_same_transaction_installs);
	tcase_add_test(c, one_changed_pri_costs_one_block);
	tcase_add_test(c, a_slice_holds_its_classes_and_instances_and_outlives_the_store);
	tcase_add_loop_test(c, a_hundred_thousand_rows, 0, 2);
	tcase_add_test(c, the_limit_of_rows_just_holds);
	tcase_add_test(c, the_limit_of_octets_just_holds);
	suite_add_tcase(s, c);
	return suite_main(s);
}
