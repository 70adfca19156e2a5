/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Distinguished encoding rules (X.690 §10), as far as CMS needs them: one-octet tags, definite
 * minimal lengths. Reading goes over a cursor and fails as a cursor does.
 */
#ifndef COPSEC_COMMON_CRYPTO_DER_H
#define COPSEC_COMMON_CRYPTO_DER_H

#include "common/base/bytes.h"
#include "common/base/cursor.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0x80,             /* [0] IMPLICIT of a primitive type */
	DER_CONTEXT_0_CONSTRUCTED = 0xa0, /* [0] EXPLICIT, or IMPLICIT of a constructed type */
};

/* The tag of what comes next, 0 at the end. */
uint8_t der_peek(const struct cursor *c);
/* The contents of the next element, which must have this tag: E_TYPE, E_LENGTH, E_TRUNCATED. */
struct view der_take(struct cursor *c, enum der_tag tag);
/* The same, with tag and length. */
struct view der_take_whole(struct cursor *c, enum der_tag tag);

/* Octets that an element with contents of this length takes. */
size_t der_size(size_t contents);
void der_put_header(struct buffer *b, enum der_tag tag, size_t contents);
void der_put(struct buffer *b, enum der_tag tag, struct view contents);

#endif
