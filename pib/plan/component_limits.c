/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/component_limits.h"

#include "pib/plan/able.h"
#include "pib/plan/marks.h"

#define INSTANCES(class, most)                                                                     \
	{                                                                                          \
		class, 0, frwkCompLimitsType_priSpaceLimited, frwkCompLimitsSubType_valueOnly,     \
			most                                                                       \
	}
#define ENUMERATION(class, attribute, least, most)                                                 \
	{class, attribute, frwkCompLimitsType_attrEnumSupLimited, frwkCompLimitsSubType_enumMin,   \
		least},                                                                            \
	{                                                                                          \
		class, attribute, frwkCompLimitsType_attrEnumSupLimited,                           \
			frwkCompLimitsSubType_enumMax, most                                        \
	}

/* What is said by numbers. */
static const struct component_limit exact[] = {
	INSTANCES(PIB_ipSecRule, POLICY_RULES_MAX),
	/* Those that rules of all sets lead to. */
	INSTANCES(PIB_ipSecNegotiationAction, MARK_PROTECTIONS_MAX),
	ENUMERATION(PIB_ipSecStaticAction, ipSecStaticActionAction,
		ipSecStaticActionAction_byPass, ipSecStaticActionAction_discard),
	ENUMERATION(PIB_copsecIkeAssociation, copsecIkeAssociationAuthentication,
		copsecIkeAssociationAuthentication_rawKey,
		copsecIkeAssociationAuthentication_presharedKey),
};
enum { EXACT_COUNT = sizeof exact / sizeof exact[0] };

static bool is_exact(enum pib_class_id class, unsigned attribute)
{
	for (size_t i = 0; i < EXACT_COUNT; i++)
		if (exact[i].class == class && exact[i].attribute == attribute)
			return true;
	return false;
}

/* A need is any value but the default or nothing; of the others it depends on the value, and on
 * more than that one. */
static struct component_limit limit_of(enum pib_class_id class, unsigned attribute)
{
	const struct pib_attribute *a = pib_attribute(pib_class(class), attribute);
	bool labels = a->syntax == PIB_ENUMERATION;
	struct component_limit l = {
		.class = class,
		.attribute = (uint8_t)attribute,
		.type = labels ? frwkCompLimitsType_attrEnumSupLimited
			       : frwkCompLimitsType_attrValueSupLimited,
		.subtype = frwkCompLimitsSubType_none,
	};

	if (!policy_is_need(class, attribute))
		return l;
	l.subtype = labels ? frwkCompLimitsSubType_enumOnly : frwkCompLimitsSubType_valueOnly;
	l.number = a->has_default ? a->default_number : 0;
	return l;
}

bool component_limits_next(size_t *at, struct component_limit *ret)
{
	while (*at < EXACT_COUNT + (size_t)PIB_CLASS_COUNT * PIB_ATTRIBUTES_MAX) {
		size_t place = (*at)++ - EXACT_COUNT; /* of all attributes of all classes */
		enum pib_class_id class = (enum pib_class_id)(place / PIB_ATTRIBUTES_MAX);
		unsigned attribute = (unsigned)(place % PIB_ATTRIBUTES_MAX) + 1;

		if (*at <= EXACT_COUNT) {
			*ret = exact[*at - 1];
			return true;
		}
		/* Of classes that are not supported at all frwkPrcSupport says so. */
		if (!plan_supports(class) || !plan_unable_what(class, attribute) ||
			is_exact(class, attribute))
			continue;
		*ret = limit_of(class, attribute);
		return true;
	}
	return false;
}
