/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An EPD of any class: an octet with the length of the PRID's contents, the PRID, the values. The
 * class stands there by its OID so that seeds stay what they are when classes are added.
 *
 * Reaches: prid_decode, epd_decode, ber_next, oid_decode, pib_fault_object, pri_print, pri_field, epd_encode,
 * pri_put.
 */
#include "common/cops/pr.h"
#include "pib/schema/print.h"
#include "tests/fuzz/fuzz.h"

enum { EPD_MAX = 1 << 20 };

/* Member by member: pri_equal() is itself under test. */
static bool same_value(const struct pri *a, const struct pri *b, unsigned number)
{
	if (pri_has(a, number) != pri_has(b, number))
		return false;
	if (!pri_has(a, number))
		return true;
	switch (pib_attribute(a->class, number)->syntax) {
	case PIB_INTEGER32:
	case PIB_ENUMERATION:
	case PIB_INTEGER64:
		return a->values[number - 1].integer == b->values[number - 1].integer;
	case PIB_UNSIGNED32:
	case PIB_UNSIGNED64:
	case PIB_BITS:
		return a->values[number - 1].natural == b->values[number - 1].natural;
	case PIB_OCTETS:
		return view_equal(a->values[number - 1].octets, b->values[number - 1].octets);
	case PIB_OID:
		break;
	}
	return oid_equal(&a->values[number - 1].oid, &b->values[number - 1].oid);
}

static void same_pri(const struct pri *a, const struct pri *b)
{
	for (unsigned n = 1; n <= a->class->attribute_count; n++) {
		REQUIRE(same_value(a, b, n));
		REQUIRE(pri_compare_attribute(a, b, n) == 0);
	}
	REQUIRE(pri_equal(a, b));
}

static void print(const struct pri *pri)
{
	char name[PRI_FIELD_NAME_SIZE];
	struct pri_field field;
	struct buffer text;

	buffer_init(&text, EPD_MAX);
	pri_print(&text, pri);
	REQUIRE(!text.error);
	fuzz_require_printable(buffer_view(&text));
	for (unsigned n = 1; n <= pri->class->attribute_count; n++) {
		pri_field(pri, n, name, &text, &field);
		REQUIRE(field.name[0] != '\0' && !text.error);
		fuzz_require_printable(buffer_view(&text));
	}
	buffer_fini(&text);
}

/* As S-objects, and back. */
static void bind(const struct prid *prid, const struct pri *pri)
{
	struct pr_object object;
	struct buffer out;
	struct cursor c;
	struct prid named;
	struct pri again;
	struct pib_fault fault;
	struct error e;

	buffer_init(&out, EPD_MAX);
	REQUIRE(pri_put(&out, pri, &e) == E_OK);
	c = cursor_over(buffer_view(&out));
	REQUIRE(pr_next(&c, &object) == E_OK && object.s_num == PR_PRID);
	REQUIRE(prid_decode(object.contents, &named, &fault, &e) == E_OK);
	REQUIRE(prid_compare(prid, &named) == 0);
	REQUIRE(pr_next(&c, &object) == E_OK && object.s_num == PR_EPD);
	REQUIRE(epd_decode(&named, object.contents, &again, &fault, &e) == E_OK);
	REQUIRE(cursor_done(&c) == E_OK);
	same_pri(pri, &again);
	buffer_fini(&out);
}

static void round_trip(const struct prid *prid, const struct pri *pri)
{
	struct buffer first, second;
	struct pib_fault fault;
	struct pri again;
	struct error e;

	buffer_init(&first, EPD_MAX);
	buffer_init(&second, EPD_MAX);
	REQUIRE(epd_encode(&first, pri, &e) == E_OK);
	REQUIRE(epd_decode(prid, buffer_view(&first), &again, &fault, &e) == E_OK);
	REQUIRE(!again.extra);
	same_pri(pri, &again);
	REQUIRE(epd_encode(&second, &again, &e) == E_OK);
	REQUIRE(view_equal(buffer_view(&first), buffer_view(&second)));
	buffer_fini(&first);
	buffer_fini(&second);
	bind(prid, pri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(VIEW(data, size));
	struct view name = cursor_take(&input, cursor_u8(&input));
	struct view values = cursor_rest(&input);
	struct prid prid;
	struct pib_error_object object;
	struct pib_fault fault;
	struct pri pri;
	struct error e;

	if (input.error || prid_decode(name, &prid, &fault, &e))
		return 0;
	if (epd_decode(&prid, values, &pri, &fault, &e) == E_OK) {
		REQUIRE(pri.class == prid.class && pri.instance == prid.instance);
		print(&pri);
		round_trip(&prid, &pri);
		fuzz_accepted = true;
	} else {
		fuzz_require_sentence(e.code, &e);
		object = pib_fault_object(&fault);
		REQUIRE(fault.kind != PIB_FAULT_NONE && object.code != 0);
	}
	return 0;
}
