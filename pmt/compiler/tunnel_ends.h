/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tunnels whose other end is a node of the policy that does not play its part: it lets what comes
 * through the tunnel pass in clear, or denies it, or has nothing in common with the protection, or
 * its own tunnel for it leads elsewhere. Exact over the decision diagrams; at the flows of the
 * whole rule, so a rule of which a part is answered is let pass. Ends that are no nodes of the
 * policy are not known here.
 */
#ifndef COPSEC_PMT_COMPILER_TUNNEL_ENDS_H
#define COPSEC_PMT_COMPILER_TUNNEL_ENDS_H

#include "pmt/language/model.h"

/* `bundle` is what compile_policy() made of this model; warnings go to `d`, at the rule. */
enum err tunnel_ends_find(
	const struct model *m, struct view bundle, struct diagnostics *d, struct error *e) MUST_USE;

#endif
