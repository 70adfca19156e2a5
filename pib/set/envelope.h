/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which rows carry a signed document, which belong inside a set, and how to open the former.
 *
 * copsecPolicySet, copsecIndex, copsecAssignment and copsecTrust are {Prid, Signed}: envelopes. What else they
 * could say is not signed, so nothing else may stand in them. Inside a set stand the classes of
 * IPSEC-POLICY-PIB and the rules group of COPSEC-PIB; all others are outside every set, whatever
 * their InstanceId.
 */
#ifndef COPSEC_PIB_SET_ENVELOPE_H
#define COPSEC_PIB_SET_ENVELOPE_H

#include "pib/schema/pri.h"

/* 0 if the class is no envelope, else the number of the attribute that carries the document. */
unsigned envelope_attribute(const struct pib_class *class);
bool envelope_is(const struct pib_class *class);
bool envelope_is_inside(const struct pib_class *class);

/* The document, borrowed from `epd`. */
enum err envelope_open(const struct prid *prid, struct view epd, struct view *ret_cms,
	struct pib_fault *ret_fault, struct error *e) MUST_USE;
/* A document that is too long for an EPD makes the buffer fail with E_LIMIT. */
void envelope_put(enum pib_class_id class, uint32_t instance, struct view cms, struct buffer *out);

#endif
