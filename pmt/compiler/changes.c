/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/changes.h"

#include "common/crypto/cms.h"
#include "pib/store/store.h"

static const struct bundle nothing;

static enum err no_memory(struct error *e)
{
	return error_set(e, E_MEMORY, "out of memory");
}

/* --- sets --- */

static void count_rows(
	const struct pri_store *new, const struct pri_store *old, struct set_change *change)
{
	struct pri_cursor c = pri_store_all(new);
	struct pri_row row, was;
	size_t met = 0;

	while (pri_store_next(&c, &row)) {
		if (!pri_store_find(old, &row.prid, &was)) {
			change->added++;
			continue;
		}
		met++;
		change->changed += !view_equal(row.objects, was.objects);
	}
	change->removed = pri_store_count(old) - met;
}

static enum err compare_rows(
	struct view new, struct view old, struct set_change *change, struct error *e)
{
	struct pri_store *stores[2] = {NULL, NULL};
	struct pri_failures failures;
	enum err code;

	pri_failures_init(&failures);
	code = pri_store_build(&new, 1, &stores[0], &failures, e);
	if (!code)
		code = pri_store_build(&old, 1, &stores[1], &failures, e);
	if (!code) {
		change->pris = pri_store_count(stores[0]);
		count_rows(stores[0], stores[1], change);
	}
	pri_store_free(stores[0]);
	pri_store_free(stores[1]);
	return code;
}

/* The set of this name; NULL if there is none. */
static enum err find_set(const struct bundle *b, struct view name, const struct bundle_set **ret,
	struct manifest *ret_manifest, struct error *e)
{
	*ret = NULL;
	for (size_t i = 0; i < b->set_count && !*ret; i++) {
		enum err code = bundle_manifest(b, i, ret_manifest, e);

		if (code)
			return code;
		if (view_equal(ret_manifest->name, name))
			*ret = &b->sets[i];
	}
	return E_OK;
}

static enum err compare_set(const struct bundle *bundle, size_t which,
	const struct bundle *previous, struct set_change *change, struct error *e)
{
	struct manifest new, old;
	const struct bundle_set *before = NULL;
	enum err code = bundle_manifest(bundle, which, &new, e);

	if (!code)
		code = find_set(previous, new.name, &before, &old, e);
	if (code)
		return code;
	*change = (struct set_change){.name = new.name, .serial = new.serial};
	code = compare_rows(bundle->sets[which].rows, before ? before->rows : VIEW_NONE, change, e);
	if (!before)
		change->change = CHANGE_NEW;
	else if (change->added || change->changed || change->removed)
		change->change = CHANGE_CONTENT;
	else
		change->change = old.serial == new.serial ? CHANGE_NONE : CHANGE_RENEWED;
	return code;
}

static enum err add_gone_sets(const struct bundle *bundle, const struct bundle *previous,
	struct changes *c, struct error *e)
{
	for (size_t i = 0; i < previous->set_count; i++) {
		const struct bundle_set *now;
		struct manifest old, new;
		struct set_change gone = {.change = CHANGE_GONE};
		enum err code = bundle_manifest(previous, i, &old, e);

		if (!code)
			code = find_set(bundle, old.name, &now, &new, e);
		if (!code && !now)
			code = compare_rows(VIEW_NONE, previous->sets[i].rows, &gone, e);
		if (code)
			return code;
		if (now)
			continue;
		gone.name = old.name;
		gone.serial = old.serial;
		c->sets[c->set_count++] = gone;
	}
	return E_OK;
}

static enum err compare_sets(const struct bundle *bundle, const struct bundle *previous,
	struct arena *arena, struct changes *c, struct error *e)
{
	c->sets = arena_calloc(arena, bundle->set_count + previous->set_count + 1, sizeof *c->sets);
	if (!c->sets)
		return no_memory(e);
	for (size_t i = 0; i < bundle->set_count; i++) {
		enum err code = compare_set(bundle, i, previous, &c->sets[c->set_count++], e);

		if (code)
			return code;
	}
	return add_gone_sets(bundle, previous, c, e);
}

/* --- assignments --- */

static enum err read_assignments(
	const struct bundle *b, struct arena *arena, struct assignment **ret, struct error *e)
{
	enum err code = E_OK;

	*ret = arena_calloc(arena, b->assignment_count + 1, sizeof **ret);
	if (!*ret)
		return no_memory(e);
	for (size_t i = 0; i < b->assignment_count && !code; i++)
		code = bundle_assignment(b, i, arena, &(*ret)[i], e);
	return code;
}

static const struct assignment *find_node(
	const struct assignment *list, size_t count, struct view node)
{
	for (size_t i = 0; i < count; i++)
		if (view_equal(list[i].node, node))
			return &list[i];
	return NULL;
}

static enum err compare_nodes(const struct bundle *bundle, const struct bundle *previous,
	struct arena *arena, struct changes *c, struct error *e)
{
	const size_t new_count = bundle->assignment_count, old_count = previous->assignment_count;
	struct assignment *new, *old;
	enum err code = read_assignments(bundle, arena, &new, e);

	if (!code)
		code = read_assignments(previous, arena, &old, e);
	if (code)
		return code;
	c->nodes = arena_calloc(arena, new_count + old_count + 1, sizeof *c->nodes);
	if (!c->nodes)
		return no_memory(e);
	for (size_t i = 0; i < new_count; i++) {
		const struct assignment *was = find_node(old, old_count, new[i].node);

		c->nodes[c->node_count++] = (struct node_change){
			new[i].node, !was                           ? CHANGE_NEW
				     : was->serial == new[i].serial ? CHANGE_NONE
								    : CHANGE_CONTENT};
	}
	for (size_t i = 0; i < old_count; i++)
		if (!find_node(new, new_count, old[i].node))
			c->nodes[c->node_count++] = (struct node_change){old[i].node, CHANGE_GONE};
	return E_OK;
}

/* --- signatures --- */

static enum err count_signed(struct changes *c, struct view document, struct error *e)
{
	struct cms_info info;
	enum err code = cms_inspect(document, &info, e);

	if (code)
		return code;
	c->documents++;
	c->signed_documents += info.signers > 0;
	return E_OK;
}

static enum err count_documents(const struct bundle *b, struct changes *c, struct error *e)
{
	enum err code = count_signed(c, b->index, e);

	for (size_t i = 0; i < b->assignment_count && !code; i++)
		code = count_signed(c, b->assignments[i], e);
	for (size_t i = 0; i < b->set_count && !code; i++)
		code = count_signed(c, b->sets[i].cms, e);
	return code;
}

enum err changes_find(const struct bundle *bundle, const struct bundle *previous,
	struct arena *arena, struct changes *ret, struct error *e)
{
	struct changes c = {0};
	enum err code;

	if (!previous)
		previous = &nothing;
	code = compare_sets(bundle, previous, arena, &c, e);
	if (!code)
		code = compare_nodes(bundle, previous, arena, &c, e);
	if (!code)
		code = count_documents(bundle, &c, e);
	if (!code)
		*ret = c;
	return code;
}
