/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include <string.h>

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
		err = apply_plan(n, new.plan, &v);
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
