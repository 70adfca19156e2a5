/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/row_schema.h"

#include <inttypes.h>
#include <string.h>

#include "pmt/language/classes.h"
#include "pmt/language/grammar.h"
#include "pmt/language/notation.h"

enum { COUNTED_MAX = 64, PATTERN_MAX = 4096 };

#define NAME "[A-Za-z][A-Za-z0-9._\\-]{0,62}"
#define HEX "([0-9A-Fa-f]{2})"
/* Text that does not begin as two of them do; the others begin text that is one. */
#define ANY "[\\s\\S]*"
#define PLAIN                                                                                      \
	"([^hf]" ANY ")?|h([^e]" ANY ")?|he([^x]" ANY ")?|hex([^:]" ANY ")?|f([^i]" ANY            \
	")?|fi([^l]" ANY ")?|fil([^e]" ANY ")?|file([^:]" ANY ")?"
#define BYTE "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4 "(" BYTE "\\.){3}" BYTE
#define H "[0-9A-Fa-f]{1,4}"
#define IPV6                                                                                       \
	"(" H ":){7}" H "|(" H ":){1,7}:|(" H ":){1,6}:" H "|(" H ":){1,5}(:" H "){1,2}|(" H       \
	":){1,4}(:" H "){1,3}|(" H ":){1,3}(:" H "){1,4}|(" H ":){1,2}(:" H "){1,5}|" H ":(:" H    \
	"){1,6}|:((:" H "){1,7}|:)|(" H ":){6}" IPV4 "|:(:" H "){0,5}:" IPV4 "|(" H                \
	":){1,5}(:" H "){0,4}:" IPV4

static void put_pattern(struct buffer *out, const char *pattern)
{
	buffer_put_text(out, "<data type=\"string\"><param name=\"pattern\">%s</param></data>",
		pattern);
}

static void put_literal(struct buffer *out, const char *text)
{
	buffer_put_text(out, "<value type=\"string\">%s</value>", text);
}

static void put_labels(struct buffer *out, const struct pib_attribute *a, const char *type)
{
	for (size_t i = 0; i < a->label_count; i++)
		buffer_put_text(out, "<value%s>%s</value>", type, a->labels[i].name);
}

static bool is_signed(const struct pib_attribute *a)
{
	return a->syntax == PIB_INTEGER32 || a->syntax == PIB_INTEGER64;
}

static void put_bound(struct buffer *out, const struct pib_attribute *a, const char *name,
	uint64_t bound)
{
	buffer_put_text(out, "<param name=\"%s\">", name);
	if (is_signed(a))
		buffer_put_text(out, "%" PRId64, (int64_t)bound);
	else
		buffer_put_text(out, "%" PRIu64, bound);
	buffer_put_text(out, "</param>");
}

static void put_range(
	struct buffer *out, const struct pib_attribute *a, uint64_t least, uint64_t greatest)
{
	buffer_put_text(out, "<data type=\"integer\">");
	put_bound(out, a, "minInclusive", least);
	put_bound(out, a, "maxInclusive", greatest);
	buffer_put_text(out, "<param name=\"pattern\">%s[0-9]+</param></data>",
		is_signed(a) ? "-?" : "");
}

/* All that the syntax can hold. */
static void put_whole_range(struct buffer *out, const struct pib_attribute *a)
{
	switch (a->syntax) {
	case PIB_INTEGER32:
		put_range(out, a, (uint64_t)INT32_MIN, INT32_MAX);
		break;
	case PIB_INTEGER64:
		put_range(out, a, (uint64_t)INT64_MIN, INT64_MAX);
		break;
	case PIB_UNSIGNED32:
		put_range(out, a, 0, UINT32_MAX);
		break;
	default:
		put_range(out, a, 0, UINT64_MAX);
	}
}

static void put_number(struct buffer *out, const struct pib_attribute *a)
{
	const struct algorithm *known;

	for (size_t i = 0; i < a->range_count; i++)
		put_range(out, a, a->ranges[i].least, a->ranges[i].greatest);
	if (!a->range_count)
		put_whole_range(out, a);
	for (size_t i = 0; (known = algorithm_at(i)); i++)
		if (notation_has_algorithm(a, known))
			put_literal(out, known->name);
	if (notation_is_seconds(a))
		put_pattern(out, "[0-9]{1,10}[smhd]");
	if (strcmp(a->type, "CopsecTime") == 0)
		put_pattern(out, "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z");
	put_literal(out, NOTATION_NULL);
}

/* How often, of sizes that are worth it; the others are left to us. */
static void put_times(struct buffer *out, const struct pib_range *sizes)
{
	if (!sizes || sizes->greatest > COUNTED_MAX)
		buffer_put_text(out, "%s", sizes && sizes->least ? "+" : "*");
	else
		buffer_put_text(out, "{%" PRIu64 ",%" PRIu64 "}", sizes->least, sizes->greatest);
}

/* Octets of one of the sizes, in each way that is there for all of them. */
static void put_forms(
	struct buffer *out, const struct pib_attribute *a, const struct pib_range *sizes)
{
	if (a->format == PIB_FORMAT_HEX) {
		buffer_put_text(out, "(sha256:)?" HEX);
		put_times(out, sizes);
		buffer_put_text(out, "|");
	}
	buffer_put_text(out, "hex:" HEX);
	put_times(out, sizes);
	buffer_put_text(out, "|text:[\\s\\S]");
	put_times(out, sizes);
	buffer_put_text(out, "|");
}

static void put_octets(struct buffer *out, const struct pib_attribute *a)
{
	struct buffer pattern;

	buffer_init(&pattern, PATTERN_MAX);
	if (a->format == PIB_FORMAT_TEXT)
		buffer_put_text(&pattern, PLAIN "|");
	else if (a->format == PIB_FORMAT_ADDRESS)
		buffer_put_text(&pattern, "(" IPV4 "|" IPV6 ")?|");
	for (size_t i = 0; i < a->range_count; i++)
		put_forms(&pattern, a, &a->ranges[i]);
	if (!a->range_count)
		put_forms(&pattern, a, NULL);
	buffer_put_text(&pattern, "file:[^/]" ANY "|" NOTATION_NULL);
	put_pattern(out, buffer_string(&pattern));
	buffer_fini(&pattern);
}

static void put_value(struct buffer *out, const struct pib_attribute *a)
{
	if (notation_is_reference(a)) {
		put_pattern(out, a->role == PIB_TAG ? NAME : NAME "|" NOTATION_NULL);
		return;
	}
	switch (a->syntax) {
	case PIB_ENUMERATION:
		buffer_put_text(out, "<choice>");
		put_labels(out, a, " type=\"string\"");
		put_literal(out, NOTATION_NULL);
		buffer_put_text(out, "</choice>");
		break;
	case PIB_BITS:
		buffer_put_text(out, "<choice><list><zeroOrMore><choice>");
		put_labels(out, a, "");
		buffer_put_text(out, "</choice></zeroOrMore></list>");
		put_literal(out, NOTATION_NULL);
		buffer_put_text(out, "</choice>");
		break;
	case PIB_OCTETS:
		put_octets(out, a);
		break;
	default:
		buffer_put_text(out, "<choice>");
		put_number(out, a);
		buffer_put_text(out, "</choice>");
	}
}

/* What is meant when it is left out, for people. */
static void put_absence(struct buffer *out, const struct pib_class *class, struct absence absence)
{
	char other[CLASS_WORD_SIZE] = "";

	if (absence.other)
		class_word(class, pib_attribute(class, absence.other), other);
	switch (absence.kind) {
	case ABSENT_VALUE:
		if (*absence.value)
			buffer_put_text(out, "%s", absence.value);
		else
			buffer_put_text(out, "empty");
		break;
	case ABSENT_NONE:
		buffer_put_text(out, NOTATION_NONE);
		break;
	case ABSENT_ALL:
		buffer_put_text(out, "all");
		break;
	case ABSENT_ROLES:
		buffer_put_text(out, "the roles of the set");
		break;
	case ABSENT_SEAL:
		buffer_put_text(out, "the node's");
		break;
	case ABSENT_PLACE:
		buffer_put_text(out, "the place");
		break;
	case ABSENT_LIKE:
		buffer_put_text(out, "as %s", other);
		break;
	case ABSENT_FAMILY:
		buffer_put_text(out, "that of %s", other);
		break;
	case ABSENT_WHOLE:
		buffer_put_text(out, "all of %s", other);
		break;
	case ABSENT_LENGTH:
		buffer_put_text(out, "that of %s", other);
		break;
	default:
		break;
	}
}

/* The PIB's own default, for people. */
static void put_schema_default(
	struct buffer *out, const struct pib_class *class, const struct pib_attribute *a)
{
	struct pri pri;
	const struct pri_value value = pri_default(a);
	size_t before = out->len;

	pri_init(&pri, class->id, 1);
	pri.values[a->number - 1] = value;
	if (notation_is_reference(a))
		buffer_put_text(out, NOTATION_NONE);
	else
		notation_write(&pri, a->number, out);
	if (out->len == before)
		buffer_put_text(out, "empty");
}

static void put_initial(
	struct buffer *out, const struct pib_class *class, const struct pib_attribute *a)
{
	const struct absence absence = class_absence(class, a);

	if (absence.kind == ABSENT_SCHEMA)
		put_schema_default(out, class, a);
	else
		put_absence(out, class, absence);
}

static void put_attribute(
	struct buffer *out, const struct pib_class *class, const struct pib_attribute *a)
{
	const bool required = class_absence(class, a).kind == ABSENT_REQUIRED;
	char word[CLASS_WORD_SIZE];

	class_word(class, a, word);
	buffer_put_text(out, "    %s<attribute name=\"%s\"><a:documentation>%s.",
		required ? "" : "<optional>", word, a->name);
	if (!required) {
		buffer_put_text(out, " Default: ");
		put_initial(out, class, a);
		buffer_put_u8(out, '.');
	}
	buffer_put_text(out, "</a:documentation>");
	put_value(out, a);
	buffer_put_text(out, "</attribute>%s\n", required ? "" : "</optional>");
}

/* Everything but the tag and the tags around it. */
static void put_content(struct buffer *out, const struct pib_class *class)
{
	const struct pib_class *extension = class_extension(class);

	buffer_put_text(out, "  <define name=\"%s.content\">\n", class->name);
	if (!class_extends(class))
		buffer_put_text(out, "    <ref name=\"row-attributes\"/>\n");
	for (size_t i = 0; i < class->attribute_count; i++) {
		const struct pib_attribute *a = &class->attributes[i];

		if (a->role != PIB_INSTANCE && a->role != PIB_TAG)
			put_attribute(out, class, a);
	}
	if (extension)
		buffer_put_text(out, "    <optional><ref name=\"%s\"/></optional>\n",
			extension->name);
	else
		buffer_put_text(out, "    <empty/>\n");
	buffer_put_text(out, "  </define>\n");
}

static void put_element(struct buffer *out, const struct pib_class *class, const char *suffix,
	const struct pib_attribute *tag)
{
	buffer_put_text(out, "  <define name=\"%s%s\"><element name=\"%s\">\n", class->name, suffix,
		class->name);
	if (tag)
		put_attribute(out, class, tag);
	buffer_put_text(out, "    <ref name=\"%s.content\"/>\n  </element></define>\n",
		class->name);
}

static void put_choice(struct buffer *out, const char *name, bool rules)
{
	const struct pib_class *class;

	buffer_put_text(out, "  <define name=\"%s\"><choice>\n", name);
	for (class = class_next(NULL); class; class = class_next(class))
		if (!class_extends(class) && (rules || class->id != PIB_ipSecRule))
			buffer_put_text(out, "    <ref name=\"%s\"/>\n", class->name);
	buffer_put_text(out, "  </choice></define>\n");
}

static void put_lists(struct buffer *out)
{
	const struct pib_class *class;

	buffer_put_text(out, "  <define name=\"listed-row\"><choice>\n");
	for (class = class_next(NULL); class; class = class_next(class)) {
		if (!class_tag(class))
			continue;
		buffer_put_text(out, "    <group><attribute name=\"of\">");
		put_literal(out, class->name);
		buffer_put_text(out,
			"</attribute><zeroOrMore><ref name=\"%s.listed\"/></zeroOrMore></group>\n",
			class->name);
	}
	buffer_put_text(out, "  </choice></define>\n");
}

void row_schema_print(struct buffer *out)
{
	const struct pib_class *class;

	put_choice(out, "row", true);
	put_choice(out, "library-row", false);
	put_lists(out);
	for (class = class_next(NULL); class; class = class_next(class)) {
		const struct pib_attribute *tag = class_tag(class);

		put_content(out, class);
		put_element(out, class, "", tag);
		if (tag)
			put_element(out, class, ".listed", NULL);
	}
}

/* --- the manual --- */

static const char *kind_of(const struct pib_attribute *a)
{
	switch (a->role) {
	case PIB_REFERENCE:
	case PIB_TAG_REFERENCE:
		return pib_class(a->target)->name;
	case PIB_PRID:
		return "a row";
	case PIB_TAG:
		return "a list";
	default:
		break;
	}
	switch (a->syntax) {
	case PIB_ENUMERATION:
		return "a label";
	case PIB_BITS:
		return "labels";
	case PIB_OCTETS:
		return a->format == PIB_FORMAT_TEXT      ? "text"
		       : a->format == PIB_FORMAT_ADDRESS ? "an address"
							 : "octets";
	default:
		return notation_is_seconds(a) ? "seconds" : "a number";
	}
}

static void put_manual_attribute(
	struct buffer *out, const struct pib_class *class, const struct pib_attribute *a)
{
	char word[CLASS_WORD_SIZE];

	if (a->role == PIB_INSTANCE) {
		buffer_put_text(out, ".It %s Ta Ic number Ta a number Ta a free one\n", a->name);
		return;
	}
	class_word(class, a, word);
	buffer_put_text(out, ".It %s Ta Ic %s Ta %s Ta ", a->name, word, kind_of(a));
	if (class_absence(class, a).kind == ABSENT_REQUIRED)
		buffer_put_text(out, "%s", a->role == PIB_TAG ? "the list around it" : "required");
	else
		put_initial(out, class, a);
	buffer_put_u8(out, '\n');
}

void row_schema_print_manual(struct buffer *out)
{
	const struct pib_class *class;

	for (class = class_next(NULL); class; class = class_next(class)) {
		buffer_put_text(out, ".Ss %s\n", class->name);
		if (class_extends(class))
			buffer_put_text(out, "Stands in\n.Ic %s .\n", pib_class(class->base)->name);
		buffer_put_text(out,
			".Bl -column ipSecEspTransformReplayPreventionWindowSize "
			"replayPreventionWindowSize ipSecRuleTimePeriodSet\n"
			".It Em attribute of the PIB Ta Em here Ta Em is Ta Em left out\n");
		for (size_t k = 0; k < class->attribute_count; k++)
			put_manual_attribute(out, class, &class->attributes[k]);
		buffer_put_text(out, ".El\n");
	}
}
