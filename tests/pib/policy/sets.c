/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pib/policy/sets.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "pib/store/check.h"

void set_address(struct rows *r, uint32_t instance, uint32_t group, const char *first,
	const char *last, uint32_t bits)
{
	bool ipv4 = !strchr(first, ':');
	struct pri *p = rows_add(r, PIB_ipSecAddress, instance);
	size_t len = ipv4 ? 4 : 16;
	/* A row borrows its octets. */
	static uint8_t of_instance[ROWS_MAX][2 * 16];
	uint8_t *octets;

	ck_assert_uint_lt(instance, ROWS_MAX);
	octets = of_instance[instance];
	ck_assert_int_eq(inet_pton(ipv4 ? AF_INET : AF_INET6, first, octets), 1);
	ck_assert_int_eq(
		inet_pton(ipv4 ? AF_INET : AF_INET6, last ? last : first, octets + len), 1);
	pri_set_i32(p, ipSecAddressAddressType,
		ipv4 ? ipSecAddressAddressType_ipv4 : ipSecAddressAddressType_ipv6);
	pri_set_u32(p, ipSecAddressAddrPrefixLength, bits);
	pri_set_octets(p, ipSecAddressAddrMin, VIEW(octets, len));
	pri_set_octets(p, ipSecAddressAddrMax, VIEW(octets + len, len));
	pri_set_u32(p, ipSecAddressGroupId, group);
}

static void good_protection(struct rows *r)
{
	struct pri *p = rows_get(r, PIB_copsecEspTransform, 1);

	pri_set_u32(p, copsecEspTransformEncryption, 20);
	pri_set_u32(p, copsecEspTransformKeyLength, 256);
	pri_set_u32(p, copsecEspTransformGroup, 31);
	pri_set_bool(p, copsecEspTransformEsn, true);
	p = rows_get(r, PIB_ipSecEspTransform, 1);
	pri_set_u32(p, ipSecEspTransformReplayPreventionWindowSize, 128);
	pri_set_u32(p, ipSecEspTransformMaxLifetimeSeconds, 3600);
	p = rows_get(r, PIB_copsecIkeProposal, 1);
	pri_set_u32(p, copsecIkeProposalEncryption, 12);
	pri_set_u32(p, copsecIkeProposalKeyLength, 128);
	pri_set_u32(p, copsecIkeProposalIntegrity, 12);
	pri_set_u32(p, copsecIkeProposalPrf, 5);
	pri_set_u32(p, copsecIkeProposalGroup, 19);
	pri_set_bits(rows_get(r, PIB_ipSecAssociation, 1), ipSecAssociationGranularity,
		1u << ipSecAssociationGranularity_subnet);
}

void set_sample(struct rows *r)
{
	struct pri *p;

	rows_policy(r, 0, "host");
	good_protection(r);
	p = rows_get(r, PIB_ipSecRule, 1);
	pri_set_i32(p, ipSecRuleDirection, ipSecRuleDirection_in);
	pri_set_i32(p, ipSecRuleLimitNegotiation, ipSecRuleLimitNegotiation_both);
	pri_set_bool(p, ipSecRuleAutoStart, false);
	p = rows_get(r, PIB_ipSecRule, 2);
	pri_set_i32(p, ipSecRuleDirection, ipSecRuleDirection_out);
	pri_set_i32(p, ipSecRuleLimitNegotiation, ipSecRuleLimitNegotiation_both);
	pri_set_bool(p, ipSecRuleAutoStart, false);
	p = rows_get(r, PIB_copsecRule, 1);
	pri_set_text(p, copsecRuleName, "web");
	p = rows_get(r, PIB_copsecRule, 2);
	pri_set_text(p, copsecRuleName, "strong");
	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_get(r, PIB_copsecRule, i);
		pri_set_bool(p, copsecRuleForward, false);
		pri_set_bool(p, copsecRuleLog, false);
		p = rows_get(r, PIB_ipSecActionSet, i);
		pri_set_bool(p, ipSecActionSetDoActionLogging, false);
		pri_set_bool(p, ipSecActionSetDoPacketLogging, false);
		p = rows_get(r, PIB_ipSecSelectorSet, i);
		pri_set_bool(p, ipSecSelectorSetIsNegated, false);
	}
	pri_set_u32(rows_get(r, PIB_ipSecSelector, 1), ipSecSelectorProtocol, 6);
	pri_set_u32(rows_get(r, PIB_ipSecSelector, 2), ipSecSelectorProtocol, 17);
	rows_drop(r, PIB_ipSecAddress, 1);
	set_address(r, 1, 8, "192.0.2.0", NULL, 24);
}

struct pri_store *set_store(struct rows *r, bool checked)
{
	struct pri_failures failures;
	struct pri_store *store = NULL;
	struct error error;
	struct buffer b;
	struct view v;

	pri_failures_init(&failures);
	buffer_init(&b, 1 << 20);
	rows_put(r, &b);
	v = buffer_view(&b);
	ck_assert_msg(!pri_store_build(&v, 1, &store, &failures, &error), "%s", error.text);
	if (checked)
		ck_assert_msg(!pri_store_check(
				      store, (struct pri_bounds){1, UINT32_MAX}, &failures, &error),
			"%s", error.text);
	buffer_fini(&b);
	return store;
}

struct policy *set_policy(struct rows *r)
{
	struct pri_store *store = set_store(r, true);
	struct pri_failures failures;
	struct policy *policy = NULL;
	struct error error;

	pri_failures_init(&failures);
	ck_assert_msg(!policy_new(store, &policy, &failures, &error), "%s", error.text);
	ck_assert_uint_eq(failures.count, 0);
	pri_store_free(store);
	return policy;
}
