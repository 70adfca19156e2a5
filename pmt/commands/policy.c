/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/commands/command.h"

enum { FINDINGS_MAX = 16 << 20 /* octets of what is said about a policy */ };

/* What XML has to say of one would help nobody. */
static bool is_text_of_bundle(const struct policy_file *f)
{
	static const char magic[] = "COPSEC\r\n";
	const struct view text =
		f->diagnostics.source_count ? f->diagnostics.sources[0].text : VIEW_NONE;

	return text.len >= sizeof magic - 1 && memcmp(text.data, magic, sizeof magic - 1) == 0;
}

void policy_print_findings(struct policy_file *f)
{
	struct buffer out;

	if (is_text_of_bundle(f)) {
		fprintf(stderr, "%s: this is a bundle and not a policy; pmt convert makes one of it\n",
			f->diagnostics.sources[0].name);
		return;
	}
	buffer_init(&out, FINDINGS_MAX);
	diagnostics_print(&f->diagnostics, &out);
	fputs(buffer_string(&out), stderr);
	buffer_fini(&out);
}

int policy_open(const char *name, const char *path, struct policy_file *f)
{
	return policy_open_with(name, path, VIEW_NONE, f);
}

int policy_open_with(const char *name, const char *path, struct view part, struct policy_file *f)
{
	struct error e;

	if (policy_file_read_with(f, path, part, &e))
		return command_failed(name, &e);
	if (f->diagnostics.errors == 0)
		return EXIT_SUCCESS;
	policy_print_findings(f);
	return EXIT_BAD_INPUT;
}

enum err policy_try(const struct policy_file *f, struct buffer *out, struct error *e)
{
	const struct compile_terms terms = {
		.serial = 1, .not_before = 0, .not_after = POLICY_VALIDITY};
	struct compile_summary summary;

	return compile_policy(&f->model, &terms, out, &summary, e);
}
