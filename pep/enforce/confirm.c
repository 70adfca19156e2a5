/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/confirm.h"

static enum confirm_action go(
	struct confirm *c, enum confirm_phase phase, uint64_t deadline, enum confirm_action action)
{
	c->phase = phase;
	c->deadline = deadline;
	return action;
}

enum confirm_action confirm_applied(struct confirm *c, bool may_return, uint64_t now)
{
	if (may_return && c->window)
		return go(c, CONFIRM_TRIAL, now + c->window, CONFIRM_NOTHING);
	return go(c, CONFIRM_NONE, 0, CONFIRM_FORGET);
}

enum confirm_action confirm_heard(struct confirm *c)
{
	switch (c->phase) {
	case CONFIRM_TRIAL:
		return go(c, CONFIRM_NONE, 0, CONFIRM_FORGET);
	case CONFIRM_PROBE:
		return go(c, CONFIRM_BACK, 0, CONFIRM_STAY);
	default:
		return CONFIRM_NOTHING;
	}
}

enum confirm_action confirm_tick(struct confirm *c, uint64_t now)
{
	if ((c->phase != CONFIRM_TRIAL && c->phase != CONFIRM_PROBE) || now < c->deadline)
		return CONFIRM_NOTHING;
	if (c->phase == CONFIRM_TRIAL)
		return go(c, CONFIRM_PROBE, now + c->window, CONFIRM_TRY_PREVIOUS);
	return go(c, CONFIRM_NONE, 0, CONFIRM_RETURN);
}

enum confirm_action confirm_restarted(
	struct confirm *c, enum confirm_phase phase, uint64_t deadline, bool same_boot, uint64_t now)
{
	/* No deadline lies further away than a window: a clock that says so is another clock. */
	bool goes_on = same_boot && now < deadline && deadline - now <= c->window;

	switch (phase) {
	case CONFIRM_TRIAL:
		return go(c, CONFIRM_TRIAL, goes_on ? deadline : now + c->window, CONFIRM_NOTHING);
	case CONFIRM_PROBE:
		return goes_on ? go(c, CONFIRM_PROBE, deadline, CONFIRM_TRY_PREVIOUS)
			       : go(c, CONFIRM_NONE, 0, CONFIRM_FORGET);
	case CONFIRM_BACK:
		return go(c, CONFIRM_BACK, 0, CONFIRM_TRY_PREVIOUS);
	default:
		return go(c, CONFIRM_NONE, 0, CONFIRM_FORGET);
	}
}
