/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message as `trace` prints it, out of a capture or out of a daemon: two octets for how many of its
 * octets were not kept, then the others.
 *
 * Reaches: trace_print_message, cops_row_print, pr_next, pr_print, prid_decode, prid_decode_oid,
 * epd_decode, pri_print, pib_subcode_name.
 */
#include "pib/trace/message.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 64 << 20 };

static void print(struct view octets, size_t missing, struct buffer *text)
{
	buffer_init(text, TEXT_MAX);
	trace_print_message(octets, octets.len + missing, text);
	REQUIRE(!text->error && text->len && text->data[text->len - 1] == '\n');
	fuzz_require_printable(buffer_view(text));
}

static bool is_clean(const char *text)
{
	static const char *const complaints[] = {"octets of a message", "were not kept",
		"malformed at octet", "against the grammar", "cannot be read", "more attributes"};

	for (size_t i = 0; i < sizeof complaints / sizeof complaints[0]; i++)
		if (strstr(text, complaints[i]))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(VIEW(data, size));
	size_t missing = cursor_u16(&c);
	struct view octets = fuzz_copy(c.error ? VIEW_NONE : cursor_rest(&c));
	struct buffer text, again;

	print(octets, missing, &text);
	/* Nothing but what is in the message is in the text. */
	print(octets, missing, &again);
	REQUIRE(view_equal(buffer_view(&text), buffer_view(&again)));
	fuzz_accepted = is_clean(buffer_string(&text));
	buffer_fini(&text);
	buffer_fini(&again);
	fuzz_free(octets);
	return 0;
}
