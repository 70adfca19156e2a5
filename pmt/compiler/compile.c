/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/compile.h"

#include "common/crypto/cms.h"
#include "pib/policy/policy.h"
#include "pib/set/bundle.h"
#include "pib/store/check.h"
#include "pmt/compiler/rules.h"

#include <stdlib.h>
#include <string.h>

enum { SET_OCTETS_MAX = BUNDLE_MAX };

struct compilation {
	const struct model *model;
	const struct compile_terms *terms;
	struct arena arena; /* what the bundle points to */
	struct rule_needs *sets;
	size_t set_count;
	struct bundle bundle;
	struct set_entry *entries; /* of the index */
	struct compile_summary *summary;
	struct error *e;
};

static enum err no_memory(struct compilation *c)
{
	return error_set(c->e, E_MEMORY, "out of memory");
}

/* --- which sets there are --- */

static int by_roles(const void *a, const void *b)
{
	return strcmp(((const struct rule_needs *)a)->roles, ((const struct rule_needs *)b)->roles);
}

static void need(struct compilation *c, const char *roles, bool forward)
{
	if (*roles)
		c->sets[c->set_count++] =
			(struct rule_needs){.roles = roles, .local = !forward, .forward = forward};
}

static enum err find_sets(struct compilation *c)
{
	const struct model *m = c->model;
	size_t most = 1, kept = 0;

	for (size_t i = 0; i < m->node_count; i++)
		most += 1 + m->nodes[i].interface_count;
	c->sets = arena_calloc(&c->arena, most, sizeof *c->sets);
	if (!c->sets)
		return no_memory(c);
	for (size_t i = 0; i < m->node_count; i++) {
		const struct model_node *node = &m->nodes[i];

		if (!node->has_key)
			continue;
		need(c, node->roles, true);
		for (size_t k = 0; k < node->interface_count; k++)
			need(c, node->interfaces[k].roles, false);
	}
	if (c->set_count)
		qsort(c->sets, c->set_count, sizeof *c->sets, by_roles);
	for (size_t i = 0; i < c->set_count; i++) {
		if (kept && strcmp(c->sets[kept - 1].roles, c->sets[i].roles) == 0) {
			c->sets[kept - 1].local |= c->sets[i].local;
			c->sets[kept - 1].forward |= c->sets[i].forward;
		} else {
			c->sets[kept++] = c->sets[i];
		}
	}
	c->set_count = kept;
	if (kept > BLOCK_SETS_MAX)
		return error_set(c->e, E_LIMIT,
			"%zu role combinations are in use, at most %d can be", kept,
			BLOCK_SETS_MAX);
	return E_OK;
}

/* --- a set --- */

static bool applies(const struct model_block *block, const char *roles)
{
	for (size_t i = 0; i < block->role_count; i++)
		if (combination_has(roles, block->roles[i]->name))
			return true;
	return false;
}

static enum err put_rows(
	struct compilation *c, const struct rule_needs *set, uint32_t block, struct buffer *out)
{
	struct rows rows;
	uint32_t order = 0;
	enum err code;

	rows_init(&rows, block);
	for (size_t i = 0; i < c->model->block_count; i++) {
		const struct model_block *rules = &c->model->blocks[i];

		for (size_t k = 0; applies(rules, set->roles) && k < rules->rule_count; k++)
			rules_put(&rows, set, &rules->rules[k], &order);
	}
	c->summary->rules += order;
	c->summary->pris += rows_count(&rows);
	code = order > MODEL_RULES_MAX
		       ? error_set(c->e, E_LIMIT, "%u rules for the roles %s, at most %d can be",
				 order, set->roles, MODEL_RULES_MAX)
		       : rows_finish(&rows, out, c->e);
	rows_fini(&rows);
	return code;
}

/*
 * The root of what was made; and the checks that a node will make, for what it would refuse shall
 * not be signed.
 */
static enum err examine(struct compilation *c, const struct rule_needs *set, uint32_t block,
	struct view rows, uint8_t ret_root[SET_ROOT])
{
	const struct pri_bounds bounds = {block + 1, block_last(block)};
	struct pri_failures failures;
	struct pri_store *store = NULL;
	struct policy *policy = NULL;
	enum err code;

	pri_failures_init(&failures);
	code = pri_store_build(&rows, 1, &store, &failures, c->e);
	if (!code)
		code = pri_store_check(store, bounds, &failures, c->e);
	if (!code)
		code = policy_new(store, &policy, &failures, c->e);
	if (!code)
		code = pri_store_root(store, ret_root) ? no_memory(c) : E_OK;
	policy_free(policy);
	pri_store_free(store);
	if (code)
		error_prefix(c->e, "the set \"%s\"", set->roles);
	return code;
}

static enum stale_rule stale_rule(enum stale_policy stale)
{
	switch (stale) {
	case STALE_POLICY_TIGHTEN:
		return STALE_TIGHTEN;
	case STALE_POLICY_QUARANTINE:
		return STALE_QUARANTINE;
	default:
		return STALE_KEEP;
	}
}

/* A document without a signer, in the arena. */
static enum err wrap(struct compilation *c, const struct buffer *content, struct view *ret)
{
	struct buffer cms;
	enum err code;

	buffer_init(&cms, DOCUMENT_MAX + 1024);
	code = content->error ? error_set(c->e, content->error, "a document is too long")
			      : cms_wrap(buffer_view(content), &cms, c->e);
	if (!code) {
		*ret = arena_copy(&c->arena, buffer_view(&cms));
		if (!ret->data)
			code = no_memory(c);
	}
	buffer_fini(&cms);
	return code;
}

static enum err compile_set(struct compilation *c, size_t which)
{
	const struct rule_needs *set = &c->sets[which];
	struct bundle_set *made = &c->bundle.sets[which];
	struct manifest manifest = {
		.tenant = view_of_string(c->model->tenant),
		.name = view_of_string(set->roles),
		.authority = AUTHORITY_HOME,
		.roles = view_of_string(set->roles),
		.serial = c->terms->serial,
		.not_before = c->terms->not_before,
		.not_after = c->terms->not_after,
		.stale_rule = stale_rule(c->model->stale),
		.block = block_of(AUTHORITY_HOME, (uint32_t)which),
	};
	struct buffer rows, content;
	enum err code;

	buffer_init(&rows, SET_OCTETS_MAX);
	buffer_init(&content, DOCUMENT_MAX);
	code = put_rows(c, set, manifest.block, &rows);
	if (!code)
		code = examine(c, set, manifest.block, buffer_view(&rows), manifest.root);
	if (!code)
		code = manifest_encode(&manifest, &content, c->e);
	if (!code)
		code = wrap(c, &content, &made->cms);
	if (!code) {
		made->block = manifest.block;
		made->rows = arena_copy(&c->arena, buffer_view(&rows));
		c->entries[which] =
			(struct set_entry){.name = manifest.name, .serial = manifest.serial};
		memcpy(c->entries[which].root, manifest.root, SET_ROOT);
		if (!made->rows.data)
			code = no_memory(c);
	}
	buffer_fini(&rows);
	buffer_fini(&content);
	return code;
}

/* --- assignments, index --- */

static enum err compile_assignment(struct compilation *c, const struct model_node *node)
{
	struct assigned_interface *interfaces =
		arena_calloc(&c->arena, node->interface_count, sizeof *interfaces);
	struct assignment assignment = {
		.tenant = view_of_string(c->model->tenant),
		.node = view_of_string(node->name),
		.report_key = node->has_report ? VIEW(node->report.sha256, PIN_SIZE) : VIEW_NONE,
		.roles = view_of_string(node->roles),
		.serial = c->terms->serial,
		.least_index_serial = c->terms->serial,
		.interfaces = interfaces,
		.interface_count = node->interface_count,
	};
	struct buffer content;
	enum err code;

	if (!interfaces)
		return no_memory(c);
	memcpy(assignment.node_key, node->key.sha256, NODE_KEY);
	for (size_t i = 0; i < node->interface_count; i++)
		interfaces[i] = (struct assigned_interface){
			.name = view_of_string(node->interfaces[i].name),
			.roles = view_of_string(node->interfaces[i].roles)};
	buffer_init(&content, DOCUMENT_MAX);
	code = assignment_encode(&assignment, &content, c->e);
	if (!code)
		code = wrap(c, &content, &c->bundle.assignments[c->bundle.assignment_count]);
	if (!code)
		c->bundle.assignment_count++;
	buffer_fini(&content);
	return code;
}

static enum err compile_index(struct compilation *c)
{
	const struct set_index index = {
		.tenant = view_of_string(c->model->tenant),
		.serial = c->terms->serial,
		.not_before = c->terms->not_before,
		.not_after = c->terms->not_after,
		.entries = c->entries,
		.entry_count = c->set_count,
	};
	struct buffer content;
	enum err code;

	buffer_init(&content, DOCUMENT_MAX);
	code = set_index_encode(&index, &content, c->e);
	if (!code)
		code = wrap(c, &content, &c->bundle.index);
	buffer_fini(&content);
	return code;
}

static enum err compile_all(struct compilation *c)
{
	const struct model *m = c->model;
	enum err code = find_sets(c);

	if (code)
		return code;
	c->bundle.sets = arena_calloc(&c->arena, c->set_count + 1, sizeof *c->bundle.sets);
	c->entries = arena_calloc(&c->arena, c->set_count + 1, sizeof *c->entries);
	c->bundle.assignments =
		arena_calloc(&c->arena, m->node_count + 1, sizeof *c->bundle.assignments);
	if (!c->bundle.sets || !c->entries || !c->bundle.assignments)
		return no_memory(c);
	c->bundle.set_count = c->set_count;
	for (size_t i = 0; i < c->set_count && !code; i++)
		code = compile_set(c, i);
	for (size_t i = 0; i < m->node_count && !code; i++)
		if (m->nodes[i].has_key)
			code = compile_assignment(c, &m->nodes[i]);
	return code ? code : compile_index(c);
}

enum err compile_policy(const struct model *m, const struct compile_terms *terms,
	struct buffer *out, struct compile_summary *ret_summary, struct error *e)
{
	struct compile_summary summary = {0};
	struct compilation c = {.model = m, .terms = terms, .summary = &summary, .e = e};
	const size_t before = out->len;
	enum err code;

	arena_init(&c.arena, (size_t)4 * BUNDLE_MAX);
	code = compile_all(&c);
	if (!code)
		code = bundle_write(&c.bundle, out, e);
	if (!code) {
		summary.sets = c.set_count;
		summary.nodes = c.bundle.assignment_count;
		summary.octets = out->len - before;
		*ret_summary = summary;
	}
	arena_fini(&c.arena);
	return code;
}
