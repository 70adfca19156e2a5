/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A private key (ECDSA on P-256, or P-384 and P-521 if made elsewhere) and the self-signed
 * certificate that carries its public half through TLS and CMS. No PKI: who trusts the key names
 * its pin, and nothing in the certificate but the public key means anything. It is valid from 2000
 * on without end, so that a node without a clock can use it. Where peers do look at certificates, one
 * from an authority may stand in its place, with those of further authorities behind it.
 *
 * The private octets stay inside OpenSSL; no function gives them out but key_save(), into a file.
 * The key file is PEM: the private key (PKCS #8, encrypted if a passphrase is given) and the
 * certificate. A `struct key` is immutable and owned by who made it.
 */
#ifndef COPSEC_COMMON_CRYPTO_KEY_H
#define COPSEC_COMMON_CRYPTO_KEY_H

#include "common/base/bytes.h"
#include "common/base/pin.h"

struct key;

enum {
	KEY_NAME_MAX = 64,             /* octets of a common name (X.520 ub-common-name) */
	KEY_FILE_MAX = 64 * 1024,      /* octets of a key file */
	KEY_PASSPHRASE_MAX = 1024,     /* octets of a passphrase */
	KEY_CHAIN_MAX = 8,             /* certificates of authorities behind that of the key */
};

/* Where a passphrase comes from: asked only when one is needed. */
struct passphrase {
	/* Appends the passphrase of `path` to `secret`, which the caller wipes. */
	enum err (*ask)(void *context, const char *path, struct buffer *secret, struct error *e);
	void *context;
};

enum err key_generate(const char *common_name, struct key **ret_key, struct error *e) MUST_USE;
/*
 * A key file, or a URI as in token.h. Beside a key in a token there need be no certificate: one is
 * made, and with it the same pin every time.
 *
 * E_DENIED if anybody but owner and group can read the file, or anybody but the owner can write it.
 * `passphrase` may be NULL; an encrypted key is then E_DENIED.
 */
enum err key_load(const char *path, const struct passphrase *passphrase, struct key **ret_key,
		  struct error *e) MUST_USE;
void key_free(struct key *k);

/* Mode 0600; the old file stays whole until the new one is on the disk. NULL: not encrypted. */
enum err key_save(const struct key *k, const char *path, const struct passphrase *passphrase,
		  struct error *e) MUST_USE;
/* The certificate alone, mode 0644: what goes into a trust list. */
enum err key_save_certificate(const struct key *k, const char *path, struct error *e) MUST_USE;
/* The same as PEM text, appended. */
enum err key_certificate_pem(const struct key *k, struct buffer *out, struct error *e) MUST_USE;

struct pin key_pin(const struct key *k);
/* The certificate's common name, "" if it has none; lives as long as the key. */
const char *key_name(const struct key *k);

#endif
