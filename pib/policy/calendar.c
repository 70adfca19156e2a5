/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Years are counted from March inside, so that the leap day is the last one: then 400 years are
 * always 146,097 days, five months always 153. */
#include "pib/policy/calendar.h"

enum {
	DAYS_TO_EPOCH = 719468, /* from 0000-03-01 */
	YEARS_OF_ERA = 400,
	DAYS_OF_ERA = 146097,
};

int64_t calendar_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

bool calendar_is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

unsigned calendar_month_length(int64_t year, unsigned month)
{
	static const unsigned lengths[CALENDAR_MONTHS] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 1 && calendar_is_leap(year) ? 29 : lengths[month];
}

struct calendar_date calendar_date_of(int64_t day)
{
	int64_t era = calendar_divide(day + DAYS_TO_EPOCH, DAYS_OF_ERA);
	int64_t of_era = day + DAYS_TO_EPOCH - era * DAYS_OF_ERA;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* 0 = March */
	struct calendar_date date = {.day = (unsigned)(of_year - (153 * month + 2) / 5)};

	date.month = (unsigned)((month + 2) % CALENDAR_MONTHS);
	date.year = era * YEARS_OF_ERA + year + (month >= 10);
	return date;
}

int64_t calendar_day_of(const struct calendar_date *date)
{
	int64_t year = date->year - (date->month < 2);
	int64_t month = (date->month + 10) % CALENDAR_MONTHS;
	int64_t era = calendar_divide(year, YEARS_OF_ERA);

	year -= era * YEARS_OF_ERA;
	return era * DAYS_OF_ERA + 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 +
	       date->day - DAYS_TO_EPOCH;
}

unsigned calendar_weekday(int64_t day)
{
	return (unsigned)(day + 4 - calendar_divide(day + 4, 7) * 7);
}
