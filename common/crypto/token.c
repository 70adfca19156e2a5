/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engines are deprecated since OpenSSL 3.0, and all there is for PKCS#11 in Debian 12. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "common/crypto/token.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/crypto/openssl.h"

enum { OBJECTS_MAX = 64 /* that one URI may name */ };
static const char pkcs11[] = "pkcs11:";

bool token_is_uri(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	return name[0] >= 'a' && name[0] <= 'z' && len > 1 && name[len] == ':' &&
	       access(name, F_OK) < 0;
}

void token_name(const char *uri, char *out, size_t size)
{
	static const char attribute[] = "object=";
	const char *at = strstr(uri, attribute);

	snprintf(out, size, "token");
	if (!at)
		return;
	at += sizeof attribute - 1;
	if (strcspn(at, ";?&") > 0)
		snprintf(out, size, "%.*s", (int)strcspn(at, ";?&"), at);
}

/* One that is not asked for: of several keys the first counts. */
static void take(OSSL_STORE_INFO *info, EVP_PKEY **private, X509 **certificate)
{
	switch (OSSL_STORE_INFO_get_type(info)) {
	case OSSL_STORE_INFO_PKEY:
		if (!*private)
			*private = OSSL_STORE_INFO_get1_PKEY(info);
		break;
	case OSSL_STORE_INFO_CERT:
		if (!*certificate)
			*certificate = OSSL_STORE_INFO_get1_CERT(info);
		break;
	default:
		break;
	}
}

static void from_store(const char *uri, UI_METHOD *ui, void *context, EVP_PKEY **private,
	X509 **certificate)
{
	OSSL_STORE_CTX *store = OSSL_STORE_open(uri, ui, context, NULL, NULL);

	for (unsigned n = 0; store && n < OBJECTS_MAX && !OSSL_STORE_eof(store); n++) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info)
			take(info, private, certificate);
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(store);
}

static EVP_PKEY *from_engine(const char *uri, UI_METHOD *ui, void *context)
{
	ENGINE *engine = ENGINE_by_id("pkcs11");
	EVP_PKEY *private = NULL;

	if (engine && ENGINE_init(engine)) {
		private = ENGINE_load_private_key(engine, uri, ui, context);
		/* The key holds on to it. */
		ENGINE_finish(engine);
	}
	ENGINE_free(engine);
	return private;
}

enum err token_load(const char *uri, pem_password_cb *ask, void *context, EVP_PKEY **ret_private,
	X509 **ret_certificate, struct error *e)
{
	const bool token = strncmp(uri, pkcs11, sizeof pkcs11 - 1) == 0;
	UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(ask, 0);
	EVP_PKEY *private = NULL;
	X509 *certificate = NULL;

	if (!ui)
		return error_set(e, E_MEMORY, "out of memory");
	ERR_clear_error();
	/* Without it, the URI means nothing to OSSL_STORE. */
	if (!token || OSSL_PROVIDER_try_load(NULL, "pkcs11", 1))
		from_store(uri, ui, context, &private, &certificate);
	if (!private && token) {
		ERR_clear_error();
		private = from_engine(uri, ui, context);
	}
	UI_destroy_method(ui);
	if (!private) {
		X509_free(certificate);
		return error_set_openssl(e, E_NOT_FOUND, "%s: no private key%s", uri,
			token ? " (is there a PKCS#11 provider or engine for OpenSSL?)" : "");
	}
	*ret_private = private;
	*ret_certificate = certificate;
	ERR_clear_error();
	return E_OK;
}
