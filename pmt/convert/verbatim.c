/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set row by row, with all numbers: for what short words cannot say. What comes of it has the same
 * octets, not only the same meaning.
 */
#include <stdlib.h>
#include <string.h>

#include "pib/set/block.h"
#include "pmt/convert/converter.h"
#include "pmt/language/classes.h"
#include "pmt/language/notation.h"
#include "pmt/language/old.h"

enum { VALUE_MAX = 4 * NOTATION_OCTETS_MAX, NAME_TEXT_MAX = 32 };

struct verbatim {
	struct converter *c;
	struct pri_store *store;
	size_t which;
};

/* Of a list; its class goes without saying. */
static void put_list_name(struct verbatim *v, uint32_t tag, struct buffer *out)
{
	buffer_put_text(out, "s%zu-%u", v->which + 1, tag & BLOCK_INSTANCE_MAX);
}

static void put_id(struct verbatim *v, const struct pib_class *class, uint32_t instance,
	struct buffer *out)
{
	buffer_put_text(out, "s%zu-%s-%u", v->which + 1, class->name,
		instance & BLOCK_INSTANCE_MAX);
}

static enum err refuse_row(struct verbatim *v, const struct prid *prid, const char *what)
{
	char name[PRID_TEXT_SIZE];

	prid_format(prid, name);
	return error_set(v->c->e, E_UNSUPPORTED, "the set \"%s\", %s: %s",
		v->c->set_names[v->which], name, what);
}

/* --- values --- */

static void put_reference(struct verbatim *v, const struct pri *pri,
	const struct pib_attribute *a, struct buffer *out)
{
	struct prid prid;

	if (!pri_has(pri, a->number))
		buffer_put_text(out, NOTATION_NULL);
	else if (a->role == PIB_PRID && pri_prid(pri, a->number, &prid))
		put_id(v, prid.class, prid.instance, out);
	else if (a->role == PIB_PRID || !pri_u32(pri, a->number))
		buffer_put_text(out, NOTATION_NONE);
	else if (a->role == PIB_REFERENCE)
		put_id(v, pib_class(a->target), pri_u32(pri, a->number), out);
	else
		put_list_name(v, pri_u32(pri, a->number), out);
}

/*
 * Which attributes at the end were not sent. The others that were not given came as NULL: what is
 * made of the row again tells how many.
 */
static enum err find_nulls(struct verbatim *v, const struct pri_row *row, struct pri *pri)
{
	const size_t count = pri->class->attribute_count;
	struct buffer again;
	struct error ignored;
	size_t sent = count;
	bool same = false;

	while (sent > 0 && pri->values[sent - 1].state == PRI_DEFAULT)
		sent--;
	for (size_t i = 0; i < sent; i++)
		if (pri->values[i].state == PRI_DEFAULT)
			pri->values[i].state = PRI_NULL;
	buffer_init(&again, 1 << 17);
	for (;;) {
		buffer_reset(&again);
		same = !epd_encode(&again, pri, &ignored) &&
		       view_equal(buffer_view(&again), row->epd);
		if (same || sent == count)
			break;
		pri->values[sent++].state = PRI_NULL;
	}
	buffer_fini(&again);
	return same ? E_OK : refuse_row(v, &row->prid, "its encoding is none that could be written");
}

static bool is_plain_secret(const struct pri *pri, const struct pib_attribute *a)
{
	static const struct {
		enum pib_class_id class;
		uint8_t attribute;
	} secrets[] = {
		{PIB_ipSecIkeAssociation, ipSecIkeAssociationPresharedKey},
		{PIB_ipSecEspTransform, ipSecEspTransformIntegrityKey},
		{PIB_ipSecEspTransform, ipSecEspTransformCipherKey},
		{PIB_ipSecAhTransform, ipSecAhTransformIntegrityKey},
	};

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (pri->class->id == secrets[i].class && a->number == secrets[i].attribute)
			return pri_octets(pri, a->number).len > 0;
	return false;
}

static enum err put_values(struct verbatim *v, const struct pri *pri, struct buffer *out)
{
	struct buffer value;
	char word[CLASS_WORD_SIZE];
	enum err code = E_OK;

	buffer_init(&value, VALUE_MAX);
	for (size_t i = 0; i < pri->class->attribute_count && !code; i++) {
		const struct pib_attribute *a = &pri->class->attributes[i];

		if (a->role == PIB_INSTANCE || a->role == PIB_TAG ||
			pri->values[i].state == PRI_DEFAULT)
			continue;
		if (is_plain_secret(pri, a)) {
			const struct prid prid = {pri->class, pri->instance};

			code = refuse_row(v, &prid, "a secret in clear is not written into a policy");
			break;
		}
		class_word(pri->class, a, word);
		buffer_reset(&value);
		if (notation_is_reference(a))
			put_reference(v, pri, a, &value);
		else
			notation_write(pri, a->number, &value);
		buffer_put_text(out, " %s=\"", word);
		convert_put_text(out, buffer_view(&value));
		buffer_put_u8(out, '"');
	}
	buffer_fini(&value);
	return code;
}

/* --- rows --- */

static uint64_t number_of(const void *row, unsigned attribute)
{
	const struct pri *pri = row;

	return pri_has(pri, attribute) ? (uint64_t)pri_i32(pri, attribute) : 0;
}

static bool has_old_value(const struct pri *pri)
{
	for (size_t i = 0; i < pri->class->attribute_count; i++) {
		const struct pib_attribute *a = &pri->class->attributes[i];

		if (a->syntax == PIB_UNSIGNED32 && pri_has(pri, a->number) &&
			notation_is_old(a, pri_u32(pri, a->number)))
			return true;
	}
	return false;
}

static enum err decode(struct verbatim *v, const struct pri_row *row, struct pri *ret)
{
	struct pib_fault fault;
	enum err code = pri_row_decode(row, ret, &fault, v->c->e);

	return code ? code : find_nulls(v, row, ret);
}

static enum err put_row(struct verbatim *v, const struct pri_row *row, const char *indent)
{
	const struct pib_class *class = row->prid.class, *extended = class_extension(class);
	struct buffer *out = v->c->out;
	struct prid prid = {extended, row->prid.instance};
	struct pri_row extension;
	struct pri pri, more;
	const bool has_more = extended && pri_store_find(v->store, &prid, &extension);
	enum err code = decode(v, row, &pri);

	if (!code && has_more)
		code = decode(v, &extension, &more);
	if (code)
		return code;
	buffer_put_text(out, "%s<%s id=\"", indent, class->name);
	put_id(v, class, row->prid.instance, out);
	buffer_put_text(out, "\" number=\"%u\"%s", row->prid.instance & BLOCK_INSTANCE_MAX,
		old_way(class, has_more, number_of, &pri) || has_old_value(&pri) ||
				(has_more && has_old_value(&more))
			? " old=\"yes\""
			: "");
	code = put_values(v, &pri, out);
	if (!code && has_more) {
		buffer_put_text(out, ">\n%s  <%s", indent, extended->name);
		code = put_values(v, &more, out);
		buffer_put_text(out, "/>\n%s</%s>\n", indent, class->name);
	} else {
		buffer_put_text(out, "/>\n");
	}
	return code;
}

/* --- lists --- */

/* A row and what it is to be sorted by: its tag, or a rule's Order. */
struct sorted {
	uint32_t key;
	struct pri_row row;
};

static int by_key(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return prid_compare(&x->row.prid, &y->row.prid);
}

static void begin_list(struct verbatim *v, const struct pib_class *class, uint32_t tag)
{
	buffer_put_text(v->c->out, "    <list of=\"%s\" name=\"", class->name);
	put_list_name(v, tag, v->c->out);
	buffer_put_text(v->c->out, "\" number=\"%u\"", tag & BLOCK_INSTANCE_MAX);
}

static enum err put_class(struct verbatim *v, const struct pib_class *class)
{
	const struct pib_attribute *tag = class_tag(class);
	const unsigned key = tag ? tag->number : class->id == PIB_ipSecRule ? ipSecRuleOrder : 0;
	struct pri_cursor cursor = pri_store_class(v->store, class->id);
	struct sorted *rows;
	struct pri_row row;
	struct pib_fault fault;
	struct pri pri;
	size_t count = 0, n = 0;
	enum err code = E_OK;

	while (pri_store_next(&cursor, &row))
		count++;
	rows = calloc(count + 1, sizeof *rows);
	if (!rows)
		return convert_no_memory(v->c);
	for (cursor = pri_store_class(v->store, class->id); !code && pri_store_next(&cursor, &row);
		n++) {
		code = pri_row_decode(&row, &pri, &fault, v->c->e);
		rows[n] = (struct sorted){!code && key ? pri_u32(&pri, key) : 0, row};
	}
	if (!code && count)
		qsort(rows, count, sizeof *rows, by_key);
	for (size_t i = 0; i < count && !code; i++) {
		if (tag && (i == 0 || rows[i].key != rows[i - 1].key)) {
			begin_list(v, class, rows[i].key);
			buffer_put_text(v->c->out, ">\n");
		}
		code = put_row(v, &rows[i].row, tag ? "      " : "    ");
		if (tag && (i + 1 == count || rows[i].key != rows[i + 1].key))
			buffer_put_text(v->c->out, "    </list>\n");
	}
	free(rows);
	return code;
}

/* A tag that a row has or refers to. */
struct tagged {
	enum pib_class_id class;
	uint32_t tag;
	bool has;
};

struct tagged_list {
	struct tagged *items;
	size_t count, room;
};

/* Those that have it come first. */
static int by_tag(const void *a, const void *b)
{
	const struct tagged *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return (x->has < y->has) - (x->has > y->has);
}

static bool add_tags(struct tagged_list *list, const struct pri *pri)
{
	for (size_t i = 0; i < pri->class->attribute_count; i++) {
		const struct pib_attribute *a = &pri->class->attributes[i];
		const bool has = a->role == PIB_TAG;
		const uint32_t tag =
			has || a->role == PIB_TAG_REFERENCE ? pri_u32(pri, a->number) : 0;

		if (!tag)
			continue;
		if (list->count == list->room) {
			size_t room = list->room ? list->room * 2 : 256;
			struct tagged *items = reallocarray(list->items, room, sizeof *items);

			if (!items)
				return false;
			list->items = items;
			list->room = room;
		}
		list->items[list->count++] =
			(struct tagged){has ? pri->class->id : a->target, tag, has};
	}
	return true;
}

/* Lists without rows: only their TagId is there, in what refers to them. */
static enum err put_empty(struct verbatim *v)
{
	struct tagged_list list = {0};
	struct pri_row row;
	struct pib_fault fault;
	struct pri pri;
	enum err code = E_OK;

	for (struct pri_cursor c = pri_store_all(v->store); !code && pri_store_next(&c, &row);) {
		code = pri_row_decode(&row, &pri, &fault, v->c->e);
		if (!code && !add_tags(&list, &pri))
			code = convert_no_memory(v->c);
	}
	if (list.count)
		qsort(list.items, list.count, sizeof *list.items, by_tag);
	for (size_t i = 0; i < list.count && !code; i++) {
		const struct tagged *t = &list.items[i];

		if (t->has || (i && t[-1].class == t->class && t[-1].tag == t->tag))
			continue;
		begin_list(v, pib_class(t->class), t->tag);
		buffer_put_text(v->c->out, "/>\n");
	}
	free(list.items);
	return code;
}

enum err convert_put_verbatim(struct converter *c, size_t which)
{
	struct verbatim v = {.c = c, .which = which};
	const struct pib_class *class;
	struct pri_failures failures;
	enum err code;

	pri_failures_init(&failures);
	code = pri_store_build(&c->bundle->sets[which].rows, 1, &v.store, &failures, c->e);
	buffer_put_text(c->out, "\n  <rules for=\"");
	for (const char *p = c->set_roles[which]; *p; p++)
		buffer_put_u8(c->out, *p == '+' ? ' ' : (uint8_t)*p);
	if (c->set_nodes[which])
		buffer_put_text(c->out, "\" node=\"%s", c->set_nodes[which]);
	buffer_put_text(c->out, "\" having=\"exactly\">\n");
	if (!code)
		code = put_empty(&v);
	for (class = class_next(NULL); !code && class; class = class_next(class))
		if (!class_extends(class))
			code = put_class(&v, class);
	buffer_put_text(c->out, "  </rules>\n");
	pri_store_free(v.store);
	return code;
}
