/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

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
		err = apply_plan(n, n->now.plan, &v);
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
