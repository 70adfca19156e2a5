/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/rollout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/link/link.h"
#include "pmt/commands/canary.h"

enum { BAR_EVERY_MS = 1000 };

static uint64_t newest(const struct standing_table *there)
{
	return there->state.tried ? there->state.tried : there->state.serial;
}

static bool on_terminal(void)
{
	return isatty(STDERR_FILENO);
}

static void end_bar(void)
{
	if (on_terminal())
		progress_end();
}

/* The next change, also if the decision point was gone in between; E_TIMEOUT, E_AGAIN. */
static enum err next_change(struct rollout *r, uint64_t until, struct error *e)
{
	enum err code = conversation_wait(r->conversation, until, e);

	if (!code || code == E_TIMEOUT || code == E_AGAIN)
		return code;
	end_bar();
	fprintf(stderr, "the decision point is gone (%s): trying again\n", e->text);
	return conversation_resume(r->conversation, link_now() + r->timeout_ms, e);
}

static enum err give(struct rollout *r, enum publishing_action action, uint64_t serial,
	struct view bundle, struct error *e)
{
	const struct publishing_order order = {
		.action = action, .base = newest(r->there), .serial = serial};

	return conversation_order(r->conversation, &order, bundle, NULL, e);
}

enum err rollout_publish(struct rollout *r, const struct bundle_file *f, struct error *e)
{
	return give(r, PUBLISHING_PUBLISH, 0, bundle_file_objects(f), e);
}

/* ---- Waiting ---- */

static int interrupted(const char *name, const char *format, uint64_t serial)
{
	char text[ERROR_TEXT_SIZE];

	end_bar();
	snprintf(text, sizeof text, "serial %" PRIu64, serial);
	fprintf(stderr, "pmt %s: interrupted; %s %s\n", name, text, format);
	return EXIT_INTERRUPTED;
}

static enum err wait_for(struct rollout *r, uint64_t serial, struct error *e)
{
	const uint64_t until = link_now() + r->timeout_ms;
	const struct publishing_state *s = &r->there->state;
	enum err code = E_OK;

	for (;;) {
		if (s->serial > serial)
			return error_set(e, E_CONFLICT,
				"serial %" PRIu64 " has taken its place meanwhile", s->serial);
		if (s->serial == serial && on_terminal())
			standing_show_bar(r->there);
		else if (s->serial == serial)
			standing_show_lines(r->there);
		if (s->serial == serial && standing_pending(r->there) == 0)
			return E_OK;
		if (link_now() >= until)
			return error_set(e, E_TIMEOUT, "%zu of %zu nodes have not reported in time",
				standing_pending(r->there), r->there->count);
		code = next_change(r, until, e);
		if (code && code != E_TIMEOUT)
			return code;
	}
}

int rollout_wait(struct rollout *r, const char *name, uint64_t serial)
{
	struct error e;
	enum err code = wait_for(r, serial, &e);

	if (code == E_AGAIN)
		return interrupted(name, "is published all the same: see pmt status", serial);
	end_bar();
	if (code)
		command_failed(name, &e);
	if (standing_is_whole(r->there))
		standing_print(r->there);
	return code || standing_count(r->there, STANDING_FAILED) ? EXIT_BAD_INPUT : EXIT_SUCCESS;
}

/* ---- Trying ---- */

static size_t count_trying(const struct standing_table *there)
{
	size_t count = 0;

	for (size_t i = 0; i < there->count; i++)
		count += there->nodes[i].now.tries;
	return count;
}

static void tell_trial(const struct standing_table *there, const struct trial_wish *trial)
{
	printf("serial %" PRIu64 ": %zu of %zu nodes try it, for %" PRIu64 " s\n",
		there->state.tried, count_trying(there), there->count, trial->hold_ms / 1000);
	fflush(stdout);
}

/* Until the table shows that the trial has begun. */
static enum err see_trial(struct rollout *r, uint64_t serial, struct error *e)
{
	const uint64_t until = link_now() + r->timeout_ms;
	enum err code = E_OK;

	while (!code && newest(r->there) < serial)
		code = next_change(r, until, e);
	return code;
}

static void show_trial(struct rollout *r, const struct canary *canary)
{
	if (canary->holding && on_terminal())
		progress_bar((size_t)((link_now() - canary->held_since) / 1000),
			(size_t)(canary->hold_ms / 1000));
	else if (!on_terminal())
		standing_show_lines(r->there);
}

/* CANARY_WAIT: it cannot be said, for that is no trial of ours any more, or somebody interrupted.
 */
static enum canary_verdict hold(
	struct rollout *r, const struct trial_wish *trial, uint64_t serial, struct error *e)
{
	struct canary canary = {trial->hold_ms, r->timeout_ms, .begun = link_now()};
	enum canary_verdict verdict;
	uint64_t until, now;
	enum err code;

	for (;;) {
		if (r->there->state.tried != serial) {
			error_set(e, E_CONFLICT,
				"somebody else has ended the trial: serial %" PRIu64 " is in force",
				r->there->state.serial);
			return CANARY_WAIT;
		}
		now = link_now();
		verdict = canary_judge(&canary, r->there, now, &until, e);
		show_trial(r, &canary);
		if (verdict != CANARY_WAIT)
			return verdict;
		if (on_terminal() && until > now + BAR_EVERY_MS)
			until = now + BAR_EVERY_MS;
		code = next_change(r, until, e);
		if (code && code != E_TIMEOUT)
			return CANARY_WAIT;
	}
}

/* Gives an order, also if the decision point was gone in between. It may have been taken though the
 * answer was lost, so what is there afterwards counts. */
static enum err insist(struct rollout *r, enum publishing_action action, uint64_t serial,
	uint64_t leads_to, struct view bundle, struct error *e)
{
	for (;;) {
		enum err code = give(r, action, serial, bundle, e);

		if (!code || code == E_DENIED || code == E_AGAIN)
			return code;
		fprintf(stderr, "the decision point is gone (%s): trying again\n", e->text);
		code = conversation_resume(r->conversation, link_now() + r->timeout_ms, e);
		if (code || r->there->state.serial == leads_to)
			return code;
	}
}

static enum err serial_of(const struct bundle_file *f, uint64_t *ret, struct error *e)
{
	struct set_index index;
	struct arena arena;
	enum err code;

	arena_init(&arena, BUNDLE_MAX);
	code = bundle_index(&f->bundle, &arena, &index, e);
	*ret = code ? 0 : index.serial;
	arena_fini(&arena);
	return code;
}

static int take_back(struct rollout *r, const char *name, const struct trial_wish *trial,
	uint64_t serial, const struct error *why)
{
	uint64_t back;
	struct error e;
	enum err code = serial_of(trial->back, &back, &e);

	fprintf(stderr, "pmt %s: serial %" PRIu64 " is taken back: %s\n", name, serial, why->text);
	if (!code)
		code = insist(r, PUBLISHING_PUBLISH, 0, back, bundle_file_objects(trial->back), &e);
	if (code) {
		error_prefix(&e,
			"it cannot be taken back, and those who try it have it still; "
			"publish --replace %s",
			trial->fallback);
		return command_failed(name, &e);
	}
	printf("%s: published, serial %" PRIu64 "\n", trial->fallback, back);
	fflush(stdout);
	rollout_wait(r, name, back);
	return EXIT_BAD_INPUT;
}

static int promote(struct rollout *r, const char *name, uint64_t serial, bool wait)
{
	struct error e;
	enum err code = insist(r, PUBLISHING_PROMOTE, serial, serial, VIEW_NONE, &e);

	if (code == E_AGAIN)
		return interrupted(name, "may still be tried: see pmt status", serial);
	if (code)
		return command_failed(name, &e);
	printf("serial %" PRIu64 ": for all nodes now\n", serial);
	fflush(stdout);
	return wait ? rollout_wait(r, name, serial) : EXIT_SUCCESS;
}

int rollout_promote(struct rollout *r, const char *name, uint64_t serial, bool wait)
{
	struct error e;

	if (r->there->state.tried == serial)
		return promote(r, name, serial, wait);
	error_set(&e, E_NOT_FOUND, "serial %" PRIu64 " is not being tried", serial);
	return command_failed(name, &e);
}

int rollout_try(struct rollout *r, const char *name, const struct trial_wish *trial,
	const struct bundle_file *f, uint64_t serial)
{
	const struct publishing_order order = {.action = PUBLISHING_TRY,
		.base = newest(r->there),
		.share = trial->share,
		.roles = trial->share ? VIEW_NONE : view_of_string(trial->roles)};
	struct error e;
	enum err code =
		conversation_order(r->conversation, &order, bundle_file_objects(f), NULL, &e);

	if (!code)
		code = see_trial(r, serial, &e);
	if (code == E_AGAIN)
		return interrupted(name, "may be tried: see pmt status", serial);
	if (code)
		return command_failed(name, &e);
	tell_trial(r->there, trial);
	switch (hold(r, trial, serial, &e)) {
	case CANARY_PROMOTE:
		end_bar();
		return promote(r, name, serial, true);
	case CANARY_BACK:
		end_bar();
		return take_back(r, name, trial, serial, &e);
	default:
		if (e.code != E_AGAIN)
			return command_failed(name, &e);
		return interrupted(name,
			"stays with those who try it: publish --promote it, or publish "
			"--replace the way back",
			serial);
	}
}
