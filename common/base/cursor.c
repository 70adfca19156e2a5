/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/cursor.h"

struct cursor cursor_over(struct view v)
{
	return (struct cursor){.data = v.data, .len = v.len};
}

size_t cursor_left(const struct cursor *c)
{
	return c->error ? 0 : c->len - c->at;
}

void cursor_fail(struct cursor *c, enum err error)
{
	if (!c->error)
		c->error = error;
}

struct view cursor_take(struct cursor *c, size_t len)
{
	struct view v;

	if (c->error)
		return VIEW_NONE;
	if (len > c->len - c->at) {
		cursor_fail(c, E_TRUNCATED);
		return VIEW_NONE;
	}
	/* An empty view over nothing has no address to add to. */
	v = len ? VIEW(c->data + c->at, len) : VIEW_NONE;
	c->at += len;
	return v;
}

struct view cursor_rest(struct cursor *c)
{
	return cursor_take(c, cursor_left(c));
}

static uint64_t number(struct cursor *c, size_t octets)
{
	struct view v = cursor_take(c, octets);
	uint64_t n = 0;

	for (size_t i = 0; i < v.len; i++)
		n = n << 8 | v.data[i];
	return n;
}

uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)number(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)number(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)number(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
	return number(c, 8);
}

void cursor_zeros(struct cursor *c, size_t count)
{
	struct view v = cursor_take(c, count);

	for (size_t i = 0; i < v.len; i++)
		if (v.data[i])
			cursor_fail(c, E_PADDING);
}

enum err cursor_done(struct cursor *c)
{
	if (!c->error && c->at != c->len)
		cursor_fail(c, E_TRAILING);
	return c->error;
}
