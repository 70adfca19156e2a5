/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of nodes that cannot protect themselves, as their guardian enforces them: what a ward's
 * rules say about what comes in and goes out becomes rules for what the guardian passes on to it and
 * from it. What no rule of a ward matches is dropped, as everywhere; and what passes between two
 * wards of one guardian is, unless rules of the guardian's own let it pass, for neither of the two
 * lists alone could say so.
 *
 * A tunnel without an end that is written goes to the guardian of the other end, or to that end
 * itself if it has a key; a rule for several such ends becomes several.
 */
#ifndef COPSEC_PMT_COMPILER_GUARDIAN_H
#define COPSEC_PMT_COMPILER_GUARDIAN_H

#include "pmt/language/model.h"

bool guardian_of_any(const struct model *m, const struct model_node *node);
/* In the order in which they count; named NAME.WARD after those that they are made of. E_NOT_FOUND:
 * nobody guards the other end of a tunnel; E_DUPLICATE: a rule has such a name already. */
enum err guardian_rules(const struct model *m, const struct model_node *guardian,
	struct arena *arena, struct model_rule **ret, size_t *ret_count, struct error *e) MUST_USE;

#endif
