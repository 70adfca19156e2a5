/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The actions of a rule: one or several steps, static or negotiated. */
#include "pib/policy/build.h"

enum { STEPS_MAX = 64 }; /* of one rule */

void policy_outcome(enum policy_strategy strategy, const struct policy_step *steps, size_t count,
	enum policy_action *ret_action, enum policy_demand *ret_demand)
{
	bool required = false, preferred = false, discards = false, bypasses = false;
	bool protects;

	for (size_t i = 0; i < count; i++) {
		switch (steps[i].kind) {
		case POLICY_STEP_BYPASS:
			bypasses = true;
			break;
		case POLICY_STEP_DISCARD:
		case POLICY_STEP_REJECT_IKE:
			discards = true;
			break;
		case POLICY_STEP_STATIC_SA:
			required = true;
			break;
		case POLICY_STEP_NEGOTIATE:
			if (steps[i].protection->demand == POLICY_REQUIRED)
				required = true;
			else
				preferred = true;
			break;
		}
		/* These cannot fail, so nothing behind them is tried. */
		if (strategy == POLICY_UNTIL_SUCCESS && (bypasses || discards || preferred))
			break;
	}
	protects = required || preferred;
	*ret_demand = required ? POLICY_REQUIRED : POLICY_PREFERRED;
	if (strategy == POLICY_DO_ALL) {
		*ret_action = discards ? POLICY_DISCARD : protects ? POLICY_PROTECT : POLICY_BYPASS;
		return;
	}
	*ret_action = protects ? POLICY_PROTECT : bypasses ? POLICY_BYPASS : POLICY_DISCARD;
	if (preferred || bypasses)
		*ret_demand = POLICY_PREFERRED;
}

/* ---- Static actions ---- */

/* 0 is for ever, on both sides. */
static uint64_t shorter(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

static enum err read_static_extension(
	struct build *b, const struct pri *pri, struct policy_static_sa *sa)
{
	struct pri ext;

	if (!build_extension(b, pri, PIB_copsecStaticAction, &ext))
		return E_OK;
	sa->udp = pri_i32(&ext, copsecStaticActionEncapsulation) ==
		  copsecStaticActionEncapsulation_udp;
	sa->esn = pri_bool(&ext, copsecStaticActionEsn);
	sa->fresh_keys = pri_bool(&ext, copsecStaticActionFreshKeys);
	return E_OK;
}

/* One transform with its keys, of any of the three kinds. */
static enum err read_static_transform(
	struct build *b, const struct pri *pri, struct policy_static_sa *sa)
{
	const struct secrecy none = {.keys = true};
	struct arena *arena = &b->policy->arena;
	struct policy_esp *esp = arena_calloc(arena, 1, sizeof *esp);
	struct policy_ah *ah = arena_calloc(arena, 1, sizeof *ah);
	struct policy_ipcomp *ipcomp = arena_calloc(arena, 1, sizeof *ipcomp);
	struct prid prid;
	struct pri transform;
	enum err err;

	if (!esp || !ah || !ipcomp)
		return build_no_memory(b);
	if (!pri_prid(pri, ipSecStaticActionSaTransformId, &prid))
		return refuse(b, pri, ipSecStaticActionSaTransformId, PIB_FAULT_REFERENCE,
			"the association has no transform that is known");
	err = build_follow(
		b, pri, ipSecStaticActionSaTransformId, prid.class->id, prid.instance, &transform);
	if (err)
		return err;
	switch ((int)prid.class->id) {
	case PIB_ipSecEspTransform:
		sa->esp = esp;
		return build_esp(b, &transform, &none, esp);
	case PIB_ipSecAhTransform:
		sa->ah = ah;
		return build_ah(b, &transform, &none, ah);
	case PIB_ipSecCompTransform:
		sa->ipcomp = ipcomp;
		return build_ipcomp(b, &transform, &none, ipcomp);
	default:
		return refuse(b, pri, ipSecStaticActionSaTransformId, PIB_FAULT_VALUE,
			"%s is no transform", prid.class->name);
	}
}

/* What the transform would propose as its lifetime limits a static association too. */
static void read_static_lifetime(const struct pri *pri, struct policy_static_sa *sa)
{
	uint32_t seconds = sa->esp  ? sa->esp->lifetime_seconds
			   : sa->ah ? sa->ah->lifetime_seconds
				    : sa->ipcomp->lifetime_seconds;
	uint64_t kilobytes = sa->esp  ? sa->esp->lifetime_kilobytes
			     : sa->ah ? sa->ah->lifetime_kilobytes
				      : sa->ipcomp->lifetime_kilobytes;

	sa->lifetime_seconds =
		(uint32_t)shorter(pri_u32(pri, ipSecStaticActionLifetimeSeconds), seconds);
	sa->lifetime_kilobytes =
		shorter(pri_u64(pri, ipSecStaticActionLifetimeKilobytes), kilobytes);
}

static enum err read_static_sa(
	struct build *b, const struct pri *pri, bool tunnel, const struct policy_static_sa **ret)
{
	struct policy_static_sa *sa = arena_calloc(&b->policy->arena, 1, sizeof *sa);
	bool endpoint = pri_u32(pri, ipSecStaticActionTunnelEndpointId) != 0;
	enum err err;

	if (!sa)
		return build_no_memory(b);
	sa->instance = pri->instance;
	sa->mode = tunnel ? POLICY_TUNNEL : POLICY_TRANSPORT;
	sa->endpoint.family = FLOW_ANY_FAMILY;
	sa->spi = pri_u32(pri, ipSecStaticActionSpi);
	if (tunnel != endpoint)
		return refuse(b, pri, ipSecStaticActionTunnelEndpointId, PIB_FAULT_VALUE,
			tunnel ? "a tunnel needs an endpoint"
			       : "transport mode has no tunnel endpoint");
	if (tunnel) {
		sa->df = (enum policy_df)pri_i32(pri, ipSecStaticActionDfHandling);
		err = build_single_address(
			b, pri, ipSecStaticActionTunnelEndpointId, &sa->endpoint);
		if (err)
			return err;
	}
	err = read_static_transform(b, pri, sa);
	if (!err)
		err = read_static_extension(b, pri, sa);
	if (err)
		return err;
	read_static_lifetime(pri, sa);
	*ret = sa;
	return E_OK;
}

static enum err read_static_step(
	struct build *b, uint32_t instance, const struct pri *from, struct policy_step *step)
{
	struct pri action, ext;
	int32_t what;
	enum err err = build_follow(
		b, from, ipSecActionSetActionId, PIB_ipSecStaticAction, instance, &action);

	if (err)
		return err;
	step->answer = POLICY_SILENCE;
	if (build_extension(b, &action, PIB_copsecStaticAction, &ext))
		step->answer = (enum policy_answer)pri_i32(&ext, copsecStaticActionAnswer);
	what = pri_i32(&action, ipSecStaticActionAction);
	switch (what) {
	case ipSecStaticActionAction_byPass:
		step->kind = POLICY_STEP_BYPASS;
		return E_OK;
	case ipSecStaticActionAction_discard:
		step->kind = POLICY_STEP_DISCARD;
		return E_OK;
	case ipSecStaticActionAction_ikeRejection:
		step->kind = POLICY_STEP_REJECT_IKE;
		return build_need(b, &action, ipSecStaticActionAction);
	default:
		step->kind = POLICY_STEP_STATIC_SA;
		err = build_need(b, &action, ipSecStaticActionAction);
		if (err)
			return err;
		return read_static_sa(
			b, &action, what == ipSecStaticActionAction_preConfiguredTunnel, &step->sa);
	}
}

/* ---- Steps ---- */

static const struct policy_protection *find_protection(const struct build *b, uint32_t instance)
{
	size_t low = 0;
	size_t high = b->policy->protection_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->policy->protections[middle].instance < instance)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == b->policy->protection_count || b->policy->protections[low].instance != instance)
		return NULL;
	return &b->policy->protections[low];
}

static enum err read_step(struct build *b, const struct pri *entry, struct policy_step *step)
{
	struct prid prid;

	step->instance = entry->instance;
	step->log_action = pri_bool(entry, ipSecActionSetDoActionLogging);
	step->log = pri_bool(entry, ipSecActionSetDoPacketLogging);
	if (!pri_prid(entry, ipSecActionSetActionId, &prid))
		return refuse(b, entry, ipSecActionSetActionId, PIB_FAULT_REFERENCE,
			"the action is of no class that is known");
	if (prid.class->id == PIB_ipSecStaticAction)
		return read_static_step(b, prid.instance, entry, step);
	if (prid.class->id != PIB_ipSecNegotiationAction)
		return refuse(b, entry, ipSecActionSetActionId, PIB_FAULT_VALUE_UNSUPPORTED,
			"%s is no action that is supported", prid.class->name);
	step->kind = POLICY_STEP_NEGOTIATE;
	step->protection = find_protection(b, prid.instance);
	/* A protection that is not there has been refused itself. */
	return step->protection ? E_OK : E_REFERENCE;
}

static enum err need_for_several(struct build *b, const struct pri *rule, enum policy_strategy how)
{
	enum err err = build_need(b, rule, ipSecRuleIpSecActionSetId);

	if (!err && how == POLICY_UNTIL_SUCCESS)
		err = build_need(b, rule, ipSecRuleActionExecutionStrategy);
	return err;
}

enum err build_steps(struct build *b, const struct pri *pri, struct policy_rule *rule)
{
	struct tag_list list =
		build_tag_list(&b->action_sets, pri_u32(pri, ipSecRuleIpSecActionSetId));
	struct policy_step *steps;
	enum err err;

	if (list.count == 0)
		return refuse(b, pri, ipSecRuleIpSecActionSetId, PIB_FAULT_REFERENCE,
			"the rule has no action");
	if (list.count > STEPS_MAX)
		return refuse(b, pri, ipSecRuleIpSecActionSetId, PIB_FAULT_SPACE,
			"more than %d actions", STEPS_MAX);
	steps = arena_calloc(&b->policy->arena, list.count, sizeof *steps);
	if (!steps)
		return build_no_memory(b);
	err = build_strategy(b, pri, ipSecRuleActionExecutionStrategy, &rule->strategy);
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry;

		err = build_follow(b, pri, ipSecRuleIpSecActionSetId, PIB_ipSecActionSet,
			list.items[i].instance, &entry);
		if (!err)
			err = read_step(b, &entry, &steps[i]);
		rule->log_action = rule->log_action || steps[i].log_action;
		rule->log = rule->log || steps[i].log;
		if (!rule->protection)
			rule->protection = steps[i].protection;
	}
	if (!err && list.count > 1)
		err = need_for_several(b, pri, rule->strategy);
	if (err)
		return err;
	rule->steps = steps;
	rule->step_count = list.count;
	policy_outcome(rule->strategy, steps, list.count, &rule->action, &rule->demand);
	if (rule->action != POLICY_PROTECT)
		rule->protection = NULL;
	return E_OK;
}
