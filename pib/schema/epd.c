/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/pri.h"

#include <string.h>

#include "common/cops/pr.h"
#include "pib/schema/ber.h"
#include "pib/schema/check.h"

/* ---- encoding ---- */

static void put_bits(struct buffer *out, const struct pib_attribute *attribute, uint64_t bits)
{
	size_t octets = pib_bits_octets(attribute);

	ber_put_header(out, attribute->tag, octets);
	for (size_t i = 0; i < octets; i++) {
		uint8_t octet = 0;

		for (unsigned bit = 0; bit < 8; bit++) {
			if (bits >> (8 * i + bit) & 1)
				octet |= (uint8_t)(0x80 >> bit);
		}
		buffer_put_u8(out, octet);
	}
}

static void put_value(struct buffer *out, const struct pib_attribute *attribute,
	const struct pri_value *value)
{
	switch (attribute->syntax) {
	case PIB_INTEGER32:
	case PIB_ENUMERATION:
	case PIB_INTEGER64:
		ber_put_signed(out, attribute->tag, value->integer);
		break;
	case PIB_UNSIGNED32:
	case PIB_UNSIGNED64:
		ber_put_unsigned(out, attribute->tag, value->natural);
		break;
	case PIB_OCTETS:
		ber_put_octets(out, attribute->tag, value->octets);
		break;
	case PIB_BITS:
		put_bits(out, attribute, value->natural);
		break;
	case PIB_OID:
		ber_put_oid(out, &value->oid);
		break;
	}
}

/* Writes what the syntax needs, not the room that a value has for others. */
static void set_default(const struct pib_attribute *attribute, struct pri_value *value)
{
	value->state = PRI_DEFAULT;
	switch (attribute->syntax) {
	case PIB_INTEGER32:
	case PIB_ENUMERATION:
	case PIB_INTEGER64:
		value->integer = (int64_t)attribute->default_number;
		break;
	case PIB_UNSIGNED32:
	case PIB_UNSIGNED64:
	case PIB_BITS:
		value->natural = attribute->default_number;
		break;
	case PIB_OCTETS:
		value->octets = attribute->default_octets;
		break;
	case PIB_OID:
		/* The generator wrote it, so it decodes. */
		if (oid_decode(attribute->default_octets, &value->oid))
			value->oid = oid_none;
		break;
	}
}

struct pri_value pri_default(const struct pib_attribute *attribute)
{
	struct pri_value value;

	set_default(attribute, &value);
	return value;
}

/* The last attribute that cannot be left to its default. */
static size_t attributes_to_send(const struct pri *pri)
{
	size_t count = pri->class->attribute_count;

	while (count > 0 && pri->class->attributes[count - 1].has_default &&
		(pri->values[count - 1].state == PRI_UNSET ||
			pri->values[count - 1].state == PRI_DEFAULT))
		count--;
	return count;
}

enum err epd_encode(struct buffer *out, const struct pri *pri, struct error *error)
{
	size_t count = attributes_to_send(pri), start = out->len;

	if (pri->error.code) {
		*error = pri->error;
		return error->code;
	}
	for (size_t i = 0; i < count; i++) {
		const struct pib_attribute *attribute = &pri->class->attributes[i];
		const struct pri_value *value = &pri->values[i];
		struct pri_value left_out;

		if (value->state == PRI_UNSET) {
			if (!attribute->has_default) {
				out->len = start;
				return error_set(error, E_MISSING, "%s.%u: %s is not set",
					pri->class->name, pri->instance, attribute->name);
			}
			set_default(attribute, &left_out);
			value = &left_out;
		}
		if (value->state == PRI_NULL)
			ber_put_header(out, BER_NULL, 0);
		else
			put_value(out, attribute, value);
	}
	if (out->error)
		return error_set(error, out->error, "%s.%u cannot be written: %s",
			pri->class->name, pri->instance, err_text(out->error));
	return E_OK;
}

/* ---- decoding ---- */

static enum err fail(struct pib_fault *ret_fault, enum pib_fault_kind kind, unsigned attribute,
	uint16_t detail)
{
	*ret_fault = (struct pib_fault){kind, (uint8_t)attribute, detail};
	return pib_fault_err(kind);
}

/* Kind of fault for a failure of ber_signed(), ber_unsigned() and oid_decode(). */
static enum pib_fault_kind kind_of(enum err err)
{
	switch (err) {
	case E_OK:
		return PIB_FAULT_NONE;
	case E_LENGTH:
		return PIB_FAULT_LENGTH;
	case E_LIMIT:
		return PIB_FAULT_TOO_LONG;
	default:
		return PIB_FAULT_VALUE;
	}
}

static enum pib_fault_kind get_bits(const struct pib_attribute *attribute, struct view contents,
	uint64_t *ret_bits)
{
	uint64_t bits = 0;

	if (contents.len != pib_bits_octets(attribute))
		return PIB_FAULT_VALUE;
	for (size_t i = 0; i < contents.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			if (contents.data[i] & (0x80 >> bit))
				bits |= UINT64_C(1) << (8 * i + bit);
		}
	}
	if (!pib_bits_valid(attribute, bits))
		return PIB_FAULT_VALUE;
	*ret_bits = bits;
	return PIB_FAULT_NONE;
}

static enum pib_fault_kind get_value(const struct pib_attribute *attribute, struct view contents,
	struct pri_value *value)
{
	enum err err;

	value->state = PRI_SET;
	switch (attribute->syntax) {
	case PIB_INTEGER32:
	case PIB_ENUMERATION:
	case PIB_INTEGER64:
		err = ber_signed(contents, &value->integer);
		if (err)
			return kind_of(err);
		return pib_signed_valid(attribute, value->integer) ? PIB_FAULT_NONE :
								     PIB_FAULT_VALUE;
	case PIB_UNSIGNED32:
	case PIB_UNSIGNED64:
		err = ber_unsigned(contents, &value->natural);
		if (err)
			return kind_of(err);
		return pib_unsigned_valid(attribute, value->natural) ? PIB_FAULT_NONE :
								       PIB_FAULT_VALUE;
	case PIB_OCTETS:
		value->octets = contents;
		return pib_size_valid(attribute, contents.len) ? PIB_FAULT_NONE : PIB_FAULT_VALUE;
	case PIB_BITS:
		return get_bits(attribute, contents, &value->natural);
	case PIB_OID:
		return kind_of(oid_decode(contents, &value->oid));
	}
	return PIB_FAULT_VALUE;
}

/* RFC 3084's own example sends an Unsigned32 with INTEGER's tag. */
static bool tag_fits(const struct pib_attribute *attribute, uint8_t tag)
{
	return tag == attribute->tag || (attribute->tag == BER_UNSIGNED32 && tag == BER_INTEGER);
}

static enum err decode_attribute(const struct prid *prid, const struct pib_attribute *attribute,
	struct cursor *c, struct pri_value *value, struct pib_fault *ret_fault,
	struct error *error)
{
	const char *name = attribute->name;
	enum pib_fault_kind kind;
	struct ber ber;

	if (ber_next(c, &ber))
		return error_set(error, fail(ret_fault, PIB_FAULT_LENGTH, attribute->number, 0),
			"%s.%u: %s has a wrong ASN.1 length", prid->class->name, prid->instance,
			name);
	if (ber.tag == BER_NULL) {
		if (ber.contents.len > 0)
			return error_set(error,
				fail(ret_fault, PIB_FAULT_LENGTH, attribute->number, 0),
				"%s.%u: %s is a NULL with contents", prid->class->name,
				prid->instance, name);
		if (attribute->number == prid->class->index_attribute)
			return error_set(error,
				fail(ret_fault, PIB_FAULT_VALUE, attribute->number, 0),
				"%s.%u: %s is NULL", prid->class->name, prid->instance, name);
		if (attribute->has_default)
			set_default(attribute, value);
		else
			value->state = PRI_NULL;
		return E_OK;
	}
	if (!ber_tag_known(ber.tag))
		return error_set(error,
			fail(ret_fault, PIB_FAULT_TAG, attribute->number, ber.tag),
			"%s.%u: %s has the unknown ASN.1 tag 0x%02x", prid->class->name,
			prid->instance, name, ber.tag);
	if (!tag_fits(attribute, ber.tag))
		return error_set(error, fail(ret_fault, PIB_FAULT_TYPE, attribute->number, 0),
			"%s.%u: %s has the ASN.1 tag 0x%02x instead of 0x%02x",
			prid->class->name, prid->instance, name, ber.tag, attribute->tag);
	kind = get_value(attribute, ber.contents, value);
	if (kind == PIB_FAULT_NONE && attribute->number == prid->class->index_attribute &&
		value->natural != prid->instance)
		kind = PIB_FAULT_VALUE;
	if (kind)
		return error_set(error, fail(ret_fault, kind, attribute->number, 0),
			"%s.%u: %s: %s", prid->class->name, prid->instance, name,
			kind == PIB_FAULT_LENGTH ? "wrong ASN.1 length" :
			kind == PIB_FAULT_VALUE	 ? "value is not allowed" :
						   "value is too long");
	return E_OK;
}

static enum err fill_missing(const struct prid *prid, size_t from, struct pri *pri,
	struct pib_fault *ret_fault, struct error *error)
{
	for (size_t i = from; i < prid->class->attribute_count; i++) {
		const struct pib_attribute *attribute = &prid->class->attributes[i];

		if (!attribute->has_default)
			return error_set(error,
				fail(ret_fault, PIB_FAULT_TOO_FEW, attribute->number, 0),
				"%s.%u: %s is missing and has no default", prid->class->name,
				prid->instance, attribute->name);
		set_default(attribute, &pri->values[i]);
	}
	return E_OK;
}

enum err epd_decode(const struct prid *prid, struct view contents, struct pri *ret_pri,
	struct pib_fault *ret_fault, struct error *error)
{
	struct cursor c = cursor_over(contents);
	struct pri pri;
	size_t count = 0;
	enum err err;

	pri.class = prid->class;
	pri.instance = prid->instance;
	pri.extra = false;
	pri.error.code = E_OK;
	for (; count < prid->class->attribute_count && cursor_left(&c) > 0; count++) {
		err = decode_attribute(prid, &prid->class->attributes[count], &c,
			&pri.values[count], ret_fault, error);
		if (err)
			return err;
	}
	err = fill_missing(prid, count, &pri, ret_fault, error);
	if (err)
		return err;
	while (cursor_left(&c) > 0) {
		struct ber ignored;

		if (ber_next(&c, &ignored))
			return error_set(error, fail(ret_fault, PIB_FAULT_LENGTH, 0, 0),
				"%s.%u: wrong ASN.1 length behind the last attribute",
				prid->class->name, prid->instance);
		pri.extra = true;
	}
	/* Not the room for attributes that this class does not have. */
	ret_pri->class = pri.class;
	ret_pri->instance = pri.instance;
	ret_pri->extra = pri.extra;
	ret_pri->error.code = E_OK;
	memcpy(ret_pri->values, pri.values, prid->class->attribute_count * sizeof *pri.values);
	return E_OK;
}

static bool has_integers(const struct prid *prid, struct view contents)
{
	struct cursor c = cursor_over(contents);
	struct ber ber;

	for (size_t i = 0; i < prid->class->attribute_count && cursor_left(&c); i++) {
		if (ber_next(&c, &ber))
			return false;
		if (prid->class->attributes[i].tag == BER_UNSIGNED32 && ber.tag == BER_INTEGER)
			return true;
	}
	return false;
}

bool epd_run_has_integers(struct view run)
{
	struct cursor c = cursor_over(run);
	struct pr_object o;
	struct prid prid = {0};
	struct pib_fault fault;
	struct error ignored;

	while (cursor_left(&c) && !pr_next(&c, &o)) {
		if (o.s_num == PR_PRID && prid_decode(o.contents, &prid, &fault, &ignored))
			prid.class = NULL;
		else if (o.s_num == PR_EPD && prid.class && has_integers(&prid, o.contents))
			return true;
	}
	return false;
}
