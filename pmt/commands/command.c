/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/file.h"
#include "common/base/utc.h"
#include "common/service/settings.h"

int command_failed(const char *name, const struct error *e)
{
	fprintf(stderr, "pmt %s: %s\n", name, e->text);
	return EXIT_BAD_INPUT;
}

int command_misused(const char *name, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "pmt %s: ", name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "; see pmt %s --help\n", name);
	return EXIT_BAD_USAGE;
}

void command_begin(struct options *o, const struct option_row *rows, int argc, char **argv)
{
	options_begin(o, rows, argc, argv);
}

int command_next(struct options *o, const char *name, int *ret_status)
{
	int id = options_next(o);

	if (id == OPTIONS_END)
		return 0;
	if (id != OPTIONS_BAD)
		return id;
	*ret_status = command_misused(name, "%s", o->message);
	return -1;
}

const char *command_operand(const struct options *o, const char *name, const char *what)
{
	if (o->argc == 1)
		return o->argv[0];
	if (o->argc == 0)
		command_misused(name, "%s is missing", what);
	else
		command_misused(name, "\"%s\" is too much", o->argv[1]);
	return NULL;
}

bool command_number(const char *name, const char *option, const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno)
		return true;
	command_misused(name, "\"%s\" is not a number for --%s", text, option);
	return false;
}

bool command_time(const char *name, const char *option, const char *text, uint64_t *ret)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t t;

	if (!end || *end) {
		if (!strpbrk(text, "-:TZ"))
			return command_number(name, option, text, ret);
		command_misused(name, "\"%s\" is not a time for --%s, such as 2026-01-31T12:00:00Z",
			text, option);
		return false;
	}
	t = timegm(&tm);
	if (t < 0) {
		command_misused(name, "--%s is before 1970", option);
		return false;
	}
	*ret = (uint64_t)t;
	return true;
}

bool command_duration(const char *name, const char *option, const char *text, uint64_t *ret_ms)
{
	if (duration_parse(text, ret_ms))
		return true;
	command_misused(name, "\"%s\" is not a time for --%s, such as 30s", text, option);
	return false;
}

void print_time(uint64_t seconds, struct buffer *out)
{
	char text[UTC_TEXT_SIZE];

	utc_format(seconds, text);
	buffer_put_text(out, "%s", text);
}

uint64_t now_utc(void)
{
	time_t now = time(NULL);

	return now < 0 ? 0 : (uint64_t)now;
}

/* As far as its first letter tells. */
static bool looks_like_policy(const struct buffer *file)
{
	size_t at = 0;

	while (at < file->len && strchr(" \t\r\n", file->data[at]) && file->data[at])
		at++;
	return at < file->len && file->data[at] == '<';
}

enum err bundle_file_read(struct bundle_file *f, const char *path, struct error *e)
{
	enum err code;

	buffer_init(&f->octets, BUNDLE_MAX);
	arena_init(&f->arena, (size_t)4 * BUNDLE_MAX);
	code = file_read(path, &f->octets, NULL, e);
	if (code)
		return code;
	if (looks_like_policy(&f->octets))
		return error_set(e, E_TYPE,
			"%s is a policy and not a bundle: pmt compile makes one of it", path);
	code = bundle_read(buffer_view(&f->octets), &f->arena, &f->bundle, e);
	if (code)
		error_prefix(e, "%s", path);
	return code;
}

void bundle_file_fini(struct bundle_file *f)
{
	buffer_fini(&f->octets);
	arena_fini(&f->arena);
}

bool is_bundle(const char *path)
{
	static const char magic[] = "COPSEC\r\n";
	char start[sizeof magic - 1];
	FILE *f = fopen(path, "rb");
	bool is = f && fread(start, sizeof start, 1, f) == 1 &&
		  memcmp(start, magic, sizeof start) == 0;

	if (f)
		fclose(f);
	return is;
}

struct view bundle_file_objects(const struct bundle_file *f)
{
	struct view all = buffer_view(&f->octets);

	return VIEW(all.data + BUNDLE_HEADER, all.len - BUNDLE_HEADER);
}

int command_output(const char *name, struct buffer *out)
{
	struct view all = buffer_view(out);
	struct error e;

	if (out->error) {
		error_set(&e, out->error, "%s", err_text(out->error));
		return command_failed(name, &e);
	}
	if (all.len && fwrite(all.data, 1, all.len, stdout) != all.len) {
		error_set_sys(&e, errno, "cannot write");
		return command_failed(name, &e);
	}
	return EXIT_SUCCESS;
}
