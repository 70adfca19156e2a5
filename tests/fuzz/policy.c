/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A policy file and its parts, one behind the other with a NUL between: p.xml, a.xml, b.xml, c.xml.
 * They are written into a folder of this process; beside it, outside, lies a file that no text may
 * get in, by whatever path, nor through the link to it.
 *
 * Reaches: policy_file_read, document_read, include_files, grammar_check, model_build,
 * diagnostics_print, compile_policy, expect_run; bundle_read, pri_store_check, policy_new and convert
 * on what was compiled.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pib/policy/policy.h"
#include "pib/set/bundle.h"
#include "pib/store/check.h"
#include "pmt/compiler/compile.h"
#include "pmt/compiler/expect.h"
#include "pmt/convert/convert.h"
#include "pmt/language/policy_file.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 64 << 20, ARENA_MAX = 64 << 20, FILES = 4, ROOT_SIZE = 256, PATH_SIZE = 300 };

static const char *const names[FILES] = {"p.xml", "a.xml", "b.xml", "c.xml"};

#define SECRET                                                                                     \
	"<part xmlns=\"" POLICY_NAMESPACE "\"><network name=\"outside\" addresses=\"192.0.2.66\"/>" \
	"</part>"

static char outer[ROOT_SIZE];  /* with the secret */
static char inner[PATH_SIZE];  /* below it, the policy's */
static char policy[PATH_SIZE]; /* p.xml in there */
static int folder = -1;        /* descriptor of inner */

static void put_file(const char *name, struct view text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len);
	REQUIRE(close(fd) == 0);
}

static void leave(void)
{
	static const char *const all[] = {"p.xml", "a.xml", "b.xml", "c.xml", "link.xml",
		"../secret.xml"};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		unlinkat(folder, all[i], 0);
	close(folder);
	rmdir(inner);
	rmdir(outer);
}

static void enter(void)
{
	if (folder >= 0)
		return;
	snprintf(outer, sizeof outer, "%s/copsec-fuzz-XXXXXX", fuzz_temporary_folder());
	REQUIRE(mkdtemp(outer) != NULL);
	snprintf(inner, sizeof inner, "%s/policy", outer);
	snprintf(policy, sizeof policy, "%s/policy/p.xml", outer);
	REQUIRE(mkdir(inner, 0700) == 0);
	folder = open(inner, O_PATH | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(folder >= 0 && symlinkat("../secret.xml", folder, "link.xml") == 0);
	put_file("../secret.xml", view_of_string(SECRET));
	REQUIRE(atexit(leave) == 0);
}

static void put_files(struct view input)
{
	for (size_t i = 0; i < FILES; i++) {
		const uint8_t *end = input.len ? memchr(input.data, 0, input.len) : NULL;
		size_t len = end ? (size_t)(end - input.data) : input.len;

		if (i && !input.len)
			unlinkat(folder, names[i], 0);
		else
			put_file(names[i], VIEW(input.data, len));
		input = VIEW(input.data + len + (end ? 1 : 0), input.len - len - (end ? 1 : 0));
	}
}

static void compile(const struct policy_file *f, struct buffer *out)
{
	static const struct compile_terms terms = {
		.serial = 7, .not_before = 1700000000, .not_after = 1800000000};
	struct compile_summary summary;
	struct error e;

	if (compile_policy(&f->model, &terms, out, &summary, &e)) {
		fuzz_require_sentence(e.code, &e);
		out->len = 0;
	} else {
		REQUIRE(!out->error && summary.octets == out->len);
	}
}

/* Nodes take what was compiled. */
static void judge_set(const struct bundle_set *set)
{
	struct pri_bounds bounds = {set->block + 1, block_last(set->block)};
	struct pri_failures failures;
	struct pri_store *store;
	struct policy *read;
	struct error e;

	pri_failures_init(&failures);
	REQUIRE(pri_store_build(&set->rows, 1, &store, &failures, &e) == E_OK);
	REQUIRE(pri_store_check(store, bounds, &failures, &e) == E_OK);
	REQUIRE(policy_new(store, &read, &failures, &e) == E_OK);
	policy_free(read);
	pri_store_free(store);
}

/* Nothing of a file that lies outside is in a row. */
static void judge_rows(const struct model *m)
{
	for (size_t i = 0; i < m->row_count; i++)
		for (size_t k = 0; m->rows[i]->values && k < m->rows[i]->class->attribute_count; k++) {
			const struct model_value *v = &m->rows[i]->values[k];

			REQUIRE(v->kind != VALUE_OCTETS ||
				!view_equal(v->octets, view_of_string(SECRET)));
		}
}

static void judge(struct policy_file *f)
{
	struct buffer first, second, back;
	struct bundle b;
	struct arena arena;
	struct error e;

	buffer_init(&first, TEXT_MAX);
	buffer_init(&second, TEXT_MAX);
	buffer_init(&back, TEXT_MAX);
	arena_init(&arena, ARENA_MAX);
	compile(f, &first);
	compile(f, &second);
	/* Nothing but policy and terms has a say. */
	REQUIRE(view_equal(buffer_view(&first), buffer_view(&second)));
	if (first.len) {
		REQUIRE(bundle_read(buffer_view(&first), &arena, &b, &e) == E_OK);
		for (size_t i = 0; i < b.set_count; i++)
			judge_set(&b.sets[i]);
		/* What is given out was compared already. */
		fuzz_either(convert(&b, &back, &e));
		fuzz_accepted = true;
		fuzz_either(expect_run(&f->model, buffer_view(&first), &f->diagnostics, &e));
	}
	arena_fini(&arena);
	buffer_fini(&first);
	buffer_fini(&second);
	buffer_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_file f;
	struct buffer text;
	struct error e;

	enter();
	put_files(VIEW(data, size));
	buffer_init(&text, TEXT_MAX);
	if (policy_file_read(&f, policy, &e)) {
		fuzz_require_sentence(e.code, &e);
	} else {
		for (size_t i = 0; i < f.diagnostics.source_count; i++)
			REQUIRE(!view_equal(
				f.diagnostics.sources[i].text, view_of_string(SECRET)));
		judge_rows(&f.model);
		if (!f.diagnostics.errors)
			judge(&f);
		diagnostics_print(&f.diagnostics, &text);
		REQUIRE(!text.error);
		REQUIRE(text.len || !f.diagnostics.errors);
	}
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\t')
			text.data[i] = ' ';
	fuzz_require_printable(buffer_view(&text));
	policy_file_fini(&f);
	buffer_fini(&text);
	return 0;
}
