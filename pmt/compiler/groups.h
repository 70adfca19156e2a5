/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Groups that a directory fills, in a bundle that was read: who may be put into them, which
 * selectors name them, and what a set's policy is with members in them. Only cases.c and reading.c
 * have to do with it.
 */
#ifndef COPSEC_PMT_COMPILER_GROUPS_H
#define COPSEC_PMT_COMPILER_GROUPS_H

#include "pib/set/bundle.h"
#include "pmt/compiler/cases.h"

/* Out of the bundle's delegations. */
enum err groups_permitted(
	struct reading *r, const struct bundle *bundle, struct error *e) MUST_USE;
/* set->uses: selectors with groups into which somebody may be put. */
enum err groups_uses(struct reading *r, struct reading_set *set, struct error *e) MUST_USE;
/* The set's policy with the members of `when` in its groups; schedules and offers as they are. */
enum err groups_fill(struct reading *r, const struct reading_set *set,
	const struct circumstances *when, struct policy **ret, struct error *e) MUST_USE;

#endif
