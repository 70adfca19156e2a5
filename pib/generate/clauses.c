/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/generate/generate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int compare_oids(const SmiNode *a, const SmiNode *b)
{
	for (unsigned i = 0; i < a->oidlen && i < b->oidlen; i++) {
		if (a->oid[i] != b->oid[i])
			return a->oid[i] < b->oid[i] ? -1 : 1;
	}
	return (a->oidlen > b->oidlen) - (a->oidlen < b->oidlen);
}

const struct class *class_of_row(const struct schema *schema, const SmiNode *row,
	const char *whose)
{
	for (unsigned i = 0; row && i < schema->count; i++) {
		if (compare_oids(schema->classes[i].row, row) == 0)
			return &schema->classes[i];
	}
	die("%s: refers to %s, which is no row of the modules given", whose,
		row ? row->name : "nothing");
}

SmiType *named_type(SmiNode *attribute)
{
	SmiType *type = smiGetNodeType(attribute);

	while (type && (!type->name || type->decl == SMI_DECL_IMPLICIT_TYPE))
		type = smiGetParentType(type);
	if (!type)
		die("%s: has no type", attribute->name);
	return type;
}

bool is_convention(const SmiType *type)
{
	return type->decl == SMI_DECL_TEXTUALCONVENTION;
}

bool has_type(SmiNode *attribute, const char *name)
{
	return strcmp(named_type(attribute)->name, name) == 0;
}

struct syntax syntax_of(SmiNode *attribute)
{
	static const struct {
		SmiBasetype base;
		struct syntax syntax;
	} plain[] = {
		{SMI_BASETYPE_INTEGER32, {"PIB_INTEGER32", 0x02}},
		{SMI_BASETYPE_ENUM, {"PIB_ENUMERATION", 0x02}},
		{SMI_BASETYPE_UNSIGNED32, {"PIB_UNSIGNED32", 0x42}},
		{SMI_BASETYPE_INTEGER64, {"PIB_INTEGER64", 0x4a}},
		{SMI_BASETYPE_UNSIGNED64, {"PIB_UNSIGNED64", 0x4b}},
		{SMI_BASETYPE_OCTETSTRING, {"PIB_OCTETS", 0x04}},
		{SMI_BASETYPE_BITS, {"PIB_BITS", 0x04}},
		{SMI_BASETYPE_OBJECTIDENTIFIER, {"PIB_OID", 0x06}},
	};

	/* A type of its own on the wire, though not to libsmi. IpAddress and Opaque are such too,
	 * but libsmi takes neither in a PIB. */
	for (SmiType *t = smiGetNodeType(attribute); t; t = smiGetParentType(t)) {
		if (t->name && strcmp(t->name, "TimeTicks") == 0)
			return (struct syntax){"PIB_UNSIGNED32", 0x43};
	}
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		if (smiGetNodeType(attribute)->basetype == plain[i].base)
			return plain[i].syntax;
	}
	die("%s: base type %d is not one of SPPI", attribute->name,
		smiGetNodeType(attribute)->basetype);
}

const char *role_of(SmiNode *attribute)
{
	static const struct {
		const char *type, *role;
	} roles[] = {
		{"InstanceId", "PIB_INSTANCE"},
		{"ReferenceId", "PIB_REFERENCE"},
		{"TagId", "PIB_TAG"},
		{"TagReferenceId", "PIB_TAG_REFERENCE"},
		{"Prid", "PIB_PRID"},
		{"PrcIdentifierOid", "PIB_PRC"},
		{"PrcIdentifierOidOrZero", "PIB_PRC"},
	};

	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
		if (has_type(attribute, roles[i].type))
			return roles[i].role;
	}
	return "PIB_PLAIN";
}

/* By the DISPLAY-HINT; InetAddress has none, for its format depends on its neighbour. */
const char *format_of(SmiNode *attribute)
{
	if (has_type(attribute, "InetAddress"))
		return "PIB_FORMAT_ADDRESS";
	for (SmiType *t = smiGetNodeType(attribute); t; t = smiGetParentType(t)) {
		if (!t->format)
			continue;
		size_t length = strlen(t->format);
		if (length && strspn(t->format, "0123456789") == length - 1 &&
			strchr("at", t->format[length - 1]))
			return "PIB_FORMAT_TEXT";
		break;
	}
	return "PIB_FORMAT_HEX";
}

const char *access_of(const struct class *class)
{
	switch (class->table->access) {
	case SMI_ACCESS_INSTALL:
		return "PIB_INSTALL";
	case SMI_ACCESS_NOTIFY:
		return "PIB_NOTIFY";
	case SMI_ACCESS_INSTALL_NOTIFY:
		return "PIB_INSTALL_NOTIFY";
	case SMI_ACCESS_REPORT_ONLY:
		return "PIB_REPORT_ONLY";
	default:
		die("%s: has no PIB-ACCESS", class->table->name);
	}
}

const char *index_of(const struct class *class)
{
	switch (class->row->indexkind) {
	case SMI_INDEX_INDEX:
		return "PIB_INDEX";
	case SMI_INDEX_AUGMENT:
		return "PIB_AUGMENTS";
	case SMI_INDEX_SPARSE:
		return "PIB_EXTENDS";
	default:
		die("%s: has neither PIB-INDEX nor AUGMENTS nor EXTENDS", class->row->name);
	}
}

const struct class *base_of(const struct schema *schema, const struct class *class)
{
	const struct class *base;

	if (class->row->indexkind == SMI_INDEX_INDEX)
		return class;
	base = class_of_row(schema, smiGetRelatedNode(class->row), class->row->name);
	if (base->row->indexkind != SMI_INDEX_INDEX)
		die("%s: its base %s has no PIB-INDEX", class->row->name, base->row->name);
	return base;
}

/* NULL if the row has no InstanceId of its own. */
static SmiNode *index_node_of(const struct class *class)
{
	SmiElement *element;
	SmiNode *index;

	if (class->row->indexkind != SMI_INDEX_INDEX)
		return NULL;
	element = smiGetFirstElement(class->row);
	index = element ? smiGetElementNode(element) : NULL;
	if (!index || smiGetNextElement(element) || !has_type(index, "InstanceId"))
		die("%s: PIB-INDEX names one attribute of type InstanceId", class->row->name);
	return index;
}

unsigned index_attribute_of(const struct class *class)
{
	SmiNode *index = index_node_of(class);

	return index ? index->oid[index->oidlen - 1] : 0;
}

bool is_index(const struct class *class, const SmiNode *attribute)
{
	SmiNode *index = index_node_of(class);

	return index && compare_oids(index, attribute) == 0;
}

/* Of a number its value, of an OCTET STRING its size; nothing of what has labels. */
static bool within_ranges(SmiNode *attribute, long long number)
{
	bool any = false;

	for (SmiType *t = smiGetNodeType(attribute); t && !any; t = smiGetParentType(t)) {
		if (t->name && !is_convention(t))
			break;
		for (SmiRange *r = smiGetFirstRange(t); r; r = smiGetNextRange(r)) {
			any = true;
			if (number >= number_of(&r->minValue, attribute->name) &&
				number <= number_of(&r->maxValue, attribute->name))
				return true;
		}
	}
	return !any;
}

void check_default(SmiNode *attribute)
{
	const SmiValue *value = &attribute->value;
	bool good = true;

	switch (value->basetype) {
	case SMI_BASETYPE_UNKNOWN:
	case SMI_BASETYPE_OBJECTIDENTIFIER:
	case SMI_BASETYPE_BITS:
	case SMI_BASETYPE_ENUM:
		break;
	case SMI_BASETYPE_OCTETSTRING:
		good = within_ranges(attribute, value->len);
		break;
	default:
		good = within_ranges(attribute, number_of(value, attribute->name));
	}
	if (!good)
		die("%s: the default is a value that it cannot have", attribute->name);
}

long long number_of(const SmiValue *value, const char *whose)
{
	switch (value->basetype) {
	case SMI_BASETYPE_INTEGER32:
	case SMI_BASETYPE_ENUM:
		return value->value.integer32;
	case SMI_BASETYPE_UNSIGNED32:
		return (long long)value->value.unsigned32;
	case SMI_BASETYPE_INTEGER64:
		return value->value.integer64;
	case SMI_BASETYPE_UNSIGNED64:
		return (long long)value->value.unsigned64;
	default:
		die("%s: a number is needed here", whose);
	}
}

static int compare_labels(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

unsigned labels_of(SmiNode *attribute, struct label labels[LABELS_MAX])
{
	unsigned count = 0;

	for (SmiType *t = smiGetNodeType(attribute); t && count == 0; t = smiGetParentType(t)) {
		for (SmiNamedNumber *n = smiGetFirstNamedNumber(t); n;
			n = smiGetNextNamedNumber(n)) {
			if (count == LABELS_MAX)
				die("%s: more than %d labels", attribute->name, LABELS_MAX);
			labels[count].name = n->name;
			labels[count++].number = number_of(&n->value, attribute->name);
		}
	}
	qsort(labels, count, sizeof *labels, compare_labels);
	if (smiGetNodeType(attribute)->basetype == SMI_BASETYPE_BITS &&
		(count == 0 || labels[count - 1].number > 63))
		die("%s: BITS have named bits, and none above 63", attribute->name);
	return count;
}

/* libsmi hands out INSTALL-ERRORS as the elements of the table, as nodes that have nothing but a
 * name and, where the pointer to the OID would be, the number. Nothing documents it; the test of
 * the generated tables would notice if it changed. */
struct label install_error(SmiNode *element, const char *class)
{
	uintptr_t number = (uintptr_t)element->oid;

	if (element->oidlen != 1 || number < 1 || number > 65535)
		die("%s: INSTALL-ERRORS cannot be read", class);
	return (struct label){.name = element->name, .number = (long long)number};
}
