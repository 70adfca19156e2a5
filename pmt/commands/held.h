/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel of a node will hold for a flow: chains and counters of the packet filter, entries
 * of the SPD, out of the plan that the node will make of what all authorities say. */
#ifndef COPSEC_PMT_COMMANDS_HELD_H
#define COPSEC_PMT_COMMANDS_HELD_H

#include "pmt/commands/voices.h"

/* What decides a flow. */
struct held_question {
	const struct reading_node *node;
	const struct policy_rule *rules[POLICY_LAYERS_MAX]; /* that have objects there */
	size_t rule_count;
	struct policy_verdict verdict;
	enum flow_family family;
};

enum err put_held(const struct voice *voices, size_t voice_count, const struct held_question *q,
	struct buffer *out, struct error *e) MUST_USE;

#endif
