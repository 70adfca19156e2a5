/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a policy says of the classes that a plain set does not use. */
#include "tests/pib/policy/sets.h"

#include <string.h>

#include "pib/policy/model.h"
#include "pib/policy/verdicts.h"
#include "tests/suite.h"

static struct rows rows;

static void setup(void)
{
	set_sample(&rows);
}

static struct pri *row(enum pib_class_id class, uint32_t instance)
{
	return rows_get(&rows, class, instance);
}

static void check_rule_text(const struct policy *policy, uint32_t number, const char *expected)
{
	struct buffer b;

	buffer_init(&b, 4096);
	policy_print_rule(&b, policy_rule(policy, number));
	ck_assert_str_eq(buffer_string(&b), expected);
	buffer_fini(&b);
}

/* ---- Transforms ---- */

static void add_ah(uint32_t doi)
{
	struct pri *p = rows_add(&rows, PIB_ipSecAhTransformSet, 1);

	pri_set_u32(p, ipSecAhTransformSetTransformSetId, 50);
	pri_set_u32(p, ipSecAhTransformSetTransformId, 1);
	p = rows_add(&rows, PIB_ipSecAhTransform, 1);
	pri_set_u32(p, ipSecAhTransformTransformId, doi);
	pri_set_u32(p, ipSecAhTransformMaxLifetimeSeconds, 600);
	pri_set_text(p, ipSecAhTransformIntegrityKey, "not of a negotiated one");
	pri_set_u32(row(PIB_ipSecProposal, 1), ipSecProposalAhTransformSetId, 50);
}

START_TEST(a_proposal_has_transforms_of_three_kinds)
{
	struct pri *p = rows_add(&rows, PIB_ipSecCompTransformSet, 1);
	const struct policy_proposal *proposal;
	struct policy *policy;

	add_ah(6);
	pri_set_u32(p, ipSecCompTransformSetTransformSetId, 51);
	pri_set_u32(p, ipSecCompTransformSetTransformId, 1);
	p = rows_add(&rows, PIB_ipSecCompTransform, 1);
	pri_set_u32(p, ipSecCompTransformAlgorithm, 3);
	pri_set_u32(p, ipSecCompTransformDictionarySize, 11);
	pri_set_u32(row(PIB_ipSecProposal, 1), ipSecProposalCompTransformSetId, 51);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->protections[0].proposal_count, 1);
	proposal = &policy->protections[0].proposals[0];
	ck_assert_uint_eq(proposal->esp_count, 1);
	ck_assert_uint_eq(proposal->ah_count, 1);
	ck_assert_uint_eq(proposal->ah[0].integrity, 13);
	ck_assert_uint_eq(proposal->ah[0].lifetime_seconds, 600);
	ck_assert_uint_eq(proposal->ah[0].integrity_key.len, 0);
	ck_assert_uint_eq(proposal->ipcomp_count, 1);
	ck_assert_uint_eq(proposal->ipcomp[0].algorithm, 3);
	ck_assert_uint_eq(proposal->ipcomp[0].dictionary_log, 11);
	ck_assert_uint_eq(proposal->ipcomp[0].lifetime_seconds, 8 * 3600);
	policy_free(policy);
}
END_TEST

START_TEST(an_ah_transform_may_speak_of_version_2)
{
	struct policy *policy;
	struct pri *p;

	add_ah(4);
	p = rows_add(&rows, PIB_copsecAhTransform, 1);
	pri_set_u32(p, copsecAhTransformIntegrity, 14);
	pri_set_u32(p, copsecAhTransformGroup, 20);
	pri_set_bool(p, copsecAhTransformEsn, true);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->protections[0].proposals[0].ah[0].integrity, 14);
	ck_assert_uint_eq(policy->protections[0].proposals[0].ah[0].group, 20);
	ck_assert(policy->protections[0].proposals[0].ah[0].esn);
	policy_free(policy);
}
END_TEST

/* ---- Actions ---- */

static void add_action(
	uint32_t instance, uint32_t set, enum pib_class_id class, uint32_t action, uint32_t order)
{
	struct pri *p = rows_add(&rows, PIB_ipSecActionSet, instance);

	pri_set_u32(p, ipSecActionSetActionSetId, set);
	pri_set_prid(p, ipSecActionSetActionId, class, action);
	pri_set_u32(p, ipSecActionSetOrder, order);
	pri_set_bool(p, ipSecActionSetDoActionLogging, false);
	pri_set_bool(p, ipSecActionSetDoPacketLogging, false);
}

static void add_protection(uint32_t instance, const char *name, int32_t demand)
{
	struct pri *p = rows_add(&rows, PIB_ipSecNegotiationAction, instance);

	pri_set_u32(p, ipSecNegotiationActionIpSecAssociationId, 1);
	pri_set_prid(p, ipSecNegotiationActionKeyExchangeId, PIB_ipSecIkeAssociation, 1);
	pri_set_i32(p, ipSecNegotiationActionDfHandling, (int32_t)instance);
	p = rows_add(&rows, PIB_copsecNegotiationAction, instance);
	pri_set_text(p, copsecNegotiationActionName, name);
	pri_set_i32(p, copsecNegotiationActionDemand, demand);
}

START_TEST(actions_run_in_the_order_of_their_order)
{
	struct policy *policy;

	add_protection(2, "other", copsecNegotiationActionDemand_required);
	add_action(9, 4, PIB_ipSecNegotiationAction, 2, 7);
	pri_set_u32(row(PIB_ipSecActionSet, 2), ipSecActionSetOrder, 8);
	pri_set_i32(row(PIB_ipSecRule, 2), ipSecRuleActionExecutionStrategy,
		ipSecRuleActionExecutionStrategy_doAll);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->rules[1].step_count, 2);
	ck_assert_int_eq(policy->rules[1].strategy, POLICY_DO_ALL);
	ck_assert_str_eq(policy->rules[1].steps[0].protection->name, "other");
	ck_assert_str_eq(policy->rules[1].steps[1].protection->name, "strong");
	ck_assert_str_eq(policy->rules[1].protection->name, "other");
	check_rule_text(policy, 2,
		"rule 2 \"strong\": out, udp: protect with \"other\", then protect with "
		"\"strong\"");
	policy_free(policy);

	pri_set_i32(row(PIB_ipSecRule, 2), ipSecRuleActionExecutionStrategy,
		ipSecRuleActionExecutionStrategy_doUntilSuccess);
	add_action(10, 4, PIB_ipSecStaticAction, 1, 20);
	policy = set_policy(&rows);
	ck_assert_int_eq(policy->rules[1].strategy, POLICY_UNTIL_SUCCESS);
	ck_assert_int_eq(policy->rules[1].action, POLICY_PROTECT);
	ck_assert_int_eq(policy->rules[1].demand, POLICY_PREFERRED);
	check_rule_text(policy, 2,
		"rule 2 \"strong\": out, udp: protect with \"other\", else protect with "
		"\"strong\", "
		"else bypass, or in clear");
	policy_free(policy);
}
END_TEST

static const struct policy_protection required = {.demand = POLICY_REQUIRED};
static const struct policy_protection preferred = {.demand = POLICY_PREFERRED};
#define BYPASS                                                                                     \
	{                                                                                          \
		.kind = POLICY_STEP_BYPASS                                                         \
	}
#define DISCARD                                                                                    \
	{                                                                                          \
		.kind = POLICY_STEP_DISCARD                                                        \
	}
#define STATIC_SA                                                                                  \
	{                                                                                          \
		.kind = POLICY_STEP_STATIC_SA                                                      \
	}
#define REQUIRE                                                                                    \
	{                                                                                          \
		.kind = POLICY_STEP_NEGOTIATE, .protection = &required                             \
	}
#define PREFER                                                                                     \
	{                                                                                          \
		.kind = POLICY_STEP_NEGOTIATE, .protection = &preferred                            \
	}

static const struct {
	enum policy_strategy strategy;
	struct policy_step steps[3];
	size_t count;
	enum policy_action action;
	enum policy_demand demand; /* of POLICY_PROTECT */
} outcomes[] = {
	{POLICY_DO_ALL, {BYPASS}, 1, POLICY_BYPASS, 0},
	{POLICY_DO_ALL, {DISCARD}, 1, POLICY_DISCARD, 0},
	{POLICY_DO_ALL, {{.kind = POLICY_STEP_REJECT_IKE}}, 1, POLICY_DISCARD, 0},
	{POLICY_DO_ALL, {STATIC_SA}, 1, POLICY_PROTECT, POLICY_REQUIRED},
	{POLICY_DO_ALL, {PREFER}, 1, POLICY_PROTECT, POLICY_PREFERRED},
	{POLICY_DO_ALL, {PREFER, REQUIRE}, 2, POLICY_PROTECT, POLICY_REQUIRED},
	{POLICY_DO_ALL, {BYPASS, REQUIRE}, 2, POLICY_PROTECT, POLICY_REQUIRED},
	{POLICY_DO_ALL, {REQUIRE, DISCARD}, 2, POLICY_DISCARD, 0},
	{POLICY_UNTIL_SUCCESS, {REQUIRE, REQUIRE}, 2, POLICY_PROTECT, POLICY_REQUIRED},
	{POLICY_UNTIL_SUCCESS, {REQUIRE, PREFER}, 2, POLICY_PROTECT, POLICY_PREFERRED},
	{POLICY_UNTIL_SUCCESS, {PREFER, REQUIRE}, 2, POLICY_PROTECT, POLICY_PREFERRED},
	{POLICY_UNTIL_SUCCESS, {REQUIRE, DISCARD}, 2, POLICY_PROTECT, POLICY_REQUIRED},
	{POLICY_UNTIL_SUCCESS, {REQUIRE, BYPASS}, 2, POLICY_PROTECT, POLICY_PREFERRED},
	{POLICY_UNTIL_SUCCESS, {REQUIRE, DISCARD, BYPASS}, 3, POLICY_PROTECT, POLICY_REQUIRED},
	{POLICY_UNTIL_SUCCESS, {BYPASS, REQUIRE}, 2, POLICY_BYPASS, 0},
	{POLICY_UNTIL_SUCCESS, {DISCARD, BYPASS}, 2, POLICY_DISCARD, 0},
};

START_TEST(steps_come_to_one_strictness)
{
	enum policy_action action;
	enum policy_demand demand;

	policy_outcome(
		outcomes[_i].strategy, outcomes[_i].steps, outcomes[_i].count, &action, &demand);
	ck_assert_int_eq(action, outcomes[_i].action);
	if (action == POLICY_PROTECT)
		ck_assert_int_eq(demand, outcomes[_i].demand);
}
END_TEST

START_TEST(a_static_association_has_its_transform_and_keys)
{
	struct pri *p = row(PIB_ipSecStaticAction, 1);
	const struct policy_static_sa *sa;
	struct policy *policy;

	set_address(&rows, 7, 77, "2001:db8::1", NULL, 128);
	pri_set_i32(p, ipSecStaticActionAction, ipSecStaticActionAction_preConfiguredTunnel);
	pri_set_u32(p, ipSecStaticActionTunnelEndpointId, 7);
	pri_set_i32(p, ipSecStaticActionDfHandling, ipSecStaticActionDfHandling_clear);
	pri_set_u32(p, ipSecStaticActionSpi, 0x1234);
	pri_set_u32(p, ipSecStaticActionLifetimeSeconds, 7200);
	pri_set_u64(p, ipSecStaticActionLifetimeKilobytes, 5);
	pri_set_prid(p, ipSecStaticActionSaTransformId, PIB_ipSecEspTransform, 1);
	p = rows_add(&rows, PIB_copsecStaticAction, 1);
	pri_set_bool(p, copsecStaticActionFreshKeys, true);
	pri_set_text(row(PIB_ipSecEspTransform, 1), ipSecEspTransformCipherKey, "a key");
	policy = set_policy(&rows);
	ck_assert_int_eq(policy->rules[0].action, POLICY_PROTECT);
	ck_assert_ptr_null(policy->rules[0].protection);
	sa = policy->rules[0].steps[0].sa;
	ck_assert_ptr_nonnull(sa);
	ck_assert_int_eq(sa->mode, POLICY_TUNNEL);
	ck_assert_int_eq(sa->endpoint.family, FLOW_IPV6);
	ck_assert_int_eq(sa->df, POLICY_DF_CLEAR);
	ck_assert_uint_eq(sa->spi, 0x1234);
	/* The transform's hour is less than two hours; five kilobytes are less than for ever. */
	ck_assert_uint_eq(sa->lifetime_seconds, 3600);
	ck_assert_uint_eq(sa->lifetime_kilobytes, 5);
	ck_assert(sa->fresh_keys && !sa->udp && !sa->esn);
	ck_assert_ptr_nonnull(sa->esp);
	ck_assert_ptr_null(sa->ah);
	ck_assert(view_equal(sa->esp->cipher_key, view_of_string("a key")));
	/* The same transform, negotiated, has no key. */
	ck_assert_uint_eq(policy->protections[0].proposals[0].esp[0].cipher_key.len, 0);
	check_rule_text(policy, 1,
		"rule 1 \"web\": in, from 192.0.2.0/24 tcp port 80, 443: protect with a tunnel ESP "
		"SA 0x1234 without negotiation");
	policy_free(policy);
}
END_TEST

START_TEST(who_is_turned_away_may_be_told)
{
	struct pri *p = row(PIB_ipSecStaticAction, 1);
	struct policy *policy;

	pri_set_i32(p, ipSecStaticActionAction, ipSecStaticActionAction_discard);
	p = rows_add(&rows, PIB_copsecStaticAction, 1);
	pri_set_i32(p, copsecStaticActionAnswer, copsecStaticActionAnswer_reset);
	policy = set_policy(&rows);
	ck_assert_int_eq(policy->rules[0].steps[0].kind, POLICY_STEP_DISCARD);
	ck_assert_int_eq(policy->rules[0].steps[0].answer, POLICY_RESET);
	policy_free(policy);
}
END_TEST

/* ---- Key exchanges ---- */

START_TEST(several_key_exchanges_stand_in_their_order)
{
	struct pri *p = rows_add(&rows, PIB_ipSecIkeRule, 1);
	const struct policy_protection *protection;
	struct policy *policy;

	pri_set_u32(p, ipSecIkeRuleIkeActionSetId, 60);
	pri_set_i32(p, ipSecIkeRuleActionExecutionStrategy,
		ipSecIkeRuleActionExecutionStrategy_doUntilSuccess);
	pri_set_i32(p, ipSecIkeRuleLimitNegotiation, ipSecIkeRuleLimitNegotiation_responder);
	p = rows_add(&rows, PIB_ipSecIkeAssociation, 2);
	pri_set_u32(p, ipSecIkeAssociationIkeProposalSetId, 7);
	p = rows_add(&rows, PIB_copsecIkeAssociation, 2);
	pri_set_i32(p, copsecIkeAssociationAuthentication,
		copsecIkeAssociationAuthentication_certificate);
	pri_set_i32(p, copsecIkeAssociationPeerAuthentication,
		copsecIkeAssociationPeerAuthentication_rawKey);
	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_add(&rows, PIB_ipSecIkeActionSet, i);
		pri_set_u32(p, ipSecIkeActionSetActionSetId, 60);
		pri_set_u32(p, ipSecIkeActionSetActionId, i);
		pri_set_u32(p, ipSecIkeActionSetOrder, 9 - i);
	}
	pri_set_prid(row(PIB_ipSecNegotiationAction, 1), ipSecNegotiationActionKeyExchangeId,
		PIB_ipSecIkeRule, 1);
	policy = set_policy(&rows);
	protection = &policy->protections[0];
	ck_assert_uint_eq(protection->ike_count, 2);
	ck_assert_uint_eq(protection->ike[0].instance, 2);
	ck_assert_int_eq(protection->ike[0].authentication, POLICY_CERTIFICATE);
	ck_assert_int_eq(protection->ike[0].peer_authentication, POLICY_RAW_KEY);
	ck_assert_uint_eq(protection->ike[1].instance, 1);
	ck_assert_int_eq(protection->ike[1].peer_authentication, POLICY_RAW_KEY);
	ck_assert_int_eq(protection->ike_rule->strategy, POLICY_UNTIL_SUCCESS);
	ck_assert_int_eq(protection->ike_rule->initiator, POLICY_RESPONDER);
	policy_free(policy);
}
END_TEST

START_TEST(version_1_is_translated)
{
	struct pri *p = row(PIB_ipSecIkeProposal, 1);
	const struct policy_ike *ike;
	struct policy *policy;

	rows_drop(&rows, PIB_copsecIkeAssociation, 1);
	pri_set_u32(p, ipSecIkeProposalCipherAlgorithm, 7);
	pri_set_u32(p, ipSecIkeProposalHashAlgorithm, 4);
	pri_set_u32(p, ipSecIkeProposalAuthenticationMethod, 1);
	pri_set_u32(p, ipSecIkeProposalIkeDhGroup, 14);
	p = row(PIB_ipSecIkeAssociation, 1);
	pri_set_i32(
		p, ipSecIkeAssociationExchangeMode, ipSecIkeAssociationExchangeMode_aggressiveMode);
	pri_set_u32(p, ipSecIkeAssociationAggressiveModeGroupId, 5);
	pri_set_text(p, ipSecIkeAssociationPresharedKey, "open sesame");
	policy = set_policy(&rows);
	ike = policy->protections[0].ike;
	ck_assert_uint_eq(ike->version, 1);
	ck_assert_int_eq(ike->exchange, POLICY_AGGRESSIVE_MODE);
	ck_assert_uint_eq(ike->aggressive_group, 5);
	ck_assert_uint_eq(ike->proposals[0].encryption, 12);
	ck_assert_uint_eq(ike->proposals[0].key_length, 128);
	ck_assert_uint_eq(ike->proposals[0].integrity, 12);
	ck_assert_uint_eq(ike->proposals[0].prf, 5);
	ck_assert_uint_eq(ike->proposals[0].group, 14);
	ck_assert_uint_eq(ike->proposals[0].method, 1);
	ck_assert(view_equal(ike->preshared_key, view_of_string("open sesame")));
	policy_free(policy);
}
END_TEST

START_TEST(a_peer_shows_a_credential_that_meets_the_criteria)
{
	struct pri *p = rows_add(&rows, PIB_ipSecCredentialSet, 1);
	const struct policy_credential *credential;
	struct policy *policy;

	pri_set_u32(p, ipSecCredentialSetSetId, 70);
	pri_set_u32(p, ipSecCredentialSetCredentialId, 1);
	p = rows_add(&rows, PIB_ipSecCredential, 1);
	pri_set_u32(p, ipSecCredentialFieldsId, 71);
	p = rows_add(&rows, PIB_copsecCredential, 1);
	pri_set_i32(p, copsecCredentialRevocation, copsecCredentialRevocation_required);
	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_add(&rows, PIB_ipSecCredentialFields, i);
		pri_set_u32(p, ipSecCredentialFieldsSetId, 71);
		pri_set_text(p, ipSecCredentialFieldsName, i == 1 ? "issuerName" : "subjectName");
		pri_set_text(p, ipSecCredentialFieldsValue, i == 1 ? "o=acme" : "cn=*,o=acme");
		pri_set_bool(p, ipSecCredentialFieldsIsNegated, i == 2);
	}
	pri_set_u32(row(PIB_ipSecIkePeerEndpoint, 1), ipSecIkePeerEndpointCredentialSetId, 70);
	p = rows_add(&rows, PIB_copsecPeer, 1);
	pri_set_text(p, copsecPeerName, "hub");
	pri_set_i32(p, copsecPeerAuthority, copsecPeerAuthority_directory);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->protections[0].ike->peer_credentials.count, 1);
	ck_assert_str_eq(policy->protections[0].ike->peer_name, "hub");
	ck_assert_int_eq(policy->protections[0].ike->peer_authority, POLICY_BY_DIRECTORY);
	credential = &policy->protections[0].ike->peer_credentials.list[0];
	ck_assert_int_eq(credential->type, POLICY_X509);
	ck_assert_int_eq(credential->revocation, POLICY_MUST_BE_KNOWN);
	ck_assert_uint_eq(credential->criterion_count, 2);
	ck_assert_str_eq(credential->criteria[0].name, "issuerName");
	ck_assert_str_eq(credential->criteria[1].value, "cn=*,o=acme");
	ck_assert(!credential->criteria[0].negated && credential->criteria[1].negated);
	policy_free(policy);
}
END_TEST

/* ---- Rules ---- */

START_TEST(a_rule_may_ask_for_ip_security_options)
{
	struct pri *p;
	struct policy *policy;

	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_add(&rows, PIB_ipSecIpsoFilterSet, i);
		pri_set_u32(p, ipSecIpsoFilterSetFilterSetId, 50);
		pri_set_u32(p, ipSecIpsoFilterSetFilterId, i);
		pri_set_u32(p, ipSecIpsoFilterSetOrder, i);
		pri_set_bool(p, ipSecIpsoFilterSetIsNegated, i == 2);
		p = rows_add(&rows, PIB_ipSecIpsoFilter, i);
		pri_set_i32(p, ipSecIpsoFilterMatchConditionType, (int32_t)i);
	}
	pri_set_i32(row(PIB_ipSecIpsoFilter, 1), ipSecIpsoFilterClassificationLevel,
		ipSecIpsoFilterClassificationLevel_secret);
	pri_set_i32(row(PIB_ipSecIpsoFilter, 2), ipSecIpsoFilterProtectionAuthority,
		ipSecIpsoFilterProtectionAuthority_nsa);
	pri_set_u32(row(PIB_ipSecRule, 1), ipSecRuleIpSecIpsoFilterSetId, 50);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->rules[0].ipso_count, 2);
	ck_assert(!policy->rules[0].ipso[0].by_authority && !policy->rules[0].ipso[0].negated);
	ck_assert_uint_eq(policy->rules[0].ipso[0].classification, 90);
	ck_assert(policy->rules[0].ipso[1].by_authority && policy->rules[0].ipso[1].negated);
	ck_assert_uint_eq(policy->rules[0].ipso[1].authority, 3);
	policy_free(policy);
}
END_TEST

START_TEST(a_rule_may_have_limits)
{
	struct pri *p = row(PIB_copsecRule, 1);
	struct policy *policy;

	pri_set_u32(p, copsecRuleRate, 10);
	pri_set_i32(p, copsecRuleRateUnit, copsecRuleRateUnit_minute);
	pri_set_u32(p, copsecRuleRateBurst, 3);
	pri_set_i32(p, copsecRuleRateScope, copsecRuleRateScope_source);
	pri_set_u32(p, copsecRuleConnections, 100);
	pri_set_i32(p, copsecRuleConnectionScope, copsecRuleConnectionScope_destination);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->rules[0].rate.count, 10);
	ck_assert_uint_eq(policy->rules[0].rate.seconds, 60);
	ck_assert_uint_eq(policy->rules[0].rate.burst, 3);
	ck_assert_int_eq(policy->rules[0].rate.scope, POLICY_OF_SOURCE);
	ck_assert_uint_eq(policy->rules[0].connections.count, 100);
	ck_assert_int_eq(policy->rules[0].connections.scope, POLICY_OF_DESTINATION);
	policy_free(policy);
}
END_TEST

START_TEST(a_shadow_rule_decides_nothing)
{
	struct flow flow = {.family = FLOW_IPV4,
		.direction = FLOW_IN,
		.source = {192, 0, 2, 1},
		.protocol = 6,
		.destination_port = 443};
	struct policy *policy = set_policy(&rows);
	struct flow_match *matches;
	struct arena arena;
	struct error error;
	size_t count;

	ck_assert_ptr_eq(policy_evaluate(policy, &flow, NULL), &policy->rules[0]);
	policy_free(policy);
	pri_set_bool(row(PIB_copsecRule, 1), copsecRuleShadow, true);
	policy = set_policy(&rows);
	ck_assert(policy->rules[0].shadow);
	ck_assert_ptr_null(policy_evaluate(policy, &flow, NULL));
	arena_init(&arena, 1 << 16);
	ck_assert_int_eq(
		policy_matches(policy, FLOW_IN, NULL, &arena, &matches, &count, &error), E_OK);
	ck_assert_uint_eq(count, 0);
	arena_fini(&arena);
	policy_free(policy);
}
END_TEST

START_TEST(groups_have_names)
{
	struct pri *p = rows_add(&rows, PIB_copsecGroup, 1);
	struct policy *policy;

	pri_set_u32(p, copsecGroupAddressGroupId, 8);
	pri_set_text(p, copsecGroupName, "admitted");
	pri_set_i32(p, copsecGroupAuthority, copsecGroupAuthority_directory);
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->group_count, 1);
	ck_assert_uint_eq(policy->groups[0].tag, 8);
	ck_assert_str_eq(policy->groups[0].name, "admitted");
	ck_assert_int_eq(policy->groups[0].authority, POLICY_BY_DIRECTORY);
	policy_free(policy);
}
END_TEST

START_TEST(members_keys_and_secrets_are_said)
{
	static const uint8_t address[] = {192, 0, 2, 7};
	static const uint8_t digest[32] = {1};
	struct pri *p = rows_add(&rows, PIB_copsecGroupMember, 1);
	struct policy *policy;

	pri_set_text(p, copsecGroupMemberGroup, "admitted");
	pri_set_i32(p, copsecGroupMemberAddressType, copsecGroupMemberAddressType_ipv4);
	pri_set_octets(p, copsecGroupMemberAddress, VIEW(address, 4));
	pri_set_u32(p, copsecGroupMemberPrefixLength, 24);
	p = rows_add(&rows, PIB_copsecPeerKey, 1);
	pri_set_text(p, copsecPeerKeyPeer, "hub");
	pri_set_text(p, copsecPeerKeyKey, "a key");
	pri_set_i32(p, copsecPeerKeyAddressType, copsecPeerKeyAddressType_ipv4);
	pri_set_octets(p, copsecPeerKeyAddress, VIEW(address, 4));
	pri_set_u64(p, copsecPeerKeyNotAfter, 2000000000);
	p = rows_add(&rows, PIB_copsecSecret, 1);
	pri_set_prid(p, copsecSecretOwner, PIB_ipSecIkeAssociation, 1);
	pri_set_i32(p, copsecSecretUse, copsecSecretUse_presharedKey);
	pri_set_octets(p, copsecSecretKey, VIEW(digest, 32));
	pri_set_text(p, copsecSecretSealed, "sealed");
	policy = set_policy(&rows);
	ck_assert_uint_eq(policy->member_count, 1);
	ck_assert_str_eq(policy->members[0].group, "admitted");
	ck_assert_uint_eq(policy->members[0].addresses.low.high, UINT64_C(0xc0000200) << 32);
	ck_assert_uint_eq(policy->peer_key_count, 1);
	ck_assert_str_eq(policy->peer_keys[0].peer, "hub");
	ck_assert_int_eq(policy->peer_keys[0].address.family, FLOW_IPV4);
	ck_assert_uint_eq(policy->peer_keys[0].address.octets[3], 7);
	ck_assert_uint_eq(policy->peer_keys[0].not_after, 2000000000);
	ck_assert_uint_eq(policy->sealed_count, 1);
	ck_assert_int_eq(policy->sealed[0].owner.class->id, PIB_ipSecIkeAssociation);
	ck_assert_int_eq(policy->sealed[0].use, POLICY_SECRET_PRESHARED_KEY);
	ck_assert(view_equal(policy->sealed[0].sealed, view_of_string("sealed")));
	policy_free(policy);
}
END_TEST

/* ---- The model ---- */

static const struct {
	enum model_concept concept;
	uint32_t model, pib;
} numbers[] = {
	{MODEL_EXECUTION_STRATEGY, POLICY_UNTIL_SUCCESS,
		ipSecRuleActionExecutionStrategy_doUntilSuccess},
	{MODEL_EXECUTION_STRATEGY, POLICY_DO_ALL, ipSecRuleActionExecutionStrategy_doAll},
	{MODEL_EXCHANGE_MODE, POLICY_BASE_MODE, ipSecIkeAssociationExchangeMode_baseMode},
	{MODEL_EXCHANGE_MODE, POLICY_MAIN_MODE, ipSecIkeAssociationExchangeMode_mainMode},
	{MODEL_EXCHANGE_MODE, POLICY_AGGRESSIVE_MODE,
		ipSecIkeAssociationExchangeMode_aggressiveMode},
	{MODEL_GRANULARITY, POLICY_EACH_SUBNET, ipSecAssociationGranularity_subnet},
	{MODEL_GRANULARITY, POLICY_EACH_PORT, ipSecAssociationGranularity_port},
	{MODEL_AH_TRANSFORM, 2, 1},
	{MODEL_AH_TRANSFORM, 3, 2},
};

START_TEST(the_model_numbers_otherwise)
{
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		uint32_t n = 99;

		ck_assert_int_eq(model_of_pib(numbers[i].concept, numbers[i].pib, &n), E_OK);
		ck_assert_uint_eq(n, numbers[i].model);
		ck_assert_int_eq(model_to_pib(numbers[i].concept, numbers[i].model, &n), E_OK);
		ck_assert_uint_eq(n, numbers[i].pib);
	}
	for (enum model_concept c = 0; c < MODEL_CONCEPTS; c++) {
		uint32_t n = 99;

		ck_assert_int_eq(model_of_pib(c, 77, &n), E_NOT_FOUND);
		ck_assert_int_eq(model_to_pib(c, 77, &n), E_NOT_FOUND);
		ck_assert_uint_eq(n, 99);
	}
	/* What is larger there is smaller here. */
	ck_assert_uint_eq(model_priority_or_order(0), 65535);
	ck_assert_uint_eq(model_priority_or_order(65535), 0);
	ck_assert_uint_gt(model_priority_or_order(7), model_priority_or_order(8));
	ck_assert_uint_eq(model_priority_or_order(model_priority_or_order(4711)), 4711);
	ck_assert_uint_eq(model_lifetime(0), 0);
	ck_assert_uint_eq(model_lifetime(UINT64_C(1) << 32), UINT32_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pib/policy/classes");
	TCase *c = tcase_create("classes");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, a_proposal_has_transforms_of_three_kinds);
	tcase_add_test(c, an_ah_transform_may_speak_of_version_2);
	tcase_add_test(c, actions_run_in_the_order_of_their_order);
	tcase_add_loop_test(
		c, steps_come_to_one_strictness, 0, (int)(sizeof outcomes / sizeof *outcomes));
	tcase_add_test(c, a_static_association_has_its_transform_and_keys);
	tcase_add_test(c, who_is_turned_away_may_be_told);
	tcase_add_test(c, several_key_exchanges_stand_in_their_order);
	tcase_add_test(c, version_1_is_translated);
	tcase_add_test(c, a_peer_shows_a_credential_that_meets_the_criteria);
	tcase_add_test(c, a_rule_may_ask_for_ip_security_options);
	tcase_add_test(c, a_rule_may_have_limits);
	tcase_add_test(c, a_shadow_rule_decides_nothing);
	tcase_add_test(c, groups_have_names);
	tcase_add_test(c, members_keys_and_secrets_are_said);
	tcase_add_test(c, the_model_numbers_otherwise);
	suite_add_tcase(s, c);
	return suite_main(s);
}
