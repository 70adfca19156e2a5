/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One row of every class, with the least values and with the greatest: its PRID behind its length,
 * then its EPD. The PRID alone is one for prid. */
#include "common/cops/pr.h"
#include "pib/schema/pri.h"
#include "tests/fuzz/seeds/seeds.h"

enum { TEXT_LENGTH = 255 };

static uint64_t bound(const struct pib_attribute *a, bool greatest, uint64_t of_syntax)
{
	if (!a->range_count)
		return of_syntax;
	return greatest ? a->ranges[a->range_count - 1].greatest : a->ranges[0].least;
}

static void set_octets(struct pri *pri, const struct pib_attribute *a, bool greatest)
{
	static const uint8_t zeros[TEXT_LENGTH];
	uint64_t length = bound(a, greatest, greatest ? TEXT_LENGTH : 0);

	pri_set_octets(pri, a->number,
		VIEW(zeros, length < TEXT_LENGTH ? (size_t)length : TEXT_LENGTH));
}

static void set_value(struct pri *pri, const struct pib_attribute *a, bool greatest)
{
	const struct pib_label *label =
		a->label_count ? &a->labels[greatest ? a->label_count - 1 : 0] : NULL;

	switch (a->syntax) {
	case PIB_ENUMERATION:
		pri_set_i32(pri, a->number, label->number);
		break;
	case PIB_INTEGER32:
		pri_set_i32(pri, a->number,
			(int32_t)bound(a, greatest, (uint64_t)(greatest ? INT32_MAX : INT32_MIN)));
		break;
	case PIB_UNSIGNED32:
		pri_set_u32(pri, a->number, (uint32_t)bound(a, greatest, greatest ? UINT32_MAX : 0));
		break;
	case PIB_INTEGER64:
		pri_set_i64(pri, a->number,
			(int64_t)bound(a, greatest, (uint64_t)(greatest ? INT64_MAX : INT64_MIN)));
		break;
	case PIB_UNSIGNED64:
		pri_set_u64(pri, a->number, bound(a, greatest, greatest ? UINT64_MAX : 0));
		break;
	case PIB_BITS:
		pri_set_bits(pri, a->number, greatest ? UINT64_C(1) << label->number : 0);
		break;
	case PIB_OID:
		if (greatest && a->role == PIB_PRID)
			pri_set_prid(pri, a->number, PIB_ipSecRule, 1);
		else if (greatest && a->role == PIB_PRC)
			pri_set_row(pri, a->number, PIB_ipSecRule);
		else
			pri_set_oid(pri, a->number, &oid_none);
		break;
	case PIB_OCTETS:
		set_octets(pri, a, greatest);
		break;
	}
}

void seed_row(const struct pib_class *class, bool greatest, struct pri *ret)
{
	pri_init(ret, class->id, greatest ? UINT16_MAX : 1);
	for (size_t i = 0; i < class->attribute_count; i++)
		if (class->attributes[i].number != class->index_attribute)
			set_value(ret, &class->attributes[i], greatest);
}

static void make_row(const struct seeds *s, const struct pib_class *class, bool greatest)
{
	struct pr_object object;
	struct buffer name, out;
	struct cursor c;
	struct error e;
	struct pri pri;

	buffer_init(&name, SEED_MAX);
	buffer_init(&out, SEED_MAX);
	seed_row(class, greatest, &pri);
	prid_put(&name, &(struct prid){class, pri.instance});
	c = cursor_over(buffer_view(&name));
	REQUIRE(pr_next(&c, &object) == E_OK);
	if (!greatest)
		seed_write(s, "prid", object.contents, "good-octets-of-%s", class->name);
	buffer_put_u8(&out, (uint8_t)object.contents.len);
	buffer_put_view(&out, object.contents);
	REQUIRE(epd_encode(&out, &pri, &e) == E_OK);
	seed_write(s, "pri", buffer_view(&out), "good-%s%s", greatest ? "greatest-" : "",
		class->name);
	buffer_fini(&name);
	buffer_fini(&out);
}

void make_rows(const struct seeds *s)
{
	for (int id = 0; id < PIB_CLASS_COUNT; id++) {
		make_row(s, pib_class((enum pib_class_id)id), false);
		make_row(s, pib_class((enum pib_class_id)id), true);
	}
}
