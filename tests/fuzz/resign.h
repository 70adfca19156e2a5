/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes the signatures away from between a fuzzer and what stands behind them: a run of PRID and EPD
 * objects comes in, the same comes out with every document signed by a key of ours, the manifests'
 * roots and the index's being those of `rows` (NULL: as they are), and the assignments for this
 * node. What cannot be read as a document is signed as it is; what is no run of objects stays as it
 * is.
 */
#ifndef COPSEC_TESTS_FUZZ_RESIGN_H
#define COPSEC_TESTS_FUZZ_RESIGN_H

#include "common/base/arena.h"
#include "common/crypto/key.h"
#include "common/crypto/trust.h"
#include "pib/store/store.h"

struct resigner {
	struct key *key; /* trusted, and the node's */
	struct trust *trust;
	bool keep_node;
};

/* The key and the trust list are made once and live as long as the process. */
const struct resigner *resigner(void);
void resign(const struct resigner *r, const struct pri_store *rows, struct view objects,
	struct buffer *out);

#endif
