/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/rules.h"

#include "pmt/compiler/conditions.h"

#include <string.h>

enum {
	KEY_SIZE_MAX = 4 << 20,
	VARIANTS_MAX = 65535, /* rows that differ only in their extension */
	REPLAY_WINDOW = 128   /* packets */
};

/* --- selectors --- */

static void put_address_row(struct rows *r, const struct address_range *a, uint32_t group)
{
	size_t octets = a->family == FAMILY_IPV6 ? 16 : 4;
	struct pri pri;

	pri_init(&pri, PIB_ipSecAddress, 1);
	pri_set_i32(&pri, ipSecAddressAddressType,
		a->family == FAMILY_IPV6 ? ipSecAddressAddressType_ipv6
					 : ipSecAddressAddressType_ipv4);
	pri_set_u32(&pri, ipSecAddressAddrPrefixLength, a->prefix_length);
	pri_set_octets(&pri, ipSecAddressAddrMin, VIEW(a->min, octets));
	pri_set_octets(&pri, ipSecAddressAddrMax, VIEW(a->max, octets));
	pri_set_u32(&pri, ipSecAddressGroupId, group);
	rows_put(r, &pri, NULL);
}

/*
 * 0 for any address. `copy` above 0 gives another group of the same addresses; of any address it is
 * the two whole families.
 */
static uint32_t address_group(struct rows *r, const struct address_list *list, unsigned copy)
{
	static const struct address_range whole[] = {
		{.family = FAMILY_IPV4}, {.family = FAMILY_IPV6}};
	const struct address_range *items = list->any ? whole : list->items;
	size_t count = list->any ? 2 : list->count;
	struct buffer key;
	uint32_t group;
	bool new;

	if (list->any && copy == 0)
		return 0;
	buffer_init(&key, KEY_SIZE_MAX);
	buffer_put_u32(&key, copy);
	for (size_t i = 0; i < count; i++) {
		buffer_put_u8(&key, (uint8_t)items[i].family);
		buffer_put_u8(&key, items[i].prefix_length);
		buffer_put(&key, items[i].min, sizeof items[i].min);
		buffer_put(&key, items[i].max, sizeof items[i].max);
	}
	group = rows_tag(r, PIB_ipSecAddress, buffer_view(&key), &new);
	buffer_fini(&key);
	for (size_t i = 0; new &&i < count; i++)
		put_address_row(r, &items[i], group);
	return group;
}

/* 0 for any port. */
static uint32_t port_group(struct rows *r, const struct traffic *t)
{
	struct buffer key;
	uint32_t group;
	bool new;

	if (t->port_count == 0)
		return 0;
	buffer_init(&key, KEY_SIZE_MAX);
	for (size_t i = 0; i < t->port_count; i++) {
		buffer_put_u16(&key, t->ports[i].min);
		buffer_put_u16(&key, t->ports[i].max);
	}
	group = rows_tag(r, PIB_ipSecL4Port, buffer_view(&key), &new);
	buffer_fini(&key);
	for (size_t i = 0; new &&i < t->port_count; i++) {
		struct pri pri;

		pri_init(&pri, PIB_ipSecL4Port, 1);
		pri_set_u32(&pri, ipSecL4PortPortMin, t->ports[i].min);
		pri_set_u32(&pri, ipSecL4PortPortMax, t->ports[i].max);
		pri_set_u32(&pri, ipSecL4PortGroupId, group);
		rows_put(r, &pri, NULL);
	}
	return group;
}

/* A named group is there once in a set, with the members that home names. */
static uint32_t named_group(struct rows *r, const struct model_group *group)
{
	struct buffer key;
	struct pri pri;
	uint32_t tag;
	bool new;

	buffer_init(&key, KEY_SIZE_MAX);
	buffer_put_text(&key, "group %s", group->name);
	tag = rows_tag(r, PIB_ipSecAddress, buffer_view(&key), &new);
	buffer_fini(&key);
	if (!new)
		return tag;
	for (size_t i = 0; i < group->addresses.count; i++)
		put_address_row(r, &group->addresses.items[i], tag);
	pri_init(&pri, PIB_copsecGroup, 1);
	pri_set_u32(&pri, copsecGroupAddressGroupId, tag);
	pri_set_text(&pri, copsecGroupName, group->name);
	pri_set_i32(&pri, copsecGroupAuthority,
		group->directory ? AUTHORITY_DIRECTORY : AUTHORITY_HOME);
	rows_put(r, &pri, NULL);
	return tag;
}

/* One end of a selector: addresses that the policy names, or a group. */
struct end {
	const struct address_list *list;
	const struct model_group *group; /* NULL: the list */
};

static uint32_t end_group(struct rows *r, const struct end *end, unsigned copy)
{
	return end->group ? named_group(r, end->group) : address_group(r, end->list, copy);
}

/* How many ends a list has: its addresses, if it has any or no groups, and each of its groups. */
static size_t end_count(const struct address_list *list)
{
	return list->group_count + (list->any || list->count || !list->group_count);
}

static struct end end_at(const struct address_list *list, size_t i)
{
	const bool first = end_count(list) > list->group_count;

	if (first && i == 0)
		return (struct end){list, NULL};
	return (struct end){list, list->groups[i - first]};
}

static uint32_t put_selector(struct rows *r, const struct end *from, const struct end *to,
	const struct traffic *t, unsigned copy)
{
	bool icmp = t->icmp.type != ICMP_ANY;
	struct pri pri, extension;

	pri_init(&pri, PIB_ipSecSelector, 1);
	pri_set_u32(&pri, ipSecSelectorSrcAddressGroupId, end_group(r, from, copy));
	pri_set_u32(&pri, ipSecSelectorSrcPortGroupId, 0);
	pri_set_u32(&pri, ipSecSelectorDstAddressGroupId,
		end_group(r, to, from->group ? copy : 0));
	pri_set_u32(&pri, ipSecSelectorDstPortGroupId, port_group(r, t));
	pri_set_u32(&pri, ipSecSelectorProtocol, t->protocol);
	pri_set_i32(&pri, ipSecSelectorDscp, t->dscp);
	pri_set_i32(&pri, ipSecSelectorFlowLabel, -1);
	pri_init(&extension, PIB_copsecSelector, 1);
	pri_set_i32(&extension, copsecSelectorIcmpType, t->icmp.type);
	pri_set_i32(&extension, copsecSelectorIcmpCode, t->icmp.code);
	return rows_put(r, &pri, icmp ? &extension : NULL);
}

/* Selectors that differ in the type of ICMP only get address groups of their own; between two named
 * groups there is room for one. */
static uint32_t selector(struct rows *r, const struct end *from, const struct end *to,
	const struct traffic *t)
{
	const unsigned copies = from->group && to->group ? 1 : VARIANTS_MAX;
	uint32_t instance = ROWS_CLASH;

	for (unsigned copy = 0; instance == ROWS_CLASH && copy < copies && !r->error.code; copy++)
		instance = put_selector(r, from, to, t, copy);
	if (instance == ROWS_CLASH && !r->error.code)
		error_set(&r->error, E_DUPLICATE,
			"two selectors between groups differ in the type of ICMP alone, and the PIB "
			"has room for one");
	return instance;
}

typedef void selector_fn(struct rows *r, void *context, uint32_t selector);

/* Each end with each other one and all of the traffic. */
static void each_selector(
	struct rows *r, const struct model_rule *rule, selector_fn *take, void *context)
{
	const struct traffic_list *traffic = &rule->traffic;

	for (size_t f = 0; f < end_count(&rule->from); f++)
		for (size_t t = 0; t < end_count(&rule->to); t++)
			for (size_t i = 0; i < traffic->count; i++) {
				const struct end from = end_at(&rule->from, f),
						 to = end_at(&rule->to, t);

				take(r, context, selector(r, &from, &to, &traffic->items[i]));
			}
}

static void add_to_key(struct rows *r, void *context, uint32_t selector)
{
	(void)r;
	buffer_put_u32(context, selector);
}

struct selector_list {
	uint32_t tag, order;
};

static void add_to_set(struct rows *r, void *context, uint32_t selector)
{
	struct selector_list *list = context;
	struct pri pri;

	pri_init(&pri, PIB_ipSecSelectorSet, 1);
	pri_set_u32(&pri, ipSecSelectorSetSelectorSetId, list->tag);
	pri_set_prid(&pri, ipSecSelectorSetSelectorId, PIB_ipSecSelector, selector);
	pri_set_u32(&pri, ipSecSelectorSetOrder, ++list->order);
	pri_set_bool(&pri, ipSecSelectorSetIsNegated, false);
	rows_put(r, &pri, NULL);
}

static uint32_t selector_set(struct rows *r, const struct model_rule *rule)
{
	struct selector_list list = {0};
	struct buffer key;
	bool new;

	buffer_init(&key, KEY_SIZE_MAX);
	each_selector(r, rule, add_to_key, &key);
	list.tag = rows_tag(r, PIB_ipSecSelectorSet, buffer_view(&key), &new);
	buffer_fini(&key);
	if (new)
		each_selector(r, rule, add_to_set, &list);
	return list.tag;
}

/* --- protections --- */

static uint32_t put_esp(struct rows *r, const struct model_esp *esp, uint32_t variant)
{
	const struct algorithm *cipher = esp->encryption, *integrity = esp->integrity;
	struct pri pri, extension;

	pri_init(&pri, PIB_ipSecEspTransform, 1);
	pri_set_u32(&pri, ipSecEspTransformIntegrityTransformId, integrity ? integrity->doi : 0);
	pri_set_u32(&pri, ipSecEspTransformCipherTransformId, cipher->doi);
	pri_set_octets(&pri, ipSecEspTransformIntegrityKey, VIEW_NONE);
	pri_set_octets(&pri, ipSecEspTransformCipherKey, VIEW_NONE);
	/* None of our ciphers has rounds to choose, so nobody reads this. */
	pri_set_u32(&pri, ipSecEspTransformCipherKeyRounds, variant);
	pri_set_u32(&pri, ipSecEspTransformCipherKeyLength, cipher->key_length);
	pri_set_bool(&pri, ipSecEspTransformUseReplayPrevention, true);
	pri_set_u32(&pri, ipSecEspTransformReplayPreventionWindowSize, REPLAY_WINDOW);
	pri_set_u32(&pri, ipSecEspTransformMaxLifetimeSeconds, esp->lifetime);
	pri_set_u64(&pri, ipSecEspTransformMaxLifetimeKilobytes, 0);
	pri_init(&extension, PIB_copsecEspTransform, 1);
	pri_set_u32(&extension, copsecEspTransformEncryption, cipher->number);
	pri_set_u32(&extension, copsecEspTransformKeyLength, cipher->key_length);
	pri_set_u32(&extension, copsecEspTransformIntegrity, integrity ? integrity->number : 0);
	pri_set_u32(&extension, copsecEspTransformGroup, esp->group->number);
	pri_set_bool(&extension, copsecEspTransformEsn, esp->esn);
	return rows_put(r, &pri, &extension);
}

static uint32_t esp_transform(struct rows *r, const struct model_esp *esp)
{
	uint32_t instance = ROWS_CLASH;

	for (uint32_t v = 0; instance == ROWS_CLASH && v < VARIANTS_MAX && !r->error.code; v++)
		instance = put_esp(r, esp, v);
	return instance;
}

static uint32_t esp_transform_set(struct rows *r, const struct model_protection *p)
{
	uint32_t set;
	bool new;

	set = rows_tag(r, PIB_ipSecEspTransformSet, view_of_string(p->name), &new);
	for (size_t i = 0; new &&i < p->esp_count; i++) {
		struct pri pri;

		pri_init(&pri, PIB_ipSecEspTransformSet, 1);
		pri_set_u32(&pri, ipSecEspTransformSetTransformSetId, set);
		pri_set_u32(&pri, ipSecEspTransformSetTransformId, esp_transform(r, &p->esp[i]));
		pri_set_u32(&pri, ipSecEspTransformSetOrder, (uint32_t)i + 1);
		rows_put(r, &pri, NULL);
	}
	return set;
}

static uint32_t proposal_set(struct rows *r, const struct model_protection *p)
{
	struct pri proposal, member;
	uint32_t set;
	bool new;

	set = rows_tag(r, PIB_ipSecProposalSet, view_of_string(p->name), &new);
	if (!new)
		return set;
	pri_init(&proposal, PIB_ipSecProposal, 1);
	pri_set_u32(&proposal, ipSecProposalEspTransformSetId, esp_transform_set(r, p));
	pri_set_u32(&proposal, ipSecProposalAhTransformSetId, 0);
	pri_set_u32(&proposal, ipSecProposalCompTransformSetId, 0);
	pri_init(&member, PIB_ipSecProposalSet, 1);
	pri_set_u32(&member, ipSecProposalSetProposalSetId, set);
	pri_set_u32(&member, ipSecProposalSetProposalId, rows_put(r, &proposal, NULL));
	pri_set_u32(&member, ipSecProposalSetOrder, 1);
	rows_put(r, &member, NULL);
	return set;
}

/* One for each protection: its proposal set is its own. */
static uint32_t association(struct rows *r, const struct model_protection *p)
{
	struct pri pri;

	pri_init(&pri, PIB_ipSecAssociation, 1);
	pri_set_u32(&pri, ipSecAssociationMinLifetimeSeconds, 0);
	pri_set_u64(&pri, ipSecAssociationMinLifetimeKilobytes, 0);
	pri_set_u32(&pri, ipSecAssociationIdleDurationSeconds, 0);
	pri_set_bool(&pri, ipSecAssociationUsePfs, true);
	pri_set_bool(&pri, ipSecAssociationUseKeyExchangeGroup, false);
	pri_set_u32(&pri, ipSecAssociationDhGroup, p->esp[0].group->ikev1);
	pri_set_bits(&pri, ipSecAssociationGranularity, 1u << ipSecAssociationGranularity_subnet);
	pri_set_u32(&pri, ipSecAssociationProposalSetId, proposal_set(r, p));
	return rows_put(r, &pri, NULL);
}

/* IkeAuthMethod, and what COPSEC-PIB calls it. */
static const struct {
	uint16_t ikev1;
	int32_t copsec;
} authentication_numbers[] = {
	[AUTHENTICATION_KEY] = {8, copsecIkeAssociationAuthentication_rawKey},
	[AUTHENTICATION_CERTIFICATE] = {8, copsecIkeAssociationAuthentication_certificate},
	[AUTHENTICATION_SECRET] = {1, copsecIkeAssociationAuthentication_presharedKey},
};

static uint32_t put_ike_proposal(struct rows *r, const struct model_ike *ike, uint32_t variant)
{
	struct pri pri, extension;

	pri_init(&pri, PIB_ipSecIkeProposal, 1);
	pri_set_u32(&pri, ipSecIkeProposalMaxLifetimeSeconds, ike->lifetime);
	pri_set_u64(&pri, ipSecIkeProposalMaxLifetimeKilobytes, 0);
	pri_set_u32(&pri, ipSecIkeProposalCipherAlgorithm, ike->encryption->ikev1);
	pri_set_u32(&pri, ipSecIkeProposalHashAlgorithm, ike->prf->ikev1);
	pri_set_u32(&pri, ipSecIkeProposalAuthenticationMethod,
		authentication_numbers[ike->authentication].ikev1);
	/* IKEv1 negotiates no PRF, so nobody reads this. */
	pri_set_u32(&pri, ipSecIkeProposalPrfAlgorithm, variant);
	pri_set_u32(&pri, ipSecIkeProposalIkeDhGroup, ike->group->ikev1);
	pri_init(&extension, PIB_copsecIkeProposal, 1);
	pri_set_u32(&extension, copsecIkeProposalEncryption, ike->encryption->number);
	pri_set_u32(&extension, copsecIkeProposalKeyLength, ike->encryption->key_length);
	pri_set_u32(&extension, copsecIkeProposalIntegrity,
		ike->integrity ? ike->integrity->number : 0);
	pri_set_u32(&extension, copsecIkeProposalPrf, ike->prf->prf);
	pri_set_u32(&extension, copsecIkeProposalGroup, ike->group->number);
	return rows_put(r, &pri, &extension);
}

static uint32_t ike_proposal_set(struct rows *r, const struct model_protection *p)
{
	uint32_t set;
	bool new;

	set = rows_tag(r, PIB_ipSecIkeProposalSet, view_of_string(p->name), &new);
	for (size_t i = 0; new &&i < p->ike_count; i++) {
		uint32_t instance = ROWS_CLASH;
		struct pri pri;

		for (uint32_t v = 0; instance == ROWS_CLASH && v < VARIANTS_MAX && !r->error.code;
			v++)
			instance = put_ike_proposal(r, &p->ike[i], v);
		pri_init(&pri, PIB_ipSecIkeProposalSet, 1);
		pri_set_u32(&pri, ipSecIkeProposalSetProposalSetId, set);
		pri_set_u32(&pri, ipSecIkeProposalSetProposalId, instance);
		pri_set_u32(&pri, ipSecIkeProposalSetOrder, (uint32_t)i + 1);
		rows_put(r, &pri, NULL);
	}
	return set;
}

/* Any peer: who it may be is for its credentials to say. */
static uint32_t ike_association(struct rows *r, const struct model_protection *p)
{
	struct pri peer, pri, extension;

	pri_init(&peer, PIB_ipSecIkePeerEndpoint, 1);
	pri_set_u32(&peer, ipSecIkePeerEndpointIdentityType, 0);
	pri_set_octets(&peer, ipSecIkePeerEndpointIdentityValue, VIEW_NONE);
	pri_set_bool(&peer, ipSecIkePeerEndpointIsNegated, false);
	pri_set_u32(&peer, ipSecIkePeerEndpointAddress, 0);
	pri_set_u32(&peer, ipSecIkePeerEndpointCredentialSetId, 0);
	pri_init(&pri, PIB_ipSecIkeAssociation, 1);
	pri_set_u32(&pri, ipSecIkeAssociationMinLiftetimeSeconds, 0);
	pri_set_u64(&pri, ipSecIkeAssociationMinLifetimeKilobytes, 0);
	pri_set_u32(&pri, ipSecIkeAssociationIdleDurationSeconds, 0);
	pri_set_i32(
		&pri, ipSecIkeAssociationExchangeMode, ipSecIkeAssociationExchangeMode_mainMode);
	pri_set_u32(&pri, ipSecIkeAssociationUseIkeIdentityType, 0);
	pri_set_octets(&pri, ipSecIkeAssociationUseIkeIdentityValue, VIEW_NONE);
	pri_set_u32(&pri, ipSecIkeAssociationIkePeerEndpoint, rows_put(r, &peer, NULL));
	pri_set_octets(&pri, ipSecIkeAssociationPresharedKey, VIEW_NONE);
	pri_set_octets(&pri, ipSecIkeAssociationVendorId, VIEW_NONE);
	pri_set_u32(&pri, ipSecIkeAssociationAggressiveModeGroupId, 0);
	pri_set_u32(&pri, ipSecIkeAssociationLocalCredentialId, 0);
	pri_set_bool(&pri, ipSecIkeAssociationDoActionLogging, false);
	pri_set_u32(&pri, ipSecIkeAssociationIkeProposalSetId, ike_proposal_set(r, p));
	pri_init(&extension, PIB_copsecIkeAssociation, 1);
	pri_set_u32(&extension, copsecIkeAssociationVersion, 2);
	pri_set_i32(&extension, copsecIkeAssociationAuthentication,
		authentication_numbers[p->ike[0].authentication].copsec);
	return rows_put(r, &pri, &extension);
}

/* A single address, in a group of its own. */
static uint32_t endpoint(struct rows *r, const struct address_range *a)
{
	struct address_range one = *a;
	const struct address_list list = {.items = &one, .count = 1};
	size_t octets = a->family == FAMILY_IPV6 ? 16 : 4;
	struct pri pri;

	/* The group's only row; asked for again, it is the same. */
	pri_init(&pri, PIB_ipSecAddress, 1);
	pri_set_i32(&pri, ipSecAddressAddressType,
		a->family == FAMILY_IPV6 ? ipSecAddressAddressType_ipv6
					 : ipSecAddressAddressType_ipv4);
	pri_set_u32(&pri, ipSecAddressAddrPrefixLength, a->prefix_length);
	pri_set_octets(&pri, ipSecAddressAddrMin, VIEW(a->min, octets));
	pri_set_octets(&pri, ipSecAddressAddrMax, VIEW(a->max, octets));
	pri_set_u32(&pri, ipSecAddressGroupId, address_group(r, &list, 0));
	return rows_put(r, &pri, NULL);
}

static uint32_t negotiation_action(
	struct rows *r, const struct model_protection *p, const struct address_range *via)
{
	struct pri pri, extension;

	pri_init(&pri, PIB_ipSecNegotiationAction, 1);
	pri_set_i32(&pri, ipSecNegotiationActionAction,
		p->tunnel ? ipSecNegotiationActionAction_tunnel
			  : ipSecNegotiationActionAction_transport);
	pri_set_u32(&pri, ipSecNegotiationActionTunnelEndpointId,
		p->tunnel ? endpoint(r, via) : 0);
	pri_set_i32(&pri, ipSecNegotiationActionDfHandling, ipSecNegotiationActionDfHandling_copy);
	pri_set_u32(&pri, ipSecNegotiationActionIpSecAssociationId, association(r, p));
	pri_set_prid(&pri, ipSecNegotiationActionKeyExchangeId, PIB_ipSecIkeAssociation,
		ike_association(r, p));
	pri_init(&extension, PIB_copsecNegotiationAction, 1);
	pri_set_i32(&extension, copsecNegotiationActionDemand,
		p->preferred ? copsecNegotiationActionDemand_preferred
			     : copsecNegotiationActionDemand_required);
	pri_set_text(&extension, copsecNegotiationActionName, p->name);
	return rows_put(r, &pri, &extension);
}

uint32_t rules_addresses(struct rows *r, const struct address_list *list)
{
	return address_group(r, list, 0);
}

uint32_t rules_protection(
	struct rows *r, const struct model_protection *p, enum pib_class_id class)
{
	switch (class) {
	case PIB_ipSecAssociation:
		return association(r, p);
	case PIB_ipSecIkeAssociation:
		return ike_association(r, p);
	case PIB_ipSecProposalSet:
		return proposal_set(r, p);
	case PIB_ipSecIkeProposalSet:
		return ike_proposal_set(r, p);
	case PIB_ipSecEspTransformSet:
		return esp_transform_set(r, p);
	default:
		return negotiation_action(r, p, NULL);
	}
}

/* --- actions, rules --- */

static uint32_t put_static_action(struct rows *r, int32_t action, uint32_t variant)
{
	struct pri pri;

	pri_init(&pri, PIB_ipSecStaticAction, 1);
	pri_set_i32(&pri, ipSecStaticActionAction, action);
	pri_set_u32(&pri, ipSecStaticActionTunnelEndpointId, 0);
	pri_set_i32(&pri, ipSecStaticActionDfHandling, ipSecStaticActionDfHandling_copy);
	pri_set_u32(&pri, ipSecStaticActionSpi, 0);
	/* It has no SA, so nobody reads this. */
	pri_set_u32(&pri, ipSecStaticActionLifetimeSeconds, variant);
	pri_set_u64(&pri, ipSecStaticActionLifetimeKilobytes, 0);
	pri_set_oid(&pri, ipSecStaticActionSaTransformId, &oid_none);
	return rows_put(r, &pri, NULL);
}

/* Beside rows that the author wrote with an extension. */
static uint32_t static_action(struct rows *r, int32_t action)
{
	uint32_t instance = ROWS_CLASH;

	for (uint32_t v = 0; instance == ROWS_CLASH && v < VARIANTS_MAX && !r->error.code; v++)
		instance = put_static_action(r, action, v);
	return instance;
}

/* One of a list of actions. */
static void put_action(struct rows *r, uint32_t set, enum pib_class_id class, uint32_t action,
	bool log, uint32_t order)
{
	struct pri pri;

	pri_init(&pri, PIB_ipSecActionSet, 1);
	pri_set_u32(&pri, ipSecActionSetActionSetId, set);
	pri_set_prid(&pri, ipSecActionSetActionId, class, action);
	pri_set_bool(&pri, ipSecActionSetDoActionLogging, log);
	pri_set_bool(&pri, ipSecActionSetDoPacketLogging, log);
	pri_set_u32(&pri, ipSecActionSetOrder, order);
	rows_put(r, &pri, NULL);
}

static uint32_t action_of(struct rows *r, const struct model_rule *rule, size_t which)
{
	switch (rule->verdict) {
	case VERDICT_ALLOW:
		return static_action(r, ipSecStaticActionAction_byPass);
	case VERDICT_DENY:
		return static_action(r, ipSecStaticActionAction_discard);
	default:
		return negotiation_action(r, rule->protections[which], &rule->via);
	}
}

static uint32_t action_set(struct rows *r, const struct model_rule *rule)
{
	const bool protect = rule->verdict == VERDICT_PROTECT;
	const enum pib_class_id class =
		protect ? PIB_ipSecNegotiationAction : PIB_ipSecStaticAction;
	const size_t count = protect ? rule->protection_count : 1;
	struct buffer key;
	uint32_t set;
	bool new;

	buffer_init(&key, KEY_SIZE_MAX);
	buffer_put_u16(&key, (uint16_t) class);
	for (size_t i = 0; i < count; i++)
		buffer_put_u32(&key, action_of(r, rule, i));
	buffer_put_u8(&key, rule->log);
	set = rows_tag(r, PIB_ipSecActionSet, buffer_view(&key), &new);
	buffer_fini(&key);
	for (size_t i = 0; new &&i < count; i++)
		put_action(r, set, class, action_of(r, rule, i), rule->log, (uint32_t)i + 1);
	return set;
}

static int32_t rate_unit_number(uint32_t seconds)
{
	switch (seconds) {
	case 60:
		return copsecRuleRateUnit_minute;
	case 3600:
		return copsecRuleRateUnit_hour;
	case 86400:
		return copsecRuleRateUnit_day;
	default:
		return copsecRuleRateUnit_second;
	}
}

static void put_limits(struct pri *extension, const struct model_rule *rule)
{
	pri_set_u32(extension, copsecRuleRate, rule->rate.count);
	pri_set_i32(extension, copsecRuleRateUnit, rate_unit_number(rule->rate.seconds));
	pri_set_u32(extension, copsecRuleRateBurst, rule->rate.burst);
	pri_set_i32(extension, copsecRuleRateScope, (int32_t)rule->rate.scope);
	pri_set_u32(extension, copsecRuleConnections, rule->connections.count);
	pri_set_i32(extension, copsecRuleConnectionScope, (int32_t)rule->connections.scope);
}

static void put_rule(struct rows *r, const struct rule_needs *needs, const struct model_rule *rule,
	int32_t direction, bool forward, uint32_t order)
{
	struct pri pri, extension;

	pri_init(&pri, PIB_ipSecRule, 1);
	pri_set_text(&pri, ipSecRuleIfCapSetName, RULES_CAPABILITY_SET);
	pri_set_text(&pri, ipSecRuleRoles, needs->roles);
	pri_set_i32(&pri, ipSecRuleDirection, direction);
	pri_set_u32(&pri, ipSecRuleIpSecSelectorSetId, selector_set(r, rule));
	pri_set_u32(&pri, ipSecRuleIpSecIpsoFilterSetId, 0);
	pri_set_u32(&pri, ipSecRuleIpSecActionSetId, action_set(r, rule));
	pri_set_i32(&pri, ipSecRuleActionExecutionStrategy,
		rule->protection_count > 1 ? ipSecRuleActionExecutionStrategy_doUntilSuccess
					   : ipSecRuleActionExecutionStrategy_doAll);
	pri_set_u32(&pri, ipSecRuleOrder, order);
	pri_set_i32(&pri, ipSecRuleLimitNegotiation, ipSecRuleLimitNegotiation_both);
	pri_set_bool(&pri, ipSecRuleAutoStart, false);
	pri_set_u32(&pri, ipSecRuleIpSecRuleTimePeriodGroupId,
		conditions_schedule(r, rule->schedule));
	pri_init(&extension, PIB_copsecRule, 1);
	pri_set_text(&extension, copsecRuleName, rule->name);
	pri_set_bool(&extension, copsecRuleForward, forward);
	pri_set_text(&extension, copsecRuleInRole, forward && rule->in_role ? rule->in_role : "");
	pri_set_text(
		&extension, copsecRuleOutRole, forward && rule->out_role ? rule->out_role : "");
	pri_set_bool(&extension, copsecRuleStateful, rule->stateful);
	pri_set_bool(&extension, copsecRuleLog, rule->log);
	pri_set_bool(&extension, copsecRuleShadow, rule->shadow);
	pri_set_u32(&extension, copsecRuleOfferId, conditions_offer(r, rule->offer));
	put_limits(&extension, rule);
	rows_put(r, &pri, &extension);
}

void rules_put(struct rows *r, const struct rule_needs *needs, const struct model_rule *rule,
	uint32_t *order)
{
	if (needs->local) {
		if (rule->both && !rule->forward)
			put_rule(
				r, needs, rule, ipSecRuleDirection_bi_directional, false, ++*order);
		if (rule->in)
			put_rule(r, needs, rule, ipSecRuleDirection_in, false, ++*order);
		if (rule->out)
			put_rule(r, needs, rule, ipSecRuleDirection_out, false, ++*order);
	}
	if (needs->forward && rule->forward)
		put_rule(r, needs, rule,
			rule->both ? ipSecRuleDirection_bi_directional : ipSecRuleDirection_in,
			true, ++*order);
}
