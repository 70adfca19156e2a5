/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What it costs to ask a policy when its rules change next: with periods in which nothing ever
 * changes, so that the search ends at its limit, and with office hours, which it finds at once.
 * Beside it, reading all periods once.
 *
 *   bench-periods
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pib/policy/calendar.h"
#include "pib/policy/periods.h"

enum { MOST = 100000, TIMES = 5 };

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fill(struct policy_period *periods, size_t count, bool never)
{
	for (size_t i = 0; i < count; i++)
		periods[i] = (struct policy_period){
			.instance = (uint32_t)i + 1,
			.name = "",
			.first = INT64_MIN,
			.last = INT64_MAX,
			.months = never ? 1 << 1 : 0xfff,
			.days = never ? 1u << 30 : UINT32_MAX,
			.weekdays = 0x3e,
			.from_second = (uint32_t)(i % CALENDAR_DAY),
			.to_second = CALENDAR_DAY - 1,
			.zone = "",
		};
}

static void measure(const char *what, struct policy_period *periods, size_t count, bool never)
{
	const struct policy_schedule schedule = {periods, count};
	const struct policy_schedule *schedules[] = {&schedule};
	const struct policy policy = {.schedules = schedules, .schedule_count = 1};
	const struct policy_moment moment = {.utc = INT64_C(1780315200)}; /* 2026-06-01 12:00 */
	double least = 1e9, once = 1e9;
	int64_t next = 0;

	fill(periods, count, never);
	for (int i = 0; i < TIMES; i++) {
		double start = seconds(), end;
		volatile bool counts;

		next = policy_next_change(&policy, &moment);
		end = seconds();
		least = end - start < least ? end - start : least;
		start = seconds();
		counts = policy_schedule_counts(&schedule, moment.utc, NULL) == POLICY_COUNTS;
		end = seconds();
		(void)counts;
		once = end - start < once ? end - start : once;
	}
	printf("%-14s %6zu periods %9.3f ms, until %8.1f days later; once over them %9.4f ms\n", what,
		count, 1e3 * least, (double)(next - moment.utc) / CALENDAR_DAY, 1e3 * once);
}

int main(void)
{
	struct policy_period *periods = calloc(MOST, sizeof *periods);

	if (!periods)
		return 1;
	for (size_t count = 1; count <= MOST; count *= 10)
		measure("never", periods, count, true);
	for (size_t count = 1; count <= MOST; count *= 10)
		measure("office hours", periods, count, false);
	free(periods);
	return 0;
}
