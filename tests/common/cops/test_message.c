/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/answer.h"
#include "tests/common/cops/octets.h"
#include "tests/common/cops/vectors.h"
#include "tests/suite.h"

#include <stdio.h>

static bool holds(const char *text, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "|");
		char *line = strndup(lines, len);
		bool found = strstr(text, line);

		if (!found)
			printf("lacks \"%s\":\n%s", line, text);
		free(line);
		if (!found)
			return false;
		lines += len + (lines[len] == '|');
	}
	return true;
}

START_TEST(vectors_decode_print_and_encode_to_the_same_octets)
{
	const struct vector *v = &vectors[_i];
	struct view octets = octets_of_hex(v->hex);
	struct cops_message m;
	struct cops_fault fault;
	struct buffer out;
	struct arena arena;
	uint16_t gperr, sub_code;

	arena_init(&arena, COPS_ARENA_LIMIT);
	buffer_init(&out, 100000);
	ck_assert_msg(cops_decode(octets, &arena, &m, &fault) == E_OK, "%s", fault.error.text);
	ck_assert_msg(cops_check(&m, COPS_BASE, &fault) == E_OK, "%s", fault.error.text);
	ck_assert_msg(cops_check(&m, COPS_PR, &fault) == E_OK, "%s", fault.error.text);
	ck_assert_msg(cops_check_data(&m, &gperr, &sub_code, &fault.error) == E_OK, "%s",
		fault.error.text);

	cops_print(&m, &out);
	ck_assert_int_eq(out.error, E_OK);
	ck_assert(holds(buffer_string(&out), v->text));

	buffer_reset(&out);
	cops_encode(&m, &out);
	ck_assert_int_eq(out.error, E_OK);
	ck_assert(view_equal(buffer_view(&out), octets));

	buffer_fini(&out);
	arena_fini(&arena);
	octets_free(octets);
}
END_TEST

/* A round trip cannot see a row that is wrong both ways; these values were read off the octets. */
START_TEST(values_land_in_their_members)
{
	static const struct {
		int vector;
		size_t object;
		uint32_t first, second;
	} cases[] = {
		{1, 0, 30, 0},
		{1, 1, 60, 0},
		{3, 1, 8, 0},
		{3, 2, 0, 0},
		{4, 2, 2, 0},
		{5, 1, 1, 0},
		{6, 1, 2, 0},
		{7, 1, 2, 0},
		{11, 0, 12, 0},
		{11, 1, 3288, 0},
		{12, 1, 1, 0},
		{13, 0, 15, 0x1002},
		{14, 1, 1, 10},
	};
	struct arena arena;

	arena_init(&arena, 100 * COPS_ARENA_LIMIT);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view octets = octets_of_hex(vectors[cases[i].vector].hex);
		struct cops_message m;
		struct cops_fault fault;
		const struct cops_object *o;
		uint32_t first = 0, second = 0;

		ck_assert_int_eq(cops_decode(octets, &arena, &m, &fault), E_OK);
		o = &m.objects[cases[i].object];
		switch (o->c_num) {
		case COPS_KA_TIMER:
		case COPS_ACCT_TIMER:
			first = o->timer.seconds;
			break;
		case COPS_CONTEXT:
			first = o->context.r_type;
			second = o->context.m_type;
			break;
		case COPS_DECISION:
			first = o->decision.command;
			second = o->decision.flags;
			break;
		case COPS_REPORT_TYPE:
			first = o->report.type;
			break;
		case COPS_ERROR:
		case COPS_REASON:
			first = o->error.code;
			second = o->error.sub_code;
			break;
		case COPS_PDP_REDIRECT:
			ck_assert_mem_eq(o->server.address, "\xc0\x00\x02\x09", 5);
			first = o->server.port;
			break;
		default:
			first = o->c_type == COPS_INTEGRITY_TLS ? o->integrity_tls.flags
								: o->integrity.key_id;
			second = o->c_type == COPS_INTEGRITY_TLS ? 0 : o->integrity.sequence;
		}
		ck_assert_uint_eq(first, cases[i].first);
		ck_assert_uint_eq(second, cases[i].second);
		octets_free(octets);
	}
	arena_fini(&arena);
}
END_TEST

/* A message whose only object has so many octets of contents, all of them harmless. */
static struct view lone_object(const struct cops_row *row, size_t len)
{
	size_t object = COPS_OBJECT_HEADER + len;
	size_t whole = COPS_HEADER + (object + 3) / 4 * 4;
	uint8_t *p = calloc(1, whole);

	p[0] = 0x10;
	p[1] = COPS_OPN;
	p[4] = (uint8_t)(whole >> 24);
	p[5] = (uint8_t)(whole >> 16);
	p[6] = (uint8_t)(whole >> 8);
	p[7] = (uint8_t)whole;
	p[8] = (uint8_t)(object >> 8);
	p[9] = (uint8_t)object;
	p[10] = row->num;
	p[11] = row->type;
	for (size_t i = 0; i < len; i++)
		p[12 + i] = row->fields[0].kind == COPS_TEXT ? i < COPS_PEPID_MAX ? 'p' : 0
							     : (uint8_t)(i & 1);
	return VIEW(p, whole);
}

START_TEST(lengths_from_nothing_to_twice_each_row)
{
	size_t count;
	const struct cops_row *row = &cops_object_rows(&count)[_i];
	size_t last = row->greatest > 1000 ? 1000 : 2u * row->greatest;

	for (size_t len = 0; len <= last; len++) {
		struct view octets = lone_object(row, len);
		bool good = len >= row->least && len <= row->greatest;
		struct cops_message m;
		struct cops_fault fault;
		struct arena arena;

		arena_init(&arena, COPS_ARENA_LIMIT);
		ck_assert_msg(cops_decode(octets, &arena, &m, &fault) == (good ? E_OK : E_LENGTH),
			"%s with %zu octets: %s", row->name, len, fault.error.text);
		if (!good) {
			ck_assert_uint_eq(fault.c_num, row->num);
			ck_assert_uint_eq(fault.c_type, row->type);
			ck_assert_uint_eq(fault.offset, COPS_HEADER);
		}
		arena_fini(&arena);
		octets_free(octets);
	}
	/* The longest that 16 bits can say, where the row permits it. */
	if (row->greatest == UINT16_MAX - COPS_OBJECT_HEADER) {
		struct view octets = lone_object(row, row->greatest);
		struct cops_message m;
		struct cops_fault fault;
		struct arena arena;

		arena_init(&arena, COPS_ARENA_LIMIT);
		ck_assert_int_eq(cops_decode(octets, &arena, &m, &fault), E_OK);
		arena_fini(&arena);
		octets_free(octets);
	}
}
END_TEST

static size_t padded(size_t len)
{
	return (len + 3) / 4 * 4;
}

/* The message with another length of the contents of the object at `at`: cut, or zeros behind them. */
static struct view with_length(struct view octets, size_t at, size_t len)
{
	size_t old = (size_t)(octets.data[at] << 8 | octets.data[at + 1]);
	size_t behind = at + padded(old), object = COPS_OBJECT_HEADER + len;
	size_t whole = at + padded(object) + (octets.len - behind);
	uint8_t *p = calloc(1, whole);

	memcpy(p, octets.data, at + (object < old ? object : old));
	memcpy(p + at + padded(object), octets.data + behind, octets.len - behind);
	p[at] = (uint8_t)(object >> 8);
	p[at + 1] = (uint8_t)object;
	for (int i = 0; i < 4; i++)
		p[4 + i] = (uint8_t)(whole >> (24 - 8 * i));
	return VIEW(p, whole);
}

/* A length that its row forbids is that object's fault; any other is at most the contents'. */
static void check_length(struct view octets, size_t at, size_t len)
{
	const struct cops_row *row = cops_object_row(octets.data[at + 2], octets.data[at + 3]);
	struct view changed = with_length(octets, at, len);
	struct cops_message m;
	struct cops_fault fault = {0};
	struct arena arena;
	enum err code;

	arena_init(&arena, COPS_ARENA_LIMIT);
	code = cops_decode(changed, &arena, &m, &fault);
	if (len < row->least || len > row->greatest)
		ck_assert_msg(code == E_LENGTH, "%s with %zu octets: %s", row->name, len,
			err_text(code));
	else
		ck_assert_msg(code == E_OK || code == E_RANGE || code == E_SYNTAX,
			"%s with %zu octets: %s", row->name, len, err_text(code));
	if (code) {
		ck_assert_uint_eq(fault.c_num, row->num);
		ck_assert_uint_eq(fault.offset, at);
	}
	arena_fini(&arena);
	octets_free(changed);
}

/* Every object of every message, among its neighbours. */
START_TEST(lengths_from_nothing_to_twice_in_each_message)
{
	struct view octets = octets_of_hex(vectors[_i].hex);

	for (size_t at = COPS_HEADER; at < octets.len;) {
		size_t old = (size_t)(octets.data[at] << 8 | octets.data[at + 1]);

		for (size_t len = 0; len <= 2 * (old - COPS_OBJECT_HEADER); len++)
			check_length(octets, at, len);
		at += padded(old);
	}
	octets_free(octets);
}
END_TEST

START_TEST(what_is_tolerated_and_what_is_not)
{
	static const struct {
		const char *why, *hex;
		enum err code;
		uint8_t c_num, c_type;
	} cases[] = {
		{"PEPID without NUL", "100640010000001000080b0170657031", E_OK, 0, 0},
		{"PEPID, its length without padding", "100640010000001400090b017065703100000000",
			E_OK, 0, 0},
		{"PEPID, padded by a word", "1006400100000014000c0b017065703100000000", E_OK, 0, 0},
		{"PEPID, NUL missing and padding not zero", "100640010000001000070b017065706e",
			E_OK, 0, 0},
		{"empty PEPID", "100640010000001000080b0100000000", E_RANGE, 11, 1},
		{"PEPID with a line feed", "100640010000001000080b0170650a00", E_SYNTAX, 11, 1},
		{"reserved bits of a KATimer", "100740010000001000080a01ffff001e", E_OK, 0, 0},
		{"unknown flags of the header", "1e09000000000008", E_RANGE, 0, 0},
		{"an unknown flag beside the known one", "1309000000000008", E_RANGE, 0, 0},
		{"Report-Type in the lower half", "100340010000001000080c0100000001", E_RANGE, 12,
			1},
		{"Report-Type 4", "100340010000001000080c0100040000", E_RANGE, 12, 1},
		{"Command 3", "10024001000000100008060100030000", E_RANGE, 6, 1},
		{"Error 0", "10084001000000100008080100000000", E_RANGE, 8, 1},
		{"C-Num 0", "10064001000000100008000100000000", E_UNKNOWN, 0, 1},
		{"C-Num 17", "10064001000000100008110100000000", E_UNKNOWN, 17, 1},
		{"C-Type 2 of a PEPID", "100640010000001000080b0270657000", E_UNKNOWN, 11, 2},
		{"Integrity of another kind", "10060000000000100008100300000001", E_UNKNOWN, 16, 3},
		{"object overruns", "100640010000001000090b0170657000", E_LENGTH, 11, 1},
		{"object length 3", "100640010000001000030b0170657000", E_LENGTH, 11, 1},
		{"object length 0", "100640010000001000000b0170657000", E_LENGTH, 11, 1},
		{"version 2", "2009000000000008", E_VERSION, 0, 0},
		{"op-code 0", "1000000000000008", E_UNKNOWN, 0, 0},
		{"op-code 11", "100b000000000008", E_UNKNOWN, 0, 0},
		{"length 4", "1009000000000004", E_LENGTH, 0, 0},
		{"length no multiple of 4", "100900000000000a0000", E_LENGTH, 0, 0},
		{"length beyond what is there", "100900000000000c", E_LENGTH, 0, 0},
		{"more there than the length", "100900000000000800000000", E_LENGTH, 0, 0},
		{"nothing", "", E_LENGTH, 0, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view octets = octets_of_hex(cases[i].hex);
		struct cops_message m;
		struct cops_fault fault;
		struct arena arena;

		arena_init(&arena, COPS_ARENA_LIMIT);
		ck_assert_msg(cops_decode(octets, &arena, &m, &fault) == cases[i].code,
			"%s: %s: %s", cases[i].why, err_text(fault.error.code), fault.error.text);
		ck_assert_msg(fault.c_num == cases[i].c_num && fault.c_type == cases[i].c_type,
			"%s: %u/%u", cases[i].why, fault.c_num, fault.c_type);
		arena_fini(&arena);
		octets_free(octets);
	}
}
END_TEST

START_TEST(what_is_tolerated_is_seen)
{
	static const struct {
		const char *why, *hex;
		uint8_t odd;
	} cases[] = {
		{"nothing", "100649500000001000080b0170657000", 0},
		{"PEPID without NUL", "100649500000001000080b0170657031", COPS_ODD_PEPID_NUL},
		{"padding behind it", "100649500000001000070b0170650000", COPS_ODD_PEPID_PADDING},
		{"both", "100649500000001000070b0170657000",
			COPS_ODD_PEPID_NUL | COPS_ODD_PEPID_PADDING},
		{"a last object without padding",
			"1001495000000024"
			"0008010100000001"
			"0008020100080000"
			"0009090200050101"
			"06000000",
			COPS_ODD_OBJECT_PADDING},
		{"a handle of three octets", "100449500000001800070101616263000008050100020000", 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view octets = octets_of_hex(cases[i].hex);
		struct cops_message m;
		struct cops_fault fault;
		struct arena arena;
		enum err err;

		arena_init(&arena, COPS_ARENA_LIMIT);
		err = cops_decode(octets, &arena, &m, &fault);
		ck_assert_msg(!err, "%s: %s", cases[i].why, fault.error.text);
		ck_assert_msg(cops_tolerated(&m) == cases[i].odd, "%s: %u", cases[i].why,
			cops_tolerated(&m));
		arena_fini(&arena);
		octets_free(octets);
	}
}
END_TEST

START_TEST(frames_are_found_at_every_cut)
{
	struct buffer stream;
	size_t at = 0;

	buffer_init(&stream, 100000);
	for (size_t i = 0; i < VECTORS; i++) {
		struct view octets = octets_of_hex(vectors[i].hex);

		buffer_put_view(&stream, octets);
		octets_free(octets);
	}
	for (size_t i = 0; i < VECTORS; i++) {
		size_t whole = strlen(vectors[i].hex) / 2, len = 0;

		for (size_t there = 0; there < whole; there++) {
			struct view part = octets_copy(VIEW(stream.data + at, there));

			ck_assert_int_eq(cops_frame(part, 1000, &len), E_AGAIN);
			ck_assert_uint_eq(len, there < COPS_HEADER ? 0 : whole);
			octets_free(part);
		}
		ck_assert_int_eq(
			cops_frame(VIEW(stream.data + at, stream.len - at), 1000, &len), E_OK);
		ck_assert_uint_eq(len, whole);
		ck_assert_int_eq(
			cops_frame(VIEW(stream.data + at, stream.len - at), whole, &len), E_OK);
		ck_assert_int_eq(cops_frame(VIEW(stream.data + at, 8), whole - 1, &len), E_LIMIT);
		ck_assert_uint_eq(len, whole);
		at += whole;
	}
	buffer_fini(&stream);
}
END_TEST

START_TEST(a_lost_stream_shows_in_its_first_octets)
{
	size_t len;

	ck_assert_int_eq(cops_frame(view_of_string("GET / HTTP/1.1"), 1000, &len), E_VERSION);
	ck_assert_int_eq(cops_frame(VIEW("\x16", 1), 1000, &len), E_AGAIN);
	ck_assert_int_eq(cops_frame(VIEW("\x16\x03\x01", 3), 1000, &len), E_AGAIN);
	ck_assert_int_eq(cops_frame(VIEW("\x10\x0b", 2), 1000, &len), E_UNKNOWN);
	ck_assert_int_eq(
		cops_frame(VIEW("\x10\x02\x40\x01\xff\xff\xff\xfc", 8), 1000, &len), E_LIMIT);
	ck_assert_uint_eq(len, 0xfffffffc);
}
END_TEST

START_TEST(a_message_of_very_many_objects_is_refused)
{
	size_t whole = COPS_HEADER + 4 * (COPS_OBJECTS_MAX + 1);
	uint8_t *p = calloc(1, whole);
	struct cops_message m;
	struct cops_fault fault;
	struct arena arena;

	p[0] = 0x10;
	p[1] = COPS_REQ;
	p[3] = 1;
	for (size_t i = COPS_HEADER; i < whole; i += 4)
		memcpy(p + i, "\x00\x04\x09\x02", 4);
	arena_init(&arena, COPS_ARENA_LIMIT);
	p[6] = (uint8_t)(whole >> 8);
	p[7] = (uint8_t)whole;
	ck_assert_int_eq(cops_decode(VIEW(p, whole), &arena, &m, &fault), E_LIMIT);
	p[6] = (uint8_t)((whole - 4) >> 8);
	p[7] = (uint8_t)(whole - 4);
	ck_assert_int_eq(cops_decode(VIEW(p, whole - 4), &arena, &m, &fault), E_OK);
	ck_assert_uint_eq(m.count, COPS_OBJECTS_MAX);
	arena_fini(&arena);
	free(p);
}
END_TEST

/* Whatever is read means the same after it was written and read again. */
START_TEST(mutated_messages_survive_a_round_trip)
{
	const uint64_t first = 0x636f7073;
	uint64_t seed = first;
	size_t good = 0;

	for (size_t n = 0; n < 50000; n++) {
		struct view octets = octets_of_hex(vectors[chance(&seed) % VECTORS].hex);
		uint8_t *p;
		struct cops_message m, again;
		struct cops_fault fault;
		struct buffer out, once, twice;
		struct arena arena;

		memcpy(&p, &octets.data, sizeof p);
		for (uint32_t k = chance(&seed) % 4; k; k--)
			p[chance(&seed) % octets.len] =
				(uint8_t)(chance(&seed) >> (chance(&seed) % 24));
		arena_init(&arena, 4 * COPS_ARENA_LIMIT);
		buffer_init(&out, 100000);
		buffer_init(&once, 100000);
		buffer_init(&twice, 100000);
		if (!cops_decode(octets, &arena, &m, &fault)) {
			uint16_t gperr, sub_code;

			good++;
			cops_encode(&m, &out);
			ck_assert_msg(!out.error, "seed %llx, run %zu: %s",
				(unsigned long long)first, n, err_text(out.error));
			ck_assert_int_eq(
				cops_decode(buffer_view(&out), &arena, &again, &fault), E_OK);
			m.octets = again.octets = VIEW_NONE;
			cops_print(&m, &once);
			cops_print(&again, &twice);
			ck_assert_str_eq(buffer_string(&once), buffer_string(&twice));
			if (!cops_check(&m, COPS_PR, &fault) &&
				cops_check_data(&m, &gperr, &sub_code, &fault.error))
				ck_assert_uint_ne(gperr, 0);
			else if (!cops_check(&m, COPS_BASE, &fault))
				ck_assert_uint_le(m.count, COPS_OBJECTS_MAX);
		}
		buffer_fini(&out);
		buffer_fini(&once);
		buffer_fini(&twice);
		arena_fini(&arena);
		octets_free(octets);
	}
	ck_assert_uint_gt(good, 10000);
}
END_TEST

/* Objects by letter, for the grammar. */
static struct cops_object object_of(char letter)
{
	static const struct {
		char letter;
		struct cops_object object;
	} letters[] = {
		{'H', {COPS_HANDLE, 1, .octets = {(const uint8_t *)"h", 1}}},
		{'C', {COPS_CONTEXT, 1, .context = {COPS_R_CONFIGURATION, 0}}},
		{'i', {COPS_IN_INT, COPS_IPV4, .interface = {.ifindex = 1}}},
		{'o', {COPS_OUT_INT, COPS_IPV6, .interface = {.ifindex = 1}}},
		{'R', {COPS_REASON, 1, .error = {1, 0}}},
		{'F', {COPS_DECISION, COPS_DECISION_FLAGS, .decision = {COPS_INSTALL, 0}}},
		{'0', {COPS_DECISION, COPS_DECISION_FLAGS, .decision = {COPS_NULL_DECISION, 0}}},
		{'-', {COPS_DECISION, COPS_DECISION_FLAGS, .decision = {COPS_REMOVE, 0}}},
		{'+', {COPS_DECISION, COPS_DECISION_FLAGS,
			      .decision = {COPS_INSTALL, COPS_REQUEST_STATE}}},
		{'d', {COPS_DECISION, COPS_DECISION_STATELESS, .octets = {NULL, 0}}},
		{'N', {COPS_DECISION, COPS_DECISION_NAMED,
			      .octets = {(const uint8_t *)"\0\x08\1\1\6\2\x2b\6\0\4\3\1", 12}}},
		{'X', {COPS_DECISION, COPS_DECISION_NAMED,
			      .octets = {(const uint8_t *)"\0\x08\2\1\6\2\x2b\6", 8}}},
		{'l', {COPS_LPDP_DECISION, COPS_DECISION_FLAGS, .decision = {COPS_INSTALL, 0}}},
		{'m', {COPS_LPDP_DECISION, COPS_DECISION_NAMED, .octets = {NULL, 0}}},
		{'E', {COPS_ERROR, 1, .error = {1, 0}}},
		{'s', {COPS_CLIENT_SI, COPS_SI_SIGNALED, .octets = {NULL, 0}}},
		{'S', {COPS_CLIENT_SI, COPS_SI_NAMED,
			      .octets = {(const uint8_t *)"\0\x08\1\1\6\2\x2b\6\0\4\3\1", 12}}},
		{'g', {COPS_CLIENT_SI, COPS_SI_NAMED,
			      .octets = {(const uint8_t *)"\0\x08\4\1\0\5\0\0", 8}}},
		{'K', {COPS_KA_TIMER, 1, .timer = {1}}},
		{'A', {COPS_ACCT_TIMER, 1, .timer = {1}}},
		{'P', {COPS_PEPID, 1, .pepid = {(const uint8_t *)"p", 1}}},
		{'T', {COPS_REPORT_TYPE, 1, .report = {COPS_SUCCESS}}},
		{'a', {COPS_REPORT_TYPE, 1, .report = {COPS_ACCOUNTING}}},
		{'D', {COPS_PDP_REDIRECT, COPS_IPV6, .server = {.port = 1}}},
		{'L', {COPS_LAST_PDP, COPS_IPV4, .server = {.port = 1}}},
		{'I', {COPS_INTEGRITY, COPS_INTEGRITY_HMAC,
			      .integrity = {1, 1, {(const uint8_t *)"abcdefghijkl", 12}}}},
		{'Z', {COPS_INTEGRITY, COPS_INTEGRITY_TLS, .integrity_tls = {COPS_START_TLS}}},
	};

	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
		if (letters[i].letter == letter)
			return letters[i].object;
	ck_abort_msg("no object %c", letter);
}

struct sentence {
	enum cops_op op;
	uint16_t client_type;
	const char *objects;
	enum err base, pr; /* cops_check() under the two profiles */
	enum err data;     /* cops_check_data(), if the second holds */
};

static const struct sentence sentences[] = {
	{COPS_REQ, 1, "HC", E_OK, E_OK, E_OK},
	{COPS_REQ, 0, "HC", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HCSSS", E_OK, E_OK, E_OK},
	{COPS_REQ, 1, "HCSI", E_OK, E_OK, E_OK},
	{COPS_REQ, 1, "HCIS", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HCII", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HCZ", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HCios", E_OK, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HCois", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HClmClm", E_OK, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HCm", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HCC", E_MISSING, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "H", E_MISSING, E_MISSING, E_OK},
	{COPS_REQ, 1, "C", E_MISSING, E_MISSING, E_OK},
	{COPS_REQ, 1, "CH", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "", E_MISSING, E_MISSING, E_OK},
	{COPS_REQ, 1, "HHC", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_REQ, 1, "HCg", E_OK, E_OK, E_UNEXPECTED},
	{COPS_DEC, 1, "HE", E_OK, E_OK, E_OK},
	{COPS_DEC, 1, "HEE", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_DEC, 1, "HECF", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_DEC, 1, "HCFE", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_DEC, 1, "H", E_MISSING, E_OK, E_OK},
	{COPS_DEC, 1, "HC0", E_OK, E_OK, E_OK},
	{COPS_DEC, 1, "HC0N", E_OK, E_OK, E_UNEXPECTED},
	{COPS_DEC, 1, "HC-XCFNCFN", E_OK, E_OK, E_OK},
	{COPS_DEC, 1, "HC-N", E_OK, E_OK, E_UNEXPECTED},
	{COPS_DEC, 1, "HCFX", E_OK, E_OK, E_UNEXPECTED},
	{COPS_DEC, 1, "HC+", E_OK, E_OK, E_OK},
	{COPS_DEC, 1, "HC+N", E_OK, E_OK, E_UNEXPECTED},
	{COPS_DEC, 1, "HC+CFN", E_OK, E_OK, E_UNEXPECTED},
	{COPS_DEC, 1, "HCFd", E_OK, E_UNEXPECTED, E_OK},
	{COPS_DEC, 1, "HCFNN", E_OK, E_UNEXPECTED, E_OK},
	{COPS_DEC, 1, "HCNF", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_DEC, 1, "HFN", E_MISSING, E_UNEXPECTED, E_OK},
	{COPS_DEC, 1, "HCFNC", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_DEC, 1, "HCFNI", E_OK, E_OK, E_OK},
	{COPS_DEC, 1, "CFN", E_MISSING, E_MISSING, E_OK},
	{COPS_RPT, 1, "HT", E_OK, E_OK, E_OK},
	{COPS_RPT, 1, "HTg", E_OK, E_OK, E_OK},
	{COPS_RPT, 1, "Hag", E_OK, E_OK, E_UNEXPECTED},
	{COPS_RPT, 1, "HaS", E_OK, E_OK, E_OK},
	{COPS_RPT, 1, "HTgS", E_UNEXPECTED, E_OK, E_OK},
	{COPS_RPT, 1, "HTs", E_OK, E_UNEXPECTED, E_OK},
	{COPS_RPT, 1, "H", E_MISSING, E_MISSING, E_OK},
	{COPS_RPT, 1, "HS", E_MISSING, E_MISSING, E_OK},
	{COPS_DRQ, 1, "HR", E_OK, E_OK, E_OK},
	{COPS_DRQ, 1, "H", E_MISSING, E_MISSING, E_OK},
	{COPS_DRQ, 1, "HRR", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_SSQ, 1, "", E_OK, E_OK, E_OK},
	{COPS_SSQ, 1, "H", E_OK, E_OK, E_OK},
	{COPS_SSQ, 1, "HI", E_OK, E_OK, E_OK},
	{COPS_SSQ, 1, "HH", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_SSC, 1, "H", E_OK, E_OK, E_OK},
	{COPS_OPN, 1, "P", E_OK, E_OK, E_OK},
	{COPS_OPN, 1, "PsLI", E_OK, E_OK, E_OK},
	{COPS_OPN, 1, "PLs", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_OPN, 1, "", E_MISSING, E_MISSING, E_OK},
	{COPS_OPN, 0, "PZ", E_OK, E_OK, E_OK},
	{COPS_OPN, 1, "PZ", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_CAT, 1, "K", E_OK, E_OK, E_OK},
	{COPS_CAT, 1, "KAI", E_OK, E_OK, E_OK},
	{COPS_CAT, 0, "KZ", E_OK, E_OK, E_OK},
	{COPS_CAT, 1, "A", E_MISSING, E_MISSING, E_OK},
	{COPS_CAT, 1, "AK", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_CC, 1, "E", E_OK, E_OK, E_OK},
	{COPS_CC, 0, "EDI", E_OK, E_OK, E_OK},
	{COPS_CC, 1, "", E_MISSING, E_MISSING, E_OK},
	{COPS_CC, 1, "EL", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_KA, 0, "", E_OK, E_OK, E_OK},
	{COPS_KA, 0, "I", E_OK, E_OK, E_OK},
	{COPS_KA, 0, "Z", E_UNEXPECTED, E_UNEXPECTED, E_OK},
	{COPS_KA, 0, "H", E_UNEXPECTED, E_UNEXPECTED, E_OK},
};

START_TEST(each_op_code_has_its_grammar)
{
	const struct sentence *c = &sentences[_i];
	struct cops_object objects[16];
	struct cops_message m = {
		.op = (uint8_t)c->op, .client_type = c->client_type, .objects = objects};
	struct cops_fault fault;
	uint16_t gperr, sub_code;

	for (; c->objects[m.count]; m.count++)
		objects[m.count] = object_of(c->objects[m.count]);
	ck_assert_msg(cops_check(&m, COPS_BASE, &fault) == c->base, "%s %s: %s", cops_op_name(m.op),
		c->objects, fault.error.text);
	ck_assert_msg(cops_check(&m, COPS_PR, &fault) == c->pr, "%s %s, COPS-PR: %s",
		cops_op_name(m.op), c->objects, fault.error.text);
	if (!c->pr)
		ck_assert_msg(cops_check_data(&m, &gperr, &sub_code, &fault.error) == c->data,
			"%s %s, data: %s", cops_op_name(m.op), c->objects, fault.error.text);
}
END_TEST

START_TEST(errors_in_the_words_of_the_protocol)
{
	static const struct {
		enum err code;
		bool of_object;
		uint8_t c_num, c_type;
		uint16_t error, reason, sub_code, gperr;
	} cases[] = {
		{E_UNKNOWN, true, 20, 1, 13, 13, 0x1401, 10},
		{E_UNKNOWN, true, 0, 1, 13, 13, 0x0001, 10},
		{E_UNKNOWN, false, 0, 0, 3, 12, 0, 10},
		{E_MISSING, true, 2, 0, 7, 12, 0, 11},
		{E_LENGTH, true, 2, 1, 3, 12, 0, 11},
		{E_PADDING, true, 2, 1, 3, 12, 0, 8},
		{E_MEMORY, false, 0, 0, 4, 7, 0, 2},
		{E_UNEXPECTED, true, 2, 1, 3, 12, 0, 11},
		{E_VERSION, false, 0, 0, 3, 12, 0, 11},
		{E_LIMIT, false, 0, 0, 4, 7, 0, 2},
		{E_BUG, false, 0, 0, 10, 1, 0, 5},
		{E_UNSUPPORTED, false, 0, 0, 6, 9, 0, 9},
		{E_TIMEOUT, false, 0, 0, 9, 5, 0, 5},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cops_fault fault = {.error = {.code = cases[i].code},
			.of_object = cases[i].of_object,
			.c_num = cases[i].c_num,
			.c_type = cases[i].c_type};
		uint16_t code, sub_code;

		cops_fault_error(&fault, &code, &sub_code);
		ck_assert_uint_eq(code, cases[i].error);
		ck_assert_uint_eq(sub_code, cases[i].sub_code);
		cops_fault_reason(&fault, &code, &sub_code);
		ck_assert_uint_eq(code, cases[i].reason);
		ck_assert_uint_eq(cops_gperr(cases[i].code), cases[i].gperr);
		ck_assert_uint_eq(sub_code, cases[i].sub_code);
	}
}
END_TEST

START_TEST(a_handle_is_seen_in_a_broken_message)
{
	struct view octets = octets_of_hex("10024001000000ff0007010161626300ffff");
	struct view handle;

	for (size_t len = 0; len <= octets.len; len++) {
		struct view part = octets_copy(VIEW(octets.data, len));

		ck_assert_int_eq(cops_peek_handle(part, &handle), len >= 15);
		if (len >= 15)
			ck_assert(view_equal(handle, view_of_string("abc")));
		octets_free(part);
	}
	octets_free(octets);
}
END_TEST

/* Bindings whose EPDs have the given lengths. */
static void put_bindings(struct buffer *b, const size_t *lengths, size_t count)
{
	static uint8_t zeros[PR_CONTENTS_MAX];
	static const uint8_t oid[] = {0x06, 0x03, 0x2b, 0x06, 0x01};

	for (size_t i = 0; i < count; i++) {
		pr_put(b, PR_PRID, VIEW(oid, sizeof oid));
		pr_put(b, PR_EPD, VIEW(zeros, lengths[i]));
	}
}

enum { PRID_OCTETS = 12 };

/* Decodes what a run made: every piece is whole, together they are what went in. */
static size_t check_pieces(struct view message, struct view bindings)
{
	struct cops_message m;
	struct cops_fault fault;
	struct cops_decision d;
	struct buffer all;
	struct arena arena;
	uint16_t gperr, sub_code;
	size_t at = 0, pieces = 0;

	arena_init(&arena, COPS_ARENA_LIMIT);
	buffer_init(&all, 100 << 20);
	ck_assert_msg(!cops_decode(message, &arena, &m, &fault), "%s", fault.error.text);
	ck_assert_msg(!cops_check(&m, COPS_PR, &fault), "%s", fault.error.text);
	ck_assert_msg(
		!cops_check_data(&m, &gperr, &sub_code, &fault.error), "%s", fault.error.text);
	while (cops_next_decision(&m, &at, &d)) {
		ck_assert_uint_eq(d.command, COPS_INSTALL);
		ck_assert_uint_gt(d.named.len, 0);
		buffer_put_view(&all, d.named);
		pieces++;
	}
	ck_assert(view_equal(buffer_view(&all), bindings));
	buffer_fini(&all);
	arena_fini(&arena);
	return pieces;
}

START_TEST(long_runs_are_split_between_bindings_only)
{
	const size_t full = COPS_CONTENTS_MAX - PRID_OCTETS - PR_HEADER;
	const struct {
		size_t lengths[4], count, pieces;
	} cases[] = {
		{{10}, 1, 1},
		{{full}, 1, 1},
		{{full, 10}, 2, 2},
		{{10, full}, 2, 2},
		/* Two that fill an object exactly, and one word more. */
		{{1000, full - 1000 - PRID_OCTETS - PR_HEADER}, 2, 1},
		{{1000, full - 1000 - PRID_OCTETS - PR_HEADER + 1}, 2, 2},
		{{full, full, full, full}, 4, 4},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer b, bindings;
		struct cops_run run;
		size_t begun;

		buffer_init(&b, 1 << 20);
		buffer_init(&bindings, 1 << 20);
		put_bindings(&bindings, cases[i].lengths, cases[i].count);
		begun = cops_begin(&b, COPS_DEC, 0, 1);
		cops_put_handle(&b, view_of_string("h"));
		cops_run_begin(&run, &b, COPS_IN_INSTALL);
		cops_run_add(&run, buffer_view(&bindings));
		cops_run_end(&run);
		cops_end(&b, begun);
		ck_assert_int_eq(b.error, E_OK);
		ck_assert_uint_eq(
			check_pieces(buffer_view(&b), buffer_view(&bindings)), cases[i].pieces);
		buffer_fini(&b);
		buffer_fini(&bindings);
	}
}
END_TEST

START_TEST(a_binding_that_cannot_fit_is_refused)
{
	const size_t lengths[] = {COPS_CONTENTS_MAX - PRID_OCTETS - PR_HEADER + 1};
	struct buffer b, bindings;
	struct cops_run run;

	buffer_init(&b, 1 << 20);
	buffer_init(&bindings, 1 << 20);
	put_bindings(&bindings, lengths, 1);
	cops_run_begin(&run, &b, COPS_IN_CLIENT_SI);
	cops_run_add(&run, buffer_view(&bindings));
	ck_assert_int_eq(b.error, E_LIMIT);
	buffer_fini(&b);
	buffer_fini(&bindings);
}
END_TEST

START_TEST(nothing_is_written_for_nothing)
{
	struct cops_run run;
	struct buffer b;

	buffer_init(&b, 1000);
	cops_run_begin(&run, &b, COPS_IN_REMOVE);
	cops_run_add(&run, VIEW_NONE);
	cops_run_end(&run);
	ck_assert_uint_eq(b.len, 0);
	buffer_fini(&b);
}
END_TEST

START_TEST(random_runs_in_random_pieces_arrive_whole)
{
	const uint64_t first = 0x72756e73;
	uint64_t seed = first;

	printf("seed %llx\n", (unsigned long long)first);
	for (size_t n = 0; n < 60; n++) {
		struct buffer b, bindings;
		struct cops_run run;
		size_t begun, piece = 0;

		buffer_init(&b, 100 << 20);
		buffer_init(&bindings, 100 << 20);
		begun = cops_begin(&b, COPS_DEC, 0, 1);
		cops_put_handle(&b, view_of_string("h"));
		cops_run_begin(&run, &b, COPS_IN_INSTALL);
		for (uint32_t k = 1 + chance(&seed) % 50; k; k--) {
			size_t length = chance(&seed) % (1u << chance(&seed) % 16);

			put_bindings(&bindings, &length, 1);
			if (chance(&seed) % 3 == 0 || k == 1) {
				cops_run_add(
					&run, VIEW(bindings.data + piece, bindings.len - piece));
				piece = bindings.len;
			}
		}
		cops_run_end(&run);
		cops_end(&b, begun);
		ck_assert_int_eq(b.error, E_OK);
		check_pieces(buffer_view(&b), buffer_view(&bindings));
		buffer_fini(&b);
		buffer_fini(&bindings);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("message");
	TCase *c = tcase_create("message");
	size_t rows;

	cops_object_rows(&rows);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, vectors_decode_print_and_encode_to_the_same_octets, 0, VECTORS);
	tcase_add_test(c, values_land_in_their_members);
	tcase_add_loop_test(c, lengths_from_nothing_to_twice_each_row, 0, (int)rows);
	tcase_add_loop_test(c, lengths_from_nothing_to_twice_in_each_message, 0, VECTORS);
	tcase_add_test(c, what_is_tolerated_and_what_is_not);
	tcase_add_test(c, what_is_tolerated_is_seen);
	tcase_add_test(c, frames_are_found_at_every_cut);
	tcase_add_test(c, a_lost_stream_shows_in_its_first_octets);
	tcase_add_test(c, a_message_of_very_many_objects_is_refused);
	tcase_add_test(c, mutated_messages_survive_a_round_trip);
	tcase_add_loop_test(
		c, each_op_code_has_its_grammar, 0, (int)(sizeof sentences / sizeof sentences[0]));
	tcase_add_test(c, errors_in_the_words_of_the_protocol);
	tcase_add_test(c, a_handle_is_seen_in_a_broken_message);
	tcase_add_test(c, long_runs_are_split_between_bindings_only);
	tcase_add_test(c, a_binding_that_cannot_fit_is_refused);
	tcase_add_test(c, nothing_is_written_for_nothing);
	tcase_add_test(c, random_runs_in_random_pieces_arrive_whole);
	suite_add_tcase(s, c);
	return suite_main(s);
}
