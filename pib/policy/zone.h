/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A time zone out of the tz database: the octets of a TZif file (RFC 8536), with the rule in its
 * footer for the time after its last transition. Who has the file gives its octets; nothing here
 * opens one, for the name of a zone comes from a policy.
 *
 * Files with leap seconds ("right/...") are refused: our seconds have none, as POSIX's. Everything
 * is kept in the caller's arena.
 */
#ifndef COPSEC_PIB_POLICY_ZONE_H
#define COPSEC_PIB_POLICY_ZONE_H

#include "common/base/arena.h"
#include "common/base/bytes.h"
#include "common/base/error.h"

enum {
	ZONE_FILE_MAX = 1 << 16, /* octets; the longest of the database has about 3,700 */
	ZONE_AHEAD_MAX = 26 * 60 * 60,
};

/* Which day of a year, and when on it, a rule switches. */
struct zone_switch {
	enum { ZONE_MONTH_WEEK, ZONE_DAY_WITHOUT_LEAP, ZONE_DAY } kind;
	unsigned month; /* of a week: 0 to 11 */
	unsigned week;  /* 1 to 5, 5 = the last */
	unsigned day;   /* of the week 0 to 6, 0 = Sunday; of the year, from 0 on */
	int32_t second; /* after that day's midnight, in the time before the switch */
};

struct zone_rule {
	int32_t ahead; /* of UTC, in seconds: in winter */
	bool has_summer;
	int32_t summer_ahead;
	struct zone_switch to_summer;
	struct zone_switch to_winter;
};

struct zone_transition {
	int64_t utc;
	int32_t ahead; /* from then on */
};

struct zone {
	int32_t first_ahead; /* before the first transition */
	const struct zone_transition *transitions;
	size_t count;
	bool has_rule; /* for the time after the last one */
	struct zone_rule rule;
};

/* E_SYNTAX, E_TRUNCATED, E_UNSUPPORTED, E_MEMORY. */
enum err zone_parse(
	struct view tzif, struct arena *arena, struct zone *ret, struct error *error) MUST_USE;
/* As struct policy_clock's offset (periods.h). */
void zone_offset(const struct zone *zone, int64_t utc, int32_t *ret_ahead, int64_t *ret_until);

#endif
