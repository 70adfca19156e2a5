/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run of COPS-PR objects: two octets of room, one that says where it stands, the run.
 *
 * Reaches: pr_next, pr_fault, pr_put, pr_put_error, pr_check (every place), pr_cut, pr_print,
 * cops_run_begin, cops_run_add, cops_run_end, and back through cops_decode.
 */
#include "common/cops/message.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 64 << 20, PLACES = PR_IN_ACCOUNTING + 1 };

static void put(struct buffer *out, const struct pr_object *o)
{
	if (o->s_num == PR_GPERR || o->s_num == PR_CPERR)
		pr_put_error(out, (enum pr_s_num)o->s_num, o->code, o->sub_code);
	else
		pr_put(out, (enum pr_s_num)o->s_num, o->contents);
}

/* Every object is written again and compared; true if all of the run could be read. `out` gets the
 * run with all its padding. */
static bool objects(struct view run, struct buffer *out)
{
	struct cursor c = cursor_over(run), d;
	struct pr_object object, again;
	uint16_t code = 0, sub_code;
	size_t before;

	while (cursor_left(&c)) {
		before = out->len;
		if (pr_next(&c, &object)) {
			pr_fault(&c, &code, &sub_code);
			REQUIRE(code != 0);
			return false;
		}
		put(out, &object);
		REQUIRE(!out->error);
		d = cursor_over(VIEW(out->data + before, out->len - before));
		REQUIRE(pr_next(&d, &again) == E_OK && cursor_left(&d) == 0);
		REQUIRE(object.s_num == again.s_num && object.s_type == again.s_type);
		REQUIRE(object.code == again.code && object.sub_code == again.sub_code);
		REQUIRE(view_equal(object.contents, again.contents));
		/* There is one way to write an object, but for padding left out at the end. */
		REQUIRE(object.raw.len <= again.raw.len &&
			memcmp(object.raw.data, again.raw.data, object.raw.len) == 0);
	}
	return true;
}

static void cut(struct view run, size_t room)
{
	size_t len = pr_cut(run, room);
	struct cursor c;
	struct pr_object object;

	REQUIRE(len <= room && len <= run.len);
	if (len == 0 || len == run.len)
		return;
	c = cursor_over(VIEW(run.data, len));
	while (cursor_left(&c))
		REQUIRE(pr_next(&c, &object) == E_OK);
	c = cursor_over(VIEW(run.data + len, run.len - len));
	if (pr_next(&c, &object) == E_OK)
		REQUIRE(object.s_num != PR_EPD && object.s_num != PR_CPERR);
}

/* Spread over COPS objects and gathered again. */
static void carry(struct view run, enum cops_carrier carrier)
{
	struct cops_decision decision;
	struct cops_message m;
	struct cops_fault fault;
	struct cops_run spread;
	struct buffer message, gathered;
	struct arena arena;
	struct view named;
	size_t begun, at = 0;

	buffer_init(&message, 16 << 20);
	buffer_init(&gathered, 16 << 20);
	arena_init(&arena, COPS_ARENA_LIMIT);
	begun = cops_begin(&message, carrier == COPS_IN_CLIENT_SI ? COPS_REQ : COPS_DEC, 0,
		COPS_CLIENT_PROVISIONING);
	cops_run_begin(&spread, &message, carrier);
	cops_run_add(&spread, run);
	cops_run_end(&spread);
	cops_end(&message, begun);
	REQUIRE(!message.error);
	REQUIRE(cops_decode(buffer_view(&message), &arena, &m, &fault) == E_OK);
	if (carrier == COPS_IN_CLIENT_SI)
		while (cops_next_named(&m, &at, &named))
			buffer_put_view(&gathered, named);
	else
		while (cops_next_decision(&m, &at, &decision)) {
			REQUIRE((decision.command == COPS_REMOVE) == (carrier == COPS_IN_REMOVE));
			buffer_put_view(&gathered, decision.named);
		}
	REQUIRE(view_equal(run, buffer_view(&gathered)));
	buffer_fini(&message);
	buffer_fini(&gathered);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum cops_carrier carriers[PLACES] = {
		[PR_IN_INSTALL] = COPS_IN_INSTALL, [PR_IN_REMOVE] = COPS_IN_REMOVE};
	struct cursor input = cursor_over(VIEW(data, size));
	size_t room = cursor_u16(&input);
	enum pr_place place = (enum pr_place)(cursor_u8(&input) % PLACES);
	struct view run = cursor_rest(&input);
	struct buffer text, padded;
	uint16_t code = 0, sub_code;
	struct error e;
	bool whole;

	buffer_init(&padded, size + 4);
	whole = objects(run, &padded);
	if (pr_check(place, run, &code, &sub_code, &e)) {
		fuzz_require_sentence(e.code, &e);
		REQUIRE(code != 0);
	} else {
		REQUIRE(whole);
		fuzz_accepted = true;
		carry(buffer_view(&padded), carriers[place]);
	}
	cut(run, room);
	buffer_init(&text, TEXT_MAX);
	pr_print(run, "\t", &text);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\t')
			text.data[i] = ' ';
	fuzz_require_printable(buffer_view(&text));
	buffer_fini(&text);
	buffer_fini(&padded);
	return 0;
}
