/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/ike/vici_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What an element consists of besides its first octet, and where it may stand. */
static const struct form {
	bool has_name;
	bool has_value;
	bool in_list;
	bool in_section;
} forms[] = {
	[VICI_SECTION] = {.has_name = true, .in_section = true},
	[VICI_SECTION_END] = {.in_section = true},
	[VICI_VALUE] = {.has_name = true, .has_value = true, .in_section = true},
	[VICI_LIST] = {.has_name = true, .in_section = true},
	[VICI_ITEM] = {.has_value = true, .in_list = true},
	[VICI_LIST_END] = {.in_list = true},
};

/* The next element; `contents` is the value. */
static void read_element(struct cursor *c, struct vici_entry *ret)
{
	uint8_t kind = cursor_u8(c);

	*ret = (struct vici_entry){.kind = (enum vici_kind)kind};
	if (c->error)
		return;
	if (kind < VICI_SECTION || kind > VICI_LIST_END) {
		cursor_fail(c, E_TYPE);
		return;
	}
	if (forms[kind].has_name)
		ret->name = cursor_take(c, cursor_u8(c));
	if (forms[kind].has_value)
		ret->contents = cursor_take(c, cursor_u16(c));
}

enum err vici_check(struct view message, struct error *error)
{
	struct cursor c = cursor_over(message);
	unsigned depth = 0;
	bool in_list = false;

	while (cursor_left(&c) > 0) {
		struct vici_entry e;
		size_t at = c.at;

		read_element(&c, &e);
		if (c.error)
			return error_set(error, c.error,
				"element at octet %zu of a VICI message: %s", at,
				err_text(c.error));
		if (in_list ? !forms[e.kind].in_list : !forms[e.kind].in_section)
			return error_set(error, E_UNEXPECTED,
				"element of type %d at octet %zu of a VICI message cannot stand "
				"there",
				e.kind, at);
		if (e.kind == VICI_LIST || e.kind == VICI_LIST_END)
			in_list = e.kind == VICI_LIST;
		if (e.kind == VICI_SECTION && ++depth > VICI_DEPTH_MAX)
			return error_set(error, E_LIMIT,
				"more than %d sections in each other in a VICI message",
				VICI_DEPTH_MAX);
		if (e.kind == VICI_SECTION_END && depth-- == 0)
			return error_set(error, E_UNEXPECTED,
				"end of no section at octet %zu of a VICI message", at);
	}
	if (in_list || depth > 0)
		return error_set(error, E_TRUNCATED, "a VICI message ends within a %s",
			in_list ? "list" : "section");
	return E_OK;
}

bool vici_next_entry(struct cursor *c, struct vici_entry *ret)
{
	struct vici_entry inner;
	size_t begin, end;
	unsigned depth = 1;

	if (cursor_left(c) == 0)
		return false;
	read_element(c, ret);
	if (ret->kind != VICI_SECTION && ret->kind != VICI_LIST)
		return !c->error;
	begin = end = c->at;
	while (depth > 0 && !c->error) {
		end = c->at;
		read_element(c, &inner);
		if (inner.kind == VICI_SECTION || inner.kind == VICI_LIST)
			depth++;
		else if (inner.kind == VICI_SECTION_END || inner.kind == VICI_LIST_END)
			depth--;
	}
	ret->contents = VIEW(c->data + begin, end - begin);
	return !c->error;
}

bool vici_find(struct view section, enum vici_kind kind, const char *name, struct view *ret)
{
	struct cursor c = cursor_over(section);
	struct vici_entry e;

	while (vici_next_entry(&c, &e)) {
		if (e.kind == kind && view_equal(e.name, view_of_string(name))) {
			*ret = e.contents;
			return true;
		}
	}
	return false;
}

bool vici_says(struct view section, const char *name, const char *text)
{
	struct view value;

	return vici_find(section, VICI_VALUE, name, &value) &&
	       view_equal(value, view_of_string(text));
}

bool vici_number(struct view section, const char *name, unsigned base, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	struct view value;
	uint64_t n = 0;

	if (!vici_find(section, VICI_VALUE, name, &value) || value.len == 0)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		const char *digit = memchr(digits, value.data[i], base);

		if (!digit || __builtin_mul_overflow(n, base, &n) ||
			__builtin_add_overflow(n, (uint64_t)(digit - digits), &n))
			return false;
	}
	*ret = n;
	return true;
}

/* ---- Writing ---- */

static void put_element(struct buffer *b, enum vici_kind kind, const char *name, struct view value)
{
	size_t name_len = name ? strlen(name) : 0;

	if (!b->error && (name_len > VICI_NAME_MAX || value.len > VICI_VALUE_MAX))
		b->error = E_LIMIT;
	buffer_put_u8(b, (uint8_t)kind);
	if (forms[kind].has_name) {
		buffer_put_u8(b, (uint8_t)name_len);
		buffer_put(b, name, name_len);
	}
	if (forms[kind].has_value) {
		buffer_put_u16(b, (uint16_t)value.len);
		buffer_put_view(b, value);
	}
}

void vici_put_section(struct buffer *b, const char *name)
{
	put_element(b, VICI_SECTION, name, VIEW_NONE);
}

void vici_put_section_end(struct buffer *b)
{
	put_element(b, VICI_SECTION_END, NULL, VIEW_NONE);
}

void vici_put_value(struct buffer *b, const char *name, struct view value)
{
	put_element(b, VICI_VALUE, name, value);
}

void vici_put_text(struct buffer *b, const char *name, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (len < 0 || (size_t)len >= sizeof text) {
		if (!b->error)
			b->error = E_LIMIT;
		return;
	}
	vici_put_value(b, name, VIEW(text, (size_t)len));
}

void vici_put_list(struct buffer *b, const char *name)
{
	put_element(b, VICI_LIST, name, VIEW_NONE);
}

void vici_put_item(struct buffer *b, struct view value)
{
	put_element(b, VICI_ITEM, NULL, value);
}

void vici_put_list_end(struct buffer *b)
{
	put_element(b, VICI_LIST_END, NULL, VIEW_NONE);
}
