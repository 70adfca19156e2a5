/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bundles that are not worth a journey: what a decision point would refuse is refused before
 * anything is sent. Always: one that is not signed, or of which some documents have fewer
 * signatures than the index, that has expired or is not valid yet. With `trust`, all that nodes
 * verify; with `in_force`, another tenant's and one that is not newer.
 */
#ifndef COPSEC_PMT_COMMANDS_PREFLIGHT_H
#define COPSEC_PMT_COMMANDS_PREFLIGHT_H

#include "pmt/commands/command.h"

struct preflight {
	const char *path;
	const char *trust; /* NULL: the signers are not known here */
	uint64_t threshold;
	const char *in_force; /* the bundle that nodes have; NULL: not known */
};

/* Reads the bundle; bundle_file_fini() in any case. The index borrows from it. */
enum err preflight_check(const struct preflight *w, struct bundle_file *f,
	struct set_index *ret_index, struct error *e) MUST_USE;

#endif
