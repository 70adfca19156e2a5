/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/row_grammar.h"

#include <string.h>

#include "pib/set/block.h"
#include "pmt/language/grammar.h"
#include "pmt/language/notation.h"
#include "pmt/language/value.h"

enum { SHOWN_MAX = 60 };

static bool is_list(const struct element *el)
{
	return el->rule && el->rule->kind == ELEMENT_LIST;
}

/* What a list is of, if that is said. */
static const struct pib_class *listed_class(const struct element *list)
{
	const struct attribute *of = element_attribute(list, ATTRIBUTE_OF);

	return of ? class_of_element(of->value) : NULL;
}

static bool is_alone(const struct element *el, struct diagnostics *d)
{
	for (const struct element *other = el->parent->first_child; other != el;
		other = other->next)
		if (other->class == el->class) {
			report_error(d, el->at, "<%s> stands here already", el->name);
			return false;
		}
	return true;
}

bool row_may_stand(const struct element *el, struct diagnostics *d)
{
	const struct element *parent = el->parent;
	const struct pib_class *class = el->class, *listed;

	if (class_extends(class)) {
		if (parent->class && parent->class->id == class->base)
			return is_alone(el, d);
		report_error(d, el->at, "<%s> stands in <%s>, which it extends", class->name,
			pib_class(class->base)->name);
		return false;
	}
	listed = is_list(parent) ? listed_class(parent) : NULL;
	if (listed && listed != class) {
		report_error(d, el->at, "this is a list of %s; <%s> may not stand in it",
			listed->name, class->name);
		return false;
	}
	if (class->id == PIB_ipSecRule && parent->rule->kind == ELEMENT_PIB) {
		report_error(d, el->at,
			"a rule has its place among others: <%s> stands in <rules>", class->name);
		return false;
	}
	return true;
}

bool row_has_attribute(const struct element *el, struct attribute *a)
{
	a->pib = el->class ? class_attribute(el->class, a->name) : NULL;
	return a->pib != NULL;
}

bool row_check_attribute(struct attribute *a, struct diagnostics *d)
{
	struct arena scratch;
	struct notation n;
	struct error e;
	enum err code;

	arena_init(&scratch, 2 * NOTATION_OCTETS_MAX);
	code = notation_read(a->pib, a->value, &scratch, &n, &e);
	if (code) {
		report_error(d, a->value_at, "%s", e.text);
		a->pib = NULL;
	}
	arena_fini(&scratch);
	return !code;
}

static bool is_written(const struct element *el, const struct pib_attribute *pib)
{
	for (size_t i = 0; i < el->attribute_count; i++)
		if (class_attribute(el->class, el->attributes[i].name) == pib)
			return true;
	return false;
}

/* The tag of a row in <list> is the list's. */
static bool check_tag(const struct element *el, const struct pib_attribute *tag, const char *word,
	struct diagnostics *d)
{
	const bool listed = is_list(el->parent), written = is_written(el, tag);

	if (listed && written)
		report_error(d, el->at, "the <list> around <%s> says %s already", el->name, word);
	else if (!listed && !written)
		report_error(d, el->at, "<%s> needs the attribute %s, or a <list> around it",
			el->name, word);
	return listed != written;
}

bool row_check_required(const struct element *el, struct diagnostics *d)
{
	const struct pib_class *class = el->class;
	char word[CLASS_WORD_SIZE];
	bool good = true;

	for (size_t i = 0; class && i < class->attribute_count; i++) {
		const struct pib_attribute *a = &class->attributes[i];

		class_word(class, a, word);
		if (a->role == PIB_TAG) {
			good = check_tag(el, a, word, d) && good;
		} else if (a->role != PIB_INSTANCE && !is_written(el, a) &&
			   class_absence(class, a).kind == ABSENT_REQUIRED) {
			report_error(d, el->at, "<%s> needs the attribute %s", el->name, word);
			good = false;
		}
	}
	return good;
}

void row_put_attribute_names(const struct element *el, struct buffer *out)
{
	char word[CLASS_WORD_SIZE];

	for (size_t i = 0; el->class && i < el->class->attribute_count; i++) {
		if (el->class->attributes[i].role == PIB_INSTANCE)
			continue;
		class_word(el->class, &el->class->attributes[i], word);
		buffer_put_text(out, "%s%s", out->len ? ", " : "", word);
	}
}

static int shown(struct view word)
{
	return (int)(word.len > SHOWN_MAX ? SHOWN_MAX : word.len);
}

enum err row_check_instance(struct view word, struct error *e)
{
	uint32_t number = 0;

	if (!parse_number(word, BLOCK_INSTANCE_MAX, &number, e) && number > 0)
		return E_OK;
	return error_set(e, E_RANGE, "\"%.*s\" is not a number from 1 to %d", shown(word),
		(const char *)word.data, BLOCK_INSTANCE_MAX);
}

enum err row_check_listed(struct view word, struct error *e)
{
	const struct pib_class *class;

	for (class = class_next(NULL); class; class = class_next(class))
		if (class_tag(class) && view_equal(word, view_of_string(class->name)))
			return E_OK;
	return error_set(e, E_UNKNOWN, "\"%.*s\" is no class whose rows are in lists", shown(word),
		(const char *)word.data);
}
