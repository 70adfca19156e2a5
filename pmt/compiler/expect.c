/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/expect.h"

#include "pib/policy/periods.h"
#include "pmt/compiler/cases.h"
#include "pmt/compiler/reading.h"
#include "pmt/compiler/region.h"

#include <stdlib.h>
#include <string.h>

enum { REGIONS_ARENA = 256 << 20 };

struct run {
	const struct model *m;
	struct diagnostics *d;
	struct error *e;
	struct arena arena;
	struct reading reading;
	bool *touched; /* NULL: nobody asks */
	const struct circumstances *now; /* that are looked at */
};

static enum err no_memory(struct run *r)
{
	return error_set(r->e, E_MEMORY, "out of memory");
}

/* --- the flows an expectation speaks of --- */

/* Interfaces of the nodes that have this set that have the role (NULL: any). */
static bool set_interfaces(struct run *r, struct flow_match *match, enum flow_field field,
	const struct reading_set *set, const struct model_node *only, const char *role)
{
	struct flow_interval *intervals =
		arena_calloc(&r->arena, r->reading.roles.count + 1, sizeof *intervals);
	size_t count = 0;

	for (size_t i = 0; intervals && i < r->m->node_count; i++) {
		const struct model_node *node = &r->m->nodes[i];

		if (!node->has_key ||
			(only ? node != only
			      : reading_set_at(&r->reading, node->name, node->roles) != set))
			continue;
		for (size_t k = 0; k < node->interface_count; k++) {
			const char *roles = node->interfaces[k].roles;
			uint16_t number = reading_role(&r->reading, roles);
			bool twice = number == 0 || (role && !combination_has(roles, role));

			for (size_t n = 0; n < count; n++)
				twice = twice || intervals[n].low.low == number;
			if (!twice)
				intervals[count++] = (struct flow_interval){
					FLOW_VALUE(number), FLOW_VALUE(number)};
		}
	}
	if (count)
		match->field[field] = flow_intervals_join(field, intervals, count);
	return count > 0;
}

/* Of whatever nodes there may be: all that have the role (NULL: any). */
static bool set_imagined(
	struct run *r, struct flow_match *match, enum flow_field field, const char *role)
{
	struct flow_interval *intervals =
		arena_calloc(&r->arena, r->reading.roles.count + 1, sizeof *intervals);
	size_t count = 0;

	for (size_t n = 0; intervals && n < r->reading.roles.count; n++)
		if (!role || combination_has(r->reading.roles.names[n], role))
			intervals[count++] =
				(struct flow_interval){FLOW_VALUE(n + 1), FLOW_VALUE(n + 1)};
	if (count)
		match->field[field] = flow_intervals_join(field, intervals, count);
	return count > 0;
}

static bool set_roles(struct run *r, struct flow_match *match, const struct model_expect *expect,
	const struct reading_set *set)
{
	if (r->m->authority != AUTHORITY_HOME)
		return set_imagined(r, match, FLOW_IN_ROLE, expect->in_role) &&
		       set_imagined(r, match, FLOW_OUT_ROLE, expect->out_role);
	return set_interfaces(r, match, FLOW_IN_ROLE, set, expect->node, expect->in_role) &&
	       set_interfaces(r, match, FLOW_OUT_ROLE, set, expect->node, expect->out_role);
}

/* --- judging --- */

static bool as_expected(const struct model *m, const struct model_expect *expect,
	const struct policy_rule *rule)
{
	enum policy_action action = rule ? rule->action : POLICY_DISCARD;

	if (expect->rule && (!rule || model_rule(m, rule->name) != expect->rule))
		return false;
	switch (expect->verdict) {
	case VERDICT_ALLOW:
		return action == POLICY_BYPASS;
	case VERDICT_DENY:
		return action == POLICY_DISCARD;
	default:
		return action == POLICY_PROTECT &&
		       (!expect->protection ||
			       strcmp(rule->protection->name, expect->protection->name) == 0);
	}
}

static void put_verdict(const struct policy_rule *rule, struct buffer *out)
{
	if (!rule || rule->action == POLICY_DISCARD)
		buffer_put_text(out, "deny");
	else if (rule->action == POLICY_BYPASS)
		buffer_put_text(out, "allow");
	else
		buffer_put_text(out, "protect %s", rule->protection->name);
}

static void put_expected(const struct model_expect *expect, struct buffer *out)
{
	static const char *const words[] = {"allow", "deny", "protect"};

	buffer_put_text(out, "%s", words[expect->verdict]);
	if (expect->protection)
		buffer_put_text(out, " %s", expect->protection->name);
	if (expect->rule)
		buffer_put_text(out, " by \"%s\"", expect->rule->name);
}

static void put_rule(struct run *r, const struct policy_rule *rule, struct buffer *out)
{
	const struct model_rule *source = rule ? model_rule(r->m, rule->name) : NULL;

	if (!rule) {
		buffer_put_text(out, "as no rule matches");
		return;
	}
	buffer_put_text(out, "by rule \"%s\"", rule->name);
	if (source) {
		buffer_put_text(out, " at ");
		place_print(r->d, source->at, out);
	}
}

static void touch(struct run *r, const struct policy_rule *rule)
{
	const struct model_rule *source = r->touched && rule ? model_rule(r->m, rule->name) : NULL;

	for (size_t i = 0; source && i < r->m->rule_count; i++)
		if (r->m->rules[i] == source)
			r->touched[i] = true;
}

static void report_failure(struct run *r, const struct model_expect *expect, const char *set,
	const struct policy_rule *rule, const struct flow *sample)
{
	struct buffer text;

	buffer_init(&text, 4096);
	buffer_put_text(&text, "expected ");
	put_expected(expect, &text);
	buffer_put_text(&text, ", but with the roles %s", set);
	if (r->now && r->now->count) {
		buffer_put_text(&text, ", ");
		cases_print(r->now, &text);
		buffer_put_u8(&text, ',');
	}
	buffer_put_text(&text, " it is ");
	put_verdict(rule, &text);
	buffer_put_u8(&text, ' ');
	put_rule(r, rule, &text);
	if (sample) {
		buffer_put_text(&text, ", for example ");
		flow_print(&text, sample);
	}
	report_error(r->d, expect->at, "%s", buffer_string(&text));
	buffer_fini(&text);
}

/* Rules of one set, over one box of flows. The first that says otherwise is reported. */
static enum err judge_box(struct run *r, const struct model_expect *expect, struct reading_set *set,
	enum flow_direction direction, struct flow_match *box, bool *failed)
{
	const uint32_t outside = (uint32_t)set->policy->rule_count + 1;
	struct flow_manager *manager;
	flow_ref inside;
	enum err code;
	bool *seen;

	code = flow_match_complete(&r->arena, box);
	if (code)
		return code == E_NOT_FOUND ? E_OK : no_memory(r);
	code = reading_diagram(&r->reading, set, direction, r->e);
	if (code)
		return code;
	manager = set->manager[direction];
	code = flow_restrict(manager, set->diagram[direction], box, outside, &inside, r->e);
	if (code)
		return code;
	seen = calloc(outside + 1, sizeof *seen);
	if (!seen || flow_numbers(manager, inside, seen, outside + 1)) {
		free(seen);
		return no_memory(r);
	}
	for (uint32_t n = 1; n < outside && r->touched; n++)
		if (seen[n])
			touch(r, policy_rule(set->policy, n));
	for (uint32_t n = 0; n < outside && !*failed; n++) {
		const struct policy_rule *rule = policy_rule(set->policy, n);
		struct flow sample;

		if (!seen[n] || as_expected(r->m, expect, rule))
			continue;
		*failed = true;
		code = flow_sample(manager, inside, n, &sample);
		sample.direction = direction;
		report_failure(r, expect, set->name, rule, code ? NULL : &sample);
	}
	free(seen);
	return E_OK;
}

/* A node or interface without a role, or of a set without rules for this, drops everything. */
static void judge_nothing(
	struct run *r, const struct model_expect *expect, const char *roles, bool *failed)
{
	if (as_expected(r->m, expect, NULL) || *failed)
		return;
	*failed = true;
	report_failure(r, expect, *roles ? roles : "(none)", NULL, NULL);
}

/* In one case. */
static enum err judge_set(struct run *r, const struct model_expect *expect,
	const struct reading_set *whole, struct reading_set *set, enum flow_direction direction,
	bool *failed)
{
	static const enum flow_family families[] = {FLOW_IPV6, FLOW_IPV4};
	enum err code = E_OK;

	for (size_t i = 0; i < expect->traffic.count * 2 && !code && !*failed; i++) {
		struct flow_match box = {.number = 1};
		const enum flow_family family = families[i % 2];

		region_number(&r->arena, &box, FLOW_FAMILY, family, family);
		if (!region_addresses(&r->arena, &box, FLOW_SOURCE, &expect->from, family) ||
			!region_addresses(&r->arena, &box, FLOW_DESTINATION, &expect->to, family) ||
			!region_traffic(&r->arena, &box, &expect->traffic.items[i / 2], family))
			continue;
		if (direction == FLOW_FORWARD && !set_roles(r, &box, expect, whole)) {
			judge_nothing(r, expect, set->name, failed);
			continue;
		}
		code = judge_box(r, expect, set, direction, &box, failed);
	}
	return code;
}

/* --- at what time, with which offers --- */

static bool is_offered(const struct model_expect *expect, const char *offer)
{
	for (size_t i = 0; i < expect->offer_count; i++)
		if (strcmp(expect->offers[i]->name, offer) == 0)
			return true;
	return false;
}

/*
 * The case that is meant instead of one of the set's: at the moment that the expectation names the
 * schedules that are on then, else those of the case; the offers that it names, and the members of
 * groups.
 */
static enum err meant_case(struct run *r, const struct model_expect *expect,
	const struct circumstances *cases, size_t count, const struct circumstances *one,
	struct circumstances *ret)
{
	struct condition *on;
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		most += cases[i].count;
	on = arena_calloc(&r->arena, 2 * most + expect->member_count + 1, sizeof *on);
	*ret = (struct circumstances){.on = on};
	if (!on)
		return no_memory(r);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < cases[i].count; k++) {
			const struct condition *c = &cases[i].on[k];

			if (c->kind == CONDITION_OFFER ? is_offered(expect, c->name)
				: c->kind == CONDITION_SCHEDULE
					? expect->has_time &&
						  policy_schedule_counts(c->schedule, expect->time,
							  NULL) == POLICY_COUNTS
					: false)
				on[ret->count++] = *c;
		}
	for (size_t i = 0; i < expect->member_count; i++)
		on[ret->count++] = (struct condition){.kind = CONDITION_MEMBERS,
			.name = expect->members[i].group->name,
			.source = true,
			.destination = true,
			.members = &expect->members[i].addresses};
	for (size_t k = 0; !expect->has_time && k < one->count; k++)
		if (one->on[k].kind == CONDITION_SCHEDULE)
			on[ret->count++] = one->on[k];
	return E_OK;
}

/* `set` NULL: there is none for these roles. */
static enum err judge(struct run *r, const struct model_expect *expect, const char *roles,
	struct reading_set *set, enum flow_direction direction, bool *failed)
{
	const struct circumstances *cases;
	struct reading_set *now;
	size_t count = 0;
	enum err code;

	if (!set) {
		judge_nothing(r, expect, roles, failed);
		return E_OK;
	}
	code = cases_of(&r->reading, set, &cases, &count, r->e);
	for (size_t i = 0; i < (expect->has_time ? 1 : count) && !code && !*failed; i++) {
		struct circumstances meant;

		code = meant_case(r, expect, cases, count, &cases[i], &meant);
		if (!code)
			code = cases_set(&r->reading, set, &meant, &now, r->e);
		if (code)
			break;
		r->now = &meant;
		code = judge_set(r, expect, set, now, direction, failed);
		r->now = NULL;
	}
	return code;
}

/* Which sets were judged already; NULL among them stands for having no roles. */
struct judged {
	const struct reading_set **sets;
	size_t count;
};

static bool was_judged(struct judged *j, const struct reading_set *set)
{
	for (size_t i = 0; i < j->count; i++)
		if (j->sets[i] == set)
			return true;
	j->sets[j->count++] = set;
	return false;
}

static bool concerns(
	const struct model_expect *expect, const struct model_node *node, const char *roles)
{
	return expect->node ? expect->node == node : combination_has(roles, expect->role->name);
}

static enum err judge_node(struct run *r, const struct model_expect *expect,
	const struct model_node *node, enum flow_direction direction, struct judged *j,
	bool *failed)
{
	const size_t count = direction == FLOW_FORWARD ? 1 : node->interface_count;
	enum err code = E_OK;

	for (size_t k = 0; k < count && !code && !*failed; k++) {
		const char *roles =
			direction == FLOW_FORWARD ? node->roles : node->interfaces[k].roles;
		struct reading_set *set;

		if (!concerns(expect, node, roles))
			continue;
		set = reading_set_at(&r->reading, node->name, roles);
		if (!was_judged(j, set))
			code = judge(r, expect, roles, set, direction, failed);
	}
	return code;
}

/* What its guardian passes on to it, or from it. */
static enum err judge_ward(struct run *r, const struct model_expect *expect,
	const struct model_node *ward, bool *failed)
{
	const struct model_node *guardian = ward->guardian;
	struct model_expect passing = *expect;
	struct address_list *own =
		expect->direction == EXPECT_IN ? &passing.to : &passing.from;

	if (own->any)
		*own = ward->addresses;
	passing.direction = EXPECT_FORWARD;
	passing.node = guardian;
	passing.role = NULL;
	return judge(r, &passing, guardian->roles,
		reading_set_at(&r->reading, guardian->name, guardian->roles), FLOW_FORWARD,
		failed);
}

/* Others than home have sets for roles, and no nodes. */
static enum err judge_floor(
	struct run *r, const struct model_expect *expect, enum flow_direction direction)
{
	struct buffer name;
	bool failed = false;
	enum err code;

	buffer_init(&name, 4096);
	buffer_put_text(
		&name, "*%s%s", expect->role ? "+" : "", expect->role ? expect->role->name : "");
	code = judge(r, expect, buffer_string(&name),
		reading_find(&r->reading, buffer_string(&name)), direction, &failed);
	buffer_fini(&name);
	return code;
}

/* Each set once, in the order of the document; and each ward. */
static enum err run_one(struct run *r, const struct model_expect *expect)
{
	static const enum flow_direction directions[] = {
		[EXPECT_IN] = FLOW_IN, [EXPECT_OUT] = FLOW_OUT, [EXPECT_FORWARD] = FLOW_FORWARD};
	const enum flow_direction direction = directions[expect->direction];
	struct judged j = {.sets = arena_calloc(&r->arena, r->reading.set_count + 2,
				   sizeof(struct reading_set *))};
	bool failed = false, wards = false;
	enum err code = j.sets ? E_OK : no_memory(r);

	if (!code && r->m->authority != AUTHORITY_HOME)
		return judge_floor(r, expect, direction);
	for (size_t i = 0; i < r->m->node_count && !code && !failed; i++) {
		const struct model_node *node = &r->m->nodes[i];

		if (node->has_key) {
			code = judge_node(r, expect, node, direction, &j, &failed);
		} else if (node->guardian && direction != FLOW_FORWARD &&
			   concerns(expect, node, node->roles)) {
			wards = true;
			code = judge_ward(r, expect, node, &failed);
		}
	}
	if (!code && j.count == 0 && !wards && !failed && expect->role)
		report_error(r->d, expect->at, "no %s has the role \"%s\": this speaks of nothing",
			direction == FLOW_FORWARD ? "node as a whole" : "interface",
			expect->role->name);
	return code;
}

enum err expect_run(
	const struct model *m, struct view bundle, struct diagnostics *d, struct error *e)
{
	return expect_cover(m, bundle, d, NULL, e);
}

enum err expect_cover(const struct model *m, struct view bundle, struct diagnostics *d,
	bool *touched, struct error *e)
{
	struct run r = {.m = m, .d = d, .e = e, .touched = touched};
	enum err code;

	arena_init(&r.arena, REGIONS_ARENA);
	code = reading_init(&r.reading, bundle, e);
	for (size_t i = 0; i < m->expect_count && !code; i++)
		code = run_one(&r, &m->expects[i]);
	reading_fini(&r.reading);
	arena_fini(&r.arena);
	return code;
}
