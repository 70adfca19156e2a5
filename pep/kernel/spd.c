/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/spd.h"

#include <errno.h>
#include <stdlib.h>

#include "pep/kernel/xfrm.h"

static enum err collect_entry(const struct nlmsghdr *message, void *context)
{
	struct spd *spd = context;
	struct plan_spd entry;

	if (xfrm_read(message, &entry) != E_OK)
		return E_OK;
	if (spd->count == spd->capacity) {
		size_t capacity = spd->capacity ? 2 * spd->capacity : 64;
		struct plan_spd *list;

		if (capacity > SPD_ENTRIES_MAX)
			return E_LIMIT;
		list = reallocarray(spd->list, capacity, sizeof *list);
		if (!list)
			return E_MEMORY;
		spd->list = list;
		spd->capacity = capacity;
	}
	spd->list[spd->count++] = entry;
	return E_OK;
}

static void restart(void *context)
{
	((struct spd *)context)->count = 0;
}

enum err spd_read(struct exchange *x, struct spd *ret, struct error *error)
{
	struct spd spd = {0};
	enum err err = exchange_ask(
		x, KERNEL_XFRM, xfrm_dump, restart, collect_entry, &spd, "the SPD", error);

	if (err == E_NOT_FOUND)
		err = error_set(error, E_PROTOCOL, "the SPD cannot be read: the kernel has none");
	if (err) {
		spd_fini(&spd);
		return err;
	}
	*ret = spd;
	return E_OK;
}

void spd_fini(struct spd *spd)
{
	free(spd->list);
	*spd = (struct spd){0};
}

static const struct plan_spd *find_entry(
	const struct plan_spd *list, size_t count, const struct plan_spd *entry)
{
	for (size_t i = 0; i < count; i++)
		if (xfrm_same_packets(&list[i], entry))
			return &list[i];
	return NULL;
}

bool spd_complete(const struct spd *present, const struct plan *plan)
{
	for (size_t i = 0; i < plan->spd_count; i++) {
		const struct plan_spd *there =
			find_entry(present->list, present->count, &plan->spd[i]);

		if (!there || !xfrm_equal(there, &plan->spd[i]))
			return false;
	}
	return true;
}

static bool wanted(const struct plan *plan, const struct plan_spd *entry)
{
	return plan && find_entry(plan->spd, plan->spd_count, entry);
}

bool spd_has_others(const struct spd *present, const struct plan *plan)
{
	for (size_t i = 0; i < present->count; i++)
		if (!wanted(plan, &present->list[i]))
			return true;
	return false;
}

enum change { CHANGE_ADD, CHANGE_REPLACE, CHANGE_DELETE };

/* One acknowledged change; E_TIMEOUT: not known whether it happened. */
static enum err change_spd(struct exchange *x, enum change change, const struct plan_spd *entry,
	struct kernel_fault *fault, struct error *error)
{
	struct requests r;
	struct answer answer;
	enum err err;

	exchange_begin(x, &r);
	if (change == CHANGE_DELETE)
		xfrm_delete(&r, entry);
	else
		xfrm_add(&r, entry, change == CHANGE_REPLACE);
	err = exchange_run(x, KERNEL_XFRM, &r, r.first, &answer, error);
	if (!err && answer.error)
		err = answer_refused(
			&answer, &r, "the kernel refuses the SPD entry of", fault, error);
	else if (!err && !answer.acknowledged) {
		fault->cause = entry->cause;
		err = error_set(error, E_TIMEOUT,
			"the kernel did not answer about the SPD entry of \"%s\"",
			entry->cause.name);
	}
	requests_fini(&r);
	return err;
}

static bool undo_step(struct exchange *x, const struct spd_step *step)
{
	for (int i = 0; i < LOOKS_MAX; i++) {
		struct kernel_fault fault = {0};
		struct error error = {0};
		enum err err = step->before
				       ? change_spd(x, CHANGE_REPLACE, step->before, &fault, &error)
				       : change_spd(x, CHANGE_DELETE, step->now, &fault, &error);

		if (!err || (!step->before && error.sys == ENOENT))
			return true;
	}
	return false;
}

/* Backwards, and on when one fails. */
void spd_undo(struct exchange *x, struct spd_journal *journal, struct kernel_fault *fault,
	struct error *error)
{
	while (journal->count > 0)
		if (!undo_step(x, &journal->steps[--journal->count]))
			fault->dirty = true;
	free(journal->steps);
	journal->steps = NULL;
	if (fault->dirty)
		error_prefix(error, "not all could be undone");
}

enum err spd_add(struct exchange *x, const struct plan *plan, const struct spd *present,
	struct spd_journal *journal, struct kernel_fault *fault, struct error *error)
{
	*journal =
		(struct spd_journal){.steps = calloc(plan->spd_count + 1, sizeof *journal->steps)};
	if (!journal->steps)
		return error_set(error, E_MEMORY, "no memory for the journal of the SPD");
	for (size_t i = 0; i < plan->spd_count; i++) {
		const struct plan_spd *entry = &plan->spd[i];
		const struct plan_spd *before = find_entry(present->list, present->count, entry);
		enum err err;

		if (before && xfrm_equal(before, entry))
			continue;
		/* Into the journal first: if the answer is lost, it may have happened. */
		journal->steps[journal->count++] =
			(struct spd_step){.now = entry, .before = before};
		err = change_spd(x, before ? CHANGE_REPLACE : CHANGE_ADD, entry, fault, error);
		if (err) {
			if (err != E_TIMEOUT)
				journal->count--;
			return err;
		}
	}
	return E_OK;
}

/* On when one fails; the error is of the first. */
static enum err delete_entries(
	struct exchange *x, const struct plan *plan, const struct spd *present, struct error *error)
{
	enum err first = E_OK;

	for (size_t i = 0; i < present->count; i++) {
		struct kernel_fault fault = {0};
		struct error why = {0};
		enum err err;

		if (wanted(plan, &present->list[i]))
			continue;
		err = change_spd(x, CHANGE_DELETE, &present->list[i], &fault, &why);
		if (!err || why.sys == ENOENT || first)
			continue;
		first = err;
		*error = why;
	}
	return first;
}

enum err spd_clean(struct exchange *x, const struct plan *plan, struct error *error)
{
	struct spd present;
	enum err err = spd_read(x, &present, error);

	if (err)
		return err;
	err = delete_entries(x, plan, &present, error);
	spd_fini(&present);
	return err;
}
