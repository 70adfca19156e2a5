/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the PIBs say in prose about their references, and SPPI has no clause for: whether "none" (0
 * or 0.0) is a value of the attribute, whether a list may be empty, and where a Prid may lead. One
 * row a reference; a reference without a row must exist, unless its default is "none".
 */
#ifndef COPSEC_PIB_STORE_REFERENCE_H
#define COPSEC_PIB_STORE_REFERENCE_H

#include "pib/schema/schema.h"

/* May it be 0 or 0.0? */
bool reference_may_be_none(const struct pib_class *class, const struct pib_attribute *attribute);
/* Of a tag reference: may no row have the tag? */
bool reference_list_may_be_empty(
	const struct pib_class *class, const struct pib_attribute *attribute);
/* Of a Prid: may it lead to an instance of this class? */
bool reference_may_lead_to(const struct pib_class *class, const struct pib_attribute *attribute,
	const struct pib_class *target);

#endif
