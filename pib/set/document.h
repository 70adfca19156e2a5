/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the documents of this folder are written and read; for its files only.
 *
 * A document is a head and lists of entries, each a class of the PIB and a C struct with a member
 * for every attribute but the InstanceId. Tables say which; one function writes any of them,
 * another reads them. The checks of a document stand once: what was read is checked and written
 * again, and must be what was there.
 */
#ifndef COPSEC_PIB_SET_DOCUMENT_H
#define COPSEC_PIB_SET_DOCUMENT_H

#include "common/base/cursor.h"
#include "pib/schema/pri.h"
#include "pib/set/documents.h"

enum member_kind {
	MEMBER_OCTETS, /* struct view */
	MEMBER_DIGEST, /* uint8_t[32] */
	MEMBER_U32,
	MEMBER_U64,
	MEMBER_ENUM, /* an enum with the numbers of the PIB */
	MEMBER_BOOL, /* of a TruthValue */
	MEMBER_BITS, /* uint64_t, bit n for named bit n */
};

struct member {
	enum member_kind kind;
	uint8_t attribute;
	size_t offset;
};

struct record {
	enum pib_class_id class;
	size_t size; /* of the C struct */
	const struct member *members;
	size_t member_count;
	size_t limit; /* of a list of them */
	const char *plural;
};

#define MEMBERS(array) .members = (array), .member_count = sizeof(array) / sizeof *(array)

void record_set(const struct record *r, const void *from, struct pri *pri);
/* Views borrow from what the PRI was decoded from. */
void record_get(const struct record *r, const struct pri *pri, void *to);

struct document_list {
	const struct record *record;
	size_t list;  /* offset of the pointer to the entries */
	size_t count; /* offset of their number */
};

struct document {
	const char *name;
	size_t size; /* of the C struct, which begins with the head's members */
	const struct record *head;
	const struct document_list *lists; /* in this order */
	size_t list_count;
	enum err (*check)(const void *document, struct error *e);
};

enum err document_encode(const struct document *d, const void *document, struct buffer *out,
	struct error *e) MUST_USE;
enum err document_decode(const struct document *d, struct view content, struct arena *arena,
	void *ret_document, struct error *e) MUST_USE;

/* What writing appended to `part`, checks included, goes to `out` as a whole or not at all. */
enum err encoded(enum err err, struct buffer *part, const char *document, struct buffer *out,
	struct error *e) MUST_USE;
/* What was read, written again with its checks, must be what was there. */
enum err decoded(enum err err, struct buffer *again, const char *document, struct view content,
	struct error *e) MUST_USE;
enum err check_size(struct view content, struct error *e) MUST_USE;

/* For "%.*s"; only with names that check_name() has seen. */
int shown(struct view name);

/* Each a sentence about `what`. */
enum err check_name(struct view name, const char *what, struct error *e) MUST_USE;
/* Home knows the role combinations of its nodes, and writes them out; others may say which roles
 * are needed ("*+gateway"), or none ("*"). */
bool roles_valid(enum authority authority, struct view roles);
enum err check_roles(enum authority authority, struct view roles, const char *what,
	struct error *e) MUST_USE;
enum err check_times(uint64_t not_before, uint64_t not_after, struct error *e) MUST_USE;
/* NODE_KEY octets, or none. */
enum err check_key(struct view key, const char *what, struct error *e) MUST_USE;

/* Names are distinct and well formed. */
enum err check_entries(const struct set_entry *entries, size_t count, struct error *e) MUST_USE;
const struct set_entry *find_entry(
	const struct set_entry *entries, size_t count, struct view name);

#endif
