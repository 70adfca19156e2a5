/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last good state on disk: the old octets or the new ones, whole, whatever happens between. */
#include "tests/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pep/enforce/storage.h"

struct fixture {
	char path[64];
	struct directory_storage directory;
	struct storage storage;
};

static void setup(struct fixture *f)
{
	struct error e;

	snprintf(f->path, sizeof f->path, "/tmp/copsec-storage-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->path));
	ck_assert_int_eq(directory_storage_init(&f->directory, f->path, &e), E_OK);
	f->storage = directory_storage(&f->directory);
}

static void teardown(struct fixture *f)
{
	unlinkat(f->directory.directory, "state", 0);
	unlinkat(f->directory.directory, "state.new", 0);
	unlinkat(f->directory.directory, "floors", 0);
	unlinkat(f->directory.directory, "floors.new", 0);
	directory_storage_fini(&f->directory);
	ck_assert_int_eq(rmdir(f->path), 0);
}

static void expect(struct fixture *f, const char *text)
{
	struct buffer b;
	struct error e;
	uint64_t when = 0;

	buffer_init(&b, 1 << 20);
	if (!text) {
		ck_assert_int_eq(f->storage.load(f->storage.context, STORED_STATE, &b, &when, &e), E_NOT_FOUND);
	} else {
		ck_assert_int_eq(f->storage.load(f->storage.context, STORED_STATE, &b, &when, &e), E_OK);
		ck_assert_str_eq(buffer_string(&b), text);
		ck_assert_uint_gt(when, 1700000000);
	}
	buffer_fini(&b);
}

static void prepare(struct fixture *f, const char *text)
{
	struct error e;

	ck_assert_int_eq(f->storage.prepare(f->storage.context, STORED_STATE, view_of_string(text), &e), E_OK);
}

START_TEST(only_commit_replaces)
{
	struct fixture f;
	struct error e;

	setup(&f);
	expect(&f, NULL);
	prepare(&f, "first");
	expect(&f, NULL);
	ck_assert_int_eq(f.storage.commit(f.storage.context, STORED_STATE, &e), E_OK);
	expect(&f, "first");
	prepare(&f, "second");
	f.storage.abandon(f.storage.context);
	expect(&f, "first");
	ck_assert_int_ne(f.storage.commit(f.storage.context, STORED_STATE, &e), E_OK);
	expect(&f, "first");
	teardown(&f);
}
END_TEST

START_TEST(state_and_floors_do_not_touch_each_other)
{
	struct fixture f;
	struct error e;
	struct buffer b;
	uint64_t when;

	setup(&f);
	prepare(&f, "state");
	ck_assert_int_eq(f.storage.prepare(f.storage.context, STORED_FLOORS, VIEW("floors", 6), &e),
	                 E_OK);
	ck_assert_int_eq(f.storage.commit(f.storage.context, STORED_FLOORS, &e), E_OK);
	ck_assert_int_eq(f.storage.sync(f.storage.context, &e), E_OK);
	expect(&f, NULL);
	ck_assert_int_eq(f.storage.commit(f.storage.context, STORED_STATE, &e), E_OK);
	expect(&f, "state");
	buffer_init(&b, 1 << 20);
	ck_assert_int_eq(f.storage.load(f.storage.context, STORED_FLOORS, &b, &when, &e), E_OK);
	ck_assert_str_eq(buffer_string(&b), "floors");
	buffer_fini(&b);
	teardown(&f);
}
END_TEST

START_TEST(what_a_dead_process_prepared_is_forgotten)
{
	struct fixture f;
	struct error e;

	setup(&f);
	prepare(&f, "of a process that was killed here");
	prepare(&f, "new");
	ck_assert_int_eq(f.storage.commit(f.storage.context, STORED_STATE, &e), E_OK);
	expect(&f, "new");
	teardown(&f);
}
END_TEST

START_TEST(nobody_else_reads_it_and_no_link_is_followed)
{
	struct fixture f;
	struct error e;
	struct stat st;
	struct buffer b;
	uint64_t when;

	setup(&f);
	prepare(&f, "x");
	ck_assert_int_eq(f.storage.commit(f.storage.context, STORED_STATE, &e), E_OK);
	ck_assert_int_eq(fstatat(f.directory.directory, "state", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(unlinkat(f.directory.directory, "state", 0), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", f.directory.directory, "state"), 0);
	buffer_init(&b, 1 << 20);
	ck_assert_int_eq(f.storage.load(f.storage.context, STORED_STATE, &b, &when, &e), E_SYSTEM);
	ck_assert_uint_eq(b.len, 0);
	buffer_fini(&b);
	teardown(&f);
}
END_TEST

START_TEST(too_much_is_refused_and_leaves_the_buffer)
{
	struct fixture f;
	struct error e;
	struct buffer b;
	uint64_t when;

	setup(&f);
	prepare(&f, "more than four octets");
	ck_assert_int_eq(f.storage.commit(f.storage.context, STORED_STATE, &e), E_OK);
	buffer_init(&b, 4);
	ck_assert_int_eq(f.storage.load(f.storage.context, STORED_STATE, &b, &when, &e), E_LIMIT);
	ck_assert_uint_eq(b.len, 0);
	buffer_fini(&b);
	teardown(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/enforce/storage");
	TCase *t = tcase_create("storage");

	tcase_add_test(t, only_commit_replaces);
	tcase_add_test(t, state_and_floors_do_not_touch_each_other);
	tcase_add_test(t, what_a_dead_process_prepared_is_forgotten);
	tcase_add_test(t, nobody_else_reads_it_and_no_link_is_followed);
	tcase_add_test(t, too_much_is_refused_and_leaves_the_buffer);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
