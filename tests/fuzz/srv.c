/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A DNS answer about SRV records: a name of up to 63 octets with its length before it, then the
 * message.
 *
 * Reaches: srv_decode, srv_order, srv_is_domain.
 */
#include "pep/net/srv.h"
#include "tests/fuzz/fuzz.h"

static uint32_t next(void *user)
{
	uint32_t *n = user;

	return *n = *n * 1664525 + 1013904223;
}

static uint64_t sum_of(const struct srv_answer *a)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->count; i++)
		sum += ((uint64_t)a->list[i].priority << 32) + a->list[i].weight +
		       a->list[i].port + strlen(a->list[i].name);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(VIEW(data, size));
	struct view name = cursor_take(&c, cursor_u8(&c) & 0x3f), message;
	struct srv_answer answer = {.count = 77};
	char text[64] = "";
	uint32_t seed = (uint32_t)size;
	uint64_t sum;
	struct error e = {0};

	if (c.error)
		return 0;
	if (name.len)
		memcpy(text, name.data, name.len);
	/* Nobody asks for anything else. */
	if (!srv_is_domain(text))
		return 0;
	message = fuzz_copy(cursor_rest(&c));
	if (srv_decode(message, text, &answer, &e)) {
		fuzz_require_sentence(e.code, &e);
		REQUIRE(answer.count == 77);
	} else {
		REQUIRE(answer.count <= SRV_TARGETS_MAX);
		for (size_t i = 0; i < answer.count; i++)
			REQUIRE(srv_is_domain(answer.list[i].name));
		sum = sum_of(&answer);
		srv_order(&answer, next, &seed);
		REQUIRE(sum_of(&answer) == sum);
		for (size_t i = 1; i < answer.count; i++)
			REQUIRE(answer.list[i - 1].priority <= answer.list[i].priority);
		fuzz_accepted = true;
	}
	fuzz_free(message);
	return 0;
}
