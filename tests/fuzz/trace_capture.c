/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A capture file, as `trace --read` takes it.
 *
 * Reaches: capture_read, packet_segment (every link type), flows_add, flows_end,
 * trace_print_message.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "common/cops/message.h"
#include "common/trace/capture.h"
#include "pib/trace/message.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 64 << 20 };

struct seen {
	unsigned messages, remarks;
};

static void format(const struct endpoint *p)
{
	char text[ENDPOINT_TEXT_SIZE];

	endpoint_format(p, text);
	fuzz_require_printable(view_of_string(text));
}

static void on_message(void *owner, uint64_t time_us, const struct endpoint *from,
	const struct endpoint *to, struct view message)
{
	struct seen *seen = owner;
	struct buffer text;
	size_t len;

	(void)time_us;
	seen->messages++;
	format(from);
	format(to);
	REQUIRE(cops_frame(message, COPS_MESSAGE_LIMIT, &len) == E_OK && len == message.len);
	buffer_init(&text, TEXT_MAX);
	trace_print_message(message, message.len, &text);
	REQUIRE(!text.error);
	fuzz_require_printable(buffer_view(&text));
	buffer_fini(&text);
}

static void on_remark(void *owner, uint64_t time_us, const struct endpoint *from,
	const struct endpoint *to, const char *text)
{
	struct seen *seen = owner;

	(void)time_us;
	seen->remarks++;
	format(from);
	format(to);
	REQUIRE(text[0] != '\0');
	fuzz_require_printable(view_of_string(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct flows_events events = {on_message, on_remark};
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture_count count;
	struct seen seen = {0};
	struct error e;
	char path[64];
	enum err err;

	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	err = capture_read(path, 0, &events, &seen, &count, &e);
	if (err)
		fuzz_require_sentence(err, &e);
	REQUIRE(count.segments + count.cut + count.fragments <= count.packets);
	fuzz_accepted = !err && seen.messages && !seen.remarks;
	close(fd);
	return 0;
}
