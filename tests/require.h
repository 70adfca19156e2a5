/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For test code that also runs outside of Check, whose assertions then abort even when they hold. */
#ifndef COPSEC_TESTS_REQUIRE_H
#define COPSEC_TESTS_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

static inline _Noreturn void require_fail(const char *property, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
	abort();
}

/* Also where assertions are compiled out. */
#define REQUIRE(property) ((property) ? (void)0 : require_fail(#property, __FILE__, __LINE__))

#endif
