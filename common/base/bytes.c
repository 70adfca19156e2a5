/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct view view_of_string(const char *s)
{
	return VIEW(s, strlen(s));
}

bool view_equal(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int view_compare(struct view a, struct view b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.data, b.data, shorter) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

void buffer_init(struct buffer *b, size_t limit)
{
	*b = (struct buffer){.limit = limit};
}

void buffer_fini(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){.limit = b->limit};
}

void buffer_fini_secret(struct buffer *b)
{
	if (b->data)
		explicit_bzero(b->data, b->capacity);
	buffer_fini(b);
}

void buffer_reset(struct buffer *b)
{
	b->len = 0;
	b->error = E_OK;
}

uint8_t *buffer_reserve(struct buffer *b, size_t count)
{
	size_t capacity;
	uint8_t *data;

	if (b->error)
		return NULL;
	if (count > b->limit - b->len) {
		b->error = E_LIMIT;
		return NULL;
	}
	if (b->data && count < b->capacity - b->len)
		return b->data + b->len;

	/* One octet more than asked for, so that buffer_string() always finds room for its NUL. */
	capacity = b->capacity < 64 ? 64 : b->capacity;
	while (capacity - b->len <= count)
		capacity *= 2;
	data = malloc(capacity);
	if (!data) {
		b->error = E_MEMORY;
		return NULL;
	}
	if (b->len)
		memcpy(data, b->data, b->len);
	if (b->data) {
		/* Not realloc: what moves may be a key, and must not stay behind. */
		explicit_bzero(b->data, b->len);
		free(b->data);
	}
	b->data = data;
	b->capacity = capacity;
	return data + b->len;
}

void buffer_grow(struct buffer *b, size_t count)
{
	if (b->error)
		return;
	if (count > b->capacity - b->len)
		b->error = E_BUG;
	else
		b->len += count;
}

void buffer_put(struct buffer *b, const void *data, size_t len)
{
	uint8_t *to = buffer_reserve(b, len);

	if (!to)
		return;
	if (len)
		memcpy(to, data, len);
	b->len += len;
}

void buffer_put_view(struct buffer *b, struct view v)
{
	buffer_put(b, v.data, v.len);
}

void buffer_put_u8(struct buffer *b, uint8_t v)
{
	buffer_put(b, &v, 1);
}

void buffer_put_u16(struct buffer *b, uint16_t v)
{
	uint8_t octets[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	buffer_put(b, octets, sizeof octets);
}

void buffer_put_u32(struct buffer *b, uint32_t v)
{
	buffer_put_u16(b, (uint16_t)(v >> 16));
	buffer_put_u16(b, (uint16_t)v);
}

void buffer_put_u64(struct buffer *b, uint64_t v)
{
	buffer_put_u32(b, (uint32_t)(v >> 32));
	buffer_put_u32(b, (uint32_t)v);
}

void buffer_put_zeros(struct buffer *b, size_t count)
{
	uint8_t *to = buffer_reserve(b, count);

	if (!to)
		return;
	memset(to, 0, count);
	b->len += count;
}

void buffer_put_text(struct buffer *b, const char *format, ...)
{
	va_list ap;
	uint8_t *to;
	int need;

	va_start(ap, format);
	need = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (need < 0) {
		b->error = b->error ? b->error : E_BUG;
		return;
	}
	to = buffer_reserve(b, (size_t)need + 1);
	if (!to)
		return;
	va_start(ap, format);
	vsnprintf((char *)to, (size_t)need + 1, format, ap);
	va_end(ap);
	b->len += (size_t)need;
}

void buffer_patch_u16(struct buffer *b, size_t offset, uint16_t v)
{
	if (b->error)
		return;
	if (offset > b->len || b->len - offset < 2) {
		b->error = E_BUG;
		return;
	}
	b->data[offset] = (uint8_t)(v >> 8);
	b->data[offset + 1] = (uint8_t)v;
}

void buffer_patch_u32(struct buffer *b, size_t offset, uint32_t v)
{
	buffer_patch_u16(b, offset, (uint16_t)(v >> 16));
	buffer_patch_u16(b, offset + 2, (uint16_t)v);
}

void buffer_consume(struct buffer *b, size_t count)
{
	if (count >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + count, b->len - count);
	b->len -= count;
}

struct view buffer_view(const struct buffer *b)
{
	return VIEW(b->data, b->len);
}

const char *buffer_string(struct buffer *b)
{
	if (b->error || !b->data)
		return "";
	/* buffer_reserve() keeps an octet in hand. */
	b->data[b->len] = 0;
	return (const char *)b->data;
}

void hex_encode(char *out, struct view v)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < v.len; i++) {
		*out++ = digits[v.data[i] >> 4];
		*out++ = digits[v.data[i] & 15];
	}
	*out = 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(uint8_t *out, size_t len, const char *text)
{
	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < 2 * len; i++)
		if (hex_digit(text[i]) < 0)
			return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return true;
}
