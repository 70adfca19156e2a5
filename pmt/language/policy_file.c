/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/policy_file.h"

#include "pmt/language/grammar.h"

enum err policy_file_read(struct policy_file *f, const char *path, struct error *e)
{
	return policy_file_read_with(f, path, VIEW_NONE, e);
}

static void init(struct policy_file *f)
{
	diagnostics_init(&f->diagnostics);
	document_init(&f->document);
	model_init(&f->model);
}

/* Half a document would be full of names that nobody defines. */
static enum err build(struct policy_file *f, struct error *e)
{
	grammar_check(f->document.root, &f->diagnostics);
	return model_build(&f->model, &f->document, &f->diagnostics, e);
}

enum err policy_file_read_with(
	struct policy_file *f, const char *path, struct view part, struct error *e)
{
	enum err code;

	init(f);
	code = document_read(&f->document, path, &f->diagnostics, e);
	if (code || !f->document.root || f->document.incomplete)
		return code;
	if (part.len)
		code = document_add(&f->document, "command line", part, &f->diagnostics, e);
	return code ? code : build(f, e);
}

enum err policy_file_read_text(
	struct policy_file *f, const char *name, struct view text, struct error *e)
{
	enum err code;

	init(f);
	code = document_read_text(&f->document, name, text, &f->diagnostics, e);
	if (code || !f->document.root || f->document.incomplete)
		return code;
	return build(f, e);
}

void policy_file_fini(struct policy_file *f)
{
	model_fini(&f->model);
	document_fini(&f->document);
	diagnostics_fini(&f->diagnostics);
}
