/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tool has to say about a policy, and where.
 *
 * Texts are kept in memory with an index of their lines, so that any octet of them can be named as
 * file, line and column; a `place` does so and costs twelve octets. Findings are collected, as many
 * as there are up to a limit, and printed together in the order of their places:
 *
 *     office.xml:12:40: error: no role, node or network is called "sever"
 *       <allow out="yes" to="sever"/>
 *                            ^~~~~
 *
 * `struct diagnostics` owns the texts and the findings; places stay valid as long as it does. The
 * column counts characters, not octets. What a text contains is made printable before it is shown.
 */
#ifndef COPSEC_PMT_LANGUAGE_DIAGNOSTICS_H
#define COPSEC_PMT_LANGUAGE_DIAGNOSTICS_H

#include "common/base/arena.h"

enum {
	DIAGNOSTICS_MAX = 200,       /* findings kept; the rest is counted */
	SOURCE_FILES_MAX = 256,      /* texts of one policy, its parts included */
	SOURCE_SIZE_MAX = 64 << 20,  /* octets of one text */
	SOURCE_TOTAL_MAX = 128 << 20 /* octets of all texts of a policy */
};

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
};

/* Some octets of a text. */
struct place {
	uint32_t file;
	uint32_t offset;
	uint32_t length;
};

struct source {
	const char *name; /* as messages show it */
	struct view text;
	const uint32_t *lines; /* offset of each line's first octet */
	size_t line_count;
};

struct finding {
	enum severity severity;
	struct place at;
	const char *text;
	uint32_t ordinal;
};

struct diagnostics {
	struct arena arena;
	struct source *sources;
	size_t source_count;
	size_t source_octets;
	struct finding *findings;
	size_t finding_count;
	size_t errors; /* all, also those not kept */
	size_t warnings;
};

void diagnostics_init(struct diagnostics *d);
void diagnostics_fini(struct diagnostics *d);

/* Copies `text`; `ret_file` is what places in it say as their file. */
enum err diagnostics_add_source(struct diagnostics *d, const char *name, struct view text,
	uint32_t *ret_file, struct error *e) MUST_USE;

/* Adds a finding. Never fails: what cannot be kept is counted. */
void report_error(struct diagnostics *d, struct place at, const char *format, ...)
	PRINTF_LIKE(3, 4);
void report_warning(struct diagnostics *d, struct place at, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Line and column, both from 1. */
void place_resolve(
	const struct diagnostics *d, struct place at, size_t *ret_line, size_t *ret_column);
/* FILE:LINE:COLUMN, at the end of `out`. */
void place_print(const struct diagnostics *d, struct place at, struct buffer *out);

/* By place; those at one place as they were found. */
void diagnostics_sort(struct diagnostics *d);
/* All findings, sorted. */
void diagnostics_print(struct diagnostics *d, struct buffer *out);

#endif
