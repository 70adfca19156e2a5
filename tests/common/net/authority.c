/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/common/net/authority.h"

#include <check.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

struct holder authority_certify(const struct holder *by, const struct subject *s)
{
	struct holder a = {s->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), X509_new()};
	X509 *issuer = by ? by->certificate : a.certificate;
	X509_NAME *name = X509_get_subject_name(a.certificate);

	ck_assert(a.key && a.certificate);
	X509_set_version(a.certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(a.certificate), s->serial ? s->serial : 1);
	X509_gmtime_adj(X509_getm_notBefore(a.certificate), -7 * 86400);
	X509_gmtime_adj(X509_getm_notAfter(a.certificate), s->expired ? -86400 : 86400);
	X509_set_pubkey(a.certificate, a.key);
	if (s->common_name)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					   (const unsigned char *)s->common_name, -1, -1, 0);
	X509_set_issuer_name(a.certificate, X509_get_subject_name(issuer));
	extend(a.certificate, issuer, NID_basic_constraints,
	       s->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extend(a.certificate, issuer, NID_key_usage,
	       s->is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	if (s->alternative)
		extend(a.certificate, issuer, NID_subject_alt_name, s->alternative);
	if (s->purpose)
		extend(a.certificate, issuer, NID_ext_key_usage, s->purpose);
	ck_assert_int_gt(X509_sign(a.certificate, by ? by->key : a.key, EVP_sha256()), 0);
	return a;
}

void authority_free(struct holder *a)
{
	X509_free(a->certificate);
	EVP_PKEY_free(a->key);
	*a = (struct holder){0};
}

void authority_save_key(const char *path, const struct holder *a, const struct holder *behind)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fchmod(fileno(f), 0600), 0);
	ck_assert_int_eq(PEM_write_PrivateKey(f, a->key, NULL, NULL, 0, NULL, NULL), 1);
	ck_assert_int_eq(PEM_write_X509(f, a->certificate), 1);
	if (behind)
		ck_assert_int_eq(PEM_write_X509(f, behind->certificate), 1);
	ck_assert_int_eq(fclose(f), 0);
}

static X509_CRL *revoke(const struct holder *a, long serial)
{
	X509_CRL *list = X509_CRL_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *later = X509_gmtime_adj(NULL, 86400);

	ASN1_INTEGER_set(number, serial);
	X509_REVOKED_set_serialNumber(entry, number);
	X509_REVOKED_set_revocationDate(entry, now);
	X509_CRL_set_version(list, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(a->certificate));
	X509_CRL_set1_lastUpdate(list, now);
	X509_CRL_set1_nextUpdate(list, later);
	X509_CRL_add0_revoked(list, entry);
	ck_assert_int_gt(X509_CRL_sign(list, a->key, EVP_sha256()), 0);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(now);
	ASN1_TIME_free(later);
	return list;
}

void authority_save(const char *path, const struct holder *a, long revoked)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, a->certificate), 1);
	if (revoked) {
		X509_CRL *list = revoke(a, revoked);

		ck_assert_int_eq(PEM_write_X509_CRL(f, list), 1);
		X509_CRL_free(list);
	}
	ck_assert_int_eq(fclose(f), 0);
}
