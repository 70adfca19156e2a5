/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/refusals.h"

#include <stdbool.h>
#include <stdio.h>

enum { ERRORS_MAX = 4 };

static const struct {
	const char *name, *sentence;
	enum err errors[ERRORS_MAX]; /* E_OK ends the list */
} rows[REFUSAL_REASONS] = {
#define X(symbol, name, sentence, ...) [REFUSAL_##symbol] = {name, sentence, {__VA_ARGS__}},
	REFUSALS(X)
#undef X
};

const char *refusal_name(enum refusal reason)
{
	return rows[reason].name;
}

static bool counts_as(size_t reason, enum err why)
{
	for (size_t i = 0; i < ERRORS_MAX && rows[reason].errors[i]; i++)
		if (rows[reason].errors[i] == why)
			return true;
	return false;
}

void refusals_count(struct refusals *r, enum err why)
{
	for (size_t i = 0; i < REFUSAL_REASONS; i++)
		if (counts_as(i, why))
			r->of[i]++;
}

void refusals_add_json(const struct refusals *r, const char *what, json_t *list)
{
	for (size_t i = 0; i < REFUSAL_REASONS; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:I, s:s}", "what", what, "reason", rows[i].name,
				  "count", (json_int_t)r->of[i], "meaning", rows[i].sentence));
}

void refusals_print(const json_t *list)
{
	const json_t *row;
	size_t i;

	printf("%10s  %-14s %-20s %s\n", "REFUSED", "WHAT", "REASON", "MEANING");
	json_array_foreach(list, i, row) {
		json_int_t count = json_integer_value(json_object_get(row, "count"));

		if (count)
			printf("%10" JSON_INTEGER_FORMAT "  %-14s %-20s %s\n", count,
			       json_string_value(json_object_get(row, "what")),
			       json_string_value(json_object_get(row, "reason")),
			       json_string_value(json_object_get(row, "meaning")));
	}
}
