/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sealed secrets: CMS EnvelopedData (RFC 5652 §6) in DER for one recipient, whose key only its owner
 * has: pre-shared keys and keys of static SAs on their way to an enforcer. Key agreement is ECDH with
 * a key made for the occasion (RFC 5753), SHA-256 as its hash, AES-256 for key and content; the
 * recipient stands in it by subject key identifier.
 *
 * Nothing here says who sealed: a sealed secret lies in a signed policy set. `openssl cms -decrypt`
 * opens what is sealed here, and what `openssl cms -encrypt -keyid -aes256` seals is opened here.
 */
#ifndef COPSEC_COMMON_CRYPTO_SEAL_H
#define COPSEC_COMMON_CRYPTO_SEAL_H

#include "common/base/bytes.h"
#include "common/crypto/key.h"

enum {
	SEAL_SECRET_MAX = 4096, /* octets of a secret */
	SEAL_MAX = 8192,        /* octets of a sealed one */
};

/* `certificate` in PEM carries the recipient's key, whose pin comes back. Appends to `out`, or
 * leaves it as it was. */
enum err seal(struct view secret, struct view certificate, struct buffer *out,
	      struct pin *ret_recipient, struct error *e) MUST_USE;

/*
 * Appends the secret to `secret`, which the caller wipes (buffer_fini_secret()). E_SYNTAX: this is
 * no sealed secret; E_DENIED: it was sealed for another key, or altered since.
 */
enum err unseal(struct view sealed, const struct key *key, struct buffer *secret,
		struct error *e) MUST_USE;

#endif
