/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a signed bundle to nodes that have it: publishing, waiting, trying it with some nodes first.
 * Progress goes to stderr, a bar on a terminal, lines otherwise; how it ended goes to stdout. What
 * returns an int returns an exit status: EXIT_BAD_INPUT if a node refused it or has not reported in
 * time, EXIT_INTERRUPTED.
 */
#ifndef COPSEC_PMT_COMMANDS_ROLLOUT_H
#define COPSEC_PMT_COMMANDS_ROLLOUT_H

#include "pmt/commands/conversation.h"

/* With whom, and what they say; the table is followed. */
struct rollout {
	struct conversation *conversation;
	struct standing_table *there;
	uint64_t timeout_ms; /* for the reports of nodes, and for a decision point that is gone */
};

struct trial_wish {
	bool on;
	uint32_t share; /* percent; 0: by roles */
	const char *roles;
	uint64_t hold_ms;
	const char *fallback; /* where `back` is from */
	const struct bundle_file *back;
};

/* Makes sure that nobody was faster. */
enum err rollout_publish(struct rollout *r, const struct bundle_file *f, struct error *e) MUST_USE;
/* Until nobody is left who could still report this serial. */
int rollout_wait(struct rollout *r, const char *name, uint64_t serial);
/* Has some nodes try it; then gives it to all, or the way back if it fails them. */
int rollout_try(struct rollout *r, const char *name, const struct trial_wish *trial,
	const struct bundle_file *f, uint64_t serial);
/* Gives what is tried to all, and waits if that is wanted. */
int rollout_promote(struct rollout *r, const char *name, uint64_t serial, bool wait);

#endif
