/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SHA-256, all at once or piece by piece.
 *
 * The incremental form keeps its first failure (sha256.error), so a caller puts straight on and
 * looks once, at sha256_final(), which also makes the value ready for the next digest. One
 * struct sha256 for many digests is what makes hashing thousands of small leaves cheap.
 */
#ifndef COPSEC_COMMON_CRYPTO_DIGEST_H
#define COPSEC_COMMON_CRYPTO_DIGEST_H

#include "common/base/bytes.h"

enum { SHA256_SIZE = 32 };

struct sha256 {
	void *context; /* OpenSSL's, NULL after a failed sha256_init() */
	enum err error;
};

void sha256_init(struct sha256 *s);
void sha256_fini(struct sha256 *s);
void sha256_put(struct sha256 *s, const void *data, size_t len);
void sha256_put_view(struct sha256 *s, struct view v);
void sha256_put_u8(struct sha256 *s, uint8_t v);
void sha256_put_u32(struct sha256 *s, uint32_t v); /* network order */
/* The digest of what was put since the last one; clears the error too. */
enum err sha256_final(struct sha256 *s, uint8_t ret_digest[SHA256_SIZE]) MUST_USE;

enum err sha256_of(struct view v, uint8_t ret_digest[SHA256_SIZE]) MUST_USE;

#endif
