/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pib/schema/instances.h"

#include <check.h>

static uint64_t random_in_range(struct random *r, const struct pib_attribute *a, uint64_t least,
	uint64_t greatest)
{
	if (a->range_count > 0) {
		const struct pib_range *range = &a->ranges[random_below(r, a->range_count)];

		least = range->least;
		greatest = range->greatest;
	}
	switch (random_below(r, 4)) {
	case 0:
		return least;
	case 1:
		return greatest;
	default:
		return greatest - least == UINT64_MAX ?
			random_magnitude(r) :
			least + random_magnitude(r) % (greatest - least + 1);
	}
}

static void set_random_octets(struct random *r, struct pri *pri, const struct pib_attribute *a,
	uint8_t octets[RANDOM_OCTETS_MAX])
{
	uint64_t size = random_in_range(r, a, 0, RANDOM_OCTETS_MAX);

	if (size > RANDOM_OCTETS_MAX)
		size = RANDOM_OCTETS_MAX;
	for (size_t i = 0; i < size; i++)
		octets[i] = (uint8_t)random_u64(r);
	pri_set_octets(pri, a->number, VIEW(octets, size));
}

static void set_random_oid(struct random *r, struct pri *pri, const struct pib_attribute *a)
{
	struct oid oid = {{1, 3}, 2};
	size_t count = 2 + random_below(r, OID_MAX - 1);

	if (random_below(r, 2)) {
		pri_set_prid(pri, a->number, (enum pib_class_id)random_below(r, PIB_CLASS_COUNT),
			(uint32_t)random_magnitude(r) | 1);
		return;
	}
	while (oid.count < count)
		oid.arcs[oid.count++] = (uint32_t)random_magnitude(r);
	pri_set_oid(pri, a->number, &oid);
}

void random_attribute(struct random *r, struct pri *pri, const struct pib_attribute *a,
	uint8_t octets[RANDOM_OCTETS_MAX])
{
	uint64_t bits = 0;

	switch (a->syntax) {
	case PIB_ENUMERATION:
		pri_set_i32(pri, a->number, a->labels[random_below(r, a->label_count)].number);
		break;
	case PIB_INTEGER32:
		pri_set_i32(pri, a->number,
			(int32_t)random_in_range(r, a, (uint64_t)INT32_MIN, INT32_MAX));
		break;
	case PIB_UNSIGNED32:
		pri_set_u32(pri, a->number, (uint32_t)random_in_range(r, a, 0, UINT32_MAX));
		break;
	case PIB_INTEGER64:
		pri_set_i64(pri, a->number,
			(int64_t)random_in_range(r, a, (uint64_t)INT64_MIN, INT64_MAX));
		break;
	case PIB_UNSIGNED64:
		pri_set_u64(pri, a->number, random_in_range(r, a, 0, UINT64_MAX));
		break;
	case PIB_OCTETS:
		set_random_octets(r, pri, a, octets);
		break;
	case PIB_BITS:
		for (size_t i = 0; i < a->label_count; i++)
			bits |= (random_u64(r) & 1) << a->labels[i].number;
		pri_set_bits(pri, a->number, bits);
		break;
	case PIB_OID:
		set_random_oid(r, pri, a);
		break;
	}
}

void random_instance(struct random *r, struct pri *pri, enum pib_class_id id,
	struct octets_for *octets)
{
	pri_init(pri, id, (uint32_t)random_magnitude(r) | 1);
	for (size_t i = 0; i < pri->class->attribute_count; i++) {
		const struct pib_attribute *a = &pri->class->attributes[i];

		if (a->number == pri->class->index_attribute)
			continue;
		if (random_below(r, 8) == 0)
			pri_set_null(pri, a->number);
		else if (!a->has_default || random_below(r, 4) > 0)
			random_attribute(r, pri, a, octets->of[i]);
	}
	ck_assert_msg(pri->error.code == E_OK, "%s", pri->error.text);
}
