/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel of a node will hold for a rule: chains and counters of the packet filter, entries
 * of the SPD, out of the plan that the node will make of its policy. */
#ifndef COPSEC_PMT_COMMANDS_HELD_H
#define COPSEC_PMT_COMMANDS_HELD_H

#include "pmt/commands/subject.h"

/* `family` of the flow, for the SPD. */
enum err put_held(struct subject *s, const struct reading_node *node,
	const struct policy_rule *rule, enum flow_family family, struct buffer *out,
	struct error *e) MUST_USE;

#endif
