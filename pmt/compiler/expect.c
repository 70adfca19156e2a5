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

/* Interfaces of the nodes with this combination that have the role (NULL: any). */
static bool set_interfaces(struct run *r, struct flow_match *match, enum flow_field field,
	const char *node_roles, const struct model_node *only, const char *role)
{
	struct flow_interval *intervals =
		arena_calloc(&r->arena, r->reading.roles.count + 1, sizeof *intervals);
	size_t count = 0;

	for (size_t i = 0; intervals && i < r->m->node_count; i++) {
		const struct model_node *node = &r->m->nodes[i];

		if (!node->has_key || (only ? node != only : strcmp(node->roles, node_roles) != 0))
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

/* --- judging --- */

static bool as_expected(const struct model_expect *expect, const struct policy_rule *rule)
{
	enum policy_action action = rule ? rule->action : POLICY_DISCARD;

	if (expect->rule && (!rule || strcmp(rule->name, expect->rule->name) != 0))
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
	for (size_t i = 0; r->touched && rule && i < r->m->rule_count; i++)
		if (strcmp(r->m->rules[i]->name, rule->name) == 0)
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

		if (!seen[n] || as_expected(expect, rule))
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
	if (as_expected(expect, NULL) || *failed)
		return;
	*failed = true;
	report_failure(r, expect, *roles ? roles : "(none)", NULL, NULL);
}

/* In one case. */
static enum err judge_set(struct run *r, const struct model_expect *expect, const char *roles,
	struct reading_set *set, enum flow_direction direction, bool *failed)
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
		if (direction == FLOW_FORWARD &&
			(!set_interfaces(
				 r, &box, FLOW_IN_ROLE, roles, expect->node, expect->in_role) ||
				!set_interfaces(r, &box, FLOW_OUT_ROLE, roles, expect->node,
					expect->out_role))) {
			judge_nothing(r, expect, roles, failed);
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
 * schedules that are on then, else those of the case; and the offers that it names.
 */
static enum err meant_case(struct run *r, const struct model_expect *expect,
	const struct circumstances *cases, size_t count, const struct circumstances *one,
	struct circumstances *ret)
{
	struct condition *on;
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		most += cases[i].count;
	on = arena_calloc(&r->arena, 2 * most + 1, sizeof *on);
	*ret = (struct circumstances){.on = on};
	if (!on)
		return no_memory(r);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < cases[i].count; k++) {
			const struct condition *c = &cases[i].on[k];

			if (c->kind == CONDITION_OFFER
					? is_offered(expect, c->name)
					: expect->has_time &&
						  policy_schedule_counts(c->schedule, expect->time,
							  NULL) == POLICY_COUNTS)
				on[ret->count++] = *c;
		}
	for (size_t k = 0; !expect->has_time && k < one->count; k++)
		if (one->on[k].kind == CONDITION_SCHEDULE)
			on[ret->count++] = one->on[k];
	return E_OK;
}

static enum err judge(struct run *r, const struct model_expect *expect, const char *roles,
	enum flow_direction direction, bool *failed)
{
	struct reading_set *set = reading_find(&r->reading, roles), *now;
	const struct circumstances *cases;
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
		code = judge_set(r, expect, roles, now, direction, failed);
		r->now = NULL;
	}
	return code;
}

static bool concerns(
	const struct model_expect *expect, const struct model_node *node, const char *roles)
{
	if (!node->has_key)
		return false;
	return expect->node ? expect->node == node : combination_has(roles, expect->role->name);
}

/* Each role combination once, in the order of the document. */
static enum err run_one(struct run *r, const struct model_expect *expect)
{
	static const enum flow_direction directions[] = {
		[EXPECT_IN] = FLOW_IN, [EXPECT_OUT] = FLOW_OUT, [EXPECT_FORWARD] = FLOW_FORWARD};
	const enum flow_direction direction = directions[expect->direction];
	const char **done = arena_calloc(&r->arena, r->reading.set_count + 2, sizeof *done);
	size_t done_count = 0;
	bool failed = false;
	enum err code = done ? E_OK : no_memory(r);

	for (size_t i = 0; i < r->m->node_count; i++) {
		const struct model_node *node = &r->m->nodes[i];
		size_t count = direction == FLOW_FORWARD ? 1 : node->interface_count;

		for (size_t k = 0; k < count && !code && !failed; k++) {
			const char *roles =
				direction == FLOW_FORWARD ? node->roles : node->interfaces[k].roles;
			bool known = !concerns(expect, node, roles);

			for (size_t n = 0; n < done_count; n++)
				known = known || strcmp(done[n], roles) == 0;
			if (known)
				continue;
			done[done_count++] = roles;
			code = judge(r, expect, roles, direction, &failed);
		}
	}
	if (!code && done_count == 0)
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
