/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/schema/ber.h"
#include "pib/schema/pri.h"
#include "tests/pib/schema/instances.h"
#include "tests/suite.h"

enum { EPD_MAX = 8192, HEX_OCTETS_MAX = 512 };

static struct view octets_of(const char *hex, uint8_t octets[HEX_OCTETS_MAX])
{
	size_t length = strlen(hex) / 2;

	ck_assert_uint_le(length, HEX_OCTETS_MAX);
	ck_assert_msg(hex_decode(octets, length, hex), "%s", hex);
	return VIEW(octets, length);
}

/* ---- what is forgiven ---- */

/* All are frwkBaseFilter.7 with Negation false. */
static const struct {
	const char *hex, *why;
	bool extra;
} forgiven[] = {
	{"420107020102", "nothing to forgive", false},
	{"020107020102", "INTEGER's tag for Unsigned32, as in RFC 3084 §4.3", false},
	{"42810107020102", "long form of a length", false},
	{"4283000001070282000102", "long forms with leading zeros", false},
	{"4288000000000000000107020102", "length of eight octets", false},
	{"4201070201020500", "an attribute too many", true},
	{"4201070201024101000400", "two too many, one of a tag that SPPI does not have", true},
};

START_TEST(forgives_what_the_standards_say)
{
	const struct prid prid = {pib_class(PIB_frwkBaseFilter), 7};
	uint8_t octets[HEX_OCTETS_MAX];
	struct pib_fault fault;
	struct error error;
	struct pri pri;

	ck_assert_msg(epd_decode(&prid, octets_of(forgiven[_i].hex, octets), &pri, &fault,
			      &error) == E_OK,
		"%s: %s", forgiven[_i].why, error.text);
	ck_assert_uint_eq(pri_u32(&pri, frwkBaseFilterPrid), 7);
	ck_assert(!pri_bool(&pri, frwkBaseFilterNegation));
	ck_assert_int_eq(pri.extra, forgiven[_i].extra);
}
END_TEST

START_TEST(missing_or_null_attributes_get_their_default)
{
	static const char *const hexes[] = {"", "0201ff", "0500", "05000500", "0201ff0500",
		"05000201ff"};
	const struct prid prid = {pib_class(PIB_copsecSelector), 1};

	for (size_t i = 0; i < sizeof hexes / sizeof *hexes; i++) {
		uint8_t octets[HEX_OCTETS_MAX];
		struct pib_fault fault;
		struct error error;
		struct pri pri;

		ck_assert_int_eq(
			epd_decode(&prid, octets_of(hexes[i], octets), &pri, &fault, &error), E_OK);
		ck_assert_int_eq(pri_i32(&pri, copsecSelectorIcmpType), -1);
		ck_assert_int_eq(pri_i32(&pri, copsecSelectorIcmpCode), -1);
		ck_assert(!pri.extra);
	}
}
END_TEST

START_TEST(null_without_default_stays_null)
{
	const struct prid prid = {pib_class(PIB_frwkBaseFilter), 7};
	uint8_t octets[HEX_OCTETS_MAX];
	struct pib_fault fault;
	struct error error;
	struct pri pri;

	ck_assert_int_eq(
		epd_decode(&prid, octets_of("4201070500", octets), &pri, &fault, &error), E_OK);
	ck_assert(!pri_has(&pri, frwkBaseFilterNegation));
	ck_assert_int_eq(pri_i32(&pri, frwkBaseFilterNegation), 0);
}
END_TEST

/* ---- what is not ---- */

static const struct {
	enum pib_class_id class;
	const char *hex;
	enum pib_fault_kind kind;
	uint8_t attribute;
	uint16_t detail;
	const char *why;
} refused[] = {
	{PIB_frwkBaseFilter, "420107410102", PIB_FAULT_TAG, 2, 0x41, "Counter32"},
	{PIB_frwkBaseFilter, "420107220102", PIB_FAULT_TAG, 2, 0x22, "constructed INTEGER"},
	{PIB_frwkBaseFilter, "4201075f0102", PIB_FAULT_TAG, 2, 0x5f, "high tag number"},
	{PIB_frwkBaseFilter, "42", PIB_FAULT_LENGTH, 1, 0, "no length"},
	{PIB_frwkBaseFilter, "4201", PIB_FAULT_LENGTH, 1, 0, "no contents"},
	{PIB_frwkBaseFilter, "420207", PIB_FAULT_LENGTH, 1, 0, "contents cut"},
	{PIB_frwkBaseFilter, "4280070000", PIB_FAULT_LENGTH, 1, 0, "indefinite"},
	{PIB_frwkBaseFilter, "42ff07", PIB_FAULT_LENGTH, 1, 0, "reserved length octet"},
	{PIB_frwkBaseFilter, "4281", PIB_FAULT_LENGTH, 1, 0, "long form cut"},
	{PIB_frwkBaseFilter, "4284ffffffff07", PIB_FAULT_LENGTH, 1, 0, "length of 4 GiB"},
	{PIB_frwkBaseFilter, "428901000000000000000107", PIB_FAULT_LENGTH, 1, 0,
		"length of 72 bits"},
	{PIB_frwkBaseFilter, "4200020102", PIB_FAULT_LENGTH, 1, 0, "number of no octets"},
	{PIB_frwkBaseFilter, "42020007020102", PIB_FAULT_LENGTH, 1, 0, "number too long"},
	{PIB_frwkBaseFilter, "42010702020002", PIB_FAULT_LENGTH, 2, 0, "INTEGER too long"},
	{PIB_frwkBaseFilter, "4201070202ffff", PIB_FAULT_LENGTH, 2, 0, "-1 too long"},
	{PIB_frwkBaseFilter, "420107050100", PIB_FAULT_LENGTH, 2, 0, "NULL with contents"},
	{PIB_frwkBaseFilter, "4201070201020481", PIB_FAULT_LENGTH, 0, 0,
		"attribute too many cut off"},
	{PIB_frwkBaseFilter, "420108020102", PIB_FAULT_VALUE, 1, 0, "another InstanceId"},
	{PIB_frwkBaseFilter, "0500020102", PIB_FAULT_VALUE, 1, 0, "InstanceId NULL"},
	{PIB_frwkBaseFilter, "420107040102", PIB_FAULT_TYPE, 2, 0, "OCTET STRING for INTEGER"},
	{PIB_frwkBaseFilter, "420107420102", PIB_FAULT_TYPE, 2, 0, "Unsigned32 for INTEGER"},
	{PIB_frwkBaseFilter, "4b0107020102", PIB_FAULT_TYPE, 1, 0, "Unsigned64 for Unsigned32"},
	{PIB_frwkBaseFilter, "420107020103", PIB_FAULT_VALUE, 2, 0, "no such enumeration"},
	{PIB_frwkBaseFilter, "42010702050100000002", PIB_FAULT_VALUE, 2, 0,
		"its low 32 bits would be a label"},
	{PIB_frwkBaseFilter, "420107", PIB_FAULT_TOO_FEW, 2, 0, "no default"},
	{PIB_frwkBaseFilter, "", PIB_FAULT_TOO_FEW, 1, 0, "empty"},
	{PIB_frwk802Marker, "4201074201ff420100", PIB_FAULT_VALUE, 2, 0, "negative Unsigned32"},
	{PIB_frwk802Marker, "4201070201ff420100", PIB_FAULT_VALUE, 2, 0,
		"negative, with INTEGER's tag"},
	{PIB_frwk802Marker, "42010742050100000001420100", PIB_FAULT_VALUE, 2, 0, "33 bits"},
	{PIB_frwk802Marker, "420107420100420100", PIB_FAULT_VALUE, 2, 0, "below its range"},
	{PIB_frwk802Marker, "42010742020fff420100", PIB_FAULT_VALUE, 2, 0, "above its range"},
	{PIB_frwkIfRoleCombo, "02050080000000", PIB_FAULT_VALUE, 1, 0, "Integer32 of 33 bits"},
	{PIB_frwkIfRoleCombo, "020100", PIB_FAULT_VALUE, 1, 0, "ifIndex 0"},
	{PIB_frwkDeviceId, "4201070400", PIB_FAULT_VALUE, 2, 0, "text shorter than its size"},
	{PIB_copsecIndexEntry,
		"42010704004b0101041f"
		"00000000000000000000000000000000000000000000000000000000000000",
		PIB_FAULT_VALUE, 4, 0, "31 octets where 32 are"},
	{PIB_ipSecRuleTimePeriod, "42010704000401ff", PIB_FAULT_VALUE, 3, 0, "BITS too short"},
	{PIB_ipSecRuleTimePeriod, "42010704000403fff000", PIB_FAULT_VALUE, 3, 0,
		"BITS too long"},
	{PIB_ipSecRuleTimePeriod, "42010704000402fff1", PIB_FAULT_VALUE, 3, 0,
		"bit that has no name"},
	{PIB_ipSecStaticAction, "4201070201014201000201014201004201004b0900ffffffffffffffff"
		"0600", PIB_FAULT_LENGTH, 8, 0, "OID of no octets"},
	{PIB_ipSecStaticAction, "4201070201014201000201014201004201004b0900ffffffffffffffff"
		"06022b81", PIB_FAULT_LENGTH, 8, 0, "OID cut"},
	{PIB_ipSecStaticAction, "4201070201014201000201014201004201004b0900ffffffffffffffff"
		"06032b8001", PIB_FAULT_VALUE, 8, 0, "OID with a padded arc"},
	{PIB_ipSecStaticAction, "4201070201014201000201014201004201004b0900ffffffffffffffff"
		"06202b0101010101010101010101010101010101010101010101010101010101010101",
		PIB_FAULT_TOO_LONG, 8, 0, "OID of 33 arcs"},
	{PIB_ipSecStaticAction, "4201070201014201000201014201004201004b0901ffffffffffffffff",
		PIB_FAULT_VALUE, 7, 0, "Unsigned64 of 65 bits"},
	{PIB_ipSecStaticAction, "4201070201014201000201014201004201004b0880ffffffffffff00",
		PIB_FAULT_VALUE, 7, 0, "negative Unsigned64"},
	{PIB_ipSecStaticAction, "4201070201014201000201014201004201004b0a00800000000000000000",
		PIB_FAULT_VALUE, 7, 0, "Unsigned64 of 80 bits"},
	{PIB_ipSecStaticAction, "42010702010142050100000000", PIB_FAULT_VALUE, 3, 0,
		"Unsigned32 of 33 bits without a range"},
};

START_TEST(refuses_and_says_which_attribute_and_why)
{
	const struct prid prid = {pib_class(refused[_i].class), 7};
	uint8_t octets[HEX_OCTETS_MAX];
	struct pib_fault fault;
	struct error error;
	struct pri pri = {.instance = 12345};
	enum err err;

	err = epd_decode(&prid, octets_of(refused[_i].hex, octets), &pri, &fault, &error);
	ck_assert_msg(err != E_OK, "%s", refused[_i].why);
	ck_assert_msg(fault.kind == refused[_i].kind, "%s: kind %d", refused[_i].why, fault.kind);
	ck_assert_int_eq(err, pib_fault_err(fault.kind));
	ck_assert_int_eq(err, error.code);
	ck_assert_msg(fault.attribute == refused[_i].attribute, "%s: attribute %u",
		refused[_i].why, fault.attribute);
	ck_assert_uint_eq(fault.detail, refused[_i].detail);
	ck_assert_ptr_nonnull(strstr(error.text, prid.class->name));
	ck_assert_uint_eq(pri.instance, 12345); /* untouched */
}
END_TEST

/* ---- PRIDs ---- */

START_TEST(prids_that_cannot_be)
{
	static const struct {
		const char *hex;
		enum pib_fault_kind kind;
	} prids[] = {
		{"060a2b060102020203010107", PIB_FAULT_NONE},
		{"06810a2b060102020203010107", PIB_FAULT_NONE},
		{"060a2b060102020203010100", PIB_FAULT_INSTANCE},
		{"060a2b060102020203090107", PIB_FAULT_CLASS},
		{"06092b0601020202030101", PIB_FAULT_CLASS},
		{"060100", PIB_FAULT_CLASS},
		{"040a2b060102020203010107", PIB_FAULT_TAG},
		{"060b2b060102020203010107", PIB_FAULT_LENGTH},
		{"060a2b060102020203010187", PIB_FAULT_LENGTH},
		{"060a2b06010202020301010700", PIB_FAULT_MALFORMED},
		{"060a2b060102020203018007", PIB_FAULT_MALFORMED},
		{"", PIB_FAULT_LENGTH},
	};

	for (size_t i = 0; i < sizeof prids / sizeof *prids; i++) {
		uint8_t octets[HEX_OCTETS_MAX];
		struct pib_fault fault = {.kind = PIB_FAULT_NONE};
		struct error error;
		struct prid prid;
		enum err err =
			prid_decode(octets_of(prids[i].hex, octets), &prid, &fault, &error);

		ck_assert_msg(fault.kind == prids[i].kind, "%s: %d", prids[i].hex, fault.kind);
		ck_assert_int_eq(err, pib_fault_err(prids[i].kind));
	}
}
END_TEST

START_TEST(prids_order_as_their_oids_do)
{
	static const uint32_t instances[] = {1, 127, 128, 16383, 16384, UINT32_MAX};
	enum { COUNT = sizeof instances / sizeof *instances };

	for (int i = 0; i < PIB_CLASS_COUNT * COUNT; i += 5) {
		for (int j = 0; j < PIB_CLASS_COUNT * COUNT; j += 7) {
			struct prid a = {pib_class((enum pib_class_id)(i / COUNT)),
				instances[i % COUNT]};
			struct prid b = {pib_class((enum pib_class_id)(j / COUNT)),
				instances[j % COUNT]};
			struct oid x, y;

			prid_oid(&a, &x);
			prid_oid(&b, &y);
			ck_assert_int_eq(prid_compare(&a, &b), oid_compare(&x, &y));
		}
	}
}
END_TEST

START_TEST(prids_as_text)
{
	static const char *const wrong[] = {"", ".", "ipSecRule", "ipSecRule.", "ipSecRule.0",
		"ipSecRule.4294967296", "ipSecRule.1x", "ipSecRule.-1", "nothing.1", ".1"};
	const struct prid prid = {pib_class(PIB_ipSecRule), UINT32_MAX};
	char text[PRID_TEXT_SIZE];
	struct prid back;

	prid_format(&prid, text);
	ck_assert_str_eq(text, "ipSecRule.4294967295");
	ck_assert_int_eq(prid_parse(text, &back), E_OK);
	ck_assert_int_eq(prid_compare(&prid, &back), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(prid_parse(wrong[i], &back) != E_OK, "%s", wrong[i]);
}
END_TEST

/* ---- codes of failure reports ---- */

START_TEST(faults_become_the_codes_of_rfc_3084)
{
	static const struct {
		struct pib_fault fault;
		struct pib_error_object object;
	} codes[] = {
		{{PIB_FAULT_TAG, 2, 0x41}, {true, 3, 0x41}},
		{{PIB_FAULT_LENGTH, 2, 0}, {true, 7, 0}},
		{{PIB_FAULT_MEMORY, 0, 0}, {true, 2, 0}},
		{{PIB_FAULT_MALFORMED, 0, 0}, {true, 11, 0}},
		{{PIB_FAULT_OBJECT, 0, 0x0902}, {true, 10, 0x0902}},
		{{PIB_FAULT_PADDING, 0, 0}, {true, 8, 0}},
		{{PIB_FAULT_SPACE, 0, 0}, {false, 1, 0}},
		{{PIB_FAULT_INSTANCE, 1, 0}, {false, 2, 0}},
		{{PIB_FAULT_VALUE, 9, 0}, {false, 3, 9}},
		{{PIB_FAULT_VALUE_UNSUPPORTED, 9, 0}, {false, 4, 9}},
		{{PIB_FAULT_ENUM_UNSUPPORTED, 9, 0}, {false, 5, 9}},
		{{PIB_FAULT_TOO_LONG, 9, 0}, {false, 6, 9}},
		{{PIB_FAULT_REFERENCE, 9, 0}, {false, 7, 9}},
		{{PIB_FAULT_NOTIFY_ONLY, 0, 0}, {false, 8, 0}},
		{{PIB_FAULT_CLASS, 0, 0}, {false, 9, 0}},
		{{PIB_FAULT_TOO_FEW, 9, 0}, {false, 10, 0}},
		{{PIB_FAULT_TYPE, 9, 0}, {false, 11, 0}},
		{{PIB_FAULT_STILL_REFERENCED, 0, 0}, {false, 12, 0}},
		{{PIB_FAULT_SPECIFIC, 9, 2}, {false, 13, 2}},
	};

	ck_assert_uint_eq(sizeof codes / sizeof *codes, PIB_FAULT_KIND_COUNT - 1);
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		struct pib_error_object object = pib_fault_object(&codes[i].fault);

		ck_assert_int_eq(object.general, codes[i].object.general);
		ck_assert_uint_eq(object.code, codes[i].object.code);
		ck_assert_uint_eq(object.subcode, codes[i].object.subcode);
		ck_assert_int_ne(pib_fault_err(codes[i].fault.kind), E_OK);
	}
}
END_TEST

/* ---- numbers ---- */

START_TEST(octets_of_signed_numbers)
{
	static const struct {
		int64_t number;
		const char *hex;
	} numbers[] = {
		{0, "0100"},
		{127, "017f"},
		{128, "020080"},
		{-1, "01ff"},
		{-128, "0180"},
		{-129, "02ff7f"},
		{32767, "027fff"},
		{INT32_MAX, "047fffffff"},
		{INT32_MIN, "0480000000"},
		{INT64_MAX, "087fffffffffffffff"},
		{INT64_MIN, "088000000000000000"},
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		uint8_t octets[HEX_OCTETS_MAX];
		struct view v = octets_of(numbers[i].hex, octets);
		struct buffer out;
		int64_t back;

		buffer_init(&out, 16);
		ber_put_signed(&out, BER_INTEGER64, numbers[i].number);
		ck_assert(view_equal(VIEW(out.data + 1, out.len - 1), v));
		ck_assert_int_eq(ber_signed(VIEW(v.data + 1, v.len - 1), &back), E_OK);
		ck_assert_int_eq(back, numbers[i].number);
		buffer_fini(&out);
	}
}
END_TEST

START_TEST(octets_of_unsigned_numbers)
{
	static const struct {
		uint64_t number;
		const char *hex;
	} numbers[] = {
		{0, "0100"},
		{127, "017f"},
		{128, "020080"},
		{255, "0200ff"},
		{UINT32_MAX, "0500ffffffff"}, /* standards' vector 3 */
		{INT64_MAX, "087fffffffffffffff"},
		{UINT64_C(1) << 63, "09008000000000000000"}, /* standards' vector 16 */
		{UINT64_MAX, "0900ffffffffffffffff"},
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		uint8_t octets[HEX_OCTETS_MAX];
		struct view v = octets_of(numbers[i].hex, octets);
		struct buffer out;
		uint64_t back;

		buffer_init(&out, 16);
		ber_put_unsigned(&out, BER_UNSIGNED64, numbers[i].number);
		ck_assert(view_equal(VIEW(out.data + 1, out.len - 1), v));
		ck_assert_int_eq(ber_unsigned(VIEW(v.data + 1, v.len - 1), &back), E_OK);
		ck_assert_uint_eq(back, numbers[i].number);
		buffer_fini(&out);
	}
}
END_TEST

START_TEST(lengths_of_octet_strings_change_form_at_128_and_256)
{
	static const size_t lengths[] = {0, 127, 128, 255, 256, 4000};
	static const size_t headers[] = {2, 2, 3, 3, 4, 4};
	static const uint8_t zeros[4000];

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		const struct prid prid = {pib_class(PIB_copsecIndex), 1};
		struct pri pri, back;
		struct pib_fault fault;
		struct buffer out;
		struct error error;

		pri_init(&pri, PIB_copsecIndex, 1);
		pri_set_octets(&pri, copsecIndexSigned, VIEW(zeros, lengths[i]));
		buffer_init(&out, EPD_MAX);
		ck_assert_int_eq(epd_encode(&out, &pri, &error), E_OK);
		ck_assert_uint_eq(out.len, 3 + headers[i] + lengths[i]);
		ck_assert_int_eq(epd_decode(&prid, buffer_view(&out), &back, &fault, &error), E_OK);
		ck_assert(pri_equal(&pri, &back));
		buffer_fini(&out);
	}
}
END_TEST

/* ---- every class, with random values ---- */

static bool is_default(const struct pri_value *value, const struct pib_attribute *a)
{
	switch (a->syntax) {
	case PIB_OCTETS:
		return view_equal(value->octets, a->default_octets);
	case PIB_OID:
		return false; /* no class has such a default */
	default:
		return value->natural == a->default_number;
	}
}

/* What is decoded is what was given, or the default where a default was to be taken. */
static void assert_decoded_as_built(const struct pri *built, const struct pri *decoded)
{
	for (unsigned i = 1; i <= built->class->attribute_count; i++) {
		const struct pib_attribute *a = pib_attribute(built->class, i);

		if (built->values[i - 1].state == PRI_SET)
			ck_assert_msg(pri_compare_attribute(built, decoded, i) == 0, "%s", a->name);
		else if (a->has_default)
			ck_assert_msg(is_default(&decoded->values[i - 1], a), "%s", a->name);
		else
			ck_assert_int_eq(decoded->values[i - 1].state, PRI_NULL);
	}
}

/* In memory of exactly its size, so that AddressSanitizer sees any step beyond. */
static enum err decode_exactly(const struct prid *prid, struct view v, struct pri *ret_pri,
	struct pib_fault *ret_fault, uint8_t **ret_memory)
{
	struct error error;
	enum err err;

	*ret_memory = malloc(v.len ? v.len : 1);
	ck_assert_ptr_nonnull(*ret_memory);
	if (v.len)
		memcpy(*ret_memory, v.data, v.len);
	err = epd_decode(prid, VIEW(*ret_memory, v.len), ret_pri, ret_fault, &error);
	ck_assert(err == E_OK || (error.code == err && error.text[0] != '\0'));
	return err;
}

/* Another sequence for each class; what is printed says which one failed. */
static struct random seeded(uint64_t seed, enum pib_class_id id)
{
	struct random r = {seed + id};

	printf("%s: seed %#" PRIx64 "\n", pib_class(id)->name, r.state);
	return r;
}

static void survives_the_wire(enum pib_class_id id)
{
	struct random r = seeded(UINT64_C(0xc0b5ec0000000001), id);

	for (int round = 0; round < 100; round++) {
		struct pri built, decoded, again;
		struct octets_for octets;
		struct pib_fault fault;
		struct buffer out, twice;
		struct error error;
		struct prid prid;

		random_instance(&r, &built, id, &octets);
		prid = (struct prid){built.class, built.instance};
		buffer_init(&out, EPD_MAX);
		buffer_init(&twice, EPD_MAX);
		ck_assert_msg(epd_encode(&out, &built, &error) == E_OK, "%s", error.text);
		ck_assert_msg(epd_decode(&prid, buffer_view(&out), &decoded, &fault, &error) ==
				E_OK,
			"%s", error.text);
		assert_decoded_as_built(&built, &decoded);
		ck_assert_int_eq(epd_encode(&twice, &decoded, &error), E_OK);
		ck_assert_int_eq(
			epd_decode(&prid, buffer_view(&twice), &again, &fault, &error), E_OK);
		ck_assert(pri_equal(&decoded, &again));
		buffer_fini(&out);
		buffer_fini(&twice);
	}
}

START_TEST(random_instances_survive_the_wire)
{
	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++)
		survives_the_wire((enum pib_class_id)id);
}
END_TEST

static void answers_every_length(enum pib_class_id id)
{
	struct random r = seeded(UINT64_C(0x1e97000000000001), id);
	struct octets_for octets;
	struct pib_fault fault;
	struct buffer out;
	struct error error;
	struct prid prid;
	struct pri pri;
	uint8_t *memory;
	size_t whole;

	random_instance(&r, &pri, id, &octets);
	prid = (struct prid){pri.class, pri.instance};
	buffer_init(&out, EPD_MAX);
	for (size_t i = 0; i < pri.class->attribute_count; i++) {
		if (pri.values[i].state == PRI_UNSET)
			random_attribute(&r, &pri, &pri.class->attributes[i], octets.of[i]);
	}
	ck_assert_int_eq(epd_encode(&out, &pri, &error), E_OK);
	whole = out.len;
	for (size_t length = 0; length < whole; length++) {
		struct pri decoded;
		enum err err = decode_exactly(&prid, VIEW(out.data, length), &decoded, &fault,
			&memory);

		/* Nothing but an attribute that may be left out can be missing. */
		if (err == E_OK)
			ck_assert_int_eq(decoded.values[pri.class->attribute_count - 1].state,
				PRI_DEFAULT);
		else
			ck_assert(fault.kind == PIB_FAULT_LENGTH ||
				fault.kind == PIB_FAULT_TOO_FEW);
		free(memory);
	}
	while (out.len < 2 * whole) {
		struct pri decoded;

		buffer_put_u8(&out, 0);
		/* A pair of zeros is an attribute too many, an odd one a length cut off. */
		ck_assert_int_eq(decode_exactly(&prid, buffer_view(&out), &decoded, &fault,
					 &memory),
			(out.len - whole) % 2 ? E_LENGTH : E_OK);
		free(memory);
	}
	buffer_fini(&out);
}

START_TEST(every_length_of_an_epd_is_answered)
{
	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++)
		answers_every_length((enum pib_class_id)id);
}
END_TEST

/* Whatever is accepted can be sent on and is then decoded alike. */
static void answers_changed_octets(enum pib_class_id id)
{
	struct random r = seeded(UINT64_C(0x6d757461746500), id);

	for (int round = 0; round < 100; round++) {
		struct pri built, decoded, again;
		struct octets_for octets;
		struct pib_fault fault;
		struct buffer out, twice;
		struct error error;
		struct prid prid;
		uint8_t *memory;

		random_instance(&r, &built, id, &octets);
		prid = (struct prid){built.class, built.instance};
		buffer_init(&out, EPD_MAX);
		ck_assert_int_eq(epd_encode(&out, &built, &error), E_OK);
		for (uint64_t n = random_below(&r, 4); n > 0 && out.len > 0; n--)
			out.data[random_below(&r, out.len)] = (uint8_t)random_u64(&r);
		if (decode_exactly(&prid, buffer_view(&out), &decoded, &fault, &memory) == E_OK) {
			buffer_init(&twice, EPD_MAX);
			ck_assert_int_eq(epd_encode(&twice, &decoded, &error), E_OK);
			ck_assert_int_eq(
				epd_decode(&prid, buffer_view(&twice), &again, &fault, &error),
				E_OK);
			ck_assert(pri_equal(&decoded, &again));
			buffer_fini(&twice);
		}
		free(memory);
		buffer_fini(&out);
	}
}

START_TEST(octets_changed_at_random_are_refused_or_understood)
{
	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++)
		answers_changed_octets((enum pib_class_id)id);
}
END_TEST

/* ---- building ---- */

START_TEST(the_first_mistake_sticks)
{
	struct error error;
	struct buffer out;
	struct pri pri;

	buffer_init(&out, 256);
	buffer_put_u8(&out, 'x');

	pri_init(&pri, PIB_frwk802Marker, 1);
	pri_set_u32(&pri, frwk802MarkerVlanId, 4095);
	pri_set_u32(&pri, frwk802MarkerPriority, 8);
	ck_assert_int_eq(pri_put(&out, &pri, &error), E_RANGE);
	ck_assert_ptr_nonnull(strstr(error.text, "frwk802Marker.1: frwk802MarkerVlanId"));
	ck_assert_uint_eq(out.len, 1);

	pri_init(&pri, PIB_frwk802Marker, 1);
	pri_set_i32(&pri, frwk802MarkerVlanId, 1);
	ck_assert_int_eq(pri_put(&out, &pri, &error), E_TYPE);

	pri_init(&pri, PIB_frwk802Marker, 1);
	pri_set_u32(&pri, 4, 1);
	ck_assert_int_eq(pri_put(&out, &pri, &error), E_BUG);

	pri_init(&pri, PIB_frwk802Marker, 0);
	ck_assert_int_eq(pri.error.code, E_RANGE);

	pri_init(&pri, PIB_frwk802Marker, 1);
	pri_set_null(&pri, frwk802MarkerPrid);
	ck_assert_int_eq(pri.error.code, E_RANGE);

	pri_init(&pri, PIB_frwkBaseFilter, 1);
	pri_set_i32(&pri, frwkBaseFilterNegation, 3);
	ck_assert_int_eq(pri.error.code, E_RANGE);

	pri_init(&pri, PIB_frwkDeviceId, 1);
	pri_set_text(&pri, frwkDeviceIdDescr, "");
	ck_assert_int_eq(pri.error.code, E_RANGE);

	pri_init(&pri, PIB_ipSecAssociation, 1);
	pri_set_bits(&pri, ipSecAssociationGranularity, 16);
	ck_assert_int_eq(pri.error.code, E_RANGE);
	ck_assert_uint_eq(out.len, 1);
	buffer_fini(&out);
}
END_TEST

START_TEST(what_has_no_default_must_be_set)
{
	struct error error;
	struct buffer out;
	struct pri pri;

	buffer_init(&out, 256);
	pri_init(&pri, PIB_frwk802Marker, 1);
	pri_set_u32(&pri, frwk802MarkerVlanId, 1);
	ck_assert_int_eq(pri_put(&out, &pri, &error), E_MISSING);
	ck_assert_ptr_nonnull(strstr(error.text, "frwk802MarkerPriority"));
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(epd_encode(&out, &pri, &error), E_MISSING);
	ck_assert_uint_eq(out.len, 0);
	pri_set_u32(&pri, frwk802MarkerPriority, 7);
	ck_assert_int_eq(pri_put(&out, &pri, &error), E_OK);
	buffer_fini(&out);
}
END_TEST

/* Trailing defaults are left out, others are sent: the EPD is positional. */
START_TEST(defaults_are_left_out_only_at_the_end)
{
	static const struct {
		bool type, code;
		const char *hex;
	} cases[] = {
		{false, false, ""},
		{true, false, "020108"},
		{false, true, "0201ff020100"},
		{true, true, "020108020100"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t octets[HEX_OCTETS_MAX];
		struct error error;
		struct buffer out;
		struct pri pri;

		buffer_init(&out, 64);
		pri_init(&pri, PIB_copsecSelector, 1);
		if (cases[i].type)
			pri_set_i32(&pri, copsecSelectorIcmpType, 8);
		if (cases[i].code)
			pri_set_i32(&pri, copsecSelectorIcmpCode, 0);
		ck_assert_int_eq(epd_encode(&out, &pri, &error), E_OK);
		ck_assert(view_equal(buffer_view(&out), octets_of(cases[i].hex, octets)));
		buffer_fini(&out);
	}
}
END_TEST

START_TEST(a_default_is_one_however_it_was_said)
{
	struct pri pri;

	pri_init(&pri, PIB_copsecSelector, 1);
	ck_assert(pri_is_default(&pri, copsecSelectorIcmpType));
	pri_set_i32(&pri, copsecSelectorIcmpType, -1);
	ck_assert(pri_is_default(&pri, copsecSelectorIcmpType));
	pri_set_i32(&pri, copsecSelectorIcmpType, 0);
	ck_assert(!pri_is_default(&pri, copsecSelectorIcmpType));
	pri_set_null(&pri, copsecSelectorIcmpType);
	ck_assert(!pri_is_default(&pri, copsecSelectorIcmpType));
	pri_init(&pri, PIB_copsecPolicySet, 1);
	ck_assert(!pri_is_default(&pri, copsecPolicySetSigned));
	ck_assert(pri_is_default(&pri, copsecPolicySetRoot));
	pri_set_octets(&pri, copsecPolicySetRoot, VIEW_NONE);
	ck_assert(pri_is_default(&pri, copsecPolicySetRoot));
	pri_init(&pri, PIB_copsecTrustKey, 1);
	pri_set_bits(&pri, copsecTrustKeyUses, 0xf);
	ck_assert(pri_is_default(&pri, copsecTrustKeyUses));
	pri_set_bits(&pri, copsecTrustKeyUses, 0x7);
	ck_assert(!pri_is_default(&pri, copsecTrustKeyUses));
}
END_TEST

START_TEST(a_full_buffer_is_told)
{
	struct error error;
	struct buffer out;
	struct pri pri;

	pri_init(&pri, PIB_frwkBaseFilter, 7);
	pri_set_bool(&pri, frwkBaseFilterNegation, true);
	for (size_t limit = 0; limit < 28; limit++) {
		buffer_init(&out, limit);
		ck_assert_int_eq(pri_put(&out, &pri, &error), E_LIMIT);
		buffer_fini(&out);
	}
	buffer_init(&out, 28);
	ck_assert_int_eq(pri_put(&out, &pri, &error), E_OK);
	ck_assert_uint_eq(out.len, 28);
	buffer_fini(&out);
}
END_TEST

START_TEST(an_epd_too_long_for_its_object_is_refused)
{
	static uint8_t octets[65535];
	struct error error;
	struct buffer out;
	struct pri pri;

	buffer_init(&out, 100000);
	pri_init(&pri, PIB_copsecIndex, 1);
	/* The InstanceId takes 3 octets, the string's header 4. */
	pri_set_octets(&pri, copsecIndexSigned, VIEW(octets, PR_CONTENTS_MAX - 7));
	ck_assert_int_eq(pri_put(&out, &pri, &error), E_OK);
	buffer_reset(&out);
	pri_set_octets(&pri, copsecIndexSigned, VIEW(octets, PR_CONTENTS_MAX - 6));
	ck_assert_int_eq(pri_put(&out, &pri, &error), E_LIMIT);
	buffer_fini(&out);
}
END_TEST

START_TEST(references_to_instances)
{
	struct prid prid;
	struct pri pri;

	pri_init(&pri, PIB_ipSecActionSet, 1);
	pri_set_prid(&pri, ipSecActionSetActionId, PIB_ipSecStaticAction, 9);
	ck_assert(pri_prid(&pri, ipSecActionSetActionId, &prid));
	ck_assert_int_eq(prid.class->id, PIB_ipSecStaticAction);
	ck_assert_uint_eq(prid.instance, 9);
	pri_set_oid(&pri, ipSecActionSetActionId, &oid_none);
	ck_assert(!pri_prid(&pri, ipSecActionSetActionId, &prid));
	pri_set_null(&pri, ipSecActionSetActionId);
	ck_assert(!pri_prid(&pri, ipSecActionSetActionId, &prid));
	pri_set_row(&pri, ipSecActionSetActionId, PIB_ipSecRule);
	ck_assert(!pri_prid(&pri, ipSecActionSetActionId, &prid));
	ck_assert(oid_equal(pri_oid(&pri, ipSecActionSetActionId), &pib_class(PIB_ipSecRule)->row));
}
END_TEST

static void compares_every_attribute(enum pib_class_id id)
{
	struct random r = seeded(UINT64_C(0xc09fa5e000000001), id);
	struct octets_for octets;
	struct pri a, b;

	random_instance(&r, &a, id, &octets);
	for (unsigned i = 1; i <= a.class->attribute_count; i++) {
		if (i == a.class->index_attribute)
			continue;
		while (!pri_has(&a, i))
			random_attribute(&r, &a, pib_attribute(a.class, i), octets.of[i - 1]);
		b = a;
		ck_assert(pri_equal(&a, &b));
		pri_set_null(&b, i);
		ck_assert(!pri_equal(&a, &b));
		ck_assert_int_gt(pri_compare_attribute(&a, &b, i), 0);
		ck_assert_int_lt(pri_compare_attribute(&b, &a, i), 0);
	}
	b = a;
	b.instance++;
	ck_assert(!pri_equal(&a, &b));
}

START_TEST(comparing_sees_every_attribute)
{
	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++)
		compares_every_attribute((enum pib_class_id)id);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-epd");
	TCase *c = tcase_create("epd");

	tcase_add_loop_test(c, forgives_what_the_standards_say, 0,
		(int)(sizeof forgiven / sizeof *forgiven));
	tcase_add_test(c, missing_or_null_attributes_get_their_default);
	tcase_add_test(c, null_without_default_stays_null);
	tcase_add_loop_test(c, refuses_and_says_which_attribute_and_why, 0,
		(int)(sizeof refused / sizeof *refused));
	tcase_add_test(c, prids_that_cannot_be);
	tcase_add_test(c, prids_order_as_their_oids_do);
	tcase_add_test(c, prids_as_text);
	tcase_add_test(c, faults_become_the_codes_of_rfc_3084);
	tcase_add_test(c, octets_of_signed_numbers);
	tcase_add_test(c, octets_of_unsigned_numbers);
	tcase_add_test(c, lengths_of_octet_strings_change_form_at_128_and_256);
	tcase_add_test(c, random_instances_survive_the_wire);
	tcase_add_test(c, every_length_of_an_epd_is_answered);
	tcase_add_test(c, octets_changed_at_random_are_refused_or_understood);
	tcase_add_test(c, the_first_mistake_sticks);
	tcase_add_test(c, what_has_no_default_must_be_set);
	tcase_add_test(c, defaults_are_left_out_only_at_the_end);
	tcase_add_test(c, a_default_is_one_however_it_was_said);
	tcase_add_test(c, a_full_buffer_is_told);
	tcase_add_test(c, an_epd_too_long_for_its_object_is_refused);
	tcase_add_test(c, references_to_instances);
	tcase_add_test(c, comparing_sees_every_attribute);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
