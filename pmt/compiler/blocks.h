/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which blocks of rules a set is made of: for a set of home's those of all of its roles, for
 * another authority's those of one; for a set of one node its own before them. A block that is for
 * exactly these roles of a node is all that the set is made of.
 */
#ifndef COPSEC_PMT_COMPILER_BLOCKS_H
#define COPSEC_PMT_COMPILER_BLOCKS_H

#include "pmt/compiler/rules.h"

/* Has the node rules of its own of this kind, or wards, whose rules are for what passes through? */
bool blocks_are_own(const struct model *m, const struct model_node *node, bool forward);
/* Is there a block that is for exactly these roles of the node? */
bool blocks_are_whole(
	const struct model *m, const struct model_node *node, const char *roles);

enum block_place {
	BLOCK_NOT_THERE,
	BLOCK_OF_NODE,
	BLOCK_OF_ROLES,
};
/* What the block is to the set. `whole` is what blocks_are_whole() says of the set's node. */
enum block_place block_place(const struct model *m, const struct model_block *block,
	const struct rule_needs *set, bool whole);

#endif
