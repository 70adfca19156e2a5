/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pep/enforce/report.h"
#include "pep/enforce/warnings.h"

enum { PDP_TEXT_SHOWN = 100 };

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

/*
 * The switch, in the kernel and on the disk. Once the new state has the old one's place on the disk
 * there is no way back: what cannot be done after that is said, in place of a signed report, and
 * tried again. Before that, everything is as it was.
 */
static enum err commit(struct enforcement *n, struct in_force *new, bool on_trial,
                       struct verdict *v)
{
	const struct storage *s = &n->identity.storage;
	enum err err = apply_plan(n, new->plan, v);
	struct verdict undone;
	struct error e;

	/* If it cannot be remembered, a killed process comes back with the new policy: it stays. */
	if (!err && on_trial)
		(void)remember_trial(n, new->state, n->now.state, CONFIRM_TRIAL, 0);
	if (!err && (err = s->commit(s->context, STORED_STATE, &e))) {
		verdict_whole(v, &e);
		verdict_init(&undone);
		if (apply_plan(n, n->now.plan, &undone)) {
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
		err = verify_policy(n, new.store, now_utc, FROM_PDP, &new.state, v);
	if (!err)
		err = check_named_roles(n, new.state, d, v);
	if (!err)
		decision_warn_ended(new.state, n->now.state, now_utc, &v->warnings);
	if (!err)
		err = check_trial(n, new.state, v);
	if (!err && is_in_force(n, new.state) && (accept_lacking || !n->now.lacking.code)) {
		err = apply_plan(n, n->now.plan, v);
	} else if (!err) {
		err = intent_of_state(n, new.state, accept_lacking, now_utc, &new, v);
		if (!err)
			err = put_in_force(n, &new, now_utc, v);
	}
	in_force_fini(&new);
	return err;
}

/* ---- Decisions ---- */

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
		err = check_named_roles(n, n->now.state, &d, v);
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
