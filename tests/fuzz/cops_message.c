/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The beginning of a COPS stream.
 *
 * Reaches: cops_frame, cops_peek_handle, cops_decode, cops_row_decode, cops_check (both profiles),
 * cops_check_data, cops_next_decision, cops_next_named, cops_print, cops_fault_error,
 * cops_fault_reason, cops_encode.
 */
#include "common/cops/answer.h"
#include "tests/fuzz/fuzz.h"

enum {
	MESSAGE_MAX = 1 << 20,
	TEXT_MAX = 64 << 20,
	/* So that it is not the arena which keeps the number of objects within its limit. */
	ARENA_MAX = 4 * COPS_ARENA_LIMIT,
};

static const void *member(const struct cops_object *o, const struct cops_field *f)
{
	return (const uint8_t *)o + f->offset;
}

static bool same_field(
	const struct cops_object *a, const struct cops_object *b, const struct cops_field *f)
{
	switch (f->kind) {
	case COPS_RESERVED16:
		return true;
	case COPS_U16:
	case COPS_FLAGS16:
		return memcmp(member(a, f), member(b, f), 2) == 0;
	case COPS_U32:
		return memcmp(member(a, f), member(b, f), 4) == 0;
	case COPS_ADDRESS4:
	case COPS_ADDRESS6:
		return memcmp(member(a, f), member(b, f), 16) == 0;
	case COPS_OCTETS:
	case COPS_TEXT:
	case COPS_OID:
	case COPS_OBJECTS:
		break;
	}
	return view_equal(*(const struct view *)member(a, f), *(const struct view *)member(b, f));
}

static void same_message(const struct cops_message *a, const struct cops_message *b)
{
	REQUIRE(a->op == b->op && a->flags == b->flags && a->client_type == b->client_type);
	REQUIRE(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct cops_object *x = &a->objects[i], *y = &b->objects[i];
		const struct cops_row *row = cops_object_row(x->c_num, x->c_type);

		REQUIRE(row && x->c_num == y->c_num && x->c_type == y->c_type);
		for (size_t f = 0; f < row->count; f++)
			REQUIRE(same_field(x, y, &row->fields[f]));
	}
}

static void round_trip(const struct cops_message *m)
{
	struct cops_message again;
	struct cops_fault fault;
	struct buffer first, second;
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	buffer_init(&first, MESSAGE_MAX);
	buffer_init(&second, MESSAGE_MAX);
	cops_encode(m, &first);
	REQUIRE(!first.error);
	REQUIRE(cops_decode(buffer_view(&first), &arena, &again, &fault) == E_OK);
	same_message(m, &again);
	cops_encode(&again, &second);
	REQUIRE(view_equal(buffer_view(&first), buffer_view(&second)));
	buffer_fini(&first);
	buffer_fini(&second);
	arena_fini(&arena);
}

/* What those who get a checked message do with it. */
static void walk(const struct cops_message *m)
{
	struct cops_decision decision;
	struct view handle, named;
	struct error e;
	uint16_t code, sub_code;
	size_t at = 0;

	while (cops_next_decision(m, &at, &decision)) {
		enum pr_place place = decision.command == COPS_REMOVE ? PR_IN_REMOVE
								      : PR_IN_INSTALL;

		REQUIRE(pr_check(place, decision.named, &code, &sub_code, &e) == E_OK);
	}
	at = 0;
	while (cops_next_named(m, &at, &named))
		REQUIRE(named.len > 0);
	REQUIRE(cops_peek_handle(m->octets, &handle) == (cops_find(m, COPS_HANDLE) != NULL));
	if (cops_find(m, COPS_HANDLE))
		REQUIRE(view_equal(handle, cops_handle(m)));
}

static void judge(const struct cops_message *m)
{
	uint16_t code = 0, sub_code;
	struct cops_fault fault;
	struct buffer text;
	struct error e;

	buffer_init(&text, TEXT_MAX);
	cops_print(m, &text);
	REQUIRE(!text.error);
	fuzz_require_printable(buffer_view(&text));
	buffer_fini(&text);
	if (cops_check(m, COPS_BASE, &fault)) {
		fuzz_require_sentence(fault.error.code, &fault.error);
		cops_fault_error(&fault, &code, &sub_code);
		REQUIRE(code != 0);
	}
	if (cops_check(m, COPS_PR, &fault)) {
		cops_fault_reason(&fault, &code, &sub_code);
		REQUIRE(code != 0);
	} else if (cops_check_data(m, &code, &sub_code, &e)) {
		fuzz_require_sentence(e.code, &e);
	} else if (m->op == COPS_REQ || m->op == COPS_DEC || m->op == COPS_RPT) {
		walk(m);
	}
	fuzz_accepted = !cops_check(m, COPS_BASE, &fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view stream = VIEW(data, size), handle;
	struct cops_message m;
	struct cops_fault fault;
	struct arena arena;
	size_t len = size;
	bool framed = cops_frame(stream, MESSAGE_MAX, &len) == E_OK;

	cops_peek_handle(stream, &handle);
	if (framed) {
		REQUIRE(len >= COPS_HEADER && len <= size);
		stream.len = len;
	}
	arena_init(&arena, ARENA_MAX);
	if (cops_decode(stream, &arena, &m, &fault) == E_OK) {
		REQUIRE(framed && m.count <= COPS_OBJECTS_MAX);
		round_trip(&m);
		judge(&m);
	} else {
		fuzz_require_sentence(fault.error.code, &fault.error);
	}
	arena_fini(&arena);
	return 0;
}
