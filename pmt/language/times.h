/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of schedules: dates, times of the day, months, days. As a person says them a range of
 * times ends before its end (08:00-18:00), and a range of dates with its last day; the values here
 * are as policy_period has them, with both ends included, to the second.
 */
#ifndef COPSEC_PMT_LANGUAGE_TIMES_H
#define COPSEC_PMT_LANGUAGE_TIMES_H

#include "common/base/bytes.h"

/*
 * 2026-03-01, 2026-03-01T08:00, 2026-03-01T08:00:30: seconds from 1970 as the clock shows them. A
 * date alone is its first second, or with `last` its last one; a moment that is a `last` is the
 * second before it.
 */
enum err parse_moment(struct view word, bool last, int64_t *ret, struct error *e) MUST_USE;
/* As parse_moment() reads it back. */
void print_moment(int64_t moment, bool last, struct buffer *out);

/* 08:00-18:00, 22:00-06:00, 00:00-24:00: the first and the last second of the day. */
enum err parse_times(
	struct view word, uint32_t *ret_from, uint32_t *ret_to, struct error *e) MUST_USE;
void print_times(uint32_t from, uint32_t to, struct buffer *out);

/* jan, mar-may, nov-feb; bit 0 is January */
enum err parse_months(struct view word, uint32_t *ret, struct error *e) MUST_USE;
/* mon, mon-fri, sat-sun; bit 0 is Sunday */
enum err parse_weekdays(struct view word, uint32_t *ret, struct error *e) MUST_USE;
/* 1, 1-7; bit 0 is the first, or the last when they are counted from the end */
enum err parse_days(struct view word, uint32_t *ret, struct error *e) MUST_USE;
void print_months(uint32_t months, struct buffer *out);
void print_weekdays(uint32_t weekdays, struct buffer *out);
void print_days(uint32_t days, struct buffer *out);

/* Europe/Berlin, UTC, or the word local */
enum err parse_zone(struct view word, struct error *e) MUST_USE;

#endif
