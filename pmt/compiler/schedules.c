/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/schedules.h"

#include "pib/policy/calendar.h"

enum { CYCLE_YEARS = 40 }; /* 29 February has been every weekday, also around 2100 */

/* Has the day any second of it? Over midnight the part after counts for the day before. */
static bool has_day(const struct model_period *p, int64_t day)
{
	const struct calendar_date date = calendar_date_of(day);
	const unsigned length = calendar_month_length(date.year, date.month);
	const int64_t first = day * CALENDAR_DAY, last = first + CALENDAR_DAY - 1;

	if ((p->has_first && last < p->first) || (p->has_last && first > p->last))
		return false;
	if ((p->months && !(p->months & 1u << date.month)) ||
		(p->weekdays && !(p->weekdays & 1u << calendar_weekday(day))))
		return false;
	if (!p->days && !p->days_from_end)
		return true;
	return p->days & 1u << date.day || p->days_from_end & 1u << (length - 1 - date.day);
}

/* An exception that has the whole day leaves nothing of it. */
static bool takes_day(const struct model_period *p, int64_t day)
{
	return p->except && !p->has_times && has_day(p, day);
}

static bool counts_on(const struct model_schedule *s, int64_t day)
{
	bool counts = false;

	for (size_t i = 0; i < s->period_count; i++)
		counts |= !s->periods[i].except && has_day(&s->periods[i], day);
	for (size_t i = 0; counts && i < s->period_count; i++)
		counts = !takes_day(&s->periods[i], day);
	return counts;
}

static bool counts_between(const struct model_schedule *s, int64_t first, int64_t last)
{
	for (int64_t day = first; day <= last; day++)
		if (counts_on(s, day))
			return true;
	return false;
}

/* The last day that a period has an end on; 0 if there is no end. */
static int64_t last_day(const struct model_schedule *s)
{
	int64_t last = 0;

	for (size_t i = 0; i < s->period_count; i++) {
		const struct model_period *p = &s->periods[i];

		if (p->except)
			continue;
		if (!p->has_last)
			return 0;
		if (calendar_divide(p->last, CALENDAR_DAY) > last)
			last = calendar_divide(p->last, CALENDAR_DAY);
	}
	return last;
}

static bool only_exceptions(const struct model_schedule *s)
{
	for (size_t i = 0; i < s->period_count; i++)
		if (!s->periods[i].except)
			return false;
	return true;
}

void schedules_find(const struct model *m, uint64_t now, struct diagnostics *d)
{
	const int64_t today = calendar_divide((int64_t)now, CALENDAR_DAY);
	const int64_t cycle = CYCLE_YEARS * 366;

	for (size_t i = 0; i < m->schedule_count; i++) {
		const struct model_schedule *s = &m->schedules[i];
		const int64_t end = last_day(s);

		/* All the time but then. */
		if (only_exceptions(s))
			continue;
		/* Local time is a day ahead or behind at most. */
		if (end && end + 1 < today)
			report_warning(d, s->at,
				"the schedule \"%s\" is over: its last day was %lld-%02u-%02u",
				s->name, (long long)calendar_date_of(end).year,
				calendar_date_of(end).month + 1, calendar_date_of(end).day + 1);
		else if (!counts_between(s, today - 1, today + cycle))
			report_warning(d, s->at, "the schedule \"%s\" never comes", s->name);
	}
}
