/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/needs.h"

#include "pib/policy/build.h"

/* What a set may hold. */
static const struct held {
	enum pib_class_id class;
	bool need; /* an instance is a need in itself */
} held[] = {
	{PIB_ipSecRule, false},
	{PIB_ipSecActionSet, false},
	{PIB_ipSecStaticAction, false},
	{PIB_ipSecNegotiationAction, false},
	{PIB_ipSecAssociation, false},
	{PIB_ipSecProposalSet, false},
	{PIB_ipSecProposal, false},
	{PIB_ipSecEspTransformSet, false},
	{PIB_ipSecEspTransform, false},
	{PIB_ipSecAhTransformSet, true},
	{PIB_ipSecAhTransform, true},
	{PIB_ipSecCompTransformSet, true},
	{PIB_ipSecCompTransform, true},
	{PIB_ipSecIkeRule, true},
	{PIB_ipSecIkeActionSet, true},
	{PIB_ipSecIkeAssociation, false},
	{PIB_ipSecIkeProposalSet, false},
	{PIB_ipSecIkeProposal, false},
	{PIB_ipSecIkePeerEndpoint, false},
	{PIB_ipSecCredentialSet, true},
	{PIB_ipSecCredential, true},
	{PIB_ipSecCredentialFields, true},
	{PIB_ipSecSelectorSet, false},
	{PIB_ipSecSelector, false},
	{PIB_ipSecAddress, false},
	{PIB_ipSecL4Port, false},
	{PIB_ipSecIpsoFilterSet, true},
	{PIB_ipSecIpsoFilter, true},
	{PIB_ipSecRuleTimePeriod, true},
	{PIB_ipSecRuleTimePeriodSet, true},
	{PIB_copsecRule, false},
	{PIB_copsecSelector, false},
	{PIB_copsecNegotiationAction, false},
	{PIB_copsecIkeProposal, false},
	{PIB_copsecEspTransform, false},
	{PIB_copsecIkeAssociation, false},
	{PIB_copsecGroup, true},
	{PIB_copsecGroupMember, true},
	{PIB_copsecPeer, true},
	{PIB_copsecPeerKey, true},
	{PIB_copsecSecret, true},
	{PIB_copsecOffer, true},
	{PIB_copsecTimePeriod, true},
	{PIB_copsecStaticAction, true},
	{PIB_copsecAhTransform, true},
	{PIB_copsecCredential, true},
	{PIB_copsecEvidence, true},
};
enum { HELD_COUNT = sizeof held / sizeof *held };

/* Attributes that need something if they have another value than their default, or than nothing. */
static const struct asking {
	enum pib_class_id class;
	uint8_t attribute;
} asking[] = {
	{PIB_ipSecRule, ipSecRuleIpSecIpsoFilterSetId},
	{PIB_ipSecRule, ipSecRuleIpSecRuleTimePeriodGroupId},
	{PIB_ipSecAssociation, ipSecAssociationMinLifetimeSeconds},
	{PIB_ipSecAssociation, ipSecAssociationMinLifetimeKilobytes},
	{PIB_ipSecProposal, ipSecProposalAhTransformSetId},
	{PIB_ipSecProposal, ipSecProposalCompTransformSetId},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationMinLiftetimeSeconds},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationMinLifetimeKilobytes},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationIdleDurationSeconds},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationVendorId},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationLocalCredentialId},
	{PIB_ipSecIkePeerEndpoint, ipSecIkePeerEndpointCredentialSetId},
	{PIB_ipSecIkeProposal, ipSecIkeProposalMaxLifetimeKilobytes},
	{PIB_copsecRule, copsecRuleShadow},
	{PIB_copsecRule, copsecRuleRate},
	{PIB_copsecRule, copsecRuleRateUnit},
	{PIB_copsecRule, copsecRuleRateBurst},
	{PIB_copsecRule, copsecRuleRateScope},
	{PIB_copsecRule, copsecRuleConnections},
	{PIB_copsecRule, copsecRuleConnectionScope},
	{PIB_copsecRule, copsecRuleOfferId},
	{PIB_copsecNegotiationAction, copsecNegotiationActionLeast},
	{PIB_copsecNegotiationAction, copsecNegotiationActionRatchet},
	{PIB_copsecNegotiationAction, copsecNegotiationActionAsk},
	{PIB_copsecNegotiationAction, copsecNegotiationActionJitter},
	{PIB_copsecNegotiationAction, copsecNegotiationActionEncapsulation},
	{PIB_copsecNegotiationAction, copsecNegotiationActionDscp},
	{PIB_copsecIkeProposal, copsecIkeProposalAdditionalGroup},
	{PIB_copsecEspTransform, copsecEspTransformAdditionalGroup},
	{PIB_copsecIkeAssociation, copsecIkeAssociationPeerAuthentication},
	{PIB_copsecIkeAssociation, copsecIkeAssociationDpdSeconds},
	{PIB_copsecIkeAssociation, copsecIkeAssociationMobike},
	{PIB_copsecIkeAssociation, copsecIkeAssociationReauthenticationSeconds},
};
enum { ASKING_COUNT = sizeof asking / sizeof *asking };

static const struct held *find_held(enum pib_class_id class)
{
	for (size_t i = 0; i < HELD_COUNT; i++)
		if (held[i].class == class)
			return &held[i];
	return NULL;
}

bool policy_holds(enum pib_class_id class)
{
	return find_held(class) != NULL;
}

bool policy_is_need(enum pib_class_id class, unsigned attribute)
{
	const struct held *h = find_held(class);

	if (attribute == 0)
		return h && h->need;
	for (size_t i = 0; i < ASKING_COUNT; i++)
		if (asking[i].class == class && asking[i].attribute == attribute)
			return true;
	return false;
}

static bool asks_for_something(const struct pri *pri, unsigned attribute)
{
	const struct pib_attribute *a = pib_attribute(pri->class, attribute);

	if (a->has_default)
		return !pri_is_default(pri, attribute);
	if (!pri_has(pri, attribute))
		return false;
	if (a->syntax == PIB_OCTETS)
		return pri_octets(pri, attribute).len != 0;
	return a->syntax == PIB_UNSIGNED64 ? pri_u64(pri, attribute) != 0
					   : pri_u32(pri, attribute) != 0;
}

enum err build_need(struct build *b, const struct pri *pri, unsigned attribute)
{
	struct policy_need *needs;

	if (b->need_count == b->need_capacity) {
		size_t capacity = b->need_capacity ? 2 * b->need_capacity : 16;

		needs = arena_calloc(&b->policy->arena, capacity, sizeof *needs);
		if (!needs)
			return build_no_memory(b);
		for (size_t i = 0; i < b->need_count; i++)
			needs[i] = b->needs[i];
		b->needs = needs;
		b->need_capacity = capacity;
	}
	b->needs[b->need_count++] =
		(struct policy_need){{pri->class, pri->instance}, (uint8_t)attribute};
	return E_OK;
}

static enum err need_attributes(struct build *b, const struct pri_row *row)
{
	struct pib_fault fault;
	struct error error;
	struct pri pri;
	enum err err = E_OK;

	/* Who reads the row for good tells what is wrong with it. */
	if (pri_row_decode(row, &pri, &fault, &error))
		return E_OK;
	for (size_t i = 0; i < ASKING_COUNT && !err; i++)
		if (asking[i].class == row->prid.class->id &&
			asks_for_something(&pri, asking[i].attribute))
			err = build_need(b, &pri, asking[i].attribute);
	return err;
}

enum err build_needs(struct build *b)
{
	const struct held *by_class[PIB_CLASS_COUNT] = {NULL};
	bool asks[PIB_CLASS_COUNT] = {false};
	struct pri_cursor c = pri_store_all(b->store);
	struct pri_row row;
	enum err err = E_OK;

	for (size_t i = 0; i < HELD_COUNT; i++)
		by_class[held[i].class] = &held[i];
	for (size_t i = 0; i < ASKING_COUNT; i++)
		asks[asking[i].class] = true;
	while (!err && pri_store_next(&c, &row)) {
		const struct pri pri = {.class = row.prid.class, .instance = row.prid.instance};
		const struct held *h = by_class[row.prid.class->id];

		if (!h)
			refuse(b, &pri, 0, PIB_FAULT_CLASS, "has no place in a policy set");
		else if (h->need)
			err = build_need(b, &pri, 0);
		if (!err && asks[row.prid.class->id])
			err = need_attributes(b, &row);
	}
	return err;
}
