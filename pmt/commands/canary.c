/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/canary.h"

#include <inttypes.h>

static enum canary_verdict back(
	struct error *why, const struct standing_node *node, const char *what)
{
	error_set(why, E_DENIED, "%s %s%s%s", node->name, what, *node->reason ? ": " : "",
		node->reason);
	return CANARY_BACK;
}

static bool is_gone(const struct standing_node *node)
{
	return node->now.standing == STANDING_AWAY && node->was_there;
}

static enum canary_verdict end_of_hold(const struct standing_table *t, struct error *why)
{
	size_t have = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct standing_node *node = &t->nodes[i];

		if (!node->now.tries)
			continue;
		if (standing_is_pending(node))
			return back(why, node,
				is_gone(node) ? "is gone" : "does not report it any more");
		have += node->now.standing == STANDING_IN_FORCE;
	}
	if (have)
		return CANARY_PROMOTE;
	error_set(why, E_NOT_FOUND, "of the nodes that try it none is there");
	return CANARY_BACK;
}

enum canary_verdict canary_judge(struct canary *c, const struct standing_table *t, uint64_t now,
	uint64_t *ret_until, struct error *why)
{
	const struct standing_node *pending = NULL;

	for (size_t i = 0; i < t->count; i++) {
		const struct standing_node *node = &t->nodes[i];

		if (!node->now.tries)
			continue;
		if (node->now.standing == STANDING_FAILED)
			return back(why, node, "refuses it");
		if (node->now.standing == STANDING_SILENT)
			return back(why, node, "does not report");
		if (standing_is_pending(node) && !pending)
			pending = node;
	}
	if (!c->holding && !pending) {
		c->holding = true;
		c->held_since = now;
	}
	*ret_until = c->holding ? c->held_since + c->hold_ms : c->begun + c->report_ms;
	if (now < *ret_until)
		return CANARY_WAIT;
	if (c->holding)
		return end_of_hold(t, why);
	return back(why, pending, is_gone(pending) ? "is gone" : "has not reported in time");
}
