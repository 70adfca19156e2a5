/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a policy to an unsigned bundle.
 *
 * A set is made for each role combination that a node with a key, or one of its interfaces, has;
 * with the rules of all blocks for one of its roles, in the order of the document. Another
 * authority than home does not know combinations: its sets are for whoever has a role ("*+host"),
 * and for everybody ("*"). Sets are
 * numbered in the order of their names, so the same policy with the same terms gives the same
 * octets. Each node with a key gets an assignment.
 *
 * After a previous bundle, what is the same keeps its number (numbering.h), and a document with the
 * same content its serial and signatures (previous.h).
 *
 * What is compiled has passed the checks that nodes make (pib/store/check.h, pib/policy).
 */
#ifndef COPSEC_PMT_COMPILER_COMPILE_H
#define COPSEC_PMT_COMPILER_COMPILE_H

#include "pib/set/bundle.h"
#include "pmt/language/model.h"

struct compile_terms {
	uint64_t serial;
	uint64_t not_before; /* seconds since 1970, UTC */
	uint64_t not_after;
	const struct bundle *previous; /* NULL: nothing to keep to */
	bool drop_signatures;          /* of the previous bundle */
};

struct compile_summary {
	size_t sets;
	size_t nodes;
	size_t rules; /* ipSecRule */
	size_t pris;  /* of all sets, without the envelopes */
	size_t octets;
};

/* Appends the bundle's file. The model is one without errors. */
enum err compile_policy(const struct model *m, const struct compile_terms *terms,
	struct buffer *out, struct compile_summary *ret_summary, struct error *e) MUST_USE;

#endif
