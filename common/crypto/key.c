/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/crypto/openssl.h"
#include "common/crypto/token.h"

struct key {
	EVP_PKEY *private;
	X509 *certificate;
	STACK_OF(X509) *chain;
	struct pin pin;
	char name[KEY_NAME_MAX + 1];
};

/* Takes both, also on failure. */
static enum err key_new(EVP_PKEY *private, X509 *certificate, struct key **ret_key, struct error *e)
{
	struct key *k = calloc(1, sizeof *k);
	enum err err;

	if (!k) {
		err = error_set(e, E_MEMORY, "out of memory for a key");
		EVP_PKEY_free(private);
		X509_free(certificate);
		return err;
	}
	k->private = private;
	k->certificate = certificate;
	k->chain = sk_X509_new_null();
	err = k->chain ? E_OK : error_set(e, E_MEMORY, "out of memory for a key");
	if (err) {
		key_free(k);
		return err;
	}
	err = certificate_pin(certificate, &k->pin, e);
	if (!err && X509_check_private_key(certificate, private) != 1)
		err = error_set_openssl(e, E_MISMATCH, "private key and certificate");
	if (err) {
		key_free(k);
		return err;
	}
	certificate_name(certificate, k->name);
	*ret_key = k;
	return E_OK;
}

void key_free(struct key *k)
{
	if (!k)
		return;
	X509_free(k->certificate);
	sk_X509_pop_free(k->chain, X509_free);
	EVP_PKEY_free(k->private);
	free(k);
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool done;

	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	done = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

static bool set_serial(X509 *certificate)
{
	unsigned char random[16];
	BIGNUM *number = NULL;
	bool done = false;

	if (RAND_bytes(random, sizeof random) == 1) {
		/* Positive and of full length (RFC 5280 §4.1.2.2). */
		random[0] = (unsigned char)((random[0] & 0x7f) | 0x40);
		number = BN_bin2bn(random, sizeof random, NULL);
		done = number &&
		       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	}
	BN_free(number);
	return done;
}

static X509 *self_signed(EVP_PKEY *private, const char *name)
{
	X509 *c = X509_new();
	X509_NAME *subject = c ? X509_get_subject_name(c) : NULL;

	if (c && X509_set_version(c, X509_VERSION_3) == 1 && set_serial(c) &&
	    ASN1_TIME_set_string_X509(X509_getm_notBefore(c), "20000101000000Z") == 1 &&
	    /* No well-defined end (RFC 5280 §4.1.2.5). */
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(c), "99991231235959Z") == 1 &&
	    X509_set_pubkey(c, private) == 1 &&
	    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
				       (const unsigned char *)name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(c, subject) == 1 &&
	    add_extension(c, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(c, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(c, NID_subject_key_identifier, "hash") &&
	    X509_sign(c, private, EVP_sha256()) > 0)
		return c;
	X509_free(c);
	return NULL;
}

enum err key_generate(const char *common_name, struct key **ret_key, struct error *e)
{
	size_t len = strlen(common_name);
	EVP_PKEY *private;
	X509 *certificate;

	if (len == 0 || len > KEY_NAME_MAX)
		return error_set(e, E_RANGE, "a key's name has 1 to %d octets, not %zu",
				 KEY_NAME_MAX, len);
	ERR_clear_error();
	private = EVP_EC_gen("P-256");
	if (!private)
		return error_set_openssl(e, E_SYSTEM, "making a key");
	certificate = self_signed(private, common_name);
	if (!certificate) {
		EVP_PKEY_free(private);
		return error_set_openssl(e, E_SYNTAX, "making a certificate for '%s'", common_name);
	}
	return key_new(private, certificate, ret_key, e);
}

static enum err ask(const struct passphrase *passphrase, const char *path, struct buffer *secret,
		    struct error *e)
{
	enum err err = passphrase->ask(passphrase->context, path, secret, e);

	if (!err && secret->error)
		err = error_set(e, secret->error, "%s: passphrase", path);
	if (!err && secret->len == 0)
		err = error_set(e, E_LENGTH, "%s: the passphrase is empty", path);
	return err;
}

/* One question to the caller's function, out of OpenSSL's callback. */
struct question {
	const struct passphrase *passphrase;
	const char *path;
	struct error *e;
	enum err err;
};

static int answer(char *out, int size, int writing, void *context)
{
	struct question *q = context;
	struct buffer secret;
	int len = -1;

	(void)writing;
	if (!q->passphrase) {
		q->err = error_set(q->e, E_DENIED,
				   "%s: the key is encrypted, and there is nobody to ask for the "
				   "passphrase", q->path);
		return -1;
	}
	buffer_init(&secret, size > 0 && size < KEY_PASSPHRASE_MAX ? (size_t)size
								   : KEY_PASSPHRASE_MAX);
	q->err = ask(q->passphrase, q->path, &secret, q->e);
	if (!q->err) {
		memcpy(out, secret.data, secret.len);
		len = (int)secret.len;
	}
	buffer_fini_secret(&secret);
	return len;
}

/* All certificates that still come. */
static enum err read_chain(BIO *bio, STACK_OF(X509) *chain, const char *path, struct error *e)
{
	X509 *next;

	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (sk_X509_num(chain) >= KEY_CHAIN_MAX || sk_X509_push(chain, next) <= 0) {
			X509_free(next);
			return error_set(e, E_LIMIT, "%s: more than %d certificates of authorities",
					 path, KEY_CHAIN_MAX);
		}
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return error_set_openssl(e, E_SYNTAX, "%s: a certificate of an authority", path);
	return E_OK;
}

/* Of what is in a token its public half: one that anybody who has the key could make. */
static enum err key_of_uri(const char *uri, const struct passphrase *passphrase,
			   struct key **ret_key, struct error *e)
{
	struct question question = {.passphrase = passphrase, .path = uri, .e = e};
	char name[KEY_NAME_MAX + 1];
	X509 *certificate = NULL;
	EVP_PKEY *private = NULL;
	enum err err = token_load(uri, answer, &question, &private, &certificate, e);

	if (question.err)
		err = question.err;
	if (!err && !certificate) {
		token_name(uri, name, sizeof name);
		certificate = self_signed(private, name);
		if (!certificate)
			err = error_set_openssl(e, E_SYNTAX, "%s: signing a certificate", uri);
	}
	if (err) {
		X509_free(certificate);
		EVP_PKEY_free(private);
		return err;
	}
	err = key_new(private, certificate, ret_key, e);
	if (err)
		error_prefix(e, "%s", uri);
	return err;
}

static enum err key_of_file(const char *path, const struct passphrase *passphrase,
			    struct key **ret_key, struct error *e)
{
	struct question question = {.passphrase = passphrase, .path = path, .e = e};
	struct buffer pem;
	struct stat st;
	EVP_PKEY *private = NULL;
	X509 *certificate = NULL;
	struct key *key = NULL;
	BIO *bio = NULL;
	enum err err;

	buffer_init(&pem, KEY_FILE_MAX);
	err = file_read(path, &pem, &st, e);
	if (err)
		goto out;
	if (!memmem(pem.data ? pem.data : (const uint8_t *)"", pem.len, "PRIVATE KEY-----", 16)) {
		err = error_set(e, E_SYNTAX, "%s: there is no private key in it", path);
		goto out;
	}
	if (st.st_mode & (S_IRWXO | S_IWGRP)) {
		err = error_set(e, E_DENIED, "%s: mode %04o lets others at the key; chmod 600 it",
				path, (unsigned)(st.st_mode & 07777));
		goto out;
	}
	ERR_clear_error();
	bio = BIO_new_mem_buf(pem.data ? (const void *)pem.data : "", (int)pem.len);
	private = bio ? PEM_read_bio_PrivateKey(bio, NULL, answer, &question) : NULL;
	if (!private) {
		err = question.err ? question.err
				   : error_set_openssl(e, E_SYNTAX, "%s: no private key", path);
		goto out;
	}
	if (BIO_reset(bio) != 1)
		err = error_set_openssl(e, E_BUG, "%s", path);
	else if (!(certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		err = error_set_openssl(e, E_SYNTAX, "%s: no certificate beside the private key",
					path);
	else {
		err = key_new(private, certificate, &key, e);
		private = NULL;
		certificate = NULL;
		if (err)
			error_prefix(e, "%s", path);
		else
			err = read_chain(bio, key->chain, path, e);
	}
	if (err)
		key_free(key);
	else
		*ret_key = key;
out:
	ERR_clear_error();
	X509_free(certificate);
	EVP_PKEY_free(private);
	BIO_free(bio);
	buffer_fini_secret(&pem);
	return err;
}

enum err key_load(const char *path, const struct passphrase *passphrase, struct key **ret_key,
		  struct error *e)
{
	return token_is_uri(path) ? key_of_uri(path, passphrase, ret_key, e)
				  : key_of_file(path, passphrase, ret_key, e);
}

/* PBES2 with scrypt, as `openssl pkcs8 -topk8 -scrypt`: guessing costs memory too. */
static X509_SIG *encrypted(const struct key *k, struct view secret)
{
	PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(k->private);
	X509_ALGOR *scheme = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, 1 << 14, 8, 1);
	X509_SIG *sealed = NULL;

	if (plain && scheme)
		sealed = PKCS8_set0_pbe((const char *)secret.data, (int)secret.len, plain, scheme);
	if (!sealed)
		X509_ALGOR_free(scheme);
	PKCS8_PRIV_KEY_INFO_free(plain);
	return sealed;
}

static enum err write_private(BIO *bio, const struct key *k, const char *path,
			      const struct passphrase *passphrase, struct error *e)
{
	struct buffer secret;
	X509_SIG *sealed = NULL;
	enum err err;

	if (!passphrase)
		return PEM_write_bio_PKCS8PrivateKey(bio, k->private, NULL, NULL, 0, NULL, NULL) == 1
			       ? E_OK
			       : error_set_openssl(e, E_SYSTEM, "%s: writing the key", path);
	buffer_init(&secret, KEY_PASSPHRASE_MAX);
	err = ask(passphrase, path, &secret, e);
	if (!err) {
		sealed = encrypted(k, buffer_view(&secret));
		if (!sealed || PEM_write_bio_PKCS8(bio, sealed) != 1)
			err = error_set_openssl(e, E_SYSTEM, "%s: encrypting the key", path);
	}
	X509_SIG_free(sealed);
	buffer_fini_secret(&secret);
	return err;
}

enum err key_save(const struct key *k, const char *path, const struct passphrase *passphrase,
		  struct error *e)
{
	/* OpenSSL wipes what such a BIO held. */
	BIO *bio = BIO_new(BIO_s_secmem());
	char *data = NULL;
	long len = 0;
	enum err err;

	ERR_clear_error();
	err = bio ? write_private(bio, k, path, passphrase, e)
		  : error_set_openssl(e, E_MEMORY, "%s: writing the key", path);
	if (!err && (PEM_write_bio_X509(bio, k->certificate) != 1 ||
		     (len = BIO_get_mem_data(bio, &data)) <= 0))
		err = error_set_openssl(e, E_SYSTEM, "%s: writing the certificate", path);
	if (!err)
		err = file_replace(path, VIEW(data, (size_t)len), 0600, e);
	BIO_free(bio);
	return err;
}

enum err key_certificate_pem(const struct key *k, struct buffer *out, struct error *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	enum err err = E_OK;
	long len = 0;

	if (!bio || PEM_write_bio_X509(bio, k->certificate) != 1 ||
	    (len = BIO_get_mem_data(bio, &data)) <= 0)
		err = error_set_openssl(e, E_MEMORY, "writing the certificate of '%s'", k->name);
	else
		buffer_put(out, data, (size_t)len);
	BIO_free(bio);
	if (!err && out->error)
		err = error_set(e, out->error, "writing the certificate of '%s'", k->name);
	return err;
}

enum err key_save_certificate(const struct key *k, const char *path, struct error *e)
{
	struct buffer pem;
	enum err err;

	buffer_init(&pem, KEY_FILE_MAX);
	err = key_certificate_pem(k, &pem, e);
	if (!err)
		err = file_replace(path, buffer_view(&pem), 0644, e);
	buffer_fini(&pem);
	return err;
}

struct pin key_pin(const struct key *k)
{
	return k->pin;
}

const char *key_name(const struct key *k)
{
	return k->name;
}

EVP_PKEY *key_private(const struct key *k)
{
	return k->private;
}

X509 *key_certificate(const struct key *k)
{
	return k->certificate;
}

STACK_OF(X509) *key_chain(const struct key *k)
{
	return k->chain;
}
