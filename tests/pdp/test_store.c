/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/store/store.h"
#include "tests/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/copsec-store-XXXXXX";
static char path[64];

static void make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/db", directory);
}

static void remove_directory(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char name[80];

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		unlink(name);
	}
	rmdir(directory);
}

static struct store *open_store(void)
{
	struct store *store = NULL;
	struct error error;

	ck_assert_msg(store_open(path, &store, &error) == E_OK, "%s", error.text);
	return store;
}

static const struct store_item assignments[] = {
	{"web1", 7, {(const uint8_t *)"W\0W", 3}},
	{"alice", 7, {(const uint8_t *)"A", 1}},
};
static const struct store_item sets[] = {
	{"gateway+lan", 3, {(const uint8_t *)"gateway", 7}},
	{"host", 7, {NULL, 0}},
};

static struct store_publication publication(uint64_t serial)
{
	return (struct store_publication){
		.serial = serial,
		.published = 1000 + serial,
		.publisher = "sha256:00",
		.index = {(const uint8_t *)"index", 5},
		.assignments = assignments,
		.assignment_count = 2,
		.sets = sets,
		.set_count = 2,
	};
}

static void assert_items_equal(const struct store_item *a, const struct store_item *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(a[i].name, b[i].name);
		ck_assert_uint_eq(a[i].serial, b[i].serial);
		ck_assert(view_equal(a[i].octets, b[i].octets));
	}
}

static void assert_holds(struct store *store, uint64_t serial)
{
	struct store_publication p;
	struct error error;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	ck_assert_msg(store_load(store, &arena, &p, &error) == E_OK, "%s", error.text);
	ck_assert_uint_eq(p.serial, serial);
	if (serial) {
		ck_assert_uint_eq(p.published, 1000 + serial);
		ck_assert_str_eq(p.publisher, "sha256:00");
		ck_assert(view_equal(p.index, view_of_string("index")));
		ck_assert_uint_eq(p.assignment_count, 2);
		ck_assert_uint_eq(p.set_count, 2);
		assert_items_equal(p.assignments, assignments, 2);
		assert_items_equal(p.sets, sets, 2);
	}
	arena_fini(&arena);
}

START_TEST(what_was_published_is_there_after_reopening)
{
	struct store_publication p = publication(7);
	struct store *store = open_store();
	struct error error;
	struct stat st;

	assert_holds(store, 0);
	ck_assert_int_eq(store_publish(store, &p, &error), E_OK);
	store_close(store);
	store = open_store();
	assert_holds(store, 7);
	store_close(store);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_failed_publication_leaves_the_one_before)
{
	struct store_item twice[] = {sets[0], sets[0]};
	struct store_publication p = publication(7);
	struct store *store = open_store();
	struct error error;

	ck_assert_int_eq(store_publish(store, &p, &error), E_OK);
	p = publication(8);
	p.sets = twice;
	ck_assert_int_eq(store_publish(store, &p, &error), E_SYSTEM);
	assert_holds(store, 7);
	p.sets = sets;
	ck_assert_int_eq(store_publish(store, &p, &error), E_OK);
	assert_holds(store, 8);
	store_close(store);
}
END_TEST

START_TEST(the_last_report_of_each_node_is_kept)
{
	static const struct store_report web1 = {"web1", 10, 1, 10, true, "", 0};
	static const struct store_report alice = {"alice", 11, 0, 0, false, "root does not match", 0};
	static const struct store_report later = {"web1", 12, 2, 12, true, "", 0};
	struct store *store = open_store();
	struct store_report *reports;
	struct error error;
	struct arena arena;
	size_t count;

	ck_assert_int_eq(store_put_reports(store,
				 (const struct store_report *const[]){&web1, &alice}, 2, &error),
		E_OK);
	ck_assert_int_eq(store_put_reports(store,
				 (const struct store_report *const[]){&later}, 1, &error),
		E_OK);

	arena_init(&arena, 1 << 20);
	ck_assert_int_eq(store_load_reports(store, &arena, &reports, &count, &error), E_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(reports[0].node, "alice");
	ck_assert(!reports[0].success);
	ck_assert_str_eq(reports[0].text, "root does not match");
	ck_assert_uint_eq(reports[1].serial, 2);
	ck_assert_uint_eq(reports[1].time, 12);
	arena_fini(&arena);
	store_close(store);
}
END_TEST

static struct store_trial trial_of(struct store *store, uint64_t serial)
{
	static char roles[64];
	struct store_publication p;
	struct error error;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	ck_assert_msg(store_load(store, &arena, &p, &error) == E_OK, "%s", error.text);
	ck_assert_uint_eq(p.serial, serial);
	snprintf(roles, sizeof roles, "%s", p.trial.roles);
	p.trial.roles = roles;
	arena_fini(&arena);
	return p.trial;
}

START_TEST(a_trial_lasts_until_it_is_promoted_or_something_newer_comes)
{
	struct store_publication p = publication(7);
	struct store *store = open_store();
	struct store_trial trial;
	struct error error;

	ck_assert_int_eq(store_publish(store, &p, &error), E_OK);
	ck_assert(!trial_of(store, 7).on);
	for (uint64_t serial = 8; serial < 12; serial += 2) {
		p = publication(serial);
		p.trial = (struct store_trial){true, 5, "gateway+lan"};
		ck_assert_msg(!store_publish(store, &p, &error), "%s", error.text);
		store_close(store);
		store = open_store();
		trial = trial_of(store, serial);
		ck_assert(trial.on);
		ck_assert_uint_eq(trial.share, 5);
		ck_assert_str_eq(trial.roles, "gateway+lan");
		p = publication(serial + 1);
		ck_assert_int_eq(serial == 8 ? store_promote(store, &error)
					     : store_publish(store, &p, &error),
			E_OK);
		ck_assert(!trial_of(store, serial == 8 ? 8 : 11).on);
	}
	store_close(store);
}
END_TEST

/* As version 2 left it. */
static void make_older(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "DROP TABLE trial; DROP TABLE guest; PRAGMA user_version = 2;", NULL, NULL,
				 NULL),
		SQLITE_OK);
	sqlite3_close(db);
}

START_TEST(an_older_database_is_brought_up_to_date)
{
	struct store_publication p = publication(7);
	struct store *store = open_store();
	struct error error;

	ck_assert_int_eq(store_publish(store, &p, &error), E_OK);
	store_close(store);
	make_older();
	store = open_store();
	ck_assert(!trial_of(store, 7).on);
	p = publication(8);
	p.trial = (struct store_trial){true, 5, ""};
	ck_assert_msg(!store_publish(store, &p, &error), "%s", error.text);
	ck_assert(trial_of(store, 8).on);
	store_close(store);
}
END_TEST

START_TEST(the_newest_bundle_of_each_other_authority_is_kept)
{
	struct store_guest first = {2, "operator", 4, 100, "sha256:aa", {(const uint8_t *)"old", 3}};
	struct store_guest newer = {2, "operator", 5, 101, "sha256:bb", {(const uint8_t *)"new", 3}};
	struct store_guest other = {4, "responder", 1, 102, "sha256:cc", {(const uint8_t *)"x", 1}};
	struct store *store = open_store();
	struct store_guest *loaded;
	struct arena arena;
	struct error error;
	size_t count;

	ck_assert_int_eq(store_put_guest(store, &other, &error), E_OK);
	ck_assert_int_eq(store_put_guest(store, &first, &error), E_OK);
	ck_assert_int_eq(store_put_guest(store, &newer, &error), E_OK);
	store_close(store);
	store = open_store();
	arena_init(&arena, 1 << 20);
	ck_assert_int_eq(store_load_guests(store, &arena, &loaded, &count, &error), E_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(loaded[0].authority, 2);
	ck_assert_uint_eq(loaded[0].serial, 5);
	ck_assert_str_eq(loaded[0].publisher, "sha256:bb");
	ck_assert(view_equal(loaded[0].octets, newer.octets));
	ck_assert_uint_eq(loaded[1].authority, 4);
	arena_fini(&arena);
	store_close(store);
}
END_TEST

START_TEST(what_is_no_store_of_ours_is_refused)
{
	struct store *store = NULL;
	struct error error;
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 100; i++)
		fputs("this is no database\n", file);
	fclose(file);
	ck_assert_int_eq(store_open(path, &store, &error), E_SYSTEM);
	ck_assert_ptr_null(store);
	ck_assert_int_eq(store_open("/nonexistent/db", &store, &error), E_SYSTEM);
	ck_assert_str_eq(error.text, "store /nonexistent/db: No such file or directory");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store");
	TCase *c = tcase_create("store");

	tcase_add_checked_fixture(c, make_directory, remove_directory);
	tcase_add_test(c, what_was_published_is_there_after_reopening);
	tcase_add_test(c, a_failed_publication_leaves_the_one_before);
	tcase_add_test(c, the_last_report_of_each_node_is_kept);
	tcase_add_test(c, a_trial_lasts_until_it_is_promoted_or_something_newer_comes);
	tcase_add_test(c, an_older_database_is_brought_up_to_date);
	tcase_add_test(c, the_newest_bundle_of_each_other_authority_is_kept);
	tcase_add_test(c, what_is_no_store_of_ours_is_refused);
	suite_add_tcase(s, c);
	return suite_main(s);
}
