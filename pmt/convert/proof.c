/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing is left out: what was written is compiled, and laid beside the bundle that it is of. */
#include "pmt/compiler/compile.h"
#include "pmt/convert/converter.h"
#include "pmt/language/policy_file.h"

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
