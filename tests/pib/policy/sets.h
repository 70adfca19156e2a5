/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policy sets for tests, on top of the store's rows. */
#ifndef COPSEC_TESTS_PIB_POLICY_SETS_H
#define COPSEC_TESTS_PIB_POLICY_SETS_H

#include "pib/policy/policy.h"
#include "tests/pib/store/rows.h"

/*
 * Rows that mean something, InstanceIds from 1 on:
 *   rule 1 "web"     in, tcp to port 80 or 443 from 192.0.2.0/24: bypass
 *   rule 2 "strong"  out, udp: protect with "strong" (transport, required)
 */
void set_sample(struct rows *r);
/* An address row; `last` NULL: the single address or, with bits, the prefix. */
void set_address(struct rows *r, uint32_t instance, uint32_t group, const char *first,
	const char *last, uint32_t bits);
/* The rows as a store that has passed the store's checks if `checked`. */
struct pri_store *set_store(struct rows *r, bool checked);
/* Must succeed. The caller frees. */
struct policy *set_policy(struct rows *r);

#endif
