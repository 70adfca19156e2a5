/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SITE_BUCKETS = 64 };

struct module {
	char name[32];
	enum log_level level;
	bool own; /* has been set by name, so a level for all does not change it */
};

/* What is known of a call site that has spoken. */
struct site {
	struct site *next;
	const struct log_site *site;
	struct module *module;
	unsigned tokens;
	uint64_t refilled; /* when the newest token came */
	uint64_t suppressed;
};

struct log {
	log_sink *sink;
	void *sink_context;
	uint64_t (*clock)(void *context);
	void *clock_context;
	enum log_level level;
	size_t module_count;
	struct module modules[LOG_MODULES_MAX];
	struct site *sites[SITE_BUCKETS];
};

/* The number in front is syslog's, as sd-daemon(3) has it. */
static const struct {
	const char *name;
	unsigned priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},   [LOG_LEVEL_WARNING] = {"warning", 4},
	[LOG_LEVEL_NOTICE] = {"notice", 5}, [LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};
_Static_assert(sizeof levels / sizeof levels[0] == LOG_LEVEL_COUNT, "a name for each level");

static uint64_t monotonic(void *context)
{
	struct timespec t;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct log *log_new(enum log_level level, log_sink *sink, void *context)
{
	struct log *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->level = level;
	l->clock = monotonic;
	log_set_sink(l, sink, context);
	return l;
}

void log_free(struct log *l)
{
	if (!l)
		return;
	log_report_suppressed(l);
	for (size_t i = 0; i < SITE_BUCKETS; i++) {
		struct site *next;

		for (struct site *s = l->sites[i]; s; s = next) {
			next = s->next;
			free(s);
		}
	}
	free(l);
}

void log_set_sink(struct log *l, log_sink *sink, void *context)
{
	if (!l)
		return;
	l->sink = sink;
	l->sink_context = context;
}

void log_set_clock(struct log *l, uint64_t (*clock)(void *context), void *context)
{
	if (!l)
		return;
	l->clock = clock ? clock : monotonic;
	l->clock_context = context;
}

/* ---- levels ---- */

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < LOG_LEVEL_COUNT ? levels[level].name : "?";
}

static enum err parse_level(struct view name, enum log_level *ret_level)
{
	for (unsigned i = 0; i < LOG_LEVEL_COUNT; i++) {
		if (view_equal(name, view_of_string(levels[i].name))) {
			*ret_level = (enum log_level)i;
			return E_OK;
		}
	}
	return E_UNKNOWN;
}

enum err log_level_parse(const char *name, enum log_level *ret_level)
{
	return parse_level(view_of_string(name), ret_level);
}

/* NULL when there are too many; a name that is too long is cut. */
static struct module *find_module(struct module *modules, size_t *count, struct view name,
				  enum log_level level)
{
	struct module *m;

	if (name.len >= sizeof m->name)
		name.len = sizeof m->name - 1;
	for (size_t i = 0; i < *count; i++)
		if (view_equal(view_of_string(modules[i].name), name))
			return &modules[i];
	if (*count == LOG_MODULES_MAX)
		return NULL;
	m = &modules[(*count)++];
	*m = (struct module){.level = level};
	memcpy(m->name, name.data, name.len);
	return m;
}

enum err log_configure(struct log *l, const char *text, struct error *e)
{
	struct module modules[LOG_MODULES_MAX];
	size_t count;
	enum log_level all;

	if (!l)
		return E_OK;
	all = l->level;
	count = l->module_count;
	memcpy(modules, l->modules, sizeof modules);
	/* What is not named this time has no level of its own any more. */
	for (size_t i = 0; i < count; i++)
		modules[i].own = false;
	for (;;) {
		size_t len;
		struct view word;
		const uint8_t *equals;
		struct view name = VIEW_NONE;
		enum log_level level;
		struct module *m;

		text += strspn(text, " ,\t");
		len = strcspn(text, " ,\t");
		if (!len)
			break;
		word = VIEW(text, len);
		text += len;
		equals = memchr(word.data, '=', word.len);
		if (equals) {
			name = VIEW(word.data, (size_t)(equals - word.data));
			word = VIEW(equals + 1, word.len - name.len - 1);
		}
		if (parse_level(word, &level) || (equals && name.len == 0))
			return error_set(e, E_SYNTAX,
					 "'%.*s' is not a log level; levels are error, warning, "
					 "notice, info and debug, alone or behind a module and '='",
					 (int)len, (const char *)(name.len ? name.data : word.data));
		if (!equals) {
			all = level;
			continue;
		}
		m = find_module(modules, &count, name, level);
		if (!m)
			return error_set(e, E_LIMIT, "more than %d log modules", LOG_MODULES_MAX);
		m->level = level;
		m->own = true;
	}
	for (size_t i = 0; i < count; i++)
		if (!modules[i].own)
			modules[i].level = all;
	/* Modules keep their places, for sites point to them. */
	l->level = all;
	l->module_count = count;
	memcpy(l->modules, modules, sizeof modules);
	return E_OK;
}

void log_levels(const struct log *l, struct buffer *out)
{
	if (!l)
		return;
	buffer_put_text(out, "%s", log_level_name(l->level));
	for (size_t i = 0; i < l->module_count; i++)
		if (l->modules[i].own)
			buffer_put_text(out, " %s=%s", l->modules[i].name,
					log_level_name(l->modules[i].level));
}

/* ---- writing ---- */

/* Text under construction; what does not fit is left out. */
struct line {
	char text[LOG_LINE_MAX];
	size_t len;
};

static void put_char(struct line *to, char c)
{
	if (to->len + 1 < sizeof to->text)
		to->text[to->len++] = c;
}

static void put_string(struct line *to, const char *s)
{
	while (*s)
		put_char(to, *s++);
}

static bool is_plain(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("._:/+@%-,[]*<>#~!?&;()|^$", c) != NULL);
}

/* As it is if that is harmless, in quotes otherwise; never anything but printable ASCII. */
static void put_value(struct line *to, struct view v)
{
	static const char digits[] = "0123456789abcdef";
	size_t shown = v.len > LOG_VALUE_MAX ? LOG_VALUE_MAX : v.len;
	bool plain = shown > 0 && shown == v.len;

	for (size_t i = 0; plain && i < shown; i++)
		plain = is_plain(v.data[i]);
	if (!plain)
		put_char(to, '"');
	for (size_t i = 0; i < shown; i++) {
		uint8_t c = v.data[i];

		if (c >= ' ' && c < 0x7f) {
			if (c == '"' || c == '\\')
				put_char(to, '\\');
			put_char(to, (char)c);
		} else {
			put_string(to, "\\x");
			put_char(to, digits[c >> 4]);
			put_char(to, digits[c & 15]);
		}
	}
	if (shown < v.len)
		put_string(to, "...");
	if (!plain)
		put_char(to, '"');
}

static void put_key(struct line *to, const char *key)
{
	if (to->len)
		put_char(to, ' ');
	put_string(to, key);
	put_char(to, '=');
}

_Static_assert((int)PIN_TEXT_SIZE >= (int)ENDPOINT_TEXT_SIZE, "the longest fixed text is a pin");

static void put_field(struct line *to, const struct log_field *f)
{
	char text[PIN_TEXT_SIZE] = "-";

	switch (f->type) {
	case LOG_FIELD_NONE:
		return;
	case LOG_FIELD_OCTETS:
		put_key(to, f->key);
		put_value(to, f->value.octets);
		return;
	case LOG_FIELD_STRING:
		put_key(to, f->key);
		put_value(to, view_of_string(f->value.string ? f->value.string : "-"));
		return;
	case LOG_FIELD_ERROR:
		put_key(to, "code");
		put_value(to, view_of_string(f->value.error ? err_text(f->value.error->code) : "-"));
		put_key(to, f->key);
		put_value(to, view_of_string(f->value.error ? f->value.error->text : "-"));
		return;
	case LOG_FIELD_UNSIGNED:
		snprintf(text, sizeof text, "%" PRIu64, f->value.number);
		break;
	case LOG_FIELD_SIGNED:
		snprintf(text, sizeof text, "%" PRId64, f->value.integer);
		break;
	case LOG_FIELD_HEX32:
		snprintf(text, sizeof text, "0x%08" PRIx64, f->value.number);
		break;
	case LOG_FIELD_PIN:
		if (f->value.pin)
			pin_format(f->value.pin, text);
		break;
	case LOG_FIELD_ENDPOINT:
		if (f->value.endpoint)
			endpoint_format(f->value.endpoint, text);
		break;
	}
	put_key(to, f->key);
	put_string(to, text);
}

static void emit(struct log *l, const struct log_site *site, const struct log_field *fields,
		 size_t count, uint64_t suppressed)
{
	struct log_record record = {.level = site->level, .module = site->module,
				    .sentence = site->sentence};
	struct log_field extra = log_u64("suppressed", suppressed);
	struct line line;

	line.len = 0;
	for (size_t i = 0; i < count; i++)
		put_field(&line, &fields[i]);
	if (suppressed)
		put_field(&line, &extra);
	line.text[line.len] = 0;
	record.fields = line.text;
	if (l->sink)
		l->sink(l->sink_context, &record);
}

static struct site *find_site(struct log *l, const struct log_site *site)
{
	/* Sites are static and some tens of octets apart. */
	struct site **bucket = &l->sites[((uintptr_t)site >> 4) % SITE_BUCKETS];
	struct site *s;

	for (s = *bucket; s; s = s->next)
		if (s->site == site)
			return s;
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->site = site;
	s->module = find_module(l->modules, &l->module_count, view_of_string(site->module),
				l->level);
	s->tokens = LOG_BURST;
	s->refilled = l->clock(l->clock_context);
	s->next = *bucket;
	*bucket = s;
	return s;
}

/* True if the site may speak now. */
static bool take_token(struct log *l, struct site *s)
{
	uint64_t now = l->clock(l->clock_context);
	uint64_t fresh = (now - s->refilled) / LOG_REFILL_MS;

	if (fresh >= LOG_BURST - s->tokens) {
		s->tokens = LOG_BURST;
		s->refilled = now;
	} else {
		s->tokens += (unsigned)fresh;
		s->refilled += fresh * LOG_REFILL_MS;
	}
	if (s->tokens == 0)
		return false;
	s->tokens--;
	return true;
}

void log_write(struct log *l, const struct log_site *site, const struct log_field *fields,
	       size_t count)
{
	int saved = errno;
	struct site *s;
	enum log_level level;
	uint64_t suppressed = 0;

	if (!l)
		return;
	s = find_site(l, site);
	level = s && s->module ? s->module->level : l->level;
	if (site->level > level)
		goto out;
	if (s && site->level != LOG_LEVEL_DEBUG) {
		if (!take_token(l, s)) {
			s->suppressed++;
			goto out;
		}
		suppressed = s->suppressed;
		s->suppressed = 0;
	}
	emit(l, site, fields, count, suppressed);
out:
	errno = saved;
}

void log_report_suppressed(struct log *l)
{
	int saved = errno;

	if (!l)
		return;
	for (size_t i = 0; i < SITE_BUCKETS; i++) {
		for (struct site *s = l->sites[i]; s; s = s->next) {
			if (!s->suppressed)
				continue;
			emit(l, s->site, NULL, 0, s->suppressed);
			s->suppressed = 0;
		}
	}
	errno = saved;
}

void log_to_stderr(void *context, const struct log_record *record)
{
	char line[LOG_LINE_MAX + 256];
	char priority[8] = "";
	size_t used = 0;
	int len;

	if (getenv("JOURNAL_STREAM"))
		snprintf(priority, sizeof priority, "<%u>", levels[record->level].priority);
	len = snprintf(line, sizeof line - 1, "%s%s%s%s: %s: %s%s%s", priority,
		       context ? (const char *)context : "", context ? ": " : "",
		       log_level_name(record->level), record->module, record->sentence,
		       record->fields[0] ? " " : "", record->fields);
	if (len < 0)
		return;
	if ((size_t)len > sizeof line - 2)
		len = (int)sizeof line - 2;
	line[len++] = '\n';
	/* One write a line, so that lines of several processes do not mix. */
	while (used < (size_t)len) {
		ssize_t n = write(STDERR_FILENO, line + used, (size_t)len - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		used += (size_t)n;
	}
}
