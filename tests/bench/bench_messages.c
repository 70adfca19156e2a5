/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench-messages: COPS messages encoded and decoded per second of processor time, beside a memcpy of
 * the same octets, and with the Integrity object. Decoding is what a session does with each message:
 * finding it in the stream, taking it apart, judging its grammar and its COPS-PR objects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cops/message.h"
#include "common/integrity/integrity.h"

enum { PIECES = 64 };
static const double least_s = 0.5; /* of each measurement */

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct subject {
	const char *name;
	enum cops_op op;
	size_t bindings;
	struct buffer octets, copy, data;
	struct arena arena;
	struct integrity *sealer, *judge;
};

static void encode(struct subject *s)
{
	size_t begun;
	struct cops_run run;

	buffer_reset(&s->octets);
	begun = cops_begin(&s->octets, s->op, 0,
		s->op == COPS_KA ? COPS_CLIENT_CONNECTION : COPS_CLIENT_PROVISIONING);
	if (s->op != COPS_KA) {
		cops_put_handle(&s->octets, VIEW("\0\0\0\1", 4));
		if (s->op == COPS_RPT)
			cops_put_report_type(&s->octets, COPS_SUCCESS);
		cops_run_begin(&run, &s->octets,
			s->op == COPS_DEC ? COPS_IN_INSTALL : COPS_IN_CLIENT_SI);
		cops_run_add(&run, buffer_view(&s->data));
		cops_run_end(&run);
	}
	cops_end(&s->octets, begun);
	if (s->octets.error)
		exit(1);
}

static void decode(struct subject *s)
{
	struct view v = buffer_view(&s->octets);
	struct cops_message m;
	struct cops_fault fault;
	uint16_t gperr, sub_code;
	struct error e;
	size_t len;

	if (cops_frame(v, COPS_MESSAGE_LIMIT, &len) || cops_decode(v, &s->arena, &m, &fault) ||
		cops_check(&m, COPS_PR, &fault) ||
		(s->op != COPS_KA && cops_check_data(&m, &gperr, &sub_code, &e)))
		exit(1);
	arena_reset(&s->arena);
}

static void copy(struct subject *s)
{
	memcpy(s->copy.data, s->octets.data, s->octets.len);
	__asm__ volatile("" : : "r"(s->copy.data) : "memory");
}

static void seal(struct subject *s)
{
	size_t len = s->octets.len;

	if (integrity_seal(s->sealer, 1, &s->octets))
		exit(1);
	s->octets.len = len;
	buffer_patch_u32(&s->octets, 4, (uint32_t)len);
}

/* Messages per second; the work is done over and over for a while. */
static double rate(struct subject *s, void (*work)(struct subject *s))
{
	double began = cpu_s(), took;
	size_t done = 0;

	do {
		for (int i = 0; i < PIECES; i++)
			work(s);
		done += PIECES;
		took = cpu_s() - began;
	} while (took < least_s);
	return (double)done / took;
}

static void prepare_seal(struct subject *s, struct integrity_keys *keys)
{
	struct integrity_fault fault;
	struct buffer b;

	s->sealer = integrity_new(keys, VIEW_NONE);
	s->judge = integrity_new(keys, VIEW_NONE);
	for (int i = 0; i < 2; i++) {
		buffer_init(&b, 1000);
		cops_end(&b, cops_begin(&b, COPS_KA, 0, 0));
		if (integrity_seal(i ? s->judge : s->sealer, 1, &b) ||
			integrity_verify(i ? s->sealer : s->judge, 1, buffer_view(&b), &fault))
			exit(1);
		buffer_fini(&b);
	}
}

static void measure(struct subject *s)
{
	static const uint8_t oid[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x02, 0x02,
		0x02, 0x03, 0x02, 0x01, 0x07};
	static const uint8_t epd[46] = {0x02, 0x01, 0x01};
	struct integrity_key key = {.id = 1, .peer = (char[]){"any"}, .until = UINT64_MAX,
		.secret_len = 32};
	struct integrity_keys keys = {&key, 1};
	double copies, encodes, decodes, seals;

	buffer_init(&s->octets, 64 << 20);
	buffer_init(&s->copy, 64 << 20);
	buffer_init(&s->data, 64 << 20);
	arena_init(&s->arena, COPS_ARENA_LIMIT);
	for (size_t i = 0; i < s->bindings; i++) {
		pr_put(&s->data, PR_PRID, VIEW(oid, sizeof oid));
		pr_put(&s->data, PR_EPD, VIEW(epd, sizeof epd));
	}
	prepare_seal(s, &keys);
	encode(s);
	buffer_put_zeros(&s->copy, s->octets.len);
	copies = rate(s, copy);
	encodes = rate(s, encode);
	decodes = rate(s, decode);
	seals = rate(s, seal);
	printf("%-22s %8zu %11.0f %6.0f %11.0f %6.0f %11.0f %6.0f\n", s->name, s->octets.len, encodes,
		copies / encodes, decodes, copies / decodes, seals, copies / seals);
	integrity_free(s->sealer);
	integrity_free(s->judge);
	buffer_fini(&s->octets);
	buffer_fini(&s->copy);
	buffer_fini(&s->data);
	arena_fini(&s->arena);
}

int main(void)
{
	struct subject subjects[] = {
		{.name = "KA", .op = COPS_KA},
		{.name = "RPT, 2 bindings", .op = COPS_RPT, .bindings = 2},
		{.name = "DEC, 10 bindings", .op = COPS_DEC, .bindings = 10},
		{.name = "DEC, 1,000 bindings", .op = COPS_DEC, .bindings = 1000},
		{.name = "DEC, 4,000 bindings", .op = COPS_DEC, .bindings = 4000},
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%-22s %8s %11s %6s %11s %6s %11s %6s\n", "messages per second", "octets", "encoded",
		"memcpy", "decoded", "memcpy", "sealed", "memcpy");
	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
		measure(&subjects[i]);
	puts("memcpy: how many times as long as a memcpy of the same octets");
	return 0;
}
