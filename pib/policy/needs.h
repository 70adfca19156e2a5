/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a policy needs of whoever enforces it, beyond the plain: rules that bypass, discard, or
 * protect by ESP with keys from IKE version 2.
 *
 * The typed view says all that the PIB can say; no kernel and no daemon can do all of it. So a
 * policy carries, for each PRI that asks for something particular, which attribute asks. An
 * enforcer holds the list against what it can do (pib/plan/able.h) and refuses the rest by PRI and
 * attribute; it need not look for what it has never heard of. What is not in needs.c's tables and
 * not noted while reading is plain.
 */
#ifndef COPSEC_PIB_POLICY_NEEDS_H
#define COPSEC_PIB_POLICY_NEEDS_H

#include "pib/schema/pri.h"

struct policy_need {
	struct prid prid;
	uint8_t attribute; /* 0: that there is an instance of this class at all */
};

/* May a policy set hold instances of this class? */
bool policy_holds(enum pib_class_id class);
/* Is any instance, or any value but the default or nothing, a need? With attribute 0 the class is
 * meant. What depends on the value is not told here. */
bool policy_is_need(enum pib_class_id class, unsigned attribute);

#endif
