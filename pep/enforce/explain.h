/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a flow passes or not, by the plan that is in force (pib/plan/walk.h): the answer to `pepctl
 * explain`. The flow comes as numbers and numeric addresses in the request; an interface that it
 * does not name is the one that the routing table says.
 */
#ifndef COPSEC_PEP_ENFORCE_EXPLAIN_H
#define COPSEC_PEP_ENFORCE_EXPLAIN_H

#include <jansson.h>

#include "pep/enforce/interfaces.h"
#include "pib/plan/plan.h"

/* E_RANGE, with a sentence, for what is no flow. *ret_answer is a new reference. */
enum err explain_answer(const struct plan *plan, const struct node_interfaces *interfaces,
                        const json_t *request, json_t **ret_answer, struct error *e) MUST_USE;

#endif
