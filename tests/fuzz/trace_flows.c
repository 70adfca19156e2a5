/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection whose ends both send the same octets, as a capture may show it: in pieces, in any
 * order, twice, with holes. The first sequence number, the octets behind their length, then the
 * pieces: flags, where they begin, how long they are.
 *
 * Whatever is missing, a message that is given out stands in the stream; and as long as nothing is
 * remarked, the messages of a connection seen from its beginning are that stream.
 *
 * Reaches: flows_add (the order, the gaps, the search, TLS, ends), flows_end.
 */
#include "common/cops/message.h"
#include "common/trace/flows.h"
#include "tests/fuzz/fuzz.h"

enum { FIN = 1, RST = 2, SYN = 4, BACK = 8, WITHOUT_SYN = 0x80 };
enum { ENDS = 2 };

struct watched {
	struct endpoint from;
	size_t given; /* octets */
	bool remarked;
};

struct play {
	struct view stream;
	bool from_beginning;
	struct watched ends[ENDS];
	unsigned messages;
};

static struct watched *watched(struct play *p, const struct endpoint *from, const struct endpoint *to)
{
	bool back = endpoint_equal(from, &p->ends[1].from);

	REQUIRE(endpoint_equal(from, &p->ends[back].from));
	REQUIRE(endpoint_equal(to, &p->ends[!back].from));
	return &p->ends[back];
}

static void on_message(void *owner, uint64_t time_us, const struct endpoint *from,
	const struct endpoint *to, struct view message)
{
	struct play *p = owner;
	struct watched *w = watched(p, from, to);
	size_t len;

	(void)time_us;
	REQUIRE(cops_frame(message, COPS_MESSAGE_LIMIT, &len) == E_OK && len == message.len);
	REQUIRE(memmem(p->stream.data, p->stream.len, message.data, message.len) != NULL);
	p->messages++;
	if (w->remarked || !p->from_beginning)
		return;
	REQUIRE(message.len <= p->stream.len - w->given);
	REQUIRE(memcmp(p->stream.data + w->given, message.data, message.len) == 0);
	w->given += message.len;
}

static void on_remark(void *owner, uint64_t time_us, const struct endpoint *from,
	const struct endpoint *to, const char *text)
{
	(void)time_us;
	fuzz_require_printable(view_of_string(text));
	watched(owner, from, to)->remarked = true;
}

static struct endpoint end_with_port(uint16_t port)
{
	struct endpoint p = {0};

	p.address.any.sa_family = AF_INET;
	p.address.v4.sin_port = htons(port);
	return p;
}

/* Each on the heap, so that nobody looks behind its end. */
static void add_piece(struct flows *f, const struct play *p, uint32_t first, struct cursor *c)
{
	uint8_t flags = cursor_u8(c);
	size_t at = cursor_u16(c), len = cursor_u16(c);
	bool back = flags & BACK;
	struct segment s = {.from = p->ends[back].from, .to = p->ends[!back].from,
		.fin = flags & FIN, .rst = flags & RST};

	if (flags & SYN) {
		s.syn = true;
		s.sequence = first;
		flows_add(f, 1, &s);
		return;
	}
	at = at < p->stream.len ? at : p->stream.len;
	len = len < p->stream.len - at ? len : p->stream.len - at;
	s.sequence = first + 1 + (uint32_t)at;
	s.payload = fuzz_copy(VIEW(p->stream.data + at, len));
	flows_add(f, 1, &s);
	fuzz_free(s.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct flows_events events = {on_message, on_remark};
	struct cursor c = cursor_over(VIEW(data, size));
	uint8_t how = cursor_u8(&c);
	uint32_t first = cursor_u32(&c);
	struct view stream = fuzz_take(&c, cursor_u16(&c));
	struct play p = {.from_beginning = !(how & WITHOUT_SYN),
		.ends = {{.from = end_with_port(40000)}, {.from = end_with_port(COPS_PORT)}}};
	struct flows *f;

	if (c.error)
		return 0;
	p.stream = fuzz_copy(stream);
	f = flows_new(&events, &p);
	REQUIRE(f != NULL);
	for (int i = 0; i < ENDS && p.from_beginning; i++)
		flows_add(f, 0, &(struct segment){.from = p.ends[i].from, .to = p.ends[!i].from,
					.syn = true, .sequence = first});
	while (cursor_left(&c) && !c.error)
		add_piece(f, &p, first, &c);
	flows_free(f);
	fuzz_accepted = p.messages && !p.ends[0].remarked && !p.ends[1].remarked;
	fuzz_free(p.stream);
	return 0;
}
