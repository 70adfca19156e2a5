/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/policy_file.h"

#include "pmt/language/grammar.h"

enum err policy_file_read(struct policy_file *f, const char *path, struct error *e)
{
	return policy_file_read_with(f, path, VIEW_NONE, e);
}

enum err policy_file_read_with(
	struct policy_file *f, const char *path, struct view part, struct error *e)
{
	enum err code;

	diagnostics_init(&f->diagnostics);
	document_init(&f->document);
	model_init(&f->model);
	code = document_read(&f->document, path, &f->diagnostics, e);
	/* Half a document would be full of names that nobody defines. */
	if (code || !f->document.root || f->document.incomplete)
		return code;
	if (part.len)
		code = document_add(&f->document, "command line", part, &f->diagnostics, e);
	if (code)
		return code;
	grammar_check(f->document.root, &f->diagnostics);
	return model_build(&f->model, &f->document, &f->diagnostics, e);
}

void policy_file_fini(struct policy_file *f)
{
	model_fini(&f->model);
	document_fini(&f->document);
	diagnostics_fini(&f->diagnostics);
}
