/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What pmt import reads: the first octet says which format (n: nft's JSON, i: iptables-save,
 * s: swanctl.conf), the rest is the text. Whatever could be read becomes a policy without an error,
 * and the same one every time.
 *
 * Reaches: import_nft, import_iptables, import_swanctl, import_flatten, import_write;
 * policy_file_read on what was written.
 */
#include <fcntl.h>
#include <unistd.h>

#include "pmt/import/import.h"
#include "pmt/language/policy_file.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 64 << 20, PATH_SIZE = 300 };

#define PIN "sha256:0000000000000000000000000000000000000000000000000000000000000001"

static char written[PATH_SIZE];

static void leave(void)
{
	unlink(written);
}

static void enter(void)
{
	int fd;

	if (written[0])
		return;
	snprintf(written, sizeof written, "%s/copsec-fuzz-XXXXXX", fuzz_temporary_folder());
	fd = mkstemp(written);
	REQUIRE(fd >= 0 && close(fd) == 0);
	REQUIRE(atexit(leave) == 0);
}

static void require_good_text(struct diagnostics *d)
{
	struct buffer text;

	buffer_init(&text, TEXT_MAX);
	diagnostics_print(d, &text);
	REQUIRE(!text.error);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\t')
			text.data[i] = ' ';
	fuzz_require_printable(buffer_view(&text));
	buffer_fini(&text);
}

/* False if it was refused. */
static bool import(uint8_t format, struct view text, struct buffer *policy)
{
	static const struct import_names names = {"acme", "host", "node1", PIN, "a file"};
	struct diagnostics d;
	struct import im;
	struct error e;
	enum err code;

	diagnostics_init(&d);
	code = import_init(&im, &d, &e);
	if (!code)
		code = diagnostics_add_source(&d, "a file", text, &im.file, &e);
	if (!code)
		code = format == 'n'   ? import_nft(&im, text, &e)
		       : format == 'i' ? import_iptables(&im, text, &e)
				       : import_swanctl(&im, text, &e);
	if (code)
		fuzz_require_sentence(code, &e);
	else
		import_write(&im, &names, policy);
	require_good_text(&d);
	import_fini(&im);
	diagnostics_fini(&d);
	return !code && !policy->error;
}

static void require_policy(const struct buffer *text)
{
	int fd = open(written, O_WRONLY | O_TRUNC | O_CLOEXEC);
	struct policy_file f;
	struct error e;

	REQUIRE(fd >= 0 && write(fd, text->data, text->len) == (ssize_t)text->len);
	REQUIRE(close(fd) == 0);
	if (policy_file_read(&f, written, &e))
		fuzz_require_sentence(e.code, &e);
	else
		REQUIRE(f.diagnostics.errors == 0);
	policy_file_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer first, second;
	struct view text;

	if (!size)
		return 0;
	enter();
	text = VIEW(data + 1, size - 1);
	buffer_init(&first, TEXT_MAX);
	buffer_init(&second, TEXT_MAX);
	if (import(data[0], text, &first)) {
		REQUIRE(import(data[0], text, &second));
		REQUIRE(view_equal(buffer_view(&first), buffer_view(&second)));
		fuzz_accepted = true;
		require_policy(&first);
	}
	buffer_fini(&first);
	buffer_fini(&second);
	return 0;
}
