/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/cases.h"

#include <string.h>

#include "pib/policy/calendar.h"
#include "pib/policy/periods.h"
#include "pmt/compiler/groups.h"
#include "pmt/language/times.h"

/* A set in some circumstances, as far as they concern it. */
struct reading_case {
	struct circumstances when;
	struct reading_set set;
	struct policy *filled; /* NULL: no group has other members than home's */
	struct reading_case *next;
};

static enum err no_memory(struct error *e)
{
	return error_set(e, E_MEMORY, "out of memory");
}

static enum err too_many(struct error *e)
{
	return error_set(e, E_LIMIT,
		"the rules are there in more than %d different circumstances", CASES_MAX);
}

/* --- conditions --- */

static bool same_condition(const struct condition *a, const struct condition *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == CONDITION_SCHEDULE)
		return policy_schedule_equal(a->schedule, b->schedule);
	return strcmp(a->name, b->name) == 0 && a->source == b->source &&
	       a->destination == b->destination && a->members == b->members;
}

static bool is_on(const struct circumstances *c, const struct condition *condition)
{
	for (size_t i = 0; i < c->count; i++)
		if (same_condition(&c->on[i], condition))
			return true;
	return false;
}

bool cases_contain(const struct circumstances *all, const struct circumstances *some)
{
	for (size_t i = 0; i < some->count; i++)
		if (!is_on(all, &some->on[i]))
			return false;
	return true;
}

static bool same_circumstances(const struct circumstances *a, const struct circumstances *b)
{
	return cases_contain(a, b) && cases_contain(b, a);
}

static const char *schedule_name(const struct policy_schedule *schedule)
{
	return schedule->count ? schedule->periods[0].name : "";
}

enum { NEEDS_MAX = 4 }; /* of a rule, with one of its selectors */

/* What a rule needs whatever its selectors: `ret` has room for all of it. */
static size_t needs_of(const struct policy_rule *rule, struct condition ret[NEEDS_MAX])
{
	size_t count = 0;

	if (rule->schedule)
		ret[count++] = (struct condition){.kind = CONDITION_SCHEDULE,
			.schedule = rule->schedule,
			.name = schedule_name(rule->schedule)};
	if (rule->offer)
		ret[count++] = (struct condition){
			.kind = CONDITION_OFFER, .name = rule->offer->name};
	return count;
}

/* And with this selector: members of groups. */
static size_t needs_of_use(const struct policy_rule *rule, const struct group_use *use,
	struct condition ret[NEEDS_MAX])
{
	size_t count = needs_of(rule, ret);

	if (use->source)
		ret[count++] = (struct condition){
			.kind = CONDITION_MEMBERS, .name = use->source, .source = true};
	if (use->destination)
		ret[count++] = (struct condition){.kind = CONDITION_MEMBERS,
			.name = use->destination,
			.destination = true};
	return count;
}

/* --- which cases there are --- */

struct case_list {
	struct arena *arena;
	struct circumstances *items;
	size_t count;
	struct error *e;
};

/* Those of both together, as one more case unless it is there. */
static enum err add_case(
	struct case_list *list, const struct circumstances *a, const struct circumstances *b)
{
	struct condition *on = arena_calloc(list->arena, a->count + b->count + 1, sizeof *on);
	struct circumstances one = {.on = on};

	if (!on)
		return no_memory(list->e);
	for (size_t i = 0; i < a->count + b->count; i++) {
		const struct condition *c = i < a->count ? &a->on[i] : &b->on[i - a->count];

		if (!is_on(&one, c))
			on[one.count++] = *c;
	}
	for (size_t i = 0; i < list->count; i++)
		if (same_circumstances(&list->items[i], &one))
			return E_OK;
	if (list->count == CASES_MAX)
		return too_many(list->e);
	list->items[list->count++] = one;
	return E_OK;
}

static enum err list_init(struct case_list *list, struct arena *arena, struct error *e)
{
	const struct circumstances nothing = {0};

	*list = (struct case_list){.arena = arena, .e = e};
	list->items = arena_calloc(arena, CASES_MAX, sizeof *list->items);
	return list->items ? add_case(list, &nothing, &nothing) : no_memory(e);
}

enum err cases_of(struct reading *r, struct reading_set *set, const struct circumstances **ret,
	size_t *ret_count, struct error *e)
{
	const struct circumstances nothing = {0};
	struct case_list list;
	enum err code = E_OK;

	if (!set->circumstances) {
		code = list_init(&list, &r->arena, e);
		for (size_t i = 0; !code && i < set->policy->rule_count; i++) {
			struct condition on[NEEDS_MAX];
			const struct circumstances needs = {
				on, needs_of(&set->policy->rules[i], on)};

			if (needs.count)
				code = add_case(&list, &needs, &nothing);
		}
		for (size_t i = 0; !code && i < set->use_count; i++) {
			const struct group_use *use = &set->uses[i];
			struct condition on[NEEDS_MAX];
			const struct circumstances needs = {on,
				needs_of_use(&set->policy->rules[use->rule], use, on)};

			code = add_case(&list, &needs, &nothing);
		}
		if (code)
			return code;
		set->circumstances = list.items;
		set->circumstance_count = list.count;
	}
	*ret = set->circumstances;
	*ret_count = set->circumstance_count;
	return E_OK;
}

enum err cases_of_both(struct reading *a, struct reading_set *x, struct reading *b,
	struct reading_set *y, const struct circumstances **ret, size_t *ret_count,
	struct error *e)
{
	static const struct circumstances nothing = {0};
	const struct circumstances *of_x = &nothing, *of_y = &nothing;
	size_t x_count = 1, y_count = 1;
	struct case_list list;
	enum err code = list_init(&list, &b->arena, e);

	if (!code && x)
		code = cases_of(a, x, &of_x, &x_count, e);
	if (!code && y)
		code = cases_of(b, y, &of_y, &y_count, e);
	for (size_t i = 0; i < x_count && !code; i++)
		for (size_t k = 0; k < y_count && !code; k++)
			code = add_case(&list, &of_x[i], &of_y[k]);
	if (code)
		return code;
	*ret = list.items;
	*ret_count = list.count;
	return E_OK;
}

/* --- the set of a case --- */

static enum policy_counts rule_is_there(void *context, const struct policy_rule *rule)
{
	struct condition on[NEEDS_MAX];
	const struct circumstances needs = {on, needs_of(rule, on)};

	return cases_contain(context, &needs) ? POLICY_COUNTS : POLICY_COUNTS_NOT;
}

static bool is_conditional(const struct reading_set *set)
{
	if (set->use_count)
		return true;
	for (size_t i = 0; i < set->policy->rule_count; i++)
		if (set->policy->rules[i].schedule || set->policy->rules[i].offer)
			return true;
	return false;
}

static bool is_used(const struct group_use *use, const struct condition *c)
{
	return (c->source && use->source && strcmp(use->source, c->name) == 0) ||
	       (c->destination && use->destination && strcmp(use->destination, c->name) == 0);
}

/* What of the circumstances any rule of the set needs. */
static enum err concerning(struct reading *r, const struct reading_set *set,
	const struct circumstances *c, struct circumstances *ret, struct error *e)
{
	struct condition *on = arena_calloc(&r->arena, c->count + 1, sizeof *on);

	*ret = (struct circumstances){.on = on};
	if (!on)
		return no_memory(e);
	for (size_t k = 0; k < c->count; k++) {
		bool concerned = false;

		for (size_t i = 0; !concerned && i < set->policy->rule_count; i++) {
			struct condition own[NEEDS_MAX];
			const struct circumstances needs = {
				own, needs_of(&set->policy->rules[i], own)};

			concerned = is_on(&needs, &c->on[k]);
		}
		for (size_t i = 0; !concerned && c->on[k].kind == CONDITION_MEMBERS &&
				   i < set->use_count;
			i++)
			concerned = is_used(&set->uses[i], &c->on[k]);
		if (concerned)
			on[ret->count++] = c->on[k];
	}
	return E_OK;
}

enum err cases_set(struct reading *r, struct reading_set *set, const struct circumstances *c,
	struct reading_set **ret, struct error *e)
{
	struct circumstances when = {0};
	struct reading_case *one;
	enum err code;

	if (!is_conditional(set)) {
		*ret = set;
		return E_OK;
	}
	code = concerning(r, set, c, &when, e);
	if (code)
		return code;
	for (one = set->cases; one; one = one->next)
		if (same_circumstances(&one->when, &when)) {
			*ret = &one->set;
			return E_OK;
		}
	one = arena_calloc(&r->arena, 1, sizeof *one);
	if (!one)
		return no_memory(e);
	one->when = when;
	one->set.name = set->name;
	one->set.roles = set->roles;
	for (size_t i = 0; i < when.count && !one->filled && !code; i++)
		if (when.on[i].kind == CONDITION_MEMBERS)
			code = groups_fill(r, set, &when, &one->filled, e);
	if (!code)
		code = policy_where(one->filled ? one->filled : set->policy, rule_is_there, &when,
			&one->set.policy, e);
	if (code) {
		policy_free(one->filled);
		return code;
	}
	one->next = set->cases;
	set->cases = one;
	*ret = &one->set;
	return E_OK;
}

void cases_free(struct reading_set *set)
{
	for (struct reading_case *one = set->cases; one; one = one->next) {
		for (size_t k = 0; k < FLOW_DIRECTIONS; k++)
			flow_manager_free(one->set.manager[k]);
		policy_free(one->set.policy);
		policy_free(one->filled);
	}
	set->cases = NULL;
}

typedef void print_mask_fn(uint32_t mask, struct buffer *out);

static void put_mask(struct buffer *out, uint32_t mask, uint32_t all, print_mask_fn *print)
{
	if (!mask || (mask & all) == all)
		return;
	buffer_put_u8(out, ' ');
	print(mask & all, out);
}

static void put_period(struct buffer *out, const struct policy_period *p)
{
	const size_t before = out->len;

	buffer_put_text(out, "%s", p->negated ? " except" : "");
	if (p->first != INT64_MIN) {
		buffer_put_text(out, " from ");
		print_moment(p->first, false, out);
	}
	if (p->last != INT64_MAX) {
		buffer_put_text(out, " until ");
		print_moment(p->last, true, out);
	}
	put_mask(out, p->months, 0xfff, print_months);
	put_mask(out, p->weekdays, 0x7f, print_weekdays);
	put_mask(out, p->days, 0x7fffffff, print_days);
	if (p->days_from_end) {
		buffer_put_text(out, " from the month's end");
		put_mask(out, p->days_from_end, UINT32_MAX, print_days);
	}
	if (p->from_second || p->to_second != CALENDAR_DAY - 1) {
		buffer_put_u8(out, ' ');
		print_times(p->from_second, p->to_second, out);
	}
	if (out->len == before)
		buffer_put_text(out, " always");
}

static void put_schedule(struct buffer *out, const struct condition *c)
{
	buffer_put_text(out, "while the schedule \"%s\" is on (", c->name);
	for (size_t i = 0; i < c->schedule->count; i++) {
		struct buffer period;

		buffer_init(&period, 4096);
		put_period(&period, &c->schedule->periods[i]);
		buffer_put_text(out, "%s%s", i ? "; " : "", buffer_string(&period) + 1);
		buffer_fini(&period);
	}
	buffer_put_u8(out, ')');
}

void cases_print(const struct circumstances *c, struct buffer *out)
{
	for (size_t i = 0; i < c->count; i++) {
		buffer_put_text(out, "%s", i ? ", " : "");
		if (c->on[i].kind == CONDITION_SCHEDULE)
			put_schedule(out, &c->on[i]);
		else if (c->on[i].kind == CONDITION_MEMBERS)
			buffer_put_text(out, "with its %s in the group \"%s\"",
				c->on[i].source && c->on[i].destination ? "source or destination"
				: c->on[i].source			? "source"
									: "destination",
				c->on[i].name);
		else
			buffer_put_text(out, "with the offer \"%s\" on", c->on[i].name);
	}
}
