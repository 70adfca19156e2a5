/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules, and what COPSEC-PIB lets them refer to: offers. */
#include "pib/policy/build.h"

#include <string.h>

/* ---- Offers ---- */

static enum err read_offer(struct build *b, const struct pri *pri, struct policy_offer *ret)
{
	enum err err;

	ret->instance = pri->instance;
	ret->longest_seconds = pri_u32(pri, copsecOfferLongest);
	ret->usual_seconds = pri_u32(pri, copsecOfferUsual);
	ret->across_boot = pri_bool(pri, copsecOfferAcrossBoot);
	if (ret->longest_seconds && ret->usual_seconds > ret->longest_seconds)
		return refuse(b, pri, copsecOfferUsual, PIB_FAULT_VALUE,
			"usually on for %u s, but for %u s at most", (unsigned)ret->usual_seconds,
			(unsigned)ret->longest_seconds);
	err = build_text(b, pri, copsecOfferName, &ret->name);
	return err ? err : build_text(b, pri, copsecOfferAbout, &ret->about);
}

enum err build_offers(struct build *b)
{
	struct tag_list list = {NULL, 0};
	struct policy_offer *offers;
	enum err err = build_collect(b, PIB_copsecOffer, 0, 0, &list);

	if (err)
		return err;
	offers = arena_calloc(&b->policy->arena, list.count + 1, sizeof *offers);
	if (!offers)
		return build_no_memory(b);
	b->policy->offers = offers;
	b->policy->offer_count = list.count;
	for (size_t i = 0; i < list.count; i++) {
		struct pri pri;

		if (!pri_store_get(b->store, PIB_copsecOffer, list.items[i].instance, &pri))
			continue;
		err = read_offer(b, &pri, &offers[i]);
		if (build_stops(err))
			return err;
	}
	return E_OK;
}

static enum err find_offer(struct build *b, const struct pri *pri, const struct policy_offer **ret)
{
	uint32_t instance = pri_u32(pri, copsecRuleOfferId);

	if (!instance)
		return E_OK;
	for (size_t i = 0; i < b->policy->offer_count; i++) {
		if (b->policy->offers[i].instance == instance) {
			*ret = &b->policy->offers[i];
			return E_OK;
		}
	}
	return refuse(b, pri, copsecRuleOfferId, PIB_FAULT_REFERENCE, "there is no copsecOffer.%u",
		(unsigned)instance);
}

/* ---- Rules ---- */

/* A set serves one capability set and one role combination: those of its first rule. */
static enum err take_roles(struct build *b, const struct pri *rule)
{
	struct policy *policy = b->policy;
	const char *capability_set;
	const char *roles;
	enum err err;

	err = build_text(b, rule, ipSecRuleRoles, &roles);
	if (!err)
		err = build_text(b, rule, ipSecRuleIfCapSetName, &capability_set);
	if (err)
		return err;
	if (!policy->roles) {
		policy->roles = roles;
		policy->capability_set = capability_set;
	}
	if (strcmp(roles, policy->roles) != 0)
		return refuse(b, rule, ipSecRuleRoles, PIB_FAULT_VALUE,
			"other rules of the set are for the roles \"%s\"", policy->roles);
	if (strcmp(capability_set, policy->capability_set) != 0)
		return refuse(b, rule, ipSecRuleIfCapSetName, PIB_FAULT_VALUE,
			"other rules of the set are for the capability set \"%s\"",
			policy->capability_set);
	return E_OK;
}

static void read_limits(const struct pri *pri, struct policy_rule *rule)
{
	static const uint32_t units[] = {
		[copsecRuleRateUnit_second] = 1,
		[copsecRuleRateUnit_minute] = 60,
		[copsecRuleRateUnit_hour] = 60 * 60,
		[copsecRuleRateUnit_day] = 24 * 60 * 60,
	};

	rule->rate = (struct policy_limit){
		.count = pri_u32(pri, copsecRuleRate),
		.seconds = units[pri_i32(pri, copsecRuleRateUnit)],
		.burst = pri_u32(pri, copsecRuleRateBurst),
		.scope = (enum policy_scope)pri_i32(pri, copsecRuleRateScope),
	};
	rule->connections = (struct policy_limit){
		.count = pri_u32(pri, copsecRuleConnections),
		.scope = (enum policy_scope)pri_i32(pri, copsecRuleConnectionScope),
	};
}

/* What EXTENDS adds to a rule; without it a rule judges the node's own packets, with state. */
static enum err read_extension(struct build *b, const struct pri *pri, struct policy_rule *rule)
{
	struct pri extension;
	enum err err;

	rule->stateful = true;
	rule->name = rule->in_role = rule->out_role = "";
	if (build_extension(b, pri, PIB_copsecRule, &extension)) {
		err = build_text(b, &extension, copsecRuleName, &rule->name);
		if (!err)
			err = build_text(b, &extension, copsecRuleInRole, &rule->in_role);
		if (!err)
			err = build_text(b, &extension, copsecRuleOutRole, &rule->out_role);
		if (err)
			return err;
		rule->forward = pri_bool(&extension, copsecRuleForward);
		rule->stateful = pri_bool(&extension, copsecRuleStateful);
		rule->log = pri_bool(&extension, copsecRuleLog);
		rule->shadow = pri_bool(&extension, copsecRuleShadow);
		read_limits(&extension, rule);
		err = find_offer(b, &extension, &rule->offer);
		if (err)
			return err;
		if (!rule->forward && (*rule->in_role || *rule->out_role))
			return refuse(b, &extension,
				*rule->in_role ? copsecRuleInRole : copsecRuleOutRole,
				PIB_FAULT_VALUE,
				"only a forward rule names the roles of two interfaces");
	}
	if (!*rule->name)
		return build_name(b, "rule", rule->order, &rule->name);
	return E_OK;
}

static enum err read_rule(struct build *b, const struct pri *pri, struct policy_rule *rule)
{
	enum err err;

	rule->instance = pri->instance;
	rule->order = pri_u32(pri, ipSecRuleOrder);
	rule->direction = (enum policy_rule_direction)pri_i32(pri, ipSecRuleDirection);
	rule->initiator = POLICY_BOTH;
	if (pri_has(pri, ipSecRuleLimitNegotiation))
		rule->initiator = (enum policy_initiator)pri_i32(pri, ipSecRuleLimitNegotiation);
	rule->auto_start = pri_bool(pri, ipSecRuleAutoStart);

	err = take_roles(b, pri);
	if (!err)
		err = build_ipso(b, pri, rule);
	if (!err)
		err = build_schedule(b, pri, ipSecRuleIpSecRuleTimePeriodGroupId, &rule->schedule);
	if (!err)
		err = read_extension(b, pri, rule);
	if (!err)
		err = build_steps(b, pri, rule);
	if (!err)
		err = build_matches(b, pri, rule->number, rule);
	return err;
}

/* Rules by Order; each is tried, so that all that is wrong is told at once. */
enum err policy_build_rules(struct build *b)
{
	struct tag_list order = {NULL, 0};
	enum err err = build_collect(b, PIB_ipSecRule, 0, ipSecRuleOrder, &order);

	if (err)
		return err;
	if (order.count > POLICY_RULES_MAX)
		return b->err = error_set(b->error, E_LIMIT, "%zu rules, at most %d are supported",
			       order.count, POLICY_RULES_MAX);
	b->rules = arena_calloc(&b->policy->arena, order.count + 1, sizeof *b->rules);
	if (!b->rules)
		return build_no_memory(b);
	for (size_t i = 0; i < order.count; i++) {
		struct pri pri;

		b->rules[i].number = (uint32_t)i + 1;
		if (!pri_store_get(b->store, PIB_ipSecRule, order.items[i].instance, &pri))
			continue;
		err = read_rule(b, &pri, &b->rules[i]);
		if (build_stops(err))
			return err;
	}
	b->policy->rules = b->rules;
	b->policy->rule_count = order.count;
	if (!b->policy->roles)
		b->policy->roles = b->policy->capability_set = "";
	return E_OK;
}
