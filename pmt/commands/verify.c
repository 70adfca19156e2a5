/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/crypto/cms.h"
#include "pib/set/state.h"
#include "pmt/commands/command.h"

enum { OPTION_THRESHOLD = 256, OPTION_TIME, OPTION_IN_FORCE };

const struct option_row verify_options[] = {
	{'t', "trust", "FILE", "certificates of those who may sign (PEM)"},
	{OPTION_THRESHOLD, "threshold", "NUMBER", "how many of them must have signed; else 1"},
	{OPTION_IN_FORCE, "in-force", "BUNDLE", "nodes have this one's trust list"},
	{OPTION_TIME, "time", "TIME", "take this as the present time"},
	{0},
};

static void print_verified(const struct state *state, const struct cms_result *result)
{
	printf("tenant %.*s, serial %" PRIu64 ", %zu sets, %zu nodes\n",
		(int)state->home.index.tenant.len, (const char *)state->home.index.tenant.data,
		state->home.index.serial, state->set_count, state->assignment_count);
	for (size_t i = 0; i < result->signers; i++) {
		char pin[PIN_TEXT_SIZE];

		pin_format(&result->pins[i], pin);
		printf("signed by %s\n", pin);
	}
}

/* Who signed, of those who may: by the bundle's own list, if it has one. */
static enum err verify_index(const struct bundle_file *f, const struct trust *setup,
	struct cms_result *ret, struct error *e)
{
	struct trust *listed = NULL;
	struct trust_list list;
	struct arena arena;
	enum err code = E_OK;

	arena_init(&arena, 1 << 20);
	if (f->bundle.trust.len) {
		code = bundle_trust(&f->bundle, &arena, &list, e);
		if (!code)
			code = trust_list_signers(&list, TRUST_POLICY, &listed, e);
	}
	if (!code)
		code = cms_verify(f->bundle.index, listed ? listed : setup, ret, e);
	trust_free(listed);
	arena_fini(&arena);
	return code;
}

/*
 * What a PDP will do with the bundle, and all that each node will, but for its own floors. Of a
 * refusal everything that was found is printed: the first is in *e, the others here.
 */
static enum err verify_bundle(
	const struct bundle_file *f, const struct state_terms *terms, struct error *e)
{
	struct view objects = bundle_file_objects(f);
	struct pri_failures failures;
	struct pri_store *rows = NULL;
	struct state *state = NULL;
	struct cms_result result;
	enum err code;

	pri_failures_init(&failures);
	code = pri_store_build(&objects, 1, &rows, &failures, e);
	if (!code)
		code = state_verify_bundle(rows, terms, &state, &failures, e);
	for (size_t i = 1; code && i < failures.count; i++)
		fprintf(stderr, "pmt verify: %s\n", failures.list[i].text);
	if (!code)
		code = verify_index(f, terms->trust, &result, e);
	if (!code)
		print_verified(state, &result);
	state_free(state);
	pri_store_free(rows);
	return code;
}

int command_verify(void *context, int argc, char **argv)
{
	struct state_terms terms = {.now_utc = now_utc()};
	const char *trust_path = NULL, *in_force = NULL, *path;
	struct bundle_file now = {0};
	uint64_t threshold = 1;
	int id, status = EXIT_SUCCESS;
	struct trust *trust = NULL;
	struct bundle_file f;
	struct options o;
	struct error e;
	enum err code;

	(void)context;
	command_begin(&o, verify_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		if (id == 't')
			trust_path = o.value;
		else if (id == OPTION_IN_FORCE)
			in_force = o.value;
		else if (id == OPTION_THRESHOLD &&
			 !command_number(argv[0], "threshold", o.value, &threshold))
			return EXIT_BAD_USAGE;
		else if (id == OPTION_TIME &&
			 !command_time(argv[0], "time", o.value, &terms.now_utc))
			return EXIT_BAD_USAGE;
	}
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	if (!trust_path)
		return command_misused(argv[0], "--trust is missing");
	if (threshold > UINT32_MAX)
		return command_misused(argv[0], "the threshold is too great");
	code = trust_load(trust_path, (uint32_t)threshold, &trust, &e);
	if (code)
		return command_failed(argv[0], &e);
	terms.trust = trust;
	arena_init(&now.arena, 1);
	code = bundle_file_read(&f, path, &e);
	if (!code && in_force)
		code = bundle_file_read(&now, in_force, &e);
	if (!code && now.bundle.trust.len)
		code = cms_content(now.bundle.trust, &terms.trust_in_force, &e);
	if (!code)
		code = verify_bundle(&f, &terms, &e);
	bundle_file_fini(&f);
	bundle_file_fini(&now);
	trust_free(trust);
	return code ? command_failed(argv[0], &e) : EXIT_SUCCESS;
}
