/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several authorities say at one place of a node: home first, then those of further files. */
#ifndef COPSEC_PMT_COMMANDS_VOICES_H
#define COPSEC_PMT_COMMANDS_VOICES_H

#include "pib/policy/layers.h"
#include "pmt/commands/subject.h"

struct voice {
	struct subject *subject;
	const char *authority, *path;
};

/* A set of a voice, as it is with no schedule on, no offer, and nobody in groups but whom home
 * names. */
struct voice_set {
	const struct voice *voice;
	const struct reading_set *set;
};

/* Opens one more file as number *count of the voices; the first is home's, the others are not. An
 * exit status; what is wrong is printed. subject_fini() for all that were counted, in any case. */
int voices_open(
	const char *name, const char *path, struct voice *voices, size_t *count, struct subject *s);
/* The same with a file that is open already. */
int voices_add(
	const char *name, const char *path, struct voice *voices, size_t *count, struct subject *s);

/* The sets for these roles: of home its own, if it has one, and then it is the first; of others
 * each whose pattern fits. E_LIMIT if there are more than POLICY_LAYERS_MAX. */
enum err voices_at(const struct voice *voices, size_t count, const struct reading_node *node,
	const char *roles, struct voice_set ret[POLICY_LAYERS_MAX], size_t *ret_count,
	struct error *e) MUST_USE;

#endif
