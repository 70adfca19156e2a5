/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands share that sign a bundle; in sign.c. */
#ifndef COPSEC_PMT_COMMANDS_SIGNING_H
#define COPSEC_PMT_COMMANDS_SIGNING_H

#include "common/crypto/cms.h"
#include "pmt/commands/command.h"
#include "pmt/compiler/renew.h"

enum { SIGNERS_MAX = CMS_SIGNERS_MAX };

/* Keys by their files; zeroed to begin with. */
struct signers {
	const char *paths[SIGNERS_MAX];
	struct key *keys[SIGNERS_MAX];
	size_t count;
	struct passphrase_source source;
};

enum err signers_load(struct signers *s, struct error *e) MUST_USE;
/* Also after a failed load. */
void signers_fini(struct signers *s);
/* Adds a signature of each to all documents that lack it; these lie in the arena. */
enum err signers_sign(
	const struct signers *s, struct bundle *b, struct arena *arena, struct error *e) MUST_USE;
/* Writes the file and says so. */
enum err bundle_save(
	const struct bundle *b, struct arena *arena, const char *output, struct error *e) MUST_USE;
/* NAME.bundle -> NAME.fallback.bundle, where the way back from a bundle stands. */
void put_fallback_path(const char *path, struct buffer *out);
/* A warning for each node that an earlier policy does not know. */
void print_left_out(const struct renew_summary *summary);

#endif
