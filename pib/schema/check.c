/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/check.h"

bool pib_signed_valid(const struct pib_attribute *attribute, int64_t number)
{
	if (attribute->syntax != PIB_INTEGER64 && (number < INT32_MIN || number > INT32_MAX))
		return false;
	if (attribute->syntax == PIB_ENUMERATION)
		return pib_label(attribute, (int32_t)number) != NULL;
	for (size_t i = 0; i < attribute->range_count; i++) {
		if (number >= (int64_t)attribute->ranges[i].least &&
			number <= (int64_t)attribute->ranges[i].greatest)
			return true;
	}
	return attribute->range_count == 0;
}

static bool in_ranges(const struct pib_attribute *attribute, uint64_t number)
{
	for (size_t i = 0; i < attribute->range_count; i++) {
		if (number >= attribute->ranges[i].least && number <= attribute->ranges[i].greatest)
			return true;
	}
	return attribute->range_count == 0;
}

bool pib_unsigned_valid(const struct pib_attribute *attribute, uint64_t number)
{
	if (attribute->syntax == PIB_UNSIGNED32 && number > UINT32_MAX)
		return false;
	return in_ranges(attribute, number);
}

bool pib_size_valid(const struct pib_attribute *attribute, size_t size)
{
	return in_ranges(attribute, size);
}

bool pib_bits_valid(const struct pib_attribute *attribute, uint64_t bits)
{
	for (size_t i = 0; i < attribute->label_count; i++)
		bits &= ~(UINT64_C(1) << attribute->labels[i].number);
	return bits == 0;
}

size_t pib_bits_octets(const struct pib_attribute *attribute)
{
	return (size_t)attribute->labels[attribute->label_count - 1].number / 8 + 1;
}
