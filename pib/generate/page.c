/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <string.h>

#include "pib/generate/generate.h"

/* A line for each sentence, as mdoc wants it, with nothing at its start that mdoc would obey. */
static void put_text(FILE *out, const char *text)
{
	bool first = true, blank = false, end = false;

	for (; *text; text++) {
		if (isspace((unsigned char)*text)) {
			blank = !first;
			continue;
		}
		if (blank)
			fputc(end ? '\n' : ' ', out);
		if ((first || (blank && end)) && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
		first = blank = false;
		end = *text == '.';
	}
	fputc('\n', out);
}

static void put_ranges(FILE *out, SmiNode *attribute)
{
	const char *separator = " (";

	for (SmiType *t = smiGetNodeType(attribute); t && strcmp(separator, " (") == 0;
		t = smiGetParentType(t)) {
		if (t->name && !is_convention(t))
			break;
		for (SmiRange *r = smiGetFirstRange(t); r; r = smiGetNextRange(r)) {
			long long least = number_of(&r->minValue, attribute->name);
			long long greatest = number_of(&r->maxValue, attribute->name);

			fprintf(out, least == greatest ? "%s%lld" : "%s%lld..%lld", separator, least,
				greatest);
			separator = " | ";
		}
	}
	if (strcmp(separator, " (") != 0)
		fputs(")", out);
}

static void put_default(FILE *out, SmiNode *attribute, const struct label *labels, unsigned count)
{
	const SmiValue *value = &attribute->value;

	switch (value->basetype) {
	case SMI_BASETYPE_UNKNOWN:
		return;
	case SMI_BASETYPE_ENUM:
		for (unsigned i = 0; i < count; i++)
			if (labels[i].number == number_of(value, attribute->name))
				fprintf(out, "; default %s", labels[i].name);
		return;
	case SMI_BASETYPE_OCTETSTRING:
		fputs(value->len ? "; has a default" : "; default empty", out);
		return;
	case SMI_BASETYPE_BITS:
	case SMI_BASETYPE_OBJECTIDENTIFIER:
		fputs("; has a default", out);
		return;
	default:
		fprintf(out, "; default %lld", number_of(value, attribute->name));
	}
}

static void put_attribute(FILE *out, SmiNode *attribute)
{
	static struct label labels[LABELS_MAX];
	unsigned count = labels_of(attribute, labels);
	SmiNode *related = smiGetRelatedNode(attribute);

	fprintf(out, ".It %u %s\n%s", attribute->oid[attribute->oidlen - 1], attribute->name,
		named_type(attribute)->name);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "%s%s(%lld)", i ? ", " : ": ", labels[i].name, labels[i].number);
	if (!count)
		put_ranges(out, attribute);
	if (attribute->units)
		fprintf(out, ", %s", attribute->units);
	put_default(out, attribute, labels, count);
	if (related)
		fprintf(out, "; refers to %s", related->name);
	fputs(".\n", out);
	put_text(out, attribute->description);
}

static void put_facts(const struct schema *schema, FILE *out, const struct class *class)
{
	static const struct {
		SmiAccess access;
		const char *text;
	} accesses[] = {
		{SMI_ACCESS_INSTALL, "install"},
		{SMI_ACCESS_NOTIFY, "notify"},
		{SMI_ACCESS_INSTALL_NOTIFY, "install-notify"},
		{SMI_ACCESS_REPORT_ONLY, "report-only"},
	};
	const char *separator = "unique by ";

	fputs("PRID ", out);
	for (unsigned i = 0; i < class->row->oidlen; i++)
		fprintf(out, "%u.", class->row->oid[i]);
	fputs("InstanceId", out);
	for (size_t i = 0; i < sizeof accesses / sizeof *accesses; i++)
		if (accesses[i].access == class->table->access)
			fprintf(out, "; %s", accesses[i].text);
	if (class->row->indexkind != SMI_INDEX_INDEX)
		fprintf(out, "; %s %s",
			class->row->indexkind == SMI_INDEX_AUGMENT ? "augments" : "extends",
			class_of_row(schema, smiGetRelatedNode(class->row), class->name)->name);
	for (SmiElement *e = smiGetFirstUniquenessElement(class->row); e;
		e = smiGetNextUniquenessElement(e)) {
		fprintf(out, "%s%s", strcmp(separator, ", ") ? "; unique by " : ", ",
			smiGetElementNode(e)->name);
		separator = ", ";
	}
	separator = "; errors of its own (CPERR 13): ";
	for (SmiElement *e = smiGetFirstElement(class->table); e; e = smiGetNextElement(e)) {
		struct label error = install_error(smiGetElementNode(e), class->name);

		fprintf(out, "%s%s(%lld)", separator, error.name, error.number);
		separator = ", ";
	}
	fputs(".\n", out);
}

void write_page(const struct schema *schema, FILE *out, const char *module)
{
	for (unsigned i = 0; i < schema->count; i++) {
		const struct class *class = &schema->classes[i];

		if (strcmp(smiGetNodeModule(class->table)->name, module) != 0)
			continue;
		fprintf(out, ".Ss %s\n", class->name);
		put_text(out, class->table->description);
		fputs(".Pp\n", out);
		put_facts(schema, out, class);
		fputs(".Bl -tag -width 3n\n", out);
		for (unsigned j = 0; j < class->count; j++)
			put_attribute(out, class->attributes[j]);
		fputs(".El\n", out);
	}
}
