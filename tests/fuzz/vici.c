/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The octets that charon sends on one connection, in pieces: the first octet says how long.
 *
 * Reaches: vici_receive, vici_next_event, vici_check, vici_next_entry and what writes messages:
 * every message that is taken is read, and written again to the same octets.
 */
#include "pep/ike/vici_session.h"
#include "tests/fuzz/fuzz.h"

enum { REQUESTS = 4 };

/* False if a name has a NUL: as text it would be shorter. */
static bool write_again(struct view message, struct buffer *out)
{
	struct cursor open[VICI_DEPTH_MAX + 2];
	bool is_list[VICI_DEPTH_MAX + 2] = {false};
	unsigned depth = 0;
	struct vici_entry e;
	char name[VICI_NAME_MAX + 1];
	bool is_text = true;

	open[0] = cursor_over(message);
	for (;;) {
		if (!vici_next_entry(&open[depth], &e)) {
			REQUIRE(!open[depth].error);
			if (depth == 0)
				return is_text;
			if (is_list[depth--])
				vici_put_list_end(out);
			else
				vici_put_section_end(out);
			continue;
		}
		for (size_t i = 0; i < e.name.len; i++)
			name[i] = (char)e.name.data[i];
		name[e.name.len] = '\0';
		is_text &= strlen(name) == e.name.len;
		switch (e.kind) {
		case VICI_VALUE:
			vici_put_value(out, name, e.contents);
			break;
		case VICI_ITEM:
			vici_put_item(out, e.contents);
			break;
		case VICI_SECTION:
		case VICI_LIST:
			if (e.kind == VICI_LIST)
				vici_put_list(out, name);
			else
				vici_put_section(out, name);
			depth++;
			REQUIRE(depth < VICI_DEPTH_MAX + 2);
			open[depth] = cursor_over(e.contents);
			is_list[depth] = e.kind == VICI_LIST;
			break;
		case VICI_SECTION_END:
		case VICI_LIST_END:
			require_fail("an end that was asked for", __FILE__, __LINE__);
		}
	}
}

static void look_at(struct view message)
{
	struct buffer again;
	uint64_t number;

	(void)vici_says(message, "success", "yes");
	(void)vici_number(message, "reqid", 10, &number);
	buffer_init(&again, VICI_PACKET_MAX);
	if (write_again(message, &again))
		REQUIRE(view_equal(buffer_view(&again), message));
	buffer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view input = fuzz_copy(VIEW(data, size));
	struct cursor c = cursor_over(input);
	size_t piece = 1 + cursor_u8(&c);
	struct vici_session *s = vici_session_new();
	struct vici_event event;
	struct error e;
	uint32_t id;
	bool ended = false;

	REQUIRE(s);
	for (unsigned i = 0; i < REQUESTS; i++)
		REQUIRE((i % 2 ? vici_listen(s, "child-updown", 1000, 0, &id, &e)
			       : vici_request(s, "list-sas", VIEW_NONE, 1000, 0, &id, &e)) == E_OK);
	while (cursor_left(&c) > 0) {
		vici_sent(s, vici_output(s).len);
		vici_receive(s, cursor_take(&c, piece < cursor_left(&c) ? piece : cursor_left(&c)));
		while (vici_next_event(s, 0, &event)) {
			REQUIRE(!ended);
			ended = event.kind == VICI_SESSION_FAILED;
			fuzz_accepted |= !ended;
			look_at(event.message);
			vici_sent(s, vici_output(s).len);
		}
	}
	vici_session_free(s);
	fuzz_free(input);
	return 0;
}
