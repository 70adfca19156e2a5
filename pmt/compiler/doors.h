/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules about what a node needs to live under a policy at all: neighbour discovery, IKE and ESP,
 * DNS, the way to its decision point. At the node itself these stay open in every plan (pib/plan),
 * so a rule that is only about them does nothing there, and its author believes otherwise. In
 * transit they do not: there such a rule cuts the nodes behind it off.
 */
#ifndef COPSEC_PMT_COMPILER_DOORS_H
#define COPSEC_PMT_COMPILER_DOORS_H

#include "pmt/language/model.h"

/* Warnings go to `d`, at the rule. */
void doors_find(const struct model *m, struct diagnostics *d);

#endif
