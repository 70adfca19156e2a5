/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/stored.h"

#include <stdlib.h>

#include "pep/enforce/decision.h"
#include "pib/set/bundle.h"

enum err stored_put(const struct state *state, struct buffer *out, struct error *e)
{
	struct buffer rows;
	struct bundle b = {
		.authority = AUTHORITY_HOME,
		.index = state->index_cms,
		.trust = state->trust ? state->trust->cms : VIEW_NONE,
		.assignment_count = 1,
	};
	struct view assignment = state->assignments[0].cms;
	struct bundle_set *sets = calloc(state->set_count + 1, sizeof *sets);
	size_t *ends = calloc(state->set_count + 1, sizeof *ends);
	enum err err = E_MEMORY;

	buffer_init(&rows, PRI_STORE_MAX_OCTETS);
	if (!sets || !ends)
		goto out;
	for (size_t i = 0; i < state->set_count; i++) {
		pri_store_put(state->sets[i].rows, &rows);
		ends[i] = rows.len;
	}
	err = rows.error;
	if (err)
		goto out;
	for (size_t i = 0; i < state->set_count; i++) {
		size_t start = i ? ends[i - 1] : 0;

		sets[i] = (struct bundle_set){
			.block = state->sets[i].manifest.block,
			.cms = state->sets[i].cms,
			.rows = ends[i] > start ? VIEW(rows.data + start, ends[i] - start)
			                        : VIEW_NONE,
		};
	}
	b.assignments = &assignment;
	b.sets = sets;
	b.set_count = state->set_count;
	err = bundle_write(&b, out, e);
out:
	if (err == E_MEMORY || rows.error)
		error_set(e, err, "no memory to store the state");
	buffer_fini(&rows);
	free(sets);
	free(ends);
	return err;
}

enum err stored_read(struct view octets, struct pri_store **ret, struct error *e)
{
	struct pri_failures failures;
	struct bundle bundle;
	struct view objects;
	struct arena arena;
	enum err err;

	arena_init(&arena, DECISION_ARENA_MAX);
	pri_failures_init(&failures);
	err = bundle_read(octets, &arena, &bundle, e);
	if (!err) {
		objects = VIEW(octets.data + BUNDLE_HEADER, octets.len - BUNDLE_HEADER);
		err = pri_store_build(&objects, 1, ret, &failures, e);
	}
	arena_fini(&arena);
	return err;
}
