/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Object identifiers.
 *
 * A value of at most OID_MAX arcs, without pointers: copy it by assignment. Order is numeric, arc
 * by arc, a prefix before what it is a prefix of; it is not the order of the encoded octets
 * (16383 is ff7f, 16384 is 818000). On the wire an OID is BER (RFC 3084 §4.1): arcs in base 128
 * with the least number of octets. 0.0 stands for "none" where an attribute allows it.
 */
#ifndef COPSEC_PIB_SCHEMA_OID_H
#define COPSEC_PIB_SCHEMA_OID_H

#include "common/base/bytes.h"

enum {
	OID_MAX = 32,                  /* arcs; a PRID of ours has 12 */
	OID_TEXT_SIZE = 11 * OID_MAX,  /* decimal arcs, dots and NUL */
	OID_OCTETS_MAX = 5 * OID_MAX,  /* encoded contents */
};

struct oid {
	uint32_t arcs[OID_MAX];
	uint8_t count;
};

/* The OID 0.0. */
extern const struct oid oid_none;

int oid_compare(const struct oid *a, const struct oid *b);
bool oid_equal(const struct oid *a, const struct oid *b);
/* True also when both are equal. */
bool oid_has_prefix(const struct oid *oid, const struct oid *prefix);
bool oid_is_none(const struct oid *oid);
/* E_LIMIT if it has OID_MAX arcs already. */
enum err oid_append(struct oid *oid, uint32_t arc) MUST_USE;

/* Decimal arcs with dots, "1.3.6.1.2.2"; at least two of them. */
enum err oid_parse(struct oid *ret_oid, const char *text) MUST_USE;
void oid_format(const struct oid *oid, char text[OID_TEXT_SIZE]);

/* Contents octets, without tag and length. An OID of fewer than two arcs, or whose first two
 * cannot be written in BER, makes the buffer fail with E_BUG. */
void oid_put(struct buffer *out, const struct oid *oid);
/* How many octets oid_put() writes. */
size_t oid_octets(const struct oid *oid);
/* E_LENGTH: no octets or the last arc unfinished; E_SYNTAX: an arc that starts with 0x80 or is
 * greater than 32 bits; E_LIMIT: more than OID_MAX arcs. */
enum err oid_decode(struct view contents, struct oid *ret_oid) MUST_USE;

#endif
