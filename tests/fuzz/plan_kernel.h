/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pep/kernel/kernel.h without a kernel: holds whole plans, by their ids, and so costs next to
 * nothing; what becomes of their rules is the business of the fuzzer `netlink` and of
 * tests/pep/kernel. Linked in the place of copsec::kernel.
 */
#ifndef COPSEC_TESTS_FUZZ_PLAN_KERNEL_H
#define COPSEC_TESTS_FUZZ_PLAN_KERNEL_H

#include "pep/kernel/kernel.h"

enum mishap {
	NO_MISHAP,
	REFUSES,        /* and all is as before */
	LOSES_ITS_WAY,  /* and what it holds then is not known */
	KEEPS_A_REST,   /* the plan is in force, but what was before cannot be deleted */
	MISHAPS
};

struct kernel *plan_kernel_new(void);
/* Befalls it once. */
void plan_kernel_befall(struct kernel *kernel, enum mishap mishap);
/* The id of the plan that it holds; "": none. */
const char *plan_kernel_holds(const struct kernel *kernel);

#endif
