/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Questions about first-match lists, before and after they are diagrams.
 *
 * What a rule decides (its effective region) is flows_with_number() of its list's diagram; nothing,
 * if it never matches. Who wants actions instead of rules replaces the numbers of rules by numbers
 * of actions with flow_map(): then the diagram is the partition by action, flows_with_number() the
 * flows of one action, and flow_changes() of two lists says what another version means.
 */
#ifndef COPSEC_PIB_FLOW_LISTS_H
#define COPSEC_PIB_FLOW_LISTS_H

#include "pib/flow/diagram.h"

/* The list as it is inside of a region: what of each match lies in it, in the same order; a match
 * without any is left out. Inside, both lists give the same numbers; outside, the new one gives 0.
 * A question about a small region is answered from a small list. Lives in the arena and borrows
 * from both. E_MEMORY. */
enum err flow_restrict_matches(struct arena *arena, const struct flow_match *matches, size_t count,
	const struct flow_match *region, struct flow_match **ret, size_t *ret_count) MUST_USE;

/* As flow_build, but a flow gets the number of its rule only if the rule is needed there: if
 * without it the next one that matches would do something else. `action_of` says what the rule of
 * this number does (0: no rule). So a rule whose number is in flow_build's diagram, and not in
 * this one, could go and nothing would change. That holds for one rule at a time. */
enum err flow_build_needed(struct flow_manager *m, const struct flow_match *matches, size_t count,
	flow_map_fn *action_of, void *context, flow_ref *ret, struct error *error) MUST_USE;

enum { FLOW_CHANGES_MAX = 1 << 16 };

struct flow_change {
	uint32_t from;
	uint32_t to;
};

/* Where two diagrams give different numbers: `diagram` gives those flows n, and list[n - 1] says
 * which two; the others get 0. */
struct flow_changes {
	flow_ref diagram;
	struct flow_change *list; /* by from, then to */
	size_t count;
};

/* The list lives in the arena. E_LIMIT: more kinds of change than FLOW_CHANGES_MAX (or nodes). */
enum err flow_changes(struct flow_manager *m, flow_ref before, flow_ref after, struct arena *arena,
	struct flow_changes *ret, struct error *error) MUST_USE;

#endif
