/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Octets for tests, on the heap and of their exact size, so that a sanitizer sees every overrun. */
#ifndef COPSEC_TESTS_COMMON_COPS_OCTETS_H
#define COPSEC_TESTS_COMMON_COPS_OCTETS_H

#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"

static inline struct view octets_copy(struct view v)
{
	uint8_t *p = malloc(v.len ? v.len : 1);

	if (!p)
		abort();
	if (v.len)
		memcpy(p, v.data, v.len);
	return VIEW(p, v.len);
}

static inline struct view octets_of_hex(const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *p = malloc(len ? len : 1);

	if (!p || !hex_decode(p, len, hex))
		abort();
	return VIEW(p, len);
}

static inline void octets_free(struct view v)
{
	void *p;

	memcpy(&p, &v.data, sizeof p);
	free(p);
}

/* Repeatable chance; print the seed where it matters. */
static inline uint32_t chance(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

#endif
