/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of an enforcer need besides a kernel: a disk, and a policy that can be planned. */
#ifndef COPSEC_TESTS_PEP_ENFORCE_PARTS_H
#define COPSEC_TESTS_PEP_ENFORCE_PARTS_H

#include "pep/enforce/storage.h"
#include "tests/pib/set/world.h"

/* Storage in memory. */
struct memory {
	struct buffer current[STORED_KINDS], prepared[STORED_KINDS];
	bool has[STORED_KINDS], prepare_fails, commit_fails[STORED_KINDS], sync_fails;
	unsigned prepares; /* how often anything was */
};
void memory_init(struct memory *m);
void memory_fini(struct memory *m);
struct storage memory_storage(struct memory *m);

/* Gives the rows of the world values that mean something: web in, the rest out with "strong". */
void give_meaning(struct world *w);

#endif
