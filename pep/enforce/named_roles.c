/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include "pib/framework/roles.h"

static const struct pri *base_row(const struct decision *d, const struct pri *extension)
{
	for (size_t i = 0; i < d->role_count; i++)
		if (d->roles[i].class->id == PIB_frwkRoleCombo &&
		    d->roles[i].instance == extension->instance)
			return &d->roles[i];
	return NULL;
}

/* Does the pattern fit the node's own roles, those of an interface, or none at all? */
static bool fits_any(const struct state *state, struct view pattern)
{
	const struct assignment *a = state ? &state->assignments[0].assignment : NULL;

	if (role_pattern_matches(pattern, VIEW_NONE))
		return true;
	for (size_t i = 0; a && i < a->interface_count; i++)
		if (role_pattern_matches(pattern, a->interfaces[i].roles))
			return true;
	return a && role_pattern_matches(pattern, a->roles);
}

static void check_combination(const struct state *state, const struct pri *row, struct verdict *v)
{
	const struct pib_fault fault = {PIB_FAULT_VALUE, frwkRoleComboRoles, 0};
	const struct prid prid = {row->class, row->instance};
	struct view roles = pri_octets(row, frwkRoleComboRoles);
	struct error e;

	if (!role_pattern_valid(roles)) {
		error_set(&e, E_RANGE,
		          "frwkRoleCombo.%u: the roles are neither a combination nor a pattern",
		          (unsigned)row->instance);
		verdict_pri(v, fault, &prid, &e);
	} else if (!fits_any(state, roles)) {
		error_set(&e, E_CONFLICT,
		          "frwkRoleCombo.%u: the signed assignment gives these roles to no interface "
		          "and not to the node",
		          (unsigned)row->instance);
		verdict_pri(v, fault, &prid, &e);
	}
}

static void check_interface(const struct enforcement *n, const struct state *state,
                            const struct decision *d, const struct pri *row, struct verdict *v)
{
	const struct prid prid = {row->class, row->instance};
	const struct pri *base = base_row(d, row);
	int32_t index = pri_i32(row, frwkIfRoleComboIfIndex);
	const struct node_interface *at = interfaces_find(&n->interfaces, (unsigned)index);
	struct error e;

	/* What is no pattern at all is told of its own row. */
	if (base && at &&
	    (!role_pattern_valid(pri_octets(base, frwkRoleComboRoles)) ||
	     role_pattern_matches(pri_octets(base, frwkRoleComboRoles),
	                          request_interface_roles(state, at->name))))
		return;
	error_set(&e, E_CONFLICT, "roles of interface %d are not those of the signed assignment",
	          index);
	verdict_pri(v, (struct pib_fault){PIB_FAULT_INSTANCE, 0, 0}, &prid, &e);
}

enum err check_named_roles(const struct enforcement *n, const struct state *state,
                           const struct decision *d, struct verdict *v)
{
	for (size_t i = 0; i < d->role_count; i++) {
		if (d->roles[i].class->id == PIB_frwkRoleCombo)
			check_combination(state, &d->roles[i], v);
		else
			check_interface(n, state, d, &d->roles[i], v);
	}
	return v->why.code;
}
