/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FINDING_TEXT_MAX = 512,
	SHOWN_MAX = 160,   /* characters of a line that are shown */
	SHOWN_BEFORE = 100 /* of them, before the place, when the line is longer */
};

void diagnostics_init(struct diagnostics *d)
{
	*d = (struct diagnostics){0};
	/* Texts, their lines and the findings; texts and lines dominate. */
	arena_init(&d->arena, (size_t)SOURCE_TOTAL_MAX * 6);
}

void diagnostics_fini(struct diagnostics *d)
{
	arena_fini(&d->arena);
	*d = (struct diagnostics){0};
}

static enum err index_lines(struct diagnostics *d, struct source *s)
{
	size_t count = 1;
	uint32_t *lines;

	for (size_t i = 0; i < s->text.len; i++)
		count += s->text.data[i] == '\n';
	lines = arena_calloc(&d->arena, count, sizeof *lines);
	if (!lines)
		return E_MEMORY;
	s->lines = lines;
	s->line_count = count;
	for (size_t i = 0, line = 1; i < s->text.len; i++)
		if (s->text.data[i] == '\n')
			lines[line++] = (uint32_t)i + 1;
	return E_OK;
}

enum err diagnostics_add_source(struct diagnostics *d, const char *name, struct view text,
	uint32_t *ret_file, struct error *e)
{
	struct source *s;

	if (text.len > SOURCE_SIZE_MAX || text.len > SOURCE_TOTAL_MAX - d->source_octets)
		return error_set(e, E_LIMIT, "%s: more than %d MiB", name,
			(text.len > SOURCE_SIZE_MAX ? SOURCE_SIZE_MAX : SOURCE_TOTAL_MAX) >> 20);
	if (d->source_count == SOURCE_FILES_MAX)
		return error_set(
			e, E_LIMIT, "%s: more than %d files in one policy", name, SOURCE_FILES_MAX);
	if (!d->sources)
		d->sources = arena_calloc(&d->arena, SOURCE_FILES_MAX, sizeof *d->sources);
	if (!d->sources)
		return error_set(e, E_MEMORY, "%s: out of memory", name);
	s = &d->sources[d->source_count];
	s->name = arena_strdup(&d->arena, name);
	s->text = arena_copy(&d->arena, text);
	if (!s->name || (text.len && !s->text.data) || index_lines(d, s))
		return error_set(e, E_MEMORY, "%s: out of memory", name);
	d->source_octets += text.len;
	*ret_file = (uint32_t)d->source_count++;
	return E_OK;
}

static void PRINTF_LIKE(4, 0) report(struct diagnostics *d, enum severity severity, struct place at,
	const char *format, va_list ap)
{
	char text[FINDING_TEXT_MAX];
	const char *kept;

	if (severity == SEVERITY_ERROR)
		d->errors++;
	else
		d->warnings++;
	if (!d->findings)
		d->findings = arena_calloc(&d->arena, DIAGNOSTICS_MAX, sizeof *d->findings);
	if (!d->findings || d->finding_count == DIAGNOSTICS_MAX)
		return;
	vsnprintf(text, sizeof text, format, ap);
	kept = arena_strdup(&d->arena, text);
	if (!kept)
		return;
	d->findings[d->finding_count] = (struct finding){.severity = severity,
		.at = at,
		.text = kept,
		.ordinal = (uint32_t)d->finding_count};
	d->finding_count++;
}

void report_error(struct diagnostics *d, struct place at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	report(d, SEVERITY_ERROR, at, format, ap);
	va_end(ap);
}

void report_warning(struct diagnostics *d, struct place at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	report(d, SEVERITY_WARNING, at, format, ap);
	va_end(ap);
}

/* The line that holds the offset: the last one that starts at it or before. */
static size_t line_of(const struct source *s, uint32_t offset)
{
	size_t low = 0, high = s->line_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Characters in text[from, to): octets that do not continue a UTF-8 sequence. */
static size_t characters(struct view text, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to && i < text.len; i++)
		n += (text.data[i] & 0xc0) != 0x80;
	return n;
}

void place_resolve(
	const struct diagnostics *d, struct place at, size_t *ret_line, size_t *ret_column)
{
	const struct source *s;
	size_t line;

	*ret_line = *ret_column = 1;
	if (at.file >= d->source_count)
		return;
	s = &d->sources[at.file];
	line = line_of(s, at.offset);
	*ret_line = line + 1;
	*ret_column = characters(s->text, s->lines[line], at.offset) + 1;
}

void place_print(const struct diagnostics *d, struct place at, struct buffer *out)
{
	size_t line, column;

	place_resolve(d, at, &line, &column);
	buffer_put_text(out, "%s:%zu:%zu",
		at.file < d->source_count ? d->sources[at.file].name : "?", line, column);
}

/* What a terminal might obey instead of showing becomes a question mark. */
static void put_printable(struct buffer *out, struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool c1 = c == 0xc2 && i + 1 < text.len && text.data[i + 1] < 0xa0;

		buffer_put_u8(out, (c < 0x20 && c != '\t') || c == 0x7f || c1 ? '?' : c);
		i += c1;
	}
}

static size_t skip_characters(struct view text, size_t from, size_t count)
{
	while (count && from < text.len) {
		from++;
		while (from < text.len && (text.data[from] & 0xc0) == 0x80)
			from++;
		count--;
	}
	return from;
}

static void put_line_and_caret(const struct diagnostics *d, struct place at, struct buffer *out)
{
	const struct source *s = &d->sources[at.file];
	size_t line = line_of(s, at.offset);
	size_t start = s->lines[line], end = start, before, length;
	struct view text;

	while (end < s->text.len && s->text.data[end] != '\n' && s->text.data[end] != '\r')
		end++;
	before = characters(s->text, start, at.offset);
	if (characters(s->text, start, end) > SHOWN_MAX && before > SHOWN_BEFORE) {
		text = VIEW(s->text.data, end);
		start = skip_characters(text, start, before - SHOWN_BEFORE);
	}
	text = VIEW(s->text.data + start, end - start);
	text.len = skip_characters(text, 0, SHOWN_MAX);
	buffer_put_text(out, "  ");
	put_printable(out, text);
	buffer_put_text(out, "\n  ");
	for (size_t i = start; i < at.offset; i++)
		if ((s->text.data[i] & 0xc0) != 0x80)
			buffer_put_u8(out, s->text.data[i] == '\t' ? '\t' : ' ');
	buffer_put_u8(out, '^');
	end = start + text.len;
	length = at.offset < end ? end - at.offset : 0;
	if (length > at.length)
		length = at.length;
	length = characters(s->text, at.offset, at.offset + length);
	for (size_t i = 1; i < length; i++)
		buffer_put_u8(out, '~');
	buffer_put_u8(out, '\n');
}

static int by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->at.file != y->at.file)
		return x->at.file < y->at.file ? -1 : 1;
	if (x->at.offset != y->at.offset)
		return x->at.offset < y->at.offset ? -1 : 1;
	return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

void diagnostics_sort(struct diagnostics *d)
{
	if (d->finding_count)
		qsort(d->findings, d->finding_count, sizeof *d->findings, by_place);
}

void diagnostics_print(struct diagnostics *d, struct buffer *out)
{
	size_t all = d->errors + d->warnings;

	diagnostics_sort(d);
	for (size_t i = 0; i < d->finding_count; i++) {
		const struct finding *f = &d->findings[i];

		place_print(d, f->at, out);
		buffer_put_text(out, ": %s: ", f->severity == SEVERITY_ERROR ? "error" : "warning");
		put_printable(out, view_of_string(f->text));
		buffer_put_u8(out, '\n');
		if (f->at.file < d->source_count)
			put_line_and_caret(d, f->at, out);
	}
	if (all > d->finding_count)
		buffer_put_text(out, "%zu more findings are not shown\n", all - d->finding_count);
}
