/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/der.h"

enum {
	DER_LONG = 0x80,       /* a length octet with this bit counts the length octets behind it */
	DER_LENGTH_OCTETS = 4, /* and here they are never more */
};

uint8_t der_peek(const struct cursor *c)
{
	return cursor_left(c) ? c->data[c->at] : 0;
}

static size_t take_length(struct cursor *c)
{
	uint8_t first = cursor_u8(c);
	size_t octets = first & (DER_LONG - 1);
	size_t len = 0;

	if (!(first & DER_LONG))
		return first;
	if (octets == 0 || octets > DER_LENGTH_OCTETS) {
		cursor_fail(c, E_LENGTH);
		return 0;
	}
	for (size_t i = 0; i < octets; i++)
		len = len << 8 | cursor_u8(c);
	/* As short as possible: no leading zero octet, and no long form where the short one does. */
	if (len < DER_LONG || (octets > 1 && len >> (8 * (octets - 1)) == 0))
		cursor_fail(c, E_LENGTH);
	return len;
}

struct view der_take(struct cursor *c, enum der_tag tag)
{
	if (cursor_u8(c) != tag)
		cursor_fail(c, E_TYPE);
	return cursor_take(c, take_length(c));
}

struct view der_take_whole(struct cursor *c, enum der_tag tag)
{
	size_t start = c->at;

	der_take(c, tag);
	return c->error ? VIEW_NONE : VIEW(c->data + start, c->at - start);
}

static size_t length_octets(size_t len)
{
	size_t n = 0;

	for (; len; len >>= 8)
		n++;
	return n;
}

size_t der_size(size_t contents)
{
	return 2 + (contents < DER_LONG ? 0 : length_octets(contents)) + contents;
}

void der_put_header(struct buffer *b, enum der_tag tag, size_t contents)
{
	buffer_put_u8(b, (uint8_t)tag);
	if (contents < DER_LONG) {
		buffer_put_u8(b, (uint8_t)contents);
		return;
	}
	buffer_put_u8(b, (uint8_t)(DER_LONG | length_octets(contents)));
	for (size_t i = length_octets(contents); i > 0; i--)
		buffer_put_u8(b, (uint8_t)(contents >> (8 * (i - 1))));
}

void der_put(struct buffer *b, enum der_tag tag, struct view contents)
{
	der_put_header(b, tag, contents.len);
	buffer_put_view(b, contents);
}
