/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STORE_VERSION = 4,
	STORE_BUSY_MS = 5000,
};

struct store {
	sqlite3 *db;
};

/* The newest publication has the greatest id; items keep the order in which they were published.
 * `trail` is append-only: every manifest, index and assignment that was ever published. */
static const char schema[] =
	"CREATE TABLE publication (id INTEGER PRIMARY KEY, serial INTEGER NOT NULL,"
	" published INTEGER NOT NULL, publisher TEXT NOT NULL, octets BLOB NOT NULL);"
	"CREATE TABLE assignment (position INTEGER PRIMARY KEY,"
	" publication INTEGER NOT NULL REFERENCES publication ON DELETE CASCADE,"
	" name TEXT NOT NULL, serial INTEGER NOT NULL, octets BLOB NOT NULL,"
	" UNIQUE (publication, name));"
	"CREATE TABLE policy_set (position INTEGER PRIMARY KEY,"
	" publication INTEGER NOT NULL REFERENCES publication ON DELETE CASCADE,"
	" name TEXT NOT NULL, serial INTEGER NOT NULL, octets BLOB NOT NULL,"
	" UNIQUE (publication, name));"
	"CREATE TABLE report (node TEXT PRIMARY KEY, time INTEGER NOT NULL,"
	" serial INTEGER NOT NULL, since INTEGER NOT NULL, success INTEGER NOT NULL,"
	" text TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE trail (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
	" name TEXT NOT NULL, serial INTEGER NOT NULL, published INTEGER NOT NULL,"
	" publisher TEXT NOT NULL, octets BLOB NOT NULL);"
	"PRAGMA user_version = 2;";

/* The newest publication is tried as long as there is a row. */
static const char trial_table[] =
	"CREATE TABLE trial (id INTEGER PRIMARY KEY CHECK (id = 1), share INTEGER NOT NULL,"
	" roles TEXT NOT NULL);"
	"PRAGMA user_version = 3;";

/* The newest bundle of each authority besides home. */
static const char guest_table[] =
	"CREATE TABLE guest (authority INTEGER PRIMARY KEY, serial INTEGER NOT NULL,"
	" published INTEGER NOT NULL, publisher TEXT NOT NULL, octets BLOB NOT NULL);"
	"PRAGMA user_version = 4;";

/* What leads from a version to a later one; from an empty database too. */
static const struct {
	int version;
	const char *sql;
} steps[] = {{0, schema}, {2, trial_table}, {3, guest_table}};

static enum err sql_error(struct store *store, const char *doing, struct error *error)
{
	enum err code = sqlite3_errcode(store->db) == SQLITE_NOMEM ? E_MEMORY : E_SYSTEM;

	return error_set(error, code, "store: %s: %s", doing, sqlite3_errmsg(store->db));
}

static enum err sql_exec(struct store *store, const char *sql, const char *doing,
	struct error *error)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sql_error(store, doing, error);
	return E_OK;
}

/*
 * Prepares `sql`, binds `format` to ?1, ?2, ... and steps once, for statements without result rows.
 * Format characters: s const char *, n uint64_t, v struct view.
 */
static enum err sql_run(struct store *store, struct error *error, const char *doing,
	const char *sql, const char *format, ...)
{
	sqlite3_stmt *statement = NULL;
	enum err result = E_OK;
	bool bound = true;
	va_list ap;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return sql_error(store, doing, error);
	va_start(ap, format);
	for (int i = 0; format[i]; i++) {
		int status;

		if (format[i] == 's') {
			status = sqlite3_bind_text(
				statement, i + 1, va_arg(ap, const char *), -1, SQLITE_STATIC);
		} else if (format[i] == 'n') {
			status = sqlite3_bind_int64(
				statement, i + 1, (sqlite3_int64)va_arg(ap, uint64_t));
		} else {
			struct view v = va_arg(ap, struct view);

			status = sqlite3_bind_blob64(
				statement, i + 1, v.len ? (const void *)v.data : "", v.len,
				SQLITE_STATIC);
		}
		bound = bound && status == SQLITE_OK;
	}
	va_end(ap);
	if (!bound || sqlite3_step(statement) != SQLITE_DONE)
		result = sql_error(store, doing, error);
	sqlite3_finalize(statement);
	return result;
}

/* Runs `body` between BEGIN and COMMIT; whatever fails, nothing of it stays. */
static enum err in_transaction(struct store *store,
	enum err (*body)(struct store *, const void *, struct error *), const void *argument,
	struct error *error)
{
	struct error ignored;
	enum err result;

	result = sql_exec(store, "BEGIN IMMEDIATE", "begin", error);
	if (result)
		return result;
	result = body(store, argument, error);
	if (!result)
		result = sql_exec(store, "COMMIT", "commit", error);
	if (result && !sqlite3_get_autocommit(store->db) &&
		sql_exec(store, "ROLLBACK", "roll back", &ignored))
		error_prefix(error, "roll back failed too (%s)", ignored.text);
	return result;
}

static enum err user_version(struct store *store, int *ret_version, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	enum err result = E_OK;

	if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL) !=
			SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW)
		result = sql_error(store, "read the version", error);
	else
		*ret_version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return result;
}

static enum err step_up(struct store *store, const void *sql, struct error *error)
{
	return sql_exec(store, sql, "create the tables", error);
}

static enum err bring_up_to_date(struct store *store, int *version, struct error *error)
{
	enum err result = E_OK;

	for (size_t i = 0; !result && i < sizeof steps / sizeof *steps; i++) {
		if (steps[i].version != *version)
			continue;
		result = in_transaction(store, step_up, steps[i].sql, error);
		if (!result)
			result = user_version(store, version, error);
	}
	return result;
}

static enum err prepare_database(struct store *store, const char *path, struct error *error)
{
	int version = 0;
	enum err result;

	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	/* FULL: what was acknowledged to a publisher survives a power failure. */
	result = sql_exec(store,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
		"set up", error);
	if (!result)
		result = user_version(store, &version, error);
	if (!result)
		result = bring_up_to_date(store, &version, error);
	if (!result && version != STORE_VERSION)
		result = error_set(error, E_VERSION,
			"store %s has version %d, this program knows %d", path,
			version, STORE_VERSION);
	return result;
}

enum err store_open(const char *path, struct store **ret_store, struct error *error)
{
	struct store *store;
	enum err result;
	int fd;

	/* SQLite would create it by the umask; its journals copy the mode of the file. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_sys(error, errno, "store %s", path);
	close(fd);

	store = calloc(1, sizeof *store);
	if (!store)
		return error_set(error, E_MEMORY, "store %s", path);
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK)
		result = sql_error(store, path, error);
	else
		result = prepare_database(store, path, error);
	if (result)
		store_close(store);
	else
		*ret_store = store;
	return result;
}

struct store *store_close(struct store *store)
{
	if (store) {
		sqlite3_close(store->db);
		free(store);
	}
	return NULL;
}

struct item_table {
	const char *kind;
	const char *insert;
	const char *select;
};

/* ?1 is how many publications ago. */
#define PUBLICATION_ID "(SELECT id FROM publication ORDER BY id DESC LIMIT 1 OFFSET ?1)"

static const struct item_table assignment_table = {
	"assignment",
	"INSERT INTO assignment (publication, name, serial, octets)"
	" VALUES ((SELECT max(id) FROM publication), ?1, ?2, ?3)",
	"SELECT name, serial, octets FROM assignment WHERE publication = " PUBLICATION_ID
	" ORDER BY position",
};

static const struct item_table set_table = {
	"set",
	"INSERT INTO policy_set (publication, name, serial, octets)"
	" VALUES ((SELECT max(id) FROM publication), ?1, ?2, ?3)",
	"SELECT name, serial, octets FROM policy_set WHERE publication = " PUBLICATION_ID
	" ORDER BY position",
};

static enum err put_trail(struct store *store, const struct store_publication *publication,
	const char *kind, const struct store_item *item, struct error *error)
{
	return sql_run(store, error, "add to the trail",
		"INSERT INTO trail (kind, name, serial, published, publisher, octets)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		"ssnnsv", kind, item->name, item->serial, publication->published,
		publication->publisher, item->octets);
}

static enum err put_items(struct store *store, const struct store_publication *publication,
	const struct item_table *table, const struct store_item *items, size_t count,
	struct error *error)
{
	enum err result = E_OK;

	for (size_t i = 0; !result && i < count; i++) {
		result = sql_run(store, error, table->kind, table->insert, "snv", items[i].name,
			items[i].serial, items[i].octets);
		if (!result)
			result = put_trail(store, publication, table->kind, &items[i], error);
	}
	return result;
}

static enum err end_trial(struct store *store, const void *argument, struct error *error)
{
	(void)argument;
	return sql_run(store, error, "end a trial", "DELETE FROM trial", "");
}

static enum err put_publication(struct store *store, const void *argument, struct error *error)
{
	const struct store_publication *p = argument;
	const struct store_item index = {"index", p->serial, p->index};
	enum err result;

	result = sql_run(store, error, "publication",
		"INSERT INTO publication (serial, published, publisher, octets)"
		" VALUES (?1, ?2, ?3, ?4)",
		"nnsv", p->serial, p->published, p->publisher, p->index);
	if (!result)
		result = sql_run(store, error, "publications that are too old",
			"DELETE FROM publication WHERE id NOT IN"
			" (SELECT id FROM publication ORDER BY id DESC LIMIT ?1)",
			"n", (uint64_t)STORE_EARLIER_MAX + 1);
	if (!result)
		result = put_trail(store, p, "index", &index, error);
	if (!result)
		result = put_items(store, p, &assignment_table, p->assignments,
			p->assignment_count, error);
	if (!result)
		result = put_items(store, p, &set_table, p->sets, p->set_count, error);
	if (!result)
		result = end_trial(store, NULL, error);
	if (!result && p->trial.on)
		result = sql_run(store, error, "trial",
			"INSERT INTO trial (id, share, roles) VALUES (1, ?1, ?2)", "ns",
			(uint64_t)p->trial.share, p->trial.roles);
	return result;
}

enum err store_publish(struct store *store, const struct store_publication *publication,
	struct error *error)
{
	return in_transaction(store, put_publication, publication, error);
}

enum err store_promote(struct store *store, struct error *error)
{
	return in_transaction(store, end_trial, NULL, error);
}

/* Walks over the rows of `sql`, where ?1 is `number` if there is one; `row` returns false when
 * memory is exhausted. */
static enum err each_row(struct store *store, const char *sql, unsigned number, const char *doing,
	bool (*row)(sqlite3_stmt *, void *), void *context, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	enum err result = E_OK;
	int status;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return sql_error(store, doing, error);
	if (sqlite3_bind_parameter_count(statement))
		sqlite3_bind_int64(statement, 1, number);
	while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
		if (!row(statement, context)) {
			result = error_set(error, E_MEMORY, "store: %s", doing);
			break;
		}
	}
	if (!result && status != SQLITE_DONE)
		result = sql_error(store, doing, error);
	sqlite3_finalize(statement);
	return result;
}

static struct view column_blob(sqlite3_stmt *statement, int column)
{
	const void *data = sqlite3_column_blob(statement, column);

	return VIEW(data, (size_t)sqlite3_column_bytes(statement, column));
}

static const char *column_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text ? arena_strdup(arena, (const char *)text) : NULL;
}

static uint64_t column_number(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

/* A growing array in an arena: doubles by copying, the old ones die with the arena. */
struct rows {
	struct arena *arena;
	size_t size; /* of one element */
	size_t count;
	size_t room;
	void *elements;
};

static void *rows_add(struct rows *rows)
{
	if (rows->count == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 16;
		void *elements = arena_calloc(rows->arena, room, rows->size);

		if (!elements)
			return NULL;
		if (rows->count)
			memcpy(elements, rows->elements, rows->count * rows->size);
		rows->elements = elements;
		rows->room = room;
	}
	return (char *)rows->elements + rows->size * rows->count++;
}

static bool read_item(sqlite3_stmt *statement, void *context)
{
	struct rows *rows = context;
	struct store_item *item = rows_add(rows);

	if (!item)
		return false;
	item->name = column_text(statement, 0, rows->arena);
	item->serial = column_number(statement, 1);
	item->octets = arena_copy(rows->arena, column_blob(statement, 2));
	return item->name && item->octets.data;
}

struct publication_row {
	struct arena *arena;
	struct store_publication *publication;
};

static bool read_publication(sqlite3_stmt *statement, void *context)
{
	struct publication_row *row = context;

	row->publication->serial = column_number(statement, 0);
	row->publication->published = column_number(statement, 1);
	row->publication->publisher = column_text(statement, 2, row->arena);
	row->publication->index = arena_copy(row->arena, column_blob(statement, 3));
	return row->publication->publisher && row->publication->index.data;
}

static bool read_trial(sqlite3_stmt *statement, void *context)
{
	struct publication_row *row = context;
	struct store_trial *trial = &row->publication->trial;

	trial->on = true;
	trial->share = (uint32_t)column_number(statement, 0);
	trial->roles = column_text(statement, 1, row->arena);
	return trial->roles;
}

enum err store_load(struct store *store, struct arena *arena,
	struct store_publication *ret_publication, struct error *error)
{
	return store_load_earlier(store, 0, arena, ret_publication, error);
}

enum err store_load_earlier(struct store *store, unsigned age, struct arena *arena,
	struct store_publication *ret_publication, struct error *error)
{
	struct store_publication publication = {.publisher = "", .trial.roles = ""};
	struct publication_row row = {arena, &publication};
	struct rows assignments = {.arena = arena, .size = sizeof(struct store_item)};
	struct rows sets = assignments;
	struct error ignored;
	enum err result;

	/* One read transaction, so that what is loaded was published together. */
	result = sql_exec(store, "BEGIN", "begin", error);
	if (result)
		return result;
	result = each_row(store,
		"SELECT serial, published, publisher, octets FROM publication WHERE id = "
		PUBLICATION_ID,
		age, "publication", read_publication, &row, error);
	if (!result)
		result = each_row(store, assignment_table.select, age, assignment_table.kind,
			read_item, &assignments, error);
	if (!result)
		result = each_row(
			store, set_table.select, age, set_table.kind, read_item, &sets, error);
	if (!result && age == 0)
		result = each_row(store, "SELECT share, roles FROM trial", 0, "trial", read_trial,
			&row, error);
	if (sql_exec(store, "ROLLBACK", "end reading", result ? &ignored : error) && !result)
		result = error->code;
	if (result)
		return result;

	publication.assignments = assignments.elements;
	publication.assignment_count = assignments.count;
	publication.sets = sets.elements;
	publication.set_count = sets.count;
	*ret_publication = publication;
	return E_OK;
}

struct report_list {
	const struct store_report *const *reports;
	size_t count;
};

static enum err put_reports(struct store *store, const void *argument, struct error *error)
{
	const struct report_list *list = argument;
	enum err result = E_OK;

	for (size_t i = 0; !result && i < list->count; i++) {
		const struct store_report *report = list->reports[i];

		result = sql_run(store, error, "report",
			"INSERT INTO report (node, time, serial, since, success, text)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
			" ON CONFLICT (node) DO UPDATE SET time = ?2, serial = ?3, since = ?4,"
			" success = ?5, text = ?6",
			"snnnns", report->node, report->time, report->serial, report->since,
			(uint64_t)report->success, report->text);
	}
	return result;
}

enum err store_put_reports(struct store *store, const struct store_report *const *reports,
	size_t count, struct error *error)
{
	return in_transaction(store, put_reports, &(struct report_list){reports, count}, error);
}

static bool read_report(sqlite3_stmt *statement, void *context)
{
	struct rows *rows = context;
	struct store_report *report = rows_add(rows);

	if (!report)
		return false;
	report->node = column_text(statement, 0, rows->arena);
	report->time = column_number(statement, 1);
	report->serial = column_number(statement, 2);
	report->since = column_number(statement, 3);
	report->success = sqlite3_column_int(statement, 4) != 0;
	report->text = column_text(statement, 5, rows->arena);
	return report->node && report->text;
}

enum err store_load_reports(struct store *store, struct arena *arena,
	struct store_report **ret_reports, size_t *ret_count, struct error *error)
{
	struct rows rows = {.arena = arena, .size = sizeof(struct store_report)};
	enum err result;

	result = each_row(store,
		"SELECT node, time, serial, since, success, text FROM report ORDER BY node", 0,
		"report", read_report, &rows, error);
	if (result)
		return result;
	*ret_reports = rows.elements;
	*ret_count = rows.count;
	return E_OK;
}

/* ---- Other authorities ---- */

static enum err put_guest(struct store *store, const void *argument, struct error *error)
{
	const struct store_guest *guest = argument;
	enum err result;

	result = sql_run(store, error, "bundle of another authority",
		"INSERT INTO guest (authority, serial, published, publisher, octets)"
		" VALUES (?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT (authority) DO UPDATE SET serial = ?2, published = ?3,"
		" publisher = ?4, octets = ?5",
		"nnnsv", (uint64_t)guest->authority, guest->serial, guest->published,
		guest->publisher, guest->octets);
	if (!result)
		result = sql_run(store, error, "add to the trail",
			"INSERT INTO trail (kind, name, serial, published, publisher, octets)"
			" VALUES ('guest', ?1, ?2, ?3, ?4, ?5)",
			"snnsv", guest->name, guest->serial, guest->published, guest->publisher,
			guest->octets);
	return result;
}

enum err store_put_guest(struct store *store, const struct store_guest *guest, struct error *error)
{
	return in_transaction(store, put_guest, guest, error);
}

static bool read_guest(sqlite3_stmt *statement, void *context)
{
	struct rows *rows = context;
	struct store_guest *guest = rows_add(rows);

	if (!guest)
		return false;
	guest->authority = (unsigned)column_number(statement, 0);
	guest->serial = column_number(statement, 1);
	guest->published = column_number(statement, 2);
	guest->publisher = column_text(statement, 3, rows->arena);
	guest->octets = arena_copy(rows->arena, column_blob(statement, 4));
	guest->name = "";
	return guest->publisher && guest->octets.data;
}

enum err store_load_guests(struct store *store, struct arena *arena,
	struct store_guest **ret_guests, size_t *ret_count, struct error *error)
{
	struct rows rows = {.arena = arena, .size = sizeof(struct store_guest)};
	enum err result;

	result = each_row(store,
		"SELECT authority, serial, published, publisher, octets FROM guest"
		" ORDER BY authority",
		0, "bundles of other authorities", read_guest, &rows, error);
	if (result)
		return result;
	*ret_guests = rows.elements;
	*ret_count = rows.count;
	return E_OK;
}
