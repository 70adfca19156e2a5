/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include <string.h>

void *take(struct builder *b, size_t count, size_t size)
{
	void *p = arena_calloc(&b->m->arena, count ? count : 1, size);

	if (!p)
		b->no_memory = true;
	return p;
}

const char *keep(struct builder *b, const char *text)
{
	char *p = arena_strdup(&b->m->arena, text);

	if (!p)
		b->no_memory = true;
	return p;
}

struct words words_of(const struct element *el, enum attribute_id id)
{
	const struct attribute *a = element_attribute(el, id);

	return (struct words){.attribute = a, .rest = a ? view_of_string(a->value) : VIEW_NONE};
}

bool words_next(struct words *w)
{
	w->word = next_word(&w->rest);
	if (w->word.len)
		w->at = attribute_place(w->attribute,
			(size_t)(w->word.data - (const uint8_t *)w->attribute->value), w->word.len);
	return w->word.len > 0;
}

size_t count_words(const struct element *el, enum attribute_id id)
{
	struct words w = words_of(el, id);
	size_t n = 0;

	while (words_next(&w))
		n++;
	return n;
}

void define(struct builder *b, struct names *table, const struct element *el, unsigned kind,
	void *object)
{
	static const char *const what[] = {"a network", "a role", "a node", "a service",
		"a protection", "a rule", "a schedule", "an offer", "a group", "a delegation"};
	const struct attribute *a = element_attribute(el, ATTRIBUTE_NAME);
	struct named *n;
	struct buffer first;

	if (!a)
		return;
	n = names_find(table, view_of_string(a->value));
	if (n) {
		buffer_init(&first, 4096);
		place_print(b->d, n->at, &first);
		report_error(b->d, a->value_at, "the name \"%s\" is taken by %s, at %s", a->value,
			what[n->kind], buffer_string(&first));
		buffer_fini(&first);
		return;
	}
	n = names_add(table, a->value);
	n->at = a->value_at;
	n->kind = kind;
	n->object = el->faulty ? NULL : object;
}

struct named *refer(struct builder *b, const struct names *table, struct view word, struct place at,
	unsigned kinds, const char *what)
{
	struct named *n = names_find(table, word);
	const char *near;

	if (n && kinds & 1u << n->kind)
		return n;
	near = names_near(table, word, kinds);
	report_error(b->d, at, "no %s is called \"%.*s\"%s%s%s", what, (int)word.len,
		(const char *)word.data, near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
	return NULL;
}
