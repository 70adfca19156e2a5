/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trust list: the certificates of the keys that may sign, and how many of them must (k of n).
 * Whole self-signed certificates, because `openssl cms -verify` wants them too; of each only the
 * public key and its subject key identifier count. Immutable, owned by who loaded it.
 *
 * Refused: keys other than ECDSA on P-256, P-384 or P-521, a certificate without subject key
 * identifier, a key or identifier that stands there twice, and a threshold that is 0 or more than
 * there are keys.
 */
#ifndef COPSEC_COMMON_CRYPTO_TRUST_H
#define COPSEC_COMMON_CRYPTO_TRUST_H

#include "common/base/bytes.h"
#include "common/base/pin.h"

enum {
	TRUST_CERTIFICATES_MAX = 64,
	TRUST_FILE_MAX = 256 * 1024,
};

struct trust;

/* PEM certificates one after the other; text between them is ignored, as OpenSSL does. */
enum err trust_load(const char *path, uint32_t threshold, struct trust **ret_trust,
		    struct error *e) MUST_USE;
enum err trust_parse(struct view pem, uint32_t threshold, struct trust **ret_trust,
		     struct error *e) MUST_USE;
/* The same of certificates in DER, one each. */
enum err trust_of(const struct view *certificates, size_t count, uint32_t threshold,
		  struct trust **ret_trust, struct error *e) MUST_USE;
void trust_free(struct trust *t);

uint32_t trust_threshold(const struct trust *t);
size_t trust_count(const struct trust *t);
/* Both for index < trust_count(); the name is the certificate's common name. */
const struct pin *trust_pin(const struct trust *t, size_t index);
const char *trust_name(const struct trust *t, size_t index);

#endif
