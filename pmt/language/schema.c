/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/schema.h"

#include "pib/policy/algorithms.h"
#include "pib/set/block.h"
#include "pmt/language/grammar.h"
#include "pmt/language/model.h"
#include "pmt/language/row_schema.h"
#include "pmt/language/value.h"

#include <string.h>

#define NAME "[A-Za-z][A-Za-z0-9._\\-]{0,62}"
#define ROLE "[A-Za-z][A-Za-z0-9._\\-]{0,30}"
#define ADDRESS "[0-9A-Fa-f:.]+"
#define NUMBER "[0-9]{1,5}"
#define DATE "[0-9]{4}-[0-9]{2}-[0-9]{2}"
#define TIME "[0-9]{2}:[0-9]{2}(:[0-9]{2})?"
#define WORD3 "[a-z]{3}"
#define DAY "[0-9]{1,2}"

/* One word of each type; NULL: the type is not told by a pattern. */
static const char *const patterns[TYPE_COUNT] = {
	[TYPE_TEXT] = "[\\s\\S]{0,255}",
	[TYPE_NAME] = NAME,
	[TYPE_NAMES] = NAME,
	[TYPE_BASE64] = "[A-Za-z0-9+/=\\s]+",
	[TYPE_NAME_OR_ALL] = NAME "|\\*",
	[TYPE_ROLE] = ROLE,
	[TYPE_ROLES] = ROLE,
	[TYPE_ROLES_OR_NONE] = ROLE,
	[TYPE_ROLES_OR_ALL] = ROLE "|\\*",
	[TYPE_NODE_NAME] = NAME,
	[TYPE_INTERFACE] = "[!-.0-9;-~]{1,15}",
	[TYPE_PATH] = "[^/][\\s\\S]*",
	[TYPE_PIN] = "sha256:[0-9A-Fa-f]{64}",
	[TYPE_ADDRESSES] = ADDRESS "(/[0-9]{1,3}|-" ADDRESS ")?",
	[TYPE_SINGLES] = ADDRESS,
	[TYPE_PEERS] = NAME "|" ADDRESS "(/[0-9]{1,3}|-" ADDRESS ")?",
	[TYPE_GATEWAY] = NAME "|" ADDRESS,
	[TYPE_PORTS] = "any|" NUMBER "(-" NUMBER ")?",
	[TYPE_ICMP] = "any|" NUMBER "(/" NUMBER ")?",
	[TYPE_PROTOCOLS] = "[a-z0-9]{1,10}",
	[TYPE_DURATION] = "[0-9]{1,10}[smhd]",
	[TYPE_NUMBER] = "[0-9]{1,10}",
	[TYPE_RATE] = "[0-9]{1,10}/(second|minute|hour|day)",
	[TYPE_MOMENT] = DATE "(T" TIME ")?",
	[TYPE_TIMES] = TIME "-" TIME,
	[TYPE_MONTHS] = WORD3 "(-" WORD3 ")?",
	[TYPE_WEEKDAYS] = WORD3 "(-" WORD3 ")?",
	[TYPE_DAYS] = DAY "(-" DAY ")?",
	[TYPE_ZONE] = "[A-Za-z0-9+\\-_][A-Za-z0-9+\\-_/]{0,62}",
	[TYPE_DSCPS] = "[0-9a-z]{1,6}",
	[TYPE_VERDICT] = "\\s*(allow|deny|protect(\\s+" NAME ")?)\\s*",
};

static void put_escaped(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			buffer_put_text(out, "&lt;");
		else if (*text == '&')
			buffer_put_text(out, "&amp;");
		else
			buffer_put_u8(out, (uint8_t)*text);
	}
}

static void put_words(struct buffer *out, const char *words)
{
	struct view rest = view_of_string(words), word;

	buffer_put_text(out, "<choice>");
	while ((word = next_word(&rest)).len) {
		buffer_put_text(out, "<value type=\"string\">");
		buffer_put_view(out, word);
		buffer_put_text(out, "</value>");
	}
	buffer_put_text(out, "</choice>");
}

static void put_algorithms(struct buffer *out, enum algorithm_kind kind)
{
	const struct algorithm *a;

	buffer_put_text(out, "<choice>");
	for (size_t i = 0; (a = algorithm_at(i)); i++)
		if (a->kind == kind)
			buffer_put_text(out, "<value type=\"string\">%s</value>", a->name);
	buffer_put_text(out, "</choice>");
}

static void put_pattern(struct buffer *out, const struct grammar_attribute *a)
{
	const bool list = grammar_is_list(a->type);
	const char *repeat = a->type == TYPE_ROLES_OR_NONE ? "zeroOrMore" : "oneOrMore";

	if (list)
		buffer_put_text(out, "<list><%s>", repeat);
	buffer_put_text(
		out, "<data type=\"%s\"><param name=\"pattern\">", list ? "token" : "string");
	put_escaped(out, patterns[a->type]);
	buffer_put_text(out, "</param></data>");
	if (list)
		buffer_put_text(out, "</%s></list>", repeat);
}

static void put_value(struct buffer *out, const struct grammar_attribute *a)
{
	switch (a->type) {
	case TYPE_YES_NO:
		put_words(out, "yes no");
		break;
	case TYPE_CHOICE:
		put_words(out, a->choices);
		break;
	case TYPE_INSTANCE:
		buffer_put_text(out,
			"<data type=\"integer\"><param name=\"minInclusive\">1</param><param "
			"name=\"maxInclusive\">%d</param><param name=\"pattern\">[0-9]{1,10}</param>"
			"</data>",
			BLOCK_INSTANCE_MAX);
		break;
	case TYPE_ENCRYPTION:
		put_algorithms(out, ALGORITHM_ENCRYPTION);
		break;
	case TYPE_INTEGRITY:
		put_algorithms(out, ALGORITHM_INTEGRITY);
		break;
	case TYPE_GROUP:
		put_algorithms(out, ALGORITHM_GROUP);
		break;
	default:
		put_pattern(out, a);
	}
}

static void put_about(
	struct buffer *out, const char *indent, const char *about, const char *initial)
{
	buffer_put_text(out, "%s<a:documentation>", indent);
	put_escaped(out, about);
	if (initial)
		buffer_put_text(out, " Default: %s.", initial);
	buffer_put_text(out, "</a:documentation>\n");
}

static void put_attribute(struct buffer *out, const struct grammar_attribute *a)
{
	const char *indent = a->required ? "      " : "        ";

	if (!a->required)
		buffer_put_text(out, "      <optional>\n");
	buffer_put_text(out, "%s<attribute name=\"%s\">\n", indent, grammar_attribute_name(a->id));
	put_about(out, a->required ? "        " : "          ", a->about, a->initial);
	buffer_put_text(out, "%s  ", indent);
	put_value(out, a);
	buffer_put_text(out, "\n%s</attribute>\n", indent);
	if (!a->required)
		buffer_put_text(out, "      </optional>\n");
}

/* What rows of all classes have. */
static void put_row_attributes(struct buffer *out, const struct grammar_element *el)
{
	buffer_put_text(out, "  <define name=\"row-attributes\">\n");
	for (const struct grammar_attribute *a = el->attributes; a->about; a++)
		put_attribute(out, a);
	buffer_put_text(out, "  </define>\n");
}

/* What a child of `el` is called in the schema. */
static const char *child_name(const struct grammar_element *el, enum element_kind child)
{
	if (child == ELEMENT_ROW)
		return el->kind == ELEMENT_PIB ? "library-row" : "row";
	return grammar_element(child)->name;
}

static void put_element(struct buffer *out, const struct grammar_element *el)
{
	buffer_put_text(
		out, "  <define name=\"%s\">\n    <element name=\"%s\">\n", el->name, el->name);
	put_about(out, "      ", el->about, NULL);
	/* Of what class a list is says what may stand in it. */
	for (const struct grammar_attribute *a = el->attributes; a->about; a++)
		if (a->type != TYPE_LISTED)
			put_attribute(out, a);
	if (el->kind == ELEMENT_LIST) {
		buffer_put_text(out, "      <ref name=\"listed-row\"/>\n");
	} else if (el->children) {
		buffer_put_text(out, "      <zeroOrMore>\n        <choice>\n");
		for (unsigned i = 0; i < ELEMENT_KINDS; i++)
			if (el->children & UINT64_C(1) << i)
				buffer_put_text(out, "          <ref name=\"%s\"/>\n",
					child_name(el, (enum element_kind)i));
		buffer_put_text(out, "        </choice>\n      </zeroOrMore>\n");
	} else {
		buffer_put_text(out, "      <empty/>\n");
	}
	buffer_put_text(out, "    </element>\n  </define>\n");
}

void schema_print(struct buffer *out)
{
	buffer_put_text(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<!-- The policy language of Copsec, copsec-policy(5). Written by `pmt schema`. "
		"-->\n"
		"<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\"\n"
		"    xmlns:a=\"http://relaxng.org/ns/compatibility/annotations/1.0\"\n"
		"    datatypeLibrary=\"http://www.w3.org/2001/XMLSchema-datatypes\"\n"
		"    ns=\"%s\">\n"
		"  <start>\n    <choice>\n      <ref name=\"policy\"/>\n      <ref "
		"name=\"part\"/>\n"
		"    </choice>\n  </start>\n",
		POLICY_NAMESPACE);
	for (unsigned i = 0; i < ELEMENT_KINDS; i++)
		if (*grammar_element((enum element_kind)i)->name)
			put_element(out, grammar_element((enum element_kind)i));
	put_row_attributes(out, grammar_element(ELEMENT_ROW));
	row_schema_print(out);
	buffer_put_text(out, "</grammar>\n");
}

/* --- the manual --- */

/* Each sentence on a line of its own. None of ours begins with a dot. */
static void put_sentence(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		bool end = strncmp(text, ". ", 2) == 0;

		buffer_put_u8(out, (uint8_t)*text);
		if (end) {
			buffer_put_u8(out, '\n');
			text++;
		}
	}
	buffer_put_u8(out, '\n');
}

static void put_manual_choices(struct buffer *out, const struct grammar_attribute *a)
{
	struct view rest = view_of_string(a->choices), word;

	buffer_put_text(out, "One of");
	while ((word = next_word(&rest)).len) {
		buffer_put_text(
			out, "%s\n.Cm ", word.data == (const uint8_t *)a->choices ? "" : " ,");
		buffer_put_view(out, word);
	}
	buffer_put_text(out, " .\n");
}

static void put_manual_attribute(struct buffer *out, const struct grammar_attribute *a)
{
	buffer_put_text(out, ".It Ic %s%s\n", grammar_attribute_name(a->id),
		a->required ? " Pq required" : "");
	put_sentence(out, a->about);
	if (a->choices)
		put_manual_choices(out, a);
	if (a->initial)
		buffer_put_text(out, "Default:\n.Cm %s .\n", a->initial);
}

static void put_manual_children(struct buffer *out, const struct grammar_element *el)
{
	const char *end = "Holds";

	for (unsigned i = 0; i < ELEMENT_KINDS; i++)
		if (el->children & UINT64_C(1) << i && *grammar_element((enum element_kind)i)->name) {
			buffer_put_text(out, "%s\n.Ic %s", end,
				grammar_element((enum element_kind)i)->name);
			end = " ,";
		}
	if (el->kind == ELEMENT_LIST)
		buffer_put_text(out, "Holds rows of that class.\n");
	else if (el->children & UINT64_C(1) << ELEMENT_ROW)
		buffer_put_text(out, "%s\nrows of all classes.\n", end);
	else if (el->children)
		buffer_put_text(out, " .\n");
}

void schema_print_manual(struct buffer *out)
{
	for (unsigned i = 0; i < ELEMENT_KINDS; i++) {
		const struct grammar_element *el = grammar_element((enum element_kind)i);

		if (el->kind == ELEMENT_EXTENSION)
			continue;
		buffer_put_text(out, ".Ss %s\n", *el->name ? el->name : "Rows");
		put_sentence(out, el->about);
		put_manual_children(out, el);
		if (!el->attributes->about)
			continue;
		buffer_put_text(out, ".Bl -tag -width Ds\n");
		for (const struct grammar_attribute *a = el->attributes; a->about; a++)
			put_manual_attribute(out, a);
		buffer_put_text(out, ".El\n");
	}
	buffer_put_text(out, ".Ss Known services\n"
			     "These names need no definition; a policy may define them anew.\n"
			     ".Bd -literal -offset indent\n");
	model_print_services(out);
	buffer_put_text(out, ".Ed\n");
	buffer_put_text(out, ".Sh CLASSES\n");
	row_schema_print_manual(out);
}
