/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/print.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Octets of the UTF-8 character at the start of `v`, and the character; 0 if there is none. */
static size_t utf8_character(struct view v, uint32_t *ret_character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = v.data[0];
	size_t octets = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 :
		first < 0xf8							   ? 4 :
										     0;
	uint32_t character = octets < 2 ? first : first & (0x7fU >> octets);

	if (octets == 0 || octets > v.len)
		return 0;
	for (size_t i = 1; i < octets; i++) {
		if ((v.data[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (v.data[i] & 0x3f);
	}
	if (character < least[octets] || character > 0x10ffff ||
		(character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret_character = character;
	return octets;
}

/* Controls, and what makes a line look like another one: marks of direction, invisible blanks,
 * separators of lines. */
static bool is_harmless(uint32_t character)
{
	static const struct {
		uint32_t first, last;
	} harmful[] = {
		{0, 0x1f},	  {0x7f, 0x9f},	    {0x200b, 0x200f}, {0x2028, 0x202e},
		{0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++) {
		if (character >= harmful[i].first && character <= harmful[i].last)
			return false;
	}
	return true;
}

/* Always UTF-8; what is not harmless text becomes \xNN, octet by octet. */
static void put_escaped(struct buffer *out, struct view v)
{
	while (v.len > 0) {
		uint32_t character = 0;
		size_t octets = utf8_character(v, &character);

		if (octets > 0 && is_harmless(character)) {
			if (character == '"' || character == '\\')
				buffer_put_u8(out, '\\');
			buffer_put(out, v.data, octets);
		} else {
			if (octets == 0)
				octets = 1;
			for (size_t i = 0; i < octets; i++)
				buffer_put_text(out, "\\x%02x", v.data[i]);
		}
		v = VIEW(v.data + octets, v.len - octets);
	}
}

static void put_quoted(struct buffer *out, struct view v)
{
	buffer_put_u8(out, '"');
	put_escaped(out, v);
	buffer_put_u8(out, '"');
}

static void put_hex(struct buffer *out, struct view v)
{
	buffer_put_text(out, "0x");
	for (size_t i = 0; i < v.len; i++)
		buffer_put_text(out, "%02x", v.data[i]);
}

static bool is_plain_text(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.data[i] < 0x20 || v.data[i] > 0x7e)
			return false;
	}
	return v.len > 0;
}

enum { ADDRESS_DNS = 16 }; /* InetAddressType, RFC 4001 */

/* The family stands in an attribute of its own before the address. */
static bool is_dns_name(const struct pri *pri, unsigned attribute)
{
	for (unsigned i = attribute - 1; i >= 1; i--) {
		if (strcmp(pri->class->attributes[i - 1].type, "InetAddressType") == 0)
			return pri_i32(pri, i) == ADDRESS_DNS;
	}
	return false;
}

/* False if it is none that we can read. */
static bool put_address(struct buffer *out, struct view v)
{
	char text[INET6_ADDRSTRLEN];
	size_t octets = v.len >= 16 ? 16 : 4;

	if (v.len != 4 && v.len != 8 && v.len != 16 && v.len != 20)
		return false;
	inet_ntop(octets == 16 ? AF_INET6 : AF_INET, v.data, text, sizeof text);
	buffer_put_text(out, "%s", text);
	if (v.len > octets) {
		const uint8_t *zone = v.data + octets;

		buffer_put_text(out, "%%%" PRIu32,
			(uint32_t)zone[0] << 24 | (uint32_t)zone[1] << 16 | (uint32_t)zone[2] << 8 |
				zone[3]);
	}
	return true;
}

/* Keys, and what holds them: whoever looks at a policy has no business with them, and screens and
 * logs are read by others. */
static bool is_secret(const struct pri *pri, unsigned attribute)
{
	static const char *const secrets[] = {"ipSecAhTransformIntegrityKey",
		"ipSecEspTransformIntegrityKey", "ipSecEspTransformCipherKey",
		"ipSecIkeAssociationPresharedKey", "copsecSecretSealed",
		"copsecAnswerSaSealed", "copsecTokenSecret", "copsecEnrolHeadSecret"};
	const char *name = pri->class->attributes[attribute - 1].name;

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (strcmp(secrets[i], name) == 0)
			return pri_octets(pri, attribute).len > 0;
	return false;
}

static void put_secret(struct buffer *out, struct view v)
{
	buffer_put_text(out, "(secret, %zu octets)", v.len);
}

static void put_octets(struct buffer *out, const struct pri *pri, unsigned attribute)
{
	struct view v = pri_octets(pri, attribute);

	if (is_secret(pri, attribute)) {
		put_secret(out, v);
		return;
	}
	switch (pri->class->attributes[attribute - 1].format) {
	case PIB_FORMAT_TEXT:
		put_quoted(out, v);
		return;
	case PIB_FORMAT_ADDRESS:
		if (is_dns_name(pri, attribute))
			put_quoted(out, v);
		else if (!put_address(out, v))
			put_hex(out, v);
		return;
	case PIB_FORMAT_HEX:
		if (is_plain_text(v))
			put_quoted(out, v);
		else
			put_hex(out, v);
		return;
	}
}

static void put_oid(struct buffer *out, enum pib_role role, const struct oid *oid)
{
	char text[OID_TEXT_SIZE], name[PRID_TEXT_SIZE];
	const struct pib_class *class;
	struct pib_fault fault;
	struct error error;
	struct prid prid;

	if (role == PIB_PRID && prid_of_oid(oid, &prid, &fault, &error) == E_OK) {
		prid_format(&prid, name);
		buffer_put_text(out, "%s", name);
		return;
	}
	class = role == PIB_PRC ? pib_class_by_row(oid) : NULL;
	if (class) {
		buffer_put_text(out, "%s", class->name);
		return;
	}
	oid_format(oid, text);
	buffer_put_text(out, "%s", text);
}

static void put_bits(struct buffer *out, const struct pib_attribute *attribute, uint64_t bits,
	const char *before, const char *after)
{
	const char *separator = "";

	buffer_put_text(out, "%s", before);
	for (size_t i = 0; i < attribute->label_count; i++) {
		if (bits >> attribute->labels[i].number & 1) {
			buffer_put_text(out, "%s%s", separator, attribute->labels[i].name);
			separator = " ";
		}
	}
	buffer_put_text(out, "%s", after);
}

void pri_print_value(struct buffer *out, const struct pri *pri, unsigned attribute)
{
	const struct pib_attribute *a = &pri->class->attributes[attribute - 1];

	if (!pri_has(pri, attribute)) {
		buffer_put_text(out, "%s",
			pri->values[attribute - 1].state == PRI_NULL ? "NULL" : "unset");
		return;
	}
	switch (a->syntax) {
	case PIB_ENUMERATION:
		buffer_put_text(out, "%s", pib_label(a, pri_i32(pri, attribute)));
		break;
	case PIB_INTEGER32:
		buffer_put_text(out, "%" PRId32, pri_i32(pri, attribute));
		break;
	case PIB_INTEGER64:
		buffer_put_text(out, "%" PRId64, pri_i64(pri, attribute));
		break;
	case PIB_UNSIGNED32:
		if (a->role == PIB_REFERENCE && pri_u32(pri, attribute) != 0)
			buffer_put_text(out, "%s.", pib_class(a->target)->name);
		buffer_put_text(out, "%" PRIu32, pri_u32(pri, attribute));
		break;
	case PIB_UNSIGNED64:
		buffer_put_text(out, "%" PRIu64, pri_u64(pri, attribute));
		break;
	case PIB_OCTETS:
		put_octets(out, pri, attribute);
		break;
	case PIB_BITS:
		put_bits(out, a, pri_bits(pri, attribute), "{", "}");
		break;
	case PIB_OID:
		put_oid(out, a->role, pri_oid(pri, attribute));
		break;
	}
}

void pri_print(struct buffer *out, const struct pri *pri)
{
	buffer_put_text(out, "%s.%" PRIu32 "\n", pri->class->name, pri->instance);
	for (unsigned i = 1; i <= pri->class->attribute_count; i++) {
		buffer_put_text(out, "  %s = ", pri->class->attributes[i - 1].name);
		pri_print_value(out, pri, i);
		buffer_put_u8(out, '\n');
	}
}

static void field_name(const struct pri *pri, const char *attribute, char name[PRI_FIELD_NAME_SIZE])
{
	size_t prefix = strlen(pri->class->name);

	if (strncmp(attribute, pri->class->name, prefix) != 0 || !attribute[prefix])
		prefix = 0;
	snprintf(name, PRI_FIELD_NAME_SIZE, "%s", attribute + prefix);
	name[0] = (char)tolower((unsigned char)name[0]);
}

static void octets_field(struct buffer *text, const struct pri *pri, unsigned attribute)
{
	struct view v = pri_octets(pri, attribute);
	enum pib_format format = pri->class->attributes[attribute - 1].format;

	if (is_secret(pri, attribute))
		put_secret(text, v);
	else if (format == PIB_FORMAT_TEXT ||
		(format == PIB_FORMAT_ADDRESS && is_dns_name(pri, attribute)))
		put_escaped(text, v);
	else if (format != PIB_FORMAT_ADDRESS || !put_address(text, v))
		put_hex(text, v);
}

void pri_field(const struct pri *pri, unsigned attribute, char name[PRI_FIELD_NAME_SIZE],
	struct buffer *text, struct pri_field *ret_field)
{
	const struct pib_attribute *a = &pri->class->attributes[attribute - 1];
	struct pri_field field = {.name = name, .kind = PRI_FIELD_TEXT};

	field_name(pri, a->name, name);
	buffer_reset(text);
	if (!pri_has(pri, attribute)) {
		field.kind = PRI_FIELD_NULL;
		*ret_field = field;
		return;
	}
	switch (a->syntax) {
	case PIB_ENUMERATION:
		if (strcmp(a->type, "TruthValue") == 0) {
			field.kind = PRI_FIELD_BOOL;
			field.boolean = pri_bool(pri, attribute);
		} else {
			pri_print_value(text, pri, attribute);
		}
		break;
	case PIB_INTEGER32:
		field.kind = PRI_FIELD_INTEGER;
		field.integer = pri_i32(pri, attribute);
		break;
	case PIB_INTEGER64:
		field.kind = PRI_FIELD_INTEGER;
		field.integer = pri_i64(pri, attribute);
		break;
	case PIB_UNSIGNED32:
		field.kind = PRI_FIELD_INTEGER;
		field.integer = pri_u32(pri, attribute);
		break;
	case PIB_UNSIGNED64:
		if (pri_u64(pri, attribute) <= INT64_MAX) {
			field.kind = PRI_FIELD_INTEGER;
			field.integer = (int64_t)pri_u64(pri, attribute);
		} else {
			pri_print_value(text, pri, attribute);
		}
		break;
	case PIB_OCTETS:
		octets_field(text, pri, attribute);
		break;
	case PIB_BITS:
		put_bits(text, a, pri_bits(pri, attribute), "", "");
		break;
	case PIB_OID:
		pri_print_value(text, pri, attribute);
		break;
	}
	*ret_field = field;
}
