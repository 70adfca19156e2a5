/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/names.h"

#include <string.h>

enum {
	NEAR_LENGTH_MAX = 63, /* longer names are not compared */
	NEAR_COUNT_MAX = 20000
};

enum err names_init(struct names *n, struct arena *arena, size_t most)
{
	size_t size = 16;

	while (size / 2 <= most)
		size *= 2;
	*n = (struct names){.size = size};
	n->slots = arena_calloc(arena, size, sizeof *n->slots);
	return n->slots ? E_OK : E_MEMORY;
}

/* FNV-1a */
static size_t hash(struct view name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ name.data[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static struct named *slot(const struct names *n, struct view name)
{
	size_t at = hash(name) & (n->size - 1);

	while (n->slots[at].name && !view_equal(view_of_string(n->slots[at].name), name))
		at = (at + 1) & (n->size - 1);
	return &n->slots[at];
}

struct named *names_find(const struct names *n, struct view name)
{
	struct named *found = slot(n, name);

	return found->name ? found : NULL;
}

struct named *names_add(struct names *n, const char *name)
{
	struct named *place = slot(n, view_of_string(name));

	if (!place->name) {
		place->name = name;
		n->count++;
	}
	return place;
}

/* Letters to insert, remove, replace. */
static size_t distance(struct view a, struct view b)
{
	size_t row[NEAR_LENGTH_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t replace = diagonal + (a.data[i - 1] != b.data[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = replace < least ? replace : least;
		}
	}
	return row[b.len];
}

const char *names_near(const struct names *n, struct view name, unsigned kinds)
{
	/* Two letters that changed places count as two. */
	size_t best = name.len < 4 ? 2 : name.len < 8 ? 3 : 4;
	const char *near = NULL;

	if (name.len > NEAR_LENGTH_MAX || n->count > NEAR_COUNT_MAX)
		return NULL;
	for (size_t i = 0; i < n->size; i++) {
		const struct named *s = &n->slots[i];
		struct view other;
		size_t d;

		if (!s->name || !(kinds & 1u << s->kind))
			continue;
		other = view_of_string(s->name);
		if (other.len > NEAR_LENGTH_MAX)
			continue;
		d = distance(name, other);
		/* Of equals the first in the alphabet, whatever the table's order. */
		if (d < best || (d == best && near && strcmp(s->name, near) < 0)) {
			best = d;
			near = s->name;
		}
	}
	return near;
}
