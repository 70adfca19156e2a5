/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A policy of 10,000 rules takes about 6 MiB; this is against those that grow without end. */
enum { ARENA_MAX = 1 << 29 };

enum err refuse(struct build *b, const struct pri *pri, unsigned attribute,
	enum pib_fault_kind kind, const char *format, ...)
{
	struct pib_fault fault = {.kind = kind, .attribute = (uint8_t)attribute};
	struct prid prid = {pri->class, pri->instance};
	char place[PRID_TEXT_SIZE];
	char text[ERROR_TEXT_SIZE];
	enum err err = pib_fault_err(kind);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	prid_format(&prid, place);
	pri_failures_add_prid(b->failures, fault, &prid, "%s: %s", place, text);
	if (!b->err) {
		b->err = err;
		error_set(b->error, err, "%s: %s", place, text);
	}
	return err;
}

enum err build_no_memory(struct build *b)
{
	b->err = error_set(b->error, E_MEMORY, "no memory for the policy");
	return E_MEMORY;
}

enum err build_text(struct build *b, const struct pri *pri, unsigned attribute, const char **ret)
{
	struct view text = pri_octets(pri, attribute);
	struct view copy;

	if (text.len && memchr(text.data, 0, text.len))
		return refuse(b, pri, attribute, PIB_FAULT_VALUE, "the text has a NUL in it");
	copy = arena_copy(&b->policy->arena, text.len ? text : VIEW("", 0));
	if (!copy.data)
		return build_no_memory(b);
	*ret = (const char *)copy.data;
	return E_OK;
}

enum err build_name(struct build *b, const char *what, uint32_t number, const char **ret)
{
	char name[48];
	char *copy;

	snprintf(name, sizeof name, "%s-%u", what, (unsigned)number);
	copy = arena_strdup(&b->policy->arena, name);
	if (!copy)
		return build_no_memory(b);
	*ret = copy;
	return E_OK;
}

enum err build_follow(struct build *b, const struct pri *from, unsigned attribute,
	enum pib_class_id class, uint32_t instance, struct pri *ret)
{
	if (pri_store_get(b->store, class, instance, ret))
		return E_OK;
	return refuse(b, from, attribute, PIB_FAULT_REFERENCE, "there is no %s.%u",
		pib_class(class)->name, (unsigned)instance);
}

/* What nothing here can enforce yet, unless it is left to its default. */
static const struct unsupported {
	enum pib_class_id class;
	unsigned attribute;
	const char *what;
} unsupported[] = {
	{PIB_copsecRule, copsecRuleShadow, "a rule that only counts"},
	{PIB_copsecRule, copsecRuleRate, "a limit of new flows"},
	{PIB_copsecRule, copsecRuleRateUnit, "a limit of new flows"},
	{PIB_copsecRule, copsecRuleRateBurst, "a limit of new flows"},
	{PIB_copsecRule, copsecRuleRateScope, "a limit of new flows"},
	{PIB_copsecRule, copsecRuleConnections, "a limit of flows"},
	{PIB_copsecRule, copsecRuleConnectionScope, "a limit of flows"},
	{PIB_copsecRule, copsecRuleOfferId, "an offer"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionLeast,
		"a protection of another rung than authenticated"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionRatchet,
		"a protection that may be given up"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionAsk, "asking the PDP"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionJitter, "waiting before initiating"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionEncapsulation,
		"encapsulation in UDP for everything"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionDscp,
		"another DSCP outside of a tunnel"},
	{PIB_copsecIkeProposal, copsecIkeProposalAdditionalGroup, "a second key exchange"},
	{PIB_copsecEspTransform, copsecEspTransformAdditionalGroup, "a second key exchange"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationPeerAuthentication,
		"another authentication of the peer"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationDpdSeconds,
		"another time until a silent peer is asked"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationMobike, "a peer that must stay where it is"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationReauthenticationSeconds,
		"authenticating anew"},
};
enum { UNSUPPORTED_COUNT = sizeof unsupported / sizeof *unsupported };

bool policy_supports_attribute(enum pib_class_id class, unsigned attribute)
{
	for (size_t i = 0; i < UNSUPPORTED_COUNT; i++)
		if (unsupported[i].class == class && unsupported[i].attribute == attribute)
			return false;
	return true;
}

bool build_extension(
	struct build *b, const struct pri *base, enum pib_class_id class, struct pri *ret)
{
	if (!pri_store_get(b->store, class, base->instance, ret))
		return false;
	for (size_t i = 0; i < UNSUPPORTED_COUNT; i++)
		if (unsupported[i].class == class && !pri_is_default(ret, unsupported[i].attribute))
			refuse(b, ret, unsupported[i].attribute, PIB_FAULT_VALUE_UNSUPPORTED,
				"%s is not supported", unsupported[i].what);
	return true;
}

static int compare_tagged(const void *a, const void *b)
{
	const struct tagged *x = a;
	const struct tagged *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->instance < y->instance ? -1 : x->instance > y->instance;
}

/* All rows of a class: how many, and those of them that decode. */
static enum err collect(struct build *b, enum pib_class_id class, unsigned tag, unsigned order,
	struct tag_list *ret)
{
	struct pri_cursor c = pri_store_class(b->store, class);
	struct tagged *items;
	struct pri_row row;
	size_t count = 0;
	size_t at = 0;

	while (pri_store_next(&c, &row))
		count++;
	items = arena_calloc(&b->policy->arena, count + 1, sizeof *items);
	if (!items)
		return build_no_memory(b);
	c = pri_store_class(b->store, class);
	while (at < count && pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct error error;
		struct pri pri;

		if (pri_row_decode(&row, &pri, &fault, &error)) {
			pri_failures_add(b->failures, fault, row.prid_contents, "%s", error.text);
			if (!b->err) {
				b->err = error.code;
				*b->error = error;
			}
			return error.code;
		}
		items[at++] = (struct tagged){
			.tag = tag ? pri_u32(&pri, tag) : 0,
			.order = order ? pri_u32(&pri, order) : 0,
			.instance = pri.instance,
		};
	}
	qsort(items, at, sizeof *items, compare_tagged);
	*ret = (struct tag_list){items, at};
	return E_OK;
}

struct tag_list build_tag_list(const struct tag_list *all, uint32_t tag)
{
	size_t low = 0;
	size_t high = all->count;
	size_t end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->items[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < all->count && all->items[end].tag == tag; end++)
		;
	return (struct tag_list){all->items + low, end - low};
}

static const struct collection {
	enum pib_class_id class;
	unsigned tag;
	unsigned order;
	size_t list;
} collections[] = {
	{PIB_ipSecSelectorSet, ipSecSelectorSetSelectorSetId, ipSecSelectorSetOrder,
		offsetof(struct build, selector_sets)},
	{PIB_ipSecActionSet, ipSecActionSetActionSetId, ipSecActionSetOrder,
		offsetof(struct build, action_sets)},
	{PIB_ipSecProposalSet, ipSecProposalSetProposalSetId, ipSecProposalSetOrder,
		offsetof(struct build, proposal_sets)},
	{PIB_ipSecEspTransformSet, ipSecEspTransformSetTransformSetId, ipSecEspTransformSetOrder,
		offsetof(struct build, esp_sets)},
	{PIB_ipSecIkeProposalSet, ipSecIkeProposalSetProposalSetId, ipSecIkeProposalSetOrder,
		offsetof(struct build, ike_sets)},
};

/* What a set may hold; of everything else a row is refused as a whole. Where another row needs
 * such a class, that is refused too, with the attribute. */
static const struct supported {
	enum pib_class_id class;
	const char *missing; /* NULL: supported */
} supported[] = {
	{PIB_ipSecRule, NULL},
	{PIB_ipSecActionSet, NULL},
	{PIB_ipSecStaticAction, NULL},
	{PIB_ipSecNegotiationAction, NULL},
	{PIB_ipSecAssociation, NULL},
	{PIB_ipSecProposalSet, NULL},
	{PIB_ipSecProposal, NULL},
	{PIB_ipSecEspTransformSet, NULL},
	{PIB_ipSecEspTransform, NULL},
	{PIB_ipSecIkeAssociation, NULL},
	{PIB_ipSecIkeProposalSet, NULL},
	{PIB_ipSecIkeProposal, NULL},
	{PIB_ipSecIkePeerEndpoint, NULL},
	{PIB_ipSecSelectorSet, NULL},
	{PIB_ipSecSelector, NULL},
	{PIB_ipSecAddress, NULL},
	{PIB_ipSecL4Port, NULL},
	{PIB_copsecRule, NULL},
	{PIB_copsecSelector, NULL},
	{PIB_copsecNegotiationAction, NULL},
	{PIB_copsecIkeProposal, NULL},
	{PIB_copsecEspTransform, NULL},
	{PIB_copsecIkeAssociation, NULL},
	{PIB_ipSecAhTransformSet, "AH is not supported"},
	{PIB_ipSecAhTransform, "AH is not supported"},
	{PIB_ipSecCompTransformSet, "compression is not supported"},
	{PIB_ipSecCompTransform, "compression is not supported"},
	{PIB_ipSecIkeRule, "several IKE actions for one rule are not supported"},
	{PIB_ipSecIkeActionSet, "several IKE actions for one rule are not supported"},
	{PIB_ipSecCredentialSet, "criteria for credentials are not supported"},
	{PIB_ipSecCredential, "criteria for credentials are not supported"},
	{PIB_ipSecCredentialFields, "criteria for credentials are not supported"},
	{PIB_ipSecIpsoFilterSet, "IP security options are not supported"},
	{PIB_ipSecIpsoFilter, "IP security options are not supported"},
	{PIB_ipSecRuleTimePeriod, "times of validity are not supported"},
	{PIB_ipSecRuleTimePeriodSet, "times of validity are not supported"},
};
enum { SUPPORTED_COUNT = sizeof supported / sizeof *supported };

bool policy_supports(enum pib_class_id class)
{
	for (size_t i = 0; i < SUPPORTED_COUNT; i++)
		if (supported[i].class == class)
			return !supported[i].missing;
	return false;
}

static void refuse_classes(struct build *b)
{
	struct pri_cursor c = pri_store_all(b->store);
	struct pri_row row;

	while (pri_store_next(&c, &row)) {
		const struct pri pri = {.class = row.prid.class, .instance = row.prid.instance};
		const char *missing = "has no place in a policy set";

		for (size_t i = 0; i < SUPPORTED_COUNT; i++)
			if (supported[i].class == row.prid.class->id)
				missing = supported[i].missing;
		if (missing)
			refuse(b, &pri, 0, PIB_FAULT_CLASS, "%s", missing);
	}
}

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

static enum err static_action(
	struct build *b, uint32_t instance, const struct pri *from, enum policy_action *ret)
{
	struct pri action;
	enum err err = build_follow(
		b, from, ipSecActionSetActionId, PIB_ipSecStaticAction, instance, &action);

	if (err)
		return err;
	switch (pri_i32(&action, ipSecStaticActionAction)) {
	case ipSecStaticActionAction_byPass:
		*ret = POLICY_BYPASS;
		return E_OK;
	case ipSecStaticActionAction_discard:
		*ret = POLICY_DISCARD;
		return E_OK;
	case ipSecStaticActionAction_ikeRejection:
		return refuse(b, &action, ipSecStaticActionAction, PIB_FAULT_ENUM_UNSUPPORTED,
			"rejection of IKE alone is not supported");
	default:
		return refuse(b, &action, ipSecStaticActionAction, PIB_FAULT_ENUM_UNSUPPORTED,
			"security associations without key exchange are not supported");
	}
}

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

static enum err read_action(struct build *b, const struct pri *pri, struct policy_rule *rule)
{
	struct tag_list list =
		build_tag_list(&b->action_sets, pri_u32(pri, ipSecRuleIpSecActionSetId));
	struct pri entry;
	struct prid prid;
	enum err err;

	if (list.count == 0)
		return refuse(b, pri, ipSecRuleIpSecActionSetId, PIB_FAULT_REFERENCE,
			"the rule has no action");
	if (list.count > 1 && pri_i32(pri, ipSecRuleActionExecutionStrategy) ==
				      ipSecRuleActionExecutionStrategy_doUntilSuccess)
		return refuse(b, pri, ipSecRuleActionExecutionStrategy, PIB_FAULT_ENUM_UNSUPPORTED,
			"trying one action after the other is not supported");
	if (list.count > 1)
		return refuse(b, pri, ipSecRuleIpSecActionSetId, PIB_FAULT_VALUE_UNSUPPORTED,
			"more than one action is not supported");
	err = build_follow(b, pri, ipSecRuleIpSecActionSetId, PIB_ipSecActionSet,
		list.items[0].instance, &entry);
	if (err)
		return err;
	rule->log_action = pri_bool(&entry, ipSecActionSetDoActionLogging);
	if (pri_bool(&entry, ipSecActionSetDoPacketLogging))
		rule->log = true;
	if (!pri_prid(&entry, ipSecActionSetActionId, &prid))
		return refuse(b, &entry, ipSecActionSetActionId, PIB_FAULT_REFERENCE,
			"the action is of no class that is known");
	if (prid.class->id == PIB_ipSecStaticAction)
		return static_action(b, prid.instance, &entry, &rule->action);
	if (prid.class->id != PIB_ipSecNegotiationAction)
		return refuse(b, &entry, ipSecActionSetActionId, PIB_FAULT_VALUE_UNSUPPORTED,
			"%s is no action that is supported", prid.class->name);
	rule->action = POLICY_PROTECT;
	rule->protection = find_protection(b, prid.instance);
	/* A protection that is not there has been refused itself. */
	return rule->protection ? E_OK : E_REFERENCE;
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
	if (!err && pri_u32(pri, ipSecRuleIpSecIpsoFilterSetId))
		err = refuse(b, pri, ipSecRuleIpSecIpsoFilterSetId, PIB_FAULT_VALUE_UNSUPPORTED,
			"IP security options are not supported");
	if (!err && pri_u32(pri, ipSecRuleIpSecRuleTimePeriodGroupId))
		err = refuse(b, pri, ipSecRuleIpSecRuleTimePeriodGroupId,
			PIB_FAULT_VALUE_UNSUPPORTED, "times of validity are not supported");
	if (!err)
		err = read_extension(b, pri, rule);
	if (!err)
		err = read_action(b, pri, rule);
	if (!err)
		err = build_matches(b, pri, rule->number, rule);
	return err;
}

/* Rules by Order; each is tried, so that all that is wrong is told at once. */
static enum err build_rules(struct build *b)
{
	struct tag_list order = {NULL, 0};
	enum err err = collect(b, PIB_ipSecRule, 0, ipSecRuleOrder, &order);

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

enum err policy_new(const struct pri_store *store, struct policy **ret,
	struct pri_failures *failures, struct error *error)
{
	struct build b = {.store = store, .failures = failures, .error = error};
	enum err err = E_OK;

	b.policy = calloc(1, sizeof *b.policy);
	if (!b.policy)
		return error_set(error, E_MEMORY, "no memory for the policy");
	arena_init(&b.policy->arena, ARENA_MAX);
	refuse_classes(&b);
	for (size_t i = 0; i < sizeof collections / sizeof *collections && !err; i++)
		err = collect(&b, collections[i].class, collections[i].tag, collections[i].order,
			(struct tag_list *)(void *)((char *)&b + collections[i].list));
	if (!err)
		err = build_groups(&b);
	if (!err)
		err = policy_build_protections(&b);
	if (!err)
		err = build_rules(&b);
	if (b.err) {
		policy_free(b.policy);
		return b.err;
	}
	*ret = b.policy;
	return E_OK;
}

struct policy *policy_free(struct policy *policy)
{
	if (policy) {
		for (size_t i = 0; i < policy->protection_count; i++) {
			const struct policy_ike *ike = policy->protections[i].ike;

			if (ike && ike->preshared_key.len)
				explicit_bzero((void *)(uintptr_t)ike->preshared_key.data,
					ike->preshared_key.len);
		}
		arena_fini(&policy->arena);
		free(policy);
	}
	return NULL;
}
