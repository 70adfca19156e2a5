/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/renew.h"

#include <string.h>

#include "common/crypto/cms.h"
#include "pmt/compiler/previous.h"

struct run {
	const struct bundle *old, *in_force;
	const struct renew_terms *terms;
	struct previous now;
	struct arena *arena;
	struct bundle *made;
	struct set_index index;
	struct set_entry *entries;
	struct renew_summary *summary;
	struct error *e;
};

static enum err no_memory(struct run *r)
{
	return error_set(r->e, E_MEMORY, "out of memory");
}

/* The content without a signature. */
static enum err wrap(struct run *r, struct buffer *content, struct view *ret)
{
	struct buffer cms;
	enum err code;

	buffer_init(&cms, CMS_CONTENT_MAX);
	code = cms_wrap(buffer_view(content), &cms, r->e);
	if (!code) {
		*ret = arena_copy(r->arena, buffer_view(&cms));
		if (!ret->data)
			code = no_memory(r);
	}
	buffer_fini(&cms);
	r->summary->renewed++;
	return code;
}

/* Does the document that is in force say the same, but for what is told by its own terms? */
static enum err says_the_same(
	struct run *r, struct view document, struct buffer *content, bool *ret)
{
	struct view was;
	enum err code = cms_content(document, &was, r->e);

	*ret = !code && view_equal(was, buffer_view(content));
	return code;
}

static enum err renew_set(struct run *r, size_t which)
{
	struct bundle_set *set = &r->made->sets[which];
	struct manifest m, now;
	struct buffer content;
	size_t known;
	bool same = false;
	enum err code = bundle_manifest(r->old, which, &m, r->e);

	if (code)
		return code;
	*set = r->old->sets[which];
	known = previous_set(&r->now, m.name);
	buffer_init(&content, DOCUMENT_MAX);
	if (known != PREVIOUS_NONE) {
		now = r->now.manifests[known];
		m.serial = now.serial;
		m.not_before = now.not_before;
		m.not_after = now.not_after;
		code = manifest_encode(&m, &content, r->e);
		if (!code)
			code = says_the_same(r, r->in_force->sets[known].cms, &content, &same);
		same = same && previous_is_valid(&now, r->terms->not_before, r->terms->not_after);
	}
	if (!code && same) {
		set->cms = r->in_force->sets[known].cms;
		r->summary->kept++;
	} else if (!code) {
		m.serial = r->summary->serial;
		m.not_before = r->terms->not_before;
		m.not_after = r->terms->not_after;
		buffer_reset(&content);
		code = manifest_encode(&m, &content, r->e);
		if (!code)
			code = wrap(r, &content, &set->cms);
	}
	r->entries[which] = (struct set_entry){.name = m.name, .serial = m.serial};
	memcpy(r->entries[which].root, m.root, SET_ROOT);
	buffer_fini(&content);
	return code;
}

static enum err renew_assignment(struct run *r, size_t which)
{
	struct assignment a;
	struct buffer content;
	size_t known;
	bool same = false;
	enum err code = bundle_assignment(r->old, which, r->arena, &a, r->e);

	if (code)
		return code;
	known = previous_assignment(&r->now, a.node);
	buffer_init(&content, DOCUMENT_MAX);
	if (known != PREVIOUS_NONE) {
		a.serial = r->now.assignments[known].serial;
		a.least_index_serial = r->now.assignments[known].least_index_serial;
		code = assignment_encode(&a, &content, r->e);
		if (!code)
			code = says_the_same(r, r->in_force->assignments[known], &content, &same);
	}
	if (!code && same) {
		r->made->assignments[which] = r->in_force->assignments[known];
		r->summary->kept++;
	} else if (!code) {
		a.serial = a.least_index_serial = r->summary->serial;
		buffer_reset(&content);
		code = assignment_encode(&a, &content, r->e);
		if (!code)
			code = wrap(r, &content, &r->made->assignments[which]);
	}
	buffer_fini(&content);
	return code;
}

static enum err renew_index(struct run *r)
{
	struct set_index index = r->index;
	struct buffer content;
	enum err code;

	index.serial = r->summary->serial;
	index.not_before = r->terms->not_before;
	index.not_after = r->terms->not_after;
	index.entries = r->entries;
	index.entry_count = r->old->set_count;
	buffer_init(&content, DOCUMENT_MAX);
	code = set_index_encode(&index, &content, r->e);
	if (!code)
		code = wrap(r, &content, &r->made->index);
	r->summary->renewed--;
	buffer_fini(&content);
	return code;
}

static enum err find_left_out(struct run *r)
{
	const size_t count = r->in_force->assignment_count;
	const char **names = arena_calloc(r->arena, count + 1, sizeof *names);
	struct assignment a;

	if (!names)
		return no_memory(r);
	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (size_t k = 0; k < r->old->assignment_count && !found; k++) {
			enum err code = bundle_assignment(r->old, k, r->arena, &a, r->e);

			if (code)
				return code;
			found = view_equal(a.node, r->now.assignments[i].node);
		}
		if (found)
			continue;
		names[r->summary->left_out_count] =
			(const char *)arena_copy(r->arena, r->now.assignments[i].node).data;
		if (!names[r->summary->left_out_count++])
			return no_memory(r);
	}
	r->summary->left_out = names;
	return E_OK;
}

static enum err set_serial(struct run *r)
{
	struct set_index now;
	enum err code = bundle_index(r->in_force, r->arena, &now, r->e);

	if (code)
		return code;
	if (now.serial == UINT64_MAX)
		return error_set(r->e, E_LIMIT, "what is in force has the last serial there is");
	r->summary->serial = r->terms->serial ? r->terms->serial : now.serial + 1;
	if (r->summary->serial <= now.serial)
		return error_set(r->e, E_RANGE, "the serial must be %llu at least",
			(unsigned long long)now.serial + 1);
	return E_OK;
}

enum err renew(const struct bundle *old, const struct bundle *in_force,
	const struct renew_terms *terms, struct arena *arena, struct bundle *ret,
	struct renew_summary *ret_summary, struct error *e)
{
	/* Who may sign, and within which bounds, never goes back. */
	struct bundle made = {.authority = old->authority,
		.trust = in_force->trust,
		.delegations = in_force->delegations,
		.delegation_count = in_force->delegation_count,
		.assignment_count = old->assignment_count,
		.set_count = old->set_count};
	struct run r = {.old = old,
		.in_force = in_force,
		.terms = terms,
		.arena = arena,
		.made = &made,
		.summary = ret_summary,
		.e = e};
	char *tenant;
	enum err code = bundle_index(old, arena, &r.index, e);

	*ret_summary = (struct renew_summary){0};
	if (code)
		return code;
	made.assignments = arena_calloc(arena, old->assignment_count + 1, sizeof *made.assignments);
	made.sets = arena_calloc(arena, old->set_count + 1, sizeof *made.sets);
	r.entries = arena_calloc(arena, old->set_count + 1, sizeof *r.entries);
	tenant = arena_alloc(arena, r.index.tenant.len + 1);
	if (!made.assignments || !made.sets || !r.entries || !tenant)
		return no_memory(&r);
	memcpy(tenant, r.index.tenant.data, r.index.tenant.len);
	code = previous_read(&r.now, in_force, tenant, arena, e);
	if (!code)
		code = set_serial(&r);
	for (size_t i = 0; i < old->set_count && !code; i++)
		code = renew_set(&r, i);
	for (size_t i = 0; i < old->assignment_count && !code; i++)
		code = renew_assignment(&r, i);
	if (!code)
		code = renew_index(&r);
	if (!code)
		code = find_left_out(&r);
	if (!code)
		*ret = made;
	return code;
}
