/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading octets from outside.
 *
 * A cursor walks over a view that it borrows. Its first failure sticks (cursor.error, with the
 * offset where it happened): later reads give zero or an empty view, so a decoder reads straight
 * on and looks once. No read can pass the end.
 */
#ifndef COPSEC_COMMON_BASE_CURSOR_H
#define COPSEC_COMMON_BASE_CURSOR_H

#include "common/base/bytes.h"

struct cursor {
	const uint8_t *data;
	size_t len;
	size_t at;
	enum err error;
};

struct cursor cursor_over(struct view v);
size_t cursor_left(const struct cursor *c);
/* Keeps the first failure. */
void cursor_fail(struct cursor *c, enum err error);

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c); /* network order, as all below */
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
/* The next `len` octets, borrowed; E_TRUNCATED and an empty view if there are fewer. */
struct view cursor_take(struct cursor *c, size_t len);
struct view cursor_rest(struct cursor *c);
/* `count` octets that must be zero; E_PADDING if one is not. */
void cursor_zeros(struct cursor *c, size_t count);
/* E_TRAILING if octets are left; the sticky error, if any, otherwise E_OK. */
enum err cursor_done(struct cursor *c) MUST_USE;

#endif
