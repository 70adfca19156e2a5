/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/written.h"

#include <stdlib.h>
#include <string.h>

#include "pmt/language/diagnostics.h"

enum { PLACE_TEXT_MAX = 160, LIST_KEY_MAX = 32 };

enum err written_init(struct written *w, struct rows *rows, const struct model *m,
	const struct rule_needs *needs, struct error *e)
{
	*w = (struct written){.rows = rows, .model = m, .needs = needs, .e = e};
	w->instances = calloc(m->row_count + 1, sizeof *w->instances);
	w->tags = calloc(m->list_count + 1, sizeof *w->tags);
	return w->instances && w->tags ? E_OK : error_set(e, E_MEMORY, "out of memory");
}

void written_fini(struct written *w)
{
	free(w->instances);
	free(w->tags);
	free(w->pins.items);
}

/* With the place of the row. */
static enum err refuse(struct written *w, struct place at, const char *what, const char *about)
{
	struct buffer place;

	buffer_init(&place, 4096);
	place_print(w->model->places, at, &place);
	error_set(w->e, E_CONFLICT, "%.*s: %s%s", PLACE_TEXT_MAX, buffer_string(&place), what,
		about);
	buffer_fini(&place);
	return E_CONFLICT;
}

static enum err add_pin(struct written *w, struct numbering_pin pin)
{
	if (w->pins.count == w->pin_room) {
		size_t room = w->pin_room ? w->pin_room * 2 : 64;
		struct numbering_pin *items = reallocarray(w->pins.items, room, sizeof *items);

		if (!items)
			return error_set(w->e, E_MEMORY, "out of memory");
		w->pins.items = items;
		w->pin_room = room;
	}
	w->pins.items[w->pins.count++] = pin;
	return E_OK;
}

static int by_number(const void *a, const void *b)
{
	const struct numbering_pin *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->list != y->list)
		return x->list ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

void written_finish(struct written *w)
{
	if (w->pins.count)
		qsort(w->pins.items, w->pins.count, sizeof *w->pins.items, by_number);
}

/* --- what rows lead to --- */

/*
 * References lead from class to class without a circle (tests/pmt/test_storey.c), so that what
 * follows them goes no deeper than there are classes.
 */
typedef enum err row_fn(struct written *w, const struct model_row *row);

static enum err each_member(struct written *w, const struct model_list *list, row_fn *fn)
{
	enum err code = E_OK;

	for (const struct model_row *row = list->first; row && !code; row = row->sibling)
		code = fn(w, row);
	return code;
}

static enum err each_target(struct written *w, const struct model_row *row, row_fn *fn)
{
	enum err code = E_OK;

	for (size_t i = 0; i < row->class->attribute_count && !code; i++) {
		const struct model_value *v = &row->values[i];

		if (v->kind == VALUE_ROW)
			code = fn(w, v->row);
		else if (v->kind == VALUE_LIST && v->list && v->list != row->list)
			code = each_member(w, v->list, fn);
	}
	return code;
}

/* --- numbers that are fixed --- */

enum { SEEN = UINT32_MAX };

static enum err reserve_list(struct written *w, const struct model_list *list)
{
	if (!list || w->tags[list->index])
		return E_OK;
	w->tags[list->index] = SEEN;
	if (list->number && !rows_reserve_tag(w->rows, list->class->id, list->number))
		return refuse(w, list->at, "another list of the set has this number: ", list->name);
	return E_OK;
}

static enum err reserve_row(struct written *w, const struct model_row *row)
{
	enum err code = E_OK;

	if (w->instances[row->index])
		return E_OK;
	w->instances[row->index] = SEEN;
	if (row->number && !rows_reserve(w->rows, row->class->id, row->number))
		code = refuse(w, row->at, "another row of the set has this number, of ",
			row->class->name);
	for (size_t i = 0; i < row->class->attribute_count && !code; i++)
		if (row->values[i].kind == VALUE_LIST)
			code = reserve_list(w, row->values[i].list);
	if (!code)
		code = each_target(w, row, reserve_row);
	return code || !row->extension ? code : each_target(w, row->extension, reserve_row);
}

enum err written_reserve(struct written *w, const struct model_block *block)
{
	enum err code = E_OK;

	for (size_t i = 0; i < block->rule_count && !code; i++)
		if (block->rules[i].row)
			code = reserve_row(w, block->rules[i].row);
	for (size_t i = 0; i < block->row_count && !code; i++)
		code = reserve_row(w, block->rows[i]);
	return code;
}

/* --- rows --- */

static uint32_t instance_of(const struct written *w, const struct model_row *row)
{
	const uint32_t instance = w->instances[row->index];

	return instance == SEEN ? 0 : instance;
}

static enum err put_list(struct written *w, const struct model_list *list, uint32_t *ret)
{
	uint32_t *tag = &w->tags[list->index];
	struct buffer key;
	bool new;

	if (!*tag || *tag == SEEN) {
		if (list->number) {
			*tag = w->rows->block + list->number;
		} else {
			buffer_init(&key, LIST_KEY_MAX);
			buffer_put_text(&key, "list %zu", list->index);
			*tag = rows_tag(w->rows, list->class->id, buffer_view(&key), &new);
			buffer_fini(&key);
		}
		if (list->number && add_pin(w, (struct numbering_pin){.class = list->class->id,
						       .list = true,
						       .id = *tag,
						       .fixed = true}))
			return E_MEMORY;
	}
	*ret = *tag;
	return E_OK;
}

static void set_number(struct pri *pri, const struct pib_attribute *a, uint64_t number)
{
	switch (a->syntax) {
	case PIB_INTEGER32:
	case PIB_ENUMERATION:
		pri_set_i32(pri, a->number, (int32_t)number);
		break;
	case PIB_UNSIGNED32:
		pri_set_u32(pri, a->number, (uint32_t)number);
		break;
	case PIB_INTEGER64:
		pri_set_i64(pri, a->number, (int64_t)number);
		break;
	case PIB_UNSIGNED64:
		pri_set_u64(pri, a->number, number);
		break;
	case PIB_BITS:
		pri_set_bits(pri, a->number, number);
		break;
	default:
		pri_set_oid(pri, a->number, &oid_none);
	}
}

/* A row, or a list, that is named. */
static void set_reference(struct pri *pri, const struct pib_attribute *a,
	const struct pib_class *class, uint32_t number)
{
	if (a->role == PIB_PRID)
		pri_set_prid(pri, a->number, class->id, number);
	else
		pri_set_u32(pri, a->number, number);
}

static enum err set_value(struct written *w, struct pri *pri, const struct pib_attribute *a,
	const struct model_row *row, const struct model_value *v, uint32_t place)
{
	uint32_t tag = 0;
	enum err code = E_OK;

	switch (v->kind) {
	case VALUE_LEFT_OUT:
		break;
	case VALUE_NULL:
		pri_set_null(pri, a->number);
		break;
	case VALUE_NUMBER:
		set_number(pri, a, v->number);
		break;
	case VALUE_OCTETS:
		pri_set_octets(pri, a->number, v->octets);
		break;
	case VALUE_ROW:
		set_reference(pri, a, v->row->class, instance_of(w, v->row));
		break;
	case VALUE_LIST:
		code = put_list(w, v->list, &tag);
		pri_set_u32(pri, a->number, tag);
		break;
	case VALUE_ADDRESSES:
		pri_set_u32(pri, a->number, rules_addresses(w->rows, v->addresses));
		break;
	case VALUE_PROTECTION:
		set_reference(pri, a, pib_class(v->class),
			rules_protection(w->rows, v->protection, v->class));
		break;
	case VALUE_ROLES:
		pri_set_text(pri, a->number, w->needs->roles);
		break;
	case VALUE_SEAL:
		pri_set_octets(pri, a->number, VIEW(w->needs->node->seal.sha256, PIN_SIZE));
		break;
	case VALUE_PLACE:
		pri_set_u32(pri, a->number, place ? place : row->place);
		break;
	}
	return code;
}

static enum err set_values(
	struct written *w, struct pri *pri, const struct model_row *row, uint32_t place)
{
	enum err code = E_OK;

	pri_init(pri, row->class->id, 1);
	for (size_t i = 0; i < row->class->attribute_count && !code; i++) {
		const struct pib_attribute *a = &row->class->attributes[i];

		if (a->role != PIB_INSTANCE)
			code = set_value(w, pri, a, row, &row->values[i], place);
	}
	if (!code && pri->error.code)
		code = refuse(w, row->at, "", pri->error.text);
	return code;
}

/* What the author fixed of it. */
static enum err pin(struct written *w, const struct model_row *row, uint32_t instance)
{
	const struct model_value *order = row->class->id == PIB_ipSecRule
						  ? &row->values[ipSecRuleOrder - 1]
						  : NULL;
	const bool ordered = order && order->kind == VALUE_NUMBER;

	if (!row->number && !ordered)
		return E_OK;
	return add_pin(w, (struct numbering_pin){.class = row->class->id,
				  .id = instance,
				  .fixed = row->number != 0,
				  .ordered = ordered,
				  .order = ordered ? (uint32_t)order->number : 0});
}

/* `place` of a rule: where it stands; its Order, if that is fixed, is for pins. */
static enum err put_row(struct written *w, const struct model_row *row, uint32_t place)
{
	struct pri pri, extension;
	uint32_t instance;
	enum err code;

	if (instance_of(w, row))
		return E_OK;
	code = each_target(w, row, written_put);
	if (!code && row->extension)
		code = each_target(w, row->extension, written_put);
	if (!code)
		code = set_values(w, &pri, row, place);
	if (!code && place)
		pri_set_u32(&pri, ipSecRuleOrder, place);
	if (!code && row->extension)
		code = set_values(w, &extension, row->extension, 0);
	if (code)
		return code;
	instance = rows_put_at(w->rows, &pri, row->extension ? &extension : NULL, row->number);
	if (w->rows->error.code)
		return refuse(w, row->at, "", w->rows->error.text);
	if (instance == ROWS_CLASH)
		return refuse(w, row->at, "another row differs from this only in what extends it: ",
			row->class->name);
	w->instances[row->index] = instance;
	return pin(w, row, instance);
}

enum err written_put(struct written *w, const struct model_row *row)
{
	return put_row(w, row, 0);
}

enum err written_put_rule(struct written *w, const struct model_row *row, uint32_t order)
{
	return put_row(w, row, order);
}

const struct model_row *written_row(
	const struct written *w, const struct pib_class *class, uint32_t instance)
{
	for (size_t i = 0; i < w->model->row_count; i++)
		if (w->instances[i] == instance && w->model->rows[i]->class->id == class->base)
			return w->model->rows[i];
	return NULL;
}
