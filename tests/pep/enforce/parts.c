/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pep/enforce/parts.h"

enum { BIG = 1 << 26 };

static enum err memory_load(void *context, enum stored what, struct buffer *out, uint64_t *ret_when,
                            struct error *e)
{
	struct memory *m = context;

	if (!m->has[what])
		return error_set(e, E_NOT_FOUND, "nothing");
	buffer_put_view(out, buffer_view(&m->current[what]));
	*ret_when = NOW - 5;
	return E_OK;
}

static enum err memory_prepare(void *context, enum stored what, struct view octets, struct error *e)
{
	struct memory *m = context;

	if (m->prepare_fails)
		return error_set(e, E_SYSTEM, "the disk is full");
	buffer_reset(&m->prepared[what]);
	buffer_put_view(&m->prepared[what], octets);
	m->prepares++;
	return E_OK;
}

static enum err memory_commit(void *context, enum stored what, struct error *e)
{
	struct memory *m = context;

	if (m->commit_fails[what])
		return error_set(e, E_SYSTEM, "the disk is gone");
	buffer_reset(&m->current[what]);
	buffer_put_view(&m->current[what], buffer_view(&m->prepared[what]));
	buffer_reset(&m->prepared[what]);
	m->has[what] = true;
	return E_OK;
}

static enum err memory_sync(void *context, struct error *e)
{
	struct memory *m = context;

	return m->sync_fails ? error_set(e, E_SYSTEM, "the disk does not answer") : E_OK;
}

static enum err memory_keep(void *context, struct error *e)
{
	struct memory *m = context;

	(void)e;
	buffer_reset(&m->current[STORED_PREVIOUS]);
	buffer_put_view(&m->current[STORED_PREVIOUS], buffer_view(&m->current[STORED_STATE]));
	m->has[STORED_PREVIOUS] = true;
	return E_OK;
}

static void memory_forget(void *context, enum stored what)
{
	struct memory *m = context;

	m->has[what] = false;
}

static void memory_abandon(void *context)
{
	struct memory *m = context;

	for (size_t i = 0; i < STORED_KINDS; i++)
		buffer_reset(&m->prepared[i]);
}

void memory_init(struct memory *m)
{
	*m = (struct memory){0};
	for (size_t i = 0; i < STORED_KINDS; i++) {
		buffer_init(&m->current[i], BIG);
		buffer_init(&m->prepared[i], BIG);
	}
}

void memory_fini(struct memory *m)
{
	for (size_t i = 0; i < STORED_KINDS; i++) {
		buffer_fini(&m->current[i]);
		buffer_fini(&m->prepared[i]);
	}
}

struct storage memory_storage(struct memory *m)
{
	return (struct storage){m, memory_load, memory_prepare, memory_commit, memory_sync,
	                        memory_keep, memory_forget, memory_abandon};
}

static const struct {
	enum pib_class_id class;
	uint32_t instance;
	unsigned attribute;
	uint32_t value;
} meaning[] = {
	{PIB_ipSecRule, 1, ipSecRuleDirection, ipSecRuleDirection_in},
	{PIB_ipSecRule, 1, ipSecRuleLimitNegotiation, ipSecRuleLimitNegotiation_both},
	{PIB_ipSecRule, 1, ipSecRuleAutoStart, 2},
	{PIB_ipSecRule, 2, ipSecRuleDirection, ipSecRuleDirection_out},
	{PIB_ipSecRule, 2, ipSecRuleLimitNegotiation, ipSecRuleLimitNegotiation_both},
	{PIB_ipSecRule, 2, ipSecRuleAutoStart, 2},
	{PIB_copsecRule, 1, copsecRuleForward, 2},
	{PIB_copsecRule, 2, copsecRuleForward, 2},
	{PIB_copsecRule, 1, copsecRuleLog, 2},
	{PIB_copsecRule, 2, copsecRuleLog, 2},
	{PIB_ipSecActionSet, 1, ipSecActionSetDoActionLogging, 2},
	{PIB_ipSecActionSet, 2, ipSecActionSetDoActionLogging, 2},
	{PIB_ipSecActionSet, 1, ipSecActionSetDoPacketLogging, 2},
	{PIB_ipSecActionSet, 2, ipSecActionSetDoPacketLogging, 2},
	{PIB_ipSecSelectorSet, 1, ipSecSelectorSetIsNegated, 2},
	{PIB_ipSecSelectorSet, 2, ipSecSelectorSetIsNegated, 2},
	{PIB_ipSecSelector, 1, ipSecSelectorProtocol, 6},
	{PIB_ipSecSelector, 2, ipSecSelectorProtocol, 17},
	{PIB_ipSecAddress, 1, ipSecAddressAddressType, ipSecAddressAddressType_ipv4},
	{PIB_ipSecAddress, 1, ipSecAddressAddrPrefixLength, 24},
	{PIB_copsecEspTransform, 1, copsecEspTransformEncryption, 20},
	{PIB_copsecEspTransform, 1, copsecEspTransformKeyLength, 256},
	{PIB_copsecEspTransform, 1, copsecEspTransformGroup, 31},
	{PIB_ipSecEspTransform, 1, ipSecEspTransformReplayPreventionWindowSize, 128},
	{PIB_ipSecEspTransform, 1, ipSecEspTransformMaxLifetimeSeconds, 3600},
	{PIB_copsecIkeProposal, 1, copsecIkeProposalEncryption, 12},
	{PIB_copsecIkeProposal, 1, copsecIkeProposalKeyLength, 128},
	{PIB_copsecIkeProposal, 1, copsecIkeProposalIntegrity, 12},
	{PIB_copsecIkeProposal, 1, copsecIkeProposalPrf, 5},
	{PIB_copsecIkeProposal, 1, copsecIkeProposalGroup, 19},
};

static void give_set_meaning(struct rows *rows, uint32_t block)
{
	static const uint8_t address[] = {192, 0, 2, 0};
	struct pri *pri;

	for (size_t i = 0; i < sizeof meaning / sizeof meaning[0]; i++) {
		unsigned attribute = meaning[i].attribute;

		pri = rows_get(rows, meaning[i].class, block + meaning[i].instance);
		if (pib_attribute(pri->class, attribute)->syntax == PIB_UNSIGNED32)
			pri_set_u32(pri, attribute, meaning[i].value);
		else
			pri_set_i32(pri, attribute, (int32_t)meaning[i].value);
	}
	pri = rows_get(rows, PIB_ipSecAddress, block + 1);
	pri_set_octets(pri, ipSecAddressAddrMin, VIEW(address, sizeof address));
	pri_set_octets(pri, ipSecAddressAddrMax, VIEW(address, sizeof address));
	pri = rows_get(rows, PIB_ipSecAssociation, block + 1);
	pri_set_bits(pri, ipSecAssociationGranularity, 1U << ipSecAssociationGranularity_subnet);
}

void give_meaning(struct world *w)
{
	for (uint32_t i = 0; i < SETS; i++)
		give_set_meaning(w->rows[i], block_of(AUTHORITY_HOME, i));
}
