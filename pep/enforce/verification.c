/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

/* Those of another tenant say nothing: it was replaced by the settings. */
static const struct floors *valid_floors(const struct enforcement *n)
{
	const char *tenant = n->identity.tenant;

	if (!n->floors->tenant.name.data ||
	    (tenant[0] && !view_equal(n->floors->tenant.name, view_of_string(tenant))))
		return NULL;
	return n->floors;
}

enum err verify_policy(const struct enforcement *n, const struct pri_store *store,
                       uint64_t now_utc, enum origin origin, struct state **ret,
                       struct verdict *v)
{
	const struct state *now = n->now.state;
	const struct floors *floors = valid_floors(n);
	struct serial_floors serials = floors ? floors_serials(floors) : (struct serial_floors){0};
	struct state_terms terms = {
		.trust = n->identity.trust,
		.tenant = floors ? floors->tenant.name : view_of_string(n->identity.tenant),
		.trust_in_force = now && now->home.trust ? now->home.trust->content : VIEW_NONE,
		.floors = floors && origin != FROM_TRIAL ? &serials : NULL,
		/* Time never falls below what was accepted already. */
		.now_utc = floors ? later(now_utc, floors->time) : now_utc,
		.in_force = now,
		.from_disk = origin != FROM_PDP,
	};
	struct state_node node = {&n->identity.node_key, view_of_string(n->identity.pepid)};
	struct error e = {0};
	enum err err;

	err = state_verify_node(store, &terms, &node, ret, &v->failures, &e);
	if (err == E_MEMORY)
		return verdict_whole(v, &e);
	if (err)
		return verdict_why(v, &e);
	if ((*ret)->set_count > COMPLIANCE_SETS_MAX) {
		err = error_set(&e, E_LIMIT, "%zu sets, %d at most", (*ret)->set_count,
		                COMPLIANCE_SETS_MAX);
		*ret = state_free(*ret);
		return verdict_whole(v, &e);
	}
	return E_OK;
}
