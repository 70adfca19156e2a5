/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Provisioning instances: a PRID names one, an EPD holds its values, a struct pri is both decoded.
 *
 * A struct pri needs no release. Octet strings in it are borrowed: from the EPD that it was decoded
 * from, or from what was given to pri_set_octets(). Writing: pri_init(), pri_set_...(), pri_put();
 * the first mistake (wrong type, value out of range) sticks and is returned by pri_put(), so a
 * builder writes straight on and looks once. Reading: prid_decode(), epd_decode(), then the
 * getters, which answer zero or an empty view for a NULL. Attributes are named by the enumerators
 * of "pib/names.h".
 *
 * On encode the schema and SNMP's BER are followed to the letter (RFC 3084 §4.1, RFC 3417 §8). On
 * decode these are forgiven: INTEGER's tag on an Unsigned32, lengths in a longer form than needed,
 * trailing attributes that are missing but have a default, extra trailing attributes (pri.extra is
 * set, so that the caller can warn), NULL.
 */
#ifndef COPSEC_PIB_SCHEMA_PRI_H
#define COPSEC_PIB_SCHEMA_PRI_H

#include "pib/schema/fault.h"
#include "pib/schema/schema.h"

struct prid {
	const struct pib_class *class;
	uint32_t instance;
};

/* Class order first, then instance: the numeric order of the OIDs. */
int prid_compare(const struct prid *a, const struct prid *b);
void prid_oid(const struct prid *prid, struct oid *ret_oid);
/* E_UNKNOWN with PIB_FAULT_CLASS if no class has that row, E_RANGE with PIB_FAULT_INSTANCE for
 * instance 0. */
enum err prid_of_oid(const struct oid *oid, struct prid *ret_prid, struct pib_fault *ret_fault,
	struct error *error) MUST_USE;
/* "ipSecRule.7" */
enum { PRID_TEXT_SIZE = 96 };
void prid_format(const struct prid *prid, char text[PRID_TEXT_SIZE]);
enum err prid_parse(const char *text, struct prid *ret_prid) MUST_USE;

/* Contents of a PRID, PPRID or ErrorPRID object: one OBJECT IDENTIFIER with tag and length. */
enum err prid_decode_oid(struct view contents, struct oid *ret_oid, struct pib_fault *ret_fault,
	struct error *error) MUST_USE;
enum err prid_decode(struct view contents, struct prid *ret_prid, struct pib_fault *ret_fault,
	struct error *error) MUST_USE;
/* Writes a whole PRID S-object, with header and padding. */
void prid_put(struct buffer *out, const struct prid *prid);

enum pri_state {
	PRI_UNSET,   /* while building: default if there is one, else a mistake */
	PRI_NULL,    /* sent or received as NULL */
	PRI_DEFAULT, /* received as NULL or not at all; holds the schema's default */
	PRI_SET,
};

struct pri_value {
	enum pri_state state;
	union {
		int64_t integer;    /* Integer32, enumeration, Integer64 */
		uint64_t natural;   /* Unsigned32, Unsigned64; BITS: 1 << n is named bit n */
		struct view octets; /* OCTET STRING */
		struct oid oid;
	};
};

struct pri {
	const struct pib_class *class;
	uint32_t instance;
	bool extra;           /* decoded from an EPD with more attributes than the class has */
	struct error error;   /* first mistake while building; code E_OK if none */
	struct pri_value values[PIB_ATTRIBUTES_MAX]; /* attribute n is values[n - 1] */
};

/* All unset, except the InstanceId of a class that has one. */
void pri_init(struct pri *pri, enum pib_class_id class, uint32_t instance);

void pri_set_i32(struct pri *pri, unsigned attribute, int32_t value); /* enumerations too */
void pri_set_u32(struct pri *pri, unsigned attribute, uint32_t value);
void pri_set_i64(struct pri *pri, unsigned attribute, int64_t value);
void pri_set_u64(struct pri *pri, unsigned attribute, uint64_t value);
void pri_set_bool(struct pri *pri, unsigned attribute, bool value); /* TruthValue */
void pri_set_octets(struct pri *pri, unsigned attribute, struct view octets);
void pri_set_text(struct pri *pri, unsigned attribute, const char *text);
void pri_set_bits(struct pri *pri, unsigned attribute, uint64_t bits);
void pri_set_oid(struct pri *pri, unsigned attribute, const struct oid *oid);
void pri_set_prid(struct pri *pri, unsigned attribute, enum pib_class_id class, uint32_t instance);
void pri_set_row(struct pri *pri, unsigned attribute, enum pib_class_id class);
void pri_set_null(struct pri *pri, unsigned attribute);

/* False for NULL and for unset. */
bool pri_has(const struct pri *pri, unsigned attribute);
int32_t pri_i32(const struct pri *pri, unsigned attribute);
uint32_t pri_u32(const struct pri *pri, unsigned attribute);
int64_t pri_i64(const struct pri *pri, unsigned attribute);
uint64_t pri_u64(const struct pri *pri, unsigned attribute);
bool pri_bool(const struct pri *pri, unsigned attribute);
struct view pri_octets(const struct pri *pri, unsigned attribute);
uint64_t pri_bits(const struct pri *pri, unsigned attribute);
/* 0.0 for a NULL. */
const struct oid *pri_oid(const struct pri *pri, unsigned attribute);
/* False for NULL, for 0.0 and for a class that we do not know. */
bool pri_prid(const struct pri *pri, unsigned attribute, struct prid *ret_prid);

/* Appends PRID and EPD as S-objects. E_MISSING for an attribute that is unset and has no default.
 * Unset attributes with a default are left out at the end, and sent as their default elsewhere. */
enum err pri_put(struct buffer *out, const struct pri *pri, struct error *error) MUST_USE;

/* Contents of an EPD object. */
enum err epd_encode(struct buffer *out, const struct pri *pri, struct error *error) MUST_USE;
/* The values borrow from `contents`. The sentence in `error` names PRID and attribute. */
enum err epd_decode(const struct prid *prid, struct view contents, struct pri *ret_pri,
	struct pib_fault *ret_fault, struct error *error) MUST_USE;

/* Whether a run of PRID and EPD objects has INTEGER's tag on an Unsigned32, which is read as if it
 * were right. Rows of unknown classes are passed over. */
bool epd_run_has_integers(struct view run);

/* What the schema says of an attribute that is left out and has a default. */
struct pri_value pri_default(const struct pib_attribute *attribute);
/* Has it that value, given or left out? False if there is no default. */
bool pri_is_default(const struct pri *pri, unsigned attribute);
/* Same PRID, same values; a default equals the same value given. */
bool pri_equal(const struct pri *a, const struct pri *b);
/* Total order over values of the same attribute of two PRIs of the same class; NULL first. */
int pri_compare_attribute(const struct pri *a, const struct pri *b, unsigned attribute);

#endif
