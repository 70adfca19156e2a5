/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/compliance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/cms.h"
#include "pib/schema/pri.h"

enum {
	/* What a failure may say; the rest of a longer report is in the node's log. */
	REPORT_TEXT_MAX = 1024,
	REPORT_ARENA = 256 * 1024,
};

struct entry {
	struct store_report report;
	char *node; /* report.node */
	uint64_t count;
	char text[REPORT_TEXT_MAX];
};

struct compliance_table {
	struct store *store;
	struct entry **entries; /* by node, ascending */
	size_t count;
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

static void copy_text(struct entry *entry, const char *text)
{
	snprintf(entry->text, sizeof entry->text, "%s", text);
	entry->report.text = entry->text;
}

static struct entry *entry_new(const char *node)
{
	struct entry *entry = calloc(1, sizeof *entry);

	if (entry && !(entry->node = strdup(node))) {
		free(entry);
		return NULL;
	}
	if (entry) {
		entry->report.node = entry->node;
		entry->report.text = entry->text;
	}
	return entry;
}

static struct entry *entry_of(struct compliance_table *t, const char *node)
{
	struct entry **grown, *entry;
	bool there;
	size_t at = position_of(t, node, &there);

	if (there)
		return t->entries[at];
	if (t->count == COMPLIANCE_NODES_MAX)
		return NULL;
	grown = reallocarray(t->entries, t->count + 1, sizeof(struct entry *));
	if (!grown)
		return NULL;
	t->entries = grown;
	entry = entry_new(node);
	if (!entry)
		return NULL;
	memmove(grown + at + 1, grown + at, (t->count - at) * sizeof *grown);
	grown[at] = entry;
	t->count++;
	return entry;
}

enum err compliance_table_new(struct store *store, struct compliance_table **ret_table,
	struct error *error)
{
	struct compliance_table *t = calloc(1, sizeof *t);
	struct store_report *reports = NULL;
	struct arena arena;
	size_t count = 0;
	enum err result;

	if (!t)
		return error_set(error, E_MEMORY, "compliance: out of memory");
	t->store = store;
	arena_init(&arena, (size_t)COMPLIANCE_NODES_MAX * 2 * REPORT_TEXT_MAX);
	result = store_load_reports(store, &arena, &reports, &count, error);
	for (size_t i = 0; !result && i < count; i++) {
		struct entry *entry = entry_of(t, reports[i].node);

		if (!entry) {
			result = error_set(error, E_MEMORY, "compliance: out of memory");
			break;
		}
		entry->report = reports[i];
		entry->report.node = entry->node;
		copy_text(entry, reports[i].text);
	}
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
		for (size_t i = 0; i < t->count; i++) {
			free(t->entries[i]->node);
			free(t->entries[i]);
		}
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
	struct buffer text;        /* of failures */
};

static void separate(struct buffer *text)
{
	if (text->len)
		buffer_put_text(text, "; ");
}

static void put_prid(struct buffer *text, struct view contents)
{
	char name[PRID_TEXT_SIZE];
	struct pib_fault fault;
	struct error ignored;
	struct prid prid;

	if (prid_decode(contents, &prid, &fault, &ignored)) {
		buffer_put_text(text, "a PRI of an unknown class");
		return;
	}
	prid_format(&prid, name);
	buffer_put_text(text, "%s", name);
}

static enum err take_pri(struct findings *f, const struct prid *prid, struct view epd,
	struct error *error)
{
	struct pib_fault fault;
	struct view octets;
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
	octets = pri_octets(&pri, copsecFailureText);
	separate(&f->text);
	for (size_t i = 0; i < octets.len; i++)
		buffer_put_text(&f->text, "%c",
			octets.data[i] >= ' ' && octets.data[i] != 0x7f ? octets.data[i] : '?');
	return E_OK;
}

/* One piece of Named ClientSI: [GPERR] *(PRID EPD) *(ErrorPRID CPERR *(PRID EPD)). */
static enum err take_piece(struct findings *f, struct view piece, struct error *error)
{
	struct cursor run = cursor_over(piece);
	struct prid prid = {0};
	struct pib_fault fault;
	struct pr_object object;
	enum err result = E_OK;

	while (!result && cursor_left(&run)) {
		if (pr_next(&run, &object))
			return error_set(error, run.error, "report: malformed object at octet %zu",
				run.at);
		switch (object.s_num) {
		case PR_PRID:
			result = prid_decode(object.contents, &prid, &fault, error);
			break;
		case PR_EPD:
			if (!prid.class)
				return error_set(error, E_UNEXPECTED, "report: EPD without PRID");
			result = take_pri(f, &prid, object.contents, error);
			break;
		case PR_ERROR_PRID:
			separate(&f->text);
			put_prid(&f->text, object.contents);
			break;
		case PR_CPERR:
			buffer_put_text(&f->text, ": %s", pr_cperr_name(object.code));
			if (object.sub_code)
				buffer_put_text(&f->text, " (attribute %u)", object.sub_code);
			break;
		case PR_GPERR:
			separate(&f->text);
			buffer_put_text(&f->text, "%s", pr_gperr_name(object.code));
			break;
		default:
			return error_set(error, E_UNEXPECTED, "report: object of S-Num %u",
				object.s_num);
		}
	}
	return result;
}

static enum err verify_compliance(const struct publication_node *node, struct view document,
	uint64_t *ret_serial, struct error *error)
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
	if (!result)
		*ret_serial = compliance.index_serial;
	arena_fini(&arena);
	return result;
}

enum err compliance_report(struct compliance_table *t, const struct publication_node *node,
	bool success, const struct view *named, size_t count, uint64_t now_utc,
	const struct store_report **ret_report, struct error *error)
{
	struct findings findings = {0};
	struct entry *entry = entry_of(t, node->name);
	struct store_report report;
	uint64_t serial = 0;
	enum err result = E_OK;

	if (!entry)
		return error_set(error, E_LIMIT, "compliance: no room for node %s (limit %d)",
			node->name, COMPLIANCE_NODES_MAX);
	buffer_init(&findings.text, REPORT_TEXT_MAX - 1);
	for (size_t i = 0; !result && i < count; i++)
		result = take_piece(&findings, named[i], error);
	if (!result && findings.has_signed)
		result = verify_compliance(node, findings.signed_report, &serial, error);
	if (result)
		goto out;

	report = entry->report;
	report.time = now_utc;
	if (findings.has_signed && (serial != report.serial || !report.since)) {
		report.serial = serial;
		report.since = now_utc;
	}
	/* An answer without a signature proves nothing: it may come from the net process alone. */
	report.success = success && findings.has_signed;
	report.text = "";
	if (success && !findings.has_signed)
		report.text = "says success, but its enforcer has not signed it";
	else if (!success)
		report.text = findings.text.len ? buffer_string(&findings.text)
						: "failed without a reason";
	result = store_put_report(t->store, &report, error);
	if (!result) {
		entry->report = report;
		entry->report.node = entry->node;
		copy_text(entry, report.text);
		entry->count++;
		*ret_report = &entry->report;
	}
out:
	buffer_fini(&findings.text);
	return result;
}
