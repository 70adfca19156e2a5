/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/blocks.h"

#include <string.h>

#include "pmt/compiler/guardian.h"

static bool is_of(const struct model_block *block, const struct model_node *node)
{
	for (size_t i = 0; node && i < block->node_count; i++)
		if (block->nodes[i] == node)
			return true;
	return false;
}

static bool is_of_kind(const struct model_rule *rule, bool forward)
{
	if (rule->row)
		return true;
	return forward ? rule->forward : rule->in || rule->out || (rule->both && !rule->forward);
}

bool blocks_are_own(const struct model *m, const struct model_node *node, bool forward)
{
	for (size_t i = 0; i < m->block_count; i++) {
		const struct model_block *block = &m->blocks[i];

		if (!is_of(block, node) || block->exactly)
			continue;
		if (block->row_count)
			return true;
		for (size_t k = 0; k < block->rule_count; k++)
			if (is_of_kind(&block->rules[k], forward))
				return true;
	}
	return forward && guardian_of_any(m, node);
}

static bool is_for(const struct model *m, const struct model_block *block, const char *roles)
{
	const char *pattern = strcmp(roles, "*") == 0 ? roles : roles + 2;
	size_t all = 1, had = 0;

	for (size_t i = 0; i < block->role_count; i++)
		had += m->authority == AUTHORITY_HOME
			       ? combination_has(roles, block->roles[i]->name)
			       : strcmp(pattern, block->roles[i]->name) == 0;
	for (const char *p = roles; *p; p++)
		all += *p == '+' && m->authority == AUTHORITY_HOME;
	return block->exactly ? had == all && had == block->role_count : had > 0;
}

static bool is_whole(const struct model *m, const struct model_block *block,
	const struct model_node *node, const char *roles)
{
	return block->exactly && is_of(block, node) && is_for(m, block, roles);
}

bool blocks_are_whole(const struct model *m, const struct model_node *node, const char *roles)
{
	for (size_t i = 0; i < m->block_count; i++)
		if (is_whole(m, &m->blocks[i], node, roles))
			return true;
	return false;
}

enum block_place block_place(const struct model *m, const struct model_block *block,
	const struct rule_needs *set, bool whole)
{
	if (whole)
		return is_whole(m, block, set->node, set->roles) ? BLOCK_OF_NODE : BLOCK_NOT_THERE;
	if (block->node_count)
		return is_of(block, set->node) && !block->exactly ? BLOCK_OF_NODE
								  : BLOCK_NOT_THERE;
	return is_for(m, block, set->roles) ? BLOCK_OF_ROLES : BLOCK_NOT_THERE;
}
