/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key exchanges: IKE associations with their proposals, the identities and credentials of both
 * ends, and the rules that choose between several of them.
 */
#include "pib/policy/build.h"

#include <stdlib.h>

#include "pib/policy/algorithms.h"
#include "pib/policy/model.h"

enum {
	LIFETIME_DEFAULT = 8 * 3600, /* s, where the PIB says 0 */
	KEY_LENGTH_IKEV1 = 128,      /* bits, of AES */
	METHOD_PRESHARED_KEY = 1,    /* IkeAuthMethod */
	IDENTITY_TYPE_MAX = 11,      /* IpsecDoiIdentType */
	PROPOSALS_MAX = 64,          /* of one IKE association */
};

/* ---- Proposals ---- */

/* Version 1 has no key length here (128 bits is what it then means, RFC 3602) and takes its
 * pseudo-random function from the hash. */
static enum err read_version_1(
	struct build *b, const struct pri *pri, struct policy_ike_proposal *p)
{
	uint32_t cipher = pri_u32(pri, ipSecIkeProposalCipherAlgorithm);
	uint32_t hash = pri_u32(pri, ipSecIkeProposalHashAlgorithm);
	uint32_t group = pri_u32(pri, ipSecIkeProposalIkeDhGroup);
	const struct algorithm *encryption =
		algorithm_of_ikev1(ALGORITHM_ENCRYPTION, cipher, KEY_LENGTH_IKEV1);
	const struct algorithm *integrity = algorithm_of_ikev1(ALGORITHM_INTEGRITY, hash, 0);

	if (!encryption)
		encryption = algorithm_of_ikev1(ALGORITHM_ENCRYPTION, cipher, 0);
	if (!encryption)
		return refuse(b, pri, ipSecIkeProposalCipherAlgorithm, PIB_FAULT_VALUE_UNSUPPORTED,
			"cipher %u is not known", (unsigned)cipher);
	if (!integrity)
		return refuse(b, pri, ipSecIkeProposalHashAlgorithm, PIB_FAULT_VALUE_UNSUPPORTED,
			"hash %u is not known", (unsigned)hash);
	if (group && !build_is_group(group))
		return refuse(b, pri, ipSecIkeProposalIkeDhGroup, PIB_FAULT_VALUE_UNSUPPORTED,
			"group %u is not known", (unsigned)group);
	p->encryption = encryption->number;
	p->key_length = encryption->key_length;
	p->integrity = integrity->number;
	p->prf = integrity->prf;
	p->group = (uint16_t)group;
	p->method = (uint16_t)pri_u32(pri, ipSecIkeProposalAuthenticationMethod);
	return E_OK;
}

static enum err read_version_2(
	struct build *b, const struct pri *ext, struct policy_ike_proposal *p)
{
	const struct algorithm *encryption =
		algorithm_of(ALGORITHM_ENCRYPTION, pri_u32(ext, copsecIkeProposalEncryption),
			pri_u32(ext, copsecIkeProposalKeyLength));
	uint32_t integrity = pri_u32(ext, copsecIkeProposalIntegrity);
	uint32_t prf = pri_u32(ext, copsecIkeProposalPrf);
	uint32_t group = pri_u32(ext, copsecIkeProposalGroup);

	if (!encryption)
		return refuse(b, ext, copsecIkeProposalEncryption, PIB_FAULT_VALUE_UNSUPPORTED,
			"the cipher and its key length are not known");
	if (integrity && !algorithm_of(ALGORITHM_INTEGRITY, integrity, 0))
		return refuse(b, ext, copsecIkeProposalIntegrity, PIB_FAULT_VALUE_UNSUPPORTED,
			"integrity algorithm %u is not known", (unsigned)integrity);
	if (encryption->combined == (integrity != 0))
		return refuse(b, ext, copsecIkeProposalIntegrity, PIB_FAULT_VALUE,
			"%s %s an integrity algorithm", encryption->name,
			integrity ? "takes no" : "needs");
	if (!algorithm_of_prf(prf))
		return refuse(b, ext, copsecIkeProposalPrf, PIB_FAULT_VALUE_UNSUPPORTED,
			"pseudo-random function %u is not known", (unsigned)prf);
	if (!build_is_group(group))
		return refuse(b, ext, copsecIkeProposalGroup, PIB_FAULT_VALUE_UNSUPPORTED,
			"group %u is not known", (unsigned)group);
	p->encryption = encryption->number;
	p->key_length = encryption->key_length;
	p->integrity = (uint16_t)integrity;
	p->prf = (uint16_t)prf;
	p->group = (uint16_t)group;
	p->additional_group = (uint16_t)pri_u32(ext, copsecIkeProposalAdditionalGroup);
	return E_OK;
}

static enum err read_ike_proposal(
	struct build *b, const struct pri *pri, uint8_t version, struct policy_ike_proposal *ret)
{
	struct policy_ike_proposal p = {
		.instance = pri->instance,
		.lifetime_seconds = pri_u32(pri, ipSecIkeProposalMaxLifetimeSeconds),
		.lifetime_kilobytes = pri_u64(pri, ipSecIkeProposalMaxLifetimeKilobytes),
	};
	struct pri ext;
	enum err err;

	if (p.lifetime_seconds == 0)
		p.lifetime_seconds = LIFETIME_DEFAULT;
	if (version == 1)
		err = read_version_1(b, pri, &p);
	else if (build_extension(b, pri, PIB_copsecIkeProposal, &ext))
		err = read_version_2(b, &ext, &p);
	else
		err = refuse(b, pri, ipSecIkeProposalCipherAlgorithm, PIB_FAULT_VALUE,
			"a proposal for IKE version 1 in a key exchange of version 2");
	if (!err)
		*ret = p;
	return err;
}

static enum err read_ike_proposals(struct build *b, const struct pri *pri, struct policy_ike *ike)
{
	struct tag_list list =
		build_tag_list(&b->ike_sets, pri_u32(pri, ipSecIkeAssociationIkeProposalSetId));
	struct policy_ike_proposal *proposals;
	enum err err = E_OK;

	if (list.count == 0)
		return refuse(b, pri, ipSecIkeAssociationIkeProposalSetId, PIB_FAULT_REFERENCE,
			"the key exchange has no proposal");
	if (list.count > PROPOSALS_MAX)
		return refuse(b, pri, ipSecIkeAssociationIkeProposalSetId, PIB_FAULT_SPACE,
			"more than %d proposals", PROPOSALS_MAX);
	proposals = arena_calloc(&b->policy->arena, list.count, sizeof *proposals);
	if (!proposals)
		return build_no_memory(b);
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry, proposal;

		err = build_follow(b, pri, ipSecIkeAssociationIkeProposalSetId,
			PIB_ipSecIkeProposalSet, list.items[i].instance, &entry);
		if (!err)
			err = build_follow(b, &entry, ipSecIkeProposalSetProposalId,
				PIB_ipSecIkeProposal,
				pri_u32(&entry, ipSecIkeProposalSetProposalId), &proposal);
		if (!err)
			err = read_ike_proposal(b, &proposal, ike->version, &proposals[i]);
	}
	ike->proposals = proposals;
	ike->proposal_count = list.count;
	return err;
}

/* ---- Credentials ---- */

static enum err read_criterion(
	struct build *b, uint32_t instance, const struct pri *from, struct policy_criterion *ret)
{
	struct pri pri;
	enum err err = build_follow(
		b, from, ipSecCredentialFieldsId, PIB_ipSecCredentialFields, instance, &pri);

	if (!err)
		err = build_text(b, &pri, ipSecCredentialFieldsName, &ret->name);
	if (!err)
		err = build_text(b, &pri, ipSecCredentialFieldsValue, &ret->value);
	if (!err)
		ret->negated = pri_bool(&pri, ipSecCredentialFieldsIsNegated);
	return err;
}

static enum err read_criteria(
	struct build *b, const struct pri *pri, struct policy_credential *credential)
{
	struct tag_list list =
		build_tag_list(&b->credential_fields, pri_u32(pri, ipSecCredentialFieldsId));
	struct policy_criterion *criteria =
		arena_calloc(&b->policy->arena, list.count + 1, sizeof *criteria);
	enum err err = E_OK;

	if (!criteria)
		return build_no_memory(b);
	for (size_t i = 0; i < list.count && !err; i++)
		err = read_criterion(b, list.items[i].instance, pri, &criteria[i]);
	credential->criteria = criteria;
	credential->criterion_count = list.count;
	return err;
}

static enum err read_credential(
	struct build *b, const struct pri *pri, struct policy_credential *ret)
{
	struct policy_credential c = {.instance = pri->instance,
		.type = (enum policy_credential_type)pri_i32(pri, ipSecCredentialCredentialType),
		.revocation = POLICY_IF_KNOWN};
	struct pri ext;
	enum err err = read_criteria(b, pri, &c);

	if (!err)
		err = build_octets(b, pri_octets(pri, ipSecCredentialCrlDistributionPoint),
			&c.crl_distribution_point);
	if (!err && build_extension(b, pri, PIB_copsecCredential, &ext)) {
		c.revocation = (enum policy_revocation)pri_i32(&ext, copsecCredentialRevocation);
		err = build_octets(b, pri_octets(&ext, copsecCredentialAnchor), &c.anchor);
		if (!err)
			err = build_octets(b, pri_octets(&ext, copsecCredentialKey), &c.key);
	}
	if (!err)
		*ret = c;
	return err;
}

static enum err read_credentials(
	struct build *b, const struct pri *from, unsigned attribute, struct policy_credentials *ret)
{
	uint32_t tag = pri_u32(from, attribute);
	struct tag_list list = build_tag_list(&b->credential_sets, tag);
	struct policy_credential *credentials;
	enum err err = E_OK;

	if (!tag)
		return E_OK;
	if (list.count == 0)
		return refuse(
			b, from, attribute, PIB_FAULT_REFERENCE, "the set of credentials is empty");
	credentials = arena_calloc(&b->policy->arena, list.count, sizeof *credentials);
	if (!credentials)
		return build_no_memory(b);
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry, credential;

		err = build_follow(
			b, from, attribute, PIB_ipSecCredentialSet, list.items[i].instance, &entry);
		if (!err)
			err = build_follow(b, &entry, ipSecCredentialSetCredentialId,
				PIB_ipSecCredential,
				pri_u32(&entry, ipSecCredentialSetCredentialId), &credential);
		if (!err)
			err = read_credential(b, &credential, &credentials[i]);
	}
	*ret = (struct policy_credentials){credentials, list.count};
	return err;
}

/* ---- Identities ---- */

static enum err read_identity(struct build *b, const struct pri *pri, unsigned type_attribute,
	unsigned value_attribute, struct policy_identity *ret)
{
	uint32_t type = pri_u32(pri, type_attribute);

	if (type > IDENTITY_TYPE_MAX)
		return refuse(b, pri, type_attribute, PIB_FAULT_VALUE, "%u is no type of identity",
			(unsigned)type);
	ret->type = (uint8_t)type;
	return build_octets(b, pri_octets(pri, value_attribute), &ret->value);
}

static enum err read_peer(struct build *b, const struct pri *from, struct policy_ike *ike)
{
	uint32_t instance = pri_u32(from, ipSecIkeAssociationIkePeerEndpoint);
	struct pri pri, ext;
	enum err err;

	if (!instance)
		return E_OK;
	ike->peer_instance = instance;
	err = build_follow(b, from, ipSecIkeAssociationIkePeerEndpoint, PIB_ipSecIkePeerEndpoint,
		instance, &pri);
	if (!err)
		err = read_identity(b, &pri, ipSecIkePeerEndpointIdentityType,
			ipSecIkePeerEndpointIdentityValue, &ike->peer);
	if (!err)
		err = read_credentials(
			b, &pri, ipSecIkePeerEndpointCredentialSetId, &ike->peer_credentials);
	if (!err && build_extension(b, &pri, PIB_copsecPeer, &ext)) {
		ike->peer_authority = (enum policy_authority)pri_i32(&ext, copsecPeerAuthority);
		err = build_text(b, &ext, copsecPeerName, &ike->peer_name);
	}
	if (err)
		return err;
	ike->peer.negated = pri_bool(&pri, ipSecIkePeerEndpointIsNegated);
	if (pri_u32(&pri, ipSecIkePeerEndpointAddress))
		return build_single_address(
			b, &pri, ipSecIkePeerEndpointAddress, &ike->peer_address);
	return E_OK;
}

/* ---- Associations ---- */

/* The row that extends it makes it one of version 2; ExchangeMode and AggressiveModeGroupId are of
 * version 1 and say nothing beside it. */
static enum err read_version(struct build *b, const struct pri *pri, struct policy_ike *ike)
{
	uint32_t exchange;
	struct pri ext;

	if (build_extension(b, pri, PIB_copsecIkeAssociation, &ext)) {
		int32_t peer = pri_i32(&ext, copsecIkeAssociationPeerAuthentication);

		ike->version = 2;
		ike->authentication = (enum policy_authentication)pri_i32(
			&ext, copsecIkeAssociationAuthentication);
		ike->peer_authentication = ike->authentication;
		if (peer != copsecIkeAssociationPeerAuthentication_same)
			ike->peer_authentication = (enum policy_authentication)peer;
		ike->dpd_seconds = pri_u32(&ext, copsecIkeAssociationDpdSeconds);
		ike->mobike = pri_bool(&ext, copsecIkeAssociationMobike);
		ike->reauthentication_seconds =
			pri_u32(&ext, copsecIkeAssociationReauthenticationSeconds);
		return ike->authentication == POLICY_NOBODY
			       ? build_need(b, &ext, copsecIkeAssociationAuthentication)
			       : E_OK;
	}
	ike->version = 1;
	if (model_of_pib(MODEL_EXCHANGE_MODE,
		    (uint32_t)pri_i32(pri, ipSecIkeAssociationExchangeMode), &exchange))
		return refuse(b, pri, ipSecIkeAssociationExchangeMode, PIB_FAULT_VALUE,
			"no such exchange mode");
	ike->exchange = (enum policy_exchange)exchange;
	if (ike->exchange == POLICY_AGGRESSIVE_MODE)
		ike->aggressive_group =
			(uint16_t)pri_u32(pri, ipSecIkeAssociationAggressiveModeGroupId);
	return build_need(b, pri, ipSecIkeAssociationExchangeMode);
}

/* Version 1 says in each proposal how the ends prove who they are. */
static bool has_preshared_key(const struct policy_ike *ike)
{
	for (size_t i = 0; ike->version == 1 && i < ike->proposal_count; i++)
		if (ike->proposals[i].method == METHOD_PRESHARED_KEY)
			return true;
	return ike->version == 2 && (ike->authentication == POLICY_PRESHARED_KEY ||
					    ike->peer_authentication == POLICY_PRESHARED_KEY);
}

static enum err read_ike(struct build *b, const struct pri *pri, struct policy_ike *ike)
{
	enum err err;

	ike->instance = pri->instance;
	ike->peer_address.family = FLOW_ANY_FAMILY;
	ike->peer_name = "";
	ike->peer_authority = POLICY_BY_HOME;
	ike->log = pri_bool(pri, ipSecIkeAssociationDoActionLogging);
	ike->least_lifetime_seconds = pri_u32(pri, ipSecIkeAssociationMinLiftetimeSeconds);
	ike->least_lifetime_kilobytes = pri_u64(pri, ipSecIkeAssociationMinLifetimeKilobytes);
	ike->idle_seconds = pri_u32(pri, ipSecIkeAssociationIdleDurationSeconds);
	err = read_version(b, pri, ike);
	if (!err)
		err = build_octets(
			b, pri_octets(pri, ipSecIkeAssociationVendorId), &ike->vendor_id);
	if (!err)
		err = read_identity(b, pri, ipSecIkeAssociationUseIkeIdentityType,
			ipSecIkeAssociationUseIkeIdentityValue, &ike->local);
	if (!err)
		err = read_credentials(
			b, pri, ipSecIkeAssociationLocalCredentialId, &ike->local_credentials);
	if (!err)
		err = read_peer(b, pri, ike);
	if (!err)
		err = read_ike_proposals(b, pri, ike);
	if (!err && has_preshared_key(ike))
		err = build_secret(
			b, pri_octets(pri, ipSecIkeAssociationPresharedKey), &ike->preshared_key);
	return err;
}

static enum err read_ike_at(struct build *b, const struct pri *from, unsigned attribute,
	uint32_t instance, struct policy_ike *ike)
{
	struct pri association;
	enum err err =
		build_follow(b, from, attribute, PIB_ipSecIkeAssociation, instance, &association);

	return err ? err : read_ike(b, &association, ike);
}

/* ---- Several key exchanges ---- */

static enum err read_ike_rule(struct build *b, const struct pri *pri, struct policy_protection *p)
{
	uint32_t tag = pri_u32(pri, ipSecIkeRuleIkeActionSetId);
	struct tag_list list = build_tag_list(&b->ike_action_sets, tag);
	struct policy_ike_rule *rule = arena_calloc(&b->policy->arena, 1, sizeof *rule);
	struct policy_ike *ike = arena_calloc(&b->policy->arena, list.count + 1, sizeof *ike);
	enum err err;

	if (!rule || !ike)
		return build_no_memory(b);
	if (list.count == 0)
		return refuse(b, pri, ipSecIkeRuleIkeActionSetId, PIB_FAULT_REFERENCE,
			"the rule has no key exchange");
	rule->instance = pri->instance;
	rule->initiator = POLICY_BOTH;
	if (pri_has(pri, ipSecIkeRuleLimitNegotiation))
		rule->initiator = (enum policy_initiator)pri_i32(pri, ipSecIkeRuleLimitNegotiation);
	rule->auto_start = pri_bool(pri, ipSecIkeRuleAutoStart);
	err = build_strategy(b, pri, ipSecIkeRuleActionExecutionStrategy, &rule->strategy);
	if (!err)
		err = build_schedule(
			b, pri, ipSecIkeRuleIpSecRuleTimePeriodGroupId, &rule->schedule);
	p->ike = ike;
	p->ike_rule = rule;
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry;

		err = build_follow(b, pri, ipSecIkeRuleIkeActionSetId, PIB_ipSecIkeActionSet,
			list.items[i].instance, &entry);
		if (!err)
			err = read_ike_at(b, &entry, ipSecIkeActionSetActionId,
				pri_u32(&entry, ipSecIkeActionSetActionId), &ike[i]);
		p->ike_count++;
	}
	return err;
}

enum err build_key_exchange(struct build *b, const struct pri *pri, struct policy_protection *p)
{
	struct policy_ike *ike;
	struct prid prid;
	struct pri rule;
	enum err err;

	if (!pri_prid(pri, ipSecNegotiationActionKeyExchangeId, &prid))
		return build_need(b, pri, ipSecNegotiationActionKeyExchangeId);
	if (prid.class->id == PIB_ipSecIkeRule) {
		err = build_need(b, pri, ipSecNegotiationActionKeyExchangeId);
		if (!err)
			err = build_follow(b, pri, ipSecNegotiationActionKeyExchangeId,
				PIB_ipSecIkeRule, prid.instance, &rule);
		return err ? err : read_ike_rule(b, &rule, p);
	}
	if (prid.class->id != PIB_ipSecIkeAssociation)
		return refuse(b, pri, ipSecNegotiationActionKeyExchangeId,
			PIB_FAULT_VALUE_UNSUPPORTED, "key exchange by %s is not supported",
			prid.class->name);
	ike = arena_calloc(&b->policy->arena, 1, sizeof *ike);
	if (!ike)
		return build_no_memory(b);
	p->ike = ike;
	p->ike_count = 1;
	return read_ike_at(b, pri, ipSecNegotiationActionKeyExchangeId, prid.instance, ike);
}
