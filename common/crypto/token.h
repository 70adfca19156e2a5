/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private keys that are named by a URI: in a token (pkcs11:, RFC 7512), or wherever a provider of
 * OpenSSL's finds them. The key stays where it is; what comes back is a handle to sign with.
 *
 * OpenSSL is asked through OSSL_STORE, so that any provider will do that its configuration loads,
 * and the provider "pkcs11" if there is one. Where there is none, as in Debian 12, a pkcs11: URI
 * goes to the engine of that name (libengine-pkcs11-openssl).
 */
#ifndef COPSEC_COMMON_CRYPTO_TOKEN_H
#define COPSEC_COMMON_CRYPTO_TOKEN_H

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/base/bytes.h"

/* SCHEME:..., and there is no file of that name. */
bool token_is_uri(const char *name);

/* `ask` with `context` gives PIN or passphrase, as in PEM files. The certificate is NULL if there is
 * none beside the key; the caller frees both. */
enum err token_load(const char *uri, pem_password_cb *ask, void *context, EVP_PKEY **ret_private,
	X509 **ret_certificate, struct error *e) MUST_USE;
/* What a PKCS#11 URI calls the object, for people; "token" if it does not say. */
void token_name(const char *uri, char *out, size_t size);

#endif
