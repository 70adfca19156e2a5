/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/compliance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/cms.h"
#include "pib/schema/pri.h"
#include "pib/schema/subcode.h"

enum { REPORT_ARENA = 256 * 1024 };

struct entry {
	struct store_report report; /* node and text are ours */
	char *node, *text;
	uint64_t count;
	bool unsaved;
};

struct compliance_table {
	struct store *store;
	struct entry **entries; /* by node, ascending */
	size_t count, room;
};

/* Where the entry of `node` is, or would be. */
static size_t position_of(const struct compliance_table *t, const char *node, bool *ret_there)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(t->entries[middle]->node, node);

		if (order == 0) {
			*ret_there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_there = false;
	return low;
}

static void entry_free(struct entry *entry)
{
	free(entry->node);
	free(entry->text);
	free(entry);
}

/* For one more entry. */
static bool make_room(struct compliance_table *t)
{
	size_t room = t->room ? 2 * t->room : 16;
	struct entry **entries;

	if (t->count < t->room)
		return true;
	entries = reallocarray(t->entries, room, sizeof(struct entry *));
	if (!entries)
		return false;
	t->entries = entries;
	t->room = room;
	return true;
}

/* Inserts an entry without a report; NULL when memory or room is out. */
static struct entry *entry_add(struct compliance_table *t, const char *node, size_t at)
{
	struct entry *entry;

	if (t->count == COMPLIANCE_NODES_MAX || !make_room(t))
		return NULL;
	entry = calloc(1, sizeof *entry);
	if (!entry)
		return NULL;
	entry->node = strdup(node);
	if (!entry->node) {
		entry_free(entry);
		return NULL;
	}
	memmove(t->entries + at + 1, t->entries + at, (t->count - at) * sizeof *t->entries);
	t->entries[at] = entry;
	t->count++;
	return entry;
}

/* Replaces what the node reported before. */
static enum err put_entry(struct compliance_table *t, const struct store_report *report,
	struct entry **ret_entry, struct error *error)
{
	char *text = strdup(report->text);
	struct entry *entry;
	bool there;
	size_t at = position_of(t, report->node, &there);

	if (!text)
		return error_set(error, E_MEMORY, "compliance: out of memory");
	entry = there ? t->entries[at] : entry_add(t, report->node, at);
	if (!entry) {
		free(text);
		return error_set(error, E_LIMIT, "compliance: no room for node %s (limit %d)",
			report->node, COMPLIANCE_NODES_MAX);
	}
	free(entry->text);
	entry->text = text;
	entry->report = *report;
	entry->report.node = entry->node;
	entry->report.text = entry->text;
	*ret_entry = entry;
	return E_OK;
}

enum err compliance_table_new(struct store *store, struct compliance_table **ret_table,
	struct error *error)
{
	struct compliance_table *t = calloc(1, sizeof *t);
	struct store_report *reports = NULL;
	struct entry *ignored;
	struct arena arena;
	size_t count = 0;
	enum err result;

	if (!t)
		return error_set(error, E_MEMORY, "compliance: out of memory");
	t->store = store;
	arena_init(&arena, (size_t)COMPLIANCE_NODES_MAX * 2 * COMPLIANCE_TEXT_SIZE);
	result = store_load_reports(store, &arena, &reports, &count, error);
	for (size_t i = 0; !result && i < count; i++)
		result = put_entry(t, &reports[i], &ignored, error);
	arena_fini(&arena);
	if (result)
		compliance_table_free(t);
	else
		*ret_table = t;
	return result;
}

struct compliance_table *compliance_table_free(struct compliance_table *t)
{
	if (t) {
		for (size_t i = 0; i < t->count; i++)
			entry_free(t->entries[i]);
		free(t->entries);
		free(t);
	}
	return NULL;
}

const struct store_report *compliance_find(const struct compliance_table *t, const char *node)
{
	bool there;
	size_t at = position_of(t, node, &there);

	return there ? &t->entries[at]->report : NULL;
}

uint64_t compliance_count(const struct compliance_table *t, const char *node)
{
	bool there;
	size_t at = position_of(t, node, &there);

	return there ? t->entries[at]->count : 0;
}

/* What the objects of a report said, as far as anybody wants to know. */
struct findings {
	bool has_signed;
	struct view signed_report; /* copsecComplianceSigned */
	struct prid blamed;        /* by the last ErrorPRID, if its class is known */
	size_t len;
	char text[COMPLIANCE_TEXT_SIZE]; /* of failures and warnings */
};

/* Appends what fits; a peer's text is shown as printable ASCII, for it goes to terminals. */
static void say(struct findings *f, struct view words)
{
	static const char cut[] = "...";
	size_t room = sizeof f->text - 1;

	for (size_t i = 0; i < words.len && f->len < room; i++) {
		uint8_t c = words.data[i];

		f->text[f->len++] = (char)(c >= ' ' && c < 0x7f ? c : '?');
		if (f->len == room)
			memcpy(f->text + room + 1 - sizeof cut, cut, sizeof cut);
	}
	f->text[f->len] = '\0';
}

static void say_text(struct findings *f, const char *words)
{
	say(f, view_of_string(words));
}

static void separate(struct findings *f)
{
	if (f->len)
		say_text(f, "; ");
}

static void blame(struct findings *f, struct view contents)
{
	char name[PRID_TEXT_SIZE];
	struct pib_fault fault;
	struct error ignored;

	separate(f);
	f->blamed = (struct prid){0};
	if (prid_decode(contents, &f->blamed, &fault, &ignored)) {
		f->blamed.class = NULL;
		say_text(f, "a PRI of an unknown class");
		return;
	}
	prid_format(&f->blamed, name);
	say_text(f, name);
}

static void say_cperr(struct findings *f, const struct pr_object *cperr)
{
	const char *code = pr_cperr_name(cperr->code);
	const struct pib_class *class = f->blamed.class;
	const char *what = class ? pib_subcode_name(class, cperr->code, cperr->sub_code) : NULL;
	char number[80] = "";

	say_text(f, ": ");
	say_text(f, code ? code : "unknown error");
	if (what)
		snprintf(number, sizeof number, " (%s)", what);
	else if (cperr->sub_code)
		snprintf(number, sizeof number, " (sub-code %u)", cperr->sub_code);
	say_text(f, number);
}

static enum err take_pri(struct findings *f, const struct prid *prid, struct view epd,
	struct error *error)
{
	struct pib_fault fault;
	struct pri pri;

	if (prid->class->id != PIB_copsecCompliance && prid->class->id != PIB_copsecFailure)
		return E_OK;
	if (epd_decode(prid, epd, &pri, &fault, error))
		return error->code;
	if (prid->class->id == PIB_copsecCompliance) {
		if (f->has_signed)
			return error_set(error, E_DUPLICATE, "report: two of copsecCompliance");
		f->has_signed = true;
		f->signed_report = pri_octets(&pri, copsecComplianceSigned);
		return E_OK;
	}
	separate(f);
	say(f, pri_octets(&pri, copsecFailureText));
	return E_OK;
}

/* One piece of Named ClientSI: [GPERR] *(PRID EPD) *(ErrorPRID CPERR *(PRID EPD)), as the session
 * has checked. PRIs of classes that we do not know are the node's own business. */
static enum err take_piece(struct findings *f, struct view piece, struct error *error)
{
	struct cursor run = cursor_over(piece);
	struct prid prid = {0};
	struct pib_fault fault;
	struct pr_object object;
	enum err result = E_OK;

	while (!result && cursor_left(&run)) {
		const char *name;

		if (pr_next(&run, &object))
			return error_set(error, run.error, "report: malformed object at octet %zu",
				run.at);
		switch (object.s_num) {
		case PR_PRID:
			if (prid_decode(object.contents, &prid, &fault, error))
				prid.class = NULL;
			break;
		case PR_EPD:
			if (prid.class)
				result = take_pri(f, &prid, object.contents, error);
			break;
		case PR_ERROR_PRID:
			blame(f, object.contents);
			break;
		case PR_CPERR:
			say_cperr(f, &object);
			break;
		case PR_GPERR:
			name = pr_gperr_name(object.code);
			separate(f);
			say_text(f, name ? name : "unknown error");
			break;
		default:
			return error_set(error, E_UNEXPECTED, "report: object of S-Num %u",
				object.s_num);
		}
	}
	return result;
}

static enum err verify_compliance(const struct publication_node *node, struct view document,
	const struct report_origin *origin, uint64_t *ret_serial, uint64_t *ret_guests,
	struct error *error)
{
	struct compliance compliance;
	struct view content;
	struct arena arena;
	enum err result;

	if (!node->has_report_key)
		return error_set(error, E_MISSING,
			"the assignment of %s names no report key, so its reports prove nothing",
			node->name);
	arena_init(&arena, REPORT_ARENA);
	result = cms_verify_pinned(document, &node->report_key, &content, error);
	if (!result)
		result = compliance_decode(content, &arena, &compliance, error);
	if (!result && !view_equal(compliance.node, view_of_string(node->name)))
		result = error_set(error, E_MISMATCH, "report signed for node %.*s, sent by %s",
			(int)compliance.node.len, (const char *)compliance.node.data, node->name);
	if (!result && !view_equal(binding_view(&compliance.session), binding_view(&origin->session)))
		result = error_set(
			error, E_STALE, "report of %s signed for another session", node->name);
	if (!result && origin->decision && compliance.decision != origin->decision)
		result = error_set(error, E_STALE,
			"report of %s signed for decision %u, sent for decision %u", node->name,
			compliance.decision, origin->decision);
	if (!result)
		*ret_serial = compliance.index_serial;
	/* Indexes of other authorities stand there as sets that are called "operator/". */
	*ret_guests = 0;
	for (size_t i = 0; !result && i < compliance.set_count; i++) {
		struct view name = compliance.sets[i].name;

		if (name.data[name.len - 1] == '/')
			*ret_guests += compliance.sets[i].serial;
	}
	arena_fini(&arena);
	return result;
}

/* What to remember of a report, after the one before. */
static struct store_report conclude(const struct findings *f, const struct store_report *before,
	const char *node, bool success, uint64_t serial, uint64_t now_utc)
{
	struct store_report report = {.node = node, .text = ""};

	if (before)
		report = *before;
	report.time = now_utc;
	if (f->has_signed && (serial != report.serial || !report.since)) {
		report.serial = serial;
		report.since = now_utc;
	}
	/* An answer without a signature proves nothing: it may come from the net process alone. */
	report.success = success && f->has_signed;
	report.text = f->text; /* of a success: warnings, or why it is not signed */
	if (success && !f->has_signed && !f->len)
		report.text = "says success, but its enforcer has not signed it";
	else if (!success && !f->len)
		report.text = "failed without a reason";
	return report;
}

enum err compliance_report(struct compliance_table *t, const struct publication_node *node,
	const struct cops_message *report, const struct report_origin *origin, uint64_t now_utc,
	const struct store_report **ret_report, struct error *error)
{
	bool success = cops_find(report, COPS_REPORT_TYPE)->report.type == COPS_SUCCESS;
	struct findings findings = {0};
	struct store_report concluded;
	uint64_t serial = 0, guests = 0;
	struct entry *entry;
	struct view piece;
	size_t at = 0;
	enum err result = E_OK;

	while (!result && cops_next_named(report, &at, &piece))
		result = take_piece(&findings, piece, error);
	if (!result && findings.has_signed)
		result = verify_compliance(
			node, findings.signed_report, origin, &serial, &guests, error);
	if (result)
		return result;

	concluded = conclude(&findings, compliance_find(t, node->name), node->name, success, serial,
		now_utc);
	concluded.guests = guests;
	result = put_entry(t, &concluded, &entry, error);
	if (!result) {
		entry->count++;
		entry->unsaved = true;
		*ret_report = &entry->report;
	}
	return result;
}

enum err compliance_flush(struct compliance_table *t, struct error *error)
{
	const struct store_report **reports;
	size_t count = 0;
	enum err result = E_OK;

	reports = calloc(t->count + 1, sizeof *reports);
	if (!reports)
		return error_set(error, E_MEMORY, "compliance: out of memory");
	for (size_t i = 0; i < t->count; i++)
		if (t->entries[i]->unsaved)
			reports[count++] = &t->entries[i]->report;
	if (count)
		result = store_put_reports(t->store, reports, count, error);
	for (size_t i = 0; !result && i < t->count; i++)
		t->entries[i]->unsaved = false;
	free(reports);
	return result;
}
