/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pin names a key: the SHA-256 of its SubjectPublicKeyInfo in DER, whatever certificate the key
 * comes in. Its text, in settings, policies and messages, is `sha256:` and 64 hexadecimal digits.
 * A plain value; nothing to release.
 */
#ifndef COPSEC_COMMON_BASE_PIN_H
#define COPSEC_COMMON_BASE_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

enum { PIN_SIZE = 32, PIN_TEXT_SIZE = 7 + 2 * PIN_SIZE + 1 };

struct pin {
	uint8_t sha256[PIN_SIZE];
};

/* A list that somebody else owns, or that settings_fini() releases. */
struct pin_list {
	struct pin *items;
	size_t count;
};

/* E_SYNTAX unless `text` is a pin and nothing else; digits of either case. */
enum err pin_parse(const char *text, struct pin *ret_pin, struct error *e) MUST_USE;
/* Writes the text in lower case. */
void pin_format(const struct pin *p, char out[PIN_TEXT_SIZE]);
bool pin_equal(const struct pin *a, const struct pin *b);
bool pin_list_has(const struct pin_list *list, const struct pin *p);

#endif
