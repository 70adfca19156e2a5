/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far classes and attributes are supported, for frwkCompLimits (RFC 3318 section 5): what
 * able.c's table refuses, and the numbers that plan_build() and policy_new() refuse more than.
 * Nothing is said here that is not refused elsewhere.
 */
#ifndef COPSEC_PIB_PLAN_COMPONENT_LIMITS_H
#define COPSEC_PIB_PLAN_COMPONENT_LIMITS_H

#include "pib/schema/schema.h"

struct component_limit {
	enum pib_class_id class;
	uint8_t attribute; /* 0: of the class */
	int32_t type;      /* of frwkCompLimitsType */
	int32_t subtype;   /* of frwkCompLimitsSubType */
	uint64_t number;   /* what the sub-type is about; of an OCTET STRING none is the only value */
};

/* In turn, always the same order; *at begins as 0. */
bool component_limits_next(size_t *at, struct component_limit *ret);

#endif
