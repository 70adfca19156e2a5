/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of a bundle.
 *
 * Reaches: bundle_read, bundle_read_objects, bundle_index, bundle_assignment, bundle_manifest,
 * bundle_write, envelope_open, and state_verify_bundle up to the signatures.
 */
#include "common/cops/pr.h"
#include "common/crypto/trust.h"
#include "pib/set/bundle.h"
#include "pib/set/envelope.h"
#include "pib/set/state.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_MAX = 16 << 20, FILE_MAX = 1 << 20 };

static void same_bundle(const struct bundle *a, const struct bundle *b)
{
	REQUIRE(view_equal(a->index, b->index) && a->assignment_count == b->assignment_count);
	for (size_t i = 0; i < a->assignment_count; i++)
		REQUIRE(view_equal(a->assignments[i], b->assignments[i]));
	REQUIRE(a->set_count == b->set_count);
	for (size_t i = 0; i < a->set_count; i++) {
		REQUIRE(a->sets[i].block == b->sets[i].block);
		REQUIRE(view_equal(a->sets[i].cms, b->sets[i].cms));
		REQUIRE(view_equal(a->sets[i].rows, b->sets[i].rows));
	}
}

static void round_trip(const struct bundle *b, struct arena *arena)
{
	struct bundle again;
	struct buffer first, second;
	struct error e;

	buffer_init(&first, FILE_MAX);
	buffer_init(&second, FILE_MAX);
	REQUIRE(bundle_write(b, &first, &e) == E_OK);
	REQUIRE(bundle_read(buffer_view(&first), arena, &again, &e) == E_OK);
	same_bundle(b, &again);
	REQUIRE(bundle_write(&again, &second, &e) == E_OK);
	REQUIRE(view_equal(buffer_view(&first), buffer_view(&second)));
	buffer_fini(&first);
	buffer_fini(&second);
}

/* Nothing stands in an envelope beside what is signed: it would travel with the signature, and mean
 * nothing or anything. */
static void envelopes(struct view objects)
{
	struct cursor run = cursor_over(objects);
	struct pr_object name, values;

	while (cursor_left(&run)) {
		struct pib_fault fault;
		struct prid prid;
		struct error e;
		struct pri pri;

		REQUIRE(pr_next(&run, &name) == E_OK && pr_next(&run, &values) == E_OK);
		if (prid_decode(name.contents, &prid, &fault, &e) || !envelope_is(prid.class))
			continue;
		REQUIRE(epd_decode(&prid, values.contents, &pri, &fault, &e) == E_OK);
		REQUIRE(!pri.extra);
		for (unsigned a = 1; a <= prid.class->attribute_count; a++)
			if (pri.values[a - 1].state == PRI_SET)
				REQUIRE(a == 1 || a == envelope_attribute(prid.class));
	}
}

static void documents(const struct bundle *b, struct arena *arena)
{
	struct assignment assignment;
	struct manifest manifest;
	struct set_index index;
	struct error e;

	fuzz_either(bundle_index(b, arena, &index, &e));
	for (size_t i = 0; i < b->assignment_count; i++)
		fuzz_either(bundle_assignment(b, i, arena, &assignment, &e));
	for (size_t i = 0; i < b->set_count; i++)
		fuzz_either(bundle_manifest(b, i, &manifest, &e));
}

/* Nothing that a fuzzer makes carries a signature of this list. */
static void verify(struct view objects)
{
	struct pri_failures failures;
	struct pri_store *rows;
	struct state *state;
	struct trust *trust;
	struct error e;

	REQUIRE(trust_load(fuzz_trust(), 1, &trust, &e) == E_OK);
	pri_failures_init(&failures);
	if (pri_store_build(&objects, 1, &rows, &failures, &e) == E_OK) {
		struct state_terms terms = {.trust = trust, .now_utc = 1800000000};

		if (state_verify_bundle(rows, &terms, &state, &failures, &e) == E_OK)
			state_free(state);
		else
			fuzz_require_sentence(e.code, &e);
		pri_store_free(rows);
	}
	trust_free(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct bundle b;
	struct error e;

	arena_init(&arena, ARENA_MAX);
	if (bundle_read(VIEW(data, size), &arena, &b, &e) == E_OK) {
		round_trip(&b, &arena);
		envelopes(b.objects);
		documents(&b, &arena);
		verify(b.objects);
		fuzz_accepted = true;
	} else {
		fuzz_require_sentence(e.code, &e);
	}
	arena_fini(&arena);
	return 0;
}
