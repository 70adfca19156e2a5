/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What common/crypto and common/net share of OpenSSL. Nobody else includes this.
 */
#ifndef COPSEC_COMMON_CRYPTO_OPENSSL_H
#define COPSEC_COMMON_CRYPTO_OPENSSL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/base/pin.h"
#include "common/crypto/key.h"
#include "common/crypto/trust.h"

/* As error_set(), with OpenSSL's own reason behind the sentence; empties its error queue. */
enum err error_set_openssl(struct error *e, enum err code, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Borrowed from the key. */
EVP_PKEY *key_private(const struct key *k);
X509 *key_certificate(const struct key *k);
/* The certificates behind it in the file: of the authorities on the way to one that others trust. */
STACK_OF(X509) *key_chain(const struct key *k);
X509 *trust_certificate(const struct trust *t, size_t index);

/* The certificate's pin; E_UNSUPPORTED unless its key is ECDSA on one of the curves in use. */
enum err certificate_pin(X509 *certificate, struct pin *ret_pin, struct error *e) MUST_USE;
enum err certificate_check_key(EVP_PKEY *key, struct error *e) MUST_USE;
/* The subject key identifier, borrowed; empty if there is none. */
struct view certificate_key_id(X509 *certificate);
/* The first common name as UTF-8, shortened; "" if there is none. */
void certificate_name(X509 *certificate, char out[KEY_NAME_MAX + 1]);

#endif
