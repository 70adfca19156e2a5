/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes a module with random classes, and the same once more as a table for model.h: what the test
 * knows of the classes without having been told by libsmi, the generator or the library.
 *
 *   random-module SEED MODULE.TXT MODEL.INC
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/pib/schema/random.h"

enum { CLASSES = 48, ATTRIBUTES_MAX = 20, LABELS_MAX = 9, RANGES_MAX = 3, UNIQUE_MAX = 2 };

struct type {
	const char *name; /* as SPPI writes it, before the range */
	const char *kind; /* of model.h */
	unsigned tag;
	bool sized;
	long long least;
	unsigned long long greatest;
};

static const struct type types[] = {
	{"Integer32", "MODEL_SIGNED", 0x02, true, INT32_MIN, INT32_MAX},
	{"INTEGER", "MODEL_LABELS", 0x02, false, 0, 0},
	{"Unsigned32", "MODEL_UNSIGNED", 0x42, true, 0, UINT32_MAX},
	{"TimeTicks", "MODEL_UNSIGNED", 0x43, false, 0, UINT32_MAX},
	{"Integer64", "MODEL_SIGNED", 0x4a, false, INT64_MIN, INT64_MAX},
	{"Unsigned64", "MODEL_UNSIGNED", 0x4b, false, 0, UINT64_MAX},
	{"OCTET STRING", "MODEL_OCTETS", 0x04, true, 0, 200},
	{"BITS", "MODEL_BITS", 0x04, false, 0, 0},
	{"OBJECT IDENTIFIER", "MODEL_OID", 0x06, false, 0, 0},
	{"Prid", "MODEL_OID", 0x06, false, 0, 0},
	{"TagId", "MODEL_UNSIGNED", 0x42, false, 1, UINT32_MAX},
	{"ReferenceId", "MODEL_UNSIGNED", 0x42, false, 0, UINT32_MAX},
	{"TagReferenceId", "MODEL_UNSIGNED", 0x42, false, 0, UINT32_MAX},
};
enum { TYPES = sizeof types / sizeof *types, TAG_ID = TYPES - 3, REFERENCE, TAG_REFERENCE };

struct range {
	long long least, greatest;
};

struct attribute {
	const struct type *type;
	struct range ranges[RANGES_MAX];
	unsigned range_count;
	long long labels[LABELS_MAX];
	unsigned label_count;
	bool has_default;
	long long number;      /* the default */
	unsigned target, target_attribute;
};

struct class {
	struct attribute attributes[ATTRIBUTES_MAX];
	unsigned count;
	unsigned base; /* its own number, or that of the class that it extends or augments */
	unsigned access;
	unsigned unique[UNIQUE_MAX]; /* attributes */
	unsigned unique_count;
};

static struct class classes[CLASSES];
static struct random r;
static FILE *module, *model;

static void text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void text(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(module, format, args);
	va_end(args);
}

/* ---- choosing ---- */

static bool one_in(unsigned n)
{
	return random_below(&r, n) == 0;
}

/* Ascending, with holes, within what the type can hold. */
static void choose_ranges(struct attribute *a)
{
	bool octets = strcmp(a->type->kind, "MODEL_OCTETS") == 0;
	long long at = octets ? (long long)random_below(&r, 3) :
		a->type->least    ? -(long long)(random_magnitude(&r) & 0x3fffffff) :
				    (long long)(random_magnitude(&r) & 0xffff);

	if (!a->type->sized || one_in(3))
		return;
	a->range_count = 1 + (unsigned)random_below(&r, RANGES_MAX);
	for (unsigned i = 0; i < a->range_count; i++) {
		uint64_t mask = octets ? 0x1f : 0xffffff;

		a->ranges[i].least = at;
		a->ranges[i].greatest = at + (long long)(random_magnitude(&r) & mask);
		at = a->ranges[i].greatest + 2 + (long long)(random_magnitude(&r) & mask);
	}
}

static void choose_labels(struct attribute *a, bool bits)
{
	long long at = bits ? 0 : (long long)random_below(&r, 40) - 20;

	a->label_count = 1 + (unsigned)random_below(&r, LABELS_MAX);
	for (unsigned i = 0; i < a->label_count; i++) {
		a->labels[i] = at;
		at += 1 + (long long)random_below(&r, 4);
	}
}

static void choose_default(struct attribute *a)
{
	const char *kind = a->type->kind;

	if (!one_in(3) || strcmp(kind, "MODEL_OID") == 0)
		return;
	a->has_default = true;
	if (strcmp(kind, "MODEL_LABELS") == 0)
		a->number = a->labels[random_below(&r, a->label_count)];
	else if (strcmp(kind, "MODEL_BITS") == 0)
		a->number = a->labels[random_below(&r, a->label_count)]; /* this one alone */
	else if (a->range_count)
		a->number = a->ranges[random_below(&r, a->range_count)].least;
	else if (strcmp(kind, "MODEL_OCTETS") == 0)
		a->number = (long long)random_below(&r, 5); /* so many octets */
	else
		a->number = a->type->least == 1 ? 1 : (long long)(random_magnitude(&r) & 0x7fffffff);
}

static bool installs(unsigned class)
{
	return classes[class].access % 2 == 0;
}

/* What may be installed leads to what may be installed, so that it can be. */
static unsigned choose_class_before(unsigned class, unsigned limit)
{
	for (int tries = 0; tries < 50; tries++) {
		unsigned other = (unsigned)random_below(&r, limit);

		if (installs(other) || !installs(class))
			return other;
	}
	return class;
}

static void choose_attribute(unsigned class, struct attribute *a)
{
	unsigned target = choose_class_before(class, class + 1);

	a->type = &types[random_below(&r, TYPES)];
	if (a->type == &types[TAG_REFERENCE]) {
		/* Some tag there is, or it becomes one. */
		a->target = target;
		for (unsigned i = 0; i < classes[target].count; i++)
			if (classes[target].attributes[i].type == &types[TAG_ID])
				a->target_attribute = i + 1;
		if (!a->target_attribute)
			a->type = &types[TAG_ID];
	} else if (a->type == &types[REFERENCE]) {
		a->target = target;
	}
	choose_ranges(a);
	if (strcmp(a->type->kind, "MODEL_LABELS") == 0 || strcmp(a->type->kind, "MODEL_BITS") == 0)
		choose_labels(a, a->type->kind[6] == 'B');
	choose_default(a);
}

static void choose_class(unsigned n)
{
	struct class *class = &classes[n];
	unsigned count = 1 + (unsigned)random_below(&r, ATTRIBUTES_MAX);

	class->base = n;
	class->access = (unsigned)random_below(&r, 4);
	if (n && one_in(4))
		class->base = classes[choose_class_before(n, n)].base;
	while (class->count < count) {
		choose_attribute(n, &class->attributes[class->count]);
		class->count++;
	}
	if (one_in(2)) {
		class->unique[class->unique_count++] = (unsigned)random_below(&r, count);
		class->unique[1] = (unsigned)random_below(&r, count);
		class->unique_count += class->unique[1] != class->unique[0];
	}
}

/* ---- writing the module ---- */

/* The InstanceId comes before the attributes above. */
static unsigned number_of(const struct class *class, unsigned i)
{
	return i + 1 + (class->base == (unsigned)(class - classes));
}

static void write_ranges(const struct attribute *a)
{
	bool octets = strcmp(a->type->kind, "MODEL_OCTETS") == 0;

	if (!a->range_count)
		return;
	text(octets ? " (SIZE (" : " (");
	for (unsigned i = 0; i < a->range_count; i++) {
		text("%s%lld", i ? " | " : "", a->ranges[i].least);
		if (a->ranges[i].greatest != a->ranges[i].least)
			text("..%lld", a->ranges[i].greatest);
	}
	text(octets ? "))" : ")");
}

static void write_syntax(const struct attribute *a)
{
	text("    SYNTAX      %s", a->type->name);
	for (unsigned i = 0; i < a->label_count; i++)
		text("%sl%u(%lld)", i ? ", " : " { ", i, a->labels[i]);
	if (a->label_count)
		text(" }");
	write_ranges(a);
	text("\n");
}

static void write_default(const struct attribute *a)
{
	if (!a->has_default)
		return;
	text("    DEFVAL      { ");
	if (a->label_count) {
		unsigned i = 0;

		while (a->labels[i] != a->number)
			i++;
		text(strcmp(a->type->kind, "MODEL_BITS") == 0 ? "{ l%u }" : "l%u", i);
	} else if (strcmp(a->type->kind, "MODEL_OCTETS") == 0) {
		text("'");
		for (long long i = 0; i < a->number; i++)
			text("a5");
		text("'H");
	} else {
		text("%lld", a->number);
	}
	text(" }\n");
}

static void write_attribute(unsigned n, unsigned i)
{
	const struct attribute *a = &classes[n].attributes[i];

	text("r%ua%u OBJECT-TYPE\n", n, i);
	write_syntax(a);
	if (a->type == &types[REFERENCE])
		text("    PIB-REFERENCES { r%uEntry }\n", a->target);
	if (a->type == &types[TAG_REFERENCE])
		text("    PIB-TAG     { r%ua%u }\n", a->target, a->target_attribute - 1);
	text("    STATUS      current\n    DESCRIPTION \"Random.\"\n");
	write_default(a);
	text("    ::= { r%uEntry %u }\n\n", n, number_of(&classes[n], i));
}

static void write_uniqueness(unsigned n)
{
	const struct class *class = &classes[n];

	text("    UNIQUENESS  {");
	for (unsigned i = 0; i < class->unique_count; i++)
		text("%s r%ua%u", i ? "," : "", n, class->unique[i]);
	text(" }\n");
}

static void write_class(unsigned n)
{
	static const char *const access[] = {"install", "notify", "install-notify", "report-only"};
	const struct class *class = &classes[n];

	text("r%uTable OBJECT-TYPE\n    SYNTAX      SEQUENCE OF R%uEntry\n    PIB-ACCESS  %s\n"
	     "    STATUS      current\n    DESCRIPTION \"Random.\"\n    ::= { randomPib %u }\n\n",
		n, n, access[class->access], n + 1);
	text("r%uEntry OBJECT-TYPE\n    SYNTAX      R%uEntry\n    STATUS      current\n"
	     "    DESCRIPTION \"Random.\"\n",
		n, n);
	if (class->base == n)
		text("    PIB-INDEX   { r%uPrid }\n", n);
	else
		text("    %s { r%uEntry }\n", n % 2 ? "EXTENDS    " : "AUGMENTS   ", class->base);
	write_uniqueness(n);
	text("    ::= { r%uTable 1 }\n\nR%uEntry ::= SEQUENCE {\n", n, n);
	if (class->base == n)
		text("    r%uPrid InstanceId,\n", n);
	for (unsigned i = 0; i < class->count; i++)
		text("    r%ua%u %s%s\n", n, i, class->attributes[i].type->name,
			i + 1 < class->count ? "," : "");
	text("}\n\n");
	if (class->base == n)
		text("r%uPrid OBJECT-TYPE\n    SYNTAX      InstanceId\n    STATUS      current\n"
		     "    DESCRIPTION \"Random.\"\n    ::= { r%uEntry 1 }\n\n",
			n, n);
	for (unsigned i = 0; i < class->count; i++)
		write_attribute(n, i);
}

/* Every attribute must be in a group. */
static void write_group(void)
{
	const char *separator = "";

	text("randomCompliance MODULE-COMPLIANCE\n    STATUS      current\n"
	     "    DESCRIPTION \"Random.\"\n    MODULE\n    MANDATORY-GROUPS { randomGroup }\n"
	     "    ::= { randomPib %u }\n\nrandomGroup OBJECT-GROUP\n    OBJECTS {",
		CLASSES + 1);
	for (unsigned n = 0; n < CLASSES; n++) {
		if (classes[n].base == n) {
			text("%s r%uPrid", separator, n);
			separator = ",\n       ";
		}
		for (unsigned i = 0; i < classes[n].count; i++) {
			text("%s r%ua%u", separator, n, i);
			separator = ",\n       ";
		}
	}
	text(" }\n    STATUS      current\n    DESCRIPTION \"Random.\"\n"
	     "    ::= { randomPib %u }\n\n",
		CLASSES + 2);
}

static void write_module(void)
{
	text("RANDOM-PIB PIB-DEFINITIONS ::= BEGIN\n\nIMPORTS\n"
	     "    Integer32, Integer64, MODULE-COMPLIANCE, MODULE-IDENTITY, OBJECT-GROUP,\n"
	     "    OBJECT-TYPE, TimeTicks, Unsigned32, Unsigned64, pib\n        FROM COPS-PR-SPPI\n"
	     "    InstanceId, Prid, ReferenceId, TagId, TagReferenceId\n"
	     "        FROM COPS-PR-SPPI-TC;\n\n"
	     "randomPib MODULE-IDENTITY\n    SUBJECT-CATEGORIES { all }\n"
	     "    LAST-UPDATED \"202601010000Z\"\n    ORGANIZATION \"Copsec\"\n"
	     "    CONTACT-INFO \"The Copsec project\"\n    DESCRIPTION \"Random.\"\n"
	     "    REVISION \"202601010000Z\"\n    DESCRIPTION \"Random.\"\n    ::= { pib 98 }\n\n");
	for (unsigned n = 0; n < CLASSES; n++)
		write_class(n);
	write_group();
	text("END\n");
}

/* ---- writing the model ---- */

static void write_model_attribute(const struct attribute *a)
{
	fprintf(model, "\t\t{.kind = %s, .tag = 0x%02x, ", a->type->kind, a->type->tag);
	if (a->type->least == INT64_MIN)
		fprintf(model, ".least = INT64_MIN, ");
	else
		fprintf(model, ".least = INT64_C(%lld), ", a->type->least);
	fprintf(model, ".greatest = UINT64_C(%llu),\n\t\t .range_count = %u, .ranges = {",
		a->type->greatest, a->range_count);
	for (unsigned i = 0; i < a->range_count; i++)
		fprintf(model, "{%lld, %lld}, ", a->ranges[i].least, a->ranges[i].greatest);
	fprintf(model, "},\n\t\t .label_count = %u, .labels = {", a->label_count);
	for (unsigned i = 0; i < a->label_count; i++)
		fprintf(model, "%lld, ", a->labels[i]);
	fprintf(model, "},\n\t\t .has_default = %s, .default_number = %lld},\n",
		a->has_default ? "true" : "false", a->number);
}

static void write_model(void)
{
	fprintf(model, "static const struct model_class model[] = {\n");
	for (unsigned n = 0; n < CLASSES; n++) {
		const struct class *c = &classes[n];

		fprintf(model, "\t{\"r%u\", %s, %u, %u, {%u, %u}, %u, {\n", n,
			c->base == n ? "true" : "false", c->access, c->unique_count, c->unique[0],
			c->unique[1], c->count);
		for (unsigned i = 0; i < classes[n].count; i++)
			write_model_attribute(&classes[n].attributes[i]);
		fprintf(model, "\t}},\n");
	}
	fprintf(model, "};\n");
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: random-module SEED MODULE.TXT MODEL.INC\n", stderr);
		return 2;
	}
	r.state = strtoull(argv[1], NULL, 0);
	module = fopen(argv[2], "w");
	model = fopen(argv[3], "w");
	if (!module || !model || !r.state) {
		fputs("random-module: cannot write, or the seed is 0\n", stderr);
		return 1;
	}
	for (unsigned n = 0; n < CLASSES; n++)
		choose_class(n);
	write_module();
	write_model();
	return fclose(module) | fclose(model) ? 1 : 0;
}
