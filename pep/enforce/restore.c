/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include <string.h>

#include "pep/enforce/stored.h"
#include "pib/set/bundle.h"

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
	if (!err && verify_policy(n, previous.store, now_utc, FROM_TRIAL, &previous.state, &v))
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
	err = verify_policy(n, new.store, now_utc, FROM_DISK, &new.state, &v);
	if (!err)
		err = intent_of_state(n, new.state, true,
		                      later(now_utc, n->floors->time), &new, &v);
	if (!err && floors_raise(n->floors, new.state, e))
		err = verdict_whole(&v, e);
	if (!err)
		restore_trial(n, &new, now_utc);
	if (!err)
		err = apply_plan(n, new.plan, &v);
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
		if (!apply_plan(n, n->now.plan, &v))
			n->foreign_plan = false;
		else
			n->kernel_dirty = true;
	}
	return err;
}
