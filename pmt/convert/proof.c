/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing is left out: what was written is compiled, and laid beside the bundle that it is of. */
#include "pib/set/delegation.h"
#include "pmt/compiler/compile.h"
#include "pmt/convert/converter.h"
#include "pmt/language/policy_file.h"

#include <stdio.h>

static enum err differ(struct converter *c, const char *what, const char *name)
{
	return error_set(c->e, E_UNSUPPORTED, "%s \"%s\" says what no policy can", what, name);
}

static const struct bundle_set *find_block(const struct bundle *b, uint32_t block)
{
	for (size_t i = 0; i < b->set_count; i++)
		if (b->sets[i].block == block)
			return &b->sets[i];
	return NULL;
}

/* All but its time: one of which less than half is left the compiler writes anew. */
static enum err compare_delegation(struct converter *c, const struct bundle *made, size_t which)
{
	struct delegation is, again;
	struct buffer text, other;
	char name[NAME_LENGTH_MAX + 1];
	enum err code = bundle_delegation(c->bundle, which, &c->arena, &is, c->e);

	if (code)
		return code;
	snprintf(name, sizeof name, "%.*s", (int)is.name.len, (const char *)is.name.data);
	if (which >= made->delegation_count)
		return differ(c, "the delegation", name);
	code = bundle_delegation(made, which, &c->arena, &again, c->e);
	if (code)
		return code;
	again.serial = is.serial;
	again.not_before = is.not_before;
	again.not_after = is.not_after;
	buffer_init(&text, DOCUMENT_MAX);
	buffer_init(&other, DOCUMENT_MAX);
	code = delegation_encode(&is, &text, c->e);
	if (!code)
		code = delegation_encode(&again, &other, c->e);
	if (!code && !view_equal(buffer_view(&text), buffer_view(&other)))
		code = differ(c, "the delegation", name);
	buffer_fini(&text);
	buffer_fini(&other);
	return code;
}

static enum err compare(struct converter *c, struct view file)
{
	const struct bundle *is = c->bundle;
	struct arena arena;
	struct bundle made;
	enum err code;

	arena_init(&arena, BUNDLE_MAX);
	code = bundle_read(file, &arena, &made, c->e);
	for (size_t i = 0; i < is->set_count && !code; i++) {
		const struct bundle_set *same = find_block(&made, is->sets[i].block);

		if (!same || !view_equal(same->rows, is->sets[i].rows))
			code = differ(c, "the set", c->set_names[i]);
	}
	for (size_t i = 0; i < is->delegation_count && !code; i++)
		code = compare_delegation(c, &made, i);
	for (size_t i = 0; i < is->assignment_count && !code; i++)
		if (made.assignment_count != is->assignment_count ||
			!view_equal(made.assignments[i], is->assignments[i])) {
			struct buffer name;

			buffer_init(&name, 1024);
			buffer_put_view(&name, c->nodes[i].node);
			code = differ(c, "the assignment of", buffer_string(&name));
			buffer_fini(&name);
		}
	arena_fini(&arena);
	return code;
}

/* One more than any in the bundle. */
static enum err newer_serial(struct converter *c, uint64_t *ret)
{
	struct manifest m;
	enum err code = E_OK;

	*ret = c->index.serial;
	for (size_t i = 0; i < c->bundle->set_count && !code; i++) {
		code = bundle_manifest(c->bundle, i, &m, c->e);
		if (!code && m.serial > *ret)
			*ret = m.serial;
	}
	for (size_t i = 0; i < c->bundle->assignment_count; i++)
		if (c->nodes[i].serial > *ret)
			*ret = c->nodes[i].serial;
	++*ret;
	return code;
}

enum err convert_prove(struct converter *c, struct view text)
{
	struct compile_terms terms = {.not_before = c->index.not_before,
		.not_after = c->index.not_after,
		.previous = c->bundle};
	struct compile_summary summary;
	struct policy_file f;
	struct buffer made;
	enum err code = newer_serial(c, &terms.serial);

	if (code)
		return code;
	buffer_init(&made, BUNDLE_MAX);
	code = policy_file_read_text(&f, "what was written", text, c->e);
	if (!code && f.diagnostics.errors) {
		diagnostics_sort(&f.diagnostics);
		code = error_set(c->e, E_UNSUPPORTED, "what would be written is no policy: %.150s",
			f.diagnostics.findings[0].text);
	}
	if (!code)
		code = compile_policy(&f.model, &terms, &made, &summary, c->e);
	if (!code)
		code = compare(c, buffer_view(&made));
	policy_file_fini(&f);
	buffer_fini(&made);
	return code;
}
