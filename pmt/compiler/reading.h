/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bundle as its nodes read it: who they are, the policy of each set, and the decision diagrams
 * that were asked for. What is said about a policy (tests that fail, rules that never match, what a
 * change means) is said about this and not about what its author wrote.
 */
#ifndef COPSEC_PMT_COMPILER_READING_H
#define COPSEC_PMT_COMPILER_READING_H

#include "pib/policy/policy.h"
#include "pmt/language/model.h"

struct reading_case;
struct circumstances;

/* A selector of a rule that names groups which a directory may fill; NULL: it does not there. */
struct group_use {
	size_t rule; /* its place in the policy */
	const char *source, *destination;
};

/* Whom the bundle's delegations permit a directory to put into a group, "*" for any. */
struct reading_permission {
	const char *group;
	struct address_range addresses;
};

/* `policy` has all rules, also those that are not always there (cases.h). */
/* Of an interface with none of the roles that the rules of an authority without nodes name. */
#define READING_OTHER_ROLE "(other)"

struct reading_set {
	const char *name;  /* the role combination; of one node's own set '@' and the node behind it */
	const char *roles; /* that it serves */
	struct policy *policy;
	struct pri_store *store;
	struct group_use *uses;
	size_t use_count;
	struct flow_manager *manager[FLOW_DIRECTIONS]; /* NULL: not asked for yet */
	flow_ref diagram[FLOW_DIRECTIONS];
	struct reading_case *cases; /* that somebody asked for */
	const struct circumstances *circumstances;
	size_t circumstance_count;
};

struct reading_interface {
	const char *name; /* "*": every one that is not named */
	const char *roles;
};

struct reading_node {
	const char *name;
	const char *roles;
	struct reading_interface *interfaces;
	size_t interface_count;
};

struct reading {
	struct arena arena;
	struct reading_node *nodes;
	size_t node_count;
	struct reading_set *sets;
	size_t set_count;
	struct reading_permission *permissions;
	size_t permission_count;
	const char **names; /* role combinations of all interfaces; number n is names[n - 1] */
	struct policy_roles roles;
};

/* A bundle's file; nothing is verified. reading_fini() also after a failure. */
enum err reading_init(struct reading *r, struct view bundle, struct error *e) MUST_USE;
void reading_fini(struct reading *r);

/* NULL if there is no such set. */
struct reading_set *reading_find(struct reading *r, const char *name);
/* The set that serves this combination at the node: its own, if it has one, else the common one;
 * NULL if there is neither. */
struct reading_set *reading_set_at(struct reading *r, const char *node, const char *roles);
const struct reading_node *reading_node(const struct reading *r, const char *name);
/* The roles of an interface: its own, else those of "*", else "". */
const char *reading_interface_roles(const struct reading_node *node, const char *interface);
/* The number of a role combination of interfaces; 0 for none. */
uint16_t reading_role(const struct reading *r, const char *roles);
/* set->diagram[direction] is there. */
enum err reading_diagram(struct reading *r, struct reading_set *set, enum flow_direction direction,
	struct error *e) MUST_USE;

#endif
