/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/zone.h"

#include <string.h>

#include "common/base/cursor.h"
#include "pib/policy/calendar.h"

enum {
	HEADER_RESERVED = 15,
	HOUR = 60 * 60,
	RULE_HOURS_MAX = 167, /* RFC 8536 §3.3.1 */
};

/* Where files begin, and farther than any rule need be asked for. */
static const int64_t far = INT64_C(1) << 59;

/* ---- The file (RFC 8536 §3) ---- */

struct header {
	uint8_t version;
	uint32_t ut, standard, leaps, times, types, letters;
};

static struct header read_header(struct cursor *c)
{
	struct header h = {0};
	struct view magic = cursor_take(c, 4);

	if (magic.len == 4 && memcmp(magic.data, "TZif", 4) != 0)
		cursor_fail(c, E_SYNTAX);
	h.version = cursor_u8(c);
	cursor_take(c, HEADER_RESERVED);
	h.ut = cursor_u32(c);
	h.standard = cursor_u32(c);
	h.leaps = cursor_u32(c);
	h.times = cursor_u32(c);
	h.types = cursor_u32(c);
	h.letters = cursor_u32(c);
	return h;
}

/* The octets of a data block whose times have `size` octets. */
static uint64_t block_length(const struct header *h, uint64_t size)
{
	return h->times * (size + 1) + h->types * UINT64_C(6) + h->letters + h->leaps * (size + 4) +
	       h->standard + h->ut;
}

static void skip(struct cursor *c, uint64_t len)
{
	if (len > cursor_left(c))
		cursor_fail(c, E_TRUNCATED);
	else
		cursor_take(c, (size_t)len);
}

static bool is_offset(int32_t ahead)
{
	return ahead > -ZONE_AHEAD_MAX && ahead < ZONE_AHEAD_MAX;
}

/* The transitions of the second data block; their times have eight octets. */
static enum err read_transitions(
	struct cursor *c, const struct header *h, struct arena *arena, struct zone *zone)
{
	struct zone_transition *transitions =
		arena_calloc(arena, h->times + 1, sizeof *transitions);
	struct view types;

	if (!transitions)
		return E_MEMORY;
	for (uint32_t i = 0; i < h->times; i++) {
		transitions[i].utc = (int64_t)cursor_u64(c);
		if (transitions[i].utc < -far || transitions[i].utc > far ||
			(i > 0 && transitions[i].utc <= transitions[i - 1].utc))
			cursor_fail(c, E_SYNTAX);
	}
	types = cursor_take(c, h->times);
	for (uint32_t i = 0; i < h->types; i++) {
		int32_t ahead = (int32_t)cursor_u32(c);

		cursor_take(c, 2);
		if (!is_offset(ahead))
			cursor_fail(c, E_SYNTAX);
		if (i == 0)
			zone->first_ahead = ahead;
		for (size_t j = 0; j < types.len; j++)
			if (types.data[j] == i)
				transitions[j].ahead = ahead;
	}
	for (size_t j = 0; j < types.len; j++)
		if (types.data[j] >= h->types)
			cursor_fail(c, E_SYNTAX);
	zone->transitions = transitions;
	zone->count = h->times;
	return c->error;
}

/* ---- The footer: a rule as POSIX writes it ---- */

static bool take(struct cursor *c, char letter)
{
	if (cursor_left(c) == 0 || c->data[c->at] != (uint8_t)letter)
		return false;
	cursor_u8(c);
	return true;
}

static bool is_digit(const struct cursor *c)
{
	return cursor_left(c) > 0 && c->data[c->at] >= '0' && c->data[c->at] <= '9';
}

static uint32_t take_number(struct cursor *c, uint32_t least, uint32_t most)
{
	uint32_t number = 0;

	if (!is_digit(c))
		cursor_fail(c, E_SYNTAX);
	while (!c->error && is_digit(c) && number <= most)
		number = number * 10 + (uint32_t)(cursor_u8(c) - '0');
	if (number < least || number > most)
		cursor_fail(c, E_SYNTAX);
	return number;
}

/* "CET" or "<+03>" */
static void take_name(struct cursor *c)
{
	bool quoted = take(c, '<');
	size_t len = 0;

	while (cursor_left(c) > 0) {
		uint8_t letter = c->data[c->at];
		bool alphabetic = (letter | 0x20) >= 'a' && (letter | 0x20) <= 'z';

		if (quoted ? letter == '>' : !alphabetic)
			break;
		cursor_u8(c);
		len++;
	}
	if (len < 3 || (quoted && !take(c, '>')))
		cursor_fail(c, E_SYNTAX);
}

/* "[+-]hh[:mm[:ss]]" */
static int32_t take_time(struct cursor *c, uint32_t hours_most)
{
	bool negative = take(c, '-');
	uint32_t seconds;

	if (!negative)
		take(c, '+');
	seconds = take_number(c, 0, hours_most) * HOUR;
	if (take(c, ':')) {
		seconds += take_number(c, 0, 59) * 60;
		if (take(c, ':'))
			seconds += take_number(c, 0, 59);
	}
	return negative ? -(int32_t)seconds : (int32_t)seconds;
}

/* "M3.5.0/2", "J60", "59" */
static struct zone_switch take_switch(struct cursor *c)
{
	struct zone_switch s = {.second = 2 * HOUR};

	if (take(c, 'M')) {
		s.kind = ZONE_MONTH_WEEK;
		s.month = take_number(c, 1, 12) - 1;
		if (!take(c, '.'))
			cursor_fail(c, E_SYNTAX);
		s.week = take_number(c, 1, 5);
		if (!take(c, '.'))
			cursor_fail(c, E_SYNTAX);
		s.day = take_number(c, 0, 6);
	} else if (take(c, 'J')) {
		s.kind = ZONE_DAY_WITHOUT_LEAP;
		s.day = take_number(c, 1, 365) - 1;
	} else {
		s.kind = ZONE_DAY;
		s.day = take_number(c, 0, 365);
	}
	if (take(c, '/'))
		s.second = take_time(c, RULE_HOURS_MAX);
	return s;
}

/* POSIX counts what is behind UTC, we what is ahead. */
static void read_rule(struct cursor *c, struct zone_rule *rule)
{
	take_name(c);
	rule->ahead = -take_time(c, 24);
	rule->has_summer = cursor_left(c) > 0 && !c->error;
	if (!rule->has_summer)
		return;
	take_name(c);
	rule->summer_ahead = rule->ahead + HOUR;
	if (cursor_left(c) > 0 && c->data[c->at] != ',')
		rule->summer_ahead = -take_time(c, 24);
	if (!take(c, ','))
		cursor_fail(c, E_SYNTAX);
	rule->to_summer = take_switch(c);
	if (!take(c, ','))
		cursor_fail(c, E_SYNTAX);
	rule->to_winter = take_switch(c);
}

static enum err read_footer(struct cursor *c, struct zone *zone)
{
	struct view rest = cursor_rest(c);
	struct cursor rule;

	if (rest.len < 2 || rest.data[0] != '\n' || rest.data[rest.len - 1] != '\n')
		return E_SYNTAX;
	zone->has_rule = rest.len > 2;
	if (!zone->has_rule)
		return E_OK;
	rule = cursor_over(VIEW(rest.data + 1, rest.len - 2));
	read_rule(&rule, &zone->rule);
	return cursor_done(&rule);
}

enum err zone_parse(struct view tzif, struct arena *arena, struct zone *ret, struct error *error)
{
	struct cursor c = cursor_over(tzif);
	struct zone zone = {0};
	struct header h = read_header(&c);
	enum err err;

	if (tzif.len > ZONE_FILE_MAX)
		return error_set(error, E_LIMIT, "a time zone of %zu octets, at most %d are read",
			tzif.len, ZONE_FILE_MAX);
	if (!c.error && h.version < '2')
		return error_set(error, E_UNSUPPORTED, "a time zone of the first format");
	skip(&c, block_length(&h, 4));
	h = read_header(&c);
	if (!c.error && h.leaps)
		return error_set(error, E_UNSUPPORTED, "a time zone with leap seconds");
	if (!c.error && (h.types == 0 || block_length(&h, 8) > cursor_left(&c)))
		cursor_fail(&c, E_SYNTAX);
	err = c.error;
	if (!err)
		err = read_transitions(&c, &h, arena, &zone);
	if (!err) {
		skip(&c, (uint64_t)h.letters + h.standard + h.ut);
		err = c.error ? c.error : read_footer(&c, &zone);
	}
	if (err)
		return error_set(error, err, "that is no time zone: %s", err_text(err));
	*ret = zone;
	return E_OK;
}

/* ---- What local time is ---- */

/* The second, as the zone's clock shows it before the switch, counted as if it were UTC. */
static int64_t switch_in(const struct zone_switch *s, int64_t year)
{
	struct calendar_date date = {.year = year};
	int64_t day;
	unsigned weekday;

	if (s->kind != ZONE_MONTH_WEEK) {
		day = calendar_day_of(&date) + s->day;
		/* Its 60th day is the first of March in leap years too. */
		if (s->kind == ZONE_DAY_WITHOUT_LEAP && s->day >= 59 && calendar_is_leap(year))
			day++;
		return day * CALENDAR_DAY + s->second;
	}
	date.month = s->month;
	weekday = calendar_weekday(calendar_day_of(&date));
	date.day = (s->day + 7 - weekday) % 7 + (s->week - 1) * 7;
	while (date.day >= calendar_month_length(year, s->month))
		date.day -= 7;
	return calendar_day_of(&date) * CALENDAR_DAY + s->second;
}

static void offset_by_rule(
	const struct zone_rule *rule, int64_t utc, int32_t *ret_ahead, int64_t *ret_until)
{
	int64_t latest = INT64_MIN;
	int64_t year;

	*ret_ahead = rule->ahead;
	*ret_until = INT64_MAX;
	if (!rule->has_summer || utc > far)
		return;
	*ret_until = utc < -far ? -far - 1 : far;
	if (utc < -far)
		return;
	year = calendar_date_of(calendar_divide(utc, CALENDAR_DAY)).year;
	for (int64_t y = year - 1; y <= year + 1; y++) {
		struct zone_transition both[] = {
			{switch_in(&rule->to_summer, y) - rule->ahead, rule->summer_ahead},
			{switch_in(&rule->to_winter, y) - rule->summer_ahead, rule->ahead},
		};

		for (size_t i = 0; i < 2; i++) {
			if (both[i].utc > utc && both[i].utc - 1 < *ret_until)
				*ret_until = both[i].utc - 1;
			if (both[i].utc <= utc && both[i].utc >= latest) {
				latest = both[i].utc;
				*ret_ahead = both[i].ahead;
			}
		}
	}
}

void zone_offset(const struct zone *zone, int64_t utc, int32_t *ret_ahead, int64_t *ret_until)
{
	size_t low = 0;
	size_t high = zone->count;

	/* The first transition behind this moment. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->transitions[middle].utc <= utc)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == zone->count && zone->has_rule) {
		offset_by_rule(&zone->rule, utc, ret_ahead, ret_until);
		return;
	}
	*ret_ahead = low ? zone->transitions[low - 1].ahead : zone->first_ahead;
	*ret_until = low < zone->count ? zone->transitions[low].utc - 1 : INT64_MAX;
}
