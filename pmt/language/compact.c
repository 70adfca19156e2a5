/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/compact.h"

#include <libxml/parser.h>
#include <string.h>

/* How a pattern is written: with the patterns in it between `open` and `close`. */
static const struct form {
	const char *name;
	const char *open, *between, *close;
} forms[] = {
	{"choice", "(", " | ", ")"},
	{"group", "(", ", ", ")"},
	{"list", "list { ", ", ", " }"},
	{"optional", "(", ", ", ")?"},
	{"zeroOrMore", "(", ", ", ")*"},
	{"oneOrMore", "(", ", ", ")+"},
};

static const char *const keywords[] = {"attribute", "default", "datatypes", "div", "element",
	"empty", "external", "grammar", "include", "inherit", "list", "mixed", "namespace",
	"notAllowed", "parent", "start", "string", "text", "token"};

struct writer {
	struct buffer *out;
	const xmlNode *root;
	bool unknown;
};

static bool is_called(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const char *attribute(const xmlNode *node, const char *name)
{
	for (const xmlAttr *a = node->properties; a; a = a->next)
		if (strcmp((const char *)a->name, name) == 0 && a->children)
			return (const char *)a->children->content;
	return "";
}

static const char *content(const xmlNode *node)
{
	return node->children && node->children->content ? (const char *)node->children->content
							 : "";
}

/* The next that is a pattern, from this one on. */
static const xmlNode *pattern_from(const xmlNode *node)
{
	while (node && (node->type != XML_ELEMENT_NODE || is_called(node, "documentation") ||
			       is_called(node, "param")))
		node = node->next;
	return node;
}

/* Names of definitions; what the syntax has a meaning for begins with a backslash. */
static void put_name(struct writer *w, const char *name)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (strcmp(name, keywords[i]) == 0)
			buffer_put_u8(w->out, '\\');
	buffer_put_text(w->out, "%s", name);
}

/* None of ours holds a quote or a line's end. */
static void put_literal(struct writer *w, const char *text)
{
	w->unknown = w->unknown || strpbrk(text, "\"\n");
	buffer_put_text(w->out, "\"%s\"", text);
}

/* What stands for people before an element or an attribute. */
static void put_documentation(struct writer *w, const xmlNode *node)
{
	for (const xmlNode *n = node->children; n; n = n->next)
		if (is_called(n, "documentation"))
			buffer_put_text(w->out, "\n  ## %s\n  ", content(n));
}

static void put_pattern(struct writer *w, const xmlNode *node);

/* No deeper than schema.c and row_schema.c nest their patterns. */
static void put_patterns(struct writer *w, const xmlNode *node, const char *between)
{
	const xmlNode *n = pattern_from(node->children);

	if (!n)
		buffer_put_text(w->out, "empty");
	for (; n; n = pattern_from(n->next)) {
		put_pattern(w, n);
		if (pattern_from(n->next))
			buffer_put_text(w->out, "%s", between);
	}
}

static void put_data(struct writer *w, const xmlNode *node)
{
	buffer_put_text(w->out, "xsd:%s {", attribute(node, "type"));
	for (const xmlNode *n = node->children; n; n = n->next)
		if (is_called(n, "param")) {
			buffer_put_text(w->out, " %s = ", attribute(n, "name"));
			put_literal(w, content(n));
		}
	buffer_put_text(w->out, " }");
}

static void put_pattern(struct writer *w, const xmlNode *node)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (is_called(node, forms[i].name)) {
			buffer_put_text(w->out, "%s", forms[i].open);
			put_patterns(w, node, forms[i].between);
			buffer_put_text(w->out, "%s", forms[i].close);
			return;
		}
	if (is_called(node, "ref")) {
		put_name(w, attribute(node, "name"));
	} else if (is_called(node, "empty")) {
		buffer_put_text(w->out, "empty");
	} else if (is_called(node, "value")) {
		/* Strings and tokens are RELAX NG's own too, and the same. */
		if (*attribute(node, "type"))
			buffer_put_text(w->out, "%s ", attribute(node, "type"));
		put_literal(w, content(node));
	} else if (is_called(node, "data")) {
		put_data(w, node);
	} else if (is_called(node, "element") || is_called(node, "attribute")) {
		put_documentation(w, node);
		buffer_put_text(w->out, "%s %s { ", (const char *)node->name,
			attribute(node, "name"));
		put_patterns(w, node, ",\n  ");
		buffer_put_text(w->out, " }");
	} else {
		w->unknown = true;
	}
}

static void put_grammar(struct writer *w)
{
	buffer_put_text(w->out, "# The policy language of Copsec, copsec-policy(5). Written by `pmt "
				"schema --compact`.\n"
				"default namespace = \"%s\"\n",
		attribute(w->root, "ns"));
	for (const xmlNode *n = w->root->children; n; n = n->next) {
		if (n->type != XML_ELEMENT_NODE)
			continue;
		buffer_put_u8(w->out, '\n');
		if (is_called(n, "start"))
			buffer_put_text(w->out, "start");
		else
			put_name(w, attribute(n, "name"));
		buffer_put_text(w->out, " = ");
		put_patterns(w, n, ",\n  ");
		buffer_put_u8(w->out, '\n');
	}
}

enum err compact_print(struct view schema, struct buffer *out)
{
	xmlDocPtr doc = xmlReadMemory(
		(const char *)schema.data, (int)schema.len, "schema", NULL, XML_PARSE_NONET);
	struct writer w = {.out = out, .root = doc ? xmlDocGetRootElement(doc) : NULL};

	if (w.root)
		put_grammar(&w);
	xmlFreeDoc(doc);
	return !w.root || w.unknown ? E_BUG : out->error;
}
