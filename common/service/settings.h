/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of a program: one table says their names, types, ranges, defaults and what they mean.
 * From it come the parser of the settings file, the check, the sample file and the manual page's
 * section, so that none of them can disagree.
 *
 * A file has lines `key = value`; `#` begins a comment line; spaces around key and value do not
 * count; a list's items are separated by spaces or commas. Each key at most once. Every error of a
 * file is reported, as `file:line: error: text`, not only the first.
 *
 * The program declares a struct with one member a row; settings_parse() fills a whole new one or
 * leaves it untouched, so that a reload can compare old and new. settings_fini() releases it.
 */
#ifndef COPSEC_COMMON_SERVICE_SETTINGS_H
#define COPSEC_COMMON_SERVICE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/network.h"
#include "common/base/pin.h"

enum {
	SETTINGS_FILE_MAX = 1024 * 1024, /* octets of a file */
	SETTINGS_LIST_MAX = 1024,        /* items of a list, unless the row says less */
	SETTINGS_ROWS_MAX = 128,         /* rows of a schema */
	SETTINGS_ERRORS_MAX = 100,       /* reported of one file */
};

enum setting_type {
	SETTING_STRING,    /* char *, never NULL; min..max octets */
	SETTING_PATH,      /* char *, never NULL; absolute, or empty if that is the default */
	SETTING_BOOL,      /* bool; yes, no */
	SETTING_U32,       /* uint32_t; min..max; decimal or 0x... */
	SETTING_DURATION,  /* uint64_t, milliseconds; min..max in milliseconds; 250ms, 30s, 5m, 2h, 7d */
	SETTING_ENDPOINTS, /* struct endpoint_list; min..max items; `port` where none is given */
	SETTING_NETWORKS,  /* struct network_list; the same */
	SETTING_PINS,      /* struct pin_list; min..max items */
	SETTING_ENUM,      /* unsigned; one of `choices` */
};

struct setting_choice {
	const char *name; /* NULL ends the table */
	unsigned value;
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;       /* of the member; write SETTING_AT_... */
	const char *initial; /* as it would stand in the file; NULL: must be given */
	uint64_t min, max;   /* max 0: no bound but the type's */
	uint16_t port;
	const struct setting_choice *choices;
	const char *line;      /* one line, without a full stop */
	const char *paragraph; /* for the manual; may be NULL */
};

/* The member's offset; does not compile if its type is not the one that the row's type needs. */
#define SETTING_AT(type, member, c_type)                                                           \
	(offsetof(type, member) + 0 * sizeof(&((type *)NULL)->member == (c_type *)NULL))
#define SETTING_AT_STRING(type, member) SETTING_AT(type, member, char *)
#define SETTING_AT_BOOL(type, member) SETTING_AT(type, member, bool)
#define SETTING_AT_U32(type, member) SETTING_AT(type, member, uint32_t)
#define SETTING_AT_DURATION(type, member) SETTING_AT(type, member, uint64_t)
#define SETTING_AT_ENDPOINTS(type, member) SETTING_AT(type, member, struct endpoint_list)
#define SETTING_AT_NETWORKS(type, member) SETTING_AT(type, member, struct network_list)
#define SETTING_AT_PINS(type, member) SETTING_AT(type, member, struct pin_list)
#define SETTING_AT_ENUM(type, member) SETTING_AT(type, member, unsigned)

struct settings_schema {
	const char *program; /* for texts: pepd */
	const struct setting *rows;
	size_t count;
	size_t size; /* of the program's struct */
};

/*
 * `path` is only for messages. All messages are appended to `messages`, a line each; E_SYNTAX if
 * there are any, E_MEMORY otherwise. ret_settings (schema->size octets) is written on success only.
 */
enum err settings_parse(const struct settings_schema *schema, const char *path, struct view text,
			void *ret_settings, struct buffer *messages) MUST_USE;
/* The file at `path`; a file that cannot be read is a message too, and E_SYSTEM. */
enum err settings_load(const struct settings_schema *schema, const char *path, void *ret_settings,
		       struct buffer *messages) MUST_USE;
void settings_fini(const struct settings_schema *schema, void *settings);

/* A file with every setting at its default, commented out, or to be filled in if it has none. */
void settings_sample(const struct settings_schema *schema, struct buffer *out);
/* A list for a manual page, in mdoc. */
void settings_mdoc(const struct settings_schema *schema, struct buffer *out);
/* `key = value` lines of what is set now. */
void settings_show(const struct settings_schema *schema, const void *settings, struct buffer *out);

/* `30s` to milliseconds, for other places that take durations. False: not a duration. */
bool duration_parse(const char *text, uint64_t *ret_ms);
/* The shortest exact form, appended. */
void duration_format(uint64_t ms, struct buffer *out);

#endif
