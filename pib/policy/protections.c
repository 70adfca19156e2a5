/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Negotiation actions and all that hangs on them: association, proposals, transforms, IKE.
 *
 * The base classes speak of IKEv1; the rows that extend them speak of IKEv2 and take their place.
 * An ESP transform without such a row is translated, for the kernel does not care; a key exchange
 * without one is an IKEv1 exchange and refused.
 */
#include "pib/policy/build.h"

#include <stdlib.h>
#include <string.h>

#include "pib/policy/algorithms.h"

enum {
	LIFETIME_DEFAULT = 8 * 3600, /* s, where the PIB says 0 */
	REPLAY_WINDOW_DEFAULT = 64,
	IDENTITY_TYPE_MAX = 11, /* IpsecDoiIdentType */
	PROPOSALS_MAX = 64,     /* of one protection or IKE association */
};

/* An optional attribute that we cannot honour must not ask for anything. */
static enum err refuse_unless_zero(
	struct build *b, const struct pri *pri, unsigned attribute, const char *what)
{
	const struct pib_attribute *a = pib_attribute(pri->class, attribute);
	bool asks;

	if (!pri_has(pri, attribute))
		return E_OK;
	asks = a->syntax == PIB_OCTETS       ? pri_octets(pri, attribute).len != 0
	       : a->syntax == PIB_UNSIGNED64 ? pri_u64(pri, attribute) != 0
					     : pri_u32(pri, attribute) != 0;
	if (!asks)
		return E_OK;
	return refuse(b, pri, attribute, PIB_FAULT_VALUE_UNSUPPORTED, "%s not supported", what);
}

/* ---- ESP ---- */

static bool is_group(uint32_t number)
{
	return algorithm_of(ALGORITHM_GROUP, number, 0) != NULL;
}

static enum err check_esp(struct build *b, const struct pri *pri, unsigned encryption_attribute,
	unsigned integrity_attribute, const struct algorithm *encryption,
	const struct algorithm *integrity, struct policy_esp *esp)
{
	if (!encryption)
		return refuse(b, pri, encryption_attribute, PIB_FAULT_VALUE_UNSUPPORTED,
			"the cipher and its key length are not known");
	if (!encryption->combined && !integrity)
		return refuse(b, pri, integrity_attribute, PIB_FAULT_VALUE_UNSUPPORTED,
			"%s without an integrity algorithm that is known", encryption->name);
	if (encryption->combined && integrity)
		return refuse(b, pri, integrity_attribute, PIB_FAULT_VALUE,
			"%s has its own integrity, %s is too much", encryption->name,
			integrity->name);
	esp->encryption = encryption->number;
	esp->key_length = encryption->key_length;
	esp->integrity = integrity ? integrity->number : 0;
	return E_OK;
}

/* In IKEv1's numbers; the key length counts for ciphers that have several. */
static enum err read_esp_base(struct build *b, const struct pri *pri, struct policy_esp *esp)
{
	uint32_t cipher = pri_u32(pri, ipSecEspTransformCipherTransformId);
	uint32_t hash = pri_u32(pri, ipSecEspTransformIntegrityTransformId);
	const struct algorithm *encryption = algorithm_of_doi(
		ALGORITHM_ENCRYPTION, cipher, pri_u32(pri, ipSecEspTransformCipherKeyLength));
	const struct algorithm *integrity = algorithm_of_doi(ALGORITHM_INTEGRITY, hash, 0);

	if (!encryption)
		encryption = algorithm_of_doi(ALGORITHM_ENCRYPTION, cipher, 0);
	if (hash && !integrity)
		return refuse(b, pri, ipSecEspTransformIntegrityTransformId,
			PIB_FAULT_VALUE_UNSUPPORTED, "integrity algorithm %u is not known",
			(unsigned)hash);
	return check_esp(b, pri, ipSecEspTransformCipherTransformId,
		ipSecEspTransformIntegrityTransformId, encryption, integrity, esp);
}

static enum err read_esp_extension(struct build *b, const struct pri *pri, struct policy_esp *esp)
{
	uint32_t hash = pri_u32(pri, copsecEspTransformIntegrity);
	uint32_t group = pri_u32(pri, copsecEspTransformGroup);
	const struct algorithm *integrity = algorithm_of(ALGORITHM_INTEGRITY, hash, 0);

	if (hash && !integrity)
		return refuse(b, pri, copsecEspTransformIntegrity, PIB_FAULT_VALUE_UNSUPPORTED,
			"integrity algorithm %u is not known", (unsigned)hash);
	if (group && !is_group(group))
		return refuse(b, pri, copsecEspTransformGroup, PIB_FAULT_VALUE_UNSUPPORTED,
			"group %u is not known", (unsigned)group);
	esp->group = (uint16_t)group;
	esp->esn = pri_bool(pri, copsecEspTransformEsn);
	return check_esp(b, pri, copsecEspTransformEncryption, copsecEspTransformIntegrity,
		algorithm_of(ALGORITHM_ENCRYPTION, pri_u32(pri, copsecEspTransformEncryption),
			pri_u32(pri, copsecEspTransformKeyLength)),
		integrity, esp);
}

/* A new Diffie-Hellman exchange for new keys: what the association asks for where the transform
 * says nothing. */
struct secrecy {
	const struct pri *association;
	bool wanted;
	uint32_t group;
};

static enum err read_esp(struct build *b, const struct pri *pri, const struct secrecy *secrecy,
	struct policy_esp *ret)
{
	struct policy_esp esp = {
		.instance = pri->instance,
		.lifetime_seconds = pri_u32(pri, ipSecEspTransformMaxLifetimeSeconds),
		.lifetime_kilobytes = pri_u64(pri, ipSecEspTransformMaxLifetimeKilobytes),
		.replay_window = REPLAY_WINDOW_DEFAULT,
	};
	struct pri extension;
	enum err err;

	if (esp.lifetime_seconds == 0)
		esp.lifetime_seconds = LIFETIME_DEFAULT;
	if (pri_u32(pri, ipSecEspTransformReplayPreventionWindowSize))
		esp.replay_window = pri_u32(pri, ipSecEspTransformReplayPreventionWindowSize);
	if (pri_has(pri, ipSecEspTransformUseReplayPrevention) &&
		!pri_bool(pri, ipSecEspTransformUseReplayPrevention))
		esp.replay_window = 0;
	if (build_extension(b, pri, PIB_copsecEspTransform, &extension))
		err = read_esp_extension(b, &extension, &esp);
	else
		err = read_esp_base(b, pri, &esp);
	if (err)
		return err;
	if (!esp.group && secrecy->wanted) {
		if (!is_group(secrecy->group))
			return refuse(b, secrecy->association, ipSecAssociationDhGroup,
				PIB_FAULT_VALUE_UNSUPPORTED, "group %u is not known",
				(unsigned)secrecy->group);
		esp.group = (uint16_t)secrecy->group;
	}
	*ret = esp;
	return E_OK;
}

static enum err read_proposal(struct build *b, const struct pri *pri, const struct secrecy *secrecy,
	struct policy_esp *proposals, size_t *count)
{
	struct tag_list transforms =
		build_tag_list(&b->esp_sets, pri_u32(pri, ipSecProposalEspTransformSetId));
	enum err err;

	err = refuse_unless_zero(b, pri, ipSecProposalAhTransformSetId, "AH is");
	if (!err)
		err = refuse_unless_zero(b, pri, ipSecProposalCompTransformSetId, "compression is");
	if (err)
		return err;
	if (transforms.count == 0)
		return refuse(b, pri, ipSecProposalEspTransformSetId, PIB_FAULT_REFERENCE,
			"the proposal has no ESP transform");
	for (size_t i = 0; i < transforms.count; i++) {
		struct pri entry, transform;

		if (*count == PROPOSALS_MAX)
			return refuse(b, pri, ipSecProposalEspTransformSetId, PIB_FAULT_SPACE,
				"more than %d proposals", PROPOSALS_MAX);
		err = build_follow(b, pri, ipSecProposalEspTransformSetId, PIB_ipSecEspTransformSet,
			transforms.items[i].instance, &entry);
		if (!err)
			err = build_follow(b, &entry, ipSecEspTransformSetTransformId,
				PIB_ipSecEspTransform,
				pri_u32(&entry, ipSecEspTransformSetTransformId), &transform);
		if (!err)
			err = read_esp(b, &transform, secrecy, &proposals[*count]);
		if (err)
			return err;
		(*count)++;
	}
	return E_OK;
}

/* ---- IKE ---- */

static enum err read_ike_proposal(
	struct build *b, const struct pri *pri, struct policy_ike_proposal *ret)
{
	struct policy_ike_proposal p = {
		.instance = pri->instance,
		.lifetime_seconds = pri_u32(pri, ipSecIkeProposalMaxLifetimeSeconds),
	};
	const struct algorithm *encryption;
	struct pri ext;
	uint32_t integrity, prf, group;
	enum err err;

	if (p.lifetime_seconds == 0)
		p.lifetime_seconds = LIFETIME_DEFAULT;
	err = refuse_unless_zero(
		b, pri, ipSecIkeProposalMaxLifetimeKilobytes, "a lifetime of IKE in kilobytes is");
	if (err)
		return err;
	if (!build_extension(b, pri, PIB_copsecIkeProposal, &ext))
		return refuse(b, pri, ipSecIkeProposalCipherAlgorithm, PIB_FAULT_VALUE_UNSUPPORTED,
			"a proposal for IKE version 1");
	encryption = algorithm_of(ALGORITHM_ENCRYPTION, pri_u32(&ext, copsecIkeProposalEncryption),
		pri_u32(&ext, copsecIkeProposalKeyLength));
	integrity = pri_u32(&ext, copsecIkeProposalIntegrity);
	prf = pri_u32(&ext, copsecIkeProposalPrf);
	group = pri_u32(&ext, copsecIkeProposalGroup);
	if (!encryption)
		return refuse(b, &ext, copsecIkeProposalEncryption, PIB_FAULT_VALUE_UNSUPPORTED,
			"the cipher and its key length are not known");
	if (integrity && !algorithm_of(ALGORITHM_INTEGRITY, integrity, 0))
		return refuse(b, &ext, copsecIkeProposalIntegrity, PIB_FAULT_VALUE_UNSUPPORTED,
			"integrity algorithm %u is not known", (unsigned)integrity);
	if (encryption->combined == (integrity != 0))
		return refuse(b, &ext, copsecIkeProposalIntegrity, PIB_FAULT_VALUE,
			"%s %s an integrity algorithm", encryption->name,
			integrity ? "takes no" : "needs");
	if (!algorithm_of_prf(prf))
		return refuse(b, &ext, copsecIkeProposalPrf, PIB_FAULT_VALUE_UNSUPPORTED,
			"pseudo-random function %u is not known", (unsigned)prf);
	if (!is_group(group))
		return refuse(b, &ext, copsecIkeProposalGroup, PIB_FAULT_VALUE_UNSUPPORTED,
			"group %u is not known", (unsigned)group);
	p.encryption = encryption->number;
	p.key_length = encryption->key_length;
	p.integrity = (uint16_t)integrity;
	p.prf = (uint16_t)prf;
	p.group = (uint16_t)group;
	*ret = p;
	return E_OK;
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
			err = read_ike_proposal(b, &proposal, &proposals[i]);
	}
	ike->proposals = proposals;
	ike->proposal_count = list.count;
	return err;
}

static enum err copy_octets(struct build *b, struct view v, struct view *ret)
{
	*ret = VIEW_NONE;
	if (v.len == 0)
		return E_OK;
	*ret = arena_copy(&b->policy->arena, v);
	return ret->data ? E_OK : build_no_memory(b);
}

static enum err read_identity(struct build *b, const struct pri *pri, unsigned type_attribute,
	unsigned value_attribute, struct policy_identity *ret)
{
	uint32_t type = pri_u32(pri, type_attribute);

	if (type > IDENTITY_TYPE_MAX)
		return refuse(b, pri, type_attribute, PIB_FAULT_VALUE, "%u is no type of identity",
			(unsigned)type);
	ret->type = (uint8_t)type;
	return copy_octets(b, pri_octets(pri, value_attribute), &ret->value);
}

static enum err read_peer(struct build *b, const struct pri *from, struct policy_ike *ike)
{
	uint32_t instance = pri_u32(from, ipSecIkeAssociationIkePeerEndpoint);
	struct pri pri;
	enum err err;

	if (!instance)
		return E_OK;
	err = build_follow(b, from, ipSecIkeAssociationIkePeerEndpoint, PIB_ipSecIkePeerEndpoint,
		instance, &pri);
	if (!err)
		err = read_identity(b, &pri, ipSecIkePeerEndpointIdentityType,
			ipSecIkePeerEndpointIdentityValue, &ike->peer);
	if (!err)
		err = refuse_unless_zero(b, &pri, ipSecIkePeerEndpointCredentialSetId,
			"criteria for credentials are");
	if (err)
		return err;
	ike->peer.negated = pri_bool(&pri, ipSecIkePeerEndpointIsNegated);
	if (pri_u32(&pri, ipSecIkePeerEndpointAddress))
		return build_single_address(
			b, &pri, ipSecIkePeerEndpointAddress, &ike->peer_address);
	return E_OK;
}

/* What IKEv2 has no place for, or the IKE daemon no means. ExchangeMode and AggressiveModeGroupId
 * are IKEv1's and say nothing beside a version 2. */
static const struct {
	uint8_t attribute;
	const char *what;
} not_in_ike[] = {
	{ipSecIkeAssociationMinLiftetimeSeconds, "a least lifetime is"},
	{ipSecIkeAssociationMinLifetimeKilobytes, "a least lifetime is"},
	{ipSecIkeAssociationIdleDurationSeconds, "an idle time of IKE itself is"},
	{ipSecIkeAssociationVendorId, "a vendor id is"},
	{ipSecIkeAssociationLocalCredentialId, "criteria for credentials are"},
};

static enum err read_ike(struct build *b, const struct pri *pri, struct policy_ike *ike)
{
	struct pri ext;
	enum err err = E_OK;

	ike->instance = pri->instance;
	ike->peer_address.family = FLOW_ANY_FAMILY;
	if (!build_extension(b, pri, PIB_copsecIkeAssociation, &ext))
		return refuse(b, pri, ipSecIkeAssociationExchangeMode, PIB_FAULT_ENUM_UNSUPPORTED,
			"a key exchange by IKE version 1");
	if (pri_i32(&ext, copsecIkeAssociationAuthentication) ==
		copsecIkeAssociationAuthentication_none)
		return refuse(b, &ext, copsecIkeAssociationAuthentication,
			PIB_FAULT_ENUM_UNSUPPORTED, "IKE without authentication is not supported");
	ike->authentication =
		(enum policy_authentication)pri_i32(&ext, copsecIkeAssociationAuthentication);
	ike->log = pri_bool(pri, ipSecIkeAssociationDoActionLogging);
	for (size_t i = 0; i < sizeof not_in_ike / sizeof *not_in_ike && !err; i++)
		err = refuse_unless_zero(b, pri, not_in_ike[i].attribute, not_in_ike[i].what);
	if (!err)
		err = read_identity(b, pri, ipSecIkeAssociationUseIkeIdentityType,
			ipSecIkeAssociationUseIkeIdentityValue, &ike->local);
	if (!err)
		err = read_peer(b, pri, ike);
	if (!err && ike->authentication == POLICY_PRESHARED_KEY)
		err = copy_octets(
			b, pri_octets(pri, ipSecIkeAssociationPresharedKey), &ike->preshared_key);
	if (!err)
		err = read_ike_proposals(b, pri, ike);
	return err;
}

/* ---- Protections ---- */

static enum err read_key_exchange(
	struct build *b, const struct pri *pri, struct policy_protection *p)
{
	struct policy_ike *ike;
	struct prid prid;
	struct pri association;
	enum err err;

	if (!pri_prid(pri, ipSecNegotiationActionKeyExchangeId, &prid))
		return refuse(b, pri, ipSecNegotiationActionKeyExchangeId,
			PIB_FAULT_VALUE_UNSUPPORTED,
			"negotiation without a key exchange that is known");
	if (prid.class->id != PIB_ipSecIkeAssociation)
		return refuse(b, pri, ipSecNegotiationActionKeyExchangeId,
			PIB_FAULT_VALUE_UNSUPPORTED, "key exchange by %s is not supported",
			prid.class->name);
	err = build_follow(b, pri, ipSecNegotiationActionKeyExchangeId, PIB_ipSecIkeAssociation,
		prid.instance, &association);
	if (err)
		return err;
	ike = arena_calloc(&b->policy->arena, 1, sizeof *ike);
	if (!ike)
		return build_no_memory(b);
	/* Before it is read: what is in it is wiped with the policy. */
	p->ike = ike;
	return read_ike(b, &association, ike);
}

/* IKEv1 and IKEv2 number the groups alike that both have. */
static struct secrecy read_secrecy(const struct pri *pri, const struct policy_ike *ike)
{
	struct secrecy s = {
		pri, pri_bool(pri, ipSecAssociationUsePfs), pri_u32(pri, ipSecAssociationDhGroup)};

	if (pri_bool(pri, ipSecAssociationUseKeyExchangeGroup))
		s.group = ike->proposals[0].group;
	return s;
}

static enum err check_granularity(struct build *b, const struct pri *pri)
{
	uint64_t bits = pri_bits(pri, ipSecAssociationGranularity);

	if (!pri_has(pri, ipSecAssociationGranularity))
		return E_OK;
	if (bits == 0 || (bits & (bits - 1)))
		return refuse(b, pri, ipSecAssociationGranularity, PIB_FAULT_VALUE,
			"exactly one granularity must be chosen");
	if (bits >= 1u << ipSecAssociationGranularity_protocol)
		return refuse(b, pri, ipSecAssociationGranularity, PIB_FAULT_VALUE_UNSUPPORTED,
			"an association for each protocol or port is not supported");
	return E_OK;
}

static enum err read_association(
	struct build *b, const struct pri *from, struct policy_protection *p)
{
	struct policy_esp proposals[PROPOSALS_MAX];
	struct policy_esp *copy;
	struct tag_list list;
	struct pri pri;
	struct secrecy secrecy;
	size_t count = 0;
	enum err err;

	err = build_follow(b, from, ipSecNegotiationActionIpSecAssociationId, PIB_ipSecAssociation,
		pri_u32(from, ipSecNegotiationActionIpSecAssociationId), &pri);
	if (!err)
		err = refuse_unless_zero(
			b, &pri, ipSecAssociationMinLifetimeSeconds, "a least lifetime is");
	if (!err)
		err = refuse_unless_zero(
			b, &pri, ipSecAssociationMinLifetimeKilobytes, "a least lifetime is");
	if (!err)
		err = check_granularity(b, &pri);
	if (err)
		return err;
	secrecy = read_secrecy(&pri, p->ike);
	p->idle_seconds = pri_u32(&pri, ipSecAssociationIdleDurationSeconds);
	list = build_tag_list(&b->proposal_sets, pri_u32(&pri, ipSecAssociationProposalSetId));
	if (list.count == 0)
		return refuse(b, &pri, ipSecAssociationProposalSetId, PIB_FAULT_REFERENCE,
			"the association has no proposal");
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry, proposal;

		err = build_follow(b, &pri, ipSecAssociationProposalSetId, PIB_ipSecProposalSet,
			list.items[i].instance, &entry);
		if (!err)
			err = build_follow(b, &entry, ipSecProposalSetProposalId, PIB_ipSecProposal,
				pri_u32(&entry, ipSecProposalSetProposalId), &proposal);
		if (!err)
			err = read_proposal(b, &proposal, &secrecy, proposals, &count);
	}
	if (err)
		return err;
	copy = arena_calloc(&b->policy->arena, count, sizeof *copy);
	if (!copy)
		return build_no_memory(b);
	memcpy(copy, proposals, count * sizeof *copy);
	p->proposals = copy;
	p->proposal_count = count;
	return E_OK;
}

static enum err read_mode(struct build *b, const struct pri *pri, struct policy_protection *p)
{
	bool tunnel =
		pri_i32(pri, ipSecNegotiationActionAction) == ipSecNegotiationActionAction_tunnel;
	bool endpoint = pri_u32(pri, ipSecNegotiationActionTunnelEndpointId) != 0;

	p->mode = tunnel ? POLICY_TUNNEL : POLICY_TRANSPORT;
	p->endpoint.family = FLOW_ANY_FAMILY;
	if (tunnel != endpoint)
		return refuse(b, pri, ipSecNegotiationActionTunnelEndpointId, PIB_FAULT_VALUE,
			tunnel ? "a tunnel needs an endpoint"
			       : "transport mode has no tunnel endpoint");
	if (!tunnel)
		return E_OK;
	p->df = POLICY_DF_COPY;
	if (pri_has(pri, ipSecNegotiationActionDfHandling))
		p->df = (enum policy_df)pri_i32(pri, ipSecNegotiationActionDfHandling);
	return build_single_address(b, pri, ipSecNegotiationActionTunnelEndpointId, &p->endpoint);
}

static enum err read_protection(struct build *b, const struct pri *pri, struct policy_protection *p)
{
	struct pri ext;
	enum err err;

	p->instance = pri->instance;
	p->name = "";
	p->demand = POLICY_REQUIRED;
	err = read_mode(b, pri, p);
	if (!err && build_extension(b, pri, PIB_copsecNegotiationAction, &ext)) {
		if (pri_i32(&ext, copsecNegotiationActionDemand) ==
			copsecNegotiationActionDemand_preferred)
			p->demand = POLICY_PREFERRED;
		err = build_text(b, &ext, copsecNegotiationActionName, &p->name);
	}
	if (!err && !*p->name)
		err = build_name(b, "protection", p->number, &p->name);
	if (!err)
		err = read_key_exchange(b, pri, p);
	if (!err)
		err = read_association(b, pri, p);
	return err;
}

enum err policy_build_protections(struct build *b)
{
	struct pri_cursor c = pri_store_class(b->store, PIB_ipSecNegotiationAction);
	struct policy_protection *protections;
	struct pri_row row;
	size_t count = 0;

	while (pri_store_next(&c, &row))
		count++;
	if (count > POLICY_PROTECTIONS_MAX)
		return b->err = error_set(b->error, E_LIMIT,
			       "%zu protections, at most %d are supported", count,
			       POLICY_PROTECTIONS_MAX);
	protections = arena_calloc(&b->policy->arena, count + 1, sizeof *protections);
	if (!protections)
		return build_no_memory(b);
	b->policy->protections = protections;
	c = pri_store_class(b->store, PIB_ipSecNegotiationAction);
	while (b->policy->protection_count < count && pri_store_next(&c, &row)) {
		struct policy_protection *p = &protections[b->policy->protection_count++];
		struct pri pri;
		enum err err;

		p->number = (uint32_t)b->policy->protection_count;
		p->instance = row.prid.instance;
		if (!pri_store_get(b->store, PIB_ipSecNegotiationAction, p->instance, &pri))
			continue;
		err = read_protection(b, &pri, p);
		if (build_stops(err))
			return err;
	}
	return E_OK;
}
