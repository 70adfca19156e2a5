/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/able.h"

#define CLASS PIB_FAULT_CLASS
#define VALUE PIB_FAULT_VALUE_UNSUPPORTED
#define ENUM PIB_FAULT_ENUM_UNSUPPORTED

/* By class and attribute; attribute 0 is the class itself. */
static const struct unable {
	enum pib_class_id class;
	uint8_t attribute;
	enum pib_fault_kind kind;
	const char *what; /* "... is not supported" */
} unable[] = {
	{PIB_ipSecRule, ipSecRuleIpSecActionSetId, VALUE, "more than one action"},
	{PIB_ipSecRule, ipSecRuleActionExecutionStrategy, ENUM, "one action after the other"},
	{PIB_ipSecRule, ipSecRuleIpSecIpsoFilterSetId, VALUE, "a condition on IP security options"},
	{PIB_ipSecStaticAction, ipSecStaticActionAction, ENUM,
		"an action but bypass and discard without negotiation"},
	{PIB_ipSecNegotiationAction, ipSecNegotiationActionKeyExchangeId, VALUE,
		"negotiation by anything but one key exchange of IKE"},
	{PIB_ipSecAssociation, ipSecAssociationMinLifetimeSeconds, VALUE, "a least lifetime"},
	{PIB_ipSecAssociation, ipSecAssociationMinLifetimeKilobytes, VALUE, "a least lifetime"},
	{PIB_ipSecAssociation, ipSecAssociationGranularity, VALUE,
		"an association for each protocol or port"},
	{PIB_ipSecProposal, ipSecProposalAhTransformSetId, VALUE, "AH"},
	{PIB_ipSecProposal, ipSecProposalEspTransformSetId, VALUE, "a proposal without ESP"},
	{PIB_ipSecProposal, ipSecProposalCompTransformSetId, VALUE, "compression"},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationExchangeMode, ENUM, "IKE version 1"},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationMinLiftetimeSeconds, VALUE,
		"a least lifetime"},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationMinLifetimeKilobytes, VALUE,
		"a least lifetime"},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationIdleDurationSeconds, VALUE,
		"an idle time of IKE itself"},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationVendorId, VALUE, "a vendor id"},
	{PIB_ipSecIkeAssociation, ipSecIkeAssociationLocalCredentialId, VALUE,
		"a choice of one's own credentials"},
	{PIB_ipSecIkePeerEndpoint, ipSecIkePeerEndpointCredentialSetId, VALUE,
		"a condition on the peer's credentials"},
	{PIB_ipSecIkeProposal, ipSecIkeProposalMaxLifetimeKilobytes, VALUE,
		"a lifetime of IKE in kilobytes"},
	{PIB_copsecRule, copsecRuleShadow, VALUE, "a rule that only counts"},
	{PIB_copsecRule, copsecRuleOfferId, VALUE, "an offer"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionLeast, VALUE,
		"another rung than authenticated"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionRatchet, VALUE,
		"giving up a rung that was reached"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionAsk, VALUE, "asking the PDP"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionJitter, VALUE,
		"waiting before initiating"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionEncapsulation, VALUE,
		"encapsulation in UDP for everything"},
	{PIB_copsecNegotiationAction, copsecNegotiationActionDscp, VALUE,
		"another DSCP outside of a tunnel"},
	{PIB_copsecIkeProposal, copsecIkeProposalAdditionalGroup, VALUE, "a second key exchange"},
	{PIB_copsecEspTransform, copsecEspTransformAdditionalGroup, VALUE, "a second key exchange"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationAuthentication, ENUM,
		"IKE without authentication"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationPeerAuthentication, VALUE,
		"another authentication of the peer than of this node"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationDpdSeconds, VALUE,
		"another time until a silent peer is asked"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationMobike, VALUE,
		"a peer that must stay where it is"},
	{PIB_copsecIkeAssociation, copsecIkeAssociationReauthenticationSeconds, VALUE,
		"authenticating anew"},
	{PIB_ipSecAhTransformSet, 0, CLASS, "AH"},
	{PIB_ipSecAhTransform, 0, CLASS, "AH"},
	{PIB_ipSecCompTransformSet, 0, CLASS, "compression"},
	{PIB_ipSecCompTransform, 0, CLASS, "compression"},
	{PIB_ipSecIkeRule, 0, CLASS, "a choice of key exchanges"},
	{PIB_ipSecIkeActionSet, 0, CLASS, "a choice of key exchanges"},
	{PIB_ipSecCredentialSet, 0, CLASS, "a condition on credentials"},
	{PIB_ipSecCredential, 0, CLASS, "a condition on credentials"},
	{PIB_ipSecCredentialFields, 0, CLASS, "a condition on credentials"},
	{PIB_ipSecIpsoFilterSet, 0, CLASS, "a condition on IP security options"},
	{PIB_ipSecIpsoFilter, 0, CLASS, "a condition on IP security options"},
	{PIB_copsecPeer, 0, CLASS, "a peer with a name"},
	{PIB_copsecPeerKey, 0, CLASS, "a key of a peer"},
	{PIB_copsecSecret, 0, CLASS, "a sealed secret"},
	{PIB_copsecOffer, 0, CLASS, "an offer"},
	{PIB_copsecAhTransform, 0, CLASS, "AH"},
	{PIB_copsecCredential, 0, CLASS, "a condition on credentials"},
};

static const struct unable *find_unable(enum pib_class_id class, unsigned attribute)
{
	for (size_t i = 0; i < sizeof unable / sizeof *unable; i++)
		if (unable[i].class == class && unable[i].attribute == attribute)
			return &unable[i];
	return NULL;
}

static enum err say(const struct policy_need *need, const struct unable *u, struct error *error)
{
	char place[PRID_TEXT_SIZE];

	prid_format(&need->prid, place);
	return error_set(error, E_UNSUPPORTED, "%s: %s is not supported", place, u->what);
}

enum err plan_check(const struct policy *policy, struct pri_failures *failures, struct error *error)
{
	enum err err = E_OK;

	for (size_t i = 0; i < policy->need_count; i++) {
		const struct policy_need *need = &policy->needs[i];
		const struct unable *u = find_unable(need->prid.class->id, need->attribute);
		struct error why;

		if (!u)
			continue;
		say(need, u, &why);
		pri_failures_add_prid(failures,
			(struct pib_fault){.kind = u->kind, .attribute = need->attribute},
			&need->prid, "%s", why.text);
		if (!err) {
			err = why.code;
			*error = why;
		}
	}
	return err;
}

const struct policy_need *plan_unable(const struct policy *policy, struct error *error)
{
	for (size_t i = 0; i < policy->need_count; i++) {
		const struct policy_need *need = &policy->needs[i];
		const struct unable *u = find_unable(need->prid.class->id, need->attribute);

		if (u) {
			say(need, u, error);
			return need;
		}
	}
	return NULL;
}

const char *plan_unable_what(enum pib_class_id class, unsigned attribute)
{
	const struct unable *u = find_unable(class, attribute);

	return u ? u->what : NULL;
}

bool plan_supports(enum pib_class_id class)
{
	return policy_holds(class) && !(policy_is_need(class, 0) && find_unable(class, 0));
}

bool plan_supports_attribute(enum pib_class_id class, unsigned attribute)
{
	return !(policy_is_need(class, attribute) && find_unable(class, attribute));
}
