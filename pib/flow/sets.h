/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sets of flows.
 *
 * A set is a diagram with the number 1 inside and 0 outside, nothing else: so a set is empty if
 * and only if it is FLOWS_NONE, and two sets of one manager are equal if and only if they are the
 * same reference. Sets belong to their manager as all diagrams do. Operations that make a set fail
 * with E_LIMIT or E_MEMORY alone and leave *ret as it was.
 *
 * Which packet a flow stands for is said in flow.h: the first one of a connection, in its original
 * direction, as one node sees it. Replies are in no set of their own.
 */
#ifndef COPSEC_PIB_FLOW_SETS_H
#define COPSEC_PIB_FLOW_SETS_H

#include "pib/flow/diagram.h"

#define FLOWS_NONE FLOW_NOTHING
#define FLOWS_ALL FLOW_LEAF(1)

/* All flows of all the matches, whatever their numbers; each match must pass flow_match_check. */
enum err flows_of_matches(struct flow_manager *m, const struct flow_match *matches, size_t count,
	flow_ref *ret, struct error *error) MUST_USE;
/* The flows to which a diagram gives this number: of a list's diagram, what the rule decides. */
enum err flows_with_number(struct flow_manager *m, flow_ref diagram, uint32_t number, flow_ref *ret,
	struct error *error) MUST_USE;

enum err flows_union(struct flow_manager *m, flow_ref a, flow_ref b, flow_ref *ret,
	struct error *error) MUST_USE;
enum err flows_intersection(struct flow_manager *m, flow_ref a, flow_ref b, flow_ref *ret,
	struct error *error) MUST_USE;
/* Those of a that are not in b. */
enum err flows_difference(struct flow_manager *m, flow_ref a, flow_ref b, flow_ref *ret,
	struct error *error) MUST_USE;
enum err flows_complement(
	struct flow_manager *m, flow_ref a, flow_ref *ret, struct error *error) MUST_USE;

bool flows_contain(const struct flow_manager *m, flow_ref set, const struct flow *flow);
/* flow_sample for a set: E_NOT_FOUND if it is empty. */
enum err flows_sample(const struct flow_manager *m, flow_ref set, struct flow *ret) MUST_USE;

/*
 * A set as boxes for people to read: matches (with the number 1) that have no flow in common and
 * are the set together. They are few rather than fewest: values with the same consequences stand in
 * one list, and what holds for all values of a field is said once. At most `most` boxes come;
 * *ret_more says that the set has others. All lives in the arena. E_LIMIT and E_MEMORY.
 */
enum err flows_boxes(struct flow_manager *m, flow_ref set, size_t most, struct arena *arena,
	struct flow_match **ret, size_t *ret_count, bool *ret_more, struct error *error) MUST_USE;

#endif
