/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/openssl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/crypto/digest.h"

enum err error_set_openssl(struct error *e, enum err code, const char *format, ...)
{
	/* The first entry is nearest to the cause; what stands above only says who called. */
	unsigned long reason = ERR_get_error();
	const char *text = ERR_reason_error_string(reason);
	va_list ap;
	size_t used;

	e->code = code;
	e->sys = 0;
	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	used = strlen(e->text);
	if (ERR_SYSTEM_ERROR(reason))
		text = strerror(ERR_GET_REASON(reason));
	if (text)
		snprintf(e->text + used, sizeof e->text - used, ": %s", text);
	ERR_clear_error();
	return code;
}

enum err certificate_check_key(EVP_PKEY *key, struct error *e)
{
	static const char *const curves[] = {"prime256v1", "secp384r1", "secp521r1"};
	char group[64];

	if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
		return error_set(e, E_UNSUPPORTED, "the key is not an ECDSA key");
	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
					   NULL) != 1)
		return error_set_openssl(e, E_UNSUPPORTED, "the key's curve has no name");
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		if (strcmp(group, curves[i]) == 0)
			return E_OK;
	return error_set(e, E_UNSUPPORTED,
			 "the key is on curve %s, and only P-256, P-384 and P-521 are accepted",
			 group);
}

enum err certificate_pin(X509 *certificate, struct pin *ret_pin, struct error *e)
{
	unsigned char *spki = NULL;
	enum err err;
	int len;

	err = certificate_check_key(X509_get0_pubkey(certificate), e);
	if (err)
		return err;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
	if (len <= 0)
		return error_set_openssl(e, E_SYNTAX, "the certificate's key has no encoding");
	err = sha256_of(VIEW(spki, (size_t)len), ret_pin->sha256);
	OPENSSL_free(spki);
	return err ? error_set_openssl(e, err, "digest of a key") : E_OK;
}

struct view certificate_key_id(X509 *certificate)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(certificate);

	return id ? VIEW(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)) : VIEW_NONE;
}

void certificate_name(X509 *certificate, char out[KEY_NAME_MAX + 1])
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	X509_NAME_ENTRY *entry = at >= 0 ? X509_NAME_get_entry(subject, at) : NULL;
	unsigned char *text = NULL;
	int len = entry ? ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry)) : 0;
	size_t shown = len > 0 ? (size_t)len : 0;

	if (shown > KEY_NAME_MAX)
		shown = KEY_NAME_MAX;
	if (shown)
		memcpy(out, text, shown);
	out[shown] = 0;
	OPENSSL_free(text);
	ERR_clear_error();
}
