/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/document.h"

#include <string.h>

#include "common/base/utc.h"
#include "common/cops/pr.h"
#include "pib/framework/roles.h"

enum {
	NAME_SHOWN = 64, /* octets of a name in a sentence */
	HEAD_INSTANCE = 1,
};

/* ---- Checks ---- */

int shown(struct view name)
{
	return name.len < NAME_SHOWN ? (int)name.len : NAME_SHOWN;
}

/* Names get into logs, messages and file names: no control characters, never empty. */
static bool name_valid(struct view name)
{
	if (name.len < 1 || name.len > SET_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < 0x20 || name.data[i] == 0x7f)
			return false;
	return true;
}

enum err check_name(struct view name, const char *what, struct error *e)
{
	if (name_valid(name))
		return E_OK;
	return error_set(e, E_SYNTAX, "%s must be 1 to %d octets without control characters", what,
		(int)SET_NAME_MAX);
}

bool roles_valid(enum authority authority, struct view roles)
{
	return authority == AUTHORITY_HOME ? role_combination_valid(roles)
					   : role_pattern_valid(roles);
}

enum err check_roles(
	enum authority authority, struct view roles, const char *what, struct error *e)
{
	if (roles_valid(authority, roles))
		return E_OK;
	if (authority != AUTHORITY_HOME)
		return error_set(e, E_SYNTAX,
			"%s must be roles in ASCII order with '+' between them, or '*' and the roles "
			"that are needed",
			what);
	return error_set(e, E_SYNTAX,
		"%s must be roles in ASCII order with '+' between them, without a wildcard", what);
}

enum err check_times(uint64_t not_before, uint64_t not_after, struct error *e)
{
	char first[UTC_TEXT_SIZE], last[UTC_TEXT_SIZE];

	if (not_before <= not_after)
		return E_OK;
	utc_format(not_before, first);
	utc_format(not_after, last);
	return error_set(e, E_RANGE, "not-before %s is later than not-after %s", first, last);
}

enum err check_key(struct view key, const char *what, struct error *e)
{
	if (!key.len || key.len == NODE_KEY)
		return E_OK;
	return error_set(
		e, E_LENGTH, "%s has %zu octets instead of %d", what, key.len, (int)NODE_KEY);
}

const struct set_entry *find_entry(const struct set_entry *entries, size_t count, struct view name)
{
	for (size_t i = 0; i < count; i++)
		if (view_equal(entries[i].name, name))
			return &entries[i];
	return NULL;
}

enum err check_entries(const struct set_entry *entries, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		enum err err = check_name(entries[i].name, "the name of a set", e);

		if (!err && find_entry(entries, i, entries[i].name))
			err = error_set(e, E_DUPLICATE, "set %.*s is there twice",
				shown(entries[i].name), (const char *)entries[i].name.data);
		if (err)
			return err;
	}
	return E_OK;
}

/* ---- Records ---- */

void record_set(const struct record *r, const void *from, struct pri *pri)
{
	for (size_t i = 0; i < r->member_count; i++) {
		const struct member *m = &r->members[i];
		const void *at = (const char *)from + m->offset;

		switch (m->kind) {
		case MEMBER_OCTETS:
			pri_set_octets(pri, m->attribute, *(const struct view *)at);
			break;
		case MEMBER_DIGEST:
			pri_set_octets(pri, m->attribute, VIEW(at, SET_ROOT));
			break;
		case MEMBER_U32:
			pri_set_u32(pri, m->attribute, *(const uint32_t *)at);
			break;
		case MEMBER_U64:
			pri_set_u64(pri, m->attribute, *(const uint64_t *)at);
			break;
		case MEMBER_ENUM:
			pri_set_i32(pri, m->attribute, *(const int *)at);
			break;
		case MEMBER_BOOL:
			pri_set_bool(pri, m->attribute, *(const bool *)at);
			break;
		case MEMBER_BITS:
			pri_set_bits(pri, m->attribute, *(const uint64_t *)at);
			break;
		}
		/* What equals its default is left out where it stands last: there is one way to write
		 * a document. */
		if (pri_is_default(pri, m->attribute))
			pri->values[m->attribute - 1].state = PRI_UNSET;
	}
}

static void get_digest(const struct pri *pri, unsigned attribute, uint8_t *to)
{
	struct view octets = pri_octets(pri, attribute);

	memset(to, 0, SET_ROOT);
	if (octets.len == SET_ROOT)
		memcpy(to, octets.data, SET_ROOT);
}

void record_get(const struct record *r, const struct pri *pri, void *to)
{
	for (size_t i = 0; i < r->member_count; i++) {
		const struct member *m = &r->members[i];
		void *at = (char *)to + m->offset;

		switch (m->kind) {
		case MEMBER_OCTETS:
			*(struct view *)at = pri_octets(pri, m->attribute);
			break;
		case MEMBER_DIGEST:
			get_digest(pri, m->attribute, at);
			break;
		case MEMBER_U32:
			*(uint32_t *)at = pri_u32(pri, m->attribute);
			break;
		case MEMBER_U64:
			*(uint64_t *)at = pri_u64(pri, m->attribute);
			break;
		case MEMBER_ENUM:
			*(int *)at = pri_i32(pri, m->attribute);
			break;
		case MEMBER_BOOL:
			*(bool *)at = pri_bool(pri, m->attribute);
			break;
		case MEMBER_BITS:
			*(uint64_t *)at = pri_bits(pri, m->attribute);
			break;
		}
	}
}

static enum err put_record(const struct record *r, const void *from, size_t instance,
	struct buffer *out, struct error *e)
{
	struct pri pri;

	pri_init(&pri, r->class, (uint32_t)instance);
	record_set(r, from, &pri);
	return pri_put(out, &pri, e);
}

/* The next PRI of a document, which must be this one. */
static enum err next_pri(struct cursor *run, enum pib_class_id class, uint32_t instance,
	struct pri *ret_pri, struct error *e)
{
	char found[PRID_TEXT_SIZE], wanted[PRID_TEXT_SIZE];
	struct prid must = {pib_class(class), instance}, prid;
	struct pr_object object;
	struct pib_fault fault;
	enum err err;

	prid_format(&must, wanted);
	if (!cursor_left(run))
		return error_set(e, E_MISSING, "%s is missing", wanted);
	if (pr_next(run, &object))
		return error_set(e, run->error, "octet %zu, before %s: %s", run->at, wanted,
			err_text(run->error));
	if (object.s_num != PR_PRID)
		return error_set(e, E_UNEXPECTED, "%s instead of the PRID of %s",
			pr_s_num_name(object.s_num), wanted);
	err = prid_decode(object.contents, &prid, &fault, e);
	if (err)
		return err;
	if (prid_compare(&prid, &must)) {
		prid_format(&prid, found);
		return error_set(e, E_UNEXPECTED, "%s instead of %s", found, wanted);
	}
	if (!cursor_left(run))
		return error_set(e, E_MISSING, "%s has no EPD", wanted);
	if (pr_next(run, &object))
		return error_set(e, run->error, "EPD of %s: %s", wanted, err_text(run->error));
	if (object.s_num != PR_EPD)
		return error_set(e, E_UNEXPECTED, "%s instead of the EPD of %s",
			pr_s_num_name(object.s_num), wanted);
	return epd_decode(&prid, object.contents, ret_pri, &fault, e);
}

/* How many PRIs of this class come next. */
static size_t count_next(struct cursor run, enum pib_class_id class)
{
	struct pr_object object;
	struct pib_fault fault;
	struct error ignored;
	struct prid prid;
	size_t n = 0;

	while (cursor_left(&run) && !pr_next(&run, &object)) {
		if (object.s_num != PR_PRID)
			continue;
		if (prid_decode(object.contents, &prid, &fault, &ignored) ||
			prid.class->id != class)
			break;
		n++;
	}
	return n;
}

static enum err check_count(const struct record *r, size_t count, struct error *e)
{
	if (count <= r->limit)
		return E_OK;
	return error_set(e, E_LIMIT, "%zu %s, more than %zu", count, r->plural, r->limit);
}

static enum err get_list(const struct document_list *l, struct cursor *run, struct arena *arena,
	void *document, struct error *e)
{
	const struct record *r = l->record;
	size_t count = count_next(*run, r->class);
	enum err err = check_count(r, count, e);
	struct pri pri;
	char *list;

	if (err)
		return err;
	list = arena_calloc(arena, count, r->size);
	if (!list)
		return error_set(e, E_MEMORY, "no memory for %zu %s", count, r->plural);
	for (size_t i = 0; i < count; i++) {
		err = next_pri(run, r->class, (uint32_t)i + 1, &pri, e);
		if (err)
			return err;
		record_get(r, &pri, list + i * r->size);
	}
	memcpy((char *)document + l->list, &list, sizeof list);
	memcpy((char *)document + l->count, &count, sizeof count);
	return E_OK;
}

static enum err put_list(const struct document_list *l, const void *document, struct buffer *out,
	struct error *e)
{
	const struct record *r = l->record;
	const char *list;
	size_t count;
	enum err err;

	memcpy(&list, (const char *)document + l->list, sizeof list);
	memcpy(&count, (const char *)document + l->count, sizeof count);
	err = check_count(r, count, e);
	for (size_t i = 0; i < count && !err; i++)
		err = put_record(r, list + i * r->size, i + 1, out, e);
	return err;
}

/* ---- Documents ---- */

enum err check_size(struct view content, struct error *e)
{
	if (content.len <= DOCUMENT_MAX)
		return E_OK;
	return error_set(
		e, E_LIMIT, "has %zu octets, more than %d", content.len, (int)DOCUMENT_MAX);
}

enum err encoded(enum err err, struct buffer *part, const char *document, struct buffer *out,
	struct error *e)
{
	if (!err && part->error)
		err = error_set(
			e, part->error, "more than %d octets, or no memory", (int)DOCUMENT_MAX);
	if (!err) {
		buffer_put_view(out, buffer_view(part));
		if (out->error)
			err = error_set(e, out->error, "no room for %zu octets", part->len);
	}
	buffer_fini(part);
	if (err)
		error_prefix(e, "%s", document);
	return err;
}

enum err decoded(enum err err, struct buffer *again, const char *document,
	struct view content, struct error *e)
{
	if (!err && !view_equal(content, buffer_view(again)))
		err = error_set(e, E_SYNTAX,
			"is not written as it must be, or says more than is known here");
	buffer_fini(again);
	if (err)
		error_prefix(e, "%s", document);
	return err;
}

static enum err write(
	const struct document *d, const void *document, struct buffer *out, struct error *e)
{
	enum err err = d->check(document, e);

	if (!err)
		err = put_record(d->head, document, HEAD_INSTANCE, out, e);
	for (size_t i = 0; i < d->list_count && !err; i++)
		err = put_list(&d->lists[i], document, out, e);
	return err;
}

static enum err read(const struct document *d, struct view content, struct arena *arena,
	void *document, struct error *e)
{
	struct cursor run = cursor_over(content);
	struct pri pri;
	enum err err = check_size(content, e);

	if (!err)
		err = next_pri(&run, d->head->class, HEAD_INSTANCE, &pri, e);
	if (err)
		return err;
	record_get(d->head, &pri, document);
	for (size_t i = 0; i < d->list_count && !err; i++)
		err = get_list(&d->lists[i], &run, arena, document, e);
	if (!err && cursor_left(&run))
		err = error_set(e, E_UNEXPECTED, "%zu octets behind what it must say",
			cursor_left(&run));
	return err;
}

enum err document_encode(
	const struct document *d, const void *document, struct buffer *out, struct error *e)
{
	struct buffer part;

	buffer_init(&part, DOCUMENT_MAX);
	return encoded(write(d, document, &part, e), &part, d->name, out, e);
}

enum err document_decode(const struct document *d, struct view content, struct arena *arena,
	void *ret_document, struct error *e)
{
	void *document = arena_alloc(arena, d->size);
	struct buffer again;
	enum err err;

	if (!document)
		return error_set(e, E_MEMORY, "%s: out of memory", d->name);
	buffer_init(&again, DOCUMENT_MAX);
	err = read(d, content, arena, document, e);
	if (!err)
		err = write(d, document, &again, e);
	err = decoded(err, &again, d->name, content, e);
	if (!err)
		memcpy(ret_document, document, d->size);
	return err;
}
