/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pep/ipc/message.h"
#include "pib/plan/able.h"
#include "pib/plan/component_limits.h"

enum { NODE_ROLES_INSTANCE = INT32_MAX /* no ifIndex */ };

static const char capability_set[] = "ipsec";

#define BIT(attribute) (UINT64_C(1) << ((attribute)-1))

/* What is supported outside of policy sets, where pib/plan is asked; attributes that are not are
 * bits of `without`, the lowest for attribute 1. */
static const struct support {
	enum pib_class_id class;
	uint64_t without;
} supported[] = {
	{PIB_frwkPrcSupport, 0},
	/* Nothing unsigned changes what is enforced. */
	{PIB_frwkPibIncarnation, BIT(frwkPibIncarnationLongevity) | BIT(frwkPibIncarnationTtl) |
	                                 BIT(frwkPibIncarnationInCtxtSet) |
	                                 BIT(frwkPibIncarnationActive)},
	{PIB_frwkDeviceId, 0},
	{PIB_frwkCompLimits, 0},
	{PIB_frwkError, 0},
	{PIB_frwkCapabilitySet, 0},
	{PIB_frwkRoleCombo, 0},
	{PIB_frwkIfRoleCombo, 0},
	{PIB_ipSecIfCaps, 0},
	{PIB_copsecPolicySet, 0},
	{PIB_copsecIndex, 0},
	{PIB_copsecAssignment, 0},
	{PIB_copsecTrust, 0},
	{PIB_copsecDelegation, 0},
	{PIB_copsecCompliance, 0},
	{PIB_copsecFailure, 0},
	{PIB_copsecAlgorithm, 0},
};

struct writer {
	const struct request_input *input;
	struct buffer *out;
	struct error *e;
	enum err err; /* first failure */
};

static void put(struct writer *w, const struct pri *pri)
{
	if (!w->err)
		w->err = pri_put(w->out, pri, w->e);
}

static void put_incarnation(struct writer *w, bool full_state)
{
	char serial[24] = "";
	struct pri pri;

	if (w->input->state)
		snprintf(serial, sizeof serial, "%" PRIu64, w->input->state->home.index.serial);
	pri_init(&pri, PIB_frwkPibIncarnation, 1);
	pri_set_octets(&pri, frwkPibIncarnationName, w->input->pdp_name);
	pri_set_text(&pri, frwkPibIncarnationId, serial);
	pri_set_null(&pri, frwkPibIncarnationLongevity);
	pri_set_null(&pri, frwkPibIncarnationTtl);
	pri_set_null(&pri, frwkPibIncarnationInCtxtSet);
	pri_set_null(&pri, frwkPibIncarnationActive);
	pri_set_bool(&pri, frwkPibIncarnationFullState, full_state);
	put(w, &pri);
}

static void put_device(struct writer *w)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkDeviceId, 1);
	pri_set_text(&pri, frwkDeviceIdDescr, w->input->description);
	pri_set_u32(&pri, frwkDeviceIdMaxMsg, MESSAGE_TOTAL_MAX);
	pri_set_u32(&pri, frwkDeviceIdMaxContexts, 1);
	put(w, &pri);
}

static const struct support *find_support(enum pib_class_id class)
{
	for (size_t i = 0; i < sizeof supported / sizeof supported[0]; i++)
		if (supported[i].class == class)
			return &supported[i];
	return NULL;
}

static void put_support(struct writer *w, uint32_t instance, enum pib_class_id class,
                        uint64_t without)
{
	size_t attributes = pib_class(class)->attribute_count;
	uint8_t bits[(PIB_ATTRIBUTES_MAX + 7) / 8] = {0};
	struct pri pri;

	for (size_t n = 1; n <= attributes; n++)
		if (n > 64 || !(without & BIT(n)))
			bits[(n - 1) / 8] |= (uint8_t)(0x80U >> (n - 1) % 8);
	pri_init(&pri, PIB_frwkPrcSupport, instance);
	pri_set_row(&pri, frwkPrcSupportSupportedPrc, class);
	pri_set_octets(&pri, frwkPrcSupportSupportedAttrs, VIEW(bits, (attributes + 7) / 8));
	put(w, &pri);
}

static uint64_t unsupported_in_sets(enum pib_class_id class)
{
	uint64_t without = 0;

	for (unsigned n = 1; n <= pib_class(class)->attribute_count; n++)
		if (!plan_supports_attribute(class, n))
			without |= BIT(n);
	return without;
}

static void put_all_support(struct writer *w)
{
	uint32_t instance = 1;

	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++) {
		enum pib_class_id class = (enum pib_class_id)id;
		const struct support *own = find_support(class);

		if (own || plan_supports(class))
			put_support(w, instance++, class,
			            own ? own->without : unsupported_in_sets(class));
	}
}

/* RFC 3318 section 5: a number as wide as the attribute; a string has no number. */
static size_t guidance_of(const struct component_limit *l, uint8_t octets[8])
{
	const struct pib_attribute *a = pib_attribute(pib_class(l->class), l->attribute);
	size_t width = 4;

	if (l->subtype == frwkCompLimitsSubType_none || (a && a->syntax == PIB_OCTETS))
		return 0;
	if (a && (a->syntax == PIB_UNSIGNED64 || a->syntax == PIB_INTEGER64))
		width = 8;
	for (size_t i = 0; i < width; i++)
		octets[i] = (uint8_t)(l->number >> 8 * (width - 1 - i));
	return width;
}

static void put_limit(struct writer *w, uint32_t instance, const struct component_limit *l)
{
	uint8_t guidance[8];
	struct pri pri;

	pri_init(&pri, PIB_frwkCompLimits, instance);
	pri_set_row(&pri, frwkCompLimitsComponent, l->class);
	pri_set_u32(&pri, frwkCompLimitsAttrPos, l->attribute);
	pri_set_bool(&pri, frwkCompLimitsNegation, false);
	pri_set_i32(&pri, frwkCompLimitsType, l->type);
	pri_set_i32(&pri, frwkCompLimitsSubType, l->subtype);
	pri_set_octets(&pri, frwkCompLimitsGuidance, VIEW(guidance, guidance_of(l, guidance)));
	put(w, &pri);
}

static void put_limits(struct writer *w)
{
	const struct component_limit no_tunnel = {PIB_ipSecNegotiationAction,
	        ipSecNegotiationActionAction, frwkCompLimitsType_attrEnumSupLimited,
	        frwkCompLimitsSubType_enumOnly, ipSecNegotiationActionAction_transport};
	struct component_limit limit;
	uint32_t instance = 1;

	for (size_t at = 0; component_limits_next(&at, &limit);)
		put_limit(w, instance++, &limit);
	if (w->input->algorithms && w->input->algorithms->no_tunnel)
		put_limit(w, instance, &no_tunnel);
}

static void put_capabilities(struct writer *w)
{
	struct pri pri;

	/* A rule has one action: what it falls back to is part of that action (preferred). */
	pri_init(&pri, PIB_ipSecIfCaps, 1);
	pri_set_i32(&pri, ipSecIfCapsDirection, ipSecIfCapsDirection_bi_directional);
	pri_set_u32(&pri, ipSecIfCapsMaxIpSecActions, 1);
	pri_set_u32(&pri, ipSecIfCapsMaxIkeActions, 1);
	put(w, &pri);

	pri_init(&pri, PIB_frwkCapabilitySet, 1);
	pri_set_text(&pri, frwkCapabilitySetName, capability_set);
	pri_set_prid(&pri, frwkCapabilitySetCapability, PIB_ipSecIfCaps, 1);
	put(w, &pri);
}

static void put_roles(struct writer *w, uint32_t instance, struct view roles)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkRoleCombo, instance);
	pri_set_octets(&pri, frwkRoleComboRoles, roles);
	pri_set_text(&pri, frwkRoleComboCapSetName, capability_set);
	put(w, &pri);
}

/* An interface has the same instance as long as it lives, whatever comes and goes beside it. */
static void put_interfaces(struct writer *w)
{
	const struct node_interfaces *list = w->input->interfaces;
	struct pri pri;

	for (size_t i = 0; i < list->count; i++) {
		uint32_t instance = list->list[i].index;

		put_roles(w, instance,
		          request_interface_roles(w->input->state, list->list[i].name));
		pri_init(&pri, PIB_frwkIfRoleCombo, instance);
		pri_set_i32(&pri, frwkIfRoleComboIfIndex, (int32_t)list->list[i].index);
		put(w, &pri);
	}
	if (w->input->state && w->input->state->assignments[0].assignment.roles.len)
		put_roles(w, NODE_ROLES_INSTANCE,
		          w->input->state->assignments[0].assignment.roles);
}

static void put_sets(struct writer *w)
{
	const struct state *state = w->input->state;

	for (size_t i = 0; state && i < state->set_count; i++) {
		const struct manifest *m = &state->sets[i].manifest;
		struct pri pri;

		pri_init(&pri, PIB_copsecPolicySet, block_policy_set_instance(m->block));
		pri_set_octets(&pri, copsecPolicySetSigned, VIEW_NONE);
		pri_set_octets(&pri, copsecPolicySetName, m->name);
		pri_set_u64(&pri, copsecPolicySetSerial, m->serial);
		pri_set_octets(&pri, copsecPolicySetRoot, VIEW(m->root, sizeof m->root));
		put(w, &pri);
	}
}

enum err request_put_incarnation(const struct request_input *input, bool full_state,
                                 struct buffer *out, struct error *e)
{
	struct writer w = {input, out, e, E_OK};

	put_incarnation(&w, full_state);
	return w.err;
}

enum err request_put_state(const struct request_input *input, struct buffer *out, struct error *e)
{
	struct writer w = {input, out, e, E_OK};
	size_t before = out->len;

	put_all_support(&w);
	put_device(&w);
	put_limits(&w);
	put_capabilities(&w);
	if (!w.err && input->algorithms)
		w.err = capabilities_put_algorithms(input->algorithms, out, e);
	put_interfaces(&w);
	put_sets(&w);
	if (w.err)
		out->len = before;
	return w.err;
}

struct view request_interface_roles(const struct state *state, const char *interface)
{
	if (!state)
		return VIEW_NONE;
	return assignment_roles(&state->assignments[0].assignment, view_of_string(interface));
}
