/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The contents of a PRID object, and the same octets as text that somebody typed.
 *
 * Reaches: prid_decode_oid, prid_decode, prid_of_oid, prid_put, prid_format, prid_parse, oid_decode,
 * oid_put, oid_format, oid_parse.
 */
#include "common/cops/pr.h"
#include "pib/schema/pri.h"
#include "tests/fuzz/fuzz.h"

enum { OCTETS_MAX = 1 << 16 };

static void same_oid(const struct oid *oid)
{
	char text[OID_TEXT_SIZE];
	struct buffer octets;
	struct oid again;

	buffer_init(&octets, OCTETS_MAX);
	oid_put(&octets, oid);
	REQUIRE(!octets.error && octets.len == oid_octets(oid));
	REQUIRE(oid_decode(buffer_view(&octets), &again) == E_OK && oid_equal(oid, &again));
	oid_format(oid, text);
	REQUIRE(oid_parse(&again, text) == E_OK && oid_compare(oid, &again) == 0);
	buffer_fini(&octets);
}

static void same_prid(const struct prid *prid)
{
	char text[PRID_TEXT_SIZE];
	struct pr_object object;
	struct buffer octets;
	struct cursor c;
	struct prid again;
	struct pib_fault fault;
	struct error e;

	buffer_init(&octets, OCTETS_MAX);
	prid_put(&octets, prid);
	c = cursor_over(buffer_view(&octets));
	REQUIRE(pr_next(&c, &object) == E_OK && cursor_done(&c) == E_OK);
	REQUIRE(prid_decode(object.contents, &again, &fault, &e) == E_OK);
	REQUIRE(again.class == prid->class && again.instance == prid->instance);
	prid_format(prid, text);
	REQUIRE(prid_parse(text, &again) == E_OK);
	REQUIRE(again.class == prid->class && again.instance == prid->instance);
	fuzz_accepted = true;
	buffer_fini(&octets);
}

static void read_octets(struct view contents)
{
	struct pib_fault fault;
	struct prid prid;
	struct error e;
	struct oid oid;

	if (prid_decode_oid(contents, &oid, &fault, &e)) {
		fuzz_require_sentence(e.code, &e);
		REQUIRE(fault.kind != PIB_FAULT_NONE);
		return;
	}
	same_oid(&oid);
	if (prid_decode(contents, &prid, &fault, &e))
		REQUIRE(fault.kind == PIB_FAULT_CLASS || fault.kind == PIB_FAULT_INSTANCE);
	else
		same_prid(&prid);
}

static void read_text(struct view octets)
{
	struct prid prid;
	struct oid oid;
	char *text = strndup((const char *)octets.data, octets.len);

	REQUIRE(text != NULL);
	if (oid_parse(&oid, text) == E_OK && oid.arcs[0] < 2 && oid.arcs[1] < 40)
		same_oid(&oid);
	if (prid_parse(text, &prid) == E_OK)
		same_prid(&prid);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_octets(VIEW(data, size));
	read_text(VIEW(data, size));
	return 0;
}
