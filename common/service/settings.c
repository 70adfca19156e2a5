/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/settings.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

/* ---- one value ---- */

static const struct {
	const char *suffix;
	uint64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
enum { UNITS = sizeof units / sizeof units[0] };

/* Decimal, or hexadecimal behind 0x; no sign. Returns what stands behind the digits, or NULL. */
static const char *parse_number(const char *text, uint64_t *ret_number)
{
	bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hexadecimal ? text + 2 : text;
	size_t count = strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789");
	uint64_t n = 0;

	if (count == 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		char c = digits[i];
		uint64_t digit = (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);

		if (__builtin_mul_overflow(n, hexadecimal ? 16 : 10, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return NULL;
	}
	*ret_number = n;
	return digits + count;
}

bool duration_parse(const char *text, uint64_t *ret_ms)
{
	uint64_t n;
	const char *suffix = parse_number(text, &n);

	if (!suffix || text[1] == 'x' || text[1] == 'X')
		return false;
	for (size_t i = 0; i < UNITS; i++) {
		if (strcmp(suffix, units[i].suffix) == 0) {
			if (__builtin_mul_overflow(n, units[i].ms, &n))
				return false;
			*ret_ms = n;
			return true;
		}
	}
	return false;
}

void duration_format(uint64_t ms, struct buffer *out)
{
	size_t i = 0;

	while (i + 1 < UNITS && (ms == 0 ? units[i].ms != 1000 : ms % units[i].ms != 0))
		i++;
	buffer_put_text(out, "%" PRIu64 "%s", ms / units[i].ms, units[i].suffix);
}

static void *member(const struct setting *row, void *settings)
{
	return (char *)settings + row->offset;
}

static const void *member_const(const struct setting *row, const void *settings)
{
	return (const char *)settings + row->offset;
}

static uint64_t most(const struct setting *row, uint64_t otherwise)
{
	return row->max ? row->max : otherwise;
}

static enum err parse_text(const struct setting *row, const char *text, void *to, struct error *e)
{
	size_t len = strlen(text);
	char *copy;

	if (len < row->min || len > most(row, SIZE_MAX))
		return error_set(e, E_RANGE, "%zu octets, but %" PRIu64 " to %" PRIu64
				 " are accepted", len, row->min, most(row, SETTINGS_FILE_MAX));
	if (row->type == SETTING_PATH && text[0] && text[0] != '/')
		return error_set(e, E_SYNTAX, "'%.80s' is not an absolute path", text);
	copy = strdup(text);
	if (!copy)
		return error_set(e, E_MEMORY, "out of memory");
	*(char **)to = copy;
	return E_OK;
}

static enum err parse_bool(const struct setting *row, const char *text, void *to, struct error *e)
{
	(void)row;
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return error_set(e, E_SYNTAX, "'%.80s' is neither yes nor no", text);
	*(bool *)to = text[0] == 'y';
	return E_OK;
}

static enum err parse_u32(const struct setting *row, const char *text, void *to, struct error *e)
{
	uint64_t n, last = most(row, UINT32_MAX);
	const char *end = parse_number(text, &n);

	if (!end || *end)
		return error_set(e, E_SYNTAX, "'%.80s' is not a number", text);
	if (n < row->min || n > last)
		return error_set(e, E_RANGE, "%" PRIu64 " is not from %" PRIu64 " to %" PRIu64, n,
				 row->min, last);
	*(uint32_t *)to = (uint32_t)n;
	return E_OK;
}

static enum err parse_duration(const struct setting *row, const char *text, void *to,
			       struct error *e)
{
	char range[2][32];
	struct buffer b;
	uint64_t ms;

	if (!duration_parse(text, &ms))
		return error_set(e, E_SYNTAX,
				 "'%.80s' is not a time such as 250ms, 30s, 5m, 2h or 7d", text);
	if (ms >= row->min && ms <= most(row, UINT64_MAX)) {
		*(uint64_t *)to = ms;
		return E_OK;
	}
	for (size_t i = 0; i < 2; i++) {
		buffer_init(&b, sizeof range[i]);
		duration_format(i ? most(row, UINT64_MAX) : row->min, &b);
		snprintf(range[i], sizeof range[i], "%s", buffer_string(&b));
		buffer_fini(&b);
	}
	return error_set(e, E_RANGE, "%.80s is not from %s to %s", text, range[0], range[1]);
}

static enum err parse_enum(const struct setting *row, const char *text, void *to, struct error *e)
{
	size_t used;

	for (const struct setting_choice *c = row->choices; c->name; c++) {
		if (strcmp(c->name, text) == 0) {
			*(unsigned *)to = c->value;
			return E_OK;
		}
	}
	error_set(e, E_UNKNOWN, "'%.80s' is none of", text);
	for (const struct setting_choice *c = row->choices; c->name; c++) {
		used = strlen(e->text);
		snprintf(e->text + used, sizeof e->text - used, "%s%s",
			 c == row->choices ? " " : ", ", c->name);
	}
	return E_UNKNOWN;
}

static enum err parse_endpoint_item(const struct setting *row, const char *text, void *to,
				    struct error *e)
{
	return endpoint_parse(text, row->port, to, e);
}

static enum err parse_network_item(const struct setting *row, const char *text, void *to,
				   struct error *e)
{
	return network_parse(text, row->port, to, e);
}

static enum err parse_pin_item(const struct setting *row, const char *text, void *to,
			       struct error *e)
{
	(void)row;
	return pin_parse(text, to, e);
}

/* Items of `size` octets each; both list types are {items, count}. */
static enum err parse_list(const struct setting *row, const char *text, size_t size,
			   enum err (*parse)(const struct setting *row, const char *text, void *to,
					     struct error *e),
			   char **ret_items, size_t *ret_count, struct error *e)
{
	static const char separators[] = " \t,";
	char *copy = strdup(text);
	char *items = NULL, *more, *place = NULL;
	size_t count = 0, last = (size_t)most(row, SETTINGS_LIST_MAX);
	enum err err = copy ? E_OK : error_set(e, E_MEMORY, "out of memory");

	for (char *item = copy ? strtok_r(copy, separators, &place) : NULL; item && !err;
	     item = strtok_r(NULL, separators, &place)) {
		if (count == last) {
			err = error_set(e, E_LIMIT, "more than %zu items", last);
			break;
		}
		more = realloc(items, (count + 1) * size);
		if (!more) {
			err = error_set(e, E_MEMORY, "out of memory");
			break;
		}
		items = more;
		err = parse(row, item, items + count * size, e);
		for (size_t i = 0; !err && i < count; i++)
			if (memcmp(items + i * size, items + count * size, size) == 0)
				err = error_set(e, E_DUPLICATE, "'%.80s' stands there twice", item);
		count++;
	}
	if (!err && count < row->min)
		err = error_set(e, E_RANGE, "%zu items, and %" PRIu64 " are needed", count,
				row->min);
	free(copy);
	if (err) {
		free(items);
		return err;
	}
	*ret_items = items;
	*ret_count = count;
	return E_OK;
}

static enum err parse_endpoints(const struct setting *row, const char *text, void *to,
				struct error *e)
{
	struct endpoint_list *list = to;
	char *items;
	enum err err = parse_list(row, text, sizeof *list->items, parse_endpoint_item, &items,
				  &list->count, e);

	if (!err)
		list->items = (void *)items;
	return err;
}

static enum err parse_networks(const struct setting *row, const char *text, void *to,
			       struct error *e)
{
	struct network_list *list = to;
	char *items;
	enum err err = parse_list(row, text, sizeof *list->items, parse_network_item, &items,
				  &list->count, e);

	if (!err)
		list->items = (void *)items;
	return err;
}

static enum err parse_pins(const struct setting *row, const char *text, void *to, struct error *e)
{
	struct pin_list *list = to;
	char *items;
	enum err err = parse_list(row, text, sizeof *list->items, parse_pin_item, &items,
				  &list->count, e);

	if (!err)
		list->items = (void *)items;
	return err;
}

static void show_text(const struct setting *row, const void *from, struct buffer *out)
{
	(void)row;
	buffer_put_text(out, "%s", *(char *const *)from);
}

static void show_bool(const struct setting *row, const void *from, struct buffer *out)
{
	(void)row;
	buffer_put_text(out, "%s", *(const bool *)from ? "yes" : "no");
}

static void show_u32(const struct setting *row, const void *from, struct buffer *out)
{
	(void)row;
	buffer_put_text(out, "%" PRIu32, *(const uint32_t *)from);
}

static void show_duration(const struct setting *row, const void *from, struct buffer *out)
{
	(void)row;
	duration_format(*(const uint64_t *)from, out);
}

static void show_enum(const struct setting *row, const void *from, struct buffer *out)
{
	for (const struct setting_choice *c = row->choices; c->name; c++) {
		if (c->value == *(const unsigned *)from) {
			buffer_put_text(out, "%s", c->name);
			return;
		}
	}
}

static void show_endpoints(const struct setting *row, const void *from, struct buffer *out)
{
	const struct endpoint_list *list = from;
	char text[ENDPOINT_TEXT_SIZE];

	(void)row;
	for (size_t i = 0; i < list->count; i++) {
		endpoint_format(&list->items[i], text);
		buffer_put_text(out, "%s%s", i ? " " : "", text);
	}
}

static void show_networks(const struct setting *row, const void *from, struct buffer *out)
{
	const struct network_list *list = from;
	char text[NETWORK_TEXT_SIZE];

	(void)row;
	for (size_t i = 0; i < list->count; i++) {
		network_format(&list->items[i], text);
		buffer_put_text(out, "%s%s", i ? " " : "", text);
	}
}

static void show_pins(const struct setting *row, const void *from, struct buffer *out)
{
	const struct pin_list *list = from;
	char text[PIN_TEXT_SIZE];

	(void)row;
	for (size_t i = 0; i < list->count; i++) {
		pin_format(&list->items[i], text);
		buffer_put_text(out, "%s%s", i ? " " : "", text);
	}
}

static void release_text(void *at)
{
	free(*(char **)at);
	*(char **)at = NULL;
}

static void release_endpoints(void *at)
{
	free(((struct endpoint_list *)at)->items);
	*(struct endpoint_list *)at = (struct endpoint_list){0};
}

static void release_networks(void *at)
{
	free(((struct network_list *)at)->items);
	*(struct network_list *)at = (struct network_list){0};
}

static void release_pins(void *at)
{
	free(((struct pin_list *)at)->items);
	*(struct pin_list *)at = (struct pin_list){0};
}

/* What each type can do. `what` stands in the manual behind the name. */
static const struct {
	const char *what;
	enum err (*parse)(const struct setting *row, const char *text, void *to, struct error *e);
	void (*show)(const struct setting *row, const void *from, struct buffer *out);
	void (*release)(void *at);
} types[] = {
	[SETTING_STRING] = {"text", parse_text, show_text, release_text},
	[SETTING_PATH] = {"path", parse_text, show_text, release_text},
	[SETTING_BOOL] = {"yes | no", parse_bool, show_bool, NULL},
	[SETTING_U32] = {"number", parse_u32, show_u32, NULL},
	[SETTING_DURATION] = {"time", parse_duration, show_duration, NULL},
	[SETTING_ENDPOINTS] = {"address ...", parse_endpoints, show_endpoints, release_endpoints},
	[SETTING_NETWORKS] = {"prefix ...", parse_networks, show_networks, release_networks},
	[SETTING_PINS] = {"sha256:digest ...", parse_pins, show_pins, release_pins},
	[SETTING_ENUM] = {NULL, parse_enum, show_enum, NULL},
};

/* ---- a file ---- */

struct parse {
	const struct settings_schema *schema;
	const char *path;
	void *settings; /* being filled */
	unsigned lines[SETTINGS_ROWS_MAX]; /* where a row was given; 0: not yet */
	bool filled[SETTINGS_ROWS_MAX];
	unsigned errors;
	struct buffer *messages;
};

/* Messages quote the file, and are read on a terminal. */
static void put_printable(struct buffer *out, const char *text)
{
	for (; *text; text++)
		buffer_put_u8(out, (uint8_t)(*text > 0 && (*text < 0x20 || *text == 0x7f) ? '?' : *text));
}

static void complain(struct parse *p, unsigned line, const char *name, const char *text)
{
	if (p->errors++ < SETTINGS_ERRORS_MAX) {
		buffer_put_text(p->messages, "%s:", p->path);
		if (line)
			buffer_put_text(p->messages, "%u:", line);
		buffer_put_text(p->messages, " error: ");
		put_printable(p->messages, name ? name : "");
		put_printable(p->messages, name ? ": " : "");
		put_printable(p->messages, text);
		buffer_put_u8(p->messages, '\n');
	} else if (p->errors == SETTINGS_ERRORS_MAX + 1) {
		buffer_put_text(p->messages, "%s: error: there are more errors\n", p->path);
	}
}

static void set_value(struct parse *p, size_t at, const char *text, unsigned line)
{
	const struct setting *row = &p->schema->rows[at];
	struct error e;

	if (types[row->type].parse(row, text, member(row, p->settings), &e))
		complain(p, line, row->name, e.text);
	else
		p->filled[at] = true;
}

/* How unlike two names are: insertions, deletions and exchanges of letters, up to 3. */
static unsigned distance(const char *a, const char *b, unsigned budget)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (budget == 0)
		return 1;
	{
		unsigned best = *a && *b ? distance(a + 1, b + 1, budget - 1) : budget;
		unsigned other = *a ? distance(a + 1, b, budget - 1) : budget;

		best = other < best ? other : best;
		other = *b ? distance(a, b + 1, budget - 1) : budget;
		best = other < best ? other : best;
		return best + 1;
	}
}

static void complain_unknown(struct parse *p, unsigned line, const char *name)
{
	const char *near = NULL;
	unsigned least = 3;
	char text[128];

	for (size_t i = 0; i < p->schema->count; i++) {
		unsigned d = distance(name, p->schema->rows[i].name, 2);

		if (d < least) {
			least = d;
			near = p->schema->rows[i].name;
		}
	}
	if (near)
		snprintf(text, sizeof text, "no such setting; is %s meant?", near);
	else
		snprintf(text, sizeof text, "no such setting of %s", p->schema->program);
	complain(p, line, name, text);
}

static char *trimmed(char *from, char *end)
{
	while (from < end && (*from == ' ' || *from == '\t'))
		from++;
	while (end > from && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*end = 0;
	return from;
}

/* One line, in memory that may be written to, with room for a NUL at its end. */
static void parse_line(struct parse *p, char *line, size_t len, unsigned number)
{
	char text[64];
	char *equals, *name, *value;

	if (memchr(line, 0, len)) {
		complain(p, number, NULL, "the line has a NUL in it");
		return;
	}
	name = trimmed(line, line + len);
	if (*name == 0 || *name == '#')
		return;
	equals = strchr(name, '=');
	if (!equals) {
		complain(p, number, NULL, "the line is not `key = value`");
		return;
	}
	value = trimmed(equals + 1, equals + 1 + strlen(equals + 1));
	name = trimmed(name, equals);
	/* A name is shown in messages; nothing that is none can harm there. */
	if (strlen(name) > 63 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") !=
					 strlen(name) || !*name) {
		complain(p, number, NULL, "what stands before the `=` is not a setting's name");
		return;
	}
	for (size_t i = 0; i < p->schema->count; i++) {
		if (strcmp(p->schema->rows[i].name, name) != 0)
			continue;
		if (p->lines[i]) {
			snprintf(text, sizeof text, "given already in line %u", p->lines[i]);
			complain(p, number, name, text);
			return;
		}
		p->lines[i] = number;
		/* Empty only where that is the default, meaning that there is none. */
		if (*value == 0 && !(p->schema->rows[i].initial && !*p->schema->rows[i].initial))
			complain(p, number, name, "no value behind the `=`");
		else
			set_value(p, i, value, number);
		return;
	}
	complain_unknown(p, number, name);
}

static void parse_lines(struct parse *p, char *text, size_t len)
{
	unsigned number = 0;

	while (len) {
		char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		parse_line(p, text, line, ++number);
		if (!end)
			return;
		text += line + 1;
		len -= line + 1;
	}
}

static void fill_defaults(struct parse *p)
{
	for (size_t i = 0; i < p->schema->count; i++) {
		if (p->lines[i])
			continue;
		if (p->schema->rows[i].initial)
			set_value(p, i, p->schema->rows[i].initial, 0);
		else
			complain(p, 0, p->schema->rows[i].name, "must be given");
	}
}

static void release_filled(struct parse *p)
{
	for (size_t i = 0; i < p->schema->count; i++) {
		const struct setting *row = &p->schema->rows[i];

		if (p->filled[i] && types[row->type].release)
			types[row->type].release(member(row, p->settings));
	}
}

enum err settings_parse(const struct settings_schema *schema, const char *path, struct view text,
			void *ret_settings, struct buffer *messages)
{
	struct parse p = {.schema = schema, .path = path, .messages = messages};
	char *copy = malloc(text.len + 1);
	enum err err = E_OK;

	assert(schema->count <= SETTINGS_ROWS_MAX);
	p.settings = calloc(1, schema->size);
	if (!copy || !p.settings) {
		buffer_put_text(messages, "%s: error: out of memory\n", path);
		err = E_MEMORY;
		goto out;
	}
	if (text.len)
		memcpy(copy, text.data, text.len);
	parse_lines(&p, copy, text.len);
	fill_defaults(&p);
	if (p.errors) {
		release_filled(&p);
		err = E_SYNTAX;
		goto out;
	}
	memcpy(ret_settings, p.settings, schema->size);
out:
	free(p.settings);
	free(copy);
	return err;
}

enum err settings_load(const struct settings_schema *schema, const char *path, void *ret_settings,
		       struct buffer *messages)
{
	struct buffer text;
	struct error e;
	enum err err;

	buffer_init(&text, SETTINGS_FILE_MAX);
	err = file_read(path, &text, NULL, &e);
	if (err)
		buffer_put_text(messages, "%s\n", e.text);
	else
		err = settings_parse(schema, path, buffer_view(&text), ret_settings, messages);
	buffer_fini(&text);
	return err;
}

void settings_fini(const struct settings_schema *schema, void *settings)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct setting *row = &schema->rows[i];

		if (types[row->type].release)
			types[row->type].release(member(row, settings));
	}
}

/* ---- texts ---- */

/* Words of a paragraph in lines of at most 78 columns, each behind `# `. */
static void put_comment(const char *text, struct buffer *out)
{
	size_t column = 0;

	while (*(text += strspn(text, " \n"))) {
		size_t len = strcspn(text, " \n");

		if (column && column + 1 + len > 78) {
			buffer_put_text(out, "\n");
			column = 0;
		}
		buffer_put_text(out, "%s%.*s", column ? " " : "# ", (int)len, text);
		column += len + (column ? 1 : 2);
		text += len;
	}
	buffer_put_text(out, "\n");
}

static void put_type(const struct setting *row, struct buffer *out)
{
	if (row->type != SETTING_ENUM) {
		buffer_put_text(out, "%s", types[row->type].what);
		return;
	}
	for (const struct setting_choice *c = row->choices; c->name; c++)
		buffer_put_text(out, "%s%s", c == row->choices ? "" : " | ", c->name);
}

void settings_sample(const struct settings_schema *schema, struct buffer *out)
{
	buffer_put_text(out, "# Settings of %s. A line behind `#` shows a default.\n",
			schema->program);
	for (size_t i = 0; i < schema->count; i++) {
		const struct setting *row = &schema->rows[i];

		buffer_put_text(out, "\n# %s.\n", row->line);
		if (row->paragraph)
			put_comment(row->paragraph, out);
		if (row->initial) {
			buffer_put_text(out, "#%s =%s%s\n", row->name, *row->initial ? " " : "",
					row->initial);
		} else {
			buffer_put_text(out, "# Must be given: %s = ", row->name);
			put_type(row, out);
			buffer_put_text(out, "\n");
		}
	}
}

/* Text that mdoc takes for text, each sentence on a line of its own. */
static void put_mdoc(const char *text, struct buffer *out)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			buffer_put_text(out, "\\&");
		start = *text == '\n' || (*text == '.' && text[1] == ' ');
		if (*text == '\\')
			buffer_put_text(out, "\\e");
		else
			buffer_put_u8(out, (uint8_t)*text);
		if (start && *text == '.') {
			buffer_put_u8(out, '\n');
			text++;
		}
	}
}

void settings_mdoc(const struct settings_schema *schema, struct buffer *out)
{
	buffer_put_text(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < schema->count; i++) {
		const struct setting *row = &schema->rows[i];

		buffer_put_text(out, ".It Ic %s No = Ar ", row->name);
		put_type(row, out);
		buffer_put_text(out, "\n");
		buffer_put_u8(out, (uint8_t)toupper((unsigned char)*row->line));
		put_mdoc(row->line + 1, out);
		buffer_put_text(out, ".\n");
		if (row->paragraph) {
			put_mdoc(row->paragraph, out);
			buffer_put_text(out, "\n");
		}
		if (!row->initial)
			buffer_put_text(out, "It must be given.\n");
		else if (*row->initial)
			buffer_put_text(out, "The default is\n.Ql \"%s\" .\n", row->initial);
	}
	buffer_put_text(out, ".El\n");
}

void settings_show(const struct settings_schema *schema, const void *settings, struct buffer *out)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct setting *row = &schema->rows[i];

		buffer_put_text(out, "%s = ", row->name);
		types[row->type].show(row, member_const(row, settings), out);
		buffer_put_text(out, "\n");
	}
}
