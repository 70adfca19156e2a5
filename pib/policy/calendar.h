/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Gregorian calendar, without zones: days are counted from 1970-01-01, a Thursday. */
#ifndef COPSEC_PIB_POLICY_CALENDAR_H
#define COPSEC_PIB_POLICY_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

enum { CALENDAR_DAY = 24 * 60 * 60, CALENDAR_MONTHS = 12 };

struct calendar_date {
	int64_t year;
	unsigned month; /* 0 to 11 */
	unsigned day;   /* 0 to 30 */
};

/* Rounds towards the past. */
int64_t calendar_divide(int64_t a, int64_t b);
bool calendar_is_leap(int64_t year);
unsigned calendar_month_length(int64_t year, unsigned month);
struct calendar_date calendar_date_of(int64_t day);
int64_t calendar_day_of(const struct calendar_date *date);
/* 0 = Sunday */
unsigned calendar_weekday(int64_t day);

#endif
