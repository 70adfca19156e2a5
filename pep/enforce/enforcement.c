/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/enforcement.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/service/control.h"
#include "common/crypto/digest.h"
#include "pep/enforce/floors.h"
#include "pep/enforce/intent.h"
#include "pep/enforce/report.h"
#include "pep/enforce/request_update.h"
#include "pep/enforce/stored.h"
#include "pep/enforce/warnings.h"
#include "pep/enforce/zones.h"
#include "pib/framework/roles.h"
#include "pib/framework/traffic.h"
#include "pib/set/bundle.h"

enum {
	PDP_NAME_MAX = 255,
	PDP_TEXT_SHOWN = 100,
};

#define ZONES_FOLDER "/usr/share/zoneinfo"
#define LOCAL_ZONE "/etc/localtime"

/* What is in force: all of it, or the closed node (store and state NULL). */
struct in_force {
	struct pri_store *store;
	struct state *state;
	struct plan *plan;
	struct error lacking; /* what the kernel cannot do of it; E_OK: nothing */
	uint64_t until; /* the last second for which the plan is what the state says */
	uint64_t deadline; /* the same in seconds since the boot; 0: not looked at yet */
	int64_t planned;   /* by the clock, when and until when the times of rules have been looked at */
	int64_t change;
};

/* How the last decision ended. */
struct outcome {
	bool any;
	uint32_t number;
	uint64_t time;
	struct error why; /* E_OK: success */
};

struct enforcement {
	struct kernel *kernel;
	uint32_t mark_mask;
	struct plan_endpoint endpoints[PLAN_ENDPOINTS_MAX];
	size_t endpoint_count;
	struct enforcement_identity identity;
	struct node_interfaces interfaces;

	struct in_force now;
	struct confirm confirm;
	struct in_force other; /* on trial: the policy before; on probe and after: the new one */
	bool applied;          /* a policy whose trial has not begun */
	struct error trial_lost; /* why a trial that was under way cannot go on; E_OK: it can */
	struct floors *floors;
	struct error floors_lost; /* why they could not be read; E_OK: they were */
	bool foreign_plan;   /* the kernel holds a plan of an earlier process */
	uint64_t since;      /* when the index in force came; 0: none is */
	uint64_t ended;      /* something ended just before then, and does not come back */
	char pdp_name[PDP_NAME_MAX + 1];
	char pdp_error[ERROR_TEXT_SIZE];
	struct outcome last;
	struct request_update told; /* to the PDP */

	bool kernel_dirty;   /* the kernel may hold something else than now.plan */
	uint64_t drifts;     /* how often somebody else changed what is in force */
	bool leftovers;      /* what the kernel holds besides now.plan could not be deleted */
	bool not_stored;     /* what is in force is not what storage holds */
	bool not_restored;   /* the stored state could not be put in force */
	struct error disorder; /* why, of the last of these */
};

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void in_force_fini(struct in_force *f)
{
	f->state = state_free(f->state);
	f->store = pri_store_free(f->store);
	f->plan = plan_free(f->plan);
	f->lacking = (struct error){0};
}

enum err enforcement_new(struct kernel *kernel, uint32_t mark_mask,
                         const struct network_list *pdps, struct enforcement **ret,
                         struct error *e)
{
	struct enforcement *n;
	struct marks marks;
	enum err err = marks_from_mask(mark_mask, &marks, e);

	if (err)
		return err;
	if (pdps->count > PLAN_ENDPOINTS_MAX)
		return error_set(e, E_RANGE, "%zu ways to PDPs, %d at most", pdps->count,
		                 PLAN_ENDPOINTS_MAX);
	n = calloc(1, sizeof *n);
	if (!n)
		return error_set(e, E_MEMORY, "no memory for the enforcer");
	n->floors = floors_new();
	if (!n->floors) {
		free(n);
		return error_set(e, E_MEMORY, "no memory for the enforcer");
	}
	n->kernel = kernel;
	n->mark_mask = mark_mask;
	for (size_t i = 0; i < pdps->count; i++) {
		struct plan_endpoint *to = &n->endpoints[n->endpoint_count++];
		size_t len;
		const uint8_t *address = endpoint_address(&pdps->items[i].base, &len);

		to->family = len == 4 ? FLOW_IPV4 : FLOW_IPV6;
		memcpy(to->address, address, len);
		to->prefix_len = pdps->items[i].prefix_len;
		to->port = endpoint_port(&pdps->items[i].base);
	}
	*ret = n;
	return E_OK;
}

struct enforcement *enforcement_free(struct enforcement *n)
{
	if (!n)
		return NULL;
	in_force_fini(&n->now);
	in_force_fini(&n->other);
	floors_free(n->floors);
	request_update_fini(&n->told);
	free(n);
	return NULL;
}

void enforcement_identify(struct enforcement *n, const struct enforcement_identity *identity)
{
	n->identity = *identity;
	n->confirm.window = identity->confirm_window;
}

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

/* At a moment that is not before anything that has ended already. */
static enum err intent_of_state(const struct enforcement *n, const struct state *state,
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

/* On failure the old plan is back, or kernel_dirty says that it may not be. */
static enum err apply(struct enforcement *n, const struct plan *plan, struct verdict *v)
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
		err = apply(n, plan, &v);
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

/* ---- Verification ---- */

/* Those of another tenant say nothing: it was replaced by the settings. */
static const struct floors *valid_floors(const struct enforcement *n)
{
	const char *tenant = n->identity.tenant;

	if (!n->floors->tenant.name.data ||
	    (tenant[0] && !view_equal(n->floors->tenant.name, view_of_string(tenant))))
		return NULL;
	return n->floors;
}

/* The policy before a trial lies below the floors, which the trial has raised. */
enum origin { FROM_PDP, FROM_DISK, FROM_TRIAL };

static enum err verify(const struct enforcement *n, const struct pri_store *store,
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

/* The rows in force with the decision's changes. A delta for another base gives rows that no
 * manifest stands for. */
static enum err new_store(const struct enforcement *n, const struct decision *d,
                          struct pri_store **ret, struct verdict *v)
{
	struct pri_change change = {d->removes, d->remove_count, d->installs, d->install_count};
	struct pri_store *none = NULL;
	struct error e = {0};
	enum err err = E_OK;

	/* What is removed from nothing is judged too. */
	if (!n->now.store)
		err = pri_store_build(NULL, 0, &none, &v->failures, &e);
	if (!err)
		err = pri_store_change(none ? none : n->now.store, &change, ret, &v->failures, &e);
	pri_store_free(none);
	if (err == E_MEMORY || err == E_LIMIT)
		return verdict_whole(v, &e);
	return err ? verdict_why(v, &e) : E_OK;
}

/* ---- Roles that the PDP names outside every signed document ---- */

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

/* They may only repeat what the signed assignment says, as a pattern too (RFC 3318 section 2.1). */
static enum err check_roles(const struct enforcement *n, const struct state *state,
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

/* ---- The transaction ---- */

static enum err prepare_octets(struct enforcement *n, enum stored what, struct buffer *octets,
                               struct error *e)
{
	enum err err = octets->error;

	if (err)
		error_set(e, err, "no memory to store the policy");
	else
		err = n->identity.storage.prepare(n->identity.storage.context, what,
		                                  buffer_view(octets), e);
	buffer_fini(octets);
	return err;
}

/* The state and the floors that go with it, beside those on the disk. */
static enum err prepare_storage(struct enforcement *n, const struct state *state,
                                const struct floors *floors, struct error *e)
{
	struct buffer octets;
	enum err err;

	buffer_init(&octets, BUNDLE_MAX);
	err = stored_put(state, &octets, e);
	if (err)
		buffer_fini(&octets);
	else
		err = prepare_octets(n, STORED_STATE, &octets, e);
	if (err)
		return err;
	buffer_init(&octets, FLOORS_FILE_MAX);
	floors_put(floors, &octets);
	err = prepare_octets(n, STORED_FLOORS, &octets, e);
	if (err)
		n->identity.storage.abandon(n->identity.storage.context);
	return err;
}

/* After the state, for what lies below a floor is not restored. */
static enum err commit_floors(struct enforcement *n, struct error *e)
{
	const struct storage *s = &n->identity.storage;
	enum err err = s->commit(s->context, STORED_FLOORS, e);

	return err ? err : s->sync(s->context, e);
}

static bool digest_of(const struct state *state, uint8_t ret[TRIAL_DIGEST])
{
	return state && !sha256_of(state->home.index_cms, ret);
}

/* Which policy is on trial, and which one is the one before. */
static enum err remember_trial(struct enforcement *n, const struct state *new,
                               const struct state *previous, enum confirm_phase phase,
                               uint64_t deadline)
{
	const struct storage *s = &n->identity.storage;
	struct trial t = {.phase = phase, .deadline = deadline};
	struct buffer octets;
	struct error e;
	enum err err = E_OK;

	if (!digest_of(new, t.new) || !digest_of(previous, t.previous))
		return E_MEMORY;
	memcpy(t.boot, n->identity.boot, sizeof t.boot);
	/* After a trial that failed, the file of the state is not what is in force, and the file of the
	 * one before is. */
	if (phase == CONFIRM_TRIAL && n->confirm.phase != CONFIRM_BACK)
		err = s->keep(s->context, &e);
	buffer_init(&octets, TRIAL_FILE_MAX);
	trial_put(&t, &octets);
	if (!err)
		err = prepare_octets(n, STORED_TRIAL, &octets, &e);
	else
		buffer_fini(&octets);
	return err ? err : s->commit(s->context, STORED_TRIAL, &e);
}

/*
 * The switch, in the kernel and on the disk. Once the new state has the old one's place on the disk
 * there is no way back: what cannot be done after that is said, in place of a signed report, and
 * tried again. Before that, everything is as it was.
 */
static enum err commit(struct enforcement *n, struct in_force *new, bool on_trial,
                       struct verdict *v)
{
	const struct storage *s = &n->identity.storage;
	enum err err = apply(n, new->plan, v);
	struct verdict undone;
	struct error e;

	/* If it cannot be remembered, a killed process comes back with the new policy: it stays. */
	if (!err && on_trial)
		(void)remember_trial(n, new->state, n->now.state, CONFIRM_TRIAL, 0);
	if (!err && (err = s->commit(s->context, STORED_STATE, &e))) {
		verdict_whole(v, &e);
		verdict_init(&undone);
		if (apply(n, n->now.plan, &undone)) {
			n->kernel_dirty = true;
			n->disorder = undone.why;
		}
	}
	if (err) {
		s->abandon(s->context);
		return err;
	}
	n->not_stored = commit_floors(n, &e) != E_OK;
	if (n->not_stored)
		n->disorder = e;
	return E_OK;
}

static struct view trust_cms(const struct state_voice *v)
{
	return v->trust ? v->trust->cms : VIEW_NONE;
}

static bool same_voice(const struct state_voice *a, const struct state_voice *b)
{
	return a->authority == b->authority && view_equal(a->index_cms, b->index_cms) &&
	       view_equal(trust_cms(a), trust_cms(b));
}

static bool same_guests(const struct state *a, const struct state *b)
{
	if (a->other_count != b->other_count || a->delegation_count != b->delegation_count)
		return false;
	for (size_t i = 0; i < a->other_count; i++)
		if (!same_voice(&a->others[i], &b->others[i]))
			return false;
	for (size_t i = 0; i < a->delegation_count; i++)
		if (!view_equal(a->delegations[i].cms, b->delegations[i].cms))
			return false;
	return true;
}

/* What is signed under the same signatures is the same, sets included: the index names their roots. */
static bool is_in_force(const struct enforcement *n, const struct state *state)
{
	const struct state *now = n->now.state;

	return now && same_voice(&now->home, &state->home) && same_guests(now, state) &&
	       view_equal(now->assignments[0].cms, state->assignments[0].cms);
}

/* Nothing that takes rights away is taken back, not for a moment: neither another trust list nor what
 * others than home have changed, who can only make it stricter. */
static bool may_return(const struct enforcement *n, const struct state *new)
{
	const struct state *now = n->now.state;
	bool may = now && n->confirm.window && same_guests(now, new) &&
	           view_equal(trust_cms(&now->home), trust_cms(&new->home));

	for (size_t i = 0; may && i < new->set_count; i++)
		may = !new->sets[i].manifest.no_confirm &&
		      new->sets[i].manifest.authority != AUTHORITY_RESPONDER;
	for (size_t i = 0; may && i < now->set_count; i++)
		may = now->sets[i].manifest.authority != AUTHORITY_RESPONDER;
	return may;
}

static enum err put_in_force(struct enforcement *n, struct in_force *new, uint64_t now_utc,
                             struct verdict *v)
{
	const bool on_trial = may_return(n, new->state);
	struct floors *floors = floors_new();
	struct error e;
	enum err err;

	err = floors ? floors_merge(floors, n->floors, new->state, &e)
	             : error_set(&e, E_MEMORY, "no memory for the serial floors");
	if (!err)
		err = prepare_storage(n, new->state, floors, &e);
	if (err)
		verdict_whole(v, &e);
	else
		err = commit(n, new, on_trial, v);
	if (err) {
		floors_free(floors);
		return err;
	}
	floors_free(n->floors);
	n->floors = floors;
	n->floors_lost = (struct error){0};
	if (!n->now.state || n->now.state->home.index.serial != new->state->home.index.serial)
		n->since = now_utc;
	n->not_restored = false;
	n->foreign_plan = false;
	in_force_fini(&n->other);
	if (on_trial)
		n->other = n->now;
	else
		in_force_fini(&n->now);
	n->now = *new;
	*new = (struct in_force){0};
	n->applied = true;
	n->trial_lost = (struct error){0};
	return E_OK;
}

/* It was in force, and the PDP was heard only when it was no more. */
static enum err check_trial(const struct enforcement *n, const struct state *state,
                            struct verdict *v)
{
	struct error e;

	if (n->confirm.phase != CONFIRM_BACK || !n->other.state ||
	    !same_voice(&state->home, &n->other.state->home))
		return E_OK;
	error_set(&e, E_DENIED, "policy %" PRIu64 " cut this node off from its PDP when it was in force; "
	          "one with a higher serial is awaited", state->home.index.serial);
	return verdict_whole(v, &e);
}

static enum err change_policy(struct enforcement *n, const struct decision *d, uint64_t now_utc,
                              struct verdict *v)
{
	const bool accept_lacking = n->identity.accept_lacking;
	struct in_force new = {0};
	enum err err = new_store(n, d, &new.store, v);

	if (!err)
		err = verify(n, new.store, now_utc, FROM_PDP, &new.state, v);
	if (!err)
		err = check_roles(n, new.state, d, v);
	if (!err)
		err = check_trial(n, new.state, v);
	if (!err && is_in_force(n, new.state) && (accept_lacking || !n->now.lacking.code)) {
		err = apply(n, n->now.plan, v);
	} else if (!err) {
		err = intent_of_state(n, new.state, accept_lacking, now_utc, &new, v);
		if (!err)
			err = put_in_force(n, &new, now_utc, v);
	}
	in_force_fini(&new);
	return err;
}

static void keep_text(char *to, size_t size, struct view text)
{
	size_t len = text.len < size ? text.len : size - 1;

	if (len)
		memcpy(to, text.data, len);
	to[len] = '\0';
}

static void note_pdp_errors(struct enforcement *n, const struct decision *d)
{
	const struct pri *first = d->errors;
	int said = d->pdp_text.len < PDP_TEXT_SHOWN ? (int)d->pdp_text.len : PDP_TEXT_SHOWN;
	char prc[OID_TEXT_SIZE];
	const char *code;

	n->pdp_error[0] = '\0';
	if (!d->error_count)
		return;
	request_update_refused(&n->told);
	code = pr_cperr_name((uint16_t)pri_u32(first, frwkErrorCode));
	oid_format(pri_oid(first, frwkErrorPrc), prc);
	snprintf(n->pdp_error, sizeof n->pdp_error,
	         "the PDP could not use our request: %s, sub-code %u, class %.60s, instance %u%s%.*s",
	         code ? code : "unknown error", pri_u32(first, frwkErrorSubCode), prc, pri_u32(first, frwkErrorInstance),
	         said ? ": " : "", said, said ? (const char *)d->pdp_text.data : "");
	/* Nobody has signed it, and it goes to terminals. */
	for (char *c = n->pdp_error; *c; c++)
		if (*c < ' ' || *c >= 0x7f)
			*c = '?';
}

static enum err judge(struct enforcement *n, const struct transfer_piece *pieces, size_t count,
                      uint64_t now_utc, struct verdict *v)
{
	struct decision d = {0};
	struct arena arena;
	enum err err;

	arena_init(&arena, DECISION_ARENA_MAX);
	err = decision_read(pieces, count, &arena, &d, v);
	if (!err)
		decision_warn(&d, n->now.store, &v->warnings);
	if (!err && (d.install_count || d.remove_count))
		err = change_policy(n, &d, now_utc, v);
	else if (!err)
		err = check_roles(n, n->now.state, &d, v);
	if (!err) {
		note_pdp_errors(n, &d);
		if (d.pdp_name.len)
			keep_text(n->pdp_name, sizeof n->pdp_name, d.pdp_name);
	}
	arena_fini(&arena);
	return err;
}

enum err enforcement_decide(struct enforcement *n, const struct decision_origin *origin,
                            const struct transfer_piece *pieces, size_t count, uint64_t now_utc,
                            struct buffer *report, struct error *e)
{
	struct verdict v;

	verdict_init(&v);
	(void)judge(n, pieces, count, now_utc, &v);
	n->last = (struct outcome){true, origin->number, now_utc, v.why};
	if (v.why.code) {
		report_failure(&v, report);
		*e = v.why;
		return v.why.code;
	}
	/* In force, but a reboot would bring the policy of before: nobody signs for that. */
	if (n->not_stored)
		report_unsigned(&n->disorder, report);
	/* Without a signature the report claims nothing; the decision is in force all the same. */
	else if (n->now.state && report_success(n->now.state, n->identity.pepid, origin, now_utc,
	                                   n->identity.report_key, report, e))
		n->disorder = *e;
	report_warnings(&v.warnings, report);
	return E_OK;
}

/* ---- From storage ---- */

static enum err load(struct enforcement *n, enum stored what, struct buffer *octets,
                     uint64_t *ret_when, struct error *e)
{
	return n->identity.storage.load(n->identity.storage.context, what, octets, ret_when, e);
}

static enum err read_state(struct enforcement *n, struct pri_store **ret, uint64_t *ret_when,
                           struct error *e)
{
	struct buffer octets;
	enum err err;

	buffer_init(&octets, BUNDLE_MAX);
	err = load(n, STORED_STATE, &octets, ret_when, e);
	if (!err)
		err = stored_read(buffer_view(&octets), ret, e);
	buffer_fini(&octets);
	return err;
}

/* Without them a policy that is older than one which was accepted before could come back; the
 * stored state says what it can. */
static void read_floors(struct enforcement *n)
{
	struct buffer octets;
	uint64_t when;
	struct error e;
	enum err err;

	buffer_init(&octets, FLOORS_FILE_MAX);
	err = load(n, STORED_FLOORS, &octets, &when, &e);
	if (!err)
		err = floors_read(n->floors, buffer_view(&octets), &e);
	if (err && err != E_NOT_FOUND)
		n->floors_lost = e;
	buffer_fini(&octets);
}

static void forget_trial(struct enforcement *n)
{
	const struct storage *s = &n->identity.storage;

	in_force_fini(&n->other);
	s->forget(s->context, STORED_TRIAL);
	s->forget(s->context, STORED_PREVIOUS);
}

static bool is_digest_of(const uint8_t digest[TRIAL_DIGEST], const struct state *state)
{
	uint8_t found[TRIAL_DIGEST];

	return digest_of(state, found) && !memcmp(found, digest, sizeof found);
}

/* What a killed process left on trial: the policy before, to go back to. Its serials are below the
 * floors, so it is known by its digest instead, which only the enforcer has written. */
static enum err restore_previous(struct enforcement *n, const struct trial *t, uint64_t now_utc,
                                 struct in_force *ret, struct error *e)
{
	struct in_force previous = {0};
	struct buffer octets;
	struct verdict v;
	uint64_t when;
	enum err err;

	verdict_init(&v);
	buffer_init(&octets, BUNDLE_MAX);
	err = load(n, STORED_PREVIOUS, &octets, &when, e);
	if (!err)
		err = stored_read(buffer_view(&octets), &previous.store, e);
	buffer_fini(&octets);
	if (!err && verify(n, previous.store, now_utc, FROM_TRIAL, &previous.state, &v))
		err = v.why.code;
	if (!err && !is_digest_of(t->previous, previous.state))
		err = error_set(&v.why, E_MISMATCH, "it is not the policy that was before");
	if (!err && intent_of_state(n, previous.state, true, later(now_utc, n->floors->time), &previous,
	                            &v))
		err = v.why.code;
	if (v.why.code)
		*e = v.why;
	if (err)
		in_force_fini(&previous);
	else
		*ret = previous;
	return err;
}

/* If the policy before is to be in force, and not the new one, they change places. */
static void restore_trial(struct enforcement *n, struct in_force *new, uint64_t now_utc)
{
	const struct storage *s = &n->identity.storage;
	struct in_force previous = {0}, between;
	enum confirm_action action;
	struct buffer octets;
	struct trial t;
	struct error e;
	uint64_t when;
	bool same_boot;
	enum err err;

	buffer_init(&octets, BUNDLE_MAX);
	err = s->load(s->context, STORED_TRIAL, &octets, &when, &e);
	if (!err)
		err = trial_read(buffer_view(&octets), &t, &e);
	/* One that was killed before its state was there is no trial. */
	if (!err && !is_digest_of(t.new, new->state))
		err = E_NOT_FOUND;
	if (!err)
		err = restore_previous(n, &t, now_utc, &previous, &e);
	buffer_fini(&octets);
	if (err) {
		n->trial_lost = err == E_NOT_FOUND ? (struct error){0} : e;
		forget_trial(n);
		return;
	}
	same_boot = !memcmp(t.boot, n->identity.boot, sizeof t.boot);
	action = confirm_restarted(&n->confirm, t.phase, t.deadline, same_boot, n->identity.started);
	if (action == CONFIRM_FORGET) {
		in_force_fini(&previous);
		forget_trial(n);
		return;
	}
	in_force_fini(&n->other);
	if (action != CONFIRM_TRY_PREVIOUS) {
		n->other = previous;
		return;
	}
	between = *new;
	*new = previous;
	n->other = between;
}

static enum err restore(struct enforcement *n, uint64_t now_utc, struct error *e)
{
	struct in_force new = {0};
	struct verdict v;
	uint64_t when = 0;
	enum err err;

	read_floors(n);
	err = read_state(n, &new.store, &when, e);
	if (err)
		return err;
	verdict_init(&v);
	err = verify(n, new.store, now_utc, FROM_DISK, &new.state, &v);
	if (!err)
		err = intent_of_state(n, new.state, true,
		                      later(now_utc, n->floors->time), &new, &v);
	if (!err && floors_raise(n->floors, new.state, e))
		err = verdict_whole(&v, e);
	if (!err)
		restore_trial(n, &new, now_utc);
	if (!err)
		err = apply(n, new.plan, &v);
	if (!err) {
		in_force_fini(&n->now);
		n->now = new;
		n->since = when;
		n->foreign_plan = false;
		return E_OK;
	}
	*e = v.why;
	in_force_fini(&new);
	return err;
}

enum err enforcement_restore(struct enforcement *n, uint64_t now_utc, struct error *e)
{
	enum err err = restore(n, now_utc, e);
	struct verdict v;

	n->not_restored = err && err != E_NOT_FOUND;
	if (n->not_restored) {
		n->disorder = *e;
		error_prefix(&n->disorder, "the stored policy is not in force");
	}
	/* What an earlier process left cannot be proved by anything that we hold: close. */
	if (err && n->foreign_plan) {
		verdict_init(&v);
		if (!apply(n, n->now.plan, &v))
			n->foreign_plan = false;
		else
			n->kernel_dirty = true;
	}
	return err;
}

/* ---- Time ---- */

bool enforcement_is_timed(const struct enforcement *n)
{
	return n->now.state && (n->now.until != UINT64_MAX || n->now.change != INT64_MAX);
}

/* By the clock, or by the time since the boot, which nobody turns back. */
static bool has_ended(struct enforcement *n, uint64_t now_utc, uint64_t since_boot)
{
	uint64_t now = later(now_utc, n->ended);

	if (n->now.until == UINT64_MAX)
		return false;
	if (!n->now.deadline)
		n->now.deadline = since_boot + (n->now.until > now ? n->now.until - now : 0) + 1;
	return now_utc > n->now.until || since_boot >= n->now.deadline;
}

/* A clock that was turned back may be in another period too. */
static bool may_have_changed(const struct enforcement *n, uint64_t now_utc)
{
	return n->now.change != INT64_MAX &&
	       ((int64_t)now_utc >= n->now.change || (int64_t)now_utc < n->now.planned);
}

/* The same state at another moment. */
static enum err plan_again(struct enforcement *n, uint64_t now_utc, struct error *e)
{
	struct in_force new = {0};
	struct verdict v;
	enum err err;

	verdict_init(&v);
	err = intent_of_state(n, n->now.state, true, now_utc, &new, &v);
	if (!err)
		err = apply(n, new.plan, &v);
	if (err) {
		*e = v.why;
		plan_free(new.plan);
		return err;
	}
	plan_free(n->now.plan);
	n->now.plan = new.plan;
	n->now.until = new.until;
	n->now.deadline = 0;
	n->now.planned = new.planned;
	n->now.change = new.change;
	return E_OK;
}

enum err enforcement_tick(struct enforcement *n, uint64_t now_utc, uint64_t since_boot,
                          bool *ret_changed, struct error *e)
{
	char before[sizeof n->now.plan->id];
	enum err err;

	*ret_changed = false;
	if (!enforcement_is_timed(n))
		return E_OK;
	if (has_ended(n, now_utc, since_boot))
		n->ended = later(n->ended, n->now.until + 1);
	else if (!may_have_changed(n, now_utc))
		return E_OK;
	memcpy(before, n->now.plan->id, sizeof before);
	err = plan_again(n, now_utc, e);
	*ret_changed = !err && strcmp(before, n->now.plan->id) != 0;
	return err;
}

/* ---- Confirmed commit ---- */

/* The policy on the other side takes the place of the one in force. */
static enum err exchange_policies(struct enforcement *n, uint64_t now_utc, struct error *e)
{
	struct in_force between;
	struct verdict v;
	enum err err;

	verdict_init(&v);
	err = apply(n, n->other.plan, &v);
	if (err) {
		*e = v.why;
		return err;
	}
	between = n->now;
	n->now = n->other;
	n->other = between;
	n->since = now_utc;
	return E_OK;
}

static enum err act(struct enforcement *n, enum confirm_action action, uint64_t now_utc,
                    struct enforcement_trial *ret, struct error *e)
{
	enum err err = E_OK;

	switch (action) {
	case CONFIRM_FORGET:
		forget_trial(n);
		break;
	case CONFIRM_TRY_PREVIOUS:
		/* Remembered first: a process that is killed between the two goes back a moment later. */
		(void)remember_trial(n, n->now.state, n->other.state, CONFIRM_PROBE,
		                     n->confirm.deadline);
		err = exchange_policies(n, now_utc, e);
		ret->changed = !err;
		/* What cannot be tried is not waited for: the new policy stays. */
		if (err) {
			n->confirm.phase = CONFIRM_NONE;
			forget_trial(n);
		}
		break;
	case CONFIRM_RETURN:
		err = exchange_policies(n, now_utc, e);
		ret->changed = !err;
		if (!err)
			forget_trial(n);
		else /* and again, at the next call */
			n->confirm.phase = CONFIRM_PROBE;
		break;
	case CONFIRM_STAY:
		(void)remember_trial(n, n->other.state, n->now.state, CONFIRM_BACK, 0);
		ret->failed = true;
		break;
	default:
		break;
	}
	return err;
}

enum err enforcement_confirm(struct enforcement *n, bool heard, uint64_t now, uint64_t now_utc,
                             struct enforcement_trial *ret, struct error *e)
{
	struct enforcement_trial done = {0};
	enum confirm_action action;
	enum err err;

	if (n->applied)
		action = confirm_applied(&n->confirm, n->other.state != NULL, now);
	else
		action = heard ? confirm_heard(&n->confirm) : confirm_tick(&n->confirm, now);
	done.ask = n->applied && n->confirm.phase == CONFIRM_TRIAL;
	n->applied = false;
	err = act(n, action, now_utc, &done, e);
	if (n->confirm.phase == CONFIRM_TRIAL || n->confirm.phase == CONFIRM_PROBE)
		done.deadline = n->confirm.deadline;
	*ret = done;
	return err;
}

/* ---- Repair ---- */

bool enforcement_settled(const struct enforcement *n)
{
	return kernel_settled(n->kernel) || n->leftovers;
}

enum err enforcement_settle(struct enforcement *n, struct error *e)
{
	enum err err = kernel_settle(n->kernel, e);

	n->leftovers = err != E_OK;
	if (err)
		n->disorder = *e;
	return err;
}

enum err enforcement_listen(struct enforcement *n, int ret_fd[KERNEL_BUSES], struct error *e)
{
	return kernel_listen(n->kernel, ret_fd, e);
}

enum err enforcement_look(struct enforcement *n, bool *ret_drift, struct error *e)
{
	enum err err = kernel_look(n->kernel, ret_drift, e);

	if (err || !*ret_drift)
		return err;
	n->drifts++;
	n->kernel_dirty = true;
	error_set(&n->disorder, E_CONFLICT, "somebody else changed the packet filter or the SPD");
	return E_OK;
}

bool enforcement_needs_repair(const struct enforcement *n)
{
	return n->kernel_dirty || n->leftovers || n->not_stored || n->not_restored;
}

static enum err store_again(struct enforcement *n, struct error *e)
{
	const struct storage *s = &n->identity.storage;
	/* What is probed is not what a reboot is to bring. */
	bool probed = n->confirm.phase == CONFIRM_PROBE || n->confirm.phase == CONFIRM_BACK;
	enum err err = prepare_storage(n, probed ? n->other.state : n->now.state, n->floors, e);

	if (!err)
		err = s->commit(s->context, STORED_STATE, e);
	return err ? err : commit_floors(n, e);
}

enum err enforcement_repair(struct enforcement *n, uint64_t now_utc, struct error *e)
{
	enum err err = E_OK;
	struct verdict v;

	if (n->kernel_dirty) {
		verdict_init(&v);
		err = apply(n, n->now.plan, &v);
		if (err)
			*e = v.why;
	} else if (n->leftovers) {
		err = enforcement_settle(n, e);
	}
	if (!err && n->not_stored) {
		err = store_again(n, e);
		n->not_stored = err != E_OK;
	}
	if (!err && n->not_restored)
		err = enforcement_restore(n, now_utc, e);
	if (err)
		n->disorder = *e;
	return err;
}

/* ---- What is said of it ---- */

bool enforcement_set_interfaces(struct enforcement *n, const struct node_interfaces *list)
{
	if (interfaces_equal(&n->interfaces, list))
		return false;
	n->interfaces = *list;
	return true;
}

const char *enforcement_pdp_error(const struct enforcement *n)
{
	return n->pdp_error;
}

struct view enforcement_index(const struct enforcement *n)
{
	return n->now.state ? n->now.state->home.index_envelope.objects : VIEW_NONE;
}

uint64_t enforcement_serial(const struct enforcement *n)
{
	return n->now.state ? n->now.state->home.index.serial : 0;
}

static struct request_input request_input(const struct enforcement *n)
{
	return (struct request_input){
		.state = n->now.state,
		.pdp_name = view_of_string(n->pdp_name),
		.description = n->identity.description,
		.interfaces = &n->interfaces,
		.algorithms = n->identity.algorithms,
	};
}

enum err enforcement_request(struct enforcement *n, uint32_t id, uint32_t after,
                             struct buffer *out, struct error *e)
{
	struct request_input input = request_input(n);

	return request_update_put(&n->told, &input, id, after, out, e);
}

bool enforcement_request_due(const struct enforcement *n)
{
	struct request_input input = request_input(n);

	return request_update_due(&n->told, &input);
}

static json_t *json_hex(struct view v)
{
	char hex[2 * SET_ROOT + 1];

	hex_encode(hex, v);
	return json_string(hex);
}

static json_t *json_time(uint64_t seconds)
{
	return json_integer((json_int_t)seconds);
}

static json_t *status_sets(const struct state *s, uint64_t now_utc)
{
	json_t *sets = json_array();
	uint64_t until = UINT64_MAX;

	for (size_t i = 0; s && i < s->set_count; i++) {
		const struct manifest *m = &s->sets[i].manifest;

		json_array_append_new(sets,
		        json_pack("{s:o, s:I, s:s, s:o, s:o, s:I, s:b}", "name", control_text(m->name),
		                  "serial", (json_int_t)m->serial, "authority",
		                  authority_name(m->authority), "root",
		                  json_hex(VIEW(m->root, sizeof m->root)), "not_after",
		                  json_time(m->not_after), "rows",
		                  (json_int_t)pri_store_count(s->sets[i].rows), "counts",
		                  state_set_counts(s, &s->sets[i], now_utc, &until)));
	}
	return sets;
}

static json_t *status_interfaces(const struct enforcement *n)
{
	json_t *interfaces = json_array();

	for (size_t i = 0; i < n->interfaces.count; i++) {
		const struct node_interface *at = &n->interfaces.list[i];

		json_array_append_new(interfaces,
		        json_pack("{s:I, s:o, s:o}", "index", (json_int_t)at->index, "name",
		                  control_text(view_of_string(at->name)), "roles",
		                  control_text(request_interface_roles(n->now.state, at->name))));
	}
	return interfaces;
}

static void add_disorder(json_t *list, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_disorder(json_t *list, const char *format, ...)
{
	char text[2 * ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	json_array_append_new(list, control_text(view_of_string(text)));
}

static void kernel_disorder(const struct enforcement *n, json_t *list)
{
	struct kernel_status status = {0};
	struct error e;

	if (kernel_status(n->kernel, n->now.plan, &status, &e)) {
		add_disorder(list, "the kernel does not say what it holds: %s", e.text);
		return;
	}
	if (!status.table)
		add_disorder(list, "the packet filter is gone from the kernel");
	else if (strcmp(status.plan_id, n->now.plan->id))
		add_disorder(list, "the packet filter is not that of the policy in force");
	if (!status.spd_as_planned)
		add_disorder(list, "the SPD is not that of the policy in force (%zu entries of ours)",
		             status.spd_entries);
}

/* What becomes of a set after its time. */
static const char *stale_text(enum stale_rule rule)
{
	static const char *const texts[] = {
		[STALE_KEEP] = "keep: it is obeyed still",
		[STALE_TIGHTEN] = "tighten: nothing passes in clear",
		[STALE_QUARANTINE] = "quarantine: only the way to the PDP is open",
	};

	return rule >= STALE_KEEP && rule <= STALE_QUARANTINE ? texts[rule] : "unknown";
}

static json_t *status_disorder(const struct enforcement *n, uint64_t now_utc)
{
	const struct state *s = n->now.state;
	json_t *list = json_array();

	if (!s)
		add_disorder(list, "no policy is in force: the node is closed but for the way to "
		                   "its PDP");
	if (n->now.plan)
		kernel_disorder(n, list);
	if (n->kernel_dirty)
		add_disorder(list, "it is not known what the kernel holds: %s", n->disorder.text);
	if (n->leftovers)
		add_disorder(list, "the kernel holds more than it should: %s",
		             n->disorder.text);
	if (n->not_stored)
		add_disorder(list, "the policy in force would not survive a reboot: %s",
		             n->disorder.text);
	if (n->not_restored)
		add_disorder(list, "%s", n->disorder.text);
	if (n->floors_lost.code)
		add_disorder(list, "an older policy might come back unnoticed: %s",
		             n->floors_lost.text);
	if (n->now.lacking.code)
		add_disorder(list, "%s: what needs it does not pass", n->now.lacking.text);
	if (n->last.any && n->last.why.code)
		add_disorder(list, "the last decision was refused");
	if (n->trial_lost.code)
		add_disorder(list, "the policy before cannot be gone back to: %s", n->trial_lost.text);
	if (n->confirm.phase == CONFIRM_PROBE)
		add_disorder(list, "the PDP was not heard under policy %" PRIu64 ": the one before is probed",
		             n->other.state->home.index.serial);
	if (n->confirm.phase == CONFIRM_BACK)
		add_disorder(list, "policy %" PRIu64 " cut this node off from its PDP: the one before is in "
		             "force", n->other.state->home.index.serial);
	if (n->pdp_error[0])
		add_disorder(list, "%s", n->pdp_error);
	if (n->interfaces.omitted)
		add_disorder(list, "%zu interfaces are more than the PDP is told of",
		             n->interfaces.omitted);
	for (size_t i = 0; s && i < n->interfaces.count; i++)
		if (!request_interface_roles(s, n->interfaces.list[i].name).len)
			add_disorder(list, "interface %s has no role: nothing passes it",
			             n->interfaces.list[i].name);
	for (const struct plan_conflict *c = n->now.plan ? n->now.plan->conflicts : NULL; c;
	     c = c->next)
		add_disorder(list, "roles %s: what authorities demand does not go together, and is "
		                   "discarded (%s)", c->roles, c->cause.name);
	for (size_t i = 0; s && i < s->set_count; i++)
		if (s->sets[i].manifest.not_after < later(now_utc, n->ended) &&
		    s->sets[i].manifest.stale_rule != STALE_END)
			add_disorder(list, "set %.*s is past its time; %s",
			             (int)s->sets[i].manifest.name.len,
			             (const char *)s->sets[i].manifest.name.data,
			             stale_text(s->sets[i].manifest.stale_rule));
	if (s && s->assignments[0].assignment.report_key.len) {
		struct pin ours = key_pin(n->identity.report_key);

		if (!view_equal(s->assignments[0].assignment.report_key,
		                VIEW(ours.sha256, sizeof ours.sha256)))
			add_disorder(list, "the signed assignment names another report key than ours");
	}
	return list;
}

static json_t *status_decision(const struct outcome *o)
{
	if (!o->any)
		return json_null();
	return json_pack("{s:I, s:I, s:s, s:o}", "number", (json_int_t)o->number, "time",
	                 (json_int_t)o->time, "result", o->why.code ? "failure" : "success",
	                 "reason", control_text(view_of_string(o->why.code ? o->why.text : "")));
}

json_t *enforcement_status(const struct enforcement *n, uint64_t now_utc)
{
	const struct state *s = n->now.state;
	struct pin report_key = key_pin(n->identity.report_key);
	char key[PIN_TEXT_SIZE], report[PIN_TEXT_SIZE];

	pin_format(&n->identity.node_key, key);
	pin_format(&report_key, report);
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
	                 "node", n->identity.pepid, "key", key, "report_key", report, "tenant",
	                 control_text(s ? s->home.index.tenant : VIEW_NONE), "index",
	                 (json_int_t)enforcement_serial(n), "since", (json_int_t)n->since,
	                 "plan", n->now.plan ? n->now.plan->id : "", "sets", status_sets(s, later(now_utc, n->ended)),
	                 "roles", control_text(s ? s->assignments[0].assignment.roles : VIEW_NONE),
	                 "interfaces", status_interfaces(n), "pdp_name",
	                 control_text(view_of_string(n->pdp_name)), "decision",
	                 status_decision(&n->last), "disorder", status_disorder(n, now_utc), "drifts",
	                 (json_int_t)n->drifts);
}

const struct node_interfaces *enforcement_interfaces(const struct enforcement *n)
{
	return &n->interfaces;
}

const struct plan *enforcement_plan(const struct enforcement *n)
{
	return n->now.plan;
}

void enforcement_print_plan(const struct enforcement *n, struct buffer *out)
{
	if (n->now.plan)
		plan_print(n->now.plan, out);
}

/* *ret_readings is for the caller to free. */
static enum err read_counters(const struct enforcement *n, struct kernel_counter **ret_readings,
                              struct error *e)
{
	const struct plan *plan = n->now.plan;
	struct kernel_counter *readings = calloc(plan->counter_count + 1, sizeof *readings);

	if (!readings)
		return error_set(e, E_MEMORY, "no memory for %zu counters", plan->counter_count);
	if (kernel_read_counters(n->kernel, plan, readings, e)) {
		free(readings);
		return e->code;
	}
	*ret_readings = readings;
	return E_OK;
}

enum err enforcement_rules(const struct enforcement *n, json_t **ret, struct error *e)
{
	const struct plan *plan = n->now.plan;
	struct kernel_counter *readings;
	json_t *list;

	if (read_counters(n, &readings, e))
		return e->code;
	list = json_array();
	for (const struct plan_counter *c = plan->counters; c; c = c->next) {
		char prid[PRID_TEXT_SIZE] = "";

		if (c->cause.prid.class)
			prid_format(&c->cause.prid, prid);
		json_array_append_new(list,
		        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "counter", c->name, "roles",
		                  c->roles, "rule", c->cause.name ? c->cause.name : "", "prid", prid,
		                  "packets", (json_int_t)readings[c->number].packets, "octets",
		                  (json_int_t)readings[c->number].octets));
	}
	free(readings);
	*ret = list;
	return E_OK;
}

enum err enforcement_traffic(const struct enforcement *n, struct buffer *out, struct error *e)
{
	struct traffic traffic = {.count = 0};
	struct kernel_counter *readings;

	if (read_counters(n, &readings, e))
		return e->code;
	for (const struct plan_counter *c = n->now.plan->counters; c; c = c->next) {
		struct traffic_row row = {.cause = c->cause.prid,
		                          .packets = readings[c->number].packets,
		                          .octets = readings[c->number].octets};

		/* What is no rule's says by its own name why it drops. */
		snprintf(row.name, sizeof row.name, "%s",
		         c->roles[0] && c->cause.name ? c->cause.name : c->name);
		traffic_add(&traffic, &row);
	}
	free(readings);
	return traffic_put(&traffic, out, e);
}
