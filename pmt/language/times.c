/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/times.h"

#include <string.h>

#include "pib/policy/calendar.h"
#include "pib/policy/periods.h"
#include "pmt/language/value.h"

enum { YEAR_MIN = 1970, YEAR_MAX = 9999, MONTH_DAYS = 31, WEEK_DAYS = 7, SHOWN_MAX = 60 };

static int shown(struct view word)
{
	return (int)(word.len > SHOWN_MAX ? SHOWN_MAX : word.len);
}

/* --- moments and times --- */

/* Exactly so many digits. */
static bool take_digits(struct view *v, size_t count, uint32_t *ret)
{
	uint32_t n = 0;

	if (v->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (v->data[i] < '0' || v->data[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(v->data[i] - '0');
	}
	*v = VIEW(v->data + count, v->len - count);
	*ret = n;
	return true;
}

static bool take_letter(struct view *v, char letter)
{
	if (v->len == 0 || v->data[0] != (uint8_t)letter)
		return false;
	*v = VIEW(v->data + 1, v->len - 1);
	return true;
}

/* 08:00 or 08:00:30, up to 24:00. */
static bool take_time(struct view *v, uint32_t *ret)
{
	uint32_t hour, minute, second = 0;

	if (!take_digits(v, 2, &hour) || !take_letter(v, ':') || !take_digits(v, 2, &minute))
		return false;
	if (v->len && v->data[0] == ':' && (!take_letter(v, ':') || !take_digits(v, 2, &second)))
		return false;
	*ret = hour * 3600 + minute * 60 + second;
	return minute < 60 && second < 60 && *ret <= CALENDAR_DAY;
}

enum err parse_moment(struct view word, bool last, int64_t *ret, struct error *e)
{
	uint32_t year, month, day, second = last ? CALENDAR_DAY : 0;
	struct view v = word;
	bool good = take_digits(&v, 4, &year) && take_letter(&v, '-') &&
		    take_digits(&v, 2, &month) && take_letter(&v, '-') && take_digits(&v, 2, &day);

	if (good && v.len)
		good = take_letter(&v, 'T') && take_time(&v, &second) && v.len == 0;
	if (good)
		good = year >= YEAR_MIN && month >= 1 && month <= CALENDAR_MONTHS && day >= 1 &&
		       day <= calendar_month_length(year, month - 1);
	if (!good)
		return error_set(e, E_SYNTAX,
			"\"%.*s\" is not a date such as 2026-03-01 or 2026-03-01T08:00",
			shown(word), (const char *)word.data);
	*ret = calendar_day_of(&(struct calendar_date){year, month - 1, day - 1}) * CALENDAR_DAY +
	       second - last;
	return E_OK;
}

static void put_time(uint32_t second, struct buffer *out)
{
	buffer_put_text(out, "%02u:%02u", second / 3600, second / 60 % 60);
	if (second % 60)
		buffer_put_text(out, ":%02u", second % 60);
}

void print_moment(int64_t moment, bool last, struct buffer *out)
{
	/* The last second of a day is that day; any other last one, what comes behind it. */
	const int64_t at = moment + last, day = calendar_divide(at, CALENDAR_DAY);
	const uint32_t second = (uint32_t)(at - day * CALENDAR_DAY);
	const struct calendar_date date =
		calendar_date_of(last && second == 0 ? calendar_divide(moment, CALENDAR_DAY) : day);

	buffer_put_text(out, "%04d-%02u-%02u", (int)date.year, date.month + 1, date.day + 1);
	if (second) {
		buffer_put_u8(out, 'T');
		put_time(second, out);
	}
}

enum err parse_times(struct view word, uint32_t *ret_from, uint32_t *ret_to, struct error *e)
{
	struct view v = word;
	uint32_t from, to;

	if (!take_time(&v, &from) || !take_letter(&v, '-') || !take_time(&v, &to) || v.len ||
		from == to || from == CALENDAR_DAY)
		return error_set(e, E_SYNTAX,
			"\"%.*s\" is not a range of times such as 08:00-18:00", shown(word),
			(const char *)word.data);
	*ret_from = from;
	*ret_to = to ? to - 1 : CALENDAR_DAY - 1;
	return E_OK;
}

void print_times(uint32_t from, uint32_t to, struct buffer *out)
{
	put_time(from, out);
	buffer_put_u8(out, '-');
	put_time(to + 1, out);
}

/* --- months and days --- */

static const char *const month_names[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/* The place of a name, or of a number from 1 on where there are no names. */
static bool place_of(struct view word, const char *const *names, unsigned count, unsigned *ret)
{
	struct error ignored;
	uint32_t number;

	for (unsigned i = 0; names && i < count; i++)
		if (view_equal(word, view_of_string(names[i]))) {
			*ret = i;
			return true;
		}
	if (names || parse_number(word, count, &number, &ignored) || number == 0)
		return false;
	*ret = number - 1;
	return true;
}

/* A name or two with a dash; a range of names may go over the end of the list. */
static bool parse_range(
	struct view word, const char *const *names, unsigned count, uint32_t *ret)
{
	const uint8_t *dash = memchr(word.data, '-', word.len);
	const size_t len = dash ? (size_t)(dash - word.data) : word.len;
	unsigned from, to;

	if (!place_of(VIEW(word.data, len), names, count, &from))
		return false;
	to = from;
	if (dash && !place_of(VIEW(dash + 1, word.len - len - 1), names, count, &to))
		return false;
	if (!names && to < from)
		return false;
	*ret = 1u << to;
	for (unsigned i = from; i != to; i = (i + 1) % count)
		*ret |= 1u << i;
	return true;
}

enum err parse_months(struct view word, uint32_t *ret, struct error *e)
{
	if (parse_range(word, month_names, CALENDAR_MONTHS, ret))
		return E_OK;
	return error_set(e, E_SYNTAX, "\"%.*s\" is neither a month such as mar nor months: mar-may",
		shown(word), (const char *)word.data);
}

enum err parse_weekdays(struct view word, uint32_t *ret, struct error *e)
{
	if (parse_range(word, weekday_names, WEEK_DAYS, ret))
		return E_OK;
	return error_set(e, E_SYNTAX,
		"\"%.*s\" is neither a day of the week such as mon nor days: mon-fri", shown(word),
		(const char *)word.data);
}

enum err parse_days(struct view word, uint32_t *ret, struct error *e)
{
	if (parse_range(word, NULL, MONTH_DAYS, ret))
		return E_OK;
	return error_set(e, E_SYNTAX,
		"\"%.*s\" is neither a day of the month from 1 to 31 nor days: 1-7", shown(word),
		(const char *)word.data);
}

/* Runs of neighbours as ranges, the list not closed to a ring. */
static void print_range(
	uint32_t mask, const char *const *names, unsigned count, struct buffer *out)
{
	const char *between = "";

	for (unsigned i = 0; i < count; i++) {
		unsigned end = i;

		if (!(mask >> i & 1))
			continue;
		while (end + 1 < count && mask >> (end + 1) & 1)
			end++;
		buffer_put_text(out, "%s", between);
		for (unsigned k = 0; k <= (end != i); k++)
			if (names)
				buffer_put_text(out, "%s%s", k ? "-" : "", names[k ? end : i]);
			else
				buffer_put_text(out, "%s%u", k ? "-" : "", (k ? end : i) + 1);
		between = " ";
		i = end;
	}
}

void print_months(uint32_t months, struct buffer *out)
{
	print_range(months, month_names, CALENDAR_MONTHS, out);
}

void print_weekdays(uint32_t weekdays, struct buffer *out)
{
	print_range(weekdays, weekday_names, WEEK_DAYS, out);
}

void print_days(uint32_t days, struct buffer *out)
{
	print_range(days, NULL, MONTH_DAYS, out);
}

enum err parse_zone(struct view word, struct error *e)
{
	bool good = word.len > 0 && word.len <= PERIOD_ZONE_MAX && word.data[0] != '/';

	for (size_t i = 0; good && i < word.len; i++) {
		const uint8_t c = word.data[i];

		good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		       (c >= '0' && c <= '9') || (c && strchr("+-_", c)) ||
		       (c == '/' && word.data[i - 1] != '/');
	}
	return good ? E_OK
		    : error_set(e, E_SYNTAX,
			      "\"%.*s\" is neither a time zone such as Europe/Berlin nor UTC nor "
			      "local",
			      shown(word), (const char *)word.data);
}
