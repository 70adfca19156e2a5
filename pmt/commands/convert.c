/* SPDX-License-Identifier: GPL-3.0-or-later */
/* convert: a bundle as a policy again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/file.h"
#include "pmt/commands/command.h"
#include "pmt/commands/policy.h"
#include "pmt/convert/convert.h"

enum { POLICY_MAX = 256 << 20 };

const struct option_row convert_options[] = {
	{'o', "output", "FILE", "the policy; else it is printed"},
	{0},
};

/* Both indexes must name the same sets with the same roots. */
static enum err compare_sets(struct bundle_file *f, struct view octets, struct error *e)
{
	struct set_index before, after;
	struct bundle made;
	enum err code = bundle_read(octets, &f->arena, &made, e);

	if (!code)
		code = bundle_index(&f->bundle, &f->arena, &before, e);
	if (!code)
		code = bundle_index(&made, &f->arena, &after, e);
	for (size_t i = 0; i < before.entry_count && !code; i++) {
		const struct set_entry *was = &before.entries[i];
		const struct set_entry *is = set_index_find(&after, was->name);

		if (!is || !view_equal(VIEW(is->root, SET_ROOT), VIEW(was->root, SET_ROOT)))
			code = error_set(e, E_UNSUPPORTED,
				"the set \"%.*s\" says something that no policy can say",
				(int)was->name.len, (const char *)was->name.data);
	}
	return code;
}

static enum err compile_again(struct bundle_file *f, const char *path, struct error *e)
{
	struct compile_terms terms = {.previous = &f->bundle};
	struct compile_summary summary;
	struct policy_file policy;
	struct set_index index;
	struct buffer octets;
	enum err code = policy_file_read(&policy, path, e);

	buffer_init(&octets, BUNDLE_MAX);
	if (!code && policy.diagnostics.errors)
		code = error_set(e, E_UNSUPPORTED, "what comes out is no policy: %s",
			policy.diagnostics.finding_count ? policy.diagnostics.findings[0].text
							 : "");
	if (!code)
		code = bundle_index(&f->bundle, &f->arena, &index, e);
	if (!code) {
		terms.serial = index.serial + 1;
		terms.not_before = index.not_before;
		terms.not_after = index.not_after;
		code = compile_policy(&policy.model, &terms, &octets, &summary, e);
	}
	if (!code)
		code = compare_sets(f, buffer_view(&octets), e);
	buffer_fini(&octets);
	policy_file_fini(&policy);
	return code;
}

/* What is not the same again is not given away. */
static enum err check_policy(struct bundle_file *f, struct view policy, struct error *e)
{
	const int fd = memfd_create("policy", MFD_CLOEXEC);
	char path[64];
	size_t done = 0;
	enum err code = fd < 0 ? error_set_sys(e, errno, "no memory for a file") : E_OK;

	while (!code && done < policy.len) {
		const ssize_t n = write(fd, policy.data + done, policy.len - done);

		if (n < 0)
			code = error_set_sys(e, errno, "no memory for a file");
		else
			done += (size_t)n;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!code)
		code = compile_again(f, path, e);
	if (fd >= 0)
		close(fd);
	return code;
}

int command_convert(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	const char *output = NULL, *path;
	struct bundle_file f;
	struct buffer policy;
	struct options o;
	struct error e;
	enum err code;

	(void)context;
	command_begin(&o, convert_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		output = o.value;
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	buffer_init(&policy, POLICY_MAX);
	code = bundle_file_read(&f, path, &e);
	if (!code)
		code = convert(&f.bundle, &policy, &e);
	if (!code)
		code = check_policy(&f, buffer_view(&policy), &e);
	if (!code && output)
		code = file_replace(output, buffer_view(&policy), 0644, &e);
	bundle_file_fini(&f);
	status = code     ? command_failed(argv[0], &e)
		 : output ? EXIT_SUCCESS
			  : command_output(argv[0], &policy);
	buffer_fini(&policy);
	return status;
}
