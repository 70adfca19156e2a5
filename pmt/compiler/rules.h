/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules and protections as PRIs of IPSEC-POLICY-PIB and COPSEC-PIB.
 *
 * Addresses, ports, selectors, actions and protections that are equal exist once in a set. What
 * IKEv2 knows stands in the EXTENDS rows; the base rows hold the same as far as IKEv1 has a number
 * for it.
 */
#ifndef COPSEC_PMT_COMPILER_RULES_H
#define COPSEC_PMT_COMPILER_RULES_H

#include "pmt/compiler/rows.h"
#include "pmt/language/model.h"

/* The capability set that nodes report for their interfaces (RFC 3318). */
#define RULES_CAPABILITY_SET "ipsec"

/* Which rules a set needs. */
struct rule_needs {
	const char *name;              /* of the set */
	const char *roles;             /* the role combination */
	const struct model_node *node; /* it is for this one alone; NULL: for all */
	bool local;        /* an interface has it: rules for in and out */
	bool forward;      /* a node has it: rules for what passes through */
};

/* Appends the rule's rows; *order is the Order of the last rule so far. */
void rules_put(struct rows *r, const struct rule_needs *needs, const struct model_rule *rule,
	uint32_t *order);

/* The TagId of a group with these addresses; 0 for any. */
uint32_t rules_addresses(struct rows *r, const struct address_list *list);
/* The InstanceId of the row that a protection has of the class, or the TagId of its list. Of
 * ipSecNegotiationAction that of a protection from end to end. */
uint32_t rules_protection(
	struct rows *r, const struct model_protection *p, enum pib_class_id class);

#endif
