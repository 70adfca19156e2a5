/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/ber.h"

bool ber_tag_known(uint8_t tag)
{
	switch ((enum ber_tag)tag) {
	case BER_INTEGER:
	case BER_OCTET_STRING:
	case BER_NULL:
	case BER_OID:
	case BER_IP_ADDRESS:
	case BER_UNSIGNED32:
	case BER_TIME_TICKS:
	case BER_OPAQUE:
	case BER_INTEGER64:
	case BER_UNSIGNED64:
		return true;
	}
	return false;
}

static enum err fail(struct cursor *c)
{
	c->error = E_OK; /* what is truncated here is a wrong ASN.1 length to the peer */
	cursor_fail(c, E_LENGTH);
	return E_LENGTH;
}

enum err ber_next(struct cursor *c, struct ber *ret_ber)
{
	uint8_t tag, first;
	size_t length;
	struct view contents;

	if (c->error)
		return c->error;
	tag = cursor_u8(c);
	first = cursor_u8(c);
	length = first;
	if (first & 0x80) {
		size_t octets = first & 0x7f;

		if (octets == 0 || octets > cursor_left(c))
			return fail(c);
		for (length = 0; octets > 0; octets--) {
			length = length << 8 | cursor_u8(c);
			if (length > c->len)
				return fail(c);
		}
	}
	if (c->error || length > cursor_left(c))
		return fail(c);
	contents = cursor_take(c, length);
	*ret_ber = (struct ber){tag, contents};
	return E_OK;
}

void ber_put_header(struct buffer *out, uint8_t tag, size_t length)
{
	buffer_put_u8(out, tag);
	if (length < 0x80) {
		buffer_put_u8(out, (uint8_t)length);
	} else if (length <= 0xff) {
		buffer_put_u8(out, 0x81);
		buffer_put_u8(out, (uint8_t)length);
	} else if (length <= 0xffff) {
		buffer_put_u8(out, 0x82);
		buffer_put_u16(out, (uint16_t)length);
	} else if (!out->error) {
		out->error = E_LIMIT; /* no S-object is longer */
	}
}

void ber_put_octets(struct buffer *out, uint8_t tag, struct view octets)
{
	ber_put_header(out, tag, octets.len);
	buffer_put_view(out, octets);
}

void ber_put_oid(struct buffer *out, const struct oid *oid)
{
	ber_put_header(out, BER_OID, oid_octets(oid));
	oid_put(out, oid);
}

void ber_put_signed(struct buffer *out, uint8_t tag, int64_t number)
{
	uint64_t bits = (uint64_t)number;
	unsigned length = 8;

	/* An octet goes as long as the nine bits above the rest are all equal. */
	while (length > 1) {
		uint64_t top = bits >> (8 * length - 9) & 0x1ff;

		if (top != 0 && top != 0x1ff)
			break;
		length--;
	}
	ber_put_header(out, tag, length);
	while (length-- > 0)
		buffer_put_u8(out, (uint8_t)(bits >> (8 * length)));
}

void ber_put_unsigned(struct buffer *out, uint8_t tag, uint64_t number)
{
	if (number <= INT64_MAX) {
		ber_put_signed(out, tag, (int64_t)number);
		return;
	}
	ber_put_header(out, tag, 9);
	buffer_put_u8(out, 0);
	buffer_put_u64(out, number);
}

static enum err check_minimal(struct view contents)
{
	if (contents.len == 0)
		return E_LENGTH;
	if (contents.len > 1 &&
		((contents.data[0] == 0x00 && !(contents.data[1] & 0x80)) ||
			(contents.data[0] == 0xff && (contents.data[1] & 0x80))))
		return E_LENGTH;
	return E_OK;
}

enum err ber_signed(struct view contents, int64_t *ret_number)
{
	enum err err = check_minimal(contents);
	uint64_t number;

	if (err)
		return err;
	if (contents.len > 8)
		return E_RANGE;
	number = contents.data[0] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = 0; i < contents.len; i++)
		number = number << 8 | contents.data[i];
	*ret_number = (int64_t)number;
	return E_OK;
}

enum err ber_unsigned(struct view contents, uint64_t *ret_number)
{
	enum err err = check_minimal(contents);
	uint64_t number = 0;

	if (err)
		return err;
	if (contents.data[0] & 0x80)
		return E_RANGE;
	if (contents.len > 9 || (contents.len == 9 && contents.data[0] != 0))
		return E_RANGE;
	for (size_t i = 0; i < contents.len; i++)
		number = number << 8 | contents.data[i];
	*ret_number = number;
	return E_OK;
}
