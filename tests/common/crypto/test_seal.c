/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "tests/suite.h"

static struct key *alice, *bob;
static struct buffer certificate, sealed, opened;
static struct pin recipient;
static struct error error;

static void set_up(void)
{
	ck_assert_int_eq(key_generate("alice", &alice, &error), E_OK);
	ck_assert_int_eq(key_generate("bob", &bob, &error), E_OK);
	buffer_init(&certificate, KEY_FILE_MAX);
	buffer_init(&sealed, 2 * SEAL_MAX);
	buffer_init(&opened, 2 * SEAL_SECRET_MAX);
	ck_assert_int_eq(key_certificate_pem(alice, &certificate, &error), E_OK);
}

static void tear_down(void)
{
	key_free(alice);
	key_free(bob);
	buffer_fini(&certificate);
	buffer_fini(&sealed);
	buffer_fini_secret(&opened);
}

static void seal_for_alice(struct view secret)
{
	buffer_reset(&sealed);
	ck_assert_msg(!seal(secret, buffer_view(&certificate), &sealed, &recipient, &error), "%s",
		      error.text);
}

START_TEST(only_the_recipient_opens_it)
{
	struct view secret = view_of_string("correct horse battery staple");
	struct pin pin = key_pin(alice);

	seal_for_alice(secret);
	ck_assert(pin_equal(&recipient, &pin));
	ck_assert_ptr_null(memmem(sealed.data, sealed.len, secret.data, secret.len));
	ck_assert_msg(!unseal(buffer_view(&sealed), alice, &opened, &error), "%s", error.text);
	ck_assert(view_equal(buffer_view(&opened), secret));
	buffer_reset(&opened);
	ck_assert_int_eq(unseal(buffer_view(&sealed), bob, &opened, &error), E_DENIED);
	ck_assert_ptr_nonnull(strstr(error.text, "does not open with key 'bob'"));
	ck_assert_uint_eq(opened.len, 0);
}
END_TEST

START_TEST(twice_the_same_secret_looks_different)
{
	struct buffer before;

	buffer_init(&before, SEAL_MAX);
	seal_for_alice(VIEW("x", 1));
	buffer_put_view(&before, buffer_view(&sealed));
	seal_for_alice(VIEW("x", 1));
	ck_assert(!view_equal(buffer_view(&before), buffer_view(&sealed)));
	buffer_fini(&before);
}
END_TEST

START_TEST(lengths)
{
	static uint8_t octets[SEAL_SECRET_MAX + 1];

	for (size_t len = 1; len < 70; len++) {
		memset(octets, (int)len, len);
		seal_for_alice(VIEW(octets, len));
		buffer_reset(&opened);
		ck_assert_int_eq(unseal(buffer_view(&sealed), alice, &opened, &error), E_OK);
		ck_assert(view_equal(buffer_view(&opened), VIEW(octets, len)));
	}
	seal_for_alice(VIEW(octets, SEAL_SECRET_MAX));
	buffer_reset(&sealed);
	ck_assert_int_eq(seal(VIEW(octets, sizeof octets), buffer_view(&certificate), &sealed,
			      &recipient, &error), E_LENGTH);
	ck_assert_int_eq(seal(VIEW_NONE, buffer_view(&certificate), &sealed, &recipient, &error),
			 E_LENGTH);
	ck_assert_int_eq(seal(VIEW("x", 1), VIEW("no certificate", 14), &sealed, &recipient,
			      &error), E_SYNTAX);
	ck_assert_uint_eq(sealed.len, 0);
}
END_TEST

/* Cut anywhere it is refused; with an octet changed it is refused, or opens to something else where
 * the octet is one of the secret itself: that is for the signature to say. */
START_TEST(damage)
{
	struct view secret = view_of_string("0123456789abcdef0123456789abcdef");
	size_t same = 0;

	seal_for_alice(secret);
	for (size_t len = 0; len < sealed.len; len++) {
		buffer_reset(&opened);
		ck_assert_int_ne(unseal(VIEW(sealed.data, len), alice, &opened, &error), E_OK);
		ck_assert_uint_eq(opened.len, 0);
	}
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 0x55;
		buffer_reset(&opened);
		if (!unseal(buffer_view(&sealed), alice, &opened, &error))
			same += view_equal(buffer_view(&opened), secret);
		sealed.data[i] ^= 0x55;
	}
	/* Numbers of versions and the like, which nothing covers and OpenSSL does not look at. */
	ck_assert_uint_le(same, 16);
	buffer_put_u8(&sealed, 0);
	ck_assert_int_eq(unseal(buffer_view(&sealed), alice, &opened, &error), E_SYNTAX);
}
END_TEST

static void run(const char *command)
{
	ck_assert_msg(system(command) == 0, "%s", command);
}

START_TEST(openssl_agrees)
{
	struct view secret = view_of_string("shared with openssl");
	char directory[] = "/tmp/seal-XXXXXX", command[512];
	struct buffer file;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(key_save(alice, "key.pem", NULL, &error), E_OK);
	ck_assert_int_eq(key_save_certificate(alice, "certificate.pem", &error), E_OK);
	seal_for_alice(secret);
	ck_assert_int_eq(file_replace("sealed", buffer_view(&sealed), 0600, &error), E_OK);
	run("openssl cms -decrypt -inform DER -binary -in sealed -inkey key.pem "
	    "-recip certificate.pem -out opened");
	buffer_init(&file, SEAL_MAX);
	ck_assert_int_eq(file_read("opened", &file, NULL, &error), E_OK);
	ck_assert(view_equal(buffer_view(&file), secret));

	run("openssl cms -encrypt -binary -keyid -aes256 -outform DER -in opened -out theirs "
	    "certificate.pem");
	buffer_reset(&file);
	ck_assert_int_eq(file_read("theirs", &file, NULL, &error), E_OK);
	ck_assert_msg(!unseal(buffer_view(&file), alice, &opened, &error), "%s", error.text);
	ck_assert(view_equal(buffer_view(&opened), secret));
	/* What is signed is no secret. */
	run("openssl cms -sign -binary -nodetach -nocerts -signer key.pem -outform DER -in opened "
	    "-out theirs");
	buffer_reset(&file);
	ck_assert_int_eq(file_read("theirs", &file, NULL, &error), E_OK);
	ck_assert_int_eq(unseal(buffer_view(&file), alice, &opened, &error), E_SYNTAX);
	buffer_fini(&file);
	snprintf(command, sizeof command, "rm -r %s", directory);
	run(command);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("seal");
	TCase *c = tcase_create("seal");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, only_the_recipient_opens_it);
	tcase_add_test(c, twice_the_same_secret_looks_different);
	tcase_add_test(c, lengths);
	tcase_add_test(c, damage);
	tcase_add_test(c, openssl_agrees);
	suite_add_tcase(s, c);
	return suite_main(s);
}
