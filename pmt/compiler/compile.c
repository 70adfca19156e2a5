/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/compile.h"

#include "common/crypto/cms.h"
#include "pib/policy/policy.h"
#include "pib/set/bundle.h"
#include "pib/store/check.h"
#include "pmt/compiler/blocks.h"
#include "pmt/compiler/guardian.h"
#include "pmt/compiler/numbering.h"
#include "pmt/compiler/previous.h"
#include "pmt/compiler/written.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SET_OCTETS_MAX = BUNDLE_MAX };

struct compilation {
	const struct model *model;
	const struct compile_terms *terms;
	struct arena arena; /* what the bundle points to */
	struct previous previous;
	struct rule_needs *sets;
	uint32_t *numbers; /* of the sets */
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

static uint32_t set_number(uint32_t block)
{
	return block >> BLOCK_SET_SHIFT & (BLOCK_SETS_MAX - 1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rule_needs *)a)->name, ((const struct rule_needs *)b)->name);
}

static void need(struct compilation *c, const char *roles, bool forward)
{
	if (*roles)
		c->sets[c->set_count++] = (struct rule_needs){
			.name = roles, .roles = roles, .local = !forward, .forward = forward};
}

/* The set for this combination at the node, common or its own. */
static enum err need_at(struct compilation *c, const struct model_node *node, const char *roles,
	bool own, bool forward)
{
	struct rule_needs *set = &c->sets[c->set_count];
	struct buffer name;

	need(c, roles, forward);
	if (!*roles || !(own || blocks_are_whole(c->model, node, roles)))
		return E_OK;
	buffer_init(&name, SET_NAME_MAX + 1);
	buffer_put_text(&name, "%s@%s", roles, node->name);
	set->node = node;
	set->name = arena_strdup(&c->arena, buffer_string(&name));
	if (name.error || name.len > SET_NAME_MAX)
		error_set(c->e, E_LENGTH, "the name of the set %s@%s is longer than %d octets", roles,
			node->name, SET_NAME_MAX);
	else if (!set->name)
		no_memory(c);
	buffer_fini(&name);
	return set->name && strlen(set->name) <= SET_NAME_MAX ? E_OK : c->e->code;
}

/* All combinations of a node; one that has rules of its own for it has a set of its own, be it for
 * its interfaces or for itself. */
static enum err need_node(struct compilation *c, const struct model_node *node)
{
	const bool forward = blocks_are_own(c->model, node, true),
		   local = blocks_are_own(c->model, node, false);
	bool both = false;
	enum err code = E_OK;

	for (size_t k = 0; k < node->interface_count; k++)
		both = both || strcmp(node->interfaces[k].roles, node->roles) == 0;
	code = need_at(c, node, node->roles, forward || (both && local), true);
	for (size_t k = 0; k < node->interface_count && !code; k++) {
		const char *roles = node->interfaces[k].roles;

		code = need_at(c, node, roles,
			local || (forward && strcmp(roles, node->roles) == 0), false);
	}
	return code;
}

/* The set for whoever has the role. */
static const char *pattern_of(struct compilation *c, const struct model_role *role)
{
	const size_t size = strlen(role->name) + 3;
	char *pattern;

	if (role == &c->model->everybody)
		return role->name;
	pattern = arena_alloc(&c->arena, size);
	if (pattern)
		snprintf(pattern, size, "*+%s", role->name);
	return pattern;
}

/* Others than home do not know which combinations there are. */
static enum err need_patterns(struct compilation *c)
{
	for (size_t i = 0; i < c->model->block_count; i++) {
		const struct model_block *block = &c->model->blocks[i];

		for (size_t k = 0; k < block->role_count; k++) {
			const char *pattern = pattern_of(c, block->roles[k]);

			if (!pattern)
				return no_memory(c);
			need(c, pattern, false);
			need(c, pattern, true);
		}
	}
	return E_OK;
}

static enum err find_sets(struct compilation *c)
{
	const struct model *m = c->model;
	size_t most = 1, kept = 0;

	for (size_t i = 0; i < m->node_count; i++)
		most += 1 + m->nodes[i].interface_count;
	for (size_t i = 0; i < m->block_count; i++)
		most += 2 * m->blocks[i].role_count;
	c->sets = arena_calloc(&c->arena, most, sizeof *c->sets);
	if (!c->sets || (m->authority != AUTHORITY_HOME && need_patterns(c)))
		return no_memory(c);
	for (size_t i = 0; i < m->node_count; i++) {
		const struct model_node *node = &m->nodes[i];

		if (node->has_key && need_node(c, node))
			return c->e->code;
	}
	if (c->set_count)
		qsort(c->sets, c->set_count, sizeof *c->sets, by_name);
	for (size_t i = 0; i < c->set_count; i++) {
		if (kept && strcmp(c->sets[kept - 1].name, c->sets[i].name) == 0) {
			c->sets[kept - 1].local |= c->sets[i].local;
			c->sets[kept - 1].forward |= c->sets[i].forward;
		} else {
			c->sets[kept++] = c->sets[i];
		}
	}
	c->set_count = kept;
	if (kept > BLOCK_SETS_MAX)
		return error_set(c->e, E_LIMIT,
			"%zu sets are needed, for role combinations and for nodes with rules of "
			"their own; at most %d can be",
			kept,
			BLOCK_SETS_MAX);
	return E_OK;
}

/*
 * A set keeps its number; a new one gets the least that none of before has, so that no InstanceId
 * of a set that is gone comes back at once with another meaning. Only when these are used up it is
 * one of theirs.
 */
static enum err number_sets(struct compilation *c)
{
	bool taken[BLOCK_SETS_MAX] = {false}, had[BLOCK_SETS_MAX] = {false};

	c->numbers = arena_calloc(&c->arena, c->set_count + 1, sizeof *c->numbers);
	if (!c->numbers)
		return no_memory(c);
	for (size_t i = 0; c->previous.bundle && i < c->previous.bundle->set_count; i++)
		had[set_number(c->previous.manifests[i].block)] = true;
	for (size_t i = 0; i < c->set_count; i++) {
		size_t before = previous_set(&c->previous, view_of_string(c->sets[i].name));

		c->numbers[i] = before == PREVIOUS_NONE
					? BLOCK_SETS_MAX
					: set_number(c->previous.manifests[before].block);
		if (c->numbers[i] < BLOCK_SETS_MAX)
			taken[c->numbers[i]] = true;
	}
	for (size_t i = 0; i < c->set_count; i++) {
		uint32_t n = 0;

		if (c->numbers[i] < BLOCK_SETS_MAX)
			continue;
		while (n < BLOCK_SETS_MAX && (taken[n] || had[n]))
			n++;
		for (n %= BLOCK_SETS_MAX; taken[n];)
			n++;
		c->numbers[i] = n;
		taken[n] = true;
	}
	return E_OK;
}

/* --- a set --- */

/* Of a rule that is written as a row: is the set one for flows of its kind? */
static bool concerns(const struct rule_needs *set, const struct model_row *row)
{
	const struct model_value *forward =
		row->extension ? &row->extension->values[copsecRuleForward - 1] : NULL;
	const bool is_forward = forward && forward->kind == VALUE_NUMBER &&
				forward->number == copsecRuleForward_true;

	return is_forward ? set->forward : set->local;
}

static enum err make_block(
	struct written *w, const struct model_block *block, uint32_t *order)
{
	enum err code = E_OK;

	for (size_t i = 0; i < block->rule_count && !code; i++) {
		const struct model_rule *rule = &block->rules[i];

		if (!rule->row)
			rules_put(w->rows, w->needs, rule, order);
		else if (block->exactly || concerns(w->needs, rule->row))
			code = written_put_rule(w, rule->row, ++*order);
	}
	for (size_t i = 0; i < block->row_count && !code; i++)
		code = written_put(w, block->rows[i]);
	return code;
}

/* All blocks that are there in this place. */
static enum err make_blocks(struct compilation *c, struct written *w, enum block_place place,
	bool whole, uint32_t *order)
{
	const struct model *m = c->model;
	enum err code = E_OK;

	for (size_t i = 0; i < m->block_count && !code; i++)
		if (block_place(m, &m->blocks[i], w->needs, whole) == place)
			code = make_block(w, &m->blocks[i], order);
	return code;
}

/* Before the rules of its roles: those of the node alone, and of its wards. */
static enum err put_own_rules(
	struct compilation *c, struct written *w, bool whole, uint32_t *order)
{
	const struct rule_needs *set = w->needs;
	struct model_rule *guarded;
	size_t count = 0;
	enum err code = make_blocks(c, w, BLOCK_OF_NODE, whole, order);

	if (set->node && set->forward && !whole && !code)
		code = guardian_rules(c->model, set->node, &c->arena, &guarded, &count, c->e);
	for (size_t i = 0; i < count && !code; i++)
		rules_put(w->rows, set, &guarded[i], order);
	return code;
}

/* The rows with numbers of their own. */
static enum err make_rows(struct compilation *c, struct written *w, struct buffer *out)
{
	const struct model *m = c->model;
	const bool whole = w->needs->node &&
			   blocks_are_whole(m, w->needs->node, w->needs->roles);
	uint32_t order = 0;
	enum err code = E_OK;

	for (size_t i = 0; i < m->block_count && m->row_count && !code; i++)
		if (block_place(m, &m->blocks[i], w->needs, whole) != BLOCK_NOT_THERE)
			code = written_reserve(w, &m->blocks[i]);
	if (!code)
		code = put_own_rules(c, w, whole, &order);
	if (!code)
		code = make_blocks(c, w, BLOCK_OF_ROLES, whole, &order);
	written_finish(w);
	c->summary->rules += order;
	c->summary->pris += rows_count(w->rows);
	if (!code && order > MODEL_RULES_MAX)
		code = error_set(c->e, E_LIMIT, "%u rules in the set %s, at most %d can be", order,
			w->needs->name, MODEL_RULES_MAX);
	return code ? code : rows_finish(w->rows, out, c->e);
}

/* What the set was before, whose numbers it keeps; NULL if it is new. */
static enum err rows_before(
	struct compilation *c, const struct rule_needs *set, struct pri_store **ret)
{
	size_t which = previous_set(&c->previous, view_of_string(set->name));
	struct pri_failures failures;
	enum err code;

	*ret = NULL;
	if (which == PREVIOUS_NONE)
		return E_OK;
	pri_failures_init(&failures);
	code = pri_store_build(&c->previous.bundle->sets[which].rows, 1, ret, &failures, c->e);
	if (!code) {
		const uint32_t block = c->previous.manifests[which].block;
		const struct pri_bounds bounds = {block + 1, block_last(block)};

		code = pri_store_check(*ret, bounds, &failures, c->e);
	}
	if (code) {
		error_prefix(c->e, "the set \"%s\" of the previous bundle", set->name);
		*ret = pri_store_free(*ret);
	}
	return code;
}

/* The checks that a node will make, for what it would refuse shall not be signed. */
static enum err examine(struct compilation *c, const struct rule_needs *set, uint32_t block,
	const struct pri_store *store, struct pri_failures *failures)
{
	const struct pri_bounds bounds = {block + 1, block_last(block)};
	struct policy *policy = NULL;
	enum err code = pri_store_check(store, bounds, failures, c->e);

	if (!code)
		code = policy_new(store, &policy, failures, c->e);
	policy_free(policy);
	if (code)
		error_prefix(c->e, "the set \"%s\"", set->name);
	return code;
}

/* The place of the row that failed first, where an author wrote it. */
static void place_failure(
	struct compilation *c, const struct written *w, const struct pri_failures *failures)
{
	const struct pri_failure *first = &failures->list[0];
	const struct model_row *row = NULL;
	struct pib_fault fault;
	struct prid prid;
	struct error ignored;
	struct buffer place;

	if (failures->count &&
		!prid_decode(VIEW(first->prid, first->prid_len), &prid, &fault, &ignored))
		row = written_row(w, prid.class, prid.instance);
	if (!row)
		return;
	buffer_init(&place, 4096);
	place_print(c->model->places, row->at, &place);
	error_prefix(c->e, "%s", buffer_string(&place));
	buffer_fini(&place);
}

/* With numbers of before, and examined. */
static enum err number_rows(struct compilation *c, struct written *w, uint32_t block,
	struct view fresh, struct buffer *out)
{
	struct pri_store *made = NULL, *before = NULL;
	struct pri_failures failures;
	enum err code;

	pri_failures_init(&failures);
	code = pri_store_build(&fresh, 1, &made, &failures, c->e);
	/* Under the numbers as made, an author's rows can be told. */
	if (!code && c->model->row_count)
		code = examine(c, w->needs, block, made, &failures);
	if (code && c->model->row_count)
		place_failure(c, w, &failures);
	if (!code)
		code = rows_before(c, w->needs, &before);
	if (!code)
		code = numbering_keep(made, before, &w->pins, block, out, c->e);
	pri_store_free(before);
	pri_store_free(made);
	return code;
}

static enum err put_rows(
	struct compilation *c, const struct rule_needs *set, uint32_t block, struct buffer *out)
{
	struct written w;
	struct rows rows;
	struct buffer fresh;
	enum err code;

	buffer_init(&fresh, SET_OCTETS_MAX);
	rows_init(&rows, block);
	code = written_init(&w, &rows, c->model, set, c->e);
	if (!code)
		code = make_rows(c, &w, &fresh);
	if (!code)
		code = number_rows(c, &w, block, buffer_view(&fresh), out);
	written_fini(&w);
	rows_fini(&rows);
	buffer_fini(&fresh);
	return code;
}

/* The root of what was made. */
static enum err find_root(struct compilation *c, const struct rule_needs *set, uint32_t block,
	struct view rows, uint8_t ret_root[SET_ROOT])
{
	struct pri_failures failures;
	struct pri_store *store = NULL;
	enum err code;

	pri_failures_init(&failures);
	code = pri_store_build(&rows, 1, &store, &failures, c->e);
	if (!code)
		code = examine(c, set, block, store, &failures);
	if (!code)
		code = pri_store_root(store, ret_root) ? no_memory(c) : E_OK;
	pri_store_free(store);
	return code;
}

static enum stale_rule stale_rule(enum stale_policy stale)
{
	switch (stale) {
	case STALE_POLICY_TIGHTEN:
		return STALE_TIGHTEN;
	case STALE_POLICY_QUARANTINE:
		return STALE_QUARANTINE;
	case STALE_POLICY_END:
		return STALE_END;
	default:
		return STALE_KEEP;
	}
}

/*
 * A document without a signer, in the arena; or the one of before with its signers, if it has this
 * content.
 */
static enum err wrap(
	struct compilation *c, const struct buffer *content, struct view before, struct view *ret)
{
	struct buffer cms;
	struct view same;
	struct error ignored;
	enum err code;

	if (before.len && !c->terms->drop_signatures && !content->error &&
		!cms_content(before, &same, &ignored) && view_equal(same, buffer_view(content))) {
		*ret = before;
		return E_OK;
	}

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

/*
 * What nodes know already by name, serial and root stays as it is to the octet, if nothing but
 * serial and validity would be new.
 */
static enum err write_manifest(
	struct compilation *c, struct manifest *m, struct buffer *content, struct view *ret_before)
{
	size_t which = previous_set(&c->previous, m->name);
	const struct manifest *before;
	struct manifest old;
	struct buffer new;
	struct view was;
	enum err code;
	bool same;

	if (which == PREVIOUS_NONE)
		return manifest_encode(m, content, c->e);
	before = &c->previous.manifests[which];
	old = *m;
	old.serial = before->serial;
	old.not_before = before->not_before;
	old.not_after = before->not_after;
	buffer_init(&new, DOCUMENT_MAX);
	code = manifest_encode(&old, &new, c->e);
	if (!code)
		code = cms_content(c->previous.bundle->sets[which].cms, &was, c->e);
	same = !code && view_equal(buffer_view(&new), was) &&
	       previous_is_valid(before, m->not_before, m->not_after);
	buffer_fini(&new);
	if (code)
		return code;
	if (same) {
		*m = old;
		*ret_before = c->previous.bundle->sets[which].cms;
	}
	return manifest_encode(m, content, c->e);
}

static enum err compile_set(struct compilation *c, size_t which)
{
	const struct rule_needs *set = &c->sets[which];
	struct bundle_set *made = &c->bundle.sets[which];
	struct view before = VIEW_NONE;
	struct manifest manifest = {
		.tenant = view_of_string(c->model->tenant),
		.name = view_of_string(set->name),
		.authority = c->model->authority,
		.roles = view_of_string(set->roles),
		.node = set->node ? VIEW(set->node->key.sha256, NODE_KEY) : VIEW_NONE,
		.serial = c->terms->serial,
		.not_before = c->terms->not_before,
		.not_after = c->terms->not_after,
		.stale_rule = stale_rule(c->model->stale),
		.block = block_of(c->model->authority, c->numbers[which]),
	};
	struct buffer rows, content;
	enum err code;

	buffer_init(&rows, SET_OCTETS_MAX);
	buffer_init(&content, DOCUMENT_MAX);
	code = put_rows(c, set, manifest.block, &rows);
	if (!code)
		code = find_root(c, set, manifest.block, buffer_view(&rows), manifest.root);
	if (!code)
		code = write_manifest(c, &manifest, &content, &before);
	if (!code)
		code = wrap(c, &content, before, &made->cms);
	if (!code) {
		made->block = manifest.block;
		made->rows = arena_copy(&c->arena, buffer_view(&rows));
		c->entries[which] =
			(struct set_entry){.name = manifest.name,
				.serial = manifest.serial,
				.node = manifest.node,
				.roles = set->node ? manifest.roles : VIEW_NONE};
		memcpy(c->entries[which].root, manifest.root, SET_ROOT);
		if (!made->rows.data)
			code = no_memory(c);
	}
	buffer_fini(&rows);
	buffer_fini(&content);
	return code;
}

/* --- assignments, index --- */

/* As for manifests: nothing but serials would be new. */
static enum err write_assignment(struct compilation *c, const struct assignment *a,
	struct buffer *content, struct view *ret_before)
{
	size_t which = previous_assignment(&c->previous, a->node);
	struct assignment old = *a;
	struct view was;
	enum err code;

	if (which == PREVIOUS_NONE)
		return assignment_encode(a, content, c->e);
	old.serial = c->previous.assignments[which].serial;
	old.least_index_serial = c->previous.assignments[which].least_index_serial;
	code = assignment_encode(&old, content, c->e);
	if (!code)
		code = cms_content(c->previous.bundle->assignments[which], &was, c->e);
	if (code)
		return code;
	if (view_equal(buffer_view(content), was)) {
		*ret_before = c->previous.bundle->assignments[which];
		return E_OK;
	}
	buffer_reset(content);
	return assignment_encode(a, content, c->e);
}

/* Each address of each ward. */
static enum err list_wards(
	struct compilation *c, const struct model_node *guardian, struct assignment *ret)
{
	struct assigned_ward *wards;
	size_t count = 0;

	for (size_t i = 0; i < c->model->node_count; i++)
		if (c->model->nodes[i].guardian == guardian)
			count += c->model->nodes[i].addresses.count;
	wards = arena_calloc(&c->arena, count + 1, sizeof *wards);
	if (!wards)
		return no_memory(c);
	count = 0;
	for (size_t i = 0; i < c->model->node_count; i++) {
		const struct model_node *ward = &c->model->nodes[i];

		for (size_t k = 0; ward->guardian == guardian && k < ward->addresses.count; k++) {
			const struct address_range *a = &ward->addresses.items[k];
			const bool six = a->family == FAMILY_IPV6;

			wards[count++] = (struct assigned_ward){.node = view_of_string(ward->name),
				.roles = view_of_string(ward->roles),
				.address_type = six ? 2 : 1,
				.address = VIEW(a->min, six ? 16 : 4),
				.prefix_length = a->prefix_length};
		}
	}
	ret->wards = wards;
	ret->ward_count = count;
	return E_OK;
}

static bool delegation_holds_at(const struct model_delegation *d, const struct model_node *node)
{
	bool holds = d->role_count == 0;

	for (size_t i = 0; i < d->role_count && !holds; i++)
		holds = node_has_role(node, d->roles[i]->name);
	return holds;
}

/* Whom home admits, and to whom it lends its voice. */
static enum err list_authorities(
	struct compilation *c, const struct model_node *node, struct assignment *ret)
{
	const struct model *m = c->model;
	struct assigned_authority *authorities = arena_calloc(
		&c->arena, m->admitted_count + m->delegation_count + 1, sizeof *authorities);
	size_t count = 0;

	if (!authorities)
		return no_memory(c);
	for (size_t i = 0; i < m->admitted_count; i++) {
		const struct model_admitted *a = &m->admitted[i];

		authorities[count++] = (struct assigned_authority){.authority = a->authority,
			.name = view_of_string(a->tenant),
			.trust = a->has_trust ? VIEW(a->trust.sha256, PIN_SIZE) : VIEW_NONE};
	}
	for (size_t i = 0; i < m->delegation_count; i++)
		if (delegation_holds_at(&m->delegations[i], node))
			authorities[count++] = (struct assigned_authority){
				.authority = m->delegations[i].bounds.authority,
				.name = view_of_string(m->delegations[i].name)};
	ret->authorities = authorities;
	ret->authority_count = count;
	return E_OK;
}

/*
 * The delegation of before with its signatures, if it says the same and half of its time is left;
 * else a new one.
 */
static enum err compile_delegation(struct compilation *c, const struct model_delegation *written)
{
	const uint64_t now = c->terms->not_before;
	struct view *made = &c->bundle.delegations[c->bundle.delegation_count++];
	struct delegation d = written->bounds, old;
	struct view before = VIEW_NONE, was = VIEW_NONE;
	struct buffer content;
	enum err code = E_OK;

	d.tenant = view_of_string(c->model->tenant);
	buffer_init(&content, DOCUMENT_MAX);
	for (size_t i = 0; c->previous.bundle && i < c->previous.bundle->delegation_count && !code;
		i++) {
		code = bundle_delegation(c->previous.bundle, i, &c->arena, &old, c->e);
		if (code || !view_equal(old.name, d.name) || old.not_before > now ||
			old.not_after < now + written->valid / 2 ||
			old.not_after > now + written->valid)
			continue;
		d.serial = old.serial;
		d.not_before = old.not_before;
		d.not_after = old.not_after;
		before = c->previous.bundle->delegations[i];
		code = delegation_encode(&d, &content, c->e);
		if (!code)
			code = cms_content(before, &was, c->e);
	}
	if (!code && !(before.len && view_equal(was, buffer_view(&content)))) {
		before = VIEW_NONE;
		d.serial = c->terms->serial;
		d.not_before = now;
		d.not_after = now + written->valid;
		buffer_reset(&content);
		code = delegation_encode(&d, &content, c->e);
	}
	if (!code)
		code = wrap(c, &content, before, made);
	if (code)
		error_prefix(c->e, "the delegation \"%s\"", written->name);
	buffer_fini(&content);
	return code;
}

static enum err compile_delegations(struct compilation *c)
{
	const struct model *m = c->model;
	enum err code = E_OK;

	if (m->delegation_count > BUNDLE_DELEGATIONS_MAX)
		return error_set(c->e, E_LIMIT, "more than %d delegations", BUNDLE_DELEGATIONS_MAX);
	c->bundle.delegations =
		arena_calloc(&c->arena, m->delegation_count + 1, sizeof *c->bundle.delegations);
	if (!c->bundle.delegations)
		return no_memory(c);
	for (size_t i = 0; i < m->delegation_count && !code; i++)
		code = compile_delegation(c, &m->delegations[i]);
	return code;
}

static enum err compile_assignment(struct compilation *c, const struct model_node *node)
{
	struct assigned_interface *interfaces =
		arena_calloc(&c->arena, node->interface_count, sizeof *interfaces);
	struct assignment assignment = {
		.tenant = view_of_string(c->model->tenant),
		.node = view_of_string(node->name),
		.report_key = node->has_report ? VIEW(node->report.sha256, PIN_SIZE) : VIEW_NONE,
		.seal_key = node->has_seal ? VIEW(node->seal.sha256, PIN_SIZE) : VIEW_NONE,
		.roles = view_of_string(node->roles),
		.serial = c->terms->serial,
		.least_index_serial = c->terms->serial,
		.interfaces = interfaces,
		.interface_count = node->interface_count,
	};
	struct view before = VIEW_NONE;
	struct buffer content;
	enum err code;

	if (!interfaces)
		return no_memory(c);
	memcpy(assignment.node_key, node->key.sha256, NODE_KEY);
	for (size_t i = 0; i < node->interface_count; i++)
		interfaces[i] = (struct assigned_interface){
			.name = view_of_string(node->interfaces[i].name),
			.roles = view_of_string(node->interfaces[i].roles)};
	code = list_wards(c, node, &assignment);
	if (!code)
		code = list_authorities(c, node, &assignment);
	if (code)
		return code;
	buffer_init(&content, DOCUMENT_MAX);
	code = write_assignment(c, &assignment, &content, &before);
	if (!code)
		code = wrap(
			c, &content, before, &c->bundle.assignments[c->bundle.assignment_count]);
	if (!code)
		c->bundle.assignment_count++;
	buffer_fini(&content);
	return code;
}

static enum err compile_index(struct compilation *c)
{
	const struct set_index index = {
		.tenant = view_of_string(c->model->tenant),
		.authority = c->model->authority,
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
		code = wrap(c, &content, VIEW_NONE, &c->bundle.index);
	buffer_fini(&content);
	return code;
}

static int by_block(const void *a, const void *b)
{
	const struct bundle_set *x = a, *y = b;

	return (x->block > y->block) - (x->block < y->block);
}

static enum err read_previous(struct compilation *c)
{
	const struct bundle *bundle = c->terms->previous;
	enum err code;

	if (!bundle)
		return E_OK;
	code = previous_read(&c->previous, bundle, c->model->tenant, &c->arena, c->e);
	if (!code && bundle->authority != c->model->authority)
		code = error_set(c->e, E_MISMATCH, "it is of authority %s, the policy of %s",
			authority_name(bundle->authority), authority_name(c->model->authority));
	if (code)
		error_prefix(c->e, "the previous bundle");
	if (!code && c->terms->serial <= c->previous.serial)
		code = error_set(c->e, E_STALE, "the serial must be %llu at least",
			(unsigned long long)c->previous.serial + 1);
	return code;
}

static enum err compile_all(struct compilation *c)
{
	const struct model *m = c->model;
	enum err code = read_previous(c);

	if (!code)
		code = find_sets(c);
	if (!code)
		code = number_sets(c);
	if (code)
		return code;
	c->bundle.sets = arena_calloc(&c->arena, c->set_count + 1, sizeof *c->bundle.sets);
	c->entries = arena_calloc(&c->arena, c->set_count + 1, sizeof *c->entries);
	c->bundle.assignments =
		arena_calloc(&c->arena, m->node_count + 1, sizeof *c->bundle.assignments);
	if (!c->bundle.sets || !c->entries || !c->bundle.assignments)
		return no_memory(c);
	c->bundle.authority = m->authority;
	c->bundle.set_count = c->set_count;
	/* The list of those who may sign is not the policy's to change. */
	if (c->previous.bundle)
		c->bundle.trust = c->previous.bundle->trust;
	code = compile_delegations(c);
	for (size_t i = 0; i < c->set_count && !code; i++)
		code = compile_set(c, i);
	if (c->set_count)
		qsort(c->bundle.sets, c->set_count, sizeof *c->bundle.sets, by_block);
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
