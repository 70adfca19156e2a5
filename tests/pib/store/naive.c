/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pib/store/naive.h"

#include <check.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "pib/store/reference.h"

enum { HASHED_MAX = 1 << 28 };

/* ---- Contents ---- */

static int compare_leaves(const void *a, const void *b)
{
	const struct naive_leaf *x = a, *y = b;

	/* The order that the hash tree is defined by. */
	for (size_t i = 0; i < x->oid.count && i < y->oid.count; i++)
		if (x->oid.arcs[i] != y->oid.arcs[i])
			return x->oid.arcs[i] < y->oid.arcs[i] ? -1 : 1;
	return (int)x->oid.count - (int)y->oid.count;
}

void naive_sort(struct naive_leaf *leaves, size_t count)
{
	if (count)
		qsort(leaves, count, sizeof *leaves, compare_leaves);
}

/* All arcs but the last, and the last without its low octet. */
static bool same_block(const struct oid *a, const struct oid *b)
{
	for (size_t i = 0; i + 1 < a->count && i + 1 < b->count; i++)
		if (a->arcs[i] != b->arcs[i])
			return false;
	return a->count == b->count && a->arcs[a->count - 1] >> 8 == b->arcs[b->count - 1] >> 8;
}

static void hash_leaf(const struct naive_leaf *l, struct buffer *scratch, uint8_t hash[32])
{
	const uint8_t *o = l->objects.data;
	size_t prid = ((size_t)(o[0] << 8 | o[1]) + 3) / 4 * 4;

	buffer_reset(scratch);
	buffer_put_u8(scratch, 0);
	buffer_put_u32(scratch, (uint32_t)prid);
	buffer_put(scratch, o, prid);
	buffer_put_u32(scratch, (uint32_t)(l->objects.len - prid));
	buffer_put(scratch, o + prid, l->objects.len - prid);
	SHA256(scratch->data, scratch->len, hash);
}

void naive_root(struct naive_leaf *leaves, size_t count, uint8_t ret_root[32])
{
	struct buffer top, block, leaf;
	uint8_t hash[32];

	buffer_init(&top, HASHED_MAX);
	buffer_init(&block, HASHED_MAX);
	buffer_init(&leaf, HASHED_MAX);
	naive_sort(leaves, count);
	buffer_put_u8(&top, 2);
	buffer_put_u32(&top, (uint32_t)count);
	for (size_t i = 0; i < count;) {
		const struct oid *first = &leaves[i].oid;

		buffer_reset(&block);
		buffer_put_u8(&block, 1);
		for (; i < count && same_block(first, &leaves[i].oid); i++) {
			hash_leaf(&leaves[i], &leaf, hash);
			buffer_put(&block, hash, sizeof hash);
		}
		SHA256(block.data, block.len, hash);
		buffer_put(&top, hash, sizeof hash);
	}
	SHA256(top.data, top.len, ret_root);
	buffer_fini(&top);
	buffer_fini(&block);
	buffer_fini(&leaf);
}

const struct pri *naive_find(const struct rows *r, enum pib_class_id class, uint32_t instance)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->list[i].class->id == class && r->list[i].instance == instance)
			return &r->list[i];
	return NULL;
}

static bool names(const struct naive_change *c, enum pib_class_id class, uint32_t instance)
{
	for (size_t i = 0; i < c->remove_count; i++)
		if (c->removes[i].class->id == class && c->removes[i].instance == instance)
			return true;
	for (size_t i = 0; i < c->prefix_count; i++)
		if (oid_has_prefix(&pib_class(class)->row, &c->prefixes[i]))
			return true;
	return false;
}

static bool goes(const struct naive_change *c, const struct pri *p)
{
	enum pib_class_id base = p->class->base;

	if (naive_find(c->installs, p->class->id, p->instance))
		return true; /* and comes again */
	return names(c, p->class->id, p->instance) ||
	       (base != p->class->id && names(c, base, p->instance) &&
		       !naive_find(c->installs, base, p->instance));
}

void naive_change(struct rows *r, const struct naive_change *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++)
		if (!goes(c, &r->list[i]))
			r->list[kept++] = r->list[i];
	r->count = kept;
	for (size_t i = 0; i < c->installs->count; i++) {
		const struct pri *p = &c->installs->list[i];

		*rows_add(r, p->class->id, p->instance) = *p;
	}
}

/* ---- Checks ---- */

static void complain(struct complaints *c, const struct pib_class *class, uint32_t instance,
	enum pib_fault_kind kind, unsigned attribute)
{
	ck_assert_uint_lt(c->count, sizeof c->list / sizeof c->list[0]);
	c->list[c->count++] = (struct complaint){{class, instance}, kind, (uint8_t)attribute};
}

static bool outside(struct pri_bounds bounds, uint32_t id)
{
	return id < bounds.first || id > bounds.last;
}

static void check_target(struct complaints *c, const struct rows *before, const struct rows *after,
	const struct pri *from, const struct pib_attribute *a, const struct prid *to)
{
	const struct pri *was;

	if (naive_find(after, to->class->id, to->instance))
		return;
	was = before ? naive_find(before, from->class->id, from->instance) : NULL;
	if (was && pri_equal(was, from) && naive_find(before, to->class->id, to->instance))
		complain(c, to->class, to->instance, PIB_FAULT_STILL_REFERENCED, 0);
	else
		complain(c, from->class, from->instance, PIB_FAULT_REFERENCE, a->number);
}

/* Nobody has the tag: is it the fault of one who had it and is gone, of one who has another now,
 * or of the reference? The lowest instance answers. */
static void check_empty_list(struct complaints *c, const struct rows *before,
	const struct rows *after, const struct pri *p, const struct pib_attribute *a)
{
	const struct pri *was = before ? naive_find(before, p->class->id, p->instance) : NULL;
	const struct pri *gone = NULL, *moved = NULL;

	for (size_t i = 0; was && pri_equal(was, p) && i < before->count; i++) {
		const struct pri *q = &before->list[i];
		const struct pri **best;

		if (q->class->id != a->target ||
			pri_u32(q, a->target_attribute) != pri_u32(p, a->number))
			continue;
		best = naive_find(after, q->class->id, q->instance) ? &moved : &gone;
		if (!*best || q->instance < (*best)->instance)
			*best = q;
	}
	if (gone)
		complain(c, gone->class, gone->instance, PIB_FAULT_STILL_REFERENCED, 0);
	else if (moved)
		complain(c, moved->class, moved->instance, PIB_FAULT_VALUE, a->target_attribute);
	else
		complain(c, p->class, p->instance, PIB_FAULT_REFERENCE, a->number);
}

static void check_tag_reference(struct complaints *c, const struct rows *before,
	const struct rows *after, struct pri_bounds bounds, const struct pri *p,
	const struct pib_attribute *a)
{
	if (outside(bounds, pri_u32(p, a->number))) {
		complain(c, p->class, p->instance, PIB_FAULT_REFERENCE, a->number);
		return;
	}
	if (reference_list_may_be_empty(p->class, a))
		return;
	/* What may not be installed says nothing. */
	for (size_t i = 0; i < after->count; i++)
		if (after->list[i].class->id == a->target &&
			pib_class_installs(after->list[i].class) &&
			pri_u32(&after->list[i], a->target_attribute) == pri_u32(p, a->number))
			return;
	check_empty_list(c, before, after, p, a);
}

static void check_attribute(struct complaints *c, const struct rows *before,
	const struct rows *after, struct pri_bounds bounds, const struct pri *p,
	const struct pib_attribute *a)
{
	const struct pib_class *class = p->class;
	struct prid to;

	if (a->role == PIB_TAG && outside(bounds, pri_u32(p, a->number)))
		complain(c, class, p->instance, PIB_FAULT_VALUE, a->number);
	if (a->role == PIB_REFERENCE || a->role == PIB_TAG_REFERENCE) {
		if (!pri_u32(p, a->number)) {
			if (!reference_may_be_none(class, a))
				complain(c, class, p->instance, PIB_FAULT_REFERENCE, a->number);
			return;
		}
	}
	if (a->role == PIB_REFERENCE) {
		to = (struct prid){pib_class(a->target), pri_u32(p, a->number)};
		check_target(c, before, after, p, a, &to);
	}
	if (a->role == PIB_TAG_REFERENCE)
		check_tag_reference(c, before, after, bounds, p, a);
	if (a->role == PIB_PRID) {
		if (oid_is_none(pri_oid(p, a->number))) {
			if (!reference_may_be_none(class, a))
				complain(c, class, p->instance, PIB_FAULT_REFERENCE, a->number);
		} else if (!pri_prid(p, a->number, &to) ||
			   !reference_may_lead_to(class, a, to.class)) {
			complain(c, class, p->instance, PIB_FAULT_VALUE_UNSUPPORTED, a->number);
		} else {
			check_target(c, before, after, p, a, &to);
		}
	}
}

/* Every attribute of the UNIQUENESS clause, of the row or of its base. */
static bool same_unique_values(const struct rows *r, const struct pri *p, const struct pri *q)
{
	for (size_t i = 0; i < p->class->unique_count; i++) {
		const struct pib_attribute_ref *ref = &p->class->unique[i];
		const struct pri *x = naive_find(r, ref->class, p->instance);
		const struct pri *y = naive_find(r, ref->class, q->instance);

		if (!x || !y || pri_compare_attribute(x, y, ref->attribute))
			return false;
	}
	return p->class->unique_count != 0;
}

void naive_check(const struct rows *before, const struct rows *after, struct pri_bounds bounds,
	struct complaints *ret)
{
	ret->count = 0;
	for (size_t i = 0; i < after->count; i++) {
		const struct pri *p = &after->list[i];
		const struct pib_class *class = p->class;
		bool unique = true;

		if (!pib_class_installs(class)) {
			complain(ret, class, p->instance, PIB_FAULT_NOTIFY_ONLY, 0);
			continue;
		}
		if (outside(bounds, p->instance))
			complain(ret, class, p->instance, PIB_FAULT_INSTANCE, 0);
		if (class->base != class->id && !naive_find(after, class->base, p->instance))
			complain(ret, class, p->instance, PIB_FAULT_INSTANCE, 0);
		for (size_t a = 0; a < class->attribute_count; a++)
			check_attribute(ret, before, after, bounds, p, &class->attributes[a]);
		for (size_t j = 0; j < after->count; j++)
			if (after->list[j].class == class &&
				after->list[j].instance < p->instance &&
				same_unique_values(after, p, &after->list[j]))
				unique = false;
		if (!unique)
			complain(ret, class, p->instance, PIB_FAULT_INSTANCE, 0);
	}
}

void complaints_of(const struct pri_failures *failures, struct complaints *ret)
{
	struct pib_fault fault;
	struct error error;
	struct prid prid;

	ret->count = 0;
	for (size_t i = 0; i < failures->count; i++) {
		const struct pri_failure *f = &failures->list[i];

		ck_assert_msg(!prid_decode(VIEW(f->prid, f->prid_len), &prid, &fault, &error),
			"%s", error.text);
		complain(ret, prid.class, prid.instance, f->fault.kind, f->fault.attribute);
	}
}

static int compare_complaints(const void *a, const void *b)
{
	const struct complaint *x = a, *y = b;
	int order = prid_compare(&x->prid, &y->prid);

	if (!order)
		order = (int)x->kind - (int)y->kind;
	return order ? order : x->attribute - y->attribute;
}

void complaints_compare(struct complaints *expected, struct complaints *found, unsigned round)
{
	struct complaint *x = expected->list, *y = found->list;

	qsort(x, expected->count, sizeof *x, compare_complaints);
	qsort(y, found->count, sizeof *y, compare_complaints);
	for (size_t i = 0; i < expected->count && i < found->count; i++)
		ck_assert_msg(!compare_complaints(&x[i], &y[i]),
			"round %u: %s.%u attribute %u fault %d expected, found %s.%u attribute %u "
			"fault %d",
			round, x[i].prid.class->name, x[i].prid.instance, x[i].attribute,
			(int)x[i].kind, y[i].prid.class->name, y[i].prid.instance, y[i].attribute,
			(int)y[i].kind);
	ck_assert_msg(expected->count == found->count, "round %u: %zu faults expected, found %zu",
		round, expected->count, found->count);
}
