/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a rule counts: time periods of the PIB (RFC 3060 §6.5, draft §5.5).
 *
 * A schedule counts while one of its periods does and no exception does. A period is the AND of
 * what it says: a range of dates, months, days of the month from either end, days of the week,
 * times of the day. Both ends of a range are included, to the second. A range of times over
 * midnight counts on the selected days only, before and after midnight. All is said in the period's
 * own clock: UTC, or the local time of a zone, which jumps; a time that occurs twice counts twice,
 * one that is jumped over does not occur.
 *
 * Time is an argument, in seconds since 1970 UTC, and so are zones: whoever asks knows their rules.
 * Whether a period in a zone that nobody knows counts, nobody knows; then the policy of a moment has
 * what is no laxer than either: a rule that discards counts, one that lets pass in clear does not,
 * and one that protects discards, for what it stands before may be stricter or laxer than it.
 */
#ifndef COPSEC_PIB_POLICY_PERIODS_H
#define COPSEC_PIB_POLICY_PERIODS_H

#include "pib/policy/policy.h"

enum { PERIOD_ZONE_MAX = 63 }; /* octets of a zone's name */

struct policy_period {
	uint32_t instance; /* of ipSecRuleTimePeriod */
	const char *name;  /* "" = it has none */
	bool negated;      /* an exception */
	/* Seconds from 1970-01-01T00:00:00 as its clock shows them; the least and greatest int64_t
	 * where a range is open. */
	int64_t first;
	int64_t last;
	uint16_t months;        /* bit 0: January */
	uint32_t days;          /* bit 0: the first */
	uint32_t days_from_end; /* bit 0: the last */
	uint8_t weekdays;       /* bit 0: Sunday */
	uint32_t from_second;   /* of the day */
	uint32_t to_second;     /* before from_second: over midnight */
	bool local;
	const char *zone; /* of local time: a name of the tz database, "" = the node's own */
};

struct policy_schedule {
	const struct policy_period *periods;
	size_t count;
};

/* What local time is. `zone` as in struct policy_period. Sets how many seconds it is ahead of UTC
 * at this moment, and the last second for which that holds (INT64_MAX: for ever). False: no such
 * zone. */
struct policy_clock {
	bool (*offset)(void *context, const char *zone, int64_t utc, int32_t *ret_ahead,
		int64_t *ret_until);
	void *context;
};

enum policy_counts { POLICY_COUNTS_NOT, POLICY_COUNTS, POLICY_MAY_COUNT };

/* Without a schedule always. `clock` may be NULL: then local time is UTC. POLICY_MAY_COUNT: a zone
 * is not known, and it depends on it. */
enum policy_counts policy_schedule_counts(
	const struct policy_schedule *schedule, int64_t utc, const struct policy_clock *clock);

/* The same times, whatever they are called. Both may be NULL. */
bool policy_schedule_equal(const struct policy_schedule *a, const struct policy_schedule *b);

/* Which rules of a policy count at a moment. */
struct policy_moment {
	int64_t utc;
	const struct policy_clock *clock; /* may be NULL */
	/* Is the offer switched on? NULL: none is. */
	bool (*is_on)(void *context, const struct policy_offer *offer);
	void *context;
};

/* The policy of a moment is a policy: the same, without rules that do not count then, and the
 * others without a schedule or offer. Rules have new numbers. It borrows from `policy`, and is
 * released by policy_free() before that. E_MEMORY. */
enum err policy_at(const struct policy *policy, const struct policy_moment *moment,
	struct policy **ret, struct error *error) MUST_USE;
/* The same with the rules that `counts` picks; what may count is what is no laxer than either. */
enum err policy_where(const struct policy *policy,
	enum policy_counts (*counts)(void *context, const struct policy_rule *rule), void *context,
	struct policy **ret, struct error *error) MUST_USE;
/* Periods that policy_next_change() looks at before it says when to ask again. */
enum { POLICY_PERIODS_LOOKED_AT = 1 << 14 };

/* When to ask again: the first second after the moment's at which a schedule changes, or, where that
 * is far away, a moment before which none does. INT64_MAX: never. The work has a limit, but every
 * period is looked at once. Offers are not: who switches them knows. */
int64_t policy_next_change(const struct policy *policy, const struct policy_moment *moment);

#endif
