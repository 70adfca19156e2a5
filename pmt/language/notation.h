/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of PIB attributes as an author writes them, both ways; the schema alone says how:
 *
 *	enumeration     its label: bi-directional
 *	BITS            labels separated by blanks, perhaps none: subnet port
 *	number          decimal; of seconds also 90s, 15m, 8h, 30d; of a time also
 *	                2026-01-31T12:00:00Z; of an algorithm also its name: aes256gcm16
 *	text            itself
 *	address         192.0.2.1, 2001:db8::1
 *	other octets    an even number of hex digits, perhaps behind sha256:
 *	reference       what the other row or list is called, or none
 *	NULL            null:
 *
 * Octets of any kind may begin with hex:, text: or file:, which say how the rest is to be read; a
 * file's are those of a file in the policy's folder or below, and its name is all that is known
 * here.
 */
#ifndef COPSEC_PMT_LANGUAGE_NOTATION_H
#define COPSEC_PMT_LANGUAGE_NOTATION_H

#include "common/base/arena.h"
#include "pib/policy/algorithms.h"
#include "pib/schema/pri.h"

enum {
	NOTATION_OCTETS_MAX = 49152, /* of a value; an EPD has room for 65531 */
};

#define NOTATION_NULL "null:"
#define NOTATION_NONE "none"

enum notation_kind {
	NOTATION_IS_NULL,
	NOTATION_IS_NUMBER, /* BITS too */
	NOTATION_IS_OCTETS,
	NOTATION_IS_FILE, /* its name */
	NOTATION_IS_NAME, /* of a row or a list */
	NOTATION_IS_NONE,
};

struct notation {
	enum notation_kind kind;
	uint64_t number;                   /* two's complement */
	struct view octets;                /* borrowed from the text or the arena; a name too */
	const struct algorithm *algorithm; /* of a number that stands for one we know */
};

/* E_MEMORY too; everything else is a sentence about the text. */
enum err notation_read(const struct pib_attribute *a, const char *text, struct arena *arena,
	struct notation *ret, struct error *e) MUST_USE;

/* Of octets that came from elsewhere. */
enum err notation_check_size(
	const struct pib_attribute *a, size_t size, struct error *e) MUST_USE;

/* The value of pri, which is no reference. */
void notation_write(const struct pri *pri, unsigned attribute, struct buffer *out);

/* May this one stand there by its name? */
bool notation_has_algorithm(const struct pib_attribute *a, const struct algorithm *algorithm);
/* Is it one that is not to be used any more, or that nobody here knows? */
bool notation_is_old(const struct pib_attribute *a, uint64_t number);
bool notation_is_seconds(const struct pib_attribute *a);
bool notation_is_reference(const struct pib_attribute *a);

#endif
