/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a policy says of its set, and what of a set it refuses. */
#include "tests/pib/policy/sets.h"

#include <string.h>

#include "tests/suite.h"

static struct rows rows;

static void setup(void)
{
	set_sample(&rows);
}

START_TEST(the_sample_reads_as_written)
{
	struct policy *policy = set_policy(&rows);
	const struct policy_rule *web, *strong;
	const struct policy_protection *p;

	ck_assert_str_eq(policy->roles, "host");
	ck_assert_uint_eq(policy->rule_count, 2);
	web = policy_rule(policy, 1);
	strong = policy_rule(policy, 2);
	ck_assert_str_eq(web->name, "web");
	ck_assert_uint_eq(web->instance, 1);
	ck_assert_int_eq(web->action, POLICY_BYPASS);
	ck_assert_int_eq(web->direction, POLICY_IN);
	ck_assert_ptr_null(web->protection);
	ck_assert_uint_eq(web->match_count, 1);
	ck_assert_uint_eq(web->matches[0].number, 1);
	ck_assert(web->stateful && !web->log && !web->forward && !web->auto_start);
	ck_assert_int_eq(web->initiator, POLICY_BOTH);
	ck_assert_int_eq(strong->action, POLICY_PROTECT);
	ck_assert_ptr_null(policy_rule(policy, 0));
	ck_assert_ptr_null(policy_rule(policy, 3));

	p = strong->protection;
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(policy->protection_count, 1);
	ck_assert_str_eq(p->name, "strong");
	ck_assert_int_eq(p->mode, POLICY_TRANSPORT);
	ck_assert_int_eq(p->demand, POLICY_REQUIRED);
	ck_assert_int_eq(p->endpoint.family, FLOW_ANY_FAMILY);
	ck_assert_uint_eq(p->proposal_count, 1);
	ck_assert_uint_eq(p->proposals[0].esp_count, 1);
	ck_assert_uint_eq(p->ike_count, 1);
	ck_assert_uint_eq(policy->need_count, 0);
	ck_assert_uint_eq(p->proposals[0].esp[0].encryption, 20);
	ck_assert_uint_eq(p->proposals[0].esp[0].key_length, 256);
	ck_assert_uint_eq(p->proposals[0].esp[0].group, 31);
	ck_assert_uint_eq(p->proposals[0].esp[0].replay_window, 128);
	ck_assert_uint_eq(p->proposals[0].esp[0].lifetime_seconds, 3600);
	ck_assert(p->proposals[0].esp[0].esn);
	ck_assert_uint_eq(p->ike->proposal_count, 1);
	ck_assert_uint_eq(p->ike->proposals[0].prf, 5);
	ck_assert_uint_eq(p->ike->proposals[0].lifetime_seconds, 8 * 3600);
	ck_assert_int_eq(p->ike->authentication, POLICY_RAW_KEY);
	policy_free(policy);
}
END_TEST

START_TEST(rules_stand_in_the_order_of_their_order)
{
	struct policy *policy;

	pri_set_u32(rows_get(&rows, PIB_ipSecRule, 1), ipSecRuleOrder, 500);
	pri_set_u32(rows_get(&rows, PIB_ipSecRule, 2), ipSecRuleOrder, 7);
	policy = set_policy(&rows);
	ck_assert_str_eq(policy->rules[0].name, "strong");
	ck_assert_uint_eq(policy->rules[0].number, 1);
	ck_assert_uint_eq(policy->rules[0].matches[0].number, 1);
	ck_assert_str_eq(policy->rules[1].name, "web");
	policy_free(policy);
}
END_TEST

START_TEST(without_extensions_the_base_classes_have_their_say)
{
	struct policy *policy;
	struct pri *p;

	rows_drop(&rows, PIB_copsecRule, 1);
	rows_drop(&rows, PIB_copsecSelector, 1);
	rows_drop(&rows, PIB_copsecNegotiationAction, 1);
	rows_drop(&rows, PIB_copsecEspTransform, 1);
	p = rows_get(&rows, PIB_ipSecEspTransform, 1);
	pri_set_u32(p, ipSecEspTransformCipherTransformId, 12);
	pri_set_u32(p, ipSecEspTransformCipherKeyLength, 256);
	pri_set_u32(p, ipSecEspTransformIntegrityTransformId, 5);
	pri_set_u32(p, ipSecEspTransformReplayPreventionWindowSize, 0);
	p = rows_get(&rows, PIB_ipSecAssociation, 1);
	pri_set_bool(p, ipSecAssociationUsePfs, true);
	pri_set_bool(p, ipSecAssociationUseKeyExchangeGroup, false);
	pri_set_u32(p, ipSecAssociationDhGroup, 14);
	policy = set_policy(&rows);
	ck_assert_str_eq(policy->rules[0].name, "rule-1");
	ck_assert(policy->rules[0].stateful && !policy->rules[0].forward);
	ck_assert_str_eq(policy->protections[0].name, "protection-1");
	ck_assert_uint_eq(policy->protections[0].proposals[0].esp[0].encryption, 12);
	ck_assert_uint_eq(policy->protections[0].proposals[0].esp[0].integrity, 12);
	ck_assert_uint_eq(policy->protections[0].proposals[0].esp[0].group, 14);
	ck_assert_uint_eq(policy->protections[0].proposals[0].esp[0].replay_window, 64);
	ck_assert(!policy->protections[0].proposals[0].esp[0].esn);
	policy_free(policy);
}
END_TEST

START_TEST(the_group_of_the_key_exchange_may_be_taken_over)
{
	struct policy *policy;
	struct pri *p = rows_get(&rows, PIB_ipSecAssociation, 1);

	pri_set_u32(rows_get(&rows, PIB_copsecEspTransform, 1), copsecEspTransformGroup, 0);
	pri_set_bool(p, ipSecAssociationUsePfs, true);
	pri_set_bool(p, ipSecAssociationUseKeyExchangeGroup, true);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->protections[0].proposals[0].esp[0].group, 19);
	policy_free(policy);
}
END_TEST

START_TEST(replay_protection_may_be_off)
{
	struct policy *policy;

	pri_set_bool(rows_get(&rows, PIB_ipSecEspTransform, 1),
		ipSecEspTransformUseReplayPrevention, false);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->protections[0].proposals[0].esp[0].replay_window, 0);
	policy_free(policy);
}
END_TEST

START_TEST(a_tunnel_has_an_endpoint)
{
	struct policy *policy;
	struct pri *p = rows_get(&rows, PIB_ipSecNegotiationAction, 1);

	set_address(&rows, 7, 77, "2001:db8::1", NULL, 128);
	pri_set_i32(p, ipSecNegotiationActionAction, ipSecNegotiationActionAction_tunnel);
	pri_set_u32(p, ipSecNegotiationActionTunnelEndpointId, 7);
	pri_set_i32(p, ipSecNegotiationActionDfHandling, ipSecNegotiationActionDfHandling_set);
	policy = set_policy(&rows);
	ck_assert_int_eq(policy->protections[0].mode, POLICY_TUNNEL);
	ck_assert_int_eq(policy->protections[0].endpoint.family, FLOW_IPV6);
	ck_assert_uint_eq(policy->protections[0].endpoint.octets[15], 1);
	ck_assert_int_eq(policy->protections[0].df, POLICY_DF_SET);
	policy_free(policy);
}
END_TEST

START_TEST(an_empty_group_matches_nothing)
{
	struct policy *policy;

	pri_set_u32(rows_get(&rows, PIB_ipSecSelector, 1), ipSecSelectorSrcAddressGroupId, 4711);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->rules[0].match_count, 0);
	policy_free(policy);
}
END_TEST

START_TEST(a_set_may_be_empty)
{
	struct policy *policy;

	rows.count = 0;
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->rule_count, 0);
	ck_assert_str_eq(policy->roles, "");
	policy_free(policy);
}
END_TEST

/* ---- Refusals ---- */

static void u32(enum pib_class_id class, uint32_t instance, unsigned attribute, uint32_t v)
{
	pri_set_u32(rows_get(&rows, class, instance), attribute, v);
}

static void i32(enum pib_class_id class, uint32_t instance, unsigned attribute, int32_t v)
{
	pri_set_i32(rows_get(&rows, class, instance), attribute, v);
}

static void ipso(void)
{
	struct pri *p = rows_add(&rows, PIB_ipSecIpsoFilterSet, 1);

	u32(PIB_ipSecRule, 1, ipSecRuleIpSecIpsoFilterSetId, 50);
	pri_set_u32(p, ipSecIpsoFilterSetFilterSetId, 50);
	pri_set_u32(p, ipSecIpsoFilterSetFilterId, 1);
	rows_add(&rows, PIB_ipSecIpsoFilter, 1);
}

static void time_period(void)
{
	struct pri *p = rows_add(&rows, PIB_ipSecRuleTimePeriodSet, 1);

	u32(PIB_ipSecRule, 2, ipSecRuleIpSecRuleTimePeriodGroupId, 50);
	pri_set_u32(p, ipSecRuleTimePeriodSetRuleTimePeriodSetId, 50);
	pri_set_u32(p, ipSecRuleTimePeriodSetRuleTimePeriodId, 1);
	rows_add(&rows, PIB_ipSecRuleTimePeriod, 1);
}

static void second_action(int32_t strategy)
{
	struct pri *p = rows_add(&rows, PIB_ipSecActionSet, 9);

	i32(PIB_ipSecRule, 2, ipSecRuleActionExecutionStrategy, strategy);
	pri_set_u32(p, ipSecActionSetActionSetId, 4);
	pri_set_prid(p, ipSecActionSetActionId, PIB_ipSecStaticAction, 1);
	pri_set_u32(p, ipSecActionSetOrder, 2);
}

static void fallback(void)
{
	second_action(ipSecRuleActionExecutionStrategy_doUntilSuccess);
}

static void nested(void)
{
	second_action(ipSecRuleActionExecutionStrategy_doAll);
}

static void other_roles(void)
{
	pri_set_text(rows_get(&rows, PIB_ipSecRule, 2), ipSecRuleRoles, "server");
}

static void nul_in_name(void)
{
	pri_set_octets(rows_get(&rows, PIB_copsecRule, 1), copsecRuleName, VIEW("a\0b", 3));
}

static void roles_without_forward(void)
{
	pri_set_text(rows_get(&rows, PIB_copsecRule, 1), copsecRuleOutRole, "wan");
}

static void ike_rejection(void)
{
	i32(PIB_ipSecStaticAction, 1, ipSecStaticActionAction,
		ipSecStaticActionAction_ikeRejection);
}

static void static_sa(void)
{
	struct pri *p = rows_get(&rows, PIB_ipSecStaticAction, 1);

	pri_set_i32(p, ipSecStaticActionAction, ipSecStaticActionAction_preConfiguredTransport);
	pri_set_prid(p, ipSecStaticActionSaTransformId, PIB_ipSecEspTransform, 1);
	pri_set_u32(p, ipSecStaticActionSpi, 0x1234);
	pri_set_u32(p, ipSecStaticActionLifetimeSeconds, 7200);
	p = rows_get(&rows, PIB_ipSecEspTransform, 1);
	pri_set_text(p, ipSecEspTransformCipherKey, "thirty-six octets, a cipher key+salt");
}

static void static_sa_without_transform(void)
{
	static_sa();
	pri_set_oid(rows_get(&rows, PIB_ipSecStaticAction, 1), ipSecStaticActionSaTransformId,
		&oid_none);
}

static void static_tunnel_to_nowhere(void)
{
	static_sa();
	i32(PIB_ipSecStaticAction, 1, ipSecStaticActionAction,
		ipSecStaticActionAction_preConfiguredTunnel);
}

static void dns_address(void)
{
	struct pri *p = rows_get(&rows, PIB_ipSecAddress, 1);

	pri_set_i32(p, ipSecAddressAddressType, ipSecAddressAddressType_dns);
	pri_set_text(p, ipSecAddressAddrMin, "example.com");
	pri_set_text(p, ipSecAddressAddrMax, "example.com");
}

static void zoned_address(void)
{
	i32(PIB_ipSecAddress, 1, ipSecAddressAddressType, ipSecAddressAddressType_ipv4z);
}

static void short_address(void)
{
	pri_set_octets(rows_get(&rows, PIB_ipSecAddress, 1), ipSecAddressAddrMax, VIEW("abc", 3));
}

static void backward_range(void)
{
	rows_drop(&rows, PIB_ipSecAddress, 1);
	set_address(&rows, 1, 8, "192.0.2.9", "192.0.2.8", 32);
}

static void range_with_prefix(void)
{
	rows_drop(&rows, PIB_ipSecAddress, 1);
	set_address(&rows, 1, 8, "192.0.2.8", "192.0.2.9", 31);
}

static void long_prefix(void)
{
	rows_drop(&rows, PIB_ipSecAddress, 1);
	set_address(&rows, 1, 8, "192.0.2.8", NULL, 33);
}

static void range_with_long_prefix(void)
{
	rows_drop(&rows, PIB_ipSecAddress, 1);
	set_address(&rows, 1, 8, "192.0.2.8", "192.0.2.9", 128);
}

static void backward_ports(void)
{
	u32(PIB_ipSecL4Port, 2, ipSecL4PortPortMax, 442);
}

static void ports_of_gre(void)
{
	u32(PIB_ipSecSelector, 1, ipSecSelectorProtocol, 47);
}

static void type_of_tcp(void)
{
	i32(PIB_copsecSelector, 1, copsecSelectorIcmpType, 8);
}

static void families_apart(void)
{
	set_address(&rows, 7, 77, "2001:db8::", NULL, 32);
	u32(PIB_ipSecSelector, 1, ipSecSelectorDstAddressGroupId, 77);
}

static void label_in_ipv4(void)
{
	i32(PIB_ipSecSelector, 1, ipSecSelectorFlowLabel, 5);
}

static void tunnel_to_nowhere(void)
{
	i32(PIB_ipSecNegotiationAction, 1, ipSecNegotiationActionAction,
		ipSecNegotiationActionAction_tunnel);
}

static void transport_to_gateway(void)
{
	u32(PIB_ipSecNegotiationAction, 1, ipSecNegotiationActionTunnelEndpointId, 1);
}

static void tunnel_to_network(void)
{
	tunnel_to_nowhere();
	transport_to_gateway();
}

static void no_key_exchange(void)
{
	pri_set_oid(rows_get(&rows, PIB_ipSecNegotiationAction, 1),
		ipSecNegotiationActionKeyExchangeId, &oid_none);
}

static void ikev1(void)
{
	struct pri *p = rows_get(&rows, PIB_ipSecIkeProposal, 1);

	rows_drop(&rows, PIB_copsecIkeAssociation, 1);
	pri_set_u32(p, ipSecIkeProposalCipherAlgorithm, 7);
	pri_set_u32(p, ipSecIkeProposalHashAlgorithm, 4);
	pri_set_u32(p, ipSecIkeProposalAuthenticationMethod, 1);
	pri_set_u32(p, ipSecIkeProposalIkeDhGroup, 14);
	p = rows_get(&rows, PIB_ipSecIkeAssociation, 1);
	pri_set_i32(
		p, ipSecIkeAssociationExchangeMode, ipSecIkeAssociationExchangeMode_aggressiveMode);
	pri_set_u32(p, ipSecIkeAssociationAggressiveModeGroupId, 5);
	pri_set_text(p, ipSecIkeAssociationPresharedKey, "open sesame");
}

static void ikev1_cipher(void)
{
	ikev1();
	u32(PIB_ipSecIkeProposal, 1, ipSecIkeProposalCipherAlgorithm, 3);
}

static void ikev1_hash(void)
{
	ikev1();
	u32(PIB_ipSecIkeProposal, 1, ipSecIkeProposalHashAlgorithm, 3);
}

static void nobody(void)
{
	i32(PIB_copsecIkeAssociation, 1, copsecIkeAssociationAuthentication,
		copsecIkeAssociationAuthentication_none);
}

static void ikev1_proposal(void)
{
	rows_drop(&rows, PIB_copsecIkeProposal, 1);
}

static void unknown_cipher(void)
{
	u32(PIB_copsecEspTransform, 1, copsecEspTransformEncryption, 9999);
}

static void unknown_key_length(void)
{
	u32(PIB_copsecEspTransform, 1, copsecEspTransformKeyLength, 100);
}

static void integrity_twice(void)
{
	u32(PIB_copsecEspTransform, 1, copsecEspTransformIntegrity, 12);
}

static void integrity_missing(void)
{
	u32(PIB_copsecEspTransform, 1, copsecEspTransformEncryption, 12);
}

static void unknown_group(void)
{
	u32(PIB_copsecEspTransform, 1, copsecEspTransformGroup, 22);
}

static void no_group(void)
{
	unknown_group();
	u32(PIB_copsecEspTransform, 1, copsecEspTransformGroup, 0);
	pri_set_bool(rows_get(&rows, PIB_ipSecAssociation, 1), ipSecAssociationUsePfs, true);
	pri_set_bool(rows_get(&rows, PIB_ipSecAssociation, 1), ipSecAssociationUseKeyExchangeGroup,
		false);
}

static void ike_integrity_missing(void)
{
	u32(PIB_copsecIkeProposal, 1, copsecIkeProposalIntegrity, 0);
}

static void ike_prf_unknown(void)
{
	u32(PIB_copsecIkeProposal, 1, copsecIkeProposalPrf, 77);
}

static void ike_kilobytes(void)
{
	pri_set_u64(
		rows_get(&rows, PIB_ipSecIkeProposal, 1), ipSecIkeProposalMaxLifetimeKilobytes, 1);
}

static void ike_vendor(void)
{
	pri_set_text(rows_get(&rows, PIB_ipSecIkeAssociation, 1), ipSecIkeAssociationVendorId, "x");
}

static void identity_type(void)
{
	u32(PIB_ipSecIkePeerEndpoint, 1, ipSecIkePeerEndpointIdentityType, 12);
}

static void least_lifetime(void)
{
	u32(PIB_ipSecAssociation, 1, ipSecAssociationMinLifetimeSeconds, 1);
}

static void no_granularity(void)
{
	pri_set_bits(rows_get(&rows, PIB_ipSecAssociation, 1), ipSecAssociationGranularity, 0);
}

static void two_granularities(void)
{
	pri_set_bits(rows_get(&rows, PIB_ipSecAssociation, 1), ipSecAssociationGranularity, 3);
}

static void port_granularity(void)
{
	pri_set_bits(rows_get(&rows, PIB_ipSecAssociation, 1), ipSecAssociationGranularity,
		1u << ipSecAssociationGranularity_port);
}

static void ah(void)
{
	struct pri *p = rows_add(&rows, PIB_ipSecAhTransformSet, 1);

	pri_set_u32(p, ipSecAhTransformSetTransformSetId, 50);
	pri_set_u32(p, ipSecAhTransformSetTransformId, 1);
	p = rows_add(&rows, PIB_ipSecAhTransform, 1);
	pri_set_u32(p, ipSecAhTransformTransformId, 5);
	u32(PIB_ipSecProposal, 1, ipSecProposalAhTransformSetId, 50);
}

static void ah_alone(void)
{
	ah();
	u32(PIB_ipSecProposal, 1, ipSecProposalEspTransformSetId, 0);
}

static void neither(void)
{
	u32(PIB_ipSecProposal, 1, ipSecProposalEspTransformSetId, 0);
}

static void ah_algorithm(void)
{
	ah();
	u32(PIB_ipSecAhTransform, 1, ipSecAhTransformTransformId, 4);
}

static void compression(void)
{
	struct pri *p = rows_add(&rows, PIB_ipSecCompTransformSet, 1);

	pri_set_u32(p, ipSecCompTransformSetTransformSetId, 51);
	pri_set_u32(p, ipSecCompTransformSetTransformId, 1);
	p = rows_add(&rows, PIB_ipSecCompTransform, 1);
	pri_set_u32(p, ipSecCompTransformAlgorithm, 2);
	u32(PIB_ipSecProposal, 1, ipSecProposalCompTransformSetId, 51);
}

static void compression_algorithm(void)
{
	compression();
	u32(PIB_ipSecCompTransform, 1, ipSecCompTransformAlgorithm, 5);
}

/* A second key exchange, tried if the first one fails. */
static void ike_rule(void)
{
	struct pri *p = rows_add(&rows, PIB_ipSecIkeRule, 1);

	pri_set_u32(p, ipSecIkeRuleIkeActionSetId, 60);
	pri_set_i32(p, ipSecIkeRuleActionExecutionStrategy,
		ipSecIkeRuleActionExecutionStrategy_doUntilSuccess);
	pri_set_i32(p, ipSecIkeRuleLimitNegotiation, ipSecIkeRuleLimitNegotiation_responder);
	p = rows_add(&rows, PIB_ipSecIkeAssociation, 2);
	pri_set_u32(p, ipSecIkeAssociationIkeProposalSetId, 7);
	p = rows_add(&rows, PIB_copsecIkeAssociation, 2);
	pri_set_i32(p, copsecIkeAssociationAuthentication,
		copsecIkeAssociationAuthentication_certificate);
	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_add(&rows, PIB_ipSecIkeActionSet, i);
		pri_set_u32(p, ipSecIkeActionSetActionSetId, 60);
		pri_set_u32(p, ipSecIkeActionSetActionId, i);
		pri_set_u32(p, ipSecIkeActionSetOrder, 9 - i);
	}
	pri_set_prid(rows_get(&rows, PIB_ipSecNegotiationAction, 1),
		ipSecNegotiationActionKeyExchangeId, PIB_ipSecIkeRule, 1);
}

static void credentials(void)
{
	struct pri *p = rows_add(&rows, PIB_ipSecCredentialSet, 1);

	pri_set_u32(p, ipSecCredentialSetSetId, 70);
	pri_set_u32(p, ipSecCredentialSetCredentialId, 1);
	p = rows_add(&rows, PIB_ipSecCredential, 1);
	pri_set_u32(p, ipSecCredentialFieldsId, 71);
	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_add(&rows, PIB_ipSecCredentialFields, i);
		pri_set_u32(p, ipSecCredentialFieldsSetId, 71);
		pri_set_text(p, ipSecCredentialFieldsName, i == 1 ? "issuerName" : "subjectName");
		pri_set_text(p, ipSecCredentialFieldsValue, i == 1 ? "o=acme" : "cn=*,o=acme");
		pri_set_bool(p, ipSecCredentialFieldsIsNegated, i == 2);
	}
	u32(PIB_ipSecIkePeerEndpoint, 1, ipSecIkePeerEndpointCredentialSetId, 70);
}

static void offer(void)
{
	struct pri *p = rows_add(&rows, PIB_copsecOffer, 1);

	pri_set_text(p, copsecOfferName, "printing");
	pri_set_u32(p, copsecOfferLongest, 3600);
	u32(PIB_copsecRule, 1, copsecRuleOfferId, 1);
}

static void offer_for_too_long(void)
{
	offer();
	u32(PIB_copsecOffer, 1, copsecOfferUsual, 3601);
}

static void member_without_address(void)
{
	struct pri *p = rows_add(&rows, PIB_copsecGroupMember, 1);

	pri_set_i32(p, copsecGroupMemberAddressType, copsecGroupMemberAddressType_ipv4);
	pri_set_text(p, copsecGroupMemberAddress, "abc");
}

static void key_that_is_over(void)
{
	struct pri *p = rows_add(&rows, PIB_copsecPeerKey, 1);

	pri_set_u64(p, copsecPeerKeyNotBefore, 2);
	pri_set_u64(p, copsecPeerKeyNotAfter, 1);
}

static void secret_of_a_rule(void)
{
	struct pri *p = rows_add(&rows, PIB_copsecSecret, 1);

	pri_set_prid(p, copsecSecretOwner, PIB_ipSecEspTransform, 1);
	pri_set_i32(p, copsecSecretUse, copsecSecretUse_presharedKey);
}

static void backward_dates(void)
{
	time_period();
	pri_set_text(rows_get(&rows, PIB_ipSecRuleTimePeriod, 1), ipSecRuleTimePeriodTimePeriod,
		"20260102T000000/20260101T235959");
}

static void no_time(void)
{
	time_period();
	pri_set_text(rows_get(&rows, PIB_ipSecRuleTimePeriod, 1), ipSecRuleTimePeriodTimeOfDayMask,
		"T240000/T080000");
}

static void zone_with_a_path(void)
{
	time_period();
	pri_set_text(rows_add(&rows, PIB_copsecTimePeriod, 1), copsecTimePeriodZone, "../../etc");
}

#define VALUE PIB_FAULT_VALUE
#define VALUE_UNSUPPORTED PIB_FAULT_VALUE_UNSUPPORTED
#define SPECIFIC PIB_FAULT_SPECIFIC
#define ENUM_UNSUPPORTED PIB_FAULT_ENUM_UNSUPPORTED

/* One mistake each, and what the report must name. */
static const struct refusal {
	void (*make)(void);
	enum pib_class_id class;
	uint32_t instance;
	uint8_t attribute;
	enum pib_fault_kind kind;
} refusals[] = {
	{member_without_address, PIB_copsecGroupMember, 1, copsecGroupMemberAddress, VALUE},
	{key_that_is_over, PIB_copsecPeerKey, 1, copsecPeerKeyNotAfter, VALUE},
	{secret_of_a_rule, PIB_copsecSecret, 1, copsecSecretUse, SPECIFIC},
	{other_roles, PIB_ipSecRule, 2, ipSecRuleRoles, VALUE},
	{nul_in_name, PIB_copsecRule, 1, copsecRuleName, VALUE},
	{roles_without_forward, PIB_copsecRule, 1, copsecRuleOutRole, VALUE},
	{dns_address, PIB_ipSecAddress, 1, ipSecAddressAddressType, ENUM_UNSUPPORTED},
	{zoned_address, PIB_ipSecAddress, 1, ipSecAddressAddressType, ENUM_UNSUPPORTED},
	{short_address, PIB_ipSecAddress, 1, ipSecAddressAddrMax, VALUE},
	{backward_range, PIB_ipSecAddress, 1, ipSecAddressAddrMax, VALUE},
	{range_with_prefix, PIB_ipSecAddress, 1, ipSecAddressAddrPrefixLength, VALUE},
	{long_prefix, PIB_ipSecAddress, 1, ipSecAddressAddrPrefixLength, VALUE},
	{range_with_long_prefix, PIB_ipSecAddress, 1, ipSecAddressAddrPrefixLength, VALUE},
	{backward_ports, PIB_ipSecL4Port, 2, ipSecL4PortPortMax, VALUE},
	{ports_of_gre, PIB_ipSecSelector, 1, ipSecSelectorProtocol, VALUE},
	{type_of_tcp, PIB_ipSecSelector, 1, ipSecSelectorProtocol, VALUE},
	{families_apart, PIB_ipSecSelector, 1, ipSecSelectorDstAddressGroupId, VALUE},
	{label_in_ipv4, PIB_ipSecSelector, 1, ipSecSelectorDstAddressGroupId, VALUE},
	{tunnel_to_nowhere, PIB_ipSecNegotiationAction, 1, ipSecNegotiationActionTunnelEndpointId,
		VALUE},
	{transport_to_gateway, PIB_ipSecNegotiationAction, 1,
		ipSecNegotiationActionTunnelEndpointId, VALUE},
	{tunnel_to_network, PIB_ipSecNegotiationAction, 1, ipSecNegotiationActionTunnelEndpointId,
		VALUE},
	{ikev1_proposal, PIB_ipSecIkeProposal, 1, ipSecIkeProposalCipherAlgorithm, VALUE},
	{unknown_cipher, PIB_copsecEspTransform, 1, copsecEspTransformEncryption,
		VALUE_UNSUPPORTED},
	{unknown_key_length, PIB_copsecEspTransform, 1, copsecEspTransformEncryption,
		VALUE_UNSUPPORTED},
	{integrity_twice, PIB_copsecEspTransform, 1, copsecEspTransformIntegrity, VALUE},
	{integrity_missing, PIB_copsecEspTransform, 1, copsecEspTransformIntegrity,
		VALUE_UNSUPPORTED},
	{unknown_group, PIB_copsecEspTransform, 1, copsecEspTransformGroup, VALUE_UNSUPPORTED},
	{no_group, PIB_ipSecAssociation, 1, ipSecAssociationDhGroup, VALUE_UNSUPPORTED},
	{ike_integrity_missing, PIB_copsecIkeProposal, 1, copsecIkeProposalIntegrity, VALUE},
	{ike_prf_unknown, PIB_copsecIkeProposal, 1, copsecIkeProposalPrf, VALUE_UNSUPPORTED},
	{identity_type, PIB_ipSecIkePeerEndpoint, 1, ipSecIkePeerEndpointIdentityType, VALUE},
	{no_granularity, PIB_ipSecAssociation, 1, ipSecAssociationGranularity, VALUE},
	{two_granularities, PIB_ipSecAssociation, 1, ipSecAssociationGranularity, VALUE},
	{static_sa_without_transform, PIB_ipSecStaticAction, 1, ipSecStaticActionSaTransformId,
		PIB_FAULT_REFERENCE},
	{static_tunnel_to_nowhere, PIB_ipSecStaticAction, 1, ipSecStaticActionTunnelEndpointId,
		VALUE},
	{ikev1_cipher, PIB_ipSecIkeProposal, 1, ipSecIkeProposalCipherAlgorithm, VALUE_UNSUPPORTED},
	{ikev1_hash, PIB_ipSecIkeProposal, 1, ipSecIkeProposalHashAlgorithm, VALUE_UNSUPPORTED},
	{neither, PIB_ipSecProposal, 1, ipSecProposalEspTransformSetId, PIB_FAULT_REFERENCE},
	{ah_algorithm, PIB_ipSecAhTransform, 1, ipSecAhTransformTransformId, VALUE_UNSUPPORTED},
	{compression_algorithm, PIB_ipSecCompTransform, 1, ipSecCompTransformAlgorithm,
		VALUE_UNSUPPORTED},
	{offer_for_too_long, PIB_copsecOffer, 1, copsecOfferUsual, VALUE},
	{backward_dates, PIB_ipSecRuleTimePeriod, 1, ipSecRuleTimePeriodTimePeriod, VALUE},
	{no_time, PIB_ipSecRuleTimePeriod, 1, ipSecRuleTimePeriodTimeOfDayMask, VALUE},
	{zone_with_a_path, PIB_copsecTimePeriod, 1, copsecTimePeriodZone, SPECIFIC},
};

/* What can be said, and what it needs then. */
static const struct need {
	void (*make)(void);
	enum pib_class_id class;
	uint32_t instance;
	uint8_t attribute;
} needs[] = {
	{ipso, PIB_ipSecRule, 1, ipSecRuleIpSecIpsoFilterSetId},
	{ipso, PIB_ipSecIpsoFilter, 1, 0},
	{time_period, PIB_ipSecRule, 2, ipSecRuleIpSecRuleTimePeriodGroupId},
	{fallback, PIB_ipSecRule, 2, ipSecRuleActionExecutionStrategy},
	{nested, PIB_ipSecRule, 2, ipSecRuleIpSecActionSetId},
	{ike_rejection, PIB_ipSecStaticAction, 1, ipSecStaticActionAction},
	{static_sa, PIB_ipSecStaticAction, 1, ipSecStaticActionAction},
	{no_key_exchange, PIB_ipSecNegotiationAction, 1, ipSecNegotiationActionKeyExchangeId},
	{ikev1, PIB_ipSecIkeAssociation, 1, ipSecIkeAssociationExchangeMode},
	{nobody, PIB_copsecIkeAssociation, 1, copsecIkeAssociationAuthentication},
	{ike_kilobytes, PIB_ipSecIkeProposal, 1, ipSecIkeProposalMaxLifetimeKilobytes},
	{ike_vendor, PIB_ipSecIkeAssociation, 1, ipSecIkeAssociationVendorId},
	{least_lifetime, PIB_ipSecAssociation, 1, ipSecAssociationMinLifetimeSeconds},
	{port_granularity, PIB_ipSecAssociation, 1, ipSecAssociationGranularity},
	{ah, PIB_ipSecProposal, 1, ipSecProposalAhTransformSetId},
	{ah, PIB_ipSecAhTransform, 1, 0},
	{ah_alone, PIB_ipSecProposal, 1, ipSecProposalEspTransformSetId},
	{compression, PIB_ipSecProposal, 1, ipSecProposalCompTransformSetId},
	{compression, PIB_ipSecCompTransform, 1, 0},
	{ike_rule, PIB_ipSecNegotiationAction, 1, ipSecNegotiationActionKeyExchangeId},
	{ike_rule, PIB_ipSecIkeRule, 1, 0},
	{credentials, PIB_ipSecIkePeerEndpoint, 1, ipSecIkePeerEndpointCredentialSetId},
	{credentials, PIB_ipSecCredentialFields, 2, 0},
	{offer, PIB_copsecRule, 1, copsecRuleOfferId},
	{offer, PIB_copsecOffer, 1, 0},
};

static bool has_need(
	const struct policy *policy, enum pib_class_id class, uint32_t instance, unsigned attribute)
{
	for (size_t i = 0; i < policy->need_count; i++)
		if (policy->needs[i].prid.class->id == class &&
			policy->needs[i].prid.instance == instance &&
			policy->needs[i].attribute == attribute)
			return true;
	return false;
}

START_TEST(what_is_not_plain_is_a_need)
{
	struct policy *policy;

	needs[_i].make();
	policy = set_policy(&rows);
	ck_assert_msg(has_need(policy, needs[_i].class, needs[_i].instance, needs[_i].attribute),
		"need %d", _i);
	policy_free(policy);
}
END_TEST

/* The PRID of a failure, which is kept as BER. */
static struct prid prid_of(const struct pri_failure *failure)
{
	struct pib_fault fault;
	struct error error;
	struct prid prid;

	ck_assert_msg(!prid_decode(VIEW(failure->prid, failure->prid_len), &prid, &fault, &error),
		"%s", error.text);
	return prid;
}

START_TEST(a_refusal_names_the_place)
{
	const struct refusal *expected = &refusals[_i];
	struct pri_failures failures;
	struct policy *policy = NULL;
	struct pri_store *store;
	struct error error = {0};
	bool found = false;

	expected->make();
	store = set_store(&rows, true);
	pri_failures_init(&failures);
	ck_assert_int_ne(policy_new(store, &policy, &failures, &error), E_OK);
	ck_assert_ptr_null(policy);
	ck_assert_str_ne(error.text, "");
	for (size_t i = 0; i < failures.count; i++) {
		struct prid prid = prid_of(&failures.list[i]);

		found = found ||
			(prid.class->id == expected->class && prid.instance == expected->instance &&
				failures.list[i].fault.attribute == expected->attribute &&
				failures.list[i].fault.kind == expected->kind);
	}
	ck_assert_msg(found, "refusal %d: %s", _i, error.text);
	pri_store_free(store);
}
END_TEST

/* Any value but the default. */
static void set_other(struct pri *pri, const struct pib_attribute *a)
{
	if (a->syntax == PIB_ENUMERATION)
		pri_set_i32(pri, a->number,
			a->labels[a->labels[0].number == (int32_t)a->default_number].number);
	else
		pri_set_u32(pri, a->number, (uint32_t)a->default_number + 1);
	ck_assert_int_eq(pri->error.code, E_OK);
	ck_assert(!pri_is_default(pri, a->number));
}

static bool has_row(enum pib_class_id class)
{
	for (size_t i = 0; i < rows.count; i++)
		if (rows.list[i].class->id == class && rows.list[i].instance == 1)
			return true;
	return false;
}

static size_t check_needs_of(const struct pib_class *class)
{
	size_t checked = 0;

	for (unsigned n = 1; n <= class->attribute_count; n++) {
		const struct pib_attribute *a = pib_attribute(class, n);
		struct policy *policy;
		struct pri *pri;

		if (!policy_is_need(class->id, n) || !a->has_default || !has_row(class->id))
			continue;
		pri = rows_get(&rows, class->id, 1);
		set_other(pri, a);
		policy = set_policy(&rows);
		ck_assert_msg(has_need(policy, class->id, 1, n), "%s %u", class->name, n);
		policy_free(policy);
		pri = rows_get(&rows, class->id, 1);
		pri->values[n - 1] = pri_default(a);
		policy = set_policy(&rows);
		ck_assert(!has_need(policy, class->id, 1, n));
		policy_free(policy);
		checked++;
	}
	return checked;
}

START_TEST(an_attribute_is_a_need_unless_it_has_its_default)
{
	size_t checked = 0;

	offer();
	u32(PIB_copsecRule, 1, copsecRuleOfferId, 0);
	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++)
		checked += check_needs_of(pib_class((enum pib_class_id)id));
	ck_assert_uint_ge(checked, 20);
}
END_TEST

static bool names_attribute(const struct pri_failures *failures, enum pib_class_id class,
	unsigned attribute)
{
	for (size_t i = 0; i < failures->count; i++)
		if (prid_of(&failures->list[i]).class->id == class &&
			failures->list[i].fault.attribute == attribute &&
			failures->list[i].fault.kind == PIB_FAULT_VALUE)
			return true;
	return false;
}

/* As 0 a NULL would say more than was said: any port, no direction. */
START_TEST(what_says_which_flows_is_never_null)
{
	static const enum pib_class_id classes[] = {PIB_ipSecRule, PIB_ipSecSelectorSet,
		PIB_ipSecSelector, PIB_ipSecAddress, PIB_ipSecL4Port, PIB_ipSecActionSet,
		PIB_ipSecStaticAction, PIB_ipSecNegotiationAction};
	const struct pib_class *class = pib_class(classes[_i]);
	size_t checked = 0;

	ck_assert(has_row(class->id));
	for (unsigned n = 1; n <= class->attribute_count; n++) {
		const struct pib_attribute *a = pib_attribute(class, n);
		struct pri_value *value = &rows_get(&rows, class->id, 1)->values[n - 1];
		struct pri_value before = *value;
		struct pri_failures failures;
		struct policy *policy = NULL;
		struct pri_store *store;
		struct error error;

		if (a->has_default || n == class->index_attribute)
			continue;
		value->state = PRI_NULL;
		store = set_store(&rows, false);
		pri_failures_init(&failures);
		ck_assert_int_ne(policy_new(store, &policy, &failures, &error), E_OK);
		ck_assert_msg(names_attribute(&failures, class->id, n), "%s", a->name);
		pri_store_free(store);
		*value = before;
		checked++;
	}
	ck_assert_uint_gt(checked, 0);
}
END_TEST

START_TEST(all_mistakes_are_told_at_once)
{
	struct pri_failures failures;
	struct policy *policy = NULL;
	struct pri_store *store;
	struct error error;

	backward_ports();
	dns_address();
	tunnel_to_nowhere();
	other_roles();
	store = set_store(&rows, true);
	pri_failures_init(&failures);
	ck_assert_int_ne(policy_new(store, &policy, &failures, &error), E_OK);
	ck_assert_uint_eq(failures.count, 4);
	pri_store_free(store);
}
END_TEST

START_TEST(only_the_classes_of_a_set_have_a_place_in_it)
{
	ck_assert(policy_holds(PIB_ipSecRule));
	ck_assert(policy_holds(PIB_copsecSelector));
	ck_assert(policy_holds(PIB_ipSecIpsoFilter));
	ck_assert(!policy_holds(PIB_copsecPolicySet));
	ck_assert(!policy_holds(PIB_ipSecIfCaps));
	ck_assert(!policy_is_need(PIB_ipSecRule, 0));
	ck_assert(policy_is_need(PIB_ipSecIpsoFilter, 0));
}
END_TEST

/* ---- The rest ---- */

static const struct {
	const char *rule;
	const char *interface;
	bool matches;
} roles[] = {
	{"", "lan", true},
	{"", "", false},
	{"lan", "", false},
	{"lan", "lan", true},
	{"lan", "gateway+lan", true},
	{"lan", "lan+voice", true},
	{"lan", "wlan", false},
	{"lan", "lan2+wlan", false},
	{"lan+voice", "lan+voice", true},
	{"lan+voice", "core+lan+voice", true},
	{"lan+voice", "lan", false},
};

START_TEST(a_rule_means_interfaces_that_have_its_roles)
{
	ck_assert_int_eq(
		policy_role_matches(roles[_i].rule, roles[_i].interface), roles[_i].matches);
}
END_TEST

START_TEST(protections_are_equal_by_what_they_say)
{
	struct policy *a = set_policy(&rows);
	struct policy *b = set_policy(&rows);
	struct policy *c, *d;

	ck_assert(policy_protection_equal(&a->protections[0], &b->protections[0]));
	u32(PIB_copsecIkeProposal, 1, copsecIkeProposalGroup, 20);
	c = set_policy(&rows);
	ck_assert(!policy_protection_equal(&a->protections[0], &c->protections[0]));
	set_sample(&rows);
	i32(PIB_copsecNegotiationAction, 1, copsecNegotiationActionDemand,
		copsecNegotiationActionDemand_preferred);
	d = set_policy(&rows);
	ck_assert(!policy_protection_equal(&a->protections[0], &d->protections[0]));
	policy_free(a);
	policy_free(b);
	policy_free(c);
	policy_free(d);
}
END_TEST

static void check_text(const struct policy *policy, uint32_t number, const char *expected)
{
	struct buffer b;

	buffer_init(&b, 4096);
	policy_print_rule(&b, policy_rule(policy, number));
	ck_assert_str_eq(buffer_string(&b), expected);
	buffer_fini(&b);
}

START_TEST(rules_print_as_sentences)
{
	struct policy *policy = set_policy(&rows);

	check_text(policy, 1, "rule 1 \"web\": in, from 192.0.2.0/24 tcp port 80, 443: bypass");
	check_text(policy, 2, "rule 2 \"strong\": out, udp: protect with \"strong\"");
	policy_free(policy);

	pri_set_bool(rows_get(&rows, PIB_copsecRule, 1), copsecRuleForward, true);
	pri_set_text(rows_get(&rows, PIB_copsecRule, 1), copsecRuleInRole, "lan");
	pri_set_bool(rows_get(&rows, PIB_copsecRule, 1), copsecRuleStateful, false);
	pri_set_text(rows_get(&rows, PIB_copsecRule, 1), copsecRuleName, "a\x1b\"");
	i32(PIB_ipSecRule, 1, ipSecRuleDirection, ipSecRuleDirection_bi_directional);
	u32(PIB_ipSecSelector, 2, ipSecSelectorProtocol, 255);
	pri_set_bool(rows_get(&rows, PIB_copsecRule, 2), copsecRuleLog, true);
	policy = set_policy(&rows);
	check_text(policy, 1,
		"rule 1 \"a\\x1b\\\"\": forward and back in by \"lan\", from 192.0.2.0/24 tcp port "
		"80, 443: bypass, without state");
	check_text(policy, 2, "rule 2 \"strong\": out, all: protect with \"strong\", log");
	policy_free(policy);
}
END_TEST

START_TEST(protections_print_without_their_key)
{
	struct policy *policy;
	struct buffer b;

	i32(PIB_copsecIkeAssociation, 1, copsecIkeAssociationAuthentication,
		copsecIkeAssociationAuthentication_presharedKey);
	pri_set_text(rows_get(&rows, PIB_ipSecIkeAssociation, 1), ipSecIkeAssociationPresharedKey,
		"open sesame");
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->protections[0].ike->preshared_key.len, 11);
	buffer_init(&b, 4096);
	policy_print_protection(&b, &policy->protections[0]);
	ck_assert_str_eq(buffer_string(&b),
		"protection \"strong\": transport, required\n"
		"  esp aes256gcm16-x25519, esn, replay window 128, for 3600 s\n"
		"  ike aes128-sha256-prfsha256-ecp256, for 28800 s\n"
		"  by a pre-shared key, logged\n");
	buffer_fini(&b);
	policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/policy");
	TCase *c = tcase_create("policy");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, the_sample_reads_as_written);
	tcase_add_test(c, rules_stand_in_the_order_of_their_order);
	tcase_add_test(c, without_extensions_the_base_classes_have_their_say);
	tcase_add_test(c, the_group_of_the_key_exchange_may_be_taken_over);
	tcase_add_test(c, replay_protection_may_be_off);
	tcase_add_test(c, a_tunnel_has_an_endpoint);
	tcase_add_test(c, an_empty_group_matches_nothing);
	tcase_add_test(c, a_set_may_be_empty);
	tcase_add_loop_test(
		c, a_refusal_names_the_place, 0, (int)(sizeof refusals / sizeof *refusals));
	tcase_add_loop_test(c, what_says_which_flows_is_never_null, 0, 8);
	tcase_add_test(c, an_attribute_is_a_need_unless_it_has_its_default);
	tcase_add_loop_test(c, what_is_not_plain_is_a_need, 0, (int)(sizeof needs / sizeof *needs));
	tcase_add_test(c, all_mistakes_are_told_at_once);
	tcase_add_test(c, only_the_classes_of_a_set_have_a_place_in_it);
	tcase_add_loop_test(c, a_rule_means_interfaces_that_have_its_roles, 0,
		(int)(sizeof roles / sizeof *roles));
	tcase_add_test(c, protections_are_equal_by_what_they_say);
	tcase_add_test(c, rules_print_as_sentences);
	tcase_add_test(c, protections_print_without_their_key);
	suite_add_tcase(s, c);
	return suite_main(s);
}
