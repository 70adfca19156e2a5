/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pib/store/reference.h"

/* A tag list as a number: class, attribute, value. */
static uint64_t tag_key(enum pib_class_id class, unsigned attribute, uint32_t value)
{
	return (uint64_t) class << 40 | (uint64_t)attribute << 32 | value;
}

struct tag_reference {
	uint64_t list;
	struct prid from;
	uint8_t attribute;
};

/* The values of a row's UNIQUENESS attributes, as octets that are equal if the values are. */
struct unique_values {
	struct view octets;
	struct prid prid;
};

struct check {
	const struct pri_store *store;
	const struct pri_store *before; /* NULL: there was none */
	struct pri_bounds bounds;
	bool request; /* of a node, and not a decision */
	struct pri_failures *failures;
	struct error *e;
	enum err err; /* of the first failure */

	uint64_t *tags; /* every TagId that a row has; sorted before use */
	size_t tag_count;
	size_t tag_room;
	struct tag_reference *tag_references;
	size_t tag_reference_count;
	size_t tag_reference_room;

	struct unique_values *unique; /* of the class that is being walked */
	size_t unique_count;
	size_t unique_room;
	struct buffer unique_octets; /* views into it are offsets until they are sorted */
};

static void fail(struct check *c, const struct prid *prid, enum pib_fault_kind kind,
	unsigned attribute, const char *format, ...) PRINTF_LIKE(5, 6);

static void fail(struct check *c, const struct prid *prid, enum pib_fault_kind kind,
	unsigned attribute, const char *format, ...)
{
	char name[PRID_TEXT_SIZE], text[ERROR_TEXT_SIZE - PRID_TEXT_SIZE - 2];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	prid_format(prid, name);
	pri_failures_add_prid(c->failures,
		(struct pib_fault){.kind = kind, .attribute = (uint8_t)attribute}, prid, "%s: %s",
		name, text);
	if (!c->err)
		c->err = error_set(c->e, pib_fault_err(kind), "%s: %s", name, text);
}

/* Room for one more; false, and the check is over, if there is no memory. */
static bool make_room(struct check *c, void **array, size_t count, size_t *room, size_t element)
{
	size_t wanted = *room ? *room * 2 : 256;
	void *grown;

	if (count < *room)
		return true;
	grown = reallocarray(*array, wanted, element);
	if (!grown) {
		c->err = error_set(
			c->e, E_MEMORY, "no memory to check %zu PRIs", pri_store_count(c->store));
		return false;
	}
	*array = grown;
	*room = wanted;
	return true;
}

static bool outside(const struct check *c, uint32_t id)
{
	return id < c->bounds.first || id > c->bounds.last;
}

static bool add_tag(struct check *c, const struct pri *pri, const struct pib_attribute *a)
{
	struct prid prid = {pri->class, pri->instance};
	uint32_t value = pri_u32(pri, a->number);
	void *array = c->tags;

	if (outside(c, value))
		fail(c, &prid, PIB_FAULT_VALUE, a->number,
			"%s %u lies outside the set's block %u to %u", a->name, value,
			c->bounds.first, c->bounds.last);
	if (!make_room(c, &array, c->tag_count, &c->tag_room, sizeof *c->tags))
		return false;
	c->tags = array;
	c->tags[c->tag_count++] = tag_key(pri->class->id, a->number, value);
	return true;
}

static bool add_tag_reference(struct check *c, const struct pri *pri, const struct pib_attribute *a)
{
	struct prid prid = {pri->class, pri->instance};
	uint32_t value = pri_u32(pri, a->number);
	void *array = c->tag_references;

	if (!value) {
		if (!reference_may_be_none(pri->class, a))
			fail(c, &prid, PIB_FAULT_REFERENCE, a->number, "%s names no list, but must",
				a->name);
		return true;
	}
	/* An empty list is one thing, somebody else's another. */
	if (outside(c, value)) {
		fail(c, &prid, PIB_FAULT_REFERENCE, a->number,
			"%s %u lies outside the set's block %u to %u", a->name, value,
			c->bounds.first, c->bounds.last);
		return true;
	}
	if (reference_list_may_be_empty(pri->class, a))
		return true;
	if (!make_room(c, &array, c->tag_reference_count, &c->tag_reference_room,
		    sizeof *c->tag_references))
		return false;
	c->tag_references = array;
	c->tag_references[c->tag_reference_count++] = (struct tag_reference){
		.list = tag_key(a->target, a->target_attribute, value),
		.from = prid,
		.attribute = a->number,
	};
	return true;
}

/* Nothing changed in it, so what it refers to was taken away from it. */
static bool stood_before(const struct check *c, const struct prid *prid)
{
	struct pri_row was, is;

	return c->before && pri_store_find(c->before, prid, &was) &&
	       pri_store_find(c->store, prid, &is) && view_equal(was.objects, is.objects);
}

static void check_target(struct check *c, const struct prid *from, const struct pib_attribute *a,
	const struct prid *to)
{
	struct pri_row row;

	if (pri_store_find(c->store, to, &row))
		return;
	if (stood_before(c, from) && pri_store_find(c->before, to, &row))
		fail(c, to, PIB_FAULT_STILL_REFERENCED, 0, "removed, but %s of %s.%u refers to it",
			a->name, from->class->name, from->instance);
	else
		fail(c, from, PIB_FAULT_REFERENCE, a->number, "%s: there is no %s.%u in the set",
			a->name, to->class->name, to->instance);
}

static void check_reference(struct check *c, const struct pri *pri, const struct pib_attribute *a)
{
	struct prid prid = {pri->class, pri->instance};
	struct prid to = {pib_class(a->target), pri_u32(pri, a->number)};

	if (!to.instance) {
		if (!reference_may_be_none(pri->class, a))
			fail(c, &prid, PIB_FAULT_REFERENCE, a->number, "%s names no %s, but must",
				a->name, to.class->name);
	} else {
		check_target(c, &prid, a, &to);
	}
}

static void check_prid(struct check *c, const struct pri *pri, const struct pib_attribute *a)
{
	struct prid prid = {pri->class, pri->instance}, to;
	char name[OID_TEXT_SIZE];

	if (oid_is_none(pri_oid(pri, a->number))) {
		if (!reference_may_be_none(pri->class, a))
			fail(c, &prid, PIB_FAULT_REFERENCE, a->number, "%s names no PRI, but must",
				a->name);
	} else if (!pri_prid(pri, a->number, &to)) {
		oid_format(pri_oid(pri, a->number), name);
		fail(c, &prid, PIB_FAULT_VALUE_UNSUPPORTED, a->number,
			"%s: %.100s is an instance of no class that is known", a->name, name);
	} else if (!reference_may_lead_to(pri->class, a, to.class)) {
		fail(c, &prid, PIB_FAULT_VALUE_UNSUPPORTED, a->number,
			"%s: %s.%u is of the wrong class", a->name, to.class->name, to.instance);
	} else {
		check_target(c, &prid, a, &to);
	}
}

static void put_value(struct buffer *out, const struct pri *pri, const struct pib_attribute *a)
{
	const struct pri_value *v = &pri->values[a->number - 1];

	buffer_put_u8(out, pri_has(pri, a->number));
	if (!pri_has(pri, a->number))
		return;
	switch (a->syntax) {
	case PIB_INTEGER32:
	case PIB_ENUMERATION:
	case PIB_INTEGER64:
		buffer_put_u64(out, (uint64_t)v->integer);
		break;
	case PIB_UNSIGNED32:
	case PIB_UNSIGNED64:
	case PIB_BITS:
		buffer_put_u64(out, v->natural);
		break;
	case PIB_OCTETS:
		buffer_put_u32(out, (uint32_t)v->octets.len);
		buffer_put_view(out, v->octets);
		break;
	case PIB_OID:
		buffer_put_u8(out, v->oid.count);
		for (size_t i = 0; i < v->oid.count; i++)
			buffer_put_u32(out, v->oid.arcs[i]);
		break;
	}
}

/* A UNIQUENESS clause of an extension may name attributes of its base (frwkIpFilter does). */
static bool add_unique_values(struct check *c, const struct pri *pri)
{
	const struct pib_class *class = pri->class;
	size_t at = c->unique_octets.len;
	void *array = c->unique;
	struct pri base;

	/* Of classes that a node names twice the first counts (RFC 3318 §5). */
	if (!class->unique_count || (c->request && class->id == PIB_frwkPrcSupport))
		return true;
	if (!make_room(c, &array, c->unique_count, &c->unique_room, sizeof *c->unique))
		return false;
	c->unique = array;
	for (size_t i = 0; i < class->unique_count; i++) {
		const struct pib_attribute_ref *ref = &class->unique[i];
		const struct pri *from = pri;

		if (ref->class != class->id) {
			if (!pri_store_get(c->store, ref->class, pri->instance, &base)) {
				/* Said elsewhere: the base is missing or wrong. */
				c->unique_octets.len = at;
				return true;
			}
			from = &base;
		}
		put_value(&c->unique_octets, from, pib_attribute(from->class, ref->attribute));
	}
	if (c->unique_octets.error) {
		c->err = error_set(
			c->e, c->unique_octets.error, "no memory to compare the %s", class->name);
		return false;
	}
	c->unique[c->unique_count++] = (struct unique_values){
		.octets = {NULL, c->unique_octets.len - at},
		.prid = {class, pri->instance},
	};
	return true;
}

static int compare_unique(const void *a, const void *b)
{
	const struct unique_values *x = a, *y = b;
	int order = view_compare(x->octets, y->octets);

	/* Then by instance, so that the later row is the one that fails. */
	return order ? order
		     : (x->prid.instance > y->prid.instance) -
			       (x->prid.instance < y->prid.instance);
}

static void check_unique_values(struct check *c)
{
	const uint8_t *at = c->unique_octets.data;

	for (size_t i = 0; i < c->unique_count; i++) {
		c->unique[i].octets.data = at;
		at += c->unique[i].octets.len;
	}
	if (c->unique_count)
		qsort(c->unique, c->unique_count, sizeof *c->unique, compare_unique);
	for (size_t i = 1; i < c->unique_count; i++)
		if (view_equal(c->unique[i - 1].octets, c->unique[i].octets))
			fail(c, &c->unique[i].prid, PIB_FAULT_INSTANCE, 0,
				"the same values as %s.%u in all attributes that make a PRI unique",
				c->unique[i].prid.class->name, c->unique[i - 1].prid.instance);
	c->unique_count = 0;
	buffer_reset(&c->unique_octets);
}

static bool check_attributes(struct check *c, const struct pri *pri)
{
	for (size_t i = 0; i < pri->class->attribute_count; i++) {
		const struct pib_attribute *a = &pri->class->attributes[i];

		switch (a->role) {
		case PIB_REFERENCE:
			check_reference(c, pri, a);
			break;
		case PIB_PRID:
			check_prid(c, pri, a);
			break;
		case PIB_TAG:
			if (!add_tag(c, pri, a))
				return false;
			break;
		case PIB_TAG_REFERENCE:
			if (!add_tag_reference(c, pri, a))
				return false;
			break;
		case PIB_PLAIN:
		case PIB_INSTANCE:
		case PIB_PRC:
			break;
		}
	}
	return add_unique_values(c, pri);
}

/* False: the check is over. */
static bool check_row(struct check *c, const struct pri_row *row)
{
	const struct pib_class *class = row->prid.class;
	struct prid base = {pib_class(class->base), row->prid.instance};
	struct pib_fault fault;
	struct pri_row found;
	struct error e;
	struct pri pri;

	if (c->request ? !pib_class_notifies(class) : !pib_class_installs(class)) {
		fail(c, &row->prid, c->request ? PIB_FAULT_INSTANCE : PIB_FAULT_NOTIFY_ONLY, 0,
			c->request ? "%s has no place in a request" : "%s cannot be installed",
			class->name);
		return true;
	}
	if (outside(c, row->prid.instance))
		fail(c, &row->prid, PIB_FAULT_INSTANCE, 0, "lies outside the set's block %u to %u",
			c->bounds.first, c->bounds.last);
	if (base.class != class && !pri_store_find(c->store, &base, &found))
		fail(c, &row->prid, PIB_FAULT_INSTANCE, 0, "extends %s.%u, which is not in the set",
			base.class->name, base.instance);
	if (pri_row_decode(row, &pri, &fault, &e)) {
		pri_failures_add(c->failures, fault, row->prid_contents, "%s", e.text);
		if (!c->err) {
			*c->e = e;
			c->err = e.code;
		}
		return true;
	}
	return check_attributes(c, &pri);
}

static int compare_keys(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A row that had the tag before: one that is gone, else the first, which has another tag now. */
static bool find_former(
	const struct check *c, const struct tag_reference *r, struct prid *ret_prid, bool *ret_gone)
{
	const struct pib_attribute *a = pib_attribute(r->from.class, r->attribute);
	struct pri_row row, now;
	bool found = false;
	struct pri pri;

	*ret_gone = false;
	for (struct pri_cursor at = pri_store_class(c->before, a->target);
		!*ret_gone && pri_store_next(&at, &row);) {
		if (!pri_store_get(c->before, a->target, row.prid.instance, &pri) ||
			pri_u32(&pri, a->target_attribute) != (uint32_t)r->list)
			continue;
		*ret_gone = !pri_store_find(c->store, &row.prid, &now);
		if (!found || *ret_gone)
			*ret_prid = row.prid;
		found = true;
	}
	return found;
}

/* As with single PRIs: who did not change is not at fault, but who left the list. */
static void fail_tag_reference(struct check *c, const struct tag_reference *r)
{
	const struct pib_attribute *a = pib_attribute(r->from.class, r->attribute);
	const char *tag = pib_attribute(pib_class(a->target), a->target_attribute)->name;
	/* What is only counted need not be searched for. */
	bool kept = c->failures->count < PRI_FAILURES_MAX;
	struct prid former;
	bool gone;

	if (!kept || !stood_before(c, &r->from) || !find_former(c, r, &former, &gone))
		fail(c, &r->from, PIB_FAULT_REFERENCE, r->attribute, "%s: no %s in the set has %s %u",
			a->name, pib_class(a->target)->name, tag, (uint32_t)r->list);
	else if (gone)
		fail(c, &former, PIB_FAULT_STILL_REFERENCED, 0,
			"removed, and %s %u is empty, which %s of %s.%u refers to", tag,
			(uint32_t)r->list, a->name, r->from.class->name, r->from.instance);
	else
		fail(c, &former, PIB_FAULT_VALUE, a->target_attribute,
			"taken out of %s %u, which is empty now, and %s of %s.%u refers to it", tag,
			(uint32_t)r->list, a->name, r->from.class->name, r->from.instance);
}

static void check_tag_references(struct check *c)
{
	if (c->tag_count)
		qsort(c->tags, c->tag_count, sizeof *c->tags, compare_keys);
	for (size_t i = 0; i < c->tag_reference_count; i++) {
		const struct tag_reference *r = &c->tag_references[i];

		if (!c->tag_count ||
			!bsearch(&r->list, c->tags, c->tag_count, sizeof *c->tags, compare_keys))
			fail_tag_reference(c, r);
	}
}

static void check_rows(struct check *c)
{
	const struct pib_class *class = NULL;
	struct pri_row row;

	for (struct pri_cursor at = pri_store_all(c->store); pri_store_next(&at, &row);) {
		if (row.prid.class != class)
			check_unique_values(c);
		class = row.prid.class;
		if (!check_row(c, &row))
			return;
	}
	check_unique_values(c);
	check_tag_references(c);
}

static enum err check(struct check *c)
{
	/* Values as compared take at most as much more than values as sent. */
	buffer_init(&c->unique_octets, (size_t)8 * PRI_STORE_MAX_OCTETS);
	check_rows(c);
	free(c->tags);
	free(c->tag_references);
	free(c->unique);
	buffer_fini(&c->unique_octets);
	return c->err;
}

enum err pri_store_check_change(const struct pri_store *before, const struct pri_store *after,
	struct pri_bounds bounds, struct pri_failures *failures, struct error *e)
{
	return check(&(struct check){
		.store = after,
		.before = before,
		.bounds = bounds,
		.failures = failures,
		.e = e,
	});
}

enum err pri_store_check(const struct pri_store *s, struct pri_bounds bounds,
	struct pri_failures *failures, struct error *e)
{
	return pri_store_check_change(NULL, s, bounds, failures, e);
}

enum err pri_store_check_request(
	const struct pri_store *s, struct pri_failures *failures, struct error *e)
{
	return check(&(struct check){
		.store = s,
		.bounds = {1, UINT32_MAX},
		.request = true,
		.failures = failures,
		.e = e,
	});
}
