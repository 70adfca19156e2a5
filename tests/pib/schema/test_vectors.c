/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Octets that were not made by us: each is built and decoded, and both must agree with it. */
#include <string.h>

#include "common/cops/pr.h"
#include "pib/schema/pri.h"
#include "tests/suite.h"

enum { OCTETS_MAX = 512 };

static void build_incarnation(struct pri *pri)
{
	pri_init(pri, PIB_frwkPibIncarnation, 1);
	pri_set_text(pri, frwkPibIncarnationName, "");
	pri_set_text(pri, frwkPibIncarnationId, "");
	pri_set_i32(pri, frwkPibIncarnationLongevity, frwkPibIncarnationLongevity_expireOnTimeout);
	pri_set_u32(pri, frwkPibIncarnationTtl, 300);
	pri_set_bool(pri, frwkPibIncarnationInCtxtSet, true);
	pri_set_bool(pri, frwkPibIncarnationActive, true);
	pri_set_bool(pri, frwkPibIncarnationFullState, true);
}

static void build_device(struct pri *pri)
{
	pri_init(pri, PIB_frwkDeviceId, 1);
	pri_set_text(pri, frwkDeviceIdDescr, "pep v1");
	pri_set_u32(pri, frwkDeviceIdMaxMsg, 65536);
	pri_set_u32(pri, frwkDeviceIdMaxContexts, 4294967295);
}

static void build_role_combination(struct pri *pri)
{
	pri_init(pri, PIB_frwkRoleCombo, 1);
	pri_set_text(pri, frwkRoleComboRoles, "edge+vpn");
	pri_set_text(pri, frwkRoleComboCapSetName, "");
}

static void build_interface_roles(struct pri *pri)
{
	pri_init(pri, PIB_frwkIfRoleCombo, 1);
	pri_set_i32(pri, frwkIfRoleComboIfIndex, 2);
}

static void build_base_filter(struct pri *pri)
{
	pri_init(pri, PIB_frwkBaseFilter, 7);
	pri_set_bool(pri, frwkBaseFilterNegation, false);
}

static void build_ip_filter(struct pri *pri)
{
	static const uint8_t network[] = {192, 0, 2, 0}, any[] = {0, 0, 0, 0};

	pri_init(pri, PIB_frwkIpFilter, 7);
	pri_set_i32(pri, frwkIpFilterAddrType, frwkIpFilterAddrType_ipv4);
	pri_set_octets(pri, frwkIpFilterDstAddr, VIEW(network, sizeof network));
	pri_set_u32(pri, frwkIpFilterDstPrefixLength, 24);
	pri_set_octets(pri, frwkIpFilterSrcAddr, VIEW(any, sizeof any));
	pri_set_u32(pri, frwkIpFilterSrcPrefixLength, 0);
	pri_set_i32(pri, frwkIpFilterDscp, -1);
	pri_set_i32(pri, frwkIpFilterFlowId, -1);
	pri_set_u32(pri, frwkIpFilterProtocol, 6);
	pri_set_u32(pri, frwkIpFilterDstL4PortMin, 443);
	pri_set_u32(pri, frwkIpFilterDstL4PortMax, 443);
	pri_set_u32(pri, frwkIpFilterSrcL4PortMin, 0);
	pri_set_u32(pri, frwkIpFilterSrcL4PortMax, 65535);
}

static void build_selector(struct pri *pri)
{
	pri_init(pri, PIB_ipSecSelector, 1);
	pri_set_u32(pri, ipSecSelectorSrcAddressGroupId, 10);
	pri_set_u32(pri, ipSecSelectorSrcPortGroupId, 0);
	pri_set_u32(pri, ipSecSelectorDstAddressGroupId, 11);
	pri_set_u32(pri, ipSecSelectorDstPortGroupId, 20);
	pri_set_u32(pri, ipSecSelectorProtocol, 6);
	pri_set_i32(pri, ipSecSelectorDscp, -1);
	pri_set_i32(pri, ipSecSelectorFlowLabel, -1);
}

static void build_address(struct pri *pri)
{
	static const uint8_t network[] = {192, 0, 2, 0};

	pri_init(pri, PIB_ipSecAddress, 1);
	pri_set_i32(pri, ipSecAddressAddressType, ipSecAddressAddressType_ipv4);
	pri_set_u32(pri, ipSecAddressAddrPrefixLength, 24);
	pri_set_octets(pri, ipSecAddressAddrMin, VIEW(network, sizeof network));
	pri_set_octets(pri, ipSecAddressAddrMax, VIEW(network, sizeof network));
	pri_set_u32(pri, ipSecAddressGroupId, 10);
}

static void build_esp(struct pri *pri)
{
	pri_init(pri, PIB_ipSecEspTransform, 1);
	pri_set_u32(pri, ipSecEspTransformIntegrityTransformId, 5);
	pri_set_u32(pri, ipSecEspTransformCipherTransformId, 12);
	pri_set_text(pri, ipSecEspTransformIntegrityKey, "");
	pri_set_text(pri, ipSecEspTransformCipherKey, "");
	pri_set_null(pri, ipSecEspTransformCipherKeyRounds);
	pri_set_u32(pri, ipSecEspTransformCipherKeyLength, 256);
	pri_set_bool(pri, ipSecEspTransformUseReplayPrevention, true);
	pri_set_u32(pri, ipSecEspTransformReplayPreventionWindowSize, 64);
	pri_set_u32(pri, ipSecEspTransformMaxLifetimeSeconds, 3600);
	pri_set_u64(pri, ipSecEspTransformMaxLifetimeKilobytes, 0);
}

static void build_time(struct pri *pri)
{
	pri_init(pri, PIB_ipSecRuleTimePeriod, 1);
	pri_set_text(pri, ipSecRuleTimePeriodTimePeriod, "20260101T000000/THISANDFUTURE");
	pri_set_bits(pri, ipSecRuleTimePeriodMonthOfYearMask, 0xfff);
	pri_set_null(pri, ipSecRuleTimePeriodDayOfMonthMask);
	pri_set_bits(pri, ipSecRuleTimePeriodDayOfWeekMask,
		1 << ipSecRuleTimePeriodDayOfWeekMask_monday |
			1 << ipSecRuleTimePeriodDayOfWeekMask_tuesday |
			1 << ipSecRuleTimePeriodDayOfWeekMask_wednesday |
			1 << ipSecRuleTimePeriodDayOfWeekMask_thursday |
			1 << ipSecRuleTimePeriodDayOfWeekMask_friday);
	pri_set_text(pri, ipSecRuleTimePeriodTimeOfDayMask, "T080000/T180000");
	pri_set_i32(pri, ipSecRuleTimePeriodLocalOrUtcTime,
		ipSecRuleTimePeriodLocalOrUtcTime_utcTime);
}

static void build_association(struct pri *pri)
{
	pri_init(pri, PIB_ipSecAssociation, 1);
	pri_set_u32(pri, ipSecAssociationMinLifetimeSeconds, 300);
	pri_set_u64(pri, ipSecAssociationMinLifetimeKilobytes, 0);
	pri_set_u32(pri, ipSecAssociationIdleDurationSeconds, 0);
	pri_set_bool(pri, ipSecAssociationUsePfs, true);
	pri_set_bool(pri, ipSecAssociationUseKeyExchangeGroup, false);
	pri_set_u32(pri, ipSecAssociationDhGroup, 14);
	pri_set_bits(pri, ipSecAssociationGranularity, 1 << ipSecAssociationGranularity_port);
	pri_set_u32(pri, ipSecAssociationProposalSetId, 5);
}

static void build_threshold(struct pri *pri)
{
	pri_init(pri, PIB_frwkFeedbackTrafficThres, 1);
	pri_set_u64(pri, frwkFeedbackTrafficThresPackets, UINT64_C(1) << 63);
	pri_set_null(pri, frwkFeedbackTrafficThresBytes);
}

/* EPD objects, with header and padding, of the project's collection of standards: made by an
 * independent program and dissected by TShark. PRIDs where the class has a number that somebody
 * else gave it. */
static const struct {
	const char *name;
	void (*build)(struct pri *);
	const char *prid, *epd;
	size_t attributes;
} vectors[] = {
	{"frwkPibIncarnation", build_incarnation, "00100101060a2b060102020201020101",
		"001b0301420101040004000201034202012c02010102010102010100", 8},
	{"frwkDeviceId", build_device, "00100101060a2b060102020201030101",
		"001b030142010104067065702076314203010000420500ffffffff00", 4},
	{"frwkRoleCombo", build_role_combination, "00100101060a2b060102020202020101",
		"001303014201010408656467652b76706e040000", 3},
	{"frwkIfRoleCombo", build_interface_roles, "00100101060a2b060102020202030101",
		"0007030102010200", 1},
	{"frwkBaseFilter", build_base_filter, "00100101060a2b060102020203010107",
		"000a03014201070201020000", 2},
	{"frwkIpFilter", build_ip_filter, "00100101060a2b060102020203020107",
		"003203010201010404c00002004201180404000000004201000201ff0201ff42010642020"
		"1bb420201bb420100420300ffff0000", 12},
	/* TShark 4.0 cannot show nine octets; the encoding is right. */
	{"frwkFeedbackTrafficThres", build_threshold, "00100101060a2b060102020501050101",
		"001403014201014b090080000000000000000500", 3},
	{"ipSecSelector", build_selector, NULL,
		"001c030142010142010a42010042010b4201144201060201ff0201ff", 8},
	{"ipSecAddress", build_address, NULL,
		"001c03014201010201014201180404c00002000404c000020042010a", 6},
	{"ipSecEspTransform", build_esp, NULL,
		"0024030142010142010542010c0400040005004202010002010142014042020e104b0100", 11},
	{"ipSecRuleTimePeriod", build_time, NULL,
		"00430301420101041d3230323630313031543030303030302f54484953414e444655545552"
		"450402fff0050004017c040f543038303030302f5431383030303002010200", 7},
	{"ipSecAssociation", build_association, NULL,
		"002003014201014202012c4b010042010002010102010242010e040110420105", 9},
};

static struct view octets_of(const char *hex, uint8_t octets[OCTETS_MAX])
{
	size_t length = strlen(hex) / 2;

	ck_assert(hex_decode(octets, length, hex));
	return VIEW(octets, length);
}

START_TEST(builds_and_decodes_octets_made_by_others)
{
	uint8_t prid_octets[OCTETS_MAX], epd_octets[OCTETS_MAX];
	struct view epd = octets_of(vectors[_i].epd, epd_octets);
	struct cursor run = cursor_over(epd);
	struct pri built, decoded;
	struct pib_fault fault;
	struct pr_object object;
	struct buffer out;
	struct error error;
	struct prid prid;

	vectors[_i].build(&built);
	prid = (struct prid){built.class, built.instance};
	ck_assert_str_eq(built.class->name, vectors[_i].name);
	ck_assert_uint_eq(built.class->attribute_count, vectors[_i].attributes);
	buffer_init(&out, OCTETS_MAX);
	ck_assert_msg(pri_put(&out, &built, &error) == E_OK, "%s", error.text);

	if (vectors[_i].prid) {
		struct view expected = octets_of(vectors[_i].prid, prid_octets);
		struct cursor c = cursor_over(buffer_view(&out));

		ck_assert_int_eq(pr_next(&c, &object), E_OK);
		ck_assert(view_equal(object.raw, expected));
		ck_assert_int_eq(prid_decode(object.contents, &prid, &fault, &error), E_OK);
		ck_assert_ptr_eq(prid.class, built.class);
		ck_assert_uint_eq(prid.instance, built.instance);
	}

	ck_assert_int_eq(pr_next(&run, &object), E_OK);
	ck_assert_uint_eq(object.s_num, PR_EPD);
	ck_assert_msg(epd_decode(&prid, object.contents, &decoded, &fault, &error) == E_OK, "%s",
		error.text);
	ck_assert(pri_equal(&built, &decoded));
	ck_assert(!decoded.extra);
	buffer_reset(&out);
	ck_assert_int_eq(epd_encode(&out, &built, &error), E_OK);
	ck_assert(view_equal(buffer_view(&out), object.contents));
	buffer_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-vectors");
	TCase *c = tcase_create("vectors");

	tcase_add_loop_test(c, builds_and_decodes_octets_made_by_others, 0,
		(int)(sizeof vectors / sizeof *vectors));
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
