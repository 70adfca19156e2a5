/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is allowed and hardly meant, found in what was compiled; warnings go to the diagnostics, at
 * the rule in question:
 *
 *   - a rule that no flow ever reaches, in any set that has it; with those that decide its flows, and
 *     whether they do otherwise
 *   - a rule that lets pass what others would let pass in the same way if it were not there
 *   - a flow in transport mode between two nodes of the policy whose other end lets it in in clear,
 *     or under another protection; or that no node at all protects at the other end, and some has
 *     no rule for; and the other way round, one that goes out in clear to a node that demands
 *     protection for it
 *
 *   - a group that a directory fills and no delegation lets it
 *
 * The first ones are exact, over the decision diagrams. The second looks at the addresses that the policy
 * gives for the nodes, and at nodes that it compiles for; tunnels are left out.
 */
#ifndef COPSEC_PMT_COMPILER_WARN_H
#define COPSEC_PMT_COMPILER_WARN_H

#include "pmt/language/model.h"

/* `bundle` is what compile_policy() made of this model. Policies whose diagrams are too large for
 * that are not looked at; E_MEMORY. */
enum err warn_find(
	const struct model *m, struct view bundle, struct diagnostics *d, struct error *e) MUST_USE;

#endif
