/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/reference.h"

enum {
	NONE_ALLOWED = 1,
	LIST_MAY_BE_EMPTY = 2,
	TARGETS_MAX = 3,
};

static const struct reference_rule {
	enum pib_class_id class;
	uint8_t attribute;
	uint8_t flags;
	uint8_t target_count; /* of a Prid */
	enum pib_class_id targets[TARGETS_MAX];
} rules[] = {
	{PIB_ipSecRule, ipSecRuleIpSecIpsoFilterSetId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecRule, ipSecRuleIpSecRuleTimePeriodGroupId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecActionSet, ipSecActionSetActionId, 0, 2,
		{PIB_ipSecStaticAction, PIB_ipSecNegotiationAction}},
	{PIB_ipSecStaticAction, ipSecStaticActionTunnelEndpointId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecStaticAction, ipSecStaticActionSaTransformId, NONE_ALLOWED, 3,
		{PIB_ipSecEspTransform, PIB_ipSecAhTransform, PIB_ipSecCompTransform}},
	{PIB_ipSecNegotiationAction, ipSecNegotiationActionTunnelEndpointId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecNegotiationAction, ipSecNegotiationActionKeyExchangeId, NONE_ALLOWED, 2,
		{PIB_ipSecIkeAssociation, PIB_ipSecIkeRule}},
	{PIB_ipSecProposal, ipSecProposalEspTransformSetId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecProposal, ipSecProposalAhTransformSetId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecProposal, ipSecProposalCompTransformSetId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecIkeRule, ipSecIkeRuleIpSecRuleTimePeriodGroupId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationIkePeerEndpoint, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationLocalCredentialId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecIkePeerEndpoint, ipSecIkePeerEndpointAddress, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecIkePeerEndpoint, ipSecIkePeerEndpointCredentialSetId, NONE_ALLOWED, 0, {0}},
	{PIB_ipSecSelectorSet, ipSecSelectorSetSelectorId, 0, 1, {PIB_ipSecSelector}},
	{PIB_ipSecSelector, ipSecSelectorSrcAddressGroupId, NONE_ALLOWED | LIST_MAY_BE_EMPTY, 0,
		{0}},
	{PIB_ipSecSelector, ipSecSelectorSrcPortGroupId, NONE_ALLOWED | LIST_MAY_BE_EMPTY, 0, {0}},
	{PIB_ipSecSelector, ipSecSelectorDstAddressGroupId, NONE_ALLOWED | LIST_MAY_BE_EMPTY, 0,
		{0}},
	{PIB_ipSecSelector, ipSecSelectorDstPortGroupId, NONE_ALLOWED | LIST_MAY_BE_EMPTY, 0, {0}},
	/* Home may leave all of it to the directory. */
	{PIB_copsecGroup, copsecGroupAddressGroupId, LIST_MAY_BE_EMPTY, 0, {0}},
	{PIB_copsecSecret, copsecSecretOwner, 0, 3,
		{PIB_ipSecIkeAssociation, PIB_ipSecEspTransform, PIB_ipSecAhTransform}},
};

static const struct reference_rule *rule_of(
	const struct pib_class *class, const struct pib_attribute *attribute)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (rules[i].class == class->id && rules[i].attribute == attribute->number)
			return &rules[i];
	return NULL;
}

bool reference_may_be_none(const struct pib_class *class, const struct pib_attribute *attribute)
{
	const struct reference_rule *rule = rule_of(class, attribute);

	if (rule)
		return rule->flags & NONE_ALLOWED;
	return attribute->has_default && attribute->role != PIB_PRID && !attribute->default_number;
}

bool reference_list_may_be_empty(
	const struct pib_class *class, const struct pib_attribute *attribute)
{
	const struct reference_rule *rule = rule_of(class, attribute);

	return rule && rule->flags & LIST_MAY_BE_EMPTY;
}

bool reference_may_lead_to(const struct pib_class *class, const struct pib_attribute *attribute,
	const struct pib_class *target)
{
	const struct reference_rule *rule = rule_of(class, attribute);

	for (size_t i = 0; rule && i < rule->target_count; i++)
		if (rule->targets[i] == target->id)
			return true;
	return !rule;
}
