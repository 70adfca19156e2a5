/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/converter.h"

#include <stdlib.h>
#include <string.h>

static void set_direction(const struct policy_rule *compiled, struct rule *rule)
{
	const bool both = compiled->direction == POLICY_BOTH_DIRECTIONS;

	if (compiled->forward) {
		rule->forward = true;
		rule->forward_both = both;
	} else if (both) {
		rule->both = true;
	} else {
		rule->in = rule->in || compiled->direction == POLICY_IN;
		rule->out = rule->out || compiled->direction == POLICY_OUT;
	}
}

static bool same_limit(const struct policy_limit *a, const struct policy_limit *b)
{
	return a->count == b->count && a->seconds == b->seconds && a->burst == b->burst &&
	       a->scope == b->scope;
}

/* But for its directions, and the sets that have it. */
static bool same_rule(const struct rule *a, const struct rule *b)
{
	return convert_same_text(a->from, b->from) && convert_same_text(a->to, b->to) &&
	       convert_same_text(a->service, b->service) && convert_same_text(a->dscp, b->dscp) &&
	       a->action == b->action && convert_same_text(a->protections, b->protections) &&
	       convert_same_text(a->via, b->via) && a->log == b->log && a->shadow == b->shadow &&
	       convert_same_text(a->schedule, b->schedule) &&
	       convert_same_text(a->offer, b->offer) && a->stateful == b->stateful && same_limit(&a->rate, &b->rate) &&
	       same_limit(&a->connections, &b->connections);
}

static struct rule *find_rule(struct converter *c, const char *name)
{
	for (size_t i = c->rule_count; i > 0; i--)
		if (strcmp(c->rules[i - 1].name, name) == 0)
			return &c->rules[i - 1];
	return NULL;
}

static enum err follow(struct converter *c, size_t first, size_t second)
{
	if (c->follow_count == c->follow_capacity) {
		size_t capacity = c->follow_capacity ? 2 * c->follow_capacity : 1024;
		size_t *more = realloc(c->follows, 2 * capacity * sizeof *more);

		if (!more)
			return convert_no_memory(c);
		c->follows = more;
		c->follow_capacity = capacity;
	}
	c->follows[2 * c->follow_count] = first;
	c->follows[2 * c->follow_count + 1] = second;
	c->follow_count++;
	return E_OK;
}

static enum err add_rule(
	struct set_reader *s, const struct policy_rule *compiled, struct rule **ret)
{
	struct converter *c = s->c;
	struct rule read = {.name = arena_strdup(&c->arena, compiled->name),
		.log = compiled->log,
		.shadow = compiled->shadow,
		.stateful = compiled->stateful,
		.rate = compiled->rate,
		.connections = compiled->connections,
		.in_role = arena_strdup(&c->arena, compiled->in_role),
		.out_role = arena_strdup(&c->arena, compiled->out_role)};
	struct rule *rule;
	enum err code;

	if (!read.name || !read.in_role || !read.out_role)
		return convert_no_memory(c);
	if (compiled->auto_start || compiled->log_action != compiled->log)
		return convert_refuse(s, read.name, "it starts or logs negotiations");
	if (compiled->ipso_count)
		return convert_refuse(s, read.name, "it says more than a rule of the language can");
	code = convert_read_selectors(s, compiled->instance, &read);
	if (!code)
		code = convert_read_action(s, compiled, &read);
	if (!code)
		code = convert_read_conditions(s, compiled, &read);
	if (code)
		return code;
	rule = find_rule(c, read.name);
	if (!rule && c->rule_count == CONVERT_RULES_MAX)
		return error_set(c->e, E_LIMIT, "more than %d rules", CONVERT_RULES_MAX);
	if (!rule) {
		rule = &c->rules[c->rule_count++];
		*rule = read;
		rule->sets = arena_calloc(&c->arena, c->bundle->set_count + 1, sizeof *rule->sets);
		if (!rule->sets)
			return convert_no_memory(c);
	} else if (!same_rule(rule, &read)) {
		return convert_refuse(s, read.name, "another rule has the same name");
	}
	if (compiled->forward) {
		rule->in_role = read.in_role;
		rule->out_role = read.out_role;
	}
	set_direction(compiled, rule);
	*ret = rule;
	return E_OK;
}

static enum err read_rules(struct set_reader *s)
{
	struct converter *c = s->c;
	struct rule *before = NULL, *rule = NULL;
	enum err code = E_OK;

	for (size_t i = 0; i < s->policy->rule_count && !code; i++) {
		code = add_rule(s, &s->policy->rules[i], &rule);
		if (code || rule == before)
			continue;
		if (rule->sets[s->which])
			return convert_refuse(s, rule->name, "it stands in two places");
		rule->sets[s->which] = true;
		if (before)
			code = follow(c, (size_t)(before - c->rules), (size_t)(rule - c->rules));
		before = rule;
	}
	return code;
}

enum err convert_read_set(struct converter *c, size_t which)
{
	struct set_reader s = {.c = c, .which = which};
	struct pri_failures failures;
	enum err code;

	pri_failures_init(&failures);
	code = pri_store_build(&c->bundle->sets[which].rows, 1, &s.store, &failures, c->e);
	if (!code)
		code = policy_new(s.store, &s.policy, &failures, c->e);
	if (!code)
		code = convert_read_members(&s);
	if (!code)
		code = convert_read_groups(&s);
	if (!code)
		code = read_rules(&s);
	policy_free(s.policy);
	pri_store_free(s.store);
	return code;
}
