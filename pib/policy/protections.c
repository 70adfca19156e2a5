/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Negotiation actions, and the associations that they are for. */
#include "pib/policy/build.h"

#include <stdlib.h>

#include "pib/policy/model.h"

enum { PROPOSALS_MAX = 64 }; /* of one protection */

/* IKEv1 and IKEv2 number the groups alike that both have. */
static struct secrecy read_secrecy(const struct pri *pri, const struct policy_ike *ike)
{
	struct secrecy s = {.association = pri,
		.wanted = pri_bool(pri, ipSecAssociationUsePfs),
		.group = pri_u32(pri, ipSecAssociationDhGroup)};

	if (pri_bool(pri, ipSecAssociationUseKeyExchangeGroup) && ike && ike->proposal_count)
		s.group = ike->proposals[0].group;
	return s;
}

static enum err read_granularity(
	struct build *b, const struct pri *pri, enum policy_granularity *ret)
{
	uint64_t bits = pri_bits(pri, ipSecAssociationGranularity);
	uint32_t granularity;

	*ret = POLICY_EACH_SUBNET;
	if (!pri_has(pri, ipSecAssociationGranularity))
		return E_OK;
	if (bits == 0 || (bits & (bits - 1)) ||
		model_of_pib(MODEL_GRANULARITY, (uint32_t)__builtin_ctzll(bits), &granularity))
		return refuse(b, pri, ipSecAssociationGranularity, PIB_FAULT_VALUE,
			"exactly one granularity must be chosen");
	*ret = (enum policy_granularity)granularity;
	return *ret >= POLICY_EACH_PROTOCOL ? build_need(b, pri, ipSecAssociationGranularity)
					    : E_OK;
}

static enum err read_proposals(struct build *b, const struct pri *pri,
	const struct secrecy *secrecy, struct policy_protection *p)
{
	struct tag_list list =
		build_tag_list(&b->proposal_sets, pri_u32(pri, ipSecAssociationProposalSetId));
	struct policy_proposal *proposals;
	enum err err = E_OK;

	if (list.count == 0)
		return refuse(b, pri, ipSecAssociationProposalSetId, PIB_FAULT_REFERENCE,
			"the association has no proposal");
	if (list.count > PROPOSALS_MAX)
		return refuse(b, pri, ipSecAssociationProposalSetId, PIB_FAULT_SPACE,
			"more than %d proposals", PROPOSALS_MAX);
	proposals = arena_calloc(&b->policy->arena, list.count, sizeof *proposals);
	if (!proposals)
		return build_no_memory(b);
	p->proposals = proposals;
	p->proposal_count = list.count;
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry, proposal;

		err = build_follow(b, pri, ipSecAssociationProposalSetId, PIB_ipSecProposalSet,
			list.items[i].instance, &entry);
		if (!err)
			err = build_follow(b, &entry, ipSecProposalSetProposalId, PIB_ipSecProposal,
				pri_u32(&entry, ipSecProposalSetProposalId), &proposal);
		if (!err)
			err = build_proposal(b, &proposal, secrecy, &proposals[i]);
	}
	return err;
}

static enum err read_association(
	struct build *b, const struct pri *from, struct policy_protection *p)
{
	struct secrecy secrecy;
	struct pri pri;
	enum err err;

	err = build_follow(b, from, ipSecNegotiationActionIpSecAssociationId, PIB_ipSecAssociation,
		pri_u32(from, ipSecNegotiationActionIpSecAssociationId), &pri);
	if (!err)
		err = read_granularity(b, &pri, &p->granularity);
	if (err)
		return err;
	secrecy = read_secrecy(&pri, p->ike);
	p->idle_seconds = pri_u32(&pri, ipSecAssociationIdleDurationSeconds);
	p->least_lifetime_seconds = pri_u32(&pri, ipSecAssociationMinLifetimeSeconds);
	p->least_lifetime_kilobytes = pri_u64(&pri, ipSecAssociationMinLifetimeKilobytes);
	return read_proposals(b, &pri, &secrecy, p);
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

static enum err read_extension(struct build *b, const struct pri *pri, struct policy_protection *p)
{
	struct pri ext;

	p->name = "";
	p->demand = POLICY_REQUIRED;
	p->least = POLICY_AUTHENTICATED;
	p->ratchet = true;
	if (!build_extension(b, pri, PIB_copsecNegotiationAction, &ext))
		return E_OK;
	if (pri_i32(&ext, copsecNegotiationActionDemand) == copsecNegotiationActionDemand_preferred)
		p->demand = POLICY_PREFERRED;
	p->least = (enum policy_rung)pri_i32(&ext, copsecNegotiationActionLeast);
	p->ratchet = pri_bool(&ext, copsecNegotiationActionRatchet);
	p->ask = pri_bool(&ext, copsecNegotiationActionAsk);
	p->jitter_milliseconds = pri_u32(&ext, copsecNegotiationActionJitter);
	p->always_udp = pri_i32(&ext, copsecNegotiationActionEncapsulation) ==
			copsecNegotiationActionEncapsulation_udp;
	p->hide_dscp =
		pri_i32(&ext, copsecNegotiationActionDscp) == copsecNegotiationActionDscp_zero;
	return build_text(b, &ext, copsecNegotiationActionName, &p->name);
}

static enum err read_protection(struct build *b, const struct pri *pri, struct policy_protection *p)
{
	enum err err;

	p->instance = pri->instance;
	err = read_mode(b, pri, p);
	if (!err)
		err = read_extension(b, pri, p);
	if (!err && !*p->name)
		err = build_name(b, "protection", p->number, &p->name);
	if (!err)
		err = build_key_exchange(b, pri, p);
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
