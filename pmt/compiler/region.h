/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The author's addresses and services as regions of flows. A match is narrowed field by field; all
 * lists live in the arena, and a match that could not be narrowed for want of memory is too wide:
 * who asks looks at the arena's limit by flow_match_complete().
 */
#ifndef COPSEC_PMT_COMPILER_REGION_H
#define COPSEC_PMT_COMPILER_REGION_H

#include "pib/flow/flow.h"
#include "pmt/language/model.h"

/* Narrows a field to the numbers from low to high. */
void region_number(struct arena *arena, struct flow_match *match, enum flow_field field,
	uint64_t low, uint64_t high);
/* Narrows a field to the addresses of one family; false if there are none. */
bool region_addresses(struct arena *arena, struct flow_match *match, enum flow_field field,
	const struct address_list *list, enum flow_family family);
/* Narrows protocol, ports, ICMP and DSCP; false if the family has no such flow. */
bool region_traffic(struct arena *arena, struct flow_match *match, const struct traffic *t,
	enum flow_family family);

/* All boxes of the flows from, to and of the traffic; *ret_count may be 0. E_MEMORY. */
enum err region_boxes(struct arena *arena, const struct address_list *from,
	const struct address_list *to, const struct traffic_list *traffic, struct flow_match **ret,
	size_t *ret_count) MUST_USE;

#endif
