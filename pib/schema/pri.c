/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/pri.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/schema/ber.h"
#include "pib/schema/check.h"

/* ---- PRIDs ---- */

int prid_compare(const struct prid *a, const struct prid *b)
{
	if (a->class->id != b->class->id)
		return a->class->id < b->class->id ? -1 : 1;
	return (a->instance > b->instance) - (a->instance < b->instance);
}

void prid_oid(const struct prid *prid, struct oid *ret_oid)
{
	*ret_oid = prid->class->row;
	ret_oid->arcs[ret_oid->count++] = prid->instance;
}

static enum err fail(struct pib_fault *ret_fault, enum pib_fault_kind kind, uint16_t detail)
{
	*ret_fault = (struct pib_fault){.kind = kind, .detail = detail};
	return pib_fault_err(kind);
}

enum err prid_of_oid(const struct oid *oid, struct prid *ret_prid, struct pib_fault *ret_fault,
	struct error *error)
{
	struct oid row = *oid;
	char text[OID_TEXT_SIZE];
	const struct pib_class *class = NULL;
	uint32_t instance = 0;

	if (row.count > 0) {
		instance = row.arcs[--row.count];
		class = pib_class_by_row(&row);
	}
	if (!class) {
		oid_format(oid, text);
		return error_set(error, fail(ret_fault, PIB_FAULT_CLASS, 0),
			"%.120s names no instance of a class that is known here", text);
	}
	if (instance == 0)
		return error_set(error, fail(ret_fault, PIB_FAULT_INSTANCE, 0),
			"%s.0: instances are numbered from 1", class->name);
	*ret_prid = (struct prid){class, instance};
	return E_OK;
}

void prid_format(const struct prid *prid, char text[PRID_TEXT_SIZE])
{
	snprintf(text, PRID_TEXT_SIZE, "%s.%u", prid->class->name, prid->instance);
}

enum err prid_parse(const char *text, struct prid *ret_prid)
{
	char name[PRID_TEXT_SIZE];
	const char *dot = strrchr(text, '.');
	const struct pib_class *class;
	uint64_t instance = 0;

	if (!dot || (size_t)(dot - text) >= sizeof name || dot[1] == '\0')
		return E_SYNTAX;
	memcpy(name, text, (size_t)(dot - text));
	name[dot - text] = '\0';
	class = pib_class_by_name(name);
	if (!class)
		return E_UNKNOWN;
	for (const char *c = dot + 1; *c; c++) {
		if (*c < '0' || *c > '9')
			return E_SYNTAX;
		instance = 10 * instance + (uint64_t)(*c - '0');
		if (instance > UINT32_MAX)
			return E_RANGE;
	}
	if (instance == 0)
		return E_RANGE;
	*ret_prid = (struct prid){class, (uint32_t)instance};
	return E_OK;
}

enum err prid_decode_oid(struct view contents, struct oid *ret_oid, struct pib_fault *ret_fault,
	struct error *error)
{
	struct cursor c = cursor_over(contents);
	struct ber ber;
	enum err err;

	if (ber_next(&c, &ber))
		return error_set(error, fail(ret_fault, PIB_FAULT_LENGTH, 0),
			"PRID with a wrong ASN.1 length");
	if (ber.tag != BER_OID)
		return error_set(error, fail(ret_fault, PIB_FAULT_TAG, ber.tag),
			"PRID is not an OBJECT IDENTIFIER (tag 0x%02x)", ber.tag);
	if (cursor_left(&c) > 0)
		return error_set(error, fail(ret_fault, PIB_FAULT_MALFORMED, 0),
			"PRID with %zu octets too many", cursor_left(&c));
	err = oid_decode(ber.contents, ret_oid);
	if (err == E_LENGTH)
		return error_set(error, fail(ret_fault, PIB_FAULT_LENGTH, 0),
			"PRID whose OID ends too early");
	if (err)
		return error_set(error, fail(ret_fault, PIB_FAULT_MALFORMED, 0),
			"PRID with an OID that cannot be used here (%s)", err_text(err));
	return E_OK;
}

enum err prid_decode(struct view contents, struct prid *ret_prid, struct pib_fault *ret_fault,
	struct error *error)
{
	struct oid oid;
	enum err err = prid_decode_oid(contents, &oid, ret_fault, error);

	return err ? err : prid_of_oid(&oid, ret_prid, ret_fault, error);
}

/* An S-object is begun, its contents appended, then it is ended (RFC 3084 §4). */
static size_t begin_object(struct buffer *out, enum pr_s_num s_num)
{
	size_t start = out->len;

	buffer_put_u16(out, 0);
	buffer_put_u8(out, (uint8_t)s_num);
	buffer_put_u8(out, PR_BER);
	return start;
}

static void end_object(struct buffer *out, size_t start)
{
	size_t contents;

	if (out->error)
		return;
	contents = out->len - start - PR_HEADER;
	if (contents > PR_CONTENTS_MAX) {
		out->error = E_LIMIT;
		return;
	}
	buffer_patch_u16(out, start, (uint16_t)(PR_HEADER + contents));
	buffer_put_zeros(out, (4 - contents % 4) % 4);
}

void prid_put(struct buffer *out, const struct prid *prid)
{
	size_t start = begin_object(out, PR_PRID);
	struct oid oid;

	prid_oid(prid, &oid);
	ber_put_oid(out, &oid);
	end_object(out, start);
}

/* ---- building ---- */

void pri_init(struct pri *pri, enum pib_class_id class, uint32_t instance)
{
	pri->class = pib_class(class);
	pri->instance = instance;
	pri->extra = false;
	pri->error.code = E_OK;
	for (size_t i = 0; i < pri->class->attribute_count; i++)
		pri->values[i].state = PRI_UNSET;
	if (instance == 0)
		error_set(&pri->error, E_RANGE, "%s.0: instances are numbered from 1",
			pri->class->name);
	if (pri->class->index_attribute)
		pri_set_u32(pri, pri->class->index_attribute, instance);
}

static void refuse(struct pri *pri, enum err err, const struct pib_attribute *attribute,
	const char *why)
{
	if (!pri->error.code)
		error_set(&pri->error, err, "%s.%u: %s %s", pri->class->name, pri->instance,
			attribute ? attribute->name : "an attribute", why);
}

/* The value to be set, or NULL if the class has no such attribute or it has another type. */
static struct pri_value *value_to_set(struct pri *pri, unsigned number, enum pib_syntax syntax)
{
	const struct pib_attribute *attribute = pib_attribute(pri->class, number);

	if (!attribute) {
		refuse(pri, E_BUG, NULL, "that the class does not have was set");
		return NULL;
	}
	if (attribute->syntax != syntax) {
		refuse(pri, E_TYPE, attribute, "was set to a value of another type");
		return NULL;
	}
	return &pri->values[number - 1];
}

static void set_signed(struct pri *pri, unsigned number, enum pib_syntax syntax, int64_t value)
{
	struct pri_value *v = value_to_set(pri, number, syntax);

	if (!v)
		return;
	if (!pib_signed_valid(&pri->class->attributes[number - 1], value)) {
		refuse(pri, E_RANGE, &pri->class->attributes[number - 1], "cannot have this value");
		return;
	}
	v->state = PRI_SET;
	v->integer = value;
}

static void set_unsigned(struct pri *pri, unsigned number, enum pib_syntax syntax, uint64_t value)
{
	struct pri_value *v = value_to_set(pri, number, syntax);

	if (!v)
		return;
	if (!pib_unsigned_valid(&pri->class->attributes[number - 1], value)) {
		refuse(pri, E_RANGE, &pri->class->attributes[number - 1], "cannot have this value");
		return;
	}
	v->state = PRI_SET;
	v->natural = value;
}

void pri_set_i32(struct pri *pri, unsigned attribute, int32_t value)
{
	const struct pib_attribute *a = pib_attribute(pri->class, attribute);

	set_signed(pri, attribute,
		a && a->syntax == PIB_ENUMERATION ? PIB_ENUMERATION : PIB_INTEGER32, value);
}

void pri_set_u32(struct pri *pri, unsigned attribute, uint32_t value)
{
	set_unsigned(pri, attribute, PIB_UNSIGNED32, value);
}

void pri_set_i64(struct pri *pri, unsigned attribute, int64_t value)
{
	set_signed(pri, attribute, PIB_INTEGER64, value);
}

void pri_set_u64(struct pri *pri, unsigned attribute, uint64_t value)
{
	set_unsigned(pri, attribute, PIB_UNSIGNED64, value);
}

/* TruthValue, RFC 2579. */
enum { TRUTH_TRUE = 1, TRUTH_FALSE = 2 };

void pri_set_bool(struct pri *pri, unsigned attribute, bool value)
{
	set_signed(pri, attribute, PIB_ENUMERATION, value ? TRUTH_TRUE : TRUTH_FALSE);
}

void pri_set_octets(struct pri *pri, unsigned attribute, struct view octets)
{
	struct pri_value *v = value_to_set(pri, attribute, PIB_OCTETS);

	if (!v)
		return;
	if (!pib_size_valid(&pri->class->attributes[attribute - 1], octets.len)) {
		refuse(pri, E_RANGE, &pri->class->attributes[attribute - 1],
			"cannot have a value of this length");
		return;
	}
	v->state = PRI_SET;
	v->octets = octets;
}

void pri_set_text(struct pri *pri, unsigned attribute, const char *text)
{
	pri_set_octets(pri, attribute, view_of_string(text));
}

void pri_set_bits(struct pri *pri, unsigned attribute, uint64_t bits)
{
	struct pri_value *v = value_to_set(pri, attribute, PIB_BITS);

	if (!v)
		return;
	if (!pib_bits_valid(&pri->class->attributes[attribute - 1], bits)) {
		refuse(pri, E_RANGE, &pri->class->attributes[attribute - 1],
			"cannot have this value");
		return;
	}
	v->state = PRI_SET;
	v->natural = bits;
}

void pri_set_oid(struct pri *pri, unsigned attribute, const struct oid *oid)
{
	struct pri_value *v = value_to_set(pri, attribute, PIB_OID);

	if (!v)
		return;
	v->state = PRI_SET;
	v->oid = *oid;
}

void pri_set_prid(struct pri *pri, unsigned attribute, enum pib_class_id class, uint32_t instance)
{
	struct prid prid = {pib_class(class), instance};
	struct oid oid;

	prid_oid(&prid, &oid);
	pri_set_oid(pri, attribute, &oid);
}

void pri_set_row(struct pri *pri, unsigned attribute, enum pib_class_id class)
{
	pri_set_oid(pri, attribute, &pib_class(class)->row);
}

void pri_set_null(struct pri *pri, unsigned attribute)
{
	if (!pib_attribute(pri->class, attribute))
		refuse(pri, E_BUG, NULL, "that the class does not have was set");
	else if (attribute == pri->class->index_attribute)
		refuse(pri, E_RANGE, &pri->class->attributes[attribute - 1], "cannot be NULL");
	else
		pri->values[attribute - 1].state = PRI_NULL;
}

/* ---- reading ---- */

/* NULL if it has no value. An attribute that the class does not have, or a getter of another type
 * than the attribute's, is our own mistake. */
static const struct pri_value *value_to_get(const struct pri *pri, unsigned number,
	enum pib_syntax syntax, enum pib_syntax or_syntax)
{
	const struct pib_attribute *attribute = pib_attribute(pri->class, number);
	bool fits = attribute && (attribute->syntax == syntax || attribute->syntax == or_syntax);

	assert(fits);
	return fits && pri_has(pri, number) ? &pri->values[number - 1] : NULL;
}

bool pri_has(const struct pri *pri, unsigned attribute)
{
	bool exists = pib_attribute(pri->class, attribute) != NULL;

	assert(exists);
	return exists && (pri->values[attribute - 1].state == PRI_SET ||
				 pri->values[attribute - 1].state == PRI_DEFAULT);
}

int32_t pri_i32(const struct pri *pri, unsigned attribute)
{
	const struct pri_value *v =
		value_to_get(pri, attribute, PIB_INTEGER32, PIB_ENUMERATION);

	return v ? (int32_t)v->integer : 0;
}

uint32_t pri_u32(const struct pri *pri, unsigned attribute)
{
	const struct pri_value *v =
		value_to_get(pri, attribute, PIB_UNSIGNED32, PIB_UNSIGNED32);

	return v ? (uint32_t)v->natural : 0;
}

int64_t pri_i64(const struct pri *pri, unsigned attribute)
{
	const struct pri_value *v = value_to_get(pri, attribute, PIB_INTEGER64, PIB_INTEGER64);

	return v ? v->integer : 0;
}

uint64_t pri_u64(const struct pri *pri, unsigned attribute)
{
	const struct pri_value *v =
		value_to_get(pri, attribute, PIB_UNSIGNED64, PIB_UNSIGNED64);

	return v ? v->natural : 0;
}

bool pri_bool(const struct pri *pri, unsigned attribute)
{
	return pri_i32(pri, attribute) == TRUTH_TRUE;
}

struct view pri_octets(const struct pri *pri, unsigned attribute)
{
	const struct pri_value *v = value_to_get(pri, attribute, PIB_OCTETS, PIB_OCTETS);

	return v ? v->octets : VIEW_NONE;
}

uint64_t pri_bits(const struct pri *pri, unsigned attribute)
{
	const struct pri_value *v = value_to_get(pri, attribute, PIB_BITS, PIB_BITS);

	return v ? v->natural : 0;
}

const struct oid *pri_oid(const struct pri *pri, unsigned attribute)
{
	const struct pri_value *v = value_to_get(pri, attribute, PIB_OID, PIB_OID);

	return v ? &v->oid : &oid_none;
}

bool pri_prid(const struct pri *pri, unsigned attribute, struct prid *ret_prid)
{
	struct pib_fault fault;
	struct error error;

	return prid_of_oid(pri_oid(pri, attribute), ret_prid, &fault, &error) == E_OK;
}

/* ---- writing ---- */

enum err pri_put(struct buffer *out, const struct pri *pri, struct error *error)
{
	const struct prid prid = {pri->class, pri->instance};
	size_t before = out->len, start;
	enum err err;

	prid_put(out, &prid);
	start = begin_object(out, PR_EPD);
	err = epd_encode(out, pri, error);
	if (err) {
		out->len = before;
		return err;
	}
	end_object(out, start);
	if (out->error)
		return error_set(error, out->error, "%s.%u cannot be written: %s",
			pri->class->name, pri->instance, err_text(out->error));
	return E_OK;
}

/* ---- comparing ---- */

static int compare_values(
	enum pib_syntax syntax, const struct pri_value *x, const struct pri_value *y)
{
	switch (syntax) {
	case PIB_INTEGER32:
	case PIB_ENUMERATION:
	case PIB_INTEGER64:
		return (x->integer > y->integer) - (x->integer < y->integer);
	case PIB_UNSIGNED32:
	case PIB_UNSIGNED64:
	case PIB_BITS:
		return (x->natural > y->natural) - (x->natural < y->natural);
	case PIB_OCTETS:
		return view_compare(x->octets, y->octets);
	case PIB_OID:
		return oid_compare(&x->oid, &y->oid);
	}
	return 0;
}

int pri_compare_attribute(const struct pri *a, const struct pri *b, unsigned attribute)
{
	assert(a->class == b->class && pib_attribute(a->class, attribute));
	if (!pri_has(a, attribute) || !pri_has(b, attribute))
		return pri_has(a, attribute) - pri_has(b, attribute);
	return compare_values(a->class->attributes[attribute - 1].syntax,
		&a->values[attribute - 1], &b->values[attribute - 1]);
}

bool pri_is_default(const struct pri *pri, unsigned attribute)
{
	const struct pib_attribute *a = pib_attribute(pri->class, attribute);
	struct pri_value value;

	assert(a);
	if (!a->has_default)
		return false;
	if (!pri_has(pri, attribute))
		return pri->values[attribute - 1].state == PRI_UNSET;
	value = pri_default(a);
	return compare_values(a->syntax, &pri->values[attribute - 1], &value) == 0;
}

bool pri_equal(const struct pri *a, const struct pri *b)
{
	if (a->class != b->class || a->instance != b->instance)
		return false;
	for (unsigned i = 1; i <= a->class->attribute_count; i++) {
		if (pri_compare_attribute(a, b, i) != 0)
			return false;
	}
	return true;
}
