/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed documents: what is written is what openssl(1) accepts, what openssl(1) writes is read, and
 * nothing that was changed, cut, weak or signed by too few gets through.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/crypto/cms.h"
#include "common/crypto/der.h"
#include "common/crypto/digest.h"
#include "common/crypto/openssl.h"
#include "tests/suite.h"

static char directory[32];

enum { SIGNERS = 4 };
static const char *const names[SIGNERS] = {"alice", "bob", "carol", "mallory"};
static struct key *keys[SIGNERS];
static struct trust *trust; /* alice, bob, carol; two of them */

static void run(const char *format, ...) PRINTF_LIKE(1, 2);
static void run(const char *format, ...)
{
	char command[2048] = "";
	va_list ap;
	size_t used;

	used = (size_t)snprintf(command, sizeof command, "cd %s && { ", directory);
	va_start(ap, format);
	vsnprintf(command + used, sizeof command - used, format, ap);
	va_end(ap);
	used = strlen(command);
	snprintf(command + used, sizeof command - used, "; } >log 2>&1 || { cat log; false; }");
	ck_assert_msg(system(command) == 0, "%s", command);
}

static const char *in_directory(const char *name)
{
	static char path[64];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, struct view v)
{
	struct error e;

	ck_assert_msg(file_replace(in_directory(name), v, 0600, &e) == E_OK, "%s", e.text);
}

static struct buffer read_file(const char *name)
{
	struct buffer b;
	struct error e;

	buffer_init(&b, SIZE_MAX);
	ck_assert_msg(file_read(in_directory(name), &b, NULL, &e) == E_OK, "%s", e.text);
	return b;
}

static struct trust *trust_in(size_t count, uint32_t threshold)
{
	struct trust *t;
	struct buffer pem;
	struct error e;

	buffer_init(&pem, 65536);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(key_certificate_pem(keys[i], &pem, &e), E_OK);
	ck_assert_msg(trust_parse(buffer_view(&pem), threshold, &t, &e) == E_OK, "%s", e.text);
	buffer_fini(&pem);
	return t;
}

static void setup(void)
{
	struct error e;
	char file[32];

	strcpy(directory, "/tmp/copsec-cms-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	for (size_t i = 0; i < SIGNERS; i++) {
		ck_assert_msg(key_generate(names[i], &keys[i], &e) == E_OK, "%s", e.text);
		snprintf(file, sizeof file, "%s.pem", names[i]);
		ck_assert_int_eq(key_save(keys[i], in_directory(file), NULL, &e), E_OK);
		snprintf(file, sizeof file, "%s.crt", names[i]);
		ck_assert_int_eq(key_save_certificate(keys[i], in_directory(file), &e), E_OK);
	}
	trust = trust_in(3, 2);
}

static void teardown(void)
{
	char command[64];

	trust_free(trust);
	for (size_t i = 0; i < SIGNERS; i++)
		key_free(keys[i]);
	snprintf(command, sizeof command, "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static struct buffer wrap(struct view content)
{
	struct buffer b;
	struct error e;

	buffer_init(&b, SIZE_MAX);
	ck_assert_msg(cms_wrap(content, &b, &e) == E_OK, "%s", e.text);
	return b;
}

/* Signs by each key whose letter (a, b, c, m) is given; takes the document. */
static struct buffer sign(struct buffer document, const char *letters, enum cms_sign_flags flags)
{
	for (; *letters; letters++) {
		struct buffer more;
		struct error e;

		buffer_init(&more, SIZE_MAX);
		for (size_t i = 0; i < SIGNERS; i++)
			if (names[i][0] == *letters)
				ck_assert_msg(cms_add_signer(buffer_view(&document), keys[i],
							     flags, &more, &e) == E_OK,
					      "%s", e.text);
		buffer_fini(&document);
		document = more;
	}
	return document;
}

static struct view policy(void)
{
	return VIEW("\x30\x03policy\0with any\r\noctets\n", 26);
}

START_TEST(unsigned_document_has_the_octets_of_rfc_5652)
{
	static const uint8_t octets[] = {
		0x30, 0x29, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02,
		0xa0, 0x1c, 0x30, 0x1a, 0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x11, 0x06, 0x09,
		0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01, 0xa0, 0x04, 0x04, 0x02,
		'h',  'i',  0x31, 0x00,
	};
	struct buffer document = wrap(VIEW("hi", 2));

	ck_assert_uint_eq(document.len, sizeof octets);
	ck_assert_mem_eq(document.data, octets, sizeof octets);
	buffer_fini(&document);
}
END_TEST

START_TEST(content_of_every_length_form_comes_back)
{
	static const size_t lengths[] = {0, 1, 60, 100, 127, 128, 129, 255, 256, 257, 65535, 65536,
					 70000, CMS_CONTENT_MAX};
	uint8_t *octets = calloc(1, CMS_CONTENT_MAX + 1);
	struct buffer document;
	struct view content;
	struct error e;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		document = wrap(VIEW(octets, lengths[i]));
		ck_assert_msg(cms_content(buffer_view(&document), &content, &e) == E_OK, "%s",
			      e.text);
		ck_assert(view_equal(content, VIEW(octets, lengths[i])));
		buffer_fini(&document);
	}
	buffer_init(&document, SIZE_MAX);
	buffer_put(&document, "kept", 4);
	ck_assert_int_eq(cms_wrap(VIEW(octets, CMS_CONTENT_MAX + 1), &document, &e), E_LIMIT);
	ck_assert(view_equal(buffer_view(&document), VIEW("kept", 4)));
	buffer_fini(&document);
	free(octets);
}
END_TEST

START_TEST(fully_signed_document_verifies_with_openssl)
{
	static const char *const signers[] = {"a", "ab", "cba"};

	run("cat alice.crt bob.crt carol.crt > all.pem");
	write_file("content", policy());
	for (size_t i = 0; i < sizeof signers / sizeof signers[0]; i++) {
		struct buffer document = sign(wrap(policy()), signers[i], CMS_SIGN_PLAIN);

		write_file("document", buffer_view(&document));
		run("openssl cms -verify -binary -inform DER -in document -certfile all.pem "
		    "-nointern -noverify -out verified && cmp content verified");
		/* The same octets come out of OpenSSL's own encoder. */
		run("openssl cms -cmsout -inform DER -in document -outform DER -out again && "
		    "cmp document again");
		buffer_fini(&document);
	}
	/* And it does not with one of them missing, so the test can fail. */
	run("! openssl cms -verify -binary -inform DER -in document -certfile alice.crt "
	    "-nointern -noverify -out verified");
}
END_TEST

START_TEST(adding_a_signer_leaves_the_others_octet_for_octet)
{
	struct buffer one = sign(wrap(policy()), "a", CMS_SIGN_PLAIN), three;
	struct cms_info info;
	struct error e;
	struct view content, signer;

	ck_assert_int_eq(cms_inspect(buffer_view(&one), &info, &e), E_OK);
	ck_assert_uint_eq(info.signers, 1);
	/* The SignerInfo begins 7 octets before its key identifier's contents (30 xx 02 01 03 80). */
	signer.data = info.key_ids[0].data - 8;
	ck_assert_uint_eq(signer.data[0], 0x30);
	signer.len = (size_t)(one.data + one.len - signer.data);

	buffer_init(&three, SIZE_MAX);
	buffer_put_view(&three, buffer_view(&one));
	three = sign(three, "bc", CMS_SIGN_PLAIN);
	ck_assert_int_eq(cms_inspect(buffer_view(&three), &info, &e), E_OK);
	ck_assert_uint_eq(info.signers, 3);
	ck_assert_ptr_nonnull(memmem(three.data, three.len, signer.data, signer.len));
	ck_assert_int_eq(cms_content(buffer_view(&three), &content, &e), E_OK);
	ck_assert(view_equal(content, policy()));
	buffer_fini(&three);
	buffer_fini(&one);
}
END_TEST

START_TEST(nobody_signs_twice)
{
	struct buffer document = sign(wrap(policy()), "ab", CMS_SIGN_PLAIN), out;
	struct error e;

	buffer_init(&out, SIZE_MAX);
	ck_assert_int_eq(cms_add_signer(buffer_view(&document), keys[0], CMS_SIGN_PLAIN, &out, &e),
			 E_DUPLICATE);
	ck_assert_ptr_nonnull(strstr(e.text, "alice"));
	ck_assert_uint_eq(out.len, 0);
	buffer_fini(&out);
	buffer_fini(&document);
}
END_TEST

START_TEST(k_of_n_counts_distinct_trusted_keys)
{
	static const struct {
		const char *signers;
		uint32_t threshold;
		enum err err;
		size_t counted;
	} rows[] = {
		{"", 1, E_UNTRUSTED, 0},   {"m", 1, E_UNTRUSTED, 0},  {"a", 1, E_OK, 1},
		{"a", 2, E_UNTRUSTED, 0},  {"am", 2, E_UNTRUSTED, 0}, {"ab", 2, E_OK, 2},
		{"mab", 2, E_OK, 2},       {"abc", 2, E_OK, 3},       {"ab", 3, E_UNTRUSTED, 0},
		{"abcm", 3, E_OK, 3},
	};
	struct cms_result result;
	struct error e;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buffer document = sign(wrap(policy()), rows[i].signers, CMS_SIGN_PLAIN);
		struct trust *t = trust_in(3, rows[i].threshold);

		result.signers = 0;
		ck_assert_msg(cms_verify(buffer_view(&document), t, &result, &e) == rows[i].err,
			      "signed by '%s', %u needed: %s", rows[i].signers, rows[i].threshold,
			      e.text);
		ck_assert_uint_eq(result.signers, rows[i].counted);
		if (!rows[i].err)
			ck_assert(view_equal(result.content, policy()));
		trust_free(t);
		buffer_fini(&document);
	}
}
END_TEST

/* Each octet changed in each of these ways, each cut, and one octet more. */
static void check_hostile(struct buffer *document, bool (*accepted)(struct view v, enum err *err))
{
	static const uint8_t changes[] = {0x01, 0x03, 0x80, 0xff};
	enum err err;

	ck_assert(accepted(buffer_view(document), &err));
	for (size_t at = 0; at < document->len; at++) {
		for (size_t i = 0; i < sizeof changes; i++) {
			document->data[at] ^= changes[i];
			ck_assert_msg(!accepted(buffer_view(document), &err),
				      "octet %zu changed by %02x", at, changes[i]);
			document->data[at] ^= changes[i];
		}
	}
	for (size_t len = 0; len < document->len; len++) {
		/* In memory of its own size, so that a read past the end is seen. */
		uint8_t *cut = malloc(len ? len : 1);

		memcpy(cut, document->data, len);
		ck_assert_msg(!accepted(VIEW(cut, len), &err), "cut to %zu", len);
		ck_assert_int_eq(err, E_TRUNCATED);
		free(cut);
	}
	buffer_put_u8(document, 0);
	ck_assert(!accepted(buffer_view(document), &err));
	ck_assert_int_eq(err, E_TRAILING);
}

static bool accepted_by_trust(struct view v, enum err *err)
{
	struct cms_result result;
	struct error e;

	*err = cms_verify(v, trust, &result, &e);
	return *err == E_OK;
}

static bool accepted_by_pin(struct view v, enum err *err)
{
	struct pin pin = key_pin(keys[0]);
	struct view content;
	struct error e;

	*err = cms_verify_pinned(v, &pin, &content, &e);
	return *err == E_OK;
}

START_TEST(no_octet_can_change_unnoticed)
{
	struct buffer document = sign(wrap(policy()), "ab", CMS_SIGN_PLAIN);

	check_hostile(&document, accepted_by_trust);
	buffer_fini(&document);
}
END_TEST

START_TEST(no_octet_of_a_report_can_change_unnoticed)
{
	struct buffer document = sign(wrap(policy()), "a", CMS_SIGN_WITH_CERTIFICATE);

	check_hostile(&document, accepted_by_pin);
	buffer_fini(&document);
}
END_TEST

START_TEST(pinned_report_needs_its_one_signer)
{
	struct buffer plain = sign(wrap(policy()), "a", CMS_SIGN_PLAIN);
	struct buffer report = sign(wrap(policy()), "a", CMS_SIGN_WITH_CERTIFICATE);
	struct buffer foreign = sign(wrap(policy()), "m", CMS_SIGN_WITH_CERTIFICATE);
	struct buffer two = sign(wrap(policy()), "a", CMS_SIGN_WITH_CERTIFICATE);
	struct cms_result result;
	struct error e;
	enum err err;

	two = sign(two, "b", CMS_SIGN_PLAIN);
	ck_assert(accepted_by_pin(buffer_view(&report), &err));
	ck_assert(!accepted_by_pin(buffer_view(&plain), &err));
	ck_assert_int_eq(err, E_UNTRUSTED);
	ck_assert(!accepted_by_pin(buffer_view(&foreign), &err));
	ck_assert_int_eq(err, E_UNTRUSTED);
	ck_assert(!accepted_by_pin(buffer_view(&two), &err));
	ck_assert_int_eq(err, E_UNTRUSTED);
	/* A certificate has no place in what a trust list decides. */
	ck_assert_int_eq(cms_verify(buffer_view(&report), trust, &result, &e), E_UNEXPECTED);
	buffer_fini(&two);
	buffer_fini(&foreign);
	buffer_fini(&report);
	buffer_fini(&plain);
}
END_TEST

/* openssl(1) as the other implementation, good and bad. */
START_TEST(documents_by_openssl_are_judged)
{
	static const struct {
		const char *options;
		enum err err;
	} rows[] = {
		{"-nodetach -keyid -nocerts -signer alice.pem -signer bob.pem", E_OK},
		{"-nodetach -keyid -nocerts -nosmimecap -signer alice.pem -signer bob.pem", E_OK},
		{"-nodetach -keyid -nocerts -md sha384 -signer alice.pem -signer carol.pem", E_OK},
		{"-nodetach -keyid -nocerts -md sha512 -signer alice.pem -signer carol.pem", E_OK},
		/* One key under two names is one key. */
		{"-nodetach -keyid -nocerts -signer alice.pem -signer alice.pem", E_UNTRUSTED},
		{"-nodetach -keyid -nocerts -md sha1 -signer alice.pem -signer bob.pem",
		 E_UNSUPPORTED},
		{"-nodetach -keyid -nocerts -md sha224 -signer alice.pem -signer bob.pem",
		 E_UNSUPPORTED},
		{"-keyid -nocerts -signer alice.pem -signer bob.pem", E_MISSING},
		{"-nodetach -keyid -nocerts -noattr -signer alice.pem -signer bob.pem", E_TYPE},
		{"-nodetach -nocerts -signer alice.pem -signer bob.pem", E_VERSION},
		{"-nodetach -keyid -signer alice.pem", E_UNEXPECTED},
		{"-nodetach -keyid -nocerts -signer alice.pem -signer rsa.pem", E_UNSUPPORTED},
		{"-nodetach -keyid -nocerts -stream -signer alice.pem -signer bob.pem", E_LENGTH},
		{"-nodetach -keyid -nocerts -signer alice.pem -signer bob.pem -econtent_type "
		 "1.2.840.113549.1.9.16.1.4", E_UNSUPPORTED},
	};
	struct cms_result result;
	struct error e;

	write_file("content", policy());
	run("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=rsa -keyout rsa.pem -out rsa.crt "
	    "&& cat rsa.crt >> rsa.pem");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buffer document;
		enum err err;

		run("openssl cms -sign -binary -in content -outform DER -out document %s",
		    rows[i].options);
		document = read_file("document");
		err = cms_verify(buffer_view(&document), trust, &result, &e);
		ck_assert_msg(err == rows[i].err, "%s: %s %s", rows[i].options, err_text(err),
			      err ? e.text : "");
		if (!err)
			ck_assert(view_equal(result.content, policy()));
		buffer_fini(&document);
	}
}
END_TEST

START_TEST(signature_of_another_content_does_not_fit)
{
	struct buffer one = sign(wrap(VIEW("pay 1", 5)), "ab", CMS_SIGN_PLAIN);
	struct cms_result result;
	struct error e;
	uint8_t *digit = memmem(one.data, one.len, "pay 1", 5);

	digit[4] = '9';
	ck_assert_int_eq(cms_verify(buffer_view(&one), trust, &result, &e), E_SIGNATURE);
	ck_assert_ptr_nonnull(strstr(e.text, "content is not what was signed"));
	buffer_fini(&one);
}
END_TEST

START_TEST(a_longer_curve_signs_with_its_digest)
{
	struct buffer document, out;
	struct key *k;
	struct trust *t;
	struct cms_result result;
	struct error e;

	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -subj /CN=long "
	    "-keyout long.pem -out long.crt && cat long.crt >> long.pem && chmod 600 long.pem && "
	    "cat long.crt alice.crt > two.crt");
	ck_assert_msg(key_load(in_directory("long.pem"), NULL, &k, &e) == E_OK, "%s", e.text);
	ck_assert_msg(trust_load(in_directory("two.crt"), 2, &t, &e) == E_OK, "%s", e.text);
	document = sign(wrap(policy()), "a", CMS_SIGN_PLAIN);
	buffer_init(&out, SIZE_MAX);
	ck_assert_msg(cms_add_signer(buffer_view(&document), k, CMS_SIGN_PLAIN, &out, &e) == E_OK,
		      "%s", e.text);
	ck_assert_msg(cms_verify(buffer_view(&out), t, &result, &e) == E_OK, "%s", e.text);
	write_file("document", buffer_view(&out));
	run("openssl cms -verify -binary -inform DER -in document -certfile two.crt -nointern "
	    "-noverify -out verified");
	run("openssl cms -cmsout -print -inform DER -in document | grep -q ecdsa-with-SHA384");
	buffer_fini(&out);
	buffer_fini(&document);
	trust_free(t);
	key_free(k);
}
END_TEST

START_TEST(signers_are_limited)
{
	struct buffer document = wrap(policy());
	struct error e;

	for (size_t i = 0; i <= CMS_SIGNERS_MAX; i++) {
		struct buffer more;
		struct key *k;
		enum err err;

		ck_assert_int_eq(key_generate("one of many", &k, &e), E_OK);
		buffer_init(&more, SIZE_MAX);
		err = cms_add_signer(buffer_view(&document), k, CMS_SIGN_PLAIN, &more, &e);
		ck_assert_int_eq(err, i < CMS_SIGNERS_MAX ? E_OK : E_LIMIT);
		buffer_fini(err ? &more : &document);
		if (!err)
			document = more;
		key_free(k);
	}
	write_file("document", buffer_view(&document));
	run("openssl cms -cmsout -inform DER -in document -outform DER -out again && "
	    "cmp document again");
	buffer_fini(&document);
}
END_TEST

START_TEST(only_distinguished_encoding_is_read)
{
	static const struct {
		const char *hex;
		enum err err;
	} rows[] = {
		{"302906092a864886f70d010702a01c301a0201013100301106092a864886f70d010701a004040268693100",
		 E_OK},
		/* a length with an octet too many, in two forms, and the indefinite one */
		{"30812906092a864886f70d010702a01c301a0201013100301106092a864886f70d010701a0040402686"
		 "93100", E_LENGTH},
		{"3082002906092a864886f70d010702a01c301a0201013100301106092a864886f70d010701a00404026"
		 "8693100", E_LENGTH},
		{"308006092a864886f70d010702a01c301a0201013100301106092a864886f70d010701a0040402686931"
		 "000000", E_LENGTH},
		{"3085000000002906092a864886f70d010702a01c301a0201013100301106092a864886f70d010701a00"
		 "4040268693100", E_LENGTH},
		/* a constructed octet string */
		{"302b06092a864886f70d010702a01e301c0201013100301306092a864886f70d010701a00624040402"
		 "68693100", E_TYPE},
		/* a digest algorithm that no signer uses, and one that nobody knows */
		{"303606092a864886f70d010702a0293027020101310d300b0609608648016503040201301106092a8648"
		 "86f70d010701a004040268693100", E_MISMATCH},
		{"303606092a864886f70d010702a0293027020101310d300b0609608648016503040209301106092a8648"
		 "86f70d010701a004040268693100", E_UNSUPPORTED},
		/* version 3 and no signer */
		{"302906092a864886f70d010702a01c301a0201033100301106092a864886f70d010701a004040268693100",
		 E_VERSION},
		/* certificates: an empty set of them; a revocation list */
		{"302b06092a864886f70d010702a01e301c0201013100301106092a864886f70d010701a0040402686"
		 "9a0003100", E_TRUNCATED},
		{"302b06092a864886f70d010702a01e301c0201013100301106092a864886f70d010701a0040402686"
		 "9a1003100", E_TYPE},
	};
	struct view content;
	struct error e;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t octets[128];
		size_t len = strlen(rows[i].hex) / 2;
		enum err err;

		ck_assert(hex_decode(octets, len, rows[i].hex));
		err = cms_content(VIEW(octets, len), &content, &e);
		ck_assert_msg(err == rows[i].err, "%zu: %s", i, err_text(err));
	}
}
END_TEST

/* A document by alice over these attributes (the contents of their SET), signed as they are. */
static struct buffer signed_by_hand(struct view attributes)
{
	static const uint8_t version = 3;
	struct buffer set, info, infos, data, document;
	uint8_t signature[128];
	size_t len = sizeof signature;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct view oid_sha256 = VIEW("\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01", 11);
	struct view data_oid = VIEW("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 11);

	buffer_init(&set, SIZE_MAX);
	buffer_init(&info, SIZE_MAX);
	buffer_init(&infos, SIZE_MAX);
	buffer_init(&data, SIZE_MAX);
	buffer_init(&document, SIZE_MAX);
	der_put(&set, DER_SET, attributes);
	ck_assert_int_eq(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL,
					    key_private(keys[0])), 1);
	ck_assert_int_eq(EVP_DigestSign(context, signature, &len, set.data, set.len), 1);
	EVP_MD_CTX_free(context);

	der_put(&info, DER_INTEGER, VIEW(&version, 1));
	der_put(&info, DER_CONTEXT_0, certificate_key_id(key_certificate(keys[0])));
	der_put(&info, DER_SEQUENCE, oid_sha256);
	der_put(&info, DER_CONTEXT_0_CONSTRUCTED, attributes);
	der_put(&info, DER_SEQUENCE, VIEW("\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 10));
	der_put(&info, DER_OCTET_STRING, VIEW(signature, len));
	der_put(&infos, DER_SEQUENCE, buffer_view(&info));

	der_put(&data, DER_INTEGER, VIEW(&version, 1));
	der_put_header(&data, DER_SET, der_size(oid_sha256.len));
	der_put(&data, DER_SEQUENCE, oid_sha256);
	der_put_header(&data, DER_SEQUENCE, data_oid.len + 2 + 2 + 2);
	buffer_put_view(&data, data_oid);
	buffer_put(&data, "\xa0\x04\x04\x02hi", 6);
	der_put(&data, DER_SET, buffer_view(&infos));

	der_put_header(&document, DER_SEQUENCE, 11 + der_size(der_size(data.len)));
	buffer_put(&document, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 11);
	der_put_header(&document, DER_CONTEXT_0_CONSTRUCTED, der_size(data.len));
	der_put(&document, DER_SEQUENCE, buffer_view(&data));
	ck_assert_int_eq(document.error, E_OK);
	buffer_fini(&data);
	buffer_fini(&infos);
	buffer_fini(&info);
	buffer_fini(&set);
	return document;
}

START_TEST(signed_attributes_are_what_they_must_be)
{
	/*
	 * By letter: t content type, x another content type, d digest, w wrong digest, e empty
	 * digest, s signing time. In the order of a SET OF: e t x s d w.
	 */
	static const struct {
		const char *letters;
		enum err err;
	} rows[] = {
		{"td", E_OK},      {"tsd", E_OK},      {"d", E_MISSING}, {"t", E_MISSING},
		{"", E_MISSING},   {"dt", E_SYNTAX},   {"ttd", E_SYNTAX}, {"tdd", E_SYNTAX},
		{"xd", E_UNSUPPORTED}, {"txd", E_DUPLICATE}, {"tw", E_SIGNATURE}, {"et", E_MISSING},
		{"tdw", E_DUPLICATE},
	};
	static const struct {
		char letter;
		const char *octets;
		size_t len;
	} attributes[] = {
		{'t', "\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03\x31\x0b\x06\x09"
		      "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 26},
		{'x', "\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03\x31\x0b\x06\x09"
		      "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 26},
		{'s', "\x30\x1c\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05\x31\x0f\x17\x0d"
		      "260101000000Z", 30},
		{'e', "\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04\x31\x02\x04\x00",
		 17},
		{'d', "\x30\x2f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04\x31\x22\x04\x20", 17},
		{'w', "\x30\x2f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04\x31\x22\x04\x20", 17},
	};
	struct trust *t = trust_in(1, 1);
	struct cms_result result;
	struct error e;
	uint8_t digest[SHA256_SIZE];

	ck_assert_int_eq(sha256_of(VIEW("hi", 2), digest), E_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buffer set, document;
		enum err err;

		buffer_init(&set, SIZE_MAX);
		for (const char *l = rows[i].letters; *l; l++) {
			for (size_t k = 0; k < sizeof attributes / sizeof attributes[0]; k++)
				if (attributes[k].letter == *l)
					buffer_put(&set, attributes[k].octets, attributes[k].len);
			if (*l == 'd')
				buffer_put(&set, digest, sizeof digest);
			if (*l == 'w')
				for (size_t k = 0; k < sizeof digest; k++)
					buffer_put_u8(&set, 0xff);
		}
		document = signed_by_hand(buffer_view(&set));
		err = cms_verify(buffer_view(&document), t, &result, &e);
		ck_assert_msg(err == rows[i].err, "attributes '%s': %s", rows[i].letters,
			      err ? e.text : "accepted");
		buffer_fini(&document);
		buffer_fini(&set);
	}
	trust_free(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cms");
	TCase *cms = tcase_create("cms");

	tcase_add_checked_fixture(cms, setup, teardown);
	tcase_set_timeout(cms, 100);
	tcase_add_test(cms, unsigned_document_has_the_octets_of_rfc_5652);
	tcase_add_test(cms, content_of_every_length_form_comes_back);
	tcase_add_test(cms, fully_signed_document_verifies_with_openssl);
	tcase_add_test(cms, adding_a_signer_leaves_the_others_octet_for_octet);
	tcase_add_test(cms, nobody_signs_twice);
	tcase_add_test(cms, k_of_n_counts_distinct_trusted_keys);
	tcase_add_test(cms, no_octet_can_change_unnoticed);
	tcase_add_test(cms, no_octet_of_a_report_can_change_unnoticed);
	tcase_add_test(cms, pinned_report_needs_its_one_signer);
	tcase_add_test(cms, documents_by_openssl_are_judged);
	tcase_add_test(cms, signature_of_another_content_does_not_fit);
	tcase_add_test(cms, a_longer_curve_signs_with_its_digest);
	tcase_add_test(cms, signers_are_limited);
	tcase_add_test(cms, only_distinguished_encoding_is_read);
	tcase_add_test(cms, signed_attributes_are_what_they_must_be);
	suite_add_tcase(suite, cms);
	return suite_main(suite);
}
