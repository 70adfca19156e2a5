/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include "pmt/language/times.h"

typedef enum err mask_fn(struct view word, uint32_t *ret, struct error *e);

/* All words together; 0 if there are none. */
static uint32_t mask_of(const struct element *el, enum attribute_id id, mask_fn *parse)
{
	struct words w = words_of(el, id);
	uint32_t all = 0, one;
	struct error e;

	while (words_next(&w))
		if (!parse(w.word, &one, &e))
			all |= one;
	return all;
}

static bool moment_of(const struct element *el, enum attribute_id id, bool last, int64_t *ret)
{
	const struct attribute *a = element_attribute(el, id);
	struct error e;

	return a && !parse_moment(view_of_string(a->value), last, ret, &e);
}

static void build_period(
	struct builder *b, const struct element *el, struct model_schedule *schedule)
{
	struct model_period *p = &schedule->periods[schedule->period_count];
	const struct attribute *times = element_attribute(el, ATTRIBUTE_TIMES);
	struct error e;

	if (el->faulty)
		return;
	p->except = el->rule->kind == ELEMENT_EXCEPT;
	p->has_first = moment_of(el, ATTRIBUTE_FROM, false, &p->first);
	p->has_last = moment_of(el, ATTRIBUTE_UNTIL, true, &p->last);
	if (p->has_first && p->has_last && p->last < p->first)
		report_error(b->d, element_place(el, ATTRIBUTE_UNTIL),
			"this ends before it begins");
	p->months = mask_of(el, ATTRIBUTE_MONTHS, parse_months);
	p->weekdays = mask_of(el, ATTRIBUTE_WEEKDAYS, parse_weekdays);
	p->days = mask_of(el, ATTRIBUTE_DAYS, parse_days);
	p->days_from_end = mask_of(el, ATTRIBUTE_DAYS_FROM_END, parse_days);
	p->has_times = times && !parse_times(view_of_string(times->value), &p->from_second,
					&p->to_second, &e);
	schedule->period_count++;
}

void build_schedule_element(struct builder *b, const struct element *el)
{
	struct model_schedule *schedule = &b->m->schedules[b->m->schedule_count];
	size_t children = 0;
	bool ever = false;

	define(b, &b->schedules, el, KIND_SCHEDULE, schedule);
	if (el->faulty)
		return;
	for (const struct element *child = el->first_child; child; child = child->next)
		children++;
	schedule->name = element_value(el, ATTRIBUTE_NAME);
	schedule->at = el->at;
	schedule->zone = element_value(el, ATTRIBUTE_ZONE);
	schedule->periods = take(b, children, sizeof *schedule->periods);
	if (!schedule->periods)
		return;
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule) {
			build_period(b, child, schedule);
			ever = ever || child->rule->kind == ELEMENT_PERIOD;
		}
	if (!ever)
		report_error(b->d, el->at, "the schedule \"%s\" has no period: it is never on",
			schedule->name);
	b->m->schedule_count++;
}
