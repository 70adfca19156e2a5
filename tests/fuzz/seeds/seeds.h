/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes the seeds of the fuzzers whose formats are ours to change: what our own libraries write is
 * what the fuzzers have to accept. After a change of format:
 *
 *	build/dev/tests/fuzz/make-seeds tests/fuzz
 *
 * writes tests/fuzz/corpus/TARGET/good-* (and a few bad-*) anew, and trust.pem with the certificates
 * of new keys; the keys themselves are forgotten. Other seeds are left alone. The test fuzz-seeds
 * makes them in a folder of the build and replays them there.
 */
#ifndef COPSEC_TESTS_FUZZ_SEEDS_SEEDS_H
#define COPSEC_TESTS_FUZZ_SEEDS_SEEDS_H

#include "common/base/bytes.h"
#include "common/crypto/key.h"
#include "pib/schema/pri.h"
#include "tests/require.h"

enum { SEED_MAX = 16 << 20, SIGNERS = 2 };

struct seeds {
	const char *folder;           /* that has corpus/ */
	struct key *signers[SIGNERS]; /* trust.pem holds their certificates */
	struct key *stranger;
};

/* FOLDER/corpus/TARGET/NAME; `format` as of printf. */
void seed_write(const struct seeds *s, const char *target, struct view octets, const char *format,
	...) PRINTF_LIKE(4, 5);

/* The document with one more signer each. */
void seed_sign(struct view document, struct key *const *keys, size_t count, struct buffer *out);

/* The least values of a class, or the greatest. */
void seed_row(const struct pib_class *class, bool greatest, struct pri *ret);

void make_documents(const struct seeds *s); /* documents, bundle, state, decision */
void make_signatures(const struct seeds *s); /* cms */
void make_rows(const struct seeds *s);       /* pri */
void make_messages(const struct seeds *s);   /* ipc */
void make_requests(const struct seeds *s);   /* request-state */
void make_traces(const struct seeds *s);     /* trace-message, trace-flows, trace-capture */

#endif
