/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/generate/generate.h"

#include <stdint.h>
#include <string.h>

static void write_label_rows(FILE *out, const char *name, const char *kind,
	const struct label *labels, unsigned count)
{
	fprintf(out, "static const struct pib_label %s_%s[] = {\n", name, kind);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "\t{%lld, \"%s\"},\n", labels[i].number, labels[i].name);
	fputs("};\n", out);
}

static unsigned write_labels(FILE *out, SmiNode *attribute)
{
	static struct label labels[LABELS_MAX];
	unsigned count = labels_of(attribute, labels);

	if (count)
		write_label_rows(out, attribute->name, "labels", labels, count);
	return count;
}

/* Those of the type nearest to the attribute that has any; base types have none worth saying.
 * An InstanceId that is no index may be 0 (frwkErrorInstance: "0 if unused", RFC 3318 §5). */
static unsigned write_ranges(FILE *out, SmiNode *attribute, bool zero_too)
{
	unsigned count = 0;

	for (SmiType *t = smiGetNodeType(attribute); t && count == 0; t = smiGetParentType(t)) {
		if (t->name && !is_convention(t))
			break;
		for (SmiRange *r = smiGetFirstRange(t); r; r = smiGetNextRange(r)) {
			unsigned long long least =
				(unsigned long long)number_of(&r->minValue, attribute->name);
			unsigned long long greatest =
				(unsigned long long)number_of(&r->maxValue, attribute->name);

			if (zero_too && least == 1)
				least = 0;
			if (count++ == 0)
				fprintf(out, "static const struct pib_range %s_ranges[] = {\n",
					attribute->name);
			fprintf(out, "\t{UINT64_C(0x%llx), UINT64_C(0x%llx)},\n", least, greatest);
		}
	}
	if (count)
		fputs("};\n", out);
	return count;
}

static void write_octets(FILE *out, SmiNode *attribute, const unsigned char *octets, size_t count)
{
	fprintf(out, "static const uint8_t %s_default[] = {", attribute->name);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s0x%02x", i ? ", " : "", octets[i]);
	fputs(count ? "};\n" : "0}; /* empty */\n", out);
}

/* BER contents of an OID that stands in a DEFVAL. */
static size_t encode_oid(const SmiValue *value, unsigned char out[512], const char *whose)
{
	size_t length = 0;

	if (value->len < 2 || value->len > 64 || value->value.oid[0] > 2)
		die("%s: unusable OID as default", whose);
	for (unsigned i = 1; i < value->len; i++) {
		uint64_t arc = value->value.oid[i];
		int shift = 35;

		if (i == 1)
			arc += UINT64_C(40) * value->value.oid[0];
		while (shift > 0 && arc >> shift == 0)
			shift -= 7;
		for (; shift >= 0; shift -= 7)
			out[length++] = (unsigned char)((arc >> shift & 0x7f) | (shift ? 0x80 : 0));
	}
	return length;
}

static size_t write_default_octets(FILE *out, SmiNode *attribute)
{
	const SmiValue *value = &attribute->value;
	unsigned char contents[512];
	size_t length;

	switch (value->basetype) {
	case SMI_BASETYPE_OCTETSTRING:
		length = value->len;
		write_octets(out, attribute, (const unsigned char *)value->value.ptr, length);
		return length;
	case SMI_BASETYPE_OBJECTIDENTIFIER:
		length = encode_oid(value, contents, attribute->name);
		write_octets(out, attribute, contents, length);
		return length;
	default:
		return 0;
	}
}

/* Number default; of BITS a mask in which bit n is named bit n. */
static unsigned long long default_number(SmiNode *attribute)
{
	const SmiValue *value = &attribute->value;
	unsigned long long mask = 0;

	switch (value->basetype) {
	case SMI_BASETYPE_UNKNOWN:
	case SMI_BASETYPE_OCTETSTRING:
	case SMI_BASETYPE_OBJECTIDENTIFIER:
		return 0;
	case SMI_BASETYPE_BITS:
		for (unsigned i = 0; i < value->len && i < 8; i++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				if ((unsigned char)value->value.ptr[i] & (0x80U >> bit))
					mask |= 1ULL << (8 * i + bit);
			}
		}
		return mask;
	default:
		return (unsigned long long)number_of(value, attribute->name);
	}
}

struct pieces {
	unsigned labels, ranges;
	size_t default_length;
};

static void write_target(const struct schema *schema, FILE *out, SmiNode *attribute)
{
	SmiNode *related = smiGetRelatedNode(attribute);
	const char *role = role_of(attribute);

	if (strcmp(role, "PIB_REFERENCE") == 0) {
		fprintf(out, "\t .target = PIB_%s,\n",
			class_of_row(schema, related, attribute->name)->name);
	} else if (strcmp(role, "PIB_TAG_REFERENCE") == 0) {
		if (!related || !has_type(related, "TagId"))
			die("%s: PIB-TAG names an attribute of type TagId", attribute->name);
		fprintf(out, "\t .target = PIB_%s,\n\t .target_attribute = %s,\n",
			class_of_row(schema, smiGetParentNode(related), attribute->name)->name,
			related->name);
	}
}

static void write_attribute(const struct schema *schema, FILE *out, SmiNode *attribute,
	const struct pieces *pieces)
{
	SmiType *type = named_type(attribute);
	struct syntax syntax = syntax_of(attribute);

	fprintf(out, "\t{.name = \"%s\",\n\t .type = \"%s\",\n\t .units = \"%s\",\n",
		attribute->name, is_convention(type) ? type->name : "",
		attribute->units ? attribute->units : "");
	fprintf(out, "\t .number = %s,\n\t .syntax = %s,\n\t .tag = 0x%02x,\n", attribute->name,
		syntax.name, syntax.tag);
	fprintf(out, "\t .role = %s,\n\t .format = %s,\n", role_of(attribute),
		format_of(attribute));
	write_target(schema, out, attribute);
	if (attribute->value.basetype != SMI_BASETYPE_UNKNOWN) {
		fprintf(out, "\t .has_default = true,\n\t .default_number = UINT64_C(0x%llx),\n",
			default_number(attribute));
		if (attribute->value.basetype == SMI_BASETYPE_OCTETSTRING ||
			attribute->value.basetype == SMI_BASETYPE_OBJECTIDENTIFIER)
			fprintf(out, "\t .default_octets = {%s_default, %zu},\n", attribute->name,
				pieces->default_length);
	}
	if (pieces->ranges)
		fprintf(out, "\t .ranges = %s_ranges,\n\t .range_count = %u,\n", attribute->name,
			pieces->ranges);
	if (pieces->labels)
		fprintf(out, "\t .labels = %s_labels,\n\t .label_count = %u,\n", attribute->name,
			pieces->labels);
	fputs("\t},\n", out);
}

static void write_attributes(const struct schema *schema, FILE *out, const struct class *class)
{
	struct pieces pieces[ATTRIBUTES_MAX];
	unsigned index = index_attribute_of(class);

	for (unsigned i = 0; i < class->count; i++) {
		SmiNode *attribute = class->attributes[i];

		pieces[i].labels = write_labels(out, attribute);
		pieces[i].ranges = write_ranges(out, attribute,
			i + 1 != index && has_type(attribute, "InstanceId"));
		check_default(attribute);
		pieces[i].default_length = write_default_octets(out, attribute);
	}
	fprintf(out, "static const struct pib_attribute %s_attributes[] = {\n", class->name);
	for (unsigned i = 0; i < class->count; i++)
		write_attribute(schema, out, class->attributes[i], &pieces[i]);
	fputs("};\n", out);
}

static unsigned write_uniqueness(const struct schema *schema, FILE *out,
	const struct class *class)
{
	unsigned count = 0;

	for (SmiElement *e = smiGetFirstUniquenessElement(class->row); e;
		e = smiGetNextUniquenessElement(e)) {
		SmiNode *attribute = smiGetElementNode(e);

		if (is_index(base_of(schema, class), attribute))
			die("%s: UNIQUENESS names the InstanceId", class->name);
		if (count++ == 0)
			fprintf(out, "static const struct pib_attribute_ref %s_unique[] = {\n",
				class->name);
		fprintf(out, "\t{PIB_%s, %s},\n",
			class_of_row(schema, smiGetParentNode(attribute), class->row->name)->name,
			attribute->name);
	}
	if (count)
		fputs("};\n", out);
	return count;
}

static unsigned write_install_errors(FILE *out, const struct class *class)
{
	static struct label labels[LABELS_MAX];
	unsigned count = 0;

	for (SmiElement *e = smiGetFirstElement(class->table); e; e = smiGetNextElement(e)) {
		struct label error = install_error(smiGetElementNode(e), class->name);

		if (count == LABELS_MAX)
			die("%s: more than %d errors", class->name, LABELS_MAX);
		for (unsigned i = 0; i < count; i++)
			if (labels[i].number == error.number)
				die("%s: two INSTALL-ERRORS with the number %lld", class->name,
					labels[i].number);
		labels[count++] = error;
	}
	if (count)
		write_label_rows(out, class->name, "errors", labels, count);
	return count;
}

static void write_class(const struct schema *schema, FILE *out, const struct class *class,
	unsigned unique, unsigned errors)
{
	const char *index = index_of(class);
	const struct class *base = base_of(schema, class);

	fprintf(out, "\t{.id = PIB_%s,\n\t .name = \"%s\",\n\t .module = \"%s\",\n\t .row = {{",
		class->name, class->name, smiGetNodeModule(class->table)->name);
	for (unsigned i = 0; i < class->row->oidlen; i++)
		fprintf(out, "%s%u", i ? ", " : "", class->row->oid[i]);
	fprintf(out, "}, %u},\n\t .access = %s,\n\t .index = %s,\n\t .base = PIB_%s,\n",
		class->row->oidlen, access_of(class), index, base->name);
	fprintf(out, "\t .index_attribute = %u,\n\t .attributes = %s_attributes,\n"
		     "\t .attribute_count = %u,\n",
		index_attribute_of(class), class->name, class->count);
	if (unique)
		fprintf(out, "\t .unique = %s_unique,\n\t .unique_count = %u,\n", class->name,
			unique);
	if (errors)
		fprintf(out, "\t .install_errors = %s_errors,\n\t .install_error_count = %u,\n",
			class->name, errors);
	fputs("\t},\n", out);
}

void write_tables(const struct schema *schema, FILE *out)
{
	static unsigned unique[CLASSES_MAX], errors[CLASSES_MAX];

	fputs("/* Generated by pib-generate from the modules in pib/modules/; do not edit. */\n"
	      "#include \"pib/schema/tables.h\"\n\n",
		out);
	for (unsigned i = 0; i < schema->count; i++) {
		write_attributes(schema, out, &schema->classes[i]);
		unique[i] = write_uniqueness(schema, out, &schema->classes[i]);
		errors[i] = write_install_errors(out, &schema->classes[i]);
		fputc('\n', out);
	}
	fputs("const struct pib_class pib_classes[PIB_CLASS_COUNT] = {\n", out);
	for (unsigned i = 0; i < schema->count; i++)
		write_class(schema, out, &schema->classes[i], unique[i], errors[i]);
	fputs("};\n", out);
}
