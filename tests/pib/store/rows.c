/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pib/store/rows.h"

#include <check.h>
#include <stdlib.h>

/* Its default, or the least value that the attribute may have. */
static void set_least(struct pri *pri, const struct pib_attribute *a)
{
	static const uint8_t zeros[64];
	uint64_t least = a->range_count ? a->ranges[0].least : 0;

	if (a->has_default) {
		pri->values[a->number - 1] = pri_default(a);
		pri->values[a->number - 1].state = PRI_SET;
		return;
	}
	switch (a->syntax) {
	case PIB_INTEGER32:
		pri_set_i32(pri, a->number, (int32_t)least);
		break;
	case PIB_ENUMERATION:
		pri_set_i32(pri, a->number, a->labels[0].number);
		break;
	case PIB_INTEGER64:
		pri_set_i64(pri, a->number, (int64_t)least);
		break;
	case PIB_UNSIGNED32:
		pri_set_u32(pri, a->number, (uint32_t)least);
		break;
	case PIB_UNSIGNED64:
		pri_set_u64(pri, a->number, least);
		break;
	case PIB_BITS:
		pri_set_bits(pri, a->number, 1);
		break;
	case PIB_OCTETS:
		pri_set_octets(pri, a->number, VIEW(zeros, (size_t)least));
		break;
	case PIB_OID:
		pri_set_oid(pri, a->number, &oid_none);
		break;
	}
}

void rows_fini(struct rows *r)
{
	free(r->list);
	*r = (struct rows){0};
}

struct pri *rows_add(struct rows *r, enum pib_class_id class, uint32_t instance)
{
	struct pri *pri;

	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : ROWS_MAX;
		r->list = reallocarray(r->list, r->room, sizeof r->list[0]);
		ck_assert_ptr_nonnull(r->list);
	}
	pri = &r->list[r->count++];
	pri_init(pri, class, instance);
	for (size_t i = 0; i < pri->class->attribute_count; i++)
		if (pri->class->attributes[i].role != PIB_INSTANCE)
			set_least(pri, &pri->class->attributes[i]);
	return pri;
}

struct pri *rows_get(struct rows *r, enum pib_class_id class, uint32_t instance)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->list[i].class->id == class && r->list[i].instance == instance)
			return &r->list[i];
	ck_abort_msg("no %s.%u", pib_class(class)->name, instance);
	return NULL;
}

void rows_drop(struct rows *r, enum pib_class_id class, uint32_t instance)
{
	*rows_get(r, class, instance) = r->list[r->count - 1];
	r->count--;
}

static void add_rule(
	struct rows *r, uint32_t instance, const char *roles, uint32_t selectors, uint32_t actions)
{
	struct pri *p = rows_add(r, PIB_ipSecRule, instance);

	pri_set_text(p, ipSecRuleRoles, roles);
	pri_set_u32(p, ipSecRuleIpSecSelectorSetId, selectors);
	pri_set_u32(p, ipSecRuleIpSecActionSetId, actions);
	pri_set_u32(p, ipSecRuleOrder, instance & 0xffff);
	p = rows_add(r, PIB_copsecRule, instance);
	pri_set_text(p, copsecRuleName, "rule");
}

static void add_protection(struct rows *r, uint32_t block)
{
	struct pri *p;

	p = rows_add(r, PIB_ipSecNegotiationAction, block + 1);
	pri_set_u32(p, ipSecNegotiationActionIpSecAssociationId, block + 1);
	pri_set_prid(p, ipSecNegotiationActionKeyExchangeId, PIB_ipSecIkeAssociation, block + 1);
	p = rows_add(r, PIB_copsecNegotiationAction, block + 1);
	pri_set_text(p, copsecNegotiationActionName, "strong");
	p = rows_add(r, PIB_ipSecAssociation, block + 1);
	pri_set_u32(p, ipSecAssociationProposalSetId, block + 5);
	p = rows_add(r, PIB_ipSecProposalSet, block + 1);
	pri_set_u32(p, ipSecProposalSetProposalSetId, block + 5);
	pri_set_u32(p, ipSecProposalSetProposalId, block + 1);
	p = rows_add(r, PIB_ipSecProposal, block + 1);
	pri_set_u32(p, ipSecProposalEspTransformSetId, block + 6);
	p = rows_add(r, PIB_ipSecEspTransformSet, block + 1);
	pri_set_u32(p, ipSecEspTransformSetTransformSetId, block + 6);
	pri_set_u32(p, ipSecEspTransformSetTransformId, block + 1);
	rows_add(r, PIB_ipSecEspTransform, block + 1);
	rows_add(r, PIB_copsecEspTransform, block + 1);
	p = rows_add(r, PIB_ipSecIkeAssociation, block + 1);
	pri_set_u32(p, ipSecIkeAssociationIkePeerEndpoint, block + 1);
	pri_set_u32(p, ipSecIkeAssociationIkeProposalSetId, block + 7);
	rows_add(r, PIB_copsecIkeAssociation, block + 1);
	rows_add(r, PIB_ipSecIkePeerEndpoint, block + 1);
	p = rows_add(r, PIB_ipSecIkeProposalSet, block + 1);
	pri_set_u32(p, ipSecIkeProposalSetProposalSetId, block + 7);
	pri_set_u32(p, ipSecIkeProposalSetProposalId, block + 1);
	rows_add(r, PIB_ipSecIkeProposal, block + 1);
	rows_add(r, PIB_copsecIkeProposal, block + 1);
}

static void add_selectors(struct rows *r, uint32_t block)
{
	struct pri *p;

	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_add(r, PIB_ipSecSelectorSet, block + i);
		pri_set_u32(p, ipSecSelectorSetSelectorSetId, block + i);
		pri_set_prid(p, ipSecSelectorSetSelectorId, PIB_ipSecSelector, block + i);
		p = rows_add(r, PIB_ipSecSelector, block + i);
		pri_set_u32(p, ipSecSelectorProtocol, 6 + i);
		rows_add(r, PIB_copsecSelector, block + i);
	}
	pri_set_u32(rows_get(r, PIB_ipSecSelector, block + 1), ipSecSelectorSrcAddressGroupId,
		block + 8);
	pri_set_u32(
		rows_get(r, PIB_ipSecSelector, block + 1), ipSecSelectorDstPortGroupId, block + 9);
	p = rows_add(r, PIB_ipSecAddress, block + 1);
	pri_set_u32(p, ipSecAddressGroupId, block + 8);
	for (uint32_t i = 1; i <= 2; i++) {
		p = rows_add(r, PIB_ipSecL4Port, block + i);
		pri_set_u32(p, ipSecL4PortPortMin, i == 1 ? 80 : 443);
		pri_set_u32(p, ipSecL4PortPortMax, i == 1 ? 80 : 443);
		pri_set_u32(p, ipSecL4PortGroupId, block + 9);
	}
}

void rows_policy(struct rows *r, uint32_t block, const char *roles)
{
	struct pri *p;

	r->count = 0;
	add_rule(r, block + 1, roles, block + 1, block + 3);
	add_rule(r, block + 2, roles, block + 2, block + 4);
	p = rows_add(r, PIB_ipSecActionSet, block + 1);
	pri_set_u32(p, ipSecActionSetActionSetId, block + 3);
	pri_set_prid(p, ipSecActionSetActionId, PIB_ipSecStaticAction, block + 1);
	p = rows_add(r, PIB_ipSecActionSet, block + 2);
	pri_set_u32(p, ipSecActionSetActionSetId, block + 4);
	pri_set_prid(p, ipSecActionSetActionId, PIB_ipSecNegotiationAction, block + 1);
	rows_add(r, PIB_ipSecStaticAction, block + 1);
	add_protection(r, block);
	add_selectors(r, block);
}

static int compare(const void *a, const void *b)
{
	const struct pri *x = a, *y = b;
	struct prid px = {x->class, x->instance}, py = {y->class, y->instance};

	return prid_compare(&px, &py);
}

void rows_put(struct rows *r, struct buffer *out)
{
	struct error e;

	if (r->count)
		qsort(r->list, r->count, sizeof r->list[0], compare);
	for (size_t i = 0; i < r->count; i++)
		ck_assert_msg(!pri_put(out, &r->list[i], &e), "%s", e.text);
}
