/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/oid.h"

#include <stdio.h>
#include <string.h>

const struct oid oid_none = {{0, 0}, 2};

int oid_compare(const struct oid *a, const struct oid *b)
{
	for (unsigned i = 0; i < a->count && i < b->count; i++) {
		if (a->arcs[i] != b->arcs[i])
			return a->arcs[i] < b->arcs[i] ? -1 : 1;
	}
	return (a->count > b->count) - (a->count < b->count);
}

bool oid_equal(const struct oid *a, const struct oid *b)
{
	return oid_compare(a, b) == 0;
}

bool oid_has_prefix(const struct oid *oid, const struct oid *prefix)
{
	if (prefix->count > oid->count)
		return false;
	for (unsigned i = 0; i < prefix->count; i++) {
		if (oid->arcs[i] != prefix->arcs[i])
			return false;
	}
	return true;
}

bool oid_is_none(const struct oid *oid)
{
	return oid_equal(oid, &oid_none);
}

enum err oid_append(struct oid *oid, uint32_t arc)
{
	if (oid->count >= OID_MAX)
		return E_LIMIT;
	oid->arcs[oid->count++] = arc;
	return E_OK;
}

enum err oid_parse(struct oid *ret_oid, const char *text)
{
	struct oid oid = {.count = 0};

	for (;;) {
		uint64_t arc = 0;
		size_t digits = 0;
		enum err err;

		for (; *text >= '0' && *text <= '9'; text++, digits++) {
			arc = 10 * arc + (uint64_t)(*text - '0');
			if (arc > UINT32_MAX)
				return E_SYNTAX;
		}
		if (digits == 0)
			return E_SYNTAX;
		err = oid_append(&oid, (uint32_t)arc);
		if (err)
			return err;
		if (*text == '\0')
			break;
		if (*text++ != '.')
			return E_SYNTAX;
	}
	if (oid.count < 2)
		return E_SYNTAX;
	*ret_oid = oid;
	return E_OK;
}

void oid_format(const struct oid *oid, char text[OID_TEXT_SIZE])
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < oid->count; i++)
		at += (size_t)snprintf(text + at, OID_TEXT_SIZE - at, i ? ".%u" : "%u",
			oid->arcs[i]);
}

/* The first two arcs share one number, 40 * a + b: a is 0, 1 or 2, and b below 40 unless a is 2. */
static bool oid_has_ber_form(const struct oid *oid)
{
	return oid->count >= 2 && oid->arcs[0] <= 2 && (oid->arcs[0] == 2 || oid->arcs[1] < 40);
}

static size_t base128_octets(uint64_t number)
{
	size_t octets = 1;

	while (number >>= 7)
		octets++;
	return octets;
}

static void put_base128(struct buffer *out, uint64_t number)
{
	for (size_t i = base128_octets(number); i-- > 0;)
		buffer_put_u8(out, (uint8_t)((number >> (7 * i) & 0x7f) | (i ? 0x80 : 0)));
}

void oid_put(struct buffer *out, const struct oid *oid)
{
	if (!oid_has_ber_form(oid)) {
		if (!out->error)
			out->error = E_BUG;
		return;
	}
	put_base128(out, UINT64_C(40) * oid->arcs[0] + oid->arcs[1]);
	for (unsigned i = 2; i < oid->count; i++)
		put_base128(out, oid->arcs[i]);
}

size_t oid_octets(const struct oid *oid)
{
	size_t octets;

	if (!oid_has_ber_form(oid))
		return 0;
	octets = base128_octets(UINT64_C(40) * oid->arcs[0] + oid->arcs[1]);
	for (unsigned i = 2; i < oid->count; i++)
		octets += base128_octets(oid->arcs[i]);
	return octets;
}

enum err oid_decode(struct view contents, struct oid *ret_oid)
{
	struct oid oid = {.count = 0};
	uint64_t number = 0;
	bool within = false;

	if (contents.len == 0)
		return E_LENGTH;
	for (size_t i = 0; i < contents.len; i++) {
		uint8_t octet = contents.data[i];
		uint64_t greatest = UINT32_MAX;
		enum err err;

		if (!within && octet == 0x80)
			return E_SYNTAX;
		number = number << 7 | (octet & 0x7f);
		if (oid.count == 0)
			greatest += 80; /* 2.b is 80 + b */
		if (number > greatest)
			return E_SYNTAX;
		within = (octet & 0x80) != 0;
		if (within)
			continue;
		if (oid.count == 0) {
			uint32_t first = number < 40 ? 0 : number < 80 ? 1 : 2;

			oid.arcs[oid.count++] = first;
			number -= UINT64_C(40) * first;
		}
		err = oid_append(&oid, (uint32_t)number);
		if (err)
			return err;
		number = 0;
	}
	if (within)
		return E_LENGTH;
	*ret_oid = oid;
	return E_OK;
}
