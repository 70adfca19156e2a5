/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/seal.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/crypto/openssl.h"

static enum err read_recipient(struct view pem, X509 **ret_certificate, struct pin *ret_pin,
			       struct error *e)
{
	BIO *bio = BIO_new_mem_buf(pem.len ? (const void *)pem.data : "", (int)pem.len);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	enum err err;

	BIO_free(bio);
	if (!certificate)
		return error_set_openssl(e, E_SYNTAX, "the recipient's certificate");
	err = certificate_pin(certificate, ret_pin, e);
	if (!err && certificate_key_id(certificate).len == 0)
		err = error_set(e, E_MISSING,
				"the recipient's certificate has no subject key identifier");
	if (err)
		X509_free(certificate);
	else
		*ret_certificate = certificate;
	return err;
}

/* OpenSSL derives with SHA-1 unless told otherwise. */
static bool add_recipient(CMS_ContentInfo *cms, X509 *certificate)
{
	CMS_RecipientInfo *info = CMS_add1_recipient_cert(
		cms, certificate, CMS_USE_KEYID | CMS_KEY_PARAM);
	EVP_PKEY_CTX *context = info ? CMS_RecipientInfo_get0_pkey_ctx(info) : NULL;

	return context && EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0;
}

static bool put_der(CMS_ContentInfo *cms, struct buffer *out)
{
	unsigned char *der = NULL;
	int len = i2d_CMS_ContentInfo(cms, &der);

	if (len > 0 && len <= SEAL_MAX)
		buffer_put(out, der, (size_t)len);
	OPENSSL_free(der);
	return len > 0 && len <= SEAL_MAX && !out->error;
}

enum err seal(struct view secret, struct view certificate, struct buffer *out,
	      struct pin *ret_recipient, struct error *e)
{
	const unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_USE_KEYID;
	CMS_ContentInfo *cms = NULL;
	X509 *recipient = NULL;
	struct pin pin;
	BIO *content;
	enum err err;

	ERR_clear_error();
	if (secret.len == 0 || secret.len > SEAL_SECRET_MAX)
		return error_set(e, E_LENGTH, "a secret has 1 to %d octets, not %zu",
				 SEAL_SECRET_MAX, secret.len);
	err = read_recipient(certificate, &recipient, &pin, e);
	if (err)
		return err;
	content = BIO_new_mem_buf(secret.data, (int)secret.len);
	if (content)
		cms = CMS_encrypt(NULL, content, EVP_aes_256_cbc(), flags);
	if (!cms || !add_recipient(cms, recipient) ||
	    CMS_final(cms, content, NULL, flags) != 1 || !put_der(cms, out))
		err = error_set_openssl(e, out->error ? out->error : E_SYSTEM, "sealing a secret");
	else
		*ret_recipient = pin;
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	X509_free(recipient);
	return err;
}

static enum err parse(struct view sealed, CMS_ContentInfo **ret_cms, struct error *e)
{
	const unsigned char *at = sealed.data;
	CMS_ContentInfo *cms = NULL;

	if (sealed.len && sealed.len <= SEAL_MAX)
		cms = d2i_CMS_ContentInfo(NULL, &at, (long)sealed.len);
	if (cms && at == sealed.data + sealed.len &&
	    OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_enveloped &&
	    CMS_get0_RecipientInfos(cms)) {
		*ret_cms = cms;
		return E_OK;
	}
	CMS_ContentInfo_free(cms);
	return error_set_openssl(e, E_SYNTAX, "no sealed secret");
}

enum err unseal(struct view sealed, const struct key *key, struct buffer *secret, struct error *e)
{
	CMS_ContentInfo *cms = NULL;
	unsigned char *octets;
	BIO *content;
	long len = 0;
	enum err err;

	ERR_clear_error();
	err = parse(sealed, &cms, e);
	if (err)
		return err;
	content = BIO_new(BIO_s_secmem());
	if (!content || CMS_decrypt(cms, key_private(key), key_certificate(key), NULL, content,
				    CMS_BINARY) != 1)
		err = error_set_openssl(e, E_DENIED, "this secret does not open with key '%s'",
					key_name(key));
	else
		len = BIO_get_mem_data(content, &octets);
	if (!err && (len < 1 || len > SEAL_SECRET_MAX))
		err = error_set(e, E_LENGTH, "a secret of %ld octets, not of 1 to %d", len,
				SEAL_SECRET_MAX);
	if (!err) {
		buffer_put(secret, octets, (size_t)len);
		if (secret->error)
			err = error_set(e, secret->error, "no room for a secret");
	}
	BIO_free(content);
	CMS_ContentInfo_free(cms);
	return err;
}
