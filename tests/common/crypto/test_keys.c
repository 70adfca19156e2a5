/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys, their files and trust lists, with openssl(1) as the other implementation. */
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/crypto/digest.h"
#include "common/crypto/key.h"
#include "common/crypto/trust.h"
#include "tests/suite.h"

static char directory[32];
static char path[64];

static void setup(void)
{
	strcpy(directory, "/tmp/copsec-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/key.pem", directory);
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof command, "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void run(const char *format, ...) PRINTF_LIKE(1, 2);
static void run(const char *format, ...)
{
	char command[1024] = "";
	va_list ap;
	size_t used;

	used = (size_t)snprintf(command, sizeof command, "cd %s && ", directory);
	va_start(ap, format);
	vsnprintf(command + used, sizeof command - used, format, ap);
	va_end(ap);
	ck_assert_msg(system(command) == 0, "%s", command);
}

static struct key *generate(const char *name)
{
	struct key *k;
	struct error e;

	ck_assert_msg(key_generate(name, &k, &e) == E_OK, "%s", e.text);
	return k;
}

START_TEST(digest_is_that_of_fips_180)
{
	static const uint8_t abc[] = {
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
		0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
		0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
	};
	uint8_t digest[SHA256_SIZE], whole[SHA256_SIZE];
	struct sha256 s;

	sha256_init(&s);
	sha256_put(&s, "a", 1);
	sha256_put_view(&s, VIEW("bc", 2));
	ck_assert_int_eq(sha256_final(&s, digest), E_OK);
	ck_assert_mem_eq(digest, abc, sizeof abc);
	/* Ready for the next one, which does not remember the first. */
	sha256_put_u8(&s, 0x01);
	sha256_put_u32(&s, 0x02030405);
	ck_assert_int_eq(sha256_final(&s, digest), E_OK);
	ck_assert_int_eq(sha256_of(VIEW("\x01\x02\x03\x04\x05", 5), whole), E_OK);
	ck_assert_mem_eq(digest, whole, sizeof whole);
	ck_assert_int_eq(sha256_final(&s, digest), E_OK);
	ck_assert_int_eq(sha256_of(VIEW_NONE, whole), E_OK);
	ck_assert_mem_eq(digest, whole, sizeof whole);
	sha256_fini(&s);
	ck_assert_int_ne(sha256_final(&s, digest), E_OK);
}
END_TEST

START_TEST(saved_key_is_the_same_key_and_nobody_elses)
{
	struct key *k = generate("alice"), *again;
	struct pin pin = key_pin(k), pin_again;
	struct stat st;
	struct error e;

	ck_assert_str_eq(key_name(k), "alice");
	ck_assert_int_eq(key_save(k, path, NULL, &e), E_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_msg(key_load(path, NULL, &again, &e) == E_OK, "%s", e.text);
	pin_again = key_pin(again);
	ck_assert(pin_equal(&pin, &pin_again));
	ck_assert_str_eq(key_name(again), "alice");
	key_free(again);
	key_free(k);
	key_free(NULL);
}
END_TEST

START_TEST(pin_is_what_openssl_computes)
{
	struct key *k = generate("alice");
	struct pin pin = key_pin(k);
	char hex[2 * PIN_SIZE + 1];
	struct error e;

	hex_encode(hex, VIEW(pin.sha256, sizeof pin.sha256));
	ck_assert_int_eq(key_save_certificate(k, path, &e), E_OK);
	run("test $(openssl x509 -in key.pem -noout -pubkey | openssl pkey -pubin -outform DER | "
	    "sha256sum | cut -c1-64) = %s", hex);
	run("openssl verify -CAfile key.pem key.pem >/dev/null");
	key_free(k);
}
END_TEST

START_TEST(key_file_open_to_others_is_refused)
{
	static const struct {
		mode_t mode;
		bool valid;
	} rows[] = {{0600, true}, {0400, true}, {0640, true}, {0604, false}, {0660, false},
		    {0602, false}, {0644, false}};
	struct key *k = generate("alice"), *again;
	struct error e;

	ck_assert_int_eq(key_save(k, path, NULL, &e), E_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum err err;

		ck_assert_int_eq(chmod(path, rows[i].mode), 0);
		err = key_load(path, NULL, &again, &e);
		ck_assert_msg(err == (rows[i].valid ? E_OK : E_DENIED), "%04o", rows[i].mode);
		if (!err)
			key_free(again);
	}
	key_free(k);
}
END_TEST

static enum err say(void *context, const char *file, struct buffer *secret, struct error *e)
{
	(void)file;
	if (!context)
		return error_set(e, E_CLOSED, "nobody answers");
	buffer_put_view(secret, view_of_string(context));
	return E_OK;
}

START_TEST(passphrase_seals_the_key)
{
	char right[] = "correct horse", wrong[] = "incorrect horse", empty[] = "";
	const struct {
		struct passphrase passphrase;
		enum err err;
	} rows[] = {
		{{say, right}, E_OK},
		{{say, wrong}, E_SYNTAX},
		{{say, empty}, E_LENGTH},
		{{say, NULL}, E_CLOSED},
	};
	struct key *k = generate("alice"), *again;
	struct error e;

	ck_assert_int_eq(key_save(k, path, &rows[0].passphrase, &e), E_OK);
	run("grep -q 'BEGIN ENCRYPTED PRIVATE KEY' key.pem");
	run("openssl pkey -in key.pem -noout -passin 'pass:correct horse'");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_msg(key_load(path, &rows[i].passphrase, &again, &e) == rows[i].err,
			      "%zu: %s", i, e.text);
		if (!rows[i].err)
			key_free(again);
	}
	ck_assert_int_eq(key_load(path, NULL, &again, &e), E_DENIED);
	ck_assert_int_eq(key_save(k, path, &rows[3].passphrase, &e), E_CLOSED);
	/* The old file is still there. */
	ck_assert_int_eq(key_load(path, &rows[0].passphrase, &again, &e), E_OK);
	key_free(again);
	key_free(k);
}
END_TEST

START_TEST(wrong_key_files_are_refused_with_a_reason)
{
	static const struct {
		const char *made_by;
		enum err err;
	} rows[] = {
		{"echo hello > key.pem", E_SYNTAX},
		{"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem 2>&1",
		 E_SYNTAX},
		{"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout key.pem -out c.pem "
		 "2>&1 && cat c.pem >> key.pem", E_UNSUPPORTED},
		{"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes -subj "
		 "/CN=x -keyout key.pem -out c.pem 2>&1 && cat c.pem >> key.pem", E_UNSUPPORTED},
		/* A certificate of another key. */
		{"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x "
		 "-keyout other.pem -out c.pem 2>&1 && openssl genpkey -algorithm EC -pkeyopt "
		 "ec_paramgen_curve:P-256 -out key.pem 2>&1 && cat c.pem >> key.pem", E_MISMATCH},
		{"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -subj /CN=x "
		 "-keyout key.pem -out c.pem 2>&1 && cat c.pem >> key.pem", E_OK},
		{"head -c 70000 /dev/zero > key.pem", E_LIMIT},
	};
	struct key *k;
	struct error e;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		run("(%s) >/dev/null; chmod 600 key.pem", rows[i].made_by);
		ck_assert_msg(key_load(path, NULL, &k, &e) == rows[i].err, "%s: %s",
			      rows[i].made_by, e.text);
		if (!rows[i].err)
			key_free(k);
		else
			ck_assert_ptr_nonnull(strstr(e.text, path));
	}
	ck_assert_int_eq(key_generate("", &k, &e), E_RANGE);
	ck_assert_int_eq(key_generate("12345678901234567890123456789012345678901234567890123456789"
				      "012345", &k, &e), E_RANGE);
}
END_TEST

START_TEST(trust_list_is_checked)
{
	struct key *a = generate("alice"), *b = generate("bob");
	struct buffer one, two, twice, cut, bad;
	struct error e;
	struct trust *t;
	struct pin pin = key_pin(b);

	buffer_init(&one, 65536);
	buffer_init(&two, 65536);
	buffer_init(&twice, 65536);
	buffer_init(&cut, 65536);
	buffer_init(&bad, 65536);
	ck_assert_int_eq(key_certificate_pem(a, &one, &e), E_OK);
	buffer_put_text(&two, "Signers of acme.\n\n");
	ck_assert_int_eq(key_certificate_pem(a, &two, &e), E_OK);
	buffer_put_text(&two, "bob, since March:\n");
	ck_assert_int_eq(key_certificate_pem(b, &two, &e), E_OK);
	buffer_put_view(&twice, buffer_view(&two));
	ck_assert_int_eq(key_certificate_pem(a, &twice, &e), E_OK);
	buffer_put(&cut, two.data, two.len - 40);
	buffer_put_view(&bad, buffer_view(&two));
	bad.data[bad.len / 2 + 200] = '!';

	ck_assert_msg(trust_parse(buffer_view(&two), 2, &t, &e) == E_OK, "%s", e.text);
	ck_assert_uint_eq(trust_count(t), 2);
	ck_assert_uint_eq(trust_threshold(t), 2);
	ck_assert_str_eq(trust_name(t, 1), "bob");
	ck_assert(pin_equal(trust_pin(t, 1), &pin));
	trust_free(t);
	trust_free(NULL);

	ck_assert_int_eq(trust_parse(buffer_view(&two), 3, &t, &e), E_RANGE);
	ck_assert_int_eq(trust_parse(buffer_view(&two), 0, &t, &e), E_RANGE);
	ck_assert_int_eq(trust_parse(buffer_view(&twice), 1, &t, &e), E_DUPLICATE);
	ck_assert_int_eq(trust_parse(buffer_view(&cut), 1, &t, &e), E_SYNTAX);
	ck_assert_int_eq(trust_parse(buffer_view(&bad), 1, &t, &e), E_SYNTAX);
	ck_assert_int_eq(trust_parse(VIEW_NONE, 1, &t, &e), E_MISSING);
	ck_assert_int_eq(trust_load(path, 1, &t, &e), E_SYSTEM);
	ck_assert_int_eq(file_replace(path, buffer_view(&cut), 0644, &e), E_OK);
	ck_assert_int_eq(trust_load(path, 1, &t, &e), E_SYNTAX);
	ck_assert_ptr_nonnull(strstr(e.text, path));
	run("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout k -out key.pem 2>&1 "
	    ">/dev/null");
	ck_assert_int_eq(trust_load(path, 1, &t, &e), E_UNSUPPORTED);

	buffer_fini(&bad);
	buffer_fini(&cut);
	buffer_fini(&twice);
	buffer_fini(&two);
	buffer_fini(&one);
	key_free(b);
	key_free(a);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keys");
	TCase *keys = tcase_create("keys");

	tcase_add_checked_fixture(keys, setup, teardown);
	tcase_set_timeout(keys, 60);
	tcase_add_test(keys, digest_is_that_of_fips_180);
	tcase_add_test(keys, saved_key_is_the_same_key_and_nobody_elses);
	tcase_add_test(keys, pin_is_what_openssl_computes);
	tcase_add_test(keys, key_file_open_to_others_is_refused);
	tcase_add_test(keys, passphrase_seals_the_key);
	tcase_add_test(keys, wrong_key_files_are_refused_with_a_reason);
	tcase_add_test(keys, trust_list_is_checked);
	suite_add_tcase(suite, keys);
	return suite_main(suite);
}
