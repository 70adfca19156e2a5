/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A settings file: an octet that chooses the schema, the text.
 *
 * Reaches: settings_parse with every type of row, endpoint_parse, pin_parse, duration_parse,
 * settings_show and back.
 */
#include "common/service/settings.h"
#include "pdp/settings.h"
#include "pep/settings.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 4 << 20, STRUCT_MAX = 4096 };

struct every {
	char *string;
	char *path;
	bool yes;
	uint32_t number;
	uint64_t duration;
	struct endpoint_list endpoints;
	struct network_list networks;
	struct pin_list pins;
	unsigned choice;
};

static const struct setting_choice choices[] = {{"one", 1}, {"two", 2}, {NULL, 0}};

static const struct setting rows[] = {
	{.name = "string", .type = SETTING_STRING, .offset = SETTING_AT_STRING(struct every, string),
		.initial = "", .max = 20, .line = "a string"},
	{.name = "path", .type = SETTING_PATH, .offset = SETTING_AT_STRING(struct every, path),
		.initial = "/run/x", .line = "a path"},
	{.name = "yes", .type = SETTING_BOOL, .offset = SETTING_AT_BOOL(struct every, yes),
		.initial = "no", .line = "a question"},
	{.name = "number", .type = SETTING_U32, .offset = SETTING_AT_U32(struct every, number),
		.initial = "7", .min = 1, .max = 4000000000, .line = "a number"},
	{.name = "duration", .type = SETTING_DURATION,
		.offset = SETTING_AT_DURATION(struct every, duration), .initial = "30s",
		.line = "a time"},
	{.name = "endpoints", .type = SETTING_ENDPOINTS,
		.offset = SETTING_AT_ENDPOINTS(struct every, endpoints), .initial = "",
		.port = 3288, .max = 4, .line = "some addresses"},
	{.name = "networks", .type = SETTING_NETWORKS,
		.offset = SETTING_AT_NETWORKS(struct every, networks), .initial = "",
		.port = 3288, .max = 4, .line = "some prefixes"},
	{.name = "pins", .type = SETTING_PINS, .offset = SETTING_AT_PINS(struct every, pins),
		.initial = "", .max = 4, .line = "some pins"},
	{.name = "choice", .type = SETTING_ENUM, .offset = SETTING_AT_ENUM(struct every, choice),
		.initial = "one", .choices = choices, .line = "a choice"},
};

static const struct settings_schema every_schema = {
	"fuzz", rows, sizeof rows / sizeof rows[0], sizeof(struct every)};

static bool same_row(const struct setting *row, const void *a, const void *b)
{
	const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
	const struct endpoint_list *e = x, *f = y;
	const struct network_list *n = x, *m = y;
	const struct pin_list *p = x, *q = y;

	switch (row->type) {
	case SETTING_STRING:
	case SETTING_PATH:
		return strcmp(*(char *const *)x, *(char *const *)y) == 0;
	case SETTING_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case SETTING_U32:
		return *(const uint32_t *)x == *(const uint32_t *)y;
	case SETTING_DURATION:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	case SETTING_ENUM:
		return *(const unsigned *)x == *(const unsigned *)y;
	case SETTING_ENDPOINTS:
		for (size_t i = 0; e->count == f->count && i < e->count; i++)
			if (!endpoint_equal(&e->items[i], &f->items[i]))
				return false;
		return e->count == f->count;
	case SETTING_NETWORKS:
		for (size_t i = 0; n->count == m->count && i < n->count; i++)
			if (!endpoint_equal(&n->items[i].base, &m->items[i].base) ||
				n->items[i].prefix_len != m->items[i].prefix_len)
				return false;
		return n->count == m->count;
	case SETTING_PINS:
		break;
	}
	for (size_t i = 0; p->count == q->count && i < p->count; i++)
		if (!pin_equal(&p->items[i], &q->items[i]))
			return false;
	return p->count == q->count;
}

static void round_trip(const struct settings_schema *schema, const void *settings)
{
	_Alignas(max_align_t) uint8_t again[STRUCT_MAX];
	struct buffer first, second, messages;

	buffer_init(&first, TEXT_MAX);
	buffer_init(&second, TEXT_MAX);
	buffer_init(&messages, TEXT_MAX);
	settings_show(schema, settings, &first);
	REQUIRE(!first.error);
	REQUIRE(settings_parse(schema, "shown", buffer_view(&first), again, &messages) == E_OK);
	for (size_t i = 0; i < schema->count; i++)
		REQUIRE(same_row(&schema->rows[i], settings, again));
	settings_show(schema, again, &second);
	REQUIRE(view_equal(buffer_view(&first), buffer_view(&second)));
	settings_fini(schema, again);
	buffer_fini(&first);
	buffer_fini(&second);
	buffer_fini(&messages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct settings_schema *const schemas[] = {
		&every_schema, &pdp_settings_schema, &pep_settings_schema};
	_Alignas(max_align_t) uint8_t settings[STRUCT_MAX];
	struct cursor input = cursor_over(VIEW(data, size));
	const struct settings_schema *schema = schemas[cursor_u8(&input) % 3];
	struct view text = cursor_rest(&input);
	struct buffer messages;
	enum err err;

	REQUIRE(schema->size <= sizeof settings);
	buffer_init(&messages, TEXT_MAX);
	err = settings_parse(schema, "fuzz.conf", text, settings, &messages);
	fuzz_require_printable(buffer_view(&messages));
	if (err) {
		REQUIRE(err == E_SYNTAX && messages.len && !messages.error);
		REQUIRE(messages.data[messages.len - 1] == '\n');
	} else {
		round_trip(schema, settings);
		fuzz_accepted = true;
		settings_fini(schema, settings);
	}
	buffer_fini(&messages);
	return 0;
}
