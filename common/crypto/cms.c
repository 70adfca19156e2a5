/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/cms.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/crypto/der.h"
#include "common/crypto/openssl.h"

/*
 * What is read and written (RFC 5652 §3, §5; the DER of an OID includes its tag and length below):
 *
 *	SEQUENCE {                               ContentInfo
 *	  OID signedData
 *	  [0] { SEQUENCE {                       SignedData
 *	    INTEGER                              1 without signers, 3 with (all of them by key id)
 *	    SET { SEQUENCE digest algorithm }    those of the signers, each once
 *	    SEQUENCE { OID data, [0] { OCTET STRING content } }
 *	    [0] { Certificate }                  optional, one
 *	    SET { SEQUENCE {                     SignerInfo
 *	      INTEGER 3
 *	      [0] subject key identifier
 *	      SEQUENCE digest algorithm
 *	      [0] { Attribute }                  signed: content type, message digest, maybe others
 *	      SEQUENCE signature algorithm
 *	      OCTET STRING signature } } } } }
 */
static const uint8_t oid_signed_data[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					  0xf7, 0x0d, 0x01, 0x07, 0x02};
static const uint8_t oid_data[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				   0xf7, 0x0d, 0x01, 0x07, 0x01};
static const uint8_t oid_content_type[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					   0xf7, 0x0d, 0x01, 0x09, 0x03};
static const uint8_t oid_message_digest[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					     0xf7, 0x0d, 0x01, 0x09, 0x04};
static const uint8_t null[] = {0x05, 0x00};

enum { VERSION_UNSIGNED = 1, VERSION_SIGNED = 3, VERSION_SIGNER = 3 };

/* What may sign: RFC 5754 for the digests, RFC 5758 for ECDSA. Anything else is refused. */
struct algorithm {
	const char *name;
	uint8_t digest_oid[11];
	uint8_t signature_oid[10];
	const EVP_MD *(*md)(void);
	int key_bits; /* we sign with it by keys of at most this size */
};
static const struct algorithm algorithms[] = {
	{"SHA-256", {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01},
	 {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}, EVP_sha256, 256},
	{"SHA-384", {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02},
	 {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}, EVP_sha384, 384},
	{"SHA-512", {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03},
	 {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}, EVP_sha512, 521},
};
enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

#define VIEW_OF(array) VIEW(array, sizeof(array))

struct digest {
	unsigned len; /* 0: not computed yet */
	uint8_t octets[EVP_MAX_MD_SIZE];
};

struct signer {
	struct view whole; /* the SignerInfo */
	struct view key_id;
	const struct algorithm *algorithm;
	struct view attributes; /* whole, with the tag they have in the document */
	struct view message_digest;
	struct view signature;
};

struct document {
	struct view content;
	struct view certificate; /* whole */
	size_t count;
	struct signer signers[CMS_SIGNERS_MAX];
};

/* ---- reading ---- */

static void expect(struct cursor *c, struct view octets)
{
	if (!view_equal(cursor_take(c, octets.len), octets))
		cursor_fail(c, E_UNSUPPORTED);
}

static void read_version(struct cursor *c, uint8_t version)
{
	struct view v = der_take(c, DER_INTEGER);

	if (!view_equal(v, VIEW(&version, 1)))
		cursor_fail(c, E_VERSION);
}

static const struct algorithm *read_digest_algorithm(struct cursor *c)
{
	struct view v = der_take(c, DER_SEQUENCE);

	for (size_t i = 0; i < ALGORITHMS; i++) {
		struct view oid = VIEW_OF(algorithms[i].digest_oid);

		if (v.len < oid.len || !view_equal(VIEW(v.data, oid.len), oid))
			continue;
		/* RFC 5754 §2: parameters absent; NULL must be accepted. */
		if (v.len == oid.len ||
		    view_equal(VIEW(v.data + oid.len, v.len - oid.len), VIEW_OF(null)))
			return &algorithms[i];
	}
	cursor_fail(c, E_UNSUPPORTED);
	return NULL;
}

/* The elements of a SET OF come in ascending order of their octets (X.690 §11.6). */
static void check_order(struct cursor *c, struct view *last, struct view next)
{
	if (last->len && view_compare(*last, next) >= 0)
		cursor_fail(c, E_SYNTAX);
	*last = next;
}

static void read_attribute(struct cursor *c, bool *content_type, struct view *message_digest)
{
	struct cursor attribute = cursor_over(der_take(c, DER_SEQUENCE));
	struct view oid = der_take_whole(&attribute, DER_OID);
	struct cursor values = cursor_over(der_take(&attribute, DER_SET));

	if (cursor_done(&attribute)) {
		cursor_fail(c, attribute.error);
	} else if (view_equal(oid, VIEW_OF(oid_content_type))) {
		if (*content_type)
			cursor_fail(c, E_DUPLICATE);
		*content_type = true;
		expect(&values, VIEW_OF(oid_data));
		if (cursor_done(&values))
			cursor_fail(c, values.error);
	} else if (view_equal(oid, VIEW_OF(oid_message_digest))) {
		if (message_digest->len)
			cursor_fail(c, E_DUPLICATE);
		*message_digest = der_take(&values, DER_OCTET_STRING);
		if (cursor_done(&values))
			cursor_fail(c, values.error);
	}
}

static void read_attributes(struct cursor *c, struct signer *s)
{
	struct cursor set;
	struct view last = VIEW_NONE;
	bool content_type = false;
	size_t count = 0;

	s->attributes = der_take_whole(c, DER_CONTEXT_0_CONSTRUCTED);
	set = cursor_over(s->attributes);
	set = cursor_over(der_take(&set, DER_CONTEXT_0_CONSTRUCTED));
	while (cursor_left(&set)) {
		struct cursor ahead = set;

		if (++count > CMS_ATTRIBUTES_MAX)
			cursor_fail(&set, E_LIMIT);
		check_order(&set, &last, der_take_whole(&ahead, DER_SEQUENCE));
		read_attribute(&set, &content_type, &s->message_digest);
	}
	if (cursor_done(&set))
		cursor_fail(c, set.error);
	/* RFC 5652 §11.1, §11.2: both are there. */
	if (!content_type || s->message_digest.len == 0)
		cursor_fail(c, E_MISSING);
}

static void read_signer(struct cursor *c, struct signer *s)
{
	struct cursor info, algorithm;

	*s = (struct signer){.whole = der_take_whole(c, DER_SEQUENCE)};
	info = cursor_over(s->whole);
	info = cursor_over(der_take(&info, DER_SEQUENCE));
	read_version(&info, VERSION_SIGNER);
	s->key_id = der_take(&info, DER_CONTEXT_0);
	if (s->key_id.len == 0 || s->key_id.len > CMS_KEY_ID_MAX)
		cursor_fail(&info, E_LENGTH);
	s->algorithm = read_digest_algorithm(&info);
	read_attributes(&info, s);
	algorithm = cursor_over(der_take(&info, DER_SEQUENCE));
	if (s->algorithm)
		expect(&algorithm, VIEW_OF(s->algorithm->signature_oid));
	if (cursor_done(&algorithm))
		cursor_fail(&info, algorithm.error);
	s->signature = der_take(&info, DER_OCTET_STRING);
	if (cursor_done(&info))
		cursor_fail(c, info.error);
}

static unsigned algorithm_bit(const struct algorithm *a)
{
	return a ? 1U << (a - algorithms) : 0;
}

static void read_signed_data(struct cursor *c, struct document *d)
{
	struct cursor sets, encapsulated, explicit;
	struct view version = der_take_whole(c, DER_INTEGER);
	struct cursor version_cursor = cursor_over(version);
	struct view last = VIEW_NONE;
	unsigned announced = 0, used = 0;

	sets = cursor_over(der_take(c, DER_SET));
	while (cursor_left(&sets)) {
		struct cursor ahead = sets;

		check_order(&sets, &last, der_take_whole(&ahead, DER_SEQUENCE));
		announced |= algorithm_bit(read_digest_algorithm(&sets));
	}
	if (cursor_done(&sets))
		cursor_fail(c, sets.error);

	encapsulated = cursor_over(der_take(c, DER_SEQUENCE));
	expect(&encapsulated, VIEW_OF(oid_data));
	if (!encapsulated.error && !cursor_left(&encapsulated))
		cursor_fail(&encapsulated, E_MISSING); /* detached */
	explicit = cursor_over(der_take(&encapsulated, DER_CONTEXT_0_CONSTRUCTED));
	d->content = der_take(&explicit, DER_OCTET_STRING);
	if (cursor_done(&encapsulated) || cursor_done(&explicit))
		cursor_fail(c, encapsulated.error ? encapsulated.error : explicit.error);
	if (d->content.len > CMS_CONTENT_MAX)
		cursor_fail(c, E_LIMIT);

	if (der_peek(c) == DER_CONTEXT_0_CONSTRUCTED) {
		struct cursor certificates =
			cursor_over(der_take(c, DER_CONTEXT_0_CONSTRUCTED));

		d->certificate = der_take_whole(&certificates, DER_SEQUENCE);
		if (cursor_done(&certificates))
			cursor_fail(c, certificates.error);
	}

	sets = cursor_over(der_take(c, DER_SET));
	last = VIEW_NONE;
	while (cursor_left(&sets)) {
		struct signer *s = &d->signers[d->count];

		if (d->count == CMS_SIGNERS_MAX) {
			cursor_fail(&sets, E_LIMIT);
			break;
		}
		read_signer(&sets, s);
		check_order(&sets, &last, s->whole);
		used |= algorithm_bit(s->algorithm);
		d->count++;
	}
	if (cursor_done(&sets))
		cursor_fail(c, sets.error);
	/* RFC 5652 §5.1. */
	read_version(&version_cursor, d->count ? VERSION_SIGNED : VERSION_UNSIGNED);
	if (version_cursor.error)
		cursor_fail(c, version_cursor.error);
	if (announced != used)
		cursor_fail(c, E_MISMATCH);
}

static enum err read_document(struct view octets, struct document *d, struct error *e)
{
	struct cursor file = cursor_over(octets);
	struct cursor info = cursor_over(der_take(&file, DER_SEQUENCE));
	struct cursor explicit, data;
	enum err err;

	*d = (struct document){0};
	err = cursor_done(&file);
	expect(&info, VIEW_OF(oid_signed_data));
	explicit = cursor_over(der_take(&info, DER_CONTEXT_0_CONSTRUCTED));
	data = cursor_over(der_take(&explicit, DER_SEQUENCE));
	read_signed_data(&data, d);
	/* The outermost failure says most: a cut file is cut, whatever that makes of its inside. */
	err = err ? err : cursor_done(&info);
	err = err ? err : cursor_done(&explicit);
	err = err ? err : cursor_done(&data);
	if (err)
		return error_set(e, err, "not a signed document of the kind accepted here: %s",
				 err_text(err));
	return E_OK;
}

enum err cms_inspect(struct view document, struct cms_info *ret_info, struct error *e)
{
	struct document d;
	enum err err = read_document(document, &d, e);

	if (err)
		return err;
	*ret_info = (struct cms_info){
		.content = d.content,
		.signers = d.count,
		.certificate = d.certificate,
	};
	for (size_t i = 0; i < d.count; i++)
		ret_info->key_ids[i] = d.signers[i].key_id;
	return E_OK;
}

enum err cms_content(struct view document, struct view *ret_content, struct error *e)
{
	struct document d;
	enum err err = read_document(document, &d, e);

	if (!err)
		*ret_content = d.content;
	return err;
}

/* ---- verifying ---- */

static enum err content_digest(const struct algorithm *a, struct view content, struct digest *d,
			       struct error *e)
{
	static const uint8_t nothing;

	if (d->len)
		return E_OK;
	if (EVP_Digest(content.len ? content.data : &nothing, content.len, d->octets, &d->len,
		       a->md(), NULL) != 1)
		return error_set_openssl(e, E_MEMORY, "%s of the content", a->name);
	return E_OK;
}

static enum err verify_signer(const struct signer *s, struct view content, struct digest *digest,
			      EVP_PKEY *key, struct error *e)
{
	/* Signed are the attributes as a SET, not as the [0] that they are here (RFC 5652 §5.4). */
	static const uint8_t set = DER_SET;
	EVP_MD_CTX *context;
	enum err err = content_digest(s->algorithm, content, digest, e);
	int verified;

	if (err)
		return err;
	if (!view_equal(s->message_digest, VIEW(digest->octets, digest->len)))
		return error_set(e, E_SIGNATURE, "the content is not what was signed");
	ERR_clear_error();
	context = EVP_MD_CTX_new();
	verified = context &&
		   EVP_DigestVerifyInit(context, NULL, s->algorithm->md(), NULL, key) == 1 &&
		   EVP_DigestVerifyUpdate(context, &set, 1) == 1 &&
		   EVP_DigestVerifyUpdate(context, s->attributes.data + 1,
					  s->attributes.len - 1) == 1 &&
		   EVP_DigestVerifyFinal(context, s->signature.data, s->signature.len) == 1;
	EVP_MD_CTX_free(context);
	if (!verified)
		return error_set_openssl(e, E_SIGNATURE, "the signature does not verify");
	return E_OK;
}

enum err cms_verify(struct view document, const struct trust *trust, struct cms_result *ret_result,
		    struct error *e)
{
	struct digest digests[ALGORITHMS] = {0};
	bool counted[TRUST_CERTIFICATES_MAX] = {0};
	struct cms_result result = {0};
	struct document d;
	enum err err = read_document(document, &d, e);

	if (err)
		return err;
	if (d.certificate.len)
		return error_set(e, E_UNEXPECTED, "the document carries a certificate; only "
				 "those of the trust list count, so it must carry none");
	for (size_t i = 0; i < d.count; i++) {
		const struct signer *s = &d.signers[i];
		size_t k = 0;

		while (k < trust_count(trust) &&
		       !view_equal(certificate_key_id(trust_certificate(trust, k)), s->key_id))
			k++;
		if (k == trust_count(trust))
			continue;
		err = verify_signer(s, d.content, &digests[s->algorithm - algorithms],
				    X509_get0_pubkey(trust_certificate(trust, k)), e);
		if (err) {
			error_prefix(e, "signer '%s'", trust_name(trust, k));
			return err;
		}
		/* The list holds each key once, so an index stands for an SPKI. */
		if (!counted[k])
			result.pins[result.signers++] = *trust_pin(trust, k);
		counted[k] = true;
	}
	if (d.count == 0)
		return error_set(e, E_UNTRUSTED, "not signed, and %u of the %zu trusted keys must "
				 "sign", trust_threshold(trust), trust_count(trust));
	if (result.signers < trust_threshold(trust))
		return error_set(e, E_UNTRUSTED, "signed by %zu of the %zu trusted keys, and %u "
				 "must sign", result.signers, trust_count(trust),
				 trust_threshold(trust));
	result.content = d.content;
	*ret_result = result;
	return E_OK;
}

static enum err verify_embedded(const struct document *d, X509 *certificate, const struct pin *pin,
				struct error *e)
{
	struct digest digest = {0};
	struct pin found;
	char text[PIN_TEXT_SIZE];
	enum err err = certificate_pin(certificate, &found, e);

	if (err)
		return err;
	if (!pin_equal(&found, pin)) {
		pin_format(&found, text);
		return error_set(e, E_UNTRUSTED, "signed by another key, %s", text);
	}
	/* Not for trust, which the pin gives, but so that no octet of it can be changed. */
	if (X509_verify(certificate, X509_get0_pubkey(certificate)) != 1)
		return error_set_openssl(e, E_SIGNATURE, "the embedded certificate");
	if (!view_equal(certificate_key_id(certificate), d->signers[0].key_id))
		return error_set(e, E_MISMATCH, "the embedded certificate is not the signer's");
	return verify_signer(&d->signers[0], d->content, &digest, X509_get0_pubkey(certificate), e);
}

enum err cms_verify_pinned(struct view document, const struct pin *pin, struct view *ret_content,
			   struct error *e)
{
	struct document d;
	const unsigned char *at;
	X509 *certificate;
	enum err err = read_document(document, &d, e);

	if (err)
		return err;
	if (d.count != 1 || !d.certificate.len)
		return error_set(e, E_UNTRUSTED,
				 "needs one signer with its certificate, has %zu and %s", d.count,
				 d.certificate.len ? "one" : "none");
	ERR_clear_error();
	at = d.certificate.data;
	certificate = d2i_X509(NULL, &at, (long)d.certificate.len);
	if (!certificate)
		return error_set_openssl(e, E_SYNTAX, "the embedded certificate");
	err = verify_embedded(&d, certificate, pin, e);
	X509_free(certificate);
	ERR_clear_error();
	if (!err)
		*ret_content = d.content;
	return err;
}

/* ---- writing ---- */

/* Appends the whole document; algorithms and signers are the contents of their sets. */
static enum err write_document(uint8_t version, struct view digest_algorithms, struct view content,
			       struct view certificate, struct view signers, struct buffer *out,
			       struct error *e)
{
	size_t before = out->len;
	size_t explicit = der_size(content.len);
	size_t encapsulated = sizeof oid_data + der_size(explicit);
	size_t data = der_size(1) + der_size(digest_algorithms.len) + der_size(encapsulated) +
		      (certificate.len ? der_size(certificate.len) : 0) + der_size(signers.len);

	if (content.len > CMS_CONTENT_MAX)
		return error_set(e, E_LIMIT, "a document of %zu octets, and %d is the most",
				 content.len, CMS_CONTENT_MAX);
	der_put_header(out, DER_SEQUENCE, sizeof oid_signed_data + der_size(der_size(data)));
	buffer_put(out, oid_signed_data, sizeof oid_signed_data);
	der_put_header(out, DER_CONTEXT_0_CONSTRUCTED, der_size(data));
	der_put_header(out, DER_SEQUENCE, data);
	der_put(out, DER_INTEGER, VIEW(&version, 1));
	der_put(out, DER_SET, digest_algorithms);
	der_put_header(out, DER_SEQUENCE, encapsulated);
	buffer_put(out, oid_data, sizeof oid_data);
	der_put_header(out, DER_CONTEXT_0_CONSTRUCTED, explicit);
	der_put(out, DER_OCTET_STRING, content);
	if (certificate.len)
		der_put(out, DER_CONTEXT_0_CONSTRUCTED, certificate);
	der_put(out, DER_SET, signers);
	if (out->error) {
		out->len = before;
		return error_set(e, out->error, "writing a signed document");
	}
	return E_OK;
}

enum err cms_wrap(struct view content, struct buffer *out, struct error *e)
{
	return write_document(VERSION_UNSIGNED, VIEW_NONE, content, VIEW_NONE, VIEW_NONE, out, e);
}

/* The contents of the signed attributes: content type, message digest (already in order). */
static void put_attributes(struct buffer *b, const struct digest *digest)
{
	size_t value = der_size(digest->len);

	der_put_header(b, DER_SEQUENCE, sizeof oid_content_type + der_size(sizeof oid_data));
	buffer_put(b, oid_content_type, sizeof oid_content_type);
	der_put(b, DER_SET, VIEW_OF(oid_data));
	der_put_header(b, DER_SEQUENCE, sizeof oid_message_digest + der_size(value));
	buffer_put(b, oid_message_digest, sizeof oid_message_digest);
	der_put_header(b, DER_SET, value);
	der_put(b, DER_OCTET_STRING, VIEW(digest->octets, digest->len));
}

static enum err put_signature(struct buffer *b, const struct algorithm *a, struct view attributes,
			      EVP_PKEY *key, struct error *e)
{
	struct buffer set;
	uint8_t signature[256];
	size_t len = sizeof signature;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	enum err err = E_OK;

	buffer_init(&set, der_size(attributes.len));
	der_put(&set, DER_SET, attributes);
	ERR_clear_error();
	if (!context || set.error ||
	    EVP_DigestSignInit(context, NULL, a->md(), NULL, key) != 1 ||
	    EVP_DigestSign(context, signature, &len, set.data, set.len) != 1)
		err = error_set_openssl(e, E_SYSTEM, "signing with %s", a->name);
	else
		der_put(b, DER_OCTET_STRING, VIEW(signature, len));
	EVP_MD_CTX_free(context);
	buffer_fini(&set);
	return err;
}

/* Appends the contents of a SignerInfo. */
static enum err put_signer(struct buffer *b, const struct algorithm *a, struct view content,
			   const struct key *key, struct error *e)
{
	static const uint8_t version = VERSION_SIGNER;
	struct digest digest = {0};
	struct buffer attributes;
	enum err err = content_digest(a, content, &digest, e);

	if (err)
		return err;
	buffer_init(&attributes, 1024);
	put_attributes(&attributes, &digest);
	der_put(b, DER_INTEGER, VIEW(&version, 1));
	der_put(b, DER_CONTEXT_0, certificate_key_id(key_certificate(key)));
	der_put(b, DER_SEQUENCE, VIEW_OF(a->digest_oid));
	der_put(b, DER_CONTEXT_0_CONSTRUCTED, buffer_view(&attributes));
	der_put(b, DER_SEQUENCE, VIEW_OF(a->signature_oid));
	err = put_signature(b, a, buffer_view(&attributes), key_private(key), e);
	if (!err && (attributes.error || b->error))
		err = error_set(e, E_MEMORY, "out of memory for a signature");
	buffer_fini(&attributes);
	return err;
}

static const struct algorithm *algorithm_for(const struct key *key)
{
	int bits = EVP_PKEY_get_bits(key_private(key));
	size_t i = 0;

	while (i + 1 < ALGORITHMS && bits > algorithms[i].key_bits)
		i++;
	return &algorithms[i];
}

/* The contents of both sets, the new one in its place among the old ones. */
static void merge(const struct document *d, const struct algorithm *algorithm, struct view added,
		  struct buffer *digest_algorithms, struct buffer *signers)
{
	unsigned used = algorithm_bit(algorithm);
	bool placed = false;

	for (size_t i = 0; i < d->count; i++) {
		used |= algorithm_bit(d->signers[i].algorithm);
		if (!placed && view_compare(added, d->signers[i].whole) < 0) {
			buffer_put_view(signers, added);
			placed = true;
		}
		buffer_put_view(signers, d->signers[i].whole);
	}
	if (!placed)
		buffer_put_view(signers, added);
	/* The table is in the order of the encodings. */
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (used & 1U << i)
			der_put(digest_algorithms, DER_SEQUENCE, VIEW_OF(algorithms[i].digest_oid));
}

static enum err check_addition(const struct document *d, const struct key *key,
			       enum cms_sign_flags flags, struct error *e)
{
	struct view id = certificate_key_id(key_certificate(key));

	if (id.len == 0 || id.len > CMS_KEY_ID_MAX)
		return error_set(e, E_MISSING, "the certificate of '%s' has no subject key "
				 "identifier to sign by", key_name(key));
	if (d->count == CMS_SIGNERS_MAX)
		return error_set(e, E_LIMIT, "%d keys have signed, which is the most",
				 CMS_SIGNERS_MAX);
	for (size_t i = 0; i < d->count; i++)
		if (view_equal(d->signers[i].key_id, id))
			return error_set(e, E_DUPLICATE, "'%s' has signed already", key_name(key));
	if (d->certificate.len && (flags & CMS_SIGN_WITH_CERTIFICATE))
		return error_set(e, E_DUPLICATE, "the document carries a certificate already");
	return E_OK;
}

enum err cms_add_signer(struct view document, const struct key *key, enum cms_sign_flags flags,
			struct buffer *out, struct error *e)
{
	const struct algorithm *algorithm = algorithm_for(key);
	struct buffer contents, added, digest_algorithms, signers;
	unsigned char *encoded = NULL;
	struct document d;
	struct view certificate;
	enum err err = read_document(document, &d, e);

	if (!err)
		err = check_addition(&d, key, flags, e);
	if (err)
		return err;
	buffer_init(&contents, SIZE_MAX / 2);
	buffer_init(&added, SIZE_MAX / 2);
	buffer_init(&digest_algorithms, SIZE_MAX / 2);
	buffer_init(&signers, SIZE_MAX / 2);

	certificate = d.certificate;
	if (flags & CMS_SIGN_WITH_CERTIFICATE) {
		int len = i2d_X509(key_certificate(key), &encoded);

		if (len <= 0) {
			err = error_set_openssl(e, E_MEMORY, "encoding a certificate");
			goto out;
		}
		certificate = VIEW(encoded, (size_t)len);
	}
	err = put_signer(&contents, algorithm, d.content, key, e);
	if (err)
		goto out;
	der_put(&added, DER_SEQUENCE, buffer_view(&contents));
	merge(&d, algorithm, buffer_view(&added), &digest_algorithms, &signers);
	if (added.error || digest_algorithms.error || signers.error)
		err = error_set(e, E_MEMORY, "out of memory for a signature");
	else
		err = write_document(VERSION_SIGNED, buffer_view(&digest_algorithms), d.content,
				     certificate, buffer_view(&signers), out, e);
out:
	OPENSSL_free(encoded);
	buffer_fini(&signers);
	buffer_fini(&digest_algorithms);
	buffer_fini(&added);
	buffer_fini(&contents);
	return err;
}
