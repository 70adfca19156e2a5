/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "pmt/language/builder.h"
#include "pmt/language/classes.h"
#include "pmt/language/notation.h"
#include "pmt/language/old.h"

/* Does something for each row and each list below <pib> and <rules>; `list` is that around it. */
typedef void visit_fn(struct builder *b, struct element *el, struct element *list);

static void visit(struct builder *b, const struct element *root, visit_fn *fn)
{
	for (const struct element *el = root->first_child; el; el = el->next) {
		if (!el->rule ||
			(el->rule->kind != ELEMENT_PIB && el->rule->kind != ELEMENT_RULES))
			continue;
		for (struct element *child = el->first_child; child; child = child->next) {
			const bool list = child->rule && child->rule->kind == ELEMENT_LIST;

			if (list || (child->rule && child->rule->kind == ELEMENT_ROW))
				fn(b, child, NULL);
			for (struct element *row = list ? child->first_child : NULL; row;
				row = row->next)
				if (row->rule)
					fn(b, row, child);
		}
	}
}

static void count_one(struct builder *b, struct element *el, struct element *list)
{
	(void)list;
	if (el->class)
		b->m->row_count++;
	/* A list is written, or begun by a row that is in it. */
	b->m->list_count++;
}

bool reserve_rows(struct builder *b, const struct element *root)
{
	struct model *m = b->m;

	visit(b, root, count_one);
	m->rows = take(b, m->row_count, sizeof *m->rows);
	m->lists = take(b, m->list_count, sizeof *m->lists);
	if (names_init(&b->rows, &m->arena, m->row_count) ||
		names_init(&b->lists, &m->arena, m->list_count))
		b->no_memory = true;
	m->row_count = m->list_count = 0;
	return !b->no_memory;
}

/* --- what there is --- */

static void report_taken(struct builder *b, const struct attribute *a, const struct named *first)
{
	struct buffer place;

	buffer_init(&place, 4096);
	place_print(b->d, first->at, &place);
	report_error(b->d, a->value_at, "the name \"%s\" is taken, at %s", a->value,
		buffer_string(&place));
	buffer_fini(&place);
}

static uint32_t number_of(const struct element *el)
{
	const char *text = element_value(el, ATTRIBUTE_NUMBER);
	uint32_t number = 0;
	struct error e;

	return text && parse_number(view_of_string(text), UINT32_MAX, &number, &e) ? 0 : number;
}

/* The list of this name, a new one if there is none. */
static struct model_list *list_called(
	struct builder *b, const struct pib_class *class, const struct attribute *name)
{
	struct model_list *list = find_row_list(b, class, name->value);
	struct named *n;

	if (list)
		return list;
	n = add_row_name(b, &b->lists, class, name->value);
	list = take(b, 1, sizeof *list);
	if (!list || !n)
		return NULL;
	*list = (struct model_list){
		.class = class, .at = name->value_at, .name = name->value, .index = b->m->list_count};
	b->m->lists[b->m->list_count++] = list;
	*n = (struct named){
		.name = n->name, .at = name->value_at, .kind = KIND_LIST, .object = list};
	return list;
}

static void declare_list(struct builder *b, struct element *el)
{
	const struct attribute *name = element_attribute(el, ATTRIBUTE_NAME);
	const struct attribute *of = element_attribute(el, ATTRIBUTE_OF);
	struct model_list *list;

	if (el->faulty || !name || !of)
		return;
	list = list_called(b, class_of_element(of->value), name);
	if (!list)
		return;
	if (list->written) {
		report_taken(b, name, &(struct named){.at = list->at});
		return;
	}
	list->written = true;
	list->at = name->value_at;
	list->number = number_of(el);
}

static const struct model_list *put_in_list(
	struct builder *b, const struct element *el, const struct element *around,
	struct model_row *row)
{
	const struct pib_attribute *tag = class_tag(row->class);
	const struct attribute *name = around ? element_attribute(around, ATTRIBUTE_NAME) : NULL;
	struct model_list *list;

	for (size_t i = 0; tag && !around && i < el->attribute_count; i++)
		if (el->attributes[i].pib == tag)
			name = &el->attributes[i];
	list = tag && name ? list_called(b, row->class, name) : NULL;
	if (!list)
		return NULL;
	row->place = ++list->count;
	if (list->last)
		list->last->sibling = row;
	else
		list->first = row;
	list->last = row;
	return list;
}

static void declare_row(struct builder *b, struct element *el, const struct element *around)
{
	const struct attribute *id = element_attribute(el, ATTRIBUTE_ID);
	struct model_row *row = take(b, 1, sizeof *row);
	struct named *n;

	if (!row)
		return;
	row->class = el->class;
	row->at = el->at;
	row->number = number_of(el);
	row->index = b->m->row_count;
	row->values = take(b, el->class->attribute_count, sizeof *row->values);
	b->m->rows[b->m->row_count++] = row;
	el->row = row;
	row->list = put_in_list(b, el, around, row);
	if (!id)
		return;
	row->id = id->value;
	if (strcmp(row->id, NOTATION_NONE) == 0)
		report_error(b->d, id->value_at, "\"none\" stands for no row at all");
	n = find_row_id(b, row->class, row->id);
	if (n) {
		report_taken(b, id, n);
		return;
	}
	n = add_row_name(b, &b->rows, row->class, row->id);
	if (n)
		*n = (struct named){
			.name = n->name, .at = id->value_at, .kind = KIND_ROW, .object = row};
}

static void declare_one(struct builder *b, struct element *el, struct element *list)
{
	if (el->class)
		declare_row(b, el, list);
	else
		declare_list(b, el);
}

void declare_rows(struct builder *b, const struct element *root)
{
	visit(b, root, declare_one);
}

/* --- what it says --- */

static uint64_t number_at(const void *row, unsigned attribute)
{
	const struct model_value *v = &((const struct model_row *)row)->values[attribute - 1];

	return v->kind == VALUE_NUMBER ? v->number : 0;
}

static bool is_old_value(const struct model_row *row, size_t i)
{
	return row->values[i].kind == VALUE_NUMBER &&
	       notation_is_old(&row->class->attributes[i], row->values[i].number);
}

static void report_old(struct builder *b, bool allowed, struct place at, const char *what)
{
	if (allowed)
		report_warning(b->d, at, "%s is no longer good", what);
	else
		report_error(b->d, at,
			"%s is no longer good; if it must be, say so by old=\"yes\" in the row",
			what);
}

static void check_old(struct builder *b, const struct element *el, const struct model_row *row)
{
	const bool allowed = element_yes(el, ATTRIBUTE_OLD);
	const struct model_row *const both[] = {row, row->extension};
	const char *way = old_way(row->class, row->extension != NULL, number_at, row);
	char what[CLASS_WORD_SIZE + 40];
	bool found = way != NULL;

	if (way)
		report_old(b, allowed, row->at, way);
	for (size_t k = 0; k < 2 && both[k]; k++)
		for (size_t i = 0; i < both[k]->class->attribute_count; i++) {
			if (!is_old_value(both[k], i))
				continue;
			found = true;
			snprintf(what, sizeof what, "%s %u", both[k]->class->attributes[i].name,
				(unsigned)both[k]->values[i].number);
			report_old(b, allowed, both[k]->values[i].at, what);
		}
	if (allowed && !found)
		report_warning(b->d, element_place(el, ATTRIBUTE_OLD),
			"nothing here is old; without this word it stays so");
}

/* Keys as they are would be known to whoever holds the policy or sees it pass. */
static void check_secrets(struct builder *b, const struct model_row *row)
{
	static const struct {
		enum pib_class_id class;
		uint8_t attribute;
		const char *use;
	} secrets[] = {
		{PIB_ipSecIkeAssociation, ipSecIkeAssociationPresharedKey, "presharedKey"},
		{PIB_ipSecEspTransform, ipSecEspTransformIntegrityKey, "integrityKey"},
		{PIB_ipSecEspTransform, ipSecEspTransformCipherKey, "cipherKey"},
		{PIB_ipSecAhTransform, ipSecAhTransformIntegrityKey, "integrityKey"},
	};

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		const struct model_value *v = &row->values[secrets[i].attribute - 1];

		if (row->class->id == secrets[i].class && v->kind == VALUE_OCTETS && v->octets.len)
			report_error(b->d, v->at,
				"a secret does not travel in clear: seal it for each node, as a "
				"<copsecSecret> with use=\"%s\"",
				secrets[i].use);
	}
}

static void fill_extensions(struct builder *b, const struct element *el, struct model_row *row)
{
	for (const struct element *child = el->first_child; child; child = child->next) {
		struct model_row *extension;

		if (!child->rule || child->faulty)
			continue;
		extension = take(b, 1, sizeof *extension);
		if (!extension)
			return;
		extension->class = child->class;
		extension->at = child->at;
		extension->values =
			take(b, child->class->attribute_count, sizeof *extension->values);
		if (!extension->values)
			return;
		read_row_values(b, child, extension);
		row->extension = extension;
	}
}

static void fill_one(struct builder *b, struct element *el, struct element *list)
{
	struct model_row *row = el->row;

	(void)list;
	if (!row || el->faulty || !row->values)
		return;
	read_row_values(b, el, row);
	fill_extensions(b, el, row);
	check_old(b, el, row);
	check_secrets(b, row);
}

void fill_rows(struct builder *b, const struct element *root)
{
	visit(b, root, fill_one);
}
