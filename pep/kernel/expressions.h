/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps of a plan's rule as expressions of nf_tables. Inside of pep/kernel; failures stick in
 * the requests.
 */
#ifndef COPSEC_PEP_KERNEL_EXPRESSIONS_H
#define COPSEC_PEP_KERNEL_EXPRESSIONS_H

#include "pep/kernel/nft.h"

struct nftnl_rule;

/* Appends the step; if it has a set (nft_has_set), that has this name. */
void expressions_put(
	struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s, const char *set);
/* What the kernel calls a verdict. */
uint32_t expressions_verdict(enum plan_step_kind kind);
/* The number that `nft` has for the type of a key. */
uint32_t expressions_key_type(enum plan_key key);

#endif
