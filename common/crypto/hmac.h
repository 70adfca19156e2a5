/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HMAC (RFC 2104), all at once. Nothing is kept; the key is borrowed for the call. */
#ifndef COPSEC_COMMON_CRYPTO_HMAC_H
#define COPSEC_COMMON_CRYPTO_HMAC_H

#include "common/base/bytes.h"

enum { HMAC_SIZE_MAX = 32 };

enum hmac_digest {
	HMAC_MD5,    /* 16 octets */
	HMAC_SHA256, /* 32 octets */
};

/* E_UNSUPPORTED where OpenSSL has no such digest (MD5 in FIPS mode). */
enum err hmac_of(enum hmac_digest digest, struct view key, struct view data,
		 uint8_t ret_mac[HMAC_SIZE_MAX], size_t *ret_len) MUST_USE;
/* Takes as long for any two values of one length. */
bool hmac_equal(struct view a, struct view b);

#endif
