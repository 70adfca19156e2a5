/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of VICI, by which charon is told and asked things.
 *
 * A message is a run of elements: values with a name, sections of elements, lists of items;
 * sections nest, lists do not. vici_check() looks at a whole message once; what it has passed can
 * be read by the functions below without any failure, and what they give borrows from it. Values
 * are octets; charon writes numbers and yes or no as text.
 *
 * Source: strongSwan's description of the VICI protocol, "Message format".
 */
#ifndef COPSEC_PEP_IKE_VICI_MESSAGE_H
#define COPSEC_PEP_IKE_VICI_MESSAGE_H

#include "common/base/cursor.h"

enum {
	VICI_NAME_MAX = 255,    /* octets of a name */
	VICI_VALUE_MAX = 65535, /* of a value */
	VICI_DEPTH_MAX = 16,    /* of sections in each other; charon uses five */
};

/* As the octet says it that an element begins with. */
enum vici_kind {
	VICI_SECTION = 1,
	VICI_SECTION_END,
	VICI_VALUE,
	VICI_LIST,
	VICI_ITEM,
	VICI_LIST_END,
};

/* E_TRUNCATED, E_TYPE (no such element), E_UNEXPECTED (an element where it cannot be), E_LIMIT
 * (too deep). */
enum err vici_check(struct view message, struct error *error) MUST_USE;

/* What stands directly in a message, a section or a list. */
struct vici_entry {
	enum vici_kind kind;  /* VICI_SECTION, VICI_VALUE, VICI_LIST or VICI_ITEM */
	struct view name;     /* empty for an item */
	struct view contents; /* the value; the elements of a section or list, without its end */
};

/* The next one; false at the end. Start with cursor_over() a message or an entry's contents. */
bool vici_next_entry(struct cursor *c, struct vici_entry *ret);
/* The first of this kind and name; false if there is none. */
bool vici_find(struct view section, enum vici_kind kind, const char *name, struct view *ret);

/* Is the value of this name there and equal to the text? */
bool vici_says(struct view section, const char *name, const char *text);
/* A decimal number, or hexadecimal digits (base 10 or 16); false if it is not there or not one. */
bool vici_number(struct view section, const char *name, unsigned base, uint64_t *ret);

/* Writing. A name or value that is too long makes the buffer fail with E_LIMIT. */
void vici_put_section(struct buffer *b, const char *name);
void vici_put_section_end(struct buffer *b);
void vici_put_value(struct buffer *b, const char *name, struct view value);
void vici_put_text(struct buffer *b, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
void vici_put_list(struct buffer *b, const char *name);
void vici_put_item(struct buffer *b, struct view value);
void vici_put_list_end(struct buffer *b);

#endif
