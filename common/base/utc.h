/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times for people: seconds since 1970 UTC as RFC 3339 writes them, 2026-01-31T12:00:00Z. */
#ifndef COPSEC_COMMON_BASE_UTC_H
#define COPSEC_COMMON_BASE_UTC_H

#include <stdint.h>

enum { UTC_TEXT_SIZE = 32 };

/* What has more than four digits of a year is written as the number of seconds. */
void utc_format(uint64_t seconds, char text[UTC_TEXT_SIZE]);

#endif
