/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/utc.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const uint64_t utc_last = 253402300799; /* of the year 9999 */

void utc_format(uint64_t seconds, char text[UTC_TEXT_SIZE])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds > utc_last || !gmtime_r(&t, &tm) ||
		!strftime(text, UTC_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(text, UTC_TEXT_SIZE, "%" PRIu64, seconds);
}
