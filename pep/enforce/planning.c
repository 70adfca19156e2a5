/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include <string.h>

#include "pep/enforce/intent.h"
#include "pep/enforce/zones.h"

/* ---- From a verified state to a plan ---- */

static struct plan_input plan_input(const struct enforcement *n)
{
	return (struct plan_input){
		.mark_mask = n->mark_mask,
		.endpoints = n->endpoints,
		.endpoint_count = n->endpoint_count,
		.previous = n->now.plan,
		.node_roles = "",
	};
}

static enum err closed_plan(const struct enforcement *n, struct plan **ret, struct error *e)
{
	struct plan_input input = plan_input(n);

	return plan_bootstrap(&input, ret, e);
}

/* A fault that concerns an object which no PRI asked for is ours, not the PDP's. */
static enum err fault_of_cause(struct verdict *v, const struct plan_cause *cause,
                               enum pib_fault_kind kind, const struct error *why)
{
	if (!cause->prid.class)
		return verdict_general(v, PR_GPERR_UNKNOWN_ERROR, 0, why);
	return verdict_pri(v, (struct pib_fault){kind, 0, 0}, &cause->prid, why);
}

enum err intent_of_state(const struct enforcement *n, const struct state *state,
                         bool accept_lacking, uint64_t now_utc, struct in_force *new,
                         struct verdict *v)
{
	struct zones *zones = zones_new(ZONES_FOLDER, LOCAL_ZONE);
	const struct policy_clock clock = zones_clock(zones);
	struct intent_terms terms = {
		.input = plan_input(n),
		.algorithms = n->identity.algorithms,
		.accept_lacking = accept_lacking,
		.before = n->now.state,
		.now_utc = later(now_utc, n->ended),
		.moment = {.utc = (int64_t)now_utc, .clock = &clock},
	};
	struct intent intent;
	struct error e;
	enum err err;

	if (!zones) {
		error_set(&e, E_MEMORY, "no memory for time zones");
		return verdict_whole(v, &e);
	}
	err = intent_make(state, &terms, &intent, v);
	zones_free(zones);
	if (err)
		return err;
	new->plan = intent.plan;
	new->lacking = intent.lacking;
	new->until = intent.until;
	new->planned = (int64_t)now_utc;
	new->change = intent.change;
	return E_OK;
}

/* ---- Into the kernel ---- */

/* True if the kernel holds exactly this plan, so that applying it again would change nothing. */
static bool kernel_holds(struct enforcement *n, const struct plan *plan)
{
	struct kernel_status status;
	struct error e;

	return !n->kernel_dirty && !n->leftovers &&
	       !kernel_status(n->kernel, plan, &status, &e) && status.table &&
	       !strcmp(status.plan_id, plan->id) && status.spd_as_planned;
}

enum err apply_plan(struct enforcement *n, const struct plan *plan, struct verdict *v)
{
	struct kernel_fault fault = {0};
	struct error e = {0}, again;
	enum err err;

	if (kernel_holds(n, plan))
		return E_OK;
	err = kernel_apply(n->kernel, plan, &fault, &e);
	if (!err) {
		n->kernel_dirty = n->leftovers = false;
		return E_OK;
	}
	fault_of_cause(v, &fault.cause, PIB_FAULT_INSTANCE, &e);
	if (!fault.dirty)
		return err;
	n->kernel_dirty = true;
	n->disorder = e;
	fault = (struct kernel_fault){0};
	if (n->now.plan && !kernel_apply(n->kernel, n->now.plan, &fault, &again))
		n->kernel_dirty = n->leftovers = false;
	return err;
}

enum err enforcement_close(struct enforcement *n, struct error *e)
{
	struct kernel_status status = {0};
	struct verdict v;
	struct plan *plan;
	enum err err = closed_plan(n, &plan, e);

	if (err)
		return err;
	/* A policy that an earlier process put there closes the node better than we could. */
	n->foreign_plan = !kernel_status(n->kernel, plan, &status, e) && status.table &&
	                  status.plan_id[0] && strcmp(status.plan_id, plan->id);
	if (!n->foreign_plan) {
		verdict_init(&v);
		err = apply_plan(n, plan, &v);
		if (err) {
			*e = v.why;
			plan_free(plan);
			return err;
		}
	}
	in_force_fini(&n->now);
	n->now.plan = plan;
	return E_OK;
}
