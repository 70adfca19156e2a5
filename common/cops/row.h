/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layout of an object's contents as data.
 *
 * Every object on the wire, of COPS (RFC 2748) and of COPS-PR (RFC 3084), is one row: its numbers,
 * the least and greatest length of its contents, and its fields in order. Four interpreters read
 * the rows: decode, encode, print and the caller's checks. A new object is a new row.
 *
 * Fields lie at an offset inside the C structure that the table is made for. What is decoded
 * borrows from the octets it was decoded from; nothing here allocates, except into the buffers
 * given for output.
 */
#ifndef COPSEC_COMMON_COPS_ROW_H
#define COPSEC_COMMON_COPS_ROW_H

#include "common/base/bytes.h"

enum cops_kind {
	COPS_RESERVED16, /* sent as 0, ignored on receipt */
	COPS_U16,
	COPS_FLAGS16, /* as COPS_U16, printed in hexadecimal with the names of single bits */
	COPS_U32,
	COPS_ADDRESS4, /* uint8_t[16], of which four are used */
	COPS_ADDRESS6, /* uint8_t[16] */
	COPS_OCTETS,   /* struct view: the rest */
	COPS_TEXT,     /* struct view: the rest, NUL-terminated printable ASCII, without the NUL */
	COPS_OID,      /* struct view: the rest, exactly one BER OBJECT IDENTIFIER */
	COPS_OBJECTS,  /* struct view: the rest, a run of COPS-PR objects */
};

/* A table of names ends with a row whose name is NULL. */
struct cops_name {
	uint32_t value;
	const char *name;
};

struct cops_field {
	enum cops_kind kind;
	uint16_t offset; /* into the structure */
	const char *name;
	uint32_t least, greatest; /* of the value; both 0: any */
	const struct cops_name *names;
};

struct cops_row {
	uint8_t num, type;        /* C-Num and C-Type, or S-Num and S-Type */
	uint16_t least, greatest; /* octets of contents, without header and padding */
	const char *name;
	const struct cops_field *fields;
	size_t count;
};

/* The name of a value, NULL if the table has none. */
const char *cops_name(const struct cops_name *names, uint32_t value);

/* NULL if the table has no such row. */
const struct cops_row *cops_row_find(
	const struct cops_row *rows, size_t count, uint8_t num, uint8_t type);

/* E_LENGTH, E_RANGE or E_SYNTAX with a sentence that names object and field; *into is filled
 * field by field and is worth nothing after a failure. */
enum err cops_row_decode(
	const struct cops_row *row, struct view contents, void *into, struct error *e) MUST_USE;

/* Appends header, contents and padding. A value that breaks the row makes the buffer fail E_BUG,
 * or E_LIMIT if the contents are longer than the row permits. */
void cops_row_encode(const struct cops_row *row, const void *from, struct buffer *out);

/* "Name field=value field=value", no newline. */
void cops_row_print(const struct cops_row *row, const void *from, struct buffer *out);

#endif
