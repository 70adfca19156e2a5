/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pib-generate: turns SPPI modules into the constant tables of pib/schema/schema.h, at build time.
 *
 *   pib-generate PATH NAMES.H TABLES.C MODULE...
 *
 * PATH is the colon-separated search path of the modules. All classes of the named modules are
 * taken; what they import is found by the path, and gives textual conventions only. Anything that
 * the tables cannot express is an error with the module's and the object's name, and exit status 1.
 * The program lives for one run: memory is released by its end.
 */
#include <ctype.h>
#include <inttypes.h>
#include <smi.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	CLASSES_MAX = 512,
	ATTRIBUTES_MAX = 127, /* RFC 3159 §10 */
	LABELS_MAX = 512,
	IDENTIFIER_MAX = 160,
};

struct class {
	char name[IDENTIFIER_MAX];
	SmiNode *table, *row;
	SmiNode *attributes[ATTRIBUTES_MAX];
	unsigned count;
};

struct schema {
	struct class classes[CLASSES_MAX];
	unsigned count;
};

struct label {
	const char *name;
	long long number;
};

static _Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("pib-generate: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILURE);
}

/* ---- reading the modules ---- */

/* libsmi 0.4.8 says this of every Unsigned64 attribute, wrongly. */
static const char unsigned64_false_positive[] =
	"in sequence and object type definition do not match";

enum { SEVERITY_MAX = 3 };

static void on_module_error(char *path, int line, int severity, char *message, char *tag)
{
	(void)tag;
	if (severity > SEVERITY_MAX || strstr(message, unsigned64_false_positive))
		return;
	die("%s:%d: %s", path, line, message);
}

static int compare_oids(const SmiNode *a, const SmiNode *b)
{
	for (unsigned i = 0; i < a->oidlen && i < b->oidlen; i++) {
		if (a->oid[i] != b->oid[i])
			return a->oid[i] < b->oid[i] ? -1 : 1;
	}
	return (a->oidlen > b->oidlen) - (a->oidlen < b->oidlen);
}

static int compare_classes(const void *a, const void *b)
{
	return compare_oids(((const struct class *)a)->row, ((const struct class *)b)->row);
}

static void read_class(struct class *class, SmiNode *table)
{
	static const char suffix[] = "Table";
	size_t length = strlen(table->name);

	if (length <= strlen(suffix) || length >= IDENTIFIER_MAX ||
		strcmp(table->name + length - strlen(suffix), suffix) != 0)
		die("%s: the name of a table ends in \"%s\"", table->name, suffix);
	snprintf(class->name, sizeof class->name, "%.*s", (int)(length - strlen(suffix)),
		table->name);
	class->table = table;
	class->row = smiGetFirstChildNode(table);
	if (!class->row || class->row->nodekind != SMI_NODEKIND_ROW)
		die("%s: has no row", table->name);
	for (SmiNode *n = smiGetFirstChildNode(class->row); n; n = smiGetNextChildNode(n)) {
		if (class->count == ATTRIBUTES_MAX)
			die("%s: more than %d attributes", class->name, ATTRIBUTES_MAX);
		if (n->oid[n->oidlen - 1] != class->count + 1)
			die("%s: attributes are numbered 1, 2, ... without gaps", n->name);
		class->attributes[class->count++] = n;
	}
	if (class->count == 0)
		die("%s: has no attributes", class->name);
}

static void read_module(struct schema *schema, const char *name)
{
	SmiModule *module;

	if (!smiLoadModule(name) || !(module = smiGetModule(name)))
		die("%s: no such module", name);
	for (SmiNode *n = smiGetFirstNode(module, SMI_NODEKIND_TABLE); n;
		n = smiGetNextNode(n, SMI_NODEKIND_TABLE)) {
		if (schema->count == CLASSES_MAX)
			die("more than %d classes", CLASSES_MAX);
		read_class(&schema->classes[schema->count++], n);
	}
}

/* ---- asking the schema ---- */

static const struct class *class_of_row(const struct schema *schema, const SmiNode *row,
	const char *whose)
{
	for (unsigned i = 0; row && i < schema->count; i++) {
		if (compare_oids(schema->classes[i].row, row) == 0)
			return &schema->classes[i];
	}
	die("%s: refers to %s, which is no row of the modules given", whose,
		row ? row->name : "nothing");
}

/* The named type nearest to what the attribute says: its textual convention, or the base type. */
static SmiType *named_type(SmiNode *attribute)
{
	SmiType *type = smiGetNodeType(attribute);

	while (type && (!type->name || type->decl == SMI_DECL_IMPLICIT_TYPE))
		type = smiGetParentType(type);
	if (!type)
		die("%s: has no type", attribute->name);
	return type;
}

static bool is_convention(const SmiType *type)
{
	return type->decl == SMI_DECL_TEXTUALCONVENTION;
}

static bool has_type(SmiNode *attribute, const char *name)
{
	return strcmp(named_type(attribute)->name, name) == 0;
}

struct syntax {
	const char *name; /* enumerator of enum pib_syntax */
	unsigned tag;
};

static struct syntax syntax_of(SmiNode *attribute)
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

static const char *role_of(SmiNode *attribute)
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
static const char *format_of(SmiNode *attribute)
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

static const char *access_of(const struct class *class)
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

static const char *index_of(const struct class *class)
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

static unsigned index_attribute_of(const struct class *class)
{
	SmiElement *element;
	SmiNode *index;

	if (class->row->indexkind != SMI_INDEX_INDEX)
		return 0;
	element = smiGetFirstElement(class->row);
	index = element ? smiGetElementNode(element) : NULL;
	if (!index || smiGetNextElement(element) || !has_type(index, "InstanceId"))
		die("%s: PIB-INDEX names one attribute of type InstanceId", class->row->name);
	return index->oid[index->oidlen - 1];
}

static long long number_of(const SmiValue *value, const char *whose)
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

/* Ascending; none unless the attribute is an enumeration or BITS. */
static unsigned labels_of(SmiNode *attribute, struct label labels[LABELS_MAX])
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

/* ---- writing ---- */

/* The label as part of a C identifier. */
static const char *identifier(const char *label, char out[IDENTIFIER_MAX])
{
	size_t i;

	for (i = 0; label[i] && i < IDENTIFIER_MAX - 1; i++)
		out[i] = isalnum((unsigned char)label[i]) ? label[i] : '_';
	out[i] = '\0';
	return out;
}

static void write_names(const struct schema *schema, FILE *out)
{
	static struct label labels[LABELS_MAX];
	char text[IDENTIFIER_MAX];
	unsigned most = 0;

	fputs("/* Generated by pib-generate from the modules in pib/modules/; do not edit. */\n"
	      "#ifndef COPSEC_PIB_NAMES_H\n#define COPSEC_PIB_NAMES_H\n\n"
	      "enum pib_class_id {\n",
		out);
	for (unsigned i = 0; i < schema->count; i++) {
		fprintf(out, "\tPIB_%s,\n", schema->classes[i].name);
		if (schema->classes[i].count > most)
			most = schema->classes[i].count;
	}
	fprintf(out, "\tPIB_CLASS_COUNT\n};\n\nenum { PIB_ATTRIBUTES_MAX = %u };\n", most);
	for (unsigned i = 0; i < schema->count; i++) {
		const struct class *class = &schema->classes[i];

		fprintf(out, "\n/* %s (%s) */\nenum {\n", class->name,
			smiGetNodeModule(class->table)->name);
		for (unsigned j = 0; j < class->count; j++)
			fprintf(out, "\t%s = %u,\n", class->attributes[j]->name, j + 1);
		fputs("};\n", out);
		for (unsigned j = 0; j < class->count; j++) {
			unsigned count = labels_of(class->attributes[j], labels);

			if (count == 0)
				continue;
			fputs("enum {\n", out);
			for (unsigned k = 0; k < count; k++)
				fprintf(out, "\t%s_%s = %lld,\n", class->attributes[j]->name,
					identifier(labels[k].name, text), labels[k].number);
			fputs("};\n", out);
		}
	}
	fputs("\n#endif\n", out);
}

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

/* libsmi hands out INSTALL-ERRORS as the elements of the table, as nodes that have nothing but a
 * name and, where the pointer to the OID would be, the number. Nothing documents it; the test of
 * the generated tables would notice if it changed. */
static unsigned write_install_errors(FILE *out, const struct class *class)
{
	static struct label labels[LABELS_MAX];
	unsigned count = 0;

	for (SmiElement *e = smiGetFirstElement(class->table); e; e = smiGetNextElement(e)) {
		SmiNode *error = smiGetElementNode(e);
		uintptr_t number = (uintptr_t)error->oid;

		if (error->oidlen != 1 || number < 1 || number > 65535)
			die("%s: INSTALL-ERRORS cannot be read", class->name);
		if (count == LABELS_MAX)
			die("%s: more than %d errors", class->name, LABELS_MAX);
		labels[count].name = error->name;
		labels[count++].number = (long long)number;
	}
	if (count)
		write_label_rows(out, class->name, "errors", labels, count);
	return count;
}

static void write_class(const struct schema *schema, FILE *out, const struct class *class,
	unsigned unique, unsigned errors)
{
	const char *index = index_of(class);
	const struct class *base = strcmp(index, "PIB_INDEX") == 0 ? class :
		class_of_row(schema, smiGetRelatedNode(class->row), class->row->name);

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

static void write_tables(const struct schema *schema, FILE *out)
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

static void write_file(const struct schema *schema, const char *path,
	void (*write)(const struct schema *, FILE *))
{
	FILE *out = fopen(path, "w");

	if (!out)
		die("%s: cannot be written", path);
	write(schema, out);
	if (fclose(out) != 0)
		die("%s: cannot be written", path);
}

int main(int argc, char **argv)
{
	static struct schema schema;

	if (argc < 5) {
		fputs("usage: pib-generate PATH NAMES.H TABLES.C MODULE...\n", stderr);
		return 2;
	}
	if (smiInit(NULL) != 0 || smiSetPath(argv[1]) != 0)
		die("libsmi does not start");
	smiSetErrorHandler(on_module_error);
	smiSetErrorLevel(SEVERITY_MAX);
	smiSetFlags(smiGetFlags() | SMI_FLAG_ERRORS);
	for (int i = 4; i < argc; i++)
		read_module(&schema, argv[i]);
	qsort(schema.classes, schema.count, sizeof *schema.classes, compare_classes);
	write_file(&schema, argv[2], write_names);
	write_file(&schema, argv[3], write_tables);
	return EXIT_SUCCESS;
}
