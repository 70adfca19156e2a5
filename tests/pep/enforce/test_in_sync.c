/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/in_sync.h"

#include "tests/pep/enforce/parts.h"
#include "tests/suite.h"

static struct endpoint at(const char *text)
{
	struct endpoint endpoint;
	struct error e;

	ck_assert_int_eq(endpoint_parse(text, 3288, &endpoint, &e), E_OK);
	return endpoint;
}

#define INDEX VIEW("an index", 8)

START_TEST(it_comes_back_as_long_as_the_index_is_in_force)
{
	static const char *const pdps[] = {"192.0.2.1:3288", "[2001:db8::1]:99"};
	struct endpoint pdp, again;
	struct memory memory;
	struct storage storage;
	struct error e;

	memory_init(&memory);
	storage = memory_storage(&memory);
	ck_assert_int_eq(in_sync_read(&storage, INDEX, &again, &e), E_NOT_FOUND);
	for (size_t i = 0; i < 2; i++) {
		pdp = at(pdps[i]);
		ck_assert_msg(!in_sync_write(&storage, &pdp, INDEX, &e), "%s", e.text);
		ck_assert_msg(!in_sync_read(&storage, INDEX, &again, &e), "%s", e.text);
		ck_assert(endpoint_equal(&pdp, &again));
		ck_assert_int_eq(in_sync_read(&storage, VIEW("an index!", 9), &again, &e),
		                 E_MISMATCH);
		ck_assert_int_eq(in_sync_read(&storage, VIEW_NONE, &again, &e), E_MISMATCH);
	}
	ck_assert_int_eq(in_sync_write(&storage, NULL, INDEX, &e), E_OK);
	ck_assert_int_eq(in_sync_read(&storage, INDEX, &again, &e), E_NOT_FOUND);
	memory_fini(&memory);
}
END_TEST

START_TEST(what_is_damaged_says_nothing)
{
	struct endpoint pdp = at("192.0.2.1"), again;
	struct memory memory;
	struct storage storage;
	struct buffer *file;
	struct error e;

	memory_init(&memory);
	storage = memory_storage(&memory);
	file = &memory.current[STORED_PDP];
	ck_assert_int_eq(in_sync_write(&storage, &pdp, INDEX, &e), E_OK);
	for (size_t i = 0; i < file->len; i++) {
		file->data[i] ^= 0x10;
		ck_assert_int_eq(in_sync_read(&storage, INDEX, &again, &e), E_MISMATCH);
		file->data[i] ^= 0x10;
	}
	for (size_t len = file->len; len-- > 1;) {
		file->len = len;
		ck_assert_int_eq(in_sync_read(&storage, INDEX, &again, &e), E_MISMATCH);
	}
	memory_fini(&memory);
}
END_TEST

START_TEST(a_disk_that_fails_is_told)
{
	struct endpoint pdp = at("192.0.2.1");
	struct memory memory;
	struct storage storage;
	struct error e;

	memory_init(&memory);
	storage = memory_storage(&memory);
	memory.prepare_fails = true;
	ck_assert_int_ne(in_sync_write(&storage, &pdp, INDEX, &e), E_OK);
	memory.prepare_fails = false;
	memory.commit_fails[STORED_PDP] = true;
	ck_assert_int_ne(in_sync_write(&storage, &pdp, INDEX, &e), E_OK);
	memory_fini(&memory);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pep/enforce/in_sync");
	TCase *c = tcase_create("in sync");

	tcase_add_test(c, it_comes_back_as_long_as_the_index_is_in_force);
	tcase_add_test(c, what_is_damaged_says_nothing);
	tcase_add_test(c, a_disk_that_fails_is_told);
	suite_add_tcase(s, c);
	return suite_main(s);
}
