/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bundle as its nodes read it: the policy of each set, and the decision diagrams that were asked
 * for. What is said about a policy (tests that fail, rules that never match) is said about this and
 * not about what its author wrote.
 */
#ifndef COPSEC_PMT_COMPILER_READING_H
#define COPSEC_PMT_COMPILER_READING_H

#include "pib/policy/policy.h"
#include "pmt/language/model.h"

struct reading_set {
	const char *name;
	struct policy *policy;
	struct flow_manager *manager[FLOW_DIRECTIONS]; /* NULL: not asked for yet */
	flow_ref diagram[FLOW_DIRECTIONS];
};

struct reading {
	struct arena arena;
	struct reading_set *sets;
	size_t set_count;
	const char **names; /* role combinations of all interfaces; number n is names[n - 1] */
	struct policy_roles roles;
};

/* `bundle` is what compile_policy() made of this model. reading_fini() also after a failure. */
enum err reading_init(
	struct reading *r, const struct model *m, struct view bundle, struct error *e) MUST_USE;
void reading_fini(struct reading *r);

/* NULL if there is no such set. */
struct reading_set *reading_find(struct reading *r, const char *name);
/* The number of a role combination of interfaces; 0 for none. */
uint16_t reading_role(const struct reading *r, const char *roles);
/* set->diagram[direction] is there. */
enum err reading_diagram(struct reading *r, struct reading_set *set, enum flow_direction direction,
	struct error *e) MUST_USE;

/* Narrows a field to the addresses of one family; false if there are none. */
bool reading_addresses(struct arena *arena, struct flow_match *match, enum flow_field field,
	const struct address_list *list, enum flow_family family);

#endif
