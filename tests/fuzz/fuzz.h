/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every fuzzer shares.
 *
 * A fuzzer is one file with a LLVMFuzzerTestOneInput(): it takes any octets, returns 0, logs
 * nothing, and aborts where a property does not hold. Linked with replay.c it is an ordinary test
 * over the committed corpus, in every preset; in the preset `fuzz` it is linked with libFuzzer too.
 * What is decoded is encoded and decoded again, and the decoded values are compared: octets agree
 * also when an encoder loses the same thing twice.
 */
#ifndef COPSEC_TESTS_FUZZ_FUZZ_H
#define COPSEC_TESTS_FUZZ_FUZZ_H

#include <string.h>

#include "common/base/cursor.h"
#include "tests/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether the last input was accepted, whatever that means where it stands. A decoder that refuses
 * everything would keep all promises else: replay.c knows of each seed what it has to be. */
extern bool fuzz_accepted;

/* For results that only have to be harmless. */
static inline void fuzz_either(enum err err)
{
	(void)err;
}

/* A copy on the heap, aligned and of its exact size, so that a sanitizer sees every overrun. */
static inline struct view fuzz_copy(struct view v)
{
	uint8_t *p = malloc(v.len ? v.len : 1);

	REQUIRE(p != NULL);
	if (v.len)
		memcpy(p, v.data, v.len);
	return VIEW(p, v.len);
}

static inline void fuzz_free(struct view v)
{
	void *p;

	memcpy(&p, &v.data, sizeof p);
	free(p);
}

/* Where files of a fuzzer may lie. */
static inline const char *fuzz_temporary_folder(void)
{
	const char *said = getenv("TMPDIR");

	return said && said[0] == '/' ? said : "/tmp";
}

/* The certificates whose keys signed the seeds. */
static inline const char *fuzz_trust(void)
{
	const char *said = getenv("FUZZ_TRUST");

	return said ? said : FUZZ_FOLDER "/trust.pem";
}

/* At most `len` octets. */
static inline struct view fuzz_take(struct cursor *c, size_t len)
{
	return cursor_take(c, len < cursor_left(c) ? len : cursor_left(c));
}

/* Without the first `len` octets. */
static inline struct view fuzz_after(struct view v, size_t len)
{
	REQUIRE(len <= v.len);
	return len ? VIEW(v.data + len, v.len - len) : v;
}

/* Text for people holds no control characters besides the ends of its lines. */
static inline void fuzz_require_printable(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		REQUIRE(text.data[i] == '\n' || (text.data[i] >= 0x20 && text.data[i] != 0x7f));
}

/* A failure has a sentence. */
static inline void fuzz_require_sentence(enum err err, const struct error *e)
{
	REQUIRE(err == e->code && e->text[0] != '\0');
	fuzz_require_printable(view_of_string(e->text));
}

#endif
