/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum err_category category;
	const char *text;
} codes[] = {
#define X(code, category, text) [code] = {category, text},
	ERR_CODES(X)
#undef X
};

const char *err_text(enum err code)
{
	return (unsigned)code < ERR_COUNT ? codes[code].text : "unknown error";
}

enum err_category err_category(enum err code)
{
	return (unsigned)code < ERR_COUNT ? codes[code].category : ERR_CAT_OURS;
}

enum err error_set(struct error *e, enum err code, const char *format, ...)
{
	va_list ap;

	e->code = code;
	e->sys = 0;
	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	return code;
}

enum err error_set_sys(struct error *e, int sys, const char *format, ...)
{
	va_list ap;
	size_t used;

	e->code = E_SYSTEM;
	e->sys = sys;
	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof e->text - used, ": %s", strerror(sys));
	return E_SYSTEM;
}

void error_prefix(struct error *e, const char *format, ...)
{
	char old[ERROR_TEXT_SIZE];
	va_list ap;
	size_t used;

	memcpy(old, e->text, sizeof old);
	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof e->text - used, ": %s", old);
}
