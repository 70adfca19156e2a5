/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/marks.h"

enum err marks_from_mask(uint32_t mask, struct marks *ret, struct error *error)
{
	unsigned shift = mask ? (unsigned)__builtin_ctz(mask) : 0;
	uint32_t all = (1u << MARK_BITS) - 1;

	if (mask >> shift != all)
		return error_set(error, E_RANGE, "mark mask 0x%08x is not %d neighbouring bits",
			mask, MARK_BITS);
	*ret = (struct marks){
		.mask = mask,
		.flow = (all >> 1) << shift,
		.number = (uint32_t)MARK_PROTECTIONS_MAX << shift,
		.came = 1u << (shift + MARK_NUMBER_BITS),
		.passed = 1u << (shift + MARK_NUMBER_BITS + 1),
		.shift = shift,
	};
	return E_OK;
}
