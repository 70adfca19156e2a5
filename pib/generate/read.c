/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/generate/generate.h"

#include <stdlib.h>
#include <string.h>

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

void read_schema(struct schema *schema, const char *path, char **modules, int count)
{
	if (smiInit(NULL) != 0 || smiSetPath(path) != 0)
		die("libsmi does not start");
	smiSetErrorHandler(on_module_error);
	smiSetErrorLevel(SEVERITY_MAX);
	smiSetFlags(smiGetFlags() | SMI_FLAG_ERRORS);
	for (int i = 0; i < count; i++)
		read_module(schema, modules[i]);
	qsort(schema->classes, schema->count, sizeof *schema->classes, compare_classes);
}
