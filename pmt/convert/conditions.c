/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/converter.h"

#include <string.h>

#include "pib/policy/calendar.h"
#include "pib/policy/periods.h"
#include "pmt/language/times.h"

enum {
	MONTHS_ALL = 0xfff,
	WEEKDAYS_ALL = 0x7f,
	DAYS_ALL = 0x7fffffff,
	CONDITION_TEXT_MAX = 1 << 20
};

typedef void print_mask_fn(uint32_t mask, struct buffer *out);

static void put_mask(
	struct buffer *out, const char *name, uint32_t mask, uint32_t all, print_mask_fn *print)
{
	if ((mask & all) == all || !mask)
		return;
	buffer_put_text(out, " %s=\"", name);
	print(mask & all, out);
	buffer_put_u8(out, '"');
}

static void put_period(struct buffer *out, const struct policy_period *p)
{
	buffer_put_text(out, "    <%s", p->negated ? "except" : "period");
	if (p->first != INT64_MIN) {
		buffer_put_text(out, " from=\"");
		print_moment(p->first, false, out);
		buffer_put_u8(out, '"');
	}
	if (p->last != INT64_MAX) {
		buffer_put_text(out, " until=\"");
		print_moment(p->last, true, out);
		buffer_put_u8(out, '"');
	}
	put_mask(out, "months", p->months, MONTHS_ALL, print_months);
	put_mask(out, "weekdays", p->weekdays, WEEKDAYS_ALL, print_weekdays);
	put_mask(out, "days", p->days, DAYS_ALL, print_days);
	if (p->days_from_end) {
		buffer_put_text(out, " days-from-end=\"");
		print_days(p->days_from_end, out);
		buffer_put_u8(out, '"');
	}
	if (p->from_second != 0 || p->to_second != CALENDAR_DAY - 1) {
		buffer_put_text(out, " times=\"");
		print_times(p->from_second, p->to_second, out);
		buffer_put_u8(out, '"');
	}
	buffer_put_text(out, "/>\n");
}

/* In all sets the same name must mean the same. */
static enum err keep_named(struct set_reader *s, const char *rule, struct named_texts *list,
	const char *name, struct buffer *text)
{
	struct converter *c = s->c;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return strcmp(list->items[i].text, buffer_string(text)) == 0
				       ? E_OK
				       : convert_refuse(s, rule, "two schedules, offers or groups have one name");
	if (list->count == CONDITIONS_MAX)
		return error_set(c->e, E_LIMIT, "more than %d schedules, offers or groups", CONDITIONS_MAX);
	list->items[list->count++] = (struct named_text){
		arena_strdup(&c->arena, name), arena_strdup(&c->arena, buffer_string(text))};
	return E_OK;
}

static enum err read_schedule(struct set_reader *s, const struct policy_schedule *schedule,
	const char *rule, const char **ret)
{
	const struct policy_period *first = schedule->periods;
	struct buffer text;
	bool same = *first->name != '\0';
	enum err code;

	for (size_t i = 1; i < schedule->count; i++)
		same = same && strcmp(schedule->periods[i].name, first->name) == 0 &&
		       schedule->periods[i].local == first->local &&
		       strcmp(schedule->periods[i].zone, first->zone) == 0;
	if (!same)
		return convert_refuse(
			s, rule, "its periods have different names or clocks, or no name");
	buffer_init(&text, CONDITION_TEXT_MAX);
	buffer_put_text(&text, " zone=\"%s\">\n",
		!first->local ? "UTC" : *first->zone ? first->zone : "local");
	for (size_t i = 0; i < schedule->count; i++)
		put_period(&text, &schedule->periods[i]);
	code = keep_named(s, rule, &s->c->schedules, first->name, &text);
	buffer_fini(&text);
	*ret = arena_strdup(&s->c->arena, first->name);
	return code;
}

static enum err read_offer(struct set_reader *s, const struct policy_offer *offer,
	const char *rule, const char **ret)
{
	struct buffer text;
	enum err code;

	buffer_init(&text, CONDITION_TEXT_MAX);
	buffer_put_text(&text, " about=\"");
	convert_put_text(&text, view_of_string(offer->about));
	buffer_put_u8(&text, '"');
	if (offer->longest_seconds)
		buffer_put_text(&text, " for=\"%us\"", offer->longest_seconds);
	if (offer->usual_seconds)
		buffer_put_text(&text, " usual=\"%us\"", offer->usual_seconds);
	if (offer->across_boot)
		buffer_put_text(&text, " across-boot=\"yes\"");
	code = keep_named(s, rule, &s->c->offers, offer->name, &text);
	buffer_fini(&text);
	*ret = arena_strdup(&s->c->arena, offer->name);
	return code;
}

enum err convert_read_conditions(
	struct set_reader *s, const struct policy_rule *compiled, struct rule *rule)
{
	enum err code = E_OK;

	if (compiled->schedule)
		code = read_schedule(s, compiled->schedule, rule->name, &rule->schedule);
	if (!code && compiled->offer)
		code = read_offer(s, compiled->offer, rule->name, &rule->offer);
	return code;
}

enum err convert_read_groups(struct set_reader *s)
{
	enum err code = E_OK;

	for (size_t i = 0; i < s->policy->group_count && !code; i++) {
		const struct policy_group *group = &s->policy->groups[i];
		const char *addresses = convert_words(s, &s->addresses, group->tag);
		struct buffer text;

		buffer_init(&text, TEXT_MAX);
		if (*addresses)
			buffer_put_text(&text, " addresses=\"%s\"", addresses);
		if (group->authority == POLICY_BY_HOME)
			buffer_put_text(&text, " filled-by=\"home\"");
		code = keep_named(s, group->name, &s->c->groups, group->name, &text);
		buffer_fini(&text);
	}
	return code;
}
