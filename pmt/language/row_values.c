/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "pib/store/reference.h"
#include "pmt/language/builder.h"
#include "pmt/language/classes.h"
#include "pmt/language/notation.h"

enum { NAME_TEXT_MAX = 160 };

/* A row whose values are being read. */
struct reading_row {
	struct builder *b;
	const struct element *el;
	struct model_row *row;
	const struct algorithm *algorithms[PIB_ATTRIBUTES_MAX]; /* that stand there by name */
};

static const struct attribute *given(const struct element *el, const struct pib_attribute *a)
{
	for (size_t i = 0; i < el->attribute_count; i++)
		if (el->attributes[i].pib == a)
			return &el->attributes[i];
	return NULL;
}

/* --- names --- */

/* Rows and lists of different classes may be called the same: the key has the class. */
static void make_key(char key[NAME_TEXT_MAX], const struct pib_class *class, struct view name)
{
	snprintf(key, NAME_TEXT_MAX, "%s %.*s", class->name, (int)name.len,
		(const char *)name.data);
}

static struct named *find_name(
	const struct names *names, const struct pib_class *class, struct view name)
{
	char key[NAME_TEXT_MAX];

	make_key(key, class, name);
	return names_find(names, view_of_string(key));
}

struct named *add_row_name(struct builder *b, struct names *names, const struct pib_class *class,
	const char *name)
{
	char key[NAME_TEXT_MAX];
	const char *kept;

	make_key(key, class, view_of_string(name));
	kept = keep(b, key);
	return kept ? names_add(names, kept) : NULL;
}

/* The name most like this one, of the same class. */
static const char *find_near(const struct names *names, unsigned kind,
	const struct pib_class *class, struct view name)
{
	char key[NAME_TEXT_MAX];
	const char *near;
	size_t prefix = strlen(class->name);

	make_key(key, class, name);
	near = names_near(names, view_of_string(key), 1u << kind);
	return near && strncmp(near, class->name, prefix) == 0 && near[prefix] == ' '
		       ? near + prefix + 1
		       : NULL;
}

struct model_list *find_row_list(struct builder *b, const struct pib_class *class, const char *name)
{
	struct named *n = find_name(&b->lists, class, view_of_string(name));

	return n ? n->object : NULL;
}

struct named *find_row_id(struct builder *b, const struct pib_class *class, const char *id)
{
	return find_name(&b->rows, class, view_of_string(id));
}

/* Of these classes a protection has a row, or a list. */
static bool protection_has(enum pib_class_id class)
{
	switch (class) {
	case PIB_ipSecNegotiationAction:
	case PIB_ipSecAssociation:
	case PIB_ipSecIkeAssociation:
	case PIB_ipSecProposalSet:
	case PIB_ipSecIkeProposalSet:
	case PIB_ipSecEspTransformSet:
		return true;
	default:
		return false;
	}
}

/* What a protection is as the value of an attribute: the first class that fits. */
static bool protection_class(const struct reading_row *r, const struct pib_attribute *a,
	enum pib_class_id *ret_class)
{
	static const enum pib_class_id rows[] = {
		PIB_ipSecNegotiationAction, PIB_ipSecIkeAssociation};

	if (a->role != PIB_PRID) {
		*ret_class = a->target;
		return protection_has(a->target);
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (reference_may_lead_to(r->row->class, a, pib_class(rows[i]))) {
			*ret_class = rows[i];
			return true;
		}
	return false;
}

static bool find_protection(struct reading_row *r, const struct pib_attribute *a,
	struct view name, struct model_value *v)
{
	struct named *n = names_find(&r->b->protections, name);
	enum pib_class_id class;

	if (!n || !protection_class(r, a, &class))
		return false;
	v->kind = VALUE_PROTECTION;
	v->class = class;
	v->protection = n->object;
	if (v->protection && v->protection->tunnel && class == PIB_ipSecNegotiationAction)
		report_error(r->b->d, v->at,
			"the protection \"%s\" is a tunnel; what its other end is says a row of "
			"ipSecNegotiationAction",
			v->protection->name);
	return true;
}

static bool may_lead_to(const struct reading_row *r, const struct pib_attribute *a,
	const struct pib_class *class)
{
	return a->role == PIB_REFERENCE ? a->target == class->id
					: reference_may_lead_to(r->row->class, a, class);
}

static void report_no_row(struct reading_row *r, const struct pib_attribute *a, struct view name,
	const struct model_value *v)
{
	const struct pib_class *class, *other = NULL;
	const char *near = NULL;

	for (class = class_next(NULL); class; class = class_next(class)) {
		if (!other && find_name(&r->b->rows, class, name))
			other = class;
		if (!near && may_lead_to(r, a, class))
			near = find_near(&r->b->rows, KIND_ROW, class, name);
	}
	if (other)
		report_error(r->b->d, v->at, "\"%.*s\" is of %s, which cannot stand here",
			(int)name.len, (const char *)name.data, other->name);
	else
		report_error(r->b->d, v->at, "no row that may stand here has the id \"%.*s\"%s%s%s",
			(int)name.len, (const char *)name.data, near ? "; did you mean \"" : "",
			near ? near : "", near ? "\"?" : "");
}

/* Of a Prid there is more than one class that it may lead to. */
static void find_in_class(struct reading_row *r, const struct pib_class *class, struct view name,
	struct model_value *v)
{
	struct named *n = find_name(&r->b->rows, class, name);

	if (!n)
		return;
	if (v->kind == VALUE_ROW)
		report_error(r->b->d, v->at, "\"%.*s\" is of %s and of %s; which of them is meant?",
			(int)name.len, (const char *)name.data, v->row->class->name, class->name);
	v->kind = VALUE_ROW;
	v->row = n->object;
}

static void find_row(struct reading_row *r, const struct pib_attribute *a, struct view name,
	struct model_value *v)
{
	const struct pib_class *class;

	if (a->role == PIB_REFERENCE)
		find_in_class(r, pib_class(a->target), name, v);
	else
		for (class = class_next(NULL); class; class = class_next(class))
			if (!class_extends(class) && may_lead_to(r, a, class))
				find_in_class(r, class, name, v);
	if (v->kind != VALUE_ROW && !find_protection(r, a, name, v))
		report_no_row(r, a, name, v);
}

static const struct address_list *place_addresses(const struct named *n)
{
	switch (n->kind) {
	case KIND_NETWORK:
		return &((const struct model_network *)n->object)->addresses;
	case KIND_ROLE:
		return &((const struct model_role *)n->object)->addresses;
	case KIND_NODE:
		return &((const struct model_node *)n->object)->addresses;
	default:
		return NULL;
	}
}

static bool find_addresses(
	struct reading_row *r, const struct pib_attribute *a, struct view name, struct model_value *v)
{
	struct named *n =
		a->target == PIB_ipSecAddress ? names_find(&r->b->places, name) : NULL;

	if (!n)
		return false;
	v->kind = VALUE_ADDRESSES;
	v->addresses = n->object ? place_addresses(n) : NULL;
	if (n->object && !v->addresses)
		report_error(r->b->d, v->at, "\"%s\" has no addresses that are known here",
			n->name);
	else if (v->addresses && v->addresses->count == 0)
		report_error(r->b->d, v->at, "\"%s\" has no address", n->name);
	return true;
}

static void find_list(struct reading_row *r, const struct pib_attribute *a, const char *name,
	struct model_value *v)
{
	const struct pib_class *target = pib_class(a->target);
	const struct model_list *list = find_row_list(r->b, target, name);
	const char *near;

	if (list) {
		v->kind = VALUE_LIST;
		v->list = list;
		if (list->count == 0 && !reference_list_may_be_empty(r->row->class, a))
			report_error(r->b->d, v->at, "the list \"%s\" of %s has no rows", name,
				target->name);
		if (a->target == PIB_ipSecAddress &&
			names_find(&r->b->places, view_of_string(name)))
			report_error(r->b->d, v->at,
				"\"%s\" is a list of ipSecAddress, and something else too", name);
		return;
	}
	if (find_addresses(r, a, view_of_string(name), v) ||
		find_protection(r, a, view_of_string(name), v))
		return;
	near = find_near(&r->b->lists, KIND_LIST, target, view_of_string(name));
	if (!near && a->target == PIB_ipSecAddress)
		near = names_near(&r->b->places, view_of_string(name),
			1u << KIND_NETWORK | 1u << KIND_ROLE | 1u << KIND_NODE);
	report_error(r->b->d, v->at, "no list of %s is called \"%s\"%s%s%s", target->name, name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* --- values --- */

static void read_file(struct reading_row *r, const struct pib_attribute *a, const char *path,
	struct model_value *v)
{
	struct buffer octets;
	struct view kept;
	struct error e;

	/* It is read in pieces; what is too long is said in octets. */
	buffer_init(&octets, 4 * NOTATION_OCTETS_MAX);
	if (document_read_file(r->b->doc, path, &octets, &e) ||
		notation_check_size(a, octets.len, &e)) {
		report_error(r->b->d, v->at, "%s", e.text);
	} else {
		kept = arena_copy(&r->b->m->arena, buffer_view(&octets));
		v->kind = VALUE_OCTETS;
		v->octets = kept;
		r->b->no_memory = r->b->no_memory || !kept.data;
	}
	buffer_fini_secret(&octets);
}

/* What an author wrote, or what is meant when nothing is. */
static void read_text(struct reading_row *r, const struct pib_attribute *a, const char *text,
	struct model_value *v)
{
	struct notation n;
	struct error e;

	if (notation_read(a, text, &r->b->m->arena, &n, &e)) {
		r->b->no_memory = r->b->no_memory || e.code == E_MEMORY;
		return;
	}
	r->algorithms[a->number - 1] = n.algorithm;
	switch (n.kind) {
	case NOTATION_IS_NULL:
		v->kind = VALUE_NULL;
		break;
	case NOTATION_IS_NUMBER:
		v->kind = VALUE_NUMBER;
		v->number = n.number;
		break;
	case NOTATION_IS_NONE:
		v->kind = VALUE_NUMBER;
		v->number = 0;
		if (!reference_may_be_none(r->row->class, a))
			report_error(r->b->d, v->at, "%s must name something", a->name);
		break;
	case NOTATION_IS_OCTETS:
		v->kind = VALUE_OCTETS;
		v->octets = n.octets;
		break;
	case NOTATION_IS_FILE:
		read_file(r, a, (const char *)n.octets.data, v);
		break;
	case NOTATION_IS_NAME:
		if (a->role == PIB_TAG_REFERENCE)
			find_list(r, a, text, v);
		else
			find_row(r, a, n.octets, v);
		break;
	}
}

/* What depends on an address beside it. */
static void read_of_address(struct reading_row *r, const struct pib_attribute *a,
	const struct absence *absence, struct model_value *v)
{
	const struct model_value *other = &r->row->values[absence->other - 1];
	const size_t octets = other->kind == VALUE_OCTETS ? other->octets.len : 0;
	char word[CLASS_WORD_SIZE];

	if (a->has_default && octets == 0)
		return;
	if (octets != 4 && octets != 16) {
		class_word(r->row->class, a, word);
		report_error(r->b->d, r->el->at, "<%s> needs the attribute %s, for this address",
			r->el->name, word);
		return;
	}
	v->kind = VALUE_NUMBER;
	/* InetAddressType: ipv4(1), ipv6(2) */
	v->number = absence->kind == ABSENT_FAMILY ? (octets == 4 ? 1 : 2) : 8 * octets;
}

static void read_absent(
	struct reading_row *r, const struct pib_attribute *a, struct model_value *v)
{
	const struct absence absence = class_absence(r->row->class, a);
	const struct algorithm *cipher;
	char word[CLASS_WORD_SIZE];

	switch (absence.kind) {
	case ABSENT_REQUIRED:
	case ABSENT_SCHEMA:
		break;
	case ABSENT_VALUE:
		read_text(r, a, absence.value, v);
		break;
	case ABSENT_NONE:
		*v = (struct model_value){.kind = VALUE_NUMBER, .at = v->at};
		break;
	case ABSENT_ALL:
		v->kind = VALUE_NUMBER;
		v->number = 0;
		for (size_t i = 0; i < a->label_count; i++)
			v->number |= UINT64_C(1) << a->labels[i].number;
		break;
	case ABSENT_ROLES:
		v->kind = VALUE_ROLES;
		break;
	case ABSENT_SEAL:
		v->kind = VALUE_SEAL;
		break;
	case ABSENT_PLACE:
		v->kind = VALUE_PLACE;
		break;
	case ABSENT_LIKE:
		*v = r->row->values[absence.other - 1];
		break;
	case ABSENT_FAMILY:
	case ABSENT_WHOLE:
		read_of_address(r, a, &absence, v);
		break;
	case ABSENT_LENGTH:
		cipher = r->algorithms[absence.other - 1];
		class_word(r->row->class, a, word);
		v->kind = VALUE_NUMBER;
		v->number = cipher ? cipher->key_length : 0;
		if (!cipher)
			report_error(r->b->d, r->el->at,
				"<%s> needs the attribute %s, as its cipher is not called by name",
				r->el->name, word);
		break;
	}
}

void read_row_values(struct builder *b, const struct element *el, struct model_row *row)
{
	struct reading_row r = {.b = b, .el = el, .row = row};
	const struct pib_class *class = row->class;

	for (size_t i = 0; i < class->attribute_count; i++) {
		const struct pib_attribute *a = &class->attributes[i];
		const struct attribute *written = given(el, a);
		struct model_value *v = &row->values[i];

		v->at = written ? written->value_at : el->at;
		if (written && a->role != PIB_TAG)
			read_text(&r, a, written->value, v);
	}
	for (size_t i = 0; i < class->attribute_count; i++) {
		const struct pib_attribute *a = &class->attributes[i];

		if (a->role == PIB_TAG)
			row->values[i] = (struct model_value){
				.kind = VALUE_LIST, .at = row->at, .list = row->list};
		else if (a->role != PIB_INSTANCE && !given(el, a))
			read_absent(&r, a, &row->values[i]);
	}
}
