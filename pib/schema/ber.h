/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The BER of SPPI: primitive encodings of definite length, base types only (RFC 3159 §3 and SNMP's
 * rules, RFC 3417 §8). Used by epd.c and pri.c.
 */
#ifndef COPSEC_PIB_SCHEMA_BER_H
#define COPSEC_PIB_SCHEMA_BER_H

#include "common/base/cursor.h"
#include "pib/schema/oid.h"

enum ber_tag {
	BER_INTEGER = 0x02,
	BER_OCTET_STRING = 0x04,
	BER_NULL = 0x05,
	BER_OID = 0x06,
	BER_IP_ADDRESS = 0x40,
	BER_UNSIGNED32 = 0x42,
	BER_TIME_TICKS = 0x43,
	BER_OPAQUE = 0x44,
	BER_INTEGER64 = 0x4a,
	BER_UNSIGNED64 = 0x4b,
};

struct ber {
	uint8_t tag;
	struct view contents;
};

bool ber_tag_known(uint8_t tag);

/* The next value; any tag. A length in a longer form than needed is accepted. E_LENGTH, also as
 * the cursor's error: indefinite or reserved length, or more octets than there are. */
enum err ber_next(struct cursor *c, struct ber *ret_ber) MUST_USE;

void ber_put_header(struct buffer *out, uint8_t tag, size_t length);
void ber_put_octets(struct buffer *out, uint8_t tag, struct view octets);
void ber_put_oid(struct buffer *out, const struct oid *oid);
/* Two's complement with the least number of octets. */
void ber_put_signed(struct buffer *out, uint8_t tag, int64_t number);
void ber_put_unsigned(struct buffer *out, uint8_t tag, uint64_t number);

/* E_LENGTH: no octets, or more than needed; E_RANGE: does not fit. */
enum err ber_signed(struct view contents, int64_t *ret_number) MUST_USE;
enum err ber_unsigned(struct view contents, uint64_t *ret_number) MUST_USE;

#endif
