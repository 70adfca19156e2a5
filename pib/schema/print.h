/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PRIs for people and for JSON, with the names of the schema. Octets that came from outside are
 * escaped: nothing printed here can contain a control character.
 */
#ifndef COPSEC_PIB_SCHEMA_PRINT_H
#define COPSEC_PIB_SCHEMA_PRINT_H

#include "pib/schema/pri.h"

/* Keys and sealed secrets are never printed, but how many octets they have. */

/* The value alone: `bi-directional`, `"gateway+lan"`, `192.0.2.0`, `ipSecAddress.3`, `NULL`. */
void pri_print_value(struct buffer *out, const struct pri *pri, unsigned attribute);
/* "ipSecRule.7\n", then a line for each attribute: two blanks, name, " = ", value. */
void pri_print(struct buffer *out, const struct pri *pri);

/* One attribute as a JSON member: switch over kind. */
enum pri_field_kind { PRI_FIELD_NULL, PRI_FIELD_BOOL, PRI_FIELD_INTEGER, PRI_FIELD_TEXT };

struct pri_field {
	const char *name; /* without the class's name in front, first letter small: "order" */
	enum pri_field_kind kind;
	bool boolean;
	int64_t integer; /* an Unsigned64 above INT64_MAX becomes text */
};

enum { PRI_FIELD_NAME_SIZE = 64 };

/* `text` is reset, and holds the value if kind is PRI_FIELD_TEXT; `name` is where ret_field->name
 * is kept. */
void pri_field(const struct pri *pri, unsigned attribute, char name[PRI_FIELD_NAME_SIZE],
	struct buffer *text, struct pri_field *ret_field);

#endif
