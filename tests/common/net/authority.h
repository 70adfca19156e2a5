/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Authorities and what they certify, made by OpenSSL as somebody else would. All fail by ck_abort. */
#ifndef COPSEC_TESTS_COMMON_NET_AUTHORITY_H
#define COPSEC_TESTS_COMMON_NET_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct holder {
	EVP_PKEY *key;
	X509 *certificate;
};

struct subject {
	const char *common_name; /* NULL: an empty subject */
	const char *alternative; /* "DNS:pdp.example,IP:192.0.2.1"; NULL: no subjectAltName */
	const char *purpose;     /* "serverAuth"; NULL: any */
	bool is_authority;
	bool rsa;     /* otherwise ECDSA on P-256 */
	bool expired; /* yesterday */
	long serial;
};

/* `by` NULL: signed by itself. */
struct holder authority_certify(const struct holder *by, const struct subject *s);
void authority_free(struct holder *a);
/* PEM files, 0600: a key with its certificate and those behind it; certificates and, if `revoked`
 * is not 0, a list of the first one that revokes that serial. */
void authority_save_key(const char *path, const struct holder *a, const struct holder *behind);
void authority_save(const char *path, const struct holder *a, long revoked);

#endif
