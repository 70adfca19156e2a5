/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/intent.h"

#include <stdlib.h>
#include <string.h>

#include "pib/framework/esp_needs.h"
#include "pib/plan/able.h"
#include "pib/policy/bounds.h"
#include "pib/policy/joint.h"

enum { INTENT_OCTETS_MAX = 64 * 1024 * 1024 };

/* One set of the state. */
struct part {
	const struct state_set *set;
	struct policy *policy;       /* as it stands; NULL: it has no say */
	struct policy *timed;        /* its rules of the moment; NULL: all of them always count */
	const struct policy *counts; /* what of it counts at the moment */
};

struct making {
	const struct state *state;
	const struct intent_terms *terms;
	struct verdict *v;
	struct arena arena;
	struct part *parts; /* as state->sets */
	struct policy_filling filling;
	uint64_t until;
	int64_t change;
	struct error lacking;
};

static enum err no_memory(struct making *m)
{
	struct error e;

	error_set(&e, E_MEMORY, "no memory to plan %zu sets", m->state->set_count);
	return verdict_whole(m->v, &e);
}

static const char *text_of(struct making *m, struct view v)
{
	return (const char *)arena_copy(&m->arena, v.len ? v : VIEW("", 0)).data;
}

static enum pib_fault_kind kind_of_plan_error(enum err err)
{
	switch ((int)err) {
	case E_LIMIT:
		return PIB_FAULT_SPACE;
	case E_UNSUPPORTED:
		return PIB_FAULT_VALUE_UNSUPPORTED;
	default:
		return PIB_FAULT_INSTANCE;
	}
}

/* What the policy needs and the kernel has not, the first of it, is told. */
static enum err check_kernel(struct making *m, const struct policy *policy)
{
	const bool accept = m->terms->accept_lacking;
	struct pri_failures accepted;
	struct error e;
	enum err err;

	if (!m->terms->algorithms)
		return E_OK;
	pri_failures_init(&accepted);
	err = esp_needs_check(
		policy, m->terms->algorithms, accept ? &accepted : &m->v->failures, &e);
	if (err && err != E_UNSUPPORTED)
		return verdict_whole(m->v, &e);
	if (err && !m->lacking.code)
		m->lacking = e;
	return err && !accept ? verdict_why(m->v, &e) : E_OK;
}

/* ---- Sets become policies ---- */

static bool is_new(const struct making *m, const struct manifest *manifest)
{
	const struct state_set *before = NULL;

	if (m->terms->before)
		before = state_find_set(m->terms->before, manifest->authority, manifest->name);
	return !before || before->manifest.serial != manifest->serial;
}

/* What is signed beyond what was lent is refused; what the loan became narrower for has ended. */
static enum err check_bounds(struct making *m, struct part *part)
{
	const struct manifest *manifest = &part->set->manifest;
	const struct state_voice *voice = state_voice(m->state, manifest->authority);
	const struct delegation *d = voice->delegation;
	struct pri_failures unheard;
	bool judged = is_new(m, manifest);
	struct error e;
	enum err err;

	if (!d)
		return E_OK;
	pri_failures_init(&unheard);
	err = bounds_check(d, part->policy, judged ? &m->v->failures : &unheard, &e);
	if (!err)
		return E_OK;
	if (err != E_MEMORY && err != E_LIMIT && !judged) {
		part->policy = policy_free(part->policy);
		return E_OK;
	}
	error_prefix(&e, "set %.*s of authority %s", (int)manifest->name.len,
	             (const char *)manifest->name.data, authority_name(manifest->authority));
	return err == E_MEMORY ? verdict_whole(m->v, &e) : verdict_why(m->v, &e);
}

static enum err read_part(struct making *m, struct part *part)
{
	bool home = part->set->manifest.authority == AUTHORITY_HOME;
	struct error e;
	enum err err;

	if (!state_set_counts(m->state, part->set, m->terms->now_utc, &m->until))
		return E_OK;
	err = policy_new_filled(part->set->rows, home ? &m->filling : NULL, &part->policy,
	                        &m->v->failures, &e);
	if (!err)
		err = plan_check(part->policy, &m->v->failures, &e);
	if (err)
		return verdict_why(m->v, &e);
	return home ? check_kernel(m, part->policy) : check_bounds(m, part);
}

/* Only what home's groups name, and only what has not ended. */
static enum err collect_members(struct making *m)
{
	const struct policy_member **members;
	size_t count = 0;

	for (size_t i = 0; i < m->state->set_count; i++)
		if (m->parts[i].policy)
			count += m->parts[i].policy->member_count;
	members = arena_calloc(&m->arena, count + 1, sizeof *members);
	if (!members)
		return no_memory(m);
	count = 0;
	for (size_t i = 0; i < m->state->set_count; i++) {
		const struct policy *policy = m->parts[i].policy;

		for (size_t k = 0; policy && k < policy->member_count; k++) {
			const struct policy_member *member = &policy->members[k];

			if (member->not_after && member->not_after < m->terms->now_utc)
				continue;
			if (member->not_after && member->not_after < m->until)
				m->until = member->not_after;
			members[count++] = member;
		}
	}
	m->filling = (struct policy_filling){members, count};
	return E_OK;
}

static bool is_of(const struct state_set *set, enum authority authority)
{
	return set->manifest.authority == authority;
}

/* Who fills groups comes before whose groups are filled. */
static enum err read_parts(struct making *m)
{
	enum err err = E_OK;

	for (size_t i = 0; i < m->state->set_count; i++)
		m->parts[i].set = &m->state->sets[i];
	for (size_t i = 0; i < m->state->set_count && !err; i++)
		if (is_of(m->parts[i].set, AUTHORITY_DIRECTORY))
			err = read_part(m, &m->parts[i]);
	if (!err)
		err = collect_members(m);
	for (size_t i = 0; i < m->state->set_count && !err; i++)
		if (!is_of(m->parts[i].set, AUTHORITY_DIRECTORY))
			err = read_part(m, &m->parts[i]);
	return err;
}

/* ---- Past its time ---- */

static const struct policy nothing = {.roles = "", .capability_set = ""};

static enum err take_time(struct making *m, struct part *part)
{
	const struct manifest *manifest = &part->set->manifest;
	bool stale = m->terms->now_utc > manifest->not_after;
	struct policy *tightened;

	part->counts = part->policy;
	if (manifest->stale_rule != STALE_TIGHTEN && manifest->stale_rule != STALE_QUARANTINE)
		return E_OK;
	if (!stale) {
		if (manifest->not_after < m->until)
			m->until = manifest->not_after;
		return E_OK;
	}
	if (manifest->stale_rule == STALE_QUARANTINE) {
		part->counts = &nothing;
		return E_OK;
	}
	/* Whoever only forbids has nothing to be tightened. */
	if (manifest->authority != AUTHORITY_HOME)
		return E_OK;
	tightened = arena_calloc(&m->arena, 1, sizeof *tightened);
	if (!tightened || policy_tighten(part->policy, &m->arena, tightened))
		return no_memory(m);
	part->counts = tightened;
	return E_OK;
}

static bool has_times(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].schedule)
			return true;
	return false;
}

static enum err take_moment(struct making *m, struct part *part)
{
	const struct policy_moment *moment = &m->terms->moment;
	struct error e;
	int64_t change;

	if (!has_times(part->counts))
		return E_OK;
	if (policy_at(part->counts, moment, &part->timed, &e))
		return no_memory(m);
	change = policy_next_change(part->counts, moment);
	if (change < m->change)
		m->change = change;
	part->counts = part->timed;
	return E_OK;
}

/* ---- The plan ---- */

static enum err add_layers(struct making *m, const struct part *home, struct plan_policy *to)
{
	struct policy_layer *layers =
		arena_calloc(&m->arena, m->state->set_count + 1, sizeof *layers);

	if (!layers)
		return no_memory(m);
	for (size_t i = 0; i < m->state->set_count; i++) {
		const struct part *part = &m->parts[i];
		enum authority authority = part->set->manifest.authority;

		if (!part->counts || authority == AUTHORITY_HOME ||
		    authority == AUTHORITY_DIRECTORY ||
		    !state_set_fits(part->set, home->set->manifest.roles))
			continue;
		layers[to->other_count++] =
			(struct policy_layer){authority_name(authority), part->counts};
	}
	to->others = layers;
	return E_OK;
}

static enum err put_policies(struct making *m, struct plan_input *input)
{
	struct plan_policy *policies =
		arena_calloc(&m->arena, m->state->set_count + 1, sizeof *policies);
	enum err err = E_OK;

	if (!policies)
		return no_memory(m);
	for (size_t i = 0; i < m->state->set_count && !err; i++) {
		if (!m->parts[i].policy)
			continue;
		err = take_time(m, &m->parts[i]);
		if (!err)
			err = take_moment(m, &m->parts[i]);
	}
	for (size_t i = 0; i < m->state->set_count && !err; i++) {
		const struct part *part = &m->parts[i];
		struct plan_policy *to = &policies[input->policy_count];

		if (!is_of(part->set, AUTHORITY_HOME))
			continue;
		to->policy = part->counts;
		to->roles = text_of(m, part->set->manifest.roles);
		if (!to->roles)
			return no_memory(m);
		err = add_layers(m, part, to);
		input->policy_count++;
	}
	input->policies = policies;
	return err;
}

static enum err put_interfaces(struct making *m, struct plan_input *input)
{
	const struct assignment *a = &m->state->assignments[0].assignment;
	struct plan_interface *interfaces =
		arena_calloc(&m->arena, a->interface_count + 1, sizeof *interfaces);

	input->node_roles = text_of(m, a->roles);
	if (!interfaces || !input->node_roles)
		return no_memory(m);
	for (size_t i = 0; i < a->interface_count; i++) {
		interfaces[i].name = text_of(m, a->interfaces[i].name);
		interfaces[i].roles = text_of(m, a->interfaces[i].roles);
		if (!interfaces[i].name || !interfaces[i].roles)
			return no_memory(m);
	}
	input->interfaces = interfaces;
	input->interface_count = a->interface_count;
	return E_OK;
}

static void tell_conflicts(const struct plan *plan, struct verdict *v)
{
	for (const struct plan_conflict *c = plan->conflicts; c; c = c->next)
		if (c->cause.prid.class)
			pri_failures_add_prid(&v->warnings,
			                      (struct pib_fault){.kind = PIB_FAULT_VALUE},
			                      &c->cause.prid,
			                      "roles %s: what authorities demand does not go together, "
			                      "and is discarded (%s)",
			                      c->roles, c->cause.name);
}

static enum err make_plan(struct making *m, struct plan **ret)
{
	struct plan_input input = m->terms->input;
	struct plan_cause cause = {0};
	struct error e;
	enum err err = put_interfaces(m, &input);

	if (!err)
		err = put_policies(m, &input);
	if (err)
		return err;
	err = plan_build(&input, ret, &cause, &e);
	if (!err)
		tell_conflicts(*ret, m->v);
	else if (!cause.prid.class) /* no PRI asked for it: ours, not the PDP's */
		verdict_general(m->v, PR_GPERR_UNKNOWN_ERROR, 0, &e);
	else
		verdict_pri(m->v, (struct pib_fault){kind_of_plan_error(err), 0, 0}, &cause.prid,
		            &e);
	return err;
}

enum err intent_make(const struct state *state, const struct intent_terms *terms,
                     struct intent *ret, struct verdict *v)
{
	struct making m = {.state = state, .terms = terms, .v = v, .until = UINT64_MAX, .change = INT64_MAX};
	struct plan *plan = NULL;
	enum err err;

	arena_init(&m.arena, INTENT_OCTETS_MAX);
	m.parts = arena_calloc(&m.arena, state->set_count + 1, sizeof *m.parts);
	err = m.parts ? read_parts(&m) : no_memory(&m);
	if (!err)
		err = make_plan(&m, &plan);
	for (size_t i = 0; m.parts && i < state->set_count; i++) {
		policy_free(m.parts[i].timed);
		policy_free(m.parts[i].policy);
	}
	arena_fini(&m.arena);
	if (!err)
		*ret = (struct intent){plan, m.lacking, m.until, m.change};
	return err;
}
