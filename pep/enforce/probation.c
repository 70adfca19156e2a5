/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

/* The policy on the other side takes the place of the one in force. */
static enum err exchange_policies(struct enforcement *n, uint64_t now_utc, struct error *e)
{
	struct in_force between;
	struct verdict v;
	enum err err;

	verdict_init(&v);
	err = apply_plan(n, n->other.plan, &v);
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
