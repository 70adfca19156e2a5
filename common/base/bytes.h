/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Octets: a view borrows, a buffer owns.
 *
 * A view is valid as long as what it points into; it is passed by value and never freed. A buffer
 * grows by appending up to its limit. Its first failure sticks (buffer.error): later appends do
 * nothing, so a caller writes straight on and looks once. Lengths that are known only later are
 * reserved and patched by offset, never by pointer.
 */
#ifndef COPSEC_COMMON_BASE_BYTES_H
#define COPSEC_COMMON_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct view {
	const uint8_t *data;
	size_t len;
};

#define VIEW(pointer, length) ((struct view){(const uint8_t *)(pointer), (length)})
#define VIEW_NONE ((struct view){NULL, 0})

/* The octets of a C string, without its NUL. */
struct view view_of_string(const char *s);
bool view_equal(struct view a, struct view b);
/* Octet order; a prefix sorts before what it is a prefix of. */
int view_compare(struct view a, struct view b);

struct buffer {
	uint8_t *data;
	size_t len;
	size_t capacity;
	size_t limit;   /* never more octets than this */
	enum err error; /* first failure: E_MEMORY or E_LIMIT */
};

void buffer_init(struct buffer *b, size_t limit);
void buffer_fini(struct buffer *b);
/* As buffer_fini, but overwrites the octets first: for keys. */
void buffer_fini_secret(struct buffer *b);
/* Forgets the contents and the error, keeps the memory. */
void buffer_reset(struct buffer *b);

void buffer_put(struct buffer *b, const void *data, size_t len);
void buffer_put_view(struct buffer *b, struct view v);
void buffer_put_u8(struct buffer *b, uint8_t v);
void buffer_put_u16(struct buffer *b, uint16_t v); /* network order, as all below */
void buffer_put_u32(struct buffer *b, uint32_t v);
void buffer_put_u64(struct buffer *b, uint64_t v);
void buffer_put_zeros(struct buffer *b, size_t count);
void buffer_put_text(struct buffer *b, const char *format, ...) PRINTF_LIKE(2, 3);
/* Overwrites octets that are there already; E_BUG if they are not. */
void buffer_patch_u16(struct buffer *b, size_t offset, uint16_t v);
void buffer_patch_u32(struct buffer *b, size_t offset, uint32_t v);
/* Removes the first `count` octets (at most all). */
void buffer_consume(struct buffer *b, size_t count);
/* Room for `count` more octets; their address, or NULL with the error set. Commit by buffer_grow. */
uint8_t *buffer_reserve(struct buffer *b, size_t count);
void buffer_grow(struct buffer *b, size_t count);

struct view buffer_view(const struct buffer *b);
/* A C string that lives until the next change; "" if the buffer failed. */
const char *buffer_string(struct buffer *b);

/* Lower-case hexadecimal. `out` has room for 2 * len + 1 characters. */
void hex_encode(char *out, struct view v);
/* Exactly `len` octets out of 2 * len hexadecimal digits, upper or lower case; false otherwise. */
bool hex_decode(uint8_t *out, size_t len, const char *text);

#endif
