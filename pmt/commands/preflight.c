/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/preflight.h"

#include <inttypes.h>

#include "common/crypto/cms.h"
#include "pib/set/state.h"

/* Some of several signers are missing here if there are more of them elsewhere. */
static enum err check_signers(
	struct view document, const char *what, struct view name, size_t wanted, struct error *e)
{
	struct cms_info info = {0};
	enum err code = cms_inspect(document, &info, e);

	if (code || info.signers >= wanted)
		return code;
	return error_set(e, E_UNTRUSTED,
		info.signers ? "the %s%.*s is signed by %zu, others by %zu"
			     : "the %s%.*s is not signed",
		what, (int)name.len, (const char *)name.data, info.signers, wanted);
}

static enum err check_signed(struct bundle_file *f, struct error *e)
{
	struct cms_info info = {0};
	struct assignment a;
	struct manifest m;
	enum err code = cms_inspect(f->bundle.index, &info, e);

	if (!code && info.signers == 0)
		code = error_set(e, E_UNTRUSTED, "the bundle is not signed");
	for (size_t i = 0; i < f->bundle.assignment_count && !code; i++) {
		code = bundle_assignment(&f->bundle, i, &f->arena, &a, e);
		if (!code)
			code = check_signers(f->bundle.assignments[i], "assignment of ", a.node,
				info.signers, e);
	}
	for (size_t i = 0; i < f->bundle.set_count && !code; i++) {
		code = bundle_manifest(&f->bundle, i, &m, e);
		if (!code)
			code = check_signers(
				f->bundle.sets[i].cms, "set ", m.name, info.signers, e);
	}
	return code;
}

static enum err check_time(const struct set_index *index, struct error *e)
{
	const uint64_t now = now_utc();
	struct buffer when;
	enum err code = E_OK;

	buffer_init(&when, 64);
	if (index->not_after < now) {
		print_time(index->not_after, &when);
		code = error_set(e, E_RANGE, "the bundle has expired: it was valid until %s",
			buffer_string(&when));
	} else if (index->not_before > now) {
		print_time(index->not_before, &when);
		code = error_set(e, E_RANGE, "the bundle is not valid yet: it is from %s on",
			buffer_string(&when));
	}
	buffer_fini(&when);
	return code;
}

static enum err check_trust(const struct preflight *w, const struct bundle_file *f, struct error *e)
{
	struct state_terms terms = {.now_utc = now_utc()};
	struct view objects = bundle_file_objects(f);
	struct pri_failures failures;
	struct pri_store *rows = NULL;
	struct trust *trust = NULL;
	struct bundle_file now = {0};
	struct state *state = NULL;
	enum err code = trust_load(w->trust, (uint32_t)w->threshold, &trust, e);

	terms.trust = trust;
	arena_init(&now.arena, 1);
	if (!code && w->in_force)
		code = bundle_file_read(&now, w->in_force, e);
	if (!code && now.bundle.trust.len)
		code = cms_content(now.bundle.trust, &terms.trust_in_force, e);
	pri_failures_init(&failures);
	if (!code)
		code = pri_store_build(&objects, 1, &rows, &failures, e);
	if (!code)
		code = state_verify_bundle(rows, &terms, &state, &failures, e);
	state_free(state);
	pri_store_free(rows);
	bundle_file_fini(&now);
	trust_free(trust);
	return code;
}

static enum err check_newer(
	const struct preflight *w, const struct set_index *index, struct error *e)
{
	struct bundle_file now;
	struct set_index old;
	enum err code = bundle_file_read(&now, w->in_force, e);

	if (!code)
		code = bundle_index(&now.bundle, &now.arena, &old, e);
	if (!code && !view_equal(old.tenant, index->tenant))
		code = error_set(e, E_MISMATCH, "the bundle is of the tenant %.*s, %s of %.*s",
			(int)index->tenant.len, (const char *)index->tenant.data, w->in_force,
			(int)old.tenant.len, (const char *)old.tenant.data);
	else if (!code && index->serial <= old.serial)
		code = error_set(e, E_RANGE,
			"the bundle has the serial %" PRIu64 ", what is in force has %" PRIu64,
			index->serial, old.serial);
	bundle_file_fini(&now);
	return code;
}

enum err preflight_check(
	const struct preflight *w, struct bundle_file *f, struct set_index *index, struct error *e)
{
	enum err code = bundle_file_read(f, w->path, e);

	if (!code)
		code = check_signed(f, e);
	if (!code)
		code = bundle_index(&f->bundle, &f->arena, index, e);
	if (!code)
		code = check_time(index, e);
	if (!code && w->trust)
		code = check_trust(w, f, e);
	if (!code && w->in_force)
		code = check_newer(w, index, e);
	return code;
}
