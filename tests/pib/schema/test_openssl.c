/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EPDs of every class beside what `openssl asn1parse -genconf` makes of the same values: an encoder
 * that has nothing in common with ours. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/file.h"
#include "pib/schema/ber.h"
#include "tests/pib/schema/instances.h"
#include "tests/suite.h"

enum { OF_EACH_CLASS = 3, COUNT = OF_EACH_CLASS * PIB_CLASS_COUNT, EPD_MAX = 8192 };
enum { DER_MAX = COUNT * EPD_MAX };

static const uint64_t seed = UINT64_C(0x09e2551000000001);

/* openssl's words for the tag: our types are implicit. */
static const char *tagging(uint8_t tag)
{
	switch ((enum ber_tag)tag) {
	case BER_UNSIGNED32:
		return "IMPLICIT:2A,";
	case BER_TIME_TICKS:
		return "IMPLICIT:3A,";
	case BER_INTEGER64:
		return "IMPLICIT:10A,";
	case BER_UNSIGNED64:
		return "IMPLICIT:11A,";
	default:
		return "";
	}
}

static void write_octets(FILE *f, struct view v)
{
	/* It takes no empty string as hexadecimal. */
	fprintf(f, v.len ? "FORMAT:HEX,OCTETSTRING:" : "OCTETSTRING:");
	for (size_t i = 0; i < v.len; i++)
		fprintf(f, "%02x", v.data[i]);
}

/* Bit 0 of BITS is the most significant one of the first octet (RFC 3159 §7.1.4). */
static void write_bits(FILE *f, const struct pib_attribute *a, uint64_t bits)
{
	unsigned last = (unsigned)a->labels[a->label_count - 1].number;

	fprintf(f, "FORMAT:HEX,OCTETSTRING:");
	for (unsigned first = 0; first <= last; first += 8) {
		unsigned octet = 0;

		for (unsigned i = 0; i < 8; i++)
			octet = octet * 2 + (unsigned)(bits >> (first + i) & 1);
		fprintf(f, "%02x", octet);
	}
}

static void write_value(FILE *f, const struct pri *pri, const struct pib_attribute *a)
{
	char oid[OID_TEXT_SIZE];

	if (pri->values[a->number - 1].state == PRI_NULL) {
		fprintf(f, "NULL");
		return;
	}
	fprintf(f, "%s", tagging(a->tag));
	switch (a->syntax) {
	case PIB_INTEGER32:
	case PIB_ENUMERATION:
		fprintf(f, "INTEGER:%" PRId32, pri_i32(pri, a->number));
		break;
	case PIB_INTEGER64:
		fprintf(f, "INTEGER:%" PRId64, pri_i64(pri, a->number));
		break;
	case PIB_UNSIGNED32:
		fprintf(f, "INTEGER:%" PRIu32, pri_u32(pri, a->number));
		break;
	case PIB_UNSIGNED64:
		fprintf(f, "INTEGER:%" PRIu64, pri_u64(pri, a->number));
		break;
	case PIB_OCTETS:
		write_octets(f, pri_octets(pri, a->number));
		break;
	case PIB_BITS:
		write_bits(f, a, pri_bits(pri, a->number));
		break;
	case PIB_OID:
		oid_format(pri_oid(pri, a->number), oid);
		fprintf(f, "OID:%s", oid);
		break;
	}
}

/* An instance of each class in turn; all attributes are there. */
static void make(struct random *r, struct pri *pri, struct octets_for *octets, unsigned n)
{
	random_instance(r, pri, (enum pib_class_id)(n % PIB_CLASS_COUNT), octets);
	for (size_t i = 0; i < pri->class->attribute_count; i++)
		if (pri->values[i].state == PRI_UNSET)
			random_attribute(r, pri, &pri->class->attributes[i], octets->of[i]);
}

static void write_conf(const char *path)
{
	struct random r = {seed};
	struct octets_for octets;
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "asn1 = SEQUENCE:all\n[all]\n");
	for (unsigned n = 0; n < COUNT; n++)
		fprintf(f, "p%u = SEQUENCE:pri%u\n", n, n);
	for (unsigned n = 0; n < COUNT; n++) {
		struct pri pri;

		make(&r, &pri, &octets, n);
		fprintf(f, "[pri%u]\n", n);
		for (size_t i = 0; i < pri.class->attribute_count; i++) {
			fprintf(f, "a%zu = ", i);
			write_value(f, &pri, &pri.class->attributes[i]);
			fprintf(f, "\n");
		}
	}
	ck_assert_int_eq(fclose(f), 0);
}

static struct view next_sequence(struct cursor *c)
{
	struct ber ber;

	ck_assert_int_eq(ber_next(c, &ber), E_OK);
	ck_assert_uint_eq(ber.tag, 0x30);
	return ber.contents;
}

START_TEST(another_encoder_makes_the_same_octets)
{
	char folder[] = "/tmp/copsec-XXXXXX", conf[64], der[64], command[256];
	struct random r = {seed};
	struct octets_for octets;
	struct buffer file, out;
	struct cursor all, c;
	struct error error;

	printf("seed %#" PRIx64 "\n", seed);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(conf, sizeof conf, "%s/conf", folder);
	snprintf(der, sizeof der, "%s/der", folder);
	snprintf(command, sizeof command, "openssl asn1parse -genconf %s -noout -out %s", conf, der);
	write_conf(conf);
	ck_assert_int_eq(system(command), 0);
	buffer_init(&file, DER_MAX);
	ck_assert_msg(!file_read(der, &file, NULL, &error), "%s", error.text);
	buffer_init(&out, EPD_MAX);
	all = cursor_over(buffer_view(&file));
	c = cursor_over(next_sequence(&all));
	for (unsigned n = 0; n < COUNT; n++) {
		struct view theirs = next_sequence(&c);
		struct pri pri, decoded;
		struct pib_fault fault;
		struct prid prid;

		make(&r, &pri, &octets, n);
		buffer_reset(&out);
		ck_assert_msg(!epd_encode(&out, &pri, &error), "%s", error.text);
		ck_assert_msg(view_equal(buffer_view(&out), theirs), "%s", pri.class->name);
		prid = (struct prid){pri.class, pri.instance};
		ck_assert_msg(!epd_decode(&prid, theirs, &decoded, &fault, &error), "%s",
			error.text);
		for (unsigned i = 1; i <= pri.class->attribute_count; i++)
			if (pri_has(&pri, i))
				ck_assert_int_eq(pri_compare_attribute(&pri, &decoded, i), 0);
	}
	ck_assert_int_eq(cursor_done(&c), E_OK);
	buffer_fini(&file);
	buffer_fini(&out);
	unlink(conf);
	unlink(der);
	rmdir(folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-openssl");
	TCase *c = tcase_create("openssl");

	if (system("openssl version >/dev/null 2>&1") != 0) {
		printf("no openssl program\n");
		return 77;
	}
	tcase_add_test(c, another_encoder_makes_the_same_octets);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
