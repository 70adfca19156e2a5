/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message that claims an Integrity object, and a file of keys. Behind the first octet: text of a
 * key file (0), a message as it stands (1), or a message to be sealed by one end and judged by the
 * other, whole and with one bit turned (2: the next two octets say which bit).
 *
 * Reaches: integrity_keys_parse, integrity_keys_find, integrity_keys_current, integrity_verify,
 * integrity_seal, integrity_is_in.
 */
#include "common/integrity/integrity.h"
#include "tests/fuzz/fuzz.h"

enum { UTC = 1700000000, OCTETS_MAX = 1 << 16 };

static char any[] = "any";

static struct integrity_key key(void)
{
	struct integrity_key k = {.id = 7, .peer = any, .until = UINT64_MAX, .secret_len = 32};

	for (uint8_t i = 0; i < 32; i++)
		k.secret[i] = i;
	return k;
}

static void read_keys(struct view text, enum integrity_end end)
{
	struct integrity_keys *keys = NULL;
	struct buffer messages;

	buffer_init(&messages, OCTETS_MAX);
	if (integrity_keys_parse("keys", text, end, &keys, &messages)) {
		REQUIRE(messages.len);
		fuzz_require_printable(buffer_view(&messages));
	} else {
		REQUIRE(!messages.len);
		for (size_t i = 0; i < keys->count; i++) {
			const struct integrity_key *k = &keys->items[i];
			struct view peer = view_of_string(k->peer);

			REQUIRE(integrity_keys_find(keys, peer, k->id, k->from) == k);
			REQUIRE(integrity_keys_current(keys, peer, k->from));
			fuzz_accepted = true;
		}
	}
	integrity_keys_free(keys);
	buffer_fini(&messages);
}

static void judge(struct view message)
{
	struct integrity_key k = key();
	struct integrity_keys keys = {&k, 1};
	struct integrity *i = integrity_new(&keys, view_of_string("peer"));
	struct integrity_fault fault;

	REQUIRE(i);
	if (integrity_verify(i, UTC, message, &fault)) {
		fuzz_require_sentence(fault.error.code, &fault.error);
		REQUIRE(fault.code);
	} else {
		REQUIRE(integrity_is_in(message));
		fuzz_accepted = true;
	}
	integrity_free(i);
}

static void seal(struct view octets, uint16_t turn)
{
	struct integrity_key k = key();
	struct integrity_keys keys = {&k, 1};
	struct integrity *from = integrity_new(&keys, VIEW_NONE), *to = integrity_new(&keys, VIEW_NONE);
	struct integrity_fault fault;
	struct buffer b;

	REQUIRE(from && to);
	buffer_init(&b, OCTETS_MAX);
	buffer_put_zeros(&b, COPS_HEADER);
	buffer_put_view(&b, octets);
	REQUIRE(!integrity_seal(from, UTC, &b));
	b.data[turn / 8u % b.len] ^= (uint8_t)(1u << turn % 8u);
	REQUIRE(integrity_verify(to, UTC, buffer_view(&b), &fault));
	b.data[turn / 8u % b.len] ^= (uint8_t)(1u << turn % 8u);
	/* What is no run of objects hides the one at its end. */
	if (!integrity_verify(to, UTC, buffer_view(&b), &fault))
		fuzz_accepted = true;
	buffer_fini(&b);
	integrity_free(from);
	integrity_free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(VIEW(data, size));
	uint8_t what = cursor_u8(&c);
	uint16_t turn = what % 3 == 2 ? cursor_u16(&c) : 0;

	if (what % 3 == 0)
		read_keys(cursor_rest(&c), what & 8 ? INTEGRITY_PEP : INTEGRITY_PDP);
	else if (what % 3 == 1)
		judge(cursor_rest(&c));
	else
		seal(cursor_rest(&c), turn);
	return 0;
}
