/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/delta.h"

#include <stdlib.h>

#include "common/cops/pr.h"
#include "pdp/decision/guests.h"
#include "pib/store/difference.h"

/* A set's block in two publications. */
struct change {
	size_t from, to;       /* numbers of the set there; NO_SET: the block is empty */
	size_t removes, installs; /* where its part of the buffers ends */
};

enum { NO_SET = SIZE_MAX };

struct delta {
	const struct publication *from, *to;
	struct buffer removes, installs; /* of the sets that are in both, one behind the other */
	size_t count;
	struct change changes[]; /* by ascending block */
};

void update_init(struct update *u)
{
	buffer_init(&u->removes, COPS_MESSAGE_LIMIT);
	buffer_init(&u->installs, COPS_MESSAGE_LIMIT);
}

void update_fini(struct update *u)
{
	buffer_fini(&u->removes);
	buffer_fini(&u->installs);
}

/* The first failure of the buffers, too. */
static enum err update_finish(struct update *u, enum err result,
	const struct publication_node *node, struct error *error)
{
	enum err full = u->removes.error ? u->removes.error : u->installs.error;

	if (!result && full)
		result = error_set(
			error, full, "state of node %s: %s", node->name, err_text(full));
	if (result) {
		buffer_reset(&u->removes);
		buffer_reset(&u->installs);
	}
	return result;
}

void update_reset(struct update *u)
{
	buffer_reset(&u->removes);
	buffer_reset(&u->installs);
}

enum err update_full(struct update *u, const struct publication *p, const struct guests *guests,
	const struct publication_node *node, const char *pdp_name, struct error *error)
{
	enum err result;

	pri_store_put_all_classes(&u->removes);
	result = publication_put_node(p, node, pdp_name, &u->installs, error);
	if (!result && guests)
		guests_put(guests, p, node, &u->installs);
	return update_finish(u, result, node, error);
}

/* ---- What changed, for whomever ---- */

static enum err store_of(struct view objects, struct pri_store **ret_store, struct error *error)
{
	struct pri_failures *failures = malloc(sizeof *failures);
	enum err result;

	if (!failures)
		return error_set(error, E_MEMORY, "delta: out of memory");
	pri_failures_init(failures);
	result = pri_store_build(&objects, 1, ret_store, failures, error);
	free(failures);
	return result;
}

static enum err compare_set(struct delta *d, struct view before, struct view after,
	struct error *error)
{
	struct pri_store *old = NULL, *new = NULL;
	enum err result;

	if (view_equal(before, after))
		return E_OK;
	result = store_of(before, &old, error);
	if (!result)
		result = store_of(after, &new, error);
	if (!result) {
		result = pri_store_difference(old, new, &d->removes, &d->installs);
		if (result)
			error_set(error, result, "delta: %s", err_text(result));
	}
	pri_store_free(old);
	pri_store_free(new);
	return result;
}

static uint64_t block_at(const struct publication *p, size_t set)
{
	return set < publication_set_count(p) ? publication_manifest(p, set)->block : UINT64_MAX;
}

static enum err compare_sets(struct delta *d, struct error *error)
{
	size_t from = 0, to = 0;
	enum err result = E_OK;

	while (!result) {
		uint64_t old = block_at(d->from, from), new = block_at(d->to, to);
		struct change *c = &d->changes[d->count];

		if (old == UINT64_MAX && new == UINT64_MAX)
			break;
		c->from = old <= new ? from++ : NO_SET;
		c->to = new <= old ? to++ : NO_SET;
		if (old == new)
			result = compare_set(d, publication_set_objects(d->from, c->from),
				publication_set_objects(d->to, c->to), error);
		c->removes = d->removes.len;
		c->installs = d->installs.len;
		d->count++;
	}
	return result;
}

enum err delta_new(const struct publication *from, const struct publication *to,
	struct delta **ret_delta, struct error *error)
{
	size_t room = publication_set_count(from) + publication_set_count(to);
	struct delta *d = calloc(1, sizeof *d + room * sizeof d->changes[0]);
	enum err result;

	if (!d)
		return error_set(error, E_MEMORY, "delta: out of memory");
	d->from = from;
	d->to = to;
	buffer_init(&d->removes, PUBLICATION_MAX);
	buffer_init(&d->installs, PUBLICATION_MAX);
	result = compare_sets(d, error);
	if (result)
		delta_free(d);
	else
		*ret_delta = d;
	return result;
}

struct delta *delta_free(struct delta *d)
{
	if (d) {
		buffer_fini(&d->removes);
		buffer_fini(&d->installs);
		free(d);
	}
	return NULL;
}

/* ---- What one node gets of it ---- */

static struct view part(const struct buffer *b, size_t start, size_t end)
{
	return end > start ? VIEW(b->data + start, end - start) : VIEW_NONE;
}

/* The node loses the set whole. */
static enum err remove_set(struct view objects, struct buffer *removes)
{
	struct cursor run = cursor_over(objects);
	struct pr_object object;

	while (cursor_left(&run)) {
		if (pr_next(&run, &object))
			return run.error;
		if (object.s_num == PR_PRID)
			pr_put(removes, PR_PRID, object.contents);
	}
	return E_OK;
}

static enum err put_sets(struct update *u, const struct delta *d,
	const struct publication_node *before, const struct publication_node *node,
	struct error *error)
{
	size_t removes = 0, installs = 0;
	enum err result = E_OK;

	for (size_t i = 0; !result && i < d->count; i++) {
		const struct change *c = &d->changes[i];
		bool had = c->from != NO_SET && publication_demands(d->from, before, c->from);
		bool gets = c->to != NO_SET && publication_demands(d->to, node, c->to);

		if (had && gets) {
			buffer_put_view(&u->removes, part(&d->removes, removes, c->removes));
			buffer_put_view(&u->installs, part(&d->installs, installs, c->installs));
		} else if (had) {
			result = remove_set(publication_set_objects(d->from, c->from), &u->removes);
			if (result)
				error_set(error, result, "delta: %s", err_text(result));
		} else if (gets) {
			buffer_put_view(&u->installs, publication_set_objects(d->to, c->to));
		}
		removes = c->removes;
		installs = c->installs;
	}
	return result;
}

enum err update_delta(struct update *u, const struct delta *d, const struct publication_node *node,
	const char *pdp_name, struct error *error)
{
	const struct publication_node *before = publication_find_name(d->from, node->name);
	enum err result;

	if (!before)
		return error_set(error, E_NOT_FOUND, "node %s is new", node->name);
	if (!publication_same_delegations(d->from, d->to))
		return error_set(error, E_NOT_FOUND, "other delegations than before");
	result = publication_put_head(d->to, node, pdp_name, d->from, &u->installs, error);
	if (!result)
		result = put_sets(u, d, before, node, error);
	if (!result && u->removes.len + u->installs.len > publication_node_octets(d->to, node))
		result = error_set(error, E_LIMIT, "the full state of node %s is shorter",
			node->name);
	return update_finish(u, result, node, error);
}
