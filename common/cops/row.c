/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/row.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/base/cursor.h"

enum { TAG_OBJECT_IDENTIFIER = 0x06 };

const char *cops_name(const struct cops_name *names, uint32_t value)
{
	for (; names && names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

const struct cops_row *cops_row_find(
	const struct cops_row *rows, size_t count, uint8_t num, uint8_t type)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].num == num && rows[i].type == type)
			return &rows[i];
	return NULL;
}

/*
 * Where a field of each kind lies. The offsets come from offsetof() on the structure that the
 * caller hands over, so the casts restore the type that is really there.
 */
static void *member(const struct cops_field *f, void *into)
{
	return (uint8_t *)into + f->offset;
}

static const void *const_member(const struct cops_field *f, const void *from)
{
	return (const uint8_t *)from + f->offset;
}

/* The contents octets of one OBJECT IDENTIFIER that fills the view; empty if it is none. */
static struct view oid_contents(struct view v)
{
	struct cursor c = cursor_over(v);
	uint8_t tag = cursor_u8(&c);
	size_t len = cursor_u8(&c);
	struct view octets;

	if (len > 0x80 && len <= 0x84) {
		size_t more = len - 0x80;

		for (len = 0; more; more--)
			len = len << 8 | cursor_u8(&c);
	}
	octets = cursor_take(&c, len);
	if (cursor_done(&c) || tag != TAG_OBJECT_IDENTIFIER || octets.len == 0 ||
		octets.data[octets.len - 1] & 0x80)
		return VIEW_NONE;
	return octets;
}

static bool is_printable(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] < 0x20 || v.data[i] > 0x7e)
			return false;
	return true;
}

/* Cut at the NUL; what pads the object behind it is not looked at. */
static struct view text_contents(struct view v)
{
	const uint8_t *nul = v.len ? memchr(v.data, 0, v.len) : NULL;

	return nul ? VIEW(v.data, (size_t)(nul - v.data)) : v;
}

static enum err out_of_range(
	const struct cops_row *row, const struct cops_field *f, uint32_t value, struct error *e)
{
	return error_set(e, E_RANGE, "%s: %s is %u, must be %u to %u", row->name, f->name,
		(unsigned)value, (unsigned)f->least, (unsigned)f->greatest);
}

static bool in_range(const struct cops_field *f, uint32_t value)
{
	return f->greatest == 0 || (value >= f->least && value <= f->greatest);
}

static enum err decode_field(const struct cops_row *row, const struct cops_field *f,
	struct cursor *c, void *into, struct error *e)
{
	uint32_t value = 0;
	struct view v;

	switch (f->kind) {
	case COPS_RESERVED16:
		cursor_u16(c);
		return c->error;
	case COPS_U16:
	case COPS_FLAGS16:
		value = cursor_u16(c);
		*(uint16_t *)member(f, into) = (uint16_t)value;
		break;
	case COPS_U32:
		value = cursor_u32(c);
		*(uint32_t *)member(f, into) = value;
		break;
	case COPS_ADDRESS4:
	case COPS_ADDRESS6:
		v = cursor_take(c, f->kind == COPS_ADDRESS4 ? 4 : 16);
		memset(member(f, into), 0, 16);
		if (v.len)
			memcpy(member(f, into), v.data, v.len);
		break;
	case COPS_TEXT:
		v = text_contents(cursor_rest(c));
		if (!is_printable(v))
			return error_set(
				e, E_SYNTAX, "%s: %s is not printable ASCII", row->name, f->name);
		*(struct view *)member(f, into) = v;
		value = (uint32_t)v.len;
		break;
	case COPS_OID:
		v = cursor_rest(c);
		if (!oid_contents(v).len)
			return error_set(e, E_SYNTAX, "%s: not one OBJECT IDENTIFIER", row->name);
		*(struct view *)member(f, into) = v;
		break;
	case COPS_OCTETS:
	case COPS_OBJECTS:
		*(struct view *)member(f, into) = cursor_rest(c);
		break;
	}
	if (c->error)
		return error_set(e, E_LENGTH, "%s: %s is cut off", row->name, f->name);
	if (!in_range(f, value))
		return out_of_range(row, f, value, e);
	return E_OK;
}

enum err cops_row_decode(
	const struct cops_row *row, struct view contents, void *into, struct error *e)
{
	struct cursor c = cursor_over(contents);

	if (contents.len < row->least || contents.len > row->greatest)
		return error_set(e, E_LENGTH, "%s: %zu octets of contents, must be %u to %u",
			row->name, contents.len, (unsigned)row->least, (unsigned)row->greatest);
	for (size_t i = 0; i < row->count; i++)
		if (decode_field(row, &row->fields[i], &c, into, e))
			return e->code;
	if (cursor_done(&c))
		return error_set(e, E_LENGTH, "%s: octets are left over", row->name);
	return E_OK;
}

static void refuse(struct buffer *out, enum err code)
{
	if (!out->error)
		out->error = code;
}

static void encode_field(const struct cops_field *f, const void *from, struct buffer *out)
{
	uint32_t value = 0;
	struct view v;

	switch (f->kind) {
	case COPS_RESERVED16:
		buffer_put_u16(out, 0);
		break;
	case COPS_U16:
	case COPS_FLAGS16:
		value = *(const uint16_t *)const_member(f, from);
		buffer_put_u16(out, (uint16_t)value);
		break;
	case COPS_U32:
		value = *(const uint32_t *)const_member(f, from);
		buffer_put_u32(out, value);
		break;
	case COPS_ADDRESS4:
	case COPS_ADDRESS6:
		buffer_put(out, const_member(f, from), f->kind == COPS_ADDRESS4 ? 4 : 16);
		break;
	case COPS_TEXT:
		/* RFC 2748 2.2.11: the NUL and the padding count as contents. */
		v = *(const struct view *)const_member(f, from);
		value = (uint32_t)v.len;
		if (!is_printable(v))
			refuse(out, E_BUG);
		buffer_put_view(out, v);
		buffer_put_zeros(out, 4 - v.len % 4);
		break;
	case COPS_OID:
		v = *(const struct view *)const_member(f, from);
		if (!oid_contents(v).len)
			refuse(out, E_BUG);
		buffer_put_view(out, v);
		break;
	case COPS_OCTETS:
	case COPS_OBJECTS:
		buffer_put_view(out, *(const struct view *)const_member(f, from));
		break;
	}
	if (!in_range(f, value))
		refuse(out, E_BUG);
}

void cops_row_encode(const struct cops_row *row, const void *from, struct buffer *out)
{
	size_t start = out->len;
	size_t len;

	buffer_put_u16(out, 0);
	buffer_put_u8(out, row->num);
	buffer_put_u8(out, row->type);
	for (size_t i = 0; i < row->count; i++)
		encode_field(&row->fields[i], from, out);
	if (out->error)
		return;
	len = out->len - start;
	if (len - 4 > row->greatest) {
		refuse(out, E_LIMIT);
		return;
	}
	if (len - 4 < row->least)
		refuse(out, E_BUG);
	buffer_patch_u16(out, start, (uint16_t)len);
	buffer_put_zeros(out, (4 - len % 4) % 4);
}

static void print_flags(const struct cops_field *f, uint16_t flags, struct buffer *out)
{
	buffer_put_text(out, "0x%04x", (unsigned)flags);
	for (uint32_t bit = 1; bit <= flags; bit <<= 1)
		if (flags & bit && cops_name(f->names, bit))
			buffer_put_text(out, ",%s", cops_name(f->names, bit));
}

static void print_number(const struct cops_field *f, uint32_t value, struct buffer *out)
{
	const char *name = cops_name(f->names, value);

	if (name)
		buffer_put_text(out, "%s(%u)", name, (unsigned)value);
	else
		buffer_put_text(out, "%u", (unsigned)value);
}

static void print_octets(struct view v, struct buffer *out)
{
	for (size_t i = 0; i < v.len; i++)
		buffer_put_text(out, "%02x", (unsigned)v.data[i]);
}

static void print_oid(struct view tlv, struct buffer *out)
{
	struct view v = oid_contents(tlv);
	uint64_t arc = 0;
	bool first = true;

	for (size_t i = 0; i < v.len; i++) {
		arc = (arc & UINT32_MAX) << 7 | (v.data[i] & 0x7f);
		if (v.data[i] & 0x80)
			continue;
		if (first) {
			unsigned root = arc < 80 ? (unsigned)arc / 40 : 2;

			buffer_put_text(out, "%u.", root);
			arc -= root * 40u;
			first = false;
		} else {
			buffer_put_u8(out, '.');
		}
		buffer_put_text(out, "%llu", (unsigned long long)arc);
		arc = 0;
	}
}

static void print_field(const struct cops_field *f, const void *from, struct buffer *out)
{
	char text[INET6_ADDRSTRLEN];

	if (f->kind == COPS_RESERVED16)
		return;
	buffer_put_text(out, " %s=", f->name);
	switch (f->kind) {
	case COPS_RESERVED16:
		break;
	case COPS_U16:
		print_number(f, *(const uint16_t *)const_member(f, from), out);
		break;
	case COPS_FLAGS16:
		print_flags(f, *(const uint16_t *)const_member(f, from), out);
		break;
	case COPS_U32:
		print_number(f, *(const uint32_t *)const_member(f, from), out);
		break;
	case COPS_ADDRESS4:
	case COPS_ADDRESS6:
		inet_ntop(f->kind == COPS_ADDRESS4 ? AF_INET : AF_INET6, const_member(f, from),
			text, sizeof text);
		buffer_put_text(out, "%s", text);
		break;
	case COPS_TEXT:
		buffer_put_u8(out, '"');
		buffer_put_view(out, *(const struct view *)const_member(f, from));
		buffer_put_u8(out, '"');
		break;
	case COPS_OID:
		print_oid(*(const struct view *)const_member(f, from), out);
		break;
	case COPS_OCTETS:
		print_octets(*(const struct view *)const_member(f, from), out);
		break;
	case COPS_OBJECTS:
		buffer_put_text(
			out, "%zu octets", ((const struct view *)const_member(f, from))->len);
		break;
	}
}

void cops_row_print(const struct cops_row *row, const void *from, struct buffer *out)
{
	buffer_put_text(out, "%s", row->name);
	for (size_t i = 0; i < row->count; i++)
		print_field(&row->fields[i], from, out);
}
