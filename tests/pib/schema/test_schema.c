/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the generator made of the modules: spot checks against the standards' tables, and what must
 * hold of every class. */
#include <stdio.h>
#include <string.h>

#include "pib/schema/ber.h"
#include "pib/schema/schema.h"
#include "pib/schema/subcode.h"
#include "tests/suite.h"

static const char ours[] = COPSEC_ENTERPRISE_OID ".1";

/* RFC 3318 §5; RFC 3571 §2; draft-ietf-ipsp-ipsecpib-10 §5, with the module's arc before the first
 * dot. */
static const struct {
	const char *name, *row;
	bool own_arc;
	enum pib_access access;
	size_t attributes;
} classes[] = {
	{"frwkPrcSupport", "1.3.6.1.2.2.2.1.1.1", false, PIB_NOTIFY, 3},
	{"frwkPibIncarnation", "1.3.6.1.2.2.2.1.2.1", false, PIB_INSTALL_NOTIFY, 8},
	{"frwkDeviceId", "1.3.6.1.2.2.2.1.3.1", false, PIB_NOTIFY, 4},
	{"frwkCompLimits", "1.3.6.1.2.2.2.1.4.1", false, PIB_NOTIFY, 7},
	{"frwkReference", "1.3.6.1.2.2.2.1.5.1", false, PIB_INSTALL_NOTIFY, 4},
	{"frwkError", "1.3.6.1.2.2.2.1.6.1", false, PIB_INSTALL, 5},
	{"frwkCapabilitySet", "1.3.6.1.2.2.2.2.1.1", false, PIB_NOTIFY, 3},
	{"frwkRoleCombo", "1.3.6.1.2.2.2.2.2.1", false, PIB_INSTALL_NOTIFY, 3},
	{"frwkIfRoleCombo", "1.3.6.1.2.2.2.2.3.1", false, PIB_INSTALL_NOTIFY, 1},
	{"frwkBaseFilter", "1.3.6.1.2.2.2.3.1.1", false, PIB_INSTALL, 2},
	{"frwkIpFilter", "1.3.6.1.2.2.2.3.2.1", false, PIB_INSTALL, 12},
	{"frwk802Filter", "1.3.6.1.2.2.2.3.3.1", false, PIB_INSTALL, 8},
	{"frwkILabelFilter", "1.3.6.1.2.2.2.3.4.1", false, PIB_INSTALL, 1},
	{"frwk802Marker", "1.3.6.1.2.2.2.4.1.1", false, PIB_INSTALL, 3},
	{"frwkILabelMarker", "1.3.6.1.2.2.2.4.2.1", false, PIB_INSTALL, 2},
	{"frwkFeedbackAction", "1.3.6.1.2.2.5.1.1.1", false, PIB_INSTALL, 4},
	{"frwkFeedbackActionList", "1.3.6.1.2.2.5.1.2.1", false, PIB_INSTALL, 3},
	{"frwkFeedbackLinkCaps", "1.3.6.1.2.2.5.1.3.1", false, PIB_NOTIFY, 4},
	{"frwkFeedbackLink", "1.3.6.1.2.2.5.1.4.1", false, PIB_INSTALL, 6},
	{"frwkFeedbackTrafficThres", "1.3.6.1.2.2.5.1.5.1", false, PIB_INSTALL, 3},
	{"frwkFeedbackTraffic", "1.3.6.1.2.2.5.2.1.1", false, PIB_REPORT_ONLY, 4},
	{"frwkFeedbackIfTraffic", "1.3.6.1.2.2.5.2.2.1", false, PIB_REPORT_ONLY, 5},
	{"frwkFeedbackRoleFilterSel", "1.3.6.1.2.2.5.3.1.1", false, PIB_INSTALL, 3},
	{"ipSecRule", ".1.1.1.1", true, PIB_INSTALL, 12},
	{"ipSecActionSet", ".1.1.2.1", true, PIB_INSTALL, 6},
	{"ipSecStaticAction", ".1.1.3.1", true, PIB_INSTALL, 8},
	{"ipSecNegotiationAction", ".1.1.4.1", true, PIB_INSTALL, 6},
	{"ipSecAssociation", ".1.1.5.1", true, PIB_INSTALL, 9},
	{"ipSecProposalSet", ".1.1.6.1", true, PIB_INSTALL, 4},
	{"ipSecProposal", ".1.1.7.1", true, PIB_INSTALL, 4},
	{"ipSecAhTransformSet", ".1.2.1.1", true, PIB_INSTALL, 4},
	{"ipSecAhTransform", ".1.2.2.1", true, PIB_INSTALL, 7},
	{"ipSecEspTransformSet", ".1.3.1.1", true, PIB_INSTALL, 4},
	{"ipSecEspTransform", ".1.3.2.1", true, PIB_INSTALL, 11},
	{"ipSecCompTransformSet", ".1.4.1.1", true, PIB_INSTALL, 4},
	{"ipSecCompTransform", ".1.4.2.1", true, PIB_INSTALL, 5},
	{"ipSecIkeRule", ".1.5.1.1", true, PIB_INSTALL, 8},
	{"ipSecIkeActionSet", ".1.5.2.1", true, PIB_INSTALL, 4},
	{"ipSecIkeAssociation", ".1.5.3.1", true, PIB_INSTALL, 14},
	{"ipSecIkeProposalSet", ".1.5.4.1", true, PIB_INSTALL, 4},
	{"ipSecIkeProposal", ".1.5.5.1", true, PIB_INSTALL, 8},
	{"ipSecIkePeerEndpoint", ".1.5.6.1", true, PIB_INSTALL, 6},
	{"ipSecCredentialSet", ".1.6.1.1", true, PIB_INSTALL, 3},
	{"ipSecCredential", ".1.6.2.1", true, PIB_INSTALL, 4},
	{"ipSecCredentialFields", ".1.6.3.1", true, PIB_INSTALL, 5},
	{"ipSecSelectorSet", ".1.7.1.1", true, PIB_INSTALL, 5},
	{"ipSecSelector", ".1.7.2.1", true, PIB_INSTALL, 8},
	{"ipSecAddress", ".1.7.3.1", true, PIB_INSTALL, 6},
	{"ipSecL4Port", ".1.7.4.1", true, PIB_INSTALL, 4},
	{"ipSecIpsoFilterSet", ".1.7.5.1", true, PIB_INSTALL, 5},
	{"ipSecIpsoFilter", ".1.7.6.1", true, PIB_INSTALL, 4},
	{"ipSecRuleTimePeriod", ".1.8.1.1", true, PIB_INSTALL, 7},
	{"ipSecRuleTimePeriodSet", ".1.8.2.1", true, PIB_INSTALL, 3},
	{"ipSecIfCaps", ".1.9.1.1", true, PIB_NOTIFY, 4},
};

START_TEST(classes_of_the_standards)
{
	const struct pib_class *class = pib_class_by_name(classes[_i].name);
	char text[OID_TEXT_SIZE];
	struct oid row;

	ck_assert_ptr_nonnull(class);
	snprintf(text, sizeof text, "%s%s", classes[_i].own_arc ? ours : "", classes[_i].row);
	ck_assert_int_eq(oid_parse(&row, text), E_OK);
	ck_assert(oid_equal(&class->row, &row));
	ck_assert_int_eq(class->access, classes[_i].access);
	ck_assert_uint_eq(class->attribute_count, classes[_i].attributes);
}
END_TEST

/* Numbers of ours, below the arc of COPSEC-PIB. Once given they stay. */
static const struct {
	const char *name, *row;
	enum pib_access access;
} own_classes[] = {
	{"copsecPolicySet", ".2.1.1.1", PIB_INSTALL_NOTIFY},
	{"copsecManifest", ".2.1.2.1", PIB_REPORT_ONLY},
	{"copsecIndex", ".2.1.3.1", PIB_INSTALL},
	{"copsecIndexHead", ".2.1.4.1", PIB_REPORT_ONLY},
	{"copsecIndexEntry", ".2.1.5.1", PIB_REPORT_ONLY},
	{"copsecAssignment", ".2.1.6.1", PIB_INSTALL},
	{"copsecAssignmentHead", ".2.1.7.1", PIB_REPORT_ONLY},
	{"copsecAssignmentInterface", ".2.1.8.1", PIB_REPORT_ONLY},
	{"copsecAssignmentAuthority", ".2.1.9.1", PIB_REPORT_ONLY},
	{"copsecTrust", ".2.1.10.1", PIB_INSTALL},
	{"copsecTrustHead", ".2.1.11.1", PIB_REPORT_ONLY},
	{"copsecTrustKey", ".2.1.12.1", PIB_REPORT_ONLY},
	{"copsecTrustRevoked", ".2.1.13.1", PIB_REPORT_ONLY},
	{"copsecDelegation", ".2.1.14.1", PIB_INSTALL},
	{"copsecDelegationHead", ".2.1.15.1", PIB_REPORT_ONLY},
	{"copsecDelegationNever", ".2.1.16.1", PIB_REPORT_ONLY},
	{"copsecDelegationSensor", ".2.1.17.1", PIB_REPORT_ONLY},
	{"copsecDelegationGrant", ".2.1.18.1", PIB_REPORT_ONLY},
	{"copsecDelegationPrefix", ".2.1.19.1", PIB_REPORT_ONLY},
	{"copsecDelegationIdentity", ".2.1.20.1", PIB_REPORT_ONLY},
	{"copsecResponse", ".2.1.21.1", PIB_REPORT_ONLY},
	{"copsecAdmission", ".2.1.22.1", PIB_REPORT_ONLY},
	{"copsecBinding", ".2.1.23.1", PIB_INSTALL},
	{"copsecBindingHead", ".2.1.24.1", PIB_REPORT_ONLY},
	{"copsecAssignmentWard", ".2.1.25.1", PIB_REPORT_ONLY},
	{"copsecRule", ".2.2.1.1", PIB_INSTALL},
	{"copsecSelector", ".2.2.2.1", PIB_INSTALL},
	{"copsecNegotiationAction", ".2.2.3.1", PIB_INSTALL},
	{"copsecIkeProposal", ".2.2.4.1", PIB_INSTALL},
	{"copsecEspTransform", ".2.2.5.1", PIB_INSTALL},
	{"copsecIkeAssociation", ".2.2.6.1", PIB_INSTALL},
	{"copsecGroup", ".2.2.7.1", PIB_INSTALL},
	{"copsecGroupMember", ".2.2.8.1", PIB_INSTALL},
	{"copsecPeer", ".2.2.9.1", PIB_INSTALL},
	{"copsecPeerKey", ".2.2.10.1", PIB_INSTALL},
	{"copsecSecret", ".2.2.11.1", PIB_INSTALL},
	{"copsecOffer", ".2.2.12.1", PIB_INSTALL},
	{"copsecTimePeriod", ".2.2.13.1", PIB_INSTALL},
	{"copsecStaticAction", ".2.2.14.1", PIB_INSTALL},
	{"copsecAhTransform", ".2.2.15.1", PIB_INSTALL},
	{"copsecCredential", ".2.2.16.1", PIB_INSTALL},
	{"copsecEvidence", ".2.2.17.1", PIB_INSTALL},
	{"copsecCompliance", ".2.3.1.1", PIB_REPORT_ONLY},
	{"copsecComplianceHead", ".2.3.2.1", PIB_REPORT_ONLY},
	{"copsecComplianceSet", ".2.3.3.1", PIB_REPORT_ONLY},
	{"copsecFailure", ".2.3.4.1", PIB_REPORT_ONLY},
	{"copsecComplianceDrift", ".2.3.5.1", PIB_REPORT_ONLY},
	{"copsecComplianceOffer", ".2.3.6.1", PIB_REPORT_ONLY},
	{"copsecComplianceAddress", ".2.3.7.1", PIB_REPORT_ONLY},
	{"copsecAlert", ".2.3.8.1", PIB_REPORT_ONLY},
	{"copsecAlertHead", ".2.3.9.1", PIB_REPORT_ONLY},
	{"copsecSaReport", ".2.3.10.1", PIB_REPORT_ONLY},
	{"copsecSaHead", ".2.3.11.1", PIB_REPORT_ONLY},
	{"copsecSaState", ".2.3.12.1", PIB_REPORT_ONLY},
	{"copsecTraffic", ".2.3.13.1", PIB_REPORT_ONLY},
	{"copsecQuestion", ".2.4.1.1", PIB_NOTIFY},
	{"copsecAnswer", ".2.4.2.1", PIB_INSTALL},
	{"copsecAnswerHead", ".2.4.3.1", PIB_REPORT_ONLY},
	{"copsecAnswerSa", ".2.4.4.1", PIB_REPORT_ONLY},
	{"copsecPeerReport", ".2.4.5.1", PIB_INSTALL},
	{"copsecEnrol", ".2.5.1.1", PIB_NOTIFY},
	{"copsecEnrolHead", ".2.5.2.1", PIB_REPORT_ONLY},
	{"copsecToken", ".2.5.3.1", PIB_REPORT_ONLY},
	{"copsecAlgorithm", ".2.5.4.1", PIB_NOTIFY},
	{"copsecPublication", ".2.6.1.1", PIB_REPORT_ONLY},
	{"copsecPublicationState", ".2.6.2.1", PIB_REPORT_ONLY},
	{"copsecNodeStanding", ".2.6.3.1", PIB_REPORT_ONLY},
};

START_TEST(own_classes_keep_their_numbers)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof own_classes / sizeof *own_classes; i++) {
		const struct pib_class *class = pib_class_by_name(own_classes[i].name);
		char text[OID_TEXT_SIZE];
		struct oid row;

		ck_assert_msg(class, "%s", own_classes[i].name);
		snprintf(text, sizeof text, "%s%s", ours, own_classes[i].row);
		ck_assert_int_eq(oid_parse(&row, text), E_OK);
		ck_assert_msg(oid_equal(&class->row, &row), "%s", class->name);
		ck_assert_msg(class->access == own_classes[i].access, "%s", class->name);
	}
	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++)
		if (strcmp(pib_class((enum pib_class_id)id)->module, "COPSEC-PIB") == 0)
			count++;
	ck_assert_uint_eq(count, sizeof own_classes / sizeof *own_classes);
}
END_TEST

START_TEST(every_class_is_well_formed)
{
	const struct pib_class *class = pib_class((enum pib_class_id)_i);

	ck_assert_int_eq(class->id, _i);
	ck_assert_ptr_eq(pib_class_by_row(&class->row), class);
	ck_assert_ptr_eq(pib_class_by_name(class->name), class);
	if (_i > 0)
		ck_assert_int_lt(
			oid_compare(&pib_class((enum pib_class_id)(_i - 1))->row, &class->row), 0);
	ck_assert_uint_le(class->attribute_count, PIB_ATTRIBUTES_MAX);
	if (class->index == PIB_INDEX) {
		ck_assert_int_eq(class->base, class->id);
		ck_assert_int_eq(class->attributes[class->index_attribute - 1].role, PIB_INSTANCE);
	} else {
		ck_assert_int_ne(class->base, class->id);
		ck_assert_int_eq(pib_class(class->base)->index, PIB_INDEX);
		ck_assert_uint_eq(class->index_attribute, 0);
	}
	for (size_t i = 0; i < class->attribute_count; i++) {
		const struct pib_attribute *a = &class->attributes[i];

		ck_assert_uint_eq(a->number, i + 1);
		ck_assert(ber_tag_known(a->tag));
		ck_assert_ptr_eq(pib_attribute(class, a->number), a);
		ck_assert_ptr_eq(pib_attribute_by_name(class, a->name), a);
		if (a->role == PIB_TAG_REFERENCE)
			ck_assert_int_eq(
				pib_attribute(pib_class(a->target), a->target_attribute)->role,
				PIB_TAG);
		if (a->syntax == PIB_ENUMERATION || a->syntax == PIB_BITS)
			ck_assert_uint_gt(a->label_count, 0);
		for (size_t j = 1; j < a->label_count; j++)
			ck_assert_int_lt(a->labels[j - 1].number, a->labels[j].number);
	}
	for (size_t i = 0; i < class->unique_count; i++) {
		ck_assert(class->unique[i].class == class->id ||
			class->unique[i].class == class->base);
		ck_assert_ptr_nonnull(pib_attribute(pib_class(class->unique[i].class),
			class->unique[i].attribute));
	}
	ck_assert_ptr_null(pib_attribute(class, 0));
	ck_assert_ptr_null(pib_attribute(class, (unsigned)class->attribute_count + 1));
}
END_TEST

START_TEST(references_and_tags)
{
	const struct pib_class *class = pib_class(PIB_ipSecStaticAction);
	const struct pib_attribute *a = pib_attribute(class, ipSecStaticActionTunnelEndpointId);

	ck_assert_int_eq(a->role, PIB_REFERENCE);
	ck_assert_int_eq(a->target, PIB_ipSecAddress);
	a = pib_attribute(class, ipSecStaticActionSaTransformId);
	ck_assert_int_eq(a->role, PIB_PRID);
	a = pib_attribute(pib_class(PIB_ipSecSelector), ipSecSelectorDstAddressGroupId);
	ck_assert_int_eq(a->role, PIB_TAG_REFERENCE);
	ck_assert_int_eq(a->target, PIB_ipSecAddress);
	ck_assert_uint_eq(a->target_attribute, ipSecAddressGroupId);
	a = pib_attribute(pib_class(PIB_frwkCompLimits), frwkCompLimitsComponent);
	ck_assert_int_eq(a->role, PIB_PRC);
}
END_TEST

/* One attribute for each wire tag (RFC 3159 §3). */
START_TEST(wire_tags)
{
	static const struct {
		enum pib_class_id class;
		unsigned attribute;
		uint8_t tag;
	} tags[] = {
		{PIB_ipSecRule, ipSecRulePrid, 0x42},
		{PIB_ipSecRule, ipSecRuleRoles, 0x04},
		{PIB_ipSecRule, ipSecRuleDirection, 0x02},
		{PIB_ipSecActionSet, ipSecActionSetActionId, 0x06},
		{PIB_ipSecStaticAction, ipSecStaticActionLifetimeKilobytes, 0x4b},
		{PIB_ipSecSelector, ipSecSelectorDscp, 0x02},
		{PIB_ipSecAssociation, ipSecAssociationGranularity, 0x04},
		/* numbers in draft -10, though enumerations in older modules of these names */
		{PIB_ipSecEspTransform, ipSecEspTransformCipherTransformId, 0x42},
		{PIB_ipSecIkeProposal, ipSecIkeProposalHashAlgorithm, 0x42},
		{PIB_frwkIfRoleCombo, frwkIfRoleComboIfIndex, 0x02},
	};

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		ck_assert_uint_eq(pib_attribute(pib_class(tags[i].class), tags[i].attribute)->tag,
			tags[i].tag);
}
END_TEST

START_TEST(defaults_ranges_sizes_and_labels)
{
	const struct pib_attribute *a;
	int32_t number;

	a = pib_attribute(pib_class(PIB_frwkIpFilter), frwkIpFilterDscp);
	ck_assert(a->has_default);
	ck_assert_int_eq((int64_t)a->default_number, -1);
	a = pib_attribute(pib_class(PIB_frwkIpFilter), frwkIpFilterSrcL4PortMax);
	ck_assert_uint_eq(a->default_number, 65535);
	a = pib_attribute(pib_class(PIB_copsecRule), copsecRuleStateful);
	ck_assert(a->has_default);
	ck_assert_uint_eq(a->default_number, 1);
	a = pib_attribute(pib_class(PIB_copsecPolicySet), copsecPolicySetRoot);
	ck_assert(a->has_default);
	ck_assert_uint_eq(a->default_octets.len, 0);
	ck_assert_uint_eq(a->range_count, 2);
	a = pib_attribute(pib_class(PIB_ipSecRule), ipSecRuleOrder);
	ck_assert(!a->has_default);
	ck_assert_uint_eq(a->range_count, 1);
	ck_assert_uint_eq(a->ranges[0].greatest, 65535);
	a = pib_attribute(pib_class(PIB_frwk802Filter), frwk802FilterVlanId);
	ck_assert_uint_eq(a->range_count, 2);
	ck_assert_int_eq((int64_t)a->ranges[0].least, -1);
	ck_assert_uint_eq(a->ranges[1].greatest, 4094);
	a = pib_attribute(pib_class(PIB_ipSecRule), ipSecRuleDirection);
	ck_assert_str_eq(pib_label(a, ipSecRuleDirection_bi_directional), "bi-directional");
	ck_assert(pib_label_number(a, "out", &number));
	ck_assert_int_eq(number, 2);
	ck_assert(!pib_label_number(a, "sideways", &number));
	ck_assert_ptr_null(pib_label(a, 4));
	a = pib_attribute(pib_class(PIB_frwkIpFilter), frwkIpFilterDstAddr);
	ck_assert_int_eq(a->format, PIB_FORMAT_ADDRESS);
	a = pib_attribute(pib_class(PIB_ipSecRule), ipSecRuleRoles);
	ck_assert_int_eq(a->format, PIB_FORMAT_TEXT);
	ck_assert_str_eq(a->type, "RoleCombination");
	a = pib_attribute(pib_class(PIB_ipSecRule), ipSecRuleActionExecutionStrategy);
	ck_assert_str_eq(a->type, "");
	a = pib_attribute(pib_class(PIB_ipSecEspTransform), ipSecEspTransformMaxLifetimeSeconds);
	ck_assert_str_eq(a->units, "seconds");
}
END_TEST

/* RFC 3318 sends "0 if unused" in an attribute of type InstanceId. */
START_TEST(an_instance_id_that_is_no_index_may_be_zero)
{
	const struct pib_attribute *a = pib_attribute(pib_class(PIB_frwkError), frwkErrorInstance);

	ck_assert_uint_eq(a->ranges[0].least, 0);
	a = pib_attribute(pib_class(PIB_frwkError), frwkErrorPrid);
	ck_assert_uint_eq(a->ranges[0].least, 1);
}
END_TEST

START_TEST(uniqueness_reaches_into_the_base_class)
{
	const struct pib_class *class = pib_class(PIB_frwkIfRoleCombo);

	ck_assert_int_eq(class->index, PIB_EXTENDS);
	ck_assert_int_eq(class->base, PIB_frwkRoleCombo);
	ck_assert_uint_eq(class->unique_count, 2);
	ck_assert_int_eq(class->unique[0].class, PIB_frwkIfRoleCombo);
	ck_assert_uint_eq(class->unique[0].attribute, frwkIfRoleComboIfIndex);
	ck_assert_int_eq(class->unique[1].class, PIB_frwkRoleCombo);
	ck_assert_uint_eq(class->unique[1].attribute, frwkRoleComboCapSetName);
}
END_TEST

START_TEST(install_errors_have_their_numbers)
{
	const struct pib_class *class = pib_class(PIB_frwkIpFilter);

	ck_assert_uint_eq(pib_class(PIB_copsecPolicySet)->install_error_count, 14);
	ck_assert_str_eq(pib_class(PIB_copsecPolicySet)->install_errors[5].name, "serial");
	ck_assert_uint_eq(class->install_error_count, 2);
	ck_assert_int_eq(class->install_errors[0].number, 1);
	ck_assert_str_eq(class->install_errors[0].name, "invalidDstL4PortData");
	ck_assert_int_eq(class->install_errors[1].number, 2);
	ck_assert_str_eq(class->install_errors[1].name, "invalidSrcL4PortData");
	ck_assert_uint_eq(pib_class(PIB_ipSecRule)->install_error_count, 0);
}
END_TEST

START_TEST(a_sub_code_is_an_attribute_or_an_error_of_the_class)
{
	const struct pib_class *class = pib_class(PIB_frwkIpFilter);
	struct pib_fault fault;

	ck_assert_str_eq(pib_subcode_name(class, 13, 2), "invalidSrcL4PortData");
	ck_assert_ptr_null(pib_subcode_name(class, 13, 3));
	ck_assert_ptr_null(pib_subcode_name(pib_class(PIB_ipSecRule), 13, 1));
	ck_assert_str_eq(pib_subcode_name(class, 3, 2), "frwkIpFilterDstAddr");
	ck_assert_str_eq(pib_subcode_name(class, 7, 2), "frwkIpFilterDstAddr");
	ck_assert_ptr_null(pib_subcode_name(class, 3, 0));
	ck_assert_ptr_null(pib_subcode_name(class, 3, 999));
	ck_assert_ptr_null(pib_subcode_name(class, 2, 2));
	ck_assert_ptr_null(pib_subcode_name(class, 8, 2));

	fault = pib_install_fault(class, "invalidSrcL4PortData", 11);
	ck_assert_int_eq(fault.kind, PIB_FAULT_SPECIFIC);
	ck_assert_uint_eq(pib_fault_object(&fault).code, 13);
	ck_assert_uint_eq(pib_fault_object(&fault).subcode, 2);
	fault = pib_install_fault(class, "tired", 11);
	ck_assert_uint_eq(pib_fault_object(&fault).code, 3);
	ck_assert_uint_eq(pib_fault_object(&fault).subcode, 11);
}
END_TEST

START_TEST(access_says_who_may_send)
{
	ck_assert(pib_class_installs(pib_class(PIB_ipSecRule)));
	ck_assert(!pib_class_notifies(pib_class(PIB_ipSecRule)));
	ck_assert(!pib_class_installs(pib_class(PIB_ipSecIfCaps)));
	ck_assert(pib_class_notifies(pib_class(PIB_ipSecIfCaps)));
	ck_assert(pib_class_installs(pib_class(PIB_copsecPolicySet)));
	ck_assert(pib_class_notifies(pib_class(PIB_copsecPolicySet)));
	/* The contents of signed documents are never installed as they are. */
	ck_assert(!pib_class_installs(pib_class(PIB_copsecManifest)));
	ck_assert(!pib_class_installs(pib_class(PIB_copsecIndexEntry)));
	ck_assert(!pib_class_installs(pib_class(PIB_copsecAssignmentInterface)));
	ck_assert(!pib_class_installs(pib_class(PIB_copsecCompliance)));
}
END_TEST

START_TEST(unknown_rows_and_names)
{
	struct oid row = pib_class(PIB_ipSecRule)->row;

	row.count--;
	ck_assert_ptr_null(pib_class_by_row(&row));
	row.count += 2;
	row.arcs[row.count - 1] = 1;
	ck_assert_ptr_null(pib_class_by_row(&row));
	ck_assert_ptr_null(pib_class_by_row(&oid_none));
	ck_assert_ptr_null(pib_class_by_name("ipSecRules"));
	ck_assert_ptr_null(pib_class_by_name(""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-schema");
	TCase *c = tcase_create("schema");

	tcase_add_loop_test(c, classes_of_the_standards, 0,
		(int)(sizeof classes / sizeof *classes));
	tcase_add_test(c, own_classes_keep_their_numbers);
	tcase_add_loop_test(c, every_class_is_well_formed, 0, PIB_CLASS_COUNT);
	tcase_add_test(c, references_and_tags);
	tcase_add_test(c, wire_tags);
	tcase_add_test(c, defaults_ranges_sizes_and_labels);
	tcase_add_test(c, an_instance_id_that_is_no_index_may_be_zero);
	tcase_add_test(c, uniqueness_reaches_into_the_base_class);
	tcase_add_test(c, install_errors_have_their_numbers);
	tcase_add_test(c, a_sub_code_is_an_attribute_or_an_error_of_the_class);
	tcase_add_test(c, access_says_who_may_send);
	tcase_add_test(c, unknown_rows_and_names);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
