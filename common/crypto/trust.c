/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "common/base/file.h"
#include "common/crypto/openssl.h"

struct trusted {
	X509 *certificate;
	struct pin pin;
	char name[KEY_NAME_MAX + 1];
};

struct trust {
	uint32_t threshold;
	size_t count;
	struct trusted keys[TRUST_CERTIFICATES_MAX];
};

/* Takes the certificate, also on failure. */
static enum err add(struct trust *t, X509 *certificate, struct error *e)
{
	struct trusted *key = &t->keys[t->count];
	struct view id = certificate_key_id(certificate);
	enum err err;

	if (t->count == TRUST_CERTIFICATES_MAX) {
		X509_free(certificate);
		return error_set(e, E_LIMIT, "more than %d certificates", TRUST_CERTIFICATES_MAX);
	}
	key->certificate = certificate;
	certificate_name(certificate, key->name);
	err = certificate_pin(certificate, &key->pin, e);
	if (!err && id.len == 0)
		err = error_set(e, E_MISSING, "it has no subject key identifier");
	for (size_t i = 0; !err && i < t->count; i++)
		if (pin_equal(&t->keys[i].pin, &key->pin) ||
		    view_equal(certificate_key_id(t->keys[i].certificate), id))
			err = error_set(e, E_DUPLICATE,
					"its key or key identifier is that of certificate %zu too",
					i + 1);
	if (err)
		error_prefix(e, "certificate %zu ('%s')", t->count + 1, key->name);
	/* Counted in any case: trust_free() releases it. */
	t->count++;
	return err;
}

static enum err read_certificates(struct trust *t, BIO *bio, struct error *e)
{
	for (;;) {
		X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		unsigned long reason;
		enum err err;

		if (certificate) {
			err = add(t, certificate, e);
			if (err)
				return err;
			continue;
		}
		reason = ERR_peek_last_error();
		/* That is how OpenSSL says that the text has ended. */
		if (ERR_GET_LIB(reason) == ERR_LIB_PEM &&
		    ERR_GET_REASON(reason) == PEM_R_NO_START_LINE) {
			ERR_clear_error();
			return E_OK;
		}
		return error_set_openssl(e, E_SYNTAX, "certificate %zu", t->count + 1);
	}
}

/* Takes the list. */
static enum err finish(struct trust *t, enum err err, uint32_t threshold,
		       struct trust **ret_trust, struct error *e)
{
	if (!err && t->count == 0)
		err = error_set(e, E_MISSING, "no certificate in it");
	if (!err && (threshold == 0 || threshold > t->count))
		err = error_set(e, E_RANGE,
				"a threshold of %u cannot be met by the %zu keys of the list "
				"or asks for none", threshold, t->count);
	if (err) {
		trust_free(t);
		return err;
	}
	t->threshold = threshold;
	*ret_trust = t;
	return E_OK;
}

enum err trust_of(const struct view *certificates, size_t count, uint32_t threshold,
		  struct trust **ret_trust, struct error *e)
{
	struct trust *t = calloc(1, sizeof *t);
	enum err err = E_OK;

	if (!t)
		return error_set(e, E_MEMORY, "out of memory for a trust list");
	ERR_clear_error();
	for (size_t i = 0; i < count && !err; i++) {
		const unsigned char *at = certificates[i].data;
		X509 *certificate = d2i_X509(NULL, &at, (long)certificates[i].len);

		if (certificate && at == certificates[i].data + certificates[i].len) {
			err = add(t, certificate, e);
			continue;
		}
		X509_free(certificate);
		err = error_set_openssl(e, E_SYNTAX, "certificate %zu", t->count + 1);
	}
	return finish(t, err, threshold, ret_trust, e);
}

enum err trust_parse(struct view pem, uint32_t threshold, struct trust **ret_trust,
		     struct error *e)
{
	struct trust *t = calloc(1, sizeof *t);
	BIO *bio = NULL;
	enum err err;

	ERR_clear_error();
	if (pem.len > TRUST_FILE_MAX)
		err = error_set(e, E_LIMIT, "larger than %d octets", TRUST_FILE_MAX);
	else if (!t || !(bio = BIO_new_mem_buf(pem.len ? (const void *)pem.data : "",
					       (int)pem.len)))
		err = error_set(e, E_MEMORY, "out of memory for a trust list");
	else
		err = read_certificates(t, bio, e);
	BIO_free(bio);
	return finish(t, err, threshold, ret_trust, e);
}

enum err trust_load(const char *path, uint32_t threshold, struct trust **ret_trust,
		    struct error *e)
{
	struct buffer pem;
	enum err err;

	buffer_init(&pem, TRUST_FILE_MAX);
	err = file_read(path, &pem, NULL, e);
	if (!err) {
		err = trust_parse(buffer_view(&pem), threshold, ret_trust, e);
		if (err)
			error_prefix(e, "%s", path);
	}
	buffer_fini(&pem);
	return err;
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		X509_free(t->keys[i].certificate);
	free(t);
}

uint32_t trust_threshold(const struct trust *t)
{
	return t->threshold;
}

size_t trust_count(const struct trust *t)
{
	return t->count;
}

const struct pin *trust_pin(const struct trust *t, size_t index)
{
	return &t->keys[index].pin;
}

const char *trust_name(const struct trust *t, size_t index)
{
	return t->keys[index].name;
}

X509 *trust_certificate(const struct trust *t, size_t index)
{
	return t->keys[index].certificate;
}
